"""The environment of any task, alone and many side by side.

A suite is a module with these names:

    make_env(task, size, env_args)   as below
    places(simulator, task)          where effector (3,) and objects (C, 3) are, metres
    goals(task)                      where the objects should be, (C, 3) metres, or (0, 3)
    show(simulator, *state)          puts it into a state of a data file
    PRELOADED                        modules of a simulator process; none: all run in this process
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from qlac_lite.config.tasks import Domain, Task
from qlac_lite.envs.chunked import ChunkedEnv, WaitingEnv
from qlac_lite.utils.processes import forkserver, starting_processes

SUITES = {
    "ogbench": "qlac_lite.envs.ogbench",
    "robomimic": "qlac_lite.envs.robomimic",
    "lite-world": "qlac_lite.envs.lite_world",
}


def suite_of(domain: Domain) -> ModuleType:
    """The module of the domain's suite."""
    return import_module(SUITES[domain.suite])


def make_env(task: Task, size: int = 200, env_args: dict | None = None) -> gymnasium.Env:
    """The environment of a task: ends at success, truncates at the domain's limit, reward r(s_{t+1}).

    `size`: width and height of a rendered frame in pixels. `env_args`: Robomimic's, as the data's file has
    them, or by default those of robosuite 1.5.
    """
    return suite_of(task.domain).make_env(task, size, env_args)


def make_vector_env(
    task: Task, count: int, horizon: int, discount: float, env_args: dict | None = None
) -> VectorEnv:
    """`count` environments of a task, in processes of their own unless the suite's run in this one.

    An action is {"chunk": (count, H, A), "run": (count,)}, see `WaitingEnv`. New episodes begin by
    `reset(seed=[...], options={"reset_mask": mask})` alone.
    """
    make = [lambda: WaitingEnv(ChunkedEnv(make_env(task, env_args=env_args), horizon, discount))] * count
    preloaded = suite_of(task.domain).PRELOADED
    return parallel(make, preloaded) if preloaded else _InProcess(make, autoreset_mode=AutoresetMode.DISABLED)


def parallel(env_fns: list[Callable[[], gymnasium.Env]], preloaded: list[str]) -> AsyncVectorEnv:
    """Environments in processes of their own, which begin with these modules."""
    with starting_processes(), forkserver(preloaded):
        return AsyncVectorEnv(env_fns, context="forkserver", autoreset_mode=AutoresetMode.DISABLED)


class _InProcess(SyncVectorEnv):
    """With the two halves of a step that environments in processes have."""

    def step(self, actions):
        self._autoreset_envs[:] = False  # one whose episode has ended may wait until all have
        return super().step(actions)

    def step_async(self, actions):
        self._next = actions

    def step_wait(self):
        return self.step(self._next)
