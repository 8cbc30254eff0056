"""Where a run's time goes, and how often a progress bar shows it."""

import contextlib
import sys
import time
from collections.abc import Iterator

import psutil

WAITS = ("learning", "simulating", "loading", "evaluating", "saving")


def bar_seconds() -> float:
    """Between two states of a progress bar: more in a file or a pipe, which keep every state."""
    return 0.1 if sys.stderr.isatty() else 10.0


class Stopwatch:
    """What the main thread waits for: `with watch("simulating"): ...`, then `watch.row()`. More cores make
    `simulating` shorter, a GPU `learning`, longer `shard_steps` `loading`."""

    def __init__(self):
        self._waited = dict.fromkeys(WAITS, 0.0)
        self._begin, self._cpu = time.monotonic(), _cpu_seconds()

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.add(what, time.monotonic() - begin)

    def add(self, what: str, seconds: float) -> None:
        self._waited[what] += seconds

    def row(self) -> dict[str, float]:
        """Since the last row of utilisation.csv: seconds, shares of them, mean cores busy."""
        now, cpu = time.monotonic(), _cpu_seconds()
        seconds = max(now - self._begin, 1e-9)
        shares = {what: waited / seconds for what, waited in self._waited.items()}
        row = {"seconds": seconds, **shares, "cores_busy": max(cpu - self._cpu, 0.0) / seconds}
        self._waited, self._begin, self._cpu = dict.fromkeys(WAITS, 0.0), now, cpu
        return row


def _cpu_seconds() -> float:
    """Of this process and its simulators."""
    total, own = 0.0, psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # one that has just ended
            total += sum(process.cpu_times()[:2])  # user and system
    return total
