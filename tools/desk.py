"""Takes the finished runs of the preset `desk` into results/desk, and lesson 07's into the package.

    python tools/desk.py runs/desk

A run goes to TASK/METHOD with its settings and tables, without its checkpoint; one whose alpha or N is not
its preset's to TASK/METHOD-SETTING-VALUE. Prints the table of README.
"""

import shutil
from pathlib import Path

import typer

from qlac_lite.config import get_method, get_task, make_config
from qlac_lite.reports.curves import PAPER_STEPS
from qlac_lite.reports.paper import quoted
from qlac_lite.reports.pooling import Group, phase_ends, successes
from qlac_lite.training.run_folder import LOGS, Run, find_runs
from qlac_lite.utils.files import markdown
from qlac_lite.utils.statistics import percent_interval

ROOT = Path(__file__).resolve().parents[1]
RECORDS, PACKED = ROOT / "results/desk", ROOT / "qlac_lite/assets/desk"


def take(runs: Path, records: Path = RECORDS, packed: Path = PACKED) -> None:
    """Copies the finished runs in `runs`; what is there of another run of the same cell is replaced.

    Lesson 07 draws OGBench's.
    """
    for run in find_runs(runs):
        if run.status()[0] != "done":
            continue
        cell = cell_of(run)
        copies = [(records / cell, LOGS)]
        if get_task(run.config.task).domain.suite == "ogbench":
            copies.append((packed / cell, ("evaluations.csv",)))
        for folder, tables in copies:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in ("run.json", *tables):
                shutil.copyfile(run.folder / name, folder / name)


def cell_of(run: Run) -> Path:
    """Where a run belongs, such as TASK/qc-fql, or TASK/qc-fql-alpha-300 if its preset has another alpha."""
    config, tuned = run.config, get_method(run.config.method).tuned
    usual = make_config(config.task, config.method, config.preset)
    apart = [key for key in tuned if getattr(config, key) != getattr(usual, key)]
    return Path(config.task) / "-".join(
        [config.method, *(f"{key}-{getattr(config, key):g}" for key in apart)]
    )


def table(records: Path = RECORDS) -> str:
    """A row a cell: minutes, success after both phases, and the paper's at its own size."""
    rows = []
    for run in find_runs(records):
        if run.folder.name != run.config.method or "pilot" in run.folder.parts:
            continue
        ends = phase_ends(Group([run], [successes([run])]).points, run.config.offline_steps)
        paper = quoted(run.config.task, run.config.method)
        points = [paper.get(steps) for steps in PAPER_STEPS]
        row = {"task": get_task(run.config.task).title, "method": get_method(run.config.method).title}
        minutes = sum(row["seconds"] for row in run.rows("utilisation.csv")) / 60
        row |= {"seeds": run.config.seeds, "minutes": f"{minutes:.0f}"}
        row |= {"success offline": ends["success offline"], "and online": ends["success online"]}
        for name, point in zip(("the paper's at 100K", "at 1M + 200K"), points, strict=True):
            row[name] = percent_interval(point) if point else "-"
        rows.append(row)
    return markdown(rows)


def main(runs: Path, records: Path = RECORDS, packed: Path = PACKED) -> None:
    take(runs, records, packed)
    print(table(records))


if __name__ == "__main__":
    typer.run(main)
