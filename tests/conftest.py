"""Shared fixtures: two JAX devices, small play files made once, small configurations."""

import collections
import contextlib
import ctypes
import gc
import os
import pathlib
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The tests compile much and compute little; also in subprocesses.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(__file__).parents[1] / "build/jax-cache")
)  # what one process compiles serves all
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

# Tests press Ctrl-C, which is ignored where they run in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

import jax  # noqa: E402
import numpy as np  # noqa: E402
import psutil  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)

from qlac_lite.config import DOMAINS, make_config  # noqa: E402
from qlac_lite.data.suites import ogbench  # noqa: E402, F401
from qlac_lite.envs.ogbench import make_env  # noqa: E402
from qlac_lite.utils.files import read_npz  # noqa: E402

TASK = "cube-single-play-singletask-task1-v0"
TINY = dict(
    hidden=(16, 16),
    batch_size=16,
    seeds=2,
    offline_steps=20,
    online_steps=20,
    flow_steps=2,
    candidates=3,
    log_every=5,
    evaluate_every=20,
    evaluation_episodes=1,
    checkpoint_seconds=0.0,
)

# Files that take minutes, the longest first: side by side, none of them is left for the end,
# when the other processes are idle. All tests of an exercise follow each other: they compile the same.
LONG = [
    "test_grading",
    "test_checks",
    "test_training",
    "test_lessons",
    "test_cli",
    "test_browser",
    "test_sweep",
    "test_colab",
    "test_shards",
    "test_site",
]


room = 1.5e9  # bytes that this process may use before it forgets


def grid(values, *kept):
    """All values for `parametrize`; those that are not kept run with `make test-all` only."""
    return [value if value in kept else pytest.param(value, marks=pytest.mark.around) for value in values]


def pytest_collection_modifyitems(items):
    place = {name: i for i, name in enumerate(LONG)}
    exercise = lambda item: getattr(item, "callspec", None) and item.callspec.params.get("name")
    together = lambda item: str(exercise(item)) if item.path.stem == "test_checks" else ""
    items.sort(key=lambda item: (place.get(item.path.stem, len(LONG)), together(item)))


def pytest_runtest_teardown():
    """What was compiled is forgotten before it fills the memory; the cache on disk still has it."""
    global room
    used = psutil.Process().memory_info
    if used().rss > room:
        jax.clear_caches()
        gc.collect()
        with contextlib.suppress(OSError, TypeError, AttributeError):  # glibc gives back what it keeps
            ctypes.CDLL(None).malloc_trim(0)
        room = max(1.5e9, used().rss + 5e8)


idle = collections.defaultdict(list)  # simulators that were closed


def make_env_again(task, size=200, env_args=None):
    """An OGBench simulator that a test has closed, or a new one, which takes over a second."""
    here = idle[task.name, size]
    if here:
        return here.pop()
    env = make_env(task, size, env_args)
    env.close = lambda: here.append(env)
    return env


@pytest.fixture(autouse=True)
def simulators_here(request, monkeypatch):
    """OGBench's simulators run in this process, as processes of their own take seconds to begin."""
    if "processes" not in request.keywords:
        monkeypatch.setattr("qlac_lite.envs.ogbench.PRELOADED", [])
        monkeypatch.setattr("qlac_lite.envs.ogbench.make_env", make_env_again)


def tiny_config(method: str = "qc-fql", **changes):
    return make_config(TASK, method, "lite", **{**TINY, **changes})


def arrays_of(run):
    """The arrays of a run's checkpoint by name."""
    return read_npz(run.checkpoint_path, "")


def assert_same_arrays(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.fixture(scope="session")
def play_file(tmp_path_factory):
    """Path of a play file of a domain, 2 episodes, generated once a session."""
    from qlac_lite.data.fetch import generate

    folder, made = tmp_path_factory.mktemp("data"), {}

    def path(domain: str = "cube-single", episodes: int = 2):
        key = (domain, episodes)
        if key not in made:
            made[key] = folder / f"{domain}-{episodes}.npz"
            generate(DOMAINS[domain], episodes, 0, made[key])
        return made[key]

    return path


@pytest.fixture
def random_rows():
    """Flat rows of episodes of the given numbers of transitions, with recognisable content."""

    def rows(lengths=(7, 3, 12), observation_size=4, action_size=2, seed=0):
        rng = np.random.default_rng(seed)
        total = sum(lengths) + len(lengths)
        ends = np.zeros(total, bool)
        ends[np.cumsum(np.array(lengths) + 1) - 1] = True
        observations = rng.normal(size=(total, observation_size)).astype(np.float32)
        observations[:, 0] = np.arange(total)  # the row number
        observations[:, 1] = np.repeat(np.arange(len(lengths)), np.array(lengths) + 1)  # the episode
        actions = rng.uniform(-1, 1, (total, action_size)).astype(np.float32)
        masks = (rng.random(total) > 0.2).astype(np.float32)
        return dict(
            observations=observations,
            actions=actions,
            rewards=rng.normal(size=total).astype(np.float32),
            masks=masks,
            episode_ends=ends,
        )

    return rows
