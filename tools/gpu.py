"""`make gpu MINUTES=10`: what a GPU does at the paper's size, with results whenever it is stopped.

First the speed of updates, while all but two cores generate play data. Then cells of puzzle-3x3 (sparse),
task 4, where the paper's methods are apart after 100K offline steps, the cheap ones first. Runs and data stay
in runs/gpu, and the next call goes on there. The folder `out` has small files alone: machine.json, bench.csv,
the cells' CSV files, and README.md with figures and the paper's numbers beside ours.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[1]
TASK, DATASET = "puzzle-3x3-play-sparse-singletask-task4-v0", "puzzle-3x3-play-v0"
BENCHES = [  # method, how its flow is sampled, numbers of seeds; in this order
    ("qc-fql", "float32", [4, 1, 8]),
    ("fql", "float32", [4, 1, 8]),
    ("qc", "float32", [4, 1, 8]),
    ("qc", "bfloat16", [4]),
    ("qc-fql", "bfloat16", [4]),
]
CELLS = {  # folder -> method and settings, in this order; all at the paper's size
    "qc-fql": ["qc-fql"],
    "fql": ["fql"],
    "bfn": ["bfn"],
    "qc": ["qc"],
    "bfn-64": ["bfn", "--set", "candidates=64"],  # the control with QC's N
}
STEPS_PER_CORE = 200  # environment steps a second that one core generates at least
LAST = 20  # seconds that are kept for the report
TINY = "hidden=16,16 batch_size=8 flow_steps=2 log_every=10".split()  # a rehearsal, on any machine


class Clock:
    """The time that is left, in seconds."""

    def __init__(self, minutes: float):
        self.whole, self.begin = 60 * minutes, time.monotonic()

    def left(self) -> float:
        return self.whole - (time.monotonic() - self.begin)


def main(
    minutes: Annotated[float, typer.Option(help="Time for everything.")] = 10,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = ROOT / "results" / "gpu",
    work: Annotated[Path, typer.Option(help="Folder for runs and data.")] = ROOT / "runs" / "gpu",
    tiny: Annotated[bool, typer.Option(help="Tiny networks and data: a rehearsal.")] = False,
) -> None:
    import jax

    from qlac_lite.utils.files import write_json
    from qlac_lite.utils.provenance import provenance

    jax.config.update("jax_platforms", "cpu")  # of this process alone: the GPU is for those that it starts
    clock, kept = Clock(minutes), LAST * (not tiny)
    out, work = out.resolve(), work.resolve()
    (work / "logs").mkdir(parents=True, exist_ok=True)
    machine = provenance() | {"command": f"make gpu MINUTES={minutes:g}", "gpu": _card()}
    write_json(out / "machine.json", machine)
    if not machine["gpu"] and not tiny:
        print("There is no NVIDIA GPU here: this is the speed of the CPU, and no cell will be finished.")
    data = _start_data(clock, work, tiny)
    for method, sampling, seeds in BENCHES:
        missing = [n for n in seeds if (method, sampling, n) not in _rates(work)]
        enough = data.poll() is not None and clock.left() < 0.6 * clock.whole
        if missing and not enough and clock.left() > kept:
            _bench(method, sampling, missing, clock.left() - kept, work, tiny)
            _report(out, work)
    _finish(data, clock.left() - kept)
    if data.returncode == 0:
        for name, options in CELLS.items():
            if clock.left() > kept:
                _train(name, options, clock.left() - kept, work, tiny)
                _report(out, work)
    else:
        print("The data are not ready: the same command goes on with them.")
    print(_report(out, work) + f"\n\nWritten to {out}")


def _card() -> str:
    """Name, driver and memory of the GPU, as nvidia-smi tells them; "" without one."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    there = shutil.which("nvidia-smi")
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() if there else ""


def _start(words: list, work: Path, name: str, path: Path | None = None, **more: str) -> subprocess.Popen:
    """A Python command in the background; it prints into a log, on standard output into `path`, if given."""
    environment = {
        "JAX_COMPILATION_CACHE_DIR": str(work / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    log = work / "logs" / f"{name}.txt"
    with log.open("a") as errors, (path or log).open("a" if path is None else "w") as output:
        command, streams = [sys.executable, *map(str, words)], dict(stdout=output, stderr=errors)
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment | more, **streams)


def _finish(process: subprocess.Popen, seconds: float) -> None:
    """Waits, then stops it as Ctrl-C does, so that what can be kept is kept."""
    try:
        process.wait(max(0.1, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start_data(clock: Clock, work: Path, tiny: bool) -> subprocess.Popen:
    """Finds the official file, or generates as many episodes as two fifths of the time allow."""
    from qlac_lite.utils.cores import usable_cores

    cores = usable_cores()
    workers = cores - 2 if cores > 4 else cores
    made = sorted((work / "data").glob(f"{DATASET}-generated-*"))
    episodes = int(0.4 * clock.whole * STEPS_PER_CORE * workers / 1001)
    episodes = 2 if tiny else min(max(episodes, 20), 1000)
    if made:  # by an earlier call, perhaps not to its end
        episodes = int(made[0].name.split("-generated-")[1].split("-")[0])
    generate = ["--source", "generate", "--episodes", episodes, "--workers", workers, "--out", work / "data"]
    for source in (["--source", "file"], generate):
        words = ["-m", "qlac_lite", "data", DATASET, *source]
        found = _start(words, work, "data", work / "data-path.txt", JAX_PLATFORMS="cpu")
        if source is generate or (not tiny and found.wait() == 0):
            return found


def _bench(method: str, sampling: str, seeds: list[int], seconds: float, work: Path, tiny: bool) -> None:
    size = ["--size", "paper", "--seconds", "3"]
    if tiny:
        size = ["--size", "lite", "--seconds", "0.1", *(word for field in TINY for word in ("--set", field))]
    words = ["tools/bench.py", *size, "--method", method, "--set", f"sampling_precision={sampling}"]
    words += [word for n in seeds for word in ("--seeds", n)]
    name = "-".join(map(str, (method, sampling, *seeds)))
    words += ["--no-environments", "--out", work / "bench" / f"{name}.json"]
    _finish(_start(words, work, f"bench-{name}"), seconds)


def _rates(work: Path) -> dict[tuple, dict]:
    """(method, sampling, seeds) -> the row of bench.py that was measured last."""
    from qlac_lite.utils.files import read_json

    rates = {}
    for method, sampling, _ in BENCHES:
        for path in sorted((work / "bench").glob(f"{method}-{sampling}-*.json"), key=os.path.getmtime):
            for row in read_json(path, "Delete it.")["updates"]:
                rates[method, sampling, row["seeds"]] = {"sampling": sampling} | row
    return rates


def _train(name: str, options: list[str], seconds: float, work: Path, tiny: bool) -> None:
    data = (work / "data-path.txt").read_text().split("\n")[0]
    size = ["--preset", "full", "--seeds", "4", "--offline-steps", "100000", "--set", "evaluate_every=50000"]
    if tiny:
        size = ["--seeds", "1", "--offline-steps", "20", "--set", "evaluation_episodes=1"]
        size += [word for field in TINY for word in ("--set", field)]
    words = ["train", "--task", TASK, "--method", *options, *size, "--online-steps", "0", "--data", data]
    words += ["--out", work / "cells" / name, "--resume"]
    _finish(_start(["-m", "qlac_lite", *words], work, name), seconds)


def _report(out: Path, work: Path) -> str:
    """Writes all that is there so far: bench.csv, the cells' CSV files, and README.md."""

    from qlac_lite.reports.by_task import write_report
    from qlac_lite.training.run_folder import find_runs
    from qlac_lite.utils.files import markdown, read_json, write_csv, write_text

    rates = list(_rates(work).values())
    write_csv(out / "bench.csv", rates)
    machine = read_json(out / "machine.json", "Delete it.")
    lines = [
        "# What one GPU does",
        f"`{machine['command']}`, {machine['date']}, on {machine['gpu'] or machine['machine']}.",
        "Updates a second, summed over seeds: the compiled loop, and one jitted update per Python call with "
        "NumPy sampling. While these were measured, other cores generated data." * bool(rates),
        markdown([_speed(row) for row in rates]) if rates else "",
    ]
    runs = find_runs(work / "cells") if (work / "cells").exists() else []
    for run in runs:
        for path in run.folder.glob("*.csv"):
            write_text(out / "cells" / run.folder.name / path.name, path.read_text())
        write_text(out / "cells" / run.folder.name / "run.json", (run.folder / "run.json").read_text())
    if any(run.rows("evaluations.csv") for run in runs):
        lines.append(write_report([out / "cells"], out).rpartition("\n\nWritten to ")[0])
    hours = [_cost(row) for row in rates if row["seeds"] == 4]
    if hours:
        lines += [
            "What the paper's 25 tasks would take on this card, updates alone (simulation and evaluation run "
            "on the cores beside them: docs/cluster.md):",
            markdown(hours),
        ]
    text = "\n\n".join(filter(None, lines))
    write_text(out / "README.md", text + "\n")
    return text


def _speed(row: dict) -> dict:
    return {
        "method": row["method"],
        "seeds": row["seeds"],
        "sampling": row["sampling"],
        "compiled/s": f"{row['compiled_per_second']:.0f}",
        "one a call/s": f"{row['one_call_per_second']:.0f}",
        "ratio": f"{row['ratio']:.1f}",
        "of the matrix rate": f"{row['share_of_matmul']:.0%}",
        "MiB": row["memory_mib"] or "",
    }


def _cost(row: dict) -> dict:
    """Hours of the card for 4 seeds of 1M updates offline, and as many online: one task, and all 25."""
    hours = row["seeds"] * 1e6 / row["compiled_per_second"] / 3600
    return {
        "method": row["method"],
        "sampling": row["sampling"],
        "100K offline, minutes": f"{6 * hours:.1f}",
        "1M offline, hours": f"{hours:.2f}",
        "25 tasks, offline and online, hours": f"{50 * hours:.0f}",
    }


if __name__ == "__main__":
    typer.run(main)
