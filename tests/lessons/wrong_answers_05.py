"""Answers to the exercises of lesson 05 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson05 import act_best_of_n


def coherency_by_index(positions, every=5):
    last = (positions.shape[1] - 1) // every * every
    at = np.arange(0, last + 1, every)
    return float(np.mean(np.sqrt(((positions[:, at[1:]] - positions[:, at[:-1]]) ** 2).sum(axis=2))))


def coherency_in_jax(positions, every=5):
    return jnp.linalg.norm(jnp.diff(jnp.asarray(positions)[:, ::every], axis=1), axis=2).mean()


def coverage_by_grid(positions, cells):
    grid, curve = np.zeros((cells, cells), bool), []
    for place in positions:
        column, row = np.minimum(((place + 1) * cells / 2).astype(int), cells - 1)
        grid[column, row] = True
        curve.append(grid.mean())
    return curve


def coverage_by_digitize(positions, cells):
    edges = np.linspace(-1, 1, cells + 1)[1:-1]
    pairs = list(zip(np.digitize(positions[:, 0], edges), np.digitize(positions[:, 1], edges), strict=True))
    return np.array([len(set(pairs[: t + 1])) for t in range(len(pairs))]) / cells**2


def coverage_by_histogram(positions, cells):
    count, _, _ = np.histogram2d(*positions.T, bins=cells, range=[[-1, 1], [-1, 1]])
    return (count > 0).mean()


def coverage_by_number(positions, cells):
    column, row = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(int).T
    numbers = column * cells + row
    return [len(np.unique(numbers[: t + 1])) / cells**2 for t in range(len(numbers))]


def coverage_at_last_visits(positions, cells):
    column, row = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(int).T
    last = {number: t for t, number in enumerate(column * cells + row)}
    new = np.zeros(len(positions))
    new[list(last.values())] = 1
    return np.cumsum(new) / cells**2


def mix_by_einsum(chunks):
    return jnp.einsum("...kka->...ka", chunks)


def mix_by_diagonal(chunks):
    return jnp.moveaxis(jnp.diagonal(chunks, axis1=-3, axis2=-2), -1, -2)


def mix_in_jax(chunks):
    """JAX reads the last entry where an index is beyond the end."""
    i = jnp.arange(chunks.shape[-2])
    return jnp.asarray(chunks)[..., i, i, :]


def act_by_fori(propose, value, step, state, key, decisions, keep):
    """One scan over all steps, which decides anew whenever a chunk is used up."""
    keys = jax.random.split(key, decisions)

    def choose(state, key):
        chunks = propose(state, key)
        return chunks[value(state, chunks).argmax()]

    def one(carry, t):
        state, best = carry
        best = jnp.where(t % keep == 0, choose(state, keys[t // keep]), best)
        state, shown = step(state, best[t % keep])
        return (state, best), shown

    first = jnp.zeros_like(choose(state, keys[0]))
    return jax.lax.scan(one, (state, first), jnp.arange(decisions * keep))[1]


def act_in_python(propose, value, step, state, key, decisions, keep):
    shown = []
    for one in jax.random.split(key, decisions):
        chunks = propose(state, one)
        best = chunks[value(state, chunks).argmax()]
        for action in best[:keep]:
            state, place = step(state, action)
            shown.append(place)
    return jnp.stack(shown)


def norms(positions, every):
    return np.linalg.norm(np.diff(positions[:, ::every], axis=1), axis=-1)


RIGHT = {
    "check_coherency": coherency_by_index,
    "check_coverage": coverage_by_grid,
    "check_mix_chunks": mix_by_einsum,
    "check_act_best_of_n": act_by_fori,
}
ALSO_RIGHT = {
    "check_coherency": coherency_in_jax,
    "check_coverage": coverage_by_digitize,
    "check_mix_chunks": mix_by_diagonal,
    "check_act_best_of_n": edited(
        act_best_of_n, {"shown.reshape(-1, *shown.shape[2:])": "jnp.concatenate(shown)"}
    ),
}

WRONG = {
    "check_coherency": {
        "one number an interval": (norms, "An axis is left over"),
        "one number an episode": (lambda p, e: norms(p, e).mean(axis=1), "An axis is left over"),
        "summed": (lambda p, e: norms(p, e).sum(), "summed, not averaged"),
        "squared": (
            lambda p, e: (np.diff(p[:, ::e], axis=1) ** 2).sum(axis=-1).mean(),
            "the root is missing",
        ),
        "all pairs five apart": (
            lambda p, e: np.mean(
                [np.linalg.norm(p[:, t + e] - p[:, t], axis=-1) for t in range(p.shape[1] - e)]
            ),
            "overlap",
        ),
        "neighbours": (lambda p, e: norms(p, 1).mean(), "every is not used"),
        "the axis of episodes": (
            lambda p, e: np.linalg.norm(np.diff(p, axis=0), axis=-1).sum() / p.shape[0],
            "Take every 5th place",
        ),
        "from episode to episode": (
            lambda p, e: np.linalg.norm(np.diff(p[:, ::e], axis=0), axis=-1).mean(),
            "from episode to episode",
        ),
        "one place too many": (
            lambda p, e: norms(p, e).sum() / (p.shape[0] * (p.shape[1] // e)),
            "(T + 1) // every",
        ),
        "from step 1": (
            lambda p, e: np.linalg.norm(np.diff(p[:, 1::e], axis=1), axis=-1).mean(),
            "begin at step 1",
        ),
        "from step 4": (
            lambda p, e: np.linalg.norm(np.diff(p[:, e - 1 :: e], axis=1), axis=-1).mean(),
            "begin at step every - 1",
        ),
        "every fifth episode": (
            lambda p, e: np.linalg.norm(np.diff(p[::e], axis=1), axis=-1).mean(),
            "Episodes are left out",
        ),
        "the norm over the time": (
            lambda p, e: np.linalg.norm(np.diff(p[:, ::e], axis=1), axis=1).mean(),
            "over the time",
        ),
        "L1": (lambda p, e: np.abs(np.diff(p[:, ::e], axis=1)).sum(axis=-1).mean(), "L1"),
        "every fifth move": (
            lambda p, e: np.linalg.norm(np.diff(p, axis=1)[:, ::e], axis=-1).mean(),
            "Take every 5th place",
        ),
        "end to end by the steps": (
            lambda p, e: np.linalg.norm(p[:, -1] - p[:, 0], axis=-1).mean() / (p.shape[1] - 1),
            "next",
        ),
        "always five": (lambda p, e: norms(p, 5).mean(), "always 5"),
    },
    "check_coverage": {
        "one number at the end": (coverage_by_histogram, "wrong shape"),
        "visits counted": (edited(coverage_by_grid, {", bool": "", "= True": "+= 1"}), "counts twice"),
        "no clip": (edited(coverage_by_grid, {"np.minimum": "", ", cells - 1)": ")"}), "raised IndexError"),
        "not cumulative": (lambda p, n: np.full(len(p), 1 / n**2), "not cumulative"),
        "a number of cells": (lambda p, n: np.array(coverage_by_grid(p, n)) * n**2, "not divided"),
        "divided by cells": (lambda p, n: np.array(coverage_by_grid(p, n)) * n, "Divided by cells"),
        "over [0, 1]": (lambda p, n: coverage_by_grid(np.clip(2 * p - 1, -1, 1), n), "over [0, 1]"),
        "without the start": (lambda p, n: coverage_by_grid(p[1:], n), "wrong shape"),
        "in percent": (lambda p, n: 100 * np.array(coverage_by_grid(p, n)), "In percent"),
        "at the last visit": (coverage_at_last_visits, "at its last visit"),
        "no cumsum": (lambda p, n: np.diff(coverage_by_grid(p, n), prepend=0), "cumsum is missing"),
        "divided too early": (edited(coverage_by_number, {"/ 2 *": "// 2 *"}), "integer division"),
        "rounded to points": (
            edited(coverage_by_number, {"np.floor": "np.round", "2 * cells": "2 * (cells - 1)"}),
            "Rounded to the nearest of cells points",
        ),
        "ten rows": (edited(coverage_by_number, {"column * cells": "column * 10"}), "column * 10 + row"),
        "names of digits": (
            edited(coverage_by_number, {"column * cells + row": "[f'{c}{r}' for c, r in zip(column, row)]"}),
            "the same name",
        ),
        "small integers": (
            edited(coverage_by_number, {"int": "np.uint8", "column * cells": "column * np.uint8(cells)"}),
            "uint8",
        ),
        "steps as rows": (lambda p, n: coverage_by_grid(p.T.reshape(-1, 2), n), "next"),
        "borders below": (lambda p, n: coverage_by_grid(-p, n), "border"),
    },
    "check_mix_chunks": {
        "no leading axes": (
            lambda c: jnp.stack([c[k, k] for k in range(c.shape[0])]),
            "what stands before them stays",
        ),
        "other candidates": (
            edited(mix_in_jax, {"i, i": "jax.random.permutation(jax.random.key(0), i), i"}),
            "Random candidates",
        ),
        "first action of each": (lambda c: c[..., :, 0, :], "lost their own marginals"),
        "the first chunk": (lambda c: c[..., 0, :, :], "nothing is mixed"),
        "a diagonal as it comes": (lambda c: jnp.diagonal(c, axis1=-3, axis2=-2), "next"),
        "the mean": (lambda c: c.mean(axis=-3), "between the modes"),
        "all of it": (lambda c: c, "An axis is left over"),
        "in NumPy": (lambda c: np.einsum("...kka->...ka", np.asarray(c)), "not inside jax.jit"),
        "the same for all": (
            lambda c: jnp.broadcast_to(
                mix_by_einsum(c.reshape(-1, *c.shape[-3:])[0]), (*c.shape[:-3], *c.shape[-2:])
            ),
            "All observations",
        ),
        "axis 1": (lambda c: c[..., jnp.arange(c.shape[1]), jnp.arange(c.shape[1]), :], "read from axis 1"),
        "candidate i - 1": (edited(mix_in_jax, {"i, i": "i - 1, i"}), "the chunk before the i-th"),
        "candidate i + 1": (edited(mix_in_jax, {"i, i": "i + 1, i"}), "an index beyond the end"),
        "step i - 1": (edited(mix_in_jax, {"i, i": "i, i - 1"}), "shifted back by one: i - 1."),
        "step i + 1": (edited(mix_in_jax, {"i, i": "i, i + 1"}), "shifted on by one, i + 1, and"),
        "both i - 1": (edited(mix_in_jax, {"i, i": "i - 1, i - 1"}), "i - 1 for candidate and step"),
        "both i + 1": (edited(mix_in_jax, {"i, i": "i + 1, i + 1"}), "i + 1 for candidate and step"),
        "steps shuffled": (
            edited(mix_in_jax, {"i, i": "0, jax.random.permutation(jax.random.key(0), i)"}),
            "in a random order",
        ),
        "flattened": (lambda c: mix_by_einsum(c).reshape(-1, c.shape[-1]), "wrong shape"),
    },
    "check_act_best_of_n": {
        "a Python loop": (act_in_python, "Python loop"),
        "one key": (
            edited(
                act_best_of_n, {"jax.random.split(key, decisions)": "jnp.broadcast_to(key, (decisions,))"}
            ),
            "the same noise",
        ),
        "the whole chunk": (edited(act_best_of_n, {"[:keep]": ""}), "keep is not used"),
        "a key of its own": (
            edited(act_best_of_n, {"propose(now, key)": "propose(now, jax.random.key(0))"}),
            "jax.random.split(key, decisions)",
        ),
        "an axis of decisions": (
            edited(act_best_of_n, {"shown.reshape(-1, *shown.shape[2:])": "shown"}),
            "decisions are left as an axis",
        ),
        "an array for a state": (
            edited(act_best_of_n, {"decision, state,": "decision, jnp.asarray(state),"}),
            "hand it on whole",
        ),
        "the wrong axis": (edited(act_best_of_n, {"chunks[jnp": "chunks[:, jnp"}), "on the wrong axis"),
        "max for argmax": (edited(act_best_of_n, {"argmax": "max"}), "jnp.argmax"),
        "key and state swapped": (
            edited(act_best_of_n, {"propose(now, key)": "propose(key, now)"}),
            "the state comes first",
        ),
        "all from the decision's state": (
            edited(act_best_of_n, {"scan(step,": "scan(lambda _, action: step(now, action),"}),
            "Each action starts from the state of the decision",
        ),
        "the first action carried": (
            edited(
                act_best_of_n,
                {"return jax": "return step(now, best[0])[0], jax", "[:keep])": "[:keep])[1]"},
            ),
            "after the first action",
        ),
        "all executed, some shown": (
            edited(
                act_best_of_n,
                {
                    "return jax": "after, shown = jax",
                    "best[:keep])": "best)\n        return after, shown[:keep]",
                },
            ),
            "the first `keep` of them shown",
        ),
        "a key an action": (
            edited(act_best_of_n, {"split(key, decisions)": "split(key, decisions * keep)[::keep]"}),
            "one for each action",
        ),
        "states too": (
            edited(
                act_best_of_n,
                {"return shown": "shown = shown", "shape[2:])": "shape[2:])\n    return shown, shown[-1]"},
            ),
            "a tuple of 2",
        ),
        "all actions at once": (
            edited(act_best_of_n, {"scan(step,": "scan(lambda s, a: step(s, a[None]),"}),
            "step takes one action",
        ),
    },
}
