"""The chunked MDP as a Gymnasium wrapper: one action is a chunk of H, one reward its discounted sum.

Source: arXiv 2507.07969, section 3.
"""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector.utils import batch_space

from qlac_lite.utils.errors import QlacError


class ChunkedEnv(gymnasium.Wrapper):
    """Executes a chunk (H, A) open loop, clipped, to its end or the episode's.

    The reward is the sum over k of discount^k r_{t+k}. `info` holds the transitions, padded to H:

        observations (H + 1, S) float32   s_t .. s_{t+length}
        actions      (H, A) float32       as executed
        rewards      (H,) float32         r(s_{t+1}) ..
        length       int                  steps executed, 1 to H
        success      bool                 the last executed step solved the task
    """

    def __init__(self, env: gymnasium.Env, horizon: int, discount: float):
        super().__init__(env)
        self.action_space = batch_space(env.action_space, horizon)
        self.observation_space = Box(-np.inf, np.inf, env.observation_space.shape, np.float32)
        self._powers = discount ** np.arange(horizon)

    def reset(self, **kwargs):
        self._observation = np.asarray(self.env.reset(**kwargs)[0], np.float32)
        return self._observation, {}

    def step(self, chunk: np.ndarray):
        """ValueError: a chunk of another shape. QlacError: one that is not finite."""
        chunk, space = np.asarray(chunk, np.float32), self.action_space
        if chunk.shape != space.shape:
            raise ValueError(f"A chunk has the shape (H, A) = {space.shape}, got {chunk.shape}.")
        if not np.isfinite(chunk).all():
            raise QlacError(
                "A chunk holds NaN or infinity: the policy has diverged. "
                "Try a smaller --set learning_rate=1e-4 in a new folder."
            )
        return self._execute(np.clip(chunk, space.low, space.high), len(chunk))

    def wait(self):
        """The observation as it stands, length and reward 0."""
        return self._execute(np.zeros(self.action_space.shape, np.float32), 0)

    def _execute(self, chunk: np.ndarray, most: int):
        observations = np.zeros((len(chunk) + 1, *self.observation_space.shape), np.float32)
        observations[0], rewards = self._observation, np.zeros(len(chunk), np.float32)
        length, terminated, truncated, info = 0, False, False, {}
        for length, action in enumerate(chunk[:most], 1):
            observations[length], rewards[length - 1], terminated, truncated, info = self.env.step(action)
            if terminated or truncated:
                break
        self._observation = observations[length]
        success = bool(info.get("success", terminated))
        info = dict(observations=observations, actions=chunk, rewards=rewards, length=length, success=success)
        total = float(np.sum(self._powers * rewards))
        return self._observation.copy(), total, bool(terminated), bool(truncated), info


class WaitingEnv(gymnasium.Wrapper):
    """A ChunkedEnv that can wait for others: its action is {"chunk": (H, A), "run": 1, or 0 to wait}."""

    def __init__(self, env: ChunkedEnv):
        super().__init__(env)
        self.action_space = Dict(chunk=env.action_space, run=Discrete(2))

    def step(self, action: dict):
        return self.env.step(action["chunk"]) if action["run"] else self.env.wait()
