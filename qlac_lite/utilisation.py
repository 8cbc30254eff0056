"""Where a run's time goes: what its main thread waits for, how many cores it keeps busy, and how busy a GPU is."""

import contextlib
import threading
import time
from collections.abc import Iterator

import psutil

WAITS = ("learning", "simulating", "loading", "evaluating", "saving")


class Stopwatch:
    """Shares of time, for a row of utilisation.csv.

        with watch("simulating"): ...   time that the main thread waits for the simulators
        watch.row()                     shares since the row before

    A run whose share of `simulating` is large waits for its simulators: more cores help. One with a large share of `learning`
    waits for the updates: a GPU helps. One that is `loading` waits for the next shard of its data: longer `shard_steps` help. In the overlapped order both work at once, and only the slower one is waited for.
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
        """seconds; share of them waited for each of WAITS; cores busy on average; GPU busy (share of the time that a kernel
        ran, averaged over the GPUs; empty without one)."""
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
    """Asks NVIDIA's management library once a second; silent where there is no such GPU or library (extra `gpu`)."""

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
                self._samples.append(sum(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles) / 100 / len(handles))

        if handles:
            threading.Thread(target=sample, daemon=True).start()

    def mean(self) -> float | str:
        samples, self._samples = self._samples, []
        return sum(samples) / len(samples) if samples else ""

    def stop(self) -> None:
        self._over.set()
