"""The command line: `qlac ...` or `python -m qlac_lite ...`; a bad input ends it with exit status 2."""

import os
import re
import signal
import sys
import threading
from types import FrameType

from qlac_lite.cli.commands import app, say
from qlac_lite.utils.cores import ignore_arithmetic
from qlac_lite.utils.errors import QlacError

STOPPED = "\nqlac: Stopped. The same command goes on from what is finished (training: with --resume).\n"


@app.callback()
def quiet() -> None:
    """Q-learning with action chunking: data, training, evaluation and reports."""
    if ignored := ignore_arithmetic():
        say(f"Ignored: {ignored}. The library computes as JAX does by itself.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # else XLA prints notes on the processor


def main() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it is not ignored, as with nohup
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _interrupt_again
    try:
        app()
    except SystemExit as end:
        if end.code == 130:  # Typer ends at Ctrl-C without a word
            sys.stderr.write(STOPPED)
        raise
    except QlacError as error:
        _fail(str(error))
    except OSError as error:
        where = error.filename or "perhaps standard output"
        _fail(f"The system refuses: {error.strerror or error} ({where}). Mend that, and try again.")
    except ValueError as error:
        flag = re.search(r"for (?:JAX flag|environment) '?(\w+)", str(error))  # JAX's words
        if not flag:
            raise
        _fail(f"{error}. Unset {flag[1].upper()}.")
    finally:
        _flush()


def _fail(problem: str) -> None:
    say(f"\nqlac: {problem}")
    sys.exit(2)


def _flush() -> None:
    """Writes what was printed, so that a full disk is an error of the command."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "w") as nowhere:  # for what Python still tries to write at its end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        _fail(f"Standard output takes no more: {error.strerror}. What was printed last is lost.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    """At Ctrl-C, as Python does; but a compiled module that is being imported may crash at an exception."""
    while frame:
        if "importlib._bootstrap" in frame.f_code.co_filename:
            os.write(2, STOPPED.encode())
            os._exit(130)
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C in a callback whose errors Python drops, as the garbage collector's: it comes once more."""
    if lost.exc_type is not KeyboardInterrupt:
        return sys.__unraisablehook__(lost)
    main = threading.main_thread().ident
    threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
