"""What runs measured, pooled over their seeds: success by steps, and the runs that may be pooled."""

import dataclasses
from typing import Any

import numpy as np

from qlac_lite.config import get_method
from qlac_lite.reports.paper import Steps
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.machine import WAITS
from qlac_lite.utils.statistics import Interval, success_interval


def group_runs(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs of one task that differ in their seeds alone, under a label:
    the method, and what sets it apart from others of it.

    Raises:
        QlacError: two runs of a group share a seed.
    """

    def settings(run: Run) -> dict[str, Any]:
        data = {"data": run.data["sha256"][:8], "collected": run.data.get("collected", {}).get("run")}
        return dataclasses.asdict(run.config) | {"seeds": 0, "first_seed": 0} | data

    groups: dict[str, list[Run]] = {}
    for run in runs:
        others = [settings(other) for other in runs if other.config.method == run.config.method]
        apart = [
            f"{key}={value}"
            for key, value in settings(run).items()
            if any(other[key] != value for other in others)
        ]
        label = ", ".join([get_method(run.config.method).title, *apart])
        groups.setdefault(label, []).append(run)
    for label, members in groups.items():
        seeds = [seed for run in members for seed in run.config.seed_list]
        if len(set(seeds)) < len(seeds):
            raise QlacError(
                f"Two of the {label} runs share a seed: {sorted(seeds)}. "
                "Leave one out, or train with --set first_seed=N."
            )
    return groups


def by_seed(rows: list[dict[str, Any]]) -> dict[int, np.ndarray]:
    """Seed -> 0 or 1 for each of its episodes."""
    return {
        int(seed): np.array([row["success"] for row in rows if row["seed"] == seed])
        for seed in sorted({row["seed"] for row in rows})
    }


def steps_of(run: Run, row: dict[str, Any]) -> Steps:
    """(offline, online) steps behind a row of a run's logs."""
    return (run.config.offline_steps, int(row["step"])) if row["phase"] == "online" else (int(row["step"]), 0)


def successes(members: list[Run]) -> dict[Steps, dict[int, np.ndarray]]:
    """Steps, in their order -> seed -> 0 or 1 an episode, over all members that were evaluated there."""
    rows: dict[Steps, list[dict[str, Any]]] = {}
    for run in members:
        for row in run.rows("evaluations.csv"):
            rows.setdefault(steps_of(run, row), []).append(row)
    if not rows:
        raise QlacError(
            f"{members[0].folder} has no evaluation yet. Let it train on: qlac train ... --resume"
        )
    return {steps: by_seed(rows[steps]) for steps in sorted(rows, key=sum)}


def success_points(measured: dict[Steps, dict[int, np.ndarray]]) -> dict[Steps, Interval]:
    """Success with its interval at each of the steps."""
    return {steps: success_interval(list(seeds.values())) for steps, seeds in measured.items()}


def training_success(members: list[Run], bins: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Success in % of the online training episodes that ended in each tenth of the online phase,
    at its middle (total steps)."""
    config = members[0].config
    rows = [row for run in members for row in run.rows("episodes.csv")]
    edges = np.linspace(0, config.online_steps, bins + 1)
    inside = [
        [row["success"] for row in rows if a < row["step"] <= b]
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    middle = config.offline_steps + (edges[:-1] + edges[1:]) / 2
    kept = [i for i, outcomes in enumerate(inside) if outcomes]
    return middle[kept], np.array([100 * np.mean(inside[i]) for i in kept])


def logged(members: list[Run], name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Total steps (points,) at which a column of progress.csv was logged, and there its values,
    one a seed."""
    values: dict[int, list[float]] = {}
    for run in members:
        for row in run.rows("progress.csv"):
            if name in row:
                values.setdefault(sum(steps_of(run, row)), []).append(row[name])
    return np.array(sorted(values)), [np.array(values[step]) for step in sorted(values)]


def utilisation(members: list[Run]) -> str:
    """What the runs waited for, and how busy cores and GPUs were, over all their time;
    empty if they did not record it."""
    rows = [row for run in members for row in run.rows("utilisation.csv")]
    if not rows:
        return ""
    seconds = np.array([row["seconds"] for row in rows])
    mean = lambda name: float(np.average([row[name] for row in rows], weights=seconds))
    waits = sorted(((mean(what), what) for what in WAITS), reverse=True)
    busy = [f"{mean('cores_busy'):.1f} cores busy"]
    if all(row["gpu_busy"] != "" for row in rows):
        busy.append(f"GPU busy {mean('gpu_busy'):.0%} of the time")
    return ", ".join(
        [
            f"waits for {', '.join(f'{what} {share:.0%}' for share, what in waits if share >= 0.005)}",
            *busy,
            f"{seconds.sum() / 3600:.2f} hours",
        ]
    )


def online_after(runs: list[Run]) -> int | None:
    """Offline steps after which these runs go online; None if they differ in it, or none goes online.
    Online-only runs fit any."""
    lengths = {run.config.offline_steps for run in runs} - {0}
    return lengths.pop() if len(lengths) == 1 and any(run.config.online_steps for run in runs) else None
