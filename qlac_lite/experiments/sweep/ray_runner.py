"""Tasks x methods x seeds as Ray tasks, on this machine or on a cluster.

A cell is a run folder, trained as `qlac train --resume` trains it. Where a worker or a node is lost, Ray
starts the cell again elsewhere, and it goes on from its checkpoint, so all nodes have to see the folder. A
lock in it keeps two writers apart.
"""

import os
import platform
import shlex
import socket
import sys
import warnings
from pathlib import Path

import jax

from qlac_lite.config import Config
from qlac_lite.experiments.sweep.plan import check_data, fetch_data, find_done
from qlac_lite.experiments.sweep.progress_table import ProgressTable, note_start
from qlac_lite.experiments.sweep.spec import Sweep, cell_name, dataset_of, read_spec
from qlac_lite.training.loop import Log, start_run, train
from qlac_lite.utils.cores import usable_cores, use_cores
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_json, write_text

RECORD, FAILURES = "sweep.json", "failures.txt"
LOCK_SECONDS = 180.0  # NFS frees the locks of a lost node after its lease, 90 s by default
RETRIES = 10  # times that Ray starts a cell again whose worker or node was lost
MEMORY_RETRIES = 3  # or whose worker Ray killed, because its node's memory ran short
POLL_SECONDS = 2.0
LESS = (
    "Ask for fewer seeds_per_cell, for more cores in [resources], so that fewer cells run at once, "
    "or for a node with more memory."
)


def run_sweep(path: Path, out: Path, address: str = "local", log: Log = print) -> dict[str, str]:
    """Trains the cells of the file `path` that are not done yet, below `out`; the message of each that fails.

    `address`: 'local' starts Ray on this machine; 'auto' or HOST:PORT is a cluster's. QlacError, before any
    cell starts: the specification, the data or existing runs do not fit, or there is no Ray.
    """
    sweep, out = read_spec(path), out.absolute()
    todo, done = find_done(sweep, out)
    log(f"{len(sweep.cells)} cells: {len(done)} done, {len(todo)} to train. {out}")
    (out / FAILURES).unlink(missing_ok=True)
    if not todo:
        return {}
    ray = _import_ray()
    jax.config.update("jax_platforms", "cpu")  # of this process alone: the GPUs' memory is for the cells
    files = fetch_data(sweep, todo, log)
    check_data(done, out, files)
    write_json(out / RECORD, {"command": shlex.join(["qlac", *sys.argv[1:]]), "spec": path.read_text()})
    _connect(ray, address, sweep, log)
    table = ProgressTable(list(map(cell_name, sweep.cells)), list(map(cell_name, done)), out, log)
    try:
        with table:
            traces = _train_all(ray, sweep, todo, files, out, table)
    finally:
        ray.shutdown()
    if traces:
        write_text(out / FAILURES, "\n\n".join(f"{name}\n{trace}" for name, trace in traces.items()))
    return table.failures


def _import_ray():
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a course reports nobody's use
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    os.environ.setdefault("RAY_task_oom_retries", str(MEMORY_RETRIES))  # for ever by default
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # else it prints a page for each worker it kills
    try:
        import ray
    except ImportError:
        raise QlacError(
            "qlac sweep runs on Ray, which is not installed. Install it: pip install 'qlac-lite[sweep]'"
        ) from None
    return ray


def _connect(ray, address: str, sweep: Sweep, log: Log) -> None:
    """Raises QlacError if there is no such cluster, or this machine is too small for one cell."""
    local, environment = address == "local", {"env_vars": worker_variables(sweep)}
    options = dict(num_cpus=usable_cores(), include_dashboard=False) if local else {}
    if (python := shlex.quote(sys.executable)) != sys.executable:
        environment["py_executable"] = python  # Ray gives it to a shell as it stands
    try:
        if address not in ("local", "auto"):  # Ray itself tries for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        with warnings.catch_warnings():  # a fork of JAX is dangerous, but what Ray forks runs another program
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(address, runtime_env=environment, log_to_driver=False, logging_level="ERROR", **options)
    except Exception as error:  # Ray raises all kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        problem = f"Cannot join the Ray cluster {address!r}: {reason}"
        remedy = "Start one with `ray start --head`, or leave --address out."
        if local:
            problem = f"Ray does not start on this machine: {reason}"
            remedy = "Try again, when the machine is less busy."
        raise QlacError(f"{problem}. {remedy}") from error
    offers = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(offer.get("CPU", 0) >= sweep.cores and offer.get("GPU", 0) >= sweep.gpus for offer in offers):
        return
    problem = f"No node has the {sweep.cores:g} cores and {sweep.gpus:g} GPUs that a cell asks for"
    if local:
        ray.shutdown()
        offer = f"{usable_cores()} cores and {offers[0].get('GPU', 0):g} GPUs"
        raise QlacError(f"{problem}: this machine offers {offer}. Ask for less in [resources].")
    log(f"{problem}: they wait until one joins.")


def worker_variables(sweep: Sweep) -> dict[str, str]:
    """Environment of a cell's process, so that cells on one node keep to their shares."""
    cores = str(max(1, int(sweep.cores)))
    variables = {"QLAC_CORES": cores, "TF_CPP_MIN_LOG_LEVEL": "2", "TQDM_DISABLE": "1"}
    if sweep.gpus == 0:
        variables["JAX_PLATFORMS"] = "cpu"
    elif sweep.gpus < 1:  # JAX takes three quarters of the memory otherwise; the rest is for the CUDA context
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * sweep.gpus:.3f}"
    return variables


def _train_all(
    ray, sweep: Sweep, cells: list[Config], files: dict[str, Path], out: Path, table: ProgressTable
) -> dict[str, str]:
    """Trains the cells and shows how they fare; returns the traceback of each that failed."""
    # max_calls=1: a process that has trained holds its GPU's memory until it ends.
    options = dict(num_cpus=sweep.cores, num_gpus=sweep.gpus, max_calls=1, max_retries=RETRIES)
    start = ray.remote(**options)(train_cell).remote
    waiting = {start(cell, files[dataset_of(cell)], out, sys.argv[1:]): cell_name(cell) for cell in cells}
    traces = {}
    while waiting:
        ended, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
        table.refresh()
        for reference in ended:
            name = waiting.pop(reference)
            try:
                ray.get(reference)
                table.mark_done(name)
            except ray.exceptions.RayError as error:
                table.mark_failed(name, _reason(error))
                traces[name] = str(error)
    return traces


def _reason(error: Exception) -> str:
    """What the cell raised, or why its worker was lost too often."""
    cause, kind = getattr(error, "cause", None), type(error).__name__
    if isinstance(cause, QlacError):
        return str(cause)
    if isinstance(cause, MemoryError):
        return f"{cause}. {LESS}"
    if cause:
        return f"{type(cause).__name__}: {cause}"
    if kind == "OutOfMemoryError":
        return f"It was killed for memory each time. {LESS}"
    return f"{kind}: its worker was lost more than {RETRIES} times. Run the same command again."


def train_cell(config: Config, data: Path, out: Path, arguments: list[str]) -> None:
    """Trains one cell from its newest checkpoint, in a process of its own.

    `arguments` of the sweep's command line are for the run's record.
    """
    node = platform.node()
    if not (out / RECORD).exists():
        raise QlacError(
            f"The node {node} does not see {out}. Choose an --out on a file system that all nodes share."
        )
    sys.argv[1:] = arguments
    use_cores()
    run, dataset = start_run(config, data, out / cell_name(config), resume=True)
    note_start(run, node)
    train(run, dataset, wait=LOCK_SECONDS)
