"""Stand-in demonstrations of Lift, Can and Square: scripted way-points with noise and pauses, in three tiers.

They have the layout and the length of robomimic's human sets and succeed like them, but they are not human
data, and no file or report calls them so. An attempt that fails is drawn again. A demonstration is decided by
(task, kind, seed, episode) alone. This module imports no JAX.

    python -m qlac_lite.data.sources.robomimic_scripts --episodes 15
        how often the scripts succeed, in the faster loop and in robosuite's own
"""

import dataclasses
import functools
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from qlac_lite.envs.robomimic import RobomimicEnv, env_args, object_observation, rotate
from qlac_lite.utils.errors import QlacError

DOWN = np.array([0.0, 0.0, -1.0])
LONGEST = 600  # steps of an attempt
LAGGING = {"can", "square"}  # whose relative pose is a sample late in files of robosuite 1.5
FLAGS_AT_THE_END = {("square", "mh"): 5}  # terminal flags; 1 elsewhere


class Tier(NamedTuple):
    gain: float  # of the way to the next way-point, a step
    noise: float  # standard deviation, in units of actions
    pause: int  # mean steps of hesitation at a way-point


TIERS = {"better": Tier(0.6, 0.10, 5), "okay": Tier(0.5, 0.15, 12), "worse": Tier(0.4, 0.20, 20)}


@dataclasses.dataclass
class Waypoint:
    """A place of the hand, and of the gripper.
    Positions in metres; `axis` is that along which the fingers close."""

    place: Callable[[], np.ndarray]
    grip: float  # -1 open, 1 closed
    axis: Callable[[], np.ndarray] | None = None
    within: float = 0.01
    hold: int = 0  # steps to stay there
    care: float = 1.0  # of the tier's noise


def tier_of(kind: str, episode: int) -> str:
    """'mh' has the three tiers in turn, 'ph' the best alone."""
    return list(TIERS)[episode % 3] if kind == "mh" else "better"


def demonstrate(task: str, kind: str, seed: int, episode: int) -> dict[str, Any]:
    """A successful demonstration in robomimic's layout.

    Args:
        task: 'lift', 'can' or 'square'. kind: 'mh' or 'ph', see `tier_of`.

    Returns:
        actions (T, 7), rewards (T,) in {0, 1}, dones (T,) int8, states (T, D), obs and next_obs of the ten
        keys (T, ...), model_file (MJCF), tier (None in ph), and attempts, how many it took.

    Raises:
        QlacError: a hundred attempts failed.
    """
    tier = tier_of(kind, episode)
    for number in range(100):
        rows = attempt(
            task, tier, np.random.SeedSequence([zlib.crc32(f"{task}-{kind}".encode()), seed, episode, number])
        )
        if rows["rewards"][-1]:
            break
    else:
        raise QlacError(
            f"Demonstration {episode} of {task} failed 100 times. "
            "Please report this with the versions of robosuite and mujoco."
        )
    again = FLAGS_AT_THE_END.get((task, kind), 1) - 1
    last = {key: value[-1:] for key, value in rows.items() if key not in ("obs", "next_obs")}
    for key, value in last.items():
        rows[key] = np.concatenate([rows[key], *[value] * again])
    for key in ("obs", "next_obs"):
        at_end = rows["next_obs"] if again else rows[key]
        rows[key] = {
            name: np.concatenate([values, *[at_end[name][-1:]] * again]) for name, values in rows[key].items()
        }
    if task in LAGGING:
        rows["obs"]["object"], rows["next_obs"]["object"] = (
            _late(task, rows["obs"]),
            _late(task, rows["next_obs"], rows["obs"]),
        )
    return rows | {
        "model_file": _env(task).model_xml(),
        "tier": tier if kind == "mh" else None,
        "attempts": number + 1,
    }


def attempt(task: str, tier: str, entropy: np.random.SeedSequence, stock: bool = False) -> dict[str, Any]:
    """One try, to its first success or its script's end: as `demonstrate`, without what is the same for all.

    `stock`: in robosuite's own loop, see `RobomimicEnv`.
    """
    rng, env, style = np.random.default_rng(entropy), _env(task, stock), TIERS[tier]
    env.reset(seed=int(rng.integers(2**31)))
    rows: dict[str, list] = {key: [] for key in ("actions", "rewards", "dones", "states", "obs", "next_obs")}
    now = env.raw()
    for action in _follow(env, SCRIPTS[task](env), style, rng):
        state = env.state()
        _, _, success, _, _ = env.step(action)
        before, now = now, env.raw()
        values = (action, float(success), success, state, before, now)
        for key, value in zip(rows, values, strict=True):
            rows[key].append(value)
        if success or len(rows["actions"]) == LONGEST:
            break
    arrays = {key: np.array(rows[key]) for key in ("actions", "rewards", "states")} | {
        "dones": np.array(rows["dones"], np.int8)
    }
    return arrays | {
        key: {name: np.array([row[name] for row in rows[key]]) for name in now} for key in ("obs", "next_obs")
    }


@functools.cache
def _env(task: str, stock: bool = False) -> RobomimicEnv:
    return RobomimicEnv(env_args(task), LONGEST, stock)


def _late(task: str, obs: dict[str, np.ndarray], before: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """`object` (T, 14) as robosuite 1.5 writes it: the relative pose is of the object where it was a sample
    ago, from the hand where it is; at first, when nothing was known, it is zero."""
    pose = obs["object"][:, 7:]
    first = (before or obs)["object"][:1, 7:]
    ago = np.concatenate([first, pose[:-1]])
    late = object_observation(task, ago, obs["robot0_eef_pos"], obs["robot0_eef_quat"])
    late[:, 7:] = pose
    if before is None:
        late[0, :7] = 0
    return late


def _follow(
    env: RobomimicEnv, script: Iterator[Waypoint], style: Tier, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Actions (7,) that lead the hand from way-point to way-point."""
    noisy = lambda motion, grip, care=1.0: np.clip(
        np.append(motion + rng.normal(0, care * style.noise, 6), grip), -1, 1
    )
    for waypoint in script:
        held, lacking = 0, np.zeros(6)  # what stays away in spite of the pull is pulled harder
        for _ in range(80):
            away = waypoint.place() - env.effector()
            turn = _turn(env, waypoint.axis() if waypoint.axis else None)
            error = np.concatenate([away / 0.05, turn / 0.5])
            lacking = np.clip(lacking + 0.1 * (waypoint.care < 1) * error, -0.5, 0.5)
            there = np.linalg.norm(away) < waypoint.within and np.linalg.norm(turn) < 0.3
            held += there or held > 0
            yield noisy(style.gain * (error + lacking), waypoint.grip, waypoint.care)
            if held > waypoint.hold:
                break
        for _ in range(rng.poisson(style.pause)):
            yield noisy(0.0, waypoint.grip)


def _turn(env: RobomimicEnv, axis: np.ndarray | None) -> np.ndarray:
    """Turn (3,) in radians that points the hand down and its fingers' axis along `axis`, either way round."""
    hand = env.data.site_xmat[env._grip].reshape(3, 3)
    tilt = np.cross(hand[:, 2], DOWN)
    if axis is None:
        return tilt
    angle = np.arctan2(axis[1], axis[0]) - np.arctan2(hand[1, 0], hand[0, 0])
    return tilt + np.array([0, 0, (angle + np.pi / 2) % np.pi - np.pi / 2])


def _pose(env: RobomimicEnv) -> tuple[np.ndarray, np.ndarray]:
    return env.object_position(), np.roll(env.data.xquat[env._object], -1)


def _nearest_axis(env: RobomimicEnv) -> np.ndarray:
    """Of the object's two horizontal axes, that nearer to the fingers' own."""
    _, quaternion = _pose(env)
    axes = rotate(quaternion, np.eye(3)[:2])
    finger = env.data.site_xmat[env._grip].reshape(3, 3)[:, 0]
    return axes[np.argmax(np.abs(axes @ finger))]


def _lift(env: RobomimicEnv) -> Iterator[Waypoint]:
    above = lambda height: lambda: env.object_position() + np.array([0, 0, height])
    axis = _nearest_axis(env)
    yield Waypoint(above(0.08), -1, lambda: axis, within=0.015)
    yield Waypoint(above(0.0), -1, lambda: axis)
    at = env.object_position()
    yield Waypoint(lambda: at, 1, lambda: axis, within=0.05, hold=8)
    yield Waypoint(lambda: at + np.array([0, 0, 0.12]), 1, lambda: axis)


def _can(env: RobomimicEnv) -> Iterator[Waypoint]:
    above = lambda height: lambda: env.object_position() + np.array([0, 0, height])
    yield Waypoint(above(0.12), -1, within=0.02)
    yield Waypoint(above(0.01), -1, within=0.015)
    at = env.effector()
    yield Waypoint(lambda: at, 1, within=0.05, hold=8)
    yield Waypoint(lambda: at + np.array([0, 0, 0.15]), 1, within=0.03)
    if env.object_position()[2] < 0.95:  # it slipped
        return
    bin_place = env.robosuite.target_bin_placements[env.robosuite.object_id]
    yield Waypoint(lambda: bin_place + np.array([0, 0, 0.25]), 1, within=0.07)
    yield Waypoint(lambda: np.append(env.effector()[:2], bin_place[2] + 0.12), 1, within=0.05)
    let_go = env.effector()
    yield Waypoint(lambda: let_go, -1, within=0.05, hold=6)
    yield Waypoint(lambda: let_go + np.array([0, 0, 0.15]), -1, within=0.02, hold=10)


def _square(env: RobomimicEnv) -> Iterator[Waypoint]:
    handle = lambda: env.data.site_xpos[env.model.site("SquareNut_handle_site").id].copy()
    along = lambda: (handle() - env.object_position())[:2]
    across = lambda: np.append(along()[::-1] * [-1, 1], 0)
    yield Waypoint(lambda: handle() + np.array([0, 0, 0.08]), -1, across, within=0.015)
    yield Waypoint(lambda: handle() - np.array([0, 0, 0.005]), -1, across, within=0.008)
    at = env.effector()
    yield Waypoint(lambda: at, 1, across, within=0.05, hold=8)
    yield Waypoint(lambda: at + np.array([0, 0, 0.15]), 1, within=0.02)
    if env.object_position()[2] < 0.9:  # it slipped
        return
    peg = env.data.xpos[env.model.body("peg1").id].copy()

    def over(height: float) -> Callable[[], np.ndarray]:
        return lambda: env.effector() + peg + np.array([0, 0, height]) - env.object_position()

    def square_on() -> np.ndarray:
        """The fingers' axis, turned by what the nut lacks to a right angle with the peg."""
        x = rotate(_pose(env)[1], np.eye(3)[0])
        angle = np.arctan2(x[1], x[0])
        lacks = -((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
        if np.abs(angle + lacks) < 1:  # a handle that points away from the robot is too far to hold
            lacks = np.copysign(np.pi / 2, angle) - angle
        finger = env.data.site_xmat[env._grip].reshape(3, 3)[:, 0]
        c, s = np.cos(lacks), np.sin(lacks)
        return np.array([c * finger[0] - s * finger[1], s * finger[0] + c * finger[1], 0])

    def in_it() -> np.ndarray:
        """Down where the hole is over the peg or around it, else back up."""
        off = (peg - env.object_position())[:2]
        height = -0.05 if np.abs(off).max() < 0.005 or env.object_position()[2] < peg[2] + 0.09 else 0.13
        return over(height)() + np.append(2 * off, 0)

    yield Waypoint(over(0.14), 1, square_on, within=0.03)
    yield Waypoint(over(0.13), 1, square_on, within=0.006, hold=2, care=0.3)
    yield Waypoint(in_it, 1, square_on, within=0.02, care=0.3)
    let_go = env.effector()
    yield Waypoint(lambda: let_go, -1, within=0.05, hold=8)
    yield Waypoint(lambda: let_go + np.array([0, 0, 0.1]), -1, within=0.03, hold=5)


SCRIPTS: dict[str, Callable[[RobomimicEnv], Iterator[Waypoint]]] = {
    "lift": _lift,
    "can": _can,
    "square": _square,
}


def compare_loops(episodes: int = 15, tasks: str = "lift,can,square") -> None:
    """Prints, by task and tier, how many attempts succeed, their mean steps, and steps a second,
    in either loop and from the same seeds."""
    print("task    tier     faster loop: solved, steps, steps/s     robosuite's own     both alike")
    for task in tasks.split(","):
        for tier in TIERS:
            found, cells = [], []
            for stock in (False, True):
                _env(task, stock)
                begin = time.perf_counter()
                tries = [
                    attempt(task, tier, np.random.SeedSequence([episodes, i]), stock) for i in range(episodes)
                ]
                seconds = time.perf_counter() - begin
                solved, steps = (
                    np.array([f(rows) for rows in tries])
                    for f in (lambda rows: rows["rewards"][-1], lambda rows: len(rows["rewards"]))
                )
                found.append(solved)
                cells.append(
                    f"{solved.sum():4.0f} of {episodes}, {steps.mean():4.0f}, {steps.sum() / seconds:4.0f}"
                )
            print(
                f"{task:7} {tier:8} {'    '.join(cells)}    {np.sum(found[0] == found[1])} of {episodes}",
                flush=True,
            )


if __name__ == "__main__":
    import typer

    typer.run(compare_loops)
