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
    chunk_log_prob,
    half_and_half,
    interval_table,
    rlpd_actor_loss,
    rlpd_critic_loss,
    temperature_loss,
)


def half_by_where(key, offline_starts, online_starts, filled, batch_size):
    keys, size = jax.random.split(key), (batch_size // 2,)
    empty = filled == 0
    i = jax.random.randint(keys[1], size, 0, jnp.where(empty, len(offline_starts), filled))
    second = jnp.where(empty, offline_starts[i], online_starts[i])
    i = jax.random.randint(keys[0], (batch_size - size[0],), 0, len(offline_starts))
    online = jnp.r_[jnp.zeros(len(i)), jnp.full(size, 1 - empty)]
    return online, jnp.concatenate([offline_starts[i], second])


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


def log_prob_by_distance(mean, log_std, u):
    std = jnp.exp(log_std)
    per_entry = -((u - mean) ** 2) / (2 * std**2) - log_std - jnp.log(jnp.sqrt(2 * jnp.pi))
    per_entry += jax.nn.softplus(2 * u) + jax.nn.softplus(-2 * u) - 2 * jnp.log(2.0)
    return jnp.einsum("bha->b", per_entry)


def log_prob_by_entry(mean, log_std, u):
    return jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std)) - jnp.log(1 - jnp.tanh(u) ** 2)


def log_prob_with_scipy(mean, log_std, u):
    entries = scipy.stats.norm.logpdf(u, mean, np.exp(log_std)) + 2 * np.log(np.cosh(u))
    return entries.sum(axis=(1, 2))


def critic_by_member(networks, params, target_critic, batch, key):
    mean, log_std = networks.policy(params["policy"], batch.bootstrap_observation)
    a = jnp.tanh(mean + jax.random.normal(key, mean.shape) * jnp.exp(log_std))
    following = networks.critic(target_critic, batch.bootstrap_observation, a)
    y = stop_gradient(batch.returns + batch.discount * jnp.sum(following, 0) / len(following))
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return sum(jnp.mean(batch.valid.min(axis=1) * (row - y) ** 2) for row in q) / len(q)


def critic_of_the_whole_output(networks, params, target_critic, batch, key):
    then = batch.bootstrap_observation
    return networks.critic(target_critic, then, networks.policy(params["policy"], then)).mean()


def actor_in_two(networks, params, observation, key):
    mean, log_std = networks.policy(params["policy"], observation)
    u = mean + jax.random.normal(key, mean.shape) * jnp.exp(log_std)
    q = networks.critic(stop_gradient(params)["critic"], observation, jnp.tanh(u))
    temperature = jnp.exp(stop_gradient(params["log_temperature"]))
    return temperature * chunk_log_prob(mean, log_std, u).mean() - q.mean()


def interval_by_scipy(success, first, second):
    def interval(x):
        return scipy.stats.t.interval(0.95, x.shape[-1] - 1, x.mean(-1), scipy.stats.sem(x, axis=-1))

    last = np.asarray(success)[..., -1]
    gap = last[first] - last[second]
    low, high = interval(gap)
    decision = 1 if low > 0 else -1 if high < 0 else 0
    return last.mean(axis=1), *interval(last), [gap.mean(), low, high], decision


def interval_bootstrap(success, first, second):
    rng = np.random.default_rng(0)
    last = success[:, :, -1]
    pick = rng.integers(last.shape[1], size=(2000, last.shape[1]))
    low, high = np.percentile(last[:, pick].mean(axis=2), [2.5, 97.5], axis=1)
    *_, difference, decision = interval_table(success, first, second)
    return last.mean(axis=1), low, high, difference, decision


def interval_by_two_tests(success, first, second):
    *rows, difference, _ = interval_table(success, first, second)
    test = scipy.stats.ttest_ind(success[first, :, -1], success[second, :, -1])
    return *rows, difference, np.sign(difference[0]) * (test.pvalue < 0.05)


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
    "check_chunk_log_prob": log_prob_by_distance,
    "check_rlpd_critic_loss": critic_by_member,
    "check_rlpd_actor_loss": actor_in_two,
    "check_temperature_loss": lambda log, prob, h, a, t: (
        -jnp.exp(log) * (stop_gradient(prob).mean() + h * a * t)
    ),
    "check_interval_table": interval_by_scipy,
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
        "one decision too many": (edited(act_with_queue, {")), decisions": ")), decisions + 1"}), "next"),
        "a step too many": (lambda e, d, n: act_with_queue(e, d, n + 1), "wrong shape"),
    },
    "check_chunk_log_prob": {
        "one number": (edited(chunk_log_prob, {", axis=(1, 2)": ""}), "Everything was summed"),
        "an entry each": (log_prob_by_entry, "An axis is left over"),
        "a step each": (lambda *args: log_prob_by_entry(*args).sum(axis=-1), "An axis is left over"),
        "SciPy in the middle": (log_prob_with_scipy, "jnp"),
        "the density": (lambda m, s, u: jnp.exp(chunk_log_prob(m, s, u)), "next"),
        "in bits": (lambda m, s, u: chunk_log_prob(m, s, u) / jnp.log(2.0), "next"),
        "clipped": (lambda m, s, u: chunk_log_prob(m, s, jnp.clip(u, -5, 5)), "next"),
    },
    "check_rlpd_critic_loss": {
        "a loss an entry": (
            edited(rlpd_critic_loss, {"jnp.mean(": "(", " + batch.discount * next_q": ""}),
            "An axis is left over",
        ),
        "no bootstrap": (edited(rlpd_critic_loss, {" + batch.discount * next_q": ""}), "next"),
        "no reward": (edited(rlpd_critic_loss, {"batch.returns + ": ""}), "next"),
        "another key": (lambda n, p, t, b, k: rlpd_critic_loss(n, p, t, b, jax.random.split(k)[0]), "next"),
        "bootstraps at the chunk's own state": (
            lambda n, p, t, b, k: rlpd_critic_loss(
                n, p, t, b._replace(bootstrap_observation=b.observation), k
            ),
            "next",
        ),
        "the policy's whole output as chunk": (critic_of_the_whole_output, "raised"),
    },
    "check_rlpd_actor_loss": {
        "a loss a row": (
            lambda n, p, o, k: rlpd_actor_loss(n, p, o, k) * jnp.ones(len(o)),
            "An axis is left over",
        ),
        "another key": (lambda n, p, o, k: rlpd_actor_loss(n, p, o, jax.random.split(k)[0]), "next"),
        "the policy stopped": (lambda n, p, o, k: rlpd_actor_loss(n, stop_gradient(p), o, k), "next"),
        "with the entropy of the batch": (lambda *args: (rlpd_actor_loss(*args), 0.0), "tuple"),
        "minus the whole": (lambda *args: -rlpd_actor_loss(*args), "Both signs"),
        "float of the temperature": (
            edited(rlpd_actor_loss, {'params["log_temperature"]': "float(params['log_temperature'])"}),
            "jax",
        ),
    },
    "check_temperature_loss": {
        "a loss a chunk": (edited(temperature_loss, {"jnp.mean": ""}), "An axis is left over"),
        "horizon plus size": (
            edited(temperature_loss, {"horizon * action_size": "(horizon + action_size)"}),
            "next",
        ),
        "the target's sign": (
            edited(temperature_loss, {"* entropy_target": "* -entropy_target"}),
            "The target is added",
        ),
        "NumPy": (lambda log, p, h, a, t: np.exp(log) * (-np.mean(p) - h * a * t), "jnp"),
        "the temperature itself": (lambda log, p, h, a, t: jnp.exp(log), "next"),
        "detached by float": (lambda log, p, h, a, t: jnp.exp(log) * (-float(p.mean()) - h * a * t), "jnp"),
    },
    "check_interval_table": {
        "the decision by a test for two groups": (interval_by_two_tests, "next"),
        "a bootstrap": (interval_bootstrap, "next"),
        "over points, not seeds": (lambda s, i, j: interval_table(s.swapaxes(1, 2), i, j), "next"),
        "the decision in words": (
            edited(
                interval_table,
                {"difference, decision": "difference, ['not shown', 'better', 'worse'][decision]"},
            ),
            "not an array of numbers",
        ),
        "half-widths in place of ends": (
            edited(interval_table, {"return mean, low, high": "return mean, mean - low, high - mean"}),
            "next",
        ),
        "shares in place of percent": (lambda s, i, j: interval_table(s / 100, i, j), "next"),
        "first and second only": (lambda s, i, j: interval_table(s[[i, j]], 0, 1), "wrong shape"),
        "the difference as one number": (
            edited(interval_table, {"difference, decision": "difference[0], decision"}),
            "wrong shape",
        ),
        "low and high swapped": (
            edited(interval_table, {"return mean, low, high": "return mean, high, low"}),
            "another order",
        ),
    },
}
