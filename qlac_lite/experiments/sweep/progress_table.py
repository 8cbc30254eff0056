"""How the cells of a sweep fare: a table that renews itself on a terminal, else a line for each change."""

import contextlib
import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from qlac_lite.training.run_folder import Run, open_run
from qlac_lite.utils.errors import QlacError

STATES = ("failed", "running", "waiting", "done")  # in the order in which a reader wants to see them


@dataclasses.dataclass
class Row:
    """What is known of a cell."""

    state: str = "waiting"
    phase: str = ""
    step: int = 0
    success: float | None = None  # of the newest evaluation, mean over seeds and episodes
    node: str = ""
    message: str = ""
    seen: int = 0  # time of the checkpoint that was read last, ns

    @property
    def cells(self) -> tuple[str, ...]:
        """state, phase and step, success, node: as text."""
        success = "" if self.success is None else f"success {self.success:.0%}"
        at = f"{self.phase} {self.step:,}" if self.phase not in ("", "done") else ""
        return self.state, at, success, self.message or self.node


class Board:
    """The rows of a sweep, by the name of the cell; run folders lie below `out`, some `done` already.

    As a context it holds the terminal's table; where there is no terminal,
    `log` gets a line for each change of a cell's state, phase, success or node.
    """

    def __init__(
        self,
        names: list[str],
        done: list[str],
        out: Path,
        log: Callable[[str], None],
        console: Console | None = None,
    ):
        self.rows, self.out, self.log = {name: Row() for name in names}, out, log
        console = console or Console()
        self.live = (
            Live(console=console, get_renderable=self.table, refresh_per_second=1)
            if console.is_terminal
            else None
        )
        self.told: dict[str, tuple] = {}
        for name in done:
            self._read(name)
            self.rows[name].state = "done"

    def __enter__(self) -> "Board":
        (self.live or contextlib.nullcontext()).__enter__()
        return self

    def __exit__(self, *error) -> None:
        self.refresh()
        (self.live or contextlib.nullcontext()).__exit__(*error)

    @property
    def failures(self) -> dict[str, str]:
        """The message of each cell that failed."""
        return {name: row.message for name, row in self.rows.items() if row.state == "failed"}

    def start(self, name: str, node: str, phase: str, step: int) -> None:
        """A cell has begun on a node, or goes on there, from its checkpoint at `step` of `phase`."""
        row = self.rows[name]
        row.state, row.node, row.phase, row.step = "running", node, phase, step
        self.told.pop(name, None)  # a second start is news, even on the same node
        self._tell(name)

    def finish(self, name: str) -> None:
        self._read(name)
        self.rows[name].state = "done"
        self._tell(name)

    def fail(self, name: str, message: str) -> None:
        self.rows[name].state, self.rows[name].message = "failed", message
        self._tell(name)

    def refresh(self) -> None:
        """Looks at the checkpoints of the cells that run."""
        for name, row in self.rows.items():
            if row.state == "running":
                self._read(name)
                self._tell(name)

    def _read(self, name: str) -> None:
        """A checkpoint is replaced whole at any moment, on another machine perhaps:
        what cannot be read now is read next time."""
        row = self.rows[name]
        with contextlib.suppress(QlacError, OSError):
            run = open_run(self.out / name)
            written = run.checkpoint_path.stat().st_mtime_ns
            if written != row.seen:
                row.phase, row.step = run.status()
                row.success, row.seen = newest_success(run), written

    def _tell(self, name: str) -> None:
        row = self.rows[name]
        change = (row.state, row.phase, row.success, row.node)
        if self.live is None and self.told.get(name) != change:
            self.log(
                f"{datetime.datetime.now():%H:%M:%S} {name}: " + ", ".join(text for text in row.cells if text)
            )
        self.told[name] = change

    def table(self) -> Table:
        """Counts in the title, then the cells: those that failed, run, wait, are done."""
        count = Counter(row.state for row in self.rows.values())
        table = Table(
            "cell",
            "state",
            "phase and step",
            "success",
            "node",
            title=", ".join(f"{count[state]} {state}" for state in STATES if count[state]),
        )
        for name, row in sorted(self.rows.items(), key=lambda item: STATES.index(item[1].state)):
            table.add_row(name, *row.cells)
        return table


def newest_success(run: Run) -> float | None:
    """Success rate of a run's newest evaluation over all seeds and episodes; None if there is none yet."""
    rows = run.rows("evaluations.csv")
    newest = [
        row["success"] for row in rows if (row["phase"], row["step"]) == (rows[-1]["phase"], rows[-1]["step"])
    ]
    return float(np.mean(newest)) if newest else None
