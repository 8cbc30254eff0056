"""Answers to the exercises of lesson 02 as learners might write them; see wrong_answers_00.py."""

import numpy as np

from qlac_lite.lessons.checks.exercise import edited


def one_step_where(r, m, q, g):
    return np.where(m > 0, r + g * np.max(q, -1), r)


def n_step_recursive(r, v, m, q, g):
    out = m * q.max(axis=1)
    for k in reversed(range(r.shape[1])):
        out = np.where(v[:, k] > 0, r[:, k] + g * out, out)
    return out


def chunk_loop(r, v, m, q, g):
    horizon = r.shape[1]
    out = g**horizon * m * q.max(axis=1)
    for k in range(horizon):
        out = out + g**k * v[:, k] * r[:, k]
    return [out, v.min(axis=1)]


def update_loop(q, s, c, y, w, rate):
    new = np.array(q)
    for i in range(len(s)):
        new[s[i], c[i]] += rate * w[i] * (y[i] - q[s[i], c[i]])
    return new


def update_outer(q, s, c, y, w, rate):
    new = q.copy()
    new[np.ix_(np.unique(s), np.unique(c))] += rate * np.mean(w * (y - q[s, c]))
    return new


RIGHT = {
    "check_one_step_target": one_step_where,
    "check_n_step_target": n_step_recursive,
    "check_chunk_target": chunk_loop,
    "check_td_update": update_loop,
}

WRONG = {
    "check_one_step_target": {
        "best of each action": (lambda r, m, q, g: r + g * q.max(axis=0)[0] * m, "max(axis=1)"),
        "a column": (lambda *args: one_step_where(*args)[:, None], "An axis is left over"),
        "every action": (lambda r, m, q, g: r[:, None] + g * m[:, None] * q, "An axis is left over"),
        "a mean": (lambda *args: one_step_where(*args).mean(), "Everything was summed"),
        "absolute values": (
            edited(one_step_where, {"np.max(q, -1)": "np.abs(q).max(axis=1)"}),
            "max(axis=1)",
        ),
        "discount squared": (edited(one_step_where, {"g * np": "g**2 * np"}), "discount * the largest"),
        "the first two actions": (edited(one_step_where, {"(q, ": "(q[:, :2], "}), "discount * the largest"),
        "never below 0": (edited(one_step_where, {"(q, -1": "(q, -1, initial=0"}), "discount * the largest"),
        "a tuple": (lambda *args: (one_step_where(*args), None), "it returned a tuple of 2"),
    },
    "check_n_step_target": {
        "mean of the rewards": (lambda r, *rest: n_step_recursive(r / r.shape[1], *rest), "discount**k"),
        "mask on everything": (
            edited(n_step_recursive, {"return out": "return m * out"}),
            "rewards of a terminal window",
        ),
        "the mask forgotten after one step": (
            edited(n_step_recursive, {"m * q": "np.where(v.sum(axis=1) == 1, 1, m) * q"}),
            "mask multiplies the bootstrap",
        ),
        "int of a float": (
            lambda r, v, *rest: [r[i, : v[i].sum()] for i in range(len(r))],
            "not whole numbers",
        ),
        "backwards": (lambda r, *rest: n_step_recursive(r[:, ::-1], *rest), "discount**k"),
        "cut windows bootstrap from nothing": (
            edited(n_step_recursive, {"m * q": "m * v[:, -1] * q"}),
            "has a future",
        ),
        "every action": (
            lambda r, v, m, q, g: np.stack([n_step_recursive(r, v, m, x[:, None], g) for x in q.T], 1),
            "axis is left over",
        ),
    },
    "check_chunk_target": {
        "target only": (lambda *args: chunk_loop(*args)[0], "wrong number of values"),
        "weight per step": (edited(chunk_loop, {"v.min(axis=1)": "v"}), "wrong shape"),
        "half a target": (edited(chunk_loop, {"[out,": "[out / 2,"}), "next"),
        "weight of the last but one step": (
            edited(chunk_loop, {"v.min(axis=1)": "v[:, max(horizon - 2, 0)]"}),
            "LAST step",
        ),
        "best of the first chunk only": (edited(chunk_loop, {"q.max(axis=1)": "q[:, 0]"}), "one-step target"),
        "mean of rewards": (edited(chunk_loop, {"* r[:, k]": "* r[:, k] / horizon"}), "discount**k"),
    },
    "check_td_update": {
        "mean over the batch": (edited(update_loop, {"rate * ": "rate / len(s) * "}), "size of the batch"),
        "axes swapped": (lambda q, s, c, *rest: update_loop(q.T.copy(), c, s, *rest), "wrong shape"),
        "a block of entries": (update_outer, "picks B entries"),
        "only the change": (edited(update_loop, {"return new": "return new - q"}), "other entries stay"),
        "a rate of a quarter": (edited(update_loop, {"rate * ": "0.25 * "}), "half of the way"),
        "squared weights": (edited(update_loop, {"w[i]": "w[i] ** 2"}), "any number from 0 on"),
        "squared weight is the same, squared error is not": (
            edited(update_loop, {"c[i]])": "c[i]]) ** 2"}),
            "half of the way",
        ),
    },
}
