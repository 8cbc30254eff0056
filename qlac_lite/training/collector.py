"""The simulators of an online phase: one episode in flight for each seed, chunk by chunk.

collector = Collector(config)
collector.begin(episodes)                   every seed's first episode, or after a resume
collector.replay_actions(replay, episodes)  those in flight, as the replay left them
collector.step_async(chunks)                the simulators run, each in a process, while the caller learns
transitions, rows = collector.step_wait()   what the chunks brought; episodes that ended begin anew
"""

from typing import Any

import numpy as np

from qlac_lite.agents.base import TRAINING, episode_seed
from qlac_lite.config import Config, get_task
from qlac_lite.data.replay import Replay, Transitions


class Collector:
    """Episodes in flight. Arrays have a leading axis over seeds."""

    def __init__(self, config: Config, env_args: dict[str, Any] | None = None):
        from qlac_lite.envs.make import make_vector_env

        self.config, self.size = config, config.execution_length
        self.environments = make_vector_env(config.task, config.seeds, self.size, config.discount, env_args)
        self.episodes = np.zeros(config.seeds, np.int64)  # number of the episode in flight; the first is 1
        self.observation = np.zeros((config.seeds, get_task(config.task).domain.observation_size), np.float32)
        self.decision = np.zeros(config.seeds, int)
        self.length, self.returns = np.zeros(config.seeds, int), np.zeros(config.seeds)

    def begin(self, episodes: np.ndarray) -> None:
        """Starts these episodes, one a seed."""
        self.episodes = np.array(episodes)
        self.observation, _ = self.environments.reset(seed=self._seeds())
        self.decision[:], self.length[:], self.returns[:] = 0, 0, 0.0

    def replay_actions(self, replay: Replay, episodes: np.ndarray) -> bool:
        """Brings the simulators where the replay left them:
        the episodes begin again, and take the actions that it holds.

        A simulator repeats an episode to the bit, so the run goes on as if it had never been stopped. Returns
        False if some observation is not the one that the replay holds, as may be on another machine: then all
        have begun anew.
        """
        self.begin(episodes)
        first, cursor = np.asarray(replay.episode_start), np.asarray(replay.cursor)
        taken = [np.asarray(replay.data.actions[s, first[s] : cursor[s]]) for s in range(len(first))]
        for begin in range(0, max(map(len, taken)), self.size):
            chunks = np.full(self.environments.action_space.shape, np.nan, np.float32)  # rest
            for s, actions in enumerate(taken):
                if begin < len(actions):
                    chunks[s] = actions[begin : begin + self.size]
            self.step_async(chunks)
            self._account(*self.environments.step_wait())
        there = np.stack([np.asarray(replay.data.observations[s, cursor[s]]) for s in range(len(first))])
        flying = self.decision > 0
        if np.array_equal(self.observation[flying], there[flying]):
            return True
        self.begin(self.episodes + 1)
        return False

    def step_async(self, chunks: np.ndarray) -> None:
        """Has the simulators execute chunks (seeds, H, A), and returns at once."""
        self._resting = np.isnan(chunks).all(axis=(1, 2))
        self.environments.step_async(chunks)

    def step_wait(self) -> tuple[Transitions, list[dict[str, Any]]]:
        """Waits for the simulators: the transitions, and a row for each episode that ended,
        whose seed begins its next one."""
        terminated, truncated, info = self._account(*self.environments.step_wait())
        rows, ended = [], terminated | truncated
        for s in np.flatnonzero(ended):
            about = {"seed": self.config.seed_list[s], "success": int(info["success"][s])}
            rows.append(about | {"return": float(self.returns[s]), "length": int(self.length[s])})
        if ended.any():
            self.episodes = self.episodes + ended
            seeds = [seed if over else None for seed, over in zip(self._seeds(), ended, strict=True)]
            self.observation, _ = self.environments.reset(seed=seeds, options={"reset_mask": ended})
            self.decision[ended], self.length[ended], self.returns[ended] = 0, 0, 0.0
        parts = (info["observations"], info["actions"], info["rewards"], info["length"].astype(np.int32))
        return Transitions(*parts, terminated, truncated), rows

    def _account(self, observation, _, terminated, truncated, info):
        self.observation = observation
        self.decision += ~self._resting
        self.length += info["length"]
        self.returns += info["rewards"].sum(axis=1)
        return terminated, truncated, info

    def no_transitions(self) -> Transitions:
        """A chunk of no steps: it only writes the current observation where it stands already."""
        count, action_size = self.config.seeds, self.environments.action_space.shape[-1]
        no = np.zeros(count, bool)
        observations = np.repeat(self.observation[:, None], self.size + 1, axis=1)
        actions, rewards = (
            np.zeros((count, self.size, action_size), np.float32),
            np.zeros((count, self.size), np.float32),
        )
        return Transitions(observations, actions, rewards, np.zeros(count, np.int32), no, no)

    def random_chunks(self) -> np.ndarray:
        """Uniform actions in [-1, 1], (seeds, H, A), that follow from seed, episode and decision."""
        shape = self.environments.single_action_space.shape
        each = zip(self.config.seed_list, self.episodes, self.decision, strict=True)
        drawn = [
            np.random.default_rng([seed, TRAINING, episode, decision]).uniform(-1, 1, shape)
            for seed, episode, decision in each
        ]
        return np.array(drawn, np.float32)

    def _seeds(self) -> list[int]:
        pairs = zip(self.config.seed_list, self.episodes, strict=True)
        return [episode_seed(seed, TRAINING, int(episode)) for seed, episode in pairs]

    def close(self) -> None:
        self.environments.close(terminate=True)
