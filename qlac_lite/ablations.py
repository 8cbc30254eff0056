"""The ablations of lesson 09: one thing changed at a time, on the same seeds, with the control that belongs beside it.

A variant is a method and what it changes. The same list is run small, in the lite world with everything compiled
(`qlac experiment NAME --out DIR`), or as whole runs on any task (`--task TASK --preset full`).

The world is the coarse one (an action moves 0.08, an episode takes about 40 actions), with 1,000 updates on play and 5,000
environment steps after it: long enough that the methods are neither at 0 nor at 100 %, short enough for eight seeds a variant.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from qlac_lite.designs import Cell
from qlac_lite.envs.lite import LiteWorld
from qlac_lite.lite import lite_config

STEP = 0.08  # of the lite world
FEW = {"seeds": 8, "offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}
LENGTHS = (1, 2, 5, 10, 25, 50)
BOTH = ("qc-fql", "qc")


class Variant(NamedTuple):
    """A method and what it changes; the name is that of its file or folder."""

    name: str
    method: str
    changes: dict[str, Any]
    disturbance: float = 0.0  # of the lite world; other tasks have none


def length(methods: Sequence[str] = BOTH) -> Iterator[Variant]:
    """The chunk length, critic and policy alike."""
    for method in methods:
        for h in LENGTHS:
            yield Variant(f"{method}-h{h}", method, {"horizon": h})


def disturbance(methods: Sequence[str] = ("qc-fql",)) -> Iterator[Variant]:
    """The chunk length where every action is pushed about, in the data and online: an open-loop chunk cannot answer."""
    for method in methods:
        for push in (0.5, 1.0):
            for h in LENGTHS:
                yield Variant(f"{method}-h{h}-push{push:g}", method, {"horizon": h}, push)


# The family of each extraction: its methods by backup.
FAMILIES = {"bfn": {"one-step": "bfn", "n-step": "bfn-n", "chunk": "qc"}, "fql": {"one-step": "fql", "n-step": "fql-n", "chunk": "qc-fql"}}


def halves(methods: Sequence[str] = tuple(FAMILIES)) -> Iterator[Variant]:
    """Backup and policy apart: each of three backups with a policy of single actions and with one of chunks, H = 5 throughout;
    and chunk critics whose chunks are executed in part only."""
    for family in methods:
        for backup, method in FAMILIES[family].items():
            for p in (1, 5):
                yield Variant(f"{family}-{backup}-policy{p}", method, {"horizon": 5, "policy_horizon": p})
        for k in (1, 2):
            yield Variant(f"{family}-chunk-execute{k}", FAMILIES[family]["chunk"], {"horizon": 5, "execute": k})


def candidates(methods: Sequence[str] = ("bfn", "qc")) -> Iterator[Variant]:
    """N of best-of-N, the same for chunks and for single actions."""
    for method in methods:
        for n in (1, 2, 4, 16):
            yield Variant(f"{method}-N{n}", method, {"candidates": n})


def factors(methods: Sequence[str] = ("qc-fql",)) -> Iterator[Variant]:
    """One setting at a time, against the same control: critics, updates a step, target, stride, Euler steps, alpha."""
    changes: dict[str, dict[str, Any]] = {
        "control": {}, "critics10": {"critics": 10}, "updates5": {"updates_per_step": 5}, "min": {"target": "min"},
        "strideH": {"stride": 5}, "K1": {"flow_steps": 1}, "K10": {"flow_steps": 10},
    }  # fmt: skip
    for method in methods:
        more = {"alpha1": {"alpha": 1.0}, "alpha100": {"alpha": 100.0}} if method in FAMILIES["fql"].values() else {}
        for name, change in (changes | more).items():
            yield Variant(f"{method}-{name}", method, change)


PROBED = ("candidates", "factors")  # where the critics' beliefs are compared with returns, see `lite.probe`
ABLATIONS: dict[str, Callable[..., Iterator[Variant]]] = {f.__name__: f for f in (length, disturbance, halves, candidates, factors)}


def variants(name: str, methods: Sequence[str] | None = None) -> list[Variant]:
    """Those of one ablation; with `methods` (or, for `halves`, families) only theirs."""
    return list(ABLATIONS[name](methods) if methods else ABLATIONS[name]())


def ablation_cells(name: str, methods: Sequence[str] | None = None, **changes: Any) -> list[Cell]:
    """The ablation in the lite world; `changes` are fields of Config for all cells."""
    return [
        Cell(v.name, LiteWorld(step=STEP, disturbance=v.disturbance), lite_config(v.method, **{**FEW, **v.changes, **changes}), probed=name in PROBED)
        for v in variants(name, methods)
    ]
