"""robosuite's operational-space control of a Panda, with the same torques for a part of the Python.

In each of a control step's 25 substeps robosuite looks up the same names and matrices again. Here they are
read once, and one compiled function computes the torques, equal up to rounding. Source: O. Khatib, A unified
approach for motion and force control of robot manipulators (1987), as robosuite 1.5 has it (OSC_POSE, fixed
impedance, position and orientation uncoupled).
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from qlac_lite.envs.rendering import mujoco

POSTURE_GAIN = 10.0  # of the pull towards the first posture, in what the hand doesn't feel


def with_cache(compiling: Callable[[], Any]) -> Any:
    """`compiling()`. Numba caches beside the source or in HOME; else here in this process's folder."""
    try:
        return compiling()
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        folder = tempfile.mkdtemp(prefix="qlac-lite-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"] = folder  # for simulators' processes, too
        return compiling()


def _torques(mass, jacobian, bias, rotation, goal_rotation, off, stiffness, damping, velocity, posture_error):
    """Torques (7,) of the arm's joints, in N m.

    Args:
        mass: (7, 7). jacobian: (6, 7) of the hand, positions then rotations. bias: (7,) gravity and Coriolis.
        rotation, goal_rotation: (3, 3) of the hand. off: (3,) metres from the hand to its goal.
        stiffness, damping: (6,). velocity, posture_error: (7,) of the joints, in rad/s and rad.
    """
    turn = np.zeros(3)
    for axis in range(3):
        turn += 0.5 * np.cross(rotation[:, axis].copy(), goal_rotation[:, axis].copy())
    moving = jacobian @ velocity
    force = stiffness[:3] * off - damping[:3] * moving[:3]
    twist = stiffness[3:] * turn - damping[3:] * moving[3:]
    transposed = np.ascontiguousarray(jacobian.T)
    per_mass = np.linalg.solve(mass, transposed)  # (7, 6)
    mobility = jacobian @ per_mass
    wrench = np.empty(6)
    wrench[:3] = np.linalg.solve(np.ascontiguousarray(mobility[:3, :3]), force)
    wrench[3:] = np.linalg.solve(np.ascontiguousarray(mobility[3:, 3:]), twist)
    posture = mass @ (POSTURE_GAIN * posture_error - 2 * np.sqrt(POSTURE_GAIN) * velocity)
    felt = np.linalg.pinv(mobility) @ (np.ascontiguousarray(per_mass.T) @ posture)
    return transposed @ wrench + bias + (posture - transposed @ felt)


torques = with_cache(lambda: numba.njit(cache=True)(_torques))


def control_loop(env) -> Callable[[np.ndarray], None]:
    """The control step of a robosuite environment with no `robomimic_spec.unknown_to_fast`."""
    model, data, robot = env.sim.model._model, env.sim.data._data, env.robots[0]
    arm, gripper = robot.part_controllers["right"], robot.gripper["right"]
    site, joints, speeds = data.site(arm.ref_name), np.array(arm.qpos_index), np.array(arm.qvel_index)
    motors = np.array(robot._ref_actuators_indexes_dict["right"])
    fingers = np.array(robot._ref_joint_gripper_actuator_indexes["right"])
    limits, (low, high) = model.actuator_ctrlrange[motors].T, model.actuator_ctrlrange[fingers].T
    masses, jacobians = np.zeros((model.nv, model.nv)), np.zeros((6, model.nv))  # of all joints

    def step(action: np.ndarray) -> None:
        """`action` (7,) in [-1, 1]."""
        delta = arm.scale_action(action[:6])
        for substep in range(int(env.control_timestep / env.model_timestep)):
            mujoco.mj_step1(model, data)
            place, rotation = site.xpos, site.xmat.reshape(3, 3)
            if substep == 0:
                goal, goal_rotation = place + delta[:3], _turn(delta[3:]) @ rotation
                grip = gripper.format_action(action[6:])
                data.ctrl[fingers] = np.clip((low + high) / 2 + (high - low) / 2 * grip, low, high)
            mujoco.mj_jacSite(model, data, jacobians[:3], jacobians[3:], site.id)
            mujoco.mj_fullM(model, masses, data.qM)
            mass, jacobian = masses[np.ix_(speeds, speeds)], jacobians[:, speeds].copy()
            bias, velocity = data.qfrc_bias[speeds], data.qvel[speeds]
            posture_error = arm.initial_joint - data.qpos[joints]
            poses = rotation, goal_rotation, goal - place
            torque = torques(mass, jacobian, bias, *poses, arm.kp, arm.kd, velocity, posture_error)
            data.ctrl[motors] = np.clip(torque, *limits)
            mujoco.mj_step2(model, data)
        env.timestep += 1

    return step


def _turn(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a turn about `vector` by its length in radians."""
    quaternion, matrix = np.empty(4), np.empty(9)
    angle = np.linalg.norm(vector)
    mujoco.mju_axisAngle2Quat(quaternion, vector / max(angle, 1e-12), angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)
