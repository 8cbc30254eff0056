"""Learning curves of groups of runs: success beside the paper's figures, and Q. A method has one colour, and
each setting of it a line style. One that learns online only begins where the others go online."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from qlac_lite.reports import plots
from qlac_lite.reports.paper import quoted
from qlac_lite.reports.pooling import Group, Groups, logged, training_success
from qlac_lite.utils.files import Rows
from qlac_lite.utils.statistics import Interval

LINES = ("-", ":", "-.")
PAPER_STEPS = (100_000, 0), (1_000_000, 200_000)
PAPER = "the paper's"
RING = dict(markersize=8, markerfacecolor="none", markeredgewidth=1.5)


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
    dashed = dict(linewidth=1, linestyle="--")
    for place, (label, group, begins, line) in enumerate(_looks(groups)):
        method = group.config.method
        steps = begins + np.array([sum(key) for key in group.points])
        values = 100 * np.array([point.interval for point in group.points.values()])
        plots.curve(axes, method, label, steps, *values.T, line=line)
        # Rings of several methods stand side by side around their common step.
        points = (place - (len(groups) - 1) / 2) * min(3.5, 14 / len(groups))
        beside = axes.transData + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
        for row in paper:
            if row["method"] == label:
                steps = begins + row["offline steps"] + row["online steps"]
                interval = row["paper"], row["paper low"], row["paper high"]
                _draw_ring(axes, method, steps / 1000, interval, transform=beside)
        if training:
            steps, values = training_success(group)
            axes.plot((begins + steps) / 1000, values, color=plots.style(method)[0], **dashed)
    if training:
        axes.plot([], [], color="0.3", label="episodes learned from", **dashed)
    axes.set(ylim=(-3, 103))
    _end_axes(axes, groups)


def _draw_ring(axes: Axes, method: str, x: float, paper: Interval, **look) -> None:
    colour, marker = plots.style(method)
    look |= dict(color=colour, marker=marker, label=PAPER, clip_on=False, zorder=4)
    plots.bars(axes, x, 100 * np.array(paper), **look, **RING)


def draw_paper_beside(axes: Axes, task: str, groups: Groups) -> None:
    """What the paper has for each method at `PAPER_STEPS`: rings right of the curves, behind a line."""
    quotes = {group.config.method: quoted(task, group.config.method) for group in groups.values()}
    if not any(quotes.values()):
        return
    end = axes.get_xlim()[1]
    ticks = [x for x in axes.get_xticks() if 0 <= x <= end]
    centres = [end * (1.22 + 0.3 * i) for i in range(len(PAPER_STEPS))]
    for place, (method, quote) in enumerate(quotes.items()):
        apart = end * 0.04 * (place - (len(quotes) - 1) / 2)
        for centre, steps in zip(centres, PAPER_STEPS, strict=True):
            if steps in quote:
                _draw_ring(axes, method, centre + apart, quote[steps])
    axes.axvline(end * 1.05, color="0.3", linewidth=1)
    axes.set_xlim(right=end * 1.7)
    axes.set_xticks([*ticks, *centres], [*(f"{x:g}" for x in ticks), "100K", "1M +\n200K"])
    look = dict(transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9, color="0.35")
    axes.text(np.mean(centres), 1.01, PAPER, **look)


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


def draw_legend(figure: Figure, panels: list[Axes], place: str) -> None:
    """`plots.legend_beside` for all panels, with one grey ring for the paper's marks of all methods."""
    handles = {}
    for axes in panels:
        found, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    if handles.pop(PAPER, None):
        handles[f"{PAPER} (hollow)"] = Line2D([], [], linestyle="", marker="o", color="0.3", **RING)
    plots.legend_beside(figure, handles, place)


def new_panels(titles: list[str], note: str = "") -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each title, at most three in a row, for `draw_success`."""
    columns = min(3, len(titles))
    rows = -(-len(titles) // columns)
    figure, panels = plots.new_figure(columns, width=3.7, height=3.0, rows=rows)
    for axes, title in zip(panels, titles, strict=False):
        axes.set_title(title, pad=18)
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    figure.supylabel("success (%)", fontsize=10)
    figure.supxlabel(f"gradient steps, then environment steps (thousands){note}", fontsize=10)
    return figure, panels[: len(titles)]
