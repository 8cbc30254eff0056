"""Flow matching: turn Gaussian noise into actions along straight lines.

    x_t = (1 - t) x_0 + t x_1        the path from noise x_0 to data x_1, t in [0, 1]
    v   = x_1 - x_0                  its velocity, which the vector field learns to predict

Source: Lipman et al. 2022 (flow matching), Park et al. 2025 (FQL), and arXiv 2507.07969, section 4, where x_1
is a whole chunk. Shapes: B batch, H chunk length, A action size, S observation size.
`vector_field(observation (B, S), x (B, H, A), time (B,)) -> velocity (B, H, A)`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

VectorField = Callable[[Array, Array, Array], Array]


def interpolate(noise: Array, actions: Array, time: Array) -> tuple[Array, Array]:
    """x_t and its velocity: noise, actions (B, H, A), time (B,) -> (B, H, A) twice."""
    t = time[:, None, None]
    return (1.0 - t) * noise + t * actions, actions - noise


def flow_matching_loss(
    vector_field: VectorField, observation: Array, actions: Array, valid: Array, key: Array
) -> Array:
    """Mean squared error of the velocity at a random point of each path; a scalar.

    Steps after the episode's end, where `valid` (B, H) is 0, count as zero error in a mean over all entries,
    as in the published method.
    """
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, actions.shape)  # x_0 (B, H, A)
    time = jax.random.uniform(time_key, actions.shape[:1])  # t (B,)
    x, velocity = interpolate(noise, actions, time)
    error = vector_field(observation, x, time) - velocity  # (B, H, A)
    return jnp.mean(valid[..., None] * error**2)


def euler(vector_field: VectorField, observation: Array, noise: Array, steps: int) -> Array:
    """Integrates the field from noise to actions, both (B, H, A), in `steps` steps. Nothing is clipped."""
    x = noise
    for k in range(steps):
        time = jnp.full(noise.shape[:1], k / steps)
        x = x + vector_field(observation, x, time) / steps
    return x


def sampling_field(vector_field: Callable, params: Any, precision: str) -> VectorField:
    """The field to sample from, without a gradient: the network computes in `precision`, not the path."""
    if precision == "float32":
        return lambda *inputs: vector_field(params, *inputs)
    low = lambda tree: jax.tree.map(lambda leaf: leaf.astype(precision), tree)
    params = low(params)
    return lambda *inputs: vector_field(params, *low(inputs)).astype(jnp.float32)
