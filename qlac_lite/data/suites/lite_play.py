"""Data of the lite world: a scripted demonstrator with two routes, pauses and smooth noise.

Its plan is not in the observation: where the puck shall go, through which gap, how long it still waits. So
its data are multimodal and not Markovian, as people's are. It plays (targets are anywhere, and the episode
does not end), or it solves the task. All follows from the key.
"""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.config.tasks import LITE_WORLD, Domain, Task, get_task
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.suites import npz
from qlac_lite.envs import lite_world
from qlac_lite.envs.lite_world import GOAL, LiteWorld, WorldState
from qlac_lite.utils.files import write_npz

SUFFIX, HOSTS, STAND_INS = ".npz", {}, "episodes"  # there is no official file
APPROACH, CLOSE, CARRY, OPEN, LEAVE = range(5)  # phases
NEAR = 0.05  # distance at which the demonstrator has arrived
# the course's play data: so many episodes, each of PLAY_DISTANCE / step actions
PLAY_EPISODES, PLAY_DISTANCE = 400, 10.0


class Habits(NamedTuple):
    """How the demonstrator is. Times are in actions at step 0.04, and grow with finer steps."""

    play: bool = True  # random targets for ever, or the goal only
    favourite: float = 0.2  # share of the targets in play that are the goal
    pause: float = 10.0  # longest pause before it closes, opens or goes on; uniform from 0
    speed: float = 0.8  # part of the largest velocity
    noise: float = 0.2  # standard deviation of the noise on each action
    smooth: float = 0.8  # correlation of the noise between neighbouring actions


PLAY = Habits()


class Plan(NamedTuple):
    phase: jax.Array  # () int32
    target: jax.Array  # (2,) where the puck shall go
    place: jax.Array  # (2,) where the gripper goes after it, near the target
    gap: jax.Array  # () y of the gap it will use
    wait: jax.Array  # () int32, actions still to wait
    noise: jax.Array  # (3,)


def new_plan(key: jax.Array, habits: Habits) -> Plan:
    """A plan that begins with the approach."""
    keys = jax.random.split(key, 4)
    to_goal = jax.random.uniform(keys[3]) < (habits.favourite if habits.play else 1.0)
    target = jnp.where(to_goal, jnp.array(GOAL), lite_world.free_place(keys[0]))
    place = target + jax.random.uniform(keys[1], (2,), minval=-0.3, maxval=0.3)
    gap = jax.random.choice(keys[2], jnp.array(lite_world.GAPS))
    return Plan(jnp.int32(APPROACH), target, place, gap, jnp.int32(0), jnp.zeros(3))


def demonstrate(
    world: LiteWorld, habits: Habits, state: WorldState, plan: Plan, key: jax.Array
) -> tuple[jax.Array, Plan]:
    """The demonstrator's action (3,) in a state, and its plan after it."""
    pause_key, noise_key, plan_key = jax.random.split(key, 3)
    phase = plan.phase

    arrived = lambda place: jnp.linalg.norm(place - state.gripper) < NEAR
    at_puck, at_target, at_place = map(arrived, (state.puck, plan.target, plan.place))
    over = jnp.array([at_puck, state.held, at_target, state.opening > 0.9, at_place])[phase]
    over &= plan.wait == 0
    dropped = ~state.held & ((phase == CARRY) | ((phase == CLOSE) & (state.opening < 0.1)))
    longest = round(habits.pause * 0.04 / world.step)
    wait = jnp.where(over, jax.random.randint(pause_key, (), 0, longest + 1), jnp.maximum(plan.wait - 1, 0))
    fresh = new_plan(plan_key, habits)._replace(noise=plan.noise)
    anew = over & (phase == LEAVE)
    plan = jax.tree.map(lambda new, old: jnp.where(anew, new, old), fresh, plan)
    phase = jnp.where(dropped, OPEN, (phase + over) % 5)

    goes_to = jnp.stack([state.puck, state.puck, plan.target, plan.target, plan.place])[phase]
    way = _waypoint(world, state.gripper, goes_to, plan.gap) - state.gripper
    velocity = way / jnp.maximum(jnp.linalg.norm(way), world.step) * habits.speed
    grip = jnp.array([-1.0, 1.0, 1.0, -1.0, -1.0])[phase] * habits.speed
    fade = habits.smooth ** (world.step / 0.04)
    fresh_noise = habits.noise * jax.random.normal(noise_key, (3,))
    noise = fade * plan.noise + jnp.sqrt(1 - fade**2) * fresh_noise
    action = jnp.where(wait > 0, 0.0, jnp.append(velocity, grip) + noise)
    return jnp.clip(action, -1, 1), plan._replace(phase=phase, wait=wait, noise=noise)


def _waypoint(world: LiteWorld, place: jax.Array, target: jax.Array, gap: jax.Array) -> jax.Array:
    """Where to go next (2,): straight to a target on the same side, else to the gap, and through it."""
    here, there = jnp.sign(place[0]), jnp.sign(target[0])
    margin = lite_world.WALL + 2 * world.step
    in_line = jnp.abs(place[1] - gap) < world.gap / 2 - world.step
    return jnp.where(here == there, target, jnp.stack([jnp.where(in_line, there, here) * margin, gap]))


def demonstrations(
    world: LiteWorld, key: jax.Array, episodes: int, steps: int, habits: Habits = PLAY
) -> tuple[WorldState, jax.Array]:
    """States (episodes, steps + 1, ...) and actions (episodes, steps, 3) of the demonstrator."""

    def episode(key):
        start_key, plan_key, step_key = jax.random.split(key, 3)
        reset = lite_world.reset_anywhere if habits.play else lite_world.reset

        def one(carry, key):
            state, plan = carry
            action, plan = demonstrate(world, habits, state, plan, key)
            return (lite_world.step(world, state, action), plan), (state, action)

        carry = (reset(start_key), new_plan(plan_key, habits))
        (last, _), (states, actions) = jax.lax.scan(one, carry, jax.random.split(step_key, steps))
        return jax.tree.map(lambda rest, end: jnp.concatenate([rest, end[None]]), states, last), actions

    return jax.jit(jax.vmap(episode))(jax.random.split(key, episodes))


def _rows(world: LiteWorld, key: jax.Array, episodes: int, steps: int, habits: Habits) -> tuple:
    """Demonstrations in the npz layout, and which rows solve the task, (N, 1) bool.

    In play the episode goes on after a solved state; a demonstration of the task ends there.
    """
    states, actions = demonstrations(world, key, episodes, steps, habits)
    look = lambda state: (lite_world.observe(state), lite_world.solved(world, state))
    observations, success = map(np.array, jax.jit(jax.vmap(jax.vmap(look)))(states))
    success[:, 0] = False
    ends = success.any(axis=1, keepdims=True) & (not habits.play)
    number, last = np.arange(steps + 1), np.where(ends, success.argmax(axis=1, keepdims=True), steps)
    rows = number <= last  # (episodes, steps + 1)
    padded = np.pad(actions, ((0, 0), (0, 1), (0, 0)))  # none follows the last state
    arrays = dict(observations=observations[rows], actions=padded[rows], terminals=(number == last)[rows])
    return arrays, success[rows][:, None]


def record(
    world: LiteWorld,
    key: jax.Array,
    episodes: int,
    steps: int,
    habits: Habits = PLAY,
    stride: int = 1,
    offline_reward: str = "next",
) -> Dataset:
    """Demonstrations as a dataset for the task, see `npz.label`."""
    arrays, solved_rows = _rows(world, key, episodes, steps, habits)
    return npz.label(arrays, solved_rows, get_task(LITE_WORLD), stride, offline_reward)


def label(arrays: npz.Arrays, task: Task, stride: int, offline_reward: str) -> Dataset:
    """A file's arrays as a flat dataset, see `npz.label`; solved as in `envs.lite_world.solved`."""
    observations = arrays["observations"]
    near = np.linalg.norm(observations[:, 3:5] - np.array(GOAL), axis=1) < LiteWorld().tolerance
    return npz.label(arrays, (near & (observations[:, 5] < 0))[:, None], task, stride, offline_reward)


def states(arrays: npz.Arrays, episode: int) -> list[tuple]:
    """Observations, which hold the whole state."""
    return npz.states(arrays, episode, ["observations"])


def generate(domain: Domain, episodes: int, seed: int, path: Path, workers: int | None) -> None:
    """Writes play of the default world, all made in one call."""
    world = LiteWorld()
    arrays, _ = _rows(world, jax.random.key(seed), episodes, round(PLAY_DISTANCE / world.step), PLAY)
    script = "generated by qlac-lite's scripted demonstrator"
    made = f"{script}: {domain.dataset}, {episodes} episodes, seed {seed}"
    write_npz(path, arrays | {"provenance": made}, compressed=True)
