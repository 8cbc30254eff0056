"""Answers to the exercises of lesson 08 as learners might write them; see wrong_answers_00.py."""

import jax.numpy as jnp
import numpy as np
from scipy import stats

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson08 import REFUSED, choose_alpha, mended_rows, pose_column, suspect
from qlac_lite.utils.statistics import mean_interval


def pose_in_jax(hand, thing):
    halves = jnp.stack([thing[:, :3], thing[:, 7:10]])  # (2, T, 3)
    away = jnp.sqrt(jnp.sum((halves - hand) ** 2, axis=-1))
    seen = jnp.sqrt(jnp.sum(halves[::-1] ** 2, axis=-1))
    errors, heights = jnp.median(jnp.abs(away - seen), axis=1), jnp.median(halves[..., 2], axis=1)
    passed = (errors <= 0.02) & (heights > 0.6) & (heights < 1.6)
    column = 7 * int(jnp.argmax(passed)) if int(passed.sum()) == 1 else REFUSED
    return column, errors, heights


def alpha_seed_by_seed(success_of, alphas, seeds):
    rates = np.array([[success_of(alpha, seed) for seed in seeds] for alpha in alphas])
    return choose_alpha(lambda alpha, _: rates[list(alphas).index(alpha)], alphas, seeds)


def pose_by_halves(hand, thing):
    one, other = thing[:, :7], thing[:, 7:]

    def test(pose, relative):
        off = np.hypot.reduce(pose[:, :3] - hand, axis=1) - np.hypot.reduce(relative[:, :3], axis=1)
        return np.median(np.abs(off)), np.median(pose[:, 2])

    first, second = test(one, other), test(other, one)
    good = [error <= 0.02 and 0.6 < height < 1.6 for error, height in (first, second)]
    column = REFUSED
    if good[0] and not good[1]:
        column = 0
    if good[1] and not good[0]:
        column = 7
    return column, np.array([first[0], second[0]]), np.array([first[1], second[1]])


def rows_one_by_one(demonstrations):
    observations, actions, rewards, masks, ends = [], [], [], [], []
    for demo in demonstrations:
        for t, observation in enumerate(demo["observations"]):
            last = t == len(demo["actions"])
            observations.append(observation)
            actions.append(np.zeros(7) if last else demo["actions"][t])
            rewards.append(-1.0 if last else demo["rewards"][t] - 1)
            masks.append(True if last else demo["rewards"][t] < 0.5)
            ends.append(last)
    return tuple(map(np.array, (observations, actions, rewards, masks, ends)))


def rows_by_append(demonstrations):
    columns = [[], [], [], [], []]
    for demo in demonstrations:
        solved = np.append(demo["rewards"], 0)
        ends = np.zeros(len(solved))
        ends[-1] = 1
        parts = (
            demo["observations"],
            np.vstack([demo["actions"], np.zeros(7)]),
            solved - 1,
            1 - solved,
            ends,
        )
        for column, part in zip(columns, parts, strict=True):
            column.append(part)
    return [np.concatenate(column) for column in columns]


def choose_with_a_dictionary(success_of, alphas, seeds):
    half = len(seeds) // 2
    rates = {alpha: np.asarray(success_of(alpha, seeds)) for alpha in alphas}
    best = alphas[-1]
    for alpha in reversed(alphas):
        if rates[alpha][:half].mean() > rates[best][:half].mean():
            best = alpha
    gain = rates[best] - rates[alphas[-1]]
    rest = gain[half:]
    reach = stats.t.ppf(0.975, len(rest) - 1) * rest.std(ddof=1) / np.sqrt(len(rest))
    return best, rest.mean(), rest.mean() - reach, rest.mean() + reach, gain[:half].mean()


def choose_by_sorting(success_of, alphas, seeds):
    first, second = np.split(np.asarray(seeds), [len(seeds) // 2])
    best = sorted((np.mean(success_of(alpha, first)), alpha) for alpha in alphas)[-1][1]
    gain = lambda part: success_of(best, part) - success_of(alphas[-1], part)
    low, high = gain(second).mean() + np.array([-1, 1]) * stats.sem(gain(second)) * stats.t.ppf(
        0.975, len(second) - 1
    )
    return best, gain(second).mean(), low, high, gain(first).mean()


def suspect_in_jax(flow, policy, waits):
    apart = jnp.sum((flow - policy)[:, jnp.asarray(waits)] ** 2, axis=1)  # (n, 7)
    shares = 100 * apart / apart.sum(1, keepdims=True)
    reach = stats.t.ppf(0.975, len(shares) - 1) * jnp.std(shares, axis=0, ddof=1) / jnp.sqrt(len(shares))
    mean = shares.mean(0)
    low, high = mean - reach, mean + reach
    passed = [i for i in range(7) if all(low[i] > high[j] for j in range(7) if j != i)]
    number = passed[0] if passed else REFUSED
    return number, mean, low, high, jnp.where(jnp.arange(7) == number, flow, policy)


def suspect_by_sorting(flow, policy, waits):
    squares = np.square(flow[:, waits] - policy[:, waits]).sum(1)
    shares = squares.T / squares.sum(1) * 100  # (7, n)
    reach = stats.sem(shares, axis=1) * stats.t.ppf(0.975, shares.shape[1] - 1)
    mean = shares.mean(1)
    *_, second, first = np.argsort(mean)
    clear = all((mean - reach)[first] > (mean + reach)[i] for i in range(7) if i != first)
    mixed = np.array(policy)
    if clear:
        mixed[..., first] = flow[..., first]
    return (first if clear else REFUSED), mean, mean - reach, mean + reach, mixed


RIGHT = {
    "check_suspect": suspect_in_jax,
    "check_pose_column": pose_in_jax,
    "check_mended_rows": rows_one_by_one,
    "check_choose_alpha": choose_with_a_dictionary,
}
ALSO_RIGHT = {
    "check_suspect": suspect_by_sorting,
    "check_pose_column": pose_by_halves,
    "check_mended_rows": rows_by_append,
    "check_choose_alpha": choose_by_sorting,
}

_ABS = "np.abs(away - np.linalg.norm(seen, axis=1))"
_BEST = "np.flatnonzero(means == means.max())[-1]"
_rows = lambda changes: edited(mended_rows, changes)
_choose = lambda changes: edited(choose_alpha, changes)
_suspect = lambda changes: edited(suspect, changes)
_CLEAR, _SWAP = "low[worst] > np.delete(high, worst).max()", "swapped[:, :, number] = flow[:, :, number]"
_OVER = "by_number.sum(axis=1, keepdims=True)"
_AT, _MASK = "rewards[:-1] = demo", "masks = rewards == 0"


def pose_by_one_error(hand, thing):
    _, errors, heights = pose_column(hand, thing)
    return (0 if errors[0] <= errors[1] else 7), errors, heights


def pose_by_one_height(hand, thing):
    _, errors, heights = pose_column(hand, thing)
    good = [0.6 < height < 1.6 for height in heights]
    return (REFUSED if sum(good) != 1 else 7 * good.index(True)), errors, heights


def pose_by_heights_first(hand, thing):
    _, errors, heights = pose_column(hand, thing)
    good = [reading for reading in (0, 1) if 0.6 < heights[reading] < 1.6]
    clear = len(good) == 1 and errors[good[0]] <= 0.02
    return ((0, 7)[good[0]] if clear else REFUSED), errors, heights


def pose_by_the_best_that_passes(hand, thing):
    _, errors, heights = pose_column(hand, thing)
    good = [error <= 0.02 and 0.6 < height < 1.6 for error, height in zip(errors, heights, strict=True)]
    best = min((0, 1), key=lambda reading: (not good[reading], abs(heights[reading] - 1.1)))
    return (7 * best if any(good) else REFUSED), errors, heights


def pose_by_vote(hand, thing):
    _, errors, heights = pose_column(hand, thing)
    passed = []
    for at in (0, 7):
        place, seen = thing[:, at : at + 3], thing[:, 7 - at : 10 - at]
        off = abs(np.linalg.norm(place - hand, axis=1) - np.linalg.norm(seen, axis=1))
        passed.append(np.mean((off <= 0.02) & (place[:, 2] > 0.6) & (place[:, 2] < 1.6)) > 0.5)
    return (REFUSED if sum(passed) != 1 else 7 * passed.index(True)), errors, heights


def her_rows(demonstrations, trim=0):
    rows = []
    for demo in demonstrations:
        steps = len(demo["observations"])
        actions, rewards = np.zeros((steps, 7)), np.zeros(steps)
        actions[:-1], rewards[1:] = demo["actions"], demo["rewards"]
        ends = np.arange(steps) == steps - 1 - trim
        columns = (demo["observations"], actions, rewards - 1, rewards == 0, ends)
        rows.append([column[: steps - trim] for column in columns])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def rows_without_padding(demonstrations):
    columns = mended_rows(demonstrations)
    return [column[~columns[4]] for column in columns]


def suspect_in_place(flow, policy, waits):
    number, *shares, _ = suspect(flow, policy, waits)
    policy[:, :, number] = flow[:, :, number]
    return number, *shares, policy


def suspect_by_runner_up(flow, policy, waits):
    number, m, low, high, _ = suspect(flow, policy, waits)
    first, second = np.argsort(m)[::-1][:2]
    number = REFUSED if low[first] <= high[second] else first
    return number, m, low, high, np.where(np.arange(7) == number, flow, policy)


def suspect_paired(flow, policy, waits, all_others=True):
    _, m, low, high, _ = suspect(flow, policy, waits)
    d = np.square(policy - flow)[:, waits].sum(1)
    d = 100 * d / d.sum(1, keepdims=True)
    w = m.argmax()
    others = np.delete(d, w, 1) if all_others else d[:, [np.argsort(m)[-2]]]
    apart = d[:, [w]] - others
    lo = apart.mean(0) - stats.sem(apart) * stats.t.ppf(0.975, len(d) - 1)
    number = REFUSED if lo.min() <= 0 else w
    return number, m, low, high, np.where(np.arange(7) == number, flow, policy)


def suspect_in_every_seed(flow, policy, waits, paired=False):
    _, m, low, high, _ = suspect(flow, policy, waits)
    d = np.square(policy - flow)[:, waits].sum(1)
    d = 100 * d / d.sum(1, keepdims=True)
    w = m.argmax()
    lead = d[:, w] - np.sort(np.delete(d, w, 1), 1)[:, -1]
    reach = stats.sem(lead) * stats.t.ppf(0.975, len(d) - 1)
    number = w if (lead.mean() > reach if paired else np.all(d.argmax(1) == w)) else REFUSED
    return number, m, low, high, np.where(np.arange(7) == number, flow, policy)


def choose_by_a_seeds_value(success_of, alphas, seeds):
    rates, first = np.array([success_of(a, seeds) for a in alphas]), seeds < len(seeds) // 2
    means = rates[:, first].mean(1)
    best = np.flatnonzero(means == means.max())[-1]
    gain = rates[best] - rates[-1]
    return alphas[best], *mean_interval(gain[~first]), gain[first].mean()


def choose_all(success_of, alphas, seeds):
    means = [np.mean(success_of(alpha, seeds)) for alpha in alphas]
    best = alphas[int(np.argmax(means))]
    gain = success_of(best, seeds) - success_of(alphas[-1], seeds)
    reach = stats.t.ppf(0.975, len(seeds) - 1) * stats.sem(gain)
    return best, gain.mean(), gain.mean() - reach, gain.mean() + reach, gain.mean()


WRONG = {
    "check_pose_column": {
        "a height of 1.6": (edited(pose_column, {"height < 1.6": "height <= 1.6"}), "next"),
        "25 mm pass": (edited(pose_column, {"error <= 0.02": "error <= 0.025"}), "not right yet"),
        "above 0.7 m": (edited(pose_column, {"0.6 < height": "0.7 < height"}), "not right yet"),
        "below 1.5 m": (edited(pose_column, {"height < 1.6": "height < 1.5"}), "not right yet"),
        "below 1.7 m": (edited(pose_column, {"height < 1.6": "height < 1.7"}), "not right yet"),
        "means": (edited(pose_column, {f"np.median({_ABS})": f"{_ABS}.mean()"}), "mean over rows"),
        "the largest": (edited(pose_column, {f"np.median({_ABS})": f"{_ABS}.max()"}), "one bad row"),
        "without row 0": (edited(pose_column, {f"np.median({_ABS})": f"{_ABS}[1:].mean()"}), "Row 0 is left"),
        "signed": (edited(pose_column, {"np.abs(": "np.array("}), "signed"),
        "abs last": (edited(pose_column, {"np.median(np.abs(": "abs(np.median("}), "after the median"),
        "squares": (edited(pose_column, {_ABS: f"{_ABS} ** 2"}), "Squared"),
        "vectors": (
            edited(pose_column, {_ABS: "np.sqrt(((position - hand - seen) ** 2).sum(1))"}),
            "vectors",
        ),
        "no hand": (edited(pose_column, {"position - hand": "position - 0"}), "not subtracted"),
        "column 3": (edited(pose_column, {"(0, 7), (7, 0)": "(0, 3), (3, 0)"}), "column 3"),
        "other order": (edited(pose_column, {"(0, 7), (7, 0)": "(7, 0), (0, 7)"}), "other order"),
        "all heights": (edited(pose_column, {"position[:, 2]": "position[:]"}), "all three"),
        "y": (edited(pose_column, {"position[:, 2]": "position[..., 1]"}), "third coordinate"),
        "mean height": (edited(pose_column, {"np.median(position": "np.mean(position"}), "mean over rows"),
        "smaller error": (pose_by_one_error, "smaller error"),
        "heights alone": (pose_by_one_height, "Only the heights"),
        "errors alone": (edited(pose_column, {" and 0.6 < height < 1.6": ""}), "Only the errors"),
        "or": (edited(pose_column, {"0.02 and": "0.02 or"}), "One of the two"),
        "first of two": (edited(pose_column, {"len(fits) == 1": "len(fits) > 0"}), "both readings pass"),
        "reading": (
            edited(pose_column, {"fits.append(pose)": "fits.append(int(pose > 0))"}),
            "number of the",
        ),
        "all seven": (edited(pose_column, {"relative + 3]": "relative + 7]"}), "all seven numbers"),
        "median place": (
            edited(
                pose_column,
                {
                    f"np.median({_ABS})": "abs(np.linalg.norm(np.median(position - hand, axis=0)) "
                    "- np.linalg.norm(np.median(seen, axis=0)))"
                },
            ),
            "median place first",
        ),
        "heights first": (pose_by_heights_first, "only their winner's error"),
        "20 cm": (edited(pose_column, {"error <= 0.02": "error < 0.2"}), "limit of the error is 0.2"),
        "2 mm": (edited(pose_column, {"error <= 0.02": "error < 0.002"}), "limit of the error is 0.002"),
        "below 2 cm": (edited(pose_column, {"error <= 0.02": "error < 0.02"}), "error of 0.02 is refused"),
        "0.6 m": (
            edited(pose_column, {"0.6 < height < 1.6": "not (height < 0.6 or height > 1.6)"}),
            "height of 0.6 passes",
        ),
        "best of two": (pose_by_the_best_that_passes, "one of them is taken"),
        "last of two": (
            edited(pose_column, {"fits[0] if len(fits) == 1": "max(fits) if fits"}),
            "second one is taken",
        ),
        "0 for refused": (edited(pose_column, {"else REFUSED": "else int(0)"}), "column is 0"),
        "last height": (edited(pose_column, {"np.median(position[:, 2])": "position[-1][2]"}), "last row"),
        "all rows high": (
            edited(pose_column, {"0.6 < height < 1.6": "np.all(abs(position[:, 2] - 1.1) < 0.5)"}),
            "Every row",
        ),
        "vote": (pose_by_vote, "the majority decides"),
        "no axis": (
            edited(
                pose_column,
                {
                    "np.linalg.norm(position - hand, axis=1)": "np.linalg.norm(position - hand)",
                    "np.linalg.norm(seen, axis=1)": "np.linalg.norm(seen)",
                },
            ),
            "without its axis",
        ),
        "relative": (
            edited(pose_column, {"fits.append(pose)": "fits.append(7 - pose)"}),
            "column of the relative half",
        ),
        "nothing but the column": (lambda hand, thing: pose_column(hand, thing)[0], "wrong number of values"),
    },
    "check_mended_rows": {
        "hers": (her_rows, "still stand"),
        "only the last success ends": (
            _rows({_MASK: "masks = (rewards == 0) | (np.arange(count) < count - 2)"}),
            "not right yet",
        ),
        "rewards alone": (
            _rows({_MASK: "masks = np.r_[1, 1 - demo['rewards']] == 1"}),
            "the masks have not",
        ),
        "masks alone": (
            _rows({_AT: "rewards[1:] = demo", _MASK: "masks = np.r_[1 - demo['rewards'], 1]"}),
            "masks have moved",
        ),
        "actions too": (_rows({"actions[:-1]": "actions[1:]"}), "actions moved"),
        "mask of the last row, too": (
            _rows({_MASK: "masks = np.r_[demo['rewards'] == 0, False]"}),
            "last row is 0, too",
        ),
        "two rows": (_rows({_AT: "rewards[:-2] = demo['rewards'][1:]\n        _ = demo"}), "two rows"),
        "mask of success": (_rows({_MASK: "masks = rewards > 0"}), "1 at the success"),
        "no mask": (_rows({_MASK: "masks = rewards > -1"}), "All masks are 1"),
        "mask by place": (_rows({_MASK: "masks = np.arange(count) != count - 1"}), "in the last row"),
        "mask of last step": (_rows({_MASK: "masks = np.arange(count) != count - 2"}), "solved or not"),
        "0 and 1": (_rows({"rewards - 1": "rewards"}), "not subtracted"),
        "sign": (_rows({"rewards - 1": "1.0 - rewards"}), "wrong sign"),
        "plus 1": (_rows({"rewards - 1": "rewards + (rewards - 1)"}), "earns 1"),
        "early end": (_rows({"== count - 1": "== count - 2"}), "last transition"),
        "one end": (
            lambda demos: (*mended_rows(demos)[:4], np.arange(n := len(mended_rows(demos)[4])) == n - 1),
            "very last",
        ),
        "ends everywhere": (_rows({"np.arange(count) == count - 1": "np.arange(count) >= 0"}), "Every row"),
        "first alone": (lambda demos: mended_rows([demos[0]]), "first demonstration"),
        "turned": (lambda demos: mended_rows(list(reversed(demos))), "another order"),
        "no padding": (rows_without_padding, "last observation is missing"),
        "ends by masks": (_rows({"np.arange(count) == count - 1": "masks == 0"}), "where its mask is 0"),
        "two ends": (_rows({"== count - 1": "> count - 3"}), "last two rows"),
        "observations too": (
            _rows(
                {
                    'observations = demo["observations"]': 'o = demo["observations"]; '
                    "observations = np.concatenate([o[1:], o[:1]])"
                }
            ),
            "observations moved",
        ),
        "hers, early end": (
            _rows({_AT: "rewards[1:] = demo", "== count - 1": "== count - 2"}),
            "Only the ends have moved",
        ),
        "hers, two ends": (
            _rows({_AT: "rewards[1:] = demo", "== count - 1": "> count - 3"}),
            "to the last two rows",
        ),
        "hers, no ends": (_rows({_AT: "rewards[1:] = demo", "== count - 1": "< 0"}), "there are none"),
        "no ends": (_rows({"== count - 1": "< 0"}), "There are no ends"),
        "actions alone": (
            _rows({_AT: "rewards[1:] = demo", "actions[:-1]": "actions[1:]"}),
            "not the rewards to the actions",
        ),
        "hers, shorter": (
            lambda demos: [column[~her_rows(demos)[4]] for column in her_rows(demos)],
            "with it the success",
        ),
        "hers, shorter, with ends": (lambda demos: her_rows(demos, trim=1), "is the end now"),
        "shorter, with ends": (
            lambda demos: [
                np.concatenate(column)
                for column in zip(
                    *(
                        (
                            demo["observations"][:-1],
                            demo["actions"],
                            demo["rewards"] - 1,
                            demo["rewards"] == 0,
                            np.arange(len(demo["actions"])) == len(demo["actions"]) - 1,
                        )
                        for demo in demos
                    ),
                    strict=True,
                )
            ],
            "that of the last step is the end",
        ),
        "four columns": (lambda demos: mended_rows(demos)[:4], "wrong number of values"),
    },
    "check_choose_alpha": {
        "a seed at a time": (alpha_seed_by_seed, "all at once"),
        "seeds first": (
            lambda success_of, alphas, seeds: choose_alpha(lambda a, s: success_of(s, a), alphas, seeds),
            "The arguments are exchanged",
        ),
        "all seeds": (choose_all, "not right yet"),
        "the best so far begins at 0": (
            _choose({_BEST: "max([i for i in range(len(means)) if means[i] == means.max() > 0], default=0)"}),
            "not right yet",
        ),
        "equal within a point": (
            _choose({_BEST: "np.flatnonzero(means >= means.max() - 1)[-1]"}),
            "86.5 % against 86",
        ),
        "same half": (_choose({"gain[half:]": "gain[:half:]"}), "report as well"),
        "all report": (_choose({"gain[half:]": "gain[0:]"}), "All seeds report"),
        "all choose": (_choose({"rates[:, :half]": "rates[:, :]"}), "All seeds choose"),
        "other half chooses": (_choose({"rates[:, :half]": "rates[:, half:]"}), "second half chooses"),
        "larger half": (_choose({"len(seeds) // 2": "-(-len(seeds) // 2)"}), "larger half"),
        "smaller alpha": (_choose({_BEST: "means.argmax()"}), "smaller one"),
        "seeds from 0": (_choose({"(alpha, seeds)": "(alpha, np.arange(len(seeds)))"}), "not in `seeds`"),
        "fresh seeds": (_choose({"(alpha, seeds)": "(alpha, seeds + len(seeds))"}), "not in `seeds`"),
        "by a seed's value": (choose_by_a_seeds_value, "raised IndexError"),
        "nearly equal": (
            _choose({_BEST: "np.flatnonzero(np.isclose(means, means.max(), 0, 5))[-1]"}),
            "few points",
        ),
        "lower end": (
            _choose(
                {
                    "rates[:, :half].mean(axis=1)": "[mean_interval(row[:half])[1] for row in rates]",
                    "means == means.max()": "means == np.max(means)",
                }
            ),
            "lower end of the interval chooses",
        ),
        "worst": (_choose({_BEST: "len(means) - 1 - np.argmin(means[::-1])"}), "least success"),
        "best seed": (_choose({"].mean(axis=1)": "].max(1)"}), "best single seed"),
        "median": (_choose({"rates[:, :half].mean(axis=1)": "np.median(rates[:, :half], 1)"}), "median"),
        "each its own": (_choose({"rates[best] -": "np.max(rates, axis=0) -"}), "its own best"),
        "no control": (_choose({"rates[best] - rates[-1]": "rates[best] - 0"}), "success of the chosen"),
        "first": (_choose({"- rates[-1]": "- rates[0]"}), "first alpha"),
        "mean of all": (_choose({"- rates[-1]": "- rates.mean(0)"}), "mean of all"),
        "mean of the others": (
            _choose({"- rates[-1]": "- (rates.sum(0) - rates[best]) / (len(rates) - 1)"}),
            "mean of the other alphas",
        ),
        "1.96": (
            _choose(
                {
                    "mean_interval(gain[half:])": "gain[half:].mean() + np.array([0, -1.96, 1.96]) "
                    "* stats.sem(gain[half:])"
                }
            ),
            "normal distribution",
        ),
        "percentiles": (
            _choose(
                {
                    "mean_interval(gain[half:])": "np.mean(gain[half:]), *np.quantile(gain[half:], "
                    "(0.025, 0.975))"
                }
            ),
            "percentiles",
        ),
        "ends subtracted": (
            _choose(
                {
                    "mean_interval(gain[half:])": "[a - b for a, b in zip(mean_interval(rates[best, half:]), "
                    "np.take(mean_interval(rates[-1, half:]), (0, 2, 1)))]"
                }
            ),
            "interval of its own",
        ),
        "not turned back": (_choose({_BEST: "means[::-1].argmax()"}), "counted from the end"),
        "sign": (_choose({"rates[best] - rates[-1]": "rates[-1] - rates[best]"}), "wrong sign"),
        "number": (_choose({"alphas[best], mean": "best, mean"}), "number of the alpha"),
        "flattered by all": (_choose({"gain[:half].mean()": "np.mean(gain)"}), "of all seeds"),
        "flattered by success": (_choose({"gain[:half].mean()": "means.max()"}), "success on the seeds"),
        "without it": (lambda *args: choose_alpha(*args)[:4], "wrong number of values"),
    },
    "check_suspect": {
        "above the average of the rest": (
            edited(suspect, {"np.delete(high, worst).max()": "np.delete(mean, worst).mean()"}),
            "or an average",
        ),
        "all rows": (_suspect({"[:, waits]": "[:, :]"}), "All rows count"),
        "other rows": (
            _suspect({"[:, waits]": "[:, ~np.isin(np.arange(flow.shape[1]), waits)]"}),
            "does not wait",
        ),
        "signed": (
            _suspect({"** 2": "* 1", "apart.mean(axis=1)": "np.square(apart.mean(1))"}),
            "cancel",
        ),
        "absolute": (
            _suspect({"(policy - flow)[:, waits] ** 2": "abs(policy - flow)[:, waits]"}),
            "Absolute",
        ),
        "root": (_suspect({"apart.mean(axis=1)": "apart.mean(axis=1) ** 0.5"}), "root"),
        "median": (_suspect({"apart.mean(axis=1)": "np.median(apart, 1)"}), "median over rows"),
        "pooled": (_suspect({_OVER: "by_number.sum(axis=1).mean()"}), "over all seeds"),
        "other axis": (_suspect({_OVER: "by_number.sum(axis=0)"}), "its own sum"),
        "no shares": (_suspect({f"100 * by_number / {_OVER}": "apart.mean(1)"}), "themselves"),
        "fractions": (_suspect({"100 * by_number": "by_number"}), "from 0 to 1"),
        "1.96": (
            _suspect(
                {
                    "mean_interval(shares)": "shares.mean(0), *(shares.mean(0) + k * stats.sem(shares) "
                    "for k in (-1.96, 1.96))"
                }
            ),
            "normal distribution",
        ),
        "always": (_suspect({_CLEAR: "worst >= 0"}), "always the suspect"),
        "means": (_suspect({_CLEAR: "low[worst] > np.sort(mean)[-2]"}), "others' means"),
        "its mean": (_suspect({_CLEAR: "mean.max() > np.delete(high, worst).max()"}), "whole interval"),
        "equal share": (_suspect({_CLEAR: "low[worst] > 14.28571"}), "an equal share"),
        "mean of ends": (
            _suspect({_CLEAR: "low[worst] > (high.sum() - high[worst]) / 6"}),
            "mean of the others' upper ends",
        ),
        "lower ends": (_suspect({_CLEAR: "low[worst] > np.sort(np.delete(low, worst))[-1]"}), "Lower ends"),
        "runner-up": (suspect_by_runner_up, "second largest mean is asked"),
        "paired": (suspect_paired, "a test, but another one"),
        "paired, runner-up": (lambda *args: suspect_paired(*args, False), "Only the difference"),
        "in every seed": (suspect_in_every_seed, "has to lead in every seed"),
        "paired, best other": (
            lambda *args: suspect_in_every_seed(*args, paired=True),
            "the largest of the others is subtracted",
        ),
        "touching": (_suspect({_CLEAR: "low[worst] >= max(np.delete(high, worst))"}), "that touch"),
        "without the gripper": (_suspect({_CLEAR: "low[worst] > high[:6].max()"}), "Only the last number"),
        "smallest": (_suspect({"np.argmax(mean)": "np.argmin(mean)"}), "smallest share"),
        "above 0": (_suspect({_CLEAR: "low[worst] > 0"}), "not right yet"),
        "above a half": (_suspect({_CLEAR: "low[worst] > 50"}), "not right yet"),
        "by row": (
            _suspect({"apart.mean(axis=1)": "np.mean(apart / apart.sum(-1)[..., None], axis=1)"}),
            "in each row",
        ),
        "grand total": (_suspect({_OVER: "np.sum(by_number)"}), "one sum over seeds"),
        "any": (_suspect({_CLEAR: "np.any(low[worst] > np.delete(high, worst))"}), "one of the others"),
        "itself": (_suspect({_CLEAR: "np.all(low[worst] > high)"}), "its own upper end"),
        "gripper": (_suspect({"np.argmax(mean)": "len(mean) - 1"}), "whatever the distances"),
        "from 1": (
            _suspect({"return number, mean": "return (number + 1 if number >= 0 else REFUSED), mean"}),
            "counted from 1",
        ),
        "other way": (
            _suspect({"policy.copy()": "flow.copy()", _SWAP: "swapped[:, :, number] = policy[:, :, number]"}),
            "not right yet",
        ),
        "flow's": (_suspect({_SWAP: "swapped[:] = flow"}), "All seven"),
        "none": (_suspect({_SWAP: "swapped[:, :, number] = policy[:, :, number]"}), "Nothing is exchanged"),
        "waiting alone": (
            _suspect({_SWAP: "swapped[:, waits, worst] = flow[:, waits, worst]"}),
            "only in the rows",
        ),
        "last if refused": (
            lambda *args: (*suspect(*args)[:4], np.where(np.arange(7) == suspect(*args)[0] % 7, *args[:2])),
            "REFUSED is -1",
        ),
        "swapped anyway": (
            lambda *args: (
                *suspect(*args)[:4],
                np.where(np.arange(7) == np.argmax(suspect(*args)[1]), *args[:2]),
            ),
            "suspect or not",
        ),
        "in place": (suspect_in_place, "changes its arguments"),
        "without the test": (lambda *args: suspect(*args)[:4], "wrong number of values"),
    },
}
