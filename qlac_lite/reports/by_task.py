"""What runs say, task by task: learning curves, tables as Markdown and CSV beside the paper's figures,
a filmstrip of the best agent."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.reports import plots
from qlac_lite.reports.one_run import draw_filmstrip
from qlac_lite.reports.over_tasks import report_aggregate
from qlac_lite.reports.paper import Steps, compare, comparison_lines, describe_data, other_data, why_not
from qlac_lite.reports.pooling import (
    group_runs,
    logged,
    online_after,
    success_points,
    successes,
    training_success,
    utilisation,
)
from qlac_lite.reports.tables import markdown, percent_interval
from qlac_lite.training.run_folder import Run, find_runs
from qlac_lite.utils.files import atomic, write_csv
from qlac_lite.utils.statistics import Interval


def write_report(folders: list[Path], out: Path) -> str:
    """Figures, tables and filmstrips of all runs in and below `folders` into `out`, one set a task;
    returns the Markdown.

    comparison.csv has what can be set beside the paper;
    with several tasks, aggregate.md, .csv and .png have their means.

    Raises:
        QlacError: a folder without a run, or a run without an evaluation so far; below a folder of runs, such
            a run is named and passed over, as long as there is another.
    """
    out, runs, waiting = Path(out), [], []
    for folder in folders:
        found = find_runs(folder)
        evaluated = [run for run in found if run.rows("evaluations.csv")] or found
        runs += evaluated
        waiting += [run for run in found if run not in evaluated]
    tasks = list(dict.fromkeys(run.config.task for run in runs))
    groups = {task: group_runs([run for run in runs if run.config.task == task]) for task in tasks}
    reports = [_report_task(task, groups[task], out) for task in tasks]
    if len(tasks) > 1:
        reports.append(report_aggregate(groups, out))
    rows = [row for _, found in reports for row in found]
    if rows:
        write_csv(out / "comparison.csv", rows)
    else:
        (out / "comparison.csv").unlink(missing_ok=True)  # of an earlier report
    lines = [f"Left out: {run.folder} has no evaluation yet." for run in waiting]
    return "\n\n".join([*(written for written, _ in reports), *lines, f"Written to {out}"])


def _report_task(task: str, groups: dict[str, list[Run]], out: Path) -> tuple[str, list[dict[str, Any]]]:
    measured = {label: successes(members) for label, members in groups.items()}
    points = {label: success_points(measured[label]) for label in groups}
    reasons = {label: why_not(members[0], points[label]) for label, members in groups.items()}
    compared = []
    for label in [label for label in groups if not reasons[label]]:
        seeds = {steps: len(found) for steps, found in measured[label].items()}
        compared += compare(
            task, label, groups[label][0].config.method, points[label], seeds, describe_data(groups[label])
        )
    rows = [_table_row(label, members, points[label]) for label, members in groups.items()]
    write_csv(out / f"{task}.csv", rows)
    plots.save(_figure(task, groups, points, compared), out / f"{task}.png")
    best = max(groups, key=lambda label: list(points[label].values())[-1][0])
    film = []
    if groups[best][0].checkpoint_path.exists():
        strip = out / f"{task}-filmstrip.png"
        film = [f"![{draw_filmstrip(groups[best][0].folder, strip)}]({strip.name})", ""]
    run = groups[best][0]
    versions = ", ".join(f"{name} {version}" for name, version in run.provenance["versions"].items())
    lines = [
        f"### {task}",
        "",
        *markdown(rows),
        "",
        (
            "Success rate with a 95 % interval: a bootstrap over seeds and episodes, "
            "or the exact binomial one where all episodes ended alike."
        ),
        "",
        *comparison_lines(compared, reasons, any(other_data(groups[row["method"]][0]) for row in compared)),
        f"![Success rate over training steps]({task}.png)",
        "",
        *film,
        *(
            f"- Time, {label}: {spent}"
            for label, members in groups.items()
            if (spent := utilisation(members))
        ),
        f"- Data: {run.data['provenance']}; sha256 {run.data['sha256'][:16]}",
        *dict.fromkeys(
            f"- Command: `{member.provenance['command']}`"
            for members in groups.values()
            for member in members
        ),
        (
            f"- Machine: {run.provenance['machine']}; {run.provenance['devices'][0]}; "
            f"Python {run.provenance['python']}; {versions}"
        ),
        f"- Date: {run.provenance['date']}",
    ]
    markdown_text = "\n".join(lines) + "\n"
    with atomic(out / f"{task}.md") as file:
        file.write(markdown_text.encode())
    return markdown_text, compared


def _table_row(label: str, members: list[Run], points: dict[Steps, Interval]) -> dict[str, Any]:
    config = members[0].config
    online = [steps for steps in points if steps[1]]
    end = (config.offline_steps, 0)
    _, rates = logged(members, "updates_per_second")
    speed = np.median(np.concatenate(rates)) * config.seeds if rates else float("nan")
    return {
        "method": label,
        "offline steps": config.offline_steps,
        "success offline": percent_interval(points[end]) if end in points else "-",
        "online steps": online[-1][1] if online else 0,
        "success online": percent_interval(points[online[-1]]) if online else "-",
        "seeds": sum(run.config.seeds for run in members),
        "episodes a seed": config.evaluation_episodes,
        "updates/s (all seeds)": f"{speed:.0f}",
    }


def _figure(
    task: str,
    groups: dict[str, list[Run]],
    points: dict[str, dict[Steps, Interval]],
    paper: list[dict[str, Any]],
) -> Figure:
    figure, (left, right) = plots.new_figure(2, height=3.9)
    drawn: list[str] = []
    runs = [run for members in groups.values() for run in members]
    longest = max(run.config.offline_steps for run in runs)
    for label, members in groups.items():
        method = members[0].config.method
        begins = 0 if members[0].config.offline_steps else longest  # online only: from there on
        line = plots.line_style(drawn, method)
        steps, values = np.array([sum(key) for key in points[label]]), np.array(list(points[label].values()))
        plots.curve(left, method, label, begins + steps, *(100 * values.T), line)
        plots.quotes(
            left, method, begins, [row for row in paper if row["method"] == label], (len(drawn), len(groups))
        )
        middle, solved = training_success(members)
        plots.training_curve(left, method, begins + middle, solved)
        columns = [logged(members, name) for name in ("q_mean", "q_min", "q_max")]
        if len(columns[0][0]):
            q = [
                np.array([reduce(v) for v in values])
                for (_, values), reduce in zip(columns, (np.mean, np.min, np.max), strict=True)
            ]
            plots.curve(right, method, label, begins + columns[0][0], *q, line, marked=False)
        drawn.append(method)
    right.axhline(0, color="0.3", linestyle="--", linewidth=1)
    right.text(
        0.99,
        0,
        "theoretical maximum",
        transform=right.get_yaxis_transform(),
        ha="right",
        va="bottom",
        fontsize=8,
    )
    left.set(
        xlabel="gradient steps, then environment steps (thousands)", ylabel="success rate (%)", ylim=(-3, 103)
    )
    right.set(xlabel="steps (thousands)", ylabel="Q of the batch (mean, min to max)")
    left.set_xlim(left=0)
    right.set_xlim(left=0)
    for axes in (left, right):
        plots.mark_online(axes, online_after(runs))
    left.plot([], [], color="0.3", linewidth=1, linestyle="--", label="episodes learned from")
    handles, labels = left.get_legend_handles_labels()
    plots.legend_beside(figure, dict(zip(labels, handles, strict=True)), bool(paper))
    seeds = [sum(run.config.seeds for run in members) for members in groups.values()]
    each = [f"{count} seeds {label}" for count, label in zip(seeds, groups, strict=True)]
    counted = f"{seeds[0]} seeds a method" if len(set(seeds)) == 1 else "; ".join(each)
    figure.suptitle(f"{task} ({counted}; 95 % interval)", fontsize=10)
    return figure
