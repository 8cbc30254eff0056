"""Simulators: OGBench's tasks, the chunked MDP as a wrapper, environments in parallel processes. No JAX in here."""

import os
import sys
import warnings

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")  # off-screen, before anything imports MuJoCo
warnings.filterwarnings("ignore", module="glfw")  # no display is needed
