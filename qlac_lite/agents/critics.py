"""What the critics learn: the loss of an ensemble on chunks, also where the policy's chunk has another length than theirs.

Shapes: B batch, H chunk length, C actions a critic takes, P actions of the policy's chunk, A action size, E ensemble.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from qlac_lite.agents.base import Info
from qlac_lite.agents.networks import Critic, functional
from qlac_lite.config import Config
from qlac_lite.data.dataset import Batch


def critic_loss(
    q: jax.Array, next_q: jax.Array, batch: Batch, reduce: str = "mean"
) -> tuple[jax.Array, Info]:
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


class Critics(NamedTuple):
    """The critics of a learner whose policy may have chunks of another length than its critics. Params: of the critics alone."""

    init: Callable  # key -> params
    value: Callable  # params, (B, S), the policy's chunks (B, P, A) -> (E, B)
    loss: Callable  # params, next_q (E, B), batch -> critic_loss of the data's chunks, and info


def make_critics(config: Config, observation_size: int, action_size: int) -> Critics:
    """Critics of C actions and a policy of P (`critic_length`, `chunk_length`), alike in every published method of the table.

    P > C: the policy's first C actions are valued, and the rest of its chunk is cloned only. P < C: what a chunk is worth if only
    its first P actions are given is learned beside: Q_P(s, a_{1:P}) regresses onto Q(s, a_{1:C}) over the data, by an expectile,
    so that it leans towards the better of the continuations that the data have (arXiv 2512.10926, decoupled chunks).
    """
    proposed, taken = config.chunk_length, config.critic_length
    ensemble = lambda length: functional(
        lambda rngs: Critic(observation_size, (length, action_size), config.hidden, rngs),
        ensemble=config.critics,
    )
    init, critic = ensemble(taken)
    backed_up = lambda batch: batch._replace(valid=batch.valid[:, : config.backup_length])

    def loss(params, next_q, batch):
        return critic_loss(
            critic(params, batch.observation, batch.actions[:, :taken]),
            next_q,
            backed_up(batch),
            config.target,
        )

    if proposed >= taken:
        return Critics(
            init, lambda params, observation, chunk: critic(params, observation, chunk[:, :taken]), loss
        )

    partial_init, partial = ensemble(proposed)

    def both_init(key):
        keys = jax.random.split(key)
        return {"whole": init(keys[0]), "partial": partial_init(keys[1])}

    def both_loss(params, next_q, batch):
        term, info = loss(params["whole"], next_q, batch)
        whole = jax.lax.stop_gradient(
            critic(params["whole"], batch.observation, batch.actions[:, :taken])
        )  # (E, B)
        error = jnp.mean(whole, axis=0) - partial(
            params["partial"], batch.observation, batch.actions[:, :proposed]
        )  # (E, B)
        weight = jnp.where(error > 0, config.expectile, 1 - config.expectile)
        return term + jnp.mean(backed_up(batch).valid[:, -1] * weight * error**2), info

    return Critics(
        both_init,
        lambda params, observation, chunk: partial(params["partial"], observation, chunk),
        both_loss,
    )


def mean_value(critic: Callable) -> Callable:
    """`value(params, observation, actions)`: the mean of an ensemble that gives (E, B), as a function of all parameters."""
    return lambda params, observation, actions: jnp.mean(
        critic(params["critic"], observation, actions), axis=0
    )
