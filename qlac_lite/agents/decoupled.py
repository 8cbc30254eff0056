"""Critics whose chunk has another length than the policy's, for ablations. No published method needs them.

Shapes: C actions that a critic takes, P actions of the policy's chunk, E ensemble, B batch.
Source: arXiv 2512.10926 (decoupled chunks).
"""

import jax
import jax.numpy as jnp

from qlac_lite.agents.critics import Critics, critic_loss
from qlac_lite.agents.networks import Critic, functional
from qlac_lite.config import Config


def make_critics(config: Config, observation_size: int, action_size: int) -> Critics:
    """Critics of C actions, `config.critic_length`, for a policy of P, `config.chunk_length`.

    P > C: they value the policy's first C actions; the rest of its chunk is only cloned.
    P < C: a partial critic Q_P(s, a_{1:P}) regresses onto Q(s, a_{1:C}) over the data, by an expectile, so
    that it leans towards the better of the data's continuations.
    """
    proposed, taken = config.chunk_length, config.critic_length

    def ensemble(length):
        sizes = (observation_size, (length, action_size), config.hidden)
        return functional(lambda rngs: Critic(*sizes, rngs), config.critics)

    init, whole = ensemble(taken)
    first_actions = lambda params, observation, chunk: whole(params, observation, chunk[:, :taken])
    backed_up = lambda batch: batch._replace(valid=batch.valid[:, : config.backup_length])

    def first_loss(params, target_critic, batch, next_actions):
        q = first_actions(params, batch.observation, batch.actions)  # (E, B)
        next_q = first_actions(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        return critic_loss(q, next_q, backed_up(batch), config.target)

    if proposed >= taken:
        return Critics(init, first_actions, first_loss)

    partial_init, partial = ensemble(proposed)
    partial_value = lambda params, *inputs: partial(params["partial"], *inputs)

    def both_init(key):
        keys = jax.random.split(key)
        return {"whole": init(keys[0]), "partial": partial_init(keys[1])}

    def both_loss(params, target_critic, batch, next_actions):
        batch = backed_up(batch)
        q = first_actions(params["whole"], batch.observation, batch.actions)  # (E, B)
        next_q = partial_value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        term, metrics = critic_loss(q, next_q, batch, config.target)
        worth = jnp.mean(jax.lax.stop_gradient(q), axis=0)  # (B,)
        error = worth - partial_value(params, batch.observation, batch.actions[:, :proposed])  # (E, B)
        weight = jnp.where(error > 0, config.expectile, 1 - config.expectile)
        return term + jnp.mean(batch.valid[:, -1] * weight * error**2), metrics

    return Critics(both_init, partial_value, both_loss)
