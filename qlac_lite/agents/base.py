"""What the learners share: the state, a gradient step on a sum of named losses, and acting in episodes.

Shapes: B batch, S observation size, H length of the policy's chunk, A action size, W environments.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from qlac_lite.agents.networks import Params
from qlac_lite.config import Config
from qlac_lite.data.dataset import Batch

Losses = dict[str, Array]  # name -> scalar with its weight; their sum is minimised
EVALUATION, TRAINING = 1, 2  # streams of episode seeds


class Metrics(NamedTuple):
    """Scalars for the log, by how several updates are summed up."""

    mean: dict[str, Array] = {}
    max: dict[str, Array] = {}
    min: dict[str, Array] = {}

    def also(self, **means: Array) -> "Metrics":
        return self._replace(mean=self.mean | means)


class State(NamedTuple):
    """All that is trained."""

    params: dict[str, Params]  # by network
    target_critic: Params  # moving average of params["critic"]; empty without a critic
    optimizer: Any


class Learner(NamedTuple):
    """A method as pure functions."""

    init: Callable[[Array], State]  # key -> state
    update: Callable[..., tuple[State, Metrics]]  # see `gradient_step`
    act: Callable[..., Array]  # params, (B, S), key -> the actions to execute (B, up to H, A), in [-1, 1]
    losses: Callable[[dict[str, Params], Params, Batch, Array], tuple[Losses, Metrics]]
    moves: dict[str, str]  # loss -> the one network that it moves
    acts_with: tuple[str, ...]  # the networks that `act` reads
    value: Callable | None = None  # params, (B, S), (B, H, A) -> (B,), see `Critics.mean_value`


def gradient_step(losses: Callable, optimizer: optax.GradientTransformation, target_rate: float) -> Callable:
    """`update(state, batch, key)`: a step on the sum of the losses, and the target's moving average.

    The average takes the critic from before the step, as the published code does. One optimizer serves all
    networks: Adam treats each parameter by itself. `reduce` takes the gradient's mean over devices.
    """

    def total(params, *inputs):
        terms, metrics = losses(params, *inputs)
        return sum(terms.values()), metrics.also(**{f"{name}_loss": value for name, value in terms.items()})

    def update(state, batch, key, reduce=lambda gradient: gradient):
        gradient, metrics = jax.grad(total, has_aux=True)(state.params, state.target_critic, batch, key)
        steps, opt_state = optimizer.update(reduce(gradient), state.optimizer, state.params)
        params, critic = optax.apply_updates(state.params, steps), state.params.get("critic", {})
        target_critic = optax.incremental_update(critic, state.target_critic, target_rate)
        return State(params, target_critic, opt_state), metrics

    return update


def adam_learner(
    config: Config, inits: dict[str, Callable], act: Callable, losses: Callable, *more
) -> Learner:
    """A learner whose networks each start from their own key, and the target critic as a copy of the critic.

    `act`, `losses`, `more`: fields of `Learner` in their order.
    """
    optimizer = optax.adam(config.learning_rate)

    def init(key):
        keys = jax.random.split(key, len(inits))
        params = {name: make(k) for (name, make), k in zip(inits.items(), keys, strict=True)}
        target_critic = jax.tree.map(jnp.copy, params.get("critic", {}))
        return State(params, target_critic, optimizer.init(params))

    update = gradient_step(losses, optimizer, config.target_rate)
    return Learner(init, update, act, losses, *more)


def episode_seed(seed: int, stream: int, episode: int) -> int:
    """The environment seed of an episode of a training seed."""
    return int(np.random.SeedSequence([seed, stream, episode]).generate_state(1)[0])


def acting(learner: Learner) -> Callable[..., Array]:
    """One seed's policy, with noise that follows from seed, stream, episode and decision alone.

    Call: params, observations (W, S), seed, stream, episodes (W,), decisions (W,) -> chunks (W, H, A).
    """

    def one(params, observation, seed, *numbers):
        key = functools.reduce(jax.random.fold_in, numbers, jax.random.key(seed))
        return learner.act(params, observation[None], key)[0]

    return jax.vmap(one, in_axes=(None, 0, None, None, 0, 0))


def acting_over_seeds(learner: Learner) -> Callable[..., Array]:
    """`acting`, compiled, with a leading axis over seeds on every argument but the stream."""
    return jax.jit(jax.vmap(acting(learner), in_axes=(0, 0, 0, None, 0, 0)))
