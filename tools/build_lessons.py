"""The lesson workshop: one source a lesson, two notebooks built from it.

    solutions/NN_name.py     the source: jupytext's percent format with nbgrader's metadata and solution marks
    solutions/NN_name.ipynb  built and executed: what one reads on the web
    notebooks/NN_name.ipynb  built: solutions replaced by nbgrader's stubs, no outputs; what a learner opens

`python tools/build_lessons.py` builds and executes all of them (`make notebooks`), with names as arguments
some of them, and with --check says which built files differ from their source. To every lesson it adds the
Colab badge and the set-up cell, so that they are written in one place.
"""

import ast
import base64
import contextlib
import copy
import os
import re
import symtable
from pathlib import Path
from typing import Annotated

import jupytext
import nbformat
import typer
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import ClearSolutions

from links import repository
from qlac_lite.utils.files import atomic

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
MAX_CELLS, MAX_WIDTH, MAX_IMAGE = (
    60,
    110,
    400_000,
)  # cells a lesson, characters a line of code, bytes an image
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SET_UP_TAG, COMPARED = "set-up", "nbval-check-output"
WIDGET = "application/vnd.jupyter.widget-view+json"
SET_UP = """\
# Set-up. On Colab this installs what is missing, in about a minute; elsewhere it only reports.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("qlac_lite") is None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.check_call([*pip, "git+{repository}"])

from qlac_lite.lessons import set_up

set_up({extra})"""
NEEDS = {"08": "robomimic"}  # lessons that need an extra of the library


def main(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Beginnings of lesson names, such as 01; all by default.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Build nothing; list what differs from its source.")
    ] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Only prose changed: keep the outputs that are there.")
    ] = False,
) -> None:
    """Builds the notebooks of the course from solutions/*.py."""
    sources = [path for path in lesson_sources() if not lessons or path.name.startswith(tuple(lessons))]
    problems = [problem for path in sources for problem in (stale(path) if check else build(path, text))]
    for problem in problems:
        print(problem)
    raise typer.Exit(1 if problems else 0)


def lesson_sources() -> list[Path]:
    """The lessons' sources, in order."""
    return sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))


def notebook_paths(source: Path) -> tuple[Path, Path]:
    """Where the executed solution and the student's notebook of a source stand."""
    return source.with_suffix(".ipynb"), ROOT / "notebooks" / source.with_suffix(".ipynb").name


def build(source: Path, text: bool = False) -> list[str]:
    """Builds both notebooks of a lesson and executes the solution;
    returns what is wrong with it, and then writes nothing.

    With `text`, outputs are taken over from the executed notebook that is there,
    whose code has to be the same.
    """
    notebook = read_lesson(source)
    problems = lint(notebook)
    if not problems and text:
        problems = take_outputs(notebook, nbformat.read(notebook_paths(source)[0], as_version=4))
    if not problems:
        executed = notebook if text else execute(notebook)
        problems = lint_outputs(executed)
    if not problems:
        for path, content in zip(notebook_paths(source), (executed, student(notebook)), strict=True):
            with atomic(path) as file:
                file.write((nbformat.writes(content, indent=1) + "\n").encode())
        print(f"{source.stem}: {len(notebook.cells)} cells, built{'' if text else ' and executed'}")
    return [f"{source.name}: {problem}" for problem in problems]


def take_outputs(notebook: NotebookNode, executed: NotebookNode) -> list[str]:
    """Gives `notebook` the outputs of `executed`; says so where their code differs, and then gives none."""
    cells, done = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, executed))
    if [cell.source for cell in cells] != [cell.source for cell in done]:
        return ["the code has changed, too: build it without --text"]
    for cell, old in zip(cells, done, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    return []


def read_lesson(source: Path) -> NotebookNode:
    """The solution notebook of a source, not executed:
    badge and set-up cell added, identifiers that never change."""
    where = repository(ROOT)
    notebook = jupytext.reads(source.read_text(), fmt="py:percent")
    colab = f"https://colab.research.google.com/github/{where}/blob/main/notebooks/{source.stem}.ipynb"
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{badge}\n{rest}"
    notebook.cells.insert(
        1,
        nbformat.v4.new_code_cell(
            SET_UP.format(
                repository=f"https://github.com/{where}",
                extra=repr(NEEDS[source.stem[:2]]) if source.stem[:2] in NEEDS else "",
            ),
            metadata={"tags": [SET_UP_TAG]},
        ),
    )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _attach_pictures(cell)
    for i, cell in enumerate(notebook.cells):
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", f"{source.stem[:2]}-{i:02d}")
        cell.metadata = NotebookNode(
            {key: cell.metadata[key] for key in ("nbgrader", "tags") if key in cell.metadata}
        )
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata["tags"] = [COMPARED]  # nbval compares the verdict with the solution's
    notebook.metadata = nbformat.from_dict(copy.deepcopy(KERNEL))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def _attach_pictures(cell: NotebookNode) -> None:
    """Puts the pictures of docs/pictures that a cell shows into the notebook, where Colab finds them, too."""
    for name in re.findall(r"\]\(\.\./docs/pictures/([\w-]+\.png)\)", cell.source):
        content = base64.b64encode((PICTURES / name).read_bytes()).decode()
        cell.setdefault("attachments", NotebookNode())[name] = NotebookNode({"image/png": content})
        cell.source = cell.source.replace(f"](../docs/pictures/{name})", f"](attachment:{name})")


def student(notebook: NotebookNode) -> NotebookNode:
    """The student's notebook: nbgrader's own stubs in place of the solutions, no outputs."""
    cleared, _ = ClearSolutions().preprocess(without_outputs(notebook), {})
    for cell in cleared.cells:  # there is no output that nbval could compare
        if COMPARED in cell.metadata.get("tags", []):
            del cell.metadata["tags"]
    return cleared


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs and execution counts."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def execute(notebook: NotebookNode, timeout: int = 900) -> NotebookNode:
    """A copy, executed from top to bottom in a fresh kernel. Widgets, which need a live kernel, leave no
    output; a figure is kept as PNG alone, its text in the metadata.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = copy.deepcopy(notebook)
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    NotebookClient(notebook, timeout=timeout, record_timing=False).execute(
        env=environment, cwd=str(ROOT / "notebooks")
    )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = joined([output for output in cell.outputs if WIDGET not in output.get("data", {})])
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data.pop("text/html", None)
            cell.metadata.pop("execution", None)
    notebook.metadata = nbformat.from_dict(copy.deepcopy(KERNEL))
    return notebook


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What was printed in a row as one output: a kernel sends it in pieces,
    between which a page leaves a gap."""
    whole: list[NotebookNode] = []
    for output in outputs:
        if whole and output.get("name") and output.get("name") == whole[-1].get("name"):
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def stale(source: Path) -> list[str]:
    """How the built files of a lesson differ from what its source would give now,
    outputs of the solution aside."""
    notebook = read_lesson(source)
    problems = []
    for path, wanted in zip(notebook_paths(source), (notebook, student(notebook)), strict=True):
        name = path.relative_to(ROOT)
        if not path.exists():
            problems.append(f"{name} is missing: run `make notebooks`")
            continue
        text = path.read_text()
        found = nbformat.reads(text, as_version=4)
        if path.parent.name == "solutions":
            missing = [
                cell.id for cell in found.cells if cell.cell_type == "code" and cell.execution_count is None
            ]
            problems += [f"{name} was not executed to its end: run `make notebooks`"] if missing else []
            text = nbformat.writes(without_outputs(found), indent=1) + "\n"
        if text != nbformat.writes(wanted, indent=1) + "\n":
            problems.append(f"{name} differs from solutions/{source.name}: run `make notebooks`")
    return problems


def lint(notebook: NotebookNode) -> list[str]:
    """What is wrong with a lesson before it runs.

    Magics and shell escapes are refused, because nbval passes over their failures; so are the tags that let
    an error or a whole cell pass. Each exercise needs its check, with points.
    """
    problems = []
    try:
        MetadataValidator().validate_nb(notebook)
    except Exception as error:
        problems.append(f"nbgrader: {error}")
    if len(notebook.cells) > MAX_CELLS:
        problems.append(f"{len(notebook.cells)} cells; {MAX_CELLS} at most")
    open_exercise = None
    for cell in notebook.cells:
        grading = cell.metadata.get("nbgrader", {})
        tags = set(cell.metadata.get("tags", [])) - {SET_UP_TAG, COMPARED}
        problems += [f"{cell.id}: the tag {tag} is not allowed" for tag in sorted(tags)]
        if cell.cell_type != "code":
            continue
        if max(map(len, cell.source.splitlines()), default=0) > MAX_WIDTH:
            longest = max(cell.source.splitlines(), key=len)
            problems.append(
                f"{cell.id}: longer than {MAX_WIDTH} characters, and cut on the page: {longest.strip()}"
            )
        if "BEGIN HIDDEN TESTS" in cell.source:
            problems.append(
                f"{cell.id}: a hidden test would stand in the student's notebook for all to read; "
                "keep it in the lab's copy"
            )
        if "nbval" in cell.source.lower():
            problems.append(f"{cell.id}: a comment for nbval; use the tag {COMPARED}")
        try:
            names = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        except SyntaxError as error:
            problems.append(
                f"{cell.id}: not plain Python, a magic perhaps (line {error.lineno}: {error.text})"
            )
            continue
        if "get_ipython" in names:
            problems.append(f"{cell.id}: get_ipython is a magic in disguise")
        if grading.get("solution"):
            if (
                "### BEGIN SOLUTION" not in cell.source
                or "def " not in cell.source.split("### BEGIN SOLUTION")[0]
            ):
                problems.append(f"{cell.id}: an exercise keeps its signature, and marks its solution")
            open_exercise = cell.id
        elif grading.get("grade"):
            if not open_exercise or "check_" not in cell.source or not grading.get("points"):
                problems.append(f"{cell.id}: a check follows its exercise, calls check_..., and has points")
            open_exercise = None
    if open_exercise:
        problems.append(f"{open_exercise}: has no check")
    return problems + lint_sliders(notebook)


def lint_sliders(notebook: NotebookNode) -> list[str]:
    """Names that a slider's figure reads and that a later cell sets to something else:
    it would break when it is moved."""
    cells = {}
    for cell in notebook.cells:
        with contextlib.suppress(SyntaxError):  # said by lint
            cells |= (
                {cell.id: symtable.symtable(cell.source, cell.id, "exec")} if cell.cell_type == "code" else {}
            )
    inner = [(name, table) for name, top in cells.items() for table in top.get_children()]
    reads = {table.get_name(): _globals(table) for _, table in inner if table.get_name() != "lambda"}
    names, problems = list(cells), []
    for i, (name, top) in enumerate(cells.items()):
        if "explore" not in top.get_identifiers() or top.lookup("explore").is_assigned():
            continue
        read, ahead = (
            set(),
            set(top.get_identifiers()) & set(reads)
            | {n for table in top.get_children() if table.get_name() == "lambda" for n in _globals(table)},
        )
        while ahead:
            read |= ahead
            ahead = {n for each in ahead for n in reads.get(each, ())} - read
        for later in names[i + 1 :]:
            sets = {symbol.get_name() for symbol in cells[later].get_symbols() if symbol.is_assigned()}
            problems += [
                f"{name}: its slider draws with `{each}`, which {later} sets again"
                for each in sorted(read & sets)
            ]
    return problems


def _globals(table: symtable.SymbolTable) -> set[str]:
    """The names of a notebook that a function reads, in what is defined inside it, too."""
    inside = [_globals(child) for child in table.get_children()]
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}.union(*inside)


def lint_outputs(notebook: NotebookNode) -> list[str]:
    """What is wrong with an executed solution: warnings on the page, long lines, verdicts that are not right,
    heavy images."""
    problems = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            data = output.get("data", {})
            heaviest = (
                max(len(data.get("image/png", "")), len(data.get("text/html", ""))) * 3 / 4
            )  # base64 in both
            if output.get("name") == "stderr":
                problems.append(f"{cell.id}: writes to stderr: {text[:300]}")
            if longest := [
                line for line in str(output.get("text", "")).splitlines() if len(line) > MAX_WIDTH
            ]:
                problems.append(f"{cell.id}: prints more than {MAX_WIDTH} characters in a line: {longest[0]}")
            if text.startswith(("✗", "…")):
                problems.append(f"{cell.id}: {text}")
            if heaviest > MAX_IMAGE:
                problems.append(
                    f"{cell.id}: an image of {heaviest / 1000:.0f} kB; {MAX_IMAGE / 1000:.0f} at most"
                )
    return problems


if __name__ == "__main__":
    typer.run(main)
