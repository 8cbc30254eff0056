"""The check of lesson 00: a warm-up."""

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case


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
