"""Cells of an experiment on the lite world: what they learn from, what they collect, how they fare."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite.config import Config
from qlac_lite.config.tasks import LITE_DOMAIN, Domain
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.suites.lite_play import PLAY, PLAY_DISTANCE, PLAY_EPISODES, Habits, record
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.training.jax_episodes import PROBES
from qlac_lite.training.jax_loop import train_lite
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import Rows, read_csv, read_json

Names = Sequence[str]
REMEDY = "Name another --out, or delete that folder."
DATA_SEED = 0


@dataclasses.dataclass(frozen=True)
class Cell:
    """One method in one world, with all its seeds."""

    name: str  # of its file
    world: LiteWorld
    config: Config
    collector: Config | None = None  # adds transitions to the data first, without learning
    other: Config | None = None  # another collector, whose set the first one's is `matched` with
    more_play: int = 0  # transitions of play that are added instead
    data: str = "D"  # the play data, and what was added
    probed: bool = False  # whether the critics' beliefs are compared with returns
    habits: Habits = PLAY  # of the demonstrator who plays


Cells = list[Cell]


def play(world: LiteWorld, stride: int = 1, offline_reward: str = "next", habits: Habits = PLAY) -> Dataset:
    """The data that all experiments share, but for another demonstrator's `habits`."""
    key, steps = jax.random.key(DATA_SEED), round(PLAY_DISTANCE / world.step)
    return record(world, key, PLAY_EPISODES, steps, habits, stride, offline_reward)


@functools.cache
def collect(world: LiteWorld, config: Config) -> Dataset:
    """What the policies of `config` collect, over seeds; two learners ask for it."""
    return train_lite(config, world, play(world, config.start_stride, config.offline_reward)).replay


def matched(own: Dataset, other: Dataset) -> Dataset:
    """`own`, seed by seed with no more solved episodes, and no more chunk starts, than `other` can match.

    The last solved episodes go, then the last starts of unsolved ones. Both have an axis over seeds.
    """
    starts, counts = np.array(own.starts), np.array(own.num_starts)
    for i in range(len(counts)):
        kept = _common([_of_seed(each, i) for each in (own, other)])
        starts[i, : len(kept)], counts[i] = kept, len(kept)
    return own._replace(starts=starts, num_starts=counts)


def _of_seed(collected: Dataset, seed: int) -> Dataset:
    return jax.tree.map(lambda leaf: np.asarray(leaf[seed]), collected)


def _common(sets: list[Dataset]) -> np.ndarray:
    """The starts of the first of two sets of one seed that `matched` keeps, in their order."""
    parts = []
    for each in sets:
        starts = each.starts[: each.num_starts]
        last = starts + each.steps_left[starts] - 1  # of a start's episode
        solved = each.rewards[last] == 0
        parts.append((starts, last, solved, np.unique(last[solved])))
    episodes = min(len(ends) for *_, ends in parts)
    kept = [(starts[np.isin(last, ends[:episodes])], starts[~solved]) for starts, last, solved, ends in parts]
    total = min(len(good) + len(rest) for good, rest in kept)
    good, rest = kept[0]
    return np.sort(np.append(good, rest[: max(0, total - len(good))]))


def added(cell: Cell) -> Dataset | None:
    """What the seeds of a cell learn from besides the play data, with an axis over them."""
    if cell.more_play:
        steps = round(PLAY_DISTANCE / cell.world.step)
        more = record(cell.world, jax.random.key(DATA_SEED + 1), cell.more_play // steps, steps)
        return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (cell.config.seeds, *np.shape(leaf))), more)
    if cell.collector is None:
        return None
    own = collect(cell.world, cell.collector)
    return matched(own, collect(cell.world, cell.other)) if cell.other else own


def describe(collected: Dataset, seed: int, domain: Domain = LITE_DOMAIN) -> dict[str, float]:
    """A seed's transitions: their number, the effector's mean way in 5 actions (coherency, metres), the share
    of its workspace that it came to (20 cells along each axis), the share of episodes solved.
    """
    part = _of_seed(collected, seed)
    rows = part.starts[: part.num_starts]
    first, last, scale = domain.effector
    place, (low, high) = part.observations[:, first:last] / scale, map(np.array, domain.workspace)
    whole = rows[part.steps_left[rows] >= 5]
    visited = np.clip(np.floor((place[rows] - low) / (high - low) * 20), 0, 19)
    episodes = np.sum(part.steps_left[rows] == 1)
    return {
        "collected": len(rows),
        "collected_coherency": float(np.linalg.norm(place[whole + 5] - place[whole], axis=1).mean()),
        "collected_coverage": len(np.unique(visited, axis=0)) / 20 ** (last - first),
        "collected_success": float(np.sum(part.rewards[rows] == 0) / max(1, episodes)),
    }


def run_cell(cell: Cell) -> Rows:
    """Trains a cell; a row a seed and evaluation."""
    config, rows = cell.config, []
    data = play(cell.world, config.start_stride, config.offline_reward, cell.habits)
    collected = added(cell)
    outcome = train_lite(config, cell.world, data, collected, cell.probed)
    about = dict(cell=cell.name, method=config.method, horizon=config.horizon)
    about |= dict(data=cell.data, step=cell.world.step)
    for i, seed in enumerate(config.seed_list):
        brought = describe(collected, i) if collected else {}
        for j, updates in enumerate(outcome.steps):
            row = about | dict(seed=seed, updates=int(updates), offline=config.offline_steps)
            row |= dict(success=float(outcome.success[i, j].mean()), episodes=config.evaluation_episodes)
            row |= dict(length=float(outcome.lengths[i, j].mean())) | brought
            for k, kind in enumerate(PROBES if cell.probed else ()):
                row[f"belief_{kind}"] = float(outcome.beliefs[i, j, k].mean())
                row[f"return_{kind}"] = float(outcome.returns[i, j, k].mean())
            rows.append(row)
    return rows


def read_experiment(folder: Path) -> tuple[Rows, dict[str, Any]]:
    """The rows of a finished experiment, and its settings with their provenance; QlacError if it is none."""
    about, rows = read_json(folder / "experiment.json", REMEDY), []
    for name in about["cells"]:
        cell = read_csv(folder / f"{name}.csv")
        if not cell:
            raise QlacError(f"{folder} has no {name}.csv: finish the experiment, with the same command.")
        rows += cell
    return rows, about


def recorded(name: str) -> tuple[Rows, dict[str, Any]]:
    """`read_experiment` of a run that comes with the library."""
    return read_experiment(Path(__file__).parents[1] / "assets" / name)
