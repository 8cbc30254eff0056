"""Learning curves of groups of runs: success beside the paper's figures, and Q.

A method has one colour, and each setting of it a line style. One that learns online only begins where the
others go online.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from qlac_lite.reports import plots
from qlac_lite.reports.pooling import Group, Groups, logged, online_after, training_success

LINES = ("-", ":", "-.")
RING = dict(markersize=8, markerfacecolor="none", markeredgewidth=1.5)  # the paper's, around or beside ours


def _looks(groups: Groups) -> Iterator[tuple[str, Group, int, str]]:
    """label, group, total step at which its curve starts, line style"""
    longest = max(run.config.offline_steps for group in groups.values() for run in group.runs)
    drawn: list[str] = []
    for label, group in groups.items():
        config = group.config
        yield label, group, 0 if config.offline_steps else longest, LINES[drawn.count(config.method) % 3]
        drawn.append(config.method)


def draw_success(axes: Axes, groups: Groups, paper: list[dict[str, Any]], training: bool = False) -> None:
    """Success in % over steps, and the paper's figures as rings with intervals.

    Args:
        paper: rows of `paper.Comparison`.
        training: with a thin dashed line for the online episodes that were learned from.
    """
    for place, (label, group, begins, line) in enumerate(_looks(groups)):
        method = group.config.method
        if group.points:
            steps = begins + np.array([sum(key) for key in group.points])
            values = 100 * np.array([point.interval for point in group.points.values()])
            plots.curve(axes, method, label, steps, *values.T, line=line)
        # Rings of several methods stand side by side around their common step.
        points = (place - (len(groups) - 1) / 2) * min(3.5, 14 / len(groups))
        _draw_rings(axes, method, begins, [row for row in paper if row["method"] == label], points)
        if training:
            steps, values = training_success(group)
            colour, _ = plots.style(method)
            axes.plot((begins + steps) / 1000, values, color=colour, linewidth=1, linestyle="--")
    axes.set(ylim=(-3, 103))
    _end_axes(axes, groups)


def _draw_rings(axes: Axes, method: str, begins: int, rows: list[dict[str, Any]], points: float) -> None:
    colour, marker = plots.style(method)
    beside = axes.transData + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
    look = dict(color=colour, marker=marker, linestyle="", capsize=3, clip_on=False, zorder=4, **RING)
    for row in rows:
        steps = begins + row["offline steps"] + row["online steps"]
        mean, low, high = (100 * row[key] for key in ("paper", "paper low", "paper high"))
        axes.errorbar(steps / 1000, mean, [[mean - low], [high - mean]], transform=beside, **look)


def draw_q(axes: Axes, groups: Groups) -> None:
    """Q of the batch over steps: its mean over seeds, shaded from the smallest to the largest."""
    for label, group, begins, line in _looks(groups):
        columns = [logged(group.runs, name) for name in ("q_mean", "q_min", "q_max")]
        if columns[0]:
            parts = zip(columns, (np.mean, np.min, np.max), strict=True)
            q = [np.array([reduce(seeds) for seeds in column.values()]) for column, reduce in parts]
            steps = begins + np.array(list(columns[0]))
            plots.curve(axes, group.config.method, label, steps, *q, line=line, marked=False)
    axes.axhline(0, color="0.3", linestyle="--", linewidth=1)
    look = dict(transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
    axes.text(0.99, 0, "theoretical maximum", **look)
    _end_axes(axes, groups)


def _end_axes(axes: Axes, groups: Groups) -> None:
    axes.set_xlim(left=0)
    plots.mark_online(axes, online_after([run for group in groups.values() for run in group.runs]))


def draw_legend(figure: Figure, panels: Sequence[Axes], paper: bool, place: str) -> None:
    """One legend for all panels, as `plots.legend_beside`; `paper`: with a ring for the paper's figures."""
    handles = {}
    for axes in panels:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if paper:
        handles["the paper's"] = Line2D([], [], linestyle="", marker="o", color="0.3", **RING)
    plots.legend_beside(figure, handles, place)
