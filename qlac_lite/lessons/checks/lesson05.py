"""Checks of lesson 05, exploration.

Shapes: E episodes, T steps, H chunk, A action size, N candidates.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

# 1. Coherency and coverage


def explored(positions: np.ndarray, every: int, cells: int) -> tuple[float, float]:
    """Mean distance of places (E, T + 1, 2) from record to record, and the share of cells that an episode
    visits; records are taken from step 0 on.
    """
    places = positions[:, ::every]
    moves = np.diff(places, axis=1)  # (E, T // every, 2)
    distances = np.linalg.norm(moves, axis=-1)
    cell = np.floor((positions + 1) / 2 * cells)
    cell = np.clip(cell, 0, cells - 1).astype(int)  # (E, T + 1, 2)
    visited = [len(np.unique(each, axis=0)) for each in cell]
    return distances.mean(), np.mean(visited) / cells**2


def _explored_cases(rng):
    straight = np.arange(11)[:, None] * np.array([[[0.03, -0.04]], [[0.06, 0.08]]]) - [0.87, 0.11]
    turns = np.outer([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 2, 4, 6, 8, 10], [0.07, 0.09])
    x = [-1, -0.5, -0.5, 0, 0.25, 1, 1, 0.75, 0.9, -1, 1]
    y = [-1, -1, 0, 0.5, 0.75, 0.5, 1, 1, 0.9, -1, -1]
    walk = lambda *shape: np.clip(np.cumsum(rng.normal(size=shape) * 0.25, axis=1), -1, 1)
    order = lambda: np.stack(np.divmod(rng.permutation(400), 20), axis=1)
    tours = [(order() + rng.uniform(0.2, 0.8, size=(400, 2))) / 10 - 1 for _ in range(2)]
    straight_way = (
        "Coherency: the straight distance from each record to the next, then one mean over all of them.",
        "positions[:, ::every], np.diff over the time, np.linalg.norm over the last axis.",
    )
    cells_once = (
        "Coverage: number the cells as in point 3, and count those of each episode once.",
        "floor((x + 1) / 2 * cells), clipped; len(np.unique(cells of an episode, axis=0)).",
    )
    hints = lambda coherency=straight_way, coverage=cells_once: dict(coherency=coherency, coverage=coverage)
    return [
        Case(
            "two straight lines, at speeds of 0.05 and 0.1, 10 steps",
            (straight, 5, 4),
            hints(),
        ),
        Case(
            "three episodes on a line, forth, back and forth",
            (np.stack([turns, turns[::-1] - 0.5, 0.5 * turns]) - 0.3, 5, 8),
            hints(
                "Coherency: all moves count, up to the last record; the norm goes over the last axis.",
                "Coverage: a cell that was visited before adds nothing: "
                "np.unique(cells of an episode, axis=0), or a set of pairs.",
            ),
        ),
        Case(
            "places on the borders of cells and of the square",
            (np.stack([x, y], axis=1)[None], 5, 4),
            hints(
                coverage="A border belongs to the cell with the next higher number (floor); at x = 1 there "
                "is none, so 1.0 belongs to the last cell: np.clip(index, 0, cells - 1)."
            ),
        ),
        Case(
            "four episodes of 24 steps: the last 4 are no whole interval",
            (walk(4, 25, 2), 5, 9),
            hints(
                "The intervals are 0-5, 5-10, 10-15, 15-20; what is left over does not count for coherency.",
                "Coverage counts all places, episode by episode, and is the mean over episodes.",
            ),
        ),
        Case(
            "five episodes of 22 steps, a record every 3",
            (walk(5, 23, 2), 3, 6),
            hints("`every` is an argument: positions[:, ::every]."),
        ),
        Case(
            "each of 20 x 20 cells once, in random order",
            (np.stack(tours), 7, 20),
            hints(
                coverage="No two cells may share a number: "
                "column * cells + row, in large enough integers, or pairs."
            ),
        ),
    ]


def _explored_by_loop(positions, every, cells):
    distances, shares = [], []
    for episode in positions:
        for t in range(0, len(episode) - every, every):
            distances.append(np.sqrt(sum((episode[t + every] - episode[t]) ** 2)))
        visited = {tuple(min(int((v + 1) * cells / 2), cells - 1) for v in place) for place in episode}
        shares.append(len(visited) / cells**2)
    return sum(distances) / len(distances), sum(shares) / len(shares)


_COUNTED = "np.unique(each, axis=0)"
_explored_misconceptions = [
    Misconception(
        "Coherency: the distances are summed, not averaged.",
        "The mean over all intervals of all episodes.",
        edited(explored, {"distances.mean()": "distances.sum()"}),
    ),
    Misconception(
        "Coherency: the distances are summed within an episode, and averaged over episodes.",
        "The mean over all intervals of all episodes.",
        edited(explored, {"distances.mean()": "distances.sum(axis=1).mean()"}),
    ),
    Misconception(
        "Coherency: the squared distance; the root is missing.",
        "np.linalg.norm, or the root of the sum of squares.",
        edited(explored, {"distances.mean()": "(distances**2).mean()"}),
    ),
    Misconception(
        "Coherency: the root is taken at the end, a root mean square.",
        "First the root of each interval, then the mean.",
        edited(explored, {"distances.mean()": "np.sqrt((distances**2).mean())"}),
    ),
    Misconception(
        "Coherency: the intervals overlap; there is one from every step on.",
        "The places are recorded every 5 steps: 0-5, 5-10, ...; positions[:, ::every].",
        edited(explored, {"np.diff(places, axis=1)": "positions[:, every:] - positions[:, :-every]"}),
    ),
    Misconception(
        "Coherency: the way is measured, not the distance; the lengths of the single steps are added up.",
        "How far the place is after 5 steps, whatever the way there.",
        edited(
            explored,
            {
                "::every": ": (positions.shape[1] - 1) // every * every + 1",
                "distances.mean()": "every * distances.mean()",
            },
        ),
    ),
    Misconception(
        "Coherency: the distance of one step; every is not used.",
        "Places that are `every` steps apart: positions[:, ::every].",
        edited(explored, {"[:, ::every]": ""}),
    ),
    Misconception(
        "Coherency: the moves of single steps, of which every few-th is taken.",
        "First keep the places, then take the moves between them.",
        edited(
            explored,
            {"positions[:, ::every]": "positions", "(places, axis=1)": "(places, axis=1)[:, ::every]"},
        ),
    ),
    Misconception(
        "Coherency: every is always 5.",
        "Use the argument: positions[:, ::every].",
        edited(explored, {"::every": "::5"}),
    ),
    Misconception(
        "Coherency: one step more lies between two records.",
        "positions[:, ::every]: 0, every, 2 * every, ...",
        edited(explored, {"::every": ":: every + 1"}),
    ),
    Misconception(
        "Coherency: one step less lies between two records.",
        "positions[:, ::every]: 0, every, 2 * every, ...",
        edited(explored, {"::every": ":: every - 1"}),
    ),
    Misconception(
        "Coherency: the first interval is missing; the start does not count.",
        "Begin with step 0: positions[:, ::every].",
        edited(explored, {"::every": "every::every"}),
    ),
    Misconception(
        "Coherency: the records begin at step 1.",
        "Begin with step 0: positions[:, ::every].",
        edited(explored, {"::every": "1::every"}),
    ),
    Misconception(
        "Coherency: divided by T / every, which is no whole number where steps are left over.",
        "Divide by the number of intervals, T // every in each episode, or take the mean.",
        edited(
            explored,
            {"distances.mean()": "distances.sum() * every / (len(positions) * (positions.shape[1] - 1))"},
        ),
    ),
    Misconception(
        "Coherency: divided by the number of records, which is one more than there are intervals.",
        "Divide by the number of intervals, T // every in each episode, or take the mean.",
        edited(explored, {"distances.mean()": "distances.sum() / places[..., 0].size"}),
    ),
    Misconception(
        "Coherency: every place is compared with the start.",
        "Each one with the one before: np.diff.",
        edited(explored, {"np.diff(places, axis=1)": "places[:, 1:] - places[:, :1]"}),
    ),
    Misconception(
        "Coherency: only start and end are compared.",
        "The mean over all intervals.",
        edited(explored, {"np.diff(places, axis=1)": "places[:, -1:] - places[:, :1]"}),
    ),
    Misconception(
        "Coherency: the distance is divided by the steps, a speed.",
        "The distance itself.",
        edited(explored, {"distances.mean()": "distances.mean() / every"}),
    ),
    Misconception(
        "Coherency: the coordinates' distances are added (L1).",
        "The straight distance (L2): np.linalg.norm.",
        edited(explored, {"np.linalg.norm(moves, axis=-1)": "np.abs(moves).sum(axis=-1)"}),
    ),
    Misconception(
        "Coherency: the mean over the coordinates, not the length of the move.",
        "np.linalg.norm over the last axis.",
        edited(explored, {"np.linalg.norm(moves, axis=-1)": "np.abs(moves)"}),
    ),
    Misconception(
        "Coherency: the moves are averaged before their length is taken; forth and back cancel.",
        "First the length of each interval, then the mean.",
        edited(explored, {"norm(moves": "norm(moves.mean(axis=1)"}),
    ),
    Misconception(
        "Coherency: the norm runs over the time.",
        "The last axis holds the coordinates: axis=-1.",
        edited(explored, {"axis=-1": "axis=1"}),
    ),
    Misconception(
        "Coherency: one norm of everything; no axis was given.",
        "np.linalg.norm(..., axis=-1).",
        edited(explored, {"moves, axis=-1": "moves"}),
    ),
    Misconception(
        "Coherency: the median.",
        "The mean.",
        edited(explored, {"distances.mean()": "np.median(distances)"}),
    ),
    Misconception(
        "Coherency: episodes are left out, not steps, by positions[::every].",
        "The time is axis 1: positions[:, ::every].",
        edited(explored, {"[:, ::every]": "[::every]"}),
    ),
    Misconception(
        "Coverage: places are counted, not cells; a cell that is visited twice counts twice.",
        "A cell counts once.",
        edited(explored, {_COUNTED: "each"}),
    ),
    Misconception(
        "Coverage: different places are counted, not different cells.",
        "Turn places into cells first: floor((x + 1) / 2 * cells).",
        edited(explored, {"for each in cell]": "for each in positions]"}),
    ),
    Misconception(
        "Coverage: the cells of all episodes together.",
        "Each episode by itself, then the mean.",
        edited(explored, {"for each in cell]": "for each in [cell.reshape(-1, 2)]]"}),
    ),
    Misconception(
        "Coverage: the shares are summed over episodes.",
        "The mean over episodes.",
        edited(explored, {"np.mean(visited)": "np.sum(visited)"}),
    ),
    Misconception(
        "Coverage: only the first episode counts.",
        "The mean over episodes.",
        edited(explored, {"np.mean(visited)": "visited[0]"}),
    ),
    Misconception(
        "Coverage: only the last episode counts; a loop keeps what it found last.",
        "The mean over episodes.",
        edited(explored, {"np.mean(visited)": "visited[-1]"}),
    ),
    Misconception(
        "Coverage: only the recorded places count, every fifth.",
        "All places: positions, not every fifth.",
        edited(explored, {"(positions + 1)": "(places + 1)"}),
    ),
    Misconception(
        "Coverage: the start does not count.",
        "All places, the first one too.",
        edited(explored, {"(positions + 1)": "(positions[:, 1:] + 1)"}),
    ),
    Misconception(
        "Coverage: the number of cells is not divided by all of them.",
        "A share: divide by cells * cells.",
        edited(explored, {" / cells**2": ""}),
    ),
    Misconception(
        "Coverage: divided by cells, not by cells * cells.",
        "The grid has cells * cells cells.",
        edited(explored, {"cells**2": "cells"}),
    ),
    Misconception(
        "Coverage: divided by the number of places.",
        "Divide by cells * cells.",
        edited(explored, {"cells**2": "positions.shape[1]"}),
    ),
    Misconception(
        "Coverage: in percent.",
        "A share, between 0 and 1.",
        edited(explored, {"np.mean(visited)": "100 * np.mean(visited)"}),
    ),
    Misconception(
        "Coverage: rounded to the nearest border; half-cells at the edges.",
        "np.floor.",
        edited(explored, {"np.floor": "np.round"}),
    ),
    Misconception(
        "Coverage: rounded to the nearest border, and without a clip: cells + 1 numbers along each axis.",
        "np.floor, then np.clip(index, 0, cells - 1).",
        edited(explored, {"np.floor": "np.round", "np.clip(cell, 0, cells - 1)": "cell"}),
    ),
    Misconception(
        "Coverage: rounded to the nearest of cells - 1 steps; half-cells at the edges.",
        "floor((x + 1) / 2 * cells), then clip.",
        edited(explored, {"np.floor": "np.round", "2 * cells": "2 * (cells - 1)"}),
    ),
    Misconception(
        "Coverage: rounded up; the first cell would be the places at -1 alone.",
        "np.floor: a border belongs to the cell with the next higher number.",
        edited(explored, {"np.floor": "np.ceil", "cells - 1": "cells"}),
    ),
    Misconception(
        "Coverage: cells are cut towards zero; "
        "astype(int) of a negative number makes the cells in the middle twice as wide.",
        "First (x + 1) / 2 * cells, which is never negative, then floor.",
        edited(
            explored,
            {"np.floor((positions + 1)": "np.trunc(positions", "np.clip(cell, 0, cells - 1)": "cell"},
        ),
    ),
    Misconception(
        "Coverage: the grid is over [0, 1]; all negative places share a cell.",
        "(x + 1) / 2 is between 0 and 1.",
        edited(explored, {"(positions + 1) / 2": "positions"}),
    ),
    Misconception(
        "Coverage: the cells are half as wide, (x + 1) * cells.",
        "The square is 2 wide: (x + 1) / 2 * cells.",
        edited(explored, {" / 2": "", "np.clip(cell, 0, cells - 1)": "cell"}),
    ),
    Misconception(
        "Coverage: a place at the upper border falls out of the grid, into a cell of its own.",
        "At x = 1 the index is cells: np.clip(index, 0, cells - 1).",
        edited(explored, {"np.clip(cell, 0, cells - 1)": "cell"}),
    ),
    Misconception(
        "Coverage: a place at the upper border goes round to the first cell (% cells).",
        "x = 1 belongs to the last cell: np.clip(index, 0, cells - 1).",
        edited(explored, {"np.clip(cell, 0, cells - 1)": "(cell % cells)"}),
    ),
    Misconception(
        "Coverage: cells - 1 cells fill the square, and the border is one more.",
        "floor((x + 1) / 2 * cells), then clip.",
        edited(explored, {"2 * cells": "2 * (cells - 1)"}),
    ),
    Misconception(
        "Coverage: only x counts; columns, not cells.",
        "A cell is a pair of numbers, one for x and one for y.",
        edited(explored, {"each, axis=0": "each[:, 0]"}),
    ),
    Misconception(
        "Coverage: different numbers are counted, not different pairs; np.unique without an axis.",
        "np.unique(cells of an episode, axis=0) keeps each pair once.",
        edited(explored, {"each, axis=0": "each"}),
    ),
    Misconception(
        "Coverage: x and y are added up; all cells of a diagonal are one.",
        "Number the cells column * cells + row, or use pairs.",
        edited(explored, {"each, axis=0": "each.sum(axis=1)"}),
    ),
    Misconception(
        "Coverage: an integer division comes too early, (x + 1) // 2.",
        "First (x + 1) / 2 * cells, then floor.",
        edited(explored, {"/ 2": "// 2"}),
    ),
    Misconception(
        "Coverage: the numbers of the cells are too large for uint8; from 256 on they begin at 0 again.",
        "astype(int).",
        edited(explored, {"each, axis=0": "(each @ [cells, 1]).astype(np.uint8)"}),
    ),
    Misconception(
        "Coherency: the last record is left out.",
        "Up to step T // every * every, itself included: positions[:, ::every].",
        edited(explored, {"::every": ": (positions.shape[1] - 1) // every * every : every"}),
    ),
    Misconception(
        "Coherency: there are (T + 1) // every records, in most cases one too few.",
        "T // every intervals have T // every + 1 records: positions[:, ::every].",
        edited(explored, {"::every": "np.arange(positions.shape[1] // every) * every"}),
    ),
    Misconception(
        "Coherency: one norm of everything, no axis was given, divided by the intervals of an episode.",
        "The length of each move first, np.linalg.norm(..., axis=-1), then the mean.",
        edited(explored, {"moves, axis=-1)": "moves) / moves.shape[1]"}),
    ),
    Misconception(
        "Coverage: divided by 2 * cells, not by cells * cells.",
        "The grid has cells * cells cells.",
        edited(explored, {"cells**2": "(2 * cells)"}),
    ),
    Misconception(
        "Coverage: the brackets around x + 1 are missing; half of cells is added to x.",
        "(x + 1) / 2 * cells.",
        edited(explored, {"(positions + 1) / 2": "positions + 1 / 2"}),
    ),
    Misconception(
        "Coverage: the cells are numbered with every in place of cells.",
        "floor((x + 1) / 2 * cells), clipped to cells - 1.",
        edited(explored, {"2 * cells": "2 * every", "cells - 1": "every - 1"}),
    ),
    Misconception(
        "Coverage: changes of cell are counted; a cell that is entered again counts again.",
        "A cell counts once in an episode: np.unique(cells of an episode, axis=0).",
        edited(explored, {f"len({_COUNTED})": "1 + (np.diff(each, axis=0) != 0).any(axis=1).sum()"}),
    ),
]

check_explored = Exercise(
    explored,
    _explored_by_loop,
    _explored_cases,
    _explored_misconceptions,
    parts=("coherency", "coverage"),
    insight="Coherency measures how straight AND how fast: at twice the speed it is twice as large.",
)


# 2. Acting


def act_best_of_n(propose, value, step, state, key, decisions, keep):
    """Best-of-N acting in one lax.scan over decisions;
    what `step` shows after each action, (decisions * keep, ...).

    propose(state, key) gives chunks (N, H, A), value(state, chunks) gives (N,), step(state, action) gives the
    new state and what it shows. Each decision has a key of its own, and executes the first `keep`
    actions of the best chunk.
    """

    def decision(now, key):
        chunks = propose(now, key)
        best = chunks[jnp.argmax(value(now, chunks))]
        return jax.lax.scan(step, now, best[:keep])

    keys = jax.random.split(key, decisions)
    _, shown = jax.lax.scan(decision, state, keys)  # (decisions, keep, ...)
    return shown.reshape(-1, *shown.shape[2:])


def _numpy_unless_traced(*values):
    return jnp if any(isinstance(value, jax.core.Tracer) for value in values) else np


def _cut_before(shape, horizon):
    """The error of a value that is asked of cut chunks."""
    error = ValueError(f"value(state, chunks) takes chunks of {horizon} actions, and got {shape}")
    error.likely = (
        "The chunks are cut before they are valued. The critic values "
        "whole chunks: value(state, chunks) first, then best[:keep]."
    )
    return error


class Toy(NamedTuple):
    """A small world to act in: N candidates of H actions of size 2 for a state (3,).

    NumPy where nothing is traced: faster. If `same`, every key gives the same candidates.
    """

    count: int
    horizon: int
    weights: np.ndarray  # (4, 3) what draws, values and moves
    same: bool = False

    def __repr__(self):
        return f"a toy world: {self.count} candidates of {self.horizon} actions"

    def propose(self, state, key):
        if np.shape(state) != (3,):
            raise TypeError(
                f"propose(state, key) takes a state as it was given, and got {type(state).__name__}: "
                "the state comes first, the key second"
            )
        xp = _numpy_unless_traced(state, key)
        key = jax.random.key(7) if self.same else key
        noise = xp.asarray(jax.random.normal(key, (self.count, self.horizon, 2)))
        return xp.clip(xp.tanh(self.weights[:2] @ state) + 0.8 * noise, -1, 1)

    def value(self, state, chunks):
        if np.ndim(chunks) == 3 and np.shape(chunks)[1] < self.horizon:
            raise _cut_before(np.shape(chunks), self.horizon)
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
            (
                "Compare with points 1 to 5 of the docstring: one key a decision, "
                "jax.random.split(key, decisions), and the candidate at jnp.argmax of the values. "
                "Row r of the result belongs to decision r // keep, and to its action r % keep.",
                "In a decision: chunks = propose(state, key); the one at jnp.argmax(value(state, chunks)); "
                "jax.lax.scan(step, state, best).",
            ),
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
            "What is shown: (decisions, keep, D), reshaped to (decisions * keep, D).",
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


_PLACE_BY_PLACE = (
    "The largest number of all candidates in each place, jnp.max of the chunks: the values are not used.",
    "chunks[jnp.argmax(value(state, chunks))]: one candidate, as it is.",
)

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
        "Every action: (decisions * keep, ...).",
        _act_edited({"    places.append": "places.append"}),
    ),
    Misconception(
        "The decisions are left as an axis.",
        "Reshape (decisions, keep, ...) to (decisions * keep, ...).",
        _act_edited({"return shown": "return shown.reshape(decisions, keep, -1)"}),
    ),
    Misconception(
        "Decision and step have changed places in the result.",
        "Reshape without a transpose: all steps of the first decision come first.",
        _act_edited(
            {"return shown": "return np.concatenate(shown.reshape(decisions, keep, -1).swapaxes(0, 1))"}
        ),
    ),
    Misconception(
        *_PLACE_BY_PLACE,
        _act_edited({"chunks[q.argmax()]": "chunks.max(axis=0)"}),
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


# 3. The mixed chunk


def mixed_chunk(propose, value, state, key, horizon):
    """A chunk whose step i comes from the i-th of H independently chosen chunks, as one candidate (1, H, A).

    propose(state, key) gives chunks (N, H, A), value(state, chunks) gives (N,).
    """

    def choose(key):
        chunks = propose(state, key)
        return chunks[jnp.argmax(value(state, chunks))]

    chosen = jax.vmap(choose)(jax.random.split(key, horizon))  # (H, H, A)
    i = jnp.arange(horizon)
    return chosen[i, i][None]


def _mixed_cases(rng):
    def case(about, count, horizon, hint, in_parts=False, same=False):
        toy = Toy(count, horizon, rng.normal(size=(4, 3)).astype(np.float32), same)
        state = rng.normal(size=3).astype(np.float32)
        if in_parts:
            toy, state = ToyInParts(toy), Place(state[:2], state[2])
        key = jax.random.key(int(rng.integers(2**31)))
        return Case(about, (toy.propose, toy.value, state, key, horizon), hint)

    return [
        case(
            "every key proposes the same chunk of 7 actions",
            *(1, 7),
            (
                "One proposal holds one candidate here, so H chunks need H keys. All are equal here, so the "
                "mix is that chunk with each step in its own place. Shuffled steps lose their places.",
                "With i = jnp.arange(horizon), chosen[i, i] mixes them. One candidate: [None] in front.",
            ),
            same=True,
        ),
        case(
            "a clone: one candidate of 4 actions",
            *(1, 4),
            (
                "A key for each of the H proposals: jax.random.split(key, horizon). "
                "Step i of the mix is step i of the i-th.",
                "With i = jnp.arange(horizon), chosen[i, i] mixes them. One candidate: [None] in front.",
            ),
        ),
        case(
            "an agent: 6 candidates of 4 actions",
            *(6, 4),
            "Choose first, one chunk for each key, by jnp.argmax(value(state, chunks)); mix the chosen ones.",
        ),
        case(
            "6 candidates of 4 actions; the state is a NamedTuple",
            *(6, 4),
            "Hand the state on whole, as it is.",
            in_parts=True,
        ),
        case("5 candidates of 3 actions", *(5, 3), "Choose first, then mix: chosen[i, i]."),
    ]


def _mixed_in_a_loop(propose, value, state, key, horizon):
    """The same in a Python loop, of which the wrong answers are edits."""
    keys, steps = jax.random.split(key, horizon), []
    for i in range(horizon):
        chunks = propose(state, keys[i])
        q = value(state, chunks)
        best = chunks[q.argmax()]
        steps.append(best[i])
    return _numpy_unless_traced(*steps).stack(steps)[None]


def _mixed_before_the_choice(propose, value, state, key, horizon):
    keys = jax.random.split(key, horizon)
    mixes = np.stack([propose(state, keys[i])[:, i] for i in range(horizon)], axis=1)
    return mixes[value(state, mixes).argmax()][None]


def _shuffled(choose_key, shuffle_key):
    """A wrong answer: the steps of one chosen chunk in another order; both keys from (key, horizon)."""

    def wrong(propose, value, state, key, horizon):
        chunks = propose(state, choose_key(key, horizon))
        order = np.asarray(jax.random.permutation(shuffle_key(key, horizon), horizon))
        return chunks[value(state, chunks).argmax()][order][None]

    return wrong


def _best_of_one_proposal(propose, value, state, key, horizon):
    chunks, i = propose(state, key), np.arange(horizon)
    order = np.argsort(-value(state, chunks))
    return chunks[order[np.minimum(i, len(order) - 1)], i][None]


_KEY = lambda number: lambda key, horizon: jax.random.split(key, horizon)[number]
_GIVEN = lambda key, horizon: key
_SHUFFLES = (
    ("chosen and shuffled with the key that was given", _GIVEN, _GIVEN),
    ("chosen with the first key, shuffled with the second", _KEY(0), _KEY(1)),
    ("chosen with the second key, shuffled with the first", _KEY(1), _KEY(0)),
    ("chosen with the first key, shuffled with the last", _KEY(0), _KEY(-1)),
    ("chosen with the first key, shuffled with the given one", _KEY(0), _GIVEN),
    ("chosen with the given key, shuffled with the first", _GIVEN, _KEY(0)),
)

_mixed_misconceptions = [
    *(
        Misconception(
            f"The steps of one chunk are shuffled ({how}): step i gets the distribution of any step.",
            "Choose a chunk with each of the H keys; step i is step i of the i-th one: chosen[i, i].",
            _shuffled(*keys),
        )
        for how, *keys in _SHUFFLES
    ),
    Misconception(
        "The best H candidates of one proposal are mixed; of one candidate, H times the same.",
        "With each of H keys propose anew and choose the best candidate; then mix.",
        _best_of_one_proposal,
    ),
    Misconception(
        "Every step comes from the first chosen chunk: nothing is mixed. "
        "Either one key serves all choices, or chosen[0] is picked.",
        "A key for each choice, jax.random.split(key, horizon), and step i of the i-th: chosen[i, i].",
        edited(_mixed_in_a_loop, {"keys[i]": "keys[0]"}),
    ),
    Misconception(
        "All choices use the key that was given: they choose the same chunk, and nothing is mixed.",
        "A key for each: jax.random.split(key, horizon).",
        edited(_mixed_in_a_loop, {"keys[i]": "key"}),
    ),
    Misconception(
        "The first action of each chunk: step i no longer has the distribution of step i.",
        "Step i stays step i: chosen[i, i].",
        edited(_mixed_in_a_loop, {"best[i]": "best[0]"}),
    ),
    Misconception(
        "The steps are reversed: step i is the last but i of the i-th chunk.",
        "Step i stays step i: chosen[i, i].",
        edited(_mixed_in_a_loop, {"best[i]": "best[-1 - i]"}),
    ),
    Misconception(
        "The steps are shifted by one.",
        "Step i stays step i: count from 0.",
        edited(_mixed_in_a_loop, {"best[i]": "best[(i + 1) % horizon]"}),
    ),
    Misconception(
        "The chunks are mixed first, and the best mixture is chosen: the choice makes steps fit again.",
        "Choose a whole chunk with each key; then mix the chosen ones.",
        _mixed_before_the_choice,
    ),
    Misconception(
        "The first candidate of each key: the values are not used.",
        "chunks[jnp.argmax(value(state, chunks))].",
        edited(_mixed_in_a_loop, {"q.argmax()": "0"}),
    ),
    Misconception(
        "The last candidate of each key: the values are not used, or argmax was given no axis.",
        "chunks[jnp.argmax(value(state, chunks))].",
        edited(_mixed_in_a_loop, {"q.argmax()": "-1"}),
    ),
    Misconception(
        "It takes the worst candidates.",
        "jnp.argmax.",
        edited(_mixed_in_a_loop, {"argmax": "argmin"}),
    ),
    Misconception(
        "The candidates of one proposal are mixed: the i-th candidate gives step i, whatever it is worth.",
        "With each of H keys choose the best candidate; then mix.",
        edited(_mixed_in_a_loop, {"keys[i]": "keys[0]", "q.argmax()": "i % len(q)"}),
    ),
    Misconception(
        "The mean over the candidates: no step has its own distribution, and it stands between the modes.",
        "Choose, do not average: chunks[jnp.argmax(value(state, chunks))].",
        edited(_mixed_in_a_loop, {"chunks[q.argmax()]": "chunks.mean(axis=0)"}),
    ),
    Misconception(
        "The mean over the chosen chunks: no step has its own distribution, and it stands between the modes.",
        "Pick, do not average: chosen[i, i].",
        edited(
            _mixed_in_a_loop,
            {
                "steps.append(best[i])": "steps.append(best)",
                "stack(steps)": "stack(steps).mean(axis=0)",
            },
        ),
    ),
    Misconception(
        "The last chunk chosen, as it is: nothing is mixed.",
        "Step i from the i-th chosen chunk: chosen[i, i].",
        edited(_mixed_in_a_loop, {"steps.append(best[i])": "steps = list(best)"}),
    ),
    Misconception(
        "The chunks are taken in reverse order. (As good a mix, but the check compares numbers.)",
        "Step i from the i-th chosen chunk.",
        edited(_mixed_in_a_loop, {"keys[i]": "keys[-1 - i]"}),
    ),
    Misconception(
        "Step i comes from the chunk before the i-th. (As good a mix, but the check compares numbers.)",
        "Step i from the i-th chosen chunk: count from 0.",
        edited(_mixed_in_a_loop, {"keys[i]": "keys[i - 1]"}),
    ),
    Misconception(
        "The keys are split one after the other. (As good, but the check compares numbers.)",
        "jax.random.split(key, horizon).",
        edited(
            _mixed_in_a_loop,
            {"chunks =": "key, own = jax.random.split(key)\n        chunks =", "keys[i]": "own"},
        ),
    ),
    Misconception(
        "The chunk has no axis of candidates.",
        "It stands for a proposal, (1, H, A): [None] in front.",
        edited(_mixed_in_a_loop, {"[None]": ""}),
    ),
    Misconception(
        "All chosen chunks come back: the steps are not picked.",
        "With i = jnp.arange(horizon), chosen[i, i].",
        edited(_mixed_in_a_loop, {"steps.append(best[i])": "steps.append(best)", "[None]": ""}),
    ),
    Misconception(
        *_PLACE_BY_PLACE,
        edited(_mixed_in_a_loop, {"chunks[q.argmax()]": "chunks.max(axis=0)"}),
    ),
]

check_mixed_chunk = Exercise(
    mixed_chunk,
    _mixed_in_a_loop,
    _mixed_cases,
    _mixed_misconceptions,
    insight="Each step has the distribution that it had. Only the tie between the steps is gone.",
    compiled=True,
)


# 4. The bug hunt


def mean_distances(positions: np.ndarray, longest: int) -> np.ndarray:
    """Mean distance (longest,) of places (E, T + 1, 2) that are 1 to longest steps apart, of all pairs."""
    distances = []
    for apart in range(1, longest + 1):
        moves = positions[:, apart:] - positions[:, :-apart]
        length = np.linalg.norm(moves, axis=-1)
        distances.append(length.mean())
    return np.array(distances)


def _distances_cases(rng):
    def strokes(episodes, chunks, size):
        """Paths in straight strokes of `size` steps, each in a new direction."""
        ways = 0.1 * rng.normal(size=(episodes, chunks, 1, 2))
        steps = np.broadcast_to(ways, (episodes, chunks, size, 2)).reshape(episodes, -1, 2)
        return np.concatenate([np.zeros((episodes, 1, 2)), np.cumsum(steps, axis=1)], axis=1)

    corner = np.array([[0, 0], [1, 0], [2, 0], [2, 1], [2, 2]]) * 0.1
    return [
        Case(
            "two steps to the right, two up; 1 and 2 steps apart",
            (corner[None], 2),
            "Two steps apart there are three pairs, 0-2, 1-3 and 2-4: the second goes round the corner. "
            "All three count.",
        ),
        Case(
            "three episodes of four strokes of 5 steps",
            (strokes(3, 4, 5), 12),
            "All pairs count, from every step on and up to the last: T + 1 - apart in each episode.",
        ),
        Case(
            "two episodes of strokes of 3 steps",
            (strokes(2, 7, 3), 9),
            "All pairs count, from every step on. Each pair counts once.",
        ),
        Case(
            "four episodes of 23 steps of random walks with pauses",
            (np.cumsum(0.1 * rng.normal(size=(4, 24, 2)) * (np.arange(24) % 4 > 1)[:, None], axis=1), 10),
            "A distance of 0 counts, too. Each pair counts once, so the pairs of one start do not weigh "
            "more than those of another.",
        ),
    ]


def _distances_by_loop(positions, longest):
    curve = []
    for apart in range(1, longest + 1):
        pairs = [
            np.sqrt(((path[t + apart] - path[t]) ** 2).sum())
            for path in positions
            for t in range(len(path) - apart)
        ]
        curve.append(sum(pairs) / len(pairs))
    return np.array(curve)


_MOVES = "positions[:, apart:] - positions[:, :-apart]"
_distances_misconceptions = [
    Misconception(
        "Hers: the pairs begin at step 0 and at multiples of what lies between, so where chunks begin.",
        "Let pairs begin at every step.",
        edited(mean_distances, {_MOVES: "np.diff(positions[:, ::apart], axis=1)"}),
    ),
    Misconception(
        "The records begin one step later. Five steps apart, they still all begin at one place in a chunk.",
        "Let pairs begin at every step.",
        edited(mean_distances, {_MOVES: "np.diff(positions[:, 1::apart], axis=1)"}),
    ),
    Misconception(
        "The records begin two steps later. Five steps apart, they still all begin at one place in a chunk.",
        "Let pairs begin at every step.",
        edited(mean_distances, {_MOVES: "np.diff(positions[:, 2::apart], axis=1)"}),
    ),
    Misconception(
        "The records are counted from the end: they still all begin at one place in a chunk.",
        "Let pairs begin at every step.",
        edited(mean_distances, {_MOVES: "np.diff(positions[:, ::-apart], axis=1)"}),
    ),
    Misconception(
        "The mean of the means of each start. (As fair, but the check compares numbers.)",
        "One mean over all pairs: positions[:, apart:] - positions[:, :-apart].",
        lambda p, n: np.array(
            [
                np.mean(
                    [
                        np.linalg.norm(np.diff(p[:, start::apart], axis=1), axis=-1).mean()
                        for start in range(apart)
                        if start + apart < p.shape[1]
                    ]
                )
                for apart in range(1, n + 1)
            ]
        ),
    ),
    Misconception(
        "Every distance is taken from the same starts; the pairs that begin later are left out. "
        "(As fair, but the check compares numbers.)",
        "All pairs: positions[:, apart:] - positions[:, :-apart].",
        lambda p, n: np.array(
            [
                np.linalg.norm(p[:, a : a + p.shape[1] - n] - p[:, : p.shape[1] - n], axis=-1).mean()
                for a in range(1, n + 1)
            ]
        ),
    ),
    Misconception(
        "Only the first pair of each start.",
        "All pairs: positions[:, apart:] - positions[:, :-apart].",
        edited(
            mean_distances,
            {_MOVES: f"({_MOVES})[:, :apart]"},
        ),
    ),
    Misconception(
        "The peaks are cut off: a curve that may only grow hides the cause and keeps it.",
        "Mend where the pairs begin.",
        edited(
            mean_distances,
            {
                _MOVES: "np.diff(positions[:, ::apart], axis=1)",
                "np.array(distances)": "np.maximum.accumulate(distances)",
            },
        ),
    ),
    Misconception(
        "Places are averaged with their neighbours first: that smooths the path, not the measure.",
        "Mend where the pairs begin.",
        edited(
            mean_distances,
            {
                _MOVES: "np.diff(((positions + np.roll(positions, 1, axis=1)) / 2)[:, ::apart], axis=1)",
            },
        ),
    ),
    Misconception(
        "The distance is divided by the steps: a speed.",
        "The distance itself; where the pairs begin is what has to change.",
        edited(mean_distances, {"length.mean()": "length.mean() / apart"}),
    ),
    Misconception(
        "Divided by the steps, and the records begin where they did.",
        "The distance itself; where the pairs begin is what has to change.",
        edited(
            mean_distances,
            {_MOVES: "np.diff(positions[:, ::apart], axis=1)", "length.mean()": "length.mean() / apart"},
        ),
    ),
    Misconception(
        "The root mean square of the distances.",
        "The mean of the distances; the norm was right.",
        edited(mean_distances, {"length.mean()": "np.sqrt((length**2).mean())"}),
    ),
    Misconception(
        "The median of the distances.",
        "The mean; it was right.",
        edited(mean_distances, {"length.mean()": "np.median(length)"}),
    ),
    Misconception(
        "The median, and the records begin where they did: chunk starts are not outliers.",
        "The mean was right; where the pairs begin is what has to change.",
        edited(
            mean_distances,
            {_MOVES: "np.diff(positions[:, ::apart], axis=1)", "length.mean()": "np.median(length)"},
        ),
    ),
    Misconception(
        "The distance to the start, not between pairs.",
        "Each place with the one `apart` steps later.",
        edited(mean_distances, {_MOVES: "positions[:, apart:] - positions[:, :1]"}),
    ),
    Misconception(
        "The last pair is missing.",
        "A range that ends too early: positions[:, apart:] - positions[:, :-apart].",
        edited(
            mean_distances,
            {_MOVES: f"({_MOVES})[:, : max(1, positions.shape[1] - apart - 1)]"},
        ),
    ),
    Misconception(
        "Only the first episode.",
        "The mean over the pairs of all episodes.",
        edited(mean_distances, {"length.mean()": "length[0].mean()"}),
    ),
    Misconception(
        "One start too many: pairs that begin at multiples of what lies between count twice, save the first.",
        "Each pair once: starts from 0 to apart - 1.",
        edited(
            mean_distances,
            {
                _MOVES: "np.concatenate([np.diff(positions[:, s::apart], axis=1) "
                "for s in range(apart + 1)], axis=1)"
            },
        ),
    ),
    Misconception(
        "The episode is closed to a ring, by np.roll: its last places are compared with its first.",
        "positions[:, apart:] - positions[:, :-apart].",
        edited(mean_distances, {_MOVES: "positions - np.roll(positions, apart, axis=1)"}),
    ),
    Misconception(
        "One pair an episode: the one that begins at its start.",
        "All pairs: positions[:, apart:] - positions[:, :-apart].",
        edited(mean_distances, {_MOVES: "positions[:, apart] - positions[:, 0]"}),
    ),
]

check_mean_distances = Exercise(
    mean_distances,
    _distances_by_loop,
    _distances_cases,
    _distances_misconceptions,
    insight="That was the cause: pairs begin at every step of a chunk now.",
)
