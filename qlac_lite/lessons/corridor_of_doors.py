"""A corridor with a door at each end, for lesson 11: people who look at one door, often at the other one
too, and then leave; and clones that copy what somebody did in the same place.

Where a person is going is in the head, and not in the record. Shapes: N people, E episodes.
"""

import functools

import numpy as np

DOOR, LIMIT, LENGTH = 10, 200, 8  # places -10 .. 10; steps of an episode; of a chunk
WAYS = ("single actions", "chunks of 8", "7 steps late", "one intention")


@functools.cache
def record(seed: int, people: int = 60) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places and steps (1 or -1) of each person, from the middle until the last door."""
    rng, walks = np.random.default_rng(seed), []
    for _ in range(people):
        place, door, places, steps = int(rng.integers(-1, 2)), int(rng.choice([-1, 1])), [], []
        for _ in range(rng.integers(1, 5)):  # doors that this person goes to
            while place != door * DOOR:
                places.append(place)
                steps.append(door)
                place += door
            door = -door
        walks.append((np.array(places), np.array(steps)))
    return walks


@functools.cache
def _copies(seed: int, age: int) -> list[np.ndarray]:
    """For each place, what was done `age` steps after each visit, of all people; (2 DOOR + 1) arrays."""
    seen = np.concatenate([places[: len(places) - age] for places, _ in record(seed)])
    done = np.concatenate([steps[age:] for _, steps in record(seed)])
    return [done[seen == place] for place in range(-DOOR, DOOR + 1)]


@functools.cache
def _chunks(seed: int) -> list[np.ndarray]:
    """For each place, the chunks (count, LENGTH) that begin there, of all people."""
    found = {place: [] for place in range(-DOOR, DOOR + 1)}
    for places, steps in record(seed):
        for t in range(len(steps) - LENGTH + 1):
            found[places[t]].append(steps[t : t + LENGTH])
    return [np.array(chunks) for chunks in found.values()]


def walk(way: str, seed: int, episode: int) -> np.ndarray:
    """The places of a clone, from the middle until it is at a door, at most LIMIT steps.

    Args:
        way: "single actions": at each step it copies somebody who was here. "chunks of 8": it copies eight
            steps. "7 steps late": it copies what somebody did 7 steps after being where it was 7 steps ago.
            "one intention": as single actions, but one number of the episode says whom it copies.
    """
    rng, path, chunk = np.random.default_rng([seed, episode]), [0], []
    intention = rng.uniform()
    while abs(path[-1]) < DOOR and len(path) <= LIMIT:
        here = path[-1] + DOOR
        if way == "chunks of 8":
            if not len(chunk):
                some = _chunks(seed)[here]
                some = some if len(some) else _copies(seed, 0)[here][:, None]
                chunk = some[rng.integers(len(some))]
            step, chunk = chunk[0], chunk[1:]
        elif way == "one intention":
            step = 1 if intention < np.mean(_copies(seed, 0)[here] > 0) else -1
        else:
            age = min(len(path) - 1, LENGTH - 1) if way == "7 steps late" else 0
            some = _copies(seed, age)[path[-1 - age] + DOOR]
            step = some[rng.integers(len(some))] if len(some) else rng.choice([-1, 1])
        path.append(int(path[-1] + step))
    return np.array(path)


def steps_to_door(way: str, seeds: int, episodes: int = 40) -> np.ndarray:
    """Mean steps to a door, by seed (R,)."""
    return np.array(
        [np.mean([len(walk(way, seed, e)) - 1 for e in range(episodes)]) for seed in range(seeds)]
    )
