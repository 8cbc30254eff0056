"""Exercises of lesson 09: matched pairs of runs, a paired bootstrap, how many seeds it takes, controls,
misleading plots. Shapes: C runs, F settings, R seeds, K resamples, M invented experiments.
"""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception

# 1. Which runs make a matched pair


def matched(settings, factor):
    """Which pairs of runs differ in one setting and in nothing else:
    settings (C, F), the setting's column -> (C, C) bool.
    """
    differs = settings[:, None, :] != settings[None, :, :]  # (C, C, F)
    return differs[:, :, factor] & (differs.sum(axis=2) == 1)


def _matched_by_loop(settings, factor):
    runs, many = settings.shape
    pairs = np.zeros((runs, runs))
    for i in range(runs):
        for j in range(runs):
            others = all(settings[i, f] == settings[j, f] for f in range(many) if f != factor)
            pairs[i, j] = others and settings[i, factor] != settings[j, factor]
    return pairs


def _matched_cases(rng):
    table = lambda *rows: np.array(rows, float)
    many = np.concatenate([rng.integers(0, 2, (9, 3)), rng.integers(0, 3, (9, 1))], axis=1).astype(float)
    return [
        Case(
            "three runs (H, N): (1, 4), (5, 4), (5, 16), the factor is H",
            (table((1, 4), (5, 4), (5, 16)), 0),
            (
                "Run 0 and run 1 differ in H only. "
                "Run 0 and run 2 differ in H and in N: no matched pair. Run 1 and run 2 do not differ in H."
            ),
        ),
        Case(
            "the same runs, the factor is N",
            (table((1, 4), (5, 4), (5, 16)), 1),
            "Now only run 1 and run 2 are a pair.",
        ),
        Case(
            "two runs that are alike",
            (table((5, 4, 2), (5, 4, 2)), 0),
            "They do not differ in the factor: nothing is compared.",
        ),
        Case(
            "two changes that cancel in the sum",
            (table((1, 5, 2), (5, 2, 5), (5, 5, 2)), 0),
            "Compare entry by entry: in the others, (5, 2) and (2, 5) differ twice.",
        ),
        Case("one run", (table((5, 4, 2)), 1), "A run is no pair with itself."),
        Case(
            "four runs, the last factor",
            (table((1, 0, 4), (1, 0, 3), (2, 0, 3), (1, 0, 5)), 2),
            "Runs 0, 1 and 3 differ in the last setting only, each from each other.",
        ),
        Case(
            "two learning rates, the factor is the learning rate",
            (table((5, 1e-3), (5, 3e-4), (5, 1e-3)), 1),
            "Runs 0 and 1 differ, by little: compare with !=, not by a threshold or as whole numbers.",
        ),
        Case(
            "nine runs of four settings",
            (many, int(rng.integers(0, 3))),
            (
                "differs = settings[:, None] != settings[None]: (C, C, F). "
                "The factor is among them, and it is the only one."
            ),
        ),
        Case(
            "nine runs, the last setting",
            (many, 3),
            (
                "differs = settings[:, None] != settings[None]: (C, C, F). "
                "The factor is among them, and it is the only one."
            ),
        ),
    ]


def _differs(settings):
    return settings[:, None, :] != settings[None, :, :]


def _rest(settings, factor):
    return np.delete(_differs(settings), factor, axis=2)


check_matched = Exercise(
    matched,
    _matched_by_loop,
    _matched_cases,
    [
        Misconception(
            (
                "All pairs that differ in the factor, whatever else differs: "
                "what is confounded counts as matched."
            ),
            "All other settings have to be equal.",
            lambda s, f: _differs(s)[:, :, f],
        ),
        Misconception(
            (
                "Pairs that agree in all else count, even if the factor is the same: "
                "a run is paired with itself."
            ),
            "The factor has to differ, too.",
            lambda s, f: ~_rest(s, f).any(axis=2),
        ),
        Misconception(
            "Any one setting may differ, not only the factor.",
            "The one that differs has to be the factor.",
            lambda s, f: _differs(s).sum(axis=2) == 1,
        ),
        Misconception(
            "It says which pairs are confounded: they differ in the factor and in something else.",
            "In nothing else.",
            lambda s, f: _differs(s)[:, :, f] & _rest(s, f).any(axis=2),
        ),
        Misconception(
            "The factor is equal, and something else differs: upside down.",
            "The factor differs, and nothing else.",
            lambda s, f: ~_differs(s)[:, :, f] & _rest(s, f).any(axis=2),
        ),
        Misconception(
            "One of the others may differ as well: at most two differences.",
            "Exactly one difference, the factor.",
            lambda s, f: _differs(s)[:, :, f] & (_differs(s).sum(axis=2) <= 2),
        ),
        Misconception(
            "Each pair once only: [i, j] is True and [j, i] is not.",
            "Both: if i and j are a pair, so are j and i.",
            lambda s, f: np.triu(matched(s, f)),
        ),
        Misconception(
            "The sums of the settings are compared: two changes can cancel.",
            "Compare entry by entry.",
            lambda s, f: (
                (s[:, None, f] != s[None, :, f])
                & (np.delete(s, f, 1).sum(1)[:, None] == np.delete(s, f, 1).sum(1)[None])
            ),
        ),
        Misconception(
            "All settings have to differ.", "The factor only.", lambda s, f: _differs(s).all(axis=2)
        ),
        Misconception(
            "The first setting is taken for the factor.",
            "The factor is the column factor.",
            lambda s, f: matched(s, 0),
        ),
        Misconception(
            "The last setting is taken for the factor.",
            "The factor is the column factor.",
            lambda s, f: matched(s, s.shape[1] - 1),
        ),
        Misconception(
            "The difference has to be upwards: [j] larger than [i].",
            "!=, in either direction.",
            lambda s, f: matched(s, f) & (s[:, None, f] < s[None, :, f]),
        ),
        Misconception(
            "It counts the settings that differ.",
            "True or False for each pair.",
            lambda s, f: _differs(s).sum(axis=2),
        ),
    ],
    insight="An ablation is a list of matched pairs. A pair that differs twice answers no question.",
)


# 2. The paired bootstrap


def paired_bootstrap(one, other, picks):
    """95 % percentile interval of the mean difference one - other (R,), over resamples of seeds:
    picks (K, R) -> low, high.
    """
    means = (one - other)[picks].mean(axis=1)  # (K,)
    return np.percentile(means, 2.5), np.percentile(means, 97.5)


def _paired_by_loop(one, other, picks):
    means = sorted(sum(one[i] - other[i] for i in pick) / len(pick) for pick in picks)

    def at(share):
        place = share * (len(means) - 1)
        below = int(np.floor(place))
        return means[below] + (place - below) * (means[min(below + 1, len(means) - 1)] - means[below])

    return at(0.025), at(0.975)


def _paired_cases(rng):
    def case(about, seeds, many, shared, hint, whole=False):
        luck = rng.normal(50, shared, seeds)
        one, other = (luck + rng.normal(5 * i, 4, seeds) for i in (1, 0))
        if whole:
            one, other = one.round().astype(int), other.round().astype(int)
        return Case(about, (one, other, rng.integers(0, seeds, (many, seeds))), hint)

    pairs = (
        "A resample takes seeds, and with a seed both runs: (one - other)[picks]. "
        "Its mean over the last axis is one of K means."
    )
    return [
        Case(
            "two seeds, three resamples",
            (np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.array([[0, 0], [0, 1], [1, 1]])),
            (
                "The differences are 2 and 0. "
                "The resamples' means are 2, 1, 0. The percentiles 2.5 and 97.5 of these are 0.05 and 1.95."
            ),
        ),
        case("eight seeds, 400 resamples", 8, 400, 2, pairs),
        case(
            "eight seeds that differ a lot, 400 resamples",
            8,
            400,
            20,
            "The seeds' luck is the same in both runs, and drops out of one - other. " + pairs,
        ),
        case(
            "five seeds, 1,000 resamples",
            5,
            1000,
            10,
            "np.percentile(means, 2.5) and np.percentile(means, 97.5).",
        ),
        case("whole numbers", 6, 300, 15, pairs, whole=True),
        Case(
            "one run is ahead by 10 on every seed",
            (np.array([60.0, 20.0, 90.0]), np.array([50.0, 10.0, 80.0]), rng.integers(0, 3, (200, 3))),
            "Every resample has a mean of 10: the interval has no width.",
        ),
    ]


def _paired_with(
    apart=lambda a, b: a - b,
    over=lambda x: x.mean(axis=1),
    ends=(2.5, 97.5),
    picked=lambda x, picks: x[picks],
    cut=np.percentile,
):
    return lambda a, b, picks: tuple(cut(over(picked(apart(a, b), picks)), end) for end in ends)


def _paired_unpaired(a, b, picks):
    means = a[picks].mean(axis=1) - b[np.roll(picks, 1, axis=0)].mean(axis=1)
    return np.percentile(means, 2.5), np.percentile(means, 97.5)


def _paired_apart(a, b, picks):
    """The two runs' own intervals, one less the other."""
    one, other = (np.percentile(x[picks].mean(axis=1), (2.5, 97.5)) for x in (a, b))
    return one[0] - other[1], one[1] - other[0]


def _paired_normal(a, b, picks, limit=1.96):
    means = (a - b)[picks].mean(axis=1)
    return means.mean() - limit * means.std(), means.mean() + limit * means.std()


def _paired_t(a, b, picks):
    reach = scipy.stats.t.ppf(0.975, len(a) - 1) * scipy.stats.sem(a - b)
    return (a - b).mean() - reach, (a - b).mean() + reach


check_paired_bootstrap = Exercise(
    paired_bootstrap,
    _paired_by_loop,
    _paired_cases,
    [
        Misconception(
            "The other one less this one: the sign is turned.",
            "one - other.",
            _paired_with(apart=lambda a, b: b - a),
        ),
        Misconception(
            (
                "The basic bootstrap, which turns the percentiles round: "
                "another good interval, but not the one asked for."
            ),
            "np.percentile(means, 2.5) and (means, 97.5).",
            lambda a, b, p: tuple(2 * (a - b).mean() - e for e in _paired_with()(a, b, p)[::-1]),
        ),
        Misconception(
            "Only one run is resampled.",
            "The same picks for both: (one - other)[picks].",
            lambda a, b, p: tuple(np.percentile(a[p].mean(axis=1) - b.mean(), (2.5, 97.5))),
        ),
        Misconception(
            "Half-widths in place of the ends.",
            "low and high themselves.",
            lambda a, b, p: tuple(abs(e - (a - b).mean()) for e in _paired_with()(a, b, p)),
        ),
        Misconception(
            "A sorted mean at a rounded place: np.percentile interpolates between two.",
            "np.percentile(means, 2.5) and (means, 97.5).",
            _paired_with(cut=lambda m, e: np.percentile(m, e, method="lower")),
        ),
        Misconception(
            "The two runs are resampled apart: the seeds' luck no longer drops out.",
            "The same picks for both: (one - other)[picks].",
            _paired_unpaired,
        ),
        Misconception(
            (
                "Each run has an interval of its own, and these are subtracted: "
                "far too wide, since the luck that the runs share is counted twice."
            ),
            "Take the difference in each seed first.",
            _paired_apart,
        ),
        Misconception(
            "The percentiles 5 and 95: that is a 90 % interval.",
            "2.5 and 97.5: two and a half percent are left on each side.",
            _paired_with(ends=(5, 95)),
        ),
        Misconception("The percentiles 0 and 95.", "2.5 and 97.5.", _paired_with(ends=(0, 95))),
        Misconception(
            "np.percentile counts in percent, np.quantile in shares: 0.025 percent was asked for.",
            "np.percentile(means, 2.5).",
            _paired_with(ends=(0.025, 0.975)),
        ),
        Misconception(
            "The smallest and the largest of all means.",
            "np.percentile(means, 2.5) and (means, 97.5).",
            _paired_with(ends=(0, 100)),
        ),
        Misconception("The quartiles.", "2.5 and 97.5.", _paired_with(ends=(25, 75))),
        Misconception(
            "Percentiles of single differences: how seeds scatter, not how sure their mean is.",
            "The mean of each resample first: .mean(axis=1).",
            lambda a, b, p: tuple(np.percentile((a - b)[p], (2.5, 97.5))),
        ),
        Misconception(
            "Percentiles of the differences themselves, without resampling.",
            "(one - other)[picks].mean(axis=1) are K means.",
            lambda a, b, p: tuple(np.percentile(a - b, (2.5, 97.5))),
        ),
        Misconception(
            "The mean is taken over the resamples, not over the seeds of a resample.",
            ".mean(axis=1): the last axis of picks are the seeds.",
            _paired_with(over=lambda x: x.mean(axis=0)),
        ),
        Misconception(
            "Medians in place of means.", ".mean(axis=1).", _paired_with(over=lambda x: np.median(x, axis=1))
        ),
        Misconception(
            "Sums in place of means.", ".mean(axis=1).", _paired_with(over=lambda x: x.sum(axis=1))
        ),
        Misconception(
            "Absolute differences: the sign is lost, and 0 can never lie inside.",
            "one - other, with its sign.",
            _paired_with(apart=lambda a, b: np.abs(a - b)),
        ),
        Misconception(
            "A normal interval of 1.96 standard deviations of the resamples.",
            "The percentiles of the means themselves.",
            _paired_normal,
        ),
        Misconception(
            "A t-interval: picks is not used.",
            "That is another good interval. Here: the percentiles of the resampled means.",
            _paired_t,
        ),
        Misconception(
            "Of one only: the other run is not subtracted.",
            "(one - other)[picks].",
            _paired_with(apart=lambda a, b: a),
        ),
        Misconception(
            "A ratio in place of a difference.",
            "one - other.",
            _paired_with(apart=lambda a, b: a / np.where(b == 0, 1, b)),
        ),
        Misconception(
            "Percentages of the control: relative differences.",
            "one - other, in points.",
            _paired_with(apart=lambda a, b: 100 * (a - b) / np.where(b == 0, 1, b)),
        ),
        Misconception(
            "The differences are resampled less their mean: an interval around 0.",
            "Around the mean difference: (one - other)[picks].",
            _paired_with(apart=lambda a, b: a - b - (a - b).mean()),
        ),
    ],
    parts=("low", "high"),
    insight="Pairs in, pairs out: what the two runs share is in both, and drops out.",
)


# 3. How many seeds


def chance_to_see(noise, apart, spread):
    """Share of invented experiments whose 95 % t-interval of the mean difference excludes 0:
    noise (M, R) standard normal.
    """
    seen = apart + spread * noise  # (M, R) differences seed by seed
    reach = scipy.stats.t.ppf(0.975, noise.shape[1] - 1) * seen.std(axis=1, ddof=1) / np.sqrt(noise.shape[1])
    return np.mean(np.abs(seen.mean(axis=1)) > reach)


def _chance_by_test(noise, apart, spread):
    return np.mean(scipy.stats.ttest_1samp(apart + spread * noise, 0, axis=1).pvalue < 0.05)


def _chance_cases(rng):
    def case(about, many, seeds, apart, spread, hint):
        return Case(about, (rng.normal(size=(many, seeds)), apart, spread), hint)

    steps = (
        "differences = apart + spread * noise, (M, R). "
        "Of each row the mean, and its t-interval: mean +- t * std(ddof=1) / sqrt(R)."
    )
    return [
        Case(
            "two experiments of three seeds: noise (0, 1, -1) and (0, 3, -3), apart 3, spread 1",
            (np.array([[0.0, 1.0, -1.0], [0.0, 3.0, -3.0]]), 3.0, 1.0),
            (
                "Differences 3, 4, 2 and 3, 6, 0. Both means are 3; the standard deviations are 1 and 3. "
                "t for 3 seeds is 4.30: 3 > 4.30 * 1 / sqrt(3) = 2.5, but not 3 > 7.5. One of two: 0.5."
            ),
        ),
        case(
            "500 experiments of 4 seeds, 15 points apart, spread 14",
            500,
            4,
            15.0,
            14.0,
            steps + " scipy.stats.t.ppf(0.975, R - 1) is 3.18 for 4 seeds.",
        ),
        case("500 experiments of 8 seeds, 15 points apart, spread 14", 500, 8, 15.0, 14.0, steps),
        case(
            "500 experiments of 8 seeds, nothing apart",
            500,
            8,
            0.0,
            14.0,
            (
                "About 5 % of experiments show a difference that is not there. "
                "In either direction: the absolute value."
            ),
        ),
        case(
            "500 experiments of 6 seeds, 12 points behind",
            500,
            6,
            -12.0,
            10.0,
            "Excludes 0 on either side: np.abs(mean) > reach.",
        ),
        case("400 experiments of 20 seeds, 5 apart, spread 9", 400, 20, 5.0, 9.0, steps),
        case("600 experiments of 3 seeds, 10 apart, spread 5", 600, 3, 10.0, 5.0, "With 3 seeds t is 4.30."),
    ]


def _chance_with(
    limit=lambda r: scipy.stats.t.ppf(0.975, r - 1),
    deviation=lambda d: d.std(axis=1, ddof=1),
    root=np.sqrt,
    side=np.abs,
    differences=lambda n, a, s: a + s * n,
    over=np.mean,
):
    def wrong(noise, apart, spread):
        seen, seeds = differences(noise, apart, spread), noise.shape[1]
        return over(side(seen.mean(axis=1)) > limit(seeds) * deviation(seen) / root(seeds))

    return wrong


check_chance_to_see = Exercise(
    chance_to_see,
    _chance_by_test,
    _chance_cases,
    [
        Misconception(
            (
                "1.96 in place of Student's t: "
                "with few seeds the standard deviation is itself uncertain, and the interval has to be wider."
            ),
            "scipy.stats.t.ppf(0.975, R - 1).",
            _chance_with(limit=lambda r: 1.96),
        ),
        Misconception(
            "R degrees of freedom: the mean has used up one.",
            "R - 1.",
            _chance_with(limit=lambda r: scipy.stats.t.ppf(0.975, r)),
        ),
        Misconception(
            "t.ppf(0.95, ...) leaves 5 % on each side: a 90 % interval.",
            "0.975: two and a half percent on each side.",
            _chance_with(limit=lambda r: scipy.stats.t.ppf(0.95, r - 1)),
        ),
        Misconception(
            "The standard deviation is divided by R, not by R - 1: too small with few seeds.",
            "std(axis=1, ddof=1).",
            _chance_with(deviation=lambda d: d.std(axis=1)),
        ),
        Misconception(
            "The interval of single seeds, not of their mean.",
            "Divide the standard deviation by sqrt(R).",
            _chance_with(root=lambda r: 1.0),
        ),
        Misconception("Divided by R in place of its root.", "sqrt(R).", _chance_with(root=lambda r: r)),
        Misconception(
            "Only intervals above 0 count: a difference in the other direction is seen, too.",
            "np.abs of the mean.",
            _chance_with(side=lambda m: m),
        ),
        Misconception(
            "Whether the mean is above 0, without an interval.",
            "The interval has to exclude 0.",
            lambda n, a, s: np.mean((a + s * n).mean(axis=1) > 0),
        ),
        Misconception(
            "One standard deviation for all experiments together: the axis was forgotten.",
            "std(axis=1, ddof=1): one for each row.",
            _chance_with(deviation=lambda d: np.full(len(d), d.std(ddof=1))),
        ),
        Misconception(
            "The standard deviation of the noise, not of the differences.",
            "std(axis=1, ddof=1) of apart + spread * noise.",
            lambda n, a, s: np.mean(
                np.abs((a + s * n).mean(1))
                > scipy.stats.t.ppf(0.975, n.shape[1] - 1) * n.std(axis=1, ddof=1) / np.sqrt(n.shape[1])
            ),
        ),
        Misconception(
            (
                "Whether the interval excludes the true difference: "
                "that happens in 5 % of cases by construction."
            ),
            "Whether it excludes 0.",
            lambda n, a, s: np.mean(
                np.abs((s * n).mean(1))
                > scipy.stats.t.ppf(0.975, n.shape[1] - 1) * (s * n).std(axis=1, ddof=1) / np.sqrt(n.shape[1])
            ),
        ),
        Misconception(
            "The 2.5 % quantile of t is negative: every interval then excludes 0.",
            "t.ppf(0.975, R - 1).",
            _chance_with(limit=lambda r: scipy.stats.t.ppf(0.025, r - 1)),
        ),
        Misconception(
            "The whole width of the interval in place of its half.",
            "mean +- t * s / sqrt(R): compare the mean with the half.",
            _chance_with(limit=lambda r: 2 * scipy.stats.t.ppf(0.975, r - 1)),
        ),
        Misconception(
            "The spread is used itself: an experiment does not know it.",
            "std(axis=1, ddof=1) of each row.",
            lambda n, a, s: np.mean(
                np.abs((a + s * n).mean(axis=1))
                > scipy.stats.t.ppf(0.975, n.shape[1] - 1) * s / np.sqrt(n.shape[1])
            ),
        ),
        Misconception(
            "It says how often nothing is seen.",
            "The share that excludes 0.",
            lambda n, a, s: 1 - chance_to_see(n, a, s),
        ),
        Misconception(
            "The noise is not scaled, or the difference is scaled as well.",
            "apart + spread * noise: only the noise is scaled.",
            _chance_with(differences=lambda n, a, s: a + n),
        ),
        Misconception(
            "The spread is taken for a variance.",
            "apart + spread * noise: spread is a standard deviation.",
            _chance_with(differences=lambda n, a, s: a + np.sqrt(s) * n),
        ),
        Misconception(
            "The axes are swapped: experiments are rows, seeds are columns.",
            "axis=1.",
            lambda n, a, s: chance_to_see(n.T, a, s),
        ),
        Misconception("It counts the experiments.", "np.mean: a share.", _chance_with(over=np.sum)),
        Misconception(
            "In percent.", "A share, between 0 and 1.", lambda n, a, s: 100 * chance_to_see(n, a, s)
        ),
        Misconception(
            "Each seed is one experiment: the share of seeds with a positive difference.",
            "One interval for each row.",
            lambda n, a, s: np.mean(a + s * n > 0),
        ),
    ],
    insight="A difference that is not seen may still be there: ask how likely it was to be seen.",
)


# 4. Which control would refute a claim

CONTROLS = {1: 3, 2: 2, 3: 4, 4: 1}


def control_for(claim):
    """The number of the control (1 to 4) that could refute the claim of that number,
    as lesson 09 lists them.
    """
    return CONTROLS[claim]


def _control_by_list(claim):
    return [None, 3, 2, 4, 1][claim]


WHY_NOT = {  # claim -> control -> what is wrong with it
    1: {
        1: "More seeds make the two numbers surer. They still differ in chunk and in N.",
        2: "A QC with even more candidates moves further away from BFN: still both differ.",
        4: "FQL differs in the whole extraction.",
    },
    2: {
        1: "A longer chunk changes backup and execution together.",
        3: (
            "Noise on single actions is another kind of exploring. "
            "If it fails, coherence may still not be the reason."
        ),
        4: "FQL-n changes the backup and keeps single actions: it says nothing of execution.",
    },
    3: {
        1: "More updates do not bring back a chunk.",
        2: "Twice the data changes both: how many chunks, and how many terminal ones.",
        3: "Stride 2 leaves half of the chunks and half of the terminal ones: both change again.",
    },
    4: {
        2: "Chunks of 20 are longer in both: backup and execution.",
        3: "Fewer seeds refute nothing.",
        4: "More updates help a long backup and a short one: they say nothing of which half it is.",
    },
}

check_control_for = Exercise(
    control_for,
    _control_by_list,
    lambda rng: [
        Case(
            "claim 1",
            (1,),
            "Between QC with N = 64 and BFN with N = 4 two things differ. A control has one of them only.",
        ),
        Case("claim 2", (2,), "Keep everything of QC-FQL that is not the open-loop execution."),
        Case(
            "claim 3",
            (3,),
            (
                "Stride H leaves fewer chunks, and fewer terminal ones. "
                "Have as few, but terminal ones among them as often as before."
            ),
        ),
        Case("claim 4", (4,), "Have the long backup without the long chunk."),
    ],
    [
        Misconception(
            f"Claim {c}, control {k}: {why}",
            "Ask of each control: what would I see if the claim were wrong?",
            lambda claim, c=c, k=k: k if claim == c else CONTROLS[claim],
        )
        for c, controls in WHY_NOT.items()
        for k, why in controls.items()
    ],
    choice=True,
    insight="A control is chosen by what it could show against you.",
)


# 5. What is wrong with a plot

FLAWS = {"A": 4, "B": 2, "C": 3}


def what_misleads(plot):
    """The number of the flaw (1 to 6) of plot "A", "B" or "C", as lesson 09 lists them."""
    return FLAWS[plot]


def _flaw_by_list(plot):
    return [4, 2, 3]["ABC".index(plot)]


NOT_THAT = {  # plot -> flaw -> why it is not that
    "A": {
        1: "The axis begins at 0.",
        2: "All eight seeds are in it.",
        3: "Only K differs.",
        5: (
            "The last evaluation is one of two measures that the page reports throughout. "
            "Look for what would mislead at any evaluation."
        ),
        6: "Look at what the interval is made of: 160 episodes, but how many runs?",
    },
    "B": {
        1: "The axis begins at 0.",
        3: "Only the number of critics differs.",
        4: "No interval is drawn at all. But look at which runs are drawn.",
        5: "Whole curves are drawn.",
        6: "Look at which of the eight seeds are drawn.",
    },
    "C": {
        1: "The axis begins at 0.",
        2: "All seeds are in it.",
        4: "The intervals are over seeds.",
        5: (
            "The last evaluation is one of two measures that the page reports throughout. "
            "Look for what would mislead at any evaluation."
        ),
        6: "Look at the settings of both bars.",
    },
}

check_what_misleads = Exercise(
    what_misleads,
    _flaw_by_list,
    lambda rng: [
        Case("plot A", ("A",), "What is one observation here: an episode, or a trained agent?"),
        Case("plot B", ("B",), "Which runs are in the picture, and which are not?"),
        Case("plot C", ("C",), "Are the two bars a matched pair?"),
    ],
    [
        Misconception(
            f"Plot {p}, flaw {k}: {why}",
            "Read the code of the plot: it says what the caption does not.",
            lambda plot, p=p, k=k: k if plot == p else FLAWS[plot],
        )
        for p, flaws in NOT_THAT.items()
        for k, why in flaws.items()
    ],
    choice=True,
    insight="Every number in these plots is true. The choice of what to draw is not.",
)
