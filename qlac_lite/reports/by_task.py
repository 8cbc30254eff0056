"""What runs say, task by task: curves and tables beside the paper's, a filmstrip of the best agent."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.config import get_method, get_task
from qlac_lite.reports import plots
from qlac_lite.reports.curves import draw_legend, draw_paper_beside, draw_q, draw_success, new_panels
from qlac_lite.reports.one_run import draw_filmstrip
from qlac_lite.reports.over_tasks import report_aggregate
from qlac_lite.reports.paper import compare, comparison_blocks, steps_text, told_versions
from qlac_lite.reports.pooling import Group, Groups, group_runs, logged, phase_ends, utilisation
from qlac_lite.training.run_folder import find_runs
from qlac_lite.utils.files import Row, Rows, locked, markdown, write_csv, write_text
from qlac_lite.utils.statistics import difference, points_interval


def write_report(folders: list[Path], out: Path, log=print) -> str:
    """Writes into `out` a figure, tables and a filmstrip for each task of the runs in and below `folders`;
    comparison.csv with what can be set beside the paper; for several tasks tasks.png and means, aggregate.*.
    Returns the Markdown. Waits for another report that is being written into `out`.

    QlacError: a folder has no run, or none with an evaluation. A run without one among others is named.
    """
    by_task, waiting = {}, []
    for folder in folders:
        found = find_runs(folder)
        evaluated = [run for run in found if run.rows("evaluations.csv")] or found
        for run in evaluated:
            by_task.setdefault(run.config.task, []).append(run)
        waiting += [f"Left out: {run.folder} has no evaluation yet." for run in found if run not in evaluated]
    groups = {task: group_runs(runs) for task, runs in by_task.items()}
    with locked(out / ".lock", -1, log):
        reports = [_report_task(task, groups[task], out) for task in groups]
        if len(groups) > 1:
            reports.append(report_aggregate(groups, out))
            plots.save(draw_tasks(groups), out / "tasks.png")
            reports.append(("![Success rate over training steps, a panel a task](tasks.png)", []))
        if rows := [row for _, compared in reports for row in compared]:
            write_csv(out / "comparison.csv", rows)
        else:
            (out / "comparison.csv").unlink(missing_ok=True)  # of an earlier report
    return "\n\n".join([*(text for text, _ in reports), *waiting, f"Written to {out}"])


def _report_task(task: str, groups: Groups, out: Path) -> tuple[str, Rows]:
    comparison = compare(task, groups)
    rows = [_table_row(label, group) for label, group in groups.items()]
    write_csv(out / f"{task}.csv", rows)
    apart = differences(groups)
    plots.save(draw_task(task, groups), out / f"{task}.png")
    best = max(groups.values(), key=lambda group: list(group.points.values())[-1].interval[0])
    run, strip = best.runs[0], out / f"{task}-filmstrip.png"
    film = f"![{draw_filmstrip(run.folder, strip)}]({strip.name})" if run.checkpoint_path.exists() else ""
    commands = dict.fromkeys(each.provenance["command"] for group in groups.values() for each in group.runs)
    about = run.provenance
    lines = [
        *(f"- Time, {name}: {spent}" for name, group in groups.items() if (spent := utilisation(group.runs))),
        f"- Data: {run.data['provenance']}; sha256 {run.data['sha256'][:16]}",
        *(f"- Command: `{command}`" for command in commands),
        f"- Machine: {about['machine']}; {about['devices'][0]}; Python {about['python']}; "
        + told_versions(about["versions"], task),
        f"- Date: {about['date']}\n",
    ]
    blocks = [
        f"### {task}",
        markdown(rows),
        "Success rate with a 95 % interval: a bootstrap over seeds and episodes, or the exact binomial one "
        "where all episodes ended alike." + " Differences: t-intervals over seeds." * bool(apart),
        markdown(apart) if apart else "",
        *comparison_blocks({"": comparison}),
        f"![Success rate over training steps]({task}.png)",
        film,
        "\n".join(lines),
    ]
    text = "\n\n".join(filter(None, blocks))
    write_text(out / f"{task}.md", text)
    return text, comparison.rows


def differences(groups: Groups) -> Rows:
    """Chunks less single actions of the same learner, seed by seed, at the last steps of each phase that both
    have."""
    rows = []
    for (name, chunks), (other, single) in itertools.permutations(groups.items(), 2):
        one, two = get_method(chunks.config.method), get_method(single.config.method)
        if one.learner != two.learner or one.backup != "chunk" or two.backup == "chunk":
            continue
        candidates = f"{chunks.config.candidates} and {single.config.candidates}"
        ends = {steps[1] > 0: steps for steps in chunks.points if steps in single.points}  # a phase's last
        for steps in ends.values():
            pair = chunks.outcomes[0][steps], single.outcomes[0][steps]
            if seeds := sorted(pair[0].keys() & pair[1].keys()):
                rates = [[100 * np.mean(outcomes[seed]) for seed in seeds] for outcomes in pair]
                told = points_interval(difference(*rates), (-100, 100), "+.0f")
                row = {"chunks less single actions": f"{name} - {other}", "after": steps_text(steps)}
                row |= {"difference, points": told, "seeds": len(seeds)}
                rows.append(row | {"N": candidates if "candidates" in one.tuned else "-"})
    return rows


def _table_row(label: str, group: Group) -> Row:
    config = group.config
    rates = [rate for seeds in logged(group.runs, "updates_per_second").values() for rate in seeds]
    speed = np.median(rates) * config.seeds if rates else np.nan
    return {
        "method": label,
        **phase_ends(group.points, config.offline_steps),
        "seeds": sum(run.config.seeds for run in group.runs),
        "episodes a seed": config.evaluation_episodes,
        "updates/s (all seeds)": f"{speed:.0f}",
    }


def draw_tasks(groups: dict[str, Groups]) -> Figure:
    """Success beside the paper's figures, a panel a task."""
    figure, panels = new_panels([get_task(task).title for task in groups])
    for axes, task in zip(panels, groups, strict=True):
        _draw_success(axes, task, groups[task])
    draw_legend(figure, panels, "upper")
    return figure


def draw_task(task: str, groups: Groups) -> Figure:
    """Success of each label beside the paper's figures, and Q."""
    figure, (left, right) = plots.new_figure(2, height=3.9)
    _draw_success(left, task, groups, training=True)
    draw_q(right, groups)
    left.set(xlabel="gradient steps, then environment steps (thousands)", ylabel="success rate (%)")
    right.set(xlabel="steps (thousands)", ylabel="Q of the batch (mean, min to max)")
    draw_legend(figure, [left], "lower")
    seeds = {label: sum(run.config.seeds for run in group.runs) for label, group in groups.items()}
    counted = "; ".join(f"{count} seeds {label}" for label, count in seeds.items())
    if len(set(seeds.values())) == 1:
        counted = f"{max(seeds.values())} seeds a method"
    figure.suptitle(f"{task} ({counted}; 95 % interval)", fontsize=10)
    return figure


def _draw_success(axes: Axes, task: str, groups: Groups, training=False) -> None:
    """With the paper's in place, or beside it if the runs are of another size."""
    paper = compare(task, groups).rows
    draw_success(axes, groups, paper, training)
    if not paper:
        draw_paper_beside(axes, task, groups)
