"""What `qlac data --verify` says of a file."""

from pathlib import Path

from qlac_lite.config.tasks import get_domain, get_task, task_names
from qlac_lite.data import load
from qlac_lite.data.fetch import at_least
from qlac_lite.data.records import describe


def verify_file(file: Path, name: str | None, replay: int | None) -> None:
    """Checks a file against the dataset or task `name`, and replays so many demonstrations of robomimic's."""
    at_least(1, replay=replay)
    domain = name and get_domain(name)
    content, held = load.read(file, domain)
    print(f"{file} is sound: {describe(held)}")
    if domain and name != domain.dataset:
        tasks = [get_task(name)]
    else:  # a sparse task has the goals of its dense twin
        tasks = [get_task(each) for each in task_names() if "-sparse-" not in each]
        tasks = [task for task in tasks if task.domain.name == held["domain"]]
    for task, (steps, episodes) in load.count_solved(content, tasks).items():
        print(f"{task}: {steps:,} solved steps in {episodes:,} of {held['episodes']:,} episodes")
    if replay is not None:
        from qlac_lite.data.suites import robomimic_replay

        for line in robomimic_replay.replay(content, held, replay):
            print(line, flush=True)
