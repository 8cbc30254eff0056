"""Answers to the exercises of lesson 03 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson03 import (
    TIME_A_STEP,
    broken_batch,
    edited_loss,
    flow_matching_loss,
    mean_velocity,
    sample_chunks,
    temporal_ensemble,
    training_batch,
)

SOFTMAX = "jax.nn.softmax(-0.5 * jnp.sum(noise**2, axis=2), axis=1)"


def mean_by_row(data, x, time):
    def one(place, t):
        noise = (place - t * data) / (1 - t)
        logs = -0.5 * (noise**2).sum(axis=1)
        weights = jnp.exp(logs - jax.scipy.special.logsumexp(logs))
        return weights @ (data - noise)

    return jax.vmap(one)(x, time)


def mean_of_the_ends(data, x, time):
    """The mean end of the lines, and the velocity from here to it: equal, since 1 - t is left."""
    noise = (x[:, None] - time[:, None, None] * data) / (1 - time[:, None, None])
    logs = -jnp.einsum("bnd,bnd->bn", noise, noise) / 2
    weights = jnp.exp(logs - logs.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return (weights @ data - x) / (1 - time)[:, None]


def loss_flattened(f, observation, chunks, valid, key):
    first, second = jax.random.split(key)
    flat = chunks.reshape(len(chunks), -1)
    noise = jax.random.normal(first, chunks.shape).reshape(flat.shape)
    time = jax.random.uniform(second, chunks.shape[:1])
    x = (noise.T + time * (flat - noise).T).T
    error = f(observation, x.reshape(chunks.shape), time).reshape(flat.shape) - (flat - noise)
    return jnp.mean(jnp.repeat(valid, chunks.shape[2], axis=1) * error**2)


def sampler_scan(f, observation, key, horizon, size, steps):
    def one(x, t):
        return x + f(observation, x, jnp.full(x.shape[0], t)) / steps, None

    noise = jax.random.normal(key, observation.shape[:1] + (horizon, size))
    return jax.lax.scan(one, noise, jnp.arange(steps) / steps)[0].clip(-1, 1)


def sampler_fori(f, observation, key, horizon, size, steps):
    step = lambda k, x: x + 1 / steps * f(observation, x, jnp.repeat(k / steps, len(x)))
    x = jax.random.normal(key, (len(observation), horizon, size))
    return jnp.maximum(-1, jnp.minimum(1, jax.lax.fori_loop(0, steps, step, x)))


def sampler_of_points(f, observation, key, horizon, size, steps):
    B, D = jax.random.normal(key, (len(observation), horizon, size)).shape
    return jnp.zeros((B, D))


def all_places(f, observation, key, horizon, size, steps):
    places = [jax.random.normal(key, (len(observation), horizon, size))]
    for k in range(steps):
        places.append(places[-1] + f(observation, places[-1], jnp.full(len(observation), k / steps)) / steps)
    return jnp.clip(jnp.stack(places), -1, 1)


def times_by_while(f, observation, key, horizon, size, steps):
    x, t = jax.random.normal(key, (len(observation), horizon, size)), 0.0
    while t < 1:
        x, t = x + f(observation, x, jnp.full(len(x), t)) / steps, t + 1 / steps
    return jnp.clip(x, -1, 1)


def times_are_shuffled(data, key, size):
    """Line by line, with an index into the data that jax.vmap traces."""
    rows_key, lines_key, time_key, order = jax.random.split(key, 4)
    rows = jnp.sort(jax.random.randint(rows_key, (size,), 0, len(data)))
    time = jax.random.permutation(order, (jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size)

    def line(row, t, key):
        noise = jax.random.normal(key, data.shape[1:])
        return noise + t * (data[row] - noise), t, data[row] - noise

    return jax.vmap(line)(rows, time, jax.random.split(lines_key, size))


def noise_for_all_data(data, key, size):
    a, b, c = jax.random.split(key, 3)
    rows, noise = jax.random.randint(a, (size,), 0, len(data)), jax.random.normal(b, data.shape)
    time = jax.random.uniform(c, (size,))
    velocity = (data - noise)[rows]
    return noise[rows] + time[:, None] * velocity, time, velocity


def noise_of_the_data(data, key, size):
    """Every point keeps its noise for ever."""
    a, _, c = jax.random.split(key, 3)
    rows, noise = (
        jax.random.randint(a, (size,), 0, len(data)),
        jax.random.normal(jax.random.key(0), data.shape),
    )
    time = jax.random.uniform(c, (size,))
    velocity = (data - noise)[rows]
    return noise[rows] + time[:, None] * velocity, time, velocity


def one_key_for_all(data, key, size):
    """Row and time from the same bits: both are small, or both are large."""
    uniform = jax.random.uniform(key, (size,))
    ends = data[(uniform * len(data)).astype(int)]
    noise = jax.random.normal(jax.random.fold_in(key, 1), ends.shape)
    return noise + uniform[:, None] * (ends - noise), uniform, ends - noise


def noise_and_time_of_one_key(data, key, size):
    """In data of one number a point the noise rises with the time; in others a line's two share no bits."""
    rows_key, _, time_key = jax.random.split(key, 3)
    ends = data[jax.random.randint(rows_key, (size,), 0, len(data))]
    time, noise = jax.random.uniform(time_key, (size,)), jax.random.normal(time_key, ends.shape)
    return noise + time[:, None] * (ends - noise), time, ends - noise


def ends_change_after_the_velocity(data, key, size):
    *_, velocity = training_batch(data, key, size)
    a, b, c = jax.random.split(key, 3)
    ends, time = data[jax.random.randint(a, (size,), 0, len(data))], jax.random.uniform(c, (size,))
    noise = jax.random.normal(b, ends.shape)
    ends = jax.random.permutation(c, ends)
    return noise + time[:, None] * (ends - noise), time, velocity


def only_the_left(data, key, size):
    return training_batch(data[: len(data) // 2], key, size)


def the_same_batch(data, key, size):
    return training_batch(data, jax.random.key(0), size)


def sorted_noise(data, key, size):
    """Noise, rows unsorted, times sorted, and the noise rises with the times."""
    a, b, c = jax.random.split(key, 3)
    ends, time = data[jax.random.randint(a, (size,), 0, len(data))], jnp.sort(jax.random.uniform(c, (size,)))
    noise = jnp.sort(jax.random.normal(b, ends.shape), axis=0)
    return noise + time[:, None] * (ends - noise), time, ends - noise


def nearest_noise(data, key, size):
    """Noise is handed out so that lines cross less."""
    x, time, velocity = training_batch(data, key, size)
    noise, ends = x - time[:, None] * velocity, x + (1 - time[:, None]) * velocity
    noise = noise[jnp.argsort(noise[:, 0])][jnp.argsort(jnp.argsort(ends[:, 0]))]
    return noise + time[:, None] * (ends - noise), time, ends - noise


def ensemble_by_softmax(chunks, decay):
    n = chunks.shape[0]
    actions = jnp.stack([chunk[n - 1 - i] for i, chunk in enumerate(chunks)])
    return jnp.einsum("i,ia->a", jax.nn.softmax(-decay * jnp.arange(n)), actions)


def ensemble_recursive(chunks, decay):
    total, weight = 0.0, 0.0
    for ago, chunk in enumerate(
        chunks[::-1]
    ):  # the newest first; what is older counts exp(decay) times as much
        total, weight = chunk[ago] + np.exp(-decay) * total, 1 + np.exp(-decay) * weight
    return total / weight


def ensemble_of_rows(chunks, decay):
    """A mean over the whole chunks."""
    weights = jnp.exp(-decay * jnp.arange(len(chunks)))
    return jnp.einsum("i,iha->ha", weights, chunks) / weights.sum()


RIGHT = {
    "check_mean_velocity": mean_by_row,
    "check_flow_matching_loss": loss_flattened,
    "check_sample_chunks": sampler_scan,
    "check_training_batch": times_are_shuffled,
    "check_temporal_ensemble": ensemble_by_softmax,
}
ALSO_RIGHT = {
    "check_mean_velocity": mean_of_the_ends,
    "check_flow_matching_loss": edited_loss(
        {"valid[..., None] * error**2": "jnp.where(valid[..., None], error**2, 0)"}
    ),
    "check_sample_chunks": sampler_fori,
    "check_training_batch": noise_for_all_data,
    "check_temporal_ensemble": ensemble_recursive,
}

WRONG = {
    "check_mean_velocity": {
        "exp without care": (
            edited(
                mean_velocity,
                {
                    SOFTMAX: "(lambda w: w / w.sum(axis=1, keepdims=True))(jnp.exp(-0.5 * "
                    "jnp.sum(noise**2, axis=2)))"
                },
            ),
            "0 / 0 far from all lines",
        ),
        "one maximum of all log-probabilities": (
            edited(
                mean_velocity,
                {
                    SOFTMAX: "(lambda s: (lambda w: w / w.sum(axis=1, keepdims=True))("
                    "jnp.exp(s - s.max())))(-0.5 * jnp.sum(noise**2, axis=2))"
                },
            ),
            "0 / 0 far from all lines",
        ),
        "a tiny number under the line": (
            edited(
                mean_velocity,
                {
                    SOFTMAX: "(lambda w: w / (w.sum(axis=1, keepdims=True) + "
                    "1e-8))(jnp.exp(-0.5 * jnp.sum(noise**2, axis=2)))"
                },
            ),
            "no longer add up to 1",
        ),
        "x has no axis for the data": (edited(mean_velocity, {"x[:, None]": "x"}), "next"),
        "time has no axes": (edited(mean_velocity, {"time[:, None, None]": "time"}), "next"),
        "a velocity for each point of the data": (
            edited(mean_velocity, {"(data - noise), axis=1)": "(data - noise), axis=0)"}),
            "wrong shape",
        ),
        "a number for each x": (
            edited(mean_velocity, {"(data - noise), axis=1)": "(data - noise), axis=(1, 2))"}),
            "wrong shape",
        ),
        "the mean end": (
            lambda data, x, t: mean_velocity(data, x, t) * (1 - t)[:, None] + x,
            "where the lines end",
        ),
        "the mean way still to go": (
            lambda data, x, t: mean_velocity(data, x, t) * (1 - t)[:, None],
            "still to go",
        ),
        "only the likeliest": (
            lambda data, x, t: mean_velocity(data, x, 0 * t + 0.999),
            "next",
        ),
        "1 - t bounded from below": (
            edited(mean_velocity, {"/ (1 - t)": "/ jnp.maximum(1 - t, 0.05)"}),
            "1 - t is kept above 0.05",
        ),
        "1 - t bounded closer to 0": (
            edited(mean_velocity, {"/ (1 - t)": "/ jnp.maximum(1 - t, 0.02)"}),
            "the velocity is that of the line through x",
        ),
        "in NumPy": (lambda *args: np.asarray(mean_velocity(*args)), "not inside jax.jit"),
        "the plain mean": (lambda data, x, t: (data.mean(axis=0) - x) / (1 - t)[:, None], "count the same"),
    },
    "check_flow_matching_loss": {
        "valid without its axis": (edited_loss({"valid[..., None]": "valid"}), "next"),
        "valid on batch and action": (
            edited_loss({"valid[..., None]": "valid[:, None, : error.shape[2]]"}),
            "next",
        ),
        "a time a step": (edited_loss(TIME_A_STEP), "one time a row"),
        "time as a column": (edited_loss({"x, time)": "x, time[:, None])"}), "one time a row"),
        "chunks flattened for the field": (
            lambda f, *args: loss_flattened(lambda o, x, t: f(o, x.reshape(len(x), -1), t), *args),
            "the field takes x",
        ),
        "arguments of the field swapped": (
            lambda f, *args: flow_matching_loss(lambda o, x, t: f(x, o, t), *args),
            "the field takes",
        ),
        "field without observation": (
            lambda f, *args: flow_matching_loss(lambda o, x, t: f(x, t), *args),
            "field(observation, x, time)",
        ),
        "mean over the entries that exist": (
            edited_loss({"valid[..., None] * error**2": "error[valid > 0] ** 2"}),
            "number of entries that exist",
        ),
        "a loss a chunk": (edited_loss({"error**2)": "error**2, axis=(1, 2))"}), "An axis is left over"),
        "the last step is lost": (
            edited_loss({"valid[..., None]": "jnp.pad(valid[:, 1:], ((0, 0), (0, 1)))[..., None]"}),
            "next",
        ),
        "a key of its own": (lambda *args: flow_matching_loss(*args[:-1], jax.random.key(0)), "next"),
        "a Huber loss": (
            edited_loss({"error**2": "jnp.where(jnp.abs(error) < 1, error**2, 2 * jnp.abs(error) - 1)"}),
            "only the noise, the velocity and the mean",
        ),
        "half the noise": (edited_loss({"noise = ": "noise = 0.5 * "}), "next"),
        "a float": (lambda *args: float(flow_matching_loss(*args)), "not inside jax.jit"),
        "the observation of the row before": (
            lambda f, o, *rest: flow_matching_loss(f, jnp.roll(o, 1, axis=0), *rest),
            "the observation goes in as it is",
        ),
        "valid guessed from the sum of a step": (
            edited_loss({"valid[..., None]": "(jnp.abs(actions).sum(axis=-1, keepdims=True) > 0)"}),
            "guessed from steps",
        ),
        "the way still to go, masked": (
            edited_loss({"- velocity": "- (1 - time[:, None, None]) * velocity"}),
            "from x to the data",
        ),
    },
    "check_sample_chunks": {
        "for points": (sampler_of_points, "raised ValueError"),
        "all places": (all_places, "An axis is left over"),
        "times by while": (times_by_while, "ten times 0.1 stays below 1"),
        "time a number": (
            edited(sample_chunks, {"jnp.full(len(x), k / steps)": "k / steps"}),
            "one time a row",
        ),
        "time for each step of the chunk": (
            edited(sample_chunks, {"jnp.full(len(x), k / steps)": "jnp.full(x.shape[:2], k / steps)"}),
            "one time a row",
        ),
        "flat noise": (
            edited(
                sample_chunks, {"(len(observation), horizon, size)": "(len(observation), horizon * size)"}
            ),
            "the field takes x",
        ),
        "axes of the chunk swapped": (
            edited(sample_chunks, {"(len(observation), horizon, size)": "(len(observation), size, horizon)"}),
            "the field takes x",
        ),
        "ten steps always": (lambda *args: sampler_scan(*args[:-1], 10), "fixed at 10"),
        "in NumPy": (lambda *args: np.array(sampler_scan(*args)), "not inside jax.jit"),
        "noise from another key": (
            lambda f, o, key, *rest: sample_chunks(f, o, jax.random.fold_in(key, 1), *rest),
            "next",
        ),
        "new noise at each step": (
            edited(
                sample_chunks,
                {
                    "x = x + field(observation, x, time) / steps": "x = x + field(observation, "
                    "x, time) / steps + 0.1 * jax.random.normal(jax.random.fold_in(key, k), x.shape)"
                },
            ),
            "next",
        ),
        "the last velocity": (
            lambda f, o, key, H, A, K: jnp.clip(
                f(o, jax.random.normal(key, (len(o), H, A)), jnp.zeros(len(o))), -1, 1
            ),
            "next",
        ),
        "the direction alone": (
            edited(
                sample_chunks, {"field(observation, x, time) /": "jnp.sign(field(observation, x, time)) /"}
            ),
            "next",
        ),
    },
    "check_training_batch": {
        "early rows more often": (
            edited(
                training_batch,
                {
                    "jax.random.randint(rows_key, (size,), 0, len(data))": (
                        "jnp.floor(jax.random.uniform(rows_key, (size,)) ** 2 * len(data)).astype(int)"
                    )
                },
            ),
            "drawn equally often",
        ),
        "a noise for all coordinates": (
            edited(
                training_batch, {"normal(noise_key, ends.shape)": "normal(noise_key, (size, 1)) + 0 * ends"}
            ),
            "all coordinates of a point share one",
        ),
        "x is the noise": (
            edited(training_batch, {"return (1 - t) * noise + t * ends,": "return noise,"}),
            "or x is the noise",
        ),
        "her batch": (broken_batch, "still rise together"),
        "row and time of the same bits": (one_key_for_all, "dependence of the time on the place"),
        "a noise for each point, for ever": (noise_of_the_data, "keeps its noise for ever"),
        "only the left half": (only_the_left, "share of the data that is drawn"),
        "the same batch each time": (the_same_batch, "every batch is the same"),
        "noise and time of one key": (noise_and_time_of_one_key, "without a look at rows or times"),
        "noise in order": (sorted_noise, "dependence of the time on the noise"),
        "noise that goes with the data": (nearest_noise, "dependence of the noise on the place"),
        "the swapped line": (
            edited(training_batch, {"(1 - t) * noise + t * ends": "t * noise + (1 - t) * ends"}),
            "swapped on the line",
        ),
        "times mixed by a fixed key": (
            edited(
                broken_batch,
                {
                    "t = time[:, None]": "time = jax.random.permutation("
                    "jax.random.key(0), time)\n    t = time[:, None]"
                },
            ),
            "mixed in the same way in every batch",
        ),
        "times turned round in half of the batches": (
            edited(
                broken_batch,
                {
                    "t = time[:, None]": "time = jnp.where(jax.random.bernoulli(time_key), "
                    "time, time[::-1])\n    t = time[:, None]"
                },
            ),
            "still depend on each other",
        ),
        "noise of np.random": (
            edited(
                training_batch,
                {"jax.random.normal(noise_key, ends.shape)": "np.random.normal(size=ends.shape)"},
            ),
            "drawn without the key",
        ),
        "times of a fixed key": (
            edited(
                training_batch,
                {
                    "(jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size": "jax."
                    "random.uniform(jax.random.key(0), (size,))"
                },
            ),
            "do not come from the key",
        ),
        "the ends change after the velocity": (ends_change_after_the_velocity, "do not fit together"),
        "the last row is never drawn": (
            edited(training_batch, {"0, len(data)": "0, len(data) - 1"}),
            "A row is never drawn",
        ),
        "the velocity backwards": (
            edited(training_batch, {"time, ends - noise": "time, noise - ends"}),
            "end at a point of the data",
        ),
        "the ends alone": (lambda *args: training_batch(*args)[0], "wrong number of values"),
        "time as a column": (
            lambda *args: (lambda x, t, v: (x, t[:, None], v))(*training_batch(*args)),
            "wrong shape",
        ),
        "times of the first half": (
            edited(training_batch, {"(time_key, (size,))) / size": "(time_key, (size,))) / size / 2"}),
            "spread of all times",
        ),
        "noise too small": (
            edited(training_batch, {"noise = jax": "noise = 0.5 * jax"}),
            "spread of the noise",
        ),
        "one noise for all": (
            edited(
                training_batch,
                {"normal(noise_key, ends.shape)": "normal(noise_key, ends[:1].shape) + 0 * ends"},
            ),
            "noises that are used twice",
        ),
    },
    "check_temporal_ensemble": {
        "over whole chunks": (ensemble_of_rows, "An axis is left over"),
        "median": (
            lambda c, d: jnp.median(c[jnp.arange(len(c)), len(c) - 1 - jnp.arange(len(c))], axis=0),
            "next",
        ),
        "the newest chunk first": (lambda c, d: temporal_ensemble(c[::-1], d), "row 0 is the oldest"),
        "in NumPy": (lambda c, d: np.array(temporal_ensemble(c, d)), "not inside jax.jit"),
        "clipped": (lambda c, d: jnp.clip(temporal_ensemble(c, d), -0.05, 0.05), "next"),
        "base 2": (lambda c, d: temporal_ensemble(c, d * np.log(2)), "next"),
        "the mean over the chunk's steps": (lambda c, d: ensemble_of_rows(c, d).mean(axis=0), "next"),
        "decay grows": (lambda c, d: temporal_ensemble(c, -d), "newest chunk weighs most"),
        "at most two": (lambda c, d: temporal_ensemble(c[-2:], d), "next"),
    },
}
