"""The lite world: carry a puck through a wall with two gaps. Pure JAX, so thousands of steps are one call.

In the square [-1, 1] x [-1, 1] the gripper has to reach the puck on the left, close on it, carry it through a
gap in the wall at x = 0, and let it go at the goal on the right (`draw_world` shows it). The reward is -1 a
step, and 0 at the step that solves the task, which ends the episode. `step`, the distance that an action of
size 1 moves, is the difficulty: it takes about 30 actions at 0.08, 60 at 0.04 and 120 at 0.02.

Action (3,) in [-1, 1]: velocity in x and y, and closing (+) or opening (-) of the gripper, in units of `step`
(the gripper's whole way is 0.2 / step actions). Observation (8,): gripper x, y and opening, puck x, y, held
or not, and the puck relative to the gripper. Only the reset is random, unless a `disturbance` pushes the
gripper, which no observation foretells. Functions are of one state; `jax.vmap` makes batches.
"""

from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from qlac_lite.config.tasks import Task
from qlac_lite.utils.errors import QlacError

PRELOADED = []  # its environments run in this process
OBSERVATION_SIZE, ACTION_SIZE = 8, 3
GOAL = (0.6, 0.0)
GAPS = (-0.5, 0.5)  # y of the gaps' middles
WALL = 0.05  # half its thickness
CLOSING_SPEED = 5.0  # the gripper's whole way, in units of the distance moved
HOLDING = 0.5  # below this opening the gripper holds


class LiteWorld(NamedTuple):
    """What can be set; a static argument of compiled functions."""

    step: float = 0.04
    gap: float = 0.4  # width of each gap
    reach: float = 0.15  # how near the gripper must be to catch the puck
    tolerance: float = 0.15  # distance from the goal that counts as solved
    disturbance: float = 0.0  # standard deviation of the push on x and y, in units of the largest velocity
    wide: bool = False  # gripper and puck start anywhere in the left half

    @property
    def limit(self) -> int:
        """Actions of an episode, about three times what the demonstrator needs."""
        return round(8 / self.step)


class WorldState(NamedTuple):
    gripper: Array  # (2,)
    opening: Array  # () 1 open, 0 closed
    puck: Array  # (2,)
    held: Array  # () bool
    time: Array  # () int32, actions since the reset
    push_seed: Array = np.uint32(0)  # () uint32, decides the episode's disturbances


def reset(key: Array, wide: bool = False) -> WorldState:
    """A start of the task: gripper and puck in the left half, 0.2 apart or more; `wide`: anywhere there."""
    if wide:
        start = reset_anywhere(key)
        left = lambda place: place.at[0].set(-jnp.abs(place[0]))
        return start._replace(gripper=left(start.gripper), puck=left(start.puck))
    near = lambda key, x: jnp.array([x, 0.0]) + jax.random.uniform(key, (2,), minval=-0.1, maxval=0.1)
    gripper_key, puck_key = jax.random.split(key)
    return _at_rest(near(gripper_key, -0.8), near(puck_key, -0.4), key)


def reset_anywhere(key: Array) -> WorldState:
    """A start of play: gripper and puck anywhere."""
    return _at_rest(*map(free_place, jax.random.split(key)), key)


def free_place(key: Array) -> Array:
    """A random place (2,), away from walls."""
    side, x, y = jax.random.uniform(key, (3,))
    return jnp.array([jnp.where(side < 0.5, -1.0, 1.0) * (0.15 + 0.75 * x), 1.8 * y - 0.9])


def _at_rest(gripper, puck, key):
    push_seed = jax.random.bits(jax.random.fold_in(key, 2))
    return WorldState(gripper, jnp.float32(1), puck, jnp.bool_(False), jnp.int32(0), push_seed)


def observe(state: WorldState) -> Array:
    """(8,) float32."""
    opening, held = 2 * state.opening - 1, jnp.where(state.held, 1.0, -1.0)
    away = 2 * (state.puck - state.gripper)
    return jnp.concatenate([state.gripper, opening[None], state.puck, held[None], away])


def step(world: LiteWorld, state: WorldState, action: Array) -> WorldState:
    """One action (3,), clipped to [-1, 1]. Raises QlacError if the world's step is not in (0, 0.1]."""
    if not 0 < world.step <= 2 * WALL:
        raise QlacError(
            f"A step of {world.step:g} stands still or passes through the wall, "
            f"which is {2 * WALL:g} thick. Take one above 0, of at most {2 * WALL:g}."
        )
    action = jnp.clip(action, -1.0, 1.0)
    velocity = action[:2]
    if isinstance(world.disturbance, Array) or world.disturbance:  # an array may be traced
        push = jax.random.normal(jax.random.fold_in(jax.random.key(state.push_seed), state.time), (2,))
        velocity += world.disturbance * push
    gripper = _slide(world, state.gripper, world.step * velocity)
    opening = jnp.clip(state.opening - CLOSING_SPEED * world.step * action[2], 0.0, 1.0)
    closing_now = (opening < HOLDING) & (state.opening >= HOLDING)
    catches = closing_now & (jnp.linalg.norm(state.puck - gripper) < world.reach)
    held = (opening < HOLDING) & (state.held | catches)
    puck = jnp.where(held, gripper, state.puck)
    return WorldState(gripper, opening, puck, held, state.time + 1, state.push_seed)


def solved(world: LiteWorld, state: WorldState) -> Array:
    """() bool: the puck lies at the goal, and the gripper has let go."""
    return (jnp.linalg.norm(state.puck - jnp.array(GOAL)) < world.tolerance) & ~state.held


def in_wall(world: LiteWorld, place: Array) -> Array:
    """() bool for a place (2,)."""
    through_gap = jnp.min(jnp.abs(place[1] - jnp.array(GAPS))) < world.gap / 2
    return (jnp.abs(place[0]) < WALL) & ~through_gap


def _slide(world: LiteWorld, place: Array, move: Array) -> Array:
    """One coordinate after the other; a move that would end in the wall or outside is left out."""
    for axis in range(2):
        there = jnp.clip(place.at[axis].add(move[axis]), -1.0, 1.0)
        place = jnp.where(in_wall(world, there), place, there)
    return place


class Executed(NamedTuple):
    """An executed chunk, padded to H steps; the state stands still after the episode's end."""

    states: WorldState  # (H + 1, ...)
    rewards: Array  # (H,)
    length: Array  # () int32, steps executed
    terminated: Array  # () bool, solved
    truncated: Array  # () bool, out of time


def execute(world: LiteWorld, state: WorldState, chunk: Array) -> Executed:
    """Executes a chunk (H, 3) until it or the episode ends."""

    def one(carry, action):
        state, terminated, truncated = carry
        ended = terminated | truncated
        new = jax.tree.map(lambda a, b: jnp.where(ended, a, b), state, step(world, state, action))
        terminated |= solved(world, new)
        truncated |= ~terminated & (new.time >= world.limit)
        return (new, terminated, truncated), (new, jnp.where(terminated, 0.0, -1.0), ~ended)

    start = (state, jnp.bool_(False), jnp.bool_(False))
    (_, terminated, truncated), (states, rewards, executed) = jax.lax.scan(one, start, chunk)
    states = jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), state, states)
    return Executed(states, rewards, jnp.sum(executed, dtype=jnp.int32), terminated, truncated)


class LiteWorldEnv(gymnasium.Env):
    """Also `gymnasium.make("qlac_lite/LiteWorld-v0", step=0.04)`."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode: str | None = None, **settings: float):
        self.world, self.render_mode = LiteWorld(**settings), render_mode
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION_SIZE,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)
        self._reset, self._observe = jax.jit(reset), jax.jit(observe)
        self._execute = jax.jit(execute, static_argnums=0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self._reset(jax.random.key(self.np_random.integers(2**32)))
        return np.asarray(self._observe(self.state)), {}

    def step(self, action: np.ndarray):
        done = self._execute(self.world, self.state, jnp.asarray(action, jnp.float32)[None])
        self.state = jax.tree.map(lambda leaf: leaf[-1], done.states)
        observation, success = np.asarray(self._observe(self.state)), bool(done.terminated)
        return observation, float(done.rewards[0]), success, bool(done.truncated), {"success": success}

    def render(self) -> np.ndarray:
        """(300, 300, 3) uint8."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        canvas = FigureCanvasAgg(Figure(figsize=(3, 3), dpi=100, layout="constrained", facecolor="white"))
        draw_world(canvas.figure.add_subplot(), self.world, [self.state])
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


gymnasium.register("qlac_lite/LiteWorld-v0", entry_point=LiteWorldEnv)


def make_env(task: Task, size: int, env_args: dict | None) -> gymnasium.Env:
    """See `envs.make`; `places` and `goals` have z = 0."""
    return LiteWorldEnv(render_mode="rgb_array")


def show(simulator: LiteWorldEnv, observation: np.ndarray) -> None:
    opening, held = (observation[2] + 1) / 2, observation[5] > 0
    simulator.state = WorldState(observation[:2], opening, observation[3:5], held, 0)


def places(simulator: LiteWorldEnv, task: Task):
    gripper, puck = (np.append(place, 0.0) for place in (simulator.state.gripper, simulator.state.puck))
    return gripper, [puck]


def goals(task: Task) -> np.ndarray:
    return np.array([[*GOAL, 0.0]])


def draw_world(axes, world: LiteWorld, states=()) -> None:
    """The world from above, with gripper and puck in each of `states`."""
    from matplotlib.patches import Circle

    low, high = np.array(GAPS) - world.gap / 2, np.array(GAPS) + world.gap / 2
    for bottom, top in zip([-1, *high], [*low, 1], strict=True):
        axes.fill_between([-WALL, WALL], bottom, top, color="0.35", linewidth=0)
    axes.add_patch(Circle(GOAL, world.tolerance, facecolor="none", edgecolor="#D55E00", linewidth=1.5))
    for state in states:
        x, y = np.asarray(state.gripper)
        reach = 0.03 + 0.05 * float(state.opening)
        axes.plot([x, x], [y - reach, y + reach], "_", color="#0072B2", markersize=9, markeredgewidth=2)
        axes.plot(*np.asarray(state.puck), "o", color="#D55E00", markersize=7)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(True)  # a closed frame: this is a place, not a plot
    axes.grid(False)
