"""The page of findings: claims name cells that experiments have, and verdicts follow the intervals."""

import pytest

from qlac_lite.config import METHODS
from qlac_lite.experiments.catalogue import EXPERIMENTS
from qlac_lite.reports import findings
from qlac_lite.utils.statistics import gap_text


def test_every_claim_is_about_cells_that_are_run():
    cells = {name: {cell.name for cell in make()} for name, make in EXPERIMENTS.items()}
    for claim in findings.CLAIMS:
        assert claim.lite or claim.desk or claim.paper, claim.text
        for part in claim.lite:
            name, cell = part.split("/")
            assert cell in cells[name.removesuffix("-again")], part  # the same cells with new seeds
        assert set(claim.paper) <= set(METHODS) and {part.split("/")[1] for part in claim.desk} <= set(
            METHODS
        )
        for parts in (claim.lite, claim.desk, claim.paper):
            assert sum(parts.values()) == pytest.approx(0)  # a difference


@pytest.mark.parametrize(
    "ours, said",
    [
        ([(5, 2, 8)], "shown"),
        ([(-5, -8, -2)], "refuted here"),
        ([(5, -2, 12)], "not shown"),
        ([(5, 2, 8), (5, -2, 12)], "lite world: shown; desk: not shown"),
        ([(-5, -8, -2), (5, 2, 8)], "lite world: refuted; desk: shown"),
        ([], "not recorded yet"),
    ],
)
def test_a_verdict_follows_the_intervals(ours, said):
    assert findings.judged(dict(zip(("lite world", "desk"), ours, strict=False))) == said


def test_the_picture_tells_every_verdict():
    _, alt = findings.draw(findings.CLAIMS[3:5])
    assert alt.endswith("4 refuted here; 5 shown.")


def test_an_interval_that_leaves_0_out_says_so():
    assert gap_text((-6.75, -13.46, -0.04)) == "-7 [-13, -0.04]"
    assert gap_text((90, 60, 120)) == "90 [60, 100]" and gap_text((0, 0, 0)) == "0 [0, 0]"


def test_the_papers_differences_are_taken_task_by_task():
    apart = findings.in_paper(findings.less("qc-fql", "fql-n"))
    assert apart.shape == (25,) and -100 <= apart.min() and apart.max() <= 100
