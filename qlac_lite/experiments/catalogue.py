"""The course's experiments on the lite world by name: `qlac experiment NAME --out DIR`.

Each finished cell is a file of its own, so that a killed experiment goes on where it was.
Beside the cells stand their settings and provenance (experiment.json).
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qlac_lite.data.sources.lite_play import EPISODES, LENGTH
from qlac_lite.experiments import designs
from qlac_lite.experiments.ablations import ABLATIONS, ablation_cells
from qlac_lite.experiments.runner import DATA_SEED, REMEDY, Cell, run_cell
from qlac_lite.training.jax_loop import check_phases
from qlac_lite.utils.errors import QlacError, unknown
from qlac_lite.utils.files import read_csv, read_json, write_csv, write_json
from qlac_lite.utils.machine import provenance

EXPERIMENTS: dict[str, Callable[..., list[Cell]]] = {
    f.__name__: f
    for f in (
        designs.horizon,
        designs.quick,
        designs.comparison,
        designs.exploration,
        designs.naive,
        designs.precision,
        designs.labels,
    )
} | {name: functools.partial(ablation_cells, name) for name in ABLATIONS}


def run_experiment(
    name: str, out: Path, log: Callable[[str], None] = print, **settings: Any
) -> list[dict[str, Any]]:
    """Runs the cells of an experiment that are not in `out` yet, and returns the rows of all.

    Each row is one seed at one evaluation: cell, method, horizon, data, step, seed, updates, offline (updates
    of the offline phase), success (rate), episodes, length (mean actions of an episode). Where there was a
    collector, also what `describe` says of its data; where the cell is probed, belief_KIND and return_KIND,
    means over the episodes (see `training.jax_loop.probe`).

    Raises:
        QlacError: no such experiment, or the folder belongs to other settings.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS, "qlac experiment --help")
    cells = EXPERIMENTS[name](**settings)
    for cell in cells:
        check_phases(cell.config)
    inner = lambda config: config and dataclasses.asdict(config)
    cell_of = lambda c: (
        c.world._asdict()
        | inner(c.config)
        | {"collector": inner(c.collector), "data": c.data, "probed": c.probed}
    )
    about = {"experiment": name, "cells": {c.name: cell_of(c) for c in cells}}
    about = {
        **about,
        "data": f"scripted play, {EPISODES} episodes of {LENGTH:g} / step actions, seed {DATA_SEED}",
    }
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
