"""One run at a time: an evaluation of its newest policies, and a filmstrip of an episode."""

import functools
import operator
from pathlib import Path

import jax
import numpy as np

from qlac_lite.config import get_method
from qlac_lite.reports import films, plots
from qlac_lite.training.evaluation import evaluate, make_evaluators
from qlac_lite.training.policy import load_policies
from qlac_lite.training.run_folder import open_run
from qlac_lite.utils.files import write_csv
from qlac_lite.utils.statistics import by_seed, newest, percent_interval, success_interval


def evaluate_run(folder: Path, episodes: int, out: Path | None = None) -> str:
    """Evaluates a run's newest policies; prints and returns a text. A row an episode goes to `out`, by
    default the folder's evaluate.csv. Where one of the two fails, the other is done."""
    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    environments = make_evaluators(config, run.data.get("env_args"))
    try:
        rows = evaluate(actor, params, environments, config, episodes)
    finally:
        environments.close(terminate=True)
    seeds = by_seed(rows)
    title = f"{get_method(config.method).title} on {config.task}, {_when(phase, step)}"
    lines = [
        f"{title}, {episodes} episodes a seed",
        *(f"  seed {seed}: success {np.mean(values):.0%}" for seed, values in seeds.items()),
        f"  together: success {percent_interval(success_interval(seeds.values()))} (95 % interval)",
    ]
    text, path = "\n".join(lines), out or run.folder / "evaluate.csv"
    try:
        print(text)
    finally:
        write_csv(path, [{"phase": phase, "step": step} | row for row in rows])
    print(f"Every episode is in {path}")
    return text


def draw_filmstrip(folder: Path, path: Path) -> str:
    """Repeats and draws the best episode of the run's newest evaluation; returns a caption."""
    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    first = {"seed": config.first_seed, "episode": 0}
    rows = newest(run.rows("evaluations.csv"))
    best = max(rows, key=operator.itemgetter("success", "return"), default=first)
    seed, env_args = best["seed"], run.data.get("env_args")
    index = config.seed_list.index(seed)
    own = jax.tree.map(lambda leaf: leaf[index : index + 1], params)
    play = functools.partial(films.film_episode, actor, own, config, seed, best["episode"], env_args=env_args)
    film = play(pictures=films.moments(play(pictures=False)))  # twice: rendering takes longer than simulating
    title = (
        f"{get_method(config.method).title} {_when(phase, step)}, seed {seed}: {'not ' * (not film.success)}"
        f"solved in {len(film.effector) - 1} steps, {len(film.looks)} decisions"
    )
    plots.save(films.strip(film, title), path)
    return title


def _when(phase: str, step: int) -> str:
    return "after training" if phase == "done" else f"at {phase} step {step:,}"
