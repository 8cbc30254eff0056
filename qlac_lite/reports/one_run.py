"""One run at a time: an evaluation of its newest policies, and a filmstrip of an episode."""

import functools
from pathlib import Path

import jax
import numpy as np

from qlac_lite.config import get_method
from qlac_lite.reports import plots
from qlac_lite.reports.pooling import by_seed
from qlac_lite.reports.tables import percent_interval
from qlac_lite.training.evaluation import evaluate
from qlac_lite.training.run_folder import Run, open_run
from qlac_lite.utils.files import write_csv
from qlac_lite.utils.statistics import success_interval


def evaluate_run(folder: Path, episodes: int) -> str:
    """Evaluates a run's newest policies; writes evaluate.csv into the folder and returns a table to print."""
    from qlac_lite.training.evaluation import make_evaluators
    from qlac_lite.training.policy import load_policies

    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    environments = make_evaluators(config, run.data.get("env_args"))
    try:
        rows = evaluate(actor, params, environments, config, episodes)
    finally:
        environments.close(terminate=True)
    write_csv(run.folder / "evaluate.csv", [{"phase": phase, "step": step} | row for row in rows])
    seeds = by_seed(rows)
    when = "after training" if phase == "done" else f"{phase} step {step:,}"
    lines = [f"{get_method(config.method).title} on {config.task}, {when}, {episodes} episodes a seed"]
    lines += [f"  seed {seed}: success {np.mean(values):.0%}" for seed, values in seeds.items()]
    lines += [
        f"  together: success {percent_interval(success_interval(list(seeds.values())))} (95 % interval)"
    ]
    return "\n".join([*lines, f"Every episode is in {run.folder / 'evaluate.csv'}"])


def draw_filmstrip(folder: Path, path: Path) -> str:
    """Repeats an evaluation episode of the run (a success if there was one) and draws it;
    returns a caption."""
    from qlac_lite.reports import films
    from qlac_lite.training.policy import load_policies

    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    seed, episode = _episode_to_show(run)
    index = list(config.seed_list).index(seed)
    play = functools.partial(
        films.film_episode,
        actor,
        jax.tree.map(lambda leaf: leaf[index : index + 1], params),
        config,
        seed,
        episode,
        env_args=run.data.get("env_args"),
    )
    film = play(
        pictures=films.moments(play(pictures=False))
    )  # the same episode twice: rendering takes longer than simulating
    outcome = "solved" if film.success else "not solved"
    when = "after training" if phase == "done" else f"at {phase} step {step:,}"
    title = (
        f"{get_method(config.method).title} {when}, seed {seed}: "
        f"{outcome} in {len(film.effector) - 1} steps, {len(film.looks)} decisions"
    )
    plots.save(films.strip(film, title), path)
    return title


def _episode_to_show(run: Run) -> tuple[int, int]:
    rows = run.rows("evaluations.csv")
    if not rows:
        return run.config.first_seed, 0
    last = [row for row in rows if (row["phase"], row["step"]) == (rows[-1]["phase"], rows[-1]["step"])]
    best = max(last, key=lambda row: (row["success"], row["return"]))
    return int(best["seed"]), int(best["episode"])
