"""The layers of the library: a module imports from its own folder or from a layer below,
and there is no circle.

Imports inside functions count, too. Only `import_module` with a name made at run time is not seen.
"""

import ast
import graphlib
from pathlib import Path

import pytest

import qlac_lite

PACKAGE = Path(qlac_lite.__file__).parent
LAYERS = (
    {"utils"},
    {"config"},
    {"envs"},
    {"data"},
    {"agents"},
    {"training"},
    {"experiments"},
    {"reports"},
    {"cli", "lessons"},
)
FILES = {path.relative_to(PACKAGE.parent).with_suffix("").parts: path for path in PACKAGE.rglob("*.py")}
MODULES = {".".join(parts).removesuffix(".__init__"): path for parts, path in FILES.items()}


def imported(module):
    """The modules of the library that one imports, at its head or in a function."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: a relative import"
            inner = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {
                inner[name] if inner[name] in MODULES else node.module
                for name in inner
                if node.module in MODULES
            }
    return found - {module}


def folder(module):
    """The layer's name: the folder, or the module where it stands in none."""
    name = f"{module}.".split(".")[1]
    return "cli" if name == "__main__" else name


def layer(module):
    return next((i for i, names in enumerate(LAYERS) if folder(module) in names), None)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_from_its_own_folder_or_from_a_layer_below(module):
    if module == qlac_lite.__name__:
        assert imported(module) == set()
        return
    assert layer(module) is not None, "no layer has it"
    others = imported(module) - {qlac_lite.__name__}
    assert [
        other for other in others if folder(other) != folder(module) and layer(other) >= layer(module)
    ] == []


def test_imports_go_in_no_circle():
    graphlib.TopologicalSorter({module: imported(module) for module in MODULES}).prepare()


def test_imports_are_seen():
    assert imported("qlac_lite.training.updates") >= {
        "qlac_lite.agents",
        "qlac_lite.utils.cores",
        "qlac_lite.data.replay",
    }
    assert "qlac_lite.envs.make" in imported("qlac_lite.training.collector")  # inside a function
