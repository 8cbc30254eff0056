"""How many cores are used, of the machine's or of a batch system's share.

Simulators import this module, so JAX is imported in a function only.
"""

import contextlib
import os

from qlac_lite.utils.errors import QlacError


def usable_cores() -> int:
    """QLAC_CORES (QlacError unless a whole number above 0), or else the cores that the system gives."""
    given = os.environ.get("QLAC_CORES")
    if given is None:
        # A batch system's share of a node shows in the affinity only, which macOS lacks.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or int(given) < 1:
        raise QlacError(f"QLAC_CORES is {given!r}, but has to be a whole number of at least 1, or unset.")
    return int(given)


def use_cores() -> None:
    """Makes cores devices of JAX, for seeds or shares of a batch."""
    import jax

    with contextlib.suppress(RuntimeError):  # JAX already runs, as in a notebook
        jax.config.update("jax_num_cpu_devices", usable_cores())
