"""Tabular MDPs, the chunked MDP built from one, and their exact solutions.

    (S, A, r, p, discount)  ->  (S, A^H, r_bar, p_bar, discount^H)

    r_bar(s, a_1..a_H)      = E sum_k discount^k r(s_k, a_k)     executed open loop from s
    p_bar(s' | s, a_1..a_H) = [P_{a_1} P_{a_2} ... P_{a_H}](s, s')

The result is an MDP like any other, so the same solvers and the same backup serve both; only `discount` has
become discount^H. A terminal state is one that no action leaves and where every reward is 0.
Source: arXiv 2507.07969, section 3. Shapes: S states, A actions, H chunk length, C = A^H chunks.
"""

from typing import NamedTuple

import numpy as np

from qlac_lite.utils.errors import QlacError

MAX_ENTRIES = 100_000_000  # of a chunked transition table, 800 MB


class TabularMDP(NamedTuple):
    """A finite MDP."""

    transitions: np.ndarray  # (S, A, S), p(s' | s, a)
    rewards: np.ndarray  # (S, A), expected reward of taking a in s
    discount: float

    @property
    def terminal(self) -> np.ndarray:
        """(S,) bool: no action leaves the state, and every reward there is 0."""
        states = np.arange(len(self.rewards))
        return np.all(self.transitions[states, :, states] == 1, axis=1) & np.all(self.rewards == 0, axis=1)


def check_mdp(mdp: TabularMDP) -> None:
    """Raises QlacError if shapes disagree, a row of p is no distribution,
    or the discount is not in [0, 1).
    """
    p, r = np.asarray(mdp.transitions), np.asarray(mdp.rewards)
    if p.ndim != 3 or p.shape[0] != p.shape[2] or r.shape != p.shape[:2]:
        raise QlacError(
            f"An MDP needs transitions (S, A, S) and rewards (S, A); got {p.shape} and {r.shape}."
        )
    if not (np.isfinite(p).all() and np.isfinite(r).all()):
        raise QlacError("The MDP's transitions or rewards hold NaN or infinity.")
    if (p < 0).any() or not np.allclose(p.sum(axis=2), 1):
        s, a = np.argwhere((p < 0).any(axis=2) | ~np.isclose(p.sum(axis=2), 1))[0]
        raise QlacError(
            f"p(. | s={s}, a={a}) is not a distribution: it sums to {p[s, a].sum():.4g}. Normalise each row."
        )
    if not 0 <= mdp.discount < 1:
        raise QlacError(f"The discount is {mdp.discount}; it must lie in [0, 1).")


def action_sequences(actions: int, length: int) -> np.ndarray:
    """All chunks of `length` of `actions` actions in lexicographic order: (A^H, H);
    row c spells c in base A.
    """
    return np.indices((actions,) * length).reshape(length, -1).T


def chunk_rewards(
    transitions: np.ndarray, rewards: np.ndarray, discount: float, chunk: np.ndarray
) -> np.ndarray:
    """r_bar(s, chunk) of every state (S,): transitions (S, A, S), rewards (S, A),
    chunk (H,) of action numbers.
    """
    total = np.zeros(len(rewards))
    for action in chunk[::-1]:  # from the last action to the first
        total = rewards[:, action] + discount * transitions[:, action] @ total
    return total


def chunk_transitions(transitions: np.ndarray, chunk: np.ndarray) -> np.ndarray:
    """p_bar(s' | s, chunk) as a matrix (S, S):
    the product of the kernels of the chunk's actions, in their order.
    """
    kernel = np.eye(len(transitions))
    for action in chunk:
        kernel = kernel @ transitions[:, action]
    return kernel


def chunked(mdp: TabularMDP, length: int) -> TabularMDP:
    """The chunked MDP: actions are the rows of `action_sequences`, the discount is discount^length.

    Every chunk at once what `chunk_rewards` and `chunk_transitions` give for one.

    Raises:
        QlacError: `length` below 1, or a table of more than `MAX_ENTRIES` numbers.
    """
    states, actions = mdp.rewards.shape
    if length < 1:
        raise QlacError(f"The chunk length is {length}; it must be at least 1.")
    if states**2 * actions**length > MAX_ENTRIES:
        raise QlacError(
            f"{actions} actions in chunks of {length} are {actions**length:,} chunks: "
            f"too many for a table of {states} states. "
            "Take a shorter chunk; beyond tables one samples chunks instead of listing them."
        )
    p, r = mdp.transitions, mdp.rewards
    p_bar, r_bar = p, r
    for _ in range(length - 1):  # prepend one action to every chunk so far
        r_bar = r[:, :, None] + mdp.discount * np.einsum("sat,tc->sac", p, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", p, p_bar, optimize=True)
        p_bar, r_bar = p_bar.reshape(states, -1, states), r_bar.reshape(states, -1)
    return TabularMDP(p_bar, r_bar, mdp.discount**length)


def observed_chunked(mdp: TabularMDP, behavior: np.ndarray, length: int) -> TabularMDP:
    """The chunked MDP that logged data show: r_bar and p_bar conditional on the chunk having been *chosen* by
    a closed-loop `behavior` (S, A), p(s_1.. | s, a_1.., behavior). It is what regression on logged chunks
    converges to.

    It equals `chunked` where the chunk tells nothing of the states it passed through: deterministic
    transitions, or a behavior that does not look at the state. A chunk the behavior never takes from a state
    keeps its open-loop row.
    """
    states, actions = mdp.rewards.shape
    truth = chunked(mdp, length)
    p_bar, r_bar, weight = _weighted_chunks(mdp, behavior, length)
    seen = weight > 0
    divisor = np.where(seen, weight, 1)
    return TabularMDP(
        np.where(seen[:, :, None], p_bar / divisor[:, :, None], truth.transitions),
        np.where(seen, r_bar / divisor, truth.rewards),
        truth.discount,
    )


def _weighted_chunks(
    mdp: TabularMDP, behavior: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p_bar, r_bar and the probability of the chunk (S, C),
    each path weighted by the behavior's probability of it.
    """
    states = len(mdp.rewards)
    taken = behavior[:, :, None] * mdp.transitions  # (S, A, S) probability of acting so and going there
    p_bar, r_bar, weight = taken, behavior * mdp.rewards, np.array(behavior)
    for _ in range(length - 1):
        later = np.einsum("sat,tc->sac", taken, weight)
        r_bar = mdp.rewards[:, :, None] * later + mdp.discount * np.einsum("sat,tc->sac", taken, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", taken, p_bar, optimize=True)
        p_bar, r_bar, weight = (
            p_bar.reshape(states, -1, states),
            r_bar.reshape(states, -1),
            later.reshape(states, -1),
        )
    return p_bar, r_bar, weight


# Backups: Q (S, A) -> Q (S, A). On `chunked(mdp, H)` the first is the chunked backup.


def backup(mdp: TabularMDP, q: np.ndarray) -> np.ndarray:
    """Bellman optimality backup: r + discount * E max_a' Q(s', a')."""
    return mdp.rewards + mdp.discount * mdp.transitions @ q.max(axis=1)


def n_step_backup(mdp: TabularMDP, behavior: np.ndarray, q: np.ndarray, n: int) -> np.ndarray:
    """The uncorrected n-step backup: a_1 is free, a_2 .. a_n follow `behavior` (S, A), then max Q.

    Its fixed point is the optimal Q only if n = 1 or the behavior is optimal.
    """
    value = q.max(axis=1)  # (S,)
    for _ in range(n - 1):
        value = np.sum(behavior * (mdp.rewards + mdp.discount * mdp.transitions @ value), axis=1)
    return mdp.rewards + mdp.discount * mdp.transitions @ value


# Exact solutions.


def policy_q(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """Q (S, A) of a stochastic `policy` (S, A), by one linear solve."""
    p = np.einsum("sa,sat->st", policy, mdp.transitions)
    value = np.linalg.solve(np.eye(len(p)) - mdp.discount * p, np.sum(policy * mdp.rewards, axis=1))
    return mdp.rewards + mdp.discount * mdp.transitions @ value


def greedy(q: np.ndarray) -> np.ndarray:
    """The deterministic greedy policy of Q as probabilities (S, A); ties go to the first action."""
    return np.eye(q.shape[1])[q.argmax(axis=1)]


def optimal_q(mdp: TabularMDP) -> np.ndarray:
    """Optimal Q (S, A), by policy iteration.

    Raises:
        QlacError: the MDP is malformed.
    """
    check_mdp(mdp)
    q = policy_q(mdp, greedy(mdp.rewards))
    while True:
        better = policy_q(mdp, greedy(q))
        if better.max(axis=1).sum() <= q.max(axis=1).sum() + 1e-10:
            return better
        q = better


# Trajectories.


class Trajectories(NamedTuple):
    """Simulated episodes, padded after a terminal state."""

    states: np.ndarray  # (N, T + 1) int
    actions: np.ndarray  # (N, T) int
    rewards: np.ndarray  # (N, T)
    valid: np.ndarray  # (N, T) bool, False once a terminal state was reached


def simulate(
    mdp: TabularMDP,
    policy: np.ndarray,
    starts: np.ndarray,
    steps: int,
    rng: np.random.Generator,
    chunk_length: int = 1,
) -> Trajectories:
    """N episodes of `steps` transitions from `starts` (N,), vectorised over the episodes.

    With `chunk_length` H the policy (S, A^H) chooses a chunk every H steps and executes it open loop.
    """
    actions_count = mdp.rewards.shape[1]
    sequences, cumulative = action_sequences(actions_count, chunk_length), policy.cumsum(axis=1)
    moves, terminal = mdp.transitions.cumsum(axis=2), mdp.terminal
    states = np.zeros((len(starts), steps + 1), int)
    actions = np.zeros((len(starts), steps), int)
    states[:, 0] = starts
    draw = lambda table: np.minimum((rng.random((len(table), 1)) > table).sum(axis=1), table.shape[1] - 1)
    for t in range(steps):
        if t % chunk_length == 0:
            chunk = sequences[draw(cumulative[states[:, t]])]  # (N, H)
        actions[:, t] = chunk[:, t % chunk_length]
        states[:, t + 1] = draw(moves[states[:, t], actions[:, t]])
    now = states[:, :-1]
    return Trajectories(states, actions, mdp.rewards[now, actions], ~terminal[now])


class Windows(NamedTuple):
    """Stretches of L steps cut from trajectories, M of them;
    what lies after an episode's end is 0 and not valid.
    """

    state: np.ndarray  # (M,) int, where it starts
    actions: np.ndarray  # (M, L) int
    rewards: np.ndarray  # (M, L)
    valid: np.ndarray  # (M, L) 1.0 where the step exists
    mask: np.ndarray  # (M,) 0.0 if the last state is terminal: nothing to bootstrap from
    last_state: np.ndarray  # (M,) int, L steps on, or the last of the episode
    offset: np.ndarray  # (M,) int, steps from the start of the episode


def windows(mdp: TabularMDP, episodes: Trajectories, length: int, stride: int = 1) -> Windows:
    """Windows of `length` steps that start at 0, stride, 2 stride, ... of each episode,
    as long as a step is left.
    """
    lengths = episodes.valid.sum(axis=1)  # (N,)
    row, start = np.nonzero(episodes.valid & (np.arange(episodes.valid.shape[1]) % stride == 0))  # (M,), (M,)
    steps = start[:, None] + np.arange(length)  # (M, L)
    valid = steps < lengths[row, None]
    steps = np.minimum(steps, lengths[row, None] - 1)
    last_state = episodes.states[row, np.minimum(start + length, lengths[row])]
    return Windows(
        episodes.states[row, start],
        episodes.actions[row[:, None], steps] * valid,
        episodes.rewards[row[:, None], steps] * valid,
        valid.astype(float),
        1.0 - mdp.terminal[last_state],
        last_state,
        start,
    )


# The worlds of the lessons.


def chain(length: int, discount: float, slip: float = 0.0) -> TabularMDP:
    """States 0 .. length; action 1 steps right, 0 steps left (not below 0);
    -1 a step until the last state, terminal.

    With probability `slip` a step goes the other way.
    """
    return _walk(_neighbours_on_a_line(length + 1), [length], discount, slip_to=lambda a: [1 - a], slip=slip)


MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


def grid(picture: str, discount: float, noise: float = 0.0) -> tuple[TabularMDP, np.ndarray]:
    """A maze drawn with '#' for walls, '.' for free cells, 'G' for the terminal goal, 'S' for the start.

    Four moves, -1 a step until the goal. With probability `noise` a step goes sideways instead, half to each
    side; a step into a wall stays.

    Returns:
        the MDP, and (S, 2) row and column of each state; state 0 is the start.
    """
    rows = picture.split()
    cells = sorted(
        ((i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c != "#"),
        key=lambda ij: rows[ij[0]][ij[1]] != "S",
    )
    index = {cell: s for s, cell in enumerate(cells)}
    goals = [s for (i, j), s in index.items() if rows[i][j] == "G"]
    step = np.array(
        [[index.get((i + di, j + dj), index[i, j]) for di, dj in MOVES.values()] for i, j in cells]
    )
    return _walk(step, goals, discount, slip_to=lambda a: [(a + 1) % 4, (a + 3) % 4], slip=noise), np.array(
        cells
    )


def _neighbours_on_a_line(states: int) -> np.ndarray:
    s = np.arange(states)
    return np.stack([np.maximum(s - 1, 0), np.minimum(s + 1, states - 1)], axis=1)


def _walk(step: np.ndarray, goals: list[int], discount: float, slip_to, slip: float) -> TabularMDP:
    """An MDP of -1 a step on the deterministic moves `step` (S, A), terminal at `goals`."""
    states, actions = step.shape
    transitions = np.zeros((states, actions, states))
    for a in range(actions):
        targets = [(step[:, a], 1 - slip), *((step[:, b], slip / len(slip_to(a))) for b in slip_to(a))]
        for target, probability in targets:
            np.add.at(transitions, (np.arange(states), a, target), probability)
    transitions[goals] = 0
    transitions[goals, :, goals] = 1
    rewards = -np.ones((states, actions))
    rewards[goals] = 0
    return TabularMDP(transitions, rewards, discount)
