"""MuJoCo, imported without a renderer: that is tried and loaded at the first picture.

By themselves MuJoCo and dm_control load what MUJOCO_GL names when they are imported, and fail without it.
"""

import contextlib
import functools
import importlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

from qlac_lite.utils.errors import QlacError

VARIABLES = "MUJOCO_GL", "MUJOCO_EGL_DEVICE_ID"
OFF = ("disable", "disabled", "off", "false", "0")  # MuJoCo's words for it
PICTURE = """
try:
    import mujoco
    mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8).render()
except AttributeError:  # what PyOpenGL raises then
    raise SystemExit("its library is missing")
except Exception as error:
    raise SystemExit(str(error))
"""
DRIVER = "Install a driver (Debian, Ubuntu: apt-get install libegl1 libgl1-mesa-dri)"
warnings.filterwarnings("ignore", module="glfw")  # OGBench imports it, and no display is needed


@contextlib.contextmanager
def without_renderer() -> Iterator[None]:
    """Simulators imported in this block load no renderer, whatever the environment asks for."""
    before = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    os.environ["MUJOCO_GL"] = "disabled"
    try:
        yield
    finally:
        del os.environ["MUJOCO_GL"]
        os.environ.update(before)


with without_renderer():
    import mujoco
    from dm_control import _render  # noqa: F401  reads MUJOCO_GL for all of dm_control

_gl = sys.modules[mujoco.Renderer.__module__].gl_context


def renderer() -> str:
    """The OpenGL platform that draws here, such as egl. QlacError: none does, with reasons and a remedy."""
    name, problem = _first_that_draws()
    if problem:
        raise QlacError(problem)
    return name


@functools.cache
def _first_that_draws() -> tuple[str, str]:
    """Its name and "", or "" and what is wrong with each. Where MUJOCO_GL is set, only that is tried."""
    given, failures = os.environ.get("MUJOCO_GL"), []
    screen = ["glfw"] if os.environ.get("DISPLAY") else []
    usual = {"darwin": ["cgl"], "win32": ["wgl"]}.get(sys.platform, [*screen, "egl", "osmesa"])
    for name in [given] if given else usual:
        if not (reason := _reason_not_to_draw(name)):
            return name, ""
        failures.append(f"the renderer {name} fails ({reason})")
    asked = " and ".join(name for name in VARIABLES if os.environ.get(name))
    remedy = DRIVER + f", or unset {asked}" * bool(asked)
    return "", f"Nothing can be drawn here: {'; '.join(failures)}. {remedy}."


def _reason_not_to_draw(name: str) -> str:
    """Why not, or "". Tried in a process of its own: drivers crash, hang, and cannot be unloaded."""
    if name.lower().strip() in OFF:
        return "it is switched off"
    command, environment = [sys.executable, "-c", PICTURE], os.environ | {"MUJOCO_GL": name}
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    said = ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"]
    return said[-1].rstrip(".") if ended.returncode else ""


def _first_context(width: int, height: int):
    """Stands for MuJoCo's GLContext until the first picture, then puts the real one in its place."""
    os.environ["MUJOCO_GL"] = renderer()
    importlib.reload(_gl)
    return _gl.GLContext(width, height)


_gl.GLContext = _first_context
