"""The course's experiments by name: `qlac experiment NAME --out DIR`.

On the lite world each finished cell is a file of its own, so a killed experiment goes on where it was. Beside
the cells stand their settings and provenance (experiment.json).
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.sources.fetch import get_dataset
from qlac_lite.data.sources.lite_play import EPISODES, LENGTH
from qlac_lite.experiments import designs
from qlac_lite.experiments.ablations import ABLATIONS, ablate, ablation_cells
from qlac_lite.experiments.exploration import explore, summary
from qlac_lite.experiments.runner import DATA_SEED, REMEDY, Cell, run_cell
from qlac_lite.training.jax_loop import check_phases
from qlac_lite.utils.errors import QlacError, unknown
from qlac_lite.utils.files import read_csv, read_json, write_csv, write_json
from qlac_lite.utils.machine import provenance

Rows = list[dict[str, Any]]
EXPERIMENTS: dict[str, Callable[..., list[Cell]]] = {
    "horizon": designs.horizon,
    "quick": designs.quick,
    "comparison": designs.comparison,
    "exploration": designs.exploration,
    "naive": designs.naive,
    "precision": designs.precision,
    "labels": designs.labels,
} | {name: functools.partial(ablation_cells, name) for name in ABLATIONS}


def run_on_task(name: str, task: str, out: Path, data: Path | None, preset: str, **settings: Any) -> Rows:
    """The experiment on the lite world, or with whole runs on another task; returns its rows.

    Args:
        data: dataset file of the other task; by default what `qlac data` finds.

    Raises:
        QlacError: no such experiment, one that runs on the lite world only, or what its runs raise.
    """
    if task == LITE_WORLD:
        return run_experiment(name, out, **settings)
    if name in ABLATIONS:
        return ablate(name, task, out, data or get_dataset(task), preset, **settings)
    if name == "exploration":
        rows = explore(task, out, data or get_dataset(task), preset, **settings)
        print(summary(rows))
        return rows
    raise QlacError(
        f"{name} runs on the lite world only; exploration and the ablations take --task. "
        f"Compare methods on {task} with qlac train and qlac report."
    )


def run_experiment(name: str, out: Path, log: Callable[[str], None] = print, **settings: Any) -> Rows:
    """Runs the cells of an experiment that are not in `out` yet, and returns the rows of all.

    Each row is one seed at one evaluation: cell, method, horizon, data, step, seed, updates, offline (updates
    of the offline phase), success (rate), episodes, length (mean actions of an episode). Where there was a
    collector, also what `describe` says of its data; where the cell is probed, belief_KIND and return_KIND,
    means over the episodes (see `training.jax_episodes.probe`).

    Raises:
        QlacError: no such experiment, or the folder belongs to other settings.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS, "qlac experiment --help")
    cells = EXPERIMENTS[name](**settings)
    for cell in cells:
        check_phases(cell.config)
    data = f"scripted play, {EPISODES} episodes of {LENGTH:g} / step actions, seed {DATA_SEED}"
    settings_of = {cell.name: _settings(cell) for cell in cells}
    _claim(out / "experiment.json", {"experiment": name, "cells": settings_of, "data": data})
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


def _settings(cell: Cell) -> dict[str, Any]:
    collector = cell.collector and dataclasses.asdict(cell.collector)
    own = cell.world._asdict() | dataclasses.asdict(cell.config)
    return own | {"collector": collector, "data": cell.data, "probed": cell.probed}


def _claim(path: Path, about: dict[str, Any]) -> None:
    """Makes the folder this experiment's; refuses one with other settings."""
    if path.exists():
        there = read_json(path, REMEDY)
        if {key: there.get(key) for key in about} != json.loads(json.dumps(about)):
            raise QlacError(f"{path.parent} holds an experiment with other settings. {REMEDY}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, about | {"provenance": provenance()})
