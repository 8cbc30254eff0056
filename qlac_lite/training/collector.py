"""Episodes in flight in simulators, and the collector of an online phase.

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
    """An episode in each of n environments, W a seed. Training seed, `stream` and its number decide it."""

    def __init__(self, environments, seeds: Sequence[int], stream: int):
        self.environments, self.stream, count = environments, stream, environments.num_envs
        self.shape = len(seeds), count // len(seeds)  # seeds, W
        self.seeds = np.repeat(np.array(seeds, np.uint32), self.shape[1])  # (n,), seed by seed
        self.episodes = np.zeros(count, np.int64)  # the number of each
        self.decision, self.length, self.returns = np.zeros(count, int), np.zeros(count, int), np.zeros(count)

    def begin(self, episodes: np.ndarray, where: np.ndarray | None = None) -> None:
        """Goes on to these numbers (n,); all of them start now, or those of `where`, (n,) bool."""
        self.episodes = np.array(episodes)
        where = np.ones(len(episodes), bool) if where is None else where
        if where.any():
            seeds = [episode_seed(s, self.stream, e) for s, e in zip(self.seeds, episodes, strict=True)]
            self.observation, _ = self.environments.reset(seed=seeds, options={"reset_mask": where})
            self.decision[where], self.length[where], self.returns[where] = 0, 0, 0.0

    def inputs(self) -> tuple:
        """The arguments of an actor (`agents.base.acting`, over seeds) but for its params."""
        arrays = (self.observation.reshape(*self.shape, -1), self.seeds.reshape(self.shape)[:, 0])
        return *arrays, self.stream, self.episodes.reshape(self.shape), self.decision.reshape(self.shape)

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
        success, length = int(self._success[i]), int(self.length[i])
        return {"success": success, "return": float(self.returns[i]), "length": length}


def simulators(config: Config, per_seed: int, env_args: dict[str, Any] | None):
    """A vector environment of `per_seed` environments a seed. `env_args`: Robomimic's, of the data's file."""
    from qlac_lite.envs.make import make_vector_env

    count, length = config.seeds * per_seed, config.execution_length
    return make_vector_env(get_task(config.task), count, length, config.discount, env_args)


class Collector(Episodes):
    """One episode for each seed of a run."""

    def __init__(self, config: Config, env_args: dict[str, Any] | None):
        super().__init__(simulators(config, 1, env_args), config.seed_list, TRAINING)
        self.chunk_shape = self.environments.single_action_space["chunk"].shape  # (H, A)

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
        there = np.asarray(replay.data.observations[np.arange(len(cursor)), cursor])
        flying = self.decision > 0
        same = np.array_equal(self.observation[flying], there[flying])
        if not same:
            self.begin(self.episodes + 1)
        return same

    def step_wait(self) -> tuple[Transitions, list[dict[str, Any]]]:
        """The transitions, and a row for each episode that ended; the next one of its seed begins."""
        terminated, truncated, info = self.wait()
        ended = terminated | truncated
        rows = [{"seed": int(self.seeds[s])} | self.outcome(s) for s in np.flatnonzero(ended)]
        self.begin(self.episodes + ended, ended)
        parts = (info["observations"], info["actions"], info["rewards"], info["length"].astype(np.int32))
        return Transitions(*parts, terminated, truncated), rows

    def random_chunks(self) -> np.ndarray:
        """Uniform actions in [-1, 1], (seeds, H, A), by seed, episode and decision."""

        def draw(seed, *numbers):
            return np.random.default_rng([seed, TRAINING, *numbers]).uniform(-1, 1, self.chunk_shape)

        return np.array(list(map(draw, self.seeds, self.episodes, self.decision)), np.float32)

    def close(self) -> None:
        self.environments.close(terminate=True)
