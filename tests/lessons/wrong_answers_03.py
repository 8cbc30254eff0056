"""Answers to the exercises of lesson 03 as learners might write them; see wrong_answers.py."""

import jax
import jax.numpy as jnp
import numpy as np


def path_by_transpose(noise, data, time):
    return (noise.T + time * (data - noise).T).T, data - noise


def path_vmapped(noise, data, time):
    return list(jax.vmap(lambda n, d, t: (n + t * (d - n), d - n))(noise, data, time))


def path_of_columns(noise, data, time):
    t = jnp.resize(time, noise.shape[1])  # a time a column
    return (1 - t) * noise + t * data, data - noise


def loss_with(**changes):
    """flow matching with some of its parts replaced; rank-generic, written otherwise than the library's."""
    parts = dict(
        keys=lambda key: jax.random.split(key),
        noise=lambda key, data: jax.random.normal(key, data.shape),
        time=lambda key, data: jax.random.uniform(key, (data.shape[0],)),
        ask=lambda field, x, t: field(x, t),
        end=lambda error: (error * error).mean(),
        path=lambda n, d, t: n + t * (d - n),
    )
    parts |= changes

    def loss(field, data, key):
        keys = parts["keys"](key)
        noise, time = parts["noise"](keys[0], data), parts["time"](keys[1], data)
        t = jnp.expand_dims(time, tuple(range(1, data.ndim)))
        return parts["end"](parts["ask"](field, parts["path"](noise, data, t), time) - data + noise)

    return loss


def conditional(loss):
    return lambda field, observation, actions, key: loss(lambda x, t: field(observation, x, t), actions, key)


def chunked(**changes):
    """The loss over chunks; `end` also gets valid."""
    end = changes.pop(
        "end", lambda error, valid: jnp.sum(jnp.where(valid[:, :, None] > 0, error**2, 0)) / error.size
    )

    def loss(field, observation, chunks, valid, key):
        ask = lambda x, t: field(observation, x, t)
        return loss_with(end=lambda error: end(error, valid), **changes)(ask, chunks, key)

    return loss


def chunk_flattened(field, observation, chunks, valid, key):
    flat = chunks.reshape(len(chunks), -1)
    first, second = jax.random.split(key)
    noise, time = jax.random.normal(first, flat.shape), jax.random.uniform(second, (len(flat),))
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


def euler_heun(field, noise, steps):
    x = noise
    for k in range(steps):
        here = field(x, jnp.full(len(x), k / steps))
        x = x + (here + field(x + here / steps, jnp.full(len(x), (k + 1) / steps))) / 2 / steps
    return x


def euler_trajectory(field, noise, steps):
    points = [noise]
    for k in range(steps):
        points.append(points[-1] + field(points[-1], jnp.full(len(noise), k / steps)) / steps)
    return jnp.stack(points)


def euler_in_place(field, noise, steps):
    for k in range(steps):
        noise += np.asarray(field(noise, jnp.full(len(noise), k / steps))) / steps
    return noise


def euler_in_numpy(field, noise, steps):
    x = np.array(noise)
    for k in range(steps):
        x = x + np.array(field(x, np.full(len(x), k / steps))) / steps
    return x


def euler_scalar_time(field, noise, steps):
    x = noise
    for k in range(steps):
        x = x + field(x, k / steps) / steps
    return x


def euler_sqrt_steps(field, noise, steps):
    return noise + (euler_scan(field, noise, steps) - noise) * np.sqrt(1 / steps)


def ensemble_softmax(predictions, decay):
    weights = jax.nn.softmax(-decay * jnp.arange(predictions.shape[0]))
    return jnp.einsum("i,ia->a", weights, predictions)


def ensemble_recursive(predictions, decay):
    total, weight = 0.0, 0.0
    for row in predictions[::-1]:  # the newest first; what is older counts exp(decay) times as much
        total, weight = row + np.exp(-decay) * total, 1 + np.exp(-decay) * weight
    return total / weight


SPLIT_IN_TURN = dict(keys=lambda key: (lambda k: (k[1], jax.random.split(k[0])[1]))(jax.random.split(key)))
TIME_PER_ENTRY = dict(
    time=lambda key, data: jax.random.uniform(key, data.shape),
    path=lambda n, d, t: n + t.reshape(d.shape) * (d - n),
)
TIME_COLUMN = dict(
    time=lambda key, data: jax.random.uniform(key, (data.shape[0], 1)),
    path=lambda n, d, t: n + t.reshape(-1, *[1] * (d.ndim - 1)) * (d - n),
)
PER_ROW = dict(end=lambda error: (error**2).mean(axis=tuple(range(1, error.ndim))))
HUBER = dict(end=lambda error: jnp.mean(jnp.where(jnp.abs(error) < 1, error**2, 2 * jnp.abs(error) - 1)))
SMALL_NOISE = dict(noise=lambda key, data: 0.5 * jax.random.normal(key, data.shape))
INTEGER_KEY = dict(keys=lambda key: jax.random.split(jax.random.key(0)))

RIGHT = {
    "check_interpolate": path_by_transpose,
    "check_flow_matching_loss": loss_with(),
    "check_euler": euler_scan,
    "check_conditional_loss": conditional(loss_with()),
    "check_chunk_loss": chunk_flattened,
    "check_temporal_ensemble": ensemble_softmax,
}
ALSO_RIGHT = {
    "check_interpolate": path_vmapped,
    "check_euler": euler_fori,
    "check_chunk_loss": chunked(),
    "check_temporal_ensemble": ensemble_recursive,
}

WRONG = {
    "check_interpolate": {
        "time is not a column": (lambda n, d, t: ((1 - t) * n + t * d, d - n), "time[:, None]"),
        "a time a column": (path_of_columns, "Each ROW"),
        "only x": (lambda n, d, t: path_by_transpose(n, d, t)[0], "wrong number of values"),
        "swapped": (lambda n, d, t: path_by_transpose(n, d, t)[::-1], "another order"),
        "the velocity of a row": (
            lambda n, d, t: (path_by_transpose(n, d, t)[0], (d - n).sum(axis=1)),
            "wrong shape",
        ),
        "a unit velocity": (
            lambda n, d, t: (
                path_by_transpose(n, d, t)[0],
                (d - n) / np.linalg.norm(d - n, axis=1, keepdims=True),
            ),
            "data - noise",
        ),
        "time squared": (lambda n, d, t: (path_by_transpose(n, d, t**2)[0], d - n), "a quarter of the way"),
        "swapped noise and data": (lambda n, d, t: path_by_transpose(d, n, t), "from the data to the noise"),
    },
    "check_flow_matching_loss": {
        "a loss a row": (loss_with(**PER_ROW), "An axis is left over"),
        "a time an entry": (loss_with(**TIME_PER_ENTRY), "one time a row"),
        "time as a column": (loss_with(**TIME_COLUMN), "one time a row"),
        "keys split one after the other": (loss_with(**SPLIT_IN_TURN), "split twice in a row"),
        "a key of its own": (loss_with(**INTEGER_KEY), "noise_key, time_key = jax.random.split(key)"),
        "a Huber loss": (loss_with(**HUBER), "velocity**2"),
        "noise too small": (loss_with(**SMALL_NOISE), "velocity**2"),
        "a float": (lambda *args: float(loss_with()(*args)), "not inside jax.jit"),
        "arguments of the field swapped": (loss_with(ask=lambda field, x, t: field(t, x)), "one time a row"),
        "maximum": (loss_with(end=lambda error: jnp.max(error**2)), "velocity**2"),
    },
    "check_euler": {
        "Heun's method": (euler_heun, "Heun"),
        "all points": (euler_trajectory, "An axis is left over"),
        "in place": (euler_in_place, "changes its arguments"),
        "in NumPy": (euler_in_numpy, "not inside jax.jit"),
        "time a number": (euler_scalar_time, "one time a row"),
        "ten steps always": (lambda f, z, K: euler_scan(f, z, 10), "number of steps is fixed"),
        "one step always": (lambda f, z, K: euler_scan(f, z, 1), "Each step starts where the last one ended"),
        "steps of a diffusion": (euler_sqrt_steps, "K steps of size 1/K"),
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
            lambda f, o, a, key: loss_with()(f, a, key),
            "field(observation, x, time)",
        ),
        "arguments of the field swapped": (
            lambda f, o, a, key: loss_with()(lambda x, t: f(x, o, t), a, key),
            "the field takes",
        ),
        "noise of the observation's shape": (
            lambda f, o, a, key: loss_with(noise=lambda k, d: jax.random.normal(k, o.shape))(
                lambda x, t: f(o, x, t), a, key
            ),
            "Noise has the shape of the actions",
        ),
        "a loss a row": (conditional(loss_with(**PER_ROW)), "An axis is left over"),
        "a time an entry": (conditional(loss_with(**TIME_PER_ENTRY)), "one time a row"),
        "a Huber loss": (conditional(loss_with(**HUBER)), "over all B * A entries"),
        "the observation of the row before": (
            lambda f, o, a, key: conditional(loss_with())(f, jnp.roll(o, 1, axis=0), a, key),
            "the observation goes in as it is",
        ),
        "the observation's absolute value": (
            lambda f, o, a, key: conditional(loss_with())(f, jnp.abs(o), a, key),
            "the observation goes in as it is",
        ),
    },
    "check_chunk_loss": {
        "valid without its axis": (chunked(end=lambda e, v: jnp.mean(v * e**2)), "valid[..., None]"),
        "valid on the wrong axis": (
            chunked(end=lambda e, v: jnp.mean(jnp.resize(v, e.shape) * e**2)),
            "next",
        ),
        "valid on batch and action": (
            chunked(end=lambda e, v: jnp.mean(v[:, : e.shape[2]][:, None, :] * e**2)),
            "valid[..., None]",
        ),
        "a time a step": (
            chunked(
                time=lambda key, d: jax.random.uniform(key, d.shape[:2]),
                path=lambda n, d, t: n + t.reshape(*d.shape[:2], 1) * (d - n),
            ),
            "one time a row",
        ),
        "chunks flattened for the field": (
            lambda f, o, c, v, key: chunked()(
                lambda o, x, t: f(o, x.reshape(len(x), -1), t).reshape(x.shape), o, c, v, key
            ),
            "the field takes x",
        ),
        "mean over valid entries by np.mean": (
            chunked(end=lambda e, v: jnp.mean(e[np.asarray(v) > 0] ** 2)),
            "number of valid entries",
        ),
        "a loss a chunk": (
            chunked(end=lambda e, v: jnp.mean(v[..., None] * e**2, axis=(1, 2))),
            "An axis is left over",
        ),
        "the last step is lost": (
            chunked(
                end=lambda e, v: jnp.mean(v[:, 1:, None] * e[:, :-1] ** 2) * (e.shape[1] - 1) / e.shape[1]
            ),
            "next",
        ),
        "a squared mean": (chunked(end=lambda e, v: jnp.mean(v[..., None] * e) ** 2), "next"),
    },
    "check_temporal_ensemble": {
        "over the wrong axis": (lambda p, d: ensemble_softmax(p.T, d), "wrong shape"),
        "a column of weights": (
            lambda p, d: np.exp(-d * np.arange(len(p)))[:, None] * p / np.exp(-d * np.arange(len(p))).sum(),
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
