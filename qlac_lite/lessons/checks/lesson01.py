"""Checks of lesson 01, the chunked MDP.

`_build`, `_plan`, `_episode`, `_dataset` and `_learned` are as a learner may write them. The library's own
functions, which are written otherwise, are compared with them, and wrong answers are edits of them.
Shapes: S states or observation size, A actions, H chunk length, C chunks, K sweeps, T steps, M chunks of an
episode, N chunks in the data.
"""

import numpy as np

from qlac_lite.data.dataset import all_chunks, build_dataset
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.lessons.chunk_worlds import Recorded
from qlac_lite.lessons.mdp import TabularMDP, backup, chunked


def _tables(rng, states, actions):
    return rng.dirichlet(np.full(states, 0.5), (states, actions)), rng.normal(size=(states, actions)).round(2)


def _distinct(rng, actions, length):
    """A chunk whose first actions all differ, so that an order cannot be confused."""
    return np.concatenate([rng.permutation(actions), rng.integers(actions, size=length)])[:length]


# 1. The chunked MDP


def chunked_mdp(
    transitions: np.ndarray, rewards: np.ndarray, discount: float, chunks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """r_bar (S, C) and p_bar (S, C, S) of `chunks` (C, H), action numbers, from p (S, A, S) and r (S, A)."""
    r_bar = np.zeros((len(rewards), len(chunks)))
    p_bar = np.repeat(np.eye(len(rewards))[:, None], len(chunks), axis=1)
    for actions in chunks.T[::-1]:  # puts an action before each chunk so far
        r_bar = rewards[:, actions] + discount * np.einsum("sct,tc->sc", transitions[:, actions], r_bar)
        p_bar = np.einsum("sct,tcu->scu", transitions[:, actions], p_bar)
    return r_bar, p_bar


def _build(transitions, rewards, discount, chunks):
    states, count = len(rewards), len(chunks)
    r_bar, p_bar = np.zeros((states, count)), np.zeros((states, count, states))
    for c, chunk in enumerate(chunks):
        cloud, total = np.eye(states), np.zeros(states)
        for k, action in enumerate(chunk):
            step = transitions[:, action]
            total = total + discount**k * cloud @ rewards[:, action]
            cloud = cloud @ step
        r_bar[:, c], p_bar[:, c] = total, cloud
    return r_bar, p_bar


def _build_cases(rng):
    p, r = _tables(rng, 4, 3)
    q, u = _tables(rng, 5, 4)
    moves = np.eye(4)[np.stack([rng.permutation(4) for _ in range(3)], axis=1)]
    still = np.repeat(np.eye(4)[:, None], 3, axis=1)
    one = _distinct(rng, 3, 1)[:, None]
    two, three = (np.array([_distinct(rng, 3, length) for _ in range(2)]) for length in (2, 3))
    repeated = np.concatenate([_distinct(rng, 4, 2).repeat(2), rng.permutation(4)])
    return [
        Case(
            "one chunk of one action",
            (p, r, 0.9, one),
            (
                "With H = 1, r_bar is the plain reward of the action and p_bar where it leads.",
                "They are rewards[:, a] and transitions[:, a], at [:, 0] of the results.",
            ),
        ),
        Case(
            "two chunks of two actions, no state ever changes, discount 0.5",
            (still, r, 0.5, two),
            (
                "Nothing moves, so only the weights matter: the first reward counts whole, the second half.",
                "Step k has the weight discount**k, with k = 0 first.",
            ),
        ),
        Case(
            "two chunks of two actions, moves without chance, discount 0.9",
            (moves, r, 0.9, two),
            (
                "Follow one state by hand: the second reward is earned where the first action led.",
                "Collect cloud @ rewards[:, a] first, then move: cloud @ transitions[:, a].",
            ),
        ),
        Case(
            "two chunks of three actions, random moves, discount 0.9",
            (p, r, 0.9, three),
            (
                "Carry the whole distribution of the state along, in the order of the chunk.",
                "Row s of the cloud is the distribution; the next cloud is cloud @ transitions[:, a].",
            ),
        ),
        Case(
            "three chunks of eight actions, some twice in a row, discount 0.8",
            (q, u, 0.8, np.array([repeated, rng.integers(4, size=8), repeated[::-1]])),
            "Every step of every chunk counts. Check both loops, and what is reset for a new chunk.",
        ),
    ]


def _most_likely(p):
    """p (S, A, S) with all probability on the most likely next state."""
    return np.eye(len(p))[p.argmax(axis=2)]


_WEIGHT = ("Step k, counted from 0, is discounted k times.", "The weight is discount**k.")
_ALL = "All H actions of a chunk count, in reward and in cloud: check the range of the loop."
_START = ("Before the first action the agent is surely where it started.", "Start from np.eye(S).")

_build_misconceptions = [
    Misconception(
        "The rewards follow the chunk, but p_bar multiplies its transitions in the reverse order.",
        (
            "The first action's transition stands on the left.",
            "cloud = cloud @ transitions[:, a], a in the chunk.",
        ),
        lambda *args: (_build(*args)[0], _build(*args[:3], args[3][:, ::-1])[1]),
    ),
    Misconception(
        "The rewards are added without a discount.", _WEIGHT, edited(_build, {"discount**k * ": ""})
    ),
    Misconception(
        "The first reward is discounted already.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount ** (k + 1)"}),
    ),
    Misconception(
        "One discount**H stands before the whole sum: that is the bootstrap's discount.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount ** len(chunk)"}),
    ),
    Misconception(
        "The weights run backwards: the last reward has the weight 1.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount ** (len(chunk) - 1 - k)"}),
    ),
    Misconception(
        "The weights run backwards, and the last reward is discounted already.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount ** (len(chunk) - k)"}),
    ),
    Misconception(
        "Every reward has the weight discount.", _WEIGHT, edited(_build, {"discount**k": "discount"})
    ),
    Misconception(
        "Every reward but the first has the same weight, discount.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount ** min(k, 1)"}),
    ),
    Misconception(
        "The weight is discount * k, not discount**k.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount * k"}),
    ),
    Misconception(
        "The exponent of discount is the action's number, not its place in the chunk.",
        _WEIGHT,
        edited(_build, {"discount**k": "discount**action"}),
    ),
    Misconception(
        "Each reward is discounted twice: in the cloud, and in its weight.",
        "The cloud holds probabilities alone; the discount stands before the reward.",
        edited(_build, {"cloud @ step": "discount * cloud @ step"}),
    ),
    Misconception(
        "p_bar is discounted: its rows sum to discount**H.",
        "p_bar holds probabilities, and its rows sum to 1. The discount comes in at the bootstrap.",
        edited(_build, {"= total, cloud": "= total, discount ** len(chunk) * cloud"}),
    ),
    Misconception(
        "r_bar is the mean of the discounted rewards: divided by H.",
        "r_bar is a sum: the chunk earns all its rewards.",
        edited(_build, {"= total, cloud": "= total / len(chunk), cloud"}),
    ),
    Misconception(
        "Only the first reward counts.",
        "Add the rewards of all H steps.",
        edited(_build, {"total = total +": "total = total + (k == 0) *"}),
    ),
    Misconception(
        "Only the last reward counts.", "Add the rewards of all H steps.", edited(_build, {"total + ": ""})
    ),
    Misconception(
        "The last reward is missing.",
        _ALL,
        edited(_build, {"total = total +": "total = total + (k < len(chunk) - 1) *"}),
    ),
    Misconception(
        "The first reward is missing.", _ALL, edited(_build, {"total = total +": "total = total + (k > 0) *"})
    ),
    Misconception(
        "The last action is left out.", _ALL, edited(_build, {"enumerate(chunk):": "enumerate(chunk[:-1]):"})
    ),
    Misconception(
        "The first action is left out.", _ALL, edited(_build, {"enumerate(chunk):": "enumerate(chunk[1:]):"})
    ),
    Misconception(
        "The last move is missing: p_bar is the cloud before the last action.",
        "The cloud moves H times: after each reward, the last one included.",
        edited(_build, {"cloud = cloud @ step": "cloud = cloud @ step if k < len(chunk) - 1 else cloud"}),
    ),
    Misconception(
        "Every reward is taken at the start state, as if the chunk did not move.",
        ("The reward of step k is earned where the earlier actions led.", "Add cloud @ rewards[:, a]."),
        edited(_build, {"cloud @ rewards": "rewards"}),
    ),
    Misconception(
        "It moves before it collects: the first reward is that of the state after the first action.",
        "r(s, a) belongs to the state in which a is taken: collect first, then move.",
        edited(_build, {"cloud @ rewards": "cloud @ step @ rewards"}),
    ),
    Misconception(
        "Only the newest action moves the cloud: P_a stands for the product of all so far.",
        ("Each move goes on from where the moves before it led.", "cloud = cloud @ transitions[:, a]."),
        edited(_build, {"cloud @ step": "step"}),
    ),
    Misconception(
        "The product is in the wrong order: the newest action is applied first.",
        (
            "Rows are the start, columns where the agent is now.",
            "The newest P_a stands on the right: cloud @ transitions[:, a].",
        ),
        edited(_build, {"cloud @ step": "step @ cloud"}),
    ),
    Misconception(
        "Each P_a is transposed: p(s' | s) was read as p(s | s').",
        "transitions[s, a] is the distribution over s' already; no transpose is needed.",
        edited(_build, {"transitions[:, action]": "transitions[:, action].T"}),
    ),
    Misconception(
        "p_bar is transposed: its first axis is the end of the chunk.",
        "The first axis of p_bar is the start, the last one where the chunk ends.",
        edited(_build, {"= total, cloud": "= total, cloud.T"}),
    ),
    Misconception(
        "The first action is repeated H times.",
        "Step k has its own action, chunk[k].",
        lambda p, r, g, c: _build(p, r, g, np.repeat(c[:, :1], c.shape[1], axis=1)),
    ),
    Misconception(
        "Each chunk is executed from its last action to its first.",
        "The first action comes first. A recursion r + discount * p @ rest has to begin at the last one.",
        lambda p, r, g, c: _build(p, r, g, c[:, ::-1]),
    ),
    Misconception(
        "Each action's own P_a is applied k times, in place of those of the earlier actions.",
        "Multiply by the P_a of each action as you go.",
        edited(_build, {"cloud @ rewards": "np.linalg.matrix_power(step, k) @ rewards"}),
    ),
    Misconception(
        "The rewards stand on the wrong side: rewards @ cloud sums over start states.",
        "cloud @ rewards[:, a] sums over the states where the agent is now.",
        edited(_build, {"cloud @ rewards[:, action]": "rewards[:, action] @ cloud"}),
    ),
    Misconception(
        "The matrices are multiplied entry by entry (*).",
        "Use the matrix product @, which sums over the states in between.",
        edited(_build, {"cloud @ step": "cloud * step"}),
    ),
    Misconception(
        "From the second action on, the matrices are multiplied entry by entry (*).",
        "Use the matrix product @, which sums over the states in between.",
        edited(_build, {"cloud @ step": "cloud * step if k else step"}),
    ),
    Misconception(
        "It follows the most likely next state, not the distribution.",
        "A reward is expected over all states: keep the whole row, without argmax.",
        lambda p, r, g, c: _build(_most_likely(p), r, g, c),
    ),
    Misconception(
        "The cloud starts from ones: every state at once.",
        _START,
        edited(_build, {"np.eye(states)": "np.ones((states, states))"}),
    ),
    Misconception(
        "The cloud starts from zeros.",
        _START,
        edited(_build, {"np.eye(states)": "np.zeros((states, states))"}),
    ),
    Misconception(
        "The cloud is not reset for a new chunk: the second one goes on where the first one ended.",
        "Each chunk starts anew: set the cloud back inside the outer loop.",
        edited(
            _build,
            {
                "        cloud, total = np.eye(states), np": "        total = np",
                "    for c, chunk": "    cloud = np.eye(states)\n    for c, chunk",
            },
        ),
    ),
    Misconception(
        "The total is not reset for a new chunk: the second one has the rewards of the first as well.",
        "Each chunk starts anew: set the total back inside the outer loop.",
        edited(
            _build,
            {
                "cloud, total = np.eye(states), np.zeros(states)": "cloud = np.eye(states)",
                "    for c, chunk": "    total = np.zeros(states)\n    for c, chunk",
            },
        ),
    ),
    Misconception(
        "Neither cloud nor total is reset for a new chunk.",
        "Each chunk starts anew: set both back inside the outer loop.",
        edited(
            _build,
            {
                "        cloud, total = np.eye(states), np.zeros(states)\n": "",
                "    for c, chunk": "    cloud, total = np.eye(states), np.zeros(states)\n    for c, chunk",
            },
        ),
    ),
    Misconception(
        "Every column holds the first chunk.",
        "Column c belongs to chunks[c].",
        lambda p, r, g, c: _build(p, r, g, np.repeat(c[:1], len(c), axis=0)),
    ),
    Misconception(
        "Every column holds the last chunk.",
        "Column c belongs to chunks[c]: write it down before the next chunk begins.",
        lambda p, r, g, c: _build(p, r, g, np.repeat(c[-1:], len(c), axis=0)),
    ),
    Misconception(
        "r_bar is right, but p_bar holds the last chunk everywhere, as if one array was stored for all.",
        "A list that holds the same array many times shows its last state. Store a copy.",
        lambda p, r, g, c: (_build(p, r, g, c)[0], _build(p, r, g, np.repeat(c[-1:], len(c), axis=0))[1]),
    ),
    Misconception(
        "The columns of `chunks` are taken for chunks.",
        "`chunks` is (C, H): a chunk in each row.",
        lambda p, r, g, c: _build(p, r, g, c.T),
    ),
    Misconception(
        "r_bar is cut to whole numbers: an array that was made of integers stays one.",
        "Make it with np.zeros, which gives floats.",
        edited(_build, {"= total, cloud": "= np.trunc(total), cloud"}),
    ),
    Misconception(
        "Only the last column is filled: the results are written after the loop over chunks.",
        "Fill column c inside the loop over chunks.",
        lambda p, r, g, c: tuple(
            part * (np.arange(len(c)) == len(c) - 1).reshape(1, -1, *[1] * (part.ndim - 2))
            for part in _build(p, r, g, c)
        ),
    ),
    Misconception(
        "The reward is the mean over all actions: the chunk's own action is ignored.",
        "Step k has its own action: rewards[:, chunk[k]].",
        edited(_build, {"rewards[:, action]": "rewards.mean(axis=1)"}),
    ),
    Misconception(
        "The reward is that of the best action, not of the chunk's own.",
        "Step k has its own action: rewards[:, chunk[k]].",
        edited(_build, {"rewards[:, action]": "rewards.max(axis=1)"}),
    ),
    Misconception(
        "Each reward is that of the first action, though the moves are right.",
        "Step k has its own action: rewards[:, chunk[k]].",
        edited(_build, {"rewards[:, action]": "rewards[:, chunk[0]]"}),
    ),
    Misconception(
        "Each move is that of the first action, though the rewards are right.",
        "Step k has its own action: transitions[:, chunk[k]].",
        edited(_build, {"transitions[:, action]": "transitions[:, chunk[0]]"}),
    ),
    Misconception(
        "Each move is the mean over all actions: the chunk's own action is ignored.",
        "Step k has its own action: transitions[:, chunk[k]].",
        edited(_build, {"transitions[:, action]": "transitions.mean(axis=1)"}),
    ),
    Misconception(
        "p_bar moves once more than the chunk has actions.",
        "H actions make H moves.",
        edited(_build, {"= total, cloud": "= total, cloud @ step"}),
    ),
    Misconception(
        "p_bar is P_a of the last action alone.",
        "p_bar is the product over the whole chunk.",
        edited(_build, {"= total, cloud": "= total, step"}),
    ),
    Misconception(
        "p_bar is P_a of the first action alone.",
        "p_bar is the product over the whole chunk.",
        edited(_build, {"= total, cloud": "= total, transitions[:, chunk[0]]"}),
    ),
    Misconception(
        "r_bar is discounted as a whole once more, by discount**H.",
        _WEIGHT,
        edited(_build, {"= total, cloud": "= discount ** len(chunk) * total, cloud"}),
    ),
]

check_chunked_mdp = Exercise(
    chunked_mdp,
    _build,
    _build_cases,
    _build_misconceptions,
    parts=("r_bar", "p_bar"),
    insight="A chunk is one action now: a column of rewards, and a matrix whose rows sum to 1.",
)


# 2. Planning with chunks


def plan(
    r_bar: np.ndarray, p_bar: np.ndarray, discount: float, length: int, sweeps: int
) -> tuple[np.ndarray, ...]:
    """Q (S, C) after K = `sweeps` backups from 0, the best chunk (S,), V after each sweep (K + 1, S)."""
    mdp = TabularMDP(p_bar, r_bar, discount**length)
    tables = [np.zeros_like(r_bar)]
    for _ in range(sweeps):
        tables.append(backup(mdp, tables[-1]))
    return tables[-1], tables[-1].argmax(axis=1), np.max(tables, axis=2)


def _plan(r_bar, p_bar, discount, length, sweeps):
    q, history = np.zeros_like(r_bar), [np.zeros(len(r_bar))]
    for _ in range(sweeps):
        value = q.max(axis=1)
        q = r_bar + discount**length * p_bar @ value
        history.append(q.max(axis=1))
    return q, q.argmax(axis=1), np.array(history)


_short_sighted = edited(
    _plan, {"value = q.max(axis=1)": "value = q[np.arange(len(q)), r_bar.argmax(axis=1)]"}
)


def _one_is_best(*args):
    """By part, what counts: the best chunk only where it is one, not several that are equal."""
    q = _plan(*args)[0]
    return {"best": np.isclose(q, q.max(axis=1, keepdims=True)).sum(axis=1) == 1}


def _plan_cases(rng):
    def bars(states, actions, length, discount, costs=False, ends=False):
        p, r = _tables(rng, states, actions)
        if ends:  # each step leads to a later state, until the last one
            number = np.arange(states)
            p = p * (number > number[:, None, None])
            p[-1, :, -1], r[-1] = 1, 0
            p = p / p.sum(axis=2, keepdims=True)
        mdp = chunked(TabularMDP(p, -np.abs(r) - 0.1 if costs else r, discount), length)
        return mdp.rewards, mdp.transitions, discount, length

    def far_sighted(*sizes):
        """A world in which the chunk of the largest reward is not the best one, which shows in Q and best."""
        while True:
            args = (*bars(*sizes, ends=True), 12)
            q, best, _ = _plan(*args)
            other = _one_is_best(*args)["best"] & (best != args[0].argmax(axis=1))
            if other.any() and np.abs(q - _short_sighted(*args)[0]).max() > 0.01:
                return args

    return [
        Case(
            "one sweep",
            (*bars(4, 2, 2, 0.9), 1),
            {
                "q": "From Q = 0 the first sweep gives Q = r_bar.",
                "best": ("Each state has its own best chunk, that of its largest Q.", "q.argmax(axis=1)."),
                "history": (
                    "The history has two rows after one sweep: zeros, and the best of r_bar.",
                    "Append q.max(axis=1) after each sweep, to a list that begins with zeros.",
                ),
            },
        ),
        Case(
            "two sweeps, chunks of 1, discount 0.9",
            (*bars(4, 3, 1, 0.9), 2),
            (
                "With H = 1 this is ordinary value iteration. The best next chunk gives one number a state.",
                "q = r_bar + discount * p_bar @ q.max(axis=1).",
            ),
        ),
        Case(
            "two sweeps, chunks of 2, discount 0.5",
            (*bars(4, 2, 2, 0.5), 2),
            (
                "How many steps lie between the start of this chunk and the start of the next one?",
                "The bootstrap's discount is discount**length.",
            ),
        ),
        Case(
            "three sweeps, all rewards below 0",
            (*bars(4, 2, 2, 0.9, costs=True), 3),
            "The best next chunk may have a value below 0: take the plain maximum, nothing added.",
        ),
        Case(
            "12 sweeps, chunks of 2, a world that ends after six steps at most",
            far_sighted(7, 2, 2, 0.9),
            "Repeat the sweep, each from the Q of the one before, and exactly `sweeps` times.",
        ),
    ]


_BOOTSTRAP = ("H steps lie between a chunk and the next one.", "The bootstrap has discount**length.")
_GREEDY = ("Value iteration takes the best chunk of the next state.", "It is q.max(axis=1).")
_HISTORY = (
    "A row for each sweep, and one of zeros before them; each holds the best of the table of that moment.",
    "Begin with [np.zeros(S)] and append q.max(axis=1) after each sweep.",
)

_plan_misconceptions = [
    Misconception(
        "There is one sweep only, as if the function returned inside its loop.",
        "Return after the loop.",
        lambda *args: _plan(*args[:-1], 1),
    ),
    Misconception(
        "The bootstrap is discounted by discount, not by discount**H.",
        _BOOTSTRAP,
        edited(_plan, {"discount**length": "discount"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount**(H - 1).",
        _BOOTSTRAP,
        edited(_plan, {"discount**length": "discount ** (length - 1)"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount**(H + 1).",
        _BOOTSTRAP,
        edited(_plan, {"discount**length": "discount ** (length + 1)"}),
    ),
    Misconception(
        "The bootstrap is discounted by discount * H.",
        _BOOTSTRAP,
        edited(_plan, {"discount**length": "discount * length"}),
    ),
    Misconception(
        "The bootstrap is discounted by the H-th root of discount.",
        "`discount` is of one step already; H of them multiply.",
        edited(_plan, {"discount**length": "discount ** (1 / length)"}),
    ),
    Misconception("The bootstrap is not discounted.", _BOOTSTRAP, edited(_plan, {"discount**length * ": ""})),
    Misconception(
        "The bootstrap's discount shrinks from sweep to sweep.",
        "It is the same in every sweep: the value of the sweep before holds its own discounts already.",
        edited(_plan, {"_ in range": "k in range", "discount**length": "discount ** (length * k)"}),
    ),
    Misconception(
        "The reward is discounted as well.",
        "Only what comes after the chunk is discounted by the chunk's length.",
        edited(_plan, {"r_bar +": "discount**length * r_bar +"}),
    ),
    Misconception(
        "The bootstrap takes the mean over chunks: that is the value of a random policy.",
        _GREEDY,
        edited(_plan, {"value = q.max": "value = q.mean"}),
    ),
    Misconception(
        "The mean over chunks stands for the best, in bootstrap and history.",
        _GREEDY,
        edited(_plan, {"value = q.max": "value = q.mean", "append(q.max": "append(q.mean"}),
    ),
    Misconception(
        "The bootstrap takes the worst chunk.", _GREEDY, edited(_plan, {"value = q.max": "value = q.min"})
    ),
    Misconception(
        "It takes the best of the whole table, the same for every state.",
        _GREEDY,
        edited(_plan, {"p_bar @ value": "q.max()"}),
    ),
    Misconception(
        "The bootstrap adds up the values of all chunks.",
        _GREEDY,
        edited(_plan, {"value = q.max": "value = q.sum"}),
    ),
    Misconception(
        "It takes argmax, the number of the best chunk, for its value.",
        _GREEDY,
        edited(_plan, {"value = q.max": "value = q.argmax"}),
    ),
    Misconception(
        "A sweep reads values that it has just changed.",
        "Compute the whole new table from the old one.",
        edited(
            _plan,
            {
                "        value = q.max(axis=1)\n": "",
                "q = r_bar": "for s in range(len(q)): q[s] = r_bar[s]",
                "p_bar @ value": "p_bar[s] @ q.max(axis=1)",
            },
        ),
    ),
    Misconception(
        "A sweep reads values that it has just changed, entry by entry.",
        "Compute the whole new table from the old one: take q.max(axis=1) before you change q.",
        edited(
            _plan,
            {
                "        value = q.max(axis=1)\n": "",
                "q = r_bar": "for s, c in np.ndindex(q.shape): q[s, c] = r_bar[s, c]",
                "p_bar @ value": "p_bar[s, c] @ q.max(axis=1)",
            },
        ),
    ),
    Misconception(
        "The best next value is never taken below 0.",
        "Take the maximum over chunks as it is; costs make it negative.",
        edited(_plan, {"p_bar @ value": "p_bar @ np.maximum(value, 0)"}),
    ),
    Misconception(
        "It forgets p_bar: it bootstraps from the state in which the chunk began.",
        "The next chunk begins where this one led: p_bar tells where.",
        edited(_plan, {"p_bar @ value": "value[:, None]"}),
    ),
    Misconception(
        "The next chunk is the same as this one.",
        "The agent looks again and takes the best chunk there.",
        edited(_plan, {"p_bar @ value": "np.einsum('sct,tc->sc', p_bar, q)"}),
    ),
    Misconception(
        "It takes the most favourable next state, not the mean over next states.",
        "The world chooses the next state: weigh all of them by p_bar.",
        edited(_plan, {"p_bar @ value": "(p_bar * value).max(axis=2)"}),
    ),
    Misconception(
        "It goes to the most likely end of the chunk, not the mean over all ends.",
        "The world chooses the next state: weigh all of them by p_bar.",
        edited(_plan, {"p_bar @ value": "value[p_bar.argmax(axis=2)]"}),
    ),
    Misconception(
        "p_bar is read backwards: from s' to s.",
        "p_bar[s, c] is the distribution over s'.",
        edited(_plan, {"p_bar @": "p_bar.T @"}),
    ),
    Misconception(
        "Each sweep is added to the table instead of replacing it.",
        "A sweep replaces the table.",
        edited(_plan, {"q = r_bar": "q = q + r_bar"}),
    ),
    Misconception(
        "The table is replaced by r_bar in each sweep: nothing is bootstrapped.",
        "Add the discounted value of what follows the chunk.",
        edited(_plan, {" + discount**length * p_bar @ value": ""}),
    ),
    Misconception(
        "The best chunk is that of the largest reward, whatever follows.",
        "The best chunk has the largest Q, which holds what follows.",
        edited(_plan, {"q.argmax(": "r_bar.argmax("}),
    ),
    Misconception(
        "The bootstrap takes the Q of the chunk with the largest reward, not the largest Q.",
        _GREEDY,
        _short_sighted,
    ),
    Misconception(
        "The best chunk is the one with the smallest Q.",
        "The best chunk has the largest Q.",
        edited(_plan, {"q.argmax(": "q.argmin("}),
    ),
    Misconception(
        "The best chunk is that of the table before the last sweep.",
        "Take argmax after the loop, from the table that is given back.",
        edited(
            _plan,
            {
                "value = q.max(axis=1)": "value, best = q.max(axis=1), q.argmax(axis=1)",
                "return q, q.argmax(axis=1)": "return q, best",
            },
        ),
    ),
    Misconception(
        "`best` holds the value of the best chunk, not its number.",
        "`best` is asked for as a number of a chunk: argmax gives it.",
        edited(_plan, {"q.argmax(": "q.max("}),
    ),
    Misconception(
        "The history is one sweep late: it holds the value before each sweep, after a row of zeros.",
        _HISTORY,
        edited(_plan, {"append(q.max(axis=1))": "append(value)"}),
    ),
    Misconception(
        "The history repeats its last row: all rows are the final value.",
        _HISTORY,
        edited(_plan, {"np.array(history)": "np.array(history[:1] + [history[-1]] * sweeps)"}),
    ),
    Misconception(
        "The history is its last row everywhere, as if one array was stored for all sweeps.",
        "v[:] = ... changes the array that the list holds already. Append a new one, or a copy.",
        edited(_plan, {"np.array(history)": "np.array(history[-1:] * (sweeps + 1))"}),
    ),
    Misconception(
        "It stops where nothing changes any more, and the rest of the history stays 0.",
        "Do exactly `sweeps` sweeps: a row that repeats the one before is right.",
        edited(
            _plan,
            {
                "q = r_bar": "q, before = r_bar",
                "p_bar @ value": "p_bar @ value, q\n        if np.allclose(q, before): break",
                "np.array(history)": "np.pad(history, ((0, sweeps + 1 - len(history)), (0, 0)))",
            },
        ),
    ),
    Misconception(
        "The history holds r_bar's best where zeros should stand.",
        _HISTORY,
        edited(_plan, {"[np.zeros(len(r_bar))]": "[r_bar.max(axis=1)]"}),
    ),
    Misconception(
        "The history holds the mean over chunks.", _HISTORY, edited(_plan, {"append(q.max": "append(q.mean"})
    ),
    Misconception(
        "The table starts from r_bar, not from 0: that is one sweep too many.",
        "Start from zeros: after the first sweep the table is r_bar.",
        edited(_plan, {"np.zeros_like(r_bar), [np.zeros(len(r_bar))]": "r_bar.copy(), [r_bar.max(axis=1)]"}),
    ),
    Misconception(
        "The table starts from r_bar, though the history starts from zeros.",
        "Start from zeros: after the first sweep the table is r_bar.",
        edited(_plan, {"np.zeros_like(r_bar), [": "r_bar.copy(), ["}),
    ),
    Misconception(
        "One sweep too few.",
        "range(sweeps) does exactly `sweeps` of them.",
        edited(_plan, {"range(sweeps)": "range(sweeps - 1)"}),
    ),
    Misconception(
        "One sweep too many.",
        "range(sweeps) does exactly `sweeps` of them.",
        edited(_plan, {"range(sweeps)": "range(sweeps + 1)"}),
    ),
    Misconception(
        "It does H sweeps for each that was asked for.",
        "A sweep is one backup of the whole table: exactly `sweeps` of them.",
        edited(_plan, {"range(sweeps)": "range(sweeps * length)"}),
    ),
    Misconception(
        "Each sweep is H backups, not one.",
        "A sweep is one backup of the whole table; discount**H is all that H changes.",
        edited(
            _plan,
            {"q = r_bar": "for _ in range(length): q = r_bar", "p_bar @ value": "p_bar @ q.max(axis=1)"},
        ),
    ),
    Misconception(
        "The history lacks its first row, the zeros before the first sweep.",
        _HISTORY,
        edited(_plan, {"np.array(history)": "np.array(history[1:])"}),
    ),
    Misconception(
        "The history has a column for each sweep: its axes are swapped.",
        _HISTORY,
        edited(_plan, {"np.array(history)": "np.array(history).T"}),
    ),
    Misconception(
        "The history is the last value alone.", _HISTORY, edited(_plan, {"np.array(history)": "history[-1]"})
    ),
    Misconception(
        "It gives back V, not Q.",
        "The first result is the whole table (S, C).",
        edited(_plan, {"return q,": "return q.max(axis=1),"}),
    ),
    Misconception(
        "The best chunk is that of the average state: one number for all.",
        "Each state has its own best chunk: argmax(axis=1).",
        edited(_plan, {"q.argmax(axis=1)": "np.full(len(q), q.mean(axis=0).argmax())"}),
    ),
]

check_plan = Exercise(
    plan,
    _plan,
    _plan_cases,
    _plan_misconceptions,
    parts=("q", "best", "history"),
    counts=_one_is_best,
    insight="It is the value iteration you know, with a wider table and the discount discount**H.",
)


# 3. An episode of an agent that acts in chunks


class ScriptedEnv:
    """Gymnasium's reset() and step() on a script of rewards.

    Observation: the step number, a memory of the actions, and the last one.
    """

    def __init__(self, rewards: np.ndarray, ends: tuple[str, ...] = (), limit: int = 99):
        self.rewards, self.ends, self.limit = rewards, ends, limit
        self.t = None

    def reset(self, **kwargs):
        if self.t is not None:
            raise RuntimeError("reset() was called twice: an episode begins once")
        self.t, self.memory = 0, 1.0
        return np.array([0.0, self.memory, 0.0]), {}

    def step(self, action):
        if self.t is None:
            raise RuntimeError("step() was called before reset(): an episode begins with env.reset()")
        if self.t >= len(self.rewards):
            error = RuntimeError("step() was called after the episode had ended")
            error.likely = "Before each step, inside a chunk too, ask both flags: terminated and truncated."
            raise error
        if self.t >= self.limit:
            error = RuntimeError("step() was called more often than `steps` allows")
            error.likely = (
                "Count before each step, not before each chunk: `steps` may be over inside a chunk."
            )
            raise error
        if np.shape(action) != (2,):
            raise RuntimeError(
                f"step() takes one action, of shape (2,), and got one of shape {np.shape(action)}"
            )
        reward, push = self.rewards[self.t], float(action[0] + 2 * action[1])
        self.t, self.memory = self.t + 1, 0.7 * self.memory + push
        ends = self.ends if self.t == len(self.rewards) else ()
        observation = np.array([self.t, self.memory, push])
        return observation, reward + 0.1 * push, "terminated" in ends, "truncated" in ends, {}


class Chooser:
    """choose(observation): a chunk that depends on what is seen."""

    def __init__(self, length: int, chunk: np.ndarray):
        self.length, self.chunk = length, chunk

    def __call__(self, observation):
        if isinstance(observation, tuple):
            raise RuntimeError("choose() got a tuple: env.reset() returns observation, info, two values")
        seen = np.asarray(observation, float)
        if seen.shape != (3,):
            raise RuntimeError(f"choose(observation) takes one observation, (3,), and got {seen.shape}")
        return (np.sin(seen.sum()) + self.chunk).round(3)


def play(env, choose, steps: int) -> tuple:
    """One episode in chunks, of at most `steps` steps: observations (T + 1, S), actions (T, A), rewards (T,),
    the steps of the looks (L,), and whether it ended in a terminal state."""
    observations, taken, looks, over = [env.reset()[0]], [], [], False
    while len(taken) < steps and not over:
        looks.append(len(taken))
        for action in choose(observations[-1])[: steps - len(taken)]:
            observation, reward, terminated, truncated, _ = env.step(action)
            observations.append(observation)
            taken.append((action, reward))
            over = terminated or truncated
            if over:
                break
    actions, rewards = zip(*taken, strict=True)
    return np.array(observations), np.array(actions), np.array(rewards), np.array(looks), bool(terminated)


def _episode(env, choose, steps):
    observation, _ = env.reset()
    observations, actions, rewards, looks = [observation], [], [], []
    terminated = truncated = False
    while len(actions) < steps and not (terminated or truncated):
        t = len(actions)
        if not looks or t == looks[-1] + len(chunk):  # noqa: F821
            chunk = choose(observation)
            looks.append(t)
        action = chunk[t - looks[-1]]
        observation, reward, terminated, truncated, _ = env.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(reward)
    return np.array(observations), np.array(actions), np.array(rewards), np.array(looks), terminated


def _episode_cases(rng):
    def call(length, steps, script=30, *ends):
        rewards = rng.uniform(1, 5, script).round(1) * np.where(np.arange(script) % 2, 1, -1)
        chunk = (3 * rng.uniform(-1, 1, (length, 2))).round(2)
        return ScriptedEnv(rewards, ends, steps), Chooser(length, chunk), steps

    return [
        Case(
            "chunks of one action, three steps",
            call(1, 3),
            "With H = 1 the agent looks before each step: at 0, 1, 2. There are four observations.",
        ),
        Case(
            "chunks of three actions, nine steps",
            call(3, 9),
            (
                "The agent looks at steps 0, 3, 6, and chooses from the newest observation there.",
                "Look where no action of the chunk is left; then execute chunk[t - looks[-1]].",
            ),
        ),
        Case(
            "chunks of four actions, the second step reaches a terminal state",
            call(4, 20, 2, "terminated"),
            "The episode is over inside the chunk: this step counts, the rest of the chunk is not executed.",
        ),
        Case(
            "chunks of four actions, a time limit of the environment at step 7",
            call(4, 20, 7, "truncated"),
            "truncated ends the episode as well: stop there. It is not terminated.",
        ),
        Case(
            "chunks of four actions, ten steps allowed",
            call(4, 10),
            "`steps` may end inside a chunk: the third chunk has room for two actions.",
        ),
        Case(
            "chunks of five actions, a terminal state and a time limit at step 15, the last one allowed",
            call(5, 15, 15, "terminated", "truncated"),
            {
                "terminated": "It is what step() says at the end, whatever else ends the episode there.",
                "looks": "Three chunks, looks at 0, 5, 10: there is no look after the episode is over.",
            },
        ),
    ]


_NEWEST = "At a look, choose(observation) gets the observation of this moment."
_ORDER = ("Execute the actions of a chunk in their order.", "At step t it is chunk[t - looks[-1]].")

_episode_misconceptions = [
    Misconception(
        "The agent looks at every step and executes the first action of each chunk: nothing is open loop.",
        "Look only where no action of the chunk is left.",
        edited(_episode, {"t == looks[-1] + len(chunk)": "True"}),
    ),
    Misconception(
        "The later chunks are the first one again: chosen from the first observation, or not chosen anew.",
        _NEWEST,
        edited(_episode, {"choose(observation)": "choose(observations[0])"}),
    ),
    Misconception(
        "The chunk is chosen from the observation before the newest one.",
        _NEWEST,
        edited(_episode, {"choose(observation)": "choose(observations[-2:][0])"}),
    ),
    Misconception(
        "The first action of each chunk is repeated.",
        _ORDER,
        edited(_episode, {"chunk[t - looks[-1]]": "chunk[0]"}),
    ),
    Misconception(
        "The last action of each chunk is repeated.",
        _ORDER,
        edited(_episode, {"chunk[t - looks[-1]]": "chunk[-1]"}),
    ),
    Misconception(
        "Each chunk is executed backwards.",
        _ORDER,
        edited(_episode, {"chunk[t - looks[-1]]": "chunk[len(chunk) - 1 - t + looks[-1]]"}),
    ),
    Misconception(
        "The actions are clipped to [-1, 1].",
        "Execute them as they are: clipping is left to who made the chunk, or to the environment.",
        edited(_episode, {"chunk[t - looks[-1]]": "np.clip(chunk[t - looks[-1]], -1, 1)"}),
    ),
    Misconception(
        "It chooses at every step and executes action t mod H of the newest chunk.",
        "Keep the chunk of the last look until all its actions are executed.",
        edited(
            _episode,
            {
                "looks.append(t)\n": "looks.append(t)\n        chunk = choose(observation)\n",
            },
        ),
    ),
    Misconception(
        "The step that ends the episode is not kept.",
        "Keep its action, reward and observation first, then stop.",
        edited(
            _episode,
            {"observations.append(obs": "if terminated or truncated: break\n        observations.append(obs"},
        ),
    ),
    Misconception(
        "The first observation is missing.",
        "T steps have T + 1 observations: that of reset() comes first.",
        edited(_episode, {"np.array(observations)": "np.array(observations[1:])"}),
    ),
    Misconception(
        "The last observation is missing.",
        "T steps have T + 1 observations: keep the one after the last step, too.",
        edited(_episode, {"np.array(observations)": "np.array(observations[:-1])"}),
    ),
    Misconception(
        "The observations are those of the looks alone.",
        "The agent does not use the others, but they are recorded: one for each step.",
        edited(_episode, {"np.array(observations)": "np.array(observations)[looks]"}),
    ),
    Misconception(
        "The rewards are discounted.",
        "The record holds rewards as they came; they are discounted when they are summed.",
        edited(_episode, {"np.array(rewards)": "0.9 ** np.arange(len(rewards)) * np.array(rewards)"}),
    ),
    Misconception(
        "The rewards are summed up as they come in.",
        "Entry t is the reward of step t alone.",
        edited(_episode, {"np.array(rewards)": "np.cumsum(rewards)"}),
    ),
    Misconception(
        "The looks are counted, 0, 1, 2: not the steps at which they happen.",
        "looks holds step numbers: 0, H, 2H.",
        edited(_episode, {"np.array(looks)": "np.arange(len(looks))"}),
    ),
    Misconception(
        "The looks are those that come after a chunk: the first one, at step 0, is missing.",
        "The agent looks before its first action.",
        edited(_episode, {"np.array(looks)": "np.array(looks[1:])"}),
    ),
    Misconception(
        "There is a look after the episode is over.",
        "A look comes before an action: none where no action follows.",
        edited(_episode, {"np.array(looks)": "np.array(looks + [len(actions)])"}),
    ),
    Misconception(
        "Where the last step is also the last of its chunk, there is a look after it.",
        "A look comes before an action: none where no action follows.",
        edited(
            _episode,
            {"np.array(looks)": "np.array(looks + [t + 1] * (t + 1 == looks[-1] + len(chunk)))"},
        ),
    ),
    Misconception(
        "terminated is True where the time limit came.",
        "Give terminated back as the last env.step gave it: a time limit is no terminal state.",
        edited(_episode, {"np.array(looks), terminated": "np.array(looks), terminated or truncated"}),
    ),
    Misconception(
        "terminated is True at every end, `steps` included.",
        "Give terminated back as the last env.step gave it.",
        edited(_episode, {"np.array(looks), terminated": "np.array(looks), True"}),
    ),
    Misconception(
        "terminated is True where `steps` are used up.",
        "Give terminated back as the last env.step gave it: the world has not ended there.",
        edited(_episode, {"np.array(looks), terminated": "np.array(looks), terminated or t + 1 == steps"}),
    ),
    Misconception(
        "terminated is False always.",
        "Give terminated back as the last env.step gave it.",
        edited(_episode, {"np.array(looks), terminated": "np.array(looks), False"}),
    ),
    Misconception(
        "truncated is given back in place of terminated.",
        "The last result is terminated.",
        edited(_episode, {"np.array(looks), terminated": "np.array(looks), truncated"}),
    ),
    Misconception(
        "Only one chunk is executed.",
        "When the chunk is over and the episode is not, the agent looks again.",
        edited(
            _episode,
            {"if not looks": "if looks and t == len(chunk): break\n        if not looks"},
        ),
    ),
    Misconception(
        "A chunk that would pass `steps` is not begun.",
        "`steps` may end inside a chunk: execute what still fits.",
        edited(
            _episode,
            {"looks.append(t)": "if t + len(chunk) > steps: break\n            looks.append(t)"},
        ),
    ),
    Misconception(
        "The agent looks one step too early: the last action of each chunk is never executed.",
        "It looks where no action is left: H steps after the last look.",
        edited(_episode, {"looks[-1] + len(chunk)": "looks[-1] + max(len(chunk) - 1, 1)"}),
    ),
    Misconception(
        "The agent looks one step too late: the last action of each chunk is executed twice.",
        "It looks where no action is left: H steps after the last look.",
        edited(
            _episode,
            {
                "looks[-1] + len(chunk)": "looks[-1] + len(chunk) + 1",
                "chunk[t - looks[-1]]": "chunk[min(t - looks[-1], len(chunk) - 1)]",
            },
        ),
    ),
    Misconception(
        "The first action of the episode is executed twice.",
        ("Each step uses up one action, the first step as well.", "At step t it is chunk[t - looks[-1]]."),
        edited(
            _episode,
            {
                "looks[-1] + len(chunk)": "looks[-1] + len(chunk) + (len(looks) == 1)",
                "chunk[t - looks[-1]]": "chunk[t - looks[-1] - (len(looks) == 1 and t > 0)]",
            },
        ),
    ),
    Misconception(
        "The first action of each chunk is executed twice.",
        ("Each step uses up one action, the first of a chunk as well.", "It is chunk[t - looks[-1]]."),
        edited(
            _episode,
            {
                "looks[-1] + len(chunk)": "looks[-1] + len(chunk) + 1",
                "chunk[t - looks[-1]]": "chunk[max(t - looks[-1] - 1, 0)]",
            },
        ),
    ),
    Misconception(
        "Each chunk begins with its second action.",
        _ORDER,
        edited(_episode, {"chunk[t - looks[-1]]": "chunk[(t - looks[-1] + 1) % len(chunk)]"}),
    ),
    Misconception(
        "The rewards are summed by chunk.",
        "The record holds a reward for each step.",
        edited(_episode, {"np.array(rewards)": "np.add.reduceat(rewards, looks)"}),
    ),
    Misconception(
        "The looks are numbered from 1.",
        "The first look is at step 0, before the first action.",
        edited(_episode, {"np.array(looks)": "np.array(looks) + 1"}),
    ),
    Misconception(
        "`looks` holds what was seen, not the steps.",
        "looks holds step numbers: 0, H, 2H.",
        edited(_episode, {"np.array(looks)": "np.array(observations)[looks]"}),
    ),
    Misconception(
        "`looks` is the number of looks, not their steps.",
        "looks holds step numbers: 0, H, 2H.",
        edited(_episode, {"np.array(looks)": "len(looks)"}),
    ),
    Misconception(
        "Every step is listed as a look.",
        "looks holds the steps at which the agent chose a chunk: 0, H, 2H.",
        edited(_episode, {"np.array(looks)": "np.arange(len(actions))"}),
    ),
    Misconception(
        "The actions recorded are the first of each chunk alone.",
        "The record holds every action that was executed: one a step.",
        edited(_episode, {"np.array(actions)": "np.array(actions)[looks]"}),
    ),
]

check_play = Exercise(
    play,
    _episode,
    _episode_cases,
    _episode_misconceptions,
    parts=("observations", "actions", "rewards", "looks", "terminated"),
    insight="Between two looks the policy is never asked: that is open-loop control.",
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
        "Chunks do not overlap: none starts inside another one.",
        "A chunk starts at every multiple of the stride, whatever the length.",
        lambda *args: _dataset(*args[:-1], max(args[3], args[-1])),
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
        "Set actions and rewards after the end to zero, then sum.",
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
        "All chunks are the last one, as if one array was stored for all of them.",
        "A list that holds the same array many times shows its last state. Make a new one for each start.",
        edited(_dataset, {"chunks, returns": "chunks[-1:].repeat(len(chunks), axis=0), returns"}),
    ),
    Misconception(
        "The missing steps stand in front of those that exist.",
        "The chunk begins at its start: the steps that exist come first, zeros after them.",
        edited(
            _dataset,
            {
                "return starts, chunks, returns, valid": (
                    "late = np.argsort(valid, axis=1, kind='stable')\n"
                    "    chunks = np.take_along_axis(chunks, late[:, :, None], axis=1)\n"
                    "    return starts, chunks, returns, np.sort(valid)"
                )
            },
        ),
    ),
    Misconception(
        "The actions of a cut chunk stand at its end, though valid marks its beginning.",
        "The chunk begins at its start: the actions that exist come first, zeros after them.",
        edited(
            _dataset,
            {
                "return starts, chunks, returns, valid": (
                    "late = np.argsort(valid, axis=1, kind='stable')\n"
                    "    chunks = np.take_along_axis(chunks, late[:, :, None], axis=1)\n"
                    "    return starts, chunks, returns, valid"
                )
            },
        ),
    ),
    Misconception(
        "In an episode that is shorter than a chunk, the chunks are shorter as well.",
        "Every chunk has H places, however short the episode is: its missing steps are zero and not valid.",
        edited(_dataset, {"starts = np": "length = min(length, total)\n    starts = np"}),
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
        "The last step of the episode counts nowhere: not valid, no action, no reward.",
        "Steps are numbered 0 .. T - 1: t + k < T, not < T - 1.",
        edited(_dataset, {"steps < total)": "steps < total - 1)"}),
    ),
    Misconception(
        "Each start near the end has one step too few: the last step is left out, and so is s_T.",
        "From start t, T - t steps are left, H of them at most; the bootstrap observation comes after them.",
        edited(_dataset, {"steps < total)": "steps < total - 1)", "[end]": "[np.minimum(end, total - 1)]"}),
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
        "The weights run backwards from the last step that exists: it has the weight 1.",
        "The first step has discount**0, each later one a factor more.",
        edited(
            _dataset,
            {"valid * weights": "valid * discount ** (valid.sum(axis=1)[:, None] - 1 - np.arange(length))"},
        ),
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
    Misconception(
        "The step after the last one is marked as valid.",
        "Steps are numbered 0 .. T - 1: t + k < T.",
        edited(_dataset, {"returns, valid,": "returns, steps <= total,"}),
    ),
    Misconception(
        "The last start is left out where less than a whole stride is left.",
        "A chunk starts as long as one step is left: range(0, T, stride).",
        edited(_dataset, {"total, stride": "total - stride + 1, stride"}),
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


# 5. The bug hunt: a critic of recorded chunks


def learn_from_chunks(
    data: Recorded, size: tuple[int, int], discount: float, length: int, sweeps: int
) -> tuple[np.ndarray, np.ndarray]:
    """The value of the best recorded chunk of each state (S,), and its number (S,); `size` is (S, C).

    Chunks that nobody recorded count nowhere: neither at the bootstrap nor in the choice. A state without
    data has the value -inf.
    """
    cell = np.ravel_multi_index((data.states, data.chunks), size)
    count = np.bincount(cell, minlength=size[0] * size[1]).reshape(size)
    value = np.zeros(size[0])
    for _ in range(sweeps):
        target = data.returns + np.where(data.over, 0.0, discount**length * value[data.after])
        total = np.bincount(cell, target, minlength=count.size).reshape(size)
        q = np.divide(total, count, where=count > 0, out=np.full(size, -np.inf))
        value = q.max(axis=1)
    return value, q.argmax(axis=1)


def _learned(data, size, discount, length, sweeps):
    q, count = np.zeros(size), np.zeros(size)
    np.add.at(count, (data.states, data.chunks), 1)
    for _ in range(sweeps):
        recorded = np.where(count > 0, q, -np.inf)
        value = recorded.max(axis=1)
        later = data.returns + discount**length * value[data.after]
        target = np.where(data.over, data.returns, later)
        total = np.zeros(size)
        np.add.at(total, (data.states, data.chunks), target)
        q = total / np.maximum(count, 1)
    chosen = np.where(count > 0, q, -np.inf)
    return chosen.max(axis=1), chosen.argmax(axis=1)


def _learned_cases(rng):
    def recorded(worth, scale=1.0, everything=False):
        """Chunks in 5 states, the last of them without data, of which each state has its own order.

        The best one was tried once, the third 5 times, the last 7 times; the second by nobody if not
        `everything`, except in state 0, where it is the worst. Then there is also a chunk that nobody tried
        anywhere. States 0 and 3 lead to themselves, state 2 to state 1, whose best chunk ends the episode;
        where all is above 0, each of its chunks does.
        """
        tries = [1, 1, 5, 7]
        rows = [(s, k) for s in range(4) for k in range(4) if everything or s == 0 or k != 1]
        states, place = np.array([row for row in rows for _ in range(tries[row[1]])]).T
        chunks = np.array([rng.permutation(4) for _ in range(4)])[states, place]
        returns = np.array(worth)[states] - place - rng.uniform(0.5, 1.5, len(states))
        luck = np.flatnonzero((states == 2) & (place == 3))
        returns[luck] += [8, *[-3] * 5, 5]  # neither the best of these nor the last is like their mean
        returns[(states == 0) & (place == 1)] -= 4  # so that the worst is not the most frequent
        at_once, late = (states == 1) & (place == 0), (states == 2) & (place == 2)
        if min(worth) < 0 < max(worth):
            returns[at_once] = 0.0  # recorded, and worth 0
        after = np.where(at_once, 0, np.where(late, 4, np.array([0, 2, 1, 3])[states]))
        over = at_once | late | ((min(worth) > 0) & (states == 1))
        return Recorded(states, chunks, (scale * returns).round(2), after, over), (5, 4 + (not everything))

    costs, both, gains = (0, 0, 0, -6), (6, 0, 0, -6), (200, 200, 200, 200)
    return [
        Case(
            "every chunk was tried in every state, 40 sweeps",
            (*recorded(both, everything=True), 0.5, 2, 40),
            "The function in the cell above is right here. Keep what it does; change only the cause.",
        ),
        Case(
            "some chunks were never tried, all returns above 0, 40 sweeps",
            (*recorded(gains), 0.45, 3, 40),
            "The function in the cell above is still right here. Keep what it does; change only the cause.",
        ),
        Case(
            "some chunks were never tried, returns below 0, 3 sweeps",
            (*recorded(costs), 0.45, 3, 3),
            (
                "Print q after the first sweep, and the maximum that the second sweep takes from it. "
                "Was that ever recorded?",
                "Before the maximum: np.where(count > 0, q, -np.inf).",
            ),
        ),
        Case(
            "returns of both signs, one of just 0, 40 sweeps",
            (*recorded(both), 0.7, 2, 40),
            "Returns may be 0 or above: a bound or a sign that suits the maze does not help everywhere.",
        ),
        Case(
            "large costs, -50,000 a chunk and more, 20 sweeps",
            (*recorded(costs, scale=1e5), 0.1, 3, 20),
            "What stands for a chunk that was never tried has to be lower than any true value.",
        ),
    ]


def _mended(changes, value=""):
    """A wrong mending: changes of the right function, which keeps the cause unless `value` replaces it."""
    return edited(_learned, changes | ({"recorded.max(axis=1)": value or "q.max(axis=1)"}))


def _times_zero(*args):
    masked = "data.returns + (1 - data.over) * (later - data.returns)"
    with np.errstate(invalid="ignore"):
        return edited(_learned, {"np.where(data.over, data.returns, later)": masked})(*args)


def _zero_as_gap(*args):
    return edited(
        _learned,
        {
            "np.where(count > 0, q, -np.inf)\n        value = recorded.max(axis=1)": (
                "np.where(q != 0, q, -np.inf)\n"
                "        value = np.where((q != 0).any(axis=1), recorded.max(axis=1), 0)"
            ),
            "chosen = np.where(count > 0": "chosen = np.where(q != 0",
        },
    )(*args)


_BEST = "The agent takes the best of the chunks that were tried."
_MEAN = "Where a chunk was tried, its value is the mean over its targets."
_RIGHT_QUESTION = "A maximum is right; ask which entries it looks at."
_ADDS = "np.add.at(total, (data.states, data.chunks), target)"
_BENT = "A wrong discount bends the belief a little; the broken one is far off, and only where H > 1."

_learned_misconceptions = [
    Misconception(
        "The cause is still there: this ends where the broken function ends. More sweeps or another start "
        "of the table do not help.",
        "Ask of each entry of q that a maximum looks at: which recorded chunk put it there?",
        _mended({}),
    ),
    Misconception(
        "The start of the table was not the cause: -inf there is gone after one sweep, or stays for ever.",
        "Look at what the last line of the loop writes where count is 0.",
        _mended({"np.zeros(size), np.zeros(size)": "np.full(size, -np.inf), np.zeros(size)"}),
    ),
    Misconception(
        "That was the cause, but the table starts from -inf: where a chunk leads back, that stays for ever.",
        "Start from 0, as before; only the maximum leaves out what was never recorded.",
        edited(_learned, {"np.zeros(size), np.zeros(size)": "np.full(size, -np.inf), np.zeros(size)"}),
    ),
    Misconception(
        "That was the cause, but it sweeps more often than asked.",
        "Exactly `sweeps` backups of the table, as before.",
        edited(_learned, {"range(sweeps)": "range(10 * sweeps)"}),
    ),
    Misconception(
        "That was the cause, but it does one sweep less than asked.",
        "Exactly `sweeps` backups of the table, as before.",
        edited(_learned, {"range(sweeps)": "range(sweeps - 1)"}),
    ),
    Misconception(
        "It asks whether a chunk was tried in any state; it has to be tried in this one.",
        "count is (S, C): a number for each chunk in each state.",
        _mended({}, "np.where(count.sum(axis=0) > 0, q, -np.inf).max(axis=1)"),
    ),
    Misconception(
        "A zero in the table is no sign of a gap: a chunk that was tried may be worth 0.",
        "Only count says whether a chunk was tried.",
        _zero_as_gap,
    ),
    Misconception(
        "A zero in the table is no sign of a gap: at first all of it is 0, so every state seems to be one.",
        "Only count says whether a chunk was tried.",
        edited(_learned, {"recorded = np.where(count > 0": "recorded = np.where(q != 0"}),
    ),
    Misconception(
        "A mean of the table is not the cure: where all goes badly, it is still too high.",
        "What stands for an untried chunk has to be lower than any value.",
        _mended({}, "np.where(count > 0, q, q[count > 0].mean()).max(axis=1)"),
    ),
    Misconception(
        "The discount at the bootstrap was not the cause: discount**H was right, discount is wrong.",
        _BENT,
        edited(_learned, {"discount**length": "discount"}),
    ),
    Misconception(
        "The discount at the bootstrap was not the cause, and the cause is still there.",
        _BENT,
        _mended({"discount**length": "discount"}),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} A mean over all chunks still counts those that nobody tried, as 0.",
        "The best chunk is the right question; ask it of the right chunks.",
        _mended({}, "q.mean(axis=1)"),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} A mean over the tried chunks gives the value of a random choice.",
        _BEST,
        _mended({}, "q.sum(axis=1) / np.maximum((count > 0).sum(axis=1), 1)"),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} A mean by counts gives the recorder's value, not the best.",
        _BEST,
        _mended({}, "(q * count).sum(axis=1) / np.maximum(count.sum(axis=1), 1)"),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} A minimum over all gives the worst chunk, tried or not.",
        _BEST,
        _mended({}, "q.min(axis=1)"),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} A minimum over the tried ones gives the worst of them.",
        _BEST,
        _mended({}, "np.where(count > 0, q, np.inf).min(axis=1)"),
    ),
    Misconception(
        "The end of an episode was not the cause: now the critic bootstraps where all is over.",
        "Where `over` is True, nothing follows the chunk: its return is the whole target.",
        edited(_learned, {"np.where(data.over, data.returns, later)": "later"}),
    ),
    Misconception(
        "The end of an episode was not the cause, and the cause is still there.",
        "Where `over` is True, nothing follows the chunk. Look elsewhere.",
        _mended({"np.where(data.over, data.returns, later)": "later"}),
    ),
    Misconception(
        "Right idea, but 0 times -inf is NaN: a state without data, such as the goal, spoils the target.",
        ("Choose between the two targets; do not multiply.", "np.where(data.over, data.returns, ...)."),
        _times_zero,
    ),
    Misconception(
        "The division was not the cause: count + 1 pulls all values to 0, and the cause is still there.",
        "Where a chunk was tried, the mean of its targets is right.",
        _mended({"np.maximum(count, 1)": "(count + 1)"}),
    ),
    Misconception(
        "Division was not the cause: total is the sum over all visits, not their mean.",
        "Where a chunk was tried, the mean of its targets is right.",
        _mended({" / np.maximum(count, 1)": ""}),
    ),
    Misconception(
        "Rare chunks were not the cause: leaving out what was tried once, or seldom, loses good chunks.",
        "One try is enough to know a chunk here. The trouble is with those of no try.",
        edited(_learned, {"recorded = np.where(count > 0": "recorded = np.where(count > 1"}),
    ),
    Misconception(
        "Rare chunks were not the cause: what was tried seldom is left out of the final choice as well.",
        "One try is enough to know a chunk here. The trouble is with those of no try.",
        edited(
            _learned,
            {
                "recorded = np.where(count > 0": "recorded = np.where(count > 1",
                "chosen = np.where(count > 0": "chosen = np.where(count > 1",
            },
        ),
    ),
    Misconception(
        "Rare chunks were not the cause: what was tried seldom is left out of the final choice.",
        "One try is enough to know a chunk here: the final choice takes the best of all that were tried.",
        edited(_learned, {"chosen = np.where(count > 0": "chosen = np.where(count > 1"}),
    ),
    Misconception(
        "A bound at 0 is not the cure: it suits the maze, where all is below 0, but not a world with gains.",
        "Say which chunks may be chosen, not which values are allowed.",
        _mended({}, "np.minimum(q, 0).max(axis=1)"),
    ),
    Misconception(
        "A low constant, such as -20, is not the cure: another world can cost more than the maze.",
        ("What stands for an untried chunk has to be lower than any value.", "-np.inf is."),
        _mended({}, "np.where(count > 0, q, -20.0).max(axis=1)"),
    ),
    Misconception(
        "A low constant, such as -20, is not the cure, nor is it as the start of the table.",
        ("What stands for an untried chunk has to be lower than any value.", "-np.inf is; start q from 0."),
        edited(
            _learned,
            {
                "np.zeros(size), np.zeros(size)": "np.full(size, -20.0), np.zeros(size)",
                "recorded = np.where(count > 0, q, -np.inf)": "recorded = np.where(count > 0, q, -20.0)",
                "chosen = np.where(count > 0, q, -np.inf)": "chosen = np.where(count > 0, q, -20.0)",
            },
        ),
    ),
    Misconception(
        "-1 / (1 - discount) is the lowest value only where no step costs more than 1, as in the maze.",
        ("What stands for an untried chunk has to be lower than any value.", "-np.inf is."),
        _mended({}, "np.where(count > 0, q, -1 / (1 - discount)).max(axis=1)"),
    ),
    Misconception(
        "The smallest return, paid for ever, is no lower bound: where an episode ends, less may follow.",
        ("What stands for an untried chunk has to be lower than any value.", "-np.inf is."),
        _mended({}, "np.where(count > 0, q, data.returns.min() / (1 - discount**length)).max(axis=1)"),
    ),
    Misconception(
        "The final choice was right before: without its mask it picks chunks that nobody tried.",
        "Keep the mask of the final choice. Does the same question arise inside the loop?",
        edited(_learned, {"chosen = np.where(count > 0, q, -np.inf)": "chosen = q"}),
    ),
    Misconception(
        "The bootstrap was not the cause: without it the critic sees no further than one chunk.",
        "The broken critic already sees one chunk far only. Find out why.",
        _mended({"later)": "data.returns)"}),
    ),
    Misconception(
        "The two targets are swapped.",
        "Where `over` is True, the return is the whole target; elsewhere more follows.",
        edited(_learned, {"data.over, data.returns, later": "data.over, later, data.returns"}),
    ),
    Misconception(
        "The discount at the bootstrap was not the cause: now it is missing.",
        "The next chunk begins H steps later: discount**length.",
        edited(_learned, {"discount**length * ": ""}),
    ),
    Misconception(
        "The discount at the bootstrap was not the cause: now it is missing, and the cause is still there.",
        "The next chunk begins H steps later: discount**length.",
        _mended({"discount**length * ": ""}),
    ),
    Misconception(
        "The discount at the bootstrap was not the cause: discount**(H - 1) is wrong.",
        "The next chunk begins H steps later: discount**length.",
        edited(_learned, {"discount**length": "discount ** (length - 1)"}),
    ),
    Misconception(
        "A penalty for rare chunks is not the cure: a chunk of no try may still beat all others.",
        "Say which chunks may be chosen; do not lower their values.",
        _mended({}, "(q - 1 / np.maximum(count, 1)).max(axis=1)"),
    ),
    Misconception(
        "A penalty for rare chunks is not the cure: it lowers what the data say rightly.",
        "Say which chunks may be chosen; do not lower their values.",
        edited(
            _learned,
            {"recorded.max": "(recorded - 1 / np.maximum(count, 1)).max"},
        ),
    ),
    Misconception(
        "A penalty for rare chunks is not the cure: it lowers the values, in the final choice as well.",
        "Say which chunks may be chosen; do not lower their values.",
        edited(
            _learned,
            {
                "    for _": "    penalty = 1 / np.maximum(count, 1)\n    for _",
                "recorded = np.where(count > 0, q,": "recorded = np.where(count > 0, q - penalty,",
                "chosen = np.where(count > 0, q,": "chosen = np.where(count > 0, q - penalty,",
            },
        ),
    ),
    Misconception(
        "The division was not the cause: now total is the sum over all visits.",
        "Where a chunk was tried, the mean of its targets is right.",
        edited(_learned, {" / np.maximum(count, 1)": ""}),
    ),
    Misconception(
        "The division was not the cause: count + 1 pulls all values to 0.",
        "Where a chunk was tried, the mean of its targets is right.",
        edited(_learned, {"np.maximum(count, 1)": "(count + 1)"}),
    ),
    Misconception(
        "The last record of a chunk stands for all of them: q[...] = target keeps one.",
        _MEAN,
        edited(
            _learned, {_ADDS: "total[data.states, data.chunks] = target * count[data.states, data.chunks]"}
        ),
    ),
    Misconception(
        "Where a chunk was tried more than once, += by index adds one target alone.",
        "np.add.at adds every one of them.",
        edited(_learned, {_ADDS: "total[data.states, data.chunks] += target"}),
    ),
    Misconception(
        "It averages over the targets of all sweeps, the old ones as well.",
        "Each sweep has new targets: begin with total = np.zeros(size), inside the loop.",
        edited(
            _learned,
            {
                "for _": "sums = np.zeros(size)\n    for k",
                "q = total / ": "sums = sums + total\n        q = sums / (k + 1) / ",
            },
        ),
    ),
    Misconception(
        "It bootstraps from the state in which the chunk started.",
        "What follows the chunk begins H steps later, in data.after.",
        edited(_learned, {"value[data.after]": "value[data.states]"}),
    ),
    Misconception(
        "The values are right, but `best` is the chunk that was tried most often.",
        _BEST,
        edited(_learned, {"chosen.argmax": "count.argmax"}),
    ),
    Misconception(
        f"{_RIGHT_QUESTION} The most frequent chunk is the recorder's choice, not the best.",
        _BEST,
        _mended({}, "q[np.arange(len(q)), count.argmax(axis=1)]"),
    ),
    Misconception(
        "The final choice was not the cause: it takes the most frequent chunk.",
        _BEST,
        edited(
            _learned,
            {"chosen = np.where(count > 0": "chosen = np.where(count == count.max(axis=1, keepdims=True)"},
        ),
    ),
]

check_learn_from_chunks = Exercise(
    learn_from_chunks,
    _learned,
    _learned_cases,
    _learned_misconceptions,
    parts=("value", "best"),
    counts=lambda data, size, *_: dict.fromkeys(
        ("value", "best"), np.bincount(data.states, minlength=size[0]) > 0
    ),
    insight="That was the cause: the maximum looked at chunks that nobody had tried, and found 0 there.",
)
