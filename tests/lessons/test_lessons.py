"""The lessons: built from their sources, clean, running solved and unsolved, and graded by nbgrader."""

import copy
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

import build_lessons
from build_lessons import (
    ROOT,
    execute,
    lesson_sources,
    lint,
    lint_outputs,
    notebook_paths,
    read_lesson,
    stale,
    student,
)
from qlac_lite.lessons import notebook as lessons

SOURCES = lesson_sources()
NAMES = [source.stem for source in SOURCES]
# Lessons in which a learner writes whole mechanisms and no cell that is shown is long.
REDONE = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11")


@pytest.fixture(scope="module", autouse=True)
def plain_kernels():
    """Lessons run as a learner runs them, not with the settings by which tests compile fast;
    but shortened."""
    slow = os.environ.pop("JAX_DISABLE_MOST_OPTIMIZATIONS", None)
    before = os.environ.get("QLAC_FAST")
    os.environ["QLAC_FAST"] = "1"
    yield
    os.environ.pop("QLAC_FAST")
    os.environ.update(
        {k: v for k, v in (("JAX_DISABLE_MOST_OPTIMIZATIONS", slow), ("QLAC_FAST", before)) if v is not None}
    )


def cells(notebook, kind):
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get(kind)
    ]


def verdicts(notebook):
    """The text of what each check cell said."""
    return [cell.outputs[0].data["text/plain"] for cell in cells(notebook, "grade")]


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_built_files_are_those_of_the_source_and_clean(source):
    assert lint(read_lesson(source)) == []
    assert stale(source) == []
    solved, unsolved = (nbformat.read(path, as_version=4) for path in notebook_paths(source))
    assert lint_outputs(solved) == []
    text = notebook_paths(source)[1].read_text()
    assert "SOLUTION" not in text and "raise NotImplementedError()" in text
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in unsolved.cells)
    check = importlib.import_module(f"qlac_lite.lessons.checks.lesson{source.stem[:2]}")
    for cell, said in zip(cells(solved, "grade"), verdicts(solved), strict=True):
        exercise = getattr(check, cell.metadata.nbgrader.grade_id)
        assert f"right in all {len(exercise.cases(np.random.default_rng(0))) + 1} cases" in said, (
            f"{said}: build the lesson again"
        )


@pytest.mark.around
@pytest.mark.parametrize("make, verdict", [(lambda lesson: lesson, "✓"), (student, "….*not attempted yet")])
def test_a_lesson_runs_and_says_what_it_thinks_of_each_answer(make, verdict):
    """The first one; nbval runs them all, solved and unsolved,
    and compares the verdicts of the solved ones."""
    notebook = execute(make(read_lesson(SOURCES[0])))
    assert len(verdicts(notebook)) == len(cells(notebook, "solution")) > 0
    assert all(re.match(verdict, text) for text in verdicts(notebook)), verdicts(notebook)
    assert not [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]


@pytest.mark.parametrize(
    "source", [s for s in SOURCES if s.stem[:2] in REDONE], ids=lambda source: source.stem
)
def test_a_learner_writes_a_good_part_of_a_lesson_and_reads_short_cells(source):
    lines = lambda text: [line for line in text.splitlines() if line.strip()]
    code = [cell.source for cell in read_lesson(source).cells if cell.cell_type == "code"]
    written = [part for text in code for part in re.findall(r"### BEGIN SOLUTION\n(.*?)### END", text, re.S)]
    own, all_lines = (sum(len(lines(part)) for part in parts) for parts in (written, code))
    assert own >= 0.15 * all_lines, f"{own} of {all_lines} lines"
    longest = max((lines(re.sub(r"### BEGIN.*?### END", "", text, flags=re.S)) for text in code), key=len)
    assert len(longest) <= 30, f"{len(longest)} lines: {longest[0]}"


def test_lessons_link_to_each_other_and_to_files_that_exist():
    for source in SOURCES:
        for target in re.findall(r"\]\(([\w./-]+\.ipynb)\)", source.read_text()):
            assert (ROOT / "notebooks" / target).exists(), f"{source.name}: {target}"


def with_cell(source, **metadata):
    notebook = copy.deepcopy(read_lesson(SOURCES[0]))
    notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    return lint(notebook)


@pytest.mark.parametrize(
    "problem, cell",
    [
        ("not plain Python", dict(source="%timeit 1")),
        ("not plain Python", dict(source="x = 1\n!false")),
        ("not plain Python", dict(source="files = !ls")),
        ("not plain Python", dict(source="%%nonsense\n1 / 0")),
        ("magic in disguise", dict(source="get_ipython().run_line_magic('pwd', '')")),
        ("tag raises-exception", dict(source="1 / 0", tags=["raises-exception"])),
        ("tag nbval-skip", dict(source="1 / 0", tags=["nbval-skip"])),
        ("comment for nbval", dict(source="# NBVAL_SKIP\n1 / 0")),
        ("cut on the page", dict(source="x = " + "1 + " * 40 + "1")),
        (
            "nbgrader",
            dict(
                source="1",
                nbgrader={
                    "grade": True,
                    "solution": False,
                    "locked": True,
                    "grade_id": "a",
                    "schema_version": 3,
                },
            ),
        ),
        (
            "follows its exercise",
            dict(
                source="check_it(it)",
                nbgrader={
                    "grade": True,
                    "solution": False,
                    "locked": True,
                    "grade_id": "a",
                    "points": 1,
                    "schema_version": 3,
                    "task": False,
                },
            ),
        ),
        (
            "keeps its signature",
            dict(
                source="### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
                nbgrader={
                    "grade": False,
                    "solution": True,
                    "locked": False,
                    "grade_id": "a",
                    "schema_version": 3,
                    "task": False,
                },
            ),
        ),
    ],
)
def test_the_lint_closes_what_nbval_passes_over(problem, cell):
    assert with_cell("x = 1") == []
    assert any(problem in found for found in with_cell(**cell)), with_cell(**cell)


@pytest.mark.parametrize("draw", ["draw", "lambda h: draw(h)", "lambda h: helper(h)"])
def test_a_slider_whose_names_are_set_again_later_is_found(draw):
    """It works while one reads down the page,
    and breaks when the slider is moved after all cells have run."""
    cell = nbformat.v4.new_code_cell
    make = lambda *codes: nbformat.v4.new_notebook(
        cells=[
            cell("values = [1]"),
            cell(
                "def draw(h):\n    axes = values\n    return axes[h]\n\n\ndef helper(h):\n    return draw(h)"
            ),
            cell(f"explore({draw}, h=('h', [0], 0))"),
            *map(cell, codes),
        ]
    )
    assert build_lessons.lint_sliders(make("axes, h = 1, 2", "def other():\n    values = 3")) == []
    (problem,) = build_lessons.lint_sliders(make("values = 3"))
    assert "`values`" in problem


def test_outputs_that_do_not_belong_on_a_page_are_found():
    import base64

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")])
    big = base64.b64encode(b"0" * 500_000).decode()
    for output, problem in (
        (nbformat.v4.new_output("stream", name="stderr", text="warning"), "stderr"),
        (nbformat.v4.new_output("stream", name="stdout", text="fits\n" + "x" * 111), "110 characters"),
        (nbformat.v4.new_output("display_data", data={"text/plain": "✗ f: wrong"}), "✗ f"),
        (nbformat.v4.new_output("display_data", data={"image/png": big}), "500 kB"),
    ):
        notebook.cells[0].outputs = [output]
        assert any(problem in found for found in lint_outputs(notebook))


def test_what_is_printed_in_a_row_is_one_output():
    stream = lambda text, name="stdout": nbformat.v4.new_output("stream", name=name, text=text)
    figure = nbformat.v4.new_output("display_data", data={"text/plain": "figure"})
    joined = build_lessons.joined(
        [stream("a"), stream("b\n"), figure, stream("c"), stream("d", "stderr"), stream("e", "stderr")]
    )
    assert [output.get("text", "figure") for output in joined] == ["ab\n", "figure", "c", "de"]


def test_a_changed_source_or_a_missing_file_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(build_lessons, "ROOT", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("solutions", "notebooks"):
        (tmp_path / folder).mkdir()
        shutil.copy(ROOT / folder / f"{NAMES[0]}.ipynb", tmp_path / folder)
    source = tmp_path / "solutions" / f"{NAMES[0]}.py"
    text = SOURCES[0].read_text()
    source.write_text(text)
    assert stale(source) == []
    source.write_text(text.replace("Welcome", "Farewell"))
    assert len(stale(source)) == 2
    source.write_text(text)
    (tmp_path / "notebooks" / f"{NAMES[0]}.ipynb").unlink()
    assert "missing" in stale(source)[0]


def nbgrader(folder, *arguments):
    result = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.around
def test_nbgrader_makes_the_same_stubs_and_grades_a_right_and_an_empty_submission(tmp_path, monkeypatch):
    from nbgrader.api import Gradebook

    monkeypatch.setenv(
        "PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )  # nbgrader calls alembic
    source = next(source for source in SOURCES if source.stem.startswith("01"))
    name = f"{source.stem}.ipynb"
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'qlac'\nc.ExecutePreprocessor.timeout = 600\n"
        "c.IncludeHeaderFooter.header = ''\n"
    )
    (tmp_path / "source" / "lesson").mkdir(parents=True)
    shutil.copy(notebook_paths(source)[0], tmp_path / "source" / "lesson" / name)
    nbgrader(tmp_path, "generate_assignment", "lesson", "--create")
    released = nbformat.read(tmp_path / "release" / "lesson" / name, as_version=4)
    ours = nbformat.read(notebook_paths(source)[1], as_version=4)
    assert [(cell.cell_type, cell.source) for cell in released.cells] == [
        (cell.cell_type, cell.source) for cell in ours.cells
    ]
    submissions = {"right": notebook_paths(source)[0], "empty": notebook_paths(source)[1]}
    for learner, path in submissions.items():
        (tmp_path / "submitted" / learner / "lesson").mkdir(parents=True)
        shutil.copy(path, tmp_path / "submitted" / learner / "lesson" / name)
    nbgrader(tmp_path, "autograde", "lesson", "--create")
    nbgrader(tmp_path, "generate_feedback", "lesson")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        scores = {learner: gradebook.find_submission("lesson", learner) for learner in submissions}
        points = sum(cell.metadata.nbgrader.points for cell in cells(ours, "grade"))
        assert (scores["right"].score, scores["right"].max_score) == (points, points) and points > 0
        assert scores["empty"].score == 0
    feedback = (tmp_path / "feedback" / "empty" / "lesson" / name).with_suffix(".html").read_text()
    assert "not attempted yet" in feedback


def test_on_colab_only_what_is_missing_is_installed_and_nothing_changes(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    there, calls, pinned = lessons._installed, [], []
    monkeypatch.setattr(
        lessons, "_installed", lambda name: name not in ("pooch", "ogbench", "dm_control") and there(name)
    )

    def pip(command):
        calls.append(command)
        if "-c" in command:
            pinned.append(open(command[command.index("-c") + 1]).read())

    monkeypatch.setattr(lessons.subprocess, "check_call", pip)
    lessons.set_up()
    assert [call[-1].split(">")[0] for call in calls] == ["pooch", "dm_control"]
    assert "--no-deps" in calls[1] and any(part.startswith("ogbench") for part in calls[1])
    assert "numpy==" in pinned[0] and "jax==" in pinned[0]
    assert capsys.readouterr().out.startswith("qlac-lite ") and not any(
        "upgrade" in part for call in calls for part in call
    )


def test_what_an_extra_needs_is_installed_on_colab_and_named_elsewhere(monkeypatch, capsys):
    there, calls = lessons._installed, []
    monkeypatch.setattr(
        lessons,
        "_installed",
        lambda name: (
            name not in ("h5py", "robosuite")
            and (name in ("numba", "termcolor", "opencv-python-headless") or there(name))
        ),
    )
    monkeypatch.setattr(lessons.subprocess, "check_call", calls.append)
    lessons.set_up("robomimic")
    said = capsys.readouterr().out
    assert calls == [] and "h5py" in said and "robosuite==1.5.2" in said and "make robomimic" in said
    lessons.set_up()
    assert "robosuite" not in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    lessons.set_up("robomimic")
    assert (
        [call[-1].split(">")[0] for call in calls] == ["h5py", "robosuite==1.5.2"]
        and "--no-deps" in calls[1]
        and "--no-deps" not in calls[0]
    )


def test_elsewhere_the_set_up_cell_only_reports(monkeypatch, capsys):
    monkeypatch.setattr(lessons.subprocess, "check_call", lambda command: pytest.fail("installs"))
    lessons.set_up()
    words = capsys.readouterr().out
    assert words.count("\n") == 1 and "jax" in words and "renderer" in words


@pytest.mark.parametrize("value, wanted", [("1", 2), ("0", 9), ("", 9)])
def test_the_one_switch(monkeypatch, value, wanted):
    monkeypatch.setenv("QLAC_FAST", value)
    assert lessons.shorten(9, fast=2) == wanted


def test_a_slider_draws_when_it_is_moved_and_not_before(monkeypatch):
    """Drawing at creation would hang headless runs, and show the figure twice."""
    from qlac_lite.lessons import sliders

    boxes, drawn = [], []
    monkeypatch.setattr(sliders, "display", boxes.append)
    monkeypatch.setattr(sliders, "show", lambda figure, alt: drawn.append((figure, alt)))
    sliders.explore(
        lambda noise, length: ((noise, length), "alt"),
        noise=("noise", [0.0, 0.5], 0.0),
        length=("H", [1, 5], 5),
    )
    noise, length, _hint, _output = boxes[0].children
    assert drawn == [] and noise.description == "noise" and length.value == 5
    noise.value = 0.5
    length.value = 1
    assert drawn == [((0.5, 5), "alt"), ((0.5, 1), "alt")]


def test_prose_is_rebuilt_without_executing_and_code_is_not():
    source = SOURCES[0]
    executed = nbformat.read(notebook_paths(source)[0], as_version=4)
    text, code = read_lesson(source), read_lesson(source)
    text.cells[0].source += "\nMore."
    assert build_lessons.take_outputs(text, executed) == []
    assert [c.get("outputs") for c in text.cells] == [c.get("outputs") for c in executed.cells]
    next(c for c in code.cells if c.cell_type == "code").source += "\n1"
    assert "without --text" in build_lessons.take_outputs(code, executed)[0]
    assert all(not c.get("outputs") for c in code.cells)
