"""Drawings of lesson 03: lines that cross, walkers that follow their mean, samples of flows.

Colours: data are grey, what goes right is blue, what goes left orange, flows green, a broken flow red.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.lessons.small_flows import follow
from qlac_lite.reports.plots import new_figure

DATA, RIGHT, LEFT, FLOW, BROKEN, GAUSSIAN = "0.35", "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
ENDS = np.array([-0.6, 0.6])  # the two actions of the one-dimensional toy: left and right
NEAR = 0.07  # half the height of the window in `crossing_lines`
Drawing = tuple[Figure, str]  # a figure, and what it shows in words


def crossing_lines(time: float, place: float) -> Drawing:
    """Straight lines from noise to the actions left and right, and those that pass a window at one time."""
    rng = np.random.default_rng(0)
    noise, end = rng.normal(size=3000), rng.choice(ENDS, 3000)
    here = np.abs((1 - time) * noise + time * end - place) < NEAR
    velocity = (end - noise)[here]
    figure, (left, right) = new_figure(2, width=4.6, height=3.3)
    for start, to in zip(noise[:90], end[:90], strict=True):
        left.plot([0, 1], [start, to], color=RIGHT if to > 0 else LEFT, alpha=0.3, linewidth=0.8)
    left.plot([time, time], [place - NEAR, place + NEAR], color="black", linewidth=5)
    left.set(
        xlabel="t: 0 is noise, 1 is data",
        ylabel="action (up is right)",
        ylim=(-2.2, 2.2),
        title="lines from noise to data",
    )
    bins = np.linspace(-6, 6, 61)
    for side, colour, name in (
        (velocity[end[here] > 0], RIGHT, "to the right"),
        (velocity[end[here] < 0], LEFT, "to the left"),
    ):
        right.hist(side, bins, color=colour, alpha=0.6, label=name)
    if len(velocity):
        right.axvline(velocity.mean(), color="black", linewidth=2, label="their mean")
    right.set(
        xlabel="velocity of a line",
        ylabel="lines",
        title=f"through the window at t = {time:g}, action {place:g}",
    )
    right.legend(fontsize=8)
    return figure, (
        f"Left: straight lines run from noise at t = 0 to the actions -0.6 and 0.6 at t = 1 and "
        f"cross. Right: the "
        f"velocities of the lines through a window at t = {time:g}, action {place:g}, with their mean."
    )


def walkers(mean_velocity: Callable, steps: int = 50, count: int = 60) -> Drawing:
    """The straight lines, and beside them walkers who follow the mean velocity from the same noise."""
    data = jnp.asarray(ENDS, jnp.float32)[:, None]
    noise = jax.random.normal(jax.random.key(0), (count, 1))
    paths = follow(lambda x, time: mean_velocity(data, x, time), noise, steps)[..., 0]
    side = np.random.default_rng(0).choice(ENDS, count)
    figure, panels = new_figure(2, width=4.6, height=3.3)
    for i in range(count):
        look = dict(alpha=0.5, linewidth=0.9)
        panels[0].plot([0, 1], [noise[i, 0], side[i]], color=RIGHT if side[i] > 0 else LEFT, **look)
        panels[1].plot(
            np.linspace(0, 1, steps + 1), paths[:, i], color=RIGHT if paths[-1, i] > 0 else LEFT, **look
        )
    for axes, title in zip(panels, ("lines from noise to data", "walkers who follow the mean"), strict=True):
        axes.set(xlabel="t: 0 is noise, 1 is data", ylim=(-2.2, 2.2), title=title)
    panels[0].set_ylabel("action (up is right)")
    return figure, (
        "Left: straight lines from noise to the two actions cross each other. Right: the paths "
        "of walkers who "
        "follow the mean velocity bend and do not cross; the upper half ends at 0.6, the lower half at -0.6."
    )


def few_steps(mean_velocity: Callable, counts: tuple[int, ...] = (1, 2, 3, 5, 10)) -> Drawing:
    """Where walkers arrive who make K steps of size 1 / K."""
    data = jnp.asarray(ENDS, jnp.float32)[:, None]
    noise = jax.random.normal(jax.random.key(0), (500, 1))
    figure, panels = new_figure(len(counts), width=2.1, height=2.5)
    for axes, steps in zip(panels, counts, strict=True):
        ends = follow(lambda x, time: mean_velocity(data, x, time), noise, steps)[-1, :, 0]
        axes.hist(ends, np.linspace(-1.025, 1.025, 42), color=FLOW)
        axes.set(title=f"K = {steps}", xlabel="action at t = 1", ylim=(0, 510), xticks=[*ENDS, 0])
    panels[0].set_ylabel("walkers of 500")
    return figure, (
        "Histograms of where 500 walkers arrive with K = 1, 2, 3, 5 and 10 steps: with one step "
        "all stand at 0, "
        "with more steps they gather at -0.6 and 0.6."
    )


def three_models(samples: dict[str, tuple[np.ndarray, ...]]) -> Drawing:
    """Data, a Gaussian's samples and a flow's, each (N, 2), of each toy: {toy: (data, Gaussian, flow)}."""
    figure, panels = new_figure(3, width=2.6, height=2.4, rows=len(samples))
    models = (("data", DATA), ("Gaussian", GAUSSIAN), ("flow", FLOW))
    kinds = [(f"{toy}: {name}", colour) for toy in samples for name, colour in models]
    sets = [points for each in samples.values() for points in each]
    for axes, points, (name, colour) in zip(panels, sets, kinds, strict=True):
        axes.plot(*points[:600].T, ".", color=colour, markersize=2)
        _box(axes, name)
    return figure, (
        f"Samples of a Gaussian and of a flow beside the data {' and '.join(samples)}: the Gaussian fills "
        "the middle, where no data are; the flow looks like the data."
    )


def _box(axes, title: str, size: int = 10) -> None:
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes.set_title(title, fontsize=size)


def hunt(runs: dict[str, tuple[np.ndarray, np.ndarray]], least: float) -> Drawing:
    """Losses and samples of flows, the healthy one first: {name: (samples (N, 2), losses (updates,))}."""
    figure, panels = new_figure(1 + len(runs), width=3.3, height=3.0)
    told = []
    looks = ((FLOW, "-", 4), (BROKEN, "-", 1.5), (RIGHT, "--", 1.5))  # mended may lie on healthy
    pairs = zip(panels[1:], runs.items(), looks, strict=False)
    for axes, (name, (points, losses)), (colour, line, width) in pairs:
        window = min(100, len(losses))
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        panels[0].plot(
            np.arange(len(smooth)) + window, smooth, line, color=colour, linewidth=width, label=name
        )
        axes.plot(*points.T, ".", color=colour, markersize=2)
        share = 100 * np.mean(points[:, 0] > 0)
        _box(axes, f"{name}: {share:.0f} % right")
        told.append(f"{name} {share:.0f} percent right, loss {smooth[-1]:.2f}")
    panels[0].axhline(least, color="0.2", linestyle=":", label="exact mean velocity")
    panels[0].set(xlabel="update", ylabel="loss", ylim=(0, 1), title="loss (mean of 100 updates)")
    panels[0].legend(fontsize=8)
    return (
        figure,
        f"Loss curves and samples: {'; '.join(told)}. The exact mean velocity has the loss {least:.2f}.",
    )
