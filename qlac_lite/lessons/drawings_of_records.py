"""Pictures of lesson 01: what critics of recorded chunks believe of maze and coin, and what they earn.

Each function gives a figure and its alt text, for `show` and `explore`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.lessons import chunk_worlds, drawings, mdp
from qlac_lite.reports import plots

Array = np.ndarray
Drawn = tuple[Figure, str]
BELIEVED, EARNED, BROKEN, HEALTHY, BEST = "#D55E00", "#0072B2", "#CC79A7", "#009E73", "0.35"


def learned_values(learners: dict[str, Callable], lengths: Sequence[int] = (1, 2, 3, 4, 5)) -> Drawn:
    """What critics of recorded chunks believe at the maze's start, and what their chunks earn there.

    `learners`: by name, functions like `learn_from_chunks`.
    """
    exact = mdp.optimal_q(chunk_worlds.maze(0.0)[0])
    figure, (left, right) = plots.new_figure(2)
    looks = {"broken": (BROKEN, "s--"), "healthy": (HEALTHY, "o-"), "yours": (EARNED, "D-")}
    told = []
    for name, learn in learners.items():
        colour, line = looks[name]
        pairs = []
        for length in lengths:
            data = chunk_worlds.recorded_chunks(length)
            values, best = learn(data, (len(exact), 4**length), chunk_worlds.DISCOUNT, length, 40)
            pairs.append((values[0], chunk_worlds.worth_in_maze(best, length)))
        for axes, column in zip((left, right), np.array(pairs).T, strict=True):
            axes.plot(lengths, column, line, color=colour, label=name, fillstyle="none")
        told.append(f"{name}: believes {_row(pairs, 0)} and earns {_row(pairs, 1)}")
    for axes, title in ((left, "believed at the start"), (right, "earned from the start")):
        axes.axhline(exact[0].max(), color=BEST, linestyle=":", zorder=3, label="best possible")
        axes.set(xlabel="chunk length H (steps)", xticks=lengths, ylim=(-21, 0.5), title=title)
    left.legend(fontsize=8, loc="lower left")
    left.set_ylabel("discounted return")
    return figure, (
        f"Left what is believed, right what is earned, against chunk length {lengths[0]} to {lengths[-1]}. "
        f"{'. '.join(told)}. The best possible is {exact[0].max():.1f} at every length."
    )


def belief_map(learn: Callable, length: int = 5) -> Drawn:
    """The true values of the maze's cells, and those that `learn`, as in `learned_values`, believes in."""
    world, cells = chunk_worlds.maze(0.0)
    exact, goal = mdp.optimal_q(world).max(axis=1), int(np.flatnonzero(world.terminal)[0])
    data = chunk_worlds.recorded_chunks(length)
    believed = learn(data, (len(exact), 4**length), chunk_worlds.DISCOUNT, length, 40)[0]
    believed = np.where(world.terminal, 0.0, believed)  # nothing was recorded there
    figure, panels = plots.new_figure(2, width=4.8, height=2.8)
    for axes, values, title in zip(
        panels, (exact, believed), ("true value", f"believed, H = {length}"), strict=True
    ):
        drawings.maze(axes, cells, 0.6 * np.clip(1 - values / exact.min(), 0, 1), goal)
        for (row, column), value in zip(np.delete(cells, goal, axis=0), np.delete(values, goal), strict=True):
            axes.text(column - 0.44, row + 0.4, f"{value:.1f}", fontsize=8, color="0.2")
        axes.set_title(title)
    told = ", ".join(f"{one:.1f} for {other:.1f}" for one, other in zip(believed, exact, strict=True))
    return figure, f"Two mazes with a value in each cell. Believed with chunks of {length} for true: {told}."


def _row(pairs: list[tuple[float, float]], column: int) -> str:
    return ", ".join(f"{pair[column]:.1f}" for pair in pairs)


def _bars(axes: Axes, values: Array, shift: float, label: str, colour: str) -> None:
    axes.bar(np.arange(len(values)) + shift, values, width=0.36, color=colour, label=label)


def coin_beliefs(noise: float = 0.1, errs: float = 0.0, truth: bool = True) -> Drawn:
    """What endless data say of the coin's four chunks, beside what they are worth if `truth`."""
    believed = chunk_worlds.believed_of_coin(noise, errs)
    true = mdp.chunked(chunk_worlds.coin(noise), 2).rewards[0]
    figure, (axes,) = plots.new_figure(1, width=6.4, height=3.2)
    _bars(axes, believed, -0.2 * truth, "in the data", BELIEVED)
    if truth:
        _bars(axes, true, 0.2, "executed blindly", EARNED)
    axes.set_xticks(range(4), ["0, 0", "0, 1", "1, 0", "1, 1"])
    axes.set(xlabel="chunk", ylabel="discounted reward", ylim=(0, 1.2))
    axes.set_title(f"noise {noise:g}; the recorder looks, and errs with probability {errs:g}", fontsize=10)
    axes.legend(fontsize=8, loc="upper right", ncols=2)
    numbers = lambda values: ", ".join(f"{value:.2f}" for value in values)
    executed = f" Executed blindly they earn {numbers(true)}." if truth else ""
    return figure, (
        f"Bars for the chunks 00, 01, 10 and 11 at noise {noise:g}. In the data they earn "
        f"{numbers(believed)}.{executed}"
    )


def coin_against_noise(noises: Array, learned: dict[str, Array]) -> Drawn:
    """What critics of the coin believe and earn against noise, a panel for each recorder.

    `learned`: by the recorder's name, means of recordings (noises, R, 2), believed and earned.
    """
    best = [mdp.chunked(chunk_worlds.coin(noise), 2).rewards[0].max() for noise in noises]
    figure, panels = plots.new_figure(len(learned))
    told = []
    for axes, (name, values) in zip(panels, learned.items(), strict=True):
        believed, earned = np.moveaxis(values, 2, 0).swapaxes(1, 2)
        plots.band(axes, noises, believed, "the critic believes", BELIEVED, "s", "--")
        plots.band(axes, noises, earned, "executing earns", EARNED, "o")
        axes.plot(noises, best, color=BEST, linewidth=1, linestyle=":", label="best possible blindly")
        axes.set(xlabel="noise", ylabel="discounted reward", ylim=(0, 1.05), title=name)
        axes.legend(loc="lower left", fontsize=8)
        pair = [f"{each.mean(axis=0)[1]:.2f}" for each in (believed, earned)]
        told.append(f"{name}, at noise {noises[1]:g}: believed {pair[0]}, earned {pair[1]}")
    return figure, f"Reward against noise, a panel for each recorder. {'. '.join(told)}."


def coin_against_episodes(episodes: Sequence[int], learned: Array, noise: float) -> Drawn:
    """What critics of the coin earn against the episodes in their data; `learned`: (episodes, R, 2)."""
    best = mdp.chunked(chunk_worlds.coin(noise), 2).rewards[0].max()
    earned = learned[:, :, 1].T
    figure, (axes,) = plots.new_figure(1, height=3.2)
    plots.band(axes, np.array(episodes), earned, "executing earns", EARNED, "o")
    axes.axhline(best, color=BEST, linewidth=1, linestyle=":", label="best possible blindly")
    axes.set(xscale="log", xlabel="episodes in the data", ylabel="discounted reward", ylim=(0, 1.05))
    axes.set_title(f"the recorder looks, noise {noise:g}, {len(earned)} seeds")
    axes.legend(loc="lower left", fontsize=8)
    told = ", ".join(f"{mean:.2f} of {n:,}" for n, mean in zip(episodes, earned.mean(axis=0), strict=True))
    return figure, f"Reward against episodes in the data, at noise {noise:g}: {told}. Possible is {best:.2f}."
