"""Flow matching: turn Gaussian noise into actions along straight lines.

    x_t = (1 - t) x_0 + t x_1        the path from noise x_0 to data x_1, t in [0, 1]
    v   = x_1 - x_0                  its velocity, which the vector field learns to predict

Source: Lipman et al. 2022 (flow matching), Park et al. 2025 (FQL, the behavior-cloning flow policy), and
Q-chunking, arXiv 2507.07969, section 4, where x_1 is a whole chunk. Shapes: B batch, H chunk length, A action
size, S observation size. `vector_field(observation (B, S), x (B, H, A), time (B,)) -> velocity (B, H, A)`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

VectorField = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


def interpolate(noise: jax.Array, actions: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The point x_t on the path and its velocity: noise, actions (B, H, A), time (B,) -> (B, H, A) twice."""
    t = time[:, None, None]
    return (1.0 - t) * noise + t * actions, actions - noise


def flow_matching_loss(
    vector_field: VectorField, observation: jax.Array, actions: jax.Array, valid: jax.Array, key: jax.Array
) -> jax.Array:
    """Mean squared error of the velocity at a random point of each path; a scalar.

    `valid` (B, H) is 1 where a step of the chunk belongs to the episode. Steps after its end count as zero
    error; the mean is over all B * H * A entries, as in the published method.
    """
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, actions.shape)  # x_0 (B, H, A)
    time = jax.random.uniform(time_key, actions.shape[:1])  # t (B,)
    x, velocity = interpolate(noise, actions, time)
    error = vector_field(observation, x, time) - velocity  # (B, H, A)
    return jnp.mean(valid[..., None] * error**2)


def euler(vector_field: VectorField, observation: jax.Array, noise: jax.Array, steps: int) -> jax.Array:
    """Integrates the field from noise at t = 0 to actions at t = 1 in K = `steps` Euler steps,
    both (B, H, A).

    The result may lie outside [-1, 1]. It is clipped where it is used: as a distillation target, as a
    candidate, as an action.
    """
    x = noise
    for k in range(steps):
        time = jnp.full(noise.shape[:1], k / steps)
        x = x + vector_field(observation, x, time) / steps
    return x


def sampling_field(vector_field: Callable, params: Any, precision: str) -> VectorField:
    """The field to sample from, where no gradient flows:
    the network computes in `precision`, not the path.
    """
    if precision == "float32":
        return lambda *inputs: vector_field(params, *inputs)
    low = lambda tree: jax.tree.map(lambda leaf: leaf.astype(precision), tree)
    params = low(params)
    return lambda *inputs: vector_field(params, *low(inputs)).astype(jnp.float32)
