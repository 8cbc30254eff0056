"""`make gpu`, rehearsed on a CPU at tiny sizes: what it leaves, what a second call adds, what time ends."""

import json

import pytest

import gpu
from qlac_lite.utils.files import read_csv


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "CELLS", {"qc-fql": ["qc-fql"], "bfn-2": ["bfn", "--set", "candidates=2"]})

    def run(minutes, seeds):
        monkeypatch.setattr(gpu, "BENCHES", [("qc-fql", "float32", seeds)])
        gpu.main(minutes, tmp_path / "out", tmp_path / "work", tiny=True)
        return (tmp_path / "out" / "README.md").read_text()

    return run


@pytest.mark.around
def test_a_call_measures_trains_and_reports_and_another_goes_on_from_there(call, tmp_path):
    page = call(10, [1])
    assert "| qc-fql | 1 | float32 |" in page and "| BFN" in page and "of another size" in page
    assert {path.name for path in (tmp_path / "out" / "cells").iterdir()} == {"qc-fql", "bfn-2"}
    measured = (tmp_path / "out" / "bench.csv").read_text()
    trained = (tmp_path / "out" / "cells" / "qc-fql" / "progress.csv").read_text()
    page = call(10, [1, 2])
    assert "| qc-fql | 2 | float32 |" in page
    assert (tmp_path / "out" / "bench.csv").read_text().startswith(measured)
    assert (tmp_path / "out" / "cells" / "qc-fql" / "progress.csv").read_text() == trained
    biggest = max(path.stat().st_size for path in (tmp_path / "out").rglob("*.*"))
    assert biggest < 2**20 and not list((tmp_path / "out").rglob("*.npz"))


def test_a_call_without_time_still_leaves_what_there_is(call, tmp_path):
    page = call(0, [1])
    assert "What one GPU does" in page
    assert json.loads((tmp_path / "out" / "machine.json").read_text())["command"] == "make gpu MINUTES=0"
    assert read_csv(tmp_path / "out" / "bench.csv") == []
