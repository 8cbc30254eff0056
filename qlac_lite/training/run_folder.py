"""A run's folder: its configuration and provenance, its CSV files, its checkpoint.

    run.json          configuration, seeds, data source, versions, machine, command
    progress.csv      losses and Q values, a row per seed and log step
    episodes.csv      every finished online training episode
    evaluations.csv   every evaluation episode
    utilisation.csv   what the run waited for, and cores busy, a row per log step
    checkpoint.npz    the newest state: parameters, optimizer, replay rows, counters; plain arrays

Each is readable while the run goes on. `checkpoint.npz` is replaced whole or not at all.
"""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite.config import Config
from qlac_lite.utils import files
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.machine import provenance

PHASES = ("offline", "online", "done")
LOGS = ("progress.csv", "episodes.csv", "evaluations.csv", "utilisation.csv")


@dataclasses.dataclass(frozen=True)
class Run:
    """An existing run folder."""

    folder: Path
    config: Config
    data: dict[str, Any]  # summary of the data file: path, source, sha256, sizes
    provenance: dict[str, Any]

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.npz"

    def append(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Adds rows to one of the CSV files and flushes them to the operating system."""
        if not rows:
            return
        path = self.folder / name
        try:
            fresh = not path.exists() or path.stat().st_size == 0
            with path.open("a") as file:
                file.write(files.csv_text(rows, header=fresh))
        except OSError as error:
            raise files.disk_error(error, path) from error

    def status(self) -> tuple[str, int]:
        """Phase and step of the newest checkpoint; ("offline", 0) if there is none yet."""
        if not self.checkpoint_path.exists():
            return PHASES[0], 0
        read = files.read_npz(
            self.checkpoint_path, "Restore the checkpoint, or start the run anew.", ("phase", "step")
        )
        return str(read["phase"]), int(read["step"])

    def locked(self, wait: float = 0.0) -> contextlib.AbstractContextManager[None]:
        """This process alone trains the run; see `utils.files.locked`."""
        return files.locked(self.folder / ".lock", wait)

    def differences(self, config: Config, data: dict[str, Any]) -> list[str]:
        """What keeps this run from going on as one of `config` on `data`, in words."""
        wanted, there = dataclasses.asdict(config), dataclasses.asdict(self.config)
        apart = [key for key in wanted if wanted[key] != there[key]]
        differing = [f"{key} is {there[key]} there and {wanted[key]} here" for key in apart]
        if data["sha256"] != self.data["sha256"]:
            differing.append(f"its data file is {self.data['path']}, of other content")
        if data.get("collected") != self.data.get("collected"):
            differing.append("what it learns from was collected by another run")
        return differing

    def rows(self, name: str) -> list[dict[str, Any]]:
        return files.read_csv(self.folder / name)

    def rewind(self, phase: str, step: int) -> None:
        """Drops the CSV rows written after (`phase`, `step`), which a resumed run writes again."""
        limit = (PHASES.index(phase), step)
        for name in LOGS:
            kept = [row for row in self.rows(name) if (PHASES.index(row["phase"]), row["step"]) <= limit]
            files.write_csv(self.folder / name, kept)

    def save_checkpoint(self, tree: Any, phase: str, step: int) -> None:
        """`tree` is any pytree of arrays."""
        arrays = {_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
        files.write_npz(self.checkpoint_path, arrays | {"phase": np.array(phase), "step": np.int64(step)})

    def load_checkpoint(self, like: Any, partly: str = "") -> tuple[Any, str, int]:
        """The newest checkpoint in the structure of `like` (arrays or shapes), its phase and step.

        Args:
            partly: the field of `like` that was saved without unused rows (axis 1); they come back as zeros.

        Raises:
            QlacError: no checkpoint yet, or one that does not fit the configuration.
        """
        path, remedy = (
            self.checkpoint_path,
            "Start the run anew in another folder, or restore the checkpoint.",
        )
        if not path.exists():
            again = "Let it train on: the same qlac train command with --resume."
            raise QlacError(f"{self.folder} has no checkpoint yet. {again}")
        arrays = files.read_npz(path, remedy)
        try:
            phase, step = str(arrays["phase"]), int(arrays["step"])
            wanted, structure = jax.tree_util.tree_flatten_with_path(like)
            leaves = [arrays[_name(where)] for where, _ in wanted]
        except KeyError as error:
            raise QlacError(f"{path} lacks {error}: it is not of this run's kind. {remedy}") from None
        for i, ((where, like_this), leaf) in enumerate(zip(wanted, leaves, strict=True)):
            if partly and where[0].name == partly and leaf.ndim > 1:
                unused = max(0, like_this.shape[1] - leaf.shape[1])
                leaf = leaves[i] = np.pad(leaf, [(0, unused * (axis == 1)) for axis in range(leaf.ndim)])
            if like_this.shape != leaf.shape:
                raise QlacError(f"{path}: {_name(where)} is {leaf.shape}, not {like_this.shape}. {remedy}")
        return jax.tree_util.tree_unflatten(structure, leaves), phase, step


def _name(path: tuple) -> str:
    return "state" + jax.tree_util.keystr(path)


def create_run(folder: Path, config: Config, data: dict[str, Any], resume: bool) -> Run:
    """A new run folder, or with `resume` the existing one of the same configuration and data.

    Raises:
        QlacError: the folder holds another run or other files, or another configuration or data on `resume`.
    """
    folder = Path(folder)
    if (folder / "run.json").exists():
        if not resume:
            raise QlacError(
                f"{folder} already holds a run. Go on with it with --resume, or choose another --out."
            )
        run = open_run(folder)
        if differing := run.differences(config, data):
            raise QlacError(
                f"{folder} is a run of another configuration: {'; '.join(differing)}. "
                "Repeat the same options, or choose another --out."
            )
        return run
    if folder.is_dir() and any(folder.iterdir()):
        raise QlacError(f"{folder} is not empty and holds no run. Choose another --out.")
    about = dict(config=dataclasses.asdict(config), data=data, provenance=provenance())
    files.write_json(folder / "run.json", about)
    return Run(folder, config, data, about["provenance"])


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises QlacError if there is none, or its run.json is broken."""
    folder = Path(folder)
    if not (folder / "run.json").exists():
        raise QlacError(f"{folder} holds no run (no run.json). Make one with: qlac train --out {folder}")
    remedy = "It was edited or comes from another version: train again in another folder."
    content = files.read_json(folder / "run.json", remedy)
    try:
        values = content["config"] | {"hidden": tuple(content["config"]["hidden"])}
        return Run(folder, Config(**values), content["data"], content["provenance"])
    except (KeyError, TypeError) as error:
        raise QlacError(f"{folder / 'run.json'} does not describe a run ({error}). {remedy}") from None


def find_runs(folder: Path) -> list[Run]:
    """The run in `folder`, or every run at any depth below it, by path. Raises QlacError if there is none."""
    below = sorted(path.parent for path in Path(folder).rglob("run.json"))
    if (Path(folder) / "run.json").exists() or not below:
        return [open_run(folder)]
    return [open_run(path) for path in below]
