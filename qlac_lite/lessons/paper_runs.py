"""The paper's runs and our `desk` cells, as lesson 07 plans and draws them."""

import dataclasses
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats

from qlac_lite.agents import make_learner
from qlac_lite.config import DOMAINS, METHODS, Config, get_task, make_config
from qlac_lite.config.tasks import task_names
from qlac_lite.data.replay import empty_replays
from qlac_lite.lessons.checks.lesson07 import NOT_SHOWN, Size
from qlac_lite.reports.curves import draw_legend, draw_paper_beside, draw_success, new_panels
from qlac_lite.reports.paper import quoted, steps_text, tasks_of
from qlac_lite.reports.pooling import Group, Groups, Steps, group_runs
from qlac_lite.training.run_folder import recorded_runs
from qlac_lite.utils.statistics import Interval, mean_interval, points_interval

# Milliseconds of an offline update on one A5000, one seed: arXiv 2507.07969
A5000 = {"qc": 12.0, "qc-fql": 4.2, "bfn": 3.3, "fql": 3.0}
PAPER_SEEDS = 4  # on OGBench
Drawn = tuple[Figure, str]


def paper_task(domain: str, number: int) -> str:
    """The name of a domain's task with the reward that the paper uses there."""
    sparse = "-sparse" * DOMAINS[domain].sparse_in_paper
    return f"{domain}-play{sparse}-singletask-task{number}-v0"


def size_of(config: Config) -> Size:
    """How large a run is; what the library would make is asked for its shapes, and nothing is computed."""
    task = get_task(config.task)
    domain, alone = task.domain, dataclasses.replace(config, seeds=1)
    learner = make_learner(config, domain.observation_size, domain.action_size)
    state = jax.eval_shape(learner.init, jax.random.key(0))
    replay = empty_replays(alone, config.online_steps, task)
    count = lambda tree: sum(leaf.size for leaf in jax.tree.leaves(tree))
    phases = config.offline_steps, config.online_steps
    evaluations = sum(-(-steps // config.evaluate_every) for steps in phases)
    one = config.seeds * config.evaluation_episodes * domain.episode_limit  # at most: none is solved
    data = 1000 * domain.episodes, domain.episodes, domain.observation_size, domain.action_size
    networks = replay.data.rewards.shape[1], count(state.params), count(state.target_critic)
    return Size(*data, *networks, config.seeds, *phases, evaluations, one)


def desk_cells() -> dict[str, Groups]:
    """Our recorded runs of the preset `desk`, by task in the order of `qlac tasks`, then by method."""
    cells: dict[str, Any] = {}
    for run in recorded_runs("desk"):
        cells.setdefault(run.config.task, []).append(run)
    order = task_names().index
    return {task: _by_name(group_runs(cells[task])) for task in sorted(cells, key=order)}


def _by_name(groups: Groups) -> Groups:
    """Named by the method, and by alpha where it is not the preset's; those of other settings come last."""
    usual, others = {}, {}
    for group in groups.values():
        config, name = group.config, METHODS[group.config.method].title
        if config.alpha == make_config(config.task, config.method, config.preset).alpha:
            usual[name] = group
        else:
            others[f"{name}, α = {config.alpha:g}"] = group
    return usual | others


def draw_cells(cells: dict[str, Groups], online: bool = True) -> Drawn:
    """Success of our cells over steps, a panel a task, with the paper's figures at the right edge; if not
    `online`, a question mark in place of what our curves do there."""
    told = []
    figure, panels = new_panels([get_task(task).title for task in cells])
    for axes, (task, groups) in zip(panels, cells.items(), strict=True):
        ends = [f"{name} {percent(group, online)}" for name, group in groups.items()]
        told.append(f"{get_task(task).title}: {', '.join(ends)}")
        draw_success(axes, groups, [])
        _set_apart(axes)
        draw_paper_beside(axes, task, groups)
    draw_legend(figure, panels, "upper")
    if not online:
        (first, *_), *_ = (list(groups.values()) for groups in cells.values())
        _hide_after(figure, first.config.offline_steps / 1000)
    return figure, (
        "Success in percent over gradient steps and then environment steps, with intervals; at the right "
        f"edge the paper's figures. At the end of our curves: {'; '.join(told)}."
    )


def _set_apart(axes: Axes) -> None:
    """Black crosses for the curves of another alpha, which have their method's colour and marker so far."""
    bands = [band for band in axes.collections if isinstance(band, PolyCollection)]
    curves = [line for line in axes.lines if len(np.asarray(line.get_xdata())) > 2]
    for line, band in zip(curves, bands, strict=False):
        if "α" in str(line.get_label()):
            line.set(color="black", marker="x", zorder=3)
            band.set(color="black", alpha=0.1)


def _hide_after(figure: Figure, end: float) -> None:
    """Takes from each panel what our curves do after `end` thousand steps; a question mark stands there."""
    for axes in figure.axes:
        for line in axes.lines:
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            if len(x) > 2:  # a curve of ours
                line.set_data(x[x <= end], y[x <= end])
        for band in axes.collections:
            if isinstance(band, PolyCollection):
                band.set_clip_path(Rectangle((0, -3), end, 106, transform=axes.transData))
        if axes.lines:
            axes.text(1.25 * end, 50, "?", fontsize=22, color="0.4", ha="center", va="center")


def percent(group: Group, online: bool = True) -> str:
    """The success of a group at its last evaluation, or its last one offline, with its interval."""
    points = [point for steps, point in group.points.items() if online or not steps[1]]
    return points_interval([100 * value for value in points[-1].interval])


def told_by_seed(groups: Groups) -> str:
    """A line a method: its success at the end, that of each seed, and when each first solved half."""
    lines = [f"{'':22}{'at the end, %':16}{'each seed, %':19}half solved first after, thousand steps"]
    for name, group in groups.items():
        rates = _rates(group)
        steps = [sum(each) // 1000 for each in group.outcomes[0]]
        first = [str(steps[np.argmax(seed >= 50)]) if max(seed) >= 50 else "-" for seed in rates.T]
        each = ", ".join(f"{rate:.0f}" for rate in rates[-1])
        lines.append(f"{name + ':':22}{percent(group):16}{each:19}{', '.join(first)}")
    return "\n".join(lines)


def told_differences(groups: Groups, chunks: str = "QC-FQL", other: str = "FQL-n") -> str:
    """A line for each setting of `chunks`: itself less `other`, seed by seed, at the last evaluation, over
    all of them, and over those of the offline phase."""
    offline = [not online for _, online in groups[other].outcomes[0]]
    lines = []
    for name in filter(lambda name: name.startswith(chunks), groups):
        apart = _rates(groups[name]) - _rates(groups[other])
        told = [
            points_interval(mean_interval(each), (-100, 100), "+.0f")
            for each in (apart[-1], apart.mean(axis=0), apart[offline].mean(axis=0))
        ]
        lines.append(f"{name} - {other}, points: {told[0]} at the end, {told[1]} over all, {told[2]} offline")
    return "\n".join(lines)


def _rates(group: Group) -> np.ndarray:
    """Success in percent at each evaluation, of each seed."""
    return 100 * np.array([[np.mean(each) for each in at.values()] for at in group.outcomes[0].values()])


def papers_difference(one: Interval, other: Interval) -> Interval:
    """The difference of two of the paper's rates, with the interval of lesson 07's `verdict`; in points."""
    errors = [(high - low) / 2 / 1.96 for _, low, high in (one, other)]
    apart, reach = one[0] - other[0], stats.t.ppf(0.975, 2 * PAPER_SEEDS - 2) * np.hypot(*errors)
    return 100 * apart, 100 * (apart - reach), 100 * (apart + reach)


def told_apart(task: str, one: tuple[str, Steps], other: tuple[str, Steps]) -> str:
    """The difference of two of the paper's rates on a task; each a method, and after how many steps."""
    name = lambda method, steps: f"{METHODS[method].title} ({steps_text(steps)})"
    apart = papers_difference(*(quoted(task, method)[steps] for method, steps in (one, other)))
    told = points_interval(apart, (-100, 100), "+.1f")
    return f"{get_task(task).title}, the paper's {name(*one)} - {name(*other)}: {told}"


def papers_verdicts(verdict, method: str, other: str, steps: Steps) -> dict[str, tuple[Interval, int]]:
    """Of each of the paper's 25 OGBench tasks, `method` less `other` in points, and what `verdict` says.

    `verdict` takes rates of seeds, and the paper has none: it gets four with the paper's mean and standard
    error. Where both quotes are one, as at 0 or at 100 %, there is nothing to say."""
    found, ends = {}, np.array(steps)
    for task in tasks_of("all"):
        one, two = (quoted(task, each)[steps] for each in (method, other))
        spread = np.array([-1.0, 1.0, -1.0, 1.0])
        seeds = one[0] + spread * (one[2] - one[1]) / 2 / 1.96 / stats.sem(spread)
        code = int(verdict(seeds, ends, ends, np.array(two), PAPER_SEEDS)) if one != two else NOT_SHOWN
        found[task] = papers_difference(one, two), code
    return found


def told_at_an_end(found: dict[Steps, dict], method: str, other: str) -> str:
    """A line for each of {steps: papers_verdicts}: on how many of the tasks where nothing is shown both
    methods are near 0, or near 100 %."""
    lines = []
    for steps, tasks in found.items():
        left = [task for task, (_, code) in tasks.items() if code == NOT_SHOWN]
        rates = np.array([[quoted(task, each)[steps][0] for each in (method, other)] for task in left])
        low, high = (rates <= 0.01).all(axis=1).sum(), (rates >= 0.99).all(axis=1).sum()
        lines.append(
            f"{steps_text(steps)}: nothing shown on {len(left)} tasks, "
            f"both at 1 % or less on {low}, both at 99 % or more on {high}"
        )
    return "\n".join(lines)


def told_quotes(task: str, *methods: str, steps: tuple[int, int] = (100_000, 0)) -> str:
    """The paper's success of some methods in percent, with intervals, after (offline, online) steps."""
    values = {method: quoted(task, method)[steps] for method in methods}
    interval = lambda quote: points_interval([100 * value for value in quote])
    return ", ".join(f"{METHODS[name].title} {interval(quote)}" for name, quote in values.items())


def told_memory(budget_of_run, rates, configs) -> str:
    """A line a configuration: the gigabytes of its parts."""
    lines = [f"{'':24}{'data':>8}{'replay':>8}{'learner':>8}"]
    for config in configs:
        *memory, _ = budget_of_run(size_of(config), rates)
        lines.append(f"{_told(config):24}" + "".join(f"{part / 1e9:6.2f}GB" for part in memory))
    return "\n".join(lines)


def told_hours(budget_of_run, machines, configs) -> str:
    """The hours of each configuration on each machine, {name: rates_of(config)}, and of its phases."""
    lines = [f"{'hours':38}{'offline':>8}{'online':>8}{'evaluations':>13}{'in all':>8}"]
    for config in configs:
        size = size_of(config)
        for name, rates_of in machines.items():
            rates = rates_of(config)
            hours = lambda size, rates=rates: budget_of_run(size, rates)[3]
            offline = hours(size._replace(online_steps=0, evaluations=0))
            whole, evaluating = hours(size), hours(size._replace(offline_steps=0, online_steps=0))
            told = f"{_told(config)}: {name}"
            online = whole - offline - evaluating
            lines.append(f"{told:38}{offline:8.1f}{online:8.1f}{evaluating:13.1f}{whole:8.1f}")
    return "\n".join(lines)


def _told(config: Config) -> str:
    return f"{METHODS[config.method].title}, {config.seeds} seed{'s' * (config.seeds > 1)}"
