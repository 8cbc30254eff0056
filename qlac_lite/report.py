"""What a set of runs says: learning curves, a table as Markdown and CSV, and a filmstrip of the best agent."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite import plots
from qlac_lite.config import get_method
from qlac_lite.errors import QlacError
from qlac_lite.evaluation import evaluate, success_interval
from qlac_lite.files import atomic, write_csv
from qlac_lite.runs import Run, open_run

Interval = tuple[float, float, float]  # mean, low, high


def evaluate_run(folder: Path, episodes: int) -> str:
    """Evaluates a run's newest policies; writes evaluate.csv into the folder and returns a table to print."""
    from qlac_lite.training import load_policies, make_evaluators

    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    environments = make_evaluators(config)
    try:
        rows = evaluate(actor, params, environments, config, episodes)
    finally:
        environments.close(terminate=True)
    write_csv(run.folder / "evaluate.csv", [{"phase": phase, "step": step} | row for row in rows])
    by_seed = _by_seed(rows)
    when = "after training" if phase == "done" else f"{phase} step {step:,}"
    lines = [f"{get_method(config.method).title} on {config.task}, {when}, {episodes} episodes a seed"]
    lines += [f"  seed {seed}: success {np.mean(values):.0%}" for seed, values in by_seed.items()]
    lines += [f"  together: success {_text(success_interval(list(by_seed.values())))} (95 % interval)"]
    return "\n".join([*lines, f"Every episode is in {run.folder / 'evaluate.csv'}"])


def write_report(folders: list[Path], out: Path) -> str:
    """Figure, tables and filmstrip of `folders` into `out`, one set a task; returns the Markdown.

    Raises:
        QlacError: a folder without a run, or without an evaluation so far.
    """
    runs = [open_run(folder) for folder in folders]
    texts = []
    for task in dict.fromkeys(run.config.task for run in runs):
        groups = _group([run for run in runs if run.config.task == task])
        for label, members in groups.items():
            seeds = [seed for run in members for seed in run.config.seed_list]
            if len(set(seeds)) < len(seeds):
                raise QlacError(f"Two of the {label} runs share a seed: {sorted(seeds)}. Leave one out, or train with --set first_seed=N.")  # fmt: skip
        texts.append(_report_task(task, groups, Path(out)))
    return "\n\n".join(texts)


def _group(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs that differ in their seeds alone, under a label: the method, and what sets it apart from others of it."""

    def settings(run: Run) -> dict[str, Any]:
        return dataclasses.asdict(run.config) | {"seeds": 0, "first_seed": 0, "data": run.data["sha256"][:8]}

    groups: dict[str, list[Run]] = {}
    for run in runs:
        others = [settings(other) for other in runs if other.config.method == run.config.method]
        apart = [f"{key}={value}" for key, value in settings(run).items() if any(other[key] != value for other in others)]
        label = ", ".join([get_method(run.config.method).title, *apart])
        groups.setdefault(label, []).append(run)
    return groups


def _report_task(task: str, groups: dict[str, list[Run]], out: Path) -> str:
    points = {label: _success_points(members) for label, members in groups.items()}
    rows = [_table_row(label, members, points[label]) for label, members in groups.items()]
    write_csv(out / f"{task}.csv", rows)
    _save(_figure(task, groups, points), out / f"{task}.png")
    best = max(groups, key=lambda label: list(points[label].values())[-1][0])
    film = []
    if groups[best][0].checkpoint_path.exists():
        strip = out / f"{task}-filmstrip.png"
        film = [f"![{draw_filmstrip(groups[best][0].folder, strip)}]({strip.name})", ""]
    header, run = list(rows[0]), groups[best][0]
    table = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    table += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    versions = ", ".join(f"{name} {version}" for name, version in run.provenance["versions"].items())
    lines = [
        f"### {task}",
        "",
        *table,
        "",
        "Success rate with a 95 % interval: a bootstrap over seeds and episodes, or the exact binomial one where all episodes ended alike.",
        "",
        f"![Success rate over training steps]({task}.png)",
        "",
        *film,
        f"- Data: {run.data['provenance']}; sha256 {run.data['sha256'][:16]}",
        *(f"- Command: `{member.provenance['command']}`" for members in groups.values() for member in members),
        f"- Machine: {run.provenance['machine']}; {run.provenance['devices'][0]}; Python {run.provenance['python']}; {versions}",
        f"- Date: {run.provenance['date']}",
    ]
    text = "\n".join(lines) + "\n"
    with atomic(out / f"{task}.md") as file:
        file.write(text.encode())
    return text + f"\nWritten to {out}"


def _by_seed(rows: list[dict[str, Any]]) -> dict[int, np.ndarray]:
    return {int(seed): np.array([row["success"] for row in rows if row["seed"] == seed]) for seed in sorted({row["seed"] for row in rows})}


def _text(interval: Interval) -> str:
    return "{:.0%} [{:.0%}, {:.0%}]".format(*interval)


def _total_step(run: Run, row: dict[str, Any]) -> int:
    return int(row["step"]) + (run.config.offline_steps if row["phase"] == "online" else 0)


def _success_points(members: list[Run]) -> dict[int, Interval]:
    """Total step -> success with its interval, over the seeds of all members that were evaluated there."""
    rows = [row | {"total": _total_step(run, row)} for run in members for row in run.rows("evaluations.csv")]
    if not rows:
        raise QlacError(f"{members[0].folder} has no evaluation yet. Let it train on: qlac train ... --resume")
    steps = sorted({row["total"] for row in rows})
    return {step: success_interval(list(_by_seed([r for r in rows if r["total"] == step]).values())) for step in steps}


def _training_success(members: list[Run], bins: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Success in % of the online training episodes that ended in each tenth of the online phase, at its middle."""
    config = members[0].config
    rows = [row for run in members for row in run.rows("episodes.csv")]
    edges = np.linspace(0, config.online_steps, bins + 1)
    inside = [[row["success"] for row in rows if a < row["step"] <= b] for a, b in zip(edges, edges[1:], strict=False)]
    middle = config.offline_steps + (edges[:-1] + edges[1:]) / 2
    kept = [i for i, successes in enumerate(inside) if successes]
    return middle[kept], np.array([100 * np.mean(inside[i]) for i in kept])


def _table_row(label: str, members: list[Run], points: dict[int, Interval]) -> dict[str, Any]:
    config = members[0].config
    online = [step for step in points if step > config.offline_steps]
    rows = [row for run in members for row in run.rows("progress.csv")]
    speed = np.median([row["updates_per_second"] for row in rows]) * config.seeds if rows else float("nan")
    return {
        "method": label,
        "offline steps": config.offline_steps,
        "success offline": _text(points[config.offline_steps]) if config.offline_steps in points else "-",
        "online steps": max(online) - config.offline_steps if online else 0,
        "success online": _text(points[max(online)]) if online else "-",
        "seeds": sum(run.config.seeds for run in members),
        "episodes a seed": config.evaluation_episodes,
        "updates/s (all seeds)": f"{speed:.0f}",
    }


def _figure(task: str, groups: dict[str, list[Run]], points: dict[str, dict[int, Interval]]):
    figure, (left, right) = plots.new_figure(2)
    drawn: list[str] = []
    offline_steps = {run.config.offline_steps for members in groups.values() for run in members} - {0}
    for label, members in groups.items():
        method = members[0].config.method
        begins = 0 if members[0].config.offline_steps else max(offline_steps, default=0)  # online only: from there on
        line = ("-", ":", "-.")[drawn.count(method) % 3]  # a colour a method, a line style a setting of it
        drawn.append(method)
        steps, values = np.array(list(points[label])), np.array(list(points[label].values()))
        plots.curve(left, method, label, begins + steps, *(100 * values.T), line)
        middle, solved = _training_success(members)
        plots.training_curve(left, method, begins + middle, solved)
        rows = [row | {"total": _total_step(run, row)} for run in members for row in run.rows("progress.csv") if "q_mean" in row]
        totals = np.array(sorted({row["total"] for row in rows}))
        if len(totals):
            column = lambda name, reduce: np.array([reduce([r[name] for r in rows if r["total"] == t]) for t in totals])  # noqa: B023
            q = column("q_mean", np.mean), column("q_min", np.min), column("q_max", np.max)
            plots.curve(right, method, label, begins + totals, *q, line, marked=False)
    right.axhline(0, color="0.3", linestyle="--", linewidth=1)
    right.text(0.99, 0, "theoretical maximum", transform=right.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
    left.set(xlabel="gradient steps, then environment steps (thousands)", ylabel="success rate (%)", ylim=(-3, 103))
    right.set(xlabel="steps (thousands)", ylabel="Q of the batch (mean, min to max)")
    left.set_xlim(left=0)
    right.set_xlim(left=0)
    for axes in (left, right):
        if len(offline_steps) == 1:
            plots.mark_online(axes, *offline_steps)
    left.plot([], [], color="0.3", linewidth=1, linestyle="--", label="episodes learned from")
    left.legend(loc="upper left", frameon=True)
    seeds = [f"{sum(run.config.seeds for run in members)} seeds {label}" for label, members in groups.items()]
    figure.suptitle(f"{task} ({'; '.join(seeds)}; 95 % interval)", fontsize=10)
    return figure


def _save(figure, path: Path) -> None:
    with atomic(path) as file:
        figure.savefig(file, format="png", dpi=150)


def draw_filmstrip(folder: Path, path: Path) -> str:
    """Repeats an evaluation episode of the run (a success if there was one) and draws it; returns a caption."""
    from qlac_lite import films
    from qlac_lite.training import load_policies

    run = open_run(folder)
    (actor, params), config, phase, step = load_policies(run)
    seed, episode = _episode_to_show(run)
    index = list(config.seed_list).index(seed)
    film = films.film_episode(actor, jax.tree.map(lambda leaf: leaf[index : index + 1], params), config, seed, episode)
    outcome = "solved" if film.success else "not solved"
    when = "after training" if phase == "done" else f"at {phase} step {step:,}"
    title = f"{get_method(config.method).title} {when}, seed {seed}: {outcome} in {len(film.effector) - 1} steps, {len(film.looks)} decisions"
    _save(films.strip(film, title), path)
    return title


def _episode_to_show(run: Run) -> tuple[int, int]:
    rows = run.rows("evaluations.csv")
    if not rows:
        return run.config.first_seed, 0
    last = [row for row in rows if (row["phase"], row["step"]) == (rows[-1]["phase"], rows[-1]["step"])]
    best = max(last, key=lambda row: (row["success"], row["return"]))
    return int(best["seed"]), int(best["episode"])
