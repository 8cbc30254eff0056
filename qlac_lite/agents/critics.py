"""The critics that learners share: an ensemble on chunks, and its loss.

Shapes: B batch, S observation size, H chunk length, A action size, E ensemble.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from qlac_lite.agents.base import Metrics
from qlac_lite.agents.networks import Critic, Params, functional
from qlac_lite.config import Config
from qlac_lite.data.dataset import Batch


def critic_loss(
    q: jax.Array, next_q: jax.Array, batch: Batch, reduce: str = "mean"
) -> tuple[jax.Array, Metrics]:
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
    means = {"q_mean": jnp.mean(q), "target_mean": jnp.mean(target)}
    metrics = Metrics(means, max={"q_max": jnp.max(q)}, min={"q_min": jnp.min(q)})
    return jnp.mean(whole * (q - target) ** 2), metrics


class Critics(NamedTuple):
    """An ensemble as functions of its parameters."""

    init: Callable[[jax.Array], Params]  # key -> params
    value: Callable[..., jax.Array]  # params, (B, S), (B, H, A) -> (E, B)
    loss: Callable  # params, those of the target critics, batch, next chunks (B, H, A) -> critic_loss


def make_critics(config: Config, observation_size: int, action_size: int, **layers) -> Critics:
    """Critics of the policy's own chunks, (H, A) with H = `config.chunk_length`.

    Args:
        layers: `activation` and `norm` of `networks.Critic`, where they are not the FQL and BFN families'.
    """
    chunk = (config.chunk_length, action_size)
    init, value = functional(
        lambda rngs: Critic(observation_size, chunk, config.hidden, rngs, **layers), ensemble=config.critics
    )

    def loss(params, target_critic, batch, next_actions):
        q = value(params, batch.observation, batch.actions[:, : chunk[0]])  # (E, B)
        next_q = value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        return critic_loss(q, next_q, batch, config.target)

    return Critics(init, value, loss)


def mean_value(critics: Critics) -> Callable[..., jax.Array]:
    """`value(params, observation, actions)`: the ensemble's mean (B,), as a function of all parameters."""
    return lambda params, *inputs: jnp.mean(critics.value(params["critic"], *inputs), axis=0)
