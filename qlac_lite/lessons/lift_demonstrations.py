"""Demonstrations of Robomimic's tasks: made, read and filmed; for lesson 08.

Shapes: T steps of a demonstration, S observation size.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.tasks import get_domain
from qlac_lite.data.load import read
from qlac_lite.data.suites.robomimic_files import write
from qlac_lite.data.suites.robomimic_scripts import demonstrate
from qlac_lite.envs.robomimic import RobomimicEnv
from qlac_lite.envs.robomimic_spec import env_args
from qlac_lite.lessons import runs_in_processes as processes

SETS = {"lift": "lift-mh-low_dim", "can": "can-mh-low_dim", "square": "square-mh-low_dim"}
FRAMES, PIXELS = 24, 170  # of the film, a task
Demonstration = dict[str, Any]


def make_files(home: Path, **counts: int) -> dict[str, Path]:
    """Files of so many stand-ins of each task; Lift's in a process of its own, which uses all cores."""
    words = ("data", SETS["lift"], "--source", "generate", "--episodes", counts["lift"], "--out", "data")
    lift, files = processes.start(home, *words), dict.fromkeys(counts, home)
    for task in counts.keys() - {"lift"}:
        domain, files[task] = get_domain(SETS[task]), home / f"{task}.hdf5"
        made = [demonstrate(task, domain.env_type, 0, episode) for episode in range(counts[task])]
        write(files[task], made, env_args(task), f"scripted stand-ins, not human data: {domain.name}")
    return files | {"lift": home / processes.finish(lift).splitlines()[-1]}


def demonstrations(path: Path) -> list[Demonstration]:
    """What the loader gives: name, tiers, observations (T + 1, S), actions (T, 7), rewards (T,), states."""
    return read(path)[0]


def keys(path: Path, *names: str) -> list[np.ndarray]:
    """Observations of a file under some keys, as they are written, demonstration after demonstration."""
    import h5py

    with h5py.File(path) as file:
        each = list(file["data"].values())
        return [np.concatenate([demo[f"obs/{name}"][:] for demo in each]) for name in names]


def film(files: dict[str, Path]) -> bytes:
    """A GIF of the first demonstration of each task side by side: its states, one after the other."""
    from PIL import Image, ImageDraw

    columns = []
    for task, path in files.items():
        states = demonstrations(path)[0]["states"]
        env = RobomimicEnv(env_args(task), 1, size=PIXELS)
        column = []
        for step in np.linspace(0, len(states) - 1, FRAMES).round().astype(int):
            env.reset(options={"state": states[step]})
            picture = Image.fromarray(env.render())
            pencil = ImageDraw.Draw(picture)
            pencil.rectangle((0, 0, PIXELS, 15), fill="white")
            pencil.text((6, 2), f"{task.capitalize()}, step {step}", fill="black")
            column.append(np.asarray(picture))
        env.close()
        columns.append(column)
    wide = [Image.fromarray(np.concatenate(row, axis=1)) for row in zip(*columns, strict=True)]
    palette = Image.fromarray(np.concatenate([np.asarray(frame) for frame in wide[::6]])).quantize(96)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in wide]
    file, times = io.BytesIO(), [160] * (FRAMES - 1) + [1600]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return file.getvalue()


def returns_to_go(demonstration: Demonstration, discount: float = 0.99) -> np.ndarray:
    """Discounted sum of -1 a step until the success, from each step on: (T,)."""
    left = np.arange(len(demonstration["rewards"]))[::-1]  # steps to go, before the one that succeeds
    return -(1 - discount**left) / (1 - discount)
