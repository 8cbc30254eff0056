"""Success over steps, the mean over a domain's tasks and over all, as the paper shows it. A panel takes only
tasks that each of its methods has, so that no method is spared a hard one."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from qlac_lite.config import Config, get_task, make_config
from qlac_lite.config.tasks import task_names
from qlac_lite.reports import plots
from qlac_lite.reports.curves import draw_legend, draw_success
from qlac_lite.reports.paper import ALL, Comparison, compare, comparison_blocks, fields_apart, tasks_of
from qlac_lite.reports.pooling import Group, Groups, phase_ends, pool
from qlac_lite.utils.files import Row, Rows, markdown, write_csv, write_text


class Panel(NamedTuple):
    """The mean over some tasks for some methods."""

    title: str  # the domain, or "all"
    tasks: list[str]
    groups: Groups  # by label

    def compared(self) -> Comparison:
        """Beside the paper's figure of the domain."""
        reason = "the paper has no figure of these tasks"
        if paper := tasks_of(self.title):
            reason = f"the paper's figure is of all {len(paper)} tasks" * (set(self.tasks) != set(paper))
        return compare(self.title, self.groups, reason)


def make_panels(groups: dict[str, Groups]) -> tuple[list[Panel], list[str]]:
    """From groups by task: a panel for each domain, one for all, and what was left out, in sentences."""
    notes, by_label = [], {}
    for task, labels in groups.items():
        for label, group in labels.items():
            by_label.setdefault(label, {})[task] = group
    for label, own in list(by_label.items()):
        if len({_settings(group.config) for group in own.values()}) > 1:
            notes.append(f"{label} is left out: its settings are not the same on all tasks.")
            del by_label[label]
    domains = {}
    for task in sorted(groups, key=task_names().index):
        domains.setdefault(_title(task), []).append(task)
    panels = []
    for title, tasks in domains.items():
        present = {label: own for label, own in by_label.items() if own.keys() & tasks}
        shared = [task for task in tasks if all(task in own for own in present.values())]
        for task in set(tasks) - set(shared):
            missing = ", ".join(label for label in present if task not in present[label])
            notes.append(f"{task} is left out: it has no runs of {missing}.")
        if present and shared:
            panels.append(_panel(title, shared, present))
    if len(panels) > 1:
        everything = [task for panel in panels for task in panel.tasks]
        present = {label: own for label, own in by_label.items() if own.keys() >= {*everything}}
        if absent := ", ".join(label for label in by_label if label not in present):
            notes.append(f"Not in the mean over all, for want of some of their tasks: {absent}.")
        if present:
            panels.append(_panel(ALL, everything, present))
    for panel in panels:
        for label, group in panel.groups.items():
            if not group.points:
                notes.append(f"{label} has no line in {panel.title}: its runs share no evaluated step.")
    return [panel for panel in panels if any(g.points for g in panel.groups.values())], sorted(notes)


def _settings(config: Config) -> tuple:
    """What sets a run apart from its preset on its task, beside the fields `paper.FREE`."""
    apart = fields_apart(config, make_config(config.task, config.method, config.preset))
    return config.preset, *((name, getattr(config, name)) for name in apart)


def _title(name: str) -> str:
    """A task's domain; with the reward where the paper's is the other one."""
    task = get_task(name)
    title, paper = task.domain.name, tasks_of(task.domain.name)
    if paper and name not in paper:
        title += ", sparse" if task.sparse else ", not sparse"
    return title


def _panel(title: str, tasks: list[str], by_label: dict[str, dict[str, Group]]) -> Panel:
    groups = {}
    for label, own in by_label.items():
        runs = [run for task in tasks for run in own[task].runs]
        groups[label] = pool(runs, [own[task].outcomes[0] for task in tasks])
    return Panel(title, tasks, groups)


def draw_panels(panels: list[Panel], paper: Rows) -> Figure:
    """Success over steps in each panel; `paper`: rows of `paper.Comparison`."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, all_axes = plots.new_figure(columns, width=3.9, height=2.9 + 0.9 / rows, rows=rows)
    for axes, (title, tasks, groups) in zip(all_axes, panels, strict=False):
        draw_success(axes, groups, [row for row in paper if row["task"] == title])
        axes.set_title(f"{title} ({len(tasks)} task{'s' * (len(tasks) > 1)})", fontsize=10, pad=16)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    for axes in all_axes[::columns]:
        axes.set_ylabel("success rate (%)")
    groups = [group for panel in panels for group in panel.groups.values()]
    seeds = sorted({point.seeds for group in groups for point in group.points.values()})
    counted = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else seeds[0]
    steps = "gradient steps, then environment steps (thousands)" + ("\n" if columns == 1 else "; ")
    figure.supxlabel(f"{steps}{counted} seeds a task, 95 % interval", fontsize=10)
    draw_legend(figure, all_axes, bool(paper), "upper")
    return figure


def report_aggregate(groups: dict[str, Groups], out: Path) -> tuple[str, Rows]:
    """Writes aggregate.md, .csv (every point) and .png into `out`; returns the Markdown and the comparison's
    rows. `groups`: by task."""
    panels, notes = make_panels(groups)
    if not panels:
        return "\n".join(["### Mean over tasks", "", *notes, ""]), []
    compared = {panel.title: panel.compared() for panel in panels}
    rows = [row for comparison in compared.values() for row in comparison.rows]
    parts = [(panel, *part) for panel in panels for part in panel.groups.items() if part[1].points]
    write_csv(out / "aggregate.csv", [row for part in parts for row in _every_point(*part)])
    plots.save(draw_panels(panels, rows), out / "aggregate.png")
    blocks = [
        "### Mean over tasks",
        markdown([_ends(*part) for part in parts]),
        "Success rate, mean over the tasks, with a 95 % interval: a bootstrap over the seeds of each task "
        "and their episodes (tasks are strata).",
        "![Success rate over training steps, a panel a domain](aggregate.png)",
        *comparison_blocks(compared),
        "\n".join(f"- {note}" for note in notes),
    ]
    text = "\n\n".join(filter(None, blocks)) + "\n"
    write_text(out / "aggregate.md", text)
    return text, rows


def _every_point(panel: Panel, label: str, group: Group) -> Rows:
    keys = "panel,method,offline steps,online steps,mean,low,high,tasks,seeds".split(",")
    rows = []
    for steps, (interval, seeds) in group.points.items():
        values = panel.title, label, *steps, *interval, len(panel.tasks), seeds
        rows.append(dict(zip(keys, values, strict=True)))
    return rows


def _ends(panel: Panel, label: str, group: Group) -> Row:
    offline = max((steps[0] for steps in group.points if not steps[1]), default=0)
    seeds = list(group.points.values())[-1].seeds
    about = {"tasks": f"{panel.title} ({len(panel.tasks)})", "method": label}
    return about | phase_ends(group.points, offline) | {"seeds a task": seeds}
