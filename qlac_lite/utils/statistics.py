"""Rates with 95 % intervals, as numbers and as text; differences seed by seed, and their power.

One seed draws an easy start, another a hard one. Variants trained from the same R seeds on the same data
share much of that luck, and it drops out of their difference. Rates are in any unit.
"""

import bisect
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from scipy import special  # scipy.stats takes a second longer to import

UPPER = 0.975  # quantile at the upper end of an interval
Interval = tuple[float, float, float]  # mean, low, high


def newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of evaluations.csv that belong to the last evaluation."""
    return [row for row in rows if (row["phase"], row["step"]) == (rows[-1]["phase"], rows[-1]["step"])]


def by_seed(rows: Iterable[dict[str, Any]]) -> dict[int, np.ndarray]:
    """Seed, in order -> `success` of its rows."""
    found = {}
    for row in rows:
        found.setdefault(int(row["seed"]), []).append(row["success"])
    return {seed: np.array(found[seed]) for seed in sorted(found)}


def success_interval(*tasks: Collection[np.ndarray]) -> Interval:
    """Success rate, the mean over tasks, and its interval by a stratified bootstrap: the tasks stay, their
    seeds are resampled, and the episodes of each seed. Where all episodes ended alike, it is the exact
    binomial (Clopper-Pearson) interval. `tasks`: of each seed (values of `by_seed`), 0 or 1 an episode."""
    rng = np.random.default_rng(0)
    means, resampled, episodes = [], [], 0
    for outcomes in tasks:
        rates = np.array([np.mean(each) for each in outcomes])
        counts = np.array([len(each) for each in outcomes])
        seeds = rng.integers(len(rates), size=(5000, len(rates)))
        solved = rng.binomial(counts[seeds], rates[seeds])
        resampled.append(np.mean(solved / counts[seeds], axis=1))
        means.append(np.mean(rates))
        episodes += counts.sum()
    mean = float(np.mean(means))
    if mean in (0.0, 1.0):
        low, high = proportion_interval(int(mean * episodes), episodes)
    else:
        low, high = np.percentile(np.mean(resampled, axis=0), [2.5, 97.5])
    return mean, float(low), float(high)


def proportion_interval(count: int, of: int) -> tuple[float, float]:
    """The ends of the exact binomial (Clopper-Pearson) interval of a share."""
    low = special.betaincinv(count, of - count + 1, 1 - UPPER) if count else 0.0
    high = special.betaincinv(count + 1, of - count, UPPER) if count < of else 1.0
    return float(low), float(high)


def mean_interval(values: np.ndarray, at_once: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over seeds (R, ...) and the ends of its t-interval, each (...); NaN for the ends if R is 1.

    `at_once`: so many intervals hold together in at least 95 % of all cases (Bonferroni).
    """
    values = np.asarray(values, float)
    mean, seeds = values.mean(axis=0), len(values)
    if seeds < 2:
        return mean, mean * np.nan, mean * np.nan
    error = values.std(axis=0, ddof=1) / np.sqrt(seeds)
    reach = special.stdtrit(seeds - 1, 1 - (1 - UPPER) / at_once) * error
    return mean, mean - reach, mean + reach


def difference(one: np.ndarray, other: np.ndarray) -> Interval:
    """`mean_interval` of one - other, seed by seed, both (R,)."""
    return mean_interval(np.asarray(one, float) - np.asarray(other, float))


def power(apart: float, spread: float, seeds: int) -> float:
    """Chance that the t-interval of 2 or more paired differences excludes 0, if they are normal with mean
    `apart` and standard deviation `spread`: the squared t follows a noncentral F distribution."""
    if apart == 0:
        return 2 * (1 - UPPER)
    limit = special.stdtrit(seeds - 1, UPPER)
    return float(1 - special.ncfdtr(1, seeds - 1, seeds * (apart / spread) ** 2, limit**2))


def seeds_needed(apart: float, spread: float, most: int = 10_000) -> int:
    """The fewest seeds with which `power` is at least 0.8, or `most`."""
    seeds = range(2, most)  # power grows with them
    return 2 + bisect.bisect_left(seeds, 0.8, key=lambda count: power(apart, spread, count))


def points_interval(interval: Interval, ends: tuple[float, float] = (0, 100), form: str = ".0f") -> str:
    """'40 [18, 68]', cut at what is possible; the mean alone of one seed; '-' of none."""
    mean, low, high = interval
    if np.isnan(mean):
        return "-"
    if np.isnan(low):
        return f"{mean:{form}}"
    return f"{mean:{form}} [{max(low, ends[0]):{form}}, {min(high, ends[1]):{form}}]"


def gap_text(interval: Interval) -> str:
    """'40 [18, 68]' of a difference in points. An end that would round to 0 keeps a digit: '7 [0.04, 13]'."""

    def end(value: float) -> str:
        return f"{value:.1g}" if 1e-9 < abs(value) <= 0.5 else f"{value:z.0f}"

    mean, low, high = (float(value) for value in interval)
    told = f"{mean:z.0f}"
    return told if np.isnan(low) else f"{told} [{end(max(low, -100))}, {end(min(high, 100))}]"


def percent_interval(interval: Interval) -> str:
    """'40% [18%, 68%]' of rates from 0 to 1."""
    return points_interval(interval, (0, 1), ".0%")
