"""The lite world: its dynamics by hand, its demonstrator, whole runs in one program, recorded experiments."""

import json

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import grid
from gymnasium.utils.env_checker import check_env

from qlac_lite.agents import State, make_learner
from qlac_lite.agents.base import Metrics
from qlac_lite.config import get_method, make_config
from qlac_lite.config.tasks import LITE_DOMAIN, LITE_WORLD, get_task
from qlac_lite.data.dataset import Dataset, check_horizon
from qlac_lite.data.fetch import generate
from qlac_lite.data.load import load
from qlac_lite.data.replay import empty_replay
from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.experiments import catalogue, designs, runner
from qlac_lite.experiments.catalogue import run_experiment
from qlac_lite.experiments.runner import read_experiment, recorded
from qlac_lite.reports.by_task import write_report
from qlac_lite.reports.one_run import draw_filmstrip, evaluate_run
from qlac_lite.training import jax_episodes
from qlac_lite.training import jax_loop as lite_run
from qlac_lite.training.jax_episodes import PROBES, act_and_store, rollout
from qlac_lite.training.jax_loop import check_phases, lite_config, train_lite
from qlac_lite.training.loop import start_run, train
from qlac_lite.utils.errors import QlacError

WORLD = lite_world.LiteWorld(step=0.1)
TINY = dict(
    seeds=2,
    offline_steps=20,
    online_steps=20,
    evaluate_every=10,
    batch_size=8,
    hidden=(8,),
    flow_steps=2,
    candidates=2,
    evaluation_episodes=3,
)


def state_at(gripper, puck=(-0.9, 0.9), opening=1.0, held=False, time=0):
    return lite_world.WorldState(
        jnp.array(gripper), jnp.float32(opening), jnp.array(puck), jnp.bool_(held), jnp.int32(time)
    )


def after(state, *actions):
    return jax.tree.map(lambda leaf: leaf[-1], lite_world.execute(WORLD, state, jnp.array(actions)).states)


def test_it_moves_by_its_step_and_slides_along_walls_and_borders():
    np.testing.assert_allclose(after(state_at([0.5, 0.0]), [1.0, -0.5, 0.0]).gripper, [0.6, -0.05], atol=1e-6)
    np.testing.assert_allclose(
        after(state_at([0.5, 0.0]), [9.0, 0.0, 0.0]).gripper, [0.6, 0.0], atol=1e-6
    )  # clipped
    np.testing.assert_allclose(
        after(state_at([-0.1, 0.0]), [1.0, 1.0, 0.0]).gripper, [-0.1, 0.1], atol=1e-6
    )  # the wall
    np.testing.assert_allclose(
        after(state_at([-0.1, 0.5]), *[[1.0, 0.0, 0.0]] * 2).gripper, [0.1, 0.5], atol=1e-6
    )  # a gap
    np.testing.assert_allclose(after(state_at([0.95, 0.98]), [1.0, 1.0, 0.0]).gripper, [1.0, 1.0], atol=1e-6)


@pytest.mark.parametrize("step", [0.0, -0.04, 0.12, float("nan")])
def test_a_step_that_passes_through_the_wall_is_refused(step):
    with pytest.raises(QlacError, match="stands still or passes through the wall, which is 0.1 thick"):
        lite_world.execute(
            lite_world.LiteWorld(step=step), state_at([-0.06, 0.0]), jnp.array([[1.0, 0.0, 0.0]])
        )


def test_the_gripper_catches_what_is_near_when_it_closes_carries_it_and_lets_go():
    near = after(state_at([0.0, 0.5], puck=(0.1, 0.5)), *[[0.0, 0.0, 1.0]] * 2)
    assert near.held and near.opening < 0.5
    np.testing.assert_allclose(near.puck, near.gripper)
    moved = after(near, [1.0, 0.0, 0.0])
    np.testing.assert_allclose(moved.puck, [0.1, 0.5], atol=1e-6)
    free = after(moved, *[[0.0, 0.0, -1.0]] * 2, [-1.0, 0.0, 0.0])
    assert not free.held
    np.testing.assert_allclose(free.puck, [0.1, 0.5], atol=1e-6)
    far = after(state_at([0.0, 0.5], puck=(0.3, 0.5)), *[[0.0, 0.0, 1.0]] * 2, *[[1.0, 0.0, 1.0]] * 3)
    assert not far.held  # closed too early: passing by later catches nothing


def test_a_chunk_stops_at_success_and_at_the_limit():
    at_goal = state_at(lite_world.GOAL, puck=lite_world.GOAL, opening=0.4, held=True)
    done = lite_world.execute(WORLD, at_goal, jnp.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
    assert not lite_world.solved(WORLD, at_goal)  # still in the gripper
    assert done.length == 2 and done.terminated and not done.truncated
    np.testing.assert_array_equal(done.rewards[:2], [-1.0, 0.0])
    np.testing.assert_array_equal(done.states.gripper[3], done.states.gripper[2])
    late = lite_world.execute(WORLD, state_at([0.5, 0.5], time=WORLD.limit - 2), jnp.zeros((4, 3)))
    assert late.length == 2 and late.truncated and not late.terminated


@pytest.mark.parametrize("step", [0.08, 0.04, 0.02])
def test_a_script_solves_it_and_random_actions_do_not(step):
    world = lite_world.LiteWorld(step=step)
    data = lite_play.record(world, jax.random.key(0), 40, world.limit, lite_play.Habits(play=False))
    assert int(np.sum(data.masks == 0)) >= 39  # each episode ends at its success, and has one
    length = np.sum(data.steps_left > 0) / 40
    assert 2.3 / step < length < 3.6 / step

    def luck(key):
        actions = jax.random.uniform(key, (world.limit, 3), minval=-1, maxval=1)
        return lite_world.execute(world, lite_world.reset(key), actions).terminated

    assert int(jax.jit(jax.vmap(luck))(jax.random.split(jax.random.key(1), 200)).sum()) <= 1


def test_play_follows_the_key_goes_on_after_success_and_has_two_routes():
    habits = lite_play.Habits()
    one, two = (lite_play.record(WORLD, jax.random.key(3), 30, 120, habits) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one, two)
    other = lite_play.record(WORLD, jax.random.key(4), 30, 120, habits)
    assert not np.array_equal(one.observations, other.observations)
    assert len(one.rewards) == 30 * 121 and np.all((one.masks == 0) == (one.rewards == 0))
    assert 0.002 < np.mean(one.masks == 0) < 0.2
    assert np.abs(one.actions).max() <= 1
    solved = np.flatnonzero(one.masks == 0)
    assert np.any(one.steps_left[solved] > 1)
    crossing = np.flatnonzero(
        (one.observations[:-1, 0] < 0) & (one.observations[1:, 0] >= 0) & (one.steps_left[:-1] > 0)
    )
    assert min(np.sum(one.observations[crossing, 1] > 0.2), np.sum(one.observations[crossing, 1] < -0.2)) > 3
    none = lite_play.record(WORLD, jax.random.key(3), 30, 120, habits._replace(favourite=0.0))
    assert np.mean(none.masks == 0) < np.mean(one.masks == 0)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Gymnasium's advice on boxes without bounds
def test_the_gymnasium_environment():
    env = gymnasium.make("qlac_lite/LiteWorld-v0", step=0.1, render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=True)
    first, _ = env.reset(seed=5)
    again, _ = env.reset(seed=5)
    np.testing.assert_array_equal(first, again)
    observation, reward, terminated, truncated, info = env.step(np.array([1.0, 0.0, 0.0], np.float32))
    np.testing.assert_allclose(observation[0] - first[0], 0.1, atol=1e-6)
    assert (reward, terminated, truncated, info["success"]) == (-1.0, False, False, False)
    picture = env.render()
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 10


def test_what_is_executed_is_what_the_replay_holds():
    config = lite_config("qc", **TINY)
    replay = jax.tree.map(jnp.asarray, empty_replay(100, WORLD.limit, 8, 3, 5))
    now = lite_world.reset(jax.random.key(0))
    chunks = jax.random.uniform(jax.random.key(1), (4, 5, 3), minval=-1, maxval=1)
    seen = [lite_world.observe(now)]
    for chunk in chunks:
        states = lite_world.execute(WORLD, now, chunk).states
        seen += list(jax.vmap(lite_world.observe)(states)[1:])
        replay, now, executed = act_and_store(
            config, WORLD, replay, now, chunk, jax.random.key(9), jnp.bool_(False)
        )
    np.testing.assert_allclose(replay.data.observations[:21], np.stack(seen), atol=1e-6)
    np.testing.assert_allclose(replay.data.actions[:20], chunks.reshape(20, 3), atol=1e-6)
    assert int(replay.data.num_starts) == 16  # every row from which five steps are known
    ended = now._replace(time=jnp.int32(WORLD.limit - 3))
    replay, fresh, _ = act_and_store(
        config, WORLD, replay, ended, chunks[0], jax.random.key(9), jnp.bool_(False)
    )
    assert int(fresh.time) == 0 and int(replay.data.num_starts) == 23  # out of time after three more


@pytest.mark.parametrize("method", grid(["fql-n", "qc"], "qc"))
def test_a_run_gives_its_curves_and_gives_them_again(method):
    data = lite_play.record(WORLD, jax.random.key(0), 5, 50)
    config = lite_config(method, **TINY)
    one, two = train_lite(config, WORLD, data), train_lite(config, WORLD, data)
    assert one.steps.tolist() == [10, 20, 30, 40]
    assert one.success.shape == one.lengths.shape == (2, 4, 3)
    assert np.all(one.lengths[one.success == 0] == WORLD.limit)
    jax.tree.map(np.testing.assert_array_equal, one.params, two.params)
    np.testing.assert_array_equal(one.lengths, two.lengths)
    first, second = (jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], one.params) for i in (0, 1))
    assert any(
        not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


@pytest.mark.parametrize(
    ("changes", "online"), [({}, 1), ({"updates_per_step": 0.5}, 0.5), ({"online_start": 100}, 1)]
)
def test_as_many_updates_as_steps_executed_also_where_an_episode_cuts_its_chunk(monkeypatch, changes, online):
    """Chunks of 7 in episodes of 80 steps: the last has three.
    A learner that counts its updates in its parameters."""
    world = WORLD
    assert world.limit % 7 == 3
    plain = lite_run.make_learner

    def counting(*sizes):
        still = lambda params, observation, key: jnp.zeros((len(observation), 7, 3))
        count = lambda state, batch, key: (
            state._replace(params={"updates": state.params["updates"] + 1}),
            Metrics(),
        )
        return plain(*sizes)._replace(
            init=lambda key: State({"updates": jnp.float32(0)}, {}, ()), update=count, act=still
        )

    monkeypatch.setattr(lite_run, "make_learner", counting)
    data = lite_play.record(world, jax.random.key(0), 5, 50)
    config = lite_config(
        "qc",
        **TINY
        | {"horizon": 7, "seeds": 3, "offline_steps": 350, "online_steps": 350, "evaluate_every": 350}
        | changes,
    )
    outcome = train_lite(config, world, data)
    executed = 4 * world.limit + 35  # the first count from 350 on: four whole episodes, and five chunks
    np.testing.assert_array_equal(
        outcome.params["updates"], 350 + int(online * (executed - config.online_start))
    )


def test_the_return_of_a_rollout_is_what_its_rewards_add_up_to():
    config = lite_config("qc", **TINY | {"horizon": WORLD.limit, "evaluate_every": WORLD.limit})
    learner = make_learner(config, 8, 3)
    key = jax.random.key(2)
    states, script = lite_play.demonstrations(WORLD, key, 6, WORLD.limit, lite_play.Habits(play=False))
    starts = jax.tree.map(lambda leaf: leaf[:, 0], states)
    params = learner.init(key).params
    success, lengths, returns = rollout(learner, config, WORLD, params, starts, key, first=script)
    assert success.sum() >= 5  # it begins with the whole script
    paid = np.where(success, lengths - 1, lengths)  # the last action of a solved episode costs nothing
    np.testing.assert_allclose(returns, [-sum(0.99**k for k in range(n)) for n in paid], rtol=1e-5)
    success, lengths, _ = rollout(learner, config, WORLD, params, starts, key)
    assert not success.any() and np.all(lengths == WORLD.limit)


@pytest.mark.parametrize(
    "changes", grid([{"method": "qc"}, {"method": "rlpd-ac", "execute": 1}], {"method": "qc"})
)
def test_a_probe_asks_the_critic_about_three_kinds_of_chunks(changes):
    config = lite_config(**TINY | changes)
    data = lite_play.record(WORLD, jax.random.key(0), 5, 50)
    outcome = train_lite(config, WORLD, data, probed=True)
    assert outcome.beliefs.shape == outcome.returns.shape == (2, 4, len(PROBES), 3)
    assert np.all(outcome.returns >= -(1 - 0.99**WORLD.limit) / 0.01 - 1e-3) and np.all(outcome.returns < 0)
    assert len(np.unique(outcome.beliefs.round(5))) > 20  # of other chunks, starts, updates and seeds
    plain = train_lite(config, WORLD, data)
    np.testing.assert_array_equal(plain.lengths, outcome.lengths)  # to look changes nothing
    assert plain.beliefs is None


def test_a_run_says_what_does_not_fit():
    data = lite_play.record(WORLD, jax.random.key(0), 2, 30)
    with pytest.raises(QlacError, match="evaluate_every is 12"):
        train_lite(
            lite_config("qc", **TINY | {"evaluate_every": 12, "offline_steps": 24, "online_steps": 24}),
            WORLD,
            data,
        )
    with pytest.raises(QlacError, match="chunk"):
        check_horizon(30, 31)
    with pytest.raises(QlacError, match="no critic"):
        train_lite(lite_config(**TINY | {"method": "chunk-bc"}), WORLD, data, probed=True)


def test_an_experiment_goes_on_where_it_was_and_refuses_another_folder(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(runner, "PLAY_EPISODES", 3)
    original = runner.run_cell
    monkeypatch.setattr(catalogue, "run_cell", lambda cell: trained.append(cell.name) or original(cell))
    monkeypatch.setitem(catalogue.EXPERIMENTS, "small", lambda **settings: designs.horizon(**settings)[:2])
    settings = TINY | {"methods": ("bc",)}
    rows = run_experiment("small", tmp_path / "out", log=lambda text: None, **settings)
    assert trained == ["bc-0.08", "bc-0.04"] and len(rows) == 2 * 2 * 4
    (tmp_path / "out" / "bc-0.04.csv").unlink()
    assert run_experiment("small", tmp_path / "out", log=lambda text: None, **settings) == rows
    assert trained[2:] == ["bc-0.04"]
    run_experiment("small", tmp_path / "part", log=lambda text: None, only=("bc-0.04",), **settings)
    assert trained[3:] == ["bc-0.04"]
    assert read_experiment(tmp_path / "out")[0] == rows
    with pytest.raises(QlacError, match="other settings"):
        run_experiment("small", tmp_path / "out", **settings | {"alpha": 3.0})
    (tmp_path / "out" / "bc-0.04.csv").unlink()
    with pytest.raises(QlacError, match=r"no bc-0.04.csv"):
        read_experiment(tmp_path / "out")
    with pytest.raises(QlacError, match="horizon"):
        run_experiment("horizn", tmp_path / "other")
    with pytest.raises(QlacError, match="no cell 'bc-0.05'.*: bc-0.08, bc-0.04"):
        run_experiment("small", tmp_path / "other", only=("bc-0.05",), **settings)
    with pytest.raises(QlacError, match="--cell"):
        catalogue.run_on_task("length", "lite-world", tmp_path / "other", None, "lite", only=("qc",))


@pytest.mark.around
def test_two_kinds_of_data_are_collected_and_learned_from(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "PLAY_EPISODES", 3)
    runner.collect.cache_clear()
    settings = TINY | {"evaluate_every": 20, "methods": ("qc",), "collected": 400}
    del settings["online_steps"]
    rows = run_experiment("exploration", tmp_path / "out", log=lambda text: None, **settings)
    found = {row["data"]: row for row in rows if row["seed"] == 0}
    assert list(found) == ["D", "D+P", "D+D1", "D+D5", "D+M1", "D+M5"]
    assert "collected" not in found["D"] and 380 <= found["D+D5"]["collected"] <= 400
    assert found["D+P"]["collected"] == 375  # three episodes of 125
    assert found["D+M1"]["collected"] == found["D+M5"]["collected"] <= found["D+D1"]["collected"]
    assert found["D+D1"] | {"success": 0, "length": 0} != found["D+D5"] | {"success": 0, "length": 0}
    collectors = [cell.collector for cell in designs.exploration(**settings | {"methods": ("bfn", "qc")})]
    assert [c and c.method for c in collectors] == [None, None, "bfn", "qc", "bfn", "qc"] * 2
    assert collectors[2] == collectors[8]  # collected once


def test_matched_sets_have_as_many_solved_episodes_and_starts():
    def one_seed(*episodes):  # (length, solved)
        left = np.concatenate([np.arange(length, 0, -1) for length, _ in episodes])
        rewards = np.full(len(left), -1.0)
        rewards[np.flatnonzero(left == 1)] = [0.0 if solved else -1.0 for _, solved in episodes]
        rows, zeros = np.arange(len(left)), np.zeros((len(left), 1))
        return jax.tree.map(
            lambda leaf: leaf[None], Dataset(zeros, zeros, rewards, left, left, rows, np.int32(len(left)))
        )

    poor = one_seed((4, False), (3, True), (5, False))
    rich = one_seed((2, True), (3, False), (4, True), (2, True), (1, False))
    kept = [runner.matched(*pair) for pair in ((poor, rich), (rich, poor))]
    starts = [each.starts[0, : each.num_starts[0]].tolist() for each in kept]
    assert starts[1] == [0, 1, 2, 3, 4, 11]  # the first solved episode, and all that are unsolved
    assert starts[0] == [0, 1, 2, 4, 5, 6]  # as many: the solved one, and the first unsolved starts


@pytest.mark.around
def test_who_collects_does_not_learn_and_what_it_collects_can_be_chunked():
    data = lite_play.record(WORLD, jax.random.key(0), 5, 50)
    config = lite_config("fql", **TINY | {"updates_per_step": 0, "online_steps": 200, "seeds": 1})
    outcome = train_lite(config, WORLD, data)
    before = train_lite(lite_config("fql", **TINY | {"online_steps": 0, "seeds": 1}), WORLD, data)
    assert np.all(
        [
            np.array_equal(a, b)
            for a, b in zip(jax.tree.leaves(outcome.params), jax.tree.leaves(before.params), strict=True)
        ]
    )
    count = int(outcome.replay.num_starts[0])
    left = np.asarray(outcome.replay.steps_left[0])[np.asarray(outcome.replay.starts[0])[:count]]
    assert count == 200 - 4 and (left >= 5).sum() > 150  # one-step method, chunks of five all the same
    learned = train_lite(
        lite_config("fql", **TINY | {"online_steps": 0, "seeds": 1}), WORLD, data, outcome.replay
    )
    assert not np.array_equal(jax.tree.leaves(learned.params)[0], jax.tree.leaves(before.params)[0])
    with pytest.raises(QlacError, match="online_steps=0"):
        train_lite(config, WORLD, data, outcome.replay)


def test_what_was_collected_is_described():
    steps = 12
    states = np.zeros((1, 20, 8), np.float32)
    states[0, :, 0] = np.arange(20) * 0.02 - 0.89  # to the right by 0.02 a step
    left = np.maximum(0, steps - np.arange(20))[None]
    starts = np.arange(20)[None] % steps
    rewards = np.where(np.arange(20) == steps - 1, 0.0, -1.0)[None]
    data = Dataset(states, np.zeros((1, 20, 3)), rewards, np.ones((1, 20)), left, starts, np.array([steps]))
    about = runner.describe(data, 0)
    assert about["collected"] == steps and about["collected_success"] == 1.0
    np.testing.assert_allclose(about["collected_coherency"], 0.1, rtol=1e-4)
    np.testing.assert_allclose(about["collected_coverage"], 3 / 400)  # from -0.89 to -0.67 in squares of 0.1


@pytest.mark.parametrize("name", catalogue.EXPERIMENTS)
def test_every_experiment_is_a_list_of_cells_that_can_run(name):
    cells = catalogue.EXPERIMENTS[name]()
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        check_phases(cell.config)
        assert cell.config.offline_steps == 0 or not get_method(cell.config.method).settings, (
            "RLPD has no offline phase"
        )


def test_the_recorded_experiment_is_whole_and_tells_where_it_comes_from():
    rows, about = recorded("horizon")
    assert {row["method"] for row in rows} >= {"fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc"}
    assert all(0 <= row["success"] <= 1 for row in rows)
    assert (
        about["provenance"]["command"].startswith("qlac experiment horizon")
        and about["provenance"]["versions"]["jax"]
    )
    now = {cell.name: catalogue._settings(cell) for cell in designs.horizon()}
    assert (
        json.loads(json.dumps(now)) == about["cells"]
    )  # so its folder goes on, with settings that came later


def test_each_world_changes_one_thing_of_the_control(monkeypatch):
    told = {cell.name: catalogue._settings(cell) for cell in designs.worlds(("qc-fql",))}
    control = told.pop("qc-fql-control")
    one = lambda mapping: {name for name in mapping if mapping[name] != control.get(name)}
    changed = {name.removeprefix("qc-fql-"): one(each) for name, each in told.items()}
    assert changed.pop("fine") == {"gap", "reach", "tolerance"}
    assert changed.pop("all") == {"gap", "reach", "tolerance", "wide", "habits", "alpha"}
    assert changed.pop("untied") == {"gap", "reach", "tolerance", "wide", "habits"}
    assert changed.pop("no-fine") == {"wide", "habits"}
    assert changed.pop("no-wide") == {"gap", "reach", "tolerance", "habits"}
    for name, noise, favourite in (("rough", 0.2, 0.0), ("aimless", 0.4, None)):
        assert changed.pop(f"no-{name}") == {"gap", "reach", "tolerance", "wide", "habits"}
        habits = told[f"qc-fql-no-{name}"]["habits"]
        assert habits["noise"] == noise and (habits["favourite"] == 0.0) == (favourite == 0.0)
    assert changed.pop("tied-30") == changed["tied"] == {"alpha"}
    assert changed == {"tied": {"alpha"}, "rough": {"habits"}, "aimless": {"habits"}, "wide": {"wide"}}
    played = []
    monkeypatch.setattr(
        runner, "record", lambda world, key, episodes, steps, habits, *_: played.append(habits)
    )
    monkeypatch.setattr(runner, "train_lite", lambda *_: (_ for _ in ()).throw(InterruptedError))
    cells = designs.worlds(("qc-fql",))
    for cell in cells:
        with pytest.raises(InterruptedError):
            runner.run_cell(cell)
    assert played == [cell.habits for cell in cells]


def test_wide_starts_are_anywhere_on_the_left(monkeypatch):
    monkeypatch.setattr(
        jax_episodes, "rollout", lambda learner, config, world, params, starts, key: (starts, 0, 0)
    )
    config = lite_config("qc", **TINY | {"evaluation_episodes": 300})
    starts = lambda world: jax_episodes.evaluate(None, config, world, None, jax.random.key(0))[0]
    narrow, wide = starts(WORLD), starts(WORLD._replace(wide=True))
    for place in (wide.gripper, wide.puck):
        assert place[:, 0].max() < -lite_world.WALL and place[:, 0].min() > -1
        assert np.ptp(place[:, 1]) > 1.6
    assert np.ptp(narrow.puck[:, 1]) < 0.21


def test_a_play_file_is_the_play_that_experiments_learn_from(tmp_path):
    path = tmp_path / "play.npz"
    generate(LITE_DOMAIN, 20, 0, path)
    loaded, summary = load(path, get_task(LITE_WORLD))
    jax.tree.map(
        np.testing.assert_array_equal,
        loaded,
        lite_play.record(lite_world.LiteWorld(), jax.random.key(0), 20, 250),
    )
    assert (
        summary["domain"] == LITE_WORLD
        and summary["transitions"] == 5000
        and "demonstrator" in summary["provenance"]
    )
    with pytest.raises(QlacError, match="holds lite-world data .* needs cube-single"):
        load(path, get_task("cube-single-play-singletask-task1-v0"))


@pytest.mark.parametrize("method", grid(["rlpd", "qc-rlpd"], "qc-rlpd"))
def test_the_lite_world_is_a_task_like_others(method, tmp_path):
    """With environments, checkpoint and report of the full runs."""
    path = tmp_path / "play.npz"
    generate(LITE_DOMAIN, 2, 0, path)
    config = make_config(
        LITE_WORLD,
        method,
        **TINY | {"offline_steps": 0, "hidden": (16,), "online_steps": 210, "evaluate_every": 210},
    )
    run, dataset = start_run(config, path, tmp_path / "run")
    train(run, dataset, log=lambda text: None)
    assert {row["length"] for row in run.rows("episodes.csv")} == {200}  # the world's own limit
    assert len(run.rows("evaluations.csv")) == 2 * 3
    assert "### lite-world" in write_report([run.folder], tmp_path / "report")
    assert "decisions" in draw_filmstrip(run.folder, tmp_path / "film.png")
    assert "2 episodes a seed" in evaluate_run(run.folder, 2)
    with pytest.raises(QlacError, match="no full preset"):
        make_config(LITE_WORLD, method, "full")
