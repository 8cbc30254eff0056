"""Checks of lesson 05, exploration.

Shapes: E episodes, T steps, D size of a place, H chunk, A action size, N candidates.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception

# 1. Coherency


def coherency(positions: np.ndarray, every: int = 5) -> float:
    """Mean distance between the places (E, T + 1, D) of an episode that are `every` steps apart,
    from step 0 on.
    """
    moves = np.diff(positions[:, ::every], axis=1)  # (E, T // every, D)
    return np.linalg.norm(moves, axis=-1).mean()


def _paths(rng, episodes, steps, size):
    return np.cumsum(rng.normal(size=(episodes, steps + 1, size)) * 0.3, axis=1)


def _coherency_cases(rng):
    straight = np.arange(11)[None, :, None] * np.array([[[0.03, -0.04]], [[0.06, 0.08]]])
    turns = np.array([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 2, 4, 6, 8, 10])[None, :, None] * np.array([0.3, 0.4])
    turns = np.concatenate([turns, turns[:, ::-1] + 1.0, 0.5 * turns])
    return [
        Case(
            "two straight lines, at speeds of 0.05 and 0.1, 10 steps",
            (straight, 5),
            "Take every 5th place, positions[:, ::5]; the distances between neighbours of these; their mean.",
        ),
        Case(
            "three episodes of 15 steps on a line, forth, back and forth",
            (turns, 5),
            "positions[:, ::every], np.diff over axis 1, np.linalg.norm over the last axis, mean.",
        ),
        Case(
            "three episodes of 20 steps in space",
            (_paths(rng, 3, 20, 3), 5),
            "Axis 0 is the episode, axis 1 the time, the last one x, y, z. The norm goes over the last.",
        ),
        Case(
            "four episodes of 24 steps: the last 4 are no whole interval",
            (_paths(rng, 4, 24, 2), 5),
            "The intervals are 0-5, 5-10, 10-15, 15-20; what is left over does not count.",
        ),
        Case(
            "five episodes of 22 steps, a place every 3",
            (_paths(rng, 5, 22, 2), 3),
            "`every` is an argument: positions[:, ::every].",
        ),
    ]


def _coherency_by_loop(positions, every):
    distances = []
    for episode in positions:
        for t in range(0, len(episode) - every, every):
            distances.append(np.sqrt(sum((episode[t + every] - episode[t]) ** 2)))
    return sum(distances) / len(distances)


def _norms(positions, every):
    return np.linalg.norm(np.diff(positions[:, ::every], axis=1), axis=-1)


def _coherency_of(measure: Callable) -> Callable:
    """A wrong answer by the moves (E, intervals, D) that it should have measured."""
    return lambda positions, every: measure(np.diff(positions[:, ::every], axis=1))


check_coherency = Exercise(
    coherency,
    _coherency_by_loop,
    _coherency_cases,
    [
        Misconception(
            "The distances are summed, not averaged.",
            "The mean over all intervals of all episodes.",
            lambda p, e: _norms(p, e).sum(),
        ),
        Misconception(
            "The distances are summed within an episode, and averaged over episodes.",
            "The mean over all intervals of all episodes.",
            lambda p, e: _norms(p, e).sum(axis=1).mean(),
        ),
        Misconception(
            "The squared distance: the root is missing.",
            "np.linalg.norm, or the root of the sum of squares.",
            lambda p, e: (_norms(p, e) ** 2).mean(),
        ),
        Misconception(
            "The root is taken at the end: a root mean square.",
            "First the root of each interval, then the mean.",
            lambda p, e: np.sqrt((_norms(p, e) ** 2).mean()),
        ),
        Misconception(
            "The intervals overlap: there is one from every step on.",
            "The places are recorded every 5 steps: 0-5, 5-10, ...; positions[:, ::every].",
            lambda p, e: np.linalg.norm(p[:, e:] - p[:, :-e], axis=-1).mean(),
        ),
        Misconception(
            "The way is measured, not the distance: the lengths of the single steps are added up.",
            "How far the place is after 5 steps, whatever the way there.",
            lambda p, e: (
                e * np.linalg.norm(np.diff(p[:, : (p.shape[1] - 1) // e * e + 1], axis=1), axis=-1).mean()
            ),
        ),
        Misconception(
            "The distance of one step: every is not used.",
            "Places that are `every` steps apart: positions[:, ::every].",
            lambda p, e: np.linalg.norm(np.diff(p, axis=1), axis=-1).mean(),
        ),
        Misconception(
            "every is always 5.", "Use the argument: positions[:, ::every].", lambda p, e: _norms(p, 5).mean()
        ),
        Misconception(
            "One step more lies between two places.",
            "positions[:, ::every]: 0, every, 2 * every, ...",
            lambda p, e: _norms(p, e + 1).mean(),
        ),
        Misconception(
            "One step less lies between two places.",
            "positions[:, ::every]: 0, every, 2 * every, ...",
            lambda p, e: _norms(p, e - 1).mean(),
        ),
        Misconception(
            "The first interval is missing: the start does not count.",
            "Begin with step 0: positions[:, ::every].",
            lambda p, e: _norms(p[:, e:], e).mean(),
        ),
        Misconception(
            "The last interval is missing.",
            "A range that ends too early: there are T // every intervals.",
            lambda p, e: _norms(p, e)[:, :-1].mean(),
        ),
        Misconception(
            "The places are counted from the end of the episode.",
            "Begin with step 0: positions[:, ::every].",
            lambda p, e: _norms(p[:, ::-1], e).mean(),
        ),
        Misconception(
            "Every place is compared with the start.",
            "Each one with the one before: np.diff.",
            lambda p, e: np.linalg.norm(p[:, e::e] - p[:, :1], axis=-1).mean(),
        ),
        Misconception(
            "Only start and end are compared.",
            "The mean over all intervals.",
            lambda p, e: np.linalg.norm(p[:, ::e][:, -1] - p[:, 0], axis=-1).mean(),
        ),
        Misconception(
            "The distance is divided by the steps: a speed.",
            "The distance itself.",
            lambda p, e: _norms(p, e).mean() / e,
        ),
        Misconception(
            "The coordinates' distances are added (L1).",
            "The straight distance (L2): np.linalg.norm.",
            _coherency_of(lambda m: np.abs(m).sum(axis=-1).mean()),
        ),
        Misconception(
            "The mean over the coordinates, not the length of the move.",
            "np.linalg.norm over the last axis.",
            _coherency_of(lambda m: np.abs(m).mean()),
        ),
        Misconception(
            "The largest coordinate is the distance.",
            "np.linalg.norm over the last axis.",
            _coherency_of(lambda m: np.abs(m).max(axis=-1).mean()),
        ),
        Misconception(
            "The moves are averaged before their length is taken: forth and back cancel.",
            "First the length of each interval, then the mean.",
            _coherency_of(lambda m: np.linalg.norm(m.mean(axis=1), axis=-1).mean()),
        ),
        Misconception(
            "The norm runs over the time.",
            "The last axis holds the coordinates: axis=-1.",
            _coherency_of(lambda m: np.linalg.norm(m, axis=1).mean()),
        ),
        Misconception(
            "One norm of everything: no axis was given.",
            "np.linalg.norm(..., axis=-1).",
            _coherency_of(lambda m: np.linalg.norm(m)),
        ),
        Misconception("The median.", "The mean.", lambda p, e: np.median(_norms(p, e))),
        Misconception(
            "Only the first episode counts.",
            "The mean over the intervals of all episodes.",
            lambda p, e: _norms(p[:1], e).mean(),
        ),
        Misconception(
            "Only x and y count.",
            "All coordinates: the last axis, whole.",
            lambda p, e: _norms(p[..., :2], e).mean(),
        ),
        Misconception(
            "The moves are taken from episode to episode: np.diff over axis 0.",
            "The time is axis 1: np.diff(..., axis=1).",
            lambda p, e: np.linalg.norm(np.diff(p[:, ::e], axis=0), axis=-1).mean(),
        ),
        Misconception(
            "Episodes are left out, not steps: positions[::every].",
            "The time is axis 1: positions[:, ::every].",
            lambda p, e: np.linalg.norm(np.diff(p[::e], axis=1), axis=-1).mean(),
        ),
        Misconception(
            "The records begin at step 1: positions[:, 1::every].",
            "Begin with step 0: positions[:, ::every].",
            lambda p, e: _norms(p[:, 1:], e).mean(),
        ),
        Misconception(
            "The records begin at step every - 1: positions[:, every - 1::every].",
            "Begin with step 0: positions[:, ::every].",
            lambda p, e: _norms(p[:, e - 1 :], e).mean(),
        ),
        Misconception(
            "The sum is divided by the places over every, (T + 1) // every.",
            "There are T // every intervals, T = positions.shape[1] - 1; or use np.mean.",
            lambda p, e: _norms(p, e).sum() / (len(p) * (p.shape[1] // e)),
        ),
    ],
    insight="It measures how straight AND how fast: a gripper at twice the speed is twice as coherent.",
)


# 2. Coverage


def coverage(positions: np.ndarray, cells: int) -> np.ndarray:
    """Share of the cells x cells grid over [-1, 1]^2 that places (T + 1, 2) have been in,
    after each step: (T + 1,).
    """
    column, row = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(int).T
    _, first = np.unique(column * cells + row, return_index=True)
    new = np.zeros(len(positions))
    new[first] = 1
    return np.cumsum(new) / cells**2


def _coverage_cases(rng):
    centre = lambda cells: (np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 2 + 1) / cells - 1
    walk = np.clip(np.cumsum(rng.normal(size=(60, 2)) * 0.25, axis=0), -1, 1)
    back = np.concatenate([walk[:15], walk[:15][::-1], walk[15:40]])
    line = np.stack([np.linspace(-0.9, 0.85, 8), np.full(8, -0.3)], axis=1)  # not on -0.5, 0 or 0.5
    tour = np.stack(np.divmod(rng.permutation(400), 20), axis=1) + rng.uniform(0.2, 0.8, size=(400, 2))
    borders = np.array(
        [
            [-1, -1],
            [-0.5, -1],
            [-0.5, 0],
            [0, 0.5],
            [0.25, 0.75],
            [1, 0.5],
            [1, 1],
            [0.75, 1],
            [0.9, 0.9],
            [-1, 1],
            [1, -1],
        ]
    )
    return [
        Case(
            "four places in four cells of 2 x 2",
            (centre(2), 2),
            "One of four cells after the first place, all four at the end: 0.25, 0.5, 0.75, 1.",
        ),
        Case(
            "a line along x on 4 x 4 cells, without borders",
            (line, 4),
            (
                "The cell's number along an axis is floor((x + 1) / 2 * cells). "
                "Count cells, not places, and divide by all cells * cells."
            ),
        ),
        Case(
            "there and back, then on",
            (np.clip(back, -0.99, 0.99), 8),
            (
                "A cell that was visited before adds nothing, and the curve never falls. "
                "Remember what was visited: a set of cells, or np.unique(cell, return_index=True)."
            ),
        ),
        Case(
            "places on the borders of cells and of the square",
            (borders, 4),
            (
                "A border belongs to the cell with the next higher number (floor); "
                "at x = 1 there is none, so 1.0 belongs to the last cell: np.clip(index, 0, cells - 1)."
            ),
        ),
        Case(
            "a long walk that comes to the borders of the square",
            (walk, 10),
            "floor, clip, then first visits only.",
        ),
        Case(
            "each of 20 x 20 cells once, in random order",
            (tour / 10 - 1, 20),
            (
                "No two cells may share a number: "
                "column * cells + row, in integers that are large enough (int), or pairs."
            ),
        ),
    ]


def _coverage_by_loop(positions, cells):
    visited, curve = set(), []
    for x, y in positions:
        visited.add(tuple(min(int((v + 1) * cells / 2), cells - 1) for v in (x, y)))
        curve.append(len(visited) / cells**2)
    return np.array(curve)


def _coverage_with(
    index=lambda p, n: np.floor((p + 1) / 2 * n),
    clip=lambda i, n: np.clip(i, 0, n - 1),
    grow=lambda seen: len(set(seen)),
    total=lambda n: n**2,
    curve=lambda c: c,
):
    """The curve with changed ingredients; `grow(seen)` turns the cells seen until now into a number."""

    def wrong(positions, cells):
        at = [tuple(row) for row in np.asarray(clip(index(positions, cells), cells), float)]
        return curve(np.array([grow(at[: t + 1]) for t in range(len(at))]) / total(cells))

    return wrong


def _numbered(number):
    """The curve if cells are told apart by number(column, row, cells) alone."""

    def wrong(positions, cells):
        column, row = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(int).T
        seen = [number(a, b, cells) for a, b in zip(column.tolist(), row.tolist(), strict=True)]
        return np.array([len(set(seen[: t + 1])) for t in range(len(seen))]) / cells**2

    return wrong


def _first_visits(positions, cells):
    return np.diff(coverage(positions, cells), prepend=0)


def _changes(seen):
    return 1 + sum(a != b for a, b in zip(seen, seen[1:], strict=False))


def _own_range(positions, cells):
    low, high = positions.min(axis=0), positions.max(axis=0)
    return np.floor((positions - low) / np.where(high > low, high - low, 1) * cells)


check_coverage = Exercise(
    coverage,
    _coverage_by_loop,
    _coverage_cases,
    [
        Misconception(
            "It is not cumulative: only the present cell counts.",
            "All cells visited so far: remember them, or np.cumsum over first visits.",
            _coverage_with(grow=lambda seen: 1),
        ),
        Misconception(
            "Places are counted, not cells: a cell that is visited twice counts twice.",
            "A cell counts at its first visit only.",
            _coverage_with(grow=len),
        ),
        Misconception(
            "A cell counts again whenever it is entered again.",
            "A cell counts at its first visit only.",
            _coverage_with(grow=_changes),
        ),
        Misconception(
            "The number of cells is not divided by all of them.",
            "A share: divide by cells * cells.",
            _coverage_with(total=lambda n: 1),
        ),
        Misconception(
            "Divided by cells, not by cells * cells.",
            "The grid has cells * cells cells.",
            _coverage_with(total=lambda n: n),
        ),
        Misconception(
            "Divided by what was visited at the end: the curve always ends at 1.",
            "Divide by cells * cells.",
            lambda p, n: coverage(p, n) / coverage(p, n)[-1],
        ),
        Misconception(
            "Divided by the number of places.",
            "Divide by cells * cells.",
            lambda p, n: coverage(p, n) * n**2 / len(p),
        ),
        Misconception(
            "The share of the end, at all times.",
            "A curve: after each step, what was visited until then.",
            lambda p, n: np.full(len(p), coverage(p, n)[-1]),
        ),
        Misconception(
            "The start does not count.",
            "The cell of the first place is visited: the curve starts at 1 / cells**2.",
            lambda p, n: coverage(p, n) - 1 / n**2,
        ),
        Misconception(
            "The curve is one step late: it says what was visited before each place.",
            "Entry t counts the place at t as well.",
            lambda p, n: np.concatenate([[0], coverage(p, n)[:-1]]),
        ),
        Misconception(
            "Rounded to the nearest border: half-cells at the edges.",
            "np.floor.",
            _coverage_with(index=lambda p, n: np.round((p + 1) / 2 * n)),
        ),
        Misconception(
            "Rounded up: the first cell would be the places at -1 alone.",
            "np.floor: a border belongs to the cell with the next higher number.",
            _coverage_with(index=lambda p, n: np.ceil((p + 1) / 2 * n), clip=lambda i, n: np.clip(i, 0, n)),
        ),
        Misconception(
            (
                "Cells are cut towards zero: "
                "astype(int) of a negative number makes the cells in the middle twice as wide."
            ),
            "First (x + 1) / 2 * cells, which is never negative, then floor.",
            _coverage_with(index=lambda p, n: np.trunc(p / 2 * n), clip=lambda i, n: i),
        ),
        Misconception(
            "The grid is over [0, 1]: all negative places share a cell.",
            "(x + 1) / 2 is between 0 and 1.",
            _coverage_with(index=lambda p, n: np.floor(p * n)),
        ),
        Misconception(
            "The cells are half as wide: (x + 1) * cells.",
            "The square is 2 wide: (x + 1) / 2 * cells.",
            _coverage_with(index=lambda p, n: np.floor((p + 1) * n), clip=lambda i, n: i),
        ),
        Misconception(
            "The cells are half as wide, and all to the right share one.",
            "The square is 2 wide: (x + 1) / 2 * cells.",
            _coverage_with(index=lambda p, n: np.floor((p + 1) * n)),
        ),
        Misconception(
            "A place at the upper border falls out of the grid, into a cell of its own.",
            "At x = 1 the index is cells: np.clip(index, 0, cells - 1).",
            _coverage_with(clip=lambda i, n: i),
        ),
        Misconception(
            "A place at the upper border is at the lower one again (modulo).",
            "np.clip(index, 0, cells - 1).",
            _coverage_with(clip=lambda i, n: i % n),
        ),
        Misconception(
            "cells - 1 cells fill the square, and the border is one more.",
            "floor((x + 1) / 2 * cells), then clip.",
            _coverage_with(index=lambda p, n: np.floor((p + 1) / 2 * (n - 1))),
        ),
        Misconception(
            "Only x counts: columns, not cells.",
            "A cell is a pair of numbers, one for x and one for y.",
            lambda p, n: _coverage_with()(p * np.array([1.0, 0.0]), n),
        ),
        Misconception(
            "x and y are added up: all cells of a diagonal are one.",
            "Number the cells column * cells + row, or use pairs.",
            _coverage_with(grow=lambda seen: len({a + b for a, b in seen})),
        ),
        Misconception(
            "The columns and the rows visited are counted by themselves, and multiplied.",
            "A cell is a pair: visited columns times visited rows counts cells nobody was in.",
            _coverage_with(grow=lambda seen: len({a for a, _ in seen}) * len({b for _, b in seen})),
        ),
        Misconception(
            "The grid is fitted to the places that came.",
            "It is fixed: cells x cells over [-1, 1]^2, so that explorers can be compared.",
            _coverage_with(index=_own_range),
        ),
        Misconception(
            "A cell counts at its last visit, not at its first.",
            (
                "np.unique(numbers, return_index=True) gives the first visits; "
                "a dictionary must not overwrite them."
            ),
            lambda p, n: np.cumsum(_first_visits(p[::-1], n)[::-1]),
        ),
        Misconception(
            "The first visits are not added up: cumsum is missing.",
            "np.cumsum over the first visits.",
            _first_visits,
        ),
        Misconception("In percent.", "A share, between 0 and 1.", lambda p, n: 100 * coverage(p, n)),
        Misconception(
            "An integer division comes too early: (x + 1) // 2 is 0 everywhere but at the border.",
            "First (x + 1) / 2 * cells, then floor.",
            _coverage_with(index=lambda p, n: (p + 1) // 2 * n),
        ),
        Misconception(
            "Rounded to the nearest of cells points from -1 to 1: round((x + 1) / 2 * (cells - 1)).",
            "floor((x + 1) / 2 * cells), then clip.",
            _coverage_with(index=lambda p, n: np.round((p + 1) / 2 * (n - 1))),
        ),
        Misconception(
            (
                "The cells are numbered column * 10 + row: "
                "with more than 10 cells along an axis, two share a number."
            ),
            "column * cells + row, or pairs.",
            _numbered(lambda a, b, n: 10 * a + b),
        ),
        Misconception(
            "The cells are named by digits side by side: cell (1, 11) and cell (11, 1) have the same name.",
            "column * cells + row, or pairs.",
            _numbered(lambda a, b, n: f"{a}{b}"),
        ),
        Misconception(
            "The numbers of the cells are too large for uint8: from 256 on they begin at 0 again.",
            "astype(int).",
            _numbered(lambda a, b, n: (a * n + b) % 256),
        ),
        Misconception(
            "Different places are counted, not different cells.",
            "Turn places into cells first: floor((x + 1) / 2 * cells).",
            _coverage_with(index=lambda p, n: p, clip=lambda i, n: i),
        ),
    ],
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
            (
                "The last three axes are candidate, step and action; "
                "what stands before them stays: chunks[..., i, i, :]."
            ),
        ),
        Case(
            "4 chunks of 4, for 2 x 3 observations",
            (draw(2, 3, 4, 4, 4),),
            (
                "The last three axes are candidate, step and action, "
                "whatever stands before: chunks[..., i, i, :]."
            ),
        ),
        Case("chunks of one action", (draw(6, 1, 1, 2),), "With H = 1 nothing is mixed."),
    ]


def _mix_by_loop(chunks):
    mixed = np.zeros((*chunks.shape[:-3], *chunks.shape[-2:]))
    for at in np.ndindex(*chunks.shape[:-3]):
        for i in range(chunks.shape[-2]):
            mixed[at][i] = chunks[at][i][i]
    return mixed


def _mix_with(candidate=lambda i, h: i, step=lambda i, h: i):
    def wrong(chunks):
        horizon = chunks.shape[-2]
        i = np.arange(horizon)
        return chunks[..., candidate(i, horizon) + 0 * i, step(i, horizon) + 0 * i, :]

    return wrong


def _mix_actions(chunks):
    """Every number from another candidate."""
    horizon, size = chunks.shape[-2:]
    i, a = np.meshgrid(np.arange(horizon), np.arange(size), indexing="ij")
    return chunks[..., (i + a) % horizon, i, a]


def _mix_wrong_axes(chunks):
    """The first two axes, which are candidate and step only where nothing stands before them."""
    i = np.arange(min(chunks.shape[:2]))
    return chunks[i, i]


def _mix_axis_1(chunks):
    i = np.arange(chunks.shape[1])
    return chunks[..., i, i, :]


def _shuffled(h):
    """The order that the key 0 gives, which is the one that most would write."""
    return np.asarray(jax.random.permutation(jax.random.key(0), h))


check_mix_chunks = Exercise(
    mix_chunks,
    _mix_by_loop,
    _mix_cases,
    [
        Misconception(
            "The first action of each chunk: the steps have lost their own marginals.",
            "Step i stays step i: chunks[..., i, i, :].",
            _mix_with(step=lambda i, h: 0),
        ),
        Misconception(
            "The first chunk as it is: nothing is mixed.",
            "Step i from the i-th chunk: chunks[..., i, i, :].",
            _mix_with(candidate=lambda i, h: 0),
        ),
        Misconception(
            "The last chunk as it is: nothing is mixed.",
            "Step i from the i-th chunk: chunks[..., i, i, :].",
            _mix_with(candidate=lambda i, h: h - 1),
        ),
        Misconception(
            "One chunk in reverse order: its steps still know of each other.",
            "Step i stays step i, and comes from the i-th chunk.",
            _mix_with(candidate=lambda i, h: 0, step=lambda i, h: h - 1 - i),
        ),
        Misconception(
            "The steps are reversed: step i is the last but i of the i-th chunk.",
            "Step i stays step i: chunks[..., i, i, :].",
            _mix_with(step=lambda i, h: h - 1 - i),
        ),
        Misconception(
            "The chunks are taken in reverse order. (As good a mix, but the check compares numbers.)",
            "Step i from the i-th chunk.",
            _mix_with(candidate=lambda i, h: h - 1 - i),
        ),
        Misconception(
            "Step i comes from the chunk after the i-th. (As good a mix, but the check compares numbers.)",
            "Step i from the i-th chunk.",
            _mix_with(candidate=lambda i, h: (i + 1) % h),
        ),
        Misconception(
            "Step i comes from the chunk before the i-th. (As good a mix, but the check compares numbers.)",
            "Step i from the i-th chunk: count from 0.",
            _mix_with(candidate=lambda i, h: (i - 1) % h),
        ),
        Misconception(
            (
                "Step i comes from chunk i + 1, and the last one from the last: "
                "an index beyond the end is the last."
            ),
            "Step i from the i-th chunk: count from 0.",
            _mix_with(candidate=lambda i, h: np.minimum(i + 1, h - 1)),
        ),
        Misconception(
            "The steps are shifted back by one: i - 1.",
            "Step i stays step i: count from 0.",
            _mix_with(step=lambda i, h: (i - 1) % h),
        ),
        Misconception(
            (
                "The steps are shifted on by one, i + 1, and the last stays: "
                "an index beyond the end is the last."
            ),
            "Step i stays step i: count from 0.",
            _mix_with(step=lambda i, h: np.minimum(i + 1, h - 1)),
        ),
        Misconception(
            "The rows are shifted back by one: i - 1 for candidate and step.",
            "Row i is step i: count from 0.",
            _mix_with(*[lambda i, h: (i - 1) % h] * 2),
        ),
        Misconception(
            (
                "The rows are shifted on by one, i + 1 for candidate and step: "
                "an index beyond the end is the last."
            ),
            "Row i is step i: count from 0.",
            _mix_with(*[lambda i, h: np.minimum(i + 1, h - 1)] * 2),
        ),
        Misconception(
            "The steps are put in a random order.",
            "Step i stays step i: chunks[..., i, i, :].",
            _mix_with(step=lambda i, h: _shuffled(h)),
        ),
        Misconception(
            "One chunk with its steps in a random order: they still come from one intention.",
            "Step i stays step i, and comes from the i-th chunk.",
            _mix_with(candidate=lambda i, h: 0, step=lambda i, h: _shuffled(h)),
        ),
        Misconception(
            "Random candidates. (A mix, too, but the check compares numbers.)",
            "Step i from the i-th chunk: chunks[..., i, i, :].",
            _mix_with(candidate=lambda i, h: _shuffled(h)),
        ),
        Misconception(
            "The number of steps is read from axis 1, which is a step only where nothing stands before.",
            "H is the last axis but one: chunks.shape[-2].",
            _mix_axis_1,
        ),
        Misconception(
            "The steps are shifted by one.",
            "Step i stays step i: chunks[..., i, i, :].",
            _mix_with(step=lambda i, h: (i + 1) % h),
        ),
        Misconception(
            "The whole result is upside down.",
            "Row i is step i.",
            _mix_with(candidate=lambda i, h: h - 1 - i, step=lambda i, h: h - 1 - i),
        ),
        Misconception(
            "The mean over the chunks: it has not the marginals, and stands between the modes.",
            "Pick, do not average: chunks[..., i, i, :].",
            lambda c: c.mean(axis=-3),
        ),
        Misconception(
            "The mean over the steps.",
            "Pick, do not average: chunks[..., i, i, :].",
            lambda c: c.mean(axis=-2),
        ),
        Misconception(
            "The coordinates of one action come from different chunks, too.",
            "One action comes from one chunk, whole.",
            _mix_actions,
        ),
        Misconception(
            "The first two axes are taken for candidate and step.",
            "They are the last but two and the last but one: chunks[..., i, i, :].",
            _mix_wrong_axes,
        ),
        Misconception(
            "All observations get the chunk of the first.",
            "What stands before the last three axes stays: chunks[..., i, i, :].",
            lambda c: (
                np.broadcast_to(mix_chunks(c.reshape(-1, *c.shape[-3:])[0]), (*c.shape[:-3], *c.shape[-2:]))
                + 0.0
            ),
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
    ],
    insight=(
        "Each step is drawn from just what it was drawn from before. "
        "Only the steps' knowledge of each other is gone."
    ),
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

    def decision(state, key):
        chunks = propose(state, key)
        best = chunks[jnp.argmax(value(state, chunks))]
        return jax.lax.scan(step, state, best[:keep])

    _, shown = jax.lax.scan(decision, state, jax.random.split(key, decisions))  # (decisions, keep, R)
    return shown.reshape(-1, *shown.shape[2:])


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


def _numpy_unless_traced(*values):
    return jnp if any(isinstance(value, jax.core.Tracer) for value in values) else np


def _act_cases(rng):
    def case(about, count, horizon, decisions, keep, hint, in_parts=False):
        toy = Toy(count, horizon, rng.normal(size=(4, 3)).astype(np.float32))
        state = rng.normal(size=3).astype(np.float32)
        if in_parts:
            toy, state = ToyInParts(toy), Place(state[:2], state[2])
        return Case(
            about,
            (
                toy.propose,
                toy.value,
                toy.step,
                state,
                jax.random.key(int(rng.integers(2**31))),
                decisions,
                keep,
            ),
            hint,
        )

    return [
        case(
            "one decision, 6 candidates of 3 actions, all executed",
            6,
            3,
            1,
            3,
            (
                "jax.lax.scan(decision, state, jax.random.split(key, decisions)). "
                "In a decision: chunks = propose(state, key); "
                "the one at jnp.argmax(value(state, chunks)); jax.lax.scan(step, state, best)."
            ),
        ),
        case(
            "five decisions, all 3 actions executed; the state is a NamedTuple",
            6,
            3,
            5,
            3,
            (
                "The state that a decision ends in is the carry of the outer scan: "
                "a NamedTuple of arrays here, so hand it on whole, as it is, without jnp.asarray. "
                "Each decision has a key of its own: jax.random.split(key, decisions)."
            ),
            in_parts=True,
        ),
        case(
            "six decisions, the first 2 of 4 actions executed",
            8,
            4,
            6,
            2,
            (
                "best[:keep], then decide anew. "
                "What is shown: (decisions, keep, R), reshaped to (decisions * keep, R)."
            ),
        ),
        case(
            "six decisions, the first of 3 actions executed",
            8,
            3,
            6,
            1,
            "With keep = 1 there is a decision at every step: best[:keep].",
        ),
    ]


def _act_by_loop(propose, value, step, state, key, decisions, keep):
    shown = []
    for decision_key in jax.random.split(key, decisions):
        chunks = np.asarray(propose(state, decision_key))
        chosen = int(np.argmax(np.asarray(value(state, chunks))))
        for k in range(keep):
            state, place = step(state, chunks[chosen][k])
            shown.append(np.asarray(place))
    return np.array(shown), 1.0


def _compiled_loop(answer, args):
    """Whether the decisions are one compiled loop:
    1, or 0 where a Python loop writes them out one after the other.
    """
    propose, value, step, state, key, _, keep = args
    if getattr(answer, "stands_for_a_scan", False):
        compiled = True
    else:
        program = lambda n: jax.make_jaxpr(
            lambda state, key: answer(propose, value, step, state, key, n, keep)
        )(state, key)
        compiled = len(str(program(8))) < 1.5 * len(str(program(2)))
    return {"number of compiled loops over decisions (the results are right)": float(compiled)}


def _act_with(
    key=lambda keys, i: keys[i],
    choose=lambda chunks, q: chunks[np.argmax(q)],
    part=lambda best, keep: best[:keep],
    carried=lambda new, old: new,
    seen=lambda now, first: now,
    asked=lambda now, first: now,
    count=lambda d, keep: d,
    shown=lambda s: s.reshape(-1, s.shape[-1]),
    split=jax.random.split,
):
    """A wrong answer;
    written as a loop, because that is quicker to check than a scan, and standing for a scan.
    """

    def wrong(propose, value, step, state, key_, decisions, keep):
        first, places = state, []
        decisions = count(decisions, keep)
        keys = split(key_, decisions)
        for i in range(decisions):
            chunks = np.asarray(propose(seen(state, first), key(keys, i)))
            best = part(choose(chunks, np.asarray(value(asked(state, first), chunks))), keep)
            here = state
            for action in best:
                here, place = step(here, action)
                places.append(place)
            state = carried(here, first)
        return shown(np.array(places).reshape(decisions, -1, len(places[0])))

    wrong.stands_for_a_scan = True
    return wrong


def _act_moving(move):
    """A wrong answer that goes wrong in a decision:
    move(step, state, best, keep) gives the next state and what is shown.
    """

    def wrong(propose, value, step, state, key, decisions, keep):
        places = []
        for decision_key in jax.random.split(key, decisions):
            chunks = np.asarray(propose(state, decision_key))
            state, shown = move(step, state, chunks[np.argmax(value(state, chunks))], keep)
            places += shown
        return np.array(places)

    wrong.stands_for_a_scan = True
    return wrong


def _act_roll(step, state, actions):
    states, places = [], []
    for action in actions:
        state, place = step(state, action)
        states.append(state)
        places.append(place)
    return states, places


def _act_from_the_decision(step, state, best, keep):
    states, places = zip(*(step(state, action) for action in best[:keep]), strict=True)
    return states[-1], list(places)


def _act_first_carried(step, state, best, keep):
    states, places = _act_roll(step, state, best[:keep])
    return states[0], places


def _act_all_carried(step, state, best, keep):
    states, places = _act_roll(step, state, best)
    return states[-1], places[:keep]


def _act_a_key_an_action(propose, value, step, state, key, decisions, keep):
    """One key an action is split off, and each decision uses the first of its own."""
    places = []
    for decision_key in jax.random.split(key, decisions * keep)[::keep]:
        chunks = np.asarray(propose(state, decision_key))
        states, shown = _act_roll(step, state, chunks[np.argmax(value(state, chunks))][:keep])
        state, places = states[-1], places + shown
    return np.array(places)


_act_a_key_an_action.stands_for_a_scan = True


def _act_chain(key, count):
    keys = []
    for _ in range(count):
        key, now = jax.random.split(key)
        keys.append(now)
    return keys


def _act_switching(propose, value, step, state, key, decisions, keep):
    places = []
    for decision_key in jax.random.split(key, decisions):
        chunks = np.asarray(propose(state, decision_key))
        for k in range(keep):
            state, place = step(state, chunks[np.argmax(value(state, chunks)), k])
            places.append(place)
    return np.array(places)


_act_switching.stands_for_a_scan = True


def _act_python(propose, value, step, state, key, decisions, keep):
    shown = []
    for decision_key in jax.random.split(key, decisions):
        chunks = propose(state, decision_key)
        best = chunks[_numpy_unless_traced(chunks).argmax(value(state, chunks))]
        for k in range(keep):
            state, place = step(state, best[k])
            shown.append(place)
    return _numpy_unless_traced(*shown).stack(shown)


check_act_best_of_n = Exercise(
    act_best_of_n,
    _act_by_loop,
    _act_cases,
    [
        Misconception(
            "A Python loop over the decisions: each is compiled by itself.",
            "jax.lax.scan(decision, state, jax.random.split(key, decisions)) writes the decision once.",
            _act_python,
        ),
        Misconception(
            "All decisions use the key that was given: the same noise again and again.",
            "One key a decision: jax.random.split(key, decisions) goes into the scan.",
            _act_with(split=lambda key, n: [key] * n),
        ),
        Misconception(
            "All decisions use the first of the keys: the same noise again and again.",
            "One key a decision: jax.random.split(key, decisions) goes into the scan.",
            _act_with(key=lambda keys, i: keys[0]),
        ),
        Misconception(
            "The keys are split one after the other. (As good, but the check compares numbers.)",
            "jax.random.split(key, decisions).",
            _act_with(split=_act_chain),
        ),
        Misconception(
            "The state is not carried: every decision starts from the first.",
            "The inner scan returns the last state; give it back as the carry of the outer one.",
            _act_with(carried=lambda new, old: old),
        ),
        Misconception(
            (
                "Each action starts from the state of the decision: "
                "the steps of a chunk do not follow each other."
            ),
            "jax.lax.scan(step, state, best[:keep]) hands the state on from action to action.",
            _act_moving(_act_from_the_decision),
        ),
        Misconception(
            "The next decision starts from the state after the first action.",
            "From the state after the last action executed: what the inner scan returns.",
            _act_moving(_act_first_carried),
        ),
        Misconception(
            "All actions of the chunk are executed, and the first `keep` of them shown.",
            "Execute best[:keep] only.",
            _act_moving(_act_all_carried),
        ),
        Misconception(
            "The key is split into one for each action. (As good, but the check compares numbers.)",
            "One key a decision: jax.random.split(key, decisions).",
            _act_a_key_an_action,
        ),
        Misconception(
            "The whole chunk is executed: keep is not used.", "best[:keep].", _act_with(part=lambda b, k: b)
        ),
        Misconception(
            "One action too many is executed.",
            "best[:keep] holds `keep` actions.",
            _act_with(part=lambda b, k: b[: k + 1]),
        ),
        Misconception(
            "One action too few is executed.",
            "best[:keep] holds `keep` actions.",
            _act_with(part=lambda b, k: b[: max(k - 1, 1)]),
        ),
        Misconception(
            "The first action is held for `keep` steps.",
            "best[:keep]: each action once.",
            _act_with(part=lambda b, k: np.repeat(b[:1], k, axis=0)),
        ),
        Misconception(
            "The last actions of the chunk are executed, not the first.",
            "best[:keep].",
            _act_with(part=lambda b, k: b[-k:]),
        ),
        Misconception(
            "The actions are executed in reverse order.",
            "best[:keep], the first one first.",
            _act_with(part=lambda b, k: b[:k][::-1]),
        ),
        Misconception(
            "It takes the worst candidate.", "jnp.argmax.", _act_with(choose=lambda c, q: c[np.argmin(q)])
        ),
        Misconception(
            "The index is on the wrong axis: chunks[:, argmax] is a step of all candidates.",
            "The first axis is the candidate: chunks[jnp.argmax(value(state, chunks))].",
            _act_with(choose=lambda c, q: c[:, min(np.argmax(q), c.shape[1] - 1)]),
        ),
        Misconception(
            "It takes the first candidate: the values are not used.",
            "chunks[jnp.argmax(value(state, chunks))].",
            _act_with(choose=lambda c, q: c[0]),
        ),
        Misconception(
            "It takes the last candidate: the values are not used.",
            "chunks[jnp.argmax(value(state, chunks))].",
            _act_with(choose=lambda c, q: c[-1]),
        ),
        Misconception(
            "The candidates are averaged with softmax weights.",
            "The best alone: jnp.argmax.",
            _act_with(choose=lambda c, q: np.einsum("n,nha->ha", np.exp(q) / np.exp(q).sum(), c)),
        ),
        Misconception(
            "The candidates are averaged.",
            "The best alone: jnp.argmax.",
            _act_with(choose=lambda c, q: c.mean(axis=0)),
        ),
        Misconception(
            "The largest absolute value wins.",
            "jnp.argmax of the values as they are.",
            _act_with(choose=lambda c, q: c[np.argmax(np.abs(q))]),
        ),
        Misconception(
            "The choice is made anew at every step of the chunk: the steps come from different candidates.",
            "One choice a decision; then its first `keep` actions.",
            _act_switching,
        ),
        Misconception(
            "The proposals are always those for the first state.",
            "propose(state, key) with the state of now.",
            _act_with(seen=lambda now, first: first),
        ),
        Misconception(
            "Proposals and values are always those for the first state.",
            "propose(state, key) and value(state, chunks) with the state of now.",
            _act_with(seen=lambda now, first: first, asked=lambda now, first: first),
        ),
        Misconception(
            "The values are always those at the first state.",
            "value(state, chunks) with the state of now.",
            _act_with(asked=lambda now, first: first),
        ),
        Misconception(
            "`decisions` is taken for the number of steps.",
            "There are `decisions` decisions, and decisions * keep steps.",
            _act_with(count=lambda d, k: max(d // k, 1)),
        ),
        Misconception(
            "Only what a decision ends in is shown.",
            "Every action: (decisions * keep, R).",
            _act_with(shown=lambda s: s[:, -1]),
        ),
        Misconception(
            "The decisions are left as an axis.",
            "Reshape (decisions, keep, R) to (decisions * keep, R).",
            _act_with(shown=lambda s: s),
        ),
        Misconception(
            "Decision and step have changed places in the result.",
            "reshape(-1, R) without a transpose: all steps of the first decision come first.",
            _act_with(shown=lambda s: s.swapaxes(0, 1).reshape(-1, s.shape[-1])),
        ),
    ],
    insight="`keep` alone decides how long a draw of noise is kept: the whole chunk, or one step.",
    compiled=True,
    observe=_compiled_loop,
)
