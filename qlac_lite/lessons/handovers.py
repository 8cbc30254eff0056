"""Agents of the lite world on their way from demonstrations to steps of their own; for lesson 11.

QC-FQL learns offline from demonstrations, and then online by a plan: what an update learns from, and what
it may move. Both phases, all plans and all seeds are calls of one compiled program.

Shapes: R seeds, P evaluations of a phase, B batch, H chunk length, A action size.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qlac_lite.agents import make_learner
from qlac_lite.agents.base import State, gradient_step
from qlac_lite.config import get_method, get_task
from qlac_lite.data.dataset import Dataset, all_chunks
from qlac_lite.data.replay import empty_replay
from qlac_lite.data.suites import lite_play
from qlac_lite.envs.lite_world import ACTION_SIZE, OBSERVATION_SIZE, LiteWorld, observe, reset
from qlac_lite.lessons.checks import lesson11
from qlac_lite.lessons.notebook import shorten
from qlac_lite.training.jax_episodes import act_and_store, evaluate
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.training.run_folder import recorded_runs
from qlac_lite.training.updates import keep_if
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.statistics import by_seed

WORLD, SIZES = LiteWorld(step=0.1), (OBSERVATION_SIZE, ACTION_SIZE)  # at most 80 actions an episode
SEEDS, EPISODES = shorten(8, fast=2), shorten(25, fast=4)  # of an evaluation
EVALUATIONS = 10  # of each phase
OFFLINE, ONLINE = shorten((1500, 500), fast=(50, 50))  # updates; environment steps
CONFIG = lite_config("qc-fql", alpha=100.0, evaluation_episodes=EPISODES)
H = CONFIG.chunk_length
FRESH, KEPT, FROZEN = HELD = ("fresh", "kept", "frozen")  # a network at the handover; a frozen one stays so
STILL = 10**9  # a warm-up that never ends: the policy stays as it was handed over


class Curves(NamedTuple):
    """Success in percent, (R, P + 1): at the handover, and after each P-th of the online steps."""

    steps: np.ndarray  # (P + 1,)
    success: np.ndarray  # (R, P + 1)

    def early(self) -> np.ndarray:
        """Mean of the evaluations after 50, 100, 150 and 200 online steps, (R,)."""
        return self.success[:, 1:5].mean(axis=1)

    def late(self) -> np.ndarray:
        """Mean of those after 250 to 500 steps, (R,)."""
        return self.success[:, 5:].mean(axis=1)

    def last(self) -> np.ndarray:
        """Mean of those after 400, 450 and 500 steps, (R,)."""
        return self.success[:, 8:].mean(axis=1)

    def windows(self) -> dict[str, np.ndarray]:
        """Success in the parts that the lesson compares, by seed, (R,) each; named by the first and last
        evaluation."""
        return {"50 to 200": self.early(), "250 to 500": self.late(), "400 to 500": self.last()}

    def over(self) -> np.ndarray:
        """Mean of the evaluations after 50 to 500 online steps, (R,)."""
        return self.success[:, 1:].mean(axis=1)


@functools.cache
def demonstrations() -> Dataset:
    """Two hundred solved tasks: the data of all runs."""
    habits, episodes = lite_play.Habits(play=False), shorten(200, fast=40)
    return jax.tree.map(
        jnp.asarray, lite_play.record(WORLD, jax.random.key(0), episodes, WORLD.limit, habits)
    )


def _two_batches(learner) -> Callable:
    """The learner's losses with two batches: what the critic learns from, and what flow and policy do."""

    def losses(params, target_critic, batches, key):
        (its, metrics), (theirs, _) = (learner.losses(params, target_critic, b, key) for b in batches)
        return theirs | {"critic": its["critic"]}, metrics

    return losses


def _one_seed(compose: Callable, seed, state: State, plan, online, held, updates, decisions, data: Dataset):
    """A phase of one seed: EVALUATIONS times so many decisions, each with so many updates.

    Args:
        plan: (3,), for `compose`.
        online: whether it acts.
        held: places in HELD of critic and flow, and whether flow and policy learn from data alone.
        updates, decisions: for each decision, for each evaluation.
    """
    learner, (critic, flow, from_data) = make_learner(CONFIG, *SIZES), held
    take_step = gradient_step(_two_batches(learner), optax.adam(CONFIG.learning_rate), CONFIG.target_rate)
    init_key, reset_key, run_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), online), 3)
    new = learner.init(init_key)
    renewed = state._replace(
        params=state.params | {"critic": new.params["critic"]}, target_critic=new.target_critic
    )
    state = keep_if(critic != HELD.index(FRESH), state, renewed)
    state = keep_if(online, state, new)

    def batch_of(key, step, replay):
        draw = (key, step, data.starts, replay.starts, replay.num_starts, CONFIG.batch_size, plan)
        from_replay, rows, moves = compose(*draw)
        chunks = lambda part, rows: all_chunks(part._replace(starts=rows), H, CONFIG.discount)
        either = lambda a, b: jnp.where(from_replay.reshape(-1, *[1] * (a.ndim - 1)), b, a)
        batch = jax.tree.map(either, chunks(data, rows), chunks(replay, rows))
        old = jax.random.randint(jax.random.fold_in(key, 1), rows.shape, 0, len(data.starts))
        return batch, keep_if(from_data, chunks(data, data.starts[old]), batch), moves | ~online

    def decision(i, carry):
        state, replay, now, key, step = carry
        act_key, again_key, update_key = jax.random.split(jax.random.fold_in(key, i), 3)
        chunk = learner.act(state.params, observe(now)[None], act_key)[0]
        replay, now, _ = act_and_store(CONFIG, WORLD, replay, now, chunk, again_key, ~online)

        def update(j, state):
            batch_key, loss_key = jax.random.split(jax.random.fold_in(update_key, j))
            *batches, moves = batch_of(batch_key, step, replay.data)
            after, _ = take_step(state, batches, loss_key)
            frozen = HELD.index(FROZEN)
            learns = dict(critic=critic != frozen, flow=moves & (flow != frozen), policy=moves)
            params = {
                name: keep_if(so, after.params[name], state.params[name]) for name, so in learns.items()
            }
            target = keep_if(learns["critic"], after.target_critic, state.target_critic)
            return after._replace(params=params, target_critic=target)

        state = jax.lax.fori_loop(0, updates, update, state)
        return state, replay, now, key, step + H

    def interval(carry, key):
        decision_key, evaluation_key = jax.random.split(key)
        state, replay, now, step = carry
        begin = (state, replay, now, decision_key, step)
        state, replay, now, _, step = jax.lax.fori_loop(0, decisions, decision, begin)
        success, _ = evaluate(learner, CONFIG, WORLD, state.params, evaluation_key)
        return (state, replay, now, step), 100 * success.mean()

    replay = empty_replay(ONLINE, WORLD.limit, *SIZES, H)
    begin = (state, jax.tree.map(jnp.asarray, replay), reset(reset_key), jnp.int32(0))
    (state, *_), success = jax.lax.scan(interval, begin, jax.random.split(run_key, EVALUATIONS))
    return state, success


@functools.lru_cache(maxsize=4)
def _compiled(compose: Callable) -> Callable:
    one = functools.partial(_one_seed, compose)
    over_seeds = jax.vmap(one, in_axes=(0, 0, *[None] * 6))
    quick = dict(xla_backend_optimization_level=0, xla_llvm_disable_expensive_passes=True)
    options = shorten(dict(xla_backend_optimization_level=1), fast=quick)
    return jax.jit(over_seeds, compiler_options=options)


@functools.lru_cache(maxsize=4)
def _offline(compose: Callable, seeds: int) -> tuple[State, np.ndarray]:
    """Trained agents, and their success after each part of the offline phase (R, P)."""
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds))
    blank = jax.eval_shape(jax.vmap(make_learner(CONFIG, *SIZES).init), keys)
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), blank)
    plan, held = np.array([0, 1, np.inf], np.float32), (HELD.index(KEPT), HELD.index(KEPT), False)
    numbers = (plan, False, held, H, OFFLINE // H // EVALUATIONS)
    state, success = _compiled(compose)(np.arange(seeds), blank, *numbers, demonstrations())
    return state, np.asarray(success)


def hand_over(
    compose: Callable = lesson11.compose,
    warm_up: float = 0,
    share: float = 0.0,
    fade: float = np.inf,
    updates: int = 5,
    critic: str = KEPT,
    flow: str = KEPT,
    from_data: bool = False,
    seeds: int = SEEDS,
) -> Curves:
    """Trains agents offline (once), and then online by a plan.

    Args:
        compose: the lesson's function.
        warm_up: environment steps before the policy moves.
        share, fade: of a batch, from the data; environment steps until it has fallen to 0.
        updates: after each chunk.
        critic: KEPT, FRESH for one that starts afresh, or FROZEN for one that no longer learns.
        flow: KEPT or FROZEN, in the same sense.
        from_data: whether flow and policy learn from data alone, whatever `compose` draws for the critic.

    Raises QlacError for a share that is none, or a fade of 0.
    """
    if not 0 <= share <= 1 or fade <= 0:
        raise QlacError(f"share is {share} and fade {fade}: a share lies between 0 and 1, a fade is above 0.")
    held = (HELD.index(critic), HELD.index(flow), from_data)
    return _handed_over(compose, warm_up, share, fade, updates, held, seeds)


@functools.lru_cache(maxsize=32)
def _handed_over(compose, warm_up, share, fade, updates, held, seeds) -> Curves:
    state, before = _offline(compose, seeds)
    plan = np.array([warm_up, share, fade], np.float32)
    numbers = (plan, True, held, updates, ONLINE // H // EVALUATIONS)
    _, success = _compiled(compose)(np.arange(seeds), state, *numbers, demonstrations())
    steps = ONLINE // EVALUATIONS * np.arange(EVALUATIONS + 1)
    return Curves(steps, np.concatenate([before[:, -1:], np.asarray(success)], axis=1))


def by_part(curves: dict[str, Curves], pairs: list[tuple[str, str]]) -> dict[str, dict[str, tuple]]:
    """Rows for `table`: of each pair of plans, the success in each part of the curve."""
    rows = {}
    for one, other in pairs:
        parts, others = (curves[name].windows() for name in (one, other))
        rows[f"{one} - {other}"] = {part: (parts[part], others[part]) for part in parts}
    return rows


def try_out(compose: Callable = lesson11.compose) -> Callable:
    """`run` for `experiment`: success over the online curve in percent, by seed (R,)."""

    def run(seeds, warm_up=0, share=0.0, fade=np.inf, updates=5, critic=KEPT, flow=KEPT, from_data=False):
        knobs = (warm_up, share, fade, updates, critic, flow, from_data)
        return hand_over(compose, *knobs, seeds=len(seeds)).over()

    return run


def desk_handovers() -> dict[str, np.ndarray]:
    """The recorded desk runs: points from the last offline evaluation to the first online one, by seed."""
    found = {}
    for run in recorded_runs("desk"):
        rows = run.rows("evaluations.csv")
        last = max(row["step"] for row in rows if row["phase"] == "offline")
        first = min(row["step"] for row in rows if row["phase"] == "online")
        ends = (("offline", last), ("online", first))
        before, after = (by_seed([row for row in rows if (row["phase"], row["step"]) == end]) for end in ends)
        alpha = f", α = {run.config.alpha:g}" * (run.config.method == "qc-fql")
        name = f"{get_task(run.config.task).title}: {get_method(run.config.method).title}{alpha}"
        found[name] = np.array([100 * (after[seed].mean() - before[seed].mean()) for seed in before])
    return found
