"""The checks of lesson 00: when an agent looks, a clone that counts chunks, and the bug hunt on its walk."""

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

GOAL = 10  # the cell where a walk ends


def decision_steps(steps: int, length: int) -> np.ndarray:
    """The steps of an episode of `steps` at which an agent with chunks of `length` looks and decides."""
    return np.arange(0, steps, length)


def _case(steps, length, hint):
    return Case(f"{steps} steps, chunks of {length}", (steps, length), hint)


def _cases(rng):
    h = int(rng.integers(4, 8))
    left = int(rng.integers(2, h))
    return [
        _case(6, 1, "With chunks of 1 the agent looks before every step: 0, 1, 2, 3, 4, 5."),
        _case(20, 5, "It looks at 0, 5, 10 and 15. At 20 the episode is over."),
        _case(
            3 * h + 1,
            h,
            f"One step is left after {3 * h} of them, and somebody has to decide it: "
            f"it looks at {3 * h} too.",
        ),
        _case(2 * h + left, h, f"{left} steps are left after two chunks: it looks at {2 * h} too."),
        _case(44, 5, "It looks at 0, 5, ..., 40: nine times."),
        _case(15, 5, "It looks at 0, 5 and 10. At 15 the episode is over."),
        _case(4, 10, "It looks once, at 0; the episode ends inside the first chunk."),
    ]


def _by_loop(steps, length):
    return [t for t in range(steps) if t % length == 0]


_misconceptions = [
    Misconception(
        "It looks at every step, as if there were no chunks.",
        "It looks at 0 and then only every `length` steps.",
        lambda n, h: np.arange(n),
    ),
    Misconception(
        "It looks once more when the episode is over.",
        "There is nothing to decide at step `steps`: stop before it.",
        edited(decision_steps, {"0, steps": "0, steps + 1"}),
    ),
    Misconception("It counts from 1.", "The first look is at step 0.", lambda n, h: np.arange(1, n + 1, h)),
    Misconception(
        "It counts from 1, in steps of the chunk's length.",
        "The first look is at step 0.",
        edited(decision_steps, {"0, steps": "1, steps"}),
    ),
    Misconception(
        "The last look is missing.",
        "As long as a step is left, somebody has to decide it.",
        lambda n, h: np.arange(0, n, h)[:-1],
    ),
    Misconception(
        "These are the numbers of the chunks, not steps.",
        "Chunk number i begins at step i * length.",
        lambda n, h: np.arange(-(-n // h)),
    ),
    Misconception(
        "The step of the range is the number of chunks, not their length.",
        "A chunk has `length` steps: np.arange(0, steps, length).",
        lambda n, h: np.arange(0, n, n // h),
    ),
    Misconception(
        "This is a mask over the steps.",
        "Give back the steps themselves: np.flatnonzero(mask).",
        lambda n, h: (np.arange(n) % h == 0).astype(float),
    ),
    Misconception(
        "The two arguments are swapped.",
        "The first argument is the number of steps, the second the length of a chunk.",
        lambda n, h: np.arange(0, h, n),
    ),
    Misconception(
        "It looks at the last step of every chunk instead of the first.",
        "The look comes before the chunk: 0, length, 2 length, ...",
        lambda n, h: np.arange(h - 1, n, h),
    ),
    Misconception(
        "The first look, at step 0, is missing.",
        "Before the first chunk it has to look, too.",
        edited(decision_steps, {"0, steps": "length, steps"}),
    ),
    Misconception(
        "No look decides the steps after the last whole chunk.",
        "A chunk begins as long as one step is left.",
        lambda n, h: h * np.arange(n // h),
    ),
    Misconception(
        "It gives the number of looks, not the steps.",
        "Give back all the steps, an array such as [0, 5, 10].",
        lambda n, h: -(-n // h),
    ),
    Misconception(
        "It gives the number of whole chunks, not the steps.",
        "Give back all the steps, an array such as [0, 5, 10].",
        lambda n, h: n // h,
    ),
    Misconception(
        "These are the numbers of the whole chunks, not steps.",
        "Chunk number i begins at step i * length; one that is cut by the end begins, too.",
        lambda n, h: np.arange(n // h),
    ),
    Misconception(
        "The range stops one step too early.",
        "`np.arange` and `range` leave out the stop by themselves: stop at `steps`, not at steps - 1.",
        edited(decision_steps, {"0, steps": "0, steps - 1"}),
    ),
    Misconception(
        "The number of looks is rounded to the nearest.",
        "Round up: a chunk begins as long as one step is left.",
        lambda n, h: h * np.arange(round(n / h)),
    ),
    Misconception(
        "It goes on after the end: as many looks as there are steps.",
        "Stop where the episode is over: np.arange(0, steps, length).",
        lambda n, h: h * np.arange(n),
    ),
    Misconception(
        "One entry for each step: the last look before it.",
        "Each look stands in the answer once.",
        lambda n, h: np.arange(n) // h * h,
    ),
    Misconception(
        "One entry for each step: the number of its chunk.",
        "Give back only the steps at which a chunk begins, each once.",
        lambda n, h: np.arange(n) // h,
    ),
    Misconception(
        "One entry for each step: its place in its chunk.",
        "The looks are where that is 0: np.flatnonzero(place == 0).",
        lambda n, h: np.arange(n) % h,
    ),
    Misconception(
        "These are the steps after each whole chunk, where the next look would be.",
        "The look comes before the chunk: begin at 0.",
        lambda n, h: np.arange(h, n + 1, h),
    ),
    Misconception(
        "These are the ends of the chunks, the last one cut.",
        "The look comes before the chunk: 0, length, 2 length, ...",
        lambda n, h: np.minimum(np.arange(0, n, h) + h, n),
    ),
    Misconception(
        "There is only the first look, as if the function returned inside its loop.",
        "Collect the steps, and return after the loop.",
        lambda n, h: np.zeros(1),
    ),
    Misconception(
        "Only the last look: the loop overwrites the ones before.",
        "Collect all the steps: a list with append, or np.arange(0, steps, length).",
        lambda n, h: (n - 1) // h * h,
    ),
    Misconception(
        "The length of a chunk is taken for the number of looks.",
        "`length` is the distance between two looks: the third argument of np.arange, not of np.linspace.",
        lambda n, h: np.linspace(0, n, h),
    ),
    Misconception(
        "The looks are length + 1 steps apart, as if a look took a step.",
        "All steps are steps of chunks; the look comes before the first of them and takes no time.",
        edited(decision_steps, {"steps, length)\n": "steps, length + 1)\n"}),
    ),
    Misconception(
        "The looks are spread evenly over the episode.",
        "They are exactly `length` steps apart; only the last chunk may be cut.",
        lambda n, h: np.linspace(0, n, -(-n // h), endpoint=False).astype(int),
    ),
]

check_decision_steps = Exercise(
    decision_steps,
    _by_loop,
    _cases,
    _misconceptions,
    insight="Between two looks it acts open loop.",
)


def most_frequent_chunks(walks: list[np.ndarray], length: int) -> np.ndarray:
    """(10, H): the chunk of `length` moves that `walks` show most often at each cell from 0 to 9."""
    counts = [{} for _ in range(GOAL)]
    for moves in walks:
        cell = 0
        for t in range(len(moves) - length + 1):
            if cell < GOAL:
                chunk = tuple(moves[t : t + length])
                counts[cell][chunk] = counts[cell].get(chunk, 0) + 1
            cell += moves[t]
    return np.array([max(count, key=count.get) for count in counts])


def _by_windows(walks, length):
    """The same with arrays."""
    windows = [np.lib.stride_tricks.sliding_window_view(moves, length) for moves in walks]
    cells = [(np.cumsum(moves) - moves)[: len(w)] for moves, w in zip(walks, windows, strict=True)]
    windows, cells = np.concatenate(windows), np.concatenate(cells)
    rows = []
    for cell in range(GOAL):
        here = windows[cells == cell]
        times = (here[:, None] == here).all(axis=-1).sum(axis=1)
        rows.append(here[times.argmax()])
    return np.array(rows)


def _chosen(choose, starts=lambda length: 1, ahead=0, late=0):
    """A wrong answer: `choose` from all chunks of a cell, in their order, by walk: [[chunk, ...], ...]."""

    def table(walks, length):
        rows = []
        for cell in range(GOAL):
            seen = []
            for moves in map(np.asarray, walks):
                cells = np.append(0, np.cumsum(moves))[ahead : len(moves) - length - late + ahead + 1]
                here = [t for t in np.flatnonzero(cells == cell) if t % starts(length) == 0]
                seen.append([tuple(moves[t + late : t + late + length].tolist()) for t in here])
            rows.append(choose(seen) if any(seen) else (0,) * length)
        return np.array(rows, float)

    return table


def _flat(seen):
    return [chunk for walk in seen for chunk in walk]


def _most(chunks):
    return max(dict.fromkeys(chunks), key=chunks.count)


def _first_at_the_top(chunks):
    """Of equally frequent chunks the one that was the first to be as frequent."""
    most = max(map(chunks.count, chunks))
    return next(chunk for i, chunk in enumerate(chunks, 1) if chunks[:i].count(chunk) == most)


def _by_time(walks, length):
    walks = [np.lib.stride_tricks.sliding_window_view(moves, length).tolist() for moves in walks]
    return np.array([_most([tuple(w[t]) for w in walks if t < len(w)]) for t in range(GOAL)])


def _one_by_one(walks, length):
    """Chunks of the clone that looks at every step."""
    single = most_frequent_chunks(walks, 1)[:, 0]
    cells, rows = np.arange(GOAL), []
    for _ in range(length):
        rows.append(single[np.minimum(cells, GOAL - 1)])
        cells = cells + rows[-1]
    return np.transpose(rows)


def _walks(rng, pauses, full, early):
    """`full` + `early` walks that wait, at each cell in `pauses`, for a time between two bounds.

    At cell 0 they wait 0, 1, 2, 3, 0, ... times. The early ones stand behind the first, and end after two
    waits at cell 7.
    """
    walks = []
    for i in range(full + early):
        stops = 0 < i <= early
        moves = []
        for cell in range(7 if stops else GOAL + 10):
            low, high = pauses.get(cell, (0, 0)) if cell else (i % 4, i % 4)
            moves += [0] * int(rng.integers(low, high + 1)) + [1]
        walks.append(np.array(moves + [0, 0] * stops))
    return walks


_last_seen = _chosen(lambda seen: _most(_flat(seen)[::-1]))
_first_to_be_as_frequent = _chosen(lambda seen: _first_at_the_top(_flat(seen)))
_smallest = _chosen(lambda seen: _most(sorted(_flat(seen))))
_largest = _chosen(lambda seen: _most(sorted(_flat(seen), reverse=True)))


def _without_ties(draw, length):
    """Walks of `draw()` in which it does not matter which of two equally frequent chunks is taken."""
    while True:
        walks = draw()
        if _at_all_cells(walks, length) and all(
            np.array_equal(_smallest(walks, h), _largest(walks, h)) for h in (1, length)
        ):
            return walks


def _at_all_cells(walks, length):
    """Whether at each cell there is a walk at step 0, `length`, 2 `length`, ..."""
    cells = [(np.cumsum(moves) - moves)[: len(moves) - length + 1 : length] for moves in walks]
    return set(range(GOAL)) <= set(np.concatenate(cells))


def _time_outside(walks, length):
    """Of equally frequent chunks the one with the earliest step, whichever walk it is in."""
    counts = [{} for _ in range(GOAL)]
    for t in range(max(map(len, walks)) - length + 1):
        for moves in walks:
            cell = int(np.sum(moves[:t]))
            if t + length <= len(moves) and cell < GOAL:
                chunk = tuple(moves[t : t + length].tolist())
                counts[cell][chunk] = counts[cell].get(chunk, 0) + 1
    return np.array([max(count, key=count.get) for count in counts])


def _with_ties(rng):
    """Six walks that show three chunks of 3 equally often, in different orders, at cells 1, 4 and 7.

    The one with the earliest step is no other's choice.
    """
    others = most_frequent_chunks, _last_seen, _smallest, _first_to_be_as_frequent
    while True:
        pauses = dict(zip((2, 5, 8), rng.permutation([(1, 3, 0), (3, 1, 0), (0, 1, 3)]), strict=True))
        walks = []
        for i, start in zip((0, 1, 2, 1, 0, 2), rng.permutation([0, 1, 2, 5, 6, 7]), strict=True):
            waits = {0: start, 9: 4} | {cell: times[i] for cell, times in pauses.items()}
            walks.append(np.concatenate([[0] * waits.get(cell, 0) + [1] for cell in range(GOAL + 10)]))
        if _at_all_cells(walks, 3):
            by_time = _time_outside(walks, 3)
            if not any(np.array_equal(by_time, other(walks, 3)) for other in others):
                return walks


def _count_cases(rng):
    three = [np.array([0] * k + [1] * 20) for k in (1, 5, 2)]
    mixed = _without_ties(lambda: _walks(rng, {2: (0, 5), 6: (0, 5), 9: (3, 3)}, 4, 5), 2)
    longer = _without_ties(lambda: _walks(rng, {4: (0, 5), 5: (0, 5), 11: (25, 25)}, 5, 6), 4)
    return [
        Case(
            "3 walks that wait 1, 5 and 2 times at cell 0, chunks of 1",
            (three, 1),
            (
                "At cell 0 the walks wait 8 times and step 3 times: row 0 is [0]. Elsewhere they step. "
                "They go on past cell 10: leave those cells out.",
                "`cell` is 0 when a walk begins; count the chunk first, then `cell += moves[t]`.",
            ),
        ),
        Case(
            "the same 3 walks, chunks of 2",
            (three, 2),
            (
                "At cell 0 they show (0, 0) 5 times, (0, 1) 3 times and (1, 1) 3 times: row 0 is [0, 0].",
                "`counts[cell][chunk] = counts[cell].get(chunk, 0) + 1`",
            ),
        ),
        Case(
            "9 walks with pauses at cells 0, 2, 6 and 9, chunks of 2; 5 walks end at cell 7",
            (mixed, 2),
            (
                "A walk shows a chunk at every step, also while it waits, as long as 2 moves are left. "
                "Count each at its own cell.",
                "`chunk = tuple(moves[t : t + length])`, for t in range(len(moves) - length + 1).",
            ),
        ),
        Case(
            "11 walks with pauses at cells 0, 4, 5 and 11, chunks of 4; 6 walks end at cell 7",
            (longer, 4),
            (
                "Compare whole chunks: (0, 1, 1, 1) and (0, 0, 1, 1) are two, each with its own count. "
                "Where fewer than 4 moves are left, no chunk begins. One that begins at cell 9 counts, "
                "though it ends beyond cell 10.",
                "`counts[cell][chunk] = counts[cell].get(chunk, 0) + 1`",
            ),
        ),
        Case(
            "6 walks, chunks of 3; at cells 1, 4 and 7 three chunks are equally frequent",
            (_with_ties(rng), 3),
            (
                "Of equally frequent chunks take the one that appears first in the data.",
                "`max(count, key=count.get)` does so, if the counts are in the order of the walks.",
            ),
        ),
    ]


_COUNT_MISTAKES = [
    Misconception(
        "A chunk is counted at the cell after its first move.",
        "Count it at the cell where it begins: the cell grows after that.",
        _chosen(lambda seen: _most(_flat(seen)), ahead=1),
    ),
    Misconception(
        "A chunk begins one move late.",
        ("The first move of a chunk is the one made at its cell.", "`moves[t : t + length]`"),
        _chosen(lambda seen: _most(_flat(seen)), late=1),
    ),
    Misconception(
        "Chunks begin only at steps 0, H, 2H, ...",
        "The data show a chunk at every step: t = 0, 1, 2, ...",
        _chosen(lambda seen: _most(_flat(seen)), starts=lambda length: length),
    ),
    Misconception(
        "Only the first walk has an effect, perhaps as `cell` is not 0 again for the next one; or only the "
        "first chunk that is seen at a cell.",
        "Count all chunks of all walks. Each walk begins at cell 0; the return stands after the loops.",
        _chosen(lambda seen: _flat(seen)[0]),
    ),
    Misconception(
        "It takes the last chunk that it sees at a cell: each overwrites the one before.",
        "Count all chunks of the cell, and compare the counts at the end.",
        _chosen(lambda seen: _flat(seen)[-1]),
    ),
    Misconception(
        "It takes the most frequent move at each place of the chunk.",
        "Count whole chunks: a chunk of most frequent moves may occur nowhere in the data.",
        _chosen(lambda seen: (np.mean(_flat(seen), axis=0) > 0.5).astype(int)),
    ),
    Misconception(
        "It takes the mean of the chunks.",
        "No walk makes 0.4 of a step. Count whole chunks, and take the most frequent.",
        _chosen(lambda seen: np.mean(_flat(seen), axis=0)),
    ),
    Misconception(
        "It takes the least frequent chunk.",
        "The clone does what the data did most often.",
        _chosen(lambda seen: min(dict.fromkeys(_flat(seen)), key=_flat(seen).count)),
    ),
    Misconception(
        "It takes the largest chunk, not the most frequent.",
        ("`max` of a dictionary compares its keys.", "Tell it what to compare: `max(count, key=count.get)`."),
        _chosen(lambda seen: max(_flat(seen))),
    ),
    Misconception(
        "It repeats the most frequent single move.",
        "Count chunks of `length` moves.",
        lambda walks, length: np.repeat(most_frequent_chunks(walks, 1), length, axis=1),
    ),
    Misconception(
        "Of equally frequent chunks it takes the one seen last.",
        "Take the one seen first: `max(count, key=count.get)` does so.",
        _last_seen,
    ),
    Misconception(
        "Of equally frequent chunks it takes the one with the earliest step: time is the outer loop.",
        "Take the one seen first, walk by walk: the walks are the outer loop.",
        _time_outside,
    ),
    Misconception(
        "Of equally frequent chunks it takes the smallest.",
        "Take the one seen first. np.unique and sorted put the chunks in another order.",
        _smallest,
    ),
    Misconception(
        "Of equally frequent chunks it takes the one that was the first to be as frequent.",
        "Take the one seen first. Count everything, and look for the best only then.",
        _first_to_be_as_frequent,
    ),
    Misconception(
        "Chunks do not overlap: after a chunk it goes on with the next one, and `cell` gets one move of it.",
        "A chunk begins at every step: `range(len(moves) - length + 1)`.",
        edited(
            most_frequent_chunks,
            {"range(len(moves) - length + 1)": "range(0, len(moves) - length + 1, length)"},
        ),
    ),
    Misconception(
        "The last chunk of each walk is missing.",
        "A walk of T moves has T - H + 1 chunks: `range(len(moves) - length + 1)`.",
        lambda walks, length: most_frequent_chunks([moves[:-1] for moves in walks], length),
    ),
    Misconception(
        "Chunks that the end of a walk cuts are filled up with waits.",
        "Nobody knows what would have come. Count only where `length` moves are left.",
        lambda walks, length: most_frequent_chunks([np.pad(m, (0, length - 1)) for m in walks], length),
    ),
    Misconception(
        "Chunks that begin at cell 10 or beyond count for cell 9.",
        "Leave them out: the clone never gets beyond 10.",
        edited(most_frequent_chunks, {"cell += moves[t]": "cell = min(cell + moves[t], GOAL - 1)"}),
    ),
    Misconception(
        "Cell 9 is left out, and row 9 filled up.",
        "The table has a row for each of the cells 0 to 9: count while `cell < 10`.",
        edited(
            most_frequent_chunks,
            {
                "if cell < GOAL:": "if cell < GOAL - 1:",
                "key=count.get": "key=count.get, default=(1,) * length",
            },
        ),
    ),
    Misconception(
        "Chunks that pass cell 10 are missing, as if they did not begin before it.",
        "What counts is the cell where a chunk begins. The table has whole chunks; the walk ends at cell 10.",
        edited(
            most_frequent_chunks,
            {
                "if cell < GOAL:": "if cell < GOAL and cell + sum(moves[t : t + length]) <= GOAL:",
                "key=count.get": "key=count.get, default=(1,) * length",
            },
        ),
    ),
    Misconception(
        "Chunks that reach cell 10 are missing, as if they did not begin before it.",
        "What counts is the cell where a chunk begins.",
        edited(
            most_frequent_chunks,
            {
                "if cell < GOAL:": "if cell + sum(moves[t : t + length]) < GOAL:",
                "key=count.get": "key=count.get, default=(0,) * length",
            },
        ),
    ),
    Misconception(
        "Chunks that begin with a wait are missing.",
        "A wait is a move like a step: a chunk begins at each of them.",
        edited(most_frequent_chunks, {"if cell < GOAL:": "if cell < GOAL and moves[t]:"}),
    ),
    Misconception(
        "It makes a chunk of the most frequent single moves, one after the other.",
        "Such a chunk may occur nowhere in the data. Count chunks of `length` moves.",
        _one_by_one,
    ),
    Misconception(
        "Only the last walk counts.",
        "Make the counts before the loop over the walks, so that they add up.",
        lambda walks, length: most_frequent_chunks(walks[-1:], length),
    ),
    Misconception(
        "Row c has moves made at time c, not at cell c.",
        "Row c belongs to cell c, whenever a walk gets there.",
        _by_time,
    ),
    Misconception(
        "All cells share one count.",
        (
            "Every row is the same chunk. Each cell needs a dictionary of its own.",
            "`[{}] * 10` is ten times the same dictionary; `[{} for _ in range(10)]` is ten.",
        ),
        edited(
            most_frequent_chunks,
            {"[{} for _ in range(GOAL)]": "[{}] * GOAL"},
        ),
    ),
    Misconception(
        "Each walk gives a cell one chunk only, such as the first.",
        "A walk that waits shows a chunk at each of its steps: count them all.",
        _chosen(lambda seen: _most([walk[0] for walk in seen if walk])),
    ),
    Misconception(
        "It counts one chunk for each walk and cell, the last.",
        "A walk that waits shows a chunk at each of its steps: count them all.",
        _chosen(lambda seen: _most([walk[-1] for walk in seen if walk])),
    ),
    Misconception(
        "It counts a chunk only once in each walk and cell.",
        "A chunk that a walk shows twice counts twice.",
        _chosen(lambda seen: _most([chunk for walk in seen for chunk in dict.fromkeys(walk)])),
    ),
    Misconception(
        "The chunks are backwards.",
        "The first move of a chunk comes first.",
        _chosen(lambda seen: _most(_flat(seen))[::-1]),
    ),
    Misconception(
        "It compares how many steps the chunks have, not the chunks.",
        "Chunks with as many steps in another order are different chunks, each with its own count.",
        _chosen(lambda seen: next(c for c in _flat(seen) if sum(c) == _most([sum(c) for c in _flat(seen)]))),
    ),
    Misconception(
        "Row c has the chunk of cell c + 1.",
        "The walk begins at cell 0, not before it: count first, then add the move to the cell.",
        lambda walks, length: np.vstack([most_frequent_chunks(walks, length)[1:], np.ones((1, length))]),
    ),
    Misconception(
        "It gives the counts, not the chunks.",
        "Return for each cell the chunk with the largest count: shape (10, H).",
        _chosen(lambda seen: _flat(seen).count(_most(_flat(seen)))),
    ),
]

check_most_frequent_chunks = Exercise(
    most_frequent_chunks,
    _by_windows,
    _count_cases,
    _COUNT_MISTAKES,
    insight="This is behavior cloning by counting. Lesson 03 replaces the table by a network.",
)


def walk_clone(table: np.ndarray, patience: int) -> np.ndarray:
    """The cells that a clone visits, from 0 to the goal or for `patience` moves; `table` is (10, H)."""
    cells, plan = [0], []
    while cells[-1] < GOAL and len(cells) <= patience:
        if not plan:
            plan = list(table[cells[-1]])
        cells.append(cells[-1] + plan.pop(0))
    return np.array(cells)


def _by_chunks(table, patience):
    cells = np.zeros(1, int)
    while cells[-1] < GOAL and len(cells) <= patience:
        cells = np.concatenate([cells, cells[-1] + np.cumsum(table[cells[-1]])])
        cells = cells[: np.argmax(cells >= GOAL) + 1] if cells[-1] >= GOAL else cells
    return cells[: patience + 1]


def _walked(move, patience=lambda given: given):
    """A wrong answer: the move that `move(table, cells, t)` gives at each step t."""

    def walk(table, given):
        cells = [0]
        while cells[-1] < GOAL and len(cells) <= patience(given):
            cells.append(cells[-1] + int(move(table, cells, len(cells) - 1)))
        return np.array(cells)

    return walk


def _row(table, cell):
    return table[min(cell, GOAL - 1)]


def _planned(
    again=lambda cells: False, chunk=lambda table, cell: _row(table, cell), patience=lambda given: given
):
    """A wrong answer: a plan of `chunk(table, cell)`, made anew when it is used up or `again(cells)`."""

    def walk(table, given):
        cells, plan = [0], []
        while cells[-1] < GOAL and len(cells) <= patience(given):
            if not plan or again(cells):
                plan = list(chunk(table, cells[-1]))
            cells.append(cells[-1] + int(plan.pop(0)))
        return np.array(cells)

    return walk


def _whole_chunks(table, patience):
    cells = [0]
    while cells[-1] < GOAL and len(cells) <= patience:
        cells += list(cells[-1] + np.cumsum(table[cells[-1]]))
    return np.array(cells)


def _leaps(table, patience):
    cells = [0]
    while cells[-1] < GOAL and len(cells) <= patience:
        cells.append(cells[-1] + int(sum(table[cells[-1]])))
    return np.array(cells)


def _cut_short(over):
    """A wrong answer: a new plan as soon as `over(plan)`."""

    def walk(table, patience):
        cells, plan = [0], []
        while cells[-1] < GOAL and len(cells) <= patience:
            if over(plan):
                plan = list(table[cells[-1]])
            cells.append(cells[-1] + int(plan.pop(0)))
        return np.array(cells)

    return walk


def _by_clock_row(table, patience):
    cells, plan = [0], []
    while cells[-1] < GOAL and len(cells) <= patience:
        plan = plan or list(_row(table, len(cells) - 1))
        cells.append(cells[-1] + int(plan.pop(0)))
    return np.array(cells)


def _at_looks(table, patience):
    """The cell at the start and after each chunk, the last of which may be cut."""
    cells = _by_chunks(table, patience)
    return cells[np.minimum(np.arange(0, len(cells) - 1 + table.shape[1], table.shape[1]), len(cells) - 1)]


def _rows(rng, length):
    """A table (10, H) of random moves, each row with a step in it."""
    table = rng.integers(0, 2, size=(GOAL, length))
    table[np.arange(GOAL), rng.integers(0, length, size=GOAL)] = 1
    return table


def _walk_cases(rng):
    pause = np.ones((GOAL, 6), int)
    pause[int(rng.integers(1, 6)), :3] = 0
    slow = np.tile([0, 1, 0, 0], (GOAL, 1))  # arrives after 38 moves
    stuck = np.eye(3, dtype=int)[np.arange(GOAL) % 3]
    stuck[5] = 0  # where it is after 15 moves
    long = int(rng.integers(5, 8))
    return [
        Case(
            "each row is step, wait",
            (np.tile([1, 0], (GOAL, 1)), 40),
            (
                "The chunk of cell 0 is step, wait. The clone makes both moves, then it looks: 0, 1, 1, ...",
                "Keep the rest of the plan from one round of the loop to the next.",
            ),
        ),
        Case(
            "at one cell the chunk begins with three waits",
            (pause, 40),
            (
                "The clone looks again only when all 6 moves are made, wherever it is by then.",
                "Choose a new plan only `if not plan`.",
            ),
        ),
        Case(
            f"random chunks of {long}",
            (_rows(rng, long), 60),
            "A chunk is executed to its end, move by move.",
        ),
        Case(
            "chunks of 7 steps: the goal is reached inside the second",
            (np.ones((GOAL, 7), int), 60),
            "At cell 10 the walk is over, with moves of the plan left.",
        ),
        Case(
            "each row is wait, step, wait, wait; patience 21",
            (slow, 21),
            "The walk ends after 21 moves, before the goal: that is 22 cells, with the start.",
        ),
        Case(
            "each row is a step and two waits, but row 5 is three waits; patience 20",
            (stuck, 20),
            "At cell 5 the clone makes three waits, looks, and gets the same chunk, until its 20 moves are "
            "used up.",
        ),
    ]


check_walk_clone = Exercise(
    walk_clone,
    _by_chunks,
    _walk_cases,
    [
        Misconception(
            "Nothing is mended yet: it still makes the first move of a fresh chunk at every step.",
            (
                "Here every chunk is step, wait. Which of the two moves are ever made?",
                "Begin with an empty plan, and choose a new one only `if not plan`.",
            ),
            _walked(lambda table, cells, t: _row(table, cells[-1])[0]),
        ),
        Misconception(
            "Patience was not the cause.",
            "With ten times the patience it waits ten times as long: at cell 5 it always does the same.",
            _walked(lambda table, cells, t: _row(table, cells[-1])[0], patience=lambda given: 10 * given),
        ),
        Misconception(
            "The cause is mended, but the walk goes on when the patience is used up.",
            "The walk ends after `patience` moves, not chunks, wherever it is then.",
            _planned(patience=lambda given: 10 * given),
        ),
        Misconception(
            "The waits were not the cause.",
            "Without them the clone arrives, but it no longer does what the data did.",
            _planned(chunk=lambda table, cell: [move for move in _row(table, cell) if move] or [0]),
        ),
        Misconception(
            "It makes a step at every move, whatever the chunk says.",
            "That arrives, but it no longer does what the data did. Its looks were the cause.",
            _walked(lambda table, cells, t: 1),
        ),
        Misconception(
            "The end of the chunk that it takes from was not the cause.",
            "It makes the last move of each chunk now, and still looks at every step.",
            _walked(lambda table, cells, t: _row(table, cells[-1])[-1]),
        ),
        Misconception(
            "The looks are mended, but the chunk is made backwards.",
            "`plan.pop()` takes the last move; the first is `plan.pop(0)`.",
            _planned(chunk=lambda table, cell: _row(table, cell)[::-1]),
        ),
        Misconception(
            "The row was not the cause: it now reads the row of the next cell.",
            "The chunk of cell c is table[c]; that was right before.",
            _walked(lambda table, cells, t: _row(table, cells[-1] + 1)[0]),
        ),
        Misconception(
            "The looks are mended, but the chunk is that of the next cell.",
            "The chunk of cell c is table[c].",
            _planned(chunk=lambda table, cell: _row(table, cell + 1)),
        ),
        Misconception(
            "It makes a whole chunk in one step of time.",
            "The looks are mended, but every move takes a step of time, and is a cell of the answer.",
            _leaps,
        ),
        Misconception(
            "The looks are mended, but the chunk runs on when the walk is over.",
            "Inside a chunk, too, the walk ends at the goal, or when the patience is used up.",
            _whole_chunks,
        ),
        Misconception(
            "The looks are mended, but a chunk runs on when the walk has arrived.",
            "The walk ends at cell 10, with moves of the plan left.",
            edited(_by_chunks, {"cells[: np.argmax(cells >= GOAL) + 1] if cells[-1] >= GOAL else ": ""}),
        ),
        Misconception(
            "The looks are mended, but a chunk runs on when the patience is used up.",
            "Patience counts moves: look at it before every move, not only before every chunk.",
            edited(_by_chunks, {"return cells[: patience + 1]": "return cells"}),
        ),
        Misconception(
            "It still looks too often: after each step to another cell.",
            "This mends the pause, and only that. A chunk is executed to its end without a look.",
            _planned(again=lambda cells: len(cells) > 1 and cells[-1] != cells[-2]),
        ),
        Misconception(
            "It still looks too often: after each wait.",
            "A chunk is executed to its end without a look, whatever its moves are.",
            _planned(again=lambda cells: len(cells) > 1 and cells[-1] == cells[-2]),
        ),
        Misconception(
            "It looks only once, at the start.",
            "When the chunk is used up, it looks again, and takes the chunk of the cell where it is then.",
            _planned(chunk=lambda table, cell: table[0]),
        ),
        Misconception(
            "It reads move number t of each fresh chunk: it still looks at every step.",
            "That mixes moves of different rows. Keep one plan until it is used up.",
            _walked(lambda table, cells, t: _row(table, cells[-1])[t % table.shape[1]]),
        ),
        Misconception(
            "The second move of each fresh chunk is no better than the first: it still looks at every step.",
            "Keep the plan from one round of the loop to the next, and make all its moves.",
            _walked(lambda table, cells, t: _row(table, cells[-1])[1]),
        ),
        Misconception(
            "It makes the more frequent move of each fresh chunk, and still looks at every step.",
            "The order of the moves matters. Keep the plan, and make its moves one by one.",
            _walked(lambda table, cells, t: np.mean(_row(table, cells[-1])) >= 0.5),
        ),
        Misconception(
            "It looks again when the rest of the plan is only waits.",
            "These waits belong to the chunk, too: the plan has to be empty.",
            _cut_short(lambda plan: not any(plan)),
        ),
        Misconception(
            "It looks again after half a chunk.",
            "That is better than every step, but a chunk of H moves is executed to its end.",
            _planned(chunk=lambda table, cell: _row(table, cell)[: table.shape[1] // 2]),
        ),
        Misconception(
            "The looks are mended, but a plan is made for the time t, not for the cell.",
            "The chunk of cell c is table[c].",
            _by_clock_row,
        ),
        Misconception(
            "The looks are mended, but the waits are missing in the answer.",
            "A wait takes a step of time as well: add the cell after every move.",
            lambda table, patience: np.array(list(dict.fromkeys(_by_chunks(table, patience).tolist()))),
        ),
        Misconception(
            "The looks are mended, but the last move that patience allows is missing.",
            "`patience` moves give patience + 1 cells, with the start.",
            _planned(patience=lambda given: given - 1),
        ),
        Misconception(
            "The last move of every chunk is left out.",
            "All H moves are made before the next look.",
            _planned(chunk=lambda table, cell: _row(table, cell)[:-1]),
        ),
        Misconception(
            "The looks are mended, but the start is missing.",
            "The answer begins with cell 0.",
            lambda table, patience: _by_chunks(table, patience)[1:],
        ),
        Misconception(
            "The looks are mended, but the last cell is missing.",
            "The answer ends with the cell after the last move: add the cell after each move, not before.",
            lambda table, patience: _by_chunks(table, patience)[:-1],
        ),
        Misconception(
            "It gives only the cells where a chunk begins or the walk ends.",
            "The looks are mended. Add a cell to the answer after every move.",
            _at_looks,
        ),
        Misconception(
            "It gives the moves, not the cells.",
            "The looks are mended. Each cell is the one before plus the move.",
            lambda table, patience: np.diff(_by_chunks(table, patience)),
        ),
    ],
    insight="The broken clone planned at each look to go after three waits, and looked again before it went.",
)
check_walk_clone.seconds = 2.0  # a walk without patience that is stuck would soon fill the memory
