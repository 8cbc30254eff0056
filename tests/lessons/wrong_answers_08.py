"""Answers to the exercises of lesson 08 as learners might write them; see wrong_answers_00.py."""

import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson08 import layout_errors, may_be_best, return_to_go, transitions_to_keep


def layout_by_readings(eef, thing):
    errors = []
    for pose, relative in ((0, 7), (7, 0)):
        away = jnp.sqrt(((thing[:, pose : pose + 3] - eef) ** 2).sum(-1))
        errors.append(jnp.median(jnp.abs(away - jnp.linalg.norm(thing[:, relative : relative + 3], axis=-1))))
    return jnp.stack(errors)


def keep_by_where(rewards, dones):
    at = np.flatnonzero(np.maximum(rewards, dones))
    return at[0] + 1 if at.size else rewards.size


def keep_by_cumsum(rewards, dones):
    before = np.cumsum(np.append(0, (rewards + dones)[:-1]))
    return np.sum(before == 0)


def return_by_matrix(rewards, discount):
    lag = np.arange(len(rewards))[None] - np.arange(len(rewards))[:, None]
    return np.where(lag >= 0, discount ** np.maximum(lag, 0), 0) @ rewards


def return_as_list(rewards, discount):
    returns = [0.0]
    for reward in reversed(rewards):
        returns.append(float(reward) + discount * returns[-1])
    return returns[:0:-1]


RIGHT = {
    "check_layout_errors": layout_by_readings,
    "check_transitions_to_keep": keep_by_where,
    "check_return_to_go": return_by_matrix,
    "check_may_be_best": lambda low, high: tuple(h >= max(low) for h in high),
}
ALSO_RIGHT = {
    "check_transitions_to_keep": keep_by_cumsum,
    "check_return_to_go": return_as_list,
    "check_may_be_best": lambda low, high: jnp.all(high[:, None] >= low[None, :], axis=1),
}


def layout_in_words(eef, thing):
    one, other = layout_errors(eef, thing)
    return "pose first" if one < other else "relative first"


def return_list_turned(rewards, discount):
    returns = [0.0]
    for reward in rewards[::-1]:
        returns.append(reward + discount * returns[-1])
    return np.array(returns[1:])


def return_in_place(rewards, discount):
    for t in range(len(rewards) - 2, -1, -1):
        rewards[t] += discount * rewards[t + 1]
    return rewards


def return_like_rewards(rewards, discount):
    returns = np.zeros_like(rewards)
    for t in range(len(rewards))[::-1]:
        returns[t] = rewards[t] + (discount * returns[t + 1] if t + 1 < len(rewards) else 0)
    return returns


def return_anew(rewards, discount):
    s, out = 0.0, []
    for reward in rewards[::-1]:
        s = reward + discount * s if reward else 0.0
        out.append(s)
    return np.array(out[::-1])


WRONG = {
    "check_layout_errors": {
        "axis forgotten": (edited(layout_errors, {", axis=1": ""}), "not right yet"),
        "every row": (edited(layout_errors, {"np.median(off)": "off"}), "An axis is left over"),
        "in words": (layout_in_words, "wrong number of values"),
        "along the rows": (edited(layout_errors, {"axis=1": "axis=0"}), "not right yet"),
        "quaternions in the length": (
            edited(layout_errors, {"0:3": "0:7", "7:10": "7:14", "- eef": "- np.pad(eef, ((0, 0), (0, 4)))"}),
            "not right yet",
        ),
        "centimetres": (edited(layout_errors, {"np.median(off)": "100 * np.median(off)"}), "not right yet"),
    },
    "check_transitions_to_keep": {
        "a mask": (lambda r, d: np.arange(len(r)) < transitions_to_keep(r, d), "wrong shape"),
        "or": (edited(transitions_to_keep, {"|": "or"}), "Entry by entry"),
        "first index of nothing": (lambda r, d: np.flatnonzero((r == 1) | (d == 1))[0] + 1, "IndexError"),
        "last flag": (
            edited(transitions_to_keep, {"np.argmax(ended)": "np.flatnonzero(ended)[-1]"}),
            "The last flag in place of the first",
        ),
        "length less the rewards": (lambda r, d: len(r) - int(r.sum()) + 1, "not right yet"),
        # What is before the first flag is dropped.
        "the other end": (lambda r, d: len(r) - transitions_to_keep(r, d) + 1, "not right yet"),
    },
    "check_return_to_go": {
        "turned": (return_list_turned, "The order is turned round"),
        "one too many": (lambda *args: np.append(return_to_go(*args), 0.0), "wrong shape"),
        "in place": (return_in_place, "changes its arguments"),
        "of the first step": (lambda r, g: np.sum(r * g ** np.arange(len(r))), "wrong shape"),
        "whole numbers": (edited(return_to_go, {"len(rewards))": "len(rewards), int)"}), "not right yet"),
        "the type of the rewards": (return_like_rewards, "cut to whole numbers"),
        "anew at 0": (return_anew, "starts anew at every reward of 0"),
        "discount squared": (lambda r, g: return_to_go(r, g**2), "not right yet"),
    },
    "check_may_be_best": {
        "indices": (lambda *args: np.flatnonzero(may_be_best(*args)), "wrong shape"),
        "argmax": (lambda low, high: np.argmax(high), "wrong shape"),
        "a chain": (lambda low, high: low <= high.max() <= high, "Entry by entry"),
        "names": (
            lambda *args: [f"method {i}" for i in np.flatnonzero(may_be_best(*args))],
            "not an array of numbers",
        ),
        "the next only": (lambda low, high: high >= np.roll(low, -1), "not right yet"),
        "a tenth": (lambda low, high: high >= high.max() - 0.1, "not right yet"),
        "a little slack": (lambda low, high: high >= low.max() - 0.005, "not right yet"),
        "fractions only": (lambda low, high: high >= min(low.max(), 1.0), "not right yet"),
        "alone is nobody's better": (lambda *args: may_be_best(*args) & (len(args[0]) > 1), "not right yet"),
        "a count": (lambda *args: np.sum(may_be_best(*args)), "wrong shape"),
    },
}
