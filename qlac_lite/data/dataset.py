"""A flat dataset and the chunks sampled from it, inside the compiled training step.

An episode lies in consecutive rows: row t holds s_t, a_t, r_t = r(s_{t+1}) and the mask of s_{t+1} (0 where
it is terminal). An episode that did not terminate has one more row, its last observation, to bootstrap from.

A chunk starts at any row t (stride 1, the published method) or only at t = 0, H, 2H, ... of its episode
(stride H). It never crosses the episode's end: `valid` says which of its steps exist. The discount is 0 from
the first terminal state on; rewards after a success inside the chunk count, because a success does not end an
episode of play. A critic takes whole chunks only. Online a success ends its episode, so it reaches the critic
through one start, H steps before it; with stride H that start exists in about one episode of H.

Shapes: B batch, H chunk length, A action size, S observation size, N rows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.data.records import check_numbers
from qlac_lite.utils.errors import QlacError

Array = jax.Array | np.ndarray


class Dataset(NamedTuple):
    """Flat rows and the rows at which a chunk may start."""

    observations: Array  # (N, S) float32
    actions: Array  # (N, A) float32, in [-1, 1]
    rewards: Array  # (N,) float32, r(s_{t+1})
    masks: Array  # (N,) float32, 0 where s_{t+1} is terminal for the task
    steps_left: Array  # (N,) int32, transitions from this row to the end of its episode
    starts: Array  # (M,) int32, rows where a chunk may start; only the first num_starts count
    num_starts: Array  # () int32


class Batch(NamedTuple):
    """What a learner sees: B chunks of length H."""

    observation: Array  # (B, S)
    actions: Array  # (B, H, A), zero where not valid
    returns: Array  # (B,) sum over k of discount^k r_{t+k}
    valid: Array  # (B, H) 1 where the step exists
    bootstrap_observation: Array  # (B, S), s_{t+H}, or the episode's last state
    discount: Array  # (B,) discount^H, or 0 if a state of the chunk was terminal


def build_dataset(
    observations: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    masks: np.ndarray,
    episode_ends: np.ndarray,
    stride: int = 1,
) -> Dataset:
    """Dataset from flat rows (N, ...); `episode_ends` (N,) marks the last observation of each episode.

    Raises QlacError for an episode without a transition, an unfinished last one, or what is no number.
    """
    ends = np.flatnonzero(episode_ends)
    if len(ends) == 0 or ends[-1] != len(observations) - 1:
        raise QlacError("The data are cut off: the last row ends no episode. Fetch or generate them again.")
    first = np.append(0, ends[:-1] + 1)
    if np.any(ends == first):
        raise QlacError(f"Episode {np.argmax(ends == first)} holds no transition. Drop it from the data.")
    for name, array in dict(observations=observations, actions=actions, rewards=rewards).items():
        check_numbers(name, np.asarray(array), remedy=" Drop that episode, or fetch the data again.")
    lengths, number = ends - first + 1, np.arange(len(observations))
    offset, steps_left = number - np.repeat(first, lengths), np.repeat(ends, lengths) - number
    starts = np.flatnonzero((steps_left > 0) & (offset % stride == 0))
    rows = (np.asarray(array, np.float32) for array in (observations, actions, rewards, masks))
    return Dataset(*rows, steps_left.astype(np.int32), starts.astype(np.int32), np.int32(len(starts)))


def solved_steps(data: Dataset) -> list[int]:
    """How many transitions lead to a solved state, and in how many episodes."""
    solved = (np.asarray(data.masks) == 0) & (data.steps_left > 0)
    episode = np.cumsum(data.steps_left == 0)
    return [int(solved.sum()), len(np.unique(episode[solved]))]


def check_horizon(longest: int, horizon: int) -> None:
    """Raises QlacError if the longest episode is shorter than a chunk: no critic could train."""
    if horizon > longest:
        told = f"The chunk length {horizon} is longer than the longest episode ({longest} steps)"
        raise QlacError(f"{told}: no chunk fits. Choose horizon <= {longest}.")


def sample(
    key: jax.Array,
    parts: tuple[Dataset, ...],
    batch_size: int,
    horizon: int,
    discount: float,
    offline_share: float = 0.0,
    span: int = 0,
    capacity: int = 0,
) -> Batch:
    """B = `batch_size` chunks of `horizon` steps, uniform over the starts of all `parts` together.

    An n-step batch is `horizon=n`; one-step and n-step learners take the first action only.

    Args:
        parts: (offline,) or (offline, online): one buffer to the learner, two arrays in memory, so the
            offline rows exist once for all seeds.
        offline_share: of the batch, from the first part; the rest is from the second, once it has any.
        span: actions of a chunk, if above the horizon: for a policy whose chunk is longer than what the
            critic looks ahead. Returns and bootstrap are those of `horizon` steps.
        capacity: draws from so many of the newest starts, and from one more than the first part has at least;
            0: from all.
    """
    if offline_share and len(parts) == 2:
        (data, online), keys, share = parts, jax.random.split(key), round(offline_share * batch_size)
        draw = lambda key, part, count: sample(key, (part,), count, horizon, discount, span=span)
        filled, empty = (draw(keys[1], part, batch_size - share) for part in (online, data))
        second = _where(jnp.broadcast_to(online.num_starts > 0, batch_size - share), filled, empty)
        return jax.tree.map(lambda *halves: jnp.concatenate(halves), draw(keys[0], data, share), second)
    total = sum(part.num_starts for part in parts)
    left_out = jnp.maximum(0, total - jnp.maximum(capacity, parts[0].num_starts + 1)) if capacity else 0
    index = jax.random.randint(key, (batch_size,), left_out, total)
    batch = _gather(parts[0], jnp.minimum(index, parts[0].num_starts - 1), horizon, discount, span)
    for before, part in zip(parts, parts[1:], strict=False):
        index = index - before.num_starts
        inside = (index >= 0) & (index < part.num_starts)  # (B,)
        batch = _where(inside, _gather(part, jnp.where(inside, index, 0), horizon, discount, span), batch)
    return batch


def all_chunks(data: Dataset, horizon: int, discount: float) -> Batch:
    """Every chunk of a dataset once, in the order of its starts: a batch of M."""
    return _gather(jax.tree.map(jnp.asarray, data), jnp.arange(len(data.starts)), horizon, discount)


def _where(condition: jax.Array, yes: Batch, no: Batch) -> Batch:
    """Per chunk of the batch; condition (B,)."""
    return jax.tree.map(lambda a, b: jnp.where(condition.reshape(-1, *[1] * (a.ndim - 1)), a, b), yes, no)


def _gather(data: Dataset, index: jax.Array, horizon: int, discount: float, span: int = 0) -> Batch:
    if span > horizon:
        longer = _gather(data, index, span, discount)
        return _gather(data, index, horizon, discount)._replace(actions=longer.actions, valid=longer.valid)
    start = data.starts[index]  # (B,)
    step = jnp.arange(horizon)  # (H,)
    length = jnp.minimum(data.steps_left[start], horizon)  # (B,)
    # (B, H), the last step repeated after the end
    rows = start[:, None] + jnp.minimum(step, length[:, None] - 1)
    valid = (step < length[:, None]).astype(jnp.float32)  # (B, H)
    powers = discount ** step.astype(jnp.float32)  # (H,)
    alive = jnp.min(data.masks[rows], axis=1)  # (B,) 0 if any state of the chunk was terminal
    return Batch(
        observation=data.observations[start],
        actions=data.actions[rows] * valid[..., None],
        returns=jnp.sum(valid * powers * data.rewards[rows], axis=1),
        valid=valid,
        bootstrap_observation=data.observations[jnp.minimum(start + length, len(data.observations) - 1)],
        discount=discount**horizon * alive,
    )
