"""Rows of progress.csv from a run's metrics, and the checks that stop a run which has diverged."""

from typing import Any

import numpy as np

from qlac_lite.agents.base import Metrics
from qlac_lite.config import Config, get_method, get_task
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError

RETRY = "Try a smaller --set learning_rate=1e-4"
Rows = list[dict[str, Any]]


def q_floor(config: Config) -> float:
    """The least value of any policy: the smallest reward for ever. The largest is 0."""
    return get_task(config.task).reward_min / (1 - config.discount)


def progress_rows(config: Config, metrics: Metrics, count: np.ndarray, seconds: float) -> Rows:
    """A row for each seed, over `count` (seeds,) updates that took `seconds`."""
    has_critic = get_method(config.method).critic
    bounds = {"q_theoretical_max": 0.0, "q_theoretical_min": q_floor(config)} if has_critic else {}
    return [
        {"seed": seed, "updates_per_second": float(count[s] / seconds)}
        | {name: float(sums[s] / count[s]) for name, sums in metrics.mean.items()}
        | {name: float(ends[s]) for name, ends in (metrics.max | metrics.min).items()}
        | bounds
        for s, seed in enumerate(config.seed_list)
    ]


def check_health(run: Run, rows: Rows) -> None:
    """Raises QlacError if a metric is not finite, or Q is far outside what any policy's value can be."""
    method, floor, path = get_method(run.config.method), q_floor(run.config), run.checkpoint_path
    kept = f"{path} holds the last good state" if path.exists() else "No checkpoint had been written yet"
    larger = " or a larger alpha," if "alpha" in method.tuned else ""
    advice = f"{kept}. {RETRY},{larger} in a new folder."
    for row in rows:
        seed, where = f"Seed {row['seed']}:", f"by {row['phase']} step {row['step']:,}"
        bad = [name for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)]
        if bad:
            raise QlacError(f"{seed} {', '.join(bad)} not finite {where}. {advice}")
        if method.critic and max(abs(row["q_max"]), abs(row["q_min"])) > 100 * abs(floor):
            ends, outside = f"{row['q_min']:.3g} .. {row['q_max']:.3g}", f"far outside [{floor:.3g}, 0]"
            raise QlacError(f"{seed} Q reached {ends} {where}, {outside}: it diverges. {advice}")


def check_actions(chunks: np.ndarray, step: int) -> None:
    """Raises QlacError if the chunks (seeds, H, A) of the policy at an online step are not finite."""
    if not np.isfinite(chunks).all():
        raise QlacError(
            f"The policy's actions are not finite by online step {step:,}: it diverged. "
            f"{RETRY} in a new folder."
        )
