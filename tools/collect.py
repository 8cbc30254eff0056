"""What learners hand in, made ready for `nbgrader autograde`: an odd notebook never stops the others.

    python tools/collect.py week1       in the lab's folder, after `nbgrader collect week1`

Each notebook below submitted/NAME/week1/ is set beside the released one that it began as. It gets that one's
name, kernel and marks. Deleted cells are put back, copies of a cell lose their mark, and an answer that
became text is code again. What learners wrote is kept, and what is changed stays in collected/NAME/week1/ as
it came.
"""

import copy
import hashlib
import re
import sys
import warnings
from pathlib import Path
from typing import Annotated, NamedTuple

import nbformat
import typer
from nbformat import NotebookNode
from nbformat.validator import normalize

from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic

FORMAT = "nbformat", "nbformat_minor", "metadata"
NEW_CELL = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}


class Submitted(NamedTuple):
    """A file that a learner handed in, and what it became."""

    path: Path
    notebook: NotebookNode
    notes: list[str]  # what was mended
    answers: int  # that are not as released


def main(
    assignment: Annotated[str, typer.Argument(help="Such as week1.")],
    lab: Annotated[Path, typer.Option(help="The lab's folder.")] = Path("."),
) -> None:
    """Makes what learners handed in ready for nbgrader autograde, and says what was mended."""
    try:
        print(collect(assignment, lab))
    except QlacError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def collect(assignment: str, lab: Path) -> str:
    """Mends all submissions of an assignment; a line for each that is not as it should be.

    Raises QlacError if nothing was released or nothing was handed in.
    """
    paths = sorted((lab / "release" / assignment).glob("*.ipynb"))
    released = {path.stem: nbformat.read(path, as_version=4) for path in paths}
    if not released:
        told = f"There is no notebook in {lab / 'release' / assignment}."
        raise QlacError(
            f"{told} Run nbgrader generate_assignment first, or name the lab's folder with --lab."
        )
    folders = sorted(path for path in lab.glob(f"submitted/*/{assignment}") if path.is_dir())
    if not folders:
        told = f"Nothing was handed in: there is no {lab / 'submitted' / 'NAME' / assignment}."
        raise QlacError(f"{told} Run nbgrader collect first, or copy the files there.")
    lines = []
    for folder in folders:
        name = folder.parent.name
        try:
            notes = _mend_folder(folder, released, lab / "collected" / name / assignment)
        except Exception as error:  # whatever a learner hands in, the others are graded
            notes = [f"left as it is, look at it: {_one_line(error)}"]
        lines += [f"{name}: {note}" for note in notes]
    told = f"{len(folders)} submissions, {len(lines)} remarks."
    return "\n".join([*lines, f"{told} Files that were changed lie in {lab / 'collected'} as they came."])


def _mend_folder(folder: Path, released: dict[str, NotebookNode], originals: Path) -> list[str]:
    """Mends the notebooks of one learner; what is to be said of them."""
    found, remarks = {stem: [] for stem in released}, []
    files = [path for path in sorted(folder.rglob("*.ipynb*")) if path.is_file()]
    files = [
        path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    for path in files:
        try:
            notebook = nbformat.reads(path.read_text("utf-8-sig"), as_version=4)
            stem = _lesson_of(path, notebook, released)
        except Exception as error:
            remarks.append(f"{path.name}: cannot be read ({_one_line(error)}), ask for it again")
            continue
        if stem:
            found[stem].append(Submitted(path, *mended(notebook, released[stem])))
        else:
            remarks.append(f"{path.name}: began as none of the released notebooks")
    keep, write = set(), {}
    for stem, candidates in found.items():
        if not candidates:
            remarks.append(f"{stem}: not handed in")
            continue
        place = folder / f"{stem}.ipynb"
        best = max(candidates, key=lambda each: (each.answers, each.path.stat().st_mtime, each.path == place))
        others = ", ".join(each.path.name for each in candidates if each is not best)
        notes = [f"handed in as {best.path.relative_to(folder)}"] if best.path != place else []
        notes += [f"taken in place of {others}, which has no more answers"] if others else []
        notes += best.notes
        if notes:
            write[place] = best.notebook
            remarks.append(f"{stem}: {'; '.join(notes)}")
        else:
            keep.add(place)
    for path in files:
        if path not in keep:
            content = path.read_bytes()
            with atomic(originals / f"{hashlib.sha256(content).hexdigest()[:8]}-{path.name}") as file:
                file.write(content)
    for place, notebook in write.items():
        with atomic(place) as file:
            file.write((nbformat.writes(notebook, indent=1) + "\n").encode())
    for path in files:
        if path not in keep and path not in write:
            path.unlink()
    return remarks


def _lesson_of(path: Path, notebook: NotebookNode, released: dict[str, NotebookNode]) -> str | None:
    """The released notebook with which a file shares most marked cells, or else a part of its name."""
    shared = {stem: sum(map(bool, _recognised(notebook.cells, each))) for stem, each in released.items()}
    best = max(shared, key=lambda stem: (shared[stem], stem == path.stem))
    named = [stem for stem in released if stem.lower() in path.name.lower()]
    return best if shared[best] else next(iter(named), None)


def mended(notebook: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, list[str], int]:
    """A learner's notebook with the marks, types and checks of the released one and all that the learner
    wrote; what was mended; and how many answers are not as released."""
    wanted = {_mark(cell): cell for cell in released.cells if _mark(cell)}
    kernel, right = (each.metadata.get("kernelspec", {}).get("name") for each in (notebook, released))
    notes = [] if kernel == right else [f"kernel {kernel or 'missing'}"]
    names = _recognised(notebook.cells, released)
    last = {}  # grade_id -> place of the cell that is graded
    for i, name in enumerate(names):
        if name and (name not in last or not _as_released(notebook.cells[i], wanted[name])):
            last[name] = i
    cells, marked, answers = [], {}, 0
    for i, (cell, name) in enumerate(zip(notebook.cells, names, strict=True)):
        if name is None or last[name] != i:
            if name and not wanted[name].metadata.nbgrader.solution:
                notes.append(f"{name}: a copy of the check left out")
            elif name and _as_released(cell, wanted[name]):
                notes.append(f"{name}: a copy without an answer left out")
            else:
                notes += [f"{name}: {names.count(name)} cells, one is graded"] if name else []
                notes += (
                    ["a mark that is not the lesson's"] if "nbgrader" in cell.metadata and not name else []
                )
                cell.metadata.pop("nbgrader", None)
                cells.append(cell)
            continue
        model = wanted[name]
        if cell.cell_type != model.cell_type:
            notes.append(f"{name}: was {cell.cell_type}")
        elif cell.metadata.get("nbgrader") != model.metadata.nbgrader:
            notes.append(f"{name}: mark set back")
        if model.metadata.nbgrader.solution:
            answers += not _as_released(cell, model)
            metadata = cell.metadata | {"nbgrader": copy.deepcopy(model.metadata.nbgrader)}
            if cell.cell_type == model.cell_type:
                cell.metadata = NotebookNode(metadata)
            else:
                cell = NEW_CELL[model.cell_type](cell.source, metadata=metadata)
        else:
            notes += [f"{name}: the check was changed"] if not _as_released(cell, model) else []
            cell = copy.deepcopy(model)
        marked[name] = cell
        cells.append(cell)
    _put_back(cells, marked, wanted, notes)
    parts = {key: copy.deepcopy(released[key]) for key in FORMAT}
    with warnings.catch_warnings(action="ignore"):  # of identifiers, which it mends
        _, whole = normalize(NotebookNode(parts | {"cells": cells}))
    return whole, list(dict.fromkeys(notes)), answers


def _put_back(cells: list, marked: dict, wanted: dict, notes: list[str]) -> None:
    """Puts marked cells that are missing, and checks that stand before their answer, behind the marked cell
    that they follow as released."""
    place = lambda cell: next((i for i, each in enumerate(cells) if each is cell), -1)
    before = None
    for name, model in wanted.items():
        cell = marked.get(name)
        early = cell is not None and not model.metadata.nbgrader.solution and place(cell) < place(before)
        if cell is None or early:
            notes.append(f"{name}: {'stood before its answer' if early else 'was deleted, put back'}")
            if early:
                del cells[place(cell)]
            cell = cell or copy.deepcopy(model)
            cells.insert(place(before) + 1, cell)
        before = cell


def _recognised(cells: list[NotebookNode], released: NotebookNode) -> list[str | None]:
    """For each cell the grade_id of the released one that it was: by its mark, else by its identifier, its
    text or the function that it defines, if no cell has the mark."""
    wanted = {_mark(cell): cell for cell in released.cells if _mark(cell)}
    names = [_mark(cell) if _mark(cell) in wanted else None for cell in cells]
    functions = {name: re.findall(r"^def (\w+)", cell.source, re.M)[:1] for name, cell in wanted.items()}
    for name, model in wanted.items():
        if name in names:
            continue
        same = [
            lambda cell, model=model: {cell.get("id"), cell.metadata.get("id")} & {model.get("id")} - {None},
            lambda cell, model=model: _as_released(cell, model),
            lambda cell, each=functions[name]: each and re.search(rf"^def {each[0]}\b", cell.source, re.M),
        ]
        free = [i for i, cell in enumerate(cells) if not names[i]]
        found = next((hits for is_it in same if (hits := [i for i in free if is_it(cells[i])])), [])
        for i in found[-1:]:
            names[i] = name
    return names


def _mark(cell: NotebookNode) -> str | None:
    mark = cell.metadata.get("nbgrader")
    name = mark.get("grade_id") if isinstance(mark, dict) else None
    return name if isinstance(name, str) else None


def _as_released(cell: NotebookNode, model: NotebookNode) -> bool:
    return cell.source.strip() == model.source.strip()


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:100]


if __name__ == "__main__":
    typer.run(main)
