"""Simulators: OGBench's tasks, the chunked MDP as a wrapper, environments in parallel processes;
and the lite world, the only one of them that imports JAX."""

import ctypes.util
import os
import sys
import warnings

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    # Off-screen rendering where the machine has it;
    # MuJoCo reads this when it is imported, and naming a missing library would break the import itself.
    _backend = (
        "egl"
        if ctypes.util.find_library("EGL")
        else "osmesa"
        if ctypes.util.find_library("OSMesa")
        else "disabled"
    )
    os.environ.setdefault("MUJOCO_GL", _backend)
warnings.filterwarnings("ignore", module="glfw")  # no display is needed
