"""Pictures of lesson 01: where a chunk leads, how far value travels, what noise costs, how episodes are cut.

Each function gives a figure and its alt text, for `show` and `explore`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from qlac_lite.lessons import chunk_worlds, drawings, mdp
from qlac_lite.lessons.point_world import PointEnv, point_chunk, point_solution, point_value
from qlac_lite.reports import plots

Array = np.ndarray
Drawn = tuple[Figure, str]
PLAN, BLUE = "#D55E00", "#0072B2"
POINT_DISCOUNT = 0.9


def cloud(noise: float = 0.2, length: int = 5) -> Drawn:
    """Where the best chunk of `length` leads from the maze's start: as planned, and as noise has it."""
    world, cells = chunk_worlds.maze(noise)
    bars = mdp.chunked(world, length)
    best = mdp.optimal_q(bars)[0].argmax()
    moves = mdp.action_sequences(4, length)[best]
    planned = mdp.chunk_path(chunk_worlds.maze(0.0)[0], 0, moves)
    chances = bars.transitions[0, best]
    figure, (axes,) = plots.new_figure(1, width=7.6, height=3.6)
    drawings.maze(axes, cells, chances, int(np.flatnonzero(world.terminal)[0]))
    axes.plot(*cells[planned].T[::-1], color=PLAN, linewidth=2)
    for state in np.flatnonzero(chances > 0.005):
        row, column = cells[state]
        shade = "white" if chances[state] > 0.6 else "0.2"
        axes.text(column - 0.44, row + 0.4, f"{100 * chances[state]:.0f} %", fontsize=8, color=shade)
    names = ", ".join(list(mdp.MOVES)[move] for move in moves)
    axes.set_title(f"noise {noise:g}; the chunk: {names}")
    end, others = 100 * chances[planned[-1]], np.sum(chances > 0.005) - 1
    return figure, (
        f"A maze. An orange line shows the {length} planned moves from the start. Shades and numbers show "
        f"where the agent may be after them at noise {noise:g}: with {end:.0f} percent in the planned cell"
        + (f", else in one of {others} others." if others else ".")
    )


def right_cells(plan: Callable, lengths: Sequence[int], sweeps: int) -> Drawn:
    """The cells of the maze whose value is right after some sweeps of `plan`; a panel a chunk length."""
    world, cells = chunk_worlds.maze(0.0)
    exact, goal = mdp.optimal_q(world).max(axis=1), int(np.flatnonzero(world.terminal)[0])
    figure, panels = plots.new_figure(len(lengths), width=4.8, height=2.8)
    told = []
    for axes, length in zip(panels, lengths, strict=True):
        bars = mdp.chunked(world, length)
        history = plan(bars.rewards, bars.transitions, world.discount, length, sweeps)[2]
        right = np.isclose(history[sweeps], exact)
        drawings.maze(axes, cells, 0.55 * right, goal)
        axes.set_title(f"H = {length}: {right.sum()} of {len(right)} cells are right")
        told.append(f"{right.sum()} of {len(right)} with chunks of {length}")
    return figure, f"The maze after {sweeps} sweeps. Blue cells have their true value: {'; '.join(told)}."


def values_against_noise(noises: Array, values: dict[int, Array]) -> Drawn:
    """The value at the maze's start against noise, a line for each chunk length."""
    figure, (axes,) = plots.new_figure(1)
    for (length, line), colour in zip(values.items(), plots.shades(len(values)), strict=True):
        axes.plot(noises, line, "o-", color=colour, markersize=4, label=f"H = {length}")
    axes.set(xlabel="noise: probability that a step goes sideways", ylabel="value at the start")
    axes.set_title(f"value at the start, {len(values)} chunk lengths")
    axes.legend(fontsize=8)
    first, last = values[min(values)], values[max(values)]
    gaps = [
        f"{one - other:.1f} at noise {noise:g}" for noise, one, other in zip(noises, first, last, strict=True)
    ]
    return figure, (
        "Value at the start against noise, a falling line for each chunk length; longer chunks lie lower. "
        f"From H = {min(values)} to H = {max(values)} it is {', '.join(gaps)}."
    )


def point_paths(sigma: float = 0.2, length: int = 5, steps: int = 20) -> Drawn:
    """Episodes of the point under its best chunks, and how far they are apart; in grey, with chunks of 5."""
    paths = _paths(sigma, length, steps)
    figure, (left, right) = plots.new_figure(2)
    left.plot(paths[:, :12], color=BLUE, alpha=0.5, linewidth=1)
    left.set(ylabel="position x", ylim=(-2, 2), title=f"12 of {paths.shape[1]} episodes, H = {length}")
    right.plot(paths.std(axis=1), "o-", color=BLUE, markersize=4, label=f"H = {length}")
    if length != 5:
        right.plot(_paths(sigma, 5, steps).std(axis=1), "--", color="0.5", zorder=1, label="H = 5")
    right.set(ylabel="standard deviation of x", ylim=(0, 1), title=f"spread of all episodes, noise {sigma:g}")
    right.legend(fontsize=8, loc="upper left")
    for axes in (left, right):
        axes.set(xlabel="step (grey lines: it looks)", xticks=range(0, steps + 1, 5))
        for t in range(0, steps + 1, length):
            axes.axvline(t, color="0.8", linewidth=0.8, zorder=0)
    return figure, (
        f"Left: twelve paths of a point from 1 towards 0 at noise {sigma:g} with chunks of {length}. Right: "
        f"the spread of {paths.shape[1]} paths at each step. It grows inside a chunk, to "
        f"{paths.std(axis=1)[length]:.2f} at the end of the first, and falls after a look."
    )


def _paths(sigma: float, length: int, steps: int) -> Array:
    """Positions of the point (steps + 1, 2000), from 1, under its best chunks."""
    gain, _ = point_solution(POINT_DISCOUNT)
    rng, x = np.random.default_rng(0), np.ones(2000)
    paths = [x]
    for t in range(steps):
        if t % length == 0:
            seen = x
        push = -gain * seen * (1 - gain) ** (t % length)  # as in `point_chunk`
        x = x + push + sigma * rng.normal(size=len(x))
        paths.append(x)
    return np.array(paths)


def point_values(sigmas: Array, lengths: Sequence[int], played: Array) -> Drawn:
    """The point's value at x = 1 against noise: exact lines, and dots of what was `played` (R, H, sigmas)."""
    figure, (axes,) = plots.new_figure(1)
    lines = np.array([[point_value(1.0, h, sigma, POINT_DISCOUNT) for sigma in sigmas] for h in lengths])
    for i, colour in enumerate(plots.shades(len(lengths))):
        axes.plot(sigmas, lines[i], color=colour, label=f"H = {lengths[i]}")
        plots.points(axes, sigmas, played[:, i], None, colour)
    axes.set(xlabel="noise $\\sigma$ (standard deviation a step)", ylabel="value at x = 1")
    axes.set_title(f"your executor, {len(played)} repetitions")
    axes.legend(title="line: exact, dots: played", fontsize=8)
    gaps = zip(lines[0] - lines[-1], sigmas, strict=True)
    cost = ", ".join(f"{gap:.1f} at noise {sigma:g}" for gap, sigma in gaps)
    return figure, (
        f"Value of the point against noise for chunk lengths {', '.join(map(str, lengths))}: exact lines, "
        "and dots of simulated play on them. All meet at noise 0; longer chunks fall faster. "
        f"From H = {lengths[0]} to H = {lengths[-1]} it is {cost}."
    )


def cut_episode(cut: Callable, strides: Sequence[int], steps: int = 11, length: int = 4) -> Drawn:
    """The chunks that `cut`, a function like `chunk_dataset`, makes of an episode, a row of squares each."""
    episode = np.zeros((steps + 1, 1)), np.zeros((steps, 1)), -np.ones(steps)
    rows = -(-steps // min(strides))
    figure, panels = plots.new_figure(len(strides), width=4.6, height=1 + 0.22 * rows)
    told = []
    for axes, stride in zip(panels, strides, strict=True):
        starts, _, _, valid, _ = cut(*episode, length, 0.99, stride)
        for row, (start, mask) in enumerate(zip(starts, valid, strict=True)):
            for k, exists in enumerate(mask):
                colour = BLUE if exists else "none"
                axes.add_patch(Rectangle((start + k, row), 0.9, 0.8, facecolor=colour, edgecolor="0.6"))
        axes.axvline(steps, color=PLAN)
        axes.set(xlabel="step (orange: end of the episode)", ylabel="chunk")
        axes.set(xlim=(0, steps + length), ylim=(rows, 0), yticks=range(0, rows, 2))
        whole = int(np.asarray(valid)[:, -1].sum())
        axes.set_title(f"stride {stride}: {len(starts)} chunks, {whole} whole")
        told.append(f"stride {stride} gives {len(starts)} chunks, {whole} of them whole")
        axes.grid(False)
    return figure, (
        f"Chunks of {length} steps cut from an episode of {steps}, as rows of squares: {'; '.join(told)}. "
        "Steps after the end are empty squares."
    )


def play_the_point(play: Callable, sigmas: Array, lengths: Sequence[int], episodes: int) -> Array:
    """Mean returns of the point's best chunks, 60 steps from x = 1, executed by `play`: (8, H, sigmas)."""
    gain, _ = point_solution(POINT_DISCOUNT)
    weights = POINT_DISCOUNT ** np.arange(60)

    def mean_return(seed: int, length: int, sigma: float) -> float:
        env = PointEnv(sigma)
        env.reset(seed=seed)
        choose = lambda observation: point_chunk(observation[0], length, gain)
        return float(np.mean([play(env, choose, 60)[2] @ weights for _ in range(episodes)]))

    return np.array([[[mean_return(seed, h, s) for s in sigmas] for h in lengths] for seed in range(8)])
