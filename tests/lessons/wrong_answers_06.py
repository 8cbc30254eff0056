"""Answers to the exercises of lesson 06 as learners might write them; see wrong_answers_00.py."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.lax import stop_gradient

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson06 import (
    act_with_queue,
    half_and_half,
    mended_policy_losses,
    rlpd_losses,
    sample_chunk,
)
from qlac_lite.lessons.her_rlpd import her_policy_losses


def half_by_where(key, offline_starts, online_starts, filled, batch_size):
    keys, size = jax.random.split(key), (batch_size // 2,)
    empty = filled == 0
    i = jax.random.randint(keys[1], size, 0, jnp.where(empty, len(offline_starts), filled))
    second = jnp.where(empty, offline_starts[i], online_starts[i])
    i = jax.random.randint(keys[0], (batch_size - size[0],), 0, len(offline_starts))
    online = jnp.r_[jnp.zeros(len(i)), jnp.full(size, 1 - empty)]
    return online, jnp.concatenate([offline_starts[i], second])


def half_with_a_third_key(key, offline_starts, online_starts, filled, batch_size):
    a, b, c = jax.random.split(key, 3)
    n, many = batch_size // 2, len(offline_starts)
    first = offline_starts[jax.random.randint(a, (batch_size - n,), 0, many)]
    replay = online_starts[jax.random.randint(b, (n,), 0, filled)]
    second = jnp.where(filled > 0, replay, offline_starts[jax.random.randint(c, (n,), 0, many)])
    return (jnp.arange(batch_size) >= batch_size - n) & (filled > 0), jnp.concatenate([first, second])


def half_chosen(key, offline_starts, online_starts, filled, batch_size):
    a, b = jax.random.split(key)
    n = batch_size // 2
    first = jax.random.choice(a, offline_starts, (batch_size - n,))
    weight = jnp.arange(len(online_starts)) < filled
    second = jax.random.choice(b, online_starts, (n,), p=weight / weight.sum())
    return jnp.arange(batch_size) >= batch_size - n, jnp.concatenate([first, second])


def queue_by_deque(environment, decide, steps):
    store = {name: [] for name in ("seen", "action", "after", "mask", "end")}
    observation, _ = environment.reset()
    queue, decisions = collections.deque(), 0
    for _ in range(steps):
        if len(queue) == 0:
            queue.extend(decide(observation))
            decisions += 1
        action = queue.popleft()
        after, reward, terminated, truncated, _ = environment.step(action)
        row = observation, action, after, not terminated, terminated or truncated
        for name, value in zip(store, row, strict=True):
            store[name].append(value)
        observation = after
        if terminated or truncated:
            queue.clear()
            observation, _ = environment.reset()
    return *(np.array(column, float) for column in store.values()), decisions


def queue_until_the_end(environment, decide, steps):
    """Stops at the first end of an episode."""
    *rows, decisions = act_with_queue(environment, decide, steps)
    end = int(np.argmax(rows[-1])) + 1 if rows[-1].any() else steps
    return *(row[:end] for row in rows), decisions


def queue_with_a_for(environment, decide, steps):
    """Without a queue: chunk by chunk, and it stops in the middle of the last."""
    rows, decisions = [], 0
    observation, _ = environment.reset()
    while len(rows) < steps:
        decisions += 1
        for action in decide(observation):
            after, _, terminated, truncated, _ = environment.step(action)
            rows.append((observation, action, after, not terminated, terminated or truncated))
            observation = after
            if terminated or truncated:
                observation, _ = environment.reset()
            if terminated or truncated or len(rows) == steps:
                break
    return *(np.array(column)[:steps] for column in zip(*rows, strict=True)), decisions


def queue_filled_at_the_reset(environment, decide, steps):
    """Decides again as soon as it has reset, also after the last step."""
    rows, decisions = [], 1
    observation, _ = environment.reset()
    queue = list(decide(observation))
    for _ in range(steps):
        if not queue:
            queue, decisions = list(decide(observation)), decisions + 1
        action = queue.pop(0)
        after, _, terminated, truncated, _ = environment.step(action)
        rows.append((observation, action, after, not terminated, terminated or truncated))
        observation = after
        if terminated or truncated:
            observation, _ = environment.reset()
            queue, decisions = list(decide(observation)), decisions + 1
    return *(np.array(column, float) for column in zip(*rows, strict=True)), decisions


def sample_by_distance(mean, log_std, key):
    std = jnp.exp(log_std)
    u = mean + std * jax.random.normal(key, shape=mean.shape)
    per_entry = -((u - mean) ** 2) / (2 * std**2) - log_std - jnp.log(jnp.sqrt(2 * jnp.pi))
    per_entry += jax.nn.softplus(2 * u) + jax.nn.softplus(-2 * u) - 2 * jnp.log(2.0)
    return jnp.tanh(u), jnp.einsum("bha->b", per_entry)


def sample_each(mean, log_std, key):
    """With a log density for each entry."""
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    entries = jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std))
    return jnp.tanh(u), entries - 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))


def sample_with_numpy(mean, log_std, key):
    u = mean + np.exp(log_std) * np.asarray(jax.random.normal(key, mean.shape))
    entries = scipy.stats.norm.logpdf(u, mean, np.exp(log_std)) - np.log(1 - np.tanh(u) ** 2)
    return np.tanh(u), entries.sum(axis=(1, 2))


def sample_with_a_small_number(mean, log_std, key):
    """The slope as most programs of soft actor-critic write it."""
    std = jnp.exp(log_std)
    u = mean + std * jax.random.normal(key, mean.shape)
    chunk = jnp.tanh(u)
    gaussian, slope = jax.scipy.stats.norm.logpdf(u, mean, std), jnp.log(1 - chunk**2 + 1e-6)
    return chunk, (gaussian - slope).sum((1, 2))


def losses_member_by_member(networks, params, target_critic, batch, key, entropy_target):
    keys = jax.random.split(key)
    draw = lambda seen, key: sample_chunk(*networks.policy(params["policy"], seen), key)
    following = networks.critic(
        target_critic, batch.bootstrap_observation, draw(batch.bootstrap_observation, keys[0])[0]
    )
    y = stop_gradient(batch.returns + batch.discount * jnp.sum(following, 0) / len(following))
    rows = networks.critic(params["critic"], batch.observation, batch.actions)
    td = sum(jnp.mean(batch.valid.min(axis=1) * (row - y) ** 2) for row in rows) / len(rows)
    chunk, log_prob = draw(batch.observation, keys[1])
    warm, held = jnp.exp(params["log_temperature"]), stop_gradient(params)
    q = networks.critic(held["critic"], batch.observation, chunk)
    actor = jnp.exp(held["log_temperature"]) * log_prob.mean() - q.mean()
    numbers = chunk.shape[1] * chunk.shape[2]
    return td, actor, -warm * (stop_gradient(log_prob) + numbers * entropy_target).mean()


def losses_with_another_critic_loss(change):
    """`change(q, target)` gives the errors: the target's policy is stopped, and its critic is not."""

    def losses(networks, params, target_critic, batch, key, entropy_target):
        _, *others = rlpd_losses(networks, params, target_critic, batch, key, entropy_target)
        then, next_key = batch.bootstrap_observation, jax.random.split(key)[0]
        chunk = sample_chunk(*networks.policy(stop_gradient(params["policy"]), then), next_key)[0]
        target = batch.returns + batch.discount * networks.critic(target_critic, then, chunk).mean(0)
        q = networks.critic(params["critic"], batch.observation, batch.actions)
        errors = jnp.where(batch.valid.all(-1), change(q, target), 0.0)
        return (errors**2).sum() / errors.size, *others

    return losses


def losses_of_the_whole_output(networks, params, target_critic, batch, key, entropy_target):
    then = batch.bootstrap_observation
    return networks.critic(target_critic, then, networks.policy(params["policy"], then)).mean(), 0.0, 0.0


def losses_with_numpy(networks, params, target_critic, batch, key, entropy_target):
    critic, actor, _ = rlpd_losses(networks, params, target_critic, batch, key, entropy_target)
    _, own_key = jax.random.split(key)
    chunk, log_prob = sample_chunk(*networks.policy(params["policy"], batch.observation), own_key)
    gap = -np.mean(log_prob) - chunk[0].size * entropy_target
    return critic, actor, np.exp(params["log_temperature"]) * gap


def mended_as_hers(mean, log_std, q_of, log_temperature, key, entropy_target):
    """Hers, with both axes summed, and the axis of q left as it was: the same mean."""
    std = jnp.exp(log_std)
    u = mean + std * jax.random.normal(key, mean.shape)
    density = jax.scipy.stats.norm.logpdf(u, mean, std) - 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
    log_prob = density.sum(axis=(-2, -1))
    temperature = jnp.exp(log_temperature)
    actor = jnp.mean(stop_gradient(temperature) * log_prob - q_of(jnp.tanh(u))[:, None])
    return actor, temperature * (-jnp.mean(stop_gradient(log_prob)) - entropy_target * mean[0].size)


def mended_over_steps(change):
    """Hers, with something done to log_prob (B, H) and q (B, 1) before they meet."""

    def losses(mean, log_std, q_of, log_temperature, key, entropy_target):
        chunk, entries = sample_each(mean, log_std, key)
        log_prob, q = change(entries.sum(axis=-1), q_of(chunk)[:, None])
        temperature = jnp.exp(log_temperature)
        actor = jnp.mean(stop_gradient(temperature) * log_prob - q)
        entropy = -jnp.mean(stop_gradient(log_prob))
        return actor, temperature * (entropy - entropy_target * mean[0].size)

    return losses


ALSO_RIGHT = {
    # Of an empty replay it draws with the data's limit: JAX clamps what is out of bounds.
    "check_half_and_half": edited(
        half_and_half, {"replayed, filled)": "replayed, jnp.where(started, filled, many))"}
    ),
    "check_act_with_queue": queue_with_a_for,
}
RIGHT = {
    "check_half_and_half": half_by_where,
    "check_act_with_queue": queue_by_deque,
    "check_sample_chunk": sample_by_distance,
    "check_rlpd_losses": losses_member_by_member,
    "check_mended_policy_losses": mended_as_hers,
}

WRONG = {
    "check_half_and_half": {
        "an if on filled": (
            edited(half_and_half, {"jnp.where(started, replay, instead)": "replay if started else instead"}),
            "inside jax.jit",
        ),
        "a slice of filled": (
            edited(
                half_and_half,
                {
                    "online_starts, replayed": "online_starts[:filled], replayed",
                    "replayed, filled)": "replayed, filled) if started else instead",
                },
            ),
            "inside jax.jit",
        ),
        "weights": (half_chosen, "next"),
        "a third key for an empty replay": (half_with_a_third_key, "third key"),
        "all of the replay's part at once": (lambda k, a, b, *rest: half_and_half(k, b, b, *rest), "next"),
        "a quarter of the batch": (lambda *args: half_and_half(*args[:4], args[4] // 2), "wrong shape"),
        "rows first": (lambda *args: half_and_half(*args)[::-1], "another order"),
        "the rows only": (lambda *args: half_and_half(*args)[1], "wrong number of values"),
        "rows of both, stacked": (lambda *args: jnp.stack(half_and_half(*args)).T, "wrong number of values"),
    },
    "check_act_with_queue": {
        "steps on to the end of the chunk, and cuts the rows": (
            edited(queue_with_a_for, {" or len(rows) == steps": ""}),
            "number of steps of the environment",
        ),
        "no reset": (
            edited(act_with_queue, {"after, _ = environment.reset()": "pass", "queue = []": "pass"}),
            "call environment.reset() first",
        ),
        "the last transition is cut off": (edited(act_with_queue, {"*rows": "*rows[:-1]"}), "wrong shape"),
        "stops at the first episode's end": (queue_until_the_end, "wrong shape"),
        "a list of transitions": (
            edited(act_with_queue, {"*map(np.array, zip(*rows, strict=True))": "rows"}),
            "wrong number of values",
        ),
        "masks and ends swapped": (
            edited(
                act_with_queue, {"float(not terminated), float(over)": "float(over), float(not terminated)"}
            ),
            "another order",
        ),
        "no decisions": (lambda *args: act_with_queue(*args)[:-1], "wrong number of values"),
        "decides again at the reset": (queue_filled_at_the_reset, "as soon as it has reset"),
        "one decision too many": (edited(act_with_queue, {")), decisions": ")), decisions + 1"}), "next"),
        "a step too many": (lambda e, d, n: act_with_queue(e, d, n + 1), "wrong shape"),
    },
    "check_sample_chunk": {
        "log_std clipped": (
            lambda mean, log_std, key: sample_chunk(mean, jnp.clip(log_std, -10, 2), key),
            "log_std is clipped",
        ),
        "one number": (edited(sample_chunk, {", axis=(1, 2)": ""}), "One number is left"),
        "an entry each": (sample_each, "wrong shape"),
        "a step each": (edited(sample_chunk, {"axis=(1, 2)": "axis=2"}), "wrong shape"),
        "a small number in the logarithm": (sample_with_a_small_number, "in the logarithm"),
        "NumPy and SciPy": (sample_with_numpy, "jnp"),
        "the chunk only": (lambda *args: sample_chunk(*args)[0], "wrong number of values"),
        "the log density first": (lambda *args: sample_chunk(*args)[::-1], "results are exchanged"),
        "u too": (edited(sample_chunk, {"return ": "return u, "}), "wrong number of values"),
    },
    "check_rlpd_losses": {
        "a loss an entry": (
            edited(rlpd_losses, {"jnp.mean(whole * (q - target) ** 2)": "whole * (q - target) ** 2"}),
            "wrong shape",
        ),
        "other keys": (
            lambda n, p, t, b, k, e: rlpd_losses(n, p, t, b, jax.random.split(k)[0], e),
            "next",
        ),
        "the policy's whole output as chunk": (losses_of_the_whole_output, "raised"),
        "the sum of all": (lambda *args: sum(rlpd_losses(*args)), "wrong number of values"),
        "in a dictionary": (
            lambda *args: dict(zip("abc", rlpd_losses(*args), strict=True)),
            "wrong number of values",
        ),
        "float of the temperature": (
            edited(rlpd_losses, {'exp(params["log_temperature"])': 'exp(float(params["log_temperature"]))'}),
            "jax",
        ),
        "the target critic is not stopped": (
            losses_with_another_critic_loss(lambda q, target: q - target),
            "The target critic feels",
        ),
        "the critics are averaged first": (
            losses_with_another_critic_loss(
                lambda q, target: q.mean(0, keepdims=True) - stop_gradient(target)
            ),
            "averaged before the square",
        ),
        "NumPy in the thermostat": (losses_with_numpy, "jnp"),
    },
    "check_mended_policy_losses": {
        "q counts once a step": (
            mended_over_steps(lambda log_prob, q: (log_prob.sum(axis=1), log_prob.shape[1] * q[:, 0])),
            "Q counts H times",
        ),
        "the first step only": (mended_over_steps(lambda log_prob, q: (log_prob[:, 0], q[:, 0])), "next"),
        "the mean over steps, written out": (
            mended_over_steps(lambda log_prob, q: (log_prob.mean(axis=1), q[:, 0])),
            "what hers computes",
        ),
        "q without its axis": (mended_over_steps(lambda log_prob, q: (log_prob, q[:, 0])), "next"),
        "the sum over all": (
            mended_over_steps(lambda log_prob, q: (log_prob.sum() / 1.0, q)),
            "next",
        ),
        "actor's alone": (lambda *args: mended_policy_losses(*args)[0], "wrong number of values"),
        "for chunks of five": (
            mended_over_steps(lambda log_prob, q: (5 * log_prob, q)),
            "multiplied by five",
        ),
        "a higher temperature": (
            lambda m, s, q, t, k, e: her_policy_losses(m, s, q, t + jnp.log(m.shape[1]), k, e),
            "The temperature was raised H times",
        ),
        "a lower target": (
            lambda m, s, q, t, k, e: her_policy_losses(m, s, q, t, k, e / m.shape[1]),
            "The target was lowered",
        ),
        "mended, and the target of one action": (
            edited(mended_policy_losses, {"mean[0].size": "mean.shape[-1]"}),
            "The log density is mended",
        ),
        "mended, and Q divided": (
            mended_over_steps(lambda log_prob, q: (log_prob.sum(axis=1), q[:, 0] / log_prob.shape[1])),
            "Q is divided by H",
        ),
        "float": (
            edited(mended_policy_losses, {"jnp.exp(log_temperature)": "jnp.exp(float(log_temperature))"}),
            "jax",
        ),
        "the middle of the policy": (
            lambda m, s, q, t, k, e: mended_policy_losses(m, s - 20, q, t, k, e),
            "next",
        ),
    },
}
