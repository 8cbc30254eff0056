"""Answers to the exercises of lesson 05 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson05 import act_best_of_n, explored, mean_distances


def explored_by_grid(positions, every, cells):
    last = (positions.shape[1] - 1) // every * every
    at = np.arange(0, last + 1, every)
    moves = positions[:, at[1:]] - positions[:, at[:-1]]
    coherency = float(np.mean(np.sqrt((moves**2).sum(axis=2))))
    grid = np.zeros((len(positions), cells, cells), bool)
    for number, path in enumerate(positions):
        for place in path:
            column, row = np.minimum(((place + 1) * cells / 2).astype(int), cells - 1)
            grid[number, column, row] = True
    return coherency, grid.mean()


def explored_by_digitize(positions, every, cells):
    coherency = jnp.linalg.norm(jnp.diff(jnp.asarray(positions)[:, ::every], axis=1), axis=2).mean()
    edges, shares = np.linspace(-1, 1, cells + 1)[1:-1], []
    for path in positions:
        pairs = zip(np.digitize(path[:, 0], edges), np.digitize(path[:, 1], edges), strict=True)
        shares.append(len(set(pairs)) / cells**2)
    return [coherency, np.mean(shares)]


def norms(positions, every):
    return np.linalg.norm(np.diff(positions[:, ::every], axis=1), axis=-1)


def with_coherency(coherency):
    """An answer with this coherency and the right coverage."""
    return lambda p, e, n: (coherency(p, e), explored_by_grid(p, e, n)[1])


def with_coverage(coverage):
    """An answer with the right coherency and this coverage."""
    return lambda p, e, n: (explored_by_grid(p, e, n)[0], coverage(p, n))


def share(positions, cells):
    return explored_by_grid(positions, 1, cells)[1]


def by_number(kind=int, factor=None):
    """Coverage that numbers the cells, in integers of this kind."""

    def coverage(positions, cells):
        cell = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(kind)
        numbers = cell[..., 0] * kind(factor or cells) + cell[..., 1]
        return np.mean([len(np.unique(each)) for each in numbers]) / cells**2

    return coverage


def round_the_border(positions, cells):
    cell = np.floor((positions + 1) / 2 * cells).astype(int) % cells
    return np.mean([len(np.unique(each, axis=0)) for each in cell]) / cells**2


def rounded(place):
    """Coverage by cells that are rounded to the nearest."""

    def coverage(positions, cells):
        number = np.rint(place(positions, cells))
        return np.mean([len(np.unique(each, axis=0)) for each in number]) / cells**2

    return coverage


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


def mixed_by_loop(propose, value, state, key, horizon):
    steps = []
    for i, own in enumerate(jax.random.split(key, horizon)):
        chunks = propose(state, own)
        steps.append(chunks[value(state, chunks).argmax()][i])
    return jnp.stack(steps)[None]


def mixed_by_map(propose, value, state, key, horizon):
    def best(own):
        chunks = propose(state, own)
        return chunks[jnp.argmax(value(state, chunks))]

    chosen = jax.lax.map(best, jax.random.split(key, horizon))
    return jnp.einsum("kka->ka", chosen)[None]


def shuffled(propose, value, state, key, horizon):
    own, other = jax.random.split(key)
    chunks = propose(state, own)
    return jax.random.permutation(other, chunks[jnp.argmax(value(state, chunks))])[None]


def shuffled_by_noise(propose, value, state, key, horizon):
    """No misconception's order: the hint alone helps."""
    chunks = propose(state, key)
    order = jnp.argsort(jax.random.uniform(jax.random.fold_in(key, 3), (horizon,)))
    return chunks[jnp.argmax(value(state, chunks))][order][None]


def best_of_one_proposal(propose, value, state, key, horizon):
    chunks, i = propose(state, key), jnp.arange(horizon)
    return jnp.asarray(chunks)[jnp.argsort(-value(state, chunks))[:horizon]][i, i][None]


def distances_by_start(positions, longest):
    """Sums over starts, divided by the number of pairs."""
    curve = []
    for apart in range(1, longest + 1):
        every = [norms(positions[:, start:], apart).ravel() for start in range(apart)]
        curve.append(np.concatenate(every).mean())
    return curve


def hers(positions, longest):
    return np.array([norms(positions, apart).mean() for apart in range(1, longest + 1)])


def best_action_of_each_step(propose, value, step, state, key, decisions, keep):
    def decide(state, key):
        chunks = propose(state, key)
        best = chunks[jnp.argmax(value(state, chunks)) - 1]
        return jax.lax.scan(step, state, best[:keep])

    shown = jax.lax.scan(decide, state, jax.random.split(key, decisions))[1]
    return shown.reshape(-1, shown.shape[-1])


def mixed_from_one(propose, value, state, key, horizon):
    def choose(key):
        chunks = propose(state, key)
        return chunks[jnp.argmax(value(state, chunks))]

    chosen = jax.vmap(choose)(jax.random.split(key, horizon))
    i = jnp.arange(horizon)
    return chosen[i, i - 1][None]


def distances_from_none_apart(positions, longest):
    moves = [positions[:, apart:] - positions[:, :-apart] for apart in range(longest)]
    return np.array([np.linalg.norm(move, axis=-1).mean() for move in moves])


RIGHT = {
    "check_explored": explored_by_grid,
    "check_act_best_of_n": act_by_fori,
    "check_mixed_chunk": mixed_by_map,
    "check_mean_distances": distances_by_start,
}
ALSO_RIGHT = {
    "check_explored": explored_by_digitize,
    "check_act_best_of_n": edited(
        act_best_of_n, {"shown.reshape(-1, *shown.shape[2:])": "jnp.concatenate(shown)"}
    ),
    "check_mixed_chunk": mixed_by_loop,
    "check_mean_distances": edited(mean_distances, {"length.mean()": "np.sum(length) / length.size"}),
}

WRONG = {
    "check_explored": {
        "one number an episode": (with_coherency(lambda p, e: norms(p, e).mean(axis=1)), "wrong shape"),
        "summed": (with_coherency(lambda p, e: norms(p, e).sum()), "summed, not averaged"),
        "squared": (
            with_coherency(lambda p, e: (np.diff(p[:, ::e], axis=1) ** 2).sum(axis=-1).mean()),
            "the root is missing",
        ),
        "all pairs five apart": (
            with_coherency(lambda p, e: np.linalg.norm(p[:, e:] - p[:, :-e], axis=-1).mean()),
            "overlap",
        ),
        "neighbours": (with_coherency(lambda p, e: norms(p, 1).mean()), "every is not used"),
        "from step 1": (with_coherency(lambda p, e: norms(p[:, 1:], e).mean()), "begin at step 1"),
        "every fifth episode": (
            with_coherency(lambda p, e: norms(p[::e], 1).mean()),
            "episodes are left out",
        ),
        "the norm over the time": (
            with_coherency(lambda p, e: np.linalg.norm(np.diff(p[:, ::e], axis=1), axis=1).mean()),
            "over the time",
        ),
        "L1": (
            with_coherency(lambda p, e: np.abs(np.diff(p[:, ::e], axis=1)).sum(axis=-1).mean()),
            "L1",
        ),
        "always five": (with_coherency(lambda p, e: norms(p, 5).mean()), "always 5"),
        "every fifth move": (
            with_coherency(lambda p, e: np.linalg.norm(np.diff(p, axis=1)[:, ::e], axis=-1).mean()),
            "next",
        ),
        "T / every": (
            with_coherency(lambda p, e: norms(p, e).sum() / (len(p) * (p.shape[1] - 1) / e)),
            "divided by T / every",
        ),
        "over the records": (
            with_coherency(lambda p, e: norms(p, e).sum() / (len(p) * len(p[0, ::e]))),
            "number of records",
        ),
        "swapped": (lambda p, e, n: explored_by_grid(p, e, n)[::-1], "another order"),
        "coverage alone": (lambda p, e, n: share(p, n), "wrong number of values"),
        "a curve": (with_coverage(lambda p, n: np.cumsum(np.ones(p.shape[1])) / n**2), "wrong shape"),
        "cells from the middle": (
            edited(
                explored,
                {"np.floor((positions + 1) / 2 * cells)": "np.floor(positions * cells / 2) + cells // 2"},
            ),
            "not right yet",
        ),
        "visits counted": (with_coverage(lambda p, n: p.shape[1] / n**2), "counts twice"),
        "no clip": (
            edited(explored_by_grid, {"np.minimum": "", ", cells - 1)": ")"}),
            "raised IndexError",
        ),
        "all episodes together": (with_coverage(lambda p, n: share(p.reshape(1, -1, 2), n)), "together"),
        "a number of cells": (with_coverage(lambda p, n: share(p, n) * n**2), "not divided"),
        "divided by cells": (with_coverage(lambda p, n: share(p, n) * n), "divided by cells"),
        "over [0, 1]": (with_coverage(lambda p, n: share(np.clip(2 * p - 1, -1, 1), n)), "over [0, 1]"),
        "recorded places only": (
            lambda p, e, n: (norms(p, e).mean(), share(p[:, ::e], n)),
            "only the recorded places",
        ),
        "in percent": (with_coverage(lambda p, n: 100 * share(p, n)), "in percent"),
        "ten rows": (with_coverage(by_number(factor=10)), "No two cells may share a number"),
        "small integers": (with_coverage(by_number(np.uint8)), "uint8"),
        "unique without an axis": (
            with_coverage(
                lambda p, n: np.mean(
                    [len(np.unique(np.clip((path + 1) / 2 * n // 1, 0, n - 1))) / n**2 for path in p]
                )
            ),
            "without an axis",
        ),
        "rounded": (with_coverage(rounded(lambda p, n: (p + 1) / 2 * n)), "without a clip"),
        "rounded and clipped": (
            with_coverage(rounded(lambda p, n: np.clip((p + 1) / 2 * n, 0, n - 1 - 1e-9))),
            "half-cells at the edges",
        ),
        "rounded to n - 1": (
            with_coverage(rounded(lambda p, n: (p + 1) / 2 * (n - 1))),
            "nearest of cells - 1",
        ),
        "borders below": (with_coverage(lambda p, n: share(-p, n)), "border"),
        "round to the first cell": (with_coverage(round_the_border), "goes round to the first cell"),
        "the way, with what is left over": (
            with_coherency(lambda p, e: e * norms(p, 1).mean()),
            "the straight distance from each record",
        ),
        "the last record": (
            with_coherency(lambda p, e: norms(p[:, :-1], e).mean()),
            "up to the last record",
        ),
    },
    "check_act_best_of_n": {
        "the best action of each step": (best_action_of_each_step, "next"),
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
        "a key too many": (
            edited(act_best_of_n, {"split(key, decisions)": "split(key, decisions + 1)[1:]"}),
            "Compare with points 1 to 5 of the docstring",
        ),
        "cut chunks valued": (
            edited(act_best_of_n, {"value(now, chunks)": "value(now, chunks[:, :keep])"}),
            "before they are valued",
        ),
        "chunks cut at once": (
            edited(act_best_of_n, {"propose(now, key)": "propose(now, key)[:, :keep]"}),
            "before they are valued",
        ),
        "all actions at once": (
            edited(act_best_of_n, {"scan(step,": "scan(lambda s, a: step(s, a[None]),"}),
            "step takes one action",
        ),
    },
    "check_mixed_chunk": {
        "the steps are counted from 1": (mixed_from_one, "next"),
        "one key": (
            edited(mixed_by_loop, {"propose(state, own)": "propose(state, key)"}),
            "the key that was given",
        ),
        "no candidate axis": (edited(mixed_by_loop, {"[None]": ""}), "no axis of candidates"),
        "the first step of each": (
            edited(mixed_by_loop, {"][i])": "][0])"}),
            "no longer has the distribution",
        ),
        "values not used": (
            edited(mixed_by_map, {"jnp.argmax(value(state, chunks))": "0"}),
            "the values are not used",
        ),
        "the worst": (edited(mixed_by_map, {"argmax": "argmin"}), "worst candidates"),
        "the whole last chunk": (
            edited(mixed_by_map, {'jnp.einsum("kka->ka", chosen)': "chosen[-1]"}),
            "nothing is mixed",
        ),
        "not picked": (
            edited(mixed_by_map, {'jnp.einsum("kka->ka", chosen)[None]': "chosen"}),
            "the steps are not picked",
        ),
        "the mean": (
            edited(mixed_by_map, {'jnp.einsum("kka->ka", chosen)': "chosen.mean(axis=0)"}),
            "The mean over the chosen chunks",
        ),
        "the first of the chosen": (
            edited(mixed_by_map, {'jnp.einsum("kka->ka", chosen)': "chosen[0]"}),
            "or chosen[0] is picked",
        ),
        "in NumPy": (
            edited(mixed_by_loop, {"jnp.stack": "np.stack"}),
            "not inside jax.jit",
        ),
        "shuffled": (shuffled, "one chunk are shuffled"),
        "shuffled with the same key": (
            edited(shuffled, {"propose(state, own)": "propose(state, key)", "(other,": "(key,"}),
            "one chunk are shuffled",
        ),
        "shuffled otherwise": (shuffled_by_noise, "Shuffled steps lose their places"),
        "the best of one proposal": (best_of_one_proposal, "best H candidates of one proposal"),
        "the best of one proposal, in NumPy": (
            lambda p, v, s, k, n: p(s, k)[np.argsort(-np.asarray(v(s, p(s, k))))[np.arange(n)], np.arange(n)],
            "H chunks need H keys",
        ),
        "an index for a chunk": (
            edited(
                mixed_by_map, {"chunks[jnp.argmax(value(state, chunks))]": "jnp.argmax(value(state, chunks))"}
            ),
            "next",
        ),
    },
    "check_mean_distances": {
        "0 apart first": (distances_from_none_apart, "x[:-0] is x[:0]"),
        "pauses left out": (
            edited(mean_distances, {"length.mean()": "length[length > 0].mean()"}),
            "not right yet",
        ),
        "hers": (hers, "where chunks begin"),
        "from step 1": (
            lambda p, n: np.array([norms(p[:, 1:], apart).mean() for apart in range(1, n + 1)]),
            "one step later",
        ),
        "from the end": (lambda p, n: hers(p[:, ::-1], n), "counted from the end"),
        "means of means": (
            lambda p, n: np.array(
                [
                    np.mean([norms(p[:, s:], a).mean() for s in range(a) if s + a < p.shape[1]])
                    for a in range(1, n + 1)
                ]
            ),
            "The mean of the means",
        ),
        "as many pairs of each": (
            lambda p, n: np.array(
                [
                    np.linalg.norm(p[:, a : p.shape[1] - n + a] - p[:, :-n], axis=-1).mean()
                    for a in range(1, n + 1)
                ]
            ),
            "from the same starts",
        ),
        "cut": (lambda p, n: np.maximum.accumulate(hers(p, n)), "The peaks are cut off"),
        "speeds": (lambda p, n: mean_distances(p, n) / np.arange(1, n + 1), "a speed"),
        "one too few": (lambda p, n: mean_distances(p, n - 1), "wrong shape"),
        "from 0": (lambda p, n: np.append(0.0, mean_distances(p, n - 1)), "Two steps apart"),
        "by episode": (
            lambda p, n: np.array([mean_distances(path[None], n) for path in p]),
            "wrong shape",
        ),
        "squares": (
            lambda p, n: np.array(
                [((p[:, a:] - p[:, :-a]) ** 2).sum(axis=-1).mean() for a in range(1, n + 1)]
            ),
            "next",
        ),
    },
}
