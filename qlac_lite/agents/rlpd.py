"""RLPD, RLPD-AC and QC-RLPD: soft actor-critic on data and replay, half and half, with many critics.

    pi(a|s)         = tanh of a Gaussian with a standard deviation for each of the H x A entries
    L_critic(theta) = E (Q_theta(s_t, a) - [ R + discount^H mean_e Q_target(s', a') ])^2,  a' ~ pi(.|s')
    R               = sum_k discount^k r_{t+k}, k < H;  s' = s_{t+H}
    L_actor(phi)    = E [ lambda log pi(a|s) - mean_e Q_theta(s, a) ],  a ~ pi(.|s)
    L_temp(lambda)  = lambda (entropy of pi - its target); the target is H A x `entropy_target`
    L_bc(phi)       = - w E log pi(data's chunk | s)        QC-RLPD only

No loss has a gradient into what it does not name. a is one action (RLPD) or a chunk of H (RLPD-AC, QC-RLPD).
Source: arXiv 2302.02948 (RLPD); arXiv 2507.07969, section 5 and appendix C: ten critics with LayerNorm, their
mean as target, no entropy bonus in the target, w = 0.01.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, adam_learner
from qlac_lite.agents.critics import make_critics
from qlac_lite.agents.networks import GaussianPolicy, functional
from qlac_lite.config import Config

EDGE = 1 - 1e-5  # actions of the data are kept inside, where their density under a tanh is finite


def sample_tanh(mean: Array, log_std: Array, key: Array) -> tuple[Array, Array]:
    """Actions in (-1, 1) and the log density of each entry, nats; all (..., H, A)."""
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    return jnp.tanh(u), _log_density(mean, log_std, u)


def log_prob_tanh(mean: Array, log_std: Array, actions: Array) -> Array:
    """Log density of each entry of given actions, nats; all (..., H, A)."""
    return _log_density(mean, log_std, jnp.arctanh(jnp.clip(actions, -EDGE, EDGE)))


def _log_density(mean, log_std, u):
    """The Gaussian's at u, less the log of tanh's slope."""
    gaussian = jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std))
    return gaussian - 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))


def actor_loss(mean_q: Array, log_prob: Array, temperature: Array) -> Array:
    """L_actor of the policy's chunks: (B,), (B,) in nats, () -> (). No gradient into the temperature."""
    return jnp.mean(stop_gradient(temperature) * log_prob - mean_q)


def temperature_loss(temperature: Array, entropy: Array, target: float) -> Array:
    """L_temp; entropy and target in nats. No gradient into the entropy."""
    return temperature * (stop_gradient(entropy) - target)


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner of chunks (H, A), H = `config.chunk_length`."""
    critics = make_critics(config, observation_size, action_size, activation=nnx.relu, norm="before")
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    actor_init, actor = functional(lambda rngs: GaussianPolicy(*sizes, rngs))
    temperature_init = lambda key: {"log": jnp.log(jnp.float32(config.initial_temperature))}
    entropy_target = config.entropy_target * chunk[0] * chunk[1]  # nats

    def losses(params, target_critic, batch, key):
        next_key, actor_key = jax.random.split(key)
        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)  # (B, H, A)
        critic_term, metrics = critics.loss(params["critic"], target_critic, batch, next_actions)

        policy = actor(params["actor"], batch.observation)
        proposal, entries = sample_tanh(*policy, actor_key)  # (B, H, A)
        log_prob = jnp.sum(entries, axis=(1, 2))  # (B,)
        policy_q = critics.mean_value(stop_gradient(params), batch.observation, proposal)  # (B,)
        temperature, entropy = jnp.exp(params["temperature"]["log"]), -jnp.mean(log_prob)
        terms = {
            "critic": critic_term,
            "actor": actor_loss(policy_q, log_prob, temperature),
            "temperature": temperature_loss(temperature, entropy, entropy_target),
        }
        if config.bc_weight:
            actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]  # (B, H, A), (B, H)
            likelihood = jnp.sum(valid[..., None] * log_prob_tanh(*policy, actions), axis=(1, 2))  # (B,)
            terms["bc"] = -config.bc_weight * jnp.mean(likelihood)
        policy_q_mean = jnp.mean(policy_q)
        return terms, metrics.also(policy_q_mean=policy_q_mean, entropy=entropy, temperature=temperature)

    def act(params, observation, key):
        return sample_tanh(*actor(params["actor"], observation), key)[0]

    inits = {"critic": critics.init, "actor": actor_init, "temperature": temperature_init}
    moves = {"critic": "critic", "actor": "actor", "temperature": "temperature", "bc": "actor"}
    return adam_learner(config, inits, act, losses, moves, ("actor",), critics.mean_value)
