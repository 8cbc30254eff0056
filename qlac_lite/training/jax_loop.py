"""Whole runs on the lite world: environments, replay and updates of all seeds in one compiled program.

    offline   updates on play data
    online    a chunk is executed, joins the replay, and is followed by the updates that are due
    both      interrupted at even distances by evaluations

With `updates_per_step` 0 the online phase only collects, and its replay can be given to another run (the D1 /
D5 experiment). Learners, sampler, updates and replay are those of `training/loop.py`; only the simulator is
inside the program. A run lasts a minute or so and has no checkpoint.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from qlac_lite.agents import make_learner
from qlac_lite.agents.base import Metrics
from qlac_lite.config import Config, make_config
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.replay import Replay, empty_replay
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld, observe, reset
from qlac_lite.training.jax_episodes import act_and_store, evaluate, probe
from qlac_lite.training.updates import BESIDE, PER_SEED, SHARED, most_beside, update_steps
from qlac_lite.utils.errors import QlacError

# A third less time to compile, and as fast afterwards: matrix products and random numbers take most of it.
QUICK_COMPILE = {"xla_backend_optimization_level": 1}


class Outcome(NamedTuple):
    """What a run gives, with a leading axis over seeds. P evaluations, I episodes each."""

    steps: np.ndarray  # (P,) updates before each evaluation
    success: np.ndarray  # (seeds, P, I) bool
    lengths: np.ndarray  # (seeds, P, I) actions of each evaluation episode
    params: Any  # of the trained networks
    replay: Dataset  # what was collected online
    # With `probed`, (seeds, P, len(PROBES), I): see `jax_episodes.probe`.
    beliefs: np.ndarray | None = None  # the critics' values of first chunks
    returns: np.ndarray | None = None  # what these brought


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
    if collected is None:
        rows = (config.online_steps, world.limit, OBSERVATION_SIZE, ACTION_SIZE, config.horizon)
        repeated = lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf)))
        collected = jax.tree.map(repeated, empty_replay(*rows).data)
    elif config.online_steps:
        raise QlacError("With collected transitions there is no online phase: set online_steps=0.")
    devices = jax.local_devices()
    count = max(n for n in range(1, len(devices) + 1) if config.seeds % n == 0)
    mesh, by_seed = Mesh(np.array(devices[:count]), ("seeds",)), PartitionSpec("seeds")
    one_seed = functools.partial(_run, config, world, probed)
    mapped = jax.vmap(one_seed, in_axes=(PER_SEED, SHARED, PER_SEED), axis_name=BESIDE)
    specs = (by_seed, PartitionSpec(), by_seed)
    sharded = jax.shard_map(mapped, mesh=mesh, in_specs=specs, out_specs=by_seed, check_vma=False)
    run = jax.jit(sharded, compiler_options=QUICK_COMPILE if devices[0].platform == "cpu" else None)
    measured, params, replay = run(np.array(config.seed_list, np.uint32), data, collected)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)):
        raise QlacError(
            f"{config.method} has diverged: its parameters are not finite. Try a smaller learning_rate."
        )
    every = config.evaluate_every
    steps = every * np.arange(1, (config.offline_steps + config.online_steps) // every + 1)
    success, lengths, *probes = map(np.asarray, measured)
    return Outcome(steps, success, lengths, params, replay, *probes)


def _run(config: Config, world: LiteWorld, probed: bool, seed: jax.Array, data: Dataset, collected: Dataset):
    """One seed from start to end. Both phases are one loop, so an update is compiled only once."""
    learner = make_learner(config, OBSERVATION_SIZE, ACTION_SIZE)
    init_key, reset_key, run_key = jax.random.split(jax.random.key(seed), 3)
    every, size = config.evaluate_every, config.execution_length
    data, replay = jax.tree.map(jnp.asarray, (data, Replay(collected, *[np.int32(0)] * 3)))

    def act(state, replay, now, steps, until, act_key, reset_key):
        actions = learner.act(state.params, observe(now)[None], act_key)[0]
        if config.first_actions == "random":
            uniform = jax.random.uniform(act_key, actions.shape, minval=-1, maxval=1)
            actions = jnp.where(steps < config.online_start, uniform, actions)
        return act_and_store(config, world, replay, now, actions, reset_key, rests=steps >= until)

    def interval(carry, inputs):
        """The steps of one phase up to the next evaluation, and that."""
        key, online, until = inputs
        decision_key, evaluation_key = jax.random.split(key)

        def decision(carry):
            i, state, replay, now, steps = carry
            act_key, reset_key, update_key = jax.random.split(jax.random.fold_in(decision_key, i), 3)
            stay = lambda state, replay, now, *others: (replay, now, jnp.int32(size))
            replay, now, executed = jax.lax.cond(
                online, act, stay, state, replay, now, steps, until, act_key, reset_key
            )
            due = config.updates_due(steps + executed) - config.updates_due(steps)
            count = jnp.where(online, due, executed)
            parts = (data, replay.data)  # offline the second is empty, or what another run collected
            numbers = (update_key, 0, count, most_beside(count))
            state, _ = update_steps(learner, config, state, Metrics(), parts, *numbers)
            return i + 1, state, replay, now, steps + executed

        behind = lambda carry: jax.lax.pmin(carry[-1], BESIDE) < until  # any of the seeds beside each other
        begins = (0, *carry[:-1], jnp.where(online, carry[-1], until - every))
        _, state, replay, now, steps = jax.lax.while_loop(behind, decision, begins)
        measured = evaluate(learner, config, world, state.params, evaluation_key)
        if probed:
            measured += probe(config, world, state.params, evaluation_key)
        return (state, replay, now, jnp.where(online, steps, carry[-1])), measured

    offline, online = (steps // every for steps in (config.offline_steps, config.online_steps))
    ends = every * np.append(np.arange(1, offline + 1), np.arange(1, online + 1))  # steps of the phase
    keys = jax.random.split(run_key, offline + online)
    inputs = (keys, jnp.arange(offline + online) >= offline, jnp.asarray(ends, jnp.int32))
    begins = (learner.init(init_key), replay, reset(reset_key), jnp.int32(0))
    (state, replay, _, _), measured = jax.lax.scan(interval, begins, inputs)
    return measured, state.params, replay.data
