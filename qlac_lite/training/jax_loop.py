"""Whole runs on the lite world: environments, replay and updates of all seeds in one compiled program.

    offline   updates on play data
    online    a chunk is executed, joins the replay, and is followed by as many updates as it had steps
              (`updates_per_step` 1)
    both      interrupted at even distances by evaluations: episodes from their own resets, all side by side

With `updates_per_step` 0 the online phase collects only:
its replay can be given to another run, which learns from data and replay together (the D1 / D5 experiment).

The learners, the sampler and the replay are those of the full runs (`training/loop.py`); only the simulator
is inside the program. So a run has no checkpoint: it lasts a minute or so.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from qlac_lite.agents import Learner, State, make_learner
from qlac_lite.config import Config, make_config
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.replay import Replay, Transitions, append, empty_replay
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
from qlac_lite.training.updates import BESIDE, keep_if, sample_batch
from qlac_lite.utils.errors import QlacError

# A third less time to compile, and as fast afterwards:
# most of the time goes to products of matrices and to random numbers.
QUICK_COMPILE = {"xla_backend_optimization_level": 1}


PROBES = ("own", "script", "random")  # whose first chunk `probe` asks about


class Outcome(NamedTuple):
    """What a run gives, with a leading axis over seeds. P evaluations, I episodes each."""

    steps: np.ndarray  # (P,) updates before each evaluation
    success: np.ndarray  # (seeds, P, I) bool
    lengths: np.ndarray  # (seeds, P, I) actions of each evaluation episode
    params: Any  # of the trained networks
    replay: Dataset  # what was collected online
    beliefs: np.ndarray | None = (
        None  # (seeds, P, len(PROBES), I) with `probed`: the critics' values of first chunks
    )
    returns: np.ndarray | None = (
        None  # the same shape: discounted return after them, up to the end of the episode
    )


def lite_config(method: str, **changes) -> Config:
    """The configuration of a method for the lite world, see `make_config`."""
    return make_config(LITE_WORLD, method, **changes)


def check_phases(config: Config) -> None:
    """Raises QlacError if the phases are no whole number of evaluation intervals, or these of decisions."""
    every = config.evaluate_every
    if config.offline_steps % every or config.online_steps % every or every % config.execution_length:
        raise QlacError(
            f"evaluate_every is {every}, but has to divide offline_steps and online_steps, and be a "
            f"multiple of the actions executed per decision ({config.execution_length})."
        )


def train_lite(
    config: Config, world: LiteWorld, data: Dataset, collected: Dataset | None = None, probed: bool = False
) -> Outcome:
    """Trains all seeds of `config` on the same data, offline and then online.

    Args:
        collected: the `replay` of another outcome with as many seeds.
            Each seed learns from the data and its own part of it.
        probed: whether each evaluation also compares the critics' beliefs with returns (see `probe`; methods
            with a critic).

    Raises:
        QlacError: chunks do not fit the episodes, phases are no whole number of evaluation intervals,
            or a method without a critic is probed.
    """
    check_horizon(int(np.max(data.steps_left)), config.span)
    check_phases(config)
    if probed and make_learner(config, OBSERVATION_SIZE, ACTION_SIZE).value is None:
        raise QlacError(
            f"{config.method} has no critic whose beliefs could be probed. Leave out probed=True."
        )
    every = config.evaluate_every
    devices = jax.local_devices()
    count = max(n for n in range(1, len(devices) + 1) if config.seeds % n == 0)
    mesh = Mesh(np.array(devices[:count]), ("seeds",))
    one_seed = functools.partial(_run, config, world, probed)
    if collected is None:
        empty = empty_replay(
            config.online_steps, world.limit, OBSERVATION_SIZE, ACTION_SIZE, config.horizon
        ).data
        collected = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf))), empty)
    elif config.online_steps:
        raise QlacError("With collected transitions there is no online phase: set online_steps=0.")
    specs = (PartitionSpec("seeds"), PartitionSpec(), PartitionSpec("seeds"))
    mapped = jax.vmap(one_seed, in_axes=(0, None, 0), axis_name=BESIDE)
    on_cpu = devices[0].platform == "cpu"
    run = jax.jit(
        jax.shard_map(mapped, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("seeds"), check_vma=False),
        compiler_options=QUICK_COMPILE if on_cpu else None,
    )
    measured, params, replay = run(np.array(config.seed_list, np.uint32), data, collected)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)):
        raise QlacError(
            f"{config.method} has diverged: its parameters are not finite. Try a smaller learning_rate."
        )
    steps = every * np.arange(1, (config.offline_steps + config.online_steps) // every + 1)
    success, lengths, *probes = map(np.asarray, measured)
    return Outcome(steps, success, lengths, params, replay, *probes)


def _run(config: Config, world: LiteWorld, probed: bool, seed: jax.Array, data: Dataset, collected: Dataset):
    """One seed from start to end.
    Both phases are one loop, so that what an update is has to be compiled only once."""
    learner = make_learner(config, OBSERVATION_SIZE, ACTION_SIZE)
    init_key, reset_key, run_key = jax.random.split(jax.random.key(seed), 3)
    every, size = config.evaluate_every, config.execution_length
    data, replay = jax.tree.map(jnp.asarray, (data, Replay(collected, *[np.int32(0)] * 3)))

    def interval(carry, inputs):
        key, online, until = inputs
        decision_key, evaluation_key = jax.random.split(key)

        def act(state, replay, now, steps, act_key, reset_key):
            actions = learner.act(state.params, observe(now)[None], act_key)[0]
            if config.first_actions == "random":
                uniform = jax.random.uniform(act_key, actions.shape, minval=-1, maxval=1)
                actions = jnp.where(steps < config.online_start, uniform, actions)
            return act_and_store(config, world, replay, now, actions, reset_key, rests=steps >= until)

        def decision(carry):
            i, state, replay, now, steps = carry
            act_key, reset_key, update_key = jax.random.split(jax.random.fold_in(decision_key, i), 3)
            stay = lambda state, replay, now, *others: (replay, now, jnp.int32(size))
            replay, now, executed = jax.lax.cond(
                online, act, stay, state, replay, now, steps, act_key, reset_key
            )
            due = config.updates_due(steps + executed) - config.updates_due(steps)
            count = jnp.where(online, due, executed)

            def update(j, state):
                batch_key, loss_key = jax.random.split(jax.random.fold_in(update_key, j))
                parts = (data, replay.data)  # offline the second is empty, or what another run collected
                batch = sample_batch(batch_key, parts, config, config.batch_size)
                return keep_if(j < count, learner.update(state, batch, loss_key)[0], state)

            state = jax.lax.fori_loop(0, jax.lax.pmax(count, BESIDE), update, state)
            return i + 1, state, replay, now, steps + executed

        behind = lambda carry: jax.lax.pmin(carry[-1], BESIDE) < until  # any of the seeds beside each other
        _, state, replay, now, steps = jax.lax.while_loop(
            behind, decision, (0, *carry[:-1], jnp.where(online, carry[-1], until - every))
        )
        measured = evaluate(learner, config, world, state, evaluation_key)
        steps = jnp.where(online, steps, carry[-1])
        return (state, replay, now, steps), measured + (
            probe(config, world, state, evaluation_key) if probed else ()
        )

    offline, online = (steps // every for steps in (config.offline_steps, config.online_steps))
    until = every * np.append(
        np.arange(1, offline + 1), np.arange(1, online + 1)
    )  # steps of the phase at the end of each interval
    inputs = (
        jax.random.split(run_key, offline + online),
        jnp.arange(offline + online) >= offline,
        jnp.asarray(until, jnp.int32),
    )
    (state, replay, _, _), measured = jax.lax.scan(
        interval, (learner.init(init_key), replay, reset(reset_key), jnp.int32(0)), inputs
    )
    return measured, state.params, replay.data


def act_and_store(
    config: Config,
    world: LiteWorld,
    replay: Replay,
    now: WorldState,
    actions: jax.Array,
    key: jax.Array,
    rests: jax.Array,
) -> tuple[Replay, WorldState, jax.Array]:
    """Executes a chunk (H, A), appends its transitions, and resets the world if the episode is over;
    or rests, and does nothing.

    Returns:
        the replay, the world's state, and the number of steps executed, () int32.
    """
    done = execute(world, now, actions)
    length, terminated, truncated = (
        jnp.where(rests, 0, done.length),
        done.terminated & ~rests,
        done.truncated & ~rests,
    )
    transitions = Transitions(
        jax.vmap(observe)(done.states), actions, done.rewards, length, terminated, truncated
    )
    replay = append(replay, transitions, config.reach, config.start_stride)
    last = keep_if(rests, now, jax.tree.map(lambda leaf: leaf[-1], done.states))
    return replay, keep_if(terminated | truncated, reset(key), last), length


def evaluate(learner: Learner, config: Config, world: LiteWorld, state: State, key: jax.Array):
    """Success (I,) and actions taken (I,) of I = `evaluation_episodes` episodes."""
    reset_key, act_key = jax.random.split(key)
    starts = jax.vmap(reset)(jax.random.split(reset_key, config.evaluation_episodes))
    success, lengths, _ = rollout(learner, config, world, state.params, starts, act_key)
    return success, lengths


def probe(config: Config, world: LiteWorld, state: State, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What the critics believe of chunks, and what these bring if the policy goes on after them:
    (len(PROBES), I) each.

    The chunks are the first of I = `evaluation_episodes` episodes:
    the policy's own, the demonstrator's, and uniformly random ones, from the same I starts.
    """
    learner = make_learner(dataclasses.replace(config, execute=0), OBSERVATION_SIZE, ACTION_SIZE)
    start_key, own_key, random_key, act_key = jax.random.split(key, 4)
    habits = lite_play.Habits(play=False)
    states, script = lite_play.demonstrations(
        world, start_key, config.evaluation_episodes, config.chunk_length, habits
    )
    starts = jax.tree.map(lambda leaf: leaf[:, 0], states)
    seen = jax.vmap(observe)(starts)
    chunks = (
        learner.act(state.params, seen, own_key),
        script,
        jax.random.uniform(random_key, script.shape, minval=-1, maxval=1),
    )
    beliefs = jnp.stack([learner.value(state.params, seen, chunk) for chunk in chunks])
    thrice = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * len(chunks)), starts)
    _, _, returns = rollout(learner, config, world, state.params, thrice, act_key, jnp.concatenate(chunks))
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
        keep = lambda old, new: jnp.where(over.reshape(-1, *[1] * (new.ndim - 1)), old, new)
        new = jax.tree.map(lambda old, states: keep(old, states[:, -1]), now, done.states)
        success = success | (~over & done.terminated)
        return (new, success, over | done.terminated | done.truncated, returned), None

    none = jnp.zeros(len(starts.time), bool)
    decisions = -(-world.limit // config.execution_length)
    keys = (jax.random.split(key, decisions), jnp.arange(decisions) == 0)
    (last, success, _, returned), _ = jax.lax.scan(
        decision, (starts, none, none, jnp.zeros(none.shape)), keys
    )
    return success, last.time, returned
