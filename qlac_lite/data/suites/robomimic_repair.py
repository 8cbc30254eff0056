"""What robomimic's files get wrong and would silently ruin results, repaired.

`object` is written in two orders, its relative pose is a sample late, and row 0 of that is garbage: it is
computed anew, as the environment does. Some files go on after the success: a demonstration is cut at its
first reward or done, where an online episode ends, too. A file without next_obs lacks the last one.
"""

from typing import Any

import numpy as np

from qlac_lite.envs.robomimic_spec import KEYS, object_observation
from qlac_lite.utils.errors import QlacError

# metres by which the median row may miss |position - hand| = |relative position|, late as the latter is
AGREES = 0.02
# metres: of things on or carried over robosuite's tables, never of a relative pose
LOWEST, HIGHEST = 0.6, 1.6


def repaired(task: str, raw: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The order in which `object` was written, and demonstrations as `robomimic_files.read` gives them."""
    (order, pose_at), found = _order(task, raw), []
    for each in raw:
        ended = (each["rewards"] == 1) | (each["dones"] == 1)
        keep = int(np.argmax(ended)) + 1 if ended.any() else len(ended)
        followed = f"next_obs/{KEYS[0]}" in each or keep < len(ended)
        left_out = not followed and each["rewards"][keep - 1] == 0  # its target needs what nobody has seen
        keep -= left_out
        if keep == 0:
            raise QlacError(f"{each['name']} has a single step, and no observation after it.")
        rows = [np.append(each[f"obs/{k}"][:keep], _next(each, k)[keep - 1 : keep], 0) for k in KEYS]
        position, quaternion, _, thing = rows
        rows[-1] = object_observation(task, thing[:, pose_at : pose_at + 7], position, quaternion)
        kept = {key: each[key][:keep] for key in ("actions", "rewards", "states") if key in each}
        observations = np.concatenate(rows, axis=1).astype(np.float32)
        found.append({"name": each["name"], "observations": observations, "left_out": left_out, **kept})
    return order, found


def _next(each: dict[str, Any], key: str) -> np.ndarray:
    """The observations after each step (T, ...); where the file has none, the last stands in after itself."""
    now = each[f"obs/{key}"]
    return each.get(f"next_obs/{key}", np.append(now[1:], now[-1:], axis=0))


def _order(task: str, raw: list[dict[str, Any]]) -> tuple[str, int]:
    """In which order `object` was written, and where in it the object's own pose begins.

    In the right reading, the object is as far from the hand as its relative position says, and as high as a
    table. The height is needed: the hand points down, half a turn, and half a turn seen from half a turn is
    nearly none, so the wrong reading may be off by millimetres. Row 0 and late poses hardly move medians.
    """
    thing, hand = (np.concatenate([each[f"obs/{key}"] for each in raw]) for key in ("object", KEYS[0]))
    readings, fits, told = [("pose first", 0, 7)], [], []
    if task != "lift":
        readings.append(("relative pose first", 7, 0))
    for name, pose, relative in readings:
        away, seen = thing[:, pose : pose + 3] - hand, thing[:, relative : relative + 3]
        error = np.median(np.abs(np.linalg.norm(away, axis=1) - np.linalg.norm(seen, axis=1)))
        height = np.median(thing[:, pose + 2])
        told.append(f"{name}: off by {error:.3f} m, {height:.2f} m high")
        if error <= AGREES and LOWEST < height < HIGHEST:
            fits.append((name, pose))
    if len(fits) != 1:
        order = "in no known order does `object` agree with the hand's position and a table's height"
        raise QlacError(f"{order} ({', '.join(told)}).")
    return fits[0]
