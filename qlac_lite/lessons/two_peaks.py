"""The world of lesson 04: one decision, a chunk of two actions, a reward with two peaks; and its agents.

The data lie beside the peaks, and their rewards are noisy. So a critic is wrong where there are few data, and
a picture of the square of chunks shows where. Shapes: M chunks (M, 2, 1), R seeds, T points of a curve.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from qlac_lite.agents import fql
from qlac_lite.agents.flow import euler
from qlac_lite.agents.networks import Critic, OneStepPolicy, Params, VectorField, functional
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons.checks import lesson04
from qlac_lite.lessons.leaks import leaky
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

PEAKS, HEIGHTS, WIDTH = np.array([[-0.55, 0.45], [0.5, -0.5]]), np.array([0.8, 1.0]), 0.2
CLOUDS = PEAKS + np.array([[0.12, -0.15], [-0.15, 0.1]])  # where the data are
BEST = 1.0  # the largest true reward
CHUNK, FLOW_STEPS, RATE, BATCH = (2, 1), 5, 0.005, 64
STEPS, POINTS, MOST = 1000, 20, 3000  # training steps, points of a curve, recorded chunks at most
ALPHAS = (0.0, 0.3, 1.0, 3.0, 10.0, 100.0)
LEAKS = ("flow", "critic")
RIDDLE = {"X": "flow", "Y": "critic"}  # the leaks of the bug hunt

_SIZES = (1, CHUNK, (32, 32))  # S, (H, A), hidden layers
_flow_init, _flow = functional(lambda rngs: VectorField(*_SIZES, rngs))
_policy_init, _policy = functional(lambda rngs: OneStepPolicy(*_SIZES, rngs))
_critic_init, _critic = functional(lambda rngs: Critic(*_SIZES, rngs), ensemble=2)
NETWORKS = fql.Networks(_flow, _policy, _critic)
INITS = {"flow": _flow_init, "policy": _policy_init, "critic": _critic_init}
OPTIMIZER = optax.adam(2e-3)


class Fit(NamedTuple):
    """Agents that were trained side by side."""

    params: Params  # each leaf (R, ...)
    steps: np.ndarray  # (T,) training steps at the points of the curves
    curves: dict[str, np.ndarray]  # (R, T): rewards, losses, and shares of chunks on the bridge, by name

    def one(self, seed: int) -> Params:
        """The networks of one seed."""
        return jax.tree.map(lambda leaf: leaf[seed], self.params)

    def last(self, name: str) -> np.ndarray:
        """The end of a curve, (R,)."""
        return self.curves[name][:, -1]


def true_reward(chunks: Array) -> Array:
    """What chunks (M, 2, 1) really earn, (M,); the largest is `BEST`."""
    distance = jnp.sum((chunks.reshape(-1, 1, 2) - PEAKS) ** 2, axis=-1)
    return jnp.max(HEIGHTS * jnp.exp(-distance / (2 * WIDTH**2)), axis=-1)


def recorded(seed: int, noise: float = 0.3, count: int = MOST) -> tuple[np.ndarray, np.ndarray]:
    """Chunks (count, 2, 1) around the two clouds, and their rewards (count,) with noise."""
    rng = np.random.default_rng([3, seed])
    flat = CLOUDS[rng.integers(0, 2, count)] + 0.12 * rng.normal(size=(count, 2))
    chunks = np.clip(flat, -1, 1)[..., None].astype(np.float32)
    rewards = np.asarray(true_reward(chunks)) + noise * rng.normal(size=count)
    return chunks, rewards.astype(np.float32)


def data_of(seed: int, data: int = 300) -> np.ndarray:
    """The chunks (data, 2, 1) that the agents of a seed learned from."""
    return recorded(seed)[0][:data]


def on_bridge(chunks: Array) -> Array:
    """Which chunks (M, 2, 1) lie between the clouds, (M,): the first action is in the middle, within 0.2."""
    return jnp.abs(chunks[:, 0, 0]) < 0.2


def blank(count: int) -> Array:
    """Observations (count, 1) of a world in which there is nothing to see."""
    return jnp.zeros((count, 1))


@functools.partial(jax.jit, static_argnums=(2, 3))
def act(params: Params, key: Array, how: str = "policy", count: int = 200) -> Array:
    """Clipped chunks (count, 2, 1) of the one-step "policy" or of the "flow" of one seed."""
    noise = jax.random.normal(key, (count, *CHUNK))
    if how == "policy":
        return jnp.clip(_policy(params["policy"], blank(count), noise), -1, 1)
    field = lambda *inputs: _flow(params["flow"], *inputs)
    return jnp.clip(euler(field, blank(count), noise, FLOW_STEPS), -1, 1)


@jax.jit
def believed(params: Params, chunks: Array) -> Array:
    """The mean Q of the critics of one seed, (M,)."""
    return _critic(params["critic"], blank(len(chunks)), chunks).mean(axis=0)


def losses(critic_loss: Callable, actor_loss: Callable, alpha) -> Callable:
    """All losses of Q-LAC by name: a function of params, target critic, batch and key."""

    def named(params, target_critic, batch, key):
        next_key, flow_key, noise_key = jax.random.split(key, 3)
        critic_term = critic_loss(NETWORKS, params, target_critic, batch, next_key)
        return {"critic": critic_term} | actor_loss(
            NETWORKS, params, batch, alpha, FLOW_STEPS, flow_key, noise_key
        )

    return named


def fit(
    seeds: Sequence[int],
    alpha: float = 3.0,
    scale: float = 1.0,
    noise: float = 0.3,
    data: int = 300,
    leak: str = "",
    critic_loss: Callable = lesson04.critic_loss,
    actor_loss: Callable = lesson04.actor_loss,
    train: Callable = lesson04.train,
) -> Fit:
    """Trains an agent a seed with these losses and this training loop, each on data of its own.

    Args:
        alpha: weight of the distillation.
        scale: factor on all rewards; beliefs are divided by it again.
        noise: standard deviation of the recorded rewards.
        data: recorded chunks, `MOST` at most.
        leak: a network that a gradient reaches by mistake: "flow", from the distillation, or "critic", from
            the Q loss. Just this one stop_gradient is taken out of the actor's losses.

    Raises QlacError for another leak.
    """
    if leak not in ("", *LEAKS):
        raise QlacError(f"leak is {leak!r}. Write one of: {', '.join(map(repr, LEAKS))}.")
    every = shorten(STEPS, fast=2 * POINTS) // POINTS
    stretch = _stretch(critic_loss, actor_loss, train, every, bool(leak))
    started = [_start(int(seed), noise) for seed in seeds]
    state, recordings = jax.tree.map(lambda *leaves: jnp.stack(leaves), *started)
    keys = [jax.random.split(jax.random.key(int(seed)), POINTS) for seed in seeds]
    settings = [jnp.float32(x) for x in (alpha, scale, leak == "flow", leak == "critic")]
    curves = []
    for i in range(POINTS):
        state, log = stretch(state, recordings, jnp.stack([key[i] for key in keys]), int(data), *settings)
        curves.append(log | _scores(state["params"], settings[1]))
    named = {name: np.stack([point[name] for point in curves], axis=1) for name in curves[0]}
    return Fit(state["params"], every * np.arange(1, POINTS + 1), named)


def earned(seeds: Sequence[int], report: str = "true", **settings) -> np.ndarray:
    """The "true" or "believed" reward of an agent a seed, in % of the largest reward, (R,); see `fit`."""
    return 100 * fit(seeds, **settings).last(report) / BEST


def sweep(seeds: Sequence[int], alphas: Sequence[float] = ALPHAS, **settings) -> dict[float, Fit]:
    """`fit` for several alphas."""
    return {alpha: fit(seeds, alpha, **settings) for alpha in alphas}


def _start(seed: int, noise: float) -> tuple[dict, tuple[np.ndarray, np.ndarray]]:
    """The state that a seed begins with, and its recorded chunks and rewards; nothing is compiled."""
    rng = np.random.default_rng([4, seed])

    def draw(path, leaf):
        if path[-1].key != "kernel":  # biases, and the factors of normalisation layers
            return np.full(leaf.shape, float(path[-1].key == "scale"), np.float32)
        reach = np.sqrt(6 / sum(leaf.shape[-2:]))  # Xavier's
        return rng.uniform(-reach, reach, leaf.shape).astype(np.float32)

    shapes = {name: jax.eval_shape(init, jax.random.key(0)) for name, init in INITS.items()}
    params = jax.tree_util.tree_map_with_path(draw, shapes)
    state = dict(params=params, target_critic=params["critic"], memory=OPTIMIZER.init(params))
    return state, recorded(seed, noise)


@functools.lru_cache
def _stretch(
    critic_loss: Callable, actor_loss: Callable, train: Callable, steps: int, leaks: bool
) -> Callable:
    """The training of all seeds between two points of the curves; compiled once for each set of functions."""

    def one(state, recordings, key, data, alpha, scale, into_flow, into_critic):
        chunks, rewards = recordings
        actor = leaky(actor_loss, into_flow, into_critic) if leaks else actor_loss

        def sample(key):
            rows = (data * jax.random.uniform(key, (BATCH,))).astype(int)
            nothing = blank(BATCH)
            ends = jnp.ones((BATCH, CHUNK[0])), nothing, jnp.zeros(BATCH)
            return Batch(nothing, chunks[rows], scale * rewards[rows], *ends)

        new = train(losses(critic_loss, actor, alpha), OPTIMIZER, RATE, sample, state, key, steps)
        log = {name: new["log"][name].mean() for name in ("distill", "flow")}
        return {name: new[name] for name in state}, log

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, *5 * [None])))


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, None))
def _scores(params: Params, scale: Array) -> dict[str, Array]:
    key = jax.random.key(4)
    chunks, imitated = (act(params, key, how) for how in ("policy", "flow"))
    rewards = {"true": true_reward(chunks), "believed": believed(params, chunks) / scale}
    rewards |= {"flow's true": true_reward(imitated)}
    bridge = {"bridge": on_bridge(chunks), "flow's bridge": on_bridge(imitated)}
    return {name: values.mean() for name, values in (rewards | bridge).items()}


def by_candidates(best_of_n: Callable, found: Fit, counts: Sequence[int], chosen: int = 200) -> np.ndarray:
    """Mean true and believed reward of the best of N chunks, for several N: (R, len(counts), 2)."""
    rows = [scored_best_of_n(best_of_n, found.params, int(count), chosen) for count in counts]
    return np.stack([np.asarray(row) for row in rows], axis=1)


def scored_best_of_n(best_of_n: Callable, params: Params, count: int, chosen: int) -> Array:
    """Mean true and believed reward of `chosen` decisions with N = count, (R, 2)."""

    def one(params):
        picked = best_chunks(best_of_n, params, count, chosen)
        return jnp.array([true_reward(picked).mean(), believed(params, picked).mean()])

    return jax.jit(jax.vmap(one))(params)


def best_chunks(best_of_n: Callable, params: Params, count: int, chosen: int = 200) -> Array:
    """The chunks (chosen, 2, 1) that best of N = count takes with the networks of one seed."""
    inputs = (NETWORKS, params, params["critic"], blank(chosen), CHUNK, count, FLOW_STEPS)
    return best_of_n(*inputs, jax.random.key(3))[0]
