"""What stands beside a result: versions, machine, command."""

import datetime
import os
import platform
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import qlac_lite
from qlac_lite.utils.cores import devices


def provenance(program: str = "qlac") -> dict[str, Any]:
    """What stands beside a result: versions, machine, and the command."""
    packages = "jax jaxlib flax optax numpy gymnasium ogbench mujoco dm_control robosuite h5py".split()
    installed = {each.name.lower().replace("-", "_") for each in metadata.distributions()}
    return dict(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=shlex.join([program, *sys.argv[1:]]),
        qlac_lite=qlac_lite.__version__,
        learners=qlac_lite.LEARNERS,
        versions={package: metadata.version(package) for package in packages if package in installed},
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores",
        devices=[str(device.device_kind) for device in devices()],
        matmul_precision=jax.config.jax_default_matmul_precision
        or "default: float32 on a CPU, TF32 on recent NVIDIA GPUs",
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:(.*)", cpuinfo.read_text() if cpuinfo.exists() else "", re.M)
    return named[1].strip() if named else platform.processor() or "unknown processor"
