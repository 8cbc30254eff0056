"""A house with two walls for lesson 11: recorded walks, and two critics that learn from them side by side.

Shapes: S states, n recorded moves, m recorded chunks, R seeds.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qlac_lite.lessons.checks.lesson11 import Recorded
from qlac_lite.lessons.notebook import shorten

PICTURE = """
G..........
..........#
####.######
...........
...........
...........
######.####
..........S
...........
""".strip().split()
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left
DISCOUNT, LENGTH, LIMIT = 0.97, 4, 100  # of a step; of a chunk; of steps that are counted
SEEDS = shorten(8, fast=2)
CELLS = [(i, j) for i, row in enumerate(PICTURE) for j, mark in enumerate(row) if mark != "#"]
_PLACE = {cell: number for number, cell in enumerate(CELLS)}
NEXT = np.array([[_PLACE.get((i + di, j + dj), _PLACE[i, j]) for di, dj in MOVES] for i, j in CELLS])
GOAL, START = (next(n for n, (i, j) in enumerate(CELLS) if PICTURE[i][j] == mark) for mark in "GS")


class Walks(NamedTuple):
    """What was recorded: each move and each chunk once, and the walks for drawing."""

    moves: Recorded  # (n,)
    chunks: Recorded  # (m,)
    actions: np.ndarray  # (n,), of the moves
    chunk_actions: list[tuple[int, ...]]  # of the chunks; one that reaches the goal is shorter
    walks: list[list[int]]  # states


class Critics(NamedTuple):
    """The two critics after so many sweeps."""

    q: np.ndarray  # (n,)
    chunk_q: np.ndarray  # (m,)


@functools.cache
def steps_to_goal() -> np.ndarray:
    """Of the shortest way from each state, (S,)."""
    steps = np.full(len(CELLS), len(CELLS))
    steps[GOAL] = 0
    for _ in CELLS:
        steps = np.minimum(steps, 1 + steps[NEXT].min(axis=1))
    return steps


@functools.cache
def record(seed: int, walks: int = 25, length: int = LENGTH, careless: float = 0.9, long: int = 60) -> Walks:
    """Walks from random places: a random step with probability `careless`, else one towards the goal."""
    rng, far = np.random.default_rng(seed), steps_to_goal()
    paths, moves, chunks = [], {}, {}
    for _ in range(walks):
        state = rng.choice(np.flatnonzero(far > 0))
        states, actions = [int(state)], []
        while states[-1] != GOAL and len(actions) < long:
            ahead = far[NEXT[states[-1]]]
            action = rng.choice(np.flatnonzero(ahead == ahead.min()))
            action = rng.integers(4) if rng.random() < careless else action
            actions.append(int(action))
            states.append(int(NEXT[states[-1], action]))
        paths.append(states)
        for t in range(len(actions)):
            moves.setdefault((states[t], actions[t]), len(moves))
            chunk, end = tuple(actions[t : t + length]), states[min(t + length, len(actions))]
            if len(chunk) == length or end == GOAL:
                chunks[states[t], chunk] = end
    starts, own = np.array(list(moves)).T
    ends = NEXT[starts, own]
    there = ends == GOAL
    one = Recorded(starts, there * 1.0, np.where(there, 0, DISCOUNT), ends, np.arange(len(moves)))
    from_, taken = zip(*chunks, strict=True)
    ends, sizes = np.array(list(chunks.values())), np.array([len(chunk) for chunk in taken])
    first = np.array([moves[state, chunk[0]] for state, chunk in chunks])
    there = ends == GOAL
    rewards, left = there * DISCOUNT ** (sizes - 1.0), np.where(there, 0, DISCOUNT**length)
    many = Recorded(np.array(from_), rewards, left, ends, first)
    return Walks(one, many, own, list(taken), paths)


def learn(
    sweep: Callable, walks: Walks, sweeps: int, weight: float, error: float = 0.0, seed: int = 0
) -> Critics:
    """Critics after so many sweeps from 0. Each sweep leaves a normal `error` of this size on each value."""
    rng = np.random.default_rng([seed, 1])
    q, chunk_q = np.zeros(len(walks.actions)), np.zeros(len(walks.chunk_actions))
    for _ in range(sweeps):
        q, chunk_q = sweep(q, chunk_q, walks.moves, walks.chunks, len(CELLS), weight)
        q, chunk_q = (values + error * rng.normal(size=len(values)) for values in (q, chunk_q))
    return Critics(q, chunk_q)


def _best(values: np.ndarray, starts: np.ndarray, state: int, rng: np.random.Generator) -> int | None:
    """The row with the largest value among those that start in a state; a random one of equals."""
    rows = np.flatnonzero(starts == state)
    if not len(rows):
        return None
    return int(rng.choice(rows[values[rows] == values[rows].max()]))


def walk(walks: Walks, critics: Critics, by: str, state: int = START) -> list[int]:
    """The states on the way from a state, at most LIMIT steps, "by move" or "by chunk"; a random step where
    nothing is recorded."""
    rng, path = np.random.default_rng(0), [int(state)]
    chunked = by == "by chunk"
    recorded, values = (walks.chunks, critics.chunk_q) if chunked else (walks.moves, critics.q)
    while path[-1] != GOAL and len(path) <= LIMIT:
        row = _best(values, recorded.state, path[-1], rng)
        if row is None:
            actions = (int(rng.integers(4)),)
        else:
            actions = walks.chunk_actions[row] if chunked else (int(walks.actions[row]),)
        for action in actions:
            if path[-1] != GOAL and len(path) <= LIMIT:
                path.append(int(NEXT[path[-1], action]))
    return path


def far_starts() -> np.ndarray:
    """Five places in the room of S from which the way is long."""
    far = steps_to_goal()
    return np.flatnonzero(far >= far[START] - 4)[:10:2]


class Walked(NamedTuple):
    """How an agent walks from `far_starts`, by seed."""

    arrived: np.ndarray  # (R,) percent of the walks
    steps: np.ndarray  # (R,) mean of the walks that arrive; NaN where none does


def walked(walks: Walks, critics: Critics, by: str) -> tuple[float, float]:
    """Of the walks from `far_starts`: percentage that arrive, and the mean steps of these."""
    paths = [walk(walks, critics, by, state) for state in far_starts()]
    steps = [len(path) - 1 for path in paths if path[-1] == GOAL]
    return 100 * len(steps) / len(paths), float(np.mean(steps)) if steps else np.nan


def by_weight(
    sweep: Callable, weights, sweeps: int, error: float = 0.0
) -> tuple[dict[float, Walked], Walked]:
    """How the agents walk: by move for each weight, and by chunk."""
    found, chunked = {weight: [] for weight in weights}, []
    for seed in range(SEEDS):
        walks = record(seed)
        for weight in weights:
            critics = learn(sweep, walks, sweeps, weight, error, seed)
            found[weight].append(walked(walks, critics, "by move"))
        chunked.append(walked(walks, critics, "by chunk"))  # it does not depend on the weight
    gather = lambda values: Walked(*np.array(values).T)
    return {weight: gather(values) for weight, values in found.items()}, gather(chunked)


def sweeps_needed(sweep: Callable, weight: float, length: int = LENGTH, most: int = 50) -> np.ndarray:
    """After how many sweeps the one-step agent arrives from all `far_starts`, by seed (R,); `most` if never.

    Args:
        length: of the guide's chunks.
    """
    needed = []
    for walks in (record(seed, length=length) for seed in range(SEEDS)):
        critics = learn(sweep, walks, 0, weight)
        needed.append(most)
        for count in range(1, most + 1):
            critics = Critics(*sweep(*critics, walks.moves, walks.chunks, len(CELLS), weight))
            if all(walk(walks, critics, "by move", state)[-1] == GOAL for state in far_starts()):
                needed[-1] = count
                break
    return np.array(needed)


def compared(
    needed: dict[int, tuple], until: dict[tuple[float, int], np.ndarray]
) -> dict[str, dict[str, tuple]]:
    """Rows for `table`: of weights 0.3, 0 and 10, and of the chunk critic; steps as far as all walks arrive.

    Args:
        needed: {sweeps: by_weight}.
        until: `sweeps_needed` by weight and length of the guide's chunks.
    """
    rows = {}
    for sweeps, (by_move, by_chunk) in needed.items():
        light, none, heavy = (by_move[weight] for weight in (0.3, 0, 10))
        pairs = {"0.3 minus none": (light, none), "10 minus 0.3": (heavy, light)}
        pairs |= {"0.3 minus chunks": (light, by_chunk), "none minus chunks": (none, by_chunk)}
        for name, both in pairs.items():
            row = {"arrivals (points)": tuple(each.arrived for each in both)}
            if min(each.arrived.min() for each in both) == 100:
                row["steps"] = tuple(each.steps for each in both)
            rows[f"{sweeps} sweeps: {name}"] = row
    for length in (LENGTH, 1):
        name = f"until all arrive: 0.3, chunks of {length}, minus none"
        rows[name] = {"sweeps": (until[0.3, length], until[0, LENGTH])}
    return rows


def ends(sweep: Callable, weight: float, sweeps: int) -> dict[str, int]:
    """How the one-step agent walks from `far_starts`, over all seeds: how often it never arrives, how many of
    these walks end in one place, how many of these places have a best chunk that begins on the spot, and from
    how many of those the chunk critic's agent arrives.
    """
    names = ("walks", "never arrive", "get stuck", "where the best chunk begins with a bump")
    found = dict.fromkeys([*names, "from which the chunk critic's agent arrives"], 0)
    for walks in map(record, range(SEEDS)):
        critics = learn(sweep, walks, sweeps, weight)
        for state in far_starts():
            path = walk(walks, critics, "by move", state)
            stuck = path[-1] != GOAL and len(set(path[-20:])) == 1
            chunk = _best(critics.chunk_q, walks.chunks.state, path[-1], np.random.default_rng(0))
            on_the_spot = chunk is not None and NEXT[path[-1], walks.chunk_actions[chunk][0]] == path[-1]
            bumps = stuck and on_the_spot
            goes_on = bumps and walk(walks, critics, "by chunk", path[-1])[-1] == GOAL
            for name, so in zip(found, (True, path[-1] != GOAL, stuck, bumps, goes_on), strict=True):
                found[name] += int(so)
    return found


def values_by_cell(walks: Walks, critics: Critics, by: str) -> np.ndarray:
    """The largest value of what starts in each cell, as a picture; NaN where nothing is recorded."""
    picture = np.full((len(PICTURE), len(PICTURE[0])), np.nan)
    recorded, values = (walks.chunks, critics.chunk_q) if by == "by chunk" else (walks.moves, critics.q)
    for state, value in zip(recorded.state, values, strict=True):
        picture[CELLS[state]] = np.nanmax([picture[CELLS[state]], value])
    picture[CELLS[GOAL]] = 1
    return picture
