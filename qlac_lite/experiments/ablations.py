"""The ablations of lesson 09: one thing changed at a time, on the same seeds, beside its control.

A variant is a method and what it changes. The same list is run small, in the lite world with everything
compiled (`qlac experiment NAME --out DIR`), or as whole runs on any task (`--task TASK --preset full`).

The lite world is the coarse one (an action moves 0.08, an episode takes about 40 actions), with 1,000 updates
on play and 5,000 environment steps after it: long enough that the methods are neither at 0 nor at 100 %,
short enough for eight seeds a variant.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qlac_lite.config import make_config
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.experiments.designs import SHORT
from qlac_lite.experiments.runner import Cell
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.training.loop import finish_run
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError, unknown

STEP = 0.08  # of the lite world
FEW = {"seeds": 8, **SHORT}
LENGTHS = (1, 2, 5, 10, 25, 50)
PUSHES = (0.5, 1.0)  # see LiteWorld.disturbance
BOTH = ("qc-fql", "qc")
FAMILIES = {  # the methods of each extraction by their backup
    "bfn": {"one-step": "bfn", "n-step": "bfn-n", "chunk": "qc"},
    "fql": {"one-step": "fql", "n-step": "fql-n", "chunk": "qc-fql"},
}


class Variant(NamedTuple):
    """A method and what it changes; the name is that of its file or folder."""

    name: str
    method: str
    changes: dict[str, Any]
    control: str  # name of the variant that it is held against, seed by seed
    disturbance: float = 0.0  # of the lite world; other tasks have none


def length(methods: Sequence[str] = BOTH, full: bool = False) -> Iterator[Variant]:
    """The chunk length, critic and policy alike, against single actions."""
    for method in methods:
        for h in LENGTHS:
            yield Variant(f"{method}-h{h}", method, {"horizon": h}, f"{method}-h1")


def disturbance(methods: Sequence[str] = BOTH, full: bool = False) -> Iterator[Variant]:
    """The chunk length where every action is pushed about, in the data and online: an open-loop chunk cannot
    answer."""
    for push in PUSHES:
        for v in length(methods):
            pushed = f"-push{push:g}"
            yield v._replace(name=v.name + pushed, control=v.control + pushed, disturbance=push)


def halves(methods: Sequence[str] = tuple(FAMILIES), full: bool = False) -> Iterator[Variant]:
    """Backup and policy apart: each of three backups with a policy of single actions and with one of chunks,
    H = 5 throughout; and chunk critics whose chunks are executed in part only."""
    for family in methods:
        if family not in FAMILIES:
            raise unknown("family of methods", family, FAMILIES, "qlac experiment --help")
        control = f"{family}-chunk-policy5"
        for backup, method in FAMILIES[family].items():
            for p in (1, 5):
                changes = {"horizon": 5, "policy_horizon": p}
                yield Variant(f"{family}-{backup}-policy{p}", method, changes, control)
        for k in (1, 2):
            changes = {"horizon": 5, "execute": k}
            yield Variant(f"{family}-chunk-execute{k}", FAMILIES[family]["chunk"], changes, control)


def candidates(methods: Sequence[str] = ("bfn", "qc"), full: bool = False) -> Iterator[Variant]:
    """N of best-of-N, the same for chunks and for single actions. Held against the first method with the same
    N."""
    for method in methods:
        for n in (1, 4, 32, 64) if full else (1, 2, 8):
            yield Variant(f"{method}-N{n}", method, {"candidates": n}, f"{methods[0]}-N{n}")


def factors(methods: Sequence[str] = ("qc-fql",), full: bool = False) -> Iterator[Variant]:
    """One setting at a time: critics, updates a step, target, stride, Euler steps, alpha."""
    changes: dict[str, dict[str, Any]] = {
        "control": {},
        "critics10": {"critics": 10},
        "updates5": {"updates_per_step": 5},
        "min": {"target": "min"},
        "strideH": {"stride": 5},
    } | {f"K{k}": {"flow_steps": k} for k in ((1, 5) if full else (1, 10))}
    tied = {f"alpha{a}": {"alpha": float(a)} for a in ((30, 1000) if full else (1, 100))}
    for method in methods:
        own = changes | (tied if method in FAMILIES["fql"].values() else {})
        for name, change in own.items():
            yield Variant(f"{method}-{name}", method, change, f"{method}-control")


ABLATIONS: dict[str, Callable[..., Iterator[Variant]]] = {
    "length": length,
    "disturbance": disturbance,
    "halves": halves,
    "candidates": candidates,
    "factors": factors,
}
PROBED = ("candidates", "factors")  # whose critics are compared with returns, `training.jax_episodes.probe`


def variants(name: str, methods: Sequence[str] | None = None, full: bool = False) -> list[Variant]:
    """Those of one ablation; with `methods` (for `halves`, families) only theirs; `full`: with settings
    around
    the paper's."""
    return list(ABLATIONS[name](methods, full) if methods else ABLATIONS[name](full=full))


def ablation_cells(name: str, methods: Sequence[str] | None = None, **changes: Any) -> list[Cell]:
    """The ablation in the lite world; `changes` are fields of Config, except where a variant sets them."""
    cells = []
    for v in variants(name, methods):
        config = lite_config(v.method, **{**FEW, **changes, **v.changes})
        world = LiteWorld(step=STEP, disturbance=v.disturbance)
        cells.append(Cell(v.name, world, config, probed=name in PROBED))
    return cells


def ablate(
    name: str,
    task: str,
    out: Path,
    data: Path,
    preset: str = "lite",
    methods: Sequence[str] | None = None,
    log: Callable[[str], None] = print,
    **changes: Any,
) -> list[dict[str, Any]]:
    """The ablation as whole runs on a task, each a run folder in `out`: what is not finished yet goes on.

    Returns:
        rows as `experiments.catalogue.run_experiment` gives them, one a seed and evaluation.

    Raises:
        QlacError: the ablation needs the lite world, or what a run raises.
    """
    chosen, rows = variants(name, methods, preset == "full"), []
    if any(v.disturbance for v in chosen):
        raise QlacError(
            f"{name} pushes the gripper about, which only the lite world can do: leave --task out."
        )
    for v in chosen:
        config = make_config(task, v.method, preset, **{**changes, **v.changes})
        rows += _rows(v, finish_run(config, data, out / v.name, log=log))
    return rows


def _rows(variant: Variant, run: Run) -> list[dict[str, Any]]:
    """A row a seed and evaluation of a whole run."""
    config, episodes = run.config, {}
    for row in run.rows("evaluations.csv"):
        updates = row["step"] + (config.offline_steps if row["phase"] == "online" else 0)
        episodes.setdefault((row["seed"], updates), []).append(row["success"])
    about = dict(cell=variant.name, method=variant.method, horizon=config.horizon)
    about["offline"] = config.offline_steps
    return [
        about | {"seed": seed, "updates": updates, "success": float(np.mean(each)), "episodes": len(each)}
        for (seed, updates), each in episodes.items()
    ]
