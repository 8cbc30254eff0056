"""Episodes to look at: every step rendered by MuJoCo where the machine can, else a sketch from above."""

import io
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.agents.base import EVALUATION, episode_seed
from qlac_lite.config import Config
from qlac_lite.config.tasks import LITE_WORLD, Task, get_task
from qlac_lite.envs.chunked import ChunkedEnv
from qlac_lite.envs.lite_world import GOAL
from qlac_lite.envs.make import make_env
from qlac_lite.envs.ogbench import task_goal
from qlac_lite.reports import plots


class Film(NamedTuple):
    """One episode of T steps."""

    pictures: list[
        np.ndarray | None
    ]  # T + 1 of (height, width, 3) uint8, None where not asked for; empty where nothing can be rendered
    effector: np.ndarray  # (T + 1, 3), metres
    cubes: np.ndarray  # (T + 1, C, 3), metres
    goals: np.ndarray  # (C, 3), metres
    looks: np.ndarray  # (D,) the steps at which the policy looked and decided
    success: bool


class _Recorder(gymnasium.Wrapper):
    """Keeps what is to be seen after every step."""

    def __init__(self, env: gymnasium.Env, places: Callable, pictures: bool | Collection[int]):
        super().__init__(env)
        self.rendered, self.wanted = bool(pictures), pictures
        self.places, self.pictures, self.effector, self.cubes = places, [], [], []

    def reset(self, **kwargs):
        result = self.env.reset(**kwargs)
        self._keep()
        return result

    def step(self, action):
        result = self.env.step(action)
        self._keep()
        return result

    def _keep(self) -> None:
        simulator = self.unwrapped
        try:
            if self.rendered:
                wanted = self.wanted is True or len(self.pictures) in self.wanted
                self.pictures.append(simulator.render() if wanted else None)
        except Exception:  # no renderer on this machine: MuJoCo raises whatever its GL library does
            self.rendered = False
        effector, cubes = self.places(simulator)
        self.effector.append(effector)
        self.cubes.append(cubes)


def _places(task: Task) -> tuple[Callable, np.ndarray]:
    """What tells where effector and cubes (the lite world's gripper and puck) of a simulator are,
    and where the cubes should be."""
    flat = lambda place: np.append(place, 0.0)
    if task.name == LITE_WORLD:
        return lambda simulator: (flat(simulator.state.gripper), [flat(simulator.state.puck)]), np.array(
            [flat(GOAL)]
        )
    if task.domain.suite == "robomimic":
        return lambda simulator: (simulator.effector(), [simulator.object_position()]), np.zeros((0, 3))
    cubes = lambda data: [data.joint(f"object_joint_{i}").qpos[:3].copy() for i in range(task.domain.cubes)]
    goals = np.array(task_goal(task)["cubes"]).reshape(-1, 3)
    return lambda simulator: (
        simulator.compute_ob_info()["proprio/effector_pos"],
        cubes(simulator.data),
    ), goals


def film_episode(
    actor: Callable,
    params: Any,
    config: Config,
    seed: int,
    episode: int,
    size: int = 320,
    pictures: bool | Collection[int] = True,
    env_args: dict | None = None,
) -> Film:
    """Plays evaluation episode number `episode` of a training seed:
    `actor` and `params` have a leading axis of one seed.

    `pictures`: the steps to render, or all, or none. `env_args`: Robomimic's, as the data's file has them.
    """
    task = get_task(config.task)
    places, goals = _places(task)
    recorder = _Recorder(make_env(task, size, env_args), places, pictures)
    env = ChunkedEnv(recorder, config.execution_length, config.discount)
    observation, _ = env.reset(seed=episode_seed(seed, EVALUATION, episode))
    looks, steps, done = [], 0, False
    while not done:
        inputs = (
            observation[None, None],
            np.uint32([seed]),
            EVALUATION,
            np.array([[episode]]),
            np.array([[len(looks)]]),
        )
        looks.append(steps)
        observation, _, terminated, truncated, info = env.step(np.asarray(actor(params, *inputs))[0, 0])
        steps += info["length"]
        done = terminated or truncated
    if getattr(env.unwrapped, "_renderer", None) is not None:
        env.unwrapped._renderer.close()
    pictures = recorder.pictures if len(recorder.pictures) == steps + 1 else []
    cubes = np.array(recorder.cubes).reshape(steps + 1, -1, 3)
    return Film(pictures, np.array(recorder.effector), cubes, goals, np.array(looks), bool(info["success"]))


def moments(film: Film, frames: int = 6) -> list[int]:
    """Some of the steps at which the policy looked, evenly spread, and the last one."""
    looks = [*film.looks.tolist(), len(film.effector) - 1]
    return [looks[i] for i in np.unique(np.linspace(0, len(looks) - 1, frames).round().astype(int))]


def strip(film: Film, title: str) -> Figure:
    """A filmstrip of its `moments`."""
    picked = moments(film)
    captions = [f"step {step}" for step in picked]
    if film.pictures:
        return plots.frames_in_a_row([film.pictures[step] for step in picked], captions, title)
    figure, panels = plots.new_figure(len(picked), width=1.9, height=2.2)
    for axes, step, caption in zip(panels, picked, captions, strict=True):
        plots.scene_from_above(axes, film.effector, film.cubes, film.goals, step)
        axes.set_title(caption, fontsize=9)
    figure.suptitle(title, fontsize=10)
    return figure


def gif(film: Film, size: int = 200, milliseconds: int = 80) -> bytes:
    """The film as an animated GIF; a white dot in the corner marks the steps at which the policy looked; they
    are held longer."""
    from PIL import Image, ImageDraw

    palette = Image.fromarray(np.concatenate(film.pictures[:: max(1, len(film.pictures) // 6)])).quantize(
        192
    )  # one for all
    frames = []
    for step, picture in enumerate(film.pictures):
        frame = Image.fromarray(picture).resize((size, size))
        if step in film.looks:
            ImageDraw.Draw(frame).ellipse((8, 8, 24, 24), fill="white")
        frames.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))
    file = io.BytesIO()
    held = {*film.looks, len(frames) - 1}  # longer, so that one can count them
    last = [4 * milliseconds if step in held else milliseconds for step in range(len(frames))]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=last, loop=0)
    return file.getvalue()
