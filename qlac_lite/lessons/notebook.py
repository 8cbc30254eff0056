"""What every lesson starts with: its set-up, the one switch, and how it shows a figure."""

import base64
import html
import importlib.util
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

NO_DEPENDENCIES = ("ogbench", "dm_control")  # they ask for labmaze, which is not needed and lacks wheels
EXTRAS = {"robomimic": ("robosuite==1.5.2",)}  # further packages of an extra, without dependencies: Makefile
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts it
_scratch: dict[str, tempfile.TemporaryDirectory] = {}  # folders that go with the process


def set_up(extra: str | None = None) -> None:
    """On Colab, adds what is missing, for an `extra` of the library too. Everywhere, reports in one line."""
    missing = missing_packages(extra)
    if "google.colab" in sys.modules:
        _install(missing)
    print(report())
    if extra and missing and "google.colab" not in sys.modules:
        print(
            f"Missing for this lesson: {', '.join(missing)}. "
            f"In the course's folder, run: make {extra}. Then restart the kernel."
        )


def missing_packages(extra: str | None = None) -> list[str]:
    """Requirements of the library, and of one of its extras, that no installed package meets by name."""
    wanted = [*(metadata.requires("qlac-lite") or []), *NO_DEPENDENCIES, *EXTRAS.get(extra, ())]
    asked = lambda line: "extra ==" not in line or f'"{extra}"' in line.replace("'", '"')
    plain = [line.split(";")[0].strip() for line in wanted if asked(line)]
    names = {re.match(r"[\w.-]+", line).group(): line for line in plain}
    return [line for name, line in names.items() if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _install(packages: list[str]) -> None:
    """With every installed version as a constraint, so that pip may add packages and cannot change one."""
    without = (*NO_DEPENDENCIES, *(name for names in EXTRAS.values() for name in names))
    alone = [line for line in packages if line.startswith(without)]
    others = [line for line in packages if line not in alone]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for there in metadata.distributions():
            if there.metadata["Name"] and "+" not in there.version:
                file.write(f"{there.metadata['Name']}=={there.version}\n")
        file.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if others:
            subprocess.check_call([*pip, "-c", file.name, *others])
        if alone:
            subprocess.check_call([*pip, "--no-deps", *alone])
    importlib.invalidate_caches()


def report() -> str:
    """Versions, device and renderer in one line."""
    import jax

    import qlac_lite

    version = lambda name: f"{name} {metadata.version(name)}" if _installed(name) else f"{name} missing"
    parts = [f"qlac-lite {qlac_lite.__version__}", f"Python {platform.python_version()}"]
    parts += [f"{version('jax')} on {jax.default_backend()}", version("ogbench"), version("mujoco")]
    parts += [f"renderer {renderer()}"] + ["shortened by QLAC_FAST"] * _fast()
    return " | ".join(parts)


def renderer() -> str:
    """The OpenGL platform that MuJoCo can draw with here, or 'none': then films are replaced by sketches."""
    import qlac_lite.envs  # noqa: F401  chooses MUJOCO_GL

    try:
        import mujoco

        mujoco.GLContext(8, 8).free()
    except Exception:  # MuJoCo raises whatever its GL library does
        return "none"
    return os.environ.get("MUJOCO_GL", "glfw")


def _fast() -> bool:
    return os.environ.get("QLAC_FAST", "") not in ("", "0")


def shorten(full: Any, fast: Any) -> Any:
    """`full`, or `fast` where the environment variable QLAC_FAST=1 asks for a short run, as tests do."""
    return fast if _fast() else full


def run_folder(lesson: str, keep: bool = False) -> Path:
    """Where a lesson's runs lie, an absolute path that exists.

    On Colab with Drive mounted, a folder there: the runs of an interrupted lesson go on when it is opened
    again. Elsewhere a folder beside the notebook with `keep`, else one that is removed with the kernel.
    """
    lesson = "-".join([lesson] + ["full"] * keep + ["fast"] * _fast())  # runs of other sizes do not mix
    if "google.colab" in sys.modules and DRIVE.is_dir():
        folder = DRIVE / "qlac-lite" / lesson
        print(f"Runs lie on Drive, in {folder}, and go on from there when this page is opened again.")
    elif keep:
        folder = Path("full-runs", lesson)
    else:
        _scratch[lesson] = tempfile.TemporaryDirectory(prefix=f"{lesson}-")
        folder = Path(_scratch[lesson].name)
    if "google.colab" in sys.modules and not DRIVE.is_dir():
        print(f"Drive is not mounted at {DRIVE}: what runs here is lost when Colab takes the machine away.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _with_a_palette(figure: Any) -> io.BytesIO:
    """The figure as a PNG of 256 colours: a third of the size, and the same to the eye."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=100, facecolor="white")
    colours = Image.open(full).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(small, format="png", optimize=True)
    return small


def show(picture: Any, alt: str) -> None:
    """Displays a Matplotlib figure on white, or the bytes of a GIF, with a text that says what it shows.

    A figure goes out as HTML, where JupyterLab and Colab read the text aloud, and as a PNG, which the built
    lessons keep (see build_lessons.execute).
    """
    from IPython.display import display

    animated = isinstance(picture, bytes)
    content = base64.b64encode(picture if animated else _with_a_palette(picture).getvalue()).decode()
    kind, about = "gif" if animated else "png", f'alt="{html.escape(alt)}" style="max-width:100%;height:auto"'
    image = f'<img src="data:image/{kind};base64,{content}" {about}>'
    data, metadata_ = {"text/html": image, "text/plain": f"[Figure: {alt}]"}, {}
    if not animated:
        data["image/png"], metadata_["image/png"] = content, {"alt": alt}
    display(data, raw=True, metadata=metadata_)
