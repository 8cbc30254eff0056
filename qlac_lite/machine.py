"""What this process may use of its machine, and who watches it. This module imports no JAX."""

import os
import sys

from qlac_lite.errors import QlacError


def usable_cores() -> int:
    """Cores for JAX devices, simulators and data generation: QLAC_CORES if set, else those the system lets this process use.

    Raises:
        QlacError: QLAC_CORES is not a whole number of at least 1.
    """
    given = os.environ.get("QLAC_CORES")
    if given is None:  # a batch system's share of a node shows in the affinity, not in the count (macOS has no affinity)
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or int(given) < 1:
        raise QlacError(f"QLAC_CORES is {given!r}, but has to be a whole number of at least 1. Correct it, or unset it for all cores.")
    return int(given)


def bar_seconds() -> float:
    """Seconds between two states of a progress bar: many a second on a terminal, few where a file or a pipe keeps them all."""
    return 0.1 if sys.stderr.isatty() else 10.0
