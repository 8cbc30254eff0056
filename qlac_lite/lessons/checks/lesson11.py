"""Checks of lesson 11: chunks of a clone, a delayed clone, a guided critic, the batches of a handover.

Shapes: N demonstrations, T steps, E episodes, S state, A action; n moves, m chunks; B batch.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import _AGAIN, Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case

Array = np.ndarray

# 1. A clone with chunks


def clone_chunks(states, actions, length, step, start, steps):
    """Clones chunks by linear regression and executes them open loop: (steps + 1, E, S)."""
    gains = []
    for k in range(length):
        seen = states[:, : actions.shape[1] - k]
        done = actions[:, k:]
        flat = seen.reshape(-1, seen.shape[-1]), done.reshape(-1, done.shape[-1])
        gains.append(np.linalg.lstsq(*flat, rcond=None)[0])
    path = [start]
    for t in range(steps):
        k = t % length
        look = path[t - k]
        path.append(step(path[t], look @ gains[k]))
    return np.stack(path)


def _gain(states, actions, age):
    """(A, S), by the normal equations, over all pairs that are `age` steps apart in a demonstration."""
    square, mixed = 0, 0
    for seen, done in zip(states, actions, strict=True):
        for t in range(len(done) - age):
            square = square + np.outer(seen[t], seen[t])
            mixed = mixed + np.outer(done[t + age], seen[t])
    return np.linalg.solve(square, mixed.T).T


def _chunks_by_rounds(states, actions, length, step, start, steps):
    gains, path = [_gain(states, actions, k) for k in range(length)], [start]
    while len(path) <= steps:
        look = path[-1]
        for gain in gains:
            path.append(step(path[-1], np.array([gain @ one for one in look])))
    return np.array(path[: steps + 1])


def _linear_world(rng, many, long, size=3, acts=2):
    """Demonstrations, the world's step and starts of episodes."""
    a = 0.4 * rng.normal(size=(size, size))
    b = rng.normal(size=(size, acts))
    states = [rng.normal(size=(many, size))]
    actions = []
    for _ in range(long):
        actions.append(
            states[-1] @ (0.3 * rng.normal(size=(size, acts))) + 0.2 * rng.normal(size=(many, acts))
        )
        states.append(states[-1] @ a.T + actions[-1] @ b.T + 0.3 * rng.normal(size=(many, size)))
    step = lambda state, action: np.tanh(state @ a.T + action @ b.T)
    return np.stack(states, 1), np.stack(actions, 1), step, rng.normal(size=(4, size))


def _chunk_cases(rng):
    def case(about, many, long, length, steps, hint):
        states, actions, step, start = _linear_world(rng, many, long)
        return Case(about, (states, actions, length, step, start, steps), hint)

    pairs = (
        "The gain of age k regresses actions[:, k:] on states[:, : T - k]: same demonstration, k steps apart."
    )
    return [
        case(
            "single actions, one step",
            4,
            6,
            1,
            1,
            "Pair states[:, :T] with actions, row by row, of all demonstrations. lstsq()[0] is (S, A), and "
            "the first action is start @ gain.",
        ),
        case(
            "single actions, 5 steps", 4, 6, 1, 5, "Each action is path[t] @ gain. Keep all steps + 1 states."
        ),
        case("chunks of 3, 3 steps", 5, 8, 3, 3, f"{pairs} In play it acts on path[t - k]."),
        case("chunks of 3, 8 steps", 5, 8, 3, 8, "At t = 3 it looks again; the last chunk is cut."),
        case("chunks of 4, one long demonstration", 1, 30, 4, 9, pairs),
        case("chunks of 5, seven demonstrations", 7, 9, 5, 12, pairs),
    ]


def _across(states, actions, length, step, start, steps):
    """Rows of all demonstrations in one list, as if the next one went on where the last one ended."""
    seen = states[:, :-1].reshape(-1, states.shape[-1])[None]
    done = actions.reshape(-1, actions.shape[-1])[None]
    return clone_chunks(np.concatenate([seen, seen[:, -1:]], axis=1), done, length, step, start, steps)


def _repeated(states, actions, length, step, start, steps):
    """A chunk that repeats its first action."""
    return edited(clone_chunks, {"gains[k])": "gains[0])"})(states, actions, length, step, start, steps)


def _by_demonstration(states, actions, length, step, start, steps):
    """The gains of each demonstration by itself, and their mean."""
    fits = "np.mean([np.linalg.lstsq(*pair, rcond=None)[0] for pair in zip(seen, done)], axis=0)"
    answer = edited(clone_chunks, {"np.linalg.lstsq(*flat, rcond=None)[0]": fits})
    return answer(states, actions, length, step, start, steps)


def _with_intercept(states, actions, length, step, start, steps):
    """A column of ones beside the states, in the fit and in play."""
    ones = lambda x: np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)
    wider = "np.concatenate([path[t - k], np.ones((len(start), 1))], axis=-1)"
    answer = edited(clone_chunks, {"look = path[t - k]": f"look = {wider}"})
    return answer(ones(states), actions, length, step, start, steps)


CHUNKS = lambda **changes: edited(clone_chunks, changes["edit"])
_chunk_misconceptions = [
    Misconception(
        "The fit is right; in play the gains of a chunk are used in reverse order.",
        "k steps after the look acts gains[k], not gains[length - 1 - k].",
        CHUNKS(edit={"gains[k])": "gains[length - 1 - k])"}),
    ),
    Misconception(
        "The pairs are right, but the fit has an intercept: a column of ones beside the states.",
        "The clone is u = s @ G without a constant: a gain has the shape (S, A).",
        _with_intercept,
    ),
    Misconception(
        "np.roll wraps around: the last k states are paired with the first k actions of the demonstration.",
        "These pairs do not exist. Cut them off: states[:, : T - k] with actions[:, k:].",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, :-1]",
                "actions[:, k:]": "np.roll(actions, -k, axis=1)",
            }
        ),
    ),
    Misconception(
        "Rows of one demonstration are paired with actions of the next.",
        "Shift inside each demonstration: states[:, : T - k] with actions[:, k:], then reshape.",
        _across,
    ),
    Misconception(
        "It looks at every step: the k-th action is computed from the state as it is now.",
        "The whole chunk comes from one look, at path[t - k].",
        CHUNKS(edit={"look = path[t - k]": "look = path[t]"}),
    ),
    Misconception(
        "It looks once, at the start, and never again.",
        "A new look every `length` steps: path[t - t % length].",
        CHUNKS(edit={"look = path[t - k]": "look = path[0]"}),
    ),
    Misconception(
        "A chunk repeats its first action: the gain of age 0 serves all steps.",
        "Step k of a chunk has a gain of its own, gains[k].",
        _repeated,
    ),
    Misconception(
        "It looks again after each action: only the first action of each chunk is ever executed.",
        "Execute all `length` actions of a chunk from one look, step k with gains[k].",
        CHUNKS(edit={"path[t - k]": "path[t]", "gains[k])": "gains[0])"}),
    ),
    Misconception(
        "The gains run on with the steps of the episode, not of the chunk.",
        "k = t % length.",
        CHUNKS(
            edit={"k = t % length": "k = min(t // length, length - 1)", "path[t - k]": "path[t - t % length]"}
        ),
    ),
    Misconception(
        "A chunk has one action too many.",
        "It looks at t = 0, length, 2 * length, ...",
        CHUNKS(edit={"k = t % length": "k = t % (length + 1)", "gains[k])": "gains[min(k, length - 1)])"}),
    ),
    Misconception(
        "Every gain pairs a state with its own action: all of them are that of age 0.",
        "actions[:, k:] are k steps later than states[:, : T - k].",
        CHUNKS(edit={"actions[:, k:]": "actions[:, : actions.shape[1] - k]"}),
    ),
    Misconception(
        "The pairs run backwards: actions that came k steps before the state.",
        "The action is later than the look: states[:, : T - k] with actions[:, k:].",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, k:-1]",
                "actions[:, k:]": "actions[:, : actions.shape[1] - k]",
            }
        ),
    ),
    Misconception(
        "The state after an action is taken for the one before it.",
        "states has T + 1 rows: row t is before action t.",
        CHUNKS(edit={"states[:, : actions.shape[1] - k]": "states[:, 1 : actions.shape[1] - k + 1]"}),
    ),
    Misconception(
        "The start is missing in the path.",
        "The path has steps + 1 states, and begins with `start`.",
        CHUNKS(edit={"np.stack(path)": "np.stack(path[1:])"}),
    ),
    Misconception(
        "Episodes come first, steps second.",
        "np.stack(path) along the first axis: (steps + 1, E, S).",
        CHUNKS(edit={"np.stack(path)": "np.stack(path, axis=1)"}),
    ),
    Misconception(
        "The last state is missing in the path.",
        "The path has steps + 1 states: the start, and one after each action.",
        CHUNKS(edit={"np.stack(path)": "np.stack(path[:-1])"}),
    ),
    Misconception(
        "Only the states at which it looks are given back.",
        "The path has all steps + 1 states, also those inside a chunk.",
        CHUNKS(edit={"np.stack(path)": "np.stack(path[::length])"}),
    ),
    Misconception(
        "All actions of a chunk act on the state at its start: the world stands still meanwhile.",
        "step(path[t], ...): only the look is old.",
        CHUNKS(edit={"step(path[t], look": "step(look, look"}),
    ),
    Misconception(
        "The last pair of each demonstration is left out.",
        "With an age of k there are T - k pairs: states[:, : T - k] with all of actions[:, k:].",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, : actions.shape[1] - k - 1]",
                "actions[:, k:]": "actions[:, k:-1]",
            }
        ),
    ),
    Misconception(
        "The first pair of each demonstration is left out.",
        "The pairs begin at t = 0: states[:, : T - k] with actions[:, k:].",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, 1 : actions.shape[1] - k]",
                "actions[:, k:]": "actions[:, k + 1 :]",
            }
        ),
    ),
    Misconception(
        "The regression leaves the last `length - 1` steps out for every age.",
        "The gain of age k loses only k rows of each demonstration.",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, : actions.shape[1] - length + 1]",
                "actions[:, k:]": "actions[:, k : actions.shape[1] - length + 1 + k]",
            }
        ),
    ),
    Misconception(
        "Each demonstration has a fit of its own, and the gain is their mean.",
        "One lstsq for each age, over the pairs of all demonstrations.",
        _by_demonstration,
    ),
    Misconception(
        "A delay, not a chunk: the age grows to length - 1 and stays there.",
        "It looks again at t = length, 2 * length, ...: k = t % length, and the look is path[t - k].",
        CHUNKS(edit={"k = t % length": "k = min(t, length - 1)"}),
    ),
    Misconception(
        "A delay, not a chunk, with the gain of the last age at each step.",
        "It looks at t = 0, length, 2 * length, ...: k = t % length, with gains[k] and the look path[t - k].",
        CHUNKS(edit={"k = t % length": "k = min(t, length - 1)", "gains[k])": "gains[-1])"}),
    ),
    *(
        Misconception(
            "Only pairs at chunk starts are used, as if each demonstration were cut into chunks" + so,
            "Every state of a demonstration that has an action k steps later makes a pair, not only every "
            "`length`-th.",
            CHUNKS(edit={"states[:, : actions.shape[1] - k]": seen, "actions[:, k:]": done}),
        )
        for so, seen, done in (
            (".", "states[:, : actions.shape[1] - k : length]", "actions[:, k::length]"),
            (
                " and the incomplete one left out.",
                "states[:, : actions.shape[1] - length + 1 : length]",
                "actions[:, k : actions.shape[1] - length + 1 + k : length]",
            ),
        )
    ),
    Misconception(
        "Each gain is one step too old: states are paired with the actions k + 1 steps later.",
        "The gain of age 0 pairs a state with its own action: states[:, : T - k] with actions[:, k:].",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:, : actions.shape[1] - k - 1]",
                "actions[:, k:]": "actions[:, k + 1 :]",
            }
        ),
    ),
    Misconception(
        "Only the first demonstration is used.",
        "states and actions hold N demonstrations: reshape the pairs of all of them to (M, S) and (M, A).",
        CHUNKS(
            edit={
                "states[:, : actions.shape[1] - k]": "states[:1, : actions.shape[1] - k]",
                "actions[:, k:]": "actions[:1, k:]",
            }
        ),
    ),
    *(
        Misconception(
            f"The {one} are transposed before they are reshaped ({so}), the {other} are not: row i of "
            "both is not the same moment any more.",
            "Reshape both in the same order: states[:, : T - k] and actions[:, k:], each to (M, -1).",
            CHUNKS(
                edit={f"{rows}.reshape(-1, {rows}.shape[-1])": f"{rows}{turn}.reshape(-1, {rows}.shape[-1])"}
            ),
        )
        for one, other, rows in (("states", "actions", "seen"), ("actions", "states", "done"))
        for turn, so in ((".swapaxes(0, 1)", "time first"), (".T", "all axes turned round"))
    ),
]

check_clone_chunks = Exercise(
    clone_chunks,
    _chunks_by_rounds,
    _chunk_cases,
    _chunk_misconceptions,
    insight="The k-th action of a chunk is a policy of its own, which sees the world as it was k steps ago.",
)

# 2. A clone that sees late


def her_delayed(states, actions, delay, step, start, steps):
    """A clone that acts on what it saw `delay` steps ago, as a colleague wrote it."""
    seen = states[:, :-1].reshape(-1, states.shape[-1])
    done = actions.reshape(-1, actions.shape[-1])
    gain = np.linalg.lstsq(seen, done, rcond=None)[0]
    path = [start]
    for t in range(steps):
        old = path[max(t - delay, 0)]
        path.append(step(path[t], old @ gain))
    return np.stack(path)


def mended_delayed(states, actions, delay, step, start, steps):
    """The same, with a gain for each age, of observations as old as what it acts on: (steps + 1, E, S)."""
    gains = []
    for age in range(delay + 1):
        seen = states[:, : actions.shape[1] - age]
        done = actions[:, age:]
        flat = seen.reshape(-1, seen.shape[-1]), done.reshape(-1, done.shape[-1])
        gains.append(np.linalg.lstsq(*flat, rcond=None)[0])
    path = [start]
    for t in range(steps):
        age = min(t, delay)
        path.append(step(path[t], path[t - age] @ gains[age]))
    return np.stack(path)


def _delayed_by_rows(states, actions, delay, step, start, steps):
    path = [start]
    for t in range(steps):
        age = t if t < delay else delay
        gain = _gain(states, actions, age)
        path.append(step(path[-1], np.array([gain @ one for one in path[t - age]])))
    return np.array(path)


def _delayed_cases(rng):
    def case(about, many, long, delay, steps, hint):
        states, actions, step, start = _linear_world(rng, many, long)
        return Case(about, (states, actions, delay, step, start, steps), hint)

    first = "In the first steps nothing is that old yet: the age is min(t, delay), and so is the gain's."
    pairs = "A gain learns from all pairs of its own age."
    return [
        case("no delay, 4 steps", 4, 6, 0, 4, "Without a delay her code is right: keep that."),
        case("a delay of 1, 2 steps", 4, 6, 1, 2, f"At t = 0 the age is 0, at t = 1 it is 1. {pairs}"),
        case("a delay of 3, 3 steps", 5, 9, 3, 3, first),
        case("a delay of 3, 9 steps", 5, 9, 3, 9, f"Gain and observation have the same age. {pairs}"),
        case(
            "a delay of 4, 6 demonstrations",
            6,
            8,
            4,
            11,
            "Pairs that are `age` steps apart in a demonstration.",
        ),
    ]


def _delayed_across(states, actions, delay, step, start, steps):
    seen = states[:, :-1].reshape(-1, states.shape[-1])[None]
    done = actions.reshape(-1, actions.shape[-1])[None]
    rows = np.concatenate([seen, seen[:, -1:]], axis=1)
    return mended_delayed(rows, done, delay, step, start, steps)


def _one_gain_across(states, actions, delay, step, start, steps):
    """One gain for all ages, from one list of all rows."""
    seen = states[:, :-1].reshape(-1, states.shape[-1])
    done = actions.reshape(-1, actions.shape[-1])
    gain = np.linalg.lstsq(seen[: len(seen) - delay], done[delay:], rcond=None)[0]
    path = [start]
    for t in range(steps):
        path.append(step(path[t], path[max(t - delay, 0)] @ gain))
    return np.stack(path)


LATE = lambda **changes: edited(mended_delayed, changes["edit"])
_delayed_misconceptions = [
    Misconception(
        "That is her code: trained on fresh observations, it acts on old ones.",
        "Which pairs would a clone be trained on that always sees the world `delay` steps late?",
        her_delayed,
    ),
    Misconception(
        "Later steps are mended; in the first ones the gain of age `delay` acts on path[0], which is "
        "younger: t steps old.",
        "While t < delay it acts on path[0], of age t. Its gain is that of age t.",
        LATE(edit={"gains[age])": "gains[delay])"}),
    ),
    Misconception(
        "The delay is gone: it acts on the present state.",
        "That is another question. Act on path[t - age], with a gain of that age.",
        LATE(edit={"path[t - age] @ gains[age]": "path[t] @ gains[0]"}),
    ),
    Misconception(
        "An old gain acts on the present state.",
        "Gain and observation have the same age.",
        LATE(edit={"path[t - age] @": "path[t] @"}),
    ),
    Misconception(
        "The gains are right, but while t < delay they act on the present state.",
        "Until something is `delay` steps old it sees the start: path[0] with gains[t].",
        LATE(edit={"path[t - age] @": "path[t if t < delay else t - age] @"}),
    ),
    Misconception(
        "It acts on the present state, with the gain of age `delay`: nothing is seen late.",
        "Act on path[t - age], with the gain of that age.",
        LATE(edit={"path[t - age] @ gains[age]": "path[t] @ gains[delay]"}),
    ),
    Misconception(
        "It stands still until its first observation is old enough.",
        "While t < delay it acts on path[0], whose age is t.",
        LATE(edit={"path[t - age] @ gains[age]": "(path[t - age] @ gains[age]) * (t >= delay)"}),
    ),
    Misconception(
        "It acts on the present until the delay has passed once.",
        "While t < delay the observation is path[0].",
        LATE(edit={"age = min(t, delay)": "age = delay if t >= delay else 0"}),
    ),
    Misconception(
        "A chunk, not a delay: the age grows to the delay and begins again at 0.",
        "The age grows to `delay` and stays there: min(t, delay).",
        LATE(edit={"min(t, delay)": "t % (delay + 1)"}),
    ),
    Misconception(
        "Rows of one demonstration are paired with actions of the next.",
        "Shift inside each demonstration, then reshape.",
        _delayed_across,
    ),
    *(
        Misconception(
            f"Actions of the first steps are paired with the start, though it is younger than `{of}`{so}.",
            "They are not of that age. Cut them off: states[:, : T - age] with actions[:, age:].",
            LATE(
                edit={
                    "states[:, : actions.shape[1] - age]": (
                        f"states[:, np.maximum(np.arange(actions.shape[1]) - {of}, 0)]"
                    ),
                    "actions[:, age:]": "actions",
                }
            ),
        )
        for of, so in (("age", ""), ("delay", ", and one gain serves all ages"))
    ),
    Misconception(
        "np.roll wraps around: the last states are paired with the first actions of the demonstration.",
        "These pairs do not exist. Cut them off: states[:, : T - age] with actions[:, age:].",
        LATE(
            edit={
                "states[:, : actions.shape[1] - age]": "states[:, :-1]",
                "actions[:, age:]": "np.roll(actions, -age, axis=1)",
            }
        ),
    ),
    Misconception(
        "One step too early: from t = delay on it acts on what it saw delay - 1 steps ago.",
        "The age grows up to `delay`: min(t, delay).",
        LATE(edit={"age = min(t, delay)": "age = min(t, max(delay - 1, 0))"}),
    ),
    Misconception(
        "While t < delay the mean of all gains acts on the start.",
        "Of the start the age is known, t: its gain is gains[t].",
        LATE(edit={"gains[age])": "(gains[age] if t >= delay else np.mean(gains, axis=0)))"}),
    ),
    Misconception(
        "One step too late: it acts on what it saw delay + 1 steps ago.",
        "path[t - age].",
        LATE(edit={"path[t - age] @": "path[max(t - delay - 1, 0)] @"}),
    ),
    Misconception(
        "The pairs run backwards: actions that came before the observation.",
        "states[:, : T - age] with actions[:, age:].",
        LATE(
            edit={
                "states[:, : actions.shape[1] - age]": "states[:, age:-1]",
                "actions[:, age:]": "actions[:, : actions.shape[1] - age]",
            }
        ),
    ),
    Misconception(
        "Rows of one demonstration are paired with actions of the next, and one gain serves all ages.",
        "Shift inside each demonstration, then reshape; and fit a gain for each age from 0 to `delay`.",
        _one_gain_across,
    ),
    Misconception(
        "The pairs run backwards, and one gain serves all ages.",
        "states[:, : T - age] with actions[:, age:]; and a gain for each age from 0 to `delay`.",
        LATE(
            edit={
                "states[:, : actions.shape[1] - age]": "states[:, age:-1]",
                "actions[:, age:]": "actions[:, : actions.shape[1] - age]",
                "gains[age])": "gains[delay])",
            }
        ),
    ),
    Misconception(
        "Every gain learns from full windows only: the first `delay` actions are left out for each age.",
        "The gain of an age learns from all pairs of that age: states[:, : T - age] with actions[:, age:].",
        LATE(
            edit={
                "states[:, : actions.shape[1] - age]": "states[:, delay - age : actions.shape[1] - age]",
                "actions[:, age:]": "actions[:, delay:]",
            }
        ),
    ),
    Misconception(
        "Every gain learns from full windows only: the last `delay` states are left out for each age.",
        "The gain of an age learns from all pairs of that age: states[:, : T - age] with actions[:, age:].",
        LATE(
            edit={
                "states[:, : actions.shape[1] - age]": "states[:, : actions.shape[1] - delay]",
                "actions[:, age:]": "actions[:, age : actions.shape[1] - delay + age]",
            }
        ),
    ),
    Misconception(
        "Every gain is that of age 0 or of the delay; the ages between have none of their own.",
        "While t < delay the age is t: the gain of age t learns from pairs that are t steps apart.",
        LATE(edit={"gains[age])": "gains[delay if t >= delay else 0])"}),
    ),
    Misconception(
        "The state itself is taken from the past: the world goes back in time.",
        "step(path[t], ...): only the observation is old.",
        LATE(edit={"step(path[t], path": "step(path[t - age], path"}),
    ),
    Misconception(
        "The start is missing in the path.",
        "The path has steps + 1 states.",
        LATE(edit={"np.stack(path)": "np.stack(path[1:])"}),
    ),
]

check_mended_delayed = Exercise(
    mended_delayed,
    _delayed_by_rows,
    _delayed_cases,
    _delayed_misconceptions,
    insight=(
        "She trained on fresh observations and acted on old ones. The next figure shows what that flaw costs."
    ),
)

# 3. A one-step critic beside a chunk critic


class Recorded(NamedTuple):
    """Moves, or chunks of moves, each once: a row for each."""

    state: Array  # where it starts
    reward: Array  # of all its steps, discounted
    discount: Array  # of what follows; 0 if it reached the goal
    next_state: Array  # where it ends
    move: Array  # its row among the moves; of a chunk, that of its first move


def guided_sweep(q, chunk_q, moves, chunks, states, weight):
    """One sweep of a one-step critic (n,) that is pulled towards a chunk critic (m,), and of that."""

    def largest(values, groups, count, without):
        most = np.full(count, -np.inf)
        np.maximum.at(most, groups, values)
        return np.where(np.isfinite(most), most, without)

    ahead = largest(chunk_q, chunks.state, states, 0)
    new_chunk_q = chunks.reward + chunks.discount * ahead[chunks.next_state]
    near = largest(q, moves.state, states, 0)
    target = moves.reward + moves.discount * near[moves.next_state]
    guide = largest(chunk_q, chunks.move, len(q), target)
    new_q = (target + weight * guide) / (1 + weight)
    return new_q, new_chunk_q


def _sweep_by_rows(q, chunk_q, moves, chunks, states, weight):
    def best(values, starts, state):
        return max((value for value, start in zip(values, starts, strict=True) if start == state), default=0)

    new_chunk_q = [
        reward + discount * best(chunk_q, chunks.state, end)
        for reward, discount, end in zip(chunks.reward, chunks.discount, chunks.next_state, strict=True)
    ]
    new_q = []
    for i in range(len(q)):
        target = moves.reward[i] + moves.discount[i] * best(q, moves.state, moves.next_state[i])
        guides = chunk_q[chunks.move == i]
        new_q.append((target + weight * max(guides)) / (1 + weight) if len(guides) else target)
    return np.array(new_q), np.array(new_chunk_q)


def _recorded(rng, states, n, m):
    """Random moves and chunks; some moves begin no chunk, and in some states nothing begins."""
    own = np.sort(rng.integers(0, states - 1, n))
    ends = lambda count: (
        rng.normal(size=count),
        rng.choice([0.0, 0.9], count, p=[0.2, 0.8]),
        rng.integers(0, states, count),
    )
    moves = Recorded(own, *ends(n), np.arange(n))
    first = rng.integers(0, n - 2, m)
    reward, discount, end = ends(m)
    return moves, Recorded(own[first], reward, discount**3, end, first)


def _sweep_cases(rng):
    def case(about, states, n, m, weight, low, hint, fresh=False):
        moves, chunks = _recorded(rng, states, n, m)
        value = lambda count: low + rng.uniform(0, 1, count)
        q, chunk_q = value(n), np.zeros(m) if fresh else value(m)
        return Case(about, (q, chunk_q, moves, chunks, states, weight), hint)

    two = Recorded(*map(np.array, ([0, 0, 1], [0.0, 0.0, 1.0], [0.9, 0.9, 0.0], [1, 2, 3], [0, 1, 2])))
    one = Recorded(*map(np.array, ([0], [0.9], [0.0], [3], [0])))
    negative = "Values may be below 0: start the maximum at -np.inf, and replace only -np.inf by 0."
    chunked = "new_chunk_q: reward + discount * the best chunk that begins where this one ends."
    return [
        Case(
            "three moves and one chunk over two of them, weight 1",
            (np.array([0.2, 0.5, 0.6]), np.array([0.8]), two, one, 4, 1.0),
            "Move 0 leads to state 1, where q is 0.6: target 0.54. Its chunk is worth 0.8: (0.54 + 0.8) / 2 "
            "= 0.67. Move 1 leads to state 2, where nothing is recorded: 0, and no chunk begins with it. "
            "Move 2: 1. The chunk reaches the goal: its new value is its reward, 0.9.",
        ),
        case("no pull", 5, 9, 8, 0.0, 0.0, f"With a weight of 0 new_q is the target alone. {chunked}"),
        case(
            "a weight of 0.5, and chunks worth 0, as before the first sweep",
            6,
            11,
            12,
            0.5,
            0.0,
            "A chunk that is worth 0 pulls, too: only a move with which no chunk begins is not pulled. "
            f"(target + weight * guide) / (1 + weight). {chunked}",
            fresh=True,
        ),
        case(
            "a weight of 3",
            8,
            14,
            12,
            3.0,
            0.0,
            f"A move with which no chunk begins is not pulled. {chunked}",
        ),
        case("values below 0", 6, 12, 14, 0.7, -2.0, negative),
        case(
            "many chunks for each move",
            4,
            8,
            30,
            2.0,
            -0.5,
            f"The guide is the largest of a move's chunks. {chunked}",
        ),
    ]


SWEEP = lambda **changes: edited(guided_sweep, changes["edit"])
PLACES = ("ahead", "near", "guide")  # where the largest of a group is taken


def _largest(values, groups, count, without):
    most = np.full(count, -np.inf)
    np.maximum.at(most, groups, values)
    return np.where(np.isfinite(most), most, without)


def _marked(values, groups, count, without):
    """The mark of a group without a row is left."""
    return _largest(values, groups, count, -np.inf)


def _last(values, groups, count, without):
    """The last of each group."""
    most = np.full(count, -np.inf)
    most[groups] = values
    return np.where(np.isfinite(most), most, without)


def _mean(values, groups, count, without):
    """The mean of each group."""
    rows = np.bincount(groups, minlength=count)
    return np.where(rows > 0, np.bincount(groups, values, count) / np.maximum(rows, 1), without)


def by_rows(chunks_too: bool, new_guide: bool):
    """A wrong sweep that writes each new value into the table from which the next row reads."""

    def sweep(q, chunk_q, moves, chunks, states, weight):
        q, old, chunk_q = q.copy(), chunk_q, chunk_q.copy()
        _, new_chunk_q = guided_sweep(q, chunk_q, moves, chunks, states, weight)
        for i in range(len(chunk_q) if chunks_too else 0):
            ahead = _largest(chunk_q, chunks.state, states, 0)
            chunk_q[i] = chunks.reward[i] + chunks.discount[i] * ahead[chunks.next_state[i]]
        new_chunk_q = chunk_q if chunks_too else new_chunk_q
        for i in range(len(q)):
            guide = new_chunk_q if new_guide else old
            q[i] = guided_sweep(q, guide, moves, chunks, states, weight)[0][i]
        return q, new_chunk_q

    return sweep


def sweep_with(largest, places):
    """A wrong sweep: `largest` takes the place of the right one for some of PLACES."""
    ahead_of, near_of, guide_of = (largest if place in places else _largest for place in PLACES)

    def sweep(q, chunk_q, moves, chunks, states, weight):
        with np.errstate(invalid="ignore"):
            ahead = ahead_of(chunk_q, chunks.state, states, 0)
            near = near_of(q, moves.state, states, 0)
            target = moves.reward + moves.discount * near[moves.next_state]
            guide = guide_of(chunk_q, chunks.move, len(q), target)
            new_chunk_q = chunks.reward + chunks.discount * ahead[chunks.next_state]
            return (target + weight * guide) / (1 + weight), new_chunk_q

    return sweep


def _misplaced(largest, name, remedy):
    """A misconception for each choice of places; `name` and `remedy` are completed with them."""
    called = ("the chunks of a state", "the moves of a state", "the chunks of a move")
    for many in (3, 2, 1):
        for places in itertools.combinations(PLACES, many):
            where = " and ".join(called[PLACES.index(place)] for place in places)
            where = "each group" if many == 3 else where
            yield Misconception(name.format(where), remedy, sweep_with(largest, places))


_BACKUP = "new_chunk_q = chunks.reward + chunks.discount * ahead[chunks.next_state]"
_GUIDE = "largest(chunk_q, chunks.move, len(q), target)"
_sweep_misconceptions = [
    Misconception(
        "The one-step critic bootstraps from the chunk critic's values.",
        "Its target asks q itself, at the next state. The chunk critic only pulls.",
        SWEEP(edit={"near[moves.next_state]": "ahead[moves.next_state]"}),
    ),
    Misconception(
        "The one-step critic bootstraps from the chunk critic's values after the sweep.",
        "Its target asks q itself, at the next state. The chunk critic only pulls.",
        SWEEP(edit={"largest(q, moves.state, states, 0)": "largest(new_chunk_q, chunks.state, states, 0)"}),
    ),
    *(
        Misconception(
            f"{whose} have the same discount in each row, {number}: it goes on after the goal.",
            f"Each row has a discount of its own, 0 where the goal is reached: {right}.",
            SWEEP(edit={f"{right} * {value}": f"{number} * {value}"}),
        )
        for whose, number, right, value in (
            ("The moves", "0.97", "moves.discount", "near"),
            ("The chunks", "0.97**4", "chunks.discount", "ahead"),
        )
    ),
    *(
        Misconception(
            f"The guide is the best chunk of the next state{so}.",
            "Only chunks that begin with this move: group chunk_q by chunks.move.",
            SWEEP(edit={_GUIDE: guide}),
        )
        for so, guide in (
            ("", "ahead[moves.next_state]"),
            (
                ", for moves that begin one",
                "np.where(np.isin(moves.move, chunks.move), ahead[moves.next_state], target)",
            ),
        )
    ),
    Misconception(
        "The chunk critic bootstraps from the one-step critic.",
        "Its own values at the state where the chunk ends.",
        SWEEP(
            edit={
                "ahead[chunks.next_state]": "largest(q, moves.state, states, 0)[chunks.next_state]",
            }
        ),
    ),
    Misconception(
        "The guide is the chunk critic after the sweep.",
        "Both critics read the values from before the sweep.",
        SWEEP(edit={_GUIDE: "largest(new_chunk_q, chunks.move, len(q), target)"}),
    ),
    Misconception(
        "The weights are 1 - weight and weight.",
        "(target + weight * guide) / (1 + weight): the minimum of error**2 + weight * distance**2.",
        SWEEP(edit={"(target + weight * guide) / (1 + weight)": "(1 - weight) * target + weight * guide"}),
    ),
    Misconception(
        "Target and guide are added up, and not divided by the sum of their weights.",
        "Divide by 1 + weight.",
        SWEEP(edit={" / (1 + weight)": ""}),
    ),
    Misconception(
        "The weight sits on the target.",
        "It is the guide's.",
        SWEEP(edit={"target + weight * guide": "weight * target + guide"}),
    ),
    Misconception(
        "A move with which no chunk begins is pulled to 0.",
        "No guide, no pull: it takes its target.",
        SWEEP(edit={_GUIDE: "largest(chunk_q, chunks.move, len(q), 0)"}),
    ),
    Misconception(
        "A move with which no chunk begins keeps its old value.",
        "No guide, no pull: it takes its target.",
        SWEEP(
            edit={
                "new_q = (target": "new_q = np.where(~np.isin(moves.move, chunks.move), q, (target",
                "/ (1 + weight)": "/ (1 + weight))",
            }
        ),
    ),
    Misconception(
        "A move is pulled towards its own old value where it has no chunk.",
        "No guide, no pull: it takes its target.",
        SWEEP(edit={_GUIDE: "largest(chunk_q, chunks.move, len(q), q)"}),
    ),
    Misconception(
        "The guide is the best chunk of the state, whatever its first move.",
        "Only chunks that begin with this move: chunks.move.",
        SWEEP(edit={_GUIDE: "np.where(np.isin(moves.state, chunks.state), ahead[moves.state], target)"}),
    ),
    Misconception(
        "The guide is the best chunk of the state, whatever its first move, for moves that begin one.",
        "Only chunks that begin with this move: group chunk_q by chunks.move, not by chunks.state.",
        SWEEP(edit={_GUIDE: "np.where(np.isin(moves.move, chunks.move), ahead[moves.state], target)"}),
    ),
    Misconception(
        "The guide is the best chunk of the state, whatever its first move, and 0 where none begins.",
        "Only chunks that begin with this move: group chunk_q by chunks.move. Without one: its target.",
        SWEEP(edit={_GUIDE: "ahead[moves.state]"}),
    ),
    Misconception(
        "Only the move with which the state's best chunk begins is pulled.",
        "Each move with which a chunk begins is pulled, towards the best of its own chunks.",
        SWEEP(edit={_GUIDE: f"{_GUIDE}\n    guide = np.where(guide == ahead[moves.state], guide, target)"}),
    ),
    *_misplaced(
        _mean,
        "Of {} the mean is taken, not the largest.",
        "One may choose how to go on: the largest of each group, np.maximum.at(most, groups, values).",
    ),
    *(
        Misconception(
            f"The larger of target and guide is taken{so}.",
            "It is a weighted mean: (target + weight * guide) / (1 + weight).",
            SWEEP(edit={"(target + weight * guide) / (1 + weight)": instead}),
        )
        for so, instead in (
            ("", "np.maximum(target, guide)"),
            (" wherever the weight is above 0", "np.maximum(target, guide) if weight > 0 else target"),
        )
    ),
    *(
        Misconception(
            f"Row by row: a later row of {of} reads what this sweep has written already.",
            "One sweep reads the values before it only: write into a new array.",
            by_rows(*how),
        )
        for of, how in (
            ("the moves", (False, False)),
            ("the moves, and the guide, too,", (False, True)),
            ("both tables", (True, False)),
            ("both tables, and the guide, too,", (True, True)),
        )
    ),
    *_misplaced(
        _last,
        "Of {} the last row is taken, not the largest: x[groups] = ... keeps one of several.",
        "np.maximum.at(most, groups, values) takes the largest of each group.",
    ),
    *_misplaced(
        _marked,
        "The largest of {} is still -np.inf where there is none, and goes into the sums.",
        "Replace it: by 0 in a state where nothing begins, by the target for a move without a chunk.",
    ),
    Misconception(
        "The chunks of a state are those that end there.",
        "Group the chunks by chunks.state, and read at chunks.next_state.",
        SWEEP(edit={"largest(chunk_q, chunks.state,": "largest(chunk_q, chunks.next_state,"}),
    ),
    Misconception(
        "The moves of a state are those that lead there.",
        "Group the moves by moves.state, and read at moves.next_state.",
        SWEEP(edit={"largest(q, moves.state,": "largest(q, moves.next_state,"}),
    ),
    Misconception(
        "The chunk critic looks at the state where a chunk begins, not where it ends.",
        "chunks.next_state.",
        SWEEP(edit={"ahead[chunks.next_state]": "ahead[chunks.state]"}),
    ),
    Misconception(
        "The one-step critic looks at the state where a move begins, not where it ends.",
        "moves.next_state.",
        SWEEP(edit={"near[moves.next_state]": "near[moves.state]"}),
    ),
    Misconception(
        "The chunk critic is discounted twice: chunks.discount is that of the whole chunk already.",
        "chunks.reward + chunks.discount * ...",
        SWEEP(edit={"chunks.discount * ahead": "chunks.discount**4 * ahead"}),
    ),
    Misconception(
        "The values of the chunks are not discounted.",
        "reward + discount * value.",
        SWEEP(edit={"chunks.discount * ahead": "ahead"}),
    ),
    Misconception(
        "There is no guide.",
        "(target + weight * guide) / (1 + weight).",
        SWEEP(edit={"new_q = (target + weight * guide) / (1 + weight)": "new_q = target"}),
    ),
    Misconception(
        "Values below 0 are lost: the maximum begins at 0.",
        "Begin at -np.inf.",
        SWEEP(edit={"np.full(count, -np.inf)": "np.zeros(count)"}),
    ),
    Misconception(
        "The smallest value is taken for the largest.",
        "np.maximum.at, from -np.inf on.",
        SWEEP(edit={"-np.inf": "np.inf", "np.maximum": "np.minimum"}),
    ),
    Misconception(
        "The values of the moves are not discounted.",
        "reward + discount * value.",
        SWEEP(edit={"moves.discount * near": "near"}),
    ),
    Misconception(
        "Both look at the state where they start, not where they end.",
        "next_state.",
        SWEEP(
            edit={
                "near[moves.next_state]": "near[moves.state]",
                "ahead[chunks.next_state]": "ahead[chunks.state]",
            }
        ),
    ),
    *(
        Misconception(
            f"A chunk whose old value is {those} is ignored, as if no chunk began with this move.",
            "It pulls, too. A move without a chunk is one whose maximum is still -np.inf.",
            SWEEP(edit={"new_q = (target": f"new_q = np.where(mark {sign} 0, target, (target", **marked}),
        )
        for those, sign in (("0", "=="), ("0 or less", "<="))
        for marked in [
            {
                _GUIDE: f"{_GUIDE}\n    mark = largest(chunk_q, chunks.move, len(q), 0)",
                "/ (1 + weight)": "/ (1 + weight))",
            }
        ]
    ),
    Misconception(
        "The guide pulls upwards only: where it lies below the target it is ignored.",
        "It pulls to both sides: (target + weight * guide) / (1 + weight).",
        SWEEP(edit={"weight * guide)": "weight * np.maximum(guide, target))"}),
    ),
    Misconception(
        "The chunk critic is pulled as well, towards the one-step critic.",
        "The pull is one-sided: the chunk critic is a plain backup.",
        SWEEP(
            edit={
                _BACKUP: "new_chunk_q = (chunks.reward + chunks.discount * ahead[chunks.next_state] "
                "+ weight * q[chunks.move]) / (1 + weight)"
            }
        ),
    ),
]

check_guided_sweep = Exercise(
    guided_sweep,
    _sweep_by_rows,
    _sweep_cases,
    _sweep_misconceptions,
    parts=("new_q", "new_chunk_q"),
    insight="The pull is a second target with its own weight: news from afar beside news from next door.",
)

# 4. Between data and world


def compose(key, step, data_starts, replay_starts, filled, size, plan):
    """Where a batch's rows come from (B,), the rows (B,), and whether the policy moves ()."""
    warm_up, share, fade = plan
    share = share * jnp.maximum(0, 1 - step / fade)
    share = jnp.where(filled > 0, share, 1)
    count = jnp.round(share * size)
    data_key, replay_key = jax.random.split(key)
    data = data_starts[jax.random.randint(data_key, (size,), 0, len(data_starts))]
    replay = replay_starts[jax.random.randint(replay_key, (size,), 0, jnp.maximum(filled, 1))]
    from_replay = jnp.arange(size) >= count
    return from_replay, jnp.where(from_replay, replay, data), step >= warm_up


def _compose_by_lists(key, step, data_starts, replay_starts, filled, size, plan):
    warm_up, share, fade = (float(number) for number in plan)
    left = share * max(0.0, 1 - int(step) / fade) if int(filled) else 1.0
    count = round(float(np.float32(left * size)))
    keys = jax.random.split(key)
    data = np.asarray(jax.random.randint(keys[0], (size,), 0, len(data_starts)))
    replay = np.asarray(jax.random.randint(keys[1], (size,), 0, max(int(filled), 1)))
    rows = [int(data_starts[data[i]]) if i < count else int(replay_starts[replay[i]]) for i in range(size)]
    return [i >= count for i in range(size)], rows, int(step) >= warm_up


def _compose_cases(rng):
    def case(step, filled, size, plan, many=9, room=12):
        data = 10 + np.sort(rng.permutation(4 * many)[:many])
        replay = 500 + np.sort(rng.permutation(4 * room)[:room])
        replay[filled:] = 0
        arrays = (jnp.asarray(x, jnp.int32) for x in (step, data, replay, filled))
        return jax.random.key(rng.integers(2**31)), *arrays, size, jnp.asarray(plan, jnp.float32)

    share = "The share does not depend on the warm-up: 0.5 * 10 = 5 rows are the data's."
    return [
        Case("half of 10, no warm-up, no end", case(40, 12, 10, (0, 0.5, np.inf)), "0.5 * 10 = 5."),
        Case(
            "nothing kept, and the replay holds rows at step 0 already",
            case(0, 12, 10, (0, 0.0, np.inf)),
            "A share of 0 and a replay that is not empty: all rows are the replay's.",
        ),
        Case(
            "the replay is half filled",
            case(25, 6, 10, (0, 0.2, np.inf)),
            "0.2 * 10 = 2: how much of the replay is filled does not matter, if it is not empty.",
        ),
        Case(
            "the replay is still empty at step 5",
            case(5, 0, 10, (0, 0.2, np.inf)),
            "All rows are the data's then. jnp.where(filled > 0, part, 1).",
        ),
        Case(
            "the replay is still empty, in the warm-up, when nothing is left of the share",
            case(60, 0, 10, (100, 0.2, 50.0)),
            "All rows are the data's then, whatever the plan says. jnp.where(filled > 0, part, 1).",
        ),
        Case("in the warm-up", case(99, 9, 10, (100, 0.5, np.inf)), share),
        Case("after the warm-up", case(100, 9, 10, (100, 0.5, np.inf)), share),
        Case(
            "the share has fallen to half",
            case(100, 60, 10, (50, 0.8, 200.0), room=80),
            "share * (1 - step / fade): 0.8 * (1 - 100 / 200) = 0.4, so 4 of 10.",
        ),
        Case(
            "the share has fallen to 0", case(300, 12, 10, (0, 0.8, 200.0)), "Not below 0 after `fade` steps."
        ),
        Case(
            "a share that has to be rounded",
            case(130, 7, 10, (30, 0.65, 1000.0)),
            "0.65 * (1 - 0.13) * 10 = 5.7: jnp.round gives 6.",
        ),
        Case(
            "half a row, which has to be rounded",
            case(40, 12, 10, (0, 0.25, np.inf)),
            "0.25 * 10 = 2.5: jnp.round gives the even neighbour, 2.",
        ),
        Case(
            "a share that has to be rounded down, in the warm-up",
            case(100, 7, 10, (130, 0.57, 1000.0)),
            "0.57 * (1 - 0.1) * 10 = 5.1: jnp.round gives 5.",
        ),
        Case(
            "a share that falls by a fifteenth in each step",
            case(5, 7, 10, (0, 1.0, 15.0)),
            "1 * (1 - 5 / 15) * 10 = 6.7: jnp.round gives 7.",
        ),
        Case(
            "one row in the replay",
            case(9, 1, 10, (0, 0.2, np.inf)),
            "A replay with one row is not empty: 0.2 * 10 = 2 rows are the data's, the others are this one.",
        ),
    ]


_TYPES = (
    ("bool", "A comparison gives truths: jnp.arange(size) >= count."),
    ("whole numbers", "Rows come from the two lists as they are: jnp.where(from_replay, replay, data)."),
    ("bool", "A comparison gives a truth: step >= warm_up."),
)


class _ByOutput(Exercise):
    """A case's own hint is that of `from_replay`; the other outputs, and a batch in disorder, have theirs.
    The outputs have types, too: rows are an index, and JAX's `or` takes truths alone."""

    def _named(self, result, about):
        named = super()._named(result, about)
        if not isinstance(named, dict):
            return named
        kinds = [np.asarray(value).dtype.kind.replace("u", "i") for value in result]
        if sorted(kinds) == sorted("bib"):  # all there; perhaps in another order, which is told elsewhere
            return named
        for value, part, kind, came, (wanted, so) in zip(
            result, self.parts, "bib", kinds, _TYPES, strict=True
        ):
            if came != kind:
                headline = f"{part} has the wrong type"
                got = str(np.asarray(value).dtype)
                return self._wrong(headline, **about, expected=wanted, got=got, next=so)
        return named

    def _compare(self, case, got, expected):
        right = lambda part: (
            got[part].shape == expected[part].shape and np.allclose(got[part], expected[part])
        )
        part = next((part for part in expected if not right(part)), "")
        if part and not case.about.endswith(_AGAIN) and got[part].shape == expected[part].shape:
            case = case._replace(hint=self._hint(part, case, got[part], expected[part], expected))
        return super()._compare(case, got, expected)

    def _hint(self, part, case, value, wanted, expected):
        if part == "moves":
            step, warm_up = int(case.args[1]), float(case.args[-1][0])
            still = "it moves" if step >= warm_up else "it stands still"
            return f"`moves` asks for the step alone: {step} of {warm_up:g}, so {still}. step >= warm_up."
        if part == "rows":
            replay, wrong = expected["from_replay"].astype(bool), value != wanted
            if (wrong & replay).any() and (wrong & ~replay).any():
                return (
                    "Rows of both kinds differ: the first key of jax.random.split(key) draws from the data, "
                    "the second from the replay, each B rows; then jnp.where(from_replay, replay, data)."
                )
            if (wrong & replay).any():
                return (
                    "Only the replay's rows differ: replay_starts[jax.random.randint(second key, (B,), 0, "
                    "limit)], where the limit is `filled`."
                )
            return (
                "Only the data's rows differ: data_starts[jax.random.randint(first key, (B,), 0, "
                "len(data_starts))]."
            )
        if (np.diff(value) < 0).any():
            return "The batch has an order: first the data's rows (False), then the replay's (True)."
        return f"The first jnp.round(part * B) entries are False, the others True. {case.hint}"


COMPOSE = lambda **changes: edited(compose, changes["edit"])
_PLAN = ("warm_up", "share", "fade")
_FADED = "share = share * jnp.maximum(0, 1 - step / fade)"
_EMPTY = "share = jnp.where(filled > 0, share, 1)"

_compose_misconceptions = [
    Misconception(
        "The fade shrinks the 1 of an empty replay, too.",
        "While the replay is empty, the data's part is 1, whatever the plan says.",
        edited(compose, {f"{_FADED}\n    {_EMPTY}": f"{_EMPTY}\n    {_FADED}"}),
    ),
    Misconception(
        "The share is rounded to rows before it fades, and not after.",
        "Round once, at the end: part * B.",
        edited(
            compose,
            {
                "count = jnp.round(share * size)": "count = share * size",
                "share = share *": "share = jnp.round(share * size) / size *",
            },
        ),
    ),
    Misconception(
        "Where the fade is infinite, the share is inf / inf, which is NaN.",
        "1 - step / fade is 1 there.",
        edited(compose, {"1 - step / fade": "(fade - step) / fade"}),
    ),
    *(
        Misconception(
            f"The plan is unpacked in another order: {', '.join(order)}.",
            "warm_up, share, fade = plan.",
            COMPOSE(edit={"warm_up, share, fade = plan": f"{', '.join(order)} = plan"}),
        )
        for order in list(itertools.permutations(_PLAN))[1:]
    ),
    Misconception(
        "The share is taken for the replay's.",
        "It is the data's: the first `count` rows are the data's.",
        COMPOSE(edit={"count = jnp.round(share * size)": "count = size - jnp.round(share * size)"}),
    ),
    Misconception(
        "The replay's rows come first.",
        "The data's rows come first.",
        COMPOSE(edit={"jnp.arange(size) >= count": "jnp.arange(size) < size - count"}),
    ),
    Misconception(
        "The share does not fall.",
        "share * max(0, 1 - step / fade).",
        COMPOSE(edit={"share * jnp.maximum(0, 1 - step / fade)": "share"}),
    ),
    Misconception(
        "The share falls with the rows of the replay, not with the steps.",
        "The lesson's plan counts steps: share * max(0, 1 - step / fade).",
        COMPOSE(edit={"1 - step / fade": "1 - filled / fade"}),
    ),
    Misconception(
        "The plan's share is ignored: it falls from 1.",
        "It begins at `share`: share * max(0, 1 - step / fade).",
        COMPOSE(edit={"share * jnp.maximum(0, 1 - step": "jnp.maximum(0, 1 - step"}),
    ),
    Misconception(
        "The share stays until `fade`, and is 0 after it.",
        "It falls in a straight line.",
        COMPOSE(edit={"jnp.maximum(0, 1 - step / fade)": "(step < fade)"}),
    ),
    Misconception(
        "The share begins to fall after the warm-up only.",
        "`fade` counts from the first online step.",
        COMPOSE(edit={"1 - step / fade": "1 - jnp.maximum(step - warm_up, 0) / fade"}),
    ),
    Misconception(
        "The share grows with the steps.",
        "It falls from `share` to 0.",
        COMPOSE(edit={"jnp.maximum(0, 1 - step / fade)": "jnp.minimum(1, step / fade)"}),
    ),
    Misconception(
        "From an empty replay rows are drawn that mean nothing.",
        "jnp.where(filled > 0, part, 1).",
        COMPOSE(edit={"jnp.where(filled > 0, share, 1)": "share"}),
    ),
    Misconception(
        "It asks whether this is the first step, not whether the replay is empty.",
        "jnp.where(filled > 0, part, 1).",
        COMPOSE(edit={"jnp.where(filled > 0, share, 1)": "jnp.where(step > 0, share, 1)"}),
    ),
    Misconception(
        "It draws from the data alone until the replay has as many rows as the batch.",
        "Only while the replay is empty: jnp.where(filled > 0, part, 1).",
        COMPOSE(edit={"jnp.where(filled > 0, share, 1)": "jnp.where(filled >= size, share, 1)"}),
    ),
    Misconception(
        "It draws from the data alone during the warm-up.",
        "The share does not depend on the warm-up.",
        COMPOSE(
            edit={"jnp.where(filled > 0, share, 1)": "jnp.where((filled > 0) & (step >= warm_up), share, 1)"}
        ),
    ),
    Misconception(
        "Rows of the replay are drawn that are not filled yet.",
        "The limit of randint is `filled`.",
        COMPOSE(edit={"jnp.maximum(filled, 1)": "len(replay_starts)"}),
    ),
    Misconception(
        "The newest filled row never comes up: randint's limit is excluded already.",
        "The limit is `filled`.",
        COMPOSE(edit={"jnp.maximum(filled, 1)": "jnp.maximum(filled - 1, 1)"}),
    ),
    Misconception(
        "The policy moves during the warm-up, and stands still after it.",
        "step >= warm_up.",
        COMPOSE(edit={"step >= warm_up": "step < warm_up"}),
    ),
    Misconception(
        "The policy begins one step late.",
        "From step warm_up on: >=.",
        COMPOSE(edit={"step >= warm_up": "step > warm_up"}),
    ),
    Misconception(
        "The policy stands still while the replay is empty, too.",
        "It moves as soon as step >= warm_up, whatever the replay holds.",
        COMPOSE(edit={"step >= warm_up": "(step >= warm_up) & (filled > 0)"}),
    ),
    Misconception(
        "The policy moves while the replay is empty, even in the warm-up.",
        "It moves as soon as step >= warm_up, whatever the replay holds.",
        COMPOSE(edit={"step >= warm_up": "(step >= warm_up) | (filled == 0)"}),
    ),
    Misconception(
        "The policy always moves: the warm-up is ignored.",
        "step >= warm_up.",
        COMPOSE(edit={"step >= warm_up": "step >= 0"}),
    ),
    Misconception(
        "The warm-up counts rows of the replay, not steps.",
        "step >= warm_up.",
        COMPOSE(edit={"step >= warm_up": "filled >= warm_up"}),
    ),
    Misconception(
        "The warm-up also stops the data: its batches are fresh ones alone.",
        "The share does not depend on the warm-up.",
        COMPOSE(
            edit={"count = jnp.round(share * size)": "count = jnp.round(share * size) * (step >= warm_up)"}
        ),
    ),
    Misconception(
        "Both draws use one key: the places in data and replay go together.",
        "data_key for the data, replay_key for the replay.",
        COMPOSE(edit={"data_key, replay_key = jax.random.split(key)": "data_key = replay_key = key"}),
    ),
    Misconception(
        "The keys are exchanged.",
        "The first key draws from the data, the second from the replay.",
        COMPOSE(edit={"data_key, replay_key =": "replay_key, data_key ="}),
    ),
    Misconception(
        "These are places in the lists of starts, not rows.",
        "data_starts[...] and replay_starts[...].",
        COMPOSE(
            edit={
                "data_starts[jax.random.randint(data_key, (size,), 0, len(data_starts))]": (
                    "jax.random.randint(data_key, (size,), 0, len(data_starts))"
                ),
                "replay_starts[jax.random.randint(replay_key, (size,), 0, jnp.maximum(filled, 1))]": (
                    "jax.random.randint(replay_key, (size,), 0, jnp.maximum(filled, 1))"
                ),
            }
        ),
    ),
    Misconception(
        "The number of the data's rows is cut off, not rounded.",
        "jnp.round(part * B).",
        COMPOSE(edit={"jnp.round(share": "jnp.floor(share"}),
    ),
    Misconception(
        "The share is rounded to whole rows before it falls, and the product once more.",
        "Round once, at the end: jnp.round(part * B).",
        COMPOSE(
            edit={
                "share = share * jnp.maximum(0, 1 - step / fade)": (
                    "share = jnp.round(share * size) / size * jnp.maximum(0, 1 - step / fade)"
                )
            }
        ),
    ),
    Misconception(
        "The share falls one step early: by step + 1.",
        "share * max(0, 1 - step / fade): at step 0 nothing has fallen yet.",
        COMPOSE(edit={"1 - step / fade": "1 - (step + 1) / fade"}),
    ),
    Misconception(
        "A replay with a single row is taken for empty.",
        "It is empty if `filled` is 0: jnp.where(filled > 0, part, 1).",
        COMPOSE(edit={"jnp.where(filled > 0, share, 1)": "jnp.where(filled > 1, share, 1)"}),
    ),
    Misconception(
        "The number of the data's rows is rounded up.",
        "jnp.round(part * B).",
        COMPOSE(edit={"jnp.round(share": "jnp.ceil(share"}),
    ),
    Misconception(
        "Half a row is always rounded up.",
        "jnp.round(part * B): of 2.5 it makes the even neighbour, 2.",
        COMPOSE(edit={"jnp.round(share * size)": "jnp.floor(share * size + 0.5)"}),
    ),
    Misconception(
        "The data have one row too many.",
        "Places 0 to count - 1 are the data's: from_replay is arange >= count.",
        COMPOSE(edit={"jnp.arange(size) >= count": "jnp.arange(size) > count"}),
    ),
    Misconception(
        "The two branches of jnp.where are exchanged: data's rows where from_replay is True.",
        "jnp.where(from_replay, replay, data).",
        COMPOSE(edit={"(from_replay, replay, data)": "(from_replay, data, replay)"}),
    ),
    Misconception(
        "The data's rows are drawn below `filled`, which is the replay's limit.",
        "The limit of the data is len(data_starts).",
        COMPOSE(edit={"0, len(data_starts))": "0, jnp.maximum(filled, 1))"}),
    ),
    Misconception(
        "It marks the rows of the data.",
        "True where a row is the replay's.",
        COMPOSE(edit={"return from_replay,": "return ~from_replay,"}),
    ),
]

check_compose = _ByOutput(
    compose,
    _compose_by_lists,
    _compose_cases,
    _compose_misconceptions,
    parts=("from_replay", "rows", "moves"),
    insight="Three numbers say how an agent goes from data to the world: how long it waits, how much data it "
    "keeps, and when that is gone.",
    compiled=True,
)
