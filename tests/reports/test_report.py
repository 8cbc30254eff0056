"""What is said of runs: beside the paper's figures, and over several tasks.
The runs are made up, their logs written as runs write them."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import TASK, tiny_config

from qlac_lite.config import make_config
from qlac_lite.reports.by_task import differences, draw_task, draw_tasks, write_report
from qlac_lite.reports.over_tasks import make_panels
from qlac_lite.reports.paper import quoted, tasks_of, told_versions
from qlac_lite.reports.pooling import group_runs
from qlac_lite.training.run_folder import create_run, find_runs
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import locked, read_csv
from qlac_lite.utils.statistics import success_interval

M = 1_000_000
PUZZLE = "puzzle-3x3-play-sparse-singletask-task4-v0"


def made_up(folder, config, rates, episodes=50, **data):
    """A run folder whose evaluations at (phase, step) have the success rates given,
    the same for each seed."""
    data = (
        dict(path="play.npz", sha256="0" * 64, transitions=M, provenance="downloaded from the authors' host")
        | data
    )
    run = create_run(folder, config, data, resume=False)
    rows = [
        {
            "phase": phase,
            "step": step,
            "seed": seed,
            "episode": i,
            "success": int(i < round(rate * episodes)),
            "return": -1.0,
            "length": 9,
        }
        for (phase, step), rate in rates.items()
        for seed in config.seed_list
        for i in range(episodes)
    ]
    run.append("evaluations.csv", rows)
    return run


def full(task, method, **changes):
    return make_config(task, method, "full", **changes)


def test_what_is_measured_at_the_papers_steps_gets_its_verdict(tmp_path):
    rates = {
        ("offline", 100_000): 0.9,
        ("offline", 500_000): 0.5,
        ("offline", M): 0.5,
        ("online", 200_000): 1.0,
        ("online", M): 0.98,
    }
    made_up(tmp_path / "qc", full(PUZZLE, "qc"), rates)
    made_up(tmp_path / "rlpd", full(PUZZLE, "rlpd"), {("online", 100_000): 0.1, ("online", 200_000): 0.5})
    text = write_report([tmp_path / "qc", tmp_path / "rlpd"], tmp_path / "report")
    rows = read_csv(tmp_path / "report" / "comparison.csv")
    cells = {(row["method"], row["offline steps"], row["online steps"]): row for row in rows}
    assert set(cells) == {
        ("QC", 100_000, 0),
        ("QC", M, 0),
        ("QC", M, 200_000),
        ("QC", M, M),
        ("RLPD", 0, 200_000),
    }
    for (method, *steps), row in cells.items():
        mean, low, high = quoted(PUZZLE, method.lower())[tuple(steps)]
        assert (row["paper"], row["paper low"], row["paper high"]) == (mean, low, high)
        assert row["difference in points"] == pytest.approx(100 * (row["ours"] - mean), abs=0.051)
    ours = quoted(PUZZLE, "qc")
    assert ours[100_000, 0][1] == 0.92 and ours[M, 0][1] > 0.9  # what the verdicts below are from
    verdicts = {key: (row["our mean is"], row["intervals"]) for key, row in cells.items()}
    assert verdicts["QC", 100_000, 0] == ("below", "overlap") and verdicts["QC", M, 0] == ("below", "apart")
    assert verdicts["QC", M, 200_000] == ("inside", "overlap")
    assert all(row["seeds"] == 4 and "1,000,000 transitions" in row["data"] for row in rows)
    assert (
        "| QC | 1M offline | 50.0 [" in text
        and "| RLPD | 200K online |" in text
        and "Not compared" not in text
    )
    assert "Ours learned from other data" not in text


def test_chunks_are_held_against_single_actions_of_the_same_learner_seed_by_seed(tmp_path):
    rates = {"qc": (0.5, 0.7), "bfn": (0.2, 0.3), "fql": (0.1, 0.1), "bfn-n": (0.0,)}  # bfn-n: seed 0 only
    for method, each in rates.items():
        for seed, rate in enumerate(each):
            config = full(PUZZLE, method, seeds=1, first_seed=seed)
            both = {("offline", M): rate, ("online", 200_000): 1.0}
            made_up(
                tmp_path / "runs" / f"{method}-{seed}",
                config,
                both if method != "bfn" else {("offline", M): rate},
            )
    groups = group_runs(find_runs(tmp_path / "runs"))
    told = {(r["chunks less single actions"], r["after"]): r for r in differences(groups)}
    assert set(told) == {
        ("QC - BFN", "1M offline"),
        ("QC - BFN-n", "1M offline"),
        ("QC - BFN-n", "1M offline + 200K online"),
    }
    row = told["QC - BFN", "1M offline"]  # 30 and 40 points: 35, and 5 times t of one degree of freedom
    assert (row["difference, points"], row["seeds"], row["N"]) == ("+35 [-29, +99]", 2, "64 and 4")
    assert told["QC - BFN-n", "1M offline"]["difference, points"] == "+50"  # one seed: no interval
    text = write_report([tmp_path / "runs"], tmp_path / "report")
    assert "| QC - BFN | 1M offline | +35 [-29, +99] | 2 | 64 and 4 |" in text


def test_what_runs_waited_for_is_weighed_by_time(tmp_path):
    run = made_up(tmp_path / "run", full(PUZZLE, "qc"), {("offline", M): 1.0})
    shares = dict(learning=0.8, simulating=0.0, loading=0.0, evaluating=0.1, saving=0.001)
    once = {"phase": "offline", "step": 5, "seconds": 2700.0, **shares, "cores_busy": 2.0}
    again = once | {"step": 10, "seconds": 900.0, "learning": 0.4, "cores_busy": 6.0}
    run.append("utilisation.csv", [once, again])
    text = write_report([tmp_path / "run"], tmp_path / "report")
    assert "- Time, QC: waits for learning 70%, evaluating 10%, 3.0 cores busy, 1.00 hours" in text
    made_up(
        tmp_path / "older", full(PUZZLE, "qc", alpha=1.0), {("offline", M): 1.0}
    )  # from before there was such a record
    assert "- Time" not in write_report([tmp_path / "older"], tmp_path / "report")


def test_generated_data_are_said_beside_the_papers_figures(tmp_path):
    made_up(
        tmp_path / "run",
        full(PUZZLE, "qc"),
        {("offline", M): 1.0},
        provenance="generated by ogbench 1.2.2: 1000 episodes, seed 0",
    )
    assert "Ours learned from other data" in write_report([tmp_path / "run"], tmp_path / "report")
    assert "generated by ogbench" in read_csv(tmp_path / "report" / "comparison.csv")[0]["data"]


@pytest.mark.parametrize(
    "config, rates, reason",
    [
        (
            full(PUZZLE, "qc", batch_size=128),
            {("offline", 100_000): 1.0},
            "another size.* batch_size=128 .256",
        ),
        (full(PUZZLE, "bfn", candidates=64), {("offline", M): 1.0}, "candidates=64 .4"),
        (
            make_config(PUZZLE, "qc"),
            {("offline", 8000): 1.0},
            "another size, of 8,000 offline and 6,000 online steps, with .*hidden=",
        ),
        (
            full(PUZZLE, "qc", offline_steps=50_000),
            {("offline", 50_000): 1.0},
            "evaluated at none of the steps 100K offline, 1M offline,",
        ),
        (
            full(PUZZLE, "qc", offline_steps=100_000),
            {("online", 200_000): 1.0},
            "evaluated at none",
        ),  # not after 1M offline
        (
            full(PUZZLE, "rlpd", offline_steps=M),
            {("offline", M): 0.5, ("online", M): 1.0},
            "evaluated at none",
        ),  # the paper: online only
        (
            full(PUZZLE.replace("-sparse", ""), "qc"),
            {("offline", M): 1.0},
            f"the paper's figures are for {PUZZLE}",
        ),
        (full(TASK, "qc"), {("offline", M): 1.0}, "no figures of this method on this task"),
        (full(PUZZLE, "qc-rlpd"), {("online", M): 1.0}, "no figures of this method on this task"),
    ],
)
def test_another_size_is_not_compared_and_says_why(config, rates, reason, tmp_path):
    made_up(tmp_path / "run", config, rates)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "comparison.csv").write_text("of an earlier report")
    lines = write_report([tmp_path / "run"], tmp_path / "report").splitlines()
    (line,) = [line for line in lines if line.startswith("Not compared with the paper: ")]
    assert re.search(reason, line) and "Beside the paper" not in "".join(lines)
    assert not (tmp_path / "report" / "comparison.csv").exists()
    last = max(step + config.offline_steps * (phase == "online") for phase, step in rates)
    assert all(x > last / 1000 for x, _ in rings(figure_of(tmp_path / "run").axes[0]))


def figure_of(folder):
    (run,) = find_runs(folder)
    groups = group_runs([run])
    return draw_task(run.config.task, groups)


def rings(axes):
    """Where the paper's marks stand in a panel, as (thousands of steps, %), sorted."""
    lines = [
        line
        for line in axes.get_lines()
        if line.get_markerfacecolor() == "none" and line.get_marker() not in ("_", "|", "None")
    ]
    return sorted((float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True))


def test_the_papers_marks_stand_at_its_steps(tmp_path):
    made_up(
        tmp_path / "qc",
        full(PUZZLE, "qc"),
        {("offline", 100_000): 0.9, ("offline", 600_000): 0.8, ("online", 200_000): 1.0},
    )
    paper = quoted(PUZZLE, "qc")
    wanted = [(100.0, 100 * paper[100_000, 0][0]), (1200.0, 100 * paper[M, 200_000][0])]
    assert rings(figure_of(tmp_path / "qc").axes[0]) == [pytest.approx(mark) for mark in wanted]


def test_where_the_size_differs_the_papers_marks_stand_apart(tmp_path):
    made_up(
        tmp_path / "qc",
        make_config(PUZZLE, "qc", "desk"),
        {("offline", 60_000): 0.1, ("online", 30_000): 0.5},
    )
    panel, paper = figure_of(tmp_path / "qc").axes[0], quoted(PUZZLE, "qc")
    places, heights = zip(*rings(panel), strict=True)
    assert heights == pytest.approx([100 * paper[steps][0] for steps in ((100_000, 0), (M, 200_000))])
    assert min(places) > 90 and "100K" in [label.get_text() for label in panel.get_xticklabels()]


def test_several_tasks_have_a_panel_each_with_the_papers_beside(tmp_path):
    ends = {("offline", 60_000): 0.1, ("online", 30_000): 0.5}
    for task in (PUZZLE, "lift-mh-low_dim", "lite-world"):
        preset = "lite" if task == "lite-world" else "desk"
        steps = dict(offline_steps=60_000, online_steps=30_000)
        made_up(tmp_path / task, make_config(task, "qc", preset, **steps), ends)
    panels = draw_tasks(groups_below(tmp_path)).axes
    assert [panel.get_title() for panel in panels] == ["lift-mh", "lite-world", "puzzle-3x3 (sparse) task 4"]
    assert [len(rings(panel)) for panel in panels] == [2, 0, 2]
    write_report([tmp_path], tmp_path / "report")
    assert (tmp_path / "report" / "tasks.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# Several tasks.


def sweep(folder, domain, methods, rate=lambda task, method: 0.5, steps=(("offline", M),), **changes):
    for task in tasks_of(domain):
        for method in methods:
            made_up(
                folder / task / method,
                full(task, method, **changes),
                dict.fromkeys(steps, rate(task, method)),
                episodes=10,
            )
    return groups_below(folder)


def groups_below(folder):
    runs = find_runs(folder)
    tasks = dict.fromkeys(run.config.task for run in runs)
    return {task: group_runs([run for run in runs if run.config.task == task]) for task in tasks}


@pytest.mark.parametrize(
    "versions, task, told",
    [
        ({"jax": "0.10.2", "ogbench": "1.2.2"}, PUZZLE, "jax 0.10.2, ogbench 1.2.2 (the paper: 1.1.2)"),
        ({"ogbench": "1.1.2", "mujoco": "3.3.0"}, PUZZLE, "ogbench 1.1.2, mujoco 3.3.0"),
        ({"ogbench": "1.2.2"}, "lift-mh-low_dim", "ogbench 1.2.2"),
        ({"ogbench": "1.2.2"}, "lite-world", "ogbench 1.2.2"),
        ({"jax": "0.10.2"}, TASK, "jax 0.10.2"),
    ],
)
def test_a_version_that_is_not_the_papers_is_flagged(versions, task, told):
    assert told_versions(versions, task) == told


def test_the_report_flags_it(tmp_path):
    made_up(tmp_path / "qc", full(PUZZLE, "qc"), {("offline", M): 0.5})
    text = write_report([tmp_path / "qc"], tmp_path / "report")
    assert text.count("(the paper: 1.1.2)") == 1


def test_a_domain_is_the_mean_of_its_tasks_and_beside_the_papers_only_if_whole(tmp_path):
    groups = sweep(
        tmp_path, "scene", ["qc", "fql"], lambda task, method: int(task[-4]) / 5 if method == "qc" else 0.2
    )
    (panel,), notes = make_panels(groups)
    assert (panel.title, len(panel.tasks), notes) == ("scene", 5, [])
    means = {label: group.points[M, 0].interval[0] for label, group in panel.groups.items()}
    assert means == {"QC": pytest.approx(0.6), "FQL": pytest.approx(0.2)}
    rows, reasons, _ = panel.compared()
    assert set(reasons.values()) == {""} and [(row["task"], row["method"]) for row in rows] == [
        ("scene", "FQL"),
        ("scene", "QC"),
    ]
    qc = rows[1]
    assert qc["paper"] == quoted("scene", "qc")[M, 0][0] and qc["our mean is"] == "below" and qc["seeds"] == 4
    four = dict(list(groups.items())[:4])
    (panel,), _ = make_panels(four)
    rows, reasons, _ = panel.compared()
    assert rows == [] and set(reasons.values()) == {"the paper's figure is of all 5 tasks"}


def test_a_panel_takes_only_tasks_that_each_of_its_methods_has(tmp_path):
    groups = sweep(tmp_path / "a", "scene", ["qc", "fql"]) | sweep(tmp_path / "b", "puzzle-3x3", ["qc"])
    lacking = tasks_of("scene")[2]
    del groups[lacking]["FQL"]
    panels, notes = make_panels(groups)
    assert [(panel.title, len(panel.tasks), list(panel.groups)) for panel in panels] == [
        ("scene", 4, ["FQL", "QC"]),
        ("puzzle-3x3", 5, ["QC"]),
        ("all", 9, ["QC"]),
    ]
    assert f"{lacking} is left out: it has no runs of FQL." in notes
    assert "Not in the mean over all, for want of some of their tasks: FQL." in notes


def test_unlike_settings_and_unshared_steps_are_not_averaged(tmp_path):
    first, second, *_ = tasks_of("scene")
    made_up(tmp_path / "1", full(first, "qc"), {("offline", 100_000): 0.5, ("offline", M): 1.0})
    made_up(tmp_path / "2", full(second, "qc"), {("offline", 100_000): 0.1})
    (panel,), _ = make_panels(groups_below(tmp_path))
    points = panel.groups["QC"].points
    assert list(points) == [(100_000, 0)] and points[100_000, 0].interval[0] == pytest.approx(0.3)
    made_up(tmp_path / "3", full(first, "fql"), {("offline", M): 0.5})
    made_up(tmp_path / "4", full(second, "fql", batch_size=128), {("offline", M): 0.5})
    (panel,), notes = make_panels(groups_below(tmp_path))
    assert list(panel.groups) == ["QC"]
    assert "FQL is left out: its settings are not the same on all tasks." in notes


def test_the_report_of_a_sweep_has_every_run_below_its_folder(tmp_path):
    sweep(
        tmp_path / "sweep",
        "scene",
        ["qc"],
        steps=(("offline", 100_000),),
        offline_steps=100_000,
        online_steps=0,
    )
    waiting = create_run(
        tmp_path / "sweep" / "later",
        full(PUZZLE, "qc"),
        {"sha256": "0", "transitions": 1, "provenance": "x"},
        resume=False,
    )
    text = write_report([tmp_path / "sweep"], tmp_path / "report")
    assert (
        text.count("\n### ") == 5
        and "### Mean over tasks" in text
        and f"Left out: {waiting.folder} has no evaluation yet" in text
    )
    rows = read_csv(tmp_path / "report" / "comparison.csv")
    assert [row["task"] for row in rows] == [*tasks_of("scene"), "scene"]
    (point,) = read_csv(tmp_path / "report" / "aggregate.csv")
    assert (point["panel"], point["method"], point["mean"], point["tasks"], point["seeds"]) == (
        "scene",
        "QC",
        0.5,
        5,
        4,
    )
    assert (tmp_path / "report" / "aggregate.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "| scene (5) | QC | 100000 | 50% [" in (tmp_path / "report" / "aggregate.md").read_text()
    with pytest.raises(QlacError, match="has no evaluation yet"):
        write_report([waiting.folder], tmp_path / "report")
    with pytest.raises(QlacError, match="holds no run"):
        find_runs(tmp_path / "report")


def test_a_report_waits_for_another_one_in_its_folder(tmp_path):
    made_up(tmp_path / "run", tiny_config(), {("offline", 20): 0.5})
    waits, say = threading.Event(), lambda text: "Waiting for process" in text and waits.set()
    with ThreadPoolExecutor() as pool:
        with locked(tmp_path / "report" / ".lock"):
            second = pool.submit(write_report, [tmp_path / "run"], tmp_path / "report", say)
            assert waits.wait(60) and not list((tmp_path / "report").glob("[!.]*"))
        assert second.result().endswith(f"Written to {tmp_path / 'report'}")


def test_seeds_of_one_method_are_pooled_and_a_shared_one_is_refused(tmp_path):
    runs = [
        made_up(tmp_path / str(first), tiny_config(first_seed=first), {("offline", 20): rate})
        for first, rate in ((0, 0.2), (2, 0.6))
    ]
    ((label, group),) = group_runs(runs).items()
    assert label == "QC-FQL" and list(group.outcomes[0][20, 0]) == [0, 1, 2, 3]
    assert group.points[20, 0].interval[0] == pytest.approx(0.4) and group.points[20, 0].seeds == 4
    with pytest.raises(QlacError, match="share a seed"):
        group_runs([*runs, runs[0]])
    more = made_up(
        tmp_path / "more",
        tiny_config(),
        {("offline", 20): 1.0},
        collected={"run": "runs/d1", "transitions": [5, 5]},
    )
    pooled = group_runs([*runs, more]).values()
    assert [len(group.runs) for group in pooled] == [2, 1]  # of other data: not pooled
    longer = made_up(
        tmp_path / "longer",
        tiny_config(first_seed=7, flow_steps=3, offline_steps=30),
        {("offline", 30): 1.0},
    )
    assert list(group_runs([runs[0], longer])) == [  # of other settings: told apart
        "QC-FQL, offline_steps=20, flow_steps=2",
        "QC-FQL, offline_steps=30, flow_steps=3",
    ]


def test_the_stratified_bootstrap():
    task = [np.repeat([0, 1], 25)] * 4
    mean, low, high = success_interval(task, task)
    width = 2 * 1.96 * np.sqrt(0.25 / 400)  # 400 episodes
    assert mean == 0.5 and high - low == pytest.approx(width, rel=0.1)
    unlike = [np.ones(50), np.zeros(50), np.ones(50), np.zeros(50)]
    _, low, high = success_interval(unlike, unlike)
    width = 2 * 1.96 * np.sqrt(0.25 / 8)  # 8 seeds, not 400 episodes
    assert high - low == pytest.approx(width, rel=0.1)
    assert success_interval([np.ones(5)] * 2, [np.zeros(5)] * 2) == (0.5, 0.5, 0.5)  # tasks are not resampled
    solved = success_interval(*[[np.ones(5)] * 2] * 2)
    assert solved[1] == pytest.approx(0.025 ** (1 / 20))  # 20 episodes: Clopper-Pearson
