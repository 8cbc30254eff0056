"""Robomimic's Lift, Can and Square: robosuite 1.5, a Panda arm, 20 steps a second.

The reward is r - 1, with robosuite's sparse r(s') in {0, 1}, and an episode ends at its first success, as in
the Q-chunking paper (arXiv 2507.07969, appendix on Robomimic). Its reset seed alone decides an episode.
Observations are read after the step, because robosuite's own relative poses are a sample late.
"""

import functools
import logging
import warnings
from importlib import import_module, metadata

import gymnasium
import numpy as np

from qlac_lite.config.tasks import Task
from qlac_lite.envs import robomimic_spec as spec
from qlac_lite.envs.rendering import mujoco, without_renderer
from qlac_lite.utils.errors import QlacError

PRELOADED = [__name__, "qlac_lite.envs.panda"]
BODIES = {"lift": "cube_main", "can": "Can_main", "square": "SquareNut_main"}  # the task's object in MuJoCo
NEEDED = (
    "Robomimic's simulator is not installed. Run `make robomimic`, or: "
    "pip install 'qlac-lite[robomimic]' and then pip install --no-deps robosuite==1.5.2"
)
OVERRIDES = spec.PLAIN | dict(reward_shaping=False, hard_reset=False, lite_physics=True, seed=0)


def make_env(task: Task, size: int, env_args: dict | None) -> gymnasium.Env:
    """See `envs.make`, as for `places` and `goals`."""
    domain = task.domain
    return RobomimicEnv(env_args or spec.env_args(domain.env_class), domain.episode_limit, size=size)


def show(simulator: gymnasium.Env, state: np.ndarray) -> None:
    simulator.reset(options={"state": state})


def places(simulator: gymnasium.Env, task: Task):
    return simulator.effector(), [simulator.object_pose()[:3]]


def goals(task: Task) -> np.ndarray:
    return np.zeros((0, 3))  # success is robosuite's own test


@functools.cache
def _robosuite():
    """The package, without its messages. QlacError: it is missing, or of another version."""
    logging.getLogger("robosuite_logs").addFilter(lambda record: record.levelno >= logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"), without_renderer():
            from qlac_lite.envs.panda import with_cache

            package = with_cache(lambda: import_module("robosuite"))
    except ImportError as error:
        raise QlacError(f"{NEEDED} ({error})") from error
    version, mujoco_version = metadata.version("robosuite"), metadata.version("mujoco")
    if not version.startswith("1.5"):
        raise QlacError(f"robosuite {version} is installed, but the course needs 1.5.2. {NEEDED}")
    # From 3.10 on mj_fullM, qM and the enums are not what robosuite 1.5 asks for.
    if tuple(map(int, mujoco_version.split(".")[:2])) >= (3, 10):
        raise QlacError(
            f"MuJoCo {mujoco_version} is installed, but robosuite 1.5 needs one before 3.10. Run "
            "`make robomimic` in a fresh set-up, or: pip install 'mujoco<3.10'"
        )
    return package


def _made(args: dict):
    """robosuite's environment of a file's `env_args`."""
    robosuite, kwargs = _robosuite(), args["env_kwargs"] | OVERRIDES | {"env_name": args["env_name"]}
    factory = import_module("robosuite.controllers.composite.composite_controller_factory")
    try:
        if isinstance(settings := kwargs.get("controller_configs"), dict):  # perhaps as before robosuite 1.5
            refactored = factory.refactor_composite_controller_config(settings, "Panda", ["right"])
            kwargs["controller_configs"] = refactored
        with warnings.catch_warnings(action="ignore"):
            made = robosuite.make(**kwargs)
        arm = made.robots[0].part_controllers["right"]
        if any(getattr(arm, f"{part}_limits", None) is not None for part in ("position", "orientation")):
            raise NotImplementedError("limits of the hand's place or turn")
    except Exception as error:  # of any kind, by its parts
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        remedy = "Mend its env_kwargs, or give robomimic's own file."
        raise QlacError(f"robosuite does not take the file's env_args ({told}). {remedy}") from error
    return made


class RobomimicEnv(gymnasium.Env):
    """One task. Observation (S,) float32: `robomimic_spec.KEYS` in their order.

    An action (7,) in [-1, 1] moves the end effector by up to 5 cm an axis, turns it by up to 0.5 rad, and
    opens (negative) or closes (positive) the gripper.

    Args:
        args: a file's `env_args`, or `robomimic_spec.env_args(task)`.
        stock: robosuite's own loop in place of `envs.panda`, which does not know all controllers.
        size: width and height of a rendered frame in pixels.

    QlacError: no simulator, another robot or version, or settings that robosuite or this class refuses.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(self, args: dict, episode_limit: int, stock: bool = False, size: int = 200):
        self.task, self.episode_limit, self.size = spec.task_of(args), episode_limit, size
        self.robosuite = _made(args)
        self.model, self.data = self.robosuite.sim.model._model, self.robosuite.sim.data._data
        robot = self.robosuite.robots[0]
        self._arm = robot.part_controllers["right"]
        self._fingers = robot._ref_gripper_joint_pos_indexes["right"]
        self._finger_speeds = robot._ref_gripper_joint_vel_indexes["right"]
        self._hand = self.data.body("robot0_right_hand")  # has the effector's turn
        self._grip = self.data.site("gripper0_right_grip_site")  # and its place
        self._object = self.data.body(BODIES[self.task])
        if self.robosuite.action_dim != 7:
            raise QlacError(
                f"This controller ({self._arm.name}) takes {self.robosuite.action_dim} numbers, but an "
                "action of the course has 7 (OSC_POSE and the gripper). Give robomimic's own file."
            )
        from qlac_lite.envs.panda import control_loop

        self.stock = stock or bool(spec.unknown_to_fast(args))
        self._advance = self.robosuite.step if self.stock else control_loop(self.robosuite)
        self._renderer, self.render_mode = None, "rgb_array"
        shape = (9 + spec.OBJECT_SIZES[self.task],)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (7,), np.float32)

    def reset(self, *, seed=None, options=None):
        """A new episode, decided by `seed`, or from a recorded state: `options={"state": (D,)}`."""
        super().reset(seed=seed)
        rng = np.random.default_rng(self.np_random.integers(2**63))
        placing = self.robosuite.placement_initializer
        for each in (self.robosuite, placing, *getattr(placing, "samplers", {}).values()):
            each.rng = rng
        self.robosuite.reset()
        if (state := (options or {}).get("state")) is not None:
            state, size = np.asarray(state, np.float64), spec.STATE_SIZES[self.task]
            if state.shape != (size,) or not np.isfinite(state).all():
                wanted = f"a row of a {self.task} file's states, {size} finite numbers"
                raise QlacError(f"Give {wanted}, not an array of the shape {state.shape}.")
            self.robosuite.sim.set_state_from_flattened(state)
            self.robosuite.sim.forward()
        # Else the controllers would go by another episode's posture: the fast loop's, which stays the same
        # object, and that of robosuite's loop, which a reset makes anew before the state is set.
        for arm in (self._arm, self.robosuite.robots[0].part_controllers["right"]):
            arm.update_initial_joints(self.data.qpos[self._arm.qpos_index])
        self._steps = 0
        return self._observe(), {"success": False}

    def step(self, action: np.ndarray):
        self._advance(np.clip(np.asarray(action, np.float64), -1, 1))
        self._steps += 1
        observation, success = self._observe(), bool(self.robosuite._check_success())
        return observation, success - 1.0, success, self._steps >= self.episode_limit, {"success": success}

    def _observe(self) -> np.ndarray:
        mujoco.mj_kinematics(self.model, self.data)  # places of the step's end, not of a substep before
        return np.concatenate(list(self._key_values().values())).astype(np.float32)

    def _key_values(self) -> dict[str, np.ndarray]:
        position, quaternion = self.effector(), _xyzw(self._hand.xquat)
        thing = spec.object_observation(self.task, self.object_pose(), position, quaternion)
        return dict(zip(spec.KEYS, (position, quaternion, self.data.qpos[self._fingers], thing), strict=True))

    def raw(self) -> dict[str, np.ndarray]:
        """This moment under a robomimic file's ten keys."""
        joints, grip = self.data.qpos[self._arm.qpos_index], np.empty(4)
        mujoco.mju_mat2Quat(grip, self._grip.xmat)
        return self._key_values() | {
            "robot0_gripper_qvel": self.data.qvel[self._finger_speeds],
            "robot0_joint_pos": joints,
            "robot0_joint_pos_cos": np.cos(joints),
            "robot0_joint_pos_sin": np.sin(joints),
            "robot0_joint_vel": self.data.qvel[self._arm.qvel_index],
            "robot0_eef_quat_site": _xyzw(grip),
        }

    def state(self) -> np.ndarray:
        """Time, positions and velocities (D,): a row of a file's `states`."""
        return np.concatenate([[self.data.time], self.data.qpos, self.data.qvel])

    def effector(self) -> np.ndarray:
        """Its place (3,) in metres."""
        return self._grip.xpos.copy()

    def effector_axes(self) -> np.ndarray:
        """Its axes as columns (3, 3); the fingers close along the first."""
        return self._grip.xmat.reshape(3, 3)

    def object_pose(self) -> np.ndarray:
        """(7,): position in metres, then quaternion x, y, z, w."""
        return np.concatenate([self._object.xpos, _xyzw(self._object.xquat)])

    def render(self) -> np.ndarray:
        if not self._renderer:
            self._renderer = mujoco.Renderer(self.model, self.size, self.size)
            self._seen = mujoco.MjvOption()
            self._seen.geomgroup[0] = 0  # shapes for collisions
        self._renderer.update_scene(self.data, "agentview", self._seen)
        return self._renderer.render()

    def close(self) -> None:
        if self._renderer:
            self._renderer.close()
            self._renderer = None


def _xyzw(quaternion: np.ndarray) -> np.ndarray:
    return np.roll(quaternion, -1)
