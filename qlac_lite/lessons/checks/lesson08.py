"""Checks of lesson 08, Robomimic.

Shapes: T rows, S observation size, N rows of a dataset, R settings of alpha, n seeds; metres, percent.
"""

import math
from statistics import median

import numpy as np
from scipy import stats

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.utils.statistics import mean_interval

REFUSED = -1

# 1. Where in `object` the pose begins


def pose_column(hand, thing):
    """Column of `object` (T, 14) at which the object's own pose begins, 0 or 7, or REFUSED.

    And of both readings, the pose at 0 and at 7: errors (2,) and heights (2,), metres.
    """
    errors, heights, fits = [], [], []
    for pose, relative in ((0, 7), (7, 0)):
        position = thing[:, pose : pose + 3]
        seen = thing[:, relative : relative + 3]
        away = np.linalg.norm(position - hand, axis=1)
        error = np.median(np.abs(away - np.linalg.norm(seen, axis=1)))
        height = np.median(position[:, 2])
        if error <= 0.02 and 0.6 < height < 1.6:
            fits.append(pose)
        errors.append(error)
        heights.append(height)
    column = fits[0] if len(fits) == 1 else REFUSED
    return column, errors, heights


def _pose_by_rows(hand, thing):
    errors, heights, passed = [], [], []
    for at in (0, 7):
        off = [
            abs(math.dist(row[at : at + 3], place) - math.hypot(*row[7 - at : 10 - at]))
            for place, row in zip(hand, thing, strict=True)
        ]
        errors.append(median(off))
        heights.append(median(row[at + 2] for row in thing))
        passed.append(errors[-1] <= 0.02 and 0.6 < heights[-1] < 1.6)
    return {(True, False): 0, (False, True): 7}.get(tuple(passed), REFUSED), errors, heights


def _rows(rng, steps, first, high=0.85, late=False, wild=0, down=False, fallen=0):
    """Places of a hand (T, 3) and `object` (T, 14), the pose or the relative half `first`; in the last
    `fallen` rows the object lies on the floor.
    """
    hand = np.array([0.02, -0.2, high + 0.15]) + np.cumsum(rng.normal(0, 0.004, (steps, 3)), axis=0)
    position = np.array([0.2, 0.1, high]) + np.cumsum(rng.normal(0, 0.002, (steps, 3)), axis=0)
    position[steps - fallen :, 2] = 0.03
    turns = np.linalg.qr(rng.normal(size=(steps, 3, 3)))[0]
    if down:  # half a turn about x
        turns = np.broadcast_to(np.diag([1.0, -1.0, -1.0]), turns.shape)
    ago = np.concatenate([position[:1], position[:-1]]) if late else position
    relative = np.einsum("tij,tj->ti", turns, ago - hand)
    quaternions = rng.normal(size=(2, steps, 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    relative[0] = 0
    relative[1 : 1 + wild] = rng.normal(0, 2.0, (wild, 3))
    halves = [np.hstack([relative, quaternions[0]]), np.hstack([position, quaternions[1]])]
    return hand, np.hstack(halves if first == "relative" else halves[::-1])


def _pose_cases(rng):
    hand, thing = np.zeros((3, 3)), np.zeros((3, 14))
    hand[:], thing[:, :3], thing[:, 7:10] = [1.0, 0.0, 0.9], [4.0, 0.0, 0.9], [0.0, 3.0, 0.0]
    origin = np.zeros((4, 3)), np.tile(np.r_[0.3, 0.2, 0.8, np.zeros(4), 0.2, 0.3, 0.8, np.zeros(4)], (4, 1))
    apart = _rows(rng, 20, "pose")
    apart[1][:, 7:10] *= 1 + 0.023 / np.median(np.linalg.norm(apart[1][:, 7:10], axis=1))
    one = lambda hand, pose, relative: (
        np.tile(hand, (3, 1)),
        np.tile(np.r_[pose, np.zeros(4), relative, np.zeros(4)], (3, 1)),
    )
    return [
        Case(
            "three equal rows: hand at (1, 0, 0.9), 0:3 is (4, 0, 0.9), 7:10 is (0, 3, 0)",
            (hand, thing),
            "Pose at 0: (4, 0, 0.9) is 3 from the hand, and (0, 3, 0) is 3 long: an error of 0, at 0.9 m. "
            "Pose at 7, the other way round. Both readings have errors and heights, whichever passes.",
        ),
        *(
            Case(
                f"20 rows, {first} half first; row 0 is garbage",
                _rows(rng, 20, first, high=high),
                "Errors: each row has two distances, of the place from the hand and of the relative place. "
                "Heights: the median of the pose's third number.",
            )
            for first, high in (("relative", 0.65), ("pose", 1.52))
        ),
        Case(
            "31 rows, relative half first, a sample late; nine rows wild, in three the object has fallen",
            _rows(rng, 31, "relative", late=True, wild=9, fallen=3),
            "Both errors are above 0 now. The right one is still far below 0.02.",
        ),
        Case(
            "25 rows, pose first, the hand points down",
            _rows(rng, 25, "pose", down=True),
            "Both errors are small here. Only one of the heights is a table's.",
        ),
        Case(
            "24 rows, relative half first, the hand points down",
            _rows(rng, 24, "relative", down=True),
            "Both errors are small here. Only one of the heights is a table's.",
        ),
        Case(
            "27 rows, pose first; in rows 0 to 9 the relative half is garbage, in the last nine the object "
            "lies on the floor",
            _rows(rng, 27, "pose", wild=9, fallen=9),
            "The errors have a median and the heights have another: good rows need not be the same.",
        ),
        Case(
            "20 rows, the relative positions too long by 23 mm in the middle",
            apart,
            "No reading fits: REFUSED.",
        ),
        Case(
            "three equal rows: the object is 1.6 m high",
            one([1.0, 0.0, 1.6], [4.0, 0.0, 1.6], [0.0, 3.0, 0.0]),
            "The height has to be below 1.6 m: REFUSED.",
        ),
        Case(
            "three equal rows: hand at (1, 0, 0.9), 0:3 is (4, 0, 0.9), 7:10 is (0, 2.82, 1)",
            one([1.0, 0.0, 0.9], [4.0, 0.0, 0.9], [0.0, 2.82, 1.0]),
            "Both heights are a table's. Only the pose at 0 has a small error, too: 8 mm.",
        ),
        Case(
            "three equal rows: the two distances are 0.02 and 0",
            one([0.0, 0.0, 0.9], [0.02, 0.0, 0.9], np.zeros(3)),
            "With the pose at 0 the error is 0.02: at most 0.02. With the pose at 7, the object is too low.",
        ),
        Case(
            "three equal rows: the object is 0.6 m high",
            one([1.0, 0.0, 0.6], [4.0, 0.0, 0.6], [0.0, 3.0, 0.0]),
            "The height has to be above 0.6 m: REFUSED.",
        ),
        Case("21 rows, on the floor", _rows(rng, 21, "pose", high=0.2), "No table is so low: REFUSED."),
        Case("21 rows, too high", _rows(rng, 21, "relative", high=1.68), "No table is so high: REFUSED."),
        Case("the hand at the origin: both readings pass", origin, "Two readings fit: REFUSED."),
    ]


_LENGTHS = "np.linalg.norm(seen, axis=1)"
_FITS = "error <= 0.02 and 0.6 < height < 1.6"
_pose_misconceptions = [
    Misconception(
        "Every row has to have the height of a table: one bad row decides.",
        "np.median of the height over the rows.",
        edited(
            pose_column, {"0.6 < height < 1.6": "((position[:, 2] > 0.6) & (position[:, 2] < 1.6)).all()"}
        ),
    ),
    Misconception(
        "Each row is asked whether both tests hold, and the majority decides: rows that are good in one may "
        "be bad in the other.",
        "A median of the errors, a median of the heights, and then the two tests.",
        edited(
            pose_column,
            {
                _FITS: f"np.mean((np.abs(away - {_LENGTHS}) <= 0.02) & (position[:, 2] > 0.6) "
                "& (position[:, 2] < 1.6)) > 0.5"
            },
        ),
    ),
    Misconception(
        "One length of all rows together: np.linalg.norm without its axis.",
        "A length for each row: np.linalg.norm(..., axis=1).",
        edited(
            pose_column,
            {"(position - hand, axis=1)": "(position - hand)", _LENGTHS: "np.linalg.norm(seen)"},
        ),
    ),
    Misconception(
        "The column of the relative half, not of the pose.",
        "The column at which the pose begins.",
        edited(pose_column, {"fits.append(pose)": "fits.append(relative)"}),
    ),
    Misconception(
        "The mean over rows of the errors: row 0, which is garbage, moves it.",
        "np.median over the rows.",
        edited(pose_column, {"np.median(np.abs": "np.mean(np.abs"}),
    ),
    Misconception(
        "The largest error of all rows: one bad row decides.",
        "np.median over the rows.",
        edited(pose_column, {"np.median(np.abs": "np.max(np.abs"}),
    ),
    Misconception(
        "Row 0 is left out and the rest averaged: other bad rows are still in.",
        "np.median over all rows.",
        edited(
            pose_column, {f"np.median(np.abs(away - {_LENGTHS}))": f"np.mean(np.abs(away - {_LENGTHS})[1:])"}
        ),
    ),
    Misconception(
        "The median of signed differences: too long and too short cancel.",
        "np.abs in each row, before the median.",
        edited(pose_column, {"np.abs(": "("}),
    ),
    Misconception(
        "The absolute value is taken after the median: too long and too short cancel.",
        "np.abs in each row, before the median.",
        edited(pose_column, {"np.median(np.abs(": "np.abs(np.median("}),
    ),
    Misconception(
        "Medians of the two lengths, and then their difference: what belongs to one row is torn apart.",
        "The difference in each row first, then the median.",
        edited(
            pose_column,
            {f"np.median(np.abs(away - {_LENGTHS}))": f"np.abs(np.median(away) - np.median({_LENGTHS}))"},
        ),
    ),
    Misconception(
        "Squared differences.",
        "np.abs: the error is in metres.",
        edited(pose_column, {f"np.abs(away - {_LENGTHS})": f"(away - {_LENGTHS}) ** 2"}),
    ),
    Misconception(
        "The vectors themselves are compared: the relative position is seen from a hand that turns.",
        "Compare their lengths, which no turn changes.",
        edited(
            pose_column,
            {f"np.abs(away - {_LENGTHS})": "np.linalg.norm(position - hand - seen, axis=1)"},
        ),
    ),
    Misconception(
        "The length of all seven numbers of the relative half: the quaternion is in it.",
        "The relative place is its first three numbers.",
        edited(pose_column, {"thing[:, relative : relative + 3]": "thing[:, relative : relative + 7]"}),
    ),
    Misconception(
        "The median place first, and then its length: what belongs to one row is torn apart.",
        "The length in each row, the difference in each row, and then the median.",
        edited(
            pose_column,
            {
                f"np.median(np.abs(away - {_LENGTHS}))": (
                    "np.abs(np.linalg.norm(np.median(position - hand, 0)) "
                    "- np.linalg.norm(np.median(seen, 0)))"
                )
            },
        ),
    ),
    Misconception(
        "The hand's place is not subtracted.",
        "Position less hand, then the length.",
        edited(pose_column, {"position - hand": "position"}),
    ),
    Misconception(
        "The second half is taken from column 3 on: there the quaternion is.",
        "A half is 3 numbers of position and 4 of quaternion: the second begins at 7.",
        edited(pose_column, {"((0, 7), (7, 0))": "((0, 3), (3, 0))"}),
    ),
    Misconception(
        "The readings come in the other order.",
        "The pose at 0 first, then at 7.",
        edited(pose_column, {"((0, 7), (7, 0))": "((7, 0), (0, 7))"}),
    ),
    Misconception(
        "Pose and relative half are exchanged in each reading.",
        "In the first reading the pose is at 0, and the relative half at 7.",
        edited(
            pose_column,
            {
                "thing[:, pose : pose + 3]": "thing[:, relative:][:, :3]",
                "thing[:, relative : relative + 3]": "thing[:, pose:][:, :3]",
            },
        ),
    ),
    Misconception(
        "The height is the median of all three coordinates.",
        "The third one: position[:, 2].",
        edited(pose_column, {"position[:, 2]": "position"}),
    ),
    Misconception(
        "The height is not the third coordinate.",
        "position[:, 2]: x, y, then height.",
        edited(pose_column, {"position[:, 2]": "position[:, 1]"}),
    ),
    Misconception(
        "The height is that of row 0.",
        "The median over rows.",
        edited(pose_column, {"np.median(position[:, 2])": "position[0, 2]"}),
    ),
    Misconception(
        "The height is that of the last row.",
        "The median over rows.",
        edited(pose_column, {"np.median(position[:, 2])": "position[-1, 2]"}),
    ),
    Misconception(
        "The height is the mean over rows.",
        "The median over rows, as for the errors.",
        edited(pose_column, {"np.median(position[:, 2])": "np.mean(position[:, 2])"}),
    ),
    Misconception(
        "The height is that above the hand.",
        "The height of the object in the world: position[:, 2].",
        edited(pose_column, {"position[:, 2])": "(position - hand)[:, 2])"}),
    ),
    Misconception(
        "Only the errors are tested: with a hand that points down, both readings pass.",
        "A reading passes if its height is a table's, too.",
        edited(pose_column, {_FITS: "error <= 0.02"}),
    ),
    Misconception(
        "Only the heights are tested.",
        "A reading passes if its error is small, too.",
        edited(pose_column, {_FITS: "0.6 < height < 1.6"}),
    ),
    Misconception(
        "The limit of the error is 0.2: 20 cm.",
        "2 cm are 0.02 m.",
        edited(pose_column, {"<= 0.02": "<= 0.2"}),
    ),
    Misconception(
        "The limit of the error is 0.002: 2 mm.",
        "2 cm are 0.02 m.",
        edited(pose_column, {"<= 0.02": "<= 0.002"}),
    ),
    Misconception(
        "An error of 0.02 is refused, or the error is not in metres.",
        "At most 0.02 m: <=, of the error itself.",
        edited(pose_column, {"<= 0.02": "< 0.02"}),
    ),
    Misconception(
        "A height of 0.6 passes.",
        "Above 0.6 and below 1.6: <.",
        edited(pose_column, {"0.6 < height < 1.6": "0.6 <= height <= 1.6"}),
    ),
    Misconception(
        "The heights decide, and only their winner's error is asked. Where both heights are a table's, the "
        "errors may still tell.",
        "A reading passes if both tests hold. Count those that pass.",
        lambda hand, thing: _pose_by_heights(*pose_column(hand, thing)[1:]),
    ),
    Misconception(
        "One of the two tests is enough.",
        "Both have to hold: and.",
        edited(pose_column, {_FITS: "error <= 0.02 or 0.6 < height < 1.6"}),
    ),
    Misconception(
        "No upper limit of the height, or one that is too high.",
        "0.6 < height < 1.6.",
        edited(pose_column, {_FITS: "error <= 0.02 and height > 0.6"}),
    ),
    Misconception(
        "No lower limit of the height.",
        "0.6 < height < 1.6.",
        edited(pose_column, {_FITS: "error <= 0.02 and height < 1.6"}),
    ),
    Misconception(
        "The reading with the smaller error wins, whatever it is.",
        "A reading has to pass; if none does, or both do: REFUSED.",
        edited(pose_column, {"fits[0] if len(fits) == 1 else REFUSED": "7 * int(np.argmin(errors))"}),
    ),
    Misconception(
        "Where both readings pass, one of them is taken.",
        "Then nobody can tell: REFUSED.",
        edited(pose_column, {"if len(fits) == 1": "if fits"}),
    ),
    Misconception(
        "Where both readings pass, the second one is taken.",
        "Then nobody can tell: REFUSED.",
        edited(pose_column, {"fits[0] if len(fits) == 1": "fits[-1] if fits"}),
    ),
    Misconception(
        "Where no reading passes, or both do, the column is 0.",
        "Then nobody can tell: REFUSED, which is -1.",
        edited(pose_column, {"else REFUSED": "else 0"}),
    ),
    Misconception(
        "The number of the reading, 0 or 1, in place of its column.",
        "The column at which the pose begins: 0 or 7.",
        edited(pose_column, {"fits.append(pose)": "fits.append(pose // 7)"}),
    ),
    Misconception(
        "The length goes along the rows: one for each coordinate, np.linalg.norm along axis 0.",
        "A length for each row: np.linalg.norm(..., axis=1).",
        edited(
            pose_column,
            {
                "(position - hand, axis=1)": "(position - hand, axis=0)",
                _LENGTHS: "np.linalg.norm(seen, axis=0)",
            },
        ),
    ),
    Misconception(
        "The lengths are of two coordinates: the third one is left out, as by a slice that ends at + 2.",
        "A place has three numbers, and the end of a slice is not in it: + 3.",
        edited(
            pose_column,
            {"(position - hand, ": "((position - hand)[:, :2], ", "(seen, ": "(seen[:, :2], "},
        ),
    ),
    Misconception(
        "The readings after the first one that passes are left out.",
        "Both readings have an error and a height, and the other one may pass, too: no break.",
        edited(
            pose_column,
            {"heights.append(height)": "heights.append(height)\n        if fits:\n            break"},
        ),
    ),
    Misconception(
        "Only readings that pass have an error and a height.",
        "Append them for both readings, outside the if.",
        edited(
            pose_column,
            {
                "errors.append(error)": "errors += [error] * (pose in fits)",
                "heights.append(height)": "heights += [height] * (pose in fits)",
            },
        ),
    ),
    Misconception(
        "Where no reading passes, the one with the smaller error is taken.",
        "Then nobody can tell: REFUSED.",
        edited(pose_column, {"else REFUSED": "else REFUSED if fits else 7 * int(np.argmin(errors))"}),
    ),
]


def _pose_by_heights(errors, heights):
    """The heights decide, and the error of their winner is asked."""
    tables = [reading for reading in (0, 1) if 0.6 < heights[reading] < 1.6]
    fits = len(tables) == 1 and errors[tables[0]] <= 0.02
    return (7 * tables[0] if fits else REFUSED), errors, heights


check_pose_column = Exercise(
    pose_column,
    _pose_by_rows,
    _pose_cases,
    _pose_misconceptions,
    parts=("column", "errors", "heights"),
    where={
        "errors": "Each row has two distances: of the place from the hand, and of the relative place from 0. "
        "The error is the median over rows of how far the two are apart.",
        "heights": "The median over rows of the third number of the place, at 0 and at 7.",
    },
    insight="The loader asks the same of every file, and refuses one where no reading passes.",
)


# 2. The bug hunt: rows of demonstrations


def mended_rows(demonstrations):
    """Flat rows of demonstrations: observations (N, S), actions (N, 7), rewards, masks and ends (N,).

    The last row of each begins no step: action 0, reward -1, mask 1.
    """
    rows = []
    for demo in demonstrations:
        observations = demo["observations"]
        count = len(observations)
        actions = np.zeros((count, 7))
        actions[:-1] = demo["actions"]
        rewards = np.zeros(count)
        rewards[:-1] = demo["rewards"]
        masks = rewards == 0
        ends = np.arange(count) == count - 1
        rows.append((observations, actions, rewards - 1, masks, ends))
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def _rows_by_padding(demonstrations):
    last = np.cumsum([len(demo["actions"]) for demo in demonstrations])
    joined = lambda key: np.concatenate([demo[key] for demo in demonstrations])
    padded = lambda values: np.insert(values, last, 0, axis=0)
    solved = padded(joined("rewards"))
    ends = padded(np.zeros(last[-1]))
    ends[last + np.arange(len(last))] = 1
    return joined("observations"), padded(joined("actions")), solved - 1, 1 - solved, ends


def _demonstration(rng, steps, solved=True):
    rewards = np.zeros(steps)
    rewards[-1] = solved
    observations, actions = rng.normal(size=(steps + 1, 2)).round(2), rng.uniform(-1, 1, (steps, 7)).round(2)
    return {"observations": observations, "actions": actions, "rewards": rewards}


def _rows_cases(rng):
    make = lambda *lengths: ([_demonstration(rng, steps) for steps in lengths],)
    return [
        Case(
            "one demonstration of 3 steps",
            make(3),
            "It has four rows. Row t is about the step from t to t + 1, and the last row begins none.",
        ),
        Case(
            "one demonstration of a single step",
            make(1),
            "It has two rows: a transition, and the end, with the action 0, the reward -1 and the mask 1.",
        ),
        Case("two demonstrations, 4 and 2 steps", make(4, 2), "Each has a last row of its own."),
        Case(
            "two demonstrations, of which the first was never solved",
            ([_demonstration(rng, 3, solved=False), _demonstration(rng, 4)],),
            "Where nothing was solved, no mask of a transition is 0.",
        ),
        Case(
            "five demonstrations, of which the last goes on after its success",
            (
                [
                    *make(*rng.integers(2, 9, 4))[0],
                    _demonstration(rng, 5) | {"rewards": np.array([0.0, 1, 0, 1, 1])},
                ],
            ),
            "Row t is about the step from t to t + 1; each step that is solved has the mask 0.",
        ),
    ]


_AT, _MASK, _END = "rewards[:-1] = demo", "masks = rewards == 0", "np.arange(count) == count - 1"
_HERS, _REWARDS = (
    "rewards[1:] = demo",
    "Row t is about the step from t to t + 1, so its reward is rewards[t].",
)
_rows_misconceptions = [
    Misconception(
        "The rewards still stand at the observations that they led to: the success stands in a row that "
        "begins no step.",
        "Row t is about the step from t to t + 1, so its reward is rewards[t].",
        edited(mended_rows, {_AT: "rewards[1:] = demo"}),
    ),
    Misconception(
        "The rewards have moved, and the masks have not: the success is earned and does not end anything.",
        "The mask of row t belongs to the same step as its reward.",
        edited(mended_rows, {_MASK: "masks = np.append(True, demo['rewards'] == 0)"}),
    ),
    Misconception(
        "The masks have moved, and the rewards have not.",
        "The reward of row t belongs to the same step as its mask.",
        edited(
            mended_rows, {_AT: "rewards[1:] = demo", _MASK: "masks = np.append(demo['rewards'] == 0, True)"}
        ),
    ),
    Misconception(
        "The actions moved with the rewards: row t has the action that led to it.",
        "The action of row t is the one that was taken there.",
        edited(mended_rows, {"actions[:-1] = demo": "actions[1:] = demo"}),
    ),
    Misconception(
        "The rewards moved two rows: the success now stands a step too early.",
        "One row is enough: rewards[:-1] = demo['rewards'].",
        edited(mended_rows, {_AT: "rewards[:-2] = demo['rewards'][1:]; _ = demo"}),
    ),
    Misconception(
        "The mask is 1 at the success and 0 elsewhere.",
        "A mask is 0 where the task was solved: nothing comes after it.",
        edited(mended_rows, {_MASK: "masks = rewards == 1"}),
    ),
    Misconception(
        "All masks are 1: the critic looks on beyond the success.",
        "The mask is 0 where the reward is 1.",
        edited(mended_rows, {_MASK: "masks = np.ones(count)"}),
    ),
    Misconception(
        "The mask is 0 in the last row, and 1 at the success.",
        "The last row begins no step. The step before it was the success, and has the mask 0.",
        edited(mended_rows, {_MASK: "masks = np.arange(count) < count - 1"}),
    ),
    Misconception(
        "The mask of the last row is 0, too.",
        "The last row begins no step: its mask is 1.",
        edited(mended_rows, {_MASK: "masks = (rewards == 0) & (np.arange(count) < count - 1)"}),
    ),
    Misconception(
        "The last transition's mask is 0, solved or not.",
        "Only a success ends the task: ask the reward.",
        edited(mended_rows, {_MASK: "masks = np.arange(count) != count - 2"}),
    ),
    Misconception(
        "The rewards are 0 and 1: the 1 is not subtracted.",
        "A step costs 1, and the last one earns 0: rewards - 1.",
        edited(mended_rows, {"rewards - 1": "rewards"}),
    ),
    Misconception(
        "The rewards have the wrong sign.",
        "rewards - 1: -1 for a step, 0 for the success.",
        edited(mended_rows, {"rewards - 1": "1 - rewards"}),
    ),
    Misconception(
        "The success earns 1 and each step -1.",
        "rewards - 1: -1 for a step, 0 for the success.",
        edited(mended_rows, {"rewards - 1": "2 * rewards - 1"}),
    ),
    Misconception(
        "A demonstration ends at its last transition: so no chunk starts there now, and the success is "
        "lost again.",
        "The end is the row of the last observation, as it was.",
        edited(mended_rows, {_END: "np.arange(count) == count - 2"}),
    ),
    Misconception(
        "Only the very last demonstration has an end: chunks go on from one to the next.",
        "Each demonstration has an end, in its own last row.",
        lambda demos: (
            *mended_rows(demos)[:4],
            np.arange(sum(len(demo["observations"]) for demo in demos))
            == sum(len(demo["observations"]) for demo in demos) - 1,
        ),
    ),
    Misconception(
        "The row of the last observation is missing: the successful step leads nowhere.",
        "T steps have T + 1 observations. Keep them all.",
        lambda demos: [
            column[np.arange(len(column)) != len(column) - 1] if len(demos) == 1 else column[~_ends(demos)]
            for column in mended_rows(demos)
        ],
    ),
    Misconception(
        "A row is an end where its mask is 0: so no chunk starts at the success now.",
        "The end is the row of the last observation, as it was.",
        edited(mended_rows, {_END: "~masks"}),
    ),
    Misconception(
        "The last two rows are ends: so no chunk starts at the success now.",
        "The last row alone.",
        edited(mended_rows, {_END: "np.arange(count) >= count - 2"}),
    ),
    Misconception(
        "The observations moved, too: row t holds the one that the step led to.",
        "The observation of row t is the one before the step.",
        edited(
            mended_rows,
            {'= demo["observations"]': '= np.roll(demo["observations"], -1, axis=0)'},
        ),
    ),
    Misconception(
        "Every row is an end.",
        "The last row of each demonstration alone.",
        edited(mended_rows, {_END: "np.ones(count)"}),
    ),
    Misconception(
        "The last observation is dropped: the successful step leads nowhere.",
        "T steps have T + 1 observations. Keep them all.",
        lambda demos: mended_rows(
            [
                demo | {k: demo[k][:-1] for k in ("observations", "actions", "rewards")}
                if len(demo["actions"]) > 1
                else demo
                for demo in demos
            ]
        ),
    ),
    Misconception(
        "Only the first demonstration comes back: the return stands in the loop.",
        "Return after the loop.",
        lambda demos: mended_rows(demos[:1]),
    ),
    Misconception(
        "Only the ends have moved, to the row of the last step. The success still stands in the last row.",
        _REWARDS,
        edited(mended_rows, {_AT: _HERS, _END: "np.arange(count) == count - 2"}),
    ),
    Misconception(
        "Only the ends have changed, to the last two rows. The success still stands in the last one.",
        _REWARDS,
        edited(mended_rows, {_AT: _HERS, _END: "np.arange(count) >= count - 2"}),
    ),
    Misconception(
        "Only the ends have changed: there are none. The success still stands in the last row.",
        _REWARDS,
        edited(mended_rows, {_AT: _HERS, _END: "np.zeros(count)"}),
    ),
    Misconception(
        "There are no ends: nothing says where a demonstration stops.",
        "Each demonstration has an end, in its own last row.",
        edited(mended_rows, {_END: "np.zeros(count)"}),
    ),
    Misconception(
        "The actions moved to the rewards, not the rewards to the actions: row t tells of the step that led "
        "to it, beside the observation after that step.",
        "The action of row t was right. Its reward is that of the same step: rewards[t].",
        edited(mended_rows, {_AT: _HERS, "actions[:-1] = demo": "actions[1:] = demo"}),
    ),
    Misconception(
        "The last row is dropped, and with it the success, which still stood there.",
        f"{_REWARDS} The last row stays.",
        lambda demos: [column[~_ends(demos)] for column in _hers(demos)],
    ),
    Misconception(
        "The last row is dropped, and with it the success, which still stood there. The row of the last step "
        "is the end now.",
        f"{_REWARDS} The last row stays.",
        lambda demos: _shorter(demos, _hers),
    ),
    Misconception(
        "The row of the last observation is dropped, and that of the last step is the end: no chunk starts "
        "at the success now.",
        "T steps have T + 1 observations. Keep them all.",
        lambda demos: _shorter(demos, mended_rows),
    ),
    Misconception(
        "The demonstrations come in another order.",
        "In their order: rows.append.",
        lambda demos: mended_rows(demos[::-1]),
    ),
    Misconception(
        "The action of the last row is the one before it once more.",
        "The last row begins no step: its action is 0.",
        edited(mended_rows, {_AT: "actions[-1] = actions[-2]; rewards[:-1] = demo"}),
    ),
    Misconception(
        "The mask is 0 from the success on, in the rows after it as well.",
        "Only steps that are solved have the mask 0: ask the reward of each row.",
        edited(mended_rows, {_MASK: "masks = np.cumsum(rewards) == 0"}),
    ),
    Misconception(
        "Each success stands in two rows: at its step, and at the observation that it led to.",
        _REWARDS,
        edited(mended_rows, {_AT: "rewards[1:] = demo['rewards']; rewards[:-1] += demo"}),
    ),
    Misconception(
        "The masks moved a row too far: the step before the success has the mask 0.",
        "The mask of row t belongs to the same step as its reward.",
        edited(mended_rows, {_MASK: "masks = np.append(rewards[1:], 0) == 0"}),
    ),
    Misconception(
        "The end is the first row of each demonstration.",
        "Its last row: np.arange(count) == count - 1.",
        edited(mended_rows, {_END: "np.arange(count) == 0"}),
    ),
]


def _ends(demonstrations):
    return mended_rows(demonstrations)[4]


def _hers(demonstrations):
    return edited(mended_rows, {_AT: _HERS})(demonstrations)


def _shorter(demonstrations, rows_of):
    """The rows without the last ones; the last that stay are ends."""
    stays = ~_ends(demonstrations)
    *columns, ends = rows_of(demonstrations)
    return [*(column[stays] for column in columns), np.roll(ends, -1)[stays]]


check_mended_rows = Exercise(
    mended_rows,
    _rows_by_padding,
    _rows_cases,
    _rows_misconceptions,
    parts=("observations", "actions", "rewards", "masks", "ends"),
    where={
        "observations": "All of them, one demonstration after the other.",
        "actions": "Row t has the action that was taken there; the last row of a demonstration has 0.",
        "rewards": "Row t has the reward of the step from t to t + 1, less 1; the last row has -1.",
        "masks": "0 where the step from t to t + 1 was solved, and 1 elsewhere, also in the last row.",
        "ends": "True in the last row of each demonstration, and nowhere else.",
    },
    insight="That was the cause. No error would ever have told you: the arrays had the right shapes.",
)


# 3. A sweep that does not flatter


def choose_alpha(success_of, alphas, seeds):
    """The alpha that a sweep chooses with half the seeds, and its gain over the last alpha on the others.

    Returns:
        alpha; mean, low and high of the gain on the other seeds; the gain's mean on those that chose.
    """
    rates = np.array([success_of(alpha, seeds) for alpha in alphas])  # (R, n)
    half = len(seeds) // 2
    means = rates[:, :half].mean(axis=1)
    best = np.flatnonzero(means == means.max())[-1]
    gain = rates[best] - rates[-1]
    mean, low, high = mean_interval(gain[half:])
    return alphas[best], mean, low, high, gain[:half].mean()


def _choose_by_loop(success_of, alphas, seeds):
    choosing, others = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
    found = max(alphas, key=lambda alpha: (sum(success_of(alpha, choosing)), alpha))
    apart = lambda part: [
        a - b for a, b in zip(success_of(found, part), success_of(alphas[-1], part), strict=True)
    ]
    gain, count = apart(others), len(others)
    mean = sum(gain) / count
    spread = math.sqrt(sum((each - mean) ** 2 for each in gain) / (count - 1))
    reach = stats.t.ppf(0.975, count - 1) * spread / math.sqrt(count)
    return found, mean, mean - reach, mean + reach, sum(apart(choosing)) / len(choosing)


def _table(alphas, rates, first=0):
    """success_of of rates (R, n), a column a seed; the first column's seed is `first`."""
    rates = np.array(rates, float)

    def success_of(alpha, seeds):
        if np.ndim(alpha) or not np.ndim(seeds):
            raise _other_arguments()
        columns = np.asarray(seeds) - first
        if np.any((columns < 0) | (columns >= rates.shape[1])):
            raise _other_seeds(seeds, first, rates.shape[1])
        return rates[list(alphas).index(alpha)][columns]

    return success_of


def _other_arguments():
    """The error of a call with other arguments than an alpha and an array of seeds."""
    error = TypeError("success_of(alpha, seeds) takes one alpha, and an array of seeds, in this order")
    error.likely = (
        "The arguments are exchanged, or the seeds are asked one by one: all at once, an array (n,)."
    )
    return error


def _other_seeds(seeds, first, count):
    """The error of a run with seeds that the sweep was not given."""
    error = ValueError(f"success_of got the seeds {seeds}, and the sweep has {first} to {first + count - 1}")
    error.likely = (
        "Seeds are asked for that are not in `seeds`: fresh ones for an alpha or for the report, or numbers "
        "that are counted from 0. Every alpha runs with `seeds`; the halves of its result choose and report."
    )
    return error


def _choose_cases(rng):
    def random(about, count, settings, hint):
        alphas = [10.0**k for k in range(settings)]
        rates = 10.0 * rng.integers(0, 11, (settings, count))
        best = int(rng.integers(settings - 1))
        rates[best, : count // 2] = 90 + rng.permutation(count // 2) % 2 * 10
        rates[best, count // 2 :] = 10.0 * rng.integers(2, 7, count - count // 2)
        rates[-1 if best else 1, count // 2 :] = 10.0 * rng.integers(7, 10, count - count // 2)
        return Case(about, (_table(alphas, rates, 10), alphas, np.arange(10, 10 + count)), hint)

    two, three = [10.0, 1000.0], [1.0, 10.0, 1000.0]
    return [
        Case(
            "alphas 10 and 1000, four seeds: 80, 60, 90, 70 % and 20, 40, 50, 10 %",
            (_table(two, [[80, 60, 90, 70], [20, 40, 50, 10]]), two, np.arange(4)),
            "Seeds 0 and 1 choose 10 (70 % against 30 %). Seeds 2 and 3 report its gain: 40 and 60 points.",
        ),
        Case(
            "alphas 1, 10 and 1000, four seeds: two are equal on the seeds that choose",
            (_table(three, [[70, 50, 60, 20], [50, 70, 30, 40], [80, 30, 50, 10]]), three, np.arange(4)),
            "Seeds 0 and 1 choose 10, the larger of two equal ones. Seeds 2 and 3 report its gain over 1000: "
            "-20 and 30 points.",
        ),
        Case(
            "alphas 10 and 1000, five seeds",
            (_table(two, [[90, 83, 30, 20, 40], [86, 86, 60, 70, 60]]), two, np.arange(5)),
            "Two seeds choose (86.5 % against 86), three report. What was chosen may turn out to be worse.",
        ),
        Case(
            "alphas 10 and 1000, both at 0 % on the seeds that choose",
            (_table(two, [[0, 0, 50, 40], [0, 0, 60, 60]]), two, np.arange(4)),
            "They are equal, so the larger is chosen, and it gains nothing over itself: 0.",
        ),
        Case(
            "seven seeds, of which one is good and six are bad with alpha 1",
            (
                _table(three, [[90, 10, 20, 30, 10, 0, 50], [60, 50, 60, 40, 80, 20, 60], [50] * 7]),
                three,
                np.arange(7),
            ),
            "The mean over the seeds that choose: 40 with alpha 1, 56.7 with alpha 10.",
        ),
        Case(
            "seven seeds, of which one is bad with alpha 1",
            (
                _table(three, [[90, 90, 0, 30, 10, 0, 50], [70, 80, 70, 40, 80, 20, 60], [9] * 7]),
                three,
                np.arange(7),
            ),
            "The mean over the seeds that choose: 60 with alpha 1, 73.3 with alpha 10.",
        ),
        random(
            "four alphas, eight seeds from 10 on",
            8,
            4,
            "The same seeds choose for all alphas, and the others report.",
        ),
        random("five alphas, nine seeds from 10 on", 9, 5, "len(seeds) // 2 seeds choose."),
        random("three alphas, six seeds from 10 on", 6, 3, "The gain is over the last alpha, seed by seed."),
    ]


_BEST = "np.flatnonzero(means == means.max())[-1]"
_choose_misconceptions = [
    Misconception(
        "The seeds that choose report as well: the gain is flattered.",
        "The interval comes from the second half of the seeds.",
        edited(choose_alpha, {"mean_interval(gain[half:])": "mean_interval(gain[:half])"}),
    ),
    Misconception(
        "All seeds report, those that chose among them: half of the flattery stays.",
        "The interval comes from the second half of the seeds alone.",
        edited(choose_alpha, {"mean_interval(gain[half:])": "mean_interval(gain)"}),
    ),
    Misconception(
        "All seeds choose: then no seed is left that did not.",
        "Only the first half chooses.",
        edited(choose_alpha, {"rates[:, :half].mean": "rates.mean"}),
    ),
    Misconception(
        "The second half chooses.",
        "The first len(seeds) // 2 seeds choose, the others report.",
        edited(choose_alpha, {"rates[:, :half].mean": "rates[:, half:].mean"}),
    ),
    Misconception(
        "The halves are exchanged throughout.",
        "The first len(seeds) // 2 seeds choose, the others report.",
        lambda f, a, s: choose_alpha(f, a, np.roll(s, len(s) // 2)) if len(s) % 2 == 0 else _turned(f, a, s),
    ),
    Misconception(
        "With an odd number, the larger half chooses.",
        "len(seeds) // 2 seeds choose.",
        edited(choose_alpha, {"len(seeds) // 2": "(len(seeds) + 1) // 2"}),
    ),
    Misconception(
        "Of equal alphas the smaller one is taken.",
        "The larger one: it stays closer to the data. np.argmax gives the first of equal ones.",
        edited(choose_alpha, {_BEST: "np.argmax(means)"}),
    ),
    Misconception(
        "Alphas within a few points count as equal.",
        "Only equal means do: means == means.max().",
        edited(choose_alpha, {"means == means.max()": "means >= means.max() - 5"}),
    ),
    Misconception(
        "The alpha with the least success is chosen.",
        "The largest mean.",
        edited(choose_alpha, {_BEST: "np.flatnonzero(means == means.min())[-1]"}),
    ),
    Misconception(
        "The best single seed chooses.",
        "The mean over the seeds of the first half.",
        edited(choose_alpha, {":half].mean(axis=1)": ":half].max(axis=1)"}),
    ),
    Misconception(
        "The lower end of the interval chooses.",
        "The mean over the seeds of the first half.",
        edited(choose_alpha, {"rates[:, :half].mean(axis=1)": "mean_interval(rates[:, :half].T)[1]"}),
    ),
    Misconception(
        "The median chooses.",
        "The mean over the seeds of the first half.",
        edited(choose_alpha, {"rates[:, :half].mean(axis=1)": "np.median(rates[:, :half], axis=1)"}),
    ),
    Misconception(
        "Each seed reports its own best alpha.",
        "One alpha for all, chosen by the first half.",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates.max(axis=0) - rates[-1]"}),
    ),
    Misconception(
        "The success of the chosen alpha is reported, and not what it gains over the last one.",
        "Its rates less those of the last alpha, seed by seed.",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates[best]"}),
    ),
    Misconception(
        "The gain is over the first alpha.",
        "The last one is the control: with it Q has no say.",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates[best] - rates[0]"}),
    ),
    Misconception(
        "The gain is over the mean of all alphas.",
        "The control is the last alpha.",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates[best] - rates.mean(axis=0)"}),
    ),
    Misconception(
        "The gain is over the mean of the other alphas.",
        "The control is the last alpha alone.",
        edited(
            choose_alpha,
            {"rates[best] - rates[-1]": "rates[best] - np.delete(rates, best, axis=0).mean(axis=0)"},
        ),
    ),
    Misconception(
        "The interval of a normal distribution, 1.96 standard errors: too short for so few seeds.",
        "mean_interval(values), which takes Student's t.",
        edited(choose_alpha, {"mean_interval(gain[half:])": "_normal(gain[half:])"}),
    ),
    Misconception(
        "The ends are percentiles of the seeds: they say how much seeds differ, not how sure the mean is.",
        "mean_interval(values).",
        edited(
            choose_alpha,
            {"mean_interval(gain[half:])": "gain[half:].mean(), *np.percentile(gain[half:], [2.5, 97.5])"},
        ),
    ),
    Misconception(
        "Each alpha has an interval of its own, and their ends are subtracted: the luck of a seed, which "
        "both share, is in it twice.",
        "Subtract seed by seed first, then take one interval.",
        edited(
            choose_alpha,
            {
                "mean_interval(gain[half:])": "np.array(mean_interval(rates[best, half:])) "
                "- np.array(mean_interval(rates[-1, half:]))[[0, 2, 1]]"
            },
        ),
    ),
    Misconception(
        "The place is counted from the end: np.argmax of the turned array is a place in that array.",
        "len(means) - 1 - np.argmax(means[::-1]).",
        edited(choose_alpha, {_BEST: "np.argmax(means[::-1])"}),
    ),
    Misconception(
        "The gain has the wrong sign.",
        "The chosen one less the last one.",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates[-1] - rates[best]"}),
    ),
    Misconception(
        "The interval is not of differences: it holds the luck of the seeds, which both share.",
        "Subtract seed by seed first, then take the interval.",
        edited(
            choose_alpha,
            {
                "mean_interval(gain[half:])": "np.array(mean_interval(rates[best, half:])) "
                "- rates[-1, half:].mean()"
            },
        ),
    ),
    Misconception(
        "The number of the alpha, not its value.",
        "alphas[best].",
        edited(choose_alpha, {"return alphas[best]": "return best"}),
    ),
    Misconception(
        "The flattered gain is that of all seeds.",
        "The gain's mean on the seeds that chose: gain[:half].",
        edited(choose_alpha, {"gain[:half].mean()": "gain.mean()"}),
    ),
    Misconception(
        "The flattered gain is that of the second half.",
        "The gain's mean on the seeds that chose: gain[:half].",
        edited(choose_alpha, {"gain[:half].mean()": "gain[half:].mean()"}),
    ),
    Misconception(
        "The flattered number is the success on the seeds that chose, not the gain.",
        "gain[:half].mean().",
        edited(choose_alpha, {"gain[:half].mean()": "means[best]"}),
    ),
    Misconception(
        "From each seed's success the last alpha's mean over all seeds is subtracted.",
        "Subtract the last alpha's success with the same seed: rates[-1].",
        edited(choose_alpha, {"rates[best] - rates[-1]": "rates[best] - rates[-1].mean()"}),
    ),
    Misconception(
        "Every other seed chooses, and those between report.",
        "The first len(seeds) // 2 seeds choose, the others report.",
        edited(
            choose_alpha,
            {":half].mean(axis": "::2].mean(axis", "gain[half:]": "gain[1::2]", "gain[:half]": "gain[::2]"},
        ),
    ),
    Misconception(
        "The flattered gain is over the mean of all alphas.",
        "Over the last alpha, on the seeds that chose: gain[:half].",
        edited(choose_alpha, {"gain[:half].mean()": "means.max() - means.mean()"}),
    ),
]


def _normal(values):
    reach = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), values.mean() - reach, values.mean() + reach


def _turned(success_of, alphas, seeds):
    """The second half, which is the larger one of an odd number, chooses; the first reports."""
    half = len(seeds) // 2
    rates = np.array([success_of(alpha, seeds) for alpha in alphas])
    means = rates[:, half:].mean(axis=1)
    best = np.flatnonzero(means == means.max())[-1]
    gain = rates[best] - rates[-1]
    return alphas[best], *mean_interval(gain[:half]), gain[half:].mean()


check_choose_alpha = Exercise(
    choose_alpha,
    _choose_by_loop,
    _choose_cases,
    _choose_misconceptions,
    parts=("alpha", "mean", "low", "high", "flattered"),
    where={
        "mean": "The gain of the alpha that was chosen over the last one, seed by seed, of the second half.",
        "low": "mean_interval of the gains of the second half of the seeds.",
        "high": "mean_interval of the gains of the second half of the seeds.",
        "flattered": "The same gain, on the seeds that chose.",
    },
    insight="The seeds that report have had no say in the choice.",
)


# 4. Which number of an action the policy copies worst


def suspect(flow, policy, waits):
    """The number of an action that a policy copies worst where the hand waits, or REFUSED.

    Of flow's and policy's actions (n, T, 7); `waits` (W,) are numbers of rows. And of each number the mean,
    low and high (7,) of its share of the squared distance there, percent; and the policy's actions (n, T, 7)
    with the flow's in that number.
    """
    apart = (policy - flow)[:, waits] ** 2
    by_number = apart.mean(axis=1)
    shares = 100 * by_number / by_number.sum(axis=1, keepdims=True)
    mean, low, high = mean_interval(shares)

    worst = np.argmax(mean)
    swapped = policy.copy()
    number = REFUSED
    if low[worst] > np.delete(high, worst).max():
        number = worst
        swapped[:, :, number] = flow[:, :, number]
    return number, mean, low, high, swapped


def _suspect_by_loops(flow, policy, waits):
    seeds, rows, numbers = flow.shape
    shares = np.empty((numbers, seeds))
    for seed in range(seeds):
        sums = [sum((policy[seed, t, i] - flow[seed, t, i]) ** 2 for t in waits) for i in range(numbers)]
        shares[:, seed] = [100 * each / sum(sums) for each in sums]
    mean = [sum(each) / seeds for each in shares]
    reach = [stats.t.ppf(0.975, seeds - 1) * each.std(ddof=1) / math.sqrt(seeds) for each in shares]
    ends = [(m - r, m + r) for m, r in zip(mean, reach, strict=True)]
    clear = [
        i
        for i in range(numbers)
        if all(ends[i][0] > ends[other][1] for other in range(numbers) if other != i)
    ]
    swapped = np.array(
        [
            [[flow[s, t, i] if i in clear else policy[s, t, i] for i in range(numbers)] for t in range(rows)]
            for s in range(seeds)
        ]
    )
    return clear[0] if clear else REFUSED, mean, [low for low, _ in ends], [high for _, high in ends], swapped


def _suspect_cases(rng):
    def case(about, weights, hint, seeds=5, rows=8, elsewhere=None, spread=0.3):
        """Squared distances about `weights` where the hand waits, `elsewhere` where it does not."""
        waits = np.arange(rows) % 2 == 1
        waits[:1] = rows > 6
        flow = rng.uniform(-1, 1, (seeds, rows, 7))
        size = np.where(waits[:, None], weights, weights if elsewhere is None else elsewhere)
        size = (
            size
            * np.exp(spread * rng.normal(size=(seeds, 1, 7)))
            * np.exp(0.7 * rng.normal(size=(seeds, rows, 7)))
        )
        sign = np.where(rng.random((seeds, rows, 7)) < 0.5, -1, 1)
        scale = np.exp(rng.normal(size=(seeds, 1, 1)))
        return Case(about, (flow, flow + sign * np.sqrt(size) * scale, np.flatnonzero(waits)), hint)

    weights = lambda **large: np.array([large.get(f"n{i}", 1.0) for i in range(7)])
    flow = np.zeros((3, 2, 7))
    policy = np.tile(np.array([[1.0, 1, 1, 1, 1, 1, 2], [0, 3, 0, 0, 0, 0, 0]]), (3, 1, 1))
    policy[1, 0, 0] = -1
    equal = np.tile([0.0, 1, 0, 0, 1, 0, 0], (3, 2, 1))
    return [
        Case(
            "two rows, of which the first waits; apart by (1, 1, 1, 1, 1, 1, 2) there",
            (flow, policy, np.array([0])),
            {
                "swapped": "A copy of the policy's actions, in which the last number is the flow's.",
                **dict.fromkeys(
                    ("number", "mean", "low", "high"),
                    "`waits` holds row numbers. The squares are 1, 1, 1, 1, 1, 1 and 4, so the last number "
                    "has 40 % of their sum.",
                ),
            },
        ),
        case(
            "number 6, five seeds of unlike size; elsewhere number 2",
            weights(n6=60),
            "Rows that do not wait don't count, and each seed has shares of its own.",
            elsewhere=weights(n2=400),
        ),
        case("number 0", weights(n0=80), "Number 0 may be the suspect, too.", seeds=4),
        Case(
            "number 0 leads in every seed, by 15 points at least; four seeds",
            _with_shares(
                rng, [[60, 40, *[0] * 5], [45, 25, *[6] * 5], [62, 38, *[0] * 5], [48, 32, *[4] * 5]]
            ),
            "The intervals of numbers 0 and 1 overlap: REFUSED. It is not their difference that is asked.",
        ),
        Case(
            "numbers 2 and 5 alike, three seeds",
            _with_shares(rng, [[4, 5, 36, 5, 5, 40, 5], [6, 6, 37, 7, 6, 32, 6], [4, 4, 36, 4, 4, 44, 4]]),
            "Number 5 has the larger mean, but its interval overlaps that of number 2: REFUSED.",
        ),
        Case(
            "number 5 with about a third in each of three seeds, each other number with a quarter in one",
            _with_shares(rng, [[25, 25, 4, 4, 4, 34, 4], [4, 4, 25, 25, 4, 38, 4], [4, 4, 4, 4, 25, 34, 25]]),
            "The others' means are small, but their intervals are wide: REFUSED.",
        ),
        Case(
            "number 5 with 40, 45 and 22 %, numbers 0 and 3 behind",
            _with_shares(
                rng, [[14, 1, 1, 36, 1, 40, 7], [33, 1, 1, 17, 1, 45, 2], [26, 1, 1, 37, 1, 22, 12]]
            ),
            "The interval of number 5 lies above some of the others, not above all: REFUSED.",
        ),
        Case(
            "number 0 with 40 %, number 1 with about 20 %, number 2 with 0, 39 and 2 %",
            _with_shares(
                rng, [[40, 22, 0, 14, 12, 6, 6], [40, 18, 39, 1, 1, 1, 0], [40, 22, 2, 14, 12, 5, 5]]
            ),
            "Number 2 has a small mean and a wide interval, up to 68 %: ask all the others. REFUSED.",
        ),
        Case(
            "number 0 with 40 %, number 1 with 22, 10 and 22 %, number 2 with 0, 45 and 2 %",
            _with_shares(
                rng, [[40, 22, 0, 14, 12, 6, 6], [40, 10, 45, 3, 1, 1, 0], [40, 22, 2, 14, 12, 5, 5]]
            ),
            "Number 2 leads in one seed, and its interval is wide: REFUSED.",
        ),
        Case(
            "numbers 1 and 4 with 50 % each, in all seeds",
            (np.zeros((3, 2, 7)), equal, np.array([0])),
            "Two intervals without width, at the same place: neither lies above the other. REFUSED.",
        ),
        case("number 1, six seeds, twelve rows", weights(n1=100), "The same in all seeds.", seeds=6, rows=12),
    ]


def _with_shares(rng, shares):
    """Arguments of two rows, of which the first waits, with these shares (n, 7)."""
    shares = np.array(shares, float)
    flow = rng.uniform(-1, 1, (len(shares), 2, 7))
    policy = flow + rng.normal(size=flow.shape)
    policy[:, 0] = flow[:, 0] + np.sqrt(shares)
    return flow, policy, np.array([0])


_CLEAR, _SWAP = "low[worst] > np.delete(high, worst).max()", "swapped[:, :, number] = flow[:, :, number]"
_SHARES = "100 * by_number / by_number.sum(axis=1, keepdims=True)"
_suspect_misconceptions = [
    Misconception(
        "All rows count, those where the hand moves among them.",
        "The rows that wait: apart[:, waits].",
        edited(suspect, {"(policy - flow)[:, waits]": "(policy - flow)"}),
    ),
    Misconception(
        "The rows count where the hand does not wait.",
        "The rows that wait: apart[:, waits].",
        edited(suspect, {"(policy - flow)[:, waits]": "np.delete(policy - flow, waits, axis=1)"}),
    ),
    Misconception(
        "The mean over rows comes before the square: too much and too little cancel.",
        "Square each difference, then take the mean.",
        edited(suspect, {"[:, waits] ** 2": "[:, waits]", "apart.mean(axis=1)": "apart.mean(axis=1) ** 2"}),
    ),
    Misconception(
        "Absolute distances in place of squares.",
        "The loss has squares.",
        edited(suspect, {"(policy - flow)[:, waits] ** 2": "np.abs(policy - flow)[:, waits]"}),
    ),
    Misconception(
        "The root of the mean squares.",
        "Without the root: squares add up to the loss, roots do not.",
        edited(suspect, {"apart.mean(axis=1)": "np.sqrt(apart.mean(axis=1))"}),
    ),
    Misconception(
        "The median over rows.",
        "The mean over rows, as in the loss.",
        edited(suspect, {"apart.mean(axis=1)": "np.median(apart, axis=1)"}),
    ),
    Misconception(
        "The shares are of the sum over all seeds: a seed with large distances counts for more.",
        "Divide by the sum of the same seed: sum(axis=1, keepdims=True).",
        edited(suspect, {_SHARES: "100 * by_number / by_number.sum() * len(by_number)"}),
    ),
    Misconception(
        "The shares are taken in each row: a row with small distances counts as much as one with large ones.",
        "The mean over the rows first, and then the share.",
        edited(
            suspect,
            {
                "apart.mean(axis=1)": "(apart / apart.sum(axis=2, keepdims=True)).mean(axis=1)",
            },
        ),
    ),
    Misconception(
        "The shares are of one sum over seeds and numbers: they do not add up to 100 in a seed.",
        "Divide by the sum of the same seed: sum(axis=1, keepdims=True).",
        edited(suspect, {_SHARES: "100 * by_number / by_number.sum()"}),
    ),
    Misconception(
        "Each number is divided by its own sum over seeds.",
        "Divide by the sum over the seven numbers: axis=1.",
        edited(suspect, {_SHARES: "100 * by_number / by_number.sum(axis=0, keepdims=True)"}),
    ),
    Misconception(
        "The squared distances themselves, not their shares.",
        "Divide by the sum over the seven numbers, seed by seed.",
        edited(suspect, {_SHARES: "by_number"}),
    ),
    Misconception(
        "Shares from 0 to 1.",
        "Percent: times 100.",
        edited(suspect, {_SHARES: "by_number / by_number.sum(axis=1, keepdims=True)"}),
    ),
    Misconception(
        "The shares of the mean over seeds, and no interval of seeds.",
        "mean_interval(shares), with the seeds along its first axis.",
        edited(
            suspect,
            {"mean_interval(shares)": "(100 * by_number.mean(axis=0) / by_number.mean(axis=0).sum(),) * 3"},
        ),
    ),
    Misconception(
        "The interval of a normal distribution, 1.96 standard errors: too short for so few seeds.",
        "mean_interval(values), which takes Student's t.",
        edited(suspect, {"mean_interval(shares)": "_normals(shares)"}),
    ),
    Misconception(
        "The largest mean is always the suspect, however wide the intervals are.",
        "Only if its interval lies above those of all the others. Else: REFUSED.",
        edited(suspect, {_CLEAR: "True"}),
    ),
    Misconception(
        "The interval has to lie above the others' means only.",
        "Above the upper ends of their intervals.",
        edited(suspect, {_CLEAR: "low[worst] > np.delete(mean, worst).max()"}),
    ),
    Misconception(
        "The mean has to lie above the others' intervals, not the whole interval.",
        "Its lower end is compared: low[worst].",
        edited(suspect, {_CLEAR: "mean[worst] > np.delete(high, worst).max()"}),
    ),
    Misconception(
        "The interval has to lie above an equal share or an average: the others' intervals are not asked.",
        "Above the upper ends of all the others' intervals.",
        edited(suspect, {_CLEAR: "low[worst] > 100 / 7"}),
    ),
    Misconception(
        "The interval has to lie above the mean of the others' upper ends: one of them may reach higher.",
        "Above those of all the others: the largest upper end.",
        edited(suspect, {_CLEAR: "low[worst] > np.delete(high, worst).mean()"}),
    ),
    Misconception(
        "Lower ends are compared with lower ends.",
        "Its lower end with the others' upper ends: np.delete(high, worst).",
        edited(suspect, {_CLEAR: "low[worst] > np.delete(low, worst).max()"}),
    ),
    Misconception(
        "Only the number with the second largest mean is asked: another one, with a wide interval, may reach "
        "higher.",
        "Above those of all the others: the largest upper end.",
        edited(suspect, {_CLEAR: "low[worst] > high[np.argsort(mean)[-2]]"}),
    ),
    Misconception(
        "The differences from the others, seed by seed, have to exclude 0. That is a test, but another one.",
        "Its lower end has to lie above the others' upper ends.",
        edited(
            suspect,
            {_CLEAR: "mean_interval(shares[:, [worst]] - np.delete(shares, worst, axis=1))[1].min() > 0"},
        ),
    ),
    Misconception(
        "Only the difference from the number with the second largest mean is asked, seed by seed.",
        "Its lower end has to lie above the upper ends of all the others.",
        edited(suspect, {_CLEAR: "mean_interval(shares[:, worst] - shares[:, np.argsort(mean)[-2]])[1] > 0"}),
    ),
    Misconception(
        "The largest number has to lead in every seed. Here the interval of its share is asked.",
        "Its lower end has to lie above the upper ends of all the others.",
        edited(suspect, {_CLEAR: "(shares.argmax(axis=1) == worst).all()"}),
    ),
    Misconception(
        "In each seed the largest of the others is subtracted, and the difference has to exclude 0. That "
        "is a test, but another one.",
        "Its lower end has to lie above the upper ends of all the others.",
        edited(
            suspect,
            {_CLEAR: "mean_interval(shares[:, worst] - np.delete(shares, worst, axis=1).max(axis=1))[1] > 0"},
        ),
    ),
    Misconception(
        "Two intervals that touch are enough.",
        "Above the others' upper ends: >.",
        edited(suspect, {_CLEAR: "low[worst] >= np.delete(high, worst).max()"}),
    ),
    Misconception(
        "An interval above one of the others is enough.",
        "Above those of all the others: the largest upper end.",
        edited(suspect, {_CLEAR: "low[worst] > np.delete(high, worst).min()"}),
    ),
    Misconception(
        "No number ever passes: perhaps the interval is compared with its own upper end as well, or the "
        "smallest share is asked.",
        "The largest share, np.argmax(mean), with the others' upper ends: np.delete(high, worst).",
        edited(suspect, {_CLEAR: "low[worst] > high.max()"}),
    ),
    Misconception(
        "Only the last number is ever the suspect, whatever the distances say.",
        "The number with the largest mean share, np.argmax(mean), against all the others: "
        "np.delete(high, worst).",
        edited(suspect, {"np.argmax(mean)": "6"}),
    ),
    Misconception(
        "The numbers are counted from 1.",
        "From 0: the gripper, the last of seven, is number 6.",
        edited(suspect, {"return number, mean": "return number + (number != REFUSED), mean"}),
    ),
    Misconception(
        "The other way round: the flow's actions with the policy's number.",
        "The policy's actions with the flow's number.",
        edited(
            suspect,
            {_SWAP: "swapped = flow.copy(); swapped[:, :, number] = policy[:, :, number]"},
        ),
    ),
    Misconception(
        "All seven numbers are the flow's: then nobody knows which one mattered.",
        "Only the suspect's: swapped[:, :, number].",
        edited(suspect, {_SWAP: "swapped = flow.copy()"}),
    ),
    Misconception(
        "Nothing is exchanged.",
        "swapped[:, :, number] = flow[:, :, number].",
        edited(suspect, {_SWAP: "pass"}),
    ),
    Misconception(
        "The number is exchanged only in the rows that wait.",
        "In all rows: a policy with another gripper, from the start to the end.",
        edited(suspect, {_SWAP: "swapped[:, waits, number] = flow[:, waits, number]"}),
    ),
    Misconception(
        "A number is exchanged where there is no suspect: REFUSED is -1, and number -1 is the last one.",
        "Exchange inside the if.",
        edited(
            suspect,
            {
                f"        {_SWAP}\n": "",
                "return number, mean": "swapped[:, :, number] = flow[:, :, number]\n    return number, mean",
            },
        ),
    ),
    Misconception(
        "The number with the largest mean is exchanged, suspect or not.",
        "If there is no suspect, the policy's own actions.",
        edited(
            suspect,
            {
                f"        {_SWAP}\n": "",
                "return number, mean": "swapped[:, :, worst] = flow[:, :, worst]\n    return number, mean",
            },
        ),
    ),
    Misconception(
        "Each action is squared before the difference is taken.",
        "The difference first, then its square.",
        edited(suspect, {"(policy - flow)[:, waits] ** 2": "np.abs(policy**2 - flow**2)[:, waits]"}),
    ),
    Misconception(
        "The flow's number is added to the policy's.",
        "It takes the place of the policy's: = and not +=.",
        edited(suspect, {_SWAP: "swapped[:, :, number] += flow[:, :, number]"}),
    ),
]


def _normals(shares):
    mean, reach = shares.mean(axis=0), 1.96 * stats.sem(shares)
    return mean, mean - reach, mean + reach


check_suspect = Exercise(
    suspect,
    _suspect_by_loops,
    _suspect_cases,
    _suspect_misconceptions,
    parts=("number", "mean", "low", "high", "swapped"),
    where={
        "mean": "By seed: the squared distances of the rows that wait, averaged, in percent of their sum "
        "over the seven numbers. Then the mean over seeds.",
        "low": "The lower end of the 95 % t-interval over the seeds' shares: mean_interval(shares).",
        "high": "The upper end of the 95 % t-interval over the seeds' shares: mean_interval(shares).",
        "swapped": "A copy of the policy's actions. Where a number was found, that number is the flow's, in "
        "all rows; if REFUSED, nothing is changed.",
    },
    insight="A share of the distance makes a suspect. Only acting with the number exchanged can convict it.",
)
