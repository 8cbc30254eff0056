"""Answers to the exercises of lesson 09 as learners write them:
right ones in another way, and wrong ones with what they are told."""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.lesson09 import control_for, matched, paired_bootstrap


def matched_by_lists(settings, factor):
    others = [tuple(np.delete(row, factor)) for row in settings]
    return [
        [
            others[i] == others[j] and bool(settings[i][factor] != settings[j][factor])
            for j in range(len(settings))
        ]
        for i in range(len(settings))
    ]


def matched_by_mask(settings, factor):
    differs = settings[:, None] != settings[None]
    alone = np.arange(settings.shape[1]) == factor
    return (differs == alone).all(-1)


def matched_flat(settings, factor):
    return matched(settings, factor).any(axis=1)


def matched_indices(settings, factor):
    return np.argwhere(matched(settings, factor))


def matched_with_and(settings, factor):
    differs = settings[:, None] != settings[None]
    return differs[..., factor] and differs.sum(-1) == 1


def matched_in_place(settings, factor):
    own = settings[:, factor].copy()
    settings[:, factor] = 0
    same = (settings[:, None] == settings[None]).all(-1)
    return same & (own[:, None] != own[None])


def matched_neighbours(settings, factor):
    """Each run with the next in the list only."""
    pairs = matched(settings, factor)
    near = np.abs(np.subtract.outer(np.arange(len(settings)), np.arange(len(settings)))) == 1
    return pairs & near


def bootstrap_by_quantile(one, other, picks):
    means = [np.mean([one[i] - other[i] for i in row]) for row in picks]
    return tuple(np.quantile(means, [0.025, 0.975]))


def bootstrap_as_array(one, other, picks):
    return np.percentile(np.mean(one[picks] - other[picks], axis=-1), [2.5, 97.5])


def bootstrap_new_picks(one, other, picks):
    rng = np.random.default_rng(0)
    return paired_bootstrap(one, other, rng.integers(0, len(one), picks.shape))


def bootstrap_without_axis(one, other, picks):
    mean = (one - other)[picks].mean()
    return np.percentile(mean, 2.5), np.percentile(mean, 97.5)


def bootstrap_middle(one, other, picks):
    low, high = paired_bootstrap(one, other, picks)
    return (one - other).mean(), low, high


def bootstrap_shuffled(one, other, picks):
    """The difference of the sorted runs: pairs are torn."""
    return paired_bootstrap(np.sort(one), np.sort(other), picks)


def bootstrap_half_width(one, other, picks):
    low, high = paired_bootstrap(one, other, picks)
    return (high - low) / 2, (high + low) / 2


def bootstrap_whole_numbers(one, other, picks):
    means = np.zeros(len(picks), int)
    for k, pick in enumerate(picks):
        means[k] = (one - other)[pick].mean()
    return np.percentile(means, 2.5), np.percentile(means, 97.5)


def chance_by_interval(noise, apart, spread):
    rows = apart + spread * noise
    low, high = scipy.stats.t.interval(
        0.95, noise.shape[1] - 1, loc=rows.mean(1), scale=scipy.stats.sem(rows, axis=1)
    )
    return ((low > 0) | (high < 0)).mean()


def chance_as_p(noise, apart, spread):
    return float(np.mean(scipy.stats.ttest_1samp(apart + spread * noise, 0, axis=1).pvalue < 0.05))


def chance_each(noise, apart, spread):
    rows = apart + spread * noise
    return np.abs(rows.mean(1)) > scipy.stats.t.ppf(0.975, noise.shape[1] - 1) * scipy.stats.sem(rows, axis=1)


def chance_two_sample(noise, apart, spread):
    """As if the two runs were independent: a variance twice as large."""
    rows = apart + spread * noise
    return np.mean(
        np.abs(rows.mean(1))
        > scipy.stats.t.ppf(0.975, noise.shape[1] - 1) * np.sqrt(2) * scipy.stats.sem(rows, axis=1)
    )


def chance_strict(noise, apart, spread):
    return np.mean(scipy.stats.ttest_1samp(apart + spread * noise, 0, axis=1).pvalue < 0.01)


def chance_with_chain(noise, apart, spread):
    rows = apart + spread * noise
    low, high = scipy.stats.t.interval(
        0.95, noise.shape[1] - 1, loc=rows.mean(1), scale=scipy.stats.sem(rows, axis=1)
    )
    return not (low < 0 < high)


def chance_formula(noise, apart, spread):
    """The exact power, which is not the share of these experiments."""
    seeds = noise.shape[1]
    limit, shift = scipy.stats.t.ppf(0.975, seeds - 1), apart / spread * np.sqrt(seeds)
    return scipy.stats.nct.sf(limit, seeds - 1, shift) + scipy.stats.nct.cdf(-limit, seeds - 1, shift)


def controls_in_words(claim):
    return {1: "BFN with N = 64", 2: "execute 1", 3: "random", 4: "FQL-n"}[claim]


def control_always_first(claim):
    return 1


def control_same_as_claim(claim):
    return claim


def control_missing(claim):
    return {1: 3, 2: 2}[claim]


def control_from_zero(claim):
    return control_for(claim) - 1


def control_as_list(claim):
    return [3, 2, 4, 1]


def flaw_swapped(plot):
    return {"A": 2, "B": 4, "C": 3}[plot]


def flaw_fine(plot):
    return 6


def flaw_letter(plot):
    return "4" if plot == "A" else "2"


def flaw_small_letters(plot):
    return {"a": 4, "b": 2, "c": 3}[plot]


def flaw_all(plot):
    return 4


def flaw_match(plot):
    return 4 if plot == "A" else 2 if plot == "B" else 3


RIGHT = {
    "check_matched": matched_by_lists,
    "check_paired_bootstrap": bootstrap_by_quantile,
    "check_chance_to_see": chance_by_interval,
    "check_control_for": lambda claim: (3, 2, 4, 1)[claim - 1],
    "check_what_misleads": flaw_match,
}
ALSO_RIGHT = {
    "check_matched": matched_by_mask,
    "check_paired_bootstrap": bootstrap_as_array,
    "check_chance_to_see": chance_as_p,
}

WRONG = {
    "check_matched": {
        "one for each run": (matched_flat, "wrong shape"),
        "indices": (matched_indices, "wrong shape"),
        "and": (matched_with_and, "Entry by entry"),
        "in place": (matched_in_place, "changes its arguments"),
        "neighbours": (matched_neighbours, "not right yet"),
    },
    "check_paired_bootstrap": {
        "own picks": (bootstrap_new_picks, "not right yet"),
        "no axis": (bootstrap_without_axis, "not right yet"),
        "with the mean": (bootstrap_middle, "wrong number of values"),
        "sorted": (bootstrap_shuffled, "not right yet"),
        "half a width": (bootstrap_half_width, "not right yet"),
        "whole numbers": (bootstrap_whole_numbers, "not right yet"),
    },
    "check_chance_to_see": {
        "each": (chance_each, "An axis is left over"),
        "two samples": (chance_two_sample, "not right yet"),
        "one percent": (chance_strict, "not right yet"),
        "a chain": (chance_with_chain, "Entry by entry"),
        "the formula": (chance_formula, "not right yet"),
    },
    "check_control_for": {
        "in words": (controls_in_words, "number of one option"),
        "the first": (control_always_first, "two things differ"),
        "the claim's number": (control_same_as_claim, "not right yet"),
        "not all": (control_missing, "KeyError"),
        "from zero": (control_from_zero, "not right yet"),
        "all at once": (control_as_list, "number of one option"),
    },
    "check_what_misleads": {
        "swapped": (flaw_swapped, "What is one observation"),
        "fine": (flaw_fine, "What is one observation"),
        "text": (flaw_letter, "number of one option"),
        "small letters": (flaw_small_letters, "KeyError"),
        "always 4": (flaw_all, "Which runs are in the picture"),
    },
}
