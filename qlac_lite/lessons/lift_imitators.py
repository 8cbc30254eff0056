"""FQL without its critic: a flow of actions or chunks, and a one-step policy that imitates the flow.

Shapes: B batch, S observation size, H chunk length, A action size.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, Metrics, adam_learner
from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.agents.fql import distillation_loss
from qlac_lite.agents.networks import OneStepPolicy, VectorField, functional
from qlac_lite.config import Config

GRIP = slice(6, 7)  # of an action
# whose motion and whose gripper
ACTORS = {
    "flow": ("flow", "flow"),
    "policy": ("policy", "policy"),
    "with-grip": ("policy", "flow"),
    "with-motion": ("flow", "policy"),
}


def imitators(config: Config, observation_size: int, action_size: int) -> tuple[Learner, dict[str, Callable]]:
    """A learner of both networks, and ways to act by name: act(params, (B, S), key) -> (B, H, A)."""
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))
    policy_init, one_step = functional(lambda rngs: OneStepPolicy(*sizes, rngs))

    def sample(params, observation, noise):
        field = lambda *inputs: vector_field(params["flow"], *inputs)
        return euler(field, observation, noise, config.flow_steps)

    def losses(params, target_critic, batch, key):
        flow_key, noise_key = jax.random.split(key)
        actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]
        noise = jax.random.normal(noise_key, actions.shape)
        field = lambda *inputs: vector_field(params["flow"], *inputs)
        behavior = sample(stop_gradient(params), batch.observation, noise)
        proposal = one_step(params["policy"], batch.observation, noise)
        imitation = flow_matching_loss(field, batch.observation, actions, valid, flow_key)
        return {"flow": imitation, "distill": distillation_loss(proposal, behavior)}, Metrics()

    def actor(motion, grip):
        def act(params, observation, key):
            noise = jax.random.normal(key, (len(observation), *chunk))
            policy = lambda: one_step(params["policy"], observation, noise)
            made = {"flow": lambda: sample(params, observation, noise), "policy": policy}
            return jnp.clip(made[motion]().at[..., GRIP].set(made[grip]()[..., GRIP]), -1, 1)

        return act

    acts = {name: actor(*pair) for name, pair in ACTORS.items()}
    inits, moves = {"flow": flow_init, "policy": policy_init}, {"flow": "flow", "distill": "policy"}
    return adam_learner(config, inits, acts["policy"], losses, moves, ("policy",)), acts
