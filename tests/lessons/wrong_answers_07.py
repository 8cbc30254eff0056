"""Answers to the exercises of lesson 07 as learners might write them; see wrong_answers.py."""

import numpy as np

from qlac_lite.lessons.checks.lesson07 import (
    ABOVE,
    BELOW,
    INSIDE,
    NOT_COMPARED,
    diagnose,
    hours_of_run,
    memory_of_run,
    q_range,
    rows_to_keep,
    verdict,
)
from qlac_lite.reports import paper


def memory_by_columns(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    columns = lambda rows: sum(
        np.dtype(np.float32).itemsize * rows * width for width in (observation_size, action_size, 1, 1, 1)
    )
    data = columns(transitions + episodes) + np.dtype(np.int32).itemsize * transitions
    moments = 2 * parameters
    return (
        data,
        seeds * (columns(replay_rows) + 4 * replay_rows),
        4 * seeds * (parameters + critic_parameters + moments),
    )


def memory_in_one(*args):
    return sum(memory_of_run(*args))


def memory_with_a_gradient(t, e, s, a, r, p, c, n):
    data, replay, learner = memory_of_run(t, e, s, a, r, p, c, n)
    return data, replay, learner + 4 * n * p


def hours_by_seconds(
    offline_steps,
    online_steps,
    seeds,
    updates_per_second,
    steps_per_second,
    evaluations,
    evaluation_steps,
    overlapped,
):
    seconds = offline_steps / updates_per_second
    learn, act = online_steps / updates_per_second, online_steps * seeds / steps_per_second
    if overlapped and act > learn:
        seconds += act
    elif overlapped:
        seconds += learn
    else:
        seconds += learn + act
    return (seconds + evaluations * evaluation_steps / steps_per_second) / 60**2


def hours_evaluated_while_learning(o, n, seeds, u, s, e, steps, over):
    """As if evaluations ran beside the learner, too."""
    return max(hours_of_run(o, n, seeds, u, s, 0, 0, over), e * steps / s / 3600)


def rows_by_tuples(phase, step, checkpoint_phase, checkpoint_step):
    return [
        (p, s) <= (checkpoint_phase, checkpoint_step)
        for p, s in zip(phase.tolist(), step.tolist(), strict=True)
    ]


def rows_with_an_if(phase, step, checkpoint_phase, checkpoint_step):
    if checkpoint_phase == 0:
        return (phase == 0) * (step <= checkpoint_step)
    return np.where(phase == 0, True, step <= checkpoint_step)


def rows_scaled(phase, step, checkpoint_phase, checkpoint_step):
    """One number a row: right as long as no phase is longer than that."""
    return phase * 500 + step <= checkpoint_phase * 500 + checkpoint_step


def verdict_by_library(success, steps, paper_steps, interval):
    if not np.array_equal(steps, paper_steps):
        return NOT_COMPARED
    mean = success.mean()
    word = paper.verdict((mean, mean, mean), (sum(interval) / 2, *interval))
    return dict(below=BELOW, inside=INSIDE, above=ABOVE)[word]


def verdict_in_words(success, steps, paper_steps, interval):
    return {BELOW: "below", INSIDE: "inside", ABOVE: "above", NOT_COMPARED: "not compared"}[
        verdict(success, steps, paper_steps, interval)
    ]


def verdict_elementwise(success, steps, paper_steps, interval):
    if steps == paper_steps:
        return verdict(success, steps, paper_steps, interval)
    return NOT_COMPARED


def verdict_of_each_seed(success, steps, paper_steps, interval):
    return np.array([verdict(np.array([s]), steps, paper_steps, interval) for s in success])


def diagnose_in_order(log, success, lowest, highest, knowing_nothing, far):
    count = max(1, len(log["q_min"]) // 4)
    q_max, q_min, loss, distance = (
        log[name][-count:].mean() for name in ("q_max", "q_min", "flow_loss", "distance")
    )
    beyond = (highest - lowest) / 10
    conditions = [
        q_max > highest + beyond,
        q_min < lowest - beyond,
        loss > 0.9 * knowing_nothing,
        distance > far,
        success == 0,
    ]
    return int(np.argmax([False, *conditions])) if any(conditions) else 0


def diagnose_in_words(*args):
    from qlac_lite.lessons.checks.lesson07 import WORDS

    return WORDS[diagnose(*args)]


def diagnose_all(log, *rest):
    return np.array(
        [
            diagnose({name: values[: i + 1] for name, values in log.items()}, *rest)
            for i in range(len(log["q_min"]))
        ]
    )


ALSO_RIGHT = {"check_rows_to_keep": rows_with_an_if}
RIGHT = {
    "check_memory_of_run": memory_by_columns,
    "check_hours_of_run": hours_by_seconds,
    "check_rows_to_keep": rows_by_tuples,
    "check_verdict": verdict_by_library,
    "check_q_range": lambda low, solved, g, h, limit: [low * (1 / (1 - g)), solved],
    "check_diagnose": diagnose_in_order,
}

WRONG = {
    "check_memory_of_run": {
        "one number": (memory_in_one, "wrong number of values"),
        "a gradient is kept": (memory_with_a_gradient, "next"),
        "learner before replay": (
            lambda *args: (lambda d, r, m: (d, m, r))(*memory_of_run(*args)),
            "another order",
        ),
        "in gigabytes": (lambda *args: tuple(x / 2**30 for x in memory_of_run(*args)), "next"),
        "rows minus episodes": (lambda t, e, *rest: memory_of_run(t - 2 * e, e, *rest), "next"),
    },
    "check_hours_of_run": {
        "evaluates beside the learner": (hours_evaluated_while_learning, "next"),
        "in days": (lambda *args: hours_of_run(*args) / 24, "next"),
        "the seeds in the offline phase": (lambda o, n, k, *rest: hours_of_run(k * o, n, k, *rest), "next"),
        "offline and online": (
            lambda o, n, *rest: (hours_of_run(o, 0, *rest), hours_of_run(0, n, *rest)),
            "wrong shape",
        ),
        "a comma after the result": (
            lambda *args: (hours_of_run(*args),),
            "a comma after the last name of the return",
        ),
    },
    "check_rows_to_keep": {
        "a number for a phase": (rows_scaled, "next"),
        "indices": (lambda *args: np.flatnonzero(rows_to_keep(*args)), "wrong shape"),
        "how many": (lambda *args: rows_to_keep(*args).sum(), "wrong shape"),
        "and without brackets": (
            lambda p, s, cp, cs: p < cp | (p == cp) & s <= cs,
            "with brackets round each comparison",
        ),
        "Python's and": (lambda p, s, cp, cs: p < cp or (p == cp and s <= cs), "Entry by entry: &, | and ~"),
    },
    "check_verdict": {
        "in words": (verdict_in_words, "not an array of numbers"),
        "steps == paper_steps of arrays": (verdict_elementwise, "For one yes or no: .all()"),
        "a verdict a seed": (verdict_of_each_seed, "wrong shape"),
        "any step agrees": (
            lambda s, a, b, i: verdict(s, b, b, i) if (a == b).any() else NOT_COMPARED,
            "next",
        ),
        "True where inside": (lambda s, a, b, i: bool(verdict(s, a, b, i) == INSIDE), "next"),
        "never compared": (lambda s, a, b, i: NOT_COMPARED, "next"),
    },
    "check_q_range": {
        "the largest first": (lambda *args: q_range(*args)[::-1], "another order"),
        "the width": (lambda *args: q_range(*args)[1] - q_range(*args)[0], "wrong number of values"),
        "discount^H": (lambda low, solved, g, h, n: q_range(low, solved, g**h, h, n), "next"),
        "discount + 1": (lambda low, solved, g, h, n: (low / (1 + g), solved), "next"),
        "the sign of a cost": (lambda low, solved, g, h, n: (-low / (1 - g), solved), "next"),
    },
    "check_diagnose": {
        "in words": (diagnose_in_words, "not an array of numbers"),
        "a code a row": (diagnose_all, "wrong shape"),
        "Q is not asked about": (
            lambda log, *rest: diagnose(log | {"q_max": 0 * log["q_max"], "q_min": 0 * log["q_min"]}, *rest),
            "next",
        ),
        "healthy or not": (lambda *args: diagnose(*args) == 0, "next"),
        "half of the rows": (
            lambda log, *rest: diagnose(
                {k: np.repeat(v[len(v) // 2 :].mean(), 4) for k, v in log.items()}, *rest
            ),
            "next",
        ),
        "always healthy": (lambda *args: 0, "next"),
    },
}
