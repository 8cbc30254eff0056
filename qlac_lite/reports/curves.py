"""Learning curves of groups of runs: success beside the paper's figures, and Q. A method has one colour, and
each setting of it a line style. One that learns online only begins where the others go online."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from qlac_lite.reports import plots
from qlac_lite.reports.pooling import Group, Groups, Steps, logged, training_success
from qlac_lite.utils.files import Rows
from qlac_lite.utils.statistics import Interval

LINES = ("-", ":", "-.")
PAPER_STEPS = (100_000, 0), (1_000_000, 200_000)
RING = dict(markersize=8, markerfacecolor="none", markeredgewidth=1.5)  # the paper's, around or beside ours


def _looks(groups: Groups) -> Iterator[tuple[str, Group, int, str]]:
    """label, group, total step at which its curve starts, line style"""
    longest = max(run.config.offline_steps for group in groups.values() for run in group.runs)
    drawn = []
    for label, group in groups.items():
        config = group.config
        yield label, group, 0 if config.offline_steps else longest, LINES[drawn.count(config.method) % 3]
        drawn.append(config.method)


def draw_success(axes: Axes, groups: Groups, paper: Rows, training: bool = False) -> None:
    """Success in % over steps; the paper's figures (`paper`: rows of `paper.Comparison`) as rings with
    intervals; in `training`, a thin dashed line for the online episodes that were learned from."""
    for place, (label, group, begins, line) in enumerate(_looks(groups)):
        method = group.config.method
        colour, marker = plots.style(method)
        if group.points:
            steps = begins + np.array([sum(key) for key in group.points])
            values = 100 * np.array([point.interval for point in group.points.values()])
            plots.curve(axes, method, label, steps, *values.T, line=line)
        # Rings of several methods stand side by side around their common step.
        points = (place - (len(groups) - 1) / 2) * min(3.5, 14 / len(groups))
        beside = axes.transData + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
        look = dict(color=colour, marker=marker, linestyle="", capsize=3, clip_on=False, zorder=4, **RING)
        for row in paper:
            if row["method"] == label:
                steps = begins + row["offline steps"] + row["online steps"]
                mean, low, high = (100 * row[key] for key in ("paper", "paper low", "paper high"))
                axes.errorbar(steps / 1000, mean, [[mean - low], [high - mean]], transform=beside, **look)
        if training:
            steps, values = training_success(group)
            axes.plot((begins + steps) / 1000, values, color=colour, linewidth=1, linestyle="--")
    axes.set(ylim=(-3, 103))
    _end_axes(axes, groups)


def draw_paper_beside(axes: Axes, groups: Groups, quotes: dict[str, dict[Steps, Interval]]) -> None:
    """Right of the curves, behind a line, the paper's success at `PAPER_STEPS`: a ring for each label with
    `quotes` (`paper.quoted`, by label)."""
    end = axes.get_xlim()[1]
    ticks = [x for x in axes.get_xticks() if 0 <= x <= end]
    centres = [end * (1.22 + 0.3 * i) for i in range(len(PAPER_STEPS))]
    for place, (label, group) in enumerate(groups.items()):
        colour, marker = plots.style(group.config.method)
        apart = end * 0.04 * (place - (len(groups) - 1) / 2)
        for centre, steps in zip(centres, PAPER_STEPS, strict=True):
            if steps in quotes[label]:
                mean, low, high = 100 * np.array(quotes[label][steps])
                look = dict(color=colour, marker=marker, capsize=3, clip_on=False, **RING)
                axes.errorbar(centre + apart, mean, [[mean - low], [high - mean]], **look)
    axes.axvline(end * 1.05, color="0.3", linewidth=1)
    axes.set_xlim(right=end * 1.7)
    axes.set_xticks([*ticks, *centres], [*(f"{x:g}" for x in ticks), "100K", "1M +\n200K"])
    look = dict(transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9, color="0.35")
    axes.text(np.mean(centres), 1.01, "the paper's", **look)


def draw_q(axes: Axes, groups: Groups) -> None:
    """Q of the batch over steps: its mean over seeds, shaded from the smallest to the largest."""
    for label, group, begins, line in _looks(groups):
        columns = [logged(group.runs, name) for name in ("q_mean", "q_min", "q_max")]
        if columns[0]:
            parts = zip(columns, (np.mean, np.min, np.max), strict=True)
            q = [[reduce(seeds) for seeds in column.values()] for column, reduce in parts]
            steps = begins + np.array(list(columns[0]))
            plots.curve(axes, group.config.method, label, steps, *q, line=line, marked=False)
    axes.axhline(0, color="0.3", linestyle="--", linewidth=1)
    look = dict(transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
    axes.text(0.99, 0, "theoretical maximum", **look)
    _end_axes(axes, groups)


def _end_axes(axes: Axes, groups: Groups) -> None:
    """Marks the online phase, if runs that learn offline first all go online after the same step."""
    axes.set_xlim(left=0)
    configs = [run.config for group in groups.values() for run in group.runs]
    lengths = {config.offline_steps for config in configs} - {0}
    if len(lengths) == 1 and any(config.online_steps for config in configs):
        plots.mark_online(axes, lengths.pop())


def draw_legend(figure: Figure, panels: Sequence[Axes], paper: bool, place: str) -> None:
    """`plots.legend_beside` for all panels; `paper`: with a ring for the paper's figures."""
    handles = {}
    for axes in panels:
        found, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    if paper:
        handles["the paper's"] = Line2D([], [], linestyle="", marker="o", color="0.3", **RING)
    plots.legend_beside(figure, handles, place)
