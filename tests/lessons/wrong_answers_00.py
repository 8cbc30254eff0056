"""Answers to the exercises of lesson 00 as learners might write them.

Here and in the other lessons' files RIGHT and ALSO_RIGHT are correct, in another style than the library's.
WRONG go beyond the misconceptions that the checks know by name; each stands with a part of the message that
it must be met with.
"""

from collections import Counter, defaultdict

import numpy as np

from qlac_lite.lessons.checks.exercise import edited


def counted_by_time(walks, length):
    counts = [{} for _ in range(10)]
    cells = [0] * len(walks)
    for t in range(max(len(moves) for moves in walks)):
        for i, moves in enumerate(walks):
            if t + length <= len(moves) and cells[i] < 10:
                chunk = tuple(moves[t : t + length])
                counts[cells[i]][chunk] = counts[cells[i]].get(chunk, 0) + 1
            if t < len(moves):
                cells[i] += moves[t]
    return np.array([max(count, key=count.get) for count in counts])


def counted(walks, length, start=0, least=False, every=1, reset=True, late=0, waits=True):
    """`most_frequent_chunks` with a Counter a cell, and ways to go wrong."""
    counts, cell = [Counter() for _ in range(10)], start
    for moves in walks:
        cell = start if reset else cell
        for t in range(0, len(moves) - length - late + 1):
            if cell < 10 and t % every == 0 and (waits or moves[t]):
                counts[cell][tuple(moves[t + late : t + late + length])] += 1
            cell += moves[t]
    order = (
        (lambda count: count.most_common()[-1][0]) if least else (lambda count: count.most_common(1)[0][0])
    )
    return [list(order(count)) if count else [0] * length for count in counts]


def last_of_equals(walks, length):
    """The best so far is replaced by an equal one."""
    counts, best = defaultdict(int), {}
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            chunk = tuple(moves[t : t + length])
            if cell < 10 and len(chunk) == length:
                counts[cell, chunk] += 1
                if counts[cell, chunk] >= counts.get((cell, best.get(cell)), 0):
                    best[cell] = chunk
    return np.array([best[cell] for cell in range(10)])


def by_place(walks, length):
    """The most frequent move at each place of the chunk, by counting."""
    columns = [[Counter() for _ in range(length)] for _ in range(10)]
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            if cell < 10 and t <= len(moves) - length:
                for k in range(length):
                    columns[cell][k][int(moves[t + k])] += 1
    return [[int(count[1] > count[0]) for count in row] for row in columns]


def first_to_lead(walks, length):
    """The best so far is replaced by a more frequent one."""
    counts, best = [Counter() for _ in range(10)], [()] * 10
    for moves in walks:
        for t, cell in enumerate(
            np.cumsum(moves)[: len(moves) - length + 1] - moves[: len(moves) - length + 1]
        ):
            if cell < 10:
                chunk = tuple(moves[t : t + length])
                counts[cell][chunk] += 1
                if counts[cell][chunk] > counts[cell][best[cell]]:
                    best[cell] = chunk
    return np.array(best)


def first_only(walks, length):
    table = {}
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            if cell < 10 and t <= len(moves) - length:
                table.setdefault(cell, moves[t : t + length])
    return np.array([table[cell] for cell in range(10)])


def newest(walks, length):
    table = np.zeros((10, length))
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            if cell < 10 and t <= len(moves) - length:
                table[cell] = moves[t : t + length]
    return table


def by_step(walks, length):
    counts = [Counter() for _ in range(10)]
    for moves in walks:
        for t in range(min(10, len(moves) - length + 1)):
            counts[t][tuple(moves[t : t + length])] += 1
    return [count.most_common(1)[0][0] for count in counts]


def one_dictionary(walks, length):
    counts = [{}] * 10
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            if cell < 10 and t <= len(moves) - length:
                chunk = tuple(moves[t : t + length])
                counts[cell][chunk] = counts[cell].get(chunk, 0) + 1
    return np.array([max(count, key=count.get) for count in counts])


def up_to_the_goal(walks, length):
    """Chunks that pass cell 10 are dropped."""
    counts = [Counter() for _ in range(10)]
    for moves in walks:
        for t, cell in enumerate(np.cumsum(moves) - moves):
            chunk = tuple(moves[t : t + length])
            if cell < 10 and len(chunk) == length and cell + sum(chunk) <= 10:
                counts[cell][chunk] += 1
    return [count.most_common(1)[0][0] if count else (1,) * length for count in counts]


def walked(table, patience, go=lambda plan: plan.pop(0), anew=lambda plan, cells: not plan, row=0, goal=10):
    """`walk_clone`, and ways to go wrong."""
    cells, plan = [0], []
    while cells[-1] < goal and len(cells) <= patience:
        if anew(plan, cells):
            plan = list(table[min(cells[-1] + row, 9)])
        cells.append(cells[-1] + go(plan))
    return cells


def by_for(table, patience):
    """`walk_clone` with a loop over the chunk."""
    cells = [0]
    while cells[-1] < 10 and len(cells) <= patience:
        for move in table[cells[-1]]:
            cells.append(cells[-1] + move)
            if cells[-1] == 10 or len(cells) > patience:
                break
    return cells


def by_clock(table, patience):
    """`walk_clone` with a look at every H-th step."""
    cell, cells = 0, [0]
    for t in range(patience):
        if t % table.shape[1] == 0:
            chunk = table[cell]
        cell += chunk[t % table.shape[1]]
        cells.append(cell)
        if cell >= 10:
            break
    return cells


def never_stuck(table, patience, plan):
    """`walk_clone`, with `plan(table, cell)` in place of a chunk that is only waits."""
    rows = [row if any(row) else plan(table, cell) for cell, row in enumerate(table.tolist())]
    return walked(np.array(rows), patience)


def gives_up(table, patience):
    """The walk ends at a chunk that is only waits."""
    cells = walked(table, patience)
    looks = range(0, len(cells) - 1, table.shape[1])
    return cells[: next((t for t in looks if not table[cells[t]].any()), len(cells)) + 1]


def stops_late(table, patience):
    cells = [0]
    while cells[-1] < 10 and len(cells) <= patience:
        for move in table[cells[-1]]:
            cells.append(cells[-1] + move)
    return cells


def leaping(table, patience):
    cells = [0]
    while cells[-1] < 10 and len(cells) <= patience:
        cells.append(cells[-1] + sum(table[cells[-1]]))
    return cells


ALWAYS = lambda plan, cells: True

RIGHT = {
    "check_decision_steps": lambda n, h: tuple(range(0, n, h)),
    "check_most_frequent_chunks": counted,
    "check_walk_clone": by_for,
}

ALSO_RIGHT = {
    "check_decision_steps": lambda n, h: np.flatnonzero(np.arange(n) % h == 0),
    "check_most_frequent_chunks": lambda walks, length: np.array(counted(walks, length), float),
    "check_walk_clone": by_clock,
}

WRONG = {
    "check_decision_steps": {
        "from 1": (lambda n, h: np.arange(1, n, h), "counts from 1"),
        "from 1, as floats": (lambda n, h: np.arange(1.0, n, h), "shape (5,): [1 2 3 4 5]"),
        "without the last": (lambda n, h: list(range(0, n, h))[:-1], "last look is missing"),
        "rounded": (lambda n, h: h * np.arange(round(n / h + 0.5)), "the episode is over"),
        "a look takes a step": (lambda n, h: np.arange(0, n, h + 1), "length + 1 steps apart"),
        "a remainder of 1 only": (
            lambda n, h: h * np.arange(max(1, n // h + (n % h == 1))),
            "steps are left after two chunks",
        ),
        "every step's chunk": (lambda n, h: np.arange(n) // h * h, "the last look before it"),
        "every step's chunk number": (lambda n, h: [t // h for t in range(n)], "the number of its chunk"),
        "every step's place": (lambda n, h: [t % h for t in range(n)], "its place in its chunk"),
        "stops a step early": (lambda n, h: list(range(0, n - 1, h)), "one step too early"),
        "stops a chunk early": (lambda n, h: np.arange(0, n - h, h), "last look is missing"),
        "as many as steps": (lambda n, h: [i * h for i in range(n)], "goes on after the end"),
        "rounded chunks": (lambda n, h: [i * h for i in range(round(n / h))], "rounded to the nearest"),
        "whole chunks": (lambda n, h: np.arange(n // h), "numbers of the whole chunks"),
        "count of whole chunks": (lambda n, h: n // h, "number of whole chunks"),
        "count of looks": (lambda n, h: len(range(0, n, h)), "number of looks"),
        "after whole chunks": (lambda n, h: list(range(h, n + 1, h)), "after each whole chunk"),
        "ends": (lambda n, h: [min(t + h, n) for t in range(0, n, h)], "ends of the chunks"),
        "returns in the loop": (
            lambda n, h: [next(t for t in range(n) if t % h == 0)],
            "only the first look",
        ),
        "overwritten in the loop": (
            lambda n, h: max(t for t in range(n) if t % h == 0),
            "Only the last look",
        ),
        "linspace": (lambda n, h: np.linspace(0, n, h), "number of looks"),
        "a generator": (lambda n, h: (t for t in range(0, n, h)), "generators"),
        "np.where": (lambda n, h: np.where(np.arange(n) % h == 0), "np.where"),
    },
    "check_most_frequent_chunks": {
        "time outside, walks inside": (counted_by_time, "time is the outer loop"),
        "the least frequent": (lambda w, h: counted(w, h, least=True), "not right yet"),
        "each H-th step": (lambda w, h: counted(w, h, every=h), "only at steps 0, H, 2H"),
        "cell 0 once": (lambda w, h: counted(w, h, reset=False), "Only the first walk has an effect"),
        "one move late": (lambda w, h: counted(w, h, late=1), "one move late"),
        "the first walk": (lambda w, h: counted(w[:1], h), "Only the first walk has an effect"),
        "the last walk": (lambda w, h: counted(w[-1:], h), "Only the last walk counts"),
        "one cell missing": (lambda w, h: counted(w, h)[1:], "wrong shape"),
        "a cell too far": (lambda w, h: [*counted(w, h)[1:], [1] * h], "chunk of cell c + 1"),
        "turned": (lambda w, h: np.transpose(counted(w, h)), "axes are swapped"),
        "the last of equals": (last_of_equals, "seen last"),
        "the first of equals that leads": (first_to_lead, "the first to be as frequent"),
        "without the last chunk": (
            lambda w, h: counted([moves[:-1] for moves in w], h),
            "last chunk of each walk",
        ),
        "short chunks with waits": (
            lambda w, h: counted([np.append(moves, [0] * (h - 1)).astype(int) for moves in w], h),
            "filled up with waits",
        ),
        "waits are no moves": (lambda w, h: counted(w, h, waits=False), "begin with a wait are missing"),
        "by place": (by_place, "each place of the chunk"),
        "the first": (first_only, "first chunk that is seen"),
        "the newest": (newest, "overwrites the one before"),
        "by time": (by_step, "made at time c"),
        "one dictionary": (one_dictionary, "share one count"),
        "single moves": (lambda w, h: np.array(counted(w, 1)), "wrong shape"),
        "single moves, repeated": (lambda w, h: [row * h for row in counted(w, 1)], "single move"),
        "always go": (lambda w, h: np.ones((10, h)), "not right yet"),
        "backwards": (lambda w, h: [row[::-1] for row in counted(w, h)], "backwards"),
        "only where a walk has just arrived": (
            lambda w, h: counted([m for m in w], h) if h == 1 else first_only(w, h),
            "not right yet",
        ),
        "only chunks that end by cell 10": (up_to_the_goal, "Chunks that pass cell 10 are missing"),
        "cells up to 8": (
            lambda w, h: [*counted(w, h)[:9], [1] * h],
            "Cell 9 is left out, and row 9 filled up",
        ),
        "a dictionary": (lambda w, h: dict(enumerate(counted(w, h))), "not an array of numbers"),
        "the move before the chunk counts": (
            lambda w, h: counted([np.append(1, moves)[:-1] for moves in w], h, start=-1),
            "not right yet",
        ),
    },
    "check_walk_clone": {
        "as it was": (lambda t, p: walked(t, p, anew=ALWAYS), "Nothing is mended"),
        "as it was, first case": (lambda t, p: walked(t, p, anew=ALWAYS), "every chunk is step, wait"),
        "a step after only waits": (
            lambda t, p: never_stuck(t, p, lambda t, cell: [0] * (t.shape[1] - 1) + [1]),
            "until its 20 moves are used up",
        ),
        "the row before only waits": (
            lambda t, p: never_stuck(t, p, lambda t, cell: t[cell - 1]),
            "until its 20 moves are used up",
        ),
        "gives up at only waits": (gives_up, "until its 20 moves are used up"),
        "more patience": (lambda t, p: walked(t, 10 * p, anew=ALWAYS), "Patience was not the cause"),
        "mended, more patience": (lambda t, p: walked(t, 10 * p), "when the patience is used up"),
        "from the end": (
            lambda t, p: walked(t, p, go=lambda plan: plan.pop(), anew=ALWAYS),
            "last move of each",
        ),
        "backwards": (lambda t, p: walked(t, p, go=lambda plan: plan.pop()), "made backwards"),
        "always a step": (
            lambda t, p: walked(t, p, go=lambda plan: max(plan), anew=ALWAYS),
            "waits were not",
        ),
        "next row": (lambda t, p: walked(t, p, row=1, anew=ALWAYS), "row was not the cause"),
        "mended, next row": (lambda t, p: walked(t, p, row=1), "chunk is that of the next cell"),
        "leaps": (leaping, "in one step of time"),
        "runs on": (stops_late, "runs on when the walk is over"),
        "looks after a step": (
            lambda t, p: walked(t, p, anew=lambda plan, c: not plan or c[-1] != c[-2]),
            "after each step to another cell",
        ),
        "looks after a wait": (
            lambda t, p: walked(t, p, anew=lambda plan, c: not plan or c[-1] == c[-2]),
            "after each wait",
        ),
        "keeps the last move": (
            lambda t, p: walked(t, p, anew=lambda plan, c: len(plan) < 2),
            "last move of every chunk is left out",
        ),
        "never looks again": (
            lambda t, p: [0, *np.cumsum(np.resize(t[0], p))][
                : 1 + int(np.sum(np.cumsum(np.resize(t[0], p)) < 10)) + 1
            ],
            "looks only once",
        ),
        "goal too late": (lambda t, p: walked(t, p, goal=11), "wrong shape"),
        "patience one less": (lambda t, p: walked(t, p - 1), "last move that patience allows"),
        "the second move": (
            lambda t, p: walked(t, p, go=lambda plan: plan[1], anew=ALWAYS),
            "second move of each",
        ),
        "always 1": (lambda t, p: walked(t, p, go=lambda plan: 1, anew=ALWAYS), "a step at every move"),
        "the more frequent move": (
            lambda t, p: walked(t, p, go=lambda plan: int(np.mean(plan) >= 0.5), anew=ALWAYS),
            "more frequent move of each",
        ),
        "while a step is left": (
            lambda t, p: walked(t, p, anew=lambda plan, c: not any(plan)),
            "is only waits",
        ),
        "half chunks": (lambda t, p: walked(t[:, : t.shape[1] // 2], p), "after half a chunk"),
        "no patience": (lambda t, p: walked(t, 10**4), "ends after 21 moves, before the goal"),
        "no patience at all": (
            edited(by_for, {" and len(cells) <= patience": "", " or len(cells) > patience": ""}),
            "ends after 21 moves, before the goal",
        ),
        "each cell once": (lambda t, p: list(dict.fromkeys(walked(t, p))), "waits are missing"),
        "runs on at the goal": (
            edited(by_for, {"cells[-1] == 10 or ": ""}),
            "runs on when the walk has arrived",
        ),
        "without the start": (lambda t, p: walked(t, p)[1:], "start is missing"),
        "the moves": (lambda t, p: np.diff(walked(t, p)), "gives the moves"),
        "the last cell": (lambda t, p: walked(t, p)[-1], "wrong shape"),
        "ends up at the goal": (lambda t, p: walked(t, p) + [10], "wrong shape"),
        "moves and cells": (lambda t, p: (walked(t, p), np.diff(walked(t, p))), "tuple of 2"),
    },
}
