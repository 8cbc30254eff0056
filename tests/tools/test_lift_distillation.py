"""The actors that are set beside each other differ in the part that their name says."""

import jax
import numpy as np

import lift_distillation
from qlac_lite.config import make_config


def test_an_actor_takes_its_motion_and_its_gripper_from_where_its_name_says():
    config = make_config("lift-mh-low_dim", "fql", "lite", hidden=(8,))
    learner, acts = lift_distillation.imitators(config, 19, 7)
    params, seen = learner.init(jax.random.key(0)).params, jax.random.normal(jax.random.key(1), (5, 19))
    made = {name: np.asarray(act(params, seen, jax.random.key(2))) for name, act in acts.items()}
    motion, grip = (lambda name: made[name][..., :6]), (lambda name: made[name][..., 6:])
    assert np.array_equal(motion("with-grip"), motion("policy")) and np.array_equal(
        grip("with-grip"), grip("flow")
    )
    assert np.array_equal(motion("with-motion"), motion("flow")) and np.array_equal(
        grip("with-motion"), grip("policy")
    )
    assert not np.array_equal(made["flow"], made["policy"])
