"""Sliders over a figure, for ipywidgets 7 and 8.

Lessons also show the figure once, for readers without a live kernel.
"""

from collections.abc import Callable, Sequence

from IPython.display import display
from ipywidgets import Label, Output, SelectionSlider, VBox
from matplotlib.figure import Figure

from qlac_lite.lessons.notebook import show


def explore(draw: Callable[..., tuple[Figure, str]], **options: tuple[str, Sequence, object]) -> None:
    """Shows sliders, and under them, when one is let go, what `draw` returns: a figure and its alt text.

    `options`, the arguments of `draw`: label, values to choose from, first value.
    """
    text = lambda value: f"{value:g}" if isinstance(value, float) else str(value)
    style = dict(continuous_update=False, style={"description_width": "initial"})
    output, sliders = Output(), {}

    def redraw(_change):
        with output:
            output.clear_output(wait=True)
            show(*draw(**{name: slider.value for name, slider in sliders.items()}))

    for name, (label, values, first) in options.items():
        choices = [(text(value), value) for value in values]
        sliders[name] = SelectionSlider(options=choices, value=first, description=label, **style)
        sliders[name].observe(redraw, names="value")
    display(VBox([*sliders.values(), Label("The figure is drawn here when you let a slider go."), output]))
