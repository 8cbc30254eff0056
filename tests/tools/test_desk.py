"""The desk cells that lesson 07 draws are those of results/desk, and only finished runs are taken."""

from pathlib import Path

import numpy as np
import pytest

import desk
from qlac_lite.config import make_config
from qlac_lite.training.run_folder import create_run, recorded_runs

SCENE = "scene-play-sparse-singletask-task1-v0"


@pytest.mark.parametrize("run", recorded_runs("desk"), ids=lambda run: "-".join(run.folder.parts[-2:]))
def test_the_packed_cells_are_the_recorded_ones(run):
    recorded = desk.RECORDS.joinpath(*run.folder.parts[-2:])
    for file in run.folder.iterdir():
        assert file.read_bytes() == (recorded / file.name).read_bytes()
    assert desk.cell_of(run) == Path(*run.folder.parts[-2:])
    assert run.config.seeds >= 4


def test_only_finished_runs_are_taken(tmp_path):
    for method, phase in (("qc", "done"), ("fql", "online")):
        config = make_config(SCENE, method, "desk", seeds=2, offline_steps=4, online_steps=2)
        run = create_run(tmp_path / method, config, dict(path="play.npz", sha256="0" * 64), resume=False)
        ends = [("offline", 4, 0), ("online", 2, 1)]
        run.append(
            "evaluations.csv",
            [dict(phase=p, step=n, seed=s, success=value) for p, n, value in ends for s in (0, 1)],
        )
        for name in ("progress.csv", "episodes.csv"):
            run.append(name, [dict(phase="online", step=2, seed=0)])
        run.append("utilisation.csv", [dict(phase="online", step=2, seconds=90.0)] * 2)
        run.save_checkpoint({"w": np.zeros(2)}, phase, 2)
    desk.take(tmp_path, tmp_path / "records", tmp_path / "packed")
    (cell,) = (tmp_path / "packed" / SCENE).iterdir()
    assert cell.name == "qc" and {path.name for path in cell.iterdir()} == {"run.json", "evaluations.csv"}
    header, _, row = desk.table(tmp_path / "records").splitlines()
    told = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert told["minutes"] == "3" and told["method"] == "QC"
    assert told["success offline"].startswith("0%") and told["and online"].startswith("100%")
