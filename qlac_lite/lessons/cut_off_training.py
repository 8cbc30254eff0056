"""A flow that learns to imitate play on a machine that is taken away again and again; for lesson 07.

Shapes: n seeds, B blocks of updates.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import make_learner
from qlac_lite.data.dataset import sample
from qlac_lite.data.suites import lite_play
from qlac_lite.lessons.checks.lesson07 import Disk
from qlac_lite.lessons.notebook import shorten
from qlac_lite.lessons.watched_runs import SIZES, WORLD, play
from qlac_lite.training.jax_loop import lite_config

SEEDS, BLOCK = shorten(8, fast=2), 25  # updates of a block
BLOCKS = shorten(80, fast=10)
EVERY, LIFE = 2, 3  # blocks from checkpoint to checkpoint, and until the machine is taken away
PIECE = 5  # updates of a piece of a block, whose losses the close-up shows


class Killed(Exception):
    """The machine was taken away."""


def her_training(disk, update, state, seed, steps, every):
    """State and log after `steps` updates. After a kill it is called again, with the same disk."""
    step, log = 0, []
    if disk.load():
        step, state, log = disk.load()
    key = jax.random.key(seed)
    while step < steps:
        key, now = jax.random.split(key)
        state, row = update(state, now)
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
    return state, log


@functools.cache
def _compiled() -> tuple[Any, Callable]:
    """The first state of all seeds, and a function that makes a block of updates of each."""
    config = lite_config("chunk-bc")
    learner = make_learner(config, *SIZES)
    others = lite_play.record(WORLD, jax.random.key(100), shorten(400, fast=40), 125, lite_play.PLAY)
    data, others = (jax.tree.map(jnp.asarray, each) for each in (play(), others))
    draw = lambda key, part, count: sample(key, (part,), count, config.chunk_length, config.discount)
    unseen, unseen_key = draw(jax.random.key(101), others, 1024), jax.random.key(102)

    def one(state, key):
        def update(state, key):
            batch_key, loss_key = jax.random.split(key)
            state, metrics = learner.update(state, draw(batch_key, data, config.batch_size), loss_key)
            return state, metrics.mean["flow_loss"]

        state, losses = jax.lax.scan(update, state, jax.random.split(key, BLOCK))
        held_out = learner.losses(state.params, None, unseen, unseen_key)[0]["flow"]
        pieces = losses.reshape(-1, PIECE).mean(axis=1)
        return state, jnp.stack([losses.mean(), held_out, *pieces])

    def block(states, key):
        """A block of all seeds, and its row of the log (2 + BLOCK / PIECE, n)."""
        own = jax.vmap(lambda seed: jax.random.fold_in(key, seed))(jnp.arange(SEEDS))
        states, rows = jax.vmap(one)(states, own)
        return states, rows.T

    first = jax.vmap(learner.init)(jax.random.split(jax.random.key(3), SEEDS))
    return first, jax.jit(block)


def train(training: Callable, lives: bool = True) -> np.ndarray:
    """The log of a training, (B, 2 + BLOCK / PIECE, n): the loss of each block on its own batches, on play
    not trained on, and on the batches of each piece of it.

    Args:
        training: training(disk, update, state, seed, steps, every), as in the lesson; a step is a block.
        lives: whether the machine is taken away after every `LIFE` blocks; else it is never.
    """
    first, block = _compiled()
    disk, made = Disk(), 0

    def update(state, key):
        nonlocal made
        if lives and made == LIFE:
            made = 0
            raise Killed
        made += 1
        return block(state, key)

    while True:
        try:
            return np.array(training(disk, update, first, 0, BLOCKS, EVERY)[1])
        except Killed:
            continue
