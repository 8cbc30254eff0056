"""The presets: how large a run is, and which data it takes where none are named."""

from typing import Any, NamedTuple, get_type_hints

from qlac_lite.config.methods import get_method
from qlac_lite.config.run import SETTINGS, Config
from qlac_lite.config.tasks import LITE_WORLD, get_task
from qlac_lite.utils.errors import QlacError, unknown


class Preset(NamedTuple):
    about: str
    source: str  # of the data, see `data.fetch.get_dataset`
    settings: dict[str, Any]  # fields of Config


# Two layers of 128 make about 500 updates a second on two cores, which the paper's four of 512 make in a
# minute. N is the same for chunks and single actions: eight, as QC's 32 would cost four times as much.
_SMALL = dict(batch_size=128, hidden=(128, 128), candidates=8, flow_steps=5)
PRESETS = {
    # Chosen on cube-single.
    "lite": Preset(
        "minutes on two cores",
        "auto",
        _SMALL
        | dict(
            offline_steps=8_000,
            online_steps=6_000,
            alpha=100.0,
            online_start=0,
            log_every=1_000,
            evaluate_every=8_000,
            evaluation_episodes=15,
        ),
    ),
    # Chosen by a pilot on scene: QC-FQL came to 98 % with this alpha, and to 22 % with the paper's.
    "desk": Preset(
        "the paper's tasks in an hour or less on two cores",
        "download",
        _SMALL
        | dict(
            offline_steps=60_000,
            online_steps=30_000,
            alpha=100.0,
            online_start=1_000,
            log_every=2_000,
            evaluate_every=10_000,
            evaluation_episodes=15,
        ),
    ),
    "full": Preset("the paper's protocol, for a GPU", "download", {}),
}


def get_preset(name: str) -> Preset:
    """The preset of that name, or QlacError with the near ones."""
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS, "qlac train --help")
    return PRESETS[name]


def make_config(task: str, method: str, preset: str = "lite", **changes) -> Config:
    """The paper's alpha and N, then preset, domain, method and `changes`, of which the later win.

    QlacError if a name or a value is bad.
    """
    named, row, settings = get_task(task), get_method(method), get_preset(preset).settings
    domain = named.domain
    if preset != "lite" and task == LITE_WORLD:
        raise QlacError(f"{task} is the course's own world and has no {preset} preset. Take --preset lite.")
    for name in changes:
        if name not in SETTINGS:
            raise unknown("field", name, sorted(SETTINGS), "qlac train --help")
    candidates = domain.candidates if row.backup == "chunk" else 4
    values = dict(alpha=domain.alpha[row.backup], candidates=candidates) | settings
    values |= domain.presets.get(preset, {}) | row.settings | changes
    return Config(named.name, method, preset, **values)


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
    return "\n".join(
        f"- {row.name}={text(row.default)}: {row.metadata['about']}" for row in SETTINGS.values()
    )
