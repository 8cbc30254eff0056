"""How often the scripts for Robomimic succeed, in the faster control loop and in robosuite's own.

.venv/bin/python tools/compare_loops.py --episodes 15
"""

import time

import numpy as np
import typer

from qlac_lite.data.suites.robomimic_scripts import TIERS, attempt


def compare_loops(episodes: int = 15, tasks: str = "lift,can,square") -> None:
    """Prints, by task and tier, how many attempts succeed, their mean steps, and steps a second.

    The attempts of both loops have the same seeds.
    """
    print("task    tier     faster loop: solved, steps, steps/s     robosuite's own     both alike")
    for task in tasks.split(","):
        for tier in TIERS:
            found, cells = [], []
            for stock in (False, True):
                attempt(task, tier, np.random.SeedSequence(0), stock)  # makes the simulator
                begin = time.perf_counter()
                tries = [
                    attempt(task, tier, np.random.SeedSequence([episodes, i]), stock) for i in range(episodes)
                ]
                seconds = time.perf_counter() - begin
                solved = np.array([rows["rewards"][-1] for rows in tries])
                steps = np.array([len(rows["rewards"]) for rows in tries])
                found.append(solved)
                rate = steps.sum() / seconds
                cells.append(f"{solved.sum():4.0f} of {episodes}, {steps.mean():4.0f}, {rate:4.0f}")
            alike = np.sum(found[0] == found[1])
            print(f"{task:7} {tier:8} {'    '.join(cells)}    {alike} of {episodes}", flush=True)


if __name__ == "__main__":
    typer.run(compare_loops)
