"""Small learners of Lift's demonstrations: QC-FQL's critic watched, and clones on held-out demonstrations; for lesson 08.

Shapes: n seeds, L rows of a log, S observation size, H chunk length.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import make_learner
from qlac_lite.config import make_config
from qlac_lite.data.dataset import build_dataset, sample
from qlac_lite.lessons.checks.lesson08 import mended_rows
from qlac_lite.lessons.lift_demonstrations import SETS, Demonstration
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

SIZES = (19, 7)  # of Lift's observation and action
SEEDS = shorten(8, fast=2)
EVERY, BLOCKS = shorten(100, fast=10), shorten(16, fast=3)  # updates of a block, and blocks
SMALL = dict(hidden=(64, 64), batch_size=64, learning_rate=1e-3)
REPORTS = ("gripper", "motion")


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


@functools.cache
def _compiled_critic() -> tuple[Any, Callable]:
    """The first state of all seeds, and a function that makes a block of updates of each."""
    config = make_config(SETS["lift"], "qc-fql", "lite", target_rate=0.02, **SMALL)
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

    return jax.vmap(learner.init)(jax.random.split(jax.random.key(3), SEEDS)), jax.jit(block)


@functools.lru_cache(maxsize=8)
def _compiled_clone(horizon: int, updates: int):
    """Trains a clone of chunks, and gives its chunks at held-out observations, of one seed."""
    method = "chunk-bc" if horizon > 1 else "bc"
    config = make_config(SETS["lift"], method, "lite", horizon=horizon, **SMALL)
    learner = make_learner(config, *SIZES)

    def one(key, data, observations):
        first, run, act = jax.random.split(key, 3)

        def update(state, key):
            batch_key, loss_key = jax.random.split(key)
            batch = sample(batch_key, (data,), config.batch_size, config.chunk_length, config.discount)
            return learner.update(state, batch, loss_key)[0], None

        state, _ = jax.lax.scan(update, learner.init(first), jax.random.split(run, updates))
        return learner.act(state.params, observations, act)

    return jax.jit(jax.vmap(one, in_axes=(0, None, None)))


def make_try_out(demos: list[Demonstration]) -> Callable:
    """`run` for `experiment`: a clone of three quarters of the demonstrations, measured on the others."""

    def try_out(seeds, H=1, step=1, tier="all", updates=shorten(1500, fast=20), report="gripper"):
        """Error of a clone on held-out demonstrations: (n,).

        Args:
            H, step: steps of a chunk, and which of them is measured, 1 to H.
            tier: whose demonstrations are cloned and held out: "better", "okay", "worse" or "all".
            updates: gradient steps.
            report: "gripper", how often (%) it goes the other way than the demonstrator's; or "motion", root
                of the mean squared error of the other six numbers.

        Raises QlacError for a report, a tier or a step that there is not.
        """
        if report not in REPORTS:
            raise QlacError(f"report is {report!r}. Write one of: {', '.join(map(repr, REPORTS))}.")
        mine = [demo for demo in demos if tier == "all" or tier in demo["tiers"]]
        if not mine or not 1 <= step <= H:
            raise QlacError("tier is better, okay, worse or all; step is from 1 to H.")
        held = mine[3::4] or mine[-1:]  # as many of each tier
        data = build_dataset(*mended_rows([demo for i, demo in enumerate(mine) if i % 4 != 3]))
        last = H - 1  # chunks of held-out steps that end within the demonstration
        seen = np.concatenate([demo["observations"][: len(demo["actions"]) - last] for demo in held])
        theirs = np.concatenate([demo["actions"][step - 1 : len(demo["actions"]) - last + step - 1] for demo in held])
        own, rows = jax.vmap(jax.random.key)(jnp.asarray(seeds)), jax.tree.map(jnp.asarray, data)
        ours = np.asarray(_compiled_clone(H, updates)(own, rows, seen))[:, :, step - 1]
        if report == "gripper":
            return 100 * np.mean(np.sign(ours[..., 6]) != np.sign(theirs[:, 6]), axis=1)
        return np.sqrt(np.mean((ours[..., :6] - theirs[:, :6]) ** 2, axis=(1, 2)))

    return try_out
