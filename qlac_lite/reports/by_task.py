"""What runs say, task by task: learning curves and tables beside the paper's figures, a filmstrip of the best
agent."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.config import get_method, get_task
from qlac_lite.reports import plots
from qlac_lite.reports.curves import draw_legend, draw_paper_beside, draw_q, draw_success
from qlac_lite.reports.one_run import draw_filmstrip
from qlac_lite.reports.over_tasks import report_aggregate
from qlac_lite.reports.paper import compare, comparison_blocks, quoted, steps_text, told_versions
from qlac_lite.reports.pooling import Group, Groups, group_runs, logged, phase_ends, utilisation
from qlac_lite.training.run_folder import find_runs
from qlac_lite.utils.files import Row, Rows, locked, markdown, write_csv, write_text
from qlac_lite.utils.statistics import difference, points_interval


def write_report(folders: list[Path], out: Path, log=print) -> str:
    """Writes figures, tables and filmstrips of all runs in and below `folders` into `out`, one set a task;
    comparison.csv with what can be set beside the paper; and for several tasks aggregate.md, .csv and .png
    with their means. Returns the Markdown. Waits for another report that is being written into `out`.

    Raises QlacError for a folder without a run, or whose runs have no evaluation yet. A run without one among
    others is named and passed over.
    """
    out, by_task, waiting = Path(out), {}, []
    for folder in folders:
        found = find_runs(folder)
        evaluated = [run for run in found if run.rows("evaluations.csv")] or found
        for run in evaluated:
            by_task.setdefault(run.config.task, []).append(run)
        waiting += [f"Left out: {run.folder} has no evaluation yet." for run in found if run not in evaluated]
    groups = {task: group_runs(runs) for task, runs in by_task.items()}
    with locked(out / ".lock", -1, log):
        texts = _write(groups, out)
    return "\n\n".join([*texts, *waiting, f"Written to {out}"])


def _write(groups: dict[str, Groups], out: Path) -> list[str]:
    reports = [_report_task(task, groups[task], out) for task in groups]
    if len(groups) > 1:
        reports.append(report_aggregate(groups, out))
        plots.save(draw_tasks(groups), out / "tasks.png")
        reports.append(("![Success rate over training steps, a panel a task](tasks.png)", []))
    if rows := [row for _, compared in reports for row in compared]:
        write_csv(out / "comparison.csv", rows)
    else:
        (out / "comparison.csv").unlink(missing_ok=True)  # of an earlier report
    return [text for text, _ in reports]


def _report_task(task: str, groups: Groups, out: Path) -> tuple[str, Rows]:
    comparison = compare(task, groups)
    rows = [_table_row(label, group) for label, group in groups.items()]
    write_csv(out / f"{task}.csv", rows)
    apart = differences(groups)
    plots.save(draw_task(task, groups, comparison.rows), out / f"{task}.png")
    best = max(groups.values(), key=lambda group: list(group.points.values())[-1].interval[0])
    run, strip = best.runs[0], out / f"{task}-filmstrip.png"
    film = f"![{draw_filmstrip(run.folder, strip)}]({strip.name})" if run.checkpoint_path.exists() else ""
    commands = dict.fromkeys(r.provenance["command"] for group in groups.values() for r in group.runs)
    about = run.provenance
    versions = told_versions(about["versions"], task)
    lines = [
        *(f"- Time, {name}: {spent}" for name, group in groups.items() if (spent := utilisation(group.runs))),
        f"- Data: {run.data['provenance']}; sha256 {run.data['sha256'][:16]}",
        *(f"- Command: `{command}`" for command in commands),
        f"- Machine: {about['machine']}; {about['devices'][0]}; Python {about['python']}; {versions}",
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
        configs = chunks.config, single.config
        one, two = (get_method(config.method) for config in configs)
        if one.learner != two.learner or (one.backup == "chunk") <= (two.backup == "chunk"):
            continue
        shared = [steps for steps in chunks.points if steps in single.points]
        ends = [steps for steps in shared if not steps[1]][-1:] + [steps for steps in shared if steps[1]][-1:]
        for steps in ends:
            pair = chunks.outcomes[0][steps], single.outcomes[0][steps]
            seeds = sorted(pair[0].keys() & pair[1].keys())
            rates = [[100 * np.mean(outcomes[seed]) for seed in seeds] for outcomes in pair]
            equal = " and ".join(f"{config.candidates}" for config in configs)
            if seeds:
                told = points_interval(difference(*rates), (-100, 100), "+.0f")
                row = {"chunks less single actions": f"{name} - {other}", "after": steps_text(steps)}
                row |= {"difference, points": told, "seeds": len(seeds)}
                rows.append(row | {"N": equal if "candidates" in one.tuned else "-"})
    return rows


def _table_row(label: str, group: Group) -> Row:
    config = group.config
    rates = list(logged(group.runs, "updates_per_second").values())
    speed = np.median(np.concatenate(rates)) * config.seeds if rates else np.nan
    return {
        "method": label,
        **phase_ends(group.points, config.offline_steps),
        "seeds": sum(run.config.seeds for run in group.runs),
        "episodes a seed": config.evaluation_episodes,
        "updates/s (all seeds)": f"{speed:.0f}",
    }


def draw_tasks(groups: dict[str, Groups]) -> Figure:
    """Success in each of several tasks, a panel each, beside the paper's figures."""
    rows = -(-len(groups) // 3)
    figure, panels = plots.new_figure(min(3, len(groups)), width=3.7, height=3.0, rows=rows)
    beside = False
    for axes, (task, found) in zip(panels, groups.items(), strict=False):
        beside |= _draw_beside_the_papers(axes, task, found, compare(task, found).rows)
        axes.set_title(get_task(task).title, pad=18)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    figure.supylabel("success (%)", fontsize=10)
    figure.supxlabel("gradient steps, then environment steps (thousands)", fontsize=10)
    draw_legend(figure, panels[: len(groups)], beside, "upper")
    return figure


def draw_task(task: str, groups: Groups, paper: Rows) -> Figure:
    """Success of each label beside the paper's figures, and Q; `paper`: rows of `paper.Comparison`."""
    figure, (left, right) = plots.new_figure(2, height=3.9)
    beside = _draw_beside_the_papers(left, task, groups, paper, training=True)
    draw_q(right, groups)
    left.set(xlabel="gradient steps, then environment steps (thousands)", ylabel="success rate (%)")
    right.set(xlabel="steps (thousands)", ylabel="Q of the batch (mean, min to max)")
    left.plot([], [], color="0.3", linewidth=1, linestyle="--", label="episodes learned from")
    draw_legend(figure, [left], beside, "lower")
    seeds = {label: sum(run.config.seeds for run in group.runs) for label, group in groups.items()}
    counted = "; ".join(f"{count} seeds {label}" for label, count in seeds.items())
    if len(set(seeds.values())) == 1:
        counted = f"{max(seeds.values())} seeds a method"
    figure.suptitle(f"{task} ({counted}; 95 % interval)", fontsize=10)
    return figure


def _draw_beside_the_papers(axes: Axes, task: str, groups: Groups, paper: Rows, training=False) -> bool:
    """Success, with the paper's figures in place, or beside it if the runs are of another size; whether there
    are any."""
    draw_success(axes, groups, paper, training)
    quotes = {} if paper else {name: quoted(task, group.config.method) for name, group in groups.items()}
    if any(quotes.values()):
        draw_paper_beside(axes, groups, quotes)
    return bool(paper) or any(quotes.values())
