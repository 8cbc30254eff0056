"""How long each lesson runs, solved and unsolved,
and how much memory its kernel and all that it starts hold at the most.

    python tools/time_lessons.py [unsolved] [solved] [NUMBER...]
        all lessons and both by default; QLAC_FAST=1 shortens them

Nothing that was compiled before is used. Memory is the sum of what the processes have for themselves and
their part of what they share (PSS, Linux), looked at twice a second. The records go to
results/lessons/lessons.json, or lessons-fast.json.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDERS = {"unsolved": "notebooks", "solved": "solutions"}


def held(process: psutil.Process) -> int:
    """Bytes of a process and its descendants."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has ended meanwhile
            continue
    return total


def run(path: Path) -> dict[str, float]:
    """Executes a notebook in an empty folder, with a data cache of its own."""
    peak, over = 0, threading.Event()
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"
        } | {"QLAC_DATA": folder}
        client = NotebookClient(
            notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        begun = time.perf_counter()
        with client.setup_kernel(env=environment):
            kernel = psutil.Process(client.km.provisioner.pid)

            def watch() -> None:
                nonlocal peak
                while not over.wait(0.5) and kernel.is_running():
                    peak = max(peak, held(kernel))

            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                for i, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, i)
                seconds = time.perf_counter() - begun
            finally:
                over.set()
                watcher.join()
    return {"seconds": round(seconds), "GB": round(peak / 1e9, 2)}


def main() -> None:
    fast = os.environ.get("QLAC_FAST", "") not in ("", "0")
    record_path = ROOT / "results" / "lessons" / f"lessons{'-fast' * fast}.json"
    record = json.loads(record_path.read_text()) if record_path.exists() else {}
    wanted = set(sys.argv[1:])
    kinds = {
        kind: folder for kind, folder in FOLDERS.items() if kind in wanted or not wanted & FOLDERS.keys()
    }
    numbers = wanted - FOLDERS.keys()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if numbers and path.stem[:2] not in numbers:
            continue
        measured = {kind: run(ROOT / folder / path.name) for kind, folder in kinds.items()}
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        about = {
            "command": " ".join(
                [*["QLAC_FAST=1"] * fast, "python tools/time_lessons.py", *kinds, path.stem[:2]]
            ),
            "commit": commit,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        }
        for kind, seen in measured.items():
            record.setdefault(path.stem, {})[kind] = seen | about
        record_path.write_text(json.dumps(record, indent=1) + "\n")
        print(path.stem, measured, flush=True)


if __name__ == "__main__":
    main()
