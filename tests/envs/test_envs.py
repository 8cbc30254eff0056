"""The chunked MDP as a wrapper, alone and in vector environments; OGBench's episodes, seeded to the byte."""

import functools
import inspect

import gymnasium
import numpy as np
import pytest

from qlac_lite.config import get_task
from qlac_lite.config.tasks import DOMAINS, LITE_DOMAIN, ROBOMIMIC
from qlac_lite.data import suites
from qlac_lite.envs import make
from qlac_lite.envs.chunked import ChunkedEnv, WaitingEnv
from qlac_lite.envs.make import make_env, make_vector_env, parallel
from qlac_lite.utils.errors import QlacError

pytestmark = pytest.mark.processes
TASK = get_task("cube-single-play-singletask-task1-v0")


class Walk(gymnasium.Env):
    """Position on a line; reward is minus the distance to 3; ends there; action (1,) moves."""

    observation_space = gymnasium.spaces.Box(-10, 10, (1,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = 0.0
        return np.array([self.x]), {}

    def step(self, action):
        self.x += float(action[0])
        return np.array([self.x]), -abs(3 - self.x), self.x >= 3, False, {"success": self.x >= 3}


def chunked_walk(limit=100):
    return ChunkedEnv(gymnasium.wrappers.TimeLimit(Walk(), limit), 4, 0.5)


def waiting_walk():
    return WaitingEnv(chunked_walk())


def test_a_chunk_runs_open_loop_and_its_reward_is_the_discounted_sum():
    env = chunked_walk()
    env.reset()
    observation, reward, terminated, truncated, info = env.step(np.full((4, 1), 0.5))
    assert observation == 2.0 and not terminated and not truncated
    assert reward == pytest.approx(-2.5 - 0.5 * 2.0 - 0.25 * 1.5 - 0.125 * 1.0)
    np.testing.assert_allclose(info["observations"][:, 0], [0, 0.5, 1, 1.5, 2])
    assert info["length"] == 4 and not info["success"]


def test_a_chunk_stops_where_the_episode_ends():
    env = chunked_walk()
    env.reset()
    env.step(np.full((4, 1), 0.5))
    _, reward, terminated, _, info = env.step(np.full((4, 1), 5.0))  # clipped to 1
    assert terminated and info["length"] == 1 and info["success"] and reward == 0.0
    assert info["actions"][0] == 1.0 and info["observations"].shape == (5, 1)
    env = chunked_walk(limit=6)
    env.reset()
    env.step(np.zeros((4, 1)))
    _, _, terminated, truncated, info = env.step(np.zeros((4, 1)))
    assert truncated and not terminated and info["length"] == 2


def test_wrong_chunks_are_refused():
    env = chunked_walk()
    env.reset()
    with pytest.raises(ValueError, match=r"\(4, 1\)"):
        env.step(np.zeros(4))
    for chunk in ([[0], [np.nan], [0], [0]], [[np.inf]] * 4, [[np.nan]] * 4):
        with pytest.raises(QlacError, match="the policy has diverged.*learning_rate"):
            env.step(np.array(chunk))


def test_an_environment_that_waits_executes_nothing_and_goes_on_afterwards():
    env = WaitingEnv(chunked_walk())
    env.reset()
    env.step({"chunk": np.full((4, 1), 0.25), "run": 1})
    observation, reward, terminated, truncated, info = env.step({"chunk": np.full((4, 1), np.nan), "run": 0})
    assert (observation, reward, terminated, truncated, info["length"]) == (1.0, 0.0, False, False, 0)
    assert info["observations"][0] == 1.0 and not info["success"] and not info["rewards"].any()
    assert env.step({"chunk": np.full((4, 1), 0.25), "run": 1})[0] == 2.0
    with pytest.raises(QlacError, match="diverged"):
        env.step({"chunk": np.full((4, 1), np.nan), "run": 1})


def test_one_chunk_is_one_message_in_a_vector_environment():
    environments = parallel([functools.partial(waiting_walk)] * 3, ["gymnasium"])
    try:
        environments.reset(seed=[0, 1, 2])
        speed = np.array([0.25, 0.5, 1.0]).reshape(3, 1, 1)
        chunks = np.broadcast_to(speed, (3, 4, 1)).astype(np.float32)
        observation, _, terminated, _, info = environments.step({"chunk": chunks, "run": np.ones(3, int)})
        np.testing.assert_allclose(observation[:, 0], [1, 2, 3])
        np.testing.assert_array_equal(terminated, [False, False, True])
        np.testing.assert_array_equal(info["length"], [4, 4, 3])
        observation, _ = environments.reset(seed=[None, None, 5], options={"reset_mask": terminated})
        np.testing.assert_allclose(observation[:, 0], [1, 2, 0])
        observation, *_, info = environments.step({"chunk": chunks, "run": np.array([1, 0, 0])})
        np.testing.assert_allclose(observation[:, 0], [2, 2, 0])
        np.testing.assert_array_equal(info["length"], [4, 0, 0])
        with pytest.raises(QlacError, match="the policy has diverged"):
            environments.step({"chunk": chunks * np.nan, "run": np.array([0, 1, 0])})
    finally:
        environments.close()


def episode(env, seed, steps=20):
    observation, _ = env.reset(seed=seed)
    rng = np.random.default_rng(7)
    return np.stack([observation, *(env.step(rng.uniform(-1, 1, 5))[0] for _ in range(steps))])


@pytest.mark.parametrize(
    "name", [TASK.name, "scene-play-sparse-singletask-task2-v0", "puzzle-3x3-play-singletask-task4-v0"]
)
def test_an_episode_is_decided_by_its_seed(name):
    env = make_env(get_task(name))
    first = episode(env, 3)
    episode(env, 4)
    np.testing.assert_array_equal(episode(env, 3), first)
    np.testing.assert_array_equal(episode(make_env(get_task(name)), 3), first)


def test_parallel_environments_give_the_same_episode_as_one():
    environments = make_vector_env(TASK, 2, 5, 0.99)
    try:
        chunks = np.random.default_rng(0).uniform(-1, 1, (2, 5, 5)).astype(np.float32)
        environments.reset(seed=[11, 12])
        together = environments.step({"chunk": chunks, "run": np.ones(2, int)})[4]["observations"]
    finally:
        environments.close()
    for i, seed in enumerate((11, 12)):
        env = ChunkedEnv(make_env(TASK), 5, 0.99)
        env.reset(seed=seed)
        np.testing.assert_array_equal(env.step(chunks[i])[4]["observations"], together[i])


def test_an_episode_is_truncated_at_the_domain_limit():
    env = make_env(TASK)
    env.reset(seed=0)
    for step in range(1, 201):
        _, reward, terminated, truncated, _ = env.step(np.zeros(5))
        assert reward == -1.0 and not terminated and truncated == (step == 200)


def test_each_suite_is_a_module_of_its_own_in_both_layers():
    """And every domain names one; those of a layer have the same names and parameters."""
    domains = [*DOMAINS.values(), *ROBOMIMIC.values(), LITE_DOMAIN]
    assert {domain.suite for domain in domains} == set(make.SUITES) == set(suites.SUITES)
    assert make.suite_of(LITE_DOMAIN).__name__.endswith("envs.lite_world")
    for layer, functions in ((make, ("make_env", "places", "goals")), (suites, ("label", "generate"))):
        modules = [
            layer.suite_of(domain) for domain in (DOMAINS["scene"], LITE_DOMAIN, ROBOMIMIC["can-mh-low_dim"])
        ]
        for name in functions:
            found = {len(inspect.signature(getattr(module, name)).parameters) for module in modules}
            assert len(found) == 1, name


@pytest.mark.parametrize("name", ["lite-world", "scene-play-singletask-task2-v0"])
def test_a_suite_tells_where_things_are_and_should_be(name):
    task = get_task(name)
    suite, env = make.suite_of(task.domain), make_env(task)
    env.reset(seed=0)
    effector, objects = suite.places(env.unwrapped, task)
    assert np.shape(effector) == (3,) and np.shape(objects) == suite.goals(task).shape == (1, 3)
