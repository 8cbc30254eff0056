"""Answers to the exercises of lesson 09 as learners write them:
right ones in another way, and wrong ones with what they are told.
"""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson09 import chance_to_see, fair_runs, matched_pairs
from qlac_lite.utils import statistics


def pairs_by_mask(settings, success, factor):
    differs = settings[:, None] != settings[None]  # (C, C, F)
    only = (differs == (np.arange(settings.shape[1]) == factor)).all(axis=2)
    rows = []
    for i, j in np.argwhere(only & (settings[:, None, factor] < settings[None, :, factor])):
        apart = (success[j] - success[i])[~np.isnan(success[i] + success[j])]
        rows.append([i, j, *statistics.mean_interval(apart)])
    return np.array(rows).reshape(-1, 5)


def pairs_by_tuples(settings, success, factor):
    rest = [tuple(np.delete(row, factor)) for row in settings]
    rows = []
    for i in range(len(rest)):
        for j in range(len(rest)):
            if rest[i] == rest[j] and settings[i][factor] < settings[j][factor]:
                apart = success[j] - success[i]
                n = np.sum(~np.isnan(apart))
                mean, reach = np.nanmean(apart), scipy.stats.t.ppf(0.975, n - 1) * np.nanstd(apart, ddof=1)
                rows.append((i, j, mean, mean - reach / n**0.5, mean + reach / n**0.5))
    return np.reshape(rows, (-1, 5))


def pairs_with(changes):
    return edited(pairs_by_tuples, changes)


def pairs_as_found(settings, success, factor):
    rows = []
    for i in range(len(settings)):
        for j in range(i + 1, len(settings)):
            if list(np.flatnonzero(settings[i] != settings[j])) == [factor]:
                less, more = (i, j) if settings[i, factor] < settings[j, factor] else (j, i)
                apart = success[more] - success[less]
                rows.append([less, more, *statistics.mean_interval(apart[~np.isnan(apart)])])
    return np.reshape(rows, (-1, 5))


def pairs_of_two_samples(settings, success, factor):
    rows = []
    for i, j, mean, *_ in pairs_by_mask(settings, success, factor):
        keep = ~np.isnan(success[int(i)] + success[int(j)])
        ends = scipy.stats.ttest_ind(success[int(j), keep], success[int(i), keep]).confidence_interval()
        rows.append([i, j, mean, ends.low, ends.high])
    return np.reshape(rows, (-1, 5))


def pairs_from_both_sides(settings, success, factor):
    rows = []
    for a in range(len(settings)):
        for b in range(len(settings)):
            if list(np.flatnonzero(settings[a] != settings[b])) == [factor]:
                i, j = sorted((a, b), key=lambda run: settings[run, factor])
                apart = success[j] - success[i]
                rows.append([i, j, *statistics.mean_interval(apart[~np.isnan(apart)])])
    return np.reshape(rows, (-1, 5))


def pairs_with_equals(settings, success, factor):
    others = np.delete(settings, factor, axis=1)
    rows = []
    for i in range(len(settings)):
        for j in range(len(settings)):
            if np.array_equal(others[i], others[j]) and i != j and settings[i, factor] <= settings[j, factor]:
                apart = success[j] - success[i]
                rows.append([i, j, *statistics.mean_interval(apart[~np.isnan(apart)])])
    return np.reshape(rows, (-1, 5))


def pairs_sorted(key):
    def answer(settings, success, factor):
        rows = pairs_by_mask(settings, success, factor).tolist()
        return np.reshape(sorted(rows, key=lambda row: key(row, settings[:, factor])), (-1, 5))

    return answer


def pairs_in_place(settings, success, factor):
    success[np.isnan(success)] = 0
    return matched_pairs(settings, success, factor)


def chance_by_interval(noise, apart, spread, wanted):
    chances = np.zeros(noise.shape[1] - 1)
    for k in range(len(chances)):
        rows = apart + spread * noise[:, : k + 2]
        low, high = scipy.stats.t.interval(0.95, k + 1, rows.mean(1), scipy.stats.sem(rows, axis=1))
        chances[k] = ((low > 0) | (high < 0)).mean()
    enough = np.flatnonzero(chances >= wanted)
    return chances, enough[0] + 2 if len(enough) else 0


def chance_with(changes):
    return edited(chance_by_interval, changes)


def found_by_halves(chances, wanted):
    place = int(np.searchsorted(chances, wanted))
    return place + 2 if place < len(chances) else 0


def after_the_last_miss(chances, wanted):
    misses = np.flatnonzero(chances < wanted)
    first = misses[-1] + 1 if len(misses) else 0
    return np.arange(first, len(chances))


def fair_by_index(lab, settings, seeds):
    runs = np.zeros((len(settings), len(seeds), lab.practices))
    for i in range(len(settings)):
        for k in range(len(seeds)):
            state = lab.new_agent(settings[i], seeds[k]), lab.recorded(settings[i], seeds[k])
            for number in range(lab.practices):
                state = lab.practise(*state, settings[i], seeds[k], number)
                runs[i, k, number] = lab.evaluate(state[0], settings[i])
    return runs


def fair_seeds_outside(lab, settings, seeds):
    runs = []
    for seed in seeds:
        curves = []
        for setting in settings:
            data = lab.recorded(setting, seed)
            agent, curve = lab.new_agent(setting, seed), []
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                curve.append(lab.evaluate(agent, setting))
            curves.append(curve)
        runs.append(curves)
    return np.array(runs).swapaxes(0, 1)


def fair_with_numbers(numbers):
    """`numbers(lab, setting, seed, run, number)`: seed and number that practise gets."""

    def answer(lab, settings, seeds):
        runs = np.zeros((len(settings), len(seeds), lab.practices))
        for i, k in np.ndindex(runs.shape[:2]):
            own = settings[i], seeds[k]
            state = lab.new_agent(*own), lab.recorded(*own)
            for number in range(lab.practices):
                seed, given = numbers(lab, own[1], i, i * len(seeds) + k, number)
                state = lab.practise(*state, settings[i], seed, given)
                runs[i, k, number] = lab.evaluate(state[0], settings[i])
        return runs

    return answer


def fair_with_one_agent(lab, settings, seeds):
    runs = np.zeros((len(settings), len(seeds), lab.practices))
    for i, setting in enumerate(settings):
        agent = lab.new_agent(setting, seeds[0])
        for k, seed in enumerate(seeds):
            data = lab.recorded(setting, seed)
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                runs[i, k, number] = lab.evaluate(agent, setting)
    return runs


def fair_with(changes):
    return edited(fair_seeds_outside, changes)


def changes_by_cell(success):
    (neither, second), (first, both) = success
    alone, joined = first - neither, both - second
    other_alone, other_joined = second - neither, both - first
    gains = [alone, joined, (alone + joined) / 2, other_alone, other_joined, (other_alone + other_joined) / 2]
    return np.array([statistics.mean_interval(gain) for gain in [*gains, both - first - second + neither]])


def changes_by_contrasts(success):
    weights = np.array(
        [
            [-1, 0, 1, 0],
            [0, -1, 0, 1],
            [-0.5, -0.5, 0.5, 0.5],
            [-1, 1, 0, 0],
            [0, 0, -1, 1],
            [-0.5, 0.5, -0.5, 0.5],
            [1, -1, -1, 1],
        ]
    )
    gains = weights @ success.reshape(4, -1)
    low, high = scipy.stats.t.interval(
        0.95, success.shape[2] - 1, gains.mean(axis=1), scipy.stats.sem(gains, axis=1)
    )
    return np.stack([gains.mean(axis=1), low, high], axis=1)


def changes_with(changes):
    return edited(changes_by_cell, changes)


RIGHT = {
    "check_matched_pairs": pairs_by_mask,
    "check_chance_to_see": chance_by_interval,
    "check_fair_runs": fair_by_index,
    "check_two_changes": changes_by_cell,
}
ALSO_RIGHT = {
    "check_matched_pairs": pairs_by_tuples,
    "check_fair_runs": fair_seeds_outside,
    "check_two_changes": changes_by_contrasts,
}

UPWARDS = "settings[i][factor] < settings[j][factor]"
SETTINGS = "rest[i] == rest[j] and settings[i][factor] < settings[j][factor]"
LOOP = "for number in range(lab.practices):"
WRONG = {
    "check_matched_pairs": {
        "a tolerance of a hundredth": (
            edited(matched_pairs, {"less != more": "np.abs(less - more) > 1e-2"}),
            "with a tolerance",
        ),
        "whatever else": (pairs_with({"rest[i] == rest[j] and ": ""}), "they are confounded"),
        "rounded": (
            pairs_with({"tuple(np.delete(row, factor))": "tuple(np.delete(row.round(2), factor))"}),
            "no tolerance",
        ),
        "0.99 is 0.995": (
            pairs_with({UPWARDS: "settings[j][factor] - settings[i][factor] > 0.01"}),
            "no tolerance",
        ),
        "twice": (pairs_with({"] < settings[j]": "] != settings[j]"}), "in both orders"),
        "by place": (
            pairs_with({UPWARDS: "i < j and settings[i][factor] != settings[j][factor]"}),
            "The earlier row",
        ),
        "downwards": (pairs_with({"] < settings[j]": "] > settings[j]"}), "larger value of the factor"),
        "any factor": (pairs_with({SETTINGS: "np.sum(settings[i] != settings[j]) == 1"}), "Any one setting"),
        "turned": (pairs_with({"success[j] - success[i]": "success[i] - success[j]"}), "The sign is turned"),
        "all seeds count": (pairs_with({"np.sum(~np.isnan(apart))": "len(apart)"}), "seeds that are missing"),
        "ddof": (pairs_with({"ddof=1": "ddof=0"}), "divides by n"),
        "normal": (pairs_with({"scipy.stats.t.ppf(0.975, n - 1)": "1.96"}), "1.96 in place"),
        "one side": (pairs_with({"0.975": "0.95"}), "90 % interval"),
        "no root": (
            pairs_with({"mean - reach / n**0.5, mean + reach / n**0.5": "mean - reach, mean + reach"}),
            "single seeds",
        ),
        "as found": (pairs_as_found, "before i and j change places"),
        "by value": (pairs_sorted(lambda row, values: values[int(row[0])]), "factor's value of run i"),
        "by both values": (
            pairs_sorted(lambda row, values: (values[int(row[0])], values[int(row[1])])),
            "by the values of the factor",
        ),
        "by j": (pairs_sorted(lambda row, values: (row[1], row[0])), "sorted by j, then by i"),
        "backwards": (lambda *args: pairs_by_mask(*args)[::-1], "The rows asked for are (i, j)"),
        "from both sides": (pairs_from_both_sides, "turn one of them"),
        "from both sides, sorted": (
            lambda *args: np.array(sorted(pairs_from_both_sides(*args).tolist())).reshape(-1, 5),
            "two equal rows",
        ),
        "the same settings": (pairs_with_equals, "Two runs with the same settings"),
        "no rows, no columns": (lambda *args: np.array(pairs_by_mask(*args).tolist()), "the shape (0,)"),
        "no rows, three columns": (
            lambda *args: (lambda rows: rows if len(rows) else np.zeros((0, 3)))(pairs_by_mask(*args)),
            "No pairs: shape (0, 5)",
        ),
        "two samples": (pairs_of_two_samples, "two separate samples"),
        "nan stays": (pairs_with({"np.nanmean(apart)": "np.mean(apart)"}), "A NaN of the inputs reached"),
        "nan of one run dropped": (
            pairs_with(
                {
                    "apart = success[j] - success[i]": "keep = ~np.isnan(success[i])\n"
                    "                apart = success[j][keep] - success[i][keep]",
                    "np.nanmean(apart)": "np.mean(apart)",
                }
            ),
            "A NaN of the inputs reached",
        ),
        "only the missing": (
            pairs_with(
                {
                    "apart = success[j] - success[i]": "apart = success[j] - success[i]\n"
                    "                apart = apart[np.isnan(apart)]",
                    "np.nanmean(apart)": "np.mean(apart)",
                }
            ),
            "A mean of no numbers",
        ),
        "in place": (pairs_in_place, "changes its arguments"),
        "indices alone": (lambda *args: matched_pairs(*args)[:, :2], "wrong shape"),
        "no interval": (lambda *args: matched_pairs(*args)[:, :3], "wrong shape"),
        "one row": (lambda *args: matched_pairs(*args)[0], "wrong shape"),
    },
    "check_chance_to_see": {
        "normal": (
            chance_with({"scipy.stats.t.interval(0.95, k + 1,": "scipy.stats.norm.interval(0.95,"}),
            "not right yet",
        ),
        "one df more": (chance_with({"k + 1,": "k + 2,"}), "degrees of freedom"),
        "90 %": (chance_with({"0.95": "0.9"}), "90 % interval"),
        "no sem": (chance_with({"scipy.stats.sem(rows, axis=1)": "rows.std(1, ddof=1)"}), "single seeds"),
        "above only": (chance_with({"(low > 0) | (high < 0)": "low > 0"}), "Only intervals above 0"),
        "nothing seen": (
            chance_with({"(low > 0) | (high < 0)": "(low < 0) & (high > 0)"}),
            "nothing is seen",
        ),
        "unscaled": (chance_with({"spread * noise": "noise"}), "not multiplied by spread"),
        "nothing apart": (chance_with({"apart + spread": "spread"}), "The true difference is left out"),
        "excludes the truth": (
            chance_with({"(low > 0) | (high < 0)": "(low > apart) | (high < apart)"}),
            "is compared with it in place of 0",
        ),
        "2 if none is enough": (
            chance_with({"enough[0] + 2 if len(enough) else 0": "2 + np.argmax(chances >= wanted)"}),
            "np.argmax of nothing but False",
        ),
        "all columns": (chance_with({"[:, : k + 2]": ""}), "not right yet"),
        "a column more": (chance_with({": k + 2]": ": k + 3]"}), "not right yet"),
        "from 1": (chance_with({"enough[0] + 2": "enough[0] + 1"}), "one too small"),
        "0 for one seed": (chance_with({"return chances,": "return np.r_[0, chances],"}), "stands before"),
        "0 for 0 and 1": (chance_with({"return chances,": "return np.r_[0, 0, chances],"}), "from 0 on"),
        "None": (chance_with({"else 0": "else None"}), "also where nothing is found"),
        "the true side": (
            chance_with({"(low > 0) | (high < 0)": "(low > 0) if apart > 0 else (high < 0) & (apart < 0)"}),
            "side of the true difference",
        ),
        "closest": (
            chance_with({"enough[0] + 2 if": "2 + np.abs(chances - wanted).argmin() if"}),
            "closest to wanted",
        ),
        "a sorted search": (
            chance_with({"enough[0] + 2 if len(enough) else 0": "found_by_halves(chances, wanted)"}),
            "taken to rise only",
        ),
        "after the last miss": (
            chance_with({"np.flatnonzero(chances >= wanted)": "after_the_last_miss(chances, wanted)"}),
            "after the last number",
        ),
        "a place": (chance_with({"enough[0] + 2": "enough[0]"}), "place in the list"),
        "the most": (chance_with({"enough[0] + 2": "enough[-1] + 2"}), "the most seeds"),
        "above, not at": (chance_with({">= wanted": "> wanted"}), "equals wanted does not count"),
        "above by a percent": (chance_with({">= wanted": "> 1.01 * wanted"}), "not right yet"),
        "rounded": (chance_with({"chances >= wanted": "np.round(chances, 2) >= wanted"}), "are rounded"),
        "over experiments": (
            chance_with({"rows.mean(1)": "rows.mean(0)", "sem(rows, axis=1)": "sem(rows, axis=0)"}),
            "chance_to_see:",
        ),
        "chances alone": (lambda *args: chance_to_see(*args)[0], "wrong number of values"),
        "exchanged": (lambda *args: chance_to_see(*args)[::-1], "another order"),
        "percent": (chance_with({"return chances": "return 100 * chances"}), "In percent"),
        "the formula": (
            lambda noise, apart, spread, wanted: (
                [statistics.power(apart, spread, n) for n in range(2, noise.shape[1] + 1)],
                0,
            ),
            "not right yet",
        ),
    },
    "check_fair_runs": {
        "unchanged": (
            fair_with(
                {
                    "            data = lab.recorded(setting, seed)\n": "",
                    "curves = []": "curves, data = [], lab.recorded(settings[0], seed)",
                }
            ),
            "The leak is still there",
        ),
        "in the practice": (
            fair_with({LOOP: LOOP + "\n                data = lab.recorded(setting, seed)"}),
            "What was collected is not kept",
        ),
        "thrown away": (fair_with({"agent, data = lab.practise": "agent, _ = lab.practise"}), "not kept"),
        "agent thrown away": (
            fair_with({"agent, data = lab.practise": "_, data = lab.practise"}),
            "gives back is not kept",
        ),
        "agent over seeds": (fair_with_one_agent, "agent goes on over the seeds"),
        "the first seed's data": (
            fair_with({"recorded(setting, seed)": "recorded(setting, seeds[0])"}),
            "data of the first seed",
        ),
        "the first seed's agent": (
            fair_with({"new_agent(setting, seed)": "new_agent(setting, seeds[0])"}),
            "agent of the first seed",
        ),
        "agent anew": (
            fair_with({LOOP: LOOP + "\n                agent = lab.new_agent(setting, seed)"}),
            "untrained agent",
        ),
        "the first recorder": (
            fair_with({"recorded(setting,": "recorded(settings[0],"}),
            "first setting's recorder",
        ),
        "the first evaluated": (
            fair_with({"evaluate(agent, setting)": "evaluate(agent, settings[0])"}),
            "evaluated with the first",
        ),
        "number 0": (fair_with({"seed, number)": "seed, 0)"}), "number 0"),
        "from 1": (fair_with({"range(lab.practices)": "range(1, lab.practices + 1)"}), "counted from 1"),
        "other random numbers": (
            fair_with_numbers(lambda lab, seed, setting, run, number: (seed + 100 * setting, number)),
            "the seed and the numbers that practise gets",
        ),
        "a running number": (
            fair_with_numbers(lambda lab, seed, setting, run, number: (seed, run * lab.practices + number)),
            "go on from run to run",
        ),
        "a number of the setting": (
            fair_with_numbers(lambda lab, seed, setting, run, number: (seed, 10 * setting + number)),
            "the numbers that practise gets",
        ),
        "one less": (
            fair_with({"range(lab.practices)": "range(lab.practices - 1)"}),
            "last practice is missing",
        ),
        "seeds first": (fair_with({".swapaxes(0, 1)": ""}), "axes are"),
        "all swapped": (fair_with({".swapaxes(0, 1)": ".T"}), "wrong shape"),
        "last": (lambda *args: fair_runs(*args)[..., -1], "Only the last"),
        "mean": (lambda *args: fair_runs(*args).mean(axis=-1), "The mean over"),
        "best": (lambda *args: fair_runs(*args).max(axis=-1), "The best score"),
        "difference": (lambda *args: fair_runs(*args) - fair_runs(*args)[:1], "not right yet"),
        "other seeds": (
            lambda lab, settings, seeds: [
                fair_runs(lab, [s], [seed + 100 * i for seed in seeds])[0] for i, s in enumerate(settings)
            ],
            "not right yet",
        ),
    },
    "check_two_changes": {
        "base twice": (changes_with({" + neither]": "]"}), "neither is forgotten"),
        "better one": (
            changes_with({"both - first - second + neither": "both - np.maximum(first, second)"}),
            "the better one",
        ),
        "turned": (
            changes_with({"both - first - second + neither": "first + second - both - neither"}),
            "sign of the interaction",
        ),
        "no interaction": (
            changes_with({"[*gains, both - first - second + neither]": "gains"}),
            "wrong shape",
        ),
        "axes exchanged": (
            changes_with({"(neither, second), (first, both)": "(neither, first), (second, both)"}),
            "two changes are exchanged",
        ),
        "other order": (
            changes_with({"gains = [alone, joined,": "gains = [joined, alone,"}),
            "not right yet",
        ),
        "what both add": (
            changes_with(
                {"joined = first - neither, both - second": "joined = first - neither, both - neither"}
            ),
            "not right yet",
        ),
        "what the other adds": (
            changes_with(
                {
                    "first - neither, both - second": "first - neither, both - first",
                    "second - neither, both - first": "second - neither, both - second",
                }
            ),
            "not right yet",
        ),
        "sums": (
            changes_with(
                {
                    "(alone + joined) / 2": "alone + joined",
                    "(other_alone + other_joined) / 2": "other_alone + other_joined",
                }
            ),
            "is the sum",
        ),
        "alone": (
            changes_with(
                {"(alone + joined) / 2": "alone", "(other_alone + other_joined) / 2": "other_alone"}
            ),
            "adds alone",
        ),
        "half of both": (
            changes_with(
                {
                    "(alone + joined) / 2": "(both - neither) / 2",
                    "(other_alone + other_joined) / 2": "(both - neither) / 2",
                }
            ),
            "half of what both add",
        ),
        "seeds twice": (
            changes_with(
                {
                    "(alone + joined) / 2": "np.r_[alone, joined]",
                    "(other_alone + other_joined) / 2": "np.r_[other_alone, other_joined]",
                }
            ),
            "counts twice",
        ),
        "ends subtracted": (
            lambda success: (lambda rows: np.r_[rows[:6], rows[1:2] - rows[:1]])(changes_by_cell(success)),
            "ends of two intervals are subtracted",
        ),
        "ends averaged": (
            lambda success: (
                lambda rows: np.stack([*rows[:2], rows[:2].mean(0), *rows[3:5], rows[3:5].mean(0), rows[6]])
            )(changes_by_cell(success)),
            "mean of two intervals",
        ),
        "main effects subtracted": (
            changes_with({"both - first - second + neither": "gains[2] - gains[5]"}),
            "difference of the two main effects",
        ),
        "halved": (
            changes_with({"both - first - second + neither": "(both - first - second + neither) / 2"}),
            "halved",
        ),
        "signs": (
            changes_with(
                {"(neither, second), (first, both) = success": "(both, first), (second, neither) = success"}
            ),
            "not right yet",
        ),
        "columns": (lambda success: changes_by_cell(success).T, "rows and columns"),
        "means alone": (lambda success: changes_by_cell(success)[:, 0], "wrong shape"),
        "differences alone": (
            lambda success: np.stack([*(success[1] - success[0]), *(success[:, 1] - success[:, 0])]),
            "wrong shape",
        ),
        "in place": (
            lambda success: np.subtract(success, success[0, 0], out=success)[0, :, :3],
            "changes its",
        ),
    },
}
