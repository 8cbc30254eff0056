"""A careful demonstrator in the lite world, and clones of it, for lesson 03.

The gripper holds the puck on the left of a wall with two gaps and has to bring it to the right side. The
demonstrator goes to a gap, pauses, perhaps goes to look at the other one, and passes. Where it is going and
how long it still waits is in its head; the observation shows the place.

Shapes: R seeds, E episodes, T steps, B batch, S observation, H chunk, A action. Lengths are in half-widths of
the world, times in steps.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from qlac_lite.agents import flow
from qlac_lite.envs import lite_world
from qlac_lite.lessons.notebook import shorten
from qlac_lite.lessons.small_flows import Params, chunk_field, train

WORLD = lite_world.LiteWorld(gap=0.3)
LIMIT = shorten(200, fast=110)  # steps of an episode
EPISODES = shorten(50, fast=8)  # played by each seed
UPDATES = shorten(3000, fast=100)
WIDTH, A = 128, lite_world.ACTION_SIZE


class Demonstrations(NamedTuple):
    """Episodes of one seed, or with a leading axis of many; `length` is the step of arrival."""

    observations: Array  # (E, T + 1, S)
    actions: Array  # (E, T + 1, A)
    places: Array  # (E, T + 1, 2), of the gripper
    length: Array  # (E,)


def start(key: Array) -> lite_world.WorldState:
    """The puck in hand, near the middle of the wall."""
    low, high = jnp.array([[-0.3, -0.1], [-0.1, 0.1]])
    place = low + (high - low) * jax.random.uniform(key, (2,))
    return lite_world.WorldState(place, jnp.float32(0), place, jnp.bool_(True), jnp.int32(0))


def demonstrate(key: Array, noise=0.1, pause=4):
    """States (T + 1, ...) and actions (T + 1, A) of one demonstration; the last action is 0."""
    start_key, side_key, looks_key, step_key = jax.random.split(key, 4)
    first, looks = jax.random.rademacher(side_key), jax.random.randint(looks_key, (), 1, 4)

    def one_step(carry, key):
        state, leg, wait = carry
        wait_key, noise_key = jax.random.split(key)
        y = 0.5 * first * (-1.0) ** jnp.minimum(leg, looks - 1)
        way = jnp.stack([jnp.where(leg < looks, -0.2, 0.5), y]) - state.gripper
        distance = jnp.linalg.norm(way)
        arrived = (distance < 0.05) & (wait == 0) & (leg < looks)
        pauses = jax.random.randint(wait_key, (), 1, pause + 1)
        wait = jnp.where(arrived, pauses, jnp.maximum(wait - 1, 0))
        action = jnp.append(0.8 * way / jnp.maximum(distance, WORLD.step), 0.5)
        action = jnp.where(wait > 0, 0.0, action + noise * jax.random.normal(noise_key, (3,)))
        action = jnp.clip(action, -1, 1)
        return (lite_world.step(WORLD, state, action), leg + arrived, wait), (state, action)

    carry = (start(start_key), jnp.int32(0), jnp.int32(0))
    (last, _, _), (states, actions) = jax.lax.scan(one_step, carry, jax.random.split(step_key, LIMIT))
    states = jax.tree.map(lambda rest, end: jnp.concatenate([rest, end[None]]), states, last)
    return states, jnp.pad(actions, ((0, 1), (0, 0)))


def first_arrival(places) -> np.ndarray:
    """Steps until the gripper is behind the wall, or T + 1 if never: places (..., T + 1, 2) -> (...)."""
    there = np.asarray(places)[..., 0] > 0.1
    return np.where(there.any(axis=-1), there.argmax(axis=-1), there.shape[-1])


def demonstrations(seeds, count: int) -> Demonstrations:
    """`count` demonstrations of each of the seeds (R,)."""
    keys = [jax.random.split(jax.random.fold_in(jax.random.key(5), seed), count) for seed in seeds]
    states, actions = jax.jit(jax.vmap(jax.vmap(demonstrate)))(jnp.stack(keys))
    observations = jax.vmap(jax.vmap(jax.vmap(lite_world.observe)))(states)
    length = jnp.asarray(np.minimum(first_arrival(states.gripper), LIMIT))
    return Demonstrations(observations, actions, states.gripper, length)


def sample_batch(key: Array, data: Demonstrations, horizon: int, size: int = 128):
    """Observation (B, S), chunks (B, H, A), valid (B, H) from random steps of one seed's demonstrations.

    A step after the episode's arrival does not exist: its action is 0, and so is `valid`.
    """
    ends = jnp.cumsum(data.length + 1)
    row = jax.random.randint(key, (size,), 0, ends[-1])
    episode = jnp.searchsorted(ends, row, side="right")
    first = row - (ends - data.length - 1)[episode]
    steps = first[:, None] + jnp.arange(horizon)
    valid = (steps <= data.length[episode, None]).astype(jnp.float32)
    chunks = data.actions[episode[:, None], jnp.minimum(steps, LIMIT)] * valid[..., None]
    return data.observations[episode, first], chunks, valid


def clone(loss: Callable, data: Demonstrations, horizon: int, seeds, updates: int = UPDATES) -> Params:
    """Flow policies of chunks, one a seed, by loss(field, observation, chunks, valid, key)."""

    def of_batch(params, key, *own):
        batch_key, loss_key = jax.random.split(key)
        return loss(chunk_field(params), *sample_batch(batch_key, Demonstrations(*own), horizon), loss_key)

    sizes = (lite_world.OBSERVATION_SIZE + horizon * A + 1, WIDTH, WIDTH, horizon * A)
    return train(of_batch, sizes, seeds, updates, tuple(data))[0]


def clones(loss: Callable, data: Demonstrations, horizons, seeds) -> dict[int, Params]:
    """A clone for each chunk length, two trained at a time."""
    with ThreadPoolExecutor(2) as pool:
        trained = pool.map(lambda horizon: clone(loss, data, horizon, seeds), horizons)
        return dict(zip(horizons, trained, strict=True))


@functools.partial(jax.jit, static_argnums=(0, 2, 4, 6, 7))
def _played(sample, params, horizon, every, steps, kept_noise, ensemble, episodes, key):
    """Places (T + 1, E, 2) of one seed's episodes."""
    start_key, noise_key = jax.random.split(key)
    state = jax.vmap(start)(jax.random.split(start_key, episodes))

    def one_step(carry, t):
        state, chunks = carry  # chunks (E, H, H, A): those of the last H looks, the oldest first
        now = jax.random.fold_in(noise_key, jnp.where(kept_noise, 0, t))

        def look(chunks):
            observation = jax.vmap(lite_world.observe)(state)
            new = sample(chunk_field(params), observation, now, horizon, A, steps)
            return jnp.concatenate([chunks[:, 1:], new[:, None]], axis=1)

        chunks = jax.lax.cond(t % every == 0, look, lambda chunks: chunks, chunks)
        if ensemble is None:
            action = jnp.take(chunks[:, -1], t % every, axis=1)
        else:
            covering = [functools.partial(_merged, ensemble, n) for n in range(1, horizon + 1)]
            action = jax.lax.switch(jnp.minimum(t, horizon - 1), covering, chunks)
        state = jax.vmap(lambda state, action: lite_world.step(WORLD, state, action))(state, action)
        return (state, chunks), state.gripper

    carry = (state, jnp.zeros((episodes, horizon, horizon, A)))
    _, places = jax.lax.scan(one_step, carry, jnp.arange(LIMIT))
    return jnp.concatenate([state.gripper[None], places])


def _merged(ensemble, n, chunks):
    return jax.vmap(ensemble)(chunks[:, -n:])


def play(
    sample: Callable, params: Params, horizon: int, every=None, steps=10, kept_noise=False, ensemble=None
) -> np.ndarray:
    """Places of the gripper (R, E, T + 1, 2) in episodes of each seed's clone.

    Args:
        sample: the lesson's sample_chunks(field, observation, key, horizon, size, steps).
        every: steps between two looks; by default a whole chunk.
        steps: K, Euler steps.
        kept_noise: whether every look of an episode gets the same noise.
        ensemble: merges what the chunks of the last n <= H looks, (n, H, A), the oldest first, say about now,
            into an action (A,). It needs a look at every step.
    """
    every = 1 if ensemble is not None else every or horizon
    seeds = len(params[0][1])
    one = lambda seed: _played(
        sample,
        jax.tree.map(lambda leaf: leaf[seed], params),
        horizon,
        every,
        steps,
        kept_noise,
        ensemble,
        EPISODES,
        jax.random.fold_in(jax.random.key(11), seed),
    )
    return np.moveaxis(np.array([one(seed) for seed in range(seeds)]), 1, 2)


def turns(places) -> np.ndarray:
    """Turns up or down per 100 steps before the wall, by seed: (R,). A standstill is no turn."""
    steps = places.shape[-2] - 1
    before = (places[..., 1:, 0] < -lite_world.WALL) & (np.arange(steps) < first_arrival(places)[..., None])
    move = np.diff(places[..., 1], axis=-1)
    direction = np.where(np.abs(move) > 0.004, np.sign(move), 0)
    count, last = np.zeros(places.shape[:2]), np.zeros(places.shape[:2])
    for t in range(steps):
        now = np.where(before[..., t], direction[..., t], 0)
        count += now * last < 0
        last = np.where(now == 0, last, now)
    return 100 * count.sum(axis=1) / before.sum(axis=(1, 2))


def arrivals(places) -> np.ndarray:
    """Percentage of episodes that arrive, by seed: (R,)."""
    return 100 * (first_arrival(places) < places.shape[-2]).mean(axis=1)


def steps_needed(places) -> np.ndarray:
    """Mean steps to the right side, the limit + 1 where an episode never arrives, by seed: (R,)."""
    return first_arrival(places).mean(axis=1)


def speed_half_way(places) -> np.ndarray:
    """Mean distance along the wall in a step, where |y| < 0.2, in percent of the largest, by seed: (R,)."""
    before = (places[..., :-1, 0] < -lite_world.WALL) & (np.abs(places[..., :-1, 1]) < 0.2)
    moved = np.abs(np.diff(places[..., 1], axis=-1)) / WORLD.step
    return 100 * (moved * before).sum(axis=(1, 2)) / before.sum(axis=(1, 2))


def _sample(field, observation, key, horizon, size, steps):
    noise = jax.random.normal(key, (len(observation), horizon, size))
    return jnp.clip(flow.euler(field, observation, noise, steps), -1, 1)


@functools.lru_cache(maxsize=16)
def _cloned(seeds: tuple[int, ...], horizon: int, count: int, updates: int) -> Params:
    data = demonstrations(seeds, count)
    return clone(flow.flow_matching_loss, data, horizon, np.array(seeds), updates)


def imitate(
    measure: Callable,
    seeds,
    H=5,
    every=None,
    demonstrations=100,
    K=10,
    kept_noise=False,
    updates=1000,
) -> np.ndarray:
    """Trains a clone for each seed (R,), plays it, and measures its places: (R,).

    Args:
        measure: such as `turns`, a function of places (R, E, T + 1, 2).
        H: chunk length.
        every: steps between two looks; by default H.
        demonstrations: of each seed.
        K: Euler steps of the sampler.
        kept_noise: whether every look of an episode gets the same noise.
        updates: of the network.
    """
    count, updates = shorten((demonstrations, updates), (min(demonstrations, 20), updates // 20))
    params = _cloned(tuple(int(seed) for seed in seeds), H, count, updates)
    return measure(play(_sample, params, H, every, K, kept_noise))
