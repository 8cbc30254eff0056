"""The course's experiments by name: `qlac experiment NAME --out DIR`.

On the lite world a finished cell is a file, so a killed experiment goes on where it was; experiment.json
holds settings and provenance.
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.presets import get_preset
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.fetch import get_dataset
from qlac_lite.data.suites.lite_play import PLAY, PLAY_DISTANCE, PLAY_EPISODES
from qlac_lite.experiments import designs
from qlac_lite.experiments.ablations import ABLATIONS, ablate, ablation_cells
from qlac_lite.experiments.exploration import explore, summary
from qlac_lite.experiments.runner import DATA_SEED, REMEDY, Cell, Names, Rows, run_cell
from qlac_lite.training.jax_loop import check_phases
from qlac_lite.training.run_folder import recorded_data
from qlac_lite.utils.errors import QlacError, unknown
from qlac_lite.utils.files import locked, read_csv, read_json, write_csv, write_json
from qlac_lite.utils.provenance import provenance

DESIGNS = "horizon", "quick", "comparison", "exploration", "naive", "worlds", "precision", "labels"
EXPERIMENTS = {name: getattr(designs, name) for name in DESIGNS}
EXPERIMENTS |= {name: functools.partial(ablation_cells, name) for name in ABLATIONS}


def run_on_task(name: str, task: str, out: Path, data: Path | None, preset: str, **settings: Any) -> Rows:
    """The rows of the experiment on the lite world, or of whole runs on another task.

    `data` is the task's dataset file, by default what `qlac data` finds. QlacError: no such experiment, one
    for the lite world only, or what runs raise.
    """
    source = get_preset(preset).source
    if "only" in settings and (task != LITE_WORLD or name in ABLATIONS):
        raise QlacError(f"--cell chooses from {', '.join(DESIGNS)} on the lite world. Leave it out.")
    if task == LITE_WORLD:
        return run_experiment(name, out, **settings)
    if name not in ("exploration", *ABLATIONS):
        raise QlacError(
            f"{name} runs on the lite world only; exploration and the ablations take --task. "
            f"Compare methods on {task} with qlac train and qlac report."
        )
    data = data or recorded_data(out) or get_dataset(task, source)
    if name in ABLATIONS:
        return ablate(name, task, out, data, preset, **settings)
    rows = explore(task, out, data, preset, **settings)
    print(summary(rows))
    return rows


def run_experiment(name: str, out: Path, log=print, only: Names = (), **settings: Any) -> Rows:
    """Runs the cells (of these names `only`) that are not in `out` yet, and returns the rows of all.

    A row is a seed at an evaluation: cell, method, horizon, data, step, seed, updates, offline (updates of
    the offline phase), success (rate), episodes, length (mean actions of an episode); with a collector, what
    `describe` says of its data; in a probed cell, means belief_KIND and return_KIND (`jax_episodes.probe`).
    QlacError: no such experiment or cell, or the folder belongs to other settings.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS, "qlac experiment --help")
    cells = {cell.name: cell for cell in EXPERIMENTS[name](**settings)}
    if absent := [cell for cell in only if cell not in cells]:
        raise QlacError(f"{name} has no cell {absent[0]!r}. Choose from: {', '.join(cells)}.")
    cells = [cells[cell] for cell in only or cells]
    for cell in cells:
        check_phases(cell.config)
    data = f"scripted play, {PLAY_EPISODES} episodes of {PLAY_DISTANCE:g} / step actions, seed {DATA_SEED}"
    about = {"experiment": name, "cells": {cell.name: _settings(cell) for cell in cells}, "data": data}
    file, rows = out / "experiment.json", []
    with locked(out / ".lock", -1, log):
        if not file.exists():
            write_json(file, about | {"provenance": provenance()})
        there = read_json(file, REMEDY)
        if there | json.loads(json.dumps(about)) != there:  # JSON has no tuples
            raise QlacError(f"{out} holds an experiment with other settings. {REMEDY}")
        for cell in cells:
            path = out / f"{cell.name}.csv"
            if not path.exists():
                write_csv(path, run_cell(cell))
            done = read_csv(path)
            last = done[-1]["updates"]
            rate = np.mean([row["success"] for row in done if row["updates"] == last])
            log(f"{cell.name:18} {100 * rate:3.0f} % after {last:,} updates")
            rows += done
    return rows


def _settings(cell: Cell) -> dict[str, Any]:
    """A cell's settings by name; what came later than the first records only where it is not the default."""
    parts = dataclasses.asdict(cell)
    del parts["name"]
    later = {"wide": False, "habits": PLAY._asdict()}
    parts["habits"] = cell.habits._asdict()
    parts = parts.pop("world")._asdict() | parts.pop("config") | parts
    return {name: value for name, value in parts.items() if value != later.get(name, ...)}
