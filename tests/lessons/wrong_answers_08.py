"""Answers to the exercises of lesson 08 as learners might write them; see wrong_answers.py."""

import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.lesson08 import layout_errors, return_to_go, transitions_to_keep


def layout_by_readings(eef, thing):
    errors = []
    for pose, relative in ((0, 7), (7, 0)):
        away = jnp.sqrt(((thing[:, pose : pose + 3] - eef) ** 2).sum(-1))
        errors.append(jnp.median(jnp.abs(away - jnp.linalg.norm(thing[:, relative : relative + 3], axis=-1))))
    return jnp.stack(errors)


def layout_without_axis(eef, thing):
    return abs(np.linalg.norm(thing[:, :3] - eef) - np.linalg.norm(thing[:, 7:10])), abs(
        np.linalg.norm(thing[:, 7:10] - eef) - np.linalg.norm(thing[:, :3])
    )


def layout_of_every_row(eef, thing):
    length = lambda v: np.linalg.norm(v, axis=1)
    return abs(length(thing[:, :3] - eef) - length(thing[:, 7:10])), abs(
        length(thing[:, 7:10] - eef) - length(thing[:, :3])
    )


def layout_in_words(eef, thing):
    one, other = layout_errors(eef, thing)
    return "pose first" if one < other else "relative first"


def layout_axis_zero(eef, thing):
    length = lambda v: np.linalg.norm(v, axis=0)
    return np.median(abs(length(thing[:, :3] - eef) - length(thing[:, 7:10]))), np.median(
        abs(length(thing[:, 7:10] - eef) - length(thing[:, :3]))
    )


def layout_with_quaternion(eef, thing):
    length = lambda v: np.linalg.norm(v, axis=1)
    pad = np.pad(eef, ((0, 0), (0, 4)))
    return np.median(abs(length(thing[:, :7] - pad) - length(thing[:, 7:]))), np.median(
        abs(length(thing[:, 7:] - pad) - length(thing[:, :7]))
    )


def layout_centimetres(eef, thing):
    one, other = layout_errors(eef, thing)
    return 100 * one, 100 * other


def keep_by_where(rewards, dones):
    at = np.flatnonzero(np.maximum(rewards, dones))
    return at[0] + 1 if at.size else rewards.size


def keep_by_cumsum(rewards, dones):
    before = np.cumsum(np.append(0, (rewards + dones)[:-1]))
    return np.sum(before == 0)


def keep_mask(rewards, dones):
    return np.arange(len(rewards)) < transitions_to_keep(rewards, dones)


def keep_with_or(rewards, dones):
    if rewards == 1 or dones == 1:
        return 1
    return len(rewards)


def keep_index_error(rewards, dones):
    return np.flatnonzero((rewards == 1) | (dones == 1))[0] + 1


def keep_last_success(rewards, dones):
    at = np.flatnonzero((rewards == 1) | (dones == 1))
    return at[-1] + 1 if len(at) else len(rewards)


def keep_rewards_sum(rewards, dones):
    return len(rewards) - int(rewards.sum()) + 1


def keep_both_ends(rewards, dones):
    """Drops what is before the first flag."""
    return len(rewards) - transitions_to_keep(rewards, dones) + 1


def return_by_matrix(rewards, discount):
    lag = np.arange(len(rewards))[None] - np.arange(len(rewards))[:, None]
    return np.where(lag >= 0, discount ** np.maximum(lag, 0), 0) @ rewards


def return_as_list(rewards, discount):
    returns = [0.0]
    for reward in reversed(rewards):
        returns.append(float(reward) + discount * returns[-1])
    return returns[:0:-1]


def return_list_turned(rewards, discount):
    returns = [0.0]
    for reward in rewards[::-1]:
        returns.append(reward + discount * returns[-1])
    return np.array(returns[1:])


def return_one_too_many(rewards, discount):
    return np.append(return_to_go(rewards, discount), 0.0)


def return_in_place(rewards, discount):
    for t in range(len(rewards) - 2, -1, -1):
        rewards[t] += discount * rewards[t + 1]
    return rewards


def return_of_first(rewards, discount):
    return np.sum(rewards * discount ** np.arange(len(rewards)))


def return_integer(rewards, discount):
    returns = np.zeros(len(rewards), int)
    later = 0
    for t in range(len(rewards) - 1, -1, -1):
        later = rewards[t] + discount * later
        returns[t] = later
    return returns


def return_like_rewards(rewards, discount):
    returns, later = np.zeros_like(rewards), 0
    for t in range(len(rewards))[::-1]:
        later = returns[t] = rewards[t] + discount * later
    return returns


def return_anew(rewards, discount):
    s, out = 0.0, []
    for reward in rewards[::-1]:
        s = reward + discount * s if reward else 0.0
        out.append(s)
    return np.array(out[::-1])


def return_squared_discount(rewards, discount):
    return return_to_go(rewards, discount**2)


def best_by_sorting(low, high):
    return [bool(value >= sorted(low)[-1]) for value in high]


def best_jax(low, high):
    return jnp.all(high[:, None] >= low[None, :], axis=1)


def best_indices(low, high):
    return np.flatnonzero(high >= low.max())


def best_argmax(low, high):
    return np.argmax(high)


def best_chain(low, high):
    return low <= high.max() <= high


def best_names(low, high):
    return [f"method {i}" for i in np.flatnonzero(high >= low.max())]


def best_neighbours(low, high):
    """Held against the next in the list only."""
    return high >= np.roll(low, -1)


def best_tenth(low, high):
    return high >= high.max() - 0.1


def best_tuple(low, high):
    return tuple(h >= max(low) for h in high)


def best_slack(low, high):
    return high >= low.max() - 0.005


def best_clipped(low, high):
    return high >= min(low.max(), 1.0)


def best_none_alone(low, high):
    return (high >= low.max()) & (len(low) > 1)


def best_count(low, high):
    return np.sum(high >= low.max())


ALSO_RIGHT = {
    "check_transitions_to_keep": keep_by_cumsum,
    "check_return_to_go": return_as_list,
    "check_may_be_best": best_jax,
}
RIGHT_TOO = {"check_may_be_best": best_tuple}
RIGHT = {
    "check_layout_errors": layout_by_readings,
    "check_transitions_to_keep": keep_by_where,
    "check_return_to_go": return_by_matrix,
    "check_may_be_best": best_tuple,
}

WRONG = {
    "check_layout_errors": {
        "axis forgotten": (layout_without_axis, "not right yet"),
        "every row": (layout_of_every_row, "An axis is left over"),
        "in words": (layout_in_words, "wrong number of values"),
        "along the rows": (layout_axis_zero, "not right yet"),
        "quaternions in the length": (layout_with_quaternion, "not right yet"),
        "centimetres": (layout_centimetres, "not right yet"),
    },
    "check_transitions_to_keep": {
        "a mask": (keep_mask, "wrong shape"),
        "or": (keep_with_or, "Entry by entry"),
        "first index of nothing": (keep_index_error, "IndexError"),
        "last flag": (keep_last_success, "The last flag in place of the first"),
        "length less the rewards": (keep_rewards_sum, "not right yet"),
        "the other end": (keep_both_ends, "not right yet"),
    },
    "check_return_to_go": {
        "turned": (return_list_turned, "The order is turned round"),
        "one too many": (return_one_too_many, "wrong shape"),
        "in place": (return_in_place, "changes its arguments"),
        "of the first step": (return_of_first, "wrong shape"),
        "whole numbers": (return_integer, "not right yet"),
        "the type of the rewards": (return_like_rewards, "cut to whole numbers"),
        "anew at 0": (return_anew, "starts anew at every reward of 0"),
        "discount squared": (return_squared_discount, "not right yet"),
    },
    "check_may_be_best": {
        "indices": (best_indices, "wrong shape"),
        "argmax": (best_argmax, "wrong shape"),
        "a chain": (best_chain, "Entry by entry"),
        "names": (best_names, "not an array of numbers"),
        "the next only": (best_neighbours, "not right yet"),
        "a tenth": (best_tenth, "not right yet"),
        "a little slack": (best_slack, "not right yet"),
        "fractions only": (best_clipped, "not right yet"),
        "alone is nobody's better": (best_none_alone, "not right yet"),
        "a count": (best_count, "wrong shape"),
    },
}
