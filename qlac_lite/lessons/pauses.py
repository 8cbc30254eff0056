"""The smallest world in which chunks pay: walks with a pause, clones of them, and drawings of both.

Cells 0, 1, 2, ... in a row. A move is 0 (wait) or 1 (step to the next cell). The goal is cell 10.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.lessons.checks.lesson00 import GOAL, walk_clone
from qlac_lite.reports.plots import new_figure
from qlac_lite.utils.statistics import proportion_interval

PAUSE_CELL = 5
HEALTHY, BROKEN, WALK = "#0072B2", "#D55E00", "0.5"
Fit = Callable[[Sequence[np.ndarray], int], np.ndarray]  # walks, chunk length -> table (GOAL, H)
Walk = Callable[[np.ndarray, int], np.ndarray]  # table, most steps -> cells visited


def demonstrations(seed: int, count: int = 20, shortest: int = 3, longest: int = 8) -> list[np.ndarray]:
    """The moves (T,) of `count` walks: 5 steps, a pause at cell 5 of `shortest` to `longest` moves, 15 steps.

    They go on to cell 20, past the goal, so that each chunk of up to 10 moves from cells 0 to 9 is whole.
    """
    pauses = np.random.default_rng(seed).integers(shortest, longest + 1, size=count)
    ones = np.ones(PAUSE_CELL, int)
    return [np.concatenate([ones, np.zeros(pause, int), np.ones(15, int)]) for pause in pauses]


def broken_walk(table: np.ndarray, patience: int) -> np.ndarray:
    """The cells that a clone visits, until it is at cell 10 or has made `patience` moves."""
    cells = [0]
    while cells[-1] < GOAL and len(cells) <= patience:
        plan = list(table[cells[-1]])  # the chunk for the cell where it is
        move = plan.pop(0)  # the next move of the plan
        cells.append(cells[-1] + move)
    return np.array(cells)


def arrivals(fit: Fit, walk: Walk, length: int, sets: Sequence[int], patience: int = 60, **habits) -> float:
    """The percentage of clones that reach the goal, one clone for each set of `demonstrations(**habits)`."""
    reached = [np.max(walk(fit(demonstrations(s, **habits), length), patience)) >= GOAL for s in sets]
    return 100 * float(np.mean(reached))


def draw_walks(seed: int = 0, count: int = 6) -> tuple[Figure, str]:
    """Some demonstrations as cells over time; with the figure's alt text."""
    figure, (axes,) = new_figure(1, width=6.4, height=3.0)
    for number, moves in enumerate(demonstrations(seed, count)):
        cells = np.concatenate([[0], np.cumsum(moves)])
        axes.plot(cells[cells <= GOAL] + 0.09 * (number - count / 2), color=WALK, linewidth=1.2)
    axes.axhline(PAUSE_CELL, color="0.3", linewidth=0.8, linestyle=":")
    axes.text(0.1, PAUSE_CELL + 0.4, "the pause", color="0.3", fontsize=9)
    axes.axhline(GOAL, color="0.3", linewidth=0.8, linestyle=":")
    axes.text(0.1, GOAL - 0.75, "the goal", color="0.3", fontsize=9)
    axes.set(xlabel="time (steps)", ylabel="cell", ylim=(-0.5, GOAL + 0.5), xticks=range(0, 20, 5))
    axes.set_title(
        f"{count} demonstrations: all pause at cell {PAUSE_CELL}, each for its own time", fontsize=10
    )
    return figure, f"{count} walks from cell 0 to cell 10 over time; each rests at cell 5 for 3 to 8 steps."


def draw_arrivals(fit: Fit, walks: dict[str, Walk], sets: int = 100, length: int = 7) -> tuple[Figure, str]:
    """Clones that arrive, by chunk length from 1 to 10, and one clone's walk; with the figure's alt text.

    Args:
        walks: label -> how a clone walks; the first is drawn in blue, a second in orange.
        length: the chunk length of the walk on the right.
    """
    figure, (left, right) = new_figure(2, width=4.4, height=3.2)
    lengths, told = np.arange(1, 11), []
    for (label, walk), colour, marker in zip(walks.items(), (HEALTHY, BROKEN), "os", strict=False):
        share = np.array([arrivals(fit, walk, h, range(sets)) for h in lengths])
        low, high = 100 * np.array([proportion_interval(round(s * sets / 100), sets) for s in share]).T
        bars = [share - low, high - share]
        look = dict(color=colour, marker=marker, markersize=5)
        left.errorbar(lengths, share, np.maximum(bars, 0), capsize=2, label=label, **look)
        cells = walk(fit(demonstrations(0), length), 60)
        right.plot(cells, label=label, **(look | dict(markersize=3)))
        told.append(f"{label}: {', '.join(f'{s:.0f}' for s in share)}")
    left.set(xlabel="chunk length H (steps)", ylabel="clones that arrive (%)", ylim=(-4, 104), xticks=lengths)
    left.set_title(f"{sets} clones per point, with 95 % intervals", fontsize=10)
    right.axhline(GOAL, color="0.3", linewidth=0.8, linestyle=":")
    right.set(xlabel="time (steps)", ylabel="cell", ylim=(-0.4, GOAL + 0.4), xlim=(-1, 61))
    right.set_title(f"one clone with chunks of {length}", fontsize=10)
    if len(walks) > 1:
        right.legend(fontsize=8, loc="lower right")
    return figure, f"Clones that arrive, in percent, for chunk lengths 1 to 10. {'; '.join(told)}."


def draw_hunt(fit: Fit) -> tuple[Figure, str]:
    """`draw_arrivals` of a right program and of one that somebody rewrote; their labels do not tell why."""
    return draw_arrivals(fit, {"before": walk_clone, "rewritten": broken_walk})


def draw_rivals(seed: int = 0, lengths: Sequence[int] = range(1, 11)) -> tuple[Figure, str]:
    """How often chunks occur at the pause, in 20 demonstrations: only waits; and 3 waits, then steps.

    Chunks of fewer waits, then steps, occur as often as that of 3: every pause lasts 3 steps or more.
    """
    counts = {"the chunk of H waits": [], "each chunk of at most 3 waits, then steps": []}
    for h in lengths:
        wait, go = np.zeros(h, int), (np.arange(h) >= min(3, h - 1)).astype(int)
        chunks = [
            m[t : t + h] for m in demonstrations(seed) for t in range(len(m)) if m[:t].sum() == PAUSE_CELL
        ]
        chunks = [chunk for chunk in chunks if len(chunk) == h]
        for label, chunk in zip(counts, (wait, go), strict=True):
            counts[label].append(sum(np.array_equal(chunk, c) for c in chunks))
    figure, (axes,) = new_figure(1, width=5.6, height=3.2)
    for (label, values), colour, marker in zip(counts.items(), ("0.45", HEALTHY), "so", strict=True):
        axes.plot(lengths, values, color=colour, marker=marker, label=label)
    axes.set(xlabel="chunk length H (steps)", ylabel="times in 20 demonstrations", xticks=list(lengths))
    axes.set_title("chunks that begin at cell 5: the clone takes the most frequent one", fontsize=10)
    axes.legend(fontsize=9)
    told = "; ".join(f"{label}: {', '.join(map(str, values))}" for label, values in counts.items())
    return figure, f"Counts at the pause for chunk lengths 1 to 10. {told}."
