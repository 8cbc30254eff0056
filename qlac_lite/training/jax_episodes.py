"""Episodes of the lite world inside a compiled program: to collect, to evaluate, to probe a critic."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from qlac_lite.agents import Learner, make_learner
from qlac_lite.config import Config
from qlac_lite.data.dataset import Array
from qlac_lite.data.replay import Replay, Transitions, append
from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.envs.lite_world import LiteWorld, WorldState, execute, observe, reset
from qlac_lite.training.updates import keep_if

PROBES = ("own", "script", "random")  # whose first chunk `probe` asks about


def act_and_store(
    config: Config,
    world: LiteWorld,
    replay: Replay,
    now: WorldState,
    actions: Array,
    key: Array,
    rests: Array,
) -> tuple[Replay, WorldState, Array]:
    """Executes a chunk (H, A), appends its transitions, and resets the world if the episode is over.

    Where it `rests`, () bool, nothing happens. Returns replay, world's state, and steps executed, () int32.
    """
    done = execute(world, now, actions)
    length = jnp.where(rests, 0, done.length)
    ends = (done.terminated & ~rests, done.truncated & ~rests)
    new = Transitions(jax.vmap(observe)(done.states), actions, done.rewards, length, *ends)
    replay = append(replay, new, config.reach, config.start_stride)
    last = keep_if(rests, now, jax.tree.map(lambda leaf: leaf[-1], done.states))
    return replay, keep_if(ends[0] | ends[1], reset(key, world.wide), last), length


def evaluate(learner: Learner, config: Config, world: LiteWorld, params: Any, key: Array):
    """Success (I,) and actions taken (I,) of I = `evaluation_episodes` episodes."""
    reset_key, act_key = jax.random.split(key)
    keys = jax.random.split(reset_key, config.evaluation_episodes)
    starts = jax.vmap(lambda key: reset(key, world.wide))(keys)
    return rollout(learner, config, world, params, starts, act_key)[:2]


def probe(config: Config, world: LiteWorld, params: Any, key: Array) -> tuple[Array, Array]:
    """The critics' values of the first chunks of episodes, and the episodes' returns: (len(PROBES), I) each.

    From the same I = `evaluation_episodes` starts, the first chunk is the policy's own, the demonstrator's,
    or uniformly random. The policy goes on.
    """
    whole = dataclasses.replace(config, execute=0)
    learner = make_learner(whole, lite_world.OBSERVATION_SIZE, lite_world.ACTION_SIZE)
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
    learner: Learner, config: Config, world: LiteWorld, params, starts: WorldState, key: Array, first=None
) -> tuple[Array, Array, Array]:
    """Episodes from `starts` to their ends: success (I,), actions taken (I,), discounted return (I,).

    `first`, (I, H, A): the chunks that they begin with, in place of the policy's.
    """

    def decision(carry, inputs):
        now, success, over, returned = carry
        key, begins = inputs
        actions = learner.act(params, jax.vmap(observe)(now), key)  # (I, H, A)
        if first is not None:
            actions = jnp.where(begins, first[:, : actions.shape[1]], actions)
        done = jax.vmap(lambda *each: execute(world, *each))(now, actions)
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
