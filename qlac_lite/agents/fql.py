"""FQL, FQL-n and QC-FQL (Q-LAC): a one-step policy distilled from a behavior flow, pushed towards high Q.

    L_critic(theta) = E (Q_theta(s_t, a) - [ sum_k discount^k r_{t+k} + discount^H Q_target(s_{t+H}, mu(s_{t+H}, z)) ])^2
    L_flow(beta)    = E | v_beta(s, x_t, t) - (a - x_0) |^2                 flow-matching behavior cloning
    L_distill       = alpha E | mu_psi(s, z) - clip(Euler(v_beta, s, z), -1, 1) |^2      same noise z; no gradient into beta
    L_Q             = - E Q_theta(s, clip(mu_psi(s, z), -1, 1))             no gradient into theta

a is one action (FQL, FQL-n) or a chunk of H (QC-FQL). Source: arXiv 2502.02538 (FQL); arXiv 2507.07969, section 4.
"""

import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, gradient_step, initial_state
from qlac_lite.agents.critics import make_critics, mean_value
from qlac_lite.agents.flow import euler, flow_matching_loss, sampling_field
from qlac_lite.agents.networks import OneStepPolicy, VectorField, functional
from qlac_lite.config import Config


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner for observations of size S and chunks (H, A) with H = `config.chunk_length`."""
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    critics = make_critics(config, observation_size, action_size)
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))
    policy_init, policy = functional(lambda rngs: OneStepPolicy(*sizes, rngs))
    optimizer = optax.adam(config.learning_rate)

    def init(key):
        return initial_state(
            {"critic": critics.init, "flow": flow_init, "policy": policy_init}, optimizer, key
        )

    def act(params, observation, key):
        noise = jax.random.normal(key, (len(observation), *chunk))  # z (B, H, A)
        return jnp.clip(policy(params["policy"], observation, noise), -1, 1)

    def losses(params, target_critic, batch, key):
        next_key, flow_key, noise_key = jax.random.split(key, 3)
        actions = batch.actions[:, : chunk[0]]  # (B, H, A)

        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)
        next_q = critics.value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        critic_term, info = critics.loss(params["critic"], next_q, batch)

        flow = lambda *inputs: vector_field(params["flow"], *inputs)
        flow_term = flow_matching_loss(flow, batch.observation, actions, batch.valid[:, : chunk[0]], flow_key)

        noise = jax.random.normal(noise_key, actions.shape)  # z (B, H, A)
        frozen_flow = sampling_field(vector_field, stop_gradient(params["flow"]), config.sampling_precision)
        behavior = jnp.clip(
            euler(frozen_flow, batch.observation, noise, config.flow_steps), -1, 1
        )  # (B, H, A)
        proposal = policy(params["policy"], batch.observation, noise)  # (B, H, A)
        distill_term = config.alpha * jnp.mean((proposal - behavior) ** 2)

        policy_q = critics.value(
            stop_gradient(params["critic"]), batch.observation, jnp.clip(proposal, -1, 1)
        )  # (E, B)
        info |= {"policy_q_mean": jnp.mean(policy_q)}
        return {
            "critic": critic_term,
            "flow": flow_term,
            "distill": distill_term,
            "q": -jnp.mean(policy_q),
        }, info

    return Learner(
        init,
        gradient_step(losses, optimizer, config.target_rate),
        act,
        losses,
        ("policy",),
        mean_value(critics.value),
    )
