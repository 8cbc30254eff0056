"""Simulator processes run nothing of the program that starts them, so it needs no guard."""

import functools
import importlib.machinery
import multiprocessing
import subprocess
import sys
import threading
import types

import gymnasium
import numpy as np
import pytest

from qlac_lite.config import get_task
from qlac_lite.config.tasks import DOMAINS
from qlac_lite.data.suites.parallel import in_parallel
from qlac_lite.envs.make import make_vector_env, parallel
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.processes import forkserver

pytestmark = pytest.mark.processes
TASK = get_task("cube-single-play-singletask-task1-v0")
PROGRAMS = {
    "a script": dict(__file__="{folder}/program.py"),
    "a script of a relative path": dict(__file__="program.py"),
    "a script that is gone": dict(__file__="{folder}/gone.py"),
    "a module of -m": dict(__spec__=importlib.machinery.ModuleSpec("program", None)),
    "standard input": dict(__file__="<stdin>"),
    "-c or a notebook": {},
}
MAKER = """
import sys
import numpy as np
def write(domain, seed, episode, path):
    with path.open("wb") as file:
        np.savez(file, number=episode, main=getattr(sys.modules["__main__"], "__file__", ""))
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a module that stands for the user's program the main one; a file says that it was run again."""
    (tmp_path / "program.py").write_text("open(__file__ + '.again', 'w').close()\nraise SystemExit(1)")
    (tmp_path / "maker.py").write_text(MAKER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def start(kind):
        main = types.ModuleType("__main__")
        for name, value in PROGRAMS[kind].items():
            setattr(main, name, value.format(folder=tmp_path) if isinstance(value, str) else value)
        monkeypatch.setitem(sys.modules, "__main__", main)
        return main

    yield start
    assert not list(tmp_path.glob("*.again"))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_simulators_start_from_any_program_without_a_guard(program, kind):
    main = program(kind)
    environments = parallel([functools.partial(gymnasium.make, "CartPole-v1")], ["gymnasium"])
    try:
        assert environments.reset(seed=[0])[0].shape == (1, 4)
    finally:
        environments.close(terminate=True)
    assert sys.modules["__main__"] is main


@pytest.mark.parametrize("kind", PROGRAMS)
def test_data_are_generated_from_any_program_without_a_guard(program, tmp_path, kind):
    from maker import write

    main = program(kind)
    with in_parallel(DOMAINS["cube-single"], 3, 0, tmp_path / "d.npz", 2, write, [], "step") as each:
        assert [(int(rows["number"]), str(rows["main"])) for rows in each] == [(i, "") for i in range(3)]
    assert sys.modules["__main__"] is main


def test_threads_that_start_simulators_at_once_leave_the_program_as_it_was(program):
    main, together = program("a script"), threading.Barrier(4)

    def enter():
        together.wait()
        for _ in range(200):
            with forkserver([]):
                assert sys.modules["__main__"] is not main

    threads = [threading.Thread(target=enter) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sys.modules["__main__"] is main
    with pytest.raises(ConnectionError), forkserver([]):
        raise ConnectionError
    assert sys.modules["__main__"] is main


def test_a_worker_of_a_pool_is_told_what_to_use(monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(QlacError, match="A worker of multiprocessing.Pool.*ProcessPoolExecutor"):
        make_vector_env(TASK, 1, 5, 0.99)


SCRIPT = """
import dataclasses, sys
from pathlib import Path
from qlac_lite.config.tasks import DOMAINS
from qlac_lite.data.fetch import generate
mine = dataclasses.replace(DOMAINS["cube-single"], name="cube-mine")  # a domain of this program alone
generate(mine, 1, 0, Path(sys.argv[1]), 1)
"""


def test_a_script_from_standard_input_generates_data_of_a_domain_of_its_own(tmp_path):
    command = [sys.executable, "-", tmp_path / "mine.npz"]
    result = subprocess.run(command, input=SCRIPT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr
    with np.load(tmp_path / "mine.npz", allow_pickle=False) as file:
        assert len(file["observations"]) == 1001
