"""The learner's own experiment, and what a check tells from one try to the next."""

import numpy as np
import pytest

from qlac_lite.lessons import checks, experiment
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, last_case
from qlac_lite.utils.errors import QlacError

NOISE = np.random.default_rng(0).normal(size=8)


def run(seeds, gain, shift=0.0):
    return NOISE[seeds] + gain + shift * NOISE[seeds] ** 2


@pytest.mark.parametrize(
    "predict, other, said",
    [
        ("higher", 1.0, "and it is higher"),
        ("lower", 1.0, "but it is higher"),
        ("no difference", 1.0, "but it is higher"),
        ("lower", 5.0, "and it is lower"),
    ],
)
def test_a_prediction_is_held_against_the_interval(predict, other, said, capsys):
    apart = experiment(run, {"gain": 2.0}, {"gain": other, "shift": 1e-3}, predict, "reward")
    assert apart == pytest.approx(2.0 - other - 1e-3 * NOISE**2)
    told = capsys.readouterr().out
    assert said in told and f"gain = 2.0 minus gain = {other}, shift = 0.001: {apart.mean():+.3g}" in told
    assert f"gain = 2.0: {np.mean(run(np.arange(8), 2.0)):.3g}; gain = {other}, shift = 0.001: " in told


@pytest.mark.parametrize(
    "gain, predict, said",
    [
        (2.0, "higher", "You predicted higher, but every seed gives the same in both settings. What did"),
        (
            2.0,
            "no difference",
            "You predicted no difference, and every seed gives the same in both settings.",
        ),
        (1.0, "higher", "and it is higher. Every seed gives the same difference."),
    ],
)
def test_an_interval_without_width_is_a_plain_answer(gain, predict, said, capsys):
    experiment(run, {"gain": 2.0}, {"gain": gain, "shift": 0.0}, predict, "reward")
    assert said in capsys.readouterr().out


def test_knobs_that_do_not_exist_are_named_and_two_at_once_are_remarked(capsys):
    with pytest.raises(QlacError, match="no knob 'gian'. The knobs are gain, shift."):
        experiment(run, {"gian": 2.0}, {"gain": 1.0}, "higher", "reward")
    passed_on = lambda seeds, **setting: run(seeds, **setting)
    with pytest.raises(QlacError, match="no knob 'gian'.$"):
        experiment(passed_on, {"gian": 2.0}, {"gain": 1.0}, "higher", "reward")
    with pytest.raises(TypeError):
        experiment(run, {"gain": "much"}, {"gain": 1.0}, "higher", "reward")
    experiment(run, {"gain": 2.0}, {"gain": 1.0}, "higher", "reward")
    assert "Several" not in capsys.readouterr().out
    experiment(run, {"gain": 2.0, "shift": 1.0}, {"gain": 1.0}, "higher", "reward")
    assert "Several knobs differ: gain, shift" in capsys.readouterr().out


def test_an_interval_that_holds_zero_shows_no_difference(capsys):
    other = lambda seeds, turn: turn * NOISE[seeds]
    experiment(other, {"turn": 1}, {"turn": -1}, "higher", "reward")
    said = " ".join(capsys.readouterr().out.split())
    assert "show no difference, and do not rule out yours" in said


def test_knobs_that_both_settings_share_are_told(capsys):
    """Else a control looks like what it is a control for."""
    run = lambda seeds, gain=1, noise=0.5: gain * np.ones(len(seeds)) + noise * NOISE[seeds]
    for shared, said in (
        ({}, "gain = 2 minus gain = 1: "),
        ({"noise": 0}, "minus gain = 1 (both: noise = 0)"),
    ):
        experiment(run, {"gain": 2} | shared, {"gain": 1} | shared, "higher", "reward")
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "one, predict, said", [({"gain": 1}, "more", "Write one of"), ({"gain": 2}, "lower", "Change the knob")]
)
def test_an_experiment_that_asks_nothing_is_refused(one, predict, said):
    with pytest.raises(QlacError, match=said):
        experiment(run, one, {"gain": 2}, predict, "reward")


@pytest.mark.parametrize(
    "setting, said",
    [
        ({"err": 0.1}, "no knob 'err'. The knobs are noise"),
        ({"noise": 0.7}, "noise is 0.7. Write a value from 0 to 0.5"),
        ({"episodes": 0}, "from 4 to 100000"),
    ],
)
def test_knobs_of_the_coin_are_named_and_have_a_range(setting, said):
    from qlac_lite.lessons import chunk_worlds

    with pytest.raises(QlacError, match=said):
        chunk_worlds.earned(np.arange(2), **setting)


@pytest.mark.parametrize(
    "setting, said",
    [
        ({"H": 11}, "H is 11. Write a whole number from 1 to 10"),
        ({"H": 2.5}, "H is 2.5. Write a whole number"),
        ({"keep": 6}, "keep is 6. Write a whole number from 1 to 5"),
        ({"keep": 0}, "keep is 0. Write a whole number from 1 to 5"),
        ({"noise": -0.1}, "noise is -0.1. Write a value from 0 to 1"),
        ({"smooth": 1.5}, "smooth is 1.5. Write a value from 0 to 0.95"),
        (
            {"report": "took the puck"},
            "report is 'took the puck'. Write one of: 'took', 'coherency', 'coverage'",
        ),
        ({"mix": True, "keep": 1}, "Mixed chunks are executed whole"),
    ],
)
def test_knobs_of_the_explorers_have_a_range(setting, said):
    from qlac_lite.lessons import explorers

    with pytest.raises(QlacError, match=said):
        explorers.try_out(np.arange(2), **setting)


def test_two_things_are_not_subtracted_and_one_seed_is_no_experiment():
    counted = lambda seeds, gain=1, report="took": run(seeds, gain)
    with pytest.raises(QlacError, match="report different things"):
        experiment(counted, {"report": "coverage"}, {"gain": 2}, "higher", "reward")
    with pytest.raises(QlacError, match="One seed gives no interval"):
        experiment(run, {"gain": 2.0}, {"gain": 1.0}, "higher", "reward", seeds=1)


def test_a_hint_by_part_speaks_of_the_part_that_differs():
    both = lambda x: (x, 2 * x)
    both.__name__ = "both"
    hints = dict(once="Leave x.", twice=("Double x.", "Write 2 * x."))
    exercise = Exercise(both, both, lambda rng: [Case("at 3", (3.0,), hints)], parts=("once", "twice"))
    assert exercise.judge(lambda x: (x + 1, 2 * x)).lines["next"] == "Leave x."
    assert exercise.judge(lambda x: (x, x)).lines["next"] == "Double x."
    assert exercise.judge(lambda x: 1 / 0).lines["note"] == "Leave x. Double x."


def test_the_idea_comes_first_and_the_code_at_the_third_try(capsys):
    double = lambda x, times: times * x
    double.__name__ = "double"
    exercise = Exercise(
        double, double, lambda rng: [Case("once", (rng.normal(size=30), 2), ("Grow it.", "Write `2 * x`."))]
    )
    for tries in range(1, 5):
        exercise(lambda x, times: x)
        said = capsys.readouterr().out
        assert "Grow it." in said and ("Write" in said) == (tries >= 3)
    case = last_case()
    assert list(case) == ["x", "times"] and case["x"].shape == (30,)
    assert exercise.judge(lambda x, times: 2 * case["x"]).status == "right"
    exercise(lambda x, times: x * times)
    capsys.readouterr()
    exercise(lambda x, times: x)
    assert "Write" not in capsys.readouterr().out


def test_another_mistake_is_told_its_idea_first(capsys):
    """Two slips that were mended are no reason to tell the code of a third."""
    double = lambda x, times: times * x
    double.__name__ = "double"
    mistakes = {"one": lambda x, times: x, "two": lambda x, times: x + times, "three": lambda x, times: -x}
    exercise = Exercise(
        double,
        double,
        lambda rng: [Case("once", (rng.normal(size=30), 2))],
        [Misconception(name, (f"Not {name}.", f"code of {name}"), wrong) for name, wrong in mistakes.items()],
    )
    for name, tries in (("one", 2), ("two", 2), ("three", 2), ("one", 1)):
        for _ in range(tries):
            exercise(mistakes[name])
            said = capsys.readouterr().out
            assert f"Not {name}." in said and ("code of" in said) == (tries == 1)


def test_every_lesson_hands_out_the_case_that_failed():
    import importlib
    import pkgutil

    names = [module.name for module in pkgutil.iter_modules(checks.__path__) if "lesson" in module.name]
    assert len(names) >= 10
    for name in names:
        assert importlib.import_module(f"{checks.__name__}.{name}").last_case is last_case


def test_a_mistake_that_raises_in_a_later_case_is_named_all_the_same():
    halves = lambda n, size: np.arange(0, n, size)
    by_count = lambda n, size: np.arange(0, n, n // size)
    cases = lambda rng: [Case("of 2", (6, 2)), Case("one is enough", (3, 4))]
    named = Exercise(
        halves, halves, cases, [Misconception("The step is the count.", "Step by size.", by_count)]
    )
    assert (
        named.judge(lambda n, size: list(range(0, n, n // size))).lines["likely"] == "The step is the count."
    )
    other = named.judge(lambda n, size: by_count(n, size) if n == 6 else np.arange(n))
    assert "likely" not in other.lines  # the misconception raises where this one does not
    never = Exercise(
        halves, halves, cases, [Misconception("Of three.", "", lambda n, size: np.arange(0, n, 3))]
    )
    assert "likely" not in never.judge(lambda n, size: np.arange(0, n, n // size)).lines
