"""The chain of lesson 02: what its learners come to is what the lesson says."""

import numpy as np
import pytest

from qlac_lite.lessons import chain_walks as walks
from qlac_lite.lessons import drawings_of_backups as draw
from qlac_lite.lessons import looking_recorder
from qlac_lite.lessons.checks.lesson02 import mended_targets, window_targets
from qlac_lite.utils.errors import QlacError

SEEDS = np.arange(2)


def test_chunks_need_an_eighth_of_the_chain_in_sweeps_and_n_steps_settle_below_the_truth():
    assert walks.swept("chunk", 8) == pytest.approx(walks.TRUTH)
    assert walks.swept("one-step", 39)[0] == pytest.approx(walks.WORST)
    assert walks.swept("one-step", 40) == pytest.approx(walks.TRUTH)
    assert walks.n_step_limit(5, 0.7) < walks.TRUTH[0] - 6 and walks.n_step_limit(5, 1.0) == walks.TRUTH[0]


def test_a_trial_depends_on_its_seeds_alone_and_knows_its_knobs():
    setting = dict(episodes=20, keep=0.5, credit=True)
    first = walks.trial(SEEDS, **setting)
    assert np.array_equal(first, walks.trial(SEEDS, **setting)) and first.shape == SEEDS.shape
    assert walks.trial(SEEDS[1:], **setting) == first[1:]
    assert (walks.trial(SEEDS, credit=True, report="return") > walks.trial(SEEDS, report="return")).all()
    for learner, length in (("one-step", 5), ("n-step", 3), ("chunk", 6)):
        assert np.isfinite(walks.trial(SEEDS, learner, length, stride=2, iterations=5)).all()
    assert (walks.trial(SEEDS, stride=5, arrivals=True) >= walks.trial(SEEDS, stride=5)).all()
    for wrong in (dict(learner="two-step"), dict(report="success"), dict(length=9), dict(keep=0)):
        with pytest.raises(QlacError, match="Write"):
            walks.trial(SEEDS, **wrong)


def test_a_recording_that_goes_on_leaves_no_gap_and_two_patients_are_ill_in_different_places():
    whole, goes_on = (walks.fitted_to(mended_targets, goes_on=on) for on in (False, True))
    assert goes_on.max(axis=1) == pytest.approx(walks.TRUTH) and whole[38].max() < whole[35].max()
    healthy, patient_a, patient_b = walks.critics(window_targets).values()
    assert np.array_equal(healthy, whole)
    assert patient_a[35].max() < healthy[35].max() - 5 and patient_a.max(axis=1).min() < walks.WORST
    assert patient_b[35].max() == healthy[35].max() and patient_b.max(axis=1).min() < walks.WORST


def test_every_figure_comes_with_its_text():
    whole = walks.fitted_to(mended_targets)
    curves = {name: np.ones((2, 3)) for name in walks.LEARNERS}
    values = {1: [1.0, 2.0], 2: [2.0, 3.0]}
    drawn = [
        draw.riddle(2),
        draw.sweeps(2, 8),
        draw.learning(curves, {0.7: curves, 0.95: curves}),
        draw.bias({0.7: [1.0, 2.0]}, values, values),
        draw.beside_returns(healthy=whole, patient=2 * whole),
        draw.arrivals(38, whole_chunks_only=whole),
        draw.looking({"looks": looking_recorder.by_amount(True)}),
    ]
    assert all(figure.axes and text.endswith(".") for figure, text in drawn)
    path = drawn[-2][1].partition("only: states 38, ")[2].rstrip(".").split(", ")
    assert len(path) == 10 and path[-1] == "40"  # two chunks where two steps are enough


def test_a_recorder_who_looks_misleads_a_critic_of_chunks():
    believed, earned = looking_recorder.believed_and_earned(300, seed=0)
    assert believed > looking_recorder.best_open_loop() > earned
    blind, _ = looking_recorder.believed_and_earned(1000, seed=0, looks=False)
    assert blind == pytest.approx(looking_recorder.best_open_loop(), abs=0.5)
