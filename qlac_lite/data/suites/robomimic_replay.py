"""Demonstrations replayed open loop in the simulator, beside the states that were recorded."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from qlac_lite.data.records import check_numbers
from qlac_lite.data.suites.robomimic_files import Demonstration
from qlac_lite.envs.robomimic import RobomimicEnv
from qlac_lite.envs.robomimic_spec import loop_of
from qlac_lite.utils.errors import QlacError

FOLLOWS = 0.01  # metres by which the hand may miss its recorded places


def replay(content: Any, summary: dict[str, Any], count: int) -> Iterator[str]:
    """Lines on each of the first `count` demonstrations that `load.read` gives, and on all of them.

    Raises QlacError: another suite's file, no states in it, or most demonstrations don't follow theirs.
    """
    if "env_args" not in summary:
        raise QlacError(f"--replay is for robomimic's files, but this one holds {summary['domain']} data.")
    env, shown = RobomimicEnv(summary["env_args"], 1), content[:count]
    yield f"Replayed by {loop_of(summary['env_args'])}:"
    follow = 0
    for each in shown:
        hand, line = _replay_one(env, each)
        follow += hand <= FOLLOWS
        yield f"  {line}"
    told = f"{follow} of {len(shown)} demonstrations follow their recording (the hand within 1 cm)"
    if follow < len(shown) / 2:
        remedy = "Correct env_args, or record the demonstrations anew: runs are evaluated in this simulator."
        raise QlacError(f"Only {told}: they were made with other control or another simulator. {remedy}")
    yield f"{told}."


def _replay_one(env: RobomimicEnv, each: Demonstration) -> tuple[float, str]:
    """By how many metres the hand misses its places at most, and a line on the demonstration."""
    name, states = each["name"], each.get("states")
    if states is None:
        raise QlacError(f"{name} has no states to be replayed from. Extract them with robomimic's scripts.")
    check_numbers(f"{name}: states", states)
    env.reset(options={"state": states[0]})
    places, reached = each["observations"][1:, :3], [states[0]]
    hand, solved = 0.0, False
    for action, place in zip(each["actions"], places, strict=True):
        solved |= env.step(action)[2]
        reached.append(env.state())
        hand = max(hand, float(np.linalg.norm(env.effector() - place)))
    positions = slice(1, 1 + env.model.nq)
    apart = np.abs(np.array(reached[:-1]) - states)[:, positions].max()
    outcomes = ["no success" if not success else "success" for success in (solved, each["rewards"][-1])]
    found = f"states differ by up to {apart:.2g} (m, rad), the hand's place by {100 * hand:.1f} cm"
    return hand, f"{name}: {len(places)} steps; {found}; {outcomes[0]} (recorded: {outcomes[1]})"
