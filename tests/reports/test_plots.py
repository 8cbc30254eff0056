"""The figures' parts."""

import numpy as np
import pytest

from qlac_lite.reports import plots


@pytest.mark.parametrize("within, highest", [({}, 95 + 5 * 12.7062), ({"within": (0, 100)}, 100)])
def test_the_bars_of_points_are_the_interval_cut_where_values_cannot_be(within, highest):
    _, (axes,) = plots.new_figure(1)
    plots.points(axes, np.array([0]), np.array([[90.0], [100.0]]), "two seeds", "black", **within)
    (bars,) = axes.containers[0].lines[2]
    assert bars.get_segments()[0][:, 1].max() == pytest.approx(highest, abs=1e-3)


def test_a_band_ends_where_values_cannot_be():
    _, (axes,) = plots.new_figure(1)
    plots.band(
        axes, np.array([0, 1]), np.array([[90.0, 5.0], [100.0, 0.0]]), "two seeds", "black", within=(0, 100)
    )
    (shaded,) = axes.collections
    assert (shaded.get_paths()[0].vertices[:, 1].min(), shaded.get_paths()[0].vertices[:, 1].max()) == (
        0,
        100,
    )
