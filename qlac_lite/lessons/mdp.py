"""Tabular MDPs: the chunked MDP, solutions, the lessons' worlds, simulated episodes and their windows.

    (S, A, r, p, discount)  ->  (S, A^H, r_bar, p_bar, discount^H)

    r_bar(s, a_1..a_H)      = E sum_k discount^k r(s_k, a_k)     executed open loop from s
    p_bar(s' | s, a_1..a_H) = [P_{a_1} P_{a_2} ... P_{a_H}](s, s')

The chunked MDP is an MDP like any other: the same solvers and backup serve both. Source: arXiv 2507.07969,
section 3. Shapes: S states, A actions, H chunk length, C = A^H chunks, N episodes, T steps, M windows.
"""

from typing import NamedTuple

import numpy as np

from qlac_lite.utils.errors import QlacError

Array = np.ndarray
MAX_ENTRIES = 100_000_000  # of a chunked transition table, 800 MB
MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


class TabularMDP(NamedTuple):
    transitions: Array  # (S, A, S), p(s' | s, a)
    rewards: Array  # (S, A), expected
    discount: float

    @property
    def terminal(self) -> Array:
        """(S,) bool: no action leaves the state, and every reward there is 0."""
        states = np.arange(len(self.rewards))
        return np.all(self.transitions[states, :, states] == 1, axis=1) & np.all(self.rewards == 0, axis=1)


def check_mdp(mdp: TabularMDP) -> None:
    """Raises QlacError if it is malformed."""
    p, r = np.asarray(mdp.transitions), np.asarray(mdp.rewards)
    if p.ndim != 3 or p.shape[0] != p.shape[2] or r.shape != p.shape[:2]:
        raise QlacError(f"An MDP needs transitions (S, A, S), rewards (S, A); not {p.shape} and {r.shape}.")
    if not (np.isfinite(p).all() and np.isfinite(r).all()):
        raise QlacError("The MDP's transitions or rewards hold NaN or infinity.")
    for s, a in np.argwhere((p < 0).any(axis=2) | ~np.isclose(p.sum(axis=2), 1)):
        raise QlacError(f"p(. | s={s}, a={a}) sums to {p[s, a].sum():.4g}: no distribution. Normalise it.")
    if not 0 <= mdp.discount < 1:
        raise QlacError(f"The discount is {mdp.discount}; it must lie in [0, 1).")


def action_sequences(actions: int, length: int) -> Array:
    """All chunks of `length` of `actions` actions: (A^H, H); row c spells c in base A."""
    return np.indices((actions,) * length).reshape(length, -1).T


def chunk_path(mdp: TabularMDP, state: int, chunk: Array) -> list[int]:
    """The most likely state after each action of a chunk (H,) of action numbers, `state` first."""
    path = [state]
    for action in chunk:
        path.append(int(mdp.transitions[path[-1], action].argmax()))
    return path


def chunked(mdp: TabularMDP, length: int) -> TabularMDP:
    """The chunked MDP; its actions are the rows of `action_sequences`. QlacError if it is too large."""
    states, actions = mdp.rewards.shape
    if length < 1:
        raise QlacError(f"The chunk length is {length}; it must be at least 1.")
    if states**2 * actions**length > MAX_ENTRIES:
        raise QlacError(
            f"A table of {actions**length:,} chunks is too large. Take a shorter chunk, or sample."
        )
    p, r = p_bar, r_bar = mdp.transitions, mdp.rewards
    for _ in range(length - 1):  # puts an action before every chunk so far
        r_bar = r[:, :, None] + mdp.discount * np.einsum("sat,tc->sac", p, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", p, p_bar, optimize=True)
        p_bar, r_bar = p_bar.reshape(states, -1, states), r_bar.reshape(states, -1)
    return TabularMDP(p_bar, r_bar, mdp.discount**length)


def observed_chunked(mdp: TabularMDP, behavior: Array, length: int) -> TabularMDP:
    """The chunked MDP that regression finds in chunks logged by a `behavior` (S, A) that looks at each state.

    It equals `chunked` if transitions are deterministic or the behavior does not look. Chunks that are never
    taken keep their open-loop rows.
    """
    truth, states = chunked(mdp, length), len(mdp.rewards)
    # p_bar and r_bar weighted by the probability of each path, and that of the chunk (S, C).
    taken = behavior[:, :, None] * mdp.transitions  # (S, A, S) probability of acting so and going there
    p_bar, r_bar, weight = taken, behavior * mdp.rewards, behavior
    for _ in range(length - 1):
        later = np.einsum("sat,tc->sac", taken, weight)
        r_bar = mdp.rewards[:, :, None] * later + mdp.discount * np.einsum("sat,tc->sac", taken, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", taken, p_bar, optimize=True).reshape(states, -1, states)
        r_bar, weight = r_bar.reshape(states, -1), later.reshape(states, -1)
    seen, divisor = weight > 0, np.where(weight > 0, weight, 1)
    p_bar = np.where(seen[:, :, None], p_bar / divisor[:, :, None], truth.transitions)
    return TabularMDP(p_bar, np.where(seen, r_bar / divisor, truth.rewards), truth.discount)


def _ahead(mdp: TabularMDP, value: Array) -> Array:
    """Q (S, A) of a step, then `value` (S,)."""
    return mdp.rewards + mdp.discount * mdp.transitions @ value


def backup(mdp: TabularMDP, q: Array) -> Array:
    """Bellman optimality backup of Q (S, A); on `chunked(mdp, H)`, the chunked backup."""
    return _ahead(mdp, q.max(axis=1))


def n_step_backup(mdp: TabularMDP, behavior: Array, q: Array, n: int) -> Array:
    """The uncorrected n-step backup: a_1 is free, a_2 .. a_n follow `behavior` (S, A).

    Its fixed point is the optimal Q only if n = 1 or the behavior is optimal.
    """
    value = q.max(axis=1)  # (S,)
    for _ in range(n - 1):
        value = np.sum(behavior * _ahead(mdp, value), axis=1)
    return _ahead(mdp, value)


def policy_q(mdp: TabularMDP, policy: Array) -> Array:
    """The exact Q (S, A) of a stochastic `policy` (S, A)."""
    p = np.einsum("sa,sat->st", policy, mdp.transitions)
    value = np.linalg.solve(np.eye(len(p)) - mdp.discount * p, np.sum(policy * mdp.rewards, axis=1))
    return _ahead(mdp, value)


def greedy(q: Array) -> Array:
    """The greedy policy of Q as probabilities (S, A); ties go to the first action."""
    return np.eye(q.shape[1])[q.argmax(axis=1)]


def optimal_q(mdp: TabularMDP) -> Array:
    """Optimal Q (S, A), by policy iteration; QlacError if the MDP is malformed."""
    check_mdp(mdp)
    q = policy_q(mdp, greedy(mdp.rewards))
    while True:
        better = policy_q(mdp, greedy(q))
        if better.max(axis=1).sum() <= q.max(axis=1).sum() + 1e-10:
            return better
        q = better


def chain(length: int, discount: float, slip: float = 0.0) -> TabularMDP:
    """States 0 .. length, -1 a step until the last. Actions: 0 left, 1 right; a `slip` goes the other way."""
    s = np.arange(length + 1)
    step = np.stack([np.maximum(s - 1, 0), np.minimum(s + 1, length)], axis=1)
    return _walk(step, [length], discount, [[1], [0]], slip)


def grid(picture: str, discount: float, noise: float = 0.0) -> tuple[TabularMDP, Array]:
    """A maze of walls '#', free cells '.', the terminal goal 'G' and the start 'S', which is state 0.

    Four moves, -1 a step until the goal; sideways with probability `noise`, half to each side; a step into a
    wall stays. Returns the MDP, and row and column of each state (S, 2).
    """
    rows = enumerate(picture.split())
    free = {(i, j): sign for i, row in rows for j, sign in enumerate(row) if sign != "#"}
    cells = sorted(free, key=lambda cell: free[cell] != "S")
    index = {cell: s for s, cell in enumerate(cells)}
    after = lambda i, j: [index.get((i + di, j + dj), index[i, j]) for di, dj in MOVES.values()]
    step = np.array([after(*cell) for cell in cells])
    goals = [s for cell, s in index.items() if free[cell] == "G"]
    return _walk(step, goals, discount, [[1, 3], [2, 0], [3, 1], [0, 2]], noise), np.array(cells)


def _walk(step: Array, goals: list[int], discount: float, others: list, slip: float) -> TabularMDP:
    """Moves `step` (S, A) at -1 each until `goals`; a slip of action a takes one of `others[a]`."""
    states, actions = step.shape
    transitions = np.zeros((states, actions, states))
    for a in range(actions):
        for b in (a, *others[a]):
            probability = 1 - slip if b == a else slip / len(others[a])
            np.add.at(transitions, (np.arange(states), a, step[:, b]), probability)
    transitions[goals] = 0
    transitions[goals, :, goals] = 1
    rewards = np.full((states, actions), -1.0)
    rewards[goals] = 0
    return TabularMDP(transitions, rewards, discount)


class Trajectories(NamedTuple):
    states: Array  # (N, T + 1) int
    actions: Array  # (N, T) int
    rewards: Array  # (N, T)
    valid: Array  # (N, T) bool, False from a terminal state on


def simulate(
    mdp: TabularMDP, policy: Array, starts: Array, steps: int, rng: np.random.Generator, chunk_length: int = 1
) -> Trajectories:
    """Episodes of T = `steps` from `starts` (N,); the policy (S, A^H) chooses a chunk every H steps."""
    sequences, cumulative = action_sequences(mdp.rewards.shape[1], chunk_length), policy.cumsum(axis=1)
    moves = mdp.transitions.cumsum(axis=2)
    states, actions = np.zeros((len(starts), steps + 1), int), np.zeros((len(starts), steps), int)
    states[:, 0] = starts
    draw = lambda table: np.minimum((rng.random((len(table), 1)) > table).sum(axis=1), table.shape[1] - 1)
    for t in range(steps):
        if t % chunk_length == 0:
            chunk = sequences[draw(cumulative[states[:, t]])]  # (N, H)
        actions[:, t] = chunk[:, t % chunk_length]
        states[:, t + 1] = draw(moves[states[:, t], actions[:, t]])
    now = states[:, :-1]
    return Trajectories(states, actions, mdp.rewards[now, actions], ~mdp.terminal[now])


class Windows(NamedTuple):
    """M stretches of L steps, 0 past an episode's end."""

    state: Array  # (M,) int, the first
    actions: Array  # (M, L) int
    rewards: Array  # (M, L)
    valid: Array  # (M, L) 1.0 where the step exists
    mask: Array  # (M,) 0.0 if the last state is terminal: no bootstrap
    last_state: Array  # (M,) int, L steps on, or the episode's last
    offset: Array  # (M,) int, from the episode's start


def windows(mdp: TabularMDP, episodes: Trajectories, length: int, stride: int = 1) -> Windows:
    """Windows of `length` steps from 0, stride, 2 stride, ... of each episode, while a step is left."""
    states, actions, rewards, valid = episodes
    row, start = np.nonzero(valid & (np.arange(valid.shape[1]) % stride == 0))  # (M,), (M,)
    end = valid.sum(axis=1)[row]  # (M,)
    steps = start[:, None] + np.arange(length)  # (M, L)
    inside = steps < end[:, None]
    at = row[:, None], np.minimum(steps, end[:, None] - 1)
    last, first = states[row, np.minimum(start + length, end)], states[row, start]
    mask = 1.0 - mdp.terminal[last]
    return Windows(first, actions[at] * inside, rewards[at] * inside, inside.astype(float), mask, last, start)
