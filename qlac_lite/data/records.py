"""What all layouts share: where a file comes from, what it holds, and how a fault of it is told."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.tasks import Domain
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json, sha256, write_json

NOTE = ".source.json"


def record_source(path: Path, source: str) -> None:
    """Notes beside a fetched file where it came from, and its hash."""
    write_json(path.with_name(path.name + NOTE), {"source": source, "sha256": sha256(path)})


def summarise(
    path: Path, held: Domain, wanted: Domain | None, lengths: Sequence[int], inside: Any, **more: Any
) -> dict[str, Any]:
    """What a verified file holds; QlacError if that is not `wanted`, or has changed since it was fetched.

    `lengths`: transitions of each episode. `inside`: the provenance that the file itself tells, or None.
    """
    if wanted not in (None, held):
        raise QlacError(
            f"{path} holds {held.name} data (observations of size {held.observation_size}), but "
            f"{wanted.dataset} needs {wanted.name} (size {wanted.observation_size}). "
            f"Give a {wanted.dataset} file, or choose a task of {held.name}."
        )
    transitions, digest = int(sum(lengths)), sha256(path)
    return dict(
        domain=held.name,
        rows=transitions + len(lengths),
        episodes=len(lengths),
        transitions=transitions,
        episode_length=[int(min(lengths)), int(max(lengths))],
        observation_size=held.observation_size,
        action_size=held.action_size,
        sha256=digest,
        **more,
        provenance=_source(path, digest) if inside is None else str(inside),
    )


def _source(path: Path, digest: str) -> str:
    """Where a file is from, by the record beside it."""
    beside = path.with_name(path.name + NOTE)
    if not beside.exists():
        return "a file given, of unrecorded origin (official files carry no record)"
    record = read_json(beside, f"Delete {beside} and {path}, and fetch the data again.")
    if record.get("sha256") != digest:
        raise QlacError(
            f"{path} has changed since it was {record.get('source')}. Delete it and fetch it again."
        )
    return record["source"]


def describe(summary: dict[str, Any]) -> str:
    """A line on a verified file, with what to know of it."""
    shortest, longest = summary["episode_length"]
    steps = f"{shortest} to {longest}" if shortest < longest else shortest
    counts = "{domain}, {transitions:,} transitions in {episodes:,} episodes".format(**summary)
    return ". ".join([f"{counts} of {steps} steps; {summary['provenance']}", *summary.get("notes", ())])


def check_numbers(name: str, array: np.ndarray, shape: tuple | None = None, remedy: str = "") -> None:
    """Raises QlacError, ended by the `remedy`, if an array has another shape, or not only finite numbers."""
    if shape not in (None, array.shape):
        raise QlacError(f"{name} has the shape {array.shape}, not {shape}.{remedy}")
    if array.dtype.kind not in "fbiu":
        raise QlacError(f"{name} holds {array.dtype}, not numbers.{remedy}")
    if len(bad := np.argwhere(~np.isfinite(array))):
        raise QlacError(f"{name} has a NaN or infinity in row {bad[0][0]}.{remedy}")


def again(domain: Domain | None) -> str:
    """How to get a file that is broken."""
    return f"Fetch or generate it again: qlac data {domain.dataset if domain else 'NAME'}"


@contextlib.contextmanager
def told_of(path: Path, domain: Domain | None) -> Iterator[None]:
    """Puts the file's name before a QlacError's message and the remedy after it."""
    try:
        yield
    except QlacError as error:
        raise QlacError(f"{path}: {error} {again(domain)}") from None
