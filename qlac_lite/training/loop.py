"""Training a run: an offline phase, then an online phase; killed at any moment, it can be resumed.

    offline   thousands of updates per compiled call; the chunks are sampled inside it
    online    act (a chunk for every seed) -> the simulators execute it, while the updates for the chunk
              before run -> its transitions join the replay

A run that is killed and resumed, however often, is the same run: it ends in the same parameters and replay,
bit for bit, on the same kind of machine. Random numbers follow from (seed, step), and the episodes in flight
are repeated with the actions that the replay holds. Every seed counts the environment steps that it has
executed: a chunk cut short by the end of its episode counts as many as it had, and brings as many updates. A
seed that is ahead waits for the others at each row of the log.
"""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from qlac_lite.agents.base import TRAINING
from qlac_lite.config import Config, get_task
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.load import load
from qlac_lite.data.replay import Transitions
from qlac_lite.data.shards import Shards, open_shards
from qlac_lite.training.collected import load_collected
from qlac_lite.training.collector import Collector
from qlac_lite.training.health import check_actions
from qlac_lite.training.record import Recorder
from qlac_lite.training.run_folder import Run, create_run
from qlac_lite.training.updates import Engine, Progress
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.machine import bar_seconds


def start_run(
    config: Config, data: Path, out: Path, resume: bool = False, collected: Path | None = None
) -> tuple[Run, Dataset | Shards]:
    """Loads and labels the data file, checks that it fits the configuration, then makes the run folder.

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
    """The run of that folder, trained to its end from wherever it stands.

    Raises QlacError as `start_run` does.
    """
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
    again = f"Go on from the last checkpoint with --resume ({run.folder})."
    with run.locked(wait):
        try:
            _Training(run, dataset, log).run_all()
        except KeyboardInterrupt:
            raise QlacError(f"Stopped. {again}") from None
        except (EOFError, ConnectionError) as error:
            raise QlacError(
                f"A simulator process died ({type(error).__name__}), perhaps for want of memory. {again}"
            ) from error
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise QlacError(
                f"The memory of the {jax.default_backend()} does not suffice for {run.config.seeds} seeds "
                f"of {run.config.online_steps:,} online transitions. Train fewer --seeds at a time; "
                "best of N needs less with --set candidate_block=4."
            ) from None


class _Training:
    """The two phases of one run."""

    def __init__(self, run: Run, dataset: Dataset | Shards, log: Callable[[str], None]):
        self.run, self.config, self.log = run, run.config, log
        self.task = get_task(self.config.task)
        domain = self.task.domain
        self.engine = Engine(self.config, dataset, domain.observation_size, domain.action_size)
        self.collected = None
        if "collected" in run.data:
            self.collected = self.engine.put(load_collected(Path(run.data["collected"]["run"]), run.config))
        self.record = Recorder(run, self.engine, saves_replay=self.collected is None)

    def run_all(self) -> None:
        try:
            progress, phase, step = self._restore()
            if phase == "done":
                self.log(f"{self.run.folder} is finished; nothing is left to train.")
                return
            if phase == "offline":
                progress, step = self._offline(progress, step), 0
            if self.config.online_steps > 0:
                progress = self._online(progress, step)
        finally:
            self.record.close()
            self.engine.stream.close()
        self.record.save(progress, "done", self.config.online_steps)

    def _restore(self) -> tuple[Progress, str, int]:
        fresh = self.engine.start(self.config.online_steps, self.task)
        if self.collected is not None:
            fresh = fresh._replace(replay=self.collected)
        if not self.run.checkpoint_path.exists():
            self.run.rewind("offline", -1)
            return fresh, "offline", 0
        like = fresh if self.collected is None else fresh._replace(replay=None)
        loaded, phase, step = self.run.load_checkpoint(like, partly="replay")
        if phase != "done":
            self.run.rewind(phase, step)
            self.log(f"Resuming {self.run.folder} at {phase} step {step:,}.")
        progress = self.engine.put(loaded)._replace(episodes=loaded.episodes, steps=loaded.steps)
        return progress if self.collected is None else progress._replace(replay=self.collected), phase, step

    # The two phases.

    def _offline(self, progress: Progress, step: int) -> Progress:
        total = self.config.offline_steps
        with self._bar("offline", step, total) as bar:
            while step < total:
                boundary = self._next_boundary(step, total)
                progress = self.engine.update(progress, step, boundary - step)
                bar.update(boundary - step)
                step = boundary
                progress = self.record.at_boundary(progress, "offline", step, step == total, bar)
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
                    progress = self.record.at_boundary(progress, "online", step, step == total, bar)
        finally:
            collector.close()
        return progress

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

    def _collect_and_learn(self, progress: Progress, collector: Collector, until: int, bar: tqdm) -> Progress:
        """Chunk by chunk, until every seed has executed `until` steps and made the updates that belong to
        them."""
        steps, new, finished = progress.steps, collector.no_transitions(), []
        while (steps < until).any():
            progress, chunks = self._store_and_act(progress, new, collector, steps)
            check_actions(chunks, steps)
            collector.step_async(chunks, steps < until)
            progress = self.engine.learn(progress, steps)
            with self.record.watch("simulating"):
                new, rows = collector.step_wait()
            steps = steps + new.length
            by_seed = dict(zip(self.config.seed_list, steps, strict=True))
            finished += [{"phase": "online", "step": int(by_seed[row["seed"]])} | row for row in rows]
            bar.update(min(until, int(steps.min())) - bar.n)
        self.run.append("episodes.csv", finished)
        replay = self.engine.append(progress.replay, self.engine.put(new))
        progress = self.engine.learn(progress._replace(replay=replay), steps)
        return progress._replace(episodes=collector.episodes)

    def _store_and_act(
        self, progress: Progress, new: Transitions, collector: Collector, steps: np.ndarray
    ) -> tuple[Progress, np.ndarray]:
        seen, episodes, decision = (
            array[:, None] for array in (collector.observation, collector.episodes, collector.decision)
        )
        inputs = (progress.state.params, seen, self.engine.seeds, TRAINING, episodes, decision)
        replay, chunks = self.engine.store_and_act(progress.replay, new, *inputs)
        with self.record.watch("learning"):  # the chunks follow from all updates so far
            chunks = np.asarray(chunks)[:, 0]
        if self.config.first_actions == "random":
            first = (steps < self.config.online_start)[:, None, None]
            chunks = np.where(first, collector.random_chunks(), chunks)
        return progress._replace(replay=replay), chunks

    def _next_boundary(self, step: int, total: int) -> int:
        """The next step at which to log or evaluate. It depends on the step alone, so a resumed run has the
        same ones."""
        after = lambda every: (step // every + 1) * every
        return min(after(self.config.log_every), after(self.config.evaluate_every), total)

    def _bar(self, phase: str, step: int, total: int) -> tqdm:
        return tqdm(
            desc=f"{self.config.method} {phase}",
            total=total,
            initial=step,
            unit="step",
            smoothing=0.05,
            mininterval=bar_seconds(),
            postfix=self.record.success,
        )
