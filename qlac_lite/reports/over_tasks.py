"""Success over steps, the mean over a domain's tasks and over all. A panel takes only tasks that each of its
methods has, so that no method is spared a hard one."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from qlac_lite.config import Config, get_task, make_config
from qlac_lite.config.tasks import task_names
from qlac_lite.reports import plots
from qlac_lite.reports.curves import draw_legend, draw_success, new_panels
from qlac_lite.reports.paper import ALL, Comparison, compare, comparison_blocks, fields_apart, tasks_of
from qlac_lite.reports.pooling import Group, Groups, phase_ends
from qlac_lite.utils.files import Rows, markdown, write_csv, write_text


class Panel(NamedTuple):
    """The mean over some tasks for some methods."""

    title: str  # the domain, or "all"
    tasks: list[str]
    groups: Groups

    def compared(self) -> Comparison:
        """Beside the paper's figure of the domain, if the tasks are all of its tasks."""
        paper = tasks_of(self.title)
        whole = not paper or set(self.tasks) == set(paper)
        reason = "" if whole else f"the paper's figure is of all {len(paper)} tasks"
        return compare(self.title, self.groups, reason)


def make_panels(groups: dict[str, Groups]) -> tuple[list[Panel], list[str]]:
    """From groups by task: a panel for each domain, one for all, and what was left out, in sentences."""
    notes, every_label, domains, wanted, panels = [], [], {}, [], []
    for label in dict.fromkeys(label for found in groups.values() for label in found):
        if len({_settings(found[label].config) for found in groups.values() if label in found}) == 1:
            every_label.append(label)
        else:
            notes.append(f"{label} is left out: its settings are not the same on all tasks.")
    for task in sorted(groups, key=task_names().index):
        domains.setdefault(_title(task), []).append(task)
    for title, tasks in domains.items():
        labels = [label for label in every_label if any(label in groups[task] for task in tasks)]
        shared = []
        for task in tasks:
            if missing := [label for label in labels if label not in groups[task]]:
                notes.append(f"{task} is left out: it has no runs of {', '.join(missing)}.")
            else:
                shared.append(task)
        if labels and shared:
            wanted.append((title, shared, labels))
    if len(wanted) > 1:
        tasks = [task for _, shared, _ in wanted for task in shared]
        labels = [label for label in every_label if all(label in groups[task] for task in tasks)]
        if absent := [label for label in every_label if label not in labels]:
            notes.append(f"Not in the mean over all, for want of some of their tasks: {', '.join(absent)}.")
        wanted.append((ALL, tasks, labels))
    for title, tasks, labels in wanted:
        pooled = {}
        for label in labels:
            own = [groups[task][label] for task in tasks]
            runs = [run for group in own for run in group.runs]
            group = Group(runs, [group.outcomes[0] for group in own])
            if group.points:
                pooled[label] = group
            else:
                notes.append(f"{label} has no line in {title}: its runs share no evaluated step.")
        if pooled:
            panels.append(Panel(title, tasks, pooled))
    return panels, sorted(notes)


def _settings(config: Config) -> tuple:
    """What sets a run apart from its preset on its task."""
    apart = fields_apart(config, make_config(config.task, config.method, config.preset))
    return config.preset, *((name, getattr(config, name)) for name in apart)


def _title(name: str) -> str:
    """A task's domain, and whether its rewards are dense where the paper's are not."""
    task = get_task(name)
    return task.domain.name + ", not sparse" * (task.papers_task != name)


def _draw(panels: list[Panel]) -> Figure:
    groups = [group for panel in panels for group in panel.groups.values()]
    seeds = sorted({point.seeds for group in groups for point in group.points.values()})
    counted = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else seeds[0]
    titles = [f"{title} ({len(tasks)} task{'s' * (len(tasks) > 1)})" for title, tasks, _ in panels]
    figure, all_axes = new_panels(titles, f"\n{counted} seeds a task, 95 % interval")
    for axes, panel in zip(all_axes, panels, strict=True):
        draw_success(axes, panel.groups, panel.compared().rows)
    draw_legend(figure, all_axes, "upper")
    return figure


def report_aggregate(groups: dict[str, Groups], out: Path) -> tuple[str, Rows]:
    """Writes aggregate.md, .csv (every point) and .png of groups by task; returns the Markdown, and rows of
    comparison.csv."""
    panels, notes = make_panels(groups)
    if not panels:
        return "\n\n".join(["### Mean over tasks", *notes]), []
    compared = {panel.title: panel.compared() for panel in panels}
    ends, points = _tables(panels)
    write_csv(out / "aggregate.csv", points)
    plots.save(_draw(panels), out / "aggregate.png")
    blocks = [
        "### Mean over tasks",
        markdown(ends),
        "Success rate, mean over the tasks, with a 95 % interval: a bootstrap over the seeds of each task "
        "and their episodes (tasks are strata).",
        "![Success rate over training steps, a panel a domain](aggregate.png)",
        *comparison_blocks(compared),
        "\n".join(f"- {note}" for note in notes),
    ]
    text = "\n\n".join(filter(None, blocks)) + "\n"
    write_text(out / "aggregate.md", text)
    return text, [row for comparison in compared.values() for row in comparison.rows]


def _tables(panels: list[Panel]) -> tuple[Rows, Rows]:
    """Success at the ends of both phases, and at every point."""
    keys = "panel,method,offline steps,online steps,mean,low,high,tasks,seeds".split(",")
    ends, points = [], []
    for title, tasks, groups in panels:
        for label, group in groups.items():
            for steps, (interval, seeds) in group.points.items():
                values = title, label, *steps, *interval, len(tasks), seeds
                points.append(dict(zip(keys, values, strict=True)))
            offline = max((steps[0] for steps in group.points if not steps[1]), default=0)
            about = {"tasks": f"{title} ({len(tasks)})", "method": label}
            ends.append(about | phase_ends(group.points, offline) | {"seeds a task": seeds})  # at the last
    return ends, points
