"""What a wrong answer's numbers have in common with the right ones: told only where it is so in all cases."""

import numpy as np
import pytest

from qlac_lite.lessons.checks.exercise import Case, Exercise
from qlac_lite.lessons.checks.patterns import pattern

RNG = np.random.default_rng(0)


def running(values, mask, rate):
    """Cumulated values, and their largest; a mask says which count."""
    total = np.cumsum(values * mask) * rate
    return total, np.max(np.abs(values))


def cases(rng):
    return [
        Case(f"{n} values", (rng.normal(size=n), rng.permutation(np.arange(n) % 2) * 1.0, 0.5 + n), "Sum.")
        for n in (4, 6, 9)
    ]


check = Exercise(running, running, cases, parts=("total", "largest"))
check.searching = 0  # for a slip, which would be told in place of a pattern


def told(change):
    """The pattern of an answer whose total is another."""
    answer = lambda values, mask, rate: (
        change(running(values, mask, rate)[0], values, mask),
        running(values, mask, rate)[1],
    )
    return check.judge(answer, seed=0).lines.get("pattern", "")


@pytest.mark.parametrize(
    "change, words",
    {
        "sign": (lambda total, *_: -total, "wrong sign"),
        "size": (lambda total, *_: np.abs(total), "absolute value"),
        "square": (lambda total, *_: total**2, "the square"),
        "whole": (lambda total, *_: np.round(total), "rounded to a whole one"),
        "two digits": (lambda total, *_: np.round(total, 2), "rounded to 2 digits"),
        "floor at 0": (lambda total, *_: np.maximum(total, 0), "below 0, there is 0"),
        "twice": (lambda total, *_: 2 * total, "2 times the right one"),
        "more": (lambda total, *_: total + 0.5, "0.5 more than"),
        "less": (lambda total, *_: total - 0.5, "0.5 less than"),
        "a mean": (lambda total, *_: total / len(total), "divided by the length of `values` along axis 0"),
        "a sum": (lambda total, *_: total * len(total), "times the length of `values` along axis 0"),
        "reverse": (lambda total, *_: total[::-1], "in reverse order"),
        "late": (lambda total, *_: np.concatenate([[9.0], total[:-1]]), "one place too late"),
        "early": (lambda total, *_: np.concatenate([total[1:], [9.0]]), "one place too early"),
        "first wrong": (lambda total, *_: np.concatenate([[9.0], total[1:]]), "Only total[0] is wrong"),
        "last wrong": (lambda total, *_: np.concatenate([total[:-1], [99.0]]), "Only total[-1] is wrong"),
        "first right": (lambda total, *_: total + 7.0 * np.arange(len(total)) ** 2, "Only total[0] is right"),
        "sorted": (lambda total, *_: np.roll(total, 2), "in another order"),
        "constant": (lambda total, *_: 0 * total, "It is 0 everywhere"),
        "unchanged": (lambda total, values, _: values, "the argument `values`, unchanged"),
        "by mask": (lambda total, _, mask: total + 3 * (mask == 0) * total**2, "only where `mask` is 0"),
    }.values(),
)
def test_it_is_told(change, words):
    assert words in told(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda total, *_: total + RNG.normal(size=len(total)),
        lambda total, *_: total if len(total) > 6 else -total,  # only in some cases
        lambda total, *_: np.where(np.arange(len(total)) == 1, 9.0, total),
        lambda total, *_: total * np.nan,
    ],
)
def test_what_is_not_so_in_all_cases_is_not_told(change):
    assert told(change) == ""


def test_an_axis_and_another_part_are_named():
    right = RNG.normal(size=(3, 4, 5))
    wrong = right.copy()
    wrong[:, -1] += 1
    assert pattern("q", [(wrong, right)], [{}], {}) == "Only q[:, -1] is wrong."
    assert pattern("q", [(right[::-1], right)], [{}], {}).endswith("in reverse order along axis 0.")
    assert "the right numbers of value" in pattern("q", [(wrong, right)], [{}], {"value": [wrong]})


def test_few_numbers_are_no_pattern():
    assert pattern("code", [(np.array(2.0), np.array(1.0))], [{}], {}) == ""


def last_of(walks, by):
    return np.array([by * walk[-1] for walk in walks])


@pytest.mark.parametrize(
    "change, words",
    {
        "more": (lambda total: np.append(total, 3.0), "goes on behind them"),
        "fewer": (lambda total: total[:-1], "ends too early"),
        "late": (lambda total: total[1:], "The first are missing"),
        "before": (lambda total: np.append(3.0, total), "others stand before them"),
        "empty": (lambda total: total[:0], "empty"),
        "wrong, too": (lambda total: -total[1:], ""),
        "one right": (lambda total: total if len(total) == 4 else total[:-1], "ends too early"),
        "one wrong": (lambda total: -total if len(total) == 4 else total[:-1], ""),
    }.values(),
)
def test_lists_of_another_length(change, words):
    found = told(lambda total, *_: change(total))
    assert words in found and (words or not found)


def test_lists_of_unequal_length_are_no_arrays():
    walks = [Case("two walks", ([[1, 2, 3], [4.0]], 2.0)), Case("three", ([[1, 2], [4.0], [7, 8, 9]], 3.0))]
    last = Exercise(lambda walks, by: [by * walk[-1] for walk in walks], last_of, lambda rng: walks)
    assert "wrong sign" in last.judge(lambda walks, by: [-by * walk[-1] for walk in walks]).lines["pattern"]
