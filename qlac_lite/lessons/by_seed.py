"""An experiment of the learner's own: one knob, two settings, the same seeds, and a prediction beforehand."""

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
        one, other: the settings; say one thing that differs.
        predict: "higher", "lower" or "no difference": what `one` will be against `other`.
        measure: what the number is, with its unit, such as "success (%)".

    Returns:
        (seeds,) `one` minus `other`, seed by seed.

    Raises QlacError for another prediction, or the same setting twice.
    """
    if predict not in PREDICTIONS:
        raise QlacError(f"predict is {predict!r}. Write one of: {', '.join(map(repr, PREDICTIONS))}.")
    if dict(one) == dict(other):
        raise QlacError(f"Both settings are {dict(one)}. Change the knob in one of them.")
    results = [np.asarray(run(np.arange(seeds), **setting), float) for setting in (one, other)]
    mean, low, high = difference(*results)
    names = [_name(setting, against) for setting, against in ((one, other), (other, one))]
    told = f"{names[0]} minus {names[1]}: {mean:+.3g} [{low:+.3g}, {high:+.3g}], {measure}, {seeds} seeds"
    show(_draw(results, names, measure), f"{told}, drawn seed by seed.")
    print(f"{told}.\n{_judged(predict, low, high)}")
    return results[0] - results[1]


def _name(setting: Mapping[str, Any], against: Mapping[str, Any]) -> str:
    """What a setting has otherwise than the other one."""
    own = {key: value for key, value in setting.items() if key not in against or against[key] != value}
    left_out = ", ".join(f"default {key}" for key in against if key not in setting)
    return ", ".join(f"{key} = {value}" for key, value in own.items()) or left_out


def _judged(predict: str, low: float, high: float) -> str:
    """The prediction beside the 95 % interval of the difference."""
    found = "higher" if low > 0 else "lower" if high < 0 else ""
    if not found:
        text = f"You predicted {predict}. The interval holds 0: these seeds show no difference"
        return text + ("." if predict == "no difference" else ", and do not rule out yours.")
    if predict == found:
        return f"You predicted {predict}, and it is {found}."
    return f"You predicted {predict}, but it is {found}. What did you expect that does not happen?"


def _draw(results: list[np.ndarray], names: list[str], measure: str):
    figure, (left, right) = new_figure(2, width=4.2, height=3.2)
    for pair in zip(*results, strict=True):
        left.plot([0, 1], pair, color="0.7", linewidth=1, zorder=1)
    for x, values, colour in zip((0, 1), results, (ONE, OTHER), strict=True):
        left.plot(np.full(len(values), x), values, "o", color=colour)
    left.set(xlim=(-0.5, 1.5), ylabel=measure, title="a line for each seed")
    left.set_xticks([0, 1], names)
    mean, low, high = difference(*results)
    apart = results[0] - results[1]
    right.plot(np.linspace(-0.15, 0.15, len(apart)), apart, "o", color="0.6")
    right.errorbar(0.35, mean, [[mean - low], [high - mean]], fmt="s", color="0.15", capsize=4)
    right.axhline(0, color="0.3", linewidth=1, linestyle=":")
    right.set(xlim=(-0.4, 0.6), ylabel="difference", title="left minus right, and its 95 % interval")
    right.set_xticks([0, 0.35], ["seeds", "mean"])
    return figure
