"""Training a run: an offline phase, then an online phase; killed at any moment, it can be resumed.

    offline   thousands of updates per compiled call; the chunks are sampled inside it
    online    act (a chunk for every seed) -> the simulators execute it while as many updates run on the data up to the
              chunk before -> its transitions join the replay; one update per environment step

A run that is killed and resumed offline ends in the same parameters, bit for bit. Online, the episodes in flight begin anew;
their transitions are kept. A chunk cut short by the end of its episode still counts as H steps.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from qlac_lite.agents import make_learner
from qlac_lite.chunks import Dataset, Replay, Transitions, check_horizon
from qlac_lite.config import Config
from qlac_lite.data.ogbench import load
from qlac_lite.engine import Engine, Progress, empty_replays
from qlac_lite.errors import QlacError
from qlac_lite.evaluation import ACTING_AXES, TRAINING, acting, episode_seed, evaluate, success_interval
from qlac_lite.runs import Run, create_run, open_run
from qlac_lite.tasks import get_task


def start_run(config: Config, data: Path, out: Path, resume: bool = False, collected: Path | None = None) -> tuple[Run, Dataset]:
    """Loads and labels the data file, checks that it fits the configuration, and only then makes the run folder.

    Args:
        collected: a finished run with as many seeds, of which each seed's online transitions join the data.

    Raises:
        QlacError: what is wrong with the file, the folder, or the two together.
    """
    dataset, summary = load(data, get_task(config.task), config.start_stride)
    check_horizon(dataset, config.backup_length)
    summary = {"path": str(data)} | summary
    if collected is not None:
        if config.online_steps:
            raise QlacError("With collected transitions there is no online phase: set --online-steps 0.")
        counts = np.asarray(load_collected(collected, config).data.num_starts).tolist()
        summary["collected"] = {"run": str(collected), "transitions": counts}
    return create_run(out, config, summary, resume), dataset


def train(run: Run, dataset: Dataset, log: Callable[[str], None] = print) -> None:
    """Trains `run` from its newest checkpoint, or from the start, to the end of its online phase.

    Raises:
        QlacError: chunks do not fit the episodes, the loss is not finite or Q diverges (the last good checkpoint is
        kept), or the disk cannot be written.
    """
    _Training(run, dataset, log).run_all()


class _Training:
    """The two phases of one run, and the boundaries at which it logs, evaluates and saves."""

    def __init__(self, run: Run, dataset: Dataset, log: Callable[[str], None]):
        self.run, self.config, self.log = run, run.config, log
        self.task = get_task(self.config.task)
        self.engine = Engine(self.config, dataset, dataset.observations.shape[1], dataset.actions.shape[1])
        self.evaluators = None
        self.collected = load_collected(Path(run.data["collected"]["run"]), run.config) if "collected" in run.data else None
        self.success = "-"
        self.saved = self.logged = time.monotonic()

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
        except MemoryError:
            raise QlacError(f"The memory does not suffice for {self.config.seeds} seeds of {self.config.online_steps:,} online transitions. Train fewer --seeds at a time.") from None  # fmt: skip
        except KeyboardInterrupt:
            raise QlacError(f"Stopped. Go on from the last checkpoint with --resume ({self.run.folder}).") from None
        except (EOFError, ConnectionError) as error:
            raise QlacError(f"A simulator process died ({type(error).__name__}), perhaps for want of memory. Go on from the last checkpoint with --resume ({self.run.folder}).") from error  # fmt: skip
        finally:
            if self.evaluators is not None:
                self.evaluators.close(terminate=True)
        self._save(progress, "done", self.config.online_steps)

    def _save(self, progress: Progress, phase: str, step: int) -> None:
        kept = progress if self.collected is None else progress._replace(replay=None)  # which its own run holds
        self.run.save_checkpoint(kept, phase, step)
        self.saved = time.monotonic()

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
        loaded = self.engine.put(loaded)._replace(episodes=loaded.episodes)
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
        from qlac_lite.envs.simulators import make_vector_env

        config, engine = self.config, self.engine
        first, updates = config.offline_steps, config.updates_per_decision
        size, total = config.execution_length, -(-config.online_steps // config.execution_length) * config.execution_length
        environments = make_vector_env(self.task.name, config.seeds, size, config.discount)
        try:
            progress = progress._replace(replay=engine.close(progress.replay), episodes=progress.episodes + 1)
            decision = np.zeros(config.seeds, int)
            length, returns = np.zeros(config.seeds, int), np.zeros(config.seeds)
            observation, _ = environments.reset(seed=self._episode_seeds(progress))
            new, finished = self._nothing(observation), []
            with self._bar("online", step, total) as bar:
                while step < total:
                    progress, chunks = self._store_and_act(progress, new, observation, decision)
                    environments.step_async(chunks)
                    if step >= config.online_start:
                        progress = engine.update(progress, first + step // size * updates, updates)
                    observation, _, terminated, truncated, info = environments.step_wait()
                    new = _transitions(info, terminated, truncated)
                    step += size
                    decision += 1
                    length += info["length"]
                    returns += info["rewards"].sum(axis=1)
                    ended = terminated | truncated
                    for s in np.flatnonzero(ended):
                        row = {"phase": "online", "step": step, "seed": config.seed_list[s]}
                        outcome = {"success": int(info["success"][s]), "return": float(returns[s]), "length": int(length[s])}
                        finished.append(row | outcome)
                    if ended.any():
                        progress = progress._replace(episodes=progress.episodes + ended)
                        seeds = [seed if e else None for seed, e in zip(self._episode_seeds(progress), ended, strict=True)]
                        observation, _ = environments.reset(seed=seeds, options={"reset_mask": ended})
                        decision[ended], length[ended], returns[ended] = 0, 0, 0.0
                    bar.update(size)
                    if step == total or self._next_boundary(step - size, total) <= step:
                        progress = progress._replace(replay=engine.append(progress.replay, engine.put(new)))
                        new = self._nothing(observation)
                        self.run.append("episodes.csv", finished)
                        finished.clear()
                        progress = self._at_boundary(progress, "online", step, total, bar, size)
        finally:
            environments.close(terminate=True)
        return progress

    def _store_and_act(self, progress: Progress, new: Transitions, observation: np.ndarray, decision: np.ndarray):
        replay, chunks = self.engine.store_and_act(
            progress.replay,
            new,
            progress.state.params,
            observation[:, None],
            self.engine.seeds,
            TRAINING,
            progress.episodes[:, None],
            decision[:, None],
        )
        return progress._replace(replay=replay), np.asarray(chunks)[:, 0]

    def _nothing(self, observation: np.ndarray) -> Transitions:
        """A chunk of no steps: it only writes the current observation where it stands already."""
        count, size, action_size = self.config.seeds, self.config.execution_length, self.task.domain.action_size
        no = np.zeros(count, bool)
        observations = np.repeat(observation[:, None], size + 1, axis=1)
        actions, rewards = np.zeros((count, size, action_size), np.float32), np.zeros((count, size), np.float32)
        return Transitions(observations, actions, rewards, np.zeros(count, np.int32), no, no)

    def _episode_seeds(self, progress: Progress) -> list[int]:
        pairs = zip(self.config.seed_list, progress.episodes, strict=True)
        return [episode_seed(seed, TRAINING, int(episode)) for seed, episode in pairs]

    # Boundaries.

    def _next_boundary(self, step: int, total: int) -> int:
        """The next step at which to log or evaluate. It depends on the step alone, so a resumed run has the same ones."""
        after = lambda every: (step // every + 1) * every
        return min(after(self.config.log_every), after(self.config.evaluate_every), total)

    def _at_boundary(self, progress: Progress, phase: str, step: int, total: int, bar: tqdm, size: int = 1) -> Progress:
        every = self.config.evaluate_every
        progress = self._log(progress, phase, step)
        if step == total or step // every > (step - size) // every:
            self._evaluate(progress, phase, step, bar)
        if step == total or time.monotonic() - self.saved >= self.config.checkpoint_seconds:
            self._save(progress, phase, step)
        return progress

    def _log(self, progress: Progress, phase: str, step: int) -> Progress:
        metrics = {name: np.asarray(value) for name, value in progress.metrics.items()}
        count = metrics.pop("count")
        if not count.any():
            return progress  # online, before the first update
        seconds, self.logged = time.monotonic() - self.logged, time.monotonic()
        q_floor = self.task.reward_min / (1 - self.config.discount)
        rows = []
        for s, seed in enumerate(self.config.seed_list):
            means = {name: float(v[s] if name.endswith(("_max", "_min")) else v[s] / count[s]) for name, v in metrics.items()}
            rows.append(dict(phase=phase, step=step, seed=seed, updates_per_second=float(count[s] / seconds), **means))
            self._check_health(means, seed, phase, step, q_floor)
            if "q_max" in means:  # rewards are at most 0, so no policy's value is above 0 or below q_floor
                rows[-1] |= dict(q_theoretical_max=0.0, q_theoretical_min=q_floor)
        self.run.append("progress.csv", rows)
        return progress._replace(metrics=self.engine.no_metrics())

    def _check_health(self, means: dict[str, float], seed: int, phase: str, step: int, q_floor: float) -> None:
        bad = [name for name, value in means.items() if not np.isfinite(value)]
        kept = f"{self.run.checkpoint_path} holds the last good state" if self.run.checkpoint_path.exists() else "No checkpoint had been written yet"  # fmt: skip
        advice = "Try a smaller --set learning_rate=1e-4, or a larger alpha, in a new folder."
        if bad:
            raise QlacError(f"Seed {seed}: {', '.join(bad)} not finite by {phase} step {step:,}. {kept}. {advice}")
        if max(abs(means.get("q_max", 0)), abs(means.get("q_min", 0))) > 100 * abs(q_floor):
            raise QlacError(f"Seed {seed}: Q reached {means['q_min']:.3g} .. {means['q_max']:.3g} by {phase} step {step:,}, far outside [{q_floor:.3g}, 0]: it diverges. {kept}. {advice}")  # fmt: skip

    def _evaluate(self, progress: Progress, phase: str, step: int, bar: tqdm) -> None:
        bar.set_postfix_str("evaluating ...")
        if self.evaluators is None:
            self.evaluators = make_evaluators(self.config)
        rows = evaluate(self.engine.actor, progress.state.params, self.evaluators, self.config, self.config.evaluation_episodes)
        self.run.append("evaluations.csv", [{"phase": phase, "step": step} | row for row in rows])
        by_seed = [np.array([row["success"] for row in rows if row["seed"] == seed]) for seed in self.config.seed_list]
        self.success = "success {:.0%} [{:.0%}, {:.0%}]".format(*success_interval(by_seed))
        bar.set_postfix_str(self.success)
        self.logged = time.monotonic()

    def _bar(self, phase: str, step: int, total: int) -> tqdm:
        bar = tqdm(total=total, initial=step, unit="step", desc=f"{self.config.method} {phase}", smoothing=0.05)
        if self.success != "-":
            bar.set_postfix_str(self.success)
        return bar


def _transitions(info: dict[str, np.ndarray], terminated: np.ndarray, truncated: np.ndarray) -> Transitions:
    length = info["length"].astype(np.int32)
    return Transitions(info["observations"], info["actions"], info["rewards"], length, terminated, truncated)


def make_evaluators(config: Config):
    """Vector environment for evaluation: about two simulators a core, at least one a seed, in equal numbers a seed."""
    from qlac_lite.envs.simulators import make_vector_env

    per_seed = max(1, min(config.evaluation_episodes, round(2 * (os.cpu_count() or 1) / config.seeds)))
    return make_vector_env(config.task, config.seeds * per_seed, config.execution_length, config.discount)


def load_policies(run: Run) -> tuple[Any, Config, str, int]:
    """The policies of a run's newest checkpoint: compiled actor and parameters, and the phase and step they are from."""
    config = run.config
    domain = get_task(config.task).domain
    learner = make_learner(config, domain.observation_size, domain.action_size)
    like = jax.eval_shape(jax.vmap(learner.init), jax.random.split(jax.random.key(0), config.seeds))
    loaded, phase, step = run.load_checkpoint(Progress(like, {}, None, None))
    axes = tuple(0 if axis == "s" else None for axis in ACTING_AXES)
    return (jax.jit(jax.vmap(acting(learner), in_axes=axes)), loaded.state.params), config, phase, step


def load_collected(folder: Path, config: Config) -> Replay:
    """The online transitions of a finished run, with a leading axis over its seeds, for a run of `config` to learn from.

    Raises:
        QlacError: the run is of another task or other seeds, is not finished, or has no online phase.
    """
    run = open_run(folder)
    if (run.config.task, run.config.seed_list) != (config.task, config.seed_list):
        raise QlacError(f"{folder} collected on {run.config.task} with the seeds {list(run.config.seed_list)}, but this run is of {config.task} with {list(config.seed_list)}: each seed learns from what the same seed collected.")  # fmt: skip
    missing = QlacError(f"{folder} holds no finished online phase. Let it collect: qlac train ... --set updates_per_step=0 --out {folder}, with --resume if it was stopped.")  # fmt: skip
    if run.config.online_steps == 0:
        raise missing
    like = empty_replays(run.config, run.config.online_steps, get_task(config.task))
    loaded, phase, _ = run.load_checkpoint(Progress(None, {}, like, None))
    if phase != "done":
        raise missing
    return loaded.replay
