"""Answers to the exercises as learners might write them: RIGHT in another style, WRONG with a part of the message each
must be met with. Beyond the misconceptions that the checks know by name."""

import numpy as np


def rewards_recursive(p, r, g, chunk):
    if len(chunk) == 0:
        return np.zeros(len(r))
    return r[:, chunk[0]] + g * p[:, chunk[0]] @ rewards_recursive(p, r, g, chunk[1:])


def rewards_in_float32(p, r, g, chunk):
    return rewards_recursive(p.astype(np.float32), r.astype(np.float32), g, chunk)


def rewards_of_one_state(p, r, g, chunk):
    return rewards_recursive(p, r, g, chunk)[0]


def rewards_all_actions(p, r, g, chunk):
    total, kernel = np.zeros_like(r), np.eye(len(r))
    for k, a in enumerate(chunk):
        total += g**k * kernel @ r
        kernel = kernel @ p[:, a]
    return total


def rewards_off_by_one(p, r, g, chunk):
    return rewards_recursive(p, r, g, chunk[:-1]) if len(chunk) > 1 else r[:, chunk[0]]


def rewards_undiscounted_tail(p, r, g, chunk):
    return r[:, chunk[0]] + g * p[:, chunk[0]] @ rewards_recursive(p, r, 1.0, chunk[1:])


def rewards_squared_discount(p, r, g, chunk):
    return rewards_recursive(p, r, g**2, chunk)


def rewards_most_likely(p, r, g, chunk):
    return rewards_recursive(np.eye(len(r))[p.argmax(axis=2)], r, g, chunk)


def rewards_still_on_repeats(p, r, g, chunk):
    total, kernel, before = np.zeros(len(r)), np.eye(len(r)), None
    for k, a in enumerate(chunk):
        total = total + g**k * kernel @ r[:, a]
        kernel, before = (kernel @ p[:, a] if a != before else kernel), a
    return total


def rewards_state_first(p, r, g, chunk):
    return np.array([sum(g**k * r[a, s] for k, a in enumerate(chunk)) for s in range(len(r))])


def kernel_einsum(p, chunk):
    out = np.eye(len(p))
    for a in chunk:
        out = np.einsum("st,tu->su", out, p[:, int(a), :])
    return out.tolist()


def kernel_row(p, chunk):
    return kernel_einsum(p, chunk)[0]


def kernel_all(p, chunk):
    return np.stack([kernel_einsum(p, [a]) for a in chunk])


def kernel_normalised(p, chunk):
    out = np.prod([p[:, a] for a in chunk], axis=0) + 1e-9
    return out / out.sum(axis=1, keepdims=True)


def kernel_from_ones(p, chunk):
    out = np.ones((len(p), len(p)))
    for a in chunk:
        out = out @ p[:, a]
    return out


def kernel_pairs(p, chunk):
    return p[:, chunk[0]] if len(chunk) == 1 else p[:, chunk[0]] @ p[:, chunk[-1]]


def sweeps_einsum(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = r_bar + g**h * np.einsum("sct,t->sc", p_bar, np.amax(q, -1))
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


def sweeps_value(p_bar, r_bar, g, h, sweeps):
    return sweeps_einsum(p_bar, r_bar, g, h, sweeps).max(axis=1)


def sweeps_whole(p_bar, r_bar, g, h, sweeps):
    return sweeps_einsum(p_bar, r_bar, g, h, 5000)


def sweeps_discounted_reward(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = g**h * (r_bar + p_bar @ q.max(axis=1))
    return q


def sweeps_in_place(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        for s in range(len(q)):
            q[s] = r_bar[s] + g**h * p_bar[s] @ q.max(axis=1)
    return q


def sweeps_soft(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = r_bar + g**h * p_bar @ np.log(np.exp(q).mean(axis=1))
    return q


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


def dataset_changed(at, change):
    def wrong(*args):
        out = [np.array(part, float) for part in dataset_lists(*args)]
        out[at] = change(out[at], *args)
        return tuple(out)

    return wrong


def execute_while(env, chunk, g):
    value, k, over = 0, 0, False
    while k < len(chunk) and not over:
        obs, reward, term, trunc, _ = env.step(chunk[k])
        value, k, over = value + g**k * reward, k + 1, term or trunc
    return [obs, value, term, trunc, k]


def execute_on(env, chunk, g):
    value = 0.0
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value += g**k * reward
        if term:
            break
    return obs, value, term, trunc, k + 1


def execute_regardless(env, chunk, g):
    steps = [env.step(a) for a in chunk]
    value = sum(g**k * step[1] for k, step in enumerate(steps))
    return steps[-1][0], value, steps[-1][2], steps[-1][3], len(steps)


def execute_average_action(env, chunk, g):
    return execute_while(env, np.repeat(chunk.mean(axis=0, keepdims=True), len(chunk), axis=0), g)


def execute_without_last_reward(env, chunk, g):
    value = 0.0
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        if term or trunc:
            break
        value += g**k * reward
    return obs, value, term, trunc, k + 1


def execute_positive(env, chunk, g):
    value = 0.0
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value += g**k * max(reward, 0)
        if term or trunc:
            break
    return obs, value, term, trunc, k + 1


def execute_four_values(env, chunk, g):
    return tuple(execute_while(env, chunk, g)[:4])


def execute_one_action(env, chunk, g):
    obs, reward, term, trunc, _ = env.step(chunk[0])
    return obs, reward, term, trunc, 1


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


def chunk_changed(at, change):
    def wrong(*args):
        out = list(chunk_loop(*args))
        out[at] = change(out[at], *args)
        return tuple(out)

    return wrong


def update_loop(q, s, c, y, w, rate):
    new = np.array(q)
    for i in range(len(s)):
        new[s[i], c[i]] += rate * w[i] * (y[i] - q[s[i], c[i]])
    return new


def update_mean(q, s, c, y, w, rate):
    return q + (update_loop(q, s, c, y, w, rate) - q) / len(s)


def update_swapped(q, s, c, y, w, rate):
    return update_loop(q.T.copy(), c, s, y, w, rate)


def update_outer(q, s, c, y, w, rate):
    new = q.copy()
    new[np.ix_(np.unique(s), np.unique(c))] += rate * np.mean(w * (y - q[s, c]))
    return new


RIGHT = {
    "check_decision_steps": lambda n, h: tuple(range(0, n, h)),
    "check_chunk_rewards": rewards_in_float32,
    "check_chunk_transitions": kernel_einsum,
    "check_chunked_value_iteration": sweeps_einsum,
    "check_chunk_dataset": dataset_lists,
    "check_execute_chunk": execute_while,
    "check_one_step_target": one_step_where,
    "check_n_step_target": n_step_recursive,
    "check_chunk_target": chunk_loop,
    "check_td_update": update_loop,
}

WRONG = {
    "check_decision_steps": {
        "from 1": (lambda n, h: np.arange(1, n, h), "counts from 1"),
        "without the last": (lambda n, h: list(range(0, n, h))[:-1], "last look is missing"),
        "rounded": (lambda n, h: h * np.arange(round(n / h + 0.5)), "the episode is over"),
        "a remainder of 1 only": (lambda n, h: h * np.arange(max(1, n // h + (n % h == 1))), "steps are left after two chunks"),
        "every step's chunk": (lambda n, h: np.arange(n) // h * h, "It looks at 0, 5"),
        "a generator": (lambda n, h: (t for t in range(0, n, h)), "generators"),
        "np.where": (lambda n, h: np.where(np.arange(n) % h == 0), "np.where"),
    },
    "check_chunk_rewards": {
        "one state only": (rewards_of_one_state, "wrong shape"),
        "for every first action": (rewards_all_actions, "wrong shape"),
        "the last step is missing": (rewards_off_by_one, "r(s, a_0) + 0.5 r(s, a_1)"),
        "discounted once": (rewards_undiscounted_tail, "multiply the kernels so far"),
        "discount squared": (rewards_squared_discount, "0.5 r(s, a_1)"),
        "two results": (lambda *args: (rewards_recursive(*args), 0), "it returned a tuple of 2"),
        "still on a repeated action": (rewards_still_on_repeats, "Every step k counts"),
        "the most likely path": (rewards_most_likely, "Carry the distribution"),
        "indices swapped": (rewards_state_first, "IndexError"),
    },
    "check_chunk_transitions": {
        "a row only": (kernel_row, "An axis is missing"),
        "a kernel a step": (kernel_all, "An axis is left over"),
        "normalised product by entry": (kernel_normalised, "next"),
        "starts from ones": (kernel_from_ones, "With H = 1"),
        "first and last only": (kernel_pairs, "Sum over the states in between"),
    },
    "check_chunked_value_iteration": {
        "V instead of Q": (sweeps_value, "gives back V"),
        "keeps its table between calls": (SweepsKept(), "between calls"),
        "until it converges": (sweeps_whole, "Q = r_bar"),
        "the reward is discounted as well": (sweeps_discounted_reward, "Q = r_bar"),
        "sweeps in place": (sweeps_in_place, "just changed"),
        "a soft maximum": (sweeps_soft, "max_a Q"),
    },
    "check_chunk_dataset": {
        "zero actions are not valid": (dataset_changed(3, lambda x, o, a, r, h, g, s: np.any(np.array(dataset_lists(o, a, r, h, g, s)[1]) != 0, axis=-1)), "valid"),
        "valid as text": (lambda *args: (*dataset_lists(*args)[:3], [[str(float(v)) for v in row] for row in dataset_lists(*args)[3]], dataset_lists(*args)[4]), "not an array of numbers"),
        "stride 1 or H": (lambda o, a, r, h, g, s: dataset_lists(o, a, r, h, g, s if s == 1 else h), "neither 1 nor H"),
        "stride at most H": (lambda o, a, r, h, g, s: dataset_lists(o, a, r, h, g, min(s, h)), "longer than the chunk"),
        "swapped": (lambda *args: (*dataset_lists(*args)[:2], *dataset_lists(*args)[3:1:-1], dataset_lists(*args)[4]), "another order"),
        "returns to go": (dataset_changed(2, lambda x, o, a, r, h, g, s: np.array([sum(g ** (k - t) * r[k] for k in range(t, len(a))) for t in range(0, len(a), s)])), "plain transitions"),
        "chunks flattened": (dataset_changed(1, lambda x, *args: x.reshape(len(x), -1)), "wrong shape"),
        "bootstraps from the start": (dataset_changed(4, lambda x, o, a, r, h, g, s: o[: len(a) : s]), "s_{t+1}"),
        "mean of the rewards": (dataset_changed(2, lambda x, o, a, r, h, g, s: x / h), "0.5 r_{t+1}"),
        "starts count chunks": (dataset_changed(0, lambda x, *args: np.arange(len(x))), "Starts 0 and 3"),
    },
    "check_execute_chunk": {
        "only terminated stops": (execute_on, "truncated ends the episode as well"),
        "never stops": (execute_regardless, "after the episode had ended"),
        "resets": (lambda env, chunk, g: (env.reset(), execute_while(env, chunk, g)), "reset() was called"),
        "a step too many": (lambda env, chunk, g: (execute_while(env, chunk, g), env.step(chunk[0]))[0], "more often than"),
        "rewards below 0 dropped": (execute_positive, "next"),
        "actions clipped": (lambda env, chunk, g: execute_while(env, np.clip(chunk, -1, 1), g), "next"),
        "five actions at most": (lambda env, chunk, g: execute_while(env, chunk[:5], g), "All eight"),
        "swapped": (lambda env, chunk, g: (lambda o: (o[1], o[0], *o[2:]))(execute_while(env, chunk, g)), "another order"),
        "flags swapped": (lambda env, chunk, g: (lambda o: (o[0], o[1], o[3], o[2], o[4]))(execute_while(env, chunk, g)), "another order"),
        "average action": (execute_average_action, "chunk[k]"),
        "the last reward is lost": (execute_without_last_reward, "Add the reward first"),
        "four values": (execute_four_values, "wrong number of values"),
        "one action": (execute_one_action, "k = 0, 1, 2"),
    },
    "check_one_step_target": {
        "best of each action": (lambda r, m, q, g: r + g * q.max(axis=0)[0] * m, "max(axis=1)"),
        "a column": (lambda r, m, q, g: one_step_where(r, m, q, g)[:, None], "An axis is left over"),
        "every action": (lambda r, m, q, g: r[:, None] + g * m[:, None] * q, "An axis is left over"),
        "a mean": (lambda r, m, q, g: one_step_where(r, m, q, g).mean(), "Everything was summed"),
        "absolute values": (lambda r, m, q, g: r + g * m * np.abs(q).max(axis=1), "max(axis=1)"),
        "discount squared": (lambda r, m, q, g: r + g**2 * m * q.max(axis=1), "discount * the largest"),
        "the first two actions": (lambda r, m, q, g: r + g * m * q[:, :2].max(axis=1), "discount * the largest"),
        "never below 0": (lambda r, m, q, g: r + g * m * np.maximum(q.max(axis=1), 0), "discount * the largest"),
        "a tuple": (lambda r, m, q, g: (one_step_where(r, m, q, g), None), "it returned a tuple of 2"),
    },
    "check_n_step_target": {
        "mean of the rewards": (lambda r, v, m, q, g: n_step_recursive(r / r.shape[1], v, m, q, g), "discount**k"),
        "mask on everything": (lambda r, v, m, q, g: m * n_step_recursive(r, v, m, q, g), "rewards of a terminal window"),
        "the mask forgotten after one step": (lambda r, v, m, q, g: n_step_recursive(r, v, np.where(v.sum(1) == 1, 1, m), q, g), "mask multiplies the bootstrap"),
        "int of a float": (lambda r, v, m, q, g: [r[i, : v[i].sum()] for i in range(len(r))], "not whole numbers"),
        "backwards": (lambda r, v, m, q, g: n_step_recursive(r[:, ::-1], v, m, q, g), "discount**k"),
        "cut windows bootstrap from nothing": (lambda r, v, m, q, g: n_step_recursive(r, v, m * v[:, -1], q, g), "has a future"),
        "every action": (lambda r, v, m, q, g: np.stack([n_step_recursive(r, v, m, q[:, [a]], g) for a in range(q.shape[1])], 1), "axis is left over"),
    },
    "check_chunk_target": {
        "target only": (lambda *args: chunk_loop(*args)[0], "wrong number of values"),
        "weight per step": (lambda r, v, m, q, g: (chunk_loop(r, v, m, q, g)[0], v), "wrong shape"),
        "half a target": (chunk_changed(0, lambda y, *args: y / 2), "next"),
        "weight of the last but one step": (chunk_changed(1, lambda w, r, v, m, q, g: v[:, max(v.shape[1] - 2, 0)]), "LAST step"),
        "best of the first chunk only": (lambda r, v, m, q, g: chunk_loop(r, v, m, q[:, :1], g), "one-step target"),
        "mean of rewards": (chunk_changed(0, lambda y, r, v, m, q, g: chunk_loop(r / r.shape[1], v, m, q, g)[0]), "discount**k"),
    },
    "check_td_update": {
        "mean over the batch": (update_mean, "size of the batch"),
        "axes swapped": (update_swapped, "wrong shape"),
        "a block of entries": (update_outer, "picks B entries"),
        "only the change": (lambda q, *args: update_loop(q, *args) - q, "other entries stay"),
        "a rate of a quarter": (lambda q, s, c, y, w, rate: update_loop(q, s, c, y, w, 0.25), "half of the way"),
        "squared weights": (lambda q, s, c, y, w, rate: update_loop(q, s, c, y, w**2, rate), "any number from 0 on"),
        "squared weight is the same, squared error is not": (lambda q, s, c, y, w, rate: update_loop(q, s, c, q[s, c] + (y - q[s, c]) ** 2, w, rate), "half of the way"),
    },
}  # fmt: skip
