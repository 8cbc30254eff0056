"""Explorers of the lite world, for lesson 05: clones, agents with a critic, and ways to execute their chunks.

Shapes: R seeds, E episodes, T steps, N candidates, H chunk, A action, S observation. Lengths are in
half-widths of the world.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import make_learner
from qlac_lite.data.dataset import Dataset, sample
from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.envs.lite_world import LiteWorld, WorldState
from qlac_lite.lessons.checks import lesson05
from qlac_lite.lessons.notebook import shorten
from qlac_lite.training.jax_loop import lite_config, train_lite
from qlac_lite.utils.errors import QlacError

WORLD, H, A, S = LiteWorld(step=0.08), 5, lite_world.ACTION_SIZE, lite_world.OBSERVATION_SIZE
SEEDS = shorten(8, fast=2)
LIMIT = shorten(WORLD.limit, fast=40)  # steps of an episode
UPDATES = shorten(2500, fast=100)  # of a clone
PHASES = shorten((1000, 3000, 1000), fast=(50, 50, 50))  # offline, online, between evaluations; of an agent
CELLS = 20  # along each axis
HABITS = lite_play.PLAY  # of the demonstrator
QUICK = {"xla_backend_optimization_level": 1}  # compiles faster, and is as fast


class Explorer(NamedTuple):
    """What proposes chunks, what values them, and how many actions are executed before the next look."""

    params: Any  # with a leading axis (R, ...)
    propose: Callable  # params of one seed, state, key -> (N, H, A)
    value: Callable  # params of one seed, state, chunks (N, H, A) -> (N,)
    keep: int


def indifferent(params: Any, state: WorldState, chunks: jax.Array) -> jax.Array:
    """Values every chunk alike, so that the first one is taken."""
    return jnp.zeros(len(chunks))


def _see(state: WorldState, count: int) -> jax.Array:
    """The observation of a state, `count` times: (count, S)."""
    return jnp.repeat(lite_world.observe(state)[None], count, axis=0)


@functools.cache
def _play_data(noise: float, smooth: float) -> Dataset:
    habits, episodes = HABITS._replace(noise=noise, smooth=smooth), shorten(400, fast=40)
    data = lite_play.record(WORLD, jax.random.key(0), episodes, 125, habits)
    return jax.tree.map(jnp.asarray, data)


@functools.lru_cache(maxsize=8)
def _clone(horizon: int, seeds: int, noise: float, smooth: float) -> Explorer:
    config = lite_config("bc") if horizon == 1 else lite_config("chunk-bc", horizon=horizon)
    learner, data = make_learner(config, S, A), _play_data(noise, smooth)

    def update(state, key):
        batch_key, loss_key = jax.random.split(key)
        batch = sample(batch_key, (data,), 64, config.chunk_length, 0.99)
        return learner.update(state, batch, loss_key)[0], None

    def one_seed(key):
        first, rest = jax.random.split(key)
        return jax.lax.scan(update, learner.init(first), jax.random.split(rest, UPDATES))[0].params

    keys = jax.random.split(jax.random.key(1), seeds)
    params = jax.block_until_ready(jax.jit(lambda keys: jax.lax.map(one_seed, keys))(keys))
    propose = lambda params, state, key: learner.act(params, _see(state, 1), key)
    return Explorer(params, propose, indifferent, horizon)


def clone(
    horizon: int, seeds: int = SEEDS, noise: float = HABITS.noise, smooth: float = HABITS.smooth
) -> Explorer:
    """A flow BC clone of the play data for each seed; it executes its chunks whole.

    Args:
        horizon: H, the length of its chunks.
        noise, smooth: of the demonstrator, see `lite_play.Habits`.
    """
    return _clone(horizon, seeds, noise, smooth)


def clones(*horizons: int) -> list[Explorer]:
    """Clones of these chunk lengths, two trained at a time."""
    _play_data(HABITS.noise, HABITS.smooth)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(clone, horizons))


def agents() -> Explorer:
    """QC agents, one a seed, after training on play and then online; N = 8 candidates."""
    offline, online, every = PHASES
    half = dict(seeds=SEEDS // 2, offline_steps=offline, online_steps=online)
    half |= dict(evaluate_every=every, evaluation_episodes=1)
    configs = [lite_config("qc", first_seed=first, **half) for first in (0, SEEDS // 2)]
    data = jax.tree.map(np.asarray, _play_data(HABITS.noise, HABITS.smooth))
    with ThreadPoolExecutor(shorten(2, fast=1)) as pool:  # one a core; each compiles
        halves = list(pool.map(lambda config: train_lite(config, WORLD, data).params, configs))
    params = jax.tree.map(lambda *leaves: np.concatenate(leaves), *halves)
    flow = make_learner(lite_config("chunk-bc"), S, A)
    critic, count = make_learner(configs[0], S, A).value, configs[0].candidates
    propose = lambda params, state, key: flow.act(params, _see(state, count), key)
    value = lambda params, state, chunks: critic(params, _see(state, len(chunks)), chunks)
    return Explorer(params, propose, value, H)


def random_held() -> Explorer:
    """A uniform action, held for H steps."""

    def propose(params, state, key):
        return jnp.repeat(jax.random.uniform(key, (1, 1, A), minval=-1, maxval=1), H, axis=1)

    return Explorer(jnp.zeros(SEEDS), propose, indifferent, H)


def mixed(explorer: Explorer, mixed_chunk: Callable = lesson05.mixed_chunk) -> Explorer:
    """The same explorer, but the steps of its chunks are independent of each other."""

    def propose(params, state, key):
        own = (functools.partial(each, params) for each in (explorer.propose, explorer.value))
        return mixed_chunk(*own, state, key, explorer.keep)

    return explorer._replace(propose=propose, value=indifferent)


def held(explorer: Explorer) -> Explorer:
    """The same explorer, but the first action of its best chunk is held for the whole chunk."""

    def propose(params, state, key):
        chunks = explorer.propose(params, state, key)
        best = chunks[jnp.argmax(explorer.value(params, state, chunks))]
        return jnp.repeat(best[None, :1], explorer.keep, axis=1)

    return explorer._replace(propose=propose, value=indifferent)


class Played(NamedTuple):
    """Episodes from task resets. An episode goes on after the task is solved."""

    places: np.ndarray  # (R, E, T + 1, 2), of the gripper
    held: np.ndarray  # (R, E, T + 1) bool, the puck is held
    solved: np.ndarray  # (R, E, T + 1) bool

    def took_puck(self) -> np.ndarray:
        """Percentage of episodes in which the gripper holds the puck at some time, (R,)."""
        return 100 * self.held.any(axis=2).mean(axis=1)

    def success(self) -> np.ndarray:
        """Percentage of episodes that are solved at some time, (R,)."""
        return 100 * self.solved.any(axis=2).mean(axis=1)


def _shown(state: WorldState) -> jax.Array:
    """(4,): the gripper's place, whether the puck is held, and whether the task is solved."""
    return jnp.append(state.gripper, jnp.array([state.held, lite_world.solved(WORLD, state)], jnp.float32))


def _step(state: WorldState, action: jax.Array) -> tuple[WorldState, jax.Array]:
    new = lite_world.step(WORLD, state, action)
    return new, _shown(new)


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4, 6), compiler_options=QUICK)
def _episodes(params, propose, value, keep, act, key, episodes):
    def episode(params, key):
        reset_key, act_key = jax.random.split(key)
        start, own = lite_world.reset(reset_key), functools.partial
        count = -(-LIMIT // keep)  # decisions, rounded up
        shown = act(own(propose, params), own(value, params), _step, start, act_key, count, keep)
        return jnp.concatenate([_shown(start)[None], shown[:LIMIT]])

    keys = jax.random.split(key, (len(jax.tree.leaves(params)[0]), episodes))
    return jax.vmap(lambda own, keys: jax.vmap(lambda key: episode(own, key))(keys))(params, keys)


def play(explorer: Explorer, episodes: int, act: Callable = lesson05.act_best_of_n) -> Played:
    """Episodes of each seed; all explorers have the same starts.

    Args:
        act: the lesson's act_best_of_n(propose, value, step, state, key, decisions, keep).
    """
    shown = np.asarray(_episodes(*explorer, act, jax.random.key(5), episodes))
    return Played(shown[..., :2], shown[..., 2] > 0, shown[..., 3] > 0)


def play_all(
    explorers: dict[str, Explorer], episodes: int, act: Callable = lesson05.act_best_of_n
) -> dict[str, Played]:
    """`play` by name, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        played = pool.map(lambda explorer: play(explorer, episodes, act), explorers.values())
        return dict(zip(explorers, played, strict=True))


def by_seed(measure: Callable, played: Played) -> np.ndarray:
    """measure(places (E, T + 1, 2)) of each seed: (R, ...)."""
    return np.array([measure(places) for places in played.places])


def coherency(places: np.ndarray) -> float:
    """The mean distance of places (E, T + 1, 2) that are five steps apart, from every step on."""
    return lesson05.mean_distances(places, 5)[-1]


def coverage(places: np.ndarray) -> float:
    """Cells that an episode visits, in percent, the mean over episodes (E, T + 1, 2)."""
    return 100 * lesson05.explored(places, 5, CELLS)[1]


REPORTS = {
    "took": Played.took_puck,
    "coherency": functools.partial(by_seed, coherency),
    "coverage": functools.partial(by_seed, coverage),
}


def try_out(seeds: np.ndarray, H=H, keep=None, mix=False, noise=0.2, smooth=0.8, report="took") -> np.ndarray:
    """`run` for `experiment`: trains a clone a seed, plays it, and measures it: (R,).

    Args:
        H: chunk length.
        keep: actions executed of each chunk; by default all.
        mix: whether the steps of a chunk are drawn apart; it needs whole chunks.
        noise, smooth: size of the demonstrator's noise, and its correlation from step to step.
        report: "took" (% of episodes), "coherency" or "coverage" (% of cells).

    Raises QlacError for a value that a knob does not have.
    """
    keep = H if keep is None else keep
    for knob, value, high in (("H", H, 10), ("keep", keep, H)):
        if value not in range(1, high + 1):
            raise QlacError(f"{knob} is {value}. Write a whole number from 1 to {high}.")
    for knob, value, high in (("noise", noise, 1), ("smooth", smooth, 0.95)):
        if not 0 <= value <= high:
            raise QlacError(f"{knob} is {value}. Write a value from 0 to {high}.")
    if report not in REPORTS:
        raise QlacError(f"report is {report!r}. Write one of: {', '.join(map(repr, REPORTS))}.")
    if mix and keep != H:
        raise QlacError("Mixed chunks are executed whole: leave keep out, or set mix=False.")
    explorer = clone(H, len(seeds), noise, smooth)
    explorer = mixed(explorer) if mix else explorer._replace(keep=keep)
    return REPORTS[report](play(explorer, shorten(50, fast=3)))
