"""The online replay of a seed: rows like a dataset's, filled in place inside compiled code, chunk by chunk.

Shapes: H chunk length, A action size, S observation size.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.config import Config
from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Array, Dataset


class Replay(NamedTuple):
    """Online rows of one seed."""

    data: Dataset
    cursor: Array  # () int32, row of the current observation of the episode in flight
    episode_start: Array  # () int32, its first row
    next_start: Array  # () int32, its first row whose chunk is not complete, so no start yet


def empty_replay(
    transitions: int, episode_limit: int, observation_size: int, action_size: int, horizon: int
) -> Replay:
    """Room for `transitions` of one seed, with a row for each episode that a time limit ends, and slack."""
    rows, none = transitions + transitions // episode_limit + 1024 + 4 * horizon, np.int32(0)
    floats = [np.zeros((rows, *size), np.float32) for size in ((observation_size,), (action_size,), (), ())]
    data = Dataset(*floats, np.zeros(rows, np.int32), np.zeros(rows, np.int32), none)
    return Replay(data, none, none, none)


def filled(replay: Replay) -> Replay:
    """The rows in use, of a replay with a leading axis over seeds: what a checkpoint has to hold.

    Their number is rounded up to sixteenths of the room, so there are few shapes to compile.
    """
    sixteenth = -(-replay.data.observations.shape[1] // 16)
    rows = (int(np.max(replay.cursor)) // sixteenth + 1) * sixteenth
    cut = lambda leaf: leaf[:, :rows] if leaf.ndim > 1 else leaf
    return replay._replace(data=jax.tree.map(cut, replay.data))


class Transitions(NamedTuple):
    """The executed part of one chunk, padded to H steps."""

    observations: Array  # (H + 1, S): s_t .. s_{t+length}, then padding
    actions: Array  # (H, A)
    rewards: Array  # (H,)
    length: Array  # () int32, steps executed; 0 adds nothing
    terminated: Array  # () bool, the last of them ended the episode in a terminal state
    truncated: Array  # () bool, it ended it by the time limit


def append(replay: Replay, new: Transitions, horizon: int, stride: int = 1) -> Replay:
    """Writes a chunk from the cursor on; rows whose `horizon` steps are now known become starts."""
    replay, new = jax.tree.map(jnp.asarray, (replay, new))
    data, size, ended = replay.data, len(new.actions), new.terminated | new.truncated
    masks = jnp.where(new.terminated & (jnp.arange(size) == new.length - 1), 0.0, 1.0)
    write = lambda rows, values: jax.lax.dynamic_update_slice_in_dim(rows, values, replay.cursor, 0)
    end = replay.cursor + new.length  # row of the newest observation
    # the chunks of all rows before it are complete
    complete = jnp.where(ended, end, jnp.maximum(end - horizon + 1, replay.next_start))
    rows = replay.next_start + jnp.arange(size + horizon)  # candidates, consecutive
    known = rows < complete
    chosen = known & ((rows - replay.episode_start) % stride == 0)
    nowhere = len(data.starts)  # out of bounds: dropped
    place = jnp.where(chosen, data.num_starts + jnp.cumsum(chosen) - 1, nowhere)
    cursor = end + (new.truncated & ~new.terminated)  # a truncated episode keeps its last observation
    data = Dataset(
        *map(write, data[:4], (new.observations, new.actions, new.rewards, masks)),
        data.steps_left.at[jnp.where(known, rows, nowhere)].set(end - rows, mode="drop"),
        data.starts.at[place].set(rows, mode="drop"),
        data.num_starts + jnp.sum(chosen, dtype=jnp.int32),
    )
    return Replay(data, cursor, *(jnp.where(ended, cursor, row) for row in (replay.episode_start, complete)))


def close_episode(replay: Replay, horizon: int, stride: int = 1) -> Replay:
    """Ends the episode in flight where it stands, as a time limit would."""
    here = jax.lax.dynamic_slice_in_dim(replay.data.observations, replay.cursor, 2)
    actions, in_flight = jnp.zeros((1, replay.data.actions.shape[1])), replay.cursor > replay.episode_start
    nothing = Transitions(here, actions, jnp.zeros(1), jnp.int32(0), jnp.bool_(False), in_flight)
    return append(replay, nothing, horizon, stride)


def empty_replays(config: Config, transitions: int, task: Task) -> Replay:
    """`empty_replay` for each seed, with a leading axis over seeds."""
    sizes = (task.domain.episode_limit, task.domain.observation_size, task.domain.action_size, config.reach)
    repeated = lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf)))
    return jax.tree.map(repeated, empty_replay(transitions, *sizes))
