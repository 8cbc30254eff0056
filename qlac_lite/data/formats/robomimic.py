"""Robomimic's HDF5 layout: write a file, verify one, load it as the course's flat rows. h5py alone reads it.

    data                  attrs: total, env_args (JSON: env_name, env_version, type, env_kwargs)
      demo_0, demo_1 ...  attrs: num_samples, model_file (MJCF)
        actions (T, 7)   rewards (T,) in {0, 1}   dones (T,)   states (T, D)
        obs/KEY (T, ...)   next_obs/KEY (T, ...)
    mask                  names of demonstrations: train, valid; better, okay, worse in the multi-human sets

What is repaired on the way in, since it would silently ruin results: `object` is written in two orders, its
relative pose is a sample late and row 0 of it is garbage (it is computed anew, as the environment does); some
files go on after the success (a demonstration is cut at its first reward or done, as an online episode ends
there).
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.tasks import ROBOMIMIC, Domain, Task, get_domain
from qlac_lite.data.dataset import Dataset, build_dataset
from qlac_lite.data.formats.records import provenance_of
from qlac_lite.envs.robomimic import KEYS, OBJECT_SIZES, object_observation, task_of
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic, sha256

# metres by which the median row may miss |position - hand| = |relative position|, late as the latter is
AGREES = 0.02
HEIGHTS = (
    0.6,
    1.6,
)  # metres: where things on robosuite's tables are, or are carried; the hand is never that far above them


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise QlacError(
            "Robomimic's files need h5py, which is not installed. Run `make robomimic`, or: "
            "pip install 'qlac-lite[robomimic]'"
        ) from error
    return h5py


def write(path: Path, demonstrations: list[dict[str, Any]], args: dict[str, Any], provenance: str) -> None:
    """Demonstrations (see `data.demonstrations.demonstrate`) as one file, atomically;
    the same ones give the same bytes.

    Args:
        args: the environment's `env_args`. provenance: what made them, kept in the file.
    """
    h5py = _h5py()
    names = [f"demo_{i}" for i in range(len(demonstrations))]
    masks: dict[str, list[str]] = {"train": [], "valid": []}
    for i, (name, each) in enumerate(zip(names, demonstrations, strict=True)):
        masks["valid" if i % 10 == 9 else "train"].append(name)
        if each["tier"]:
            masks.setdefault(each["tier"], []).append(name)
    with atomic(path) as file, h5py.File(file, "w") as root:
        data, mask = root.create_group("data"), root.create_group("mask")
        root.attrs["provenance"] = provenance
        data.attrs["total"] = sum(len(each["actions"]) for each in demonstrations)
        data.attrs["env_args"] = json.dumps(args, indent=4)
        for name, each in zip(names, demonstrations, strict=True):
            group = data.create_group(name)
            group.attrs["num_samples"], group.attrs["model_file"] = len(each["actions"]), each["model_file"]
            for key in ("actions", "rewards", "dones", "states"):
                group[key] = each[key]
            for part in ("obs", "next_obs"):
                for key, values in each[part].items():
                    group[f"{part}/{key}"] = values
        for key, members in masks.items():
            mask[key] = np.array(members, "S")


def verify(path: Path, name: str | None = None) -> dict:
    """Checks layout, version, sizes, finiteness and order; returns what it found.

    Args:
        name: the set that the file should be, such as lift-mh-low_dim; None accepts any of the course.

    Raises:
        QlacError: the first thing that is wrong, and the remedy.
    """
    return _verified(Path(path), name)[1]


def load(path: Path, task: Task, stride: int = 1, offline_reward: str = "next") -> tuple[Dataset, dict]:
    """The verified file as a flat dataset with rewards r - 1, and its summary for the record."""
    if offline_reward != "next":
        raise QlacError(
            f"offline_reward is {offline_reward}, but {task.name}'s rewards are in its file, "
            "those of the next state. Leave it at next."
        )
    demonstrations, summary = _verified(Path(path), task.name)
    last = lambda arrays: np.concatenate(
        [np.concatenate([a, np.zeros_like(a[:1])]) for a in arrays]
    )  # no step begins there
    observations = np.concatenate([each["observations"] for each in demonstrations])
    actions, rewards = (
        last([each["actions"] for each in demonstrations]),
        last([each["rewards"] - 1.0 for each in demonstrations]),
    )
    masks = last([each["rewards"] == 0 for each in demonstrations])
    ends = np.zeros(len(observations), bool)
    ends[np.cumsum([len(each["observations"]) for each in demonstrations]) - 1] = True
    return build_dataset(observations, actions, rewards, masks, ends, stride), summary


def demonstrations(path: Path) -> list[dict[str, Any]]:
    """A verified file's demonstrations, to look at.

    Returns:
        A dictionary each: name, tiers (the masks it is in), observations (T + 1, S), actions (T, 7), rewards
        (T,) in {0, 1} up to the first success, and states (T, D), the simulator's.
    """
    return _verified(Path(path), None)[0]


def _verified(path: Path, name: str | None) -> tuple[list[dict[str, Any]], dict]:
    h5py = _h5py()
    wanted = get_domain(name) if name is not None else None
    remedy = f"Fetch or generate it again: qlac data {wanted.dataset if wanted else 'NAME'}"
    if not path.exists():
        raise QlacError(f"There is no file {path}. {remedy}")
    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(h5py.File(path, "r"))
            args, masks, raw = _read(root)
            recorded = root.attrs.get("provenance")
        except (OSError, RuntimeError) as error:
            raise QlacError(
                f"{path} is cut off or is not an HDF5 file ({str(error).splitlines()[0]}). {remedy}"
            ) from None
        except QlacError as error:
            raise QlacError(f"{path}: {error} {remedy}") from None
        except (
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
        ) as error:  # a part of another kind than robomimic writes
            raise QlacError(
                f"{path} is damaged or has another layout than robomimic's "
                f"({error.args[0] if error.args else error}). {remedy}"
            ) from None
    task = _called(path, remedy, task_of, args)
    people = "mh" if "better" in masks else "ph" if masks else wanted.env_type if wanted else "mh"
    domain = ROBOMIMIC[f"{task}-{people}-low_dim"]
    if wanted is not None and domain != wanted:
        raise QlacError(
            f"{path} holds {domain.name}, but {name} needs {wanted.name}. It was renamed, or the wrong file "
            f"was given: give a file of {wanted.dataset}, or choose the task {domain.name}."
        )
    layout, found = _called(path, remedy, _repaired, domain, raw)
    for each in found:
        each["tiers"] = [key for key, members in masks.items() if each["name"] in members]
    lengths = [len(each["actions"]) for each in found]
    digest = sha256(path)
    summary = dict(
        domain=domain.name,
        rows=sum(lengths) + len(lengths),
        episodes=len(lengths),
        transitions=sum(lengths),
        episode_length=[min(lengths), max(lengths)],
        observation_size=domain.observation_size,
        action_size=domain.action_size,
        sha256=digest,
        layout=layout,
        successes=sum(int(each["rewards"][-1]) for each in found),
        cut=sum(len(each["actions"]) for each in raw) - sum(lengths),
        env_args=args,
        provenance=provenance_of(path, recorded, digest),
    )
    return found, summary


def _called(path: Path, remedy: str, check, *arguments):
    """What `check` returns; its errors with the file's name before and the remedy after."""
    try:
        return check(*arguments)
    except QlacError as error:
        raise QlacError(f"{path}: {error} {remedy}") from None


def _read(root) -> tuple[dict[str, Any], dict[str, set[str]], list[dict[str, Any]]]:
    """env_args, masks and the demonstrations as they stand in an open file, in the order of their numbers."""
    if "data" not in root or "env_args" not in root["data"].attrs:
        raise QlacError("it has no group 'data' with env_args, so it is not a robomimic file.")
    args = json.loads(root["data"].attrs["env_args"])
    masks = {key: {name.decode() for name in root["mask"][key][:]} for key in root.get("mask", {})}
    names = [name for name in root["data"] if name.startswith("demo_")]
    if not names:
        raise QlacError("it has no demonstrations.")
    raw = []
    for name in sorted(names, key=lambda name: int(name.removeprefix("demo_"))):
        group = root["data"][name]
        if "obs" in group and "object" not in group["obs"] and any("image" in key for key in group["obs"]):
            raise QlacError(
                f"{name} has images and no object's pose. "
                "The course uses the low_dim files, not the image ones."
            )
        needed = [
            "actions",
            "rewards",
            "dones",
            *(f"{part}/{key}" for part in ("obs", "next_obs") for key in KEYS),
        ]
        missing = [key for key in needed if key not in group]
        if missing:
            raise QlacError(
                f"{name} lacks {', '.join(missing)}. The course uses the low_dim files, "
                "with their observations."
            )
        raw.append(
            {"name": name, "states": group["states"][:] if "states" in group else None}
            | {key: group[key][:] for key in needed}
        )
    return args, masks, raw


def _repaired(domain: Domain, raw: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The order in which `object` was written, and demonstrations with it computed anew,
    cut at their ends."""
    task = domain.env_class
    for each in raw:
        _check(domain, each)
    layout, pose_at = _layout(task, raw)
    found = []
    for each in raw:
        ended = (each["rewards"] == 1) | (each["dones"] == 1)
        keep = int(np.argmax(ended)) + 1 if ended.any() else len(ended)
        rows = {
            key: np.concatenate([each[f"obs/{key}"][:keep], each[f"next_obs/{key}"][keep - 1 : keep]])
            for key in KEYS
        }
        position, quaternion = rows["robot0_eef_pos"], rows["robot0_eef_quat"]
        rows["object"] = object_observation(
            task, rows["object"][:, pose_at : pose_at + 7], position, quaternion
        )
        observations = np.concatenate([rows[key] for key in KEYS], axis=1).astype(np.float32)
        states = None if each["states"] is None else each["states"][:keep]
        found.append(
            dict(
                name=each["name"],
                observations=observations,
                actions=each["actions"][:keep],
                rewards=each["rewards"][:keep],
                states=states,
            )
        )
    return layout, found


def _check(domain: Domain, each: dict[str, Any]) -> None:
    name, steps = each["name"], len(each["actions"])
    if steps == 0:
        raise QlacError(f"{name} has no step.")
    if each["states"] is not None and (each["states"].ndim != 2 or len(each["states"]) != steps):
        raise QlacError(
            f"{name}: states have the shape {each['states'].shape}, but there are {steps} actions."
        )
    sizes = dict(zip(KEYS, (3, 4, 2, OBJECT_SIZES[domain.env_class]), strict=True))
    shapes = {"actions": (domain.action_size,), "rewards": (), "dones": ()}
    shapes |= {f"{part}/{key}": (size,) for part in ("obs", "next_obs") for key, size in sizes.items()}
    for key, shape in shapes.items():
        if each[key].shape != (steps, *shape):
            raise QlacError(f"{name}: {key} has the shape {each[key].shape}, not {(steps, *shape)}.")
        if each[key].dtype.kind not in "fbiu":
            raise QlacError(f"{name}: {key} holds {each[key].dtype}, not numbers.")
        if not np.all(np.isfinite(each[key])):
            raise QlacError(
                f"{name}: {key} has a NaN or infinity in row {np.argwhere(~np.isfinite(each[key]))[0][0]}."
            )
    if np.abs(each["actions"]).max() > 1 + 1e-5:
        raise QlacError(f"{name}: actions lie outside [-1, 1].")
    if not np.isin(each["rewards"], (0, 1)).all():
        raise QlacError(
            f"{name}: rewards are not 0 or 1; the course needs the sparse ones (reward_shaping false)."
        )
    if not np.isin(each["dones"], (0, 1)).all():
        raise QlacError(f"{name}: dones are not flags of 0 or 1.")


def _layout(task: str, raw: list[dict[str, Any]]) -> tuple[str, int]:
    """In which order `object` was written, and where in it the object's own pose begins.

    In the right reading, the object is as far from the hand as its relative position says, and as high as a
    table. The second question is needed: the hand points down, which is half a turn, and half a turn seen
    from half a turn is nearly where one began, so that the wrong reading may be off by millimetres only.
    Medians over rows are not moved by row 0, nor far by a pose that is a sample late.
    """
    thing = np.concatenate([each["obs/object"] for each in raw])
    hand = np.concatenate([each["obs/robot0_eef_pos"] for each in raw])
    readings = (
        {"pose first": (0, 7), "relative pose first": (7, 0)} if task != "lift" else {"pose first": (0, 7)}
    )
    errors = {}
    for name, (pose, relative) in readings.items():
        away = np.linalg.norm(thing[:, pose : pose + 3] - hand, axis=1)
        height = np.median(thing[:, pose + 2])
        errors[name] = (
            np.median(np.abs(away - np.linalg.norm(thing[:, relative : relative + 3], axis=1))),
            height,
        )
    fits = [
        name
        for name, (error, height) in errors.items()
        if error <= AGREES and HEIGHTS[0] < height < HEIGHTS[1]
    ]
    if len(fits) != 1:
        told = ", ".join(
            f"{name}: off by {error:.3f} m, {height:.2f} m high" for name, (error, height) in errors.items()
        )
        raise QlacError(
            f"in no known order does `object` agree with the hand's position and a table's height ({told})."
        )
    best = fits[0]
    return best, readings[best][0]
