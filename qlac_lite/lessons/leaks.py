"""Which network each loss of lesson 04 moves, and losses whose gradient reaches one network too many."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler
from qlac_lite.lessons.checks import lesson04


def leaky(actor_loss: Callable, into_flow, into_critic) -> Callable:
    """The same values, and with weights 0 or 1 the gradients that a missing stop_gradient adds."""

    def loss(networks, params, batch, alpha, steps, flow_key, noise_key):
        terms = actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key)
        noise = jax.random.normal(noise_key, batch.actions.shape)
        proposal = stop_gradient(networks.policy(params["policy"], batch.observation, noise))
        field = lambda *inputs: networks.flow(params["flow"], *inputs)
        behavior = jnp.clip(euler(field, batch.observation, noise, steps), -1, 1)
        distill = into_flow * alpha * jnp.mean((proposal - behavior) ** 2)
        inside = jnp.clip(proposal, -1, 1)
        q = into_critic * -jnp.mean(networks.critic(params["critic"], batch.observation, inside))
        slopes = {name: term - stop_gradient(term) for name, term in dict(distill=distill, q=q).items()}
        return terms | {name: terms[name] + slope for name, slope in slopes.items()}

    return loss


def moves(critic_loss: Callable, actor_loss: Callable, leak: str = "") -> dict[str, list[str]]:
    """The networks that each loss moves, tried with small toy networks; `leak` as in `two_peaks.fit`."""
    actor_loss = leaky(actor_loss, leak == "flow", leak == "critic")
    args = lesson04.check_actor_loss.cases(np.random.default_rng(0))[1].args
    networks, params, batch, alpha, steps, flow_key, noise_key = args

    def named(params):
        critic_term = critic_loss(networks, params, params["critic"] + 1.0, batch, noise_key)
        actor_terms = actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key)
        return {"critic": critic_term} | actor_terms

    slopes = jax.jacrev(named)(params)
    return {
        loss: [network for network, slope in by_network.items() if np.any(slope)]
        for loss, by_network in slopes.items()
    }
