"""A point on a line, pushed by the action and by noise: a continuous world where chunks cost.

    x' = x + u + sigma w,   w ~ N(0, 1),   reward = -(x^2 + effort u^2)

The solution is exact (linear-quadratic). Gain and p are the same for every chunk length H (certainty
equivalence); the noise that nobody corrects inside a chunk costs more:

    V_H(x) = -(p x^2 + c_H),   c_H = sigma^2 (sum_{k<H} k discount^k + H p discount^H) / (1 - discount^H)
"""

import gymnasium
import numpy as np


class PointEnv(gymnasium.Env):
    """Observation (1,): position; action (1,): push; endless episode."""

    def __init__(self, sigma: float, effort: float = 0.1, start: float = 1.0):
        self.sigma, self.effort, self.start = sigma, effort, start
        self.observation_space = self.action_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.start
        return np.array([self.x]), {}

    def step(self, action: np.ndarray):
        push = float(np.asarray(action).squeeze())
        reward = -(self.x**2 + self.effort * push**2)
        self.x += push + self.sigma * self.np_random.normal()
        return np.array([self.x]), reward, False, False, {}


def point_solution(discount: float, effort: float = 0.1) -> tuple[float, float]:
    """Gain L of the best feedback u = -L x, and p, by iterating the Riccati equation."""
    p = 1.0
    for _ in range(10_000):
        p = 1 + discount * p - (discount * p) ** 2 / (effort + discount * p)
    return discount * p / (effort + discount * p), p


def point_chunk(x: float, length: int, gain: float) -> np.ndarray:
    """The best open-loop chunk (H, 1) from x: feedback along the path without noise."""
    return (-gain * x * (1 - gain) ** np.arange(length))[:, None]


def point_value(x: float, length: int, sigma: float, discount: float, effort: float = 0.1) -> float:
    """V_H(x) of the best chunks of `length`, executed open loop."""
    _, p = point_solution(discount, effort)
    k = np.arange(length)
    noise = np.sum(k * discount**k) + length * p * discount**length
    return -(p * x**2 + sigma**2 * noise / (1 - discount**length))
