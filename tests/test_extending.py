"""CONTRIBUTING.md, and a task of one's own, done as the pages say: their code blocks are installed and their
claims tried, so that they cannot go stale."""

import ast
import importlib.util
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import conftest
import numpy as np
import pytest
import test_agents
import test_paper

import qlac_lite
from qlac_lite import agents
from qlac_lite.config import METHODS, make_config, methods, protocol, tasks
from qlac_lite.config.tasks import DOMAINS, LITE_DOMAIN, LITE_WORLD, ROBOMIMIC, get_task
from qlac_lite.data.fetch import generate
from qlac_lite.experiments.sweep.spec import read_spec
from qlac_lite.reports import paper
from qlac_lite.reports.by_task import write_report
from qlac_lite.reports.one_run import evaluate_run
from qlac_lite.training.loop import start_run, train
from qlac_lite.training.policy import export_policy, load_policies
from qlac_lite.utils.files import read_csv, read_npz

ROOT = Path(__file__).parents[1]
PACKAGE = Path(qlac_lite.__file__).parent
PAGES = "".join((ROOT / name).read_text() for name in ("CONTRIBUTING.md", "docs/own-data.md"))


def section(title):
    return PAGES.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block(title, begins):
    """The one block of Python in a section that begins so."""
    (found,) = [
        code
        for code in re.findall(r"```python\n(.*?)```", section(title), re.S)
        if code.lstrip().startswith(begins)
    ]
    return found


def heads(source):
    """The import statements at the head of a module, and those that are no function's."""
    inside = {
        child for node in ast.walk(source) if isinstance(node, ast.FunctionDef) for child in ast.walk(node)
    }
    return [
        node
        for node in ast.walk(source)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in inside
    ]


MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}


def test_the_names_that_the_pages_quote_are_the_librarys():
    places = re.findall(r"((?:`\w+`(?:,\s| and\s))*`\w+`)\s+in\s+`([\w/]+\.py)`", PAGES)
    for names, file in places:
        text = next(
            path for path in (PACKAGE / file, ROOT / "tests" / file, ROOT / file) if path.exists()
        ).read_text()
        assert all(
            re.search(rf"\b{name}\b", text) for name in re.findall(r"\w+", names.replace(" and ", " "))
        ), (names, file)
    assert len(places) >= 8
    for file, name in re.findall(r"`(tests/[\w/]+\.py)`, `(\w+)`", PAGES):
        assert re.search(rf"\b{name}\b", (ROOT / file).read_text()), (file, name)


# A new method.


@pytest.fixture
def bfn_mean(monkeypatch):
    """The page's method, from its two blocks alone: the row, and the file below the imports of best_of_n."""
    (row,) = eval(block("A new method", "Method("), vars(methods))
    module = ModuleType("qlac_lite.agents.mean_of_n")
    frame = [ast.unparse(node) for node in heads(ast.parse(MODULES["agents/best_of_n"].read_text()))]
    exec("\n".join([*frame, block("A new method", "def make_learner")]), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(agents, "mean_of_n", module, raising=False)
    monkeypatch.setitem(METHODS, row.name, row)
    return row.name


def edited(function, *changes):
    """The same function with text of its source replaced, each once."""
    source = inspect.getsource(function)
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    scope = dict(vars(inspect.getmodule(function)))
    exec(source, scope)
    return scope[function.__name__]


def test_qlac_methods_names_it_and_says_its_n(bfn_mean):
    first, second = protocol.describe_methods().partition("\nbfn-mean ")[2].splitlines()[:2]
    assert "the mean of N samples" in first
    assert second.strip() == "backup over 1 step, acts step by step, candidates=4"


def test_the_row_and_the_file_are_all_that_the_tests_of_methods_ask_for(bfn_mean):
    """Routing of gradients, shape, range and key of its actions; updates; lengths; the paper's figures."""
    test_agents.test_each_loss_moves_its_own_network_and_no_other(bfn_mean)
    test_agents.test_acting_gives_chunks_in_range_that_follow_the_key(bfn_mean)
    test_agents.test_an_update_moves_every_network_and_the_target_by_its_rate(bfn_mean)
    test_agents.test_chunk_and_backup_lengths_of_the_methods()
    test_paper.test_every_method_of_the_paper_is_quoted_at_its_protocols_steps()
    test_paper.test_the_results_page_quotes_the_same_numbers()


def test_a_run_of_it_trains_is_evaluated_reported_and_exported(bfn_mean, tmp_path):
    """On the lite world, offline and online; in the report with its own colour; the policy's file holds the
    flow alone."""
    generate(LITE_DOMAIN, 2, 0, tmp_path / "play.npz")
    run, dataset = start_run(
        make_config(LITE_WORLD, bfn_mean, **conftest.TINY), tmp_path / "play.npz", tmp_path / "run"
    )
    train(run, dataset, log=lambda text: None)
    assert {(row["phase"], row["step"]) for row in run.rows("evaluations.csv")} == {
        ("offline", 20),
        ("online", 20),
    }
    assert all(np.isfinite([row["critic_loss"], row["flow_loss"]]).all() for row in run.rows("progress.csv"))
    assert "BFN-mean on lite-world, after training" in evaluate_run(run.folder, 1)

    looks = [(row.colour, row.marker) for row in METHODS.values()]
    assert len(set(looks)) == len(looks)
    assert "| BFN-mean | 20 |" in write_report([run.folder], tmp_path / "report")
    assert [row["method"] for row in read_csv(tmp_path / "report" / f"{LITE_WORLD}.csv")] == ["BFN-mean"]

    policy = export_policy(run, 1, tmp_path / "policy.npz")
    assert not any("critic" in name for name in read_npz(tmp_path / "policy.npz", ""))
    (actor, params), *_ = load_policies(run)
    observation, zero = (
        np.random.default_rng(0).normal(size=(2, 1, 8)).astype(np.float32),
        np.zeros((2, 1), int),
    )
    both = actor(params, observation, np.uint32([0, 1]), 1, zero, zero)
    one = policy.actor(policy.params, observation[1:], np.uint32([1]), 1, zero[1:], zero[1:])
    assert one.shape == (1, 1, 1, 3)
    np.testing.assert_allclose(one[0], both[1], atol=1e-5)


def test_a_sweep_knows_it(bfn_mean, tmp_path):
    (tmp_path / "sweep.toml").write_text('tasks = ["lite-world"]\nmethods = ["bfn*"]\nseeds = 2\n')
    assert [cell.method for cell in read_spec(tmp_path / "sweep.toml").cells] == ["bfn", "bfn-n", "bfn-mean"]


# A new task.

IN_THE_COPY = """
import sys
from pathlib import Path
import conftest, test_data
from qlac_lite.config import tasks
from qlac_lite.training import loop
from qlac_lite.config import make_config
from qlac_lite.data.fetch import generate
from qlac_lite.training.loop import start_run, train

if __name__ == "__main__":
    assert Path(tasks.__file__).is_relative_to(Path.cwd()), tasks.__file__
    domain, path = sys.argv[1], Path("play.npz")
    generate(tasks.DOMAINS[domain], 2, 0, path)
    test_data.test_every_domain_generates_a_sound_file_that_the_ogbench_package_reads(\
lambda domain: path, domain)
    task = f"{domain}-play-singletask-task1-v0"
    test_data.task_names = lambda: [task]
    test_data.test_labels_equal_what_the_environment_rewards(lambda domain: path, domain)
    loop.Recorder._evaluate = lambda *args: None  # takes longest, and is the same simulator
    run, dataset = start_run(make_config(task, "rlpd-ac", \
**conftest.TINY | dict(offline_steps=0, seeds=1, critics=2)), path, Path("run"))
    train(run, dataset, log=lambda text: None)
    last = run.rows("progress.csv")[-1]
    print("trained", last["phase"], last["step"], len(test_data.DOMAINS))
"""


def new_row():
    """The page's row for config/tasks.py, as text and as a Domain."""
    text = block("A task of your own", 'Domain("puzzle-4x4"').strip()
    (row,) = eval(text, vars(tasks))
    return text, row


def test_a_row_for_another_puzzle_is_all_that_a_task_of_ogbench_takes(tmp_path):
    """In a copy, because simulators run in processes of their own: generated, read by the package,
    labelled as the simulator rewards, trained online with simulators beside."""
    shutil.copytree(PACKAGE, tmp_path / "qlac_lite", ignore=shutil.ignore_patterns("__pycache__", "assets"))
    for name in ("conftest.py", "test_cli.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path)
    fifth = lambda number: str(
        int(number[0]) // 5 + int(number[0]) % 5
    )  # shorter episodes: 200 steps in place of 1000
    (tmp_path / "test_data.py").write_text(
        re.sub(
            r"\b(500|1000|1500|2000|2002)\b", fifth, (ROOT / "tests" / "data" / "test_data.py").read_text()
        )
    )
    text, row = new_row()
    assert row.name not in DOMAINS
    for file, begins, becomes in (
        ("config/tasks", ' +Domain\\("puzzle-3x3"', rf"\g<0>        {text}\n"),
        ("data/suites/ogbench_play", "STEPS = 1001", "STEPS = 201\n"),
    ):
        path = tmp_path / "qlac_lite" / f"{file}.py"
        changed, count = re.subn(rf"^{begins}.*\n", becomes, path.read_text(), flags=re.M)
        assert count == 1
        path.write_text(changed)
    (tmp_path / "script.py").write_text(IN_THE_COPY)
    done = subprocess.run(
        [sys.executable, "script.py", row.name], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-4:] == ["trained", "online", "20", str(len(DOMAINS) + 1)]


def test_the_listings_and_the_papers_tests_have_to_be_told_of_a_task_that_is_not_the_papers(monkeypatch):
    _, row = new_row()
    monkeypatch.setitem(DOMAINS, row.name, row)
    assert get_task("puzzle-4x4-play-singletask-task5-v0").domain == row
    line = lambda: next(
        line for line in protocol.describe_tasks().splitlines() if line.startswith("puzzle-4x4-play-v0")
    )
    assert line().split()[:3] == [
        "puzzle-4x4-play-v0",
        "83",
        "500",
    ]  # no * yet: as if the limit were the paper's
    both = ('domain.name == "cube-single"', 'domain.name in ("cube-single", "puzzle-4x4")')
    monkeypatch.setattr(protocol, "_row", edited(protocol._row, both))
    assert line().startswith("puzzle-4x4-play-v0*")

    monkeypatch.setattr(paper, "MEANS", (*paper.MEANS, row.name))
    monkeypatch.setattr(test_paper, "PAPER_DOMAINS", [*test_paper.PAPER_DOMAINS, row.name])
    with pytest.raises(AssertionError, match="puzzle-4x4"):
        test_paper.test_every_method_of_the_paper_is_quoted_at_its_protocols_steps()
    test_paper.test_a_domain_is_the_mean_of_its_tasks_as_far_as_the_released_curves_agree()
    monkeypatch.setattr(test_paper, "PAPER_DOMAINS", test_paper.PAPER_DOMAINS[:-1])
    test_paper.test_every_method_of_the_paper_is_quoted_at_its_protocols_steps()


def test_the_row_that_the_page_shows_is_the_tables_and_no_two_rows_are_mistaken_for_each_other():
    (shown,) = eval(block("A task of your own", 'Domain("cube-double"'), vars(tasks))
    assert shown == DOMAINS["cube-double"]
    sizes = [(row.observation_size, row.buttons) for row in (*DOMAINS.values(), new_row()[1])]
    assert len(set(sizes)) == len(sizes)


def test_another_robomimic_set_is_a_row(tmp_path, monkeypatch):
    """Lift by a third kind of people, whom no mask tells."""
    h5py = pytest.importorskip("h5py", reason="Robomimic's extra is not installed: make robomimic")
    if importlib.util.find_spec("robosuite") is None:
        pytest.skip("Robomimic's simulator is not installed: make robomimic")
    from qlac_lite.data.load import load
    from qlac_lite.data.suites import robomimic_files
    from qlac_lite.data.suites.robomimic_scripts import demonstrate
    from qlac_lite.envs.robomimic_spec import env_args

    row = tasks._robomimic("lift", "paired", 19, 300, 1, 50)
    monkeypatch.setitem(ROBOMIMIC, row.name, row)
    path = tmp_path / "lift.hdf5"
    robomimic_files.write(path, [demonstrate("lift", row.env_type, 0, 0)], env_args("lift"), "a script")
    with h5py.File(path, "a") as file:
        file["mask/paired"] = file["mask/train"][:]
    dataset, summary = load(path, get_task(row.name))
    assert summary["domain"] == row.name and (dataset.rewards.max(), dataset.rewards.min()) == (0, -1)
    assert row.name in protocol.describe_tasks()


# A lesson in ten minutes.

LESSON = "A lesson in ten minutes"


@pytest.fixture
def exercise(tmp_path):
    """blind_share: the page's check at the end of a copy of lesson 00's, as a module."""
    path = tmp_path / "lesson00.py"
    path.write_text(
        MODULES["lessons/checks/lesson00"].read_text() + "\n\n" + block(LESSON, "def blind_share")
    )
    spec = importlib.util.spec_from_file_location("copy_of_lesson00", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answers():
    """RIGHT and WRONG of the page; its "..." are the answers that are there."""
    scope = {"np": np}
    exec(re.sub(r"^    \.\.\.$", "}", block(LESSON, "RIGHT ="), flags=re.M), scope)
    return scope["RIGHT"], scope["WRONG"]


def test_the_new_check_accepts_right_answers_and_refuses_the_wrong_ones_as_stated(
    exercise, answers, monkeypatch, capsys
):
    """By the tests that hold for every check: the library's, the misconceptions, accidents;
    and the page's own answers."""
    import test_checks

    name, (right, wrong) = "check_blind_share", answers
    assert right.keys() == wrong.keys() == {name} and len(wrong[name]) == 2
    monkeypatch.setitem(test_checks.ALL, name, exercise.check_blind_share)
    monkeypatch.setitem(test_checks.WRONG, name, wrong[name])
    test_checks.test_the_librarys_function_is_right_in_many_random_cases(name)
    test_checks.test_every_misconception_is_refused_by_its_name(name)
    test_checks.test_a_right_answer_written_otherwise_is_accepted(name, right[name])
    for label in wrong[name]:
        test_checks.test_a_plausible_wrong_answer_is_refused_with_help(name, label)
    test_checks.test_what_a_learner_may_hand_in_by_accident(name, monkeypatch, capsys)
    told_apart = exercise.check_blind_share.judge(right[name], seed=3)
    assert (
        told_apart.status == "right"
        and exercise.check_blind_share.judge(lambda n, h: 1 - n % h / n, seed=3).status == "wrong"
    )


def test_the_workshop_takes_the_lesson_with_the_new_cells(exercise, tmp_path):
    """No complaint, a stub for the learner, and the check says of stub and solution what it should;
    not executed as a whole."""
    for tool in ("jupytext", "nbgrader"):
        pytest.importorskip(tool, reason="the workshop's tools are not installed")
    from build_lessons import lint, read_lesson, student

    cells = block(LESSON, "# %% [markdown]")
    path = tmp_path / "00_welcome.py"
    path.write_text((ROOT / "solutions" / "00_welcome.py").read_text() + "\n" + cells)
    lesson = read_lesson(path)
    assert lint(lesson) == []
    for notebook, verdict in ((lesson, "right in all 5 cases"), (student(lesson), "not attempted yet")):
        code = {cell.id: cell.source for cell in notebook.cells}
        scope = {"np": np, "checks": exercise, "decision_steps": exercise.decision_steps}
        exec(code["blind_share"], scope)
        assert ("### BEGIN SOLUTION" in code["blind_share"]) == (notebook is lesson)
        assert verdict in str(exercise.check_blind_share.judge(scope["blind_share"]))
        exec(code["check_blind_share"], scope)
        assert scope["blind_share"](20, 5) == pytest.approx(0.8)  # later cells go on with the right one
    for old, new, complaint in (
        ('"points": 1', '"points": 0', "has points"),
        ("    ### BEGIN SOLUTION\n", "", "marks its solution"),
    ):
        assert cells.count(old) == 1
        path.write_text((ROOT / "solutions" / "00_welcome.py").read_text() + "\n" + cells.replace(old, new))
        assert any(complaint in problem for problem in lint(read_lesson(path)))
