"""What one run collected online, for another run to learn from: the D1 / D5 experiment."""

from pathlib import Path

from qlac_lite.config import Config, get_task
from qlac_lite.data.replay import Replay, empty_replays
from qlac_lite.training.run_folder import open_run
from qlac_lite.training.updates import Progress
from qlac_lite.utils.errors import QlacError


def load_collected(folder: Path, config: Config) -> Replay:
    """The online transitions of a finished run, with a leading axis over its seeds, for a run of `config`.

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
    room = empty_replays(run.config, run.config.online_steps, get_task(config.task))
    like = Progress(*[None] * 6)._replace(replay=room)
    loaded, phase, _ = run.load_checkpoint(like, partly="replay")
    if phase != "done":
        raise missing
    return loaded.replay
