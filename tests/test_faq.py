"""docs/faq.md quotes error messages, with … for what is filled in: each quotation is what the course says."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = "No matching distribution found for labmaze"  # pip's own words


def text(node: ast.AST) -> str:
    """The text of a string or an f-string, with … for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value


def said() -> list[str]:
    """Every string of the library, the lessons and the Makefile's text."""
    files = [*ROOT.glob("qlac_lite/**/*.py"), *ROOT.glob("solutions/*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    strings = [
        text(node)
        for node in nodes
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]
    return [*strings, (ROOT / "Makefile").read_text()]


SAID = said()
PAGE = (ROOT / "docs" / "faq.md").read_text()
QUOTED = re.findall(
    r"^(`{1,2})(?!`)(.+?)\1$", PAGE.partition("## Exact error")[2].partition("## Practical")[0], re.M | re.S
)


@pytest.mark.parametrize("message", [" ".join(message.split()) for _, message in QUOTED if message != PIP])
def test_a_quoted_message_is_what_the_course_says(message):
    pieces = [piece.strip(" '.,:;()[]") for piece in re.split(r"…|[.:;] ", message)]
    pieces = [piece for piece in pieces if len(piece) > 3]
    missing = [piece for piece in pieces if not any(piece in string for string in SAID)]
    assert pieces and not missing


def test_the_page_quotes_messages():
    assert len(QUOTED) > 30
