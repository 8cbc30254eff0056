"""The course as a static site (`make site`): copies what it shows, mends the links, and lets Sphinx build the copy.

Lessons are the solved ones, as they were executed; nothing is executed here. Figures become files with their text as `alt`.
Links to what is no page of the site go to the repository.
"""

import ast
import base64
import html
import json
import logging
import os
import re
import shutil
import tomllib
import typing
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
LESSONS = sorted(ROOT.glob("solutions/*.ipynb"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md")]
PAGES += sorted(ROOT.glob("docs/*.md"))
PICTURES = ".png", ".gif", ".svg"

project, version = PROJECT["name"], PROJECT["version"]
html_title, html_theme, html_static_path, html_css_files = "qlac-lite", "furo", ["site.css"], ["site.css"]
html_theme_options = {"source_repository": REPOSITORY, "footer_icons": []}
html_copy_source = html_show_sphinx = html_show_copyright = False
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx.ext.mathjax"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_disable_syntax = ["myst_line_comment", "myst_block_break"]  # a line may begin with "% of the seeds"
myst_heading_anchors = 4
default_role, smartquotes = "literal", False  # docstrings write `code` as Markdown does; --resume is no dash
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "github-dark"
python_maximum_signature_line_length = 80
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_typehints_format = "short"
autodoc_preserve_defaults, autodoc_inherit_docstrings = True, False
suppress_warnings = ["ref.python"]  # "actions", "state": fields of several classes
OPTIONAL = "h5py", "ipywidgets", "jupytext", "nbgrader", "numba", "ray"  # what other set-ups install
autodoc_mock_imports = [name for name in OPTIONAL if not find_spec(name)]
logging.getLogger("OpenGL").setLevel(logging.WARNING)  # imported for its docstrings, and talkative
# MathJax comes with the pages: nothing is loaded from elsewhere but Colab's badges.
MATHJAX = Path(next(iter(find_spec("sphinx-mathjax-offline").submodule_search_locations)), "static", "mathjax")
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^()#\s]+)(#[^()\s]*)?(?=\))")
MODULES = {}  # a module's file, or a package's folder: its name
for _file in sorted((ROOT / "qlac_lite").rglob("*.py")):
    if _file.name == "__init__.py" and ast.get_docstring(ast.parse(_file.read_text())):
        MODULES[_file.parent] = ".".join(_file.parent.relative_to(ROOT).parts)
    elif not _file.name.startswith("_"):
        MODULES[_file] = ".".join(_file.relative_to(ROOT).with_suffix("").parts)


def mended(text: str, folder: Path) -> str:
    """Links in Markdown that lies in `folder`: to a page of the site if there is one, else to the repository."""

    def link(match: re.Match) -> str:
        path = (folder / match[1]).resolve()
        if path in (*PAGES, *LESSONS) or not path.exists() or path.suffix in PICTURES:
            return match[0]  # what does not exist stays as it is: Sphinx then says where it stands
        if path in MODULES:
            return os.path.relpath(ROOT / "api" / f"{MODULES[path]}.rst", folder)
        return f"{REPOSITORY}/{'tree' if path.is_dir() else 'blob'}/main/{path.relative_to(ROOT)}"

    return LINK.sub(link, text)


def lesson(path: Path, figures: Path) -> str:
    """A solved notebook with mended links, its set-up folded, and its figures in a folder of the site."""
    notebook, count = json.loads(path.read_text()), 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"]).replace("](attachment:", "](../docs/pictures/")  # as tools/build_lessons.py attached them
            cell.pop("attachments", None)
            cell["source"] = mended(source, path.parent)
        if "set-up" in cell["metadata"].get("tags", []):
            cell["metadata"] |= {"tags": ["hide-input"], "mystnb": {"code_prompt_show": "Set-up", "code_prompt_hide": "Set-up"}}
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).pop("image/png", None):
                count += 1
                figure, alt = figures / f"{path.stem[:2]}-{count}.png", html.escape(output["metadata"]["image/png"]["alt"])
                figure.write_bytes(base64.b64decode("".join(png)))
                source = f"../{figures.name}/{figure.name}"
                output["data"]["text/html"] = f'<a href="{source}"><img class="figure" src="{source}" alt="{alt}"></a>'
    return json.dumps(notebook)


def api() -> dict[str, str]:
    """A page for each module, and one that lists them with the first line of each."""
    pages, rows = {}, []
    for path, name in MODULES.items():
        file = path / "__init__.py" if path.is_dir() else path
        about = re.split(r"\n\n|(?<=[.]) ", ast.get_docstring(ast.parse(file.read_text())))[0].replace("\n", " ")
        rows.append(f"| [{name.removeprefix('qlac_lite.')}]({name}.rst) | {about} |\n")
        pages[f"api/{name}.rst"] = f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n"
    return {**pages, "api/index.md": (ROOT / "docs" / "site" / "api.md").read_text() + "".join(rows)}


def prepare(source: Path, out: Path) -> None:
    """Writes the pages that Sphinx reads, and beside those that it writes the figures and MathJax."""
    figures, mathjax = out / "figures", out / "_static" / "mathjax"
    figures.mkdir(parents=True, exist_ok=True)
    shutil.copytree(MATHJAX / "output/chtml/fonts/woff-v2", mathjax / "output/chtml/fonts/woff-v2", dirs_exist_ok=True)
    shutil.copy(MATHJAX / "tex-chtml.js", mathjax)
    pages = {ROOT / "index.md": (ROOT / "docs" / "site" / "index.md").read_text()} | {ROOT / name: text for name, text in api().items()}
    pages |= {path: mended(path.read_text(), path.parent) for path in PAGES} | {path: lesson(path, figures) for path in LESSONS}
    contents = {path: text.encode() for path, text in pages.items()}
    pictures = [*ROOT.glob("results/**/*.*"), *ROOT.glob("docs/pictures/*.*")]
    contents |= {path: path.read_bytes() for path in pictures if path.suffix in PICTURES}
    for path, content in contents.items():
        page = source / path.relative_to(ROOT)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(content)


def escape_docstring(app, what, name, obj, options, lines) -> None:
    """A docstring is plain text with `code` and blocks that are set in: stars and bars are no marks of reStructuredText."""
    parts = re.split(r"(?<=\n\n)((?: {4}.*\n?)+)", "\n".join(lines))
    for i, part in enumerate(parts):
        texts = part.split("`")
        texts[::2] = [re.sub(r"[*|\\]|(?<=\w)_(?!\w)", r"\\\g<0>", text) for text in texts[::2]]
        parts[i] = f"::\n\n{part}\n" if i % 2 else "`".join(texts)
    lines[:] = "".join(parts).split("\n")


def bare_types(app, obj, bound_method) -> None:
    """Types of a command's options, without what Typer is told of each."""
    if "Annotated" in str(getattr(obj, "__annotations__", "")):
        obj.__annotations__ = typing.get_type_hints(obj)


def document_fields() -> None:
    """Lets the comment behind a field say what it is, as `name: type  # comment`: autodoc reads `#:`."""
    from sphinx.pycode import ModuleAnalyzer

    for path, name in MODULES.items():
        if path.is_file():
            code = re.sub(r"^( {4}\w+: [^#\n]*?)  # (?!fmt|noqa)", r"\1  #: ", path.read_text(), flags=re.M)
            ModuleAnalyzer.cache["module", name] = ModuleAnalyzer.for_string(code, name, str(path))


def setup(app) -> None:
    prepare(Path(app.srcdir), Path(app.outdir))
    document_fields()
    app.connect("autodoc-process-docstring", escape_docstring, priority=400)  # before napoleon
    app.connect("autodoc-before-process-signature", bare_types)
