"""Answers to the exercises of lesson 03 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson03 import (
    TIME_A_STEP,
    conditional_loss,
    edited_loss,
    euler,
    flow_matching_loss,
    interpolate,
    temporal_ensemble,
)


def path_by_transpose(noise, data, time):
    return (noise.T + time * (data - noise).T).T, data - noise


def path_vmapped(noise, data, time):
    return list(jax.vmap(lambda n, d, t: (n + t * (d - n), d - n))(noise, data, time))


def path_of_columns(noise, data, time):
    t = jnp.resize(time, noise.shape[1])  # a time a column
    return (1 - t) * noise + t * data, data - noise


def draw(key, shape):
    first, second = jax.random.split(key)
    return jax.random.normal(first, shape), jax.random.uniform(second, shape[:1])


def loss_by_transpose(field, data, key):
    noise, time = draw(key, data.shape)
    x, velocity = path_by_transpose(noise, data, time)
    return jnp.square(field(x, time) - velocity).mean()


def noise_of_the_observations_shape(field, observation, actions, key):
    noise, time = draw(key, observation.shape)
    x, velocity = path_by_transpose(noise, actions, time)
    return jnp.mean((field(observation, x, time) - velocity) ** 2)


def chunk_flattened(field, observation, chunks, valid, key):
    flat = chunks.reshape(len(chunks), -1)
    noise, time = draw(key, flat.shape)
    x, velocity = path_by_transpose(noise, flat, time)
    error = field(observation, x.reshape(chunks.shape), time).reshape(flat.shape) - velocity
    return jnp.mean(jnp.repeat(valid, chunks.shape[2], axis=1) * error**2)


def euler_scan(field, noise, steps):
    def one(x, t):
        return x + field(x, jnp.full(x.shape[0], t)) / steps, None

    return jax.lax.scan(one, jnp.asarray(noise), jnp.arange(steps) / steps)[0]


def euler_fori(field, noise, steps):
    return jax.lax.fori_loop(
        0, steps, lambda k, x: x + 1 / steps * field(x, jnp.repeat(k / steps, len(x))), jnp.asarray(noise)
    )


def euler_trajectory(field, noise, steps):
    points = [noise]
    for k in range(steps):
        points.append(points[-1] + field(points[-1], jnp.full(len(noise), k / steps)) / steps)
    return jnp.stack(points)


def ensemble_softmax(predictions, decay):
    weights = jax.nn.softmax(-decay * jnp.arange(predictions.shape[0]))
    return jnp.einsum("i,ia->a", weights, predictions)


def ensemble_recursive(predictions, decay):
    total, weight = 0.0, 0.0
    for row in predictions[::-1]:  # the newest first; what is older counts exp(decay) times as much
        total, weight = row + np.exp(-decay) * total, 1 + np.exp(-decay) * weight
    return total / weight


loss_by_row = edited(flow_matching_loss, {"error**2": "error**2, axis=1"})
time_by_entry = edited(flow_matching_loss, {"data.shape[:1]": "data.shape"})
huber = edited(
    flow_matching_loss, {"error**2": "jnp.where(jnp.abs(error) < 1, error**2, 2 * jnp.abs(error) - 1)"}
)
keys_in_turn = edited(
    flow_matching_loss,
    {"noise_key, time_key =": "key, noise_key = jax.random.split(key)\n    key, time_key ="},
)
euler_heun = edited(
    euler, {"field(x, time)": "(field(x, time) + field(x + field(x, time) / steps, time + 1 / steps)) / 2"}
)

RIGHT = {
    "check_interpolate": path_by_transpose,
    "check_flow_matching_loss": loss_by_transpose,
    "check_euler": euler_scan,
    "check_conditional_loss": lambda f, o, *rest: loss_by_transpose(lambda x, t: f(o, x, t), *rest),
    "check_chunk_loss": chunk_flattened,
    "check_temporal_ensemble": ensemble_softmax,
}
ALSO_RIGHT = {
    "check_interpolate": path_vmapped,
    "check_euler": euler_fori,
    "check_chunk_loss": edited_loss(
        {"valid[..., None] * error**2": "jnp.where(valid[..., None], error**2, 0)"}
    ),
    "check_temporal_ensemble": ensemble_recursive,
}

WRONG = {
    "check_interpolate": {
        "time is not a column": (edited(interpolate, {"time[:, None]": "time"}), "time[:, None]"),
        "a time a column": (path_of_columns, "Each ROW"),
        "only x": (lambda *args: interpolate(*args)[0], "wrong number of values"),
        "swapped": (lambda *args: interpolate(*args)[::-1], "another order"),
        "the velocity of a row": (
            edited(interpolate, {"data - noise": "(data - noise).sum(axis=1)"}),
            "wrong shape",
        ),
        "a unit velocity": (
            lambda n, d, t: (interpolate(n, d, t)[0], (d - n) / np.linalg.norm(d - n, axis=1)[:, None]),
            "data - noise",
        ),
        "time squared": (lambda n, d, t: interpolate(n, d, t**2), "a quarter of the way"),
        "swapped noise and data": (lambda n, d, t: path_by_transpose(d, n, t), "from the data to the noise"),
    },
    "check_flow_matching_loss": {
        "a loss a row": (loss_by_row, "An axis is left over"),
        "a time an entry": (time_by_entry, "one time a row"),
        "time as a column": (
            edited(flow_matching_loss, {"data.shape[:1]": "(len(data), 1)"}),
            "one time a row",
        ),
        "keys split one after the other": (keys_in_turn, "split twice in a row"),
        "a key of its own": (
            lambda f, d, key: loss_by_transpose(f, d, jax.random.key(0)),
            "noise_key, time_key = jax.random.split(key)",
        ),
        "a Huber loss": (huber, "velocity**2"),
        "noise too small": (edited(flow_matching_loss, {"noise = ": "noise = 0.5 * "}), "velocity**2"),
        "a float": (lambda *args: float(loss_by_transpose(*args)), "not inside jax.jit"),
        "arguments of the field swapped": (
            lambda f, d, key: loss_by_transpose(lambda x, t: f(t, x), d, key),
            "one time a row",
        ),
        "maximum": (edited(flow_matching_loss, {"jnp.mean": "jnp.max"}), "velocity**2"),
    },
    "check_euler": {
        "Heun's method": (euler_heun, "Heun"),
        "all points": (euler_trajectory, "An axis is left over"),
        "in place": (
            edited(euler, {"x = x + field(x, time)": "x += np.asarray(field(x, time))"}),
            "changes its arguments",
        ),
        "in NumPy": (lambda f, z, K: np.array(euler_scan(f, z, K)), "not inside jax.jit"),
        "time a number": (edited(euler, {"jnp.full(len(noise), k / steps)": "k / steps"}), "one time a row"),
        "ten steps always": (lambda f, z, K: euler_scan(f, z, 10), "number of steps is fixed"),
        "one step always": (lambda f, z, K: euler_scan(f, z, 1), "Each step starts where the last one ended"),
        "steps of a diffusion": (
            lambda f, z, K: z + (euler_scan(f, z, K) - z) * np.sqrt(1 / K),
            "K steps of size 1/K",
        ),
        "the last velocity": (lambda f, z, K: f(z, jnp.zeros(len(z))), "K steps of size 1/K"),
        "a clip at the end": (
            lambda f, z, K: jnp.clip(euler_scan(f, z, K), -1, 1),
            "Clip later, where the result is used",
        ),
        "tanh at the end": (lambda f, z, K: jnp.tanh(euler_scan(f, z, K)), "No clip inside"),
        "starts from clipped noise": (lambda f, z, K: euler_scan(f, jnp.clip(z, -1, 1), K), "No clip inside"),
    },
    "check_conditional_loss": {
        "field without observation": (
            lambda f, o, *rest: loss_by_transpose(f, *rest),
            "field(observation, x, time)",
        ),
        "arguments of the field swapped": (
            lambda f, o, *rest: conditional_loss(lambda o, x, t: f(x, o, t), o, *rest),
            "the field takes",
        ),
        "noise of the observation's shape": (
            noise_of_the_observations_shape,
            "Noise has the shape of the actions",
        ),
        "a loss a row": (
            lambda f, o, *rest: loss_by_row(lambda x, t: f(o, x, t), *rest),
            "An axis is left over",
        ),
        "a time an entry": (
            lambda f, o, *rest: time_by_entry(lambda x, t: f(o, x, t), *rest),
            "one time a row",
        ),
        "a Huber loss": (lambda f, o, *rest: huber(lambda x, t: f(o, x, t), *rest), "over all B * A entries"),
        "the observation of the row before": (
            lambda f, o, *rest: conditional_loss(f, jnp.roll(o, 1, axis=0), *rest),
            "the observation goes in as it is",
        ),
        "the observation's absolute value": (
            lambda f, o, *rest: conditional_loss(f, jnp.abs(o), *rest),
            "the observation goes in as it is",
        ),
    },
    "check_chunk_loss": {
        "valid without its axis": (edited_loss({"valid[..., None]": "valid"}), "valid[..., None]"),
        "valid on the wrong axis": (
            edited_loss({"valid[..., None]": "jnp.resize(valid, error.shape)"}),
            "next",
        ),
        "valid on batch and action": (
            edited_loss({"valid[..., None]": "valid[:, None, : error.shape[2]]"}),
            "valid[..., None]",
        ),
        "a time a step": (edited_loss(TIME_A_STEP), "one time a row"),
        "chunks flattened for the field": (
            lambda f, *args: chunk_flattened(lambda o, x, t: f(o, x.reshape(len(x), -1), t), *args),
            "the field takes x",
        ),
        "mean over valid entries by np.mean": (
            edited_loss({"valid[..., None] * error**2": "error[valid > 0] ** 2"}),
            "number of valid entries",
        ),
        "a loss a chunk": (edited_loss({"error**2)": "error**2, axis=(1, 2))"}), "An axis is left over"),
        "the last step is lost": (
            edited_loss({"valid[..., None]": "jnp.pad(valid[:, 1:], ((0, 0), (0, 1)))[..., None]"}),
            "next",
        ),
        "a squared mean": (edited_loss({"error**2)": "error) ** 2"}), "next"),
    },
    "check_temporal_ensemble": {
        "over the wrong axis": (lambda p, d: ensemble_softmax(p.T, d), "wrong shape"),
        "a column of weights": (
            edited(temporal_ensemble, {"weights @": "weights[:, None] *"}),
            "An axis is left over",
        ),
        "median": (lambda p, d: jnp.median(p, axis=0), "exp(-0.7)"),
        "oldest and newest": (
            lambda p, d: ensemble_softmax(p[jnp.array([0, -1])], d) if len(p) > 1 else p[0],
            "axis 0",
        ),
        "i from 1, not normalised by the same": (
            lambda p, d: jnp.exp(-d) * ensemble_softmax(p, d),
            "comes back as it is",
        ),
        "at most three": (lambda p, d: ensemble_softmax(p[:3], d), "next"),
        "in NumPy": (lambda p, d: np.array(ensemble_softmax(p, d)), "not inside jax.jit"),
        "clipped": (lambda p, d: jnp.clip(ensemble_softmax(p, d), -0.1, 0.1), "next"),
        "base 2": (lambda p, d: ensemble_softmax(p, d * np.log(2)), "exp(-0.7)"),
    },
}
