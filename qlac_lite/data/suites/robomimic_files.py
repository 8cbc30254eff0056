"""Robomimic's HDF5 layout: write a file, read and verify one. h5py alone reads it.

    data                  attrs: total, env_args (JSON: env_name, env_version, type, env_kwargs)
      demo_0, demo_1 ...  attrs: num_samples, model_file (MJCF)
        actions (T, 7)   rewards (T,) in {0, 1}   dones (T,)   states (T, D)
        obs/KEY (T, ...)   next_obs/KEY (T, ...), which a file may lack
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
from qlac_lite.envs.robomimic_spec import KEYS, OBJECT_SIZES, control_note, task_of
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic

Demonstration = dict[str, Any]
OBSERVED = [f"{part}/{key}" for part in ("obs", "next_obs") for key in KEYS]
TIERS = {"better", "okay", "worse"}  # of mh's people
# of robomimic, in their order: one writes env_args, the other observations and rewards
CONVERT = "conversion/convert_robosuite.py --dataset FILE"
OBSERVE = "dataset_states_to_obs.py --dataset FILE --output_name low_dim.hdf5 --done_mode 2"


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
    steps, notes = [len(each["actions"]) for each in raw], []
    held = _set_of(task, masks, steps, provenance)
    if held is None:
        people = path.parent.name if path.parent.name in ("mh", "ph") else "mh"
        asked = domain is not None and domain.env_class == task
        held = domain if asked else ROBOMIMIC[f"{task}-{people}-low_dim"]
        notes.append(f"Nothing in it tells mh from ph: it is taken for {held.name}")
    with told_of(path, domain):
        for each in raw:
            _check(held, each)
        order, found = repaired(task, raw)
    for each in found:
        each["tiers"] = [key for key, members in masks.items() if each["name"] in members]
    lengths = [len(each["actions"]) for each in found]
    successes = sum(int(each["rewards"][-1]) for each in found)
    if any(OBSERVED[-1] not in each for each in raw):
        lost = sum(each["left_out"] for each in found)
        told = f"no next_obs, so obs[t + 1] is taken. {lost} last steps without success are left out"
        notes.append(f"It has {told}; after a success the last observation stands in, which no target reads")
    more = dict(layout=order, successes=successes, cut=sum(steps) - sum(lengths), env_args=args)
    more["notes"] = [*notes, *filter(None, [control_note(args)])]
    return found, summarise(path, held, domain, lengths, provenance, **more)


def _set_of(task: str, masks: dict, steps: list[int], provenance: Any) -> Domain | None:
    """The set that a file shows itself to be, by its numbers, its tiers, or what made it; else None."""
    sets = [domain for domain in ROBOMIMIC.values() if domain.env_class == task]
    for domain in sets:
        if (domain.episodes, domain.paper_transitions) == (len(steps), sum(steps)):
            return domain
    parts = [set(key.split("_")) - {"train", "valid"} for key in masks]
    if any(part and part <= TIERS for part in parts):
        return ROBOMIMIC[f"{task}-mh-low_dim"]
    return next((domain for domain in sets if domain.name in str(provenance)), None)


def _content(path: Path, domain: Domain | None) -> tuple:
    """What `_parts` gives, and the provenance."""
    h5py = _h5py()
    if not path.exists():
        raise QlacError(f"There is no file {path}. {again(domain)}")
    try:
        with h5py.File(path, "r") as root:
            _refuse_recording(path, domain, root)
            with told_of(path, domain):
                return *_parts(root), root.attrs.get("provenance")
    except (OSError, RuntimeError) as error:
        told = f"is cut off or is not an HDF5 file ({str(error).splitlines()[0]})"
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        # a part of another kind than robomimic writes
        told = f"is damaged or has another layout than robomimic's ({error.args[0] if error.args else error})"
    raise QlacError(f"{path} {told}. {again(domain)}")


def _refuse_recording(path: Path, domain: Domain | None, root) -> None:
    """Raises QlacError for what robosuite's own scripts write, as it is or half converted."""
    data = root.get("data", {})
    given = getattr(data, "attrs", {})
    first = next((data[name] for name in data if name.startswith("demo_")), {})
    if "env_args" not in given and "env_info" in given:
        lacks, scripts = "is robosuite's own recording, without observations", f"{CONVERT}, then {OBSERVE}"
        with told_of(path, domain):  # converted, it has robosuite 1.5's version
            settings = json.loads(given["env_info"])
            task_of({"env_name": given["env"], "env_version": "1.5", "env_kwargs": settings})
    elif "env_args" in given and "states" in first and "obs" not in first:
        lacks, scripts = "is only half converted: it has no observations", OBSERVE
    else:
        return
    told = f"Convert it with robomimic's scripts and robosuite 1.5: {scripts}"
    raise QlacError(f"{path} {lacks}. {told}.")


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
        follows = len(group.get("next_obs", ())) > 0
        if missing := [key for key in needed if key not in group and (follows or "next_obs" not in key)]:
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
    for key, shape in ((key, shape) for key, shape in shapes.items() if key in each):
        check_numbers(f"{name}: {key}", each[key], shape)
    if np.abs(each["actions"]).max() > 1 + 1e-5:
        raise QlacError(f"{name}: actions lie outside [-1, 1].")
    if not np.isin(each["rewards"], (0, 1)).all():
        told = "rewards are not 0 or 1; the course needs the sparse ones (reward_shaping false)."
        raise QlacError(f"{name}: {told}")
    if not np.isin(each["dones"], (0, 1)).all():
        raise QlacError(f"{name}: dones are not flags of 0 or 1.")
