"""Slips in a right answer: those that give the numbers that came are told, and no others."""

import ast
import contextlib
import inspect
import time

import jax
import numpy as np
import pytest

from qlac_lite.lessons.checks import slips as module
from qlac_lite.lessons.checks.exercise import Case, Exercise
from qlac_lite.lessons.checks.slips import slips


def discounted(rewards, stops, gamma):
    """Returns of all episodes, and the steps of the longest one."""
    returns, longest, since = [], 0, 0
    value = 0.0
    for step, (reward, stop) in enumerate(zip(rewards, stops, strict=True)):
        value += gamma ** (step - since) * reward
        if stop and step >= since:
            returns.append(value)
            longest = max(longest, step - since + 1)
            value, since = 0.0, step + 1
    return np.array(returns).mean(), longest


def cases(rng):
    stops = np.zeros(24, int)
    stops[[3, 4, 11, 23]] = 1
    return [Case(f"rewards {i}", (rng.normal(size=24), np.roll(stops, i), 0.5 + 0.1 * i)) for i in range(3)]


check = Exercise(discounted, discounted, cases, parts=("mean return", "longest"))


def other(changes):
    source = inspect.getsource(discounted)
    for old, new in changes.items():
        assert source.count(old) == 1
        source = source.replace(old, new)
    made = {}
    exec(source, globals(), made)
    return made["discounted"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({".mean()": ".sum()"}, "`sum` stands where `mean` belongs"),
        ({"(step - since)": "step"}, "a term is left out"),
        ({"(step - since) *": "(step - since + 1) *"}, "a power is one too large"),
        ({"since + 1)": "since)"}, "a term is left out: `1`"),
        ({"value, since = 0.0, step + 1": "value, since = reward, step + 1"}, ""),
        ({"gamma ** (step - since) * reward": "reward"}, "a factor is left out"),
        ({"value += ": "value = "}, "a value is overwritten, not added to"),
        ({"if stop and": "if not stop and"}, "a condition is turned round"),
        ({"np.array(returns).mean()": "np.exp(np.array(returns).mean()) + 3"}, ""),
    ],
)
def test_what_gives_the_same_is_told(changes, words):
    told = check.judge(other(changes), seed=0)
    assert told.status == "wrong"
    assert words in told.lines.get("same as", "") and (words or "same as" not in told.lines), told


def test_the_code_is_told_at_the_third_time(capsys):
    wrong = other({"(step - since) *": "(step - since + 1) *"})
    said = []
    for _ in range(3):
        check(wrong)
        said.append(capsys.readouterr().out)
    assert all("one too large" in each for each in said)
    assert "gamma" not in said[1].split("same as")[1].split("\n")[0]
    exercise = Exercise(by_two, by_two, lambda rng: [Case("four", (np.arange(4.0),))])
    for times in range(3):
        exercise(lambda values: values - 2)
        assert ("(`values - 2` for `values + 2`)" in capsys.readouterr().out) == (times == 2)


def by_two(values):
    return values + 2


def test_each_change_is_one_and_is_taken_back():
    tree = ast.parse(inspect.getsource(discounted)).body[0]
    before, count = ast.unparse(tree), 0
    for *_, put in list(module._changes(tree, frozenset())):
        take_back = put()
        count += ast.unparse(ast.fix_missing_locations(tree)) != before
        take_back()
        assert ast.unparse(tree) == before
    assert count > 50


def endless(count):
    while count > 0:
        count -= 1
    return count


def test_a_loop_of_a_slip_ends():
    ends = 0
    for slip in slips(endless):
        try:
            slip.function(3)
        except TimeoutError:
            ends += 1
        except TypeError:  # an entry of a number is left out
            pass
    assert ends


def slow(count):
    while count > 0:
        count -= 0.001
        time.sleep(0.01)
    return count


def test_a_slow_loop_of_a_slip_ends_at_its_time():
    for slip in list(slips(slow))[:5]:
        start = time.monotonic()
        with module.within(0.1), contextlib.suppress(TimeoutError, TypeError):
            slip.function(1)
        assert time.monotonic() - start < 1


def compiled_loop(count):
    return jax.lax.while_loop(lambda left: left > 0, lambda left: left - 1, count)


def test_a_compiled_loop_which_nothing_can_interrupt_gets_no_slips():
    assert not list(slips(compiled_loop))


def test_without_source_there_are_no_slips():
    assert not [slip for function in (np.sum, len, lambda x: x, None) for slip in slips(function)]
