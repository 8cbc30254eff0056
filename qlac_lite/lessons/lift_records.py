"""The runs on Lift that come with the course, as lesson 08 tells them. Success in percent, n seeds."""

import csv
import functools
from pathlib import Path

import numpy as np

from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import Run, recorded_runs
from qlac_lite.utils.statistics import mean_interval

Steps = tuple[int, int]  # offline, online


@functools.cache
def runs() -> dict[str, Run]:
    """The runs by the names of their folders."""
    return {run.folder.name: run for run in recorded_runs("lift")}


def by_seed(run: Run) -> dict[Steps, np.ndarray]:
    """Success (n,) of each seed, by steps."""
    measured = successes([run]).items()
    return {steps: 100 * np.array([np.mean(each) for each in seeds.values()]) for steps, seeds in measured}


def steps_to_success(run: Run, at: Steps) -> np.ndarray:
    """Mean length (n,) of each seed's successful episodes after some steps, NaN where none succeeds."""
    offline, online = at
    newest = ("online", online) if online else ("offline", offline)
    rows = [row for row in run.rows("evaluations.csv") if (row["phase"], row["step"]) == newest]
    lengths = lambda seed: [row["length"] for row in rows if row["seed"] == seed and row["success"]]
    return np.array([np.mean(lengths(seed) or np.nan) for seed in sorted({row["seed"] for row in rows})])


def told(values: np.ndarray, ends: tuple[float, float] = (0, 100)) -> str:
    """Mean and 95 % interval, cut at what is possible."""
    mean, low, high = mean_interval(values)
    return f"{mean:z.0f} [{max(low, ends[0]):z.0f}, {min(high, ends[1]):z.0f}]"


def apart(one: np.ndarray, other: np.ndarray, most: float = 100) -> str:
    """One less other, seed by seed, in points or what else is at most `most` apart."""
    return told(one - other, (-most, most))


OFFLINE, ONLINE = (8000, 0), (8000, 4000)


def beside(one: str, other: str, steps: bool = True) -> str:
    """Success, and steps to success, of two runs, with intervals; and how far they are apart."""
    lines = []
    for at, after in ((OFFLINE, "8,000 updates"), (ONLINE, "4,000 steps online")):
        rates = [by_seed(runs()[name])[at] for name in (one, other)]
        lengths = [steps_to_success(runs()[name], at) for name in (one, other)]
        for unit, pair, most in (("%", rates, 100), ("steps", lengths, 300))[: 1 + steps]:
            each = [
                f"{name} {told(values, (0, most))}" for name, values in zip((one, other), pair, strict=True)
            ]
            lines.append(f"after {after:18}: {', '.join(each)} {unit}; apart {apart(*pair, most)}")
    return "\n".join(lines)


ACTORS = {
    "flow": "the flow",
    "policy": "the one-step policy",
    "with-grip": "its motion, the flow's gripper",
}
AT_CUBE, OPEN = 0.03, 0.07  # metres: the hand from the cube at most, the fingers apart at least


@functools.cache
def distillation() -> list[dict[str, float | str]]:
    """Episodes of flow and one-step policy trained without Q, see tools/lift_distillation.py."""
    with (Path(__file__).parents[1] / "assets/lift/distillation.csv").open() as file:
        rows = list(csv.DictReader(file))
    number = lambda row: {key: value if key == "actor" else float(value) for key, value in row.items()}
    return [number(row) for row in rows]


def rates(actor: str, updates: int) -> np.ndarray:
    """Success (n,) of an actor of that record after some updates."""
    seeds: dict[float, list[float]] = {}
    for row in distillation():
        if (row["actor"], row["updates"]) == (actor, updates):
            seeds.setdefault(row["seed"], []).append(100 * row["success"])
    return np.array([np.mean(seeds[seed]) for seed in sorted(seeds)])


def evaluated() -> list[int]:
    """The updates after which that record has evaluations."""
    return sorted({int(row["updates"]) for row in distillation()})


def stuck(actor: str, updates: int) -> tuple[int, int]:
    """How many of an actor's failures end at the cube with open fingers, and how many fail."""
    rows = [row for row in distillation() if (row["actor"], row["updates"]) == (actor, updates)]
    failed = [row for row in rows if not row["success"]]
    return sum(row["away"] < AT_CUBE and row["fingers"] > OPEN for row in failed), len(failed)


def distance(run: Run, step: int) -> np.ndarray:
    """Squared distance (n,) of the one-step policy from the flow in a run's log, after offline updates."""
    rows = [row for row in run.rows("progress.csv") if (row["phase"], row["step"]) == ("offline", step)]
    return np.array([row["distill_loss"] for row in rows]) / run.config.alpha
