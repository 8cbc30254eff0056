"""What a run writes on its way: progress.csv, evaluations.csv, utilisation.csv, and its checkpoint."""

import time

import numpy as np
from tqdm import tqdm

from qlac_lite.data.replay import filled
from qlac_lite.training.evaluation import evaluate, make_evaluators
from qlac_lite.training.health import check_health, progress_rows
from qlac_lite.training.run_folder import Run
from qlac_lite.training.updates import Engine, Progress
from qlac_lite.utils.machine import Stopwatch
from qlac_lite.utils.statistics import success_interval


class Recorder:
    """Logs, evaluates and saves one run at the boundaries of its loop.

    Args:
        saves_replay: not where another run collected it: then it is in that run's checkpoint.
    """

    def __init__(self, run: Run, engine: Engine, saves_replay: bool):
        self.run, self.config, self.engine, self.saves_replay = run, run.config, engine, saves_replay
        self.success = ""  # of the newest evaluation, for the progress bar
        self.watch = Stopwatch()
        self.evaluators = None
        self.saved = self.logged = time.monotonic()
        self.saving = 0.0  # seconds that the last checkpoint took

    def close(self) -> None:
        if self.evaluators is not None:
            self.evaluators.close(terminate=True)

    def save(self, progress: Progress, phase: str, step: int) -> None:
        begin = time.monotonic()
        replay = filled(progress.replay) if self.saves_replay else None
        with self.watch("saving"):
            self.run.save_checkpoint(progress._replace(replay=replay), phase, step)
        self.saved = time.monotonic()
        self.saving = self.saved - begin

    def at_boundary(self, progress: Progress, phase: str, step: int, last: bool, bar: tqdm) -> Progress:
        """Logs at every boundary; evaluates and saves at the `last` one and when it is due."""
        progress = self._log(progress, phase, step)
        if last or step % self.config.evaluate_every == 0:
            self._evaluate(progress, phase, step, bar)
        self.watch.add("loading", self.engine.stream.waited)
        self.engine.stream.waited = 0.0
        self.run.append("utilisation.csv", [{"phase": phase, "step": step} | self.watch.row()])
        pause = self.config.checkpoint_seconds and max(self.config.checkpoint_seconds, 20 * self.saving)
        if last or time.monotonic() - self.saved >= pause:  # saving takes 5 % of the time at most
            self.save(progress, phase, step)
        return progress

    def _log(self, progress: Progress, phase: str, step: int) -> Progress:
        with self.watch("learning"):
            count = np.asarray(progress.count)
        if not count.any():
            return progress  # online, before the first update
        seconds, self.logged = time.monotonic() - self.logged, time.monotonic()
        at = {"phase": phase, "step": step}
        rows = [at | row for row in progress_rows(self.config, progress.metrics, count, seconds)]
        check_health(self.run, rows)
        self.run.append("progress.csv", rows)
        return self.engine.forget_metrics(progress)

    def _evaluate(self, progress: Progress, phase: str, step: int, bar: tqdm) -> None:
        bar.set_postfix_str("evaluating ...")
        if self.evaluators is None:
            self.evaluators = make_evaluators(self.config, self.run.data.get("env_args"))
        episodes = self.config.evaluation_episodes
        with self.watch("evaluating"):
            rows = evaluate(self.engine.actor, progress.state.params, self.evaluators, self.config, episodes)
        self.run.append("evaluations.csv", [{"phase": phase, "step": step} | row for row in rows])
        seeds = self.config.seed_list
        by_seed = [np.array([row["success"] for row in rows if row["seed"] == seed]) for seed in seeds]
        self.success = "success {:.0%} [{:.0%}, {:.0%}]".format(*success_interval(by_seed))
        bar.set_postfix_str(self.success)
        self.logged = time.monotonic()
