"""OGBench's npz layout: verify a file, load it, label it with a task's rewards.
The lite world's files have it, too.

    observations (N, S) float32   actions (N, A) float32 in [-1, 1]
    terminals (N,) bool, the last row of each episode
    qpos (N, ...)   qvel (N, ...)   not the lite world   button_states (N, buttons), scene and puzzle only
    provenance ()   text, in files made by `qlac data`

Reward timing: r_t = r(s_{t+1}), and the mask that stops the bootstrap is that of s_{t+1}: what the
environment of `qlac_lite.envs.make` gives online. That is the course's choice. OGBench's relabelling, and so
the published offline data, uses s_t in every version: `offline_reward="current"`.
"""

from pathlib import Path

import numpy as np

from qlac_lite.config.tasks import DOMAINS, LITE_DOMAIN, LITE_WORLD, Domain, Task, get_domain
from qlac_lite.data.dataset import Dataset, build_dataset
from qlac_lite.data.formats.records import provenance_of
from qlac_lite.envs.ogbench import task_goal
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_npz, sha256

OBJECTS_AT = 14  # qpos: 6 arm joints, 8 gripper joints, then 7 a cube, 1 a button, drawer, window
TOLERANCE = 0.04  # metres, OGBench's radius of success


def verify(path: Path, name: str | None = None) -> dict:
    """Checks keys, shapes, dtypes, finiteness, episodes and the size of the domain; returns what it found.

    Args:
        name: the dataset or task the file should serve; None accepts any domain of the course.

    Raises:
        QlacError: the first thing that is wrong, and the remedy.
    """
    return _verified(Path(path), name)[1]


def _verified(path: Path, name: str | None) -> tuple[dict[str, np.ndarray], dict]:
    remedy = f"Fetch or generate it again: qlac data {name and get_domain(name).dataset or 'NAME'}"
    arrays = read_npz(path, remedy)

    def fail(problem: str):
        raise QlacError(f"{path}: {problem}. {remedy}")

    def require(*keys: str) -> None:
        for key in keys:
            if key not in arrays:
                fail(f"the key {key!r} is missing (it has {', '.join(sorted(arrays)) or 'none'})")

    require("observations", "actions", "terminals")
    observations, actions, terminals = arrays["observations"], arrays["actions"], arrays["terminals"]
    if observations.ndim != 2 or len(observations) == 0:
        fail(f"observations have the shape {observations.shape}, not (rows, size)")
    rows = len(observations)
    for key, array in arrays.items():
        if key == "provenance":
            continue
        if array.dtype.kind not in "fbiu":
            fail(f"{key} holds {array.dtype}, not numbers")
        if array.shape[:1] != (rows,):
            fail(f"{key} has the shape {array.shape}, but observations have {rows} rows")
        if not np.all(np.isfinite(array)):
            fail(f"{key} has a NaN or infinity in row {np.argwhere(~np.isfinite(array))[0][0]}")
    domain = _domain_of(arrays)
    if name is not None and get_domain(name).suite == "robomimic":
        raise QlacError(f"{path} is an npz file, but {name} comes in robomimic's HDF5. {remedy}")
    if domain is None:
        fail(f"observations of size {observations.shape[1]} fit none of {', '.join([*DOMAINS, LITE_WORLD])}")
    if name is not None and domain != get_domain(name):
        raise QlacError(
            f"{path} holds {domain.name} data (observations of size {domain.observation_size}), but {name} "
            f"needs {get_domain(name).name} (size {get_domain(name).observation_size}). It was renamed, or "
            f"the wrong file was given: give a {get_domain(name).dataset} file, "
            f"or choose a task of {domain.name}."
        )
    if actions.shape != (rows, domain.action_size):
        fail(f"actions have the shape {actions.shape}, not ({rows}, {domain.action_size})")
    if np.abs(actions).max() > 1.0 + 1e-5:
        fail("actions lie outside [-1, 1]")
    if terminals.shape != (rows,) or not np.isin(terminals, (0, 1)).all():
        fail("terminals are not one flag a row")
    if not terminals[-1]:
        fail("the last row does not end an episode, so the file was cut")
    lengths = np.diff(np.flatnonzero(terminals), prepend=-1)
    if lengths.min() < 2:
        fail(f"episode {lengths.argmin()} has one row and so no transition")
    if domain != LITE_DOMAIN:
        require("qpos", "qvel")
        if arrays["qpos"].shape != (rows, domain.qpos_size):
            fail(f"qpos has the shape {arrays['qpos'].shape}, not ({rows}, {domain.qpos_size})")
        arm = np.abs(observations[:, :6] - arrays["qpos"][:, :6]).max()
        if arm > 1e-3:
            fail(
                f"observations and qpos disagree on the arm's joints by up to {arm:.3g} rad, "
                "so rows are shuffled"
            )
    summary = dict(
        domain=domain.name,
        rows=rows,
        episodes=len(lengths),
        transitions=rows - len(lengths),
        episode_length=[int(lengths.min()) - 1, int(lengths.max()) - 1],
        observation_size=observations.shape[1],
        action_size=actions.shape[1],
        sha256=sha256(path),
    )
    return arrays, summary | {"provenance": provenance_of(path, arrays.get("provenance"), summary["sha256"])}


def _domain_of(arrays: dict[str, np.ndarray]) -> Domain | None:
    sizes = (arrays["observations"].shape[1], arrays.get("button_states", np.zeros((1, 0))).shape[1:])
    return {(d.observation_size, (d.buttons,)): d for d in (*DOMAINS.values(), LITE_DOMAIN)}.get(sizes)


def load(path: Path, task: Task, stride: int = 1, offline_reward: str = "next") -> tuple[Dataset, dict]:
    """The verified file as a flat dataset with the rewards and masks of `task`,
    and its summary for the record."""
    arrays, summary = _verified(Path(path), task.name)
    return labelled(arrays, task, stride, offline_reward), summary


def labelled(
    arrays: dict[str, np.ndarray], task: Task, stride: int = 1, offline_reward: str = "next"
) -> Dataset:
    """A file's arrays as a flat dataset with the rewards and masks of `task`:
    of the "next" state or of the "current" one."""
    right = solved_objects(arrays, task)  # (N, objects)
    wrong = np.sum(~right, axis=1)  # (N,)
    reward = -np.minimum(wrong, 1) if task.sparse else -wrong  # r(s) of each row's state
    shift = (
        -1 if offline_reward == "next" else 0
    )  # the last row of an episode has no next state, and is no transition
    rewards, masks = np.roll(reward, shift), np.roll(wrong > 0, shift)
    return build_dataset(
        arrays["observations"], arrays["actions"], rewards, masks, arrays["terminals"] > 0, stride
    )


def solved_objects(arrays: dict[str, np.ndarray], task: Task) -> np.ndarray:
    """Which objects are right in each row, (N, objects) bool: cubes, then buttons, drawer, window."""
    if task.name == LITE_WORLD:
        from qlac_lite.envs.lite_world import LiteWorld, solved_rows

        return solved_rows(LiteWorld(), arrays["observations"])[:, None]
    goal, domain, qpos = task_goal(task), task.domain, arrays["qpos"]
    right = []
    for i in range(domain.cubes):
        at = OBJECTS_AT + 7 * i
        right.append(np.linalg.norm(qpos[:, at : at + 3] - goal["cubes"][i], axis=1) <= TOLERANCE)
    for i in range(domain.buttons):
        right.append(arrays["button_states"][:, i] == goal["buttons"][i])
    for i, target in enumerate(goal["slides"]):  # drawer, window
        right.append(
            np.abs(qpos[:, OBJECTS_AT + 7 * domain.cubes + domain.buttons + i] - target) <= TOLERANCE
        )
    return np.stack(right, axis=1)
