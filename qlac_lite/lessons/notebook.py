"""What every lesson uses: its set-up, QLAC_FAST, its folder of runs, figures."""

import base64
import html
import importlib
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

# Without dependencies (see Makefile): labmaze, which is not needed, lacks wheels.
NO_DEPENDENCIES = ("ogbench", "dm_control", 'robosuite==1.5.2; extra == "robomimic"')
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts it
_scratch = {}  # temporary folders, which stay as long as they are kept here


def set_up(extra: str | None = None) -> None:
    """Installs what is missing on Colab, names it elsewhere, and reports in one line."""
    missing, colab = missing_packages(extra), "google.colab" in sys.modules
    if colab:
        _install(missing)
    _set_up_jax()
    print(report())
    if extra and missing and not colab:
        print(f"Missing for this lesson: {', '.join(missing)}.")
        print(f"In the course's folder, run: make {extra}. Then restart the kernel.")


def _set_up_jax() -> None:
    """JAX as the lessons need it, whatever the environment's variables say; in a line, what was changed."""
    from qlac_lite.utils.cores import ARITHMETIC, devices, ignore_arithmetic
    from qlac_lite.utils.errors import QlacError

    if ignored := ignore_arithmetic():
        print(f"Ignored: {ignored}. The lessons compute as JAX does by itself.")
    import jax

    for name, wanted in ARITHMETIC.items():  # JAX was perhaps imported before
        jax.config.update(name, wanted)
    try:
        devices()
    except QlacError as error:
        jax.config.update("jax_platforms", "cpu")
        print(f"{error} The lessons compute on the CPU.")


def missing_packages(extra: str | None) -> list[str]:
    """Requirements of the library and of its `extra` that are not installed, whatever the version."""
    wanted = [*metadata.requires("qlac-lite"), *NO_DEPENDENCIES]
    asked = [line for line in wanted if "extra ==" not in line or f'"{extra}"' in line]
    plain = {re.match(r"[\w.-]+", line).group(): line.split(";")[0] for line in asked}
    return [line for name, line in plain.items() if not _installed(name)]


def _installed(name: str) -> bool:
    return any(metadata.distributions(name=name))


def _install(packages: list[str]) -> None:
    """Adds packages, with what is installed as constraints: pip changes none of it."""
    bare = [line.split(";")[0] for line in NO_DEPENDENCIES]
    alone = [line for line in packages if line in bare]
    others = [line for line in packages if line not in bare]
    with tempfile.NamedTemporaryFile("w") as file:
        for there in metadata.distributions():
            if (name := there.metadata["Name"]) and "+" not in there.version:
                file.write(f"{name}=={there.version}\n")
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
    return " | ".join([*parts, f"renderer {renderer()}"] + ["shortened by QLAC_FAST"] * _fast())


def renderer() -> str:
    """The OpenGL platform with which MuJoCo draws here, or 'none': then sketches replace films."""
    from qlac_lite.utils.errors import QlacError

    try:
        from qlac_lite.envs import rendering

        return rendering.renderer()
    except (ImportError, QlacError):  # MuJoCo is missing, or nothing draws
        return "none"


def _fast() -> bool:
    return os.environ.get("QLAC_FAST", "") not in ("", "0")


def shorten(full, fast):
    """`full`, or `fast` where QLAC_FAST=1 is set, as in tests."""
    return fast if _fast() else full


def run_folder(lesson: str, keep: bool = False) -> Path:
    """A lesson's folder of runs: on Colab's Drive, beside the notebook (`keep`), or gone with the kernel."""
    lesson += "-full" * keep + "-fast" * _fast()  # runs of other sizes do not mix
    colab, mounted = "google.colab" in sys.modules, DRIVE.is_dir()
    if colab and mounted:
        folder = DRIVE / "qlac-lite" / lesson
        print(f"Runs lie on Drive, in {folder}, and go on when this page is opened again.")
    elif keep:
        folder = Path("full-runs", lesson)
    else:
        _scratch[lesson] = tempfile.TemporaryDirectory(prefix=f"{lesson}-")
        folder = Path(_scratch[lesson].name)
    if colab and not mounted:
        print(f"Drive is not mounted at {DRIVE}: runs are lost when Colab takes the machine away.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _png(figure) -> bytes:
    """The figure in 256 colours: a third of the size."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=100, facecolor="white")
    Image.open(full).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return small.getvalue()


def show(picture, alt: str) -> None:
    """Displays a Matplotlib figure, or the bytes of a GIF; screen readers read its text `alt` aloud.

    They need HTML; the built lessons keep the PNG (build_lessons.execute).
    """
    from IPython.display import display

    animated = isinstance(picture, bytes)
    kind, content = ("gif", picture) if animated else ("png", _png(picture))
    content = base64.b64encode(content).decode()
    about = f'alt="{html.escape(alt)}" style="max-width:100%;height:auto"'
    image = f'<img src="data:image/{kind};base64,{content}" {about}>'
    data, texts = {"text/html": image, "text/plain": f"[Figure: {alt}]"}, {}
    if not animated:
        data["image/png"], texts["image/png"] = content, {"alt": alt}
    display(data, raw=True, metadata=texts)
