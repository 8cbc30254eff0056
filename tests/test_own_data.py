"""docs/own-data.md, done as it says: its Python is run, and its file is verified and learned from."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

from qlac_lite.config import get_task
from qlac_lite.data.load import load, verify
from qlac_lite.envs.make import make_env

PAGE = (Path(__file__).parents[1] / "docs" / "own-data.md").read_text()
TASK = "cube-single-play-singletask-task1-v0"


@pytest.fixture(scope="module")
def page():
    """The functions that the page's blocks define; its rows of a table are tried in test_extending.py."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        if "\ndef " in block:
            exec(block, names)
    return names


def test_a_recording_of_ones_own_is_sound_and_labelled_as_the_environment_rewards_it(page, tmp_path):
    env, rng, path = make_env(get_task(TASK)), np.random.default_rng(0), tmp_path / "mine.npz"
    episodes = [page["record"](env.unwrapped, lambda _: rng.uniform(-1, 1, 5), 7, seed) for seed in (0, 1)]
    page["save"](path, episodes)
    assert verify(path) | {"episodes": 2, "transitions": 14, "domain": "cube-single"} == verify(path)
    data, _ = load(path, get_task(TASK))
    assert data.rewards[:7].tolist() == [-1.0] * 7 and data.num_starts == 14


def test_arrays_are_learned_from_without_a_simulator(page):
    rng, ends = np.random.default_rng(0), np.arange(60) % 20 == 19
    policy = page["train"](
        rng.normal(size=(60, 4)), rng.uniform(-1, 1, (60, 2)), -np.ones(60), np.ones(60), ends, updates=2
    )
    chunk = np.asarray(policy(np.zeros(4, np.float32), jax.random.key(0)))
    assert chunk.shape == (5, 2) and np.abs(chunk).max() <= 1
