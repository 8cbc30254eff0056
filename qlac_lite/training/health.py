"""Rows of progress.csv from a run's metrics, and the checks that stop a run which has diverged."""

from typing import Any

import numpy as np

from qlac_lite.agents.base import Metrics
from qlac_lite.config import Config, get_method, get_task
from qlac_lite.training.run_folder import Run
from qlac_lite.utils.errors import QlacError


def q_floor(config: Config) -> float:
    """The least value that any policy has: the smallest reward for ever. The largest is 0."""
    return get_task(config.task).reward_min / (1 - config.discount)


def progress_rows(
    config: Config, metrics: Metrics, count: np.ndarray, seconds: float
) -> list[dict[str, Any]]:
    """A row for each seed: metrics over the `count` (seeds,) updates since the last row, and their speed."""
    rows = []
    for s, seed in enumerate(config.seed_list):
        values = {name: float(sums[s] / count[s]) for name, sums in metrics.mean.items()}
        values |= {name: float(ends[s]) for name, ends in (metrics.max | metrics.min).items()}
        row = {"seed": seed, "updates_per_second": float(count[s] / seconds)} | values
        if get_method(config.method).critic:
            row |= {"q_theoretical_max": 0.0, "q_theoretical_min": q_floor(config)}
        rows.append(row)
    return rows


def check_health(run: Run, rows: list[dict[str, Any]]) -> None:
    """Raises QlacError if a metric is not finite, or Q is far outside what any policy's value can be."""
    method, floor = get_method(run.config.method), q_floor(run.config)
    kept = f"{run.checkpoint_path} holds the last good state"
    if not run.checkpoint_path.exists():
        kept = "No checkpoint had been written yet"
    larger = " or a larger alpha," if "alpha" in method.tuned else ""
    advice = f"{kept}. Try a smaller --set learning_rate=1e-4,{larger} in a new folder."
    for row in rows:
        where = f"by {row['phase']} step {row['step']:,}"
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        if bad := [name for name, value in numbers.items() if not np.isfinite(value)]:
            raise QlacError(f"Seed {row['seed']}: {', '.join(bad)} not finite {where}. {advice}")
        if method.critic and max(abs(row["q_max"]), abs(row["q_min"])) > 100 * abs(floor):
            raise QlacError(
                f"Seed {row['seed']}: Q reached {row['q_min']:.3g} .. {row['q_max']:.3g} {where}, "
                f"far outside [{floor:.3g}, 0]: it diverges. {advice}"
            )


def check_actions(chunks: np.ndarray, steps: np.ndarray) -> None:
    """Raises QlacError if chunks (seeds, H, A) that the policy gave after `steps` (seeds,) are not finite."""
    if not np.isfinite(chunks).all():
        raise QlacError(
            f"The policy's actions are not finite by online step {int(steps.min()):,}: it diverged. "
            "Try a smaller --set learning_rate=1e-4 in a new folder."
        )
