"""What the learners share: the state, the critic loss, and one gradient step on a sum of named losses.

Shapes: B batch, H length of the policy's chunk (1 for the one-step and n-step methods), A action size, E ensemble.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from qlac_lite.chunks import Batch
from qlac_lite.networks import Params

Losses = dict[str, jax.Array]  # name -> scalar, weights included; the learner minimises their sum
Info = dict[str, jax.Array]  # name -> scalar, for the log


class State(NamedTuple):
    """All that is trained, a plain pytree."""

    params: dict[str, Params]  # by network
    target_critic: Params  # moving average of params["critic"]; empty for behavior cloning
    optimizer: Any


class Learner(NamedTuple):
    """A method as pure functions."""

    init: Callable[[jax.Array], State]  # key -> state
    update: Callable[..., tuple[State, Info]]  # one gradient step, see `gradient_step`
    act: Callable[[dict[str, Params], jax.Array, jax.Array], jax.Array]  # params, (B, S), key -> actions to execute, in [-1, 1]: (B, H, A), or their first `config.execute`
    losses: Callable[[dict[str, Params], Params, Batch, jax.Array], tuple[Losses, Info]]
    acts_with: tuple[str, ...]  # the networks that `act` reads
    value: Callable | None = None  # params, (B, S), (B, H, A) -> the critics' mean value of whole chunks (B,), see `mean_value`


def critic_loss(q: jax.Array, next_q: jax.Array, batch: Batch) -> tuple[jax.Array, Info]:
    """Squared temporal-difference error of an ensemble on chunks (arXiv 2507.07969, equation of L(theta)).

        target = sum_k discount^k r_{t+k} + discount^H mean_e Q_target(s_{t+H}, next chunk)

    Args:
        q: (E, B) the critics' values of the batch's actions.
        next_q: (E, B) the target critics' values at the bootstrap observation.
        batch: a chunk counts only if no episode end lies strictly inside it, so that all its H steps exist.
    """
    target = jax.lax.stop_gradient(batch.returns + batch.discount * jnp.mean(next_q, axis=0))  # (B,)
    whole = batch.valid[:, -1]  # (B,)
    info = {"q_mean": jnp.mean(q), "q_max": jnp.max(q), "q_min": jnp.min(q), "target_mean": jnp.mean(target)}
    return jnp.mean(whole * (q - target) ** 2), info


def mean_value(critic: Callable) -> Callable:
    """`value(params, observation, actions)`: the mean of an ensemble that gives (E, B), as a function of all parameters."""
    return lambda params, observation, actions: jnp.mean(critic(params["critic"], observation, actions), axis=0)


def gradient_step(losses: Callable, optimizer: optax.GradientTransformation, target_rate: float) -> Callable:
    """`update(state, batch, key, reduce)`: Adam on the sum of the losses, then the target critic's moving average.

    `reduce` is applied to the gradient first; where a batch is split over devices, it takes their mean.

    One optimizer serves all networks: Adam treats every parameter by itself, and each loss reaches only the network it
    is meant for, because `losses` stops the other gradients.
    """

    def total(params, target_critic, batch, key):
        terms, info = losses(params, target_critic, batch, key)
        return sum(terms.values()), {f"{name}_loss": value for name, value in terms.items()} | info

    def update(state: State, batch: Batch, key: jax.Array, reduce: Callable = lambda gradient: gradient) -> tuple[State, Info]:
        gradient, info = jax.grad(total, has_aux=True)(state.params, state.target_critic, batch, key)
        steps, opt_state = optimizer.update(reduce(gradient), state.optimizer, state.params)
        params = optax.apply_updates(state.params, steps)
        target_critic = optax.incremental_update(params.get("critic", {}), state.target_critic, target_rate)
        return State(params, target_critic, opt_state), info

    return update


def initial_state(networks: dict[str, Callable], optimizer: optax.GradientTransformation, key: jax.Array) -> State:
    """Parameters of each network from its own key; the target critic starts as a copy of the critic."""
    keys = jax.random.split(key, len(networks))
    params = {name: init(k) for (name, init), k in zip(networks.items(), keys, strict=True)}
    target_critic = jax.tree.map(jnp.copy, params.get("critic", {}))
    return State(params, target_critic, optimizer.init(params))
