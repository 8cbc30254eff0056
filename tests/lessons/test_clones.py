"""Lessons 03 and 10: chunks are cut where an episode ends, and executed as `every` says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlac_lite.envs import lite_world
from qlac_lite.lessons import decoupled_agents
from qlac_lite.lessons import hidden_intentions as careful
from qlac_lite.lessons import small_flows as toys
from qlac_lite.lessons import watched_chunks as watched


def two_episodes():
    """Of 3 and 5 steps before the arrival; the action at step t of episode e is 100 e + t."""
    steps = careful.LIMIT + 1
    actions = 100.0 * jnp.arange(2)[:, None, None] + jnp.arange(steps)[:, None] + jnp.zeros(3)
    return careful.Demonstrations(
        actions[..., :1], actions, jnp.zeros((2, steps, 2)), length=jnp.array([3, 5])
    )


def test_a_chunk_ends_with_its_episode():
    seen, chunks, valid = map(
        np.asarray, careful.sample_batch(jax.random.key(0), two_episodes(), 4, size=400)
    )
    first = seen[:, 0]
    assert set(first) == {0, 1, 2, 3, 100, 101, 102, 103, 104, 105}
    last = np.where(first < 100, 3, 105)
    steps = first[:, None] + np.arange(4)
    assert (valid == (steps <= last[:, None])).all()
    assert (chunks[..., 0] == steps * valid).all()


@pytest.mark.parametrize("every", [None, 1, 2])
def test_every_says_how_much_of_a_chunk_is_executed(every):
    def sample(field, observation, key, horizon, size, steps):
        """Down at once, then up: who looks at every step only goes down."""
        up = jnp.array([-1.0, 1.0, 1.0])[:, None] * jnp.array([0.0, 0.5, 0.0])
        return jnp.broadcast_to(up, (len(observation), 3, 3))

    params = [(jnp.zeros((1, 1, 1)), jnp.zeros((1, 1)))]
    places = careful.play(sample, params, 3, every)
    assert places.shape == (1, careful.EPISODES, careful.LIMIT + 1, 2)
    moved = np.diff(places[0, :, :7, 1], axis=1) / careful.WORLD.step
    wanted = {None: [-0.5, 0.5, 0.5] * 2, 1: [-0.5] * 6, 2: [-0.5, 0.5] * 3}[every]
    np.testing.assert_allclose(moved, np.broadcast_to(wanted, moved.shape), atol=1e-5)


def test_turns_arrivals_and_steps_of_a_path_drawn_by_hand():
    y = np.array([0.0, 0.1, 0.2, 0.2, 0.1, 0.0, 0.1, 0.1])
    x = np.array([-0.3] * 6 + [0.2, 0.2])
    there, never = np.stack([x, y], axis=-1), np.stack([0 * x - 0.3, y], axis=-1)
    places = np.stack([there, never])[None]  # one seed, two episodes
    assert careful.steps_needed(places) == pytest.approx([(6 + 8) / 2])
    assert careful.arrivals(places) == pytest.approx([50])
    assert careful.turns(places) == pytest.approx([100 * (1 + 2) / (5 + 7)])


def test_the_recorded_order_has_all_that_went_left_first():
    data = np.asarray(toys.recorded_in_order(60))
    assert (np.diff(data[:, 0]) >= 0).all() and toys.straight_on(data) == 0


def test_no_push_leads_through_the_wall():
    heights = jnp.linspace(-1, 1, 400)
    place = jnp.stack([jnp.full(400, -0.06), heights], axis=1)
    start = lambda place, seed: lite_world.WorldState(
        place, jnp.float32(0), place, jnp.bool_(True), 0, jnp.uint32(seed)
    )
    pushed = jax.vmap(lambda place, seed: decoupled_agents.step(4.0, start(place, seed), jnp.zeros(3)))
    ended = pushed(place, jnp.arange(400))
    gaps = jnp.abs(heights[:, None] - jnp.array(lite_world.GAPS)).min(axis=1) < careful.WORLD.gap / 2
    crossed = ended.gripper[:, 0] > 0
    assert crossed.any() and not (crossed & ~gaps).any()
    assert not jax.vmap(lambda place: lite_world.in_wall(careful.WORLD, place))(ended.gripper).any()
    assert (ended.puck == ended.gripper).all()


def test_every_look_acts_even_if_a_rule_executes_nothing():
    """A margin of 0 may do that by rounding; the episode would never end."""
    size, chunk = watched.S, watched.H * watched.A
    made = lambda inputs, outputs: jax.tree.map(
        lambda leaf: leaf[None], toys.network(jax.random.key(0), (inputs, outputs))
    )
    critics = {"whole": made(size + chunk, 1), "partial": made(size + watched.A, 1), "value": made(size, 1)}
    agents = watched.Agents(made(size + chunk + 1, chunk), critics, watched.H, 1)
    nothing = lambda value, step, state, chunk, most, discount, margin: (state, jnp.int32(0))
    played = watched.play(agents, "whole", lengths=10, margin=0.0, execute=nothing)
    assert set(played.lengths.flat) <= {0, 1} and (played.lengths > 0).any(axis=(1, 2)).all()
    assert (np.diff(played.places, axis=2) != 0).any()
