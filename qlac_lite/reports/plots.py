"""Figures: one colour and marker a method, intervals shaded, on white for light and for dark pages."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.config import get_method
from qlac_lite.utils.files import atomic
from qlac_lite.utils.statistics import mean_interval

RC = {
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
UNCUT = (-np.inf, np.inf)


def style(method: str) -> tuple[str, str]:
    """Colour and marker of a method; QlacError if there is none of that name."""
    row = get_method(method)
    return row.colour, row.marker


def new_figure(columns: int, width=5.2, height=3.6, rows=1) -> tuple[Figure, list[Axes]]:
    """A figure and its panels in reading order; `width` and `height` of a panel in inches."""
    with matplotlib.rc_context(RC):
        width = min(width, 10 / columns)  # a page shrinks what is wider, and its type with it
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
        return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def curve(
    axes: Axes, method: str, label: str, steps: np.ndarray, *interval: np.ndarray, line="-", marked=True
) -> None:
    """A method's line over thousands of steps; `interval`: mean, low and high to shade, (points,) each."""
    colour, marker = style(method)
    _shaded(axes, steps / 1000, interval, label, colour, marker * marked, line)


def band(
    axes: Axes, x: np.ndarray, values: np.ndarray, label: str, colour: str, marker="", line="-", within=UNCUT
) -> None:
    """Mean over R of `values` (R, points), its 95 % interval shaded; cut to `within` (least, largest)."""
    _shaded(axes, x, np.clip(mean_interval(values), *within), label, colour, marker, line)


def _shaded(axes, x, interval, label, colour, marker, line) -> None:
    mean, low, high = interval
    axes.plot(x, mean, color=colour, linestyle=line, marker=marker, markersize=5, label=label)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


def points(
    axes: Axes, x: np.ndarray, values: np.ndarray, label: str, colour: str, marker="o", within=UNCUT
) -> None:
    """As `band`, with markers and bars in place of line and shade."""
    interval = np.clip(mean_interval(values), *within)
    bars(axes, x, interval, color=colour, marker=marker, markersize=5, label=label)


def bars(axes: Axes, x, interval, **look) -> None:
    """Markers with bars: mean, low and high, as `x` a number or (points,) each."""
    mean, low, high = np.atleast_1d(*interval)
    axes.errorbar(x, mean, [mean - low, high - mean], capsize=3, linestyle="", **look)


def legend_beside(figure: Figure, handles: dict[str, Artist], place: str) -> None:
    """One legend for all panels in even rows, in the "lower" or "upper" place."""
    inches = 0.75 + 0.075 * max(map(len, handles))  # of one entry
    rows = -(-len(handles) // max(1, int(figure.get_figwidth() / inches)))
    columns = -(-len(handles) // rows)
    figure.legend(handles.values(), handles, loc=f"outside {place} center", ncols=columns, frameon=False)


def mark_online(axes: Axes, offline_steps: int) -> None:
    """Shades the online phase after `offline_steps`, if the axis reaches it."""
    start, end = offline_steps / 1000, axes.get_xlim()[1]
    if start >= end:
        return
    axes.axvspan(start, end, color="0.93", zorder=0)
    axes.set_xlim(right=end)
    look = dict(transform=axes.get_xaxis_transform(), va="bottom", fontsize=9, color="0.35")
    axes.text(start, 1.01, " online", ha="left", **look)
    axes.text(start, 1.01, "offline ", ha="right", **look)


def shades(count: int) -> np.ndarray:
    """Colours for an ordered quantity, dark to light, readable in grey: (count, 4)."""
    return matplotlib.colormaps["viridis"](np.linspace(0, 0.85, count))


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG, whole or not at all."""
    with atomic(path) as file:
        figure.savefig(file, format="png", dpi=150)


def _picture(axes: Axes, frame: np.ndarray) -> None:
    axes.imshow(frame)
    axes.set_axis_off()


def frames_in_a_row(frames: Sequence, captions: Sequence[str], title: str, draw=_picture) -> Figure:
    """A filmstrip of pictures (height, width, 3), or of what `draw` draws for each frame."""
    figure, panels = new_figure(len(frames), width=1.9, height=2.35)
    for axes, frame, caption in zip(panels, frames, captions, strict=True):
        draw(axes, frame)
        axes.set_title(caption, fontsize=9)
    figure.suptitle(title, fontsize=10)
    return figure
