"""Flow matching: the path, the loss, the sampler."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents.flow import euler, flow_matching_loss, interpolate

SHAPE = (64, 3, 2)


def test_the_path_runs_from_noise_to_actions_at_constant_velocity():
    noise, actions = jax.random.normal(jax.random.key(0), (2, *SHAPE))
    for time, expected in ((0.0, noise), (1.0, actions), (0.25, 0.75 * noise + 0.25 * actions)):
        x, velocity = interpolate(noise, actions, jnp.full(SHAPE[0], time))
        np.testing.assert_allclose(x, expected, atol=1e-6)
        np.testing.assert_allclose(velocity, actions - noise, atol=1e-6)


def test_loss_of_the_true_field_is_zero_and_of_zero_is_the_mean_square_velocity():
    """With one target action c the velocity at (x, t) is (c - x) / (1 - t), known in closed form."""
    c, observation, valid = 0.5, jnp.zeros((4096, 1)), jnp.ones((4096, 3))
    actions = jnp.full((4096, 3, 2), c)
    true_field = lambda s, x, t: (c - x) / (1 - t[:, None, None])
    assert flow_matching_loss(true_field, observation, actions, valid, jax.random.key(1)) < 1e-4
    zero = flow_matching_loss(lambda s, x, t: 0 * x, observation, actions, valid, jax.random.key(1))
    np.testing.assert_allclose(zero, 1 + c**2, rtol=0.05)  # E (c - x_0)^2


def test_steps_after_the_end_of_an_episode_do_not_count():
    observation, actions = jnp.zeros((8, 1)), jnp.ones((8, 3, 2))
    valid = jnp.ones((8, 3)).at[:, 2].set(0)
    wrong_there = lambda s, x, t: jnp.zeros_like(x).at[:, 2].set(1e3)
    zero = lambda s, x, t: jnp.zeros_like(x)
    args = (observation, actions, valid, jax.random.key(0))
    np.testing.assert_allclose(flow_matching_loss(wrong_there, *args), flow_matching_loss(zero, *args))


def test_euler_is_exact_for_straight_paths_and_first_order_otherwise():
    noise, observation = jax.random.normal(jax.random.key(0), SHAPE), jnp.zeros((SHAPE[0], 1))
    np.testing.assert_allclose(
        euler(lambda s, x, t: jnp.ones_like(x), observation, noise, 3), noise + 1, atol=1e-5
    )
    errors = [
        float(jnp.max(jnp.abs(euler(lambda s, x, t: x, observation, noise, k) - noise * np.e)))
        for k in (10, 20, 40)
    ]
    assert 1.7 < errors[0] / errors[1] < 2.3 and 1.7 < errors[1] / errors[2] < 2.3


def test_euler_passes_the_time_of_the_step():
    times = []
    euler(lambda s, x, t: (times.append(float(t[0])), x)[1], jnp.zeros((2, 1)), jnp.zeros((2, 1, 1)), 4)
    assert times == [0.0, 0.25, 0.5, 0.75]
