"""What an ablation says: a table and a figure, each variant beside its control, seed by seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.experiments.ablations import Variant
from qlac_lite.reports import plots
from qlac_lite.utils.files import Rows, markdown, write_text
from qlac_lite.utils.statistics import Interval, by_seed, difference, mean_interval, points_interval


class Measured(NamedTuple):
    """Success of a cell in %, each (R,), in the order of the seeds."""

    offline: np.ndarray  # at the last evaluation before the online phase; NaN without an offline phase
    end: np.ndarray  # at the last evaluation
    curve: np.ndarray  # mean of the online evaluations, or of all if there is none: less luck in it


def measured(rows: Rows, cell: str) -> Measured:
    """What the rows of an experiment say of a cell."""
    own = sorted((row for row in rows if row["cell"] == cell), key=lambda row: row["updates"])
    values = 100 * np.array(list(by_seed(own).values()))  # (R, P)
    online = np.array(sorted({row["updates"] for row in own})) > own[0]["offline"]
    before = values[:, ~online][:, -1] if not online.all() else np.full(len(values), np.nan)
    return Measured(before, values[:, -1], values[:, online if online.any() else ~online].mean(axis=1))


def report_ablation(rows: Rows, variants: Sequence[Variant], out: Path) -> str:
    """Writes report.md and report.png into `out`, and returns the report."""
    found = {v.name: measured(rows, v.name) for v in variants}
    apart = {
        v.name: difference(found[v.name].curve, found[v.control].curve)
        for v in variants
        if v.name != v.control
    }
    lines = []
    for v in variants:
        offline, end, curve = (points_interval(mean_interval(values)) for values in found[v.name])
        line = {"variant": v.name, "offline": offline, "at the end": end, "over the curve": curve}
        told = points_interval(apart[v.name], (-100, 100)) if v.name in apart else "-"
        lines.append(line | {"less its control, seed by seed": told, "control": v.control})
    seeds = len({row["seed"] for row in rows})
    report = (
        f"Success in %, {seeds} seeds of {rows[0]['episodes']:g} episodes an evaluation, 95 % t-intervals "
        "over seeds, cut at what is possible.\nOver the curve: the mean of all online evaluations. The "
        f"difference is taken seed by seed, over the curve.\n\n{markdown(lines)}\n"
    )
    figure = _draw(variants, {name: mean_interval(own.curve) for name, own in found.items()}, apart)
    figure.suptitle(f"{seeds} seeds, 95 % t-intervals", fontsize=9)
    plots.save(figure, out / "report.png")
    picture = "![Each variant's success over the curve, and its difference to its control](report.png)"
    write_text(out / "report.md", f"{report}\n{picture}\n")
    return report


def _draw(variants: Sequence[Variant], curves: dict[str, Interval], apart: dict[str, Interval]) -> Figure:
    figure, (left, right) = plots.new_figure(2, width=4.6, height=0.9 + 0.24 * len(variants))
    for axes, intervals, least in ((left, curves, 0), (right, apart, -100)):
        for place, v in enumerate(variants):
            if v.name in intervals:
                mean, low, high = np.clip(intervals[v.name], least, 100)
                colour, marker = plots.style(v.method)
                look = dict(color=colour, marker=marker, markersize=5, capsize=3)
                axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], **look)
        axes.set_yticks(range(len(variants)), [])
        axes.set_ylim(len(variants) - 0.5, -0.5)
    left.set_yticks(range(len(variants)), [v.name for v in variants], fontsize=8)
    right.axvline(0, color="0.4", linewidth=1)
    left.set(xlabel="success over the curve (%)", xlim=(-2, 102))
    right.set(xlabel="less its control, seed by seed (points)")
    return figure
