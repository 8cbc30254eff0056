"""Drawings that explain, made of boxes and arrows."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from qlac_lite.plots import new_figure

DATA, FLOW, POLICY, CRITIC, TARGET = "#999999", "#009E73", "#0072B2", "#E69F00", "#F3CE84"


def q_lac_losses() -> Figure:
    """The four losses of FQL and Q-LAC: networks as boxes, losses as ovals, numbered arrows. Solid: the loss moves the parameters
    of the network that the arrow comes from; dashed: it does not."""
    figure, (axes,) = new_figure(1, width=10.4, height=5.2)
    axes.set(xlim=(0, 104), ylim=(0, 52))
    axes.set_axis_off()
    for x, y, text, colour in (
        (12, 26, "batch of chunks\n$s,\\ a_{1:H},\\ R,\\ s'$", DATA),
        (41, 43, "flow  $v_\\beta(s, x, t)$", FLOW),
        (41, 26, "one-step policy  $\\mu_\\psi(s, z)$", POLICY),
        (41, 9, "critic  $Q_\\theta(s, a_{1:H})$", CRITIC),
        (92, 9, "target critic  $Q_{\\bar\\theta}$", TARGET),
    ):
        _box(axes, x, y, text, colour)
    for x, y, text, colour in (
        (74, 43, "flow BC", FLOW),
        (74, 32, "distillation", POLICY),
        (74, 21, "Q loss", POLICY),
        (66, 9, "TD error", CRITIC),
    ):
        axes.text(x, y, text, ha="center", va="center", fontsize=10, bbox=dict(boxstyle="round,pad=0.45,rounding_size=1", fc="white", ec=colour, lw=2))  # fmt: skip
    for number, start, end, colour, dashed, bend, label in (
        (1, (53, 43.5), (68.5, 43.5), FLOW, False, 0, (60, 45.2)),
        (2, (50, 40), (67, 33.5), FLOW, True, 0, (57, 39.2)),
        (3, (54, 27.5), (67, 31), POLICY, False, 0, (62, 28.1)),
        (4, (54, 24.5), (69, 22), POLICY, False, 0, (61, 21.9)),
        (5, (46, 12.2), (70, 18.8), CRITIC, True, 0, (50, 15)),
        (9, (48, 22.6), (64, 11.6), POLICY, True, 0, (50.6, 19.2)),
        (6, (51, 9), (60, 9), CRITIC, False, 0, (55.5, 10.7)),
        (7, (82, 9), (72, 9), CRITIC, True, 0, (77, 10.7)),
        (8, (47, 5.8), (86, 5.8), CRITIC, True, 0.22, (66, 0.1)),
    ):
        style = dict(arrowstyle="-|>", mutation_scale=14, lw=1.8, color=colour, linestyle="--" if dashed else "-")
        axes.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", **style))
        axes.text(*label, str(number), ha="center", va="center", fontsize=9, weight="bold", color="0.15")
    for end in ((31, 41), (29, 26), (31, 11)):
        axes.add_patch(FancyArrowPatch((20.5, 26), end, arrowstyle="-|>", mutation_scale=10, lw=1, color="0.6"))
    axes.plot([84, 90], [49.5, 49.5], color="0.3", lw=1.8)
    axes.text(91, 49.5, "moves its network", va="center", fontsize=8)
    axes.plot([84, 90], [46.8, 46.8], color="0.3", lw=1.8, linestyle="--")
    axes.text(91, 46.8, "does not", va="center", fontsize=8)
    return figure


def _box(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    width, height = 24, 6.4
    if "\n" in text or "target" in text:
        width = 17 if "\n" in text else 20
    patch = FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0.2", fc=colour, ec="none", alpha=0.35)
    axes.add_patch(patch)
    axes.text(x, y, text, ha="center", va="center", fontsize=10)
