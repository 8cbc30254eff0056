"""Training a run: an offline phase, then an online phase.

    offline   thousands of updates per compiled call; the chunks are sampled inside it
    online    act (a chunk for every seed) -> the simulators execute it, while the updates for the chunk
              before run -> the new chunk's transitions join the replay

A run that is killed and resumed is the same run to the bit, on the same kind of machine: random numbers
follow from (seed, step), and episodes in flight are repeated with the actions that the replay holds. A seed
counts the steps that it has executed, and makes the updates for them; one that is ahead waits for the others
at each log row.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from qlac_lite.config import Config, get_task
from qlac_lite.config.tasks import Task
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.load import load
from qlac_lite.data.shards import Shards, open_shards
from qlac_lite.training.collected import load_collected
from qlac_lite.training.collector import Collector
from qlac_lite.training.health import check_actions
from qlac_lite.training.record import Recorder
from qlac_lite.training.run_folder import Run, create_run, find_run
from qlac_lite.training.updates import Engine, Progress
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import remove_unfinished
from qlac_lite.utils.stopwatch import bar_seconds

Log = Callable[[str], None]


def start_run(
    config: Config, data: Path, out: Path, resume: bool = False, collected: Path | None = None
) -> tuple[Run, Dataset | Shards]:
    """The run folder `out`, new or to `resume`, and the labelled data: a file, or a folder of shards.

    `collected` is a finished run with the same seeds; each seed's online transitions join the data.
    Raises QlacError if the file, the folder, or the two together do not fit.
    """
    find_run(out, config, resume)  # before minutes of reading
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
    config: Config, data: Path, folder: Path, collected: Path | None = None, log: Log = print
) -> Run:
    """The run of that folder, made by `start_run` if need be, and trained to its end."""
    run, dataset = start_run(config, data, folder, (folder / "run.json").exists(), collected)
    train(run, dataset, log)
    return run


def train(run: Run, dataset: Dataset | Shards, log: Log = print, wait: float = 0.0) -> None:
    """Trains `run` to its end, from its newest checkpoint if it has one.

    Waits for `wait` seconds if another process holds the run, because that may be dying.

    Raises:
        QlacError: another process trains it, a simulator died, memory or disk are full, or it diverges. The
            last good checkpoint is kept.
    """
    with run.locked(wait):
        remove_unfinished(run.checkpoint_path)
        try:
            _Training(run, dataset, log).run_all()
        except KeyboardInterrupt:
            raise QlacError(f"Stopped. {_again(run)}") from None
        except (EOFError, ConnectionError) as error:
            died = f"A simulator process died ({type(error).__name__}), perhaps for want of memory."
            raise QlacError(f"{died} {_again(run)}") from error
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise QlacError(
                f"The memory of the {jax.default_backend()} does not suffice for {run.config.seeds} seeds "
                f"of {run.config.online_steps:,} online transitions. Train fewer --seeds at a time; "
                "best of N needs less with --set candidate_block=4."
            ) from None


def _again(run: Run) -> str:
    if run.checkpoint_path.exists():
        return f"Go on from the last checkpoint with --resume ({run.folder})."
    return f"There is no checkpoint yet, so --resume begins anew ({run.folder})."


def _no_success(task: Task) -> str:
    told = "every reward is -1" if task.reward_min == -1 else "rewards tell only how many objects are right"
    remedy = f"More episodes may hold some: qlac data {task.domain.dataset} --source generate --episodes N."
    return f"The data hold no success of {task.name}: {told}. {remedy}"


class _Training:
    """The two phases of one run."""

    def __init__(self, run: Run, dataset: Dataset | Shards, log: Log):
        self.run, self.config, self.log = run, run.config, log
        domain = get_task(run.config.task).domain
        self.engine = Engine(run.config, dataset, domain.observation_size, domain.action_size)
        self.record, self.fixed = Recorder(run, self.engine), {}
        if "collected" in run.data:  # the replay is another run's, and in no checkpoint of this one
            collected = load_collected(Path(run.data["collected"]["run"]), run.config)
            self.fixed = {"replay": self.engine.put(collected)}

    def run_all(self) -> None:
        try:
            progress, phase, step = self._restore()
            if phase == "done":
                self.log(f"{self.run.folder} is finished; nothing is left to train.")
                return
            self.record.start_simulators()
            if phase == "offline":
                progress, step = self._phase("offline", progress, step), 0
            if self.config.online_steps > 0:
                progress = self._online(progress, step)
            self.record.save(progress, "done", self.config.online_steps)
        finally:
            self.record.close()
            self.engine.stream.close()

    def _restore(self) -> tuple[Progress, str, int]:
        fresh = self.engine.start(self.config.online_steps, get_task(self.config.task))
        if not self.run.checkpoint_path.exists():
            if not any(self.run.data.get("solved", {}).get(self.config.task, [1])):
                self.log(_no_success(get_task(self.config.task)))
            self.run.rewind("offline", -1)
            return fresh._replace(**self.fixed), "offline", 0
        loaded, phase, step = self.run.load_checkpoint(fresh._replace(**dict.fromkeys(self.fixed)))
        if phase != "done":
            self.run.rewind(phase, step)
            self.log(f"Resuming {self.run.folder} at {phase} step {step:,}.")
        on_host = dict(episodes=loaded.episodes, steps=loaded.steps)
        return self.engine.put(loaded)._replace(**on_host, **self.fixed), phase, step

    def _phase(
        self, name: str, progress: Progress, step: int, collector: Collector | None = None
    ) -> Progress:
        config, total = self.config, getattr(self.config, f"{name}_steps")
        style = dict(unit="step", smoothing=0.05, mininterval=bar_seconds(), postfix=self.record.success)
        after = lambda every: (step // every + 1) * every  # the same boundaries after a resume
        with tqdm(desc=f"{config.method} {name}", total=total, initial=step, **style) as bar:
            while step < total:
                until = min(after(config.log_every), after(config.evaluate_every), total)
                if collector is None:
                    progress = self.engine.update(progress, step, until - step)
                else:
                    progress = self._collect_and_learn(progress, collector, until, bar)
                bar.update(until - bar.n)
                step = until
                progress = self.record.at_boundary(progress, name, step, step == total, bar)
        return progress

    def _online(self, progress: Progress, step: int) -> Progress:
        with contextlib.closing(Collector(self.config, self.run.data.get("env_args"))) as collector:
            if step == 0:
                collector.begin(progress.episodes + 1)
            elif not collector.replay_actions(progress.replay, progress.episodes):
                self.log(
                    "The simulators do not repeat the episodes in flight to the bit on this machine: "
                    "they end here, and new ones begin."
                )
                progress = progress._replace(replay=self.engine.close(progress.replay))
            progress = progress._replace(episodes=collector.episodes)
            return self._phase("online", progress, step, collector)

    def _collect_and_learn(self, progress: Progress, collector: Collector, until: int, bar: tqdm) -> Progress:
        """Chunk by chunk, until every seed has executed `until` steps and made the updates for them."""
        config, steps, finished = self.config, progress.steps, []
        while (steps < until).any():
            chunks = self.engine.actor(progress.state.params, *collector.inputs())
            with self.record.watch("learning"):  # reading the chunks waits for all updates so far
                chunks = np.asarray(chunks)[:, 0]  # (seeds, H, A)
            if config.first_actions == "random":
                first = (steps < config.online_start)[:, None, None]
                chunks = np.where(first, collector.random_chunks(), chunks)
            check_actions(chunks, int(steps.min()))
            collector.step_async(chunks, steps < until)
            progress = self.engine.learn(progress, steps)
            with self.record.watch("simulating"):
                new, rows = collector.step_wait()
            progress = progress._replace(replay=self.engine.append(progress.replay, new))
            steps = steps + new.length
            for row in rows:
                executed = int(steps[row["seed"] - config.first_seed])
                finished.append({"phase": "online", "step": executed} | row)
            bar.update(min(until, int(steps.min())) - bar.n)
        self.run.append("episodes.csv", finished)
        return self.engine.learn(progress, steps)._replace(episodes=collector.episodes)
