"""Sweeps: the specification, locks and cores, the table,
and whole sweeps on one machine and on a cluster that loses a node."""

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import time
import types

import jax
import numpy as np
import pytest
from conftest import arrays_of, assert_same_arrays
from rich.console import Console

from qlac_lite.config import make_config
from qlac_lite.config.tasks import LITE_DOMAIN
from qlac_lite.data.fetch import generate
from qlac_lite.experiments.sweep.plan import checkpoint_bytes, describe_sweep, find_done
from qlac_lite.experiments.sweep.progress_table import ProgressTable, note_start
from qlac_lite.experiments.sweep.ray_runner import _train_all, run_sweep, worker_variables
from qlac_lite.experiments.sweep.spec import cell_name, read_spec
from qlac_lite.training.evaluation import make_evaluators
from qlac_lite.training.loop import start_run, train
from qlac_lite.training.run_folder import create_run, open_run
from qlac_lite.utils.cores import usable_cores
from qlac_lite.utils.errors import QlacError

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed here: pip install 'qlac-lite[sweep]'",
)
SPEC = """
tasks = ["lite-world"]
methods = ["fql", "fql-n"]
seeds = 2
[settings]
hidden = [8]
flow_steps = 1
evaluation_episodes = 1
"""


def write(path, *parts):
    """A specification from whole lines; those before the first table come before SPEC's."""
    head = [part for part in parts if not part.startswith("[")]
    path.write_text("\n".join([*head, SPEC, *(part for part in parts if part.startswith("["))]))
    return path


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """A lite-world data file."""
    path = tmp_path_factory.mktemp("play") / "lite.npz"
    generate(LITE_DOMAIN, 4, 0, path)
    return path


def test_a_specification_becomes_cells(tmp_path):
    (tmp_path / "spec.toml").write_text("""
tasks = ["scene-play-sparse-singletask-*", "cube-triple-play-singletask-task2-v0"]
methods = ["qc", "fql"]
preset = "full"
seeds = 3
first_seed = 10
seeds_per_cell = 2
data = "data"
settings = { log_every = 500, learning_rate = 1e-4, hidden = [64, 32] }
[[override]]
methods = ["qc"]
settings = { candidates = 4 }
[[override]]
tasks = ["cube-*"]
methods = ["qc"]
settings = { candidates = 8 }
[resources]
cores = 2
gpus = 0.25
""")
    sweep = read_spec(tmp_path / "spec.toml")
    assert len(sweep.cells) == 6 * 2 * 2 and len(set(map(cell_name, sweep.cells))) == 24
    first, last = sweep.cells[0], sweep.cells[-1]
    assert cell_name(first) == "scene-play-sparse-singletask-task1-v0/qc/seeds-10-11"
    assert cell_name(last) == "cube-triple-play-singletask-task2-v0/fql/seeds-12-12"
    assert (last.hidden, last.learning_rate, last.log_every, last.preset) == ((64, 32), 1e-4, 500, "full")
    assert last == make_config(
        "cube-triple-play-singletask-task2-v0",
        "fql",
        "full",
        seeds=1,
        first_seed=12,
        log_every=500,
        learning_rate=1e-4,
        hidden=(64, 32),
    )
    candidates = {(c.task[:5], c.method): c.candidates for c in sweep.cells}
    assert candidates == {("scene", "qc"): 4, ("cube-", "qc"): 8, ("scene", "fql"): 4, ("cube-", "fql"): 4}
    assert (sweep.folder, sweep.cores, sweep.gpus) == (tmp_path / "data", 2, 0.25)
    assert (sweep.source, sweep.episodes) == ("download", None)  # full takes no generated data by itself
    assert (
        worker_variables(sweep)["QLAC_CORES"] == "2"
        and float(worker_variables(sweep)["XLA_PYTHON_CLIENT_MEM_FRACTION"]) < 0.25
    )
    assert "JAX_PLATFORMS" not in worker_variables(sweep)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ("tasks = 1", "tasks is 1, but has to be a list"),
        ("tasks = []", "tasks names nothing"),
        ('tasks = ["lite-wrold"]', "Unknown task 'lite-wrold'. Did you mean lite-world"),
        ('tasks = ["cube-octuple-*"]', "Unknown task 'cube-octuple-"),
        ("methods = [7]", "Unknown method '7'"),
        ('preset = "large"', "Unknown preset 'large'"),
        ('preset = "full"', "has no full preset"),
        ("seeds = 0", "seeds_per_cell has to be between 1 and seeds"),
        ("seeds = true", "seeds is True, but has to be a whole number"),
        ("seeds_per_cell = 5", "seeds_per_cell is 5"),
        ('source = "internet"', "Unknown source 'internet'"),
        ("episodes = 2.5", "episodes is 2.5, but has to be a whole number"),
        ("settings = { hiden = [8] }", "Unknown field 'hiden'. Did you mean hidden"),
        ("settings = { horizon = 2.5 }", "horizon takes an integer"),
        ("settings = { alpha = -1 }", "alpha is -1.0, but has to be between"),
        ("settings = { seeds = 2 }", "Move it to the head"),
        ('[[override]]\nmethods = ["qc"]', "Unknown method 'qc'. Did you mean"),
        ("[override]\nx = 1", "override is {'x': 1}, but has to be a list"),
        ("[resources]\ncores = 0", "cores is 0, but has to be a share of one or a whole number"),
        ("[resources]\ngpus = 1.5", "gpus is 1.5, but"),
        ("[resources]\ntpus = 1", "unknown key 'tpus'"),
        ("[data]\ncube-single-play-v0 = 'a.npz'", "unknown key 'cube-single-play-v0'"),
        ("tasks = [", "is not TOML"),
    ],
)
def test_errors_of_a_specification_are_named_before_anything_starts(tmp_path, text, message):
    given = {"tasks": '["lite-world"]', "methods": '["fql"]'}
    lines = [f"{key} = {value}" for key, value in given.items() if not text.startswith(key)]
    (tmp_path / "spec.toml").write_text("\n".join([*lines, text]))
    with pytest.raises(QlacError, match=r"spec\.toml") as error:
        run_sweep(tmp_path / "spec.toml", tmp_path / "out")
    assert message in str(error.value) and not (tmp_path / "out").exists()


def test_a_specification_that_is_not_there(tmp_path):
    with pytest.raises(QlacError, match="Cannot read .*none.toml"):
        read_spec(tmp_path / "none.toml")


def test_the_cores_that_a_process_may_use(monkeypatch):
    monkeypatch.delenv("QLAC_CORES", raising=False)
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from qlac_lite.utils.cores import usable_cores; print(usable_cores())"
    )
    if hasattr(os, "sched_setaffinity"):
        assert usable_cores() == len(os.sched_getaffinity(0))
        assert (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "1"
        )
    monkeypatch.setenv("QLAC_CORES", "3")
    assert usable_cores() == 3
    environments = make_evaluators(make_config("lite-world", "fql", seeds=1))
    assert environments.num_envs == 6
    environments.close()
    for bad in ("0", "two", "", "1.5"):
        monkeypatch.setenv("QLAC_CORES", bad)
        with pytest.raises(QlacError, match="QLAC_CORES is .* whole number"):
            usable_cores()


def test_a_run_has_one_writer_and_its_lock_dies_with_it(play, tmp_path):
    run, dataset = start_run(
        make_config("lite-world", "fql", hidden=(8,), offline_steps=0, online_steps=0), play, tmp_path / "run"
    )
    code = (
        "import sys, time; from pathlib import Path; from qlac_lite.utils.files import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(100)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, run.folder / ".lock"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(QlacError, match=rf"run is in use by process {other.pid} on .* Wait until"):
            train(run, dataset, log=lambda text: None)
        assert not run.checkpoint_path.exists()
    finally:
        other.kill()
    with (
        run.locked(wait=20),
        pytest.raises(QlacError, match=f"in use by process {os.getpid()} "),
        run.locked(),
    ):
        pass
    with pytest.raises(ConnectionError), run.locked():
        raise ConnectionError  # what fails under a lock is not the lock's failure
    with run.locked():
        pass


def fake_run(folder, phase, step, success, **changes):
    """A run folder as training leaves it, without the training."""
    run = create_run(
        folder,
        make_config("lite-world", "fql", seeds=2, **changes),
        dict(path="play.npz", sha256="0"),
        resume=True,
    )
    run.append(
        "evaluations.csv",
        [
            dict(phase="offline", step=step - 1, seed=0, success=0),
            *(dict(phase=phase, step=step, seed=0, success=s) for s in success),
        ],
    )
    run.save_checkpoint({"big": np.zeros(3)}, phase, step)
    return run


def test_the_status_of_a_run_needs_no_more_than_its_two_numbers(tmp_path, monkeypatch):
    run = create_run(
        tmp_path / "new", make_config("lite-world", "fql"), dict(path="play.npz", sha256="0"), resume=False
    )
    assert run.status() == ("offline", 0)
    run.save_checkpoint({"big": np.zeros(3)}, "online", 1500)
    read, getitem = [], np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(
        np.lib.npyio.NpzFile, "__getitem__", lambda file, name: (read.append(name), getitem(file, name))[1]
    )
    assert run.status() == ("online", 1500) and read == ["phase", "step"]
    run.checkpoint_path.write_bytes(b"PK")
    with pytest.raises(QlacError, match="cut off"):
        run.status()


def test_changes_are_told_in_lines_or_in_a_table_that_renews_itself_on_a_terminal(tmp_path):
    names, lines = ["a", "b", "c", "d"], []
    fake_run(tmp_path / "d", "done", 9, [1, 1])
    run = fake_run(tmp_path / "a", "offline", 1000, [0, 1])
    table = ProgressTable(names, ["d"], tmp_path, lines.append, Console(file=io.StringIO()))
    with table:
        note_start(run, "node1")
        table.refresh()
        run.save_checkpoint({}, "offline", 1100)
        table.refresh()  # a step more is no news
        (tmp_path / "a" / "checkpoint.npz").write_bytes(b"PK")  # as if replaced at this moment
        table.refresh()
        for _ in range(2):
            note_start(run, "node2")
            table.refresh()
        table.mark_failed("b", "No such thing. Do that.")
        run.append("evaluations.csv", [dict(phase="online", step=20, seed=0, success=1)])
        run.save_checkpoint({}, "done", 20)
        table.mark_done("a")
    said = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines]
    assert said == [
        "a: running, offline 1,000, success 50%, node1",
        "a: running, offline 1,100, success 50%, node2",
        "a: running, offline 1,100, success 50%, node2",
        "b: failed, No such thing. Do that.",
        "a: done, success 100%, node2",
    ]
    assert table.failures == {"b": "No such thing. Do that."}

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    table = ProgressTable(names, ["d"], tmp_path, lines.append, console)
    with table:
        note_start(fake_run(tmp_path / "c", "offline", 1, [0]), "node1")
        table.mark_failed("b", "No such thing.")
    text = re.sub(r"\x1b\[[0-9;?]*\w", "", screen.getvalue())
    shown = text[text.rindex("1 failed, 1 running, 1 waiting, 1 done") :]
    assert re.findall(r"│ (\w) +│ (\w+) ", shown) == [
        ("b", "failed"),
        ("c", "running"),
        ("a", "waiting"),
        ("d", "done"),
    ]
    assert len(lines) == len(said) and "success 100%" in shown


def test_the_table_learns_from_run_folders_where_cells_start(tmp_path):
    lines, run = [], fake_run(tmp_path / "a", "offline", 500, [0])
    note_start(run, "node0")  # an earlier sweep's
    table = ProgressTable(["a", "b"], [], tmp_path, lines.append, Console(file=io.StringIO()))
    table.refresh()
    assert not lines
    note_start(run, "node1")
    table.refresh()
    table.refresh()
    run.save_checkpoint({}, "offline", 900)
    note_start(run, "node1")  # its worker was lost
    table.refresh()
    table.mark_failed("a", "No such thing.")
    note_start(run, "node2")  # a start that is seen after the end
    table.refresh()
    said = [re.sub(r"^\S+ ", "", line) for line in lines]
    assert said[0] == "a: running, offline 500, success 0%, node1" and "a: running, offline 900" in said[-2]
    assert said[-1].startswith("a: failed") and table.rows["a"].state == "failed"


@needs_ray
def test_a_cell_without_memory_fails_in_one_line_and_the_others_go_on(tmp_path):
    """The sweep's side of it, with Ray's errors and without its processes."""
    from ray import exceptions

    def of_cell(cause):
        error = exceptions.RayError("Traceback ...")
        error.cause = cause
        return error

    outcomes = {
        "lite-world/fql/seeds-0-0": exceptions.OutOfMemoryError("1 worker(s) were killed\nTop 10 users"),
        "lite-world/fql/seeds-1-1": of_cell(MemoryError("Unable to allocate 9 TiB")),
        "lite-world/fql-n/seeds-0-0": exceptions.WorkerCrashedError(),
        "lite-world/fql-n/seeds-1-1": None,
    }

    def get(name):
        if outcomes[name]:
            raise outcomes[name]

    task = types.SimpleNamespace(remote=lambda cell, *_: cell_name(cell))
    ray = types.SimpleNamespace(exceptions=exceptions, get=get, remote=lambda **_: lambda function: task)
    ray.wait = lambda names, timeout: (names[:1], names[1:])
    sweep = read_spec(write(tmp_path / "spec.toml", "seeds_per_cell = 1"))
    table = ProgressTable(list(outcomes), [], tmp_path, lambda text: None, Console(file=io.StringIO()))
    files = {"lite-world-play-v0": tmp_path / "play.npz"}
    traces = _train_all(ray, sweep, sweep.cells, files, tmp_path, table)
    killed, refused, lost = table.failures.values()
    assert killed.startswith("It was killed for memory each time. Ask for fewer seeds_per_cell")
    assert refused.startswith("Unable to allocate 9 TiB. Ask for fewer seeds_per_cell")
    assert "lost more than 10 times" in lost
    assert all("\n" not in message for message in table.failures.values())
    assert list(traces) == list(outcomes)[:3] and table.rows["lite-world/fql-n/seeds-1-1"].state == "done"


@pytest.mark.around
@needs_ray
def test_cells_that_ray_kills_for_memory_end_the_sweep_in_lines(play, tmp_path, monkeypatch):
    """Ray takes any node that has used a hundredth of its memory for a full one."""
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.01")
    spec, out = write(tmp_path / "spec.toml", f"[data]\nlite-world-play-v0 = '{play}'"), tmp_path / "out"
    sweep = qlac("sweep", spec, "--out", out)
    try:
        said = sweep.communicate(timeout=600)[0]
    finally:
        sweep.kill()
    assert sweep.returncode == 1, said
    assert said.count("It was killed for memory each time. Ask for fewer seeds_per_cell") == 2 * 2
    assert "Traceback" not in said and "Top 10 memory users" not in said
    assert "killed" in (out / "failures.txt").read_text()


def test_what_is_done_is_skipped_only_where_it_is_what_is_asked_for(tmp_path):
    spec = write(tmp_path / "spec.toml", "seeds_per_cell = 2")
    settings = dict(hidden=(8,), flow_steps=1, evaluation_episodes=1)
    run = fake_run(tmp_path / "out/lite-world/fql/seeds-0-1", "done", 8000, [1], **settings)
    todo, done = find_done(read_spec(spec), tmp_path / "out")
    assert [cell.method for cell in todo] == ["fql-n"] and done == [run.config]
    assert "1 done, 1 to train" in describe_sweep(spec, tmp_path / "out")
    run.checkpoint_path.write_bytes(b"PK")  # the cell's own affair
    assert len(find_done(read_spec(spec), tmp_path / "out")[0]) == 2
    with pytest.raises(QlacError, match="another configuration: horizon is 5 there and 6 here"):
        find_done(
            read_spec(write(spec, "[[override]]\nmethods = ['fql']\nsettings = { horizon = 6 }")),
            tmp_path / "out",
        )


def qlac(*arguments):
    """A process of the command line, its output in one pipe."""
    command = [sys.executable, "-m", "qlac_lite", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@needs_ray
@pytest.mark.around
def test_a_sweep_trains_its_cells_lists_those_that_fail_and_skips_what_is_done(play, tmp_path):
    few = (
        "[settings]\noffline_steps = 20\nonline_steps = 20\nevaluate_every = 20\n"
        "hidden = [8]\nbatch_size = 8\nflow_steps = 1\nevaluation_episodes = 1"
    )
    text = (
        'tasks = ["lite-world"]\nmethods = ["fql*", "bc"]\nseeds = 1\n'
        f'data = {{ lite-world-play-v0 = "{play}" }}\n{few}\n[resources]\ncores = 0.5\n'
    )
    spec, out = tmp_path / "spec.toml", tmp_path / "out"
    broken = '[[override]]\nmethods = ["fql-n"]\nsettings = { horizon = 900 }\n'
    spec.write_text(text + broken)
    first = qlac("sweep", spec, "--out", out)
    said = first.communicate(timeout=600)[0]
    assert first.returncode == 1, said
    assert "3 cells: 0 done, 3 to train" in said and "1 of the cells failed" in said
    assert (
        "lite-world/fql-n/seeds-0-0: The chunk length 900 is longer than the longest episode" in said
        and "Traceback" not in said
    )
    assert "Traceback" not in said and "check_horizon" in (out / "failures.txt").read_text()
    for method in ("fql", "bc"):
        assert re.search(rf"lite-world/{method}/seeds-0-0: done, success \d+%", said)
        run = open_run(out / f"lite-world/{method}/seeds-0-0")
        assert run.status() == ("done", 20) and run.provenance["command"].startswith("qlac sweep ")
        assert len(run.provenance["devices"]) == 1  # half a core: one JAX device
        arrays, size = arrays_of(run), run.checkpoint_path.stat().st_size
        networks = sum(array.nbytes for name, array in arrays.items() if ".replay" not in name)
        most = checkpoint_bytes(run.config)  # with a full replay
        assert networks < sum(array.nbytes for array in arrays.values()) <= most < 20 * size
        assert size < most + 600 * len(arrays)  # an npz needs some bytes an array for its names

    written = run.checkpoint_path.stat().st_mtime_ns
    generate(LITE_DOMAIN, 5, 0, tmp_path / "other.npz")
    spec.write_text((text + broken).replace(str(play), str(tmp_path / "other.npz")))
    with pytest.raises(QlacError, match="is done, but with other data"):
        run_sweep(spec, out)
    spec.write_text(text.replace("fql*", "fql"))
    said = []
    assert run_sweep(spec, out, log=said.append) == {} and "2 cells: 2 done, 0 to train" in said[0]
    assert run.checkpoint_path.stat().st_mtime_ns == written and not (out / "failures.txt").exists()


@needs_ray
def test_what_ray_cannot_do_is_said_before_a_cell_starts(play, tmp_path):
    data = f"[data]\nlite-world-play-v0 = '{play}'"
    for address in ("127.0.0.1:1", "127.0.0.1", "cluster"):
        with pytest.raises(QlacError, match=f"Cannot join the Ray cluster '{address}'.*ray start --head"):
            run_sweep(write(tmp_path / "spec.toml", data), tmp_path / "out", address, log=lambda text: None)
    with pytest.raises(QlacError, match="No node has the 1 cores and 99 GPUs.*Ask for less"):
        run_sweep(
            write(tmp_path / "spec.toml", data, "[resources]\ngpus = 99"),
            tmp_path / "out",
            log=lambda text: None,
        )


@pytest.mark.around
@needs_ray
@pytest.mark.parametrize("python", ["/a b/bin/python", "/it's/python", "/a&b/(c)/python", "/plain/python"])
def test_workers_start_with_a_python_whose_path_a_shell_would_split(play, tmp_path, monkeypatch, python):
    import ray

    def init(address, runtime_env, **options):
        command = runtime_env.get("py_executable", sys.executable)  # Ray's own choice, in a line for bash
        raise RuntimeError(f"started {shlex.split(command)}")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(sys, "executable", python)
    spec = write(tmp_path / "spec.toml", f"[data]\nlite-world-play-v0 = '{play}'")
    with pytest.raises(QlacError, match=re.escape(f"started {[python]}")):
        run_sweep(spec, tmp_path / "out", log=lambda text: None)


def parent_of_writer(folder):
    """Process that started the one which trains the run: on a Ray node, its raylet."""
    writer = (folder / ".lock").read_text().split()[1]
    return int(
        subprocess.run(["ps", "-o", "ppid=", "-p", writer], capture_output=True, text=True).stdout or 0
    )


def patiently(start):
    """What `start` returns. Ray gives a node 30 s to start, which is not enough when the machine is busy."""
    for attempt in range(3):
        try:
            return start()
        except Exception as error:
            if attempt == 2 or "timed out during startup" not in str(error):
                raise


@pytest.mark.around
@needs_ray
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_cell_whose_node_is_killed_goes_on_elsewhere_and_ends_in_the_same_bits(play, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    steps = 2000
    spec = tmp_path / "spec.toml"
    spec.write_text(f"""
tasks = ["lite-world"]
methods = ["fql"]
seeds = 2
seeds_per_cell = 1
data = {{ lite-world-play-v0 = "{play}" }}
[settings]
offline_steps = {steps}
online_steps = 0
log_every = 50
checkpoint_seconds = 0
evaluate_every = 1000000
hidden = [8]
batch_size = 8
flow_steps = 1
evaluation_episodes = 1
""")
    quick = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 1000,
        "health_check_failure_threshold": 3,
    }
    head = {"num_cpus": 1, "_system_config": quick, "include_dashboard": False}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    sweep = None
    try:
        second = patiently(lambda: cluster.add_node(num_cpus=1))
        sweep = qlac("sweep", spec, "--out", tmp_path / "out", "--address", cluster.address)
        names, deadline = [cell_name(cell) for cell in read_spec(spec).cells], time.monotonic() + 400
        raylet = second.all_processes["raylet"][0].process.pid
        here = lambda name: (
            (tmp_path / "out" / name / "checkpoint.npz").exists()
            and parent_of_writer(tmp_path / "out" / name) == raylet
        )
        while (
            not (name := next(filter(here, names), None))
            and sweep.poll() is None
            and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=False)
        said = sweep.communicate(timeout=600)[0]
    finally:
        if sweep is not None:
            sweep.kill()
        cluster.shutdown()
    assert sweep.returncode == 0, said
    starts = [int(step.replace(",", "")) for step in re.findall(f"{name}: running, offline ([\\d,]+)", said)]
    assert len(starts) > 1 and 0 < starts[-1] < steps and f"{name}: done" in said, said
    monkeypatch.setattr(jax, "local_devices", lambda: jax.devices()[:1])  # as in a cell of one core
    whole, dataset = start_run(open_run(tmp_path / "out" / name).config, play, tmp_path / "whole")
    train(whole, dataset, log=lambda text: None)
    assert_same_arrays(arrays_of(open_run(tmp_path / "out" / name)), arrays_of(whole))
