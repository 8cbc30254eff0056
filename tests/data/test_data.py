"""Data files: generated to the byte, resumed after a kill, verified, labelled as the environment rewards."""

import itertools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import TINY

from qlac_lite.config import make_config
from qlac_lite.config.tasks import DOMAINS, get_task, task_names
from qlac_lite.data import fetch
from qlac_lite.data.fetch import generate
from qlac_lite.data.load import load, verify
from qlac_lite.data.records import record_source
from qlac_lite.data.suites import ogbench, suite_of
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
        "if __name__ == '__main__':\n"
        f" generate(DOMAINS['cube-single'], 3, 0, Path({str(target)!r}), 1)"
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
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists() and len(list(parts.glob("0-*.npz"))) in (1, 2)
    done = {path: path.stat().st_mtime_ns for path in parts.glob("0-*.npz")}
    generate(SINGLE, 3, 0, target, 2)
    assert done and not parts.exists()
    arrays = read_npz(target, "")
    first_two = read_npz(play_file("cube-single"), "")
    np.testing.assert_array_equal(arrays["observations"][: 2 * STEPS], first_two["observations"])
    assert verify(target)["episodes"] == 3


@pytest.mark.parametrize("domain", DOMAINS)
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


@pytest.mark.parametrize("domain", DOMAINS)
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


def test_broken_files_are_refused(play_file, tmp_path):
    content = play_file("cube-single").read_bytes()
    for size in (0, 10, 1000, len(content) // 2, len(content) - 10):
        (tmp_path / "cut.npz").write_bytes(content[:size])
        with pytest.raises(QlacError, match="cut off or is not an npz"):
            verify(tmp_path / "cut.npz")
    with pytest.raises(QlacError, match="There is no file"):
        verify(tmp_path / "absent.npz")
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, observations=np.array([{"a": 1}], dtype=object))
    with pytest.raises(QlacError, match="not an npz"):
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


@pytest.mark.parametrize(
    "domain, method", zip(DOMAINS, itertools.cycle(("qc-rlpd", "rlpd", "rlpd-ac")), strict=False)
)
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
