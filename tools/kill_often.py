"""Kills training and generation at random moments, again and again, and sees that nothing is lost.

    python tools/kill_often.py --kills 200 --out results/kills

Half of the kills hit `qlac train`, half `qlac data --source generate`; a command and its simulators die at
once (SIGKILL). After each kill, what lies there must be whole: run.json, the tables' rows, the checkpoint.
The same command goes on. Where it ends by itself, its files must equal those of a run that nobody disturbed:
the checkpoint's arrays, evaluations.csv and episodes.csv, the data file's bytes. Then it begins anew, until
all kills are spent.
"""

import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import typer

from qlac_lite.training.run_folder import LOGS, open_run
from qlac_lite.utils.files import read_json, read_npz, write_json
from qlac_lite.utils.provenance import provenance

RUN = "train --task {task} --seeds 2 --offline-steps 200 --online-steps 200 --set hidden=16,16"
RUN += " --set batch_size=16 --set log_every=20 --set evaluate_every=100 --set evaluation_episodes=1"
RUN += " --set checkpoint_seconds=0"
MADE = "data {dataset} --source generate --episodes 4"
TASKS = {"cube-single-play-singletask-task1-v0": "cube-single-play-v0", "lite-world": "lite-world"}


def kill_often(
    kills: int = 200, out: Path = Path("results/kills"), seed: int = 0, task: str = list(TASKS)[0]
):
    """Writes what was killed where to kills.json in `out`, each half as it ends; a half that is there is not
    run again. Raises AssertionError at the first loss."""
    about, file = dict(kills=kills, seed=seed, task=task), out / "kills.json"
    there = read_json(file, "Delete it.") if file.exists() else {}
    found = there["found"] if {name: there.get(name) for name in about} == about else {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = [*MADE.format(dataset=TASKS[task]).split(), "--out"]
        made = folder / "data-whole"
        assert _start(data, made).wait() == 0
        (path,) = made.glob("*.npz")
        train = [*RUN.format(task=task).split(), "--data", str(path), "--resume", "--out"]
        halves = {"data": (data, _data, _state_of_data), "train": (train, _run, _state_of_run)}
        for name, (words, content, state) in halves.items():
            if name not in found:
                began = time.monotonic()
                half = _rounds(words, folder / name, kills // 2, random.Random(seed), content, state)
                seconds = round(time.monotonic() - began)
                found[name] = half | {"seconds": seconds, "provenance": provenance()}
                write_json(file, about | {"found": found})
            each = found[name]
            runs = f"{each['kills']} kills in {each['ended'] + 1} runs"
            print(f"{name}: {runs}, nothing lost; killed at {each['at']}")


def _rounds(words: list[str], folder: Path, kills: int, chance, content, state) -> dict:
    """Kills `qlac WORDS FOLDER` so often. content(folder): what has to be equal. state(folder): where it was
    killed, after a look at whether all is whole."""
    whole = folder.with_name(folder.name + "-undisturbed")
    begun = time.monotonic()
    assert _start(words, whole).wait() == 0
    longest, wanted = time.monotonic() - begun, content(whole)
    at, ended = collections.Counter(), 0
    while sum(at.values()) < kills:
        process = _start(words, folder)
        try:
            code = process.wait(chance.uniform(0, 1.5 * longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            at[state(folder)] += 1
            continue
        ended += _same(code, content(folder), wanted)
        shutil.rmtree(folder)
    _same(_start(words, folder).wait(), content(folder), wanted)
    left = sorted(path.name for path in folder.rglob("*") if ".tmp" in path.name or ".parts" in path.name)
    assert not left, f"left behind: {left}"
    told = [Path(word).name if word.startswith("/") else word for word in words[:-1]]  # nobody's folders
    return {"command": f"qlac {' '.join(told)}", "kills": kills, "ended": ended, "at": dict(at)}


def _start(words: list[str], folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "qlac_lite", *words, str(folder)]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def _same(code: int, found: dict, wanted: dict) -> bool:
    assert code == 0, f"it ended with status {code}"
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), f"{name} differs from that of an undisturbed run"
    assert found.keys() == wanted.keys()
    return True


def _data(folder: Path) -> dict:
    return {path.name: path.read_bytes() for path in folder.glob("*.npz")}


def _state_of_data(folder: Path) -> str:
    for path in folder.rglob("*.npz"):
        if not path.name.startswith("."):
            read_npz(path, "It is half-written.")
    made = len(list(folder.rglob("*parts/[!.]*.npz")))
    return "finished" if _data(folder) else f"{made} episodes"


def _run(folder: Path) -> dict:
    run = open_run(folder)
    tables = {name: str(run.rows(name)) for name in ("evaluations.csv", "episodes.csv")}
    return tables | read_npz(run.checkpoint_path, "")


def _state_of_run(folder: Path) -> str:
    if not (folder / "run.json").exists():
        return "before run.json"
    run = open_run(folder)
    for name in LOGS:
        assert all(None not in row.values() and None not in row for row in run.rows(name)), name
    return " ".join(map(str, run.status())) if run.checkpoint_path.exists() else "before the first checkpoint"


if __name__ == "__main__":
    typer.run(kill_often)
