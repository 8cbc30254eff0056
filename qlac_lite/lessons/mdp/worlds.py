"""The lessons' tabular worlds."""

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP


def chain(length: int, discount: float, slip: float = 0.0) -> TabularMDP:
    """States 0 .. length, -1 a step until the last. Actions: 0 left, 1 right; a `slip` goes the other way."""
    s = np.arange(length + 1)
    step = np.stack([np.maximum(s - 1, 0), np.minimum(s + 1, length)], axis=1)
    return _walk(step, [length], discount, [[1], [0]], slip)


MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


def grid(picture: str, discount: float, noise: float = 0.0) -> tuple[TabularMDP, np.ndarray]:
    """A maze of walls '#', free cells '.', the terminal goal 'G' and the start 'S', which is state 0.

    Four moves, -1 a step until the goal; sideways with probability `noise`, half to each side; a step into a
    wall stays. Returns the MDP, and row and column of each state (S, 2).
    """
    rows = picture.split()
    free = [(i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c != "#"]
    cells = sorted(free, key=lambda cell: rows[cell[0]][cell[1]] != "S")
    index = {cell: s for s, cell in enumerate(cells)}
    goals = [s for (i, j), s in index.items() if rows[i][j] == "G"]
    after = lambda i, j: [index.get((i + di, j + dj), index[i, j]) for di, dj in MOVES.values()]
    step = np.array([after(*cell) for cell in cells])
    sideways = [[1, 3], [2, 0], [3, 1], [0, 2]]
    return _walk(step, goals, discount, sideways, noise), np.array(cells)


def _walk(step: np.ndarray, goals, discount: float, others, slip: float) -> TabularMDP:
    """Moves `step` (S, A) at -1 each until `goals`; a slip of action a takes one of `others[a]`."""
    states, actions = step.shape
    transitions = np.zeros((states, actions, states))
    for a in range(actions):
        for b in (a, *others[a]):
            probability = 1 - slip if b == a else slip / len(others[a])
            np.add.at(transitions, (np.arange(states), a, step[:, b]), probability)
    transitions[goals] = 0
    transitions[goals, :, goals] = 1
    rewards = np.full((states, actions), -1.0)
    rewards[goals] = 0
    return TabularMDP(transitions, rewards, discount)
