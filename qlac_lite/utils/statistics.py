"""Every interval of the course: of success rates, of means over seeds, of differences seed by seed;
and the power of these.

Seeds differ: one draws an easy start, another a hard one. Two variants that are trained from the same seeds
on the same data share much of that luck, and it drops out of their difference. R seeds; rates in any unit.
"""

import numpy as np
from scipy import stats

LEVEL = 0.95
Interval = tuple[float, float, float]  # mean, low, high


def difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Mean of one - other over seeds (R,), and the ends of its 95 % t-interval;
    NaN for these if there is one seed only."""
    apart = np.asarray(one, float) - np.asarray(other, float)
    if len(apart) < 2:
        return apart.mean(), np.nan, np.nan
    reach = stats.sem(apart) * stats.t.ppf(0.5 + LEVEL / 2, len(apart) - 1)
    return apart.mean(), apart.mean() - reach, apart.mean() + reach


def bootstrap(
    one: np.ndarray, other: np.ndarray, resamples: int = 5000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of one - other (R,), and its 95 % percentile bootstrap interval:
    seeds are drawn with replacement, in pairs."""
    apart = np.asarray(one, float) - np.asarray(other, float)
    if np.ptp(apart) == 0:
        return apart.mean(), apart.mean(), apart.mean()
    found = stats.bootstrap(
        (apart,), np.mean, n_resamples=resamples, confidence_level=LEVEL, method="percentile", rng=seed
    )
    return apart.mean(), *found.confidence_interval


def power(apart: float, spread: float, seeds: int) -> float:
    """Chance that the t-interval of `seeds` paired differences excludes 0, if they are normal with mean
    `apart` and standard deviation `spread`: the squared t follows a noncentral F distribution. `seeds` is 2
    or more."""
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


def success_interval(successes: list[np.ndarray], resamples: int = 5000) -> tuple[float, float, float]:
    """Success rate and its 95 % interval, by a bootstrap over seeds and, inside each, over episodes.

    Args:
        successes: per seed, an array of 0 and 1, one an episode.

    Returns:
        mean, low, high. Where all episodes ended alike, which no resampling can vary, the exact binomial
        (Clopper-Pearson) interval over all episodes, from SciPy.
    """
    return stratified_interval([successes], resamples)


def stratified_interval(strata: list[list[np.ndarray]], resamples: int = 5000) -> tuple[float, float, float]:
    """Mean over tasks of the success rate and its 95 % interval, by a stratified bootstrap.

    The tasks are the strata: they stay, and the seeds of each are resampled, and inside each seed its
    episodes. As in `success_interval`, which this is for one task.

    Args:
        strata: per task and seed, an array of 0 and 1, one an episode.
    """
    rng = np.random.default_rng(0)
    means, resampled, episodes = [], [], 0
    for successes in strata:
        rates, counts = np.array([np.mean(s) for s in successes]), np.array([len(s) for s in successes])
        picked = rng.integers(len(rates), size=(resamples, len(rates)))  # seeds
        resampled.append(
            np.mean(rng.binomial(counts[picked], rates[picked]) / counts[picked], axis=1)
        )  # episodes
        means.append(np.mean(rates))
        episodes += int(counts.sum())
    mean = float(np.mean(means))
    if mean in (0.0, 1.0):
        interval = stats.binomtest(int(mean * episodes), episodes).proportion_ci()
        return mean, float(interval.low), float(interval.high)
    low, high = np.percentile(np.mean(resampled, axis=0), [2.5, 97.5])
    return mean, float(low), float(high)


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over repetitions (R, ...) and the ends of its 95 % t-interval, each (...)."""
    values = np.asarray(values, float)
    reach = stats.sem(values, axis=0) * stats.t.ppf(0.975, len(values) - 1)
    return values.mean(axis=0), values.mean(axis=0) - reach, values.mean(axis=0) + reach
