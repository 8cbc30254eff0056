"""Ablations: policy chunks of another length than the critics', disturbances, variants at both sizes,
reports, paired statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from conftest import grid

from qlac_lite.agents import make_learner
from qlac_lite.agents.critics import critic_loss
from qlac_lite.config import make_config
from qlac_lite.config.tasks import LITE_DOMAIN, LITE_WORLD
from qlac_lite.data.dataset import all_chunks, sample
from qlac_lite.data.fetch import generate
from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.experiments import ablations, catalogue, runner
from qlac_lite.experiments.ablations import ABLATIONS, Variant, ablate, ablation_cells, variants
from qlac_lite.reports.ablation import measured, report_ablation
from qlac_lite.training.jax_loop import lite_config, train_lite
from qlac_lite.utils import statistics
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import read_json

WORLD = lite_world.LiteWorld(step=0.08)
TINY = dict(
    seeds=2,
    offline_steps=10,
    online_steps=20,
    evaluate_every=10,
    batch_size=8,
    hidden=(8,),
    evaluation_episodes=2,
    candidates=2,
    flow_steps=2,
)


def data_of(world=WORLD, episodes=4, steps=60):
    return lite_play.record(world, jax.random.key(0), episodes, steps)


@pytest.mark.parametrize("method", grid(["fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc"], "fql-n", "qc"))
@pytest.mark.parametrize("length", [1, 5])
def test_a_policys_chunk_may_have_another_length_than_the_critics(method, length):
    config = lite_config(method, **TINY, horizon=5, policy_horizon=length)
    learner, key = (
        make_learner(config, lite_world.OBSERVATION_SIZE, lite_world.ACTION_SIZE),
        jax.random.key(0),
    )
    state = learner.init(key)
    actions = learner.act(state.params, jnp.zeros((3, 8)), key)
    assert actions.shape == (3, length, 3) and learner.value(
        state.params, jnp.zeros((3, 8)), actions
    ).shape == (3,)
    data = jax.tree.map(jnp.asarray, data_of())
    batch = sample(key, (data,), 8, config.backup_length, config.discount, span=config.span)
    after, info = jax.jit(learner.update)(state, batch, key)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((after.params, info)))
    for name, network in after.params.items():  # every network learns
        assert any(
            not np.array_equal(*pair)
            for pair in zip(jax.tree.leaves(network), jax.tree.leaves(state.params[name]), strict=True)
        )


@pytest.mark.parametrize("method, length", [("qc", 1), pytest.param("bfn-n", 5, marks=pytest.mark.around)])
def test_a_whole_run_with_another_policy_chunk(method, length):
    outcome = train_lite(lite_config(method, **TINY, horizon=5, policy_horizon=length), WORLD, data_of())
    assert np.isfinite(outcome.success).all() and int(outcome.replay.num_starts.min()) >= 20 - 5


def test_without_a_policy_horizon_nothing_is_changed():
    """The critics of the published methods are one ensemble, and 5 said twice is 5."""
    learners = [
        make_learner(lite_config("qc-fql", **TINY, horizon=5, policy_horizon=p), 8, 3) for p in (0, 5)
    ]
    batch = sample(jax.random.key(1), (jax.tree.map(jnp.asarray, data_of()),), 8, 5, 0.99)
    plain, said = (
        each.update(each.init(jax.random.key(0)), batch, jax.random.key(2))[0].params for each in learners
    )
    jax.tree.map(np.testing.assert_array_equal, plain, said)
    assert "partial" not in plain["critic"]


def test_only_the_first_actions_of_a_longer_chunk_are_valued():
    learner = make_learner(lite_config("bfn", **TINY, policy_horizon=5), 8, 3)
    params = learner.init(jax.random.key(0)).params
    seen, chunk = jnp.zeros((4, 8)), jax.random.uniform(jax.random.key(1), (4, 5, 3))
    other = chunk.at[:, 1:].set(0.0)
    np.testing.assert_array_equal(learner.value(params, seen, chunk), learner.value(params, seen, other))
    assert not np.allclose(
        learner.value(params, seen, chunk), learner.value(params, seen, chunk.at[:, 0].set(0.0))
    )


def test_a_span_adds_actions_and_leaves_the_backup_alone():
    data, key = jax.tree.map(jnp.asarray, data_of()), jax.random.key(3)
    short, long = sample(key, (data,), 64, 1, 0.9), sample(key, (data,), 64, 1, 0.9, span=5)
    assert long.actions.shape == (64, 5, 3) and long.valid.shape == (64, 5)
    for name in ("observation", "returns", "bootstrap_observation", "discount"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name))
    np.testing.assert_array_equal(short.actions[:, 0], long.actions[:, 0])
    assert (
        0 < float(long.valid[:, -1].mean()) < 1
    )  # some chunks are cut by an episode's end, and count for a one-step critic


@pytest.mark.parametrize("expectile, above", [(0.5, False), (0.95, True)])
def test_the_partial_critic_regresses_onto_whole_chunks_by_an_expectile(expectile, above):
    """Gradient descent on the loss alone, with one state and action that are
    followed by chunks of two values."""
    config = lite_config("qc", **TINY | {"batch_size": 200}, horizon=2, policy_horizon=1, expectile=expectile)
    learner = make_learner(config, 8, 3)
    state = learner.init(jax.random.key(0))
    rng = np.random.default_rng(0)
    chunks = np.zeros((200, 2, 3), np.float32)
    chunks[:, 1] = np.where(rng.random((200, 1)) < 0.5, 1.0, -1.0)
    batch = all_chunks(data_of(episodes=10), 2, 0.99)
    batch = jax.tree.map(lambda leaf: leaf[:200], batch)._replace(
        observation=jnp.zeros((200, 8)), actions=jnp.asarray(chunks), valid=jnp.ones((200, 2))
    )
    step, at_first = jax.jit(learner.update), state.params["critic"]
    for i in range(400):
        state, _ = step(state, batch, jax.random.key(i))
        state = state._replace(
            params=state.params | {"critic": at_first | {"partial": state.params["critic"]["partial"]}}
        )
    whole_config = lite_config("qc", **TINY, horizon=2)
    whole = make_learner(whole_config, 8, 3).value(
        {"critic": state.params["critic"]["whole"]}, batch.observation, batch.actions
    )
    told = float(learner.value(state.params, batch.observation[:1], batch.actions[:1, :1])[0])
    low, high = float(whole.min()), float(whole.max())
    assert high - low > 0.02 and low <= told <= high
    place = (told - low) / (high - low)
    assert (place > 0.75) if above else (0.3 < place < 0.7)


def test_min_takes_the_least_of_the_target_critics():
    batch = jax.tree.map(lambda leaf: leaf[:4], all_chunks(data_of(), 1, 0.9))._replace(
        returns=jnp.zeros(4), discount=jnp.ones(4), valid=jnp.ones((4, 1))
    )
    q, next_q = jnp.zeros((2, 4)), jnp.array([[1.0] * 4, [3.0] * 4])
    assert float(critic_loss(q, next_q, batch)[0]) == pytest.approx(4.0)
    assert float(critic_loss(q, next_q, batch, "min")[0]) == pytest.approx(1.0)


def test_a_disturbance_is_the_episodes_own_and_zero_changes_nothing():
    pushed = WORLD._replace(disturbance=1.0)
    state, chunk = lite_world.reset(jax.random.key(0)), jnp.zeros((40, 3))
    still = lite_world.execute(WORLD, state, chunk).states.gripper
    moved, again = (lite_world.execute(pushed, state, chunk).states.gripper for _ in range(2))
    other = lite_world.execute(
        pushed, lite_world.reset(jax.random.key(1))._replace(gripper=state.gripper), chunk
    ).states.gripper
    np.testing.assert_array_equal(still, np.broadcast_to(still[0], still.shape))
    np.testing.assert_array_equal(moved, again)
    assert not np.allclose(moved, other)
    steps = np.diff(
        np.concatenate(
            [
                np.asarray(
                    lite_world.execute(
                        pushed, lite_world.reset(jax.random.key(k)), jnp.zeros((5, 3))
                    ).states.gripper
                )
                for k in range(60)
            ]
        ).reshape(60, 6, 2),
        axis=1,
    )
    assert np.std(steps) == pytest.approx(
        WORLD.step, rel=0.15
    )  # standard deviation 1 in units of the largest velocity


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"policy_horizon": 2, "method": "rlpd-ac"}, "policy_horizon is 2"),
        ({"target": "max"}, "mean or min"),
        ({"expectile": 1.0}, "expectile"),
        ({"policy_horizon": -1}, "policy_horizon"),
        ({"policy_horizon": 3, "execute": 4}, "chunk length"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(QlacError, match=said):
        lite_config(**{"method": "qc"} | changes)


@pytest.mark.parametrize("name", ABLATIONS)
@pytest.mark.parametrize("full", [False, True])
def test_every_variant_has_its_control_and_can_be_made_at_both_sizes(name, full):
    chosen = variants(name, full=full)
    names = [v.name for v in chosen]
    assert len(set(names)) == len(names) and {v.control for v in chosen} <= set(names)
    task = "cube-triple-play-singletask-task1-v0" if full else LITE_WORLD
    for v in chosen:
        config = make_config(task, v.method, "full" if full else "lite", **v.changes)
        control = next(other for other in chosen if other.name == v.control)
        if name == "factors" and v.name != v.control:  # a change that changes something
            assert config != make_config(
                task, control.method, "full" if full else "lite", **control.changes
            ), v.name
    if not full:
        assert [cell.name for cell in ablation_cells(name)] == names and all(
            cell.config.seeds == 8 for cell in ablation_cells(name)
        )


def test_what_a_user_sets_holds_for_all_variants_but_not_against_their_own_change():
    cells = ablation_cells("length", ("qc",), horizon=3, batch_size=16)
    assert [cell.config.horizon for cell in cells] == list(ablations.LENGTHS) and {
        cell.config.batch_size for cell in cells
    } == {16}
    with pytest.raises(QlacError, match="halves|fql"):
        variants("halves", ("qc",))


def rows_of(cell, values, offline=2, steps=(1, 2, 3, 4)):
    return [
        {
            "cell": cell,
            "method": "qc",
            "seed": seed,
            "updates": step,
            "offline": offline,
            "success": value,
            "episodes": 10,
        }
        for seed, each in enumerate(values)
        for step, value in zip(steps, each, strict=True)
    ]


def test_what_is_measured_of_a_cell():
    rows = rows_of("a", [(0.0, 0.1, 0.5, 0.7), (0.2, 0.3, 0.6, 1.0)])
    np.testing.assert_allclose(measured(rows, "a").offline, [10, 30])
    np.testing.assert_allclose(measured(rows, "a").end, [70, 100])
    np.testing.assert_allclose(measured(rows, "a").curve, [60, 80])
    assert np.isnan(measured(rows_of("a", [(0.5,), (0.6,)], 0, (1,)), "a").offline).all()
    np.testing.assert_allclose(
        measured(rows_of("a", [(0.5, 0.7), (0.6, 1.0)], 4, (2, 4)), "a").curve, [60, 80]
    )  # offline only


def test_a_report_holds_each_variant_and_its_paired_difference(tmp_path):
    rows = rows_of("a", [(0, 0, 0.5, 0.5), (0, 0, 0.6, 0.6), (0, 0, 0.7, 0.7)]) + rows_of(
        "b", [(0, 0, 0.6, 0.6), (0, 0, 0.7, 0.7), (0, 0, 0.8, 0.8)]
    )
    said = report_ablation(rows, [Variant("a", "qc", {}, "a"), Variant("b", "qc", {}, "a")], tmp_path)
    assert (
        "| b | 0 [0, 0] | 70 [45, 95] | 70 [45, 95] | 10 [10, 10] | a |" in said
    )  # each seed gains 10, however wide the seeds are
    assert (tmp_path / "report.md").read_text().startswith("Success in %, 3 seeds of 10 episodes")
    assert (tmp_path / "report.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.filterwarnings("error")
def test_one_seed_has_no_interval_and_no_warning(tmp_path):
    rows = rows_of("a", [(0, 0, 0.5, 0.5)]) + rows_of("b", [(0, 0, 0.6, 0.6)])
    said = report_ablation(rows, [Variant("a", "qc", {}, "a"), Variant("b", "qc", {}, "a")], tmp_path)
    assert "| b | 0 | 60 | 60 | 10 | a |" in said and "nan" not in said


@pytest.mark.around
def test_an_ablation_in_the_lite_world_and_as_whole_runs(tmp_path, monkeypatch):
    """The same variants, on both roads; whole runs go on where they were."""
    monkeypatch.setitem(
        ABLATIONS,
        "factors",
        lambda methods=("qc-fql",), full=False: iter(
            [
                Variant("control", "qc-fql", {}, "control"),
                Variant("min", "qc-fql", {"target": "min"}, "control"),
            ]
        ),
    )
    monkeypatch.setattr(runner, "PLAY_EPISODES", 3)
    small = catalogue.run_experiment("factors", tmp_path / "small", log=lambda text: None, **TINY)
    assert {row["cell"] for row in small} == {"control", "min"} and "belief_own" in small[0]
    path = tmp_path / "play.npz"
    generate(LITE_DOMAIN, 2, 0, path)
    changes = TINY | {"online_steps": 210, "evaluate_every": 210}
    first = ablate("factors", LITE_WORLD, tmp_path / "whole", path, log=lambda text: None, **changes)
    assert first == ablate("factors", LITE_WORLD, tmp_path / "whole", path, log=lambda text: None, **changes)
    assert {row["updates"] for row in first} == {10, 220} and read_json(
        tmp_path / "whole" / "min" / "run.json", ""
    )["config"]["target"] == "min"
    assert "| min |" in report_ablation(first, variants("factors"), tmp_path / "whole")
    with pytest.raises(QlacError, match="only the lite world"):
        ablate("disturbance", LITE_WORLD, tmp_path / "no", path)


def test_paired_differences_and_how_many_seeds_they_take():
    rng = np.random.default_rng(0)
    luck = rng.normal(50, 20, 8)
    one, other = luck + rng.normal(6, 1, 8), luck
    mean, low, high = statistics.difference(one, other)
    expected = scipy.stats.ttest_rel(one, other).confidence_interval(0.95)
    np.testing.assert_allclose((low, high), (expected.low, expected.high))
    draws = 7 + 10 * rng.normal(size=(4000, 9))
    seen = scipy.stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert statistics.power(7, 10, 9) == pytest.approx(seen.mean(), abs=0.025)
    assert statistics.power(0, 10, 9) == pytest.approx(0.05, abs=1e-3)
    for apart in (3, 7, 20, 60):
        need = statistics.seeds_needed(apart, 10)
        assert statistics.power(apart, 10, need) >= 0.8 and (
            need == 2 or statistics.power(apart, 10, need - 1) < 0.8
        )
    assert statistics.seeds_needed(0, 10, most=500) == 500


def test_two_seeds_are_paired_even_where_rows_come_in_another_order():
    rows = rows_of("a", [(0, 0, 0.1, 0.1), (0, 0, 0.9, 0.9)])
    np.testing.assert_allclose(measured(rows[::-1], "a").end, [10, 90])
