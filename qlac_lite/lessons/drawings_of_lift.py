"""Drawings of lesson 08: a file in two readings, demonstrations, runs on Lift, a critic, a sweep of alpha.

Shapes: T steps, n seeds, L rows of a log.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.lessons.lift_demonstrations import Demonstration, returns_to_go
from qlac_lite.lessons.lift_learners import waiting
from qlac_lite.lessons.lift_records import ACTORS, by_seed, evaluated, rates
from qlac_lite.reports import plots
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.statistics import mean_interval

BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
TIERS = {"better": "#009E73", "okay": "#E69F00", "worse": "#882255"}
Drawn = tuple[Figure, str]


def two_readings(hand: np.ndarray, thing: np.ndarray) -> Drawn:
    """How far each reading of `object` (T, 14) is off, and how high its object is, over a demonstration."""
    figure, (left, right) = plots.new_figure(2, width=4.2, height=3.0)
    for name, at, colour, line in (("pose at 0", 0, BLUE, "-"), ("pose at 7", 7, RED, "--")):
        away = np.linalg.norm(thing[:, at : at + 3] - hand, axis=1)
        off = np.abs(away - np.linalg.norm(thing[:, 7 - at : 10 - at], axis=1))
        left.plot(1000 * off[1:], color=colour, linestyle=line, label=name)
        right.plot(thing[1:, at + 2], color=colour, linestyle=line, label=name)
    left.set(xlabel="step", ylabel="mm", title="distance from the hand, told twice: off by")
    right.set(xlabel="step", ylabel="m", title="height of the object")
    right.axhspan(0.6, 1.6, color="0.93", zorder=0)
    for axes in (left, right):
        axes.title.set_fontsize(10)
        axes.legend(fontsize=8)
    return figure, (
        "Two readings of a can's numbers over a demonstration. Both are off by a few millimetres. With the "
        "pose at 0 the can would lie on the floor; with the pose at 7 it is as high as a table."
    )


def demonstrations(demos: Sequence[Demonstration], count: int = 6) -> Drawn:
    """The hand's height over the steps of some demonstrations of each tier: grey where it waits at the cube,
    dots where the fingers close.
    """
    figure, panels = plots.new_figure(3, width=3.0, height=2.9)
    for axes, (tier, colour) in zip(panels, TIERS.items(), strict=True):
        mine = [demo for demo in demos if tier in demo["tiers"]][:count]
        for demo in mine:
            height = 100 * (demo["observations"][:-1, 2] - 0.8)
            closes = np.argmax(demo["actions"][:, 6] > 0)
            axes.plot(height, color=colour, linewidth=1)
            waits = np.where(waiting(demo["observations"][:-1]), height, np.nan)
            axes.plot(waits, color="0.75", linewidth=6, zorder=1)
            axes.plot(closes, height[closes], "o", color="0.15", markersize=4)
        axes.set(title=tier, xlabel="step", xlim=(0, 160), ylim=(0, 25))
    panels[0].set_ylabel("hand above the table (cm)")
    return figure, (
        "The hand's height in demonstrations of three tiers: down to the cube, a pause (grey), a dot "
        "where the fingers close, and up. The worse the tier, the longer the pauses."
    )


def success(runs: Mapping[str, Run]) -> Drawn:
    """Success of runs on Lift over gradient steps, then environment steps; a name a run."""
    figure, (axes,) = plots.new_figure(1, width=6.4, height=3.4)
    told = []
    for place, (name, run) in enumerate(runs.items()):
        rates = by_seed(run)
        steps = np.array([sum(at) for at in rates]) / 1000 + 0.13 * (place - (len(runs) - 1) / 2)
        values, (colour, marker) = np.stack(list(rates.values()), axis=1), plots.style(run.config.method)
        plots.points(axes, steps, values, name, colour, marker, within=(0, 100))
        axes.plot(steps, values.mean(axis=0), color=colour, linewidth=1)
        told.append(f"{name} {', '.join(f'{rate.mean():.0f}' for rate in rates.values())}")
    axes.set(xlabel="updates, then environment steps (thousands)", ylabel="success (%)", ylim=(-3, 103))
    axes.set_xlim(left=0)
    if any(steps[1] for run in runs.values() for steps in by_seed(run)):
        plots.mark_online(axes, next(iter(runs.values())).config.offline_steps)
    axes.legend(fontsize=8, loc="upper left")
    return figure, f"Success on Lift in percent, with intervals over seeds: {'; '.join(told)}."


def critics(logs: Mapping[str, tuple[np.ndarray, np.ndarray]], demos: Sequence[Demonstration]) -> Drawn:
    """Mean Q (n, L) of the demonstrators' chunks over updates, beside what the demonstrations earned."""
    returns = np.concatenate([returns_to_go(demo) for demo in demos])
    figure, (axes,) = plots.new_figure(1, width=5.8, height=3.3)
    for (name, (updates, q)), colour, line in zip(logs.items(), (RED, BLUE), ("-", "--"), strict=False):
        plots.band(axes, updates, q, name, colour, line=line)
    axes.axhline(returns.mean(), color="0.2", linestyle=":", linewidth=1.2, label="mean return-to-go")
    axes.axhline(returns.min(), color="0.2", linestyle="-.", linewidth=1.2, label="the worst return-to-go")
    axes.set(xlabel="updates", ylabel="mean Q of a batch", ylim=(-100, 2))
    axes.legend(fontsize=8)
    ends = "; ".join(f"{name} {q[:, -1].mean():.0f}" for name, (_, q) in logs.items())
    return figure, (
        f"Mean Q over updates. At the end: {ends}. The mean return-to-go of the demonstrations is "
        f"{returns.mean():.0f}, the worst {returns.min():.0f}."
    )


def sweep(rates: Mapping[float, np.ndarray], half: int) -> Drawn:
    """Success (n,) with each alpha: the seeds that choose, and the others with their mean and interval."""
    figure, (axes,) = plots.new_figure(1, width=6.0, height=3.3)
    for place, values in enumerate(rates.values()):
        for part, colour, side, label in (
            (values[:half], "#E69F00", -0.12, "seeds that choose"),
            (values[half:], BLUE, 0.12, "seeds that report"),
        ):
            at = np.full(len(part), place + side)
            axes.plot(
                at, part, "o", color=colour, alpha=0.45, markersize=4, label=label if not place else None
            )
            interval = np.clip(mean_interval(part), 0, 100)
            look = dict(
                color=colour, marker="s", markersize=5, label=None if place else "mean, 95 % interval"
            )
            plots.bars(axes, np.array([place + 2 * side]), interval, **look)
    names = [f"α = {alpha:g}" if alpha < 1e6 else "α = 1,000,000\n(no say for Q)" for alpha in rates]
    axes.set_xticks(range(len(rates)), names)
    axes.set(ylabel="success (%)", ylim=(-3, 103))
    axes.legend(fontsize=8, loc="upper left")
    told = "; ".join(f"alpha {alpha:g}: {values.mean():.0f}" for alpha, values in rates.items())
    return figure, f"Success in percent with each alpha, seed by seed, in two halves. Means: {told}."


def fall() -> Drawn:
    """Success of flow, one-step policy and a mixture of both after some updates without Q."""
    figure, (axes,) = plots.new_figure(1, width=5.8, height=3.2)
    told, steps = [], np.array(evaluated())
    looks = zip(ACTORS.items(), (BLUE, RED, GREEN), ("o", "s", "^"), (-0.1, 0.0, 0.1), strict=True)
    for (actor, name), colour, marker, aside in looks:
        values = np.stack([rates(actor, updates) for updates in steps], axis=1)
        plots.points(axes, steps / 1000 + aside, values, name, colour, marker, within=(0, 100))
        axes.plot(steps / 1000 + aside, values.mean(axis=0), color=colour, linewidth=1)
        told.append(f"{name} {', '.join(f'{value:.0f}' for value in values.mean(axis=0))}")
    axes.set(xlabel="updates (thousands)", ylabel="success (%)", ylim=(-3, 103))
    axes.set_xlim(0, steps[-1] / 1000 + 0.5)
    axes.legend(fontsize=8, loc="lower left")
    where = ", ".join(f"{updates:,}" for updates in steps)
    return figure, f"Success on Lift without Q after {where} updates: {'; '.join(told)}."
