"""Checks of lesson 07, full runs.

Shapes: n seeds, N rows of a table, L rows of a log; bytes, hours, environment steps, success rates 0 to 1.
"""

import math
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy import stats

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

# 1. What a run needs


class Size(NamedTuple):
    """How large a run is."""

    transitions: int  # of the dataset
    episodes: int
    observation_size: int
    action_size: int
    replay_rows: int  # of one seed's replay
    parameters: int  # of all networks of one seed
    critic_parameters: int  # of its critics among them
    seeds: int
    offline_steps: int  # gradient steps
    online_steps: int  # environment steps of each seed, and as many gradient steps
    evaluations: int
    evaluation_steps: int  # environment steps of one evaluation, of all seeds together


class Rates(NamedTuple):
    """How fast a machine is."""

    updates: float  # gradient steps a second; each is one of all seeds
    steps: float  # environment steps a second, of all simulators together
    overlapped: bool  # whether simulators run while the learner learns


def budget_of_run(size, rates):
    """Bytes of the dataset, of all replays and of all learners, and hours of the run."""
    number = 4  # bytes of a float32 or int32
    rows = size.transitions + size.episodes  # the last observation of each episode has a row of its own
    row = size.observation_size + size.action_size + 3  # and reward, mask, steps left
    data = number * (rows * row + size.transitions)  # and the rows where a chunk may start
    replay = number * size.seeds * size.replay_rows * (row + 1)
    learner = number * size.seeds * (3 * size.parameters + size.critic_parameters)
    offline = size.offline_steps / rates.updates
    learning = size.online_steps / rates.updates
    simulating = size.seeds * size.online_steps / rates.steps
    online = max(learning, simulating) if rates.overlapped else learning + simulating
    evaluating = size.evaluations * size.evaluation_steps / rates.steps
    return data, replay, learner, (offline + online + evaluating) / 3600


def _budget_by_part(size, rates):
    columns = [size.observation_size, size.action_size, 1, 1, 1]  # reward, mask, steps left
    table = lambda rows, starts: 4 * (sum(rows * width for width in columns) + starts)
    state = [size.parameters] * 3 + [size.critic_parameters]  # Adam's two moments, the target
    replays = [table(size.replay_rows, size.replay_rows) for _ in range(size.seeds)]
    update, step = 1 / rates.updates, 1 / rates.steps  # seconds
    waits = sorted([size.online_steps * update, size.online_steps * size.seeds * step])
    online = waits[1:] if rates.overlapped else waits
    evaluating = [size.evaluation_steps * step] * size.evaluations
    hours = math.fsum([size.offline_steps * update, *online, *evaluating]) / 60 / 60
    data = table(size.transitions + size.episodes, size.transitions)
    return data, sum(replays), size.seeds * sum(4 * count for count in state), hours


def _budget_cases(rng):
    number = lambda low, high: int(rng.integers(low, high))
    first = Size(10, 2, 3, 2, 0, 0, 0, 1, 360_000, 0, 0, 0)
    slow, fast = Rates(100.0, 50.0, False), Rates(40.0, 900.0, True)
    learned = first._replace(parameters=100, critic_parameters=30)
    stored = learned._replace(replay_rows=20, online_steps=36_000)
    large = stored._replace(
        transitions=number(900, 999),
        episodes=number(10, 30),
        observation_size=number(20, 60),
        action_size=5,
        replay_rows=number(500, 900),
        parameters=number(4000, 9000),
        critic_parameters=number(1000, 3000),
        online_steps=number(10**5, 10**6),
    )
    watched = large._replace(seeds=3, evaluations=20, evaluation_steps=number(3 * 10**4, 10**5))
    return [
        Case(
            "10 transitions in 2 episodes, S = 3, A = 2; 360,000 updates at 100 a second; no networks",
            (first, slow),
            "12 rows of 3 + 2 + 3 numbers, and 10 starts; 4 bytes each. 360,000 / 100 seconds are an hour.",
        ),
        Case(
            "the same, with a learner of 100 parameters, 30 of them the critics'",
            (learned, slow),
            "The learner: 100 parameters, Adam's two moments of each, and a copy of the 30.",
        ),
        Case(
            "the same, with a replay of 20 rows and 36,000 steps online; act and learn in turn",
            (stored, slow),
            "A row of the replay has 3 + 2 + 3 numbers, and room for a start. Online: steps / rates.updates "
            "to learn and steps / rates.steps to simulate, one after the other.",
        ),
        Case(
            "the same with four seeds",
            (stored._replace(seeds=4), slow),
            "The data exist once; each seed has a replay and a learner. rates.updates is of all seeds at "
            "once. But four seeds take four steps in the simulators for each step of the run.",
        ),
        Case(
            "the same; simulators run while the learner learns",
            (stored._replace(seeds=4), slow._replace(overlapped=True)),
            "Side by side, the slower one decides: max.",
        ),
        Case(
            "a larger run with evaluations; a slow learner beside fast simulators, overlapped",
            (watched._replace(seeds=2), fast),
            "Now the learner is the slower one; the evaluations come on top of the larger of the two: "
            "evaluations * evaluation_steps / rates.steps. evaluation_steps are those of all seeds already.",
        ),
        Case(
            "with evaluations, overlapped",
            (watched, fast._replace(steps=float(number(60, 90)))),
            "evaluations * evaluation_steps / rates.steps, on top. evaluation_steps are those of all seeds "
            "already.",
        ),
        Case(
            "with evaluations and few steps online, not overlapped",
            (watched._replace(online_steps=10_000), slow),
            "The sum of everything.",
        ),
    ]


_TABLE = [  # name, remedy, edits of the right answer
    (
        "Eight bytes a number: float64.",
        "JAX computes in float32 here, and counts in int32: 4 bytes.",
        {"number = 4": "number = 8"},
    ),
    ("Two bytes a number: half precision.", "float32 and int32: 4 bytes.", {"number = 4": "number = 2"}),
    ("Numbers are counted, not bytes.", "4 bytes a number.", {"number = 4": "number = 1"}),
    (
        "Each seed has its own copy of the data.",
        "All seeds read one dataset: that is why they train side by side. No factor seeds there.",
        {"data = number": "data = size.seeds * number"},
    ),
    (
        "The next observation is stored beside the observation.",
        "The next observation stands in the next row: S numbers a row, not 2 S.",
        {"row = size.obs": "row = 2 * size.obs"},
    ),
    (
        "Only observations and actions are counted.",
        "Each row also has a reward, a mask and the steps left: + 3.",
        {"action_size + 3": "action_size"},
    ),
    (
        "The steps left are forgotten: reward and mask only.",
        "Three numbers besides observation and action: reward, mask, steps left.",
        {"action_size + 3": "action_size + 2"},
    ),
    (
        "The last observation of each episode has no row.",
        "An episode of T transitions has T + 1 observations, and so T + 1 rows.",
        {"transitions + size.episodes": "transitions"},
    ),
    (
        "The starts of the data are forgotten.",
        "One number for each transition, where a chunk may start.",
        {" + size.transitions)": ")"},
    ),
    (
        "The starts of the replay are forgotten.",
        "Each row of the replay has room for a start: S + A + 4 numbers.",
        {"(row + 1)": "row"},
    ),
    (
        "All starts are forgotten.",
        "One number for each transition of the data, and one for each row of the replay.",
        {" + size.transitions)": ")", "(row + 1)": "row"},
    ),
    (
        "Every row of the data is a start, also the last of an episode.",
        "A chunk starts where a transition is: as many starts as transitions.",
        {"row + size.transitions)": "row + rows)"},
    ),
    (
        "One start an episode is left out, as if no chunk could start at its last transition.",
        "A chunk starts where a transition is: as many starts as transitions.",
        {"row + size.transitions)": "row + size.transitions - size.episodes)"},
    ),
    (
        "One replay for all seeds.",
        "Each seed acts for itself and fills its own: times seeds.",
        {"size.seeds * size.replay_rows": "size.replay_rows"},
    ),
    (
        "One learner for all seeds.",
        "Each seed has its own parameters: times seeds.",
        {"size.seeds * (3": "(3"},
    ),
    (
        "One replay and one learner for all seeds.",
        "Only the data are shared. Replay and learner: times seeds.",
        {"size.seeds * size.replay_rows": "size.replay_rows", "size.seeds * (3": "(3"},
    ),
    (
        "Every network has a target copy: four times the parameters.",
        "The target is a copy of the critics only: critic_parameters.",
        {"+ size.critic_parameters": "+ size.parameters"},
    ),
    (
        "The target critics are forgotten.",
        "They are a copy: + critic_parameters.",
        {" + size.critic_parameters": ""},
    ),
    (
        "Adam keeps one moment.",
        "Two: a mean of the gradient, and one of its square.",
        {"3 * size.parameters": "2 * size.parameters"},
    ),
    (
        "Adam is forgotten.",
        "It keeps two moments of each parameter.",
        {"3 * size.parameters": "size.parameters"},
    ),
    (
        "Only the parameters are counted.",
        "Adam keeps two moments of each, and the target is a copy of the critics.",
        {"3 * size.parameters + size.critic_parameters": "size.parameters"},
    ),
    (
        "Adam keeps moments of the target critics, too.",
        "The target is a moving average and has no gradient: it is counted once.",
        {"+ size.critic_parameters": "+ 3 * size.critic_parameters"},
    ),
    ("In megabytes.", "In bytes.", {"number = 4": "number = 4e-6"}),
    ("The time is in seconds.", "An hour has 3,600 of them.", {" / 3600": ""}),
    ("The time is in minutes.", "Hours: divide the seconds by 3,600.", {"3600": "60"}),
    (
        "Learning and simulating are added up, although they overlap.",
        "Side by side, the slower one decides: max(learning, simulating).",
        {"max(learning, simulating) if rates.overlapped else ": ""},
    ),
    (
        "The slower one decides, although they do not overlap.",
        "One after the other, the times add up.",
        {" if rates.overlapped else learning + simulating": ""},
    ),
    (
        "Sum and maximum have changed places.",
        "Overlapped: max. In turn: sum.",
        {"if rates.overlapped": "if not rates.overlapped"},
    ),
    (
        "Side by side, the faster one decides.",
        "One has to wait for the slower: max.",
        {"max(": "min("},
    ),
    (
        "Online, only the simulators take time.",
        "There is an update for each step, too.",
        {"learning = size.online_steps / rates.updates": "learning = 0"},
    ),
    (
        "Online, only learning takes time.",
        "The simulators take seeds * online_steps / rates.steps.",
        {"size.seeds * size.online_steps / rates.steps": "0"},
    ),
    (
        "The seeds share their environment steps.",
        "Each seed takes online_steps of its own: times seeds.",
        {"size.seeds * size.online_steps": "size.online_steps"},
    ),
    (
        "The updates of a seed wait for those of the others.",
        "rates.updates was measured with all seeds side by side: no factor seeds there.",
        {"learning = size.online_steps": "learning = size.seeds * size.online_steps"},
    ),
    (
        "Online, learning is divided by rates.steps, and simulating by rates.updates.",
        "Updates are divided by rates.updates, environment steps by rates.steps.",
        {
            "learning = size.online_steps / rates.updates": "learning = size.online_steps / rates.steps",
            "seeds * size.online_steps / rates.steps": "seeds * size.online_steps / rates.updates",
        },
    ),
    (
        "The seeds are counted in the evaluations once more.",
        "evaluation_steps are those of all seeds together.",
        {"evaluating = size.evaluations": "evaluating = size.seeds * size.evaluations"},
    ),
    (
        "The evaluations are forgotten.",
        "evaluations * evaluation_steps / rates.steps, on top.",
        {" + evaluating": ""},
    ),
    (
        "Only one evaluation is counted.",
        "There are as many as size.evaluations says.",
        {"size.evaluations * ": ""},
    ),
    ("The offline phase is forgotten.", "offline_steps / rates.updates.", {"offline + online": "online"}),
    (
        "The offline phase stands inside the maximum.",
        "Offline nothing is simulated: its seconds come on top of the larger of the two online times.",
        {"max(learning, simulating)": "max(offline + learning, simulating) - offline"},
    ),
    (
        "The hours are rounded down.",
        "/ 3600, not // 3600: a part of an hour counts.",
        {" / 3600": " // 3600"},
    ),
]
_budget_misconceptions = [
    *(Misconception(name, remedy, edited(budget_of_run, edits)) for name, remedy, edits in _TABLE),
    Misconception(
        "The rate is multiplied, not divided by.",
        "So many updates a second: time = updates / rate.",
        lambda size, rates: budget_of_run(
            size, rates._replace(updates=1 / rates.updates, steps=1 / rates.steps)
        ),
    ),
    Misconception(
        "The two rates have changed places.",
        "Updates are divided by rates.updates, environment steps by rates.steps.",
        lambda size, rates: budget_of_run(size, rates._replace(updates=rates.steps, steps=rates.updates)),
    ),
]

check_budget_of_run = Exercise(
    budget_of_run,
    _budget_by_part,
    _budget_cases,
    _budget_misconceptions,
    parts=("data", "replay", "learner", "hours"),
    insight="Once the simulators are the slower side, more cores help, and a faster GPU does not.",
)


# 2. Where a run goes on

OFFLINE, ONLINE, DONE = 0, 1, 2


def resume(phase, step, saved, lengths):
    """Which rows (N,) of a log were written at or before the checkpoint, and at which phase and step the run
    goes on.
    """
    at_phase, at_step = saved or (OFFLINE, 0)
    keep = (phase < at_phase) | ((phase == at_phase) & (step <= at_step))
    while at_phase < DONE and at_step >= lengths[at_phase]:
        at_phase, at_step = at_phase + 1, 0
    return keep, at_phase, at_step


def _resume_by_loop(phase, step, saved, lengths):
    saved = saved or (0, 0)
    keep = np.array([(int(p), int(s)) <= tuple(saved) for p, s in zip(phase, step, strict=True)])
    begins = [tuple(saved), *((p, 0) for p in (0, 1) if p > saved[0])]
    left = [(p, s) for p, s in begins if p < 2 and s < lengths[p]]  # where there is a step to make
    return keep, *(left[0] if left else (2, 0)), True  # keep is an array of bool


def _resume_cases(rng):
    every = int(rng.integers(2, 9)) * 100
    offline, online = every * np.arange(1, 9), every * np.arange(1, 6)
    both = np.repeat([0, 1], [8, 5]), np.concatenate([offline, online])
    order = rng.permutation(26)
    twice = np.repeat(both[0], 2)[order], np.repeat(both[1], 2)[order]
    alone, lengths = (np.zeros(8, int), offline), (8 * every, 6 * every)
    no_offline = (np.ones(5, int), online), (0, 6 * every)
    return [
        Case(
            f"offline rows every {every} steps, checkpoint at offline {5 * every}",
            (*alone, (0, 5 * every), lengths),
            "Keep what was written up to the checkpoint, its own row included. The run goes on there.",
        ),
        Case(
            "the checkpoint lies between two rows",
            (*alone, (0, 5 * every + 30), lengths),
            "A row stays up to the checkpoint's step; the run goes on at the checkpoint, not at a row.",
        ),
        Case(
            f"offline and online rows, checkpoint at online {2 * every}",
            (*both, (1, 2 * every), lengths),
            "Every offline row is older than any online checkpoint, whatever its step: "
            "the steps begin anew online.",
        ),
        Case(
            f"offline and online rows, checkpoint at offline {6 * every}",
            (*both, (0, 6 * every), lengths),
            "Every online row is newer than an offline checkpoint, whatever its step.",
        ),
        Case(
            f"the same rows, checkpoint at offline {2 * every}",
            (*both, (0, 2 * every), lengths),
            "The same: no online row is kept, whether its step is smaller or larger.",
        ),
        Case(
            "two seeds, rows in no order; one step is left online",
            (*twice, (1, 5 * every - 1), (8 * every, 5 * every)),
            "Decide each row for itself: do not count rows, and do not rely on their order. A phase is over "
            "when the checkpoint's step is its length, and not one earlier.",
        ),
        Case(
            f"checkpoint at offline {8 * every}, the last of that phase",
            (*both, (0, 8 * every), lengths),
            "Nothing is left offline: the run goes on at online step 0. Its old online rows go all the same.",
        ),
        Case(
            "the checkpoint is the very beginning of the online phase",
            (*both, (1, 0), lengths),
            "All of offline stays, nothing of online does.",
        ),
        Case(
            "killed before the first checkpoint",
            (*alone, None, lengths),
            "No checkpoint: no row is kept, and the run goes on as from a checkpoint at offline step 0.",
        ),
        Case(
            "no offline phase, and killed before the first checkpoint",
            (*no_offline[0], None, no_offline[1]),
            "As from a checkpoint at offline step 0. A phase of no steps is over at once: online step 0.",
        ),
        Case(
            f"checkpoint at online {6 * every}, the last step of all",
            (*both, (1, 6 * every), lengths),
            "Nothing is left in either phase: DONE, step 0. All rows stay.",
        ),
        Case(
            "no online phase, checkpoint at its end",
            (*alone, (0, 8 * every), (8 * every, 0)),
            "Offline is over, and online has no steps: DONE, step 0.",
        ),
        Case(
            "no online phase, and one step is left offline",
            (*alone, (0, 8 * every - 1), (8 * every, 0)),
            "Offline has a step left: the run goes on there. The online phase is asked about after it.",
        ),
        Case(
            "no online phase, and killed before the first checkpoint",
            (*alone, None, (8 * every, 0)),
            "As from a checkpoint at offline step 0, and offline has steps left: offline step 0.",
        ),
    ]


_KEEP = "(phase < at_phase) | ((phase == at_phase) & (step <= at_step))"
_NEXT = "while at_phase < DONE and at_step >= lengths[at_phase]:\n        at_phase, at_step = at_phase + 1, 0"
_PHASE_FIRST = "(phase < ...) | ((phase == ...) & (step <= ...))."
_resume_misconceptions = [
    Misconception(
        "Only the steps are compared: offline 8,000 looks later than online 2,000.",
        "Phase first, then step: the steps begin anew online.",
        edited(resume, {_KEEP: "step <= at_step"}),
    ),
    Misconception(
        "Both have to be at most the checkpoint's: late offline rows are dropped.",
        f"An earlier phase is kept whatever its step: {_PHASE_FIRST}",
        edited(resume, {_KEEP: "(phase <= at_phase) & (step <= at_step)"}),
    ),
    Misconception(
        "Either is enough: online rows with a small step are kept beside an offline checkpoint.",
        _PHASE_FIRST,
        edited(resume, {_KEEP: "(phase <= at_phase) | (step <= at_step)"}),
    ),
    Misconception(
        "An earlier phase, or an earlier step whatever the phase.",
        "The step counts only in the checkpoint's own phase.",
        edited(resume, {_KEEP: "(phase < at_phase) | (step <= at_step)"}),
    ),
    Misconception(
        "The checkpoint's own row is dropped.",
        "It was written before the checkpoint was saved: <=.",
        edited(resume, {"<= at_step": "< at_step"}),
    ),
    Misconception(
        "Only rows of the checkpoint's phase are kept.",
        "What happened in the phase before stays in the log.",
        edited(resume, {_KEEP: "(phase == at_phase) & (step <= at_step)"}),
    ),
    Misconception(
        "The whole phase of the checkpoint is kept.",
        "Rows after the checkpoint are written again: they would be there twice.",
        edited(resume, {_KEEP: "phase <= at_phase"}),
    ),
    Misconception(
        "Only earlier phases are kept.",
        "In the checkpoint's phase, the rows up to its step are kept, too.",
        edited(resume, {_KEEP: "phase < at_phase"}),
    ),
    Misconception(
        "It says which rows to drop.",
        "True where a row is kept.",
        edited(resume, {_KEEP: "~(" + _KEEP + ")"}),
    ),
    Misconception(
        "Only the row of the checkpoint is kept.",
        "All up to it.",
        edited(resume, {_KEEP: "(phase == at_phase) & (step == at_step)"}),
    ),
    Misconception(
        "In the checkpoint's phase the rows from its step on are kept, not those up to it.",
        "What was written up to the checkpoint stays: step <= ...",
        edited(resume, {"step <= at_step": "step >= at_step"}),
    ),
    Misconception(
        "Everything is kept: resumed rows stand there twice.",
        "Rows after the checkpoint are written again.",
        edited(resume, {_KEEP: "phase >= 0"}),
    ),
    Misconception(
        "Rows are cut off by their place, at the first one that is too late.",
        "Decide each row for itself: rows of several seeds may come in any order.",
        edited(resume, {_KEEP: "np.cumsum(~(" + _KEEP + ")) == 0"}),
    ),
    Misconception(
        "Phase and step are added up.",
        "A phase weighs more than any step: compare it first.",
        edited(resume, {_KEEP: "phase + step <= at_phase + at_step"}),
    ),
    Misconception(
        "What is over is begun again: after the last step of a phase the run stays in that phase.",
        "If no step of the phase is left, it goes on at step 0 of the next one, or is DONE.",
        edited(resume, {_NEXT: "pass"}),
    ),
    Misconception(
        "One phase on at the most: a phase of no steps is not passed over.",
        "Repeat it: while the phase has no step left, go to the next one.",
        edited(resume, {"while": "if"}),
    ),
    Misconception(
        "A run without an online phase is DONE at once: its offline phase is never trained.",
        "Ask each phase in turn whether it has steps left: `lengths` of the phase that you are in.",
        edited(
            resume, {"at_step >= lengths[at_phase]:": "(at_step >= lengths[at_phase] or lengths[1] == 0):"}
        ),
    ),
    Misconception(
        "The steps of the checkpoint are held against the length of another phase.",
        "Only the phase that the run is in can be over: compare with lengths[phase].",
        edited(
            resume,
            {
                _NEXT: (
                    "for number in (0, 1):\n"
                    "        if at_step >= lengths[number]:\n"
                    "            at_phase, at_step = number + 1, 0"
                )
            },
        ),
    ),
    Misconception(
        "The steps of the checkpoint are held against those of both phases together.",
        "Only the phase that the run is in can be over: compare with lengths[phase].",
        edited(resume, {"lengths[at_phase]:": "sum(lengths):"}),
    ),
    Misconception(
        "The step is kept where the phase changes.",
        "The steps begin anew: step 0.",
        edited(resume, {"at_phase + 1, 0": "at_phase + 1, at_step"}),
    ),
    Misconception(
        "The run goes on one step after the checkpoint.",
        "`saved` counts the steps that were made; the next one has that number: it goes on there.",
        lambda *args: (
            (keep := resume(*args))[0],
            keep[1],
            keep[2] + (args[2] is not None and keep[1] == args[2][0]),
        ),
    ),
    Misconception(
        "It goes on at the last row that is kept, not at the checkpoint.",
        "A checkpoint may lie between two rows: the run goes on where the checkpoint was written.",
        lambda phase, step, saved, lengths: (
            (done := resume(phase, step, saved, lengths))[0],
            done[1],
            max(step[done[0] & (phase == done[1])], default=0),
        ),
    ),
    Misconception(
        "Without a checkpoint the rows stay.",
        "The run begins again, and writes all of them again: keep none.",
        lambda phase, step, saved, lengths: (
            resume(phase, step, saved, lengths)[0] | (saved is None),
            *resume(phase, step, saved, lengths)[1:],
        ),
    ),
]

check_resume = Exercise(
    resume,
    _resume_by_loop,
    _resume_cases,
    _resume_misconceptions,
    parts=("keep", "phase", "step"),
    where={
        "keep": "A row stays if its phase is earlier than the checkpoint's, or the same with a step that is "
        "not later.",
    },
    observe=lambda answer, args: {
        "keep has the dtype bool (1 yes, 0 no)": np.asarray(answer(*args)[0]).dtype == bool
    },
    observed="Of the numbers 0 and 1 `~keep` is -1 and -2. Leave the truths as the comparison gives them.",
    insight="`Run.rewind` and `training/loop.py` do the same, so that no row stands there twice.",
)


# 3. A training that goes on


def mended_training(disk, update, state, seed, steps, every):
    """State and log after `steps` updates; called again after a kill, it goes on from `disk`."""
    step, log = 0, []
    if disk.load():
        step, state, log = disk.load()
    key = jax.random.key(seed)
    while step < steps:
        now = jax.random.fold_in(key, step)
        state, row = update(state, now)
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
    return state, log


class Disk:
    """What stays when the machine is taken away; lists are copied, as a file would."""

    saved: Any = None

    def save(self, *values: Any) -> None:
        """Replaces what was saved before."""
        self.saved = tuple(list(value) if isinstance(value, list) else value for value in values)

    def load(self) -> Any:
        """The values that were saved last, or None."""
        return self.saved and tuple(list(value) if isinstance(value, list) else value for value in self.saved)


def _count(state, key):
    """An update that counts updates and does not ask for the key's value."""
    jax.random.key_data(key)
    return state + 1, state + 1


class _CountingDisk(Disk):
    """Counts how often something is saved."""

    saves: int = 0

    def save(self, *values: Any) -> None:
        self.saves += 1
        super().save(*values)


class _Killed(BaseException):
    """Not an Exception: an answer that catches everything does not catch it."""


def _keys_made(answer, seed, steps, every, lives, disk=None):
    """The key of each update in the final log of a training that is killed after `lives` updates each."""
    disk = disk or Disk()
    for life in lives:
        left = life

        def update(state, key):
            nonlocal left
            if left == 0:
                raise _Killed
            left -= 1
            used = tuple(np.asarray(jax.random.key_data(key)).ravel().tolist())
            return (*state, used), used

        try:
            return answer(disk, update, (), seed, steps, every)
        except _Killed:
            continue
    return (), []


def _over_lives(answer, args):
    """What is left of a training after kills, and what became of its keys."""
    _, _, _, seed, steps, every = args
    lives = [every + 1] * (steps // every + 2)  # each of them gets one checkpoint further
    disk = _CountingDisk()
    whole, log = _keys_made(answer, seed, steps, every, [10 * steps], disk)
    saves = disk.saves
    finished, _ = _keys_made(answer, seed, steps, every, [10 * steps], disk)
    broken, broken_log = _keys_made(answer, seed, steps, every, lives)
    again, _ = _keys_made(answer, seed, steps, every, lives)
    other, _ = _keys_made(answer, seed + 1, steps, every, [10 * steps])
    same = min(len(whole), len(broken))
    return {
        "updates in the state of a run that was killed": len(broken),
        "rows in the log of a run that was killed": len(broken_log),
        "keys that a run without a kill uses twice": len(whole) - len(set(whole)),
        "keys that seeds 0 and 1 share": len(set(whole) & set(other)),
        "keys that a killed run uses twice": len(broken) - len(set(broken)),
        "updates with another key when all is repeated": sum(
            one != two for one, two in zip(broken, again, strict=False)
        ),
        "updates whose key depends on the kills": sum(
            one != two for one, two in zip(whole[:same], broken[:same], strict=True)
        ),
        "rows that are not those of the updates": sum(
            one != two for one, two in zip(broken[:same], list(broken_log)[:same], strict=False)
        ),
        "updates made anew on a disk that holds them all": len(finished) - steps,
        # One may be saved at the beginning, or at the end.
        "checkpoints that are missing": max(0, (steps - 1) // every - saves),
        "checkpoints more than one in `every` updates": max(0, saves - steps // every - 1),
    }


def _training_expected(disk, update, state, seed, steps, every):
    return state + steps, np.arange(1, steps + 1), steps, steps, *[0] * 9


def _training_cases(rng):
    case = lambda about, hint, steps, every: Case(about, (Disk(), _count, 0, 0, steps, every), hint)
    return [
        case(
            "6 updates from an empty disk; then killed again and again",
            "Each life is cut off one update after a checkpoint. Compare the keys of a run without a kill "
            "with those of a run that was killed: "
            "update number i has to get the same key in both.",
            6,
            2,
        ),
        case("10 updates, a checkpoint every 2", "The same, with more lives.", 10, 2),
        case(
            "10 updates, a checkpoint every 3",
            "The key of an update may depend on the seed and on the update's number, and on nothing else.",
            10,
            3,
        ),
        case("4 updates, a checkpoint after each", "The same, with more lives.", 4, 1),
    ]


_entropy = np.random.default_rng()
_OWN_KEY = {"now = jax.random.fold_in(key, step)": "key, now = jax.random.split(key)"}
_training_misconceptions = [
    Misconception(
        "The cause is still there: the keys begin anew after each kill, and so do the batches.",
        "A key has to follow from the seed and the number of the update; or save it with the rest.",
        edited(mended_training, _OWN_KEY),
    ),
    Misconception(
        "After a kill the keys are new ones that nothing fixes: the batches are fresh, "
        "but no run can be repeated.",
        "The same run has to come out whether it was killed or not: let the key follow from the step.",
        edited(
            mended_training,
            _OWN_KEY | {"random.key(seed)": "random.key(seed + (step > 0) * _entropy.integers(2**30))"},
        ),
    ),
    Misconception(
        "A killed run has other keys than one that was not killed: the key of an update depends on where its "
        "life began.",
        "Make it from the seed's key and the update's number, and from nothing that is carried from one "
        "update to the next. Or save the very key that the next update would have split.",
        edited(
            mended_training,
            _OWN_KEY | {"key = jax.random.key(seed)": "key = jax.random.fold_in(jax.random.key(seed), step)"},
        ),
    ),
    Misconception(
        "Seed and step are added: seed 0 at step 1 has the key of seed 1 at step 0.",
        "jax.random.fold_in(jax.random.key(seed), step) keeps the two apart.",
        edited(mended_training, {"now = jax.random.fold_in(key, step)": "now = jax.random.key(seed + step)"}),
    ),
    Misconception(
        "The seed is lost: all seeds have the same batches.",
        "fold_in the step into the key of the seed.",
        edited(mended_training, {"jax.random.key(seed)": "jax.random.key(0)"}),
    ),
    Misconception(
        "Every update has the same key.",
        "A new key for each update: fold_in(key, step).",
        edited(mended_training, {"now = jax.random.fold_in(key, step)": "now = key"}),
    ),
    Misconception(
        "The key follows from the number of the checkpoint: several updates share one.",
        "A key for each update: fold_in(key, step).",
        edited(mended_training, {"fold_in(key, step)": "fold_in(key, step // every)"}),
    ),
    Misconception(
        "No life goes on where the one before ended: the checkpoint is never read.",
        "Take step, state and log from the disk.",
        edited(mended_training, {"if disk.load():": "if False:"}),
    ),
    Misconception(
        "No life goes on where the one before ended: no checkpoint is ever written.",
        "Save after every `every` updates.",
        edited(mended_training, {"if step % every == 0:": "if False:"}),
    ),
    Misconception(
        "No life goes on where the one before ended: a checkpoint is written at the end alone.",
        "Save after every `every` updates: a run that is killed does not get to its end.",
        edited(mended_training, {"if step % every == 0:": "if step == steps:"}),
    ),
    Misconception(
        "The step of the checkpoint is not used, or each life makes `steps` updates, however many were made.",
        "Take step, state and log from the disk, go on at that step, and stop at `steps`.",
        edited(mended_training, {"step, state, log = disk.load()": "_, state, log = disk.load()"}),
    ),
    Misconception(
        "The log begins anew after a kill.",
        "It was saved, and has to be loaded: step, state, log.",
        edited(mended_training, {"step, state, log = disk.load()": "step, state, _ = disk.load()"}),
    ),
    Misconception(
        "The state begins anew after a kill.",
        "It was saved, and has to be loaded: step, state, log.",
        edited(mended_training, {"step, state, log = disk.load()": "step, _, log = disk.load()"}),
    ),
    Misconception(
        "The number in the checkpoint is one behind its state: after a kill an update is made twice.",
        "Count the update first: disk.save(step + 1, ...) after update number `step`.",
        edited(mended_training, {"disk.save(step, ": "disk.save(step - 1, "}),
    ),
    Misconception(
        "A checkpoint is written after each update: `every` is not asked about.",
        "As she does: if step % every == 0, after step was counted.",
        edited(mended_training, {"if step % every == 0:": "if True:"}),
    ),
    Misconception(
        "One update too many is made.",
        "while step < steps: the updates have the numbers 0 to steps - 1.",
        edited(mended_training, {"step < steps": "step <= steps"}),
    ),
    Misconception(
        "At least one update is made in each life, also when all of them were made.",
        "Ask before each update, the first one too: while step < steps.",
        edited(
            mended_training, {"while step < steps": "first = step\n    while step < max(steps, first + 1)"}
        ),
    ),
    Misconception(
        "Only the first checkpoint of a life is written.",
        "Save after every `every` updates: a long life has many.",
        edited(
            mended_training,
            {"disk.save(step, state, log)": "disk.save(step, state, log)\n            every = 10**9"},
        ),
    ),
    Misconception(
        "The log holds its last row alone.",
        "Each update adds a row: [*log, row].",
        edited(mended_training, {"[*log, row]": "[row]"}),
    ),
    Misconception(
        "The log is emptied after each checkpoint: the rows before it are lost.",
        "Save the whole log, and go on with it: each checkpoint replaces the one before.",
        edited(
            mended_training,
            {"disk.save(step, state, log)": "disk.save(step, state, log)\n            log = []"},
        ),
    ),
    Misconception(
        "A step is left out after a kill.",
        "The saved number is that of the updates made: the next one has it.",
        edited(
            mended_training,
            {"step, state, log = disk.load()": "step, state, log = disk.load()\n        step += 1"},
        ),
    ),
]

check_mended_training = Exercise(
    mended_training,
    _training_expected,
    _training_cases,
    _training_misconceptions,
    parts=("state", "log"),
    observe=_over_lives,
    observing=("when it is called again after a kill", "Call it twice with one disk."),
    insight="That was the cause. In the library a key follows from seed and step: no checkpoint holds one.",
)


# 4. Our figure beside the paper's

BELOW, NOT_SHOWN, ABOVE, NOT_COMPARED = -1, 0, 1, 2


def verdict(success, steps, paper_steps, paper, paper_seeds):
    """Whether our mean success is shown to differ from the paper's, if both were measured at equal steps."""
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    mean, low, high = paper
    ours = np.std(success, ddof=1) / np.sqrt(len(success))
    theirs = (high - low) / 2 / 1.96
    freedom = len(success) + paper_seeds - 2
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(ours**2 + theirs**2)
    apart = np.mean(success) - mean
    return ABOVE if apart > reach else BELOW if apart < -reach else NOT_SHOWN


def _verdict_by_ends(success, steps, paper_steps, paper, paper_seeds):
    if list(steps) != list(paper_steps):
        return 2
    count, (mean, low, high) = len(success), paper
    average = sum(success) / count
    variance = sum((each - average) ** 2 for each in success) / (count - 1) / count
    wide = math.sqrt(variance + ((high - low) / 3.92) ** 2) * stats.t(count + paper_seeds - 2).ppf(0.975)
    low, high = average - mean - wide, average - mean + wide
    return int(low > 0) - int(high < 0)


def _verdict_cases(rng):
    shift = float(rng.integers(0, 5)) / 100
    around = lambda mean, by=0.02: mean + by * np.array([-1, 1, -0.5, 0.5])
    usual, narrow = np.array([0.6, 0.5, 0.7]) + shift, np.array([0.6, 0.55, 0.65]) + shift

    def case(about, success, hint, steps=((100, 0), (100, 0)), paper=usual, seeds=4):
        """`steps`: ours and the paper's, offline and online, in thousands."""
        return Case(about, (success, *(1000 * np.array(steps)), paper, seeds), hint)

    both = "Both are uncertain: the difference has the standard error sqrt(ours^2 + theirs^2)."
    spread = "ours: standard deviation over seeds (ddof=1) / sqrt(number of seeds)."
    freedom = "with n + paper_seeds - 2 degrees of freedom, here "
    return [
        case("four seeds near the paper's mean", around(0.61 + shift), "The difference is small: NOT_SHOWN."),
        case("far above, after the same steps", around(0.9 + shift), "The whole interval is above 0: ABOVE."),
        case(
            "far below, after the same steps",
            around(0.3 + shift),
            "The whole interval is below 0: BELOW.",
            ((1000, 200), (1000, 200)),
        ),
        case(
            "our mean is above the paper's interval, and ours is wide",
            around(0.75 + shift, 0.2),
            both,
        ),
        case("our mean is below the paper's interval, and ours is wide", around(0.45 + shift, 0.2), both),
        case(
            "our mean is the paper's but for a point, and ours is wide",
            around(0.61 + shift, 0.2),
            f"{both} The root comes before the quantile.",
        ),
        case(
            "ours is narrow, and a little above",
            around(0.622 + shift, 0.01),
            f"{both} The paper's interval is that of its mean already.",
            paper=narrow,
        ),
        case(
            "ours is narrow, and far above",
            around(0.7237 + shift, 0.005),
            "theirs: half of the paper's interval, divided by 1.96. " + both,
            paper=narrow,
        ),
        case(
            "our mean lies outside, our seeds agree, and the paper's interval is wide",
            around(0.71 + shift, 0.005),
            both,
        ),
        case(
            "our mean lies well inside the paper's interval, and our seeds agree",
            around(0.67 + shift, 0.005),
            "The interval of the difference reaches as far as 2.45 standard errors here, not one: NOT_SHOWN.",
        ),
        *(
            case(
                f"both are as uncertain, and {100 * apart:g} points apart",
                around(0.6 + apart + shift, 0.06),
                f"{both} Then the t-quantile at 0.975, {freedom}6: 2.45. So it reaches 0.095.",
                paper=np.array([0.6, 0.5463, 0.6537]) + shift,
            )
            for apart in (0.07, 0.08, 0.09, 0.0932, 0.11)
        ),
        case(
            "the paper's interval is narrow, our seeds are apart",
            around(0.67 + shift, 0.1),
            spread,
            paper=np.array([0.6, 0.595, 0.605]) + shift,
        ),
        case(
            "our seeds agree, and the mean is out of reach",
            around(0.74 + shift, 0.005),
            "theirs: half of the paper's interval, divided by 1.96. " + both,
        ),
        case(
            "our seeds are apart, and the difference is just within reach",
            around(0.60 + 0.105 + shift, 0.1),
            f"{spread} The t-quantile {freedom}6: 2.45.",
            paper=np.array([0.6, 0.59, 0.61]) + shift,
        ),
        case(
            "our seeds are apart, and the difference is just out of reach",
            around(0.60 + 0.118 + shift, 0.1),
            f"{spread} The t-quantile {freedom}6: 2.45.",
            paper=np.array([0.6, 0.59, 0.61]) + shift,
        ),
        case(
            "three of four seeds agree with the paper, and the fourth failed",
            np.array([0.63, 0.64, 0.62, 0.05]) + shift,
            "The mean over seeds is compared, and one seed that failed makes the standard error large.",
            paper=np.array([0.65, 0.63, 0.67]) + shift,
        ),
        case(
            "the paper's mean is not in the middle of its interval",
            around(0.85 + shift, 0.005),
            "apart = our mean - the paper's mean, which is the first of the three numbers.",
            paper=np.array([0.74, 0.5, 0.76]) + shift,
        ),
        case(
            "our seeds are apart, and the difference is well within reach",
            around(0.60 + 0.09 + shift, 0.1),
            f"{spread} The t-quantile {freedom}6: 2.45.",
            paper=np.array([0.6, 0.59, 0.61]) + shift,
        ),
        case(
            "our seeds solve from nothing to all, and the paper's interval is narrow",
            around(0.5, 0.5),
            f"{spread} It is squared once, under the root.",
            paper=np.array([0.4, 0.39, 0.41]),
        ),
        *(
            case(
                f"the paper's interval is longer {side} its mean; ours is {100 * abs(by):.0f} points {where}",
                around(mean + by + shift, 0.005),
                "theirs: half of the width, (high - low) / 2, divided by 1.96. The rule takes no side.",
                paper=np.array([mean, *ends]) + shift,
            )
            for side, mean, ends in (("below", 0.7, (0.46, 0.72)), ("above", 0.26, (0.24, 0.5)))
            for by, where in ((0.21, "above"), (-0.21, "below"), (0.04, "above"), (-0.04, "below"))
        ),
        case(
            "twelve seeds of ours",
            np.tile(around(0.6 + 0.0675 + shift, 0.1), 3),
            f"The t-quantile {freedom}14: 2.14.",
            paper=np.array([0.6, 0.56, 0.64]) + shift,
        ),
        case(
            "twelve seeds of ours, further away",
            np.tile(around(0.6 + 0.08 + shift, 0.1), 3),
            f"The t-quantile {freedom}14: 2.14.",
            paper=np.array([0.6, 0.56, 0.64]) + shift,
        ),
        case(
            "twelve seeds of ours, a little nearer",
            np.tile(around(0.6 + 0.0585 + shift, 0.1), 3),
            f"The t-quantile at 0.975 {freedom}14: 2.14.",
            paper=np.array([0.6, 0.56, 0.64]) + shift,
        ),
        case(
            "24 seeds of ours, a third of them far above the others",
            np.repeat([0.6, 0.8], [16, 8]) + shift,
            "The mean over seeds is compared, not the median.",
            paper=np.array([0.6, 0.59, 0.61]) + shift,
        ),
        case(
            "two seeds of ours, five of the paper's",
            np.array([0.70, 0.80]) + shift,
            f"The t-quantile {freedom}5: 2.57.",
            paper=np.array([0.6, 0.55, 0.65]) + shift,
            seeds=5,
        ),
        *(
            case(
                f"two seeds of ours, two of the paper's, {100 * apart:.0f} points apart",
                0.6 + apart + shift + np.array([-0.03, 0.03]),
                f"The t-quantile {freedom}2: 4.30. So it reaches 0.136.",
                paper=np.array([0.6, 0.58, 0.62]) + shift,
                seeds=2,
            )
            for apart in (0.12, 0.2)
        ),
        case(
            "ours after 100K offline, the paper's after 1M",
            around(0.3 + shift),
            "Other steps: NOT_COMPARED, whatever the numbers.",
            ((100, 0), (1000, 0)),
        ),
        case(
            "1M offline, then 100K online here and 200K there",
            around(0.6 + shift),
            "Both numbers have to agree: offline and online steps.",
            ((1000, 100), (1000, 200)),
        ),
        case(
            "ours after 1M offline, the paper's after 100K",
            around(0.6 + shift),
            "Other steps: NOT_COMPARED, also if ours are more.",
            ((1000, 0), (100, 0)),
        ),
        case(
            "ours after 99.5K offline, the paper's after 100K",
            around(0.6 + shift),
            "Nearly the same steps are other steps: NOT_COMPARED.",
            ((99.5, 0), (100, 0)),
        ),
        case(
            "as many steps in all, but other phases",
            around(0.9),
            "200K offline and 1M online is another experiment than 1M offline and 200K online.",
            ((200, 1000), (1000, 200)),
        ),
    ]


_SAME = "tuple(steps) != tuple(paper_steps)"
_REACH = "stats.t.ppf(0.975, freedom) * np.sqrt(ours**2 + theirs**2)"
_SIGNS = "ABOVE if apart > reach else BELOW if apart < -reach else NOT_SHOWN"
_BOTH_STEPS = "Offline and online steps both have to agree"
_VERDICTS = [  # name, remedy, edits of the right answer
    (
        "It compares whatever the steps are: a young run with an old one.",
        "If the steps differ, nothing follows from the numbers: NOT_COMPARED.",
        {_SAME: "False"},
    ),
    ("Only the offline steps are compared.", f"{_BOTH_STEPS}.", {_SAME: "steps[0] != paper_steps[0]"}),
    ("Only the online steps are compared.", f"{_BOTH_STEPS}.", {_SAME: "steps[1] != paper_steps[1]"}),
    (
        "Which phase the steps belong to is ignored: they are added up, or compared as a set.",
        f"{_BOTH_STEPS}, each for itself.",
        {_SAME: "sum(steps) != sum(paper_steps)"},
    ),
    (
        "Anything with fewer steps is compared: it was handicapped, so to speak.",
        "Not even then: it would be below for want of steps.",
        {_SAME: "any(steps > paper_steps)"},
    ),
    (
        "Only a run that is shorter than the paper's is not compared.",
        "A longer one is another experiment, too: NOT_COMPARED.",
        {_SAME: "any(steps < paper_steps)"},
    ),
    (
        "It is compared as long as one of the two numbers agrees.",
        f"{_BOTH_STEPS}: one that differs is enough for NOT_COMPARED.",
        {_SAME: "all(steps != paper_steps)"},
    ),
    (
        "Above and below have changed places.",
        "ABOVE: our mean is above the paper's. apart = ours - the paper's.",
        {"np.mean(success) - mean": "mean - np.mean(success)"},
    ),
    (
        "Only the paper's interval counts: ours has none.",
        "Our mean comes from a few seeds, too. Combine both: sqrt(ours^2 + theirs^2).",
        {_SIGNS: "ABOVE if np.mean(success) > high else BELOW if np.mean(success) < low else NOT_SHOWN"},
    ),
    (
        "Half of the paper's interval is the reach, to either side of its mean: ours has none.",
        "Our mean comes from a few seeds, too. Combine both: sqrt(ours^2 + theirs^2).",
        {_REACH: "(high - low) / 2"},
    ),
    (
        "It is asked whether two intervals overlap, ours and the paper's.",
        "Intervals that overlap may still differ. The difference has one interval: sqrt(ours^2 + theirs^2).",
        {
            _REACH: "stats.t.ppf(0.975, len(success) - 1) * ours",
            _SIGNS: "ABOVE if apart > reach + high - mean else BELOW if apart < low - mean - reach else 0",
        },
    ),
    (
        "Each interval has a quantile of its own, and the half-widths are added as squares.",
        "One t-quantile, with n + paper_seeds - 2 degrees of freedom, times sqrt(ours^2 + theirs^2).",
        {
            _REACH: "np.sqrt((stats.t.ppf(0.975, len(success) - 1) * ours) ** 2 + ((high - low) / 2) ** 2)",
        },
    ),
    (
        "Only the paper's standard error counts, and ours is left out.",
        "Combine both: sqrt(ours^2 + theirs^2).",
        {"np.sqrt(ours**2 + theirs**2)": "theirs"},
    ),
    (
        "Only our standard error counts, and the paper's is left out.",
        "Combine both: sqrt(ours^2 + theirs^2).",
        {"np.sqrt(ours**2 + theirs**2)": "ours"},
    ),
    (
        "The two standard errors are added up, not their squares: intervals that just touch.",
        "The errors are independent: they add as squares, sqrt(ours^2 + theirs^2).",
        {"np.sqrt(ours**2 + theirs**2)": "(ours + theirs)"},
    ),
    (
        "The larger of the two standard errors counts.",
        "Both count: sqrt(ours^2 + theirs^2).",
        {"np.sqrt(ours**2 + theirs**2)": "max(ours, theirs)"},
    ),
    (
        "The standard deviation over seeds in place of the standard error of their mean.",
        "Divide it by sqrt(number of seeds).",
        {" / np.sqrt(len(success))": ""},
    ),
    (
        "The standard deviation is divided by the number of seeds, not by its root.",
        "A mean of n seeds has the standard error s / sqrt(n).",
        {"np.sqrt(len(success))": "len(success)"},
    ),
    (
        "The standard deviation is divided by the root of the paper's seeds.",
        "Our mean is over our seeds: sqrt(len(success)).",
        {"np.sqrt(len(success))": "np.sqrt(paper_seeds)"},
    ),
    (
        "The standard deviation is divided by the root of all seeds, the paper's among them.",
        "Our mean is over our seeds: sqrt(len(success)).",
        {"np.sqrt(len(success))": "np.sqrt(len(success) + paper_seeds)"},
    ),
    (
        "Our variance stands where the standard error belongs: it is squared twice.",
        "np.std(success, ddof=1) / sqrt(number of seeds); the formula squares it.",
        {"np.std(success, ddof=1) / np.sqrt(len(success))": "np.var(success, ddof=1) / len(success)"},
    ),
    (
        "The standard deviation divides by n: with four seeds it is too small by an eighth.",
        "np.std(success, ddof=1) divides by n - 1.",
        {", ddof=1": ""},
    ),
    (
        "Half of the paper's interval is taken for its standard error.",
        "Half of a 95 % interval is 1.96 standard errors: divide by 1.96.",
        {" / 2 / 1.96": " / 2"},
    ),
    (
        "The paper's interval is read with the t-quantile of its seeds.",
        "Its half is 1.96 standard errors: (high - low) / 2 / 1.96.",
        {"1.96": "stats.t.ppf(0.975, paper_seeds - 1)"},
    ),
    (
        "The paper's standard error comes out twice too large: all of the interval is divided by 1.96, "
        "or it is multiplied by the root of the seeds.",
        "Half of a 95 % interval is 1.96 standard errors of the mean: (high - low) / 2 / 1.96 is all.",
        {" / 2 / 1.96": " / 1.96"},
    ),
    (
        "The paper's standard error is divided by the root of a number of seeds, once too often.",
        "The paper's interval is that of the mean over its seeds already: (high - low) / 2 / 1.96 is all.",
        {" / 2 / 1.96": " / 2 / 1.96 / np.sqrt(paper_seeds)"},
    ),
    (
        "Only the part of the paper's interval above its mean is taken for half of the interval.",
        "The mean need not be in the middle: half of the width, (high - low) / 2.",
        {"(high - low) / 2": "(high - mean)"},
    ),
    (
        "Only the part of the paper's interval below its mean is taken for half of the interval.",
        "The mean need not be in the middle: half of the width, (high - low) / 2.",
        {"(high - low) / 2": "(mean - low)"},
    ),
    (
        "The longer side of the paper's interval is taken for half of it.",
        "Half of the width: (high - low) / 2.",
        {"(high - low) / 2": "max(high - mean, mean - low)"},
    ),
    (
        "The shorter side of the paper's interval is taken for half of it.",
        "Half of the width: (high - low) / 2.",
        {"(high - low) / 2": "min(high - mean, mean - low)"},
    ),
    (
        "The side of the paper's interval that faces our mean is taken for half of it.",
        "Half of the width, (high - low) / 2, wherever our mean is.",
        {"(high - low) / 2": "(high - mean if np.mean(success) > mean else mean - low)"},
    ),
    (
        "The root is forgotten: the reach is made of squares.",
        "The quantile times the root of the sum of the squares.",
        {"np.sqrt(ours**2 + theirs**2)": "(ours**2 + theirs**2)"},
    ),
    (
        "The squares are averaged, not added up.",
        "The error of a difference is larger than each of the two: sqrt(ours^2 + theirs^2).",
        {"np.sqrt(ours**2 + theirs**2)": "np.sqrt((ours**2 + theirs**2) / 2)"},
    ),
    (
        "The reach is one standard error.",
        "A 95 % interval reaches as far as the t-quantile says, here 2.45 standard errors.",
        {_REACH: "np.sqrt(ours**2 + theirs**2)"},
    ),
    (
        "The reach is 1.96 standard errors, as if there were many seeds.",
        "Standard errors from few seeds are uncertain themselves: the t-quantile.",
        {"stats.t.ppf(0.975, freedom)": "1.96"},
    ),
    (
        "The t-quantile is doubled.",
        "The interval reaches one quantile to either side.",
        {"stats.t.ppf(0.975, freedom)": "2 * stats.t.ppf(0.975, freedom)"},
    ),
    (
        "The quantile at 0.95: that makes an interval of 90 %.",
        "2.5 % on either side: the quantile at 0.975.",
        {"0.975": "0.95"},
    ),
    (
        "The degrees of freedom are those of our seeds alone, n - 1.",
        "Both means were estimated: n + paper_seeds - 2.",
        {"len(success) + paper_seeds - 2": "len(success) - 1"},
    ),
    (
        "The quantile is too large: the degrees of freedom are those of one side's seeds alone, or it "
        "is taken beyond 0.975.",
        "stats.t.ppf(0.975, n + paper_seeds - 2): both means were estimated, and 2.5 % lie on either side.",
        {"len(success) + paper_seeds - 2": "paper_seeds - 1"},
    ),
    (
        "One degree of freedom too many: n + paper_seeds - 1.",
        "Two means were estimated, ours and the paper's, and each costs one: n + paper_seeds - 2.",
        {"len(success) + paper_seeds - 2": "len(success) + paper_seeds - 1"},
    ),
    (
        "As many degrees of freedom as seeds.",
        "Two means were estimated, ours and the paper's, and each costs one: n + paper_seeds - 2.",
        {"len(success) + paper_seeds - 2": "len(success) + paper_seeds"},
    ),
    (
        "The median of our seeds.",
        "The paper's figure is a mean over seeds: np.mean.",
        {"np.mean(success)": "np.median(success)"},
    ),
    (
        "Our best seed counts.",
        "The mean over all seeds. The best of several flatters.",
        {"np.mean(success)": "np.max(success)"},
    ),
    ("Our worst seed counts.", "The mean over all seeds.", {"np.mean(success)": "np.min(success)"}),
    ("Our first seed counts.", "The mean over all seeds.", {"np.mean(success)": "success[0]"}),
    (
        "The middle of the paper's interval is taken for its mean.",
        "The mean is the first of the three numbers of `paper`.",
        {"np.mean(success) - mean": "np.mean(success) - (low + high) / 2"},
    ),
    (
        "The lower end of the paper's interval is taken for its mean, and the mean for the lower end.",
        "The mean is the first of the three numbers: mean, low, high = paper.",
        {"mean, low, high = paper": "low, mean, high = paper"},
    ),
    (
        "Our success is in percent, the paper's interval in rates.",
        "Both are rates between 0 and 1 here.",
        {"np.mean(success) - mean": "100 * np.mean(success) - mean"},
    ),
    (
        "The paper's rates are divided by 100, as if they were percent.",
        "Both are rates between 0 and 1 here.",
        {"mean, low, high = paper": "mean, low, high = paper / 100"},
    ),
]

_verdict_misconceptions = [
    *(Misconception(name, remedy, edited(verdict, edits)) for name, remedy, edits in _VERDICTS),
    Misconception(
        "The difference of the means decides alone: nothing is ever NOT_SHOWN.",
        "The interval of the difference has to be on one side of 0.",
        lambda success, steps, paper_steps, paper, count: (
            NOT_COMPARED if tuple(steps) != tuple(paper_steps) else np.sign(np.mean(success) - paper[0])
        ),
    ),
]

check_verdict = Exercise(
    verdict,
    _verdict_by_ends,
    _verdict_cases,
    _verdict_misconceptions,
    insight="NOT_SHOWN is not equal. The next cell says how often each rule is wrong.",
)


# 5. Diagnosis

HEALTHY, NOT_FINITE, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY = range(7)
WORDS = {
    HEALTHY: "healthy",
    NOT_FINITE: "Q is no number",
    Q_TOO_HIGH: "Q above its maximum",
    Q_TOO_LOW: "Q below its minimum",
    NO_BEHAVIOR: "behavior not learned",
    OFF_BEHAVIOR: "policy far from the behavior",
    TOO_EARLY: "no finding, nothing solved yet",
}


class About(NamedTuple):
    """What a log is held against."""

    reward_min: float  # smallest reward of a step, 0 or less
    reward_solved: float  # of the step that solves the task, 0 or more
    discount: float  # of one step
    chunk_length: int
    knowing_nothing: float  # loss of a flow that knows nothing of the observation
    far: float  # mean squared distance of two random chunks of the data


def diagnose(log, success, about):
    """What the end of a seed's log says: the first of the codes above, in the order of this function, that
    fits.
    """
    lowest, highest = about.reward_min / (1 - about.discount), about.reward_solved
    margin = 0.1 * (highest - lowest)
    quarter = max(1, len(log["q_max"]) // 4)
    last = {name: np.mean(values[-quarter:]) for name, values in log.items()}
    fits = {
        NOT_FINITE: not np.isfinite(last["q_min"] + last["q_max"]),
        Q_TOO_HIGH: last["q_max"] > highest + margin,
        Q_TOO_LOW: last["q_min"] < lowest - margin,
        NO_BEHAVIOR: last["flow_loss"] > 0.9 * about.knowing_nothing,
        OFF_BEHAVIOR: last["distance"] > about.far,
        TOO_EARLY: success == 0,
    }
    order = NOT_FINITE, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY
    return next((code for code in order if fits[code]), HEALTHY)


def _diagnose_by_ifs(log, success, about):
    highest = max(0.0, about.reward_solved)
    lowest = about.reward_min * np.sum(about.discount ** np.arange(20_000))
    count = max(1, len(log["q_max"]) // 4)
    late = {name: sum(values[len(values) - count :]) / count for name, values in log.items()}
    if not all(math.isfinite(late[name]) for name in ("q_min", "q_max")):
        return NOT_FINITE
    if late["q_max"] - highest > (highest - lowest) / 10:
        return Q_TOO_HIGH
    if lowest - late["q_min"] > (highest - lowest) / 10:
        return Q_TOO_LOW
    if late["flow_loss"] / about.knowing_nothing > 0.9:
        return NO_BEHAVIOR
    if late["distance"] / about.far > 1:
        return OFF_BEHAVIOR
    return HEALTHY if success else TOO_EARLY


# What differs from a healthy log: its end, its beginning (`young`), or its last rows (`spike`).
_LOGS = [
    ("a run without findings", "None of the six holds: HEALTHY.", {}),
    ("nothing solved", "No finding, and success is 0: TOO_EARLY.", dict(success=0.0)),
    (
        "Q rises to 60, its maximum is 0",
        "The mean of the last quarter of q_max against highest + margin.",
        dict(q_max=60, success=0.0),
    ),
    (
        "Q falls to -250, its minimum is -100",
        "The mean of the last quarter of q_min against lowest - margin.",
        dict(q_min=-250, success=0.0),
    ),
    (
        "Q's maximum over a batch is 6: noise of a healthy critic",
        "The margin is a tenth of the range, 10 here: 6 is inside it.",
        dict(q_max=6, success=0.0),
    ),
    (
        "Q's minimum is -106, single actions",
        "The margin is a tenth of the range, which is -100 to 0: 10.",
        dict(q_min=-106, chunk_length=1),
    ),
    (
        "Q's maximum is 10.6, just above the margin; some episodes are solved",
        "The margin is a tenth of the range, -100 to 0: 10.6 is above 10. Success is asked last.",
        dict(q_max=10.6),
    ),
    (
        "20 rows; of the last five, q_max is 70 in one: a mean of 14; nearly all is solved",
        "The mean of the last quarter. The margin is a tenth of the range, 10 here. Success is asked last.",
        dict(rows=20, spike=dict(q_max=[70.0, 0.0, 0.0, 0.0, 0.0]), success=0.9),
    ),
    (
        "rewards of -5, discount 0.5: q_max 1, q_min -11, a loss of 9 of 10, a distance of 1: the limits",
        "Each finding asks for more than its limit. The margin is a tenth of the range, -10 to 0: 1.",
        dict(
            reward_min=-5.0,
            discount=0.5,
            nothing=10.0,
            spike=dict(q_max=[1.0] * 3, q_min=[-11.0] * 3, flow_loss=[9.0] * 3, distance=[1.0] * 3),
        ),
    ),
    (
        "20 rows; of the last five, q_min is -335 in one: a mean of -115; nearly all is solved",
        "The mean of the last quarter. The margin is a tenth of the range: -115 is below -110. "
        "Success is asked last.",
        dict(rows=20, spike=dict(q_min=[-335.0, -60.0, -60.0, -60.0, -60.0]), success=0.9),
    ),
    (
        "up to 5 wrong objects a step: Q's maximum is 30",
        "The range is -500 to 0 here: reward_min / (1 - discount). So the margin is 50.",
        dict(q_max=30, q_min=-200, reward_min=-5.0),
    ),
    (
        "a discount of 0.98: Q's minimum is -70",
        "The range is -50 to 0 here: reward_min / (1 - discount).",
        dict(q_min=-70, discount=0.98, success=0.0),
    ),
    (
        "a discount of 0.9: Q's minimum is -10.8",
        "The range is -10 to 0 here, reward_min / (1 - discount), and the margin is 1: -10.8 is inside it.",
        dict(q_min=-10.8, discount=0.9),
    ),
    (
        "chunks of 10: Q's minimum is -60",
        "A chunk earns its ten rewards, not one. The range does not depend on the chunk: -100 to 0.",
        dict(q_min=-60, chunk_length=10),
    ),
    (
        "chunks of 10: Q's minimum is -110.7",
        "The range does not depend on the chunk: -100 to 0, and the margin is 10.",
        dict(q_min=-110.7, chunk_length=10),
    ),
    (
        "the behavior's loss stays at 1.33; knowing nothing gives 1.4",
        "More than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
        dict(flow_loss=1.33, success=0.0),
    ),
    (
        "20 rows; of the last five, the behavior's loss is 5.6 in one: a mean of 1.6",
        "The mean of the last quarter is more than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
        dict(rows=20, spike=dict(flow_loss=[5.6, 0.6, 0.6, 0.6, 0.6]), success=0.0),
    ),
    (
        "the policy is 1.5 away, further than one chunk of the data from another",
        "distance > far: OFF_BEHAVIOR.",
        dict(distance=1.5, success=0.0),
    ),
    (
        "the same, and some episodes are solved",
        "Success by luck does not undo a finding: ask for it last.",
        dict(distance=1.5, success=0.1),
    ),
    (
        "the same, and nearly all are solved",
        "Success does not undo a finding: ask for it last.",
        dict(distance=1.5, success=0.9),
    ),
    (
        "the behavior's loss stays at 1.33, and nearly all episodes are solved",
        "Success does not undo a finding: ask for it last.",
        dict(flow_loss=1.33, success=0.9),
    ),
    (
        "wild at the beginning, good at the end",
        "The end counts: the last quarter of the rows.",
        dict(young=dict(q_max=90, q_min=-300, flow_loss=1.5, distance=3)),
    ),
    (
        "wild for two thirds of the log, good at the end",
        "The last quarter of the rows, not the last half.",
        dict(young=dict(q_max=90, q_min=-600, flow_loss=3.5, distance=3), until=0.67),
    ),
    (
        "good at the beginning, Q too high at the end, and the policy far",
        "In the order of the list: Q first.",
        dict(q_max=60, distance=2, young=dict(q_max=0, distance=0.2), success=0.0),
    ),
    (
        "behavior not learned, and the policy far from it",
        "In the order of the list: a policy is near or far from a behavior that was learned.",
        dict(flow_loss=1.38, distance=2, success=0.0),
    ),
    (
        "Q both too high and too low",
        "In the order of the list: too high first.",
        dict(q_max=80, q_min=-400, success=0.0),
    ),
    (
        "a single wild row at the very end",
        "The mean of the last quarter, not the last row.",
        dict(spike=dict(q_max=[25.0], q_min=[-150.0], flow_loss=[2.0], distance=[2.0])),
    ),
    (
        "a method without a flow: its loss and distance are nan",
        "No flow, so nothing to be found there. A comparison with nan is False: ask whether the loss is too "
        "large, not whether it is small enough. NOT_FINITE is about Q's two columns.",
        dict(flow_loss=np.nan, distance=np.nan),
    ),
    (
        "a run that has diverged: nan in all columns",
        "np.isfinite(x) is False for nan and for infinity. Ask for it first.",
        dict(q_max=np.nan, q_min=np.nan, flow_loss=np.nan, distance=np.nan, success=0.0),
    ),
    (
        "Q was nan in the last row but one; some episodes are solved",
        "A mean of rows with a nan is nan: NOT_FINITE.",
        dict(spike=dict(q_max=[np.nan, 0.0], q_min=[np.nan, -60.0])),
    ),
    (
        "q_min has fallen to -infinity",
        "np.isfinite is False for infinity, too, and NOT_FINITE comes before Q_TOO_LOW.",
        dict(spike=dict(q_min=[-np.inf, -np.inf])),
    ),
    (
        "q_max has risen to infinity, and the behavior is not learned",
        "np.isfinite is False for infinity, too, and NOT_FINITE comes first.",
        dict(spike=dict(q_max=[np.inf]), flow_loss=1.38),
    ),
    (
        "a nan in the first row, and numbers ever since",
        "Step 1: the last quarter of the rows is asked, and nothing else.",
        dict(spike=dict(q_max=[np.nan, *[-1.0] * 11])),
    ),
    (
        "a short log of 3 rows",
        "At least one row: max(1, rows // 4).",
        dict(rows=3, distance=1.5, young=dict(distance=0.1)),
    ),
    (
        "another short log: only its last row is far",
        "At least one row, and no more: with 3 rows, values[-0:] would be all of them.",
        dict(rows=3, spike=dict(distance=[0.1, 0.1, 1.2])),
    ),
    (
        "23 rows, of which the last 5 are far",
        "The last quarter: 23 // 4 = 5 rows.",
        dict(rows=23, distance=1.1, young=dict(distance=0.1), until=0.79),
    ),
    (
        "20 rows; in the last quarter two are very far",
        "The mean of the last quarter, of all its rows.",
        dict(rows=20, spike=dict(distance=[4.0, 4.0, 0.2, 0.2, 0.2])),
    ),
    (
        "50 for solving it: Q's maximum is 40",
        "The range is -100 to 50: 40 is inside it.",
        dict(reward_solved=50.0, q_max=40.0),
    ),
    (
        "50 for solving it, discount 0.9: Q's maximum is 53",
        "The range is -10 to 50, and highest + margin is 56. The next step may solve it: "
        "its reward is not discounted.",
        dict(reward_solved=50.0, discount=0.9, q_max=53.0, q_min=-8.0),
    ),
    (
        "50 for solving it: Q's maximum is 62",
        "The range is -100 to 50: being solved ends the episode, so its reward comes once. "
        "The margin is a tenth of highest - lowest, 15.",
        dict(reward_solved=50.0, q_max=62.0),
    ),
    (
        "50 for solving it: Q's maximum is 70",
        "The range is -100 to 50, and highest + margin is 65: being solved ends the episode, "
        "so its reward comes once.",
        dict(reward_solved=50.0, q_max=70.0),
    ),
    (
        "50 for solving it: Q's minimum is -112",
        "The range is -100 to 50, and lowest - margin is -115.",
        dict(reward_solved=50.0, q_min=-112.0),
    ),
    (
        "knowing nothing gives 2.0, the loss is 1.7",
        "0.9 * knowing_nothing is 1.8 here: it is an argument.",
        dict(nothing=2.0, flow_loss=1.7),
    ),
    ("far is 3.0, the distance 2.8", "far is an argument: 2.8 is not above it.", dict(far=3.0, distance=2.8)),
    ("far is 3.0, the distance 3.15", "distance > far.", dict(far=3.0, distance=3.15)),
    ("one episode in fifty is solved", "TOO_EARLY is for none.", dict(success=0.02)),
    (
        "Q both too high and too low, and some episodes are solved",
        "The first that holds: return at once.",
        dict(q_max=80, q_min=-400),
    ),
    (
        "Q too high, and the behavior not learned",
        "In the order of the list: Q first.",
        dict(q_max=60, flow_loss=1.38, success=0.0),
    ),
    (
        "Q too low, and the behavior not learned",
        "In the order of the list: Q first.",
        dict(q_min=-250, flow_loss=1.38, success=0.0),
    ),
]


def _diagnose_log(rng, rows=12, young=(), until=0.5, spike=(), **changes):
    end = dict(q_max=0, q_min=-60, flow_loss=0.6, distance=0.3) | changes
    begin = end | dict(young)
    early = np.arange(rows) < int(until * rows)
    wobble = lambda: 1 + 0.003 * rng.uniform(-1, 1, size=rows)
    log = {name: np.where(early, begin[name], end[name]) * wobble() for name in end}
    for name, values in dict(spike).items():
        log[name][-len(values) :] = values
    return log


_USUAL = About(-1.0, 0.0, 0.99, 5, 1.4, 1.0)


def _diagnose_case(rng, name, hint, success=0.5, nothing=1.4, **changes):
    about = _USUAL._replace(knowing_nothing=nothing)
    about = about._replace(**{key: changes.pop(key) for key in [*changes] if key in About._fields})
    return Case(name, (_diagnose_log(rng, **changes), success, about), hint)


def _diagnose_cases(rng):
    return [_diagnose_case(rng, about, hint, **changes) for about, hint, changes in _LOGS]


_EXCHANGED = HEALTHY, NOT_FINITE, Q_TOO_LOW, Q_TOO_HIGH, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY
_FINITE = 'not np.isfinite(last["q_min"] + last["q_max"])'
_diagnose_misconceptions = [
    Misconception(
        "A log of nan passes for one without findings: every comparison with nan is False.",
        "Ask first: if the mean of q_max or of q_min is not finite, NOT_FINITE.",
        edited(diagnose, {_FINITE: "False"}),
    ),
    Misconception(
        "Infinity is called too high or too low: only nan is asked about, both columns have to be infinite, "
        "or the limits come first.",
        "Ask for NOT_FINITE first, of either column. not np.isfinite(x) is True for nan and for infinity.",
        edited(diagnose, {_FINITE: 'np.isnan(last["q_min"]) or np.isnan(last["q_max"])'}),
    ),
    Misconception(
        "A method without a flow is called NOT_FINITE: its columns hold nan from the beginning.",
        "Ask q_max and q_min alone. What a flow loses reaches Q with the next target.",
        edited(diagnose, {_FINITE: "not all(np.isfinite(value) for value in last.values())"}),
    ),
    Misconception(
        "np.nanmean leaves the nan out, and so the warning.",
        "np.mean of rows with a nan is nan, which is what should be noticed.",
        edited(diagnose, {"np.mean": "np.nanmean"}),
    ),
    Misconception(
        "The whole log is searched for nan, not its last quarter.",
        "Step 1 holds for all steps: only the means over the last quarter are asked.",
        edited(diagnose, {_FINITE: 'not (np.isfinite(log["q_max"]) & np.isfinite(log["q_min"])).all()'}),
    ),
    Misconception(
        "The last row decides alone, or weighs too much.",
        "One row may be an outlier: the mean of the last quarter.",
        edited(diagnose, {"np.mean(values[-quarter:])": "values[-1]"}),
    ),
    Misconception(
        "The flow's loss is asked about before Q.",
        "The first finding of the list that fits: Q comes first.",
        edited(
            diagnose,
            {
                "order = NOT_FINITE, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR": (
                    "order = NOT_FINITE, NO_BEHAVIOR, Q_TOO_HIGH, Q_TOO_LOW"
                )
            },
        ),
    ),
    Misconception(
        "The last quarter begins at 3 * rows // 4: a row too many, where rows is no multiple of 4.",
        "The last rows // 4 rows: values[-count:].",
        edited(diagnose, {"values[-quarter:]": "values[3 * len(values) // 4 :]"}),
    ),
    Misconception(
        "The mean of the whole log: the beginning counts as much as the end.",
        "A run is what it is at its end: the last quarter of the rows.",
        edited(diagnose, {"[-quarter:]": ""}),
    ),
    Misconception(
        "The first quarter of the rows.",
        "values[-quarter:], the last ones.",
        edited(diagnose, {"-quarter:": ":quarter"}),
    ),
    Misconception(
        "The rows before the last quarter are averaged.",
        "values[-quarter:], the last ones.",
        edited(diagnose, {"-quarter:": ":-quarter"}),
    ),
    Misconception(
        "The worst row of the log decides.",
        "Every critic is wild once: the mean of the last quarter.",
        edited(diagnose, {"np.mean(values[-quarter:])": "values[np.argmax(np.abs(values))]"}),
    ),
    Misconception(
        "The second half of the rows.",
        "The last quarter: values[-max(1, len(values) // 4) :].",
        edited(diagnose, {"// 4": "// 2"}),
    ),
    Misconception(
        "The last three rows, however long the log is.",
        "A quarter of the rows, len(values) // 4, and at least one.",
        edited(diagnose, {"-quarter:": "-3:"}),
    ),
    Misconception(
        "The last five rows, however long the log is.",
        "A quarter of the rows, len(values) // 4, and at least one.",
        edited(diagnose, {"-quarter:": "-5:"}),
    ),
    Misconception(
        "The largest value of the last quarter.",
        "The mean of the last quarter.",
        edited(diagnose, {"np.mean": "np.max"}),
    ),
    Misconception(
        "The median of the last quarter.",
        "The mean: rows that are far out count as well.",
        edited(diagnose, {"np.mean": "np.median"}),
    ),
    Misconception(
        "With fewer than four rows the whole log counts: values[-0:] is all of it, and so is values[0:].",
        "At least one row: max(1, len(values) // 4).",
        edited(diagnose, {"max(1, ": "("}),
    ),
    Misconception(
        "A later finding overwrites an earlier one.",
        "Return at the first that holds, or use elif.",
        edited(diagnose, {"in order": "in reversed(order)"}),
    ),
    Misconception(
        "No margin, or too narrow a one: the noise of a healthy critic is called a finding.",
        "A tenth of the range is allowed beyond each end.",
        edited(diagnose, {"margin = 0.1 *": "margin = 0 *"}),
    ),
    Misconception(
        "The margin is 10, whatever the range.",
        "A tenth of the range, highest - lowest.",
        edited(diagnose, {"0.1 * (highest - lowest)": "10"}),
    ),
    Misconception(
        "The margin is a tenth of the lower end, not of the width.",
        "A tenth of the range's width, highest - lowest: where solving is rewarded, that is more.",
        edited(diagnose, {"0.1 * (highest - lowest)": "0.1 * abs(lowest)"}),
    ),
    Misconception(
        "The reward of the solution is discounted by one step.",
        "The best policy solves it with the next step, whose reward is not discounted: reward_solved.",
        edited(diagnose, {", about.reward_solved": ", about.discount * about.reward_solved"}),
    ),
    Misconception(
        "The smallest Q is discounted by one step.",
        "The first reward is not discounted: reward_min / (1 - discount).",
        edited(diagnose, {"about.reward_min / (1": "about.discount * about.reward_min / (1"}),
    ),
    Misconception(
        "Below and above have changed places.",
        "q_max > highest + margin is Q_TOO_HIGH.",
        lambda *args: _EXCHANGED[diagnose(*args)],
    ),
    Misconception(
        "Q is never found outside: it is not asked about, or its smallest is held against the maximum.",
        "q_max against highest, q_min against lowest.",
        lambda log, *rest: diagnose(log | {"q_max": log["q_min"], "q_min": log["q_max"]}, *rest),
    ),
    Misconception(
        "Success decides first: a lucky run is called healthy.",
        "Success is asked last: findings stay findings.",
        lambda log, success, *rest: HEALTHY if success > 0 else diagnose(log, success, *rest),
    ),
    Misconception(
        "A run that solves a good part is called healthy, whatever its log says.",
        "Success is asked last: findings stay findings.",
        lambda log, success, *rest: HEALTHY if success > 0.5 else diagnose(log, success, *rest),
    ),
    Misconception(
        "The margin is wider than a tenth of the range.",
        "A tenth of the range, highest - lowest, at each end.",
        edited(diagnose, {"margin = 0.1": "margin = 0.25"}),
    ),
    Misconception(
        "A chunk earns one reward: the range is reward_min / (1 - discount^H).",
        "A chunk earns H rewards. Their sum over (1 - discount^H) is reward_min / (1 - discount).",
        edited(diagnose, {"(1 - about.discount)": "(1 - about.discount**about.chunk_length)"}),
    ),
    Misconception(
        "H rewards a chunk without discount: H * reward_min / (1 - discount^H).",
        "Inside the chunk, reward k has discount^k: it comes out as reward_min / (1 - discount).",
        edited(
            diagnose,
            {
                "lowest, highest = about.reward_min / (1 - about.discount)": (
                    "h = about.chunk_length\n"
                    "    lowest, highest = h * about.reward_min / (1 - about.discount**h)"
                )
            },
        ),
    ),
    Misconception(
        "The worst of one step is taken for the smallest Q.",
        "Q is the sum of all that follows: reward_min / (1 - discount).",
        edited(diagnose, {"about.reward_min / (1 - about.discount)": "about.reward_min"}),
    ),
    Misconception(
        "The reward of the solution comes for ever: a solved episode was forgotten to end.",
        "Being solved ends the episode, and the mask stops the bootstrap: reward_solved, once.",
        edited(diagnose, {", about.reward_solved": ", about.reward_solved / (1 - about.discount)"}),
    ),
    Misconception(
        "The largest Q is always 0.",
        "Where being solved is rewarded, it is reward_solved.",
        edited(diagnose, {", about.reward_solved": ", 0.0"}),
    ),
    Misconception(
        "The range is always -100 to 0.",
        "It follows from the rewards and the discount: reward_min / (1 - discount) to reward_solved.",
        edited(diagnose, {"about.reward_min / (1 - about.discount), about.reward_solved": "-100.0, 0.0"}),
    ),
    Misconception(
        "A run that solves nothing is too early, whatever its log says.",
        "TOO_EARLY is for runs without a finding: ask for it last.",
        lambda log, success, *rest: TOO_EARLY if success == 0 else diagnose(log, success, *rest),
    ),
    Misconception(
        "Too low is asked before too high.",
        "In the order of the list.",
        edited(diagnose, {"Q_TOO_HIGH, Q_TOO_LOW": "Q_TOO_LOW, Q_TOO_HIGH"}),
    ),
    Misconception(
        "The distance is asked before the behavior.",
        "In the order of the list: far from a behavior that was not learned says nothing.",
        edited(diagnose, {"NO_BEHAVIOR, OFF_BEHAVIOR": "OFF_BEHAVIOR, NO_BEHAVIOR"}),
    ),
    Misconception(
        "The behavior is asked before Q.",
        "In the order of the list: Q first.",
        edited(
            diagnose,
            {"in order": "in (NOT_FINITE, NO_BEHAVIOR, OFF_BEHAVIOR, Q_TOO_HIGH, Q_TOO_LOW, TOO_EARLY)"},
        ),
    ),
    Misconception(
        "Knowing nothing is the limit itself: a little less already counts as learned.",
        "More than 0.9 * knowing_nothing is NO_BEHAVIOR.",
        edited(diagnose, {"0.9 * about": "about"}),
    ),
    Misconception(
        "The limit of the flow's loss is too low: a behavior that was learned counts as not learned.",
        "0.9 * about.knowing_nothing.",
        edited(diagnose, {"0.9 * about": "0.4 * about"}),
    ),
    Misconception(
        "A small loss of the flow is called NO_BEHAVIOR, and a large one is not.",
        "The loss falls with what was learned: flow_loss > 0.9 * knowing_nothing.",
        edited(diagnose, {"> 0.9": "< 0.9"}),
    ),
    Misconception(
        "The distance is held against knowing_nothing.",
        "The limit of the distance is about.far.",
        edited(diagnose, {"> about.far": "> about.knowing_nothing"}),
    ),
    Misconception(
        "A missing loss (nan) counts as not learned, and a missing distance as far.",
        "Ask `loss > limit`, which is False for nan, not `not loss <= limit`.",
        edited(
            diagnose,
            {
                'last["flow_loss"] >': 'not last["flow_loss"] <=',
                'last["distance"] >': 'not last["distance"] <=',
            },
        ),
    ),
    Misconception(
        "The behavior is never asked about.",
        "flow_loss > 0.9 * knowing_nothing: NO_BEHAVIOR.",
        edited(diagnose, {"NO_BEHAVIOR, ": ""}),
    ),
    Misconception(
        "A distance above about.far goes unnoticed: it is not asked about, or the limit is larger.",
        "distance > far: OFF_BEHAVIOR.",
        edited(diagnose, {"OFF_BEHAVIOR, ": ""}),
    ),
    Misconception(
        "Success is never asked about.",
        "No finding, but nothing solved: TOO_EARLY.",
        edited(diagnose, {", TOO_EARLY": ""}),
    ),
]

check_diagnose = Exercise(
    diagnose,
    _diagnose_by_ifs,
    _diagnose_cases,
    _diagnose_misconceptions,
    insight="A log can say what is wrong. It cannot say that all is right: for that there are evaluations.",
)
