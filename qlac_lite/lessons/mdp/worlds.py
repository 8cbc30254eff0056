"""The lessons' tabular worlds."""

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP


def chain(length: int, discount: float, slip: float = 0.0) -> TabularMDP:
    """States 0 .. length; action 1 steps right, 0 left, or the other way with probability `slip`; -1 a step
    until the last state.
    """
    s = np.arange(length + 1)
    step = np.stack([np.maximum(s - 1, 0), np.minimum(s + 1, length)], axis=1)
    return _walk(step, [length], discount, lambda a: [1 - a], slip)


MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


def grid(picture: str, discount: float, noise: float = 0.0) -> tuple[TabularMDP, np.ndarray]:
    """A maze of walls '#', free cells '.', the terminal goal 'G' and the start 'S', which is state 0.

    Four moves, -1 a step until the goal; a step goes sideways with probability `noise`, half to each side; a
    step into a wall stays. Returns the MDP, and row and column of each state (S, 2).
    """
    rows = picture.split()
    free = [(i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c != "#"]
    cells = sorted(free, key=lambda cell: rows[cell[0]][cell[1]] != "S")
    index = {cell: s for s, cell in enumerate(cells)}
    goals = [s for (i, j), s in index.items() if rows[i][j] == "G"]
    after = lambda i, j: [index.get((i + di, j + dj), index[i, j]) for di, dj in MOVES.values()]
    step = np.array([after(*cell) for cell in cells])
    sideways = lambda a: [(a + 1) % 4, (a + 3) % 4]
    return _walk(step, goals, discount, sideways, noise), np.array(cells)


def _walk(step: np.ndarray, goals: list[int], discount: float, slip_to, slip: float) -> TabularMDP:
    """Moves `step` (S, A) at -1 each until `goals`; action `a` is one of `slip_to(a)` with probability
    `slip`."""
    states, actions = step.shape
    transitions = np.zeros((states, actions, states))
    for a in range(actions):
        others = slip_to(a)
        for b, probability in ((a, 1 - slip), *((b, slip / len(others)) for b in others)):
            np.add.at(transitions, (np.arange(states), a, step[:, b]), probability)
    transitions[goals] = 0
    transitions[goals, :, goals] = 1
    rewards = -np.ones((states, actions))
    rewards[goals] = 0
    return TabularMDP(transitions, rewards, discount)
