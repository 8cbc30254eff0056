"""Figures of lesson 02: values along the chain, learners' curves, beliefs beside returns. Each with its text.

Shapes: S states, R seeds, T steps.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.lessons import chain_walks as walks
from qlac_lite.lessons import looking_recorder, mdp
from qlac_lite.reports import plots

COLOURS = {"one-step": "#E69F00", "n-step": "#CC79A7", "chunk": "#0072B2"}  # throughout the course
LINES = {"one-step": "-", "n-step": "-", "chunk": (0, (4, 2))}  # dashed: one sees what is under it
LETTERS = {"chunk": "A", "n-step": "B", "one-step": "C"}
CREDITED, EARNED, BELIEVED = "#009E73", "0.2", "#D55E00"
TRUTH = dict(color="0.85", linewidth=6, zorder=0, label="true value")
Drawn = tuple[Figure, str]


def riddle(*counts: int) -> Drawn:
    """Values along the chain after some sweeps, the learners as letters."""
    text = (
        "Value along the chain after several sweeps, for three learners that are called A, B and C. A moves "
        "fast and lies on the true value, B moves fast and stays below it, C moves slowly along it."
    )
    return _along_the_chain(counts, LETTERS), text


def sweeps(*counts: int) -> Drawn:
    """The same, with the learners' names."""
    text = (
        "Value along the chain. News of the goal moves one state a sweep with one-step backups, five with "
        "chunks, which lie on the true value after eight sweeps. The n-step curve stays far below it."
    )
    return _along_the_chain(counts, {name: name for name in LETTERS}), text


def _along_the_chain(counts: Sequence[int], names: Mapping[str, str]) -> Figure:
    figure, panels = plots.new_figure(len(counts), width=10.4 / max(2, len(counts)), height=3.2)
    for axes, count in zip(panels, counts, strict=True):
        axes.plot(walks.TRUTH, **TRUTH)
        for learner, name in names.items():
            look = dict(color=COLOURS[learner], linestyle=LINES[learner], label=name)
            look["zorder"] = 3 if learner == "chunk" else 2
            axes.plot(walks.swept(learner, count), **look)
        axes.set(xlabel="state (the goal is 40)", ylim=(-35, 1), title=f"{count} sweep{'s' * (count > 1)}")
    panels[0].set_ylabel("value: largest Q of the state")
    panels[0].legend(fontsize=8, loc="upper left")
    return figure


def learning(
    by_iteration: Mapping[str, np.ndarray], by_update: Mapping[float, Mapping[str, np.ndarray]]
) -> Drawn:
    """Curves (R, iterations) of fitted learners, and (R, points) of TD learners by recorder."""
    figure, panels = plots.new_figure(3, width=4.3, height=3.4)
    titles = ["all data at once, recorder 70 %"]
    for learner, colour in COLOURS.items():
        look = dict(colour=colour, line=LINES[learner])
        curves = by_iteration[learner]
        plots.band(panels[0], 1 + np.arange(curves.shape[1]), curves, learner, **look)
        for axes, right in zip(panels[1:], by_update, strict=True):
            curves = by_update[right][learner]
            needed = walks.updates_needed(curves)
            label = f"{learner}: " + (f"{needed:.0f} updates" if np.isfinite(needed) else "never right")
            plots.band(axes, 20 * (1 + np.arange(curves.shape[1])), curves, label, **look)
    titles += [
        f"batches, recorder {100 * right:.0f} %\n(five rights in a row: {100 * right**5:.0f} %)"
        for right in by_update
    ]
    for axes, title in zip(panels, titles, strict=True):
        axes.axhline(walks.TRUTH[0], **TRUTH)
        axes.set(xlabel="updates", ylim=(-35, -20), title=title)
    panels[0].set(xlabel="iterations", ylabel="value at the start")
    for axes in panels:
        axes.legend(fontsize=8, loc="lower right")
    return figure, (
        "Value at the start, three panels. All data at once: chunks reach the truth after eight iterations, "
        "single steps after forty, n-step settles too low by twenty. Batches from the 70 percent recorder: "
        "one-step and chunk arrive together. From the 95 percent recorder: chunks arrive three times earlier."
    )


def bias(lines: Mapping[float, Sequence[float]], n_step: Mapping, chunk: Mapping) -> Drawn:
    """Value at the start against n: `lines` by recorder, at the lengths of `n_step`; learned values (R,) by
    length as dots."""
    figure, (axes,) = plots.new_figure(1, width=7)
    for (right, line), colour in zip(lines.items(), plots.shades(len(lines)), strict=True):
        axes.plot(list(n_step), line, color=colour, label=f"n-step in the end, recorder {100 * right:.0f} %")
    ends = [(n_step, "n-step, learned, 70 %", COLOURS["n-step"], "o")]
    ends += [(chunk, "chunk, learned, 70 %", COLOURS["chunk"], "D")]
    for values, label, colour, marker in ends:
        plots.points(axes, list(values), np.array(list(values.values())).T, label, colour, marker)
    axes.axhline(walks.TRUTH[0], **TRUTH)
    axes.set(xlabel="steps in the window", ylabel="value at the start", xticks=list(n_step))
    axes.set_title("only a perfect recorder leaves n steps right")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure, (
        "Learned value at the start against the steps in a window. For a perfect recorder n-step stays on "
        "the true value; for worse recorders it falls below it, the more steps the further. Learned chunks "
        "lie on the true value, but for those of 3 steps, which lie a little lower."
    )


def beside_returns(**tables: np.ndarray) -> Drawn:
    """For tables (S, 32) by title: what each believes at every distance, and what its greedy policy earns."""
    figure, panels = plots.new_figure(len(tables), width=4.0)
    distance = walks.LENGTH - np.arange(walks.LENGTH)
    for axes, (title, q) in zip(panels, tables.items(), strict=True):
        axes.plot(distance, q.max(axis=1)[:-1], color=COLOURS["chunk"], label="believed: largest Q")
        axes.plot(distance, walks.returns(q), ".", color=EARNED, label="earned by its greedy chunks")
        axes.axhline(walks.WORST, color=BELIEVED, linewidth=1, linestyle="--", label="paying for ever")
        axes.set(xlabel="distance to the goal (steps)", ylim=(-75, 3), xlim=(41, 0))
        axes.set_title(title.replace("_", " "))
    panels[0].set_ylabel("value")
    panels[0].legend(fontsize=8, loc="lower right")
    what = "; ".join(
        f"{title.replace('_', ' ')}: largest gap {np.abs(q.max(axis=1)[:-1] - walks.returns(q)).max():.1f}, "
        f"lowest belief {q.max(axis=1).min():.1f}"
        for title, q in tables.items()
    )
    return (
        figure,
        f"What critics believe and what their chunks earn, against the distance to the goal. {what}.",
    )


def arrivals(start: int, **tables: np.ndarray) -> Drawn:
    """Values of tables (S, 32) by label, and each greedy policy's path."""
    figure, (left, right) = plots.new_figure(2)
    distance = walks.LENGTH - np.arange(walks.LENGTH)
    left.plot(distance, walks.TRUTH[:-1], **TRUTH)
    told = []
    for (name, q), (colour, form) in zip(
        tables.items(), ((COLOURS["chunk"], "o-"), (CREDITED, "s--")), strict=False
    ):
        label = name.replace("_", " ")
        left.plot(distance, q.max(axis=1)[:-1], form[1:], color=colour, label=label)
        path = walks.greedy_walks(q, np.array([start]), 12).states[0]
        path = path[: np.argmax(path == walks.LENGTH) + 1]
        right.plot(path, form, color=colour, markersize=5, label=f"{label}: {len(path) - 1} steps")
        told.append(f"{label}: states {', '.join(map(str, path))}")
    left.set(xlabel="distance to the goal (steps)", ylabel="value", xlim=(41, 0), title="what is believed")
    left.legend(fontsize=8, loc="upper left")
    _chunk_marks(right, start)
    right.set_title(f"what is done, {walks.LENGTH - start} steps from the goal")
    right.legend(fontsize=8, loc="lower right")
    return figure, (
        "Left: value against distance. A critic that hears of arrivals at a chunk's last step only follows a "
        f"saw-tooth below the true value; the other lies on it. Right, the path of {'; '.join(told)}."
    )


def _chunk_marks(axes: Axes, start: int) -> None:
    """The goal, and the steps at which a new chunk begins."""
    axes.axhline(walks.LENGTH, color="0.85", linewidth=6, zorder=0)
    axes.text(6.5, walks.LENGTH + 0.25, "goal", color="0.4", fontsize=9)
    for step in (0, walks.H, 2 * walks.H):
        axes.axvline(step, color="0.6", linewidth=1, linestyle=":")
    axes.set(xlabel="step (dotted: a new chunk)", ylabel="state", xticks=range(0, 11, 2))
    axes.set(xlim=(-0.5, 10.5), ylim=(start - 5, walks.LENGTH + 1))


def looking(by_title: Mapping[str, np.ndarray]) -> Drawn:
    """The maze, and by recorder: belief and earnings (R, amounts, 2) against the recorded episodes."""
    figure, (maze, *panels) = plots.new_figure(1 + len(by_title), width=4.0)
    rows = looking_recorder.PICTURE.split()
    maze.imshow([[cell == "#" for cell in row] for row in rows], cmap="Greys", vmax=2)
    for i, j in mdp.grid(looking_recorder.PICTURE, 0.9)[1]:
        maze.text(j, i, rows[i][j].replace(".", ""), ha="center", va="center")
    maze.set(xticks=[], yticks=[], title="start S, goal G")
    amounts, best = looking_recorder.AMOUNTS, looking_recorder.best_open_loop()
    for axes, (title, both) in zip(panels, by_title.items(), strict=True):
        plots.band(axes, amounts, both[:, :, 0], "believed by the critic", BELIEVED, "o", "--")
        plots.band(axes, amounts, both[:, :, 1], "earned by its chunks", COLOURS["chunk"], "s")
        axes.axhline(best, color="0.3", linewidth=1, label="best that chunks can earn")
        axes.set(xlabel="recorded episodes", xscale="log", ylim=(-33, -8), title=title)
    panels[0].set_ylabel("value at the start")
    panels[0].legend(fontsize=8, loc="lower right")
    above = "; ".join(f"{title}: {both[:, -1, 0].mean() - best:.1f}" for title, both in by_title.items())
    return figure, (
        "A small maze, and for two recorders the value at the start against the number of recorded episodes. "
        "If the recorder looks at every step, belief stays above the best that chunks can earn, however much "
        "data there is. If it plans three moves at once, belief lies on it. Earnings come near in both. "
        f"Belief above the best, with the most episodes: {above}."
    )
