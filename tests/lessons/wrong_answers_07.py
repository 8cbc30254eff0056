"""Answers to the exercises of lesson 07 as learners might write them; see wrong_answers_00.py."""

import jax
import numpy as np
from scipy import stats

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson07 import (
    NOT_COMPARED,
    NOT_SHOWN,
    WORDS,
    budget_of_run,
    diagnose,
    mended_training,
    resume,
    verdict,
)


def budget_by_columns(size, rates):
    columns = lambda rows: sum(
        4 * rows * width for width in (size.observation_size, size.action_size, 1, 1, 1)
    )
    data = columns(size.transitions + size.episodes) + 4 * size.transitions
    replay = size.seeds * (columns(size.replay_rows) + 4 * size.replay_rows)
    learner = 4 * size.seeds * (size.parameters + size.critic_parameters + 2 * size.parameters)
    learn, act = size.online_steps / rates.updates, size.online_steps * size.seeds / rates.steps
    if rates.overlapped:
        online = act if act > learn else learn
    else:
        online = learn + act
    seconds = size.offline_steps / rates.updates + online
    seconds += size.evaluations * size.evaluation_steps / rates.steps
    return data, replay, learner, seconds / 60**2


def resume_by_tuples(phase, step, saved, lengths):
    place = (0, 0) if saved is None else saved
    keep = [(p, s) <= place for p, s in zip(phase.tolist(), step.tolist(), strict=True)]
    if saved is None:
        keep = [False] * len(phase)
    if place[0] == 0 and place[1] == lengths[0]:
        place = (1, 0)
    if place[0] == 1 and place[1] == lengths[1]:
        place = (2, 0)
    return keep, place[0], place[1]


def resume_with_an_if(phase, step, saved, lengths):
    if saved is None:
        keep, begin = np.zeros(len(phase), bool), (0, 0)
    elif saved[0] == 0:
        keep, begin = (phase == 0) * (step <= saved[1]), saved
    else:
        keep, begin = np.where(phase == 0, True, step <= saved[1]), saved
    for number in (0, 1):
        if begin == (number, lengths[number]):
            begin = (number + 1, 0)
    return keep, *begin


def training_with_its_key_saved(disk, update, state, seed, steps, every):
    """The other way to mend it: the key is saved with the state."""
    step, log, key = 0, [], jax.random.key(seed)
    if disk.load():
        step, (state, key), log = disk.load()
    for number in range(step, steps):
        key, now = jax.random.split(key)
        state, row = update(state, now)
        log = log + [row]
        if (number + 1) % every == 0:
            disk.save(number + 1, (state, key), log)
    return state, log


def training_with_all_keys(disk, update, state, seed, steps, every):
    """It appends to the log that it has loaded, in place: the disk keeps its own."""
    keys = jax.random.split(jax.random.key(seed), steps)
    begin, log = 0, []
    if disk.load() is not None:
        begin, state, log = disk.load()
    for step in range(begin, steps):
        state, row = update(state, keys[step])
        log.append(row)
        if (step + 1) % every == 0:
            disk.save(step + 1, state, log)
    return state, log


def verdict_by_t(success, steps, paper_steps, paper, paper_seeds):
    """The size of t says whether, its sign says where."""
    if not np.array_equal(steps, paper_steps):
        return NOT_COMPARED
    error = np.hypot(stats.sem(success), (paper[2] - paper[1]) / (2 * stats.norm.ppf(0.975)))
    t = (success.mean() - paper[0]) / error
    shown = 2 * stats.t.sf(abs(t), len(success) + paper_seeds - 2) < 0.05
    return np.sign(t) * shown


def diagnose_by_select(log, success, about):
    count = max(1, len(log["q_min"]) // 4)
    late = {name: values[-count:].mean() for name, values in log.items()}
    lowest = about.reward_min * (1 / (1 - about.discount))
    beyond = (about.reward_solved - lowest) / 10
    lost = ~np.isfinite([late["q_max"], late["q_min"]])
    q_findings = [lost.any(), late["q_max"] > about.reward_solved + beyond, late["q_min"] < lowest - beyond]
    others = [late["flow_loss"] > 0.9 * about.knowing_nothing, late["distance"] > about.far, success == 0]
    return np.select(q_findings + others, [1, 2, 3, 4, 5, 6], default=0)


ALSO_RIGHT = {"check_resume": resume_with_an_if, "check_mended_training": training_with_all_keys}
RIGHT = {
    "check_budget_of_run": budget_by_columns,
    "check_resume": resume_by_tuples,
    "check_mended_training": training_with_its_key_saved,
    "check_verdict": verdict_by_t,
    "check_diagnose": diagnose_by_select,
}


def evaluates_while_learning(size, rates):
    """As if evaluations ran beside the learner, too."""
    *memory, hours = budget_of_run(size._replace(evaluations=0), rates)
    return *memory, max(hours, size.evaluations * size.evaluation_steps / rates.steps / 3600)


def evaluates_beside_the_learner(size, rates):
    """The evaluations stand inside the maximum, with the simulators."""
    *memory, hours = budget_of_run(size._replace(online_steps=0, evaluations=0), rates)
    evaluating = size.evaluations * size.evaluation_steps / rates.steps
    times = size.online_steps / rates.updates, size.seeds * size.online_steps / rates.steps + evaluating
    return *memory, hours + (max(times) if rates.overlapped else sum(times)) / 3600


def training_that_always_updates(disk, update, state, seed, steps, every):
    step, log = 0, []
    if saved := disk.load():
        step, state, log = saved
    while True:
        state, row = update(state, jax.random.fold_in(jax.random.key(seed), step))
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
        if step >= steps:
            return state, log


def training_that_saves_once(disk, update, state, seed, steps, every):
    (step, state, log), written = disk.load() or (0, state, []), False
    for number in range(step, steps):
        state, row = update(state, jax.random.fold_in(jax.random.key(seed), number))
        log = [*log, row]
        if (number + 1) % every == 0 and not written:
            disk.save(number + 1, state, log)
            written = True
    return state, log


def diagnose_a_column_otherwise():
    """Answers that ask a single column in another way, each as (answer, what the check says)."""
    ways = {
        "the last row": lambda values, _: values[-1],
        "the median": lambda values, n: np.median(values[-n:]),
    }
    ways |= {"the whole log": lambda values, _: np.mean(values)}
    ways |= {"the last half": lambda values, _: np.mean(values[-(len(values) // 2) :])}
    ways |= {"the last three": lambda values, _: np.mean(values[-3:])}
    ways |= {
        "the least": lambda values, n: np.min(values[-n:]),
        "the most": lambda values, n: np.max(values[-n:]),
    }
    answers = {}
    for column in ("q_min", "q_max", "flow_loss", "distance"):
        for name, way in ways.items():

            def answer(log, *rest, column=column, way=way):
                quarter = max(1, len(log[column]) // 4)
                return diagnose(log | {column: np.full(len(log[column]), way(log[column], quarter))}, *rest)

            answers[f"{column}: {name}"] = answer, "next"
    return answers


def diagnose_each_row(log, *rest):
    rows = range(1, len(log["q_min"]) + 1)
    return np.array([diagnose({name: values[:row] for name, values in log.items()}, *rest) for row in rows])


def training_that_never_saves(disk, update, state, seed, steps, every):
    log = []
    for step in range(disk.load()[0] if disk.load() else 0, steps):
        state, row = update(state, jax.random.fold_in(jax.random.key(seed), step))
        log.append(row)
    return state, log


def training_that_saves_the_used_key(disk, update, state, seed, steps, every):
    """The key is saved, but the half that the update has used up."""
    step, log, key = 0, [], jax.random.key(seed)
    if disk.load():
        step, (state, key), log = disk.load()
    while step < steps:
        key, now = jax.random.split(key)
        state, row = update(state, now)
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, (state, now), log)
    return state, log


def training_that_replays_the_other_half(disk, update, state, seed, steps, every):
    """It splits again as often as before the kill, and keeps the wrong half."""
    step, log, key = 0, [], jax.random.key(seed)
    if disk.load():
        step, state, log = disk.load()
    for _ in range(step):
        _, key = jax.random.split(key)
    while step < steps:
        key, now = jax.random.split(key)
        state, row = update(state, now)
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
    return state, log


def done_without_online(phase, step, saved, lengths):
    """Asks for the online phase first."""
    keep, *_ = resume(phase, step, saved, lengths)
    at, made = saved or (0, 0)
    if at == 0 and lengths[1] == 0:
        at, made = 2, 0
    while at < 2 and made >= lengths[at]:
        at, made = at + 1, 0
    return keep, at, made


def training_that_saves_before_it_counts(disk, update, state, seed, steps, every):
    """The key is right, but the number in the checkpoint is that of the update before."""
    step, log = 0, []
    if disk.load():
        step, state, log = disk.load()
    while step < steps:
        state, row = update(state, jax.random.fold_in(jax.random.key(seed), step))
        log = [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
        step = step + 1
    return state, log


def whole_log(answer):
    """Keeps the rows but loses where it goes on."""
    return lambda *args: (answer(*args)[0], 0, 0)


FINITE = 'not np.isfinite(last["q_min"] + last["q_max"])'
KEYS = {"now = jax.random.fold_in(key, step)": "key, now = jax.random.split(key)"}
WRONG = {
    "check_budget_of_run": {
        "one number": (lambda *args: sum(budget_of_run(*args)), "wrong number of values"),
        "a gradient is kept": (edited(budget_of_run, {"3 * size.parameters": "4 * size.parameters"}), "next"),
        "learner before replay": (
            edited(budget_of_run, {"data, replay, learner, (": "data, learner, replay, ("}),
            "another order",
        ),
        "in gigabytes": (edited(budget_of_run, {"number = 4": "number = 4 / 2**30"}), "next"),
        "rows less episodes": (
            edited(budget_of_run, {"transitions + size.episodes": "transitions - size.episodes"}),
            "next",
        ),
        "evaluates beside the learner": (evaluates_while_learning, "next"),
        "evaluations inside the maximum": (evaluates_beside_the_learner, "on top of the larger of the two"),
        "in days": (edited(budget_of_run, {"/ 3600": "/ 3600 / 24"}), "next"),
        "the seeds in the offline phase": (
            edited(budget_of_run, {"offline = size": "offline = size.seeds * size"}),
            "next",
        ),
        "hours of both phases": (
            lambda size, rates: (
                *budget_of_run(size._replace(online_steps=0), rates),
                budget_of_run(size._replace(offline_steps=0), rates)[3],
            ),
            "wrong number of values",
        ),
        "the offline phase inside the maximum": (
            edited(
                budget_of_run, {"max(learning, simulating)": "max(offline + learning, simulating) - offline"}
            ),
            "stands inside the maximum",
        ),
        "whole hours": (edited(budget_of_run, {"/ 3600": "// 3600"}), "rounded down"),
        "float64 in the learner alone": (
            edited(budget_of_run, {"learner = number": "learner = 2 * number"}),
            "learner = ",
        ),
    },
    "check_resume": {
        "a phase is over one step early": (
            edited(resume, {">= lengths[at_phase]": ">= lengths[at_phase] - 1"}),
            "next",
        ),
        "online is over one step early": (
            edited(resume, {">= lengths[at_phase]": ">= lengths[at_phase] - at_phase"}),
            "next",
        ),
        # One number a row: right as long as no phase is longer than 500 steps.
        "a number for a phase": (
            edited(
                resume,
                {
                    "(phase < at_phase) | ((phase == at_phase) & (step <= at_step))": (
                        "phase * 500 + step <= at_phase * 500 + at_step"
                    )
                },
            ),
            "next",
        ),
        "indices": (
            lambda *args: (np.flatnonzero(resume(*args)[0]), *resume(*args)[1:]),
            "wrong shape",
        ),
        "the rows alone": (lambda *args: resume(*args)[0], "wrong number of values"),
        "zeros and ones": (
            lambda *args: (resume(*args)[0].astype(int), *resume(*args)[1:]),
            "`~keep` is -1 and -2",
        ),
        "how many rows": (lambda *args: (resume(*args)[0].sum(), *resume(*args)[1:]), "wrong shape"),
        "begins anew": (whole_log(resume), "next"),
        "step before phase": (
            lambda *args: (resume(*args)[0], *resume(*args)[:0:-1]),
            "another order",
        ),
        "and without brackets": (
            lambda p, s, saved, n: (p < saved[0] | (p == saved[0]) & s <= saved[1], *saved),
            "with brackets round each comparison",
        ),
        "Python's and": (
            lambda p, s, saved, n: (p < saved[0] or (p == saved[0] and s <= saved[1]), *saved),
            "Entry by entry: &, | and ~",
        ),
        "done, as there is no online phase": (done_without_online, "its offline phase is never trained"),
        "any phase is over if there is no online one": (
            edited(
                resume,
                {
                    "at_step >= lengths[at_phase]:": (
                        "(at_step >= lengths[at_phase] or at_phase == 0 and lengths[1] == 0):"
                    )
                },
            ),
            "its offline phase is never trained",
        ),
        "each length is asked about": (
            edited(
                resume,
                {
                    "while at_phase < DONE and at_step >= lengths[at_phase]:\n"
                    "        at_phase, at_step = at_phase + 1, 0": (
                        "for other in (0, 1):\n"
                        "        if at_step >= lengths[other]:\n"
                        "            at_phase, at_step = other + 1, 0"
                    )
                },
            ),
            "the length of another phase",
        ),
        "no checkpoint is not thought of": (
            edited(resume, {"saved or (OFFLINE, 0)": "saved"}),
            "killed before the first checkpoint",
        ),
    },
    "check_mended_training": {
        "hers, unchanged": (edited(mended_training, KEYS), "The cause is still there"),
        "the updates up to the last checkpoint": (
            edited(mended_training, {"step < steps": "step < steps // every * every"}),
            "not right yet",
        ),
        "another constant": (
            edited(mended_training, KEYS | {"random.key(seed)": "random.key(seed + 1)"}),
            "The cause is still there",
        ),
        "all keys at once, of what is left": (
            edited(
                mended_training,
                {
                    "key = jax.random.key(seed)": (
                        "begin, keys = step, jax.random.split(jax.random.key(seed), steps - step)"
                    ),
                    "jax.random.fold_in(key, step)": "keys[step - begin]",
                },
            ),
            "next",
        ),
        "never saves": (training_that_never_saves, "no checkpoint is ever written"),
        "saves at the end alone": (
            edited(mended_training, {"if step % every == 0:": "if step == steps:"}),
            "written at the end alone",
        ),
        "its step is not used": (
            edited(mended_training, {"step, state, log = disk.load()": "_, state, log = disk.load()"}),
            "The step of the checkpoint is not used",
        ),
        "saves after each update": (
            edited(mended_training, {"if step % every == 0:": "if every:"}),
            "`every` is not asked about",
        ),
        "saves the key that was used": (
            training_that_saves_the_used_key,
            "the very key that the next update would have split",
        ),
        "replays the other half of each split": (
            training_that_replays_the_other_half,
            "depends on where its life began",
        ),
        "one update too many": (edited(mended_training, {"step < steps": "step <= steps"}), "too many"),
        "the last row alone": (edited(mended_training, {"[*log, row]": "[row]"}), "its last row alone"),
        "saves before it counts": (training_that_saves_before_it_counts, "next"),
        "saves before it counts, at the right updates": (
            edited(
                mended_training,
                {
                    "step, log = step + 1, [*log, row]": "log = [*log, row]",
                    "if step % every": "step += 1\n        if step % every",
                    "disk.save(step, ": "disk.save(step - 1, ",
                },
            ),
            "one behind its state",
        ),
        "a chain of keys": (
            edited(mended_training, {"now = jax": "key = now = jax"}),
            "carried from one update to the next",
        ),
        "saves before the row is logged": (
            edited(mended_training, {"disk.save(step, state, log)": "disk.save(step, state, log[:-1])"}),
            "next",
        ),
        "the log alone": (lambda *args: mended_training(*args)[1], "wrong number of values"),
        "a key in the first life alone": (
            edited(
                mended_training,
                {
                    "step, state, log = disk.load()": "step, state, log = disk.load()\n    else:",
                    "    key = jax.random.key(seed)": "        key = jax.random.key(seed)",
                },
            ),
            "when it is called again after a kill",
        ),
        "every life makes all updates": (
            edited(mended_training, {"while step < steps": "for _ in range(steps)"}),
            "or each life makes `steps` updates",
        ),
        "one update at least in each life": (training_that_always_updates, "At least one update"),
        "one checkpoint a life": (training_that_saves_once, "Only the first checkpoint of a life"),
        "saves the key with which the life began": (
            edited(
                mended_training,
                KEYS
                | {
                    "step, state, log = disk.load()": "step, state, log, *key = disk.load()",
                    "disk.save(step, state, log)": "disk.save(step, state, log, jax.random.key(seed))",
                },
            ),
            "The cause is still there",
        ),
    },
    "check_verdict": {
        "steps as a set": (
            edited(verdict, {"tuple(steps) != tuple(paper_steps)": "sorted(steps) != sorted(paper_steps)"}),
            "compared as a set",
        ),
        "steps within a percent": (
            edited(
                verdict,
                {"tuple(steps) != tuple(paper_steps)": "not np.allclose(steps, paper_steps, rtol=0.01)"},
            ),
            "Nearly the same steps",
        ),
        "in words": (
            lambda *args: ["not shown", "above", "not compared", "below"][verdict(*args)],
            "not an array of numbers",
        ),
        "steps == paper_steps of arrays": (
            edited(verdict, {"tuple(steps) != tuple(paper_steps)": "steps != paper_steps"}),
            "For one yes or no: .all()",
        ),
        "a verdict a seed": (
            lambda s, *rest: np.array([verdict(np.array([one, one]), *rest) for one in s]),
            "wrong shape",
        ),
        "any step agrees": (
            edited(verdict, {"tuple(steps) != tuple(paper_steps)": "all(steps != paper_steps)"}),
            "next",
        ),
        "True where nothing is shown": (lambda *args: verdict(*args) == NOT_SHOWN, "next"),
        "never compared": (lambda *args: NOT_COMPARED, "next"),
        "paired with the paper": (
            lambda s, a, b, paper, n: verdict(s - paper[0], a, b, np.array([0, 0, 0]), n),
            "next",
        ),
        "the t of a one-sided test": (
            edited(verdict, {"0.975": "0.9"}),
            "next",
        ),
        "an interval of 99 %": (edited(verdict, {"0.975": "0.995"}), "The quantile is too large"),
        "a standard error of 2": (edited(verdict, {"1.96": "2.576"}), "next"),
        "the part below the mean": (
            edited(verdict, {"(high - low) / 2": "(mean - low)"}),
            "below its mean is taken for half",
        ),
        "the part above the mean": (
            edited(verdict, {"(high - low) / 2": "(high - mean)"}),
            "above its mean is taken for half",
        ),
        "the longer part": (
            edited(verdict, {"(high - low) / 2": "max(high - mean, mean - low)"}),
            "The longer side",
        ),
        "the shorter part": (
            edited(verdict, {"(high - low) / 2": "min(high - mean, mean - low)"}),
            "The shorter side",
        ),
        "one degree of freedom too many": (
            edited(verdict, {"paper_seeds - 2": "paper_seeds - 1"}),
            "One degree of freedom too many",
        ),
        "no degree of freedom is lost": (
            edited(verdict, {"paper_seeds - 2": "paper_seeds"}),
            "As many degrees",
        ),
        "three degrees of freedom are lost": (
            edited(verdict, {"paper_seeds - 2": "paper_seeds - 3"}),
            "next",
        ),
        "those of the paper": (
            edited(verdict, {"len(success) + paper_seeds - 2": "paper_seeds - 1"}),
            "of one side's seeds alone",
        ),
        "no root": (
            edited(verdict, {"np.sqrt(ours**2 + theirs**2)": "(ours**2 + theirs**2)"}),
            "root is forgotten",
        ),
        "the mean square": (
            edited(verdict, {"np.sqrt(ours**2 + theirs**2)": "np.sqrt((ours**2 + theirs**2) / 2)"}),
            "averaged",
        ),
        "over the paper's seeds once more": (
            edited(verdict, {" / 2 / 1.96": " / (2 * 1.96) / np.sqrt(paper_seeds)"}),
            "once too often",
        ),
        "over the root of our seeds": (
            edited(verdict, {" / 2 / 1.96": " / (2 * 1.96) / np.sqrt(len(success))"}),
            "once too often",
        ),
        "the variance, squared again": (
            edited(
                verdict,
                {"np.std(success, ddof=1) / np.sqrt(len(success))": "np.var(success, ddof=1) / len(success)"},
            ),
            "squared twice",
        ),
        "over the root of all seeds": (
            edited(verdict, {"np.sqrt(len(success))": "np.sqrt(len(success) + paper_seeds)"}),
            "the root of all seeds",
        ),
        "over the root of the paper's seeds": (
            edited(verdict, {"np.sqrt(len(success))": "np.sqrt(paper_seeds)"}),
            "the root of the paper's seeds",
        ),
        "twice the quantile": (edited(verdict, {"stats.t.ppf": "2 * stats.t.ppf"}), "quantile is doubled"),
        "the paper's rates in hundredths": (
            lambda s, a, b, paper, n: verdict(s, a, b, np.array(paper) / 100, n),
            "as if they were percent",
        ),
        "about the same steps": (
            edited(
                verdict, {"tuple(steps) != tuple(paper_steps)": "not np.allclose(steps, paper_steps, 0.1)"}
            ),
            "Nearly the same steps are other steps",
        ),
        "without the 2": (edited(verdict, {" / 2 / 1.96": " / 1.96"}), "twice too large"),
    },
    "check_diagnose": {
        **diagnose_a_column_otherwise(),
        "from three quarters on": (
            edited(diagnose, {"values[-quarter:]": "values[3 * len(values) // 4 :]"}),
            "a row too many",
        ),
        "at the limit: q_max": (edited(diagnose, {"> highest + margin": ">= highest + margin"}), "next"),
        "at the limit: q_min": (edited(diagnose, {"< lowest - margin": "<= lowest - margin"}), "next"),
        "at the limit: loss": (edited(diagnose, {'["flow_loss"] >': '["flow_loss"] >='}), "next"),
        "at the limit: distance": (edited(diagnose, {'["distance"] >': '["distance"] >='}), "next"),
        "in words": (lambda *args: WORDS[diagnose(*args)], "not an array of numbers"),
        "nan passes": (edited(diagnose, {FINITE: "False"}), "A log of nan passes"),
        "infinity passes": (
            edited(diagnose, {FINITE: 'last["q_min"] + last["q_max"] != last["q_min"] + last["q_max"]'}),
            "Infinity is called too high",
        ),
        "nan of a missing flow": (
            edited(diagnose, {FINITE: "not np.isfinite(sum(last.values()))"}),
            "A method without a flow",
        ),
        "nan is left out": (edited(diagnose, {"np.mean": "np.nanmean"}), "np.nanmean leaves"),
        "nan anywhere": (
            lambda log, *rest: 1 if np.isnan(log["q_max"]).any() else diagnose(log, *rest),
            "The whole log is searched",
        ),
        "nan after the limits": (
            edited(diagnose, {"NOT_FINITE, Q_TOO_HIGH, Q_TOO_LOW,": "Q_TOO_HIGH, Q_TOO_LOW, NOT_FINITE,"}),
            "the limits come first",
        ),
        "q_max alone is looked at for nan": (edited(diagnose, {'last["q_min"] + ': ""}), "next"),
        "q_min alone is looked at for nan": (edited(diagnose, {' + last["q_max"]': ""}), "next"),
        "the upper end one too high": (
            edited(diagnose, {", about.reward_solved": ", about.reward_solved + 1"}),
            "10.6 is above 10",
        ),
        "the lower end one too low": (
            edited(diagnose, {"(1 - about.discount),": "(1 - about.discount) - 1,"}),
            "next",
        ),
        "twice as far": (edited(diagnose, {"> about.far": "> 2 * about.far"}), "or the limit is larger"),
        "a code a row": (diagnose_each_row, "wrong shape"),
        "Q is not asked about": (
            lambda log, *rest: diagnose(log | dict.fromkeys(("q_max", "q_min"), 0 * log["q_max"]), *rest),
            "next",
        ),
        "the smallest Q discounted": (
            edited(diagnose, {"about.reward_min / (1": "about.discount * about.reward_min / (1"}),
            "The smallest Q is discounted",
        ),
        "less than knowing nothing by 0.9": (
            edited(diagnose, {"0.9 * about.knowing_nothing": "about.knowing_nothing - 0.9"}),
            "next",
        ),
        "the solution's reward discounted": (
            edited(diagnose, {", about.reward_solved": ", about.discount * about.reward_solved"}),
            "discounted by one step",
        ),
        "a margin of a tenth of the lower end": (
            edited(diagnose, {"0.1 * (highest - lowest)": "0.1 * abs(lowest)"}),
            "tenth of the lower end",
        ),
        "the margin of the lower end, by its sign": (
            edited(diagnose, {"0.1 * (highest - lowest)": "-0.1 * lowest"}),
            "tenth of the lower end",
        ),
        "the largest of the quarter": (edited(diagnose, {"np.mean": "np.max"}), "The largest value"),
        "the last five rows": (edited(diagnose, {"-quarter:": "-5:"}), "last five rows"),
        "healthy or not": (lambda *args: diagnose(*args) == 0, "next"),
        "half of the rows": (edited(diagnose, {"[-quarter:]": "[len(values) // 2 :]"}), "next"),
        "always healthy": (lambda *args: 0, "next"),
        "a margin of 15 %": (edited(diagnose, {"margin = 0.1": "margin = 0.15"}), "tenth of the range"),
        "a margin of 12 %": (edited(diagnose, {"margin = 0.1": "margin = 0.12"}), "tenth of the range"),
        "a margin of 40 %": (edited(diagnose, {"margin = 0.1": "margin = 0.4"}), "tenth of the range"),
        "a margin of 8 %": (edited(diagnose, {"margin = 0.1": "margin = 0.08"}), "tenth of the range"),
        "a margin at the upper end only": (
            edited(diagnose, {"lowest - margin": "lowest"}),
            "tenth of the range",
        ),
        "healthy if most is solved": (
            lambda log, success, about: 0 if success > 0.8 else diagnose(log, success, about),
            "Success",
        ),
        "the time limit's range": (
            edited(diagnose, {"about.reward_min / (1 - about.discount)": "200 * about.reward_min"}),
            "next",
        ),
    },
}
