"""Chunks of a flat dataset, and of a replay that grows, against plain loops over episodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlac_lite.data.dataset import build_dataset, check_horizon, sample
from qlac_lite.data.replay import Transitions, append, close_episode, empty_replay
from qlac_lite.utils.errors import QlacError

DISCOUNT = 0.9


def expected_chunk(rows, start, horizon):
    """The chunk at a row, by walking through its episode step by step."""
    actions, valid = np.zeros((horizon, rows["actions"].shape[1])), np.zeros(horizon)
    value, discount, row = 0.0, DISCOUNT**horizon, start
    for k in range(horizon):
        if rows["episode_ends"][row]:
            break
        actions[k], valid[k] = rows["actions"][row], 1.0
        value += DISCOUNT**k * rows["rewards"][row]
        discount *= rows["masks"][row]
        row += 1
    return actions, valid, value, discount, rows["observations"][row]


@pytest.mark.parametrize("horizon", [1, 3, 5])
@pytest.mark.parametrize("stride_by_horizon", [False, True])
def test_sampled_chunks_equal_a_walk_through_the_episode(random_rows, horizon, stride_by_horizon):
    rows = random_rows()
    stride = horizon if stride_by_horizon else 1
    data = build_dataset(**rows, stride=stride)
    batch = sample(jax.random.key(0), (data,), 400, horizon, DISCOUNT)
    assert batch.observation.shape == (400, 4) and batch.actions.shape == (400, horizon, 2)
    seen = set()
    for b in range(400):
        start = int(batch.observation[b, 0])
        seen.add(start)
        actions, valid, value, discount, bootstrap = expected_chunk(rows, start, horizon)
        np.testing.assert_allclose(batch.actions[b], actions, atol=1e-6)
        np.testing.assert_array_equal(batch.valid[b], valid)
        np.testing.assert_allclose(batch.returns[b], value, atol=1e-5)
        np.testing.assert_allclose(batch.discount[b], discount, atol=1e-6)
        np.testing.assert_array_equal(batch.bootstrap_observation[b], bootstrap)
        assert bootstrap[1] == batch.observation[b, 1]  # never crosses an episode
    offsets = [(0, 7), (8, 3), (12, 12)]  # first row, transitions
    assert seen == {first + t for first, length in offsets for t in range(0, length, stride)}


def test_n_step_batch_begins_with_the_one_step_batch(random_rows):
    data = build_dataset(**random_rows())
    one = sample(jax.random.key(3), (data,), 64, 1, DISCOUNT)
    n = sample(jax.random.key(3), (data,), 64, 5, DISCOUNT)
    np.testing.assert_array_equal(one.observation, n.observation)
    np.testing.assert_array_equal(one.actions[:, 0], n.actions[:, 0])


def test_starts_are_uniform_over_both_parts(random_rows):
    offline, online = build_dataset(**random_rows((30,))), build_dataset(**random_rows((10,), seed=1))
    online = online._replace(observations=online.observations + 1000)
    batch = sample(jax.random.key(0), (offline, online), 20_000, 2, DISCOUNT)
    share = np.mean(np.asarray(batch.observation[:, 0]) >= 1000)
    assert abs(share - 10 / 40) < 0.015
    counts = np.bincount(np.asarray(batch.observation[:, 0]).astype(int) % 1000)
    assert counts[:30].min() > 0


def test_online_transitions_displace_the_oldest_data_where_the_capacity_is_reached(random_rows):
    offline, online = build_dataset(**random_rows((30,))), build_dataset(**random_rows((10,), seed=1))
    online = online._replace(observations=online.observations + 1000)
    drawn = lambda capacity: np.unique(
        np.asarray(
            sample(jax.random.key(0), (offline, online), 20_000, 2, DISCOUNT, capacity=capacity).observation[
                :, 0
            ]
        )
    )
    new = [*range(1000, 1010)]
    assert drawn(40).tolist() == drawn(0).tolist() == [*range(30), *new]
    assert drawn(36).tolist() == [*range(4, 30), *new]
    assert drawn(10).tolist() == [*range(9, 30), *new]  # never smaller than the data and one more


def test_a_batch_can_be_half_data_half_replay(random_rows):
    offline, online = build_dataset(**random_rows((30,))), build_dataset(**random_rows((10,), seed=1))
    online = online._replace(observations=online.observations + 1000)
    halves = sample(jax.random.key(0), (offline, online), 1000, 2, DISCOUNT, offline_share=0.5)
    rows = np.asarray(halves.observation[:, 0])
    assert np.sum(rows >= 1000) == 500
    assert len(np.unique(rows[rows < 1000])) == 30 and len(np.unique(rows[rows >= 1000])) == 10
    none = sample(
        jax.random.key(0), (offline, empty_replay(5, 5, 4, 2, 2).data), 1000, 2, DISCOUNT, offline_share=0.5
    )
    assert np.unique(np.asarray(none.observation[:, 0])).tolist() == list(range(30))  # nothing replayed yet
    quarter = sample(jax.random.key(0), (offline, online), 1000, 2, DISCOUNT, offline_share=0.25)
    assert np.sum(np.asarray(quarter.observation[:, 0]) >= 1000) == 750


def test_data_that_cannot_be_chunked_are_refused(random_rows):
    rows = random_rows((5, 5))
    with pytest.raises(QlacError, match="cut off"):
        build_dataset(**{**rows, "episode_ends": np.zeros(12, bool)})
    with pytest.raises(QlacError, match="Episode 0 holds no transition"):
        build_dataset(**{**rows, "episode_ends": np.eye(12, dtype=bool)[0] | rows["episode_ends"]})
    broken = rows["observations"].copy()
    broken[3, 2] = np.nan
    with pytest.raises(QlacError, match="NaN.*row 3"):
        build_dataset(**{**rows, "observations": broken})
    with pytest.raises(QlacError, match="horizon <= 5"):
        check_horizon(5, 6)


@pytest.mark.parametrize(("horizon", "size", "stride"), [(5, 5, 1), (5, 1, 1), (1, 1, 1), (4, 4, 4)])
def test_replay_equals_a_dataset_built_from_the_whole_episodes(horizon, size, stride):
    """Random episodes, ended by success or by the limit, appended chunk by chunk,
    against the same built at once."""
    rng = np.random.default_rng(horizon * 10 + size)
    replay = empty_replay(400, 20, 3, 2, horizon)
    store = jax.jit(append, static_argnums=(2, 3))
    flat = dict(observations=[], actions=[], rewards=[], masks=[], episode_ends=[])
    for _ in range(12):
        length, success = int(rng.integers(1, 20)), rng.random() < 0.5
        s, a = (
            rng.normal(size=(length + 1, 3)).astype(np.float32),
            rng.normal(size=(length, 2)).astype(np.float32),
        )
        r = rng.normal(size=length).astype(np.float32)
        for t in range(0, length, size):
            k = min(size, length - t)
            pad = lambda x, n: np.concatenate([x, np.full((n - len(x), *x.shape[1:]), 99, np.float32)])
            last = t + k == length
            new = Transitions(
                pad(s[t : t + k + 1], size + 1),
                pad(a[t : t + k], size),
                pad(r[t : t + k], size),
                np.int32(k),
                np.bool_(last and success),
                np.bool_(last and not success),
            )
            replay = store(replay, new, horizon, stride)
        mask = np.ones(length + 1, np.float32)
        mask[length - 1] = 0.0 if success else 1.0
        flat["observations"].append(s)
        flat["actions"].append(np.concatenate([a, a[:1]]))
        flat["rewards"].append(np.concatenate([r, r[:1]]))
        flat["masks"].append(mask)
        flat["episode_ends"].append(np.arange(length + 1) == length)
    whole = build_dataset(**{key: np.concatenate(value) for key, value in flat.items()}, stride=stride)
    n = int(whole.num_starts)
    assert int(replay.data.num_starts) == n

    def every_chunk(data):
        in_order = data._replace(starts=jnp.asarray(data.starts), num_starts=jnp.int32(n))
        from qlac_lite.data.dataset import _gather

        return _gather(jax.tree.map(jnp.asarray, in_order), jnp.arange(n), horizon, DISCOUNT)

    got, wanted = every_chunk(replay.data), every_chunk(whole)
    for name in ("observation", "actions", "returns", "valid", "discount"):
        np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), atol=1e-5, err_msg=name)
    alive = np.asarray(wanted.discount) > 0  # after a success there is no state to bootstrap from
    np.testing.assert_array_equal(got.bootstrap_observation[alive], wanted.bootstrap_observation[alive])


def test_closing_the_episode_in_flight_makes_its_tail_usable():
    replay = empty_replay(50, 20, 3, 2, 5)
    s = np.arange(18, dtype=np.float32).reshape(6, 3)
    new = Transitions(
        s, np.ones((5, 2), np.float32), np.ones(5, np.float32), np.int32(5), np.False_, np.False_
    )
    replay = append(replay, new, 5)
    assert int(replay.data.num_starts) == 1  # only the first row has five steps so far
    closed = close_episode(replay, 5)
    assert int(closed.data.num_starts) == 5 and int(closed.cursor) == 6
    np.testing.assert_array_equal(closed.data.steps_left[:6], [5, 4, 3, 2, 1, 0])
    again = close_episode(closed, 5)  # nothing is in flight
    assert int(again.data.num_starts) == 5 and int(again.cursor) == 6
