"""Comparing two runs seed by seed: intervals of a paired difference, and how many seeds it takes to see one.

Seeds differ: one draws an easy start, another a hard one. Two variants that are trained from the same seeds on the same data share
much of that luck, and it drops out of their difference. R seeds; rates in any unit.
"""

import numpy as np
from scipy import stats

LEVEL = 0.95


def difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Mean of one - other over seeds (R,), and the ends of its 95 % t-interval; NaN for these if there is one seed only."""
    apart = np.asarray(one, float) - np.asarray(other, float)
    if len(apart) < 2:
        return apart.mean(), np.nan, np.nan
    reach = stats.sem(apart) * stats.t.ppf(0.5 + LEVEL / 2, len(apart) - 1)
    return apart.mean(), apart.mean() - reach, apart.mean() + reach


def bootstrap(one: np.ndarray, other: np.ndarray, resamples: int = 5000, seed: int = 0) -> tuple[float, float, float]:
    """Mean of one - other (R,), and its 95 % percentile bootstrap interval: seeds are drawn with replacement, in pairs."""
    apart = np.asarray(one, float) - np.asarray(other, float)
    if np.ptp(apart) == 0:
        return apart.mean(), apart.mean(), apart.mean()
    found = stats.bootstrap((apart,), np.mean, n_resamples=resamples, confidence_level=LEVEL, method="percentile", rng=seed)
    return apart.mean(), *found.confidence_interval


def power(apart: float, spread: float, seeds: int) -> float:
    """Chance that the t-interval of `seeds` paired differences excludes 0, if they are normal with mean `apart` and standard
    deviation `spread`: the squared t follows a noncentral F distribution. `seeds` is 2 or more."""
    if apart == 0:
        return 1 - LEVEL
    limit = stats.t.ppf(0.5 + LEVEL / 2, seeds - 1)
    return float(stats.ncf.sf(limit**2, 1, seeds - 1, seeds * (apart / spread) ** 2))


def seeds_needed(apart: float, spread: float, wanted: float = 0.8, most: int = 10_000) -> int:
    """The fewest seeds with which `power` is at least `wanted`, or `most`."""
    short = lambda seeds: power(apart, spread, seeds) < wanted
    low, high = 1, 2
    while short(high):
        if high >= most:
            return most
        low, high = high, 2 * high
    while high - low > 1:  # power grows with the seeds
        middle = (low + high) // 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return min(high, most)
