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

from qlac_lite.agents import rlpd
from qlac_lite.agents.critics import critic_loss
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons.checks.exercise import (
    Case,
    Exercise,
    Misconception,
    edited,
    gradients,
)
from qlac_lite.lessons.checks.exercise import (
    last_case as last_case,
)
from qlac_lite.utils import statistics

# 1. Half and half


def half_and_half(key, offline_starts, online_starts, filled, batch_size):
    """Which are from the replay (B,), and their rows (B,):
    data first, then batch_size // 2 of the replay's.
    """

    def draw(key, starts, count, limit):
        i = jax.random.randint(key, (count,), 0, limit)
        return starts[i]

    data_key, replay_key = jax.random.split(key)
    replayed, many, started = batch_size // 2, len(offline_starts), filled > 0
    data = draw(data_key, offline_starts, batch_size - replayed, many)
    instead = draw(replay_key, offline_starts, replayed, many)
    replay = draw(replay_key, online_starts, replayed, filled)
    second = jnp.where(started, replay, instead)
    online = (jnp.arange(batch_size) >= batch_size - replayed) & started
    return online, jnp.concatenate([data, second])


def _half_expected(key, offline_starts, online_starts, filled, batch_size):
    keys, replayed, filled = jax.random.split(key), batch_size // 2, int(filled)
    source = online_starts[:filled] if filled else offline_starts
    first = jax.random.randint(keys[0], (batch_size - replayed,), 0, len(offline_starts))
    second = jax.random.randint(keys[1], (replayed,), 0, len(source))
    online = [0] * len(first) + [filled > 0] * replayed
    return online, [offline_starts[i] for i in first] + [source[i] for i in second]


def _half_cases(rng):
    def case(many, room, filled, size):
        offline = 10 + np.sort(rng.permutation(4 * many)[:many])
        online = 500 + np.sort(rng.permutation(4 * room)[:room])
        online[filled:] = 0
        key = jax.random.key(rng.integers(2**31))
        return key, *(jnp.asarray(x, jnp.int32) for x in (offline, online, filled)), size

    return [
        Case(
            "12 chunks, the replay is full",
            case(9, 5, 5, 12),
            "data_key, replay_key = jax.random.split(key). The first half: "
            "offline_starts[jax.random.randint(data_key, (count,), 0, len(offline_starts))]. "
            "Then the replay's half in the same way, with replay_key.",
        ),
        Case(
            "13 chunks: the data have one more",
            case(9, 5, 5, 13),
            "batch_size // 2 from the replay, the rest from the data.",
        ),
        Case(
            "24 chunks, half of the replay's room is filled",
            case(9, 12, 6, 24),
            "Only online_starts[:filled] counts, and filled is a traced number: "
            "it can be the limit of randint, but no slice.",
        ),
        Case(
            "10 chunks, the replay is empty",
            case(9, 6, 0, 10),
            "Draw the second half from both, with replay_key, "
            "and let jnp.where(filled > 0, ..., ...) choose.",
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


def _half_by_size(key, offline_starts, online_starts, filled, batch_size):
    index = jax.random.randint(key, (batch_size,), 0, len(offline_starts) + filled)
    beyond = index - len(offline_starts)
    online = beyond >= 0
    replay, data = online_starts[jnp.maximum(beyond, 0)], offline_starts[jnp.where(online, 0, index)]
    return online, jnp.where(online, replay, data)


def _half_by_coin(key, offline_starts, online_starts, filled, batch_size):
    data_key, replay_key = jax.random.split(key)
    online = jax.random.bernoulli(key, 0.5, (batch_size,)) & (filled > 0)
    data = offline_starts[jax.random.randint(data_key, (batch_size,), 0, len(offline_starts))]
    replay = online_starts[jax.random.randint(replay_key, (batch_size,), 0, filled)]
    return online, jnp.where(online, replay, data)


_half_misconceptions = [
    Misconception(
        "All chunks are drawn from both together: "
        "the replay's share is its size, which is next to nothing at first.",
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
        edited(half_and_half, {"replayed, filled)": "replayed, len(online_starts))"}),
    ),
    Misconception(
        "The newest chunk is never drawn: the limit of randint is excluded already.",
        "jax.random.randint(replay_key, (count,), 0, filled).",
        edited(half_and_half, {"replayed, filled)": "replayed, filled - 1)"}),
    ),
    Misconception(
        "A replay of one chunk counts as empty.",
        "filled > 0.",
        edited(half_and_half, {"filled > 0": "filled > 1"}),
    ),
    Misconception(
        "The branches of jnp.where are swapped: the replay is drawn from when it is empty.",
        "jnp.where(filled > 0, from the replay, from the data).",
        edited(half_and_half, {"where(started": "where(~started"}),
    ),
    Misconception(
        "The rows are right, and the marks are upside down.",
        "online is True where the row is the replay's.",
        edited(half_and_half, {"return online": "return ~online"}),
    ),
    Misconception(
        "The limit of randint is one too large: a row beyond the filled ones can be drawn.",
        "randint excludes its limit: filled itself is the limit.",
        edited(half_and_half, {"replayed, filled)": "replayed, filled + 1)"}),
    ),
    Misconception(
        "The last chunk of the data is never drawn: the limit of randint is excluded already.",
        "jax.random.randint(data_key, (count,), 0, len(offline_starts)).",
        edited(half_and_half, {"len(offline_starts), filled": "len(offline_starts) - 1, filled"}),
    ),
    Misconception(
        "An empty replay is drawn from.",
        "jnp.where(filled > 0, from the replay, from the data).",
        edited(half_and_half, {"jnp.where(started, replay, instead)": "replay", " & started": ""}),
    ),
    Misconception(
        "With an empty replay the rows are right, but they are marked as the replay's.",
        "online is False for all of them: & (filled > 0).",
        edited(half_and_half, {" & started": ""}),
    ),
    Misconception(
        "With an empty replay the first half comes twice.",
        "Draw the second half with replay_key, from the data.",
        edited(half_and_half, {"replay, instead)": "replay, data[:replayed])"}),
    ),
    Misconception(
        "Both halves share a key: their random numbers are related.",
        "data_key, replay_key = jax.random.split(key).",
        edited(half_and_half, {"= jax.random.split(key)": "= key, key"}),
    ),
    Misconception(
        "One half is drawn with the key that is split for the other: their random numbers are related.",
        "Never use a key that you have split.",
        edited(half_and_half, {"= jax.random.split(key)": "= key, jax.random.split(key)[1]"}),
    ),
    Misconception(
        "The two keys are swapped.",
        "data_key, replay_key = jax.random.split(key): the first draws from the data.",
        edited(half_and_half, {"data_key, replay_key =": "replay_key, data_key ="}),
    ),
    Misconception(
        "Of an odd batch the replay has one more.",
        "batch_size // 2 from the replay, the rest from the data.",
        edited(half_and_half, {"= batch_size // 2": "= (batch_size + 1) // 2"}),
    ),
    Misconception(
        "The replay's half comes first.",
        "jnp.concatenate([data, replay]).",
        edited(half_and_half, {"[data, second]": "[second, data]", ">= batch_size - replayed": "< replayed"}),
    ),
    Misconception(
        "These are positions in the lists of starts, not rows of the buffers.",
        "Index the starts: offline_starts[jax.random.randint(...)].",
        edited(half_and_half, {"starts[i]": "i"}),
    ),
]

check_half_and_half = Exercise(
    half_and_half,
    _half_expected,
    _half_cases,
    _half_misconceptions,
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
        rows.append((observation, action, after, float(not terminated), float(over)))
        if over:
            after, _ = environment.reset()
            queue = []
        observation = after
    return *map(np.array, zip(*rows, strict=True)), decisions


def _queue_expected(environment, decide, steps):
    """By episodes and chunks, as nested loops."""
    rows, decisions = [], 0
    while len(rows) < steps:
        seen, over = environment.reset()[0], False
        while not over and len(rows) < steps:
            decisions += 1
            for action in decide(seen):
                after, _, solved, late, _ = environment.step(action)
                over = solved or late
                rows.append((seen, action, after, not solved, over))
                seen = after
                if over or len(rows) == steps:
                    break
    return *map(np.array, zip(*rows, strict=True)), decisions, decisions, steps


def _queue_cases(rng):
    def case(horizon, steps, lengths, ends):
        return Corridor((*lengths, 1000), (*ends, "late")), Decider(horizon), steps

    some = int(rng.integers(7, 10))
    return [
        Case(
            f"chunks of one, {some} steps, no episode ends",
            case(1, some, (), ()),
            "One decision a step. "
            "Store what was seen before the action, the action, and what was seen after it.",
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
            "After the episode's end: reset, empty the queue. "
            "mask is 0 where the step terminated the episode; "
            "its next observation is the last of the old episode.",
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


_queue_misconceptions = [
    Misconception(
        "It decides anew at every step and executes the first action of each chunk: this is closed loop.",
        "Call decide only when the queue is empty.",
        edited(act_with_queue, {"if not queue": "if True"}),
    ),
    Misconception(
        "The policy is asked at every step, "
        "and the answer is thrown away while the queue has actions: right, and H times too slow.",
        "Call decide inside `if not queue:`.",
        edited(act_with_queue, {"+= 1": "+= 1\n        else:\n            decide(observation)"}),
    ),
    Misconception(
        "The queue survives the reset: the new episode begins with actions that were decided in the old one.",
        "Empty the queue when the episode ends.",
        edited(act_with_queue, {"queue = []": "pass"}),
    ),
    Misconception(
        "The queue is emptied at a success only: "
        "an episode that runs out of time leaves its actions to the next one.",
        "Empty the queue where terminated or truncated.",
        edited(act_with_queue, {"queue = []": "queue = [] if terminated else queue"}),
    ),
    Misconception(
        "The observation is not carried on: every transition of an episode holds its first one.",
        "observation = what step returned.",
        edited(act_with_queue, {"observation = after": "observation = after if over else observation"}),
    ),
    Misconception(
        "What reset gave is not used: the new episode begins with the last observation of the old one.",
        "observation, _ = environment.reset().",
        edited(act_with_queue, {"after, _ = ": ""}),
    ),
    Misconception(
        "It decides as soon as the queue is empty, also after the last step: one decision too many.",
        "Decide when an action is needed: before the step, if the queue is empty.",
        edited(
            act_with_queue,
            {"return": "if not queue:\n        decide(observation)\n        decisions += 1\n    return"},
        ),
    ),
    Misconception(
        "A transition is taken for terminal where its reward is 0.",
        "mask is 0 where step said terminated.",
        edited(act_with_queue, {"after, _,": "after, reward,", "not terminated": "reward != 0"}),
    ),
    Misconception(
        "An episode that was solved just as its time ran out is not taken for terminal.",
        "mask is 0 wherever terminated is True.",
        edited(act_with_queue, {"not terminated": "not terminated or truncated"}),
    ),
    Misconception(
        "An episode that was solved just as its time ran out is not marked as ended.",
        "end is 1 where terminated or truncated, or both.",
        edited(act_with_queue, {"float(over)": "float(terminated != truncated)"}),
    ),
    Misconception(
        "Only an episode that runs out of time is marked as ended.",
        "end is 1 where terminated or truncated.",
        edited(act_with_queue, {"float(over)": "float(truncated)"}),
    ),
    Misconception(
        "An episode is marked as ended only where both flags are true.",
        "end is 1 where terminated or truncated.",
        edited(act_with_queue, {"float(over)": "float(terminated and truncated)"}),
    ),
    Misconception(
        "The queue is emptied one step too late: "
        "the first action of the new episode was decided in the old one.",
        "Empty the queue in the step in which the episode ends, before the next decision.",
        edited(
            act_with_queue,
            {
                "queue = []": "pass",
                "decisions = [], [], 0": "decisions, over = [], [], 0, False",
                "= queue.pop(0)": "= queue.pop(0)\n        queue = [] if over else queue",
            },
        ),
    ),
    Misconception(
        "The queue is read from its end: the chunk is executed backwards.",
        "queue.pop(0), or a deque's popleft().",
        edited(act_with_queue, {"queue.pop(0)": "queue.pop()"}),
    ),
    Misconception(
        "Only the first action of the chunk is executed, again and again.",
        "Take the action out of the queue: queue.pop(0).",
        edited(act_with_queue, {"queue.pop(0)": "queue[0]"}),
    ),
    Misconception(
        "The last action of each chunk is never executed: it decides when one action is left.",
        "Decide when the queue is empty, not before.",
        edited(act_with_queue, {"not queue": "len(queue) < 2"}),
    ),
    Misconception(
        "The first decision of an episode sees the last observation of the one before.",
        "After a reset go on with the observation that reset gave.",
        edited(
            act_with_queue,
            {
                "observation, _ =": "observation, _ = seen, _ =",
                "decide(observation)": "decide(seen)",
                "over =": "seen, over = after,",
            },
        ),
    ),
    Misconception(
        "Every transition of a chunk holds the observation at which the chunk was decided.",
        "Each step has its own observation: the one just before its action.",
        edited(
            act_with_queue,
            {"+= 1": "+= 1\n            decided = observation", "(observation, ": "(decided, "},
        ),
    ),
    Misconception(
        "At an episode's end the next observation is that of the reset: "
        "the critic would bootstrap from another episode.",
        "Store what step returned, then reset.",
        edited(
            act_with_queue,
            {
                "after, _ = environment.reset()": "pass",
                "rows.append": "after = environment.reset()[0] if over else after\n        rows.append",
            },
        ),
    ),
    Misconception(
        "Running out of time counts as terminal: the critic would learn that nothing follows.",
        "mask is 0 only where terminated is True.",
        edited(act_with_queue, {"not terminated": "not over"}),
    ),
    Misconception(
        "The mask is always 1: the critic would bootstrap from a solved state.",
        "mask is 0 where terminated is True.",
        edited(act_with_queue, {"float(not terminated)": "1.0"}),
    ),
    Misconception(
        "The mask is upside down.",
        "mask is 0 where terminated is True, else 1.",
        edited(act_with_queue, {"not terminated": "terminated"}),
    ),
    Misconception(
        "An episode that runs out of time is not marked as ended: a chunk of the replay would run across it.",
        "end is 1 where terminated or truncated.",
        edited(act_with_queue, {"float(over)": "float(terminated)"}),
    ),
    Misconception(
        "The last transition of each episode is lost: with it the only reward that matters.",
        "Append the transition before you look whether the episode is over.",
        edited(
            act_with_queue,
            {"for _ in range(steps)": "while len(rows) < steps", "rows.append": "over or rows.append"},
        ),
    ),
    Misconception(
        "It counts chunks, not steps: the last chunk is executed to its end.",
        "for _ in range(steps).",
        edited(act_with_queue, {"for _ in range(steps)": "while len(rows) < steps or queue"}),
    ),
    Misconception(
        "The number of steps is returned, not that of the decisions.",
        "Count the calls of decide.",
        edited(act_with_queue, {")), decisions": ")), steps"}),
    ),
    Misconception(
        "A reset is counted as a decision.",
        "Count the calls of decide.",
        edited(act_with_queue, {"queue = []": "queue, decisions = [], decisions + 1"}),
    ),
]

check_act_with_queue = Exercise(
    act_with_queue,
    _queue_expected,
    _queue_cases,
    _queue_misconceptions,
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
            "log_std is the logarithm of the standard deviation: "
            "the density has -log_std, and ((u - mean) / exp(log_std))**2.",
        ),
        Case(
            "chunks of 3 steps of 2 numbers",
            case(5, 3, 2, -0.5),
            "The entries are independent: their log densities add up, over H and A.",
        ),
        Case(
            "chunks of 3 steps, some entries far out",
            case(5, 3, 2, 0.4, far=True),
            "Far out tanh(u) is rounded to 1. "
            "Use 2 * (log 2 - u - softplus(-2 u)), which is the same and never infinite.",
        ),
    ]


def _slopes_of_sum(**arguments):
    """The gradients of the sum of an answer over the batch."""
    return lambda answer, args: gradients(**arguments)(lambda *inputs: jnp.sum(answer(*inputs)), args)


_log_prob_misconceptions = [
    Misconception(
        "The density is the Gaussian's at u: the slope of tanh is missing.",
        "Subtract log(1 - tanh(u)**2) for every entry.",
        edited(chunk_log_prob, {" - slope": ""}),
    ),
    Misconception(
        "The slope of tanh is added: it has to be subtracted.",
        "Where tanh is flat, many u share few actions, and the density is larger: minus log(1 - tanh(u)**2).",
        edited(chunk_log_prob, {"- slope": "+ slope"}),
    ),
    Misconception(
        "log(1 - tanh(u)**2) as it stands: far out it is log(0).",
        "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) is the same number, and never infinite.",
        edited(chunk_log_prob, {"- slope": "- jnp.log(1 - jnp.tanh(u) ** 2)"}),
    ),
    Misconception(
        "log(1 - tanh(u)**2 + 1e-6): "
        "finite, but far out it is the 1e-6 that counts, and the gradient is lost.",
        "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) needs no such help.",
        edited(chunk_log_prob, {"- slope": "- jnp.log(1 - jnp.tanh(u) ** 2 + 1e-6)"}),
    ),
    Misconception(
        "softplus(2 u): the sign inside is wrong.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(chunk_log_prob, {"-2 * u": "2 * u"}),
    ),
    Misconception(
        "softplus(-u): the factor 2 inside is missing.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(chunk_log_prob, {"-2 * u": "-u"}),
    ),
    Misconception(
        "The softplus is added; it has to be subtracted.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(chunk_log_prob, {"- jax.nn.softplus": "+ jax.nn.softplus"}),
    ),
    Misconception(
        "log_std is added: a wide Gaussian would be dense.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(chunk_log_prob, {"- log_std": "+ log_std"}),
    ),
    Misconception(
        "The constant is log(2 pi), without the half.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(chunk_log_prob, {"0.5 * jnp.log": "jnp.log"}),
    ),
    Misconception(
        "The factor 2 of the slope is missing.",
        "log(1 - tanh(u)**2) = 2 * (log 2 - u - softplus(-2 u)).",
        edited(chunk_log_prob, {"2 * (jnp.log(2.0)": "(jnp.log(2.0)"}),
    ),
    Misconception(
        "The mean over the chunk's entries, not the sum: this is no log density.",
        "Independent entries multiply, so their logarithms add up: jnp.sum.",
        edited(chunk_log_prob, {"jnp.sum": "jnp.mean"}),
    ),
    Misconception(
        "Summed over the actions, averaged over the steps.",
        "Sum over H and A: axis=(1, 2).",
        edited(chunk_log_prob, {"axis=(1, 2))": "axis=2).mean(axis=1)"}),
    ),
    Misconception(
        "Only the first step of the chunk counts.",
        "Sum over H and A: axis=(1, 2).",
        edited(chunk_log_prob, {"gaussian - slope, axis=(1, 2)": "(gaussian - slope)[:, 0], axis=1"}),
    ),
    Misconception(
        "log_std is used as the standard deviation.",
        "The standard deviation is jnp.exp(log_std).",
        edited(
            chunk_log_prob, {"exp(log_std)": "asarray(log_std)", "- log_std": "- jnp.log(jnp.abs(log_std))"}
        ),
    ),
    Misconception(
        "exp(log_std) is used as the variance.",
        "The square: exp(log_std)**2 is the variance.",
        edited(chunk_log_prob, {"jnp.exp(log_std)": "jnp.exp(log_std / 2)", "- log_std": "- log_std / 2"}),
    ),
    Misconception(
        "The term -log_std is missing: the density would not integrate to one.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(chunk_log_prob, {" - log_std": ""}),
    ),
    Misconception(
        "The constant log(2 pi) / 2 of every entry is missing: "
        "the entropy would be wrong, and with it the temperature.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(chunk_log_prob, {" - 0.5 * jnp.log(2 * jnp.pi)": ""}),
    ),
    Misconception(
        "The factor 1/2 of the square is missing.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(chunk_log_prob, {"-0.5 * (": "-1.0 * ("}),
    ),
    Misconception(
        "The Gaussian is evaluated at the action tanh(u).",
        "The Gaussian is over u, before the tanh.",
        edited(chunk_log_prob, {"(u - mean)": "(jnp.tanh(u) - mean)"}),
    ),
    Misconception(
        "The mean has gone through tanh.",
        "The Gaussian is over u, and so is its mean.",
        edited(chunk_log_prob, {"(u - mean)": "(u - jnp.tanh(mean))"}),
    ),
    Misconception(
        "The slope of tanh is taken at the mean.",
        "At u: that is where tanh stretches.",
        edited(chunk_log_prob, {"- u - jax.nn.softplus(-2 * u)": "- mean - jax.nn.softplus(-2 * mean)"}),
    ),
    Misconception(
        "The sign is wrong: this is the negative log density.",
        "Return log pi itself; the losses choose the sign.",
        edited(chunk_log_prob, {"return": "return -"}),
    ),
]

check_chunk_log_prob = Exercise(
    chunk_log_prob,
    _log_prob_expected,
    _log_prob_cases,
    _log_prob_misconceptions,
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
    mean, log_std = networks.policy(params["policy"], batch.bootstrap_observation)
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    next_q = networks.critic(target_critic, batch.bootstrap_observation, jnp.tanh(u)).mean(axis=0)
    target = stop_gradient(batch.returns + batch.discount * next_q)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    whole = batch.valid[:, -1]
    return jnp.mean(whole * (q - target) ** 2)


def _toy_policy(params, observation):
    """params (4, A), S = A, for chunks of 3: mean and log standard deviation before the tanh."""
    ahead, seen = jnp.arange(3.0)[:, None], observation[:, None]
    return params[0] * seen + params[1] * ahead, params[2] * jnp.tanh(seen) + params[3] * ahead - 0.5


def _toy_critic(params, observation, actions):
    """(E, S + H * A), (B, S), (B, H, A) -> (E, B), smooth and curved."""
    inputs = jnp.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    linear = params @ inputs.T
    return linear + jnp.sin(1.5 * linear)


TOY = Networks(_toy_policy, _toy_critic)


def _toy_params(rng, members):
    policy = rng.normal(size=(4, 2)) * np.array([[0.5], [0.3], [0.4], [0.1]])
    critic = rng.normal(size=(members, 8)) * 0.7
    return {"critic": critic, "policy": policy, "log_temperature": np.array(rng.uniform(-1.5, -0.5))}


def _with_gradients(loss, **arguments):
    """A reference from a loss of the library: its value, then its gradients in some arguments."""
    return lambda *args: (loss(*args), *gradients(**arguments)(loss, args).values())


def _critic_by_library(networks, params, target_critic, batch, key):
    next_chunk, _ = rlpd.sample_tanh(*networks.policy(params["policy"], batch.bootstrap_observation), key)
    next_q = networks.critic(target_critic, batch.bootstrap_observation, next_chunk)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return critic_loss(q, next_q, batch)[0]


def _rlpd_critic_cases(rng):
    def case(members, ends, cut):
        size = 6
        valid = np.ones((size, 3))
        if cut:
            valid[2::3, 1:] = 0.0
        seen, then = rng.normal(size=(2, size, 2))
        discount = np.where((np.arange(size) % 3 == 1) & ends, 0.0, 0.7)
        actions = rng.uniform(-1, 1, size=(size, 3, 2)) * valid[..., None]
        batch = Batch(seen, actions, rng.normal(size=size), valid, then, discount)
        params = _toy_params(rng, members)
        target_critic = rng.normal(size=params["critic"].shape) * 0.7
        return TOY, params, target_critic, batch, jax.random.key(rng.integers(2**31))

    return [
        Case(
            "one critic, all chunks whole, none terminal",
            case(1, False, False),
            "Draw the next chunk from the policy at batch.bootstrap_observation: "
            "tanh(mean + exp(log_std) * normal(key)). "
            "The target is batch.returns + batch.discount * Q of it.",
        ),
        Case(
            "five critics",
            case(5, False, False),
            "All critics learn one target, with the mean over the ensemble of the target critics.",
        ),
        Case(
            "five critics, some chunks terminal, some cut",
            case(5, True, True),
            "batch.discount is 0 where nothing follows. "
            "batch.valid[:, -1] is 1 where the chunk is whole; it multiplies the square.",
        ),
    ]


_rlpd_critic_misconceptions = [
    Misconception(
        "The target has an entropy bonus, as in soft actor-critic. RLPD as used here leaves it out.",
        "batch.returns + batch.discount * next_q: no log pi in the target.",
        edited(
            rlpd_critic_loss,
            {
                "target =": "log_prob = chunk_log_prob(mean, log_std, u)\n    target =",
                "* next_q": "* (next_q - jnp.exp(params['log_temperature']) * log_prob)",
            },
        ),
    ),
    Misconception(
        "The entropy term has entered the target with the wrong sign; RLPD as used here has none.",
        "batch.returns + batch.discount * next_q: no log pi in the target.",
        edited(
            rlpd_critic_loss,
            {
                "target =": "log_prob = chunk_log_prob(mean, log_std, u)\n    target =",
                "* next_q": "* (next_q + jnp.exp(params['log_temperature']) * log_prob)",
            },
        ),
    ),
    Misconception(
        "The target is the smallest of the ensemble, as in many soft actor-critics.",
        "The mean over the ensemble: .mean(axis=0).",
        edited(rlpd_critic_loss, {".mean(axis=0)": ".min(axis=0)"}),
    ),
    Misconception(
        "The target is the smaller of two of the ensemble, as in RLPD's first publication.",
        "Here it is the mean over all: .mean(axis=0).",
        edited(rlpd_critic_loss, {".mean(axis=0)": "[:2].min(axis=0)"}),
    ),
    Misconception(
        "Each critic has a target of its own.",
        "All learn one target: .mean(axis=0).",
        edited(rlpd_critic_loss, {".mean(axis=0)": ""}),
    ),
    Misconception(
        "The online critic values the next chunk.",
        "The target critic does: networks.critic(target_critic, ...).",
        edited(rlpd_critic_loss, {"critic(target_critic": "critic(params['critic']"}),
    ),
    Misconception(
        "The gradient flows through the next chunk, or through the target critic.",
        "jax.lax.stop_gradient around the whole target.",
        edited(rlpd_critic_loss, {"stop_gradient": ""}),
    ),
    Misconception(
        "The gradient flows into the target critic.",
        "jax.lax.stop_gradient around the whole target.",
        edited(
            rlpd_critic_loss, {"stop_gradient": "", 'params["policy"]': "stop_gradient(params['policy'])"}
        ),
    ),
    Misconception(
        "The gradient flows into the policy, but not into the target critic.",
        "jax.lax.stop_gradient around the whole target.",
        edited(
            rlpd_critic_loss,
            {"stop_gradient": "", "critic(target_critic": "critic(stop_gradient(target_critic)"},
        ),
    ),
    Misconception(
        "The next chunk is drawn at the observation before the chunk.",
        "At batch.bootstrap_observation.",
        edited(rlpd_critic_loss, {'"policy"], batch.bootstrap_observation': '"policy"], batch.observation'}),
    ),
    Misconception(
        "The next chunk has not gone through tanh.",
        "next_chunk = jnp.tanh(u).",
        edited(rlpd_critic_loss, {"jnp.tanh(u)": "u"}),
    ),
    Misconception(
        "The next chunk is clipped, not squashed.",
        "The policy of RLPD is a tanh of a Gaussian.",
        edited(rlpd_critic_loss, {"jnp.tanh(u)": "jnp.clip(u, -1, 1)"}),
    ),
    Misconception(
        "The next chunk has no noise: it is the middle of the policy, not a sample.",
        "mean + exp(log_std) * jax.random.normal(key, mean.shape).",
        edited(rlpd_critic_loss, {" + jnp.exp(log_std) * jax.random.normal(key, mean.shape)": ""}),
    ),
    Misconception(
        "The discount is applied a second time.",
        "batch.discount is discount^H already.",
        edited(rlpd_critic_loss, {"batch.discount": "batch.discount**3"}),
    ),
    Misconception(
        "The bootstrap is not discounted, and terminal states are bootstrapped from.",
        "Multiply it by batch.discount.",
        edited(rlpd_critic_loss, {"batch.discount * ": ""}),
    ),
    Misconception(
        "Cut chunks are counted.",
        "Multiply the square by batch.valid[:, -1].",
        edited(rlpd_critic_loss, {"whole * ": ""}),
    ),
    Misconception(
        "The mean is taken over the whole chunks only. "
        "Then a batch with few of them would weigh as much as one with many.",
        "jnp.mean over all E * B entries, with 0 for cut chunks.",
        edited(rlpd_critic_loss, {"whole * ": "whole / jnp.mean(whole) * "}),
    ),
    Misconception(
        "The sum over everything.",
        "The mean over all E * B entries: jnp.mean.",
        edited(rlpd_critic_loss, {"jnp.mean": "jnp.sum"}),
    ),
    Misconception(
        "Half of the squared error. Many do that; here it is the square itself.",
        "(q - target)**2.",
        edited(rlpd_critic_loss, {"whole * ": "0.5 * whole * "}),
    ),
    Misconception(
        "The absolute error.",
        "(q - target)**2.",
        edited(rlpd_critic_loss, {"(q - target) ** 2": "jnp.abs(q - target)"}),
    ),
    Misconception(
        "The gradient is stopped in q: the critics would learn nothing.",
        "jax.lax.stop_gradient around the target only.",
        edited(rlpd_critic_loss, {"(q - target)": "(stop_gradient(q) - target)"}),
    ),
    Misconception(
        "q is asked at the observation after the chunk.",
        "networks.critic(params['critic'], batch.observation, batch.actions).",
        edited(rlpd_critic_loss, {"batch.observation": "batch.bootstrap_observation"}),
    ),
    Misconception(
        "q comes from the target critic: nothing that is trained is in the loss.",
        "networks.critic(params['critic'], batch.observation, batch.actions).",
        edited(rlpd_critic_loss, {'params["critic"]': "target_critic"}),
    ),
    Misconception(
        "The critics are swapped: q comes from the target critic, "
        "and the next chunk is valued by the online one.",
        "The online critic learns, the target critic values the next chunk.",
        edited(
            rlpd_critic_loss,
            {
                'params["critic"]': "target_critic",
                "critic(target_critic, batch.boot": "critic(params['critic'], batch.boot",
            },
        ),
    ),
    Misconception(
        "The next chunk is valued at the observation before the chunk.",
        "networks.critic(target_critic, batch.bootstrap_observation, next_chunk).",
        edited(rlpd_critic_loss, {"critic, batch.bootstrap_observation": "critic, batch.observation"}),
    ),
    Misconception(
        "The losses of the critics are summed.",
        "The mean over all E * B entries.",
        edited(rlpd_critic_loss, {"jnp.mean(": "jnp.mean(jnp.sum(", "** 2)": "** 2, axis=0))"}),
    ),
]

check_rlpd_critic_loss = Exercise(
    rlpd_critic_loss,
    _with_gradients(_critic_by_library, params=1, target_critic=2),
    _rlpd_critic_cases,
    _rlpd_critic_misconceptions,
    insight="Lesson 04's loss, with another policy. What is new for a chunk lies in the chunk.",
    compiled=True,
    observe=gradients(params=1, target_critic=2),
)


def rlpd_actor_loss(networks, params, observation, key):
    """temperature * log pi - mean Q of a sampled chunk; gradient into the policy only."""
    mean, log_std = networks.policy(params["policy"], observation)
    u = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    log_prob = chunk_log_prob(mean, log_std, u)
    q = networks.critic(stop_gradient(params["critic"]), observation, jnp.tanh(u)).mean(axis=0)
    temperature = stop_gradient(jnp.exp(params["log_temperature"]))
    return jnp.mean(temperature * log_prob - q)


def _actor_by_library(networks, params, observation, key):
    chunk, entries = rlpd.sample_tanh(*networks.policy(params["policy"], observation), key)
    q = networks.critic(stop_gradient(params["critic"]), observation, chunk).mean(axis=0)
    return rlpd.actor_loss(q, entries.sum(axis=(1, 2)), jnp.exp(params["log_temperature"]))


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
            "The temperature is exp(log_temperature). "
            "The mean over the ensemble; no gradient into the critic, none into the temperature.",
        ),
    ]


_rlpd_actor_misconceptions = [
    Misconception(
        "The gradient flows into the critic: this loss would raise Q everywhere.",
        "Give the critic jax.lax.stop_gradient(params['critic']).",
        edited(rlpd_actor_loss, {'stop_gradient(params["critic"])': 'params["critic"]'}),
    ),
    Misconception(
        "The gradient flows into the temperature: it would be chosen to make this loss small.",
        "jax.lax.stop_gradient(temperature): it has a loss of its own.",
        edited(rlpd_actor_loss, {"stop_gradient(jnp.exp": "(jnp.exp"}),
    ),
    Misconception(
        "The gradient flows into the critic and into the temperature.",
        "Stop both: each has a loss of its own.",
        edited(rlpd_actor_loss, {"stop_gradient(params": "(params", "stop_gradient(jnp.exp": "(jnp.exp"}),
    ),
    Misconception(
        "log pi is stopped: the entropy is in the loss, but the policy cannot feel it.",
        "Stop it in the critic's parameters and in the temperature only.",
        edited(rlpd_actor_loss, {"* log_prob": "* stop_gradient(log_prob)"}),
    ),
    Misconception(
        "The temperature multiplies Q, not log pi.",
        "temperature * log pi - Q.",
        edited(rlpd_actor_loss, {"temperature * log_prob - q": "log_prob - temperature * q"}),
    ),
    Misconception(
        "log_std is used as the standard deviation of the noise.",
        "u = mean + exp(log_std) * jax.random.normal(key, mean.shape).",
        edited(rlpd_actor_loss, {"jnp.exp(log_std)": "log_std"}),
    ),
    Misconception(
        "The gradient is stopped in the sample: the policy cannot feel the slope of Q.",
        "Stop it in the critic's parameters and in the temperature only.",
        edited(rlpd_actor_loss, {"log_prob =": "u = stop_gradient(u)\n    log_prob ="}),
    ),
    Misconception(
        "The gradient is stopped in the u of the log density only.",
        "The same u in both, with its gradient.",
        edited(rlpd_actor_loss, {"log_std, u)": "log_std, stop_gradient(u))"}),
    ),
    Misconception(
        "The sign of the entropy is wrong: minimising it would make the policy narrow.",
        "temperature * log pi - Q.",
        edited(rlpd_actor_loss, {"temperature * log_prob": "-temperature * log_prob"}),
    ),
    Misconception(
        "The sign of Q is wrong: minimising it would lower Q.",
        "temperature * log pi - Q.",
        edited(rlpd_actor_loss, {"- q": "+ q"}),
    ),
    Misconception(
        "Both signs are wrong.", "temperature * log pi - Q.", edited(rlpd_actor_loss, {"return": "return -"})
    ),
    Misconception(
        "The log of the temperature is used as the temperature.",
        "temperature = jnp.exp(params['log_temperature']).",
        edited(rlpd_actor_loss, {'jnp.exp(params["log_temperature"])': 'params["log_temperature"]'}),
    ),
    Misconception(
        "The temperature is not used.",
        "temperature * log pi - Q.",
        edited(rlpd_actor_loss, {"temperature * log_prob": "log_prob"}),
    ),
    Misconception(
        "The entropy is missing.",
        "temperature * log pi - Q.",
        edited(rlpd_actor_loss, {"temperature * log_prob - q": "-q"}),
    ),
    Misconception(
        "The critic is asked about u, before the tanh.",
        "The critic takes the chunk that is executed: jnp.tanh(u).",
        edited(rlpd_actor_loss, {"jnp.tanh(u)": "u"}),
    ),
    Misconception(
        "The log density is taken at the action: chunk_log_prob wants u, before the tanh.",
        "chunk_log_prob(mean, log_std, u).",
        edited(rlpd_actor_loss, {"log_std, u)": "log_std, jnp.tanh(u))"}),
    ),
    Misconception(
        "There is no noise in the chunk.",
        "u = mean + exp(log_std) * jax.random.normal(key, mean.shape).",
        edited(rlpd_actor_loss, {" + jnp.exp(log_std) * jax.random.normal(key, mean.shape)": ""}),
    ),
    Misconception(
        "Q and log pi are of different samples.",
        "One u: jnp.tanh(u) for the critic, chunk_log_prob(mean, log_std, u).",
        edited(
            rlpd_actor_loss,
            {
                "u = ": "q_key, key = jax.random.split(key)\n    u = ",
                "jnp.tanh(u)": "jnp.tanh(mean + jnp.exp(log_std) * jax.random.normal(q_key, mean.shape))",
            },
        ),
    ),
    Misconception(
        "The smallest Q of the ensemble.",
        "The mean over the ensemble.",
        edited(rlpd_actor_loss, {".mean(axis=0)": ".min(axis=0)"}),
    ),
    Misconception(
        "The sum over the ensemble.",
        "The mean over the ensemble.",
        edited(rlpd_actor_loss, {".mean(axis=0)": ".sum(axis=0)"}),
    ),
    Misconception(
        "The log density is averaged over the chunk's entries, not summed.",
        "chunk_log_prob gives the sum; use it as it is.",
        edited(rlpd_actor_loss, {"* log_prob": "* log_prob / u[0].size"}),
    ),
    Misconception(
        "The sum over the batch.",
        "jnp.mean over the batch.",
        edited(rlpd_actor_loss, {"jnp.mean": "jnp.sum"}),
    ),
]

check_rlpd_actor_loss = Exercise(
    rlpd_actor_loss,
    _with_gradients(_actor_by_library, params=1),
    _rlpd_actor_cases,
    _rlpd_actor_misconceptions,
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
    target = horizon * action_size * entropy_target
    return jnp.exp(log_temperature) * (entropy - target)


def _temperature_by_library(log_temperature, log_prob, horizon, action_size, entropy_target):
    target = horizon * action_size * entropy_target
    return rlpd.temperature_loss(jnp.exp(log_temperature), -jnp.mean(log_prob), target)


def _temperature_cases(rng):
    def case(log, *sizes_and_target):
        return np.array(log), rng.normal(size=6) * 2 + 1, *sizes_and_target

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
            "entropy_target is per number of an action: "
            "the target is horizon * action_size * entropy_target.",
        ),
        Case(
            "a chunk of five such actions",
            case(-1.2, 5, 3, -0.4),
            "A chunk has horizon * action_size numbers, and so much entropy.",
        ),
    ]


_temperature_misconceptions = [
    Misconception(
        "The target is that of one number, whatever the size of the chunk.",
        "horizon * action_size * entropy_target.",
        edited(temperature_loss, {"horizon * action_size * entropy_target": "entropy_target"}),
    ),
    Misconception(
        "The target is that of one action: the chunk would be held horizon times too wide or too narrow.",
        "horizon * action_size * entropy_target.",
        edited(temperature_loss, {"horizon * action_size": "action_size"}),
    ),
    Misconception(
        "The target is scaled with the horizon only.",
        "horizon * action_size * entropy_target.",
        edited(temperature_loss, {"horizon * action_size": "horizon"}),
    ),
    Misconception(
        "The sign is wrong: the temperature would rise where there is entropy enough.",
        "temperature * (entropy - target): too much entropy lowers it.",
        edited(temperature_loss, {"entropy - target": "target - entropy"}),
    ),
    Misconception(
        "log_prob is used as the entropy.",
        "The entropy is minus the mean of log_prob.",
        edited(temperature_loss, {"-jnp.mean": "jnp.mean"}),
    ),
    Misconception(
        "The target is added.",
        "entropy - target.",
        edited(temperature_loss, {"entropy - target": "entropy + target"}),
    ),
    Misconception(
        "The gradient flows into log_prob: the policy would follow this loss.",
        "jax.lax.stop_gradient(log_prob).",
        edited(temperature_loss, {"stop_gradient(log_prob)": "log_prob"}),
    ),
    Misconception(
        "The gradient is stopped in the temperature, or in the whole loss: "
        "the temperature would never change.",
        "Stop it in log_prob only.",
        edited(temperature_loss, {"jnp.exp(log_temperature)": "stop_gradient(jnp.exp(log_temperature))"}),
    ),
    Misconception(
        "The gradient is stopped in the temperature, and flows into log_prob: it is the other way round.",
        "jax.lax.stop_gradient(log_prob), and nothing else.",
        edited(
            temperature_loss,
            {
                "jnp.exp(log_temperature)": "stop_gradient(jnp.exp(log_temperature))",
                "stop_gradient(log_prob)": "log_prob",
            },
        ),
    ),
    Misconception(
        "The logarithm of the temperature multiplies the gap. "
        "Some programs do that; this one takes the temperature.",
        "jnp.exp(log_temperature).",
        edited(temperature_loss, {"jnp.exp(log_temperature)": "log_temperature"}),
    ),
    Misconception(
        "The gap is squared.",
        "temperature * (entropy - target): its sign decides whether the temperature rises.",
        edited(temperature_loss, {"(entropy - target)": "(entropy - target) ** 2"}),
    ),
    Misconception(
        "The sum over the batch.",
        "The mean over the batch.",
        edited(temperature_loss, {"jnp.mean": "jnp.sum"}),
    ),
    Misconception(
        "The target is missing.",
        "entropy - horizon * action_size * entropy_target.",
        edited(temperature_loss, {"entropy - target": "entropy"}),
    ),
    Misconception(
        "The log density is divided by the size of the chunk, and the target is scaled too.",
        "log_prob is of the whole chunk already; scale the target only.",
        edited(temperature_loss, {"(log_prob)": "(log_prob / (horizon * action_size))"}),
    ),
]

check_temperature_loss = Exercise(
    temperature_loss,
    _with_gradients(_temperature_by_library, log_temperature=0, log_prob=1),
    _temperature_cases,
    _temperature_misconceptions,
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
        mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
        reach = scipy.stats.t.ppf(0.975, len(values) - 1) * error
        return np.array([mean, mean - reach, mean + reach])

    last = success[:, :, -1]
    mean, low, high = interval(last.T)
    apart = last[first] - last[second]
    difference = interval(apart)
    _, lower, upper = difference
    decision = BETTER if lower > 0 else WORSE if upper < 0 else NOT_SHOWN
    return mean, low, high, difference, decision


def _interval_expected(success, first, second):
    """By the library's intervals."""
    last = success[:, :, -1]
    apart = statistics.difference(last[first], last[second])
    return *statistics.mean_interval(last.T), apart, np.sign(apart[0]) * (apart[1] * apart[2] > 0)


def _interval_cases(rng):
    """Seeds differ widely, and alike for both methods where `shared`:
    the pairs tell more than the two intervals.
    """

    def case(gap, noise, shared, methods, seeds, first, second, growing=True):
        even = np.linspace(-1, 1, seeds)
        common = 50 + rng.permutation(even) * shared
        own = np.array([even[rng.permutation(seeds)] for _ in range(methods)]) * noise
        own[second] = own[first][::-1]
        final = common + own + rng.uniform(-8, 8, size=(methods, 1))
        final[first] = common + own[first] + gap / 2
        final[second] = common + own[second] - gap / 2
        way = [0.1, 0.5, 1.25, 1.0] if growing else [1.3, 1.2, 1.1, 1.0]
        lift = np.arange(4)[::-1] * rng.uniform(0, 2, size=(methods, seeds, 1))
        return final[..., None] * way + lift, first, second

    def exact(differences, second=(50, 51, 52, 53, 54, 55)):
        """Two methods whose difference by seed is given."""
        last = np.array(second[: len(differences)])[rng.permutation(len(differences))]
        last = np.stack([last + rng.permutation(differences), last])
        return last[..., None] * [0.3, 0.8, 1.0], 0, 1

    return [
        Case(
            "two methods, 5 seeds, far apart",
            case(30.0, 3.0, 0.0, 2, 5, 0, 1),
            "success[:, :, -1] is (M, R). "
            "Standard deviation with ddof=1, divided by the square root of R, times t.ppf(0.975, R - 1).",
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
            exact(3 * (2.45 * 0.2**0.5 + np.array([-1, 1, -1, 1, 0]))),
            "t.ppf(0.975, R - 1): 2.5 % on each side, for the decision, too.",
        ),
        Case(
            "two methods, 5 seeds: shown by a little",
            exact(3 * (3.2 * 0.2**0.5 + np.array([-1, 1, -1, 1, 0]))),
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


_interval_misconceptions = [
    Misconception(
        "1.96 standard errors: that is the normal distribution's. With few seeds the interval is too narrow.",
        "scipy.stats.t.ppf(0.975, R - 1), which is 2.78 for 5 seeds.",
        edited(interval_table, {"scipy.stats.t.ppf(0.975, len(values) - 1)": "scipy.stats.norm.ppf(0.975)"}),
    ),
    Misconception(
        "t.ppf(0.95): this leaves 5 % outside on each side.",
        "scipy.stats.t.ppf(0.975, R - 1): 2.5 % on each side.",
        edited(interval_table, {"0.975": "0.95"}),
    ),
    Misconception(
        "The t distribution has R degrees of freedom.",
        "R - 1: one is spent on the mean.",
        edited(interval_table, {"len(values) - 1": "len(values)"}),
    ),
    Misconception(
        "The standard deviation is divided by R inside (ddof=0): too small with few seeds.",
        "values.std(ddof=1).",
        edited(interval_table, {", ddof=1": ""}),
    ),
    Misconception(
        "The spread of the seeds, not of their mean: the square root of R is missing.",
        "std / sqrt(R).",
        edited(interval_table, {" / np.sqrt(len(values))": ""}),
    ),
    Misconception(
        "Divided by R, not by its square root.",
        "std / sqrt(R).",
        edited(interval_table, {"np.sqrt(len(values))": "len(values)"}),
    ),
    Misconception(
        "The variance, not the standard deviation.",
        "std / sqrt(R).",
        edited(interval_table, {"values.std": "values.var"}),
    ),
    Misconception(
        "The difference is not paired: its interval ignores that both methods ran on the same seeds.",
        "Take last[first] - last[second], one number a seed, and then its mean and interval.",
        edited(
            interval_table,
            {
                "difference =": "reach = np.hypot(*(high - mean)[[first, second]])\n    difference =",
                "interval(apart)": "apart.mean() + np.array([0, -reach, reach])",
            },
        ),
    ),
    Misconception(
        "The difference is second - first.",
        "first - second: positive where the first is better.",
        edited(
            interval_table,
            {
                "last[first] - last[second]": "last[second] - last[first]",
                "BETTER if": "WORSE if",
                "WORSE if upper": "BETTER if upper",
            },
        ),
    ),
    Misconception(
        "The difference, and the decision, are second - first.",
        "first - second: positive where the first is better.",
        edited(interval_table, {"last[first] - last[second]": "last[second] - last[first]"}),
    ),
    Misconception(
        "It decides by the overlap of the two intervals. They may overlap where every seed agrees.",
        "Decide by the interval of the paired difference: is 0 inside?",
        edited(
            interval_table,
            {"lower > 0": "low[first] > high[second]", "upper < 0": "high[first] < low[second]"},
        ),
    ),
    Misconception(
        "It decides by whether every seed agrees.",
        "Decide by the interval of the paired difference: is 0 inside?",
        edited(interval_table, {"lower > 0": "(apart > 0).all()", "upper < 0": "(apart < 0).all()"}),
    ),
    Misconception(
        "The decision is one-sided: it leaves 5 % on its side, not 2.5 %.",
        "Decide by the ends of the interval of the difference.",
        edited(
            interval_table,
            {
                "lower > 0": "scipy.stats.ttest_1samp(apart, 0, alternative='greater').pvalue < 0.05",
                "upper < 0": "scipy.stats.ttest_1samp(apart, 0, alternative='less').pvalue < 0.05",
            },
        ),
    ),
    Misconception(
        "A difference counts only beyond a threshold.",
        "Better if the whole interval is above 0, by however little.",
        edited(interval_table, {"lower > 0": "lower > 5", "upper < 0": "upper < -5"}),
    ),
    Misconception(
        "The ends are swapped in the decision: it is enough that the upper one is above 0.",
        "BETTER if the lower end is above 0.",
        edited(interval_table, {"lower > 0": "upper > 0", "upper < 0": "lower < 0"}),
    ),
    Misconception(
        "WORSE is never decided.",
        "WORSE if the upper end is below 0.",
        edited(interval_table, {" else WORSE if upper < 0": ""}),
    ),
    Misconception(
        "The ends are cut at 0 and 100.",
        "Leave them as the formula gives them: an end beyond 100 tells that the formula does not fit.",
        edited(interval_table, {"return mean, low, high": "return mean, *np.clip([low, high], 0, 100)"}),
    ),
    Misconception(
        "The median over seeds, not the mean.",
        "values.mean(axis=0).",
        edited(interval_table, {"values.mean(axis=0)": "np.median(values, axis=0)"}),
    ),
    Misconception(
        "The ends of the difference are the differences of the ends.",
        "Take last[first] - last[second], one number a seed, and then its mean and interval.",
        edited(
            interval_table,
            {
                "interval(apart)": "[apart.mean(), low[first] - low[second], high[first] - high[second]]",
                "lower > 0": "min(lower, upper) > 0",
                "upper < 0": "max(lower, upper) < 0",
            },
        ),
    ),
    Misconception(
        "The interval of the difference is the worst case of the two intervals.",
        "Take last[first] - last[second], one number a seed, and then its mean and interval.",
        edited(
            interval_table,
            {"interval(apart)": "[apart.mean(), low[first] - high[second], high[first] - low[second]]"},
        ),
    ),
    Misconception(
        "The difference is not paired: this is the test for two separate groups.",
        "Take last[first] - last[second], one number a seed, and then its mean and interval.",
        edited(
            interval_table,
            {
                "difference =": "test = scipy.stats.ttest_ind(last[first], last[second])\n    difference =",
                "interval(apart)": "[apart.mean(), *test.confidence_interval()]",
            },
        ),
    ),
    Misconception(
        "It decides by the means alone.",
        "Better only if the whole interval of the difference is above 0.",
        edited(interval_table, {"lower > 0": "apart.mean() > 0", "upper < 0": "apart.mean() < 0"}),
    ),
    Misconception(
        "The decision is upside down.",
        "BETTER = 1 where the first is better.",
        edited(interval_table, {"BETTER if": "WORSE if", "WORSE if upper": "BETTER if upper"}),
    ),
    Misconception(
        "The best point of each curve: the maximum of a noisy curve is too high.",
        "The last point: success[:, :, -1].",
        edited(interval_table, {"success[:, :, -1]": "success.max(axis=2)"}),
    ),
    Misconception(
        "The mean over the curve.",
        "The last point: success[:, :, -1].",
        edited(interval_table, {"success[:, :, -1]": "success.mean(axis=2)"}),
    ),
    Misconception(
        "The first point.",
        "The last point: success[:, :, -1].",
        edited(interval_table, {"success[:, :, -1]": "success[:, :, 0]"}),
    ),
]

check_interval_table = Exercise(
    interval_table,
    _interval_expected,
    _interval_cases,
    _interval_misconceptions,
    parts=("mean", "low", "high", "difference", "decision"),
    insight="'Not shown' is a result. It says how many seeds you had.",
)
