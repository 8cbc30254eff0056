"""Runs in processes of their own: started, killed, resumed and compared; for lesson 07."""

import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import numpy as np

from qlac_lite.training.run_folder import PHASES, open_run
from qlac_lite.utils.files import read_npz

SEARCH_SECONDS = 0.1


def start(home: Path, *words) -> subprocess.Popen:
    """`qlac WORDS ...` in a process of its own, in the folder `home`, without a progress bar."""
    # What one process has compiled, the next one need not compile again; several processes share a GPU.
    quiet = {"TQDM_DISABLE": "1", "JAX_COMPILATION_CACHE_DIR": str(home / "compiled")}
    quiet |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    command = [sys.executable, "-m", "qlac_lite", *map(str, words)]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, cwd=home, env=os.environ | quiet, **pipes)


def finish(process: subprocess.Popen) -> str:
    """Waits for it, and gives what it printed. Raises RuntimeError with its message if it failed."""
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors[-2000:])
    return printed.strip()


def as_typed(*words) -> str:
    """A command as one would type it: a line that goes on ends with a backslash."""
    return " \\\n    ".join(wrap(" ".join(map(str, words)), 96, break_on_hyphens=False))


def settings(**changes) -> list[str]:
    """--set NAME=VALUE for each."""
    return [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]


class Left(NamedTuple):
    """What a run has left behind."""

    phase: np.ndarray  # (N,) of each row of progress.csv: 0 offline, 1 online
    step: np.ndarray  # (N,)
    saved: tuple[int, int] | None  # phase and step of its checkpoint
    lengths: tuple[int, int]  # steps of the two phases


def left_by(folder: Path) -> Left:
    """The log and the checkpoint of a run, as they lie there now."""
    run = open_run(folder)
    rows, (phase, step) = run.rows("progress.csv"), run.status()
    saved = (PHASES.index(phase), step) if run.checkpoint_path.exists() else None
    lengths = run.config.offline_steps, run.config.online_steps
    places = np.array([(PHASES.index(row["phase"]), row["step"]) for row in rows], int).reshape(-1, 2)
    return Left(*places.T, saved, lengths)


def kill_when_ahead(process: subprocess.Popen, folder: Path) -> bool:
    """Kills a run when its log is ahead of its checkpoint; False if it ended before that."""
    while process.poll() is None:
        time.sleep(SEARCH_SECONDS)
        if (folder / "checkpoint.npz").exists():
            left = left_by(folder)
            if left.saved and len(left.step) and (left.phase[-1], left.step[-1]) > left.saved:
                process.kill()
                process.communicate()
                return True
    finish(process)
    return False


def equal(one: Path, other: Path) -> dict[str, bool]:
    """Which parts of two finished runs are equal, bit for bit."""
    arrays = [read_npz(folder / "checkpoint.npz", "Let the run end first.") for folder in (one, other)]
    same = arrays[0].keys() == arrays[1].keys()
    same = same and all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
    rows = lambda folder, name: [
        {key: value for key, value in row.items() if key != "updates_per_second"}
        for row in open_run(folder).rows(name)
    ]
    logs = {
        "the rows of progress.csv, but for the clock": "progress.csv",
        "the online episodes": "episodes.csv",
        "the evaluation episodes": "evaluations.csv",
    }
    found = {f"the {len(arrays[0])} arrays of the checkpoints": same}
    return found | {told: rows(one, name) == rows(other, name) for told, name in logs.items()}
