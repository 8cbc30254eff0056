"""Each check accepts the right answer and refuses wrong ones, each with its own message;
the library agrees with it."""

import functools
import importlib
import os
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest
import wrong_answers_00
import wrong_answers_01
import wrong_answers_02
import wrong_answers_03
import wrong_answers_04
import wrong_answers_05
import wrong_answers_06
import wrong_answers_07
import wrong_answers_08
import wrong_answers_09
import wrong_answers_10
import wrong_answers_11

from qlac_lite.lessons import checks
from qlac_lite.lessons.checks.exercise import Exercise, edited

ANSWERS = (
    wrong_answers_00,
    wrong_answers_01,
    wrong_answers_02,
    wrong_answers_03,
    wrong_answers_04,
    wrong_answers_05,
    wrong_answers_06,
    wrong_answers_07,
    wrong_answers_08,
    wrong_answers_09,
    wrong_answers_10,
    wrong_answers_11,
)
RIGHT = [
    pair for module in ANSWERS for pair in (*module.RIGHT.items(), *getattr(module, "ALSO_RIGHT", {}).items())
]
WRONG = {name: answers for module in ANSWERS for name, answers in module.WRONG.items()}


def exercises():
    for module in pkgutil.iter_modules(checks.__path__):
        content = vars(importlib.import_module(f"qlac_lite.lessons.checks.{module.name}"))
        yield from (
            (name, module.name, value) for name, value in content.items() if isinstance(value, Exercise)
        )


ALL = {name: exercise for name, _, exercise in exercises()}
LESSON = {name: f"{lesson}-{name}" for name, lesson, _ in exercises()}
each = functools.partial(pytest.mark.parametrize, ids=LESSON.get)  # -k lesson02 runs those of lesson 02


@pytest.fixture(autouse=True)
def _no_search_for_slips(monkeypatch):
    monkeypatch.setattr(Exercise, "searching", 0)


def seeds(name, many):
    """How many draws of the cases: fewer where each runs JAX, and where QLAC_FAST asks for short runs."""
    if os.environ.get("QLAC_FAST"):
        return range(1 if ALL[name].compiled else -(-many // 4))
    return range(2 if ALL[name].compiled else many)


def copy_of(function):
    """The same function as another object: what a learner's right answer looks like."""
    return lambda *args: function(*args)


@each("name", ALL)
def test_the_librarys_function_is_right_in_many_random_cases(name):
    for seed in seeds(name, 20):
        assert ALL[name].judge(copy_of(ALL[name].library), seed).status == "right"


@each("name, answer", RIGHT)
def test_a_right_answer_written_otherwise_is_accepted(name, answer):
    for seed in seeds(name, 20):
        verdict = ALL[name].judge(answer, seed)
        assert verdict.status == "right", str(verdict)


@each("name", ALL)
def test_every_misconception_is_refused_by_its_name(name):
    exercise = ALL[name]
    assert len(exercise.misconceptions) >= 5
    for seed in seeds(name, 5):
        said = []
        for mistake in exercise.misconceptions:
            verdict = exercise.judge(mistake.function, seed)
            assert verdict.status == "wrong", mistake.name
            assert verdict.lines.get("likely") == mistake.name, (mistake.name, str(verdict))
            said.append(verdict.lines["likely"])
        assert len(set(said)) == len(said)


@each("name, label", [(name, label) for name in WRONG for label in WRONG[name]])
def test_a_plausible_wrong_answer_is_refused_with_help(name, label):
    answer, message = WRONG[name][label]
    for seed in seeds(name, 5):
        verdict = ALL[name].judge(answer, seed)
        assert verdict.status == "wrong"
        assert message in str(verdict), str(verdict)
        assert verdict.lines.get("next"), str(verdict)


@each("name", ALL)
def test_what_a_learner_may_hand_in_by_accident(name, monkeypatch, capsys):
    exercise, library = ALL[name], ALL[name].library
    monkeypatch.setattr(Exercise, "searching", 0.5)
    monkeypatch.setattr(np.random, "SeedSequence", lambda: SimpleNamespace(entropy=0))
    monkeypatch.setattr(exercise, "_seed", 0)  # the cases whose answers are known from the tests above

    def stub(*args):
        # YOUR CODE HERE
        raise NotImplementedError()

    def destructive(*args):
        for argument in args:
            if isinstance(argument, np.ndarray) and argument.size:
                argument *= 0
        return library(*args)

    assert exercise.judge(stub).status == "open" and "not attempted yet" in str(exercise.judge(stub))
    accidents = {
        "returned None": lambda *args: None,
        "the library's own": library,
        "is not a function": 3,
        "raised TypeError": lambda: 0,
        "raised SystemExit": lambda *args: exit(1),
        "raised ZeroDivisionError": lambda *args: 1 / 0,
        "changes its arguments": destructive,
    }
    if not any(
        isinstance(argument, np.ndarray) for argument in exercise.cases(np.random.default_rng(0))[0].args
    ):
        del accidents["changes its arguments"]
    for message, answer in accidents.items():
        verdict = exercise.judge(answer)
        assert verdict.status == "wrong" and message in str(verdict), (message, str(verdict))
    for answer in (
        lambda *args: "text",
        lambda *args: {},
        lambda *args: [[1], [1, 2]],
        lambda *args: np.nan,
        lambda *args: library,
    ):
        assert exercise.judge(answer).status == "wrong"
    assert exercise(stub) is library and "not attempted yet" in capsys.readouterr().out
    right = copy_of(library)
    assert exercise(right).learners_own is right
    assert exercise(exercise(right)).learners_own is right
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert exercise(right).learners_own is right
    with pytest.raises(AssertionError, match="not attempted yet"):
        exercise(stub)


def test_a_right_answer_in_lists_or_jax_goes_on_as_numpy():
    import jax.numpy as jnp

    exercise = ALL["check_mended_targets"]
    args = exercise.cases(np.random.default_rng(0))[1].args
    for answer in (
        lambda r, m, q, g: list(exercise.expected(r, m, q, g)),
        lambda r, m, q, g: jnp.asarray(exercise.expected(r, m, q, g)),
    ):
        assert type(exercise(answer)(*args)) is np.ndarray
    import jax

    jitted = jax.jit(lambda r, m, q, g: r @ g ** np.arange(r.shape[1]) + g ** r.shape[1] * m * q.max(axis=1))
    assert exercise(jitted).learners_own is jitted
    steps = ALL["check_decision_steps"]
    for answer in (lambda n, h: range(0, n, h), lambda n, h: tuple(range(0, n, h))):
        assert type(steps(answer)(9, 4)) is np.ndarray


def test_an_array_may_stand_for_a_tuple_of_numbers():
    exercise = ALL["check_budget_of_run"]
    assert exercise.judge(lambda *args: np.array(exercise.library(*args))).status == "right"
    assert "wrong number of values" in str(exercise.judge(lambda *args: np.zeros(3)))


def test_cases_stay_until_the_answer_is_right():
    exercise = ALL["check_window_targets"]
    wrong = exercise.misconceptions[0].function
    first = str(exercise.judge(wrong))
    assert str(exercise.judge(wrong)) == first and "discount = " in first
    exercise.judge(copy_of(exercise.library))
    assert str(exercise.judge(wrong)) != first


def test_of_many_cases_that_are_right_only_the_last_is_told():
    exercise = ALL["check_verdict"]
    late = edited(exercise.library, {"tuple(steps) != tuple(paper_steps)": "list(steps) == [1e6, 1e5]"})
    told = exercise.judge(late).lines["right so far"]
    assert " cases; the last: " in told and len(told) < 150


def test_an_answer_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(Exercise, "seconds", 0.2)

    def endless(table, patience):
        while True:
            pass

    verdict = ALL["check_walk_clone"].judge(endless)
    assert verdict.status == "wrong" and "raised TimeoutError" in verdict.headline
    assert "A loop whose condition stays true" in str(verdict)


def test_jax_keeps_nothing_that_a_stop_cut_short(monkeypatch):
    """What is cut short while JAX traces it is "Recursively calling" at every later call."""
    import jax

    monkeypatch.setattr(Exercise, "seconds", 0.2)
    doubled = jax.jit(lambda x: 2 * x)

    def endless(*args):
        while True:
            doubled(1.0)

    assert "raised TimeoutError" in ALL["check_actor_loss"].judge(endless).headline
    assert doubled._cache_size() == 0 and doubled(1.0) == 2


def test_an_edit_that_says_nothing_certain_is_refused():
    right = ALL["check_decision_steps"].library
    assert edited(right, {"0, steps": "1, steps"})(6, 4).tolist() == [1, 5]
    for piece, times in (("no such piece", 0), ("steps", 5)):
        with pytest.raises(ValueError, match=f"{piece}' {times} times, not once"):
            edited(right, {piece: "something else"})


def test_a_verdict_reads_as_text_and_as_a_page():
    exercise = next(iter(ALL.values()))
    verdict = exercise.judge(exercise.misconceptions[0].function)
    assert verdict.headline in str(verdict) and "<table>" in verdict._repr_html_()
    assert "&lt;" in exercise._wrong("a < b")._repr_html_()


def test_backticks_are_code_on_a_page_and_stay_as_they_are_in_text():
    verdict = ALL["check_decision_steps"]._wrong(
        "the line `a < b & c`", likely="`np.where` gives a tuple, ` is alone", error="`two\nlines`"
    )
    page = verdict._repr_html_()
    assert (
        "the line <code>a &lt; b &amp; c</code>" in page
        and "<code>np.where</code> gives a tuple, ` is alone" in page
    )
    assert "`two\nlines`" in page and page.count("<code>") == 2
    assert "the line `a < b & c`" in str(verdict) and "<code>" not in str(verdict)


def test_a_headline_says_the_name_of_the_function_once():
    exercise = ALL["check_decision_steps"]
    assert (
        exercise.judge(lambda *args: np.zeros((9, 9))).headline
        == "decision_steps: the result has the wrong shape"
    )
    parts = ALL["check_pose_column"].judge(lambda *args: (np.zeros(3),) * 3).headline
    assert parts == "pose_column: column has the wrong shape"


def test_what_is_not_finite_is_shown_at_its_place():
    answer, _ = WRONG["check_learn_from_chunks"]["from -inf, and mended"]
    lines = ALL["check_learn_from_chunks"].judge(answer, 0).lines
    assert lines["got"] == "value[0] = -inf" and "inf" not in lines["expected"]
