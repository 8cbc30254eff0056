"""Experiments of the course on the lite world: `qlac experiment NAME --out DIR`.

A cell is one method in one world, with all seeds. Each finished cell is a file of its own, written whole or not at all, so
that a killed experiment goes on where it was. Beside the cells stand their settings and provenance (experiment.json).
"""

import dataclasses
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jax

from qlac_lite.config import Config, get_method
from qlac_lite.envs.lite import LiteWorld
from qlac_lite.envs.lite_data import record
from qlac_lite.errors import QlacError, unknown
from qlac_lite.files import read_csv, read_json, write_csv, write_json
from qlac_lite.lite import lite_config, train_lite
from qlac_lite.runs import provenance

REMEDY = "Name another --out, or delete that folder."
DATA_SEED, EPISODES, LENGTH = 0, 400, 10.0  # play data: so many episodes, of LENGTH / step actions each


@dataclasses.dataclass(frozen=True)
class Cell:
    world: LiteWorld
    config: Config

    @property
    def name(self) -> str:
        return f"{self.config.method}-{self.world.step:g}"


SIX = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc")


def horizon(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """Chunks against single actions as the same task takes more and more actions: the step is the dial.

    The finest world gets twice the online steps, because an episode there is twice as long.
    """
    online = {0.08: 8_000, 0.04: 8_000, 0.02: 16_000}
    return [
        Cell(LiteWorld(step=step), lite_config(method, **{"online_steps": steps, **changes}))
        for step, steps in online.items()
        for method in methods
    ]


def quick(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """The coarsest of those worlds with fewer updates: a few minutes on two cores."""
    few = {"offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}
    return [Cell(LiteWorld(step=0.08), lite_config(method, **{**few, **changes})) for method in methods]


EXPERIMENTS: dict[str, Callable[..., list[Cell]]] = {"horizon": horizon, "quick": quick}


def run_experiment(name: str, out: Path, log: Callable[[str], None] = print, **settings: Any) -> list[dict[str, Any]]:
    """Runs the cells of an experiment that are not in `out` yet, and returns the rows of all.

    Each row is one seed at one evaluation: method, step, seed, updates, offline (updates of the offline phase), success (rate),
    episodes, length (mean actions of an episode).

    Raises:
        QlacError: no such experiment, or the folder belongs to other settings.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS, "qlac experiment --help")
    cells = EXPERIMENTS[name](**settings)
    about = {"experiment": name, "cells": {c.name: c.world._asdict() | dataclasses.asdict(c.config) for c in cells}}
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
        log(f"{get_method(cell.config.method).title:8} step {cell.world.step:g}: {100 * sum(rates) / len(rates):3.0f} % after {last:,} updates")
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


def run_cell(cell: Cell) -> list[dict[str, Any]]:
    """Trains one cell, and describes each seed's evaluations."""
    data = record(cell.world, jax.random.key(DATA_SEED), EPISODES, round(LENGTH / cell.world.step))
    outcome = train_lite(cell.config, cell.world, data)
    return [
        {
            "method": cell.config.method,
            "step": cell.world.step,
            "seed": seed,
            "updates": int(updates),
            "offline": cell.config.offline_steps,
            "success": float(outcome.success[i, j].mean()),
            "episodes": cell.config.evaluation_episodes,
            "length": float(outcome.lengths[i, j].mean()),
        }
        for i, seed in enumerate(cell.config.seed_list)
        for j, updates in enumerate(outcome.steps)
    ]


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
