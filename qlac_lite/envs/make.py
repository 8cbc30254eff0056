"""The environment of any task, alone and many side by side. This module imports no JAX."""

import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

import gymnasium

from qlac_lite.config.tasks import LITE_WORLD, Task, get_task
from qlac_lite.envs.chunked import ChunkedEnv

DISABLED = gymnasium.vector.AutoresetMode.DISABLED


def make_env(task: Task, size: int = 200, env_args: dict[str, Any] | None = None) -> gymnasium.Env:
    """The environment of a single task: ends at success, truncates at the domain's limit, reward r(s_{t+1}).

    Args:
        size: width and height of a rendered frame in pixels.
        env_args: Robomimic only: the `env_args` of the data's file; by default those of robosuite 1.5.
    """
    if task.domain.suite == "robomimic":
        from qlac_lite.envs import robomimic

        return robomimic.RobomimicEnv(
            env_args or robomimic.env_args(task.domain.env_class), task.domain.episode_limit, size=size
        )
    if task.name == LITE_WORLD:
        from qlac_lite.envs.lite_world import LiteWorldEnv

        return LiteWorldEnv(render_mode="rgb_array")
    from qlac_lite.envs.ogbench import make_ogbench_env

    return make_ogbench_env(task, size)


def _make_chunked(task: str, horizon: int, discount: float, env_args: dict[str, Any] | None) -> ChunkedEnv:
    return ChunkedEnv(make_env(get_task(task), env_args=env_args), horizon, discount)


def make_vector_env(
    task: str, count: int, horizon: int, discount: float, env_args: dict[str, Any] | None = None
) -> gymnasium.vector.VectorEnv:
    """`count` chunked environments of a task: each in its own process, or, in the lite world,
    all in this one.

    They do not reset themselves: `reset(seed=[...], options={"reset_mask": mask})` starts new episodes where
    wanted, so that every episode has its own seed whatever the number of processes.
    """
    make = [functools.partial(_make_chunked, task, horizon, discount, env_args)] * count
    return (
        _InProcess(make, autoreset_mode=DISABLED)
        if task == LITE_WORLD
        else parallel(make, get_task(task).domain.suite)
    )


class _InProcess(gymnasium.vector.SyncVectorEnv):
    """One after the other, with the two halves of a step that environments in processes have."""

    def step(self, actions):
        self._autoreset_envs[:] = False  # one whose episode has ended may rest until all have
        return super().step(actions)

    def step_async(self, actions):
        self._next = actions

    def step_wait(self):
        return self.step(self._next)


LOADED = {  # in the server from which the processes of simulators are forked
    "ogbench": ["qlac_lite.envs.ogbench", "ogbench.manipspace.envs.cube_env"],
    "robomimic": ["qlac_lite.envs.robomimic", "qlac_lite.envs.panda"],
}


def parallel(
    env_fns: list[Callable[[], gymnasium.Env]], suite: str = "ogbench"
) -> gymnasium.vector.AsyncVectorEnv:
    """Environments in processes forked from a clean server that has the simulator loaded (never from a JAX
    process)."""
    multiprocessing.set_forkserver_preload(LOADED[suite])
    return gymnasium.vector.AsyncVectorEnv(
        env_fns, context="forkserver", shared_memory=True, autoreset_mode=DISABLED
    )
