"""Checks of lesson 05, exploration.

Shapes: E episodes, T steps, D size of a place, H chunk, A action size, N candidates.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

# 1. Coherency


def coherency(positions: np.ndarray, every: int = 5) -> float:
    """Mean distance between the places (E, T + 1, D) of an episode that are `every` steps apart,
    from step 0 on.
    """
    places = positions[:, ::every]
    moves = np.diff(places, axis=1)  # (E, T // every, D)
    distances = np.linalg.norm(moves, axis=-1)
    return distances.mean()


def _coherency_cases(rng):
    paths = lambda *shape: np.cumsum(rng.normal(size=shape) * 0.3, axis=1)
    straight = np.arange(11)[:, None] * np.array([[[0.03, -0.04]], [[0.06, 0.08]]])
    turns = np.outer([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 2, 4, 6, 8, 10], [0.3, 0.4])
    return [
        Case(
            "two straight lines, at speeds of 0.05 and 0.1, 10 steps",
            (straight, 5),
            "Take every 5th place, positions[:, ::5]; the distances between neighbours of these; their mean.",
        ),
        Case(
            "three episodes of 15 steps on a line, forth, back and forth",
            (np.stack([turns, turns[::-1] + 1.0, 0.5 * turns]), 5),
            "positions[:, ::every], np.diff over axis 1, np.linalg.norm over the last axis, mean.",
        ),
        Case(
            "three episodes of 20 steps in space",
            (paths(3, 21, 3), 5),
            "Axis 0 is the episode, axis 1 the time, the last one x, y, z. The norm goes over the last.",
        ),
        Case(
            "four episodes of 24 steps: the last 4 are no whole interval",
            (paths(4, 25, 2), 5),
            "The intervals are 0-5, 5-10, 10-15, 15-20; what is left over does not count.",
        ),
        Case(
            "five episodes of 22 steps, a place every 3",
            (paths(5, 23, 2), 3),
            "`every` is an argument: positions[:, ::every].",
        ),
    ]


def _coherency_by_loop(positions, every):
    distances = []
    for episode in positions:
        for t in range(0, len(episode) - every, every):
            distances.append(np.sqrt(sum((episode[t + every] - episode[t]) ** 2)))
    return sum(distances) / len(distances)


_coherency_misconceptions = [
    Misconception(
        "The distances are summed, not averaged.",
        "The mean over all intervals of all episodes.",
        edited(coherency, {"distances.mean()": "distances.sum()"}),
    ),
    Misconception(
        "The distances are summed within an episode, and averaged over episodes.",
        "The mean over all intervals of all episodes.",
        edited(coherency, {"distances.mean()": "distances.sum(axis=1).mean()"}),
    ),
    Misconception(
        "The squared distance: the root is missing.",
        "np.linalg.norm, or the root of the sum of squares.",
        edited(coherency, {"distances.mean()": "(distances**2).mean()"}),
    ),
    Misconception(
        "The root is taken at the end: a root mean square.",
        "First the root of each interval, then the mean.",
        edited(coherency, {"distances.mean()": "np.sqrt((distances**2).mean())"}),
    ),
    Misconception(
        "The intervals overlap: there is one from every step on.",
        "The places are recorded every 5 steps: 0-5, 5-10, ...; positions[:, ::every].",
        edited(coherency, {"np.diff(places, axis=1)": "positions[:, every:] - positions[:, :-every]"}),
    ),
    Misconception(
        "The way is measured, not the distance: the lengths of the single steps are added up.",
        "How far the place is after 5 steps, whatever the way there.",
        edited(
            coherency,
            {
                "::every": ": (positions.shape[1] - 1) // every * every + 1",
                "distances.mean()": "every * distances.mean()",
            },
        ),
    ),
    Misconception(
        "The distance of one step: every is not used.",
        "Places that are `every` steps apart: positions[:, ::every].",
        edited(coherency, {"[:, ::every]": ""}),
    ),
    Misconception(
        "every is always 5.",
        "Use the argument: positions[:, ::every].",
        edited(coherency, {"::every": "::5"}),
    ),
    Misconception(
        "One step more lies between two places.",
        "positions[:, ::every]: 0, every, 2 * every, ...",
        edited(coherency, {"::every": ":: every + 1"}),
    ),
    Misconception(
        "One step less lies between two places.",
        "positions[:, ::every]: 0, every, 2 * every, ...",
        edited(coherency, {"::every": ":: every - 1"}),
    ),
    Misconception(
        "The first interval is missing: the start does not count.",
        "Begin with step 0: positions[:, ::every].",
        edited(coherency, {"::every": "every::every"}),
    ),
    Misconception(
        "The last interval is missing.",
        "A range that ends too early: there are T // every intervals.",
        edited(coherency, {"distances.mean()": "distances[:, :-1].mean()"}),
    ),
    Misconception(
        "The places are counted from the end of the episode.",
        "Begin with step 0: positions[:, ::every].",
        edited(coherency, {"::every": "::-every"}),
    ),
    Misconception(
        "Every place is compared with the start.",
        "Each one with the one before: np.diff.",
        edited(coherency, {"np.diff(places, axis=1)": "places[:, 1:] - places[:, :1]"}),
    ),
    Misconception(
        "Only start and end are compared.",
        "The mean over all intervals.",
        edited(coherency, {"np.diff(places, axis=1)": "places[:, -1] - places[:, 0]"}),
    ),
    Misconception(
        "The distance is divided by the steps: a speed.",
        "The distance itself.",
        edited(coherency, {"distances.mean()": "distances.mean() / every"}),
    ),
    Misconception(
        "The coordinates' distances are added (L1).",
        "The straight distance (L2): np.linalg.norm.",
        edited(coherency, {"np.linalg.norm(moves, axis=-1)": "np.abs(moves).sum(axis=-1)"}),
    ),
    Misconception(
        "The mean over the coordinates, not the length of the move.",
        "np.linalg.norm over the last axis.",
        edited(coherency, {"np.linalg.norm(moves, axis=-1)": "np.abs(moves)"}),
    ),
    Misconception(
        "The largest coordinate is the distance.",
        "np.linalg.norm over the last axis.",
        edited(coherency, {"np.linalg.norm(moves, axis=-1)": "np.abs(moves).max(axis=-1)"}),
    ),
    Misconception(
        "The moves are averaged before their length is taken: forth and back cancel.",
        "First the length of each interval, then the mean.",
        edited(coherency, {"norm(moves": "norm(moves.mean(axis=1)"}),
    ),
    Misconception(
        "The norm runs over the time.",
        "The last axis holds the coordinates: axis=-1.",
        edited(coherency, {"axis=-1": "axis=1"}),
    ),
    Misconception(
        "One norm of everything: no axis was given.",
        "np.linalg.norm(..., axis=-1).",
        edited(coherency, {"moves, axis=-1": "moves"}),
    ),
    Misconception(
        "The median.", "The mean.", edited(coherency, {"distances.mean()": "np.median(distances)"})
    ),
    Misconception(
        "Only the first episode counts.",
        "The mean over the intervals of all episodes.",
        edited(coherency, {"positions[:,": "positions[:1,"}),
    ),
    Misconception(
        "Only x and y count.",
        "All coordinates: the last axis, whole.",
        edited(coherency, {"::every": "::every, :2"}),
    ),
    Misconception(
        "The moves are taken from episode to episode: np.diff over axis 0.",
        "The time is axis 1: np.diff(..., axis=1).",
        edited(coherency, {"axis=1": "axis=0"}),
    ),
    Misconception(
        "Episodes are left out, not steps: positions[::every].",
        "The time is axis 1: positions[:, ::every].",
        edited(coherency, {"[:, ::every]": "[::every]"}),
    ),
    Misconception(
        "The records begin at step 1: positions[:, 1::every].",
        "Begin with step 0: positions[:, ::every].",
        edited(coherency, {"::every": "1::every"}),
    ),
    Misconception(
        "The records begin at step every - 1: positions[:, every - 1::every].",
        "Begin with step 0: positions[:, ::every].",
        edited(coherency, {"::every": "every - 1 :: every"}),
    ),
    Misconception(
        "The sum is divided by the places over every, (T + 1) // every.",
        "There are T // every intervals, T = positions.shape[1] - 1; or use np.mean.",
        edited(
            coherency,
            {"distances.mean()": "distances.sum() / (len(positions) * (positions.shape[1] // every))"},
        ),
    ),
]

check_coherency = Exercise(
    coherency,
    _coherency_by_loop,
    _coherency_cases,
    _coherency_misconceptions,
    insight="It measures how straight AND how fast: a gripper at twice the speed is twice as coherent.",
)


# 2. Coverage


def coverage(positions: np.ndarray, cells: int) -> np.ndarray:
    """Share of the cells x cells grid over [-1, 1]^2 that places (T + 1, 2) have been in,
    after each step: (T + 1,).
    """
    cell = np.floor((positions + 1) / 2 * cells)
    cell = np.clip(cell, 0, cells - 1).astype(int)  # (T + 1, 2) column and row
    _, first = np.unique(cell, axis=0, return_index=True)
    new = np.zeros(len(positions))
    new[first] = 1
    return np.cumsum(new) / cells**2


def _coverage_cases(rng):
    four = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    walk = np.clip(np.cumsum(rng.normal(size=(60, 2)) * 0.25, axis=0), -1, 1)
    back = np.concatenate([walk[:15], walk[:15][::-1], walk[15:40]])
    line = np.stack([np.linspace(-0.9, 0.85, 8), np.full(8, -0.3)], axis=1)  # not on -0.5, 0 or 0.5
    tour = np.stack(np.divmod(rng.permutation(400), 20), axis=1) + rng.uniform(0.2, 0.8, size=(400, 2))
    x = [-1, -0.5, -0.5, 0, 0.25, 1, 1, 0.75, 0.9, -1, 1]
    y = [-1, -1, 0, 0.5, 0.75, 0.5, 1, 1, 0.9, 1, -1]
    return [
        Case(
            "four places in four cells of 2 x 2",
            (four, 2),
            "One of four cells after the first place, all four at the end: 0.25, 0.5, 0.75, 1.",
        ),
        Case(
            "a line along x on 4 x 4 cells, without borders",
            (line, 4),
            "The cell's number along an axis is floor((x + 1) / 2 * cells). "
            "Count cells, not places, and divide by all cells * cells.",
        ),
        Case(
            "there and back, then on",
            (np.clip(back, -0.99, 0.99), 8),
            "A cell that was visited before adds nothing, and the curve never falls. "
            "Remember what was visited: a set of cells, or np.unique(cell, return_index=True).",
        ),
        Case(
            "places on the borders of cells and of the square",
            (np.stack([x, y], axis=1), 4),
            "A border belongs to the cell with the next higher number (floor); "
            "at x = 1 there is none, so 1.0 belongs to the last cell: np.clip(index, 0, cells - 1).",
        ),
        Case(
            "a long walk that comes to the borders of the square",
            (walk, 10),
            "floor, clip, then first visits only.",
        ),
        Case(
            "each of 20 x 20 cells once, in random order",
            (tour / 10 - 1, 20),
            "No two cells may share a number: "
            "column * cells + row, in integers that are large enough (int), or pairs.",
        ),
    ]


def _coverage_by_loop(positions, cells):
    visited, curve = set(), []
    for x, y in positions:
        visited.add(tuple(min(int((v + 1) * cells / 2), cells - 1) for v in (x, y)))
        curve.append(len(visited) / cells**2)
    return np.array(curve)


_coverage_misconceptions = [
    Misconception(
        "It is not cumulative: only the present cell counts.",
        "All cells visited so far: remember them, or np.cumsum over first visits.",
        edited(coverage, {"np.cumsum(new)": "np.ones(len(positions))"}),
    ),
    Misconception(
        "Places are counted, not cells: a cell that is visited twice counts twice.",
        "A cell counts at its first visit only.",
        edited(coverage, {"new[first] = 1": "new[:] = 1"}),
    ),
    Misconception(
        "A cell counts again whenever it is entered again.",
        "A cell counts at its first visit only.",
        edited(coverage, {"new[first] = 1": "new[:] = (np.diff(cell, axis=0, prepend=-1) != 0).any(axis=1)"}),
    ),
    Misconception(
        "The number of cells is not divided by all of them.",
        "A share: divide by cells * cells.",
        edited(coverage, {" / cells**2": ""}),
    ),
    Misconception(
        "Divided by cells, not by cells * cells.",
        "The grid has cells * cells cells.",
        edited(coverage, {"cells**2": "cells"}),
    ),
    Misconception(
        "Divided by what was visited at the end: the curve always ends at 1.",
        "Divide by cells * cells.",
        edited(coverage, {"cells**2": "new.sum()"}),
    ),
    Misconception(
        "Divided by the number of places.",
        "Divide by cells * cells.",
        edited(coverage, {"cells**2": "len(positions)"}),
    ),
    Misconception(
        "The share of the end, at all times.",
        "A curve: after each step, what was visited until then.",
        edited(coverage, {"np.cumsum(new)": "np.full(len(positions), new.sum())"}),
    ),
    Misconception(
        "The start does not count.",
        "The cell of the first place is visited: the curve starts at 1 / cells**2.",
        edited(coverage, {"np.cumsum(new)": "(np.cumsum(new) - 1)"}),
    ),
    Misconception(
        "The curve is one step late: it says what was visited before each place.",
        "Entry t counts the place at t as well.",
        edited(coverage, {"np.cumsum(new)": "(np.cumsum(new) - new)"}),
    ),
    Misconception(
        "Rounded to the nearest border: half-cells at the edges.",
        "np.floor.",
        edited(coverage, {"np.floor": "np.round"}),
    ),
    Misconception(
        "Rounded up: the first cell would be the places at -1 alone.",
        "np.floor: a border belongs to the cell with the next higher number.",
        edited(coverage, {"np.floor": "np.ceil", "cells - 1": "cells"}),
    ),
    Misconception(
        "Cells are cut towards zero: "
        "astype(int) of a negative number makes the cells in the middle twice as wide.",
        "First (x + 1) / 2 * cells, which is never negative, then floor.",
        edited(
            coverage,
            {"np.floor((positions + 1)": "np.trunc(positions", "np.clip(cell, 0, cells - 1)": "cell"},
        ),
    ),
    Misconception(
        "The grid is over [0, 1]: all negative places share a cell.",
        "(x + 1) / 2 is between 0 and 1.",
        edited(coverage, {"(positions + 1) / 2": "positions"}),
    ),
    Misconception(
        "The cells are half as wide: (x + 1) * cells.",
        "The square is 2 wide: (x + 1) / 2 * cells.",
        edited(coverage, {" / 2": "", "np.clip(cell, 0, cells - 1)": "cell"}),
    ),
    Misconception(
        "The cells are half as wide, and all to the right share one.",
        "The square is 2 wide: (x + 1) / 2 * cells.",
        edited(coverage, {" / 2": ""}),
    ),
    Misconception(
        "A place at the upper border falls out of the grid, into a cell of its own.",
        "At x = 1 the index is cells: np.clip(index, 0, cells - 1).",
        edited(coverage, {"np.clip(cell, 0, cells - 1)": "cell"}),
    ),
    Misconception(
        "A place at the upper border is at the lower one again (modulo).",
        "np.clip(index, 0, cells - 1).",
        edited(coverage, {"np.clip(cell, 0, cells - 1)": "(cell % cells)"}),
    ),
    Misconception(
        "cells - 1 cells fill the square, and the border is one more.",
        "floor((x + 1) / 2 * cells), then clip.",
        edited(coverage, {"2 * cells": "2 * (cells - 1)"}),
    ),
    Misconception(
        "Only x counts: columns, not cells.",
        "A cell is a pair of numbers, one for x and one for y.",
        edited(coverage, {"cell, axis=0": "cell[:, 0]"}),
    ),
    Misconception(
        "x and y are added up: all cells of a diagonal are one.",
        "Number the cells column * cells + row, or use pairs.",
        edited(coverage, {"cell, axis=0": "cell.sum(axis=1)"}),
    ),
    Misconception(
        "The columns and the rows visited are counted by themselves, and multiplied.",
        "A cell is a pair: visited columns times visited rows counts cells nobody was in.",
        lambda p, n: coverage(p * [1, 0], n) * coverage(p * [0, 1], n) * n**2,
    ),
    Misconception(
        "The grid is fitted to the places that came.",
        "It is fixed: cells x cells over [-1, 1]^2, so that explorers can be compared.",
        edited(
            coverage,
            {
                "positions + 1": "positions - positions.min(axis=0)",
                " / 2": " / np.maximum(np.ptp(positions, axis=0), 1e-9)",
            },
        ),
    ),
    Misconception(
        "A cell counts at its last visit, not at its first.",
        "np.unique(numbers, return_index=True) gives the first visits; a dictionary must not overwrite them.",
        edited(coverage, {"np.unique(cell": "np.unique(cell[::-1]", "new[first]": "new[::-1][first]"}),
    ),
    Misconception(
        "The first visits are not added up: cumsum is missing.",
        "np.cumsum over the first visits.",
        edited(coverage, {"np.cumsum(new) / cells**2": "new / cells**2"}),
    ),
    Misconception(
        "In percent.",
        "A share, between 0 and 1.",
        edited(coverage, {"np.cumsum(new)": "100 * np.cumsum(new)"}),
    ),
    Misconception(
        "An integer division comes too early: (x + 1) // 2 is 0 everywhere but at the border.",
        "First (x + 1) / 2 * cells, then floor.",
        edited(coverage, {"/ 2": "// 2"}),
    ),
    Misconception(
        "Rounded to the nearest of cells points from -1 to 1: round((x + 1) / 2 * (cells - 1)).",
        "floor((x + 1) / 2 * cells), then clip.",
        edited(coverage, {"np.floor": "np.round", "2 * cells": "2 * (cells - 1)"}),
    ),
    Misconception(
        "The cells are numbered column * 10 + row: "
        "with more than 10 cells along an axis, two share a number.",
        "column * cells + row, or pairs.",
        edited(coverage, {"cell, axis=0": "cell @ [10, 1]"}),
    ),
    Misconception(
        "The cells are named by digits side by side: cell (1, 11) and cell (11, 1) have the same name.",
        "column * cells + row, or pairs.",
        edited(coverage, {"cell, axis=0": "[f'{column}{row}' for column, row in cell]"}),
    ),
    Misconception(
        "The numbers of the cells are too large for uint8: from 256 on they begin at 0 again.",
        "astype(int).",
        edited(coverage, {"cell, axis=0": "(cell @ [cells, 1]).astype(np.uint8)"}),
    ),
    Misconception(
        "Different places are counted, not different cells.",
        "Turn places into cells first: floor((x + 1) / 2 * cells).",
        edited(coverage, {"cell, axis=0": "positions, axis=0"}),
    ),
]

check_coverage = Exercise(
    coverage,
    _coverage_by_loop,
    _coverage_cases,
    _coverage_misconceptions,
    insight="It says where one has been, not what for: a cell behind the wall counts as much as the puck's.",
)


# 3. The mixed chunk


def mix_chunks(chunks: jax.Array) -> jax.Array:
    """Step i of the i-th of H chunks (..., H, H, A): (..., H, A)."""
    i = jnp.arange(chunks.shape[-2])
    return chunks[..., i, i, :]


def _mix_cases(rng):
    draw = lambda *shape: rng.uniform(-1, 1, size=shape).astype(np.float32)
    return [
        Case(
            "3 chunks of 3 actions",
            (draw(3, 3, 2),),
            "Row i of the result is chunks[i, i]: with i = jnp.arange(H), chunks[..., i, i, :].",
        ),
        Case(
            "5 chunks of 5, for 4 observations",
            (draw(4, 5, 5, 3),),
            "The last three axes are candidate, step and action; "
            "what stands before them stays: chunks[..., i, i, :].",
        ),
        Case(
            "4 chunks of 4, for 2 x 3 observations",
            (draw(2, 3, 4, 4, 4),),
            "The last three axes are candidate, step and action, "
            "whatever stands before: chunks[..., i, i, :].",
        ),
        Case("chunks of one action", (draw(6, 1, 1, 2),), "With H = 1 nothing is mixed."),
    ]


def _mix_by_loop(chunks):
    if chunks.ndim > 3:
        return np.array([_mix_by_loop(each) for each in chunks])
    return np.array([chunk[i] for i, chunk in enumerate(chunks)])


def _coordinates_apart(chunks):
    i, a = np.indices(chunks.shape[-2:])
    return chunks[..., (i + a) % len(i), i, a]


_mix_misconceptions = [
    Misconception(
        "The first action of each chunk: the steps have lost their own marginals.",
        "Step i stays step i: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "i, 0"}),
    ),
    Misconception(
        "The first chunk as it is: nothing is mixed.",
        "Step i from the i-th chunk: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "0, i"}),
    ),
    Misconception(
        "The last chunk as it is: nothing is mixed.",
        "Step i from the i-th chunk: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "-1, i"}),
    ),
    Misconception(
        "One chunk in reverse order: its steps still know of each other.",
        "Step i stays step i, and comes from the i-th chunk.",
        edited(mix_chunks, {"i, i": "0, -1 - i"}),
    ),
    Misconception(
        "The steps are reversed: step i is the last but i of the i-th chunk.",
        "Step i stays step i: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "i, -1 - i"}),
    ),
    Misconception(
        "The chunks are taken in reverse order. (As good a mix, but the check compares numbers.)",
        "Step i from the i-th chunk.",
        edited(mix_chunks, {"i, i": "-1 - i, i"}),
    ),
    Misconception(
        "Step i comes from the chunk after the i-th. (As good a mix, but the check compares numbers.)",
        "Step i from the i-th chunk.",
        edited(mix_chunks, {"i, i": "(i + 1) % len(i), i"}),
    ),
    Misconception(
        "Step i comes from the chunk before the i-th. (As good a mix, but the check compares numbers.)",
        "Step i from the i-th chunk: count from 0.",
        edited(mix_chunks, {"i, i": "i - 1, i"}),
    ),
    Misconception(
        "Step i comes from chunk i + 1, and the last one from the last: an index beyond the end is the last.",
        "Step i from the i-th chunk: count from 0.",
        edited(mix_chunks, {"i, i": "jnp.minimum(i + 1, i[-1]), i"}),
    ),
    Misconception(
        "The steps are shifted back by one: i - 1.",
        "Step i stays step i: count from 0.",
        edited(mix_chunks, {"i, i": "i, i - 1"}),
    ),
    Misconception(
        "The steps are shifted on by one, i + 1, and the last stays: an index beyond the end is the last.",
        "Step i stays step i: count from 0.",
        edited(mix_chunks, {"i, i": "i, jnp.minimum(i + 1, i[-1])"}),
    ),
    Misconception(
        "The rows are shifted back by one: i - 1 for candidate and step.",
        "Row i is step i: count from 0.",
        edited(mix_chunks, {"i, i": "i - 1, i - 1"}),
    ),
    Misconception(
        "The rows are shifted on by one, i + 1 for candidate and step: an index beyond the end is the last.",
        "Row i is step i: count from 0.",
        edited(mix_chunks, {"return": "i = jnp.minimum(i + 1, i[-1])\n    return"}),
    ),
    Misconception(
        "The steps are put in a random order.",
        "Step i stays step i: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "i, jax.random.permutation(jax.random.key(0), i)"}),
    ),
    Misconception(
        "One chunk with its steps in a random order: they still come from one intention.",
        "Step i stays step i, and comes from the i-th chunk.",
        edited(mix_chunks, {"i, i": "0, jax.random.permutation(jax.random.key(0), i)"}),
    ),
    Misconception(
        "Random candidates. (A mix, too, but the check compares numbers.)",
        "Step i from the i-th chunk: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "jax.random.permutation(jax.random.key(0), i), i"}),
    ),
    Misconception(
        "The number of steps is read from axis 1, which is a step only where nothing stands before.",
        "H is the last axis but one: chunks.shape[-2].",
        edited(mix_chunks, {"shape[-2]": "shape[1]"}),
    ),
    Misconception(
        "The steps are shifted by one.",
        "Step i stays step i: chunks[..., i, i, :].",
        edited(mix_chunks, {"i, i": "i, (i + 1) % len(i)"}),
    ),
    Misconception(
        "The whole result is upside down.", "Row i is step i.", edited(mix_chunks, {"i, i": "-1 - i, -1 - i"})
    ),
    Misconception(
        "The mean over the chunks: it has not the marginals, and stands between the modes.",
        "Pick, do not average: chunks[..., i, i, :].",
        lambda c: c.mean(axis=-3),
    ),
    Misconception(
        "The mean over the steps.", "Pick, do not average: chunks[..., i, i, :].", lambda c: c.mean(axis=-2)
    ),
    Misconception(
        "The coordinates of one action come from different chunks, too.",
        "One action comes from one chunk, whole.",
        _coordinates_apart,
    ),
    Misconception(
        "The first two axes are taken for candidate and step.",
        "They are the last but two and the last but one: chunks[..., i, i, :].",
        edited(mix_chunks, {"chunks.shape[-2]": "min(chunks.shape[:2])", "..., i, i, :": "i, i"}),
    ),
    Misconception(
        "All observations get the chunk of the first.",
        "What stands before the last three axes stays: chunks[..., i, i, :].",
        lambda c: 0 * mix_chunks(c) + mix_chunks(c.reshape(-1, *c.shape[-3:])[0]),
    ),
    Misconception(
        "Step and action have changed places.",
        "A diagonal puts its axis last: np.moveaxis(..., -1, -2), or chunks[..., i, i, :].",
        lambda c: np.swapaxes(mix_chunks(c), -1, -2),
    ),
    Misconception(
        "The diagonal is summed.",
        "Pick step i of the i-th chunk: chunks[..., i, i, :].",
        lambda c: mix_chunks(c).sum(axis=-2),
    ),
]

check_mix_chunks = Exercise(
    mix_chunks,
    _mix_by_loop,
    _mix_cases,
    _mix_misconceptions,
    insight="Each step is drawn from just what it was drawn from before. "
    "Only the steps' knowledge of each other is gone.",
    compiled=True,
)


# 4. Acting


def act_best_of_n(propose, value, step, state, key, decisions, keep):
    """Best-of-N acting in one lax.scan over decisions;
    what `step` shows after each action, (decisions * keep, R).

    propose(state, key) gives chunks (N, H, A), value(state, chunks) gives (N,), step(state, action) gives the
    new state and what it shows (R,). Each decision has a key of its own, and executes the first `keep`
    actions of the best chunk.
    """

    def decision(now, key):
        chunks = propose(now, key)
        best = chunks[jnp.argmax(value(now, chunks))]
        return jax.lax.scan(step, now, best[:keep])

    keys = jax.random.split(key, decisions)
    _, shown = jax.lax.scan(decision, state, keys)  # (decisions, keep, R)
    return shown.reshape(-1, *shown.shape[2:])


def _numpy_unless_traced(*values):
    return jnp if any(isinstance(value, jax.core.Tracer) for value in values) else np


class Toy(NamedTuple):
    """A small world to act in: N candidates of H actions of size 2 for a state (3,).

    NumPy where nothing is traced: faster.
    """

    count: int
    horizon: int
    weights: np.ndarray  # (4, 3) what draws, values and moves

    def __repr__(self):
        return f"a toy world: {self.count} candidates of {self.horizon} actions"

    def propose(self, state, key):
        if np.shape(state) != (3,):
            raise TypeError(
                f"propose(state, key) takes a state as it was given, and got {type(state).__name__}: "
                "the state comes first, the key second"
            )
        xp = _numpy_unless_traced(state, key)
        noise = xp.asarray(jax.random.normal(key, (self.count, self.horizon, 2)))
        return xp.clip(xp.tanh(self.weights[:2] @ state) + 0.8 * noise, -1, 1)

    def value(self, state, chunks):
        xp = _numpy_unless_traced(state, chunks)
        ramp = np.arange(1.0, self.horizon + 1)[:, None] * np.array([1.0, -0.7])
        return xp.sum(xp.sin(2 * chunks + 4 * (self.weights[2] @ state)) * ramp, axis=(1, 2))

    def step(self, state, action):
        if np.shape(action) != (2,):
            raise TypeError(f"step takes one action, of shape (2,), and got {np.shape(action)}")
        xp = _numpy_unless_traced(state, action)
        moved = 0.8 * state + 0.4 * xp.append(action, action[0] * action[1]) + 0.05 * xp.sin(state[::-1])
        return moved, xp.append(moved[:2], self.weights[3] @ moved)


class Place(NamedTuple):
    """A state in parts, as the lite world's is."""

    xy: np.ndarray  # (2,)
    height: np.ndarray  # ()


class ToyInParts(NamedTuple):
    """The same world with a `Place` for a state."""

    toy: Toy

    def __repr__(self):
        return f"{self.toy}, whose state is a NamedTuple"

    def whole(self, state):
        if not isinstance(state, Place):
            raise TypeError(
                f"the state is a NamedTuple of arrays, and a {type(state).__name__} came: "
                "carry it whole, as it was given"
            )
        return _numpy_unless_traced(*state).append(state.xy, state.height)

    def propose(self, state, key):
        return self.toy.propose(self.whole(state), key)

    def value(self, state, chunks):
        return self.toy.value(self.whole(state), chunks)

    def step(self, state, action):
        moved, shown = self.toy.step(self.whole(state), action)
        return Place(moved[:2], moved[2]), shown


def _act_cases(rng):
    def case(about, count, horizon, decisions, keep, hint, in_parts=False):
        toy = Toy(count, horizon, rng.normal(size=(4, 3)).astype(np.float32))
        state = rng.normal(size=3).astype(np.float32)
        if in_parts:
            toy, state = ToyInParts(toy), Place(state[:2], state[2])
        key = jax.random.key(int(rng.integers(2**31)))
        return Case(about, (toy.propose, toy.value, toy.step, state, key, decisions, keep), hint)

    return [
        case(
            "one decision, 6 candidates of 3 actions, all executed",
            *(6, 3, 1, 3),
            "jax.lax.scan(decision, state, jax.random.split(key, decisions)). "
            "In a decision: chunks = propose(state, key); "
            "the one at jnp.argmax(value(state, chunks)); jax.lax.scan(step, state, best).",
        ),
        case(
            "five decisions, all 3 actions executed; the state is a NamedTuple",
            *(6, 3, 5, 3),
            "The state that a decision ends in is the carry of the outer scan: "
            "a NamedTuple of arrays here, so hand it on whole, as it is, without jnp.asarray. "
            "Each decision has a key of its own: jax.random.split(key, decisions).",
            in_parts=True,
        ),
        case(
            "six decisions, the first 2 of 4 actions executed",
            *(8, 4, 6, 2),
            "best[:keep], then decide anew. "
            "What is shown: (decisions, keep, R), reshaped to (decisions * keep, R).",
        ),
        case(
            "six decisions, the first of 3 actions executed",
            *(8, 3, 6, 1),
            "With keep = 1 there is a decision at every step: best[:keep].",
        ),
    ]


def _act_in_a_loop(propose, value, step, state, key, decisions, keep):
    """The same in a Python loop, of which the wrong answers are edits."""
    now, places = state, []
    keys = jax.random.split(key, decisions)
    for decision_key in keys:
        chunks = propose(now, decision_key)
        q = value(now, chunks)
        best = chunks[q.argmax()]
        for action in best[:keep]:
            now, place = step(now, action)
            places.append(place)
    shown = _numpy_unless_traced(*places).stack(places)
    return shown


def _act_edited(changes):
    """A wrong answer: an edit of the loop, quicker to run than that of the scan for which it stands."""
    wrong = edited(_act_in_a_loop, changes)
    wrong.stands_for_a_scan = True
    return wrong


def _compiled_loop(answer, args):
    """Whether the decisions are one compiled loop:
    1, or 0 where a Python loop writes them out one after the other.
    """
    propose, value, step, state, key, _, keep = args

    def length(decisions):
        act = lambda state, key: answer(propose, value, step, state, key, decisions, keep)
        return len(str(jax.make_jaxpr(act)(state, key)))

    compiled = getattr(answer, "stands_for_a_scan", False) or length(8) < 1.5 * length(2)
    return {"number of compiled loops over decisions (the results are right)": float(compiled)}


_act_misconceptions = [
    Misconception(
        "A Python loop over the decisions: each is compiled by itself.",
        "jax.lax.scan(decision, state, jax.random.split(key, decisions)) writes the decision once.",
        _act_in_a_loop,
    ),
    Misconception(
        "All decisions use the key that was given: the same noise again and again.",
        "One key a decision: jax.random.split(key, decisions) goes into the scan.",
        _act_edited({"jax.random.split(key, decisions)": "[key] * decisions"}),
    ),
    Misconception(
        "All decisions use the first of the keys: the same noise again and again.",
        "One key a decision: jax.random.split(key, decisions) goes into the scan.",
        _act_edited({"propose(now, decision_key)": "propose(now, keys[0])"}),
    ),
    Misconception(
        "The keys are split one after the other. (As good, but the check compares numbers.)",
        "jax.random.split(key, decisions).",
        _act_edited(
            {"for decision_key in keys:": "for _ in keys:\n        key, decision_key = jax.random.split(key)"}
        ),
    ),
    Misconception(
        "The state is not carried: every decision starts from the first.",
        "The inner scan returns the last state; give it back as the carry of the outer one.",
        _act_edited({"for decision_key in keys:": "for decision_key in keys:\n        now = state"}),
    ),
    Misconception(
        "Each action starts from the state of the decision: the steps of a chunk do not follow each other.",
        "jax.lax.scan(step, state, best[:keep]) hands the state on from action to action.",
        _act_edited(
            {"now, place =": "after, place =", "append(place)": "append(place)\n        now = after"}
        ),
    ),
    Misconception(
        "The next decision starts from the state after the first action.",
        "From the state after the last action executed: what the inner scan returns.",
        _act_edited(
            {
                "for action in": "after, _ = step(now, best[0])\n        for action in",
                "append(place)": "append(place)\n        now = after",
            }
        ),
    ),
    Misconception(
        "All actions of the chunk are executed, and the first `keep` of them shown.",
        "Execute best[:keep] only.",
        _act_edited(
            {
                "action in best[:keep]": "k, action in enumerate(best)",
                "places.append(place)": "places += [place] * (k < keep)",
            }
        ),
    ),
    Misconception(
        "The key is split into one for each action. (As good, but the check compares numbers.)",
        "One key a decision: jax.random.split(key, decisions).",
        _act_edited({"(key, decisions)": "(key, decisions * keep)[::keep]"}),
    ),
    Misconception(
        "The whole chunk is executed: keep is not used.", "best[:keep].", _act_edited({"[:keep]": ""})
    ),
    Misconception(
        "One action too many is executed.",
        "best[:keep] holds `keep` actions.",
        _act_edited({"[:keep]": "[: keep + 1]"}),
    ),
    Misconception(
        "One action too few is executed.",
        "best[:keep] holds `keep` actions.",
        _act_edited({"[:keep]": "[: max(keep - 1, 1)]"}),
    ),
    Misconception(
        "The first action is held for `keep` steps.",
        "best[:keep]: each action once.",
        _act_edited({"best[:keep]": "[best[0]] * keep"}),
    ),
    Misconception(
        "The last actions of the chunk are executed, not the first.",
        "best[:keep].",
        _act_edited({"[:keep]": "[-keep:]"}),
    ),
    Misconception(
        "The actions are executed in reverse order.",
        "best[:keep], the first one first.",
        _act_edited({"[:keep]": "[:keep][::-1]"}),
    ),
    Misconception("It takes the worst candidate.", "jnp.argmax.", _act_edited({"argmax": "argmin"})),
    Misconception(
        "The index is on the wrong axis: chunks[:, argmax] is a step of all candidates.",
        "The first axis is the candidate: chunks[jnp.argmax(value(state, chunks))].",
        _act_edited({"chunks[q.argmax()]": "chunks[:, min(q.argmax(), chunks.shape[1] - 1)]"}),
    ),
    Misconception(
        "It takes the first candidate: the values are not used.",
        "chunks[jnp.argmax(value(state, chunks))].",
        _act_edited({"q.argmax()": "0"}),
    ),
    Misconception(
        "It takes the last candidate: the values are not used.",
        "chunks[jnp.argmax(value(state, chunks))].",
        _act_edited({"q.argmax()": "-1"}),
    ),
    Misconception(
        "The candidates are averaged with softmax weights.",
        "The best alone: jnp.argmax.",
        _act_edited({"chunks[q.argmax()]": "np.tensordot(np.exp(q) / np.exp(q).sum(), chunks, 1)"}),
    ),
    Misconception(
        "The candidates are averaged.",
        "The best alone: jnp.argmax.",
        _act_edited({"chunks[q.argmax()]": "chunks.mean(axis=0)"}),
    ),
    Misconception(
        "The largest absolute value wins.",
        "jnp.argmax of the values as they are.",
        _act_edited({"q.argmax()": "abs(q).argmax()"}),
    ),
    Misconception(
        "The choice is made anew at every step of the chunk: the steps come from different candidates.",
        "One choice a decision; then its first `keep` actions.",
        _act_edited(
            {
                "action in best[:keep]": "k in range(keep)",
                "step(now, action)": "step(now, chunks[value(now, chunks).argmax(), k])",
            }
        ),
    ),
    Misconception(
        "The proposals are always those for the first state.",
        "propose(state, key) with the state of now.",
        _act_edited({"propose(now": "propose(state"}),
    ),
    Misconception(
        "Proposals and values are always those for the first state.",
        "propose(state, key) and value(state, chunks) with the state of now.",
        _act_edited({"propose(now": "propose(state", "value(now": "value(state"}),
    ),
    Misconception(
        "The values are always those at the first state.",
        "value(state, chunks) with the state of now.",
        _act_edited({"value(now": "value(state"}),
    ),
    Misconception(
        "`decisions` is taken for the number of steps.",
        "There are `decisions` decisions, and decisions * keep steps.",
        _act_edited({"(key, decisions)": "(key, max(decisions // keep, 1))"}),
    ),
    Misconception(
        "Only what a decision ends in is shown.",
        "Every action: (decisions * keep, R).",
        _act_edited({"    places.append": "places.append"}),
    ),
    Misconception(
        "The decisions are left as an axis.",
        "Reshape (decisions, keep, R) to (decisions * keep, R).",
        _act_edited({"return shown": "return shown.reshape(decisions, keep, -1)"}),
    ),
    Misconception(
        "Decision and step have changed places in the result.",
        "reshape(-1, R) without a transpose: all steps of the first decision come first.",
        _act_edited(
            {"return shown": "return np.concatenate(shown.reshape(decisions, keep, -1).swapaxes(0, 1))"}
        ),
    ),
]

check_act_best_of_n = Exercise(
    act_best_of_n,
    lambda *args: (_act_in_a_loop(*args), 1.0),
    _act_cases,
    _act_misconceptions,
    insight="`keep` alone decides how long a draw of noise is kept: the whole chunk, or one step.",
    compiled=True,
    observe=_compiled_loop,
)
