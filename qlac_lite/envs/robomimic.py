"""Robomimic's Lift, Can and Square (robosuite 1.5, a Panda arm, 20 steps a second), as the course uses them.

The reward is r - 1, with robosuite's sparse r(s') in {0, 1}, and an episode ends at its first success, as in
the Q-chunking paper (arXiv 2507.07969, appendix on Robomimic). An episode is decided by its reset seed alone:
after a soft reset robosuite's controller would begin with what it knew before. What is observed is read from
the simulator when the step is over: robosuite's relative poses are a sample late. This module imports no JAX,
and robosuite only where it is used.
"""

import functools
import logging
import warnings
from importlib import import_module, metadata
from typing import Any

import gymnasium
import numpy as np

from qlac_lite.utils.errors import QlacError

ENV_NAMES = {"lift": "Lift", "can": "PickPlaceCan", "square": "NutAssemblySquare"}
BODIES = {
    "lift": "cube_main",
    "can": "Can_main",
    "square": "SquareNut_main",
}  # the task's object in MuJoCo's model
KEYS = (
    "robot0_eef_pos",
    "robot0_eef_quat",
    "robot0_gripper_qpos",
    "object",
)  # of a file, in the order of an observation
OBJECT_SIZES = {"lift": 10, "can": 14, "square": 14}
STATE_SIZES = {"lift": 32, "can": 71, "square": 45}  # time, positions, velocities
HAND = (
    "robot0_right_hand",
    "gripper0_right_grip_site",
)  # the end effector's orientation is a body's, its place a site's
MUJOCO_BELOW = (3, 10)  # from there on mj_fullM, qM and the enums are not what robosuite 1.5 asks for
NEEDED = (
    "Robomimic's simulator is not installed. Run `make robomimic`, or: "
    "pip install 'qlac-lite[robomimic]' and then pip install --no-deps robosuite==1.5.2"
)


def env_args(task: str) -> dict[str, Any]:
    """What a robomimic file's `env_args` holds for 'lift', 'can' or 'square':
    the environment's name, version and settings."""
    reach, turn = [0.05] * 3, [0.5] * 3  # metres and radians of an action of 1
    arm = dict(
        type="OSC_POSE",
        input_max=1,
        input_min=-1,
        output_max=reach + turn,
        output_min=[-x for x in reach + turn],
        kp=150,
        damping_ratio=1,
        impedance_mode="fixed",
        kp_limits=[0, 300],
        damping_ratio_limits=[0, 10],
        position_limits=None,
        orientation_limits=None,
        uncouple_pos_ori=True,
        input_type="delta",
        input_ref_frame="world",
        interpolation=None,
        ramp_ratio=0.2,
        gripper={"type": "GRIP"},
    )
    settings = dict(
        has_renderer=False,
        has_offscreen_renderer=False,
        ignore_done=True,
        use_object_obs=True,
        use_camera_obs=False,
        control_freq=20,
        controller_configs={"type": "BASIC", "body_parts": {"right": arm}},
        robots=["Panda"],
        camera_depths=False,
        camera_heights=84,
        camera_widths=84,
        lite_physics=False,
        reward_shaping=False,
    )
    return {"env_name": ENV_NAMES[task], "env_version": "1.5.2", "type": 1, "env_kwargs": settings}


def task_of(args: dict[str, Any]) -> str:
    """'lift', 'can' or 'square', from a file's `env_args`.

    Raises:
        QlacError: another environment, another robot, or settings of a version before 1.5.
    """
    if not isinstance(args, dict) or not isinstance(args.get("env_kwargs"), dict):
        raise QlacError("env_args name no environment and its settings (env_name, env_version, env_kwargs).")
    name, settings = args.get("env_name"), args["env_kwargs"]
    tasks = {env_name: task for task, env_name in ENV_NAMES.items()}
    if name not in tasks:
        raise QlacError(
            f"The environment is {name!r}, but the course has {', '.join(tasks)}. "
            "Give a file of lift, can or square."
        )
    if not str(args.get("env_version", "")).startswith("1.5"):
        raise QlacError(
            f"The file is of robosuite {args.get('env_version', 'before 1.2')}, whose simulator differs. "
            "Give the v1.5 file of the same set (low_dim_v15.hdf5)."
        )
    if settings.get("robots") not in (["Panda"], "Panda"):
        raise QlacError(f"The robots are {settings.get('robots')}, but the course has one Panda.")
    return tasks[name]


def rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`vector` (..., 3) turned by unit quaternions (..., 4) in the order x, y, z, w."""
    axis, w = quaternion[..., :3], quaternion[..., 3:]
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * vector)


def object_observation(task: str, pose: np.ndarray, eef_pos: np.ndarray, eef_quat: np.ndarray) -> np.ndarray:
    """robosuite 1.5's `object` of one moment, from the object's own pose:
    no part of it is older than another.

    Args:
        pose: (..., 7) the object's position in metres and quaternion x, y, z, w, in the world.
        eef_pos, eef_quat: (..., 3) and (..., 4) of the end effector.

    Returns:
        lift (..., 10): position, quaternion, position less the end effector's, along the world's axes. can
        and square (..., 14): position and quaternion seen from the end effector (w >= 0), then those in the
        world.
    """
    away = pose[..., :3] - eef_pos
    if task == "lift":
        return np.concatenate([pose, away], axis=-1)
    back = eef_quat * np.array([-1.0, -1.0, -1.0, 1.0])
    axis, w = pose[..., 3:6], pose[..., 6:]
    turned = np.concatenate(
        [
            back[..., 3:] * axis + w * back[..., :3] + np.cross(back[..., :3], axis),
            back[..., 3:] * w - np.sum(back[..., :3] * axis, axis=-1, keepdims=True),
        ],
        axis=-1,
    )
    return np.concatenate([rotate(back, away), np.where(turned[..., 3:] < 0, -turned, turned), pose], axis=-1)


@functools.cache
def _robosuite():
    """The package, without its messages about files that nobody needs."""
    logging.getLogger("robosuite_logs").addFilter(lambda record: record.levelno >= logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            package = import_module("robosuite")
    except ImportError as error:
        raise QlacError(f"{NEEDED} ({error})") from error
    if not metadata.version("robosuite").startswith("1.5"):
        raise QlacError(
            f"robosuite {metadata.version('robosuite')} is installed, but the course needs 1.5.2. {NEEDED}"
        )
    mujoco = metadata.version("mujoco")
    if tuple(int(part) for part in mujoco.split(".")[:2]) >= MUJOCO_BELOW:
        below = ".".join(map(str, MUJOCO_BELOW))
        raise QlacError(
            f"MuJoCo {mujoco} is installed, but robosuite 1.5 needs one before {below}. Run "
            f"`make robomimic` in a fresh set-up, or: pip install 'mujoco<{below}'"
        )
    return package


class RobomimicEnv(gymnasium.Env):
    """One task: observations (S,) float32 of KEYS, actions (7,) in [-1, 1], reward r - 1, ends at success.

    An action is a displacement of the end effector of up to 5 cm an axis, a turn of up to 0.5 rad,
    and the gripper: negative opens, positive closes.

    Args:
        args: a file's `env_args`, or `env_args(task)`.
        episode_limit: steps after which an episode is truncated.
        stock: robosuite's own loop over the substeps in place of `envs.panda`;
            taken too for a controller that the latter doesn't know.
        size: width and height of a rendered frame in pixels.

    Raises:
        QlacError: no simulator, another robot or version,
            or a controller whose actions are not seven numbers.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(self, args: dict[str, Any], episode_limit: int, stock: bool = False, size: int = 200):
        self.task, self.episode_limit, self.size = task_of(args), episode_limit, size
        ours = dict(
            has_renderer=False,
            has_offscreen_renderer=False,
            use_camera_obs=False,
            use_object_obs=True,
            reward_shaping=False,
            ignore_done=True,
            hard_reset=False,
            lite_physics=True,
            seed=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.robosuite = _robosuite().make(args["env_name"], **args["env_kwargs"] | ours)
        self.model, self.data = self.robosuite.sim.model._model, self.robosuite.sim.data._data
        robot = self.robosuite.robots[0]
        self._arm = robot.part_controllers["right"]
        self._fingers = np.array(robot._ref_gripper_joint_pos_indexes["right"])
        self._finger_speeds = np.array(robot._ref_gripper_joint_vel_indexes["right"])
        self._hand, self._grip = self.model.body(HAND[0]).id, self.model.site(HAND[1]).id
        self._object = self.model.body(BODIES[self.task]).id
        if self.robosuite.action_dim != 7:
            raise QlacError(
                f"This controller ({self._arm.name}) takes {self.robosuite.action_dim} numbers, but an "
                "action of the course has 7 (OSC_POSE and the gripper). Give robomimic's own file."
            )
        self._advance, self.stock = self._stock_step, stock
        if not stock:
            from qlac_lite.envs.panda import Panda, knows

            self.stock = not knows(self._arm)
        if not self.stock:
            self._panda = Panda(self.robosuite)
            self._advance = self._panda.step
        self._renderer, self.render_mode = None, "rgb_array"
        size = 9 + OBJECT_SIZES[self.task]
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (7,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """A new episode, decided by `seed`; `options={"state": (D,)}` starts it at a recorded simulator state
        instead.

        Raises:
            QlacError: a state of another length, or with a NaN.
        """
        super().reset(seed=seed)
        rng = np.random.default_rng(self.np_random.integers(2**63))
        self.robosuite.rng = rng
        placing = self.robosuite.placement_initializer
        for sampler in (placing, *getattr(placing, "samplers", {}).values()):
            sampler.rng = rng
        self.robosuite.reset()
        self._arm.update_initial_joints(
            self.data.qpos[self._arm.qpos_index]
        )  # else it goes by what was before the reset
        state = (options or {}).get("state")
        if state is not None:
            self._start_at(np.asarray(state, np.float64))
        self._steps = 0
        return self._observe(), {"success": False}

    def _start_at(self, state: np.ndarray) -> None:
        if state.shape != (STATE_SIZES[self.task],) or not np.all(np.isfinite(state)):
            raise QlacError(
                f"A simulator state of {self.task} has {STATE_SIZES[self.task]} finite numbers, but this "
                f"has the shape {state.shape}. Give a row of the file's states."
            )
        self.robosuite.sim.set_state_from_flattened(state)
        self.robosuite.sim.forward()
        self._arm.update_initial_joints(self.data.qpos[self._arm.qpos_index])

    def step(self, action: np.ndarray):
        self._advance(np.clip(np.asarray(action, np.float64), -1, 1))
        self._steps += 1
        observation = self._observe()
        success = bool(self.robosuite._check_success())
        return (
            observation,
            float(success) - 1.0,
            success,
            self._steps >= self.episode_limit,
            {"success": success},
        )

    def _stock_step(self, action: np.ndarray) -> None:
        self.robosuite.step(action)

    def _observe(self) -> np.ndarray:
        import mujoco

        mujoco.mj_kinematics(
            self.model, self.data
        )  # places as of the step's end, not of its last substep's beginning
        raw = self._key_values()
        return np.concatenate([raw[key] for key in KEYS]).astype(np.float32)

    def _key_values(self) -> dict[str, np.ndarray]:
        position, quaternion = self.effector(), _xyzw(self.data.xquat[self._hand])
        pose = np.concatenate([self.object_position(), _xyzw(self.data.xquat[self._object])])
        return dict(
            zip(
                KEYS,
                (
                    position,
                    quaternion,
                    self.data.qpos[self._fingers],
                    object_observation(self.task, pose, position, quaternion),
                ),
                strict=True,
            )
        )

    def raw(self) -> dict[str, np.ndarray]:
        """This moment under a robomimic file's ten keys."""
        import mujoco

        joints = self.data.qpos[self._arm.qpos_index].copy()
        grip = np.empty(4)
        mujoco.mju_mat2Quat(grip, self.data.site_xmat[self._grip])
        return self._key_values() | {
            "robot0_gripper_qvel": self.data.qvel[self._finger_speeds].copy(),
            "robot0_joint_pos": joints,
            "robot0_joint_pos_cos": np.cos(joints),
            "robot0_joint_pos_sin": np.sin(joints),
            "robot0_joint_vel": self.data.qvel[self._arm.qvel_index].copy(),
            "robot0_eef_quat_site": _xyzw(grip),
        }

    def state(self) -> np.ndarray:
        """Time, positions and velocities (D,), as in a file's `states`."""
        return np.concatenate([[self.data.time], self.data.qpos, self.data.qvel])

    def model_xml(self) -> str:
        """The scene in MuJoCo's XML."""
        return self.robosuite.sim.model.get_xml()

    def effector(self) -> np.ndarray:
        """Where the end effector is, (3,) in metres."""
        return self.data.site_xpos[self._grip].copy()

    def object_position(self) -> np.ndarray:
        """Where the task's object is, (3,) in metres."""
        return self.data.xpos[self._object].copy()

    def render(self) -> np.ndarray:
        import mujoco

        if self._renderer is None:
            self._renderer = mujoco.Renderer(self.model, self.size, self.size)
            self._seen = mujoco.MjvOption()
            self._seen.geomgroup[0] = 0  # shapes for collisions
        self._renderer.update_scene(self.data, "agentview", self._seen)
        return self._renderer.render()

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _xyzw(quaternion: np.ndarray) -> np.ndarray:
    return np.roll(quaternion, -1)
