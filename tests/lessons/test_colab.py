"""The course on a faked Colab: another Python environment,
in which a lesson's first cell has to install what is missing.

What Colab brings (this environment's packages, less those that Colab lacks) is linked into a folder that
nobody may write; a module `google.colab` is imported at start, as there; there is no labmaze and no renderer.
With `make test-colab` the versions are Colab's, too. Needs a package index, for what the first cell installs:
where pip reaches none, the tests are skipped, and say so.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOT_THERE = {
    "qlac-lite",
    "labmaze",
    "ogbench",
    "dm-control",
    "dm-env",
    "mujoco",
    "glfw",
    "robosuite",
    "pyopengl",
}
COLAB = "from google.colab import drive"
DRIVE = """
import os
from pathlib import Path


def mount(where):
    import qlac_lite.lessons.notebook

    qlac_lite.lessons.notebook.DRIVE = Path(os.environ["FAKE_DRIVE"])
"""


pytestmark = pytest.mark.around


def index_answers(folder):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--timeout",
        "10",
        "--retries",
        "0",
        "-d",
        str(folder),
        "dm-env",
    ]
    return subprocess.run(pip, capture_output=True).returncode == 0


class Colab:
    """A faked Colab's disk: `there` what it brings, `site` what is installed by the lesson."""

    def __init__(self, home):
        self.home, self.there, venv = home, home / "dist-packages", home / "python"
        self.there.mkdir()
        lacking, ours = set(), Path(metadata.distribution("numpy").locate_file(""))
        for name in NOT_THERE:
            try:
                dist = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue
            lacking |= {
                Path(file).parts[0] for file in dist.files if not Path(file).parts[0].startswith("..")
            }
        for entry in ours.iterdir():
            if entry.name not in lacking and not entry.name.startswith(
                ("__editable__", "__pycache__", "qlac_lite")
            ):
                (self.there / entry.name).symlink_to(entry)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        self.python = venv / "bin" / "python"
        self.site = next((venv / "lib").glob("python*")) / "site-packages"
        (self.site / "colab.pth").write_text(f"{self.there}\n")
        (self.site / "google" / "colab").mkdir(parents=True)
        (self.site / "google" / "colab" / "__init__.py").write_text("")
        (self.site / "google" / "colab" / "drive.py").write_text(DRIVE)
        (self.site / "google" / "colab" / "output.py").write_text("")  # JAX imports it
        (self.site / "sitecustomize.py").write_text("import google.colab\n")
        self.before = self.listing()
        self.there.chmod(0o555)
        kernel = home / "jupyter" / "kernels" / "colab"
        kernel.mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": "Colab", "language": "python"})
        )
        (home / "drive").mkdir()
        project = home / "pushed"  # stands for the course's repository
        project.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, project)
        shutil.copytree(
            ROOT / "qlac_lite", project / "qlac_lite", ignore=shutil.ignore_patterns("__pycache__")
        )

    def listing(self):
        return {path.name: path.stat().st_mtime_ns for path in self.there.iterdir()}

    def installed(self):
        return {
            dist.metadata["Name"].lower().replace("_", "-")
            for dist in metadata.distributions(path=[str(self.site)])
        }

    def client(self, name, first=""):
        """A student notebook, opened, with a cell of the learner's own at the top."""
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells[0].source = (
            cells[0]
            .source.replace(cells[0].source.split('"git+')[1].split('"')[0], str(self.home / "pushed"))
            .replace('"git+', '"')
        )
        if first:
            notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
        kept = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "MPLBACKEND", "JAX_DISABLE_MOST_OPTIMIZATIONS")
        }
        faked = {
            "MUJOCO_GL": "disabled",
            "QLAC_FAST": "1",
            "FAKE_DRIVE": str(self.home / "drive"),
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "PYTHONNOUSERSITE": "1",
        }
        content = self.home / "content"
        content.mkdir(exist_ok=True)
        client = NotebookClient(
            notebook,
            kernel_name="colab",
            timeout=600,
            allow_errors=False,
            resources={"metadata": {"path": str(content)}},
        )
        return client, kept | faked


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    home = tmp_path_factory.mktemp("colab")
    if not index_answers(home / "probe"):
        pytest.skip(
            "no package index answers here, and the first cell of a lesson has to install what Colab lacks"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(home / "jupyter"))
        yield Colab(home)


def said(notebook):
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


def test_the_first_lesson_installs_what_is_missing_changes_nothing_and_runs_without_a_renderer(colab):
    client, environment = colab.client("00_welcome")
    notebook = client.execute(env=environment)
    words = said(notebook)
    assert "renderer none" in words and "missing" not in words.splitlines()[0] and "No renderer here" in words
    assert "not attempted yet" in words and "solved" in words
    assert {
        "qlac-lite",
        "ogbench",
        "mujoco",
        "dm-control",
    } <= colab.installed() and "labmaze" not in colab.installed()
    there = {
        dist.metadata["Name"].lower().replace("_", "-")
        for dist in metadata.distributions(path=[str(colab.there)])
    }
    assert not colab.installed() & there, "a package that Colab brings was replaced"
    assert colab.listing() == colab.before
    begin = time.monotonic()
    again = subprocess.run(
        [colab.python, "-c", "from qlac_lite.lessons import set_up; set_up()"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0 and "missing" not in again.stdout and time.monotonic() - begin < 60, (
        "the second time nothing is installed"
    )


def test_a_lesson_that_is_cut_off_goes_on_from_drive_when_it_is_opened_again(colab):
    mount = f"{COLAB}\n\ndrive.mount('/content/drive')"
    client, environment = colab.client("07_ogbench", mount)
    live = colab.home / "drive" / "qlac-lite" / "lesson07-fast" / "runs" / "live"
    begun = next(
        i for i, cell in enumerate(client.nb.cells) if "runs = {name: processes.start(" in cell.source
    )
    ended = next(i for i, cell in enumerate(client.nb.cells) if "processes.equal(" in cell.source)
    with client.setup_kernel(env=environment):
        for i, cell in enumerate(client.nb.cells[: begun + 1]):
            client.execute_cell(cell, i)
        said_pids = nbformat.v4.new_code_cell("print(*[run.pid for run in runs.values()])")
        children = client.execute_cell(said_pids, begun + 1).outputs[0].text.split()
        end = time.monotonic() + 120
        while not (live / "checkpoint.npz").exists():
            assert time.monotonic() < end, "no checkpoint on Drive"
            time.sleep(0.02)
        for child in children:
            os.kill(int(child), signal.SIGKILL)  # the machine is taken away
    assert "Runs lie on Drive" in said(client.nb)
    with np.load(live / "checkpoint.npz", allow_pickle=False) as file:
        assert str(file["phase"]) != "done", "it had finished: this test shows nothing"
    claimed = (live / "run.json").read_bytes()
    client, environment = colab.client("07_ogbench", mount)
    with client.setup_kernel(env=environment):
        for i, cell in enumerate(client.nb.cells[: ended + 1]):
            client.execute_cell(cell, i)
    assert "This page resumed the runs" in said(client.nb)
    assert (live / "run.json").read_bytes() == claimed, "the run began anew"
    with np.load(live / "checkpoint.npz", allow_pickle=False) as file:
        assert str(file["phase"]) == "done"


def test_without_drive_a_lesson_says_that_its_runs_go_with_the_machine(monkeypatch, capsys, tmp_path):
    from types import SimpleNamespace

    from qlac_lite.lessons import notebook as lessons

    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    monkeypatch.setattr(lessons, "DRIVE", tmp_path / "none")
    folder = lessons.run_folder("lesson07")
    assert folder.is_dir() and "lost" in capsys.readouterr().out
    monkeypatch.setattr(lessons, "DRIVE", tmp_path)
    assert lessons.run_folder("lesson07", keep=True).parent == tmp_path / "qlac-lite"
    monkeypatch.delitem(sys.modules, "google.colab")
    monkeypatch.chdir(tmp_path)
    assert lessons.run_folder("lesson07", keep=True).parent == tmp_path / "full-runs"
