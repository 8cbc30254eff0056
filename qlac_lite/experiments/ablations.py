"""The ablations of lesson 09: one thing changed at a time, on the same seeds, beside its control.

The variants run small in the lite world, or as whole runs on any task. In the coarse lite world, with the
settings FEW, eight seeds are quick and the methods are neither at 0 nor at 100 %.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qlac_lite.config import make_config
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.experiments.designs import FEW
from qlac_lite.experiments.runner import Cell, Cells, Names, Rows
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.training.loop import finish_run
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError, unknown

STEP = 0.08  # of the lite world
LENGTHS = (1, 2, 5, 10, 25)  # at full size 50, too, as in the paper
PUSH, PUSHED_LENGTHS = 0.5, (1, 5, 10)  # see LiteWorld.disturbance
FAMILIES = {  # the methods of each extraction by their backup
    "bfn": {"one-step": "bfn", "n-step": "bfn-n", "chunk": "qc"},
    "fql": {"one-step": "fql", "n-step": "fql-n", "chunk": "qc-fql"},
}


class Variant(NamedTuple):
    """A method and what it changes."""

    name: str  # of its file or folder
    method: str
    changes: dict[str, Any]
    control: str  # the variant that it is held against, seed by seed
    disturbance: float = 0.0  # of the lite world; other tasks have none


Variants = Iterator[Variant]


def length(methods: Names = ("qc-fql", "qc"), full: bool = False) -> Variants:
    """The chunk length, critic and policy alike, against single actions."""
    for method in methods:
        for h in (*LENGTHS, 50) if full else LENGTHS:
            yield Variant(f"{method}-h{h}", method, {"horizon": h}, f"{method}-h1")


def disturbance(methods: Names = ("qc-fql", "qc"), full: bool = False) -> Variants:
    """The chunk length where every action is pushed about: an open-loop chunk cannot answer."""
    for name, method, changes, control, _ in length(methods):
        if changes["horizon"] in PUSHED_LENGTHS:
            yield Variant(f"{name}-push{PUSH:g}", method, changes, f"{control}-push{PUSH:g}", PUSH)


def halves(methods: Names = tuple(FAMILIES), full: bool = False) -> Variants:
    """Backup and policy apart: one action or five; and chunks of which the first action alone is executed."""
    for family in methods:
        if family not in FAMILIES:
            raise unknown("family of methods", family, FAMILIES, "qlac experiment --help")
        parts = [(backup, "policy", "policy_horizon", 1) for backup in FAMILIES[family]]
        parts += [("one-step", "policy", "policy_horizon", 5), ("chunk", "policy", "policy_horizon", 5)]
        parts += [("chunk", "execute", "execute", 1)]
        for backup, part, field, n in parts:
            name, method = f"{family}-{backup}-{part}{n}", FAMILIES[family][backup]
            yield Variant(name, method, {"horizon": 5, field: n}, f"{family}-chunk-policy5")


def candidates(methods: Names = ("bfn", "qc"), full: bool = False) -> Variants:
    """N of best-of-N, for chunks and single actions, against the first method with the same N."""
    for method in methods:
        for n in (1, 4, 32, 64) if full else (2, 8, 32):
            yield Variant(f"{method}-N{n}", method, {"candidates": n}, f"{methods[0]}-N{n}")


def factors(methods: Names = ("qc-fql",), full: bool = False) -> Variants:
    """One setting at a time: critics, updates a step, stride, Euler steps, alpha; `full`: the target, too."""
    changes = {"control": {}, "critics10": {"critics": 10}, "updates5": {"updates_per_step": 5}}
    changes |= {"strideH": {"stride": 5}, "K1": {"flow_steps": 1}}
    if full:
        changes |= {"min": {"target": "min"}, "K5": {"flow_steps": 5}}
    else:
        changes["steps5"] = {"online_steps": 5 * FEW["online_steps"]}  # as many updates
    tied = {f"alpha{a}": {"alpha": float(a)} for a in ((30, 1000) if full else (100,))}
    for method in methods:
        its = changes | tied if method in FAMILIES["fql"].values() else changes
        for name, change in its.items():
            yield Variant(f"{method}-{name}", method, change, f"{method}-control")


ABLATIONS = {made.__name__: made for made in (length, disturbance, halves, candidates, factors)}
PROBED = ("candidates", "factors")  # whose critics are compared with returns, `training.jax_episodes.probe`


def variants(name: str, methods: Names | None = None, full: bool = False) -> list[Variant]:
    """An ablation's variants, of its own methods by default; `full`: with settings around the paper's."""
    return list(ABLATIONS[name](methods, full) if methods else ABLATIONS[name](full=full))


def ablation_cells(name: str, methods: Names | None = None, **changes: Any) -> Cells:
    """The ablation in the lite world; a variant's own changes go before `changes`."""
    config = lambda v: lite_config(v.method, **FEW | changes | v.changes)
    world = lambda v: LiteWorld(step=STEP, disturbance=v.disturbance)
    return [Cell(v.name, world(v), config(v), probed=name in PROBED) for v in variants(name, methods)]


def ablate(
    name: str, task: str, out: Path, data: Path, preset: str = "lite", methods=(), log=print, **changes
) -> Rows:
    """Whole runs of the ablation, each in a folder of `out`, or what they lack; rows as of `run_experiment`.

    QlacError: the ablation needs the lite world, or what a run raises.
    """
    chosen, rows = variants(name, methods, preset == "full"), []
    if any(v.disturbance for v in chosen):
        raise QlacError(f"{name} pushes the gripper, which only the lite world can do: leave --task out.")
    for v in chosen:
        config = make_config(task, v.method, preset, **changes | v.changes)
        rows += _rows(v, finish_run(config, data, out / v.name, log=log))
    return rows


def _rows(variant: Variant, run: Run) -> Rows:
    """A row a seed and evaluation."""
    offline, episodes = run.config.offline_steps, {}
    for row in run.rows("evaluations.csv"):
        updates = row["step"] + offline * (row["phase"] == "online")
        episodes.setdefault((row["seed"], updates), []).append(row["success"])
    about = dict(cell=variant.name, method=variant.method, horizon=run.config.horizon, offline=offline)
    return [
        about | dict(seed=seed, updates=updates, success=float(np.mean(each)), episodes=len(each))
        for (seed, updates), each in episodes.items()
    ]
