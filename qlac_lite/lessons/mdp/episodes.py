"""Simulated episodes of a tabular MDP, and windows cut from them. Shapes: N episodes, T steps, M windows."""

from typing import NamedTuple

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP, action_sequences


class Trajectories(NamedTuple):
    """Simulated episodes, padded after a terminal state."""

    states: np.ndarray  # (N, T + 1) int
    actions: np.ndarray  # (N, T) int
    rewards: np.ndarray  # (N, T)
    valid: np.ndarray  # (N, T) bool, False once a terminal state was reached


def simulate(
    mdp: TabularMDP,
    policy: np.ndarray,
    starts: np.ndarray,
    steps: int,
    rng: np.random.Generator,
    chunk_length: int = 1,
) -> Trajectories:
    """N episodes of `steps` transitions from `starts` (N,), vectorised over the episodes.

    With `chunk_length` H the policy (S, A^H) chooses a chunk every H steps and executes it open loop.
    """
    sequences, cumulative = action_sequences(mdp.rewards.shape[1], chunk_length), policy.cumsum(axis=1)
    moves, terminal = mdp.transitions.cumsum(axis=2), mdp.terminal
    states = np.zeros((len(starts), steps + 1), int)
    actions = np.zeros((len(starts), steps), int)
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
    """M stretches of L steps cut from trajectories; past an episode's end they are 0 and not valid."""

    state: np.ndarray  # (M,) int, where it starts
    actions: np.ndarray  # (M, L) int
    rewards: np.ndarray  # (M, L)
    valid: np.ndarray  # (M, L) 1.0 where the step exists
    mask: np.ndarray  # (M,) 0.0 if the last state is terminal: nothing to bootstrap from
    last_state: np.ndarray  # (M,) int, L steps on, or the last of the episode
    offset: np.ndarray  # (M,) int, steps from the start of the episode


def windows(mdp: TabularMDP, episodes: Trajectories, length: int, stride: int = 1) -> Windows:
    """Windows of `length` steps from 0, stride, 2 stride, ... of each episode, as long as a step is left."""
    lengths = episodes.valid.sum(axis=1)  # (N,)
    row, start = np.nonzero(episodes.valid & (np.arange(episodes.valid.shape[1]) % stride == 0))  # (M,), (M,)
    steps = start[:, None] + np.arange(length)  # (M, L)
    valid = steps < lengths[row, None]
    steps = np.minimum(steps, lengths[row, None] - 1)
    last_state = episodes.states[row, np.minimum(start + length, lengths[row])]
    return Windows(
        episodes.states[row, start],
        episodes.actions[row[:, None], steps] * valid,
        episodes.rewards[row[:, None], steps] * valid,
        valid.astype(float),
        1.0 - mdp.terminal[last_state],
        last_state,
        start,
    )
