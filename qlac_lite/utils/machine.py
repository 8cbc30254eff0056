"""The machine: the cores that a process may use, what stands beside a result, and where a run's time goes.

Simulator processes import this module, so JAX is imported inside functions only.
"""

import contextlib
import datetime
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

import qlac_lite
from qlac_lite.utils.errors import QlacError

WAITS = ("learning", "simulating", "loading", "evaluating", "saving")


def usable_cores() -> int:
    """Cores for JAX devices, simulators and data generation: QLAC_CORES, or those the system gives.

    Raises:
        QlacError: QLAC_CORES is not a whole number of at least 1.
    """
    given = os.environ.get("QLAC_CORES")
    if given is None:
        # A batch system's share of a node shows in the affinity, not in the count. macOS has no affinity.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or int(given) < 1:
        raise QlacError(
            f"QLAC_CORES is {given!r}, but has to be a whole number of at least 1. "
            "Correct it, or unset it for all cores."
        )
    return int(given)


def bar_seconds() -> float:
    """Seconds between two states of a progress bar: few are wanted where a file or a pipe keeps them all."""
    return 0.1 if sys.stderr.isatty() else 10.0


def use_cores() -> None:
    """On a CPU, makes JAX treat cores as devices, for seeds or shares of a batch. Call before using JAX."""
    import jax

    try:
        jax.config.update("jax_num_cpu_devices", usable_cores())
    except RuntimeError:
        pass  # JAX already runs, in a notebook say: it keeps its devices


def provenance(program: str = "qlac") -> dict[str, Any]:
    """What has to stand beside a result: versions, machine, `program` with this process's arguments."""
    import jax

    packages = "jax jaxlib flax optax numpy gymnasium ogbench mujoco dm_control robosuite h5py".split()
    installed = {d.metadata["Name"].lower().replace("-", "_") for d in metadata.distributions()}
    return dict(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=" ".join([program, *sys.argv[1:]]),
        qlac_lite=qlac_lite.__version__,
        versions={package: metadata.version(package) for package in packages if package in installed},
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores",
        devices=[str(device.device_kind) for device in jax.local_devices()],
        matmul_precision=jax.config.jax_default_matmul_precision
        or "default: float32 on a CPU, TF32 on recent NVIDIA GPUs",
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


class Stopwatch:
    """Shares of time, for a row of utilisation.csv.

        with watch("simulating"): ...   time that the main thread waits for the simulators
        watch.row()                     shares since the row before

    A run that waits for its simulators (`simulating`) gains from more cores, one that waits for its updates
    (`learning`) from a GPU, one that waits for the next shard of its data (`loading`) from a longer
    `shard_steps`.
    """

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
        """seconds; share of them waited for each of WAITS; cores busy on average."""
        now, cpu = time.monotonic(), _cpu_seconds()
        seconds = max(now - self._begin, 1e-9)
        shares = {what: waited / seconds for what, waited in self._waited.items()}
        row = {"seconds": seconds, **shares, "cores_busy": max(cpu - self._cpu, 0.0) / seconds}
        self._waited, self._begin, self._cpu = dict.fromkeys(WAITS, 0.0), now, cpu
        return row


def _cpu_seconds() -> float:
    """Processor time of this process and of all that it started (the simulators) so far."""
    total, own = 0.0, psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # one that has just ended
            times = process.cpu_times()
            total += times.user + times.system
    return total
