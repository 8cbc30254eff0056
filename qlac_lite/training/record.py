"""What a run writes on its way: progress.csv, evaluations.csv, utilisation.csv, and its checkpoint."""

import time

import numpy as np
from gymnasium.vector.utils import create_empty_array
from tqdm import tqdm

from qlac_lite.data.replay import filled
from qlac_lite.training.evaluation import evaluate, make_evaluators
from qlac_lite.training.health import check_health, progress_rows
from qlac_lite.training.run_folder import Run
from qlac_lite.training.updates import Engine, Progress
from qlac_lite.utils.statistics import by_seed, success_interval
from qlac_lite.utils.stopwatch import Stopwatch


class Recorder:
    """Logs, evaluates and saves a run between the steps of its loop."""

    def __init__(self, run: Run, engine: Engine):
        self.run, self.config, self.engine = run, run.config, engine
        self.watch, self.evaluators = Stopwatch(), None
        self.success = ""  # of the newest evaluation, for the progress bar
        self.saved = self.logged = time.monotonic()
        self.saving = 0.0  # seconds that the last checkpoint took

    def close(self) -> None:
        if self.evaluators is not None:
            self.evaluators.close(terminate=True)

    def start_simulators(self) -> None:
        """Starts those of the evaluations; each makes a step, so that what it lacks shows before training."""
        self.evaluators = make_evaluators(self.config, self.run.data.get("env_args"))
        self.evaluators.reset(seed=[0] * self.evaluators.num_envs)
        action = create_empty_array(self.evaluators.single_action_space, self.evaluators.num_envs)
        self.evaluators.step(action | {"run": action["run"] + 1})
        self.saved = self.logged = time.monotonic()

    def save(self, progress: Progress, phase: str, step: int) -> None:
        begin = time.monotonic()
        replay = None if "collected" in self.run.data else filled(progress.replay)
        with self.watch("saving"):
            self.run.save_checkpoint(progress._replace(replay=replay), phase, step)
        self.saved = time.monotonic()
        self.saving = self.saved - begin

    def at_boundary(self, progress: Progress, phase: str, step: int, last: bool, bar: tqdm) -> Progress:
        """Logs; evaluates and saves where it is due, and at the `last` step of the phase."""
        config, at = self.config, {"phase": phase, "step": step}
        progress = self._log(progress, at)
        if last or step % config.evaluate_every == 0:
            self._evaluate(progress, at, bar)
        self.watch.add("loading", self.engine.stream.waited)
        self.engine.stream.waited = 0.0
        self.run.append("utilisation.csv", [at | self.watch.row()])
        pause = config.checkpoint_seconds and max(config.checkpoint_seconds, 20 * self.saving)
        if last or time.monotonic() - self.saved >= pause:
            self.save(progress, phase, step)
        return progress

    def _log(self, progress: Progress, at: dict) -> Progress:
        with self.watch("learning"):
            count = np.asarray(progress.count)
        if not count.any():
            return progress  # online, before the first update
        seconds, self.logged = time.monotonic() - self.logged, time.monotonic()
        rows = [at | row for row in progress_rows(self.config, progress.metrics, count, seconds)]
        check_health(self.run, rows)
        self.run.append("progress.csv", rows)
        return self.engine.forget_metrics(progress)

    def _evaluate(self, progress: Progress, at: dict, bar: tqdm) -> None:
        bar.set_postfix_str("evaluating ...")
        config, params = self.config, progress.state.params
        with self.watch("evaluating"):
            rows = evaluate(self.engine.actor, params, self.evaluators, config, config.evaluation_episodes)
        self.run.append("evaluations.csv", [at | row for row in rows])
        interval = success_interval(by_seed(rows).values())
        self.success = "success {:.0%} [{:.0%}, {:.0%}]".format(*interval)
        bar.set_postfix_str(self.success)
        self.logged = time.monotonic()
