"""Read-only and crowded places, and JAX's variables: trouble is told first, and no result is thrown away."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
from conftest import tiny_config
from test_cli import here

from qlac_lite.cli import main
from qlac_lite.config import DOMAINS
from qlac_lite.data.fetch import generate, get_dataset
from qlac_lite.data.suites import parallel
from qlac_lite.envs import make
from qlac_lite.training.loop import start_run, train
from qlac_lite.utils import cores
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import check_writable, read_csv

FULL = Path("/dev/full")  # takes nothing, as a full disk does


@pytest.fixture(scope="module")
def run(play_file, tmp_path_factory):
    run, dataset = start_run(
        tiny_config(online_steps=0), play_file(), tmp_path_factory.mktemp("runs") / "run"
    )
    train(run, dataset, log=lambda text: None)
    return run


@contextlib.contextmanager
def read_only(monkeypatch):
    """Nothing can be written anywhere, as for another user's folders."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
        yield


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--preset", "full", "--out"),
        ("experiment", "length", "--task", "scene-play-singletask-task2-v0", "--out"),
        ("experiment", "quick", "--out"),
    ],
)
@pytest.mark.parametrize("trouble", ["read-only", "a file in the way"])
def test_where_results_go_is_tried_before_data_are_fetched(command, trouble, tmp_path, monkeypatch):
    monkeypatch.setattr("qlac_lite.data.fetch.get_dataset", mock.Mock(side_effect=AssertionError))
    monkeypatch.setattr("qlac_lite.experiments.catalogue.get_dataset", mock.Mock(side_effect=AssertionError))
    out, file = tmp_path / "a" / "b", tmp_path / "a"
    if trouble == "read-only":
        with read_only(monkeypatch):
            result = here(*command, out)
    else:
        file.write_text("")
        result = here(*command, out)
    cause = "Permission denied" if trouble == "read-only" else "a file is in the way"
    assert result.returncode == 2 and f"Cannot write {out}: {cause}" in result.stderr
    assert result.stderr.count("\n") == 2 and file.exists() == (trouble != "read-only")


def test_what_can_be_written_is_not_made(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_that_cannot_be_written_is_printed(run, tmp_path):
    table = run.folder / "evaluate.csv"
    table.mkdir()
    result = here("evaluate", run.folder, "--episodes", 1)
    assert result.returncode == 2 and "together: success" in result.stdout
    assert f"Cannot write {table}" in result.stderr and "with --out" in result.stderr
    table.rmdir()
    result = here("evaluate", run.folder, "--episodes", 1, "--out", tmp_path / "mine.csv")
    assert result.returncode == 0 and not table.exists()
    assert [row["seed"] for row in read_csv(tmp_path / "mine.csv")] == [0, 1]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("buffering", [1, -1])
@pytest.mark.parametrize("command", ["methods", "verify", "evaluate", "train"])
def test_a_full_disk_under_standard_output_is_one_line(command, buffering, run, play_file, tmp_path, capsys):
    """And what goes into files is there."""
    table = tmp_path / "episodes.csv"
    arguments = {
        "methods": ["methods"],
        "verify": ["data", "--verify", play_file()],
        "evaluate": ["evaluate", run.folder, "--episodes", 1, "--out", table],
        "train": ["train", "--preset", "lite", "--data", play_file(), "--out", tmp_path / "file" / "run"],
    }[command]
    (tmp_path / "file").write_text("")
    with FULL.open("w", buffering) as full, contextlib.redirect_stdout(full):
        with mock.patch.object(sys, "argv", ["qlac", *map(str, arguments)]), pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr().err
        assert end.value.code == 2 and "Traceback" not in said
        assert ("No space left on device" in said) == (command != "train") and "qlac: " in said
        assert table.exists() == (command == "evaluate")


@pytest.mark.processes
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOSYS, "Function not implemented"),
        PermissionError(errno.EACCES, "Permission denied"),
        OSError("AF_UNIX path too long"),
    ],
    ids=str,
)
def test_simulators_that_cannot_start_are_told_before_the_first_update(
    error, play_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(make, "AsyncVectorEnv", mock.Mock(side_effect=error))
    run, dataset = start_run(tiny_config(), play_file(), tmp_path / "run")
    message = rf"processes cannot start \({error.strerror or error}\).*/dev/shm.*TMPDIR"
    with pytest.raises(QlacError, match=message):
        train(run, dataset, log=lambda text: None)
    assert run.rows("progress.csv") == [] and not run.checkpoint_path.exists()
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", mock.Mock(side_effect=error))
    with pytest.raises(QlacError, match=message):
        generate(DOMAINS["cube-single"], 1, 0, tmp_path / "play.npz")


@pytest.mark.processes
def test_simulators_that_fail_at_a_step_do_so_before_the_first_update(play_file, tmp_path, monkeypatch):
    class Failing(make.AsyncVectorEnv):
        def step(self, action):
            assert (action["run"] == 1).all() and not action["chunk"].any()
            raise QlacError("no room for what numba compiles")

    monkeypatch.setattr(make, "AsyncVectorEnv", Failing)
    run, dataset = start_run(tiny_config(), play_file(), tmp_path / "run")
    with pytest.raises(QlacError, match="numba"):
        train(run, dataset, log=lambda text: None)
    assert run.rows("progress.csv") == []


@pytest.mark.parametrize("troubles", [0, 1, 2])
def test_numba_compiles_where_neither_source_nor_home_can_be_written(troubles, monkeypatch):
    pytest.importorskip("numba")
    from qlac_lite.envs import panda

    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # to be undone
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(panda.numba.config, "CACHE_DIR", "")
    refused = RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
    compiling = mock.Mock(side_effect=[refused] * troubles + ["compiled"])
    if troubles == 2:
        with pytest.raises(RuntimeError, match="no locator"):
            panda.with_cache(compiling)
        return
    assert panda.with_cache(compiling) == "compiled"
    folder = panda.numba.config.CACHE_DIR
    assert os.environ.get("NUMBA_CACHE_DIR", "") == folder and bool(folder) == bool(troubles)
    assert not troubles or os.stat(folder).st_mode & 0o077 == 0  # nobody else writes what is loaded from it


@pytest.mark.parametrize("known", [False, True])
def test_data_go_without_a_home_where_a_folder_is_named(known, tmp_path, play_file, monkeypatch):
    def unknown(path):
        if str(path).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return path

    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.setattr("pooch.os_cache", lambda name: Path("~/.cache", name))
    monkeypatch.delenv("QLAC_DATA", raising=False)
    if known:
        monkeypatch.setenv("QLAC_DATA", str(tmp_path))
        (tmp_path / "cube-single-play-v0.npz").symlink_to(play_file())
        assert get_dataset("cube-single-play-v0", "file", log=lambda text: None).parent == tmp_path
    else:
        with pytest.raises(QlacError, match="Set HOME, or QLAC_DATA"):
            get_dataset("cube-single-play-v0", log=lambda text: None)


# Variables of JAX.


@pytest.fixture
def jax_with(monkeypatch):
    """JAX as these settings make it, until the test's end."""
    before = {name: getattr(jax.config, name) for name in cores.ARITHMETIC}
    yield lambda settings: [jax.config.update(name, value) for name, value in settings.items()]
    [jax.config.update(name, value) for name, value in before.items()]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_enable_x64", True),
        ("jax_numpy_dtype_promotion", "strict"),
        ("jax_numpy_rank_promotion", "raise"),
        ("jax_numpy_rank_promotion", "warn"),
    ],
)
def test_arithmetic_that_the_library_is_not_written_for_is_named(name, value, jax_with, run):
    jax_with({name: value})
    result = here("evaluate", run.folder, "--episodes", 1)
    assert result.returncode == 2 and f"JAX has {name} = {value} here" in result.stderr
    assert f"Unset {name.upper()}" in result.stderr and result.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (dict(JAX_ENABLE_X64="True"), "Ignored: JAX_ENABLE_X64=True. "),
        (dict(JAX_ENABLE_X64="perhaps"), "Ignored: JAX_ENABLE_X64=perhaps. "),
        (
            dict(JAX_NUMPY_DTYPE_PROMOTION="strict", JAX_NUMPY_RANK_PROMOTION="raise"),
            "Ignored: JAX_NUMPY_DTYPE_PROMOTION=strict, JAX_NUMPY_RANK_PROMOTION=raise. ",
        ),
        (dict(JAX_ENABLE_X64="0", JAX_NUMPY_DTYPE_PROMOTION="standard"), ""),
    ],
)
def test_commands_forget_the_variables_before_jax_reads_them(given, said, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    result = here("tasks")
    assert result.returncode == 0 and result.stderr.startswith(said) and bool(result.stderr) == bool(said)
    assert not given.keys() & os.environ.keys()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("Unable to initialize backend 'tpu': no such chip.\nmore"),
            "backend 'tpu': no such chip",
        ),
        (RuntimeError("Unknown backend: 'gpu' requested."), "Unknown backend: 'gpu' requested"),
        (AssertionError(), "it finds no such device"),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["train", "evaluate", "export"])
def test_a_device_that_is_not_there_is_one_line(
    command, error, reason, run, play_file, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    arguments = {
        "train": ("--data", play_file(), "--out", out),
        "evaluate": (run.folder, "--out", out),
        "export": (run.folder, "--out", out),
    }[command]
    monkeypatch.setattr(jax, "local_devices", mock.Mock(side_effect=error))
    result = here(command, *arguments)
    assert result.returncode == 2 and not out.exists() and result.stderr.count("\n") == 2
    assert "JAX cannot start: " in result.stderr and f"{reason}. Unset JAX_PLATFORMS" in result.stderr


@pytest.mark.parametrize("flag", ["JAX_DEFAULT_MATMUL_PRECISION", "JAX_CHECK_TRACER_LEAKS", "JAX_DEBUG_NANS"])
def test_a_value_that_jax_does_not_know_is_one_line(flag):
    command = [sys.executable, "-m", "qlac_lite", "evaluate", "nowhere"]
    ended = subprocess.run(command, env=os.environ | {flag: "foo"}, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.count("\n") <= 2 and "Traceback" not in ended.stderr
    assert "foo" in ended.stderr and f"Unset {flag}." in ended.stderr


def test_a_lesson_goes_on_without_the_device_and_with_the_librarys_arithmetic(jax_with, monkeypatch, capsys):
    from qlac_lite.lessons import notebook

    before = jax.config.jax_platforms
    jax_with(dict(jax_enable_x64=True))
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setattr(jax, "local_devices", mock.Mock(side_effect=AssertionError))
    try:
        notebook._set_up_jax()
    finally:
        jax.config.update("jax_platforms", before)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Ignored: JAX_ENABLE_X64=1. ")
    assert second.startswith("JAX cannot start: ") and second.endswith("The lessons compute on the CPU.")
    assert jax.numpy.ones(1).dtype == np.float32
