"""Success of a policy in its environment, whatever the number of simulator processes."""

from typing import Any

import numpy as np

from qlac_lite.agents.base import EVALUATION
from qlac_lite.config import Config
from qlac_lite.training.collector import Episodes, simulators
from qlac_lite.utils.cores import usable_cores


def evaluate(actor, params: Any, environments, config: Config, episodes: int) -> list[dict[str, Any]]:
    """Rows of `episodes` episodes a seed: seed, episode, success (0 or 1), return (undiscounted), length.

    Args:
        actor: `agents.base.acting`, compiled over the seeds.
        params: with a leading axis over `config.seed_list`.
        environments: as `make_evaluators` makes them, as many for each seed.
    """
    flight, rows = Episodes(environments, config.seed_list, EVALUATION), []
    per_seed = flight.shape[1]
    flight.begin(np.tile(np.arange(per_seed), config.seeds))
    following = np.full(config.seeds, per_seed)  # the next episode of each seed
    while np.any(running := flight.episodes < episodes):
        chunks = np.asarray(actor(params, *flight.inputs()))  # (seeds, W, H, A)
        flight.step_async(np.concatenate(chunks), running)
        terminated, truncated, _ = flight.wait()
        ended, numbers = terminated | truncated, flight.episodes.copy()
        for i in np.flatnonzero(ended):
            rows.append({"seed": int(flight.seeds[i]), "episode": int(numbers[i])} | flight.outcome(i))
            numbers[i] = following[i // per_seed]
            following[i // per_seed] += 1
        flight.begin(numbers, ended & (numbers < episodes))
    return sorted(rows, key=lambda row: (row["seed"], row["episode"]))


def make_evaluators(config: Config, env_args: dict[str, Any] | None = None):
    """Environments for `evaluate`, see `simulators`: about two a core, in equal numbers a seed."""
    per_seed = max(1, min(config.evaluation_episodes, round(2 * usable_cores() / config.seeds)))
    return simulators(config, per_seed, env_args)
