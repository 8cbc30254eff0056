"""Checks of lesson 01, the chunked MDP.

`_rewards`, `_sweeps` and `_dataset` are as a learner may write them. The library's own functions, which are
written otherwise, are compared with them, and wrong answers are edits of them.
Shapes: S states or observation size, A actions, H chunk length, T steps, M chunks.
"""

import numpy as np

from qlac_lite.data.dataset import all_chunks, build_dataset
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.lessons.mdp import TabularMDP, backup, chunk_rewards, chunk_transitions, chunked


def _tables(rng, states, actions):
    return rng.dirichlet(np.full(states, 0.5), (states, actions)), rng.normal(size=(states, actions)).round(2)


def _distinct(rng, actions, length):
    """A chunk whose first actions all differ, so that an order cannot be confused."""
    return np.concatenate([rng.permutation(actions), rng.integers(actions, size=length)])[:length]


def _worlds(rng):
    """A world, moves without chance in it, a larger world, and a chunk x x y y there, then all actions."""
    p, r = _tables(rng, 4, 3)
    moves = np.eye(4)[np.stack([rng.permutation(4) for _ in range(3)], axis=1)]
    q, u = _tables(rng, 5, 4)
    return p, r, moves, q, u, np.concatenate([_distinct(rng, 4, 2).repeat(2), rng.permutation(4)])


def _most_likely(p):
    """p (S, A, S) with all probability on the most likely next state."""
    return np.eye(len(p))[p.argmax(axis=2)]


# 1. r_bar


def _reward_cases(rng):
    p, r, moves, q, u, repeated = _worlds(rng)
    still = np.repeat(np.eye(4)[:, None], 3, axis=1)
    return [
        Case(
            "a chunk of one action",
            (p, r, 0.9, _distinct(rng, 3, 1)),
            "With H = 1, r_bar is the plain reward r(s, a): rewards[:, a], one number a state. "
            "The kernel of an action is transitions[:, a], (S, S).",
        ),
        Case(
            "two actions, no state ever changes, discount 0.5",
            (still, r, 0.5, _distinct(rng, 3, 2)),
            "Here r_bar = r(s, a_0) + 0.5 r(s, a_1): the first reward whole, the second times discount. "
            "The kernel of an action is transitions[:, a].",
        ),
        Case(
            "two actions, deterministic moves, discount 0.9",
            (moves, r, 0.9, _distinct(rng, 3, 2)),
            "The second reward is earned in the state to which the first action led: "
            "transitions[:, a_0] @ rewards[:, a_1].",
        ),
        Case(
            "three actions, random moves, discount 0.9",
            (p, r, 0.9, _distinct(rng, 3, 3)),
            "Carry the distribution of the state along: multiply the kernels so far by transitions[:, a_k], "
            "in the order of the chunk; weigh step k with discount**k.",
        ),
        Case(
            "eight actions, some of them twice in a row, discount 0.8",
            (q, u, 0.8, repeated),
            "Every step k counts, each with discount**k; check the range of your loop.",
        ),
    ]


def _rewards(transitions, rewards, discount, chunk):
    kernel, total = np.eye(len(rewards)), np.zeros(len(rewards))
    for k, action in enumerate(chunk):
        total = total + discount**k * kernel @ rewards[:, action]
        kernel = kernel @ transitions[:, action]
    return total


_reward_misconceptions = [
    Misconception(
        "The rewards are added without a discount.",
        "Weigh the reward of step k (from 0) with discount**k.",
        edited(_rewards, {"discount**k * ": ""}),
    ),
    Misconception(
        "The first reward is discounted already.",
        "Count steps from k = 0, so that the first reward has the weight 1.",
        edited(_rewards, {"discount**k": "discount ** (k + 1)"}),
    ),
    Misconception(
        "One discount**H stands before the whole sum: that is the bootstrap's discount.",
        "Inside the chunk, step k has discount**k.",
        edited(_rewards, {"discount**k": "discount ** len(chunk)"}),
    ),
    Misconception(
        "The weights run backwards: the last reward has the weight 1.",
        "The first action has discount**0, the last discount**(H - 1).",
        edited(_rewards, {"discount**k": "discount ** (len(chunk) - 1 - k)"}),
    ),
    Misconception(
        "It is the mean of the discounted rewards: divided by H.",
        "r_bar is a sum: the chunk earns all its rewards.",
        edited(_rewards, {"return total": "return total / len(chunk)"}),
    ),
    Misconception(
        "Only the first reward counts.",
        "Add the rewards of all H steps.",
        lambda p, r, g, c: r[:, c[0]],
    ),
    Misconception(
        "Only the last reward counts.",
        "Add the rewards of all H steps.",
        edited(_rewards, {"total + ": ""}),
    ),
    Misconception(
        "Every reward is taken at the start state, as if the chunk did not move.",
        "After each reward, move the distribution: kernel = kernel @ transitions[:, a].",
        edited(_rewards, {"kernel @ rewards": "rewards"}),
    ),
    Misconception(
        "It moves before it collects: the first reward is that of the state after the first action.",
        "r(s, a) belongs to the state in which a is taken: collect first, then move.",
        edited(_rewards, {"kernel @ rewards": "kernel @ transitions[:, action] @ rewards"}),
    ),
    Misconception(
        "Each reward is taken one step after its start: only the newest kernel is used, not the product.",
        "Keep the product: kernel = kernel @ transitions[:, a].",
        edited(_rewards, {"kernel @ transitions": "transitions"}),
    ),
    Misconception(
        "The kernels are multiplied in the wrong order: step @ kernel applies the newest action first.",
        "Write kernel @ transitions[:, a]: rows are the start, columns where one is now.",
        edited(_rewards, {"kernel @ transitions[:, action]": "transitions[:, action] @ kernel"}),
    ),
    Misconception(
        "The kernel is transposed: p(s' | s) was read as p(s | s').",
        "transitions[s, a] is the distribution over s'; no transpose is needed.",
        edited(_rewards, {"transitions[:, action]": "transitions[:, action].T"}),
    ),
    Misconception(
        "The last reward is missing.",
        "The loop runs over all H actions: range(len(chunk)), or the chunk itself.",
        edited(_rewards, {"enumerate(chunk)": "enumerate(chunk[:-1])"}),
    ),
    Misconception(
        "The first reward is missing.",
        "Count from k = 0: the first reward has the weight 1.",
        edited(_rewards, {"discount**k": "(k > 0) * discount**k"}),
    ),
    Misconception(
        "The first action is left out.",
        "The loop runs over all H actions, from chunk[0].",
        lambda p, r, g, c: chunk_rewards(p, r, g, c[1:]),
    ),
    Misconception(
        "Every reward has the weight discount.",
        "Step k has discount**k: the first reward counts whole.",
        edited(_rewards, {"discount**k": "discount"}),
    ),
    Misconception(
        "Every reward but the first has the same weight, discount.",
        "Each further step is discounted once more: discount**k.",
        edited(_rewards, {"discount**k": "discount ** min(k, 1)"}),
    ),
    Misconception(
        "The weight is discount * k, not discount**k.",
        "Discounts multiply: discount**k, which is 1 at k = 0.",
        edited(_rewards, {"discount**k": "discount * k"}),
    ),
    Misconception(
        "Each step is discounted twice: in the kernel, and in its weight.",
        "Leave the kernel a matrix of probabilities; discount**k stands before the reward alone.",
        edited(_rewards, {"kernel @ transitions": "discount * kernel @ transitions"}),
    ),
    Misconception(
        "The weights run backwards, and the last reward is discounted already.",
        "The first action has discount**0, the last discount**(H - 1).",
        edited(_rewards, {"discount**k": "discount ** (len(chunk) - k)"}),
    ),
    Misconception(
        "The exponent of discount is the action's number, not its place in the chunk.",
        "for k, action in enumerate(chunk): the weight is discount**k.",
        edited(_rewards, {"discount**k": "discount**action"}),
    ),
    Misconception(
        "The first action is repeated H times.",
        "Step k has its own action, chunk[k].",
        lambda p, r, g, c: chunk_rewards(p, r, g, np.full(len(c), c[0])),
    ),
    Misconception(
        "The chunk is executed from its last action to its first.",
        "The first action comes first. A recursion r + discount * p @ rest has to begin at the last one.",
        lambda p, r, g, c: chunk_rewards(p, r, g, c[::-1]),
    ),
    Misconception(
        "Each action's own kernel is applied k times, in place of those of the actions before it.",
        "Multiply the kernels of the earlier actions: kernel = kernel @ transitions[:, a].",
        edited(_rewards, {"kernel @ rewards": "np.linalg.matrix_power(transitions[:, action], k) @ rewards"}),
    ),
    Misconception(
        "The rewards stand on the wrong side: rewards @ kernel sums over start states.",
        "kernel @ rewards[:, a] sums over the states where one is now.",
        edited(_rewards, {"kernel @ rewards[:, action]": "rewards[:, action] @ kernel"}),
    ),
    Misconception(
        "The kernels are multiplied entry by entry (*).",
        "Use the matrix product @, which sums over the states in between.",
        edited(_rewards, {"kernel @ transitions": "kernel * transitions"}),
    ),
    Misconception(
        "It follows the most likely next state, not the distribution.",
        "A reward is expected over all states: keep the whole row, without argmax.",
        lambda p, r, g, c: chunk_rewards(_most_likely(p), r, g, c),
    ),
    Misconception(
        "The kernel starts from ones: every state at once, not the start state.",
        "Before the first action one is surely in the start state: np.eye(S).",
        edited(_rewards, {"np.eye(len(rewards))": "np.ones_like(transitions[:, 0])"}),
    ),
    Misconception(
        "The kernel starts from a uniform distribution, not from the start state.",
        "Before the first action one is surely in the start state: np.eye(S).",
        edited(_rewards, {"np.eye(len(rewards))": "np.ones_like(transitions[:, 0]) / len(rewards)"}),
    ),
    Misconception(
        "All is 0: the kernel starts from zeros, or nothing is added to the total.",
        "Start from np.eye(S), and add: total = total + ...",
        lambda p, r, g, c: np.zeros(len(r)),
    ),
]

check_chunk_rewards = Exercise(
    chunk_rewards,
    _rewards,
    _reward_cases,
    _reward_misconceptions,
    insight=(
        "Every action adds one reward, discounted by its place in the chunk, "
        "at the states that the earlier ones led to."
    ),
)


# 2. p_bar


def _kernel_cases(rng):
    p, _, moves, q, _, repeated = _worlds(rng)
    return [
        Case(
            "a chunk of one action",
            (p, _distinct(rng, 3, 1)),
            "With H = 1, p_bar is transitions[:, a], a matrix (S, S).",
        ),
        Case(
            "two actions, deterministic moves",
            (moves, _distinct(rng, 3, 2)),
            "Follow one state by hand: first where a_0 leads, from there where a_1 leads.",
        ),
        Case(
            "three actions, random moves",
            (p, _distinct(rng, 3, 3)),
            "Sum over the states in between: that is the matrix product.",
        ),
        Case(
            "eight actions, some of them twice in a row",
            (q, repeated),
            "All actions take part, each once, in their order; check the range of your loop.",
        ),
    ]


def _kernel_by_paths(p, chunk):
    """The distribution at the end, followed from each start state."""
    out = np.eye(len(p))
    for a in chunk:
        out = [sum(here[x] * p[x, a] for x in range(len(p))) for here in out]
    return out


_kernel_misconceptions = [
    Misconception(
        "The kernels are multiplied in the reverse order.",
        "The first action's kernel stands on the left: P_{a_0} P_{a_1} ...",
        lambda p, c: chunk_transitions(p, c[::-1]),
    ),
    Misconception(
        "The kernels are averaged.",
        "The actions happen one after the other, not one of them by chance: multiply the matrices.",
        lambda p, c: p[:, c].mean(axis=1),
    ),
    Misconception(
        "The kernels are added.",
        "Probabilities of successive steps multiply, summed over the states in between: use @.",
        lambda p, c: p[:, c].sum(axis=1),
    ),
    Misconception(
        "The product is entry by entry (*).",
        "Use the matrix product @, which sums over the states in between.",
        lambda p, c: p[:, c].prod(axis=1),
    ),
    Misconception(
        "Only the last action counts: the product is overwritten in the loop.",
        "kernel = kernel @ transitions[:, a], starting from the identity.",
        lambda p, c: p[:, c[-1]],
    ),
    Misconception(
        "Only the first action counts: the loop returns too early, or never multiplies.",
        "Multiply the kernel of every action, and return after the loop.",
        lambda p, c: p[:, c[0]],
    ),
    Misconception(
        "The first action is repeated H times.",
        "Step k has its own action, chunk[k].",
        lambda p, c: np.linalg.matrix_power(p[:, c[0]], len(c)),
    ),
    Misconception(
        "The last action is missing.",
        "The loop runs over all H actions.",
        lambda p, c: chunk_transitions(p, c[:-1]),
    ),
    Misconception(
        "The first action is missing.",
        "The loop runs over all H actions.",
        lambda p, c: chunk_transitions(p, c[1:]),
    ),
    Misconception(
        "The result is transposed: rows must be the start, columns the end.",
        "Keep kernel[s, s']: no transpose.",
        lambda p, c: chunk_transitions(p, c).T,
    ),
    Misconception(
        "The first action counts twice.",
        "Start from the identity and multiply all H kernels; "
        "or start from the first one and multiply the others.",
        lambda p, c: chunk_transitions(p, [c[0], *c]),
    ),
    Misconception(
        "The last action is repeated H times.",
        "Step k has its own action, chunk[k].",
        lambda p, c: np.linalg.matrix_power(p[:, c[-1]], len(c)),
    ),
    Misconception(
        "Only the first and the last action count.",
        "The kernels of all H actions take part.",
        lambda p, c: chunk_transitions(p, [c[0], c[-1]][: len(c)]),
    ),
    Misconception(
        "Each kernel is transposed before it is multiplied.",
        "transitions[:, a] has the start in its rows already.",
        edited(chunk_transitions, {"transitions[:, action]": "transitions[:, action].T"}),
    ),
    Misconception(
        "Each step moves to the most likely next state.",
        "Keep the whole distribution, without argmax: chances are what noise costs a chunk.",
        lambda p, c: chunk_transitions(_most_likely(p), c),
    ),
    Misconception(
        "The product starts from ones.",
        "Before the first action one is surely in the start state: np.eye(S).",
        edited(chunk_transitions, {"np.eye(len(transitions))": "np.ones_like(transitions[:, 0])"}),
    ),
    Misconception(
        "All is 0: the product starts from zeros.",
        "Before the first action one is surely in the start state: np.eye(S).",
        lambda p, c: 0 * p[:, 0],
    ),
    Misconception(
        "The chunk is ignored: each step takes the mean of all actions.",
        "Step k has its own action: transitions[:, chunk[k]].",
        lambda p, c: np.linalg.matrix_power(p.mean(axis=1), len(c)),
    ),
    Misconception(
        "It goes on for one step more: the last action counts twice.",
        "H actions make H kernels.",
        lambda p, c: chunk_transitions(p, [*c, c[-1]]),
    ),
    Misconception(
        "The first two actions are swapped.",
        "P_{a_0} stands first, then P_{a_1}: kernel @ transitions[:, a] from the first action on.",
        lambda p, c: chunk_transitions(p, [*c[:2][::-1], *c[2:]]),
    ),
    Misconception(
        "The kernel is taken as transitions[a], a table of state a, not of action a.",
        "transitions is (S, A, S): the kernel of an action is transitions[:, a].",
        edited(
            chunk_transitions,
            {"transitions[:, action]": "np.eye(*transitions.shape[:2]) @ transitions[action]"},
        ),
    ),
]

check_chunk_transitions = Exercise(
    chunk_transitions,
    _kernel_by_paths,
    _kernel_cases,
    _kernel_misconceptions,
    insight="The chunk is one action now: its kernel is a matrix like any other, and its rows sum to 1.",
)


# 3. Value iteration on the chunked MDP


def chunked_value_iteration(
    p_bar: np.ndarray, r_bar: np.ndarray, discount: float, length: int, sweeps: int
) -> np.ndarray:
    """Q (S, C) after `sweeps` backups from Q = 0 on the chunked MDP p_bar (S, C, S), r_bar (S, C)."""
    q, mdp = np.zeros_like(r_bar), TabularMDP(p_bar, r_bar, discount**length)
    for _ in range(sweeps):
        q = backup(mdp, q)
    return q


def _sweep_cases(rng):
    def bars(states, actions, length, discount, costs=False):
        p, r = _tables(rng, states, actions)
        mdp = chunked(TabularMDP(p, -np.abs(r) - 0.1 if costs else r, discount), length)
        return mdp.transitions, mdp.rewards, discount, length

    return [
        Case("one sweep", (*bars(4, 2, 2, 0.9), 1), "From Q = 0, the first sweep gives Q = r_bar."),
        Case(
            "two sweeps, chunks of 1, discount 0.9",
            (*bars(4, 3, 1, 0.9), 2),
            "With H = 1 this is ordinary value iteration: r + discount * transitions @ max_a Q. "
            "The maximum over chunks is q.max(axis=1), one number a state.",
        ),
        Case(
            "two sweeps, chunks of 2, discount 0.5",
            (*bars(4, 2, 2, 0.5), 2),
            "The next chunk starts H steps later: the bootstrap's discount is discount**length.",
        ),
        Case(
            "three sweeps, all rewards below 0",
            (*bars(4, 2, 2, 0.9, costs=True), 3),
            "The best next chunk may have a value below 0: the plain maximum, nothing added.",
        ),
        Case(
            "40 sweeps, chunks of 3, discount 0.9",
            (*bars(5, 2, 3, 0.9), 40),
            "Repeat the sweep, each from the Q of the one before; start from zeros; "
            "do exactly `sweeps` of them.",
        ),
    ]


def _sweeps(p_bar, r_bar, discount, length, sweeps):
    q = np.zeros_like(r_bar)
    for _ in range(sweeps):
        q = r_bar + discount**length * p_bar @ q.max(axis=1)
    return q


_sweep_misconceptions = [
    Misconception(
        "The bootstrap is discounted by discount, not by discount**H.",
        "H steps lie between a chunk and the next one: use discount**length.",
        edited(_sweeps, {"discount**length": "discount"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount**(H - 1).",
        "The bootstrap state is H steps away: use discount**length.",
        edited(_sweeps, {"discount**length": "discount ** (length - 1)"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount * H.",
        "Discounts multiply: use discount**length.",
        edited(_sweeps, {"discount**length": "discount * length"}),
    ),
    Misconception(
        "The bootstrap is not discounted.",
        "Use discount**length.",
        edited(_sweeps, {"discount**length * ": ""}),
    ),
    Misconception(
        "The bootstrap takes the mean over chunks: that is the value of a random policy.",
        "Value iteration takes the best chunk: q.max(axis=1).",
        edited(_sweeps, {"q.max(axis=1)": "q.mean(axis=1)"}),
    ),
    Misconception(
        "The bootstrap takes the worst chunk.",
        "Value iteration takes the best chunk: q.max(axis=1).",
        edited(_sweeps, {"q.max(axis=1)": "q.min(axis=1)"}),
    ),
    Misconception(
        "It takes the best of the whole table, the same for every state.",
        "Take the maximum over chunks only: q.max(axis=1), one value a state.",
        edited(_sweeps, {"p_bar @ q.max(axis=1)": "q.max()"}),
    ),
    Misconception(
        "A sweep reads values that it has just changed.",
        "A sweep uses the Q of the sweep before throughout: compute the whole new table from the old one.",
        edited(_sweeps, {"q = r_bar": "for s in range(len(q)): q[s] = r_bar[s]", "p_bar @": "p_bar[s] @"}),
    ),
    Misconception(
        "The best next value is never taken below 0.",
        "Take the maximum over chunks as it is; costs make it negative.",
        edited(_sweeps, {"q.max(axis=1)": "np.maximum(q.max(axis=1), 0)"}),
    ),
    Misconception(
        "It forgets p_bar: it bootstraps from the state in which the chunk began.",
        "The next chunk begins where this one led: p_bar @ q.max(axis=1).",
        edited(_sweeps, {"p_bar @ q.max(axis=1)": "q.max(axis=1)[:, None]"}),
    ),
    Misconception(
        "It gives back V, not Q.",
        "Give back the whole table (S, C).",
        lambda *args: chunked_value_iteration(*args).max(axis=1),
    ),
    Misconception(
        "It gives back the number of the best chunk, not Q.",
        "Give back the whole table (S, C).",
        lambda *args: chunked_value_iteration(*args).argmax(axis=1),
    ),
    Misconception(
        "It does H sweeps for each that was asked for.",
        "A sweep is one backup of the whole table: exactly `sweeps` of them.",
        edited(_sweeps, {"range(sweeps)": "range(sweeps * length)"}),
    ),
    Misconception(
        "It sweeps until nothing changes.",
        "Do exactly `sweeps` sweeps, be the values right by then or not.",
        edited(_sweeps, {"range(sweeps)": "range(500)"}),
    ),
    Misconception(
        "Only one sweep counts: the function returns inside its loop, "
        "or starts again from zeros in each sweep.",
        "Start from zeros before the loop, return after it.",
        edited(_sweeps, {"    return q": "        return q"}),
    ),
    Misconception(
        "All is 0: the table is never replaced.",
        "q = r_bar + ...",
        edited(_sweeps, {"q = r_bar": "new = r_bar"}),
    ),
    Misconception(
        "The reward is discounted as well.",
        "Only what comes after the chunk: r_bar + discount**length * ...",
        edited(_sweeps, {"r_bar +": "discount**length * r_bar +"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount**(H + 1).",
        "The next chunk begins H steps later, not H + 1: use discount**length.",
        edited(_sweeps, {"discount**length": "discount ** (length + 1)"}),
    ),
    Misconception(
        "The bootstrap is discounted by the H-th root of discount.",
        "`discount` is of ONE step already: H of them are discount**length.",
        edited(_sweeps, {"discount**length": "discount ** (1 / length)"}),
    ),
    Misconception(
        "The bootstrap's discount shrinks from sweep to sweep.",
        "It is discount**length in every sweep: the value of the sweep before holds its own discounts "
        "already.",
        edited(_sweeps, {"_ in range": "k in range", "discount**length": "discount ** (length * k)"}),
    ),
    Misconception(
        "The bootstrap adds up the values of all chunks.",
        "The agent executes one chunk, the best: q.max(axis=1).",
        edited(_sweeps, {"q.max(axis=1)": "q.sum(axis=1)"}),
    ),
    Misconception(
        "It takes argmax, the number of the best chunk, for its value.",
        "q.max(axis=1) is the value.",
        edited(_sweeps, {"q.max(axis=1)": "q.argmax(axis=1)"}),
    ),
    Misconception(
        "The next chunk is the same as this one.",
        "The agent looks again and takes the best chunk there: q.max(axis=1).",
        edited(_sweeps, {"p_bar @ q.max(axis=1)": "np.einsum('sct,tc->sc', p_bar, q)"}),
    ),
    Misconception(
        "It takes the most favourable next state, not the mean over next states.",
        "The world chooses the next state: p_bar @ q.max(axis=1) weighs all of them.",
        edited(_sweeps, {"p_bar @ q.max(axis=1)": "(p_bar * q.max(axis=1)).max(axis=2)"}),
    ),
    Misconception(
        "p_bar is read backwards: from s' to s.",
        "p_bar[s, c] is the distribution over s': p_bar @ q.max(axis=1).",
        edited(_sweeps, {"p_bar @": "p_bar.T @"}),
    ),
    Misconception(
        "Each sweep is added to the table instead of replacing it.",
        "q = r_bar + ..., not q += ...",
        edited(_sweeps, {"q = r_bar": "q = q + r_bar"}),
    ),
    Misconception(
        "One sweep too many; or it starts from Q = r_bar, which is one sweep already.",
        "Start from zeros and do exactly `sweeps` sweeps.",
        edited(_sweeps, {"range(sweeps)": "range(sweeps + 1)"}),
    ),
    Misconception(
        "One sweep too few.",
        "range(sweeps) does exactly `sweeps` of them.",
        edited(_sweeps, {"range(sweeps)": "range(sweeps - 1)"}),
    ),
]

check_chunked_value_iteration = Exercise(
    chunked_value_iteration,
    _sweeps,
    _sweep_cases,
    _sweep_misconceptions,
    insight=(
        "It is the value iteration you know: only the table is wider, "
        "and the discount has become discount**H."
    ),
)


# 4. The dataset of chunks


def chunk_dataset(
    observations: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    length: int,
    discount: float,
    stride: int,
) -> tuple[np.ndarray, ...]:
    """All chunks of one episode: starts (M,), chunks (M, H, A), returns (M,), valid (M, H),
    bootstrap observations (M, S).

    observations (T + 1, S), actions (T, A), rewards (T,).
    """
    last = lambda x: np.concatenate([x, np.zeros_like(x[:1])])  # the row of the last observation
    ends = np.arange(len(observations)) == len(actions)
    data = build_dataset(observations, last(actions), last(rewards), np.ones(len(ends)), ends, stride)
    batch = all_chunks(data, length, discount)
    return tuple(
        np.asarray(part)
        for part in (data.starts, batch.actions, batch.returns, batch.valid, batch.bootstrap_observation)
    )


def _dataset_cases(rng):
    def episode(steps, length, discount, stride):
        observations = rng.normal(size=(steps + 1, 2)).round(2)
        actions = rng.uniform(-1, 1, (steps, 3)).round(2)
        actions[1 % steps] = 0.0  # an action of zeros is an action
        rewards = rng.uniform(1, 9, steps).round(1) * np.where(np.arange(steps) % 2, 1, -1)
        return observations, actions, rewards, length, discount, stride

    return [
        Case(
            "6 steps, chunks of 1, stride 1",
            episode(6, 1, 0.9, 1),
            "With H = 1 these are the plain transitions: one chunk a step, bootstrap observation s_{t+1}.",
        ),
        Case(
            "6 steps, chunks of 3, stride 3 (they fit exactly), discount 0.5",
            episode(6, 3, 0.5, 3),
            "Starts 0 and 3. The return of each is r_t + 0.5 r_{t+1} + 0.25 r_{t+2}; "
            "the bootstrap observation is s_{t+3}.",
        ),
        Case(
            "7 steps, chunks of 3, stride 1, discount 0.9",
            episode(7, 3, 0.9, 1),
            "A chunk starts at every t = 0 .. T - 1, also where fewer than H steps are left: "
            "its missing steps are zero and not valid, and it bootstraps from the last observation.",
        ),
        Case(
            "8 steps, chunks of 3, stride 3, discount 0.9",
            episode(8, 3, 0.9, 3),
            "The last chunk (from t = 6) has two steps only: actions 0 and valid 0 at its third.",
        ),
        Case(
            "12 steps, chunks of 6, stride 2, discount 0.9",
            episode(12, 6, 0.9, 2),
            "The stride need be neither 1 nor H: starts are 0, 2, 4, ... as long as a step is left.",
        ),
        Case(
            "9 steps, chunks of 2, stride 5, discount 0.9",
            episode(9, 2, 0.9, 5),
            "The stride may be longer than the chunk: starts 0 and 5.",
        ),
        Case(
            "2 steps, chunks of 4, stride 1, discount 0.8",
            episode(2, 4, 0.8, 1),
            "An episode may be shorter than a chunk; both starts still count.",
        ),
    ]


def _dataset(observations, actions, rewards, length, discount, stride):
    total = len(actions)
    starts = np.arange(0, total, stride)
    steps = starts[:, None] + np.arange(length)  # (M, H)
    valid = (steps < total).astype(float)
    inside = np.minimum(steps, total - 1)
    chunks = actions[inside] * valid[:, :, None]
    weights = discount ** np.arange(length)
    returns = np.sum(valid * weights * rewards[inside], axis=1)
    end = np.minimum(starts + length, total)
    return starts, chunks, returns, valid, observations[end]


_dataset_misconceptions = [
    Misconception(
        "Chunks that would pass the end of the episode are left out.",
        "Start a chunk at every t < T; mark its missing steps as not valid, "
        "so that behavior cloning can still use the others.",
        edited(_dataset, {"total, stride": "total - length + 1, stride"}),
    ),
    Misconception(
        "The stride is ignored: a chunk starts at every step.",
        "Starts are 0, stride, 2 stride, ...: range(0, T, stride).",
        edited(_dataset, {"total, stride": "total"}),
    ),
    Misconception(
        "The starts go in steps of H whatever the stride.",
        "Starts are 0, stride, 2 stride, ...; with stride 1 the chunks overlap.",
        edited(_dataset, {"total, stride": "total, length"}),
    ),
    Misconception(
        "A chunk starts at the last observation too, where no action was taken.",
        "Starts lie in 0 .. T - 1.",
        edited(_dataset, {"total, stride": "total + 1, stride"}),
    ),
    Misconception(
        "The rewards of a chunk are not discounted.",
        "Step k of the chunk has discount**k.",
        edited(_dataset, {"weights * ": ""}),
    ),
    Misconception(
        "The first reward of a chunk is discounted already.",
        "Count k from 0.",
        edited(_dataset, {"valid * weights": "valid * discount * weights"}),
    ),
    Misconception(
        "The discount counts from the start of the episode.",
        "Each chunk counts from its own start: its first reward has the weight 1.",
        edited(_dataset, {"valid * weights": "valid * discount**steps"}),
    ),
    Misconception(
        "valid is 1 for the steps that do not exist.",
        "valid is 1 where the step exists.",
        edited(_dataset, {"returns, valid,": "returns, 1 - valid,"}),
    ),
    Misconception(
        "valid marks whole chunks only.",
        "Each step has its own mark: a cut chunk has ones first, then zeros.",
        edited(_dataset, {"returns, valid,": "returns, valid * valid[:, -1:],"}),
    ),
    Misconception(
        "Steps after the end repeat the last action.",
        "Set the actions that are not valid to zero.",
        edited(_dataset, {" * valid[:, :, None]": ""}),
    ),
    Misconception(
        "Steps after the end repeat the last action, and its reward is counted again.",
        "Multiply by the validity mask before summing.",
        edited(_dataset, {" * valid[:, :, None]": "", "valid * weights": "weights"}),
    ),
    Misconception(
        "Steps after the end repeat the last reward.",
        "Multiply the rewards by the validity mask before summing.",
        edited(_dataset, {"valid * weights": "weights"}),
    ),
    Misconception(
        "Steps after the end wrap around to the beginning of the episode.",
        "A chunk never leaves its episode forwards or backwards: mask those steps.",
        edited(
            _dataset,
            {
                "np.minimum(steps, total - 1)": "steps % total",
                " * valid[:, :, None]": "",
                "valid * weights": "weights",
            },
        ),
    ),
    Misconception(
        "The bootstrap observation is s_{t+1}.",
        "A chunk lasts H steps: bootstrap from s_{t+H}, or from the last observation if the episode ends "
        "earlier.",
        edited(_dataset, {"[end]": "[starts + 1]"}),
    ),
    Misconception(
        "The bootstrap observation is that of the chunk's last action, s_{t+H-1}.",
        "It comes after the last action: s_{t+H}.",
        edited(_dataset, {"[end]": "[end - 1]"}),
    ),
    Misconception(
        "The bootstrap observation is s_t, where the chunk starts.",
        "It comes after the chunk's last action: s_{t+H}.",
        edited(_dataset, {"[end]": "[starts]"}),
    ),
    Misconception(
        "The bootstrap observation is s_{t+H+1}, a step too late.",
        "Actions a_t .. a_{t+H-1} lead to s_{t+H}.",
        edited(_dataset, {"[end]": "[np.minimum(end + 1, total)]"}),
    ),
    Misconception(
        "The bootstrap observation is the episode's last one for every chunk.",
        "Only for a chunk that the end cuts; else s_{t+H}: observations[min(t + H, T)].",
        edited(_dataset, {"[end]": "[np.full(len(starts), total)]"}),
    ),
    Misconception(
        "The bootstrap observation of a cut chunk is set to zero.",
        "It is the last observation of the episode, s_T.",
        edited(_dataset, {"[end]": "[end] * valid[:, -1:]"}),
    ),
    Misconception(
        "The starts begin at 1.",
        "The first chunk starts at step 0.",
        edited(_dataset, {"0, total": "1, total"}),
    ),
    Misconception(
        "The range of the starts ends one step too early.",
        "range(0, T, stride) leaves out T by itself.",
        edited(_dataset, {"total, stride": "total - 1, stride"}),
    ),
    Misconception(
        "The last whole chunk is left out, and so are those that the end cuts.",
        "Starts are all t < T: range(0, T, stride).",
        edited(_dataset, {"total, stride": "total - length, stride"}),
    ),
    Misconception(
        "`starts` holds the numbers of the chunks, not steps.",
        "Chunk number i starts at step i * stride.",
        edited(_dataset, {"return starts,": "return np.arange(len(starts)),"}),
    ),
    Misconception(
        "The steps inside a chunk are `stride` apart.",
        "The stride lies between the starts of two chunks; a chunk has H steps in a row.",
        edited(_dataset, {"+ np.arange(length)": "+ stride * np.arange(length)"}),
    ),
    Misconception(
        "Each chunk holds its first action H times.",
        "Step k of the chunk is actions[t + k].",
        edited(_dataset, {"actions[inside]": "actions[starts][:, None]"}),
    ),
    Misconception(
        "The axes of the chunks are (M, A, H).",
        "A row for each step: (M, H, A).",
        edited(_dataset, {"chunks, returns": "chunks.swapaxes(1, 2), returns"}),
    ),
    Misconception(
        "The chunks are flattened.",
        "Keep an axis for the step: (M, H, A).",
        edited(_dataset, {"chunks, returns": "chunks.reshape(len(chunks), -1), returns"}),
    ),
    Misconception(
        "valid is 1 everywhere.",
        "valid is 0 for the steps after the end: t + k >= T.",
        edited(_dataset, {"returns, valid,": "returns, np.ones_like(valid),"}),
    ),
    Misconception(
        "valid is read off the actions: an action of zeros counts as missing.",
        "An action may be zero. A step exists if t + k < T.",
        edited(_dataset, {"returns, valid,": "returns, np.any(chunks != 0, axis=2),"}),
    ),
    Misconception(
        "The last step of the episode is marked as not valid.",
        "Steps are numbered 0 .. T - 1: t + k < T, not < T - 1.",
        edited(_dataset, {"returns, valid,": "returns, steps < total - 1,"}),
    ),
    Misconception(
        "The return goes on to the end of the episode.",
        "A chunk earns its own H rewards; what comes later is the bootstrap's.",
        edited(
            _dataset, {", returns,": ", [discount ** np.arange(total - t) @ rewards[t:] for t in starts],"}
        ),
    ),
    Misconception(
        "The return of a cut chunk is set to zero.",
        "Its return is the discounted sum over the steps that exist.",
        edited(_dataset, {", returns,": ", returns * valid[:, -1],"}),
    ),
    Misconception(
        "The return is divided by H: a mean.",
        "A return is a sum.",
        edited(_dataset, {", returns,": ", returns / length,"}),
    ),
    Misconception(
        "The return is divided by the number of steps that exist: a mean.",
        "A return is a sum.",
        edited(_dataset, {", returns,": ", returns / valid.sum(axis=1),"}),
    ),
    Misconception(
        "The return is the first reward alone.",
        "Add up all H rewards, step k with discount**k.",
        edited(_dataset, {", returns,": ", rewards[starts],"}),
    ),
    Misconception(
        "Every reward has the weight discount.",
        "Step k has discount**k: the first reward counts whole.",
        edited(_dataset, {"valid * weights": "valid * discount"}),
    ),
    Misconception(
        "The weight is discount * k, not discount**k.",
        "Discounts multiply: discount**k, which is 1 at k = 0.",
        edited(_dataset, {"valid * weights": "valid * discount * np.arange(length)"}),
    ),
    Misconception(
        "The weights run backwards: the last step of the chunk has the weight 1.",
        "The first step has discount**0, the last discount**(H - 1).",
        edited(_dataset, {"valid * weights": "valid * weights[::-1]"}),
    ),
    Misconception(
        "One discount**H stands before the whole return: that is the bootstrap's discount.",
        "Inside the chunk, step k has discount**k.",
        edited(_dataset, {"valid * weights": "valid * discount**length"}),
    ),
    Misconception(
        "The bootstrap observation is clipped to s_{T-1}: an episode of T steps has T + 1 observations.",
        "Clip to T: observations[min(t + H, T)].",
        edited(_dataset, {"[end]": "[np.minimum(end, total - 1)]"}),
    ),
]

check_chunk_dataset = Exercise(
    chunk_dataset,
    _dataset,
    _dataset_cases,
    _dataset_misconceptions,
    parts=("starts", "chunks", "returns", "valid", "bootstrap_observation"),
    insight=(
        "Stride 1 gives about H times the chunks of stride H from the same episode. "
        "Only execution is bound to every H-th step."
    ),
)


# 5. Open-loop execution


class ScriptedEnv:
    """Gymnasium's step() on a script of rewards.

    Observation: the step number, the sum of the actions, and the last one.
    """

    def __init__(self, rewards: np.ndarray, ends: tuple[str, ...], chunk_length: int):
        self.rewards, self.ends, self.chunk_length = rewards, ends, chunk_length
        self.t, self.memory = 0, 0.0

    def reset(self, **kwargs):
        raise RuntimeError("reset() was called: a chunk goes on from where the environment is")

    def step(self, action):
        if self.t >= len(self.rewards):
            raise RuntimeError(
                "step() was called after the episode had ended: stop where terminated or truncated is True"
            )
        if self.t >= self.chunk_length:
            raise RuntimeError("step() was called more often than the chunk has actions: once for each")
        reward, push = self.rewards[self.t], float(np.sum(action))
        self.t, self.memory = self.t + 1, 0.5 * self.memory + push
        ends = self.ends if self.t == len(self.rewards) else ()
        observation = np.array([self.t, self.memory, push])
        return observation, reward + 0.1 * push, "terminated" in ends, "truncated" in ends, {}


def execute_chunk(env, chunk: np.ndarray, discount: float) -> tuple[np.ndarray, float, bool, bool, int]:
    """Open loop: the last observation, discounted sum of rewards, both flags, and the steps executed."""
    total = 0.0
    for k, action in enumerate(chunk):
        observation, reward, terminated, truncated, _ = env.step(action)
        total += discount**k * reward
        if terminated or truncated:
            break
    return observation, total, terminated, truncated, k + 1


def _execution_cases(rng):
    def call(length, discount, steps=20, *ends):
        rewards = rng.uniform(1, 5, steps).round(1) * np.where(np.arange(steps) % 2, 1, -1)
        return ScriptedEnv(rewards, ends, length), (3 * rng.uniform(-1, 1, (length, 2))).round(2), discount

    return [
        Case("a chunk of one action", call(1, 0.9), "One call of env.step(chunk[0])."),
        Case(
            "three actions, no end in sight, discount 0.5",
            call(3, 0.5),
            "Call env.step(chunk[k]) for k = 0, 1, 2; add discount**k times its reward; "
            "give back the last observation.",
        ),
        Case(
            "four actions, the second reaches a terminal state",
            call(4, 0.9, 2, "terminated"),
            "When terminated is True the episode is over: the reward of this step counts, "
            "the rest of the chunk is not executed. Two steps were.",
        ),
        Case(
            "four actions, the time limit comes at the third",
            call(4, 0.9, 3, "truncated"),
            "truncated ends the episode as well: stop there too, and give it back.",
        ),
        Case(
            "four actions, terminal state and time limit at once",
            call(4, 0.9, 2, "terminated", "truncated"),
            "Give both flags back as they came.",
        ),
        Case(
            "eight actions, the last one reaches a terminal state",
            call(8, 0.8, 8, "terminated"),
            "All eight were executed, as they are, and terminated is True.",
        ),
    ]


def _execution_by_record(env, chunk, discount):
    taken = []
    for action in chunk:
        taken.append(env.step(action))
        if any(taken[-1][2:4]):
            break
    value = sum(discount**i * step[1] for i, step in enumerate(taken))
    return taken[-1][0], value, *taken[-1][2:4], len(taken)


_execution_misconceptions = [
    Misconception(
        "The rewards are not discounted inside the chunk.",
        "Weigh the reward of step k with discount**k.",
        edited(execute_chunk, {"discount**k * ": ""}),
    ),
    Misconception(
        "The first reward is discounted already.",
        "Count k from 0: the first reward has the weight 1.",
        edited(execute_chunk, {"discount**k": "discount ** (k + 1)"}),
    ),
    Misconception(
        "Every reward has the weight discount.",
        "Step k has discount**k.",
        edited(execute_chunk, {"discount**k": "discount"}),
    ),
    Misconception(
        "The reward of the step that ends the episode is lost.",
        "Add the reward first, then look whether the episode is over.",
        edited(
            execute_chunk, {"discount**k * reward": "0 if terminated or truncated else discount**k * reward"}
        ),
    ),
    Misconception(
        "terminated and truncated are always reported as False.",
        "Give both back as the last env.step gave them.",
        edited(execute_chunk, {"total, terminated, truncated": "total, False, False"}),
    ),
    Misconception(
        "One flag stands for both ends.",
        "Give terminated and truncated back separately, as they came.",
        edited(
            execute_chunk,
            {"total, terminated, truncated": "total, terminated or truncated, terminated or truncated"},
        ),
    ),
    Misconception(
        "Only the last reward is given back.",
        "Add up: total += discount**k * reward.",
        edited(execute_chunk, {"total += discount**k * reward": "total = reward"}),
    ),
    Misconception(
        "The first action is repeated.",
        "Step k executes chunk[k].",
        edited(execute_chunk, {"env.step(action)": "env.step(chunk[0])"}),
    ),
    Misconception(
        "The chunk is executed backwards.",
        "Step k executes chunk[k].",
        edited(execute_chunk, {"env.step(action)": "env.step(chunk[-1 - k])"}),
    ),
    Misconception(
        "It gives back the first observation, not the one where the chunk ended.",
        "Give back the observation of the last env.step.",
        edited(
            execute_chunk,
            {
                "total +=": "first = first if k else observation; total +=",
                "return observation": "return first",
            },
        ),
    ),
    Misconception(
        "It reports the chunk's length, not the number of steps executed.",
        "Count the calls of env.step: an episode may end inside the chunk.",
        edited(execute_chunk, {"k + 1": "len(chunk)"}),
    ),
    Misconception(
        "The number of steps is one too small: k counts from 0.",
        "Give back k + 1.",
        edited(execute_chunk, {"k + 1": "k"}),
    ),
    Misconception(
        "The number of steps is one too large.",
        "Count the calls of env.step: k counts from 0, so that the number is k + 1 after step k.",
        edited(execute_chunk, {"k + 1": "k + 2"}),
    ),
    Misconception(
        "Only the first action is executed: the function returns inside its loop.",
        "Execute the whole chunk, and return after the loop.",
        edited(execute_chunk, {"enumerate(chunk)": "enumerate(chunk[:1])"}),
    ),
    Misconception(
        "The last action is repeated.",
        "Step k executes chunk[k].",
        edited(execute_chunk, {"env.step(action)": "env.step(chunk[-1])"}),
    ),
    Misconception(
        "The mean of the chunk is executed at each step.",
        "Step k executes chunk[k].",
        edited(execute_chunk, {"env.step(action)": "env.step(chunk.mean(axis=0))"}),
    ),
    Misconception(
        "The actions are clipped to [-1, 1].",
        "Execute them as they are: clipping is left to who made the chunk, or to the environment.",
        edited(execute_chunk, {"env.step(action)": "env.step(np.clip(action, -1, 1))"}),
    ),
    Misconception(
        "The reward of a step into a terminal state is masked.",
        "The reward of that step was earned: a mask stops the bootstrap alone.",
        edited(execute_chunk, {"* reward": "* reward * (not terminated)"}),
    ),
    Misconception(
        "The reward is the mean over the steps executed.",
        "Add up: total += discount**k * reward.",
        edited(execute_chunk, {"observation, total": "observation, total / (k + 1)"}),
    ),
    Misconception(
        "The total so far is discounted at each step: total = discount * total + reward, "
        "so the last reward has the weight 1.",
        "The first reward has the weight 1: total = total + discount**k * reward.",
        edited(execute_chunk, {"total += discount**k * reward": "total = discount * total + reward"}),
    ),
    Misconception(
        "The weights run backwards from the chunk's last action.",
        "The first reward has the weight 1, step k discount**k.",
        edited(execute_chunk, {"discount**k": "discount ** (len(chunk) - 1 - k)"}),
    ),
    Misconception(
        "One discount**H stands before the whole sum: that is the bootstrap's discount.",
        "Inside the chunk, step k has discount**k.",
        edited(execute_chunk, {"discount**k": "discount ** len(chunk)"}),
    ),
    Misconception(
        "Every reward but the first has the same weight, discount.",
        "Each further step is discounted once more: discount**k.",
        edited(execute_chunk, {"discount**k": "discount ** min(k, 1)"}),
    ),
    Misconception(
        "The weight is discount * k, not discount**k.",
        "Discounts multiply: discount**k, which is 1 at k = 0.",
        edited(execute_chunk, {"discount**k": "discount * k"}),
    ),
    Misconception(
        "Rewards below 0 are left out.",
        "Every reward counts as it came.",
        edited(execute_chunk, {"* reward": "* max(reward, 0)"}),
    ),
    Misconception(
        "truncated is always reported as False, and terminated where either came.",
        "Give both back as the last env.step gave them.",
        edited(execute_chunk, {"total, terminated, truncated": "total, terminated or truncated, False"}),
    ),
    Misconception(
        "truncated is always reported as False.",
        "Give it back as the last env.step gave it.",
        edited(execute_chunk, {"truncated, k": "False, k"}),
    ),
    Misconception(
        "terminated is True because the chunk is over.",
        "The end of a chunk is no end of the episode: give terminated back as it came.",
        edited(execute_chunk, {"total, terminated": "total, True"}),
    ),
    Misconception(
        "A terminal state is reported as a time limit, too.",
        "Give terminated and truncated back as they came.",
        edited(execute_chunk, {"truncated, k": "terminated or truncated, k"}),
    ),
    Misconception(
        "A time limit is reported as a terminal state: the bootstrap would be cut there.",
        "Give terminated and truncated back as they came.",
        edited(execute_chunk, {"total, terminated": "total, terminated or truncated"}),
    ),
]

check_execute_chunk = Exercise(
    execute_chunk,
    _execution_by_record,
    _execution_cases,
    _execution_misconceptions,
    parts=("observation", "reward", "terminated", "truncated", "steps"),
    insight="The policy is not asked again until the chunk is over: that is open-loop control.",
)
