"""Simulators without a renderer, and what is said when something is to be drawn."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from qlac_lite.config import get_task
from qlac_lite.envs import rendering
from qlac_lite.envs.make import make_env
from qlac_lite.reports import films
from qlac_lite.utils.errors import QlacError

TASK = get_task("cube-double-play-singletask-task1-v0")
STEP = f"""
from qlac_lite.config import get_task
from qlac_lite.envs.make import make_vector_env
environments = make_vector_env(get_task("{TASK.name}"), 1, 5, 0.99)
environments.reset(seed=[0])
environments.close()
import os, sys
print(os.environ.get("MUJOCO_GL"), "OpenGL" in sys.modules)
"""


@pytest.fixture
def environment(monkeypatch):
    """Sets variables; nothing that was tried before is remembered, here or by later tests."""
    monkeypatch.setattr(rendering._gl, "GLContext", rendering._first_context)
    for name in (*rendering.VARIABLES, "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    forget = rendering._first_that_draws.cache_clear, films._say_once.cache_clear
    [each() for each in forget]
    yield lambda variables: [monkeypatch.setenv(*pair.split("=")) for pair in variables.split()]
    [each() for each in forget]


@pytest.mark.around
@pytest.mark.parametrize(
    "variables", ["MUJOCO_GL=wgl", "MUJOCO_GL=egl PYOPENGL_PLATFORM=glx", "MUJOCO_GL=osmesa DISPLAY=:99"]
)
def test_simulators_need_no_renderer(variables):
    given = dict(pair.split("=") for pair in variables.split())
    ended = subprocess.run(
        [sys.executable, "-c", STEP], env=os.environ | given, capture_output=True, text=True
    )
    assert (ended.stdout, ended.returncode) == (f"{given['MUJOCO_GL']} False\n", 0), ended.stderr


def test_robosuite_needs_none_and_leaves_the_variables(monkeypatch):
    """By itself it asks for EGL, and refuses a device that CUDA does not show."""
    pytest.importorskip("robosuite")
    code = (
        "import os; from qlac_lite.envs.robomimic import _robosuite as r; r(); print(os.environ['MUJOCO_GL'])"
    )
    given = dict(MUJOCO_GL="wgl", MUJOCO_EGL_DEVICE_ID="3", CUDA_VISIBLE_DEVICES="0")
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | given, capture_output=True, text=True
    )
    assert (ended.stdout, ended.returncode) == ("wgl\n", 0), ended.stderr


@pytest.mark.parametrize(
    ("variables", "failing", "remedy"),
    [
        ("MUJOCO_GL=off", "off fails (it is switched off)", "or unset MUJOCO_GL."),
        ("MUJOCO_GL=wgl", "wgl fails (invalid value", "or unset MUJOCO_GL."),
        ("MUJOCO_GL=glfw DISPLAY=:99", "glfw fails (", "or unset MUJOCO_GL."),
        (
            "MUJOCO_GL=egl MUJOCO_EGL_DEVICE_ID=-3",
            "egl fails (",
            "unset MUJOCO_GL and MUJOCO_EGL_DEVICE_ID.",
        ),
        (
            "__EGL_VENDOR_LIBRARY_DIRS=/none PYOPENGL_PLATFORM=egl",
            "osmesa fails (",
            "libegl1 libgl1-mesa-dri).",
        ),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the names of Linux")
def test_what_draws_says_in_one_line_which_renderer_failed(environment, variables, failing, remedy):
    environment(variables)
    env = make_env(TASK)
    env.reset(seed=0)
    with warnings.catch_warnings(action="ignore"), pytest.raises(QlacError) as error:
        env.unwrapped.render()
    text = str(error.value)
    assert failing in text and text.endswith(remedy) and "\n" not in text and len(text) < 500


def test_a_renderer_is_tried_once_and_a_film_becomes_sketches(environment, monkeypatch, capsys):
    tries = []

    def run(command, **kwargs):
        tries.append(kwargs["env"]["MUJOCO_GL"])
        return subprocess.CompletedProcess(command, -11, "", "")  # the driver crashed

    monkeypatch.setattr(rendering.subprocess, "run", run)
    environment("DISPLAY=:99")
    for _ in range(2):
        recorder = films._Recorder(TASK, 200, True)
        recorder.reset(seed=0)
        recorder.keep()
        recorder.step(np.zeros(5))
        assert recorder.pictures == [] and len(recorder.places) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "glfw fails (exit status -11); the renderer egl fails" in said
    assert "A sketch takes the place of the pictures." in said
    assert tries == ["glfw", "egl", "osmesa"]


def test_where_one_draws_it_is_used(environment):
    environment("")
    try:
        name = rendering.renderer()
    except QlacError:
        pytest.skip("nothing can be drawn on this machine")
    env = make_env(TASK, size=64)
    env.reset(seed=0)
    assert env.unwrapped.render().std() > 10 and os.environ["MUJOCO_GL"] == name
    env.unwrapped._renderer.close()
