"""Robomimic's HDF5 layout: write a file, read and verify one. h5py alone reads it.

    data                  attrs: total, env_args (JSON: env_name, env_version, type, env_kwargs)
      demo_0, demo_1 ...  attrs: num_samples, model_file (MJCF)
        actions (T, 7)   rewards (T,) in {0, 1}   dones (T,)   states (T, D)
        obs/KEY (T, ...)   next_obs/KEY (T, ...)
    mask                  names of demonstrations: train, valid; better, okay, worse in the multi-human sets

`write` takes a demonstration as a dictionary with these names, such as "obs/object".
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.tasks import ROBOMIMIC, Domain
from qlac_lite.data.records import again, check_numbers, summarise, told_of
from qlac_lite.data.suites.robomimic_repair import repaired
from qlac_lite.envs.robomimic_spec import KEYS, OBJECT_SIZES, task_of
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic

Demonstration = dict[str, Any]
OBSERVED = [f"{part}/{key}" for part in ("obs", "next_obs") for key in KEYS]


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise QlacError(
            "Robomimic's files need h5py, which is not installed. Run `make robomimic`, or: "
            "pip install 'qlac-lite[robomimic]'"
        ) from error
    return h5py


def write(path: Path, demonstrations: list[Demonstration], args: dict[str, Any], provenance: str) -> None:
    """Demonstrations (see `robomimic_scripts.demonstrate`) as one file; the same ones give the same bytes.

    `args`: the environment's `env_args`. `provenance`: what made them, kept in the file.
    """
    h5py, masks = _h5py(), {"train": [], "valid": []}
    with atomic(path) as file, h5py.File(file, "w") as root:
        data, mask = root.create_group("data"), root.create_group("mask")
        root.attrs["provenance"] = provenance
        data.attrs["total"] = sum(len(each["actions"]) for each in demonstrations)
        data.attrs["env_args"] = json.dumps(args, indent=4)
        for i, each in enumerate(demonstrations):
            group = data.create_group(f"demo_{i}")
            for mask_name in filter(None, ("valid" if i % 10 == 9 else "train", str(each["tier"]))):
                masks.setdefault(mask_name, []).append(f"demo_{i}")
            group.attrs["num_samples"] = len(each["actions"])
            group.attrs["model_file"] = str(each["model_file"])
            for key in ("actions", "rewards", "dones", "states", *(key for key in each if "/" in key)):
                group[key] = each[key]
        for key, members in masks.items():
            mask[key] = np.array(members, "S")


def read(path: Path, domain: Domain | None = None) -> tuple[list[Demonstration], dict]:
    """A file's demonstrations, repaired, and what it holds, see `data.load.read`.

    Verified: layout, version, sizes, finiteness and order. A demonstration is a dictionary: name, tiers (the
    masks it is in), observations (T + 1, S), actions (T, 7), rewards (T,) in {0, 1} up to the first success,
    and the simulator's states (T, D) if the file has them.
    """
    args, task, masks, raw, provenance = _content(path, domain)
    people = "mh" if "better" in masks else "ph" if masks else domain.env_type if domain else "mh"
    held = ROBOMIMIC[f"{task}-{people}-low_dim"]
    with told_of(path, domain):
        for each in raw:
            _check(held, each)
        order, found = repaired(task, raw)
    for each in found:
        each["tiers"] = [key for key, members in masks.items() if each["name"] in members]
    lengths = [len(each["actions"]) for each in found]
    cut = sum(len(each["actions"]) for each in raw) - sum(lengths)
    successes = sum(int(each["rewards"][-1]) for each in found)
    more = dict(layout=order, successes=successes, cut=cut, env_args=args)
    return found, summarise(path, held, domain, lengths, provenance, **more)


def _content(path: Path, domain: Domain | None) -> tuple:
    """What `_parts` gives, and the provenance."""
    h5py = _h5py()
    if not path.exists():
        raise QlacError(f"There is no file {path}. {again(domain)}")
    try:
        with told_of(path, domain), h5py.File(path, "r") as root:
            return *_parts(root), root.attrs.get("provenance")
    except (OSError, RuntimeError) as error:
        told = f"is cut off or is not an HDF5 file ({str(error).splitlines()[0]})"
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        # a part of another kind than robomimic writes
        told = f"is damaged or has another layout than robomimic's ({error.args[0] if error.args else error})"
    raise QlacError(f"{path} {told}. {again(domain)}")


def _parts(root) -> tuple:
    """env_args, task, masks and the demonstrations of an open file, in the order of their numbers."""
    if "data" not in root or "env_args" not in root["data"].attrs:
        raise QlacError("it has no group 'data' with env_args, so it is not a robomimic file.")
    args = json.loads(root["data"].attrs["env_args"])
    masks = {key: {name.decode() for name in root["mask"][key][:]} for key in root.get("mask", {})}
    names = [name for name in root["data"] if name.startswith("demo_")]
    if not names:
        raise QlacError("it has no demonstrations.")
    raw, needed, course = [], ["actions", "rewards", "dones", *OBSERVED], "The course uses the low_dim files"
    for name in sorted(names, key=lambda name: int(name.removeprefix("demo_"))):
        group = root["data"][name]
        if "obs" in group and "object" not in group["obs"] and any("image" in key for key in group["obs"]):
            raise QlacError(f"{name} has images and no object's pose. {course}, not the image ones.")
        if missing := [key for key in needed if key not in group]:
            raise QlacError(f"{name} lacks {', '.join(missing)}. {course}, with their observations.")
        raw.append({"name": name} | {key: group[key][:] for key in (*needed, "states") if key in group})
    return args, task_of(args), masks, raw


def _check(domain: Domain, each: Demonstration) -> None:
    """Raises QlacError at the first array of other form than the layout's."""
    name, states, steps = each["name"], each.get("states"), len(each["actions"])
    if steps == 0:
        raise QlacError(f"{name} has no step.")
    if states is not None and (states.ndim != 2 or len(states) != steps):
        raise QlacError(f"{name}: states have the shape {states.shape}, but there are {steps} actions.")
    sizes = (3, 4, 2, OBJECT_SIZES[domain.env_class])
    shapes = {"actions": (steps, domain.action_size), "rewards": (steps,), "dones": (steps,)}
    shapes |= {key: (steps, size) for key, size in zip(OBSERVED, sizes * 2, strict=True)}
    for key, shape in shapes.items():
        check_numbers(f"{name}: {key}", each[key], shape)
    if np.abs(each["actions"]).max() > 1 + 1e-5:
        raise QlacError(f"{name}: actions lie outside [-1, 1].")
    if not np.isin(each["rewards"], (0, 1)).all():
        told = "rewards are not 0 or 1; the course needs the sparse ones (reward_shaping false)."
        raise QlacError(f"{name}: {told}")
    if not np.isin(each["dones"], (0, 1)).all():
        raise QlacError(f"{name}: dones are not flags of 0 or 1.")
