"""Whole runs on the lite world: environments, replay and updates of all seeds in one compiled program.

    offline   updates on play data
    online    a chunk is executed, joins the replay, and is followed by the updates that are due

All else is that of `training/loop.py`. A run lasts a minute or so, and has no checkpoint.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from qlac_lite.agents import make_learner
from qlac_lite.agents.base import Metrics
from qlac_lite.config import Config, make_config
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.replay import Replay, empty_replay
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld, observe, reset
from qlac_lite.training.jax_episodes import act_and_store, evaluate, probe
from qlac_lite.training.updates import BESIDE, over_seeds, split_devices, update_steps
from qlac_lite.utils.errors import QlacError

SIZES = (OBSERVATION_SIZE, ACTION_SIZE)


class Outcome(NamedTuple):
    """What a run gives, with a leading axis over seeds. P evaluations, I episodes each."""

    steps: np.ndarray  # (P,) updates before each evaluation
    success: np.ndarray  # (seeds, P, I) bool
    lengths: np.ndarray  # (seeds, P, I) actions
    params: Any
    replay: Dataset  # what was collected online
    beliefs: np.ndarray | None = None  # with `probed`: (seeds, P, len(PROBES), I), see `probe`
    returns: np.ndarray | None = None


def lite_config(method: str, **changes) -> Config:
    """`make_config` for the lite world."""
    return make_config(LITE_WORLD, method, **changes)


def check_phases(config: Config) -> None:
    """Raises QlacError unless evaluations divide the phases, and decisions the steps between them."""
    every = config.evaluate_every
    if config.offline_steps % every or config.online_steps % every or every % config.execution_length:
        raise QlacError(
            f"evaluate_every is {every}, but has to divide offline_steps and online_steps, and be a multiple "
            f"of the actions executed per decision ({config.execution_length})."
        )


def train_lite(
    config: Config, world: LiteWorld, data: Dataset, collected: Dataset | None = None, probed: bool = False
) -> Outcome:
    """Trains all seeds of `config` on the same data, offline and then online.

    Args:
        collected: the `replay` of a run with as many seeds; each seed also learns from its part.
        probed: evaluations also probe the critics (see `probe`).

    Raises QlacError if chunks or evaluations do not fit, there is no critic to probe, or the run diverges.
    """
    check_horizon(int(np.max(data.steps_left)), config.span)
    check_phases(config)
    if probed and make_learner(config, *SIZES).value is None:
        raise QlacError(f"{config.method} has no critic to be probed. Leave out probed=True.")
    if collected is None:
        rows = (config.online_steps, world.limit, *SIZES, config.horizon)
        repeated = lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf)))
        collected = jax.tree.map(repeated, empty_replay(*rows).data)
    elif config.online_steps:
        raise QlacError("With collected transitions there is no online phase: set online_steps=0.")
    seeds = np.array(config.seed_list, np.uint32)
    measured, params, replay = _compiled(dataclasses.replace(config, first_seed=0), world, probed)(
        seeds, data, collected
    )
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)):
        raise QlacError(f"{config.method} has diverged: NaN in its parameters. Try a smaller learning_rate.")
    every, total = config.evaluate_every, config.offline_steps + config.online_steps
    success, lengths, *probes = map(np.asarray, measured)
    return Outcome(np.arange(every, total + 1, every), success, lengths, params, replay, *probes)


@functools.lru_cache(maxsize=4)  # cells that differ in their data or seeds alone are compiled once
def _compiled(config: Config, world: LiteWorld, probed: bool):
    devices = jax.local_devices()
    mesh = Mesh(np.array(devices[: split_devices(devices, config)[0]]), ("seeds",))
    # Compiles in a third less time, and runs as fast: matrix products and random numbers take most of it.
    options = {"xla_backend_optimization_level": 1} if devices[0].platform == "cpu" else None
    one_seed = functools.partial(_run, config, world, probed)
    return over_seeds(mesh, one_seed, shared=1, compiler_options=options)


def _run(config: Config, world: LiteWorld, probed: bool, seed: jax.Array, data: Dataset, collected: Dataset):
    """One seed from start to end. Both phases are one loop, so an update is compiled only once."""
    learner = make_learner(config, *SIZES)
    init_key, reset_key, run_key = jax.random.split(jax.random.key(seed), 3)
    every, size = config.evaluate_every, config.execution_length
    data, replay = jax.tree.map(jnp.asarray, (data, Replay(collected, *[np.int32(0)] * 3)))

    def interval(carry, inputs):
        """The steps of one phase up to the next evaluation, and that."""
        key, online, until = inputs
        decision_key, evaluation_key = jax.random.split(key)

        def decision(carry):
            i, state, replay, now, steps = carry
            act_key, reset_key, update_key = jax.random.split(jax.random.fold_in(decision_key, i), 3)

            def act(replay, now):
                actions = learner.act(state.params, observe(now)[None], act_key)[0]
                if config.first_actions == "random":
                    uniform = jax.random.uniform(act_key, actions.shape, minval=-1, maxval=1)
                    actions = jnp.where(steps < config.online_start, uniform, actions)
                return act_and_store(config, world, replay, now, actions, reset_key, rests=steps >= until)

            stay = lambda replay, now: (replay, now, jnp.int32(size))
            replay, now, executed = jax.lax.cond(online, act, stay, replay, now)
            due = config.updates_due(steps + executed) - config.updates_due(steps)
            count = jnp.where(online, due, executed)
            parts = (data, replay.data)  # the second: offline empty, or what another run collected
            state, _ = update_steps(learner, config, state, Metrics(), parts, update_key, 0, count)
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
    begins = (learner.init(init_key), replay, reset(reset_key, world.wide), jnp.int32(0))
    (state, replay, _, _), measured = jax.lax.scan(interval, begins, inputs)
    return measured, state.params, replay.data
