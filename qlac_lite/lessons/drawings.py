"""Drawings that explain: losses, mazes, cells of a map."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from qlac_lite.reports.plots import new_figure

DATA, FLOW, POLICY, CRITIC, TARGET = "#999999", "#009E73", "#0072B2", "#E69F00", "#F3CE84"


def q_lac_losses() -> Figure:
    """The four losses of FQL and Q-LAC; solid arrows come from the networks that a loss moves."""
    figure, (axes,) = new_figure(1, width=9.2, height=5.4)
    axes.set(xlim=(1, 93), ylim=(0, 54))
    axes.set_axis_off()
    batch = _node(axes, 12, 27, "batch of chunks\n$s,\\ \\mathbf{a},\\ R,\\ s'$", DATA, 20, 7.6)
    flow = _node(axes, 47, 49, "flow  $v_\\beta(s, x, t)$", FLOW)
    policy = _node(axes, 47, 27, "one-step policy  $\\mu_\\psi(s, z)$", POLICY)
    critic = _node(axes, 47, 5, "critic  $Q_\\theta(s, \\mathbf{a})$", CRITIC)
    target = _node(axes, 80, 5, "target critic  $Q_{\\bar\\theta}$", TARGET, 21)
    flow_bc = _node(axes, 80, 49, "flow BC", FLOW, loss=True)
    distillation = _node(axes, 47, 38, "distillation", POLICY, loss=True)
    q_loss = _node(axes, 47, 16, "Q loss", POLICY, loss=True)
    td_error = _node(axes, 80, 27, "TD error", CRITIC, loss=True)
    arrows = (
        (flow, flow_bc, FLOW, "-", 66.2, 50.7),
        (flow, distillation, FLOW, "--", 45, 43.1),
        (policy, distillation, POLICY, "-", 45, 32.9),
        (policy, q_loss, POLICY, "-", 45, 21.1),
        (critic, q_loss, CRITIC, "--", 45, 10.9),
        (critic, td_error, CRITIC, "-", 64.6, 19.2),
        (target, td_error, CRITIC, "--", 78, 16.5),
        (critic, target, CRITIC, "--", 65, 6.7),
        (policy, td_error, POLICY, "--", 66.2, 28.7),
    )
    for i, (start, end, colour, line, x, y) in enumerate(arrows, 1):
        _arrow(axes, start, end, color=colour, linestyle=line, lw=1.8, mutation_scale=14)
        axes.text(x, y, i, ha="center", va="center", fontsize=9, weight="bold", color="0.15")
    for network in (flow, policy, critic):
        _arrow(axes, batch, network, color="0.6", lw=1, mutation_scale=10, level=True)
    for y, text, line in ((39.4, "the loss moves the network", "-"), (36.6, "it does not", "--")):
        axes.plot([65, 71], [y, y], color="0.3", lw=1.8, linestyle=line)
        axes.text(72.5, y, text, va="center", fontsize=8.5)
    return figure


def _node(axes: Axes, x, y, text: str, colour: str, width=27, height=6.6, loss=False) -> FancyBboxPatch:
    """A network or data as a filled box, or a loss as a framed oval, around (x, y)."""
    look, corners = dict(fc=colour, ec="none", alpha=0.35), 0.6
    if loss:
        width, height, look, corners = 16, 4.8, dict(fc="white", ec=colour, lw=2), 2.4
    look["boxstyle"] = f"round,pad=0,rounding_size={corners}"
    axes.text(x, y, text, ha="center", va="center", fontsize=10)
    return axes.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, **look))


def _arrow(axes: Axes, start: FancyBboxPatch, end: FancyBboxPatch, level: bool = False, **look) -> None:
    """An arrow between two nodes; `level`: at right angles, out of the side."""
    (x, y), (to_x, to_y) = (node.get_bbox().get_points().mean(axis=0) for node in (start, end))
    if level and y != to_y:
        between = (start.get_bbox().x1 + end.get_x()) / 2
        axes.plot([between, between], [y, to_y], color=look["color"], lw=look["lw"], solid_capstyle="butt")
        x, y, start, look["shrinkA"] = between, to_y, None, 0
    axes.add_patch(FancyArrowPatch((x, y), (to_x, to_y), arrowstyle="-|>", patchA=start, patchB=end, **look))


def maze(axes: Axes, cells: np.ndarray, values: np.ndarray, goal: int) -> None:
    """Values (S,) in [0, 1] of a maze's free cells (S, 2) as colours; the start is the first cell."""
    height, width = cells.max(axis=0) + 1
    picture = np.full((height + 1, width + 1), np.nan)
    picture[tuple(cells.T)] = values
    axes.set_facecolor("0.35")
    axes.imshow(picture, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    for row, column in cells:
        axes.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="none", edgecolor="0.8", linewidth=0.5)
        )
    plate = dict(boxstyle="round,pad=0.2", fc="white", ec="none")
    for (row, column), name in ((cells[0], "start"), (cells[goal], "goal")):
        axes.text(column, row, name, ha="center", va="center", weight="bold", fontsize=9, bbox=plate)
    axes.grid(False)
