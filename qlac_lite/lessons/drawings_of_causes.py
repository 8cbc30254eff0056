"""Drawings of lesson 11: balls that clones lose, critics side by side, and success around a handover."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from qlac_lite.lessons import bowls_and_hills as balls
from qlac_lite.lessons import corridor_of_doors as corridor
from qlac_lite.lessons import critics_side_by_side as house
from qlac_lite.lessons.handovers import Curves
from qlac_lite.reports import plots
from qlac_lite.utils.statistics import difference

LOOKS = {  # colour and marker
    "single actions": ("#E69F00", "s"),
    "chunks of 8": ("#0072B2", "o"),
    "7 steps late": ("#CC79A7", "^"),
    "hers, 7 steps late": ("#D55E00", "X"),
    "one intention": ("#009E73", "D"),
    "old policy": ("0.45", "s"),
    "no remedy": ("#D55E00", "X"),
    "half the batch from data": ("#0072B2", "o"),
    "warm-up": ("#E69F00", "^"),
    "frozen critic": ("#CC79A7", "v"),
    "frozen flow": ("#009E73", "D"),
    "flow and policy from data": ("#56B4E9", "P"),
}
Drawn = tuple[Figure, str]


def in_a_bowl(clone: Callable, a: float, seed: int = 0, clones: int = balls.CLONES) -> Drawn:
    """The ground for three values of the dial, and how far out the balls of some clones are in a bowl."""
    figure, (shape, *planes) = plots.new_figure(3, width=3.3, height=2.9)
    x = np.linspace(-1, 1, 60)
    for dial, line in ((a, "-"), (0.85, "-."), (1.15, "--")):
        kind = "hill" if dial > 1 else "bowl" if dial < 0.5 else "shallow bowl"
        shape.plot(x, (1 - dial) * x**2, "0.3", linestyle=line, label=f"a = {dial:g}, {kind}")
    shape.set(xlabel="place", ylabel="height of the ground", ylim=(-0.25, 1.1), yticks=[])
    shape.set_title("without an action the ball rolls down", fontsize=10)
    shape.legend(fontsize=8, loc="upper center")
    told = []
    for axes, (name, length) in zip(
        planes, (("single actions", 1), ("chunks of 8", balls.LENGTH)), strict=True
    ):
        out = [
            np.linalg.norm(balls.one_clone(clone, length, a, seed, c), axis=2).max(axis=1)
            for c in range(clones)
        ]
        axes.plot(np.transpose(out), color=LOOKS[name][0], linewidth=1, alpha=0.7)
        beyond = sum(path.max() > balls.LOST for path in out)
        axes.axhline(balls.LOST, color="0.3", linestyle=":", linewidth=1)
        axes.text(1, balls.LOST * 1.3, "lost", fontsize=8, color="0.3")
        axes.set(xlabel="step", yscale="log", ylim=(1e-4, 1e3))
        axes.set_title(f"{name}: {beyond} of {clones} clones lose a ball", fontsize=10)
        told.append(f"{name}: {beyond} of {clones} clones lose a ball")
    planes[0].set_ylabel("distance of the ball farthest out")
    return figure, f"Two bowls and a hill; then distances over time in a bowl, a = {a:g}. {'; '.join(told)}."


def by_dial(found: Mapping[str, Mapping[float, np.ndarray]]) -> Drawn:
    """Percentage of lost balls by the dial: {way: {a: (R,)}}."""
    figure, (axes, bowls) = plots.new_figure(2, width=4.6, height=3.4)
    for i, (name, values) in enumerate(found.items()):
        x, y = np.array(list(values)), np.array(list(values.values())).T
        plots.band(axes, x, y, name, *LOOKS[name], within=(0, 100))
        deep, colour, marker = x <= 0.7, *LOOKS[name]
        apart = np.arange(deep.sum()) + 0.14 * (i - (len(found) - 1) / 2)  # side by side
        plots.points(bowls, apart, y[:, deep], name, colour, marker, within=(0, 100))
    bowls.set_xticks(range(deep.sum()), [f"{a:g}" for a in x[deep]])
    bowls.set(xlabel="dial a", ylim=(0, 40))
    bowls.set_title("enlarged: bowls up to a = 0.7", fontsize=10)
    axes.axvline(1, color="0.5", linestyle=":", linewidth=1)
    for place, text, side in ((0.98, "bowl", "right"), (1.02, "hill", "left")):
        axes.text(place, 103, text, ha=side, fontsize=9, color="0.35")
    axes.set(xlabel="dial a: fraction of distance left after an idle step", ylabel="lost balls (%)")
    axes.set(ylim=(-3, 112))
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, 0.93))
    told = "; ".join(
        f"{n}: " + ", ".join(f"{v.mean():.0f} at {a:g}" for a, v in each.items()) for n, each in found.items()
    )
    return figure, f"Percentage of lost balls by the dial a. {told}."


def by_length(lost: Mapping[int, Mapping[float, np.ndarray]]) -> Drawn:
    """A map of lost balls, chunks minus single actions, {length: {a: (R,)}}; the first length is 1."""
    lengths, dials = [length for length in lost if length > 1], list(lost[1])
    figure, (axes,) = plots.new_figure(1, width=6.4, height=2.5)
    gaps = np.array([[difference(lost[length][a], lost[1][a]) for a in dials] for length in lengths])
    mean, low, high = np.moveaxis(gaps, -1, 0)
    shown = (low > 0) | (high < 0)
    shade = np.where(shown, np.sign(mean) * np.sqrt(np.abs(mean)), 0)  # so that 10 and 83 both have a colour
    axes.imshow(shade, cmap="PuOr_r", vmin=-10, vmax=10, aspect="auto")
    axes.grid(False)
    for row, column in np.ndindex(mean.shape):
        ends = [f"{x[row, column]:z.0f}" for x in (mean, low, high)]
        bold = dict(weight="bold") if shown[row, column] else dict(color="0.4")
        dark = dict(color="white") if shown[row, column] and abs(mean[row, column]) > 45 else {}
        text = f"{ends[0]}\n[{ends[1]}, {ends[2]}]"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, **bold | dark)
    axes.set_xticks(range(len(dials)), [f"{a:g}" for a in dials])
    axes.set_yticks(range(len(lengths)), lengths)
    axes.set(xlabel="dial a (below 1 a bowl, 1 flat, above 1 a hill)", ylabel="length of a chunk")
    axes.set_title("lost balls, chunks minus single actions (points); white: not shown", fontsize=10)
    told = "; ".join(
        f"length {length}: " + ", ".join(f"{m:z.0f} at {a:g}" for m, a in zip(row, dials, strict=True))
        for length, row in zip(lengths, mean, strict=True)
    )
    return figure, f"Lost balls, chunks minus single actions, by length and dial. {told}."


def doors(steps: Mapping[str, np.ndarray], shown: int = 60) -> Drawn:
    """Median walks of the first seed's clones in the corridor, and the steps that they need, {way: (R,)}."""
    figure, (walks, needed) = plots.new_figure(2, width=4.6, height=3.5)
    for i, (name, values) in enumerate(steps.items()):
        colour, marker = LOOKS[name]
        path = corridor.median_walk(name)
        width = 3.6 - 0.7 * i  # one under another can still be seen
        walks.plot(path[: shown + 1], color=colour, linewidth=width, label=f"{name}: {len(path) - 1} steps")
        needed.plot(np.full(len(values), i + 0.15), values, ".", color=colour, alpha=0.4)
        plots.points(needed, np.array([i]), values[:, None], name, colour, marker)
    for door in (-corridor.DOOR, corridor.DOOR):
        walks.axhline(door, color="0.5", linestyle=":", linewidth=1)
    walks.set(xlabel="step", ylabel="place in the corridor")
    walks.set_title(f"the walk of median length, cut at step {shown}; doors dotted", fontsize=10)
    walks.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    needed.set_xticks(range(len(steps)), [name.replace(" ", "\n", 1) for name in steps])
    needed.set(ylabel="steps to a door", ylim=(0, None))
    needed.set_title("the shortest path takes 10 steps", fontsize=10)
    told = ", ".join(f"{name} {values.mean():.0f}" for name, values in steps.items())
    return figure, f"Walks in a corridor with two doors, and the mean steps to a door: {told}."


def _house(axes, values: np.ndarray, title: str) -> None:
    axes.set_facecolor("0.35")
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
    for state, letter, colour in ((house.START, "S", "#F0E442"), (house.GOAL, "G", "#009E73")):
        row, column = house.CELLS[state]
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc=colour, ec="black", zorder=3))
        axes.text(column, row, letter, ha="center", va="center", fontsize=9, weight="bold", zorder=4)


def recorded_walks(seed: int = 0, count: int = 4) -> Drawn:
    """The house, and some of the recorded walks."""
    figure, panels = plots.new_figure(count, width=2.5, height=2.4)
    walks = house.record(seed)
    empty = house.values_by_cell(
        walks, house.Critics(0 * walks.moves.reward, 0 * walks.chunks.reward), "by move"
    )
    ground = np.where(np.isnan(empty), np.nan, 0.0)
    for cell in house.CELLS:
        ground[cell] = 0
    for axes, states in zip(panels, walks.walks, strict=False):
        arrived = states[-1] == house.GOAL
        _house(axes, ground, f"{len(states) - 1} steps, {'arrives' if arrived else 'never arrives'}")
        rows, columns = np.array([house.CELLS[state] for state in states]).T
        shake = np.random.default_rng(0).uniform(-0.2, 0.2, (2, len(rows)))
        axes.plot(columns + shake[0], rows + shake[1], color="#D55E00", linewidth=1)
        axes.plot(columns[0], rows[0], "o", color="#D55E00", mec="black", markersize=6, zorder=5)
    figure.suptitle(
        "S start, G goal; a dot is where a walk begins; lines are shaken a little, to show repeated steps",
        fontsize=10,
    )
    return (
        figure,
        f"A house of two walls with one gap each, its start and goal, and {count} of the recorded walks.",
    )


def critics(sweep: Callable, sweeps: int, weight: float, seed: int = 0) -> Drawn:
    """Values of one-step, chunk and guided critic after so many sweeps, and the ways they lead."""
    figure, panels = plots.new_figure(3, width=3.3, height=2.9)
    walks, told = house.record(seed), []
    alone, guided = (house.learn(sweep, walks, sweeps, w) for w in (0, weight))
    for axes, name, pair, by in (
        (panels[0], "one-step critic", alone, "by move"),
        (panels[1], "chunk critic", alone, "by chunk"),
        (panels[2], f"one-step critic, weight {weight:g}", guided, "by move"),
    ):
        way = house.walk(walks, pair, by)
        count = f"{len(way) - 1} steps" if way[-1] == house.GOAL else "never arrives"
        _house(axes, house.values_by_cell(walks, pair, by), f"{name}: {count}")
        rows, columns = np.array([house.CELLS[state] for state in way]).T
        if way[-1] == house.GOAL:
            axes.plot(columns, rows, color="#D55E00", linewidth=2)
        told.append(f"{name}: {count}")
    figure.suptitle(
        f"after {sweeps} sweeps; value from white (0) to the darkest blue (1); S start, G goal", fontsize=10
    )
    return figure, f"Values after {sweeps} sweeps, and the way from the start. {'; '.join(told)}."


def by_weight(found: Mapping[int, tuple[Mapping[float, house.Walked], house.Walked]]) -> Drawn:
    """Walks that arrive, and their steps, over the weight of the guide: {sweeps: (by weight, by chunk)}."""
    figure, panels = plots.new_figure(len(found), width=3.5, height=2.3, rows=2)
    told = []
    for i, (sweeps, (by_move, by_chunk)) in enumerate(found.items()):
        x = np.arange(len(by_move))
        for axes, part in ((panels[i], 0), (panels[i + len(found)], 1)):
            values = np.array([walked[part] for walked in by_move.values()])
            if part:
                values[[walked.arrived.min() < 100 for walked in by_move.values()]] = np.nan
            axes.plot(x, values, ".", color="#009E73", alpha=0.35)
            axes.plot(x, values.mean(axis=1), "D", color="#009E73", label="one-step critic, mean")
            axes.axhline(np.mean(by_chunk[part]), color="#0072B2", label="chunk critic, mean")
            axes.set_xticks(x, [f"{w:g}" for w in by_move])
            axes.set_xlim(-0.5, len(x) - 0.5)
        arrived, steps = panels[i], panels[i + len(found)]
        arrived.set(ylim=(-5, 105))
        arrived.set_title(f"{sweeps} sweeps", fontsize=10)
        best = house.steps_to_goal()[house.far_starts()].mean()
        steps.axhline(best, color="0.4", linestyle=":", label="shortest path")
        steps.set(xlabel="weight of the guide", ylim=(14, 20))
        told.append(
            f"{sweeps} sweeps: " + ", ".join(f"{v.arrived.mean():.0f} % at {w:g}" for w, v in by_move.items())
        )
    panels[0].set_ylabel("walks that arrive (%)")
    panels[len(found)].set_ylabel("steps, if all arrive")
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure, f"Walks that arrive at the goal, by the weight of the guide. {'; '.join(told)}."


def handovers(curves: Mapping[str, Curves]) -> Drawn:
    """Success around the handover: {plan: curves}; a panel for each plan, beside "old policy"."""
    still = curves["old policy"]
    names = [name for name in curves if name != "old policy"]
    figure, panels = plots.new_figure(3, width=3.3, height=2.4, rows=-(-len(names) // 3))
    for i, (axes, name) in enumerate(zip(panels, names, strict=True)):
        shown = (("old policy", still, "0.45", "", "--"), (name, curves[name], *LOOKS[name], "-"))
        for label, each, *look in shown:
            plots.band(axes, each.steps, each.success, label, *look, within=(0, 100))
        for start, end in ((50, 200), (250, 500)):
            axes.plot([start, end], [4, 4], color="0.35", linewidth=1)
            axes.text((start + end) / 2, 7, f"{start} to {end}", ha="center", fontsize=8, color="0.35")
        axes.set(ylim=(0, 103), xlabel="steps since the handover" if i >= len(names) - 3 else "")
        axes.set_title(name, fontsize=10, color=LOOKS[name][0], weight="bold")
        axes.set_ylabel("" if i % 3 else "episodes solved (%)")
    handle = panels[0].get_legend_handles_labels()[0][0]
    figure.legend(
        [handle], ["old policy (the same in each panel)"], loc="outside lower center", frameon=False
    )
    told = "; ".join(
        f"{n}: " + ", ".join(f"{v:.0f}" for v in c.success.mean(axis=0)) for n, c in curves.items()
    )
    return figure, f"Success in percent from the handover on. {told}."
