"""The presets: `lite` is minutes on two CPU cores, `full` the paper's protocol. Both run the same code."""

from typing import Any, get_type_hints

from qlac_lite.config.methods import get_method
from qlac_lite.config.run import SETTINGS, Config
from qlac_lite.config.tasks import LITE_WORLD, get_task
from qlac_lite.utils.errors import QlacError, unknown

# What `lite` changes. The same for every method; chosen on cube-single so that two cores finish in minutes.
LITE_PRESET = dict(
    seeds=4,
    offline_steps=8_000,
    online_steps=6_000,
    batch_size=128,
    hidden=(128, 128),
    alpha=100.0,
    candidates=8,
    flow_steps=5,
    online_start=0,
    log_every=1000,
    evaluate_every=8_000,
    evaluation_episodes=15,
)
PRESETS = ["lite", "full"]


def make_config(task: str, method: str, preset: str = "lite", **changes) -> Config:
    """Preset, then the task's own settings (`full` only), then `changes`.

    Raises:
        QlacError: unknown task, method, preset or field, or a value out of range.
    """
    domain, row = get_task(task).domain, get_method(method)
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS, "qlac train --help")
    if preset == "full" and task == LITE_WORLD:
        raise QlacError(f"{task} is the course's own small world: it has no full preset. Take --preset lite.")
    candidates = domain.candidates if row.backup == "chunk" else 4
    full = dict(alpha=domain.alpha[row.backup], candidates=candidates) | domain.full
    values = LITE_PRESET | domain.lite if preset == "lite" else full
    for name in changes:
        if name not in SETTINGS:
            raise unknown("field", name, sorted(SETTINGS), "qlac train --help")
    return Config(task=task, method=method, preset=preset, **{**values, **row.settings, **changes})


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """`field=value` words, as `--set` takes them, to typed values: 'hidden=128,128', 'alpha=30'.

    Raises:
        QlacError: not of that form, no such field, or a value of the wrong type.
    """
    types, values = get_type_hints(Config), {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise QlacError(f"--set takes field=value, got {setting!r}. For example: --set alpha=30")
        if name not in SETTINGS:
            raise unknown("field", name, SETTINGS, "qlac train --help")
        try:
            if types[name] in (int, float, str):
                values[name] = types[name](text)
            else:
                values[name] = tuple(int(part) for part in text.split(","))
        except ValueError:
            wanted = {int: "an integer", float: "a number"}.get(types[name], "integers with commas between")
            raise QlacError(f"--set {setting}: {name} takes {wanted}.") from None
    return values


def describe_settings() -> str:
    """The fields of `--set` with the paper's defaults, and what each is: lines of Markdown."""
    text = lambda value: ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"
    lines = []
    for name, field in SETTINGS.items():
        allowed = field.metadata["allowed"]
        choices = f" ({' or '.join(allowed)})" if isinstance(allowed, list) else ""
        lines.append(f"- {name}={text(field.default)}: {field.metadata['about']}{choices}")
    return "\n".join(lines)
