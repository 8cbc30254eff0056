"""A dataset file of either kind: OGBench's npz layout (the lite world's too) or robomimic's HDF5."""

from pathlib import Path

from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.formats import ogbench, robomimic

HDF5 = b"\x89HDF\r\n\x1a\n"


def _reader(path: Path):
    """The module that reads the file, by its first bytes, or by its name where there are none."""
    begins = b""
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(len(HDF5))
    return robomimic if begins == HDF5 or path.suffix in (".hdf5", ".h5") else ogbench


def verify(path: Path, name: str | None = None) -> dict:
    """What a file holds, checked against the dataset or task `name`;
    see `ogbench.verify` and `robomimic.verify`."""
    return _reader(Path(path)).verify(path, name)


def load(path: Path, task: Task, stride: int = 1, offline_reward: str = "next") -> tuple[Dataset, dict]:
    """The verified file as a flat dataset with the rewards and masks of `task`,
    and its summary for the record.

    Args:
        stride, offline_reward: as in `Config`.

    Raises:
        QlacError: what is wrong with the file; or robomimic's, whose rewards are in the file,
            with `offline_reward` "current".
    """
    return _reader(Path(path)).load(path, task, stride, offline_reward)
