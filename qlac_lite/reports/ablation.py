"""What an ablation says: a table and a figure, each variant beside its control, seed by seed.

offline          success at the last evaluation before the online phase
at the end       success at the last evaluation
over the curve   mean of the online evaluations, or of all if there is no online phase: less luck in it
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.experiments.ablations import Variant
from qlac_lite.reports import plots
from qlac_lite.reports.tables import points_interval
from qlac_lite.utils import statistics
from qlac_lite.utils.files import atomic

Rows = Sequence[dict[str, Any]]


class Measured(NamedTuple):
    """Of one cell, success in % of each of R seeds, in the order of the seeds."""

    offline: np.ndarray  # (R,)
    end: np.ndarray  # (R,)
    curve: np.ndarray  # (R,)


def measured(rows: Rows, cell: str) -> Measured:
    """What the rows of `run_experiment` or `ablate` say of a cell.
    NaN offline where there was no offline phase."""
    own = [row for row in rows if row["cell"] == cell]
    seeds, steps = (sorted({row[key] for row in own}) for key in ("seed", "updates"))
    table = {(row["seed"], row["updates"]): 100 * row["success"] for row in own}
    values = np.array([[table[seed, step] for step in steps] for seed in seeds])  # (R, P)
    online = np.array(steps) > own[0]["offline"]
    before = values[:, ~online][:, -1] if not online.all() else np.full(len(seeds), np.nan)
    return Measured(before, values[:, -1], values[:, online if online.any() else ~online].mean(axis=1))


def table(rows: Rows, variants: Sequence[Variant]) -> list[str]:
    """Lines of Markdown: each variant, and its difference to its control over the curve."""
    lines = [
        "| variant | offline | at the end | over the curve | less its control, seed by seed | control |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for v in variants:
        own, control = measured(rows, v.name), measured(rows, v.control)
        cells = [points_interval(statistics.difference(values, 0 * values)) for values in own]
        apart = (
            "-"
            if v.name == v.control
            else points_interval(statistics.difference(own.curve, control.curve), (-100, 100))
        )
        lines.append(f"| {v.name} | {' | '.join(cells)} | {apart} | {v.control} |")
    return lines


def draw(rows: Rows, variants: Sequence[Variant]) -> Figure:
    """Success over the curve of each variant, and beside it the difference to its control."""
    figure, (left, right) = plots.new_figure(2, width=4.6, height=0.9 + 0.24 * len(variants))
    for place, v in enumerate(variants):
        own, control = measured(rows, v.name), measured(rows, v.control)
        colour, marker = plots.STYLES[v.method]
        for axes, (mean, low, high), ends in (
            (left, statistics.difference(own.curve, 0 * own.curve), (0, 100)),
            (right, statistics.difference(own.curve, control.curve), (-100, 100)),
        ):
            if axes is left or v.name != v.control:
                low, high = np.clip((low, high), *ends)
                axes.errorbar(
                    mean,
                    place,
                    xerr=[[mean - low], [high - mean]],
                    color=colour,
                    marker=marker,
                    markersize=5,
                    capsize=3,
                )
    left.set_yticks(range(len(variants)), [v.name for v in variants], fontsize=8)
    right.set_yticks(range(len(variants)), [])
    right.axvline(0, color="0.4", linewidth=1)
    for axes in (left, right):
        axes.set_ylim(len(variants) - 0.5, -0.5)
    left.set(xlabel="success over the curve (%)", xlim=(-2, 102))
    right.set(xlabel="less its control, seed by seed (points)")
    seeds = len({row["seed"] for row in rows})
    figure.suptitle(f"{seeds} seeds, 95 % t-intervals", fontsize=9)
    return figure


def report_ablation(rows: Rows, variants: Sequence[Variant], out: Path) -> str:
    """Writes report.md and report.png into `out`, and returns the report."""
    seeds = len({row["seed"] for row in rows})
    about = (
        f"Success in %, {seeds} seeds of {rows[0]['episodes']:g} episodes an evaluation, "
        "95 % t-intervals over seeds, cut at what is possible."
    )
    lines = [
        about,
        (
            "Over the curve: the mean of all online evaluations. "
            "The difference is taken seed by seed, over the curve."
        ),
        "",
        *table(rows, variants),
        "",
    ]
    plots.save(draw(rows, variants), out / "report.png")
    picture = "![Each variant's success over the curve, and its difference to its control](report.png)"
    with atomic(out / "report.md") as file:
        file.write("\n".join([*lines, picture, ""]).encode())
    return "\n".join(lines)
