"""The paper's success rates with 95 % intervals, and ours beside them, at the same steps and settings only.

Source: the released learning curves of Q-chunking, arXiv 2507.07969. assets/paper.csv has four points of
each, to three decimals: after 100K and 1M offline steps, and 200K and 1M online steps after that 1M (RLPD and
RLPD-AC: after none). Means over 4 seeds (Robomimic: 5) of 50 episodes, with 95 % stratified bootstrap
intervals. Domains are as released: for BFN, BFN-n, QC and RLPD-AC up to 3 points from their tasks' mean.
"""

import functools
from pathlib import Path
from typing import NamedTuple

from qlac_lite.config import DOMAINS, Config, get_method, get_task, make_config
from qlac_lite.config.run import SETTINGS
from qlac_lite.config.tasks import task_names
from qlac_lite.reports.pooling import Groups, Point, Steps
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import unknown
from qlac_lite.utils.files import Row, Rows, markdown, read_csv
from qlac_lite.utils.statistics import Interval, points_interval

OGBENCH = "1.1.2"  # the version of the paper's runs; others are not known, see docs/fidelity.md
ALL = "all"  # the mean over the paper's 25 OGBench tasks
MEANS = (*DOMAINS, ALL, "lift", "can", "square")  # beside single tasks
# Fields that may differ from the paper's: which seeds, how long (compared step by step), what is watched.
FREE = (
    "seeds first_seed offline_steps online_steps candidate_block "
    "log_every evaluate_every evaluation_episodes checkpoint_seconds"
).split()
COLUMNS = (  # of comparison.csv
    "task,method,offline steps,online steps,seeds,ours,ours low,ours high,"
    "paper,paper low,paper high,difference in points,our mean is,intervals,data"
).split(",")


def quoted(task: str, method: str) -> dict[Steps, Interval]:
    """The paper's success rates (0 to 1) of a method, by (offline steps, online steps); {} if it has none, as
    of scene and puzzle-3x3 with dense rewards, and of ph sets. QlacError: there is no such task or method.

    `task`: of `qlac tasks`, a domain such as scene (the mean over its five), "all", or lift, can or square.
    """
    return _table().get((_paper_task(task), get_method(method).title), {})


def verdict(ours: Interval, paper: Interval) -> str:
    """Where our mean, rounded as the quotes are, lies: "inside", "above" or "below" the paper's interval.

    "inside" does not show that the two are equal, nor "above" or "below" that they differ: where the
    intervals `overlap`, chance may explain it. The paper's can have no width (at 0 or 1, every seed alike).
    """
    mean, (_, low, high) = round(ours[0], 3), paper
    return "below" if mean < low else "above" if mean > high else "inside"


def overlap(ours: Interval, paper: Interval) -> bool:
    """Whether the two intervals share a point."""
    return ours[1] <= paper[2] and paper[1] <= ours[2]


def tasks_of(domain: str) -> list[str]:
    """The tasks whose mean the paper has for a domain: five, or 25 of "all"; else none."""
    if domain == ALL:
        return [name for each in DOMAINS for name in tasks_of(each)]
    return [name for name in task_names() if quoted(name, "qc") and get_task(name).domain.name == domain]


def _paper_task(name: str) -> str:
    """The name in the table: puzzle-3x3-play-sparse-singletask-task4-v0 is puzzle-3x3-play-task4 there."""
    if name in MEANS:
        return name
    if name not in task_names():
        raise unknown("task", name, [*task_names(), *MEANS], "qlac tasks")
    task = get_task(name)
    domain = task.domain
    if domain.suite == "robomimic":
        return domain.env_class if domain.env_type == "mh" else ""
    return f"{domain.name}-play-task{task.number}" if task.sparse == domain.sparse_in_paper else ""


@functools.cache
def _table() -> dict[tuple[str, str], dict[Steps, Interval]]:
    table = {}
    for row in read_csv(Path(__file__).parents[1] / "assets" / "paper.csv"):
        steps = row["offline_steps"], row["online_steps"]
        table.setdefault((row["task"], row["method"]), {})[steps] = row["mean"], row["low"], row["high"]
    return table


class Comparison(NamedTuple):
    """Ours beside the paper's."""

    rows: Rows  # with the keys COLUMNS, at the steps that both have
    reasons: dict[str, str]  # label -> why it is not compared, as a sentence's end; empty if it is
    other_data: bool  # whether some of ours are known to have learned from other data


def compare(task: str, groups: Groups, reason: str = "") -> Comparison:
    """The success of each label beside the paper's. `task`: as in `quoted`; `reason`: why none can be."""
    rows, reasons, other_data = [], {}, False
    for label, group in groups.items():
        reasons[label] = reason or next(filter(None, (why_not(run, group.points) for run in group.runs)), "")
        paper = {} if reasons[label] else quoted(task, group.config.method)
        data = [run.data for run in group.runs]
        kinds = (f"{each['transitions']:,} transitions, {each['provenance'].split(':')[0]}" for each in data)
        about = "; ".join(dict.fromkeys(kinds))
        for steps, (ours, seeds) in group.points.items():
            if theirs := paper.get(steps):
                points = round(100 * (ours[0] - theirs[0]), 1)
                words = verdict(ours, theirs), "overlap" if overlap(ours, theirs) else "apart", about
                values = task, label, *steps, seeds, *ours, *theirs, points, *words
                rows.append(dict(zip(COLUMNS, values, strict=True)))
                other_data |= any(map(_other_data, group.runs))
    return Comparison(rows, reasons, other_data)


def told_versions(versions: dict[str, str], task: str) -> str:
    """Names and versions of packages, with the paper's where that is known to be another."""
    own = versions.get("ogbench", OGBENCH)
    if get_task(task).domain.suite == "ogbench" and own != OGBENCH:
        versions = versions | {"ogbench": f"{own} (the paper: {OGBENCH})"}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def fields_apart(one: Config, other: Config) -> list[str]:
    """The fields in which two configurations differ, without `FREE` ones."""
    return [name for name in SETTINGS if name not in FREE and getattr(one, name) != getattr(other, name)]


def why_not(run: Run, points: dict[Steps, Point]) -> str:
    """Why a run's `points` are not set beside the paper's, as a sentence's end; empty if they are."""
    config = run.config
    if not (paper := quoted(config.task, config.method)):
        if (papers := get_task(config.task).papers_task) != config.task:
            return f"the paper's figures are for {papers}"
        return "the paper has no figures of this method on this task"
    if "collected" in run.data:
        return "it learned from transitions that another run collected"
    steps = f"{config.offline_steps:,} offline and {config.online_steps:,} online steps"
    problem, full = "", make_config(config.task, config.method, "full")
    if apart := fields_apart(config, full):
        each = "; ".join(f"{name}={getattr(config, name)} ({getattr(full, name)})" for name in apart)
        problem = f"with (the paper's) {each}"
    elif not points.keys() & paper.keys():
        problem = f"evaluated at none of the steps {', '.join(map(steps_text, paper))}"
    return f"a run of another size, of {steps}, {problem}" if problem else ""


def _other_data(run: Run) -> bool:
    """Whether a run's data are known not to be the paper's."""
    count = get_task(run.config.task).domain.paper_transitions
    return run.data["transitions"] != count or "generated" in run.data["provenance"]


def steps_text(steps: Steps) -> str:
    """1M offline + 200K online, or one of the two."""
    short = lambda n: f"{n / 10**6:g}M" if n >= 10**6 else f"{n / 1000:g}K"
    phases = zip(steps, ("offline", "online"), strict=True)
    return " + ".join(f"{short(n)} {phase}" for n, phase in phases if n)


def comparison_blocks(compared: dict[str, Comparison]) -> list[str]:
    """In Markdown a table of what is compared, and a line for the labels of each reason. `compared`: by the
    panel's title, or "" for a single one."""
    rows, left_out, blocks = [], {}, []
    for title, (found, reasons, _) in compared.items():
        rows += [_table_row(f"{title}, " * bool(title) + row["method"], row) for row in found]
        for label, reason in reasons.items():
            if reason:
                left_out.setdefault(reason, []).append(label + f" ({title})" * bool(title))
    if rows:
        about = "released curves; 95 % intervals; our mean inside, above or below the paper's"
        blocks += [f"Beside the paper (arXiv 2507.07969, {about}):", markdown(rows)]
    if any(comparison.other_data for comparison in compared.values()):
        other = "Ours learned from other data than the paper's (comparison.csv says which)"
        blocks.append(f"{other}: a difference need not be the method's.")
    return blocks + [f"Not compared with the paper: {'; '.join(left_out[why])}: {why}." for why in left_out]


def _table_row(label: str, row: Row) -> Row:
    percent = lambda who: points_interval([100 * row[f"{who}{e}"] for e in ("", " low", " high")], form=".1f")
    apart = "" if row["our mean is"] == "inside" else f", intervals {row['intervals']}"
    return {
        "method": label,
        "after": steps_text((row["offline steps"], row["online steps"])),
        "ours, %": percent("ours"),
        "the paper's, %": percent("paper"),
        "difference, points": f"{row['difference in points']:+.1f}",
        "our mean is": row["our mean is"] + apart,
        "our seeds": row["seeds"],
    }
