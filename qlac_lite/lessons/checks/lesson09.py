"""Exercises of lesson 09: matched pairs of runs, a paired bootstrap, how many seeds it takes, controls,
misleading plots. Shapes: C runs, F settings, R seeds, K resamples, M invented experiments.
"""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.utils import statistics

# 1. Which runs make a matched pair


def matched(settings, factor):
    """Which pairs of runs differ in one setting and in nothing else:
    settings (C, F), the setting's column -> (C, C) bool.
    """
    differs = settings[:, None, :] != settings[None, :, :]  # (C, C, F)
    own, count = differs[:, :, factor], differs.sum(axis=2)
    return own & (count == 1)


def _matched_by_loop(settings, factor):
    differing = lambda a, b: [f for f in range(len(a)) if a[f] != b[f]]
    return [[differing(a, b) == [factor] for b in settings] for a in settings]


def _matched_cases(rng):
    def case(about, factor, rows, hint):
        return Case(about, (np.array(rows, float), factor), hint)

    three = [(1, 4), (5, 4), (5, 16)]
    many = np.concatenate([rng.integers(0, 2, (9, 3)), rng.integers(0, 3, (9, 1))], axis=1)
    of_many = (
        "differs = settings[:, None] != settings[None]: (C, C, F). "
        "The factor is among them, and it is the only one."
    )
    return [
        case(
            "three runs (H, N): (1, 4), (5, 4), (5, 16), the factor is H",
            0,
            three,
            "Run 0 and run 1 differ in H only. "
            "Run 0 and run 2 differ in H and in N: no matched pair. Run 1 and run 2 do not differ in H.",
        ),
        case("the same runs, the factor is N", 1, three, "Now only run 1 and run 2 are a pair."),
        case(
            "two runs that are alike",
            0,
            [(5, 4, 2), (5, 4, 2)],
            "They do not differ in the factor: nothing is compared.",
        ),
        case(
            "two changes that cancel in the sum",
            0,
            [(1, 5, 2), (5, 2, 5), (5, 5, 2)],
            "Compare entry by entry: in the others, (5, 2) and (2, 5) differ twice.",
        ),
        case("one run", 1, [(5, 4, 2)], "A run is no pair with itself."),
        case(
            "four runs, the last factor",
            2,
            [(1, 0, 4), (1, 0, 3), (2, 0, 3), (1, 0, 5)],
            "Runs 0, 1 and 3 differ in the last setting only, each from each other.",
        ),
        case(
            "two learning rates, the factor is the learning rate",
            1,
            [(5, 1e-3), (5, 3e-4), (5, 1e-3)],
            "Runs 0 and 1 differ, by little: compare with !=, not by a threshold or as whole numbers.",
        ),
        case("nine runs of four settings", int(rng.integers(0, 3)), many, of_many),
        case("nine runs, the last setting", 3, many, of_many),
    ]


def _matched_by_sums(settings, factor):
    own, others = settings[:, factor], np.delete(settings, factor, axis=1).sum(axis=1)
    return (own[:, None] != own) & (others[:, None] == others)


_matched_misconceptions = [
    Misconception(
        "All pairs that differ in the factor, whatever else differs: what is confounded counts as matched.",
        "All other settings have to be equal.",
        edited(matched, {" & (count == 1)": ""}),
    ),
    Misconception(
        "Pairs that agree in all else count, even if the factor is the same: a run is paired with itself.",
        "The factor has to differ, too.",
        edited(matched, {"own & (count == 1)": "count == own"}),
    ),
    Misconception(
        "Any one setting may differ, not only the factor.",
        "The one that differs has to be the factor.",
        edited(matched, {"own & ": ""}),
    ),
    Misconception(
        "It says which pairs are confounded: they differ in the factor and in something else.",
        "In nothing else.",
        edited(matched, {"== 1": "> 1"}),
    ),
    Misconception(
        "The factor is equal, and something else differs: upside down.",
        "The factor differs, and nothing else.",
        edited(matched, {"own & (count == 1)": "~own & (count > 0)"}),
    ),
    Misconception(
        "One of the others may differ as well: at most two differences.",
        "Exactly one difference, the factor.",
        edited(matched, {"== 1": "<= 2"}),
    ),
    Misconception(
        "Each pair once only: [i, j] is True and [j, i] is not.",
        "Both: if i and j are a pair, so are j and i.",
        lambda s, f: np.triu(matched(s, f)),
    ),
    Misconception(
        "The sums of the settings are compared: two changes can cancel.",
        "Compare entry by entry.",
        _matched_by_sums,
    ),
    Misconception(
        "All settings have to differ.",
        "The factor only.",
        edited(matched, {"own & (count == 1)": "differs.all(axis=2)"}),
    ),
    Misconception(
        "The first setting is taken for the factor.",
        "The factor is the column factor.",
        edited(matched, {", factor]": ", 0]"}),
    ),
    Misconception(
        "The last setting is taken for the factor.",
        "The factor is the column factor.",
        edited(matched, {", factor]": ", -1]"}),
    ),
    Misconception(
        "The difference has to be upwards: [j] larger than [i].",
        "!=, in either direction.",
        lambda s, f: matched(s, f) & (s[:, None, f] < s[None, :, f]),
    ),
    Misconception(
        "It counts the settings that differ.",
        "True or False for each pair.",
        edited(matched, {"own & (count == 1)": "count"}),
    ),
]

check_matched = Exercise(
    matched,
    _matched_by_loop,
    _matched_cases,
    _matched_misconceptions,
    insight="An ablation is a list of matched pairs. A pair that differs twice answers no question.",
)


# 2. The paired bootstrap


def paired_bootstrap(one, other, picks):
    """95 % percentile interval of the mean difference one - other (R,), over resamples of seeds:
    picks (K, R) -> low, high.
    """
    apart = one - other
    means = apart[picks].mean(axis=1)  # (K,)
    low, high = np.percentile(means, (2.5, 97.5))
    return low, high


def _paired_by_loop(one, other, picks):
    means = sorted(sum(one[i] - other[i] for i in pick) / len(pick) for pick in picks)
    places = np.array([0.025, 0.975]) * (len(means) - 1)
    return tuple(np.interp(places, range(len(means)), means))


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
    luck = "The seeds' luck is the same in both runs, and drops out of one - other. " + pairs
    percentiles = "np.percentile(means, 2.5) and np.percentile(means, 97.5)."
    return [
        Case(
            "two seeds, three resamples",
            (np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.array([[0, 0], [0, 1], [1, 1]])),
            "The differences are 2 and 0. "
            "The resamples' means are 2, 1, 0. The percentiles 2.5 and 97.5 of these are 0.05 and 1.95.",
        ),
        case("eight seeds, 400 resamples", 8, 400, 2, pairs),
        case("eight seeds that differ a lot, 400 resamples", 8, 400, 20, luck),
        case("five seeds, 1,000 resamples", 5, 1000, 10, percentiles),
        case("whole numbers", 6, 300, 15, pairs, whole=True),
        Case(
            "one run is ahead by 10 on every seed",
            (np.array([60.0, 20.0, 90.0]), np.array([50.0, 10.0, 80.0]), rng.integers(0, 3, (200, 3))),
            "Every resample has a mean of 10: the interval has no width.",
        ),
    ]


def _paired_apart(one, other, picks):
    low, high = np.percentile(one[picks].mean(axis=1), (2.5, 97.5))
    other_low, other_high = np.percentile(other[picks].mean(axis=1), (2.5, 97.5))
    return low - other_high, high - other_low


_paired_misconceptions = [
    Misconception(
        "The other one less this one: the sign is turned.",
        "one - other.",
        edited(paired_bootstrap, {"= one - other": "= other - one"}),
    ),
    Misconception(
        "The basic bootstrap, which turns the percentiles round: "
        "another good interval, but not the one asked for.",
        "np.percentile(means, 2.5) and (means, 97.5).",
        edited(
            paired_bootstrap, {"return low, high": "return 2 * apart.mean() - high, 2 * apart.mean() - low"}
        ),
    ),
    Misconception(
        "Only one run is resampled.",
        "The same picks for both: (one - other)[picks].",
        edited(paired_bootstrap, {"apart[picks]": "(one[picks] - other.mean())"}),
    ),
    Misconception(
        "Half-widths in place of the ends.",
        "low and high themselves.",
        edited(paired_bootstrap, {"return low, high": "return apart.mean() - low, high - apart.mean()"}),
    ),
    Misconception(
        "A sorted mean at a rounded place: np.percentile interpolates between two.",
        "np.percentile(means, 2.5) and (means, 97.5).",
        edited(paired_bootstrap, {"97.5)": '97.5), method="lower"'}),
    ),
    Misconception(
        "The two runs are resampled apart: the seeds' luck no longer drops out.",
        "The same picks for both: (one - other)[picks].",
        edited(paired_bootstrap, {"apart[picks]": "(one[picks] - other[np.roll(picks, 1, axis=0)])"}),
    ),
    Misconception(
        "Each run has an interval of its own, and these are subtracted: "
        "far too wide, since the luck that the runs share is counted twice.",
        "Take the difference in each seed first.",
        _paired_apart,
    ),
    Misconception(
        "The percentiles 5 and 95: that is a 90 % interval.",
        "2.5 and 97.5: two and a half percent are left on each side.",
        edited(paired_bootstrap, {"2.5, 97.5": "5, 95"}),
    ),
    Misconception(
        "The percentiles 0 and 95.", "2.5 and 97.5.", edited(paired_bootstrap, {"2.5, 97.5": "0, 95"})
    ),
    Misconception(
        "np.percentile counts in percent, np.quantile in shares: 0.025 percent was asked for.",
        "np.percentile(means, 2.5).",
        edited(paired_bootstrap, {"2.5, 97.5": "0.025, 0.975"}),
    ),
    Misconception(
        "The smallest and the largest of all means.",
        "np.percentile(means, 2.5) and (means, 97.5).",
        edited(paired_bootstrap, {"2.5, 97.5": "0, 100"}),
    ),
    Misconception("The quartiles.", "2.5 and 97.5.", edited(paired_bootstrap, {"2.5, 97.5": "25, 75"})),
    Misconception(
        "Percentiles of single differences: how seeds scatter, not how sure their mean is.",
        "The mean of each resample first: .mean(axis=1).",
        edited(paired_bootstrap, {".mean(axis=1)": ""}),
    ),
    Misconception(
        "Percentiles of the differences themselves, without resampling.",
        "(one - other)[picks].mean(axis=1) are K means.",
        edited(paired_bootstrap, {"(means": "(apart"}),
    ),
    Misconception(
        "The mean is taken over the resamples, not over the seeds of a resample.",
        ".mean(axis=1): the last axis of picks are the seeds.",
        edited(paired_bootstrap, {"axis=1": "axis=0"}),
    ),
    Misconception(
        "Medians in place of means.",
        ".mean(axis=1).",
        edited(paired_bootstrap, {"apart[picks].mean(axis=1)": "np.median(apart[picks], axis=1)"}),
    ),
    Misconception("Sums in place of means.", ".mean(axis=1).", edited(paired_bootstrap, {".mean": ".sum"})),
    Misconception(
        "Absolute differences: the sign is lost, and 0 can never lie inside.",
        "one - other, with its sign.",
        edited(paired_bootstrap, {"= one - other": "= np.abs(one - other)"}),
    ),
    Misconception(
        "A normal interval of 1.96 standard deviations of the resamples.",
        "The percentiles of the means themselves.",
        edited(
            paired_bootstrap,
            {"np.percentile(means, (2.5, 97.5))": "means.mean() + np.array([-1.96, 1.96]) * means.std()"},
        ),
    ),
    Misconception(
        "A t-interval: picks is not used.",
        "That is another good interval. Here: the percentiles of the resampled means.",
        lambda one, other, picks: statistics.difference(one, other)[1:],
    ),
    Misconception(
        "Of one only: the other run is not subtracted.",
        "(one - other)[picks].",
        edited(paired_bootstrap, {"= one - other": "= one"}),
    ),
    Misconception(
        "A ratio in place of a difference.",
        "one - other.",
        edited(paired_bootstrap, {"= one - other": "= one / np.where(other == 0, 1, other)"}),
    ),
    Misconception(
        "Percentages of the control: relative differences.",
        "one - other, in points.",
        edited(paired_bootstrap, {"= one - other": "= 100 * (one - other) / np.where(other == 0, 1, other)"}),
    ),
    Misconception(
        "The differences are resampled less their mean: an interval around 0.",
        "Around the mean difference: (one - other)[picks].",
        edited(paired_bootstrap, {"= one - other": "= one - other - (one - other).mean()"}),
    ),
]

check_paired_bootstrap = Exercise(
    paired_bootstrap,
    _paired_by_loop,
    _paired_cases,
    _paired_misconceptions,
    parts=("low", "high"),
    insight="Pairs in, pairs out: what the two runs share is in both, and drops out.",
)


# 3. How many seeds


def chance_to_see(noise, apart, spread):
    """Share of invented experiments whose 95 % t-interval of the mean difference excludes 0:
    noise (M, R) standard normal.
    """
    seeds = noise.shape[1]
    seen = apart + spread * noise  # (M, R) differences seed by seed
    means = seen.mean(axis=1)
    limit = scipy.stats.t.ppf(0.975, seeds - 1)
    reach = limit * seen.std(axis=1, ddof=1) / np.sqrt(seeds)
    return np.mean(np.abs(means) > reach)


def _chance_by_test(noise, apart, spread):
    return np.mean(scipy.stats.ttest_1samp(apart + spread * noise, 0, axis=1).pvalue < 0.05)


def _chance_cases(rng):
    def case(about, many, seeds, apart, spread, hint):
        return Case(about, (rng.normal(size=(many, seeds)), apart, spread), hint)

    steps = (
        "differences = apart + spread * noise, (M, R). "
        "Of each row the mean, and its t-interval: mean +- t * std(ddof=1) / sqrt(R)."
    )
    t_of_4 = steps + " scipy.stats.t.ppf(0.975, R - 1) is 3.18 for 4 seeds."
    nothing = (
        "About 5 % of experiments show a difference that is not there. "
        "In either direction: the absolute value."
    )
    either = "Excludes 0 on either side: np.abs(mean) > reach."
    return [
        Case(
            "two experiments of three seeds: noise (0, 1, -1) and (0, 3, -3), apart 3, spread 1",
            (np.array([[0.0, 1.0, -1.0], [0.0, 3.0, -3.0]]), 3.0, 1.0),
            "Differences 3, 4, 2 and 3, 6, 0. Both means are 3; the standard deviations are 1 and 3. "
            "t for 3 seeds is 4.30: 3 > 4.30 * 1 / sqrt(3) = 2.5, but not 3 > 7.5. One of two: 0.5.",
        ),
        case("500 experiments of 4 seeds, 15 points apart, spread 14", 500, 4, 15.0, 14.0, t_of_4),
        case("500 experiments of 8 seeds, 15 points apart, spread 14", 500, 8, 15.0, 14.0, steps),
        case("500 experiments of 8 seeds, nothing apart", 500, 8, 0.0, 14.0, nothing),
        case("500 experiments of 6 seeds, 12 points behind", 500, 6, -12.0, 10.0, either),
        case("400 experiments of 20 seeds, 5 apart, spread 9", 400, 20, 5.0, 9.0, steps),
        case("600 experiments of 3 seeds, 10 apart, spread 5", 600, 3, 10.0, 5.0, "With 3 seeds t is 4.30."),
    ]


_chance_misconceptions = [
    Misconception(
        "1.96 in place of Student's t: "
        "with few seeds the standard deviation is itself uncertain, and the interval has to be wider.",
        "scipy.stats.t.ppf(0.975, R - 1).",
        edited(chance_to_see, {"scipy.stats.t.ppf(0.975, seeds - 1)": "1.96"}),
    ),
    Misconception(
        "R degrees of freedom: the mean has used up one.",
        "R - 1.",
        edited(chance_to_see, {"seeds - 1": "seeds"}),
    ),
    Misconception(
        "t.ppf(0.95, ...) leaves 5 % on each side: a 90 % interval.",
        "0.975: two and a half percent on each side.",
        edited(chance_to_see, {"0.975": "0.95"}),
    ),
    Misconception(
        "The standard deviation is divided by R, not by R - 1: too small with few seeds.",
        "std(axis=1, ddof=1).",
        edited(chance_to_see, {", ddof=1": ""}),
    ),
    Misconception(
        "The interval of single seeds, not of their mean.",
        "Divide the standard deviation by sqrt(R).",
        edited(chance_to_see, {" / np.sqrt(seeds)": ""}),
    ),
    Misconception(
        "Divided by R in place of its root.", "sqrt(R).", edited(chance_to_see, {"np.sqrt(seeds)": "seeds"})
    ),
    Misconception(
        "Only intervals above 0 count: a difference in the other direction is seen, too.",
        "np.abs of the mean.",
        edited(chance_to_see, {"np.abs(means)": "means"}),
    ),
    Misconception(
        "Whether the mean is above 0, without an interval.",
        "The interval has to exclude 0.",
        edited(chance_to_see, {"np.abs(means) > reach": "means > 0"}),
    ),
    Misconception(
        "One standard deviation for all experiments together: the axis was forgotten.",
        "std(axis=1, ddof=1): one for each row.",
        edited(chance_to_see, {"axis=1, ddof": "ddof"}),
    ),
    Misconception(
        "The standard deviation of the noise, not of the differences.",
        "std(axis=1, ddof=1) of apart + spread * noise.",
        edited(chance_to_see, {"seen.std": "noise.std"}),
    ),
    Misconception(
        "Whether the interval excludes the true difference: that happens in 5 % of cases by construction.",
        "Whether it excludes 0.",
        edited(chance_to_see, {"(means)": "(means - apart)"}),
    ),
    Misconception(
        "The 2.5 % quantile of t is negative: every interval then excludes 0.",
        "t.ppf(0.975, R - 1).",
        edited(chance_to_see, {"0.975": "0.025"}),
    ),
    Misconception(
        "The whole width of the interval in place of its half.",
        "mean +- t * s / sqrt(R): compare the mean with the half.",
        edited(chance_to_see, {"= limit": "= 2 * limit"}),
    ),
    Misconception(
        "The spread is used itself: an experiment does not know it.",
        "std(axis=1, ddof=1) of each row.",
        edited(chance_to_see, {"seen.std(axis=1, ddof=1)": "spread"}),
    ),
    Misconception(
        "It says how often nothing is seen.",
        "The share that excludes 0.",
        edited(chance_to_see, {"> reach": "<= reach"}),
    ),
    Misconception(
        "The noise is not scaled, or the difference is scaled as well.",
        "apart + spread * noise: only the noise is scaled.",
        edited(chance_to_see, {"spread * noise": "noise"}),
    ),
    Misconception(
        "The spread is taken for a variance.",
        "apart + spread * noise: spread is a standard deviation.",
        edited(chance_to_see, {"spread * noise": "np.sqrt(spread) * noise"}),
    ),
    Misconception(
        "The axes are swapped: experiments are rows, seeds are columns.",
        "axis=1.",
        lambda n, a, s: chance_to_see(n.T, a, s),
    ),
    Misconception(
        "It counts the experiments.", "np.mean: a share.", edited(chance_to_see, {"np.mean": "np.sum"})
    ),
    Misconception(
        "In percent.", "A share, between 0 and 1.", edited(chance_to_see, {"return": "return 100 *"})
    ),
    Misconception(
        "Each seed is one experiment: the share of seeds with a positive difference.",
        "One interval for each row.",
        lambda n, a, s: np.mean(a + s * n > 0),
    ),
]

check_chance_to_see = Exercise(
    chance_to_see,
    _chance_by_test,
    _chance_cases,
    _chance_misconceptions,
    insight="A difference that is not seen may still be there: ask how likely it was to be seen.",
)


# 4. Which control would refute a claim

CONTROLS = {1: 3, 2: 2, 3: 4, 4: 1}


def control_for(claim):
    """The number of the control (1 to 4) that could refute the claim of that number,
    as lesson 09 lists them.
    """
    return CONTROLS[claim]


WHY_NOT = {  # (claim, control) -> why it refutes nothing
    (1, 1): "More seeds make the two numbers surer. They still differ in chunk and in N.",
    (1, 2): "A QC with even more candidates moves further away from BFN: still both differ.",
    (1, 4): "FQL differs in the whole extraction.",
    (2, 1): "A longer chunk changes backup and execution together.",
    (2, 3): "Noise on single actions is another kind of exploring. "
    "If it fails, coherence may still not be the reason.",
    (2, 4): "FQL-n changes the backup and keeps single actions: it says nothing of execution.",
    (3, 1): "More updates do not bring back a chunk.",
    (3, 2): "Twice the data changes both: how many chunks, and how many terminal ones.",
    (3, 3): "Stride 2 leaves half of the chunks and half of the terminal ones: both change again.",
    (4, 2): "Chunks of 20 are longer in both: backup and execution.",
    (4, 3): "Fewer seeds refute nothing.",
    (4, 4): "More updates help a long backup and a short one: they say nothing of which half it is.",
}

check_control_for = Exercise(
    control_for,
    lambda claim: [3, 2, 4, 1][claim - 1],
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
            "Stride H leaves fewer chunks, and fewer terminal ones. "
            "Have as few, but terminal ones among them as often as before.",
        ),
        Case("claim 4", (4,), "Have the long backup without the long chunk."),
    ],
    [
        Misconception(
            f"Claim {c}, control {k}: {why}",
            "Ask of each control: what would I see if the claim were wrong?",
            lambda claim, c=c, k=k: (CONTROLS | {c: k})[claim],
        )
        for (c, k), why in WHY_NOT.items()
    ],
    choice=True,
    insight="A control is chosen by what it could show against you.",
)


# 5. What is wrong with a plot

FLAWS = {"A": 4, "B": 2, "C": 3}


def what_misleads(plot):
    """The number of the flaw (1 to 6) of plot "A", "B" or "C", as lesson 09 lists them."""
    return FLAWS[plot]


_LAST_EVALUATION = (
    "The last evaluation is one of two measures that the page reports throughout. "
    "Look for what would mislead at any evaluation."
)
NOT_THAT = {  # (plot, flaw) -> why it is not that
    ("A", 1): "The axis begins at 0.",
    ("A", 2): "All eight seeds are in it.",
    ("A", 3): "Only K differs.",
    ("A", 5): _LAST_EVALUATION,
    ("A", 6): "Look at what the interval is made of: 160 episodes, but how many runs?",
    ("B", 1): "The axis begins at 0.",
    ("B", 3): "Only the number of critics differs.",
    ("B", 4): "No interval is drawn at all. But look at which runs are drawn.",
    ("B", 5): "Whole curves are drawn.",
    ("B", 6): "Look at which of the eight seeds are drawn.",
    ("C", 1): "The axis begins at 0.",
    ("C", 2): "All seeds are in it.",
    ("C", 4): "The intervals are over seeds.",
    ("C", 5): _LAST_EVALUATION,
    ("C", 6): "Look at the settings of both bars.",
}

check_what_misleads = Exercise(
    what_misleads,
    lambda plot: [4, 2, 3]["ABC".index(plot)],
    lambda rng: [
        Case("plot A", ("A",), "What is one observation here: an episode, or a trained agent?"),
        Case("plot B", ("B",), "Which runs are in the picture, and which are not?"),
        Case("plot C", ("C",), "Are the two bars a matched pair?"),
    ],
    [
        Misconception(
            f"Plot {p}, flaw {k}: {why}",
            "Read the code of the plot: it says what the caption does not.",
            lambda plot, p=p, k=k: (FLAWS | {p: k})[plot],
        )
        for (p, k), why in NOT_THAT.items()
    ],
    choice=True,
    insight="Every number in these plots is true. The choice of what to draw is not.",
)
