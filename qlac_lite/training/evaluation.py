"""Success of a policy in its environment: episodes in parallel processes, each decided by its own seed alone.

The policy is asked once a chunk. Episode i of a training seed starts from the same state and draws the same
noise whatever the number of processes.
"""

from typing import Any

import numpy as np

from qlac_lite.agents.base import EVALUATION, episode_seed
from qlac_lite.config import Config
from qlac_lite.utils.machine import usable_cores


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
    env_seeds = [
        episode_seed(int(s), EVALUATION, e) for s, es in zip(seeds, episode, strict=True) for e in es
    ]
    observation, _ = environments.reset(seed=env_seeds)
    while np.any(episode < episodes):
        running = episode < episodes
        chunks = np.array(
            actor(params, observation.reshape(*shape, -1), seeds, EVALUATION, episode, decision)
        )
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


def make_evaluators(config: Config, env_args: dict[str, Any] | None = None):
    """Vector environment for evaluation: about two simulators a core, at least one a seed,
    in equal numbers a seed.

    `env_args`: Robomimic's, as the data's file has them (`run.data`).
    """
    from qlac_lite.envs.make import make_vector_env

    per_seed = max(1, min(config.evaluation_episodes, round(2 * usable_cores() / config.seeds)))
    return make_vector_env(
        config.task, config.seeds * per_seed, config.execution_length, config.discount, env_args
    )
