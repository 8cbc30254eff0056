"""The gradient steps of a run as compiled functions over its seeds.

All seeds train in one program: vmap over the seeds of a device, and the seed axis sharded over the devices
(GPUs, or CPU cores); they share the dataset. Randomness follows from (seed, step) and is never carried along.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from qlac_lite.agents import Learner, State, make_learner
from qlac_lite.agents.base import Metrics, acting
from qlac_lite.config import Config
from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Batch, Dataset, sample
from qlac_lite.data.replay import Replay, append, close_episode, empty_replay, empty_replays
from qlac_lite.data.shards import Shards, Stream
from qlac_lite.utils.cores import usable_cores

INIT, UPDATE = 0, 1  # streams of random keys
BESIDE = "beside"  # axis over the seeds that train beside each other on one device
# Cores left over take a part of each batch, and the gradients are averaged: with two, one seed at `lite` size
# makes 1.6 times the updates/s (results/bench).
MIN_SHARE = 32  # chunks that are worth a core of their own
WIDE = 256  # layers this wide keep all cores busy anyway


class Progress(NamedTuple):
    """Everything that training changes, with a leading axis over seeds; a checkpoint holds it."""

    state: State = None
    metrics: Metrics = None  # of the updates since the last log row
    count: jax.Array = None  # how many updates these are
    replay: Replay = None
    episodes: np.ndarray = None  # (seeds,) online episodes begun
    steps: np.ndarray = None  # (seeds,) environment steps executed online


class Programs(NamedTuple):
    """The compiled functions of a run. All but the offline data has a leading axis over seeds."""

    learner: Learner
    init: Callable  # (seeds) -> state
    update: Callable
    actor: Callable  # `acting` of agents/base.py
    append: Callable  # (replay, transitions) -> replay
    close: Callable  # (replay) -> replay
    nothing_logged: Metrics


# Settings that no compiled function reads: runs that differ in these alone are compiled once.
UNCOMPILED = (
    "preset",
    "first_seed",
    "offline_steps",
    "online_steps",
    "shard_steps",
    "online_shards",
    "online_start",
    "first_actions",
    "log_every",
    "evaluate_every",
    "evaluation_episodes",
    "checkpoint_seconds",
)


def compiled_part(config: Config) -> Config:
    """The configuration with None in place of what is not compiled: who reads it fails."""
    part = copy.copy(config)
    for name in UNCOMPILED:
        object.__setattr__(part, name, None)
    return part


@functools.lru_cache(maxsize=4)
def programs(make: Callable, config: Config, sizes: tuple[int, int], mesh: Mesh) -> Programs:
    """What is compiled for a `compiled_part`, with the learner of `make`; sizes of (observation, action)."""
    learner, alone = make(config, *sizes), config.seeds == mesh.shape["seeds"]

    def update(state, metrics, made, online, offline, seed, first, count):
        shares, key = mesh.shape["batch"], _key(seed, UPDATE)
        numbers, data = (key, first, count, shares, alone), (offline, online)
        state, metrics = update_steps(learner, config, state, metrics, data, *numbers)
        over_shares = zip((jax.lax.pmean, jax.lax.pmax, jax.lax.pmin), metrics, strict=True)
        return state, Metrics(*(reduce(part, "batch") for reduce, part in over_shares)), made + count

    known = dict(horizon=config.reach, stride=config.start_stride)
    compiled = functools.partial(over_seeds, mesh, alone=alone)
    return Programs(
        learner,
        init=compiled(lambda seed: learner.init(_key(seed, INIT))),
        update=compiled(update, shared=4, donate_argnums=(0, 1, 2)),
        actor=compiled(acting(learner), shared=3),  # the stream
        append=compiled(functools.partial(append, **known), donate_argnums=0),
        close=compiled(functools.partial(close_episode, **known), donate_argnums=0),
        nothing_logged=no_metrics(learner, config, *sizes),
    )


class Engine:
    """The gradient steps of a run, on its data."""

    def __init__(self, config: Config, dataset: Dataset | Shards, observation_size: int, action_size: int):
        self.config, devices, sizes = config, jax.local_devices(), (observation_size, action_size)
        shape = split_devices(devices, config)
        self.mesh = Mesh(np.array(devices[: shape[0] * shape[1]]).reshape(shape), ("seeds", "batch"))
        to_all = functools.partial(jax.device_put, device=NamedSharding(self.mesh, P()))
        self.stream = Stream(dataset, to_all, config.shard_steps, ahead=min(4, -(-usable_cores() // 2)))
        self.seeds = self.put(np.array(config.seed_list, np.uint32))
        self.programs = programs(make_learner, compiled_part(config), sizes, self.mesh)
        self.learner, self.actor = self.programs.learner, self.programs.actor
        self.append, self.close = self.programs.append, self.programs.close

    def start(self, replay_transitions: int, task: Task) -> Progress:
        """A fresh start, with room for `replay_transitions` online transitions of each seed."""
        replay = self.put(empty_replays(self.config, replay_transitions, task))
        none = np.zeros(self.config.seeds, np.int64)
        return self.forget_metrics(Progress(self.programs.init(self.seeds), None, None, replay, none, none))

    def forget_metrics(self, progress: Progress) -> Progress:
        """The same, with no update since the last log row."""
        none = (self.programs.nothing_logged, np.int32(0))
        metrics, count = self.put(jax.tree.map(lambda value: np.full(self.config.seeds, value), none))
        return progress._replace(metrics=metrics, count=count)

    def put(self, tree: Any) -> Any:
        """Arrays with a leading axis over seeds to the devices."""
        return jax.device_put(tree, NamedSharding(self.mesh, P("seeds")))

    def update(self, progress: Progress, first_step: int, count: int) -> Progress:
        """`count` offline gradient steps of every seed: a compiled call, or one for each shard."""
        last = first_step + count
        while first_step < last:
            until = int(min(last, self.stream.until(first_step)))
            progress = self._steps(progress, first_step, first_step, until - first_step)
            first_step = until
        return progress

    def learn(self, progress: Progress, steps: np.ndarray) -> Progress:
        """The online gradient steps that are due from `progress.steps` to `steps` (seeds,)."""
        config, offline = self.config, self.config.offline_steps
        begin, end = (config.updates_due(count) for count in (progress.steps, steps))
        progress = progress._replace(steps=np.array(steps))
        if np.array_equal(begin, end):
            return progress
        last = config.online_shards == "last"
        at = max(0, offline - 1) if last else offline + int(steps.min())
        return self._steps(progress, at, offline + begin, end - begin)

    def _steps(self, progress: Progress, at: int, *numbers: int | np.ndarray) -> Progress:
        """Makes steps (first, count), with the data that serve at step `at`."""
        numbers = (np.broadcast_to(np.int32(number), self.config.seeds) for number in numbers)
        new = self.programs.update(
            *progress[:3], progress.replay.data, self.stream.at(at), self.seeds, *numbers
        )
        return Progress(*new, *progress[3:])


def update_steps(
    learner: Learner,
    config: Config,
    state: State,
    metrics: Metrics,
    parts: tuple[Dataset, ...],
    key: jax.Array,
    first: jax.Array,
    count: jax.Array,
    shares: int = 1,
    alone: bool = False,
) -> tuple[State, Metrics]:
    """`count` gradient steps of one seed, numbered from `first`, on chunks of `parts` (data, replay).

    Args:
        metrics: the sums of earlier steps, to which these are added; if empty, none are kept.
        shares: devices of the axis "batch", each with a part of every batch.
        alone: no other seed trains on its device; else they loop as often as any of them has to.
    """

    def step(i, carry):
        state, metrics = carry
        step_key = jax.random.fold_in(key, first + i)
        if shares > 1:
            step_key = jax.random.fold_in(step_key, jax.lax.axis_index("batch"))
        batch_key, loss_key = jax.random.split(step_key)
        batch = sample_batch(batch_key, parts, config, config.batch_size // shares)
        new_state, new = learner.update(state, batch, loss_key, *[_mean_over_shares] * (shares > 1))
        kinds = zip((jnp.add, jnp.maximum, jnp.minimum), metrics, new, strict=True)
        added = Metrics(*({name: add(old[name], some[name]) for name in old} for add, old, some in kinds))
        return keep_if(i < count, (new_state, added), carry)

    most = count if alone else jax.lax.pmax(count, BESIDE)
    return jax.lax.fori_loop(0, most, step, (state, metrics))


def keep_if(condition: jax.Array, new: Any, old: Any) -> Any:
    """`new` where the condition () holds, else `old`."""
    return jax.tree.map(functools.partial(jnp.where, condition), new, old)


def sample_batch(key: jax.Array, parts: tuple[Dataset, ...], config: Config, size: int) -> Batch:
    look = (config.backup_length, config.discount, config.offline_share, config.span, config.replay_capacity)
    return sample(key, parts, size, *look)


def no_metrics(learner: Learner, config: Config, *sizes: int) -> Metrics:
    """The metrics of no update: sums of 0, maxima of -inf, minima of inf."""

    def update(key, rows):
        batch = sample_batch(key, (rows,), config, config.batch_size)
        return learner.update(learner.init(key), batch, key)[1]

    rows = empty_replay(0, 1, *sizes, config.horizon).data
    metrics = jax.eval_shape(update, jax.random.key(0), rows)
    neutral = map(np.float32, (0, -np.inf, np.inf))
    return Metrics(*(dict.fromkeys(part, value) for part, value in zip(metrics, neutral, strict=True)))


def split_devices(devices: list, config: Config) -> tuple[int, int]:
    """Devices over (seeds, batch): divisors of the seeds, and of a small network's batch."""
    batch, cores, narrow = config.batch_size, len(devices), max(config.hidden) < WIDE
    over_seeds = max(n for n in range(1, cores + 1) if config.seeds % n == 0)
    spare = cores // over_seeds if devices[0].platform == "cpu" and narrow else 1
    over_batch = max(n for n in range(1, spare + 1) if n == 1 or (batch % n == 0 and batch // n >= MIN_SHARE))
    return over_seeds, over_batch


def over_seeds(
    mesh: Mesh, function: Callable, shared: int | None = None, alone: bool = False, **options
) -> Callable:
    """A function of one seed, vmapped over the seeds of a device, sharded over devices, and compiled.

    Args:
        shared: place of the argument that all seeds share; the others have an axis over them.
        alone: one seed a device. It is not vmapped: batched matrix products cost a quarter on a CPU.
    """

    def for_one(*args):
        own = [arg if i == shared else jax.tree.map(lambda leaf: leaf[0], arg) for i, arg in enumerate(args)]
        return jax.tree.map(lambda leaf: leaf[None], function(*own))

    def sharded(*args):
        axes = [None if i == shared else 0 for i in range(len(args))]
        specs = tuple(P("seeds") if axis == 0 else P() for axis in axes)
        mapped = for_one if alone else jax.vmap(function, in_axes=axes, axis_name=BESIDE)
        split = jax.shard_map(mapped, mesh=mesh, in_specs=specs, out_specs=P("seeds"), check_vma=False)
        return split(*args)

    return jax.jit(sharded, **options)


def _key(seed: jax.Array, stream: int) -> jax.Array:
    return jax.random.fold_in(jax.random.key(seed), stream)


def _mean_over_shares(gradient):
    """In one message: a core waits once an update, not once a layer."""
    flat, restore = ravel_pytree(gradient)
    return restore(jax.lax.pmean(flat, "batch"))
