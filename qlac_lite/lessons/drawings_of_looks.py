"""Drawings of when an agent looks: a timeline of chunks, and a film of the cube step by step."""

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from qlac_lite.reports.films import Film
from qlac_lite.reports.plots import new_figure

ACTS, LOOKS, CUBE, TARGET = "#0072B2", "#D55E00", "#D55E00", "#56B4E9"
# OGBench's camera "front" over its cubes: place in metres, axes to the right and up; MuJoCo's field of view
CAMERA, RIGHT, UP, VIEW = (1.287, 0.0, 0.509), (0.0, 1.0, 0.0), (-0.342, 0.0, 0.940), np.radians(45)
CUT = (0.16, 0.24, 0.84, 0.92)  # of a picture, what is shown: left, top, right, bottom


def timeline(length: int = 5, steps: int = 15) -> tuple[Figure, str]:
    """`steps` actions in chunks of `length`, a dot at each look; with the figure's alt text."""
    figure, (axes,) = new_figure(1, width=10.4, height=1.9)
    for t in range(steps):
        last = t % length == length - 1 or t == steps - 1
        axes.barh(0, 0.94 if last else 1.0, left=t, height=0.5, align="edge", color=ACTS, alpha=0.85)
        axes.text(t + 0.47, 0.25, f"$a_{{{t}}}$", ha="center", va="center", color="white")
    for t in range(0, steps, length):
        axes.plot(t + 0.06, 0.85, "o", color=LOOKS, markersize=9)
        arrow = dict(arrowstyle="->", color=LOOKS)
        axes.annotate("", (t + 0.06, 0.52), (t + 0.06, 0.8), arrowprops=arrow)
    axes.text(steps + 0.2, 0.85, "looks", color=LOOKS, va="center")
    axes.text(steps + 0.2, 0.25, "acts", color=ACTS, va="center")
    axes.set(xlim=(-0.2, steps + 1.2), ylim=(-0.05, 1.1), yticks=[], xlabel="step t")
    axes.set_xticks(range(0, steps + 1, 5))
    axes.set_title(f"H = {length}: {-(-steps // length)} looks in {steps} steps", fontsize=10)
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    often = "every step" if length == 1 else f"every {length} steps"
    return figure, f"Timeline of {steps} actions. With chunks of {length} the agent looks {often}."


def close_up(film: Film) -> Film:
    """The film with pictures cut to the table, and a ring around the target, which has the cube's colour."""
    return film._replace(pictures=[_ringed(picture, film.goals) for picture in film.pictures])


def _ringed(picture: np.ndarray, goals: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    for goal in goals:
        away = goal - np.array(CAMERA)
        scale = height / 2 / np.tan(VIEW / 2) / -(away @ np.cross(RIGHT, UP))  # pixels a metre, there
        x, y = width / 2 + scale * (away @ np.array(RIGHT)), height / 2 - scale * (away @ np.array(UP))
        reach = 0.042 * scale
        ImageDraw.Draw(image).ellipse((x - reach, y - reach, x + reach, y + reach), outline=TARGET, width=2)
    left, top, right, bottom = np.multiply(CUT, (width, height, width, height)).round().astype(int)
    return np.asarray(image)[top:bottom, left:right]


def film_at(film: Film, step: int) -> tuple[Figure, str]:
    """The cube's film at a step: the places from above, and the heights until the end; with its alt text."""
    figure, (left, right) = new_figure(2, width=4.2, height=3.4)
    left.plot(film.effector[: step + 1, 1], film.effector[: step + 1, 0], color="0.6", linewidth=1)
    for goal, cube in zip(film.goals, film.cubes[step], strict=False):
        left.plot(goal[1], goal[0], "o", markersize=13, mfc="none", mec=TARGET, mew=2, label="target")
        left.plot(cube[1], cube[0], "s", markersize=9, color=CUBE, label="cube")
    left.plot(*film.effector[step, 1::-1], "k+", markersize=11, label="gripper")
    left.set(xlim=(-0.3, 0.3), ylim=(0.62, 0.22), aspect="equal", xticks=[], yticks=[])
    left.legend(fontsize=8, loc="upper right")
    left.set_title(f"from above, step {step}", fontsize=10)
    left.spines[:].set_visible(True)
    left.grid(False)
    right.plot(100 * film.effector[:, 2], color="0.15", label="gripper")
    right.plot(100 * film.cubes[:, 0, 2], color=CUBE, label="cube")
    for look in film.looks:
        right.axvline(look, color="0.85", linewidth=0.8, zorder=0)
    right.axvline(step, color="0.3", linestyle=":")
    right.set(xlabel="step (grey lines: looks)", ylabel="height (cm)")
    right.legend(fontsize=8)
    return figure, f"Gripper, cube and target from above at step {step}, and both heights over the episode."
