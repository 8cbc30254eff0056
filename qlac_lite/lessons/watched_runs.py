"""QC-FQL on the lite world's play, watched: its log; for lesson 07.

Shapes: n seeds, L rows of a log.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from qlac_lite.config import get_task
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.data.dataset import Dataset
from qlac_lite.data.suites import lite_play
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld
from qlac_lite.lessons.checks.lesson07 import About
from qlac_lite.lessons.notebook import shorten
from qlac_lite.training.health import progress_rows
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.training.updates import Engine
from qlac_lite.utils.errors import QlacError

WORLD, SIZES = LiteWorld(step=0.08), (OBSERVATION_SIZE, ACTION_SIZE)  # a task of about 39 actions
SEEDS = shorten(8, fast=2)
UPDATES = shorten(1000, fast=40)
ROWS = 20  # of a log
COLUMNS = ("q_min", "q_mean", "q_max", "flow_loss")


class Watched(NamedTuple):
    """What a run leaves behind."""

    steps: np.ndarray  # (L,) updates before each row
    log: dict[str, np.ndarray]  # (n, L): COLUMNS, and "distance" of the policy from the flow's chunks


@functools.cache
def play() -> Dataset:
    """The play data that all runs learn from."""
    return lite_play.record(WORLD, jax.random.key(0), shorten(400, fast=40), 125, lite_play.PLAY)


def about() -> About:
    """What `diagnose` has to know of the runs of this module."""
    config, data = lite_config("qc-fql"), play()
    spread = float(np.asarray(data.actions)[np.asarray(data.starts)].var(axis=0).mean())
    floor = get_task(LITE_WORLD).reward_min
    return About(floor, 0.0, config.discount, config.chunk_length, 1 + spread, 2 * spread)


@functools.lru_cache(maxsize=8)
def watch(seeds: int = SEEDS, alpha=10.0, rate=1e-3, batch=64, updates: int = UPDATES) -> Watched:
    """Trains QC-FQL on play, without an online phase. `rate`: of learning."""
    every = max(1, updates // ROWS)
    changes = dict(alpha=alpha, learning_rate=rate, batch_size=batch)
    config = lite_config("qc-fql", seeds=seeds, offline_steps=every * ROWS, online_steps=0, **changes)
    engine = Engine(config, play(), *SIZES)
    progress, rows = engine.start(0, get_task(LITE_WORLD)), []
    for step in range(0, config.offline_steps, every):
        progress = engine.update(progress, step, every)
        rows.append(progress_rows(config, progress.metrics, np.asarray(progress.count), seconds=1))
        progress = engine.forget_metrics(progress)
    column = lambda name: np.array([[row[name] for row in at] for at in rows]).T
    log = {name: column(name) for name in COLUMNS} | {"distance": column("distill_loss") / alpha}
    return Watched(every * np.arange(1, ROWS + 1), log)


def watch_all(**settings: dict[str, Any]) -> dict[str, Watched]:
    """`watch` by name, two at a time."""
    play()
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(settings, pool.map(lambda each: watch(**each), settings.values()), strict=True))


def last_quarter(values: np.ndarray) -> np.ndarray:
    """The mean of the last quarter of the rows (n, L), of each seed."""
    return values[:, -max(1, values.shape[1] // 4) :].mean(axis=1)


REPORTS = {
    "distance": lambda run: last_quarter(run.log["distance"]),
    "flow": lambda run: last_quarter(run.log["flow_loss"]),
    "q": lambda run: last_quarter(run.log["q_mean"]),
}


def try_out(seeds: np.ndarray, report="distance", alpha=10.0, rate=1e-3, batch=64, updates=UPDATES):
    """`run` for `experiment`: trains QC-FQL on play, and measures it: (n,).

    Args:
        report: "distance", "flow" (its loss) or "q" (its mean): the last quarter of the log.
        alpha, rate, batch, updates: weight of the distillation, learning rate, chunks an update, updates.

    Raises QlacError for a report that there is not.
    """
    if report not in REPORTS:
        raise QlacError(f"report is {report!r}. Write one of: {', '.join(map(repr, REPORTS))}.")
    return REPORTS[report](watch(len(seeds), alpha, rate, batch, updates))
