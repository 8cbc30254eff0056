"""A sweep's TOML file as cells: tasks x methods x seeds, each cell a run folder.

docs/cluster.md lists the keys, and docs/sweeps/ has examples.
"""

import dataclasses
import fnmatch
import itertools
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qlac_lite.config import METHODS, Config, make_config
from qlac_lite.config.presets import get_preset, parse_settings
from qlac_lite.config.tasks import get_task, task_names
from qlac_lite.data.fetch import SOURCES
from qlac_lite.utils.errors import QlacError, unknown

NUMBER, PLACES = int | float, str | dict
KINDS = {str: "text", int: "a whole number", NUMBER: "a number", list: "a list of texts", dict: "a table"}
KINDS[PLACES] = "text or a table"
TOP = dict(tasks=list, methods=list, preset=str, seeds=int, first_seed=int, seeds_per_cell=int)
TOP |= dict(data=PLACES, source=str, episodes=int, settings=dict, override=list, resources=dict)
OVERRIDE, RESOURCES = dict(tasks=list, methods=list, settings=dict), dict(cores=NUMBER, gpus=NUMBER)


@dataclasses.dataclass(frozen=True)
class Sweep:
    cells: tuple[Config, ...]
    folder: Path | None  # of the datasets
    files: dict[str, Path]  # or of some of them the file
    source: str
    episodes: int | None  # to generate of each dataset
    cores: float
    gpus: float


def cell_name(config: Config) -> str:
    """TASK/METHOD/seeds-FIRST-LAST, also the place of the cell's run below the sweep's folder."""
    return f"{config.task}/{config.method}/seeds-{config.seed_list[0]}-{config.seed_list[-1]}"


def dataset_of(config: Config) -> str:
    """Name of a cell's dataset."""
    return get_task(config.task).domain.dataset


def read_spec(path: Path) -> Sweep:
    """The sweep that a file describes, or QlacError with the first thing that is wrong in any cell."""
    try:
        return _sweep(tomllib.loads(path.read_bytes().decode()), path.absolute().parent)
    except OSError as error:
        raise QlacError(f"Cannot read {path} ({error.strerror}). Give the sweep's TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise QlacError(f"{path} is not TOML: {error}. docs/cluster.md has an example.") from None
    except QlacError as error:
        raise QlacError(f"{path}: {error}") from None


def _sweep(spec: dict[str, Any], folder: Path) -> Sweep:
    """Paths in the specification are relative to `folder`."""
    _check(spec, TOP, "the specification")
    cells = _cells(spec)
    resources = dict(cores=1, gpus=0) | spec.get("resources", {})
    _check(resources, RESOURCES, "[resources]")
    for name, count in resources.items():
        if count < 0 or (name == "cores" and count == 0) or (count > 1 and count != int(count)):
            wanted = "a share of one or a whole number"
            raise QlacError(f"[resources]: {name} is {count}, but has to be {wanted}. Correct it.")
    source = spec.get("source", get_preset(spec.get("preset", "lite")).source)
    if source not in SOURCES:
        raise unknown("source", source, SOURCES, "qlac data --help")
    data, place, files = spec.get("data", {}), None, {}
    if isinstance(data, str):
        place = folder / data
    else:
        _check(data, {dataset_of(cell): str for cell in cells}, "[data]")
        files = {name: folder / file for name, file in data.items()}
    return Sweep(cells, place, files, source, spec.get("episodes"), **resources)


def _cells(spec: dict[str, Any]) -> tuple[Config, ...]:
    tasks = _named("task", spec.get("tasks", []), task_names(), "qlac tasks")
    methods = _named("method", spec.get("methods", []), METHODS, "qlac methods")
    seeds, first = spec.get("seeds", Config.seeds), spec.get("first_seed", Config.first_seed)
    at_once = spec.get("seeds_per_cell", seeds)
    if not 1 <= at_once <= seeds:
        given = f"seeds is {seeds} and seeds_per_cell is {at_once}"
        raise QlacError(f"{given}, but seeds_per_cell has to be between 1 and seeds. Correct them.")
    shared, preset = _settings(spec.get("settings", {})), spec.get("preset", "lite")
    settings = {pair: dict(shared) for pair in itertools.product(tasks, methods)}
    for table in spec.get("override", []):
        _check(table, OVERRIDE, "[[override]]")
        its_tasks = _named("task", table.get("tasks", tasks), tasks, "the specification's tasks")
        its_methods = _named("method", table.get("methods", methods), methods, "the specification's methods")
        changes = _settings(table.get("settings", {}))
        for pair in itertools.product(its_tasks, its_methods):
            settings[pair] |= changes
    return tuple(
        make_config(*pair, preset, **own, seeds=min(at_once, first + seeds - start), first_seed=start)
        for pair, own in settings.items()
        for start in range(first, first + seeds, at_once)
    )


def _check(table: Any, keys: dict[str, Any], where: str) -> None:
    """QlacError: a key is not among `keys`, or a value of another kind."""
    if not isinstance(table, dict):
        wanted = "a table. Write [settings], [resources], or [[override]]"
        raise QlacError(f"{where} is {table!r}, but has to be {wanted}.")
    for key, value in table.items():
        if key not in keys:
            raise QlacError(f"{where} has an unknown key {key!r}. The known ones are {', '.join(keys)}.")
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            raise QlacError(f"{where}: {key} is {value!r}, but has to be {KINDS[keys[key]]}. Correct it.")


def _named(kind: str, patterns: list, known: Iterable[str], listed_by: str) -> list[str]:
    """The names that the patterns stand for, in their order, each once."""
    known, names = list(known), {}
    for pattern in patterns:
        found = fnmatch.filter(known, str(pattern))
        if not found:
            raise unknown(kind, str(pattern), known, listed_by)
        names |= dict.fromkeys(found)
    if not names:
        raise QlacError(f'{kind}s names nothing to train. List some, as in: {kind}s = ["{known[0]}"]')
    return list(names)


def _settings(table: dict[str, Any]) -> dict[str, Any]:
    for name in ("seeds", "first_seed"):
        if name in table:
            raise QlacError(f"[settings] has {name}, the whole sweep's. Move it to the head of the file.")
    text = lambda value: ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return parse_settings([f"{name}={text(value)}" for name, value in table.items()])
