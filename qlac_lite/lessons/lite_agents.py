"""Trained agents of the lite world at work: how often they succeed, and where they carry the puck."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from qlac_lite.agents import make_learner
from qlac_lite.config import Config
from qlac_lite.envs import lite_world
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.reports.plots import band, new_figure
from qlac_lite.training.jax_loop import Outcome
from qlac_lite.utils.errors import QlacError

MEAN, SEED_COLOURS = "#0072B2", ("#009E73", "#CC79A7")  # the latter not those of gripper and puck


class Episodes(NamedTuple):
    """New episodes of trained agents, with leading axes (agents, episodes)."""

    pucks: np.ndarray  # (agents, episodes, T + 1, 2), where the puck was; it stays at its last place
    solved: np.ndarray  # (agents, episodes) bool


def play(config: Config, world: LiteWorld, params: Any, keys: jax.Array) -> Episodes:
    """Plays an episode for each key, with each agent; chunks are executed open loop.

    Args:
        config: `execute` says how many actions of a chunk are executed before the next look.
        params: of all agents, with a leading axis (agents, ...).
        keys: (episodes,), one for each start and its pushes.
    """
    learner = make_learner(config, lite_world.OBSERVATION_SIZE, lite_world.ACTION_SIZE)

    def episode(params, key):
        def decide(carry, number):
            state, over, solved = carry
            chunk = learner.act(params, lite_world.observe(state)[None], jax.random.fold_in(key, number))[0]
            done = lite_world.execute(world, state, chunk)
            kept = jax.tree.map(lambda old, new: jnp.where(over, old, new[-1]), state, done.states)
            pucks = jnp.where(over, state.puck, done.states.puck[1:])
            ended = over | done.terminated | done.truncated
            return (kept, ended, solved | (done.terminated & ~over)), pucks

        start = lite_world.reset(key)
        decisions = jnp.arange(-(-world.limit // config.execution_length))
        (_, _, solved), pucks = jax.lax.scan(decide, (start, jnp.bool_(False), jnp.bool_(False)), decisions)
        return jnp.concatenate([start.puck[None], pucks.reshape(-1, 2)]), solved

    over_episodes = jax.vmap(episode, in_axes=(None, 0))
    pucks, solved = jax.jit(jax.vmap(over_episodes, in_axes=(0, None)))(params, keys)
    return Episodes(np.asarray(pucks), np.asarray(solved))


def success_by_agent(
    config: Config, world: LiteWorld, params: Any, episodes: int = 25
) -> Callable[..., np.ndarray]:
    """`run` for `experiment`: the success of each trained agent in percent.

        run(agents, execute=5, push=0.0)

    `execute`: how many actions of a chunk are executed before the next look, 1 to 5. `push`: standard
    deviation of a random push at each step, in units of the largest velocity. Each agent plays `episodes`
    new episodes; all agents, and all settings, have the same starts and pushes.
    """

    def run(agents: np.ndarray, execute: int = config.chunk_length, push: float = 0.0) -> np.ndarray:
        if not 1 <= execute <= config.chunk_length or push < 0:
            raise QlacError(
                f"execute is {execute}, push is {push}: execute 1 to {config.chunk_length} actions of a "
                "chunk, and push by 0 or more."
            )
        pushed, keys = world._replace(disturbance=push), jax.random.split(jax.random.key(1000), episodes)
        chosen = jax.tree.map(lambda leaf: leaf[agents], params)
        return 100 * play(dataclasses.replace(config, execute=execute), pushed, chosen, keys).solved.mean(
            axis=1
        )

    return run


def left_alone(
    config: Config, world: LiteWorld, params: Any, execute: int, episodes: int = 25
) -> tuple[int, int]:
    """In how many failed episodes the puck never moves, and how many failed; those of `success_by_agent`."""
    keys = jax.random.split(jax.random.key(1000), episodes)
    played = play(dataclasses.replace(config, execute=execute), world, params, keys)
    moved = (played.pucks != played.pucks[:, :, :1]).any(axis=(2, 3))
    return int((~moved & ~played.solved).sum()), int((~played.solved).sum())


def draw_training(
    config: Config, world: LiteWorld, outcome: Outcome, episodes: int = 5
) -> tuple[Figure, str]:
    """Success as agents trained, and where two of them carry the puck in new episodes; with its alt text."""
    figure, (left, right) = new_figure(2, width=4.4, height=3.8)
    success = 100 * outcome.success.mean(axis=2)
    left.plot(outcome.steps, success.T, color=MEAN, linewidth=0.6, alpha=0.5)
    band(left, outcome.steps, success, f"mean of {len(success)} agents", MEAN, "o", within=(0, 100))
    left.axvline(config.offline_steps, color="0.6", linestyle=":")
    left.text(config.offline_steps, 101, " online", color="0.4", fontsize=8)
    left.set(xlabel="updates", ylabel="episodes solved (%)", ylim=(-4, 108))
    left.set_title("test episodes during training", fontsize=10)
    left.legend(fontsize=8, loc="upper left")
    keys = jax.random.split(jax.random.key(0), episodes)
    played = play(config, world, jax.tree.map(lambda leaf: leaf[:2], outcome.params), keys)
    lite_world.draw_world(right, world, [lite_world.reset(keys[0])])
    for seed, colour in enumerate(SEED_COLOURS):
        for pucks, arrived in zip(played.pucks[seed], played.solved[seed], strict=True):
            right.plot(*pucks.T, color=colour, linewidth=1.2, linestyle="-" if arrived else ":")
    counts = " and ".join(f"{solved.sum()} of {episodes}" for solved in played.solved)
    right.set_title(f"{counts} solved" + " (dotted: not)" * (not played.solved.all()), fontsize=10)
    for place, text, colour in (((-0.95, 0.16), "gripper", "#0072B2"), ((-0.55, -0.3), "puck", "#D55E00")):
        right.text(*place, text, color=colour, fontsize=9)
    right.text(lite_world.GOAL[0], -0.28, "goal", color="#D55E00", fontsize=9, ha="center")
    first, last = success[:, 0].mean(), success[:, -1].mean()
    return figure, (
        f"Left, episodes solved in percent over updates: from {first:.0f} at first to {last:.0f} at the "
        f"end, mean of {len(success)} agents. Right, the lite world from above: the puck's paths from "
        f"the left half through the gaps of the wall towards the goal on the right, {counts} solved."
    )
