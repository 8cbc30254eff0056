"""Tasks x methods x seeds as Ray tasks: on this machine, on all its GPUs, or on a cluster,
by the same command.

A cell is a run folder, trained as `qlac train --resume` trains it. What is done is skipped. Where a worker or
a node is lost, Ray starts the cell again elsewhere, and it goes on from its checkpoint: the folder has to lie
where all nodes see it. A lock in the run folder keeps two writers apart. A cell that fails does not stop the
others.
"""

import contextlib
import dataclasses
import functools
import math
import os
import platform
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import jax

from qlac_lite.agents import make_learner
from qlac_lite.config import Config, get_task
from qlac_lite.data.formats.records import describe
from qlac_lite.data.replay import empty_replays
from qlac_lite.data.shards import summarise
from qlac_lite.data.sources.fetch import get_dataset
from qlac_lite.experiments.sweep.progress_table import Board
from qlac_lite.experiments.sweep.spec import Sweep, cell_name, dataset_of, read_spec
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic, write_json
from qlac_lite.utils.machine import usable_cores, use_cores

RECORD, FAILURES = "sweep.json", "failures.txt"
LOCK_SECONDS = 180.0  # NFS frees the locks of a lost node after its lease, 90 s by default
RETRIES = 10  # times that Ray starts a cell again whose worker or node was lost
POLL_SECONDS = 2.0


def run_sweep(
    path: Path, out: Path, address: str = "local", log: Callable[[str], None] = print
) -> dict[str, str]:
    """Trains the cells of the specification at `path` that are not done yet, below the folder `out`.

    Args:
        address: 'local' starts Ray on this machine; 'auto' or HOST:PORT is a cluster's.

    Returns:
        The message of each cell that failed, by its name (TASK/METHOD/seeds-FIRST-LAST).

    Raises:
        QlacError: the specification, the data or existing runs do not fit, or Ray cannot be reached;
            no cell was started.
    """
    sweep, out = read_spec(path), out.absolute()
    todo, done = find_done(sweep, out)
    log(f"{len(sweep.cells)} cells: {len(done)} done, {len(todo)} to train. {out}")
    (out / FAILURES).unlink(missing_ok=True)
    if not todo:
        return {}
    ray = _import_ray()
    jax.config.update("jax_platforms", "cpu")  # of this process alone: the GPUs' memory is for the cells
    files = _fetch(sweep, todo, log)
    _check_data_of(done, out, files)
    write_json(out / RECORD, {"command": " ".join(["qlac", *sys.argv[1:]]), "spec": path.read_text()})
    _connect(ray, address, sweep, log)
    board = Board(list(map(cell_name, sweep.cells)), list(map(cell_name, done)), out, log)
    try:
        with board:
            traces = _train_all(ray, sweep, todo, files, out, board)
    finally:
        ray.shutdown()
    if traces:
        with atomic(out / FAILURES) as file:
            file.write("\n\n".join(f"{name}\n{trace}" for name, trace in traces.items()).encode())
    return board.failures


def find_done(sweep: Sweep, out: Path) -> tuple[list[Config], list[Config]]:
    """The cells still to train, and those that are done.

    Raises:
        QlacError: a cell's folder holds a run of another configuration.
    """
    todo, done = [], []
    for cell in sweep.cells:
        phase = None
        with contextlib.suppress(
            QlacError
        ):  # none there, or a broken one: the cell begins, or fails with its own message
            run = open_run(out / cell_name(cell))
            if differing := run.differences(cell, run.data):
                break
            phase = run.status()[0]
        (done if phase == "done" else todo).append(cell)
    else:
        return todo, done
    raise QlacError(
        f"{run.folder} is a run of another configuration: {'; '.join(differing)}. "
        "Undo that in the specification, or choose another --out."
    )


def _fetch(sweep: Sweep, cells: list[Config], log: Callable[[str], None]) -> dict[str, Path]:
    """The verified file of each dataset that the cells need, fetched or made once."""
    files = {}
    for name, cell in {dataset_of(cell): cell for cell in cells}.items():
        if isinstance(sweep.data, dict) and name in sweep.data:
            files[name] = sweep.data[name].absolute()
            log(f"Data: {files[name]}: {describe(summarise(files[name], get_task(cell.task)))}")
        else:
            folder = None if isinstance(sweep.data, dict) else sweep.data
            files[name] = get_dataset(name, sweep.source, out=folder, log=log).absolute()
    return files


def _check_data_of(done: list[Config], out: Path, files: dict[str, Path]) -> None:
    """Raises QlacError if finished cells learned from other data than the rest would:
    their table would mix them."""
    tasks = {dataset_of(cell): get_task(cell.task) for cell in done}
    digests = {name: summarise(files[name], task)["sha256"] for name, task in tasks.items() if name in files}
    for cell in done:
        run, name = open_run(out / cell_name(cell)), dataset_of(cell)
        if name in digests and run.data["sha256"] != digests[name]:
            raise QlacError(
                f"{run.folder} is done, but with other data than {files[name]}. "
                "Give the sweep the same file in [data], or choose another --out."
            )


def _import_ray():
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a course reports nobody's use
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    try:
        import ray
    except ImportError:
        raise QlacError(
            "qlac sweep runs on Ray, which is not installed. Install it: pip install 'qlac-lite[sweep]'"
        ) from None
    return ray


def _connect(ray, address: str, sweep: Sweep, log: Callable[[str], None]) -> None:
    """Raises QlacError if there is no such cluster, or this machine is too small for one cell."""
    quiet = dict(
        log_to_driver=False, logging_level="ERROR", runtime_env={"env_vars": worker_variables(sweep)}
    )
    here = dict(num_cpus=usable_cores(), include_dashboard=False) if address == "local" else {}
    try:
        if address not in ("local", "auto"):  # Ray itself tries for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "os.fork", RuntimeWarning
            )  # Ray's processes run programs of their own at once
            ray.init(address, **here, **quiet)
    except Exception as error:  # Ray raises all kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        if address == "local":
            raise QlacError(
                f"Ray does not start on this machine: {reason}. Try again, when the machine is less busy."
            ) from error
        raise QlacError(
            f"Cannot join the Ray cluster {address!r}: {reason}. "
            "Start one with `ray start --head`, or leave --address out."
        ) from error
    offers = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(offer.get("CPU", 0) >= sweep.cores and offer.get("GPU", 0) >= sweep.gpus for offer in offers):
        return
    problem = f"No node has the {sweep.cores:g} cores and {sweep.gpus:g} GPUs that a cell asks for"
    if address == "local":
        ray.shutdown()
        raise QlacError(
            f"{problem}: this machine offers {usable_cores()} cores and {offers[0].get('GPU', 0):g} GPUs. "
            "Ask for less in [resources]."
        )
    log(f"{problem}: they wait until one joins.")


def worker_variables(sweep: Sweep) -> dict[str, str]:
    """Environment of a cell's process, so that cells on one node keep to their shares."""
    variables = {
        "QLAC_CORES": str(max(1, math.floor(sweep.cores))),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TQDM_DISABLE": "1",
    }
    if sweep.gpus == 0:
        return variables | {"JAX_PLATFORMS": "cpu"}
    if sweep.gpus < 1:  # JAX takes three quarters of the memory otherwise; the rest is for the CUDA context
        return variables | {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 * sweep.gpus:.3f}"}
    return variables


def _train_all(
    ray, sweep: Sweep, cells: list[Config], files: dict[str, Path], out: Path, board: Board
) -> dict[str, str]:
    """Trains the cells and shows how they fare; returns the traceback of each that failed."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )  # it must not die with a worker's node
    events = ray.remote(num_cpus=0, scheduling_strategy=here)(Events).remote()
    # max_calls=1: a process that has trained holds its GPU's memory until it ends.
    task = ray.remote(
        num_cpus=sweep.cores, num_gpus=sweep.gpus, max_calls=1, max_retries=RETRIES, retry_exceptions=False
    )(train_cell)
    waiting = {
        task.remote(cell, files[dataset_of(cell)], out, sys.argv[1:], events): cell_name(cell)
        for cell in cells
    }
    traces = {}
    while waiting:
        ended, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
        for event in ray.get(events.take.remote()):
            if event[0] in waiting.values():  # a report can be slower than the cell's end
                board.start(*event)
        for reference in ended:
            name = waiting.pop(reference)
            try:
                ray.get(reference)
                board.finish(name)
            except ray.exceptions.RayError as error:
                cause = getattr(
                    error, "cause", None
                )  # what the cell raised; none where its worker was lost too often
                lost = (
                    f"{type(error).__name__}: its worker was lost more than {RETRIES} times. "
                    "Run the same command again."
                )
                board.fail(
                    name,
                    str(cause)
                    if isinstance(cause, QlacError)
                    else f"{type(cause).__name__}: {cause}"
                    if cause
                    else lost,
                )
                traces[name] = str(error)
        board.refresh()
    return traces


class Events:
    """What the cells report to the sweep, from their nodes."""

    def __init__(self):
        self.new = []

    def add(self, *event) -> None:
        self.new.append(event)

    def take(self) -> list[tuple]:
        """What has come since the last call."""
        taken, self.new = self.new, []
        return taken


def train_cell(config: Config, data: Path, out: Path, arguments: list[str], events) -> None:
    """Trains one cell from its checkpoint, or from the start, in a process of its own.

    Args:
        arguments: of the sweep's command line, for the run's record.
        events: the actor `Events`, which is told where and from which step it runs.
    """
    from qlac_lite.training.loop import start_run, train

    node = platform.node()
    if not (out / RECORD).exists():
        raise QlacError(
            f"The node {node} does not see {out}. Choose an --out on a file system that all nodes share."
        )
    sys.argv[1:] = arguments
    use_cores()
    run, dataset = start_run(config, data, out / cell_name(config), resume=True)
    events.add.remote(
        cell_name(config), node, *run.status()
    )  # not waited for: Ray would lend this cell's cores to another
    train(run, dataset, wait=LOCK_SECONDS)


def describe_sweep(path: Path, out: Path) -> str:
    """How many cells there are, how many are done, and the room that their checkpoints take."""
    sweep = read_spec(path)
    todo, done = find_done(sweep, out)
    first = {}  # tasks of a domain differ in their goals, not in their sizes
    alike = lambda cell: dataclasses.replace(
        cell, task=first.setdefault(dataset_of(cell), cell.task), first_seed=0
    )
    sizes = [checkpoint_bytes(alike(cell)) for cell in sweep.cells]
    runs = sum(cell.seeds for cell in sweep.cells)
    count = lambda names, noun: f"{(n := len(set(names)))} {noun}{'s' if n != 1 else ''}"
    return "\n".join(
        [
            (
                f"{count((c.task for c in sweep.cells), 'task')}, "
                f"{count((c.method for c in sweep.cells), 'method')}, {count(sweep.cells, 'cell')}, "
                f"{runs:,} runs (task, method, seed)."
            ),
            f"{len(done)} done, {len(todo)} to train: each on {sweep.cores:g} cores and {sweep.gpus:g} GPUs.",
            (
                f"Disk: a checkpoint takes {min(sizes) / 1e9:.3g} to {max(sizes) / 1e9:.3g} GB, all "
                f"together {sum(sizes) / 1e9:.3g} GB; twice that for each cell while it is written."
            ),
        ]
    )


@functools.cache
def checkpoint_bytes(config: Config) -> int:
    """Size of a run's checkpoint at the most, at its end:
    of all its seeds, networks with targets and optimizer, and the replay."""
    domain = get_task(config.task).domain
    learner = make_learner(config, domain.observation_size, domain.action_size)
    state = jax.eval_shape(learner.init, jax.random.key(0))
    replay = empty_replays(config, config.online_steps, get_task(config.task))
    return config.seeds * sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)) + sum(
        leaf.nbytes for leaf in jax.tree.leaves(replay)
    )
