"""How many cores are used, of the machine's or of a batch system's share; and JAX as the library needs it.

Simulators import this module, so JAX is imported in a function only.
"""

import contextlib
import os

from qlac_lite.utils.errors import QlacError

# What the library is written for, and JAX's own choice. By its environment's variables JAX takes others.
ARITHMETIC = {
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
}


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
    devices()


def devices() -> list:
    """JAX's, of this process. QlacError: there is none of the kind asked for, or JAX computes otherwise."""
    import jax

    for name, wanted in ARITHMETIC.items():
        if (there := getattr(jax.config, name)) != wanted:
            problem = f"JAX has {name} = {there} here, but the library needs {wanted}"
            raise QlacError(f"{problem}. Unset {name.upper()}, and start Python anew.")
    try:
        return jax.local_devices()
    except (RuntimeError, AssertionError) as error:  # the latter for cuda without its plugin
        reason = str(error).strip().partition("\n")[0].rstrip(".") or "it finds no such device"
        raise QlacError(f"JAX cannot start: {reason}. Unset JAX_PLATFORMS, or set it to cpu.") from error


def ignore_arithmetic() -> str:
    """Forgets the variables that would change `ARITHMETIC`, which JAX reads when imported; names them."""
    given = {name.upper(): os.environ.pop(name.upper(), "") for name in ARITHMETIC}
    usual = ("", "0", "f", "false", "n", "no", "off", "standard", "allow")
    return ", ".join(f"{name}={value}" for name, value in given.items() if value.lower() not in usual)
