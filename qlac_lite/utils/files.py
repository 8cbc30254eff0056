"""Files that are written whole or not at all, the tables in them, and locks."""

import contextlib
import csv
import errno
import glob
import hashlib
import io
import json
import os
import platform
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import numpy as np

from qlac_lite.utils.errors import QlacError

Row = dict[str, Any]  # of a table
Rows = list[Row]


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which replaces `path` when it is whole; QlacError if the disk refuses."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):  # it is not there
            temporary.unlink()


def disk_error(error: OSError, path: Path) -> QlacError:
    causes = {
        errno.ENOSPC: "the disk is full. Free some space",
        errno.EDQUOT: "your disk quota is used up. Free some space",
        errno.ENOTDIR: "a file is in the way",
        errno.EEXIST: "a file is in the way",
    }
    cause = causes.get(error.errno, error.strerror or error)
    remedy = "Choose another folder with --out, or for data with QLAC_DATA. Nothing half-written was left."
    return QlacError(f"Cannot write {path}: {cause}. {remedy}")


def check_writable(folder: Path) -> None:
    """QlacError if `folder`, or where it would be made, takes no files. Makes nothing."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.exists(path))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        cause = errno.EACCES if there.is_dir() else errno.ENOTDIR
        raise disk_error(OSError(cause, os.strerror(cause)), folder)


def write_npz(path: Path, arrays: dict[str, np.ndarray], compressed: bool = False) -> None:
    """The same arrays give the same bytes. Raises TypeError for arrays of Python objects."""
    # NumPy 2.1 takes allow_pickle=False for an array of that name.
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)}: arrays of Python objects would need pickle.")
    with atomic(path) as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)


def read_npz(path: Path, remedy: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays `names` of an npz, or all; QlacError with the sentence `remedy` if it is not sound."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    except FileNotFoundError:
        raise QlacError(f"There is no file {path}. {remedy}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise QlacError(f"Cannot read {path}: {error.strerror}. {remedy}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError, TypeError) as error:
        fault = "is cut off or is not an npz file"
        if "Object arrays" in str(error):
            fault = "holds Python objects, which need pickle"
            remedy = f"Save each array by its name: np.savez(FILE, **arrays). {remedy}"
        raise QlacError(f"{path} {fault}. {remedy}") from None


def write_text(path: Path, text: str) -> None:
    with atomic(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path, remedy: str) -> Any:
    """The content of a JSON file; QlacError with the sentence `remedy` if it cannot be read."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise QlacError(f"Cannot read {path} ({error}). {remedy}") from None


def write_csv(path: Path, rows: Rows) -> None:
    write_text(path, csv_text(rows))


def csv_text(rows: Rows, header: bool = True) -> str:
    """Rows of the same keys as CSV; floats with six significant digits."""
    text = lambda value: f"{value:.6g}" if isinstance(value, float) else str(value)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header and rows:
        writer.writerow(rows[0])
    writer.writerows([text(value) for value in row.values()] for row in rows)
    return out.getvalue()


def markdown(rows: Rows) -> str:
    """Rows of the same keys as a table in Markdown."""
    lines = [rows[0], ["---"] * len(rows[0]), *(map(str, row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def read_csv(path: Path) -> Rows:
    """The rows of a CSV file, with numbers, and without a last line that a killed writer left; [] if none."""
    if not path.exists():
        return []

    def value(text: str) -> Any:
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(text)
        return text

    whole = path.read_text().rpartition("\n")[0]
    return [{key: value(text) for key, text in row.items()} for row in csv.DictReader(whole.splitlines())]


@contextlib.contextmanager
def locked(path: Path, wait: float = 0.0, log: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock on the file `path`, which names its holder; QlacError after `wait` seconds without it,
    never if they are negative. `log` is told if it waits. A lock ends with its process."""
    lock = filelock.FileLock(path, poll_interval=0.5)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if log:
                log(f"Waiting for {_holder(path)}, which writes in {path.parent}.")
            lock.acquire(timeout=wait)
        path.write_text(f"process {os.getpid()} on {platform.node()}\n")
    except filelock.Timeout:
        problem = f"{path.parent} is in use by {_holder(path)}"
        raise QlacError(f"{problem}. Wait until that has ended, or end it.") from None
    except (OSError, NotImplementedError) as error:
        without = errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP
        if getattr(error, "errno", errno.ENOSYS) not in without:
            raise disk_error(error, path) from error
        remedy = "Have it mounted with them (Lustre: -o flock), or choose another --out."
        problem = f"The file system of {path.parent} has no locks to keep two processes apart"
        raise QlacError(f"{problem}. {remedy}") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def one_writer(path: Path, log: Callable[[str], None] | None = None) -> Iterator[None]:
    """While this process alone makes the file `path`; another one waits. See `locked`."""
    with locked(path.with_name(f".{path.name}.lock"), -1, log):
        remove_unfinished(path)
        yield


def remove_unfinished(path: Path) -> None:
    """Removes what killed processes left of `path` where they wrote it; its lock has to be held."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError):  # it has just ended
        return path.read_text().strip() or "another process"
    return "another process"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
