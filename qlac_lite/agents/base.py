"""What the learners share: the state, the critic loss, and one gradient step on a sum of named losses.

Shapes: B batch, H length of the policy's chunk (1 for the one-step and n-step methods), A action size, E ensemble.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from qlac_lite.chunks import Batch
from qlac_lite.config import Config
from qlac_lite.networks import Critic, Params, functional

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


def critic_loss(q: jax.Array, next_q: jax.Array, batch: Batch, reduce: str = "mean") -> tuple[jax.Array, Info]:
    """Squared temporal-difference error of an ensemble on chunks (arXiv 2507.07969, equation of L(theta)).

        target = sum_k discount^k r_{t+k} + discount^H mean_e Q_target(s_{t+H}, next chunk)

    Args:
        q: (E, B) the critics' values of the batch's actions.
        next_q: (E, B) the target critics' values at the bootstrap observation.
        batch: a chunk counts only if no episode end lies strictly inside it, so that all its H steps exist.
        reduce: "min" takes the least of the target critics in place of their mean.
    """
    next_value = {"mean": jnp.mean, "min": jnp.min}[reduce](next_q, axis=0)  # (B,)
    target = jax.lax.stop_gradient(batch.returns + batch.discount * next_value)  # (B,)
    whole = batch.valid[:, -1]  # (B,)
    info = {"q_mean": jnp.mean(q), "q_max": jnp.max(q), "q_min": jnp.min(q), "target_mean": jnp.mean(target)}
    return jnp.mean(whole * (q - target) ** 2), info


class Judge(NamedTuple):
    """The critics of a learner whose policy may have chunks of another length than its critics. Params: of the critics alone."""

    init: Callable  # key -> params
    value: Callable  # params, (B, S), the policy's chunks (B, P, A) -> (E, B)
    loss: Callable  # params, next_q (E, B), batch -> critic_loss of the data's chunks, and info


def make_judge(config: Config, observation_size: int, action_size: int) -> Judge:
    """Critics of C actions and a policy of P (`critic_length`, `chunk_length`), alike in every published method of the table.

    P > C: the policy's first C actions are valued, and the rest of its chunk is cloned only. P < C: what a chunk is worth if only
    its first P actions are given is learned beside: Q_P(s, a_{1:P}) regresses onto Q(s, a_{1:C}) over the data, by an expectile,
    so that it leans towards the better of the continuations that the data have (arXiv 2512.10926, decoupled chunks).
    """
    proposed, taken = config.chunk_length, config.critic_length
    ensemble = lambda length: functional(lambda rngs: Critic(observation_size, (length, action_size), config.hidden, rngs), ensemble=config.critics)
    init, critic = ensemble(taken)
    backed_up = lambda batch: batch._replace(valid=batch.valid[:, : config.backup_length])

    def loss(params, next_q, batch):
        return critic_loss(critic(params, batch.observation, batch.actions[:, :taken]), next_q, backed_up(batch), config.target)

    if proposed >= taken:
        return Judge(init, lambda params, observation, chunk: critic(params, observation, chunk[:, :taken]), loss)

    partial_init, partial = ensemble(proposed)

    def both_init(key):
        keys = jax.random.split(key)
        return {"whole": init(keys[0]), "partial": partial_init(keys[1])}

    def both_loss(params, next_q, batch):
        term, info = loss(params["whole"], next_q, batch)
        whole = jax.lax.stop_gradient(critic(params["whole"], batch.observation, batch.actions[:, :taken]))  # (E, B)
        error = jnp.mean(whole, axis=0) - partial(params["partial"], batch.observation, batch.actions[:, :proposed])  # (E, B)
        weight = jnp.where(error > 0, config.expectile, 1 - config.expectile)
        return term + jnp.mean(backed_up(batch).valid[:, -1] * weight * error**2), info

    return Judge(both_init, lambda params, observation, chunk: partial(params["partial"], observation, chunk), both_loss)


def mean_value(critic: Callable) -> Callable:
    """`value(params, observation, actions)`: the mean of an ensemble that gives (E, B), as a function of all parameters."""
    return lambda params, observation, actions: jnp.mean(critic(params["critic"], observation, actions), axis=0)


def gradient_step(losses: Callable, optimizer: optax.GradientTransformation, target_rate: float) -> Callable:
    """`update(state, batch, key, reduce)`: Adam on the sum of the losses, and the target critic's moving average.

    The average takes the critic as it was before the step, as the published code does.
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
        target_critic = optax.incremental_update(state.params.get("critic", {}), state.target_critic, target_rate)
        return State(params, target_critic, opt_state), info

    return update


def initial_state(networks: dict[str, Callable], optimizer: optax.GradientTransformation, key: jax.Array) -> State:
    """Parameters of each network from its own key; the target critic starts as a copy of the critic."""
    keys = jax.random.split(key, len(networks))
    params = {name: init(k) for (name, init), k in zip(networks.items(), keys, strict=True)}
    target_critic = jax.tree.map(jnp.copy, params.get("critic", {}))
    return State(params, target_critic, optimizer.init(params))
