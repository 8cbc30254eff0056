"""The last experiment of lesson 02: a critic of chunks in a noisy maze, whose recorder looks at every step.

Shapes: S = 15 states, C = 64 chunks of 3 moves.
"""

import numpy as np

from qlac_lite.lessons import mdp
from qlac_lite.lessons.notebook import shorten

PICTURE = """
#########
#S..#...#
#.#.#.#.#
#.#...#G#
#########
"""
LENGTH, DISCOUNT, NOISE = 3, 0.97, 0.1
AMOUNTS = (300, 1000, 3000, 10_000, 30_000)[: shorten(5, fast=2)]  # of recorded episodes


def believed_and_earned(episodes: int, seed: int, looks: bool = True) -> tuple[float, float]:
    """Value at the start: believed by a critic of whole recorded chunks, and earned by its greedy ones.

    The recorder acts optimally, but for 30 % random moves. One that does not look plans three moves at once,
    and its chunks are those. At the goal it goes on moving until its last chunks are whole.
    """
    rng, (world, _) = np.random.default_rng(seed), mdp.grid(PICTURE, DISCOUNT, NOISE)
    states, plan = len(world.rewards), 1 if looks else LENGTH
    best = mdp.optimal_q(mdp.chunked(world, plan)).argmax(axis=1)  # (S,) the best chunk of `plan` moves
    spelled = mdp.action_sequences(4, plan)  # (4^plan, plan)
    behavior = np.prod(0.3 / 4 + 0.7 * (spelled == spelled[best][:, None]), axis=2)  # (S, 4^plan)
    walks = mdp.simulate(world, behavior, rng.integers(states, size=episodes), 30, rng, plan)
    data = mdp.windows(world, walks, LENGTH, stride=plan)
    whole = (data.valid[:, -1] == 1) | (data.mask == 0)
    moves = np.where(data.valid == 1, data.actions, rng.integers(4, size=data.actions.shape))
    total = data.rewards[whole] @ DISCOUNT ** np.arange(LENGTH)
    state, last = data.state[whole], data.last_state[whole]
    chunk = moves[whole] @ 4 ** np.arange(LENGTH)[::-1]
    shape = (states, 4**LENGTH)
    p, r, count = np.zeros((*shape, states)), np.zeros(shape), np.zeros(shape)
    np.add.at(count, (state, chunk), 1)
    np.add.at(r, (state, chunk), total)
    np.add.at(p, (state, chunk, last), 1)
    times = np.maximum(count, 1)
    r = np.where(count > 0, r / times, -float(LENGTH))  # never tried: as bad as staying, and paying
    p = np.where(count[:, :, None] > 0, p / times[:, :, None], np.eye(states)[:, None])
    r[world.terminal] = 0.0
    q = mdp.optimal_q(mdp.TabularMDP(p, r, DISCOUNT**LENGTH))
    true = mdp.chunked(world, LENGTH)
    return float(q[0].max()), float(mdp.policy_q(true, mdp.greedy(q))[0, q[0].argmax()])


def by_amount(looks: bool) -> np.ndarray:
    """`believed_and_earned` of eight seeds for each of AMOUNTS: (R, amounts, 2)."""
    seeds = range(shorten(8, fast=2))
    return np.array([[believed_and_earned(amount, seed, looks) for amount in AMOUNTS] for seed in seeds])


def best_open_loop() -> float:
    """The value at the start that the best chunks earn."""
    return mdp.optimal_q(mdp.chunked(mdp.grid(PICTURE, DISCOUNT, NOISE)[0], LENGTH))[0].max()
