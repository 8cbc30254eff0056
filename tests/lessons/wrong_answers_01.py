"""Answers to the exercises of lesson 01 as learners might write them; see wrong_answers_00.py."""

import numpy as np

from qlac_lite.lessons.checks.exercise import edited


def build_by_chunk(p, r, g, chunks):
    columns, kernels = [], []
    for chunk in chunks:
        total, kernel = np.zeros(len(r)), np.eye(len(r))
        for k, a in enumerate(chunk):
            total = total + g**k * kernel @ r[:, a]
            kernel = kernel @ p[:, a]
        columns.append(total)
        kernels.append(kernel)
    return np.stack(columns, axis=1), np.stack(kernels, axis=1)


def build_recursive(p, r, g, chunks):
    """Right, from the last action to the first, in lists."""

    def one(chunk):
        if len(chunk) == 0:
            return np.zeros(len(r)), np.eye(len(r))
        reward, kernel = one(chunk[1:])
        return r[:, chunk[0]] + g * p[:, chunk[0]] @ reward, p[:, chunk[0]] @ kernel

    rewards, kernels = zip(*map(one, chunks), strict=True)
    return np.transpose(rewards).tolist(), np.swapaxes(kernels, 0, 1)


def build_by_states(p, r, g, chunks):
    """Right, one start state after the other, in single precision."""
    states = len(r)
    r_bar, p_bar = np.zeros((states, len(chunks))), np.zeros((states, len(chunks), states), np.float32)
    for s in range(states):
        for c, chunk in enumerate(chunks):
            where, weight = np.eye(states, dtype=np.float32)[s], 1.0
            for a in chunk:
                r_bar[s, c] += weight * where.dot(r[:, a])
                where, weight = where @ p[:, a].astype(np.float32), weight * g
            p_bar[s, c] = where
    return r_bar, p_bar


def plan_einsum(r_bar, p_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    seen = [np.amax(q, -1)]
    for _ in range(sweeps):
        q = r_bar + g**h * np.einsum("sct,t->sc", p_bar, np.amax(q, -1))
        seen.append(np.amax(q, -1))
    return q, np.argmax(q, -1), seen


def plan_of_values(r_bar, p_bar, g, h, sweeps):
    """Right, with V in between and a table of rows."""
    history = np.zeros((sweeps + 1, len(r_bar)))
    for k in range(sweeps):
        q = r_bar + g**h * (p_bar * history[k]).sum(axis=2)
        history[k + 1] = q.max(axis=1)
    return q, q.argmax(axis=1), history


def plan_last_of_equals(r_bar, p_bar, g, h, sweeps):
    """Right: of several best chunks it takes the last."""
    q, _, history = plan_of_values(r_bar, p_bar, g, h, sweeps)
    best = r_bar.shape[1] - 1 - np.isclose(q, q.max(axis=1, keepdims=True))[:, ::-1].argmax(axis=1)
    return q, best, history


class PlanKept:
    """Goes on from the table of the call before if that has the right shape."""

    q = None

    def __call__(self, r_bar, p_bar, g, h, sweeps):
        if self.q is None or self.q.shape != r_bar.shape or sweeps > 1:
            self.q = np.zeros(r_bar.shape)
        history = [np.zeros(len(r_bar))]
        for _ in range(sweeps):
            self.q = r_bar + g**h * p_bar @ self.q.max(axis=1)
            history.append(self.q.max(axis=1))
        return self.q.copy(), self.q.argmax(axis=1), history


def play_with_queue(env, choose, steps):
    """Right, with a queue of what is left of the chunk."""
    obs, _ = env.reset()
    seen, done, earned, looks, queue = [obs], [], [], [], []
    for t in range(steps):
        if len(queue) == 0:
            looks.append(t)
            queue = list(choose(obs))
        a = queue.pop(0)
        obs, reward, term, trunc, _ = env.step(a)
        seen.append(obs)
        done.append(a)
        earned.append(reward)
        if term or trunc:
            break
    return np.array(seen), np.array(done), np.array(earned), np.array(looks), term


def play_nested(env, choose, steps):
    """Right, a loop over chunks and one over their actions."""
    obs, _ = env.reset()
    seen, done, earned, looks, over = [obs], [], [], [], False
    while not over:
        looks.append(len(done))
        for a in choose(obs):
            obs, reward, term, trunc, _ = env.step(a)
            seen.append(obs)
            done.append(a)
            earned.append(reward)
            over = term or trunc or len(done) == steps
            if over:
                break
    return seen, done, earned, looks, bool(term)


def dataset_lists(obs, act, rew, h, g, stride):
    total = len(act)
    starts, chunks, returns, valid, after = [], [], [], [], []
    for t in range(0, total, stride):
        m = min(h, total - t)
        chunk = np.zeros((h, act.shape[1]))
        chunk[:m] = act[t : t + m]
        starts.append(t)
        chunks.append(chunk)
        returns.append(np.sum(rew[t : t + m] * g ** np.arange(m)))
        valid.append([True] * m + [False] * (h - m))
        after.append(obs[t + m])
    return starts, chunks, returns, valid, after


def dataset_windows(obs, act, rew, h, g, stride):
    """Right, by windows over a padded episode."""
    starts = np.arange(0, len(act), stride)
    padded = lambda x: np.concatenate([x, np.zeros((h, *x.shape[1:]))])
    windows = lambda x: np.lib.stride_tricks.sliding_window_view(padded(x), h, axis=0)[starts]
    after = obs[np.clip(starts + h, 0, len(act))]
    chunks, valid = np.moveaxis(windows(act), -1, 1), windows(np.ones(len(act)))
    return starts, chunks, windows(rew) @ g ** np.arange(h), valid, after


def learn_by_dict(data, size, g, h, sweeps):
    """Right, with a dictionary that holds recorded chunks alone."""
    rows = {}
    for n in range(len(data.states)):
        rows.setdefault((data.states[n], data.chunks[n]), []).append(n)
    q = dict.fromkeys(rows, 0.0)
    for _ in range(sweeps):
        best = np.full(size[0], -1e12)
        for (s, _c), x in q.items():
            best[s] = max(best[s], x)
        target = [
            data.returns[n] if data.over[n] else data.returns[n] + g**h * best[data.after[n]]
            for n in range(len(data.states))
        ]
        q = {pair: np.mean([target[n] for n in found]) for pair, found in rows.items()}
    table = np.full(size, -1e12)
    for (s, c), x in q.items():
        table[s, c] = x
    return table.max(axis=1), table.argmax(axis=1)


def learn_masked(data, size, g, h, sweeps):
    """Right, with a table that is never written where nothing was recorded."""
    cell = data.states * size[1] + data.chunks
    count = np.bincount(cell, minlength=size[0] * size[1])
    q = np.where(count > 0, 0.0, -np.inf)
    for _ in range(sweeps):
        value = q.reshape(size).max(axis=1)
        value[~np.isfinite(value)] = 0
        target = data.returns + g**h * (1 - data.over) * value[data.after]
        total = np.bincount(cell, target, minlength=len(count))
        q = np.where(count > 0, total / np.maximum(count, 1), -np.inf)
    return q.reshape(size).max(axis=1), q.reshape(size).argmax(axis=1)


def learn_as_shown(data, size, g, h, sweeps):
    """The broken function of the lesson, which wrong mendings keep."""
    q, count = np.zeros(size), np.zeros(size)
    np.add.at(count, (data.states, data.chunks), 1)
    for _ in range(sweeps):
        value = q.max(axis=1)
        later = data.returns + g**h * value[data.after]
        target = np.where(data.over, data.returns, later)
        total = np.zeros(size)
        np.add.at(total, (data.states, data.chunks), target)
        q = total / np.maximum(count, 1)
    q = np.where(count > 0, q, -np.inf)
    return q.max(axis=1), q.argmax(axis=1)


RIGHT = {
    "check_chunked_mdp": build_by_states,
    "check_plan": plan_einsum,
    "check_play": play_with_queue,
    "check_chunk_dataset": dataset_lists,
    "check_learn_from_chunks": learn_by_dict,
}

ALSO_RIGHT = {
    "check_chunked_mdp": build_recursive,
    "check_plan": plan_last_of_equals,
    "check_play": play_nested,
    "check_chunk_dataset": dataset_windows,
    "check_learn_from_chunks": learn_masked,
}

WRONG = {
    "check_chunked_mdp": {
        "the first chunk only": (lambda *args: tuple(x[:, 0] for x in build_by_chunk(*args)), "wrong shape"),
        "chunks first": (
            lambda *args: tuple(np.swapaxes(x, 0, 1) for x in build_by_chunk(*args)),
            "wrong shape",
        ),
        "swapped": (lambda *args: build_by_chunk(*args)[::-1], "another order"),
        "rewards only": (lambda *args: build_by_chunk(*args)[0], "wrong number of values"),
        "the last step is missing": (
            edited(build_by_chunk, {"enumerate(chunk)": "enumerate(chunk[:-1])"}),
            "last action is left out",
        ),
        "the first reward is missing": (
            edited(build_by_chunk, {"g**k": "(g**k if k else 0)"}),
            "first reward is missing",
        ),
        "one weight": (edited(build_by_chunk, {"g**k": "g"}), "Every reward has the weight discount"),
        "one weight after the first": (
            edited(build_by_chunk, {"g**k": "(g if k > 0 else 1)"}),
            "Every reward but the first",
        ),
        "product for power": (edited(build_by_chunk, {"g**k": "g * k"}), "discount * k"),
        "backwards from discount": (
            edited(build_by_chunk, {"g**k": "g ** (len(chunk) - k)"}),
            "backwards, and the last",
        ),
        "the action as exponent": (edited(build_by_chunk, {"g**k": "g**a"}), "exponent of discount"),
        "first action repeated": (
            edited(build_by_chunk, {"enumerate(chunk)": "enumerate([chunk[0]] * len(chunk))"}),
            "first action is repeated",
        ),
        "from the last action": (
            edited(build_by_chunk, {"enumerate(chunk)": "enumerate(reversed(chunk))"}),
            "from its last action to its first",
        ),
        "each action's own kernel": (
            edited(build_by_chunk, {"kernel @ r": "np.linalg.matrix_power(p[:, a], k) @ r"}),
            "own P_a is applied k times",
        ),
        "the other side": (
            edited(build_by_chunk, {"kernel @ r[:, a]": "np.einsum('sx,s->x', kernel, r[:, a])"}),
            "wrong side",
        ),
        "entry by entry": (edited(build_by_chunk, {"kernel = kernel @": "kernel *="}), "entry by entry"),
        "from ones": (
            edited(build_by_chunk, {"np.eye(len(r))": "np.ones((len(r), len(r)))"}),
            "starts from ones",
        ),
        "from zeros": (
            edited(build_by_chunk, {"np.eye(len(r))": "np.zeros((len(r), len(r)))"}),
            "starts from zeros",
        ),
        "moves, then collects": (
            edited(build_by_chunk, {"g**k * kernel": "g**k * kernel @ p[:, a]"}),
            "moves before it collects",
        ),
        "the newest kernel": (edited(build_by_chunk, {"kernel @ p": "p"}), "Only the newest action"),
        "the newest first": (
            edited(build_by_chunk, {"kernel @ p[:, a]": "p[:, a] @ kernel"}),
            "wrong order",
        ),
        "a discounted kernel": (
            edited(build_by_chunk, {"kernel = kernel @": "kernel = g * kernel @"}),
            "discounted twice",
        ),
        "weights in the kernel": (
            edited(build_by_chunk, {"g**k * kernel": "kernel", "kernel = kernel @": "kernel = g * kernel @"}),
            "p_bar is discounted",
        ),
        "the most likely path": (
            lambda p, r, g, c: build_by_chunk(np.eye(len(r))[p.argmax(axis=2)], r, g, c),
            "most likely next state",
        ),
        "the kernel goes on": (
            edited(
                build_by_chunk,
                {
                    "total, kernel = np.zeros(len(r)), np.eye(len(r))": "total = np.zeros(len(r))",
                    "columns, kernels = [], []": "columns, kernels, kernel = [], [], np.eye(len(r))",
                },
            ),
            "cloud is not reset",
        ),
        "the last chunk everywhere": (
            lambda p, r, g, c: build_by_chunk(p, r, g, [c[-1]] * len(c)),
            "Every column holds the last chunk",
        ),
        "still on a repeated action": (
            edited(
                build_by_chunk,
                {"@ p[:, a]": "@ (p[:, a] if k == 0 or a != chunk[k - 1] else np.eye(len(p)))"},
            ),
            "Every step of every chunk counts",
        ),
        "the other side, and a discounted cloud": (
            edited(
                build_by_chunk,
                {"kernel @ r": "kernel.T @ r", "kernel = kernel @": "kernel = g * kernel @"},
            ),
            "With H = 1",
        ),
        "swapped, and without a discount": (
            edited(
                build_by_chunk,
                {
                    "g**k * ": "",
                    "np.stack(columns, axis=1), np.stack(kernels, axis=1)": (
                        "np.stack(kernels, axis=1), np.stack(columns, axis=1)"
                    ),
                },
            ),
            "the results are exchanged, perhaps",
        ),
        "indices swapped": (edited(build_by_chunk, {"r[:, a]": "r[a]"}), "ValueError"),
        "nothing": (lambda *args: None, "return statement is missing"),
    },
    "check_plan": {
        "plain discount": (edited(plan_einsum, {"g**h": "g"}), "not by discount**H"),
        "one power too many": (edited(plan_einsum, {"g**h": "g ** (h + 1)"}), "discount**(H + 1)"),
        "a root": (edited(plan_einsum, {"g**h": "g ** (1 / h)"}), "root of discount"),
        "the sweep in the exponent": (
            edited(plan_einsum, {"for _": "for i", "g**h": "g ** (h * i)"}),
            "shrinks from sweep to sweep",
        ),
        "keeps its table between calls": (PlanKept(), "between calls"),
        "the reward is discounted as well": (
            edited(plan_einsum, {"r_bar + g": "g**h * r_bar + g"}),
            "reward is discounted as well",
        ),
        "a soft maximum": (
            edited(plan_einsum, {"p_bar, np.amax(q, -1)": "p_bar, np.log(np.exp(q).mean(axis=1))"}),
            "one number a state",
        ),
        "the mean": (edited(plan_einsum, {"p_bar, np.amax": "p_bar, np.mean"}), "mean over chunks"),
        "the sum over chunks": (edited(plan_einsum, {"p_bar, np.amax": "p_bar, np.sum"}), "adds up"),
        "argmax": (edited(plan_einsum, {"p_bar, np.amax": "p_bar, np.argmax"}), "for its value"),
        "the same chunk again": (
            edited(plan_einsum, {'"sct,t->sc", p_bar, np.amax(q, -1)': '"sct,tc->sc", p_bar, q'}),
            "next chunk is the same",
        ),
        "the best next state": (
            edited(plan_of_values, {"history[k]).sum(": "history[k]).max("}),
            "most favourable next state",
        ),
        "read backwards": (edited(plan_einsum, {"sct,t->": "tcs,t->"}), "read backwards"),
        "added": (edited(plan_einsum, {"q = r_bar": "q = q + r_bar"}), "added to the table"),
        "no bootstrap": (
            edited(plan_of_values, {" + g**h * (p_bar * history[k]).sum(axis=2)": ""}),
            "nothing is bootstrapped",
        ),
        "V instead of Q": (
            lambda *args: (plan_einsum(*args)[0].max(axis=1), *plan_einsum(*args)[1:]),
            "shape",
        ),
        "no row of zeros": (edited(plan_einsum, {"-1), seen": "-1), seen[1:]"}), "lacks its first row"),
        "late": (
            edited(
                plan_einsum,
                {
                    "seen.append(np.amax(q, -1))": "seen.append(before)",
                    "q = r": "before = np.amax(q, -1); q = r",
                },
            ),
            "one sweep late",
        ),
        "in place, entry by entry": (
            edited(
                plan_of_values,
                {
                    "    for k in": "    q = np.zeros(r_bar.shape)\n    for k in",
                    "q = r_bar": "for s, c in np.ndindex(q.shape): q[s, c] = r_bar[s, c]",
                    "(p_bar * history[k]).sum(axis=2)": "(p_bar[s, c] * q.max(axis=1)).sum()",
                },
            ),
            "just changed, entry by entry",
        ),
        "one sweep too few, and the best state of a chunk": (
            edited(
                plan_einsum, {"range(sweeps)": "range(sweeps - 1)", "np.argmax(q, -1)": "np.argmax(q, 0)"}
            ),
            "first sweep gives Q = r_bar",
        ),
        "the last row only": (lambda *args: (*plan_einsum(*args)[:2], plan_einsum(*args)[2][-1]), "shape"),
        "stops early": (
            edited(
                plan_of_values,
                {
                    "history[k + 1] =": (
                        "if np.allclose(history[k], q.max(axis=1)): break\n        history[k + 1] ="
                    )
                },
            ),
            "stops where nothing changes any more",
        ),
        "best by reward": (edited(plan_einsum, {"np.argmax(q": "np.argmax(r_bar"}), "largest reward"),
        "best of the average state": (
            edited(plan_einsum, {"np.argmax(q, -1)": "np.argmax(q, 0)"}),
            "Each state has its own best chunk",
        ),
        "another best chunk": (
            edited(plan_einsum, {"np.argmax(q, -1)": "np.argmax(q, -1) + 1"}),
            "Each state has its own best chunk",
        ),
        "bootstraps where the reward is largest": (
            edited(
                plan_einsum,
                {"p_bar, np.amax(q, -1)": "p_bar, q[np.arange(len(q)), np.argmax(r_bar, -1)]"},
            ),
            "chunk with the largest reward, not the largest Q",
        ),
        "best as value": (edited(plan_einsum, {"np.argmax(q": "np.amax(q"}), "not its number"),
        "tables for history": (edited(plan_einsum, {"append(np.amax(q, -1))": "append(q)"}), "unequal"),
        "swapped": (
            edited(plan_of_values, {"q, q.argmax(axis=1), h": "q.argmax(axis=1), q, h"}),
            "another order",
        ),
    },
    "check_play": {
        "a time limit hides the terminal state": (
            lambda env, *rest: (lambda r: (*r[:4], r[4] and "truncated" not in env.ends))(
                play_nested(env, *rest)
            ),
            "whatever else ends",
        ),
        "looks at every step": (
            edited(play_with_queue, {"len(queue) == 0": "True"}),
            "looks at every step",
        ),
        "from the first observation": (
            edited(play_with_queue, {"choose(obs)": "choose(seen[0])"}),
            "first one again",
        ),
        "from the observation before": (
            edited(play_with_queue, {"choose(obs)": "choose(seen[-2:][0])"}),
            "before the newest",
        ),
        "the queue from behind": (edited(play_with_queue, {"pop(0)": "pop()"}), "executed backwards"),
        "first action repeated": (
            edited(play_nested, {"in choose(obs)": "in [choose(obs)[0]] * len(choose(obs))"}),
            "first action of each chunk",
        ),
        "only terminated stops": (
            edited(play_with_queue, {"if term or trunc": "if term"}),
            "after the episode had ended",
        ),
        "never stops": (
            edited(play_with_queue, {"if term or trunc": "if False"}),
            "after the episode had ended",
        ),
        "stops between chunks only": (
            edited(play_nested, {"            if over:\n                break\n": ""}),
            "after the episode had ended",
        ),
        "whole chunks whatever steps says": (
            edited(play_nested, {"            if over:": "            if term or trunc:"}),
            "more often than `steps`",
        ),
        "no reset": (
            edited(play_with_queue, {"env.reset()": "(np.array([0.0, 1.0, 0.0]), {})"}),
            "before reset()",
        ),
        "resets at each chunk": (
            edited(play_nested, {"looks.append": "env.reset(); looks.append"}),
            "reset() was called twice",
        ),
        "steps the whole chunk": (
            edited(play_with_queue, {"queue.pop(0)": "np.array(queue); queue = []"}),
            "one action",
        ),
        "looks are counted": (
            edited(play_with_queue, {"append(t)": "append(len(looks))"}),
            "looks are counted",
        ),
        "looks from 1": (edited(play_with_queue, {"append(t)": "append(t + 1)"}), "numbered from 1"),
        "no first observation": (
            edited(
                play_with_queue,
                {"seen, done, earned, looks, queue = [obs]": "seen, done, earned, looks, queue = []"},
            ),
            "first observation is missing",
        ),
        "no last observation": (
            edited(play_with_queue, {"np.array(seen)": "np.array(seen[:-1])"}),
            "last observation",
        ),
        "a chunk that ends too early": (
            edited(play_with_queue, {"len(queue) == 0": "len(queue) <= 1"}),
            "looks one step too early",
        ),
        "the first action twice": (
            edited(play_with_queue, {"queue.pop(0)": "queue.pop(0) if done else queue[0]"}),
            "first action of the episode is executed twice",
        ),
        "the first action of each chunk twice": (
            edited(play_nested, {"in choose(obs)": "in [choose(obs)[0], *choose(obs)]"}),
            "first action of each chunk is executed twice",
        ),
        "the last step is lost": (
            edited(
                play_with_queue,
                {"        seen.append": "        if term or trunc: break\n        seen.append"},
            ),
            "step that ends the episode",
        ),
        "sums": (edited(play_with_queue, {"np.array(earned)": "np.cumsum(earned)"}), "summed up"),
        "clipped": (edited(play_with_queue, {"queue.pop(0)": "np.clip(queue.pop(0), -1, 1)"}), "clipped"),
        "done for both": (edited(play_with_queue, {"looks), term": "looks), term or trunc"}), "time limit"),
        "truncated": (edited(play_with_queue, {"looks), term": "looks), trunc"}), "in place of terminated"),
        "over at the end": (edited(play_with_queue, {"looks), term": "looks), True"}), "at every end"),
        "one chunk": (edited(play_nested, {"while not over": "for _ in range(1)"}), "Only one chunk"),
        "four values": (
            edited(play_with_queue, {", np.array(looks), term": ", term"}),
            "wrong number of values",
        ),
    },
    "check_chunk_dataset": {
        "zero actions are not valid": (
            edited(dataset_lists, {"[True] * m + [False] * (h - m)": "np.any(chunk != 0, axis=1)"}),
            "read off the actions",
        ),
        "valid as text": (
            edited(dataset_lists, {"[True] * m + [False]": "['1.0'] * m + ['0.0']"}),
            "not an array of numbers",
        ),
        "stride 1 or H": (
            edited(dataset_lists, {"total, stride)": "total, 1 if stride == 1 else h)"}),
            "neither 1 nor H",
        ),
        "stride at most H": (
            edited(dataset_lists, {"total, stride)": "total, min(stride, h))"}),
            "longer than the chunk",
        ),
        "swapped": (
            edited(dataset_lists, {"returns, valid, after\n": "valid, returns, after\n"}),
            "another order",
        ),
        "returns to go": (
            edited(
                dataset_lists, {"rew[t : t + m] * g ** np.arange(m)": "rew[t:] * g ** np.arange(total - t)"}
            ),
            "goes on to the end",
        ),
        "chunks flattened": (
            edited(dataset_lists, {"append(chunk)": "append(chunk.flatten())"}),
            "chunks are flattened",
        ),
        "bootstraps from the start": (edited(dataset_lists, {"obs[t + m]": "obs[t]"}), "is s_t"),
        "mean of the rewards": (
            edited(dataset_lists, {"np.arange(m))": "np.arange(m) / h)"}),
            "divided by H",
        ),
        "starts count chunks": (
            edited(dataset_lists, {"append(t)": "append(len(starts))"}),
            "numbers of the chunks",
        ),
        "starts from 1": (edited(dataset_lists, {"range(0,": "range(1,"}), "starts begin at 1"),
        "starts to T - 1": (
            edited(dataset_lists, {"total, stride)": "total - 1, stride)"}),
            "one step too early",
        ),
        "starts to T - H": (
            edited(dataset_windows, {"len(act), stride": "len(act) - h, stride"}),
            "last whole chunk is left out",
        ),
        "whole chunks only": (
            edited(dataset_windows, {"len(act), stride": "len(act) - h + 1, stride"}),
            "are left out",
        ),
        "stride H always": (edited(dataset_windows, {"len(act), stride": "len(act), h"}), "steps of H"),
        "a strided chunk": (
            edited(
                dataset_lists,
                {
                    "m = min(h, total - t)": "m = len(act[t::stride][:h])",
                    "act[t : t + m]": "act[t::stride][:h]",
                    "rew[t : t + m]": "rew[t::stride][:h]",
                    "obs[t + m]": "obs[min(t + h, total)]",
                },
            ),
            "`stride` apart",
        ),
        "bootstraps a step late": (
            edited(dataset_lists, {"obs[t + m]": "obs[min(t + h + 1, total)]"}),
            "a step too late",
        ),
        "bootstraps from the last": (
            edited(dataset_lists, {"obs[t + m]": "obs[-1]"}),
            "last one for every chunk",
        ),
        "bootstraps past the end": (
            edited(dataset_lists, {"obs[t + m]": "obs[t + h]"}),
            "bootstraps from the last observation",
        ),
        "no bootstrap for a cut chunk": (
            edited(dataset_lists, {"obs[t + m]": "obs[t + m] * (m == h)"}),
            "is set to zero",
        ),
        "no return for a cut chunk": (
            edited(dataset_lists, {"np.arange(m))": "np.arange(m) * (m == h))"}),
            "cut chunk is set to zero",
        ),
        "one step too few at the end": (
            edited(dataset_lists, {"m = min(h, total - t)": "m = min(h, total - t - 1)"}),
            "one step too few",
        ),
        "padded in front": (
            edited(dataset_lists, {"chunk[:m]": "chunk[h - m :]"}),
            "actions of a cut chunk stand at its end",
        ),
        "first action held": (edited(dataset_lists, {"act[t : t + m]": "act[t]"}), "first action H times"),
        "axes of the chunks": (edited(dataset_lists, {"append(chunk)": "append(chunk.T)"}), "(M, A, H)"),
        "all valid": (edited(dataset_lists, {"[False]": "[True]"}), "valid is 1 everywhere"),
        "the last step is not valid": (
            edited(
                dataset_lists,
                {"[True] * m + [False] * (h - m)": "[t + k < total - 1 for k in range(h)]"},
            ),
            "last step of the episode",
        ),
        "valid by chunk": (
            edited(dataset_lists, {"[True] * m + [False] * (h - m)": "m == h"}),
            "An axis is missing",
        ),
        "mean of what exists": (edited(dataset_lists, {"np.sum": "np.mean"}), "number of steps that exist"),
        "first reward alone": (
            edited(dataset_lists, {"np.sum(rew[t : t + m] * g ** np.arange(m))": "rew[t]"}),
            "first reward alone",
        ),
        "one weight": (
            edited(dataset_lists, {"g ** np.arange(m)": "g"}),
            "Every reward has the weight discount",
        ),
        "product for power": (edited(dataset_lists, {"g ** np": "g * np"}), "discount * k"),
        "weights backwards": (
            edited(dataset_windows, {"np.arange(h)": "np.arange(h)[::-1]"}),
            "weights run backwards",
        ),
        "discounted as a whole": (
            edited(dataset_lists, {"g ** np.arange(m)": "g**h"}),
            "before the whole return",
        ),
        "not discounted": (edited(dataset_lists, {" * g ** np.arange(m)": ""}), "are not discounted"),
        "ragged chunks": (
            edited(dataset_lists, {"append(chunk)": "append(act[t : t + h])"}),
            "unequal length",
        ),
        "one chunk": (lambda *args: tuple(np.array(part)[0] for part in dataset_lists(*args)), "next"),
    },
    "check_learn_from_chunks": {
        "nothing changed": (learn_as_shown, "cause is still there"),
        "plain discount": (edited(learn_as_shown, {"g**h": "g"}), "cause is still there"),
        "plain discount, and mended": (
            edited(learn_masked, {"g**h": "g"}),
            "discount at the bootstrap was not the cause",
        ),
        "more sweeps": (
            edited(learn_as_shown, {"range(sweeps)": "range(10 * sweeps)"}),
            "cause is still there",
        ),
        "from a low start": (
            edited(
                learn_as_shown, {"np.zeros(size), np.zeros(size)": "np.full(size, -1000.0), np.zeros(size)"}
            ),
            "another start of the table do not help",
        ),
        "from -inf": (
            edited(
                learn_as_shown, {"np.zeros(size), np.zeros(size)": "np.full(size, -np.inf), np.zeros(size)"}
            ),
            "stays for ever",
        ),
        "from -inf, and mended": (
            edited(
                learn_as_shown,
                {
                    "np.zeros(size), np.zeros(size)": "np.full(size, -np.inf), np.zeros(size)",
                    "q = total / np.maximum(count, 1)": (
                        "q = np.where(count > 0, total / np.maximum(count, 1), -np.inf)"
                    ),
                },
            ),
            "where a chunk leads back, that stays for ever",
        ),
        "a zero for a gap, from the start on": (
            edited(
                learn_as_shown,
                {
                    "q.max(axis=1)\n        later": (
                        "q.max(axis=1, where=q != 0, initial=-np.inf)\n        later"
                    )
                },
            ),
            "so every state seems to be one",
        ),
        "-20 for a gap and at the start": (
            edited(
                learn_as_shown,
                {
                    "np.zeros(size), np.zeros(size)": "np.full(size, -20.0), np.zeros(size)",
                    "    q = np.where(count > 0, q, -np.inf)\n": "",
                    "q = total / np.maximum(count, 1)": (
                        "q = np.where(count > 0, total / np.maximum(count, 1), -20.0)"
                    ),
                },
            ),
            "nor is it as the start of the table",
        ),
        "the lowest value of the maze": (
            edited(
                learn_as_shown,
                {"value = q.max": "value = np.where(count > 0, q, -1 / (1 - g)).max"},
            ),
            "only where no step costs more than 1",
        ),
        "five tries at the end": (
            edited(
                learn_as_shown,
                {
                    "value = q.max": "value = np.where(count > 0, q, -np.inf).max",
                    "q = np.where(count > 0": "q = np.where(count > 3",
                },
            ),
            "left out of the final choice",
        ),
        "what was tried anywhere": (
            edited(
                learn_as_shown,
                {"value = q.max": "value = np.where(count.sum(axis=0) > 0, q, -np.inf).max"},
            ),
            "whether a chunk was tried in any state",
        ),
        "the mean of the table for a gap": (
            edited(
                learn_as_shown,
                {"value = q.max": "value = np.where(count > 0, q, q[count > 0].mean()).max"},
            ),
            "A mean of the table",
        ),
        "a zero for a gap": (
            edited(
                learn_as_shown,
                {
                    "value = q.max(axis=1)": (
                        "value = np.where(q != 0, q, -np.inf).max(axis=1); value[np.isinf(value)] = 0"
                    ),
                    "q = np.where(count > 0": "q = np.where(q != 0",
                },
            ),
            "no sign of a gap",
        ),
        "five tries": (
            edited(
                learn_as_shown,
                {
                    "value = q.max(axis=1)": "value = np.where(count >= 5, q, -np.inf).max(axis=1)",
                    "q = np.where(count > 0": "q = np.where(count >= 5",
                },
            ),
            "tried seldom is left out of the final choice",
        ),
        "the mean": (edited(learn_as_shown, {"value = q.max": "value = q.mean"}), "mean over all chunks"),
        "the worst": (
            edited(learn_as_shown, {"value = q.max": "value = q.min"}),
            "worst chunk, tried or not",
        ),
        "the worst of what was tried": (
            edited(
                learn_as_shown,
                {
                    "value = q.max(axis=1)": (
                        "value = np.where(count > 0, q, np.inf).min(axis=1); value[np.isinf(value)] = 0"
                    )
                },
            ),
            "the worst of them",
        ),
        "the most frequent": (
            edited(
                learn_as_shown,
                {"value = q.max(axis=1)": "value = q[np.arange(len(q)), count.argmax(axis=1)]"},
            ),
            "A maximum is right; ask which entries it looks at. The most frequent chunk",
        ),
        "the smallest return for ever": (
            edited(
                learn_as_shown,
                {"value = q.max": "value = np.where(count > 0, q, data.returns.min() / (1 - g**h)).max"},
            ),
            "where an episode ends, less may follow",
        ),
        "one sweep less": (
            edited(learn_masked, {"range(sweeps)": "range(sweeps - 1)"}),
            "one sweep less than asked",
        ),
        "one sweep more": (
            edited(learn_masked, {"range(sweeps)": "range(sweeps + 1)"}),
            "sweeps more often than asked",
        ),
        "the mean of what was tried": (
            edited(
                learn_as_shown,
                {"value = q.max(axis=1)": ("value = q.sum(axis=1) / np.maximum((count > 0).sum(axis=1), 1)")},
            ),
            "value of a random choice",
        ),
        "at most 0": (
            edited(learn_as_shown, {"value = q.max(axis=1)": "value = np.minimum(q.max(axis=1), 0)"}),
            "A bound at 0",
        ),
        "count + 1": (edited(learn_as_shown, {"np.maximum(count, 1)": "(count + 1)"}), "division was not"),
        "sums": (edited(learn_as_shown, {" / np.maximum(count, 1)": ""}), "sum over all visits"),
        "-20": (
            edited(learn_masked, {"value = q.reshape(size)": "value = np.maximum(q, -20.0).reshape(size)"}),
            "A low constant",
        ),
        "tried twice": (
            edited(
                learn_as_shown,
                {"value = q.max(axis=1)": "value = np.where(count > 1, q, -np.inf).max(axis=1)"},
            ),
            "Rare chunks",
        ),
        "over ignored": (
            edited(
                learn_as_shown,
                {"np.where(data.over, data.returns, later)": "later"},
            ),
            "end of an episode was not the cause",
        ),
        "0 times infinity": (
            edited(
                learn_as_shown,
                {
                    "value = q.max(axis=1)": "value = np.where(count > 0, q, -np.inf).max(axis=1)",
                    "np.where(data.over, data.returns, later)": (
                        "data.returns + g**h * (1 - data.over) * value[data.after]"
                    ),
                },
            ),
            "0 times -inf",
        ),
        "without bootstrap": (
            edited(learn_as_shown, {"data.returns, later": "data.returns, data.returns"}),
            "bootstrap was not the cause",
        ),
        "without the last mask": (
            edited(
                learn_masked,
                {
                    "    return q.reshape(size).max": (
                        "    q = np.where(count > 0, q, 0.0)\n    return q.reshape(size).max"
                    )
                },
            ),
            "final choice was right before",
        ),
        "nothing": (lambda *args: None, "return statement is missing"),
    },
}
