"""The start of simulator processes, and Ctrl-C. They import this module, so it imports no JAX."""

import contextlib
import multiprocessing
import signal
import sys
import threading
import types
from collections.abc import Iterator
from multiprocessing.forkserver import ensure_running

from qlac_lite.utils.errors import QlacError

_LOCK = threading.RLock()


@contextlib.contextmanager
def forkserver(preloaded: list[str]) -> Iterator[None]:
    """Processes of `multiprocessing`'s context of that name, to be started in here.

    They are forked from a server with the modules `preloaded`, never from a JAX process, and do not run the
    user's script again. So a script needs no `if __name__ == "__main__"`, and may come from standard input.
    They ignore Ctrl-C, which waits until all have begun: whoever starts processes ends them.
    QlacError in a process that may start none.
    """
    if multiprocessing.current_process().daemon:
        raise QlacError(
            "A worker of multiprocessing.Pool may not start simulators. "
            "Use concurrent.futures.ProcessPoolExecutor in its place."
        )
    multiprocessing.set_forkserver_preload(preloaded)
    with _LOCK:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")  # it has no file to run
        try:
            with _at_ctrl_c(signal.SIG_IGN):  # which is inherited
                ensure_running()
            pressed = []
            with _at_ctrl_c(lambda *args: pressed.append(args)):
                yield
        finally:
            sys.modules["__main__"] = main
    if pressed:
        signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def starting_processes() -> Iterator[None]:
    """QlacError if the system has no place for what simulators' processes share."""
    try:
        yield
    except ConnectionError:  # one has died
        raise
    except OSError as error:
        raise QlacError(
            f"The simulators' processes cannot start ({error.strerror or error}). They need a /dev/shm with "
            "room to write (Docker: --shm-size=1g), and a temporary folder (TMPDIR) whose path is short."
        ) from error


@contextlib.contextmanager
def _at_ctrl_c(handler) -> Iterator[None]:
    try:
        before = signal.signal(signal.SIGINT, handler)
    except ValueError:  # a thread is not interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
