"""Simulated episodes of tabular MDPs, and their windows. N episodes, T steps, M windows."""

from typing import NamedTuple

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP, action_sequences


class Trajectories(NamedTuple):
    states: np.ndarray  # (N, T + 1) int
    actions: np.ndarray  # (N, T) int
    rewards: np.ndarray  # (N, T)
    valid: np.ndarray  # (N, T) bool, False from a terminal state on


def simulate(
    mdp: TabularMDP,
    policy: np.ndarray,
    starts: np.ndarray,
    steps: int,
    rng: np.random.Generator,
    chunk_length: int = 1,
) -> Trajectories:
    """Episodes of `steps` transitions from `starts` (N,); the policy (S, A^H) chooses a chunk every H
    steps."""
    sequences, cumulative = action_sequences(mdp.rewards.shape[1], chunk_length), policy.cumsum(axis=1)
    moves, terminal = mdp.transitions.cumsum(axis=2), mdp.terminal
    states, actions = np.zeros((len(starts), steps + 1), int), np.zeros((len(starts), steps), int)
    states[:, 0] = starts
    draw = lambda table: np.minimum((rng.random((len(table), 1)) > table).sum(axis=1), table.shape[1] - 1)
    for t in range(steps):
        if t % chunk_length == 0:
            chunk = sequences[draw(cumulative[states[:, t]])]  # (N, H)
        actions[:, t] = chunk[:, t % chunk_length]
        states[:, t + 1] = draw(moves[states[:, t], actions[:, t]])
    now = states[:, :-1]
    return Trajectories(states, actions, mdp.rewards[now, actions], ~terminal[now])


class Windows(NamedTuple):
    """M stretches of L steps, 0 past an episode's end."""

    state: np.ndarray  # (M,) int, the first
    actions: np.ndarray  # (M, L) int
    rewards: np.ndarray  # (M, L)
    valid: np.ndarray  # (M, L) 1.0 where the step exists
    mask: np.ndarray  # (M,) 0.0 if the last state is terminal: no bootstrap
    last_state: np.ndarray  # (M,) int, L steps on, or the episode's last
    offset: np.ndarray  # (M,) int, from the episode's start


def windows(mdp: TabularMDP, episodes: Trajectories, length: int, stride: int = 1) -> Windows:
    """Windows of `length` steps from 0, stride, 2 stride, ... of each episode, while a step is left."""
    states, actions, rewards, valid = episodes
    row, start = np.nonzero(valid & (np.arange(valid.shape[1]) % stride == 0))  # (M,), (M,)
    end = valid.sum(axis=1)[row]  # (M,)
    steps = start[:, None] + np.arange(length)  # (M, L)
    inside = steps < end[:, None]
    at = row[:, None], np.minimum(steps, end[:, None] - 1)
    last, first = states[row, np.minimum(start + length, end)], states[row, start]
    mask = 1.0 - mdp.terminal[last]
    return Windows(first, actions[at] * inside, rewards[at] * inside, inside.astype(float), mask, last, start)
