"""Numbers as text: intervals in percent and in points, rows as a table in Markdown."""

from typing import Any

import numpy as np

from qlac_lite.utils.statistics import Interval


def percent_interval(interval: Interval) -> str:
    """40% [18%, 68%]."""
    return "{:.0%} [{:.0%}, {:.0%}]".format(*interval)


def markdown(rows: list[dict[str, Any]]) -> list[str]:
    """Rows with the same keys as the lines of a table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    return lines + ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]


def points_interval(
    values: tuple[float, float, float], ends: tuple[float, float] = (0, 100), form: str = ".0f"
) -> str:
    """A mean and its interval, cut at what is possible: '40 [18, 68]'; one seed has a mean only."""
    mean, low, high = values
    if np.isnan(low) and np.isfinite(mean):
        return f"{mean:{form}}"
    return (
        f"{mean:{form}} [{max(low, ends[0]):{form}}, {min(high, ends[1]):{form}}]"
        if np.isfinite(mean)
        else "-"
    )
