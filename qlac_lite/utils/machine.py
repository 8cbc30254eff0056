"""The machine: its cores, its description, and where a run's time goes. Simulators import this module, so JAX
is imported in functions only."""

import contextlib
import datetime
import os
import platform
import re
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
    """QLAC_CORES (QlacError unless a whole number above 0), or else the cores that the system gives."""
    given = os.environ.get("QLAC_CORES")
    if given is None:
        # A batch system's share of a node shows in the affinity only, which macOS lacks.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or int(given) < 1:
        raise QlacError(f"QLAC_CORES is {given!r}, but has to be a whole number of at least 1, or unset.")
    return int(given)


def bar_seconds() -> float:
    """Between two states of a progress bar: more in a file or a pipe, which keep every state."""
    return 0.1 if sys.stderr.isatty() else 10.0


def use_cores() -> None:
    """Makes cores devices of JAX, for seeds or shares of a batch."""
    import jax

    with contextlib.suppress(RuntimeError):  # JAX already runs, as in a notebook
        jax.config.update("jax_num_cpu_devices", usable_cores())


def provenance(program: str = "qlac") -> dict[str, Any]:
    """What stands beside a result: versions, machine, and the command."""
    import jax

    packages = "jax jaxlib flax optax numpy gymnasium ogbench mujoco dm_control robosuite h5py".split()
    installed = {each.name.lower().replace("-", "_") for each in metadata.distributions()}
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
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:(.*)", cpuinfo.read_text() if cpuinfo.exists() else "", re.M)
    return named[1].strip() if named else platform.processor() or "unknown processor"


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
