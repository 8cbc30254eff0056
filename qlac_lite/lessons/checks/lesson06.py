"""Checks of lesson 06, offline to online.

Shapes: B batch, H chunk length, A action size, S observation size, E ensemble, T steps, M methods, R seeds,
P points of a curve.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.lax import stop_gradient

from qlac_lite.data.dataset import Batch
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, gradients

# 1. Half and half


def half_and_half(key, offline_starts, online_starts, filled, batch_size):
    """Which are from the replay (B,), and their rows (B,):
    data first, then batch_size // 2 of the replay's.
    """
    data_key, replay_key = jax.random.split(key)
    replayed = batch_size // 2
    draw = lambda key, count, limit: jax.random.randint(key, (count,), 0, limit)
    data = offline_starts[draw(data_key, batch_size - replayed, len(offline_starts))]
    instead = offline_starts[draw(replay_key, replayed, len(offline_starts))]
    replay = online_starts[draw(replay_key, replayed, filled)]
    rows = jnp.concatenate([data, jnp.where(filled > 0, replay, instead)])
    return (jnp.arange(batch_size) >= batch_size - replayed) & (filled > 0), rows


def _half_expected(key, offline_starts, online_starts, filled, batch_size):
    keys, replayed, filled = jax.random.split(key), batch_size // 2, int(filled)
    source = online_starts[:filled] if filled else offline_starts
    online, rows = np.zeros(batch_size), np.zeros(batch_size)
    first = np.asarray(jax.random.randint(keys[0], (batch_size - replayed,), 0, len(offline_starts)))
    second = np.asarray(jax.random.randint(keys[1], (replayed,), 0, len(source)))
    for b in range(batch_size):
        late = b - (batch_size - replayed)
        rows[b] = offline_starts[first[b]] if late < 0 else source[second[late]]
        online[b] = late >= 0 and filled > 0
    return online, rows


def _half_cases(rng):
    def case(many, room, filled, size):
        offline, online = (
            10 + np.sort(rng.permutation(4 * many)[:many]),
            500 + np.sort(rng.permutation(4 * room)[:room]),
        )
        online[filled:] = 0
        return (
            jax.random.key(rng.integers(2**31)),
            *(jnp.asarray(x, jnp.int32) for x in (offline, online, filled)),
            size,
        )

    return [
        Case(
            "12 chunks, the replay is full",
            case(9, 5, 5, 12),
            (
                "data_key, replay_key = jax.random.split(key). The first half: "
                "offline_starts[jax.random.randint(data_key, (count,), 0, len(offline_starts))]. "
                "Then the replay's half in the same way, with replay_key."
            ),
        ),
        Case(
            "13 chunks: the data have one more",
            case(9, 5, 5, 13),
            "batch_size // 2 from the replay, the rest from the data.",
        ),
        Case(
            "24 chunks, half of the replay's room is filled",
            case(9, 12, 6, 24),
            (
                "Only online_starts[:filled] counts, and filled is a traced number: "
                "it can be the limit of randint, but no slice."
            ),
        ),
        Case(
            "10 chunks, the replay is empty",
            case(9, 6, 0, 10),
            (
                "Draw the second half from both, with replay_key, "
                "and let jnp.where(filled > 0, ..., ...) choose."
            ),
        ),
        Case(
            "8 chunks, one chunk replayed so far",
            case(9, 6, 1, 8),
            "One replayed chunk is enough: filled > 0. It comes up batch_size // 2 times.",
        ),
        Case(
            "30 chunks, 3 chunks replayed so far",
            case(40, 12, 3, 30),
            "Half of the batch, however few chunks the replay has.",
        ),
    ]


def _half_with(
    keys=jax.random.split,
    count=lambda size: size // 2,
    limit=lambda filled, room: filled,
    rows=lambda starts, i: starts[i],
    empty="data",
    flag=lambda online, filled: online & (filled > 0),
    order=lambda a, b: (a, b),
    least=0,
    upside=False,
    short=0,
):
    def wrong(key, offline_starts, online_starts, filled, batch_size):
        data_key, replay_key = keys(key)
        replayed = count(batch_size)
        draw = lambda key, count, limit: jax.random.randint(key, (count,), 0, limit)
        data = rows(offline_starts, draw(data_key, batch_size - replayed, len(offline_starts) - short))
        instead = rows(offline_starts, draw(replay_key, replayed, len(offline_starts) - short))
        if empty == "the same":
            instead = jnp.resize(data, replayed)
        replay = rows(online_starts, draw(replay_key, replayed, limit(filled, len(online_starts))))
        second = (
            replay
            if empty == "ignored"
            else jnp.where((filled > least) if least >= 0 else (filled == 0), replay, instead)
        )
        marks = (
            jnp.zeros(batch_size - replayed, bool),
            flag(jnp.ones(replayed, bool), jnp.where(filled > max(least, 0), filled, 0)),
        )
        marks = tuple(~mark for mark in marks) if upside else marks
        return jnp.concatenate(order(*marks)), jnp.concatenate(order(data, second))

    return wrong


def _half_by_size(key, offline_starts, online_starts, filled, batch_size):
    index = jax.random.randint(key, (batch_size,), 0, len(offline_starts) + filled)
    online = index >= len(offline_starts)
    return online, jnp.where(
        online,
        online_starts[jnp.maximum(index - len(offline_starts), 0)],
        offline_starts[jnp.minimum(index, len(offline_starts) - 1)],
    )


def _half_by_coin(key, offline_starts, online_starts, filled, batch_size):
    data_key, replay_key = jax.random.split(key)
    online = jax.random.bernoulli(key, 0.5, (batch_size,)) & (filled > 0)
    data = offline_starts[jax.random.randint(data_key, (batch_size,), 0, len(offline_starts))]
    return online, jnp.where(
        online, online_starts[jax.random.randint(replay_key, (batch_size,), 0, filled)], data
    )


check_half_and_half = Exercise(
    half_and_half,
    _half_expected,
    _half_cases,
    [
        Misconception(
            (
                "All chunks are drawn from both together: "
                "the replay's share is its size, which is next to nothing at first."
            ),
            "Two draws: one from the data, one from the replay.",
            _half_by_size,
        ),
        Misconception(
            "A coin decides for each chunk: half and half only on average.",
            "Exactly batch_size // 2 from the replay.",
            _half_by_coin,
        ),
        Misconception(
            "The whole room of the replay is drawn from, the unfilled part too: those are zeros, not chunks.",
            "The limit of randint is filled, not len(online_starts).",
            _half_with(limit=lambda filled, room: room),
        ),
        Misconception(
            "The newest chunk is never drawn: the limit of randint is excluded already.",
            "jax.random.randint(replay_key, (count,), 0, filled).",
            _half_with(limit=lambda filled, room: filled - 1),
        ),
        Misconception("A replay of one chunk counts as empty.", "filled > 0.", _half_with(least=1)),
        Misconception(
            "The branches of jnp.where are swapped: the replay is drawn from when it is empty.",
            "jnp.where(filled > 0, from the replay, from the data).",
            _half_with(least=-1),
        ),
        Misconception(
            "The rows are right, and the marks are upside down.",
            "online is True where the row is the replay's.",
            _half_with(upside=True),
        ),
        Misconception(
            "The limit of randint is one too large: a row beyond the filled ones can be drawn.",
            "randint excludes its limit: filled itself is the limit.",
            _half_with(limit=lambda filled, room: filled + 1),
        ),
        Misconception(
            "The last chunk of the data is never drawn: the limit of randint is excluded already.",
            "jax.random.randint(data_key, (count,), 0, len(offline_starts)).",
            _half_with(short=1),
        ),
        Misconception(
            "An empty replay is drawn from.",
            "jnp.where(filled > 0, from the replay, from the data).",
            _half_with(empty="ignored", flag=lambda online, filled: online),
        ),
        Misconception(
            "With an empty replay the rows are right, but they are marked as the replay's.",
            "online is False for all of them: & (filled > 0).",
            _half_with(flag=lambda online, filled: online),
        ),
        Misconception(
            "With an empty replay the first half comes twice.",
            "Draw the second half with replay_key, from the data.",
            _half_with(empty="the same"),
        ),
        Misconception(
            "Both halves share a key: their random numbers are related.",
            "data_key, replay_key = jax.random.split(key).",
            _half_with(keys=lambda key: (key, key)),
        ),
        Misconception(
            "One half is drawn with the key that is split for the other: their random numbers are related.",
            "Never use a key that you have split.",
            _half_with(keys=lambda key: (key, jax.random.split(key)[1])),
        ),
        Misconception(
            "The two keys are swapped.",
            "data_key, replay_key = jax.random.split(key): the first draws from the data.",
            _half_with(keys=lambda key: jax.random.split(key)[::-1]),
        ),
        Misconception(
            "Of an odd batch the replay has one more.",
            "batch_size // 2 from the replay, the rest from the data.",
            _half_with(count=lambda size: -(-size // 2)),
        ),
        Misconception(
            "The replay's half comes first.",
            "jnp.concatenate([data, replay]).",
            _half_with(order=lambda a, b: (b, a)),
        ),
        Misconception(
            "These are positions in the lists of starts, not rows of the buffers.",
            "Index the starts: offline_starts[jax.random.randint(...)].",
            _half_with(rows=lambda starts, i: i),
        ),
    ],
    parts=("online", "rows"),
    insight=(
        "From the first replayed chunk on, half of what the critic learns from is what the agent did itself."
    ),
    compiled=True,
)


# 2. The queue


class Corridor:
    """A small environment with Gymnasium's interface.

    Episode i ends after `lengths[i]` steps: `ends[i]` is "solved", "late" (the limit), or "both" at once.
    """

    def __init__(self, lengths: tuple[int, ...], ends: tuple[str, ...]):
        self.lengths, self.ends, self.episode, self.time, self.steps = lengths, ends, -1, None, 0

    def reset(self):
        self.episode, self.time = self.episode + 1, 0
        self.place = np.array([1.0 + self.episode, 0.0])
        return self.place, {}

    def step(self, action):
        if self.time is None:
            raise RuntimeError("the episode is over (or never began): call environment.reset() first")
        self.time, self.steps = self.time + 1, self.steps + 1
        self.place = 0.9 * self.place + np.asarray(action)
        over, reward = self.time == self.lengths[self.episode], -float(self.time % 2)
        end = self.ends[self.episode] if over else ""
        if over:
            self.time = None
        return self.place, reward, end in ("solved", "both"), end in ("late", "both"), {}


class Decider:
    """Gives a chunk (H, 2) for an observation, and counts how often it was asked."""

    def __init__(self, horizon: int):
        self.horizon, self.calls = horizon, 0

    def __call__(self, observation):
        self.calls += 1
        ahead = np.arange(self.horizon)[:, None]
        return np.sin(np.asarray(observation, float) + 0.7 * ahead) * (1 - 0.1 * ahead)


def act_with_queue(environment, decide, steps):
    """`steps` steps with a queue of actions: observations, actions, next observations, masks,
    ends; number of decisions.
    """
    rows, queue, decisions = [], [], 0
    observation, _ = environment.reset()
    for _ in range(steps):
        if not queue:
            queue = list(decide(observation))
            decisions += 1
        action = queue.pop(0)
        after, _, terminated, truncated, _ = environment.step(action)
        over = terminated or truncated
        rows.append((observation, action, after, 0.0 if terminated else 1.0, float(over)))
        observation = after
        if over:
            observation, _ = environment.reset()
            queue = []
    return *map(np.array, zip(*rows, strict=True)), decisions


def _queue_expected(environment, decide, steps):
    """By episodes and chunks, as nested loops."""
    rows, decisions = [], 0
    while len(rows) < steps:
        seen, over = environment.reset()[0], False
        while not over and len(rows) < steps:
            chunk = decide(seen)
            decisions += 1
            for action in chunk:
                after, _, solved, late, _ = environment.step(action)
                over = solved or late
                rows.append([seen, action, after, 1.0 - solved, float(over)])
                seen = after
                if over or len(rows) == steps:
                    break
    columns = [np.array([row[i] for row in rows]) for i in range(5)]
    return *columns, decisions, decisions, steps


def _queue_cases(rng):
    def case(horizon, steps, lengths, ends):
        return Corridor((*lengths, 1000), (*ends, "late")), Decider(horizon), steps

    some = int(rng.integers(7, 10))
    return [
        Case(
            f"chunks of one, {some} steps, no episode ends",
            case(1, some, (), ()),
            (
                "One decision a step. "
                "Store what was seen before the action, the action, and what was seen after it."
            ),
        ),
        Case(
            "chunks of 3, 9 steps, no episode ends",
            case(3, 9, (), ()),
            "Decide when the queue is empty, then take its first action: queue.pop(0).",
        ),
        Case(
            "chunks of 3, 11 steps: the last chunk is not finished",
            case(3, 11, (), ()),
            "Count steps, not chunks.",
        ),
        Case(
            "chunks of 3; the first episode is solved after 5 steps",
            case(3, 12, (5,), ("solved",)),
            (
                "After the episode's end: reset, empty the queue. "
                "mask is 0 where the step terminated the episode; "
                "its next observation is the last of the old episode."
            ),
        ),
        Case(
            "chunks of 4; the first episode runs out of time after 6 steps",
            case(4, 12, (6,), ("late",)),
            "Running out of time ends the episode (end is 1) but nothing terminal was reached (mask is 1).",
        ),
        Case(
            "chunks of 4; episodes of 4, 1 and 7 steps",
            case(4, 16, (4, 1, 7), ("solved", "late", "solved")),
            "An episode may end with its chunk, or at its first step.",
        ),
        Case(
            "chunks of 2; the first episode is solved at the very step at which its time runs out",
            case(2, 9, (3,), ("both",)),
            "Both flags may be true. Then the state is terminal: mask 0, end 1.",
        ),
    ]


def _calls(answer, args):
    """How often the policy was asked and the environment stepped,
    counted by these in the call that has just been made.
    """
    return {"number of calls of decide": args[1].calls, "number of steps of the environment": args[0].steps}


def _queue_with(
    refill=lambda queue: not queue,
    take=lambda queue: queue.pop(0),
    kept=lambda queue, solved: [],
    stale=False,
    always=False,
    seen="now",
    after_end="last",
    mask=lambda solved, late, reward: 1.0 - solved,
    ends=lambda solved, late: solved or late,
    count="decisions",
    skip=False,
    whole=False,
    eager=False,
):
    def wrong(environment, decide, steps):
        rows, queue, decisions = [], [], 0
        observation = shown = decided = first = environment.reset()[0]
        while len(rows) < steps or (whole and queue):
            chunk = decide(shown) if always or refill(queue) else None
            if refill(queue):
                queue, decided = list(chunk), observation
                decisions += 1
            action = take(queue)
            after, reward, solved, late, _ = environment.step(action)
            over, fresh, stored = (
                solved or late,
                after,
                {"decided": decided, "now": observation, "first": first}[seen],
            )
            if over:
                fresh = first = environment.reset()[0]
                queue = kept(queue, solved)
            then = fresh if after_end == "reset" else after
            if not (skip and over):
                rows.append((stored, action, then, mask(solved, late, reward), float(ends(solved, late))))
            observation, shown = (
                (after if stale == "both" else fresh),
                (after if stale else first if seen == "first" else fresh),
            )
        if eager and not queue:
            decide(shown)
            decisions += 1
        return *map(np.array, zip(*rows, strict=True)), len(rows) if count == "steps" else decisions

    return wrong


def _queue_counts_ends(environment, decide, steps):
    *rows, decisions = act_with_queue(environment, decide, steps)
    return *rows, decisions + int(rows[-1].sum())


def _queue_empties_late(environment, decide, steps):
    rows, queue, decisions, ended = [], [], 0, False
    observation = environment.reset()[0]
    for _ in range(steps):
        if not queue:
            queue, decisions = list(decide(observation)), decisions + 1
        action = queue.pop(0)
        if ended:
            queue = []
        after, _, solved, late, _ = environment.step(action)
        ended = solved or late
        rows.append((observation, action, after, 1.0 - solved, float(ended)))
        observation = environment.reset()[0] if ended else after
    return *map(np.array, zip(*rows, strict=True)), decisions


check_act_with_queue = Exercise(
    act_with_queue,
    _queue_expected,
    _queue_cases,
    [
        Misconception(
            "It decides anew at every step and executes the first action of each chunk: this is closed loop.",
            "Call decide only when the queue is empty.",
            _queue_with(refill=lambda queue: True),
        ),
        Misconception(
            (
                "The policy is asked at every step, "
                "and the answer is thrown away while the queue has actions: right, and H times too slow."
            ),
            "Call decide inside `if not queue:`.",
            _queue_with(always=True),
        ),
        Misconception(
            (
                "The queue survives the reset: "
                "the new episode begins with actions that were decided in the old one."
            ),
            "Empty the queue when the episode ends.",
            _queue_with(kept=lambda queue, solved: queue),
        ),
        Misconception(
            (
                "The queue is emptied at a success only: "
                "an episode that runs out of time leaves its actions to the next one."
            ),
            "Empty the queue where terminated or truncated.",
            _queue_with(kept=lambda queue, solved: [] if solved else queue),
        ),
        Misconception(
            "The observation is not carried on: every transition of an episode holds its first one.",
            "observation = what step returned.",
            _queue_with(seen="first"),
        ),
        Misconception(
            "What reset gave is not used: the new episode begins with the last observation of the old one.",
            "observation, _ = environment.reset().",
            _queue_with(stale="both"),
        ),
        Misconception(
            "It decides as soon as the queue is empty, also after the last step: one decision too many.",
            "Decide when an action is needed: before the step, if the queue is empty.",
            _queue_with(eager=True),
        ),
        Misconception(
            "A transition is taken for terminal where its reward is 0.",
            "mask is 0 where step said terminated.",
            _queue_with(mask=lambda solved, late, reward: float(reward != 0)),
        ),
        Misconception(
            "An episode that was solved just as its time ran out is not taken for terminal.",
            "mask is 0 wherever terminated is True.",
            _queue_with(mask=lambda solved, late, reward: 1.0 - (solved and not late)),
        ),
        Misconception(
            "An episode that was solved just as its time ran out is not marked as ended.",
            "end is 1 where terminated or truncated, or both.",
            _queue_with(ends=lambda solved, late: solved != late),
        ),
        Misconception(
            "Only an episode that runs out of time is marked as ended.",
            "end is 1 where terminated or truncated.",
            _queue_with(ends=lambda solved, late: late),
        ),
        Misconception(
            "An episode is marked as ended only where both flags are true.",
            "end is 1 where terminated or truncated.",
            _queue_with(ends=lambda solved, late: solved and late),
        ),
        Misconception(
            (
                "The queue is emptied one step too late: "
                "the first action of the new episode was decided in the old one."
            ),
            "Empty the queue in the step in which the episode ends, before the next decision.",
            _queue_empties_late,
        ),
        Misconception(
            "The queue is read from its end: the chunk is executed backwards.",
            "queue.pop(0), or a deque's popleft().",
            _queue_with(take=lambda queue: queue.pop()),
        ),
        Misconception(
            "Only the first action of the chunk is executed, again and again.",
            "Take the action out of the queue: queue.pop(0).",
            _queue_with(take=lambda queue: queue[0]),
        ),
        Misconception(
            "The last action of each chunk is never executed: it decides when one action is left.",
            "Decide when the queue is empty, not before.",
            _queue_with(refill=lambda queue: len(queue) < 2),
        ),
        Misconception(
            "The first decision of an episode sees the last observation of the one before.",
            "After a reset go on with the observation that reset gave.",
            _queue_with(stale=True),
        ),
        Misconception(
            "Every transition of a chunk holds the observation at which the chunk was decided.",
            "Each step has its own observation: the one just before its action.",
            _queue_with(seen="decided"),
        ),
        Misconception(
            (
                "At an episode's end the next observation is that of the reset: "
                "the critic would bootstrap from another episode."
            ),
            "Store what step returned, then reset.",
            _queue_with(after_end="reset"),
        ),
        Misconception(
            "Running out of time counts as terminal: the critic would learn that nothing follows.",
            "mask is 0 only where terminated is True.",
            _queue_with(mask=lambda solved, late, reward: 1.0 - (solved or late)),
        ),
        Misconception(
            "The mask is always 1: the critic would bootstrap from a solved state.",
            "mask is 0 where terminated is True.",
            _queue_with(mask=lambda solved, late, reward: 1.0),
        ),
        Misconception(
            "The mask is upside down.",
            "mask is 0 where terminated is True, else 1.",
            _queue_with(mask=lambda solved, late, reward: float(solved)),
        ),
        Misconception(
            (
                "An episode that runs out of time is not marked as ended: "
                "a chunk of the replay would run across it."
            ),
            "end is 1 where terminated or truncated.",
            _queue_with(ends=lambda solved, late: solved),
        ),
        Misconception(
            "The last transition of each episode is lost: with it the only reward that matters.",
            "Append the transition before you look whether the episode is over.",
            _queue_with(skip=True),
        ),
        Misconception(
            "It counts chunks, not steps: the last chunk is executed to its end.",
            "for _ in range(steps).",
            _queue_with(whole=True),
        ),
        Misconception(
            "The number of steps is returned, not that of the decisions.",
            "Count the calls of decide.",
            _queue_with(count="steps"),
        ),
        Misconception("A reset is counted as a decision.", "Count the calls of decide.", _queue_counts_ends),
    ],
    parts=("observations", "actions", "next_observations", "masks", "ends", "decisions"),
    insight="The environment sees single actions. Only the agent knows that they were decided in chunks.",
    observe=_calls,
)


# 3. The tanh-Gaussian


def chunk_log_prob(mean, log_std, u):
    """Log density (B,) of the chunks tanh(u) under the tanh-Gaussian: mean, log_std, u (B, H, A)."""
    gaussian = -0.5 * ((u - mean) / jnp.exp(log_std)) ** 2 - log_std - 0.5 * jnp.log(2 * jnp.pi)
    slope = 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
    return jnp.sum(gaussian - slope, axis=(1, 2))


def _log_prob_expected(mean, log_std, u):
    """With 1 - tanh(u)^2 = 1 / cosh(u)^2, in double precision, and derivatives by hand."""
    std = np.exp(log_std)
    slope = -2 * (np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - np.log(2))
    value = (scipy.stats.norm.logpdf(u, mean, std) - slope).sum(axis=2).sum(axis=1)
    away = (u - mean) / std
    return value, away / std, away**2 - 1, -away / std + 2 * np.tanh(u)


def _log_prob_cases(rng):
    def case(size, horizon, actions, std, far=False):
        mean, noise = rng.normal(size=(2, size, horizon, actions))
        log_std = std + 0.3 * rng.normal(size=mean.shape) * (std != 0)
        u = mean + np.exp(log_std) * noise
        if far:
            u[0], u[1, 0] = 15.0 + rng.uniform(size=u[0].shape), -14.0
        return mean, log_std, u

    return [
        Case(
            "single actions of one number, standard deviation 1",
            case(4, 1, 1, 0.0),
            "The Gaussian's log density at u, less log(1 - tanh(u)**2).",
        ),
        Case(
            "single actions of one number, other deviations",
            case(4, 1, 1, -0.7),
            (
                "log_std is the logarithm of the standard deviation: "
                "the density has -log_std, and ((u - mean) / exp(log_std))**2."
            ),
        ),
        Case(
            "chunks of 3 steps of 2 numbers",
            case(5, 3, 2, -0.5),
            "The entries are independent: their log densities add up, over H and A.",
        ),
        Case(
            "chunks of 3 steps, some entries far out",
            case(5, 3, 2, 0.4, far=True),
            (
                "Far out tanh(u) is rounded to 1. "
                "Use 2 * (log 2 - u - softplus(-2 u)), which is the same and never infinite."
            ),
        ),
    ]


def _slopes_of_sum(**arguments):
    """The gradients of the sum of an answer over the batch."""
    return lambda answer, args: gradients(**arguments)(lambda *inputs: jnp.sum(answer(*inputs)), args)


def _stable(u):
    return 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))


def _normal(u, mean, log_std):
    return jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std))


def _log_prob_with(gaussian=_normal, slope=_stable, sign=-1.0, total=lambda x: x.sum(axis=(1, 2))):
    return lambda mean, log_std, u: total(gaussian(u, mean, log_std) + sign * slope(u))


check_chunk_log_prob = Exercise(
    chunk_log_prob,
    _log_prob_expected,
    _log_prob_cases,
    [
        Misconception(
            "The density is the Gaussian's at u: the slope of tanh is missing.",
            "Subtract log(1 - tanh(u)**2) for every entry.",
            _log_prob_with(sign=0.0),
        ),
        Misconception(
            "The slope of tanh is added: it has to be subtracted.",
            (
                "Where tanh is flat, many u share few actions, "
                "and the density is larger: minus log(1 - tanh(u)**2)."
            ),
            _log_prob_with(sign=1.0),
        ),
        Misconception(
            "log(1 - tanh(u)**2) as it stands: far out it is log(0).",
            "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) is the same number, and never infinite.",
            _log_prob_with(slope=lambda u: jnp.log(1 - jnp.tanh(u) ** 2)),
        ),
        Misconception(
            (
                "log(1 - tanh(u)**2 + 1e-6): "
                "finite, but far out it is the 1e-6 that counts, and the gradient is lost."
            ),
            "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) needs no such help.",
            _log_prob_with(slope=lambda u: jnp.log(1 - jnp.tanh(u) ** 2 + 1e-6)),
        ),
        Misconception(
            "softplus(2 u): the sign inside is wrong.",
            "2 * (log 2 - u - softplus(-2 u)).",
            _log_prob_with(slope=lambda u: 2 * (jnp.log(2.0) - u - jax.nn.softplus(2 * u))),
        ),
        Misconception(
            "softplus(-u): the factor 2 inside is missing.",
            "2 * (log 2 - u - softplus(-2 u)).",
            _log_prob_with(slope=lambda u: 2 * (jnp.log(2.0) - u - jax.nn.softplus(-u))),
        ),
        Misconception(
            "The softplus is added; it has to be subtracted.",
            "2 * (log 2 - u - softplus(-2 u)).",
            _log_prob_with(slope=lambda u: 2 * (jnp.log(2.0) - u + jax.nn.softplus(-2 * u))),
        ),
        Misconception(
            "log_std is added: a wide Gaussian would be dense.",
            "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s) + 2 * s),
        ),
        Misconception(
            "The constant is log(2 pi), without the half.",
            "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s) - 0.5 * jnp.log(2 * jnp.pi)),
        ),
        Misconception(
            "The factor 2 of the slope is missing.",
            "log(1 - tanh(u)**2) = 2 * (log 2 - u - softplus(-2 u)).",
            _log_prob_with(slope=lambda u: _stable(u) / 2),
        ),
        Misconception(
            "The mean over the chunk's entries, not the sum: this is no log density.",
            "Independent entries multiply, so their logarithms add up: jnp.sum.",
            _log_prob_with(total=lambda x: x.mean(axis=(1, 2))),
        ),
        Misconception(
            "Summed over the actions, averaged over the steps.",
            "Sum over H and A: axis=(1, 2).",
            _log_prob_with(total=lambda x: x.sum(axis=2).mean(axis=1)),
        ),
        Misconception(
            "Only the first step of the chunk counts.",
            "Sum over H and A: axis=(1, 2).",
            _log_prob_with(total=lambda x: x[:, 0].sum(axis=1)),
        ),
        Misconception(
            "log_std is used as the standard deviation.",
            "The standard deviation is jnp.exp(log_std).",
            _log_prob_with(
                gaussian=lambda u, m, s: (
                    -0.5 * ((u - m) / jnp.asarray(s)) ** 2 - jnp.log(jnp.abs(s)) - 0.5 * jnp.log(2 * jnp.pi)
                )
            ),
        ),
        Misconception(
            "exp(log_std) is used as the variance.",
            "The square: exp(log_std)**2 is the variance.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s / 2)),
        ),
        Misconception(
            "The term -log_std is missing: the density would not integrate to one.",
            "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s) + s),
        ),
        Misconception(
            (
                "The constant log(2 pi) / 2 of every entry is missing: "
                "the entropy would be wrong, and with it the temperature."
            ),
            "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s) + 0.5 * jnp.log(2 * jnp.pi)),
        ),
        Misconception(
            "The factor 1/2 of the square is missing.",
            "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, m, s) - 0.5 * ((u - m) / jnp.exp(s)) ** 2),
        ),
        Misconception(
            "The Gaussian is evaluated at the action tanh(u).",
            "The Gaussian is over u, before the tanh.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(jnp.tanh(u), m, s)),
        ),
        Misconception(
            "The mean has gone through tanh.",
            "The Gaussian is over u, and so is its mean.",
            _log_prob_with(gaussian=lambda u, m, s: _normal(u, jnp.tanh(m), s)),
        ),
        Misconception(
            "The slope of tanh is taken at the mean.",
            "At u: that is where tanh stretches.",
            lambda m, s, u: _log_prob_with(sign=0.0)(m, s, u) - _stable(m).sum(axis=(1, 2)),
        ),
        Misconception(
            "The sign is wrong: this is the negative log density.",
            "Return log pi itself; the losses choose the sign.",
            lambda m, s, u: -chunk_log_prob(m, s, u),
        ),
    ],
    insight="A sum over H * A entries: keep that in mind when it is multiplied by a temperature.",
    compiled=True,
    observe=_slopes_of_sum(mean=0, log_std=1, u=2),
)


# 4. The losses of RLPD


class Networks(NamedTuple):
    """Networks as pure functions of their parameters."""

    policy: Callable  # params, observation (B, S) -> mean (B, H, A), log_std (B, H, A)
    critic: Callable  # params, observation (B, S), chunk (B, H, A) -> (E, B)


def rlpd_critic_loss(networks, params, target_critic, batch, key):
    """The critics' loss on a Batch of chunks; the next chunk is the policy's own."""
    mean, log_std = networks.policy(stop_gradient(params["policy"]), batch.bootstrap_observation)
    next_chunk = jnp.tanh(mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape))
    next_q = networks.critic(target_critic, batch.bootstrap_observation, next_chunk).mean(axis=0)
    target = stop_gradient(batch.returns + batch.discount * next_q)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return jnp.mean(batch.valid[:, -1] * (q - target) ** 2)


def _toy_policy(params, observation):
    """params (4, A), S = A, for chunks of 3: mean and log standard deviation before the tanh."""
    ahead, seen = jnp.arange(3.0)[:, None], observation[:, None]
    return params[0] * seen + params[1] * ahead, params[2] * jnp.tanh(seen) + params[3] * ahead - 0.5


def _toy_critic(params, observation, actions):
    """(E, S + H * A), (B, S), (B, H, A) -> (E, B), smooth and curved."""
    inputs = jnp.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    return params @ inputs.T + jnp.sin(1.5 * params @ inputs.T)


TOY = Networks(_toy_policy, _toy_critic)


def _policy_numpy(params, observation):
    ahead, seen = np.arange(3.0)[:, None], observation[:, None]
    return params[0] * seen + params[1] * ahead, params[2] * np.tanh(seen) + params[3] * ahead - 0.5


def _critic_numpy(params, observation, actions):
    """Values (E, B), and the derivative of each with respect to the inputs (E, B, S + H * A)
    over the parameters of its row.
    """
    inputs = np.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    linear = params @ inputs.T
    return linear + np.sin(1.5 * linear), 1 + 1.5 * np.cos(1.5 * linear), inputs


def _toy_params(rng, members):
    policy = rng.normal(size=(4, 2)) * np.array([0.5, 0.3, 0.4, 0.1])[:, None]
    return {
        "critic": rng.normal(size=(members, 8)) * 0.7,
        "policy": policy,
        "log_temperature": np.array(rng.uniform(-1.5, -0.5)),
    }


def _rlpd_critic_expected(networks, params, target_critic, batch, key):
    mean, log_std = _policy_numpy(params["policy"], batch.bootstrap_observation)
    chunk = np.tanh(mean + np.exp(log_std) * np.asarray(jax.random.normal(key, mean.shape), float))
    next_q = _critic_numpy(target_critic, batch.bootstrap_observation, chunk)[0]
    q, slope, inputs = _critic_numpy(params["critic"], batch.observation, batch.actions)
    loss, gradient = 0.0, np.zeros_like(params["critic"])
    for e in range(len(q)):
        for b in range(q.shape[1]):
            if batch.valid[b, -1]:
                error = q[e, b] - batch.returns[b] - batch.discount[b] * next_q[:, b].mean()
                loss += error**2 / q.size
                gradient[e] += 2 * error * slope[e, b] * inputs[b] / q.size
    return loss, gradient, np.zeros(()), np.zeros_like(params["policy"]), np.zeros_like(target_critic)


def _rlpd_critic_cases(rng):
    def case(members, ends, cut):
        size = 6
        valid = np.ones((size, 3))
        valid[2 :: 3 if cut else size, 1:] = 0.0 if cut else 1.0
        seen, then = rng.normal(size=(2, size, 2))
        discount = np.where((np.arange(size) % 3 == 1) & ends, 0.0, 0.7)
        batch = Batch(
            seen,
            rng.uniform(-1, 1, size=(size, 3, 2)) * valid[..., None],
            rng.normal(size=size),
            valid,
            then,
            discount,
        )
        params = _toy_params(rng, members)
        return (
            TOY,
            params,
            rng.normal(size=params["critic"].shape) * 0.7,
            batch,
            jax.random.key(rng.integers(2**31)),
        )

    return [
        Case(
            "one critic, all chunks whole, none terminal",
            case(1, False, False),
            (
                "Draw the next chunk from the policy at batch.bootstrap_observation: "
                "tanh(mean + exp(log_std) * normal(key)). "
                "The target is batch.returns + batch.discount * Q of it."
            ),
        ),
        Case(
            "five critics",
            case(5, False, False),
            "All critics learn one target, with the mean over the ensemble of the target critics.",
        ),
        Case(
            "five critics, some chunks terminal, some cut",
            case(5, True, True),
            (
                "batch.discount is 0 where nothing follows. "
                "batch.valid[:, -1] is 1 where the chunk is whole; it multiplies the square."
            ),
        ),
    ]


def _as_it_is(x):
    return x


def _rlpd_critic_with(
    ensemble=lambda q: q.mean(axis=0),
    bonus=0.0,
    at="bootstrap_observation",
    bound=jnp.tanh,
    noisy=1.0,
    valued="target",
    discount=lambda d: d,
    stop=stop_gradient,
    whole=lambda v: v[:, -1],
    frozen=stop_gradient,
    mean=jnp.mean,
    learned=lambda q: q,
    cost=jnp.square,
    where="observation",
    asked="online",
    valued_at="bootstrap_observation",
):
    def wrong(networks, params, target_critic, batch, key):
        then = getattr(batch, at)
        centre, log_std = networks.policy(frozen(params["policy"]), then)
        u = centre + noisy * jnp.exp(log_std) * jax.random.normal(key, centre.shape)
        critic = target_critic if valued == "target" else params["critic"]
        next_q = ensemble(networks.critic(critic, getattr(batch, valued_at), bound(u)))
        soft = next_q - bonus * jnp.exp(params["log_temperature"]) * chunk_log_prob(centre, log_std, u)
        target = stop(batch.returns + discount(batch.discount) * soft)
        q = learned(
            networks.critic(
                target_critic if asked == "target" else params["critic"], getattr(batch, where), batch.actions
            )
        )
        return mean(whole(batch.valid) * cost(q - target))

    return wrong


def _over_whole(networks, params, target_critic, batch, key):
    whole = batch.valid[:, -1]
    return rlpd_critic_loss(networks, params, target_critic, batch, key) * len(whole) / jnp.sum(whole)


check_rlpd_critic_loss = Exercise(
    rlpd_critic_loss,
    _rlpd_critic_expected,
    _rlpd_critic_cases,
    [
        Misconception(
            "The target has an entropy bonus, as in soft actor-critic. RLPD as used here leaves it out.",
            "batch.returns + batch.discount * next_q: no log pi in the target.",
            _rlpd_critic_with(bonus=1.0),
        ),
        Misconception(
            "The entropy term has entered the target with the wrong sign; RLPD as used here has none.",
            "batch.returns + batch.discount * next_q: no log pi in the target.",
            _rlpd_critic_with(bonus=-1.0),
        ),
        Misconception(
            "The target is the smallest of the ensemble, as in many soft actor-critics.",
            "The mean over the ensemble: .mean(axis=0).",
            _rlpd_critic_with(ensemble=lambda q: q.min(axis=0)),
        ),
        Misconception(
            "The target is the smaller of two of the ensemble, as in RLPD's first publication.",
            "Here it is the mean over all: .mean(axis=0).",
            _rlpd_critic_with(ensemble=lambda q: q[:2].min(axis=0)),
        ),
        Misconception(
            "Each critic has a target of its own.",
            "All learn one target: .mean(axis=0).",
            _rlpd_critic_with(ensemble=lambda q: q),
        ),
        Misconception(
            "The online critic values the next chunk.",
            "The target critic does: networks.critic(target_critic, ...).",
            _rlpd_critic_with(valued="online"),
        ),
        Misconception(
            "The gradient flows through the next chunk, or through the target critic.",
            "jax.lax.stop_gradient around the whole target.",
            _rlpd_critic_with(stop=_as_it_is, frozen=_as_it_is),
        ),
        Misconception(
            "The gradient flows into the target critic.",
            "jax.lax.stop_gradient around the whole target.",
            _rlpd_critic_with(stop=_as_it_is),
        ),
        Misconception(
            "The gradient flows into the policy, but not into the target critic.",
            "jax.lax.stop_gradient around the whole target.",
            lambda n, p, t, b, k: _rlpd_critic_with(stop=_as_it_is, frozen=_as_it_is)(
                n, p, stop_gradient(t), b, k
            ),
        ),
        Misconception(
            "The next chunk is drawn at the observation before the chunk.",
            "At batch.bootstrap_observation.",
            _rlpd_critic_with(at="observation"),
        ),
        Misconception(
            "The next chunk has not gone through tanh.",
            "next_chunk = jnp.tanh(u).",
            _rlpd_critic_with(bound=lambda u: u),
        ),
        Misconception(
            "The next chunk is clipped, not squashed.",
            "The policy of RLPD is a tanh of a Gaussian.",
            _rlpd_critic_with(bound=lambda u: jnp.clip(u, -1, 1)),
        ),
        Misconception(
            "The next chunk has no noise: it is the middle of the policy, not a sample.",
            "mean + exp(log_std) * jax.random.normal(key, mean.shape).",
            _rlpd_critic_with(noisy=0.0),
        ),
        Misconception(
            "The discount is applied a second time.",
            "batch.discount is discount^H already.",
            _rlpd_critic_with(discount=lambda d: d**3),
        ),
        Misconception(
            "The bootstrap is not discounted, and terminal states are bootstrapped from.",
            "Multiply it by batch.discount.",
            _rlpd_critic_with(discount=jnp.ones_like),
        ),
        Misconception(
            "Cut chunks are counted.",
            "Multiply the square by batch.valid[:, -1].",
            _rlpd_critic_with(whole=lambda v: 1.0),
        ),
        Misconception(
            (
                "The mean is taken over the whole chunks only. "
                "Then a batch with few of them would weigh as much as one with many."
            ),
            "jnp.mean over all E * B entries, with 0 for cut chunks.",
            _over_whole,
        ),
        Misconception(
            "The sum over everything.",
            "The mean over all E * B entries: jnp.mean.",
            _rlpd_critic_with(mean=jnp.sum),
        ),
        Misconception(
            "Half of the squared error. Many do that; here it is the square itself.",
            "(q - target)**2.",
            _rlpd_critic_with(cost=lambda d: 0.5 * d**2),
        ),
        Misconception("The absolute error.", "(q - target)**2.", _rlpd_critic_with(cost=jnp.abs)),
        Misconception(
            "The gradient is stopped in q: the critics would learn nothing.",
            "jax.lax.stop_gradient around the target only.",
            _rlpd_critic_with(learned=stop_gradient),
        ),
        Misconception(
            "q is asked at the observation after the chunk.",
            "networks.critic(params['critic'], batch.observation, batch.actions).",
            _rlpd_critic_with(where="bootstrap_observation"),
        ),
        Misconception(
            "q comes from the target critic: nothing that is trained is in the loss.",
            "networks.critic(params['critic'], batch.observation, batch.actions).",
            _rlpd_critic_with(asked="target"),
        ),
        Misconception(
            (
                "The critics are swapped: q comes from the target critic, "
                "and the next chunk is valued by the online one."
            ),
            "The online critic learns, the target critic values the next chunk.",
            _rlpd_critic_with(asked="target", valued="online"),
        ),
        Misconception(
            "The next chunk is valued at the observation before the chunk.",
            "networks.critic(target_critic, batch.bootstrap_observation, next_chunk).",
            _rlpd_critic_with(valued_at="observation"),
        ),
        Misconception(
            "The losses of the critics are summed.",
            "The mean over all E * B entries.",
            _rlpd_critic_with(mean=lambda x: jnp.mean(jnp.sum(x, axis=0))),
        ),
    ],
    insight="Lesson 04's loss, with another policy. What is new for a chunk lies in the chunk.",
    compiled=True,
    observe=gradients(params=1, target_critic=2),
)


def rlpd_actor_loss(networks, params, observation, key):
    """temperature * log pi - mean Q of a sampled chunk; gradient into the policy only."""
    mean, log_std = networks.policy(params["policy"], observation)
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    q = networks.critic(stop_gradient(params["critic"]), observation, jnp.tanh(u)).mean(axis=0)
    temperature = stop_gradient(jnp.exp(params["log_temperature"]))
    return jnp.mean(temperature * chunk_log_prob(mean, log_std, u) - q)


def _rlpd_actor_expected(networks, params, observation, key):
    policy, critic, temperature = params["policy"], params["critic"], np.exp(params["log_temperature"])
    mean, log_std = _policy_numpy(policy, observation)
    push = np.exp(log_std) * np.asarray(jax.random.normal(key, mean.shape), float)
    u, size = mean + push, len(observation)
    action = np.tanh(u)
    q, slope, _ = _critic_numpy(critic, observation, action)
    log_prob = _log_prob_expected(mean, log_std, u)[0]
    uphill = np.einsum("eb,ei->bi", slope, critic[:, 2:]).reshape(u.shape) / len(critic) * (1 - action**2)
    in_mean = (temperature * 2 * action - uphill) / size
    in_log_std = (temperature * (2 * action * push - 1) - uphill * push) / size
    ahead, seen = np.arange(3.0)[:, None], observation[:, None]
    sums = [(in_mean * seen), (in_mean * ahead), (in_log_std * np.tanh(seen)), (in_log_std * ahead)]
    in_policy = np.stack([part.sum(axis=(0, 1)) for part in sums])
    return np.mean(temperature * log_prob - q.mean(axis=0)), np.zeros_like(critic), np.zeros(()), in_policy


def _rlpd_actor_cases(rng):
    def case(members, log_temperature=None):
        params = _toy_params(rng, members)
        if log_temperature is not None:
            params["log_temperature"] = np.array(log_temperature)
        return TOY, params, rng.normal(size=(5, 2)), jax.random.key(rng.integers(2**31))

    return [
        Case(
            "one critic, a temperature near 0",
            case(1, -30.0),
            "Sample u = mean + exp(log_std) * normal(key, mean.shape); the loss is then minus Q of tanh(u).",
        ),
        Case(
            "one critic, temperature 1",
            case(1, 0.0),
            "Add chunk_log_prob(mean, log_std, u), with the same u.",
        ),
        Case(
            "four critics, another temperature",
            case(4),
            (
                "The temperature is exp(log_temperature). "
                "The mean over the ensemble; no gradient into the critic, none into the temperature."
            ),
        ),
    ]


def _rlpd_actor_with(
    frozen=stop_gradient,
    cool=lambda t: stop_gradient(jnp.exp(t)),
    entropy=1.0,
    improve=-1.0,
    ensemble=lambda q: q.mean(axis=0),
    bound=jnp.tanh,
    density=chunk_log_prob,
    drawn=lambda u: u,
    scored=lambda u, mean: u,
    seen=lambda mean, log_std: (mean, log_std),
    noisy=1.0,
    total=jnp.mean,
    weigh=False,
    wide=jnp.exp,
):
    def wrong(networks, params, observation, key):
        mean, log_std = networks.policy(params["policy"], observation)
        u = drawn(mean + noisy * wide(log_std) * jax.random.normal(key, mean.shape))
        q = (stop_gradient(jnp.exp(params["log_temperature"])) if weigh else 1.0) * ensemble(
            networks.critic(frozen(params["critic"]), observation, bound(u))
        )
        temperature = cool(params["log_temperature"])
        return total(entropy * temperature * density(*seen(mean, log_std), scored(u, mean)) + improve * q)

    return wrong


def _other_sample(networks, params, observation, key):
    mean, log_std = networks.policy(params["policy"], observation)
    q_key, prob_key = jax.random.split(key)
    draw = lambda key: mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    q = networks.critic(stop_gradient(params["critic"]), observation, jnp.tanh(draw(q_key))).mean(axis=0)
    return jnp.mean(
        stop_gradient(jnp.exp(params["log_temperature"])) * chunk_log_prob(mean, log_std, draw(prob_key)) - q
    )


check_rlpd_actor_loss = Exercise(
    rlpd_actor_loss,
    _rlpd_actor_expected,
    _rlpd_actor_cases,
    [
        Misconception(
            "The gradient flows into the critic: this loss would raise Q everywhere.",
            "Give the critic jax.lax.stop_gradient(params['critic']).",
            _rlpd_actor_with(frozen=lambda p: p),
        ),
        Misconception(
            "The gradient flows into the temperature: it would be chosen to make this loss small.",
            "jax.lax.stop_gradient(temperature): it has a loss of its own.",
            _rlpd_actor_with(cool=jnp.exp),
        ),
        Misconception(
            "The gradient flows into the critic and into the temperature.",
            "Stop both: each has a loss of its own.",
            _rlpd_actor_with(frozen=lambda p: p, cool=jnp.exp),
        ),
        Misconception(
            "log pi is stopped: the entropy is in the loss, but the policy cannot feel it.",
            "Stop it in the critic's parameters and in the temperature only.",
            _rlpd_actor_with(density=lambda m, s, u: stop_gradient(chunk_log_prob(m, s, u))),
        ),
        Misconception(
            "The temperature multiplies Q, not log pi.",
            "temperature * log pi - Q.",
            _rlpd_actor_with(cool=lambda t: 1.0, weigh=True),
        ),
        Misconception(
            "log_std is used as the standard deviation of the noise.",
            "u = mean + exp(log_std) * jax.random.normal(key, mean.shape).",
            _rlpd_actor_with(wide=lambda s: s),
        ),
        Misconception(
            "The gradient is stopped in the sample: the policy cannot feel the slope of Q.",
            "Stop it in the critic's parameters and in the temperature only.",
            _rlpd_actor_with(drawn=stop_gradient),
        ),
        Misconception(
            "The gradient is stopped in the u of the log density only.",
            "The same u in both, with its gradient.",
            _rlpd_actor_with(scored=lambda u, mean: stop_gradient(u)),
        ),
        Misconception(
            "The sign of the entropy is wrong: minimising it would make the policy narrow.",
            "temperature * log pi - Q.",
            _rlpd_actor_with(entropy=-1.0),
        ),
        Misconception(
            "The sign of Q is wrong: minimising it would lower Q.",
            "temperature * log pi - Q.",
            _rlpd_actor_with(improve=1.0),
        ),
        Misconception(
            "Both signs are wrong.", "temperature * log pi - Q.", _rlpd_actor_with(entropy=-1.0, improve=1.0)
        ),
        Misconception(
            "The log of the temperature is used as the temperature.",
            "temperature = jnp.exp(params['log_temperature']).",
            _rlpd_actor_with(cool=stop_gradient),
        ),
        Misconception(
            "The temperature is not used.", "temperature * log pi - Q.", _rlpd_actor_with(cool=lambda t: 1.0)
        ),
        Misconception("The entropy is missing.", "temperature * log pi - Q.", _rlpd_actor_with(entropy=0.0)),
        Misconception(
            "The critic is asked about u, before the tanh.",
            "The critic takes the chunk that is executed: jnp.tanh(u).",
            _rlpd_actor_with(bound=lambda u: u),
        ),
        Misconception(
            "The log density is taken at the action: chunk_log_prob wants u, before the tanh.",
            "chunk_log_prob(mean, log_std, u).",
            _rlpd_actor_with(scored=lambda u, mean: jnp.tanh(u)),
        ),
        Misconception(
            "There is no noise in the chunk.",
            "u = mean + exp(log_std) * jax.random.normal(key, mean.shape).",
            _rlpd_actor_with(noisy=0.0),
        ),
        Misconception(
            "Q and log pi are of different samples.",
            "One u: jnp.tanh(u) for the critic, chunk_log_prob(mean, log_std, u).",
            _other_sample,
        ),
        Misconception(
            "The smallest Q of the ensemble.",
            "The mean over the ensemble.",
            _rlpd_actor_with(ensemble=lambda q: q.min(axis=0)),
        ),
        Misconception(
            "The sum over the ensemble.",
            "The mean over the ensemble.",
            _rlpd_actor_with(ensemble=lambda q: q.sum(axis=0)),
        ),
        Misconception(
            "The log density is averaged over the chunk's entries, not summed.",
            "chunk_log_prob gives the sum; use it as it is.",
            _rlpd_actor_with(density=lambda m, s, u: chunk_log_prob(m, s, u) / m[0].size),
        ),
        Misconception("The sum over the batch.", "jnp.mean over the batch.", _rlpd_actor_with(total=jnp.sum)),
    ],
    insight=(
        "The noise comes from outside, so the gradient passes through the sample: "
        "into the mean and into the width."
    ),
    compiled=True,
    observe=gradients(params=1),
)


def temperature_loss(log_temperature, log_prob, horizon, action_size, entropy_target):
    """temperature * (entropy - its target); gradient into the temperature only: log_prob (B,)."""
    entropy = -jnp.mean(stop_gradient(log_prob))
    return jnp.exp(log_temperature) * (entropy - horizon * action_size * entropy_target)


def _temperature_expected(log_temperature, log_prob, horizon, action_size, entropy_target):
    loss = np.exp(log_temperature) * (-sum(log_prob) / len(log_prob) - horizon * action_size * entropy_target)
    return loss, loss, np.zeros_like(log_prob)


def _temperature_cases(rng):
    case = lambda log, horizon, size, target: (
        np.array(log),
        rng.normal(size=6) * 2 + 1,
        horizon,
        size,
        target,
    )
    return [
        Case(
            "temperature 1, one action of one number, target 0",
            case(0.0, 1, 1, 0.0),
            "The entropy is minus the mean of log_prob.",
        ),
        Case(
            "another temperature, one action of one number",
            case(-0.8, 1, 1, -0.5),
            "exp(log_temperature) * (entropy - target).",
        ),
        Case(
            "an action of three numbers",
            case(0.6, 1, 3, -0.5),
            (
                "entropy_target is per number of an action: "
                "the target is horizon * action_size * entropy_target."
            ),
        ),
        Case(
            "a chunk of five such actions",
            case(-1.2, 5, 3, -0.4),
            "A chunk has horizon * action_size numbers, and so much entropy.",
        ),
    ]


def _temperature_with(
    warm=jnp.exp,
    scale=lambda h, a: h * a,
    gap=lambda entropy, target: entropy - target,
    reduce=jnp.mean,
    frozen=stop_gradient,
    sign=-1.0,
):
    return lambda log, prob, h, a, t: warm(log) * gap(sign * reduce(frozen(prob)), scale(h, a) * t)


check_temperature_loss = Exercise(
    temperature_loss,
    _temperature_expected,
    _temperature_cases,
    [
        Misconception(
            "The target is that of one number, whatever the size of the chunk.",
            "horizon * action_size * entropy_target.",
            _temperature_with(scale=lambda h, a: 1),
        ),
        Misconception(
            "The target is that of one action: the chunk would be held horizon times too wide or too narrow.",
            "horizon * action_size * entropy_target.",
            _temperature_with(scale=lambda h, a: a),
        ),
        Misconception(
            "The target is scaled with the horizon only.",
            "horizon * action_size * entropy_target.",
            _temperature_with(scale=lambda h, a: h),
        ),
        Misconception(
            "The sign is wrong: the temperature would rise where there is entropy enough.",
            "temperature * (entropy - target): too much entropy lowers it.",
            _temperature_with(gap=lambda entropy, target: target - entropy),
        ),
        Misconception(
            "log_prob is used as the entropy.",
            "The entropy is minus the mean of log_prob.",
            _temperature_with(sign=1.0),
        ),
        Misconception(
            "The target is added.",
            "entropy - target.",
            _temperature_with(gap=lambda entropy, target: entropy + target),
        ),
        Misconception(
            "The gradient flows into log_prob: the policy would follow this loss.",
            "jax.lax.stop_gradient(log_prob).",
            _temperature_with(frozen=lambda p: p),
        ),
        Misconception(
            (
                "The gradient is stopped in the temperature, or in the whole loss: "
                "the temperature would never change."
            ),
            "Stop it in log_prob only.",
            _temperature_with(warm=lambda log: stop_gradient(jnp.exp(log))),
        ),
        Misconception(
            "The gradient is stopped in the temperature, and flows into log_prob: it is the other way round.",
            "jax.lax.stop_gradient(log_prob), and nothing else.",
            _temperature_with(warm=lambda log: stop_gradient(jnp.exp(log)), frozen=lambda p: p),
        ),
        Misconception(
            (
                "The logarithm of the temperature multiplies the gap. "
                "Some programs do that; this one takes the temperature."
            ),
            "jnp.exp(log_temperature).",
            _temperature_with(warm=lambda log: log),
        ),
        Misconception(
            "The gap is squared.",
            "temperature * (entropy - target): its sign decides whether the temperature rises.",
            _temperature_with(gap=lambda entropy, target: (entropy - target) ** 2),
        ),
        Misconception(
            "The sum over the batch.", "The mean over the batch.", _temperature_with(reduce=jnp.sum)
        ),
        Misconception(
            "The target is missing.",
            "entropy - horizon * action_size * entropy_target.",
            _temperature_with(gap=lambda entropy, target: entropy),
        ),
        Misconception(
            "The log density is divided by the size of the chunk, and the target is scaled too.",
            "log_prob is of the whole chunk already; scale the target only.",
            lambda log, prob, h, a, t: temperature_loss(log, prob / (h * a), h, a, t),
        ),
    ],
    insight="A thermostat: too much entropy, and the temperature falls.",
    compiled=True,
    observe=gradients(log_temperature=0, log_prob=1),
)


# 5. Reading a table of curves

BETTER, NOT_SHOWN, WORSE = 1, 0, -1


def interval_table(success, first, second):
    """Mean (M,), low (M,), high (M,) at the last point; difference (3,) of two methods by seed;
    the decision.
    """

    def interval(values):
        reach = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        return values.mean(axis=0), values.mean(axis=0) - reach, values.mean(axis=0) + reach

    last = success[:, :, -1]
    difference = np.array(interval(last[first] - last[second]))
    decision = BETTER if difference[1] > 0 else WORSE if difference[2] < 0 else NOT_SHOWN
    return *interval(last.T), difference, decision


def _interval_expected(success, first, second):
    def one(values):
        result = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        return np.mean(values), result.low, result.high

    rows = np.array([one(success[m, :, -1]) for m in range(len(success))])
    difference = one([a - b for a, b in zip(success[first, :, -1], success[second, :, -1], strict=True)])
    decision = int(np.sign(difference[0])) if difference[1] * difference[2] > 0 else 0
    return *rows.T, difference, decision


def _interval_cases(rng):
    """Seeds differ widely, and alike for both methods where `shared`:
    the pairs tell more than the two intervals.
    """

    def case(gap, noise, shared, methods, seeds, first, second, growing=True):
        points = 4
        common = rng.permutation(np.linspace(-1, 1, seeds)) * shared
        own = np.array([np.linspace(-1, 1, seeds)[rng.permutation(seeds)] for _ in range(methods)]) * noise
        own[second] = own[first][::-1]
        final = 50 + common + own + rng.uniform(-8, 8, size=(methods, 1))
        final[first] = 50 + common + own[first] - own[first].mean() + gap / 2
        final[second] = 50 + common + own[second] - own[second].mean() - gap / 2
        way = np.array([0.1, 0.5, 1.25, 1.0]) if growing else np.array([1.3, 1.2, 1.1, 1.0])
        return (
            final[..., None] * way + np.arange(points)[::-1] * rng.uniform(0, 2, size=(methods, seeds, 1)),
            first,
            second,
        )

    def exact(differences, scale=1.0, second=(50, 51, 52, 53, 54, 55)):
        """Two methods whose difference by seed is given."""
        last = np.stack([np.array(second[: len(differences)], float)[rng.permutation(len(differences))]] * 2)
        last[0] += scale * rng.permutation(np.array(differences, float))
        return last[..., None] * np.array([0.3, 0.8, 1.0]), 0, 1

    return [
        Case(
            "two methods, 5 seeds, far apart",
            case(30.0, 3.0, 0.0, 2, 5, 0, 1),
            (
                "success[:, :, -1] is (M, R). "
                "Standard deviation with ddof=1, divided by the square root of R, times t.ppf(0.975, R - 1)."
            ),
        ),
        Case(
            "two methods, 6 seeds, alike",
            case(1.0, 6.0, 0.0, 2, 6, 0, 1),
            "0 inside the interval of the difference: nothing is shown, which is not the same as equal.",
        ),
        Case(
            "three methods, 4 seeds that differ widely and alike: the intervals overlap, the pairs do not",
            case(-9.0, 1.0, 30.0, 3, 4, 2, 0),
            "Take the difference for each seed first, then its mean and interval.",
        ),
        Case(
            "two methods, 4 seeds: each is better, by 1, 2, 1 and 30 points",
            exact([1, 2, 1, 30]),
            "That every seed agrees is not the question: is 0 inside the interval of the difference?",
        ),
        Case(
            "two methods, 5 seeds: just not shown",
            exact([2.45 * 0.2**0.5 + d for d in (-1, 1, -1, 1, 0)], 3.0),
            "t.ppf(0.975, R - 1): 2.5 % on each side, for the decision, too.",
        ),
        Case(
            "two methods, 5 seeds: shown by a little",
            exact([3.2 * 0.2**0.5 + d for d in (-1, 1, -1, 1, 0)], 3.0),
            "Any interval that leaves 0 out is enough.",
        ),
        Case(
            "two methods, 6 seeds, near 100 %",
            exact([-3, 1, 0, 1, -1, -1], second=(99, 98, 99, 97, 99, 84)),
            "The ends are what the formula gives, also beyond 100.",
        ),
        Case(
            "three methods, 8 seeds, curves that fall",
            case(10.0, 2.0, 25.0, 3, 8, 1, 2, growing=False),
            "The last point, not the best one.",
        ),
    ]


def _interval_with(
    at=lambda s: s[:, :, -1],
    spread=lambda v: v.std(axis=0, ddof=1) / np.sqrt(len(v)),
    quantile=lambda n: scipy.stats.t.ppf(0.975, n - 1),
    paired=True,
    decide=lambda d, rows: np.sign(d[0]) * (d[1] * d[2] > 0),
    sign=1,
    choose=None,
    centre=np.mean,
    cut=False,
    ends=None,
    freedom=lambda n: n - 1,
):
    def wrong(success, first, second):
        def interval(values):
            reach, middle = quantile(len(values)) * spread(values), centre(values, axis=0)
            return middle, middle - reach, middle + reach

        last = at(success)
        rows = interval(last.T)
        if cut:
            rows = rows[0], *np.clip(rows[1:], 0, 100)
        a, b = last[first], last[second]
        difference = np.array(interval(sign * (a - b)))
        if not paired:
            reach = scipy.stats.t.ppf(0.975, freedom(len(a))) * np.hypot(spread(a), spread(b))
            difference = difference[0] + np.array([0, -reach, reach])
        each = [np.array(rows)[:, m] for m in (first, second)]
        if ends:
            difference[1:] = ends(*each)
        return *rows, difference, choose(a, b) if choose else decide(difference, each)

    return wrong


def _by_overlap(difference, rows):
    (_, low, high), (_, low_b, high_b) = rows
    return BETTER if low > high_b else WORSE if high < low_b else NOT_SHOWN


def _one_sided(a, b):
    chance = scipy.stats.ttest_rel(a, b, alternative="greater").pvalue
    return BETTER if chance < 0.05 else WORSE if chance > 0.95 else NOT_SHOWN


check_interval_table = Exercise(
    interval_table,
    _interval_expected,
    _interval_cases,
    [
        Misconception(
            (
                "1.96 standard errors: that is the normal distribution's. "
                "With few seeds the interval is too narrow."
            ),
            "scipy.stats.t.ppf(0.975, R - 1), which is 2.78 for 5 seeds.",
            _interval_with(quantile=lambda n: scipy.stats.norm.ppf(0.975)),
        ),
        Misconception(
            "t.ppf(0.95): this leaves 5 % outside on each side.",
            "scipy.stats.t.ppf(0.975, R - 1): 2.5 % on each side.",
            _interval_with(quantile=lambda n: scipy.stats.t.ppf(0.95, n - 1)),
        ),
        Misconception(
            "The t distribution has R degrees of freedom.",
            "R - 1: one is spent on the mean.",
            _interval_with(quantile=lambda n: scipy.stats.t.ppf(0.975, n)),
        ),
        Misconception(
            "The standard deviation is divided by R inside (ddof=0): too small with few seeds.",
            "values.std(ddof=1).",
            _interval_with(spread=lambda v: v.std(axis=0) / np.sqrt(len(v))),
        ),
        Misconception(
            "The spread of the seeds, not of their mean: the square root of R is missing.",
            "std / sqrt(R).",
            _interval_with(spread=lambda v: v.std(axis=0, ddof=1)),
        ),
        Misconception(
            "Divided by R, not by its square root.",
            "std / sqrt(R).",
            _interval_with(spread=lambda v: v.std(axis=0, ddof=1) / len(v)),
        ),
        Misconception(
            "The variance, not the standard deviation.",
            "std / sqrt(R).",
            _interval_with(spread=lambda v: v.var(axis=0, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "The difference is not paired: its interval ignores that both methods ran on the same seeds.",
            "Take last[first] - last[second], one number a seed, and then its mean and interval.",
            _interval_with(paired=False),
        ),
        Misconception(
            "The difference is second - first.",
            "first - second: positive where the first is better.",
            _interval_with(sign=-1, decide=lambda d, rows: -np.sign(d[0]) * (d[1] * d[2] > 0)),
        ),
        Misconception(
            "The difference, and the decision, are second - first.",
            "first - second: positive where the first is better.",
            _interval_with(sign=-1),
        ),
        Misconception(
            "It decides by the overlap of the two intervals. They may overlap where every seed agrees.",
            "Decide by the interval of the paired difference: is 0 inside?",
            _interval_with(decide=_by_overlap),
        ),
        Misconception(
            "It decides by whether every seed agrees.",
            "Decide by the interval of the paired difference: is 0 inside?",
            _interval_with(
                choose=lambda a, b: BETTER if (a > b).all() else WORSE if (a < b).all() else NOT_SHOWN
            ),
        ),
        Misconception(
            "The decision is one-sided: it leaves 5 % on its side, not 2.5 %.",
            "Decide by the ends of the interval of the difference.",
            _interval_with(choose=_one_sided),
        ),
        Misconception(
            "A difference counts only beyond a threshold.",
            "Better if the whole interval is above 0, by however little.",
            _interval_with(decide=lambda d, rows: BETTER if d[1] > 5 else WORSE if d[2] < -5 else NOT_SHOWN),
        ),
        Misconception(
            "The ends are swapped in the decision: it is enough that the upper one is above 0.",
            "BETTER if the lower end is above 0.",
            _interval_with(decide=lambda d, rows: BETTER if d[2] > 0 else WORSE if d[1] < 0 else NOT_SHOWN),
        ),
        Misconception(
            "WORSE is never decided.",
            "WORSE if the upper end is below 0.",
            _interval_with(decide=lambda d, rows: BETTER if d[1] > 0 else NOT_SHOWN),
        ),
        Misconception(
            "The ends are cut at 0 and 100.",
            "Leave them as the formula gives them: an end beyond 100 tells that the formula does not fit.",
            _interval_with(cut=True),
        ),
        Misconception(
            "The median over seeds, not the mean.", "values.mean(axis=0).", _interval_with(centre=np.median)
        ),
        Misconception(
            "The ends of the difference are the differences of the ends.",
            "Take last[first] - last[second], one number a seed, and then its mean and interval.",
            _interval_with(ends=lambda a, b: [a[1] - b[1], a[2] - b[2]]),
        ),
        Misconception(
            "The interval of the difference is the worst case of the two intervals.",
            "Take last[first] - last[second], one number a seed, and then its mean and interval.",
            _interval_with(ends=lambda a, b: [a[1] - b[2], a[2] - b[1]]),
        ),
        Misconception(
            "The difference is not paired: this is the test for two separate groups.",
            "Take last[first] - last[second], one number a seed, and then its mean and interval.",
            _interval_with(paired=False, freedom=lambda n: 2 * n - 2),
        ),
        Misconception(
            "It decides by the means alone.",
            "Better only if the whole interval of the difference is above 0.",
            _interval_with(decide=lambda d, rows: np.sign(d[0])),
        ),
        Misconception(
            "The decision is upside down.",
            "BETTER = 1 where the first is better.",
            _interval_with(decide=lambda d, rows: -np.sign(d[0]) * (d[1] * d[2] > 0)),
        ),
        Misconception(
            "The best point of each curve: the maximum of a noisy curve is too high.",
            "The last point: success[:, :, -1].",
            _interval_with(at=lambda s: s.max(axis=2)),
        ),
        Misconception(
            "The mean over the curve.",
            "The last point: success[:, :, -1].",
            _interval_with(at=lambda s: s.mean(axis=2)),
        ),
        Misconception(
            "The first point.", "The last point: success[:, :, -1].", _interval_with(at=lambda s: s[:, :, 0])
        ),
    ],
    parts=("mean", "low", "high", "difference", "decision"),
    insight="'Not shown' is a result. It says how many seeds you had.",
)
