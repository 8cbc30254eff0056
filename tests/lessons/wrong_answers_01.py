"""Answers to the exercises of lesson 01 as learners might write them; see wrong_answers_00.py."""

import numpy as np

from qlac_lite.lessons.checks.exercise import edited


def rewards_forwards(p, r, g, chunk):
    total, kernel = np.zeros(len(r)), np.eye(len(r))
    for k, a in enumerate(chunk):
        total = total + g**k * kernel @ r[:, a]
        kernel = kernel @ p[:, a]
    return total


def rewards_recursive(p, r, g, chunk):
    if len(chunk) == 0:
        return np.zeros(len(r))
    return r[:, chunk[0]] + g * p[:, chunk[0]] @ rewards_recursive(p, r, g, chunk[1:])


def rewards_in_float32(p, r, g, chunk):
    return rewards_recursive(p.astype(np.float32), r.astype(np.float32), g, chunk)


def rewards_by_recursion(p, r, g, chunk):
    total = np.zeros(len(r))
    for a in reversed(chunk):
        total = r[:, a] + g * np.dot(p[:, a], total)
    return total


def kernel_einsum(p, chunk):
    out = np.eye(len(p))
    for a in chunk:
        out = np.einsum("st,tu->su", out, p[:, int(a), :])
    return out.tolist()


def kernel_by_multi_dot(p, chunk):
    return np.linalg.multi_dot([np.eye(len(p)), *(p[:, a] for a in chunk)])


def kernel_normalised(p, chunk):
    out = np.prod([p[:, a] for a in chunk], axis=0) + 1e-9
    return out / out.sum(axis=1, keepdims=True)


def sweeps_by_product(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = r_bar + g**h * p_bar @ q.max(axis=1)
    return q


def sweeps_einsum(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = r_bar + g**h * np.einsum("sct,t->sc", p_bar, np.amax(q, -1))
    return q


def sweeps_of_values(p_bar, r_bar, g, h, sweeps):
    """V instead of Q in between, Q at the end: right."""
    value = np.zeros(len(r_bar))
    q = r_bar * 0.0
    for _ in range(sweeps):
        q = r_bar + g**h * (p_bar * value).sum(axis=2)
        value = np.max(q, axis=1)
    return q


class SweepsKept:
    """Goes on from the table of the call before if that has the right shape."""

    q = None

    def __call__(self, p_bar, r_bar, g, h, sweeps):
        if self.q is None or self.q.shape != r_bar.shape or sweeps > 1:
            self.q = np.zeros(r_bar.shape)
        for _ in range(sweeps):
            self.q = r_bar + g**h * p_bar @ self.q.max(axis=1)
        return self.q.copy()


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


def execute_while(env, chunk, g):
    value, k, over = 0, 0, False
    while k < len(chunk) and not over:
        obs, reward, term, trunc, _ = env.step(chunk[k])
        value, k, over = value + g**k * reward, k + 1, term or trunc
    return [obs, value, term, trunc, k]


def execute_running_weight(env, chunk, g):
    """Right, with a weight that shrinks."""
    value, weight, steps = 0.0, 1.0, 0
    for a in np.asarray(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value, weight, steps = value + weight * reward, weight * g, steps + 1
        if bool(term) | bool(trunc):
            break
    return obs, np.float64(value), np.bool_(term), np.bool_(trunc), np.int64(steps)


RIGHT = {
    "check_chunk_rewards": rewards_in_float32,
    "check_chunk_transitions": kernel_einsum,
    "check_chunked_value_iteration": sweeps_einsum,
    "check_chunk_dataset": dataset_lists,
    "check_execute_chunk": execute_while,
}

ALSO_RIGHT = {
    "check_chunk_rewards": rewards_by_recursion,
    "check_chunk_transitions": kernel_by_multi_dot,
    "check_chunked_value_iteration": sweeps_of_values,
    "check_chunk_dataset": dataset_windows,
    "check_execute_chunk": execute_running_weight,
}

WRONG = {
    "check_chunk_rewards": {
        "one state only": (lambda *args: rewards_recursive(*args)[0], "wrong shape"),
        "for every first action": (
            edited(rewards_forwards, {"np.zeros(len(r))": "np.zeros(r.shape)", "r[:, a]": "r"}),
            "wrong shape",
        ),
        "the last step is missing": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g, chunk[: max(1, len(chunk) - 1)]),
            "r(s, a_0) + 0.5 r(s, a_1)",
        ),
        "the last step is missing always": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g, chunk[:-1]),
            "last reward is missing",
        ),
        "the first reward is missing": (
            edited(rewards_forwards, {"g**k": "(g**k if k else 0)"}),
            "first reward is missing",
        ),
        "the first action is missing": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g, chunk[1:]),
            "first action is left out",
        ),
        "one weight": (
            lambda p, r, g, chunk: g * rewards_recursive(p, r, 1.0, chunk),
            "Every reward has the weight discount",
        ),
        "one weight after the first": (
            edited(rewards_forwards, {"g**k": "(g if k > 0 else 1)"}),
            "Every reward but the first",
        ),
        "product for power": (edited(rewards_forwards, {"g**k": "g * k"}), "discount * k"),
        "backwards from discount": (
            edited(rewards_forwards, {"g**k": "g ** (len(chunk) - k)"}),
            "backwards, and the last",
        ),
        "the action as exponent": (
            edited(rewards_forwards, {"g**k": "g**a"}),
            "exponent of discount is the action's number",
        ),
        "first action repeated": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g, [chunk[0]] * len(chunk)),
            "first action is repeated",
        ),
        "recursion from the front": (
            edited(rewards_by_recursion, {"reversed(chunk)": "chunk"}),
            "from its last action to its first",
        ),
        "each action's own kernel": (
            edited(rewards_forwards, {"kernel @ r": "np.linalg.matrix_power(p[:, a], k) @ r"}),
            "own kernel is applied k times",
        ),
        "the other side": (
            edited(rewards_forwards, {"kernel @ r[:, a]": "np.einsum('sx,s->x', kernel, r[:, a])"}),
            "wrong side",
        ),
        "entry by entry": (edited(rewards_forwards, {"kernel = kernel @": "kernel *="}), "entry by entry"),
        "from ones": (
            edited(rewards_forwards, {"np.eye(len(r))": "np.ones((len(r), len(r)))"}),
            "starts from ones",
        ),
        "from anywhere": (
            edited(rewards_forwards, {"np.eye(len(r))": "np.ones((len(r), len(r))) / len(r)"}),
            "uniform distribution",
        ),
        "from zeros": (
            edited(rewards_forwards, {"np.eye(len(r))": "np.zeros((len(r), len(r)))"}),
            "starts from zeros",
        ),
        "a column": (lambda *args: rewards_recursive(*args)[:, None], "drop keepdims"),
        "nothing": (lambda *args: None, "return statement is missing"),
        "discounted once": (
            lambda p, r, g, c: r[:, c[0]] + g * p[:, c[0]] @ rewards_recursive(p, r, 1.0, c[1:]),
            "Every reward but the first",
        ),
        "discount squared": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g**2, chunk),
            "discounted twice",
        ),
        "two results": (lambda *args: (rewards_recursive(*args), 0), "it returned a tuple of 2"),
        "still on a repeated action": (
            edited(
                rewards_forwards,
                {"@ p[:, a]": "@ (p[:, a] if k == 0 or a != chunk[k - 1] else np.eye(len(p)))"},
            ),
            "Every step k counts",
        ),
        "the most likely path": (
            lambda p, r, g, chunk: rewards_recursive(np.eye(len(r))[p.argmax(axis=2)], r, g, chunk),
            "most likely next state",
        ),
        "indices swapped": (
            lambda p, r, g, c: [sum(g**k * r[a, s] for k, a in enumerate(c)) for s in range(len(r))],
            "IndexError",
        ),
    },
    "check_chunk_transitions": {
        "a row only": (lambda p, chunk: kernel_einsum(p, chunk)[0], "An axis is missing"),
        "a kernel a step": (lambda p, chunk: [p[:, a] for a in chunk], "An axis is left over"),
        "normalised product by entry": (kernel_normalised, "next"),
        "starts from ones": (
            edited(kernel_einsum, {"np.eye(len(p))": "np.ones((len(p), len(p)))"}),
            "starts from ones",
        ),
        "first and last only": (
            lambda p, chunk: kernel_einsum(p, [chunk[0], chunk[-1]][: len(chunk)]),
            "Only the first and the last action",
        ),
        "starts from the first": (
            edited(kernel_einsum, {"np.eye(len(p))": "p[:, chunk[0]]"}),
            "first action counts twice",
        ),
        "starts from zeros": (
            edited(kernel_einsum, {"np.eye(len(p))": "np.zeros((len(p), len(p)))"}),
            "starts from zeros",
        ),
        "last action repeated": (
            lambda p, chunk: kernel_einsum(p, [chunk[-1]] * len(chunk)),
            "last action is repeated",
        ),
        "last action twice": (lambda p, chunk: kernel_einsum(p, [*chunk, chunk[-1]]), "one step more"),
        "first two swapped": (
            lambda p, chunk: kernel_einsum(p, [*chunk[1::-1], *chunk[2:]]),
            "first two actions are swapped",
        ),
        "each transposed": (edited(kernel_einsum, {"out, p": "out, p.T"}), "Each kernel is transposed"),
        "from the last action": (lambda p, chunk: kernel_einsum(p, chunk[::-1]), "reverse order"),
        "the most likely state": (
            lambda p, chunk: kernel_einsum(np.eye(len(p))[p.argmax(axis=2)], chunk),
            "most likely next state",
        ),
        "the mean action": (
            edited(kernel_einsum, {"p[:, int(a), :]": "p.mean(axis=1)"}),
            "chunk is ignored",
        ),
        "the other axis": (lambda p, chunk: p[:, :, chunk[0]], "transitions[:, a]"),
        "an index without the colon": (lambda p, chunk: np.eye(len(p)) @ p[chunk[0]], "transitions[:, a]"),
    },
    "check_chunked_value_iteration": {
        "V instead of Q": (lambda *args: sweeps_einsum(*args).max(axis=1), "gives back V"),
        "keeps its table between calls": (SweepsKept(), "between calls"),
        "until it converges": (
            edited(sweeps_einsum, {"range(sweeps)": "range(5000)"}),
            "until nothing changes",
        ),
        "the reward is discounted as well": (
            edited(sweeps_by_product, {"r_bar + g**h * p_bar": "g**h * r_bar + g**h * p_bar"}),
            "reward is discounted as well",
        ),
        "sweeps in place": (
            edited(
                sweeps_by_product,
                {"q = r_bar": "for s in range(len(q)): q[s] = r_bar[s]", "p_bar @": "p_bar[s] @"},
            ),
            "just changed",
        ),
        "a soft maximum": (
            edited(sweeps_einsum, {"np.amax(q, -1)": "np.log(np.exp(q).mean(axis=1))"}),
            "max_a Q",
        ),
        "one power too many": (edited(sweeps_by_product, {"g**h": "g ** (h + 1)"}), "discount**(H + 1)"),
        "a root": (edited(sweeps_by_product, {"g**h": "g ** (1 / h)"}), "root of discount"),
        "the sweep in the exponent": (
            edited(sweeps_by_product, {"for _": "for i", "g**h": "g ** (h * i)"}),
            "shrinks from sweep to sweep",
        ),
        "returns in the loop": (
            edited(sweeps_by_product, {"    return q": "        return q"}),
            "Only one sweep counts",
        ),
        "zeros in the loop": (
            edited(sweeps_by_product, {"q = r_bar": "q = np.zeros(r_bar.shape); q = r_bar"}),
            "Only one sweep counts",
        ),
        "the table is not replaced": (
            edited(sweeps_by_product, {"q = r_bar": "new = r_bar"}),
            "table is never replaced",
        ),
        "the sum over chunks": (
            edited(sweeps_by_product, {"q.max": "q.sum"}),
            "adds up the values of all chunks",
        ),
        "argmax": (edited(sweeps_by_product, {"q.max": "q.argmax"}), "for its value"),
        "the same chunk again": (
            edited(sweeps_einsum, {'"sct,t->sc", p_bar, np.amax(q, -1)': '"sct,tc->sc", p_bar, q'}),
            "next chunk is the same",
        ),
        "the best next state": (
            edited(sweeps_of_values, {"(p_bar * value).sum(": "(p_bar * value).max("}),
            "most favourable next state",
        ),
        "read backwards": (edited(sweeps_einsum, {"sct,t->": "tcs,t->"}), "read backwards"),
        "the other axis": (edited(sweeps_by_product, {"axis=1": "axis=0"}), "q.max(axis=1)"),
        "keepdims": (edited(sweeps_by_product, {"axis=1": "axis=1, keepdims=True"}), "drop keepdims"),
        "the best chunks": (lambda *args: sweeps_einsum(*args).argmax(axis=1), "number of the best chunk"),
        "plain discount": (edited(sweeps_by_product, {"g**h": "g"}), "not by discount**H"),
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
    "check_execute_chunk": {
        "only terminated stops": (
            edited(execute_while, {"k + 1, term or trunc": "k + 1, term"}),
            "truncated ends the episode as well",
        ),
        "never stops": (edited(execute_while, {" and not over": ""}), "after the episode had ended"),
        "resets": (lambda env, chunk, g: (env.reset(), execute_while(env, chunk, g)), "reset() was called"),
        "a step too many": (
            lambda env, chunk, g: (execute_while(env, chunk, g), env.step(chunk[0]))[0],
            "more often than",
        ),
        "rewards below 0 dropped": (
            edited(execute_while, {"* reward": "* max(reward, 0)"}),
            "Rewards below 0",
        ),
        "actions clipped": (
            lambda env, chunk, g: execute_while(env, np.clip(chunk, -1, 1), g),
            "clipped to [-1, 1]",
        ),
        "five actions at most": (lambda env, chunk, g: execute_while(env, chunk[:5], g), "All eight"),
        "swapped": (edited(execute_while, {"[obs, value,": "[value, obs,"}), "another order"),
        "flags swapped": (edited(execute_while, {"term, trunc, k]": "trunc, term, k]"}), "another order"),
        "average action": (edited(execute_while, {"chunk[k]": "chunk.mean(axis=0)"}), "mean of the chunk"),
        "the last reward is lost": (
            edited(execute_while, {"g**k * reward": "(0 if term or trunc else g**k * reward)"}),
            "Add the reward first",
        ),
        "four values": (edited(execute_while, {", k]": "]"}), "wrong number of values"),
        "one action": (edited(execute_while, {"len(chunk)": "1"}), "Only the first action"),
        "stops at terminated only": (
            edited(execute_running_weight, {"bool(term) | bool(trunc)": "bool(term)"}),
            "stop where terminated or truncated",
        ),
        "stops at both only": (
            edited(execute_running_weight, {"bool(term) | bool(trunc)": "bool(term) & bool(trunc)"}),
            "stop where terminated or truncated",
        ),
        "last action repeated": (edited(execute_while, {"chunk[k]": "chunk[-1]"}), "last action is repeated"),
        "counts from 1": (edited(execute_while, {", k]": ", k + 1]"}), "one too large"),
        "counts from 0": (edited(execute_while, {", k]": ", k - 1]"}), "one too small"),
        "discounts what it has": (
            edited(execute_while, {"value + g**k * reward": "g * value + reward"}),
            "discount * total + reward",
        ),
        "weights backwards": (
            edited(execute_while, {"g**k": "g ** (len(chunk) - 1 - k)"}),
            "backwards from the chunk's last",
        ),
        "discounted as a whole": (
            edited(execute_while, {"g**k": "g ** len(chunk)"}),
            "before the whole sum",
        ),
        "one weight after the first": (
            edited(execute_while, {"g**k": "(g if k else 1)"}),
            "Every reward but the first",
        ),
        "product for power": (edited(execute_while, {"g**k": "g * k"}), "discount * k"),
        "discounts from 1": (edited(execute_while, {"g**k": "g ** (k + 1)"}), "discounted already"),
        "a mean": (edited(execute_while, {"[obs, value": "[obs, value / k"}), "mean over the steps"),
        "the terminal reward is masked": (
            edited(execute_while, {"* reward": "* reward * (1 - term)"}),
            "terminal state is masked",
        ),
        "truncated dropped": (
            edited(execute_while, {"trunc, k]": "False, k]"}),
            "truncated is always reported as False.",
        ),
        "done for both": (
            edited(execute_while, {"term, trunc, k]": "term or trunc, False, k]"}),
            "terminated where either came",
        ),
        "the chunk's end for the episode's": (
            edited(execute_while, {"term, trunc, k]": "True, trunc, k]"}),
            "because the chunk is over",
        ),
        "a terminal state as a time limit": (
            edited(execute_while, {"trunc, k]": "term or trunc, k]"}),
            "as a time limit, too",
        ),
        "rewards apart": (
            edited(
                execute_while, {"= 0, 0,": "= [], 0,", "value + g**k * reward": "[*value, g**k * reward]"}
            ),
            "one number is asked for",
        ),
    },
}
