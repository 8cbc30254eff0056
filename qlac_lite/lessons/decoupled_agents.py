"""Agents of lesson 10: a flow, and critics of long and short chunks; `watched_chunks` lets them act.

World and data are those of lesson 03 (`hidden_intentions`): a gripper brings a puck through one of two gaps.
The reward is 1 at the step that reaches the right side, and 0 before.

What is measured was chosen before the first run. Of each seed, which has demonstrations and networks of its
own: the mean steps to the right side over its episodes (the limit + 1 where it never arrives). In section 2
also the looks of an episode, in section 4 (`delayed_clones`) also the turns. What a look saves (section 3)
was added after a run that had counted falls alone. Differences are by seed.

Shapes: R seeds, E episodes, T steps, B batch, S observation, H chunk, A action; C, P: actions that the whole
and the partial critic take.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from qlac_lite.agents.flow import flow_matching_loss
from qlac_lite.envs import lite_world
from qlac_lite.lessons import hidden_intentions as careful
from qlac_lite.lessons.checks import lesson10
from qlac_lite.lessons.checks.lesson10 import Batch, Networks
from qlac_lite.lessons.notebook import shorten
from qlac_lite.lessons.small_flows import chunk_field, forward, network, train

S, A, H, LIMIT = lite_world.OBSERVATION_SIZE, lite_world.ACTION_SIZE, 10, careful.LIMIT
SEEDS = np.arange(shorten(8, fast=2))
FLOW_UPDATES, UPDATES = shorten((1200, 2000), fast=(60, 60))
DISCOUNT, EULER, WIDTH = 0.97, 5, 64
QUICK = {"xla_backend_optimization_level": 1}  # compiles faster


class Agents(NamedTuple):
    """Trained networks with a leading axis (R, ...), and C and P of their critics."""

    flow: Any  # of chunks of H
    critics: dict[str, Any]  # whole, partial, value
    critic: int
    policy: int


def step(push: float, state: lite_world.WorldState, action: Array) -> lite_world.WorldState:
    """One action, then a push on x and y of `push` times the longest step, which no wall lets through."""
    gust = jax.random.normal(jax.random.fold_in(jax.random.key(state.push_seed), state.time), (2,))
    state = lite_world.step(careful.WORLD, state, action)
    place, move = state.gripper, push * careful.WORLD.step * gust
    for axis in range(2):
        there = jnp.clip(place.at[axis].add(move[axis]), -1.0, 1.0)
        middle = lite_world.in_wall(careful.WORLD, there.at[axis].set(0.0))  # on the way from side to side
        through = middle & (there[axis] * place[axis] < 0)
        place = jnp.where(through | lite_world.in_wall(careful.WORLD, there), place, there)
    return state._replace(gripper=place, puck=jnp.where(state.held, place, state.puck))


@functools.cache
def demonstrations(seeds: tuple[int, ...]) -> careful.Demonstrations:
    return careful.demonstrations(np.array(seeds), shorten(60, fast=20))


def last_chunk(count: int = 20, push: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A demonstration that goes to both gaps, and its last H actions `count` times with pushes.

    Returns:
        places (T + 1, 2), and places (count, H + 1, 2).
    """
    data = jax.tree.map(lambda each: each[seed], demonstrations(tuple(SEEDS.tolist())))
    height = data.places[..., 1]
    both = (height > 0.4).any(axis=1) & (height < -0.4).any(axis=1) & (data.length < LIMIT)
    data = jax.tree.map(lambda each: each[both.argmax()], data)
    first = int(data.length) - H
    place = data.places[first]

    def run(key, push):
        state = lite_world.WorldState(place, jnp.float32(0), place, jnp.bool_(True), 0, jax.random.bits(key))

        def one(state, action):
            state = step(push, state, action)
            return state, state.gripper

        return jnp.concatenate([place[None], jax.lax.scan(one, state, data.actions[first : first + H])[1]])

    keys = jax.random.split(jax.random.key(1), count)
    pushed = jax.jit(jax.vmap(lambda key: run(key, push)))(keys)
    return np.asarray(data.places[: first + H + 1]), np.asarray(pushed)


def _rows(key: Array, data: careful.Demonstrations, size: int = 128):
    """Random steps of one seed's demonstrations: observation (B, S), chunk (B, H, A), episode, step.

    The demonstrator moves on after its arrival, so every chunk is whole.
    """
    ends = jnp.cumsum(data.length)
    row = jax.random.randint(key, (size,), 0, ends[-1])
    episode = jnp.searchsorted(ends, row, side="right")
    first = row - (ends - data.length)[episode]
    steps = jnp.minimum(first[:, None] + jnp.arange(H), LIMIT - 1)
    return data.observations[episode, first], data.actions[episode[:, None], steps], episode, first


def _batch(key: Array, data: careful.Demonstrations, critic: int) -> Batch:
    """A batch for a whole critic of `critic` actions."""
    observation, chunks, episode, first = _rows(key, data)
    left = data.length[episode] - first  # steps to the arrival
    arrives = left <= critic
    returns = jnp.where(arrives, DISCOUNT ** (left - 1.0), 0.0)
    following = data.observations[episode, jnp.minimum(first + critic, LIMIT)]
    return Batch(
        observation, chunks[:, :critic], returns, jnp.where(arrives, 0.0, DISCOUNT**critic), following
    )


@functools.cache
def flows(seeds: tuple[int, ...]) -> Any:
    """A flow of chunks of H for each seed."""

    def loss(params, key, *own):
        batch_key, loss_key = jax.random.split(key)
        observation, chunks, *_ = _rows(batch_key, careful.Demonstrations(*own))
        return flow_matching_loss(
            chunk_field(params), observation, chunks, jnp.ones(chunks.shape[:2]), loss_key
        )

    sizes = (S + H * A + 1, 128, 128, H * A)
    return train(loss, sizes, np.array(seeds), FLOW_UPDATES, tuple(demonstrations(seeds)))[0]


def networks_of(policy: int) -> Networks:
    value = lambda params, *inputs: forward(params, *inputs)[:, 0]
    partial = lambda params, observation, chunks: value(params, observation, chunks[:, :policy])
    return Networks(value, partial, value)


def agents(
    critic: int,
    policy: int,
    seeds: tuple[int, ...] = tuple(SEEDS.tolist()),
    expectile: float = 0.9,
    loss: Callable = lesson10.decoupled_loss,
) -> Agents:
    """Critics of C and P actions for each seed, by the lesson's decoupled_loss, beside the seed's flow."""
    return Agents(flows(seeds), _critics(critic, policy, seeds, expectile, loss), critic, policy)


@functools.lru_cache(maxsize=32)
def _critics(
    critic: int, policy: int, seeds: tuple[int, ...], expectile: float, loss: Callable
) -> dict[str, Any]:
    parts, optimizer = networks_of(policy), optax.adam(1e-3)
    sizes = {"whole": S + critic * A, "partial": S + policy * A, "value": S}

    def one_seed(inputs):
        seed, own = inputs

        def update(carry, key):
            params, slow, state = carry
            batch = _batch(key, careful.Demonstrations(*own), critic)
            gradient = jax.grad(lambda params: loss(parts, params, slow, batch, expectile))(params)
            steps, state = optimizer.update(gradient, state)
            params = optax.apply_updates(params, steps)
            return (params, optax.incremental_update(params["value"], slow, 0.02), state), None

        first, rest = jax.random.split(jax.random.fold_in(jax.random.key(3), seed))
        keys = jax.random.split(first, 3)
        params = {
            name: network(k, (size, WIDTH, WIDTH, 1))
            for k, (name, size) in zip(keys, sizes.items(), strict=True)
        }
        carry = (params, params["value"], optimizer.init(params))
        return jax.lax.scan(update, carry, jax.random.split(rest, UPDATES))[0][0]

    inputs = jnp.array(seeds), tuple(demonstrations(seeds))
    fit = jax.jit(lambda inputs: jax.lax.map(one_seed, inputs), compiler_options=QUICK)
    return jax.block_until_ready(fit(inputs))


def all_agents(kinds: dict[str, tuple[int, int]], loss: Callable) -> dict[str, Agents]:
    """`agents` by name, each from (C, P). Flow and critics are trained side by side, two at a time."""
    seeds = tuple(SEEDS.tolist())
    demonstrations(seeds)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(flows, seeds)
        list(pool.map(lambda kind: _critics(*kind, seeds, 0.9, loss), kinds.values()))
    return {name: agents(*kind, loss=loss) for name, kind in kinds.items()}
