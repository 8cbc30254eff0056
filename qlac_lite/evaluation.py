"""Success of a policy in its environment: episodes in parallel processes, each decided by its own seed alone.

The policy is asked once a chunk. Episode i of a training seed starts from the same state and draws the same noise
whatever the number of processes.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from scipy import stats

from qlac_lite.agents import Learner
from qlac_lite.config import Config

EVALUATION, TRAINING = 1, 2  # streams of episode seeds


def episode_seed(seed: int, stream: int, episode: int) -> int:
    """The environment seed of an episode of a training seed."""
    return int(np.random.SeedSequence([seed, stream, episode]).generate_state(1)[0])


def acting(learner: Learner) -> Callable[..., jax.Array]:
    """One seed's policy in W environments: params, observations (W, S), seed, stream, episodes (W,), decisions (W,) ->
    chunks (W, H, A). The noise of a decision follows from seed, stream, episode and decision alone."""

    def one(params, observation, seed, stream, episode, decision):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stream), episode)
        return learner.act(params, observation[None], jax.random.fold_in(key, decision))[0]

    return jax.vmap(one, in_axes=(None, 0, None, None, 0, 0))


ACTING_AXES = "sssdss"  # which arguments of `acting` have a leading axis over seeds (s) and which do not (d)


def evaluate(actor, params: Any, environments, config: Config, episodes: int) -> list[dict[str, Any]]:
    """Runs `episodes` episodes of each seed's policy.

    Args:
        actor: `acting`, compiled over the seeds.
        params: the policies, with a leading axis over `config.seed_list`.
        environments: vector environment of W chunked environments a seed, seed by seed.

    Returns:
        A row per episode: seed, episode, success (0 or 1), return (undiscounted), length.
    """
    seeds = np.array(config.seed_list, np.uint32)
    per_seed = environments.num_envs // len(seeds)
    shape = (len(seeds), per_seed)
    episode = np.tile(np.arange(per_seed), (len(seeds), 1))  # episode that each environment is in
    next_episode = np.full(len(seeds), per_seed)
    decision = np.zeros(shape, int)
    total, length = np.zeros(shape), np.zeros(shape, int)
    rows = []
    env_seeds = [episode_seed(int(s), EVALUATION, e) for s, es in zip(seeds, episode, strict=True) for e in es]
    observation, _ = environments.reset(seed=env_seeds)
    while np.any(episode < episodes):
        running = episode < episodes
        chunks = np.array(actor(params, observation.reshape(*shape, -1), seeds, EVALUATION, episode, decision))
        chunks[~running] = np.nan  # rest
        observation, _, terminated, truncated, info = environments.step(chunks.reshape(-1, *chunks.shape[2:]))
        total += info["rewards"].sum(axis=1).reshape(shape)
        length += info["length"].reshape(shape)
        decision += 1
        ended = (terminated | truncated).reshape(shape) & running
        if not ended.any():
            continue
        restart = [None] * environments.num_envs
        for s, w in np.argwhere(ended):
            success = int(info["success"].reshape(shape)[s, w])
            row = {"seed": int(seeds[s]), "episode": int(episode[s, w]), "success": success}
            rows.append(row | {"return": float(total[s, w]), "length": int(length[s, w])})
            episode[s, w] = next_episode[s]
            next_episode[s] += 1
            total[s, w], length[s, w], decision[s, w] = 0.0, 0, 0
            if episode[s, w] < episodes:
                restart[s * per_seed + w] = episode_seed(int(seeds[s]), EVALUATION, int(episode[s, w]))
        mask = np.array([seed is not None for seed in restart])
        if mask.any():
            observation, _ = environments.reset(seed=restart, options={"reset_mask": mask})
    return sorted(rows, key=lambda row: (row["seed"], row["episode"]))


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

    The tasks are the strata: they stay, and the seeds of each are resampled, and inside each seed its episodes. As in
    `success_interval`, which this is for one task.

    Args:
        strata: per task and seed, an array of 0 and 1, one an episode.
    """
    rng = np.random.default_rng(0)
    means, resampled, episodes = [], [], 0
    for successes in strata:
        rates, counts = np.array([np.mean(s) for s in successes]), np.array([len(s) for s in successes])
        picked = rng.integers(len(rates), size=(resamples, len(rates)))  # seeds
        resampled.append(np.mean(rng.binomial(counts[picked], rates[picked]) / counts[picked], axis=1))  # episodes
        means.append(np.mean(rates))
        episodes += int(counts.sum())
    mean = float(np.mean(means))
    if mean in (0.0, 1.0):
        interval = stats.binomtest(int(mean * episodes), episodes).proportion_ci()
        return mean, float(interval.low), float(interval.high)
    low, high = np.percentile(np.mean(resampled, axis=0), [2.5, 97.5])
    return mean, float(low), float(high)
