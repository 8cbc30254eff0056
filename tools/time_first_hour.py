"""How long a newcomer's machine works in the first hour:
from `git clone` to the first picture, trained agent and passed check.

    python tools/time_first_hour.py [REPOSITORY]       a path or an address; this checkout by default

Clones into a new folder, sets up `make lab` without pip's cache, waits until JupyterLab answers, and runs
lesson 00 as a student gets it, with the first exercise filled in. The record goes to
results/first-hour/first_hour.json. Reading is not counted.
"""

import datetime
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAB = ".venv/bin/jupyter lab --no-browser --allow-root --IdentityProvider.token= --ServerApp.port="


def main() -> None:
    repository = sys.argv[1] if len(sys.argv) > 1 else str(ROOT)
    stages, begun = {}, time.perf_counter()

    def reached(stage: str) -> None:
        stages[stage] = round(time.perf_counter() - begun, 1)
        print(f"{stages[stage]:7.1f} s  {stage}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "qlac-lite")
        fresh = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "MPLBACKEND", "QLAC_FAST")
        }
        fresh |= {"PIP_NO_CACHE_DIR": "1", "QLAC_DATA": str(Path(folder, "data"))}
        subprocess.run(["git", "clone", "--quiet", repository, clone], check=True)
        reached("cloned")
        subprocess.run(["make", "--silent", ".venv/.lab"], cwd=clone, env=fresh, check=True)
        reached("set up")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            (LAB + str(port)).split(),
            cwd=clone,
            env=fresh,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not answers(f"http://127.0.0.1:{port}/api"):
                time.sleep(0.1)
            reached("JupyterLab answers")
        finally:
            server.terminate()
            server.wait()
        lesson = subprocess.Popen(
            [".venv/bin/python", "-c", LESSON], cwd=clone, env=fresh, stdout=subprocess.PIPE, text=True
        )
        for line in lesson.stdout:
            reached(line.strip())
        if lesson.wait():
            sys.exit("Lesson 00 did not run to its end.")
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
        ).stdout.strip()
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {processor()}, Python {platform.python_version()}"
    )
    record = {
        "command": "python tools/time_first_hour.py",
        "commit": commit,
        "machine": machine,
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "seconds since the command `git clone`": stages,
    }
    (ROOT / "results" / "first-hour" / "first_hour.json").write_text(json.dumps(record, indent=1) + "\n")


# Runs in the fresh environment, which has nbclient through JupyterLab: says a line when something is reached.
LESSON = """
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("notebooks/00_welcome.ipynb", as_version=4)
said = set()


def say(what):
    if what not in said:
        said.add(what)
        print(what, flush=True)


for cell in notebook.cells:
    if cell.metadata.get("nbgrader", {}).get("grade_id") == "decision_steps":
        stub = "# YOUR CODE HERE\\n    raise NotImplementedError()"
        assert stub in cell.source
        cell.source = cell.source.replace(stub, "return np.arange(0, steps, length)")
client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": "notebooks"}})
with client.setup_kernel():
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        client.execute_cell(cell, i)
        data = [output.get("data", {}) for output in cell.outputs]
        if any("image/png" in each for each in data):
            say("first picture")
        if "train_lite(" in cell.source:
            say("first agent trained")
        if any("right in all" in each.get("text/plain", "") for each in data):
            say("first check passed")
say("lesson 00 run to its end")
"""


def answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=2).status == 200
    except OSError:
        return False


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor()
    )


if __name__ == "__main__":
    main()
