"""Where agents of lesson 10 would gain by a look: how chunks keep their promise, and what one look saves.

Of agents that execute whole chunks. Shapes: R seeds, E episodes, T steps, n chunks of an episode, H chunk.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons import hidden_intentions as careful
from qlac_lite.lessons.checks import lesson10
from qlac_lite.lessons.decoupled_agents import DISCOUNT, LIMIT, Agents, H
from qlac_lite.lessons.small_flows import forward
from qlac_lite.lessons.watched_chunks import CANDIDATES, EPISODES, Played, of_seed, starts_of


def q_along(made: Agents, played: Played) -> np.ndarray:
    """What each seed's partial critic says of each executed action, (R, E, T); nan after the arrival. The
    gripper holds the puck on all its way."""
    place = played.places[:, :, :LIMIT]
    closed, away = np.full((*place.shape[:3], 1), -1.0), np.zeros_like(place)
    inputs = np.concatenate([place, closed, place, -closed, away, played.actions], axis=-1)
    flat = inputs.reshape(len(inputs), -1, inputs.shape[-1])
    q = jax.vmap(lambda params, each: forward(params, each)[:, 0])(made.critics["partial"], flat)
    q = np.asarray(q).reshape(place.shape[:3])
    over = np.arange(LIMIT) >= careful.first_arrival(played.places)[..., None]
    return np.where(over, np.nan, q)


class Kept(NamedTuple):
    """How chunks of H that are always executed whole keep the promise of their start, (R, E, T / H)."""

    above: np.ndarray  # whether Q_P begins above 1, the largest reward
    fell: np.ndarray  # percent: 100 if it is too low at any of the steps, 0 if not; nan after the arrival
    low: np.ndarray  # whether it is too low half way


def kept(made: Agents, played: Played, margin: float) -> Kept:
    """Too low: below the promise of the chunk's start by more than `margin`."""
    q = q_along(made, played)
    q = q.reshape(*q.shape[:2], -1, H)
    low = q < q[..., :1] / DISCOUNT ** np.arange(H) - margin
    fell = np.where(np.isnan(q[..., 0]), np.nan, 100 * low.any(axis=-1))
    return Kept(q[..., 0] > 1, fell, low[..., H // 2])


def saved_by_a_look(made: Agents, whole: Played, push: float, count: int = 10, draws: int = 2) -> np.ndarray:
    """Steps that one look saves if it interrupts the n-th of the first `count` chunks half way, each the
    mean of some draws: (R, E, count), nan if the episode ends before.

    Args:
        whole: `play(made, "whole", H, push=push)`. An episode with the look goes on from the same place, with
            whole chunks and the same pushes.
    """
    times, arrival = H // 2 + H * np.arange(count), careful.first_arrival(whole.places)
    how = (
        (jnp.full(256, H), np.inf, push, CANDIDATES, False),
        (made.policy, "whole", lesson10.execute_until_drop),
    )
    many, flat = draws * count, lambda each: jnp.reshape(each, (-1, *each.shape[2:]))

    def with_look(seed):
        gripper, keys = starts_of(seed)
        gripper = jax.tree.map(lambda leaf: jnp.repeat(leaf[:, None], many, axis=1), gripper)
        time = jnp.broadcast_to(jnp.tile(times, draws), (EPISODES, many))
        place = jnp.asarray(np.tile(whole.places[seed][:, times], (1, draws, 1)))
        state = gripper.state._replace(gripper=place, puck=place, time=time)
        gripper = gripper._replace(state=state, time=time, arrived=arrival[seed][:, None] <= time)
        keys = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, LIMIT), many))(keys)
        places = of_seed(made, seed, *how, jax.tree.map(flat, gripper), flat(keys))[0]
        return careful.first_arrival(places).reshape(EPISODES, draws, count).mean(axis=1)

    saved = arrival[..., None] - np.array([with_look(seed) for seed in range(len(arrival))])
    return np.where(arrival[..., None] > times, saved, np.nan)


def mean_of(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Mean of values (R, E, n) among some (R, E, n or more) that are not nan, by seed: (R,); 0 if none."""
    among = among[:, :, : values.shape[2]] & np.isfinite(values)
    return np.where(among, values, 0).sum(axis=(1, 2)) / np.maximum(among.sum(axis=(1, 2)), 1)
