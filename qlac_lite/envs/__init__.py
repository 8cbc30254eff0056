"""Simulators: a module per suite, chosen in `make`, and the chunked MDP as a wrapper.

Only the lite world imports JAX, so that simulators' processes stay small.
"""

import ctypes.util
import os
import sys
import warnings

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    # MuJoCo reads this at its import, which fails if the library that it names is missing.
    _there = (name.lower() for name in ("EGL", "OSMesa") if ctypes.util.find_library(name))
    os.environ.setdefault("MUJOCO_GL", next(_there, "disabled"))
warnings.filterwarnings("ignore", module="glfw")  # no display is needed
