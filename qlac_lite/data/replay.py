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
    """Room for `transitions` of one seed, plus a row for each episode that ends by its time limit,
    plus slack."""
    rows = transitions + transitions // episode_limit + 1024 + 4 * horizon
    zeros = np.zeros(rows, np.float32)
    data = Dataset(
        np.zeros((rows, observation_size), np.float32),
        np.zeros((rows, action_size), np.float32),
        zeros,
        zeros.copy(),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int32),
        np.int32(0),
    )
    return Replay(data, np.int32(0), np.int32(0), np.int32(0))


def filled(replay: Replay) -> Replay:
    """The rows in use, of a replay with a leading axis over seeds: all that a checkpoint has to hold.

    Their number is rounded up to a sixteenth of the room, so that there are few shapes to compile.
    """
    room = replay.data.observations.shape[1]
    sixteenth = -(-room // 16)
    rows = min(room, -(-(int(np.max(replay.cursor)) + 1) // sixteenth) * sixteenth)
    return replay._replace(
        data=jax.tree.map(lambda leaf: leaf[:, :rows] if leaf.ndim > 1 else leaf, replay.data)
    )


class Transitions(NamedTuple):
    """The executed part of one chunk, padded to H steps."""

    observations: Array  # (H + 1, S): s_t .. s_{t+length}, then padding
    actions: Array  # (H, A)
    rewards: Array  # (H,)
    length: Array  # () int32, steps executed; 0 adds nothing
    terminated: Array  # () bool, the last executed step ended the episode in a terminal state
    truncated: Array  # () bool, the last executed step ended it by the time limit


def append(replay: Replay, new: Transitions, horizon: int, stride: int = 1) -> Replay:
    """Writes an executed chunk behind the cursor; rows whose chunk of `horizon` steps is now known become
    starts."""
    replay, new = jax.tree.map(jnp.asarray, (replay, new))
    data, size = replay.data, new.actions.shape[0]
    at = replay.cursor
    step = jnp.arange(size)
    masks = jnp.where(new.terminated & (step == new.length - 1), 0.0, 1.0)
    write = jax.lax.dynamic_update_slice_in_dim
    ended = new.terminated | new.truncated
    end = at + new.length  # row of the newest observation
    complete = jnp.where(
        ended, end, jnp.maximum(end - horizon + 1, replay.next_start)
    )  # rows before it are known
    rows = replay.next_start + jnp.arange(size + horizon)  # candidates, consecutive
    known = rows < complete
    chosen = known & ((rows - replay.episode_start) % stride == 0)
    place = jnp.where(
        chosen, data.num_starts + jnp.cumsum(chosen) - 1, len(data.starts)
    )  # out of bounds: dropped
    cursor = jnp.where(
        new.truncated & ~new.terminated, end + 1, end
    )  # keep the last observation of a truncated episode
    return Replay(
        Dataset(
            write(data.observations, new.observations, at, 0),
            write(data.actions, new.actions, at, 0),
            write(data.rewards, new.rewards, at, 0),
            write(data.masks, masks, at, 0),
            data.steps_left.at[jnp.where(known, rows, len(data.starts))].set(end - rows, mode="drop"),
            data.starts.at[place].set(rows, mode="drop"),
            data.num_starts + jnp.sum(chosen, dtype=jnp.int32),
        ),
        cursor=cursor,
        episode_start=jnp.where(ended, cursor, replay.episode_start),
        next_start=jnp.where(ended, cursor, complete),
    )


def close_episode(replay: Replay, horizon: int, stride: int = 1) -> Replay:
    """Ends the episode in flight where it stands, as a time limit would:
    for a resumed run whose simulators do not repeat it."""
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
    replay = empty_replay(
        transitions, domain.episode_limit, domain.observation_size, domain.action_size, config.reach
    )
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (config.seeds, *np.shape(leaf))), replay)
