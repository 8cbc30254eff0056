"""The lite world: carry a puck through a wall with two gaps.
Pure JAX, so that thousands of steps are one compiled call.

+-----------+-----------+ The square [-1, 1] x [-1, 1], seen from above. A gripper without an arm has to reach
|           #           | the puck on the left, close on it, carry it through one of two gaps in the wall at
|                       | x = 0, and let it go at the goal on the right. The reward is -1 a step and 0 at the
|           #           | step that solves the task, which ends the episode.
|  +  o     #     (G)   |
|           #           | `step`, the distance that an action of size 1 moves, is the difficulty: the same way
|                       | takes about 30 actions at 0.08, 60 at 0.04 and 120 at 0.02.
|           #           |
+-----------+-----------+

Action (3,) in [-1, 1]: velocity in x and y, and closing (+) or opening (-) of the gripper, all in units of
`step` (the gripper's whole way is 0.2 / step actions). Observation (8,): gripper x, y and opening, puck x, y,
held or not, and the puck relative to the gripper. The dynamics are deterministic, and only the reset is
random, unless the world has a `disturbance`: then a random push is added to every action's velocity, and no
observation tells of it before it has happened.

Functions are of one state; batches are made with `jax.vmap`. `LiteWorldEnv` is the same world for Gymnasium.
"""

from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.utils.errors import QlacError

OBSERVATION_SIZE, ACTION_SIZE = 8, 3
GOAL = (0.6, 0.0)
GAPS = (-0.5, 0.5)  # y of the gaps' middles
WALL = 0.05  # half its thickness
CLOSING_SPEED = 5.0  # the gripper's whole way, in units of the distance moved
HOLDING = 0.5  # below this opening the gripper holds


class LiteWorld(NamedTuple):
    """What can be set. Hashable, so that it may be a static argument of a compiled function."""

    step: float = 0.04
    gap: float = 0.4  # width of each gap
    reach: float = 0.15  # how near the gripper must be to catch the puck
    tolerance: float = 0.15  # distance from the goal that counts as solved
    # standard deviation of the push on each coordinate of every action, in units of the largest velocity
    disturbance: float = 0.0

    @property
    def limit(self) -> int:
        """Actions of an episode: about three times what the demonstrator needs."""
        return round(8 / self.step)


class WorldState(NamedTuple):
    gripper: jax.Array  # (2,)
    opening: jax.Array  # () 1 open, 0 closed
    puck: jax.Array  # (2,)
    held: jax.Array  # () bool
    time: jax.Array  # () int32, actions since the reset
    luck: jax.Array = np.uint32(0)  # () uint32, decides the episode's disturbances


def reset(key: jax.Array) -> WorldState:
    """A start of the task: gripper and puck somewhere in the middle of the left half, 0.2 apart or more."""
    gripper_key, puck_key = jax.random.split(key)
    gripper = jnp.array([-0.8, 0.0]) + jax.random.uniform(gripper_key, (2,), minval=-0.1, maxval=0.1)
    puck = jnp.array([-0.4, 0.0]) + jax.random.uniform(puck_key, (2,), minval=-0.1, maxval=0.1)
    return _at_rest(gripper, puck, key)


def reset_anywhere(key: jax.Array) -> WorldState:
    """Gripper and puck anywhere but in the wall: a start of play."""
    gripper_key, puck_key = jax.random.split(key)
    return _at_rest(free_place(gripper_key), free_place(puck_key), key)


def free_place(key: jax.Array) -> jax.Array:
    """A random place (2,) a hand's breadth away from walls."""
    side, x, y = jax.random.uniform(key, (3,))
    return jnp.array([jnp.where(side < 0.5, -1.0, 1.0) * (0.15 + 0.75 * x), 1.8 * y - 0.9])


def _at_rest(gripper, puck, key):
    luck = jax.random.bits(jax.random.fold_in(key, 2))
    return WorldState(gripper, jnp.float32(1.0), puck, jnp.bool_(False), jnp.int32(0), luck)


def observe(state: WorldState) -> jax.Array:
    """(8,) float32."""
    opening, held = 2 * state.opening - 1, jnp.where(state.held, 1.0, -1.0)
    return jnp.concatenate(
        [state.gripper, opening[None], state.puck, held[None], 2 * (state.puck - state.gripper)]
    )


def step(world: LiteWorld, state: WorldState, action: jax.Array) -> WorldState:
    """One action (3,), clipped to [-1, 1].

    Raises:
        QlacError: the world's step is not above 0, or so long that it passes through the wall.
    """
    if not 0 < world.step <= 2 * WALL:
        raise QlacError(
            f"A step of {world.step:g} stands still or passes through the wall, "
            f"which is {2 * WALL:g} thick. Take one above 0, of at most {2 * WALL:g}."
        )
    action = jnp.clip(action, -1.0, 1.0)
    velocity = action[:2]
    if world.disturbance:
        push = jax.random.normal(jax.random.fold_in(jax.random.key(state.luck), state.time), (2,))
        velocity = velocity + world.disturbance * push
    gripper = _slide(world, state.gripper, world.step * velocity)
    opening = jnp.clip(state.opening - CLOSING_SPEED * world.step * action[2], 0.0, 1.0)
    closing_now = (opening < HOLDING) & (state.opening >= HOLDING)
    catches = closing_now & (jnp.linalg.norm(state.puck - gripper) < world.reach)
    held = (opening < HOLDING) & (state.held | catches)
    return WorldState(
        gripper, opening, jnp.where(held, gripper, state.puck), held, state.time + 1, state.luck
    )


def solved(world: LiteWorld, state: WorldState) -> jax.Array:
    """() bool: the puck lies at the goal, and the gripper has let go."""
    return (jnp.linalg.norm(state.puck - jnp.array(GOAL)) < world.tolerance) & ~state.held


def solved_rows(world: LiteWorld, observations: np.ndarray) -> np.ndarray:
    """`solved` of observations (N, 8): (N,) bool."""
    return (np.linalg.norm(observations[:, 3:5] - np.array(GOAL), axis=1) < world.tolerance) & (
        observations[:, 5] < 0
    )


def in_wall(world: LiteWorld, place: jax.Array) -> jax.Array:
    """() bool for a place (2,)."""
    through_gap = jnp.min(jnp.abs(place[1] - jnp.array(GAPS))) < world.gap / 2
    return (jnp.abs(place[0]) < WALL) & ~through_gap


def _slide(world: LiteWorld, place: jax.Array, move: jax.Array) -> jax.Array:
    """One coordinate after the other; what would end in the wall or outside is not moved."""
    for axis in range(2):
        there = jnp.clip(place.at[axis].add(move[axis]), -1.0, 1.0)
        place = jnp.where(in_wall(world, there), place, there)
    return place


class Executed(NamedTuple):
    """A chunk executed open loop, padded to H steps.
    The state stands still after the step that ends the episode."""

    states: WorldState  # (H + 1, ...)
    rewards: jax.Array  # (H,)
    length: jax.Array  # () int32, steps executed
    terminated: jax.Array  # () bool, solved
    truncated: jax.Array  # () bool, out of time


def execute(world: LiteWorld, state: WorldState, chunk: jax.Array) -> Executed:
    """Executes a chunk (H, 3) until it or the episode ends."""

    def one(carry, action):
        state, terminated, truncated = carry
        ended = terminated | truncated
        new = jax.tree.map(lambda a, b: jnp.where(ended, a, b), state, step(world, state, action))
        terminated = terminated | solved(world, new)
        truncated = truncated | (~terminated & (new.time >= world.limit))
        return (new, terminated, truncated), (new, jnp.where(terminated, 0.0, -1.0), ~ended)

    start = (state, jnp.bool_(False), jnp.bool_(False))
    (_, terminated, truncated), (states, rewards, executed) = jax.lax.scan(one, start, chunk)
    states = jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), state, states)
    return Executed(states, rewards, jnp.sum(executed, dtype=jnp.int32), terminated, truncated)


class LiteWorldEnv(gymnasium.Env):
    """The lite world for Gymnasium: `gymnasium.make("qlac_lite/LiteWorld-v0", step=0.04)`."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode: str | None = None, **settings: float):
        self.world, self.render_mode = LiteWorld(**settings), render_mode
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION_SIZE,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)
        self._reset, self._execute, self._observe = (
            jax.jit(reset),
            jax.jit(execute, static_argnums=0),
            jax.jit(observe),
        )

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        self.state = self._reset(jax.random.key(self.np_random.integers(2**32)))
        return np.asarray(self._observe(self.state)), {}

    def step(self, action: np.ndarray):
        done = self._execute(self.world, self.state, jnp.asarray(action, jnp.float32)[None])
        self.state = jax.tree.map(lambda leaf: leaf[-1], done.states)
        success = bool(done.terminated)
        return (
            np.asarray(self._observe(self.state)),
            float(done.rewards[0]),
            success,
            bool(done.truncated),
            {"success": success},
        )

    def render(self) -> np.ndarray:
        """A picture (height, width, 3) uint8, drawn by Matplotlib."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.0, 3.0), dpi=100, layout="constrained", facecolor="white")
        draw_world(figure.add_subplot(), self.world, [self.state])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


gymnasium.register("qlac_lite/LiteWorld-v0", entry_point=LiteWorldEnv)


def draw_world(axes, world: LiteWorld, states: Sequence = (), colour: str = "#0072B2") -> None:
    """The lite world from above, with gripper and puck in each of some states."""
    from matplotlib.patches import Circle

    low, high = (np.array(GAPS) - world.gap / 2, np.array(GAPS) + world.gap / 2)
    for bottom, top in zip([-1, *high], [*low, 1], strict=True):
        axes.fill_between([-WALL, WALL], bottom, top, color="0.35", linewidth=0)
    axes.add_patch(Circle(GOAL, world.tolerance, facecolor="none", edgecolor="#D55E00", linewidth=1.5))
    for state in states:
        x, y = np.asarray(state.gripper)
        reach = 0.03 + 0.05 * float(state.opening)
        axes.plot([x, x], [y - reach, y + reach], "_", color=colour, markersize=9, markeredgewidth=2)
        axes.plot(*np.asarray(state.puck), "o", color="#D55E00", markersize=7)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=[], yticks=[])
    for side in axes.spines.values():  # a closed frame: what is in it is a place, not a plot
        side.set_visible(True)
    axes.grid(False)
