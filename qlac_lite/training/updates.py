"""The compiled functions of a run, over a seed axis.

All seeds train in one compiled program: vmap over the seeds of a device, and the seed axis sharded over the
devices (GPUs, or CPU cores). Cores left over share each batch: every one takes a part of its chunks, and the
gradients are averaged. The dataset is not copied per seed. Randomness is derived from (seed, step), never
carried along, so that a step is the same whenever and after whatever interruption it is taken.
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
from qlac_lite.agents.base import ACTING_AXES, acting
from qlac_lite.config import Config
from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Batch, Dataset, sample
from qlac_lite.data.replay import Replay, append, close_episode, empty_replay, empty_replays
from qlac_lite.data.shards import Shards, Stream
from qlac_lite.utils.machine import usable_cores

Metrics = dict[str, jax.Array]
INIT, UPDATE = 0, 1  # streams of random keys
MIN_SHARE, WIDE = (
    32,
    256,
)  # chunks of a batch worth a core of their own; layers this wide keep all cores busy anyway


class Progress(NamedTuple):
    """Everything that training changes, with a leading axis over seeds; this is what a checkpoint holds."""

    state: State
    metrics: Metrics  # accumulated since the last log row
    replay: Replay
    episodes: np.ndarray  # (S,) online episodes begun
    steps: np.ndarray  # (S,) environment steps executed online


def split_devices(devices: list, config: Config) -> tuple[int, int]:
    """Devices over (seeds, batch): as many as divide the seeds;
    of CPU cores left over, as many as divide the batch of a small network."""
    seeds, batch = config.seeds, config.batch_size
    over_seeds = max(n for n in range(1, len(devices) + 1) if seeds % n == 0)
    spare = len(devices) // over_seeds if devices[0].platform == "cpu" and max(config.hidden) < WIDE else 1
    over_batch = max(n for n in range(1, spare + 1) if n == 1 or (batch % n == 0 and batch // n >= MIN_SHARE))
    return over_seeds, over_batch


class Engine:
    """The compiled functions of a configuration. Every argument and result has a leading axis over seeds.

    init(seeds) -> state;
    update(progress, first_step, count) and learn(progress, steps, shard_step) -> progress;
    append(replay, transitions) -> replay;  close(replay) -> replay;  actor: `acting` of agents/base.py;
    store_and_act(replay, transitions, *arguments of the actor) -> replay, chunks, the two in one call.
    """

    def __init__(self, config: Config, dataset: Dataset | Shards, observation_size: int, action_size: int):
        self.config = config
        self.learner = make_learner(config, observation_size, action_size)
        devices = jax.local_devices()
        shape = split_devices(devices, config)
        self.mesh = Mesh(np.array(devices[: shape[0] * shape[1]]).reshape(shape), ("seeds", "batch"))
        self.by_seed, self.shared = (
            NamedSharding(self.mesh, PartitionSpec(*axes)) for axes in (("seeds",), ())
        )
        self.seeds = jax.device_put(np.array(config.seed_list, np.uint32), self.by_seed)
        self.stream = Stream(
            dataset, self.put_shared, config.shard_steps, ahead=min(4, -(-usable_cores() // 2))
        )

        alone = config.seeds == self.mesh.shape["seeds"]  # one seed a device
        update = functools.partial(
            _update, self.learner, config, self.mesh.shape["batch"], _same if alone else _most
        )
        stored = functools.partial(append, horizon=config.reach, stride=config.start_stride)
        closed = functools.partial(close_episode, horizon=config.reach, stride=config.start_stride)
        self.init = self._over_seeds(lambda seed: self.learner.init(_key(seed, INIT)), "s")
        self._update = self._over_seeds(update, "sssdsss", donate=(0, 1))
        act = acting(self.learner)
        store_and_act = lambda replay, new, *inputs: (stored(replay, new), act(*inputs))
        self._neutral = self._neutral_metrics(observation_size, action_size)
        self.actor = self._over_seeds(act, ACTING_AXES)
        self.store_and_act = self._over_seeds(store_and_act, "ss" + ACTING_AXES, donate=(0,))
        self.append = self._over_seeds(stored, "ss", donate=(0,))
        self.close = self._over_seeds(closed, "s", donate=(0,))

    def _over_seeds(self, function: Callable, axes: str, donate: tuple[int, ...] = ()) -> Callable:
        """vmap over the seeds of a device, sharded over devices;
        `axes` has s (per seed) or d (shared) per argument."""
        specs = tuple(PartitionSpec("seeds") if axis == "s" else PartitionSpec() for axis in axes)
        mapped = jax.vmap(
            function, in_axes=tuple(0 if axis == "s" else None for axis in axes), axis_name=BESIDE
        )
        if self.config.seeds == self.mesh.shape["seeds"]:  # one seed a device
            mapped = _for_one(function, axes)
        sharded = jax.shard_map(
            mapped, mesh=self.mesh, in_specs=specs, out_specs=PartitionSpec("seeds"), check_vma=False
        )
        return jax.jit(sharded, donate_argnums=donate)

    def start(self, replay_transitions: int, task: Task) -> Progress:
        """Fresh state of all seeds, with room for `replay_transitions` online transitions each."""
        replay = self.put(empty_replays(self.config, replay_transitions, task))
        none = np.zeros(self.config.seeds, np.int64)
        return Progress(self.init(self.seeds), self.no_metrics(), replay, none, none)

    def no_metrics(self) -> Metrics:
        """Accumulators at zero, ready for `update`."""
        return self.put(self._neutral)

    def _neutral_metrics(self, *sizes: int) -> dict[str, np.ndarray]:
        """Which metrics there are follows from the learner's losses."""
        config, key = self.config, jax.random.key(0)
        rows = empty_replay(0, 1, *sizes, config.horizon).data
        batch = jax.eval_shape(lambda rows: sample_batch(key, (rows,), config, config.batch_size), rows)
        _, info = jax.eval_shape(self.learner.update, jax.eval_shape(self.learner.init, key), batch, key)
        names = ["count", *sorted(info)]
        return {name: np.full(config.seeds, _NEUTRAL.get(name[-4:], 0.0), np.float32) for name in names}

    def put(self, tree: Any) -> Any:
        """Arrays with a leading axis over seeds to the devices."""
        return jax.device_put(tree, self.by_seed)

    def put_shared(self, tree: Any) -> Any:
        """Arrays that all seeds read to the devices."""
        return jax.device_put(tree, self.shared)

    def update(self, progress: Progress, first_step: int, count: int) -> Progress:
        """`count` gradient steps of every seed in one compiled call;
        one for each shard where the data come in shards."""
        last, every = first_step + count, lambda number: np.full(self.config.seeds, number, np.int32)
        while first_step < last:
            until = int(min(last, self.stream.until(first_step)))
            progress = self._steps(
                progress, self.stream.at(first_step), every(first_step), every(until - first_step)
            )
            first_step = until
        return progress

    def learn(self, progress: Progress, steps: np.ndarray) -> Progress:
        """The online gradient steps that are due for the environment steps from `progress.steps` to `steps`
        (S,), seed by seed."""
        config = self.config
        begin, end = (config.updates_due(count) for count in (progress.steps, steps))
        progress = progress._replace(steps=np.array(steps))
        if np.array_equal(begin, end):
            return progress
        last = (
            config.offline_steps + int(steps.min())
            if config.online_shards == "rotating"
            else max(0, config.offline_steps - 1)
        )
        first, count = (config.offline_steps + begin).astype(np.int32), (end - begin).astype(np.int32)
        return self._steps(progress, self.stream.at(last), first, count)

    def _steps(self, progress: Progress, data: Any, first: np.ndarray, count: np.ndarray) -> Progress:
        state, metrics = self._update(
            progress.state, progress.metrics, progress.replay.data, data, self.seeds, first, count
        )
        return progress._replace(state=state, metrics=metrics)


BESIDE = "beside"  # axis over the seeds that train beside each other on one device


def _for_one(function: Callable, axes: str) -> Callable:
    """What vmap over a single seed would be, without its batched matrix products,
    which cost a quarter on a CPU."""

    def mapped(*args):
        own = [
            jax.tree.map(lambda leaf: leaf[0], arg) if axis == "s" else arg
            for arg, axis in zip(args, axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*own))

    return mapped


_NEUTRAL = {"_max": -np.inf, "_min": np.inf}


def keep_if(condition: jax.Array, new: Any, old: Any) -> Any:
    """`new` where the condition () holds, else `old`, leaf by leaf."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def sample_batch(key: jax.Array, parts: tuple[Dataset, ...], config: Config, size: int) -> Batch:
    """A training batch of `size` chunks as the configuration has it, see `data.dataset.sample`."""
    return sample(
        key,
        parts,
        size,
        config.backup_length,
        config.discount,
        config.offline_share,
        config.span,
        config.replay_capacity,
    )


def _key(seed: jax.Array, stream: int) -> jax.Array:
    return jax.random.fold_in(jax.random.key(seed), stream)


def _update(
    learner: Learner,
    config: Config,
    shares: int,
    most: Callable,
    state,
    metrics,
    online,
    offline,
    seed,
    first_step,
    count,
):
    """`count` updates of one seed; the number is dynamic, so that one compilation serves both phases.

    With `shares` > 1 this runs on as many devices, each with its share of every batch and its own noise. The
    loop runs to the largest count of the seeds beside this one, `most(count)`; what goes beyond the seed's
    own is dropped.
    """
    share = jax.lax.axis_index("batch")

    def step(i, carry):
        state, metrics = carry
        key = jax.random.fold_in(_key(seed, UPDATE), first_step + i)
        batch_key, update_key = jax.random.split(jax.random.fold_in(key, share) if shares > 1 else key)
        parts = (offline, online)
        size = config.batch_size // shares
        batch = sample_batch(batch_key, parts, config, size)
        state, info = learner.update(state, batch, update_key, _mean_over_shares if shares > 1 else _same)
        new = {name: _COMBINE.get(name[-4:], jnp.add)(metrics[name], value) for name, value in info.items()}
        return keep_if(i < count, (state, new | {"count": metrics["count"] + 1}), carry)

    state, metrics = jax.lax.fori_loop(0, most(count), step, (state, metrics))
    reduce = {"_max": jax.lax.pmax, "_min": jax.lax.pmin}
    return state, {
        name: reduce.get(name[-4:], jax.lax.pmean)(value, "batch") for name, value in metrics.items()
    }


_COMBINE = {"_max": jnp.maximum, "_min": jnp.minimum}


def _same(value):
    return value


def _most(count):
    return jax.lax.pmax(count, BESIDE)


def _mean_over_shares(gradient):
    """In one message: a core waits once an update, not once a layer."""
    flat, restore = ravel_pytree(gradient)
    return restore(jax.lax.pmean(flat, "batch"))
