"""Drawings of lesson 07: logs of runs, training that is cut off, and how often a rule is wrong.

Shapes: n seeds, L rows of a log, B blocks of updates.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.config import get_task
from qlac_lite.lessons.checks.lesson07 import ABOVE, BELOW, NOT_SHOWN, About
from qlac_lite.lessons.cut_off_training import BLOCK, EVERY, PIECE
from qlac_lite.lessons.watched_runs import Watched
from qlac_lite.reports import plots
from qlac_lite.reports.paper import steps_text
from qlac_lite.utils.statistics import Interval

COLOURS, LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), ("-", "--", "-.", ":")
WHOLE, CUT = "#0072B2", "#D55E00"
Drawn = tuple[Figure, str]


def logs(runs: Mapping[str, Watched], about: About) -> Drawn:
    """Q with its range, the flow's loss and the policy's distance over updates, mean over seeds."""
    figure, panels = plots.new_figure(3, width=3.5, height=3.6)
    columns = ("q_mean", "flow_loss", "distance")
    for place, ((name, run), colour, line) in enumerate(zip(runs.items(), COLOURS, LINES, strict=False)):
        for axes, column in zip(panels, columns, strict=True):
            plots.band(axes, run.steps, run.log[column], name, colour, line=line)
        for column, marker in (("q_max", "^"), ("q_min", "v")):
            look = dict(color=colour, linestyle="", marker=marker, markersize=4)
            some = slice(2 * place, None, 4)  # those of two runs side by side
            panels[0].plot(run.steps[some], run.log[column].mean(axis=0)[some], **look)
    lowest, highest = about.reward_min / (1 - about.discount), about.reward_solved
    limits = ((highest,), (about.knowing_nothing,), (about.far,))
    titles = (
        f"Q of a batch: mean, ▲ largest, ▼ smallest\n(dotted: {highest:g}, where its range ends)",
        "the flow's loss\n(dotted: knowing nothing)",
        "distance of the policy from the flow\n(dotted: of random chunks)",
    )
    for axes, ends, title in zip(panels, limits, titles, strict=True):
        for end in ends:
            axes.axhline(end, color="0.3", linestyle=":", linewidth=1)
        axes.set(xlabel="updates")
        axes.set_title(title, fontsize=10)
    bottom = 1.25 * min(run.log["q_min"].mean(axis=0).min() for run in runs.values())
    if lowest < bottom:
        panels[0].set_ylim(bottom=bottom)
        look = dict(transform=panels[0].transAxes, fontsize=9, color="0.3")
        panels[0].text(0.03, 0.03, f"the range goes down to {lowest:.0f} ↓", **look)
    panels[1].set_ylim(0, 1.25 * about.knowing_nothing)
    panels[2].set_ylim(0, None)
    handles, names = panels[2].get_legend_handles_labels()
    plots.legend_beside(figure, dict(zip(names, handles, strict=True)), "upper")
    last = lambda run: ", ".join(f"{what} {run.log[key][:, -1].mean():.2f}" for what, key in _ENDS.items())
    told = "; ".join(f"{name}: {last(run)}" for name, run in runs.items())
    return (
        figure,
        f"Q, the flow's loss and the policy's distance from the flow over updates. At the end, {told}.",
    )


_ENDS = {"Q": "q_mean", "the flow's loss": "flow_loss", "distance": "distance"}


def cut_off(curves: Mapping[str, np.ndarray]) -> Drawn:
    """Losses {name: logs of `cut_off_training.train`} on the batches trained on, and on play not seen; and a
    close-up of the end."""
    figure, (left, middle, right) = plots.new_figure(3, width=3.5, height=3.3)
    for (name, log), colour, line in zip(curves.items(), COLOURS, LINES, strict=False):
        updates = BLOCK * np.arange(1, len(log) + 1)
        for axes, part in ((left, 0), (middle, 1)):
            plots.band(axes, updates[1:], log[1:, part].T, name, colour, line=line)
        pieces = log[:, 2:, 0].ravel()[-200 // PIECE :]
        ends = updates[-1] - PIECE * np.arange(len(pieces))[::-1]
        right.plot(ends, pieces, color=colour, linestyle=line, marker=".", label=name)
    left.set(ylabel="flow's loss", title="on its own batches")
    middle.set(title="on play that it never saw", ylim=left.get_ylim())
    right.set(title=f"own batches, one seed, the end\n(a point: {PIECE} updates)")
    right.grid(axis="x", alpha=0.6)
    right.set_xticks(updates[-1] - EVERY * BLOCK * np.arange(5))
    low = min(axes.dataLim.y0 for axes in (left, middle))
    high = max(axes.dataLim.y1 for axes in (left, middle))
    for axes in (left, middle):
        axes.set_ylim(0.95 * low, 1.02 * high)
    for axes in (left, middle, right):
        axes.set_xlabel("updates")
        axes.title.set_fontsize(10)
    left.legend(fontsize=8)
    ends = [
        f"{name} {log[-1, 0].mean():.2f} on its own batches and {log[-1, 1].mean():.2f} on others"
        for name, log in curves.items()
    ]
    return figure, f"The flow's loss over updates. At the end: {'; '.join(ends)}."


def wrong_verdicts(gaps: Sequence[int], shares: Mapping[str, np.ndarray]) -> Drawn:
    """How often rules say that two results differ, over how far apart they truly are (points).

    Args:
        shares: of each rule (gaps, 3): mean, low and high in percent.
    """
    figure, (axes,) = plots.new_figure(1, width=5.4, height=3.2)
    for (name, values), colour in zip(shares.items(), (CUT, WHOLE), strict=False):
        mean, low, high = values.T
        axes.errorbar(gaps, mean, (mean - low, high - mean), color=colour, fmt="o", capsize=3, label=name)
    axes.axhline(5, color="0.3", linestyle=":", linewidth=1)
    axes.set(xlabel="true gap (points)", ylabel='"they differ" (%)', ylim=(-3, 103), xticks=gaps)
    axes.set_title("four seeds against four (dotted: 5 %)", fontsize=10)
    axes.legend(fontsize=8)
    told = [f"{name}: {', '.join(f'{value[0]:.0f}' for value in values)}" for name, values in shares.items()]
    where = ", ".join(map(str, gaps))
    return (
        figure,
        f"How often two rules say that results differ, in percent, at true gaps of {where} points. "
        f"{'; '.join(told)}.",
    )


def papers_verdicts(found: Mapping[tuple[int, int], Mapping[str, tuple[Interval, int]]]) -> Drawn:
    """Differences of `paper_runs.papers_verdicts` with their intervals, a row a task and a panel for each
    (offline, online) steps; coloured by verdict."""
    figure, panels = plots.new_figure(len(found), width=3.5, height=4.8)
    looks = {ABOVE: (WHOLE, "above"), BELOW: (CUT, "below"), NOT_SHOWN: ("0.6", "not shown")}
    told = []
    for axes, (steps, tasks) in zip(panels, found.items(), strict=True):
        codes = [code for _, code in tasks.values()]
        for row, ((mean, low, high), code) in enumerate(tasks.values()):
            ends = np.clip([low, high], -100, 100)
            axes.plot(ends, [row, row], color=looks[code][0], linewidth=1.5)
            axes.plot(mean, row, color=looks[code][0], marker="o", markersize=4)
        counts = ", ".join(f"{codes.count(code)} {name}" for code, (_, name) in looks.items())
        told.append(f"after {steps_text(steps)}: {counts}")
        axes.axvline(0, color="0.3", linestyle=":", linewidth=1)
        axes.set(xlim=(-103, 103), ylim=(len(tasks) - 0.5, -0.5), yticks=range(len(tasks)), xlabel="points")
        names = [get_task(task).title.replace(" (sparse)", "").replace(" task", "") for task in tasks]
        axes.set_yticklabels(names if axes is panels[0] else [], fontsize=8)
        axes.set_title(f"after {steps_text(steps)}\n{counts}", fontsize=9)
    return figure, f"The difference on each of the paper's tasks, with its interval. {'; '.join(told)}."
