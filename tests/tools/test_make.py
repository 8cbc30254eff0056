"""The Makefile in folders whose names hold spaces and other signs: programs of its own making stand in for
Python and what is installed, and say what they were called with."""

import os
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from links import ROOT

TARGETS = "run robomimic test colab lab notebooks bench gpu rehearse site site-links publish-links format"
# Makes the environment that it is asked for from itself, and writes down each call, a word a line.
PROGRAM = """#!/bin/sh
if [ "$2" = venv ]; then
    mkdir -p "$3/bin" && for name in python qlac ruff jupyter; do cp "$0" "$3/bin/$name"; done
fi
[ "$1" = data ] && echo "$PWD/data/play file.npz"
printf '%s\\n' "$0" "$@" "cache $JAX_COMPILATION_CACHE_DIR" "" >> "$CALLS"
"""


@pytest.mark.parametrize(
    "course, settings",
    [
        ("a course", {}),
        ("the $HOME course (1) & more", {"VENV": ".my venv"}),
        ("Ada's  course", {"VENV": "/tmp venv", "RUNS": "my runs/head line", "PINS": "my pins.txt"}),
        ("plain", {"VENV": "sub folder/env", "PYTHON": "/my python"}),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_every_target_works_where_paths_hold_spaces(tmp_path, course, settings):
    folder, program, calls = tmp_path / course, tmp_path / "my python", tmp_path / "calls.txt"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "my pins.txt").touch()
    (folder / "notebooks" / "00_welcome.ipynb").touch()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    settings = {"PYTHON": str(program)} | {
        name: f"{tmp_path}{value}" if value.startswith("/") else value for name, value in settings.items()
    }
    given = [f"{name}={value}" for name, value in settings.items()]
    made = subprocess.run(
        ["make", *TARGETS.split(), "REPO=ada/a course", "LESSONS=00 01", *given],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"CALLS": str(calls)},
    )
    assert made.returncode == 0, made.stderr
    told = [call.split("\n") for call in calls.read_text().split("\n\n") if call]
    environment, runs = Path(settings.get("VENV", ".venv")), settings.get("RUNS", "runs/headline")
    assert {Path(call[0]) for call in told} == {
        program,
        *(environment / "bin" / name for name in ("python", "qlac", "ruff", "jupyter")),
    }
    words = [call[1:-1] for call in told]
    assert ["-m", "venv", str(environment)] in words
    pins = {call[call.index("-c") + 1] for call in words if "install" in call and "-c" in call}
    assert pins == {settings.get("PINS", "constraints.txt")}
    train = next(call for call in words if call[:3] == ["train", "--method", "qc-fql"])
    assert f"{folder}/data/play file.npz" in train and f"{runs}/qc-fql" in train
    assert ["tools/links.py", "ada/a course"] in words and ["tools/build_lessons.py", "00", "01"] in words
    assert f"cache {folder / environment / 'jax-cache'}" in {call[-1] for call in told if "pytest" in call}
    again = subprocess.run(["make", "--question", f"{environment}/.dev", *given], cwd=folder)
    assert again.returncode == 0, "an environment that is there is not made again"


def test_every_pin_allows_the_first_python_that_the_course_promises():
    """Else pip looks for other versions in vain, until its "resolution-too-deep"."""
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    first = promised.removeprefix(">=").split(",")[0] + ".0"
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"]
    there = [each.metadata for each in metadata.distributions()]
    wanted = {f"{each['Name'].lower().replace('_', '-')}=={each['Version']}": each for each in there}
    asked = {pin: wanted[pin]["Requires-Python"] for pin in pins if pin in wanted}
    assert asked
    assert not {pin: asks for pin, asks in asked.items() if first not in SpecifierSet(asks or "")}
