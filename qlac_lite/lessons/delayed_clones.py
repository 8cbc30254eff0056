"""Clones of lesson 10 that act while they think: for `delay` steps the world moves on without a new chunk.

The clones are the flows of `decoupled_agents`, without a critic. A look begins every EVERY steps. Until its
chunk is ready, the gripper executes what the chunk before has planned. Measures: see `decoupled_agents`; here
also the turns on the way along the wall (`hidden_intentions.turns`).

Shapes: R seeds, E episodes, T steps, H chunk, A action, L = H - EVERY steps that two chunks share.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from qlac_lite.agents.flow import euler
from qlac_lite.envs import lite_world
from qlac_lite.lessons import decoupled_agents as world
from qlac_lite.lessons import hidden_intentions as careful
from qlac_lite.lessons.checks import lesson10
from qlac_lite.lessons.small_flows import chunk_field
from qlac_lite.lessons.watched_chunks import EPISODES

A, H, EVERY, MOST = lite_world.ACTION_SIZE, world.H, 5, 5.0
WAYS = ("stop and think", "switch", "average", "inpaint")


def soft_weights(delay: Array) -> Array:
    """How firmly each of H steps is held, (H,): 1 until the chunk is ready, then less and less, 0 from L."""
    i, overlap = jnp.arange(H), H - EVERY
    c = (overlap - i) / (overlap - delay + 1)
    return jnp.where(i < delay, 1.0, jnp.where(i < overlap, c * jnp.expm1(c) / (np.e - 1), 0.0))


def _look(way: str, guided: Callable, flow, delay: Array) -> Callable:
    """look(state, left (L, A), key) -> a chunk (H, A)."""

    def look(state, left, key):
        seen, field = lite_world.observe(state)[None], chunk_field(flow)
        planned = jnp.pad(left, ((0, EVERY), (0, 0)))
        if way == "inpaint":
            return guided(field, seen, key, planned[None], soft_weights(delay), world.EULER, MOST)[0]
        noise = jax.random.normal(key, (1, H, A))
        chunk = jnp.clip(euler(field, seen, noise, world.EULER), -1, 1)[0]
        if way == "average":
            return jnp.where((jnp.arange(H) < H - EVERY)[:, None], (planned + chunk) / 2, chunk)
        return chunk

    return look


@functools.partial(jax.jit, static_argnames=("way", "rounds", "guided"), compiler_options=world.QUICK)
def _places(flow, keys, delay, way, rounds, guided):
    """Places (E, T + 1, 2) of one seed's episodes."""

    def step(state, action):
        state = lite_world.step(careful.WORLD, state, action)
        return state, state.gripper

    def episode(key):
        start_key, first_key, round_key = jax.random.split(key, 3)
        state = careful.start(start_key)
        look = _look(way, guided, flow, delay)
        if way == "stop and think":
            return _stopping(look, step, state, round_key, delay)
        first = _look("switch", guided, flow, delay)(state, jnp.zeros((H - EVERY, A)), first_key)
        chunk = jnp.concatenate([first[:EVERY], first[: H - EVERY]])  # its plan for now stands at EVERY
        shown = rounds(
            look, step, state, chunk, jax.random.split(round_key, careful.LIMIT // EVERY), EVERY, delay
        )
        return jnp.concatenate([state.gripper[None], shown])

    return jax.vmap(episode)(keys)


def _stopping(look, step, state, key, delay):
    """Places (T + 1, 2) of a gripper that stands still for `delay` steps at each look."""

    def one(carry, t):
        state, chunk = carry
        i = t % (EVERY + delay)
        fresh = look(state, chunk[EVERY:], jax.random.fold_in(key, t))
        chunk = jnp.where(i == 0, fresh, chunk)
        state, shown = step(state, jnp.where(i < delay, 0.0, chunk[jnp.maximum(i - delay, 0)]))
        return (state, chunk), shown

    _, shown = jax.lax.scan(one, (state, jnp.zeros((H, A))), jnp.arange(careful.LIMIT))
    return jnp.concatenate([state.gripper[None], shown])


def play(
    way: str,
    delay: int,
    rounds: Callable = lesson10.mended_rounds,
    guided: Callable = lesson10.guided_chunks,
    seeds: np.ndarray = world.SEEDS,
) -> np.ndarray:
    """Places of the gripper (R, E, T + 1, 2), each seed's clone acting with a delay of 0 to EVERY steps.

    Args:
        way: one of WAYS.
        rounds: the lesson's her_rounds or mended_rounds.
        guided: the lesson's guided_chunks.
    """
    keys = jax.random.split(jax.random.key(13), EPISODES)
    flow = world.flows(tuple(int(seed) for seed in seeds))
    one = lambda seed: _places(jax.tree.map(lambda leaf: leaf[seed], flow), keys, delay, way, rounds, guided)
    return np.array([one(seed) for seed in range(len(seeds))])


def play_all(
    ways: tuple[str, ...],
    delays: tuple[int, ...],
    rounds: Callable = lesson10.mended_rounds,
    guided: Callable = lesson10.guided_chunks,
) -> dict[str, dict[int, np.ndarray]]:
    """`play` by way and delay, two ways at a time."""
    with ThreadPoolExecutor(2) as pool:
        one = lambda way: {delay: play(way, delay, rounds, guided) for delay in delays}
        return dict(zip(ways, pool.map(one, ways), strict=True))
