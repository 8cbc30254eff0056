"""Tabular MDPs, and the chunked MDP built from one.

    (S, A, r, p, discount)  ->  (S, A^H, r_bar, p_bar, discount^H)

    r_bar(s, a_1..a_H)      = E sum_k discount^k r(s_k, a_k)     executed open loop from s
    p_bar(s' | s, a_1..a_H) = [P_{a_1} P_{a_2} ... P_{a_H}](s, s')

It is an MDP like any other: the same solvers and backup serve both.
Source: arXiv 2507.07969, section 3. Shapes: S states, A actions, H chunk length, C = A^H chunks.
"""

from typing import NamedTuple

import numpy as np

from qlac_lite.utils.errors import QlacError

MAX_ENTRIES = 100_000_000  # of a chunked transition table, 800 MB


class TabularMDP(NamedTuple):
    transitions: np.ndarray  # (S, A, S), p(s' | s, a)
    rewards: np.ndarray  # (S, A), expected
    discount: float

    @property
    def terminal(self) -> np.ndarray:
        """(S,) bool: no action leaves the state, and every reward there is 0."""
        states = np.arange(len(self.rewards))
        return np.all(self.transitions[states, :, states] == 1, axis=1) & np.all(self.rewards == 0, axis=1)


def check_mdp(mdp: TabularMDP) -> None:
    """Raises QlacError if it is malformed."""
    p, r = np.asarray(mdp.transitions), np.asarray(mdp.rewards)
    if p.ndim != 3 or p.shape[0] != p.shape[2] or r.shape != p.shape[:2]:
        raise QlacError(f"An MDP needs transitions (S, A, S), rewards (S, A); not {p.shape} and {r.shape}.")
    if not (np.isfinite(p).all() and np.isfinite(r).all()):
        raise QlacError("The MDP's transitions or rewards hold NaN or infinity.")
    broken = np.argwhere((p < 0).any(axis=2) | ~np.isclose(p.sum(axis=2), 1))
    if len(broken):
        s, a = broken[0]
        total = f"{p[s, a].sum():.4g}"
        raise QlacError(f"p(. | s={s}, a={a}) is no distribution: sums to {total}. Normalise each row.")
    if not 0 <= mdp.discount < 1:
        raise QlacError(f"The discount is {mdp.discount}; it must lie in [0, 1).")


def action_sequences(actions: int, length: int) -> np.ndarray:
    """All chunks of `length` of `actions` actions: (A^H, H); row c spells c in base A."""
    return np.indices((actions,) * length).reshape(length, -1).T


def chunk_rewards(transitions, rewards, discount: float, chunk: np.ndarray) -> np.ndarray:
    """r_bar(s, chunk) of every state (S,), from p (S, A, S), r (S, A) and a chunk (H,) of action numbers."""
    total = np.zeros(len(rewards))
    for action in chunk[::-1]:
        total = rewards[:, action] + discount * transitions[:, action] @ total
    return total


def chunk_transitions(transitions: np.ndarray, chunk: np.ndarray) -> np.ndarray:
    """p_bar(s' | s, chunk) as a matrix (S, S)."""
    kernel = np.eye(len(transitions))
    for action in chunk:
        kernel = kernel @ transitions[:, action]
    return kernel


def chunked(mdp: TabularMDP, length: int) -> TabularMDP:
    """The chunked MDP; its actions are the rows of `action_sequences`. QlacError if it is too large."""
    states, actions = mdp.rewards.shape
    if length < 1:
        raise QlacError(f"The chunk length is {length}; it must be at least 1.")
    if states**2 * actions**length > MAX_ENTRIES:
        raise QlacError(
            f"{actions} actions in chunks of {length} are {actions**length:,} chunks: too many for a table "
            f"of {states} states. Take a shorter chunk, or sample chunks instead of listing them."
        )
    p, r = mdp.transitions, mdp.rewards
    p_bar, r_bar = p, r
    for _ in range(length - 1):  # puts an action before every chunk so far
        r_bar = r[:, :, None] + mdp.discount * np.einsum("sat,tc->sac", p, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", p, p_bar, optimize=True)
        p_bar, r_bar = p_bar.reshape(states, -1, states), r_bar.reshape(states, -1)
    return TabularMDP(p_bar, r_bar, mdp.discount**length)


def observed_chunked(mdp: TabularMDP, behavior: np.ndarray, length: int) -> TabularMDP:
    """The chunked MDP that regression finds in chunks logged by a `behavior` (S, A) that looks at each state.

    It equals `chunked` if transitions are deterministic or the behavior does not look. Chunks that are never
    taken keep their open-loop rows.
    """
    truth, states = chunked(mdp, length), len(mdp.rewards)
    # p_bar and r_bar weighted by the probability of each path, and that of the chunk (S, C).
    taken = behavior[:, :, None] * mdp.transitions  # (S, A, S) probability of acting so and going there
    p_bar, r_bar, weight = taken, behavior * mdp.rewards, np.array(behavior)
    for _ in range(length - 1):
        later = np.einsum("sat,tc->sac", taken, weight)
        r_bar = mdp.rewards[:, :, None] * later + mdp.discount * np.einsum("sat,tc->sac", taken, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", taken, p_bar, optimize=True).reshape(states, -1, states)
        r_bar, weight = r_bar.reshape(states, -1), later.reshape(states, -1)
    seen = weight > 0
    divisor = np.where(seen, weight, 1)
    p_bar = np.where(seen[:, :, None], p_bar / divisor[:, :, None], truth.transitions)
    return TabularMDP(p_bar, np.where(seen, r_bar / divisor, truth.rewards), truth.discount)
