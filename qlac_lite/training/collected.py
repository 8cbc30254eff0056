"""What one run collected online, for another run to learn from: the D1 / D5 experiment."""

from pathlib import Path

from qlac_lite.config import Config, get_task
from qlac_lite.data.replay import Replay, empty_replays
from qlac_lite.training.run_folder import open_run
from qlac_lite.training.updates import Progress
from qlac_lite.utils.errors import QlacError


def load_collected(folder: Path, config: Config) -> Replay:
    """The online transitions of a finished run, with a leading axis over its seeds, for a run of `config`.

    Raises QlacError if task or seeds differ, or its online phase is not finished.
    """
    run, task, seeds = open_run(folder), config.task, list(config.seed_list)
    steps, theirs = run.config.online_steps, list(run.config.seed_list)
    if (run.config.task, theirs) != (task, seeds):
        raise QlacError(
            f"{folder} collected on {run.config.task} with the seeds {theirs}, but this run is of {task} "
            f"with {seeds}: each seed learns from what the same seed collected."
        )
    if not steps or run.status()[0] != "done":
        raise QlacError(
            f"{folder} holds no finished online phase. Let it collect: "
            f"qlac train ... --set updates_per_step=0 --out {folder}, with --resume if it was stopped."
        )
    room = empty_replays(run.config, steps, get_task(task))
    return run.load_checkpoint(Progress(replay=room))[0].replay
