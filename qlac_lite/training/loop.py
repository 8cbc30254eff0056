"""Training a run: an offline phase, then an online phase; killed at any moment, it can be resumed.

    offline   thousands of updates per compiled call; the chunks are sampled inside it
    online    overlapped: act (a chunk for every seed) -> the simulators execute it,
              while the updates for the chunk before run -> its transitions join the replay
              alternating: act -> the simulators execute it -> its transitions join the replay
              -> the updates for it

A run that is killed and resumed, however often, is the same run: it ends in the same parameters and replay,
bit for bit, on the same kind of machine. Random numbers follow from (seed, step); and the episodes in flight
are flown again with the actions that the replay holds. Every seed counts the environment steps that it has
executed: a chunk cut short by the end of its episode counts as many as it had, and brings as many updates. A
seed that is ahead waits for the others at each row of the log.
"""

import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from qlac_lite.agents.base import TRAINING
from qlac_lite.config import Config, get_method, get_task
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.load import load
from qlac_lite.data.replay import Replay, Transitions, empty_replays, filled
from qlac_lite.data.shards import Shards, open_shards
from qlac_lite.training.collector import Collector
from qlac_lite.training.evaluation import evaluate, make_evaluators
from qlac_lite.training.run_folder import Run, create_run, open_run
from qlac_lite.training.updates import Engine, Progress
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.machine import Stopwatch, bar_seconds
from qlac_lite.utils.statistics import success_interval


def start_run(
    config: Config, data: Path, out: Path, resume: bool = False, collected: Path | None = None
) -> tuple[Run, Dataset | Shards]:
    """Loads and labels the data file, checks that it fits the configuration,
    and only then makes the run folder.

    Args:
        data: the file, or the folder of its shards.
        collected: a finished run with as many seeds, of which each seed's online transitions join the data.

    Raises:
        QlacError: what is wrong with the file, the folder, or the two together.
    """
    opened = open_shards if data.is_dir() else load
    dataset, summary = opened(data, get_task(config.task), config.start_stride, config.offline_reward)
    check_horizon(summary["episode_length"][1], config.span)
    summary = {"path": str(data)} | summary
    if collected is not None:
        if config.online_steps:
            raise QlacError("With collected transitions there is no online phase: set --online-steps 0.")
        counts = np.asarray(load_collected(collected, config).data.num_starts).tolist()
        summary["collected"] = {"run": str(collected), "transitions": counts}
    return create_run(out, config, summary, resume), dataset


def finish_run(
    config: Config,
    data: Path,
    folder: Path,
    collected: Path | None = None,
    log: Callable[[str], None] = print,
) -> Run:
    """The run of that folder at its end: begun, or gone on with, as far as is needed.
    Raises QlacError as `start_run` does."""
    run, dataset = start_run(config, data, folder, (folder / "run.json").exists(), collected)
    train(run, dataset, log)
    return run


def train(run: Run, dataset: Dataset | Shards, log: Callable[[str], None] = print, wait: float = 0.0) -> None:
    """Trains `run` from its newest checkpoint, or from the start, to the end of its online phase.

    Args:
        wait: seconds to wait for another process that holds the run, because it may be dying.

    Raises:
        QlacError: another process trains this run, chunks do not fit the episodes, the memory does not
            suffice, the loss is not finite or Q diverges (the last good checkpoint is kept), or the disk
            cannot be written.
    """
    with run.locked(wait):
        try:
            _Training(run, dataset, log).run_all()
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise QlacError(
                f"The memory of the {jax.default_backend()} does not suffice for {run.config.seeds} seeds "
                f"of {run.config.online_steps:,} online transitions. Train fewer --seeds at a time; "
                "best of N needs less with --set candidate_block=4."
            ) from None


class _Training:
    """The two phases of one run, and the boundaries at which it logs, evaluates and saves."""

    def __init__(self, run: Run, dataset: Dataset | Shards, log: Callable[[str], None]):
        self.run, self.config, self.log = run, run.config, log
        self.task = get_task(self.config.task)
        self.engine = Engine(
            self.config, dataset, self.task.domain.observation_size, self.task.domain.action_size
        )
        self.evaluators = None
        self.collected = (
            load_collected(Path(run.data["collected"]["run"]), run.config)
            if "collected" in run.data
            else None
        )
        self.success = "-"
        self.watch = Stopwatch()
        self.saved = self.logged = time.monotonic()
        self.saving = 0.0  # seconds that the last checkpoint took

    def run_all(self) -> None:
        try:
            progress, phase, step = self._restore()
            if phase == "done":
                self.log(f"{self.run.folder} is finished; nothing is left to train.")
                return
            if phase == "offline":
                progress = self._offline(progress, step)
                phase, step = "online", 0
            if self.config.online_steps > 0:
                progress = self._online(progress, step)
        except KeyboardInterrupt:
            raise QlacError(
                f"Stopped. Go on from the last checkpoint with --resume ({self.run.folder})."
            ) from None
        except (EOFError, ConnectionError) as error:
            raise QlacError(
                f"A simulator process died ({type(error).__name__}), perhaps for want of memory. "
                f"Go on from the last checkpoint with --resume ({self.run.folder})."
            ) from error
        finally:
            if self.evaluators is not None:
                self.evaluators.close(terminate=True)
            self.watch.close()
            self.engine.stream.close()
        self._save(progress, "done", self.config.online_steps)

    def _save(self, progress: Progress, phase: str, step: int) -> None:
        begin = time.monotonic()
        replay = (
            None if self.collected is not None else filled(progress.replay)
        )  # what was collected its own run holds
        with self.watch("saving"):
            self.run.save_checkpoint(progress._replace(replay=replay), phase, step)
        self.saved = time.monotonic()
        self.saving = self.saved - begin

    def _restore(self) -> tuple[Progress, str, int]:
        progress = self.engine.start(self.config.online_steps, self.task)
        if self.collected is not None:
            progress = progress._replace(replay=self.engine.put(self.collected))
        if not self.run.checkpoint_path.exists():
            self.run.rewind("offline", -1)
            return progress, "offline", 0
        like = progress if self.collected is None else progress._replace(replay=None)
        loaded, phase, step = self.run.load_checkpoint(like)
        if phase != "done":
            self.run.rewind(phase, step)
            self.log(f"Resuming {self.run.folder} at {phase} step {step:,}.")
        loaded = self.engine.put(loaded)._replace(episodes=loaded.episodes, steps=loaded.steps)
        return (loaded if self.collected is None else loaded._replace(replay=progress.replay)), phase, step

    # The two phases.

    def _offline(self, progress: Progress, step: int) -> Progress:
        total = self.config.offline_steps
        with self._bar("offline", step, total) as bar:
            while step < total:
                boundary = self._next_boundary(step, total)
                progress = self.engine.update(progress, step, boundary - step)
                bar.update(boundary - step)
                step = boundary
                progress = self._at_boundary(progress, "offline", step, total, bar)
        return progress

    def _online(self, progress: Progress, step: int) -> Progress:
        total = self.config.online_steps
        collector = Collector(self.config, self.run.data.get("env_args"))
        try:
            progress = self._begin_episodes(collector, progress, step)
            with self._bar("online", step, total) as bar:
                while step < total:
                    step = self._next_boundary(step, total)
                    progress = self._collect_and_learn(progress, collector, step, bar)
                    progress = self._at_boundary(progress, "online", step, total, bar)
        finally:
            collector.close()
        return progress

    def _collect_and_learn(self, progress: Progress, collector: Collector, until: int, bar: tqdm) -> Progress:
        """Chunk by chunk, until every seed has executed `until` steps and made the updates that belong to
        them."""
        steps, new, finished = progress.steps, collector.no_transitions(), []
        while (steps < until).any():
            progress, chunks = self._store_and_act(progress, new, collector, steps)
            if not np.isfinite(chunks).all():  # a chunk of NaN would rest for ever
                raise QlacError(
                    f"The policy's actions are not finite by online step {int(steps.min()):,}: it diverged. "
                    "Try a smaller --set learning_rate=1e-4 in a new folder."
                )
            collector.step_async(
                np.where((steps < until)[:, None, None], chunks, np.nan)
            )  # a seed that is there rests
            if self.config.order == "overlapped":
                progress = self.engine.learn(progress, steps)
            with self.watch("simulating"):
                new, rows = collector.step_wait()
            steps = steps + new.length
            if self.config.order == "alternating":
                progress, new = (
                    self.engine.learn(self._store(progress, new), steps),
                    collector.no_transitions(),
                )
            by_seed = dict(zip(self.config.seed_list, steps, strict=True))
            finished += [{"phase": "online", "step": int(by_seed[row["seed"]])} | row for row in rows]
            bar.update(min(until, int(steps.min())) - bar.n)
        self.run.append("episodes.csv", finished)
        return self.engine.learn(self._store(progress, new), steps)._replace(episodes=collector.episodes)

    def _begin_episodes(self, collector: Collector, progress: Progress, step: int) -> Progress:
        """The first episodes; or, on a resume, those in flight, where they were."""
        if step == 0:
            collector.begin(progress.episodes + 1)
        elif not collector.replay_actions(progress.replay, progress.episodes):
            self.log(
                "The simulators do not repeat the episodes in flight to the bit on this machine: "
                "they end here, and new ones begin."
            )
            progress = progress._replace(replay=self.engine.close(progress.replay))
        return progress._replace(episodes=collector.episodes)

    def _store(self, progress: Progress, new: Transitions) -> Progress:
        return progress._replace(replay=self.engine.append(progress.replay, self.engine.put(new)))

    def _store_and_act(
        self, progress: Progress, new: Transitions, collector: Collector, steps: np.ndarray
    ) -> tuple[Progress, np.ndarray]:
        inputs = (
            collector.observation[:, None],
            self.engine.seeds,
            TRAINING,
            collector.episodes[:, None],
            collector.decision[:, None],
        )
        replay, chunks = self.engine.store_and_act(progress.replay, new, progress.state.params, *inputs)
        with self.watch("learning"):  # the chunks follow from all updates so far
            chunks = np.asarray(chunks)[:, 0]
        if self.config.first_actions == "random":
            chunks = np.where(
                (steps < self.config.online_start)[:, None, None], collector.random_chunks(), chunks
            )
        return progress._replace(replay=replay), chunks

    # Boundaries.

    def _next_boundary(self, step: int, total: int) -> int:
        """The next step at which to log or evaluate.
        It depends on the step alone, so a resumed run has the same ones."""
        after = lambda every: (step // every + 1) * every
        return min(after(self.config.log_every), after(self.config.evaluate_every), total)

    def _at_boundary(self, progress: Progress, phase: str, step: int, total: int, bar: tqdm) -> Progress:
        progress = self._log(progress, phase, step)
        if step == total or step % self.config.evaluate_every == 0:
            self._evaluate(progress, phase, step, bar)
        self.watch.add("loading", self.engine.stream.waited)
        self.engine.stream.waited = 0.0
        self.run.append("utilisation.csv", [{"phase": phase, "step": step} | self.watch.row()])
        pause = self.config.checkpoint_seconds and max(
            self.config.checkpoint_seconds, 20 * self.saving
        )  # at most 5 % of the time
        if step == total or time.monotonic() - self.saved >= pause:
            self._save(progress, phase, step)
        return progress

    def _log(self, progress: Progress, phase: str, step: int) -> Progress:
        with self.watch("learning"):
            metrics = {name: np.asarray(value) for name, value in progress.metrics.items()}
        count = metrics.pop("count")
        if not count.any():
            return progress  # online, before the first update
        seconds, self.logged = time.monotonic() - self.logged, time.monotonic()
        q_floor = self.task.reward_min / (1 - self.config.discount)
        rows = []
        for s, seed in enumerate(self.config.seed_list):
            means = {
                name: float(v[s] if name.endswith(("_max", "_min")) else v[s] / count[s])
                for name, v in metrics.items()
            }
            rows.append(
                dict(phase=phase, step=step, seed=seed, updates_per_second=float(count[s] / seconds), **means)
            )
            self._check_health(means, seed, phase, step, q_floor)
            if "q_max" in means:  # rewards are at most 0, so no policy's value is above 0 or below q_floor
                rows[-1] |= dict(q_theoretical_max=0.0, q_theoretical_min=q_floor)
        self.run.append("progress.csv", rows)
        return progress._replace(metrics=self.engine.no_metrics())

    def _check_health(
        self, means: dict[str, float], seed: int, phase: str, step: int, q_floor: float
    ) -> None:
        bad = [name for name, value in means.items() if not np.isfinite(value)]
        kept = (
            f"{self.run.checkpoint_path} holds the last good state"
            if self.run.checkpoint_path.exists()
            else "No checkpoint had been written yet"
        )
        larger = " or a larger alpha," if get_method(self.run.config.method).learner == "fql" else ""
        advice = f"Try a smaller --set learning_rate=1e-4,{larger} in a new folder."
        if bad:
            raise QlacError(
                f"Seed {seed}: {', '.join(bad)} not finite by {phase} step {step:,}. {kept}. {advice}"
            )
        if max(abs(means.get("q_max", 0)), abs(means.get("q_min", 0))) > 100 * abs(q_floor):
            raise QlacError(
                f"Seed {seed}: Q reached {means['q_min']:.3g} .. {means['q_max']:.3g} by {phase} step "
                f"{step:,}, far outside [{q_floor:.3g}, 0]: it diverges. {kept}. {advice}"
            )

    def _evaluate(self, progress: Progress, phase: str, step: int, bar: tqdm) -> None:
        bar.set_postfix_str("evaluating ...")
        if self.evaluators is None:
            self.evaluators = make_evaluators(self.config, self.run.data.get("env_args"))
        with self.watch("evaluating"):
            rows = evaluate(
                self.engine.actor,
                progress.state.params,
                self.evaluators,
                self.config,
                self.config.evaluation_episodes,
            )
        self.run.append("evaluations.csv", [{"phase": phase, "step": step} | row for row in rows])
        by_seed = [
            np.array([row["success"] for row in rows if row["seed"] == seed])
            for seed in self.config.seed_list
        ]
        self.success = "success {:.0%} [{:.0%}, {:.0%}]".format(*success_interval(by_seed))
        bar.set_postfix_str(self.success)
        self.logged = time.monotonic()

    def _bar(self, phase: str, step: int, total: int) -> tqdm:
        bar = tqdm(
            total=total,
            initial=step,
            unit="step",
            desc=f"{self.config.method} {phase}",
            smoothing=0.05,
            mininterval=bar_seconds(),
        )
        if self.success != "-":
            bar.set_postfix_str(self.success)
        return bar


def load_collected(folder: Path, config: Config) -> Replay:
    """The online transitions of a finished run, with a leading axis over its seeds,
    for a run of `config` to learn from.

    Raises:
        QlacError: the run is of another task or other seeds, is not finished, or has no online phase.
    """
    run = open_run(folder)
    if (run.config.task, run.config.seed_list) != (config.task, config.seed_list):
        raise QlacError(
            f"{folder} collected on {run.config.task} with the seeds {list(run.config.seed_list)}, but this "
            f"run is of {config.task} with {list(config.seed_list)}: "
            "each seed learns from what the same seed collected."
        )
    missing = QlacError(
        f"{folder} holds no finished online phase. Let it collect: "
        f"qlac train ... --set updates_per_step=0 --out {folder}, with --resume if it was stopped."
    )
    if run.config.online_steps == 0:
        raise missing
    like = empty_replays(run.config, run.config.online_steps, get_task(config.task))
    loaded, phase, _ = run.load_checkpoint(Progress(None, {}, like, None, None))
    if phase != "done":
        raise missing
    return loaded.replay
