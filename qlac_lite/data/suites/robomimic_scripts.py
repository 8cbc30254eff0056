"""Stand-in demonstrations of Lift, Can and Square: scripted way-points with noise and pauses, in three tiers.

They have the layout and the length of robomimic's human sets and succeed like them, but are not human data.
A failed attempt is drawn again; (task, kind, seed, episode) alone decide a demonstration. Imports no JAX.
"""

import functools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qlac_lite.config.tasks import Domain
from qlac_lite.envs.robomimic import RobomimicEnv
from qlac_lite.envs.robomimic_spec import env_args, object_observation, rotate
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_npz

UP = np.array([0.0, 0.0, 1.0])
LONGEST = 600  # steps of an attempt


class Tier(NamedTuple):
    gain: float  # of the way to the next way-point, a step
    noise: float  # standard deviation, in units of actions
    pause: int  # mean steps of hesitation at a way-point


TIERS = {"better": Tier(0.6, 0.10, 5), "okay": Tier(0.5, 0.15, 12), "worse": Tier(0.4, 0.20, 20)}
Vector = np.ndarray | Callable[[], np.ndarray]  # (3,), a function where it moves


class Waypoint(NamedTuple):
    place: Vector  # of the hand, metres
    grip: float  # -1 open, 1 closed
    axis: Vector | None = None  # along which the fingers close
    within: float = 0.01
    hold: int = 0  # steps to stay there
    care: float = 1.0  # of the tier's noise


def tier_of(kind: str, episode: int) -> str:
    """'mh' has the three tiers in turn, 'ph' the best alone."""
    return list(TIERS)[episode % 3] if kind == "mh" else "better"


def write_demonstration(domain: Domain, seed: int, episode: int, path: Path) -> None:
    """`demonstrate`, into a file of its own."""
    write_npz(path, demonstrate(domain.env_class, domain.env_type, seed, episode))


def demonstrate(task: str, kind: str, seed: int, episode: int) -> dict[str, Any]:
    """A successful demonstration of 'lift', 'can' or 'square' by 'mh' or 'ph', for `robomimic_files.write`.

    Returns:
        obs/KEY and next_obs/KEY (T, ...) of the ten keys, actions (T, 7), rewards (T,) in {0, 1}, dones (T,)
        int8, states (T, D), model_file (MJCF), tier ("" in ph), and attempts, how many it took.

    Raises QlacError when a hundred attempts have failed.
    """
    tier, name = tier_of(kind, episode), zlib.crc32(f"{task}-{kind}".encode())
    for number in range(100):
        rows = attempt(task, tier, np.random.SeedSequence([name, seed, episode, number]))
        if rows["rewards"][-1]:
            break
    else:
        failed = f"Demonstration {episode} of {task} failed 100 times."
        raise QlacError(f"{failed} Please report this with the versions of robosuite and mujoco.")
    if (task, kind) == ("square", "mh"):  # whose human set has five terminal flags
        for key, values in list(rows.items()):
            last = rows[f"next_{key}"] if key.startswith("obs/") else values
            rows[key] = np.append(values, last[[-1] * 4], axis=0)
    if task != "lift":
        rows |= {part + "object": _late(task, rows, part) for part in ("obs/", "next_obs/")}
    model = _env(task).robosuite.sim.model.get_xml()
    return rows | {"model_file": model, "tier": tier if kind == "mh" else "", "attempts": number + 1}


def attempt(task: str, tier: str, entropy: np.random.SeedSequence, stock: bool = False) -> dict[str, Any]:
    """One try, to its first success or its script's end; `stock` as in `RobomimicEnv`."""
    rng, env = np.random.default_rng(entropy), _env(task, stock)
    env.reset(seed=int(rng.integers(2**31)))
    rows, now = [], env.raw()
    for action in _follow(env, SCRIPTS[task](env), TIERS[tier], rng):
        state = env.state()
        success = env.step(action)[2]
        before, now = now, env.raw()
        both = [(f"obs/{key}", before[key]) for key in now] + [(f"next_obs/{key}", now[key]) for key in now]
        rows.append(dict(both, actions=action, rewards=float(success), dones=np.int8(success), states=state))
        if success or len(rows) == LONGEST:
            break
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


@functools.cache
def _env(task: str, stock: bool = False) -> RobomimicEnv:
    return RobomimicEnv(env_args(task), LONGEST, stock)


def _late(task: str, rows: dict[str, np.ndarray], part: str) -> np.ndarray:
    """`object` (T, 14) of "obs/" or "next_obs/" as robosuite 1.5 writes it.

    The relative pose is of the object a sample ago, seen from the hand now; at first it is zero.
    """
    pose, first = rows[part + "object"][:, 7:], rows["obs/object"][:1, 7:]
    ago = np.concatenate([first, pose[:-1]])
    late = object_observation(task, ago, rows[part + "robot0_eef_pos"], rows[part + "robot0_eef_quat"])
    late[:, 7:] = pose
    if part == "obs/":
        late[0, :7] = 0
    return late


def _follow(
    env: RobomimicEnv, script: Iterator[Waypoint], style: Tier, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Actions (7,) that lead the hand from way-point to way-point."""

    def noisy(motion, grip, care=1.0):
        return np.clip(np.append(motion + rng.normal(0, care * style.noise, 6), grip), -1, 1)

    for waypoint in script:
        held, lacking = 0, np.zeros(6)  # what stays away in spite of the pull is pulled harder
        for _ in range(80):
            away = _now(waypoint.place) - env.effector()
            turn = _turn(env, _now(waypoint.axis))
            error = np.concatenate([away / 0.05, turn / 0.5])
            lacking = np.clip(lacking + 0.1 * (waypoint.care < 1) * error, -0.5, 0.5)
            there = np.linalg.norm(away) < waypoint.within and np.linalg.norm(turn) < 0.3
            held += there or held > 0
            yield noisy(style.gain * (error + lacking), waypoint.grip, waypoint.care)
            if held > waypoint.hold:
                break
        for _ in range(rng.poisson(style.pause)):
            yield noisy(0.0, waypoint.grip)


def _now(place):
    return place() if callable(place) else place


def _turn(env: RobomimicEnv, axis: np.ndarray | None) -> np.ndarray:
    """Turn (3,) in radians that points the hand down, and its fingers along `axis`, either way round."""
    hand = env.effector_axes()
    tilt = np.cross(hand[:, 2], -UP)
    if axis is None:
        return tilt
    angle = np.arctan2(axis[1], axis[0]) - np.arctan2(hand[1, 0], hand[0, 0])
    return tilt + np.array([0, 0, (angle + np.pi / 2) % np.pi - np.pi / 2])


def _place(env: RobomimicEnv) -> np.ndarray:
    return env.object_pose()[:3]


def _lift(env: RobomimicEnv) -> Iterator[Waypoint]:
    axes = rotate(env.object_pose()[3:], np.eye(3)[:2])  # the object's horizontal ones
    axis = axes[np.argmax(np.abs(axes @ env.effector_axes()[:, 0]))]  # that nearer to the fingers' own
    yield Waypoint(lambda: _place(env) + 0.08 * UP, -1, axis, within=0.015)
    yield Waypoint(lambda: _place(env), -1, axis)
    at = _place(env)
    yield Waypoint(at, 1, axis, within=0.05, hold=8)
    yield Waypoint(at + 0.12 * UP, 1, axis)


def _can(env: RobomimicEnv) -> Iterator[Waypoint]:
    yield Waypoint(lambda: _place(env) + 0.12 * UP, -1, within=0.02)
    yield Waypoint(lambda: _place(env) + 0.01 * UP, -1, within=0.015)
    at = env.effector()
    yield Waypoint(at, 1, within=0.05, hold=8)
    yield Waypoint(at + 0.15 * UP, 1, within=0.03)
    if _place(env)[2] < 0.95:  # it slipped
        return
    bin_place = env.robosuite.target_bin_placements[env.robosuite.object_id]
    yield Waypoint(bin_place + 0.25 * UP, 1, within=0.07)
    yield Waypoint(lambda: np.append(env.effector()[:2], bin_place[2] + 0.12), 1, within=0.05)
    let_go = env.effector()
    yield Waypoint(let_go, -1, within=0.05, hold=6)
    yield Waypoint(let_go + 0.15 * UP, -1, within=0.02, hold=10)


def _square(env: RobomimicEnv) -> Iterator[Waypoint]:
    handle = lambda: env.data.site_xpos[env.model.site("SquareNut_handle_site").id].copy()
    across = lambda: np.append((handle() - _place(env))[1::-1] * [-1, 1], 0)
    yield Waypoint(lambda: handle() + 0.08 * UP, -1, across, within=0.015)
    yield Waypoint(lambda: handle() - 0.005 * UP, -1, across, within=0.008)
    at = env.effector()
    yield Waypoint(at, 1, across, within=0.05, hold=8)
    yield Waypoint(at + 0.15 * UP, 1, within=0.02)
    if _place(env)[2] < 0.9:  # it slipped
        return
    peg = env.data.xpos[env.model.body("peg1").id].copy()
    over = lambda height: env.effector() + peg + height * UP - _place(env)

    def square_on() -> np.ndarray:
        """The fingers' axis, turned by what the nut lacks to a right angle with the peg."""
        x = rotate(env.object_pose()[3:], np.eye(3)[0])
        angle = np.arctan2(x[1], x[0])
        lacks = -((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
        if np.abs(angle + lacks) < 1:  # a handle that points away from the robot is too far to hold
            lacks = np.copysign(np.pi / 2, angle) - angle
        finger = env.effector_axes()[:, 0]
        c, s = np.cos(lacks), np.sin(lacks)
        return np.array([c * finger[0] - s * finger[1], s * finger[0] + c * finger[1], 0])

    def in_it() -> np.ndarray:
        """Down where the hole is over the peg or around it, else back up."""
        off = (peg - _place(env))[:2]
        height = -0.05 if np.abs(off).max() < 0.005 or _place(env)[2] < peg[2] + 0.09 else 0.13
        return over(height) + np.append(2 * off, 0)

    yield Waypoint(lambda: over(0.14), 1, square_on, within=0.03)
    yield Waypoint(lambda: over(0.13), 1, square_on, within=0.006, hold=2, care=0.3)
    yield Waypoint(in_it, 1, square_on, within=0.02, care=0.3)
    let_go = env.effector()
    yield Waypoint(let_go, -1, within=0.05, hold=8)
    yield Waypoint(let_go + 0.1 * UP, -1, within=0.03, hold=5)


SCRIPTS = {"lift": _lift, "can": _can, "square": _square}
