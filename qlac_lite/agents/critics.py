"""The critics that learners share: an ensemble on chunks, and its loss.

Shapes: B batch, S observation size, H chunk length, A action size, E ensemble.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from qlac_lite.agents.base import Metrics
from qlac_lite.agents.networks import Critic, Params, functional
from qlac_lite.config import Config
from qlac_lite.data.dataset import Batch


def critic_loss(q: Array, next_q: Array, batch: Batch, reduce: str = "mean") -> tuple[Array, Metrics]:
    """Squared temporal-difference error of an ensemble on chunks (arXiv 2507.07969, equation of L(theta)).

        target = sum_k discount^k r_{t+k} + discount^H mean_e Q_target(s_{t+H}, next chunk)

    q (E, B) are the critics' values of the batch's actions, next_q (E, B) the target critics' at s_{t+H}.
    `reduce="min"` takes the least of those, not the mean. A chunk counts only if all its H steps exist.
    """
    next_value = getattr(jnp, reduce)(next_q, axis=0)  # (B,)
    target = jax.lax.stop_gradient(batch.returns + batch.discount * next_value)  # (B,)
    means = {"q_mean": jnp.mean(q), "target_mean": jnp.mean(target)}
    metrics = Metrics(means, {"q_max": jnp.max(q)}, {"q_min": jnp.min(q)})
    return jnp.mean(batch.valid[:, -1] * (q - target) ** 2), metrics


class Critics(NamedTuple):
    init: Callable[[Array], Params]
    value: Callable[..., Array]  # params, (B, S), (B, H, A) -> (E, B)
    loss: Callable  # params, the target critics' params, batch, next chunks (B, H, A) -> critic_loss

    def mean_value(self, params, observation, actions):
        """The ensemble's mean: a learner's params, (B, S), (B, H, A) -> (B,)."""
        return jnp.mean(self.value(params["critic"], observation, actions), axis=0)


def make_critics(
    config: Config, observation_size: int, action_size: int, length: int = 0, **layers
) -> Critics:
    """Critics of `length` actions, or `config.critic_length`. They read the first of a longer chunk's.

    `layers`: RLPD's `activation` and `norm`, see `networks.MLP`.
    """
    taken = length or config.critic_length
    sizes = (observation_size, (taken, action_size), config.hidden)
    init, whole = functional(lambda rngs: Critic(*sizes, rngs, **layers), config.critics)
    value = lambda params, observation, chunk: whole(params, observation, chunk[:, :taken])

    def loss(params, target_critic, batch, next_actions):
        q = value(params, batch.observation, batch.actions)  # (E, B)
        next_q = value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        backed_up = batch._replace(valid=batch.valid[:, : config.backup_length])
        return critic_loss(q, next_q, backed_up, config.target)

    return Critics(init, value, loss)
