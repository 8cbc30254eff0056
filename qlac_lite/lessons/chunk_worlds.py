"""The maze and the coin of lesson 01, and what somebody recorded there.

Shapes: S states, H chunk length, C = 4^H chunks, N chunks in the data, R seeds.
"""

from typing import NamedTuple

import numpy as np

from qlac_lite.lessons import mdp
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

Array = np.ndarray
DISCOUNT = 0.95  # of the maze
COIN_DISCOUNT = 0.9
KNOBS = {"noise": (0, 0.5), "looks": (False, True), "errs": (0, 0.5), "blur": (0, 1)}
KNOBS["episodes"] = (4, 100_000)
MAZE = """
#########
#S..#...#
#.#.#.#.#
#.#...#G#
#########
"""


def maze(noise: float) -> tuple[mdp.TabularMDP, Array]:
    """The maze, -1 a step until the goal; and row and column of each state (S, 2). See `mdp.grid`."""
    return mdp.grid(MAZE, DISCOUNT, noise)


class Recorded(NamedTuple):
    """N whole chunks out of recorded episodes."""

    states: Array  # (N,) int, where each chunk starts
    chunks: Array  # (N,) int, its number, a row of `mdp.action_sequences`
    returns: Array  # (N,) discounted sum of its rewards
    after: Array  # (N,) int, the state H steps later
    over: Array  # (N,) bool, that state ends the episode


def recorded_chunks(length: int, episodes: int = 1000, seed: int = 0) -> Recorded:
    """Whole chunks of `length` from the maze without noise, stride 1.

    The recorder starts anywhere, takes a best move with probability 0.7 and any move else, 40 steps at most.
    At the goal, where nothing costs anything, it goes on moving until its last chunks are whole.
    """
    world, rng = maze(0.0)[0], np.random.default_rng(seed)
    behavior = 0.7 * mdp.greedy(mdp.optimal_q(world)) + 0.3 / 4
    walks = mdp.simulate(world, behavior, rng.integers(len(behavior), size=episodes), 40, rng)
    windows = mdp.windows(world, walks, length)
    whole = (windows.valid[:, -1] == 1) | (windows.mask == 0)
    moves = np.where(windows.valid == 1, windows.actions, rng.integers(4, size=windows.actions.shape))
    numbers = moves @ 4 ** np.arange(length)[::-1]
    returns = windows.rewards @ DISCOUNT ** np.arange(length)
    parts = windows.state, numbers, returns, windows.last_state, windows.mask == 0
    return Recorded(*(part[whole] for part in parts))


def recorded_share(length: int) -> float:
    """The share, 0 to 1, of all chunks of `length` in all cells but the goal that `recorded_chunks` holds."""
    data = recorded_chunks(length)
    pairs = set(zip(data.states.tolist(), data.chunks.tolist(), strict=True))
    return len(pairs) / ((len(maze(0.0)[0].rewards) - 1) * 4**length)


def worth_in_maze(best: Array, length: int) -> float:
    """What an agent earns from the start, without noise, with chunk `best[s]` (S,) in each state s."""
    bars = mdp.chunked(maze(0.0)[0], length)
    return float(mdp.policy_q(bars, np.eye(bars.rewards.shape[1])[best])[0, best[0]])


def coin(noise: float) -> mdp.TabularMDP:
    """States: start, left room, right room, end; two actions.

    Action 0 aims at the left room, 1 at the right one; `noise` is the probability of the other room. There
    action 0 earns 1 in the left room and action 1 in the right one; the other action earns 0.
    """
    transitions, rewards = np.zeros((4, 2, 4)), np.zeros((4, 2))
    transitions[0, 0, [1, 2]] = transitions[0, 1, [2, 1]] = 1 - noise, noise
    transitions[1:, :, 3] = 1
    rewards[1, 0] = rewards[2, 1] = 1
    return mdp.TabularMDP(transitions, rewards, COIN_DISCOUNT)


def believed_of_coin(noise: float, errs: float) -> Array:
    """What endless data of a recorder who looks, and errs with this probability, say of chunks 00 01 10 11.

    (4,); a chunk that never occurs keeps its true value.
    """
    recorder = np.array([[0.5, 0.5], [1 - errs, errs], [errs, 1 - errs], [0.5, 0.5]])
    return mdp.observed_chunked(coin(noise), recorder, 2).rewards[0]


def learned_from_coin(
    rng: np.random.Generator,
    noise: float,
    looks: bool = True,
    errs: float = 0.0,
    episodes: int = 400,
    blur: float = 0.1,
) -> tuple[float, float]:
    """Records the coin, averages by chunk, takes the best chunk: what it is believed to earn, what it earns.

    Args:
        noise: probability of landing in the other room.
        looks: the recorder sees the room before the second action; else it chooses that blindly.
        errs: probability that the recorder takes the wrong second action after looking.
        episodes: in the recording.
        blur: standard deviation of the error with which a reward is measured.
    """
    first = rng.integers(2, size=episodes)
    room = np.where(rng.random(episodes) < noise, 1 - first, first)
    seen = np.where(rng.random(episodes) < errs, 1 - room, room)
    second = seen if looks else rng.integers(2, size=episodes)
    rewards = (second == room) + blur * rng.normal(size=episodes)
    count = np.bincount(2 * first + second, minlength=4)
    sums = np.bincount(2 * first + second, rewards, minlength=4)
    q = np.where(count > 0, COIN_DISCOUNT * sums / np.maximum(count, 1), -np.inf)
    best = rng.choice(np.flatnonzero(q > q.max() - 1e-9))  # without errors of measurement chunks may tie
    return float(q.max()), float(mdp.chunked(coin(noise), 2).rewards[0, best])


def learned_by_seed(seeds: Array, noise: float = 0.01, **recorder) -> Array:
    """Believed and earned (R, 2): means of 50 recordings a seed. `recorder`: of `learned_from_coin`."""
    generators = [np.random.default_rng([seed, 1]) for seed in seeds]
    repeats = range(shorten(50, fast=10))
    return np.array(
        [np.mean([learned_from_coin(rng, noise, **recorder) for _ in repeats], axis=0) for rng in generators]
    )


def earned(seeds: Array, **setting) -> Array:
    """For `experiment`: what the chosen chunk earns (R,). `setting`: some of `KNOBS`.

    Raises QlacError for another knob, or a value out of its range.
    """
    for knob, value in setting.items():
        if knob not in KNOBS:
            raise QlacError(f"There is no knob {knob!r}. The knobs are {', '.join(KNOBS)}.")
        low, high = KNOBS[knob]
        if not low <= value <= high:
            raise QlacError(f"{knob} is {value}. Write a value from {low} to {high}.")
    return learned_by_seed(seeds, **setting)[:, 1]
