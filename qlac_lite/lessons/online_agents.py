"""RLPD and RLPD-AC on the lite world, trained with a learner's own functions; for lesson 06.

Shapes: n seeds, P evaluations of a run, B batch, H chunk length, A action size.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from qlac_lite.agents import networks
from qlac_lite.agents.base import Learner, Metrics, adam_learner
from qlac_lite.agents.rlpd import sample_tanh
from qlac_lite.config import Config
from qlac_lite.data.dataset import Dataset, all_chunks
from qlac_lite.data.replay import empty_replay
from qlac_lite.data.suites import lite_play
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld, LiteWorldEnv, observe, reset
from qlac_lite.lessons.checks.lesson06 import Networks, half_and_half, rlpd_losses
from qlac_lite.lessons.notebook import shorten
from qlac_lite.training.jax_episodes import act_and_store, evaluate
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.training.updates import over_seeds, split_devices
from qlac_lite.utils.errors import QlacError

WORLD, SIZES = LiteWorld(step=0.1), (OBSERVATION_SIZE, ACTION_SIZE)  # the coarsest: 80 actions an episode
STEPS, EVALUATIONS = shorten(2000, fast=160), 8


class Trained(NamedTuple):
    """What runs leave behind."""

    steps: np.ndarray  # (P,) environment steps before each evaluation
    success: np.ndarray  # (n, P) percent
    entropy: np.ndarray  # (n, P) nats a number of the chunk, the mean since the evaluation before
    temperature: np.ndarray  # (n, P) at each evaluation
    params: Any  # of all seeds


@functools.cache
def play() -> Dataset:
    """The data of all runs."""
    return lite_play.record(WORLD, jax.random.key(0), shorten(400, fast=40), 100, lite_play.PLAY)


def world() -> LiteWorldEnv:
    """The same world with Gymnasium's interface."""
    return LiteWorldEnv(step=WORLD.step)


def make(config: Config, losses: Callable, settings: jax.Array) -> Learner:
    """The library's networks and optimizer, with `losses` as a learner writes them.

    `settings`: (2,) the first temperature, and the entropy's target for each number.
    """
    chunk, layers = (config.chunk_length, ACTION_SIZE), dict(activation=nnx.relu, norm="before")
    sizes = (OBSERVATION_SIZE, chunk, config.hidden)
    policy_init, policy = networks.functional(lambda rngs: networks.GaussianPolicy(*sizes, rngs))
    make_critic = lambda rngs: networks.Critic(*sizes, rngs, **layers)
    critic_init, critic = networks.functional(make_critic, config.critics)
    ours = Networks(policy, critic)

    def act(params, observation, key):
        return sample_tanh(*policy(params["policy"], observation), key)[0]

    def named(params, target_critic, batch, key):
        terms = losses(ours, params, target_critic, batch, key, settings[1])
        _, entries = sample_tanh(*policy(params["policy"], batch.observation), key)
        terms = dict(zip(("critic", "policy", "log_temperature"), terms, strict=True))
        return terms, Metrics(dict(entropy=-jnp.mean(entries)))

    inits = {
        "policy": policy_init,
        "critic": critic_init,
        "log_temperature": lambda key: jnp.log(settings[0]),
    }
    return adam_learner(config, inits, act, named, {name: name for name in inits}, ("policy",))


def _one_seed(config: Config, draw: Callable, losses: Callable, seed, settings, data: Dataset):
    learner, size = make(config, losses, settings), config.chunk_length
    init_key, reset_key, run_key = jax.random.split(jax.random.key(seed), 3)
    data = jax.tree.map(jnp.asarray, data)
    every = config.online_steps // EVALUATIONS

    def batch_of(replay, key):
        online, rows = draw(key, data.starts, replay.starts, replay.num_starts, config.batch_size)
        old, new = (all_chunks(part._replace(starts=rows), size, config.discount) for part in (data, replay))
        either = lambda a, b: jnp.where(online.reshape(-1, *[1] * (a.ndim - 1)), b, a)
        return jax.tree.map(either, old, new)

    def decision(carry, key):
        """A chunk is executed and stored, and an update follows for each of its actions."""
        state, replay, now = carry
        act_key, again_key, update_key = jax.random.split(key, 3)
        chunk = learner.act(state.params, observe(now)[None], act_key)[0]
        replay, now, _ = act_and_store(config, WORLD, replay, now, chunk, again_key, jnp.bool_(False))

        def update(state, key):
            batch_key, loss_key = jax.random.split(key)
            state, metrics = learner.update(state, batch_of(replay.data, batch_key), loss_key)
            return state, metrics.mean["entropy"]

        state, entropy = jax.lax.scan(update, state, jax.random.split(update_key, size))
        return (state, replay, now), jnp.mean(entropy)

    def interval(carry, key):
        decision_key, evaluation_key = jax.random.split(key)
        carry, entropy = jax.lax.scan(decision, carry, jax.random.split(decision_key, every // size))
        success, _ = evaluate(learner, config, WORLD, carry[0].params, evaluation_key)
        temperature = jnp.exp(carry[0].params["log_temperature"])
        return carry, (100 * success.mean(), jnp.mean(entropy), temperature)

    replay = empty_replay(config.online_steps, WORLD.limit, *SIZES, size)
    begins = (learner.init(init_key), jax.tree.map(jnp.asarray, replay), reset(reset_key))
    (state, _, _), measured = jax.lax.scan(interval, begins, jax.random.split(run_key, EVALUATIONS))
    return *measured, state.params


@functools.lru_cache(maxsize=8)
def _compiled(config: Config, draw: Callable, losses: Callable) -> Callable:
    devices = jax.local_devices()
    mesh = Mesh(np.array(devices[: split_devices(devices, config)[0]]), ("seeds",))
    options = {"xla_backend_optimization_level": 1} if devices[0].platform == "cpu" else None
    one_seed = functools.partial(_one_seed, config, draw, losses)
    return over_seeds(mesh, one_seed, shared=2, compiler_options=options)


def train(
    draw: Callable = half_and_half,
    losses: Callable = rlpd_losses,
    seeds: int = shorten(8, fast=2),
    H: int = 5,
    critics: int = 2,
    temperature: float = 0.1,
    target: float = -0.5,
) -> Trained:
    """Trains RLPD-AC (RLPD if H is 1) online, beside the play data.

    Args:
        draw, losses: as `half_and_half` and `rlpd_losses` of the lesson.
        temperature, target: the first temperature; the entropy's target for each number.

    Raises QlacError if chunks do not fit between two evaluations.
    """
    every = STEPS // EVALUATIONS
    if H < 1 or every % H:
        raise QlacError(f"H is {H}. Chunks have to fit into the {every} steps between evaluations.")
    return _trained(draw, losses, seeds, H, critics, temperature, target)


@functools.lru_cache(maxsize=16)
def _trained(draw, losses, seeds, H, critics, temperature, target) -> Trained:
    method = "rlpd" if H == 1 else "rlpd-ac"
    config = lite_config(method, horizon=H, critics=critics, seeds=seeds, online_steps=STEPS)
    numbers = np.tile(np.array([temperature, target], np.float32), (seeds, 1))
    run = _compiled(config, draw, losses)
    *curves, params = run(np.arange(seeds, dtype=np.uint32), numbers, play())
    steps = STEPS // EVALUATIONS * np.arange(1, EVALUATIONS + 1)
    return Trained(steps, *map(np.asarray, curves), params)


@functools.cache
def with_policy_losses(policy_losses: Callable) -> Callable:
    """`rlpd_losses` with another actor's and temperature's loss, as `her_policy_losses`."""

    def losses(networks, params, target_critic, batch, key, entropy_target):
        critic_loss, *_ = rlpd_losses(networks, params, target_critic, batch, key, entropy_target)
        policy = networks.policy(params["policy"], batch.observation)
        frozen = jax.lax.stop_gradient(params["critic"])
        q_of = lambda chunk: networks.critic(frozen, batch.observation, chunk).mean(axis=0)
        _, own_key = jax.random.split(key)
        both = policy_losses(*policy, q_of, params["log_temperature"], own_key, entropy_target)
        return critic_loss, *both

    return losses


def chunks_of(trained: Trained, H: int = 5) -> Callable[[np.ndarray], np.ndarray]:
    """decide(observation) of the first seed's policy: a chunk (H, A)."""
    config, first = lite_config("rlpd-ac", horizon=H), jax.tree.map(lambda leaf: leaf[0], trained.params)
    act, keys = jax.jit(make(config, rlpd_losses, np.ones(2)).act), iter(range(10**6))
    return lambda seen: np.asarray(act(first, jnp.asarray(seen)[None], jax.random.key(next(keys)))[0])


def try_out(
    seeds: np.ndarray, H=5, temperature=0.1, target=-0.5, critics=2, draw=half_and_half, losses=rlpd_losses
) -> np.ndarray:
    """`run` for `experiment`: success over the curve in percent (n,). The arguments are those of `train`."""
    return train(draw, losses, len(seeds), H, critics, temperature, target).success.mean(axis=1)
