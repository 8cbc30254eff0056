"""Drawings of lesson 10: when agents look, how soon they arrive, and what they do while they think.

Shapes: R seeds, E episodes, T steps.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.envs import lite_world
from qlac_lite.lessons.decoupled_agents import DISCOUNT, Agents
from qlac_lite.lessons.delayed_clones import Acted
from qlac_lite.lessons.drawings_of_exploration import apart as apart
from qlac_lite.lessons.hidden_intentions import WORLD, first_arrival
from qlac_lite.lessons.watched_chunks import Played, values_along
from qlac_lite.reports import plots

LOOKS = {  # colour and marker
    "short, short": ("#E69F00", "s"),
    "long, long": ("#0072B2", "o"),
    "long, short": ("#009E73", "D"),
    "whole chunks": ("#0072B2", "o"),
    "at every step": ("#009E73", "D"),
    "after a drop": ("#CC79A7", "^"),
    "at random": ("0.45", "X"),
    "stop and think": ("0.45", "s"),
    "switch": ("#E69F00", "v"),
    "average": ("#0072B2", "o"),
    "inpaint": ("#009E73", "D"),
    "hers": ("#D55E00", "X"),
    "mended": ("#009E73", "D"),
}
Drawn = tuple[Figure, str]


def pushed_chunk(recorded: np.ndarray, pushed: np.ndarray) -> Drawn:
    """A chunk of ten actions as it was recorded (H + 1, 2), and executed with pushes (N, H + 1, 2)."""
    figure, panels = plots.new_figure(2, width=3.8, height=3.4)
    middle = recorded.mean(axis=0)
    for axes, paths, name in zip(
        panels, (recorded[None], pushed), ("as recorded", "pushed about"), strict=True
    ):
        lite_world.draw_world(axes, WORLD)
        for path in paths:
            axes.plot(*path.T, color="#0072B2", linewidth=1.1, alpha=0.6)
            axes.plot(*path[-1], "o", color="#0072B2", markersize=4)
        axes.plot(*recorded[0], "o", color="black", markersize=7)
        axes.set(xlim=(middle[0] - 0.4, middle[0] + 0.4), ylim=(middle[1] - 0.4, middle[1] + 0.4))
        axes.set_title(f"ten actions, {name}", fontsize=10)
    through = (pushed[:, -1, 0] > recorded[-1, 0] - 0.1).sum()
    return figure, (
        f"Left, ten recorded actions carry the gripper through a gap. Right, the same ten actions "
        f"{len(pushed)} times with pushes: they end wide apart, {through} of {len(pushed)} behind the wall."
    )


def by_dial(dial: str, panels_of: Mapping[str, Mapping[str, Mapping[float, np.ndarray]]]) -> Drawn:
    """Measures against a dial: {what: {name: {value of the dial: by seed (R,)}}}."""
    figure, panels = plots.new_figure(len(panels_of), width=4.4, height=3.2)
    told = []
    for axes, (what, each) in zip(panels, panels_of.items(), strict=True):
        for name, values in each.items():
            colour, marker = LOOKS[name]
            x, y = np.array(list(values)), np.array(list(values.values())).T
            plots.band(axes, x, y, name, colour, marker)
            told.append(f"{what}, {name}: " + ", ".join(f"{v.mean():.3g}" for v in values.values()))
        axes.set(xlabel=dial, ylabel=what, xticks=sorted(x))
        axes.set_ylim(bottom=0)
    panels[0].legend(fontsize=8)
    return figure, f"Against the {dial}. {'; '.join(told)}."


def values_over_time(made: Agents, calm: Played, pushed: Played, episode: int = 0, until: int = 60) -> Drawn:
    """What the first seed's value says along an episode, without and with pushes; dotted: the promise."""
    figure, panels = plots.new_figure(2, width=4.2, height=3.0)
    for axes, played, name in zip(panels, (calm, pushed), ("nobody pushes", "pushed"), strict=True):
        path = played.places[0, episode]
        path = path[: min(first_arrival(path), until)]
        value = values_along(made, path)
        looks = np.append(0, np.cumsum(played.lengths[0, episode]))
        looks = looks[looks < len(path)]
        looks = np.unique(looks)
        for begin, end in zip(looks, np.append(looks[1:], len(path) - 1), strict=True):
            steps = np.arange(begin, end + 1)
            promise = value[begin] / DISCOUNT ** (steps - begin)
            axes.plot(steps, promise, color="0.5", linestyle=":", label="promised" if begin == 0 else None)
        axes.plot(value, color="#0072B2", label="the value now")
        axes.plot(looks, value[looks], "o", color="#0072B2", markersize=5, label="a look")
        axes.axhline(1, color="0.7", linewidth=1, label="largest reward")
        axes.set(xlabel="step")
        axes.set_ylim(bottom=0)
        axes.set_title(name, fontsize=10)
    panels[0].set_ylabel("value")
    panels[0].legend(fontsize=8, loc="upper left")
    return figure, (
        "The value along an episode in chunks of ten. Without pushes it follows the dotted promise of each "
        "chunk's start, or lies somewhat below; with pushes it falls below within a chunk, and rises above 1."
    )


def steps_and_looks(found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Drawn:
    """Steps to the right side against looks an episode: {name: (looks (R,), steps (R,))}."""
    figure, (axes,) = plots.new_figure(1, width=5.0, height=3.3)
    told = []
    for name, (looks, steps) in found.items():
        colour, marker = LOOKS[name]
        axes.plot(looks, steps, ".", color=colour, alpha=0.4)
        plots.points(axes, np.array([looks.mean()]), steps[:, None], name, colour, marker)
        told.append(f"{name} {looks.mean():.1f} looks and {steps.mean():.0f} steps")
    axes.set(xlabel="looks in an episode", ylabel="steps to the right side", xscale="log")
    axes.set_xticks([5, 10, 20, 50], [5, 10, 20, 50])
    axes.set_xticks([], minor=True)
    axes.legend(fontsize=8)
    return figure, f"Steps against looks: {'; '.join(told)}."


def heights(episodes: Mapping[str, Acted], count: int = 3, until: int = 100) -> Drawn:
    """Height of the gripper over time in episodes of the first seed: by name."""
    figure, panels = plots.new_figure(len(episodes), width=2.9, height=2.7)
    for axes, (name, acted) in zip(panels, episodes.items(), strict=True):
        for low in (-0.65, 0.35):
            axes.axhspan(low, low + 0.3, color="0.93", zorder=0)
        for path, line in zip(acted.places[0, :count], ("-", "--", ":"), strict=False):
            path = path[: first_arrival(path) + 1]
            axes.plot(path[:, 1], color=LOOKS[name][0], linestyle=line, linewidth=1.3)
        axes.set(xlabel="step", ylim=(-1, 1), xlim=(0, until))
        axes.set_title(name, fontsize=10)
    panels[0].set_ylabel("height of the gripper")
    return figure, (
        f"Height over time in {count} episodes each, gaps in grey: {', '.join(episodes)}. "
        "Lines end at the arrival."
    )
