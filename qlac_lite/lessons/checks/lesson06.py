"""Checks of lesson 06, offline to online.

Shapes: B batch, H chunk length, A action size, S observation size, E ensemble, T steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from qlac_lite.agents import rlpd
from qlac_lite.agents.critics import critic_loss
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons import her_rlpd
from qlac_lite.lessons.checks.exercise import (
    Case,
    Exercise,
    Misconception,
    edited,
)
from qlac_lite.lessons.checks.exercise import (
    last_case as last_case,
)

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
            {
                "rows": "data_key, replay_key = jax.random.split(key). The first half: "
                "offline_starts[jax.random.randint(data_key, (count,), 0, len(offline_starts))]. "
                "Then the replay's half in the same way, with replay_key.",
                "online": "True for the last batch_size // 2, as soon as anything is filled; else False.",
            },
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
        "Both halves are drawn with the first of the two keys: their random numbers are related.",
        "data_key, replay_key = jax.random.split(key): one for each half.",
        edited(half_and_half, {"= jax.random.split(key)": "= (jax.random.split(key)[0],) * 2"}),
    ),
    Misconception(
        "With an empty replay the second half is drawn with a third key: sound, but not the same draw.",
        "The replay's key draws the second half, from the replay or from the data.",
        edited(
            half_and_half,
            {
                "data_key, replay_key = jax.random.split(key)": "data_key, replay_key, third = "
                "jax.random.split(key, 3)",
                "instead = draw(replay_key": "instead = draw(third",
            },
        ),
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
    Misconception(
        "Of an odd batch, the middle row is the data's, and marked as the replay's.",
        "The data have batch_size - batch_size // 2 rows: the marks begin after them.",
        edited(half_and_half, {">= batch_size - replayed": ">= replayed"}),
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

    def reset(self, seed=None, options=None):
        self.episode, self.time = self.episode + 1, 0
        self.place = np.array([1.0 + self.episode, 0.0])
        return self.place, {}

    def step(self, action):
        if self.time is None:
            error = RuntimeError("the episode is over (or never began): call environment.reset() first")
            error.likely = "An episode ends in two ways, and both need a reset: terminated or truncated."
            raise error
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
        Case(
            "chunks of 3; the last of 8 steps solves an episode",
            case(3, 8, (8,), ("solved",)),
            "Nothing is left to do after the last step: no further decision.",
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
        "It decides again as soon as it has reset, also after the last step: then one decision too many.",
        "Only empty the queue when the episode ends. Decide before the next step.",
        edited(act_with_queue, {"queue = []": "queue, decisions = list(decide(after)), decisions + 1"}),
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
    Misconception(
        "Decisions are counted, not steps: it goes on until there are `steps` decisions.",
        "Each round is one step, whether it decides or not: for _ in range(steps).",
        edited(act_with_queue, {"for _ in range(steps)": "while decisions < steps"}),
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


def sample_chunk(mean, log_std, key):
    """A sample of the tanh-Gaussian (B, H, A) and its log density (B,): mean, log_std (B, H, A)."""
    noise = jax.random.normal(key, mean.shape)
    u = mean + jnp.exp(log_std) * noise
    gaussian = -0.5 * ((u - mean) / jnp.exp(log_std)) ** 2 - log_std - 0.5 * jnp.log(2 * jnp.pi)
    slope = 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
    log_prob = jnp.sum(gaussian - slope, axis=(1, 2))
    return jnp.tanh(u), log_prob


def _sample_expected(mean, log_std, key):
    """With 1 - tanh(u)^2 = 1 / cosh(u)^2, in double precision, and derivatives by hand."""
    noise = np.asarray(jax.random.normal(key, mean.shape), float)
    std = np.exp(log_std)
    u = mean + std * noise
    slope = -2 * (np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - np.log(2))
    log_prob = (-(noise**2) / 2 - log_std - np.log(2 * np.pi) / 2 - slope).sum(axis=2).sum(axis=1)
    steep = 1 - np.tanh(u) ** 2
    slopes = steep, steep * std * noise, 2 * np.tanh(u), 2 * np.tanh(u) * std * noise - 1
    return np.tanh(u), log_prob, *slopes


def _sample_cases(rng):
    def case(size, horizon, actions, std, far=False):
        mean = rng.normal(size=(size, horizon, actions))
        log_std = std + 0.3 * rng.normal(size=mean.shape) * (std != 0)
        if far:
            mean[0], mean[1, 0] = 15.0 + rng.uniform(size=mean[0].shape), -14.0
            log_std[2, 0], log_std[3, 0] = 2.7, -4.0
        return mean, log_std, jax.random.key(rng.integers(2**31))

    return [
        Case(
            "single actions of one number, standard deviation 1",
            case(4, 1, 1, 0.0),
            "u = mean + exp(log_std) * jax.random.normal(key, mean.shape), the action is tanh(u). "
            "Its log density is the Gaussian's at u, less log(1 - tanh(u)**2).",
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
            "chunks of 3 steps, some entries far out, or with a log_std of 2.7 or -4",
            case(5, 3, 2, 0.4, far=True),
            "log_std is used as it is, whatever its size. Far out tanh(u) is rounded to 1. "
            "Use 2 * (log 2 - u - softplus(-2 u)), which is the same, and needs nothing in the logarithm.",
        ),
    ]


def _slopes_of_sample(answer, args):
    """The gradients of the sums of chunk and log density, in mean and log_std."""
    mean, log_std, key = args
    sums = lambda *inputs: tuple(jnp.sum(part) for part in answer(*inputs, key))
    chunk, log_prob = jax.jacrev(sums, argnums=(0, 1))(mean, log_std)
    return {
        "gradient of chunk in mean": chunk[0],
        "gradient of chunk in log_std": chunk[1],
        "gradient of log_prob in mean": log_prob[0],
        "gradient of log_prob in log_std": log_prob[1],
    }


_sample_misconceptions = [
    Misconception(
        "log_std is clipped, as many programs do; here it is used as it is.",
        "exp(log_std), whatever its size.",
        lambda mean, log_std, key: sample_chunk(mean, jnp.clip(log_std, -20, 2), key),
    ),
    Misconception(
        "The density is the Gaussian's at u: the slope of tanh is missing.",
        "Subtract log(1 - tanh(u)**2) for every entry.",
        edited(sample_chunk, {"gaussian - slope": "gaussian"}),
    ),
    Misconception(
        "The slope of tanh is added: it has to be subtracted.",
        "Where tanh is flat, many u share few actions, and the density is larger: minus log(1 - tanh(u)**2).",
        edited(sample_chunk, {"gaussian - slope": "gaussian + slope"}),
    ),
    Misconception(
        "log(1 - tanh(u)**2) as it stands: far out it is log(0).",
        "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) is the same number, and never infinite.",
        edited(sample_chunk, {"gaussian - slope": "gaussian - jnp.log(1 - jnp.tanh(u) ** 2)"}),
    ),
    Misconception(
        "1e-6 is added in the logarithm: "
        "finite, but far out it is the 1e-6 that counts, and the gradient is lost.",
        "2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u)) needs no such help.",
        edited(sample_chunk, {"gaussian - slope": "gaussian - jnp.log(1 - jnp.tanh(u) ** 2 + 1e-6)"}),
    ),
    Misconception(
        "softplus(2 u): the sign inside is wrong.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(sample_chunk, {"-2 * u": "2 * u"}),
    ),
    Misconception(
        "softplus(-u): the factor 2 inside is missing.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(sample_chunk, {"-2 * u": "-u"}),
    ),
    Misconception(
        "The softplus is added; it has to be subtracted.",
        "2 * (log 2 - u - softplus(-2 u)).",
        edited(sample_chunk, {"- jax.nn.softplus": "+ jax.nn.softplus"}),
    ),
    Misconception(
        "The factor 2 of the slope is missing.",
        "log(1 - tanh(u)**2) = 2 * (log 2 - u - softplus(-2 u)).",
        edited(sample_chunk, {"2 * (jnp.log(2.0)": "(jnp.log(2.0)"}),
    ),
    Misconception(
        "log_std is added: a wide Gaussian would be dense.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(sample_chunk, {"- log_std": "+ log_std"}),
    ),
    Misconception(
        "The term -log_std is missing: the density would not integrate to one.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(sample_chunk, {" - log_std": ""}),
    ),
    Misconception(
        "The constant is log(2 pi), without the half.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(sample_chunk, {"0.5 * jnp.log": "jnp.log"}),
    ),
    Misconception(
        "The constant log(2 pi) / 2 of every entry is missing: "
        "the entropy would be wrong, and with it the temperature.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(sample_chunk, {" - 0.5 * jnp.log(2 * jnp.pi)": ""}),
    ),
    Misconception(
        "The factor 1/2 of the square is missing.",
        "-((u - mean) / std)**2 / 2 - log_std - log(2 pi) / 2.",
        edited(sample_chunk, {"-0.5 * (": "-1.0 * ("}),
    ),
    Misconception(
        "The mean over the chunk's entries, not the sum: this is no log density.",
        "Independent entries multiply, so their logarithms add up: jnp.sum.",
        edited(sample_chunk, {"jnp.sum": "jnp.mean"}),
    ),
    Misconception(
        "Summed over the actions, averaged over the steps.",
        "Sum over H and A: axis=(1, 2).",
        edited(sample_chunk, {"axis=(1, 2))": "axis=2).mean(axis=1)"}),
    ),
    Misconception(
        "Only the first step of the chunk counts.",
        "Sum over H and A: axis=(1, 2).",
        edited(sample_chunk, {"gaussian - slope, axis=(1, 2)": "(gaussian - slope)[:, 0], axis=1"}),
    ),
    Misconception(
        "The density is taken at the action tanh(u): the Gaussian is over u.",
        "The Gaussian's log density at u, before the tanh.",
        edited(sample_chunk, {"(u - mean)": "(jnp.tanh(u) - mean)"}),
    ),
    Misconception(
        "The slope of tanh is taken at the mean.",
        "At u: that is where tanh stretches.",
        edited(sample_chunk, {"- u - jax.nn.softplus(-2 * u)": "- mean - jax.nn.softplus(-2 * mean)"}),
    ),
    Misconception(
        "The sign is wrong: this is the negative log density.",
        "Return log pi itself; the losses choose the sign.",
        edited(sample_chunk, {"jnp.sum": "-jnp.sum"}),
    ),
    Misconception(
        "log_std is used as the standard deviation of the noise.",
        "u = mean + exp(log_std) * noise.",
        edited(sample_chunk, {"jnp.exp(log_std) * noise": "log_std * noise"}),
    ),
    Misconception(
        "The chunk has no noise: it is the middle of the policy, not a sample.",
        "mean + exp(log_std) * jax.random.normal(key, mean.shape).",
        edited(sample_chunk, {" + jnp.exp(log_std) * noise": ""}),
    ),
    Misconception(
        "The noise is uniform.",
        "jax.random.normal(key, mean.shape).",
        edited(sample_chunk, {"random.normal(key": "random.uniform(key"}),
    ),
    Misconception(
        "The noise is the same at every step of the chunk.",
        "A number of its own for every entry: jax.random.normal(key, mean.shape).",
        edited(sample_chunk, {"key, mean.shape)": "key, mean[:, :1].shape)"}),
    ),
    Misconception(
        "The chunk has not gone through tanh.",
        "Return jnp.tanh(u).",
        edited(sample_chunk, {"return jnp.tanh(u)": "return u"}),
    ),
    Misconception(
        "The chunk is clipped, not squashed.",
        "Return jnp.tanh(u).",
        edited(sample_chunk, {"return jnp.tanh(u)": "return jnp.clip(u, -1, 1)"}),
    ),
    Misconception(
        "The mean has gone through tanh before the noise is added.",
        "tanh comes last: tanh(mean + exp(log_std) * noise).",
        edited(sample_chunk, {"noise = ": "mean = jnp.tanh(mean)\n    noise = "}),
    ),
    Misconception(
        "The gradient is stopped in the sample: the policy could not feel the slope of Q.",
        "The noise comes from outside; nothing has to be stopped.",
        edited(sample_chunk, {"gaussian =": "u = stop_gradient(u)\n    gaussian ="}),
    ),
    Misconception(
        "The gradient is stopped in the u of the log density.",
        "The same u in both, with its gradient.",
        edited(
            sample_chunk,
            {"gaussian =": "a, u = u, stop_gradient(u)\n    gaussian =", "jnp.tanh(u)": "jnp.tanh(a)"},
        ),
    ),
    Misconception(
        "The log density is stopped: the entropy could not move the policy.",
        "Nothing has to be stopped here; the losses do that.",
        edited(sample_chunk, {"= jnp.sum(gaussian - slope": "= jnp.sum(stop_gradient(gaussian - slope)"}),
    ),
    Misconception(
        "The density itself, not its logarithm.",
        "Return the sum of the log densities.",
        edited(
            sample_chunk,
            {"= jnp.sum(gaussian - slope, axis=(1, 2))": "= jnp.exp(jnp.sum(gaussian - slope, axis=(1, 2)))"},
        ),
    ),
    Misconception(
        "The log density is in bits.",
        "The natural logarithm: nats.",
        edited(sample_chunk, {"= jnp.sum(gaussian - slope": "= jnp.sum((gaussian - slope) / jnp.log(2)"}),
    ),
    Misconception(
        "exp(log_std) is used as the variance of the noise.",
        "exp(log_std) is the standard deviation.",
        edited(sample_chunk, {"jnp.exp(log_std) * noise": "jnp.exp(log_std / 2) * noise"}),
    ),
    Misconception(
        "The key is split before it is used: the noise is another one.",
        "jax.random.normal(key, mean.shape), with the key as it comes.",
        lambda mean, log_std, key: sample_chunk(mean, log_std, jax.random.split(key)[0]),
    ),
    Misconception(
        "The slope of tanh counts once a step: that of the first number stands for all.",
        "Each number has a slope of its own.",
        edited(sample_chunk, {"gaussian - slope": "gaussian - slope[..., :1]"}),
    ),
    Misconception(
        "u is clipped before its density is taken: far out both value and gradient are wrong.",
        "The stable form needs no clipping.",
        edited(sample_chunk, {"gaussian =": "u = jnp.clip(u, -5, 5)\n    gaussian ="}),
    ),
]

check_sample_chunk = Exercise(
    sample_chunk,
    _sample_expected,
    _sample_cases,
    _sample_misconceptions,
    parts=("chunk", "log_prob"),
    insight="The longer the chunk, the more log densities are added up: section 3 asks what that does.",
    compiled=True,
    observe=_slopes_of_sample,
    observed="Only a gradient is off: nothing may be stopped here, nor added in the logarithm. "
    "Use 2 * (log 2 - u - softplus(-2 u)) for the slope.",
)


# 4. The losses of RLPD


class Networks(NamedTuple):
    """Networks as pure functions of their parameters."""

    policy: Callable  # params, observation (B, S) -> mean (B, H, A), log_std (B, H, A)
    critic: Callable  # params, observation (B, S), chunk (B, H, A) -> (E, B)


LOSSES = ("critic_loss", "actor_loss", "temperature_loss")
_sample = jax.jit(sample_chunk)  # one program in place of one for each operation


def rlpd_losses(networks, params, target_critic, batch, key, entropy_target):
    """Critic's, actor's and temperature's loss on a Batch of chunks."""
    next_key, own_key = jax.random.split(key)
    then = batch.bootstrap_observation
    next_mean, next_log_std = networks.policy(params["policy"], then)
    next_chunk, next_log_prob = _sample(next_mean, next_log_std, next_key)
    next_q = networks.critic(target_critic, then, next_chunk).mean(axis=0)
    target = stop_gradient(batch.returns + batch.discount * next_q)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    whole = batch.valid[:, -1]
    critic_loss = jnp.mean(whole * (q - target) ** 2)

    mean, log_std = networks.policy(params["policy"], batch.observation)
    chunk, log_prob = _sample(mean, log_std, own_key)
    own_q = jnp.mean(networks.critic(stop_gradient(params["critic"]), batch.observation, chunk), axis=0)
    temperature = jnp.exp(params["log_temperature"])
    actor_loss = jnp.mean(stop_gradient(temperature) * log_prob - own_q)

    entropy = -jnp.mean(stop_gradient(log_prob))
    wanted = entropy_target * chunk[0].size
    temperature_loss = temperature * (entropy - wanted)
    return critic_loss, actor_loss, temperature_loss


@jax.jit
def _toy_policy(params, observation):
    """params (4, A), S = A, for chunks of 3: mean and log standard deviation before the tanh."""
    ahead, seen = jnp.arange(3.0)[:, None], observation[:, None]
    return params[0] * seen + params[1] * ahead, params[2] * jnp.tanh(seen) + params[3] * ahead - 0.5


@jax.jit
def _toy_critic(params, observation, actions):
    """(E, S + H * A), (B, S), (B, H, A) -> (E, B), smooth and curved."""
    inputs = jnp.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    linear = params @ inputs.T
    return linear + jnp.sin(1.5 * linear)


# As plain functions: a copy of what jax.jit gives would be compiled anew.
TOY = Networks(lambda *args: _toy_policy(*args), lambda *args: _toy_critic(*args))


def _toy_params(rng, members, log_temperature):
    policy = rng.normal(size=(4, 2)) * np.array([[0.5], [0.3], [0.4], [0.1]])
    critic = rng.normal(size=(members, 8)) * 0.7
    return {"policy": policy, "critic": critic, "log_temperature": np.array(log_temperature)}


def _losses_by_library(networks, params, target_critic, batch, key, entropy_target):
    keys, seen, then = jax.random.split(key), batch.observation, batch.bootstrap_observation
    next_chunk, _ = rlpd.sample_tanh(*networks.policy(params["policy"], then), keys[0])
    q = networks.critic(params["critic"], seen, batch.actions)
    critic = critic_loss(q, networks.critic(target_critic, then, next_chunk), batch)[0]
    chunk, entries = rlpd.sample_tanh(*networks.policy(params["policy"], seen), keys[1])
    own_q = networks.critic(stop_gradient(params["critic"]), seen, chunk).mean(axis=0)
    temperature, log_prob = jnp.exp(params["log_temperature"]), entries.sum(axis=(1, 2))
    actor = rlpd.actor_loss(own_q, log_prob, temperature)
    target = entropy_target * entries[0].size
    return critic, actor, rlpd.temperature_loss(temperature, -jnp.mean(log_prob), target)


def _slopes(losses, *args):
    """The gradients of each of the losses in the arguments: one row of the Jacobian after the other, whose
    small programs the forward pass has compiled already.
    """
    values, back = jax.vjp(losses, *args)
    rows = np.eye(len(values), dtype=values[0].dtype)
    return [back(tuple(row)) for row in rows]


def _slopes_of_losses(answer, args):
    """The gradients of each loss in each network, and in the target critic."""
    networks, params, target_critic, *rest = args
    losses = lambda params, target: tuple(answer(networks, params, target, *rest))
    named = {}
    for loss, (networks_of, target) in zip(LOSSES, _slopes(losses, params, target_critic), strict=True):
        for name, value in (*networks_of.items(), ("target_critic", target)):
            named[f"gradient of {loss} in {name}"] = value
    return named


def _losses_expected(*args):
    slopes = _slopes_of_losses(_losses_by_library, args)
    return *_losses_by_library(*args), *slopes.values()


def _losses_cases(rng):
    def case(log_temperature, ends, entropy_target, alike=False):
        size, members = 6, 4
        valid = np.ones((size, 3))
        if ends:
            valid[2::3, 1:] = 0.0
        seen, then = rng.normal(size=(2, size, 2))
        discount = np.where((np.arange(size) % 3 == 1) & ends, 0.0, 0.7)
        actions = rng.uniform(-1, 1, size=(size, 3, 2)) * valid[..., None]
        batch = Batch(seen, actions, rng.normal(size=size), valid, then, discount)
        params = _toy_params(rng, members, log_temperature)
        target_critic = rng.normal(size=params["critic"].shape) * 0.7
        if alike:  # as a single critic, in the shapes of the other cases
            params["critic"][:], target_critic[:] = params["critic"][0], target_critic[0]
        key = jax.random.key(rng.integers(2**31))
        return TOY, params, target_critic, batch, key, entropy_target

    low, high = rng.uniform(0.3, 0.6, 2), rng.uniform(-1.5, -0.5)
    return [
        Case(
            "four critics, all alike, temperature 1, entropy target 0; all chunks whole, none terminal",
            case(0.0, False, 0.0, alike=True),
            "Take the three formulas one after the other, and compare the first that differs.",
        ),
        Case(
            "four critics, another temperature",
            case(high, False, 0.0),
            "The temperature is exp(log_temperature). The mean over the ensemble, in the target and in the "
            "actor's loss; each loss has a gradient in one network only.",
        ),
        Case(
            "four critics, an entropy target",
            case(high, False, -low[0]),
            "entropy_target is per number; a chunk has H * A numbers.",
        ),
        Case(
            "four critics, some chunks terminal, some cut",
            case(high, True, -low[1]),
            "batch.discount is 0 where nothing follows. "
            "batch.valid[:, -1] is 1 where the chunk is whole; it multiplies the square.",
        ),
    ]


def _mistaken(name, remedy, **changes):
    """A misconception of `rlpd_losses`; `changes` by the number of the edit: (piece, what stands there)."""
    return Misconception(name, remedy, edited(rlpd_losses, dict(changes.values())))


_losses_misconceptions = [
    _mistaken(
        "The target has an entropy bonus, as in soft actor-critic. RLPD as used here leaves it out.",
        "batch.returns + batch.discount * next_q: no log pi in the target.",
        a=("* next_q", "* (next_q - jnp.exp(params['log_temperature']) * next_log_prob)"),
    ),
    _mistaken(
        "The target is the smallest of the ensemble, as in many soft actor-critics.",
        "The mean over the ensemble: .mean(axis=0).",
        a=(".mean(axis=0)", ".min(axis=0)"),
    ),
    _mistaken(
        "The target is the smaller of two of the ensemble, as in RLPD's first publication.",
        "Here it is the mean over all: .mean(axis=0).",
        a=(".mean(axis=0)", "[:2].min(axis=0)"),
    ),
    _mistaken(
        "Each critic has a target of its own.",
        "All learn one target: .mean(axis=0).",
        a=(".mean(axis=0)", ""),
    ),
    _mistaken(
        "The online critic values the next chunk.",
        "The target critic does: networks.critic(target_critic, ...).",
        a=("critic(target_critic", "critic(params['critic']"),
    ),
    _mistaken(
        "The gradient of the critic's loss flows through the target.",
        "jax.lax.stop_gradient around the whole target.",
        a=("stop_gradient(batch", "(batch"),
    ),
    _mistaken(
        "The target critic feels the critic's loss.",
        "jax.lax.stop_gradient around the whole target, not around the policy only.",
        a=("stop_gradient(batch", "(batch"),
        b=("then, next_chunk)", "then, stop_gradient(next_chunk))"),
    ),
    _mistaken(
        "The critics are averaged before the square: then they learn as one critic.",
        "Square each critic's error first: (q - target)**2, then the mean over E * B.",
        a=("(q - target)", "(q.mean(axis=0) - target)"),
    ),
    _mistaken(
        "The next chunk is the middle of the policy, not a sample.",
        "sample_chunk(mean, log_std, next_key).",
        a=("_sample(next_mean, next_log_std, next_key)", "jnp.tanh(next_mean), 0.0"),
    ),
    _mistaken(
        "The actor's loss is taken at the observation after the chunk.",
        "Policy and critics at batch.observation.",
        a=('policy(params["policy"], batch.observation)', 'policy(params["policy"], then)'),
        b=("batch.observation, chunk)", "then, chunk)"),
    ),
    _mistaken(
        "The actor asks the target critic.",
        "The critic that is trained, stopped: jax.lax.stop_gradient(params['critic']).",
        a=('stop_gradient(params["critic"])', "stop_gradient(target_critic)"),
    ),
    _mistaken(
        "The next chunk is drawn, or valued, at the observation before the chunk.",
        "Both at batch.bootstrap_observation.",
        a=("then = batch.bootstrap_observation", "then = batch.observation"),
    ),
    _mistaken(
        "Both chunks are drawn with one key: their noise is the same.",
        "next_key, own_key = jax.random.split(key).",
        a=("= jax.random.split(key)", "= key, key"),
    ),
    _mistaken(
        "Both chunks are drawn with the first of the two keys: their noise is the same.",
        "next_key, own_key = jax.random.split(key): one for each chunk.",
        a=("= jax.random.split(key)", "= (jax.random.split(key)[0],) * 2"),
    ),
    _mistaken(
        "The two keys are swapped.",
        "next_key, own_key = jax.random.split(key): the first draws the next chunk.",
        a=("next_key, own_key =", "own_key, next_key ="),
    ),
    _mistaken(
        "The discount is applied a second time.",
        "batch.discount is discount^H already.",
        a=("batch.discount *", "batch.discount**3 *"),
    ),
    _mistaken(
        "Cut chunks are counted.",
        "Multiply the square by batch.valid[:, -1].",
        a=("whole * ", ""),
    ),
    _mistaken(
        "The mean is taken over the whole chunks only. "
        "Then a batch with few of them would weigh as much as one with many.",
        "jnp.mean over all E * B entries, with 0 for cut chunks.",
        a=("whole * ", "whole / jnp.mean(whole) * "),
    ),
    _mistaken(
        "Half of the squared error. Many do that; here it is the square itself.",
        "(q - target)**2.",
        a=("whole * ", "0.5 * whole * "),
    ),
    _mistaken(
        "The losses of the critics are summed.",
        "The mean over all E * B entries.",
        a=("jnp.mean(whole * (q - target) ** 2)", "jnp.mean(jnp.sum(whole * (q - target) ** 2, axis=0))"),
    ),
    _mistaken(
        "q comes from the target critic: nothing that is trained is in the critic's loss.",
        "networks.critic(params['critic'], batch.observation, batch.actions).",
        a=('critic(params["critic"], batch', "critic(target_critic, batch"),
    ),
    _mistaken(
        "The actor's gradient flows into the critic: this loss would raise Q everywhere.",
        "Give the critic jax.lax.stop_gradient(params['critic']).",
        a=('stop_gradient(params["critic"])', 'params["critic"]'),
    ),
    _mistaken(
        "The actor's gradient flows into the temperature: it would be chosen to make this loss small.",
        "jax.lax.stop_gradient(temperature): it has a loss of its own.",
        a=("stop_gradient(temperature)", "temperature"),
    ),
    _mistaken(
        "The actor's gradient flows into the critic and into the temperature.",
        "Stop both: each has a loss of its own.",
        a=('stop_gradient(params["critic"])', 'params["critic"]'),
        b=("stop_gradient(temperature)", "temperature"),
    ),
    _mistaken(
        "log pi is stopped in the actor's loss: the policy cannot feel its entropy.",
        "Stop it in the critic's parameters and in the temperature only.",
        a=("* log_prob", "* stop_gradient(log_prob)"),
    ),
    _mistaken(
        "The actor's chunk is stopped: the policy cannot feel the slope of Q.",
        "Stop the critic's parameters, not the chunk.",
        a=("batch.observation, chunk)", "batch.observation, stop_gradient(chunk))"),
    ),
    _mistaken(
        "The temperature multiplies Q, not log pi.",
        "temperature * log pi - Q.",
        a=(
            "stop_gradient(temperature) * log_prob - own_q",
            "log_prob - stop_gradient(temperature) * own_q",
        ),
    ),
    _mistaken(
        "The sign of the entropy is wrong in the actor's loss: it would make the policy narrow.",
        "temperature * log pi - Q.",
        a=("jnp.mean(stop_gradient(temperature)", "jnp.mean(-stop_gradient(temperature)"),
    ),
    _mistaken(
        "The sign of Q is wrong in the actor's loss: it would lower Q.",
        "temperature * log pi - Q.",
        a=("- own_q", "+ own_q"),
    ),
    _mistaken(
        "The log of the temperature is used as the temperature.",
        "temperature = jnp.exp(params['log_temperature']).",
        a=('jnp.exp(params["log_temperature"])', 'params["log_temperature"]'),
    ),
    _mistaken(
        "The actor asks for the smallest Q of the ensemble.",
        "The mean over the ensemble.",
        a=("own_q = jnp.mean", "own_q = jnp.min"),
    ),
    _mistaken(
        "The actor asks about the chunk of the data, not about its own.",
        "networks.critic(..., batch.observation, chunk), with the sampled chunk.",
        a=("batch.observation, chunk)", "batch.observation, batch.actions)"),
    ),
    _mistaken(
        "The entropy target is that of one number, whatever the size of the chunk.",
        "entropy_target * H * A.",
        a=(" * chunk[0].size", ""),
    ),
    _mistaken(
        "The entropy target is that of one action: the chunk would be held too wide or too narrow.",
        "entropy_target * H * A.",
        a=("chunk[0].size", "chunk.shape[2]"),
    ),
    _mistaken(
        "The entropy target is scaled with the horizon only.",
        "entropy_target * H * A.",
        a=("chunk[0].size", "chunk.shape[1]"),
    ),
    _mistaken(
        "The entropy target is scaled with the batch, too.",
        "entropy_target * H * A.",
        a=("chunk[0].size", "chunk.size"),
    ),
    _mistaken(
        "The sign of the actor's loss is wrong: it would lower Q and the entropy.",
        "A loss is made small: minus Q, and temperature times log pi.",
        a=("* log_prob - own_q", "* -log_prob + own_q"),
    ),
    _mistaken(
        "The sign of the temperature's loss is wrong: it would rise where there is entropy enough.",
        "temperature * (entropy - target): too much entropy lowers it.",
        a=("(entropy - wanted)", "(wanted - entropy)"),
    ),
    _mistaken(
        "log pi is used as the entropy.",
        "The entropy is minus the mean of log pi.",
        a=("-jnp.mean(stop", "jnp.mean(stop"),
    ),
    _mistaken(
        "The entropy target is added.",
        "entropy - target.",
        a=("entropy - wanted", "entropy + wanted"),
    ),
    _mistaken(
        "The temperature's gradient flows into the policy.",
        "jax.lax.stop_gradient(log_prob) in the temperature's loss.",
        a=("stop_gradient(log_prob)", "log_prob"),
    ),
    _mistaken(
        "The gradient is stopped in the temperature: it would never change.",
        "In the temperature's loss stop log_prob only.",
        a=("= temperature *", "= stop_gradient(temperature) *"),
    ),
    _mistaken(
        "The logarithm of the temperature multiplies the gap. Some programs do that; "
        "this one takes the temperature.",
        "jnp.exp(params['log_temperature']) * (entropy - target).",
        a=("= temperature *", '= params["log_temperature"] *'),
    ),
    _mistaken(
        "The log density is divided by the size of the chunk before it is compared with the target.",
        "log_prob is of the whole chunk already, and so is the target.",
        a=("stop_gradient(log_prob)", "stop_gradient(log_prob) / chunk[0].size"),
    ),
    Misconception(
        "The losses come in another order.",
        "return critic_loss, actor_loss, temperature_loss.",
        lambda *args: rlpd_losses(*args)[::-1],
    ),
    _mistaken(
        "The target has no bootstrap: nothing beyond the chunk counts.",
        "batch.returns + batch.discount * next_q.",
        a=(" + batch.discount * next_q", ""),
    ),
    _mistaken(
        "The rewards of the chunk are missing in the target.",
        "batch.returns + batch.discount * next_q.",
        a=("batch.returns + ", ""),
    ),
    _mistaken("The absolute error.", "(q - target)**2.", a=("(q - target) ** 2", "jnp.abs(q - target)")),
    _mistaken(
        "The critic's loss is the sum over everything.",
        "The mean over all E * B entries.",
        a=("jnp.mean(whole", "jnp.sum(whole"),
    ),
    _mistaken(
        "The gradient is stopped in q: the critics would learn nothing.",
        "Stop it in the target only.",
        a=("(q - target)", "(stop_gradient(q) - target)"),
    ),
    _mistaken(
        "The temperature is not used in the actor's loss.",
        "temperature * log pi - Q.",
        a=("stop_gradient(temperature) * log_prob", "log_prob"),
    ),
    _mistaken(
        "The entropy is missing in the actor's loss.",
        "temperature * log pi - Q.",
        a=("stop_gradient(temperature) * log_prob - own_q", "-own_q"),
    ),
    _mistaken(
        "The entropy has no target.",
        "entropy - entropy_target * H * A.",
        a=("(entropy - wanted)", "entropy"),
    ),
    _mistaken(
        "The gap of the thermostat is squared: its sign decides whether the temperature rises.",
        "temperature * (entropy - target).",
        a=("(entropy - wanted)", "(entropy - wanted) ** 2"),
    ),
    _mistaken(
        "The entropy target is scaled with H + A.",
        "A chunk has H * A numbers.",
        a=("chunk[0].size", "(chunk.shape[1] + chunk.shape[2])"),
    ),
    Misconception(
        "The policy is stopped in all losses: nothing moves it.",
        "The actor's loss moves it: stop critic and temperature there.",
        lambda n, p, *rest: rlpd_losses(n, p | {"policy": stop_gradient(p["policy"])}, *rest),
    ),
    _mistaken(
        "Cut chunks are left out of the actor's loss.",
        "batch.valid[:, -1] belongs to the critic's loss alone: the actor draws whole chunks of its own.",
        a=(" * log_prob - own_q)", " * whole * log_prob - whole * own_q)"),
    ),
    _mistaken(
        "The actor's chunk is drawn at the observation after the chunk, and valued at the one before it.",
        "Policy and critics at batch.observation.",
        a=('policy(params["policy"], batch.observation)', 'policy(params["policy"], then)'),
    ),
    _mistaken(
        "batch.valid multiplies the target, not the square: q of a cut chunk is drawn to 0.",
        "whole * (q - target)**2.",
        a=("(q - target)", "(q - whole * target)"),
        b=("whole * (q", "(q"),
    ),
    _mistaken(
        "The actor asks the target critic, and its gradient flows into it.",
        "The critic that is trained, stopped: jax.lax.stop_gradient(params['critic']).",
        a=('stop_gradient(params["critic"])', "target_critic"),
    ),
]

check_rlpd_losses = Exercise(
    rlpd_losses,
    _losses_expected,
    _losses_cases,
    _losses_misconceptions,
    parts=LOSSES,
    insight="With H = 1 this is RLPD, with H = 5 RLPD-AC. Only the shapes differ.",
    compiled=True,
    observe=_slopes_of_losses,
)


# 5. Bug hunt: an RLPD of single actions that was given chunks


def mended_policy_losses(mean, log_std, q_of, log_temperature, key, entropy_target):
    """Actor's and temperature's loss: mean, log_std (B, H, A); q_of(chunks) gives (B,)."""
    chunk, log_prob = sample_chunk(mean, log_std, key)
    q = q_of(chunk)
    temperature = jnp.exp(log_temperature)
    actor_loss = jnp.mean(stop_gradient(temperature) * log_prob - q)
    entropy = -jnp.mean(stop_gradient(log_prob))
    wanted = entropy_target * mean[0].size
    temperature_loss = temperature * (entropy - wanted)
    return actor_loss, temperature_loss


def _toy_q(chunk):
    """(B, H, A) -> (B,), smooth and curved."""
    weights = jnp.cos(jnp.arange(chunk[0].size)).reshape(chunk[0].shape)
    return jnp.sum(weights * jnp.sin(2 * chunk), axis=(1, 2))


def _mended_by_library(mean, log_std, q_of, log_temperature, key, entropy_target):
    chunk, entries = rlpd.sample_tanh(mean, log_std, key)
    temperature, log_prob = jnp.exp(log_temperature), entries.sum(axis=(1, 2))
    actor = rlpd.actor_loss(q_of(chunk), log_prob, temperature)
    return actor, rlpd.temperature_loss(temperature, -jnp.mean(log_prob), entropy_target * mean[0].size)


def _slopes_of_mended(answer, args):
    """The gradients of both losses in what each could move."""
    mean, log_std, q_of, log_temperature, key, target = args
    losses = lambda m, s, t: tuple(answer(m, s, q_of, t, key, target))
    slopes = _slopes(losses, mean, log_std, log_temperature)
    return {
        f"gradient of {loss} in {name}": value
        for loss, values in zip(LOSSES[1:], slopes, strict=True)
        for name, value in zip(("mean", "log_std", "log_temperature"), values, strict=True)
    }


def _mended_expected(*args):
    return *_mended_by_library(*args), *_slopes_of_mended(_mended_by_library, args).values()


def _mended_cases(rng):
    def case(horizon, actions, log_temperature, target):
        mean, log_std = rng.normal(size=(2, 5, horizon, actions)) * np.array([0.7, 0.3])[:, None, None, None]
        key = jax.random.key(rng.integers(2**31))
        return mean, log_std - 0.5, _toy_q, np.array(log_temperature), key, target

    here = rng.uniform(-1.2, -0.4)
    return [
        Case(
            "single actions of 2 numbers: here hers was right",
            case(1, 2, here, -0.5),
            "Something was changed that was right before.",
        ),
        Case(
            "chunks of 3 actions, entropy target 0",
            case(3, 2, here, 0.0),
            "Print the shape of log_prob, and of all that it is combined with.",
        ),
        Case(
            "chunks of 3 actions, entropy target -0.4",
            case(3, 2, 0.2, -0.4),
            "The target is entropy_target * H * A nats, of a whole chunk's entropy.",
        ),
        Case(
            "chunks of 4 actions of 3 numbers",
            case(4, 3, here, -0.6),
            "It has to be right for every H.",
        ),
    ]


def _remade(name, remedy, **changes):
    """A misconception of `mended_policy_losses`; see `_mistaken`."""
    return Misconception(name, remedy, edited(mended_policy_losses, dict(changes.values())))


_mended_misconceptions = [
    Misconception(
        "This computes what hers computes.",
        "Print the shape of her log_prob for H = 1 and for H = 5. What should it be?",
        her_rlpd.her_policy_losses,
    ),
    _remade(
        "The target was lowered to fit the averaged entropy: the thermostat balances, "
        "but the actor still feels a part of its entropy only.",
        "Mend the log density, not what it is compared with.",
        a=("q = q_of", "log_prob = log_prob / mean.shape[1]\n    q = q_of"),
        b=("mean[0].size", "mean.shape[2]"),
    ),
    _remade(
        "The thermostat is mended, and the actor still feels the averaged log density.",
        "One log_prob for both: the whole chunk's.",
        a=(") * log_prob - q", ") * log_prob / mean.shape[1] - q"),
    ),
    _remade(
        "The actor is mended, and the thermostat still reads the averaged entropy.",
        "One log_prob for both: the whole chunk's.",
        a=("stop_gradient(log_prob)", "stop_gradient(log_prob) / mean.shape[1]"),
    ),
    _remade(
        "log pi is summed, and Q with it: Q counts H times.",
        "Q is of the whole chunk already. Once for each chunk.",
        a=("log_prob - q)", "log_prob - mean.shape[1] * q)"),
    ),
    _remade(
        "The log density is mended, and Q is divided by H.",
        "Q is of the whole chunk already: hers was right.",
        a=("log_prob - q)", "log_prob - q / mean.shape[1])"),
    ),
    _remade(
        "All is divided by H: log pi, Q and the target. Then both losses are H times too small.",
        "Mend the log density alone: summed over the steps.",
        a=("q = q_of(chunk)", "log_prob, q = log_prob / mean.shape[1], q_of(chunk) / mean.shape[1]"),
        b=("mean[0].size", "mean.shape[2]"),
    ),
    _remade(
        "log pi is averaged over all numbers of the chunk.",
        "Independent entries: their log densities add up, over H and A.",
        a=("q = q_of", "log_prob = log_prob / mean[0].size\n    q = q_of"),
    ),
    _remade(
        "The log density is mended; but the temperature's entropy is now that of one number.",
        "Both are of the whole chunk: minus the mean of log pi, and entropy_target * H * A.",
        a=("(entropy - wanted)", "(entropy - wanted) / mean[0].size"),
    ),
    _remade(
        "The target is scaled with H only.", "entropy_target * H * A.", a=("mean[0].size", "mean.shape[1]")
    ),
    _remade(
        "The log density is mended, and the target is now that of one action.",
        "Her target, for the whole chunk, was right: entropy_target * H * A.",
        a=("mean[0].size", "mean.shape[2]"),
    ),
    _remade(
        "The losses are summed over the batch, too.",
        "The mean over the batch, the sum over the chunk.",
        a=("= jnp.mean(stop", "= jnp.sum(stop"),
        b=("-jnp.mean(", "-jnp.sum("),
    ),
    _remade(
        "The actor's loss is summed over the batch, too.",
        "The mean over the batch, the sum over the chunk.",
        a=("= jnp.mean(stop", "= jnp.sum(stop"),
    ),
    _remade(
        "The actor's gradient flows into the temperature.",
        "Her stop_gradient around the temperature was right.",
        a=("stop_gradient(temperature)", "temperature"),
    ),
    _remade(
        "The temperature's gradient flows into the policy.",
        "Her stop_gradient around log_prob was right.",
        a=("stop_gradient(log_prob)", "log_prob"),
    ),
    _remade(
        "log pi is stopped in the actor's loss: the policy cannot feel its entropy.",
        "Stop it in the temperature's loss only.",
        a=(") * log_prob - q", ") * stop_gradient(log_prob) - q"),
    ),
    _remade(
        "The chunk is stopped: the policy cannot feel the slope of Q.",
        "q_of(chunk), with its gradient.",
        a=("q_of(chunk)", "q_of(stop_gradient(chunk))"),
    ),
    _remade(
        "The thermostat is turned round: a policy that is too narrow would be cooled further.",
        "temperature * (entropy - target): her sign was right.",
        a=("entropy - wanted", "wanted - entropy"),
    ),
    Misconception(
        "The losses come in another order.",
        "return actor_loss, temperature_loss, as hers.",
        lambda *args: mended_policy_losses(*args)[::-1],
    ),
    _remade(
        "The temperature was raised H times, in both losses: the averaged entropy then counts in full, "
        "and the thermostat still reads it averaged.",
        "Mend the log density, not what it is multiplied by.",
        a=("q = q_of", "log_prob = log_prob / mean.shape[1]\n    q = q_of"),
        b=("jnp.exp(log_temperature)", "mean.shape[1] * jnp.exp(log_temperature)"),
    ),
    _remade(
        "The entropy has lost its target.",
        "Hers was right: H * A numbers.",
        a=("(entropy - wanted)", "entropy"),
    ),
    _remade(
        "The logarithm of the temperature is used as the temperature.",
        "Her exp was right.",
        a=("jnp.exp(log_temperature)", "log_temperature"),
    ),
    _remade(
        "The key is split before it is used: the noise is another one.",
        "The key as it comes, as hers.",
        a=("log_std, key)\n    q", "log_std, jax.random.split(key)[0])\n    q"),
    ),
    _remade(
        "The log density is multiplied by five, which is right for chunks of five only.",
        "It has to be right for every H: sum over the steps.",
        a=("q = q_of", "log_prob = 5 * log_prob / mean.shape[1]\n    q = q_of"),
    ),
    _remade(
        "Log density and target are both those of one number: the thermostat balances, "
        "but the actor feels a part of its entropy only.",
        "Sum the log density over the whole chunk. Her target was right.",
        a=("q = q_of", "log_prob = log_prob / mean[0].size\n    q = q_of"),
        b=(" * mean[0].size", ""),
    ),
    _remade(
        "Q is asked about the middle of the policy, not about the chunk that was drawn.",
        "q_of(chunk): hers was right.",
        a=("q_of(chunk)", "q_of(jnp.tanh(mean))"),
    ),
    _remade(
        "The target is scaled with the batch, too.",
        "A chunk has H * A numbers: mean[0].size.",
        a=("mean[0].size", "mean.size"),
    ),
]

check_mended_policy_losses = Exercise(
    mended_policy_losses,
    _mended_expected,
    _mended_cases,
    _mended_misconceptions,
    parts=LOSSES[1:],
    insight="That was the cause: a log density is a sum over the whole chunk, and hers a mean over steps.",
    compiled=True,
    observe=_slopes_of_mended,
)
