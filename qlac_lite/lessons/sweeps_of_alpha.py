"""QC-FQL on demonstrations of the lite world's task with any alpha, in one compiled program; for lesson 08.

The sum of the losses may be multiplied by anything, since Adam does not care: alpha may change without a new
compilation. Shapes: n seeds.
"""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qlac_lite.agents import make_learner
from qlac_lite.agents.base import gradient_step
from qlac_lite.data.dataset import Dataset, sample, solved_steps
from qlac_lite.data.suites import lite_play
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld
from qlac_lite.lessons.notebook import shorten
from qlac_lite.training.jax_episodes import evaluate
from qlac_lite.training.jax_loop import lite_config

WORLD = LiteWorld(step=0.08)
DEMONSTRATIONS, LONGEST = shorten(100, fast=10), 150  # of the task, and their most steps
UPDATES, EPISODES = shorten(1200, fast=20), shorten(20, fast=2)
ALPHAS = (10.0, 100.0, 1000.0, 1e6)  # with the last one Q has no say


@functools.cache
def demonstrations() -> Dataset:
    """Scripted demonstrations of the task: two routes, pauses, noise. Each ends at its success."""
    habits = lite_play.Habits(play=False)
    return lite_play.record(WORLD, jax.random.key(0), DEMONSTRATIONS, LONGEST, habits)


def told_demonstrations() -> str:
    """How many there are, how many succeed, and their steps."""
    data = demonstrations()
    lengths = np.flatnonzero(data.steps_left == 0)
    steps = np.diff(np.append(-1, lengths)) - 1
    return (
        f"{len(steps)} demonstrations, {solved_steps(data)[1]} succeed; {steps.mean():.0f} steps on average"
    )


@functools.cache
def _compiled() -> Callable[..., Any]:
    config = lite_config("qc-fql", alpha=1.0, evaluation_episodes=EPISODES)
    learner = make_learner(config, OBSERVATION_SIZE, ACTION_SIZE)

    def one(seed, alpha, data):
        def losses(*inputs):
            terms, metrics = learner.losses(*inputs)
            return terms | {"distill": alpha * terms["distill"]}, metrics

        step = gradient_step(losses, optax.adam(config.learning_rate), config.target_rate)
        first, run, act = jax.random.split(jax.random.key(seed), 3)

        def update(state, key):
            batch_key, loss_key = jax.random.split(key)
            batch = sample(batch_key, (data,), config.batch_size, config.chunk_length, config.discount)
            return step(state, batch, loss_key)[0], None

        state, _ = jax.lax.scan(update, learner.init(first), jax.random.split(run, UPDATES))
        success, steps = evaluate(learner, config, WORLD, state.params, act)
        return 100 * success.mean(), (success * steps).sum() / success.sum()

    # Compiles in less time, and runs as fast.
    options = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(jax.vmap(one, in_axes=(0, None, None)), compiler_options=options)


@functools.lru_cache(maxsize=64)
def _success_and_steps(alpha: float, seeds: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    data = jax.tree.map(jnp.asarray, demonstrations())
    success, steps = _compiled()(np.array(seeds, np.uint32), alpha, data)
    return np.asarray(success), np.asarray(steps)


def run_all(seeds: Sequence[int]) -> dict[float, np.ndarray]:
    """`success_of` of every alpha in `ALPHAS`, two at a time."""
    first, *rest = ALPHAS
    rates = {first: success_of(first, seeds)}  # compiles
    with ThreadPoolExecutor(2) as pool:
        return rates | dict(zip(rest, pool.map(lambda alpha: success_of(alpha, seeds), rest), strict=True))


def success_of(alpha: float, seeds: Sequence[int]) -> np.ndarray:
    """Success (%) of QC-FQL after `UPDATES` updates on the demonstrations, of each seed: (n,)."""
    return _success_and_steps(float(alpha), tuple(map(int, seeds)))[0].copy()


def steps_of(alpha: float, seeds: Sequence[int]) -> np.ndarray:
    """Mean steps of its successful episodes, of each seed, NaN where none succeeds: (n,)."""
    return _success_and_steps(float(alpha), tuple(map(int, seeds)))[1].copy()
