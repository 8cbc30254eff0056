"""A run's folder, readable while the run goes on.

run.json          configuration, seeds, data source, versions, machine, command
progress.csv      losses and Q values, a row per seed and log step
episodes.csv      online training episodes
evaluations.csv   evaluation episodes
utilisation.csv   what the run waited for, and cores busy, a row per log step
checkpoint.npz    the newest state as plain arrays, replaced whole or not at all
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
from qlac_lite.utils.provenance import provenance

PHASES = ("offline", "online", "done")
LOGS = ("progress.csv", "episodes.csv", "evaluations.csv", "utilisation.csv")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder."""

    folder: Path
    config: Config
    data: dict[str, Any]  # summary of the data file: path, source, sha256, sizes
    provenance: dict[str, Any]

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.npz"

    def about(self) -> dict[str, Any]:
        """What run.json holds."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "folder"}

    def append(self, name: str, rows: list[dict[str, Any]]) -> None:
        path = self.folder / name
        try:
            with path.open("a") as file:
                file.write(files.csv_text(rows, header=file.tell() == 0))
        except OSError as error:
            raise files.disk_error(error, path) from error

    def rows(self, name: str) -> list[dict[str, Any]]:
        return files.read_csv(self.folder / name)

    def rewind(self, phase: str, step: int) -> None:
        """Drops the CSV rows after (`phase`, `step`), which a resumed run writes again."""
        place = lambda row: (PHASES.index(row["phase"]), row["step"])
        for name in LOGS:
            kept = [row for row in self.rows(name) if place(row) <= (PHASES.index(phase), step)]
            files.write_csv(self.folder / name, kept)

    def locked(self, wait: float = 0.0) -> contextlib.AbstractContextManager[None]:
        """While this process alone trains the run."""
        return files.locked(self.folder / ".lock", wait)

    def differences(self, config: Config, data: dict[str, Any] | None = None) -> list[str]:
        """What keeps this run from going on as one of `config` on `data`, its own by default, in words."""
        data = data or self.data
        wanted, there = dataclasses.asdict(config), dataclasses.asdict(self.config)
        apart = [key for key in wanted if wanted[key] != there[key]]
        differing = [f"{key} is {there[key]} there and {wanted[key]} here" for key in apart]
        if data["sha256"] != self.data["sha256"]:
            differing.append(f"its data file is {self.data['path']}, of other content")
        if data.get("collected") != self.data.get("collected"):
            differing.append("what it learns from was collected by another run")
        return differing

    def status(self) -> tuple[str, int]:
        """Phase and step of the newest checkpoint; ("offline", 0) if there is none yet."""
        if not self.checkpoint_path.exists():
            return PHASES[0], 0
        remedy = "Restore the checkpoint, or start the run anew."
        read = files.read_npz(self.checkpoint_path, remedy, ("phase", "step"))
        return str(read["phase"]), int(read["step"])

    def save_checkpoint(self, tree: Any, phase: str, step: int) -> None:
        """`tree` is any pytree of arrays."""
        about = {"phase": np.array(phase), "step": np.int64(step)}
        files.write_npz(self.checkpoint_path, named_leaves(tree, "state") | about)

    def load_checkpoint(self, like: Any) -> tuple[Any, str, int]:
        """The newest checkpoint in the structure of `like` (arrays or shapes), its phase and step.

        A `replay` was saved without its unused rows (axis 1), which come back as zeros.
        Raises QlacError if there is no checkpoint yet, or it does not fit `like`.
        """
        path, wanted = self.checkpoint_path, named_leaves(like, "state")
        if not path.exists():
            remedy = "Let it train on: the same qlac train command with --resume."
            raise QlacError(f"{self.folder} has no checkpoint yet. {remedy}")
        remedy = "Start the run anew in another folder, or restore the checkpoint."
        arrays = files.read_npz(path, remedy)
        if missing := {"phase", "step", *wanted} - arrays.keys():
            raise QlacError(f"{path} lacks {min(missing)}: it is not of this run's kind. {remedy}")
        leaves = []
        for name, sized in wanted.items():
            leaf = arrays[name]
            if name.startswith("state.replay.") and leaf.ndim > 1:
                unused = max(0, sized.shape[1] - leaf.shape[1])
                leaf = np.pad(leaf, [(0, unused * (axis == 1)) for axis in range(leaf.ndim)])
            if sized.shape != leaf.shape:
                raise QlacError(f"{path}: {name} is {leaf.shape}, not {sized.shape}. {remedy}")
            leaves.append(leaf)
        tree = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return tree, str(arrays["phase"]), int(arrays["step"])


def named_leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of a pytree by their paths, in order."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {prefix + jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def create_run(folder: Path, config: Config, data: dict[str, Any], resume: bool) -> Run:
    """A new run folder, or to `resume` the one that is there. Raises QlacError as `find_run`."""
    if (run := find_run(folder, config, resume, data)) is None:
        run = Run(folder, config, data, provenance())
        files.write_json(folder / "run.json", run.about())
    return run


def find_run(folder: Path, config: Config, resume: bool, data: dict[str, Any] | None = None) -> Run | None:
    """The run in `folder` to `resume`, or None for a new one.

    Raises QlacError if other files are there, or a run of another configuration or of other `data`, if given.
    """
    if not (folder / "run.json").exists():
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise QlacError(f"{folder} is not empty and holds no run. Choose another --out.")
        return None
    if not resume:
        raise QlacError(
            f"{folder} already holds a run. Go on with it with --resume, or choose another --out."
        )
    run = open_run(folder)
    if differing := "; ".join(run.differences(config, data)):
        remedy = "Repeat the same options, or choose another --out."
        raise QlacError(f"{folder} is a run of another configuration: {differing}. {remedy}")
    return run


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises QlacError if there is none, or its run.json is broken."""
    path = Path(folder) / "run.json"
    if not path.exists():
        raise QlacError(f"{folder} holds no run (no run.json). Make one with: qlac train --out {folder}")
    remedy = "It was edited or comes from another version: train again in another folder."
    content = files.read_json(path, remedy)
    try:
        return Run(path.parent, config_of(content["config"]), content["data"], content["provenance"])
    except (KeyError, TypeError) as error:
        raise QlacError(f"{path} does not describe a run ({error}). {remedy}") from None


def config_of(values: dict[str, Any]) -> Config:
    """A configuration from JSON."""
    return Config(**values | {"hidden": tuple(values["hidden"])})


def recorded_data(folder: Path) -> Path | None:
    """The data of the first run in or below `folder`, if they are still where its run.json says."""
    for path in sorted(folder.rglob("run.json")):
        data = open_run(path.parent).data.get("path")
        return Path(data) if data and Path(data).exists() else None
    return None


def find_runs(folder: Path) -> list[Run]:
    """The run in `folder`, or every run at any depth below it, by path. Raises QlacError if there is none."""
    alone = (Path(folder) / "run.json").exists()
    below = [] if alone else sorted(path.parent for path in Path(folder).rglob("run.json"))
    return [open_run(path) for path in below or [folder]]


def recorded_runs(name: str) -> list[Run]:
    """The runs that come with the package under "desk", "lift" or "why", without checkpoints; by path."""
    return find_runs(Path(__file__).parents[1] / "assets" / name)
