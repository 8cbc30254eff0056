"""The chunked MDP as a Gymnasium wrapper: one action is a chunk of H, one reward its discounted sum.

This module imports no JAX, so that simulator processes stay small.
"""

from typing import Any

import gymnasium
import numpy as np


class ChunkedEnv(gymnasium.Wrapper):
    """Executes a chunk open loop, in the environment's own process.

    Action (H, A), clipped to the inner action space. Reward: sum over k of discount^k r_{t+k}. The chunk
    stops at the step that terminates or truncates the episode. `info` holds the transitions it made, padded
    to H:

        observations (H + 1, S) float32   s_t .. s_{t+length}
        actions      (H, A) float32       as executed
        rewards      (H,) float32         r(s_{t+1}) ..
        length       int                  steps executed, 1 to H
        success      bool                 the task was solved at the last executed step
    so in a Gymnasium vector environment one chunk is one message. A chunk of NaN is a rest: nothing is
    executed, length and reward are 0; so one environment of several can wait for the others. Source: arXiv
    2507.07969, section 3.
    """

    def __init__(self, env: gymnasium.Env, horizon: int, discount: float):
        super().__init__(env)
        low, high = env.action_space.low, env.action_space.high
        self.action_space = gymnasium.spaces.Box(
            np.tile(low, (horizon, 1)), np.tile(high, (horizon, 1)), dtype=np.float32
        )
        shape = env.observation_space.shape
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.horizon, self.discount = horizon, discount
        self._observation: np.ndarray | None = None

    def reset(self, **kwargs) -> tuple[np.ndarray, dict[str, Any]]:
        observation, _ = self.env.reset(**kwargs)
        self._observation = np.asarray(observation, np.float32)
        return self._observation, {}

    def step(self, chunk: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        chunk = np.asarray(chunk, np.float32)
        if chunk.shape != self.action_space.shape:
            raise ValueError(f"A chunk has the shape (H, A) = {self.action_space.shape}, got {chunk.shape}.")
        resting = bool(np.isnan(chunk).all())
        if not resting and not np.isfinite(chunk).all():
            raise ValueError("A chunk holds NaN or infinity: the policy has diverged.")
        chunk = np.clip(chunk, self.action_space.low, self.action_space.high)
        observations = np.zeros((self.horizon + 1, *self.observation_space.shape), np.float32)
        rewards = np.zeros(self.horizon, np.float32)
        observations[0] = self._observation
        length, terminated, truncated, info = 0, False, False, {}
        for k, action in enumerate(() if resting else chunk):
            observation, rewards[k], terminated, truncated, info = self.env.step(action)
            observations[k + 1] = observation
            length = k + 1
            if terminated or truncated:
                break
        self._observation = observations[length]
        transitions = dict(
            observations=observations,
            actions=np.nan_to_num(chunk),
            rewards=rewards,
            length=length,
            success=bool(info.get("success", terminated)),
        )
        total = float(np.sum(self.discount ** np.arange(self.horizon) * rewards))
        return self._observation.copy(), total, bool(terminated), bool(truncated), transitions
