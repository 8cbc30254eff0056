"""BFN, BFN-n and QC: draw N candidates from a behavior flow, take the one the critic likes best.

    a*(s)           = argmax over a^1..a^N ~ Euler(v_beta, s, noise) of mean_e Q_theta(s, a^i)
    L_critic(theta) = E (Q_theta(s_t, a) - [ sum_k discount^k r_{t+k} + discount^H Q_target(s_{t+H}, a*(s_{t+H})) ])^2
    L_flow(beta)    = E | v_beta(s, x_t, t) - (a - x_0) |^2

The online critic chooses and the target critic evaluates. a is one action (BFN, BFN-n) or a chunk of H (QC).
Source: arXiv 2507.07969, section 4.
"""

import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, gradient_step, initial_state
from qlac_lite.agents.critics import make_critics, mean_value
from qlac_lite.agents.flow import euler, flow_matching_loss, sampling_field
from qlac_lite.agents.networks import VectorField, functional
from qlac_lite.config import Config


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner for observations of size S and chunks (H, A) with H = `config.chunk_length`."""
    chunk, candidates = (config.chunk_length, action_size), config.candidates
    sizes = (observation_size, chunk, config.hidden)
    critics = make_critics(config, observation_size, action_size)
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))
    value = mean_value(critics.value)
    optimizer = optax.adam(config.learning_rate)

    def init(key):
        return initial_state({"critic": critics.init, "flow": flow_init}, optimizer, key)

    def act(params, observation, key):
        size = len(observation)
        noise = jax.random.normal(key, (size * candidates, *chunk)).reshape(
            size, candidates, *chunk
        )  # (B, N, H, A)
        if not config.candidate_block:
            return best(params, observation, noise)[0]
        blocks = jnp.moveaxis(
            noise.reshape(size, -1, config.candidate_block, *chunk), 1, 0
        )  # (blocks, B, n, H, A)
        proposals, q = jax.lax.map(
            lambda noise: best(params, observation, noise), blocks
        )  # one after the other
        return proposals[jnp.argmax(q, axis=0), jnp.arange(size)]  # (B, H, A)

    def best(params, observation, noise):
        """The best of n candidates for each observation, from noise (B, n, H, A): (B, H, A), and its value (B,)."""
        size, count = noise.shape[:2]
        repeated = jnp.repeat(observation, count, axis=0)  # (B * n, S)
        flow = sampling_field(vector_field, params["flow"], config.sampling_precision)
        proposals = jnp.clip(
            euler(flow, repeated, noise.reshape(-1, *chunk), config.flow_steps), -1, 1
        )  # (B * n, H, A)
        q = value(params, repeated, proposals).reshape(size, count)
        chosen = (jnp.arange(size), jnp.argmax(q, axis=1))
        return proposals.reshape(noise.shape)[chosen], q[chosen]

    def losses(params, target_critic, batch, key):
        next_key, flow_key = jax.random.split(key)
        actions = batch.actions[:, : chunk[0]]  # (B, H, A)

        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)
        next_q = critics.value(target_critic, batch.bootstrap_observation, next_actions)  # (E, B)
        critic_term, info = critics.loss(params["critic"], next_q, batch)

        flow = lambda *inputs: vector_field(params["flow"], *inputs)
        flow_term = flow_matching_loss(flow, batch.observation, actions, batch.valid[:, : chunk[0]], flow_key)
        return {"critic": critic_term, "flow": flow_term}, info

    return Learner(
        init, gradient_step(losses, optimizer, config.target_rate), act, losses, ("flow", "critic"), value
    )
