"""The networks of the paper as Flax NNX modules: MLP, critic ensemble, vector field, one-step policy, Gaussian policy.

A module is split once into a static definition and a plain pytree of parameters (`split`), so that everything trained
is an ordinary pytree. Sizes are the paper's (appendix C): GELU between layers, LayerNorm in the critic only.
Shapes: B batch, S observation size, H chunk length, A action size, E ensemble.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

Params = Any
XAVIER = nnx.initializers.variance_scaling(1.0, "fan_avg", "uniform")


class MLP(nnx.Module):
    """Linear layers with GELU, and LayerNorm after each hidden activation if asked: (B, inputs) -> (B, outputs)."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, layer_norm: bool, rngs: nnx.Rngs):
        sizes = (inputs, *hidden, outputs)
        linear = [nnx.Linear(a, b, kernel_init=XAVIER, rngs=rngs) for a, b in zip(sizes, sizes[1:], strict=False)]
        norms = [[nnx.LayerNorm(size, rngs=rngs)] if layer_norm else [] for size in hidden]
        hidden_layers = [layer for i in range(len(hidden)) for layer in (linear[i], nnx.gelu, *norms[i])]
        self.layers = nnx.Sequential(*hidden_layers, linear[-1])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layers(x)


class Critic(nnx.Module):
    """Q(s, a_{1:H}): one value for a whole chunk; (B, S), (B, H, A) -> (B,)."""

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        self.mlp = MLP(observation_size + chunk[0] * chunk[1], hidden, 1, layer_norm=True, rngs=rngs)

    def __call__(self, observation: jax.Array, actions: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(actions)], axis=-1))[..., 0]


class VectorField(nnx.Module):
    """v(s, x, t), the velocity of the behavior flow; (B, S), (B, H, A), (B,) -> (B, H, A)."""

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP(observation_size + size + 1, hidden, size, layer_norm=False, rngs=rngs)

    def __call__(self, observation: jax.Array, x: jax.Array, time: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(x), time[..., None]], axis=-1)).reshape(x.shape)


class OneStepPolicy(nnx.Module):
    """mu(s, z): noise to a chunk in one pass, FQL's distilled policy; (B, S), (B, H, A) -> (B, H, A), not clipped."""

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP(observation_size + size, hidden, size, layer_norm=False, rngs=rngs)

    def __call__(self, observation: jax.Array, noise: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(noise)], axis=-1)).reshape(noise.shape)


LOG_STD = (-20.0, 2.0)  # range of the Gaussian policy's log standard deviation


class GaussianPolicy(nnx.Module):
    """pi(a|s) before its tanh: mean and log standard deviation of every entry; (B, S) -> (B, H, A), (B, H, A)."""

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        self.chunk = chunk
        self.mlp = MLP(observation_size, hidden, 2 * chunk[0] * chunk[1], layer_norm=False, rngs=rngs)

    def __call__(self, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, log_std = jnp.split(self.mlp(observation), 2, axis=-1)
        shape = (*observation.shape[:-1], *self.chunk)
        return mean.reshape(shape), jnp.clip(log_std, *LOG_STD).reshape(shape)


def flatten(chunk: jax.Array) -> jax.Array:
    """(..., H, A) -> (..., H * A)."""
    return chunk.reshape(*chunk.shape[:-2], -1)


def functional(
    module: Callable[[nnx.Rngs], nnx.Module], ensemble: int | None = None
) -> tuple[Callable[[jax.Array], Params], Callable[..., jax.Array]]:
    """A module as two pure functions: `init(key) -> params` and `apply(params, *inputs) -> outputs`.

    With `ensemble=E` the parameters carry a leading axis E, each member drawn from its own key, and so do the outputs:
    E critics are (E, B).
    """
    definition = nnx.graphdef(nnx.eval_shape(lambda: module(nnx.Rngs(0))))

    def init(key: jax.Array) -> Params:
        return nnx.to_pure_dict(nnx.state(module(nnx.Rngs(key))))

    def apply(params: Params, *inputs: jax.Array) -> jax.Array:
        return nnx.merge(definition, nnx.State(params))(*inputs)

    if ensemble is None:
        return init, apply
    return (
        lambda key: jax.vmap(init)(jax.random.split(key, ensemble)),
        lambda params, *inputs: jax.vmap(lambda member: apply(member, *inputs))(params),
    )
