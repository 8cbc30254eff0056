"""Robomimic: the simulator, the files and their traps, scripted demonstrations,
and runs on Lift from end to end."""

import dataclasses
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import grid
from test_cli import here

from qlac_lite.config import METHODS, make_config
from qlac_lite.config.tasks import DOMAINS, ROBOMIMIC, get_task
from qlac_lite.lessons.notebook import renderer
from qlac_lite.utils.errors import QlacError

h5py = pytest.importorskip("h5py", reason="Robomimic's extra is not installed: make robomimic")
if importlib.util.find_spec("robosuite") is None:
    pytest.skip("Robomimic's simulator is not installed: make robomimic", allow_module_level=True)

from qlac_lite.data import fetch, load  # noqa: E402
from qlac_lite.data.fetch import generate  # noqa: E402
from qlac_lite.data.records import describe  # noqa: E402
from qlac_lite.data.suites import (  # noqa: E402
    robomimic,
    robomimic_files,
    robomimic_replay,
    robomimic_scripts,
)
from qlac_lite.envs.robomimic import RobomimicEnv  # noqa: E402
from qlac_lite.envs.robomimic_spec import (  # noqa: E402
    KEYS,
    control_note,
    env_args,
    object_observation,
    rotate,
    task_of,
)

LIFT = "lift-mh-low_dim"
CAN = ROBOMIMIC["can-mh-low_dim"]
TINY = dict(
    seeds=1,
    offline_steps=4,
    online_steps=10,
    batch_size=8,
    hidden=(8, 8),
    flow_steps=2,
    candidates=2,
    critics=2,
    log_every=4,
    evaluate_every=4,
    evaluation_episodes=1,
)


@pytest.fixture(scope="module")
def lift_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("lift") / "lift.hdf5"
    generate(ROBOMIMIC[LIFT], 3, 0, path, workers=2)
    return path


@pytest.fixture(scope="module", params=["lift", "can", "square"])
def pair(request):
    """The fast environment of a task and the stock one."""
    return tuple(RobomimicEnv(env_args(request.param), 50, stock=stock) for stock in (False, True))


# The simulator.


def test_the_fast_loop_moves_the_arm_as_robosuite_does(pair):
    fast, stock = pair
    rng = np.random.default_rng(0)
    first = [env.reset(seed=3)[0] for env in pair]
    np.testing.assert_array_equal(*first)
    moved = 0.0
    for _ in range(12):
        action = rng.uniform(-1, 1, 7) + [0, 0, 0.5, 0, 0, 0, 0]
        results = [env.step(action) for env in pair]
        np.testing.assert_allclose(fast.state(), stock.state(), atol=2e-6)
        np.testing.assert_allclose(results[0][0], results[1][0], atol=2e-6)
        assert results[0][1:4] == results[1][1:4]
        moved = max(moved, np.abs(results[0][0] - first[0]).max())
    assert moved > 0.05


def test_what_is_observed_is_what_robosuite_observes_once_its_poses_are_of_one_moment(pair):
    _, stock = pair
    stock.reset(seed=1)
    for _ in range(3):
        stock.step(np.array([0.3, -0.2, 0.4, 0.1, 0.2, -0.3, 1.0]))
    for _ in range(2):  # the second time, what is a sample late is of the same moment
        theirs = stock.robosuite._get_observations(force_update=True)
    ours = stock.raw()
    np.testing.assert_allclose(ours.pop("object"), theirs["object-state"], atol=1e-6)
    for key, value in ours.items():
        np.testing.assert_allclose(value, theirs[key], atol=1e-6, err_msg=key)
    assert len(ours) == 9


def test_an_episode_is_decided_by_its_seed_alone(pair):
    fast, _ = pair
    actions = np.random.default_rng(1).uniform(-1, 1, (6, 7))

    def episode(seed):
        first, _ = fast.reset(seed=seed)
        return np.array([first, *(fast.step(action)[0] for action in actions)])

    once = episode(5)
    other = episode(6)
    np.testing.assert_array_equal(episode(5), once)
    assert np.abs(other - once).max() > 1e-3
    state = fast.state()
    with pytest.raises(QlacError, match="finite numbers"):
        fast.reset(options={"state": state[:-1]})


def test_an_episode_ends_at_its_limit_and_rewards_are_minus_one():
    env = RobomimicEnv(env_args("lift"), episode_limit=2)
    env.reset(seed=0)
    ends = [env.step(np.zeros(7))[1:4] for _ in range(2)]
    assert ends == [(-1.0, False, False), (-1.0, False, True)]


@pytest.mark.skipif(renderer() == "none", reason="nothing can be rendered on this machine")
def test_frames_show_the_scene():
    env = RobomimicEnv(env_args("lift"), 5, size=64)
    env.reset(seed=0)
    frame = env.render()
    env.close()
    assert frame.shape == (64, 64, 3) and frame.std() > 10


def test_rotations_by_hand():
    quarter = np.array([0, 0, np.sqrt(0.5), np.sqrt(0.5)])  # about z
    np.testing.assert_allclose(rotate(quarter, np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-12)
    seen = object_observation("can", np.array([1.0, 2, 3, 0, 0, 0, 1]), np.array([1.0, 1, 3]), quarter)
    np.testing.assert_allclose(
        seen[:3], [1, 0, 0], atol=1e-12
    )  # what is along y in the world is along the hand's x
    np.testing.assert_allclose(seen[3:7], [0, 0, -np.sqrt(0.5), np.sqrt(0.5)], atol=1e-12)
    lift = object_observation(
        "lift", np.array([[1.0, 2, 3, 0, 0, 0, 1]]), np.array([[1.0, 1, 3]]), quarter[None]
    )
    np.testing.assert_allclose(lift[0, 7:], [0, 1, 0])


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            dict(env_name="TwoArmTransport"),
            "give a file of lift, can or square|Give a file of lift, can or square",
        ),
        (dict(env_version="1.4.1"), "robosuite 1.4.1"),
        (dict(env_version=None), "v1.5 file"),
        (dict(env_kwargs=dict(robots=["Sawyer"])), "Sawyer"),
    ],
)
def test_environments_that_the_course_does_not_have(changes, message):
    with pytest.raises(QlacError, match=message):
        task_of(env_args("lift") | changes)


def test_a_controller_that_the_fast_loop_does_not_know_goes_by_the_stock_one():
    args = env_args("lift")
    arm = args["env_kwargs"]["controller_configs"]["body_parts"]["right"]
    assert not RobomimicEnv(args, 5).stock
    arm["input_ref_frame"] = "base"
    env = RobomimicEnv(args, 5)
    env.reset(seed=0)
    assert env.stock and env.step(np.zeros(7))[1] == -1
    arm["type"] = "JOINT_POSITION"
    with pytest.raises(QlacError, match="takes 8 numbers, but an action of the course has 7"):
        RobomimicEnv(args, 5)


def controlled(arm=(), **settings):
    """env_args of Lift with other settings of the arm's controller, and others."""
    args = env_args("lift")
    args["env_kwargs"]["controller_configs"]["body_parts"]["right"].update(arm)
    args["env_kwargs"].update(settings)
    return args


OLD = controlled()["env_kwargs"]["controller_configs"]["body_parts"]["right"]


@pytest.mark.parametrize(
    "args, fast, told",
    [
        (controlled(dict(kp=300)), True, "kp is 300, not 150"),
        (controlled(dict(damping_ratio=2)), True, "damping_ratio is 2"),
        (controlled(dict(output_max=0.1, output_min=-0.05)), True, "output_max is 0.1"),
        (controlled(dict(input_max=2, input_min=-1)), True, "input_max is 2"),
        (controlled(control_freq=10), True, "control_freq is 10, not 20"),
        (controlled(env_name="Lift"), True, ""),
        (controlled(dict(input_ref_frame="base")), False, "input_ref_frame is base, not world"),
        (controlled(dict(interpolation="linear")), False, "interpolation is linear"),
        (controlled(dict(uncouple_pos_ori=False)), False, "uncouple_pos_ori is False"),
        (controlled(controller_configs=None), False, "input_ref_frame is base"),
        (controlled(controller_configs=OLD), True, ""),  # as robosuite 1.4 wrote it
    ],
)
def test_which_loop_runs_is_said_and_it_moves_the_arm_as_robosuite_does(args, fast, told):
    note = control_note(args)
    assert told in note and bool(note) == bool(told) and ("fast" in note or not note) == fast
    pair = [RobomimicEnv(args, 50, stock=stock) for stock in (False, True)]
    assert pair[0].stock != fast
    rng = np.random.default_rng(0)
    for env in pair:
        env.reset(seed=3)
    for action in rng.uniform(-1, 1, (3 * fast, 7)):
        states = [(env.step(action), env.state())[1] for env in pair]
        np.testing.assert_allclose(*states, atol=5e-6)


@pytest.mark.parametrize(
    "args, message",
    [
        (controlled(sausage=1), "sausage"),
        (controlled(control_freq=0), "Control frequency 0"),
        (controlled(dict(input_ref_frame="hand")), "got: hand"),
        (controlled(dict(position_limits=[[-1, -1, 0], [1, 1, 2]])), "limits of the hand's place"),
        (controlled(controller_configs={"type": "BASIC", "body_parts": {"arms": {}}}), "KeyError"),
    ],
)
def test_settings_that_robosuite_does_not_take_are_told_in_a_line(args, message):
    with pytest.raises(QlacError, match=f"robosuite does not take .*{message}.* Mend its env_kwargs") as told:
        RobomimicEnv(args, 5)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "version, fits", [("3.3.0", True), ("3.9.0", True), ("3.10.0", False), ("4.0.1", False)]
)
def test_a_mujoco_that_robosuite_does_not_fit_is_named(monkeypatch, version, fits):
    from qlac_lite.envs import robomimic as envs

    real = envs.metadata.version
    monkeypatch.setattr(envs.metadata, "version", lambda name: version if name == "mujoco" else real(name))
    envs._robosuite.cache_clear()
    try:
        if fits:
            envs._robosuite()
        else:
            with pytest.raises(QlacError, match=f"MuJoCo {version} .* before 3.10"):
                envs._robosuite()
    finally:
        envs._robosuite.cache_clear()


# Demonstrations.


def test_a_demonstration_replayed_open_loop_succeeds(lift_file):
    env = RobomimicEnv(env_args("lift"), 300)
    for each in load.read(lift_file)[0]:
        observation, _ = env.reset(options={"state": each["states"][0]})
        np.testing.assert_allclose(observation, each["observations"][0], atol=1e-5)
        for t, action in enumerate(each["actions"]):
            observation, reward, success, _, _ = env.step(action)
            assert success == (t == len(each["actions"]) - 1), t
            np.testing.assert_allclose(observation[:3], each["observations"][t + 1, :3], atol=1e-3)
        assert reward == 0


def test_generation_gives_the_same_bytes_for_any_workers_and_goes_on_after_a_kill(
    lift_file, tmp_path, monkeypatch
):
    again = tmp_path / "again.hdf5"
    parts = tmp_path / "again.hdf5.parts"
    robomimic_scripts.write_demonstration(
        ROBOMIMIC[LIFT], 0, 2, parts / "0-000002.npz"
    )  # as a killed generation leaves it
    before = (parts / "0-000002.npz").stat().st_mtime_ns
    kept, whole = [], robomimic.write

    def write(*args):
        kept.append((parts / "0-000002.npz").stat().st_mtime_ns)
        whole(*args)

    monkeypatch.setattr(robomimic, "write", write)
    generate(ROBOMIMIC[LIFT], 3, 0, again, workers=1)
    assert kept == [before] and not parts.exists()
    assert again.read_bytes() == lift_file.read_bytes()


def test_tiers_differ_and_the_file_says_what_it_is(lift_file):
    found, summary = load.read(lift_file, ROBOMIMIC[LIFT])
    assert (
        summary["episodes"] == summary["successes"] == 3
        and "not human data" in summary["provenance"]
        and summary["cut"] == 0
    )
    assert [set(robomimic_scripts.TIERS) & set(each["tiers"]) for each in found] == [
        {"better"},
        {"okay"},
        {"worse"},
    ]
    better, _, worse = (len(each["actions"]) for each in found)
    assert better < worse
    assert robomimic_scripts.tier_of("ph", 1) == "better"


# Files, as they are and as they trap one.


def fake(task="can", steps=(6, 4), order="relative", late=False, seed=0):
    """Demonstrations of the right form, of made-up numbers, and with the object's own poses."""
    rng, size = np.random.default_rng(seed), {"lift": 10}.get(task, 14)
    found = []
    for length in steps:
        rows = {
            "robot0_eef_pos": rng.uniform(-0.3, 0.3, (length + 1, 3)) + [0, 0, 1.0],
            "robot0_gripper_qpos": rng.normal(size=(length + 1, 2)),
        }
        turns = rng.normal(size=(2, length + 1, 4))
        rows["robot0_eef_quat"], turn = turns / np.linalg.norm(turns, axis=-1, keepdims=True)
        pose = np.concatenate([rng.uniform(-0.1, 0.1, (length + 1, 3)) + [0, 0, 0.9], turn], axis=1)
        rows["object"] = object_observation(task, pose, rows["robot0_eef_pos"], rows["robot0_eef_quat"])
        if late:
            near = rng.normal(scale=0.001, size=(length + 1, 3))
            rows["object"][:, :3] += near
            rows["object"][0, :7] = 0
        if order == "absolute" and task != "lift":
            rows["object"] = np.roll(rows["object"], 7, axis=1)
        assert rows["object"].shape == (length + 1, size)
        rewards = np.eye(length)[-1]
        found.append(
            dict(
                actions=rng.uniform(-1, 1, (length, 7)),
                rewards=rewards,
                dones=rewards.astype(np.int8),
                states=np.zeros((length, 5)),
                obs={k: v[:-1] for k, v in rows.items()},
                next_obs={k: v[1:] for k, v in rows.items()},
                model_file="<mujoco/>",
                tier="better",
            )
        )
    return found


def flat(demonstration):
    """With the arrays of obs and next_obs under names such as obs/object."""
    parts = {key: demonstration[key] for key in ("obs", "next_obs")}
    observed = {f"{part}/{key}": value for part, each in parts.items() for key, value in each.items()}
    return {key: value for key, value in demonstration.items() if key not in parts} | observed


def written(tmp_path, found, task="can", change=None, **args):
    path = tmp_path / f"{task}.hdf5"
    robomimic_files.write(path, list(map(flat, found)), env_args(task) | args, "made up in a test")
    if change is not None:
        with h5py.File(path, "r+") as root:
            change(root)
    return path


@pytest.mark.parametrize("task", ["lift", "can", "square"])
@pytest.mark.parametrize("order", ["relative", "absolute"])
def test_both_orders_of_the_object_give_the_same_observations(tmp_path, task, order):
    name = f"{task}-mh-low_dim"
    data, summary = load.load(written(tmp_path, fake(task, order=order), task), get_task(name))
    truth = fake(task)[0]["obs"]
    np.testing.assert_allclose(
        data.observations[:6], np.concatenate([truth[key] for key in KEYS], axis=1), rtol=1e-6
    )
    assert summary["layout"] == (
        "relative pose first" if task != "lift" and order == "relative" else "pose first"
    )
    assert summary["transitions"] == 10 and summary["env_args"]["env_name"] == env_args(task)["env_name"]
    np.testing.assert_array_equal(data.rewards, [-1] * 5 + [0, 0] + [-1] * 3 + [0, 0])
    np.testing.assert_array_equal(data.masks, [1] * 5 + [0, 0] + [1] * 3 + [0, 0])
    assert data.num_starts == 10


@pytest.mark.parametrize("order", ["relative", "absolute"])
def test_a_hand_that_points_straight_down_does_not_deceive(tmp_path, order):
    """Half a turn about x: both readings agree with the hand, to the millimetre,
    if it is in the plane x = 0."""
    found = fake()
    for each in found:
        for rows in (each["obs"], each["next_obs"]):
            rows["robot0_eef_pos"][:, 0], rows["robot0_eef_quat"][:] = 0.0, [1.0, 0, 0, 0]
            rows["object"] = object_observation(
                "can", rows["object"][:, 7:], rows["robot0_eef_pos"], rows["robot0_eef_quat"]
            )
            rows["object"] = np.roll(rows["object"], 7, axis=1) if order == "absolute" else rows["object"]
    _, summary = load.load(written(tmp_path, found), get_task("can-mh-low_dim"))
    assert summary["layout"] == ("relative pose first" if order == "relative" else "pose first")


def test_a_late_relative_pose_is_computed_anew(tmp_path):
    data, _ = load.load(written(tmp_path, fake(steps=(40, 30), late=True)), get_task("can-mh-low_dim"))
    truth = fake(steps=(40, 30))[0]["obs"]["object"]
    np.testing.assert_allclose(data.observations[:40, 9:], truth, rtol=1e-5, atol=1e-5)


def test_generated_files_have_the_lag_and_loading_mends_it():
    obs = fake(steps=(8,))[0]["obs"]
    late = robomimic_scripts._late("can", {f"obs/{key}": values for key, values in obs.items()}, "obs/")
    assert np.all(late[0, :7] == 0) and np.abs(late[1:, :7] - obs["object"][1:, :7]).max() > 0.1
    np.testing.assert_array_equal(late[:, 7:], obs["object"][:, 7:])


def test_a_demonstration_is_cut_at_its_first_success(tmp_path):
    found = fake()
    found[0]["rewards"][2:] = 1
    found[0]["dones"][2:] = 1
    found[1]["rewards"][:], found[1]["dones"][:] = (
        0,
        0,
    )  # never succeeds: it is kept whole, and its end is no end of the task
    data, summary = load.load(written(tmp_path, found), get_task("can-mh-low_dim"))
    assert summary["transitions"] == 7 and summary["cut"] == 3 and summary["successes"] == 1
    np.testing.assert_array_equal(data.rewards[:3], [-1, -1, 0])
    np.testing.assert_array_equal(data.masks[4:8], [1, 1, 1, 1])


def test_demonstrations_come_in_the_order_of_their_numbers(tmp_path):
    found = fake(steps=tuple(range(2, 14)))
    lengths = [len(each["actions"]) for each in load.read(written(tmp_path, found))[0]]
    assert lengths == list(range(2, 14))  # demo_10 is not second


def drop(key):
    def change(root):
        del root["data/demo_0"][key]

    return change


def poke(key, row, value):
    def change(root):
        root["data/demo_1"][key][row] = value

    return change


def put(key, value):
    """Another thing in the place of demo_1's `key`: an array, or a group if `value` is None."""

    def change(root):
        group, name = (root["mask"], "train") if "mask" in key else (root["data/demo_1"], key)
        del group[name]
        group.create_group(name) if value is None else group.create_dataset(name, data=value)

    return change


def images_only(root):
    for part in ("obs", "next_obs"):
        for name in ("demo_0", "demo_1"):
            del root[f"data/{name}/{part}/object"]
            root[f"data/{name}/{part}/agentview_image"] = np.zeros((2, 4, 4, 3), np.uint8)


def shuffle_poses(root):
    for name in ("demo_0", "demo_1"):
        root[f"data/{name}/obs/object"][...] = np.random.default_rng(0).normal(
            size=root[f"data/{name}/obs/object"].shape
        )


@pytest.mark.parametrize(
    "change, message",
    [
        (drop("actions"), "demo_0 lacks actions"),
        (drop("next_obs/object"), "demo_0 lacks next_obs/object"),
        (images_only, "images and no object's pose"),
        (poke("actions", (0, 0), np.nan), "demo_1: actions has a NaN or infinity in row 0"),
        (poke("obs/object", (2, 9), np.inf), "obs/object has a NaN or infinity in row 2"),
        (poke("actions", (1, 3), 1.5), r"outside \[-1, 1\]"),
        (poke("rewards", 0, 0.3), "not 0 or 1"),
        (shuffle_poses, "in no known order"),
        (
            lambda root: root["data"].attrs.__setitem__(
                "env_args", json.dumps(env_args("can") | {"env_version": "1.4.0"})
            ),
            "robosuite 1.4.0",
        ),
        (lambda root: root["data"].attrs.__delitem__("env_args"), "not a robomimic file"),
        (lambda root: root["data"].attrs.__setitem__("env_args", "{"), "can.hdf5"),
        (lambda root: [root["data"].__delitem__(name) for name in ("demo_0", "demo_1")], "no demonstrations"),
        (lambda root: root["data"].attrs.__setitem__("env_args", "[1]"), "env_args name no environment"),
        (
            lambda root: root["data"].attrs.__setitem__(
                "env_args", json.dumps(env_args("can") | {"env_kwargs": None})
            ),
            "env_args name no environment",
        ),
        (put("actions", np.full((4, 7), b"a")), "demo_1: actions holds .*not numbers"),
        (put("actions", None), "damaged or has another layout"),
        (put("obs", np.zeros(3)), "damaged or has another layout"),
        (put("dones", np.full(4, 7)), "dones are not flags"),
        (put("states", np.zeros((2, 5))), "states have the shape .* 4 actions"),
        (put("mask/train", np.arange(3)), "damaged or has another layout"),
        (lambda root: root["data"].move("demo_1", "demo_x"), "damaged or has another layout"),
    ],
)
def test_each_fault_of_a_file_is_named(tmp_path, change, message):
    path = written(tmp_path, fake(), change=change)
    with pytest.raises(QlacError, match=message) as told:
        load.load(path, get_task("can-mh-low_dim"))
    assert str(path) in str(told.value) and "qlac data can-mh-low_dim" in str(told.value)


# Files as people have them.


def without(*keys):
    def change(root):
        for name in root["data"]:
            for key in keys:
                del root[f"data/{name}/{key}"]

    return change


def masked(*names, more=None):
    """These masks in place of the file's own."""

    def change(root):
        del root["mask"]
        for name in names:
            root[f"mask/{name}"] = np.array([b"demo_0"])
        if more:
            more(root)

    return change


def of_nobody(root):
    del root.attrs["provenance"]


@pytest.mark.parametrize(
    "masks",
    [("train", "valid"), ("20_percent", "50_percent_train"), ("core", "train", "valid"), ("2_demos",)],
)
@pytest.mark.parametrize("people", ["mh", "ph"])
def test_masks_that_tell_nobody_leave_it_to_the_name(tmp_path, masks, people):
    name = f"can-{people}-low_dim"
    path = written(tmp_path, fake(), change=masked(*masks, more=of_nobody))
    data, summary = load.load(path, get_task(name))
    assert summary["domain"] == name and data.num_starts == 10
    assert any(f"taken for {name}" in note for note in summary["notes"])
    folder = tmp_path / people
    folder.mkdir()
    assert load.verify(path.rename(folder / "low_dim.hdf5"))["domain"] == name
    with pytest.raises(QlacError, match="holds can-mh-low_dim data .*, but square"):
        load.verify((folder / "low_dim.hdf5").rename(path), ROBOMIMIC["square-mh-low_dim"])


@pytest.mark.parametrize("mask", ["better", "worse_train", "okay_better", "worse_okay_valid"])
def test_a_tier_in_any_mask_tells_mh(tmp_path, mask):
    path = written(tmp_path, fake(), change=masked("train", mask, more=of_nobody))
    assert load.verify(path)["domain"] == "can-mh-low_dim" and not load.verify(path)["notes"]
    with pytest.raises(QlacError, match="holds can-mh-low_dim data .*, but can-ph"):
        load.verify(path, ROBOMIMIC["can-ph-low_dim"])


def test_published_numbers_and_the_generators_word_tell_the_set(tmp_path, monkeypatch):
    name = "can-ph-low_dim"
    published = dataclasses.replace(ROBOMIMIC[name], episodes=2, paper_data=(10, 1))
    monkeypatch.setitem(ROBOMIMIC, name, published)
    path = written(tmp_path, fake(), change=masked("train", "20_percent", more=of_nobody))
    with pytest.raises(QlacError, match="holds can-ph-low_dim data .*, but can-mh"):
        load.verify(path, CAN)
    monkeypatch.undo()

    def made(root):
        root.attrs["provenance"] = "scripted stand-ins: can-ph-low_dim, 2 demonstrations"

    path = written(tmp_path, fake(), change=masked("train", more=made))
    with pytest.raises(QlacError, match="holds can-ph-low_dim data .*, but can-mh"):
        load.verify(path, CAN)


def test_without_next_obs_the_next_row_is_taken_and_a_last_step_without_success_is_left_out(tmp_path):
    found = fake(steps=(6, 4, 5))
    found[1]["rewards"][:], found[1]["dones"][:] = 0, [0, 0, 0, 1]  # fails
    found[2]["rewards"][2:] = 1  # goes on after its success
    whole, _ = load.load(written(tmp_path, found), get_task("can-mh-low_dim"))
    path = written(tmp_path, found, change=without("next_obs"))
    data, summary = load.load(path, get_task("can-mh-low_dim"))
    kept = [each for each in range(7 + 5 + 4) if each != 11]  # row 11 is what the failed step led to
    assert summary["transitions"] == 6 + 3 + 3 and summary["successes"] == 2
    np.testing.assert_array_equal(data.rewards, [-1] * 5 + [0, 0] + [-1] * 3 + [0, -1, -1, 0, 0])
    rows = whole.observations[kept].copy()
    rows[6] = rows[5]  # the last stands in after the success of demo_0
    np.testing.assert_array_equal(data.observations, rows)
    np.testing.assert_array_equal(data.masks[:6], [1] * 5 + [0])
    assert "no next_obs, so obs[t + 1] is taken. 1 last steps" in describe(summary)


@pytest.mark.parametrize(
    "change, rows, message",
    [
        (without("next_obs"), (6, 4), None),
        (without(*(f"next_obs/{key}" for key in KEYS)), (6, 4), None),  # an empty group
        (drop("next_obs"), (6, 4), None),  # of one demonstration alone
        (without("next_obs"), (1, 4), None),  # a single step, with success
        (without("next_obs/object"), (6, 4), "demo_0 lacks next_obs/object"),
    ],
)
def test_other_files_without_next_obs(tmp_path, change, rows, message):
    path = written(tmp_path, fake(steps=rows), change=change)
    if message is None:
        assert load.verify(path)["transitions"] == sum(rows)
    else:
        with pytest.raises(QlacError, match=message):
            load.verify(path)


def test_a_single_step_with_nothing_after_it_is_told(tmp_path):
    found = fake(steps=(1, 3))
    found[0]["rewards"][:], found[0]["dones"][:] = 0, 0
    with pytest.raises(QlacError, match="demo_0 has a single step, and no observation after it"):
        load.verify(written(tmp_path, found, change=without("next_obs")))


def recording(env="PickPlaceCan", version="1.5.1", **info):
    """As robosuite's collect_human_demonstrations writes it."""

    def change(root):
        attrs = root["data"].attrs
        del attrs["env_args"], attrs["total"], root["mask"]
        without("obs", "next_obs", "rewards", "dones")(root)
        attrs["repository_version"], attrs["env"] = version, env
        attrs["env_info"] = json.dumps(dict(env_name=env, robots=["Panda"], controller_configs={}) | info)

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (recording(), "robosuite's own recording.*convert_robosuite.py --dataset FILE, then dataset_states"),
        (
            recording(version="1.4.1", robots="Panda"),
            "with robomimic's scripts and robosuite 1.5: conversion",
        ),
        (without("obs", "next_obs", "rewards", "dones"), "only half converted.* 1.5: dataset_states_to_obs"),
        (without("obs", "next_obs"), "only half converted"),
        (recording(env="Door"), "no environment 'Door'"),
        (recording(robots=["Sawyer"]), "Sawyer"),
    ],
)
@pytest.mark.parametrize("asked", [None, CAN])
def test_a_raw_recording_is_told_how_to_be_converted(tmp_path, change, message, asked):
    path = written(tmp_path, fake(), change=change)
    with pytest.raises(QlacError, match=message) as told:
        load.verify(path, asked)
    assert "qlac data" not in str(told.value) or "dataset_states" not in str(told.value)
    assert here("data", "--verify", path).returncode == 2


@pytest.mark.parametrize("task, people", [("lift", "mh"), ("can", "ph"), ("square", "mh")])
def test_files_where_robomimic_puts_them_are_found(tmp_path, monkeypatch, task, people):
    name, place = f"{task}-{people}-low_dim", f"{task}/{people}/low_dim_v15.hdf5"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QLAC_DATA", str(tmp_path / "cache"))
    missing = here("data", name, "--source", "file")
    assert missing.returncode == 2 and "ogbench" not in missing.stderr
    assert f"{name}.hdf5 in {tmp_path}/cache or {place} in ~/.robomimic" in missing.stderr
    for folder in (tmp_path / ".robomimic", tmp_path / "cache"):
        path = folder / place
        path.parent.mkdir(parents=True)
        written(tmp_path, fake(task), task, masked("train", more=of_nobody)).rename(path)
        assert here("data", name).stdout.strip() == str(path)


def edited(lift_file, tmp_path, change=None, args=None):
    path = tmp_path / "copy.hdf5"
    path.write_bytes(lift_file.read_bytes())
    with h5py.File(path, "r+") as root:
        if change:
            change(root)
        if args:
            root["data"].attrs["env_args"] = json.dumps(args)
    return path


def test_demonstrations_are_replayed_beside_their_states(lift_file, tmp_path):
    said = here("data", LIFT, "--verify", lift_file, "--replay", 2)
    assert (said.returncode, said.stderr) == (0, "")
    _, solved, loop, _, second, together = said.stdout.splitlines()
    assert (solved, loop) == (
        f"{LIFT}: 3 solved steps in 3 of 3 episodes",
        "Replayed by the fast control loop:",
    )
    assert "demo_1: 74 steps; states differ by up to 0 (m, rad)" in second
    assert "success (recorded: success)" in second and together.startswith("2 of 2")
    path = edited(lift_file, tmp_path, args=controlled(dict(input_ref_frame="base")))
    assert "robosuite's own, slower control loop" in here("data", "--verify", path, "--replay", 1).stdout


def test_either_loop_repeats_an_episode_from_its_first_state(pair):
    actions = np.random.default_rng(2).uniform(-1, 1, (4, 7))
    for env in pair:
        env.reset(seed=3)
        first = env.state()
        states = [(env.step(action), env.state())[1] for action in actions]
        env.reset(seed=9)
        env.reset(options={"state": first})
        again = [(env.step(action), env.state())[1] for action in actions]
        np.testing.assert_allclose(again, states, atol=1e-9)


def nan_state(root):
    root["data/demo_0/states"][3] = np.nan


@pytest.mark.parametrize(
    "change, args, count, message",
    [
        (None, controlled(dict(kp=300)), 9, "Only 0 of 3 demonstrations follow their recording"),
        (None, controlled(control_freq=10), 1, "Only 0 of 1"),
        (None, controlled(dict(output_max=0.1, output_min=-0.1)), 1, "Only 0 of 1"),
        (without("states"), None, 1, "demo_0 has no states"),
        (nan_state, None, 1, "demo_0: states has a NaN or infinity in row 3"),
        (None, controlled(sausage=1), 1, "robosuite does not take"),
        (None, None, 0, "--replay is 0, but has to be at least 1"),
    ],
)
def test_a_replay_that_cannot_be_or_does_not_follow(lift_file, tmp_path, change, args, count, message):
    said = here("data", "--verify", edited(lift_file, tmp_path, change, args), "--replay", count)
    assert said.returncode == 2 and message in said.stderr and "Traceback" not in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_replay_goes_with_a_robomimic_file():
    alone = here("data", LIFT, "--replay", 1)
    assert alone.returncode == 2 and "give --verify FILE" in alone.stderr
    with pytest.raises(QlacError, match="but this one holds cube-single data"):
        next(robomimic_replay.replay({}, {"domain": "cube-single"}, 1))


def test_other_faults_of_files(tmp_path):
    path = written(tmp_path, fake())
    with pytest.raises(QlacError, match="holds can-mh-low_dim data .*, but square-mh-low_dim needs"):
        load.verify(path, ROBOMIMIC["square-mh-low_dim"])
    with pytest.raises(QlacError, match="holds can-mh-low_dim data .*, but can-ph"):
        load.verify(path, ROBOMIMIC["can-ph-low_dim"])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(QlacError, match="cut off or is not an HDF5 file"):
        load.verify(path, CAN)
    with pytest.raises(QlacError, match="There is no file"):
        load.verify(tmp_path / "none.hdf5", CAN)
    npz = tmp_path / "can.npz"
    np.savez(npz, observations=np.zeros((3, 23)), actions=np.zeros((3, 7)), terminals=np.array([0, 0, 1]))
    with pytest.raises(QlacError, match="comes in robomimic's HDF5"):
        load.load(npz, get_task("can-mh-low_dim"))
    with pytest.raises(QlacError, match="holds can-mh-low_dim data .*, but scene"):
        load.verify(written(tmp_path, fake()), DOMAINS["scene"])


def test_a_short_demonstration_and_one_without_steps(tmp_path):
    found = fake(steps=(1, 3))
    data, _ = load.load(written(tmp_path, found), get_task("can-mh-low_dim"))
    assert data.num_starts == 4
    for part in (found[0], *(found[0][key] for key in ("obs", "next_obs"))):
        for key, value in part.items():
            if isinstance(value, np.ndarray):
                part[key] = value[:0]
    with pytest.raises(QlacError, match="demo_0 has no step"):
        load.load(written(tmp_path, found), get_task("can-mh-low_dim"))


def test_sources_in_their_order_and_stand_ins_are_called_so(tmp_path, monkeypatch):
    """A served file comes from the second folder, unmarked as an official one;
    with nothing served, a stand-in that says so."""
    import functools
    import http.server
    import threading

    folders = [url.split("/resolve/")[0] for url in robomimic.HOSTS.values()]
    assert [folder.split("datasets/", 1)[1] for folder in folders] == [
        "robomimic/robomimic_datasets",
        "amandlek/robomimic",
    ]
    served = tmp_path / "served" / "v1.5" / "can" / "mh"
    served.mkdir(parents=True)
    official = written(tmp_path, fake(), change=lambda root: root.attrs.__delitem__("provenance"))
    (served / "low_dim_v15.hdf5").write_bytes(official.read_bytes())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tail = "/v1.5/{task}/{people}/low_dim_v15.hdf5"
    hosts = [f"http://127.0.0.1:{port}{tail}" for port in (9, server.server_port)]
    monkeypatch.setattr(robomimic, "HOSTS", dict(zip(robomimic.HOSTS, hosts, strict=True)))
    said = []
    get = lambda *args, **kwargs: fetch.get_dataset(*args, out=tmp_path / "cache", log=said.append, **kwargs)
    try:
        path = get("can-mh-low_dim", "download")
        assert path.name == "can-mh-low_dim.hdf5" and path.read_bytes() == official.read_bytes()
        assert load.verify(path)["provenance"].startswith("downloaded from their older folder")
        assert get("can-mh-low_dim", "file") == path
        assert "a file given, of unrecorded origin" in load.verify(official)["provenance"]
        with h5py.File(path, "r+") as root:
            root["data/demo_0/actions"][0] = 0
        with pytest.raises(QlacError, match="has changed since it was downloaded"):
            load.verify(path)
    finally:
        server.shutdown()
        server.server_close()
    asked = []

    def stand_in(domain, episodes, seed, path, workers):
        asked.append(episodes)
        robomimic_files.write(path, list(map(flat, fake("lift"))), env_args("lift"), "scripted")

    monkeypatch.setattr(robomimic, "generate", stand_in)
    with pytest.raises(QlacError, match="the authors' folder: .*; their older folder: "):
        get(LIFT, "download")
    assert get(LIFT).name == f"{LIFT}-generated-{fetch.FALLBACK_EPISODES}-episodes-seed-0.hdf5"
    assert any("not human data" in line for line in said)
    get(LIFT, "generate")
    assert asked == [fetch.FALLBACK_EPISODES, 300]
    with pytest.raises(QlacError, match="--shards is for large play datasets"):
        get(LIFT, shards=2)


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    import os

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(QlacError, match="disk is full"):
        robomimic_files.write(tmp_path / "x.hdf5", list(map(flat, fake())), env_args("can"), "a test")
    assert list(tmp_path.iterdir()) == []


# Runs.


def test_full_preset_is_the_papers_table():
    config = make_config("square-mh-low_dim", "qc", "full")
    assert (config.alpha, config.candidates, config.seeds) == (10_000, 16, 5)
    assert make_config(LIFT, "bfn", "full").candidates == 4
    assert [domain.episode_limit for domain in ROBOMIMIC.values()] == [300, 300, 400] * 2
    assert get_task(LIFT).reward_min == -1


@pytest.mark.around
def test_qc_fql_trains_is_evaluated_and_reported_through_the_command_line(lift_file, tmp_path):
    def qlac(*words):
        result = subprocess.run(
            [sys.executable, "-m", "qlac_lite", *map(str, words)], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    settings = [
        word
        for key, value in TINY.items()
        if key not in ("seeds", "offline_steps", "online_steps")
        for word in ("--set", f"{key}={'8,8' if key == 'hidden' else value}")
    ]
    run = tmp_path / "run"
    said = qlac(
        "train",
        "--task",
        LIFT,
        "--data",
        lift_file,
        "--out",
        run,
        "--seeds",
        1,
        "--offline-steps",
        4,
        "--online-steps",
        10,
        *settings,
    )
    assert "not human data" in said and "private macro" not in said
    report = qlac("report", run, "--out", tmp_path / "report")
    assert "not human data" in report and "robosuite" in report
    assert (tmp_path / "report" / f"{LIFT}-filmstrip.png").stat().st_size > 10_000
    assert json.loads((run / "run.json").read_text())["data"]["env_args"]["env_name"] == "Lift"
    assert "together: success" in qlac("evaluate", run, "--episodes", 1)


@pytest.mark.parametrize("method", grid([name for name in METHODS if name != "qc-fql"], "bfn-n", "rlpd-ac"))
def test_every_method_learns_from_the_file(lift_file, method):
    import jax

    from qlac_lite.training.updates import Engine

    config = make_config(LIFT, method, **{**TINY, "offline_steps": 4})
    data, _ = load.load(lift_file, get_task(LIFT))
    engine = Engine(config, data, 19, 7)
    before = engine.start(0, get_task(LIFT))
    kept = jax.tree.map(np.array, before.state.params)
    after = engine.update(before, 0, 2)
    changed = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - b).max(), after.state.params, kept)
    assert max(jax.tree.leaves(changed)) > 0
    assert all(
        np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.tree.map(np.asarray, after.state.params))
    )


def test_the_base_of_the_library_asks_for_none_of_it():
    code = (
        "import sys, qlac_lite.training.loop, qlac_lite.cli, qlac_lite.data.fetch, "
        "qlac_lite.envs.make, qlac_lite.reports.by_task; "
        "print([m for m in ('robosuite', 'h5py', 'numba', 'cv2') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(QlacError, match="make robomimic"):
        robomimic_files._h5py()
    from qlac_lite.envs import robomimic as envs

    monkeypatch.setitem(sys.modules, "robosuite", None)
    envs._robosuite.cache_clear()
    with pytest.raises(QlacError, match="make robomimic"):
        RobomimicEnv(env_args("lift"), 10)


def test_a_demonstrations_states_are_filmed_and_their_want_is_told(lift_file, monkeypatch):
    from qlac_lite.reports import films

    monkeypatch.setattr(RobomimicEnv, "render", lambda self: np.zeros((9, 9, 3), np.uint8))
    film, (content, _) = films.film_data(lift_file, episode=1), load.read(lift_file)
    states = content[1]["states"]
    assert len(film.effector) == len(states) and film.pictures[0] is not None
    np.testing.assert_allclose(film.cubes[:, 0], states[:, 10:13], atol=1e-6)
    monkeypatch.setattr(films, "read", lambda *_: ([{"name": "demo_0"}], load.verify(lift_file)))
    with pytest.raises(QlacError, match="demo_0 has no states"):
        films.film_data(lift_file)
