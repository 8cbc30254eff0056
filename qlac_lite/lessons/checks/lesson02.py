"""Checks of lesson 02, backups. Shapes: B batch, A actions, H or n steps of a window, C chunks, S states."""

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case


def _q(rng, *shape):
    """Values in which, for tables, the best action stands last in row 0, and all of row 1 is below 0."""
    values = rng.normal(size=shape).round(2) * 3
    if len(shape) == 2 and min(shape) > 1:
        values[0, -1] = values[0].max() + 1.5
        values[1] = -1 - np.abs(values[1])
    return values


def _cut(rng, length):
    """Validity (7, L) and mask (7,) of windows in every combination: whole or cut, terminal or not."""
    lengths = np.array([length, length, 1, 1, length - 1, length - 1, rng.integers(1, length + 1)])
    return (np.arange(length) < lengths[:, None]).astype(float), np.array([1.0, 0, 1, 0, 1, 0, 1])


_ENDS = np.array([0.0, 1, 1, 0, 1, 0])  # masks of six rows


# 1. One step


def one_step_target(reward: np.ndarray, mask: np.ndarray, next_q: np.ndarray, discount: float) -> np.ndarray:
    """r + discount * mask * max_a' Q(s', a'), each (B,); next_q is (B, A)."""
    return reward + discount * mask * next_q.max(axis=1)


def _one_step_cases(rng):
    return [
        Case(
            "four steps, none terminal, Q = 0",
            (_q(rng, 4), np.ones(4), np.zeros((4, 3)), 0.9),
            "With Q = 0 the target is the reward.",
        ),
        Case(
            "four steps, none terminal, discount 0.5",
            (_q(rng, 4), np.ones(4), _q(rng, 4, 3), 0.5),
            "reward + discount * the largest next Q of each row: next_q.max(axis=1).",
        ),
        Case(
            "six steps, some terminal (mask 0), discount 0.9",
            (_q(rng, 6), _ENDS, _q(rng, 6, 2), 0.9),
            "Where mask is 0 the episode is over: the target is the reward alone.",
        ),
    ]


def _one_step_by_loop(reward, mask, next_q, discount):
    return [r + discount * max(row) if m else r for r, m, row in zip(reward, mask, next_q, strict=True)]


_one_step_misconceptions = [
    Misconception(
        "It bootstraps from terminal states as well: the mask is missing.",
        "Multiply the bootstrap by mask, which is 0 where the next state is terminal.",
        lambda r, m, q, g: r + g * q.max(axis=1),
    ),
    Misconception(
        "The mask is used upside down: 1 means that the episode goes on.",
        "Multiply the bootstrap by mask, not by 1 - mask.",
        lambda r, m, q, g: r + g * (1 - m) * q.max(axis=1),
    ),
    Misconception(
        "The mask removes the reward too; the reward of the terminal step is earned.",
        "Only the bootstrap is masked: reward + discount * mask * ...",
        lambda r, m, q, g: m * (r + g * q.max(axis=1)),
    ),
    Misconception(
        "The bootstrap is not discounted.",
        "Multiply it by discount.",
        lambda r, m, q, g: r + m * q.max(axis=1),
    ),
    Misconception(
        "The reward is discounted too.",
        "reward + discount * (...): the reward comes now.",
        lambda r, m, q, g: g * (r + m * q.max(axis=1)),
    ),
    Misconception(
        "It takes the mean over the next actions: the value of a random policy.",
        "Q-learning takes the best: next_q.max(axis=1).",
        lambda r, m, q, g: r + g * m * q.mean(axis=1),
    ),
    Misconception(
        "It takes the worst next action.",
        "Q-learning takes the best: next_q.max(axis=1).",
        lambda r, m, q, g: r + g * m * q.min(axis=1),
    ),
    Misconception(
        "It adds up the next actions' values.",
        "Q-learning takes the best: next_q.max(axis=1).",
        lambda r, m, q, g: r + g * m * q.sum(axis=1),
    ),
    Misconception(
        "It takes the best over the whole batch.",
        "One maximum a row: next_q.max(axis=1).",
        lambda r, m, q, g: r + g * m * q.max(),
    ),
    Misconception(
        "It takes the first action's value.",
        "One maximum a row: next_q.max(axis=1).",
        lambda r, m, q, g: r + g * m * q[:, 0],
    ),
]

check_one_step_target = Exercise(
    one_step_target,
    _one_step_by_loop,
    _one_step_cases,
    _one_step_misconceptions,
    insight="One reward, then trust in the table: right in the end, and slow.",
)


# 2. n steps


def n_step_target(
    rewards: np.ndarray, valid: np.ndarray, mask: np.ndarray, last_q: np.ndarray, discount: float
) -> np.ndarray:
    """Discounted rewards of the m steps that exist, then discount^m mask max_a Q(s_m, a); (B,)."""
    steps = valid.sum(axis=1)
    powers = discount ** np.arange(rewards.shape[1])
    return np.sum(valid * powers * rewards, axis=1) + discount**steps * mask * last_q.max(axis=1)


def _n_step_cases(rng):
    ones, (valid, mask) = np.ones, _cut(rng, 4)
    return [
        Case(
            "windows of one step",
            (_q(rng, 4, 1), ones((4, 1)), ones(4), _q(rng, 4, 2), 0.5),
            "With n = 1 this is the one-step target.",
        ),
        Case(
            "whole windows of 3, none terminal, Q = 0, discount 0.5",
            (_q(rng, 4, 3), ones((4, 3)), ones(4), np.zeros((4, 2)), 0.5),
            "The sum of discount**k * rewards[:, k], k from 0.",
        ),
        Case(
            "whole windows of 3, none terminal, discount 0.5",
            (_q(rng, 4, 3), ones((4, 3)), ones(4), _q(rng, 4, 2), 0.5),
            "Three steps on, the bootstrap has the weight discount**3.",
        ),
        Case(
            "windows of 4, some cut by an episode's end, some terminal, discount 0.8",
            (_q(rng, 7, 4), valid, mask, _q(rng, 7, 3), 0.8),
            "A cut window has m = valid.sum(axis=1) steps: only these rewards count, "
            "and the bootstrap has discount**m. In every window, cut or not, "
            "mask multiplies the bootstrap and nothing else.",
        ),
    ]


def _n_step_by_loop(rewards, valid, mask, last_q, discount):
    """From the bootstrap back to the first step."""
    total = mask * [max(row) for row in last_q]
    for r, exists in zip(rewards.T[::-1], valid.T[::-1], strict=True):
        total = np.where(exists, r + discount * total, total)
    return total


_n_step_misconceptions = [
    Misconception(
        "The bootstrap has the weight discount, as if it were one step away.",
        "It is m steps away: discount**m.",
        edited(n_step_target, {"discount**steps": "discount"}),
    ),
    Misconception(
        "The bootstrap has the weight discount**n for cut windows too.",
        "A cut window is shorter: m = valid.sum(axis=1) steps lie before its bootstrap.",
        edited(n_step_target, {"discount**steps": "discount ** rewards.shape[1]"}),
    ),
    Misconception(
        "The bootstrap has the weight discount**(m - 1).",
        "The first reward has discount**0, the m-th discount**(m - 1), and the bootstrap comes after it: "
        "discount**m.",
        edited(n_step_target, {"discount**steps": "discount ** (steps - 1)"}),
    ),
    Misconception(
        "The bootstrap is not discounted.",
        "It is m steps away: discount**m.",
        edited(n_step_target, {"discount**steps * ": ""}),
    ),
    Misconception(
        "Steps after the end of the episode are counted: valid is not used on the rewards.",
        "Multiply the rewards by valid.",
        edited(n_step_target, {"valid * powers": "powers"}),
    ),
    Misconception(
        "It bootstraps from terminal states as well: the mask is missing.",
        "Multiply the bootstrap by mask.",
        edited(n_step_target, {"steps * mask": "steps"}),
    ),
    Misconception(
        "The mask is multiplied over the whole target: the rewards of a terminal window are lost.",
        "mask belongs to the bootstrap alone.",
        lambda *args: args[2] * n_step_target(*args),
    ),
    Misconception(
        "The mask is used in whole windows only; a cut window may be terminal, too.",
        "Multiply every bootstrap by mask.",
        edited(n_step_target, {"steps * mask": "steps * np.where(valid[:, -1], mask, 1)"}),
    ),
    Misconception(
        "Cut windows do not bootstrap; but an episode that was cut by its time limit has a future.",
        "mask alone says where nothing follows.",
        edited(n_step_target, {"steps * mask": "steps * mask * valid[:, -1]"}),
    ),
    Misconception(
        "The mask is used upside down.",
        "mask is 1 where the episode goes on.",
        edited(n_step_target, {"steps * mask": "steps * (1 - mask)"}),
    ),
    Misconception(
        "The rewards are not discounted.",
        "Step k has discount**k.",
        edited(n_step_target, {"valid * powers": "valid"}),
    ),
    Misconception(
        "The first reward is discounted already.",
        "Step k has discount**k, k from 0.",
        edited(n_step_target, {"valid * powers": "valid * discount * powers"}),
    ),
    Misconception(
        "Only the first reward counts.",
        "All rewards of the window count.",
        edited(n_step_target, {"np.sum(valid * powers * rewards, axis=1)": "rewards[:, 0]"}),
    ),
    Misconception(
        "It takes the mean over the last state's actions.",
        "Take the best: last_q.max(axis=1).",
        edited(n_step_target, {"last_q.max": "last_q.mean"}),
    ),
]

check_n_step_target = Exercise(
    n_step_target,
    _n_step_by_loop,
    _n_step_cases,
    _n_step_misconceptions,
    insight="n real rewards, whatever was done to get them. Whose actions were they? Hold that thought.",
)


# 3. A chunk


def chunk_target(
    rewards: np.ndarray, valid: np.ndarray, mask: np.ndarray, next_q: np.ndarray, discount: float
) -> tuple[np.ndarray, np.ndarray]:
    """Target sum_k discount^k r_k + discount^H mask max_c Q(s_H, c), and weight, 1 for whole chunks; (B,)."""
    horizon = rewards.shape[1]
    powers = discount ** np.arange(horizon)
    target = np.sum(valid * powers * rewards, axis=1) + discount**horizon * mask * next_q.max(axis=1)
    return target, valid[:, -1]


def _chunk_cases(rng):
    ones, (valid, mask) = np.ones, _cut(rng, 4)
    return [
        Case(
            "chunks of one action",
            (_q(rng, 4, 1), ones((4, 1)), ones(4), _q(rng, 4, 2), 0.5),
            "With H = 1 this is the one-step target, and every weight is 1.",
        ),
        Case(
            "whole chunks of 3, none terminal, discount 0.5",
            (_q(rng, 4, 3), ones((4, 3)), ones(4), _q(rng, 4, 8), 0.5),
            "Sum of discount**k * rewards, plus discount**H * the best next chunk.",
        ),
        Case(
            "whole chunks of 3, some reach a terminal state",
            (_q(rng, 6, 3), ones((6, 3)), _ENDS, _q(rng, 6, 8), 0.9),
            "Where mask is 0 nothing follows; the chunk is whole all the same, and its weight is 1.",
        ),
        Case(
            "chunks of 4, some cut by an episode's end, discount 0.8",
            (_q(rng, 7, 4), valid, mask, _q(rng, 7, 16), 0.8),
            "Only a chunk whose LAST step exists is whole: weight valid[:, -1], "
            "whether it is terminal or not. Targets are compared where the weight is 1.",
        ),
    ]


def _chunk_by_loop(rewards, valid, mask, next_q, discount):
    target = discount ** rewards.shape[1] * mask * [max(row) for row in next_q]
    for k, (r, exists) in enumerate(zip(rewards.T, valid.T, strict=True)):
        target = target + discount**k * exists * r
    return target, valid.min(axis=1)


_chunk_misconceptions = [
    Misconception(
        "Every chunk has the weight 1, also those cut by the end of an episode.",
        "The critic is asked about H actions; a cut chunk has fewer. Weight: valid[:, -1].",
        edited(chunk_target, {"valid[:, -1]": "np.ones(len(valid))"}),
    ),
    Misconception(
        "A cut chunk counts in part: the weight is the share of its valid steps.",
        "A part of a chunk says nothing of the whole: weight valid[:, -1], 0 or 1.",
        edited(chunk_target, {"valid[:, -1]": "valid.mean(axis=1)"}),
    ),
    Misconception(
        "The weight is the number of valid steps.",
        "Weight valid[:, -1], 0 or 1.",
        edited(chunk_target, {"valid[:, -1]": "valid.sum(axis=1)"}),
    ),
    Misconception(
        "The weight is the mask: chunks that reach the terminal state would be lost, "
        "and they carry the reward.",
        "mask belongs to the bootstrap; the weight is valid[:, -1].",
        edited(chunk_target, {"valid[:, -1]": "mask"}),
    ),
    Misconception(
        "The weight is valid[:, -1] * mask: whole chunks that reach the terminal state are lost, "
        "and they carry the reward.",
        "The weight is valid[:, -1] alone.",
        edited(chunk_target, {"valid[:, -1]": "valid[:, -1] * mask"}),
    ),
    Misconception(
        "The weight is upside down.",
        "1 for whole chunks: valid[:, -1].",
        edited(chunk_target, {"valid[:, -1]": "1 - valid[:, -1]"}),
    ),
    Misconception(
        "The bootstrap has the weight discount, as if the next chunk were one step away.",
        "It is H steps away: discount**H.",
        edited(chunk_target, {"discount**horizon": "discount"}),
    ),
    Misconception(
        "The bootstrap has the weight discount**(H - 1).",
        "The last reward has discount**(H - 1); the next chunk comes after it: discount**H.",
        edited(chunk_target, {"discount**horizon": "discount ** (horizon - 1)"}),
    ),
    Misconception(
        "The bootstrap is not discounted.",
        "It is H steps away: discount**H.",
        edited(chunk_target, {"discount**horizon * ": ""}),
    ),
    Misconception(
        "It bootstraps from terminal states as well: the mask is missing.",
        "Multiply the bootstrap by mask.",
        edited(chunk_target, {"horizon * mask": "horizon"}),
    ),
    Misconception(
        "The rewards are not discounted.",
        "Step k of the chunk has discount**k.",
        edited(chunk_target, {"valid * powers": "valid"}),
    ),
    Misconception(
        "Terminal chunks have the weight 1 even if they were cut.",
        "A cut chunk does not count, whatever ended it: weight valid[:, -1].",
        edited(chunk_target, {"valid[:, -1]": "np.where(mask == 0, 1.0, valid[:, -1])"}),
    ),
    Misconception(
        "The mask is multiplied over the whole target: the rewards of a terminal chunk are lost.",
        "mask belongs to the bootstrap alone.",
        edited(chunk_target, {"return target": "return mask * target"}),
    ),
    Misconception(
        "It takes the mean over the next chunks: the value of acting at random.",
        "Take the best: next_q.max(axis=1).",
        edited(chunk_target, {"next_q.max": "next_q.mean"}),
    ),
]

check_chunk_target = Exercise(
    chunk_target,
    _chunk_by_loop,
    _chunk_cases,
    _chunk_misconceptions,
    parts=("target", "weight"),
    counts=lambda rewards, valid, *rest: {"target": valid[:, -1] == 1},
    insight=(
        "The same sum as n-step. The difference is on the other side: "
        "Q is asked about all H actions, so no one else chose any of them."
    ),
)


# 4. The update


def td_update(
    q: np.ndarray, state: np.ndarray, chunk: np.ndarray, target: np.ndarray, weight: np.ndarray, rate: float
) -> np.ndarray:
    """Q (S, C) after a step of `rate` towards the targets (B,); repeated entries (state, chunk) add up."""
    new = q.copy()
    np.add.at(new, (state, chunk), rate * weight * (target - q[state, chunk]))
    return new


def _update_cases(rng):
    def batch(states, chunks, rows, rate, weight=None):
        entries = rng.permutation(states * chunks)[rows]
        weight = np.ones(len(rows)) if weight is None else np.array(weight)
        return _q(rng, states, chunks), entries // chunks, entries % chunks, _q(rng, len(rows)), weight, rate

    return [
        Case(
            "one entry, rate 0.5",
            batch(4, 2, [0], 0.5),
            "q[state, chunk] moves half of the way to its target; all other entries stay.",
        ),
        Case(
            "five different entries, rate 0.2",
            batch(4, 4, [0, 1, 2, 3, 4], 0.2),
            "q[state, chunk] with two arrays of the same length picks B entries; "
            "each moves by rate * weight * (its target - its old value).",
        ),
        Case(
            "six entries, two with weight 0",
            batch(5, 4, [0, 1, 2, 3, 4, 5], 0.25, [1.0, 1, 0, 1, 0, 1]),
            "Multiply the error by weight: an entry with weight 0 stays.",
        ),
        Case(
            "weights of 0.2, 1.7, 0 and 0.5",
            batch(5, 4, [0, 1, 2, 3], 0.3, [0.2, 1.7, 0.0, 0.5]),
            "A weight may be any number from 0 on: it multiplies the error as it is.",
        ),
        Case(
            "nine rows on four entries: one occurs three times",
            batch(5, 4, [0, 1, 2, 3, 0, 1, 0, 2, 3], 0.1),
            "All rows count. q[state, chunk] += ... keeps only one of them; np.add.at adds them all.",
        ),
    ]


def _update_by_loop(q, state, chunk, target, weight, rate):
    new = q.copy()
    for s, c, y, w in zip(state, chunk, target, weight, strict=True):
        new[s, c] += rate * w * (y - q[s, c])
    return new


_update_misconceptions = [
    Misconception(
        "Where an entry occurs twice in the batch, one of its errors is lost.",
        "q[state, chunk] += step writes each entry once. Use np.add.at(new, (state, chunk), step).",
        edited(td_update, {"np.add.at(new, (state, chunk), ": "new[state, chunk] += ("}),
    ),
    Misconception(
        "The weight is not used: cut chunks move the table.",
        "Multiply the error by weight.",
        edited(td_update, {" * weight": ""}),
    ),
    Misconception(
        "Only rows with the weight 1 count.",
        "A weight may be any number from 0 on: multiply the error by it.",
        edited(td_update, {"* weight": "* (weight == 1)"}),
    ),
    Misconception(
        "Every row with a weight above 0 counts fully.",
        "A weight may be any number from 0 on: multiply the error by it.",
        edited(td_update, {"* weight": "* (weight > 0)"}),
    ),
    Misconception(
        "The weights are divided by their sum.",
        "Use them as they are.",
        edited(td_update, {"* weight": "* weight / weight.sum()"}),
    ),
    Misconception(
        "The rate is not used: the entry jumps to its target.",
        "Move by rate * weight * (target - q).",
        edited(td_update, {"rate * ": ""}),
    ),
    Misconception(
        "The sign is wrong: the entry moves away from its target.",
        "The error is target - q[state, chunk].",
        edited(td_update, {"target - q[state, chunk]": "q[state, chunk] - target"}),
    ),
    Misconception(
        "The target is added, not the error.",
        "The error is target - q[state, chunk].",
        edited(td_update, {"target - q[state, chunk]": "target"}),
    ),
    Misconception(
        "The errors are divided by the size of the batch.",
        "Each row moves its own entry by the full rate * weight * error.",
        edited(td_update, {"rate * ": "rate / len(state) * "}),
    ),
    Misconception(
        "All chunks of the state move.",
        "Only the chunk that was executed moves: q[state, chunk].",
        edited(_update_by_loop, {"new[s, c]": "new[s]", "q[s, c]": "q[s]"}),
    ),
    Misconception(
        "Repeated entries are updated one after the other, the second from the result of the first.",
        "All errors of a batch are measured at the same q, the one that came in.",
        edited(_update_by_loop, {"q[s, c]": "new[s, c]"}),
    ),
]

check_td_update = Exercise(
    td_update,
    _update_by_loop,
    _update_cases,
    _update_misconceptions,
    insight="A gradient step on the squared error does just this, with a network in place of the table.",
)
