"""Answers to the exercises of lesson 10 as learners might write them; see wrong_answers_00.py."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler
from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson10 import (
    decoupled_loss,
    execute_until_drop,
    guided_chunks,
    her_rounds,
    mended_rounds,
)


def losses_one_by_one(networks, params, slow, batch, expectile):
    seen, chunks = batch.observation, batch.actions
    q, p = networks.whole(params["whole"], seen, chunks), networks.partial(params["partial"], seen, chunks)
    v, later = networks.value(params["value"], seen), networks.value(slow, batch.next_observation)
    loss = ((q - stop_gradient(batch.returns + batch.discount * later)) ** 2).mean()
    for goal, now in ((q, p), (p, v)):
        error = stop_gradient(goal) - now
        loss += (jnp.abs(expectile - (error < 0)) * error**2).mean()
    return loss


def losses_with_frozen_parameters(networks, params, slow, batch, expectile):
    still, slow = stop_gradient((params, slow))
    seen, chunks = batch.observation, batch.actions
    goal = batch.returns + batch.discount * networks.value(slow, batch.next_observation)
    backup = goal - networks.whole(params["whole"], seen, chunks)
    distil = networks.whole(still["whole"], seen, chunks) - networks.partial(params["partial"], seen, chunks)
    worth = networks.partial(still["partial"], seen, chunks) - networks.value(params["value"], seen)
    sides = lambda e: expectile * jnp.maximum(e, 0) ** 2 + (1 - expectile) * jnp.minimum(e, 0) ** 2
    return jnp.mean(backup**2 + sides(distil) + sides(worth))


def losses_as_dictionary(networks, params, slow, batch, expectile):
    return {"loss": losses_one_by_one(networks, params, slow, batch, expectile)}


def losses_with(change):
    """losses_one_by_one of changed inputs."""
    return lambda n, p, s, b, e: losses_one_by_one(n, *change(p, s, b, e))


def drop_by_scan(value, step, state, chunk, most, discount, margin):
    def one(carry, inputs):
        k, state, promise, goes = carry
        number, action = inputs
        goes = goes & (number < most) & (value(state, action) + margin >= promise)
        moved, reward = step(state, action)
        state = jax.tree.map(lambda new, old: jnp.where(goes, new, old), moved, state)
        promise = jnp.where(goes, (promise - reward) / discount, promise)
        return (k + goes, state, promise, goes), None

    carry = (0, state, value(state, chunk[0]), True)
    (k, state, _, _), _ = jax.lax.scan(one, carry, (jnp.arange(len(chunk)), jnp.asarray(chunk)))
    return state, k


def drop_with_total(value, step, state, chunk, most, discount, margin):
    """What was promised at the start, against what was earned so far and what is still to come."""
    begin = value(state, chunk[0])

    def goes_on(carry):
        k, state, earned, scale = carry
        return (k < most) & (value(state, chunk[k]) - (begin - earned) / scale >= -margin)

    def act(carry):
        k, state, earned, scale = carry
        state, reward = step(state, chunk[k])
        return k + 1, state, earned + scale * reward, scale * discount

    k, state, _, _ = jax.lax.while_loop(goes_on, act, (0, state, 0.0, 1.0))
    return [state, k]


def drop_in_python(value, step, state, chunk, most, discount, margin, **other):
    """The loop, with parts to change: what goes on, and what is promised next."""
    promise, k = other.get("begin", lambda q, margin: q)(value(state, chunk[0]), margin), 0
    goes_on = other.get("goes_on", lambda now, promise, margin: now >= promise - margin)
    after = other.get("after", lambda promise, reward, discount, now: (promise - reward) / discount)
    ask = other.get("ask", lambda chunk, k: chunk[k])
    while k < most and goes_on(value(state, ask(chunk, k)), promise, margin):
        now = value(state, chunk[k])
        state, reward = step(state, chunk[k])
        promise, k = after(promise, reward, discount, now), k + 1
    return other.get("back", lambda state, k: (state, k))(state, k)


def drop(**other):
    return lambda *args: drop_in_python(*args, **other)


def drop_from_the_start(value, step, state, chunk, most, discount, margin):
    begin = value(state, chunk[0])

    def act(carry):
        k, state, _ = carry
        state, reward = step(state, chunk[k])
        return k + 1, state, (begin - reward) / discount

    goes_on = lambda carry: (carry[0] < most) & (value(carry[1], chunk[carry[0]]) >= carry[2] - margin)
    k, state, _ = jax.lax.while_loop(goes_on, act, (0, state, begin))
    return state, k


def drop_with_renewed_value(promised):
    """After each action `promised` gets the rest of the promise, and the value now."""

    def drop(value, step, state, chunk, most, discount, margin):
        promise, k = value(state, chunk[0]), 0
        while k < most and value(state, chunk[k]) >= promise - margin:
            state, reward = step(state, chunk[k])
            k += 1
            promise = promised((promise - reward) / discount, value(state, chunk[min(k, len(chunk) - 1)]))
        return state, k

    return drop


def drop_after_first(paid=True, goes_on=lambda now, promise, margin: now >= promise - margin, next=0):
    """The first action is executed before the loop."""

    def drop(value, step, state, chunk, most, discount, margin):
        promise, k = value(state, chunk[0]), 1
        state, reward = step(state, chunk[0])
        promise = (promise - reward) / discount if paid else promise
        while k < most and goes_on(value(state, chunk[min(k + next, len(chunk) - 1)]), promise, margin):
            state, reward = step(state, chunk[k])
            promise, k = (promise - reward) / discount, k + 1
        return state, k

    return drop


def drop_asked_before_counting(value, step, state, chunk, most, discount, margin):
    """The value in the new state, of the action that was just executed."""
    promise, k = value(state, chunk[0]), 0
    now = promise
    while k < most and now >= promise - margin:
        state, reward = step(state, chunk[k])
        now, promise = value(state, chunk[k]), (promise - reward) / discount
        k += 1
    return state, k


def drop_by_errors(value, step, state, chunk, most, discount, margin):
    """Adds up the temporal-difference errors, undiscounted."""

    def act(carry):
        k, state, error = carry
        before = value(state, chunk[k])
        state, reward = step(state, chunk[k])
        later = value(state, chunk[jnp.minimum(k + 1, len(chunk) - 1)])
        return k + 1, state, error + reward + discount * later - before

    goes_on = lambda carry: (carry[0] < most) & (carry[2] >= -margin)
    k, state, _ = jax.lax.while_loop(goes_on, act, (0, state, jnp.zeros(())))
    return state, k


def drop_by_either(enough):
    """Goes on while one of the two conditions holds: for ever with an infinite margin, or with others."""

    def drop(value, step, state, chunk, most, discount, margin):
        def act(carry):
            k, state, promise = carry
            state, reward = step(state, chunk[k])
            return k + 1, state, (promise - reward) / discount

        def goes_on(carry):
            k, state, promise = carry
            return (k < most) | enough(value(state, chunk[k]), promise - margin)

        k, state, _ = jax.lax.while_loop(goes_on, act, (0, state, value(state, chunk[0])))
        return state, k

    return drop


def drop_of_arrays(value, step, state, chunk, *rest):
    return execute_until_drop(value, step, jnp.asarray(state), chunk, *rest)


def drop_asked_at_the_start(value, step, state, chunk, most, discount, margin):
    """`state` is that of the whole function, not the one that is carried."""

    def act(carry):
        k, now, promise = carry
        now, reward = step(now, chunk[k])
        return k + 1, now, (promise - reward) / discount

    goes_on = lambda carry: (carry[0] < most) & (value(state, chunk[carry[0]]) >= carry[2] - margin)
    k, now, _ = jax.lax.while_loop(goes_on, act, (0, state, value(state, chunk[0])))
    return now, k


def drop_and_on(value, step, state, chunk, most, discount, margin):
    """A scan that does not remember that it has stopped."""

    def one(carry, inputs):
        count, state, promise = carry
        number, action = inputs
        goes = (number < most) & (value(state, action) >= promise - margin)
        moved, reward = step(state, action)
        state = jax.tree.map(lambda new, old: jnp.where(goes, new, old), moved, state)
        return (count + goes, state, jnp.where(goes, (promise - reward) / discount, promise)), None

    carry = (0, state, value(state, chunk[0]))
    (count, state, _), _ = jax.lax.scan(one, carry, (jnp.arange(len(chunk)), jnp.asarray(chunk)))
    return state, count


def drop_renewed_late(value, step, state, chunk, most, discount, margin):
    promise, k = value(state, chunk[0]), 0
    while k < most and value(state, chunk[k]) >= promise - margin:
        state, reward = step(state, chunk[k])
        promise, k = (value(state, chunk[k]) - reward) / discount, k + 1
    return state, k


def drop_in_old_state(value, step, state, chunk, most, discount, margin):
    """The next action's value is asked before the state is renewed."""
    promise, k = value(state, chunk[0]), 0
    now = promise
    while k < most and now >= promise - margin:
        now = value(state, chunk[min(k + 1, len(chunk) - 1)])
        state, reward = step(state, chunk[k])
        promise, k = (promise - reward) / discount, k + 1
    return state, k


def guided_with_grad(field, observation, key, planned, weight, steps, g_max):
    """The correction as the gradient of half a weighted squared error."""
    x = jax.random.normal(key, planned.shape)
    for t in np.arange(steps) / steps:
        times = jnp.full(len(x), t)

        def end(x, t=t, times=times):
            return x + (1 - t) * field(observation, x, times)

        gap = planned - end(x)
        pulled = jax.grad(lambda x, gap=gap, end=end: jnp.sum(weight[:, None] * gap * end(x)))(x)
        gain = g_max if t == 0 else min(g_max, ((1 - t) ** 2 + t * t) / t / (1 - t))
        x = x + field(observation, x, times) / steps + gain / steps * pulled
    return x.clip(-1, 1)


def guided_by_row(field, observation, key, planned, weight, steps, g_max):
    noise, rows = jax.random.normal(key, planned.shape), []
    for row in range(len(planned)):
        x = noise[row : row + 1]
        for k in range(steps):
            t = k / steps
            guess = lambda x, t=t, row=row: x + (1 - t) * field(observation[row : row + 1], x, jnp.full(1, t))
            end, back = jax.vjp(guess, x)
            velocity = (end - x) / (1 - t)
            pull = back(weight[None, :, None] * (planned[row] - end))[0]
            gain = jnp.minimum(g_max, (t**2 + (1 - t) ** 2) / jnp.maximum(t * (1 - t), 1e-9))
            x = x + (velocity + gain * pull) / steps
        rows.append(jnp.clip(x[0], -1, 1))
    return jnp.stack(rows)


def unguided(field, observation, key, planned, weight, steps, g_max):
    return jnp.clip(euler(field, observation, jax.random.normal(key, planned.shape), steps), -1, 1)


def replaced(field, observation, key, planned, weight, steps, g_max):
    """Inpainting by replacement: what is held is put on the line from its noise to the plan."""
    noise = jax.random.normal(key, planned.shape)
    x = noise
    for k in range(steps):
        t = k / steps
        x = jnp.where(weight[:, None] > 0, (1 - t) * noise + t * planned, x)
        x = x + field(observation, x, jnp.full(len(x), t)) / steps
    return jnp.clip(jnp.where(weight[:, None] > 0, planned, x), -1, 1)


def overwritten(field, observation, key, planned, weight, steps, g_max):
    """Inpainting by force: what is held is put in again before each Euler step, and at the end."""
    held, x = weight[None, :, None] > 0, jax.random.normal(key, planned.shape)
    for k in range(steps):
        x = x + field(observation, x, jnp.full(len(x), k / steps)) / steps
        x = jnp.where(held, planned, x)
    return x.clip(-1, 1)


def blended(field, observation, key, planned, weight, steps, g_max):
    share = weight[:, None]
    drawn = euler(field, observation, jax.random.normal(key, planned.shape), steps)
    return jnp.clip(share * planned + (1 - share) * drawn, -1, 1)


def rounds_by_step(look, step, state, chunk, keys, every, delay):
    """One scan over all steps, with a look where a round begins."""

    def one(carry, t):
        state, old, new = carry
        i = t % every
        old = jnp.where(i == 0, new, old)
        new = jnp.where(i == 0, look(state, old[every:], keys[t // every]), new)
        state, shown = step(state, jnp.where(i < delay, old[every + i], new[i]))
        return (state, old, new), shown

    start = (state, jnp.asarray(chunk), jnp.asarray(chunk))
    return jax.lax.scan(one, start, jnp.arange(len(keys) * every))[1]


def rounds_with_if(look, step, state, chunk, keys, every, delay):
    """Right, but for a `delay` that is a Python number."""
    shown = []
    for key in keys:
        left = chunk[every:]
        new = look(state, left, key)
        for i in range(every):
            state, seen = step(state, left[i] if i < delay else new[i])
            shown.append(seen)
        chunk = new
    return jnp.stack(shown)


def rounds_with_predicted_state(action):
    def rounds(look, step, state, chunk, keys, every, delay):
        shown = []
        for key in keys:
            left, there = chunk[every:], state
            for i in range(int(delay)):
                there = step(there, left[i])[0]
            new = look(there, left, key)
            for i in range(every):
                state, seen = step(state, left[i] if i < delay else action(new, i, delay))
                shown.append(seen)
            chunk = new
        return np.stack(shown)

    return rounds


def rounds_with_queue(look, step, state, chunk, keys, every, delay):
    old, shown = chunk, []
    for key in keys:
        new = look(state, old[every:], key)
        queue = [*old[every : every + delay], *new[delay:every]]
        for action in queue:
            state, seen = step(state, action)
            shown.append(seen)
        old = new
    return jnp.stack(shown)


def rounds_of(action, left=lambda old, every: old[every:], after=lambda old, new, delay: new):
    """A loop with parts to change."""

    def rounds(look, step, state, chunk, keys, every, delay):
        old, shown = chunk, []
        for key in keys:
            new = look(state, left(old, every), key)
            for i in range(every):
                state, seen = step(state, action(old, new, i, every, int(delay)))
                shown.append(seen)
            old = after(old, new, int(delay))
        return np.stack(shown)

    return rounds


def rounds_from_the_start(look, step, state, chunk, keys, every, delay):
    """What the steps make of the state is dropped."""

    def one(left, key):
        new = look(state, left, key)
        i = jnp.arange(every)
        actions = jnp.where((i < delay)[:, None], left[i], new[i])
        return new[every:], jax.lax.scan(step, jnp.asarray(state), actions)[1]

    _, shown = jax.lax.scan(one, jnp.asarray(chunk[every:]), keys)
    return shown.reshape(-1, *shown.shape[2:])


def rounds_that_look_late(first, rest=lambda every, delay: every):
    """The old queue until the chunk is ready, and only then the look; `first(i, delay)` acts at step i."""

    def rounds(look, step, state, chunk, keys, every, delay):
        queue, delay, shown = chunk[every:], int(delay), []
        for key in keys:
            for i in range(delay):
                state, seen = step(state, queue[i])
                shown.append(seen)
            new = look(state, queue, key)
            for i in range(delay, every):
                state, seen = step(state, new[first(i, delay)])
                shown.append(seen)
            begin = rest(every, delay)
            queue = new[begin : begin + len(queue)]
        return np.stack(shown)

    return rounds


def clipped(new, delay):
    """Her rest of a chunk: moved on by the delay, its last action repeated."""
    return new[np.minimum(np.arange(len(new)) + delay, len(new) - 1)]


def right_action(old, new, i, every, delay):
    return old[every + i] if i < delay else new[i]


RIGHT = {
    "check_decoupled_loss": losses_one_by_one,
    "check_execute_until_drop": drop_by_scan,
    "check_guided_chunks": guided_with_grad,
    "check_mended_rounds": rounds_by_step,
}
ALSO_RIGHT = {
    "check_decoupled_loss": losses_with_frozen_parameters,
    "check_execute_until_drop": drop_with_total,
    "check_guided_chunks": guided_by_row,
}

LOOK_AHEAD = "look(state, jnp.take(queue, delay + jnp.arange(len(queue)), axis=0, mode='clip'), key)"
PARTIAL = 'params["partial"], batch.observation, batch.actions'
LOSS = lambda **changes: edited(decoupled_loss, changes["edit"])
WRONG = {
    "check_decoupled_loss": {
        "a dictionary": (losses_as_dictionary, "not an array of numbers"),
        "three numbers": (lambda *a: (losses_one_by_one(*a),) * 3, "a tuple"),
        "two actions for the partial critic": (
            edited(decoupled_loss, {PARTIAL: f"{PARTIAL}[:, :2]"}),
            "partial takes whole chunks",
        ),
        "one action for the partial critic, without its axis": (
            edited(decoupled_loss, {PARTIAL: f"{PARTIAL}[:, 0]"}),
            "partial takes whole chunks",
        ),
        "one for each chunk": (lambda *a: losses_one_by_one(*a) * jnp.ones(6), "wrong shape"),
        "expectile the other way round": (losses_with(lambda p, s, b, e: (p, s, b, 1 - e)), "wrong side"),
        "expectile 0.5": (losses_with(lambda p, s, b, e: (p, s, b, 0.5)), "weigh the same"),
        "bootstrap before": (
            losses_with(lambda p, s, b, e: (p, s, b._replace(next_observation=b.observation), e)),
            "before the chunk",
        ),
        "no returns": (
            losses_with(lambda p, s, b, e: (p, s, b._replace(returns=0 * b.returns), e)),
            "returns are missing",
        ),
        "no discount": (
            losses_with(lambda p, s, b, e: (p, s, b._replace(discount=np.ones(6)), e)),
            "not discounted",
        ),
        "discounted twice": (
            losses_with(lambda p, s, b, e: (p, s, b._replace(discount=b.discount**3), e)),
            "discounted twice",
        ),
        "the partial critic at the next state": (
            LOSS(
                edit={
                    "networks.value(slow, batch.next_observation)": (
                        'networks.partial(params["partial"], batch.next_observation, batch.actions)'
                    )
                }
            ),
            "asks the partial critic",
        ),
        "normalised": (
            LOSS(
                edit={"return jnp.mean(weight * error**2)": "return (weight * error**2).sum() / weight.sum()"}
            ),
            "divided by their sum",
        ),
        "half of it": (lambda *a: losses_one_by_one(*a) / 2, "added, and halved"),
        "a third of it": (lambda *a: losses_one_by_one(*a) / 3, "averaged"),
        "a third of it, in another way": (
            LOSS(
                edit={"return backup": "return jnp.mean(jnp.array([backup", "- value)": "- value)]))"}
                | {
                    f" + lean(stop_gradient({name}) - ": f", lean(stop_gradient({name}) - "
                    for name in ("whole", "partial")
                }
            ),
            "averaged",
        ),
        "half the backup": (LOSS(edit={"backup = ": "backup = 0.5 * "}), "has a factor of 0.5"),
        "the value onto the target": (
            LOSS(edit={"stop_gradient(partial) - value": "stop_gradient(target) - value"}),
            "The value regresses onto the backup's target",
        ),
        "the fast value, not stopped": (
            LOSS(
                edit={
                    "networks.value(slow": 'networks.value(params["value"]',
                    "stop_gradient(target)": "target",
                }
            ),
            "being trained, and pulls it along",
        ),
        "the fast value": (losses_with(lambda p, s, b, e: (p, p["value"], b, e)), "being trained"),
        "everything still": (
            lambda n, p, s, b, e: losses_one_by_one(n, stop_gradient(p), s, b, e),
            "The loss agrees, its gradient does not",
        ),
        "target moves": (LOSS(edit={"stop_gradient(target)": "target"}), "into the slow copy"),
        "whole moves": (LOSS(edit={"stop_gradient(whole)": "whole"}), "pulls the whole one"),
        "prediction stands still": (
            LOSS(edit={"stop_gradient(whole) - partial": "whole - stop_gradient(partial)"}),
            "and around no prediction",
        ),
        "arrows reversed": (
            LOSS(
                edit={
                    "stop_gradient(whole) - partial": "stop_gradient(partial) - whole",
                    "stop_gradient(partial) - value": "stop_gradient(value) - partial",
                }
            ),
            "Both kappa-arrows are reversed",
        ),
        "one arrow reversed": (
            LOSS(edit={"stop_gradient(whole) - partial": "stop_gradient(partial) - whole"}),
            "the whole critic learns from the partial one.",
        ),
        "the other arrow reversed": (
            LOSS(edit={"stop_gradient(partial) - value": "stop_gradient(value) - partial"}),
            "the partial critic learns from the value.",
        ),
        "backup alone": (
            LOSS(
                edit={
                    " + lean(stop_gradient(whole) - partial)": "",
                    " + lean(stop_gradient(partial) - value)": "",
                }
            ),
            "not right yet",
        ),
        "the value onto the whole": (
            LOSS(edit={"stop_gradient(partial) - value": "stop_gradient(whole) - value"}),
            "The value is regressed onto the partial critic",
        ),
        "the value onto the whole, which moves": (
            LOSS(edit={"stop_gradient(partial) - value": "whole - value"}),
            "The value is regressed onto the partial critic",
        ),
        "no value": (LOSS(edit={" + lean(stop_gradient(partial) - value)": ""}), "value's loss is missing"),
        "absolute": (LOSS(edit={"error**2": "jnp.abs(error)"}), "a quantile"),
        "sums": (LOSS(edit={"jnp.mean(weight": "jnp.sum(weight", "jnp.mean((s": "jnp.sum((s"}), "summed"),
    },
    "check_execute_until_drop": {
        "the state alone": (lambda *a: drop_in_python(*a)[0], "wrong number of values"),
        "exchanged": (drop(back=lambda state, k: (k, state)), "another order"),
        "no payment": (drop(after=lambda p, r, d, now: p / d), "stays in the promise"),
        "no discount": (drop(after=lambda p, r, d, now: p - r), "not divided by the discount"),
        "multiplied": (drop(after=lambda p, r, d, now: (p - r) * d), "multiplied by the discount"),
        "discount first": (drop(after=lambda p, r, d, now: p / d - r), "subtracted after the discount"),
        "the value now": (
            drop_with_renewed_value(lambda promise, now: now),
            "compared with itself, or with nothing",
        ),
        "only up": (drop_with_renewed_value(max), "is raised to the value"),
        "first one free": (drop_after_first(paid=False), "The first action leaves the promise"),
        "a tie later": (drop_after_first(goes_on=lambda now, p, m: now > p - m), "after the first action"),
        "next but one": (drop_after_first(next=1), "after the next one"),
        "next but one, at once": (
            drop(ask=lambda chunk, k: chunk[min(k + 1, len(chunk) - 1)]),
            "after the next one",
        ),
        "margin once": (
            drop(begin=lambda q, m: q - m, goes_on=lambda now, p, m: now >= p),
            "taken off once, at the start",
        ),
        "more than promised": (drop(goes_on=lambda now, p, m: now > p - m), "just what was promised"),
        "count first": (drop(goes_on=lambda now, p, m: now >= p - 3 * m), "count = "),
        "a Python loop": (drop(), "jax.lax.while_loop"),
        "errors without discount": (drop_by_errors, "are added up without the discount"),
        "never below 0": (drop(after=lambda p, r, d, now: max((p - r) / d, 0)), "it is at least 0"),
        "never above 1": (drop(after=lambda p, r, d, now: min((p - r) / d, 1)), "it is at most 1"),
        "either condition": (drop_by_either(operator.ge), "do both conditions have to hold (&)"),
        "either condition, turned": (drop_by_either(operator.lt), "do both conditions have to hold (&)"),
        "an array for a state": (drop_of_arrays, "jax.tree.map over them"),
        "asked at the start": (drop_asked_at_the_start, "always asked in the state of the chunk's start"),
        "on after a stop": (drop_and_on, "goes on with the next one"),
        "renewed by the last action": (drop_renewed_late, "that was executed, in the new state"),
        "renewed": (drop(after=lambda p, r, d, now: (now - r) / d), "made anew"),
        "as at the start": (drop(after=lambda p, r, d, now: p), "stays what it was"),
        "earned added": (drop(after=lambda p, r, d, now: (p + r) / d), "added to the promise"),
        "no margin": (drop(goes_on=lambda now, p, m: now >= p), "margin is missing"),
        "margin above": (drop(goes_on=lambda now, p, m: now >= p + m), "added to the promise"),
        "share": (drop(goes_on=lambda now, p, m: now >= p * (1 - m)), "a share"),
        "both sides": (drop(goes_on=lambda now, p, m: abs(now - p) <= m), "much higher"),
        "rises": (drop(goes_on=lambda now, p, m: now <= p + m), "where the value rises"),
        "first action": (drop(ask=lambda chunk, k: chunk[0]), "first action"),
        "action before": (drop(ask=lambda chunk, k: chunk[max(k - 1, 0)]), "action before."),
        "asked before k + 1": (drop_asked_before_counting, "if chunk[k] was the last, chunk[k + 1]"),
        "action before, round": (drop(ask=lambda chunk, k: chunk[k - 1]), "chunk[-1]"),
        "old state": (drop_in_old_state, "Ask in the new state"),
        "never stops": (drop(goes_on=lambda now, p, m: True), "never stops before"),
        "count off": (drop(back=lambda state, k: (state, k + 1)), "One action more"),
        "count one too small": (drop(back=lambda state, k: (state, k - 1)), "One action fewer is counted"),
        "most and one more": (
            edited(execute_until_drop, {"k < most": "k <= most"}),
            "One action more than `most` is executed",
        ),
        "one fewer than most": (
            edited(execute_until_drop, {"k < most": "k < most - 1"}),
            "One action fewer than `most` is executed",
        ),
        "always from the start": (drop_from_the_start, "it knows one action only"),
        "all counted": (lambda *a: (drop_in_python(*a)[0], a[4]), "goes on counting"),
        "no limit": (lambda v, s, x, c, n, d, m: drop_in_python(v, s, x, c, len(c), d, m), "not used"),
    },
    "check_guided_chunks": {
        "unguided": (unguided, "not used"),
        "replaced": (replaced, "on the line from noise to plan"),
        "overwritten": (overwritten, "in place of guidance"),
        "blended": (blended, "mixed at the end"),
        "pasted": (
            lambda f, o, k, p, w, n, m: jnp.where(
                w[:, None] > 0, jnp.asarray(p).clip(-1, 1), unguided(f, o, k, p, w, n, m)
            ),
            "drawn without it",
        ),
        "weights squared": (
            lambda f, o, k, p, w, n, m: guided_with_grad(f, o, k, p, w**2, n, m),
            "weights are squared",
        ),
        "weights late": (
            edited(
                guided_chunks,
                {
                    "weight[:, None] * (planned - end)": "planned - end",
                    "(correction,) = pull_back(error)": "correction = weight[:, None] * pull_back(error)[0]",
                },
            ),
            "after the pull-back",
        ),
        "tuple": (
            edited(guided_chunks, {"(correction,) = pull_back(error)": "correction = pull_back(error)"}),
            "unpacked by",
        ),
        "one row": (lambda *a: guided_with_grad(*a)[0], "wrong shape"),
        "weights forgotten": (
            lambda f, o, k, p, w, n, m: guided_with_grad(f, o, k, p, np.ones_like(w), n, m),
            "not used",
        ),
        "rounded": (lambda f, o, k, p, w, n, m: guided_with_grad(f, o, k, p, w > 0, n, m), "rounded"),
        "pushed away": (lambda f, o, k, p, w, n, m: guided_with_grad(f, o, k, p, -w, n, m), "pushed away"),
        "not cut": (
            lambda f, o, k, p, w, n, m: edited(guided_chunks, {"if k else g_max": "if k else 1e9"})(
                f, o, k, p, w, n, m
            ),
            "not right yet",
        ),
        "times in the middle": (
            edited(guided_chunks, {"t = k / steps": "t = (k + 0.5) / steps"}),
            "in the middle of their steps",
        ),
        "times one step later": (
            edited(guided_chunks, {"t = k / steps": "t = (k + 1) / steps", "if k else": "if t < 1 else"}),
            "after the first step, at 1 / steps",
        ),
        "zero noise": (
            edited(guided_chunks, {"jax.random.normal(key, planned.shape)": "jnp.zeros(planned.shape)"}),
            "zeros",
        ),
        "uniform noise": (edited(guided_chunks, {"random.normal": "random.uniform"}), "uniform noise"),
        "key split": (
            lambda f, o, k, *rest: guided_with_grad(f, o, jax.random.split(k)[1], *rest),
            "From the key as it is",
        ),
        "key split, the first": (
            lambda f, o, k, *rest: guided_with_grad(f, o, jax.random.split(k)[0], *rest),
            "From the key as it is",
        ),
        "noise of a folded key": (
            lambda f, o, k, *rest: guided_with_grad(f, o, jax.random.fold_in(k, 1), *rest),
            "or fold_in(key, 1)",
        ),
        "backwards": (edited(guided_chunks, {"t = k / steps": "t = (steps - k) / steps"}), "runs backwards"),
        "forward": (
            edited(
                guided_chunks,
                {
                    "(correction,) = pull_back(error)": (
                        "correction = jax.jvp(lambda x: guess(x)[0], (x,), (error,))[1]"
                    )
                },
            ),
            "jax.jvp multiplies by J",
        ),
        "end clipped": (
            edited(guided_chunks, {"(planned - end)": "(planned - end.clip(-1, 1))"}),
            "clipped before it is compared",
        ),
        "end clipped inside": (
            edited(
                guided_chunks,
                {"return x + (1 - t) * velocity": "return (x + (1 - t) * velocity).clip(-1, 1)"},
            ),
            "clipped before it is differentiated",
        ),
        "weights' roots": (
            lambda f, o, k, p, w, n, m: guided_with_grad(f, o, k, p, np.sqrt(w), n, m),
            "square roots",
        ),
        "less and less": (
            edited(guided_chunks, {"gain * correction": "gain * (correction * (1 - t))"}),
            "a factor of 1 - t",
        ),
        "weight 1 written over": (
            edited(
                guided_chunks,
                {
                    "correction) / steps": (
                        "correction) / steps\n        x = jnp.where((weight == 1)[:, None], planned, x)"
                    )
                },
            ),
            "weight 1 after each",
        ),
        "weight 1 copied": (
            edited(guided_chunks, {"jnp.clip(x,": "jnp.clip(jnp.where((weight == 1)[:, None], planned, x),"}),
            "weight 1 at the end",
        ),
        "error alone": (
            edited(guided_chunks, {"(correction,) = pull_back(error)": "correction = error"}),
            "pulled back",
        ),
        "against x": (edited(guided_chunks, {"(planned - end)": "(planned - x)"}), "with x"),
        "time forward": (edited(guided_chunks, {"x + (1 - t) * velocity,": "x + t * velocity,"}), "is left"),
        "one step on": (
            edited(guided_chunks, {"x + (1 - t) * velocity,": "x + velocity / steps,"}),
            "one Euler step away",
        ),
        "largest": (edited(guided_chunks, {"min(g_max": "max(g_max"}), "least gain"),
        "unclipped": (edited(guided_chunks, {"jnp.clip(x, -1, 1)": "x"}), "clipped"),
        "gain of the end alone": (
            edited(guided_chunks, {"(t**2 + (1 - t) ** 2) / (t * (1 - t))": "(1 - t) / t"}),
            "The fraction first",
        ),
        "gain of the end alone, in one line": (
            edited(
                guided_chunks,
                {
                    "min(g_max, (t**2 + (1 - t) ** 2) / (t * (1 - t))) if k else g_max": (
                        "float(np.clip((1 - t) / max(t, 1e-9), 0, g_max))"
                    )
                },
            ),
            "The fraction first",
        ),
        "field as grad": (edited(guided_chunks, {"velocity + gain": "gain"}), "own velocity"),
        "whole corrections": (
            edited(
                guided_chunks,
                {"(velocity + gain * correction) / steps": "velocity / steps + gain * correction"},
            ),
            "divided by the steps",
        ),
    },
    "check_mended_rounds": {
        "hers": (her_rounds, "does what her code does"),
        "half a key": (
            edited(mended_rounds, {"queue, key)": "queue, jax.random.split(key)[0])"}),
            "is split",
        ),
        "the first state, to look at": (
            lambda look, step, state, *a: mended_rounds(lambda s, *b: look(state, *b), step, state, *a),
            "All looks see",
        ),
        "the first state, to begin in": (rounds_from_the_start, "begins again in the first state"),
        "steps before rounds": (
            edited(mended_rounds, {"shown.reshape(": "jnp.swapaxes(shown, 0, 1).reshape("}),
            "have changed places",
        ),
        "all numbers in a row": (lambda *a: rounds_by_step(*a).reshape(-1), "axes were joined"),
        "hers in a loop": (
            rounds_of(right_action, after=lambda old, new, d: clipped(new, d)),
            "her code",
        ),
        "queue[i + delay]": (edited(her_rounds, {"queue[i]": "queue[i + delay]"}), "is read later still"),
        "queue[i - delay]": (edited(her_rounds, {"queue[i]": "queue[i - delay]"}), "counted from its end"),
        "handed on well, queue[i + delay]": (
            edited(mended_rounds, {"queue[i]": "queue[i + delay]"}),
            "as it should be, but read",
        ),
        "handed on well, queue[i - delay]": (
            edited(mended_rounds, {"queue[i]": "queue[i - delay]"}),
            "as it should be, but counted",
        ),
        "the look gets the queue moved on": (
            edited(her_rounds, {"look(state, queue, key)": LOOK_AHEAD}),
            "the next round still begins too late",
        ),
        "handed on well, the look gets the queue moved on": (
            edited(mended_rounds, {"look(state, queue, key)": LOOK_AHEAD}),
            "actions for later steps.",
        ),
        "changed places": (
            rounds_of(lambda old, new, i, every, d: new[i] if i < d else old[every + i]),
            "changed places",
        ),
        "begins with the beginning": (
            lambda look, step, s, c, keys, e, d: mended_rounds(
                look, step, s, np.concatenate([c[:e], c[:-e]]), keys, e, d
            ),
            "The first round gets",
        ),
        "from its first action": (
            rounds_of(lambda old, new, i, every, d: old[every + i] if i < d else new[i - d]),
            "a moment that has passed",
        ),
        "from its first action, and hers": (
            rounds_of(
                lambda old, new, i, every, d: old[every + i] if i < d else new[i - d],
                after=lambda old, new, d: clipped(new, d),
            ),
            "Two places",
        ),
        "mended at the symptom": (
            rounds_of(
                lambda old, new, i, every, d: old[every + max(i - d, 0)] if i < d else new[i],
                after=lambda old, new, d: clipped(new, d),
            ),
            "has only moved",
        ),
        "hands on its beginning": (
            edited(mended_rounds, {"(state, new[every:])": "(state, new[: len(queue)])"}),
            "come again",
        ),
        "hands on as much as the delay": (
            edited(
                her_rounds,
                {"fresh[every:]": ("jnp.take(fresh, delay + jnp.arange(len(queue)), axis=0, mode='clip')")},
            ),
            "not right yet",
        ),
        "fresh[i]": (
            edited(her_rounds, {"fresh[i - delay]": "fresh[i]"}),
            "already at the round's first step",
        ),
        "look after the delay": (rounds_that_look_late(lambda i, d: i), "begins late, or predicts"),
        "look after the delay, from its first action": (
            rounds_that_look_late(lambda i, d: i - d),
            "ready, and the chunk begins",
        ),
        "look after the delay, from its first action, and so on": (
            rounds_that_look_late(lambda i, d: i - d, rest=lambda every, d: every - d),
            "and so does its rest",
        ),
        "first queue late": (
            lambda look, step, s, c, keys, e, d: mended_rounds(
                look, step, s, jnp.take(c, jnp.arange(len(c)) + d, axis=0, mode="clip"), keys, e, d
            ),
            "queue begins `delay` actions too late.",
        ),
        "first queue early": (
            lambda look, step, s, c, keys, e, d: mended_rounds(
                look, step, s, jnp.take(c, jnp.arange(len(c)) - d, axis=0, mode="clip"), keys, e, d
            ),
            "queue begins `delay` actions too early.",
        ),
        "first queue late, and hers": (
            lambda look, step, s, c, keys, e, d: her_rounds(
                look, step, s, jnp.take(c, jnp.arange(len(c)) + d, axis=0, mode="clip"), keys, e, d
            ),
            "the mistake is in what is handed on",
        ),
        "at once": (rounds_of(lambda old, new, i, every, d: new[i]), "before it is ready"),
        "never": (rounds_of(lambda old, new, i, every, d: old[every + i]), "never acts"),
        "twice as late": (
            rounds_of(
                lambda old, new, i, every, d: old[every + i] if i < d else new[min(i + d, len(new) - 1)]
            ),
            "as many again",
        ),
        "held": (rounds_of(lambda old, new, i, every, d: old[every] if i < d else new[i]), "held"),
        "standing": (rounds_of(lambda old, new, i, every, d: 0 * old[0] if i < d else new[i]), "stops while"),
        "old from its start": (
            rounds_of(lambda old, new, i, every, d: old[i] if i < d else new[i]),
            "begins again",
        ),
        "whole old chunk shown": (rounds_of(right_action, left=lambda old, every: old), "whole old chunk"),
        "the old one stays": (rounds_of(right_action, after=lambda old, new, d: old), "for ever"),
        "late": (
            rounds_of(lambda old, new, i, every, d: old[every + i] if i <= d else new[i]),
            "one step late",
        ),
        "early": (
            rounds_of(lambda old, new, i, every, d: old[every + i] if i < d - 1 else new[i]),
            "one step early",
        ),
        "averaged": (
            rounds_of(lambda old, new, i, every, d: (old[every + i] + new[i]) / 2 if i < d else new[i]),
            "averaged",
        ),
        "one key": (
            lambda look, step, s, c, keys, e, d: mended_rounds(
                lambda s, left, key: look(s, left, keys[0]), step, s, c, keys, e, d
            ),
            "share a key",
        ),
        "shown by round": (
            lambda look, step, s, c, keys, e, d: mended_rounds(look, step, s, c, keys, e, d).reshape(
                len(keys), e, -1
            ),
            "an axis of their own",
        ),
        "a Python if": (rounds_with_if, "`delay` is traced"),
        "rolled": (
            rounds_of(
                lambda old, new, i, every, d: old[every + i] if i < d else new[i],
                after=lambda old, new, d: np.roll(new, 1, axis=0),
            ),
            "not right yet",
        ),
        "predicted": (rounds_with_predicted_state(lambda new, i, d: new[i]), "begins late, or predicts"),
        "predicted, from its first action": (
            rounds_with_predicted_state(lambda new, i, d: new[i - d]),
            "ready, and the chunk begins",
        ),
        "handed on late": (
            edited(
                mended_rounds,
                {"(state, new[every:])": "(state, jnp.roll(new, delay, 0)[every:])"},
            ),
            "handed on is moved back",
        ),
        "handed on early": (
            edited(
                mended_rounds,
                {"(state, new[every:])": "(state, jnp.roll(new, -delay, 0)[every:])"},
            ),
            "handed on is moved on",
        ),
        "back to front": (
            lambda look, step, s, c, keys, e, d: mended_rounds(look, step, s, c, keys[::-1], e, d),
            "not right yet",
        ),
    },
}
WRONG["check_execute_until_drop"]["in one go"] = (
    lambda v, s, x, c, n, d, m: execute_until_drop(v, s, x, c, n, d, np.inf),
    "never stops before",
)
