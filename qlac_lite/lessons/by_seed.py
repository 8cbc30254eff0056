"""An experiment of the learner's own: one knob, two settings, the same seeds, and a prediction beforehand."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qlac_lite.lessons.notebook import show
from qlac_lite.reports.plots import new_figure
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.statistics import difference

ONE, OTHER = "#0072B2", "#D55E00"
PREDICTIONS = ("higher", "lower", "no difference")


def experiment(
    run: Callable[..., np.ndarray],
    one: Mapping[str, Any],
    other: Mapping[str, Any],
    predict: str,
    measure: str,
    seeds: int = 8,
) -> np.ndarray:
    """Runs two settings with the same seeds, and draws what they give and how far they are apart.

    Args:
        run: `run(seeds, **setting)` gives a number for each seed, (seeds,).
        one, other: the settings. Change one knob: of two nobody can say which one did it.
        predict: "higher", "lower" or "no difference": what `one` will be against `other`.
        measure: what the number is, with its unit, such as "success (%)".

    Returns:
        (seeds,) `one` minus `other`, seed by seed.

    Raises QlacError for another prediction, an unknown knob, the same setting twice, two settings that
    `report` different things, or a single seed.
    """
    if predict not in PREDICTIONS:
        raise QlacError(f"predict is {predict!r}. Write one of: {', '.join(map(repr, PREDICTIONS))}.")
    if dict(one) == dict(other):
        raise QlacError(f"Both settings are {dict(one)}. Change the knob in one of them.")
    if "report" in _turned(run, one, other):
        raise QlacError("The two settings report different things: write the same `report` in both.")
    if seeds < 2:
        raise QlacError(f"seeds is {seeds}. One seed gives no interval: take two or more.")
    results = [_run(run, np.arange(seeds), setting) for setting in (one, other)]
    mean, low, high = difference(*results)
    names = [_name(setting, against) for setting, against in ((one, other), (other, one))]
    shared = [
        f"{key} = {one[key]}" for key in one if key != "report" and key in other and one[key] == other[key]
    ]
    both = f" (both: {', '.join(shared)})" if shared else ""
    told = (
        f"{names[0]} minus {names[1]}{both}: {mean:+.3g} [{low:+.3g}, {high:+.3g}], {measure}, {seeds} seeds"
    )
    show(_draw(results, names, measure, both), f"{told}, drawn seed by seed.")
    means = "; ".join(f"{name}: {np.mean(r):.3g}" for name, r in zip(names, results, strict=True))
    judged = textwrap.fill(_judged(predict, results[0] - results[1], low, high), 95)
    print(f"{means}, means of {measure}.\n{textwrap.fill(told, 95)}.\n{judged}")
    if len(turned := _turned(run, one, other)) > 1:
        print(f"Several knobs differ: {', '.join(turned)}. This run cannot tell which of them matters.")
    return results[0] - results[1]


def _run(run: Callable[..., np.ndarray], seeds: np.ndarray, setting: Mapping[str, Any]) -> np.ndarray:
    try:
        return np.asarray(run(seeds, **setting), float)
    except TypeError as error:
        _, unknown, name = str(error).partition("unexpected keyword argument ")
        if not unknown:
            raise
        knobs = [p.name for p in inspect.signature(run).parameters.values() if p.kind is not p.VAR_KEYWORD]
        known = f" The knobs are {', '.join(knobs[1:])}." if knobs[1:] else ""
        raise QlacError(f"There is no knob {name.split('.')[0]}.{known}") from None


def _turned(run: Callable, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The knobs that differ, as far as both their values are known."""
    known = {name: p.default for name, p in inspect.signature(run).parameters.items()}
    both = [known | dict(setting) for setting in (one, other)]
    values = {name: [each.get(name) for each in both] for name in {**one, **other}}
    unknown = (None, inspect.Parameter.empty)
    return [name for name, (a, b) in values.items() if a != b and a not in unknown and b not in unknown]


def _name(setting: Mapping[str, Any], against: Mapping[str, Any]) -> str:
    """What a setting has otherwise than the other one."""
    own = {key: value for key, value in setting.items() if key not in against or against[key] != value}
    left_out = ", ".join(f"default {key}" for key in against if key not in setting)
    return ", ".join(f"{key} = {value}" for key, value in own.items()) or left_out


def _judged(predict: str, apart: np.ndarray, low: float, high: float) -> str:
    """The prediction beside the differences (seeds,) and their 95 % interval."""
    alike = bool(len(apart) > 1 and np.ptp(apart) < 1e-9)
    if alike:
        low = high = round(apart[0], 9)
    found = "higher" if low > 0 else "lower" if high < 0 else "no difference" if alike else ""
    if not found:
        text = f"You predicted {predict}. The interval holds 0: these seeds show no difference"
        if predict == "no difference":
            return f"{text}."
        reach = high if predict == "higher" else -low
        return f"{text}, and do not rule out yours, up to {reach:.2g}."
    what = "every seed gives the same in both settings" if found == "no difference" else f"it is {found}"
    text = f"You predicted {predict}, {'and' if predict == found else 'but'} {what}."
    if predict != found:
        text += " What did you expect that does not happen?"
    return text + " Every seed gives the same difference." * (alike and found != "no difference")


def _draw(results: list[np.ndarray], names: list[str], measure: str, both: str):
    figure, (left, right) = new_figure(2, width=4.2, height=3.2)
    for pair in zip(*results, strict=True):
        left.plot([0, 1], pair, color="0.7", linewidth=1, zorder=1)
    for x, values, colour in zip((0, 1), results, (ONE, OTHER), strict=True):
        left.plot(np.full(len(values), x), values, "o", color=colour)
    left.set(xlim=(-0.5, 1.5), ylabel=measure)
    left.set_title(f"a line for each seed{both}", fontsize=10)
    left.set_xticks([0, 1], names)
    mean, low, high = difference(*results)
    apart = results[0] - results[1]
    right.plot(np.linspace(-0.15, 0.15, len(apart)), apart, "o", color="0.6")
    right.errorbar(0.35, mean, [[mean - low], [high - mean]], fmt="s", color="0.15", capsize=4)
    right.axhline(0, color="0.3", linewidth=1, linestyle=":")
    right.set(xlim=(-0.4, 0.6), ylabel="difference")
    right.set_title("left minus right, and its 95 % interval", fontsize=10)
    right.set_xticks([0, 0.35], ["seeds", "mean"])
    return figure
