"""Differences of two ways, seed by seed, with their 95 % intervals: one as text, many as a table."""

from collections.abc import Mapping

import numpy as np

from qlac_lite.utils.statistics import difference

Pair = tuple[np.ndarray, np.ndarray]  # one and the other, by seed, both (R,)


def apart(one: np.ndarray, other: np.ndarray, form: str = ".0f") -> str:
    """'4 [3, 5]': mean and 95 % interval of one - other, seed by seed, both (R,)."""
    mean, low, high = difference(one, other)
    return f"{mean:z{form}} [{low:z{form}}, {high:z{form}}]"


def table(title: str, rows: Mapping[str, Mapping[str, Pair]], form: str = ".0f") -> str:
    """One row for each name, one column for each condition: {row: {column: (one, other)}}.

    A star stands where the interval does not hold 0. Two ways that are the same give a bare 0; a row may
    lack columns.
    """
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [[_cell(row.get(column), form) for column in columns] for row in rows.values()]
    first = max(map(len, [title, *rows]))
    wide = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = zip([title, *rows], [columns, *cells], strict=True)
    line = lambda name, texts: "  ".join([f"{name:{first}}", *(f"{t:{w}}" for t, w in zip(texts, wide))])  # noqa: B905
    return "\n".join(line(*each).rstrip() for each in lines)


def _cell(pair: Pair | None, form: str) -> str:
    if pair is None:
        return ""
    if np.array_equal(*pair):
        return "0"
    _, low, high = difference(*pair)
    return apart(*pair, form) + "*" * bool(low > 0 or high < 0)
