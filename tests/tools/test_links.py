"""The course's links: stamped by one command for whatever repository it is pushed to,
and every stale one found."""

import shutil

import pytest

import build_lessons
import links
from links import ROOT, repository, stale_links, stamp
from qlac_lite.utils.errors import QlacError


def test_no_link_of_the_course_is_stale():
    assert stale_links() == []


@pytest.fixture
def copy(tmp_path):
    for pattern in links.STAMPED:
        for path in ROOT.glob(pattern):
            (tmp_path / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / path.relative_to(ROOT))
    for folder in ("qlac_lite", "results", "docs"):  # what links point to
        shutil.copytree(
            ROOT / folder, tmp_path / folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_one_command_stamps_badges_bootstrap_readme_and_citation_and_can_be_undone(copy, monkeypatch):
    old = repository(copy)
    before = {path: path.read_bytes() for path in links._files(copy)}
    changed = stamp("ada-l/chunks_2.0", copy)
    lessons = [
        f"{folder}/{source.stem}.ipynb"
        for source in build_lessons.lesson_sources()
        for folder in ("notebooks", "solutions")
    ]
    assert {*lessons, "pyproject.toml", "CITATION.cff", "README.md"} <= set(changed)
    assert stale_links(copy) == [] and repository(copy) == "ada-l/chunks_2.0"
    for path in before:
        assert old not in path.read_text().replace("publish-links REPO=", ""), path
    monkeypatch.setattr(build_lessons, "ROOT", copy)
    assert [
        problem for source in (copy / "solutions").glob("0*.py") for problem in build_lessons.stale(source)
    ] == [], "a build would change it"
    assert sorted(stamp(old, copy)) == sorted(changed)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "text, found",
    [
        (
            "[c](https://colab.research.google.com/github/eve/other/blob/main/notebooks/00_welcome.ipynb)",
            "is not",
        ),
        ("git clone https://github.com/eve/fork.git", "is not"),
        ('"git+https://github.com/eve/fork"', "is not"),
        ("https://github.com/eve/qlac-lite/issues", "is not"),
        (
            "[c](https://colab.research.google.com/github/OURS/blob/main/notebooks/99_gone.ipynb)",
            "no notebooks/99_gone",
        ),
        ("[c](https://colab.research.google.com/github/OURS/blob/main/notebooks/00_welcome.ipynb)", ""),
        ("https://github.com/OURS.git and https://github.com/OURS", ""),
        (
            "the authors' code, https://github.com/ColinQiyangLi/qc, and https://github.com/seohongpark/ogbench.",
            "",
        ),
    ],
)
def test_every_stale_link_is_found_and_no_other(copy, text, found):
    (copy / "docs" / "new.md").write_text(text.replace("OURS", repository(copy)))
    problems = stale_links(copy)
    assert (found in problems[0] and "docs/new.md" in problems[0]) if found else problems == [], problems


@pytest.mark.parametrize("name", ["", "qlac-lite", "a/b/c", "https://github.com/a/b", "a/b c", "../x"])
def test_a_name_that_is_none_is_refused(copy, name):
    with pytest.raises(QlacError, match="owner/name"):
        stamp(name, copy)
