"""The world of lesson 04: its agents train as the library's do, and its leaks are missing stop_gradients."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from build_lessons import ROOT
from qlac_lite.agents import fql
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons import leaks
from qlac_lite.lessons import two_peaks as world
from qlac_lite.lessons.checks import lesson04
from qlac_lite.training.jax_loop import lite_config
from qlac_lite.utils.errors import QlacError


def test_the_lessons_losses_and_loop_take_the_same_step_as_the_library():
    config = lite_config("qc-fql", horizon=2, hidden=(32, 32), alpha=3.0, flow_steps=5, target_rate=0.1)
    learner, optimizer = fql.make_learner(config, 1, 1), optax.adam(config.learning_rate)
    state = jax.jit(learner.init)(jax.random.key(1))
    chunks, returns = world.recorded(0, count=16)
    discount = jnp.where(jnp.arange(16) % 5, 0.9, 0.0)
    seen = world.blank(16)
    batch = Batch(seen, chunks, returns, jnp.ones((16, 2)), seen + 1, discount)
    start = dict(params=state.params, target_critic=state.target_critic, memory=state.optimizer)
    terms, key = world.losses(lesson04.critic_loss_in_steps, lesson04.actor_loss, 3.0), jax.random.key(3)
    one_step = lambda start: lesson04.train(terms, optimizer, 0.1, lambda key: batch, start, key, 1)
    ours = jax.jit(one_step)(start)
    theirs, _ = jax.jit(learner.update)(state, batch, jax.random.split(jax.random.split(key, 1)[0])[1])
    for name in ("params", "target_critic"):
        apart = jax.tree.map(lambda a, b: np.abs(a - b).max(), ours[name], getattr(theirs, name))
        assert max(jax.tree.leaves(apart)) < 1e-5, name


@pytest.mark.parametrize(
    "weights, twin",
    [
        ((0.0, 0.0), lesson04.actor_loss),
        ((1.0, 0.0), lesson04.distance("jnp.mean((proposal - jnp.clip(behavior, -1, 1)) ** 2)")),
        (
            (0.0, 1.0),
            lesson04.edited_actor(
                {
                    "q_loss(networks.critic, ": "-jnp.mean(networks.critic(",
                    "observation, proposal)": "observation, jnp.clip(proposal, -1, 1)))",
                }
            ),
        ),
    ],
)
def test_a_leak_has_the_gradients_of_a_missing_stop_gradient(weights, twin):
    args = lesson04.check_actor_loss.cases(np.random.default_rng(0))[1].args
    leaky = leaks.leaky(lesson04.actor_loss, *weights)
    total = lambda answer: lambda params: sum(answer(args[0], params, *args[2:]).values())
    ours, theirs = (jax.value_and_grad(total(answer))(args[1]) for answer in (leaky, twin))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), ours, theirs)


def test_the_solid_arrows_and_the_patients_wrong_one():
    moves = leaks.moves(lesson04.critic_loss, lesson04.actor_loss)
    healthy = {"critic": ["critic"], "flow": ["flow"], "distill": ["policy"], "q": ["policy"]}
    assert moves == healthy
    patient = leaks.moves(lesson04.critic_loss, lesson04.advantage_actor_loss)
    assert patient == healthy | {"q": ["flow", "policy"]}
    for leak, wrong in (("flow", {"distill": ["flow", "policy"]}), ("critic", {"q": ["critic", "policy"]})):
        assert leaks.moves(lesson04.critic_loss, lesson04.actor_loss, leak) == healthy | wrong


def test_the_patient_on_the_page_is_that_of_the_check():
    body = inspect.getsource(lesson04.advantage_actor_loss).split('"""')[2].strip()
    assert body in (ROOT / "solutions" / "04_fql.py").read_text()


def test_an_unknown_leak_is_refused():
    with pytest.raises(QlacError, match="leak is 'policy'"):
        world.fit([0], leak="policy")


def test_the_record_lies_beside_the_peaks_and_does_not_change():
    chunks, rewards = world.recorded(3, noise=0.0, count=500)
    assert np.abs(chunks).max() <= 1 and rewards.max() <= world.BEST
    assert world.recorded(3, noise=0.0, count=500)[1] == pytest.approx(rewards)
    assert world.true_reward(world.PEAKS[:, :, None]) == pytest.approx(world.HEIGHTS)
