"""Episodes in flight in simulators, and the collector of an online phase, with one for each seed of a run.

collector.begin(episodes)                   the first ones
collector.replay_actions(replay, episodes)  or those that a resumed run was in
collector.step_async(chunks, running)       the simulators execute chunks while the caller learns
transitions, rows = collector.step_wait()   what the chunks brought; new episodes begin
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qlac_lite.agents.base import TRAINING, episode_seed
from qlac_lite.config import Config, get_task
from qlac_lite.data.replay import Replay, Transitions


class Episodes:
    """An episode in each of n environments. Training seed, `stream` and its number decide it."""

    def __init__(self, environments, seeds: Sequence[int], stream: int):
        self.environments, self.seeds, self.stream = environments, seeds, stream
        count = len(seeds)
        self.episodes = np.zeros(count, np.int64)  # the number of each
        self.decision, self.length, self.returns = np.zeros(count, int), np.zeros(count, int), np.zeros(count)

    def begin(self, episodes: np.ndarray, where: np.ndarray | None = None) -> None:
        """Goes on to these numbers (n,); all of them start now, or only `where` wanted, (n,) bool."""
        self.episodes = np.array(episodes)
        where = np.ones(len(episodes), bool) if where is None else where
        if where.any():
            each = zip(self.seeds, self.episodes, where, strict=True)
            seeds = [episode_seed(int(s), self.stream, int(e)) if now else None for s, e, now in each]
            self.observation, _ = self.environments.reset(seed=seeds, options={"reset_mask": where})
            self.decision[where], self.length[where], self.returns[where] = 0, 0, 0.0

    def step_async(self, chunks: np.ndarray, running: np.ndarray) -> None:
        """Has those that are `running`, (n,) bool, execute chunks (n, H, A); the others wait."""
        self._running = running
        self.environments.step_async({"chunk": chunks, "run": running.astype(int)})

    def wait(self) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Waits for them: terminated (n,), truncated (n,), and the `info` of each `ChunkedEnv`."""
        self.observation, _, terminated, truncated, info = self.environments.step_wait()
        self.decision += self._running
        self.length += info["length"]
        self.returns += info["rewards"].sum(axis=1)
        self._success = info["success"]
        return terminated, truncated, info

    def outcome(self, i: int) -> dict[str, Any]:
        """Of an episode that has ended: success (0 or 1), return (undiscounted), length."""
        numbers = int(self._success[i]), float(self.returns[i]), int(self.length[i])
        return dict(zip(("success", "return", "length"), numbers, strict=True))


class Collector(Episodes):
    """One episode for each seed of a run."""

    def __init__(self, config: Config, env_args: dict[str, Any] | None = None):
        from qlac_lite.envs.make import make_vector_env

        sizes = (config.seeds, config.execution_length, config.discount)
        environments = make_vector_env(get_task(config.task), *sizes, env_args)
        super().__init__(environments, config.seed_list, TRAINING)
        self.chunk_shape = environments.single_action_space["chunk"].shape  # (H, A)

    def replay_actions(self, replay: Replay, episodes: np.ndarray) -> bool:
        """Begins the episodes and repeats the actions that the replay holds.

        True: the simulators are where they were, to the bit. False: an observation differs, as it may on
        another machine, and all have begun new episodes.
        """
        self.begin(episodes)
        first, cursor = np.asarray(replay.episode_start), np.asarray(replay.cursor)
        lengths, size = cursor - first, self.chunk_shape[0]
        for begin in range(0, lengths.max(), size):
            running = begin < lengths
            chunks = np.zeros((len(first), *self.chunk_shape), np.float32)
            for s in np.flatnonzero(running):
                chunks[s] = replay.data.actions[s, first[s] + begin : first[s] + begin + size]
            self.step_async(chunks, running)
            self.wait()
        there = np.stack([np.asarray(replay.data.observations[s, at]) for s, at in enumerate(cursor)])
        flying = self.decision > 0
        same = np.array_equal(self.observation[flying], there[flying])
        if not same:
            self.begin(self.episodes + 1)
        return same

    def step_wait(self) -> tuple[Transitions, list[dict[str, Any]]]:
        """The transitions, and a row for each episode that ended; the next one of its seed begins."""
        terminated, truncated, info = self.wait()
        ended = terminated | truncated
        rows = [{"seed": self.seeds[s]} | self.outcome(s) for s in np.flatnonzero(ended)]
        self.begin(self.episodes + ended, ended)
        parts = (info["observations"], info["actions"], info["rewards"], info["length"].astype(np.int32))
        return Transitions(*parts, terminated, truncated), rows

    def no_transitions(self) -> Transitions:
        """Of no steps: in the replay, they write the current observation where it stands already."""
        size = self.chunk_shape[0]
        zeros = lambda kind, *shape: np.zeros((len(self.seeds), *shape), kind)
        observations = np.repeat(self.observation[:, None], size + 1, axis=1)
        actions, rewards = zeros(np.float32, *self.chunk_shape), zeros(np.float32, size)
        return Transitions(observations, actions, rewards, zeros(np.int32), zeros(bool), zeros(bool))

    def random_chunks(self) -> np.ndarray:
        """Uniform actions in [-1, 1], (seeds, H, A), by seed, episode and decision."""
        each = zip(self.seeds, self.episodes, self.decision, strict=True)
        generators = [np.random.default_rng([seed, TRAINING, *numbers]) for seed, *numbers in each]
        return np.array([rng.uniform(-1, 1, self.chunk_shape) for rng in generators], np.float32)

    def close(self) -> None:
        self.environments.close(terminate=True)
