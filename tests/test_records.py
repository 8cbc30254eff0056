"""Records that come with the library: each names the version of the learners that made it."""

import json
from pathlib import Path

import pytest

from qlac_lite import LEARNERS

ROOT = Path(__file__).parents[1]
RECORDS = [file for folder in ("qlac_lite/assets", "results") for file in (ROOT / folder).rglob("*.json")]
RECORDS = [file for file in RECORDS if file.name in ("run.json", "experiment.json")]


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: "/".join(file.parts[-4:-1]))
def test_a_record_names_the_version_of_its_learners(file):
    assert json.loads(file.read_text())["provenance"]["learners"] in range(1, LEARNERS + 1)


def test_the_page_of_results_marks_every_folder_of_earlier_learners():
    """An experiment of earlier learners is drawn until it is run anew; results/README says so."""
    earlier = {
        file.parent.name
        for file in RECORDS
        if file.name == "experiment.json"
        and json.loads(file.read_text())["provenance"]["learners"] < LEARNERS
    }
    sections = (ROOT / "results/README.md").read_text().split("\n## ")
    marked = "\n".join(section for section in sections if "*Earlier learners" in section)
    assert all(name in marked for name in earlier), earlier


def test_what_is_recorded_today_has_todays_version():
    from qlac_lite.utils.provenance import provenance

    assert provenance()["learners"] == LEARNERS
