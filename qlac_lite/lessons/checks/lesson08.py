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


def _rows(rng, steps, first, high=0.85, late=False, wild=0, down=False, lost=0):
    """Places of a hand (T, 3) and `object` (T, 14), the pose or the relative half `first`; in `lost` rows the
    object stands at the origin.
    """
    hand = np.array([0.02, -0.2, high + 0.15]) + np.cumsum(rng.normal(0, 0.004, (steps, 3)), axis=0)
    position = np.array([0.2, 0.1, high]) + np.cumsum(rng.normal(0, 0.002, (steps, 3)), axis=0)
    turns = np.linalg.qr(rng.normal(size=(steps, 3, 3)))[0]
    if down:  # half a turn about x
        turns = np.broadcast_to(np.diag([1.0, -1.0, -1.0]), turns.shape)
    ago = np.concatenate([position[:1], position[:-1]]) if late else position
    relative = np.einsum("tij,tj->ti", turns, ago - hand)
    quaternions = rng.normal(size=(2, steps, 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    relative[0] = 0
    relative[1 : 1 + wild] = rng.normal(0, 2.0, (wild, 3))
    position[:lost] = 0
    halves = [np.hstack([relative, quaternions[0]]), np.hstack([position, quaternions[1]])]
    return hand, np.hstack(halves if first == "relative" else halves[::-1])


def _pose_cases(rng):
    hand, thing = np.zeros((3, 3)), np.zeros((3, 14))
    hand[:], thing[:, :3], thing[:, 7:10] = [1.0, 0.0, 0.9], [4.0, 0.0, 0.9], [0.0, 3.0, 0.0]
    origin = np.zeros((4, 3)), np.tile(np.r_[0.3, 0.2, 0.8, np.zeros(4), 0.2, 0.3, 0.8, np.zeros(4)], (4, 1))
    apart = _rows(rng, 20, "pose")
    apart[1][:, 7:10] *= 1.3
    return [
        Case(
            "three equal rows: hand at (1, 0, 0.9), 0:3 is (4, 0, 0.9), 7:10 is (0, 3, 0)",
            (hand, thing),
            "Pose at 0: (4, 0, 0.9) is 3 from the hand, and (0, 3, 0) is 3 long: an error of 0, at 0.9 m.",
        ),
        *(
            Case(
                f"20 rows, {first} half first; row 0 is garbage",
                _rows(rng, 20, first),
                "Compare lengths: the relative position is seen from a hand that turns. Take medians.",
            )
            for first in ("relative", "pose")
        ),
        Case(
            "31 rows, relative half first, a sample late, nine rows wild",
            _rows(rng, 31, "relative", late=True, wild=9),
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
            "27 rows, pose first; in six rows the object was lost, and stands at the origin",
            _rows(rng, 27, "pose", lost=6),
            "The median over rows decides, of the height as of the error.",
        ),
        Case(
            "20 rows, the relative positions 1.3 times too long",
            apart,
            "No reading fits: REFUSED.",
        ),
        Case("21 rows, on the floor", _rows(rng, 21, "pose", high=0.2), "No table is so low: REFUSED."),
        Case(
            "21 rows, under the roof", _rows(rng, 21, "relative", high=2.4), "No table is so high: REFUSED."
        ),
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
        "Only the errors are asked: with a hand that points down, both readings pass.",
        "A reading passes if its height is a table's, too.",
        edited(pose_column, {_FITS: "error <= 0.02"}),
    ),
    Misconception(
        "Only the heights are asked.",
        "A reading passes if its error is small, too.",
        edited(pose_column, {_FITS: "0.6 < height < 1.6"}),
    ),
    Misconception(
        "One of the two tests is enough.",
        "Both have to hold: and.",
        edited(pose_column, {_FITS: "error <= 0.02 or 0.6 < height < 1.6"}),
    ),
    Misconception(
        "No upper limit of the height.",
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
        "Where both readings pass, the first one is taken.",
        "Then nobody can tell: REFUSED.",
        edited(pose_column, {"if len(fits) == 1": "if fits"}),
    ),
    Misconception(
        "The number of the reading, 0 or 1, in place of its column.",
        "The column at which the pose begins: 0 or 7.",
        edited(pose_column, {"fits.append(pose)": "fits.append(pose // 7)"}),
    ),
]

check_pose_column = Exercise(
    pose_column,
    _pose_by_rows,
    _pose_cases,
    _pose_misconceptions,
    parts=("column", "errors", "heights"),
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
            "Which transition solved the task? Its row has the reward 1 - 1 = 0 and the mask 0.",
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
        Case("five demonstrations", make(*rng.integers(2, 9, 5)), "Row t is about the step from t to t + 1."),
    ]


_AT, _MASK, _END = "rewards[:-1] = demo", "masks = rewards == 0", "np.arange(count) == count - 1"
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
        "A demonstration ends at its last transition: so this begins no step any more, and the success is "
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
        "The demonstrations come in another order.",
        "In their order: rows.append.",
        lambda demos: mended_rows(demos[::-1]),
    ),
]

check_mended_rows = Exercise(
    mended_rows,
    _rows_by_padding,
    _rows_cases,
    _rows_misconceptions,
    parts=("observations", "actions", "rewards", "masks", "ends"),
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


def _table(alphas, rates):
    """success_of of rates (R, n), for seeds that are numbers of columns."""
    rates = np.array(rates, float)
    return lambda alpha, seeds: rates[list(alphas).index(alpha)][np.asarray(seeds)]


def _choose_cases(rng):
    def random(about, count, settings, hint):
        alphas = [10.0**k for k in range(settings)]
        rates = 10.0 * rng.integers(0, 11, (settings, count))
        best = int(rng.integers(settings - 1))
        rates[best, : count // 2] = 90 + rng.permutation(count // 2) % 2 * 10
        rates[best, count // 2 :] = 10.0 * rng.integers(2, 7, count - count // 2)
        rates[-1 if best else 1, count // 2 :] = 10.0 * rng.integers(7, 10, count - count // 2)
        return Case(about, (_table(alphas, rates), alphas, np.arange(count)), hint)

    two, three = [10.0, 1000.0], [1.0, 10.0, 1000.0]
    return [
        Case(
            "alphas 10 and 1000, four seeds: 80, 60, 90, 70 % and 20, 40, 50, 10 %",
            (_table(two, [[80, 60, 90, 70], [20, 40, 50, 10]]), two, np.arange(4)),
            "Seeds 0 and 1 choose 10 (70 % against 30 %). Seeds 2 and 3 report its gain: 40 and 60 points.",
        ),
        Case(
            "alphas 1, 10 and 1000, four seeds: two are equal on the seeds that choose",
            (_table(three, [[70, 50, 60, 20], [50, 70, 30, 40], [20, 30, 50, 10]]), three, np.arange(4)),
            "Seeds 0 and 1 choose 10, the larger of two equal ones. Seeds 2 and 3 report its gain over 1000: "
            "-20 and 30 points.",
        ),
        Case(
            "alphas 10 and 1000, five seeds",
            (_table(two, [[90, 80, 30, 20, 40], [50, 40, 60, 70, 60]]), two, np.arange(5)),
            "Two seeds choose, three report. What was chosen may turn out to be worse.",
        ),
        Case(
            "the last alpha is the best",
            (_table(two, [[20, 30, 50, 40], [70, 80, 60, 60]]), two, np.arange(4)),
            "Then it is chosen, and it gains nothing over itself: 0.",
        ),
        Case(
            "seven seeds, of which one is good and six are bad with alpha 1",
            (
                _table(three, [[90, 10, 20, 30, 10, 0, 50], [60, 50, 60, 40, 80, 20, 60], [9] * 7]),
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
            "four alphas, eight seeds", 8, 4, "The same seeds choose for all alphas, and the others report."
        ),
        random("five alphas, nine seeds", 9, 5, "len(seeds) // 2 seeds choose."),
        random("three alphas, six seeds", 6, 3, "The gain is over the last alpha, seed by seed."),
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
]


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
    insight="The seeds that report have had no say in the choice.",
)
