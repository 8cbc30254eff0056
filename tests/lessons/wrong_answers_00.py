"""Answers to the exercise of lesson 00 as learners might write them.

Here and in the other lessons' files RIGHT and ALSO_RIGHT are correct, in another style than the library's.
WRONG go beyond the misconceptions that the checks know by name; each stands with a part of the message that
it must be met with.
"""

import numpy as np

RIGHT = {"check_decision_steps": lambda n, h: tuple(range(0, n, h))}

ALSO_RIGHT = {"check_decision_steps": lambda n, h: np.flatnonzero(np.arange(n) % h == 0)}

WRONG = {
    "check_decision_steps": {
        "from 1": (lambda n, h: np.arange(1, n, h), "counts from 1"),
        "from 1, as floats": (lambda n, h: np.arange(1.0, n, h), "shape (5,): [1 2 3 4 5]"),
        "without the last": (lambda n, h: list(range(0, n, h))[:-1], "last look is missing"),
        "rounded": (lambda n, h: h * np.arange(round(n / h + 0.5)), "the episode is over"),
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
            "Only the first look",
        ),
        "overwritten in the loop": (
            lambda n, h: max(t for t in range(n) if t % h == 0),
            "Only the last look",
        ),
        "linspace": (lambda n, h: np.linspace(0, n, h), "number of looks"),
        "a generator": (lambda n, h: (t for t in range(0, n, h)), "generators"),
        "np.where": (lambda n, h: np.where(np.arange(n) % h == 0), "np.where"),
    },
}
