"""Episodes to look at: every step rendered by MuJoCo where the machine can, else a sketch from above."""

import functools
import io
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.agents.base import EVALUATION, episode_seed
from qlac_lite.config import Config, get_task
from qlac_lite.config.tasks import Task, get_domain, task_names
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


_say_once = functools.cache(print)


class _Recorder(gymnasium.Wrapper):
    """A task's environment that keeps what a `Film` shows."""

    def __init__(self, task: Task, size: int, pictures: bool | Collection[int], env_args: dict | None = None):
        super().__init__(make_env(task, size, env_args))
        self.task, self.suite, self.wanted = task, suite_of(task.domain), pictures
        self.pictures, self.places = [], []

    def step(self, action):
        result = self.env.step(action)
        self.keep()
        return result

    def keep(self) -> None:
        try:
            if self.wanted:
                now = self.wanted is True or len(self.places) in self.wanted
                self.pictures.append(self.unwrapped.render() if now else None)
        except Exception as error:  # no renderer on this machine: MuJoCo raises whatever its GL library does
            self.wanted, self.pictures = False, []
            _say_once(f"{error} A sketch takes the place of the pictures.", file=sys.stderr)
        self.places.append(self.suite.places(self.unwrapped, self.task))

    def film(self, looks: list[int], success: bool) -> Film:
        """What was kept; closes the renderer."""
        if renderer := getattr(self.unwrapped, "_renderer", None):
            renderer.close()
        effector, cubes = map(np.array, zip(*self.places, strict=True))
        cubes, goals = cubes.reshape(len(effector), -1, 3), self.suite.goals(self.task)
        return Film(self.pictures, effector, cubes, goals, np.array(looks), success)


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
    """Plays an evaluation episode of a training seed; `params` have a leading axis of one seed. `pictures`:
    the steps to render, or all, or none; `size` (pixels) and `env_args`: as in `make_env`."""
    recorder = _Recorder(get_task(config.task), size, pictures, env_args)
    env = ChunkedEnv(recorder, config.execution_length, config.discount)
    observation, _ = env.reset(seed=episode_seed(seed, EVALUATION, episode))
    recorder.keep()
    looks, done = [], False
    while not done:
        at = np.array([[episode]]), np.array([[len(looks)]])
        chunks = np.asarray(actor(params, observation[None, None], np.uint32([seed]), EVALUATION, *at))
        looks.append(len(recorder.places) - 1)
        observation, _, terminated, truncated, info = env.step(chunks[0, 0])
        done = terminated or truncated
    return recorder.film(looks, info["success"])


def film_data(path: Path, name: str | None = None, episode: int = 0) -> Film:
    """An episode of a data file, a state for each row, without looks; at most 50 pictures, evenly spread.

    `name`: of the dataset, or of the task whose goals are drawn; by default the domain's first. QlacError:
    the file is not sound or of another domain, or has no such episode, or no states.
    """
    content, summary = read(path, name and get_domain(name))
    tasks = [task for task in map(get_task, task_names()) if task.domain.name == summary["domain"]]
    task = next((task for task in tasks if task.name == name), tasks[0])
    if not 0 <= episode < summary["episodes"]:
        raise QlacError(f"{path} has the episodes 0 to {summary['episodes'] - 1:,}, and no {episode:,}.")
    states = data_suite_of(task.domain).states(content, episode)
    wanted = range(0, len(states), -(-len(states) // 50))
    recorder = _Recorder(task, 320, wanted, summary.get("env_args"))
    recorder.reset(seed=0)
    for state in states:
        recorder.suite.show(recorder.unwrapped, *state)
        recorder.keep()
    return recorder.film([], False)


def write_data_film(path: Path, name: str | None, episode: int, folder: Path) -> Path:
    """Writes an episode of a data file as a GIF, or as a PNG with sketches where nothing can be rendered."""
    film = film_data(path, name, episode)
    out = folder / f"{path.stem}-episode-{episode}.{'gif' if film.pictures else 'png'}"
    if film.pictures:
        with atomic(out) as file:
            file.write(gif(film))
    else:
        steps = len(film.effector) - 1
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
    return plots.frames_in_a_row(steps, captions, title, lambda axes, step: _sketch(axes, film, step))


def _sketch(axes: Axes, film: Film, now: int) -> None:
    """The effector's path to step `now`, the cubes then, and their goals, from above."""
    axes.plot(film.effector[: now + 1, 1], film.effector[: now + 1, 0], color="0.6", linewidth=1)
    axes.plot(film.effector[now, 1], film.effector[now, 0], "k+", markersize=10)  # the gripper
    colour = "#D55E00"
    for goal, cube in zip(film.goals, film.cubes[now], strict=False):
        axes.plot(goal[1], goal[0], "s", markersize=11, markerfacecolor="none", markeredgecolor=colour)
        axes.plot(cube[1], cube[0], "s", markersize=8, color=colour)
    axes.set(xlim=(-0.4, 0.4), ylim=(0.65, 0.2), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.grid(False)


def gif(film: Film) -> bytes:
    """An animated GIF. Steps at which the policy looked have a white dot; they and the last stay longer."""
    from PIL import Image, ImageDraw

    shown = {step: picture for step, picture in enumerate(film.pictures) if picture is not None}
    some = list(shown.values())[:: max(1, len(shown) // 6)]
    palette = Image.fromarray(np.concatenate(some)).quantize(192)  # one for all
    frames, milliseconds = [], []
    for step, picture in shown.items():
        frame = Image.fromarray(picture).resize((200, 200))
        if step in film.looks:
            ImageDraw.Draw(frame).ellipse((8, 8, 24, 24), fill="white")
        frames.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))
        milliseconds.append(320 if step in film.looks or step == max(shown) else 80)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return file.getvalue()
