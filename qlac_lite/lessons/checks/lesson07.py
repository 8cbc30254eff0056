"""Checks of lesson 07, full runs.

Shapes: R seeds, P rows of a log; bytes, hours, environment steps, success rates 0 to 1.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception
from qlac_lite.reports import paper

# 1. The memory of a run

NUMBER = 4  # bytes of a float32 or int32


def memory_of_run(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    """Bytes of the dataset, of all seeds' replays,
    and of all seeds' learners (parameters, target critic, Adam).
    """
    rows = transitions + episodes  # the last observation of each episode stands in a row of its own
    row = observation_size + action_size + 3  # and reward, mask, steps left
    data = NUMBER * (rows * row + transitions)  # and the rows where a chunk may start
    replay = NUMBER * seeds * replay_rows * (row + 1)
    learner = NUMBER * seeds * (3 * parameters + critic_parameters)
    return data, replay, learner


def _memory_by_part(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    floats = np.zeros(1, np.float32).nbytes

    def table(rows, starts):
        columns = dict(observations=observation_size, actions=action_size, rewards=1, masks=1, steps_left=1)
        return floats * (sum(rows * width for width in columns.values()) + starts)

    state = dict(
        params=parameters, target_critic=critic_parameters, first_moment=parameters, second_moment=parameters
    )
    replays = [table(replay_rows, replay_rows) for _ in range(seeds)]
    return (
        table(transitions + episodes, transitions),
        float(sum(replays)),
        float(sum(floats * n for n in state.values()) * seeds),
    )


def _memory_cases(rng):
    size = lambda low, high: int(rng.integers(low, high))
    return [
        Case(
            "10 transitions in 2 episodes, S = 3, A = 2; no replay, no learner",
            (10, 2, 3, 2, 0, 0, 0, 1),
            "12 rows of 3 + 2 + 3 numbers, and 10 starts; 4 bytes each.",
        ),
        Case(
            "the same, with a learner of 100 parameters, 30 of them the critics'",
            (10, 2, 3, 2, 0, 100, 30, 1),
            "The learner: 100 parameters, Adam's two moments of each, and a copy of the 30.",
        ),
        Case(
            "the same, with a replay of 20 rows",
            (10, 2, 3, 2, 20, 100, 30, 1),
            "Each of the replay's rows has 3 + 2 + 3 numbers, and room for a start.",
        ),
        Case(
            "three seeds",
            (size(20, 40), size(2, 6), size(4, 9), size(2, 4), size(20, 60), size(200, 300), size(30, 90), 3),
            "The data exist once. Each seed has a replay and a learner of its own.",
        ),
        Case(
            "four seeds, larger",
            (
                size(900, 999),
                size(10, 30),
                size(20, 60),
                5,
                size(500, 900),
                size(4000, 9000),
                size(1000, 3000),
                4,
            ),
            "All of it together: once for the data, `seeds` times for the rest.",
        ),
    ]


def _memory_with(
    number=NUMBER,
    rows=lambda t, e: t + e,
    row=lambda s, a: s + a + 3,
    starts=lambda t, e: t,
    start=1,
    copies=1,
    replays=lambda n: n,
    learners=lambda n: n,
    state=lambda p, c: 3 * p + c,
):
    """The bytes with changed ingredients."""

    def wrong(t, e, s, a, r, p, c, n):
        data = number * copies_of(copies, n) * (rows(t, e) * row(s, a) + starts(t, e))
        return data, number * replays(n) * r * (row(s, a) + start), number * learners(n) * state(p, c)

    copies_of = lambda copies, n: n if copies == "seeds" else copies
    return wrong


check_memory_of_run = Exercise(
    memory_of_run,
    _memory_by_part,
    _memory_cases,
    [
        Misconception(
            "Eight bytes a number: float64.",
            "JAX computes in float32 here, and counts in int32: 4 bytes.",
            _memory_with(number=8),
        ),
        Misconception(
            "Two bytes a number: half precision.", "float32 and int32: 4 bytes.", _memory_with(number=2)
        ),
        Misconception(
            "One byte a number: numbers are counted, not bytes.", "4 bytes a number.", _memory_with(number=1)
        ),
        Misconception(
            "Each seed has its own copy of the data.",
            "All seeds read one dataset: that is why they train side by side. No factor `seeds` there.",
            _memory_with(copies="seeds"),
        ),
        Misconception(
            "The next observation is stored beside the observation.",
            "The next observation stands in the next row: S numbers a row, not 2 S.",
            _memory_with(row=lambda s, a: 2 * s + a + 3),
        ),
        Misconception(
            "Only observations and actions are counted.",
            "Each row also has a reward, a mask and the steps left: + 3.",
            _memory_with(row=lambda s, a: s + a),
        ),
        Misconception(
            "The steps left are forgotten: reward and mask only.",
            "Three numbers besides observation and action: reward, mask, steps left.",
            _memory_with(row=lambda s, a: s + a + 2),
        ),
        Misconception(
            "The last observation of each episode has no row.",
            "An episode of T transitions has T + 1 observations, and so T + 1 rows.",
            _memory_with(rows=lambda t, e: t),
        ),
        Misconception(
            "The starts of the data are forgotten.",
            "One number for each transition, where a chunk may start.",
            _memory_with(starts=lambda t, e: 0),
        ),
        Misconception(
            "The starts of the replay are forgotten.",
            "Each row of the replay has room for a start: S + A + 4 numbers.",
            _memory_with(start=0),
        ),
        Misconception(
            "All starts are forgotten.",
            "One number for each transition of the data, and one for each row of the replay.",
            _memory_with(starts=lambda t, e: 0, start=0),
        ),
        Misconception(
            "Every row of the data is a start, also the last of an episode.",
            "A chunk starts where a transition is: `transitions` starts.",
            _memory_with(starts=lambda t, e: t + e),
        ),
        Misconception(
            "One replay for all seeds.",
            "Each seed acts for itself and fills its own: times `seeds`.",
            _memory_with(replays=lambda n: 1),
        ),
        Misconception(
            "One learner for all seeds.",
            "Each seed has its own parameters: times `seeds`.",
            _memory_with(learners=lambda n: 1),
        ),
        Misconception(
            "One replay and one learner for all seeds.",
            "Only the data are shared. Replay and learner: times `seeds`.",
            _memory_with(replays=lambda n: 1, learners=lambda n: 1),
        ),
        Misconception(
            "Every network has a target copy: four times the parameters.",
            "The target is a copy of the critics only: critic_parameters.",
            _memory_with(state=lambda p, c: 4 * p),
        ),
        Misconception(
            "The target critics are forgotten.",
            "They are a copy: + critic_parameters.",
            _memory_with(state=lambda p, c: 3 * p),
        ),
        Misconception(
            "Adam keeps one moment.",
            "Two: a mean of the gradient, and one of its square.",
            _memory_with(state=lambda p, c: 2 * p + c),
        ),
        Misconception(
            "Adam is forgotten.",
            "It keeps two moments of each parameter.",
            _memory_with(state=lambda p, c: p + c),
        ),
        Misconception(
            "Only the parameters are counted.",
            "Adam keeps two moments of each, and the target is a copy of the critics.",
            _memory_with(state=lambda p, c: p),
        ),
        Misconception(
            "Adam keeps moments of the target critics, too.",
            "The target is a moving average and has no gradient: it is counted once.",
            _memory_with(state=lambda p, c: 3 * (p + c)),
        ),
        Misconception("In megabytes.", "In bytes.", _memory_with(number=NUMBER / 1e6)),
    ],
    parts=("data", "replay", "learner"),
    insight="The data are shared; what is trained is small; the replays decide how many seeds fit.",
)


# 2. The hours of a run


def hours_of_run(
    offline_steps,
    online_steps,
    seeds,
    updates_per_second,
    steps_per_second,
    evaluations,
    evaluation_steps,
    overlapped,
):
    """Hours of a run of `seeds` side by side; one update a step.

    All rates are those of all seeds together, as measured.
    """
    learning, simulating = online_steps / updates_per_second, seeds * online_steps / steps_per_second
    online = max(learning, simulating) if overlapped else learning + simulating
    evaluating = evaluations * evaluation_steps / steps_per_second
    return (offline_steps / updates_per_second + online + evaluating) / 3600


def _hours_by_part(
    offline_steps,
    online_steps,
    seeds,
    updates_per_second,
    steps_per_second,
    evaluations,
    evaluation_steps,
    overlapped,
):
    update, step = 1 / updates_per_second, 1 / steps_per_second  # seconds
    waits = [online_steps * update, online_steps * seeds * step]
    seconds = [offline_steps * update, waits[waits[1] > waits[0]] if overlapped else sum(waits)]
    seconds += [evaluation_steps * step for _ in range(evaluations)]
    return math.fsum(seconds) / 60 / 60


def _hours_cases(rng):
    number = lambda low, high: int(rng.integers(low, high))
    return [
        Case(
            "offline only: 360,000 updates at 100 a second",
            (360_000, 0, 1, 100.0, 50.0, 0, 0, False),
            "360,000 / 100 seconds are an hour.",
        ),
        Case(
            "the same, then 36,000 steps online; act and learn in turn",
            (360_000, 36_000, 1, 100.0, 50.0, 0, 0, False),
            (
                "Online: steps / updates_per_second to learn, "
                "and steps / steps_per_second to simulate, one after the other."
            ),
        ),
        Case(
            "the same with four seeds",
            (360_000, 36_000, 4, 100.0, 50.0, 0, 0, False),
            (
                "updates_per_second: of all seeds at once. "
                "But four seeds take four steps in the simulators for each step of the run."
            ),
        ),
        Case(
            "the same; simulators run while the learner learns",
            (360_000, 36_000, 4, 100.0, 50.0, 0, 0, True),
            "Side by side, the slower one decides: max.",
        ),
        Case(
            "a slow learner beside fast simulators, overlapped",
            (number(10**4, 10**5), number(10**4, 10**5), 2, 40.0, 900.0, 0, 0, True),
            "Now the learner is the slower one.",
        ),
        Case(
            "with evaluations",
            (
                number(10**5, 10**6),
                number(10**5, 10**6),
                3,
                number(50, 90),
                number(300, 900),
                20,
                number(10**4, 10**5),
                True,
            ),
            (
                "evaluations * evaluation_steps / steps_per_second, on top. "
                "evaluation_steps are those of all seeds already."
            ),
        ),
        Case(
            "with evaluations, not overlapped",
            (
                number(10**5, 10**6),
                number(10**5, 10**6),
                4,
                number(50, 90),
                number(300, 900),
                20,
                number(10**4, 10**5),
                False,
            ),
            "The sum of everything.",
        ),
    ]


def _hours_with(
    offline=lambda o, u: o / u,
    learning=lambda n, u, seeds: n / u,
    simulating=lambda n, s, seeds: seeds * n / s,
    together=lambda a, b, over: max(a, b) if over else a + b,
    evaluating=lambda e, steps, s, seeds: e * steps / s,
    unit=3600,
):
    """The hours with changed ingredients."""

    def wrong(o, n, seeds, u, s, e, steps, over):
        return (
            offline(o, u)
            + together(learning(n, u, seeds), simulating(n, s, seeds), over)
            + evaluating(e, steps, s, seeds)
        ) / unit

    return wrong


check_hours_of_run = Exercise(
    hours_of_run,
    _hours_by_part,
    _hours_cases,
    [
        Misconception("In seconds.", "An hour has 3,600 of them.", _hours_with(unit=1)),
        Misconception("In minutes.", "Hours: divide the seconds by 3,600.", _hours_with(unit=60)),
        Misconception(
            "Learning and simulating are added up, although they overlap.",
            "Side by side, the slower one decides: max(learning, simulating).",
            _hours_with(together=lambda a, b, over: a + b),
        ),
        Misconception(
            "The slower one decides, although they do not overlap.",
            "One after the other, the times add up.",
            _hours_with(together=lambda a, b, over: max(a, b)),
        ),
        Misconception(
            "Sum and maximum have changed places.",
            "Overlapped: max. In turn: sum.",
            _hours_with(together=lambda a, b, over: a + b if over else max(a, b)),
        ),
        Misconception(
            "Side by side, the faster one decides.",
            "One has to wait for the slower: max.",
            _hours_with(together=lambda a, b, over: min(a, b) if over else a + b),
        ),
        Misconception(
            "Online, only the simulators take time.",
            "There is an update for each step, too.",
            _hours_with(learning=lambda n, u, seeds: 0),
        ),
        Misconception(
            "Online, only learning takes time.",
            "The simulators take seeds * online_steps / steps_per_second.",
            _hours_with(simulating=lambda n, s, seeds: 0),
        ),
        Misconception(
            "The seeds share their environment steps.",
            "Each seed takes online_steps of its own: times `seeds`.",
            _hours_with(simulating=lambda n, s, seeds: n / s),
        ),
        Misconception(
            "The updates of a seed wait for those of the others.",
            "updates_per_second was measured with all seeds side by side: no factor `seeds` there.",
            _hours_with(learning=lambda n, u, seeds: seeds * n / u),
        ),
        Misconception(
            "The seeds are counted in the evaluations once more.",
            "evaluation_steps are those of all seeds together.",
            _hours_with(evaluating=lambda e, steps, s, seeds: seeds * e * steps / s),
        ),
        Misconception(
            "The evaluations are forgotten.",
            "evaluations * evaluation_steps / steps_per_second, on top.",
            _hours_with(evaluating=lambda e, steps, s, seeds: 0),
        ),
        Misconception(
            "Only one evaluation is counted.",
            "There are `evaluations` of them.",
            _hours_with(evaluating=lambda e, steps, s, seeds: min(e, 1) * steps / s),
        ),
        Misconception(
            "The offline phase is forgotten.",
            "offline_steps / updates_per_second.",
            _hours_with(offline=lambda o, u: 0),
        ),
        Misconception(
            "The rate is multiplied, not divided by.",
            "So many updates a second: time = updates / rate.",
            _hours_with(
                offline=lambda o, u: o * u,
                learning=lambda n, u, seeds: n * u,
                simulating=lambda n, s, seeds: seeds * n * s,
                evaluating=lambda e, steps, s, seeds: e * steps * s,
            ),
        ),
        Misconception(
            "The two rates have changed places.",
            "Updates are divided by updates_per_second, environment steps by steps_per_second.",
            lambda o, n, seeds, u, s, e, steps, over: _hours_with()(o, n, seeds, s, u, e, steps, over),
        ),
    ],
    insight=(
        "On a GPU the simulators are soon the slower side: then more cores help, and a faster GPU does not."
    ),
)


# 3. What survives a resumption


def rows_to_keep(phase, step, checkpoint_phase, checkpoint_step):
    """Which rows (N,) of a log were written at or before the checkpoint. Phases: 0 offline, 1 online."""
    earlier = phase < checkpoint_phase
    return earlier | ((phase == checkpoint_phase) & (step <= checkpoint_step))


def _rows_by_loop(phase, step, checkpoint_phase, checkpoint_step):
    return np.array(
        [(int(p), int(s)) <= (checkpoint_phase, checkpoint_step) for p, s in zip(phase, step, strict=True)],
        float,
    )


def _rows_cases(rng):
    every = int(rng.integers(2, 9)) * 100
    offline, online = every * np.arange(1, 9), every * np.arange(1, 6)
    both = np.repeat([0, 1], [8, 5]), np.concatenate([offline, online])
    order = rng.permutation(26)
    twice = np.repeat(both[0], 2)[order], np.repeat(both[1], 2)[order]
    alone = np.zeros(8, int), offline
    return [
        Case(
            f"offline rows every {every} steps, checkpoint at offline {5 * every}",
            (*alone, 0, 5 * every),
            "Keep what was written up to the checkpoint, its own row included.",
        ),
        Case("the checkpoint lies between two rows", (*alone, 0, 5 * every + 30), "step <= checkpoint_step."),
        Case(
            f"offline and online rows, checkpoint at online {2 * every}",
            (*both, 1, 2 * every),
            (
                "Every offline row is older than any online checkpoint, whatever its step: "
                "the steps begin anew online."
            ),
        ),
        Case(
            f"offline and online rows, checkpoint at offline {6 * every}",
            (*both, 0, 6 * every),
            "Every online row is newer than an offline checkpoint, whatever its step.",
        ),
        Case(
            f"the same rows, checkpoint at offline {2 * every}",
            (*both, 0, 2 * every),
            "The same: no online row is kept, whether its step is smaller or larger.",
        ),
        Case(
            "two seeds, rows in no order",
            (*twice, 1, 3 * every),
            "Decide each row for itself: do not count rows, and do not rely on their order.",
        ),
        Case(
            "the checkpoint is the very beginning of the online phase",
            (*both, 1, 0),
            "All of offline stays, nothing of online does.",
        ),
    ]


check_rows_to_keep = Exercise(
    rows_to_keep,
    _rows_by_loop,
    _rows_cases,
    [
        Misconception(
            "Only the steps are compared: offline 8,000 looks later than online 2,000.",
            "Phase first, then step: the steps begin anew online.",
            lambda p, s, cp, cs: s <= cs,
        ),
        Misconception(
            "Both have to be at most the checkpoint's: late offline rows are dropped.",
            "An earlier phase is kept whatever its step: (phase < ...) | ((phase == ...) & (step <= ...)).",
            lambda p, s, cp, cs: (p <= cp) & (s <= cs),
        ),
        Misconception(
            "Either is enough: online rows with a small step are kept beside an offline checkpoint.",
            "(phase < ...) | ((phase == ...) & (step <= ...)).",
            lambda p, s, cp, cs: (p <= cp) | (s <= cs),
        ),
        Misconception(
            "An earlier phase, or an earlier step whatever the phase.",
            "The step counts only in the checkpoint's own phase.",
            lambda p, s, cp, cs: (p < cp) | (s <= cs),
        ),
        Misconception(
            "The checkpoint's own row is dropped.",
            "It was written before the checkpoint was saved: <=.",
            lambda p, s, cp, cs: (p < cp) | ((p == cp) & (s < cs)),
        ),
        Misconception(
            "Only rows of the checkpoint's phase are kept.",
            "What happened in the phase before stays in the log.",
            lambda p, s, cp, cs: (p == cp) & (s <= cs),
        ),
        Misconception(
            "The whole phase of the checkpoint is kept.",
            "Rows after the checkpoint are written again: they would be there twice.",
            lambda p, s, cp, cs: p <= cp,
        ),
        Misconception(
            "Only earlier phases are kept.",
            "In the checkpoint's phase, the rows up to its step are kept, too.",
            lambda p, s, cp, cs: p < cp,
        ),
        Misconception(
            "It says which rows to drop.",
            "True where a row is kept.",
            lambda p, s, cp, cs: ~((p < cp) | ((p == cp) & (s <= cs))),
        ),
        Misconception(
            "Only the row of the checkpoint is kept.",
            "All up to it.",
            lambda p, s, cp, cs: (p == cp) & (s == cs),
        ),
        Misconception(
            "Everything is kept: resumed rows stand there twice.",
            "Rows after the checkpoint are written again.",
            lambda p, s, cp, cs: np.ones(len(p), bool),
        ),
        Misconception(
            "Rows are cut off by their place, at the first one that is too late.",
            "Decide each row for itself: rows of several seeds may come in any order.",
            lambda p, s, cp, cs: np.cumsum(~((p < cp) | ((p == cp) & (s <= cs)))) == 0,
        ),
        Misconception(
            "Phase and step are added up.",
            "A phase weighs more than any step: compare it first.",
            lambda p, s, cp, cs: p + s <= cp + cs,
        ),
    ],
    insight="`Run.rewind` is this line. Without it, a resumed run would have some rows twice.",
)


# 4. Our figure beside the paper's

BELOW, INSIDE, ABOVE, NOT_COMPARED = -1, 0, 1, 2
CODES = {"below": BELOW, "inside": INSIDE, "above": ABOVE}


def form_of(predictions: dict[str, dict[str, float]], cells: Iterable[str], methods: Iterable[str]) -> str:
    """Whether predictions in percent, by cell and method, are complete and possible;
    what is wrong with them otherwise.
    """
    cells, methods = list(cells), list(methods)
    if not isinstance(predictions, dict) or set(predictions) != set(cells):
        return f"the cells are {', '.join(cells)}. Give each of them, and no others."
    for cell, guesses in predictions.items():
        if not isinstance(guesses, dict) or set(guesses) != set(methods):
            return f"{cell}: the methods are {', '.join(methods)}. Give a number for each of them."
        for method, guess in guesses.items():
            number = isinstance(guess, int | float | np.number) and not isinstance(guess, bool)
            if not number or not 0 <= guess <= 100:
                return f"{cell}, {method}: {guess!r} is no percentage. Give a number between 0 and 100."
    if {guess for guesses in predictions.values() for guess in guesses.values()} == {50}:
        return "all are 50 still. Change them before you go on."
    if all(0 < guess <= 1 for guesses in predictions.values() for guess in guesses.values()):
        return "all are between 0 and 1, as rates are. Give percentages, 0 to 100."
    return "right. Whether the numbers are, the next cell shows."


def verdict(success, steps, paper_steps, interval):
    """Where our mean success lies against the paper's interval,
    if both were measured after the same steps.
    """
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    mean, (low, high) = round(float(np.mean(success)), 3), interval
    return BELOW if mean < low else ABOVE if mean > high else INSIDE


def _verdict_by_library(success, steps, paper_steps, interval):
    if list(steps) != list(paper_steps):
        return float(NOT_COMPARED)
    mean = float(np.mean(success))
    return float(CODES[paper.verdict((mean, mean, mean), (np.mean(interval), *interval))])


def _verdict_cases(rng):
    noise = lambda mean, reach: np.array([mean - reach, mean + reach, mean - reach / 2, mean + reach / 2])
    at, k = lambda offline, online: np.array([offline, online]), 1000
    shift = float(rng.integers(0, 5)) / 100
    interval = lambda low, high: np.array([low, high]) + shift
    return [
        Case(
            "four seeds, all inside",
            (noise(0.6 + shift, 0.02), at(100 * k, 0), at(100 * k, 0), interval(0.5, 0.7)),
            "The mean over seeds is 0.6 or so, between the two ends: INSIDE.",
        ),
        Case(
            "the mean is above, after the same steps",
            (noise(0.8 + shift, 0.02), at(100 * k, 0), at(100 * k, 0), interval(0.5, 0.7)),
            "mean > high: ABOVE.",
        ),
        Case(
            "the mean is below, after the same steps",
            (noise(0.4 + shift, 0.02), at(1000 * k, 200 * k), at(1000 * k, 200 * k), interval(0.5, 0.7)),
            "mean < low: BELOW.",
        ),
        Case(
            "three of four seeds are inside, and the mean is below",
            (np.array([0.55, 0.52, 0.56, 0.05]) + shift, at(100 * k, 0), at(100 * k, 0), interval(0.5, 0.7)),
            "The paper's figure is a mean over seeds. So is ours: np.mean.",
        ),
        Case(
            "two seeds above, two below: the mean is inside",
            (
                np.array([0.2, 1.0 - shift, 0.25 + 2 * shift, 0.95]),
                at(100 * k, 0),
                at(100 * k, 0),
                interval(0.5, 0.7),
            ),
            "Neither every seed nor any seed decides, but their mean.",
        ),
        Case(
            "our mean equals the upper end",
            (
                np.array([0.5, 0.9, 0.7, 0.7]) + shift,
                at(100 * k, 0),
                at(100 * k, 0),
                np.round(interval(0.5, 0.7), 3),
            ),
            "The ends belong to the interval. Round our mean to three decimals, as the quotes are.",
        ),
        Case(
            "148 of 150 solved, and the paper's interval ends at 0.987",
            (np.array([0.98, 0.98, 1.0]), at(100 * k, 0), at(100 * k, 0), np.array([0.987, 1.0])),
            "0.98667 rounds to 0.987: the quotes have three decimals, so give our mean three.",
        ),
        Case(
            "our mean is above the upper end by 0.004",
            (
                np.array([0.704, 0.804, 0.604, 0.704]) + shift,
                at(100 * k, 0),
                at(100 * k, 0),
                interval(0.5, 0.7),
            ),
            "Three decimals, no fewer: ABOVE.",
        ),
        Case(
            "ours after 100K offline, the paper's after 1M",
            (noise(0.4 + shift, 0.02), at(100 * k, 0), at(1000 * k, 0), interval(0.5, 0.7)),
            "Other steps: NOT_COMPARED, whatever the numbers.",
        ),
        Case(
            "1M offline, then 100K online here and 200K there",
            (noise(0.6 + shift, 0.02), at(1000 * k, 100 * k), at(1000 * k, 200 * k), interval(0.5, 0.7)),
            "Both numbers have to agree: offline and online steps.",
        ),
        Case(
            "ours after 1M offline, the paper's after 100K",
            (noise(0.6 + shift, 0.02), at(1000 * k, 0), at(100 * k, 0), interval(0.5, 0.7)),
            "Other steps: NOT_COMPARED, also if ours are more.",
        ),
        Case(
            "as many steps in all, but other phases",
            (noise(0.9, 0.02), at(200 * k, 1000 * k), at(1000 * k, 200 * k), interval(0.5, 0.7)),
            "200K offline and 1M online is another experiment than 1M offline and 200K online.",
        ),
    ]


def _verdict_with(
    same=lambda a, b: tuple(a) == tuple(b),
    ours=lambda s: round(float(np.mean(s)), 3),
    ends=lambda interval: interval,
    beside=lambda mean, low, high: BELOW if mean < low else ABOVE if mean > high else INSIDE,
):
    return lambda success, steps, paper_steps, interval: (
        beside(ours(success), *ends(interval)) if same(steps, paper_steps) else NOT_COMPARED
    )


def _by_own_interval(success, steps, paper_steps, interval):
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    reach = 2 * np.std(success, ddof=1) / np.sqrt(len(success))
    mean = np.mean(success)
    return BELOW if mean + reach < interval[0] else ABOVE if mean - reach > interval[1] else INSIDE


def _each_seed(success, decide):
    return lambda steps, paper_steps, interval: (
        NOT_COMPARED
        if tuple(steps) != tuple(paper_steps)
        else decide(success < interval[0], success > interval[1])
    )


check_verdict = Exercise(
    verdict,
    _verdict_by_library,
    _verdict_cases,
    [
        Misconception(
            "It compares whatever the steps are: a young run with an old one.",
            "If the steps differ, nothing follows from the numbers: NOT_COMPARED.",
            _verdict_with(same=lambda a, b: True),
        ),
        Misconception(
            "Only the offline steps are compared.",
            "Offline and online steps both have to agree.",
            _verdict_with(same=lambda a, b: a[0] == b[0]),
        ),
        Misconception(
            "Only the online steps are compared.",
            "Offline and online steps both have to agree.",
            _verdict_with(same=lambda a, b: a[1] == b[1]),
        ),
        Misconception(
            "The phases are added up: only the sum of the steps is compared.",
            "Offline and online steps both have to agree, each for itself.",
            _verdict_with(same=lambda a, b: sum(a) == sum(b)),
        ),
        Misconception(
            "Anything with fewer steps is compared: it was handicapped, so to speak.",
            "Not even then: it would be below for want of steps.",
            _verdict_with(same=lambda a, b: a[0] <= b[0] and a[1] <= b[1]),
        ),
        Misconception(
            "Only a run that is shorter than the paper's is not compared.",
            "A longer one is another experiment, too: NOT_COMPARED.",
            _verdict_with(same=lambda a, b: a[0] >= b[0] and a[1] >= b[1]),
        ),
        Misconception(
            "It is compared as long as one of the two numbers agrees.",
            "Offline and online steps both have to agree: one that differs is enough for NOT_COMPARED.",
            _verdict_with(same=lambda a, b: a[0] == b[0] or a[1] == b[1]),
        ),
        Misconception(
            "Above and below have changed places.",
            "ABOVE: our mean is above the interval.",
            _verdict_with(beside=lambda m, low, high: ABOVE if m < low else BELOW if m > high else INSIDE),
        ),
        Misconception(
            "It compares with the middle of the interval: nothing is inside.",
            "Between low and high: INSIDE.",
            _verdict_with(beside=lambda m, low, high: BELOW if m < (low + high) / 2 else ABOVE),
        ),
        Misconception(
            "The ends do not belong to the interval.",
            "A mean that equals an end is INSIDE: < and >.",
            _verdict_with(beside=lambda m, low, high: BELOW if m <= low else ABOVE if m >= high else INSIDE),
        ),
        Misconception(
            "The median of the seeds.",
            "The paper's figure is a mean over seeds: np.mean.",
            _verdict_with(ours=lambda s: round(float(np.median(s)), 3)),
        ),
        Misconception(
            "The best seed counts.",
            "The mean over all seeds. The best of several flatters.",
            _verdict_with(ours=lambda s: round(float(np.max(s)), 3)),
        ),
        Misconception(
            "The worst seed counts.",
            "The mean over all seeds.",
            _verdict_with(ours=lambda s: round(float(np.min(s)), 3)),
        ),
        Misconception(
            "The first seed counts.",
            "The mean over all seeds.",
            _verdict_with(ours=lambda s: round(float(s[0]), 3)),
        ),
        Misconception(
            "Our mean is not rounded: 0.98667 falls out of an interval that was rounded to 0.987.",
            "The quotes have three decimals: round(mean, 3).",
            _verdict_with(ours=lambda s: float(np.mean(s))),
        ),
        Misconception(
            "Our mean is rounded to two decimals.",
            "Three, as the quotes are: round(mean, 3).",
            _verdict_with(ours=lambda s: round(float(np.mean(s)), 2)),
        ),
        Misconception(
            "Our success is in percent, the paper's interval in rates.",
            "Both are rates between 0 and 1 here.",
            _verdict_with(ours=lambda s: 100 * float(np.mean(s))),
        ),
        Misconception(
            "All seeds have to be inside.",
            "The mean over seeds decides, as in the paper.",
            lambda s, a, b, i: _each_seed(
                s, lambda low, high: BELOW if low.any() else ABOVE if high.any() else INSIDE
            )(a, b, i),
        ),
        Misconception(
            "One seed inside is enough.",
            "The mean over seeds decides, as in the paper.",
            lambda s, a, b, i: _each_seed(
                s,
                lambda low, high: (
                    INSIDE if (~low & ~high).any() else BELOW if low.sum() >= high.sum() else ABOVE
                ),
            )(a, b, i),
        ),
        Misconception(
            "INSIDE if the two intervals overlap: another question.",
            "Here our mean is held against the paper's interval. Say besides how wide ours is.",
            _by_own_interval,
        ),
    ],
    insight=(
        "`qlac_lite.reports.paper.verdict` decides by the same rule; "
        "`qlac report` asks it only at equal steps."
    ),
)


# 5. The range of Q


def q_range(reward_min, reward_solved, discount, chunk_length, episode_limit):
    """Smallest and largest Q: never solved, which goes on for ever at reward_min;
    or solved at once, which ends the episode.

    For reward_min <= 0 <= reward_solved; neither the chunk's length nor the time limit plays a part.
    """
    return reward_min / (1 - discount), reward_solved


def _range_by_summing(reward_min, reward_solved, discount, chunk_length, episode_limit):
    """The worst by chunks: the return of one, and so on after each; the best by trying when to solve."""
    chunk = reward_min * np.sum(discount ** np.arange(chunk_length))
    chunks = math.ceil(30 / -math.log(discount) / chunk_length)
    worst = chunk * np.sum((discount**chunk_length) ** np.arange(chunks))
    waiting = [
        reward_min * np.sum(discount ** np.arange(t)) + discount**t * reward_solved
        for t in range(episode_limit)
    ]
    return float(worst), float(np.max(waiting))


def _range_cases(rng):
    discount = float(rng.choice([0.98, 0.985, 0.995]))
    objects = -float(rng.integers(3, 8))
    return [
        Case(
            "-1 a step until solved, single actions, no effect of the limit",
            (-1.0, 0.0, 0.99, 1, 3000),
            (
                "Never solved: -1 - 0.99 - 0.99^2 - ..., a geometric series. "
                "Solved at once: the reward of that step, and nothing after."
            ),
        ),
        Case(
            "the same in chunks of 5",
            (-1.0, 0.0, 0.99, 5, 3000),
            (
                "A chunk's return is five rewards, and gamma^5 stands before the rest: "
                "the same sum, bracketed otherwise."
            ),
        ),
        Case(
            "the same in chunks of 5, with a limit of 500 steps",
            (-1.0, 0.0, 0.99, 5, 500),
            (
                "After a time limit the critic still bootstraps (lesson 06: mask 1). "
                "So the sum does not stop there."
            ),
        ),
        Case(
            f"{objects:g} a step at worst, as in cube tasks",
            (objects, 0.0, discount, 5, 750),
            "The worst is all objects wrong for ever: reward_min / (1 - discount).",
        ),
        Case(
            "0 a step, 1 when solved, as Robomimic's files have it",
            (0.0, 1.0, 0.99, 5, 300),
            "Being solved ends the episode: its reward comes once.",
        ),
        Case(
            "-0.1 a step, 5 when solved",
            (-0.1, 5.0, discount, 10, 400),
            "The best is to solve it with the next step: reward_solved, once.",
        ),
    ]


def _range_with(low=lambda r, g: r / (1 - g), high=lambda r, g: r) -> Callable:
    return lambda reward_min, reward_solved, discount, chunk_length, episode_limit: (
        low(reward_min, discount),
        high(reward_solved, discount),
    )


check_q_range = Exercise(
    q_range,
    _range_by_summing,
    _range_cases,
    [
        Misconception(
            "The horizon of a chunk: reward / (1 - discount^H) for one reward a chunk.",
            (
                "A chunk earns H rewards. "
                "Their sum over (1 - discount^H) is reward_min / (1 - discount), whatever H."
            ),
            lambda r, s, g, h, n: (r / (1 - g**h), s),
        ),
        Misconception(
            "H rewards a chunk without discount: H * reward / (1 - discount^H).",
            "Inside the chunk, reward k has discount^k: it comes out as reward_min / (1 - discount).",
            lambda r, s, g, h, n: (h * r / (1 - g**h), s),
        ),
        Misconception(
            "The return of a chunk is put into 1 / (1 - discount): H is counted twice.",
            "After a chunk the rest has discount^H, not discount.",
            lambda r, s, g, h, n: (r * (1 - g**h) / (1 - g) ** 2, s),
        ),
        Misconception(
            "The sum stops at the time limit.",
            "After a time limit the critic bootstraps: to it, the task goes on. So the series does not end.",
            lambda r, s, g, h, n: (r * (1 - g**n) / (1 - g), s),
        ),
        Misconception(
            "No discount: reward_min times the episode limit.",
            "The series is geometric: reward_min / (1 - discount).",
            lambda r, s, g, h, n: (r * n, s),
        ),
        Misconception(
            "The worst of one step only.",
            "Q is the sum of all that follows: reward_min / (1 - discount).",
            _range_with(low=lambda r, g: r),
        ),
        Misconception(
            "The worst of one chunk only.",
            "Q is the sum of all that follows, not only of the chunk.",
            lambda r, s, g, h, n: (r * (1 - g**h) / (1 - g), s),
        ),
        Misconception(
            "reward_min times (1 - discount).",
            "The geometric series: divided by (1 - discount).",
            _range_with(low=lambda r, g: r * (1 - g)),
        ),
        Misconception(
            "The first reward is discounted, too.",
            "The first reward counts in full: 1 + g + g^2 + ... = 1 / (1 - g).",
            _range_with(low=lambda r, g: r * g / (1 - g)),
        ),
        Misconception(
            "The reward of the solution comes for ever: a solved episode was forgotten to end.",
            "Being solved ends the episode, and the mask stops the bootstrap: reward_solved, once.",
            _range_with(high=lambda s, g: s / (1 - g)),
        ),
        Misconception(
            "The reward of the solution comes for the rest of its chunk.",
            "The solved step is the last that is executed.",
            lambda r, s, g, h, n: (r / (1 - g), s * (1 - g**h) / (1 - g)),
        ),
        Misconception(
            "The largest Q is always 0.",
            "Where being solved is rewarded, it is reward_solved.",
            _range_with(high=lambda s, g: 0.0),
        ),
        Misconception(
            "The reward of the solution is discounted by a whole chunk.",
            "The best is to solve it with the very next step.",
            lambda r, s, g, h, n: (r / (1 - g), s * g**h),
        ),
        Misconception(
            "The largest Q is that of a step before the solution.",
            "The best is to solve it with the very next step: reward_solved.",
            lambda r, s, g, h, n: (r / (1 - g), r + g * s),
        ),
    ],
    parts=("lowest", "highest"),
    insight="The same range for FQL and QC: a curve of Q may be compared across chunk lengths.",
)


# 6. Diagnosis

HEALTHY, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY = range(6)
WORDS = {
    HEALTHY: "healthy",
    Q_TOO_HIGH: "Q above its maximum",
    Q_TOO_LOW: "Q below its minimum",
    NO_BEHAVIOR: "behavior not learned",
    OFF_BEHAVIOR: "policy far from the behavior",
    TOO_EARLY: "nothing wrong, nothing solved yet",
}


def diagnose(log, success, lowest, highest, knowing_nothing, far):
    """What the end of a seed's log says: the first of the codes above,
    in the order of this function, that fits.
    """
    last = {name: np.mean(values[-max(1, len(values) // 4) :]) for name, values in log.items()}
    margin = 0.1 * (highest - lowest)
    if last["q_max"] > highest + margin:
        return Q_TOO_HIGH
    if last["q_min"] < lowest - margin:
        return Q_TOO_LOW
    if last["flow_loss"] > 0.9 * knowing_nothing:
        return NO_BEHAVIOR
    if last["distance"] > far:
        return OFF_BEHAVIOR
    return HEALTHY if success > 0 else TOO_EARLY


def _diagnose_by_table(log, success, lowest, highest, knowing_nothing, far):
    count = max(1, len(log["q_max"]) // 4)
    late = {name: sum(values[len(values) - count :]) / count for name, values in log.items()}
    reach = (highest - lowest) / 10
    findings = [
        (late["q_max"] - highest > reach, Q_TOO_HIGH),
        (lowest - late["q_min"] > reach, Q_TOO_LOW),
        (late["flow_loss"] / knowing_nothing > 0.9, NO_BEHAVIOR),
        (late["distance"] / far > 1, OFF_BEHAVIOR),
        (success == 0, TOO_EARLY),
    ]
    return float(next((code for holds, code in findings if holds), HEALTHY))


def _log(rng, rows=12, q_max=0.0, q_min=-60.0, flow_loss=0.6, distance=0.3, young=(), until=0.5):
    """A log that ends at these values; `young` gives values that it begins with, for the first part of it."""
    end = dict(q_max=q_max, q_min=q_min, flow_loss=flow_loss, distance=distance)
    begin = end | dict(young)
    early = np.arange(rows) < int(until * rows)
    wobble = lambda: 1 + 0.02 * rng.uniform(-1, 1, size=rows)
    return {name: np.where(early, begin[name], end[name]) * wobble() for name in end}


def _diagnose_cases(rng):
    def case(about, hint, success=0.5, lowest=-100.0, highest=0.0, nothing=1.4, far=1.0, spike=None, **ends):
        log = _log(rng, **ends)
        for name, values in (spike or {}).items():
            log[name][-len(values) :] = values
        return Case(about, (log, success, lowest, highest, nothing, far), hint)

    nan = float("nan")
    return [
        case("a run without findings", "None of the five holds: HEALTHY."),
        case("nothing solved", "No finding, and success is 0: TOO_EARLY.", success=0.0),
        case(
            "Q rises to 60, its maximum is 0",
            "The mean of the last quarter of q_max against highest + margin.",
            q_max=60.0,
            success=0.0,
        ),
        case(
            "Q falls to -250, its minimum is -100",
            "The mean of the last quarter of q_min against lowest - margin.",
            q_min=-250.0,
            success=0.0,
        ),
        case(
            "Q's maximum over a batch is 6: noise of a healthy critic",
            "The margin is a tenth of the range, 10 here: 6 is inside it.",
            q_max=6.0,
            success=0.0,
        ),
        case("Q's minimum is -106", "The margin is a tenth of the range, 10 here.", q_min=-106.0),
        case(
            "range of -500 to 0: Q's maximum is 30",
            "The margin is a tenth of the range, so 50 here.",
            q_max=30.0,
            lowest=-500.0,
        ),
        case(
            "the behavior's loss stays at 1.33; knowing nothing gives 1.4",
            "More than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
            flow_loss=1.33,
            success=0.0,
        ),
        case(
            "the behavior's loss ends at 1.6, worse than knowing nothing",
            "More than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
            flow_loss=1.6,
            success=0.0,
        ),
        case(
            "the policy is 1.5 away, further than one chunk of the data from another",
            "distance > far: OFF_BEHAVIOR.",
            distance=1.5,
            success=0.0,
        ),
        case(
            "the same, and some episodes are solved",
            "Success by luck does not undo a finding: ask for it last.",
            distance=1.5,
            success=0.1,
        ),
        case(
            "wild at the beginning, good at the end",
            "The end counts: the last quarter of the rows.",
            young=dict(q_max=90.0, q_min=-300.0, flow_loss=1.5, distance=3.0).items(),
        ),
        case(
            "wild for two thirds of the log, good at the end",
            "The last quarter of the rows, not the last half.",
            young=dict(q_max=90.0, flow_loss=1.5, distance=3.0).items(),
            until=0.67,
        ),
        case(
            "good at the beginning, Q too high at the end, and the policy far",
            "In the order of the list: Q first.",
            q_max=60.0,
            distance=2.0,
            young=dict(q_max=0.0, distance=0.2).items(),
            success=0.0,
        ),
        case(
            "behavior not learned, and the policy far from it",
            "In the order of the list: a policy is near or far from a behavior that was learned.",
            flow_loss=1.38,
            distance=2.0,
            success=0.0,
        ),
        case(
            "Q both too high and too low",
            "In the order of the list: too high first.",
            q_max=80.0,
            q_min=-400.0,
            success=0.0,
        ),
        case(
            "a single wild row at the very end",
            "The mean of the last quarter, not the last row.",
            spike=dict(q_max=[25.0]),
        ),
        case(
            "RLPD: no flow, so its loss and distance are nan",
            (
                "A comparison with nan is False: "
                "ask whether the loss is too large, not whether it is small enough."
            ),
            flow_loss=nan,
            distance=nan,
        ),
        case(
            "a short log of 3 rows",
            "At least one row: max(1, rows // 4).",
            rows=3,
            distance=1.5,
            young=dict(distance=0.1).items(),
        ),
        case(
            "another short log: only its last row is far",
            "At least one row, and no more: with 3 rows, values[-0:] would be all of them.",
            rows=3,
            spike=dict(distance=[0.1, 0.1, 1.2]),
        ),
        case(
            "20 rows, of which the last 5 are far",
            "The last quarter: 5 of 20 rows.",
            rows=20,
            distance=1.1,
            young=dict(distance=0.1).items(),
            until=0.75,
        ),
        case(
            "20 rows; in the last quarter two are very far",
            "The mean of the last quarter, of all its rows.",
            rows=20,
            spike=dict(distance=[4.0, 4.0, 0.2, 0.2, 0.2]),
        ),
        case(
            "a range of -100 to 50: Q's maximum is 62",
            "highest + margin is 65 here: the margin is a tenth of highest - lowest, 15.",
            highest=50.0,
            q_max=62.5,
        ),
        case(
            "a range of -100 to 50: Q's minimum is -112",
            "lowest - margin is -115 here.",
            highest=50.0,
            q_min=-112.5,
        ),
        case(
            "knowing nothing gives 2.0, the loss is 1.7",
            "0.9 * knowing_nothing is 1.8 here: it is an argument.",
            nothing=2.0,
            flow_loss=1.7,
        ),
        case(
            "far is 3.0, the distance 2.8", "far is an argument: 2.8 is not above it.", far=3.0, distance=2.8
        ),
        case("far is 3.0, the distance 3.15", "distance > far.", far=3.0, distance=3.15),
        case("one episode in fifty is solved", "TOO_EARLY is for none.", success=0.02),
        case(
            "Q both too high and too low, and some episodes are solved",
            "The first that holds: return at once.",
            q_max=80.0,
            q_min=-400.0,
        ),
        case(
            "Q too high, and the behavior not learned",
            "In the order of the list: Q first.",
            q_max=60.0,
            flow_loss=1.38,
            success=0.0,
        ),
        case(
            "Q too low, and the behavior not learned",
            "In the order of the list: Q first.",
            q_min=-250.0,
            flow_loss=1.38,
            success=0.0,
        ),
    ]


def _diagnose_with(
    order=(Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY),
    end=lambda values: np.mean(values[-max(1, len(values) // 4) :]),
    margin=lambda low, high: 0.1 * (high - low),
    known=0.9,
    codes=lambda code: code,
    nothing=lambda success: success == 0,
    q=("q_max", "q_min"),
    near=lambda distance, far: not distance > far,
    learned=lambda loss, limit: not loss > limit,
):
    """A diagnosis with changed ingredients."""

    def wrong(log, success, lowest, highest, knowing_nothing, far):
        last = {name: end(values) for name, values in log.items()}
        holds = {
            Q_TOO_HIGH: last[q[0]] > highest + margin(lowest, highest),
            Q_TOO_LOW: last[q[1]] < lowest - margin(lowest, highest),
            NO_BEHAVIOR: not learned(last["flow_loss"], known * knowing_nothing),
            OFF_BEHAVIOR: not near(last["distance"], far),
            TOO_EARLY: nothing(success),
            HEALTHY: not nothing(success),
        }
        return codes(next((code for code in order if holds[code]), HEALTHY))

    return wrong


_SWAPPED = {Q_TOO_HIGH: Q_TOO_LOW, Q_TOO_LOW: Q_TOO_HIGH}
check_diagnose = Exercise(
    diagnose,
    _diagnose_by_table,
    _diagnose_cases,
    [
        Misconception(
            "The last row alone decides.",
            "One row may be an outlier: the mean of the last quarter.",
            _diagnose_with(end=lambda v: v[-1]),
        ),
        Misconception(
            "The mean of the whole log: the beginning counts as much as the end.",
            "A run is what it is at its end: the last quarter of the rows.",
            _diagnose_with(end=np.mean),
        ),
        Misconception(
            "The first quarter of the rows.",
            "values[-quarter:], the last ones.",
            _diagnose_with(end=lambda v: np.mean(v[: max(1, len(v) // 4)])),
        ),
        Misconception(
            "The worst row of the log decides.",
            "Every critic is wild once: the mean of the last quarter.",
            _diagnose_with(end=lambda v: v[np.argmax(np.abs(v))]),
        ),
        Misconception(
            "The second half of the rows.",
            "The last quarter: values[-max(1, len(values) // 4) :].",
            _diagnose_with(end=lambda v: np.mean(v[-max(1, len(v) // 2) :])),
        ),
        Misconception(
            "The last three rows, however long the log is.",
            "A quarter of the rows, len(values) // 4, and at least one.",
            _diagnose_with(end=lambda v: np.mean(v[-3:])),
        ),
        Misconception(
            "The median of the last quarter.",
            "The mean: rows that are far out count as well.",
            _diagnose_with(end=lambda v: np.median(v[-max(1, len(v) // 4) :])),
        ),
        Misconception(
            "Without max(1, ...): with fewer than four rows, values[-0:] is the whole log.",
            "At least one row: max(1, len(values) // 4).",
            _diagnose_with(end=lambda v: np.mean(v[-(len(v) // 4) :])),
        ),
        Misconception(
            "A later finding overwrites an earlier one.",
            "Return at the first that holds, or use elif.",
            _diagnose_with(order=(TOO_EARLY, OFF_BEHAVIOR, NO_BEHAVIOR, Q_TOO_LOW, Q_TOO_HIGH)),
        ),
        Misconception(
            "No margin: the noise of a healthy critic is called a finding.",
            "A tenth of the range is allowed beyond each end.",
            _diagnose_with(margin=lambda low, high: 0),
        ),
        Misconception(
            "The margin is 10 whatever the range.",
            "A tenth of the range, highest - lowest.",
            _diagnose_with(margin=lambda low, high: 10),
        ),
        Misconception(
            "Below and above have changed places.",
            "q_max > highest + margin is Q_TOO_HIGH.",
            _diagnose_with(codes=lambda c: _SWAPPED.get(c, c)),
        ),
        Misconception(
            "The smallest Q is held against the maximum, and the largest against the minimum.",
            "q_max against highest, q_min against lowest.",
            _diagnose_with(q=("q_min", "q_max")),
        ),
        Misconception(
            "Success decides first: a lucky run is called healthy.",
            "Success is asked last: findings stay findings.",
            _diagnose_with(order=(HEALTHY, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY)),
        ),
        Misconception(
            "A run that solves nothing is too early, whatever its log says.",
            "TOO_EARLY is for runs without a finding: ask for it last.",
            _diagnose_with(order=(TOO_EARLY, Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR)),
        ),
        Misconception(
            "Too low is asked before too high.",
            "In the order of the list.",
            _diagnose_with(order=(Q_TOO_LOW, Q_TOO_HIGH, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY)),
        ),
        Misconception(
            "The distance is asked before the behavior.",
            "In the order of the list: far from a behavior that was not learned says nothing.",
            _diagnose_with(order=(Q_TOO_HIGH, Q_TOO_LOW, OFF_BEHAVIOR, NO_BEHAVIOR, TOO_EARLY)),
        ),
        Misconception(
            "The behavior is asked before Q.",
            "In the order of the list: Q first.",
            _diagnose_with(order=(NO_BEHAVIOR, OFF_BEHAVIOR, Q_TOO_HIGH, Q_TOO_LOW, TOO_EARLY)),
        ),
        Misconception(
            "Knowing nothing is the limit itself: a little less already counts as learned.",
            "More than 0.9 * knowing_nothing is NO_BEHAVIOR.",
            _diagnose_with(known=1.0),
        ),
        Misconception(
            "The behavior counts as learned at half of what knowing nothing gives.",
            "0.9 * knowing_nothing.",
            _diagnose_with(known=0.4),
        ),
        Misconception(
            "A missing loss (nan) counts as not learned, and a missing distance as far.",
            "Ask `loss > limit`, which is False for nan, not `not loss <= limit`.",
            _diagnose_with(learned=lambda loss, limit: loss <= limit, near=lambda d, far: d <= far),
        ),
        Misconception(
            "The behavior is never asked about.",
            "flow_loss > 0.9 * knowing_nothing: NO_BEHAVIOR.",
            _diagnose_with(order=(Q_TOO_HIGH, Q_TOO_LOW, OFF_BEHAVIOR, TOO_EARLY)),
        ),
        Misconception(
            "The distance is never asked about.",
            "distance > far: OFF_BEHAVIOR.",
            _diagnose_with(order=(Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, TOO_EARLY)),
        ),
        Misconception(
            "Success is never asked about.",
            "No finding, but nothing solved: TOO_EARLY.",
            _diagnose_with(order=(Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR)),
        ),
    ],
    insight="A log can say what is wrong. It cannot say that all is right: for that there are evaluations.",
)
