"""What lesson 08 computes of demonstrations and reads from its records."""

import numpy as np
import pytest

from qlac_lite.lessons import lift_demonstrations, lift_learners, lift_records
from qlac_lite.utils.errors import QlacError


def demonstration(steps, tier="better"):
    observations, actions, rewards = np.zeros((steps + 1, 19)), np.zeros((steps, 7)), np.zeros(steps)
    rewards[-1], observations[:, 7], observations[:, 8] = 1, 0.04, -0.04
    return dict(observations=observations, actions=actions, rewards=rewards, tiers=[tier])


def test_a_return_counts_the_steps_before_the_one_that_succeeds():
    returns = lift_demonstrations.returns_to_go(demonstration(4), 0.5)
    assert returns.tolist() == [-1.75, -1.5, -1.0, 0.0]


def test_a_hand_waits_at_the_cube_with_open_fingers():
    observations = demonstration(3)["observations"]
    observations[1, 9] = 0.03  # the cube is elsewhere
    observations[2, 7] = 0.0  # one finger is closed
    assert lift_learners.waiting(observations).tolist() == [True, False, False, True]


def test_an_experiment_names_what_there_is():
    try_out = lift_learners.make_try_out(lift_learners.make_imitated([demonstration(4)]))
    wrongs = {
        "closes or motion": dict(report="success"),
        "flow or policy": dict(actor="best"),
        "tier is better": dict(tier="best"),
        "H is 0, but has to be between 1 and 10": dict(H=0),
        "H is 11, but": dict(H=11),
        "updates is 5000, but": dict(updates=5000),
    }
    for told, wrong in wrongs.items():
        with pytest.raises(QlacError, match=told):
            try_out(np.arange(2), **wrong)


def test_no_difference_has_no_sign():
    assert lift_records.told(np.array([-0.3, 0.1]), (-1, 1)) == "0 [-1, 1]"


def test_the_record_of_flow_and_policy_is_whole():
    for updates in lift_records.evaluated():
        for actor in lift_records.ACTORS:
            stuck, failed = lift_records.stuck(actor, updates)
            assert lift_records.rates(actor, updates).shape == (6,) and 0 <= stuck <= failed <= 30
    assert np.all(lift_records.distance(lift_records.runs()["fql"], 8000) < 0.01)
