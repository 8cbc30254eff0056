"""The world of lesson 02: a chain of 40 steps, recorded walks on it, and what learners make of them.

Shapes: S states, C chunks or actions, M windows, N starts.
"""

from collections.abc import Callable

import numpy as np

from qlac_lite.lessons import mdp
from qlac_lite.lessons.checks.lesson02 import credit_arrivals, fitted_q, window_targets
from qlac_lite.lessons.notebook import shorten
from qlac_lite.utils.errors import QlacError

LENGTH, DISCOUNT, H = 40, 0.97, 5
WORST = -1 / (1 - DISCOUNT)  # the return of paying for ever
CHAIN = mdp.chain(LENGTH, DISCOUNT)
TRUTH = mdp.optimal_q(CHAIN).max(axis=1)  # (S,)
LEARNERS = ("one-step", "n-step", "chunk")
SEEDS = range(shorten(8, fast=2))
LIMITS = dict(
    length=(1, 6), right=(0.55, 1), episodes=(3, 100), stride=(1, 6), keep=(0.05, 1), iterations=(1, 60)
)


def recorder(right: float) -> np.ndarray:
    """A behavior (S, 2) that goes right with this probability, and else left."""
    return np.tile([1 - right, right], (LENGTH + 1, 1))


def start_table(learner: str, length: int = H, value: float = WORST) -> np.ndarray:
    """A table (S, C) that holds `value` everywhere but at the goal, where nothing follows. QlacError for an
    unknown learner."""
    if learner not in LEARNERS:
        raise QlacError(f"The learner is {learner!r}. Write one of: {', '.join(map(repr, LEARNERS))}.")
    table = np.full((LENGTH + 1, 2**length if learner == "chunk" else 2), float(value))
    table[CHAIN.terminal] = 0.0
    return table


def swept(learner: str, sweeps: int, length: int = H, right: float = 0.7) -> np.ndarray:
    """max Q of every state (S,) after exact backups of the whole table, without data."""
    q, chunks = start_table(learner, length), mdp.chunked(CHAIN, length)
    for _ in range(sweeps):
        if learner == "n-step":
            q = mdp.n_step_backup(CHAIN, recorder(right), q, length)
        else:
            q = mdp.backup(chunks if learner == "chunk" else CHAIN, q)
    return q.max(axis=1)


def record(
    seed: int,
    learner: str = "chunk",
    right: float = 0.7,
    length: int = H,
    stride: int = 1,
    episodes: int | None = None,
    goes_on: bool = False,
) -> tuple[mdp.Windows, np.ndarray]:
    """Windows (M) of walks from state 0, of one step for "one-step", and the table entry (M,) of each: the
    first action, or for "chunk" its number. 200 walks if `episodes` is not given. With `goes_on` the
    recording ends a window less one step after the arrival."""
    episodes = episodes or shorten(200, fast=60)
    rng = np.random.default_rng(seed)
    walks = mdp.simulate(CHAIN, recorder(right), np.zeros(episodes, int), 160, rng)
    if goes_on:
        valid = walks.valid.copy()
        for later in range(1, length):
            valid[:, later:] |= walks.valid[:, :-later]
        walks = walks._replace(valid=valid)
    data = mdp.windows(CHAIN, walks, 1 if learner == "one-step" else length, stride)
    spelled = data.actions @ 2 ** np.arange(data.actions.shape[1])[::-1]
    return data, spelled if learner == "chunk" else data.actions[:, 0]


def pick(data: mdp.Windows, rows: np.ndarray) -> mdp.Windows:
    """Some windows of all, by number or as a mask."""
    return mdp.Windows(*(field[rows] for field in data))


def td_curve(targets: Callable, learner: str, seed: int, right: float) -> np.ndarray:
    """max Q(s_0) after every 20 updates on random batches of 64 windows, each a tenth of the way.

    `targets` has the arguments of `window_targets`.
    """
    data, entry = record(seed, learner, right)
    rng, q, curve = np.random.default_rng(seed + 1), start_table(learner), []
    for i in range(shorten(2000, fast=400)):
        rows = rng.integers(len(entry), size=64)
        state, cells = data.state[rows], entry[rows]
        fields = (field[rows] for field in (data.rewards, data.valid, data.mask))
        target, weight = targets(*fields, q[data.last_state[rows]], DISCOUNT, learner == "chunk")
        np.add.at(q, (state, cells), 0.1 * weight * (target - q[state, cells]))
        if i % 20 == 19:
            curve.append(q[0].max())
    return np.array(curve)


def td_curves(targets: Callable, right: float) -> dict[str, np.ndarray]:
    """`td_curve` of every learner: (R, points) each."""
    return {name: np.array([td_curve(targets, name, s, right) for s in SEEDS]) for name in LEARNERS}


def updates_needed(curves: np.ndarray) -> float:
    """Updates until curves (R, points) are within 2 % of the truth, the median; infinite for never."""
    near = np.abs(curves - TRUTH[0]) < 0.02 * abs(TRUTH[0])
    return float(np.median(np.where(near.any(axis=1), 20 * (1 + near.argmax(axis=1)), np.inf)))


def n_step_limit(n: int, right: float) -> float:
    """What an n-step learner believes of the start in the end, with data of a recorder."""
    return swept("n-step", 400, n, right)[0]


def fitted_to(targets: Callable, lowest: float = -150, goes_on: bool = False) -> np.ndarray:
    """A table (S, 32), at first `lowest`, by default below everything that comes out, fitted to whole chunks.

    `targets(rewards, mask, last_q, discount)` gives (M,), from (M, H), (M,) and (M, 32).
    """
    data, entry = record(seed=0, goes_on=goes_on)
    whole = data.valid[:, -1] == 1
    data, entry = pick(data, whole), entry[whole]

    def backup(last_q):
        return targets(data.rewards, data.mask, last_q, DISCOUNT), np.ones(len(entry))

    start = start_table("chunk", value=lowest)
    return fitted_q(data.state, entry, data.last_state, backup, start, 60)[0]


def replay_targets(rewards, mask, last_q, discount):
    """Targets (B,) of whole chunks, from rewards (B, H), mask (B,), last_q (B, C)."""
    batch, horizon = rewards.shape
    so_far = np.zeros((batch, horizon))
    total = np.zeros(batch)
    for k in range(horizon):
        total = total + discount**k * rewards[:, k]
        so_far[:, k] = total
    powers = discount ** np.arange(horizon)
    earned = np.sum(powers * so_far, axis=1)
    best = last_q.max(axis=1)
    later = discount**horizon * mask * best
    return earned + later


def critics(targets: Callable) -> dict[str, np.ndarray]:
    """Tables (S, 32) by title: one of `targets`, which has the arguments of `window_targets`; patient A, who
    adds up running sums; and B, who discounts the next chunk once."""

    def healthy(rewards, mask, last_q, discount):
        return targets(rewards, np.ones_like(rewards), mask, last_q, discount, True)[0]

    def plain_gamma(rewards, mask, last_q, discount):
        return healthy(rewards, mask * discount ** (1 - H), last_q, discount)

    by_title = {"healthy": healthy, "patient A": replay_targets, "patient B": plain_gamma}
    return {title: fitted_to(each) for title, each in by_title.items()}


def greedy_walks(q: np.ndarray, starts: np.ndarray, steps: int = 150) -> mdp.Trajectories:
    """The greedy policy of a table (S, C = 2^H) from `starts` (N,), chunk by chunk."""
    rng = np.random.default_rng(0)
    return mdp.simulate(CHAIN, mdp.greedy(q), starts, steps, rng, q.shape[1].bit_length() - 1)


def returns(q: np.ndarray) -> np.ndarray:
    """What the greedy policy of a table earns from each state before the goal: (LENGTH,)."""
    walks = greedy_walks(q, np.arange(LENGTH))
    return walks.rewards @ DISCOUNT ** np.arange(walks.rewards.shape[1])


def trial(
    seeds: np.ndarray,
    learner: str = "chunk",
    length: int = H,
    right: float = 0.7,
    episodes: int = 10,
    stride: int = 1,
    keep: float = 1.0,
    arrivals: bool = False,
    credit: bool = False,
    iterations: int = 60,
    report: str = "value",
) -> np.ndarray:
    """What fitted learners believe or earn, one number a seed: the run of lesson 02's experiment.

    Args:
        seeds: (R,) int.
        learner: "one-step", "n-step" or "chunk".
        length: steps of a window.
        right: how often the recorder goes right.
        episodes: recorded walks.
        stride: windows start at every `stride`-th step.
        keep: share of the windows that is kept, at random.
        arrivals: whether whole windows that end at the goal are all kept, whatever `stride` and `keep` say.
        credit: whether chunks that the goal cut are credited.
        iterations: of fitted Q iteration.
        report: "value", max Q at the start, or "return" of the greedy policy, a mean over all starts.

    Returns:
        (R,) in units of reward.

    Raises QlacError for an unknown learner or report, or a number outside of LIMITS.
    """
    numbers = dict(zip(LIMITS, (length, right, episodes, stride, keep, iterations), strict=True))
    for knob, value in numbers.items():
        if not LIMITS[knob][0] <= value <= LIMITS[knob][1]:
            raise QlacError(f"{knob} is {value}. Write a number from {LIMITS[knob][0]} to {LIMITS[knob][1]}.")
    if report not in ("value", "return"):
        raise QlacError(f"report is {report!r}. Write 'value' or 'return'.")
    results = []
    for seed in seeds:
        data, entry = record(int(seed), learner, right, length, 1, episodes)
        kept = data.offset % stride == 0
        if keep < 1:
            kept &= np.random.default_rng([int(seed), 1]).random(len(kept)) < keep
        if arrivals:
            kept |= (data.mask == 0) & (data.valid[:, -1] == 1)
        data, entry = pick(data, kept), entry[kept]
        rows, entries = np.arange(len(entry)), entry
        if learner == "chunk" and credit:
            rows, entries = credit_arrivals(data.actions, data.valid, data.mask, 2)
        part, whole_only = pick(data, rows), learner == "chunk" and not credit

        def backup(last_q, part=part, whole_only=whole_only):
            return window_targets(part.rewards, part.valid, part.mask, last_q, DISCOUNT, whole_only)

        table = start_table(learner, length)
        q, _ = fitted_q(part.state, entries, part.last_state, backup, table, iterations)
        results.append(q[0].max() if report == "value" else returns(q).mean())
    return np.array(results)
