"""The checks of lesson 00: when an agent looks, a clone that counts chunks, and the bug hunt on its walk."""

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.lessons.pauses import GOAL, demonstrations


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
        "Steps of a chunk that is cut by the end have nobody who decides them.",
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
        "Only the first look: the function returns inside its loop.",
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


def _by_windows(walks, length, last=False):
    """The same with arrays; of equally frequent chunks the smallest, or the largest (`last`)."""
    windows = [np.lib.stride_tricks.sliding_window_view(moves, length) for moves in walks]
    cells = [(np.cumsum(moves) - moves)[: len(w)] for moves, w in zip(walks, windows, strict=True)]
    windows, cells = np.concatenate(windows), np.concatenate(cells)
    rows = []
    for cell in range(GOAL):
        chunks, counts = np.unique(windows[cells == cell], axis=0, return_counts=True)
        rows.append(chunks[len(counts) - 1 - counts[::-1].argmax() if last else counts.argmax()])
    return np.array(rows)


def _chosen(choose, starts=lambda length: 1, ahead=0, late=0):
    """A wrong answer: `choose` from all chunks of a cell, in their order, by walk: [[chunk, ...], ...]."""

    def table(walks, length):
        rows = []
        for cell in range(GOAL):
            seen = []
            for moves in map(np.asarray, walks):
                cells = np.append(0, np.cumsum(moves))[ahead : len(moves) - length - late + ahead]
                here = [t for t in np.flatnonzero(cells == cell) if t % starts(length) == 0]
                seen.append([tuple(moves[t + late : t + late + length].tolist()) for t in here])
            rows.append(choose(seen) if any(seen) else (1,) * length)
        return np.array(rows, float)

    return table


def _flat(seen):
    return [chunk for walk in seen for chunk in walk]


def _most(chunks):
    return max(dict.fromkeys(chunks), key=chunks.count)


def _by_time(walks, length):
    return np.array([_most([tuple(moves[t : t + length]) for moves in walks]) for t in range(GOAL)])


def _walks(rng, cells, longest, count):
    """Walks with pauses of 0 to `longest` at some cells."""
    walks = []
    for _ in range(count):
        moves = []
        for cell in range(GOAL + 10):
            moves += [0] * (int(rng.integers(0, longest + 1)) if cell in cells else 0) + [1]
        walks.append(np.array(moves))
    return walks


def _without_ties(draw, length):
    """Walks of `draw()` in which it does not matter which of two equally frequent chunks is taken."""
    while True:
        walks = draw()
        if np.array_equal(_by_windows(walks, length), _by_windows(walks, length, last=True)):
            return walks


def _count_cases(rng):
    three = [np.array([0] * k + [1] * 20) for k in (1, 5, 2)]
    mixed = _without_ties(lambda: _walks(rng, (2, 3, 6), 3, 9), 2)
    longer = _without_ties(lambda: _walks(rng, (1, 4, 5, 8), 5, 11), 4)
    while True:  # there are ties: "wait 3, then go" is seen as often as "wait 2, then go", and before it
        lesson = demonstrations(int(rng.integers(1000)))
        if np.array_equal(_by_windows(lesson, 7), most_frequent_chunks(lesson, 7)):
            break
    return [
        Case(
            "3 walks that wait 1, 5 and 2 times at cell 0, chunks of 1",
            (three, 1),
            (
                "At cell 0 the walks wait 8 times and step 3 times: row 0 is [0]. Elsewhere they step.",
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
            "9 walks with pauses at cells 2, 3 and 6, chunks of 2",
            (mixed, 2),
            (
                "A walk shows a chunk at every step, also while it waits. Count each at its own cell.",
                "`chunk = tuple(moves[t : t + length])`, for t in range(len(moves) - length + 1).",
            ),
        ),
        Case(
            "11 walks with pauses at cells 1, 4, 5 and 8, chunks of 4",
            (longer, 4),
            (
                "Compare whole chunks: (0, 1, 1, 1) and (0, 0, 1, 1) are two, each with its own count.",
                "`counts[cell][chunk] = counts[cell].get(chunk, 0) + 1`",
            ),
        ),
        Case(
            "20 demonstrations, chunks of 7",
            (lesson, 7),
            (
                "At cell 5 several chunks are equally frequent: take the one that was seen first.",
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
        "Only the first walk counts, or only the first chunk that is seen at a cell.",
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
        "Take the one seen first: a new chunk wins only if its count is larger.",
        _chosen(lambda seen: _most(_flat(seen)[::-1])),
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
        lambda walks, length: np.array(
            [_most([tuple(m[t : t + length]) for m in walks for t in range(sum(np.cumsum(m) - m < GOAL))])]
            * GOAL
        ),
    ),
    Misconception(
        "It counts one chunk for each walk and cell, the first.",
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


def _walked(move, patience=lambda given: given, stop=lambda cell: cell < GOAL):
    """A wrong answer: the move that `move(table, cells, t)` gives at each step t."""

    def walk(table, given):
        cells = [0]
        while stop(cells[-1]) and len(cells) <= patience(given):
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
    return _by_chunks(table, patience)[:: table.shape[1]]


def _rows(rng, length):
    """A table (10, H) of random moves, each row with a step in it."""
    table = rng.integers(0, 2, size=(GOAL, length))
    table[np.arange(GOAL), rng.integers(0, length, size=GOAL)] = 1
    return table


def _walk_cases(rng):
    pause = np.ones((GOAL, 6), int)
    pause[int(rng.integers(1, 6)), :3] = 0
    slow = np.tile([0, 1, 0, 0], (GOAL, 1))  # arrives after 38 moves
    short, long = int(rng.integers(2, 4)), int(rng.integers(5, 8))
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
            f"random chunks of {short}",
            (_rows(rng, short), 60),
            "A chunk is executed to its end, move by move.",
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
    ]


check_walk_clone = Exercise(
    walk_clone,
    _by_chunks,
    _walk_cases,
    [
        Misconception(
            "Nothing is mended yet: it still makes the first move of a fresh chunk at every step.",
            (
                "At the pause the chunk is: wait 3 times, then go. Which of its moves are ever made?",
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
            "Where the walk ends was not the cause.",
            "At cell 10 it is over, as it was before.",
            _walked(lambda table, cells, t: _row(table, cells[-1])[0], stop=lambda cell: cell <= GOAL),
        ),
        Misconception(
            "The looks are mended, but the start is missing.",
            "The answer begins with cell 0.",
            lambda table, patience: _by_chunks(table, patience)[1:],
        ),
        Misconception(
            "It gives the cells at the looks only.",
            "The looks are mended. Add a cell to the answer after every move.",
            _at_looks,
        ),
        Misconception(
            "It gives the moves, not the cells.",
            "The looks are mended. Each cell is the one before plus the move.",
            lambda table, patience: np.diff(_by_chunks(table, patience)),
        ),
    ],
    insight="It always planned to go in three steps, and looked again before it went.",
)
