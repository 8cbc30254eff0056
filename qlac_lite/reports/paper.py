"""The paper's own figures, and ours beside them:
success rates with their 95 % intervals, at the same steps and settings only.

Source: Q-chunking, arXiv 2507.07969, the learning curves that its authors released. assets/paper.csv quotes
four points of each curve, rounded to three decimals: after 100K and 1M offline steps, and 200K and 1M online
steps after that 1M. RLPD and RLPD-AC have no offline phase. The mean is over 4 seeds of 50 episodes
(Robomimic: 5 seeds), the interval a 95 % stratified bootstrap. Domains are quoted as released: for BFN,
BFN-n, QC and RLPD-AC they differ from the mean of their five tasks by up to 3 points.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

from qlac_lite.config import get_method, make_config
from qlac_lite.config.tasks import DOMAINS, LITE_WORLD, ROBOMIMIC, get_task, task_names
from qlac_lite.reports.tables import markdown
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import unknown
from qlac_lite.utils.files import read_csv
from qlac_lite.utils.statistics import Interval

Steps = tuple[int, int]  # offline gradient steps, then online environment steps
SOURCE = "arXiv 2507.07969, released curves"
ALL = "all"  # the mean over the paper's 25 OGBench tasks
ROBOMIMIC_TASKS = ("lift", "can", "square")
# Fields that may differ from the paper's: which seeds, how long (compared step by step),
# and what is only watched.
FREE = (
    "preset",
    "seeds",
    "first_seed",
    "offline_steps",
    "online_steps",
    "log_every",
    "evaluate_every",
    "evaluation_episodes",
    "checkpoint_seconds",
    "candidate_block",
)


def quoted(task: str, method: str) -> dict[Steps, Interval]:
    """The paper's success rates (0 to 1) of a method, by (offline steps, online steps); {} if it has none.

    Args:
        task: a task of `qlac tasks`, a domain such as scene (the mean over its five tasks), "all", or lift,
            can or square. scene and puzzle-3x3 are in the paper with sparse rewards only: their other tasks
            have no quote. Nor have Robomimic's ph sets.
        method: a name of `qlac methods`, such as qc-fql.

    Raises:
        QlacError: no such task or method.
    """
    return dict(_table().get((_paper_task(task), get_method(method).title), {}))


def verdict(ours: Interval, paper: Interval) -> str:
    """Where our mean lies against the paper's interval: "inside", "above" or "below" it.

    Compare at the same (offline, online) steps only. "inside" does not show that the two are equal: a wide
    interval holds much. "above" and "below" do not show that they differ: our mean has its own interval, and
    where that overlaps the paper's (`overlap`), chance may explain the difference. The paper's interval can
    have no width at all (at 0 or 1, every seed alike). Our mean is rounded as the quotes are, to three
    decimals.
    """
    mean, (_, low, high) = round(ours[0], 3), paper
    return "below" if mean < low else "above" if mean > high else "inside"


def overlap(ours: Interval, paper: Interval) -> bool:
    """Whether the two intervals share a point."""
    return ours[1] <= paper[2] and paper[1] <= ours[2]


def tasks_of(domain: str) -> list[str]:
    """The course's names of the tasks that the paper's figure of a domain is the mean of:
    five, or 25 of "all"; else none."""
    if domain == ALL:
        return [name for each in DOMAINS for name in tasks_of(each)]
    return [name for name in task_names() if quoted(name, "qc") and get_task(name).domain.name == domain]


def _paper_task(name: str) -> str:
    """The name of a task in the table: puzzle-3x3-play-sparse-singletask-task4-v0 is puzzle-3x3-play-task4
    there."""
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
    for row in read_csv(Path(__file__).parents[1] / "assets" / "paper.csv"):
        cells = table.setdefault((row["task"], row["method"]), {})
        cells[row["offline_steps"], row["online_steps"]] = tuple(
            float(row[key]) for key in ("mean", "low", "high")
        )
    return table


def compare(
    task: str, label: str, method: str, points: dict[Steps, Interval], seeds: dict[Steps, int], data: str
) -> list[dict[str, Any]]:
    """A row of the comparison at each of the steps that both sides have.

    Args:
        task: a task, a domain or "all", as in `reports.paper.quoted`.
        seeds: how many seeds are behind each of our points.
        data: what ours learned from.
    """
    paper = quoted(task, method)
    return [
        _row(task, label, steps, seeds[steps], ours, paper[steps], data)
        for steps, ours in points.items()
        if steps in paper
    ]


def _row(
    task: str, label: str, steps: Steps, seeds: int, ours: Interval, paper: Interval, data: str
) -> dict[str, Any]:
    return {
        "task": task,
        "method": label,
        "offline steps": steps[0],
        "online steps": steps[1],
        "seeds": seeds,
        **dict(zip(("ours", "ours low", "ours high"), map(float, ours), strict=True)),
        **dict(zip(("paper", "paper low", "paper high"), paper, strict=True)),
        "difference in points": round(100 * (ours[0] - paper[0]), 1),
        "our mean is": verdict(ours, paper),
        "intervals": "overlap" if overlap(ours, paper) else "apart",
        "data": data,
    }


def settings_apart(run: Run) -> list[str]:
    """Fields in which a run's configuration is not the paper's, each with both values;
    a task needs a `full` preset for that."""
    ours, paper = run.config, make_config(run.config.task, run.config.method, "full")
    fields = [field.name for field in dataclasses.fields(ours) if field.name not in FREE]
    return [
        f"{name}={getattr(ours, name)} ({getattr(paper, name)})"
        for name in fields
        if getattr(ours, name) != getattr(paper, name)
    ]


def why_not(run: Run, points: dict[Steps, Interval]) -> str:
    """Why a run's points are not set beside the paper's, as a sentence's end; empty if they are."""
    config = run.config
    paper = quoted(config.task, config.method)
    if not paper:
        return "the paper has no figures of this method on this task"
    if "collected" in run.data:
        return "it learned from transitions that another run collected"
    length = f"{config.offline_steps:,} offline and {config.online_steps:,} online steps"
    if apart := settings_apart(run):
        return f"a run of another size, of {length}, with (the paper's) {'; '.join(apart)}"
    if not set(points) & set(paper):
        return (
            f"a run of another size: of {length}, evaluated at none of the steps "
            f"{', '.join(map(steps_text, paper))}"
        )
    return ""


def describe_data(members: list[Run]) -> str:
    """What runs learned from, in few words: 1,000,000 transitions, generated by ..."""
    kinds = dict.fromkeys(
        f"{run.data['transitions']:,} transitions, {run.data['provenance'].split(':')[0]}" for run in members
    )
    return "; ".join(kinds)


def other_data(run: Run) -> bool:
    """Whether a run's data are known not to be the paper's:
    generated, or of another number of transitions."""
    return (
        run.data["transitions"] != get_task(run.config.task).domain.paper_transitions
        or "generated" in run.data["provenance"]
    )


def steps_text(steps: Steps) -> str:
    """100K offline, 1M offline + 200K online, or 1M online."""
    short = lambda n: f"{n / 10**6:g}M" if n >= 10**6 else f"{n / 1000:g}K"
    return " + ".join(
        f"{short(n)} {phase}" for n, phase in zip(steps, ("offline", "online"), strict=True) if n
    )


def comparison_lines(rows: list[dict[str, Any]], reasons: dict[str, str], other: bool) -> list[str]:
    """The comparison as Markdown: a table of what is compared, and a line for each label that is not,
    with its reason."""
    percent = lambda row, who: "{:.1f} [{:.1f}, {:.1f}]".format(
        *(100 * row[key] for key in (who, f"{who} low", f"{who} high"))
    )
    table = [
        {
            "method": row["method"],
            "after": steps_text((row["offline steps"], row["online steps"])),
            "ours, %": percent(row, "ours"),
            "the paper's, %": percent(row, "paper"),
            "difference, points": f"{row['difference in points']:+.1f}",
            "our mean is": row["our mean is"]
            + f", intervals {row['intervals']}" * (row["our mean is"] != "inside"),
            "our seeds": row["seeds"],
        }
        for row in rows
    ]
    lines = []
    if table:
        about = "95 % intervals; our mean inside, above or below the paper's"
        lines = [f"Beside the paper ({SOURCE}; {about}):", "", *markdown(table), ""]
        if other:
            lines += [
                (
                    "Ours learned from other data than the paper's (comparison.csv says which): "
                    "a difference need not be the method's."
                ),
                "",
            ]
    for reason in dict.fromkeys(filter(None, reasons.values())):
        labels = "; ".join(label for label in reasons if reasons[label] == reason)
        lines += [f"Not compared with the paper: {labels}: {reason}.", ""]
    return lines
