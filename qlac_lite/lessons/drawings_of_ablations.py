"""Drawings of lesson 09: pairs, forests of differences, power, a harness that leaks.

Shapes: R seeds, P practices or points.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.lessons import recorded_ablations as records
from qlac_lite.reports import plots
from qlac_lite.utils.statistics import difference, gap_text, mean_interval

SINGLE, CHUNKS, GREY, DARK = "#D55E00", "#0072B2", "0.6", "0.15"
Drawn = tuple[Figure, str]
Interval = Sequence[float]


def two_methods(one: np.ndarray, other: np.ndarray, names: tuple[str, str], measure: str) -> Drawn:
    """Success of two methods (R,), a line a seed, and the mean of the second minus the first."""
    figure, (axes,) = plots.new_figure(1, width=4.6, height=3.4)
    for pair in zip(one, other, strict=True):
        axes.plot([0, 1], pair, color="0.8", linewidth=1, zorder=1)
    for x, values, colour in ((0, one, SINGLE), (1, other, CHUNKS)):
        axes.plot(np.full(len(values), x), values, "o", color=colour, markersize=5)
        mean, low, high = np.clip(mean_interval(values), 0, 100)
        side = x - 0.16 if x == 0 else x + 0.16
        axes.errorbar(side, mean, [[mean - low], [high - mean]], fmt="s", color=colour, capsize=4)
    gap = gap_text(difference(other, one))
    axes.set_title(f"{gap} points, {len(one)} seeds", fontsize=11)
    axes.set_xticks([0, 1], names)
    axes.set(xlim=(-0.5, 1.5), ylim=(-3, 103), ylabel=measure)
    means = f"{one.mean():.0f} and {other.mean():.0f}"
    return figure, f"{names[0]} and {names[1]}, means {means}; the second is ahead by {gap} points."


def forest(groups: Mapping[str, Mapping[str, Interval]], label: str, width: float = 4.6) -> Drawn:
    """Differences with their intervals, a panel for each group; grey where the interval holds 0."""
    most = max(map(len, groups.values()))
    figure, panels = plots.new_figure(len(groups), width=width, height=1.1 + 0.36 * most)
    said = []
    for axes, (title, rows) in zip(panels, groups.items(), strict=True):
        for place, (mean, low, high) in enumerate(rows.values()):
            shown = low > 0 or high < 0
            look = dict(color=CHUNKS if shown else GREY, markersize=7 if shown else 5)
            look |= dict(linewidth=2 if shown else 1.2, fmt="o" if shown else "s")
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], capsize=3, **look)
        axes.axvline(0, color="0.3", linewidth=1)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=label)
        axes.set_title(title, fontsize=10)
        ends = zip(rows, records.told(rows.values()), strict=True)
        said.append(f"{title}: " + "; ".join(f"{name} {text}" for name, text in ends))
    limits = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(limits[:, 0].min(), limits[:, 1].max())
    return figure, f"Differences with 95 % intervals. {'. '.join(said)}."


def power(chances: Mapping[float, np.ndarray], wanted: float) -> Drawn:
    """Invented experiments that see a difference (%), over 2, 3, ... seeds."""
    figure, (axes,) = plots.new_figure(1, width=6.4, height=3.3)
    for (gap, values), colour in zip(chances.items(), plots.shades(len(chances)), strict=True):
        seeds = np.arange(2, 2 + len(values))
        axes.plot(seeds, 100 * values, ".-", color=colour, label=f"{gap:g} points apart")
    axes.axhline(100 * wanted, color="0.3", linestyle=":", linewidth=1)
    axes.axvline(8, color="0.8", linewidth=6, zorder=0)
    axes.set(xlabel="seeds", ylabel="experiments that see it (%)", ylim=(-2, 104))
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title("grey: the eight seeds of our recordings", fontsize=10)
    told = "; ".join(f"{gap:g} points: {100 * values[6]:.0f} %" for gap, values in chances.items())
    return (
        figure,
        f"Share of experiments that see a difference, over the number of seeds. With eight, {told}.",
    )


def placebo(runs: Mapping[str, np.ndarray], names: tuple[str, str]) -> Drawn:
    """Curves of two settings (2, R, P) by harness, and the second minus the first."""
    figure, panels = plots.new_figure(len(runs), width=4.2, height=3.2)
    said = []
    for axes, (title, curves) in zip(panels, runs.items(), strict=True):
        looks = zip(names, curves, (SINGLE, CHUNKS), "-o", ("-", "--"), strict=True)
        for name, values, colour, _, line in looks:
            steps = np.arange(1, values.shape[1] + 1)
            plots.band(axes, steps, values, name, colour, "o", line, within=(0, 100))
        gap = records.apart(curves[1].mean(axis=1), curves[0].mean(axis=1))
        axes.set_title(f"{title}: {gap} points apart", fontsize=10)
        axes.set(xlabel="practices", ylim=(-3, 103))
        said.append(f"{title}: the second is {gap} points ahead over the curve")
    panels[0].set_ylabel("score")
    panels[-1].legend(fontsize=9, loc="lower right")
    return figure, f"Scores of two settings over practices. {'. '.join(said)}."


def by_length() -> Drawn:
    """Success against chunk length, without pushes and with, for both extractions."""
    figure, panels = plots.new_figure(2, width=4.2, height=3.3)
    said, ticks = [], records.lengths("qc")[0]
    for axes, (method, title) in zip(
        panels, (("qc-fql", "one-step policy"), ("qc", "best of 8")), strict=True
    ):
        for pushes, colour, line in ((False, CHUNKS, "-"), (True, SINGLE, "--")):
            found, values = records.lengths(method, pushes)
            keep = [h <= 25 for h in found]
            found, values = np.array(found)[keep], values[:, keep]
            label = "with pushes" if pushes else "no pushes"
            plots.band(axes, found, values, label, colour, "o", line, within=(0, 100))
            rates = ", ".join(
                f"{rate:.0f} at {h}" for h, rate in zip(found, values.mean(axis=0), strict=True)
            )
            said.append(f"{title}, {label}: {rates}")
        axes.set(xscale="log", xlabel="chunk length H (actions)", ylim=(-2, 62), title=title)
        axes.set_xticks(ticks, ticks)
        axes.minorticks_off()
        axes.title.set_fontsize(10)
    panels[0].set_ylabel("success over the curve (%)")
    panels[1].legend(fontsize=9)
    return figure, f"Success over the curve in percent against chunk length. {'; '.join(said)}."
