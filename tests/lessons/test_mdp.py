"""The tabular part against independent linear algebra, brute-force enumeration and simulation."""

import itertools

import numpy as np
import pytest

from qlac_lite.lessons.mdp import (
    TabularMDP,
    action_sequences,
    backup,
    chain,
    check_mdp,
    chunked,
    greedy,
    grid,
    n_step_backup,
    observed_chunked,
    optimal_q,
    policy_q,
    simulate,
    windows,
)
from qlac_lite.utils.errors import QlacError

MAZE = """
#######
#S....#
#.#.#.#
#....G#
#######
"""


def random_mdp(states=4, actions=3, discount=0.9, seed=0, deterministic=False):
    rng = np.random.default_rng(seed)
    p = (
        np.eye(states)[rng.integers(states, size=(states, actions))]
        if deterministic
        else rng.dirichlet(np.ones(states), (states, actions))
    )
    return TabularMDP(p, rng.normal(size=(states, actions)), discount)


def random_policy(states=4, actions=3, seed=1):
    return np.random.default_rng(seed).dirichlet(np.ones(actions), states)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_chunked_is_the_product_of_kernels_and_the_discounted_sum(length):
    mdp = random_mdp()
    bar = chunked(mdp, length)
    sequences = action_sequences(3, length)
    assert bar.discount == pytest.approx(0.9**length) and len(sequences) == 3**length
    for c, sequence in enumerate(sequences):
        kernel, reward = np.eye(4), np.zeros(4)
        for k, a in enumerate(sequence):
            reward += 0.9**k * kernel @ mdp.rewards[:, a]
            kernel = kernel @ mdp.transitions[:, a]
        np.testing.assert_allclose(bar.transitions[:, c], kernel, atol=1e-12)
        np.testing.assert_allclose(bar.rewards[:, c], reward, atol=1e-12)


def test_chunks_by_enumeration_of_every_path():
    mdp, behavior, length = random_mdp(states=3, actions=2), random_policy(3, 2), 3
    seen = observed_chunked(mdp, behavior, length)
    for c, actions in enumerate(itertools.product(range(2), repeat=length)):
        total, reward, end = 0.0, 0.0, np.zeros(3)
        for path in itertools.product(range(3), repeat=length):
            states, probability = (1, *path), 1.0
            for k in range(length):
                probability *= (
                    behavior[states[k], actions[k]] * mdp.transitions[states[k], actions[k], states[k + 1]]
                )
            total += probability
            end[states[-1]] += probability
            reward += probability * sum(0.9**k * mdp.rewards[states[k], actions[k]] for k in range(length))
        np.testing.assert_allclose(seen.transitions[1, c], end / total, atol=1e-12)
        assert seen.rewards[1, c] == pytest.approx(reward / total)


def test_observed_equals_open_loop_when_deterministic_or_blind():
    for mdp, behavior in [
        (random_mdp(deterministic=True), random_policy()),
        (random_mdp(), np.tile([0.2, 0.5, 0.3], (4, 1))),
    ]:
        for a, b in zip(observed_chunked(mdp, behavior, 3), chunked(mdp, 3), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_observed_differs_for_a_closed_loop_behavior_and_survives_chunks_never_taken():
    mdp = random_mdp()
    assert np.abs(observed_chunked(mdp, random_policy(), 3).rewards - chunked(mdp, 3).rewards).max() > 0.01
    never = greedy(np.random.default_rng(0).normal(size=(4, 3)))
    check_mdp(observed_chunked(mdp, never, 3))


def test_optimal_q_against_long_value_iteration_and_policies_against_it():
    mdp = random_mdp()
    q = np.zeros((4, 3))
    for _ in range(600):
        q = backup(mdp, q)
    np.testing.assert_allclose(optimal_q(mdp), q, atol=1e-9)
    series, value = np.zeros(4), random_policy()
    p, r = np.einsum("sa,sat->st", value, mdp.transitions), np.sum(value * mdp.rewards, axis=1)
    for k in range(600):
        series += 0.9**k * np.linalg.matrix_power(p, k) @ r
    np.testing.assert_allclose(np.sum(value * policy_q(mdp, value), axis=1), series, atol=1e-9)
    assert (policy_q(mdp, value) <= q + 1e-9).all()


@pytest.mark.parametrize("length", [2, 3, 5])
def test_chunks_cost_nothing_without_noise_and_something_with_it(length):
    for noise in (0.0, 0.2):
        mdp, _ = grid(MAZE, 0.95, noise)
        loss = optimal_q(mdp).max(axis=1)[0] - optimal_q(chunked(mdp, length)).max(axis=1)[0]
        assert loss == pytest.approx(0, abs=1e-9) if noise == 0 else loss > 0.1


def test_n_step_backup_is_one_step_at_n_1_and_biased_by_a_bad_behavior():
    mdp, behavior = random_mdp(), random_policy()
    best = optimal_q(mdp)
    np.testing.assert_allclose(n_step_backup(mdp, behavior, best, 1), best, atol=1e-9)
    assert (n_step_backup(mdp, behavior, best, 4) < best).all()
    np.testing.assert_allclose(n_step_backup(mdp, greedy(best), best, 4), best, atol=1e-9)


@pytest.mark.parametrize("length", [1, 3])
def test_simulation_agrees_with_the_exact_value(length):
    mdp, _ = grid(MAZE, 0.9, 0.2)
    bar = chunked(mdp, length)
    policy = greedy(optimal_q(bar))
    episodes = simulate(mdp, policy, np.zeros(4000, int), 60, np.random.default_rng(0), length)
    returns = (0.9 ** np.arange(60) * episodes.rewards).sum(axis=1)
    error = returns.mean() - policy_q(bar, policy)[0].max()
    assert abs(error) < 4 * returns.std() / np.sqrt(4000)
    assert (episodes.rewards[~episodes.valid] == 0).all() and not episodes.valid.all()


@pytest.mark.parametrize("stride", [1, 3])
def test_windows_are_what_a_loop_would_cut(stride):
    mdp = chain(5, 0.9, slip=0.2)
    episodes = simulate(mdp, np.full((6, 2), 0.5), np.zeros(20, int), 30, np.random.default_rng(0))
    cut, i = windows(mdp, episodes, 3, stride), 0
    for states, actions, rewards, valid in zip(*episodes, strict=True):
        steps = int(valid.sum())
        for t in range(0, steps, stride):
            m = min(3, steps - t)
            assert (
                cut.offset[i] == t
                and cut.state[i] == states[t]
                and cut.last_state[i] == states[t + m]
                and cut.mask[i] == (states[t + m] != 5)
            )
            np.testing.assert_array_equal(cut.actions[i], [*actions[t : t + m], *[0] * (3 - m)])
            np.testing.assert_array_equal(cut.rewards[i], [*rewards[t : t + m], *[0] * (3 - m)])
            np.testing.assert_array_equal(cut.valid[i], [1] * m + [0] * (3 - m))
            i += 1
    assert i == len(cut.state) and 0 in cut.mask and 1 in cut.mask


def test_worlds():
    line = chain(4, 0.9)
    np.testing.assert_allclose(optimal_q(line).max(axis=1), [-(1 - 0.9**k) / 0.1 for k in (4, 3, 2, 1, 0)])
    np.testing.assert_array_equal(line.terminal, [False] * 4 + [True])
    maze, cells = grid(MAZE, 0.9, 0.3)
    check_mdp(maze)
    assert tuple(cells[0]) == (1, 1) and tuple(cells[maze.terminal][0]) == (3, 5)


@pytest.mark.parametrize(
    "broken, message",
    [
        (lambda m: m._replace(rewards=np.zeros((3, 3))), "rewards"),
        (lambda m: m._replace(transitions=m.transitions * 0.9), "sums to 0.9"),
        (lambda m: m._replace(rewards=m.rewards * np.nan), "NaN"),
        (lambda m: m._replace(discount=1.0), "discount is 1.0"),
    ],
)
def test_a_malformed_mdp_is_refused(broken, message):
    with pytest.raises(QlacError, match=message):
        optimal_q(broken(random_mdp()))


def test_a_chunked_mdp_too_large_for_memory_is_refused():
    with pytest.raises(QlacError, match="shorter chunk"):
        chunked(random_mdp(), 20)
    with pytest.raises(QlacError, match="at least 1"):
        chunked(random_mdp(), 0)
