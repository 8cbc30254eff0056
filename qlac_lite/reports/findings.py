"""The course's claims beside what was measured, for docs/findings.md and for lesson 09.

Each claim is a difference of success in points. On the lite world and in desk runs it is taken seed by seed,
with a 95 % t-interval over seeds; in the paper's figures it is taken task by task, with one over tasks.
"""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite.reports import plots
from qlac_lite.reports.ablation import measured
from qlac_lite.reports.paper import quoted, tasks_of
from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.files import read_csv
from qlac_lite.utils.statistics import Interval, mean_interval

ASSETS = Path(__file__).resolve().parents[1] / "assets"
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
PUSHED = {"disturbance/qc-h5-push0.5": 1.0, "length/qc-h5": -1.0}
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
        "With 8 candidates each, the best chunk does better than the best single action.",
        "09",
        "BFN is level with QC at N = 8.",
        less("qc-N8", "bfn-N8", "candidates/"),
    ),
    Claim(
        "With 32 candidates each, the best chunk does better than the best single action.",
        "09",
        "BFN is level with QC at N = 32.",
        less("qc-N32", "bfn-N32", "candidates/"),
    ),
    Claim(
        "A Gaussian actor loses when it acts in long chunks: of 20 in the lite world, of 5 in the paper.",
        "06",
        "RLPD-AC is level with RLPD at a length of 20.",
        less("rlpd-ac-h20-0.08", "rlpd-0.08", "naive/"),
        paper=less("rlpd-ac", "rlpd"),
        sign=-1,
    ),
    Claim(
        "A flow policy in place of the Gaussian gives part of that back.",
        "06",
        "Long chunks of a flow do no better than those of a Gaussian.",
        less("flow-h20-0.08", "rlpd-ac-h20-0.08", "naive/"),
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
        "Pushes cost chunks of 5 more than single actions (best of N; here neither is near 0 % without).",
        "09",
        "Both lose as much.",
        PUSHED | {"disturbance/qc-h1-push0.5": -1.0, "length/qc-h1": 1.0},
        sign=-1,
    ),
    Claim(
        "Single actions gain from a long backup alone.",
        "09",
        "FQL-n is level with FQL.",
        less("fql-n-step-policy1", "fql-one-step-policy1", "halves/"),
    ),
    Claim(
        "The best of 8 chunks does better than the best of 2.",
        "09",
        "QC is level with 2 and with 8 candidates.",
        less("qc-N8", "qc-N2", "candidates/"),
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
    curve = lambda part: measured(read_csv(ASSETS / f"{part}.csv"), part.split("/")[1]).curve
    return sum(weight * curve(part) for part, weight in parts.items())


def on_desk(parts: Sum) -> np.ndarray:
    """The weighted sum of success after the last step of desk runs, in points, by seed (R,)."""
    total = 0.0
    for part, weight in parts.items():
        *_, last = successes([open_run(ASSETS / "desk" / part)]).values()
        total = total + weight * 100 * np.array([episodes.mean() for episodes in last.values()])
    return total


def in_paper(parts: Sum) -> np.ndarray:
    """The weighted sum of the paper's success after all steps, in points, by task (25,)."""
    means = lambda method: np.array([[*quoted(task, method).values()][-1][0] for task in tasks_of("all")])
    return sum(weight * 100 * means(method) for method, weight in parts.items())


def _there(parts: Sum) -> bool:
    """Whether the runs that are named are among the packed ones."""
    cells = [read_csv(ASSETS / f"{part}.csv") for part in parts]
    desk = [(ASSETS / "desk" / part / "run.json").exists() for part in parts]
    return bool(parts) and (all(rows and "cell" in rows[0] for rows in cells) or all(desk))


def found(claim: Claim) -> dict[str, Interval]:
    """The size of the difference in each place where it has been measured."""
    sizes = {}
    if _there(claim.lite):
        sizes["lite world"] = mean_interval(on_lite(claim.lite))
    if _there(claim.desk):
        sizes["desk"] = mean_interval(on_desk(claim.desk))
    if claim.paper:
        sizes["paper"] = mean_interval(in_paper(claim.paper))
    return sizes


def verdict(claim: Claim, ours: list[Interval]) -> str:
    """What our own runs, all together, say of the claim."""
    if not ours:
        return "not recorded yet"
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


def draw(claims: Sequence[Claim] = CLAIMS) -> Figure:
    """The claims as a forest of differences with intervals; those that were not measured are left out."""
    claims = [claim for claim in claims if found(claim)]
    figure, (axes,) = plots.new_figure(1, width=8.6, height=0.9 + 0.4 * len(claims))
    for row, claim in enumerate(claims):
        for place, interval in found(claim).items():
            mean, low, high = np.clip(interval, -100, 100)
            shift = list(PLACES).index(place)
            look = dict(color=PLACES[place], marker="osD"[shift], markersize=5, capsize=2, linestyle="")
            at = row + 0.22 * (shift - 1)
            axes.errorbar(mean, at, xerr=[[mean - low], [high - mean]], **look)
    for shift, (place, colour) in enumerate(PLACES.items()):
        axes.plot([], [], "osD"[shift], color=colour, label=place)
    axes.axvline(0, color="0.4", linewidth=0.8)
    numbers = {claim.text: number for number, claim in enumerate(CLAIMS, 1)}
    told = ["\n".join(wrap(f"{numbers[claim.text]}. {claim.text}", 62)) for claim in claims]
    axes.set_yticks(range(len(claims)), told, fontsize=8)
    axes.set(ylim=(len(claims) - 0.5, -0.5), xlim=(-103, 103), xlabel="difference of success (points)")
    plots.legend_beside(figure, dict(zip(PLACES, axes.get_lines()[-4:-1], strict=True)), "upper")
    return figure
