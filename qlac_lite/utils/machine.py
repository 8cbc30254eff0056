"""The machine: the cores that a process may use, who watches it, what stands beside a result,
and where a run's time goes.

Simulator processes import this module, so JAX is imported inside functions only.
"""

import contextlib
import datetime
import os
import platform
import sys
import threading
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
    """Cores for JAX devices, simulators and data generation:
    QLAC_CORES if set, else those the system lets this process use.

    Raises:
        QlacError: QLAC_CORES is not a whole number of at least 1.
    """
    given = os.environ.get("QLAC_CORES")
    if (
        given is None
    ):  # a batch system's share of a node shows in the affinity, not in the count (macOS has no affinity)
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or int(given) < 1:
        raise QlacError(
            f"QLAC_CORES is {given!r}, but has to be a whole number of at least 1. "
            "Correct it, or unset it for all cores."
        )
    return int(given)


def bar_seconds() -> float:
    """Seconds between two states of a progress bar:
    many a second on a terminal, few where a file or a pipe keeps them all."""
    return 0.1 if sys.stderr.isatty() else 10.0


def use_cores() -> None:
    """On a CPU, makes JAX treat cores as devices, for seeds or shares of a batch. Call before using JAX."""
    import jax

    try:
        jax.config.update("jax_num_cpu_devices", usable_cores())
    except RuntimeError:
        pass  # JAX already runs, in a notebook say: it keeps its devices


def provenance(program: str = "qlac") -> dict[str, Any]:
    """Versions, machine and command (`program` with this process's arguments):
    what has to stand beside a result."""
    import jax

    packages = (
        "jax",
        "jaxlib",
        "flax",
        "optax",
        "numpy",
        "gymnasium",
        "ogbench",
        "mujoco",
        "dm_control",
        "robosuite",
        "h5py",
    )
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

    A run whose share of `simulating` is large waits for its simulators: more cores help. One with a large
    share of `learning` waits for the updates: a GPU helps. One that is `loading` waits for the next shard of
    its data: longer `shard_steps` help. In the overlapped order both work at once, and only the slower one is
    waited for.
    """

    def __init__(self):
        self._waited = dict.fromkeys(WAITS, 0.0)
        self._gpu = _GpuSampler()
        self._begin, self._cpu = time.monotonic(), _cpu_seconds()

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.add(what, time.monotonic() - begin)

    def add(self, what: str, seconds: float) -> None:
        self._waited[what] += seconds

    def row(self) -> dict[str, float | str]:
        """seconds; share of them waited for each of WAITS; cores busy on average; GPU busy (share of the time
        that a kernel ran, averaged over the GPUs; empty without one)."""
        now, cpu = time.monotonic(), _cpu_seconds()
        seconds = max(now - self._begin, 1e-9)
        row = {"seconds": seconds, **{what: waited / seconds for what, waited in self._waited.items()}}
        row |= {"cores_busy": max(cpu - self._cpu, 0.0) / seconds, "gpu_busy": self._gpu.mean()}
        self._waited, self._begin, self._cpu = dict.fromkeys(WAITS, 0.0), now, cpu
        return row

    def close(self) -> None:
        self._gpu.stop()


def _cpu_seconds() -> float:
    """Processor time of this process and of all that it started (the simulators) so far."""
    total, own = 0.0, psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # one that has just ended
            times = process.cpu_times()
            total += times.user + times.system
    return total


class _GpuSampler:
    """Asks NVIDIA's management library once a second;
    silent where there is no such GPU or library (extra `gpu`)."""

    def __init__(self, every: float = 1.0):
        self._samples: list[float] = []
        self._over = threading.Event()
        try:
            import pynvml

            pynvml.nvmlInit()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except Exception:  # no library, no driver, no device: each raises a class of its own
            return

        def sample() -> None:
            while not self._over.wait(every):
                self._samples.append(
                    sum(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles)
                    / 100
                    / len(handles)
                )

        if handles:
            threading.Thread(target=sample, daemon=True).start()

    def mean(self) -> float | str:
        samples, self._samples = self._samples, []
        return sum(samples) / len(samples) if samples else ""

    def stop(self) -> None:
        self._over.set()
