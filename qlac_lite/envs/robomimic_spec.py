"""Robomimic's environments as its files describe them: settings, and what an observation is made of."""

from collections.abc import Sequence

import numpy as np

from qlac_lite.utils.errors import QlacError

ENV_NAMES = {"lift": "Lift", "can": "PickPlaceCan", "square": "NutAssemblySquare"}
# Of a file, in the order of an observation.
KEYS = ("robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos", "object")
OBJECT_SIZES = {"lift": 10, "can": 14, "square": 14}
STATE_SIZES = {"lift": 32, "can": 71, "square": 45}  # time, positions, velocities
# Of the arm's controller: what the fast loop has in one way only, and what it takes as it is.
FAST = ("type", "impedance_mode", "input_type", "input_ref_frame", "uncouple_pos_ori", "interpolation")
DIALS = ("kp", "damping_ratio", "output_max", "output_min", "input_max", "input_min")
PLAIN = dict(has_renderer=False, has_offscreen_renderer=False, ignore_done=True, use_object_obs=True)
PLAIN["use_camera_obs"] = False


def env_args(task: str) -> dict:
    """A file's `env_args` for 'lift', 'can' or 'square': environment, version and settings."""
    most = [0.05] * 3 + [0.5] * 3  # metres and radians of an action of 1
    arm = dict(
        type="OSC_POSE",
        input_max=1,
        input_min=-1,
        output_max=most,
        output_min=[-x for x in most],
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
    settings = PLAIN | dict(
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


def _arm(args: dict) -> dict:
    """The right arm's settings, {} if there are none; before robosuite 1.5 they had no body parts above."""
    settings = args["env_kwargs"].get("controller_configs")
    settings = settings[0] if isinstance(settings, list) and settings else settings
    for part in ("body_parts", "right"):
        settings = settings.get(part, settings) if isinstance(settings, dict) else {}
    return settings if isinstance(settings, dict) else {}


def _others(held: dict, usual: dict, keys: Sequence[str]) -> list[str]:
    """What is held under the keys other than usual, in words; what is not held is as usual."""
    held = usual | held
    return [f"{key} is {held[key]}, not {usual[key]}" for key in keys if held[key] != usual[key]]


def unknown_to_fast(args: dict) -> list[str]:
    """Settings of the arm that `envs.panda` does not have, in words; with any, robosuite's own loop runs."""
    robosuites = {"type": None, "input_ref_frame": "base"}
    return _others(robosuites | _arm(args), _arm(env_args("lift")), FAST)


def loop_of(args: dict) -> str:
    """Which control loop runs, in words."""
    return "robosuite's own, slower control loop" if unknown_to_fast(args) else "the fast control loop"


def control_note(args: dict) -> str:
    """A sentence on settings of the arm's control other than robomimic's, and which loop runs; "" if none."""
    usual = env_args("lift")
    others = unknown_to_fast(args) + _others(_arm(args), _arm(usual), DIALS)
    others += _others(args["env_kwargs"], usual["env_kwargs"], ["control_freq"])
    told = f"Its control is not robomimic's ({'; '.join(others)}): it runs in {loop_of(args)}"
    return told if others else ""


def task_of(args: dict) -> str:
    """'lift', 'can' or 'square', from a file's `env_args`; others are refused with a QlacError."""
    if not isinstance(args, dict) or not isinstance(args.get("env_kwargs"), dict):
        raise QlacError("env_args name no environment and its settings (env_name, env_version, env_kwargs).")
    name, version = args.get("env_name"), args.get("env_version", "before 1.2")
    tasks = {env_name: task for task, env_name in ENV_NAMES.items()}
    if name not in tasks:
        raise QlacError(f"The course has no environment {name!r}. Give a file of lift, can or square.")
    if not str(version).startswith("1.5"):
        raise QlacError(
            f"The file is of robosuite {version}, whose simulator differs. "
            "Give the v1.5 file of the same set (low_dim_v15.hdf5)."
        )
    if (robots := args["env_kwargs"].get("robots")) not in (["Panda"], "Panda"):
        raise QlacError(f"The robots are {robots}, but the course has one Panda.")
    return tasks[name]


def rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`vector` (..., 3) turned by unit quaternions (..., 4) in the order x, y, z, w."""
    axis, w = quaternion[..., :3], quaternion[..., 3:]
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * vector)


def object_observation(task: str, pose: np.ndarray, eef_pos: np.ndarray, eef_quat: np.ndarray) -> np.ndarray:
    """robosuite 1.5's `object` of one moment.

    Args:
        pose: (..., 7) the object's position in metres and quaternion x, y, z, w, in the world.
        eef_pos, eef_quat: (..., 3) and (..., 4) of the end effector.

    Returns:
        lift (..., 10): `pose`, and the position less the end effector's. can and square (..., 14): the pose
        seen from the end effector (w >= 0), then `pose`.
    """
    away = pose[..., :3] - eef_pos
    if task == "lift":
        return np.concatenate([pose, away], axis=-1)
    back = eef_quat * np.array([-1.0, -1.0, -1.0, 1.0])
    back_axis, back_w, axis, w = back[..., :3], back[..., 3:], pose[..., 3:6], pose[..., 6:]
    turned_axis = back_w * axis + w * back_axis + np.cross(back_axis, axis)
    turned_w = back_w * w - np.sum(back_axis * axis, axis=-1, keepdims=True)
    turned = np.concatenate([turned_axis, turned_w], axis=-1)
    return np.concatenate([rotate(back, away), np.where(turned_w < 0, -turned, turned), pose], axis=-1)
