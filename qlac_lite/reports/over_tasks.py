"""Several tasks together, as the paper shows them:
success over steps, the mean over a domain's tasks and over all.

Each panel takes only tasks that each of its methods has, so that no method is spared a hard one.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.config import make_config
from qlac_lite.config.tasks import get_task, task_names
from qlac_lite.reports import plots
from qlac_lite.reports.paper import (
    ALL,
    FREE,
    Steps,
    compare,
    comparison_lines,
    describe_data,
    other_data,
    tasks_of,
    why_not,
)
from qlac_lite.reports.pooling import online_after, successes
from qlac_lite.reports.tables import markdown, percent_interval
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.files import atomic, write_csv
from qlac_lite.utils.statistics import Interval, stratified_interval

Groups = dict[str, dict[str, list[Run]]]  # task -> label -> runs


@dataclasses.dataclass(frozen=True)
class Panel:
    """The mean over some tasks, for each of some methods."""

    title: str  # the domain, or "all"
    tasks: list[str]
    members: dict[str, list[Run]]  # label -> all its runs on these tasks
    points: dict[str, dict[Steps, Interval]]  # label -> steps that all the tasks share -> success
    seeds: dict[str, dict[Steps, int]]  # the fewest of any task

    def compared(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Rows beside the paper's figure of the domain, and for the labels without one the reason."""
        wanted = tasks_of(self.title)
        rows, reasons = [], {}
        for label, members in self.members.items():
            if set(self.tasks) != set(wanted):
                reasons[label] = (
                    f"the paper's figure is of all {len(wanted)} tasks"
                    if wanted
                    else "the paper has no figure of these tasks"
                )
            else:
                reasons[label] = next(filter(None, (why_not(run, self.points[label]) for run in members)), "")
            if not reasons[label]:
                rows += compare(
                    self.title,
                    label,
                    members[0].config.method,
                    self.points[label],
                    self.seeds[label],
                    describe_data(members),
                )
        return rows, reasons


def make_panels(groups: Groups) -> tuple[list[Panel], list[str]]:
    """A panel for each domain, and one for all tasks of these; and in sentences what was left out of them."""
    labels = list(dict.fromkeys(label for task in groups for label in groups[task]))
    runs = {
        label: {task: groups[task][label] for task in groups if label in groups[task]} for label in labels
    }
    notes = []
    for label in [
        label for label in labels if len({_settings(members[0]) for members in runs[label].values()}) > 1
    ]:
        notes.append(f"{label} is left out: its settings are not the same on all tasks.")
        del runs[label]
    measured = {
        label: {task: successes(members) for task, members in tasks.items()} for label, tasks in runs.items()
    }
    domains: dict[str, list[str]] = {}
    for task in sorted(groups, key=task_names().index):
        domains.setdefault(_title(task), []).append(task)
    panels = []
    for title, tasks in domains.items():
        present = [label for label in runs if set(tasks) & set(runs[label])]
        shared = [task for task in tasks if all(task in runs[label] for label in present)]
        for task in set(tasks) - set(shared) if present else ():
            missing = ", ".join(label for label in present if task not in runs[label])
            notes.append(f"{task} is left out: it has no runs of {missing}.")
        if present and shared:
            panels.append(_panel(title, shared, present, runs, measured))
    if len(panels) > 1:
        everything = [task for panel in panels for task in panel.tasks]
        present = [label for label in runs if set(everything) <= set(runs[label])]
        absent = [label for label in runs if label not in present]
        if absent:
            notes.append(f"Not in the mean over all, for want of some of their tasks: {', '.join(absent)}.")
        if present:
            panels.append(_panel(ALL, everything, present, runs, measured))
    for panel in panels:
        notes += [
            f"{label} has no line in {panel.title}: its runs share no evaluated step."
            for label, points in panel.points.items()
            if not points
        ]
    return [panel for panel in panels if any(panel.points.values())], sorted(notes)


def _settings(run: Run) -> tuple[str, ...]:
    """What sets a run apart from its preset on its task, beside seeds, length, and what is only watched."""
    config = run.config
    usual = make_config(config.task, config.method, config.preset)
    fields = [field.name for field in dataclasses.fields(config) if field.name not in FREE]
    return config.preset, *(
        f"{name}={getattr(config, name)}" for name in fields if getattr(config, name) != getattr(usual, name)
    )


def _title(name: str) -> str:
    """A task's domain; where the paper's reward is the other one, that is said."""
    task = get_task(name)
    apart = name not in tasks_of(task.domain.name) and tasks_of(task.domain.name)
    return f"{task.domain.name}, {'sparse' if task.sparse else 'not sparse'}" if apart else task.domain.name


def _panel(title: str, tasks: list[str], labels: list[str], runs: dict, measured: dict) -> Panel:
    points, seeds = {}, {}
    for label in labels:
        strata = [measured[label][task] for task in tasks]
        shared = [steps for steps in strata[0] if all(steps in stratum for stratum in strata)]
        points[label] = {
            steps: stratified_interval([list(stratum[steps].values()) for stratum in strata])
            for steps in shared
        }
        seeds[label] = {steps: min(len(stratum[steps]) for stratum in strata) for steps in shared}
    members = {label: [run for task in tasks for run in runs[label][task]] for label in labels}
    return Panel(title, tasks, members, points, seeds)


def draw_panels(panels: list[Panel], paper: list[dict[str, Any]]) -> Figure:
    """Success over steps in each panel; `paper`: rows of the comparison, drawn as hollow markers."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, all_axes = plots.new_figure(columns, width=3.9, height=2.9 + 0.9 / rows, rows=rows)
    for axes, panel in zip(all_axes, panels, strict=False):
        runs = [run for members in panel.members.values() for run in members]
        longest = max(run.config.offline_steps for run in runs)
        drawn: list[str] = []
        for label, points in ((label, points) for label, points in panel.points.items() if points):
            config = panel.members[label][0].config
            begins = 0 if config.offline_steps else longest
            steps, values = np.array([sum(key) for key in points]), np.array(list(points.values()))
            plots.curve(
                axes,
                config.method,
                label,
                begins + steps,
                *(100 * values.T),
                plots.line_style(drawn, config.method),
            )
            quoted = [row for row in paper if (row["task"], row["method"]) == (panel.title, label)]
            plots.quotes(axes, config.method, begins, quoted, (len(drawn), len(panel.points)))
            drawn.append(config.method)
        count = len(panel.tasks)
        axes.set_title(f"{panel.title} ({count} task{'s' * (count > 1)})", fontsize=10, pad=16)
        axes.set(ylim=(-3, 103))
        axes.set_xlim(left=0)
        plots.mark_online(axes, online_after(runs))
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    for axes in all_axes[::columns]:
        axes.set_ylabel("success rate (%)")
    seeds = sorted({count for panel in panels for found in panel.seeds.values() for count in found.values()})
    counted = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else seeds[0]
    apart = "\n" if columns == 1 else "; "
    figure.supxlabel(
        f"gradient steps, then environment steps (thousands){apart}{counted} seeds a task, 95 % interval",
        fontsize=10,
    )
    handles = {
        label: handle
        for axes in all_axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    plots.legend_beside(figure, handles, bool(paper), "upper")
    return figure


def report_aggregate(groups: Groups, out: Path) -> tuple[str, list[dict[str, Any]]]:
    """Writes aggregate.md, .csv (every point) and .png into `out`;
    returns the Markdown and the rows of the comparison."""
    panels, notes = make_panels(groups)
    if not panels:
        return "\n".join(["### Mean over tasks", "", *notes, ""]), []
    compared = [panel.compared() for panel in panels]
    rows = [row for found, _ in compared for row in found]
    reasons = {
        f"{label} ({p.title})": reason
        for p, (_, why) in zip(panels, compared, strict=True)
        for label, reason in why.items()
    }
    every = [
        {
            "panel": p.title,
            "method": label,
            "offline steps": steps[0],
            "online steps": steps[1],
            "mean": mean,
            "low": low,
            "high": high,
            "tasks": len(p.tasks),
            "seeds": p.seeds[label][steps],
        }
        for p in panels
        for label, points in p.points.items()
        for steps, (mean, low, high) in points.items()
    ]
    write_csv(out / "aggregate.csv", every)
    plots.save(draw_panels(panels, rows), out / "aggregate.png")
    ends = [_ends(panel, label) for panel in panels for label in panel.points if panel.points[label]]
    shown = [
        {"method": f"{row['task']}, {row['method']}"}
        | {k: v for k, v in row.items() if k not in ("task", "method")}
        for row in rows
    ]
    other = any(
        other_data(run)
        for row in rows
        for panel in panels
        if panel.title == row["task"]
        for run in panel.members[row["method"]]
    )
    lines = [
        "### Mean over tasks",
        "",
        *markdown(ends),
        "",
        (
            "Success rate, mean over the tasks, with a 95 % interval: "
            "a bootstrap over the seeds of each task and their episodes (tasks are strata)."
        ),
        "",
        "![Success rate over training steps, a panel a domain](aggregate.png)",
        "",
        *comparison_lines(shown, reasons, other),
        *(f"- {note}" for note in notes),
    ]
    markdown_text = "\n".join(lines).rstrip() + "\n"
    with atomic(out / "aggregate.md") as file:
        file.write(markdown_text.encode())
    return markdown_text, rows


def _ends(panel: Panel, label: str) -> dict[str, Any]:
    points = panel.points[label]
    offline, online = ([steps for steps in points if bool(steps[1]) == phase] for phase in (False, True))
    return {
        "tasks": f"{panel.title} ({len(panel.tasks)})",
        "method": label,
        "offline steps": offline[-1][0] if offline else 0,
        "success offline": percent_interval(points[offline[-1]]) if offline else "-",
        "online steps": online[-1][1] if online else 0,
        "success online": percent_interval(points[online[-1]]) if online else "-",
        "seeds a task": panel.seeds[label][list(points)[-1]],
    }
