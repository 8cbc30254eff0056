"""Exercises of lesson 09: matched pairs with their intervals, how many seeds it takes, a fair harness, what
two changes do, each without and with the other. Shapes: C runs, F settings, R seeds, M invented experiments,
P pairs.
"""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.utils.statistics import mean_interval

# 1. Matched pairs, and how far they are apart


def matched_pairs(settings, success, factor):
    """Runs that differ in one setting alone, and their difference seed by seed with a 95 % t-interval:
    settings (C, F), success (C, R) or nan, the setting's column -> (P, 5), rows i, j, mean, low, high.
    """
    found = []
    for i, less in enumerate(settings):
        for j, more in enumerate(settings):
            differs = less != more
            if differs.sum() != 1 or not less[factor] < more[factor]:
                continue
            apart = success[j] - success[i]
            apart = apart[~np.isnan(apart)]
            n = len(apart)
            reach = scipy.stats.t.ppf(0.975, n - 1) * apart.std(ddof=1) / np.sqrt(n)
            found.append((i, j, apart.mean(), apart.mean() - reach, apart.mean() + reach))
    return np.reshape(found, (-1, 5))


def _unpaired(settings, success, factor):
    found = []
    for i, j, *_ in matched_pairs(settings, success, factor):
        runs = [success[int(row)][~np.isnan(success[int(row)])] for row in (i, j)]
        mean, n = runs[1].mean() - runs[0].mean(), sum(map(len, runs))
        error = np.sqrt(sum(run.var(ddof=1) / len(run) for run in runs))
        reach = scipy.stats.t.ppf(0.975, n - 2) * error
        found.append((i, j, mean, mean - reach, mean + reach))
    return np.reshape(found, (-1, 5))


def _pairs_by_lists(settings, success, factor):
    rows, runs = [], range(len(settings))
    for i in runs:
        for j in runs:
            differing = [f for f in range(len(settings[i])) if settings[i][f] != settings[j][f]]
            if differing == [factor] and settings[i][factor] < settings[j][factor]:
                apart = [b - a for a, b in zip(success[i], success[j], strict=True) if a == a and b == b]
                mean, error = np.mean(apart), scipy.stats.sem(apart)
                rows.append([i, j, mean, *scipy.stats.t.interval(0.95, len(apart) - 1, mean, error)])
    return rows or np.zeros((0, 5))


def _pairs_cases(rng):
    def case(about, factor, rows, hint, seeds=8, missing=()):
        luck = rng.normal(50, 15, seeds)
        success = luck + rng.normal(0, 5, (len(rows), seeds)) + rng.normal(0, 8, (len(rows), 1))
        for run, seed in missing:
            success[run, seed] = np.nan
        settings = np.array(rows, float)
        pairs = ", ".join(f"({i:.0f}, {j:.0f})" for i, j, *_ in matched_pairs(settings, success, factor))
        told = f"The rows asked for are (i, j) = {pairs}, in this order. " if pairs else ""
        return Case(about, (settings, success, factor), told + hint)

    three = [(1, 4), (5, 4), (5, 16)]
    exact = "Settings are equal or not: no tolerance. Equal in both settings, two runs are no pair."
    both = "Mean and interval are over the seeds of which both runs have a result."
    return [
        case(
            "runs (H, N): (1, 4), (5, 4), (5, 16); H",
            0,
            three,
            "Runs 0 and 2 differ in both settings. Mean and interval come from differences seed by seed: "
            "mean, and mean -+ t.ppf(0.975, n - 1) * std(ddof=1) / sqrt(n).",
        ),
        case("the same runs; N", 1, three, "No other pair differs in N alone."),
        case(
            "the larger value stands first: (5, 4), (1, 4)",
            0,
            [(5, 4), (1, 4)],
            "i is the run with the smaller value of the factor, wherever it stands.",
            seeds=6,
        ),
        case(
            "discounts (H, discount): 0.99 and 0.995",
            0,
            [(1, 0.99), (5, 0.995), (5, 0.99), (1, 0.995)],
            exact,
        ),
        case("the same runs; the discount", 1, [(1, 0.99), (5, 0.995), (5, 0.99), (1, 0.995)], exact),
        case(
            "two rates that are close: 0.0003, 0.00030001, and 0.0003 again",
            1,
            [(5, 3e-4), (5, 3.0001e-4), (5, 3e-4)],
            exact,
            seeds=6,
        ),
        case(
            "(rate, H): (0.001, 1), (0.0003, 5), (0.001, 5), (0.0003, 1), (0.00030001, 5)",
            1,
            [(1e-3, 1), (3e-4, 5), (1e-3, 5), (3e-4, 1), (3.0001e-4, 5)],
            exact,
            seeds=5,
        ),
        case("one of three seeds is missing in a run", 0, three, both, seeds=3, missing=[(1, 2)]),
        case(
            "seeds are missing in both runs of a pair",
            1,
            [(1, 2, 3), (1, 8, 3), (5, 2, 3), (5, 8, 3), (1, 2, 4)],
            both,
            missing=[(0, 1), (1, 5), (2, 0), (4, 3)],
        ),
        case(
            "three values of the factor",
            2,
            [(1, 0, 4), (1, 0, 8), (2, 0, 8), (1, 0, 2)],
            "Runs 3, 0 and 1 have N of 2, 4 and 8: each with each is a pair.",
            seeds=4,
        ),
        case(
            "the largest value of the factor stands first: 8, 2, 4",
            0,
            [(8, 1), (2, 1), (4, 1)],
            "Runs 1, 2 and 0 have 2, 4 and 8.",
            seeds=4,
        ),
        case(
            "no pair: (1, 5, 2) and (5, 2, 5), changes that cancel in the sum",
            0,
            [(1, 5, 2), (5, 2, 5)],
            "(5, 2) and (2, 5) differ twice. No pairs: shape (0, 5), as of np.reshape(rows, (-1, 5)).",
        ),
    ]


def _pairs_by_sum(settings, success, factor):
    others = np.delete(settings, factor, axis=1).sum(axis=1)
    return matched_pairs(np.stack([others, settings[:, factor]], axis=1), success, 1)


def _pairs_as_found(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    ends = np.sort(rows[:, :2], axis=1)
    return rows[np.lexsort((ends[:, 1], ends[:, 0]))]


def _pairs_by_value(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    values = settings[rows[:, :2].astype(int), factor]
    return rows[np.lexsort((values[:, 1], values[:, 0]))]


def _pairs_by_j(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    return rows[np.lexsort((rows[:, 0], rows[:, 1]))]


def _pairs_by_value_of_i(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    return rows[np.argsort(settings[rows[:, 0].astype(int), factor], kind="stable")]


def _pairs_twice(settings, success, factor):
    return np.repeat(matched_pairs(settings, success, factor), 2, axis=0)


def _pairs_twice_as_found(settings, success, factor):
    rows = _pairs_twice(settings, success, factor)
    places = rows[:, :2].copy()
    places[1::2] = places[1::2, ::-1]
    return rows[np.lexsort((places[:, 1], places[:, 0]))]


def _pairs_or_nothing(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    return rows if len(rows) else np.zeros(0)


def _pairs_of_neighbours(settings, success, factor):
    rows = matched_pairs(settings, success, factor)
    return rows[np.abs(rows[:, 0] - rows[:, 1]) == 1]


_UNPAIRED = {
    "apart.mean() - reach, apart.mean() + reach": "*(apart.mean() + scipy.stats.t.ppf(0.975, n - 1) * "
    "np.sqrt(np.nanvar(success[i], ddof=1) / n + np.nanvar(success[j], ddof=1) / n) * np.array([-1, 1]))"
}
_SEPARATE = {
    "apart.mean() - reach, apart.mean() + reach": "*scipy.stats.ttest_ind(*(success[k]["
    "~np.isnan(success[i] + success[j])] for k in (j, i))).confidence_interval()"
}
_pairs_misconceptions = [
    Misconception(
        "Pairs that differ in the factor count, whatever else differs: they are confounded, not matched.",
        "Exactly one setting differs, the factor.",
        edited(matched_pairs, {"differs.sum() != 1 or ": ""}),
    ),
    Misconception(
        "Any one setting may differ, not only the factor.",
        "The one that differs has to be the factor.",
        edited(matched_pairs, {" or not less[factor] < more[factor]": ""}),
    ),
    Misconception(
        "One other setting may differ as well.",
        "Exactly one setting differs, the factor.",
        edited(matched_pairs, {"differs.sum() != 1": "differs.sum() > 2"}),
    ),
    Misconception(
        "Each pair stands there twice, in both orders.",
        "Keep the one in which run i has the smaller value of the factor.",
        edited(matched_pairs, {"less[factor] < more[factor]": "differs[factor]"}),
    ),
    Misconception(
        "Each pair stands there twice, as two equal rows.",
        "One row for each pair: i < j in the loops, or no change of places.",
        _pairs_twice,
    ),
    Misconception(
        "Each pair stands there twice: the loops find it as (a, b) and as (b, a), and turn one of them.",
        "One row for each pair: i < j in the loops, or no change of places.",
        _pairs_twice_as_found,
    ),
    Misconception(
        "Two runs with the same settings are taken for a pair.",
        "They differ in no setting, and a pair differs in one: < in place of <=.",
        edited(
            matched_pairs,
            {
                "differs.sum() != 1 or not": "i == j or np.delete(differs, factor).any() or not",
                "less[factor] < more[factor]": "less[factor] <= more[factor]",
            },
        ),
    ),
    Misconception(
        "Where there is no pair, the result has the shape (0,).",
        "np.reshape(rows, (-1, 5)) gives (0, 5).",
        _pairs_or_nothing,
    ),
    Misconception(
        "The earlier row is taken for i, not the run with the smaller value of the factor.",
        "Compare the values of the factor, not the places of the runs.",
        edited(matched_pairs, {"less[factor] < more[factor]": "(differs[factor] and i < j)"}),
    ),
    Misconception(
        "Run i has the larger value of the factor.",
        "i has the smaller one, j the larger one.",
        edited(matched_pairs, {"less[factor] < more[factor]": "less[factor] > more[factor]"}),
    ),
    Misconception(
        "Settings that are nearly equal count as equal: 0.99 is taken for 0.995.",
        "Compare with !=.",
        edited(matched_pairs, {"less != more": "~np.isclose(less, more, rtol=0.01)"}),
    ),
    Misconception(
        "Settings that are close in absolute size count as equal: two learning rates seem to be one.",
        "Compare with !=.",
        edited(matched_pairs, {"less != more": "np.abs(less - more) > 1e-3"}),
    ),
    Misconception(
        "A tolerance, as of np.isclose, or a rounding: settings that differ by less count as equal.",
        "Compare with !=.",
        edited(matched_pairs, {"less != more": "~np.isclose(less, more, rtol=1e-4, atol=1e-6)"}),
    ),
    Misconception(
        "Settings are compared as whole numbers, or with a tolerance in which 0.99 and 0.995 are equal.",
        "Compare with !=.",
        edited(matched_pairs, {"less != more": "less.astype(int) != more.astype(int)"}),
    ),
    Misconception(
        "The sums of the other settings are compared: two changes can cancel.",
        "Compare setting by setting.",
        _pairs_by_sum,
    ),
    Misconception("Only neighbouring rows are compared.", "Each run with each other.", _pairs_of_neighbours),
    Misconception(
        "The rows stand as a loop over i < j finds them, before i and j change places.",
        "Sort them by i, then by j: step 4.",
        _pairs_as_found,
    ),
    Misconception(
        "The rows are sorted by the values of the factor.", "By i, then by j: step 4.", _pairs_by_value
    ),
    Misconception(
        "The rows are sorted by the factor's value of run i.",
        "By i, then by j: step 4.",
        _pairs_by_value_of_i,
    ),
    Misconception("The rows are sorted by j, then by i.", "By i, then by j: step 4.", _pairs_by_j),
    Misconception(
        "The sign is turned: i minus j.",
        "success[j] - success[i].",
        edited(matched_pairs, {"success[j] - success[i]": "success[i] - success[j]"}),
    ),
    Misconception(
        "A seed that is missing counts as 0 %.",
        "Drop the seeds that are nan in the difference.",
        edited(
            matched_pairs,
            {"success[j] - success[i]": "np.nan_to_num(success[j]) - np.nan_to_num(success[i])"},
        ),
    ),
    Misconception(
        "The difference of two means that come from different seeds, where one is missing.",
        "Take the difference of each seed first.",
        edited(
            matched_pairs,
            {
                "apart.mean(), apart.mean() - reach": "(m := np.nanmean(success[j]) "
                "- np.nanmean(success[i])), "
                "m - reach",
                "apart.mean() + reach": "m + reach",
            },
        ),
    ),
    Misconception(
        "n counts the seeds that are missing.",
        "n is the number of differences that are left.",
        edited(matched_pairs, {"len(apart)": "len(success[i])"}),
    ),
    Misconception(
        "Two independent samples: each run has its own seeds and its own standard error.",
        "Subtract seed by seed, where both have the seed; then one mean and one standard deviation.",
        _unpaired,
    ),
    Misconception(
        "The interval does not know of pairs: it adds the variances of the two runs.",
        "The standard deviation of the differences, seed by seed.",
        edited(matched_pairs, _UNPAIRED),
    ),
    Misconception(
        "An interval for two separate samples, as in ttest_ind: these share their seeds.",
        "The standard deviation of the differences, seed by seed, and n - 1.",
        edited(matched_pairs, _SEPARATE),
    ),
    Misconception(
        "1.96 in place of Student's t: few seeds hardly know their own spread.",
        "scipy.stats.t.ppf(0.975, n - 1).",
        edited(matched_pairs, {"scipy.stats.t.ppf(0.975, n - 1)": "1.96"}),
    ),
    Misconception(
        "t.ppf(0.95, ...) leaves 5 % on each side: a 90 % interval.",
        "0.975.",
        edited(matched_pairs, {"0.975": "0.95"}),
    ),
    Misconception(
        "n degrees of freedom: the mean has used up one.",
        "n - 1.",
        edited(matched_pairs, {"n - 1)": "n)"}),
    ),
    Misconception(
        "The standard deviation divides by n: too small with few seeds.",
        "std(ddof=1).",
        edited(matched_pairs, {"ddof=1": ""}),
    ),
    Misconception(
        "How single seeds scatter, not how sure their mean is.",
        "Divide by np.sqrt(n).",
        edited(matched_pairs, {" / np.sqrt(n)": ""}),
    ),
    Misconception(
        "Divided by n in place of its root.", "np.sqrt(n).", edited(matched_pairs, {"np.sqrt(n)": "n"})
    ),
    Misconception(
        "The half-width stands in the place of low and high.",
        "mean - reach and mean + reach.",
        edited(matched_pairs, {"apart.mean() - reach, apart.mean() + reach": "reach, reach"}),
    ),
    Misconception(
        "low and high are exchanged.",
        "mean - reach comes first.",
        edited(
            matched_pairs,
            {"apart.mean() - reach, apart.mean() + reach": "apart.mean() + reach, apart.mean() - reach"},
        ),
    ),
    Misconception(
        "Standard errors in place of an interval: the quantile of t is missing.",
        "Times scipy.stats.t.ppf(0.975, n - 1).",
        edited(matched_pairs, {"scipy.stats.t.ppf(0.975, n - 1) * ": ""}),
    ),
    Misconception(
        "A pair is found only if the run with the smaller value of the factor stands first.",
        "Each run with each other: j may also be smaller than i.",
        edited(matched_pairs, {"less[factor] < more[factor]": "(i < j and less[factor] < more[factor])"}),
    ),
    Misconception(
        "Each run is i in one pair at most: the search stops at its first partner.",
        "Each run with each other: no break.",
        edited(matched_pairs, {"apart.mean() + reach))": "apart.mean() + reach))\n            break"}),
    ),
    Misconception(
        "The values of the factor stand in the place of i and j.",
        "The numbers of the two runs.",
        edited(matched_pairs, {"(i, j, ": "(less[factor], more[factor], "}),
    ),
    Misconception(
        "The mean comes after low.",
        "i, j, mean, low, high.",
        edited(matched_pairs, {"apart.mean(), apart.mean() - reach": "apart.mean() - reach, apart.mean()"}),
    ),
    Misconception(
        "The interval is right, but its mean is the difference of two means that come from different seeds, "
        "where one is missing.",
        "The mean of the differences that are left.",
        edited(matched_pairs, {"j, apart.mean()": "j, np.nanmean(success[j]) - np.nanmean(success[i])"}),
    ),
    Misconception(
        "A seed that is missing counts as a difference of 0.",
        "Drop the seeds that are nan in the difference.",
        edited(matched_pairs, {"success[j] - success[i]": "np.nan_to_num(success[j] - success[i])"}),
    ),
    Misconception(
        "A seed that is missing gets the mean difference of the others, and counts in n.",
        "Drop the seeds that are nan in the difference.",
        edited(
            matched_pairs,
            {"apart[~np.isnan(apart)]": "np.where(np.isnan(apart), np.nanmean(apart), apart)"},
        ),
    ),
    Misconception(
        "A seed that any run lacks is dropped for all pairs.",
        "A pair needs the seeds of which its own two runs have a result.",
        edited(
            matched_pairs, {"found = []": "found, success = [], success[:, ~np.isnan(success).any(axis=0)]"}
        ),
    ),
    Misconception(
        "Pairs in which a seed is missing are left out.",
        "Keep the pair, and drop the seed.",
        edited(
            matched_pairs,
            {"differs.sum() != 1": "np.isnan(success[i] + success[j]).any() or differs.sum() != 1"},
        ),
    ),
    Misconception(
        "Divided by the root of n - 1.",
        ("The standard deviation has its n - 1 already.", "np.sqrt(n)."),
        edited(matched_pairs, {"np.sqrt(n)": "np.sqrt(n - 1)"}),
    ),
]

check_matched_pairs = Exercise(
    matched_pairs,
    _pairs_by_lists,
    _pairs_cases,
    _pairs_misconceptions,
    insight="A pair that differs twice answers no question, however narrow its interval is.",
)


# 2. How many seeds


def chance_to_see(noise, apart, spread, wanted):
    """The share of experiments whose 95 % t-interval excludes 0, with 2, 3, ... R seeds (R - 1,), and the
    fewest seeds with a share of `wanted` or more, 0 if there is none: noise (M, R) standard normal.
    """
    seen = apart + spread * noise
    chances = []
    for seeds in range(2, noise.shape[1] + 1):
        own = seen[:, :seeds]
        limit = scipy.stats.t.ppf(0.975, seeds - 1)
        reach = limit * own.std(axis=1, ddof=1) / np.sqrt(seeds)
        chances.append(np.mean(np.abs(own.mean(axis=1)) > reach))
    enough = [number + 2 for number, chance in enumerate(chances) if chance >= wanted]
    return np.array(chances), min(enough, default=0)


def _chance_by_test(noise, apart, spread, wanted):
    seen, chances = apart + spread * noise, []
    for seeds in range(2, noise.shape[1] + 1):
        p = scipy.stats.ttest_1samp(seen[:, :seeds], 0, axis=1).pvalue
        chances.append(np.mean(p < 0.05))
    for seeds, chance in enumerate(chances, 2):
        if chance >= wanted:
            return chances, seeds
    return chances, 0


def _chance_cases(rng):
    def case(about, many, seeds, apart, spread, wanted, hint):
        return Case(about, (rng.normal(size=(many, seeds)), apart, spread, wanted), hint)

    enough = " needed: the first number of seeds, 2 or more, whose chance is `wanted` or more."
    steps = (
        "An experiment of k seeds: the first k columns of apart + spread * noise. "
        "t.ppf(0.975, k - 1) is 12.7 for 2 seeds and 2.36 for 8." + enough
    )
    return [
        Case(
            "four experiments of 3 seeds: noise (0, 1, -1), (1, 0, -1), (0, 3, -3), (3, 0, -3); apart 3, "
            "spread 1, wanted 0.5",
            (np.array([[0.0, 1, -1], [1, 0, -1], [0, 3, -3], [3, 0, -3]]), 3.0, 1.0, 0.5),
            "With 3 seeds the differences are 3, 4, 2; 4, 3, 2; 3, 6, 0; 6, 3, 0: means of 3, standard "
            "deviations of 1, 1, 3 and 3, t = 4.30. 3 > 4.30 * 1 / sqrt(3) = 2.5, but not 3 > 7.5: two of "
            "four, 0.5. That is `wanted`, so 3 seeds are enough. With the first 2 seeds none is seen.",
        ),
        case("400 experiments, 4 seeds, 20 points apart, spread 8", 400, 4, 20.0, 8.0, 0.8, steps),
        case("400 experiments, 8 seeds, 10 points apart, spread 9", 400, 8, 10.0, 9.0, 0.6, steps),
        case("nothing apart", 300, 6, 0.0, 9.0, 0.9, "About 5 % see a difference. needed is 0."),
        case("behind by 12 points", 300, 7, -12.0, 8.0, 0.7, "Seen: an interval above 0 or below." + enough),
        Case(
            "two experiments of 4 seeds, in which a third seed hides what two had shown; wanted 0.2",
            (np.array([[0.01, -0.01, -6.0, 0.0], [0.0, 3.0, -3.0, 0.0]]), 3.0, 1.0, 0.2),
            "2 seeds see one of two, 0.5, which is enough: needed is 2. 3 and 4 seeds see none, and this "
            "changes nothing.",
        ),
        Case(
            "three experiments of 4 seeds, in which a fourth seed hides what three had shown; wanted 0.67",
            (np.array([[0.01, -0.01, 0, 0], [0.01, -0.01, 0, -9], [0, 0.6, 0.3, -9]]), 3.0, 1.0, 0.67),
            "2 seeds see two of three, 0.667, which is less than 0.67; 3 seeds see all three; 4 seeds one of "
            "three. needed is 3, the first that is enough.",
        ),
        case("500 experiments, 12 seeds, 6 apart, spread 7", 500, 12, 6.0, 7.0, 0.5, steps),
    ]


def _whole_columns(noise, apart, spread, wanted):
    chances, needed = chance_to_see(noise, apart, spread, wanted)
    return np.full(len(chances), chances[-1]), needed


def _one_seed_too(noise, apart, spread, wanted):
    chances, needed = chance_to_see(noise, apart, spread, wanted)
    return np.r_[0, chances], needed


def _by_number_of_seeds(noise, apart, spread, wanted):
    chances, needed = chance_to_see(noise, apart, spread, wanted)
    return np.r_[0, 0, chances], needed


def _after_the_last_miss(noise, apart, spread, wanted):
    chances, _ = chance_to_see(noise, apart, spread, wanted)
    last = max(np.flatnonzero(chances < wanted), default=-1)
    return chances, last + 3 if last + 1 < len(chances) else 0


def _by_halves(noise, apart, spread, wanted):
    chances, _ = chance_to_see(noise, apart, spread, wanted)
    place = np.searchsorted(chances, wanted)
    return chances, place + 2 if place < len(chances) else 0


def _rounded(noise, apart, spread, wanted):
    chances, _ = chance_to_see(noise, apart, spread, wanted)
    enough = np.flatnonzero(np.round(chances, 2) >= wanted)
    return chances, enough[0] + 2 if len(enough) else 0


def _closest(noise, apart, spread, wanted):
    chances, _ = chance_to_see(noise, apart, spread, wanted)
    return chances, 2 + np.argmin(np.abs(chances - wanted))


def _closest_if_any(noise, apart, spread, wanted):
    chances, needed = _closest(noise, apart, spread, wanted)
    return chances, needed * (max(chances) >= wanted)


def _two_if_none(noise, apart, spread, wanted):
    chances, needed = chance_to_see(noise, apart, spread, wanted)
    return chances, needed or 2


_chance_misconceptions = [
    Misconception(
        "1.96 in place of Student's t: with few seeds the spread is itself uncertain.",
        "scipy.stats.t.ppf(0.975, seeds - 1).",
        edited(chance_to_see, {"scipy.stats.t.ppf(0.975, seeds - 1)": "1.96"}),
    ),
    Misconception(
        "As many degrees of freedom as seeds: the mean has used up one.",
        "seeds - 1.",
        edited(chance_to_see, {"seeds - 1": "seeds"}),
    ),
    Misconception(
        "t of the largest number of seeds, for all of them.",
        "seeds - 1 degrees of freedom.",
        edited(chance_to_see, {"seeds - 1": "noise.shape[1] - 1"}),
    ),
    Misconception("t.ppf(0.95, ...) is a 90 % interval.", "0.975.", edited(chance_to_see, {"0.975": "0.95"})),
    Misconception(
        "The 2.5 % quantile is negative: every interval then excludes 0.",
        "t.ppf(0.975, seeds - 1).",
        edited(chance_to_see, {"0.975": "0.025"}),
    ),
    Misconception(
        "The standard deviation divides by the number of seeds, not by one less.",
        "std(axis=1, ddof=1).",
        edited(chance_to_see, {", ddof=1": ""}),
    ),
    Misconception(
        "The interval of single seeds, not of their mean.",
        "Divide by np.sqrt(seeds).",
        edited(chance_to_see, {" / np.sqrt(seeds)": ""}),
    ),
    Misconception(
        "Divided by the seeds in place of their root.",
        "np.sqrt(seeds).",
        edited(chance_to_see, {"np.sqrt(seeds)": "seeds"}),
    ),
    Misconception(
        "Divided by the root of the largest number of seeds.",
        "np.sqrt(seeds).",
        edited(chance_to_see, {"np.sqrt(seeds)": "np.sqrt(noise.shape[1])"}),
    ),
    Misconception(
        "Only intervals above 0 count.",
        "Either side: np.abs(mean) > reach.",
        edited(chance_to_see, {"np.abs(own.mean(axis=1))": "own.mean(axis=1)"}),
    ),
    Misconception(
        "Only intervals on the side of the true difference count.",
        "Either side: np.abs(mean) > reach. An experiment does not know the true side.",
        edited(chance_to_see, {"np.abs(own.mean(axis=1))": "np.sign(apart) * own.mean(axis=1)"}),
    ),
    Misconception(
        "One standard deviation for all experiments together.",
        "std(axis=1, ddof=1): one for each row.",
        edited(chance_to_see, {"axis=1, ddof": "ddof"}),
    ),
    Misconception(
        "The spread that was put in is used: an experiment does not know it.",
        "The standard deviation of each row.",
        edited(chance_to_see, {"own.std(axis=1, ddof=1)": "spread"}),
    ),
    Misconception(
        "The true difference is left out, or the interval is compared with it in place of 0.",
        "apart + spread * noise, and then whether the interval excludes 0.",
        edited(chance_to_see, {"own.mean(axis=1)": "own.mean(axis=1) - apart"}),
    ),
    Misconception(
        "How often nothing is seen.", "mean > reach.", edited(chance_to_see, {"> reach": "<= reach"})
    ),
    Misconception(
        "apart and noise have the same scale: the noise is not multiplied by spread, or both are.",
        "apart + spread * noise.",
        edited(chance_to_see, {"spread * noise": "noise"}),
    ),
    Misconception(
        "The spread is taken for a variance.",
        "apart + spread * noise.",
        edited(chance_to_see, {"spread * noise": "np.sqrt(spread) * noise"}),
    ),
    Misconception(
        "All columns are used, whatever the number of seeds.",
        "The first `seeds` columns: seen[:, :seeds].",
        _whole_columns,
    ),
    Misconception(
        "The last columns are used, not the first.",
        "seen[:, :seeds].",
        edited(chance_to_see, {"seen[:, :seeds]": "seen[:, -seeds:]"}),
    ),
    Misconception(
        "It begins with 1 seed, which has no spread.",
        "2, 3, ... R seeds.",
        edited(chance_to_see, {"range(2, ": "range(1, "}),
    ),
    Misconception(
        "A chance of 0 for one seed stands before the others.",
        "The first entry is for 2 seeds.",
        _one_seed_too,
    ),
    Misconception(
        "The place in chances is the number of seeds, from 0 on.",
        "The first entry is for 2 seeds.",
        _by_number_of_seeds,
    ),
    Misconception(
        "The largest number of seeds is left out.",
        "range(2, R + 1).",
        edited(chance_to_see, {"shape[1] + 1": "shape[1]"}),
    ),
    Misconception(
        "needed is a place in the list, not a number of seeds.",
        "The first entry belongs to 2 seeds.",
        edited(chance_to_see, {"number + 2 for": "number for"}),
    ),
    Misconception(
        "needed is one too small: the first entry belongs to 2 seeds.",
        "The place, counted from 0, and 2.",
        edited(chance_to_see, {"number + 2 for": "number + 1 for"}),
    ),
    Misconception(
        "A chance that equals wanted does not count as enough.",
        "wanted or more: >=.",
        edited(chance_to_see, {"chance >= wanted": "chance > wanted"}),
    ),
    Misconception(
        "The chances are rounded before they are compared with wanted: 0.667 is less than 0.67.",
        "Compare them as they are.",
        _rounded,
    ),
    Misconception(
        "The chances are taken to rise only, as np.searchsorted does, or two seeds are never enough.",
        "The first number that is enough.",
        _by_halves,
    ),
    Misconception(
        "needed comes after the last number that is not enough. The chances may fall again.",
        "The first number that is enough.",
        _after_the_last_miss,
    ),
    Misconception(
        "needed has the chance that is closest to wanted, above or below.",
        "The first with `wanted` or more.",
        _closest,
    ),
    Misconception(
        "needed has the chance that is closest to wanted, if there is one that is enough.",
        "The first with `wanted` or more.",
        _closest_if_any,
    ),
    Misconception(
        "If no number is enough, needed is 2: np.argmax of nothing but False is 0.",
        "0 if even R are not enough.",
        _two_if_none,
    ),
    Misconception(
        "needed is the most seeds with that chance, or those with the largest chance.",
        "The fewest: min.",
        edited(chance_to_see, {"min(enough, default=0)": "max(enough, default=0)"}),
    ),
    Misconception(
        "needed counts how many numbers of seeds are enough.",
        "The fewest of them.",
        edited(chance_to_see, {"min(enough, default=0)": "len(enough)"}),
    ),
    Misconception(
        "If no number is enough, the largest is returned.",
        "0 if there is none.",
        edited(chance_to_see, {"default=0": "default=noise.shape[1]"}),
    ),
    Misconception(
        "In percent.",
        "Shares, 0 to 1.",
        edited(chance_to_see, {"np.array(chances)": "100 * np.array(chances)"}),
    ),
    Misconception(
        "Means and standard deviations go along axis 0: one for each seed, over the experiments.",
        "One for each experiment, which is a row: axis=1.",
        edited(chance_to_see, {"own.std(axis=1": "own.std(axis=0", "own.mean(axis=1)": "own.mean(axis=0)"}),
    ),
    Misconception(
        "Divided by the root of seeds - 1.",
        ("The standard deviation has its seeds - 1 already.", "np.sqrt(seeds)."),
        edited(chance_to_see, {"np.sqrt(seeds)": "np.sqrt(seeds - 1)"}),
    ),
    Misconception(
        "The mean of absolute differences: two that cancel look like a large one.",
        "The absolute value of the mean: np.abs(own.mean(axis=1)).",
        edited(chance_to_see, {"np.abs(own.mean(axis=1))": "np.abs(own).mean(axis=1)"}),
    ),
    Misconception(
        "1.64 in place of Student's t: 90 % of a normal distribution.",
        "scipy.stats.t.ppf(0.975, seeds - 1).",
        edited(chance_to_see, {"scipy.stats.t.ppf(0.975, seeds - 1)": "scipy.stats.norm.ppf(0.95)"}),
    ),
    Misconception(
        "needed is 2 and the count of all chances below wanted: those after the first that is enough are in "
        "it, and it is R + 1 if there is none.",
        "The first number that is enough, 0 if there is none.",
        edited(chance_to_see, {"min(enough, default=0)": "sum(np.array(chances) < wanted) + 2"}),
    ),
]

check_chance_to_see = Exercise(
    chance_to_see,
    _chance_by_test,
    _chance_cases,
    _chance_misconceptions,
    parts=("chances", "needed"),
    where={"needed": "The first number of seeds, 2 or more, whose chance is `wanted` or more; 0 if none is."},
    insight="A difference that is not seen may still be there: ask how likely it was to be seen.",
)


# 3. A harness that compares fairly


def fair_runs(lab, settings, seeds):
    """Scores of each setting, seed by seed, after each practice: (settings, seeds, practices)."""
    runs = []
    for setting in settings:
        curves = []
        for seed in seeds:
            data = lab.recorded(setting, seed)
            agent = lab.new_agent(setting, seed)
            curve = []
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                curve.append(lab.evaluate(agent, setting))
            curves.append(curve)
        runs.append(curves)
    return np.array(runs)


def _leaking_runs(lab, settings, seeds):
    runs = []
    for seed in seeds:
        data, curves = lab.recorded(settings[0], seed), []
        for setting in settings:
            agent, curve = lab.new_agent(setting, seed), []
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                curve.append(lab.evaluate(agent, setting))
            curves.append(curve)
        runs.append(curves)
    return np.array(runs).swapaxes(0, 1)


class _PaperLab:
    """A lab of a few sums: what an agent becomes shows which data, setting, seed and practice it had."""

    def __init__(self, practices: int):
        self.practices = practices

    def recorded(self, setting, seed):
        return (10.0 * setting["quality"] + seed,)

    def new_agent(self, setting, seed):
        return 0.37 * seed + setting["rate"]

    def practise(self, agent, data, setting, seed, number):
        new = 0.5 * agent + 0.3 * number + 0.01 * seed
        data = (*data, new)
        return 0.6 * agent + setting["rate"] * (sum(data) / len(data) + 0.2 * len(data)) + 0.05 * number, data

    def evaluate(self, agent, setting):
        return np.sin(5 * agent) + 3 * setting["rate"]


def _fair_by_comprehension(lab, settings, seeds):
    def run(setting, seed):
        agent, data, curve = lab.new_agent(setting, seed), lab.recorded(setting, seed), []
        for number in range(lab.practices):
            agent, data = lab.practise(agent, data, setting, seed, number)
            curve.append(lab.evaluate(agent, setting))
        return curve

    return [[run(setting, seed) for seed in seeds] for setting in settings]


def _fair_cases(rng):
    def case(about, practices, rates, qualities, seeds, hint):
        pairs = zip(rates, qualities, strict=True)
        settings = [dict(rate=rate, quality=quality) for rate, quality in pairs]
        return Case(about, (_PaperLab(practices), settings, list(seeds)), hint)

    one = "One run: data and agent are made once, and each practice goes on with both that the last one gave."
    own = (
        "Same setting and seed, so the same scores. What differs: the data or the agent at the start, or the "
        "seed and the numbers that practise gets?"
    )
    each = "A run's data, agent, seed and numbers may depend on its own setting and seed alone."
    same = "Runs of a seed have the same seed and the same numbers of practices, and each its own setting."
    a, b, c = rng.uniform(0.1, 0.9, 3)
    return [
        case("one setting, one seed, 2 practices", 2, [0.5], [0.0], [3], one),
        case("a setting against itself, one seed", 3, [0.5, 0.5], [0.0, 0.0], [3], own),
        case("a setting against itself, three seeds", 3, [0.3, 0.3], [0.5, 0.5], [0, 1, 2], each),
        case("two settings, four seeds", 3, [a, b], [0.2, 0.2], [0, 1, 2, 5], same),
        case(
            "settings with recorders of their own", 4, [a, a], [0.1, 0.9], [4, 5], "recorded(setting, seed)."
        ),
        case("three settings, two seeds", 2, [a, b, c], [0.0, 0.5, 0.5], [7, 8], same),
    ]


def _other_seeds(lab, settings, seeds):
    return [
        fair_runs(lab, [each], [seed + i * len(seeds) for seed in seeds])[0]
        for i, each in enumerate(settings)
    ]


def _numbers_go_on(lab, settings, seeds):
    runs = np.empty((len(settings), len(seeds), lab.practices))
    running = 0
    for i, k in np.ndindex(runs.shape[:2]):
        data, agent = lab.recorded(settings[i], seeds[k]), lab.new_agent(settings[i], seeds[k])
        for number in range(lab.practices):
            agent, data = lab.practise(agent, data, settings[i], seeds[k], running)
            runs[i, k, number] = lab.evaluate(agent, settings[i])
            running += 1
    return runs


def _agent_goes_on(lab, settings, seeds):
    runs = np.empty((len(settings), len(seeds), lab.practices))
    for k, seed in enumerate(seeds):
        agent = lab.new_agent(settings[0], seed)
        for i, setting in enumerate(settings):
            data = lab.recorded(setting, seed)
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                runs[i, k, number] = lab.evaluate(agent, setting)
    return runs


_DATA, _AGENT = "data = lab.recorded(setting, seed)", "agent = lab.new_agent(setting, seed)"
_SCORED = "curve.append(lab.evaluate(agent, setting))"
_LOOP, _TOOK = "for number in range(lab.practices):", "lab.practise(agent, data, setting, seed, number)"


def _over_seeds(made: str) -> dict[str, str]:
    """Edits of `fair_runs` that make something once for all seeds of a setting."""
    once = made.replace("seed)", "seeds[0])")
    return {f"            {made}\n": "", "        curves = []": f"        {once}\n        curves = []"}


_fair_misconceptions = [
    Misconception(
        "The leak is still there: the second setting begins with what the first one has collected.",
        "Each run of each setting begins with the recorded data alone.",
        _leaking_runs,
    ),
    Misconception(
        "The agent of the first setting goes on training as the second one.",
        "lab.new_agent(setting, seed) for each setting.",
        _agent_goes_on,
    ),
    Misconception(
        "The data are shared over seeds: the second seed begins with the first one's.",
        "lab.recorded(setting, seed) for each seed.",
        edited(fair_runs, _over_seeds(_DATA)),
    ),
    Misconception(
        "The agent goes on over the seeds: the second seed begins with the first one's.",
        "lab.new_agent(setting, seed) for each seed.",
        edited(fair_runs, _over_seeds(_AGENT)),
    ),
    Misconception(
        "One agent goes on through all settings and seeds.",
        "lab.new_agent(setting, seed) for each run.",
        edited(
            fair_runs,
            {
                "runs = []\n": "runs, agent = [], lab.new_agent(settings[0], seeds[0])\n",
                "            agent = lab.new_agent(setting, seed)\n": "",
            },
        ),
    ),
    Misconception(
        "All seeds begin with the data of the first seed.",
        "lab.recorded(setting, seed).",
        edited(fair_runs, {"lab.recorded(setting, seed)": "lab.recorded(setting, seeds[0])"}),
    ),
    Misconception(
        "All seeds begin with the agent of the first seed.",
        "lab.new_agent(setting, seed).",
        edited(fair_runs, {"lab.new_agent(setting, seed)": "lab.new_agent(setting, seeds[0])"}),
    ),
    Misconception(
        "An untrained agent is evaluated: what a practice gives back is not kept, or another is asked.",
        "agent, data = lab.practise(...).",
        edited(fair_runs, {"agent, data = lab.practise": "_, data = lab.practise"}),
    ),
    Misconception(
        "What was collected is not kept: every practice begins with the recorded data.",
        "lab.recorded once, before the practices, and then agent, data = lab.practise(...).",
        edited(fair_runs, {_LOOP: f"{_LOOP}\n                data = lab.recorded(setting, seed)"}),
    ),
    Misconception(
        "Every practice trains an untrained agent.",
        "lab.new_agent once, before the practices, and then agent, data = lab.practise(...).",
        edited(fair_runs, {_LOOP: f"{_LOOP}\n                agent = lab.new_agent(setting, seed)"}),
    ),
    Misconception(
        "All runs begin with the data of the first setting's recorder.",
        "lab.recorded(setting, seed).",
        edited(fair_runs, {"lab.recorded(setting, seed)": "lab.recorded(settings[0], seed)"}),
    ),
    Misconception(
        "Each setting gets seeds of its own: the luck of a seed no longer drops out.",
        "The same seeds for all settings.",
        _other_seeds,
    ),
    Misconception(
        "All runs practise with the first setting.",
        "lab.practise(agent, data, setting, seed, number).",
        edited(fair_runs, {_TOOK: _TOOK.replace("setting", "settings[0]")}),
    ),
    Misconception(
        "All agents are evaluated with the first setting.",
        "lab.evaluate(agent, setting).",
        edited(fair_runs, {"lab.evaluate(agent, setting)": "lab.evaluate(agent, settings[0])"}),
    ),
    Misconception(
        "All agents are made by the first setting.",
        "lab.new_agent(setting, seed).",
        edited(fair_runs, {"lab.new_agent(setting, seed)": "lab.new_agent(settings[0], seed)"}),
    ),
    Misconception(
        "Every practice has the number 0, and so the same random numbers.",
        "Pass on its number.",
        edited(fair_runs, {_TOOK: _TOOK.replace("number", "0")}),
    ),
    Misconception(
        "The numbers of the practices go on from run to run: no two runs have the same random numbers.",
        "for number in range(lab.practices), for each run.",
        _numbers_go_on,
    ),
    Misconception(
        "The practices are counted from 1.",
        "From 0 on, as in the harness above.",
        edited(fair_runs, {_TOOK: _TOOK.replace("number", "number + 1")}),
    ),
    Misconception(
        "The number of the seed in the list is used, not the seed.",
        "for seed in seeds.",
        lambda lab, settings, seeds: fair_runs(lab, settings, range(len(seeds))),
    ),
    Misconception(
        "Agents are evaluated before each practice, not after it.",
        "Practise, then evaluate.",
        edited(
            fair_runs,
            {f"                {_SCORED}\n": "", _LOOP: f"{_LOOP}\n                {_SCORED}"},
        ),
    ),
    Misconception(
        "The best score so far is reported: a lucky evaluation stays for ever.",
        "The score of this practice.",
        lambda *args: np.maximum.accumulate(fair_runs(*args), axis=2),
    ),
    Misconception(
        "The best score of each curve is reported.",
        "The whole curve: (settings, seeds, practices).",
        lambda *args: fair_runs(*args).max(axis=2),
    ),
    Misconception(
        "Only the last score is reported.",
        "The whole curve: (settings, seeds, practices).",
        lambda *args: fair_runs(*args)[:, :, -1],
    ),
    Misconception(
        "The mean over the practices is reported.",
        "The whole curve: (settings, seeds, practices).",
        lambda *args: fair_runs(*args).mean(axis=2),
    ),
    Misconception(
        "The axes are (seeds, settings, practices).",
        "Settings first.",
        lambda *args: fair_runs(*args).swapaxes(0, 1),
    ),
    Misconception(
        "The last practice is missing.",
        "for number in range(lab.practices).",
        edited(fair_runs, {"range(lab.practices)": "range(lab.practices - 1)"}),
    ),
    Misconception(
        "The scores of all seeds stand in one curve, which each seed has.",
        ("Each run has a curve of its own.", "curve = [] inside the loop over seeds."),
        edited(fair_runs, {"            curve = []\n": "", "curves = []": "curves, curve = [], []"}),
    ),
    Misconception(
        "The score after the last practice stands for every practice of its run.",
        "Evaluate after each practice: in the loop, not after it.",
        lambda lab, *args: np.repeat(fair_runs(lab, *args)[:, :, -1:], lab.practices, axis=2),
    ),
]

check_fair_runs = Exercise(
    fair_runs,
    _fair_by_comprehension,
    _fair_cases,
    _fair_misconceptions,
    insight="A setting against itself is the cheapest test of a harness: the difference is 0, seed by seed.",
)


# 4. Two changes, each without and with the other


def two_changes(success):
    """What each of two changes adds without the other, with it, and on average (its main effect); and the
    interaction. success (2, 2, R), by whether the first and the second change are there -> (7, 3), rows of
    mean, low, high: first without, with, main; second without, with, main; interaction.
    """
    first = success[1] - success[0]  # (2, R)
    second = success[:, 1] - success[:, 0]
    gains = [first[0], first[1], first.mean(axis=0), second[0], second[1], second.mean(axis=0)]
    between = first[1] - first[0]
    return np.stack(mean_interval(np.transpose([*gains, between])), axis=1)


def _changes_by_seed(success):
    table = []
    for neither, second, first, both in success.reshape(4, -1).T:
        rows = [first - neither, both - second, (first - neither + both - second) / 2]
        rows += [second - neither, both - first, (second - neither + both - first) / 2]
        table.append([*rows, both - first - second + neither])
    mean, reach = np.mean(table, axis=0), scipy.stats.t.isf(0.025, len(table) - 1) * scipy.stats.sem(table)
    return np.stack([mean, mean - reach, mean + reach], axis=1)


def _changes_cases(rng):
    def case(about, means, seeds, hint, spread=5.0):
        luck = rng.normal(0, 8, seeds)
        noise = rng.normal(0, spread, (2, 2, seeds))
        return Case(about, (np.array(means)[:, :, None] + luck + noise,), hint)

    return [
        Case(
            "two seeds; neither 10, 20; first alone 20, 34; second alone 12, 20; both 50, 68",
            (np.array([[[10, 20], [12, 20]], [[20, 34], [50, 68]]], float),),
            "The first change adds 10 and 14 without the second, 38 and 48 with it: 24 and 31 on average, "
            "and 28 and 34 more with it than without. The second adds 2 and 0, with the first 30 and 34.",
        ),
        case(
            "eight seeds, each adds something",
            ((20, 28), (32, 41)),
            8,
            "Two cells that differ in one change alone, seed by seed; only then the mean and its interval.",
        ),
        case(
            "eight seeds, the first change hurts without the second and helps with it",
            ((44, 4), (21, 36)),
            8,
            "The main effect is the mean of what it does without and with the other.",
        ),
        case(
            "five seeds, they get in each other's way",
            ((30, 45), (50, 48)),
            5,
            "The interaction may be negative.",
        ),
        case("twelve seeds, nothing does anything", ((40, 40), (40, 40)), 12, "Intervals around 0.", 9.0),
    ]


def _with_rows(change):
    def answer(success):
        rows = two_changes(success)
        change(rows)
        return rows

    return answer


def _ends_subtracted(rows):
    rows[6] = rows[1] - rows[0]


def _ends_crossed(rows):
    rows[6, 1:] = rows[1, 1] - rows[0, 2], rows[1, 2] - rows[0, 1]


def _ends_averaged(rows):
    rows[2], rows[5] = rows[:2].mean(axis=0), rows[3:5].mean(axis=0)


def _each_seed_twice(success):
    rows = two_changes(success)
    rows[2] = mean_interval((success[1] - success[0]).ravel())
    rows[5] = mean_interval((success[:, 1] - success[:, 0]).ravel())
    return rows


def _unpaired_changes(success):
    rows, n = two_changes(success), success.shape[2]
    error = success.var(axis=2, ddof=1) / n
    squares = [*error.sum(axis=0), error.sum() / 4, *error.sum(axis=1), error.sum() / 4, error.sum()]
    reach = scipy.stats.t.ppf(0.975, n - 1) * np.sqrt(squares)
    return np.stack([rows[:, 0], rows[:, 0] - reach, rows[:, 0] + reach], axis=1)


_BETWEEN = "between = first[1] - first[0]"
_BOTH = "success[1, 1] - success[0, 0]"
_changes_misconceptions = [
    Misconception(
        "The rows of the two changes are exchanged.",
        "success[1, 0] has the first change alone.",
        lambda success: two_changes(success.swapaxes(0, 1)),
    ),
    Misconception(
        "without and with are exchanged.",
        "Without the second change: success[1, 0] and success[0, 0].",
        edited(
            two_changes,
            {"first[0], first[1], ": "first[1], first[0], ", "second[0], second[1]": "second[1], second[0]"},
        ),
    ),
    Misconception(
        "with is measured against neither: that is what both add.",
        "The other change is there before and after.",
        edited(
            two_changes,
            {"first[0], first[1], ": f"first[0], {_BOTH}, ", "second[0], second[1]": f"second[0], {_BOTH}"},
        ),
    ),
    Misconception(
        "with is measured against neither, and the main effects inherit it.",
        "The other change is there before and after.",
        edited(
            two_changes,
            {
                "first[0], first[1], first.mean(axis=0)": f"first[0], {_BOTH}, (first[0] + {_BOTH}) / 2",
                "second[0], second[1], second.mean(axis=0)": f"second[0], {_BOTH}, (second[0] + {_BOTH}) / 2",
            },
        ),
    ),
    Misconception(
        "both minus the first alone is what the second adds: the rows with the other are exchanged.",
        "For the first change with the second: both minus the second alone.",
        edited(
            two_changes,
            {"first[0], first[1], ": "first[0], second[1], ", "second[0], second[1]": "second[0], first[1]"},
        ),
    ),
    Misconception(
        "Two cells that differ in both changes are subtracted: one alone minus the other alone.",
        "Two cells that differ in one change alone.",
        edited(two_changes, {"first = success[1] - success[0]": "first = success[1] - success[0, ::-1]"}),
    ),
    Misconception(
        "The main effect is the sum of the two.",
        "Their mean.",
        edited(two_changes, {"first.mean(": "first.sum(", "second.mean(": "second.sum("}),
    ),
    Misconception(
        "The main effect is half of what both add together.",
        "The mean of what the change adds without and with the other.",
        edited(
            two_changes, {"first.mean(axis=0)": f"({_BOTH}) / 2", "second.mean(axis=0)": f"({_BOTH}) / 2"}
        ),
    ),
    Misconception(
        "The main effect is what the change adds alone.",
        "The mean of what it adds without and with the other.",
        edited(two_changes, {"first.mean(axis=0)": "first[0]", "second.mean(axis=0)": "second[0]"}),
    ),
    Misconception(
        "The main effect's interval is the mean of two intervals.",
        "The mean of the two seed by seed, and then its interval.",
        _with_rows(_ends_averaged),
    ),
    Misconception(
        "Each seed counts twice in the main effect: n is the number of seeds.",
        "The mean of the two for each seed, (R,), and then its interval.",
        _each_seed_twice,
    ),
    Misconception(
        "The ends of two intervals are subtracted.",
        "The interaction has a spread of its own: subtract seed by seed.",
        _with_rows(_ends_subtracted),
    ),
    Misconception(
        "The interaction runs from the lowest to the highest difference of two intervals' ends.",
        "It has a spread of its own: subtract seed by seed.",
        _with_rows(_ends_crossed),
    ),
    Misconception(
        "The first change's main effect is what both changes make together, against none.",
        "The mean of what it adds without the other, and with it.",
        edited(two_changes, {"first.mean(axis=0)": "success[1, 1] - success[0, 0]"}),
    ),
    Misconception(
        "The sign of the interaction is turned: without minus with.",
        "What the first adds with the second, minus without it.",
        edited(two_changes, {_BETWEEN: "between = first[0] - first[1]"}),
    ),
    Misconception(
        "The interaction is halved, as in codings by -1 and 1.",
        "With minus without.",
        edited(two_changes, {_BETWEEN: "between = (first[1] - first[0]) / 2"}),
    ),
    Misconception(
        "neither is forgotten in the interaction: both minus the two alone.",
        "With minus without.",
        edited(two_changes, {_BETWEEN: "between = success[1, 1] - success[1, 0] - success[0, 1]"}),
    ),
    Misconception(
        "The interaction is what both add together.",
        "With minus without.",
        edited(two_changes, {_BETWEEN: f"between = {_BOTH}"}),
    ),
    Misconception(
        "The interaction is the difference of the two main effects.",
        "What the first adds with the second, minus without it.",
        edited(two_changes, {_BETWEEN: "between = first.mean(axis=0) - second.mean(axis=0)"}),
    ),
    Misconception(
        "The interaction is both minus the better one of the two.",
        "With minus without.",
        edited(two_changes, {_BETWEEN: "between = success[1, 1] - np.maximum(success[1, 0], success[0, 1])"}),
    ),
    Misconception(
        "The sign of all gains is turned.",
        "With the change minus without it.",
        lambda success: -two_changes(success)[:, [0, 2, 1]],
    ),
    Misconception(
        "Gains in percent of neither.",
        "Points: a difference.",
        lambda success: two_changes(100 * success / success[0, 0]),
    ),
    Misconception(
        "The intervals do not know of pairs: the variances of the cells are added.",
        "mean_interval of the differences, seed by seed.",
        _unpaired_changes,
    ),
    Misconception(
        "A column for each gain: rows and columns are exchanged.",
        "(7, 3): a row for each gain.",
        lambda success: two_changes(success).T,
    ),
]

check_two_changes = Exercise(
    two_changes,
    _changes_by_seed,
    _changes_cases,
    _changes_misconceptions,
    insight="A main effect is the mean of two numbers. Where they differ much, it describes neither.",
)
