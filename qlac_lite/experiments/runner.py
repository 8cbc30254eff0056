"""Cells of an experiment on the lite world: what they are trained on, what they collect, how they fare."""

import dataclasses
import functools
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite.config import Config
from qlac_lite.config.tasks import LITE_DOMAIN, Domain
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.sources.lite_play import EPISODES, LENGTH, record
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.training.jax_episodes import PROBES
from qlac_lite.training.jax_loop import Outcome, train_lite
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_csv, read_json

REMEDY = "Name another --out, or delete that folder."
DATA_SEED = 0


@dataclasses.dataclass(frozen=True)
class Cell:
    """One method in one world, with all its seeds."""

    name: str  # of its file
    world: LiteWorld
    config: Config
    collector: Config | None = None  # adds transitions to the data first, without learning from them
    data: str = "D"  # what it learns from: D, the play data, and what was collected
    probed: bool = False  # whether the critics' beliefs are compared with returns


def play(world: LiteWorld, stride: int = 1, offline_reward: str = "next") -> Dataset:
    """The data that all experiments share; `stride` and `offline_reward` as in `Config`."""
    key, steps = jax.random.key(DATA_SEED), round(LENGTH / world.step)
    return record(world, key, EPISODES, steps, stride=stride, offline_reward=offline_reward)


@functools.cache
def collect(world: LiteWorld, config: Config) -> Dataset:
    """What the trained policies of `config` collect, with a leading axis over seeds. Two learners ask for
    it."""
    return train_lite(config, world, play(world, config.start_stride, config.offline_reward)).replay


def describe(
    collected: Dataset, seed: int, domain: Domain = LITE_DOMAIN, cells: int = 20
) -> dict[str, float]:
    """One seed's collected transitions: their number, the effector's mean way in 5 actions (coherency,
    metres), the share of its workspace that it came to (`cells` along each axis), the share of episodes
    solved."""
    part = jax.tree.map(lambda leaf: np.asarray(leaf[seed]), collected)
    rows = part.starts[: part.num_starts]
    first, last, scale = domain.effector
    place, (low, high) = part.observations[:, first:last] / scale, map(np.array, domain.workspace)
    whole = rows[part.steps_left[rows] >= 5]
    visited = np.clip(np.floor((place[rows] - low) / (high - low) * cells), 0, cells - 1)
    episodes = np.sum(part.steps_left[rows] == 1)
    return {
        "collected": len(rows),
        "collected_coherency": float(np.linalg.norm(place[whole + 5] - place[whole], axis=1).mean()),
        "collected_coverage": len(np.unique(visited, axis=0)) / cells ** (last - first),
        "collected_success": float(np.sum(part.rewards[rows] == 0) / max(1, episodes)),
    }


def run_cell(cell: Cell) -> list[dict[str, Any]]:
    """Trains one cell, and describes each seed's evaluations."""
    data = play(cell.world, cell.config.start_stride, cell.config.offline_reward)
    collected = cell.collector and collect(cell.world, cell.collector)
    outcome = train_lite(cell.config, cell.world, data, collected, cell.probed)
    config, rows = cell.config, []
    about = dict(cell=cell.name, method=config.method, horizon=config.horizon, data=cell.data)
    for i, seed in enumerate(config.seed_list):
        brought = describe(collected, i) if collected else {}
        for j, updates in enumerate(outcome.steps):
            row = about | dict(step=cell.world.step, seed=seed, updates=int(updates))
            row |= dict(offline=config.offline_steps, success=float(outcome.success[i, j].mean()))
            row |= dict(episodes=config.evaluation_episodes, length=float(outcome.lengths[i, j].mean()))
            rows.append(row | brought | (_probes(outcome, i, j) if cell.probed else {}))
    return rows


def _probes(outcome: Outcome, seed: int, point: int) -> dict[str, float]:
    """What the critics believed of each kind of chunk, and what it brought: means over the episodes."""
    both = {"belief": outcome.beliefs, "return": outcome.returns}
    return {
        f"{name}_{kind}": float(values[seed, point, k].mean())
        for k, kind in enumerate(PROBES)
        for name, values in both.items()
    }


def read_experiment(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of a finished experiment, and its settings with their provenance.

    Raises:
        QlacError: not an experiment, or a cell is missing.
    """
    about = read_json(folder / "experiment.json", REMEDY)
    cells = {name: read_csv(folder / f"{name}.csv") for name in about["cells"]}
    for name, rows in cells.items():
        if not rows:
            raise QlacError(
                f"{folder} has no {name}.csv: run the experiment to its end, with the same command."
            )
    return [row for rows in cells.values() for row in rows], about


def recorded(name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The recorded run of an experiment that comes with the library, as `read_experiment` gives it."""
    with resources.as_file(resources.files("qlac_lite") / "assets" / name) as folder:
        return read_experiment(folder)
