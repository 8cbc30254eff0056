"""Every task of the course with what the paper sets for it, and the course's own small world.

Sources: Q-chunking, arXiv 2507.07969, table of tasks and appendix C (alpha, N, episode limits, data); the
OGBench package (sizes, and cube-single's limit); FQL, arXiv 2502.02538 (cube-single's alpha: it is not in the
Q-chunking paper); robomimic, arXiv 2108.03298, and its documentation.
"""

import dataclasses
import re

from qlac_lite.utils.errors import QlacError, unknown

LITE_WORLD = "lite-world"  # the course's own planar world, envs/lite_world.py
# OGBench's that the course leaves out.
ELSEWHERE = ("pointmaze", "antmaze", "humanoidmaze", "antsoccer", "powderworld", "cube-octuple", "puzzle-4x")


@dataclasses.dataclass(frozen=True)
class Domain:
    """An environment and its tasks: five in OGBench's, else one."""

    name: str
    env_class: str  # OGBench's: Cube, Scene or Puzzle; in Robomimic the task: lift, can or square
    env_type: str  # in Robomimic who demonstrated: mh (several people) or ph (one, proficient)
    observation_size: int  # S
    objects: int  # that can be right or wrong: cubes, buttons, drawer, window
    episode_limit: int  # environment steps
    cubes: int
    buttons: int
    stacking: tuple[float, float]  # range of an episode's probability to stack, in play data
    episodes: int  # of training: of play, with a tenth as many for validation, or demonstrations
    alpha: dict[str, float]  # distillation weight by backup
    candidates: int  # N of QC; BFN and BFN-n use 4
    sparse_in_paper: bool = False
    paper_data: tuple[int, int] = 0, 1  # transitions (0: those of `dataset`) and files that the paper took
    action_size: int = 5  # A: x, y, z, yaw, gripper
    # The effector's place in observations (from, to, units per metre), and its box (corners, metres).
    effector: tuple[int, int, float] = 12, 15, 10.0
    workspace: tuple = (-0.275, -0.45, -0.05), (0.275, 0.45, 0.45)
    presets: dict[str, dict] = dataclasses.field(default_factory=dict)  # a preset's fields of Config
    suite: str = "ogbench"  # or robomimic, lite-world: its modules in envs/ and data/suites/
    states: bool = True  # whether its play data hold the simulator's states

    @property
    def dataset(self) -> str:
        return self.name if self.suite == "robomimic" else f"{self.name}-play-v0"

    @property
    def paper_transitions(self) -> int:
        return self.paper_data[0] or 1000 * self.episodes  # an episode of play has 1,000

    @property
    def qpos_size(self) -> int:
        """MuJoCo positions: 6 of the arm, 8 of the gripper, 7 a cube, 1 a button, drawer and window."""
        return 14 + 7 * self.cubes + self.buttons + 2 * (self.name == "scene")


def _alpha(one_step: float, n_step: float, chunk: float) -> dict[str, float]:
    return {"one-step": one_step, "n-step": n_step, "chunk": chunk}


_300, _100 = _alpha(300, 100, 300), _alpha(300, 100, 100)
_ALL_300, _MIXED = _alpha(300, 300, 300), _alpha(100, 100, 300)
DOMAINS = {
    domain.name: domain
    for domain in (
        # name, class, type, S, objects, limit, cubes, buttons, stacking, episodes, alpha, N
        Domain("cube-single", "Cube", "single", 28, 1, 200, 1, 0, (0.0, 0.0), 1000, _ALL_300, 32),
        Domain("cube-double", "Cube", "double", 37, 2, 500, 2, 0, (0.0, 0.25), 1000, _300, 32),
        Domain("cube-triple", "Cube", "triple", 46, 3, 1000, 3, 0, (0.05, 0.35), 3000, _100, 32),
        Domain(
            name="cube-quadruple",
            env_class="Cube",
            env_type="quadruple",
            observation_size=55,
            objects=4,
            episode_limit=1000,
            cubes=4,
            buttons=0,
            stacking=(0.1, 0.5),
            episodes=5000,
            alpha=_100,
            candidates=32,
            paper_data=(100_000_000, 100),
        ),
        Domain("scene", "Scene", "scene", 40, 5, 750, 1, 2, (0.5, 0.5), 1000, _300, 32, True),
        Domain("puzzle-3x3", "Puzzle", "3x3", 55, 9, 500, 0, 9, (0.5, 0.5), 1000, _MIXED, 64, True),
    )
}


LITE_DOMAIN = Domain(
    name=LITE_WORLD,
    env_class="",
    env_type="",
    observation_size=8,
    objects=1,
    episode_limit=200,
    cubes=1,
    buttons=0,
    stacking=(0.0, 0.0),
    episodes=400,
    alpha=_alpha(10, 10, 10),
    candidates=8,
    action_size=3,
    effector=(0, 2, 1.0),
    workspace=((-1, -1), (1, 1)),
    suite="lite-world",
    states=False,
    presets=dict(
        lite=dict(
            seeds=4,
            offline_steps=16_000,
            online_steps=8_000,
            batch_size=64,
            hidden=(64, 64),
            learning_rate=1e-3,
            target_rate=0.05,
            flow_steps=4,
            candidates=8,
            alpha=10.0,
            online_start=0,
            evaluate_every=2_000,
            evaluation_episodes=20,
        )
    ),
)


def _robomimic(task: str, people: str, size: int, limit: int, episodes: int, transitions: int) -> Domain:
    return Domain(
        name=f"{task}-{people}-low_dim",
        env_class=task,
        env_type=people,
        observation_size=size,
        objects=1,
        episode_limit=limit,
        cubes=0,
        buttons=0,
        stacking=(0.0, 0.0),
        episodes=episodes,
        alpha=_alpha(10_000, 10_000, 10_000),
        candidates=16,
        sparse_in_paper=True,
        paper_data=(transitions, 1),
        action_size=7,
        effector=(0, 3, 1.0),
        workspace=((-0.4, -0.6, 0.8), (0.4, 0.6, 1.3)),
        suite="robomimic",
        presets=dict(
            lite=dict(evaluation_episodes=10, evaluate_every=4_000, online_steps=4_000, alpha=1_000.0),
            desk=dict(seeds=5, alpha=1_000.0),
            full=dict(seeds=5),
        ),
    )


ROBOMIMIC = {
    domain.name: domain
    for domain in (
        #          task      people   S limit demonstrations transitions
        _robomimic("lift", "mh", 19, 300, 300, 31_127),
        _robomimic("can", "mh", 23, 300, 300, 62_756),
        _robomimic("square", "mh", 23, 400, 300, 80_731),
        _robomimic("lift", "ph", 19, 300, 200, 9_666),
        _robomimic("can", "ph", 23, 300, 200, 23_207),
        _robomimic("square", "ph", 23, 400, 200, 30_154),
    )
}


@dataclasses.dataclass(frozen=True)
class Task:
    name: str
    domain: Domain
    number: int  # of the domain's goals: 1 to 5
    sparse: bool  # reward -1 until all objects are right; else minus the number of wrong ones

    @property
    def papers_task(self) -> str:
        """The task that the paper's figures are for: of scene and puzzle-3x3 the one with sparse rewards."""
        dense = self.domain.sparse_in_paper and not self.sparse
        return self.name.replace("-play-", "-play-sparse-") if dense else self.name

    @property
    def title(self) -> str:
        """For a figure or a table: scene (sparse) task 1, lift-mh."""
        if self.domain.suite != "ogbench":
            return self.name.removesuffix("-low_dim")
        return f"{self.domain.name}{' (sparse)' * self.sparse} task {self.number}"

    @property
    def reward_min(self) -> float:
        """Smallest reward of one step; the largest is 0."""
        return -1.0 if self.sparse else -float(self.domain.objects)


def task_names() -> list[str]:
    names = [
        f"{d.name}-play{sparse}-singletask-task{i}-v0"
        for d in DOMAINS.values()
        for sparse in ("", "-sparse")[: 1 + d.sparse_in_paper]
        for i in range(1, 6)
    ]
    return [*names, *ROBOMIMIC, LITE_WORLD]


def get_task(name: str) -> Task:
    """The task of that name, such as cube-single-play-singletask-task1-v0; QlacError if it is none.

    OGBench's names without a number, such as scene-play-singletask-v0, mean its default task.
    """
    if domain := (ROBOMIMIC | {LITE_WORLD: LITE_DOMAIN}).get(name):
        return Task(name, domain, 1, sparse=True)
    found = re.fullmatch(r"(.+)-play(-sparse)?-singletask(?:-task([1-5]))?-v0", name)
    domain = DOMAINS.get(found[1]) if found else None
    if domain and (domain.sparse_in_paper or not found[2]):
        number = int(found[3] or (4 if "puzzle" in name else 2))  # OGBench's defaults
        full_name = f"{domain.name}-play{found[2] or ''}-singletask-task{number}-v0"
        return Task(full_name, domain, number, bool(found[2]))
    if name.startswith(ELSEWHERE):
        raise QlacError(f"{name} is OGBench's, but not in the course. `qlac tasks` lists those that are.")
    raise unknown("task", name, task_names(), "qlac tasks")


def get_domain(dataset: str) -> Domain:
    """The domain of a dataset, such as cube-single-play-v0, or of a task; QlacError if unknown."""
    names = {domain.dataset: domain for domain in (*DOMAINS.values(), *ROBOMIMIC.values(), LITE_DOMAIN)}
    if dataset in names:
        return names[dataset]
    try:
        return get_task(dataset).domain
    except QlacError:
        raise unknown("dataset", dataset, names, "qlac tasks") from None
