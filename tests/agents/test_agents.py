"""The learners: which loss moves which network, the critic target by hand, acting,
learning on a known problem."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import grid, tiny_config

from qlac_lite.agents import make_learner
from qlac_lite.agents.critics import critic_loss
from qlac_lite.agents.rlpd import log_prob_tanh, sample_tanh
from qlac_lite.config import METHODS
from qlac_lite.data.dataset import Batch
from qlac_lite.utils.errors import QlacError

S, A, B = 4, 2, 16
A_LEARNER_EACH = grid(METHODS, "qc-fql", "qc", "rlpd-ac", "qc-rlpd")


def batch_of(horizon, key=0, valid=None):
    keys = jax.random.split(jax.random.key(key), 4)
    return Batch(
        jax.random.normal(keys[0], (B, S)),
        jax.random.uniform(keys[1], (B, horizon, A), minval=-1),
        -jax.random.uniform(keys[2], (B,)),
        jnp.ones((B, horizon)) if valid is None else valid,
        jax.random.normal(keys[3], (B, S)),
        jnp.full(B, 0.99**horizon),
    )


def learner_and_state(method, **changes):
    config = tiny_config(method, **changes)
    learner = make_learner(config, S, A)
    return config, learner, jax.jit(learner.init)(jax.random.key(0))


@pytest.mark.parametrize("method", A_LEARNER_EACH)
def test_each_loss_moves_its_own_network_and_no_other(method):
    config, learner, state = learner_and_state(method)
    batch, key = batch_of(config.backup_length), jax.random.key(1)
    terms = lambda params, target: learner.losses(params, target, batch, key)[0]
    gradients = jax.jit(jax.jacrev(terms))(state.params, state.target_critic)
    assert set(gradients) <= set(learner.moves) and set(learner.moves.values()) == set(state.params)
    for loss, by_network in gradients.items():
        for network, gradient in by_network.items():
            size = max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(gradient))
            if network == learner.moves[loss]:
                assert size > 0, f"the {loss} loss does not reach {network}"
            else:
                assert size == 0, f"the {loss} loss leaks into {network}"
    if state.target_critic:
        leak = jax.jit(jax.grad(lambda target, params: sum(terms(params, target).values())))(
            state.target_critic, state.params
        )
        assert all(float(jnp.max(jnp.abs(leaf))) == 0 for leaf in jax.tree.leaves(leak))


@pytest.mark.parametrize("method", A_LEARNER_EACH)
def test_an_update_moves_every_network_and_the_target_by_its_rate(method):
    config, learner, state = learner_and_state(method, target_rate=0.25)
    state = state._replace(target_critic=jax.tree.map(lambda leaf: leaf + 1, state.target_critic))
    new, metrics = jax.jit(learner.update)(state, batch_of(config.backup_length), jax.random.key(2))
    for network, params in new.params.items():
        moved = jax.tree.map(lambda a, b: float(jnp.max(jnp.abs(a - b))), params, state.params[network])
        assert max(jax.tree.leaves(moved)) > 0, network
    if "critic" in new.params:
        expected = jax.tree.map(
            lambda old, before: 0.75 * old + 0.25 * before, state.target_critic, state.params["critic"]
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), new.target_critic, expected)
    assert all(np.isfinite(value) for value in jax.tree.leaves(metrics))


@pytest.mark.parametrize("method", A_LEARNER_EACH)
def test_acting_gives_chunks_in_range_that_follow_the_key(method):
    config, learner, state = learner_and_state(method)
    observation = jax.random.normal(jax.random.key(5), (6, S))
    act = jax.jit(learner.act)
    chunks = act(state.params, observation, jax.random.key(0))
    assert chunks.shape == (6, config.chunk_length, A)
    assert float(jnp.max(jnp.abs(act(state.params, observation * 100, jax.random.key(0))))) <= 1
    np.testing.assert_array_equal(chunks, act(state.params, observation, jax.random.key(0)))
    assert not np.array_equal(chunks, act(state.params, observation, jax.random.key(1)))


def test_chunk_and_backup_lengths_of_the_methods():
    for name, (chunk, backup) in {
        "fql": (1, 1),
        "fql-n": (1, 5),
        "qc-fql": (5, 5),
        "bfn": (1, 1),
        "bfn-n": (1, 5),
        "qc": (5, 5),
        "dqc": (1, 5),
        "rlpd": (1, 1),
        "rlpd-ac": (5, 5),
        "qc-rlpd": (5, 5),
        "bc": (1, 1),
        "chunk-bc": (5, 5),
    }.items():
        assert (tiny_config(name).chunk_length, tiny_config(name).backup_length) == (chunk, backup), name


def test_executing_the_first_actions_of_a_chunk_changes_acting_alone():
    config, learner, state = learner_and_state("qc-fql")
    short, other, _ = learner_and_state("qc-fql", execute=2)
    assert (short.execution_length, short.chunk_length) == (2, 5)
    observation, key = jax.random.normal(jax.random.key(5), (6, S)), jax.random.key(0)
    np.testing.assert_array_equal(
        other.act(state.params, observation, key), learner.act(state.params, observation, key)[:, :2]
    )
    batch = batch_of(5)
    for a, b in zip(
        *(
            jax.tree.leaves(one.losses(state.params, state.target_critic, batch, key))
            for one in (learner, other)
        ),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_the_density_of_a_squashed_gaussian_integrates_to_one_and_agrees_with_its_samples():
    grid = jnp.linspace(-1 + 1e-4, 1 - 1e-4, 200_001)[:, None, None]
    mean, log_std = jnp.full((1, 1), 0.4), jnp.full((1, 1), -0.7)
    density = jnp.exp(log_prob_tanh(mean, log_std, grid))[:, 0, 0]
    np.testing.assert_allclose(jnp.trapezoid(density, grid[:, 0, 0]), 1.0, atol=2e-3)
    many = lambda leaf: jnp.broadcast_to(leaf, (50_000, 1, 1))
    actions, log_prob = sample_tanh(many(mean), many(log_std), jax.random.key(0))
    np.testing.assert_allclose(log_prob, log_prob_tanh(mean, log_std, actions), atol=2e-2)
    np.testing.assert_allclose(
        jnp.mean(actions), jnp.trapezoid(density * grid[:, 0, 0], grid[:, 0, 0]), atol=5e-3
    )


def test_the_temperature_holds_the_entropy_at_its_target():
    config, learner, state = learner_and_state(
        "rlpd-ac", learning_rate=3e-3, entropy_target=-0.3, critics=2, initial_temperature=0.1
    )
    batch = bandit(0, False)

    def step(state, key):
        new, metrics = learner.update(state, batch, key)
        return new, metrics.mean["entropy"]

    _, entropy = jax.jit(lambda s: jax.lax.scan(step, s, jax.random.split(jax.random.key(1), 4000)))(state)
    np.testing.assert_allclose(np.mean(entropy[-200:]), -0.3 * 5 * A, atol=0.4)


def test_critic_loss_by_hand():
    """E = 2 critics, B = 2 chunks, the second cut by the end of its episode."""
    batch = batch_of(3)._replace(
        returns=jnp.array([-2.0, -1.0]),
        discount=jnp.array([0.5, 0.5]),
        valid=jnp.array([[1, 1, 1], [1, 1, 0.0]]),
    )
    q, next_q = jnp.array([[1.0, 7.0], [3.0, 7.0]]), jnp.array([[2.0, 0.0], [4.0, 0.0]])
    loss, metrics = critic_loss(q, next_q, batch)  # target of the first: -2 + 0.5 * (2 + 4) / 2 = -0.5
    np.testing.assert_allclose(loss, (1.5**2 + 3.5**2 + 0 + 0) / 4)
    np.testing.assert_allclose(metrics.mean["target_mean"], (-0.5 + -1.0) / 2)


def test_best_of_n_takes_the_candidate_that_the_online_critic_prefers():
    config, learner, state = learner_and_state("qc", candidates=32)
    one = make_learner(tiny_config("qc", candidates=1), S, A)
    from qlac_lite.agents.networks import Critic, functional

    _, critic = functional(lambda rngs: Critic(S, (5, A), config.hidden, rngs), ensemble=2)
    observation = jax.random.normal(jax.random.key(5), (50, S))
    value = lambda chunks: float(jnp.mean(critic(state.params["critic"], observation, chunks)))
    best = value(learner.act(state.params, observation, jax.random.key(0)))
    assert best > value(one.act(state.params, observation, jax.random.key(0))) + 1e-3


def test_candidates_in_blocks_choose_as_all_at_once():
    _, learner, state = learner_and_state("qc", candidates=12)
    observation, key = jax.random.normal(jax.random.key(5), (50, S)), jax.random.key(0)
    whole = jax.jit(learner.act)(state.params, observation, key)
    for block in (1, 4, 12):
        _, blocks, _ = learner_and_state("qc", candidates=12, candidate_block=block)
        np.testing.assert_allclose(jax.jit(blocks.act)(state.params, observation, key), whole, atol=1e-5)
    with pytest.raises(QlacError, match="divisor of the candidates"):
        tiny_config("qc", candidates=12, candidate_block=5)


@pytest.mark.parametrize("method", grid(["qc-fql", "qc", "chunk-bc"], "qc"))
def test_sampling_in_bfloat16_moves_actions_by_little_and_gradients_stay_float32(method):
    _, full, state = learner_and_state(method, candidates=1)
    _, low, _ = learner_and_state(method, candidates=1, sampling_precision="bfloat16")
    observation, key, batch = jax.random.normal(jax.random.key(5), (200, S)), jax.random.key(0), batch_of(5)
    moved = np.abs(low.act(state.params, observation, key) - full.act(state.params, observation, key))
    assert moved.max() < 0.05 and (moved.max() > 0) == (
        method != "qc-fql"
    )  # its actor is one step and samples nothing
    (new, metrics), (_, others) = (learner.update(state, batch, key) for learner in (low, full))
    assert {leaf.dtype for leaf in jax.tree.leaves(new.params)} == {np.dtype(np.float32)}
    for one, other in zip(jax.tree.leaves(metrics), jax.tree.leaves(others), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=0.02)
    with pytest.raises(QlacError, match="float32 or bfloat16"):
        tiny_config(method, sampling_precision="half")


def bandit(seed, two_modes):
    """One-step problems on chunks of H = 5: no observation, no future,
    and a reward that the chunk alone decides.

    two_modes: all steps near +0.7 (reward 1) or all near -0.7 (reward 0), equally often.
    Else every step is uniform in [-1, 1] and the reward is the chunk's mean.
    """
    rng = np.random.default_rng(seed)
    if two_modes:
        reward = (rng.random(64) < 0.5).astype(np.float32)
        actions = np.where(reward, 0.7, -0.7)[:, None, None] + 0.05 * rng.normal(size=(64, 5, A))
    else:
        actions = rng.uniform(-1, 1, (64, 5, A))
        reward = actions.mean(axis=(1, 2)).astype(np.float32)
    zeros = np.zeros((64, S), np.float32)
    return Batch(
        zeros,
        actions.astype(np.float32),
        reward,
        np.ones((64, 5), np.float32),
        zeros,
        np.zeros(64, np.float32),
    )


def chunk_means_after_training(method, two_modes, **changes):
    """Mean of each of 300 chunks drawn from the trained policy, (300,)."""
    config, learner, state = learner_and_state(
        method, hidden=(32, 32), flow_steps=5, learning_rate=3e-3, candidates=8, **changes
    )
    batches = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *(bandit(seed, two_modes) for seed in range(20))
    )

    def step(state, i):
        batch = jax.tree.map(lambda leaf: leaf[i % 20], batches)
        return learner.update(state, batch, jax.random.fold_in(jax.random.key(9), i))[0], None

    state, _ = jax.jit(lambda s: jax.lax.scan(step, s, jnp.arange(1000)))(state)
    return np.asarray(jax.jit(learner.act)(state.params, jnp.zeros((300, S)), jax.random.key(3))).mean(
        axis=(1, 2)
    )


def near(means, centre):
    return np.mean(np.abs(means - centre) < 0.25)


@pytest.mark.parametrize(("method", "changes"), [("chunk-bc", {}), ("qc-fql", dict(alpha=10.0))])
def test_a_flow_and_its_distilled_policy_keep_both_modes_and_avoid_their_mean(method, changes):
    means = chunk_means_after_training(method, True, **changes)
    assert min(near(means, 0.7), near(means, -0.7)) > 0.3 and near(means, 0.0) < 0.15, np.histogram(
        means, 8, (-1, 1)
    )


@pytest.mark.parametrize("method", grid(["rlpd-ac", "qc-rlpd"], "qc-rlpd"))
def test_soft_actor_critic_on_chunks_finds_the_reward(method):
    assert chunk_means_after_training(method, False, critics=2, initial_temperature=0.01).mean() > 0.5


def test_best_of_n_takes_the_rewarded_mode():
    assert near(chunk_means_after_training("qc", True), 0.7) > 0.9


def test_the_q_loss_pulls_the_policy_towards_reward_and_alpha_holds_it_back():
    free, held = (chunk_means_after_training("qc-fql", False, alpha=alpha).mean() for alpha in (0.1, 100.0))
    assert free > 0.6 and abs(held) < 0.2, (free, held)
