"""How agents of lesson 10 act: the best of eight chunks, executed as long as its value keeps its promise.

Shapes: R seeds, E episodes, T steps, H chunk, A action. Measures: see `decoupled_agents`.
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
from qlac_lite.lessons.decoupled_agents import DISCOUNT, EULER, LIMIT, QUICK, A, Agents, H, S
from qlac_lite.lessons.notebook import shorten
from qlac_lite.lessons.small_flows import chunk_field
from qlac_lite.utils.errors import QlacError

EPISODES, CANDIDATES = shorten(20, fast=4), 8
ARRIVED = 0.1  # x of the right side


class Gripper(NamedTuple):
    """An episode so far."""

    state: lite_world.WorldState
    places: Array  # (T + 1, 2); those of steps that are still to come are the start
    actions: Array  # (T, A)
    time: Array  # () int32
    arrived: Array  # () bool


def begin(key: Array) -> Gripper:
    start_key, push_key = jax.random.split(key)
    state = careful.start(start_key)._replace(push_seed=jax.random.bits(push_key))
    places = jnp.broadcast_to(state.gripper, (LIMIT + 1, 2))
    return Gripper(state, places, jnp.zeros((LIMIT, A)), jnp.int32(0), jnp.bool_(False))


def advance(push: float, gripper: Gripper, action: Array) -> tuple[Gripper, Array]:
    """One action; its reward. After the arrival, or the limit, nothing moves."""
    over = gripper.arrived | (gripper.time >= LIMIT)
    moved = world.step(push, gripper.state, action)
    state = jax.tree.map(lambda old, new: jnp.where(over, old, new), gripper.state, moved)
    time = gripper.time + ~over
    arrived = state.gripper[0] > ARRIVED
    places = gripper.places.at[time].set(state.gripper)
    actions = gripper.actions.at[jnp.where(over, LIMIT, gripper.time)].set(action, mode="drop")
    return Gripper(state, places, actions, time, arrived), jnp.where(arrived & ~over, 1.0, 0.0)


def cut_at_1(value, step, state, chunk, most, discount, margin):
    """As execute_until_drop, but values and promises are at most 1, the largest reward."""

    def goes_on(carry):
        done, state, promise = carry
        return (done < most) & (jnp.minimum(value(state, chunk[done]), 1) >= promise - margin)

    def act(carry):
        done, state, promise = carry
        state, reward = step(state, chunk[done])
        return done + 1, state, jnp.minimum((promise - reward) / discount, 1)

    promise = jnp.minimum(value(state, chunk[0]), 1)
    done, state, _ = jax.lax.while_loop(goes_on, act, (0, state, promise))
    return state, done


class Played(NamedTuple):
    """Episodes of each seed."""

    places: np.ndarray  # (R, E, T + 1, 2)
    actions: np.ndarray  # (R, E, T, A)
    lengths: np.ndarray  # (R, E, T) actions executed after each look; 0 where there was none

    def steps(self) -> np.ndarray:
        """Mean steps to the right side, (R,)."""
        return careful.steps_needed(self.places)

    def never(self) -> np.ndarray:
        """How many of 100 episodes never arrive, (R,)."""
        return 100 * (careful.first_arrival(self.places) > LIMIT).mean(axis=1)

    def steps_a_look(self) -> np.ndarray:
        """Actions executed after a look, the mean (R,)."""
        return self.lengths.sum(axis=(1, 2)) / (self.lengths > 0).sum(axis=(1, 2))

    def used(self) -> np.ndarray:
        """Lengths of all chunks but the last one of each episode, which the arrival cuts: (chunks,)."""
        inner = self.lengths[..., :-1] * (self.lengths[..., 1:] > 0)
        return inner[inner > 0]


@functools.partial(jax.jit, static_argnames=("policy", "by", "execute"), compiler_options=QUICK)
def _episodes(flow, critics, lengths, margin, push, among, held, starts, keys, policy, by, execute):
    """One seed's episodes from `starts`, Gripper with an axis (E,) before the others, and keys (E,).

    Each look draws from `lengths` (L,) how many actions it executes at most.
    """
    parts = world.networks_of(policy)
    watch = lambda now, action: parts.partial(
        critics["partial"], lite_world.observe(now.state)[None], jnp.broadcast_to(action, (1, policy, A))
    )[0]

    def episode(gripper, look_key):
        def look(carry):
            now, count, used, left, planned = carry
            noise_key, length_key = jax.random.split(jax.random.fold_in(look_key, count))
            seen = jnp.repeat(lite_world.observe(now.state)[None], CANDIDATES, axis=0)
            noise = jax.random.normal(noise_key, (CANDIDATES, H, A))
            chunks = jnp.clip(euler(chunk_field(flow), seen, noise, EULER), -1, 1)
            taken = chunks[:, : (critics[by][0][0].shape[0] - S) // A]
            overlap = (jnp.arange(H) < left)[:, None]
            far = jnp.sum(overlap * (chunks - planned) ** 2, axis=(1, 2))
            rank = jnp.argsort(jnp.argsort(jnp.where(held, far, 0.0)))
            allowed = rank < jnp.where(held & (left == 0), CANDIDATES, among)
            q = jnp.where(allowed, getattr(parts, by)(critics[by], seen, taken), -jnp.inf)
            most = jax.random.choice(length_key, lengths)
            step = functools.partial(advance, push)
            chunk = chunks[jnp.argmax(q)]
            after, done = execute(watch, step, now, chunk, most, DISCOUNT, margin)
            # Rounding can put the first value below its promise if the margin is 0. Every look acts.
            one = step(now, chunk[0])[0]
            after = jax.tree.map(lambda first, all: jnp.where(done == 0, first, all), one, after)
            done = jnp.maximum(done, 1)
            return after, count + 1, used.at[count].set(done), H - done, jnp.roll(chunk, -done, axis=0)

        goes_on = lambda carry: ~carry[0].arrived & (carry[0].time < LIMIT)
        plan = jnp.int32(0), jnp.zeros((H, A))  # actions left of it; at the first look none
        start = (gripper, jnp.int32(0), jnp.zeros(LIMIT, jnp.int32), *plan)
        now, _, used, _, _ = jax.lax.while_loop(goes_on, look, start)
        return now.places, now.actions, used

    return jax.vmap(episode)(starts, keys)


@jax.jit
def starts_of(seed) -> tuple[Gripper, Array]:
    """How a seed's episodes begin, the same for all agents: (E, ...), and a key for the looks of each."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(8), seed), EPISODES)
    keys = jax.vmap(jax.random.split)(keys)
    return jax.vmap(begin)(keys[:, 0]), keys[:, 1]


def play(
    made: Agents,
    by: str = "partial",
    lengths=None,
    margin: float = np.inf,
    push: float = 0.0,
    execute: Callable = lesson10.execute_until_drop,
    among: int = CANDIDATES,
    held: bool = False,
) -> Played:
    """Episodes of each seed; at each seed all agents have the same starts and pushes.

    Args:
        by: "partial" or "whole": the critic that chooses among the candidates.
        lengths: what each look draws from how many actions it executes at most; by default P always.
        margin: how far the partial critic's value may fall below its promise before the next look.
        push: standard deviation of a push at each step, in units of the largest velocity.
        execute: the lesson's execute_until_drop.
        among: how many of the eight candidates the critic chooses from.
        held: whether these are the ones closest to what is left of the chunk before; if not, the first ones.
    """
    lengths = np.atleast_1d(made.policy if lengths is None else lengths)
    lengths = jnp.asarray(np.random.default_rng(0).choice(lengths, 256))  # of one shape: compiled once
    how = (lengths, margin, push, among, held), (made.policy, by, execute)
    played = [
        of_seed(made, seed, *how, *starts_of(seed)) for seed in range(len(jax.tree.leaves(made.flow)[0]))
    ]
    return Played(*(np.array(each) for each in zip(*played, strict=True)))


def of_seed(made: Agents, seed: int, traced: tuple, static: tuple, starts: Gripper, keys: Array):
    """One seed's episodes: places (E, T + 1, 2), actions (E, T, A) and lengths (E, T), see `_episodes`."""
    needed = {name: made.critics[name] for name in (static[1], "partial")}  # so kinds share a program
    flow, critics = jax.tree.map(lambda leaf: leaf[seed], (made.flow, needed))
    return _episodes(flow, critics, *traced, starts, keys, *static)


def play_all(ways: dict[str, tuple[Agents, dict]]) -> dict[str, Played]:
    """`play(agents, **how)` of each by name, two at a time. Ways beside each other that need the same program
    compile it twice."""
    with ThreadPoolExecutor(2) as pool:
        played = pool.map(lambda way: play(way[0], **way[1]), ways.values())
        return dict(zip(ways, played, strict=True))


def steps_of(all_agents: dict[str, Agents]) -> Callable[..., np.ndarray]:
    """`run` for `experiment`: mean steps to the right side of trained agents, (R,).

        run(seeds, who="long, short", execute=10, margin=0.1, push=1.0, among=8, held=False)

    Args:
        who: the agents' name.
        execute: actions of a chunk that are executed at most. Above P the whole critic chooses.
        margin: how far the value may fall below the promise before the next look.
        push, among, held: see `play`.
    """

    def run(
        seeds: np.ndarray,
        who: str = "long, short",
        execute: int = H,
        margin: float = np.inf,
        push: float = 1.0,
        among: int = CANDIDATES,
        held: bool = False,
    ) -> np.ndarray:
        if who not in all_agents or not 1 <= execute <= H:
            raise QlacError(f"who is one of {', '.join(all_agents)}, and execute is 1 to {H}.")
        made = jax.tree.map(lambda leaf: leaf[seeds], all_agents[who][:2])
        made = Agents(*made, *all_agents[who][2:])
        by = "whole" if execute > made.policy else "partial"
        return play(made, by, execute, margin, push, among=among, held=held).steps()

    return run
