"""Odd submissions, made ready for nbgrader: what learners wrote stays, and one never stops the others.

That nbgrader then grades them is tested in tests/lessons/test_grading.py.
"""

import copy
import json
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.nbgraderformat import MetadataValidator
from typer.testing import CliRunner

import collect

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
STUB = "def {}(x):\n    raise NotImplementedError()"


def mark(name, solution=False, grade=False):
    flags = dict(solution=solution, grade=grade, locked=not solution, task=False, schema_version=3)
    return {"nbgrader": flags | {"grade_id": name} | ({"points": 1} if grade else {})}


def released(*functions):
    """A lesson: a title, imports, and for each function a stub and its check; then a question."""
    cells = [new_markdown_cell("# A lesson"), new_code_cell("import checks")]
    for name in functions:
        cells.append(new_code_cell(STUB.format(name), metadata=mark(name, solution=True), id=name))
        check = f"{name} = checks.check_{name}({name})"
        cells.append(new_code_cell(check, metadata=mark(f"check_{name}", grade=True), id=f"check_{name}"))
    question = mark("question", solution=True, grade=True)
    cells.append(new_markdown_cell("Your answer here", metadata=question, id="question"))
    return new_notebook(cells=cells, metadata=copy.deepcopy(KERNEL))


LESSONS = {"03_flow": released("euler", "loss"), "04_fql": released("q_loss", "train")}


def solved(stem="04_fql", **answers):
    """What a learner hands in who filled in everything."""
    notebook = copy.deepcopy(LESSONS[stem])
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.get(cell.id, cell.source.replace("raise NotImplementedError()", "return 7"))
    return notebook


def cell(notebook, name):
    return next(each for each in notebook.cells if each.get("id") == name)


def at(notebook, name):
    return notebook.cells.index(cell(notebook, name))


def again(each, source=None):
    return new_code_cell(source or each.source, metadata=copy.deepcopy(each.metadata))


# What a learner does to a solved notebook, by what is said of it.
def twice(notebook):
    notebook.cells.insert(
        at(notebook, "q_loss"), again(cell(notebook, "q_loss"), "def q_loss(x):\n    return 1")
    )


def copied_as_a_backup(notebook):
    answer = cell(notebook, "q_loss")
    notebook.cells.insert(at(notebook, "q_loss") + 1, again(answer, STUB.format("q_loss")))


def split(notebook):
    answer = cell(notebook, "q_loss")
    notebook.cells.insert(at(notebook, "q_loss"), again(answer, "HALF = 3.5"))
    answer.source = "def q_loss(x):\n    return 2 * HALF"


def check_twice(notebook):
    notebook.cells.append(again(cell(notebook, "check_q_loss")))


def markdown(notebook):
    answer = cell(notebook, "q_loss")
    text = new_markdown_cell(answer.source, metadata=answer.metadata, id="q_loss")
    notebook.cells[at(notebook, "q_loss")] = text


def raw(notebook):
    markdown(notebook)
    cell(notebook, "q_loss").cell_type = "raw"


def question_as_code(notebook):
    cell(notebook, "question").update(cell_type="code", outputs=[], execution_count=None)


def no_check(notebook):
    del notebook.cells[at(notebook, "check_q_loss")]


def no_answer(notebook):
    del notebook.cells[at(notebook, "train")]


def written_elsewhere(notebook):
    del notebook.cells[at(notebook, "q_loss")]
    notebook.cells.insert(2, new_code_cell("import math\n\n\ndef q_loss(x):\n    return 7"))


def check_first(notebook):
    check = notebook.cells.pop(at(notebook, "check_q_loss"))
    notebook.cells.insert(0, check)


def easier(notebook):
    cell(notebook, "check_q_loss").source = "pass"


def more_points(notebook):
    cell(notebook, "check_q_loss").metadata.nbgrader.points = 100


def old_schema(notebook):
    cell(notebook, "q_loss").metadata.nbgrader = {"grade_id": "q_loss"}


def empty_mark(notebook):
    notebook.cells.append(new_code_cell("extra = 1", metadata={"nbgrader": {}}))


def foreign_mark(notebook):
    notebook.cells.append(new_code_cell("extra = 1", metadata=mark("q_lose", solution=True)))


def no_marks(notebook):
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)


def colab(notebook):
    notebook.nbformat_minor, notebook.metadata = 0, {"colab": {}, "kernelspec": {"name": "conda-env"}}
    for each in notebook.cells:
        each.metadata["id"] = each.pop("id")


def no_kernel(notebook):
    notebook.metadata = {}


def same_identifiers(notebook):
    notebook.cells.append(new_code_cell("extra = 1", id="q_loss", metadata={"nbgrader": {}}))


KINDS = {
    twice: "q_loss: 2 cells, one is graded",
    copied_as_a_backup: "q_loss: a copy without an answer left out",
    split: "q_loss: 2 cells, one is graded",
    check_twice: "check_q_loss: a copy of the check left out",
    markdown: "q_loss: was markdown",
    raw: "q_loss: was raw",
    question_as_code: "question: was code",
    no_check: "check_q_loss: was deleted, put back",
    no_answer: "train: was deleted, put back",
    written_elsewhere: "q_loss: mark set back",
    check_first: "check_q_loss: stood before its answer",
    easier: "check_q_loss: the check was changed",
    more_points: "check_q_loss: mark set back",
    old_schema: "q_loss: mark set back",
    empty_mark: "a mark that is not the lesson's",
    foreign_mark: "a mark that is not the lesson's",
    no_marks: "q_loss: mark set back",
    colab: "kernel conda-env",
    no_kernel: "kernel missing",
    same_identifiers: "a mark that is not the lesson's",
}


@pytest.mark.parametrize("spoil", KINDS, ids=lambda spoil: spoil.__name__)
def test_an_odd_notebook_is_mended_and_its_answers_stay(spoil):
    notebook = solved()
    spoil(notebook)
    whole, notes, _ = collect.mended(copy.deepcopy(notebook), LESSONS["04_fql"])
    assert KINDS[spoil] in notes
    nbformat.validate(whole)
    MetadataValidator().validate_nb(whole)
    marked = [each for each in whole.cells if each.metadata.get("nbgrader")]
    model = [each for each in LESSONS["04_fql"].cells if each.metadata.get("nbgrader")]
    same = lambda cells: [(each.metadata.nbgrader, each.cell_type) for each in cells]
    assert same(marked) == same(model) and whole.metadata == KERNEL
    names = {}  # as nbgrader executes it
    checks = "".join(f"def check_{name}(f):\n    return f\n\n\n" for name in ("q_loss", "train"))
    code = [each.source for each in whole.cells if each.cell_type == "code"]
    exec(checks + "\n".join(code).replace("import checks", "").replace("checks.", ""), names)
    assert names["q_loss"](0) == 7 and (spoil is no_answer or names["train"](0) == 7)
    assert spoil not in (empty_mark, foreign_mark, same_identifiers) or names["extra"] == 1
    assert collect.mended(whole, LESSONS["04_fql"])[1] == [], "mended once, it is as it should be"


def test_a_notebook_as_it_should_be_is_left_alone():
    whole, notes, answers = collect.mended(solved(), LESSONS["04_fql"])
    assert whole == solved() and notes == [] and answers == 2
    assert collect.mended(copy.deepcopy(LESSONS["04_fql"]), LESSONS["04_fql"])[1:] == ([], 0)


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "release" / "week 1").mkdir(parents=True)
    for stem, notebook in LESSONS.items():
        nbformat.write(notebook, tmp_path / "release" / "week 1" / f"{stem}.ipynb")
    return tmp_path


def hand_in(lab, name, files):
    """Writes files of a learner, as notebooks or as bytes."""
    for file, content in files.items():
        path = lab / "submitted" / name / "week 1" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else nbformat.writes(content).encode())


@pytest.mark.parametrize(
    "name",
    [
        "Copy of 04_fql.ipynb",
        "Kopie von 04_fql.ipynb",
        "04_fql (1).ipynb",
        "04_fql-Copy1.ipynb",
        "04_FQL.ipynb",
        "ada lovelace.ipynb",
        "04_fql.ipynb.txt",
        "week 1/04_fql.ipynb",
        "03_flow (copy).ipynb",
    ],
)
def test_a_notebook_is_known_by_its_cells_whatever_its_name(lab, name):
    hand_in(lab, "ada", {name: solved(), "03_flow.ipynb": solved("03_flow")})
    before = (lab / "submitted/ada/week 1/03_flow.ipynb").read_bytes()
    said = collect.collect("week 1", lab)
    assert f"ada: 04_fql: handed in as {name}" in said
    folder = lab / "submitted" / "ada" / "week 1"
    assert {path.name for path in folder.rglob("*.ipynb*")} == {"03_flow.ipynb", "04_fql.ipynb"}
    assert nbformat.read(folder / "04_fql.ipynb", as_version=4) == solved()
    assert (folder / "03_flow.ipynb").read_bytes() == before
    (kept,) = (lab / "collected" / "ada" / "week 1").iterdir()
    assert nbformat.reads(kept.read_text(), as_version=4) == solved()
    assert collect.collect("week 1", lab).startswith("1 submissions, 0 remarks.")


def test_of_two_files_the_one_with_more_answers_is_taken_and_nothing_is_lost(lab):
    files = {"04_fql.ipynb": LESSONS["04_fql"], "04_fql (1).ipynb": solved()}
    hand_in(lab, "ada", files | {".ipynb_checkpoints/04_fql-checkpoint.ipynb": solved()})
    said = collect.collect("week 1", lab)
    assert "handed in as 04_fql (1).ipynb; taken in place of 04_fql.ipynb" in said
    assert nbformat.read(lab / "submitted/ada/week 1/04_fql.ipynb", as_version=4) == solved()
    kept = {path.name[9:]: path.read_text() for path in (lab / "collected/ada/week 1").iterdir()}
    assert kept == {name: nbformat.writes(notebook) for name, notebook in files.items()}


def test_what_cannot_be_read_stops_nobody(lab, monkeypatch):
    broken = {
        "empty": b"",
        "cut": nbformat.writes(solved()).encode()[:900],
        "no json": b"\x89PNG\r\n",
        "a list": b"[]",
        "no cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        "odd cells": json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [7, None]}).encode(),
        "future": b'{"nbformat": 9, "cells": []}',
    }
    for name, content in broken.items():
        hand_in(lab, name, {"04_fql.ipynb": content, "03_flow.ipynb": solved("03_flow")})
    hand_in(
        lab,
        "other",
        {"04_fql.ipynb": new_notebook(cells=[new_code_cell("1")]), "notes.ipynb": new_notebook()},
    )
    hand_in(lab, "zoe", {"Copy of 04_fql.ipynb": solved()})
    said = collect.collect("week 1", lab).splitlines()
    for name, content in broken.items():
        assert any(line.startswith(f"{name}: 04_fql.ipynb: cannot be read") for line in said)
        assert [path.read_bytes() for path in (lab / "collected" / name / "week 1").iterdir()] == [content]
        assert [path.name for path in (lab / "submitted" / name / "week 1").iterdir()] == ["03_flow.ipynb"]
    assert "other: notes.ipynb: began as none of the released notebooks" in said
    assert (lab / "submitted/zoe/week 1/04_fql.ipynb").exists() and "zoe: 03_flow: not handed in" in said
    shutil.rmtree(lab / "collected")
    hand_in(lab, "ada", {"Copy of 04_fql.ipynb": solved()})
    hand_in(lab, "bob", {"Copy of 04_fql.ipynb": solved()})
    (lab / "collected").mkdir()
    (lab / "collected" / "ada").write_text("in the way")
    said = collect.collect("week 1", lab)
    assert "ada: left as it is, look at it: Cannot write" in said and "bob: 04_fql: handed in as" in said
    assert (lab / "submitted/ada/week 1/Copy of 04_fql.ipynb").exists()


@pytest.mark.parametrize("missing", ["release", "submitted"])
def test_without_releases_or_submissions_it_says_what_to_do(lab, missing):
    import typer

    hand_in(lab, "ada", {"04_fql.ipynb": solved()})
    shutil.rmtree(lab / missing)
    app = typer.Typer()
    app.command()(collect.main)
    result = CliRunner().invoke(app, ["week 1", "--lab", str(lab)])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1 and "Run nbgrader" in result.stderr
