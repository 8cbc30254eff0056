"""Data files: generated to the byte, resumed after a kill, verified, labelled as the environment rewards."""

import itertools
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from unittest import mock

import numpy as np
import psutil
import pytest
from conftest import TINY, assert_same_arrays, grid
from ogbench.utils import load_dataset, make_env_and_datasets
from test_cli import here

from qlac_lite.config import make_config
from qlac_lite.config.tasks import DOMAINS, get_task, task_names
from qlac_lite.data import fetch
from qlac_lite.data.fetch import generate
from qlac_lite.data.load import count_solved, load, read, verify
from qlac_lite.data.records import record_source
from qlac_lite.data.shards import open_shards
from qlac_lite.data.suites import ogbench, parallel, suite_of
from qlac_lite.data.suites.ogbench import solved_objects
from qlac_lite.data.suites.ogbench_play import STEPS, collect_episode
from qlac_lite.envs.make import make_env
from qlac_lite.envs.ogbench import task_goal
from qlac_lite.training.loop import start_run, train
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_npz

TASK = get_task("cube-single-play-singletask-task1-v0")
SINGLE = DOMAINS["cube-single"]


def test_a_file_does_not_depend_on_the_number_of_workers(play_file, tmp_path):
    again = tmp_path / "again.npz"
    generate(SINGLE, 2, 0, again, workers=1)
    assert again.read_bytes() == play_file("cube-single").read_bytes()
    other = collect_episode(SINGLE, 1, 0)
    assert not np.array_equal(other["observations"], read_npz(again, "")["observations"][:STEPS])


def test_a_killed_generation_goes_on_and_ends_in_the_same_bytes(play_file, tmp_path):
    target = tmp_path / "killed.npz"
    code = (
        "from qlac_lite.config import DOMAINS\n"
        "from qlac_lite.data.fetch import generate\n"
        "from pathlib import Path\n"
        f"generate(DOMAINS['cube-single'], 3, 0, Path({str(target)!r}), 1)"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script)], start_new_session=True, stderr=subprocess.DEVNULL
    )
    parts = tmp_path / "killed.npz.parts"
    deadline = time.monotonic() + 120
    while not list(parts.glob("0-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    lives = lambda each: each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    while any(map(lives, below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(below) >= 3 and not any(map(lives, below))  # its simulators end with it
    assert not target.exists() and len(list(parts.glob("0-*.npz"))) in (1, 2)
    done = {path: path.stat().st_mtime_ns for path in parts.glob("0-*.npz")}
    generate(SINGLE, 3, 0, target, 2)
    assert done and not parts.exists()
    arrays = read_npz(target, "")
    first_two = read_npz(play_file("cube-single"), "")
    np.testing.assert_array_equal(arrays["observations"][: 2 * STEPS], first_two["observations"])
    assert verify(target)["episodes"] == 3


def at_once(first, second, say):
    """Calls `second` while `first` makes a file; `say` is told that the other one waits."""
    waits = threading.Event()
    say.side_effect = lambda text: "Waiting for process" in text and waits.set()
    with ThreadPoolExecutor(2) as pool:
        made, began = [], threading.Event()

        def slowly(write):
            made.append(write)
            began.set()
            assert waits.wait(60)
            write()

        one = pool.submit(first, slowly)
        assert began.wait(60)
        two = pool.submit(second, slowly)
        return one.result(60), two.result(60), len(made)


@pytest.mark.parametrize("way", ["get_dataset", "shards", "generate", "download"])
def test_of_two_processes_one_makes_the_file_and_the_other_takes_it(way, play_file, tmp_path, monkeypatch):
    """Threads stand in for the processes: the lock keeps them apart as well."""
    say, content, slow = mock.Mock(), play_file().read_bytes(), []
    stand_in = lambda domain, episodes, seed, path, workers: slow[-1](lambda: path.write_bytes(content))
    monkeypatch.setattr(ogbench, "generate", stand_in)
    serve = lambda downloader, url, out, _: slow[-1](lambda: Path(out).write_bytes(content))
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", serve)
    get = lambda source, **more: fetch.get_dataset(
        "cube-single-play-v0", source, out=tmp_path, log=say, **more
    )
    call = {
        "get_dataset": lambda: get("generate", episodes=2),
        "shards": lambda: get("generate", episodes=2, shards=1),
        "generate": lambda: generate(SINGLE, 2, 0, tmp_path / "play.npz", log=say),
        "download": lambda: get("download"),
    }[way]

    def begin(slowly):
        slow.append(slowly)
        return call()

    one, two, made = at_once(begin, begin, say)
    assert one == two and made == 1
    (path,) = tmp_path.rglob("[!.]*.npz")
    assert verify(path)["transitions"] == 2000 and not list(tmp_path.glob(".*.part"))


def test_a_killed_download_leaves_no_file_that_counts_as_given(play_file, tmp_path, monkeypatch):
    write = lambda self, url, out, _: Path(out).write_bytes(play_file().read_bytes())
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", write)
    monkeypatch.setattr(fetch, "record_source", mock.Mock(side_effect=KeyboardInterrupt))
    get = lambda: fetch.get_dataset("cube-single-play-v0", "download", out=tmp_path, log=mock.Mock())
    with pytest.raises(KeyboardInterrupt):
        get()
    assert not list(tmp_path.glob("[!.]*"))
    monkeypatch.setattr(fetch, "record_source", record_source)
    assert get().name == "cube-single-play-v0.npz"
    assert (tmp_path / "cube-single-play-v0.npz.source.json").exists()


def test_ctrl_c_ends_the_simulators_and_keeps_finished_episodes(tmp_path, monkeypatch):
    first = lambda futures: itertools.chain(itertools.islice(as_completed(futures), 1), interrupted())

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        yield

    monkeypatch.setattr(parallel, "as_completed", first)
    with pytest.raises(KeyboardInterrupt):
        generate(SINGLE, 3, 0, tmp_path / "play.npz", 1)
    assert not multiprocessing.active_children()
    assert [path.name for path in tmp_path.glob("*.parts/[!.]*")][:1] == ["0-000000.npz"]


@pytest.mark.parametrize("domain", grid(DOMAINS, "cube-single", "puzzle-3x3"))
def test_every_domain_generates_a_sound_file_that_the_ogbench_package_reads(play_file, domain):
    path = play_file(domain)
    summary = verify(path, DOMAINS[domain])
    assert (summary["domain"], summary["transitions"], summary["episode_length"]) == (
        domain,
        2000,
        [1000, 1000],
    )
    from ogbench.utils import load_dataset

    loaded = load_dataset(str(path), compact_dataset=True, add_info=True)
    assert loaded["observations"].shape == (2002, DOMAINS[domain].observation_size)
    assert loaded["terminals"].sum() == 4 and loaded["valids"].sum() == 2000
    actions = loaded["actions"]
    assert np.abs(actions).max() <= 1 and np.abs(actions).std() > 0.05


@pytest.mark.parametrize("domain", grid(DOMAINS, "cube-single", "scene"))
def test_labels_equal_what_the_environment_rewards(play_file, domain):
    """States of the file, and the goal itself, put into the simulator:
    its own reward function is the reference."""
    arrays = read_npz(play_file(domain), "")
    for name in (n for n in task_names() if get_task(n).domain.name == domain):
        task = get_task(name)
        env = make_env(task)
        env.reset(seed=0)
        simulator = env.unwrapped
        dataset, _ = load(play_file(domain), task)
        solved = solved_objects(arrays, task)
        for row in (1, 500, 1000, 1500):
            states = [arrays["qpos"][row], arrays["qvel"][row]]
            states += [arrays["button_states"][row]] if task.domain.buttons else []
            simulator.set_state(*states)
            reward = simulator.compute_reward()
            reward = (0.0 if reward == 0 else -1.0) if task.sparse else reward
            if row % STEPS != 0:  # the reward of the step that led to this state
                assert dataset.rewards[row - 1] == reward, (name, row)
                assert dataset.masks[row - 1] == (0.0 if solved[row].all() else 1.0)


@pytest.mark.parametrize("domain", ["cube-double", "scene"])
def test_labels_of_the_current_state_are_those_of_the_next_one_a_step_later(play_file, domain):
    """As the `ogbench` package relabels its data: reward and mask of s_t."""
    task = get_task(next(n for n in task_names() if get_task(n).domain.name == domain))
    ours, published = (load(play_file(domain), task, offline_reward=when)[0] for when in ("next", "current"))
    from ogbench.relabel_utils import relabel_dataset

    arrays = read_npz(play_file(domain), "")
    env = make_env(task).unwrapped
    dataset = {key: arrays[key] for key in arrays if key != "provenance"}
    relabel_dataset(task.name, env, dataset)
    inside = ours.steps_left > 0
    np.testing.assert_array_equal(published.rewards[inside], dataset["rewards"][inside])
    np.testing.assert_array_equal(published.masks[inside], dataset["masks"][inside])
    rows = np.flatnonzero(ours.steps_left > 1)
    np.testing.assert_array_equal(ours.rewards[rows], published.rewards[rows + 1])
    np.testing.assert_array_equal(ours.masks[rows], published.masks[rows + 1])
    with pytest.raises(QlacError, match="rewards are in its file"):
        suite_of(get_task("lift-mh-low_dim").domain).label([], get_task("lift-mh-low_dim"), 1, "current")


def test_a_solved_state_is_labelled_terminal_with_reward_zero(play_file):
    arrays = read_npz(play_file("cube-single"), "")
    arrays["qpos"][:, 14:17] = task_goal(TASK)["cubes"][0] + [0.03, 0, 0]
    assert solved_objects(arrays, TASK).all()
    arrays["qpos"][:, 14:17] += [0.02, 0, 0]
    assert not solved_objects(arrays, TASK).any()


@pytest.fixture
def spoil(play_file, tmp_path):
    def change(**changes):
        arrays = read_npz(play_file("cube-single"), "") | changes
        path = tmp_path / "spoiled.npz"
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return change


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("qpos", lambda a: None, "key 'qpos' is missing"),
        ("observations", lambda a: a[:, :20], "size 20 fit none of"),
        ("observations", lambda a: a[:-1], "has the shape .* but observations have 2001 rows"),
        (
            "observations",
            lambda a: np.where(np.arange(len(a))[:, None] == 5, np.nan, a),
            "NaN or infinity in row 5",
        ),
        ("observations", lambda a: a[::-1], "rows are shuffled"),
        ("actions", lambda a: a * 3, r"outside \[-1, 1\]"),
        ("actions", lambda a: a[:, :4], r"not \(2002, 5\)"),
        ("actions", lambda a: a.astype(str), "not numbers"),
        ("terminals", lambda a: np.zeros_like(a), "the file was cut"),
        ("terminals", lambda a: a | (np.arange(len(a)) == 1001), "episode 1 has one row"),
        ("qpos", lambda a: a[:, :15], "qpos has the shape"),
    ],
)
def test_a_spoiled_file_is_refused_with_the_remedy(spoil, play_file, key, change, message):
    path = spoil(**{key: change(read_npz(play_file("cube-single"), "")[key])})
    with pytest.raises(QlacError, match=message) as error:
        verify(path, SINGLE)
    assert "qlac data cube-single-play-v0" in str(error.value)


def dictionary(path, **options):
    """What OGBench's package gives, from a file with another name than its own."""
    return make_env_and_datasets(dataset_path=str(path), dataset_only=False, **options)[1]


@pytest.fixture(scope="module")
def package_file(play_file, tmp_path_factory):
    """The play file of a domain, twice, as the package wants it."""
    folder = tmp_path_factory.mktemp("package")

    def path(domain):
        for name in (f"{domain}.npz", f"{domain}-val.npz"):
            (folder / name).write_bytes(play_file(domain).read_bytes())
        return folder / f"{domain}.npz"

    return path


@pytest.mark.parametrize(
    ("name", "unused"),
    [
        ("cube-single-play-v0", ""),
        ("cube-single-play-singletask-task1-v0", "; not used: masks, rewards"),
        ("scene-play-oraclerep-v0", "; not used: oracle_reps"),
        ("puzzle-3x3-play-v0", ""),
    ],
)
def test_a_compact_dictionary_of_the_package_is_the_file(name, unused, package_file, play_file, tmp_path):
    domain = name.partition("-play")[0]
    made = dictionary(package_file(domain), dataset_name=name, compact_dataset=True, add_info=True)
    (tmp_path / "shards").mkdir()
    saved = tmp_path / "shards" / "saved.npz"
    np.savez(saved, **made)
    task = get_task(f"{domain}-play-singletask-task1-v0")
    (ours, summary), (whole, _) = load(saved, task), load(play_file(domain), task)
    assert_same_arrays(ours._asdict(), whole._asdict())
    assert (
        summary["provenance"]
        == f"a file given, of unrecorded origin (official files carry no record){unused}"
    )
    streamed = open_shards(saved.parent, task)[0].load(0)  # whose starts are padded
    assert_same_arrays(streamed._replace(starts=streamed.starts[:2000])._asdict(), whole._asdict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(dataset_name="cube-single-play-v0"), "with next_observations, the last state"),
        (dict(dataset_name="cube-single-play-v0", add_info=True), "with next_observations, the last state"),
        (dict(dataset_name="cube-single-play-singletask-v0"), "with next_observations, the last state"),
        (dict(dataset_name="cube-single-play-v0", compact_dataset=True), "the key 'qpos' is missing"),
        (dict(dataset_name="scene-play-v0", compact_dataset=True), "the key 'button_states' is missing"),
    ],
)
def test_a_dictionary_that_lacks_states_is_refused_and_what_to_save_is_said(
    options, message, package_file, tmp_path
):
    made = dictionary(package_file(options["dataset_name"].partition("-play")[0]), **options)
    np.savez(tmp_path / "saved.npz", **made)
    with pytest.raises(QlacError, match=message) as error:
        verify(tmp_path / "saved.npz")
    assert "save that of compact_dataset=True, add_info=True: np.savez(FILE, **dataset)." in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: {key: d[key] for key in d if key != "valids"}, "episode 1 has one row"),
        (lambda d: {key: d[key] for key in d if key != "terminals"}, "'terminals' is missing"),
        (lambda d: d | {"valids": np.roll(d["valids"], 5)}, "valids and terminals disagree"),
        (lambda d: d | {"valids": d["valids"][1:]}, "valids and terminals disagree"),
        (lambda d: {key: value[:1500] for key, value in d.items()}, "valids and terminals disagree"),
        (lambda d: {f"arr_{i}": value for i, value in enumerate(d.values())}, "'observations' is missing"),
        (lambda d: {"data": np.array(d, dtype=object)}, "Save each array by its name"),
    ],
)
def test_a_spoiled_dictionary_is_refused(change, message, play_file, tmp_path):
    made = load_dataset(str(play_file()), compact_dataset=True, add_info=True)
    np.savez(tmp_path / "saved.npz", **change(made))
    with pytest.raises(QlacError, match=message):
        verify(tmp_path / "saved.npz")


def test_no_key_is_passed_over_in_silence(spoil, play_file):
    extra = dict(timeouts=np.zeros(7), env_name=np.array("cube"), rewards=np.zeros(2002))
    told = verify(spoil(**extra))["provenance"]
    assert told.startswith("generated by ogbench") and told.endswith(
        "; not used: env_name, rewards, timeouts"
    )


def solved_at(spoil, *rows):
    """A play file in which the task is solved at these rows."""
    qpos = read_npz(spoil(), "")["qpos"]
    qpos[list(rows), 14:17] = task_goal(TASK)["cubes"][0]
    return spoil(qpos=qpos)


@pytest.mark.parametrize(
    ("rows", "steps", "episodes"),
    [
        ((), 0, 0),
        ((5, 6, 1500), 3, 2),
        ((0,), 0, 0),
        ((STEPS - 1,), 1, 1),
        ((STEPS,), 0, 0),
        ((STEPS + 1,), 1, 1),
    ],
)
def test_successes_are_counted(rows, steps, episodes, spoil):
    """A solved state that no transition leads to, the first of an episode, is none."""
    path = solved_at(spoil, *rows)
    assert load(path, TASK)[1]["solved"] == {TASK.name: [steps, episodes]}
    assert count_solved(read(path)[0], [TASK]) == {TASK.name: [steps, episodes]}


def test_verify_says_how_often_each_task_is_solved(spoil):
    path = solved_at(spoil, 5, 6, 1500)
    said = here("data", "--verify", path).stdout.splitlines()
    assert said[1] == f"{TASK.name}: 3 solved steps in 2 of 2 episodes" and len(said) == 6
    said = here("data", TASK.name.replace("1-v0", "2-v0"), "--verify", path).stdout.splitlines()
    assert said[1:] == [f"{TASK.name.replace('1-v0', '2-v0')}: 0 solved steps in 0 of 2 episodes"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (TASK.name, "every reward is -1"),
        ("cube-quadruple-play-singletask-task2-v0", "rewards tell only how many objects are right"),
        ("scene-play-sparse-singletask-task5-v0", "every reward is -1"),
    ],
)
def test_training_says_once_that_the_data_hold_no_success(name, told, play_file, tmp_path):
    config, said = make_config(name, "rlpd", **TINY | dict(offline_steps=0, online_steps=0)), []
    run, dataset = start_run(config, play_file(get_task(name).domain.name), tmp_path / "run")
    train(run, dataset, log=said.append)
    assert run.data["solved"] == {name: [0, 0]}
    assert said == [
        f"The data hold no success of {name}: {told}. More episodes may hold some: "
        f"qlac data {get_task(name).domain.dataset} --source generate --episodes N."
    ]
    train(run, dataset, log=said.append)
    assert len(said) == 2 and "is finished" in said[1]


def test_training_on_a_success_says_nothing(spoil, tmp_path):
    config, say = make_config(TASK.name, "rlpd", **TINY | dict(offline_steps=0, online_steps=0)), mock.Mock()
    train(*start_run(config, solved_at(spoil, 7), tmp_path / "run"), log=say)
    say.assert_not_called()


def test_broken_files_are_refused(play_file, tmp_path):
    content = play_file("cube-single").read_bytes()
    for size in (0, 10, 1000, len(content) // 2, len(content) - 10):
        (tmp_path / "cut.npz").write_bytes(content[:size])
        with pytest.raises(QlacError, match="cut off or is not an npz"):
            verify(tmp_path / "cut.npz")
    with pytest.raises(QlacError, match="There is no file"):
        verify(tmp_path / "absent.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(QlacError, match="not an npz"):
        verify(tmp_path / "array.npy")
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, observations=np.array([{"a": 1}], dtype=object))
    with pytest.raises(QlacError, match="holds Python objects"):
        verify(pickled)


def test_a_renamed_file_is_recognised(play_file):
    with pytest.raises(QlacError, match="holds cube-double data.*cube-single .*size 28"):
        verify(play_file("cube-double"), SINGLE)
    with pytest.raises(QlacError, match="holds puzzle-3x3 data"):  # same size as cube-quadruple
        verify(play_file("puzzle-3x3"), DOMAINS["cube-quadruple"])


def test_sources_in_their_order(play_file, tmp_path, monkeypatch):
    said = []
    get = lambda *args, **kwargs: fetch.get_dataset(*args, out=tmp_path, log=said.append, **kwargs)
    nobody = {"the authors' host": "http://127.0.0.1:9/{name}", "the mirror": "http://127.0.0.1:9/m/{name}"}
    monkeypatch.setattr(ogbench, "HOSTS", nobody)
    with pytest.raises(QlacError, match=rf"{tmp_path} or in ~/.ogbench/data.*--source auto"):
        get("cube-single-play-v0", "file")
    with pytest.raises(
        QlacError,
        match=r"the authors' host: ConnectionError; the mirror: ConnectionError.*"
        rf"qlac data cube-single-play-v0 --source generate.*{tmp_path}/cube-single-play-v0.npz",
    ):
        get("cube-single-play-v0", "download")
    monkeypatch.setattr(fetch, "FALLBACK_EPISODES", 2)
    path = get("cube-single-play-v0")  # falls back on the generator
    assert path.name == "cube-single-play-v0-generated-2-episodes-seed-0.npz"
    assert (
        any("Generating 2 episodes instead" in line and "--source" not in line for line in said)
        and "generated by ogbench" in said[-1]
    )
    (tmp_path / "cube-single-play-v0.npz").write_bytes(play_file("cube-single").read_bytes())
    assert get("cube-single-play-v0").name == "cube-single-play-v0.npz"
    assert get("cube-single-play-singletask-task3-v0", "file").name == "cube-single-play-v0.npz"
    assert get("cube-single-play-v0", episodes=2) == path  # asked for generated episodes, and they are there
    with pytest.raises(QlacError, match="Did you mean cube-single-play-v0"):
        get("cube-singel-play-v0")
    for name in ("cube-single-play-v0", "lite-world"):
        with pytest.raises(QlacError, match="--episodes is 0"):
            get(name, episodes=0)


def test_a_download_is_verified_and_comes_from_the_first_host_that_answers(play_file, tmp_path, monkeypatch):
    import functools
    import http.server
    import threading

    served = tmp_path / "served"
    served.mkdir()
    (served / "cube-single-play-v0.npz").write_bytes(play_file("cube-single").read_bytes())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/{{name}}.npz"
        hosts = {"the authors' host": "http://127.0.0.1:9/{name}.npz", "the mirror": url}
        monkeypatch.setattr(ogbench, "HOSTS", hosts)
        said = []
        path = fetch.get_dataset("cube-single-play-v0", "download", out=tmp_path / "cache", log=said.append)
        assert path.read_bytes() == play_file("cube-single").read_bytes()
        assert "Downloaded cube-single-play-v0 from the mirror." in said
        plain = read_npz(path, "")
        del plain["provenance"]  # as in an official file
        np.savez(path, **plain)
        record_source(path, "downloaded from the mirror")
        assert verify(path)["provenance"] == "downloaded from the mirror"
        np.savez(path, **plain | {"qvel": plain["qvel"] + 1})
        with pytest.raises(QlacError, match="has changed since it was downloaded from the mirror"):
            verify(path)
        (served / "cube-double-play-v0.npz").write_bytes(b"<html>not found</html>")
        with pytest.raises(QlacError, match="cut off or is not an npz"):
            fetch.get_dataset("cube-double-play-v0", "download", out=tmp_path / "cache", log=said.append)
    finally:
        server.shutdown()


ONLINE = list(zip(DOMAINS, itertools.cycle(("qc-rlpd", "rlpd", "rlpd-ac")), strict=False))


@pytest.mark.around
@pytest.mark.parametrize("domain, method", ONLINE)
def test_every_domain_trains_online_and_is_evaluated(play_file, tmp_path, domain, method):
    """The first task of each domain, with the methods that start online:
    data, simulators, replay, evaluation fit together."""
    config = make_config(
        f"{domain}-play-singletask-task1-v0", method, **TINY | {"offline_steps": 0, "evaluation_episodes": 1}
    )
    run, dataset = start_run(config, play_file(domain), tmp_path / "run")
    train(run, dataset, log=lambda text: None)
    rows = run.rows("evaluations.csv")
    assert [row["seed"] for row in rows] == [0, 1] and all(
        row["length"] <= DOMAINS[domain].episode_limit for row in rows
    )
    losses = run.rows("progress.csv")[-1]
    assert np.isfinite(losses["critic_loss"]) and (method != "qc-rlpd" or np.isfinite(losses["bc_loss"]))
