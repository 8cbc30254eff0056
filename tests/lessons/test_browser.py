"""The course as a learner meets it: JupyterLab in a headless Chromium, answers typed in, sliders dragged,
both themes.

Needs Playwright, JupyterLab and Chromium: Debian's package `chromium`, or any that QLAC_CHROMIUM names.
Where there is none, the tests are skipped, and say so. QLAC_PICTURES=FOLDER keeps the screenshots.
"""

import functools
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from build_lessons import ROOT

CHROMIUM = os.environ.get("QLAC_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.around,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium here: on Debian and Ubuntu, apt-get install chromium, or set QLAC_CHROMIUM",
    ),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WRONG = "def decision_steps(steps, length):\n    return np.arange(1, steps, length)\n"
RIGHT = "def decision_steps(steps, length):\n    return np.arange(0, steps, length)\n"
LESSON_MINUTES = 5


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a JupyterLab on copies of the student notebooks."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab here: make lab installs it")
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    settings = {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "QLAC_FAST": "1",
    }
    arguments = [
        "lab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={home / 'notebooks'}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("MPLBACKEND", "JAX_DISABLE_MOST_OPTIMIZATIONS")
    }
    log = (home / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", *arguments], env=environment | settings, stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _until(functools.partial(_answers, f"{address}/api"), 90, f"JupyterLab did not start: see {log.name}")
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser():
    sync_playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright here: pip install playwright"
    ).sync_playwright
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=2).status == 200
    except OSError:
        return False


def _until(true, seconds, what):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what if isinstance(what, str) else what()
        time.sleep(0.25)


class Lesson:
    """A student notebook in JupyterLab, in its own page."""

    def __init__(self, browser, lab, name, theme="light", width=1180, height=1400):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.goto(f"{lab}/lab/tree/{name}.ipynb?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.menu("View", "File Browser") if self.page.locator("#filebrowser").is_visible() else None
        self.menu("Settings", "Theme", THEMES[theme])
        self.page.wait_for_function(
            f"document.body.dataset.jpThemeName === '{THEMES[theme]}'", timeout=30_000
        )
        self.idle(60)

    def menu(self, *path):
        """Clicks through the menu bar, as far as the last entry."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{path[0]}$")).click()
        for depth, entry in enumerate(path[1:]):
            item = (
                self.page.locator(".lm-Menu")
                .nth(depth)
                .locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(entry)}$"))
            )
            item.hover()
            if entry == path[-1]:
                item.click()

    def idle(self, seconds):
        """Waits until the kernel has nothing more to do."""
        self.page.wait_for_function(
            "document.querySelector('.jp-NotebookPanel-toolbar [data-status]')?.dataset.status === 'idle'",
            timeout=1000 * seconds,
        )

    def run_all(self):
        self._run("Run All Cells")

    def run_above(self, cell):
        """Runs what stands above a cell: an exercise half-way down waits for nothing below it."""
        cell.locator(".cm-content").click()
        self._run("Run All Above Selected Cell")

    def _run(self, entry):
        self.menu("Run", entry)
        self.page.wait_for_function(
            "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".some(p => p.textContent.includes('*'))",
            timeout=30_000,
        )
        self.page.wait_for_function(
            "![...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".some(p => p.textContent.includes('*'))",
            timeout=60_000 * LESSON_MINUTES,
        )
        self.idle(60)

    def cell(self, text):
        """The code cell in which a text stands."""
        return self.page.locator(
            ".jp-CodeCell", has=self.page.locator(".jp-InputArea-editor", has_text=text)
        ).first

    def write(self, cell, code):
        """Replaces the code of a cell as one does: click, select all, type; and runs it."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.run(cell)

    def run(self, cell):
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(300)
        self.idle(120)

    def settled(self, look):
        """What `look` gives as soon as it gives it twice in a row: until then the page is still moving."""
        before, now = None, look()
        while now != before:
            self.page.wait_for_timeout(200)
            before, now = now, look()
        return now

    def keep(self, name, element):
        """A screenshot of an element, kept where QLAC_PICTURES says."""
        element.scroll_into_view_if_needed()
        picture = element.screenshot()
        if folder := os.environ.get("QLAC_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}.png").write_bytes(picture)
        return picture

    def sliders(self):
        """Boxes of sliders with their figure: the output of each call of `explore`."""
        return self.page.locator(".jp-OutputArea-child:has(.widget-vbox)")


def drag(lesson, slider, share):
    """Drags the handle of a slider to a share of its way."""
    slider.scroll_into_view_if_needed()
    places, mouse = (
        lambda: [slider.locator(part).bounding_box() for part in (".noUi-handle", ".noUi-base")],
        lesson.page.mouse,
    )
    lesson.settled(places)
    slider.locator(".noUi-handle").hover()  # waits until the handle is what lies under the mouse
    _handle, way = places()
    mouse.down()
    mouse.move(way["x"] + share * way["width"], way["y"] + way["height"] / 2, steps=8)
    mouse.up()


def figure_of(box):
    """What the figure under the sliders shows: none before the first move."""
    pictures = box.locator("img")
    return [
        hashlib.sha256(pictures.nth(i).get_attribute("src").encode()).hexdigest()
        for i in range(pictures.count())
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_a_learner_answers_the_first_exercise(browser, lab, theme):
    lesson = Lesson(browser, lab, "00_welcome", theme)
    exercise, check = lesson.cell("def decision_steps"), lesson.cell("check_decision_steps(")
    said = lambda: check.locator(".jp-OutputArea-output").inner_text()
    lesson.run_above(check)
    lesson.run(check)
    assert "not attempted yet" in said()
    lesson.write(exercise, WRONG)
    lesson.run(check)
    assert "✗" in said() and "likely" in said() and "next" in said(), said()
    lesson.keep(f"wrong-{theme}", check)
    lesson.write(exercise, RIGHT)
    lesson.run(check)
    assert "✓" in said() and "right in all" in said(), said()
    lesson.keep(f"right-{theme}", check)
    text = check.locator(".jp-OutputArea-output b").last
    assert _contrast(text) > 4.5, f"the verdict is hard to read in the {theme} theme"
    lesson.page.close()


def _contrast(element):
    """WCAG's contrast of an element's text against what lies behind it, 1 to 21."""
    colours = element.evaluate(
        "e => { let b = e; "
        "while (b && /rgba?\\(0, 0, 0, 0\\)|transparent/.test(getComputedStyle(b).backgroundColor)) "
        "b = b.parentElement;\n        "
        "return [getComputedStyle(e).color, "
        "b ? getComputedStyle(b).backgroundColor : 'rgb(255, 255, 255)'] }"
    )
    channel = lambda c: c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
    light = lambda colour: sum(
        w * channel(int(c) / 255)
        for w, c in zip((0.2126, 0.7152, 0.0722), re.findall(r"\d+", colour), strict=False)
    )
    low, high = sorted(map(light, colours))
    return (high + 0.05) / (low + 0.05)


# Every kind of slider: a few whole numbers, a long run of them, fractions, two in a box, words.
# QLAC_PAGES=all drags those of all lessons.
WITH_SLIDERS = [path.stem for path in sorted(ROOT.glob("solutions/*.py")) if "\nexplore(" in path.read_text()]
DRAGGED = (
    WITH_SLIDERS
    if os.environ.get("QLAC_PAGES") == "all"
    else ["00_welcome", "01_chunked_mdp", "03_flow_matching"]
)


@pytest.mark.parametrize("name, theme", [(name, list(THEMES)[i % 2]) for i, name in enumerate(DRAGGED, 1)])
def test_every_slider_of_a_lesson_draws_when_it_is_dragged(browser, lab, name, theme):
    lesson = Lesson(browser, lab, name, theme)
    lesson.run_all()
    boxes = lesson.sliders()
    assert boxes.count() == (ROOT / "solutions" / f"{name}.py").read_text().count("\nexplore(") > 0
    for i in range(boxes.count()):
        box = boxes.nth(i)
        assert figure_of(box) == [], "drawn before it was moved"
        sliders = box.locator(".widget-hslider")
        for j in range(sliders.count()):
            value = lambda: sliders.nth(j).locator(".widget-readout").text_content()
            moved = 0
            for share in (0.98, 0.02, 0.98):
                shown, value_before = lesson.settled(lambda: figure_of(box)), value()
                drag(lesson, sliders.nth(j), share)
                if value() == value_before:
                    continue  # it stood there
                moved += 1
                what = lambda: (
                    f"{name}: slider {i}.{j} went from {value_before} to {value()}, "
                    f"its figure did not change: {box.inner_text()}"
                )
                _until(lambda: figure_of(box) not in ([], shown), 60, what)
                assert box.locator("img").count() == 1 and box.locator("img").get_attribute("alt"), (
                    "one figure, with a text"
                )
            assert moved >= 2, f"{name}: slider {i}.{j} could be dragged {moved} times only"
        lesson.keep(f"slider-{name[:2]}-{i}-{theme}", box)
    lesson.page.close()
