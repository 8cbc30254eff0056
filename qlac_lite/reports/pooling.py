"""What runs measured, pooled over seeds: success by steps, and which runs may be pooled."""

import dataclasses
import functools
import itertools
from typing import NamedTuple

import numpy as np

from qlac_lite.config import Config, get_method
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import Row, Rows
from qlac_lite.utils.statistics import Interval, by_seed, percent_interval, success_interval
from qlac_lite.utils.stopwatch import WAITS

Steps = tuple[int, int]  # offline gradient steps, then online environment steps
Outcomes = dict[Steps, dict[int, np.ndarray]]  # steps, in their order -> seed -> 0 or 1, one an episode


class Point(NamedTuple):
    """Success after some steps."""

    interval: Interval  # of the rate, 0 to 1
    seeds: int  # of the task that has the fewest


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs that differ in their seeds and tasks alone."""

    runs: list[Run]
    outcomes: list[Outcomes]  # one a task

    @property
    def config(self) -> Config:
        """Of the first run."""
        return self.runs[0].config

    @functools.cached_property
    def points(self) -> dict[Steps, Point]:
        """Mean success over the tasks, at the steps that they share."""
        found = {}
        for steps in self.outcomes[0]:
            if all(steps in task for task in self.outcomes):
                seeds = [task[steps].values() for task in self.outcomes]
                found[steps] = Point(success_interval(*seeds), min(map(len, seeds)))
        return found


Groups = dict[str, Group]  # by label: the method, and what sets a group apart from others of it


def group_runs(runs: list[Run]) -> Groups:
    """Runs of one task, those together that differ in seeds alone. QlacError: two of a group share a seed, or
    none has an evaluation yet."""
    found = {}
    for run in runs:
        own = _settings(run)
        others = [_settings(other) for other in runs if other.config.method == run.config.method]
        apart = [f"{key}={own[key]}" for key in own if any(other[key] != own[key] for other in others)]
        found.setdefault(", ".join([get_method(run.config.method).title, *apart]), []).append(run)
    for label, members in found.items():
        seeds = sorted(seed for run in members for seed in run.config.seed_list)
        if len(set(seeds)) < len(seeds):
            problem = f"Two of the {label} runs share a seed: {seeds}"
            raise QlacError(f"{problem}. Leave one out, or train with --set first_seed=N.")
    return {label: Group(members, [successes(members)]) for label, members in found.items()}


def _settings(run: Run) -> dict:
    data = {"data": run.data["sha256"][:8], "collected": run.data.get("collected", {}).get("run")}
    return dataclasses.asdict(run.config) | {"seeds": 0, "first_seed": 0} | data


def successes(runs: list[Run]) -> Outcomes:
    """The outcomes of all evaluations; QlacError if there is none yet."""
    if not (found := _by_steps(runs, "evaluations.csv")):
        raise QlacError(f"{runs[0].folder} has no evaluation yet. Let it train on: qlac train ... --resume")
    return {steps: by_seed(rows) for steps, rows in found.items()}


def _by_steps(runs: list[Run], name: str) -> dict[Steps, Rows]:
    """The rows of a log of all runs, by steps, in their order."""
    found = {}
    for run in runs:
        for row in run.rows(name):
            steps = (run.config.offline_steps, row["step"]) if row["phase"] == "online" else (row["step"], 0)
            found.setdefault(steps, []).append(row)
    return {steps: found[steps] for steps in sorted(found, key=sum)}


def phase_ends(points: dict[Steps, Point], offline_steps: int) -> Row:
    """For a table: success after `offline_steps` and after the last online step."""
    online = max((steps for steps in points if steps[1]), key=sum, default=(0, 0))
    told = lambda steps: percent_interval(points[steps].interval) if steps in points else "-"
    return {
        "offline steps": offline_steps,
        "success offline": told((offline_steps, 0)),
        "online steps": online[1],
        "success online": told(online),
    }


def training_success(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Of each tenth of the online phase in which episodes ended: its middle (total steps), and how many of
    them were solved, in %."""
    rows = [row for run in group.runs for row in run.rows("episodes.csv")]
    middles, solved = [], []
    for low, high in itertools.pairwise(np.linspace(0, group.config.online_steps, 11)):
        if outcomes := [row["success"] for row in rows if low < row["step"] <= high]:
            middles.append(group.config.offline_steps + (low + high) / 2)
            solved.append(100 * np.mean(outcomes))
    return np.array(middles), np.array(solved)


def logged(runs: list[Run], name: str) -> dict[int, list[float]]:
    """A column of progress.csv, if it has that: total steps, in their order -> each seed's value."""
    found = _by_steps(runs, "progress.csv")
    return {sum(steps): [row[name] for row in rows] for steps, rows in found.items() if name in rows[0]}


def utilisation(runs: list[Run]) -> str:
    """What the runs waited for, and cores busy; empty if they did not record it."""
    if not (rows := [row for run in runs for row in run.rows("utilisation.csv")]):
        return ""
    seconds = [row["seconds"] for row in rows]
    mean = lambda name: np.average([row[name] for row in rows], weights=seconds)
    waits = sorted(WAITS, key=mean, reverse=True)
    longest = ", ".join(f"{what} {mean(what):.0%}" for what in waits if mean(what) >= 0.005)
    return f"waits for {longest}, {mean('cores_busy'):.1f} cores busy, {sum(seconds) / 3600:.2f} hours"
