"""Datasets larger than the memory, as shards: npz files in one folder, streamed while the updates run.

    shards, summary = open_shards(folder, task)    each file is verified once
    stream = Stream(shards, put, steps=1000)
    stream.at(step)       the shard on the device at that gradient step: another one every 1000 steps
    stream.until(step)    the step at which the next one takes its place

While a shard serves, threads read and label the next ones and put them on the device. Each pass has a new
order, which follows from the step alone: a resumed run sees the same shards.
Source: the paper's data of cube-quadruple, OGBench's 100 shards of 1M transitions.
"""

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.load import load, verify
from qlac_lite.data.suites import npz, suite_of
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json, read_npz, write_json

# beside the shards: what was verified, so a resumed run need not read them all again
RECORD = "verified.json"


@dataclasses.dataclass(frozen=True)
class Shards:
    """Verified files with rows for one task, all padded to the largest: one compiled program serves."""

    paths: tuple[Path, ...]
    task: Task
    stride: int
    offline_reward: str
    rows: int  # of the largest
    stamps: list[list[int]]  # size and time of each file when it was verified

    def load(self, index: int) -> Dataset:
        """Shard `index`, padded to `rows`. Raises QlacError if the file has changed since it was verified."""
        path, domain = self.paths[index], self.task.domain
        remedy = "Put the file back, and go on with --resume."
        if not path.exists() or _stamp(path) != self.stamps[index]:
            raise QlacError(f"{path} has changed since the run began. {remedy}")
        arrays = npz.plain(read_npz(path, remedy))
        data = suite_of(domain).label(arrays, self.task, self.stride, self.offline_reward)
        padded = lambda leaf: np.pad(leaf, [(0, self.rows - len(leaf)), *[(0, 0)] * (leaf.ndim - 1)])
        return Dataset(*map(padded, data[:-1]), data.num_starts)


def open_shards(
    folder: Path, task: Task, stride: int = 1, offline_reward: str = "next"
) -> tuple[Shards, dict]:
    """All .npz files of a folder but those for validation, and a summary as `verify` gives it.

    Raises QlacError if there is none, or one that does not pass `verify`.
    """
    paths = tuple(sorted(path for path in folder.glob("*.npz") if not path.stem.endswith("-val")))
    if not paths:
        raise QlacError(f"{folder} holds no .npz file. Give --data a file, or the folder of its shards.")
    record, entries = folder / RECORD, {}
    known = read_json(record, f"Delete {record}.") if record.exists() else {}
    for path in paths:
        stamp, entry = _stamp(path), known.get(path.name)
        solved = entry["summary"].get("solved", {}) if entry and entry["stamp"] == stamp else {}
        if task.name not in solved:
            summary = load(path, task)[1]
            entry = {"stamp": stamp, "summary": summary | {"solved": solved | summary["solved"]}}
        entries[path.name] = entry
    if entries != known:
        with contextlib.suppress(QlacError):  # a folder that one may only read: they are verified next time
            write_json(record, entries)
    parts = [entry["summary"] for entry in entries.values()]
    lengths = [length for part in parts for length in part["episode_length"]]
    digest = hashlib.sha256("".join(part["sha256"] for part in parts).encode()).hexdigest()
    kinds = list(dict.fromkeys(part["provenance"] for part in parts))
    summary = parts[0] | {
        **{key: sum(part[key] for part in parts) for key in ("rows", "episodes", "transitions")},
        "solved": {task.name: np.sum([part["solved"][task.name] for part in parts], axis=0).tolist()},
        "shards": len(parts),
        "episode_length": [min(lengths), max(lengths)],
        "sha256": digest,
        "provenance": f"{len(parts)} shards: {kinds[0]}" + f" .. {kinds[-1]}" * (len(kinds) > 1),
    }
    rows, stamps = max(part["rows"] for part in parts), [entry["stamp"] for entry in entries.values()]
    return Shards(paths, task, stride, offline_reward, rows, stamps), summary


def summarise(path: Path, task: Task) -> dict:
    """What a dataset file, or the folder of its shards, holds, as `verify` gives it."""
    return open_shards(path, task)[1] if path.is_dir() else verify(path, task.domain)


def _stamp(path: Path) -> list[int]:
    return [path.stat().st_size, path.stat().st_mtime_ns]


def shard_order(count: int, turn: int) -> int:
    """Which of `count` shards serves in turn 0, 1, ...: each once a pass, each pass in another order."""
    rng = np.random.default_rng([count, turn // count])
    return int(rng.permutation(count)[turn % count])


class Stream:
    """The dataset on the device at each gradient step; a whole dataset is a stream that never changes.

    Args:
        put: brings a dataset to the device.
        steps: gradient steps that a shard serves.
        ahead: shards that are on their way, each in a thread of its own.
    """

    def __init__(self, data: Dataset | Shards, put: Callable[[Dataset], Any], steps: int, ahead: int = 1):
        self._data, self._put, self._steps, self._ahead = data, put, steps, ahead
        self._sharded = isinstance(data, Shards)
        self._turn, self._now = None, None if self._sharded else put(data)
        self._threads = ThreadPoolExecutor(ahead)
        self._coming: dict[int, Future] = {}
        self.waited = 0.0  # seconds for shards that were not there in time

    def at(self, step: int) -> Any:
        """The dataset for the updates from `step` on; waits for it if need be."""
        turn = step // self._steps
        if self._sharded and turn != self._turn:
            for wanted in range(turn, turn + self._ahead + 1):
                if wanted not in self._coming:
                    self._coming[wanted] = self._threads.submit(self._fetch, wanted)
            begin = time.monotonic()
            self._now, self._turn = self._coming.pop(turn).result(), turn
            self.waited += time.monotonic() - begin
        return self._now

    def _fetch(self, turn: int) -> Any:
        return self._put(self._data.load(shard_order(len(self._data.paths), turn)))

    def until(self, step: int) -> float:
        """The first step after `step` at which another shard serves."""
        return (step // self._steps + 1) * self._steps if self._sharded else float("inf")

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
