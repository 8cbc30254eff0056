"""Learners with tables in a small maze, from recorded data and by practice; for lesson 09.

Three methods see the same windows of the data. `one-step` backs up one step, `n-step` the sum of H rewards,
`chunk` values H actions as one and executes them blindly. Shapes: S states, A actions, M windows, R seeds.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from qlac_lite.lessons import mdp
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

PICTURE = """
###########
#S..#.....#
#.#.#.###.#
#.#...#G..#
###########
"""
DISCOUNT, LIMIT = 0.97, 40  # steps of an episode
NEVER = -1 / (1 - DISCOUNT)  # the value of never arriving
METHODS = ("one-step", "n-step", "chunk")
DEFAULTS = dict(method="chunk", H=3, noise=0.2, quality=0.0, recorded=20, explore=0.3, sweeps=5)
PRACTICES, EPISODES = 8, 5  # of a run; new episodes of each practice
SEEDS = shorten(8, fast=2)
Setting = dict[str, Any]
Data = tuple[mdp.Trajectories, ...]


@functools.cache
def world(noise: float) -> mdp.TabularMDP:
    """The maze, in which a step goes sideways with probability `noise`."""
    return mdp.grid(PICTURE, DISCOUNT, noise)[0]


@functools.cache
def _best(noise: float) -> tuple[float, np.ndarray]:
    """The best value at the start, and the policy that has it."""
    q = mdp.optimal_q(world(noise))
    return q[0].max(), mdp.greedy(q)


@functools.cache
def _acting(noise: float, length: int) -> mdp.TabularMDP:
    return mdp.chunked(world(noise), length)


def length_of(setting: Setting) -> int:
    """Actions that one decision takes."""
    return setting["H"] if setting["method"] == "chunk" else 1


def record(setting: Setting, seed: int, episodes: int | None = None) -> mdp.Trajectories:
    """Episodes from anywhere of a recorder that follows the best policy in a share `quality` of its steps."""
    maze, rng = world(setting["noise"]), np.random.default_rng(seed)
    states, actions = maze.rewards.shape
    behavior = setting["quality"] * _best(setting["noise"])[1] + (1 - setting["quality"]) / actions
    starts = rng.integers(states, size=episodes or setting["recorded"])
    return mdp.simulate(maze, behavior, starts, LIMIT, rng)


class Backup:
    """Fitted Q iteration on the windows of some data.

    A window that the time limit cuts is left out. One that the goal cuts stays: for chunks its missing
    actions are drawn, since at the goal any will do.
    """

    def __init__(self, setting: Setting, data: Data, rng: np.random.Generator):
        maze = world(setting["noise"])
        self.size = maze.rewards.shape[1] ** length_of(setting)
        steps = 1 if setting["method"] == "one-step" else setting["H"]
        parts = [mdp.windows(maze, each, steps) for each in data]
        found = mdp.Windows(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))
        found = mdp.Windows(*(field[(found.valid[:, -1] == 1) | (found.mask == 0)] for field in found))
        self.first, self.last = found.state, found.last_state
        self.action = found.actions[:, 0]
        if setting["method"] == "chunk":
            actions = maze.rewards.shape[1]
            drawn = rng.integers(actions, size=found.actions.shape)
            chosen = np.where(found.valid == 1, found.actions, drawn)
            self.action = chosen @ actions ** np.arange(setting["H"])[::-1]
        self.returns = found.rewards @ DISCOUNT ** np.arange(steps)
        self.bootstrap = DISCOUNT ** found.valid.sum(axis=1) * found.mask
        self.cells = self.first * self.size + self.action
        self.count = np.bincount(self.cells, minlength=len(maze.rewards) * self.size)

    def sweep(self, q: np.ndarray) -> np.ndarray:
        """Q (S, C) after one sweep; what was never tried is -inf."""
        best = q.max(axis=1)
        best = np.where(np.isfinite(best), best, NEVER)
        targets = self.returns + self.bootstrap * best[self.last]
        sums = np.bincount(self.cells, targets, len(self.count))
        mean = np.where(self.count, sums / np.maximum(self.count, 1), -np.inf)
        return mean.reshape(q.shape)

    def untrained(self) -> np.ndarray:
        """Q (S, C) before the first sweep."""
        return np.where(self.count, 0.0, -np.inf).reshape(-1, self.size)


def score(q: np.ndarray, setting: Setting) -> float:
    """The exact value of the greedy policy: 0 if it never arrives, 100 like the best policy that looks."""
    acting = _acting(setting["noise"], length_of(setting))
    policy = mdp.greedy(q)
    value = (mdp.policy_q(acting, policy) * policy)[0].sum()
    return 100 * (value - NEVER) / (_best(setting["noise"])[0] - NEVER)


class Lab:
    """What a harness needs: the recorded data, and how an agent begins, practises and is evaluated."""

    practices = PRACTICES

    def recorded(self, setting: Setting, seed: int) -> Data:
        """The data that a run begins with."""
        return (record(DEFAULTS | setting, seed),)

    def new_agent(self, setting: Setting, seed: int) -> np.ndarray:
        """An untrained Q (S, C), with ties broken by the seed."""
        setting = DEFAULTS | setting
        shape = len(world(setting["noise"]).rewards), 4 ** length_of(setting)
        return 1e-9 * np.random.default_rng((seed, 1000)).random(shape)

    def practise(
        self, agent: np.ndarray, data: Data, setting: Setting, seed: int, number: int
    ) -> tuple[np.ndarray, Data]:
        """Practice `number`: new episodes join the data, and the agent learns from all of it."""
        setting, rng = DEFAULTS | setting, np.random.default_rng((seed, 1 + number))
        explore = setting["explore"]
        policy = (1 - explore) * mdp.greedy(agent) + explore / agent.shape[1]
        starts = np.zeros(EPISODES, int)
        maze, length = world(setting["noise"]), length_of(setting)
        data = (*data, mdp.simulate(maze, policy, starts, LIMIT, rng, length))
        backup = Backup(setting, data, rng)
        for _ in range(setting["sweeps"]):
            agent = backup.sweep(agent)
        return agent, data

    def evaluate(self, agent: np.ndarray, setting: Setting) -> float:
        """The agent's score, 0 to 100."""
        return score(agent, DEFAULTS | setting)


def her_runs(lab, settings, seeds):
    """Scores of an agent for each setting and seed, after each practice: (settings, seeds, practices)."""
    runs = []
    for seed in seeds:
        data = lab.recorded(settings[0], seed)
        curves = []
        for setting in settings:
            agent = lab.new_agent(setting, seed)
            curve = []
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                curve.append(lab.evaluate(agent, setting))
            curves.append(curve)
        runs.append(curves)
    return np.array(runs).swapaxes(0, 1)


def best_score(length: int, noise: float) -> float:
    """The score of the best policy that acts in chunks and doesn't look within them."""
    q = mdp.optimal_q(_acting(noise, length))
    return score(q, dict(method="chunk", H=length, noise=noise))


def try_out(runs: Callable) -> Callable[..., np.ndarray]:
    """`run` for `experiment`: the mean score over the practices of a harness `runs`: (R,)."""

    def run(seeds, method="chunk", H=3, noise=0.2, quality=0.0, recorded=20, explore=0.3, sweeps=5):
        setting = dict(method=method, H=H, noise=noise, quality=quality)
        setting |= dict(recorded=recorded, explore=explore, sweeps=sweeps)
        if method not in METHODS or H not in range(1, 6):
            raise QlacError(f"method is {method!r}, H is {H}: take one of {METHODS}, and H from 1 to 5.")
        return runs(Lab(), [setting], seeds)[0].mean(axis=1)

    return run
