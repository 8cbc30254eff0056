"""Drawings that explain: losses as boxes and arrows, mazes, cells of a map."""

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from qlac_lite.reports.plots import new_figure

DATA, FLOW, POLICY, CRITIC, TARGET = "#999999", "#009E73", "#0072B2", "#E69F00", "#F3CE84"
GAP = 2  # points between the end of an arrow and the edge that it comes from or goes to


def q_lac_losses() -> Figure:
    """The four losses of FQL and Q-LAC: networks as boxes, losses as ovals, numbered arrows.

    Solid: the loss moves the parameters of the network that the arrow comes from; dashed: it does not.
    """
    figure, (axes,) = new_figure(1, width=9.2, height=5.4)
    axes.set(xlim=(1, 93), ylim=(0, 54))
    axes.set_axis_off()
    nodes = {
        name: _node(axes, x, y, text, colour, width, height, filled)
        for name, x, y, text, colour, width, height, filled in (
            ("batch", 12, 27, "batch of chunks\n$s,\\ a_{1:H},\\ R,\\ s'$", DATA, 20, 7.6, True),
            ("flow", 47, 49, "flow  $v_\\beta(s, x, t)$", FLOW, 27, 6.6, True),
            ("policy", 47, 27, "one-step policy  $\\mu_\\psi(s, z)$", POLICY, 27, 6.6, True),
            ("critic", 47, 5, "critic  $Q_\\theta(s, a_{1:H})$", CRITIC, 27, 6.6, True),
            ("target", 80, 5, "target critic  $Q_{\\bar\\theta}$", TARGET, 21, 6.6, True),
            ("flow BC", 80, 49, "flow BC", FLOW, 16, 4.8, False),
            ("distillation", 47, 38, "distillation", POLICY, 16, 4.8, False),
            ("Q loss", 47, 16, "Q loss", POLICY, 16, 4.8, False),
            ("TD error", 80, 27, "TD error", CRITIC, 16, 4.8, False),
        )
    }
    for number, start, end, colour, dashed, label in (
        (1, "flow", "flow BC", FLOW, False, (66.2, 50.7)),
        (2, "flow", "distillation", FLOW, True, (45, 43.1)),
        (3, "policy", "distillation", POLICY, False, (45, 32.9)),
        (4, "policy", "Q loss", POLICY, False, (45, 21.1)),
        (5, "critic", "Q loss", CRITIC, True, (45, 10.9)),
        (6, "critic", "TD error", CRITIC, False, (64.6, 19.2)),
        (7, "target", "TD error", CRITIC, True, (78, 16.5)),
        (8, "critic", "target", CRITIC, True, (65, 6.7)),
        (9, "policy", "TD error", POLICY, True, (66.2, 28.7)),
    ):
        look = dict(color=colour, linestyle="--" if dashed else "-", lw=1.8, mutation_scale=14)
        _arrow(axes, nodes[start], nodes[end], **look)
        axes.text(*label, str(number), ha="center", va="center", fontsize=9, weight="bold", color="0.15")
    for network in ("flow", "policy", "critic"):
        _arrow(axes, nodes["batch"], nodes[network], color="0.6", lw=1, mutation_scale=10, level=True)
    for y, text, line in ((39.4, "the loss moves the network", "-"), (36.6, "it does not", "--")):
        axes.plot([65, 71], [y, y], color="0.3", lw=1.8, linestyle=line)
        axes.text(72.5, y, text, va="center", fontsize=8.5)
    return figure


def _node(
    axes: Axes, x: float, y: float, text: str, colour: str, width: float, height: float, filled: bool
) -> FancyBboxPatch:
    """A network or data as a filled box, or a loss as a framed oval, around (x, y)."""
    shape = f"round,pad=0,rounding_size={0.6 if filled else height / 2}"
    look = dict(fc=colour, ec="none", alpha=0.35) if filled else dict(fc="white", ec=colour, lw=2)
    axes.text(x, y, text, ha="center", va="center", fontsize=10)
    corner = (x - width / 2, y - height / 2)
    return axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **look))


def _arrow(axes: Axes, start: FancyBboxPatch, end: FancyBboxPatch, level: bool = False, **look) -> None:
    """An arrow between two nodes' middles, cut at their edges; `level`: at right angles, out of the side."""
    middle = lambda p: (p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2)
    (x, y), (to_x, to_y) = map(middle, (start, end))
    if level and y != to_y:
        between = (start.get_x() + start.get_width() + end.get_x()) / 2
        axes.plot([between, between], [y, to_y], color=look["color"], lw=look["lw"], solid_capstyle="butt")
        x, y, start = between, to_y, None
    ends = dict(patchA=start, patchB=end, shrinkA=GAP if start else 0, shrinkB=GAP)
    axes.add_patch(FancyArrowPatch((x, y), (to_x, to_y), arrowstyle="-|>", **ends, **look))


def maze(
    axes: Axes, cells: np.ndarray, values: np.ndarray, goal: int, limits: tuple[float, float] = (0.0, 1.0)
) -> None:
    """Values (S,) of the free cells of a maze as colours; cells (S, 2) row and column, the start first."""
    picture = np.full(cells.max(axis=0) + 2, np.nan)
    picture[tuple(cells.T)] = values
    axes.set_facecolor("0.35")
    axes.imshow(picture, cmap="Blues", vmin=limits[0], vmax=limits[1])
    axes.set(xlim=(0, cells[:, 1].max() + 1), ylim=(cells[:, 0].max() + 1, 0))
    label = dict(ha="center", va="center", weight="bold")
    label["bbox"] = dict(boxstyle="circle,pad=0.2", fc="white", ec="none")
    for state, letter in ((0, "S"), (goal, "G")):
        row, column = cells[state]
        axes.text(column, row, letter, **label)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def tile(x: float, y: float, colour: str) -> Artist:
    """A unit square around (x, y), a cell of a map; add it with `axes.add_patch`."""
    return matplotlib.patches.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white")
