"""Every task of the course and what the paper sets for it, in one table.

Source: Q-chunking, arXiv 2507.07969, table of tasks and appendix C (alpha, N, episode limits, data), and the OGBench
package for sizes. cube-single is not in the paper: it is the course's small task, with OGBench's own episode limit and
the alpha that FQL (arXiv 2502.02538) uses there.
"""

import dataclasses
import re

from qlac_lite.errors import QlacError, unknown

LITE_WORLD = "lite-world"  # the course's own planar world (envs/lite.py), simulated inside the compiled program


@dataclasses.dataclass(frozen=True)
class Domain:
    """One OGBench manipulation environment with its five single tasks."""

    name: str
    env_class: str  # module:class in the ogbench package
    env_type: str
    observation_size: int  # S
    objects: int  # things that can be right or wrong: cubes, buttons, drawer, window
    episode_limit: int  # environment steps of a task episode
    cubes: int
    buttons: int
    stacking: tuple[float, float]  # range of the per-episode probability to stack, in play data
    episodes: int  # training episodes of the play dataset; a tenth as many for validation
    alpha: dict[str, float]  # distillation weight by backup: one-step (FQL), n-step (FQL-n), chunk (QC-FQL)
    candidates: int  # N of QC; BFN and BFN-n use 4
    sparse_in_paper: bool = False

    action_size = 5  # A, the same in all of them: x, y, z, yaw, gripper

    @property
    def dataset(self) -> str:
        return f"{self.name}-play-v0"

    @property
    def qpos_size(self) -> int:
        """MuJoCo positions: 6 arm joints, 8 gripper joints, 7 a cube, 1 a button, drawer and window in scene."""
        return 14 + 7 * self.cubes + self.buttons + (2 if self.name == "scene" else 0)


def _alpha(one_step: float, n_step: float, chunk: float) -> dict[str, float]:
    return {"one-step": one_step, "n-step": n_step, "chunk": chunk}


_CUBE, _SCENE, _PUZZLE = (f"ogbench.manipspace.envs.{name}" for name in ("cube_env:CubeEnv", "scene_env:SceneEnv", "puzzle_env:PuzzleEnv"))  # fmt: skip
_300 = _alpha(300, 100, 300)
DOMAINS = {
    domain.name: domain
    for domain in (
        #      name              class   type         S  objects limit cubes buttons stacking   episodes alpha             N
        Domain("cube-single",    _CUBE,  "single",    28, 1,  200, 1, 0, (0.0, 0.0),   1000, _alpha(300, 300, 300), 32),
        Domain("cube-double",    _CUBE,  "double",    37, 2,  500, 2, 0, (0.0, 0.25),  1000, _300,                  32),
        Domain("cube-triple",    _CUBE,  "triple",    46, 3, 1000, 3, 0, (0.05, 0.35), 3000, _alpha(300, 100, 100), 32),
        Domain("cube-quadruple", _CUBE,  "quadruple", 55, 4, 1000, 4, 0, (0.1, 0.5),   5000, _alpha(300, 100, 100), 32),
        Domain("scene",          _SCENE, "scene",     40, 5,  750, 1, 2, (0.5, 0.5),   1000, _300,                  32, True),
        Domain("puzzle-3x3",     _PUZZLE, "3x3",      55, 9,  500, 0, 9, (0.5, 0.5),   1000, _alpha(100, 100, 300), 64, True),
    )
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Task:
    """A single task: a domain, one of its five goals, and the kind of reward."""

    name: str
    domain: Domain
    number: int  # 1 to 5
    sparse: bool  # reward -1 until all objects are right, then 0; else minus the number of wrong objects

    @property
    def reward_min(self) -> float:
        """Smallest reward of one step; the largest is 0."""
        return -1.0 if self.sparse else -float(self.domain.objects)


def task_names() -> list[str]:
    """All task names: five a domain, and the sparse variants of scene and puzzle."""
    kinds = [(d, sparse) for d in DOMAINS.values() for sparse in ("", "-sparse") if not sparse or d.sparse_in_paper]
    return [f"{d.name}-play{sparse}-singletask-task{i}-v0" for d, sparse in kinds for i in range(1, 6)]


def get_task(name: str) -> Task:
    """The task of that name, such as cube-single-play-singletask-task1-v0.

    Raises:
        QlacError: no such task; the near ones are listed.
    """
    if name not in task_names():
        raise unknown("task", name, task_names(), "qlac tasks")
    domain, sparse, number = re.fullmatch(r"(.+)-play(-sparse)?-singletask-task(\d)-v0", name).groups()
    return Task(name, DOMAINS[domain], int(number), bool(sparse))


def get_domain(dataset: str) -> Domain:
    """The domain of a dataset name such as cube-single-play-v0; a task name gives the domain of its data.

    Raises:
        QlacError: no such dataset.
    """
    names = {domain.dataset: domain for domain in DOMAINS.values()}
    if dataset in names:
        return names[dataset]
    try:
        return get_task(dataset).domain
    except QlacError:
        raise unknown("dataset", dataset, names, "qlac tasks") from None
