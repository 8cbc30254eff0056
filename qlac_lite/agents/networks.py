"""The networks of the paper as Flax NNX modules: critics, vector field, one-step policy, Gaussian policy.

A module is split once into a static definition and a plain pytree of parameters (`functional`), so that
everything trained is an ordinary pytree. The FQL and BFN families have GELU, then LayerNorm (critic only);
the RLPD family has LayerNorm (critic only), then ReLU, as the published code does (docs/fidelity.md).
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
    """Linear layers, all but the last with an activation and perhaps LayerNorm: (B, inputs) -> (B, outputs).

    `norm` says where LayerNorm stands: "none", "after" the activation, or "before" it.
    """

    def __init__(
        self, sizes: Sequence[int], rngs: nnx.Rngs, activation: Callable = nnx.gelu, norm: str = "none"
    ):
        linear = [_linear(a, b, rngs) for a, b in zip(sizes, sizes[1:], strict=False)]
        hidden_layers = []
        for layer, size in zip(linear[:-1], sizes[1:-1], strict=True):
            normed = [] if norm == "none" else [nnx.LayerNorm(size, rngs=rngs)]
            hidden_layers += (
                [layer, *normed, activation] if norm == "before" else [layer, activation, *normed]
            )
        self.layers = nnx.Sequential(*hidden_layers, linear[-1])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layers(x)


def _linear(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, outputs, kernel_init=XAVIER, rngs=rngs)


class Critic(nnx.Module):
    """Q(s, a_{1:H}): one value for a whole chunk; (B, S), (B, H, A) -> (B,).

    RLPD's has an `activation` and `norm` of its own.
    """

    def __init__(
        self,
        observation_size: int,
        chunk: tuple[int, int],
        hidden: Sequence[int],
        rngs: nnx.Rngs,
        activation: Callable = nnx.gelu,
        norm: str = "after",
    ):
        self.mlp = MLP((observation_size + chunk[0] * chunk[1], *hidden, 1), rngs, activation, norm)

    def __call__(self, observation: jax.Array, actions: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(actions)], axis=-1))[..., 0]


class VectorField(nnx.Module):
    """v(s, x, t), the velocity of the behavior flow; (B, S), (B, H, A), (B,) -> (B, H, A)."""

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP((observation_size + size + 1, *hidden, size), rngs)

    def __call__(self, observation: jax.Array, x: jax.Array, time: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(x), time[..., None]], axis=-1)).reshape(x.shape)


class OneStepPolicy(nnx.Module):
    """mu(s, z), FQL's distilled policy: noise to a chunk in one pass; (B, S), (B, H, A) -> (B, H, A).

    Its chunks are not clipped.
    """

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP((observation_size + size, *hidden, size), rngs)

    def __call__(self, observation: jax.Array, noise: jax.Array) -> jax.Array:
        return self.mlp(jnp.concatenate([observation, flatten(noise)], axis=-1)).reshape(noise.shape)


LOG_STD = (-20.0, 2.0)  # range of the Gaussian policy's log standard deviation


class GaussianPolicy(nnx.Module):
    """pi(a|s) before its tanh: mean and log standard deviation of every entry; (B, S) -> (B, H, A) twice.

    Two heads on a common ReLU network, each with its own initialisation.
    """

    def __init__(self, observation_size: int, chunk: tuple[int, int], hidden: Sequence[int], rngs: nnx.Rngs):
        self.chunk = chunk
        self.mlp = MLP((observation_size, *hidden), rngs, nnx.relu)
        self.mean, self.log_std = (_linear(hidden[-1], chunk[0] * chunk[1], rngs) for _ in range(2))

    def __call__(self, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        features = nnx.relu(self.mlp(observation))
        shape = (*observation.shape[:-1], *self.chunk)
        return self.mean(features).reshape(shape), jnp.clip(self.log_std(features), *LOG_STD).reshape(shape)


def flatten(chunk: jax.Array) -> jax.Array:
    """(..., H, A) -> (..., H * A)."""
    return chunk.reshape(*chunk.shape[:-2], -1)


def functional(
    module: Callable[[nnx.Rngs], nnx.Module], ensemble: int | None = None
) -> tuple[Callable[[jax.Array], Params], Callable[..., jax.Array]]:
    """A module as two pure functions: `init(key) -> params` and `apply(params, *inputs) -> outputs`.

    With `ensemble=E` the parameters carry a leading axis E, each member drawn from its own key, and so do the
    outputs: E critics are (E, B).
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
