"""Sliders over a figure, with the part of ipywidgets that versions 7 and 8 share.

Beside every widget a lesson shows the same figure once, for readers without a live kernel. The widget itself
draws only when a slider is moved.
"""

from collections.abc import Callable, Sequence

from IPython.display import display
from ipywidgets import Label, Output, SelectionSlider, VBox
from matplotlib.figure import Figure

from qlac_lite.lessons.notebook import show


def explore(draw: Callable[..., tuple[Figure, str]], **options: tuple[str, Sequence, object]) -> None:
    """Shows sliders; when one is let go, the figure for their values appears under them.

    Args:
        draw: takes the sliders' values by name and returns a figure and its alt text.
        options: by name: a label, the values to choose from, and the first value.
    """
    sliders = {
        name: SelectionSlider(
            options=[(_text(value), value) for value in values],
            value=first,
            description=label,
            continuous_update=False,
            style={"description_width": "initial"},
        )
        for name, (label, values, first) in options.items()
    }
    output = Output()

    def redraw(_change):
        with output:
            output.clear_output(wait=True)
            show(*draw(**{name: slider.value for name, slider in sliders.items()}))

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    display(VBox([*sliders.values(), Label("The figure is drawn here when you let a slider go."), output]))


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
