"""A run's whole configuration, and the two presets.

`lite` is minutes on two CPU cores; `full` is the paper's protocol (arXiv 2507.07969, section 5 and appendix
C). Both run the same code.
"""

import dataclasses
import fractions
import typing

from qlac_lite.config.methods import get_method
from qlac_lite.config.tasks import get_task
from qlac_lite.utils.errors import QlacError, unknown

CHOICES = {
    "order": ("overlapped", "alternating"),
    "sampling_precision": ("float32", "bfloat16"),
    "target": ("mean", "min"),
    "offline_reward": ("next", "current"),
    "first_actions": ("policy", "random"),
    "online_shards": ("last", "rotating"),
}
OPTIONS = ("seeds", "offline_steps", "online_steps")  # fields with an option of their own on the command line


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides a run's outcome, apart from its data file.

    `make_config` fills the fields from a preset and the task's row of the table in `config/tasks.py`.
    """

    task: str
    method: str
    preset: str
    seeds: int = 4  # runs trained side by side in one compiled program
    first_seed: int = 0  # the seeds are first_seed, first_seed + 1, ...
    offline_steps: int = 1_000_000  # gradient steps on the dataset alone
    online_steps: int = 1_000_000  # environment steps after that, one gradient step each
    # The learner.
    horizon: int = 5  # H: chunk length, or n of an n-step return
    # actions of the policy's chunk, where it is not the critic's (FQL and BFN families); 0: the critic's
    policy_horizon: int = 0
    discount: float = 0.99
    stride: int = 1  # chunks start at every row (1), or only at multiples of it in their episode
    batch_size: int = 256  # B
    hidden: tuple[int, ...] = (512, 512, 512, 512)
    learning_rate: float = 3e-4
    target_rate: float = 0.005  # weight of the new parameters in the target critic's moving average
    critics: int = 2  # E
    target: str = "mean"  # or "min": what the critics' bootstrap values are reduced to
    # of the regression that values the policy's chunk where it is shorter than the critic's; 0.5: the mean
    expectile: float = 0.8
    flow_steps: int = 10  # K, Euler steps
    alpha: float = 300.0  # weight of the distillation loss (FQL family)
    candidates: int = 32  # N, samples of which the best acts (BFN family)
    candidate_block: int = 0  # samples of the N that are made at once, if memory is short; 0: all
    sampling_precision: str = (
        "float32"  # or "bfloat16": of the flow where it is sampled and no gradient flows
    )
    entropy_target: float = (
        -0.5
    )  # nats per action dimension that the temperature holds the policy at (RLPD family)
    initial_temperature: float = 1.0  # weight of the entropy at the start; then it is learned (RLPD family)
    bc_weight: float = 0.0  # weight of the behavior cloning loss (RLPD family)
    # OGBench's data are labelled with the reward and mask of s_{t+1}; "current": of s_t, as published
    offline_reward: str = "next"
    shard_steps: int = 1000  # gradient steps on a shard before the next, where the data come in shards
    # Online.
    updates_per_step: float = 1.0  # gradient steps per environment step; 0 only collects
    offline_share: float = (
        0.0  # of an online batch, drawn from the dataset; 0: from dataset and replay together, by size
    )
    execute: int = 0  # actions executed of each chunk before the policy looks again; 0: all
    # transitions drawn from, or one more than the data if larger: online ones displace the oldest; 0: all
    replay_capacity: int = 2_000_000
    # online, data in shards stay at the offline phase's last one; or "rotating": they go on changing
    online_shards: str = "last"
    # The run.
    online_start: int = 5000  # environment steps before the first online gradient step
    first_actions: str = "policy"  # who acts until then; or "random": uniform in [-1, 1]
    # the updates for a chunk run while the simulators execute the next; or "alternating": before it
    order: str = "overlapped"
    log_every: int = 5000  # steps between two rows of progress.csv
    evaluate_every: int = 100_000  # steps between evaluations; both phases also end with one
    evaluation_episodes: int = 50  # per seed
    checkpoint_seconds: float = (
        60.0  # between checkpoints, or 20 times what one takes if that is longer; 0: at each log
    )

    def __post_init__(self):
        get_task(self.task)
        get_method(self.method)
        for name in (
            "seeds",
            "horizon",
            "stride",
            "batch_size",
            "critics",
            "flow_steps",
            "candidates",
            "shard_steps",
            "log_every",
            "evaluate_every",
            "evaluation_episodes",
        ):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in (
            "offline_steps",
            "online_steps",
            "online_start",
            "first_seed",
            "checkpoint_seconds",
            "replay_capacity",
        ):
            self._require(name, getattr(self, name) >= 0, "at least 0")
        self._require("seeds", self.seeds <= 1024, "at most 1024")
        self._require("first_seed", self.first_seed + self.seeds <= 2**32, "so that all seeds are below 2^32")
        for name in ("offline_steps", "online_steps"):
            self._require(name, getattr(self, name) <= 10**9, "at most 1,000,000,000")
        self._require("horizon", self.horizon <= 1000, "at most 1000")
        self._require("policy_horizon", 0 <= self.policy_horizon <= 1000, "between 0 and 1000")
        if get_method(self.method).learner not in ("fql", "best_of_n"):
            self._require(
                "policy_horizon",
                self.policy_horizon == 0,
                f"0 for {self.method}, whose policy has the critic's chunk",
            )
        self._require("expectile", 0 < self.expectile < 1, "between 0 and 1, both excluded")
        self._require("alpha", 0 <= self.alpha <= 1e6, "between 0 and 1,000,000")
        self._require("candidates", self.candidates <= 4096, "at most 4096")
        self._require("discount", 0 < self.discount < 1, "between 0 and 1, both excluded")
        self._require("target_rate", 0 < self.target_rate <= 1, "above 0 and at most 1")
        self._require("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1")
        self._require(
            "hidden", len(self.hidden) >= 1 and min(self.hidden) >= 1, "one or more sizes of at least 1"
        )
        self._require("offline_share", 0 <= self.offline_share < 1, "at least 0 and below 1")
        self._require("bc_weight", self.bc_weight >= 0, "at least 0")
        self._require("initial_temperature", 0 < self.initial_temperature <= 1e3, "above 0 and at most 1000")
        self._require("entropy_target", abs(self.entropy_target) <= 100, "between -100 and 100")
        length = self.chunk_length
        range_ = (
            f"between 0 and the chunk length ({length})"
            if length > 1
            else f"0 or 1 for {self.method}, which acts in single actions"
        )
        self._require("execute", 0 <= self.execute <= length, range_)
        for name, choices in CHOICES.items():
            self._require(name, getattr(self, name) in choices, " or ".join(choices))
        block = self.candidate_block
        self._require(
            "candidate_block",
            block == 0 or (block > 0 and self.candidates % block == 0),
            f"0, or a divisor of the candidates ({self.candidates})",
        )
        self._require("updates_per_step", 0 <= self.updates_per_step <= 1000, "between 0 and 1000")
        self._require("stride", self.stride in (1, self.horizon), f"1 or the horizon ({self.horizon})")

    def _require(self, name: str, holds: bool, range_: str) -> None:
        if not holds:
            option = f"--{name.replace('_', '-')} VALUE" if name in OPTIONS else f"--set {name}=VALUE"
            raise QlacError(f"{name} is {getattr(self, name)}, but has to be {range_}. Set it with {option}.")

    @property
    def backup_length(self) -> int:
        """Steps between a state and the one its critic target bootstraps from: 1, or the horizon."""
        return 1 if get_method(self.method).backup == "one-step" else self.horizon

    @property
    def critic_length(self) -> int:
        """Actions per input of the critic: the horizon, or 1."""
        return self.horizon if get_method(self.method).backup == "chunk" else 1

    @property
    def chunk_length(self) -> int:
        """Actions per decision of the policy: as many as the critic takes, or `policy_horizon`."""
        return self.policy_horizon or self.critic_length

    @property
    def span(self) -> int:
        """Steps of a training chunk: what the backup spans, or the policy's chunk if that is longer."""
        return max(self.backup_length, self.chunk_length)

    @property
    def execution_length(self) -> int:
        """Actions executed per decision: the whole chunk, or its first `execute`."""
        return self.execute or self.chunk_length

    @property
    def reach(self) -> int:
        """Steps of an online episode that must be known before a chunk may start there: the span; or, where
        nobody learns yet, the horizon if it is longer, so that any method can learn from it later."""
        return self.span if self.updates_per_step else max(self.span, self.horizon)

    def updates_due(self, steps):
        """Online gradient steps that belong to so many environment steps of a seed;
        a whole number, or an array of them."""
        rate = fractions.Fraction(self.updates_per_step).limit_denominator(1000)
        return (steps > self.online_start) * (steps - self.online_start) * rate.numerator // rate.denominator

    @property
    def start_stride(self) -> int:
        """Rows between two starts of chunks in an episode: 1, or the length of the backup."""
        return 1 if self.stride == 1 else self.backup_length

    @property
    def seed_list(self) -> range:
        return range(self.first_seed, self.first_seed + self.seeds)


# What `lite` changes. The same for every method; chosen on cube-single so that two cores finish in minutes.
LITE_PRESET = dict(
    seeds=4,
    offline_steps=8_000,
    online_steps=6_000,
    batch_size=128,
    hidden=(128, 128),
    alpha=100.0,
    candidates=8,
    flow_steps=5,
    online_start=0,
    log_every=1000,
    evaluate_every=8_000,
    evaluation_episodes=15,
)
PRESETS = ("lite", "full")


def make_config(task: str, method: str, preset: str = "lite", **changes) -> Config:
    """Preset, then the task's own settings (`full` only), then `changes`.

    Raises:
        QlacError: unknown task, method, preset or field, or a value out of range.
    """
    domain, backup, settings = get_task(task).domain, get_method(method).backup, get_method(method).settings
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS, "qlac train --help")
    if preset == "lite":
        values = LITE_PRESET | domain.lite
    elif domain.suite == "lite":
        raise QlacError(f"{task} is the course's own small world: it has no full preset. Take --preset lite.")
    else:
        values = (
            dict(alpha=domain.alpha[backup], candidates=domain.candidates if backup == "chunk" else 4)
            | domain.full
        )
    known = {field.name for field in dataclasses.fields(Config)} - {"task", "method", "preset"}
    for name in changes:
        if name not in known:
            raise unknown("field", name, sorted(known), "qlac train --help")
    return Config(task=task, method=method, preset=preset, **{**values, **settings, **changes})


def parse_settings(settings: list[str]) -> dict[str, typing.Any]:
    """`field=value` words, as `--set` takes them, to typed values: 'hidden=128,128', 'alpha=30'.

    Raises:
        QlacError: not of that form, no such field, or a value of the wrong type.
    """
    types = typing.get_type_hints(Config)
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise QlacError(f"--set takes field=value, got {setting!r}. For example: --set alpha=30")
        if name not in types or name in ("task", "method", "preset"):
            raise unknown(
                "field",
                name,
                [n for n in types if n not in ("task", "method", "preset")],
                "qlac train --help",
            )
        try:
            if types[name] in (int, float, str):
                values[name] = types[name](text)
            else:
                values[name] = tuple(int(part) for part in text.split(","))
        except ValueError:
            wanted = {int: "an integer", float: "a number"}.get(types[name], "integers with commas between")
            raise QlacError(f"--set {setting}: {name} takes {wanted}.") from None
    return values
