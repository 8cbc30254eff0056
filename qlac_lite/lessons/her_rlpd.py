"""RLPD's policy and temperature as a colleague wrote them for single actions; for lesson 06's bug hunt."""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient


def her_policy_losses(mean, log_std, q_of, log_temperature, key, entropy_target):
    """Actor's and temperature's loss. mean, log_std: (B, H, A); q_of(chunks) gives (B,)."""
    std = jnp.exp(log_std)
    u = mean + std * jax.random.normal(key, mean.shape)
    chunk = jnp.tanh(u)
    density = jax.scipy.stats.norm.logpdf(u, mean, std)
    density -= 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
    log_prob = density.sum(axis=-1)
    temperature = jnp.exp(log_temperature)
    actor_loss = stop_gradient(temperature) * jnp.mean(log_prob) - jnp.mean(q_of(chunk))
    entropy = -jnp.mean(stop_gradient(log_prob))
    wanted = entropy_target * mean[0].size
    return actor_loss, temperature * (entropy - wanted)
