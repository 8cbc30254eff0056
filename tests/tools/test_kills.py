"""Training and generation lose nothing when they are killed; and the tool that says so can say otherwise."""

import numpy as np
import pytest

import kill_often
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json


@pytest.mark.around
def test_ten_kills_lose_nothing(tmp_path):
    kill_often.kill_often(kills=10, out=tmp_path, task="lite-world")
    found = read_json(tmp_path / "kills.json", "")["found"]
    assert [(name, each["kills"], sum(each["at"].values())) for name, each in found.items()] == [
        ("data", 5, 5),
        ("train", 5, 5),
    ]


def test_what_was_lost_is_seen(tmp_path):
    whole = {"checkpoint": np.arange(3)}
    assert kill_often._same(0, dict(whole), whole)
    for code, found in ((1, whole), (0, {"checkpoint": np.array([0, 1, 3])}), (0, whole | {"more": 1})):
        with pytest.raises(AssertionError):
            kill_often._same(code, found, whole)
    (tmp_path / "run.json").write_text('{"config": {')
    with pytest.raises(QlacError, match="Cannot read"):
        kill_often._state_of_run(tmp_path)
    (tmp_path / "play.npz").write_bytes(b"PK half of it")
    with pytest.raises(QlacError, match="not an npz file"):
        kill_often._state_of_data(tmp_path)
