"""How the cells of a sweep fare: a table that renews itself on a terminal, else a line for each change."""

import contextlib
import dataclasses
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from qlac_lite.training.loop import Log
from qlac_lite.training.run_folder import Run, open_run
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json, write_json
from qlac_lite.utils.statistics import newest

STATES = ("failed", "running", "waiting", "done")  # in the order in which a reader wants to see them
STARTED = ".started.json"  # in a run folder: where and from which step the cell runs


def note_start(run: Run, node: str) -> None:
    """Tells the table, over the file system, that a cell begins or goes on, on `node`."""
    phase, step = run.status()
    write_json(run.folder / STARTED, {"node": node, "phase": phase, "step": step})


@dataclasses.dataclass
class Row:
    """What is known of a cell."""

    state: str = "waiting"
    phase: str = ""
    step: int = 0
    success: str = ""  # of the newest evaluation, mean over seeds and episodes
    node: str = ""
    message: str = ""
    read: int = 0  # time of the checkpoint that was read last, ns
    started: int = 0  # time of the newest start, ns
    logged: tuple = ()  # what the last line said

    @property
    def cells(self) -> tuple[str, ...]:
        """state, phase and step, success, node or message: as text."""
        at = "" if self.phase in ("", "done") else f"{self.phase} {self.step:,}"
        return self.state, at, self.success, self.message or self.node


class ProgressTable:
    """The rows of a sweep by the cells' names; run folders lie below `out`, some `done` already.

    As a context it holds the terminal's table. Without a terminal, `log` gets a line for each change of a
    cell's state, phase, success or node.
    """

    def __init__(
        self, names: list[str], done: list[str], out: Path, log: Log, console: Console | None = None
    ):
        self.rows, self.out, self.log = {name: Row() for name in names}, out, log
        self.live = Live(console=console, get_renderable=self.table, refresh_per_second=1)
        self.lines = not self.live.console.is_terminal
        for name in names:
            (out / name / STARTED).unlink(missing_ok=True)  # an earlier sweep's
        for name in done:
            self._read_checkpoint(name)
            self.rows[name].state = "done"

    def __enter__(self) -> None:
        if not self.lines:
            self.live.start()

    def __exit__(self, *error) -> None:
        self.refresh()
        self.live.stop()

    @property
    def failures(self) -> dict[str, str]:
        """The message of each cell that failed."""
        return {name: row.message for name, row in self.rows.items() if row.state == "failed"}

    def mark_running(self, name: str, node: str, phase: str, step: int) -> None:
        """A cell has begun on a node, or goes on there, from its checkpoint at `step` of `phase`."""
        # `logged`: a second start is news, even on the same node.
        self._update(name, state="running", node=node, phase=phase, step=step, logged=())

    def mark_done(self, name: str) -> None:
        self._read_checkpoint(name)
        self._update(name, state="done")

    def mark_failed(self, name: str, message: str) -> None:
        self._update(name, state="failed", message=message)

    def refresh(self) -> None:
        """Looks at which cells have started, and at the checkpoints of those that run."""
        for name, row in self.rows.items():
            if row.state in ("waiting", "running"):
                path = self.out / name / STARTED
                with contextlib.suppress(QlacError, OSError):  # there is none yet
                    started = path.stat().st_mtime_ns
                    if started != row.started:
                        self.mark_running(name, **read_json(path, "Wait."))
                        row.started = started
            if row.state == "running":
                self._read_checkpoint(name)
                self._update(name)

    def _read_checkpoint(self, name: str) -> None:
        """Another machine may replace it at any moment: what cannot be read now is read next time."""
        row = self.rows[name]
        with contextlib.suppress(QlacError, OSError):
            run = open_run(self.out / name)
            written = run.checkpoint_path.stat().st_mtime_ns
            if written != row.read:
                row.phase, row.step = run.status()
                if outcomes := [each["success"] for each in newest(run.rows("evaluations.csv"))]:
                    row.success = f"success {np.mean(outcomes):.0%}"
                row.read = written

    def _update(self, name: str, **news: Any) -> None:
        row = self.rows[name]
        vars(row).update(news)
        change = (row.state, row.phase, row.success, row.node)
        if self.lines and row.logged != change:
            self.log(f"{time.strftime('%H:%M:%S')} {name}: {', '.join(filter(None, row.cells))}")
        row.logged = change

    def table(self) -> Table:
        """Counts in the title, then the cells: those that failed, run, wait, are done."""
        count = Counter(row.state for row in self.rows.values())
        title = ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
        table = Table("cell", "state", "phase and step", "success", "node", title=title)
        for name, row in sorted(self.rows.items(), key=lambda item: STATES.index(item[1].state)):
            table.add_row(name, *row.cells)
        return table
