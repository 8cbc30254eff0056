"""Answers to the exercises of lesson 07 as learners might write them; see wrong_answers_00.py."""

import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson07 import (
    INSIDE,
    NOT_COMPARED,
    WORDS,
    diagnose,
    hours_of_run,
    memory_of_run,
    q_range,
    rows_to_keep,
    verdict,
)


def memory_by_columns(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    columns = lambda rows: sum(4 * rows * width for width in (observation_size, action_size, 1, 1, 1))
    data = columns(transitions + episodes) + 4 * transitions
    replay = seeds * (columns(replay_rows) + 4 * replay_rows)
    moments = 2 * parameters
    return data, replay, 4 * seeds * (parameters + critic_parameters + moments)


def hours_by_seconds(offline, online, seeds, updates, steps, evaluations, evaluation_steps, overlapped):
    learn, act = online / updates, online * seeds / steps
    if overlapped:
        online = act if act > learn else learn
    else:
        online = learn + act
    return (offline / updates + online + evaluations * evaluation_steps / steps) / 60**2


def rows_by_tuples(phase, step, *checkpoint):
    return [(p, s) <= checkpoint for p, s in zip(phase.tolist(), step.tolist(), strict=True)]


def rows_with_an_if(phase, step, checkpoint_phase, checkpoint_step):
    if checkpoint_phase == 0:
        return (phase == 0) * (step <= checkpoint_step)
    return np.where(phase == 0, True, step <= checkpoint_step)


def verdict_by_clipping(success, steps, paper_steps, interval):
    """The difference from the nearest point of the interval has the sign of BELOW, INSIDE or ABOVE."""
    if not np.array_equal(steps, paper_steps):
        return NOT_COMPARED
    mean = round(success.mean().item(), 3)
    return np.sign(mean - np.clip(mean, *interval))


def diagnose_by_select(log, success, lowest, highest, knowing_nothing, far):
    count = max(1, len(log["q_min"]) // 4)
    late = {name: values[-count:].mean() for name, values in log.items()}
    beyond = (highest - lowest) / 10
    q_findings = [late["q_max"] > highest + beyond, late["q_min"] < lowest - beyond]
    others = [late["flow_loss"] > 0.9 * knowing_nothing, late["distance"] > far, success == 0]
    return np.select(q_findings + others, [1, 2, 3, 4, 5], default=0)


ALSO_RIGHT = {"check_rows_to_keep": rows_with_an_if}
RIGHT = {
    "check_memory_of_run": memory_by_columns,
    "check_hours_of_run": hours_by_seconds,
    "check_rows_to_keep": rows_by_tuples,
    "check_verdict": verdict_by_clipping,
    "check_q_range": lambda low, solved, g, h, limit: [low * (1 / (1 - g)), solved],
    "check_diagnose": diagnose_by_select,
}


def hours_evaluated_while_learning(o, n, seeds, u, s, e, steps, over):
    """As if evaluations ran beside the learner, too."""
    return max(hours_of_run(o, n, seeds, u, s, 0, 0, over), e * steps / s / 3600)


def diagnose_each_row(log, *rest):
    rows = range(1, len(log["q_min"]) + 1)
    return np.array([diagnose({name: values[:row] for name, values in log.items()}, *rest) for row in rows])


WRONG = {
    "check_memory_of_run": {
        "one number": (lambda *args: sum(memory_of_run(*args)), "wrong number of values"),
        "a gradient is kept": (edited(memory_of_run, {"3 * parameters": "4 * parameters"}), "next"),
        "learner before replay": (
            edited(memory_of_run, {"data, replay, learner": "data, learner, replay"}),
            "another order",
        ),
        "in gigabytes": (edited(memory_of_run, {"number = 4": "number = 4 / 2**30"}), "next"),
        "rows minus episodes": (lambda t, e, *rest: memory_of_run(t - 2 * e, e, *rest), "next"),
    },
    "check_hours_of_run": {
        "evaluates beside the learner": (hours_evaluated_while_learning, "next"),
        "in days": (edited(hours_of_run, {"/ 3600": "/ 3600 / 24"}), "next"),
        "the seeds in the offline phase": (edited(hours_of_run, {"= offline": "= seeds * offline"}), "next"),
        "offline and online": (
            lambda o, n, *rest: (hours_of_run(o, 0, *rest), hours_of_run(0, n, *rest)),
            "wrong shape",
        ),
        "a comma after the result": (
            edited(hours_of_run, {"/ 3600": "/ 3600,"}),
            "a comma after the last name of the return",
        ),
    },
    "check_rows_to_keep": {
        # One number a row: right as long as no phase is longer than 500 steps.
        "a number for a phase": (lambda p, s, cp, cs: p * 500 + s <= cp * 500 + cs, "next"),
        "indices": (lambda *args: np.flatnonzero(rows_to_keep(*args)), "wrong shape"),
        "how many": (lambda *args: rows_to_keep(*args).sum(), "wrong shape"),
        "and without brackets": (
            lambda p, s, cp, cs: p < cp | (p == cp) & s <= cs,
            "with brackets round each comparison",
        ),
        "Python's and": (lambda p, s, cp, cs: p < cp or (p == cp and s <= cs), "Entry by entry: &, | and ~"),
    },
    "check_verdict": {
        "in words": (
            lambda *args: ["inside", "above", "not compared", "below"][verdict(*args)],
            "not an array of numbers",
        ),
        "steps == paper_steps of arrays": (
            edited(verdict, {"tuple(steps) != tuple(paper_steps)": "steps != paper_steps"}),
            "For one yes or no: .all()",
        ),
        "a verdict a seed": (lambda s, *rest: np.array([verdict(one, *rest) for one in s]), "wrong shape"),
        "any step agrees": (
            edited(verdict, {"tuple(steps) != tuple(paper_steps)": "all(steps != paper_steps)"}),
            "next",
        ),
        "True where inside": (lambda *args: verdict(*args) == INSIDE, "next"),
        "never compared": (lambda *args: NOT_COMPARED, "next"),
    },
    "check_q_range": {
        "the largest first": (lambda *args: q_range(*args)[::-1], "another order"),
        "the width": (lambda *args: q_range(*args)[1] - q_range(*args)[0], "wrong number of values"),
        "discount^H": (lambda low, solved, g, h, n: q_range(low, solved, g**h, h, n), "next"),
        "discount + 1": (edited(q_range, {"1 - discount": "1 + discount"}), "next"),
        "the sign of a cost": (edited(q_range, {"return reward_min": "return -reward_min"}), "next"),
    },
    "check_diagnose": {
        "in words": (lambda *args: WORDS[diagnose(*args)], "not an array of numbers"),
        "a code a row": (diagnose_each_row, "wrong shape"),
        "Q is not asked about": (edited(diagnose, {"Q_TOO_HIGH, Q_TOO_LOW, ": ""}), "next"),
        "healthy or not": (lambda *args: diagnose(*args) == 0, "next"),
        "half of the rows": (edited(diagnose, {"[-quarter:]": "[len(values) // 2 :]"}), "next"),
        "always healthy": (lambda *args: 0, "next"),
    },
}
