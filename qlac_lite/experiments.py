"""Experiments of the course on the lite world: `qlac experiment NAME --out DIR`.

A cell is one method in one world, with all seeds. Each finished cell is a file of its own, written whole or not at all, so
that a killed experiment goes on where it was. Beside the cells stand their settings and provenance (experiment.json).
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite.chunks import Dataset
from qlac_lite.config import CHOICES, Config, get_method
from qlac_lite.envs.lite import LiteWorld
from qlac_lite.envs.lite_data import EPISODES, LENGTH, record
from qlac_lite.errors import QlacError, unknown
from qlac_lite.files import read_csv, read_json, write_csv, write_json
from qlac_lite.lite import PROBES, Outcome, check_phases, lite_config, train_lite
from qlac_lite.runs import provenance
from qlac_lite.tasks import LITE, Domain

REMEDY = "Name another --out, or delete that folder."
DATA_SEED = 0


@dataclasses.dataclass(frozen=True)
class Cell:
    """One method in one world, with all its seeds."""

    name: str  # of its file
    world: LiteWorld
    config: Config
    collector: Config | None = None  # who adds transitions of its own to the data first, without learning from them
    data: str = "D"  # what it learns from: D, the play data, and what was collected
    probed: bool = False  # whether the critics' beliefs are compared with returns


SIX = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc")
TEN = (*SIX, "rlpd", "rlpd-ac", "qc-rlpd", "chunk-bc")


def horizon(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """Chunks against single actions as the same task takes more and more actions: the step is the dial.

    The finest world gets twice the online steps, because an episode there is twice as long.
    """
    online = {0.08: 8_000, 0.04: 8_000, 0.02: 16_000}
    return [
        Cell(f"{method}-{step:g}", LiteWorld(step=step), lite_config(method, **{"online_steps": steps, **changes}))
        for step, steps in online.items()
        for method in methods
    ]


def quick(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """The coarsest of those worlds with fewer updates: three minutes on two cores."""
    few = {"offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}
    return [Cell(f"{method}-0.08", LiteWorld(step=0.08), lite_config(method, **{**few, **changes})) for method in methods]


def comparison(methods: Sequence[str] = TEN, **changes) -> list[Cell]:
    """All methods with eight seeds, offline (but for RLPD) and online."""
    few = {"seeds": 8, "offline_steps": 4_000, "online_steps": 6_000}
    settings = lambda method: {**few, **get_method(method).settings, **changes}
    return [
        Cell(f"{method}-0.04", LiteWorld(step=0.04), lite_config(method, **settings(method)), probed=method != "chunk-bc")
        for method in methods
    ]


def exploration(methods: Sequence[str] = ("fql", "qc-fql", "bfn", "qc"), collected: int = 10_000, **changes) -> list[Cell]:
    """What chunks collect against what single actions collect: D1 and D5 (the seed review's experiment).

    A pair (FQL and QC-FQL; BFN and QC) is trained on the play data D. Each of the two collects as many transitions with its
    trained policy: D1 the single-action method, D5 the chunk method. Then both methods are trained afresh, on D, on D + D1 and
    on D + D5.
    """
    world, settings = LiteWorld(step=0.08), {"online_steps": 0, **changes}
    collecting = settings | {"online_steps": collected, "updates_per_step": 0}
    pairs = {"fql": ("fql", "qc-fql"), "qc-fql": ("fql", "qc-fql"), "bfn": ("bfn", "qc"), "qc": ("bfn", "qc")}
    return [
        Cell(f"{method}-{data}", world, lite_config(method, **settings), collector and lite_config(collector, **collecting), data)
        for method in methods
        for data, collector in zip(("D", "D+D1", "D+D5"), (None, *pairs[method]), strict=True)
    ]


def naive(horizons: Sequence[int] = (5, 10, 20), steps: Sequence[float] = (0.08, 0.04), **changes) -> list[Cell]:
    """RLPD on chunks: where it helps and where it fails, over chunk length and step, and what removes the failure.

    The map: RLPD, and RLPD-AC for each chunk length. The interventions, for each chunk length in the finer world and for the
    longest in the coarser one, where the failure is clearest, remove one possible cause each: `cool` starts the temperature at 1 / H, `quiet` asks for hardly any entropy, `cloned` is QC-RLPD,
    `closed` executes the first action of each chunk only (as many decisions as RLPD), and `flow` is QC-FQL with RLPD's batches
    and critics (an actor that can hold any distribution, and is held near the data). And one thing is taken from RLPD itself:
    `two` has two critics in place of ten, with single actions (h1) and with chunks.
    """
    few = {"seeds": 4, "online_steps": 8_000, **changes}
    cells = []
    for step in steps:
        world = LiteWorld(step=step)
        cells += [Cell(f"rlpd-{step:g}", world, lite_config("rlpd", **few), probed=True)]
        on_chunks = {h: lite_config("rlpd-ac", horizon=h, **few) for h in horizons}
        cells += [Cell(f"rlpd-ac-h{h}-{step:g}", world, config, probed=True) for h, config in on_chunks.items()]
    fine, coarse = steps[-1], steps[0]
    for h, step in [*((h, fine) for h in horizons), (horizons[-1], coarse)]:
        removed = {
            "cool": ("rlpd-ac", {"initial_temperature": 1 / h}),
            "quiet": ("rlpd-ac", {"entropy_target": -2.0}),
            "cloned": ("qc-rlpd", {}),
            "closed": ("rlpd-ac", {"execute": 1}),
            "flow": ("qc-fql", get_method("rlpd").settings),
        }
        cells += [
            Cell(f"{name}-h{h}-{step:g}", LiteWorld(step=step), lite_config(method, **{"horizon": h, **own, **few}), probed=True)
            for name, (method, own) in removed.items()
        ]
    for h, step in [*((h, fine) for h in (1, *horizons)), (1, coarse), (horizons[-1], coarse)]:
        config = lite_config("rlpd" if h == 1 else "rlpd-ac", **{"horizon": h, "critics": 2, **few})
        cells.append(Cell(f"two-h{h}-{step:g}", LiteWorld(step=step), config, probed=True))
    return cells


def precision(methods: Sequence[str] = ("qc-fql", "qc"), **changes) -> list[Cell]:
    """Whether sampling the flow in bfloat16, where no gradient flows, changes a curve: each method in both, with eight seeds."""
    few = {"seeds": 8, "offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000, **changes}
    return [
        Cell(f"{method}-{kind}", LiteWorld(step=0.08), lite_config(method, sampling_precision=kind, **few))
        for method in methods
        for kind in CHOICES["sampling_precision"]
    ]


EXPERIMENTS: dict[str, Callable[..., list[Cell]]] = {
    f.__name__: f for f in (horizon, quick, comparison, exploration, naive, precision)
}


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


def play(world: LiteWorld) -> Dataset:
    """The data that all experiments share."""
    return record(world, jax.random.key(DATA_SEED), EPISODES, round(LENGTH / world.step))


@functools.cache
def collect(world: LiteWorld, config: Config) -> Dataset:
    """What the trained policies of `config` collect, with a leading axis over seeds. Kept, because two learners ask for it."""
    return train_lite(config, world, play(world)).replay


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
    data = play(cell.world)
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
