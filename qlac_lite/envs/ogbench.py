"""OGBench's manipulation environments as this course uses them:
single tasks, reward r(s'), seeded to the byte.

Reward timing: OGBench 1.2.0 moved the environments' reward of a single task from r(s_{t+1}) to r(s_t). The
paper used the older one online, and so does the course (`success_timing='post'`). How offline data are
labelled: `qlac_lite.data.formats.ogbench`. An online episode ends at success. This module imports no JAX.
"""

import functools
from importlib import import_module

import gymnasium
import numpy as np

from qlac_lite.config.tasks import Domain, Task


@functools.cache
def _reproducible(env_class: str) -> type[gymnasium.Env]:
    """The OGBench class, with all of an episode decided by its reset seed.

    OGBench makes a new action space at each use, and takes two to five random actions from it at each reset;
    so its episodes differ in the last digits between two runs with one seed. Here the space is made once and
    seeded too.
    """
    module, name = env_class.split(":")

    class Reproducible(getattr(import_module(module), name)):
        @functools.cached_property
        def action_space(self):
            return gymnasium.spaces.Box(-1.0, 1.0, (5,), np.float32)

        def reset(self, options=None, *, seed=None, **kwargs):
            if seed is not None:
                self.action_space.seed(seed)
            return super().reset(options, seed=seed, **kwargs)

    return Reproducible


class SparseReward(gymnasium.RewardWrapper):
    """-1 until the task is solved and 0 then, in place of minus the number of wrong objects."""

    def reward(self, reward: float) -> float:
        return 0.0 if reward == 0 else -1.0


def make_ogbench_env(task: Task, size: int = 200) -> gymnasium.Env:
    """The environment of a single task: ends at success, truncates at the domain's limit, reward r(s_{t+1}).

    `size` is the width and height of a rendered frame in pixels.
    """
    env = _reproducible(task.domain.env_class)(
        env_type=task.domain.env_type,
        reward_task_id=task.number,
        success_timing="post",
        width=size,
        height=size,
        **({} if task.domain.name.startswith("puzzle") else dict(permute_blocks=False)),
    )
    env = gymnasium.wrappers.TimeLimit(env, task.domain.episode_limit)
    return SparseReward(env) if task.sparse else env


def make_play_env(domain: Domain, steps: int) -> gymnasium.Env:
    """The environment in which play data are collected:
    random scenes and goals, episodes of exactly `steps` steps."""
    env = _reproducible(domain.env_class)(
        env_type=domain.env_type, terminate_at_goal=False, mode="data_collection"
    )
    return gymnasium.wrappers.TimeLimit(env, steps)


def task_goal(task: Task) -> dict[str, np.ndarray]:
    """The goal of an OGBench task, from the package:
    cube positions (cubes, 3) in metres, button states, slide positions."""
    env = make_ogbench_env(task).unwrapped
    info = env.task_infos[task.number - 1]
    if task.domain.name.startswith("cube"):
        return dict(cubes=info["goal_xyzs"], buttons=(), slides=())
    if task.domain.name == "scene":
        goal = info["goal"]
        return dict(
            cubes=goal["block_xyzs"],
            buttons=goal["button_states"],
            slides=(goal["drawer_pos"], goal["window_pos"]),
        )
    return dict(cubes=(), buttons=info["goal_button_states"], slides=())
