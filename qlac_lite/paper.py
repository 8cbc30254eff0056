"""The paper's own figures, to set beside ours: success rates with their 95 % intervals, and a verdict on a pair of them.

Source: Q-chunking, arXiv 2507.07969, the learning curves that its authors released. assets/paper.csv quotes four points of each
curve, rounded to three decimals: after 100K and 1M offline steps, and 200K and 1M online steps after that 1M. RLPD and RLPD-AC
have no offline phase. The mean is over 4 seeds of 50 episodes (Robomimic: 5 seeds), the interval a 95 % stratified bootstrap.
Domains are quoted as released: for BFN, BFN-n, QC and RLPD-AC they differ from the mean of their five tasks by up to 3 points.
"""

import functools
from pathlib import Path

from qlac_lite.config import get_method
from qlac_lite.errors import unknown
from qlac_lite.files import read_csv
from qlac_lite.tasks import DOMAINS, LITE_WORLD, ROBOMIMIC, get_task, task_names

Interval = tuple[float, float, float]  # mean, low, high
Steps = tuple[int, int]  # offline gradient steps, then online environment steps
SOURCE = "arXiv 2507.07969, released curves"
ALL = "all"  # the mean over the paper's 25 OGBench tasks
ROBOMIMIC_TASKS = ("lift", "can", "square")


def quoted(task: str, method: str) -> dict[Steps, Interval]:
    """The paper's success rates (0 to 1) of a method, by (offline steps, online steps); {} if it has none.

    Args:
        task: a task of `qlac tasks`, a domain such as scene (the mean over its five tasks), "all", or lift, can or square.
            scene and puzzle-3x3 are in the paper with sparse rewards only: their other tasks have no quote. Nor have Robomimic's ph sets.
        method: a name of `qlac methods`, such as qc-fql.

    Raises:
        QlacError: no such task or method.
    """
    return dict(_table().get((_paper_task(task), get_method(method).title), {}))


def verdict(ours: Interval, paper: Interval) -> str:
    """Where our mean lies against the paper's interval: "inside", "above" or "below" it.

    Compare at the same (offline, online) steps only. "inside" does not show that the two are equal: a wide interval holds much.
    "above" and "below" do not show that they differ: our mean has its own interval, and where that overlaps the paper's
    (`overlap`), chance may explain the difference. The paper's interval can have no width at all (at 0 or 1, every seed
    alike). Our mean is rounded as the quotes are, to three decimals.
    """
    mean, (_, low, high) = round(ours[0], 3), paper
    return "below" if mean < low else "above" if mean > high else "inside"


def overlap(ours: Interval, paper: Interval) -> bool:
    """Whether the two intervals share a point."""
    return ours[1] <= paper[2] and paper[1] <= ours[2]


def tasks_of(domain: str) -> list[str]:
    """The course's names of the tasks that the paper's figure of a domain is the mean of: five, or 25 of "all"; else none."""
    if domain == ALL:
        return [name for each in DOMAINS for name in tasks_of(each)]
    return [name for name in task_names() if quoted(name, "qc") and get_task(name).domain.name == domain]


def _paper_task(name: str) -> str:
    """The name of a task in the table: puzzle-3x3-play-sparse-singletask-task4-v0 is puzzle-3x3-play-task4 there."""
    if name in DOMAINS or name in (ALL, *ROBOMIMIC_TASKS):
        return name
    if name not in task_names():
        raise unknown("task", name, [*task_names(), *DOMAINS, ALL, *ROBOMIMIC_TASKS], "qlac tasks")
    task = get_task(name)
    if name in ROBOMIMIC:
        return task.domain.env_class if task.domain.env_type == "mh" else ""
    in_paper = name != LITE_WORLD and task.sparse == task.domain.sparse_in_paper
    return f"{task.domain.name}-play-task{task.number}" if in_paper else ""


@functools.cache
def _table() -> dict[tuple[str, str], dict[Steps, Interval]]:
    table: dict[tuple[str, str], dict[Steps, Interval]] = {}
    for row in read_csv(Path(__file__).parent / "assets" / "paper.csv"):
        cells = table.setdefault((row["task"], row["method"]), {})
        cells[row["offline_steps"], row["online_steps"]] = tuple(float(row[key]) for key in ("mean", "low", "high"))
    return table
