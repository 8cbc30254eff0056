"""Checks of lesson 07, full runs.

Shapes: R seeds, P rows of a log; bytes, hours, environment steps, success rates 0 to 1.
"""

import math
from collections.abc import Iterable

import numpy as np

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case
from qlac_lite.reports import paper

# 1. The memory of a run


def memory_of_run(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    """Bytes of the dataset, of all seeds' replays,
    and of all seeds' learners (parameters, target critic, Adam).
    """
    number = 4  # bytes of a float32 or int32
    rows = transitions + episodes  # the last observation of each episode stands in a row of its own
    row = observation_size + action_size + 3  # and reward, mask, steps left
    data = number * (rows * row + transitions)  # and the rows where a chunk may start
    replay = number * seeds * replay_rows * (row + 1)
    learner = number * seeds * (3 * parameters + critic_parameters)
    return data, replay, learner


def _memory_by_part(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    columns = [observation_size, action_size, 1, 1, 1]  # reward, mask, steps left
    table = lambda rows, starts: 4 * (sum(rows * width for width in columns) + starts)
    state = [parameters, parameters, parameters, critic_parameters]  # Adam's two moments, the target
    replays = [table(replay_rows, replay_rows) for _ in range(seeds)]
    return table(transitions + episodes, transitions), sum(replays), seeds * sum(4 * n for n in state)


def _memory_cases(rng):
    size = lambda low, high: int(rng.integers(low, high))
    three = size(20, 40), size(2, 6), size(4, 9), size(2, 4), size(20, 60), size(200, 300), size(30, 90), 3
    larger = size(900, 999), size(10, 30), size(20, 60), 5, size(500, 900)
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
        Case("three seeds", three, "The data exist once. Each seed has a replay and a learner of its own."),
        Case(
            "four seeds, larger",
            (*larger, size(4000, 9000), size(1000, 3000), 4),
            "All of it together: once for the data, `seeds` times for the rest.",
        ),
    ]


_memory_misconceptions = [
    Misconception(
        "Eight bytes a number: float64.",
        "JAX computes in float32 here, and counts in int32: 4 bytes.",
        edited(memory_of_run, {"number = 4": "number = 8"}),
    ),
    Misconception(
        "Two bytes a number: half precision.",
        "float32 and int32: 4 bytes.",
        edited(memory_of_run, {"number = 4": "number = 2"}),
    ),
    Misconception(
        "One byte a number: numbers are counted, not bytes.",
        "4 bytes a number.",
        edited(memory_of_run, {"number = 4": "number = 1"}),
    ),
    Misconception(
        "Each seed has its own copy of the data.",
        "All seeds read one dataset: that is why they train side by side. No factor `seeds` there.",
        edited(memory_of_run, {"data = number": "data = seeds * number"}),
    ),
    Misconception(
        "The next observation is stored beside the observation.",
        "The next observation stands in the next row: S numbers a row, not 2 S.",
        edited(memory_of_run, {"row = observation_size": "row = 2 * observation_size"}),
    ),
    Misconception(
        "Only observations and actions are counted.",
        "Each row also has a reward, a mask and the steps left: + 3.",
        edited(memory_of_run, {"action_size + 3": "action_size"}),
    ),
    Misconception(
        "The steps left are forgotten: reward and mask only.",
        "Three numbers besides observation and action: reward, mask, steps left.",
        edited(memory_of_run, {"action_size + 3": "action_size + 2"}),
    ),
    Misconception(
        "The last observation of each episode has no row.",
        "An episode of T transitions has T + 1 observations, and so T + 1 rows.",
        edited(memory_of_run, {"transitions + episodes": "transitions"}),
    ),
    Misconception(
        "The starts of the data are forgotten.",
        "One number for each transition, where a chunk may start.",
        edited(memory_of_run, {" + transitions)": ")"}),
    ),
    Misconception(
        "The starts of the replay are forgotten.",
        "Each row of the replay has room for a start: S + A + 4 numbers.",
        edited(memory_of_run, {"(row + 1)": "row"}),
    ),
    Misconception(
        "All starts are forgotten.",
        "One number for each transition of the data, and one for each row of the replay.",
        edited(memory_of_run, {" + transitions)": ")", "(row + 1)": "row"}),
    ),
    Misconception(
        "Every row of the data is a start, also the last of an episode.",
        "A chunk starts where a transition is: `transitions` starts.",
        edited(memory_of_run, {"row + transitions": "row + rows"}),
    ),
    Misconception(
        "One replay for all seeds.",
        "Each seed acts for itself and fills its own: times `seeds`.",
        edited(memory_of_run, {"seeds * replay_rows": "replay_rows"}),
    ),
    Misconception(
        "One learner for all seeds.",
        "Each seed has its own parameters: times `seeds`.",
        edited(memory_of_run, {"seeds * (3": "(3"}),
    ),
    Misconception(
        "One replay and one learner for all seeds.",
        "Only the data are shared. Replay and learner: times `seeds`.",
        edited(memory_of_run, {"seeds * replay_rows": "replay_rows", "seeds * (3": "(3"}),
    ),
    Misconception(
        "Every network has a target copy: four times the parameters.",
        "The target is a copy of the critics only: critic_parameters.",
        edited(memory_of_run, {"+ critic_parameters": "+ parameters"}),
    ),
    Misconception(
        "The target critics are forgotten.",
        "They are a copy: + critic_parameters.",
        edited(memory_of_run, {" + critic_parameters": ""}),
    ),
    Misconception(
        "Adam keeps one moment.",
        "Two: a mean of the gradient, and one of its square.",
        edited(memory_of_run, {"3 * parameters": "2 * parameters"}),
    ),
    Misconception(
        "Adam is forgotten.",
        "It keeps two moments of each parameter.",
        edited(memory_of_run, {"3 * parameters": "parameters"}),
    ),
    Misconception(
        "Only the parameters are counted.",
        "Adam keeps two moments of each, and the target is a copy of the critics.",
        edited(memory_of_run, {"3 * parameters + critic_parameters": "parameters"}),
    ),
    Misconception(
        "Adam keeps moments of the target critics, too.",
        "The target is a moving average and has no gradient: it is counted once.",
        edited(memory_of_run, {"+ critic_parameters": "+ 3 * critic_parameters"}),
    ),
    Misconception("In megabytes.", "In bytes.", edited(memory_of_run, {"number = 4": "number = 4e-6"})),
]

check_memory_of_run = Exercise(
    memory_of_run,
    _memory_by_part,
    _memory_cases,
    _memory_misconceptions,
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
    offline = offline_steps / updates_per_second
    learning = online_steps / updates_per_second
    simulating = seeds * online_steps / steps_per_second
    online = max(learning, simulating) if overlapped else learning + simulating
    evaluating = evaluations * evaluation_steps / steps_per_second
    return (offline + online + evaluating) / 3600


def _hours_by_part(
    offline, online, seeds, updates_per_second, steps_per_second, evaluations, steps, overlapped
):
    update, step = 1 / updates_per_second, 1 / steps_per_second  # seconds
    waits = sorted([online * update, online * seeds * step])
    seconds = [offline * update, *(waits[1:] if overlapped else waits), *[steps * step] * evaluations]
    return math.fsum(seconds) / 60 / 60


def _hours_cases(rng):
    number = lambda low, high: int(rng.integers(low, high))
    slow = number(10**4, 10**5), number(10**4, 10**5)

    def evaluated(seeds, overlapped):
        steps = number(10**5, 10**6), number(10**5, 10**6)
        return *steps, seeds, number(50, 90), number(300, 900), 20, number(10**4, 10**5), overlapped

    return [
        Case(
            "offline only: 360,000 updates at 100 a second",
            (360_000, 0, 1, 100.0, 50.0, 0, 0, False),
            "360,000 / 100 seconds are an hour.",
        ),
        Case(
            "the same, then 36,000 steps online; act and learn in turn",
            (360_000, 36_000, 1, 100.0, 50.0, 0, 0, False),
            "Online: steps / updates_per_second to learn, "
            "and steps / steps_per_second to simulate, one after the other.",
        ),
        Case(
            "the same with four seeds",
            (360_000, 36_000, 4, 100.0, 50.0, 0, 0, False),
            "updates_per_second: of all seeds at once. "
            "But four seeds take four steps in the simulators for each step of the run.",
        ),
        Case(
            "the same; simulators run while the learner learns",
            (360_000, 36_000, 4, 100.0, 50.0, 0, 0, True),
            "Side by side, the slower one decides: max.",
        ),
        Case(
            "a slow learner beside fast simulators, overlapped",
            (*slow, 2, 40.0, 900.0, 0, 0, True),
            "Now the learner is the slower one.",
        ),
        Case(
            "with evaluations",
            evaluated(3, True),
            "evaluations * evaluation_steps / steps_per_second, on top. "
            "evaluation_steps are those of all seeds already.",
        ),
        Case("with evaluations, not overlapped", evaluated(4, False), "The sum of everything."),
    ]


_hours_misconceptions = [
    Misconception("In seconds.", "An hour has 3,600 of them.", edited(hours_of_run, {" / 3600": ""})),
    Misconception("In minutes.", "Hours: divide the seconds by 3,600.", edited(hours_of_run, {"3600": "60"})),
    Misconception(
        "Learning and simulating are added up, although they overlap.",
        "Side by side, the slower one decides: max(learning, simulating).",
        edited(hours_of_run, {"max(learning, simulating) if overlapped else ": ""}),
    ),
    Misconception(
        "The slower one decides, although they do not overlap.",
        "One after the other, the times add up.",
        edited(hours_of_run, {" if overlapped else learning + simulating": ""}),
    ),
    Misconception(
        "Sum and maximum have changed places.",
        "Overlapped: max. In turn: sum.",
        edited(hours_of_run, {"if overlapped": "if not overlapped"}),
    ),
    Misconception(
        "Side by side, the faster one decides.",
        "One has to wait for the slower: max.",
        edited(hours_of_run, {"max(": "min("}),
    ),
    Misconception(
        "Online, only the simulators take time.",
        "There is an update for each step, too.",
        edited(hours_of_run, {"learning = online_steps / updates_per_second": "learning = 0"}),
    ),
    Misconception(
        "Online, only learning takes time.",
        "The simulators take seeds * online_steps / steps_per_second.",
        edited(hours_of_run, {"seeds * online_steps / steps_per_second": "0"}),
    ),
    Misconception(
        "The seeds share their environment steps.",
        "Each seed takes online_steps of its own: times `seeds`.",
        edited(hours_of_run, {"seeds * ": ""}),
    ),
    Misconception(
        "The updates of a seed wait for those of the others.",
        "updates_per_second was measured with all seeds side by side: no factor `seeds` there.",
        edited(hours_of_run, {"learning = online_steps": "learning = seeds * online_steps"}),
    ),
    Misconception(
        "The seeds are counted in the evaluations once more.",
        "evaluation_steps are those of all seeds together.",
        edited(hours_of_run, {"evaluating = evaluations": "evaluating = seeds * evaluations"}),
    ),
    Misconception(
        "The evaluations are forgotten.",
        "evaluations * evaluation_steps / steps_per_second, on top.",
        edited(hours_of_run, {" + evaluating": ""}),
    ),
    Misconception(
        "Only one evaluation is counted.",
        "There are `evaluations` of them.",
        edited(hours_of_run, {"evaluations * ": ""}),
    ),
    Misconception(
        "The offline phase is forgotten.",
        "offline_steps / updates_per_second.",
        edited(hours_of_run, {"offline + online": "online"}),
    ),
    Misconception(
        "The rate is multiplied, not divided by.",
        "So many updates a second: time = updates / rate.",
        lambda o, n, seeds, u, s, *rest: hours_of_run(o, n, seeds, 1 / u, 1 / s, *rest),
    ),
    Misconception(
        "The two rates have changed places.",
        "Updates are divided by updates_per_second, environment steps by steps_per_second.",
        lambda o, n, seeds, u, s, *rest: hours_of_run(o, n, seeds, s, u, *rest),
    ),
]

check_hours_of_run = Exercise(
    hours_of_run,
    _hours_by_part,
    _hours_cases,
    _hours_misconceptions,
    insight="On a GPU the simulators are soon the slower side: "
    "then more cores help, and a faster GPU does not.",
)


# 3. What survives a resumption


def rows_to_keep(phase, step, checkpoint_phase, checkpoint_step):
    """Which rows (N,) of a log were written at or before the checkpoint. Phases: 0 offline, 1 online."""
    earlier = phase < checkpoint_phase
    return earlier | ((phase == checkpoint_phase) & (step <= checkpoint_step))


def _rows_by_loop(phase, step, *checkpoint):
    return np.array([(int(p), int(s)) <= checkpoint for p, s in zip(phase, step, strict=True)])


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
            "Every offline row is older than any online checkpoint, whatever its step: "
            "the steps begin anew online.",
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


# p, s, cp and cs are the arguments of rows_to_keep, in their order.
_rows_misconceptions = [
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
        edited(rows_to_keep, {"<=": "<"}),
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
        "It says which rows to drop.", "True where a row is kept.", lambda *args: ~rows_to_keep(*args)
    ),
    Misconception(
        "Only the row of the checkpoint is kept.", "All up to it.", lambda p, s, cp, cs: (p == cp) & (s == cs)
    ),
    Misconception(
        "Everything is kept: resumed rows stand there twice.",
        "Rows after the checkpoint are written again.",
        lambda p, s, cp, cs: np.ones(len(p), bool),
    ),
    Misconception(
        "Rows are cut off by their place, at the first one that is too late.",
        "Decide each row for itself: rows of several seeds may come in any order.",
        lambda *args: np.cumsum(~rows_to_keep(*args)) == 0,
    ),
    Misconception(
        "Phase and step are added up.",
        "A phase weighs more than any step: compare it first.",
        lambda p, s, cp, cs: p + s <= cp + cs,
    ),
]

check_rows_to_keep = Exercise(
    rows_to_keep,
    _rows_by_loop,
    _rows_cases,
    _rows_misconceptions,
    insight="`Run.rewind` is this line. Without it, a resumed run would have some rows twice.",
)


# 4. Our figure beside the paper's

BELOW, INSIDE, ABOVE, NOT_COMPARED = -1, 0, 1, 2


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
    numbers = [guess for guesses in predictions.values() for guess in guesses.values()]
    if set(numbers) == {50}:
        return "all are 50 still. Change them before you go on."
    if all(0 < number <= 1 for number in numbers):
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
        return NOT_COMPARED
    mean = float(np.mean(success))
    word = paper.verdict((mean, mean, mean), (np.mean(interval), *interval))
    return {"below": BELOW, "inside": INSIDE, "above": ABOVE}[word]


def _verdict_cases(rng):
    shift = float(rng.integers(0, 5)) / 100
    around = lambda mean: mean + np.array([-0.02, 0.02, -0.01, 0.01])
    usual = np.array([0.5, 0.7]) + shift

    def case(about, success, hint, steps=((100, 0), (100, 0)), interval=usual):
        """`steps`: ours and the paper's, offline and online, in thousands."""
        return Case(about, (success, *(1000 * np.array(steps)), interval), hint)

    return [
        case(
            "four seeds, all inside",
            around(0.6 + shift),
            "The mean over seeds is 0.6 or so, between the two ends: INSIDE.",
        ),
        case("the mean is above, after the same steps", around(0.8 + shift), "mean > high: ABOVE."),
        case(
            "the mean is below, after the same steps",
            around(0.4 + shift),
            "mean < low: BELOW.",
            ((1000, 200), (1000, 200)),
        ),
        case(
            "three of four seeds are inside, and the mean is below",
            np.array([0.55, 0.52, 0.56, 0.05]) + shift,
            "The paper's figure is a mean over seeds. So is ours: np.mean.",
        ),
        case(
            "two seeds above, two below: the mean is inside",
            np.array([0.2, 1.0 - shift, 0.25 + 2 * shift, 0.95]),
            "Neither every seed nor any seed decides, but their mean.",
        ),
        case(
            "our mean equals the upper end",
            np.array([0.5, 0.9, 0.7, 0.7]) + shift,
            "The ends belong to the interval. Round our mean to three decimals, as the quotes are.",
            interval=np.round(usual, 3),
        ),
        case(
            "148 of 150 solved, and the paper's interval ends at 0.987",
            np.array([0.98, 0.98, 1.0]),
            "0.98667 rounds to 0.987: the quotes have three decimals, so give our mean three.",
            interval=np.array([0.987, 1.0]),
        ),
        case(
            "our mean is above the upper end by 0.004",
            np.array([0.704, 0.804, 0.604, 0.704]) + shift,
            "Three decimals, no fewer: ABOVE.",
        ),
        case(
            "ours after 100K offline, the paper's after 1M",
            around(0.4 + shift),
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
            "as many steps in all, but other phases",
            around(0.9),
            "200K offline and 1M online is another experiment than 1M offline and 200K online.",
            ((200, 1000), (1000, 200)),
        ),
    ]


def _one_inside(success, steps, paper_steps, interval):
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    below, above = sum(success < interval[0]), sum(success > interval[1])
    return INSIDE if below + above < len(success) else BELOW if below >= above else ABOVE


def _by_own_interval(success, steps, paper_steps, interval):
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    mean, reach = np.mean(success), 2 * np.std(success, ddof=1) / np.sqrt(len(success))
    return BELOW if mean + reach < interval[0] else ABOVE if mean - reach > interval[1] else INSIDE


_verdict_misconceptions = [
    Misconception(
        "It compares whatever the steps are: a young run with an old one.",
        "If the steps differ, nothing follows from the numbers: NOT_COMPARED.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "False"}),
    ),
    Misconception(
        "Only the offline steps are compared.",
        "Offline and online steps both have to agree.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "steps[0] != paper_steps[0]"}),
    ),
    Misconception(
        "Only the online steps are compared.",
        "Offline and online steps both have to agree.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "steps[1] != paper_steps[1]"}),
    ),
    Misconception(
        "The phases are added up: only the sum of the steps is compared.",
        "Offline and online steps both have to agree, each for itself.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "sum(steps) != sum(paper_steps)"}),
    ),
    Misconception(
        "Anything with fewer steps is compared: it was handicapped, so to speak.",
        "Not even then: it would be below for want of steps.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "any(steps > paper_steps)"}),
    ),
    Misconception(
        "Only a run that is shorter than the paper's is not compared.",
        "A longer one is another experiment, too: NOT_COMPARED.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "any(steps < paper_steps)"}),
    ),
    Misconception(
        "It is compared as long as one of the two numbers agrees.",
        "Offline and online steps both have to agree: one that differs is enough for NOT_COMPARED.",
        edited(verdict, {"tuple(steps) != tuple(paper_steps)": "all(steps != paper_steps)"}),
    ),
    Misconception(
        "Above and below have changed places.",
        "ABOVE: our mean is above the interval.",
        edited(verdict, {"mean < low else ABOVE if mean > high": "mean > high else ABOVE if mean < low"}),
    ),
    Misconception(
        "It compares with the middle of the interval: nothing is inside.",
        "Between low and high: INSIDE.",
        edited(verdict, {"mean < low": "mean < (low + high) / 2", " if mean > high else INSIDE": ""}),
    ),
    Misconception(
        "The ends do not belong to the interval.",
        "A mean that equals an end is INSIDE: < and >.",
        edited(verdict, {"mean < low": "mean <= low", "mean > high": "mean >= high"}),
    ),
    Misconception(
        "The median of the seeds.",
        "The paper's figure is a mean over seeds: np.mean.",
        edited(verdict, {"np.mean": "np.median"}),
    ),
    Misconception(
        "The best seed counts.",
        "The mean over all seeds. The best of several flatters.",
        edited(verdict, {"np.mean": "np.max"}),
    ),
    Misconception(
        "The worst seed counts.", "The mean over all seeds.", edited(verdict, {"np.mean": "np.min"})
    ),
    Misconception(
        "The first seed counts.",
        "The mean over all seeds.",
        edited(verdict, {"np.mean(success)": "success[0]"}),
    ),
    Misconception(
        "Our mean is not rounded: 0.98667 falls out of an interval that was rounded to 0.987.",
        "The quotes have three decimals: round(mean, 3).",
        edited(verdict, {"round(float(np.mean(success)), 3)": "np.mean(success)"}),
    ),
    Misconception(
        "Our mean is rounded to two decimals.",
        "Three, as the quotes are: round(mean, 3).",
        edited(verdict, {", 3)": ", 2)"}),
    ),
    Misconception(
        "Our success is in percent, the paper's interval in rates.",
        "Both are rates between 0 and 1 here.",
        edited(verdict, {"round(float(np.mean(success)), 3)": "100 * np.mean(success)"}),
    ),
    Misconception(
        "All seeds have to be inside.",
        "The mean over seeds decides, as in the paper.",
        edited(verdict, {"mean < low": "any(success < low)", "mean > high": "any(success > high)"}),
    ),
    Misconception("One seed inside is enough.", "The mean over seeds decides, as in the paper.", _one_inside),
    Misconception(
        "INSIDE if the two intervals overlap: another question.",
        "Here our mean is held against the paper's interval. Say besides how wide ours is.",
        _by_own_interval,
    ),
]

check_verdict = Exercise(
    verdict,
    _verdict_by_library,
    _verdict_cases,
    _verdict_misconceptions,
    insight="`qlac_lite.reports.paper.verdict` decides by the same rule; "
    "`qlac report` asks it only at equal steps.",
)


# 5. The range of Q


def q_range(reward_min, reward_solved, discount, chunk_length, episode_limit):
    """Smallest and largest Q: never solved, which goes on for ever at reward_min;
    or solved at once, which ends the episode.

    For reward_min <= 0 <= reward_solved; neither the chunk's length nor the time limit plays a part.
    """
    return reward_min / (1 - discount), reward_solved


def _range_by_summing(reward_min, reward_solved, discount, chunk_length, episode_limit):
    """The worst by a long sum; the best by trying after how many steps to solve it."""
    weights = discount ** np.arange(10_000)
    unsolved = reward_min * np.cumsum(weights)
    return unsolved[-1], np.max(np.append(0, unsolved[:-1]) + weights * reward_solved)


def _range_cases(rng):
    discount = float(rng.choice([0.98, 0.985, 0.995]))
    objects = -float(rng.integers(3, 8))
    return [
        Case(
            "-1 a step until solved, single actions, no effect of the limit",
            (-1.0, 0.0, 0.99, 1, 3000),
            "Never solved: -1 - 0.99 - 0.99^2 - ..., a geometric series. "
            "Solved at once: the reward of that step, and nothing after.",
        ),
        Case(
            "the same in chunks of 5",
            (-1.0, 0.0, 0.99, 5, 3000),
            "A chunk's return is five rewards, and gamma^5 stands before the rest: "
            "the same sum, bracketed otherwise.",
        ),
        Case(
            "the same in chunks of 5, with a limit of 500 steps",
            (-1.0, 0.0, 0.99, 5, 500),
            "After a time limit the critic still bootstraps (lesson 06: mask 1). "
            "So the sum does not stop there.",
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


# r, s, g, h and n are the arguments of q_range, in their order.
_range_misconceptions = [
    Misconception(
        "The horizon of a chunk: reward / (1 - discount^H) for one reward a chunk.",
        "A chunk earns H rewards. Their sum over (1 - discount^H) is reward_min / (1 - discount), "
        "whatever H.",
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
        lambda r, s, g, h, n: (r, s),
    ),
    Misconception(
        "The worst of one chunk only.",
        "Q is the sum of all that follows, not only of the chunk.",
        lambda r, s, g, h, n: (r * (1 - g**h) / (1 - g), s),
    ),
    Misconception(
        "reward_min times (1 - discount).",
        "The geometric series: divided by (1 - discount).",
        lambda r, s, g, h, n: (r * (1 - g), s),
    ),
    Misconception(
        "The first reward is discounted, too.",
        "The first reward counts in full: 1 + g + g^2 + ... = 1 / (1 - g).",
        lambda r, s, g, h, n: (r * g / (1 - g), s),
    ),
    Misconception(
        "The reward of the solution comes for ever: a solved episode was forgotten to end.",
        "Being solved ends the episode, and the mask stops the bootstrap: reward_solved, once.",
        lambda r, s, g, h, n: (r / (1 - g), s / (1 - g)),
    ),
    Misconception(
        "The reward of the solution comes for the rest of its chunk.",
        "The solved step is the last that is executed.",
        lambda r, s, g, h, n: (r / (1 - g), s * (1 - g**h) / (1 - g)),
    ),
    Misconception(
        "The largest Q is always 0.",
        "Where being solved is rewarded, it is reward_solved.",
        lambda r, s, g, h, n: (r / (1 - g), 0.0),
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
]

check_q_range = Exercise(
    q_range,
    _range_by_summing,
    _range_cases,
    _range_misconceptions,
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
    quarter = max(1, len(log["q_max"]) // 4)
    last = {name: np.mean(values[-quarter:]) for name, values in log.items()}
    margin = 0.1 * (highest - lowest)
    fits = {
        Q_TOO_HIGH: last["q_max"] > highest + margin,
        Q_TOO_LOW: last["q_min"] < lowest - margin,
        NO_BEHAVIOR: last["flow_loss"] > 0.9 * knowing_nothing,
        OFF_BEHAVIOR: last["distance"] > far,
        TOO_EARLY: success == 0,
    }
    order = Q_TOO_HIGH, Q_TOO_LOW, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY
    return next((code for code in order if fits[code]), HEALTHY)


def _diagnose_by_ifs(log, success, lowest, highest, knowing_nothing, far):
    count = max(1, len(log["q_max"]) // 4)
    late = {name: sum(values[len(values) - count :]) / count for name, values in log.items()}
    if late["q_max"] - highest > (highest - lowest) / 10:
        return Q_TOO_HIGH
    if lowest - late["q_min"] > (highest - lowest) / 10:
        return Q_TOO_LOW
    if late["flow_loss"] / knowing_nothing > 0.9:
        return NO_BEHAVIOR
    if late["distance"] / far > 1:
        return OFF_BEHAVIOR
    return HEALTHY if success else TOO_EARLY


# What differs from a healthy log: its end, its beginning (`young`), or its last rows (`spike`).
_LOGS = [
    ("a run without findings", "None of the five holds: HEALTHY.", {}),
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
    ("Q's minimum is -106", "The margin is a tenth of the range, 10 here.", dict(q_min=-106)),
    (
        "range of -500 to 0: Q's maximum is 30",
        "The margin is a tenth of the range, so 50 here.",
        dict(q_max=30, lowest=-500.0),
    ),
    (
        "the behavior's loss stays at 1.33; knowing nothing gives 1.4",
        "More than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
        dict(flow_loss=1.33, success=0.0),
    ),
    (
        "the behavior's loss ends at 1.6, worse than knowing nothing",
        "More than 0.9 of what knowing nothing gives: NO_BEHAVIOR.",
        dict(flow_loss=1.6, success=0.0),
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
        "wild at the beginning, good at the end",
        "The end counts: the last quarter of the rows.",
        dict(young=dict(q_max=90, q_min=-300, flow_loss=1.5, distance=3)),
    ),
    (
        "wild for two thirds of the log, good at the end",
        "The last quarter of the rows, not the last half.",
        dict(young=dict(q_max=90, flow_loss=1.5, distance=3), until=0.67),
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
        dict(spike=dict(q_max=[25.0])),
    ),
    (
        "RLPD: no flow, so its loss and distance are nan",
        "A comparison with nan is False: ask whether the loss is too large, not whether it is small enough.",
        dict(flow_loss=np.nan, distance=np.nan),
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
        "20 rows, of which the last 5 are far",
        "The last quarter: 5 of 20 rows.",
        dict(rows=20, distance=1.1, young=dict(distance=0.1), until=0.75),
    ),
    (
        "20 rows; in the last quarter two are very far",
        "The mean of the last quarter, of all its rows.",
        dict(rows=20, spike=dict(distance=[4.0, 4.0, 0.2, 0.2, 0.2])),
    ),
    (
        "a range of -100 to 50: Q's maximum is 62",
        "highest + margin is 65 here: the margin is a tenth of highest - lowest, 15.",
        dict(highest=50.0, q_max=62.5),
    ),
    (
        "a range of -100 to 50: Q's minimum is -112",
        "lowest - margin is -115 here.",
        dict(highest=50.0, q_min=-112.5),
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
    wobble = lambda: 1 + 0.02 * rng.uniform(-1, 1, size=rows)
    log = {name: np.where(early, begin[name], end[name]) * wobble() for name in end}
    for name, values in dict(spike).items():
        log[name][-len(values) :] = values
    return log


def _diagnose_case(rng, about, hint, success=0.5, lowest=-100.0, highest=0.0, nothing=1.4, far=1.0, **log):
    return Case(about, (_diagnose_log(rng, **log), success, lowest, highest, nothing, far), hint)


def _diagnose_cases(rng):
    return [_diagnose_case(rng, about, hint, **changes) for about, hint, changes in _LOGS]


_diagnose_misconceptions = [
    Misconception(
        "The last row alone decides.",
        "One row may be an outlier: the mean of the last quarter.",
        edited(diagnose, {"np.mean(values[-quarter:])": "values[-1]"}),
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
        "The median of the last quarter.",
        "The mean: rows that are far out count as well.",
        edited(diagnose, {"np.mean": "np.median"}),
    ),
    Misconception(
        "Without max(1, ...): with fewer than four rows, values[-0:] is the whole log.",
        "At least one row: max(1, len(values) // 4).",
        edited(diagnose, {"max(1, ": "("}),
    ),
    Misconception(
        "A later finding overwrites an earlier one.",
        "Return at the first that holds, or use elif.",
        edited(diagnose, {"in order": "in reversed(order)"}),
    ),
    Misconception(
        "No margin: the noise of a healthy critic is called a finding.",
        "A tenth of the range is allowed beyond each end.",
        edited(diagnose, {"0.1 * (highest - lowest)": "0"}),
    ),
    Misconception(
        "The margin is 10 whatever the range.",
        "A tenth of the range, highest - lowest.",
        edited(diagnose, {"0.1 * (highest - lowest)": "10"}),
    ),
    Misconception(
        "Below and above have changed places.",
        "q_max > highest + margin is Q_TOO_HIGH.",
        lambda *args: (HEALTHY, Q_TOO_LOW, Q_TOO_HIGH, NO_BEHAVIOR, OFF_BEHAVIOR, TOO_EARLY)[diagnose(*args)],
    ),
    Misconception(
        "The smallest Q is held against the maximum, and the largest against the minimum.",
        "q_max against highest, q_min against lowest.",
        lambda log, *rest: diagnose(log | {"q_max": log["q_min"], "q_min": log["q_max"]}, *rest),
    ),
    Misconception(
        "Success decides first: a lucky run is called healthy.",
        "Success is asked last: findings stay findings.",
        lambda log, success, *rest: HEALTHY if success > 0 else diagnose(log, success, *rest),
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
        edited(diagnose, {"in order": "in (NO_BEHAVIOR, OFF_BEHAVIOR, Q_TOO_HIGH, Q_TOO_LOW, TOO_EARLY)"}),
    ),
    Misconception(
        "Knowing nothing is the limit itself: a little less already counts as learned.",
        "More than 0.9 * knowing_nothing is NO_BEHAVIOR.",
        edited(diagnose, {"0.9 * ": ""}),
    ),
    Misconception(
        "The behavior counts as learned at half of what knowing nothing gives.",
        "0.9 * knowing_nothing.",
        edited(diagnose, {"0.9": "0.4"}),
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
        "The distance is never asked about.",
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
