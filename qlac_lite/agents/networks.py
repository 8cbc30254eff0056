"""The networks of the paper as Flax NNX modules: critics, vector field, one-step policy, Gaussian policy.

The FQL and BFN families have GELU, then LayerNorm (critic only); the RLPD family has LayerNorm (critic only),
then ReLU, as the published code does (docs/fidelity.md). Shapes: B batch, S observation size, H chunk length,
A action size, E ensemble.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

Params = Any
Chunk = tuple[int, int]  # H, A
_Linear = functools.partial(nnx.Linear, kernel_init=nnx.initializers.xavier_uniform())
LOG_STD = (-20.0, 2.0)  # range of the Gaussian policy's log standard deviation


class MLP(nnx.Module):
    """Linear layers with activations between them: (B, inputs) -> (B, outputs).

    `norm` says where LayerNorm stands: "none", "after" the activation, or "before" it.
    """

    def __init__(self, sizes: Sequence[int], rngs: nnx.Rngs, activation=nnx.gelu, norm="none"):
        *linear, last = (_Linear(*pair, rngs=rngs) for pair in itertools.pairwise(sizes))
        layers = []
        for layer in linear:
            normed = [] if norm == "none" else [nnx.LayerNorm(layer.out_features, rngs=rngs)]
            layers += [layer, *normed, activation] if norm == "before" else [layer, activation, *normed]
        self.layers = nnx.Sequential(*layers, last)

    def __call__(self, x: Array) -> Array:
        return self.layers(x)


class Critic(nnx.Module):
    """Q(s, a_{1:H}): one value for a whole chunk; (B, S), (B, H, A) -> (B,)."""

    def __init__(self, observation_size: int, chunk: Chunk, hidden: Sequence[int], rngs: nnx.Rngs, **layers):
        sizes = (observation_size + chunk[0] * chunk[1], *hidden, 1)
        self.mlp = MLP(sizes, rngs, **{"norm": "after", **layers})

    def __call__(self, observation: Array, actions: Array) -> Array:
        return self.mlp(_joined(observation, actions))[..., 0]


class VectorField(nnx.Module):
    """v(s, x, t), the velocity of the behavior flow; (B, S), (B, H, A), (B,) -> (B, H, A)."""

    def __init__(self, observation_size: int, chunk: Chunk, hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP((observation_size + size + 1, *hidden, size), rngs)

    def __call__(self, observation: Array, x: Array, time: Array) -> Array:
        return self.mlp(_joined(observation, x, time[..., None])).reshape(x.shape)


class OneStepPolicy(nnx.Module):
    """mu(s, z), FQL's distilled policy, not clipped; (B, S), noise (B, H, A) -> (B, H, A)."""

    def __init__(self, observation_size: int, chunk: Chunk, hidden: Sequence[int], rngs: nnx.Rngs):
        size = chunk[0] * chunk[1]
        self.mlp = MLP((observation_size + size, *hidden, size), rngs)

    def __call__(self, observation: Array, noise: Array) -> Array:
        return self.mlp(_joined(observation, noise)).reshape(noise.shape)


class GaussianPolicy(nnx.Module):
    """pi(a|s) before its tanh: mean and log standard deviation of each entry; (B, S) -> (B, H, A) twice."""

    def __init__(self, observation_size: int, chunk: Chunk, hidden: Sequence[int], rngs: nnx.Rngs):
        self.chunk = chunk
        self.mlp = MLP((observation_size, *hidden), rngs, nnx.relu)
        self.mean, self.log_std = (_Linear(hidden[-1], chunk[0] * chunk[1], rngs=rngs) for _ in range(2))

    def __call__(self, observation: Array) -> tuple[Array, Array]:
        features = nnx.relu(self.mlp(observation))
        shape = (*observation.shape[:-1], *self.chunk)
        return self.mean(features).reshape(shape), jnp.clip(self.log_std(features), *LOG_STD).reshape(shape)


def _joined(observation: Array, chunk: Array, *more: Array) -> Array:
    """(B, S), (B, H, A), ... -> (B, S + H * A + ...)."""
    return jnp.concatenate([observation, chunk.reshape(*chunk.shape[:-2], -1), *more], axis=-1)


def functional(module: Callable, ensemble: int | None = None) -> tuple[Callable, Callable]:
    """`module(rngs)` as two pure functions: `init(key) -> params` and `apply(params, *inputs) -> outputs`.

    With `ensemble=E` parameters and outputs have a leading axis E, each member drawn from its own key.
    """
    definition = nnx.graphdef(nnx.eval_shape(lambda: module(nnx.Rngs(0))))
    init = lambda key: nnx.to_pure_dict(nnx.state(module(nnx.Rngs(key))))
    apply = lambda params, *inputs: nnx.merge(definition, nnx.State(params))(*inputs)
    if ensemble is None:
        return init, apply
    init_all = lambda key: jax.vmap(init)(jax.random.split(key, ensemble))
    return init_all, lambda params, *inputs: jax.vmap(lambda member: apply(member, *inputs))(params)
