"""Data of the lite world: a scripted demonstrator with two routes, pauses and smooth noise.

The demonstrator has intentions that its observation does not show: where the puck shall go, through which
gap, how long it still waits. So its data are multimodal and not Markovian, as people's are. It plays (any
puck position may be its next target; the episode does not end), or it solves the task. Everything follows
from the key.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.data.dataset import Dataset, build_dataset
from qlac_lite.envs.lite_world import (
    GAPS,
    GOAL,
    WALL,
    LiteWorld,
    WorldState,
    free_place,
    observe,
    reset,
    reset_anywhere,
    solved,
    step,
)

APPROACH, CLOSE, CARRY, OPEN, LEAVE = range(5)  # phases
NEAR = 0.05  # distance at which the demonstrator has arrived
EPISODES, LENGTH = (
    400,
    10.0,
)  # play data as the course uses them: so many episodes, of LENGTH / step actions each


class Habits(NamedTuple):
    """How the demonstrator is. Times are in units of an action at step 0.04, and grow with finer steps."""

    play: bool = True  # random targets for ever, or the goal only
    favourite: float = 0.2  # share of the targets in play that are the goal
    pause: float = 10.0  # longest pause before it closes, opens or goes on; uniform from 0
    speed: float = 0.8  # part of the largest velocity
    noise: float = 0.2  # standard deviation of the noise on each action
    smooth: float = 0.8  # correlation of the noise between neighbouring actions


PLAY = Habits()


class Intention(NamedTuple):
    phase: jax.Array  # () int32
    target: jax.Array  # (2,) where the puck shall go
    place: jax.Array  # (2,) where the gripper goes after it, near the target
    gap: jax.Array  # () y of the gap it will use
    wait: jax.Array  # () int32, actions still to wait
    noise: jax.Array  # (3,)


def intend(key: jax.Array, habits: Habits) -> Intention:
    """A new intention, from the approach on."""
    keys = jax.random.split(key, 4)
    to_goal = jax.random.uniform(keys[3]) < (habits.favourite if habits.play else 1.0)
    target = jnp.where(to_goal, jnp.array(GOAL), free_place(keys[0]))
    return Intention(
        jnp.int32(APPROACH),
        target,
        target + jax.random.uniform(keys[1], (2,), minval=-0.3, maxval=0.3),
        jax.random.choice(keys[2], jnp.array(GAPS)),
        jnp.int32(0),
        jnp.zeros(3),
    )


def demonstrate(
    world: LiteWorld, habits: Habits, state: WorldState, mind: Intention, key: jax.Array
) -> tuple[jax.Array, Intention]:
    """The demonstrator's action (3,) in a state, and its intention after it."""
    pause_key, noise_key, mind_key = jax.random.split(key, 3)
    phase = mind.phase

    arrived = lambda place: jnp.linalg.norm(place - state.gripper) < NEAR
    over = jnp.array(
        [arrived(state.puck), state.held, arrived(mind.target), state.opening > 0.9, arrived(mind.place)]
    )[phase]
    over &= mind.wait == 0
    dropped = ((phase == CARRY) & ~state.held) | ((phase == CLOSE) & (state.opening < 0.1) & ~state.held)
    longest = round(habits.pause * 0.04 / world.step)
    wait = jnp.where(over, jax.random.randint(pause_key, (), 0, longest + 1), jnp.maximum(mind.wait - 1, 0))
    fresh = intend(mind_key, habits)
    anew = over & (phase == LEAVE)
    mind = jax.tree.map(lambda new, old: jnp.where(anew, new, old), fresh._replace(noise=mind.noise), mind)
    phase = jnp.where(anew, APPROACH, jnp.where(dropped, OPEN, jnp.where(over, phase + 1, phase)))

    goes_to = jnp.stack([state.puck, state.puck, mind.target, mind.target, mind.place])[phase]
    way = _waypoint(world, state.gripper, goes_to, mind.gap) - state.gripper
    velocity = way / jnp.maximum(jnp.linalg.norm(way), world.step) * habits.speed
    grip = jnp.array([-1.0, 1.0, 1.0, -1.0, -1.0])[phase] * habits.speed
    fade = habits.smooth ** (world.step / 0.04)
    fresh_noise = habits.noise * jax.random.normal(noise_key, (3,))
    noise = fade * mind.noise + jnp.sqrt(1 - fade**2) * fresh_noise
    action = jnp.where(wait > 0, 0.0, jnp.append(velocity, grip) + noise)
    return jnp.clip(action, -1, 1), mind._replace(phase=phase, wait=wait, noise=noise)


def _waypoint(world: LiteWorld, place: jax.Array, target: jax.Array, gap: jax.Array) -> jax.Array:
    """Where to go next (2,): straight to a target on the same side, else to the gap, and through it."""
    here, there = jnp.sign(place[0]), jnp.sign(target[0])
    margin = WALL + 2 * world.step
    in_line = jnp.abs(place[1] - gap) < world.gap / 2 - world.step
    return jnp.where(here == there, target, jnp.stack([jnp.where(in_line, there, here) * margin, gap]))


def demonstrations(
    world: LiteWorld, key: jax.Array, episodes: int, steps: int, habits: Habits = PLAY
) -> tuple[WorldState, jax.Array]:
    """States (episodes, steps + 1, ...) and actions (episodes, steps, 3) of the demonstrator."""

    def episode(key):
        start_key, mind_key, step_key = jax.random.split(key, 3)
        state = reset_anywhere(start_key) if habits.play else reset(start_key)

        def one(carry, key):
            state, mind = carry
            action, mind = demonstrate(world, habits, state, mind, key)
            return (step(world, state, action), mind), (state, action)

        carry = (state, intend(mind_key, habits))
        (last, _), (states, actions) = jax.lax.scan(one, carry, jax.random.split(step_key, steps))
        return jax.tree.map(lambda rest, end: jnp.concatenate([rest, end[None]]), states, last), actions

    return jax.jit(jax.vmap(episode))(jax.random.split(key, episodes))


def play_file(episodes: int, seed: int) -> dict[str, np.ndarray]:
    """Play of the default world in OGBench's layout: observations (N, 8), actions (N, 3), terminals (N,)."""
    world = LiteWorld()
    steps = round(LENGTH / world.step)
    states, actions = demonstrations(world, jax.random.key(seed), episodes, steps)
    observations = jax.jit(jax.vmap(jax.vmap(observe)))(states)
    padded = np.concatenate([actions, np.zeros_like(actions[:, :1])], axis=1)
    ends = np.tile(np.arange(steps + 1) == steps, episodes)
    return {
        "observations": np.reshape(observations, (-1, 8)),
        "actions": padded.reshape(-1, 3),
        "terminals": ends,
    }


def record(
    world: LiteWorld,
    key: jax.Array,
    episodes: int,
    steps: int,
    habits: Habits = PLAY,
    stride: int = 1,
    offline_reward: str = "next",
) -> Dataset:
    """Demonstrations as a dataset for the task: reward -1, and 0 for states that solve it,
    the "next" or the "current" ones.

    In play the episode goes on after a solved state, whose mask is 0 (as in OGBench's play data).
    A demonstration of the task ends there.
    """
    states, actions = demonstrations(world, key, episodes, steps, habits)
    each = jax.jit(jax.vmap(jax.vmap(lambda state: (observe(state), solved(world, state)))))
    observations, success = map(np.array, each(states))
    success[:, 0] = False
    last = np.full(episodes, steps)
    if not habits.play:
        last = np.where(success.any(axis=1), success.argmax(axis=1), steps)
    rows = np.arange(steps + 1) <= last[:, None]  # (episodes, steps + 1)
    arrived = np.roll(success, -1 if offline_reward == "next" else 0, axis=1).astype(np.float32)
    ends = np.arange(steps + 1) == last[:, None]
    arrived[ends] = 0.0  # nothing follows
    padded = np.concatenate([actions, np.zeros_like(actions[:, :1])], axis=1)
    return build_dataset(
        observations[rows], padded[rows], arrived[rows] - 1, 1 - arrived[rows], ends[rows], stride
    )
