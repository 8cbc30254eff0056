"""RLPD, RLPD-AC and QC-RLPD: soft actor-critic on data and replay, half and half, with a large ensemble of critics.

    pi(a|s)         = tanh of a Gaussian with a standard deviation for each of the H x A entries; a' ~ pi(.|s_{t+H})
    L_critic(theta) = E (Q_theta(s_t, a) - [ sum_k discount^k r_{t+k} + discount^H mean_e Q_target(s_{t+H}, a') ])^2
    L_actor(phi)    = E [ lambda log pi(a|s) - mean_e Q_theta(s, a) ],  a ~ pi(.|s)       no gradient into theta, lambda
    L_temp(lambda)  = lambda (entropy of pi - its target), with the target H A x `entropy_target`        none into phi
    L_bc(phi)       = - w E log pi(data's chunk | s)                                              QC-RLPD only

a is one action (RLPD) or a chunk of H (RLPD-AC, QC-RLPD). Source: arXiv 2302.02948 (RLPD); arXiv 2507.07969, section 5 and
appendix C: ten critics with LayerNorm, their mean as target, no entropy bonus in the target, w = 0.01.
"""

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, gradient_step, initial_state
from qlac_lite.agents.critics import critic_loss, mean_value
from qlac_lite.agents.networks import Critic, GaussianPolicy, functional
from qlac_lite.config import Config

EDGE = 1 - 1e-5  # actions of the data are kept inside, where their density under a tanh is finite


def sample_tanh(mean: jax.Array, log_std: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Actions in (-1, 1) and the log density of each entry, nats: mean, log_std (..., H, A) -> (..., H, A), (..., H, A)."""
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    return jnp.tanh(u), _log_density(mean, log_std, u)


def log_prob_tanh(mean: jax.Array, log_std: jax.Array, actions: jax.Array) -> jax.Array:
    """Log density of each entry of given actions, nats: (..., H, A) three times -> (..., H, A)."""
    return _log_density(mean, log_std, jnp.arctanh(jnp.clip(actions, -EDGE, EDGE)))


def _log_density(mean, log_std, u):
    """Of tanh(u): the Gaussian's at u, less log of tanh's slope, log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u))."""
    gaussian = jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std))
    return gaussian - 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner for observations of size S and chunks (H, A) with H = `config.chunk_length`."""
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    critic_init, critic = functional(
        lambda rngs: Critic(*sizes, rngs, nnx.relu, norm="before"), ensemble=config.critics
    )
    actor_init, actor = functional(lambda rngs: GaussianPolicy(*sizes, rngs))
    temperature_init = lambda key: {"log": jnp.log(jnp.float32(config.initial_temperature))}
    optimizer = optax.adam(config.learning_rate)
    entropy_target = config.entropy_target * chunk[0] * chunk[1]

    def init(key):
        return initial_state(
            {"critic": critic_init, "actor": actor_init, "temperature": temperature_init}, optimizer, key
        )

    def act(params, observation, key):
        return sample_tanh(*actor(params["actor"], observation), key)[0]

    def losses(params, target_critic, batch, key):
        next_key, actor_key = jax.random.split(key)
        actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]  # (B, H, A), (B, H)

        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)
        next_q = critic(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        q = critic(params["critic"], batch.observation, actions)  # (E, B)
        critic_term, info = critic_loss(q, next_q, batch, config.target)

        policy = actor(params["actor"], batch.observation)
        proposal, entries = sample_tanh(*policy, actor_key)  # (B, H, A)
        log_prob = jnp.sum(entries, axis=(1, 2))  # (B,)
        policy_q = jnp.mean(
            critic(stop_gradient(params["critic"]), batch.observation, proposal), axis=0
        )  # (B,)
        temperature = jnp.exp(params["temperature"]["log"])
        actor_term = jnp.mean(stop_gradient(temperature) * log_prob - policy_q)

        entropy = -jnp.mean(stop_gradient(log_prob))
        terms = {
            "critic": critic_term,
            "actor": actor_term,
            "temperature": temperature * (entropy - entropy_target),
        }
        if config.bc_weight:
            likelihood = jnp.sum(valid[..., None] * log_prob_tanh(*policy, actions), axis=(1, 2))  # (B,)
            terms["bc"] = -config.bc_weight * jnp.mean(likelihood)
        return terms, info | {
            "policy_q_mean": jnp.mean(policy_q),
            "entropy": entropy,
            "temperature": temperature,
        }

    return Learner(
        init,
        gradient_step(losses, optimizer, config.target_rate),
        act,
        losses,
        ("actor",),
        mean_value(critic),
    )
