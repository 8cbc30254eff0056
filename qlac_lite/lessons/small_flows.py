"""Small flows of lesson 03: a network, its training, and toys to train it on. Shapes: B batch, D point.

Points of the toys are single actions (D,), inside the box [-1, 1].
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from scipy.spatial.distance import cdist

Params = list[tuple[Array, Array]]


def network(key: Array, sizes: tuple[int, ...]) -> Params:
    """Weights (in, out) and biases (out,) of a network with layers of these sizes."""
    keys = jax.random.split(key, len(sizes))
    pairs = zip(keys, sizes, sizes[1:], strict=False)
    return [(jax.random.normal(k, (a, b)) / np.sqrt(a), jnp.zeros(b)) for k, a, b in pairs]


def forward(params: Params, *inputs: Array) -> Array:
    """What the network gives, (B, out), for inputs that have B rows each."""
    x = jnp.concatenate([part.reshape(len(part), -1) for part in inputs], axis=1)
    for weights, bias in params[:-1]:
        x = jax.nn.gelu(x @ weights + bias)
    weights, bias = params[-1]
    return x @ weights + bias


def chunk_field(params: Params) -> Callable:
    """field(observation (B, S), x (B, H, A), time (B,)) -> (B, H, A) of a network."""
    return lambda observation, x, time: forward(params, observation, x, time).reshape(x.shape)


def train(loss: Callable, sizes: tuple[int, ...], seeds, updates: int, each=(), rate=2e-3):
    """Minimises loss(params, key, *own) by Adam, for each seed; `own` is a seed's part of `each`.

    Args:
        seeds: whole numbers (R,); a seed's result does not depend on the others.

    Returns:
        Parameters with a leading axis R, and the losses (R, updates).
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, updates))

    def one_seed(inputs):
        def update(carry, key):
            params, state = carry
            value, gradient = jax.value_and_grad(loss)(params, key, *own)
            steps, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, steps), state), value

        seed, own = inputs
        first, rest = jax.random.split(jax.random.fold_in(jax.random.key(0), seed))
        params = network(first, sizes)
        (params, _), losses = jax.lax.scan(
            update, (params, optimizer.init(params)), jax.random.split(rest, updates)
        )
        return params, losses

    inputs = jnp.asarray(seeds), jax.tree.map(jnp.asarray, each)
    return jax.block_until_ready(jax.jit(lambda inputs: jax.lax.map(one_seed, inputs))(inputs))


def two_modes(key: Array, count: int) -> Array:
    """Actions (count, 2) that steer left or right with equal chance, and never straight on."""
    side_key, noise_key = jax.random.split(key)
    side = jax.random.rademacher(side_key, (count, 1)).astype(float)
    return side * jnp.array([0.6, 0.0]) + 0.1 * jax.random.normal(noise_key, (count, 2))


def ring(key: Array, count: int) -> Array:
    """Actions (count, 2) of one speed in all directions."""
    angle_key, noise_key = jax.random.split(key)
    angle = jax.random.uniform(angle_key, (count,), maxval=2 * np.pi)
    circle = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    return 0.6 * circle + 0.04 * jax.random.normal(noise_key, (count, 2))


TOYS = {"two modes": two_modes, "ring": ring}


def fit_toy(loss: Callable, draw: Callable, seeds: int, updates: int) -> Params:
    """Flows of a toy by the lesson's loss(field, observation, chunks, valid, key); chunks of one action."""

    def toy_loss(params, key):
        data_key, loss_key = jax.random.split(key)
        chunks = draw(data_key, 128)[:, None]
        nothing, valid = jnp.zeros((128, 0)), jnp.ones((128, 1))
        return loss(chunk_field(params), nothing, chunks, valid, loss_key)

    return train(toy_loss, (3, 64, 64, 2), np.arange(seeds), updates)[0]


@functools.partial(jax.jit, static_argnums=(0, 2, 3))
def _sampled(sample: Callable, params: Params, count: int, steps: int, key: Array) -> Array:
    one = lambda params, key: sample(chunk_field(params), jnp.zeros((count, 0)), key, 1, 2, steps)[:, 0]
    return jax.vmap(one)(params, jax.random.split(key, len(params[0][1])))


def toy_samples(sample: Callable, params: Params, count: int, steps: int = 20) -> np.ndarray:
    """Actions (R, count, 2) of each seed's flow, by the lesson's sample_chunks."""
    return np.asarray(_sampled(sample, params, count, steps, jax.random.key(1)))


def gaussian_samples(data: np.ndarray, count: int) -> np.ndarray:
    """Samples (count, 2) of the Gaussian with the mean and covariance of data (N, 2), in the box."""
    drawn = np.random.default_rng(0).multivariate_normal(data.mean(axis=0), np.cov(data.T), count)
    return np.clip(drawn, -1, 1)


def straight_on(actions: np.ndarray) -> np.ndarray:
    """Percentage of actions (..., N, 2) between the two modes, |x| < 0.3: (...)."""
    return 100 * (np.abs(actions[..., 0]) < 0.3).mean(axis=-1)


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """How far two sets of samples (N, D) are from one distribution: 0 if they have the same."""
    return 2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean()


def follow(velocity: Callable, start: Array, steps: int) -> np.ndarray:
    """Places (steps + 1, B, D) of walkers that follow velocity(x (B, D), time (B,)) in Euler steps."""
    move = jax.jit(velocity)
    places = [jnp.asarray(start)]
    for k in range(steps):
        places.append(places[-1] + move(places[-1], jnp.full(len(start), k / steps)) / steps)
    return np.array(places)


def recorded_in_order(count: int = 200) -> Array:
    """Two modes (count, 2) as a recorder wrote them: first all that went left, then all that went right."""
    data = two_modes(jax.random.key(0), count)
    return data[jnp.argsort(data[:, 0])]


def fit_batches(training_batch: Callable, data: Array, updates: int, size: int = 64):
    """Samples (1000, 2) and losses (updates,) of a flow trained on training_batch(data, key, size)."""

    def loss(params, key):
        x, time, velocity = training_batch(data, key, size)
        return jnp.mean((forward(params, x, time) - velocity) ** 2)

    params, losses = train(loss, (3, 64, 64, 2), [0], updates)
    first = jax.tree.map(lambda leaf: leaf[0], params)
    noise = jax.random.normal(jax.random.key(1), (1000, 2))
    return follow(lambda x, time: forward(first, x, time), noise, 20)[-1], np.asarray(losses[0])


def least_loss(mean_velocity: Callable, data: Array, count: int = 4000) -> float:
    """The loss of the exact mean velocity on independent noise, data and times: none can be lower."""
    rows_key, noise_key, time_key = jax.random.split(jax.random.key(2), 3)
    ends = data[jax.random.randint(rows_key, (count,), 0, len(data))]
    noise, time = jax.random.normal(noise_key, ends.shape), jax.random.uniform(time_key, (count,))
    x = (1 - time[:, None]) * noise + time[:, None] * ends
    return float(jnp.mean((mean_velocity(data, x, time) - (ends - noise)) ** 2))
