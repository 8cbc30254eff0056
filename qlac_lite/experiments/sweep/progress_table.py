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
from qlac_lite.utils.files import write_text
from qlac_lite.utils.statistics import newest

STATES = ("failed", "running", "waiting", "done")  # in the order in which a reader wants to see them
STARTED = ".started"  # in a run folder: the node where the cell runs


def note_start(run: Run, node: str) -> None:
    """Tells the table, over the file system, that a cell begins or goes on, on `node`."""
    write_text(run.folder / STARTED, node)


@dataclasses.dataclass
class Row:
    """What is known of a cell."""

    state: str = "waiting"
    phase: str = ""  # of the newest checkpoint
    step: int = 0
    success: str = ""  # of the newest evaluation, mean over seeds and episodes
    node: str = ""
    message: str = ""
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

    def mark_done(self, name: str) -> None:
        self._read_checkpoint(name)
        self._update(name, state="done")

    def mark_failed(self, name: str, message: str) -> None:
        self._update(name, state="failed", message=message)

    def refresh(self) -> None:
        """Looks at which cells have started, and at the checkpoints of those that run."""
        for name, row in self.rows.items():
            if row.state in ("failed", "done"):
                continue
            with contextlib.suppress(OSError):  # it has not started
                path = self.out / name / STARTED
                if (started := path.stat().st_mtime_ns) != row.started:
                    row.node, row.started = path.read_text(), started
                    row.logged = ()  # a second start is news, even on the same node
            if row.started:
                self._read_checkpoint(name)
                self._update(name, state="running")

    def _read_checkpoint(self, name: str) -> None:
        """Another machine may replace it at any moment: what cannot be read now is read next time."""
        row = self.rows[name]
        with contextlib.suppress(QlacError, OSError):
            run = open_run(self.out / name)
            phase, step = run.status()
            if (phase, step) != (row.phase, row.step):
                if outcomes := [each["success"] for each in newest(run.rows("evaluations.csv"))]:
                    row.success = f"success {np.mean(outcomes):.0%}"
                row.phase, row.step = phase, step

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
