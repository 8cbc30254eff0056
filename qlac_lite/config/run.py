"""The configuration of a run. The defaults are the paper's (arXiv 2507.07969, section 5 and appendix C);
presets, methods and tasks replace some in `config.presets.make_config`.
"""

import dataclasses
import fractions
import math
from typing import Any, NamedTuple

from qlac_lite.config.methods import get_method
from qlac_lite.config.tasks import get_task
from qlac_lite.utils.errors import QlacError


class Range(NamedTuple):
    """The values from `low` to `high`, without the `excluded` ends."""

    low: float
    high: float = math.inf
    excluded: tuple[float, ...] = ()

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high and value not in self.excluded

    def __str__(self) -> str:
        low, high = f"{self.low:,}", f"{self.high:,}"
        if self.high == math.inf:
            return f"at least {low}"
        if not self.excluded:
            return f"between {low} and {high}"
        low = f"above {low}" if self.low in self.excluded else f"at least {low}"
        return f"{low} and below {high}" if self.high in self.excluded else f"{low} and at most {high}"


def _setting(default: Any, about: str, allowed: Range | list[str] | None = None) -> Any:
    """A field of Config: what `qlac train --help` says of it, and the values that it may have."""
    wanted = str(allowed)
    if isinstance(allowed, list):
        wanted = " or ".join(allowed)
        about += f" ({wanted})"
    return dataclasses.field(default=default, metadata=dict(about=about, allowed=allowed, wanted=wanted))


_FROM_0, _COUNT, _STEPS, _SHARE = Range(0), Range(1), Range(0, 10**9), Range(0, 1, excluded=(0, 1))
_RATE, _ACTORS, _PRECISIONS = Range(0, 1, excluded=(0,)), ["policy", "random"], ["float32", "bfloat16"]


@dataclasses.dataclass(frozen=True)
class Config:
    """All that decides a run's outcome, apart from its data file."""

    task: str
    method: str
    preset: str
    seeds: int = _setting(4, "runs trained side by side in one compiled program", Range(1, 1024))
    first_seed: int = _setting(0, "the seeds are this one and the next ones", _FROM_0)
    offline_steps: int = _setting(1_000_000, "gradient steps on the dataset alone", _STEPS)
    online_steps: int = _setting(1_000_000, "environment steps after that", _STEPS)
    # The learner.
    horizon: int = _setting(5, "H, chunk length, or n of an n-step return", Range(1, 1000))
    policy_horizon: int = _setting(0, "chunk length of the policy; 0: the critic's", Range(0, 1000))
    discount: float = _setting(0.99, "of one step", _SHARE)
    stride: int = _setting(1, "chunks start at every row, or (H) at multiples of H in their episode", _COUNT)
    batch_size: int = _setting(256, "B, chunks", _COUNT)
    hidden: tuple[int, ...] = _setting((512, 512, 512, 512), "sizes of the hidden layers")
    learning_rate: float = _setting(3e-4, "Adam's", _SHARE)
    target_rate: float = _setting(0.005, "weight of the new parameters in the target critic", _RATE)
    critics: int = _setting(2, "E, of the ensemble", _COUNT)
    target: str = _setting("mean", "what the target critics' values are reduced to", ["mean", "min"])
    expectile: float = _setting(0.8, "of the partial critic, where the policy's chunk is shorter", _SHARE)
    flow_steps: int = _setting(10, "K, Euler steps", _COUNT)
    alpha: float = _setting(300.0, "weight of the distillation loss (FQL family)", Range(0, 10**6))
    candidates: int = _setting(32, "N, samples of which the best acts (BFN family)", Range(1, 4096))
    candidate_block: int = _setting(0, "samples made at once, if memory is short; 0: all N", _FROM_0)
    # Success in bfloat16: 2 [-2, 5] points more (QC-FQL), -1 [-8, 6] (QC). Not faster on CPUs; not measured
    # on GPUs (results/README.md).
    sampling_precision: str = _setting("float32", "of the flow sampled without gradient", _PRECISIONS)
    entropy_target: float = _setting(-0.5, "nats per action dimension (RLPD family)", Range(-100, 100))
    initial_temperature: float = _setting(
        1.0, "weight of the entropy, before it is learned (RLPD family)", Range(0, 1000, (0,))
    )
    bc_weight: float = _setting(0.0, "of the behavior cloning loss (RLPD family)", _FROM_0)
    offline_reward: str = _setting(
        "next", "labels of OGBench's data: of s_{t+1}, or of s_t as published", ["next", "current"]
    )
    shard_steps: int = _setting(1000, "gradient steps on a shard of the data before the next", _COUNT)
    # Online.
    updates_per_step: float = _setting(
        1.0, "gradient steps per environment step; 0 only collects", Range(0, 1000)
    )
    offline_share: float = _setting(
        0.0, "of an online batch, from the data; 0: data and replay together, by size", Range(0, 1, (1,))
    )
    execute: int = _setting(0, "actions of each chunk before the policy looks again; 0: all", _FROM_0)
    # One more than the data's transitions, if these are more.
    replay_capacity: int = _setting(2_000_000, "newest chunks drawn from, data and online; 0: all", _FROM_0)
    online_shards: str = _setting("last", "which of the data's shards serve online", ["last", "rotating"])
    # The run.
    online_start: int = _setting(5000, "environment steps before the first online gradient step", _FROM_0)
    first_actions: str = _setting("policy", "who acts until then; random: uniform in [-1, 1]", _ACTORS)
    log_every: int = _setting(5000, "steps between rows of progress.csv", _COUNT)
    evaluate_every: int = _setting(100_000, "steps between evaluations; each phase ends with one", _COUNT)
    evaluation_episodes: int = _setting(50, "of each seed", _COUNT)
    checkpoint_seconds: float = _setting(
        60.0, "between checkpoints, or 20 times what one takes; 0: at each log", _FROM_0
    )

    def __post_init__(self):
        get_task(self.task)
        for name, field in SETTINGS.items():
            allowed = field.metadata["allowed"]
            self._require(name, not allowed or getattr(self, name) in allowed, field.metadata["wanted"])
        self._require("first_seed", self.first_seed + self.seeds <= 2**32, "so that all seeds are below 2^32")
        self._require("hidden", self.hidden and min(self.hidden) >= 1, "one or more sizes of at least 1")
        fits = not self.policy_horizon or get_method(self.method).decouples
        self._require("policy_horizon", fits, f"0 for {self.method}, whose policy has the critic's chunk")
        wanted = f"between 0 and the chunk length ({self.chunk_length})"
        if self.chunk_length == 1:
            wanted = f"0 or 1 for {self.method}, which acts in single actions"
        self._require("execute", self.execute <= self.chunk_length, wanted)
        divides = self.candidates % (self.candidate_block or 1) == 0
        self._require("candidate_block", divides, f"0, or a divisor of the candidates ({self.candidates})")
        self._require("stride", self.stride in (1, self.horizon), f"1 or the horizon ({self.horizon})")

    def _require(self, name: str, holds: Any, wanted: str) -> None:
        if not holds:
            option = f"--{name.replace('_', '-')} VALUE" if name in OPTIONS else f"--set {name}=VALUE"
            raise QlacError(f"{name} is {getattr(self, name)}, but has to be {wanted}. Set it with {option}.")

    @property
    def backup_length(self) -> int:
        """Steps to the state that a critic target bootstraps from."""
        return 1 if get_method(self.method).backup == "one-step" else self.horizon

    @property
    def critic_length(self) -> int:
        """Actions in an input of the critic."""
        return self.horizon if get_method(self.method).backup == "chunk" else 1

    @property
    def chunk_length(self) -> int:
        """Actions in a decision of the policy."""
        return self.policy_horizon or self.critic_length

    @property
    def span(self) -> int:
        """Steps of a training chunk."""
        return max(self.backup_length, self.chunk_length)

    @property
    def execution_length(self) -> int:
        """Actions executed of each decision."""
        return self.execute or self.chunk_length

    @property
    def reach(self) -> int:
        """Steps of a chunk in the replay; a run that only collects keeps enough for any method."""
        return self.span if self.updates_per_step else max(self.span, self.horizon)

    def updates_due(self, steps):
        """Online gradient steps due after `steps` of a seed in its environment."""
        rate = fractions.Fraction(self.updates_per_step).limit_denominator(1000)
        return (steps > self.online_start) * (steps - self.online_start) * rate.numerator // rate.denominator

    @property
    def start_stride(self) -> int:
        """Rows between two starts of chunks in an episode."""
        return 1 if self.stride == 1 else self.backup_length

    @property
    def seed_list(self) -> range:
        return range(self.first_seed, self.first_seed + self.seeds)


SETTINGS = {field.name: field for field in dataclasses.fields(Config) if field.metadata}
OPTIONS = "seeds", "offline_steps", "online_steps"  # those with an option of their own in `qlac train`
