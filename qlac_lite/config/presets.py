"""The presets: `lite` takes minutes on two CPU cores, `full` is the paper's protocol."""

from typing import Any, get_type_hints

from qlac_lite.config.methods import get_method
from qlac_lite.config.run import SETTINGS, Config
from qlac_lite.config.tasks import LITE_WORLD, get_task
from qlac_lite.utils.errors import QlacError, unknown

# The same for every method; chosen on cube-single.
LITE_PRESET = dict(
    seeds=4, offline_steps=8_000, online_steps=6_000, batch_size=128, hidden=(128, 128), alpha=100.0,
    candidates=8, flow_steps=5, online_start=0, log_every=1000, evaluate_every=8_000, evaluation_episodes=15,
)  # fmt: skip
PRESETS = ["lite", "full"]


def make_config(task: str, method: str, preset: str = "lite", **changes) -> Config:
    """The preset with what task and method set, and `changes`; QlacError if a name or a value is bad."""
    domain, row = get_task(task).domain, get_method(method)
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS, "qlac train --help")
    if preset == "full" and task == LITE_WORLD:
        raise QlacError(f"{task} is the course's own world and has no full preset. Take --preset lite.")
    for name in changes:
        if name not in SETTINGS:
            raise unknown("field", name, sorted(SETTINGS), "qlac train --help")
    candidates = domain.candidates if row.backup == "chunk" else 4
    full = dict(alpha=domain.alpha[row.backup], candidates=candidates) | domain.full
    values = LITE_PRESET | domain.lite if preset == "lite" else full
    return Config(task, method, preset, **values | row.settings | changes)


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """The values in `field=value` words, as --set takes them, with their fields' types; QlacError if bad."""
    types, values = get_type_hints(Config), {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise QlacError(f"--set takes field=value, such as alpha=30, but got {setting!r}.")
        if name not in SETTINGS:
            raise unknown("field", name, SETTINGS, "qlac train --help")
        kind = types[name]
        try:
            values[name] = kind(text) if kind in (int, float, str) else tuple(map(int, text.split(",")))
        except ValueError:
            wanted = {int: "an integer", float: "a number"}.get(kind, "integers with commas between")
            raise QlacError(f"--set {setting}: {name} takes {wanted}.") from None
    return values


def describe_settings() -> str:
    """The fields of --set, a line of Markdown each."""
    text = lambda value: str(value).strip("()").replace(" ", "")  # a tuple as --set takes it
    rows = SETTINGS.items()
    return "\n".join(f"- {name}={text(row.default)}: {row.metadata['about']}" for name, row in rows)
