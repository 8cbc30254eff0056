"""Exercises of lesson 08: the order of an object's numbers in a robomimic file,
where a demonstration ends, its returns, a table.
"""

import math
from statistics import median

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

# 1. The layout of `object`


def layout_errors(eef, thing):
    """How far each reading of `object` (T, 14) disagrees with the hand's position (T, 3):
    medians over rows, in metres.

    pose first: position, quaternion, relative position, relative quaternion. relative first: the other half
    before.
    """
    length = lambda vectors: np.linalg.norm(vectors, axis=1)

    def error(position, relative):
        off = np.abs(length(position - eef) - length(relative))
        return np.median(off)

    one, other = thing[:, 0:3], thing[:, 7:10]
    return error(one, other), error(other, one)


def _layout_by_loop(eef, thing):
    errors = {0: [], 7: []}  # by the place of the position
    for hand, row in zip(eef, thing, strict=True):
        for at in errors:
            errors[at].append(abs(math.dist(row[at : at + 3], hand) - math.hypot(*row[7 - at : 10 - at])))
    return median(errors[0]), median(errors[7])


def _object_rows(rng, steps, order, garbage=False, lag=False, wild=0):
    """A hand and `object` (T, 14) in one of the orders, as files have them.

    The relative position is seen from a turning hand.
    """
    eef = np.array([0.1, -0.2, 1.0]) + np.cumsum(rng.normal(0, 0.01, (steps, 3)), axis=0)
    position = np.array([0.2, 0.1, 0.85]) + np.cumsum(rng.normal(0, 0.004, (steps, 3)), axis=0)
    ago = np.concatenate([position[:1], position[:-1]]) if lag else position
    turns = np.linalg.qr(rng.normal(size=(steps, 3, 3)))[0]
    relative = np.einsum("tij,tj->ti", turns, ago - eef)
    quaternions = rng.normal(size=(2, steps, 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if garbage:
        relative[0], quaternions[0, 0] = 0, 0
    relative[1 : 1 + wild] = rng.normal(0, 2.0, (wild, 3))
    halves = [np.hstack([relative, quaternions[0]]), np.hstack([position, quaternions[1]])]
    return eef, np.hstack(halves if order == "relative first" else halves[::-1])


def _layout_cases(rng):
    eef, thing = np.zeros((3, 3)), np.zeros((3, 14))
    eef[:, 0], thing[:, :3], thing[:, 7:10] = 1.0, [4.0, 0.0, 4.0], [3.0, 0.0, 4.0]

    def both(about, hint, steps, **spoiled):
        orders = "relative first", "pose first"
        return [Case(about.format(o), _object_rows(rng, steps, o, **spoiled), hint) for o in orders]

    return [
        Case(
            "three equal rows: "
            "hand at (1, 0, 0), the numbers 0:3 are (4, 0, 4), the numbers 7:10 are (3, 0, 4)",
            (eef, thing),
            "Pose first: (4, 0, 4) less (1, 0, 0) is 5 long, and so is (3, 0, 4): 0. "
            "Relative first: (3, 0, 4) less (1, 0, 0) is sqrt(20) long, and (4, 0, 4) is sqrt(32).",
        ),
        *both(
            "20 rows of a file, {}",
            "Compare lengths: the relative position is seen from the hand, "
            "which turns, so the vectors themselves differ.",
            20,
        ),
        *both(
            "30 rows, {}; the relative pose of row 0 is zero",
            "One bad row must not move the answer: take the median over rows.",
            30,
            garbage=True,
        ),
        *both(
            "31 rows, {}; the relative pose is a sample late",
            "Both errors are above 0 now, and one is still much smaller. Nothing is to be corrected here.",
            31,
            garbage=True,
            lag=True,
        ),
        Case(
            "24 rows, relative first, nine of them wild",
            _object_rows(rng, 24, "relative first", wild=9),
            "The median over rows, of the absolute differences.",
        ),
    ]


_layout_misconceptions = [
    Misconception(
        "The mean over rows: row 0, which is garbage, moves it.",
        "np.median over the rows.",
        edited(layout_errors, {"np.median": "np.mean"}),
    ),
    Misconception(
        "The largest error of all rows: one bad row decides.",
        "np.median over the rows.",
        edited(layout_errors, {"np.median": "np.max"}),
    ),
    Misconception(
        "The smallest error of all rows: a lucky row decides.",
        "np.median over the rows.",
        edited(layout_errors, {"np.median": "np.min"}),
    ),
    Misconception(
        "The sum over rows.",
        "np.median over the rows, so that long files and short ones compare.",
        edited(layout_errors, {"np.median": "np.sum"}),
    ),
    Misconception(
        "Only the first row is looked at, and that is the garbage one.",
        "np.median over all rows.",
        edited(layout_errors, {"np.median(off)": "off[0]"}),
    ),
    Misconception(
        "Only the last row is looked at.",
        "np.median over all rows.",
        edited(layout_errors, {"np.median(off)": "off[-1]"}),
    ),
    Misconception(
        "Row 0 is left out, and the rest averaged: other bad rows are still in.",
        "np.median over all rows.",
        edited(layout_errors, {"np.median(off)": "np.mean(off[1:])"}),
    ),
    Misconception(
        "The root of the mean square: bad rows weigh even more.",
        "np.median of the absolute differences.",
        edited(layout_errors, {"np.median(off)": "np.sqrt(np.mean(off**2))"}),
    ),
    Misconception(
        "The median of the signed differences: too long and too short cancel.",
        "np.abs before the median.",
        edited(layout_errors, {"np.abs(": "("}),
    ),
    Misconception(
        "The absolute value is taken after the median: too long and too short cancel.",
        "np.abs before the median.",
        edited(layout_errors, {"np.abs(": "(", "np.median(off)": "np.abs(np.median(off))"}),
    ),
    Misconception(
        "Squared differences.",
        "np.abs: the error is in metres.",
        edited(layout_errors, {"np.median(off)": "np.median(off**2)"}),
    ),
    Misconception(
        "Squared lengths.",
        "The root of the sum of squares: np.linalg.norm(..., axis=1).",
        edited(layout_errors, {"np.linalg.norm(vectors, axis=1)": "np.sum(vectors**2, axis=1)"}),
    ),
    Misconception(
        "Sums of absolute coordinates in place of lengths: they change when the hand turns.",
        "np.linalg.norm(..., axis=1).",
        edited(layout_errors, {"np.linalg.norm(vectors, axis=1)": "np.sum(np.abs(vectors), axis=1)"}),
    ),
    Misconception(
        "Only heights are compared: the relative position is seen from a hand that turns.",
        "All three coordinates: lengths.",
        edited(layout_errors, {"np.linalg.norm(vectors, axis=1)": "np.abs(vectors[:, 2])"}),
    ),
    Misconception(
        "The vectors themselves are compared: the relative position is seen from a hand that turns.",
        "Compare their lengths, which no turn changes.",
        edited(layout_errors, {"eef) - length(relative)": "eef - relative)"}),
    ),
    Misconception(
        "The hand's position is not subtracted.",
        "Position less hand, then the length.",
        edited(layout_errors, {"position - eef": "position"}),
    ),
    Misconception(
        "The second half is taken from number 3 on: there the quaternion is.",
        "A half is 3 numbers of position and 4 of quaternion: the second begins at 7.",
        edited(layout_errors, {"7:10": "3:6"}),
    ),
    Misconception(
        "The second half is taken from number 10 on.",
        "A half is 3 + 4 numbers: the second position is 7:10.",
        edited(layout_errors, {"7:10": "10:13"}),
    ),
    Misconception(
        "The positions are taken from the end of each half.",
        "In each half the position is before the quaternion: 0:3 and 7:10.",
        edited(layout_errors, {"0:3": "4:7", "7:10": "11:14"}),
    ),
    Misconception(
        "Medians of the two lengths, and then their difference: what belongs to one row is torn apart.",
        "The difference in each row first, then the median.",
        edited(layout_errors, {"np.linalg": "np.median(np.linalg", "axis=1)": "axis=1))"}),
    ),
]

check_layout_errors = Exercise(
    layout_errors,
    _layout_by_loop,
    _layout_cases,
    _layout_misconceptions,
    parts=("pose_first", "relative_first"),
    insight="The loader asks the same of every file, "
    "and then computes the relative pose anew: no sample of it is late.",
)


# 2. Where a demonstration ends


def transitions_to_keep(rewards, dones):
    """How many transitions stay: up to the first that has a reward of 1 or a done,
    this one included; all, if none has.
    """
    ended = (rewards == 1) | (dones == 1)
    return int(np.argmax(ended)) + 1 if ended.any() else len(ended)


def _keep_by_loop(rewards, dones):
    for step, (reward, done) in enumerate(zip(rewards, dones, strict=True)):
        if reward > 0.5 or done > 0.5:
            return step + 1
    return len(rewards)


def _keep_cases(rng):
    def flags(steps, rewarded, done):
        rewards, dones = np.zeros(steps), np.zeros(steps, np.int64)
        rewards[list(rewarded)], dones[list(done)] = 1, 1
        return rewards, dones

    n = int(rng.integers(20, 40))
    return [
        Case(
            "6 transitions, reward and done at the last",
            flags(6, [5], [5]),
            "All 6 stay: the last one is the success.",
        ),
        Case(
            "9 transitions, the last 5 with reward and done",
            flags(9, range(4, 9), range(4, 9)),
            "5 stay: the first of the flags is the success, the others come after it.",
        ),
        Case(
            f"{n} transitions, never solved, no done",
            flags(n, [], []),
            f"Nothing ends it before its last row: all {n} stay.",
        ),
        Case(
            "12 transitions, done at the 8th, no reward",
            flags(12, [], [7]),
            "A done ends the episode as well: 8 stay.",
        ),
        Case(
            "12 transitions, reward at the 8th and no done at all",
            flags(12, [7], []),
            "The success ends the episode online, whatever the file's done says: 8 stay.",
        ),
        Case(
            "12 transitions, rewards from the 8th on, done at the last",
            flags(12, range(7, 12), [11]),
            "Whichever comes first: 8 stay.",
        ),
        Case(
            "12 transitions, one reward at the 4th, one done at the 8th",
            flags(12, [3], [7]),
            "Either of them ends the episode, and the earlier decides: 4 stay.",
        ),
        Case(
            "12 transitions, done at the 5th, rewards from the 9th on",
            flags(12, range(8, 12), range(4, 12)),
            "Whichever comes first: 5 stay.",
        ),
        Case(
            "a reward at the 4th, none at the 5th, again from the 10th on",
            flags(12, [3, 9, 10, 11], [11]),
            "The first one: 4 stay. The object moved on after it.",
        ),
        Case("solved at the very first step", flags(7, range(7), range(7)), "1 stays."),
        Case("solved at the very first step, and then lost", flags(8, [0], [0]), "1 stays."),
        Case(
            f"{n} transitions, flags at the end",
            flags(n, range(n - 3, n), range(n - 3, n)),
            "Up to the first flag, this one included.",
        ),
        Case(
            "10 transitions, one done in the middle, reward at the end",
            flags(10, [9], [4]),
            "Whichever comes first: 5 stay.",
        ),
    ]


_keep_misconceptions = [
    Misconception(
        "The transition of the success is dropped: no success is left to learn from.",
        "It is the one that carries the success: + 1.",
        edited(transitions_to_keep, {" + 1": ""}),
    ),
    Misconception(
        "One transition too many: the first after the success stays.",
        "The index of the first flag, + 1, is a number of transitions.",
        lambda r, d: min(transitions_to_keep(r, d) + 1, len(r)),
    ),
    Misconception(
        "np.argmax of all False is 0: a demonstration that is never solved loses all but its first "
        "transition.",
        "Ask ended.any() first; if none has a flag, all stay.",
        edited(transitions_to_keep, {" if ended.any() else len(ended)": ""}),
    ),
    Misconception(
        "A demonstration without a flag is dropped.",
        "Nothing ends it before its last row: all transitions stay.",
        edited(transitions_to_keep, {"else len(ended)": "else 0"}),
    ),
    Misconception(
        "The last transition of a demonstration without a flag is dropped.",
        "All stay: its next observation is known.",
        edited(transitions_to_keep, {"else len(ended)": "else len(ended) - 1"}),
    ),
    Misconception(
        "Only the rewards are looked at.",
        "A done ends the episode, too: |.",
        edited(transitions_to_keep, {" | (dones == 1)": ""}),
    ),
    Misconception(
        "Only the dones are looked at: some files set them late, or never.",
        "A success ends the episode online, whatever the file's done says: |.",
        edited(transitions_to_keep, {"(rewards == 1) | ": ""}),
    ),
    Misconception(
        "Reward and done both have to be 1.",
        "Either of them ends the episode: |.",
        edited(transitions_to_keep, {"|": "&"}),
    ),
    Misconception(
        "Exactly one of the two has to be 1.", "Either or both: |.", edited(transitions_to_keep, {"|": "^"})
    ),
    Misconception(
        "The last flag in place of the first: all that comes after the success stays.",
        "np.argmax gives the first True.",
        edited(transitions_to_keep, {"np.argmax(ended)": "np.flatnonzero(ended)[-1]"}),
    ),
    Misconception("Nothing is cut.", "Up to the first flag, this one included.", lambda r, d: len(r)),
    Misconception(
        "It counts the transitions without a flag.",
        "Up to the first flag, this one included; what comes after is dropped, with a flag or without.",
        edited(transitions_to_keep, {"int(np.argmax(ended)) + 1": "np.sum(~ended)"}),
    ),
    Misconception(
        "Those without a flag, and one more: right only if all flags are at the end.",
        "Look for the first flag: after a success there may be rows without one.",
        edited(transitions_to_keep, {"np.argmax(ended)": "np.sum(~ended)"}),
    ),
    Misconception(
        "It counts the flags.",
        "A number of transitions: the index of the first flag, + 1.",
        edited(transitions_to_keep, {"int(np.argmax(ended)) + 1": "np.sum(ended)"}),
    ),
    Misconception(
        "It counts what is dropped.", "What stays.", lambda r, d: len(r) - transitions_to_keep(r, d)
    ),
    Misconception(
        "The first reward decides, and a done only where there is no reward.",
        "Whichever comes first.",
        lambda r, d: transitions_to_keep(r, 0 * d if r.any() else d),
    ),
    Misconception(
        "The first done decides, and a reward only where there is no done.",
        "Whichever comes first.",
        lambda r, d: transitions_to_keep(0 * r if d.any() else r, d),
    ),
    Misconception(
        "The later of first reward and first done.",
        "Whichever comes first: the earlier.",
        lambda r, d: max((np.argmax(flags) + 1 for flags in (r, d) if flags.any()), default=len(r)),
    ),
]

check_transitions_to_keep = Exercise(
    transitions_to_keep,
    _keep_by_loop,
    _keep_cases,
    _keep_misconceptions,
    insight="An episode ends at its first success online. Data that go on after it would teach another task.",
)


# 3. What a demonstration earns from each step on


def return_to_go(rewards, discount):
    """Discounted sum of the rewards (T,) from each step on, to the end: (T,)."""
    returns, later = np.zeros(len(rewards)), 0.0
    for step in range(len(rewards) - 1, -1, -1):
        returns[step] = later = rewards[step] + discount * later
    return returns


def _return_by_sums(rewards, discount):
    steps = len(rewards)
    return np.array([sum(rewards[k] * discount ** (k - t) for k in range(t, steps)) for t in range(steps)])


def _return_cases(rng):
    solved = lambda steps: np.append(-np.ones(steps - 1), 0.0)
    n, discount = int(rng.integers(8, 15)), float(rng.choice([0.8, 0.9, 0.95]))
    return [
        Case(
            "rewards -1, -1, 0, discount 0.5",
            (np.array([-1.0, -1.0, 0.0]), 0.5),
            "The last is 0. Before it: -1 + 0.5 * 0 = -1. Before that: -1 + 0.5 * -1 = -1.5.",
        ),
        Case(
            f"{n} steps to the success, discount {discount:g}",
            (solved(n), discount),
            "From the end: returns[t] = rewards[t] + discount * returns[t + 1].",
        ),
        Case(
            "three steps, never solved, discount 0.5",
            (-np.ones(3), 0.5),
            "What comes after the last row is not in the data: "
            "the sum ends there. -1, -1.5, -1.75 from the end.",
        ),
        Case("solved at once", (np.array([0.0]), 0.99), "A single reward of 0."),
        Case(
            "rewards of several sizes",
            (rng.normal(size=n), discount),
            "Each step's return begins with its own reward, which is not discounted.",
        ),
        Case(
            "rewards that are whole numbers: -1, 0, -2, 0, -1, 0",
            (np.array([-1, 0, -2, 0, -1, 0]), 0.5),
            "Make the array of returns with floats: np.zeros(len(rewards)). "
            "And a reward of 0 is a reward like others: the sum goes on after it.",
        ),
        Case("a long demonstration, discount 0.99", (solved(150), 0.99), "From the end, one pass."),
    ]


_return_misconceptions = [
    Misconception(
        "The sum of what has been, from the beginning up to each step.",
        "From each step on: go through the rewards from the end.",
        edited(return_to_go, {"len(rewards) - 1, -1, -1": "len(rewards)"}),
    ),
    Misconception(
        "Plain running sums from the beginning.", "From each step on, discounted.", lambda r, g: np.cumsum(r)
    ),
    Misconception(
        "Not discounted.",
        "returns[t] = rewards[t] + discount * returns[t + 1].",
        edited(return_to_go, {"discount * ": ""}),
    ),
    Misconception(
        "The discount counts from the first step of the demonstration: gamma^k in place of gamma^(k - t).",
        "Each step's own reward is not discounted: the clock starts at t.",
        edited(return_to_go, {"rewards[step] + discount * later": "discount**step * rewards[step] + later"}),
    ),
    Misconception(
        "The step's own reward is left out.",
        "It begins with rewards[t].",
        edited(return_to_go, {"returns[step] = later =": "returns[step], later = discount * later,"}),
    ),
    Misconception(
        "The step's own reward is left out, and the next is not discounted.",
        "It begins with rewards[t].",
        edited(return_to_go, {"returns[step] = later =": "returns[step], later = later,"}),
    ),
    Misconception(
        "The step's own reward is discounted, too: gamma^(k - t + 1).",
        "rewards[t] has the weight gamma^0 = 1.",
        edited(return_to_go, {"rewards[step] + discount * later": "discount * (rewards[step] + later)"}),
    ),
    Misconception(
        "Only the next reward is added, not all that come.",
        "discount * returns[t + 1], not discount * rewards[t + 1].",
        lambda r, g: r + g * np.append(r[1:], 0.0),
    ),
    Misconception(
        "The discount stands before the reward, not before what comes later.",
        "rewards[t] + discount * returns[t + 1].",
        edited(return_to_go, {"rewards[step] + discount * later": "discount * rewards[step] + later"}),
    ),
    Misconception(
        "The order is turned round: the last step's return stands first.",
        "Turn it back: returns[t] belongs to step t.",
        edited(return_to_go, {"return returns": "return returns[::-1]"}),
    ),
    Misconception(
        "The discount is ignored: 0.99 stands in the code.",
        "Use the argument discount.",
        edited(return_to_go, {"discount *": "0.99 *"}),
    ),
    Misconception(
        "The array has the type of the rewards: where they are whole numbers, the returns are cut "
        "to whole numbers.",
        "np.zeros(len(rewards)), not np.zeros_like(rewards).",
        edited(return_to_go, {"np.zeros(len(rewards))": "np.zeros_like(rewards)"}),
    ),
    Misconception(
        "The sum starts anew at every reward of 0.",
        "A reward of 0 is a reward like others: the recursion goes on through it.",
        edited(return_to_go, {"discount * later": "discount * later if rewards[step] else 0.0"}),
    ),
    Misconception(
        "Means in place of sums.",
        "A return is a sum.",
        edited(return_to_go, {"return returns": "return returns / np.arange(len(rewards), 0, -1)"}),
    ),
    Misconception(
        "One return of the whole demonstration, at every step.",
        "One for each step, from it on.",
        edited(return_to_go, {"return returns": "return np.full(len(rewards), returns[0])"}),
    ),
    Misconception(
        "After the last row it goes on at the last reward for ever.",
        "The sum ends with the data: what comes after is 0 here.",
        edited(return_to_go, {", 0.0": ", rewards[-1] / (1 - discount)"}),
    ),
    Misconception(
        "The last reward is left out.",
        "Start with the last row.",
        edited(return_to_go, {"len(rewards) - 1,": "len(rewards) - 2,"}),
    ),
]

check_return_to_go = Exercise(
    return_to_go,
    _return_by_sums,
    _return_cases,
    _return_misconceptions,
    insight="With -1 a step until the success, it is a clock: the discounted number of steps that are left.",
)


# 4. Who may be the best


def may_be_best(low, high):
    """Which methods (M,) no other one beats: none has an interval that lies wholly above theirs.
    low, high: (M,) the intervals.
    """
    return high >= np.max(low)


def _best_by_pairs(low, high):
    methods = range(len(low))
    return np.array([not any(low[other] > high[one] for other in methods) for one in methods])


def _best_cases(rng):
    case = lambda about, pairs, hint: Case(about, tuple(np.array(pairs, float).T), hint)
    shift = float(rng.integers(0, 4)) / 100
    return [
        case(
            "intervals [0.2, 0.4] and [0.6, 0.8]",
            [(0.2, 0.4), (0.6, 0.8)],
            "The second lies wholly above the first: only the second may be best.",
        ),
        case(
            "intervals [0.2, 0.7] and [0.6, 0.8]",
            [(0.2, 0.7), (0.6, 0.8)],
            "Neither lies wholly above the other: both may be best.",
        ),
        case(
            "a staircase: each overlaps the next one only",
            [(0.1, 0.35), (0.3, 0.55), (0.5, 0.75), (0.7, 0.95)],
            "The last lies wholly above the first two. To overlap some other method is not enough.",
        ),
        case(
            "a narrow interval below a wide one's top",
            np.array([(0.5, 0.56), (0.3, 0.9), (0.05, 0.29)]) + shift,
            "The wide one is the highest in the middle and at the top, but it reaches down to 0.3: "
            "the narrow one may be best. Nothing lies above the wide one.",
        ),
        case(
            "a narrow interval that begins high, and a wide one with a higher middle",
            np.array([(0.8, 0.82), (0.65, 0.99), (0.4, 0.79), (0.1, 0.6)]) + 0.001,
            "The third ends at 0.79, below the narrow one's 0.80: "
            "it is beaten, although it overlaps the wide one.",
        ),
        case(
            "a very wide interval that reaches highest",
            np.array([(0.3, 0.97), (0.68, 0.8), (0.5, 0.6)]) + shift / 2,
            "The second lies wholly above the third. The first may be best.",
        ),
        case(
            "touching: 0.70 ends one and begins another",
            [(0.5, 0.7), (0.7, 0.9)],
            "Above means above: equal is not beaten.",
        ),
        case(
            "the best comes first, all are apart",
            np.array([(0.9, 0.95), (0.6, 0.7), (0.3, 0.4)]) + shift,
            "Only the first.",
        ),
        case(
            "all seeds alike: intervals of no width",
            [(1.0, 1.0), (1.0, 1.0), (0.96, 1.0), (0.5, 0.9)],
            "An interval [1, 1] is beaten by nothing; and 1.0 is not above 1.0.",
        ),
        case(
            "a gap of 0.004, and one method alone above it",
            [(0.5, 0.696), (0.7, 0.7), (0.7, 0.9)],
            "0.696 is below 0.7, however little: the rule has no slack. The other two may be best.",
        ),
        case(
            "in percent",
            [(50.0, 69.8), (70.0, 90.0), (20.0, 95.0)],
            "The rule does not know the unit: 69.8 is below 70.",
        ),
        case(
            "one of no width, alone at the top",
            [(0.9, 0.9), (0.5, 0.7)],
            "Nothing lies above it: it is not beaten by itself.",
        ),
        case("a single method", [(0.3, 0.5)], "No other one is there to beat it."),
        case(
            "six methods", np.sort(rng.uniform(size=(6, 2)), axis=1), "high >= the largest of all lower ends."
        ),
        case(
            "nine methods with intervals of other widths",
            np.clip(
                rng.uniform(0.2, 0.9, (9, 1)) + np.array([[-1, 1]]) * rng.uniform(0.01, 0.15, (9, 1)), 0, 1
            ),
            "high >= the largest of all lower ends.",
        ),
    ]


_best_misconceptions = [
    Misconception(
        "Only the one with the highest middle.",
        "All that no other interval lies wholly above.",
        lambda low, high: low + high == (low + high).max(),
    ),
    Misconception(
        "Only the one with the highest upper end.",
        "All that no other interval lies wholly above.",
        lambda low, high: high == high.max(),
    ),
    Misconception(
        "Only the one with the highest lower end.",
        "That one beats some, but not all others: high >= the largest lower end.",
        lambda low, high: low == low.max(),
    ),
    Misconception(
        "It is held against the interval of the highest middle only.",
        "A narrower interval with a lower middle may lie higher at its lower end: max over all lower ends.",
        lambda low, high: high >= low[np.argmax(low + high)],
    ),
    Misconception(
        "It is held against the interval of the highest upper end only.",
        "max over all lower ends.",
        lambda low, high: high >= low[np.argmax(high)],
    ),
    Misconception(
        "Touching counts as beaten.",
        "Above means above: >=.",
        lambda low, high: (high > low.max()) | (low == low.max()),
    ),
    Misconception(
        "Touching counts as beaten, and one without width beats itself.",
        "Equal is not above: high >= the largest lower end.",
        lambda low, high: high > low.max(),
    ),
    Misconception(
        "Touching counts as beaten: some other lower end is as high as its upper end.",
        "Only a lower end that is truly higher beats it: low[j] > high[i].",
        edited(_best_by_pairs, {"low[other] > high[one]": "other != one and low[other] >= high[one]"}),
    ),
    Misconception(
        "To overlap some other method is taken to be enough.",
        "It has to hold against every other method, the highest above all.",
        lambda low, high: ((high[:, None] >= low) & (low[:, None] <= high)).sum(axis=1) > 1,
    ),
    Misconception(
        "It has to overlap all others: the clear winner drops out.",
        "A method that lies above all others is beaten by none.",
        lambda low, high: ((high[:, None] >= low) & (low[:, None] <= high)).all(axis=1),
    ),
    Misconception(
        "Its middle has to reach the highest lower end.",
        "Its upper end: the true rate may lie anywhere in the interval.",
        lambda low, high: (low + high) / 2 >= low.max(),
    ),
    Misconception(
        "Its upper end has to reach the highest middle.",
        "The best one's true rate may lie at its lower end: max over all lower ends.",
        lambda low, high: high >= ((low + high) / 2).max(),
    ),
    Misconception(
        "The smallest lower end in place of the largest: every method passes.",
        "Beaten by none: the largest lower end.",
        lambda low, high: high >= low.min(),
    ),
    Misconception(
        "It says who is beaten.", "True for those that may be best.", lambda low, high: high < low.max()
    ),
    Misconception(
        "Who may be the worst.",
        "high >= the largest lower end; not low <= the smallest upper end.",
        lambda low, high: low <= high.min(),
    ),
    Misconception(
        "Who lies wholly above at least one other.",
        "Who is beaten by none. The lowest of two that overlap lies above nobody, and may be best.",
        lambda low, high: low > high.min(),
    ),
]

check_may_be_best = Exercise(
    may_be_best,
    _best_by_pairs,
    _best_cases,
    _best_misconceptions,
    insight="Several may be best, and then the table does not say which one is. "
    "With more seeds the intervals shrink.",
)
