"""Answers to the exercises of lesson 11 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson11 import clone_chunks, compose, guided_sweep, her_delayed, mended_delayed


def chunks_by_pinv(states, actions, length, step, start, steps):
    """The fits first, then whole rounds, cut at the end."""
    size, acts = states.shape[-1], actions.shape[-1]
    gains = []
    for k in range(length):
        seen = np.concatenate([one[: len(done) - k] for one, done in zip(states, actions, strict=True)])
        done = np.concatenate([one[k:] for one in actions])
        gains.append((np.linalg.pinv(seen) @ done).reshape(size, acts))
    path = [np.array(start)]
    for _ in range(-(-steps // length)):
        look = path[-1]
        for gain in gains:
            path.append(step(path[-1], np.einsum("es,sa->ea", look, gain)))
    return np.array(path)[: steps + 1]


def delayed_by_dictionary(states, actions, delay, step, start, steps):
    """A gain is fitted when it is needed first."""
    gains, seen = {}, [start] * (delay + 1)
    path = [start]
    for t in range(steps):
        age = t if t < delay else delay
        if age not in gains:
            pairs = states[:, : actions.shape[1] - age], actions[:, age:]
            flat = [each.reshape(-1, each.shape[-1]) for each in pairs]
            gains[age] = np.linalg.lstsq(*flat, rcond=None)[0]
        path.append(step(path[-1], seen[0] @ gains[age]))
        seen = [*seen[1:], path[-1]]
    return np.stack(path)


def sweep_with_dictionaries(q, chunk_q, moves, chunks, states, weight):
    ahead, near, guides = {}, {}, {}
    for state, move, value in zip(chunks.state, chunks.move, chunk_q, strict=True):
        ahead[state] = max(value, ahead.get(state, -np.inf))
        guides[move] = max(value, guides.get(move, -np.inf))
    for state, value in zip(moves.state, q, strict=True):
        near[state] = max(value, near.get(state, -np.inf))
    target = [
        r + d * near.get(s, 0.0)
        for r, d, s in zip(moves.reward, moves.discount, moves.next_state, strict=True)
    ]
    new_q = [(y + weight * guides.get(i, y)) / (1 + weight) for i, y in enumerate(target)]
    backed = zip(chunks.reward, chunks.discount, chunks.next_state, strict=True)
    return np.array(new_q), np.array([r + d * ahead.get(s, 0.0) for r, d, s in backed])


def compose_with_where(key, step, data_starts, replay_starts, filled, size, plan):
    one, two = jax.random.split(key)
    left = jnp.clip(1 - step / plan[2], 0, 1) * plan[1]
    count = jnp.where(filled == 0, size, jnp.round(left * size))
    data = jax.random.randint(one, (size,), 0, data_starts.shape[0])
    new = jax.random.randint(two, (size,), 0, jnp.where(filled == 0, 1, filled))
    ours = ~(jnp.arange(size) < count)
    return ours, jnp.where(ours, jnp.take(replay_starts, new), jnp.take(data_starts, data)), ~(step < plan[0])


RIGHT = {
    "check_clone_chunks": chunks_by_pinv,
    "check_mended_delayed": delayed_by_dictionary,
    "check_guided_sweep": sweep_with_dictionaries,
    "check_compose": compose_with_where,
}
CHUNKS = lambda changes: edited(clone_chunks, changes)
LATE = lambda changes: edited(mended_delayed, changes)
PULLED = "(target + weight * guide) / (1 + weight)"
SWEEP = lambda changes: edited(guided_sweep, changes)
COMPOSE = lambda changes: edited(compose, changes)


def with_bias(states, actions, length, step, start, steps):
    ones = lambda x: np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)
    gains = []
    for k in range(length):
        seen, done = ones(states[:, : actions.shape[1] - k]), actions[:, k:]
        flat = [each.reshape(-1, each.shape[-1]) for each in (seen, done)]
        gains.append(np.linalg.lstsq(*flat, rcond=None)[0])
    path = [start]
    for t in range(steps):
        path.append(step(path[t], ones(path[t - t % length]) @ gains[t % length]))
    return np.stack(path)


def chunk_across(states, actions, length, step, start, steps):
    """One flat list of rows."""
    seen = states[:, :-1].reshape(-1, states.shape[-1])
    done = actions.reshape(-1, actions.shape[-1])
    gains = [np.linalg.lstsq(seen[: len(seen) - k], done[k:], rcond=None)[0] for k in range(length)]
    path = [start]
    for t in range(steps):
        path.append(step(path[t], path[t - t % length] @ gains[t % length]))
    return np.stack(path)


def chunks_by_means(states, actions, length, step, start, steps):
    """A fit for each demonstration, averaged."""
    gains = []
    for k in range(length):
        fits = [np.linalg.pinv(x[: len(u) - k]) @ u[k:] for x, u in zip(states, actions, strict=True)]
        gains.append(sum(fits) / len(fits))
    path = [start]
    for t in range(steps):
        path.append(step(path[t], path[t - t % length] @ gains[t % length]))
    return np.stack(path)


def chunks_of_pairs(states, actions, length, step, start, steps, rows):
    """`rows(T, length, k)`: the steps of a demonstration whose states are paired."""
    gains = []
    for k in range(length):
        at = np.array(rows(actions.shape[1], length, k))
        gains.append(np.linalg.pinv(np.concatenate(states[:, at])) @ np.concatenate(actions[:, at + k]))
    path = [start]
    for t in range(steps):
        path.append(step(path[t], path[t - t % length] @ gains[t % length]))
    return np.stack(path)


def reshaped(states=lambda x: x, actions=lambda x: x):
    """The rows of states or of actions in another order."""

    def answer(s, a, length, step, start, steps):
        gains = []
        for k in range(length):
            seen = states(s[:, : a.shape[1] - k]).reshape(-1, s.shape[-1])
            gains.append(np.linalg.pinv(seen) @ actions(a[:, k:]).reshape(-1, a.shape[-1]))
        path = [start]
        for t in range(steps):
            path.append(step(path[t], path[t - t % length] @ gains[t % length]))
        return np.stack(path)

    return answer


def late_with_one_gain(pairs):
    """One gain for all ages; `pairs` gives states and actions as flat rows."""

    def answer(states, actions, delay, step, start, steps):
        gain = np.linalg.lstsq(*pairs(states, actions, delay), rcond=None)[0]
        path = [start]
        for t in range(steps):
            path.append(step(path[t], path[max(0, t - delay)] @ gain))
        return np.stack(path)

    return answer


def late_padded(one_gain):
    """The start stands where a demonstration has no state of this age."""

    def answer(states, actions, delay, step, start, steps):
        gains = []
        for age in range(delay + 1):
            shift = delay if one_gain else age
            first = [states[:, :1]] * shift
            seen = np.concatenate([*first, states[:, :-1]], axis=1)[:, : actions.shape[1]]
            gains.append(np.linalg.pinv(np.concatenate(seen)) @ np.concatenate(actions))
        path = [start]
        for t in range(steps):
            path.append(step(path[t], path[max(t - delay, 0)] @ gains[min(t, delay)]))
        return np.stack(path)

    return answer


def crossed(states, actions, delay):
    seen, done = (x.reshape(-1, x.shape[-1]) for x in (states[:, :-1], actions))
    return seen[: len(seen) - delay], done[delay:]


def backwards(states, actions, delay):
    done = actions[:, : actions.shape[1] - delay]
    return [x.reshape(-1, x.shape[-1]) for x in (states[:, delay:-1], done)]


def random_marks(key, step, data_starts, replay_starts, filled, size, plan):
    """Each row of the batch is the replay's by chance."""
    new, rows, moves = compose(key, step, data_starts, replay_starts, filled, size, plan)
    return jax.random.permutation(jax.random.fold_in(key, 7), new), rows, moves


def helper_with(line, mark="np.isfinite(most)"):
    """A sweep whose own helper has another line, or another mark of what is replaced, in all three places."""
    return edited(guided_sweep, {"np.maximum.at(most, groups, values)": line, "np.isfinite(most)": mark})


def sweep_of_means(only=""):
    """Means of the groups, all or the guide's."""

    def sweep(q, chunk_q, moves, chunks, states, weight):
        def of(values, groups, i, without, name):
            some = values[groups == i]
            return (some.mean() if only in name else some.max()) if len(some) else without

        ahead = np.array([of(chunk_q, chunks.state, i, 0.0, "ahead") for i in range(states)])
        near = np.array([of(q, moves.state, i, 0.0, "near") for i in range(states)])
        target = moves.reward + moves.discount * near[moves.next_state]
        guide = [of(chunk_q, chunks.move, i, y, "guide") for i, y in enumerate(target)]
        new_q = (target + weight * np.array(guide)) / (1 + weight)
        return new_q, chunks.reward + chunks.discount * ahead[chunks.next_state]

    return sweep


def row_by_row(old_guide):
    """Values are written where the next row reads them, chunks first."""

    def sweep(q, chunk_q, moves, chunks, states, weight):
        q, guides = list(q), list(chunk_q)
        worth = guides.copy() if old_guide else guides
        best = lambda values, groups, i: max(
            (v for v, g in zip(values, groups, strict=True) if g == i), default=0
        )
        for i, end in enumerate(chunks.next_state):
            guides[i] = chunks.reward[i] + chunks.discount[i] * best(guides, chunks.state, end)
        for i, end in enumerate(moves.next_state):
            y = moves.reward[i] + moves.discount[i] * best(q, moves.state, end)
            own = [v for v, first in zip(worth, chunks.move, strict=True) if first == i]
            q[i] = (y + weight * max(own, default=y)) / (1 + weight)
        return np.array(q), np.array(guides)

    return sweep


def rounded_early(key, step, data_starts, replay_starts, filled, size, plan):
    warm_up, share, fade = plan
    one, two = jax.random.split(key)
    count = jnp.round(jnp.round(share * size) * jnp.maximum(0, 1 - step / fade))
    count = jnp.where(filled == 0, size, count)
    data = data_starts[jax.random.randint(one, (size,), 0, len(data_starts))]
    replay = replay_starts[jax.random.randint(two, (size,), 0, filled)]
    from_replay = jnp.arange(size) >= count
    return from_replay, jnp.where(from_replay, replay, data), step >= warm_up


def one_step_early(key, step, *more):
    return *compose(key, step + 1, *more)[:2], step >= more[-1][0]


def with_types(from_replay=bool, rows=int, moves=bool):
    def answer(*args):
        return tuple(
            jnp.asarray(x).astype(t) for x, t in zip(compose(*args), (from_replay, rows, moves), strict=True)
        )

    return answer


def warm_by_data(share):
    return edited(compose, {"share = jnp.where(filled > 0, share, 1)": f"share = {share}"})


def swap(answer):
    return lambda *args: answer(*args)[::-1]


SEEN = "states[:, : actions.shape[1] - k]"
LATE_SEEN = "states[:, : actions.shape[1] - age]"
GUIDE = "largest(chunk_q, chunks.move, len(q), target)"
WRONG = {
    "check_clone_chunks": {
        "across demonstrations": (chunk_across, "paired with actions of the next"),
        "closed loop": (CHUNKS({"look = path[t - k]": "look = path[t]"}), "looks at every step"),
        "last state": (CHUNKS({"look = path[t - k]": "look = path[-1]"}), "looks at every step"),
        "one look": (CHUNKS({"look = path[t - k]": "look = start"}), "never again"),
        "first gain": (CHUNKS({"look @ gains[k]": "look @ gains[0]"}), "repeats its first action"),
        "with a bias": (with_bias, "an intercept"),
        "own actions": (
            CHUNKS({"actions[:, k:]": "actions[:, : actions.shape[1] - k]"}),
            "all of them are that of age 0",
        ),
        "backwards": (
            CHUNKS({SEEN: "states[:, k:-1]", "actions[:, k:]": "actions[:, : actions.shape[1] - k]"}),
            "backwards",
        ),
        "next state": (CHUNKS({SEEN: "states[:, 1 : actions.shape[1] - k + 1]"}), "for the one before"),
        "no start": (CHUNKS({"np.stack(path)": "np.stack(path)[1:]"}), "start is missing"),
        "episodes first": (
            CHUNKS({"np.stack(path)": "np.stack(path).swapaxes(0, 1)"}),
            "Episodes come first",
        ),
        "standing world": (CHUNKS({"step(path[t], look": "step(look, look"}), "stands still"),
        "one too many": (
            CHUNKS({"k = t % length": "k = t % (length + 1)", "gains[k])": "gains[min(k, length - 1)])"}),
            "one action too many",
        ),
        "actions": (CHUNKS({"step(path[t], look @ gains[k])": "look @ gains[k]"}), "raised"),
        "a tuple": (lambda *a: (clone_chunks(*a), 0), "a tuple"),
        "short": (lambda s, a, h, f, x, t: clone_chunks(s, a, h, f, x, t - 1), "last state is missing"),
        "states at looks": (CHUNKS({"np.stack(path)": "np.stack(path)[::length]"}), "at which it looks"),
        "a state too many": (
            lambda s, a, h, f, x, t: clone_chunks(s, a, h, f, x, t + 1),
            "wrong shape",
        ),
        "last pair left out": (
            CHUNKS({SEEN: "states[:, : -k - 2]", "actions[:, k:]": "actions[:, k:-1]"}),
            "last pair",
        ),
        "first pair left out": (
            CHUNKS({SEEN: "states[:, 1 : actions.shape[1] - k]", "actions[:, k:]": "actions[:, k + 1 :]"}),
            "first pair",
        ),
        "last rows left out": (
            CHUNKS(
                {
                    SEEN: "states[:, : actions.shape[1] - length + 1]",
                    "actions[:, k:]": "actions[:, k : actions.shape[1] - length + 1 + k]",
                }
            ),
            "leaves the last `length - 1`",
        ),
        "a fit for each demonstration": (chunks_by_means, "gain is their mean"),
        "one step too old": (
            CHUNKS({SEEN: "states[:, : actions.shape[1] - k - 1]", "actions[:, k:]": "actions[:, k + 1 :]"}),
            "one step too old",
        ),
        "the first demonstration": (
            lambda s, a, *more: clone_chunks(s[:1], a[:1], *more),
            "Only the first demonstration",
        ),
        "states by time": (reshaped(states=lambda x: x.transpose(1, 0, 2)), "states are transposed"),
        "states transposed": (reshaped(states=np.transpose), "states are transposed"),
        "actions by time": (reshaped(actions=lambda x: x.transpose(1, 0, 2)), "actions are transposed"),
        "actions transposed": (reshaped(actions=np.transpose), "actions are transposed"),
        "pairs at chunk starts": (
            lambda *a: chunks_of_pairs(*a, rows=lambda long, length, k: range(0, long - k, length)),
            "pairs at chunk starts",
        ),
        "pairs of whole chunks": (
            lambda *a: chunks_of_pairs(*a, rows=lambda long, length, k: range(0, long - length + 1, length)),
            "the incomplete one left out",
        ),
        "gains reversed": (CHUNKS({"gains[k])": "gains[::-1][k])"}), "in reverse order"),
        "rolled": (
            CHUNKS({SEEN: "states[:, :-1]", "actions[:, k:]": "np.roll(actions, -k, 1)"}),
            "np.roll wraps around",
        ),
        "a delay": (
            lambda s, a, h, *more: mended_delayed(s, a, h - 1, *more),
            "A delay, not a chunk: the age",
        ),
        "a delay, one gain": (
            CHUNKS({"look = path[t - k]": "look = path[max(t - length + 1, 0)]", "gains[k])": "gains[-1])"}),
            "A delay, not a chunk, with",
        ),
    },
    "check_mended_delayed": {
        "hers": (her_delayed, "her code"),
        "hers in other words": (LATE({"gains[age])": "gains[0])"}), "her code"),
        "one gain": (LATE({"gains[age])": "gains[-1])"}), "which is younger"),
        "one gain, in other words": (
            LATE({"path[t - age] @ gains[age]": "path[max(t - delay, 0)] @ gains[delay]"}),
            "in the first ones the gain of age `delay`",
        ),
        "no delay": (LATE({"path[t - age] @ gains[age]": "path[-1] @ gains[0]"}), "delay is gone"),
        "old gain, new state": (LATE({"path[t - age] @": "path[t] @"}), "present state"),
        "present in the first steps": (
            LATE({"path[t - age] @": "(path[t] if age < delay else path[t - delay]) @"}),
            "while t < delay they act on the present",
        ),
        "last gain, present state": (
            LATE({"path[t - age] @ gains[age]": "path[-1] @ gains[-1]"}),
            "nothing is seen late",
        ),
        "waits": (
            LATE({"path[t - age] @ gains[age]": "path[t - age] @ gains[age] * float(t >= delay)"}),
            "stands still",
        ),
        "present first": (
            LATE({"age = min(t, delay)": "age = 0 if t < delay else delay"}),
            "has passed once",
        ),
        "a chunk": (LATE({"min(t, delay)": "t % (delay + 1)"}), "A chunk, not a delay"),
        "a chunk of the lesson": (
            lambda s, a, d, f, x, t: clone_chunks(s, a, d + 1, f, x, t),
            "A chunk, not",
        ),
        "later": (LATE({"path[t - age] @": "path[max(t - delay - 1, 0)] @"}), "One step too late"),
        "backwards": (
            LATE(
                {LATE_SEEN: "states[:, age:-1]", "actions[:, age:]": "actions[:, : actions.shape[1] - age]"}
            ),
            "backwards",
        ),
        "back in time": (LATE({"step(path[t], path": "step(path[t - age], path"}), "back in time"),
        "no start": (LATE({"np.stack(path)": "np.stack(path[1:])"}), "start is missing"),
        "full windows": (
            LATE(
                {
                    LATE_SEEN: "states[:, delay - age : actions.shape[1] - age]",
                    "actions[:, age:]": "actions[:, delay:]",
                }
            ),
            "first `delay` actions",
        ),
        "full windows from the start": (
            LATE(
                {
                    LATE_SEEN: "states[:, : actions.shape[1] - delay]",
                    "actions[:, age:]": "actions[:, age : actions.shape[1] - delay + age]",
                }
            ),
            "last `delay` states",
        ),
        "two gains": (LATE({"gains[age])": "gains[delay * (t >= delay)])"}), "ages between"),
        "own actions": (LATE({"actions[:, age:]": "actions[:, : actions.shape[1] - age]"}), "not right yet"),
        "one gain, crossed": (late_with_one_gain(crossed), "the next, and one gain"),
        "one gain, backwards": (late_with_one_gain(backwards), "backwards, and one gain"),
        "one age less": (
            lambda s, a, d, f, x, t: mended_delayed(s, a, max(d - 1, 0), f, x, t),
            "One step too early",
        ),
        "rolled": (
            LATE({LATE_SEEN: "np.roll(states[:, :-1], age, axis=1)", "actions[:, age:]": "actions"}),
            "np.roll wraps around",
        ),
        "padded with the start": (late_padded(one_gain=False), "younger than `age`"),
        "padded with the start, one gain": (late_padded(one_gain=True), "and one gain serves all ages"),
        "a mean gain early": (
            LATE({"gains[age])": "(gains[age] if t >= delay else sum(gains) / len(gains)))"}),
            "the mean of all gains",
        ),
        "none": (lambda *a: None, "returned None"),
    },
    "check_guided_sweep": {
        "exchanged": (swap(guided_sweep), "another order"),
        "q alone": (lambda *a: guided_sweep(*a)[0], "wrong number of values"),
        "bootstraps from chunks": (
            SWEEP({"near[moves.next_state]": "ahead[moves.next_state]"}),
            "bootstraps from the chunk critic",
        ),
        "bootstraps from new chunks": (
            SWEEP({"near = largest(q, moves.state,": "near = largest(new_chunk_q, chunks.state,"}),
            "values after the sweep",
        ),
        "one discount of moves": (SWEEP({"moves.discount * near": "0.97 * near"}), "The moves have the same"),
        "one discount of chunks": (
            SWEEP({"chunks.discount * ahead": "0.97**4 * ahead"}),
            "The chunks have the same",
        ),
        "guide of the next state": (
            SWEEP({GUIDE: "ahead[moves.next_state]"}),
            "best chunk of the next state.",
        ),
        "guide of the next state, for moves with a chunk": (
            SWEEP({GUIDE: "np.where(np.isin(moves.move, chunks.move), ahead[moves.next_state], target)"}),
            "next state, for moves",
        ),
        "chunks from q": (
            SWEEP({"ahead[chunks.next_state]": "largest(q, moves.state, states, 0)[chunks.next_state]"}),
            "chunk critic bootstraps",
        ),
        "0 as the sign of no chunk": (
            SWEEP(
                {
                    GUIDE: "largest(chunk_q, chunks.move, len(q), 0.0)",
                    PULLED: f"np.where(guide == 0, target, {PULLED})",
                }
            ),
            "old value is 0 is ignored",
        ),
        "0 as the sign, from -inf": (
            SWEEP(
                {
                    GUIDE: "largest(chunk_q, chunks.move, len(q), -np.inf)",
                    PULLED: (
                        "np.where(np.where(np.isneginf(guide), 0, guide) == 0, target, "
                        "(target + weight * np.where(np.isneginf(guide), 0, guide)) / (1 + weight))"
                    ),
                }
            ),
            "old value is 0 is ignored",
        ),
        "only values above 0": (
            SWEEP({PULLED: f"np.where(guide > 0, {PULLED}, target)"}),
            "old value is 0 or less is ignored",
        ),
        "from 0, and only values above 0": (
            SWEEP(
                {
                    "np.full(count, -np.inf)": "np.zeros(count)",
                    PULLED: f"np.where(guide > 0, {PULLED}, target)",
                }
            ),
            "not right yet",
        ),
        "new guide": (SWEEP({GUIDE: "largest(new_chunk_q, chunks.move, len(q), target)"}), "after the sweep"),
        "convex": (
            SWEEP({"(target + weight * guide) / (1 + weight)": "target + weight * (guide - target)"}),
            "1 - weight",
        ),
        "summed": (SWEEP({" / (1 + weight)": ""}), "added up"),
        "other weight": (SWEEP({"target + weight * guide": "weight * target + guide"}), "sits on the target"),
        "to 0": (SWEEP({GUIDE: "largest(chunk_q, chunks.move, len(q), 0.0)"}), "pulled to 0"),
        "to itself": (SWEEP({GUIDE: "largest(chunk_q, chunks.move, len(q), q)"}), "own old value"),
        "of the state": (
            SWEEP({GUIDE: "np.where(np.isin(moves.state, chunks.state), ahead[moves.state], target)"}),
            "whatever its first move",
        ),
        "of the state, for moves with a chunk": (
            SWEEP({GUIDE: "np.where(np.isin(moves.move, chunks.move), ahead[moves.state], target)"}),
            "for moves that begin one",
        ),
        "of the state, or 0": (
            SWEEP({GUIDE: "largest(chunk_q, chunks.state, states, 0.0)[moves.state]"}),
            "and 0 where none begins",
        ),
        "the best chunk's move alone": (
            SWEEP({PULLED: f"np.where(guide == ahead[moves.state], {PULLED}, target)"}),
            "Only the move with which",
        ),
        "one of several": (
            helper_with("most[groups] = values"),
            "Of each group the last row",
        ),
        "maximum by rows": (
            helper_with("most[groups] = np.maximum(most[groups], values)"),
            "Of each group the last row",
        ),
        "maximum by rows, of the guide": (
            SWEEP(
                {
                    "largest(chunk_q, chunks.move, len(q), target)": (
                        "np.where(np.isin(moves.move, chunks.move), "
                        "(lambda m: (m.__setitem__(chunks.move, chunk_q), m)[1])(np.zeros(len(q))), target)"
                    )
                }
            ),
            "Of the chunks of a move the last",
        ),
        "marks left": (helper_with("np.maximum.at(most, groups, values)", "most < 9"), "still -np.inf"),
        "marks left in states": (
            SWEEP(
                {
                    "largest(q, moves.state, states, 0)": "largest(q, moves.state, states, -np.inf)",
                    "largest(chunk_q, chunks.state, states, 0)": (
                        "largest(chunk_q, chunks.state, states, -np.inf)"
                    ),
                }
            ),
            "of a state and the moves of a state is still -np.inf",
        ),
        "marks left in the guide": (
            SWEEP({GUIDE: "largest(chunk_q, chunks.move, len(q), -np.inf)"}),
            "The largest of the chunks of a move is still",
        ),
        "by the end": (
            SWEEP({"largest(chunk_q, chunks.state,": "largest(chunk_q, chunks.next_state,"}),
            "those that end there",
        ),
        "moves by the end": (
            SWEEP({"largest(q, moves.state,": "largest(q, moves.next_state,"}),
            "lead there",
        ),
        "at the beginning": (
            SWEEP({"ahead[chunks.next_state]": "ahead[chunks.state]"}),
            "where a chunk begins",
        ),
        "moves at the beginning": (
            SWEEP({"near[moves.next_state]": "near[moves.state]"}),
            "where a move begins",
        ),
        "to the fourth": (SWEEP({"chunks.discount * ahead": "chunks.discount**4 * ahead"}), "twice"),
        "from 0": (SWEEP({"np.full(count, -np.inf)": "np.zeros(count)"}), "below 0"),
        "means": (sweep_of_means(), "Of each group the mean"),
        "mean guide": (sweep_of_means("guide"), "Of the chunks of a move the mean"),
        "maximum of both": (SWEEP({PULLED: "np.maximum(target, guide)"}), "larger of target and guide"),
        "maximum of both, with weight": (
            SWEEP({PULLED: "np.where(weight == 0, target, np.maximum(guide, target))"}),
            "wherever the weight is above 0",
        ),
        "row by row": (row_by_row(old_guide=False), "both tables, and the guide, too,"),
        "row by row, old guide": (row_by_row(old_guide=True), "later row of both tables reads"),
        "upwards": (
            SWEEP({"weight * guide)": "weight * np.where(guide > target, guide, target))"}),
            "upwards only",
        ),
        "smallest": (SWEEP({"-np.inf": "np.inf", "np.maximum": "np.minimum"}), "smallest value"),
        "no discount": (SWEEP({"moves.discount * near": "near"}), "not discounted"),
        "no chunk discount": (SWEEP({"chunks.discount * ahead": "ahead"}), "values of the chunks are not"),
        "no guide": (lambda q, c, m, h, s, w: guided_sweep(q, c, m, h, s, 0.0), "no guide"),
        "states without value": (
            SWEEP({"largest(q, moves.state, states, 0)": "largest(q, moves.state, states, -np.inf)"}),
            "The largest of the moves of a state is still",
        ),
        "in place": (
            lambda q, c, m, h, s, w: (q.__iadd__(1), guided_sweep(q - 1, c, m, h, s, w))[1],
            "changes its arguments",
        ),
    },
    "check_compose": {
        "exchanged": (swap(compose), "another order"),
        **{
            f"plan as {order}": (
                COMPOSE({"warm_up, share, fade = plan": f"{order} = plan"}),
                f"order: {order}",
            )
            for order in (
                "warm_up, fade, share",
                "share, warm_up, fade",
                "share, fade, warm_up",
                "fade, warm_up, share",
                "fade, share, warm_up",
            )
        },
        "two results": (lambda *a: compose(*a)[:2], "wrong number of values"),
        "of the replay": (
            COMPOSE({"count = jnp.round(share * size)": "count = jnp.round((1 - share) * size)"}),
            "not right yet",
        ),
        "replay first": (
            COMPOSE({"jnp.arange(size) >= count": "jnp.arange(size) < size - count"}),
            "come first",
        ),
        "constant": (COMPOSE({"share * jnp.maximum(0, 1 - step / fade)": "share"}), "does not fall"),
        "in one step": (
            COMPOSE({"jnp.maximum(0, 1 - step / fade)": "jnp.where(step < fade, 1, 0)"}),
            "stays until `fade`",
        ),
        "after the warm-up": (
            COMPOSE({"1 - step / fade": "1 - jnp.maximum(step - warm_up, 0) / fade"}),
            "after the warm-up only",
        ),
        "grows": (COMPOSE({"jnp.maximum(0, 1 - step / fade)": "jnp.minimum(1, step / fade)"}), "grows"),
        "an empty replay": (COMPOSE({"jnp.where(filled > 0, share, 1)": "share"}), "empty replay"),
        "first step": (
            COMPOSE(
                {
                    "share = jnp.where(filled > 0, share, 1)": "first = step == 0",
                    "share * jnp.maximum(0, 1 - step / fade)": (
                        "jnp.where(step == 0, 1, share * jnp.maximum(0, 1 - step / fade))"
                    ),
                }
            ),
            "first step",
        ),
        "until a batch is there": (warm_by_data("jnp.where(filled < size, 1, share)"), "as many rows"),
        "data in the warm-up": (
            warm_by_data("jnp.where((filled == 0) | (step < warm_up), 1, share)"),
            "data alone during",
        ),
        "all room": (COMPOSE({"jnp.maximum(filled, 1)": "len(replay_starts)"}), "not filled yet"),
        "the other way round": (COMPOSE({"step >= warm_up": "step < warm_up"}), "during the warm-up"),
        "one late": (COMPOSE({"step >= warm_up": "step > warm_up"}), "one step late"),
        "always": (COMPOSE({"step >= warm_up": "step >= 0"}), "always moves"),
        "by the replay's rows": (COMPOSE({"1 - step / fade": "1 - filled / fade"}), "falls with the rows"),
        "still while empty": (
            COMPOSE({"step >= warm_up": "jnp.where(filled > 0, step >= warm_up, False)"}),
            "while the replay is empty, too",
        ),
        "moves while empty": (
            COMPOSE({"step >= warm_up": "jnp.where(filled > 0, step >= warm_up, True)"}),
            "while the replay is empty, even in the warm-up",
        ),
        "moves with data alone": (
            COMPOSE({"step >= warm_up": "(step >= warm_up) | jnp.all(~from_replay)"}),
            "while the replay is empty, even in the warm-up",
        ),
        "half up": (
            COMPOSE({"jnp.round(share * size)": "(share * size + 0.5).astype(int)"}),
            "Half a row is always rounded up",
        ),
        "moves from step 6 on": (
            COMPOSE({"step >= warm_up": "(step >= warm_up) & (step > 5)"}),
            "`moves` asks for the step alone",
        ),
        "one too many": (COMPOSE({"jnp.arange(size) >= count": "jnp.arange(size) > count"}), "one row too"),
        "no share": (COMPOSE({"share * jnp.maximum(0, 1": "1.0 * jnp.maximum(0, 1"}), "share is ignored"),
        "at random": (random_marks, "The batch has an order"),
        "branches": (
            COMPOSE({"(from_replay, replay, data)": "(~from_replay, replay, data)"}),
            "branches of jnp.where",
        ),
        "data below filled": (
            COMPOSE({"0, len(data_starts))": "0, filled)"}),
            "drawn below `filled`",
        ),
        "another key for the replay": (
            COMPOSE({"randint(replay_key,": "randint(jax.random.fold_in(replay_key, 1),"}),
            "Only the replay's rows differ",
        ),
        "another key for the data": (
            COMPOSE({"randint(data_key,": "randint(jax.random.fold_in(data_key, 1),"}),
            "Only the data's rows differ",
        ),
        "one key": (
            COMPOSE({"data_key, replay_key = jax.random.split(key)": "data_key = replay_key = key"}),
            "one key",
        ),
        "keys exchanged": (
            COMPOSE({"data_key, replay_key =": "replay_key, data_key ="}),
            "keys are exchanged",
        ),
        "cut off": (COMPOSE({"jnp.round(share": "jnp.floor(share"}), "cut off"),
        "rounded early": (rounded_early, "rounded to whole rows before it falls"),
        "one step early": (one_step_early, "one step early"),
        "one row is empty": (
            warm_by_data("jnp.where(filled <= 1, 1, share)"),
            "a single row is taken for empty",
        ),
        "rows as floats": (with_types(rows=float), "rows has the wrong type"),
        "truth as a float": (with_types(moves=float), "moves has the wrong type"),
        "truths as floats": (with_types(from_replay=float), "from_replay has the wrong type"),
        "truths as whole numbers": (with_types(from_replay=int), "from_replay has the wrong type"),
        "marks the data": (
            COMPOSE({"return from_replay,": "return ~from_replay,"}),
            "marks the rows of the data",
        ),
        "a Python if": (
            COMPOSE({"share = jnp.where(filled > 0, share, 1)": "share = share if filled > 0 else 1"}),
            "inside jax.jit",
        ),
    },
}
