"""Experiments of the course on the lite world: `qlac experiment NAME --out DIR`.

A cell is one method in one world, with all seeds. Each finished cell is a file of its own, written whole or not at all, so
that a killed experiment goes on where it was. Beside the cells stand their settings and provenance (experiment.json).
"""

import dataclasses
import functools
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite import designs
from qlac_lite.ablations import ABLATIONS, ablation_cells
from qlac_lite.chunks import Dataset
from qlac_lite.config import Config
from qlac_lite.designs import Cell
from qlac_lite.envs.lite import LiteWorld
from qlac_lite.envs.lite_data import EPISODES, LENGTH, record
from qlac_lite.errors import QlacError, unknown
from qlac_lite.files import read_csv, read_json, write_csv, write_json
from qlac_lite.lite import PROBES, Outcome, check_phases, train_lite
from qlac_lite.runs import provenance
from qlac_lite.tasks import LITE, Domain

REMEDY = "Name another --out, or delete that folder."
DATA_SEED = 0


EXPERIMENTS: dict[str, Callable[..., list[Cell]]] = {
    f.__name__: f for f in (designs.horizon, designs.quick, designs.comparison, designs.exploration, designs.naive, designs.precision, designs.labels)
} | {name: functools.partial(ablation_cells, name) for name in ABLATIONS}


def run_experiment(name: str, out: Path, log: Callable[[str], None] = print, **settings: Any) -> list[dict[str, Any]]:
    """Runs the cells of an experiment that are not in `out` yet, and returns the rows of all.

    Each row is one seed at one evaluation: cell, method, horizon, data, step, seed, updates, offline (updates of the offline
    phase), success (rate), episodes, length (mean actions of an episode). Where there was a collector, also what `describe` says
    of its data; where the cell is probed, belief_KIND and return_KIND, means over the episodes (see `lite.probe`).

    Raises:
        QlacError: no such experiment, or the folder belongs to other settings.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS, "qlac experiment --help")
    cells = EXPERIMENTS[name](**settings)
    for cell in cells:
        check_phases(cell.config)
    inner = lambda config: config and dataclasses.asdict(config)
    cell_of = lambda c: c.world._asdict() | inner(c.config) | {"collector": inner(c.collector), "data": c.data, "probed": c.probed}
    about = {"experiment": name, "cells": {c.name: cell_of(c) for c in cells}}
    about = {**about, "data": f"scripted play, {EPISODES} episodes of {LENGTH:g} / step actions, seed {DATA_SEED}"}
    _claim(out / "experiment.json", about)
    rows = []
    for cell in cells:
        path = out / f"{cell.name}.csv"
        if not path.exists():
            write_csv(path, run_cell(cell))
        done = read_csv(path)
        last = max(row["updates"] for row in done)
        rates = [row["success"] for row in done if row["updates"] == last]
        log(f"{cell.name:18} {100 * sum(rates) / len(rates):3.0f} % after {last:,} updates")
        rows += done
    return rows


def _claim(path: Path, about: dict[str, Any]) -> None:
    """Makes the folder this experiment's; refuses one with other settings."""
    if path.exists():
        there = read_json(path, REMEDY)
        if {key: there.get(key) for key in about} != _plain(about):
            raise QlacError(f"{path.parent} holds an experiment with other settings. {REMEDY}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, about | {"provenance": provenance()})


def _plain(value: Any) -> Any:
    """As it comes back from JSON: tuples are lists."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def play(world: LiteWorld, stride: int = 1, offline_reward: str = "next") -> Dataset:
    """The data that all experiments share; `stride` and `offline_reward` as in `Config`."""
    return record(world, jax.random.key(DATA_SEED), EPISODES, round(LENGTH / world.step), stride=stride, offline_reward=offline_reward)


@functools.cache
def collect(world: LiteWorld, config: Config) -> Dataset:
    """What the trained policies of `config` collect, with a leading axis over seeds. Kept, because two learners ask for it."""
    return train_lite(config, world, play(world, config.start_stride, config.offline_reward)).replay


def describe(collected: Dataset, seed: int, domain: Domain = LITE, cells: int = 20) -> dict[str, float]:
    """Of one seed's collected transitions: how many there are, the effector's mean way in 5 actions (its coherency, in metres),
    the share of its workspace that it came to (`cells` along each axis), and the share of episodes that solved the task."""
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
    about = [describe(collected, i) if collected else {} for i in range(cell.config.seeds)]
    return [
        {
            "cell": cell.name,
            "method": cell.config.method,
            "horizon": cell.config.horizon,
            "data": cell.data,
            "step": cell.world.step,
            "seed": seed,
            "updates": int(updates),
            "offline": cell.config.offline_steps,
            "success": float(outcome.success[i, j].mean()),
            "episodes": cell.config.evaluation_episodes,
            "length": float(outcome.lengths[i, j].mean()),
            **about[i],
            **(_probes(outcome, i, j) if cell.probed else {}),
        }
        for i, seed in enumerate(cell.config.seed_list)
        for j, updates in enumerate(outcome.steps)
    ]


def _probes(outcome: Outcome, seed: int, point: int) -> dict[str, float]:
    """Means over the episodes of a probe: what the critics believed of each kind of chunk, and what it brought."""
    both = {"belief": outcome.beliefs, "return": outcome.returns}
    return {f"{name}_{kind}": float(values[seed, point, k].mean()) for k, kind in enumerate(PROBES) for name, values in both.items()}


def read_experiment(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of a finished experiment, and its settings with their provenance.

    Raises:
        QlacError: not an experiment, or a cell is missing.
    """
    about = read_json(folder / "experiment.json", REMEDY)
    cells = {name: read_csv(folder / f"{name}.csv") for name in about["cells"]}
    for name, rows in cells.items():
        if not rows:
            raise QlacError(f"{folder} has no {name}.csv: run the experiment to its end, with the same command.")
    return [row for rows in cells.values() for row in rows], about


def recorded(name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The recorded run of an experiment that comes with the library, as `read_experiment` gives it."""
    with resources.as_file(resources.files("qlac_lite") / "assets" / name) as folder:
        return read_experiment(folder)
