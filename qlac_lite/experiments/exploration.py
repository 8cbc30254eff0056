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
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_csv
from qlac_lite.utils.statistics import difference, success_interval

SETS = ("D", "D+D1", "D+D5")


def explore(
    task: str, out: Path, data: Path, preset: str = "lite", methods=("fql", "qc-fql"), log=print, **changes
) -> Rows:
    """Runs what is not finished yet in `out`, writes exploration.csv there, and returns its rows.

    A row is a learner's seed: method, data (one of SETS), seed, success (rate), episodes; with a collection
    also what `describe` says of it. Of the two methods, a single-action and a chunk one, each collects
    `online_steps` transitions. QlacError: not two such methods, or what a run raises.
    """
    if [get_method(method).backup == "chunk" for method in methods] != [False, True]:
        raise QlacError(
            "Two methods are compared, first one of single actions, then one of chunks, not "
            f"{', '.join(methods) or 'none'}. For example: --method bfn --method qc"
        )
    folders = {method: out / f"{method}-collects" for method in methods}
    for method, folder in folders.items():
        config = make_config(task, method, preset, **{**changes, "updates_per_step": 0, "online_start": 0})
        if config.offline_steps == 0 or config.online_steps == 0:
            raise QlacError(
                f"{method} learns offline, then collects: set offline_steps and online_steps above 0."
            )
        finish_run(config, data, folder, log=log)
    rows = []
    for method in methods:
        rows += _rows(folders[method], method, SETS[0], None)
        config = make_config(task, method, preset, **{**changes, "online_steps": 0})
        for name, folder in zip(SETS[1:], folders.values(), strict=True):
            learner = out / f"{method}-{name}"
            finish_run(config, data, learner, folder, log)
            rows += _rows(learner, method, name, folder)
    write_csv(out / "exploration.csv", rows)
    return rows


def _rows(folder: Path, method: str, name: str, collector: Path | None) -> Rows:
    """A row a seed, from the last evaluation of the offline phase."""
    run = open_run(folder)
    there = [row for row in run.rows("evaluations.csv") if row["phase"] == "offline"]
    last = [row for row in there if row["step"] == there[-1]["step"]]
    replay = load_collected(collector, run.config).data if collector else None
    rows = []
    for i, seed in enumerate(run.config.seed_list):
        success = [row["success"] for row in last if row["seed"] == seed]
        row = dict(method=method, data=name, seed=seed, success=float(np.mean(success)))
        seen = describe(replay, i, get_task(run.config.task).domain) if collector else {}
        rows.append(row | {"episodes": len(success)} | seen)
    return rows


def summary(rows: Rows) -> str:
    """A line a learner: success on each set, and D5 less D1 seed by seed; then a line a collection."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        texts, rates = [], []
        for name in SETS:
            parts = [row for row in rows if (row["method"], row["data"]) == (method, name)]
            rates.append(np.array([row["success"] for row in parts]))
            outcomes = [np.arange(r["episodes"]) < round(r["success"] * r["episodes"]) for r in parts]
            texts.append("{} {:.0%} [{:.0%}, {:.0%}]".format(name, *success_interval(outcomes)))
        mean, low, high = (100 * value for value in difference(rates[2], rates[1]))
        lines.append(
            f"{get_method(method).title:8} {', '.join(texts)}; D5 less D1, seed by seed: "
            f"{mean:+.0f} [{low:+.0f}, {high:+.0f}] points"
        )
    for name in SETS[1:]:
        parts = [row for row in rows if row["data"] == name]
        mean = {key: np.mean([row[key] for row in parts]) for key in parts[0] if key.startswith("collected")}
        lines.append(
            f"{name[2:]}: {mean['collected']:,.0f} chunk starts a seed, {mean['collected_coherency']:.3f} m "
            f"in 5 steps, {mean['collected_coverage']:.1%} of the workspace, "
            f"{mean['collected_success']:.0%} of the episodes solved"
        )
    return "\n".join(lines)
