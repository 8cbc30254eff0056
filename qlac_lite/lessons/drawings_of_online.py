"""Drawings of lesson 06: the paper's RLPD and RLPD-AC, our map of both, and runs of a learner's own.

Shapes: n seeds, P evaluations.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.experiments.runner import recorded
from qlac_lite.lessons.online_agents import Trained
from qlac_lite.reports import plots
from qlac_lite.reports.paper import quoted
from qlac_lite.utils.statistics import difference, mean_interval

DOMAINS = ("puzzle-3x3", "scene", "cube-double", "cube-triple", "cube-quadruple", "all", "can", "square")
GAUSSIAN, FLOW, SINGLE = plots.style("rlpd-ac")[0], plots.style("qc-fql")[0], plots.style("rlpd")[0]
YOURS, HERS = "#0072B2", "#D55E00"
LENGTHS = (5, 10, 20)
A, B, C, OTHER = FLOW, "#D55E00", "#009E73", "0.35"  # the colours of the causes of section 3
CAUSES = (  # what is changed, in which cell, against which, and the colour of the cause
    *((f"(a) a flow for the Gaussian, H = {h}", f"flow-h{h}", f"rlpd-ac-h{h}", A) for h in LENGTHS),
    ("(a) cloning by likelihood, H = 20", "cloned-h20", "rlpd-ac-h20", A),
    ("(b) temperature from 1 / 20, H = 20", "cool-h20", "rlpd-ac-h20", B),
    ("(b) entropy target -2, H = 20", "quiet-h20", "rlpd-ac-h20", B),
    ("(c) first actions only, H = 20", "closed-h20", "rlpd-ac-h20", C),
    ("two critics for ten, H = 20", "two-h20", "rlpd-ac-h20", OTHER),
    ("two critics for ten, RLPD", "two-h1", "rlpd", OTHER),
)
SHARED = "rlpd-ac-h20"
AT_ONCE = sum(other == SHARED for _, _, other, _ in CAUSES)  # intervals against the same eight runs
Drawn = tuple[Figure, str]


def paper() -> Drawn:
    """The paper's success of RLPD and RLPD-AC after 200K and after 1M steps, a panel for each domain."""
    figure, panels = plots.new_figure(4, width=2.5, height=2.2, rows=2)
    told = []
    for axes, domain in zip(panels, DOMAINS, strict=True):
        ends = []
        for shift, method, title in ((-0.05, "rlpd", "RLPD"), (0.05, "rlpd-ac", "RLPD-AC")):
            points = quoted(domain, method)
            colour, marker = plots.style(method)
            values = 100 * np.array([points[0, 200_000], points[0, 1_000_000]]).T  # mean, low, high
            at = np.arange(2) + shift
            axes.plot(at, values[0], color=colour, linewidth=1.5)
            plots.bars(axes, at, values, color=colour, marker=marker, markersize=5, label=title)
            ends.append(f"{title} {values[0, 1]:.0f}")
        axes.set(ylim=(-4, 106), xlim=(-0.3, 1.3), title="all 25 tasks" if domain == "all" else domain)
        axes.set_xticks([0, 1], ["200K", "1M"])
        axes.title.set_fontsize(10)
        told.append(f"{domain}: {', '.join(ends)}")
    for axes in (panels[0], panels[4]):
        axes.set_ylabel("success (%)")
    panels[4].legend(fontsize=8, loc="upper left")
    figure.supxlabel("environment steps", fontsize=10)
    return figure, f"Success after 200 thousand and 1 million steps. At the end: {'; '.join(told)} percent."


def cells(step: float) -> dict[str, np.ndarray]:
    """Success in percent (n, P) of the recorded cells of one world, by their names without the step."""
    rows, _ = recorded("naive")
    found: dict[str, dict] = {}
    for row in rows:
        if row["step"] == step:
            name = row["cell"].removesuffix(f"-{step:g}")
            found.setdefault(name, {})[row["seed"], row["updates"]] = 100 * row["success"]
    return {name: _table(values) for name, values in found.items()}


def _table(values: Mapping[tuple, float]) -> np.ndarray:
    seeds, steps = (sorted({key[i] for key in values}) for i in (0, 1))
    return np.array([[values[seed, step] for step in steps] for seed in seeds])


def over_the_curve(step: float) -> dict[str, np.ndarray]:
    """The mean of a seed's evaluations (n,), by the cell's name."""
    return {name: values.mean(axis=1) for name, values in cells(step).items()}


def the_map(step: float = 0.08) -> Drawn:
    """Success of RLPD and RLPD-AC over steps, and of a Gaussian and a flow over the curve by chunk length."""
    found, mean = cells(step), over_the_curve(step)
    figure, (left, right) = plots.new_figure(2, width=4.8, height=3.5)
    at = 2 * np.arange(1, found["rlpd"].shape[1] + 1)
    plots.band(left, at, found["rlpd"], "RLPD", SINGLE, "<", within=(0, 100))
    for h, line in zip(LENGTHS, ("-", "--", ":"), strict=True):
        plots.band(left, at, found[f"rlpd-ac-h{h}"], f"RLPD-AC, H = {h}", GAUSSIAN, ">", line, (0, 100))
    plots.band(left, at, found["flow-h20"], "a flow, H = 20", FLOW, "o", ":", (0, 100))
    left.set(xlabel="environment steps (thousands)", ylabel="success (%)", ylim=(-4, 104), xticks=at)
    left.set_title("over steps", fontsize=10)
    plots.legend_beside(figure, dict(zip(*left.get_legend_handles_labels()[::-1], strict=True)), "upper")
    told = [_beside(right, [0], [mean["rlpd"]], "RLPD", SINGLE, "<")]
    for name, label, colour, marker, shift in (
        ("rlpd-ac", "RLPD-AC: a Gaussian", GAUSSIAN, ">", -0.08),
        ("flow", "a flow in its place", FLOW, "o", 0.08),
    ):
        x = 1 + shift + np.arange(len(LENGTHS))
        told.append(_beside(right, x, [mean[f"{name}-h{h}"] for h in LENGTHS], label, colour, marker))
    right.axhline(mean["rlpd"].mean(), color=SINGLE, linewidth=1, linestyle=":")
    right.set_xticks(range(4), ["1", *map(str, LENGTHS)])
    right.set(xlim=(-0.4, 3.4), ylim=(-4, 104), xlabel="chunk length H", ylabel="success over the curve (%)")
    right.set_title("the mean of a curve, by chunk length", fontsize=10)
    right.legend(fontsize=8, loc="lower left")
    return figure, f"Left, success over steps; right, the mean of each curve. {'; '.join(told)} percent."


def _beside(axes: Axes, x, values: Sequence[np.ndarray], label: str, colour: str, marker: str) -> str:
    """Points with bars at x, joined; and their means in words."""
    values = np.array(values).T
    axes.plot(x, values.mean(axis=0), color=colour, linewidth=1)
    plots.points(axes, x, values, label, colour, marker, within=(0, 100))
    return f"{label} {', '.join(f'{mean:.0f}' for mean in values.mean(axis=0))}"


def told_map(step: float = 0.08) -> str:
    """A line a difference, seed by seed: RLPD-AC less RLPD, the flow less RLPD-AC, the flow less RLPD."""
    mean, lines = over_the_curve(step), []
    for h in LENGTHS:
        gaussian, flow = f"rlpd-ac-h{h}", f"flow-h{h}"
        pairs = [(gaussian, "rlpd", "RLPD-AC less RLPD"), (flow, gaussian, "flow less RLPD-AC")]
        pairs.append((flow, "rlpd", "flow less RLPD"))
        lines += [f"H = {h:2}: {told}, {apart(mean[a], mean[b])} points" for a, b, told in pairs]
    return "\n".join(lines)


def causes(step: float = 0.08) -> Drawn:
    """How far each intervention lies from the same learner without it, over the curve."""
    mean = over_the_curve(step)
    figure, (axes,) = plots.new_figure(1, width=7.6, height=1.1 + 0.36 * len(CAUSES))
    for y, (_, one, other, colour) in enumerate(CAUSES):
        values = mean[one] - mean[other]
        center, low, high = mean_interval(values)
        axes.plot(values, np.full(len(values), y - 0.25), ".", color="0.6")
        if other == SHARED:
            axes.plot(mean_interval(values, AT_ONCE)[1:], [y, y], color=colour, linewidth=1, linestyle=":")
        axes.errorbar(center, y, xerr=[[center - low], [high - center]], fmt="s", color=colour, capsize=4)
    axes.axvline(0, color="0.3", linewidth=1, linestyle=":")
    axes.set_yticks(range(len(CAUSES)), [row[0] for row in CAUSES])
    axes.set(
        xlabel="points over the curve, less the same without it (dotted: six at once)",
        ylim=(len(CAUSES) - 0.5, -0.5),
    )
    told = "; ".join(f"{text} {apart(mean[one], mean[other])}" for text, one, other, _ in CAUSES)
    return figure, f"Differences by seed, with 95 % intervals, in points: {told}."


def told_causes(step: float = 0.08) -> str:
    """A line for each intervention; for those that share a control, also the interval that holds for all."""
    mean, lines = over_the_curve(step), []
    for text, one, other, _ in CAUSES:
        lines.append(f"{text:35} {apart(mean[one], mean[other]):>14} points")
        if other == SHARED:
            _, low, high = mean_interval(mean[one] - mean[other], AT_ONCE)
            lines[-1] += f"; {AT_ONCE} at once [{low:+.1f}, {high:+.1f}]"
    return "\n".join(lines)


def apart(one: np.ndarray, other: np.ndarray, form: str = ".0f") -> str:
    """The difference by seed and its 95 % interval."""
    mean, low, high = difference(one, other)
    return f"{mean:+{form}} [{low:+{form}}, {high:+{form}}]"


def runs(trained: Mapping[str, Trained], wanted: float = -0.5) -> Drawn:
    """Success, entropy and temperature over steps, mean over seeds."""
    panels = {
        "success": "episodes solved (%)",
        "entropy": "entropy (nats a number)",
        "temperature": "temperature",
    }
    figure, axes = plots.new_figure(len(panels), width=3.6, height=3.1)
    told = []
    for (name, run), colour, line in zip(trained.items(), (YOURS, HERS), ("-", "--"), strict=False):
        for panel, part in zip(axes, panels, strict=True):
            within = (0, 100) if part == "success" else plots.UNCUT
            plots.band(panel, run.steps, getattr(run, part), name, colour, "o", line, within)
        ends = (f"{part} {getattr(run, part)[:, -1].mean():.3g}" for part in panels)
        told.append(f"{name}: {', '.join(ends)}")
    for panel, label in zip(axes, panels.values(), strict=True):
        panel.set(xlabel="environment steps", title=label)
        panel.title.set_fontsize(10)
    axes[0].set(ylim=(-4, 104))
    axes[1].axhline(wanted, color="0.3", linewidth=1, linestyle=":")
    axes[1].annotate("target", (0.98, wanted), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes[2].set_ylim(0, 1.1 * axes[2].dataLim.ymax)  # the first point is whole
    axes[0].legend(fontsize=8, loc="upper left")
    return figure, f"Success in percent, entropy and temperature over steps. At the end, {'; '.join(told)}."
