"""Critics whose chunks may be longer than the policy's, for ablations. No published method needs that.

Shapes: C actions that a critic takes, P actions of the policy's chunk, E ensemble, B batch.
Source: arXiv 2512.10926 (decoupled chunks).
"""

import jax
import jax.numpy as jnp

from qlac_lite.agents import critics
from qlac_lite.agents.critics import Critics, critic_loss
from qlac_lite.config import Config


def make_critics(config: Config, observation_size: int, action_size: int) -> Critics:
    """Critics of C actions, `config.critic_length`, for a policy of P, `config.chunk_length`.

    P < C: a partial critic Q_P(s, a_{1:P}) regresses onto Q(s, a_{1:C}) over the data, by an expectile, so
    that it leans towards the better of the data's continuations. Else they are `critics.make_critics`.
    """
    whole = critics.make_critics(config, observation_size, action_size)
    if config.chunk_length >= config.critic_length:
        return whole
    partial = critics.make_critics(config, observation_size, action_size, config.chunk_length)
    value = lambda params, *inputs: partial.value(params["partial"], *inputs)

    def init(key):
        keys = jax.random.split(key)
        return {"whole": whole.init(keys[0]), "partial": partial.init(keys[1])}

    def loss(params, target_critic, batch, next_actions):
        q = whole.value(params["whole"], batch.observation, batch.actions)  # (E, B)
        next_q = value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        term, metrics = critic_loss(q, next_q, batch, config.target)
        worth = jnp.mean(jax.lax.stop_gradient(q), axis=0)  # (B,)
        error = worth - value(params, batch.observation, batch.actions)  # (E, B)
        weight = jnp.where(error > 0, config.expectile, 1 - config.expectile)
        return term + jnp.mean(batch.valid[:, -1] * weight * error**2), metrics

    return Critics(init, value, loss)
