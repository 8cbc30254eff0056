"""A corridor with a door at each end, for lesson 11: people who look at one door, often at the other one
too, and then leave; and clones that copy what somebody did in the same place.

Where a person is going is in the head, and not in the record. Shapes: N people, E episodes.
"""

import functools

import numpy as np

DOOR, LIMIT, LENGTH = 10, 200, 8  # places -10 .. 10; steps of an episode; of a chunk
EPISODES = 40  # of a seed's clone
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


@functools.cache
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


def steps_to_door(way: str, seeds: int) -> np.ndarray:
    """Mean steps to a door, by seed (R,)."""
    return np.array(
        [np.mean([len(walk(way, seed, e)) - 1 for e in range(EPISODES)]) for seed in range(seeds)]
    )


def peoples_steps(seeds: int) -> float:
    """Mean steps of the recorded people to their first door."""
    return float(
        np.mean(
            [
                np.argmax(np.append(np.abs(places), DOOR) == DOOR)
                for seed in range(seeds)
                for places, _ in record(seed)
            ]
        )
    )


def median_walk(way: str, seed: int = 0) -> np.ndarray:
    """Of the walks of a seed the one of median length; the shorter of the middle two."""
    return sorted((walk(way, seed, e) for e in range(EPISODES)), key=len)[(EPISODES - 1) // 2]


def on_the_way_back(seeds: int, age: int = LENGTH - 1, near: int = 3) -> float:
    """Of the records' moments at most `near` places from a door, with the person still in the corridor `age`
    steps later: how many of the people then step away from that door, in percent.
    """
    away = []
    for places, steps in (one for seed in range(seeds) for one in record(seed)):
        seen, done = places[: len(places) - age], steps[age:]
        close = np.abs(seen) >= DOOR - near
        away.extend((np.sign(seen) != done)[close])
    return 100 * float(np.mean(away))
