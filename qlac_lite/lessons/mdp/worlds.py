"""The tabular worlds of the lessons."""

import numpy as np

from qlac_lite.lessons.mdp.tables import TabularMDP


def chain(length: int, discount: float, slip: float = 0.0) -> TabularMDP:
    """States 0 .. length; action 1 steps right, 0 left (not below 0); -1 a step until the last, terminal
    state.

    With probability `slip` a step goes the other way.
    """
    s = np.arange(length + 1)
    step = np.stack([np.maximum(s - 1, 0), np.minimum(s + 1, length)], axis=1)
    return _walk(step, [length], discount, slip_to=lambda a: [1 - a], slip=slip)


MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


def grid(picture: str, discount: float, noise: float = 0.0) -> tuple[TabularMDP, np.ndarray]:
    """A maze drawn with '#' for walls, '.' for free cells, 'G' for the terminal goal, 'S' for the start.

    Four moves, -1 a step until the goal. With probability `noise` a step goes sideways instead, half to each
    side; a step into a wall stays.

    Returns:
        the MDP, and (S, 2) row and column of each state; state 0 is the start.
    """
    rows = picture.split()
    free = [(i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c != "#"]
    cells = sorted(free, key=lambda cell: rows[cell[0]][cell[1]] != "S")
    index = {cell: s for s, cell in enumerate(cells)}
    goals = [s for (i, j), s in index.items() if rows[i][j] == "G"]
    after = lambda i, j: [index.get((i + di, j + dj), index[i, j]) for di, dj in MOVES.values()]
    step = np.array([after(*cell) for cell in cells])
    sideways = lambda a: [(a + 1) % 4, (a + 3) % 4]
    return _walk(step, goals, discount, slip_to=sideways, slip=noise), np.array(cells)


def _walk(step: np.ndarray, goals: list[int], discount: float, slip_to, slip: float) -> TabularMDP:
    """An MDP of -1 a step on the deterministic moves `step` (S, A), terminal at `goals`."""
    states, actions = step.shape
    transitions = np.zeros((states, actions, states))
    for a in range(actions):
        targets = [(step[:, a], 1 - slip), *((step[:, b], slip / len(slip_to(a))) for b in slip_to(a))]
        for target, probability in targets:
            np.add.at(transitions, (np.arange(states), a, target), probability)
    transitions[goals] = 0
    transitions[goals, :, goals] = 1
    rewards = -np.ones((states, actions))
    rewards[goals] = 0
    return TabularMDP(transitions, rewards, discount)
