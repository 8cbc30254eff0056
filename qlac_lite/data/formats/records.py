"""Where a file is from, as it is recorded inside it or beside it, and a line on what it holds."""

from pathlib import Path

from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json, sha256, write_json


def _source_file(path: Path) -> Path:
    return path.with_name(path.name + ".source.json")


def record_source(path: Path, source: str) -> None:
    """Notes beside a fetched file where it came from and what it held then."""
    write_json(_source_file(path), {"source": source, "sha256": sha256(path)})


def provenance_of(path: Path, inside: object, digest: str) -> str:
    """Where a file is from: what stands `inside` it, or the record beside it,
    which has to be of this `digest`.

    Raises:
        QlacError: the file has changed since it was fetched.
    """
    if inside is not None:
        return str(inside)
    if not _source_file(path).exists():
        return "a file given, of unrecorded origin (official files carry no record)"
    record = read_json(
        _source_file(path), f"Delete {_source_file(path)} and {path}, and fetch the data again."
    )
    if record.get("sha256") != digest:
        raise QlacError(
            f"{path} has changed since it was {record.get('source')}. Delete it and fetch it again."
        )
    return record["source"]


def describe(summary: dict) -> str:
    """One line on a verified file."""
    shortest, longest = summary["episode_length"]
    steps = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return (
        f"{summary['domain']}, {summary['transitions']:,} transitions in {summary['episodes']:,} episodes "
        f"of {steps} steps; {summary['provenance']}"
    )
