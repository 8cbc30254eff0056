"""robosuite's operational-space control of a Panda, with the same torques for a part of the Python.

In each of a control step's 25 substeps robosuite asks for the same names and matrices again. Here they are
read once, and one compiled function computes the torques, equal up to rounding. Source: O. Khatib, A unified
approach for motion and force control of robot manipulators (1987), as robosuite 1.5 has it (OSC_POSE, fixed
impedance, position and orientation uncoupled).
"""

import mujoco
import numba
import numpy as np

POSTURE_GAIN = 10.0  # of the pull towards the first posture, in what the hand doesn't feel


@numba.njit(cache=True)
def torques(mass, jacobian, bias, rotation, goal_rotation, off, stiffness, damping, velocity, posture_error):
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


def knows(arm) -> bool:
    """Whether `torques` are those of robosuite's controller `arm`."""
    wanted = dict(name="OSC_POSE", impedance_mode="fixed", input_type="delta", input_ref_frame="world")
    absent = ("position_limits", "orientation_limits", "interpolator_pos", "interpolator_ori")
    return (
        all(getattr(arm, name) == value for name, value in wanted.items())
        and bool(arm.uncoupling)
        and all(getattr(arm, name) is None for name in absent)
    )


class Panda:
    """The control loop of a robosuite environment with one Panda, whose controller `knows` accepts."""

    def __init__(self, robosuite_env):
        self.env = robosuite_env
        self.model, self.data = robosuite_env.sim.model._model, robosuite_env.sim.data._data
        robot = robosuite_env.robots[0]
        self.arm, self.gripper = robot.part_controllers["right"], robot.gripper["right"]
        self.substeps = int(robosuite_env.control_timestep / robosuite_env.model_timestep)
        self.site = self.model.site(self.arm.ref_name).id
        self.joints, self.speeds = np.array(self.arm.qpos_index), np.array(self.arm.qvel_index)
        self.motors = np.array(robot._ref_actuators_indexes_dict["right"])
        self.fingers = np.array(robot._ref_joint_gripper_actuator_indexes["right"])
        self.limits = self.model.actuator_ctrlrange[self.motors].T.copy()
        self.finger_limits = self.model.actuator_ctrlrange[self.fingers].T.copy()
        self.scale = (self.arm.output_max - self.arm.output_min) / 2
        self._mass = np.zeros((self.model.nv, self.model.nv))
        self._jacobian = np.zeros((6, self.model.nv))

    def step(self, action: np.ndarray) -> None:
        """One control step; `action` (7,) in [-1, 1]."""
        model, data, arm = self.model, self.data, self.arm
        delta = action[:6] * self.scale
        first_posture, stiffness, damping = arm.initial_joint, arm.kp, arm.kd
        for substep in range(self.substeps):
            mujoco.mj_step1(model, data)
            place, rotation = data.site_xpos[self.site], data.site_xmat[self.site].reshape(3, 3)
            if substep == 0:
                goal, goal_rotation = place + delta[:3], _turn(delta[3:]) @ rotation
                grip = self.gripper.format_action(action[6:])
                low, high = self.finger_limits
                data.ctrl[self.fingers] = np.clip((low + high) / 2 + (high - low) / 2 * grip, low, high)
            mujoco.mj_jacSite(model, data, self._jacobian[:3], self._jacobian[3:], self.site)
            mujoco.mj_fullM(model, self._mass, data.qM)
            mass, jacobian = (
                self._mass[np.ix_(self.speeds, self.speeds)],
                self._jacobian[:, self.speeds].copy(),
            )
            bias, velocity = data.qfrc_bias[self.speeds], data.qvel[self.speeds]
            posture_error = first_posture - data.qpos[self.joints]
            poses = (np.ascontiguousarray(rotation), goal_rotation, goal - place)
            torque = torques(mass, jacobian, bias, *poses, stiffness, damping, velocity, posture_error)
            data.ctrl[self.motors] = np.clip(torque, *self.limits)
            mujoco.mj_step2(model, data)
        self.env.timestep += 1


def _turn(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a turn about `vector` by its length in radians."""
    quaternion, matrix = np.empty(4), np.empty(9)
    angle = np.linalg.norm(vector)
    mujoco.mju_axisAngle2Quat(quaternion, vector / max(angle, 1e-12), angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)
