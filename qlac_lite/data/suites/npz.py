"""OGBench's npz layout, which the lite world's files have too: verify a file, label its rows.

    observations (N, S) float32   actions (N, A) float32 in [-1, 1]
    terminals (N,) bool, the last row of each episode
    qpos (N, ...)   qvel (N, ...)   the simulator's states, not in the lite world
    button_states (N, buttons), scene and puzzle only
    provenance ()   text, in files made by `qlac data`

The package's own dictionary, saved with np.savez, is read if it was made with compact_dataset=True and
add_info=True: `valids` (N,) are 0 in the last row of each episode, and terminals 1 in the last two.

Reward timing: r_t = r(s_{t+1}), and the mask that stops the bootstrap is that of s_{t+1}, as online: the
course's choice. OGBench's relabelling, and so the published offline data, uses s_t in every version:
`offline_reward="current"`.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from qlac_lite.config.tasks import DOMAINS, LITE_DOMAIN, Domain, Task
from qlac_lite.data.dataset import Dataset, build_dataset
from qlac_lite.data.records import again, check_numbers, summarise, told_of
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_npz

Arrays = dict[str, np.ndarray]
SAVE = (
    "Of OGBench's dictionaries save that of compact_dataset=True, add_info=True: np.savez(FILE, **dataset)."
)


def names(domain: Domain) -> list[str]:
    """The arrays that a file of the domain needs."""
    states, buttons = ["qpos", "qvel"] * domain.states, ["button_states"] * (domain.buttons > 0)
    return ["observations", "actions", "terminals", *states, *buttons]


def read(path: Path, domain: Domain | None = None) -> tuple[Arrays, dict]:
    """A file's arrays, verified (keys, shapes, numbers, episodes), and what it holds, see `load.read`."""
    arrays = read_npz(path, again(domain))
    made = arrays.pop("provenance", None)
    with told_of(path, domain):
        arrays = plain(arrays)
        held = _domain_of(arrays)
        used = {key: array for key, array in arrays.items() if key in names(held)}
        lengths = _check(used, held)
    summary = summarise(path, held, domain, lengths, made)
    if unused := ", ".join(sorted(arrays.keys() - used)):
        summary["provenance"] += f"; not used: {unused}"
    return used, summary


def plain(arrays: Arrays) -> Arrays:
    """The arrays in the layout above, without `valids`. Raises QlacError if they hold no last states."""
    if "next_observations" in arrays:
        raise QlacError(
            f"with next_observations, the last state of each episode and its reward are lost. {SAVE}"
        )
    if "valids" not in arrays:
        return arrays
    _require(arrays, ["terminals"])
    last = arrays["valids"] == 0
    ends = last | np.append(last[1:], True)
    if not np.array_equal(arrays["terminals"] > 0, ends):
        raise QlacError(f"valids and terminals disagree on where episodes end. {SAVE}")
    return {key: array for key, array in arrays.items() if key != "valids"} | {"terminals": last}


def _domain_of(arrays: Arrays) -> Domain:
    """The domain, by the size of an observation and the number of buttons."""
    _require(arrays, names(LITE_DOMAIN))
    observations = arrays["observations"]
    if observations.ndim != 2 or len(observations) == 0:
        raise QlacError(f"observations have the shape {observations.shape}, not (rows, size).")
    size, domains = observations.shape[1], (*DOMAINS.values(), LITE_DOMAIN)
    buttons = arrays.get("button_states", np.zeros((1, 0))).shape[1:]
    of_size = [domain for domain in domains if domain.observation_size == size]
    for domain in of_size:
        if buttons == (domain.buttons,):
            return domain
    _require(arrays, ["button_states"] * bool(of_size))
    raise QlacError(f"observations of size {size} fit none of {', '.join(d.name for d in domains)}.")


def _require(arrays: Arrays, keys: list[str]) -> None:
    for key in keys:
        if key not in arrays:
            raise QlacError(
                f"the key {key!r} is missing (it has {', '.join(sorted(arrays)) or 'none'}). {SAVE}"
            )


def _check(arrays: Arrays, domain: Domain) -> np.ndarray:
    """Checks rows, actions, episodes and states; the transitions of each episode."""
    _require(arrays, names(domain))
    observations, terminals, rows = arrays["observations"], arrays["terminals"], len(arrays["observations"])
    sizes = dict(actions=(domain.action_size,), terminals=(), qpos=(domain.qpos_size,))
    for key, array in arrays.items():
        if array.shape[:1] != (rows,):
            raise QlacError(f"{key} has the shape {array.shape}, but observations have {rows} rows.")
        check_numbers(key, array, (rows, *sizes.get(key, array.shape[1:])))
    if np.abs(arrays["actions"]).max() > 1.0 + 1e-5:
        raise QlacError("actions lie outside [-1, 1].")
    if not np.isin(terminals, (0, 1)).all():
        raise QlacError("terminals are not one flag a row.")
    if not terminals[-1]:
        raise QlacError("the last row does not end an episode, so the file was cut.")
    lengths = np.diff(np.flatnonzero(terminals), prepend=-1) - 1
    if lengths.min() < 1:
        raise QlacError(f"episode {lengths.argmin()} has one row and so no transition. {SAVE}")
    if domain.states and (arm := np.abs(observations[:, :6] - arrays["qpos"][:, :6]).max()) > 1e-3:
        told = f"observations and qpos disagree on the arm's joints by up to {arm:.3g} rad"
        raise QlacError(f"{told}, so rows are shuffled.")
    return lengths


def states(
    arrays: Arrays, episode: int, keys: Iterable[str] = ("qpos", "qvel", "button_states")
) -> list[tuple]:
    """Those of `keys` that there are, for each row of an episode."""
    first, end = np.flatnonzero(np.insert(arrays["terminals"], 0, 1))[episode : episode + 2]
    return list(zip(*(arrays[key][first:end] for key in keys if key in arrays), strict=True))


def label(arrays: Arrays, right: np.ndarray, task: Task, stride: int, offline_reward: str) -> Dataset:
    """Rows as a flat dataset with the rewards and masks of `task`.

    Args:
        right: (N, objects) bool, which objects are right in each row's state.
        offline_reward: whose reward a row has, the "next" state's or the "current" one's.
    """
    wrong = np.sum(~right, axis=1)  # (N,)
    if offline_reward == "next":  # the last row of an episode has no next state, and is no transition
        wrong = np.roll(wrong, -1)
    rewards, ends = -np.minimum(wrong, 1) if task.sparse else -wrong, arrays["terminals"] > 0
    return build_dataset(arrays["observations"], arrays["actions"], rewards, wrong > 0, ends, stride)
