"""The server that simulator processes are forked from, and Ctrl-C: whoever starts processes ends them."""

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.forkserver import ensure_running


def start_server(preloaded: list[str]) -> None:
    """Starts the server with these modules, unless it runs. Its processes ignore Ctrl-C."""
    multiprocessing.set_forkserver_preload(preloaded)
    with uninterrupted(signal.SIG_IGN):  # which is inherited
        ensure_running()


@contextlib.contextmanager
def uninterrupted(handler=None) -> Iterator[None]:
    """Ctrl-C waits until the end; or `handler` takes it."""
    pressed = []
    try:
        before = signal.signal(signal.SIGINT, handler or (lambda *args: pressed.append(args)))
    except ValueError:  # a thread is not interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)
