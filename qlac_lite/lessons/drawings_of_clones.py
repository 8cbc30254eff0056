"""Drawings of lesson 03: demonstrations with hidden intentions, and what their clones do."""

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.envs import lite_world
from qlac_lite.lessons.hidden_intentions import LIMIT, WORLD, Demonstrations, first_arrival
from qlac_lite.reports import plots

SINGLE, CHUNK, HASTY, DATA = "#E69F00", "#0072B2", "#D55E00", "0.35"
Drawing = tuple[Figure, str]


def demonstrators(data: Demonstrations) -> Drawing:
    """One seed's demonstrations from above, and four of them over time."""
    places, length = np.asarray(data.places), np.asarray(data.length)
    figure, (above, over_time) = plots.new_figure(2, width=4.4, height=3.4)
    lite_world.draw_world(above, WORLD)
    for path, end in zip(places, length, strict=True):
        above.plot(*path[: end + 1].T, color=DATA, alpha=0.35, linewidth=0.8)
    above.set_title(f"{len(places)} demonstrations")
    for path, end, colour in zip(places[:4], length, plots.shades(4), strict=False):
        over_time.plot(path[: end + 1, 1], color=colour)
    for low in (-0.65, 0.35):
        over_time.axhspan(low, low + 0.3, color="0.93", zorder=0)
    over_time.set(xlabel="step", ylabel="height of the gripper", ylim=(-0.8, 0.8))
    over_time.set_title("four of them over time (grey: gaps)")
    return figure, (
        "Demonstrations from above and over time: paths run along the wall between its two "
        "gaps, pause at them, "
        "and pass through one to the right."
    )


def heights(episodes: dict[str, np.ndarray], count: int = 3) -> Drawing:
    """Height of the gripper over time in a few episodes of each clone: {name: places (E, T + 1, 2)}."""
    figure, panels = plots.new_figure(len(episodes), width=3.1, height=2.8)
    colours = (DATA, SINGLE, CHUNK, HASTY)
    for axes, (name, places), colour in zip(panels, episodes.items(), colours, strict=False):
        for path, line in zip(places[:count], ("-", "--", ":"), strict=False):
            axes.plot(path[: first_arrival(path) + 1, 1], color=colour, linestyle=line, linewidth=1.2)
        for low in (-0.65, 0.35):
            axes.axhspan(low, low + 0.3, color="0.93", zorder=0)
        axes.set(xlabel="step", ylim=(-1, 1), xlim=(0, LIMIT / 2), title=name)
    panels[0].set_ylabel("height of the gripper")
    return figure, (
        f"Height over time in {count} episodes each of {', '.join(episodes)}: single steps, and "
        f"chunks of which "
        "only the first action is executed, change direction all the time; whole chunks run in strokes."
    )


def by_length(panels_of: dict[str, tuple[dict[int, np.ndarray], dict[int, np.ndarray], float]]) -> Drawing:
    """Measures against chunk length, {what: (whole chunks, looks at every step, demonstrator)}; the first two
    {H: by seed (R,)}."""
    figure, panels = plots.new_figure(len(panels_of), width=4.4, height=3.2)
    for axes, (what, (whole, hasty, demonstrator)) in zip(panels, panels_of.items(), strict=True):
        within = (0, 100) if "%" in what else (0, np.inf)
        for values, label, colour, marker in (
            (whole, "whole chunks", CHUNK, "o"),
            (hasty, "looks every step", HASTY, "v"),
        ):
            at = np.array(list(values)) + 0.3 * (marker == "v")
            plots.points(axes, at, np.array(list(values.values())).T, label, colour, marker, within)
        axes.axhline(demonstrator, color=DATA, linestyle=":", label="demonstrator")
        axes.set(xlabel="chunk length H (steps)", ylabel=what, xticks=list(whole))
        axes.set_ylim(0, 108 if "%" in what else None)
    panels[0].legend(fontsize=8)
    return figure, (
        f"{' and '.join(panels_of)} against chunk length: turns fall steeply with whole chunks and stay many "
        "where the same networks look at every step, which also arrive less often."
    )


def ways(measured: dict[str, dict[str, np.ndarray]]) -> Drawing:
    """Measures by seed (R,) of ways to execute the same chunks: {what: {way: (R,)}}."""
    figure, panels = plots.new_figure(len(measured), width=3.5, height=2.9)
    for axes, (what, each) in zip(panels, measured.items(), strict=True):
        values = np.array(list(each.values())).T
        plots.points(axes, np.arange(len(each)), values, "", CHUNK, within=(0, np.inf))
        axes.set_xticks(range(len(each)), [way.replace(", ", ",\n") for way in each], fontsize=7)
        axes.set_title(what)
        axes.set_ylim(bottom=0)
        axes.set_xlim(-0.5, len(each) - 0.5)
    return (
        figure,
        f"{', '.join(measured)} for these ways to execute the same chunks: "
        f"{'; '.join(next(iter(measured.values())))}.",
    )
