"""The course in a lab: all lessons released through nbgrader's exchange, fetched, half solved, submitted,
collected and graded."""

import ast
import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from build_lessons import ROOT, lesson_sources, notebook_paths, read_lesson
from collect import collect

pytestmark = pytest.mark.around

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "qlac"
c.Execute.timeout = 600
c.IncludeHeaderFooter.header = ""
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
"""


@pytest.fixture
def nbgrader(tmp_path):
    """Runs a command of nbgrader in a folder of `tmp_path`: course, learner or exchange."""
    for folder in (tmp_path / name for name in ("course", "learner", "exchange")):
        folder.mkdir()
        (folder / "nbgrader_config.py").write_text(
            CONFIG.format(exchange=str(tmp_path / "exchange"), cache=str(tmp_path / "cache"))
        )
    (tmp_path / "exchange").chmod(0o777)
    environment = os.environ | {
        "QLAC_FAST": "1",
        "USER": "ada",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("JAX_DISABLE_MOST_OPTIMIZATIONS", None)

    def run(folder, *arguments):
        result = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=tmp_path / folder,
            capture_output=True,
            text=True,
            env=environment,
        )
        assert result.returncode == 0, result.stderr[-3000:]

    return run


def grades(course, assignment):
    """(learner, lesson, check) -> points by autograde."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {
            (submission.student.id, book.name, grade.name): grade.auto_score
            for submission in gradebook.assignment_submissions(assignment)
            for book in submission.notebooks
            for grade in book.grades
            if grade.cell.cell_type == "code"
        }


def needed(cells):
    """The cells that nbgrader knows, and those that define what these use; nbval runs the others."""
    used, kept = set(), []
    for cell in reversed(cells):
        if cell.cell_type == "code":
            nodes = list(ast.walk(ast.parse(cell.source)))
            names = [node for node in nodes if isinstance(node, ast.Name)]
            imported = [
                (node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)
            ]
            defined = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
            if "nbgrader" not in cell.metadata and used.isdisjoint([*imported, *defined, *stored]):
                continue
            used |= {node.id for node in names if isinstance(node.ctx, ast.Load)}
        kept.insert(0, cell)
    return kept


def test_every_lesson_is_released_submitted_and_graded_exercise_by_exercise(nbgrader, tmp_path):
    """Every second exercise is solved: it gets its points although the exercises that it builds on are open,
    and no other does."""
    course, learner = tmp_path / "course", tmp_path / "learner"
    source = course / "source" / "all"
    source.mkdir(parents=True)
    for lesson in lesson_sources():
        shutil.copy(notebook_paths(lesson)[0], source)
    nbgrader("course", "generate_assignment", "all", "--create")
    nbgrader("course", "release_assignment", "all")
    nbgrader("learner", "fetch_assignment", "all")
    expected = {}
    for lesson in lesson_sources():
        path = learner / "all" / f"{lesson.stem}.ipynb"
        fetched, solved = (
            nbformat.read(path, as_version=4),
            nbformat.read(notebook_paths(lesson)[0], as_version=4),
        )
        answers = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in solved.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        exercises = [
            cell
            for cell in fetched.cells
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
        ]
        right = {cell.metadata.nbgrader.grade_id for cell in exercises[1::2] or exercises}
        for cell in exercises:
            assert "raise NotImplementedError()" in cell.source
            if cell.metadata.nbgrader.grade_id in right:
                cell.source = answers[cell.metadata.nbgrader.grade_id]
        for cell in fetched.cells:
            mark = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and mark.get("grade"):
                expected[lesson.stem, mark.grade_id] = (
                    mark.points if mark.grade_id.removeprefix("check_") in right else 0
                )
        fetched.cells = needed(fetched.cells)
        nbformat.write(fetched, path)
    nbgrader("learner", "submit", "all")
    nbgrader("course", "collect", "all")
    nbgrader("course", "autograde", "all")
    scores = {key[1:]: score for key, score in grades(course, "all").items()}
    assert scores == expected and any(scores.values()) and not all(scores.values())


def test_odd_submissions_are_graded_and_stop_nobody(nbgrader, tmp_path):
    """A question and the warm-up of lesson 00; what each learner did to it stands beside the name."""
    course, learners = tmp_path / "course", dict.fromkeys("ann bob cyd dan eve fay zoe".split())
    (course / "source" / "week1").mkdir(parents=True)
    lesson = nbformat.read(ROOT / "solutions" / "00_welcome.ipynb", as_version=4)
    start = nbformat.v4.new_code_cell(
        "import numpy as np\nfrom qlac_lite.lessons.checks import lesson00 as checks"
    )
    graded = ("question_hunt", "decision_steps", "check_decision_steps")
    lesson.cells = [
        start,
        *sorted((c for c in lesson.cells if c.id in graded), key=lambda c: graded.index(c.id)),
    ]
    nbformat.write(lesson, course / "source" / "week1" / "00_welcome.ipynb")
    nbgrader("course", "generate_assignment", "week1", "--create")
    for name in learners:
        learners[name] = nbformat.read(course / "release" / "week1" / "00_welcome.ipynb", as_version=4)
        answer = next(cell for cell in learners[name].cells if cell.id == "decision_steps")
        answer.source = "def decision_steps(steps, length):\n    return np.arange(0, steps, length)"
    double = copy.deepcopy(learners["ann"].cells[2])
    assert double.metadata.nbgrader.grade_id == "decision_steps"
    double.id = "another"
    learners["ann"].cells.insert(2, double)
    learners["cyd"].cells[2] = nbformat.v4.new_markdown_cell(double.source, metadata=double.metadata)
    del learners["dan"].cells[3]
    learners["eve"] = "no notebook"
    learners["fay"].metadata.kernelspec = {"name": "conda-env", "display_name": "mine"}
    learners["zoe"].cells[2].source = "def decision_steps(steps, length):\n    return [7]"
    for name, notebook in learners.items():
        path = course / "submitted" / name / "week1" / f"{'Copy of ' * (name == 'bob')}00_welcome.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
    said = collect("week1", course)
    mended = {line.partition(": 00_welcome")[0] for line in said.splitlines()[:-1]}
    assert mended == learners.keys() - {"zoe"}
    nbgrader("course", "autograde", "week1")
    found = {name: points for (name, *_), points in grades(course, "week1").items()}
    assert found == dict(ann=1, bob=1, cyd=1, dan=1, fay=1, zoe=0)


def test_the_guides_tables_are_those_of_the_lessons():
    """Points, minutes, difficulty and question cells, exercise by exercise and in sum;
    no exercise without an objective."""
    guide = (ROOT / "docs" / "instructor.md").read_text()
    exercises, lessons = [], []
    for source in lesson_sources():
        notebook = read_lesson(source)
        marks = {
            cell.metadata.nbgrader.grade_id: cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        }
        points = {
            name.removeprefix("check_"): cell.metadata.nbgrader.points
            for name, cell in marks.items()
            if cell.cell_type == "code"
        }
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        turns = re.findall(r"### Your turn: `(\w+)` \((\S+), (\d+) minutes\)", prose)
        assert [name for name, *_ in turns] == list(points), source.stem
        exercises += [
            (source.stem[:2], name, str(points[name]), minutes, stars) for name, stars, minutes in turns
        ]
        in_all = int(re.search(r"\*\*Time\*\* about (\d+) minutes", prose)[1])
        questions = sum(cell.cell_type == "markdown" for cell in marks.values())
        lessons.append(
            (
                source.stem[:2],
                len(turns),
                sum(points.values()),
                sum(int(minutes) for *_, minutes in turns),
                in_all,
                questions,
            )
        )
    rows = [
        tuple(part.strip().strip("`*") for part in line.strip("|").split("|"))
        for line in guide.splitlines()
        if line.startswith("|")
    ]
    told = [row for row in rows if len(row) == 6 and re.fullmatch(r"\d\d", row[0])]
    assert [row[:5] for row in told] == exercises and all(len(row[5]) > 10 for row in told)
    by_lesson = [
        (row[0][:2], *map(int, row[1:])) for row in rows if len(row) == 6 and re.match(r"\d\d \w", row[0])
    ]
    assert by_lesson == lessons
    assert ("all", *(str(sum(column)) for column in list(zip(*lessons, strict=True))[1:])) in rows
