"""The D1 / D5 experiment with whole runs, on any task: `qlac experiment exploration --task TASK --out DIR`.

A single-action and a chunk method are trained on the data D, then collect D1 and D5 without learning. Both
are trained afresh on D + D1 and on D + D5; their results on D are the collectors'. On the lite world:
`designs.exploration`. Source: the review that this course began with (cube-triple, 1M steps each).
"""

from pathlib import Path

import numpy as np

from qlac_lite.config import get_method, get_task, make_config
from qlac_lite.experiments.runner import Rows, describe
from qlac_lite.training.collected import load_collected
from qlac_lite.training.loop import finish_run
from qlac_lite.training.run_folder import Run
from qlac_lite.utils import statistics
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_csv

SETS = ("D", "D+D1", "D+D5")


def explore(
    task: str, out: Path, data: Path, preset: str = "lite", methods=("fql", "qc-fql"), log=print, **changes
) -> Rows:
    """Runs what is not finished yet in `out`, writes exploration.csv there, and returns its rows.

    A row is a learner's seed: method, data (one of SETS), seed, success (rate), episodes; with a collection
    also what `describe` says of it. Each method collects `online_steps` transitions. QlacError: not one
    method of single actions and one of chunks, or what a run raises.
    """
    if [get_method(method).backup == "chunk" for method in methods] != [False, True]:
        raise QlacError(
            "Two methods are compared, first one of single actions, then one of chunks, not "
            f"{', '.join(methods) or 'none'}. For example: --method bfn --method qc"
        )
    collectors, rows = [], []
    for method in methods:
        config = make_config(task, method, preset, **changes | dict(updates_per_step=0, online_start=0))
        if config.offline_steps == 0 or config.online_steps == 0:
            wanted = "set offline_steps and online_steps above 0"
            raise QlacError(f"{method} learns offline, then collects: {wanted}.")
        collectors.append(finish_run(config, data, out / f"{method}-collects", log=log))
    for method, own in zip(methods, collectors, strict=True):
        rows += _rows(own, SETS[0])
        config = make_config(task, method, preset, **changes | dict(online_steps=0))
        for name, collector in zip(SETS[1:], collectors, strict=True):
            run = finish_run(config, data, out / f"{method}-{name}", collector.folder, log)
            rows += _rows(run, name, collector)
    write_csv(out / "exploration.csv", rows)
    return rows


def _rows(run: Run, name: str, collector: Run | None = None) -> Rows:
    """A row a seed, from the last evaluation of the offline phase."""
    last = statistics.newest([row for row in run.rows("evaluations.csv") if row["phase"] == "offline"])
    rows = [
        dict(method=run.config.method, data=name, seed=seed, success=float(each.mean()), episodes=len(each))
        for seed, each in statistics.by_seed(last).items()
    ]
    if collector:
        replay, domain = load_collected(collector.folder, run.config).data, get_task(run.config.task).domain
        rows = [row | describe(replay, i, domain) for i, row in enumerate(rows)]
    return rows


def summary(rows: Rows) -> str:
    """A line a learner: success on each set, and D5 less D1 seed by seed; then a line a collection."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        texts, rates = [], []
        for name in SETS:
            parts = [row for row in rows if (row["method"], row["data"]) == (method, name)]
            rates.append([100 * row["success"] for row in parts])
            outcomes = [np.arange(r["episodes"]) < round(r["success"] * r["episodes"]) for r in parts]
            texts.append(f"{name} {statistics.percent_interval(statistics.success_interval(outcomes))}")
        gain = statistics.difference(rates[2], rates[1])
        gain = statistics.points_interval(gain, (-100, 100), "+.0f")
        lines.append(f"{get_method(method).title:8} {', '.join(texts)}; D5 less D1, by seed: {gain} points")
    for name in SETS[1:]:
        parts = [row for row in rows if row["data"] == name]
        mean = {key: np.mean([row[key] for row in parts]) for key in parts[0] if key.startswith("collected")}
        lines.append(
            f"{name[2:]}: {mean['collected']:,.0f} chunk starts a seed, {mean['collected_coherency']:.3f} m "
            f"in 5 steps, {mean['collected_coverage']:.1%} of the workspace, "
            f"{mean['collected_success']:.0%} of the episodes solved"
        )
    return "\n".join(lines)
