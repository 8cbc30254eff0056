"""Tabular MDPs, the chunked MDP built from one, and their exact solutions.

    (S, A, r, p, discount)  ->  (S, A^H, r_bar, p_bar, discount^H)

    r_bar(s, a_1..a_H)      = E sum_k discount^k r(s_k, a_k)     executed open loop from s
    p_bar(s' | s, a_1..a_H) = [P_{a_1} P_{a_2} ... P_{a_H}](s, s')

The result is an MDP like any other, so the same solvers and the same backup serve both; only `discount` has
become discount^H. A terminal state is one that no action leaves and where every reward is 0.
Source: arXiv 2507.07969, section 3. Shapes: S states, A actions, H chunk length, C = A^H chunks.
"""

from typing import NamedTuple

import numpy as np

from qlac_lite.utils.errors import QlacError

MAX_ENTRIES = 100_000_000  # of a chunked transition table, 800 MB


class TabularMDP(NamedTuple):
    """A finite MDP."""

    transitions: np.ndarray  # (S, A, S), p(s' | s, a)
    rewards: np.ndarray  # (S, A), expected reward of taking a in s
    discount: float

    @property
    def terminal(self) -> np.ndarray:
        """(S,) bool: no action leaves the state, and every reward there is 0."""
        states = np.arange(len(self.rewards))
        return np.all(self.transitions[states, :, states] == 1, axis=1) & np.all(self.rewards == 0, axis=1)


def check_mdp(mdp: TabularMDP) -> None:
    """Raises QlacError if shapes disagree, a row of p is no distribution, or the discount is not in [0,
    1)."""
    p, r = np.asarray(mdp.transitions), np.asarray(mdp.rewards)
    if p.ndim != 3 or p.shape[0] != p.shape[2] or r.shape != p.shape[:2]:
        raise QlacError(
            f"An MDP needs transitions (S, A, S) and rewards (S, A); got {p.shape} and {r.shape}."
        )
    if not (np.isfinite(p).all() and np.isfinite(r).all()):
        raise QlacError("The MDP's transitions or rewards hold NaN or infinity.")
    if (p < 0).any() or not np.allclose(p.sum(axis=2), 1):
        s, a = np.argwhere((p < 0).any(axis=2) | ~np.isclose(p.sum(axis=2), 1))[0]
        raise QlacError(
            f"p(. | s={s}, a={a}) is not a distribution: it sums to {p[s, a].sum():.4g}. Normalise each row."
        )
    if not 0 <= mdp.discount < 1:
        raise QlacError(f"The discount is {mdp.discount}; it must lie in [0, 1).")


def action_sequences(actions: int, length: int) -> np.ndarray:
    """All chunks of `length` of `actions` actions: (A^H, H); row c spells c in base A."""
    return np.indices((actions,) * length).reshape(length, -1).T


def chunk_rewards(
    transitions: np.ndarray, rewards: np.ndarray, discount: float, chunk: np.ndarray
) -> np.ndarray:
    """r_bar(s, chunk) of every state (S,), from p (S, A, S), r (S, A) and a chunk (H,) of action numbers."""
    total = np.zeros(len(rewards))
    for action in chunk[::-1]:  # from the last action to the first
        total = rewards[:, action] + discount * transitions[:, action] @ total
    return total


def chunk_transitions(transitions: np.ndarray, chunk: np.ndarray) -> np.ndarray:
    """p_bar(s' | s, chunk) as a matrix (S, S): the product of the kernels of its actions, in their order."""
    kernel = np.eye(len(transitions))
    for action in chunk:
        kernel = kernel @ transitions[:, action]
    return kernel


def chunked(mdp: TabularMDP, length: int) -> TabularMDP:
    """The chunked MDP: its actions are the rows of `action_sequences`, its discount is discount^length.

    Raises:
        QlacError: `length` below 1, or a table of more than `MAX_ENTRIES` numbers.
    """
    states, actions = mdp.rewards.shape
    if length < 1:
        raise QlacError(f"The chunk length is {length}; it must be at least 1.")
    if states**2 * actions**length > MAX_ENTRIES:
        raise QlacError(
            f"{actions} actions in chunks of {length} are {actions**length:,} chunks: too many for a table "
            f"of {states} states. Take a shorter chunk; beyond tables one samples chunks instead of listing "
            "them."
        )
    p, r = mdp.transitions, mdp.rewards
    p_bar, r_bar = p, r
    for _ in range(length - 1):  # prepend one action to every chunk so far
        r_bar = r[:, :, None] + mdp.discount * np.einsum("sat,tc->sac", p, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", p, p_bar, optimize=True)
        p_bar, r_bar = p_bar.reshape(states, -1, states), r_bar.reshape(states, -1)
    return TabularMDP(p_bar, r_bar, mdp.discount**length)


def observed_chunked(mdp: TabularMDP, behavior: np.ndarray, length: int) -> TabularMDP:
    """The chunked MDP to which regression on logged chunks converges: r_bar and p_bar given that a
    closed-loop `behavior` (S, A) chose the chunk.

    It equals `chunked` where the chunk tells nothing of the states on its way: with deterministic
    transitions, or a behavior that does not look. A chunk that is never taken from a state keeps its
    open-loop row.
    """
    states, actions = mdp.rewards.shape
    truth = chunked(mdp, length)
    p_bar, r_bar, weight = _weighted_chunks(mdp, behavior, length)
    seen = weight > 0
    divisor = np.where(seen, weight, 1)
    return TabularMDP(
        np.where(seen[:, :, None], p_bar / divisor[:, :, None], truth.transitions),
        np.where(seen, r_bar / divisor, truth.rewards),
        truth.discount,
    )


def _weighted_chunks(
    mdp: TabularMDP, behavior: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p_bar and r_bar weighted by the behavior's probability of each path, and that of the chunk (S, C)."""
    states = len(mdp.rewards)
    taken = behavior[:, :, None] * mdp.transitions  # (S, A, S) probability of acting so and going there
    p_bar, r_bar, weight = taken, behavior * mdp.rewards, np.array(behavior)
    for _ in range(length - 1):
        later = np.einsum("sat,tc->sac", taken, weight)
        r_bar = mdp.rewards[:, :, None] * later + mdp.discount * np.einsum("sat,tc->sac", taken, r_bar)
        p_bar = np.einsum("sat,tcu->sacu", taken, p_bar, optimize=True)
        p_bar = p_bar.reshape(states, -1, states)
        r_bar, weight = r_bar.reshape(states, -1), later.reshape(states, -1)
    return p_bar, r_bar, weight
