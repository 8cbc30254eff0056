"""The recorded ablations on the lite world as arrays, for lesson 09. Shapes: R seeds, C runs."""

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from qlac_lite.experiments.runner import recorded
from qlac_lite.reports.ablation import measured
from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import recorded_runs
from qlac_lite.utils.statistics import difference, gap_text

FACTORS = {  # in words
    "qc-fql-updates5": "5 updates per step",
    "qc-fql-steps5": "5 times the steps",
    "qc-fql-critics10": "10 critics",
    "qc-fql-strideH": "chunk starts every 5 steps",
    "qc-fql-K1": "1 Euler step, not 4",
    "qc-fql-alpha100": "alpha 100, not 10",
}
EFFECTS = [  # of two changes, as in `four`
    f"{part}'s chunk, {effect}"
    for part in ("critic", "policy")
    for effect in ("without the other", "with the other", "main effect")
] + ["interaction"]


@functools.cache
def success(experiment: str) -> dict[str, np.ndarray]:
    """Success over the online curve in %, by seed (R,), of each run of an experiment."""
    rows, about = recorded(experiment)
    return {cell: measured(rows, cell).curve for cell in about["cells"]}


def alphas(experiment: str) -> list[float]:
    """The values of alpha that an experiment's runs have."""
    return sorted({cell["alpha"] for cell in recorded(experiment)[1]["cells"].values()})


def two_runs() -> tuple[np.ndarray, np.ndarray]:
    """Success (R,) of BFN and of QC, with which the lesson begins; what else differs is told later."""
    runs = success("candidates")
    return runs["bfn-N2"], runs["qc-N8"]


def candidates() -> tuple[np.ndarray, np.ndarray]:
    """The runs with their H and N (C, 2), and their success in % (C, R); N of 2 and more."""
    rows, about = recorded("candidates")
    runs = {name: cell for name, cell in about["cells"].items() if cell["candidates"] > 1}
    length = {"bfn": 1, "qc": 5}
    settings = [(length[cell["method"]], cell["candidates"]) for cell in runs.values()]
    return np.array(settings), np.array([measured(rows, name).curve for name in runs])


def factors() -> dict[str, np.ndarray]:
    """What each factor adds to the control in points, seed by seed (R,)."""
    runs = success("factors")
    return {told: runs[name] - runs["qc-fql-control"] for name, told in FACTORS.items() if name in runs}


def four(family: str) -> np.ndarray:
    """Success (2, 2, R): first without and with a chunk in the critic, then in the policy.

    family: "fql" (one-step policy) or "bfn" (best of N).
    """
    runs = success("halves")
    cell = lambda critic, policy: runs[f"{family}-{critic}-policy{policy}"]
    return np.array([[cell(critic, policy) for policy in (1, 5)] for critic in ("one-step", "chunk")])


def pushed(method: str, length: int) -> np.ndarray:
    """Success (2, 2, R): first without and with pushes (0.5), then single actions and chunks."""
    plain, hit = success("length"), success("disturbance")
    names = f"{method}-h1", f"{method}-h{length}"
    return np.array([[plain[name] for name in names], [hit[f"{name}-push0.5"] for name in names]])


def lengths(method: str, pushes: bool = False) -> tuple[list[int], np.ndarray]:
    """Chunk lengths that were recorded, and success (R, lengths)."""
    runs, ending = success("disturbance" if pushes else "length"), "-push0.5" * pushes
    found = [h for h in (1, 2, 5, 10, 25) if f"{method}-h{h}{ending}" in runs]
    return found, np.stack([runs[f"{method}-h{h}{ending}"] for h in found], axis=1)


def on_cube_single() -> dict[str, np.ndarray]:
    """Success over the online curve in %, by seed (R,), of the recorded runs on cube-single."""
    found = {}
    for run in recorded_runs("why"):
        online = [by_seed for (_, steps), by_seed in successes([run]).items() if steps]
        rates = [[episodes.mean() for episodes in by_seed.values()] for by_seed in online]
        found[run.folder.name] = 100 * np.mean(rates, axis=0)
    return found


def told(intervals: Iterable) -> list[str]:
    """Intervals in points as text."""
    return [gap_text(each) for each in intervals]


def apart(one: np.ndarray, other: np.ndarray) -> str:
    """One minus the other seed by seed, with its 95 % t-interval, in points."""
    return told([difference(one, other)])[0]


def lines(intervals: Mapping[str, Iterable]) -> list[str]:
    """A line for each interval, to be printed below a title."""
    return [f"\n  {name}: {text}" for name, text in zip(intervals, told(intervals.values()), strict=True)]
