"""Backups and exact solutions of tabular MDPs of S states, A actions."""

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP, check_mdp


def _ahead(mdp: TabularMDP, value: np.ndarray) -> np.ndarray:
    """Q (S, A) of a step, then `value` (S,)."""
    return mdp.rewards + mdp.discount * mdp.transitions @ value


def backup(mdp: TabularMDP, q: np.ndarray) -> np.ndarray:
    """Bellman optimality backup of Q (S, A); on `chunked(mdp, H)`, the chunked backup."""
    return _ahead(mdp, q.max(axis=1))


def n_step_backup(mdp: TabularMDP, behavior: np.ndarray, q: np.ndarray, n: int) -> np.ndarray:
    """The uncorrected n-step backup: a_1 is free, a_2 .. a_n follow `behavior` (S, A).

    Its fixed point is the optimal Q only if n = 1 or the behavior is optimal.
    """
    value = q.max(axis=1)  # (S,)
    for _ in range(n - 1):
        value = np.sum(behavior * _ahead(mdp, value), axis=1)
    return _ahead(mdp, value)


def policy_q(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """The exact Q (S, A) of a stochastic `policy` (S, A)."""
    p = np.einsum("sa,sat->st", policy, mdp.transitions)
    value = np.linalg.solve(np.eye(len(p)) - mdp.discount * p, np.sum(policy * mdp.rewards, axis=1))
    return _ahead(mdp, value)


def greedy(q: np.ndarray) -> np.ndarray:
    """The greedy policy of Q as probabilities (S, A); ties go to the first action."""
    return np.eye(q.shape[1])[q.argmax(axis=1)]


def optimal_q(mdp: TabularMDP) -> np.ndarray:
    """Optimal Q (S, A), by policy iteration; QlacError if the MDP is malformed."""
    check_mdp(mdp)
    q = policy_q(mdp, greedy(mdp.rewards))
    while True:
        better = policy_q(mdp, greedy(q))
        if better.max(axis=1).sum() <= q.max(axis=1).sum() + 1e-10:
            return better
        q = better
