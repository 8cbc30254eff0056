"""Drawings of lesson 10: when agents look, how soon they arrive, and what they do while they think.

Shapes: R seeds, E episodes, T steps.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qlac_lite.envs import lite_world
from qlac_lite.lessons.decoupled_agents import DISCOUNT, Agents
from qlac_lite.lessons.delayed_clones import Acted, Look, soft_weights
from qlac_lite.lessons.differences import apart as apart
from qlac_lite.lessons.gains_of_looks import mean_of, q_along
from qlac_lite.lessons.hidden_intentions import WORLD, first_arrival
from qlac_lite.lessons.watched_chunks import Played
from qlac_lite.reports import plots

LOOKS = {  # colour and marker of an agent, in all figures
    "short, short": ("#E69F00", "s"),
    "long, long": ("#0072B2", "o"),
    "long, short": ("#009E73", "D"),
    "whole chunks": ("0.15", "H"),
    "at every step": ("#CC79A7", "P"),
    "at every step, held": ("#882255", "*"),
    "after a drop": ("#D55E00", "^"),
    "at random": ("0.6", "X"),
    "cut at 1": ("#E69F00", "v"),
    "stop and think": ("#999933", "s"),
    "switch": ("#332288", "v"),
    "average": ("#56B4E9", "o"),
    "inpaint": ("#A6611A", "D"),
    "closest of eight": ("#66BB66", "^"),
    "hers": ("#E31A1C", "X"),
    "mended": ("#A6611A", "D"),  # it inpaints, too
}
Drawn = tuple[Figure, str]


def _wall(axes) -> None:
    """The world without its goal, which these tasks do not have."""
    lite_world.draw_world(axes, WORLD)
    axes.patches[-1].remove()


def pushed_chunk(whole: np.ndarray, pushed: np.ndarray) -> Drawn:
    """A demonstration (T + 1, 2), and its last ten actions executed with pushes (N, H + 1, 2)."""
    figure, panels = plots.new_figure(2, width=3.8, height=3.8)
    recorded = whole[-pushed.shape[1] :]
    middle = recorded.mean(axis=0)
    for axes, paths in zip(panels, (recorded[None], pushed), strict=True):
        _wall(axes)
        for i, path in enumerate(paths):
            axes.plot(*path.T, color="#0072B2", linewidth=1.1, alpha=0.6, label=f"{'_' * i}ten actions")
            axes.plot(*path[-1], "o", color="#0072B2", markersize=4, label=None if i else "after ten actions")
        axes.plot(*recorded[0], "o", color="black", markersize=7, label="before them")
    panels[0].plot(*whole.T, color="0.6", linewidth=1.1, zorder=1, label="the demonstration")
    panels[0].plot(*whole[0], "s", color="0.6", markersize=6, label="its start")
    panels[0].set_title("a demonstration", fontsize=10)
    key = {line.get_label(): line for line in panels[0].get_lines()}
    plots.legend_beside(figure, key, "lower")
    panels[1].set(xlim=(middle[0] - 0.4, middle[0] + 0.4), ylim=(middle[1] - 0.4, middle[1] + 0.4))
    panels[1].set_title("its last ten actions, pushed about (zoom)", fontsize=10)
    through = (pushed[:, -1, 0] > recorded[-1, 0] - 0.1).sum()
    return figure, (
        f"Left, a demonstration ends with ten actions through a gap. Right, the same ten actions "
        f"{len(pushed)} times with pushes: they end wide apart, {through} of {len(pushed)} behind the wall."
    )


def by_dial(
    dial: str, panels_of: Mapping[str, Mapping[str, Mapping[float, np.ndarray]]], alike: bool = False
) -> Drawn:
    """Measures at some values of a dial: {what: {name: {value of the dial: by seed (R,)}}}. Panels that are
    `alike` have one scale."""
    figure, panels = plots.new_figure(len(panels_of), width=4.4 if len(panels_of) < 3 else 3.2, height=3.2)
    told, dials = [], max((list(v) for each in panels_of.values() for v in each.values()), key=len)
    for axes, (what, each) in zip(panels, panels_of.items(), strict=True):
        for i, (name, values) in enumerate(each.items()):
            colour, marker = LOOKS[name]
            beside = 0.13 * (i - (len(each) - 1) / 2)
            x, y = np.arange(len(values)) + beside, np.array(list(values.values())).T
            for one, dots in zip(x, y.T, strict=True):
                axes.plot(np.full(len(dots), one), dots, ".", color=colour, alpha=0.55, markersize=4)
            plots.points(axes, x, y, name, colour, marker)
            told.append(f"{what}, {name}: " + ", ".join(f"{v.mean():.3g}" for v in values.values()))
        axes.set_xticks(range(len(dials)), dials)
        axes.set(xlabel=dial, ylabel=what, xlim=(-0.5, len(dials) - 0.5))
        axes.set_ylim(bottom=0)
    if alike:
        for axes in panels:
            axes.set_ylim(0, max(each.get_ylim()[1] for each in panels))
    panels[-1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure, f"By the {dial}. {'; '.join(told)}."


def arrivals(played: Mapping[tuple[str, float], Played], names: Iterable[str]) -> str:
    """A table: how many episodes of each agent never arrive, without pushes and with pushes of 1."""
    rows = [f"{'':15}{'% that never arrive, calm -> pushed':>36}{'more points':>22}{'more steps':>22}"]
    for name in names:
        calm, pushed = (played[name, push] for push in (0.0, 1.0))
        never = f"{calm.never().mean():.0f} -> {pushed.never().mean():.0f}"
        more = apart(pushed.never(), calm.never(), ".1f"), apart(pushed.steps(), calm.steps(), ".1f")
        rows.append(f"{name:15}{never:>36}{more[0]:>22}{more[1]:>22}")
    return "\n".join(rows)


def there_and_elsewhere(rows: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """A table of means of some chunks and of the others: {name: (values (R, E, n), which (R, E, n))}."""
    lines = [f"{'':42}{'where it holds':>20}{'where it does not':>20}{'difference':>22}"]
    for name, (values, some) in rows.items():
        there, elsewhere = mean_of(values, some), mean_of(values, ~some)
        told = [apart(*pair, ".1f") for pair in ((there, 0), (elsewhere, 0), (there, elsewhere))]
        lines.append(f"{name:42}{told[0]:>20}{told[1]:>20}{told[2]:>22}")
    return "\n".join(lines)


def q_over_time(
    made: Agents, panels_of: Mapping[str, Played], margin: float = 0.0, episode: int = 0, until: int = 60
) -> Drawn:
    """What the first seed's partial critic says along the beginning of an episode, what it promised at
    the look before, and where the gripper goes."""
    figure, (*panels, place) = plots.new_figure(len(panels_of) + 1, width=3.6, height=3.7)
    _wall(place)
    key, top, told = {}, 1.0, []
    for side, (axes, (name, played)) in enumerate(zip(panels, panels_of.items(), strict=True)):
        line = "--" if "nobody" in name else "-"
        colour = LOOKS[name.split(",")[0]][0]
        path = played.places[0, episode]
        path = path[: min(first_arrival(path), until) + 1]
        q = q_along(made, played)[0, episode][: len(path)]
        looks = np.append(0, np.cumsum(played.lengths[0, episode]))
        looks = np.unique(looks[looks < len(path) - 1])
        for begin, end in zip(looks, np.append(looks[1:], len(path) - 1), strict=True):
            steps = np.arange(begin, end + 1)
            promise = q[begin] / DISCOUNT ** (steps - begin) - margin
            (key["what a look promised" + f", less {margin:g}" * (margin > 0)],) = axes.plot(
                steps, promise, color="0.5", linestyle=":"
            )
        top = max(top, np.nanmax(q))
        axes.plot(q, line, color=colour, linewidth=1.4)
        axes.plot(looks, q[looks], "o", color=colour, markersize=5)
        key["the largest possible value"] = axes.axhline(1, color="0.7", linewidth=1)
        axes.set(xlabel="step", ylabel="$Q_P$" if axes is panels[0] else "")
        axes.set_title(name, fontsize=10)
        place.plot(*path.T, color=colour, linewidth=1.2, linestyle=line, label=name)
        place.plot(*path[looks].T, "o", color=colour, markersize=3.5)
        for i, look in enumerate(looks[:3]):
            how = dict(textcoords="offset points", fontsize=8, color=colour)
            axes.annotate(f"{i + 1}", (look, q[look]), xytext=(-3, 7), **how)
            place.annotate(f"{i + 1}", path[look], xytext=(-11 if side else 5, -3), **how)
        told.append(f"{name}: {len(looks)} looks in {len(path) - 1} steps, Q_P up to {np.nanmax(q):.1f}")
    for axes in panels:
        axes.set_ylim(0, 1.15 * top)
    key["$Q_P$ now"] = Line2D([], [], color="0.3", linewidth=1.4)
    key["a look"] = Line2D([], [], color="0.3", marker="o", linestyle="", markersize=5)
    place.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False)
    place.axhline(1, color="0.4", linewidth=1)
    place.set(xlim=(-0.5, 0.5), ylim=(0.05, 1.05))
    place.set_title("from above", fontsize=10)
    plots.legend_beside(figure, key, "lower")
    return figure, f"The partial critic's value along an episode, and its promises. {'; '.join(told)}."


def steps_and_looks(found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Drawn:
    """Steps to the right side against steps a look: {name: (steps a look (R,), steps (R,))}."""
    figure, (axes,) = plots.new_figure(1, width=5.0, height=3.3)
    told = []
    for name, (looks, steps) in found.items():
        colour, marker = LOOKS[name]
        axes.plot(looks, steps, ".", color=colour, alpha=0.55)
        plots.points(axes, np.array([looks.mean()]), steps[:, None], name, colour, marker)
        told.append(f"{name} a look in {looks.mean():.1f} steps, and {steps.mean():.0f} steps")
    axes.set(xlabel="steps from look to look", ylabel="steps to the right side", xlim=(0, 11))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    return figure, f"Steps to the right side against steps from look to look: {'; '.join(told)}."


def heights(episodes: Mapping[str, Acted], count: int = 3, until: int = 100) -> Drawn:
    """Height of the gripper over time in episodes of the first seed: by name."""
    figure, panels = plots.new_figure(len(episodes), width=2.9, height=2.7)
    for axes, (name, acted) in zip(panels, episodes.items(), strict=True):
        for low in (-0.65, 0.35):
            gaps = axes.axhspan(low, low + 0.3, color="0.93", zorder=0)
        for path, line in zip(acted.places[0, :count], ("-", "--", ":"), strict=False):
            path = path[: first_arrival(path) + 1]
            axes.plot(path[:, 1], color=LOOKS[name.split(", delay")[0]][0], linestyle=line, linewidth=1.3)
            if len(path) <= until:
                axes.plot(len(path) - 1, path[-1, 1], "o", color="black", markersize=4)
        axes.set(xlabel="step", ylim=(-1, 1), xlim=(0, until))
        axes.set_title(name, fontsize=10)
    panels[0].set_ylabel("height of the gripper")
    key = {
        f"episode {i + 1}": Line2D([], [], color="0.3", linestyle=("-", "--", ":")[i]) for i in range(count)
    }
    end = Line2D([], [], color="black", marker="o", linestyle="", markersize=4)
    plots.legend_beside(figure, key | {"on the right side": end, "a gap": gaps}, "lower")
    return figure, (
        f"Height over time in {count} episodes each, gaps in grey: {', '.join(episodes)}. "
        "Lines end at the arrival."
    )


def chunks_of_a_look(look: Look, delays: tuple[int, ...] = (0, 2, 4)) -> Drawn:
    """Old plan, new chunk and their mean; all of the new and of the inpainted chunk; and the weights that
    hold a plan."""
    figure, (without, inpainted, weights) = plots.new_figure(3, width=3.5, height=3.7)
    L = len(look.old)  # for as many steps there are two plans
    drawn = {
        "until the look": (look.past, "0.6", ".", 4, (without, inpainted)),
        "old plan": (look.old, "black", "o", 8, (without, inpainted)),
        "new chunk, not guided": (look.new, LOOKS["switch"][0], "v", 5, (without, inpainted)),
        "mean of both": (look.mean, LOOKS["average"][0], "s", 4, (without,)),
        "inpainted chunk": (look.inpainted, LOOKS["inpaint"][0], "D", 4, (inpainted,)),
    }
    for axes in (without, inpainted):
        _wall(axes)
    for name, (path, colour, marker, size, on) in drawn.items():
        for axes in on:
            how = dict(marker=marker, color=colour, markersize=size, linewidth=1.5, label=name)
            shown = path[:L] if axes is without else path
            axes.plot(*shown.T, fillstyle="none" if name == "old plan" else "full", **how)
    held = np.asarray(soft_weights(delays[-1])) > 0
    how = dict(color="#E31A1C", alpha=0.25, linewidth=14, solid_capstyle="round", zorder=0)
    inpainted.plot(*look.inpainted[1:][held].T, label="steps that are held", **how)
    (x, y), key = look.past[-1], {}
    for axes, title in {
        without: "the next five steps",
        inpainted: f"all ten, at a delay of {delays[-1]}",
    }.items():
        ends = [path[: L if axes is without else None] for path, *_, on in drawn.values() if axes in on]
        reach = 1.1 * max(np.abs(path - look.past[-1]).max() for path in ends)
        axes.plot(x, y, "*", color="#D55E00", markersize=14, label="the look", zorder=5)
        axes.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach))
        axes.set_title(title, fontsize=10)
        key |= {line.get_label(): line for line in axes.get_lines()}
    plots.legend_beside(figure, key, "lower")
    for delay, line in zip(delays, (":", "--", "-"), strict=True):
        each = np.asarray(soft_weights(delay))
        weights.plot(each, line, marker="o", color=LOOKS["inpaint"][0], markersize=4, label=f"delay {delay}")
    weights.set(xlabel="step of the new chunk", ylim=(0, 1.05))
    weights.set_title("how firmly a step is held", fontsize=10)
    weights.legend(fontsize=8)
    ends = ", ".join(f"{name} {path[-1, 1]:.2f}" for name, (path, *_) in drawn.items())
    return figure, (
        f"Places that one look plans. Height at the end of each: {ends}. Right, the weights of inpainting "
        "fall from 1 to 0 over the steps for which the old chunk has a plan."
    )
