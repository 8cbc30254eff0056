"""Clones of lesson 10 that act while they think: for `delay` steps the world moves on without a new chunk.

The clones are the flows of `decoupled_agents`, without a critic. A look begins every EVERY steps. Until its
chunk is ready, the gripper executes what the chunk before has planned. Measures: see `decoupled_agents`; here
also the turns on the way along the wall. How far places are off the plan was added after a first run, in
which a controller with a mistake needed no more steps than the mended one.

Shapes: R seeds, E episodes, T steps, H chunk, A action, L = H - EVERY steps that two chunks share.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

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
from qlac_lite.lessons.watched_chunks import CANDIDATES, EPISODES

A, H, EVERY, MOST = lite_world.ACTION_SIZE, world.H, 5, 5.0
WAYS = ("stop and think", "switch", "average", "inpaint", "closest of eight", "inpaint, held")
HELD = 4  # steps that "inpaint, held" holds firmly, whatever the delay


def soft_weights(delay: Array) -> Array:
    """How firmly each of H steps is held, (H,): 1 until the chunk is ready, then less and less, 0 from L."""
    i, overlap = jnp.arange(H), H - EVERY
    c = (overlap - i) / (overlap - delay + 1)
    return jnp.where(i < delay, 1.0, jnp.where(i < overlap, c * jnp.expm1(c) / (np.e - 1), 0.0))


def _look(way: str, guided: Callable, flow, firm: Array) -> Callable:
    """look(state, left (L, A + 2), key) -> a chunk (H, A + 2), see `_planned`, with `firm` steps held."""

    def look(state, left, key):
        seen, field = lite_world.observe(state)[None], chunk_field(flow)
        before = jnp.pad(left[:, :A], ((0, EVERY), (0, 0)))
        weight = soft_weights(firm)
        if way == "inpaint":
            return _planned(state, guided(field, seen, key, before[None], weight, world.EULER, MOST)[0])
        count = CANDIDATES if way == "closest of eight" else 1
        noise = jax.random.normal(key, (count, H, A))
        chunks = jnp.clip(euler(field, jnp.repeat(seen, count, axis=0), noise, world.EULER), -1, 1)
        far = jnp.sum(weight[:, None] * (chunks - before) ** 2, axis=(1, 2))
        chunk = chunks[jnp.argmin(far)]
        if way == "average":
            chunk = jnp.where((jnp.arange(H) < H - EVERY)[:, None], (before + chunk) / 2, chunk)
        return _planned(state, chunk)

    return look


def _planned(state: lite_world.WorldState, chunk: Array) -> Array:
    """A chunk (H, A) with two columns more: the place to which each action leads, from this state on."""
    _, places = jax.lax.scan(_step, state, jnp.pad(chunk, ((0, 0), (0, 2))))
    return jnp.concatenate([chunk, places[:, :2]], axis=1)


def _step(state: lite_world.WorldState, action: Array) -> tuple[lite_world.WorldState, Array]:
    """Executes an action (A + 2,), and shows (4,): where the gripper is, and where the plan has it."""
    state = lite_world.step(careful.WORLD, state, action[:A])
    return state, jnp.concatenate([state.gripper, action[A:]])


@functools.partial(jax.jit, static_argnames=("way", "rounds", "guided"), compiler_options=world.QUICK)
def _shown(flow, keys, delay, firm, way, rounds, guided):
    """One seed's episodes, (E, T + 1, 4), see `_step`."""

    def episode(key):
        start_key, first_key, round_key = jax.random.split(key, 3)
        state = careful.start(start_key)
        look, start = _look(way, guided, flow, firm), jnp.tile(state.gripper, 2)[None]
        if way == "stop and think":
            return jnp.concatenate([start, _stopping(look, state, round_key, delay)])
        first = _look("switch", guided, flow, firm)(state, jnp.zeros((H - EVERY, A)), first_key)
        chunk = jnp.concatenate([first[:EVERY], first[: H - EVERY]])  # its plan for now stands at EVERY
        keys = jax.random.split(round_key, careful.LIMIT // EVERY)
        return jnp.concatenate([start, rounds(look, _step, state, chunk, keys, EVERY, delay)])

    return jax.vmap(episode)(keys)


def _stopping(look, state, key, delay):
    """Steps (T, 4) of a gripper that stands still for `delay` steps at each look."""

    keys = jax.random.split(key, careful.LIMIT // EVERY)  # as for rounds: without a delay it is "switch"

    def one(carry, t):
        state, chunk = carry
        i = t % (EVERY + delay)
        fresh = lambda: look(state, chunk[EVERY:], keys[t // (EVERY + delay)])
        chunk = jax.lax.cond(i == 0, fresh, lambda: chunk)
        state, shown = _step(state, jnp.where(i < delay, 0.0, chunk[jnp.maximum(i - delay, 0)]))
        return (state, chunk), shown

    return jax.lax.scan(one, (state, jnp.zeros((H, A + 2))), jnp.arange(careful.LIMIT))[1]


class Acted(NamedTuple):
    """Episodes of each seed."""

    places: np.ndarray  # (R, E, T + 1, 2), of the gripper
    plans: np.ndarray  # (R, E, T + 1, 2), where the executed action was meant to lead

    def steps(self) -> np.ndarray:
        """Mean steps to the right side, (R,)."""
        return careful.steps_needed(self.places)

    def turns(self) -> np.ndarray:
        """Turns in 100 steps on the way along the wall, (R,)."""
        return careful.turns(self.places)

    def off_plan(self) -> dict[int, np.ndarray]:
        """Mean distance between place and plan after each step of a round, (R,) each, before the arrival; in
        lengths of the longest step."""
        far = np.linalg.norm(self.places - self.plans, axis=-1) / careful.WORLD.step
        before = np.arange(far.shape[-1]) <= careful.first_arrival(self.places)[..., None]
        mean = lambda i: (
            (far * before)[..., i::EVERY].sum(axis=(1, 2)) / before[..., i::EVERY].sum(axis=(1, 2))
        )
        return {i: mean(i) for i in range(1, EVERY + 1)}


def play(
    way: str,
    delay: int,
    rounds: Callable = lesson10.mended_rounds,
    guided: Callable = lesson10.guided_chunks,
    seeds: np.ndarray = world.SEEDS,
) -> Acted:
    """Each seed's clone acting with a delay of 0 to EVERY steps.

    Args:
        way: one of WAYS.
        rounds: the lesson's her_rounds or mended_rounds.
        guided: the lesson's guided_chunks.
    """
    keys = lambda seed: jax.random.split(jax.random.fold_in(jax.random.key(13), seed), EPISODES)
    flow = world.flows(tuple(int(seed) for seed in seeds))
    own = lambda seed: (jax.tree.map(lambda leaf: leaf[seed], flow), keys(seed))
    firm, way = (HELD, "inpaint") if way == "inpaint, held" else (delay, way)
    one = lambda seed: _shown(*own(seed), delay, firm, way, rounds, guided)
    shown = np.array([one(seed) for seed in range(len(seeds))])
    return Acted(shown[..., :2], shown[..., 2:])


class Look(NamedTuple):
    """What is planned at one look, as places of the gripper from there on."""

    past: np.ndarray  # (EVERY + 1, 2), until the look
    old: np.ndarray  # (L + 1, 2), what the old chunk has left
    new: np.ndarray  # (H + 1, 2)
    mean: np.ndarray  # (L + 1, 2), of both
    inpainted: np.ndarray  # (H + 1, 2)


def one_look(delay: int = 4, count: int = 200, seed: int = 0) -> Look:
    """Of `count` second looks of a seed, the one at which old plan and new chunk end furthest apart."""
    flow = jax.tree.map(lambda leaf: leaf[seed], world.flows(tuple(world.SEEDS.tolist())))
    guided = lesson10.guided_chunks

    def walk(state, chunk):
        return jax.lax.scan(_step, state, jnp.pad(chunk[:, :A], ((0, 0), (0, 2))))

    def places(state, chunk):
        return jnp.concatenate([state.gripper[None], walk(state, chunk)[1][:, :2]])

    def look(key):
        start_key, first_key, look_key = jax.random.split(key, 3)
        start = careful.start(start_key)
        first = _look("switch", guided, flow, delay)(start, jnp.zeros((H - EVERY, A)), first_key)
        state, left = walk(start, first[:EVERY])[0], first[EVERY:]
        drawn = [
            _look(way, guided, flow, delay)(state, left, look_key) for way in ("switch", "average", "inpaint")
        ]
        past, (new, mean, inpainted) = places(start, first[:EVERY]), (places(state, each) for each in drawn)
        return Look(past, places(state, left), new, mean[: H - EVERY + 1], inpainted)

    looks = jax.jit(jax.vmap(look), compiler_options=world.QUICK)(jax.random.split(jax.random.key(17), count))
    far = np.linalg.norm(looks.old[:, -1] - looks.new[:, H - EVERY], axis=-1)
    return Look(*(np.asarray(each[far.argmax()]) for each in looks))


def play_all(
    ways: tuple[str, ...],
    delays: tuple[int, ...],
    rounds: Callable = lesson10.mended_rounds,
    guided: Callable = lesson10.guided_chunks,
) -> dict[str, dict[int, Acted]]:
    """`play` by way and delay, two ways at a time."""
    with ThreadPoolExecutor(2) as pool:
        one = lambda way: {delay: play(way, delay, rounds, guided) for delay in delays}
        return dict(zip(ways, pool.map(one, ways), strict=True))
