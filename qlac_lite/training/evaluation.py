"""Success of a policy in its environment, whatever the number of simulator processes."""

from typing import Any

import numpy as np

from qlac_lite.agents.base import EVALUATION
from qlac_lite.config import Config, get_task
from qlac_lite.training.collector import Episodes
from qlac_lite.utils.machine import usable_cores


def evaluate(actor, params: Any, environments, config: Config, episodes: int) -> list[dict[str, Any]]:
    """Runs `episodes` episodes of each seed's policy, which is asked once a chunk.

    Args:
        actor: `agents.base.acting`, compiled over the seeds.
        params: with a leading axis over `config.seed_list`.
        environments: vector environment of W environments a seed, seed by seed.

    Returns:
        A row per episode: seed, episode, success (0 or 1), return (undiscounted), length.
    """
    seeds = np.array(config.seed_list, np.uint32)
    per_seed = environments.num_envs // len(seeds)
    shape = (len(seeds), per_seed)
    flight, rows = Episodes(environments, np.repeat(seeds, per_seed), EVALUATION), []
    flight.begin(np.tile(np.arange(per_seed), len(seeds)))
    following = np.full(len(seeds), per_seed)  # the next episode of each seed
    while np.any(running := flight.episodes < episodes):
        inputs = (flight.episodes.reshape(shape), flight.decision.reshape(shape))
        chunks = actor(params, flight.observation.reshape(*shape, -1), seeds, EVALUATION, *inputs)
        flight.step_async(np.asarray(chunks).reshape(-1, *chunks.shape[2:]), running)
        terminated, truncated, _ = flight.wait()
        ended, numbers = terminated | truncated, flight.episodes.copy()
        for i in np.flatnonzero(ended):
            rows.append({"seed": int(flight.seeds[i]), "episode": int(numbers[i])} | flight.outcome(i))
            numbers[i] = following[i // per_seed]
            following[i // per_seed] += 1
        flight.begin(numbers, ended & (numbers < episodes))
    return sorted(rows, key=lambda row: (row["seed"], row["episode"]))


def make_evaluators(config: Config, env_args: dict[str, Any] | None = None):
    """Environments for `evaluate`: about two a core, in equal numbers a seed, at least one.

    `env_args`: Robomimic's, as the data's file has them.
    """
    from qlac_lite.envs.make import make_vector_env

    per_seed = max(1, min(config.evaluation_episodes, round(2 * usable_cores() / config.seeds)))
    count, length = config.seeds * per_seed, config.execution_length
    return make_vector_env(get_task(config.task), count, length, config.discount, env_args)
