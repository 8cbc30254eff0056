"""The course as a site, as `make site` builds it:
links that lead somewhere, figures with their text, pages that fit a phone.

Needs Sphinx and what goes with it (`make site`, or pip install -e '.[site]'), and Chromium for the
look of the pages; where they are missing, the tests are skipped, and say so. No test asks the
network: `make site-links` does.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from links import ROOT, repository

MISSING = [name for name in ("sphinx", "myst_nb", "furo", "sphinx-mathjax-offline") if not find_spec(name)]
pytestmark = [
    pytest.mark.around,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"no {', '.join(MISSING)} here: `make site` installs it, or pip install -e '.[site]'",
    ),
]
LESSONS = sorted(path.stem for path in ROOT.glob("solutions/*.ipynb"))
WIDTH = 390  # of a phone
CHROMIUM = os.environ.get("QLAC_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


class Page(HTMLParser):
    """What a page has to offer (`anchors`), asks for (`links`, as attribute and address),
    and shows (`images`)."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors, self.links, self.images, self.metas = set(), [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        self.links += [(f"{tag} {name}", found[name]) for name in ("href", "src") if name in found]
        self.images += [found] if tag == "img" else []
        self.metas += [found] if tag == "meta" else []


def broken_links(site: Path) -> list[str]:
    """Links from pages of a folder to files or places in them that are not there."""
    pages, problems = {path.resolve(): Page(path) for path in site.rglob("*.html")}, []
    for path, page in pages.items():
        for kind, address in page.links:
            link = urlsplit(address or "")
            if link.scheme or link.netloc:
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            if not target.is_file() or not target.is_relative_to(site.resolve()):
                problems.append(f"{path.relative_to(site.resolve())}: {kind}={address!r}: no such file")
            elif link.fragment and unquote(link.fragment) not in pages.get(target, page).anchors:
                problems.append(
                    f"{path.relative_to(site.resolve())}: {kind}={address!r}: no such place in it"
                )
    return problems


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built anew as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "source").mkdir()
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-c",
        "docs/site",
        "-d",
        folder / "trees",
        folder / "source",
        folder / "html",
    ]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"JAX_PLATFORMS": "cpu"}
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def conf():
    spec = importlib.util.spec_from_file_location("site_conf", ROOT / "docs" / "site" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "body, found",
    [
        ('<a href="b.html#here">', ""),
        ('<a href="#top"><p id="top">', ""),
        ('<a href="https://example.org/gone"><img src="data:image/gif;base64,R0">', ""),
        ('<a href="c.html">', "no such file"),
        ('<a href="../outside.html">', "no such file"),
        ('<img src="no.png">', "no such file"),
        ('<a href="b.html#there">', "no such place"),
        ('<a href="#nowhere">', "no such place"),
    ],
)
def test_the_checker_of_links_finds_what_is_broken_and_no_more(tmp_path, body, found):
    (tmp_path / "outside.html").touch()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.html").write_text(body)
    (tmp_path / "site" / "b.html").write_text('<h1 id="here">')
    problems = broken_links(tmp_path / "site")
    assert (len(problems) == 1 and found in problems[0]) if found else problems == []


@pytest.mark.parametrize(
    "link, target",
    [
        ("../solutions/01_chunked_mdp.ipynb", "../solutions/01_chunked_mdp.ipynb"),
        ("faq.md#practical-questions", "faq.md#practical-questions"),
        ("../qlac_lite/data/dataset.py", "../api/qlac_lite.data.dataset.rst"),
        ("../qlac_lite/agents", "../api/qlac_lite.agents.rst"),
        ("../CITATION.cff", "https://github.com/REPOSITORY/blob/main/CITATION.cff"),
        ("../notebooks", "https://github.com/REPOSITORY/tree/main/notebooks"),
        ("https://arxiv.org/abs/2507.07969", "https://arxiv.org/abs/2507.07969"),
        ("gone.md", "gone.md"),  # left for Sphinx to complain about
    ],
)
def test_links_lead_to_a_page_or_to_the_repository(conf, link, target):
    assert (
        conf.mended(f"See [it]({link}).", ROOT / "docs")
        == f"See [it]({target.replace('REPOSITORY', repository())})."
    )


def test_every_link_of_the_site_leads_somewhere(site):
    assert len(list(site.rglob("*.html"))) > 80
    assert broken_links(site) == []


def test_pages_fetch_nothing_from_elsewhere_but_the_badges_of_colab(site):
    fetched = {
        link
        for path in site.rglob("*.html")
        for kind, link in Page(path).links
        if kind in ("script src", "link href", "img src", "iframe src")
    }
    assert {link for link in fetched if urlsplit(link).netloc} == {
        "https://colab.research.google.com/assets/colab-badge.svg"
    }


@pytest.mark.parametrize("name", LESSONS)
def test_every_figure_of_a_lesson_carries_its_text(site, name):
    outputs = [
        output
        for cell in json.loads((ROOT / "solutions" / f"{name}.ipynb").read_text())["cells"]
        for output in cell.get("outputs", [])
    ]
    texts = [
        output["metadata"]["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})
    ]
    images = [
        image
        for image in Page(site / "solutions" / f"{name}.html").images
        if "sidebar-logo" not in image.get("class", "")
    ]
    assert [image["alt"] for image in images if image.get("class") == "figure"] == texts and texts
    for image in images:
        assert len(image.get("alt") or "") > 10 and not re.search(r"\.(png|gif|svg)$", image["alt"]), image


def test_the_first_page_leads_to_every_lesson_and_every_page(site):
    links = {link for _, link in Page(site / "index.html").links}
    assert {f"solutions/{name}.html" for name in LESSONS} | {
        "README.html",
        "docs/faq.html",
        "api/index.html",
    } <= links
    assert all(
        f"{name}.html" in Path(site / "api" / "index.html").read_text()
        for name in ("qlac_lite.data.dataset", "qlac_lite.agents.fql")
    )


def test_a_line_that_begins_with_a_percent_sign_is_no_comment(site):
    begun = [
        line[:30] for line in (ROOT / "docs" / "faq.md").read_text().splitlines() if line.startswith("% ")
    ]
    assert begun and all(line in (site / "docs" / "faq.html").read_text() for line in begun)


@pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium here: on Debian and Ubuntu, apt-get install chromium; or name one in QLAC_CHROMIUM",
)
def test_pages_fit_a_phone_and_their_mathematics_is_set(site):
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
    names = [
        "index",
        "README",
        "CONTRIBUTING",
        "results/README",
        "docs/faq",
        "docs/glossary",
        "api/index",
        "api/qlac_lite.data.dataset",
        "api/qlac_lite.cli",
    ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 844})
        page.route(re.compile("^https?:"), lambda route: route.abort())
        for name in names + [f"solutions/{lesson}" for lesson in LESSONS]:
            page.goto((site / f"{name}.html").as_uri())
            if name.startswith("solutions/"):
                page.wait_for_function("window.MathJax?.startup?.promise?.then(() => true)")
                assert page.locator("mjx-container").count() == page.locator(".math").count() > 0, (
                    f"{name}: formulas are not set"
                )
                assert page.locator("mjx-merror, [data-mjx-error]").count() == 0, (
                    f"{name}: a formula has an error"
                )
                page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, (
                f"{name} is wider than a phone"
            )
            assert any(meta.get("name") == "viewport" for meta in Page(site / f"{name}.html").metas)
        browser.close()
