"""A dataset file of either layout: OGBench's npz (the lite world's too) or robomimic's HDF5."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qlac_lite.config.tasks import Domain, Task
from qlac_lite.data.dataset import Dataset, solved_steps
from qlac_lite.data.records import again
from qlac_lite.data.suites import npz, robomimic_files, suite_of
from qlac_lite.utils.errors import QlacError

HDF5 = b"\x89HDF\r\n\x1a\n"


def read(path: Path, domain: Domain | None = None) -> tuple[Any, dict]:
    """A verified file's content, as its suite's `label` takes it, and a summary of what it holds.

    `domain`: whose data it should hold; None accepts any. Raises QlacError: the first fault, and the remedy.
    """
    path, begins = Path(path), b""
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(len(HDF5))
    if begins == HDF5 or path.suffix in (".hdf5", ".h5"):
        return robomimic_files.read(path, domain)
    if begins[:2] == b"PK" and domain and suite_of(domain).SUFFIX != ".npz":
        told = f"{path} is an npz file, but {domain.dataset} comes in robomimic's HDF5."
        raise QlacError(f"{told} {again(domain)}")
    return npz.read(path, domain)


def verify(path: Path, domain: Domain | None = None) -> dict:
    """The summary that `read` gives."""
    return read(path, domain)[1]


def load(path: Path, task: Task, stride: int = 1, offline_reward: str = "next") -> tuple[Dataset, dict]:
    """The verified file as a flat dataset with the rewards and masks of `task`, and its summary.

    The summary also has `solved`, the `solved_steps` by task. `stride` and `offline_reward` are as in
    `Config`. Raises QlacError as `read`.
    """
    content, summary = read(path, task.domain)
    dataset = suite_of(task.domain).label(content, task, stride, offline_reward)
    return dataset, summary | {"solved": {task.name: solved_steps(dataset)}}


def count_solved(content: Any, tasks: Iterable[Task]) -> dict[str, list[int]]:
    """The `solved_steps` of what `read` gave, by task."""
    label = lambda task: suite_of(task.domain).label(content, task, 1, "next")
    return {task.name: solved_steps(label(task)) for task in tasks}
