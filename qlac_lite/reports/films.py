"""Episodes to look at: every step rendered by MuJoCo where the machine can, else a sketch from above."""

import functools
import io
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.agents.base import EVALUATION, episode_seed
from qlac_lite.config import Config, get_task
from qlac_lite.config.tasks import get_domain, task_names
from qlac_lite.data.load import read
from qlac_lite.data.suites import suite_of as data_suite_of
from qlac_lite.envs.chunked import ChunkedEnv
from qlac_lite.envs.make import make_env, suite_of
from qlac_lite.reports import plots
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic


class Film(NamedTuple):
    """One episode of T steps."""

    # T + 1 of (height, width, 3) uint8, None where not asked for; empty where nothing can be rendered
    pictures: list[np.ndarray | None]
    effector: np.ndarray  # (T + 1, 3), metres
    cubes: np.ndarray  # (T + 1, C, 3), metres
    goals: np.ndarray  # (C, 3), metres
    looks: np.ndarray  # (D,) the steps at which the policy looked and decided
    success: bool


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


class _Recorder(gymnasium.Wrapper):
    """Keeps after every step the picture, if `wanted`, and the places of effector and cubes."""

    def __init__(self, env: gymnasium.Env, look: Callable, wanted: bool | Collection[int]):
        super().__init__(env)
        self.look, self.wanted = look, wanted
        self.pictures, self.places = [], []

    def reset(self, **kwargs):
        result = self.env.reset(**kwargs)
        self.keep()
        return result

    def step(self, action):
        result = self.env.step(action)
        self.keep()
        return result

    def keep(self) -> None:
        try:
            if self.wanted:
                now = self.wanted is True or len(self.pictures) in self.wanted
                self.pictures.append(self.unwrapped.render() if now else None)
        except Exception as error:  # no renderer on this machine: MuJoCo raises whatever its GL library does
            self.wanted = False
            _say_once(f"{error} A sketch takes the place of the pictures.")
        self.places.append(self.look(self.unwrapped))

    def film(self, goals: np.ndarray, looks: list[int], success: bool) -> Film:
        """What was kept; closes the renderer."""
        if renderer := getattr(self.unwrapped, "_renderer", None):
            renderer.close()
        pictures = self.pictures if len(self.pictures) == len(self.places) else []
        effector, cubes = map(np.array, zip(*self.places, strict=True))
        return Film(pictures, effector, cubes.reshape(len(effector), -1, 3), goals, np.array(looks), success)


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
    return recorder.film(suite.goals(task), looks, bool(info["success"]))


def film_data(path: Path, name: str | None = None, episode: int = 0, size: int = 320) -> Film:
    """An episode of a data file, a state for each row; of the pictures at most 50, evenly spread.

    `name`: of the dataset or of a task, whose goals are drawn; by default the first task of the file's
    domain. The policy's looks and success are not known. Raises QlacError: the file is not sound, has no
    such episode, or no states.
    """
    content, summary = read(path, name and get_domain(name))
    held = summary["domain"]
    names = [each for each in task_names() if get_task(each).domain.name == held]
    task = get_task(name if name in names else names[0])
    if not 0 <= episode < summary["episodes"]:
        raise QlacError(f"{path} has the episodes 0 to {summary['episodes'] - 1:,}, and no {episode:,}.")
    suite, states = suite_of(task.domain), data_suite_of(task.domain).states(content, episode)
    wanted = range(0, len(states), -(-len(states) // 50))
    env = make_env(task, size, summary.get("env_args"))
    recorder = _Recorder(env, lambda env: suite.places(env, task), wanted)
    env.reset(seed=0)
    for state in states:
        suite.show(env.unwrapped, *state)
        recorder.keep()
    return recorder.film(suite.goals(task), [], False)


def write_data_film(path: Path, name: str | None, episode: int, folder: Path) -> Path:
    """Writes an episode of a data file as a GIF, or as a PNG with sketches where nothing can be rendered."""
    film = film_data(path, name, episode)
    kind, steps = "gif" if film.pictures else "png", len(film.effector) - 1
    out = folder / f"{Path(path).stem}-episode-{episode}.{kind}"
    if film.pictures:
        with atomic(out) as file:
            file.write(gif(film))
    else:
        plots.save(strip(film._replace(looks=np.arange(steps)), f"episode {episode}, {steps:,} steps"), out)
    return out


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

    shown = [(step, picture) for step, picture in enumerate(film.pictures) if picture is not None]
    some = [picture for _, picture in shown[:: max(1, len(shown) // 6)]]
    palette = Image.fromarray(np.concatenate(some)).quantize(192)  # one for all
    frames = []
    for step, picture in shown:
        frame = Image.fromarray(picture).resize((size, size))
        if step in film.looks:
            ImageDraw.Draw(frame).ellipse((8, 8, 24, 24), fill="white")
        frames.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))
    held = {*film.looks, shown[-1][0]}
    milliseconds = [320 if step in held else 80 for step, _ in shown]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return file.getvalue()
