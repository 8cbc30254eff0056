"""Drawings of lesson 05: paths of explorers, what is measured of them, and what their data teach.

Shapes: R seeds, E episodes, T steps.
"""

import functools
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.envs import lite_world
from qlac_lite.experiments.runner import recorded
from qlac_lite.lessons.differences import apart as apart
from qlac_lite.lessons.explorers import WORLD, Played
from qlac_lite.reports import plots

SINGLE, CHUNK, MIXED, HELD, FIRST = "#E69F00", "#0072B2", "#D55E00", "#CC79A7", "#009E73"
LOOKS = {  # colour and marker
    "single steps": (SINGLE, "s"),
    "whole chunks": (CHUNK, "o"),
    "mixed chunks": (MIXED, "X"),
    "random, held": ("0.45", "D"),
    "first action only": (FIRST, "v"),
    "first action, held": (HELD, "D"),
}
CURVE = "#56B4E9"  # the colour of means over a learning curve
SETS = {  # what is learned from: colour and marker
    "D": ("0.5", "o"),
    "D+P": ("0.7", "p"),
    "D+D1": (SINGLE, "s"),
    "D+D5": (CHUNK, "D"),
    "D+M1": (SINGLE, "v"),
    "D+M5": (CHUNK, "^"),
}
TITLES = {"fql": "FQL", "qc-fql": "QC-FQL", "bfn": "BFN", "qc": "QC"}  # learners
PAIRS = (("fql", "FQL", "QC-FQL"), ("bfn", "BFN", "QC"))  # one of the learners, who made its D1, its D5
CONTRASTS = {  # mean of the first sets minus mean of the second
    "collected data minus none": (("D+D1", "D+D5"), ("D",)),
    "collected data minus as much play": (("D+D1", "D+D5"), ("D+P",)),
    "D5 minus D1": (("D+D5",), ("D+D1",)),
    "D5 minus D1, matched": (("D+M5",), ("D+M1",)),
}
Drawn = tuple[Figure, str]


def two_paths(one: Played, other: Played, steps: int = 40, lot: int = 1) -> Drawn:
    """The first steps of two grippers from one start, in an episode that is typical of their difference.

    Args:
        lot: a seed, which decides which of the two is drawn as A.
    """
    a, b = (one, other) if np.random.default_rng(lot).random() < 0.5 else (other, one)
    far = lambda places: np.linalg.norm(places[:, :, 5:steps] - places[:, :, : steps - 5], axis=-1)
    lead = (far(b.places) - far(a.places)).mean(axis=-1)  # (R, E)
    typical = np.abs(lead - np.median(lead)).argmin()
    paths = [each.places.reshape(-1, *each.places.shape[2:])[typical, : steps + 1] for each in (a, b)]
    low, high = (end(np.concatenate(paths), axis=0) for end in (np.min, np.max))
    middle, half = (low + high) / 2, 0.55 * (high - low).max() + 0.03
    figure, panels = plots.new_figure(2, width=3.6, height=3.6)
    for axes, name, path in zip(panels, "AB", paths, strict=True):
        lite_world.draw_world(axes, WORLD)
        axes.plot(*path.T, color="0.35", linewidth=1, marker=".", markersize=5)
        axes.plot(*path[0], "o", color="black", markersize=8)
        axes.plot(*path[-1], "o", color="black", markersize=8, fillstyle="none")
        axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
        axes.set_title(f"gripper {name}", fontsize=10)
    straight, turning = "AB" if lead.mean() < 0 else "BA"
    return figure, (
        f"Two paths of a gripper, {steps} steps each, from the same start. "
        f"{turning} turns again and again; {straight} runs in straight strokes."
    )


def distances(curves: Mapping[str, np.ndarray]) -> Drawn:
    """Mean distance of places against the steps between them: {name: (R, steps)}."""
    figure, (axes,) = plots.new_figure(1, width=5.4, height=3.3)
    for name, values in curves.items():
        colour, marker = LOOKS[name]
        plots.band(axes, np.arange(1, values.shape[1] + 1), values, name, colour, marker)
    axes.set(xlabel="steps between two records", ylabel="mean distance", ylim=(0, None))
    axes.set_xticks(range(0, values.shape[1] + 1, 5))
    axes.legend(fontsize=8)
    ends = ", ".join(f"{name} {values[:, 4].mean():.3f}" for name, values in curves.items())
    return figure, (
        f"Mean distance against the steps between two records, up to {values.shape[1]}; at 5: {ends}."
    )


def explorers(found: Mapping[str, Mapping[str, np.ndarray]]) -> Drawn:
    """Measures of explorers by seed: {what: {name: (R,)}}."""
    figure, panels = plots.new_figure(len(found), width=3.5, height=3.0)
    told = []
    for axes, (what, each) in zip(panels, found.items(), strict=True):
        for at, (name, values) in enumerate(each.items()):
            _seeds(axes, at, values, name)
        axes.set_xticks(range(len(each)), [name.replace(" ", "\n", 1) for name in each], fontsize=8)
        axes.set(xlim=(-0.5, len(each) - 0.5))
        axes.set_ylim(bottom=0)
        axes.set_title(what, fontsize=10)
        told.append(f"{what}: " + ", ".join(f"{name} {values.mean():.3g}" for name, values in each.items()))
    return figure, "; ".join(told) + "."


def _seeds(axes: Axes, at: int, values: np.ndarray, name: str, within=(0, np.inf)) -> None:
    """A dot for each seed, and their mean with its interval."""
    _dots(axes, at, values, *LOOKS[name], within)


def _dots(
    axes: Axes, at, values: np.ndarray, colour: str, marker: str, within=plots.UNCUT, width=0.2
) -> None:
    """`_seeds` in a look of its own."""
    axes.plot(np.linspace(at - 0.1 - width, at - 0.1, len(values)), values, ".", color=colour, alpha=0.45)
    plots.points(axes, np.array([at + 0.1]), values[:, None], "", colour, marker, within)


def coherency_and_success(found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Drawn:
    """Success against coherency, and both of them minus those of the first one: {name: ((R,), (R,))}."""
    figure, (left, *others) = plots.new_figure(3, width=3.7, height=3.3)
    first, *names = found
    told = []
    for name, values in found.items():
        (colour, marker), (x, y) = LOOKS[name], np.mean(values, axis=1)
        left.plot(*values, ".", color=colour, alpha=0.45)
        left.plot(x, y, marker, color=colour, markersize=8, label=name)
        told.append(f"{name} {x:.3f} and {y:.0f} percent")
    left.set(xlabel="coherency (all pairs)", ylabel="episodes solved (%)", ylim=(0, None))
    left.legend(fontsize=8)
    for axes, which, unit in zip(others, (0, 1), ("coherency (all pairs)", "solved (points)"), strict=True):
        for at, name in enumerate(names):
            _seeds(axes, at, found[name][which] - found[first][which], name, plots.UNCUT)
        axes.axhline(0, color="0.3", linestyle=":")
        axes.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names], fontsize=8)
        axes.set(ylabel=unit, xlim=(-0.5, len(names) - 0.5))
        axes.set_title(f"minus {first}, seed by seed", fontsize=10)
    return figure, f"Coherency and success of ways to act with the same networks: {'; '.join(told)}."


@functools.cache
def _rows() -> list[dict]:
    return recorded("exploration")[0]


def _taught(method: str, data: str, what: str = "success", curve: bool = False) -> np.ndarray:
    """A column of each recorded seed of a learner at the last evaluation, or its mean over all, (R,)."""
    cell = [row for row in _rows() if (row["method"], row["data"]) == (method, data)]
    last = max(row["updates"] for row in cell)
    found = {}
    for row in cell:
        if curve or row["updates"] == last:
            found.setdefault(int(row["seed"]), []).append(float(row[what]))
    return np.array([np.mean(found[seed]) for seed in sorted(found)])


def _recorded_sets() -> list[str]:
    there = {row["data"] for row in _rows()}
    return [name for name in SETS if name in there]


def gains(curve: bool = False) -> dict[str, np.ndarray]:
    """The recorded contrasts in points, mean over the four learners: {contrast: (R,)}.

    Args:
        curve: of the mean over all evaluations; else of the last one.
    """
    there = _recorded_sets()
    taught = lambda name: [100 * _taught(method, name, curve=curve) for method in TITLES]
    mean = lambda names: np.mean([values for name in names for values in taught(name)], axis=0)
    return {
        what: mean(more) - mean(less)
        for what, (more, less) in CONTRASTS.items()
        if not {*more, *less} - {*there}
    }


def collected(what: str = "coherency") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of the collections D1 and D5 of each pair of collectors: {"QC minus BFN": ((R,), (R,))}, D5's first;
    "solved" in %.
    """
    columns = {"coherency": ("collected_coherency", 1), "solved": ("collected_success", 100)}
    column, scale = columns[what]
    return {
        f"{five} minus {one}": tuple(scale * _taught(method, data, column) for data in ("D+D5", "D+D1"))
        for method, one, five in PAIRS
    }


def collections() -> Drawn:
    """Who collected how coherently; what four learners make of it; the contrasts over learners,
    at the end and over the curve."""
    figure, (left, middle, right) = plots.new_figure(3, width=4.4, height=3.7)
    ticks = {}
    for start, (pair, values) in zip((0, 2.6), collected().items(), strict=True):
        made = zip(pair.split(" minus ")[::-1], values[::-1], ("D+D1", "D+D5"), strict=True)
        for i, (collector, each, kind) in enumerate(made):
            at = start + i
            _dots(left, at, each, *SETS[kind])
            ticks[at] = f"{kind[2:]}\n{collector}"
    left.set_xticks(list(ticks), ticks.values(), fontsize=8)
    left.set(ylabel="coherency (all pairs)", ylim=(0, None), xlim=(-0.6, max(ticks) + 0.5))
    for i, name in enumerate([name for name in _recorded_sets() if "M" not in name]):
        colour, marker = SETS[name]
        for at, method in enumerate(TITLES):
            values = 100 * _taught(method, name)
            middle.plot(np.full(len(values), at + 0.2 * i - 0.4), values, ".", color=colour, alpha=0.6)
            label = name if at == 0 else "_"
            middle.plot(at + 0.2 * i - 0.32, values.mean(), marker, color=colour, markersize=7, label=label)
    middle.set_xticks(range(len(TITLES)), TITLES.values(), fontsize=8)
    middle.set(ylabel="solved at the end (%)", ylim=(-3, 103))
    middle.legend(
        fontsize=8,
        ncols=4,
        columnspacing=0.8,
        handletextpad=0.1,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )
    for curve, colour, marker, label in (
        (False, "0.2", "o", "at the end"),
        (True, CURVE, "d", "over the curve"),
    ):
        for at, values in enumerate(gains(curve).values()):
            _dots(right, at + 0.35 * curve - 0.1, values, colour, marker, width=0.08)
        right.plot([], [], marker, color=colour, label=label)
    right.legend(fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    right.axhline(0, color="0.3", linestyle=":")
    names = [textwrap.fill(what, 9) for what in gains()]
    right.set_xticks(range(len(names)), names, fontsize=8)
    right.set(ylabel="difference (points)", xlim=(-0.6, len(gains()) - 0.4))
    ends = zip(gains(), *(gains(curve).values() for curve in (False, True)), strict=True)
    told = ", ".join(f"{what} {end.mean():.0f} and {over.mean():.0f}" for what, end, over in ends)
    return figure, (
        "Left, coherency of four collections. Middle, success of four learners by what they learned from. "
        f"Right, differences in points, at the end and over the curve: {told}."
    )
