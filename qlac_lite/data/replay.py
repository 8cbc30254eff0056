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
    """Online rows of one seed, filled in place by `append`."""

    data: Dataset
    cursor: Array  # () int32, row of the current observation of the episode in flight
    episode_start: Array  # () int32, its first row
    next_start: Array  # () int32, its first row that is not a start yet, because its chunk is not complete


def empty_replay(
    transitions: int, episode_limit: int, observation_size: int, action_size: int, horizon: int
) -> Replay:
    """Room for `transitions` of one seed, with a row for each episode that a time limit ends, and slack."""
    rows = transitions + transitions // episode_limit + 1024 + 4 * horizon
    zeros = lambda *shape, dtype=np.float32: np.zeros((rows, *shape), dtype)
    per_row = (zeros(observation_size), zeros(action_size), zeros(), zeros())
    data = Dataset(*per_row, zeros(dtype=np.int32), zeros(dtype=np.int32), np.int32(0))
    return Replay(data, np.int32(0), np.int32(0), np.int32(0))


def filled(replay: Replay) -> Replay:
    """The rows in use, of a replay with a leading axis over seeds: what a checkpoint has to hold.

    Their number is rounded up to a sixteenth of the room, so there are few shapes to compile.
    """
    room = replay.data.observations.shape[1]
    sixteenth = -(-room // 16)
    rows = min(room, -(-(int(np.max(replay.cursor)) + 1) // sixteenth) * sixteenth)
    cut = lambda leaf: leaf[:, :rows] if leaf.ndim > 1 else leaf
    return replay._replace(data=jax.tree.map(cut, replay.data))


class Transitions(NamedTuple):
    """The executed part of one chunk, padded to H steps."""

    observations: Array  # (H + 1, S): s_t .. s_{t+length}, then padding
    actions: Array  # (H, A)
    rewards: Array  # (H,)
    length: Array  # () int32, steps executed; 0 adds nothing
    terminated: Array  # () bool, the last executed step ended the episode in a terminal state
    truncated: Array  # () bool, the last executed step ended it by the time limit


def append(replay: Replay, new: Transitions, horizon: int, stride: int = 1) -> Replay:
    """Writes a chunk behind the cursor; rows whose `horizon` steps are now known become starts."""
    replay, new = jax.tree.map(jnp.asarray, (replay, new))
    data, size, at = replay.data, new.actions.shape[0], replay.cursor
    masks = jnp.where(new.terminated & (jnp.arange(size) == new.length - 1), 0.0, 1.0)
    write = lambda rows, values: jax.lax.dynamic_update_slice_in_dim(rows, values, at, 0)
    ended = new.terminated | new.truncated
    end = at + new.length  # row of the newest observation
    # rows before it are known
    complete = jnp.where(ended, end, jnp.maximum(end - horizon + 1, replay.next_start))
    rows = replay.next_start + jnp.arange(size + horizon)  # candidates, consecutive
    known = rows < complete
    chosen = known & ((rows - replay.episode_start) % stride == 0)
    nowhere = len(data.starts)  # out of bounds: dropped
    place = jnp.where(chosen, data.num_starts + jnp.cumsum(chosen) - 1, nowhere)
    # an episode that was truncated keeps its last observation
    cursor = jnp.where(new.truncated & ~new.terminated, end + 1, end)
    return Replay(
        Dataset(
            write(data.observations, new.observations),
            write(data.actions, new.actions),
            write(data.rewards, new.rewards),
            write(data.masks, masks),
            data.steps_left.at[jnp.where(known, rows, nowhere)].set(end - rows, mode="drop"),
            data.starts.at[place].set(rows, mode="drop"),
            data.num_starts + jnp.sum(chosen, dtype=jnp.int32),
        ),
        cursor=cursor,
        episode_start=jnp.where(ended, cursor, replay.episode_start),
        next_start=jnp.where(ended, cursor, complete),
    )


def close_episode(replay: Replay, horizon: int, stride: int = 1) -> Replay:
    """Ends the episode in flight where it stands, as a time limit would."""
    nothing = Transitions(
        jax.lax.dynamic_slice_in_dim(replay.data.observations, replay.cursor, 2),
        jnp.zeros((1, replay.data.actions.shape[1])),
        jnp.zeros(1),
        length=jnp.int32(0),
        terminated=jnp.bool_(False),
        truncated=replay.cursor > replay.episode_start,
    )
    return append(replay, nothing, horizon, stride)


def empty_replays(config: Config, transitions: int, task: Task) -> Replay:
    """Room for `transitions` online transitions of each seed, with a leading axis over seeds."""
    domain = task.domain
    sizes = (domain.episode_limit, domain.observation_size, domain.action_size, config.reach)
    replay = empty_replay(transitions, *sizes)
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf))), replay)
