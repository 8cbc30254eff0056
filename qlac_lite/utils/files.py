"""Files that are written whole or not at all, and that say so when they are broken; locks."""

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import numpy as np

from qlac_lite.utils.errors import QlacError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A binary file that appears under `path` whole or not at all: written beside it, then renamed.

    Raises:
        QlacError: the folder is read-only or the disk is full; what was at `path` before is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def disk_error(error: OSError, path: Path) -> QlacError:
    """The message for a failed write to `path`."""
    elsewhere = "Choose a folder you can write to with --out"
    remedies = {
        errno.ENOSPC: "the disk is full. Free some space",
        errno.EDQUOT: "your disk quota is used up. Free some space",
        errno.EROFS: f"the disk is read-only. {elsewhere}",
        errno.EACCES: f"you may not write there. {elsewhere}",
        errno.EPERM: f"you may not write there. {elsewhere}",
        errno.ENOTDIR: "a part of that path is a file. Choose another folder with --out",
        errno.EEXIST: "a file of that name is in the way. Choose another folder with --out",
    }
    other = f"{error.strerror or error}. Check the disk, or choose another folder with --out"
    remedy = remedies.get(error.errno, other)
    return QlacError(f"Cannot write {path}: {remedy}. Nothing half-written was left.")


def write_npz(path: Path, arrays: dict[str, np.ndarray], compressed: bool = False) -> None:
    """Arrays into an npz at `path`, atomically; the same arrays give the same bytes. Never pickles.

    Raises:
        TypeError: an array of Python objects (to NumPy 2.1, allow_pickle=False would be an array's name).
    """
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)}: arrays of Python objects would need pickle.")
    with atomic(path) as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)


def read_npz(path: Path, remedy: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays `names` of an npz, or all; `remedy` is the sentence that ends each error message.

    Raises:
        QlacError: no such file, cut off, not an npz, or made with pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    except FileNotFoundError:
        raise QlacError(f"There is no file {path}. {remedy}") from None
    except IsADirectoryError:
        raise QlacError(f"{path} is a folder, not an npz file. {remedy}") from None
    except PermissionError:
        raise QlacError(f"You may not read {path}. {remedy}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError, AttributeError) as error:
        raise QlacError(f"{path} is cut off or is not an npz file ({error}). {remedy}") from None


def write_text(path: Path, text: str) -> None:
    """A text file at `path`, atomically."""
    with atomic(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: Any) -> None:
    """`content` as indented JSON at `path`, atomically."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path, remedy: str) -> Any:
    """Raises QlacError, ended by `remedy`, if there is no such file or it is not JSON."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise QlacError(f"Cannot read {path} ({error}). {remedy}") from None


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows with the same keys as a CSV file with a header, atomically."""
    write_text(path, csv_text(rows))


def csv_text(rows: list[dict[str, Any]], header: bool = True) -> str:
    """Rows as CSV text; floats with six significant digits."""
    text = lambda value: f"{value:.6g}" if isinstance(value, float) else str(value)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header and rows:
        writer.writerow(rows[0])
    writer.writerows([text(value) for value in row.values()] for row in rows)
    return out.getvalue()


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, numbers as int or float; an empty list if there is no such file.

    A last line without its end, which a killed writer can leave, is passed over.
    """
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
def locked(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Holds the lock on the file `path`, which names its holder. It ends with the process, however that ends.

    Args:
        wait: seconds to wait for another holder.

    Raises:
        QlacError: another process holds it, or the file cannot be written or locked.
    """
    lock = filelock.FileLock(path, timeout=wait, poll_interval=0.5)
    try:
        lock.acquire()
        path.write_text(f"process {os.getpid()} on {platform.node()}\n")
    except filelock.Timeout:
        raise QlacError(
            f"{path.parent} is in use by {path.read_text().strip() or 'another process'}. "
            "Wait until that has ended, or end it."
        ) from None
    except (OSError, NotImplementedError) as error:
        if not isinstance(error, OSError) or error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise QlacError(
                f"The file system of {path.parent} has no locks, so nothing would keep two runs apart. "
                "Have it mounted with them (Lustre: -o flock), or choose another --out."
            ) from error
        raise disk_error(error, path) from error
    try:
        yield
    finally:
        lock.release()


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
