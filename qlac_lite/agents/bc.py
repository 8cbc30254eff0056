"""Flow BC and chunk flow BC: imitate the data with a flow. No critic, no reward.

    L_flow(beta) = E | v_beta(s, x_t, t) - (a - x_0) |^2

Source: arXiv 2507.07969, section 4 (the behavior policy of every method here).
"""

import jax
import jax.numpy as jnp

from qlac_lite.agents.base import Learner, Metrics, adam_learner
from qlac_lite.agents.flow import euler, flow_matching_loss, sampling_field
from qlac_lite.agents.networks import VectorField, functional
from qlac_lite.config import Config


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner of chunks (H, A), H = `config.chunk_length`."""
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))

    def losses(params, target_critic, batch, key):
        flow = lambda *inputs: vector_field(params["flow"], *inputs)
        actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]
        return {"flow": flow_matching_loss(flow, batch.observation, actions, valid, key)}, Metrics()

    def act(params, observation, key):
        noise = jax.random.normal(key, (len(observation), *chunk))  # (B, H, A)
        flow = sampling_field(vector_field, params["flow"], config.sampling_precision)
        return jnp.clip(euler(flow, observation, noise, config.flow_steps), -1, 1)

    return adam_learner(config, {"flow": flow_init}, act, losses, {"flow": "flow"}, ("flow",))
