"""BFN, BFN-n and QC: draw N candidates from a behavior flow, take the one the critic likes best.

    a*(s)           = argmax over a^1..a^N ~ clip(Euler(v_beta, s, noise), -1, 1) of mean_e Q_theta(s, a^i)
    L_critic(theta) = E (Q_theta(s_t, a) - [ R + discount^H Q_target(s_{t+H}, a*(s_{t+H})) ])^2
    R               = sum_k discount^k r_{t+k}, k < H
    L_flow(beta)    = E | v_beta(s, x_t, t) - (a - x_0) |^2

The online critic chooses and the target critic evaluates. a is one action (BFN, BFN-n) or a chunk of H (QC).
Source: arXiv 2507.07969, section 4. Shapes: B batch, N candidates, H chunk length, A action size.
"""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, adam_learner
from qlac_lite.agents.decoupled import make_critics
from qlac_lite.agents.flow import euler, flow_matching_loss, sampling_field
from qlac_lite.agents.networks import VectorField, functional
from qlac_lite.config import Config


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner of chunks (H, A), H = `config.chunk_length`."""
    critics = make_critics(config, observation_size, action_size)
    chunk, candidates = (config.chunk_length, action_size), config.candidates
    sizes, value = (observation_size, chunk, config.hidden), critics.mean_value
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))

    def losses(params, target_critic, batch, key):
        next_key, flow_key = jax.random.split(key)
        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)  # (B, H, A)
        critic_term, metrics = critics.loss(params["critic"], target_critic, batch, next_actions)

        flow = lambda *inputs: vector_field(params["flow"], *inputs)
        actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]  # (B, H, A), (B, H)
        flow_term = flow_matching_loss(flow, batch.observation, actions, valid, flow_key)
        return {"critic": critic_term, "flow": flow_term}, metrics

    def act(params, observation, key):
        size = len(observation)
        noise = jax.random.normal(key, (size * candidates, *chunk)).reshape(size, candidates, *chunk)
        if not config.candidate_block:
            return best(params, observation, noise)[0]
        # Blocks of n candidates, (N / n, B, n, H, A), one after the other.
        blocks = jnp.moveaxis(noise.reshape(size, -1, config.candidate_block, *chunk), 1, 0)
        proposals, q = jax.lax.map(lambda block: best(params, observation, block), blocks)
        return proposals[jnp.argmax(q, axis=0), jnp.arange(size)]  # (B, H, A)

    def best(params, observation, noise):
        """From noise (B, n, H, A) the best of n candidates (B, H, A), and its value (B,)."""
        size, count = noise.shape[:2]
        repeated = jnp.repeat(observation, count, axis=0)  # (B * n, S)
        flow = sampling_field(vector_field, params["flow"], config.sampling_precision)
        sampled = euler(flow, repeated, noise.reshape(-1, *chunk), config.flow_steps)  # (B * n, H, A)
        proposals = jnp.clip(sampled, -1, 1)
        q = value(params, repeated, proposals).reshape(size, count)
        chosen = jnp.arange(size), jnp.argmax(q, axis=1)
        return proposals.reshape(noise.shape)[chosen], q[chosen]

    inits, moves = {"critic": critics.init, "flow": flow_init}, {"critic": "critic", "flow": "flow"}
    return adam_learner(config, inits, act, losses, moves, ("flow", "critic"), value)
