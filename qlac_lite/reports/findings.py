"""The course's claims beside what was measured, for docs/findings.md and for lesson 09.

Each claim is a difference of success in points, positive where the claim holds. On the lite world and in desk
runs it is taken seed by seed, with a 95 % t-interval over seeds; in the paper's figures task by task.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from qlac_lite import LEARNERS
from qlac_lite.reports import plots
from qlac_lite.reports.ablation import measured
from qlac_lite.reports.paper import quoted, tasks_of
from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.files import read_csv, read_json
from qlac_lite.utils.statistics import Interval, gap_text, mean_interval

ASSETS = Path(__file__).resolve().parents[1] / "assets"
PLACES = {"lite world": "#0072B2", "desk": "#D55E00", "paper": "0.35"}
MARKERS = {"lite world": "o", "desk": "s", "paper": "D"}
Sum = dict[str, float]  # what is added up, each with its weight
COLLECTORS = "fql", "qc-fql", "bfn", "qc"


class Claim(NamedTuple):
    text: str
    lesson: str
    against: str  # what would speak against it
    lite: Sum = {}  # of EXPERIMENT/CELL, over the curve
    desk: Sum = {}  # of TASK/METHOD, at the end
    paper: Sum = {}  # of methods, after all steps, over 25 tasks
    caution: str = ""  # what the verdict depends on, besides the interval


def less(one: str, other: str, folder: str = "") -> Sum:
    return {f"{folder}{one}": 1.0, f"{folder}{other}": -1.0}


def gain(more: str, other: str) -> Sum:
    """What learners gain from one set of data against another, the mean over the four."""
    return {
        f"exploration/{method}-{data}": weight / len(COLLECTORS)
        for method in COLLECTORS
        for data, weight in ((more, 1.0), (other, -1.0))
    }


SCENE = "scene-play-sparse-singletask-task1-v0/"
TUNED = "α chosen with QC-FQL"
LOST_BY_CHUNKS = {"length/qc-h5": 1.0, "disturbance/qc-h5-push0.5": -1.0}
CLAIMS = (
    Claim(
        "On long tasks, chunks beat one-step backups.",
        "04, 07",
        "FQL equals QC-FQL where an episode takes more than a hundred actions.",
        less("qc-fql-0.02", "fql-0.02", "horizon/"),
        less("qc-fql", "fql", SCENE),
        less("qc-fql", "fql"),
        TUNED,
    ),
    Claim(
        "Chunks beat n-step returns of the same length.",
        "04, 07",
        "FQL-n equals QC-FQL.",
        less("qc-fql-0.02", "fql-n-0.02", "horizon/"),
        less("qc-fql", "fql-n", SCENE),
        less("qc-fql", "fql-n"),
        TUNED,
    ),
    Claim(
        "On long tasks, n-step returns beat one-step backups.",
        "04",
        "FQL equals FQL-n.",
        less("fql-n-0.02", "fql-0.02", "horizon/"),
        less("fql-n", "fql", SCENE),
        less("fql-n", "fql"),
    ),
    Claim(
        "With 8 candidates each, the best chunk beats the best single action.",
        "09",
        "BFN equals QC at N = 8.",
        less("qc-N8", "bfn-N8", "candidates/"),
    ),
    Claim(
        "With 32 candidates each, the best chunk beats the best single action.",
        "09",
        "BFN equals QC at N = 32.",
        less("qc-N32", "bfn-N32", "candidates/"),
    ),
    Claim(
        "A Gaussian policy loses by acting in chunks (of 20 in the lite world, of 5 in the paper).",
        "06",
        "RLPD-AC equals RLPD at a length of 20.",
        less("rlpd-0.08", "rlpd-ac-h20-0.08", "naive/"),
        paper=less("rlpd", "rlpd-ac"),
    ),
    Claim(
        "A flow policy instead of the Gaussian wins part of that back.",
        "06",
        "With chunks of 20, a flow does no better than a Gaussian.",
        less("flow-h20-0.08", "rlpd-ac-h20-0.08", "naive/"),
    ),
    Claim(
        "Data collected by agents that act in chunks teach more than data from single actions.",
        "05",
        "D1 teaches as much as D5.",
        gain("D+D5", "D+D1"),
    ),
    Claim(
        "They teach more even with equally many solved episodes and chunk starts.",
        "05",
        "Thinned out to the same number, D1 teaches as much as D5.",
        gain("D+M5", "D+M1"),
    ),
    Claim(
        "Data collected by agents teach more than equally many extra transitions of recorded play.",
        "05",
        "More play teaches as much.",
        gain("D+D1", "D+P"),
    ),
    Claim(
        "Chunks of 25 do worse than chunks of 5.",
        "09",
        "QC-FQL does equally well at both lengths.",
        less("qc-fql-h5", "qc-fql-h25", "length/"),
    ),
    Claim(
        "Pushes cost chunks of 5 more than single actions (best of N, where neither starts near 0 %).",
        "09",
        "Both lose equally much.",
        LOST_BY_CHUNKS | {"length/qc-h1": -1.0, "disturbance/qc-h1-push0.5": 1.0},
        caution="by a hair",
    ),
    Claim(
        "Single actions gain from 5-step returns, without any chunk.",
        "09",
        "FQL-n equals FQL.",
        less("fql-n-step-policy1", "fql-one-step-policy1", "halves/"),
    ),
    Claim(
        "Where work is fine and play poor, chunks beat n-step returns of the same length.",
        "09",
        "FQL-n equals QC-FQL with twice the precision and rough, aimless play.",
        less("qc-fql-no-wide", "fql-n-no-wide", "worlds-again/"),
        caution="in one of 13 worlds, with new seeds",
    ),
    Claim(
        "Critic and policy need the chunk together: under a chunk critic, single actions do worse.",
        "09",
        "A chunk critic does equally well with single actions.",
        less("fql-chunk-policy5", "fql-chunk-policy1", "halves/"),
        caution="with a second critic",
    ),
    Claim(
        "Five updates per step beat one.",
        "09",
        "One update per step does equally well.",
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


def differences(claim: Claim) -> dict[str, np.ndarray]:
    """The difference by seed or task (n,) in each place where it has been measured."""
    values = {}
    if _there(claim.lite):
        values["lite world"] = on_lite(claim.lite)
    if _there(claim.desk):
        values["desk"] = on_desk(claim.desk)
    if claim.paper:
        values["paper"] = in_paper(claim.paper)
    return values


def sizes(claim: Claim) -> dict[str, str]:
    """The difference with its interval, as text, in each place where it has been measured."""
    return {place: gap_text(mean_interval(values)) for place, values in differences(claim).items()}


def counts(claim: Claim) -> str:
    """What the intervals are over, as text."""
    unit = lambda place: "paper tasks" if place == "paper" else "seeds"
    return ", ".join(f"{len(values)} {unit(place)}" for place, values in differences(claim).items())


def of_earlier_learners(claim: Claim) -> bool:
    """Whether the claim's runs on the lite world were made with earlier learners and are to be rerun."""
    names = {part.split("/")[0] for part in claim.lite} if _there(claim.lite) else ()
    records = [read_json(ASSETS / name / "experiment.json", "") for name in names]
    return any(record["provenance"]["learners"] < LEARNERS for record in records)


def verdict(claim: Claim) -> str:
    """What our own runs say of the claim; by place where these disagree."""
    ours = {place: each for place, each in differences(claim).items() if place != "paper"}
    told = judged({place: mean_interval(each) for place, each in ours.items()})
    return f"{told} ({claim.caution})" if claim.caution and told.endswith("shown") else told


def judged(ours: Mapping[str, Interval]) -> str:
    """What intervals, by place, say of a claim that expects positive differences."""
    if not ours:
        return "not recorded yet"
    word = lambda low, high: "shown" if low > 0 else "refuted" if high < 0 else "not shown"
    words = {place: word(low, high) for place, (_, low, high) in ours.items()}
    if len(set(words.values())) > 1:
        return "; ".join(f"{place}: {word}" for place, word in words.items())
    (told,) = set(words.values())
    return "refuted here" if told == "refuted" else told


def draw(claims: Sequence[Claim] = CLAIMS) -> tuple[Figure, str]:
    """The claims as a forest of differences with verdicts; what was not measured is left out. And alt text.

    A filled marker: the interval excludes 0. A star: runs of earlier learners, which the heading says.
    """
    numbers = {claim.text: number for number, claim in enumerate(CLAIMS, 1)}
    claims = [claim for claim in claims if differences(claim)]
    figure, (axes,) = plots.new_figure(1, width=10.2, height=1.2 + 0.42 * len(claims))
    axes.axvspan(0, 103, color="#009E73", alpha=0.08, linewidth=0)
    old = any(map(of_earlier_learners, claims))
    told, verdicts = ["claim"], ["our verdict" + " (*: to be rerun)" * old]
    over = ["n", *(counts(claim).replace(", ", ",\n") for claim in claims)]
    for row, claim in enumerate(claims):
        values = differences(claim)
        for at, place in zip(row + 0.26 * np.arange(len(values)), values, strict=True):
            mean, low, high = np.clip(mean_interval(values[place]), -100, 100)
            fill = PLACES[place] if low > 0 or high < 0 else "white"
            look = dict(color=PLACES[place], marker=MARKERS[place], markersize=5.5, capsize=2, linestyle="")
            at -= 0.13 * (len(values) - 1)
            axes.errorbar(mean, at, xerr=[[mean - low], [high - mean]], markerfacecolor=fill, **look)
        told.append("\n".join(wrap(f"{numbers[claim.text]}. {claim.text}", 62)))
        own = verdict(claim) + " *" * of_earlier_learners(claim)
        verdicts.append("\n".join(wrap(own, 23)))
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set(xlim=(-103, 103), ylim=(len(claims) - 0.5, -1.2))
    axes.set_xlabel("← the opposite    difference of success (points)    the claim holds →")
    rows = [-0.85, *range(len(claims))]
    axes.set_yticks(rows, told, fontsize=8)
    axes.get_yticklabels()[0].set_weight("bold")
    figure.get_layout_engine().set(rect=(0, 0, 0.77, 1))  # the rest is for the texts
    look = dict(transform=axes.get_yaxis_transform(), va="center", fontsize=8, in_layout=False)
    for place, texts in ((1.02, verdicts), (1.38, over)):
        for row, text in zip(rows, texts, strict=True):
            bold = text == texts[0] or text == "refuted here"
            axes.text(place, row, text, weight="bold" if bold else "normal", **look)
    handles = [axes.plot([], [], MARKERS[place], color=colour)[0] for place, colour in PLACES.items()]
    plots.legend_beside(figure, dict(zip(PLACES, handles, strict=True)), "upper")
    ours = (f"{numbers[claim.text]} {told}" for claim, told in zip(claims, verdicts[1:], strict=True))
    alt = "The course's claims as differences with 95 % intervals; right of 0 the claim holds. Our verdicts: "
    return figure, alt + "; ".join(ours).replace("\n", " ") + "."
