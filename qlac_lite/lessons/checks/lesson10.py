"""Checks of lesson 10, beyond Q-chunking.

Shapes: B batch, S observation, H chunk, A action; C, P: actions that the whole and the partial critic take.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited, gradients
from qlac_lite.lessons.checks.exercise import last_case as last_case

# 1. Critics of two lengths


class Networks(NamedTuple):
    """What decoupled_loss calls."""

    whole: Callable  # params, observation (B, S), chunks (B, C, A) -> (B,)
    partial: Callable  # params, observation (B, S), chunks (B, C, A), of which it reads the first P -> (B,)
    value: Callable  # params, observation (B, S) -> (B,)


class Batch(NamedTuple):
    """Chunks of C actions."""

    observation: Array  # (B, S)
    actions: Array  # (B, C, A)
    returns: Array  # (B,), discounted, over the C steps
    discount: Array  # (B,), discount^C, or 0 where the episode ended
    next_observation: Array  # (B, S), C steps later


def decoupled_loss(networks, params, slow, batch, expectile):
    """The losses of whole critic, partial critic and value, added up."""
    whole = networks.whole(params["whole"], batch.observation, batch.actions)
    partial = networks.partial(params["partial"], batch.observation, batch.actions)
    value = networks.value(params["value"], batch.observation)
    target = batch.returns + batch.discount * networks.value(slow, batch.next_observation)

    def lean(error):
        weight = jnp.where(error > 0, expectile, 1 - expectile)
        return jnp.mean(weight * error**2)

    backup = jnp.mean((stop_gradient(target) - whole) ** 2)
    return backup + lean(stop_gradient(whole) - partial) + lean(stop_gradient(partial) - value)


def _joined(observation, chunks):
    return jnp.concatenate([observation, chunks.reshape(len(chunks), -1)], axis=1)


STEPS = 3  # of the chunks in the cases of decoupled_loss


def _toys(policy):
    """Linear networks; the partial critic reads `policy` actions."""
    whole = lambda params, observation, chunks: _joined(observation, chunks) @ params

    def partial(params, observation, chunks):
        if np.shape(chunks)[1:] != (STEPS, 2):
            raise TypeError(
                f"partial takes whole chunks, of shape (B, {STEPS}, 2), and got {np.shape(chunks)}. "
                "It chooses itself which of their actions it reads."
            )
        return _joined(observation, chunks[:, :policy]) @ params

    return Networks(whole, partial, lambda params, observation: observation @ params)


def _loss_cases(rng):
    def case(about, expectile, hint, ends=False, policy=1):
        actions = rng.uniform(-1, 1, size=(6, STEPS, 2))
        discount = np.where(np.arange(6) % 3 == 1, 0.0, 0.7) if ends else np.full(6, 0.7)
        seen, returns, following = rng.normal(size=(6, 2)), rng.normal(size=6), rng.normal(size=(6, 2))
        sizes = {"whole": 8, "partial": 2 + 2 * policy, "value": 2}
        params = {name: rng.normal(size=size) for name, size in sizes.items()}
        batch = Batch(seen, actions, returns, discount, following)
        return Case(about, (_toys(policy), params, rng.normal(size=2), batch, expectile), hint)

    return [
        case(
            "six chunks of 3, expectile 0.5",
            0.5,
            "Three means are added: the whole critic is regressed onto returns + discount * (the slow copy's "
            "value of next_observation), without weights; the partial critic onto the whole one; the value "
            "onto the partial one. With 0.5 both sides weigh 0.5: half the mean squared error.",
        ),
        case(
            "expectile 0.9",
            0.9,
            "error = what it regresses onto, minus what it says now. Where that is above 0 the weight is the "
            "expectile, elsewhere 1 - expectile. The mean is over the batch.",
        ),
        case(
            "the episode ends in every third chunk, the partial critic reads 2 actions",
            0.8,
            "returns + discount * value of next_observation, by the slow copy. batch.discount is that of the "
            "whole chunk, and 0 at an end.",
            ends=True,
            policy=2,
        ),
        case(
            "the partial critic reads all 3 actions",
            0.7,
            "It gets all C actions, and reads as many as it wants.",
            policy=3,
        ),
    ]


def _loss_numpy(networks, params, slow, batch, expectile):
    """In NumPy, with derivatives by hand: the loss, and its gradients in partial, value, whole and slow."""
    count, taken = len(batch.returns), (len(params["partial"]) - 2) // 2
    flat = lambda chunks: np.hstack([batch.observation, chunks.reshape(count, -1)])
    seen = {
        "whole": flat(batch.actions),
        "partial": flat(batch.actions[:, :taken]),
        "value": batch.observation,
    }
    says = {name: inputs @ params[name] for name, inputs in seen.items()}
    target = batch.returns + batch.discount * (batch.next_observation @ slow)
    error = {"whole": target - says["whole"], "partial": says["whole"] - says["partial"]}
    error["value"] = says["partial"] - says["value"]
    weight = {name: np.abs((each < 0) - expectile) for name, each in error.items()} | {
        "whole": np.ones(count)
    }
    loss = sum(np.mean(weight[name] * error[name] ** 2) for name in error)
    order = ("partial", "value", "whole")  # as JAX orders a dictionary
    slopes = [-2 * (weight[name] * error[name]) @ seen[name] / count for name in order]
    return loss, *slopes, np.zeros_like(slow)


def _lost(name, remedy, **changes):
    return Misconception(name, remedy, edited(decoupled_loss, changes["edit"]))


_BACKUP, _DISTIL = "jnp.mean((stop_gradient(target) - whole) ** 2)", "lean(stop_gradient(whole) - partial)"
_VALUE = "lean(stop_gradient(partial) - value)"
_UP = {_DISTIL: "lean(stop_gradient(partial) - whole)"}
_DOWN = {_VALUE: "lean(stop_gradient(value) - partial)"}
_SUM = f"backup + {_DISTIL} + {_VALUE}"
_loss_misconceptions = [
    _lost(
        "The gradient goes through the backup's target, into the slow copy.",
        "stop_gradient(target).",
        edit={"stop_gradient(target)": "target"},
    ),
    _lost(
        "The partial critic pulls the whole one along.",
        "The whole critic stands still where the partial one regresses onto it.",
        edit={"stop_gradient(whole)": "whole"},
    ),
    _lost(
        "The value pulls the partial critic along.",
        "The partial critic stands still where the value regresses onto it.",
        edit={"stop_gradient(partial)": "partial"},
    ),
    _lost(
        "No gradient is stopped.",
        "Three stops, one at each target.",
        edit={
            "stop_gradient(target)": "target",
            "stop_gradient(whole)": "whole",
            "stop_gradient(partial)": "partial",
        },
    ),
    _lost(
        "The expectile leans to the wrong side; the partial critic learns the worse continuations.",
        "error = target - prediction, and the weight is the expectile where the error is above 0.",
        edit={"error > 0": "error < 0"},
    ),
    _lost(
        "Both sides weigh the same.",
        "expectile above 0, 1 - expectile below.",
        edit={"weight * error**2": "0.5 * error**2"},
    ),
    _lost(
        "Both sides weigh 1.",
        "expectile above 0, 1 - expectile below.",
        edit={"weight * error**2": "error**2"},
    ),
    _lost(
        "The distance, not its square: a quantile, not an expectile.",
        "weight * error ** 2.",
        edit={"weight * error**2": "weight * jnp.abs(error)"},
    ),
    _lost(
        "The weight is squared, too.",
        "weight * error ** 2.",
        edit={"weight * error**2": "(weight * error) ** 2"},
    ),
    _lost(
        "The weight below 0 is 1, not 1 - expectile.",
        "1 - expectile.",
        edit={"expectile, 1 - expectile": "expectile, 1.0"},
    ),
    _lost(
        "The errors are summed.",
        "jnp.mean, over the batch.",
        edit={"jnp.mean(weight": "jnp.sum(weight", "jnp.mean((stop": "jnp.sum((stop"},
    ),
    _lost(
        "The backup leans, too.",
        "The whole critic has a plain squared error: it learns what its chunk earns on average.",
        edit={_BACKUP: "lean(stop_gradient(target) - whole)"},
    ),
    _lost(
        "The backup asks the value that is being trained.",
        "The slow copy: networks.value(slow, ...).",
        edit={"networks.value(slow": 'networks.value(params["value"]'},
    ),
    _lost(
        "The backup asks the value that is being trained, and pulls it along.",
        "The slow copy, networks.value(slow, ...), and stop_gradient around the target.",
        edit={"networks.value(slow": 'networks.value(params["value"]', "stop_gradient(target)": "target"},
    ),
    _lost(
        "The backup has a factor of 0.5.",
        "The plain arrow is a mean squared error, without a weight.",
        edit={_BACKUP: "0.5 * " + _BACKUP},
    ),
    *(
        _lost(f"The three losses are {how}.", "They are added.", edit={_SUM: f"({_SUM}) / {count}"})
        for how, count in (("averaged", 3), ("added, and halved", 2))
    ),
    _lost(
        "The value regresses onto the backup's target.",
        "Onto the partial critic: it is to say what the policy's actions are worth.",
        edit={"stop_gradient(partial) - value": "stop_gradient(target) - value"},
    ),
    _lost(
        "The backup asks for the value before the chunk.",
        "batch.next_observation.",
        edit={"batch.next_observation": "batch.observation"},
    ),
    _lost(
        "What follows is not discounted, nor cut where the episode ends.",
        "batch.discount times the value.",
        edit={"batch.discount * ": ""},
    ),
    _lost(
        "What follows is discounted twice.",
        "batch.discount is already that of the whole chunk, and 0 at an end.",
        edit={"batch.discount *": "batch.discount ** batch.actions.shape[1] *"},
    ),
    _lost(
        "The backup asks the partial critic about the next state.",
        "The value: networks.value(slow, batch.next_observation). The actions that follow are not known.",
        edit={
            "networks.value(slow, batch.next_observation)": (
                'networks.partial(params["partial"], batch.next_observation, batch.actions)'
            )
        },
    ),
    _lost(
        "The weights are divided by their sum.",
        "The mean of weight * error ** 2 over the batch, as in the formula.",
        edit={"jnp.mean(weight * error**2)": "jnp.sum(weight * error**2) / jnp.sum(weight)"},
    ),
    _lost("The returns are missing.", "returns + discount * value.", edit={"batch.returns + ": ""}),
    _lost(
        "The partial critic regresses onto the backup's target.",
        "Onto the whole critic, which has averaged the noise out.",
        edit={"stop_gradient(whole) - partial": "stop_gradient(target) - partial"},
    ),
    _lost(
        "The value regresses onto the whole critic.",
        "The value is regressed onto the partial critic, which the policy obeys.",
        edit={"stop_gradient(partial) - value": "stop_gradient(whole) - value"},
    ),
    _lost(
        "The value regresses onto the whole critic, and pulls it along.",
        "The value is regressed onto the partial critic, which the policy obeys; and that stands still.",
        edit={"stop_gradient(partial) - value": "whole - value"},
    ),
    *(
        _lost(
            f"{which} reversed: {what}.",
            "An arrow points from the target, which stands still, to the prediction, which moves: the "
            "partial critic is drawn to the whole one, the value to the partial one.",
            edit=changes,
        )
        for which, what, changes in (
            ("An arrow is", "the whole critic learns from the partial one", _UP),
            ("An arrow is", "the partial critic learns from the value", _DOWN),
            (
                "Both kappa-arrows are",
                "the partial critic learns from the value, the whole one from the partial one",
                _UP | _DOWN,
            ),
        )
    ),
    _lost("The backup is missing.", "Three losses are added.", edit={"return backup + ": "return "}),
    _lost("The partial critic's loss is missing.", "Three losses are added.", edit={" + " + _DISTIL: ""}),
    _lost("The value's loss is missing.", "Three losses are added.", edit={" + " + _VALUE: ""}),
]

check_decoupled_loss = Exercise(
    decoupled_loss,
    _loss_numpy,
    _loss_cases,
    _loss_misconceptions,
    compiled=True,
    observe=gradients(params=1, slow=2),
    observed="The loss agrees, its gradient does not. An arrow moves what it points to, and nothing else: "
    "stop_gradient around each of the three targets, and around no prediction.",
    insight="No policy appears in it: nothing is sampled while the critics train.",
)


# 2. How long?


def execute_until_drop(value, step, state, chunk, most, discount, margin):
    """Executes a chunk (H, A) until going on is worth less than was promised, by more than a margin."""

    def goes_on(carry):
        k, state, promise = carry
        return (k < most) & (value(state, chunk[k]) >= promise - margin)

    def act(carry):
        k, state, promise = carry
        state, reward = step(state, chunk[k])
        return k + 1, state, (promise - reward) / discount

    first = value(state, chunk[0])
    k, state, _ = jax.lax.while_loop(goes_on, act, (jnp.int32(0), state, first))
    return state, k


def _drop_in_python(value, step, state, chunk, most, discount, margin):
    """The same in a Python loop, of which the wrong answers are edits."""
    promise, k = value(state, chunk[0]), 0
    while k < most:
        now = value(state, chunk[k])
        if now < promise - margin:
            break
        state, reward = step(state, chunk[k])
        promise = (promise - reward) / discount
        k = k + 1
    return state, k


def _undiscounted(value, step, state, chunk, most, discount, margin):
    """Adds temporal-difference errors up as they are."""
    total, k = 0.0, 0
    while k < most and total >= -margin:
        before = value(state, chunk[k])
        state, reward = step(state, chunk[k])
        k = k + 1
        total += reward + discount * value(state, chunk[min(k, len(chunk) - 1)]) - before
    return state, k


def _starts_again(value, step, state, chunk, most, discount, margin):
    """Leaves out the actions that are worth too little, and goes on with those behind them."""
    promise, count = value(state, chunk[0]), 0
    for action in chunk[: int(most)]:
        if value(state, action) >= promise - margin:
            state, reward = step(state, action)
            promise, count = (promise - reward) / discount, count + 1
    return state, count


def _plain(*values):
    return jnp if any(isinstance(value, jax.core.Tracer) for value in values) else np


class Watched(NamedTuple):
    """A small world whose value falls now and then. A state is (3,); its last number is the time."""

    worth: np.ndarray  # (9,) the value of each time
    pays: np.ndarray  # (9,) the reward of each time

    def __repr__(self):
        return "a toy world"

    def value(self, state, action):
        if np.shape(action) != (2,):
            raise TypeError(f"value takes a state and one action, of shape (2,), and got {np.shape(action)}")
        xp = _plain(state, action)
        self._ends(state, xp)
        return xp.asarray(self.worth)[state[2].astype(int)] + 0.25 * state[0] + 0.25 * action[0]

    def _ends(self, state, xp):
        if xp is np and state[2] >= len(self.worth):
            raise TimeoutError(
                f"{int(state[2])} actions were executed: the loop does not end. Does the count grow, "
                "and do both conditions have to hold (&)?"
            )

    def step(self, state, action):
        if np.shape(action) != (2,):
            raise TypeError(f"step takes one action, of shape (2,), and got {np.shape(action)}")
        xp = _plain(state, action)
        self._ends(state, xp)
        moved = xp.asarray([0.9 * state[0] + 0.1 * action[1], state[1] + action[0], state[2] + 1])
        return moved, xp.asarray(self.pays)[state[2].astype(int)]


_DROP = {
    "the promise does not grow": {" / discount": ""},
    "the promise shrinks": {" / discount": " * discount"},
    "rewards are not paid": {"promise - reward": "promise"},
    "rewards are added": {"promise - reward": "promise + reward"},
    "discount first": {"(promise - reward) / discount": "promise / discount - reward"},
    "asked anew": {"(promise - reward) / discount": "value(state, chunk[min(k + 1, len(chunk) - 1)])"},
    "never stops": {"now < promise - margin": "False"},
    "strictly": {"now < promise - margin": "now <= promise - margin"},
    "renewed": {"promise = (promise": "promise = (now"},
    "never renewed": {"promise = (promise - reward) / discount": "promise = promise"},
    "from the start": {
        "promise, k = value(state, chunk[0]), 0": "start = value(state, chunk[0])\n    promise, k = start, 0",
        "(promise - reward)": "(start - reward)",
    },
    "no margin": {"promise - margin": "promise"},
    "margin above": {"promise - margin": "promise + margin"},
    "relative": {"promise - margin": "promise * (1 - margin)"},
    "absolute": {"now < promise - margin": "abs(now - promise) > margin"},
    "rises": {"now < promise - margin": "now > promise + margin"},
    "first action": {"now = value(state, chunk[k])": "now = value(state, chunk[0])"},
    "action before": {"now = value(state, chunk[k])": "now = value(state, chunk[max(k - 1, 0)])"},
    "action before, round": {"now = value(state, chunk[k])": "now = value(state, chunk[k - 1])"},
    "old state": {
        "promise, k = value": "before = state\n    promise, k = value",
        "now = value(state, chunk[k])": "now = value(before, chunk[k])",
        "state, reward = step": "before = state\n        state, reward = step",
    },
    "later": {"if now < promise - margin:": "if k > 1 and now < promise - margin:"},
    "strictly, but for the first": {"now < promise - margin": "k and now <= promise - margin"},
    "first one not paid": {"/ discount": "/ discount if k else promise"},
    "only up": {
        "promise = (promise - reward) / discount": (
            "promise = max((promise - reward) / discount, value(state, chunk[min(k + 1, len(chunk) - 1)]))"
        )
    },
    "margin once": {
        "value(state, chunk[0]), 0": "value(state, chunk[0]) - margin, 0",
        "promise - margin": "promise",
    },
    "action after": {
        "now = value(state, chunk[k])": "now = value(state, chunk[min(k + 1, len(chunk) - 1)])",
        "if now <": "if k and now <",
    },
    "action after, at once": {
        "now = value(state, chunk[k])": "now = value(state, chunk[min(k + 1, len(chunk) - 1)])"
    },
    "no limit": {"k < most": "k < len(chunk)"},
    "renewed, last action": {"promise = (promise": "promise = (value(state, chunk[k])"},
    "at least 0": {"(promise - reward) / discount": "max((promise - reward) / discount, 0.0)"},
    "at most 1": {"(promise - reward) / discount": "min((promise - reward) / discount, 1.0)"},
}


_DROPS = {name: edited(_drop_in_python, changes) for name, changes in _DROP.items()}
_DROPS |= {"undiscounted": _undiscounted, "starts again": _starts_again}


def _drop_cases(rng):
    """Cases that tell all the wrong answers apart by their counts."""
    while True:
        cases = _drawn_drops(rng)
        counts = {_counts(_drop_in_python, cases)} | {_counts(other, cases) for other in _DROPS.values()}
        if len(counts) == 1 + len(_DROPS) - 1:  # "asked anew" never stops, either
            arrays = lambda args: (*args[:2], *(jnp.asarray(a, jnp.float32) for a in args[2:4]), *args[4:])
            return [case._replace(args=arrays(case.args)) for case in cases]  # index by tracers


def _counts(execute, cases):
    return tuple(int(execute(*case.args)[1]) for case in cases)


def _drawn_drops(rng):
    exactly = lambda values: np.round(np.asarray(values) * 64) / 64  # in float32, however they are added

    def case(
        about,
        length,
        most,
        margin,
        hint,
        count,
        rewards=0.0,
        unlike=(),
        apart=(),
        deep=False,
        tie=False,
        sign=1,
    ):
        """Values around the promise until `count` actions are done, and then one that is too low; if it is
        `deep`, after a reward of 0.1, each is lower than another wrong promise. With a `tie`, the second
        action has just the value that was promised: no number is rounded until then. With a `sign` of -1 it
        begins below 0."""
        while True:
            world, discount = Watched(np.zeros(9), rng.choice([0.0, rewards], size=9)), 0.5 if tie else 0.8
            state, chunk = np.append(rng.normal(size=2), 0.0), rng.uniform(-1, 1, size=(length, 2))
            state, chunk = exactly(state), exactly(chunk)
            state[0], chunk[0, 1] = (0, 0) if tie else (state[0], chunk[0, 1])
            now, promise = state, sign * exactly(rng.uniform(0.8, 1.2))
            begun, world.pays[0] = promise, 0.1 if deep else world.pays[0]
            for k in range(length):
                near = rng.choice([-0.93, -0.4, 0.3, 1.4]) * rng.uniform(0.95, 1.02) * min(margin, 0.4)
                near = near if margin else rng.uniform(0.02, 0.3)
                wanted = promise + (near * (k > tie) if k != count else -margin - rng.uniform(0.02, 0.15))
                wanted = begun * (0.85, 0.62, 0.1)[k - 1] if deep and k else wanted
                world.worth[k] = wanted - world.value(now, chunk[k])
                now, reward = world.step(now, chunk[k])
                promise = (promise - reward) / discount
            args = (world.value, world.step, state, chunk, np.asarray(most, np.int32), discount, margin)
            done = lambda name, args=args: _DROPS[name](*args)[1]
            if (
                _drop_in_python(*args)[1] == count
                and all(done(name) != count for name in unlike)
                and all(done(one) != done(other) for one, other in apart)
            ):
                return Case(about, args, hint)

    drops = (
        "The value of going on with chunk[k] against promise - margin; after an action, "
        "promise = (promise - reward) / discount."
    )
    return [
        case(
            "4 actions, and nothing is too low",
            *(4, 4, np.inf),
            "All `most` actions are executed. jax.lax.while_loop(goes_on, act, (0, state, promise)).",
            4,
        ),
        case("6 actions, at most 3", *(6, 3, np.inf), "Stop after `most` actions.", 3),
        case(
            "5 actions; the value falls soon",
            *(5, 5, 0.1),
            drops,
            1,
            unlike=("the promise does not grow", "the promise shrinks", "later"),
        ),
        case(
            "4 actions; the value falls deep after a reward",
            *(4, 4, 0.1),
            drops,
            1,
            deep=True,
            unlike=("the promise shrinks",),
        ),
        case(
            "5 actions and a margin of 0; the first two have just the value that was promised",
            *(5, 5, 0.0),
            "Go on if the value of chunk[k] is at least the promise - margin: >=.",
            2,
            unlike=("strictly", "strictly, but for the first", "action after"),
            tie=True,
        ),
        case(
            "7 actions, some of them rewarded",
            *(7, 7, 0.25),
            drops,
            4,
            rewards=0.3,
            unlike=("rewards are not paid", "rewards are added", "renewed", "discount first", "undiscounted"),
            apart=(
                ("never renewed", "first one not paid"),
                ("relative", "margin once"),
                ("renewed", "only up"),
            ),
        ),
        case(
            "7 actions, some of them with a small reward; the value begins below 0",
            *(7, 7, 0.25),
            drops,
            5,
            rewards=0.1,
            sign=-1,
            unlike=("at least 0",),
            apart=(("rewards are added", "rewards are not paid"), ("rewards are not paid", "discount first")),
        ),
        case(
            "6 actions; small drops are within the margin",
            *(6, 6, 0.3),
            drops + " The value is asked about the action that comes next, chunk[k].",
            3,
            unlike=("first action", "action before", "absolute", "no margin", "relative", "never renewed"),
            apart=(("first action", "action before"),),
        ),
    ]


class Parts(NamedTuple):
    """The state of `Watched` as the lesson's grippers have theirs."""

    place: jnp.ndarray  # (2,)
    time: jnp.ndarray  # ()


def _count_in_parts(answer, args):
    """What an answer counts where the state is a NamedTuple."""
    value, step, state, *rest = args
    apart = lambda state: Parts(jnp.asarray(state)[:2], jnp.asarray(state)[2])
    whole = lambda parts: jnp.append(parts.place, parts.time)

    def step_parts(parts, action):
        state, reward = step(whole(parts), action)
        return apart(state), reward

    both = answer(lambda parts, action: value(whole(parts), action), step_parts, apart(state), *rest)
    count = next(each for each in both[::-1] if not isinstance(each, Parts))  # in whatever order
    return {"count where the state is a NamedTuple": np.asarray(count, float)}


def _drop_and_in_parts(*args):
    return *_drop_in_python(*args), *_count_in_parts(_drop_in_python, args).values()


_CLAMPED = "value(state, (chunk := [*chunk, chunk[-1]])[k])"  # as JAX reads behind the end
_PAY = "After an action: promise = (promise - reward) / discount."
check_execute_until_drop = Exercise(
    execute_until_drop,
    _drop_and_in_parts,
    _drop_cases,
    [
        Misconception(
            "The promise is not divided by the discount.", _PAY, _DROPS["the promise does not grow"]
        ),
        Misconception("The promise is multiplied by the discount.", _PAY, _DROPS["the promise shrinks"]),
        Misconception("What was earned stays in the promise.", _PAY, _DROPS["rewards are not paid"]),
        Misconception("What was earned is added to the promise.", _PAY, _DROPS["rewards are added"]),
        Misconception(
            "The reward is subtracted after the discount.",
            "The reward was promised at the old moment: first subtract, then divide.",
            _DROPS["discount first"],
        ),
        Misconception(
            "It never stops before `most`: the value is compared with itself, or with nothing.",
            "The promise is a number that is carried on. " + _PAY,
            _DROPS["asked anew"],
        ),
        Misconception(
            "A value that is just what was promised stops the chunk: with a margin of 0 nothing is executed.",
            "At least the promise - margin: >=.",
            _DROPS["strictly"],
        ),
        Misconception(
            "A value that is just what was promised stops the chunk after the first action.",
            "At least the promise - margin: >=.",
            _DROPS["strictly, but for the first"],
        ),
        Misconception(
            "The promise is made anew after each action: slow falls are never noticed.",
            "The promise is that of the chunk's start: carry it on.",
            _DROPS["renewed"],
        ),
        Misconception("The promise stays what it was at the start.", _PAY, _DROPS["never renewed"]),
        Misconception(
            "The promise is always made from that of the start: it knows one action only.",
            "Carry it on. " + _PAY,
            _DROPS["from the start"],
        ),
        Misconception(
            "The first action leaves the promise as it was.",
            "It, too: promise = (promise - reward) / discount.",
            _DROPS["first one not paid"],
        ),
        Misconception(
            "The promise is raised to the value where that is higher: a value that comes down again to what "
            "was promised at the start stops the chunk.",
            "The promise knows only its start, the rewards and the discount. " + _PAY,
            _DROPS["only up"],
        ),
        Misconception(
            "The margin is taken off once, at the start: it grows with the promise.",
            "promise - margin, anew before each action.",
            _DROPS["margin once"],
        ),
        *(
            Misconception(
                f"The value is that of the action after the next one{even}.",
                "Ask about the action that comes next: chunk[k], if k actions were executed.",
                _DROPS[name],
            )
            for name, even in (("action after", ""), ("action after, at once", ", even before the first one"))
        ),
        Misconception(
            "Temporal-difference errors are added up without the discount.",
            "An error of k steps ago counts 1 / discount ** k times now: divide the sum at each step.",
            _undiscounted,
        ),
        *(
            Misconception(
                f"The promise is cut: it is at {bound}.",
                "A promise may be any number. " + _PAY,
                _DROPS[f"at {bound}"],
            )
            for bound in ("least 0", "most 1")
        ),
        Misconception(
            "The promise is made anew from the value of the action that was executed, in the new state.",
            "The promise is that of the chunk's start: carry it on.",
            _DROPS["renewed, last action"],
        ),
        Misconception(
            "The value is always asked in the state of the chunk's start.",
            "Ask in the state that is carried along, as it is after the last executed action.",
            edited(
                _drop_in_python,
                {
                    "promise, k = value": "begun = state\n    promise, k = value",
                    "now = value(state,": "now = value(begun,",
                },
            ),
        ),
        Misconception(
            "After an action that is worth too little it goes on with the next one.",
            "The first drop ends the chunk: nothing behind it is executed.",
            _starts_again,
        ),
        Misconception("The margin is missing.", "promise - margin.", _DROPS["no margin"]),
        Misconception("The margin is added to the promise.", "promise - margin.", _DROPS["margin above"]),
        Misconception("The margin is a share of the promise.", "promise - margin.", _DROPS["relative"]),
        Misconception(
            "A value that is much higher stops the chunk, too.", "Only a drop counts.", _DROPS["absolute"]
        ),
        Misconception("It stops where the value rises.", "value < promise - margin.", _DROPS["rises"]),
        Misconception(
            "The value is always that of the chunk's first action.", "chunk[k].", _DROPS["first action"]
        ),
        Misconception(
            "The value is that of the action before.",
            "In the new state, ask about the action that comes next: if chunk[k] was the last, chunk[k + 1].",
            _DROPS["action before"],
        ),
        Misconception(
            "The value is that of the action before, and at the chunk's start of its last action: chunk[-1].",
            "Ask about the action that comes next: chunk[k].",
            _DROPS["action before, round"],
        ),
        Misconception(
            "The next action's value is asked in the old state, in which the last action was executed.",
            "Ask in the new state: first step, then value(new state, chunk[k]).",
            _DROPS["old state"],
        ),
        Misconception(
            "The value is first compared before the third action.", "Before each action.", _DROPS["later"]
        ),
        Misconception(
            "The whole chunk may be executed; `most` is not used.", "k < most.", _DROPS["no limit"]
        ),
        *(
            Misconception(
                f"One action {how} is counted.",
                "Return how many were executed.",
                edited(_drop_in_python, {"return state, k": f"return state, k {sign} 1"}),
            )
            for how, sign in (("more", "+"), ("fewer", "-"))
        ),
        Misconception(
            "One action more than `most` is executed.",
            "If k actions were executed, go on while k < most: not <=.",
            edited(_drop_in_python, {"k < most": "k <= most", "value(state, chunk[k])": _CLAMPED}),
        ),
        Misconception(
            "One action fewer than `most` is executed.",
            "If k actions were executed, go on while k < most.",
            edited(_drop_in_python, {"k < most": "k < most - 1"}),
        ),
        Misconception(
            "The state before the last action is returned.",
            "The state after all executed actions.",
            edited(
                _drop_in_python,
                {
                    "state, reward = step": "before = state\n        state, reward = step",
                    "return state, k": "return before, k",
                },
            ),
        ),
        Misconception(
            "The state from before the chunk is returned.",
            "Carry the state on.",
            edited(
                _drop_in_python,
                {
                    "promise, k = value": "first = state\n    promise, k = value",
                    "return state, k": "return first, k",
                },
            ),
        ),
        Misconception(
            "The action at which the value fell is still executed.",
            "Look before you act.",
            edited(
                _drop_in_python, {"            break": "            return step(state, chunk[k])[0], k + 1"}
            ),
        ),
        Misconception(
            "It stops for good at the first drop, but goes on counting.",
            "k counts executed actions.",
            edited(_drop_in_python, {"return state, k": "return state, int(most)"}),
        ),
    ],
    parts=("state", "count"),
    first=("count",),
    compiled=True,
    untraced="state, value and `most` are traced: in place of Python's while, for or if, "
    "jax.lax.while_loop(goes_on, act, carry), with goes_on of jnp and &.",
    loops=True,
    observe=_count_in_parts,
    observing=(
        "where the state is a NamedTuple of arrays, as below",
        "Carry the state whole. To choose between two states: jax.tree.map over them.",
    ),
    insight="What it watches is lesson 02's temporal-difference error, added up over the chunk; each is "
    "divided by gamma once for every step since.",
)


# 3. Acting while thinking


def guided_chunks(field, observation, key, planned, weight, steps, g_max):
    """Chunks (B, H, A) of a flow that is drawn towards `planned` (B, H, A) by `weight` (H,)."""
    x = jax.random.normal(key, planned.shape)
    for k in range(steps):
        t = k / steps

        def guess(x, t=t):
            velocity = field(observation, x, jnp.full(len(x), t))
            return x + (1 - t) * velocity, velocity

        end, pull_back, velocity = jax.vjp(guess, x, has_aux=True)
        error = weight[:, None] * (planned - end)
        (correction,) = pull_back(error)
        gain = min(g_max, (t**2 + (1 - t) ** 2) / (t * (1 - t))) if k else g_max
        x = x + (velocity + gain * correction) / steps
    return jnp.clip(x, -1, 1)


class Field(NamedTuple):
    """A vector field of chunks (B, H, A) whose entries know of each other."""

    mixes: np.ndarray  # (H * A, H * A)
    sees: np.ndarray  # (S, H * A)

    def __repr__(self):
        return "a toy field"

    def __call__(self, observation, x, time):
        if np.shape(time) != np.shape(x)[:1]:
            raise TypeError(f"a field takes one time for each row, (B,), and got {np.shape(time)}")
        inner = x.reshape(len(x), -1) @ self.mixes + observation @ self.sees
        return jnp.tanh(inner + time[:, None]).reshape(x.shape)


def _guided_numpy(field, observation, key, planned, weight, steps, g_max):
    """In NumPy, with the derivative of the field by hand."""
    x = np.asarray(jax.random.normal(key, planned.shape), float).reshape(len(planned), -1)
    for k in range(steps):
        t = k / steps
        velocity = np.tanh(x @ field.mixes + observation @ field.sees + t)
        error = np.repeat(weight, planned.shape[2]) * (planned.reshape(x.shape) - x - (1 - t) * velocity)
        correction = error + (1 - t) * (error * (1 - velocity**2)) @ field.mixes.T
        gain = g_max if k == 0 else min(g_max, (t**2 + (1 - t) ** 2) / (t * (1 - t)))
        x = x + (velocity + gain * correction) / steps
    return np.clip(x, -1, 1).reshape(planned.shape)


def _guided_cases(rng):
    def case(about, weight, steps, g_max, hint):
        horizon = len(weight)
        field = Field(
            0.5 * rng.normal(size=(2 * horizon, 2 * horizon)), 0.5 * rng.normal(size=(3, 2 * horizon))
        )
        key = jax.random.key(int(rng.integers(2**31)))
        planned = rng.uniform(-0.6, 0.6, size=(2, horizon, 2))
        return Case(
            about, (field, rng.normal(size=(2, 3)), key, planned, np.array(weight), steps, g_max), hint
        )

    return [
        case(
            "weight 0 everywhere, 2 steps",
            [0.0, 0.0, 0.0],
            2,
            5.0,
            "With weights of 0 only noise, times, Euler steps and the clip are left: normal noise from the "
            "key as it is, times 0 and 1 / 2. At time 0 the gain is g_max, without the fraction.",
        ),
        case(
            "1 step, the first of three actions held",
            [1.0, 0.0, 0.0],
            1,
            0.6,
            "New here is the correction at t = 0. Go through its parts: what is compared, what weighs it, "
            "what carries it back to x, which gain.",
        ),
        case(
            "4 steps, soft weights",
            [1.0, 0.5, 0.0],
            4,
            0.9,
            "New here: a weight between 0 and 1, and times after t = 0. Go through both in the formula.",
        ),
        case(
            "5 steps, a gain that is never cut but at the start",
            [0.3, 0.1],
            5,
            4.5,
            "New here: no weight is 1 or 0, and after t = 0 the gain is never cut.",
        ),
    ]


def _guide(changes):
    return edited(guided_chunks, changes)


def _overwritten(field, observation, key, planned, weight, steps, g_max):
    """Without guidance: the plan is written over the steps that are held. Wrong answers are edits of it."""
    noise = jax.random.normal(key, planned.shape)
    held, x = weight[:, None] > 0, noise
    for k in range(steps):
        t = k / steps
        x = x + field(observation, x, jnp.full(len(x), t)) / steps
        x = jnp.where(held, planned, x)
    return jnp.clip(x, -1, 1)


_LINE = """x = jnp.where(held, (1 - t) * noise + t * planned, x)
        x = x + field(observation, x, jnp.full(len(x), t)) / steps"""
_FREE_STEPS = "The free steps do not know what they have to fit: pull the error back to x, for all steps."


_GAIN = "min(g_max, (t**2 + (1 - t) ** 2) / (t * (1 - t))) if k else g_max"
_PULL, _EULER = "(correction,) = pull_back(error)", "x = x + (velocity + gain * correction) / steps"
_CLIPPED = "x = jnp.clip(x + (velocity + gain * correction) / steps, -1, 1)"
check_guided_chunks = Exercise(
    guided_chunks,
    _guided_numpy,
    _guided_cases,
    [
        Misconception(
            "The plan is not used.", "Add gain * correction.", _guide({" + gain * correction": ""})
        ),
        Misconception(
            "The error itself is the correction; it is not pulled back through the field.",
            "(correction,) = pull_back(error).",
            _guide({"(correction,) = pull_back(error)": "correction = error"}),
        ),
        Misconception(
            "The plan is compared with x, and not with where x is going.",
            "planned - end, with end = x + (1 - t) * velocity.",
            _guide({"planned - end": "planned - x"}),
        ),
        Misconception(
            "It is pushed away from the plan.", "planned - end.", _guide({"planned - end": "end - planned"})
        ),
        Misconception(
            "The end is looked for at x + t * velocity.",
            "1 - t of the way is left.",
            _guide({"x + (1 - t) * velocity,": "x + t * velocity,"}),
        ),
        Misconception(
            "The end is looked for a whole step of time away.",
            "1 - t of the way is left.",
            _guide({"x + (1 - t) * velocity,": "x + velocity,"}),
        ),
        Misconception(
            "The end is looked for one Euler step away.",
            "1 - t of the way is left: x + (1 - t) * velocity is where the flow would end.",
            _guide({"x + (1 - t) * velocity,": "x + velocity / steps,"}),
        ),
        Misconception(
            "The weights are not used.",
            "weight[:, None] * (planned - end).",
            _guide({"weight[:, None] * ": ""}),
        ),
        Misconception(
            "The weights count twice.",
            "Once, in the error.",
            _guide({"gain * correction": "gain * weight[:, None] * correction"}),
        ),
        Misconception(
            "The weights are rounded: held or free.",
            "Soft weights stay soft.",
            _guide({"weight[:, None]": "(weight[:, None] > 0)"}),
        ),
        Misconception("The gain is always `g_max`.", "At most that.", _guide({_GAIN: "g_max"})),
        Misconception("The gain is always 1.", "Use the formula.", _guide({_GAIN: "1.0"})),
        *(
            Misconception(
                f"The gain's fraction is {fraction}.",
                "The fraction first: (t**2 + (1 - t) ** 2) / (t * (1 - t)). It grows again towards the end.",
                _guide({"(t**2 + (1 - t) ** 2) / (t * (1 - t))": fraction}),
            )
            for fraction in (
                "(1 - t) / t",
                "1 / t",
                "1 / (t * (1 - t))",
                "(1 - t) ** 2 / t**2",
                "t / (1 - t)",
            )
        ),
        Misconception(
            "The gain is cut at t = 0 only.",
            "min(g_max, ...) at every step.",
            _guide({_GAIN: "(t**2 + (1 - t) ** 2) / (t * (1 - t)) if k else g_max"}),
        ),
        Misconception(
            "At t = 0 the gain is 0.",
            "There the formula is infinite: it is `g_max`.",
            _guide({"if k else g_max": "if k else 0.0"}),
        ),
        Misconception("`g_max` is the least gain.", "min, not max.", _guide({"min(g_max": "max(g_max"})),
        Misconception(
            "The correction is not divided by the steps.",
            "(velocity + gain * correction) / steps.",
            _guide({"(velocity + gain * correction) / steps": "velocity / steps + gain * correction"}),
        ),
        Misconception(
            "The field's own velocity is missing.",
            "velocity + gain * correction.",
            _guide({"velocity + gain": "gain"}),
        ),
        Misconception(
            "Times lie in the middle of their steps.",
            "They begin at 0: t = k / steps.",
            _guide({"t = k / steps": "t = (k + 0.5) / steps"}),
        ),
        Misconception(
            "Times begin after the first step, at 1 / steps.",
            "They begin at 0: t = k / steps.",
            _guide({"t = k / steps": "t = (k + 1) / steps", "if k else": "if k + 1 < steps else"}),
        ),
        Misconception(
            "It starts at zeros.",
            "jax.random.normal(key, planned.shape).",
            _guide({"jax.random.normal(key, planned.shape)": "jnp.zeros(planned.shape)"}),
        ),
        Misconception(
            "The noise comes from another key: the second of a split, or fold_in(key, 1).",
            "From the key as it is: the function needs no second one.",
            _guide({"x = jax": "_, key = jax.random.split(key)\n    x = jax"}),
        ),
        Misconception(
            "The noise comes from another key: the first of a split, or fold_in(key, 0).",
            "From the key as it is: the function needs no second one.",
            _guide({"x = jax": "key, _ = jax.random.split(key)\n    x = jax"}),
        ),
        *(
            Misconception(
                f"It starts at uniform noise, from {low} to 1.",
                "A flow starts at normal noise.",
                _guide({"normal(key, planned.shape)": f"uniform(key, planned.shape, minval={low})"}),
            )
            for low in ("0.0", "-1.0")
        ),
        Misconception(
            "Time runs backwards, from 1 on.",
            "In lesson 03's flows t = 0 is noise and t = 1 the chunk: the first Euler step is at 0.",
            _guide({"t = k / steps": "t = 1 - k / steps"}),
        ),
        Misconception(
            "The error is carried forward by J, not back by its transpose.",
            "jax.jvp multiplies by J, jax.vjp by its transpose: the error is one of the end, but x moves.",
            _guide({_PULL: "correction = jax.jvp(lambda x: guess(x)[0], (x,), (error,))[1]"}),
        ),
        *(
            Misconception(
                f"The end is clipped before {where}.",
                "The end as it is: only the finished chunk is clipped.",
                _guide({old: new}),
            )
            for where, old, new in (
                ("it is compared", "planned - end", "planned - jnp.clip(end, -1, 1)"),
                (
                    "it is differentiated",
                    "return x + (1 - t) * velocity, velocity",
                    "return jnp.clip(x + (1 - t) * velocity, -1, 1), velocity",
                ),
            )
        ),
        Misconception(
            "The weights' square roots weigh the error.",
            "The weights themselves: the formula has w, not its root.",
            _guide({"weight[:, None] *": "jnp.sqrt(weight)[:, None] *"}),
        ),
        Misconception(
            "The correction has a factor of 1 - t beside its gain.",
            "The gain alone: what is left of the way is in the end already, and so in its derivative.",
            _guide({"gain * correction": "gain * (1 - t) * correction"}),
        ),
        Misconception(
            "The plan is written over the steps of weight 1 after each guided step, too.",
            "Only the gain draws them there: it leaves the rest of the chunk time to follow.",
            _guide({_EULER: _EULER + "\n        x = jnp.where(weight[:, None] == 1, planned, x)"}),
        ),
        Misconception(
            "The plan is written over the steps of weight 1 before each guided step, too.",
            "Only the gain draws them there: it leaves the rest of the chunk time to follow.",
            _guide(
                {"t = k / steps": "t = k / steps\n        x = jnp.where(weight[:, None] == 1, planned, x)"}
            ),
        ),
        Misconception(
            "The plan is copied into the steps of weight 1 at the end.",
            "Only the gain draws it there.",
            _guide({"jnp.clip(x, -1, 1)": "jnp.clip(jnp.where(weight[:, None] == 1, planned, x), -1, 1)"}),
        ),
        Misconception(
            "It starts at the plan.",
            "At noise: jax.random.normal(key, planned.shape).",
            _guide({"jax.random.normal(key, planned.shape)": "jnp.asarray(planned)"}),
        ),
        Misconception("Nothing is clipped.", "Clip once, at the end.", _guide({"jnp.clip(x, -1, 1)": "x"})),
        Misconception(
            "It is clipped at every step.",
            "Once, at the end: on its way the flow may go anywhere.",
            _guide({"x = x + (velocity + gain * correction) / steps": _CLIPPED}),
        ),
        Misconception(
            "The plan is copied into the chunk at the end.",
            "Only the gain draws it there.",
            _guide({"jnp.clip(x, -1, 1)": "jnp.clip(jnp.where(weight[:, None] > 0, planned, x), -1, 1)"}),
        ),
        Misconception(
            "The plan is written over the held steps after each Euler step, in place of guidance.",
            _FREE_STEPS,
            _overwritten,
        ),
        Misconception(
            "The held steps are put on the line from noise to plan, in place of guidance.",
            _FREE_STEPS,
            edited(
                _overwritten,
                {
                    "x = x + field(observation, x, jnp.full(len(x), t)) / steps": _LINE,
                    "x = jnp.where(held, planned, x)\n": "pass\n",
                    "clip(x,": "clip(jnp.where(held, planned, x),",
                },
            ),
        ),
        Misconception(
            "The plan is written over the held steps of a chunk that was drawn without it.",
            _FREE_STEPS,
            edited(
                _overwritten,
                {
                    "x = jnp.where(held, planned, x)\n": "pass\n",
                    "clip(x,": "clip(jnp.where(held, planned, x),",
                },
            ),
        ),
        Misconception(
            "Plan and chunk are mixed at the end, by the weights.",
            _FREE_STEPS,
            edited(
                _overwritten,
                {
                    "x = jnp.where(held, planned, x)\n": "pass\n",
                    "clip(x,": "clip(weight[:, None] * planned + (1 - weight[:, None]) * x,",
                },
            ),
        ),
        Misconception(
            "Plan and chunk are mixed after each Euler step, by the weights.",
            _FREE_STEPS,
            edited(
                _overwritten,
                {"jnp.where(held, planned, x)": "weight[:, None] * planned + (1 - weight[:, None]) * x"},
            ),
        ),
        Misconception(
            "The plan is written over the held steps after each guided step, too.",
            "Only the gain draws them there: it leaves the rest of the chunk time to follow.",
            _guide(
                {
                    "x = x + (velocity + gain * correction) / steps": (
                        "x = x + (velocity + gain * correction) / steps\n"
                        "        x = jnp.where(weight[:, None] > 0, planned, x)"
                    )
                }
            ),
        ),
        Misconception(
            "The weights come after the pull-back: they hold back the free steps, which are to follow.",
            "Weigh the error, then pull it back.",
            _guide({"weight[:, None] * ": "", "gain * correction": "gain * weight[:, None] * correction"}),
        ),
        Misconception(
            "The weights are squared.",
            "weight[:, None] * (planned - end).",
            _guide({"weight[:, None] *": "weight[:, None] ** 2 *"}),
        ),
        Misconception(
            "The error is pulled back through the velocity alone, and not through the end.",
            "The end is x + (1 - t) * velocity: x itself and the factor belong to it.",
            _guide(
                {
                    "return x + (1 - t) * velocity, velocity": "return velocity, velocity",
                    "planned - end": "planned - x - (1 - t) * velocity",
                }
            ),
        ),
    ],
    compiled=True,
    insight="No network was trained for it: any flow of chunks can be guided like this.",
)


def her_rounds(look, step, state, chunk, keys, every, delay):
    """Rounds of `every` steps, each with a look whose chunk is ready `delay` steps later."""

    def one_round(carry, key):
        state, queue = carry  # what is planned from now on
        new = look(state, queue, key)
        later = delay + jnp.arange(len(new))
        fresh = jnp.take(new, later, axis=0, mode="clip")  # begins when it is ready
        i = jnp.arange(every)
        actions = jnp.where((i < delay)[:, None], queue[i], fresh[i - delay])
        state, shown = jax.lax.scan(step, state, actions)
        return (state, fresh[every:]), shown

    _, shown = jax.lax.scan(one_round, (state, chunk[every:]), keys)
    return shown.reshape(-1, *shown.shape[2:])


def mended_rounds(look, step, state, chunk, keys, every, delay):
    """As her_rounds; the queue goes on where the round ends."""

    def one_round(carry, key):
        state, queue = carry
        new = look(state, queue, key)
        i = jnp.arange(every)
        actions = jnp.where((i < delay)[:, None], queue[i], new[i])
        state, shown = jax.lax.scan(step, state, actions)
        return (state, new[every:]), shown

    _, shown = jax.lax.scan(one_round, (state, chunk[every:]), keys)
    return shown.reshape(-1, *shown.shape[2:])


class Thinker(NamedTuple):
    """A small world to act in while one thinks: chunks of H actions of size 2, a state (3,)."""

    horizon: int
    weights: np.ndarray  # (3, 3)

    def __repr__(self):
        return f"a toy world with chunks of {self.horizon}"

    def look(self, state, left, key):
        if np.shape(left)[1:] != (2,) or np.shape(state) != (3,):
            raise TypeError(
                "look takes the state (3,), what the old chunk has left (L, 2) and a key, "
                f"and got {np.shape(state)} and {np.shape(left)}"
            )
        xp = _plain(state, left, key)
        noise = xp.asarray(jax.random.normal(key, (self.horizon, 2)))
        return xp.tanh(
            noise
            + xp.sum(self.weights[:2] @ state)
            + 0.3 * xp.sum(left * xp.arange(1, len(left) + 1)[:, None], axis=0)
        )

    def step(self, state, action):
        xp = _plain(state, action)
        moved = 0.8 * state + 0.4 * xp.stack([action[0], action[1], action[0] * action[1]])
        return moved, xp.stack([moved[0], action[0], action[1]])


def _rounds_in_python(look, step, state, chunk, keys, every, delay):
    """The same in a Python loop, of which the wrong answers are edits."""
    old, places = chunk, []
    for key in keys:
        left = old[every:]
        new = look(state, left, key)
        for i in range(every):
            action = left[i] if i < delay else new[i]
            state, shown = step(state, action)
            places.append(shown)
        old = new
    return np.stack(places)


def _rounds_cases(rng):
    def case(about, horizon, every, delay, rounds, hint):
        toy = Thinker(horizon, 0.5 * rng.normal(size=(3, 3)))
        keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), rounds)
        state, chunk = rng.normal(size=3), rng.uniform(-1, 1, size=(horizon, 2))
        return Case(about, (toy.look, toy.step, state, chunk, keys, every, np.asarray(delay, np.int32)), hint)

    return [
        case(
            "no delay: 3 rounds of 2 steps, chunks of 4",
            4,
            2,
            0,
            3,
            "Without a delay each round is new[:every]. For the next round the plan is new[every:].",
        ),
        case(
            "a delay of 1: 3 rounds of 3 steps, chunks of 6",
            6,
            3,
            1,
            3,
            "A round has three times: before its chunk is ready, the old one goes on (left[i]). "
            "At step i of the round, for which step was new[i] made?",
        ),
        case(
            "a delay of 2: 4 rounds of 4 steps, chunks of 9",
            9,
            4,
            2,
            4,
            "The look sees the state at the round's start, and new[i] is for step i from there. "
            "Which of its actions are still to do when the round ends?",
        ),
        case(
            "a delay as long as the round: 3 rounds of 2 steps, chunks of 4",
            4,
            2,
            2,
            3,
            "Each chunk is ready when the next look begins: the round is all old, left[i].",
        ),
    ]


def _round(changes):
    return edited(_rounds_in_python, changes)


_HERS = {"old = new": "old = new[np.minimum(np.arange(len(new)) + int(delay), len(new) - 1)]"}
_ACTION, _FURTHER = "left[i] if i < delay else new[i]", "left[min(i + int(delay), len(left) - 1)]"
_LEFT_ON = "left[np.minimum(np.arange(len(left)) + int(delay), len(left) - 1)]"
_LATE = """\
            if i == min(int(delay), every - 1):
                new = look(state, left, key)
            action ="""
_AHEAD = """ahead = state
        for action in left[: int(delay)]:
            ahead, _ = step(ahead, action)
        new = look(ahead, left, key)"""
_FIRST, _BACK = {"new[i]": "new[i - int(delay)]"}, {"old = new": "old = np.roll(new, int(delay), axis=0)"}
_STEPS = "for i in range(every):\n"
_STEPS_THEN_LOOK = """for i in range(every + 1):
            if i == delay:
                new = look(state, left, key)
            if i == every:
                break
"""
_START = "old, places, start = chunk, [], state"
_FLAT = "return np.stack(places)"
_TURNED = "return np.concatenate([places[i::every] for i in range(every)])"
check_mended_rounds = Exercise(
    mended_rounds,
    _rounds_in_python,
    _rounds_cases,
    [
        Misconception(
            "It does what her code does.",
            (
                "Count: at a delay of 2, which actions of `new` were executed when a round of 5 ends, and "
                "with which one does the next round begin?",
                "fresh[every:] leaves out two.",
            ),
            _round(_HERS),
        ),
        Misconception(
            "The new chunk begins with its first action, for a moment that has passed.",
            "new[0] was made for the round's first step. Which of its actions is for step i?",
            _round({"new[i]": "new[i - delay]"}),
        ),
        Misconception(
            "The new chunk begins with its first action, for a moment that has passed; and what is handed on "
            "begins as many actions too late.",
            "Two places count from the wrong moment: new[i] is for step i, and new[every:] is for the next "
            "round.",
            _round(_HERS | {"new[i]": "new[i - delay]"}),
        ),
        Misconception(
            "The queue is read `delay` actions earlier than it is filled: the mistake has only moved.",
            "Mend what is handed on. Then the queue's first action is the next one.",
            _round(_HERS | {"left[i]": "left[max(i - int(delay), 0)]"}),
        ),
        *(
            Misconception(
                f"The queue is counted from {end}: the actions that are missing were never put into it.",
                "Mend what is handed on. Then the queue's first action is the next one.",
                _round(_HERS | {"left[i]": f"left[{place}]"}),
            )
            for place, end in (("i - int(delay)", "its end"), ("every + i - int(delay)", "a round's end"))
        ),
        Misconception(
            "The queue begins `delay` actions too late, and is read later still: twice as many are left out.",
            "Mend what is handed on. Then the queue's first action is the next one.",
            _round(_HERS | {"left[i]": _FURTHER}),
        ),
        Misconception(
            "The queue is handed on as it should be, but read `delay` actions too late.",
            "The queue's first action is the next one: left[i] for i < delay.",
            _round({"left[i]": _FURTHER}),
        ),
        Misconception(
            "The queue is handed on as it should be, but counted from its end.",
            "The queue's first action is the next one: left[i] for i < delay.",
            _round({"left[i]": "left[i - int(delay)]"}),
        ),
        *(
            Misconception(
                f"The look gets the queue {how} by the delay: its chunk agrees with actions for later steps"
                + ("; and the next round still begins too late." if hers else "."),
                "The look sees the round's start, and the queue's first action is the next one."
                + (" Mend what is handed on." if hers else " Give it the queue as it is."),
                _round(hers | {"look(state, left, key)": f"look(state, {moved}, key)"}),
            )
            for hers in (_HERS, {})
            for how, moved in (("moved on", _LEFT_ON), ("rolled", "np.roll(left, -int(delay), axis=0)"))
        ),
        Misconception(
            "What is handed on begins with the new chunk's first action: the round's own steps come again.",
            "new[:every] is for this round, new[every:] for the next one.",
            _round({"old = new": "old = np.concatenate([old[:every], new[:-every]])"}),
        ),
        Misconception(
            "What is handed on is the old queue's rest.",
            "After a round the plan is the new chunk's: new[every:].",
            _round({"old = new": "old = np.concatenate([old[every:], old[-1:].repeat(every, axis=0)])"}),
        ),
        Misconception(
            "The new chunk acts before it is ready.",
            "Until step `delay` there is only the old one.",
            _round({_ACTION: "new[i]"}),
        ),
        Misconception(
            "The new chunk skips as many actions as it was late, and then as many again.",
            "new[i] is for step i of the round.",
            _round({"new[i]": "new[min(i + delay, len(new) - 1)]"}),
        ),
        Misconception(
            "The new chunk is read from `delay` on already at the round's first step, and what is handed on "
            "begins as many actions too late.",
            "Two places count from the wrong moment: new[i] is for step i, and new[every:] is for the next "
            "round.",
            _round(_HERS | {"new[i]": "new[min(i + int(delay), len(new) - 1)]"}),
        ),
        *(
            Misconception(
                f"The first round's queue begins {end}"
                + ("; the mistake is in what is handed on." if h else "."),
                "The first `every` actions of `chunk` were executed before: its queue is chunk[every:].",
                _round(
                    h | {"old, places = chunk": f"old, places = chunk[np.clip({place}, 0, len(chunk) - 1)]"}
                ),
            )
            for h in ({}, _HERS)
            for end, place in (
                ("`delay` actions too late", "np.arange(len(chunk)) + int(delay)"),
                ("`delay` actions too early", "np.arange(len(chunk)) - int(delay)"),
            )
        ),
        *(
            Misconception(
                f"The look begins only after the delay: it sees a state that is not there yet{also}.",
                "The look comes first, with the state at the round's start and the queue; then the steps.",
                _round(more | {"        new = look(state, left, key)\n": "", _STEPS: _STEPS_THEN_LOOK}),
            )
            for also, more in (
                ("; and the next round's queue begins too late", _HERS),
                (
                    "; its chunk begins with its first action, and the next round's queue too late",
                    _FIRST | _HERS,
                ),
                ("; its chunk begins with its first action, and so does its rest", _FIRST | _BACK),
            )
        ),
        Misconception(
            "The new chunk never acts.",
            "From step `delay` on it does.",
            _round({_ACTION: "left[min(i, len(left) - 1)]"}),
        ),
        Misconception(
            "The old chunk stops while the new one is made.",
            "left[i] is executed meanwhile.",
            _round({_ACTION: "0 * left[0] if i < delay else new[i]"}),
        ),
        Misconception(
            "The old chunk's next action is held.",
            "left[i], one after the other.",
            _round({"left[i]": "left[0]"}),
        ),
        Misconception(
            "The old chunk begins again.",
            "left = old[every:]: its first actions are over.",
            _round({"left[i]": "old[i]"}),
        ),
        Misconception(
            "The look gets the whole old chunk as what is left of it.",
            "left = old[every:].",
            _round({"look(state, left, key)": "look(state, old, key)"}),
        ),
        Misconception(
            "What is left begins one action too late.",
            "old[every:].",
            _round({"old[every:]": "np.concatenate([old[every + 1:], old[-1:]])"}),
        ),
        Misconception(
            "The look begins when its chunk should be ready: it sees a state that is not there yet.",
            "The state at the round's start.",
            _round(
                {
                    "new = look(state, left, key)": "new = None",
                    "            action =": _LATE,
                }
            ),
        ),
        Misconception(
            "The first chunk stays the old one for ever.",
            "After a round the new chunk is the old one.",
            _round({"old = new": "old = chunk"}),
        ),
        Misconception(
            "All looks share a key.",
            "The key of the round.",
            _round({"look(state, left, key)": "look(state, left, keys[0])"}),
        ),
        Misconception(
            "Old and new chunk have changed places.",
            "left[i] for i < delay, new[i] then.",
            _round({"i < delay": "i >= delay"}),
        ),
        Misconception(
            "The first round gets the beginning of the old chunk, which was executed before.",
            "The plan for the first round is chunk[every:].",
            _round({"old, places = chunk": "old, places = np.concatenate([chunk[:every], chunk[:-every]])"}),
        ),
        Misconception(
            "The chunk is ready one step late.", "left[i] for i < delay.", _round({"i < delay": "i <= delay"})
        ),
        Misconception(
            "The chunk is ready one step early.",
            "left[i] for i < delay.",
            _round({"i < delay": "i < delay - 1"}),
        ),
        Misconception(
            "Old and new are averaged where the new one is late.",
            "left[i] for i < delay, new[i] then.",
            _round({"left[i] if": "(left[i] + new[i]) / 2 if"}),
        ),
        Misconception(
            "The look sees the state of the moment when its chunk is ready: it begins late, or predicts.",
            "It begins with the round, sees the state at its start, and predicts nothing.",
            _round({"new = look(state, left, key)": _AHEAD}),
        ),
        Misconception(
            "The look sees the state of the moment when its chunk is ready, and the chunk begins with its "
            "first action then.",
            "It begins with the round, and sees the state at its start: new[i] is for step i.",
            _round({"new = look(state, left, key)": _AHEAD, "new[i]": "new[i - delay]"}),
        ),
        Misconception(
            "The whole new chunk is moved back by the delay: nothing is repeated, but everything comes late.",
            "new[i] was made for step i of the round. Leave the chunk as it is.",
            _round({"left, key)": "left, key)\n        new = np.roll(new, int(delay), axis=0)"}),
        ),
        Misconception(
            "The chunk that is handed on is moved back by the delay: what is left of it comes late.",
            "Hand on `new` as it was drawn: its plan for the next round begins at new[every].",
            _round({"old = new": "old = np.roll(new, int(delay), axis=0)"}),
        ),
        Misconception(
            "The chunk that is handed on is moved on by the delay: what is left of it comes early.",
            "Hand on `new` as it was drawn: its plan for the next round begins at new[every].",
            _round({"old = new": "old = np.roll(new, -int(delay), axis=0)"}),
        ),
        *(
            Misconception(
                f"The round's key is split: the look gets the {which} half.",
                "look(state, left, key): the key as it is.",
                _round({"left, key)": f"left, jax.random.split(key)[{half}])"}),
            )
            for half, which in enumerate(("first", "second"))
        ),
        Misconception(
            "All looks see the state of the very beginning.",
            "The look sees the state at the start of its own round.",
            _round({"old, places = chunk, []": _START, "look(state,": "look(start,"}),
        ),
        Misconception(
            "Each round begins again in the first state.",
            "Carry the state on: a round begins where the last one ended.",
            _round({"old, places = chunk, []": _START, "left = old": "state, left = start, old"}),
        ),
        Misconception(
            "The axes of rounds and steps have changed places.",
            "All steps of the first round come first: (rounds, every, ...), and then the two axes as one.",
            _round({_FLAT: _TURNED}),
        ),
        Misconception(
            "The rounds are still an axis of their own.",
            "End with shown.reshape(-1, *shown.shape[2:]): (rounds * every, ...).",
            _round({_FLAT: "return np.stack(places).reshape(len(keys), every, -1)"}),
        ),
    ],
    compiled=True,
    untraced="`delay` is traced: no Python if, min or slice. jnp.where((i < delay)[:, None], ..., ...)"
    " chooses for all steps i of a round at once; jax.lax.scan goes through them.",
    insight="Without a delay both are the same, and after it the new chunk hides the mistake.",
)
