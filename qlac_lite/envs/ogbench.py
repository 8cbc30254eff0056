"""OGBench's manipulation environments: single tasks, reward r(s'), seeded to the byte.

OGBench 1.2.0 moved a single task's reward from r(s_{t+1}) to r(s_t). Online the course has the older one, as
the paper (`success_timing='post'`); for offline data see `data.suites.npz`.
"""

import functools
from importlib import import_module

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit, TransformReward

from qlac_lite.config.tasks import Domain, Task
from qlac_lite.envs import rendering  # noqa: F401  before the package, which would load a renderer

PRELOADED = [__name__, "ogbench.manipspace.envs.cube_env"]


@functools.cache
def _reproducible(env_class: str) -> type[gymnasium.Env]:
    """The class, with all of an episode decided by its reset seed.

    OGBench draws actions at each reset, from a space made anew at each use; here it is made once and seeded.
    """
    module = import_module(f"ogbench.manipspace.envs.{env_class.lower()}_env")

    class Reproducible(getattr(module, f"{env_class}Env")):
        @functools.cached_property
        def action_space(self):
            return gymnasium.spaces.Box(-1.0, 1.0, (5,), np.float32)

        def compile_model_and_data(self):
            super().compile_model_and_data()
            # The package's 4096 take twice as long without a GPU, and look the same at the sizes drawn here.
            self._model.vis.quality.shadowsize = 1024

        def reset(self, *, seed=None, **kwargs):
            if seed is not None:
                self.action_space.seed(seed)
            return super().reset(seed=seed, **kwargs)

    return Reproducible


def make_env(task: Task, size: int = 200, env_args: dict | None = None) -> gymnasium.Env:
    """See `envs.make`, as for `places` and `goals`."""
    domain = task.domain
    options = dict(env_type=domain.env_type, reward_task_id=task.number, success_timing="post")
    if domain.cubes:
        options["permute_blocks"] = False
    env = _reproducible(domain.env_class)(**options, width=size, height=size)
    env = TimeLimit(env, domain.episode_limit)
    if task.sparse:  # in place of minus the number of wrong objects
        env = TransformReward(env, lambda reward: 0.0 if reward == 0 else -1.0)
    return env


def make_play_env(domain: Domain, steps: int) -> gymnasium.Env:
    """For play data: random scenes and goals, episodes of `steps` steps."""
    options = dict(env_type=domain.env_type, terminate_at_goal=False, mode="data_collection")
    return TimeLimit(_reproducible(domain.env_class)(**options), steps)


def task_goal(task: Task) -> dict:
    """A task's goal in the package: cubes (C, 3) in metres, button states, places of the slides."""
    env = make_env(task)
    info = env.unwrapped.task_infos[task.number - 1]
    env.close()
    if goal := info.get("goal"):  # scene's
        slides = (goal["drawer_pos"], goal["window_pos"])
        return dict(cubes=goal["block_xyzs"], buttons=goal["button_states"], slides=slides)
    return dict(cubes=info.get("goal_xyzs", ()), buttons=info.get("goal_button_states", ()), slides=())


def goals(task: Task) -> np.ndarray:
    return np.array(task_goal(task)["cubes"]).reshape(-1, 3)


def show(simulator: gymnasium.Env, *state: np.ndarray) -> None:
    simulator.set_state(*state)


def places(simulator: gymnasium.Env, task: Task):
    joints = [simulator.data.joint(f"object_joint_{i}") for i in range(task.domain.cubes)]
    return simulator.compute_ob_info()["proprio/effector_pos"], [joint.qpos[:3].copy() for joint in joints]
