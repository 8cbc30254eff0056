"""Answers to the exercises of lesson 06 as learners might write them; see wrong_answers.py."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.lax import stop_gradient

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
    second = jnp.where(empty, jnp.asarray(offline_starts)[i], jnp.asarray(online_starts)[i])
    first = jnp.asarray(offline_starts)[
        jax.random.randint(keys[0], (batch_size - size[0],), 0, len(offline_starts))
    ]
    online = jnp.r_[jnp.zeros(len(first)), jnp.full(size, 1 - empty)]
    return online, jnp.concatenate([first, second])


def half_with_if(key, offline_starts, online_starts, filled, batch_size):
    if filled == 0:
        a, b = jax.random.split(key)
        n = batch_size // 2
        draw = lambda key, n: jnp.asarray(offline_starts)[
            jax.random.randint(key, (n,), 0, len(offline_starts))
        ]
        return jnp.zeros(batch_size), jnp.concatenate([draw(a, batch_size - n), draw(b, n)])
    return half_and_half(key, offline_starts, online_starts, filled, batch_size)


def half_sliced(key, offline_starts, online_starts, filled, batch_size):
    a, b = jax.random.split(key)
    n = batch_size // 2
    source = online_starts[:filled] if filled > 0 else offline_starts
    first = offline_starts[np.asarray(jax.random.randint(a, (batch_size - n,), 0, len(offline_starts)))]
    second = source[np.asarray(jax.random.randint(b, (n,), 0, len(source)))]
    return np.arange(batch_size) >= batch_size - n * (filled > 0), np.concatenate([first, second])


def half_chosen(key, offline_starts, online_starts, filled, batch_size):
    a, b = jax.random.split(key)
    n = batch_size // 2
    first = jax.random.choice(a, jnp.asarray(offline_starts), (batch_size - n,))
    weight = jnp.arange(len(online_starts)) < filled
    second = jax.random.choice(b, jnp.asarray(online_starts), (n,), p=weight / weight.sum())
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
        for name, value in zip(
            store, (observation, action, after, not terminated, terminated or truncated), strict=True
        ):
            store[name].append(value)
        observation = after
        if terminated or truncated:
            queue.clear()
            observation, _ = environment.reset()
    return *(np.array(column, float) for column in store.values()), decisions


def queue_never_resets(environment, decide, steps):
    rows, queue, decisions = [], [], 0
    observation, _ = environment.reset()
    for _ in range(steps):
        if not queue:
            queue, decisions = list(decide(observation)), decisions + 1
        after, _, solved, late, _ = environment.step(action := queue.pop(0))
        rows.append((observation, action, after, 1.0 - solved, float(solved or late)))
        observation = after
    return *map(np.array, zip(*rows, strict=True)), decisions


def queue_loses_the_last(environment, decide, steps):
    *rows, decisions = act_with_queue(environment, decide, steps)
    return *(row[:-1] for row in rows), decisions


def queue_until_the_end(environment, decide, steps):
    """Stops at the first end of an episode."""
    *rows, decisions = act_with_queue(environment, decide, steps)
    end = int(np.argmax(rows[-1])) + 1 if rows[-1].any() else steps
    return *(row[:end] for row in rows), decisions


def queue_rows(environment, decide, steps):
    *rows, decisions = act_with_queue(environment, decide, steps)
    return list(zip(*rows, strict=True)), decisions


def queue_flags_swapped(environment, decide, steps):
    *rows, masks, ends, decisions = act_with_queue(environment, decide, steps)
    return *rows, ends, masks, decisions


def queue_counts_one_more(environment, decide, steps):
    *rows, decisions = act_with_queue(environment, decide, steps)
    return *rows, decisions + 1


def log_prob_by_distance(mean, log_std, u):
    std = jnp.exp(log_std)
    per_entry = -((u - mean) ** 2) / (2 * std**2) - log_std - jnp.log(jnp.sqrt(2 * jnp.pi))
    per_entry += jax.nn.softplus(2 * u) + jax.nn.softplus(-2 * u) - 2 * jnp.log(2.0)
    return jnp.einsum("bha->b", per_entry)


def critic_by_member(networks, params, target_critic, batch, key):
    mean, log_std = networks.policy(params["policy"], batch.bootstrap_observation)
    a = jnp.tanh(mean + jax.random.normal(key, mean.shape) * jnp.exp(log_std))
    following = networks.critic(target_critic, batch.bootstrap_observation, a)
    y = stop_gradient(batch.returns + batch.discount * jnp.sum(following, 0) / len(following))
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return sum(jnp.mean(batch.valid.min(axis=1) * (row - y) ** 2) for row in q) / len(q)


def actor_in_two(networks, params, observation, key):
    mean, log_std = networks.policy(params["policy"], observation)
    u = mean + jax.random.normal(key, mean.shape) * jnp.exp(log_std)
    q = networks.critic(stop_gradient(params)["critic"], observation, jnp.tanh(u))
    return (
        jnp.exp(stop_gradient(params["log_temperature"])) * chunk_log_prob(mean, log_std, u).mean() - q.mean()
    )


def interval_by_scipy(success, first, second):
    last = np.asarray(success)[..., -1]
    seeds = last.shape[1]
    interval = lambda x: scipy.stats.t.interval(
        0.95, seeds - 1, loc=x.mean(-1), scale=scipy.stats.sem(x, axis=-1)
    )
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


def interval_over_points(success, first, second):
    return interval_table(success.swapaxes(1, 2), first, second)


def interval_in_words(success, first, second):
    *rows, decision = interval_table(success, first, second)
    return *rows, {1: "better", 0: "not shown", -1: "worse"}[decision]


def half_clamped(key, offline_starts, online_starts, filled, batch_size):
    """Its rows of the replay are drawn from the data's limit, if that is empty;
    JAX clamps what is out of bounds."""
    data_key, replay_key = jax.random.split(key)
    half = batch_size // 2
    i = jax.random.randint(replay_key, (half,), 0, jnp.where(filled > 0, filled, len(offline_starts)))
    first = offline_starts[jax.random.randint(data_key, (batch_size - half,), 0, len(offline_starts))]
    rows = jnp.concatenate([first, jnp.where(filled > 0, online_starts[i], offline_starts[i])])
    return (jnp.arange(batch_size) >= batch_size - half) & (filled > 0), rows


def queue_of_whole_chunks(environment, decide, steps):
    return queue_with_a_for(environment, decide, steps, whole=True)


def queue_with_a_for(environment, decide, steps, whole=False):
    """Without a queue: chunk by chunk, and it stops in the middle of the last,
    unless that is finished as a `whole`."""
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
                break
            if len(rows) == steps and not whole:
                break
    return *(np.array(column)[:steps] for column in zip(*rows, strict=True)), decisions


def interval_by_two_tests(success, first, second):
    *rows, difference, _ = interval_table(success, first, second)
    test = scipy.stats.ttest_ind(success[first, :, -1], success[second, :, -1])
    return *rows, difference, np.sign(difference[0]) * (test.pvalue < 0.05)


ALSO_RIGHT = {"check_half_and_half": half_clamped, "check_act_with_queue": queue_with_a_for}
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
        "an if on filled": (half_with_if, "inside jax.jit"),
        "a slice of filled": (half_sliced, "inside jax.jit"),
        "weights": (half_chosen, "next"),
        "all of the replay's part at once": (
            lambda k, a, b, n, size: half_and_half(k, b, b, n, size),
            "next",
        ),
        "a quarter of the batch": (
            lambda k, a, b, n, size: half_and_half(k, a, b, n, size // 2),
            "wrong shape",
        ),
        "rows first": (lambda *args: half_and_half(*args)[::-1], "another order"),
        "the rows only": (lambda *args: half_and_half(*args)[1], "wrong number of values"),
        "rows of both, stacked": (lambda *args: jnp.stack(half_and_half(*args)).T, "wrong number of values"),
    },
    "check_act_with_queue": {
        "steps on to the end of the chunk, and cuts the rows": (
            queue_of_whole_chunks,
            "number of steps of the environment",
        ),
        "no reset": (queue_never_resets, "call environment.reset() first"),
        "the last transition is cut off": (queue_loses_the_last, "wrong shape"),
        "stops at the first episode's end": (queue_until_the_end, "wrong shape"),
        "a list of transitions": (queue_rows, "wrong number of values"),
        "masks and ends swapped": (queue_flags_swapped, "another order"),
        "no decisions": (lambda *args: act_with_queue(*args)[:-1], "wrong number of values"),
        "one decision too many": (queue_counts_one_more, "next"),
        "a step too many": (lambda e, d, n: act_with_queue(e, d, n + 1), "wrong shape"),
    },
    "check_chunk_log_prob": {
        "one number": (lambda m, s, u: chunk_log_prob(m, s, u).sum(), "Everything was summed"),
        "an entry each": (
            lambda m, s, u: jax.scipy.stats.norm.logpdf(u, m, jnp.exp(s)) - jnp.log(1 - jnp.tanh(u) ** 2),
            "An axis is left over",
        ),
        "a step each": (
            lambda m, s, u: (
                jax.scipy.stats.norm.logpdf(u, m, jnp.exp(s)) - jnp.log(1 - jnp.tanh(u) ** 2)
            ).sum(axis=-1),
            "An axis is left over",
        ),
        "SciPy in the middle": (
            lambda m, s, u: (
                scipy.stats.norm.logpdf(u, m, np.exp(s)).sum(axis=(1, 2))
                + 2 * np.log(np.cosh(u)).sum(axis=(1, 2))
            ),
            "jnp",
        ),
        "the density": (lambda m, s, u: jnp.exp(chunk_log_prob(m, s, u)), "next"),
        "in bits": (lambda m, s, u: chunk_log_prob(m, s, u) / jnp.log(2.0), "next"),
        "clipped": (lambda m, s, u: chunk_log_prob(m, s, jnp.clip(u, -5, 5)), "next"),
    },
    "check_rlpd_critic_loss": {
        "a loss an entry": (
            lambda n, p, t, b, k: (
                b.valid[:, -1] * (n.critic(p["critic"], b.observation, b.actions) - b.returns) ** 2
            ),
            "An axis is left over",
        ),
        "no bootstrap": (
            lambda n, p, t, b, k: rlpd_critic_loss(n, p, t, b._replace(discount=0 * b.discount), k),
            "next",
        ),
        "no reward": (
            lambda n, p, t, b, k: rlpd_critic_loss(n, p, t, b._replace(returns=0 * b.returns), k),
            "next",
        ),
        "another key": (lambda n, p, t, b, k: rlpd_critic_loss(n, p, t, b, jax.random.split(k)[0]), "next"),
        "bootstraps at the chunk's own state": (
            lambda n, p, t, b, k: rlpd_critic_loss(
                n, p, t, b._replace(bootstrap_observation=b.observation), k
            ),
            "next",
        ),
        "the policy's whole output as chunk": (
            lambda n, p, t, b, k: n.critic(
                t, b.bootstrap_observation, n.policy(p["policy"], b.bootstrap_observation)
            ).mean(),
            "raised",
        ),
    },
    "check_rlpd_actor_loss": {
        "a loss a row": (
            lambda n, p, o, k: rlpd_actor_loss(n, p, o, k) * jnp.ones(len(o)),
            "An axis is left over",
        ),
        "another key": (lambda n, p, o, k: rlpd_actor_loss(n, p, o, jax.random.split(k)[0]), "next"),
        "the policy stopped": (lambda n, p, o, k: rlpd_actor_loss(n, stop_gradient(p), o, k), "next"),
        "with the entropy of the batch": (lambda n, p, o, k: (rlpd_actor_loss(n, p, o, k), 0.0), "tuple"),
        "minus the whole": (lambda n, p, o, k: -rlpd_actor_loss(n, p, o, k), "Both signs"),
        "float of the temperature": (
            lambda n, p, o, k: rlpd_actor_loss(n, p | {"log_temperature": float(p["log_temperature"])}, o, k),
            "jax",
        ),
    },
    "check_temperature_loss": {
        "a loss a chunk": (
            lambda log, p, h, a, t: jnp.exp(log) * (-stop_gradient(p) - h * a * t),
            "An axis is left over",
        ),
        "horizon plus size": (lambda log, p, h, a, t: temperature_loss(log, p, 1, h + a, t), "next"),
        "the target's sign": (
            lambda log, p, h, a, t: temperature_loss(log, p, h, a, -t),
            "The target is added",
        ),
        "NumPy": (lambda log, p, h, a, t: np.exp(log) * (-np.mean(p) - h * a * t), "jnp"),
        "the temperature itself": (lambda log, p, h, a, t: jnp.exp(log), "next"),
        "detached by float": (lambda log, p, h, a, t: jnp.exp(log) * (-float(p.mean()) - h * a * t), "jnp"),
    },
    "check_interval_table": {
        "the decision by a test for two groups": (interval_by_two_tests, "next"),
        "a bootstrap": (interval_bootstrap, "next"),
        "over points, not seeds": (interval_over_points, "next"),
        "the decision in words": (interval_in_words, "not an array of numbers"),
        "half-widths in place of ends": (
            lambda s, i, j: (lambda m, low, h, d, c: (m, m - low, h - m, d, c))(*interval_table(s, i, j)),
            "next",
        ),
        "shares in place of percent": (lambda s, i, j: interval_table(s / 100, i, j), "next"),
        "first and second only": (lambda s, i, j: interval_table(s[[i, j]], 0, 1), "wrong shape"),
        "the difference as one number": (
            lambda s, i, j: (lambda m, low, h, d, c: (m, low, h, d[0], c))(*interval_table(s, i, j)),
            "wrong shape",
        ),
        "low and high swapped": (
            lambda s, i, j: (lambda m, low, h, d, c: (m, h, low, d, c))(*interval_table(s, i, j)),
            "another order",
        ),
    },
}
