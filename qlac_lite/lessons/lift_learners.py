"""Small learners of Lift's demonstrations: a critic that is watched, and imitators; for lesson 08.

Shapes: n seeds, L rows of a log, S observation size, H chunk length.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import make_learner
from qlac_lite.config import make_config
from qlac_lite.data.dataset import build_dataset, sample
from qlac_lite.lessons.checks.lesson08 import mended_rows
from qlac_lite.lessons.lift_demonstrations import SETS, Demonstration
from qlac_lite.lessons.lift_imitators import imitators
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

SIZES = (19, 7)  # of Lift's observation and action
SEEDS = shorten(8, fast=2)
EVERY, BLOCKS = shorten(50, fast=10), shorten(16, fast=3)  # updates of a block, and blocks
TRIED = shorten(1000, fast=20)  # updates of an experiment
LENGTHS, UPDATES = (1, 10), (shorten(100, fast=10), 3000)  # of a chunk and of training, in an experiment
SMALL = dict(hidden=(64, 64), batch_size=64, learning_rate=1e-3)
REPORTS, IMITATORS = ("closes", "motion"), ("flow", "policy")
HAND, FINGERS, CUBE = slice(0, 3), slice(7, 9), slice(9, 12)  # of an observation
AT_CUBE, OPEN = 0.02, 0.07  # metres: the hand from the cube at most, the fingers apart at least


def watch_critic(rows_of: Callable, demos: list[Demonstration]) -> tuple[np.ndarray, np.ndarray]:
    """Trains QC-FQL on the rows that `rows_of` makes of demonstrations.

    Returns:
        updates (L,), and mean Q of the demonstrators' own chunks up to there (n, L).
    """
    state, block = _compiled_critic()
    data = jax.tree.map(jnp.asarray, build_dataset(*map(np.asarray, rows_of(demos))))
    log = []
    for number in range(BLOCKS):
        state, q = block(state, data, number)
        log.append(np.asarray(q))
    return EVERY * np.arange(1, BLOCKS + 1), np.array(log).T


def _jit(function: Callable) -> Callable:
    """Compiled in less time than usual; it runs as fast."""
    options = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options)


@functools.cache
def _compiled_critic() -> tuple[Any, Callable]:
    """The first state of all seeds, and a function that makes a block of updates of each."""
    config = make_config(SETS["lift"], "qc-fql", "lite", target_rate=0.05, **SMALL)
    learner = make_learner(config, *SIZES)

    def one(state, data, key):
        def update(state, key):
            batch_key, loss_key = jax.random.split(key)
            batch = sample(batch_key, (data,), config.batch_size, config.chunk_length, config.discount)
            state, metrics = learner.update(state, batch, loss_key)
            return state, metrics.mean["q_mean"]

        state, q = jax.lax.scan(update, state, jax.random.split(key, EVERY))
        return state, q.mean()

    def block(states, data, number):
        own = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), number))(jnp.arange(SEEDS))
        return jax.vmap(one, in_axes=(0, None, 0))(states, data, own)

    return jax.vmap(learner.init)(jax.random.split(jax.random.key(3), SEEDS)), _jit(block)


@functools.cache
def _compiled_pair(horizon: int) -> Callable:
    """Trains a flow of chunks and the policy that imitates it; what both do at some observations with the
    same noise, (2, n, T, H, A)."""
    method = "qc-fql" if horizon > 1 else "fql"
    config = make_config(SETS["lift"], method, "lite", horizon=horizon, **SMALL)
    learner, acts = imitators(config, *SIZES)

    def one(key, updates, data, observations):
        first, run, act = jax.random.split(key, 3)

        def update(number, state):
            batch_key, loss_key = jax.random.split(jax.random.fold_in(run, number))
            batch = sample(batch_key, (data,), config.batch_size, config.chunk_length, config.discount)
            return learner.update(state, batch, loss_key)[0]

        params = jax.lax.fori_loop(0, updates, update, learner.init(first)).params
        return jnp.stack([acts[name](params, observations, act) for name in ("flow", "policy")])

    return _jit(jax.vmap(one, in_axes=(0, None, None, None), out_axes=1))


def waiting(observations: np.ndarray) -> np.ndarray:
    """Where the hand is at the cube with open fingers: (T,) bool."""
    away = np.linalg.norm(observations[:, HAND] - observations[:, CUBE], axis=1)
    return (away < AT_CUBE) & (np.abs(observations[:, FINGERS]).sum(axis=1) > OPEN)


class Imitated(NamedTuple):
    """What imitators do on held-out demonstrations."""

    flow: np.ndarray  # (n, T, H, A)
    policy: np.ndarray  # (n, T, H, A), with the flow's noise
    theirs: np.ndarray  # (T, A), the demonstrators' actions
    waits: np.ndarray  # (T,) bool, see `waiting`


def make_imitated(demos: list[Demonstration]) -> Callable[..., Imitated]:
    """`imitated(seeds, H, tier, updates)`: three quarters of the demonstrations are cloned, the others
    measure it; what was trained once is kept."""

    @functools.cache
    def trained(seeds: tuple[int, ...], horizon: int, tier: str, updates: int) -> Imitated:
        mine = [demo for demo in demos if tier == "all" or tier in demo["tiers"]]
        if not mine:
            raise QlacError(f"tier is better, okay, worse or all, not {tier!r}.")
        held = mine[3::4] or mine[-1:]  # as many of each tier
        data = build_dataset(*mended_rows([demo for i, demo in enumerate(mine) if i % 4 != 3]))
        seen = np.concatenate([demo["observations"][:-1] for demo in held])
        own, rows = jax.vmap(jax.random.key)(jnp.asarray(seeds)), jax.tree.map(jnp.asarray, data)
        both = np.asarray(_compiled_pair(horizon)(own, updates, rows, seen))
        return Imitated(*both, np.concatenate([demo["actions"] for demo in held]), waiting(seen))

    return lambda seeds, H=1, tier="all", updates=TRIED: trained(tuple(map(int, seeds)), H, tier, updates)


def make_try_out(imitated: Callable[..., Imitated]) -> Callable:
    """`run` for `experiment`."""

    def try_out(seeds, H=1, tier="all", actor="flow", updates=TRIED, report="closes"):
        """What an imitator does on held-out demonstrations: (n,).

        Args:
            H: steps of a chunk.
            tier: whose demonstrations are cloned and held out: "better", "okay", "worse" or "all".
            actor: "flow", or "policy", which imitates the flow in one step.
            updates: gradient steps.
            report: "closes", how often (%) it closes, in its chunk, where the hand waits at the cube; or
                "motion", root of the mean squared error of the six other numbers of its first action.

        Raises QlacError for a report, an actor or a tier that there is not, and for a number out of range.
        """
        if report not in REPORTS or actor not in IMITATORS:
            told = f"report is {' or '.join(REPORTS)}; actor is {' or '.join(IMITATORS)}"
            raise QlacError(f"{told}, not {report!r} and {actor!r}.")
        for knob, value, (least, most) in (("H", H, LENGTHS), ("updates", updates, UPDATES)):
            if not least <= value <= most:
                raise QlacError(f"{knob} is {value}, but has to be between {least} and {most}.")
        found = imitated(seeds, H, tier, updates)
        ours = getattr(found, actor)
        if report == "closes":
            return closes(ours, found.waits)
        return np.sqrt(np.mean((ours[:, :, 0, :6] - found.theirs[:, :6]) ** 2, axis=(1, 2)))

    return try_out


def closes(actions: np.ndarray, waits: np.ndarray) -> np.ndarray:
    """How often (%) chunks (n, T, H, A) close the fingers at some step, where the hand waits: (n,)."""
    return 100 * np.mean(actions[:, waits][..., 6].max(axis=2) > 0, axis=1)
