"""Critics whose chunk has another length than the policy's: for ablations, and for decoupled chunks.

The published methods do not need this: there critic and policy take chunks of one length. Shapes: C actions
that a critic takes, P actions of the policy's chunk. Source: arXiv 2512.10926 (decoupled chunks).
"""

import jax
import jax.numpy as jnp

from qlac_lite.agents.critics import Critics, critic_loss
from qlac_lite.agents.networks import Critic, functional
from qlac_lite.config import Config


def make_critics(config: Config, observation_size: int, action_size: int) -> Critics:
    """Critics of C actions, `config.critic_length`, for a policy of P, `config.chunk_length`.

    P > C: the policy's first C actions are valued, and the rest of its chunk is cloned only.
    P < C: a partial critic learns what the first P actions of a chunk are worth. Q_P(s, a_{1:P}) regresses
    onto Q(s, a_{1:C}) over the data, by an expectile: it leans towards the better of the data's
    continuations.
    """
    proposed, taken = config.chunk_length, config.critic_length

    def ensemble(length):
        chunk = (length, action_size)
        return functional(
            lambda rngs: Critic(observation_size, chunk, config.hidden, rngs), ensemble=config.critics
        )

    def backed_up(batch):
        return batch._replace(valid=batch.valid[:, : config.backup_length])

    init, whole = ensemble(taken)

    def first_actions(params, observation, chunk):
        return whole(params, observation, chunk[:, :taken])

    def first_loss(params, target_critic, batch, next_actions):
        q = first_actions(params, batch.observation, batch.actions)  # (E, B)
        next_q = first_actions(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        return critic_loss(q, next_q, backed_up(batch), config.target)

    if proposed >= taken:
        return Critics(init, first_actions, first_loss)

    partial_init, partial = ensemble(proposed)

    def both_init(key):
        keys = jax.random.split(key)
        return {"whole": init(keys[0]), "partial": partial_init(keys[1])}

    def partial_value(params, observation, chunk):
        return partial(params["partial"], observation, chunk)

    def both_loss(params, target_critic, batch, next_actions):
        q = first_actions(params["whole"], batch.observation, batch.actions)  # (E, B)
        next_q = partial_value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        term, metrics = critic_loss(q, next_q, backed_up(batch), config.target)
        worth = jnp.mean(jax.lax.stop_gradient(q), axis=0)  # (B,)
        error = worth - partial_value(params, batch.observation, batch.actions[:, :proposed])  # (E, B)
        weight = jnp.where(error > 0, config.expectile, 1 - config.expectile)
        return term + jnp.mean(backed_up(batch).valid[:, -1] * weight * error**2), metrics

    return Critics(both_init, partial_value, both_loss)
