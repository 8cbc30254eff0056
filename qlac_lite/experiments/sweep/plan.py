"""What a sweep still has to do and what it takes: its cells, their data, and the room on the disk."""

import contextlib
import dataclasses
import functools
from pathlib import Path

import jax

from qlac_lite.agents import make_learner
from qlac_lite.config import Config, get_task
from qlac_lite.data.fetch import get_dataset
from qlac_lite.data.records import describe
from qlac_lite.data.replay import empty_replays
from qlac_lite.data.shards import summarise
from qlac_lite.experiments.sweep.spec import Sweep, cell_name, dataset_of, read_spec
from qlac_lite.training.loop import Log
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.errors import QlacError


def find_done(sweep: Sweep, out: Path) -> tuple[list[Config], list[Config]]:
    """The cells to train, and those that are done; QlacError if a folder holds another configuration."""
    todo, done = [], []
    for cell in sweep.cells:
        folder, differing, phase = out / cell_name(cell), [], ""
        with contextlib.suppress(QlacError):  # no run, or a broken one: training says what is wrong with it
            run = open_run(folder)
            differing = run.differences(cell)
            phase = run.status()[0]
        if differing:
            raise QlacError(
                f"{folder} is a run of another configuration: {'; '.join(differing)}. "
                "Undo that in the specification, or choose another --out."
            )
        (done if phase == "done" else todo).append(cell)
    return todo, done


def fetch_data(sweep: Sweep, cells: list[Config], log: Log) -> dict[str, Path]:
    """The verified file of each dataset that the cells need, fetched or made once."""
    files = {}
    for name, cell in {dataset_of(cell): cell for cell in cells}.items():
        if file := sweep.files.get(name):
            log(f"Data: {file}: {describe(summarise(file, get_task(cell.task)))}")
        else:
            file = get_dataset(name, sweep.source, sweep.episodes, out=sweep.folder, log=log).absolute()
        files[name] = file
    return files


def check_data(done: list[Config], out: Path, files: dict[str, Path]) -> None:
    """QlacError: finished cells learned from other data than the rest, and a table would mix them."""
    tasks = {dataset_of(cell): get_task(cell.task) for cell in done}
    digests = {name: summarise(file, tasks[name])["sha256"] for name, file in files.items() if name in tasks}
    for cell in done:
        run, name = open_run(out / cell_name(cell)), dataset_of(cell)
        if digests.get(name, run.data["sha256"]) != run.data["sha256"]:
            raise QlacError(
                f"{run.folder} is done, but with other data than {files[name]}. "
                "Give the sweep the same file in [data], or choose another --out."
            )


def describe_sweep(path: Path, out: Path) -> str:
    """How many cells there are, how many are done, and the room that their checkpoints take."""
    sweep = read_spec(path)
    cells, (todo, done) = sweep.cells, find_done(sweep, out)
    examples, sizes = {}, []  # tasks of a domain differ in their goals, not in their sizes
    for cell in cells:
        task = examples.setdefault(dataset_of(cell), cell.task)
        sizes.append(checkpoint_bytes(dataclasses.replace(cell, task=task, first_seed=0)))
    parts = {"task": {c.task for c in cells}, "method": {c.method for c in cells}, "cell": cells}
    counts = ", ".join(f"{len(part)} {noun}{'s' * (len(part) != 1)}" for noun, part in parts.items())
    dense = [name for name in parts["task"] if get_task(name).papers_task != name]
    note = f"\nRewards are dense in {', '.join(sorted(dense))}: the paper's figures are for sparse ones."
    least, most, total = (f"{size / 1e9:.3g}" for size in (min(sizes), max(sizes), sum(sizes)))
    return (
        f"{counts}, {sum(cell.seeds for cell in cells):,} runs (task, method, seed).\n"
        f"{len(done)} done, {len(todo)} to train: each on {sweep.cores:g} cores and {sweep.gpus:g} GPUs.\n"
        f"Disk: a checkpoint takes {least} to {most} GB, all together {total} GB; "
        "twice that for each cell while it is written." + note * bool(dense)
    )


@functools.cache
def checkpoint_bytes(config: Config) -> int:
    """Of a run at its end, at the most: the networks of all its seeds with targets and optimizer, and a full
    replay."""
    task = get_task(config.task)
    learner = make_learner(config, task.domain.observation_size, task.domain.action_size)
    state = jax.eval_shape(learner.init, jax.random.key(0))
    size = lambda tree: sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
    return config.seeds * size(state) + size(empty_replays(config, config.online_steps, task))
