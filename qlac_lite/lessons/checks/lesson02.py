"""Checks of lesson 02, backups. Shapes: B batch, A actions, H or n steps of a window, C chunks, S states."""

import copy
from collections.abc import Callable

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


# 1. The three targets


def window_targets(
    rewards: np.ndarray,
    valid: np.ndarray,
    mask: np.ndarray,
    last_q: np.ndarray,
    discount: float,
    whole_only: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Discounted rewards of the m steps that exist, then discount^m mask max_a Q(s_m, a); and the weight,
    which with `whole_only` is 0 for windows that were cut. (B,) each. From arXiv 2507.07969, section 4.
    """
    steps = valid.sum(axis=1)
    powers = discount ** np.arange(rewards.shape[1])
    earned = np.sum(valid * powers * rewards, axis=1)
    target = earned + discount**steps * mask * last_q.max(axis=1)
    weight = valid[:, -1] if whole_only else np.ones(len(valid))
    return target, weight


_SUM = (
    "Step k counts with the discount to the power k, and k starts at 0.",
    "`powers = discount ** np.arange(rewards.shape[1])`, then `np.sum(valid * powers * rewards, axis=1)`.",
)
_EXIST = (
    "What stands past the end of the episode means nothing: multiply the rewards by valid, step by step.",
    _SUM[1],
)
_ADD = ("Every step that exists gives its reward once, and they are added up.", _SUM[1])
_AHEAD = (
    "The bootstrap comes after the m steps that exist, so it is discounted m times, row by row.",
    "`steps = valid.sum(axis=1)`, then `discount**steps * mask * last_q.max(axis=1)`.",
)
_MASK = (
    "mask belongs to the bootstrap, in every row, and to nothing else.",
    "`earned + discount**steps * mask * last_q.max(axis=1)`.",
)
_BEST = ("Each row takes its own best value of the last state.", "`last_q.max(axis=1)`.")
_WEIGHT = (
    "With whole_only a window counts if its LAST step exists; without it every window counts.",
    "`weight = valid[:, -1] if whole_only else np.ones(len(valid))`.",
)


def _target_cases(rng):
    ones, (valid, mask) = np.ones, _cut(rng, 4)
    rewards = _q(rng, 7, 4)
    rewards[:, 0] = 0.0  # a step that costs nothing is a step
    cut = (rewards, valid, mask)
    return [
        Case(
            "windows of one step, Q = 0",
            (_q(rng, 4, 1), ones((4, 1)), ones(4), np.zeros((4, 3)), 0.9, False),
            "With Q = 0 the target is the reward, and every weight is 1: one number a row, (B,).",
        ),
        Case(
            "windows of one step, discount 0.5",
            (_q(rng, 4, 1), ones((4, 1)), ones(4), _q(rng, 4, 3), 0.5, False),
            (
                "One step on, the bootstrap is discounted once. Each row takes its own best value, "
                "which may be below 0.",
                _AHEAD[1],
            ),
        ),
        Case(
            "windows of one step, some reach the goal (mask 0)",
            (_q(rng, 6, 1), ones((6, 1)), _ENDS, _q(rng, 6, 3), 0.5, False),
            _MASK,
        ),
        Case(
            "whole windows of 3, Q = 0, discount 0.5",
            (_q(rng, 4, 3), ones((4, 3)), ones(4), np.zeros((4, 2)), 0.5, False),
            _SUM,
        ),
        Case(
            "whole windows of 3, discount 0.5",
            (_q(rng, 4, 3), ones((4, 3)), ones(4), _q(rng, 4, 2), 0.5, False),
            _AHEAD,
        ),
        Case(
            "windows of 4, some cut, some at the goal, every window counts",
            (*cut, _q(rng, 7, 3), 0.8, False),
            (
                "A cut window has m = valid.sum(axis=1) steps. Only their rewards count, the bootstrap is "
                "discounted m times, and mask multiplies the bootstrap alone. Every weight is 1.",
                _AHEAD[1],
            ),
        ),
        Case(
            "the same windows, only whole ones count",
            (*cut, _q(rng, 7, 16), 0.8, True),
            {
                "target": ("The targets follow the same formula, in cut windows, too.", _AHEAD[1]),
                "weight": _WEIGHT,
            },
        ),
    ]


def _targets_by_loop(rewards, valid, mask, last_q, discount, whole_only):
    """From the bootstrap back to the first step."""
    total = mask * [max(row) for row in last_q]
    for r, exists in zip(rewards.T[::-1], valid.T[::-1], strict=True):
        total = np.where(exists, r + discount * total, total)
    return total, valid.min(axis=1) if whole_only else np.ones(len(valid))


def _targets(name: str, remedy, **changes) -> Misconception:
    """A wrong answer to `window_targets`, in which some named pieces are replaced."""
    pieces = {
        "bootstrap": "discount**steps * mask * last_q.max(axis=1)",
        "power": "discount**steps",
        "mask": "steps * mask",
        "best": "last_q.max(axis=1)",
        "earned": "np.sum(valid * powers * rewards, axis=1)",
        "terms": "valid * powers * rewards",
        "weight": "valid[:, -1] if whole_only else np.ones(len(valid))",
        "target": "return target,",
        "steps": "valid.sum(axis=1)",
    }
    return Misconception(name, remedy, edited(window_targets, {pieces[k]: new for k, new in changes.items()}))


_whole = lambda weight: f"{weight} if whole_only else np.ones(len(valid))"
_target_misconceptions = [
    _targets("The bootstrap is discounted once, as if it were one step away.", _AHEAD, power="discount"),
    _targets(
        "The bootstrap of a cut window is discounted as often as that of a whole one.",
        _AHEAD,
        power="discount ** rewards.shape[1]",
    ),
    _targets("The bootstrap is discounted m - 1 times.", _AHEAD, power="discount ** (steps - 1)"),
    _targets(
        "Every cut window is taken to have n - 1 steps in the bootstrap's discount; some have fewer.",
        _AHEAD,
        power="discount ** (rewards.shape[1] - 1 + valid[:, -1])",
    ),
    _targets(
        "Every cut window is taken to have one step in the bootstrap's discount; some have more.",
        _AHEAD,
        power="discount ** np.where(valid[:, -1] == 1, steps, 1)",
    ),
    _targets("The bootstrap is discounted m + 1 times.", _AHEAD, power="discount ** (steps + 1)"),
    _targets("The bootstrap is not discounted.", _AHEAD, power="1"),
    _targets(
        "Steps after the end of the episode are counted: valid is not used on the rewards.",
        _EXIST,
        terms="powers * rewards",
    ),
    _targets("The rewards are not discounted.", _SUM, terms="valid * rewards"),
    _targets("The first reward is discounted already.", _SUM, terms="valid * discount * powers * rewards"),
    _targets(
        "The discounts stand in reverse: the first reward has the largest power.",
        _SUM,
        terms="valid * powers[::-1] * rewards",
    ),
    _targets("Only the first reward counts.", _ADD, earned="rewards[:, 0]"),
    _targets(
        "The rewards are averaged, not added.", _ADD, earned="np.mean(valid * powers * rewards, axis=1)"
    ),
    _targets("It bootstraps at the goal as well: the mask is missing.", _MASK, mask="steps"),
    _targets(
        "mask multiplies the whole target: rewards on the way to the goal are lost.",
        _MASK,
        target="return mask * target,",
    ),
    _targets(
        "mask is used in whole windows only; a cut window may end at the goal, too.",
        _MASK,
        mask="steps * np.where(valid[:, -1], mask, 1)",
    ),
    _targets(
        "Cut windows do not bootstrap; but after a time limit there is a future.",
        _MASK,
        mask="steps * mask * valid[:, -1]",
    ),
    _targets(
        "mask is used upside down: it is 1 where the episode goes on.", _MASK, mask="steps * (1 - mask)"
    ),
    _targets("It takes the mean over the last state's actions.", _BEST, best="last_q.mean(axis=1)"),
    _targets("It takes the worst action of the last state.", _BEST, best="last_q.min(axis=1)"),
    _targets("It adds up the values of the last state's actions.", _BEST, best="last_q.sum(axis=1)"),
    _targets("It takes the best over the whole batch.", _BEST, best="last_q.max()"),
    _targets("It takes the first action's value.", _BEST, best="last_q[:, 0]"),
    _targets(
        "Every window has the weight 1: whole_only is not used, or the first step, which always exists.",
        _WEIGHT,
        weight="np.ones(len(valid))",
    ),
    _targets("Cut windows have the weight 0 even where every window counts.", _WEIGHT, weight="valid[:, -1]"),
    _targets(
        "whole_only is used upside down.",
        _WEIGHT,
        weight="np.ones(len(valid)) if whole_only else valid[:, -1]",
    ),
    _targets(
        "A cut window counts in part: its weight is the share of its valid steps.",
        _WEIGHT,
        weight=_whole("valid.mean(axis=1)"),
    ),
    _targets("The weight is the number of valid steps.", _WEIGHT, weight=_whole("valid.sum(axis=1)")),
    _targets(
        "The weight is the mask; but a whole chunk that ends at the goal counts.",
        _WEIGHT,
        weight=_whole("mask"),
    ),
    _targets(
        "Whole windows that end at the goal have the weight 0, and they carry the news.",
        _WEIGHT,
        weight=_whole("valid[:, -1] * mask"),
    ),
    _targets(
        "The weight is upside down: 1 for windows that were cut.", _WEIGHT, weight=_whole("1 - valid[:, -1]")
    ),
    _targets(
        "Windows that the goal cut count, too. Keep that idea for section 6; here they have the weight 0.",
        _WEIGHT,
        weight=_whole("np.where(mask == 0, 1.0, valid[:, -1])"),
    ),
    _targets("It takes the number of the best action, not its value.", _BEST, best="last_q.argmax(axis=1)"),
    _targets(
        "Running sums are added up: the first reward counts in every one of them.",
        _ADD,
        earned="np.cumsum(valid * powers * rewards, axis=1).sum(axis=1)",
    ),
    _targets("Only the last reward counts.", _ADD, earned="(valid * powers * rewards)[:, -1]"),
    _targets(
        "mask stands in the power of the discount.",
        _MASK,
        bootstrap="discount ** (steps * mask) * last_q.max(axis=1)",
    ),
    _targets(
        "The discount is multiplied by the steps; it has to be a power.", _AHEAD, power="discount * steps"
    ),
    _targets(
        "Rewards and bootstrap are discounted once too often.", _SUM, target="return discount * target,"
    ),
    _targets(
        "With whole_only the bootstrap of a cut window is discounted as often as that of a whole one.",
        _AHEAD,
        power="discount ** (rewards.shape[1] if whole_only else steps)",
    ),
    _targets(
        "Your targets of cut windows have no bootstrap when whole_only is True.",
        ("whole_only changes the weight alone. The target is the formula's, in cut windows, too.", _AHEAD[1]),
        mask="steps * mask * (valid[:, -1] if whole_only else 1)",
    ),
    _targets(
        "Every weight is the share of valid steps, whole_only or not.", _WEIGHT, weight="valid.mean(axis=1)"
    ),
    _targets(
        "The rewards of cut windows are lost.",
        ("A cut window has fewer steps, and their rewards count in the target.", _SUM[1]),
        earned="valid[:, -1] * np.sum(powers * rewards, axis=1)",
    ),
    _targets(
        "mask is used with whole_only alone; every learner's episodes end at the goal.",
        _MASK,
        mask="steps * (mask if whole_only else 1)",
    ),
    _targets(
        "The rewards are not discounted, and the bootstrap is discounted once, as if it were one step away.",
        _SUM,
        terms="valid * rewards",
        power="discount",
    ),
    _targets("Nothing is discounted.", _SUM, terms="valid * rewards", power="1"),
    _targets(
        "The target is multiplied by the weight. The two are returned separately.",
        ("Return the target as the formula has it.", "`return target, weight`."),
        target="return weight * target,",
    ),
    _targets(
        "m is 0 for whole windows: argmin finds no 0 in them, and gives 0.",
        _AHEAD,
        steps="valid.argmin(axis=1)",
    ),
    _targets(
        "valid decides about the bootstrap, not mask: a whole window may end at the goal, a cut one may not.",
        _MASK,
        mask="steps * valid[:, -1]",
    ),
]

check_window_targets = Exercise(
    window_targets,
    _targets_by_loop,
    _target_cases,
    _target_misconceptions,
    parts=("target", "weight"),
    insight="One function, three learners: they differ in the window's length and in what Q is asked about.",
)


# 2. Fitted Q iteration


def fitted_q(
    state: np.ndarray,
    entry: np.ndarray,
    last_state: np.ndarray,
    backup: Callable,
    q: np.ndarray,
    iterations: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted Q iteration on a table (S, C): each iteration moves every entry to the mean of its targets.

    Args:
        state, entry, last_state: (B,) int.
        backup: `backup(last_q)` gives target and weight, (B,) each, from `last_q` (B, C).
        q: (S, C), left as it is.
        iterations: how often.

    Returns:
        The table (S, C), and the largest Q of state 0 after each iteration, (iterations,).
    """
    curve = []
    for _ in range(iterations):
        target, weight = backup(q[last_state])
        total, count = np.zeros_like(q), np.zeros_like(q)
        np.add.at(total, (state, entry), weight * target)
        np.add.at(count, (state, entry), weight)
        seen = count > 0
        q = np.where(seen, total / np.where(seen, count, 1), q)
        curve.append(q[0].max())
    return q, np.array(curve)


_MEAN = (
    "Collect two tables: the sum of weight * target of each entry, and the sum of its weights. Divide.",
    "`np.add.at(total, (state, entry), weight * target)`, the same for `count` with `weight`.",
)
_STAY = (
    "An entry that no row with a weight speaks about keeps its value.",
    "`seen = count > 0`, then `np.where(seen, total / np.where(seen, count, 1), q)`.",
)
_BEFORE = "All targets of an iteration come from the table of the iteration before."
_FRESH = (
    "Every iteration asks backup again, with the table of the iteration before, at the LAST states.",
    "Inside the loop: `target, weight = backup(q[last_state])`.",
)
_CURVE = (
    "At the end of each iteration, append the largest value of state 0.",
    "At the end of the loop: `curve.append(q[0].max())`.",
)


def _fit_case(rng, rows, iterations, weight=None, goes_on=0.8, untried=-4.0):
    """Rows on entries (by number) of a table (5, 5), entry 0 in state 0; each ends in another row's state.
    `untried` is added to state 0, of which the rows speak only about entry 0.

    A share `goes_on` of them is not at the goal. The first never is; nor is the last, which ends in the
    first one's state and so meets a changed value if the entries are updated one by one.
    """
    cells = np.concatenate([[rng.integers(1, 5)], 5 + rng.permutation(20)])[rows]
    reward = rng.uniform(-6, 6, len(rows)).round(2)
    high = rng.uniform(7, 7.5) + 0.6 * rng.permutation(rows.count(0))  # seen in the curve of state 0
    reward[np.array(rows) == 0] = high.round(2)
    weight = np.ones(len(rows)) if weight is None else np.array(weight)
    mask = (rng.random(len(rows)) < goes_on).astype(float)
    mask[0] = 1.0
    if goes_on:
        mask[-1] = 1.0

    def backup(last_q):
        if np.shape(last_q) != (len(rows), 5):
            raise ValueError(
                f"backup needs q's whole rows at the last states, (B, C), here ({len(rows)}, 5). "
                f"It was given shape {np.shape(last_q)}."
            )
        return reward + 0.9 * mask * last_q.max(axis=1), weight.copy()

    q = _q(rng, 5, 5)
    q[0] += untried  # if it is low, the first row's target is above it
    q[2] += 12.0  # too high at the beginning: it has to fall where there are data
    state = cells // 5
    last_state = np.roll(state, -1)
    return state, cells % 5, last_state, backup, q, iterations


def _fit_cases(rng):
    return [
        Case(
            "one row, one iteration",
            _fit_case(rng, [0], 1),
            "q[state, entry] moves to its target; all others stay. curve holds the largest value of state 0.",
        ),
        Case(
            "five rows on five entries, one iteration",
            _fit_case(rng, [0, 1, 2, 3, 4], 1, untried=20.0),
            (f"{_STAY[0]} {_BEFORE}", _STAY[1]),
        ),
        Case(
            "nine rows on four entries, one iteration", _fit_case(rng, [0, 1, 2, 3, 0, 1, 0, 2, 3], 1), _MEAN
        ),
        Case(
            "seven rows, some with the weight 0, one iteration",
            _fit_case(rng, [0, 1, 2, 0, 1, 3, 4], 1, [1.0, 1, 0, 0, 1, 0, 1]),
            ("A row with the weight 0 has no say, in the sum or in the count.", _MEAN[1]),
        ),
        Case("sixteen rows, three iterations", _fit_case(rng, [0, *range(1, 16)], 3), _FRESH),
        Case(
            "weights between 0 and 1, most rows at the goal, four iterations",
            _fit_case(
                rng, [0, 1, 2, 0, 1, 3, 4, 5, 6], 4, [0.2, 1, 0.7, 0.5, 0.3, 0, 1, 0.4, 0.9], goes_on=0.0
            ),
            (
                "A weighted mean: sum of weight * target over sum of weight. Four iterations, four values.",
                _MEAN[1],
            ),
        ),
    ]


def _fitted_by_loop(state, entry, last_state, backup, q, iterations):
    curve = np.zeros(iterations)
    for i in range(iterations):
        target, weight = backup(q[last_state])
        new = q.copy()
        for s, c in {(s, c) for s, c, w in zip(state, entry, weight, strict=True) if w > 0}:
            rows = (state == s) & (entry == c)
            new[s, c] = np.average(target[rows], weights=weight[rows])
        q, curve[i] = new, new[0].max()
    return q, curve


def _fitted(name: str, remedy, changes: dict) -> Misconception:
    return Misconception(name, remedy, edited(fitted_q, changes))


_TOTAL = "np.add.at(total, (state, entry), weight * target)"
_COUNT = "np.add.at(count, (state, entry), weight)"
_NEW = "np.where(seen, total / np.where(seen, count, 1), q)"
_fit_misconceptions = [
    _fitted(
        "Of several rows on one entry, only the last one counts.",
        (
            "`total[state, entry] += ...` writes each entry once, and the other rows are lost silently.",
            _MEAN[1],
        ),
        {_TOTAL: "total[state, entry] += weight * target", _COUNT: "count[state, entry] += weight"},
    ),
    _fitted(
        "The targets are added with all rows, but of the rows on one entry only one is counted.",
        ("`count[state, entry] += weight` writes each entry once.", _MEAN[1]),
        {_COUNT: "count[state, entry] += weight"},
    ),
    Misconception(
        "An entry takes the target of the last row that counts, not the mean of all its rows.",
        _MEAN,
        edited(
            _fitted_by_loop,
            {"np.average(target[rows], weights=weight[rows])": "target[rows & (weight > 0)][-1]"},
        ),
    ),
    _fitted(
        "The targets are added up without their weights.",
        ("`weight * target` in the sum, as `weight` in the count.", _MEAN[1]),
        {_TOTAL: _TOTAL.replace("weight * ", "")},
    ),
    _fitted(
        "It stops as soon as an iteration changes nothing: the curve is too short.",
        ("`iterations` of them, and a value after each.", "`for _ in range(iterations):`."),
        {
            "q = np.where": "old, q = q, np.where",
            "curve.append(q[0].max())\n": "curve.append(q[0].max())\n        if np.allclose(q, old): break\n",
        },
    ),
    _fitted("The targets of an entry are added up, not averaged.", _MEAN, {_NEW: "np.where(seen, total, q)"}),
    _fitted(
        "The weights are not used.",
        _MEAN,
        {_TOTAL: _TOTAL.replace("weight * ", ""), _COUNT: _COUNT.replace(", weight)", ", 1)")},
    ),
    _fitted(
        "The sum is divided by the number of rows, with those of weight 0, not by the sum of the weights.",
        _MEAN,
        {_COUNT: _COUNT.replace(", weight)", ", 1)")},
    ),
    _fitted(
        "Rows with a little weight count fully.",
        _MEAN,
        {
            _TOTAL: _TOTAL.replace("weight *", "(weight > 0) *"),
            _COUNT: _COUNT.replace(", weight)", ", weight > 0)"),
        },
    ),
    _fitted(
        "The sum is divided by the size of the batch.", _MEAN, {_NEW: "np.where(seen, total / len(state), q)"}
    ),
    _fitted("Entries without data become 0.", _STAY, {_NEW: "total / np.where(seen, count, 1)"}),
    _fitted("An entry may rise but never fall.", _STAY, {_NEW: f"np.maximum(q, {_NEW})"}),
    _fitted(
        "Entries move half of the way to the mean.",
        ("An entry becomes the mean of its targets.", _MEAN[1]),
        {_NEW: f"(q + {_NEW}) / 2"},
    ),
    _fitted(
        "Every iteration has the targets of the table that came in.",
        _FRESH,
        {"curve = []": "curve, first = [], q", "backup(q[last_state])": "backup(first[last_state])"},
    ),
    _fitted(
        "backup is given the values of the first states, not of the last ones.",
        _FRESH,
        {"q[last_state]": "q[state]"},
    ),
    _fitted(
        "Sums and counts go on from one iteration to the next.",
        (
            "Each iteration starts with empty sums.",
            "`total, count = np.zeros_like(q), np.zeros_like(q)` in the loop.",
        ),
        {
            "curve = []": "curve, total, count = [], np.zeros_like(q), np.zeros_like(q)",
            "        total, count = np.zeros_like(q), np.zeros_like(q)\n": "",
        },
    ),
    _fitted(
        "The curve is noted before the update.",
        _CURVE,
        {"curve = []": "curve = [q[0].max()]", "np.array(curve)": "np.array(curve[:-1])"},
    ),
    _fitted("The curve holds the largest value of the whole table.", _CURVE, {"q[0].max()": "q.max()"}),
    _fitted("The curve holds the first action's value of state 0.", _CURVE, {"q[0].max()": "q[0, 0]"}),
    _fitted(
        "Every value of the curve is that of the last iteration.",
        _CURVE,
        {"np.array(curve)": "np.full(iterations, q[0].max())"},
    ),
    _fitted("The curve holds the mean of state 0.", _CURVE, {"q[0].max()": "q[0].mean()"}),
    _fitted(
        "There is one iteration too few.",
        ("`iterations` of them.", "`for _ in range(iterations):`."),
        {"range(iterations)": "range(iterations - 1)", "np.array(curve)": "np.array([*curve, q[0].max()])"},
    ),
    _fitted(
        "There is one iteration too many.",
        ("`iterations` of them.", "`for _ in range(iterations):`."),
        {"range(iterations)": "range(iterations + 1)", "np.array(curve)": "np.array(curve[:-1])"},
    ),
    _fitted(
        "The weights are squared.",
        ("Multiply each target by its weight, once.", _MEAN[1]),
        {_TOTAL: _TOTAL.replace("weight", "weight**2")},
    ),
    _fitted(
        "The curve holds the largest value among the entries that have data.",
        ("Take the largest of ALL entries of state 0, those without data, too.", _CURVE[1]),
        {"q[0].max()": "np.where(seen[0], q[0], -np.inf).max()"},
    ),
    _fitted("The curve holds the smallest value of state 0.", _CURVE, {"q[0].max()": "q[0].min()"}),
    _fitted("The curve holds the largest value of the last state.", _CURVE, {"q[0].max()": "q[-1].max()"}),
    _fitted("The curve holds the mean of the table.", _CURVE, {"q[0].max()": "q.mean()"}),
    _fitted("The curve holds the mean of all states' best.", _CURVE, {"q[0].max()": "q.max(axis=1).mean()"}),
    _fitted(
        "The entry becomes its mean error, not its mean target.",
        ("Average the targets themselves.", _MEAN[1]),
        {_TOTAL: _TOTAL.replace("target", "(target - q[state, entry])")},
    ),
    _fitted(
        "The errors of all rows on an entry are added, so it overshoots its targets.",
        ("Take the mean over the rows, not the sum.", _MEAN[1]),
        {_TOTAL: _TOTAL.replace("target", "(target - q[state, entry])"), _NEW: "q + total"},
    ),
    _fitted(
        "The entries moved are q[entry, state].",
        ("The state is the first axis of q.", _MEAN[1]),
        {
            _TOTAL: "np.add.at(total, (entry, state), weight * target)",
            _COUNT: "np.add.at(count, (entry, state), weight)",
        },
    ),
    Misconception(
        "The rows move their entry one after the other; the last rows count most.",
        _MEAN,
        edited(
            _fitted_by_loop,
            {
                "for s, c in {(s, c) for s, c, w in zip(state, entry, weight, strict=True) if w > 0}:": (
                    "for s, c, y, w in zip(state, entry, target, weight, strict=True):"
                ),
                "rows = (state == s) & (entry == c)": "pass",
                "= np.average(target[rows], weights=weight[rows])": "+= w * (y - new[s, c])",
            },
        ),
    ),
    _fitted(
        "The sum is divided by at least 1; where the weights sum to less, the mean comes out too small.",
        ("Divide by the sum of the weights wherever it is above 0.", _STAY[1]),
        {_NEW: "np.where(seen, total / np.maximum(count, 1), q)"},
    ),
    _fitted(
        "The curve begins before the first iteration: one number too many.",
        _CURVE,
        {"curve = []": "curve = [q[0].max()]"},
    ),
    _fitted(
        "Every entry becomes the mean of all rows, not of its own.",
        _MEAN,
        {_NEW: "np.where(seen, total.sum() / count.sum(), q)"},
    ),
]

check_fitted_q = Exercise(
    fitted_q,
    _fitted_by_loop,
    _fit_cases,
    _fit_misconceptions,
    parts=("q", "curve"),
    where={"curve": _CURVE},
    insight="A network does the same with gradient steps: it moves towards the mean of the targets it sees.",
)


# 3. The bug hunt


def mended_targets(rewards: np.ndarray, mask: np.ndarray, last_q: np.ndarray, discount: float) -> np.ndarray:
    """Targets (B,) of whole chunks: sum_k discount^k r_k + discount^H mask max_c Q(s_H, c)."""
    batch, horizon = rewards.shape
    so_far, total = np.zeros((batch, horizon)), np.zeros(batch)
    for k in range(horizon):
        total = total + discount**k * rewards[:, k]
        so_far[:, k] = total
    earned = so_far[:, -1]
    best = last_q.max(axis=1)
    later = discount**horizon * mask * best
    return earned + later


_ILL = "np.sum(discount ** np.arange(horizon) * so_far, axis=1)"  # what the shown function has for `earned`
_NOT_AHEAD = (
    "At distance 5 nothing is bootstrapped, and the values are wrong there already. Look at what is earned.",
    "Print `earned` for rewards of -1 by hand, with H = 2.",
)
_ONCE = (
    "Follow one reward, the first: in how many entries of so_far is it?",
    "The return of the chunk is the last entry, `so_far[:, -1]`.",
)


def _mended_cases(rng):
    ones = np.ones
    return [
        Case("chunks of one action, Q = 0", (_q(rng, 4, 1), ones(4), np.zeros((4, 2)), 0.5), _ONCE),
        Case("chunks of 2, Q = 0, discount 0.5", (_q(rng, 4, 2), ones(4), np.zeros((4, 2)), 0.5), _ONCE),
        Case(
            "chunks of 3, discount 0.8",
            (_q(rng, 5, 3), ones(5), _q(rng, 5, 8), 0.8),
            (
                "The bootstrap of the shown function is right: discounted H times.",
                "`discount**horizon * mask * best`.",
            ),
        ),
        Case(
            "chunks of 4, some end at the goal, costs only",
            (-np.abs(_q(rng, 6, 4)) - 1, _ENDS, _q(rng, 6, 8) - 9, 0.6),
            ("mask stays where it was, on the bootstrap.", "`discount**horizon * mask * best`."),
        ),
    ]


def _mended_by_loop(rewards, mask, last_q, discount):
    total = mask * last_q.max(axis=1)
    for r in rewards.T[::-1]:
        total = r + discount * total
    return total


def _mending(name: str, remedy, changes: dict, ill: bool = True) -> Misconception:
    """A mending that was not the cause; `ill`: the mistake is still there."""
    return Misconception(
        name, remedy, edited(mended_targets, ({"so_far[:, -1]": _ILL} if ill else {}) | changes)
    )


_mending_misconceptions = [
    _mending("This gives what the shown function gives: the mistake is still there.", _ONCE, {}),
    _mending(
        "The bootstrap's discount was not the cause: gamma is too much, and the old mistake is still there.",
        _NOT_AHEAD,
        {"discount**horizon * mask": "discount * mask"},
    ),
    _mending(
        "The bootstrap's discount was not the cause: one power more, and the old mistake is still there.",
        _NOT_AHEAD,
        {"discount**horizon * mask": "discount ** (horizon + 1) * mask"},
    ),
    _mending(
        "The bootstrap's discount was not the cause: one power less, and the old mistake is still there.",
        _NOT_AHEAD,
        {"discount**horizon * mask": "discount ** (horizon - 1) * mask"},
    ),
    _mending(
        "The mask was not the cause; now it is upside down, and the old mistake is still there.",
        _NOT_AHEAD,
        {"horizon * mask": "horizon * (1 - mask)"},
    ),
    _mending(
        "The maximum was not the cause; a minimum over chunks is worse, and the old mistake is still there.",
        _NOT_AHEAD,
        {"last_q.max": "last_q.min"},
    ),
    _mending(
        "The mask was not the cause: it was there, and it was right.",
        _NOT_AHEAD,
        {"horizon * mask": "horizon"},
    ),
    _mending(
        "The mask was not the cause. Over the whole target it takes away the rewards on the way to the goal.",
        _NOT_AHEAD,
        {"return earned + later": "return mask * (earned + later)"},
    ),
    _mending(
        "The maximum was not the cause; a mean over chunks is another learner, with the old mistake in it.",
        _NOT_AHEAD,
        {"last_q.max": "last_q.mean"},
    ),
    _mending(
        "Clipping at -1 / (1 - discount) hides the symptom: values above it are still wrong.",
        ("Find out why the sum is too large. A bound is a detector, not a cure.", _ONCE[1]),
        {"earned + later": "np.maximum(earned + later, -1 / (1 - discount))"},
    ),
    _mending(
        "The second discount was not the only fault: the returns so far are still added up.",
        _ONCE,
        {"so_far[:, -1]": "np.sum(so_far, axis=1)"},
        ill=False,
    ),
    _mending(
        "A mean over the returns so far has about the right size, and still counts early rewards more often.",
        _ONCE,
        {"so_far[:, -1]": "np.mean(so_far, axis=1)"},
        ill=False,
    ),
    _mending(
        "A mean of the discounted returns so far still counts early rewards more often.",
        _ONCE,
        {"so_far[:, -1]": _ILL.replace("np.sum", "np.mean")},
        ill=False,
    ),
    _mending(
        "Each reward counts once now, but all later ones are lost: this is the first reward alone.",
        _ONCE,
        {"so_far[:, -1]": "so_far[:, 0]"},
        ill=False,
    ),
    _mending(
        "The return of the chunk is discounted a second time.",
        ("The entries of so_far are discounted already.", _ONCE[1]),
        {"so_far[:, -1]": "discount ** (horizon - 1) * so_far[:, -1]"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but none is discounted.",
        ("Step k counts with the discount to the power k.", "`total + discount**k * rewards[:, k]`."),
        {"so_far[:, -1]": "rewards.sum(axis=1)"},
        ill=False,
    ),
    _mending(
        "Rewards are discounted in the loop no longer, but the running sums are still added up.",
        _ONCE,
        {"discount**k * ": ""},
    ),
    _mending(
        "Each reward counts once, but the bootstrap, which was right, was changed to gamma.",
        ("The next chunk is H steps away.", "`discount**horizon * mask * best`."),
        {"discount**horizon * mask": "discount * mask"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the mask, which was right, is gone.",
        ("Keep the mask on the bootstrap.", "`discount**horizon * mask * best`."),
        {"horizon * mask": "horizon"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the mask moved: over the whole target it takes away rewards.",
        ("Keep the mask on the bootstrap.", "`discount**horizon * mask * best`."),
        {"return earned + later": "return mask * (earned + later)"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the best chunk, which was right, became a mean.",
        ("Keep the best of the next chunks.", "`best = last_q.max(axis=1)`."),
        {"last_q.max": "last_q.mean"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the bootstrap, which was right, has one power less.",
        ("The next chunk is H steps away.", "`discount**horizon * mask * best`."),
        {"discount**horizon * mask": "discount ** (horizon - 1) * mask"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the bootstrap, which was right, has one power more.",
        ("The next chunk is H steps away.", "`discount**horizon * mask * best`."),
        {"discount**horizon * mask": "discount ** (horizon + 1) * mask"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the bootstrap is gone: nothing beyond the chunk is known.",
        ("Keep `later`.", "`return earned + later`."),
        {"earned + later": "earned"},
        ill=False,
    ),
    _mending(
        "The bootstrap was not the cause; it is gone now, and the old mistake is still there.",
        _NOT_AHEAD,
        {"earned + later": "earned"},
    ),
    _mending(
        "The discount of the bootstrap was not the cause; it is gone, and the old mistake is still there.",
        _NOT_AHEAD,
        {"discount**horizon * mask": "mask"},
    ),
    _mending(
        "Each reward counts once, but the first one is discounted already.",
        ("Step k counts with the discount to the power k.", "`total + discount**k * rewards[:, k]`."),
        {"so_far[:, -1]": "discount * so_far[:, -1]"},
        ill=False,
    ),
    _mending(
        "Only the last reward of the chunk counts.",
        _ONCE,
        {"so_far[:, -1]": "discount ** (horizon - 1) * rewards[:, -1]"},
        ill=False,
    ),
    _mending(
        "The return so far is taken one step too early: the last reward is lost.",
        _ONCE,
        {"range(horizon)": "range(horizon - 1)", "so_far[:, -1]": "total"},
        ill=False,
    ),
    _mending(
        "Only the last reward of the chunk counts, and it is not discounted.",
        _ONCE,
        {"so_far[:, -1]": "rewards[:, -1]"},
        ill=False,
    ),
    _mending(
        "The first reward counts twice: before the loop and in it.",
        ("Begin with a total of 0.", "`total = np.zeros(batch)`."),
        {"so_far[:, -1]": "so_far[:, -1] + rewards[:, 0]"},
        ill=False,
    ),
    _mending(
        "Each reward is discounted twice: reward k with the power 2k.",
        ("The entries of so_far are discounted already.", _ONCE[1]),
        {"discount**k": "discount ** (2 * k)"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the discounts stand in reverse: the first has the largest power.",
        ("Step k counts with the discount to the power k.", "`total + discount**k * rewards[:, k]`."),
        {"discount**k": "discount ** (horizon - 1 - k)"},
        ill=False,
    ),
    _mending(
        "Each reward counts once, but the bootstrap is discounted 5 times, whatever the length of the chunk.",
        ("H is the number of columns of rewards, not the lesson's H.", "`horizon = rewards.shape[1]`."),
        {"discount**horizon": "discount**5"},
        ill=False,
    ),
    _mending(
        "A weighted mean of the returns so far has the right size, but counts early rewards more often.",
        _ONCE,
        {"so_far[:, -1]": f"{_ILL} / np.sum(discount ** np.arange(horizon))"},
        ill=False,
    ),
    _mending(
        "No reward is discounted, and the running sums are still added up.",
        _ONCE,
        {"discount**k * ": "", "so_far[:, -1]": "np.sum(so_far, axis=1)"},
        ill=False,
    ),
    _mending(
        "Clipping what is earned hides the symptom: sums above the bound are still wrong.",
        ("Find out why the sum is too large. A bound is a detector, not a cure.", _ONCE[1]),
        {"earned + later": "np.maximum(earned, -1 / (1 - discount)) + later"},
    ),
    _mending(
        "The bootstrap's discount was not the cause: 2 H powers, and the old mistake is still there.",
        _NOT_AHEAD,
        {"discount**horizon * mask": "discount ** (2 * horizon) * mask"},
    ),
    _mending(
        "Each reward counts once, but the mask, which was right, is upside down.",
        ("Keep the mask as it was.", "`discount**horizon * mask * best`."),
        {"horizon * mask": "horizon * (1 - mask)"},
        ill=False,
    ),
]

check_mended_targets = Exercise(
    mended_targets,
    _mended_by_loop,
    _mended_cases,
    _mending_misconceptions,
    insight="That was the cause. Running sums are fine for a plot; added up, they count early rewards again.",
)


# 4. Crediting early arrivals


def credit_arrivals(
    actions: np.ndarray, valid: np.ndarray, mask: np.ndarray, choices: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which table entries learn from a window: row and number of the chunk, (M,) int each.

    A whole chunk informs itself. A chunk that the goal cut after m of H steps informs each of the
    `choices`^(H - m) chunks that begin with these m actions. One cut by the time limit informs none.
    `actions` (B, H) int, `valid` (B, H), `mask` (B,).
    """
    horizon = actions.shape[1]
    rows, chunks = [], []
    for i in range(len(mask)):
        steps = int(valid[i].sum())
        if steps < horizon and mask[i] == 1:
            continue
        number = 0
        for action in actions[i, :steps]:
            number = number * choices + action
        endings = choices ** (horizon - steps)
        rows += [i] * endings
        chunks += range(number * endings, (number + 1) * endings)
    return np.array(rows), np.array(chunks)


_SPELL = (
    "The number of a chunk is its actions read as digits in base `choices`, the first action in front.",
    "`number = 0`, then for each action `number = number * choices + action`.",
)
_LIMIT = (
    "Only a cut window whose mask is 0 ended at the goal. After a time limit nobody knows what came next.",
    "`if steps < horizon and mask[i] == 1: continue`.",
)
_ENDINGS = (
    "After m steps the goal is reached. Whatever the other H - m actions are, they never happen: "
    "all choices**(H - m) chunks that begin with these m actions are informed.",
    "`endings = choices ** (horizon - steps)`, then `range(number * endings, (number + 1) * endings)`.",
)


def _credit_case(rng, lengths, mask, horizon, choices):
    valid = (np.arange(horizon) < np.array(lengths)[:, None]).astype(float)
    actions = rng.integers(choices, size=valid.shape)
    actions[:, 0] = choices - 1  # so that order and base show
    for i, steps in enumerate(lengths):
        if steps < horizon:  # what stands past the end means nothing, and is not 0 everywhere
            actions[i, -1] = 0
            actions[i, steps] = choices - 1
    return actions, valid, np.array(mask, float), choices


_WHOLE = ((3, 3, [1, 0, 1], 2), (4, 2, [1, 1, 1, 0], 3))  # B, H, masks, actions


def _credit_cases(rng):
    order, base = (_credit_case(rng, [H] * B, mask, H, choices) for B, H, mask, choices in _WHOLE)
    order[0][0, -1] = 0  # (1, ?, 0) has another number if it is read backwards
    base[0][:, 1] = rng.permutation(3)[[0, 0, 1, 2]]  # two windows with the same chunk
    early = _credit_case(rng, [2], [0], 5, 2)
    early[0][0, 1] = 0  # the last action is not the highest
    return [
        Case(
            "three whole chunks of 3, two actions",
            order,
            (f"A whole chunk informs itself: one row each. {_SPELL[0]}", _SPELL[1]),
        ),
        Case(
            "four whole chunks of 2, three actions",
            base,
            (
                "There are `choices` actions, not always two. The number is read in base `choices`: "
                "one row each, also where two chunks are the same.",
                _SPELL[1],
            ),
        ),
        Case("whole, cut by the time limit, whole", _credit_case(rng, [3, 2, 3], [1, 1, 1], 3, 2), _LIMIT),
        Case("one chunk of 5, at the goal after 2 steps", early, _ENDINGS),
        Case(
            "six chunks of 4 of all kinds, three actions",
            _credit_case(rng, [4, 2, 3, 1, 4, 3], [1, 0, 1, 0, 0, 0], 4, 3),
            _ENDINGS,
        ),
    ]


def _credit_by_list(actions, valid, mask, choices):
    """Compares every chunk with every window."""
    horizon, rows, numbers = actions.shape[1], [], []
    chunks = np.indices((choices,) * horizon).reshape(horizon, -1).T  # (C, H)
    for i, exists in enumerate(valid == 1):
        if exists.all() or mask[i] == 0:
            (same,) = np.nonzero(np.all(chunks[:, exists] == actions[i, exists], axis=1))
            rows, numbers = rows + [i] * len(same), numbers + list(same)
    return np.array(rows), np.array(numbers)


def _crediting(name: str, remedy, changes: dict) -> Misconception:
    return Misconception(name, remedy, edited(credit_arrivals, changes))


_SKIP, _FILL = "if steps < horizon and mask[i] == 1:", "range(number * endings, (number + 1) * endings)"
_credit_misconceptions = [
    _crediting("Chunks that the time limit cut are credited, too.", _LIMIT, {_SKIP: "if False:"}),
    _crediting(
        "Only whole chunks are credited: the arrivals are still missing.",
        _ENDINGS,
        {_SKIP: "if steps < horizon:"},
    ),
    _crediting(
        "Only windows that end at the goal are credited; whole ones inform the table wherever they end.",
        ("A whole chunk always counts.", _LIMIT[1]),
        {_SKIP: "if mask[i] == 1:"},
    ),
    _crediting(
        "Whole chunks that end at the goal are left out.",
        ("A whole chunk always counts.", _LIMIT[1]),
        {_SKIP: "if (steps < horizon) == (mask[i] == 1):"},
    ),
    _crediting(
        "mask is read upside down: cut chunks with mask 1 met the time limit, not the goal.",
        _LIMIT,
        {_SKIP: "if steps < horizon and mask[i] == 0:"},
    ),
    _crediting(
        "Whole chunks are left out.",
        ("A whole chunk always counts.", _LIMIT[1]),
        {_SKIP: "if steps == horizon or mask[i] == 1:"},
    ),
    _crediting(
        "An early arrival is credited to one chunk only, filled up with action 0.",
        _ENDINGS,
        {"[i] * endings": "[i]", _FILL: "[number * endings]"},
    ),
    _crediting(
        "An early arrival is credited to one chunk only, with what stands past the end as its actions.",
        ("What stands past the end means nothing.", _ENDINGS[1]),
        {"actions[i, :steps]": "actions[i]", "endings = choices ** (horizon - steps)": "endings = 1"},
    ),
    _crediting(
        "The free actions are put in front: the m actions stand at the end of the number, not at its front.",
        _ENDINGS,
        {_FILL: "[number + other * choices**steps for other in range(endings)]"},
    ),
    _crediting(
        "All digits are read backwards: the first action has the smallest weight, free ones stand in front.",
        _SPELL,
        {
            "in actions[i, :steps]": "in actions[i, :steps][::-1]",
            _FILL: "[number + other * choices**steps for other in range(endings)]",
        },
    ),
    _crediting(
        "The block begins at the number of the whole row, with what stands past the end as digits.",
        (
            "What stands past the end means nothing: the block begins where the free digits are 0.",
            _ENDINGS[1],
        ),
        {"actions[i, :steps]": "actions[i]", _FILL: "range(number, number + endings)"},
    ),
    _crediting(
        "The digits are read backwards: the first action has the smallest weight.",
        _SPELL,
        {"in actions[i, :steps]": "in actions[i, :steps][::-1]"},
    ),
    _crediting(
        "Two actions are assumed: the base is 2 everywhere.",
        ("Read the numbers in base `choices`.", _SPELL[1]),
        {"number * choices": "number * 2", "choices ** (horizon": "2 ** (horizon"},
    ),
    _crediting(
        "The chunk's first m actions are not moved to the front of the number.",
        _ENDINGS,
        {_FILL: "range(number, number + endings)"},
    ),
    _crediting(
        "The last of the possible endings is forgotten.",
        _ENDINGS,
        {
            "[i] * endings": "[i] * max(1, endings - 1)",
            _FILL: "[number * endings + e for e in range(max(1, endings - 1))]",
        },
    ),
    _crediting(
        "One ending for each missing step, not one for each way to fill them.",
        _ENDINGS,
        {
            "choices ** (horizon - steps)": "max(1, choices * (horizon - steps))",
            _FILL: "[number * choices ** (horizon - steps) + i for i in range(endings)]",
        },
    ),
    _crediting(
        "One ending for each action of each missing step. Their numbers multiply, they do not add.",
        _ENDINGS,
        {"choices ** (horizon - steps)": "max(1, choices * (horizon - steps))"},
    ),
    _crediting(
        "The product choices * (H - m) stands for the power: a whole window (H - m = 0) informs nothing.",
        _ENDINGS,
        {"choices ** (horizon - steps)": "choices * (horizon - steps)"},
    ),
    _crediting(
        "The last action of every window is left out of the number.",
        ("The loop goes over all m actions.", "`for action in actions[i, :steps]`."),
        {"actions[i, :steps]": "actions[i, : steps - 1]"},
    ),
    _crediting(
        "The first action of every window is left out of the number.",
        ("The loop goes over all m actions.", "`for action in actions[i, :steps]`."),
        {"actions[i, :steps]": "actions[i, 1:steps]"},
    ),
    _crediting(
        "The block is one short, and of a whole window nothing is left: a range leaves out its end already.",
        _ENDINGS,
        {
            "[i] * endings": "[i] * (endings - 1)",
            _FILL: "range(number * endings, (number + 1) * endings - 1)",
        },
    ),
    _crediting(
        "The block of numbers is one short, `row` is not: a range leaves out its end already.",
        _ENDINGS,
        {_FILL: "range(number * endings, (number + 1) * endings - 1)"},
    ),
    _crediting(
        "There is one power too few: H - m actions are free, and each has `choices` values.",
        _ENDINGS,
        {"choices ** (horizon - steps)": "choices ** max(0, horizon - steps - 1)"},
    ),
    _crediting(
        "The loop ends at the first window that informs nothing.",
        ("Leave out this window only.", "`continue`, not `break`."),
        {"continue": "break"},
    ),
    _crediting(
        "The number of one window goes on in the next.",
        ("Each window begins with the number 0.", "`number = 0` inside the loop over windows."),
        {"        number = 0\n": "", "rows, chunks = [], []": "rows, chunks, number = [], [], 0"},
    ),
    _crediting(
        "The numbers are one too high.",
        ("The first chunk has the number 0.", _ENDINGS[1]),
        {_FILL: "range(number * endings + 1, (number + 1) * endings + 1)"},
    ),
    _crediting(
        "The numbers of an early arrival do not depend on its actions.",
        _ENDINGS,
        {_FILL: "range(endings) if endings > 1 else [number]"},
    ),
    _crediting(
        "The actions are added up, not read as digits.",
        _SPELL,
        {"number * choices + action": "number + action"},
    ),
    _crediting(
        "An early arrival is credited to one chunk only, filled up with the highest action.",
        _ENDINGS,
        {"[i] * endings": "[i]", _FILL: "[(number + 1) * endings - 1]"},
    ),
    _crediting(
        "Chunks that the time limit cut are credited as if they were whole.",
        _LIMIT,
        {"steps = int(valid[i].sum())": "steps = horizon if mask[i] else int(valid[i].sum())"},
    ),
    _crediting(
        "Only whole chunks that end at the goal are credited.",
        ("A whole chunk always counts, and an early arrival, too.", _LIMIT[1]),
        {_SKIP: "if steps < horizon or mask[i] == 1:"},
    ),
    _crediting(
        "The pairs are sorted by chunk; the windows keep their order.",
        ("Go through the windows one by one.", "`for i in range(len(mask)):`."),
        {
            "np.array(rows), np.array(chunks)": "np.array(rows)[np.argsort(chunks, kind='stable')], "
            "np.sort(chunks)"
        },
    ),
    _crediting(
        "The arrivals stand behind the whole windows; the windows keep their order.",
        ("Go through the windows one by one, whatever kind they are.", "`for i in range(len(mask)):`."),
        {
            "np.array(rows), np.array(chunks)": "tuple(np.array(sorted(zip(rows, chunks), "
            "key=lambda pair: valid[pair[0], -1] == 0)).T)"
        },
    ),
    _crediting(
        "A chunk learns from one window only: a later window replaces an earlier one.",
        ("Several windows may inform the same chunk. All of them count.", "`chunks += range(...)`."),
        {
            "np.array(rows), np.array(chunks)": "tuple(np.array(sorted((row, chunk) "
            "for chunk, row in dict(zip(chunks, rows)).items())).T)"
        },
    ),
    _crediting(
        "Numbers that occur twice are dropped: np.unique keeps one of each.",
        (
            "Row and chunk are pairs. Two windows may inform the same chunk, and an arrival informs several.",
            "`return np.array(rows), np.array(chunks)`.",
        ),
        {"np.array(rows), np.array(chunks)": "np.unique(rows), np.unique(chunks)"},
    ),
    _crediting(
        "The rows are numbered from 0 to M: each pair names the window that it comes from.",
        ("A window stands in `row` as often as it informs a chunk.", "`rows += [i] * endings`."),
        {"return np.array(rows)": "return np.arange(len(rows))"},
    ),
]


class _Indices(Exercise):
    """The results are indices: right numbers whose type is float would fail in the next cell."""

    def _judge(self, answer, seed):
        verdict = super()._judge(answer, seed)
        if verdict.status != "right":
            return verdict
        case = self.cases(np.random.default_rng(seed))[-1]
        for part, value in zip(self.parts, answer(*copy.deepcopy(case.args)), strict=True):
            if np.asarray(value).dtype.kind not in "iu":
                self._keep(case)
                return self._wrong(
                    f"the numbers are right, but {part} does not hold whole numbers by type",
                    case=case.about,
                    expected="int",
                    got=str(np.asarray(value).dtype),
                    likely="It is computed with valid, which holds floats; or gathered in np.array([]), "
                    "np.zeros or np.ones, which hold floats, too.",
                    next="They are used as indices, q[state, chunk]: make them whole numbers, "
                    "int(...) or x.astype(int).",
                )
        return verdict


check_credit_arrivals = _Indices(
    credit_arrivals,
    _credit_by_list,
    _credit_cases,
    _credit_misconceptions,
    parts=("row", "chunk"),
    insight="Now the critic hears of every arrival, early or not.",
)
