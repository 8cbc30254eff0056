"""Lesson 06's runs: losses that stand in for RLPD's, her mistake, and the recorded map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlac_lite.lessons import drawings_of_online, her_rlpd, online_agents
from qlac_lite.lessons.checks.lesson06 import (
    check_rlpd_losses,
    mended_policy_losses,
    rlpd_losses,
)
from qlac_lite.utils.errors import QlacError


def test_the_mended_losses_stand_in_for_rlpds():
    args = check_rlpd_losses.cases(np.random.default_rng(0))[-1].args
    mended, hers = map(online_agents.with_policy_losses, (mended_policy_losses, her_rlpd.her_policy_losses))
    assert np.allclose(mended(*args), rlpd_losses(*args), rtol=1e-5)
    assert hers(*args)[0] == rlpd_losses(*args)[0] and not np.allclose(hers(*args), rlpd_losses(*args))


def test_her_losses_are_right_for_single_actions_alone():
    def both(horizon):
        mean, log_std = jax.random.normal(jax.random.key(0), (2, 4, horizon, 3))
        args = mean, log_std, lambda chunk: chunk.sum(axis=(1, 2)), jnp.float32(-1), jax.random.key(1), -0.5
        return her_rlpd.her_policy_losses(*args), mended_policy_losses(*args)

    assert np.allclose(*both(1), rtol=1e-5)
    assert not np.allclose(*both(5), rtol=1e-2)


def test_chunks_have_to_fit_between_evaluations():
    with pytest.raises(QlacError, match="H is 7"):
        online_agents.train(H=7)


def test_the_map_says_what_the_recorded_cells_give():
    mean = drawings_of_online.over_the_curve(0.08)
    assert len(mean) == 13 and all(len(each) == 8 for each in mean.values())
    told = drawings_of_online.told_map()
    assert drawings_of_online.apart(mean["rlpd-ac-h20"], mean["rlpd"]) in told
    one_each = drawings_of_online.told_causes().splitlines()
    assert (
        len(one_each) == 9 and drawings_of_online.apart(mean["cool-h20"], mean["rlpd-ac-h20"]) in one_each[4]
    )
