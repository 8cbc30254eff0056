"""Simulators: a module per suite, chosen in `make`, and the chunked MDP as a wrapper.

Only the lite world imports JAX.
"""

import ctypes.util
import os
import sys
import warnings

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    # MuJoCo reads this at its import, which fails if the library that it names is missing.
    _libraries = {"EGL": "egl", "OSMesa": "osmesa"}
    _there = [backend for library, backend in _libraries.items() if ctypes.util.find_library(library)]
    os.environ.setdefault("MUJOCO_GL", [*_there, "disabled"][0])
warnings.filterwarnings("ignore", module="glfw")  # no display is needed
