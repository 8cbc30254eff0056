"""The paper's figures as quoted, and the verdict on ours beside them."""

from pathlib import Path

import pytest

from qlac_lite.config import DOMAINS, METHODS
from qlac_lite.reports.paper import overlap, quoted, verdict
from qlac_lite.utils.errors import QlacError

M = 1_000_000
PAPER_DOMAINS = [name for name in DOMAINS if name != "cube-single"]
QUOTED = [METHODS[name] for name in ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc", "rlpd", "rlpd-ac")]


def five(domain: str) -> list[str]:
    return [
        f"{domain}-play{'-sparse' * DOMAINS[domain].sparse_in_paper}-singletask-task{i}-v0"
        for i in range(1, 6)
    ]


@pytest.mark.parametrize(
    "task, method, steps, percent",  # arXiv 2507.07969, figures and tables
    [
        ("cube-triple", "qc", (M, 0), 5),
        ("cube-triple", "qc", (M, M), 64),
        ("scene", "fql", (M, 0), 52),
        ("scene", "fql", (M, M), 95),
        ("all", "bfn-n", (M, M), 50),
        ("all", "rlpd", (0, M), 67),
        ("all", "rlpd-ac", (0, M), 61),
        ("puzzle-3x3-play-sparse-singletask-task4-v0", "qc", (100_000, 0), 95),
        ("puzzle-3x3-play-sparse-singletask-task4-v0", "qc-fql", (100_000, 0), 22),
        ("scene-play-sparse-singletask-task1-v0", "bfn", (100_000, 0), 89),
        ("cube-double-play-singletask-task4-v0", "qc-fql", (M, 200_000), 72),
        ("square", "rlpd-ac", (0, M), 87),
        ("lift", "qc-fql", (100_000, 0), 99),
    ],
)
def test_quotes_are_the_papers(task, method, steps, percent):
    mean, low, high = quoted(task, method)[steps]
    assert abs(100 * mean - percent) <= 0.5001 and low <= mean <= high


def test_every_method_of_the_paper_is_quoted_at_its_protocols_steps():
    for method in QUOTED:
        online_only = method.settings.get("offline_steps") == 0
        wanted = {(0, 200_000), (0, M)} if online_only else {(100_000, 0), (M, 0), (M, 200_000), (M, M)}
        for task in [
            *(name for domain in PAPER_DOMAINS for name in five(domain)),
            *PAPER_DOMAINS,
            "all",
            "lift",
            "can",
            "square",
        ]:
            cells = quoted(task, method.name)
            assert set(cells) == wanted, (task, method.name)
            assert all(0 <= low <= mean <= high <= 1 for mean, low, high in cells.values())


def test_a_domain_is_the_mean_of_its_tasks_as_far_as_the_released_curves_agree():
    for method in QUOTED:
        apart = 0.03 if method.name in ("bfn", "bfn-n", "qc", "rlpd-ac") else 0.003
        for domain in PAPER_DOMAINS:
            for steps, (mean, _, _) in quoted(domain, method.name).items():
                assert mean == pytest.approx(
                    sum(quoted(name, method.name)[steps][0] for name in five(domain)) / 5, abs=apart
                )


@pytest.mark.parametrize(
    "task, method",
    [
        ("scene-play-singletask-task1-v0", "qc"),  # the paper's scene is sparse
        ("cube-single-play-singletask-task1-v0", "qc"),
        ("cube-single", "qc"),
        ("lite-world", "qc"),
        ("scene", "qc-rlpd"),
    ],
)
def test_what_the_paper_does_not_have_is_not_quoted(task, method):
    assert quoted(task, method) == {}


def test_unknown_names_are_refused():
    with pytest.raises(QlacError, match="Did you mean scene"):
        quoted("sene", "qc")
    with pytest.raises(QlacError, match="Did you mean qc-fql"):
        quoted("scene", "qcfql")


def test_the_verdict_is_our_mean_against_the_papers_interval():
    paper = (0.5, 0.4, 0.6)
    assert [verdict((mean, 0.3, 0.7), paper) for mean in (0.39, 0.4, 0.5, 0.6, 0.61)] == [
        "below",
        "inside",
        "inside",
        "inside",
        "above",
    ]
    assert verdict((0.1 + 0.5, 0.3, 0.7), (0.6, 0.6, 0.6)) == "inside"
    assert verdict((sum([0.1] * 6), 0.3, 0.7), (0.6, 0.6, 0.6)) == "inside"  # 0.6 less a rounding error
    assert (
        overlap((0.3, 0.2, 0.4), paper)
        and not overlap((0.3, 0.2, 0.39), paper)
        and not overlap((0.7, 0.61, 0.8), paper)
    )


def test_the_results_page_quotes_the_same_numbers():
    lines = (
        (Path(__file__).parents[2] / "results" / "README.md")
        .read_text()
        .partition("## The paper's figures")[2]
        .splitlines()
    )
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    domains = table[0][1:]
    assert domains[-1] == "all 25" and {row[0] for row in table[2:]} == {method.title for method in QUOTED}
    names = {method.title: method.name for method in METHODS.values()}
    for title, *cells in table[2:]:
        for domain, cell in zip(domains, cells, strict=True):
            quotes = quoted(domain.removesuffix(" 25"), names[title])
            before, _, after = cell.rpartition("→")
            for percent, steps in ((before, (M, 0)), (after, (M, M) if before else (0, M))):
                if percent.strip():
                    assert abs(float(percent) - 100 * quotes[steps][0]) <= 0.5001, (title, domain)
