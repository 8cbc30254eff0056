"""Episodes to look at: every step rendered by MuJoCo where the machine can, else a sketch from above."""

import io
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.agents.base import EVALUATION, episode_seed
from qlac_lite.config import Config, get_task
from qlac_lite.envs.chunked import ChunkedEnv
from qlac_lite.envs.make import make_env, suite_of
from qlac_lite.reports import plots


class Film(NamedTuple):
    """One episode of T steps."""

    # T + 1 of (height, width, 3) uint8, None where not asked for; empty where nothing can be rendered
    pictures: list[np.ndarray | None]
    effector: np.ndarray  # (T + 1, 3), metres
    cubes: np.ndarray  # (T + 1, C, 3), metres
    goals: np.ndarray  # (C, 3), metres
    looks: np.ndarray  # (D,) the steps at which the policy looked and decided
    success: bool


class _Recorder(gymnasium.Wrapper):
    """Keeps after every step the picture, if `wanted`, and the places of effector and cubes."""

    def __init__(self, env: gymnasium.Env, look: Callable, wanted: bool | Collection[int]):
        super().__init__(env)
        self.look, self.wanted = look, wanted
        self.pictures, self.places = [], []

    def reset(self, **kwargs):
        result = self.env.reset(**kwargs)
        self._keep()
        return result

    def step(self, action):
        result = self.env.step(action)
        self._keep()
        return result

    def _keep(self) -> None:
        try:
            if self.wanted:
                now = self.wanted is True or len(self.pictures) in self.wanted
                self.pictures.append(self.unwrapped.render() if now else None)
        except Exception:  # no renderer on this machine: MuJoCo raises whatever its GL library does
            self.wanted = False
        self.places.append(self.look(self.unwrapped))


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
    """Plays an evaluation episode of a training seed.

    Args:
        params: with a leading axis of one seed.
        size: width and height of the pictures, in pixels.
        pictures: the steps to render, or all, or none.
        env_args: Robomimic's, as the data's file has them.
    """
    task = get_task(config.task)
    suite = suite_of(task.domain)
    recorder = _Recorder(make_env(task, size, env_args), lambda env: suite.places(env, task), pictures)
    env = ChunkedEnv(recorder, config.execution_length, config.discount)
    observation, _ = env.reset(seed=episode_seed(seed, EVALUATION, episode))
    looks, steps, done = [], 0, False
    while not done:
        at = np.array([[episode]]), np.array([[len(looks)]])
        chunks = np.asarray(actor(params, observation[None, None], np.uint32([seed]), EVALUATION, *at))
        looks.append(steps)
        observation, _, terminated, truncated, info = env.step(chunks[0, 0])
        steps += info["length"]
        done = terminated or truncated
    if renderer := getattr(env.unwrapped, "_renderer", None):
        renderer.close()
    pictures = recorder.pictures if len(recorder.pictures) == steps + 1 else []
    effector, cubes = map(np.array, zip(*recorder.places, strict=True))
    rest = suite.goals(task), np.array(looks), bool(info["success"])
    return Film(pictures, effector, cubes.reshape(steps + 1, -1, 3), *rest)


def moments(film: Film) -> list[int]:
    """Six of the steps at which the policy looked, or all, evenly spread up to the last step."""
    looks = [*film.looks.tolist(), len(film.effector) - 1]
    return [looks[i] for i in np.unique(np.linspace(0, len(looks) - 1, 6).round().astype(int))]


def strip(film: Film, title: str) -> Figure:
    """A filmstrip of its `moments`."""
    steps = moments(film)
    captions = [f"step {step}" for step in steps]
    if film.pictures:
        return plots.frames_in_a_row([film.pictures[step] for step in steps], captions, title)
    figure, panels = plots.new_figure(len(steps), width=1.9, height=2.2)
    for axes, step, caption in zip(panels, steps, captions, strict=True):
        plots.scene_from_above(axes, film.effector, film.cubes, film.goals, step)
        axes.set_title(caption, fontsize=9)
    figure.suptitle(title, fontsize=10)
    return figure


def gif(film: Film, size: int = 200) -> bytes:
    """An animated GIF. Steps at which the policy looked have a white dot; they and the last stay longer."""
    from PIL import Image, ImageDraw

    some = film.pictures[:: max(1, len(film.pictures) // 6)]
    palette = Image.fromarray(np.concatenate(some)).quantize(192)  # one for all
    frames = []
    for step, picture in enumerate(film.pictures):
        frame = Image.fromarray(picture).resize((size, size))
        if step in film.looks:
            ImageDraw.Draw(frame).ellipse((8, 8, 24, 24), fill="white")
        frames.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))
    held = {*film.looks, len(frames) - 1}
    milliseconds = [320 if step in held else 80 for step in range(len(frames))]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return file.getvalue()
