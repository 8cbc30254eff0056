"""FQL, FQL-n and QC-FQL (Q-LAC): a policy of one network pass, distilled from a flow, pushed towards high Q.

    L_critic(theta) = E (Q_theta(s_t, a) - [ R + discount^H Q_target(s', clip(mu_psi(s', z), -1, 1)) ])^2
    R               = sum_k discount^k r_{t+k}, k < H;  s' = s_{t+H}
    L_flow(beta)    = E | v_beta(s, x_t, t) - (a - x_0) |^2        flow-matching behavior cloning
    L_distill(psi)  = E | mu_psi(s, z) - clip(Euler(v_beta, s, z), -1, 1) |^2        the same noise z for both
    L_Q(psi)        = - E Q_theta(s, clip(mu_psi(s, z), -1, 1))
    L               = L_critic + L_flow + alpha L_distill + L_Q

a is one action (FQL, FQL-n) or a chunk (QC-FQL); in R, H is 1, n or the chunk's length.
Source: arXiv 2502.02538 (FQL); 2507.07969, section 4.
Shapes: B batch, S observation size, H chunk length, A action size, E ensemble.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.lax import stop_gradient

from qlac_lite.agents.base import Learner, Losses, adam_learner
from qlac_lite.agents.decoupled import make_critics
from qlac_lite.agents.flow import euler, flow_matching_loss, sampling_field
from qlac_lite.agents.networks import OneStepPolicy, Params, VectorField, functional
from qlac_lite.config import Config


class Networks(NamedTuple):
    flow: Callable[..., Array]  # params, (B, S), (B, H, A), (B,) -> (B, H, A)
    policy: Callable[..., Array]  # params, (B, S), noise (B, H, A) -> (B, H, A), not clipped
    critic: Callable[..., Array]  # params, (B, S), (B, H, A) -> (E, B)


def distillation_loss(proposal: Array, behavior: Array) -> Array:
    """L_distill of the policy's and the flow's chunk, both (B, H, A). No gradient into the flow's."""
    target = stop_gradient(jnp.clip(behavior, -1, 1))
    return jnp.mean((proposal - target) ** 2)


def q_loss(critic: Callable, params: Params, observation: Array, proposal: Array) -> Array:
    """L_Q of the policy's chunk (B, H, A). No gradient into the critics' params."""
    return -jnp.mean(critic(stop_gradient(params), observation, jnp.clip(proposal, -1, 1)))


def actor_loss(
    networks: Networks,
    params: dict[str, Params],
    observation: Array,
    actions: Array,
    valid: Array,
    alpha: float,
    flow_steps: int,
    flow_key: Array,
    noise_key: Array,
    precision: str = "float32",
) -> Losses:
    """L_flow, alpha L_distill and L_Q by name: flow and policy minimise their sum.

    `actions` (B, H, A) are the data's, `valid` (B, H) says which of them exist; `flow_key` is for L_flow,
    `noise_key` for z.
    """
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    imitation = flow_matching_loss(field, observation, actions, valid, flow_key)

    noise = jax.random.normal(noise_key, actions.shape)  # z (B, H, A)
    sampled = sampling_field(networks.flow, params["flow"], precision)
    behavior = euler(sampled, observation, noise, flow_steps)  # (B, H, A)
    proposal = networks.policy(params["policy"], observation, noise)  # (B, H, A)
    return {
        "flow": imitation,
        "distill": alpha * distillation_loss(proposal, behavior),
        "q": q_loss(networks.critic, params["critic"], observation, proposal),
    }


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """Learner of chunks (H, A), H = `config.chunk_length`."""
    critics = make_critics(config, observation_size, action_size)
    chunk = (config.chunk_length, action_size)
    sizes = (observation_size, chunk, config.hidden)
    flow_init, vector_field = functional(lambda rngs: VectorField(*sizes, rngs))
    policy_init, policy = functional(lambda rngs: OneStepPolicy(*sizes, rngs))
    networks = Networks(vector_field, policy, critics.value)

    def losses(params, target_critic, batch, key):
        next_key, flow_key, noise_key = jax.random.split(key, 3)
        next_actions = act(stop_gradient(params), batch.bootstrap_observation, next_key)  # (B, H, A)
        critic_term, metrics = critics.loss(params["critic"], target_critic, batch, next_actions)

        actions, valid = batch.actions[:, : chunk[0]], batch.valid[:, : chunk[0]]  # (B, H, A), (B, H)
        settings = (config.alpha, config.flow_steps, flow_key, noise_key, config.sampling_precision)
        terms = actor_loss(networks, params, batch.observation, actions, valid, *settings)
        return {"critic": critic_term} | terms, metrics.also(policy_q_mean=-terms["q"])

    def act(params, observation, key):
        noise = jax.random.normal(key, (len(observation), *chunk))  # z (B, H, A)
        return jnp.clip(policy(params["policy"], observation, noise), -1, 1)

    inits = {"critic": critics.init, "flow": flow_init, "policy": policy_init}
    moves = {"critic": "critic", "flow": "flow", "distill": "policy", "q": "policy"}
    return adam_learner(config, inits, act, losses, moves, ("policy",), critics.mean_value)
