"""Figures: one colour and one marker a method throughout the course, intervals shaded,
axes labelled with units.

The colours are Okabe and Ito's, distinguishable with colour-blindness;
every figure is drawn on white, so that it reads in a light and in a dark page alike.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from qlac_lite.utils.files import atomic
from qlac_lite.utils.statistics import mean_interval

STYLES = {  # method -> colour, marker
    "qc-fql": ("#0072B2", "o"),
    "fql": ("#E69F00", "s"),
    "fql-n": ("#CC79A7", "^"),
    "qc": ("#009E73", "D"),
    "bfn": ("#D55E00", "v"),
    "bfn-n": ("#56B4E9", "P"),
    "rlpd": ("#8B6914", "<"),
    "rlpd-ac": ("#7B3294", ">"),
    "qc-rlpd": ("#C51B7D", "h"),
    "bc": ("#999999", "X"),
    "chunk-bc": ("#000000", "*"),
}
RC = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "savefig.dpi": 150,
}

RING = dict(
    markersize=8, markerfacecolor="none", markeredgewidth=1.5
)  # someone else's figure, around or beside ours


def new_figure(
    columns: int, width: float = 5.2, height: float = 3.6, rows: int = 1
) -> tuple[Figure, Sequence[Axes]]:
    """A white figure with `columns` panels in each of `rows`, in reading order; sizes in inches a panel."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
        return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(rows * columns)]


def curve(
    axes: Axes,
    method: str,
    label: str,
    steps: np.ndarray,
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    line: str = "-",
    marked: bool = True,
) -> None:
    """A line with its shaded interval: steps, drawn in thousands, and three in the unit of the axis;
    all (points,)."""
    colour, marker = STYLES[method]
    axes.plot(
        steps / 1000,
        mean,
        color=colour,
        linestyle=line,
        marker=marker if marked else "",
        markersize=5,
        label=label,
    )
    axes.fill_between(steps / 1000, low, high, color=colour, alpha=0.18, linewidth=0)


def training_curve(axes: Axes, method: str, steps: np.ndarray, mean: np.ndarray) -> None:
    """A thin dashed line: success of the episodes that the agent learned from online, both (points,)."""
    axes.plot(steps / 1000, mean, color=STYLES[method][0], linewidth=1, linestyle="--")


def line_style(drawn: Sequence[str], method: str) -> str:
    """A colour a method, a line style a setting of it:
    that of the next curve of `method`, after those of `drawn` methods."""
    return ("-", ":", "-.")[drawn.count(method) % 3]


def quotes(axes: Axes, method: str, begins: int, rows: list[dict], place: tuple[int, int] = (0, 1)) -> None:
    """The paper's figures beside ours: rings with intervals in %.

    Args:
        begins: total step at which the method's curve starts.
        rows: of `reports.paper.compare`.
        place: this method's, of how many: they stand side by side around their common step,
            so that all are seen.
    """
    colour, marker = STYLES[method]
    points = (place[0] - (place[1] - 1) / 2) * min(3.5, 14 / place[1])
    beside = axes.transData + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
    for row in rows:
        steps = begins + row["offline steps"] + row["online steps"]
        mean, low, high = (100 * row[key] for key in ("paper", "paper low", "paper high"))
        axes.errorbar(
            steps / 1000,
            mean,
            [[mean - low], [high - mean]],
            color=colour,
            transform=beside,
            clip_on=False,
            zorder=4,
            marker=marker,
            capsize=3,
            linestyle="",
            **RING,
        )


def legend_beside(figure: Figure, handles: dict[str, Artist], paper: bool, place: str = "lower") -> None:
    """One legend for all panels, "lower" or "upper" of them, in even rows;
    `paper`: with a ring for the paper's figures."""
    if paper:
        handles = handles | {"the paper's": Line2D([], [], linestyle="", marker="o", color="0.3", **RING)}
    inches = 0.75 + 0.075 * max(map(len, handles))  # of one entry
    rows = -(-len(handles) // max(1, int(figure.get_figwidth() / inches)))
    figure.legend(
        handles.values(),
        handles,
        loc=f"outside {place} center",
        ncols=-(-len(handles) // rows),
        frameon=False,
    )


def mark_online(axes: Axes, offline_steps: int | None) -> None:
    """Shades the online phase, which begins after `offline_steps`,
    if there is one and the axis reaches it."""
    end = axes.get_xlim()[1]
    if offline_steps is None or offline_steps / 1000 >= end:
        return
    start = offline_steps / 1000
    axes.axvspan(start, end, color="0.93", zorder=0)
    axes.set_xlim(right=end)
    axes.text(
        start,
        1.01,
        " online",
        transform=axes.get_xaxis_transform(),
        va="bottom",
        ha="left",
        fontsize=9,
        color="0.35",
    )
    axes.text(
        start,
        1.01,
        "offline ",
        transform=axes.get_xaxis_transform(),
        va="bottom",
        ha="right",
        fontsize=9,
        color="0.35",
    )


EVERYWHERE = (-np.inf, np.inf)


def band(
    axes: Axes,
    x: np.ndarray,
    values: np.ndarray,
    label: str,
    colour: str,
    marker: str = "",
    line: str = "-",
    within: tuple[float, float] = EVERYWHERE,
) -> None:
    """Mean of repetitions (R, points) with its 95 % interval shaded, cut where values cannot be: `within`."""
    mean, low, high = mean_interval(values)
    axes.plot(x, mean, color=colour, linestyle=line, marker=marker, markersize=5, label=label)
    axes.fill_between(x, *np.clip((low, high), *within), color=colour, alpha=0.18, linewidth=0)


def points(
    axes: Axes,
    x: np.ndarray,
    values: np.ndarray,
    label: str,
    colour: str,
    marker: str = "o",
    within: tuple[float, float] = EVERYWHERE,
) -> None:
    """Mean of repetitions (R, points) as markers with their 95 % interval as bars,
    cut where values cannot be: `within`."""
    mean, low, high = mean_interval(values)
    low, high = np.clip((low, high), *within)
    axes.errorbar(
        x,
        mean,
        [mean - low, high - mean],
        color=colour,
        linestyle="",
        marker=marker,
        markersize=5,
        capsize=3,
        label=label,
    )


def shades(count: int) -> np.ndarray:
    """Colours for an ordered quantity, dark to light, readable in grey: (count, 4)."""
    return matplotlib.colormaps["viridis"](np.linspace(0, 0.85, count))


def save(figure: Figure, path: Path) -> None:
    """The figure as a PNG that appears whole or not at all."""
    with atomic(path) as file:
        figure.savefig(file, format="png", dpi=150)


def frames_in_a_row(frames: Sequence[np.ndarray], captions: Sequence[str], title: str) -> Figure:
    """Pictures (height, width, 3) side by side, each with a caption: a filmstrip."""
    figure, panels = new_figure(len(frames), width=1.9, height=2.35)
    for axes, frame, caption in zip(panels, frames, captions, strict=True):
        axes.imshow(frame)
        axes.set_axis_off()
        axes.set_title(caption, fontsize=9)
    figure.suptitle(title, fontsize=10)
    return figure


def scene_from_above(
    axes: Axes, effector: np.ndarray, cubes: np.ndarray, goals: np.ndarray, now: int
) -> None:
    """A sketch of the table from above, where nothing can be rendered: paths up to step `now`, in metres.

    effector (T, 3), cubes (T, C, 3), goals (C, 3).
    """
    axes.plot(effector[: now + 1, 1], effector[: now + 1, 0], color="0.6", linewidth=1)
    axes.plot(effector[now, 1], effector[now, 0], "k+", markersize=10)  # the gripper
    for i in range(len(goals)):
        axes.plot(
            goals[i, 1], goals[i, 0], "s", markersize=11, markerfacecolor="none", markeredgecolor="#D55E00"
        )
        axes.plot(cubes[now, i, 1], cubes[now, i, 0], "s", markersize=8, color="#D55E00")
    axes.set(xlim=(-0.4, 0.4), ylim=(0.65, 0.2), aspect="equal", xticks=[], yticks=[])
    _frame(axes)


def _frame(axes: Axes) -> None:
    """A closed frame: what is in it is a place, not a plot."""
    for side in axes.spines.values():
        side.set_visible(True)
    axes.grid(False)
