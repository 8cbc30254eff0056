"""Answers to the exercises of lesson 09 as learners write them:
right ones in another way, and wrong ones with what they are told.
"""

import numpy as np
import scipy.stats

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson09 import chance_to_see, control_for, matched, paired_bootstrap
from qlac_lite.utils import statistics


def matched_by_lists(settings, factor):
    others = [tuple(np.delete(row, factor)) for row in settings]
    runs = range(len(settings))
    pair = lambda i, j: others[i] == others[j] and bool(settings[i][factor] != settings[j][factor])
    return [[pair(i, j) for j in runs] for i in runs]


def matched_by_mask(settings, factor):
    differs = settings[:, None] != settings[None]
    alone = np.arange(settings.shape[1]) == factor
    return (differs == alone).all(-1)


def matched_with_and(settings, factor):
    differs = settings[:, None] != settings[None]
    return differs[..., factor] and differs.sum(-1) == 1


def matched_in_place(settings, factor):
    own = settings[:, factor].copy()
    settings[:, factor] = 0
    same = (settings[:, None] == settings[None]).all(-1)
    return same & (own[:, None] != own[None])


def bootstrap_by_quantile(one, other, picks):
    means = [np.mean([one[i] - other[i] for i in row]) for row in picks]
    return tuple(np.quantile(means, [0.025, 0.975]))


def bootstrap_as_array(one, other, picks):
    return np.percentile(np.mean(one[picks] - other[picks], axis=-1), [2.5, 97.5])


def chance_by_interval(noise, apart, spread):
    rows = apart + spread * noise
    low, high = scipy.stats.t.interval(
        0.95, noise.shape[1] - 1, loc=rows.mean(1), scale=scipy.stats.sem(rows, axis=1)
    )
    return ((low > 0) | (high < 0)).mean()


def chance_as_p(noise, apart, spread):
    return float(np.mean(scipy.stats.ttest_1samp(apart + spread * noise, 0, axis=1).pvalue < 0.05))


RIGHT = {
    "check_matched": matched_by_lists,
    "check_paired_bootstrap": bootstrap_by_quantile,
    "check_chance_to_see": chance_by_interval,
    "check_control_for": lambda claim: (3, 2, 4, 1)[claim - 1],
    "check_what_misleads": lambda plot: 4 if plot == "A" else 2 if plot == "B" else 3,
}
ALSO_RIGHT = {
    "check_matched": matched_by_mask,
    "check_paired_bootstrap": bootstrap_as_array,
    "check_chance_to_see": chance_as_p,
}

WRONG = {
    "check_matched": {
        "one for each run": (lambda s, f: matched(s, f).any(axis=1), "wrong shape"),
        "indices": (lambda s, f: np.argwhere(matched(s, f)), "wrong shape"),
        "and": (matched_with_and, "Entry by entry"),
        "in place": (matched_in_place, "changes its arguments"),
        "neighbours": (
            lambda s, f: matched(s, f) & (np.eye(len(s), k=1) + np.eye(len(s), k=-1) > 0),
            "not right yet",
        ),
    },
    "check_paired_bootstrap": {
        "own picks": (
            edited(paired_bootstrap, {"apart[picks]": "np.random.default_rng(0).choice(apart, picks.shape)"}),
            "not right yet",
        ),
        "no axis": (edited(paired_bootstrap, {"axis=1": ""}), "not right yet"),
        "with the mean": (
            edited(paired_bootstrap, {"return low": "return apart.mean(), low"}),
            "wrong number of values",
        ),
        "sorted": (
            lambda one, other, picks: paired_bootstrap(np.sort(one), np.sort(other), picks),
            "not right yet",
        ),
        "half a width": (
            edited(paired_bootstrap, {"return low, high": "return (high - low) / 2, (high + low) / 2"}),
            "not right yet",
        ),
        "whole numbers": (
            edited(paired_bootstrap, {"mean(axis=1)": "mean(axis=1).astype(int)"}),
            "not right yet",
        ),
    },
    "check_chance_to_see": {
        "each": (
            edited(chance_to_see, {"np.mean(np.abs(means) > reach)": "np.abs(means) > reach"}),
            "An axis is left over",
        ),
        "two samples": (edited(chance_to_see, {"= limit": "= np.sqrt(2) * limit"}), "not right yet"),
        "one percent": (edited(chance_to_see, {"0.975": "0.995"}), "not right yet"),
        "a chain": (
            edited(chance_by_interval, {"((low > 0) | (high < 0)).mean()": "not (low < 0 < high)"}),
            "Entry by entry",
        ),
        "the formula": (
            lambda noise, apart, spread: statistics.power(apart, spread, noise.shape[1]),
            "not right yet",
        ),
    },
    "check_control_for": {
        "in words": (
            lambda claim: ["BFN with N = 64", "execute 1", "random", "FQL-n"][claim - 1],
            "number of one option",
        ),
        "the first": (lambda claim: 1, "two things differ"),
        "the claim's number": (lambda claim: claim, "not right yet"),
        "not all": (lambda claim: {1: 3, 2: 2}[claim], "KeyError"),
        "from zero": (lambda claim: control_for(claim) - 1, "not right yet"),
        "all at once": (lambda claim: [3, 2, 4, 1], "number of one option"),
    },
    "check_what_misleads": {
        "swapped": (lambda plot: {"A": 2, "B": 4, "C": 3}[plot], "What is one observation"),
        "fine": (lambda plot: 6, "What is one observation"),
        "text": (lambda plot: "4" if plot == "A" else "2", "number of one option"),
        "small letters": (lambda plot: {"a": 4, "b": 2, "c": 3}[plot], "KeyError"),
        "always 4": (lambda plot: 4, "Which runs are in the picture"),
    },
}
