"""Lesson 04's figure of the lite world: success against the number of actions that the task takes."""

import jax
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.envs import lite_world
from qlac_lite.experiments.runner import recorded
from qlac_lite.lessons.differences import table
from qlac_lite.reports import plots
from qlac_lite.reports.ablation import measured


def horizon() -> tuple[Figure, str]:
    """The figure and its text: success at the end of recorded runs, against how many actions a task takes."""
    rows, _ = recorded("horizon")
    steps = sorted({row["step"] for row in rows}, reverse=True)
    figure, (place, *panels) = plots.new_figure(3, width=3.7, height=3.4)
    world_now = lite_world.LiteWorld(step=0.04)
    lite_world.draw_world(place, world_now, [lite_world.reset(jax.random.key(0))])
    place.set_title("the lite world, from above")
    families = {"one-step policy": ("fql", "fql-n", "qc-fql"), "best of N": ("bfn", "bfn-n", "qc")}
    names = {"qc-fql": "QC-FQL (Q-LAC)"}
    for axes, (family, methods) in zip(panels, families.items(), strict=True):
        for shift, method in zip((-2, 0, 2), methods, strict=True):
            ends = [measured(rows, f"{method}-{step:g}").end for step in steps]
            values = np.array(ends).T  # (seeds, steps)
            colour, marker = plots.style(method)
            label = names.get(method, _label(method))
            actions = np.array([_actions(step) for step in steps]) + shift
            axes.plot(np.tile(actions, len(values)), values.ravel(), ".", color=colour, alpha=0.45)
            mean = values.mean(axis=0)
            end = f"{mean[-1]:.0f} % at {_actions(steps[-1]):.0f}"
            axes.plot(actions, mean, color=colour, marker=marker, label=f"{label}, {end}")
        axes.set(title=family, xlabel="actions that the task takes", ylim=(-4, 104))
        axes.legend(fontsize=7.5, loc="lower left")
    panels[0].set_ylabel("success after the online phase (%)")
    text = (
        "Left, the lite world: the gripper and the puck on the left, a wall with two gaps in the middle, the "
        "goal, a circle, on the right. Beside it, success of six methods against the length of the task, 39, "
        "78 and 155 actions; large marks are means, dots are seeds. FQL falls from 94 to 1 percent, BFN from "
        "99 to 45. The other four, which look five actions ahead, stay above 90."
    )
    return figure, text


PAIRS = ("qc-fql", "fql"), ("qc", "bfn"), ("qc-fql", "fql-n"), ("qc", "bfn-n")


def over_the_curve() -> str:
    """What chunks are ahead, over all online evaluations: a line a pair of methods."""
    rows, _ = recorded("horizon")
    steps = sorted({row["step"] for row in rows}, reverse=True)
    curve = lambda method, step: measured(rows, f"{method}-{step:g}").curve
    lines = {
        " less ".join(map(_label, pair)): {
            f"{_actions(step)} actions": tuple(curve(method, step) for method in pair) for step in steps
        }
        for pair in PAIRS
    }
    return table("success over the curve (points)", lines)


def _label(method: str) -> str:
    return method.upper().replace("-N", "-n")


def _actions(step: float) -> int:
    return round(3.1 / step)
