"""The course's claims beside what was measured: writes docs/findings.md and its picture.

    python tools/findings.py

Each claim is a difference of success in points. On the lite world and in desk runs it is taken seed by seed,
with a 95 % t-interval over seeds; in the paper's figures it is taken task by task, with one over tasks.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.experiments.runner import read_experiment
from qlac_lite.reports import plots
from qlac_lite.reports.ablation import measured
from qlac_lite.reports.paper import quoted, tasks_of
from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.files import markdown, write_text
from qlac_lite.utils.statistics import Interval, mean_interval, points_interval

ROOT = Path(__file__).resolve().parents[1]
ASSETS, DESK = ROOT / "qlac_lite/assets", ROOT / "results/desk"
PAGE, PICTURE = ROOT / "docs/findings.md", ROOT / "docs/pictures/findings.png"
PLACES = {"lite world": "#0072B2", "desk": "#D55E00", "paper": "0.35"}
Sum = dict[str, float]  # what is added up, each with its weight
LEARNERS = "fql", "qc-fql", "bfn", "qc"


class Claim(NamedTuple):
    text: str
    lesson: str
    refuted: str  # what would refute it
    lite: Sum = {}  # of EXPERIMENT/CELL, over the curve
    desk: Sum = {}  # of TASK/METHOD, at the end
    paper: Sum = {}  # of methods, after all steps, over 25 tasks
    sign: int = 1  # of the difference that the claim expects


def less(one: str, other: str, folder: str = "") -> Sum:
    return {f"{folder}{one}": 1.0, f"{folder}{other}": -1.0}


def gain(more: str, other: str) -> Sum:
    """What learners gain from one set of data against another, the mean over the four."""
    return {
        f"exploration/{method}-{data}": weight / len(LEARNERS)
        for method in LEARNERS
        for data, weight in ((more, 1.0), (other, -1.0))
    }


SCENE = "scene-play-sparse-singletask-task1-v0/"
PUSHED = {"disturbance/qc-fql-h5-push1": 1.0, "length/qc-fql-h5": -1.0}
CLAIMS = (
    Claim(
        "On long tasks, chunks do better than one-step backups.",
        "04, 07",
        "FQL is level with QC-FQL where an episode takes more than a hundred actions.",
        less("qc-fql-0.02", "fql-0.02", "horizon/"),
        less("qc-fql", "fql", SCENE),
        less("qc-fql", "fql"),
    ),
    Claim(
        "Chunks do better than n-step returns of the same length.",
        "04, 07",
        "FQL-n is level with QC-FQL.",
        less("qc-fql-0.02", "fql-n-0.02", "horizon/"),
        less("qc-fql", "fql-n", SCENE),
        less("qc-fql", "fql-n"),
    ),
    Claim(
        "On long tasks, n-step returns do better than one-step backups.",
        "04",
        "FQL is level with FQL-n.",
        less("fql-n-0.02", "fql-0.02", "horizon/"),
        less("fql-n", "fql", SCENE),
        less("fql-n", "fql"),
    ),
    Claim(
        "With the same N, the best of N chunks does better than the best of N single actions.",
        "09",
        "BFN is level with QC at the same N.",
        less("qc-N8", "bfn-N8", "candidates/"),
    ),
    Claim(
        "A Gaussian actor loses when it acts in long chunks.",
        "06",
        "RLPD-AC is level with RLPD at a length of 20.",
        less("rlpd-ac-h20-0.04", "rlpd-0.04", "naive/"),
        paper=less("rlpd-ac", "rlpd"),
        sign=-1,
    ),
    Claim(
        "A flow policy in place of the Gaussian mends that.",
        "06",
        "Long chunks of a flow do no better than those of a Gaussian.",
        less("flow-h20-0.04", "rlpd-ac-h20-0.04", "naive/"),
    ),
    Claim(
        "What an agent of chunks collects teaches more than what one of single actions collects.",
        "05",
        "D1 teaches as much as D5.",
        gain("D+D5", "D+D1"),
    ),
    Claim(
        "It teaches more, also with as many solved episodes and chunk starts.",
        "05",
        "Thinned out to the same number, D1 teaches as much as D5.",
        gain("D+M5", "D+M1"),
    ),
    Claim(
        "What agents collect teaches more than as many transitions more of play.",
        "05",
        "More play teaches as much.",
        gain("D+D1", "D+P"),
    ),
    Claim(
        "Chunks of 25 do worse than chunks of 5.",
        "09",
        "QC-FQL is level at both lengths.",
        less("qc-fql-h25", "qc-fql-h5", "length/"),
        sign=-1,
    ),
    Claim(
        "Pushes cost chunks of 5 more than single actions.",
        "09",
        "Both lose as much.",
        PUSHED | {"disturbance/qc-fql-h1-push1": -1.0, "length/qc-fql-h1": 1.0},
        sign=-1,
    ),
    Claim(
        "Critic and policy need the chunk together: a chunk critic with a policy of one action does worse.",
        "09",
        "Chunks in the critic alone do as well.",
        less("fql-chunk-policy1", "fql-chunk-policy5", "halves/"),
        sign=-1,
    ),
    Claim(
        "Five updates for each step do better than one.",
        "09",
        "Five times the updates bring nothing.",
        less("qc-fql-updates5", "qc-fql-control", "factors/"),
    ),
)


def on_lite(parts: Sum) -> np.ndarray:
    """The weighted sum of success over the curve, in points, by seed (R,)."""
    rows = {name: read_experiment(ASSETS / name)[0] for name in {part.split("/")[0] for part in parts}}
    split = {part: part.split("/") for part in parts}
    return sum(
        weight * measured(rows[split[part][0]], split[part][1]).curve for part, weight in parts.items()
    )


def on_desk(parts: Sum) -> np.ndarray:
    """The weighted sum of success after the last step of desk runs, in points, by seed (R,)."""
    total = 0.0
    for part, weight in parts.items():
        *_, last = successes([open_run(DESK / part)]).values()
        total = total + weight * 100 * np.array([episodes.mean() for episodes in last.values()])
    return total


def in_paper(parts: Sum) -> np.ndarray:
    """The weighted sum of the paper's success after all steps, in points, by task (25,)."""
    means = lambda method: np.array([[*quoted(task, method).values()][-1][0] for task in tasks_of("all")])
    return sum(weight * 100 * means(method) for method, weight in parts.items())


def found(claim: Claim) -> dict[str, Interval]:
    """The size of the difference in each place where it was measured."""
    places = zip(PLACES, (on_lite, on_desk, in_paper), (claim.lite, claim.desk, claim.paper), strict=True)
    return {place: mean_interval(measure(parts)) for place, measure, parts in places if parts}


def verdict(claim: Claim, ours: list[Interval]) -> str:
    """What our own runs, all together, say of the claim."""
    ends = [sorted((claim.sign * low, claim.sign * high)) for _, low, high in ours]
    shown = [place for place, (low, _) in enumerate(ends) if low > 0]
    against = [place for place, (_, high) in enumerate(ends) if high < 0]
    if against:
        return "shown in one place, refuted in the other" if shown else "refuted"
    return (
        "shown"
        if len(shown) == len(ends)
        else "shown in one place, not in the other"
        if shown
        else "not shown"
    )


def page(sizes: list[dict[str, Interval]]) -> str:
    rows = []
    for number, (claim, size) in enumerate(zip(CLAIMS, sizes, strict=True), 1):
        told = {
            place: points_interval(size[place], (-100, 100)) if place in size else "-" for place in PLACES
        }
        ours = verdict(claim, [size[place] for place in ("lite world", "desk") if place in size])
        rows.append(
            {"": number, "claim": claim.text, "lesson": claim.lesson}
            | told
            | {"our verdict": ours, "what would refute it": claim.refuted}
        )
    return f"""# Findings

What the course claims, and how large it is. A number is a difference of success in points with its 95 %
interval: on the lite world over the curve and in desk runs (scene, sparse, task 1) at the end, seed by seed;
in the paper after all steps, over its 25 OGBench tasks. *Shown*: the interval of our own runs leaves 0 out,
on the side that the claim says. `python tools/findings.py` writes this page from the recorded runs;
[results](../results/README.md) has their commands, seeds, versions and machines.

![The differences with their intervals, claim by claim](pictures/findings.png)

{markdown(rows)}
"""


def draw(sizes: list[dict[str, Interval]]) -> Figure:
    figure, (axes,) = plots.new_figure(1, width=7.5, height=0.9 + 0.42 * len(CLAIMS))
    for row, size in enumerate(sizes):
        for shift, (place, colour) in enumerate(PLACES.items()):
            if place in size:
                mean, low, high = np.clip(size[place], -100, 100)
                reach = [[mean - low], [high - mean]]
                look = dict(color=colour, marker="osD"[shift], markersize=5, capsize=2, linestyle="")
                axes.errorbar(mean, row + 0.22 * (shift - 1), xerr=reach, **look)
    for place, colour in PLACES.items():
        axes.plot([], [], "osD"[list(PLACES).index(place)], color=colour, label=place)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_yticks(
        range(len(CLAIMS)), [f"{n}. {claim.text}" for n, claim in enumerate(CLAIMS, 1)], fontsize=8
    )
    axes.set(ylim=(len(CLAIMS) - 0.5, -0.5), xlim=(-103, 103), xlabel="difference of success (points)")
    axes.legend(fontsize=8, loc="lower left")
    return figure


def main() -> None:
    sizes = [found(claim) for claim in CLAIMS]
    plots.save(draw(sizes), PICTURE)
    write_text(PAGE, page(sizes))


if __name__ == "__main__":
    main()
