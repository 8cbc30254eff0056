"""Answers to the exercises of lesson 05 as learners might write them; see wrong_answers.py."""

import jax
import jax.numpy as jnp
import numpy as np


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


def coverage_of_counts(positions, cells):
    count = np.zeros((cells, cells))
    curve = []
    for place in positions:
        count[tuple(np.minimum(((place + 1) * cells / 2).astype(int), cells - 1))] += 1
        curve.append(count.mean())
    return np.array(curve)


def coverage_without_clip(positions, cells):
    grid, curve = np.zeros((cells, cells), bool), []
    for place in positions:
        grid[tuple(np.floor((place + 1) * cells / 2).astype(int))] = True
        curve.append(grid.mean())
    return np.array(curve)


def cells_of(positions, cells):
    return np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1)


def coverage_by_number(index, cells, rows):
    numbers = index[:, 0] * rows + index[:, 1]
    return np.array([len(np.unique(numbers[: t + 1])) for t in range(len(numbers))]) / cells**2


def coverage_by_names(index, cells):
    names = [f"{column}{row}" for column, row in index]
    return np.array([len(set(names[: t + 1])) for t in range(len(names))]) / cells**2


def coverage_at_last_visits(positions, cells):
    column, row = cells_of(positions, cells).astype(int).T
    last = {number: t for t, number in enumerate(column * cells + row)}
    new = np.zeros(len(positions))
    new[list(last.values())] = 1
    return np.cumsum(new) / cells**2


def mix_by_einsum(chunks):
    return jnp.einsum("...kka->...ka", chunks)


def mix_by_diagonal(chunks):
    return jnp.moveaxis(jnp.diagonal(chunks, axis1=-3, axis2=-2), -1, -2)


def mix_flat_only(chunks):
    return jnp.stack([chunks[k, k] for k in range(chunks.shape[0])])


def mix_permuted(chunks):
    """Random candidates, chosen with a fixed key."""
    pick = jax.random.permutation(jax.random.key(0), chunks.shape[-2])
    return chunks[..., pick, jnp.arange(chunks.shape[-2]), :]


def mix_steps_permuted(chunks):
    """The steps of the first chunk in a random order."""
    return chunks[..., 0, jax.random.permutation(jax.random.key(0), chunks.shape[-2]), :]


def mix_at(candidate, step):
    """A diagonal that is shifted; JAX reads the last entry where an index is beyond the end."""

    def mix(chunks):
        i = jnp.arange(chunks.shape[-2])
        return jnp.asarray(chunks)[..., i + candidate, i + step, :]

    return mix


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


def act_with(**changes):
    """The answer with some of its parts replaced."""
    parts = dict(
        keys=jax.random.split,
        draw=lambda propose, state, key: propose(state, key),
        choose=lambda chunks, q: chunks[jnp.argmax(q)],
        part=lambda best, keep: best[:keep],
        end=lambda shown: jnp.reshape(shown, (-1, shown.shape[-1])),
    )
    parts |= changes

    def act(propose, value, step, state, key, decisions, keep):
        def decision(state, key):
            chunks = parts["draw"](propose, state, key)
            return jax.lax.scan(
                step, state, parts["part"](parts["choose"](chunks, value(state, chunks)), keep)
            )

        return parts["end"](jax.lax.scan(decision, state, parts["keys"](key, decisions))[1])

    return act


def act_from_the_decision(propose, value, step, state, key, decisions, keep):
    def decision(state, key):
        chunks = propose(state, key)
        best = chunks[jnp.argmax(value(state, chunks))]
        states, shown = jax.vmap(lambda action: step(state, action))(best[:keep])
        return jax.tree.map(lambda leaf: leaf[-1], states), shown

    return jnp.concatenate(jax.lax.scan(decision, state, jax.random.split(key, decisions))[1])


def act_carrying(which, part):
    """The state after one of the executed actions is the next decision's."""

    def act(propose, value, step, state, key, decisions, keep):
        def one(state, action):
            state, shown = step(state, action)
            return state, (state, shown)

        def decision(state, key):
            chunks = propose(state, key)
            states, shown = jax.lax.scan(one, state, part(chunks[jnp.argmax(value(state, chunks))], keep))[1]
            return jax.tree.map(lambda leaf: leaf[which], states), shown[:keep]

        return jnp.concatenate(jax.lax.scan(decision, state, jax.random.split(key, decisions))[1])

    return act


def act_a_key_an_action(propose, value, step, state, key, decisions, keep):
    def decision(state, keys):
        chunks = propose(state, keys[0])
        return jax.lax.scan(step, state, chunks[jnp.argmax(value(state, chunks))][:keep])

    keys = jax.random.split(key, decisions * keep).reshape(decisions, keep)
    return jnp.concatenate(jax.lax.scan(decision, state, keys)[1])


def act_in_python(propose, value, step, state, key, decisions, keep):
    shown = []
    for one in jax.random.split(key, decisions):
        chunks = propose(state, one)
        best = (
            chunks[jnp.argmax(jnp.asarray(value(state, chunks)))]
            if isinstance(chunks, jax.Array)
            else chunks[int(np.argmax(value(state, chunks)))]
        )
        for action in best[:keep]:
            state, place = step(state, action)
            shown.append(place)
    return jnp.stack(shown)


def act_states_too(*args):
    shown = act_with()(*args)
    return shown, shown[-1]


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
    "check_act_best_of_n": act_with(),
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
        "visits counted": (coverage_of_counts, "counts twice"),
        "no clip": (coverage_without_clip, "raised IndexError"),
        "not cumulative": (lambda p, n: np.full(len(p), 1 / n**2), "not cumulative"),
        "a number of cells": (lambda p, n: np.array(coverage_by_grid(p, n)) * n**2, "not divided"),
        "divided by cells": (lambda p, n: np.array(coverage_by_grid(p, n)) * n, "Divided by cells"),
        "over [0, 1]": (lambda p, n: coverage_by_grid(np.clip(2 * p - 1, -1, 1), n), "over [0, 1]"),
        "without the start": (lambda p, n: coverage_by_grid(p[1:], n), "wrong shape"),
        "in percent": (lambda p, n: 100 * np.array(coverage_by_grid(p, n)), "In percent"),
        "at the last visit": (coverage_at_last_visits, "at its last visit"),
        "no cumsum": (lambda p, n: np.diff(coverage_by_grid(p, n), prepend=0), "cumsum is missing"),
        "divided too early": (
            lambda p, n: coverage_by_number(((p + 1) // 2 * n).clip(0, n - 1), n, n),
            "integer division",
        ),
        "rounded to points": (
            lambda p, n: coverage_by_number(np.round((p + 1) / 2 * (n - 1)), n, n),
            "Rounded to the nearest of cells points",
        ),
        "ten rows": (lambda p, n: coverage_by_number(cells_of(p, n), n, 10), "column * 10 + row"),
        "names of digits": (lambda p, n: coverage_by_names(cells_of(p, n).astype(int), n), "the same name"),
        "small integers": (
            lambda p, n: coverage_by_number(cells_of(p, n).astype(np.uint8), n, np.uint8(n)),
            "uint8",
        ),
        "steps as rows": (lambda p, n: coverage_by_grid(p.T.reshape(-1, 2), n), "next"),
        "borders below": (lambda p, n: coverage_by_grid(-p, n), "border"),
    },
    "check_mix_chunks": {
        "no leading axes": (mix_flat_only, "what stands before them stays"),
        "other candidates": (mix_permuted, "Random candidates"),
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
        "candidate i - 1": (mix_at(-1, 0), "the chunk before the i-th"),
        "candidate i + 1": (mix_at(1, 0), "an index beyond the end"),
        "step i - 1": (mix_at(0, -1), "shifted back by one: i - 1."),
        "step i + 1": (mix_at(0, 1), "shifted on by one, i + 1, and"),
        "both i - 1": (mix_at(-1, -1), "i - 1 for candidate and step"),
        "both i + 1": (mix_at(1, 1), "i + 1 for candidate and step"),
        "steps shuffled": (mix_steps_permuted, "in a random order"),
        "flattened": (lambda c: mix_by_einsum(c).reshape(-1, c.shape[-1]), "wrong shape"),
    },
    "check_act_best_of_n": {
        "a Python loop": (act_in_python, "Python loop"),
        "one key": (act_with(keys=lambda key, n: jnp.broadcast_to(key, (n,))), "the same noise"),
        "the whole chunk": (act_with(part=lambda b, k: b), "keep is not used"),
        "a key of its own": (
            act_with(draw=lambda propose, s, key: propose(s, jax.random.key(0))),
            "jax.random.split(key, decisions)",
        ),
        "an axis of decisions": (act_with(end=lambda shown: shown), "decisions are left as an axis"),
        "an array for a state": (
            lambda propose, value, step, state, key, decisions, keep: act_with()(
                propose, value, step, jnp.asarray(state), key, decisions, keep
            ),
            "hand it on whole",
        ),
        "the wrong axis": (act_with(choose=lambda chunks, q: chunks[:, jnp.argmax(q)]), "on the wrong axis"),
        "max for argmax": (act_with(choose=lambda chunks, q: chunks[jnp.max(q)]), "jnp.argmax"),
        "key and state swapped": (
            act_with(draw=lambda propose, s, key: propose(key, s)),
            "the state comes first",
        ),
        "all from the decision's state": (
            act_from_the_decision,
            "Each action starts from the state of the decision",
        ),
        "the first action carried": (
            act_carrying(0, lambda best, keep: best[:keep]),
            "after the first action",
        ),
        "all executed, some shown": (
            act_carrying(-1, lambda best, keep: best),
            "the first `keep` of them shown",
        ),
        "a key an action": (act_a_key_an_action, "one for each action"),
        "states too": (act_states_too, "a tuple of 2"),
        "all actions at once": (
            lambda propose, value, step, state, key, decisions, keep: act_with()(
                propose, value, lambda s, a: step(s, a[None]), state, key, decisions, keep
            ),
            "step takes one action",
        ),
    },
}
