"""The gradient steps of a run as compiled functions over its seeds.

All seeds train in one compiled program: vmap over the seeds of a device, and the seed axis sharded over the
devices (GPUs, or CPU cores). The dataset is not copied per seed. Randomness follows from (seed, step) and is
never carried along, so a step is the same after whatever interruption.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qlac_lite.agents import Learner, State, make_learner
from qlac_lite.agents.base import ACTING_AXES, Metrics, acting
from qlac_lite.config import Config
from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Batch, Dataset, sample
from qlac_lite.data.replay import Replay, append, close_episode, empty_replay, empty_replays
from qlac_lite.data.shards import Shards, Stream
from qlac_lite.utils.machine import usable_cores

INIT, UPDATE = 0, 1  # streams of random keys
BESIDE = "beside"  # axis over the seeds that train beside each other on one device
PER_SEED, SHARED = 0, None  # whether an argument of a compiled function has a leading axis over seeds
# Cores left over share each batch: every one takes a part of its chunks, and the gradients are averaged. So
# one seed at `lite` size makes 1.6 times the updates/s of one jitted call each (two cores, results/bench).
MIN_SHARE = 32  # chunks that are worth a core of their own
WIDE = 256  # layers this wide keep all cores busy anyway


class Progress(NamedTuple):
    """Everything that training changes, with a leading axis over seeds; this is what a checkpoint holds."""

    state: State
    metrics: Metrics  # of the updates since the last log row: sums, maxima, minima
    count: jax.Array  # how many updates these are
    replay: Replay
    episodes: np.ndarray  # (seeds,) online episodes begun
    steps: np.ndarray  # (seeds,) environment steps executed online


class Engine:
    """The compiled functions of a run. Every argument and result has a leading axis over seeds.

    init(seeds) -> state;
    update(progress, first_step, count) and learn(progress, steps) -> progress;
    append(replay, transitions) -> replay;  close(replay) -> replay;  actor: `acting` of agents/base.py;
    store_and_act(replay, transitions, *arguments of the actor) -> replay, chunks, the two in one call.
    """

    def __init__(self, config: Config, dataset: Dataset | Shards, observation_size: int, action_size: int):
        self.config = config
        self.learner = make_learner(config, observation_size, action_size)
        devices = jax.local_devices()
        shape = split_devices(devices, config)
        self.mesh = Mesh(np.array(devices[: shape[0] * shape[1]]).reshape(shape), ("seeds", "batch"))
        self.one_seed_a_device = config.seeds == shape[0]
        to_all = functools.partial(jax.device_put, device=NamedSharding(self.mesh, PartitionSpec()))
        self.stream = Stream(dataset, to_all, config.shard_steps, ahead=min(4, -(-usable_cores() // 2)))
        self.seeds = self.put(np.array(config.seed_list, np.uint32))
        self.nothing_logged = no_metrics(self.learner, config, observation_size, action_size)

        act = acting(self.learner)
        known = dict(horizon=config.reach, stride=config.start_stride)
        store, close = functools.partial(append, **known), functools.partial(close_episode, **known)
        store_and_act = lambda replay, new, *inputs: (store(replay, new), act(*inputs))
        own, update_axes = PER_SEED, (*[PER_SEED] * 4, SHARED, *[PER_SEED] * 3)
        self.init = self._over_seeds(lambda seed: self.learner.init(_key(seed, INIT)), (own,))
        self._update = self._over_seeds(self._update_one, update_axes, donate=(0, 1, 2))
        self.actor = self._over_seeds(act, ACTING_AXES)
        self.store_and_act = self._over_seeds(store_and_act, (own, own, *ACTING_AXES), donate=(0,))
        self.append = self._over_seeds(store, (own, own), donate=(0,))
        self.close = self._over_seeds(close, (own,), donate=(0,))

    def _over_seeds(self, function: Callable, axes: tuple, donate: tuple[int, ...] = ()) -> Callable:
        """vmap over the seeds of a device, sharded over devices; `axes`: PER_SEED or SHARED, by argument."""
        mapped = jax.vmap(function, in_axes=axes, axis_name=BESIDE)
        if self.one_seed_a_device:
            mapped = _for_one(function, axes)
        by_seed = PartitionSpec("seeds")
        specs = tuple(PartitionSpec() if axis is SHARED else by_seed for axis in axes)
        sharded = jax.shard_map(mapped, mesh=self.mesh, in_specs=specs, out_specs=by_seed, check_vma=False)
        return jax.jit(sharded, donate_argnums=donate)

    def _update_one(self, state, metrics, made, online, offline, seed, first, count):
        """`count` updates of one seed from number `first` on, on as many devices as share its batches."""
        shares, key = self.mesh.shape["batch"], _key(seed, UPDATE)
        most = count if self.one_seed_a_device else most_beside(count)
        numbers, data = (key, first, count, most, shares), (offline, online)
        state, metrics = update_steps(self.learner, self.config, state, metrics, data, *numbers)
        over_shares = zip((jax.lax.pmean, jax.lax.pmax, jax.lax.pmin), metrics, strict=True)
        return state, Metrics(*(reduce(part, "batch") for reduce, part in over_shares)), made + count

    def start(self, replay_transitions: int, task: Task) -> Progress:
        """Fresh state of all seeds, with room for `replay_transitions` online transitions each."""
        replay = self.put(empty_replays(self.config, replay_transitions, task))
        none = np.zeros(self.config.seeds, np.int64)
        return self.forget_metrics(Progress(self.init(self.seeds), None, None, replay, none, none))

    def forget_metrics(self, progress: Progress) -> Progress:
        """The same, with no update since the last log row."""
        per_seed = lambda value: np.full(self.config.seeds, value)
        metrics, count = self.put(jax.tree.map(per_seed, (self.nothing_logged, np.int32(0))))
        return progress._replace(metrics=metrics, count=count)

    def put(self, tree: Any) -> Any:
        """Arrays with a leading axis over seeds to the devices."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec("seeds")))

    def update(self, progress: Progress, first_step: int, count: int) -> Progress:
        """`count` gradient steps of every seed in one compiled call, or in one for each shard of the data."""
        last, every = first_step + count, lambda number: np.full(self.config.seeds, number, np.int32)
        while first_step < last:
            until = int(min(last, self.stream.until(first_step)))
            data = self.stream.at(first_step)
            progress = self._steps(progress, data, every(first_step), every(until - first_step))
            first_step = until
        return progress

    def learn(self, progress: Progress, steps: np.ndarray) -> Progress:
        """The online gradient steps that are due from `progress.steps` to `steps` (seeds,)."""
        config = self.config
        begin, end = (config.updates_due(count) for count in (progress.steps, steps))
        progress = progress._replace(steps=np.array(steps))
        if np.array_equal(begin, end):
            return progress
        shard_at = config.offline_steps + int(steps.min())
        if config.online_shards == "last":
            shard_at = max(0, config.offline_steps - 1)
        first, count = (config.offline_steps + begin).astype(np.int32), (end - begin).astype(np.int32)
        return self._steps(progress, self.stream.at(shard_at), first, count)

    def _steps(self, progress: Progress, data: Any, first: np.ndarray, count: np.ndarray) -> Progress:
        inputs = (*progress[:3], progress.replay.data, data, self.seeds, first, count)
        return Progress(*self._update(*inputs), *progress[3:])


def update_steps(
    learner: Learner,
    config: Config,
    state: State,
    metrics: Metrics,
    parts: tuple[Dataset, ...],
    key: jax.Array,
    first: jax.Array,
    count: jax.Array,
    most: jax.Array,
    shares: int = 1,
) -> tuple[State, Metrics]:
    """`count` gradient steps of one seed, numbered from `first`, on chunks of `parts` (data, replay).

    Args:
        metrics: those of earlier steps, to which these are added; if empty, none are kept.
        most: iterations of the loop (see `most_beside`); those beyond `count` change nothing.
        shares: devices of the axis "batch" that take a part of every batch each.
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

    return jax.lax.fori_loop(0, most, step, (state, metrics))


def most_beside(count: jax.Array) -> jax.Array:
    """The largest `count` of the seeds that train beside each other: their loops run as long."""
    return jax.lax.pmax(count, BESIDE)


def keep_if(condition: jax.Array, new: Any, old: Any) -> Any:
    """`new` where the condition () holds, else `old`, leaf by leaf."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def sample_batch(key: jax.Array, parts: tuple[Dataset, ...], config: Config, size: int) -> Batch:
    """A training batch of `size` chunks as the configuration has it, see `data.dataset.sample`."""
    look = (config.backup_length, config.discount, config.offline_share, config.span, config.replay_capacity)
    return sample(key, parts, size, *look)


def no_metrics(learner: Learner, config: Config, observation_size: int, action_size: int) -> Metrics:
    """What the metrics of no update are: sums of 0, maxima of -inf, minima of inf."""
    key = jax.random.key(0)
    rows = empty_replay(0, 1, observation_size, action_size, config.horizon).data
    batch = jax.eval_shape(lambda rows: sample_batch(key, (rows,), config, config.batch_size), rows)
    _, metrics = jax.eval_shape(learner.update, jax.eval_shape(learner.init, key), batch, key)
    neutral = map(np.float32, (0, -np.inf, np.inf))
    return Metrics(*(dict.fromkeys(part, value) for part, value in zip(metrics, neutral, strict=True)))


def split_devices(devices: list, config: Config) -> tuple[int, int]:
    """Devices over (seeds, batch): as many as divide the seeds, and of spare CPU cores as many as divide the
    batch of a small network."""
    seeds, batch = config.seeds, config.batch_size
    over_seeds = max(n for n in range(1, len(devices) + 1) if seeds % n == 0)
    spare = len(devices) // over_seeds if devices[0].platform == "cpu" and max(config.hidden) < WIDE else 1
    over_batch = max(n for n in range(1, spare + 1) if n == 1 or (batch % n == 0 and batch // n >= MIN_SHARE))
    return over_seeds, over_batch


def _for_one(function: Callable, axes: tuple) -> Callable:
    """What vmap over a single seed would be, without its batched matrix products: they cost a quarter on a
    CPU."""

    def mapped(*args):
        first = lambda arg, axis: jax.tree.map(lambda leaf: leaf[0], arg) if axis == PER_SEED else arg
        return jax.tree.map(lambda leaf: leaf[None], function(*map(first, args, axes)))

    return mapped


def _key(seed: jax.Array, stream: int) -> jax.Array:
    return jax.random.fold_in(jax.random.key(seed), stream)


def _mean_over_shares(gradient):
    """In one message: a core waits once an update, not once a layer."""
    flat, restore = ravel_pytree(gradient)
    return restore(jax.lax.pmean(flat, "batch"))
