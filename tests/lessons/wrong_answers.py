"""Answers to the exercises as learners might write them: RIGHT in another style, WRONG with a part of the
message each must be met with. Beyond the misconceptions that the checks know by name."""

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


def rewards_loop(weight=lambda k, g, h: g**k, start=np.eye, steps=range):
    """A loop over the steps with one thing done otherwise."""

    def wrong(p, r, g, chunk):
        total, kernel = np.zeros(len(r)), start(len(r))
        for k in steps(len(chunk)):
            total = total + weight(k, g, len(chunk)) * kernel @ r[:, chunk[k]]
            kernel = kernel @ p[:, chunk[k]]
        return total

    return wrong


def rewards_recursion_from_the_front(p, r, g, chunk):
    total = np.zeros(len(r))
    for a in chunk:
        total = r[:, a] + g * p[:, a] @ total
    return total


def rewards_left(p, r, g, chunk):
    total, kernel = np.zeros(len(r)), np.eye(len(r))
    for k, a in enumerate(chunk):
        total = total + g**k * np.einsum("sx,s->x", kernel, r[:, a])
        kernel = kernel @ p[:, a]
    return total


def rewards_entry_by_entry(p, r, g, chunk):
    total, kernel = np.zeros(len(r)), np.eye(len(r))
    for k, a in enumerate(chunk):
        total = total + g**k * kernel @ r[:, a]
        kernel *= p[:, a]
    return total


def rewards_own_kernel(p, r, g, chunk):
    total = r[:, chunk[0]] * 1.0
    for k, a in enumerate(chunk[1:], start=1):
        kernel = p[:, a]
        for _ in range(k - 1):
            kernel = kernel @ p[:, a]
        total = total + g**k * kernel @ r[:, a]
    return total


def rewards_action_as_exponent(p, r, g, chunk):
    total, kernel = np.zeros(len(r)), np.eye(len(r))
    for a in chunk:
        total = total + g**a * kernel @ r[:, a]
        kernel = kernel @ p[:, a]
    return total


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


def kernel_loop(start, actions=lambda chunk: chunk, change=lambda step: step):
    def wrong(p, chunk):
        kernel = start(len(p))
        for a in actions(list(chunk)):
            kernel = kernel @ change(p[:, a])
        return kernel

    return wrong


def kernel_first_twice(p, chunk):
    kernel = p[:, chunk[0]]
    for a in chunk:
        kernel = kernel @ p[:, a]
    return kernel


def kernel_most_likely(p, chunk):
    where = np.arange(len(p))
    for a in chunk:
        where = p[where, a].argmax(axis=1)
    return np.eye(len(p))[where]


def kernel_of_the_mean(p, chunk):
    kernel = np.eye(len(p))
    for _ in chunk:
        kernel = kernel @ np.mean(p, axis=1)
    return kernel


def kernel_by_multi_dot(p, chunk):
    return np.linalg.multi_dot([np.eye(len(p)), *(p[:, a] for a in chunk)])


def sweeps_of_values(p_bar, r_bar, g, h, sweeps):
    """V instead of Q in between, Q at the end: right."""
    value = np.zeros(len(r_bar))
    q = r_bar * 0.0
    for _ in range(sweeps):
        q = r_bar + g**h * (p_bar * value).sum(axis=2)
        value = np.max(q, axis=1)
    return q


def sweeps_loop(backup, sweeps_of=lambda n: n):
    """backup(r_bar, p_bar, g, h, q, i) gives the table of sweep i."""

    def wrong(p_bar, r_bar, g, h, sweeps):
        q = np.zeros(r_bar.shape)
        for i in range(sweeps_of(sweeps)):
            q = backup(r_bar, p_bar, g, h, q, i)
        return q

    return wrong


def sweeps_return_early(p_bar, r_bar, g, h, sweeps):
    q = np.zeros(r_bar.shape)
    for _ in range(sweeps):
        q = r_bar + g**h * p_bar @ q.max(axis=1)
        return q


def sweeps_reset(p_bar, r_bar, g, h, sweeps):
    for _ in range(sweeps):
        q = np.zeros(r_bar.shape)
        q = r_bar + g**h * p_bar @ q.max(axis=1)
    return q


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


def dataset_windows(obs, act, rew, h, g, stride):
    """Right, by windows over a padded episode."""
    total = len(act)
    windows = lambda x: np.lib.stride_tricks.sliding_window_view(
        np.concatenate([x, np.zeros((h, *x.shape[1:]))]), h, axis=0
    )[:total:stride]
    starts = np.arange(total)[::stride]
    after = obs[np.clip(starts + h, 0, total)]
    return (
        starts,
        np.moveaxis(windows(act), -1, 1),
        windows(rew) @ g ** np.arange(h),
        windows(np.ones(total)),
        after,
    )


def dataset_loop(
    starts=lambda n, h, s: range(0, n, s),
    weight=lambda k, g, h: g**k,
    after=lambda t, m, h, n: t + m,
    gap=lambda s: 1,
):
    """One chunk after the other, with one thing done otherwise."""

    def wrong(obs, act, rew, h, g, stride):
        n = len(act)
        t = list(starts(n, h, stride))
        chunks, valid = np.zeros((len(t), h, act.shape[1])), np.zeros((len(t), h))
        returns, last = np.zeros(len(t)), np.zeros((len(t), obs.shape[1]))
        for i, begin in enumerate(t):
            for k in range(h):
                step = begin + k * gap(stride)
                if step < n:
                    chunks[i, k], valid[i, k] = act[step], 1
                    returns[i] += weight(k, g, h) * rew[step]
            last[i] = obs[after(begin, min(h, n - begin), h, n)]
        return np.array(t), chunks, returns, valid, last

    return wrong


def dataset_ragged(obs, act, rew, h, g, stride):
    t, _, returns, valid, after = dataset_lists(obs, act, rew, h, g, stride)
    return t, [act[i : i + h] for i in t], returns, valid, after


def dataset_of_one(obs, act, rew, h, g, stride):
    return tuple(np.array(part)[0] for part in dataset_lists(obs, act, rew, h, g, stride))


def execute_loop(
    act=lambda chunk, k: chunk[k],
    gain=lambda k, g, h: g**k,
    ends=lambda term, trunc: (term, trunc),
    count=lambda k: k + 1,
):
    """A loop over the steps with one thing done otherwise."""

    def wrong(env, chunk, g):
        value = 0.0
        for k in range(len(chunk)):
            obs, reward, term, trunc, _ = env.step(act(chunk, k))
            value = value + gain(k, g, len(chunk)) * reward
            if term or trunc:
                break
        return (obs, value, *ends(term, trunc), count(k))

    return wrong


def execute_horner(env, chunk, g):
    value, k = 0.0, 0
    for a in chunk:
        obs, reward, term, trunc, _ = env.step(a)
        value, k = g * value + reward, k + 1
        if term or trunc:
            break
    return obs, value, term, trunc, k


def execute_masked(env, chunk, g):
    value = 0.0
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value += g**k * reward * (1 - term)
        if term or trunc:
            break
    return obs, value, term, trunc, k + 1


def execute_mean(env, chunk, g):
    obs, value, term, trunc, k = execute_while(env, chunk, g)
    return obs, value / k, term, trunc, k


def execute_on_terminated_only(env, chunk, g):
    value, k, term = 0.0, 0, False
    while k < len(chunk) and not term:
        obs, reward, term, trunc, _ = env.step(chunk[k])
        value, k = value + g**k * reward, k + 1
    return obs, value, term, trunc, k


def execute_on_both_only(env, chunk, g):
    value = 0.0
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value += g**k * reward
        if term and trunc:
            break
    return obs, value, term, trunc, k + 1


def execute_rewards_apart(env, chunk, g):
    rewards = []
    for k, a in enumerate(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        rewards.append(g**k * reward)
        if term or trunc:
            break
    return obs, np.array(rewards), term, trunc, k + 1


def execute_running_weight(env, chunk, g):
    """Right, with a weight that shrinks."""
    value, weight, steps = 0.0, 1.0, 0
    for a in np.asarray(chunk):
        obs, reward, term, trunc, _ = env.step(a)
        value, weight, steps = value + weight * reward, weight * g, steps + 1
        if bool(term) | bool(trunc):
            break
    return obs, np.float64(value), np.bool_(term), np.bool_(trunc), np.int64(steps)


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

ALSO_RIGHT = {
    "check_decision_steps": lambda n, h: np.flatnonzero(np.arange(n) % h == 0),
    "check_chunk_rewards": rewards_by_recursion,
    "check_chunk_transitions": kernel_by_multi_dot,
    "check_chunked_value_iteration": sweeps_of_values,
    "check_chunk_dataset": dataset_windows,
    "check_execute_chunk": execute_running_weight,
}

WRONG = {
    "check_decision_steps": {
        "from 1": (lambda n, h: np.arange(1, n, h), "counts from 1"),
        "from 1, as floats": (lambda n, h: np.arange(1.0, n, h), "shape (5,): [1 2 3 4 5]"),
        "without the last": (lambda n, h: list(range(0, n, h))[:-1], "last look is missing"),
        "rounded": (lambda n, h: h * np.arange(round(n / h + 0.5)), "the episode is over"),
        "a remainder of 1 only": (
            lambda n, h: h * np.arange(max(1, n // h + (n % h == 1))),
            "steps are left after two chunks",
        ),
        "every step's chunk": (lambda n, h: np.arange(n) // h * h, "the last look before it"),
        "every step's chunk number": (lambda n, h: [t // h for t in range(n)], "the number of its chunk"),
        "every step's place": (lambda n, h: [t % h for t in range(n)], "its place in its chunk"),
        "stops a step early": (lambda n, h: list(range(0, n - 1, h)), "one step too early"),
        "stops a chunk early": (lambda n, h: np.arange(0, n - h, h), "last look is missing"),
        "as many as steps": (lambda n, h: [i * h for i in range(n)], "goes on after the end"),
        "rounded chunks": (lambda n, h: [i * h for i in range(round(n / h))], "rounded to the nearest"),
        "whole chunks": (lambda n, h: np.arange(n // h), "numbers of the whole chunks"),
        "count of whole chunks": (lambda n, h: n // h, "number of whole chunks"),
        "count of looks": (lambda n, h: len(range(0, n, h)), "number of looks"),
        "after whole chunks": (lambda n, h: list(range(h, n + 1, h)), "after each whole chunk"),
        "ends": (lambda n, h: [min(t + h, n) for t in range(0, n, h)], "ends of the chunks"),
        "returns in the loop": (
            lambda n, h: [next(t for t in range(n) if t % h == 0)],
            "Only the first look",
        ),
        "overwritten in the loop": (
            lambda n, h: max(t for t in range(n) if t % h == 0),
            "Only the last look",
        ),
        "linspace": (lambda n, h: np.linspace(0, n, h), "number of looks"),
        "a generator": (lambda n, h: (t for t in range(0, n, h)), "generators"),
        "np.where": (lambda n, h: np.where(np.arange(n) % h == 0), "np.where"),
    },
    "check_chunk_rewards": {
        "one state only": (rewards_of_one_state, "wrong shape"),
        "for every first action": (rewards_all_actions, "wrong shape"),
        "the last step is missing": (rewards_off_by_one, "r(s, a_0) + 0.5 r(s, a_1)"),
        "the last step is missing always": (
            rewards_loop(steps=lambda h: range(h - 1)),
            "last reward is missing",
        ),
        "the first reward is missing": (
            rewards_loop(weight=lambda k, g, h: g**k if k else 0),
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
            rewards_loop(weight=lambda k, g, h: g if k > 0 else 1),
            "Every reward but the first",
        ),
        "product for power": (rewards_loop(weight=lambda k, g, h: g * k), "discount * k"),
        "backwards from discount": (
            rewards_loop(weight=lambda k, g, h: g ** (h - k)),
            "backwards, and the last",
        ),
        "the action as exponent": (rewards_action_as_exponent, "exponent of discount is the action's number"),
        "first action repeated": (
            lambda p, r, g, chunk: rewards_recursive(p, r, g, [chunk[0]] * len(chunk)),
            "first action is repeated",
        ),
        "recursion from the front": (rewards_recursion_from_the_front, "from its last action to its first"),
        "each action's own kernel": (rewards_own_kernel, "own kernel is applied k times"),
        "the other side": (rewards_left, "wrong side"),
        "entry by entry": (rewards_entry_by_entry, "entry by entry"),
        "from ones": (rewards_loop(start=lambda n: np.ones((n, n))), "starts from ones"),
        "from anywhere": (rewards_loop(start=lambda n: np.ones((n, n)) / n), "uniform distribution"),
        "from zeros": (rewards_loop(start=lambda n: np.zeros((n, n))), "starts from zeros"),
        "a column": (lambda *args: rewards_recursive(*args)[:, None], "drop keepdims"),
        "nothing": (lambda *args: None, "return statement is missing"),
        "discounted once": (rewards_undiscounted_tail, "Every reward but the first"),
        "discount squared": (rewards_squared_discount, "discounted twice"),
        "two results": (lambda *args: (rewards_recursive(*args), 0), "it returned a tuple of 2"),
        "still on a repeated action": (rewards_still_on_repeats, "Every step k counts"),
        "the most likely path": (rewards_most_likely, "most likely next state"),
        "indices swapped": (rewards_state_first, "IndexError"),
    },
    "check_chunk_transitions": {
        "a row only": (kernel_row, "An axis is missing"),
        "a kernel a step": (kernel_all, "An axis is left over"),
        "normalised product by entry": (kernel_normalised, "next"),
        "starts from ones": (kernel_from_ones, "starts from ones"),
        "first and last only": (kernel_pairs, "Only the first and the last action"),
        "starts from the first": (kernel_first_twice, "first action counts twice"),
        "starts from zeros": (kernel_loop(lambda n: np.zeros((n, n))), "starts from zeros"),
        "last action repeated": (
            kernel_loop(np.eye, lambda chunk: [chunk[-1]] * len(chunk)),
            "last action is repeated",
        ),
        "last action twice": (kernel_loop(np.eye, lambda chunk: chunk + chunk[-1:]), "one step more"),
        "first two swapped": (
            kernel_loop(np.eye, lambda chunk: chunk[1::-1] + chunk[2:]),
            "first two actions are swapped",
        ),
        "each transposed": (kernel_loop(np.eye, change=np.transpose), "Each kernel is transposed"),
        "from the last action": (kernel_loop(np.eye, lambda chunk: chunk[::-1]), "reverse order"),
        "the most likely state": (kernel_most_likely, "most likely next state"),
        "the mean action": (kernel_of_the_mean, "chunk is ignored"),
        "the other axis": (lambda p, chunk: p[:, :, chunk[0]], "transitions[:, a]"),
        "an index without the colon": (lambda p, chunk: np.eye(len(p)) @ p[chunk[0]], "transitions[:, a]"),
    },
    "check_chunked_value_iteration": {
        "V instead of Q": (sweeps_value, "gives back V"),
        "keeps its table between calls": (SweepsKept(), "between calls"),
        "until it converges": (sweeps_whole, "until nothing changes"),
        "the reward is discounted as well": (sweeps_discounted_reward, "reward is discounted as well"),
        "sweeps in place": (sweeps_in_place, "just changed"),
        "a soft maximum": (sweeps_soft, "max_a Q"),
        "one power too many": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g ** (h + 1) * p @ q.max(axis=1)),
            "discount**(H + 1)",
        ),
        "a root": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g ** (1 / h) * p @ q.max(axis=1)),
            "root of discount",
        ),
        "the sweep in the exponent": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g ** (h * i) * p @ q.max(axis=1)),
            "shrinks from sweep to sweep",
        ),
        "returns in the loop": (sweeps_return_early, "Only one sweep counts"),
        "zeros in the loop": (sweeps_reset, "Only one sweep counts"),
        "the table is not replaced": (sweeps_loop(lambda r, p, g, h, q, i: q), "table is never replaced"),
        "the sum over chunks": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g**h * p @ q.sum(axis=1)),
            "adds up the values of all chunks",
        ),
        "argmax": (sweeps_loop(lambda r, p, g, h, q, i: r + g**h * p @ q.argmax(axis=1)), "for its value"),
        "the same chunk again": (
            sweeps_loop(
                lambda r, p, g, h, q, i: (
                    r + g**h * np.stack([p[:, c] @ q[:, c] for c in range(r.shape[1])], 1)
                )
            ),
            "next chunk is the same",
        ),
        "the best next state": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g**h * np.max(p * q.max(axis=1)[None, None], axis=-1)),
            "most favourable next state",
        ),
        "read backwards": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g**h * np.tensordot(q.max(axis=1), p, axes=(0, 0)).T),
            "read backwards",
        ),
        "the other axis": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g**h * p @ q.max(axis=0)),
            "q.max(axis=1)",
        ),
        "keepdims": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g**h * p @ q.max(axis=1, keepdims=True)),
            "drop keepdims",
        ),
        "the best chunks": (lambda *args: sweeps_einsum(*args).argmax(axis=1), "number of the best chunk"),
        "plain discount": (
            sweeps_loop(lambda r, p, g, h, q, i: r + g * p @ q.max(axis=1)),
            "not by discount**H",
        ),
    },
    "check_chunk_dataset": {
        "zero actions are not valid": (
            dataset_changed(
                3,
                lambda x, o, a, r, h, g, s: np.any(
                    np.array(dataset_lists(o, a, r, h, g, s)[1]) != 0, axis=-1
                ),
            ),
            "read off the actions",
        ),
        "valid as text": (
            lambda *args: (
                *dataset_lists(*args)[:3],
                [[str(float(v)) for v in row] for row in dataset_lists(*args)[3]],
                dataset_lists(*args)[4],
            ),
            "not an array of numbers",
        ),
        "stride 1 or H": (
            lambda o, a, r, h, g, s: dataset_lists(o, a, r, h, g, s if s == 1 else h),
            "neither 1 nor H",
        ),
        "stride at most H": (
            lambda o, a, r, h, g, s: dataset_lists(o, a, r, h, g, min(s, h)),
            "longer than the chunk",
        ),
        "swapped": (
            lambda *args: (*dataset_lists(*args)[:2], *dataset_lists(*args)[3:1:-1], dataset_lists(*args)[4]),
            "another order",
        ),
        "returns to go": (
            dataset_changed(
                2,
                lambda x, o, a, r, h, g, s: np.array(
                    [sum(g ** (k - t) * r[k] for k in range(t, len(a))) for t in range(0, len(a), s)]
                ),
            ),
            "goes on to the end",
        ),
        "chunks flattened": (
            dataset_changed(1, lambda x, *args: x.reshape(len(x), -1)),
            "chunks are flattened",
        ),
        "bootstraps from the start": (
            dataset_changed(4, lambda x, o, a, r, h, g, s: o[: len(a) : s]),
            "is s_t",
        ),
        "mean of the rewards": (dataset_changed(2, lambda x, o, a, r, h, g, s: x / h), "divided by H"),
        "starts count chunks": (
            dataset_changed(0, lambda x, *args: np.arange(len(x))),
            "numbers of the chunks",
        ),
        "starts from 1": (dataset_loop(starts=lambda n, h, s: range(1, n, s)), "starts begin at 1"),
        "starts to T - 1": (dataset_loop(starts=lambda n, h, s: range(0, n - 1, s)), "one step too early"),
        "starts to T - H": (
            dataset_loop(starts=lambda n, h, s: range(0, n - h, s)),
            "last whole chunk is left out",
        ),
        "whole chunks only": (dataset_loop(starts=lambda n, h, s: range(0, n - h + 1, s)), "are left out"),
        "stride H always": (dataset_loop(starts=lambda n, h, s: range(0, n, h)), "steps of H"),
        "a strided chunk": (dataset_loop(gap=lambda s: s), "`stride` apart"),
        "bootstraps a step late": (
            dataset_loop(after=lambda t, m, h, n: min(t + h + 1, n)),
            "a step too late",
        ),
        "bootstraps from the last": (dataset_loop(after=lambda t, m, h, n: -1), "last one for every chunk"),
        "bootstraps past the end": (
            dataset_loop(after=lambda t, m, h, n: t + h),
            "bootstraps from the last observation",
        ),
        "no bootstrap for a cut chunk": (
            dataset_changed(
                4, lambda x, o, a, r, h, g, s: np.where(np.arange(0, len(a), s)[:, None] + h > len(a), 0, x)
            ),
            "is set to zero",
        ),
        "no return for a cut chunk": (
            dataset_changed(
                2, lambda x, o, a, r, h, g, s: np.where(np.arange(0, len(a), s) + h > len(a), 0, x)
            ),
            "cut chunk is set to zero",
        ),
        "first action held": (
            dataset_changed(
                1,
                lambda x, o, a, r, h, g, s: np.stack(
                    [[a[t] * (t + k < len(a)) for k in range(h)] for t in range(0, len(a), s)]
                ),
            ),
            "first action H times",
        ),
        "axes of the chunks": (dataset_changed(1, lambda x, *args: x.transpose(0, 2, 1)), "(M, A, H)"),
        "all valid": (dataset_changed(3, lambda x, *args: x * 0 + 1), "valid is 1 everywhere"),
        "the last step is not valid": (
            dataset_changed(
                3,
                lambda x, o, a, r, h, g, s: np.array(
                    [[t + k < len(a) - 1 for k in range(h)] for t in range(0, len(a), s)]
                ),
            ),
            "last step of the episode",
        ),
        "valid by chunk": (dataset_changed(3, lambda x, *args: x.all(axis=1)), "An axis is missing"),
        "mean of what exists": (
            dataset_changed(
                2, lambda x, o, a, r, h, g, s: x / np.minimum(h, len(a) - np.arange(0, len(a), s))
            ),
            "number of steps that exist",
        ),
        "first reward alone": (dataset_changed(2, lambda x, o, a, r, h, g, s: r[::s]), "first reward alone"),
        "one weight": (dataset_loop(weight=lambda k, g, h: g), "Every reward has the weight discount"),
        "product for power": (dataset_loop(weight=lambda k, g, h: g * k), "discount * k"),
        "weights backwards": (dataset_loop(weight=lambda k, g, h: g ** (h - 1 - k)), "weights run backwards"),
        "discounted as a whole": (dataset_loop(weight=lambda k, g, h: g**h), "before the whole return"),
        "not discounted": (dataset_loop(weight=lambda k, g, h: 1), "are not discounted"),
        "ragged chunks": (dataset_ragged, "unequal length"),
        "one chunk": (dataset_of_one, "next"),
    },
    "check_execute_chunk": {
        "only terminated stops": (execute_on, "truncated ends the episode as well"),
        "never stops": (execute_regardless, "after the episode had ended"),
        "resets": (lambda env, chunk, g: (env.reset(), execute_while(env, chunk, g)), "reset() was called"),
        "a step too many": (
            lambda env, chunk, g: (execute_while(env, chunk, g), env.step(chunk[0]))[0],
            "more often than",
        ),
        "rewards below 0 dropped": (execute_positive, "Rewards below 0"),
        "actions clipped": (
            lambda env, chunk, g: execute_while(env, np.clip(chunk, -1, 1), g),
            "clipped to [-1, 1]",
        ),
        "five actions at most": (lambda env, chunk, g: execute_while(env, chunk[:5], g), "All eight"),
        "swapped": (
            lambda env, chunk, g: (lambda o: (o[1], o[0], *o[2:]))(execute_while(env, chunk, g)),
            "another order",
        ),
        "flags swapped": (
            lambda env, chunk, g: (lambda o: (o[0], o[1], o[3], o[2], o[4]))(execute_while(env, chunk, g)),
            "another order",
        ),
        "average action": (execute_average_action, "mean of the chunk"),
        "the last reward is lost": (execute_without_last_reward, "Add the reward first"),
        "four values": (execute_four_values, "wrong number of values"),
        "one action": (execute_one_action, "Only the first action"),
        "stops at terminated only": (execute_on_terminated_only, "stop where terminated or truncated"),
        "stops at both only": (execute_on_both_only, "stop where terminated or truncated"),
        "last action repeated": (execute_loop(act=lambda chunk, k: chunk[-1]), "last action is repeated"),
        "counts from 1": (execute_loop(count=lambda k: k + 2), "one too large"),
        "counts from 0": (execute_loop(count=lambda k: k), "one too small"),
        "discounts what it has": (execute_horner, "discount * total + reward"),
        "weights backwards": (
            execute_loop(gain=lambda k, g, h: g ** (h - 1 - k)),
            "backwards from the chunk's last",
        ),
        "discounted as a whole": (execute_loop(gain=lambda k, g, h: g**h), "before the whole sum"),
        "one weight after the first": (
            execute_loop(gain=lambda k, g, h: g if k else 1),
            "Every reward but the first",
        ),
        "product for power": (execute_loop(gain=lambda k, g, h: g * k), "discount * k"),
        "discounts from 1": (execute_loop(gain=lambda k, g, h: g ** (k + 1)), "discounted already"),
        "a mean": (execute_mean, "mean over the steps"),
        "the terminal reward is masked": (execute_masked, "terminal state is masked"),
        "truncated dropped": (
            execute_loop(ends=lambda term, trunc: (term, False)),
            "truncated is always reported as False.",
        ),
        "done for both": (
            execute_loop(ends=lambda term, trunc: (term or trunc, False)),
            "terminated where either came",
        ),
        "the chunk's end for the episode's": (
            execute_loop(ends=lambda term, trunc: (True, trunc)),
            "because the chunk is over",
        ),
        "a terminal state as a time limit": (
            execute_loop(ends=lambda term, trunc: (term, term or trunc)),
            "as a time limit, too",
        ),
        "rewards apart": (execute_rewards_apart, "one number is asked for"),
    },
    "check_one_step_target": {
        "best of each action": (lambda r, m, q, g: r + g * q.max(axis=0)[0] * m, "max(axis=1)"),
        "a column": (lambda r, m, q, g: one_step_where(r, m, q, g)[:, None], "An axis is left over"),
        "every action": (lambda r, m, q, g: r[:, None] + g * m[:, None] * q, "An axis is left over"),
        "a mean": (lambda r, m, q, g: one_step_where(r, m, q, g).mean(), "Everything was summed"),
        "absolute values": (lambda r, m, q, g: r + g * m * np.abs(q).max(axis=1), "max(axis=1)"),
        "discount squared": (lambda r, m, q, g: r + g**2 * m * q.max(axis=1), "discount * the largest"),
        "the first two actions": (
            lambda r, m, q, g: r + g * m * q[:, :2].max(axis=1),
            "discount * the largest",
        ),
        "never below 0": (
            lambda r, m, q, g: r + g * m * np.maximum(q.max(axis=1), 0),
            "discount * the largest",
        ),
        "a tuple": (lambda r, m, q, g: (one_step_where(r, m, q, g), None), "it returned a tuple of 2"),
    },
    "check_n_step_target": {
        "mean of the rewards": (
            lambda r, v, m, q, g: n_step_recursive(r / r.shape[1], v, m, q, g),
            "discount**k",
        ),
        "mask on everything": (
            lambda r, v, m, q, g: m * n_step_recursive(r, v, m, q, g),
            "rewards of a terminal window",
        ),
        "the mask forgotten after one step": (
            lambda r, v, m, q, g: n_step_recursive(r, v, np.where(v.sum(1) == 1, 1, m), q, g),
            "mask multiplies the bootstrap",
        ),
        "int of a float": (
            lambda r, v, m, q, g: [r[i, : v[i].sum()] for i in range(len(r))],
            "not whole numbers",
        ),
        "backwards": (lambda r, v, m, q, g: n_step_recursive(r[:, ::-1], v, m, q, g), "discount**k"),
        "cut windows bootstrap from nothing": (
            lambda r, v, m, q, g: n_step_recursive(r, v, m * v[:, -1], q, g),
            "has a future",
        ),
        "every action": (
            lambda r, v, m, q, g: np.stack(
                [n_step_recursive(r, v, m, q[:, [a]], g) for a in range(q.shape[1])], 1
            ),
            "axis is left over",
        ),
    },
    "check_chunk_target": {
        "target only": (lambda *args: chunk_loop(*args)[0], "wrong number of values"),
        "weight per step": (lambda r, v, m, q, g: (chunk_loop(r, v, m, q, g)[0], v), "wrong shape"),
        "half a target": (chunk_changed(0, lambda y, *args: y / 2), "next"),
        "weight of the last but one step": (
            chunk_changed(1, lambda w, r, v, m, q, g: v[:, max(v.shape[1] - 2, 0)]),
            "LAST step",
        ),
        "best of the first chunk only": (
            lambda r, v, m, q, g: chunk_loop(r, v, m, q[:, :1], g),
            "one-step target",
        ),
        "mean of rewards": (
            chunk_changed(0, lambda y, r, v, m, q, g: chunk_loop(r / r.shape[1], v, m, q, g)[0]),
            "discount**k",
        ),
    },
    "check_td_update": {
        "mean over the batch": (update_mean, "size of the batch"),
        "axes swapped": (update_swapped, "wrong shape"),
        "a block of entries": (update_outer, "picks B entries"),
        "only the change": (lambda q, *args: update_loop(q, *args) - q, "other entries stay"),
        "a rate of a quarter": (
            lambda q, s, c, y, w, rate: update_loop(q, s, c, y, w, 0.25),
            "half of the way",
        ),
        "squared weights": (
            lambda q, s, c, y, w, rate: update_loop(q, s, c, y, w**2, rate),
            "any number from 0 on",
        ),
        "squared weight is the same, squared error is not": (
            lambda q, s, c, y, w, rate: update_loop(q, s, c, q[s, c] + (y - q[s, c]) ** 2, w, rate),
            "half of the way",
        ),
    },
}
