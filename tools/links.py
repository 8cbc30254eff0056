"""Where the course lives: the one command that stamps its links, and what finds a stale one.

`python tools/links.py owner/name` (`make publish-links REPO=owner/name`) writes a repository's address into
everything that names it: Colab's badges, the cell that installs the library there, README, the citation.
`--check` lists what is stale. `pyproject.toml` says which repository it is.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import atomic

ROOT = Path(__file__).parents[1]
STAMPED = (
    "*.md",
    "*.cff",
    "pyproject.toml",
    "docs/**/*.md",
    "results/**/*.md",
    "solutions/*.py",
    "solutions/*.ipynb",
    "notebooks/*.ipynb",
    "docs/site/*.py",
)
NAME = r"[A-Za-z0-9][\w-]*/[\w.-]*[\w-]"  # of a repository: owner/name
# An address on GitHub, or its notebook on Colab:
# host, repository (less .git), and the path behind /blob/BRANCH/.
LINK = re.compile(
    rf"(?P<host>colab\.research\.google\.com/github|github\.com|raw\.githubusercontent\.com)/"
    rf"(?P<repository>{NAME}?)(?=\.git\b|[/)\"'\s#>@\\]|$)"
    r"(?:/(?:blob|tree)/[\w.-]+/(?P<path>[\w./-]*[\w-]))?"
)


def repository(root: Path = ROOT) -> str:
    """owner/name of the course's repository."""
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]["urls"]["Repository"].removeprefix(
        "https://github.com/"
    )


def stamp(new: str, root: Path = ROOT) -> list[str]:
    """Writes `new`, as owner/name, in place of the repository that is named now;
    gives the files that changed.

    Raises:
        QlacError: `new` is not of the form owner/name.
    """
    if not re.fullmatch(NAME, new):
        raise QlacError(
            f"A repository is named owner/name, with letters, digits, - _ and . in it; this is {new!r}. "
            "Example: make publish-links REPO=ada/qlac-lite"
        )
    old, changed = repository(root), []
    for path in _files(root):
        text = path.read_text()
        swapped = LINK.sub(
            lambda link: link.group().replace(old, new, 1) if link["repository"] == old else link.group(),
            text,
        )
        if swapped != text:
            with atomic(path) as file:
                file.write(swapped.encode())
            changed.append(str(path.relative_to(root)))
    return changed


def stale_links(root: Path = ROOT) -> list[str]:
    """Links that mean the course's own repository and name another one, or a file that it does not have.

    A link means the course if it names its repository; if it goes to Colab or installs something, as only the
    course's own links do; or if the repository's name is the course's under another owner.
    """
    ours, problems = repository(root), []
    for path in _files(root):
        text = path.read_text()
        for link in LINK.finditer(text):
            installs = text[max(0, link.start() - 20) : link.start()].endswith(
                ("git+https://", "git clone https://")
            )
            same_name = link["repository"].split("/")[1] == ours.split("/")[1]
            if link["repository"] != ours and (installs or same_name or link["host"].startswith("colab")):
                problems.append(
                    f"{path.relative_to(root)}: {link.group()} is not {ours}. Run: "
                    f"make publish-links REPO={ours}"
                )
            elif link["repository"] == ours and link["path"] and not (root / link["path"]).exists():
                problems.append(f"{path.relative_to(root)}: {link.group()}: there is no {link['path']}")
    return problems


def _files(root: Path) -> Iterator[Path]:
    for pattern in STAMPED:
        yield from sorted(root.glob(pattern))


def main(
    name: Annotated[
        str,
        typer.Argument(
            help="The repository that the course is pushed to: owner/name. None: the one it names now."
        ),
    ] = "",
    check: Annotated[bool, typer.Option("--check", help="Change nothing; list stale links.")] = False,
) -> None:
    """Stamps the course's links with its repository."""
    try:
        for path in [] if check else stamp(name or repository()):
            print(f"stamped {path}")
    except QlacError as error:
        raise SystemExit(str(error)) from None
    problems = stale_links()
    print("\n".join(problems) or f"All links are those of {repository()}.")
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    typer.run(main)
