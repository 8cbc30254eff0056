"""What robomimic's files get wrong and would silently ruin results, repaired.

`object` is written in two orders, its relative pose is a sample late, and row 0 of that is garbage: it is
computed anew, as the environment does. Some files go on after the success: a demonstration is cut at its
first reward or done, where an online episode ends, too.
"""

from typing import Any

import numpy as np

from qlac_lite.envs.robomimic_spec import KEYS, object_observation
from qlac_lite.utils.errors import QlacError

# metres by which the median row may miss |position - hand| = |relative position|, late as the latter is
AGREES = 0.02
LOWEST, HIGHEST = (
    0.6,
    1.6,
)  # metres: of things on or carried over robosuite's tables, never of a relative pose


def repaired(task: str, raw: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The order in which `object` was written, and demonstrations as `robomimic_files.read` gives them."""
    order, pose_at = _order(task, raw)
    found = []
    for each in raw:
        ended = (each["rewards"] == 1) | (each["dones"] == 1)
        keep = int(np.argmax(ended)) + 1 if ended.any() else len(ended)
        last = slice(keep - 1, keep)
        position, quaternion, fingers, thing = (
            np.concatenate([each[f"obs/{key}"][:keep], each[f"next_obs/{key}"][last]]) for key in KEYS
        )
        thing = object_observation(task, thing[:, pose_at : pose_at + 7], position, quaternion)
        observations = np.concatenate([position, quaternion, fingers, thing], axis=1).astype(np.float32)
        kept = {key: each[key][:keep] for key in ("actions", "rewards")}
        states = None if each["states"] is None else each["states"][:keep]
        found.append({"name": each["name"], "observations": observations, **kept, "states": states})
    return order, found


def _order(task: str, raw: list[dict[str, Any]]) -> tuple[str, int]:
    """In which order `object` was written, and where in it the object's own pose begins.

    In the right reading, the object is as far from the hand as its relative position says, and as high as a
    table. The height is needed: the hand points down, which is half a turn, and half a turn seen from half a
    turn is nearly none, so the wrong reading may be off by millimetres only. Row 0 and late poses hardly move
    medians.
    """
    thing = np.concatenate([each["obs/object"] for each in raw])
    hand = np.concatenate([each["obs/robot0_eef_pos"] for each in raw])
    readings = {"pose first": (0, 7)}
    if task != "lift":
        readings["relative pose first"] = (7, 0)
    fits, told = [], []
    for name, (pose, relative) in readings.items():
        away = np.linalg.norm(thing[:, pose : pose + 3] - hand, axis=1)
        error = np.median(np.abs(away - np.linalg.norm(thing[:, relative : relative + 3], axis=1)))
        height = np.median(thing[:, pose + 2])
        told.append(f"{name}: off by {error:.3f} m, {height:.2f} m high")
        if error <= AGREES and LOWEST < height < HIGHEST:
            fits.append((name, pose))
    if len(fits) != 1:
        raise QlacError(
            "in no known order does `object` agree with the hand's position and a table's height "
            f"({', '.join(told)})."
        )
    return fits[0]
