"""Episodes of the lite world inside a compiled program: to collect, to evaluate, to probe a critic."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from qlac_lite.agents import Learner, make_learner
from qlac_lite.config import Config
from qlac_lite.data.replay import Replay, Transitions, append
from qlac_lite.data.sources import lite_play
from qlac_lite.envs.lite_world import (
    ACTION_SIZE,
    OBSERVATION_SIZE,
    LiteWorld,
    WorldState,
    execute,
    observe,
    reset,
)
from qlac_lite.training.updates import keep_if

PROBES = ("own", "script", "random")  # whose first chunk `probe` asks about


def act_and_store(
    config: Config,
    world: LiteWorld,
    replay: Replay,
    now: WorldState,
    actions: jax.Array,
    key: jax.Array,
    rests: jax.Array,
) -> tuple[Replay, WorldState, jax.Array]:
    """Executes a chunk (H, A), appends its transitions, and resets the world if the episode is over.

    Where it `rests`, () bool, nothing happens.

    Returns:
        the replay, the world's state, and the number of steps executed, () int32.
    """
    done = execute(world, now, actions)
    length = jnp.where(rests, 0, done.length)
    terminated, truncated = done.terminated & ~rests, done.truncated & ~rests
    seen = jax.vmap(observe)(done.states)
    new = Transitions(seen, actions, done.rewards, length, terminated, truncated)
    replay = append(replay, new, config.reach, config.start_stride)
    last = keep_if(rests, now, jax.tree.map(lambda leaf: leaf[-1], done.states))
    return replay, keep_if(terminated | truncated, reset(key), last), length


def evaluate(learner: Learner, config: Config, world: LiteWorld, params: Any, key: jax.Array):
    """Success (I,) and actions taken (I,) of I = `evaluation_episodes` episodes."""
    reset_key, act_key = jax.random.split(key)
    starts = jax.vmap(reset)(jax.random.split(reset_key, config.evaluation_episodes))
    success, lengths, _ = rollout(learner, config, world, params, starts, act_key)
    return success, lengths


def probe(config: Config, world: LiteWorld, params: Any, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The critics' values of chunks, and the returns of executing them and going on with the policy:
    (len(PROBES), I) each.

    The chunks are the first of I = `evaluation_episodes` episodes from the same I starts: the policy's own,
    the demonstrator's, and uniformly random ones.
    """
    learner = make_learner(dataclasses.replace(config, execute=0), OBSERVATION_SIZE, ACTION_SIZE)
    start_key, own_key, random_key, act_key = jax.random.split(key, 4)
    shape = (config.evaluation_episodes, config.chunk_length)
    states, script = lite_play.demonstrations(world, start_key, *shape, lite_play.Habits(play=False))
    starts = jax.tree.map(lambda leaf: leaf[:, 0], states)
    seen = jax.vmap(observe)(starts)
    uniform = jax.random.uniform(random_key, script.shape, minval=-1, maxval=1)
    chunks = (learner.act(params, seen, own_key), script, uniform)
    beliefs = jnp.stack([learner.value(params, seen, chunk) for chunk in chunks])
    thrice = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * len(chunks)), starts)
    _, _, returns = rollout(learner, config, world, params, thrice, act_key, jnp.concatenate(chunks))
    return beliefs, returns.reshape(beliefs.shape)


def rollout(
    learner: Learner,
    config: Config,
    world: LiteWorld,
    params: Any,
    starts: WorldState,
    key: jax.Array,
    first: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Episodes from `starts` to their ends: success (I,), actions taken (I,), discounted return (I,).

    Args:
        first: (I, H, A) the chunks that the episodes begin with, in place of the policy's.
    """

    def decision(carry, inputs):
        now, success, over, returned = carry
        key, begins = inputs
        actions = learner.act(params, jax.vmap(observe)(now), key)  # (I, H, A)
        if first is not None:
            actions = jnp.where(begins, first[:, : actions.shape[1]], actions)
        done = jax.vmap(functools.partial(execute, world))(now, actions)
        steps = jnp.arange(actions.shape[1])
        weights = jnp.where(steps < done.length[:, None], config.discount ** (now.time[:, None] + steps), 0.0)
        returned = returned + jnp.where(over, 0.0, jnp.sum(weights * done.rewards, axis=1))
        new = jax.vmap(keep_if)(over, now, jax.tree.map(lambda leaf: leaf[:, -1], done.states))
        success = success | (~over & done.terminated)
        return (new, success, over | done.terminated | done.truncated, returned), None

    none = jnp.zeros(len(starts.time), bool)
    decisions = -(-world.limit // config.execution_length)
    inputs = (jax.random.split(key, decisions), jnp.arange(decisions) == 0)
    begins = (starts, none, none, jnp.zeros(none.shape))
    (last, success, _, returned), _ = jax.lax.scan(decision, begins, inputs)
    return success, last.time, returned
