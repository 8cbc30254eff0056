"""What an ablation says: a table and a figure, each variant beside its control, seed by seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.experiments.ablations import Variant
from qlac_lite.reports import plots
from qlac_lite.utils.files import Rows, markdown, write_text
from qlac_lite.utils.statistics import by_seed, difference, mean_interval, points_interval


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


def table(rows: Rows, variants: Sequence[Variant]) -> str:
    """In Markdown each variant, and over the curve its difference to its control."""
    heads = "variant", "offline", "at the end", "over the curve", "less its control, seed by seed", "control"
    lines = []
    for v in variants:
        own, control = measured(rows, v.name), measured(rows, v.control)
        apart = points_interval(difference(own.curve, control.curve), (-100, 100))
        cells = [points_interval(mean_interval(values)) for values in own]
        values = v.name, *cells, "-" if v.name == v.control else apart, v.control
        lines.append(dict(zip(heads, values, strict=True)))
    return markdown(lines)


def draw(rows: Rows, variants: Sequence[Variant]) -> Figure:
    """Success over the curve of each variant, and beside it the difference to its control."""
    figure, (left, right) = plots.new_figure(2, width=4.6, height=0.9 + 0.24 * len(variants))
    for place, v in enumerate(variants):
        own, control = measured(rows, v.name).curve, measured(rows, v.control).curve
        colour, marker = plots.style(v.method)
        parts = [(left, mean_interval(own), 0)]
        parts += [(right, difference(own, control), -100)] * (v.name != v.control)
        for axes, (mean, *ends), least in parts:
            low, high = np.clip(ends, least, 100)
            look = dict(color=colour, marker=marker, markersize=5, capsize=3)
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], **look)
    for axes, names in ((left, [v.name for v in variants]), (right, [])):
        axes.set_yticks(range(len(variants)), names, fontsize=8)
        axes.set_ylim(len(variants) - 0.5, -0.5)
    right.axvline(0, color="0.4", linewidth=1)
    left.set(xlabel="success over the curve (%)", xlim=(-2, 102))
    right.set(xlabel="less its control, seed by seed (points)")
    seeds = len({row["seed"] for row in rows})
    figure.suptitle(f"{seeds} seeds, 95 % t-intervals", fontsize=9)
    return figure


def report_ablation(rows: Rows, variants: Sequence[Variant], out: Path) -> str:
    """Writes report.md and report.png into `out`, and returns the report."""
    seeds = len({row["seed"] for row in rows})
    report = (
        f"Success in %, {seeds} seeds of {rows[0]['episodes']:g} episodes an evaluation, 95 % t-intervals "
        "over seeds, cut at what is possible.\nOver the curve: the mean of all online evaluations. The "
        f"difference is taken seed by seed, over the curve.\n\n{table(rows, variants)}\n"
    )
    plots.save(draw(rows, variants), out / "report.png")
    picture = "![Each variant's success over the curve, and its difference to its control](report.png)"
    write_text(out / "report.md", f"{report}\n{picture}\n")
    return report
