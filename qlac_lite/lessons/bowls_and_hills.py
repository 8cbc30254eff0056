"""A ball in a bowl or on a hill, for lesson 11: by itself it keeps the fraction `a` of its distance from the
middle in each step, and a demonstrator leads it there.

Shapes: N demonstrations, T steps, E episodes, S = A = 2.
"""

from collections.abc import Callable

import numpy as np

from qlac_lite.lessons.notebook import shorten

LENGTH, STEPS = 8, 60  # of a chunk; of an episode
CLONES, SEEDS = shorten(20, fast=4), shorten(8, fast=2)  # clones of a seed
EPISODES, LOST = 20, 2.0  # of a clone; a ball this far out is lost
WIDE, NOISE = 0.05, 0.05  # spread of the starts across the way; noise on a recorded action
LED = np.array([[0.5, 0.3], [0.0, 0.5]])  # what the ball does under the demonstrator, whatever `a` is


def by_itself(a: float) -> np.ndarray:
    """The ball's motion without an action, (2, 2): towards the middle in a bowl (a < 1), away on a hill."""
    return np.array([[a, 0.3], [0.0, a]])


def starts(rng: np.random.Generator, many: int) -> np.ndarray:
    """Places (many, 2), all of them on the right, about 1 from the middle."""
    return np.stack([1 + 0.1 * rng.normal(size=many), WIDE * rng.normal(size=many)], axis=1)


def demonstrate(rng: np.random.Generator, a: float, many: int = 5, long: int = 20, explore: float = 0.0):
    """States (N, T + 1, 2) and recorded actions (N, T, 2). `explore`: size of executed noise."""
    states, actions, ground = [starts(rng, many)], [], by_itself(a)
    for _ in range(long):
        action = states[-1] @ (LED - ground).T + explore * rng.normal(size=(many, 2))
        states.append(states[-1] @ ground.T + action)
        actions.append(action + NOISE * rng.normal(size=action.shape))
    return np.stack(states, axis=1), np.stack(actions, axis=1)


def ball(a: float) -> Callable:
    """step(state (E, 2), action (E, 2)) of the world with the dial at `a`."""
    ground = by_itself(a).T
    return lambda state, action: state @ ground + action


def one_clone(
    clone: Callable,
    number: int,
    a: float,
    seed: int = 0,
    clone_number: int = 0,
    steps: int = STEPS,
    share: float = 1.0,
    **how,
) -> np.ndarray:
    """Paths (T + 1, E, 2) of a clone of its own demonstrations.

    Args:
        clone: as `clone_chunks` or `mended_delayed`; `number` is its third argument.
        steps: T.
        share: of each of its actions, what the ball gets; with 0 the clone stands still.
        how: of `demonstrate`.
    """
    rng = np.random.default_rng([seed, clone_number])
    states, actions = demonstrate(rng, a, **how)
    step = ball(a)
    weaker = lambda state, action: step(state, share * action)
    return clone(states, actions, number, weaker, starts(rng, EPISODES), steps)


def growing(clone: Callable, a: float, lengths: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Percentage of clones whose balls get farther out from look to look in the end, {length: (R,)}.

    From one look to the next each place is multiplied by one matrix: one of its eigenvalues is then above 1.
    """
    longest, found = max(lengths), np.zeros((SEEDS, CLONES, len(lengths)))
    for seed, number in np.ndindex(SEEDS, CLONES):
        data = demonstrate(np.random.default_rng([seed, number]), a)
        path = clone(*data, longest, ball(a), np.eye(2), longest)  # a shorter chunk begins in the same way
        found[seed, number] = np.abs(np.linalg.eigvals(path[list(lengths)])).max(axis=-1) > 1
    return dict(zip(lengths, 100 * found.mean(axis=1).T, strict=True))


def gain_sizes(ages: int, a: float) -> dict[str, np.ndarray]:
    """The largest factor by which G_0 .. G_(ages - 1) turn a distance into an action: (ages,), of the
    demonstrator, and the mean of all clones."""
    own = (LED - by_itself(a)).T
    demonstrator = [np.linalg.norm(np.linalg.matrix_power(LED.T, k) @ own, 2) for k in range(ages)]
    sizes = np.zeros((SEEDS, CLONES, ages))
    for seed, number in np.ndindex(SEEDS, CLONES):
        seen, done = demonstrate(np.random.default_rng([seed, number]), a)
        for k in range(ages):
            rows = seen[:, : done.shape[1] - k].reshape(-1, 2), done[:, k:].reshape(-1, 2)
            sizes[seed, number, k] = np.linalg.norm(np.linalg.lstsq(*rows, rcond=None)[0], 2)
    return {"demonstrator": np.array(demonstrator), "clones": sizes.mean(axis=(0, 1))}


def gain_spread(a: float, **how) -> np.ndarray:
    """Spread of G_0 over all clones, as a root mean square: what answers a distance along the way home, and
    across it, (2,). `how`: of `demonstrate`."""
    gains = np.zeros((SEEDS, CLONES, 2, 2))
    for seed, number in np.ndindex(SEEDS, CLONES):
        seen, done = demonstrate(np.random.default_rng([seed, number]), a, **how)
        rows = seen[:, :-1].reshape(-1, 2), done.reshape(-1, 2)
        gains[seed, number] = np.linalg.lstsq(*rows, rcond=None)[0]
    return np.sqrt(gains.var(axis=(0, 1)).mean(axis=1))


def lost(clone: Callable, number: int, a: float, seeds=range(SEEDS), **how) -> np.ndarray:
    """Percentage of balls that are ever further out than LOST, by seed, (R,). `how`: of `one_clone`."""
    share = lambda path: 100 * (np.hypot(path[..., 0], path[..., 1]) > LOST).any(axis=0).mean()
    with np.errstate(over="ignore"):
        return np.array(
            [np.mean([share(one_clone(clone, number, a, s, c, **how)) for c in range(CLONES)]) for s in seeds]
        )


def median_out(clone: Callable, number: int, a: float, after: int = 8, **how) -> np.ndarray:
    """Distance of the median ball of all clones `after` steps from the start, by seed, (R,)."""
    found = np.zeros((SEEDS, CLONES, EPISODES))
    for seed, clone_number in np.ndindex(SEEDS, CLONES):
        path = one_clone(clone, number, a, seed, clone_number, after, **how)
        found[seed, clone_number] = np.linalg.norm(path[-1], axis=1)
    return np.median(found, axis=(1, 2))


def by_look(clone: Callable, lost: dict) -> dict[str, dict[str, tuple]]:
    """Rows for `table`, one for each dial: lost balls, and clones that grow from look to look.

    Args:
        lost: {length: {a: percentages by seed}}, with the lengths 1, 8 and 16.
    """
    rows = {}
    for a in lost[1]:
        grow = growing(clone, a, (1, 8, 16))
        rows[f"a = {a}"] = {
            "lost, 16 minus 8": (lost[16][a], lost[8][a]),
            "grow, 8 minus 1": (grow[8], grow[1]),
            "grow, 16 minus 8": (grow[16], grow[8]),
        }
    return rows
