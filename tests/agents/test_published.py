"""All nine methods against what the authors' released code computes:
losses, gradients, parameters after updates.

`published.npz` holds inputs and outputs of that code on small made-up batches, in float64: parameters,
batches and noise; the losses and gradients that follow; parameters and target critic after one and three
updates with Adam. The library's learners compute the same from the same inputs. What is equal and what is
not, with reasons: docs/fidelity.md.
"""

import contextlib
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import TASK

from qlac_lite.agents import State, make_learner
from qlac_lite.agents.base import gradient_step
from qlac_lite.config import get_method, make_config
from qlac_lite.data.dataset import Batch, all_chunks, build_dataset
from qlac_lite.utils import cores

METHODS = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc", "rlpd", "rlpd-ac", "qc-rlpd")
# The noise that a learner draws for one update, in the order in which it draws it.
NORMAL = {"fql": ("next", "flow", "distill"), "best_of_n": ("next", "flow"), "rlpd": ("next", "actor")}
TOLERANCE = 1e-9  # relative to the largest entry of an array
enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


@contextlib.contextmanager
def float64():
    """The published numbers are float64, in which the library otherwise refuses to compute."""
    with enable_x64(True), pytest.MonkeyPatch.context() as patch:
        patch.setitem(cores.ARITHMETIC, "jax_enable_x64", True)
        yield


@pytest.fixture(scope="module")
def arrays():
    with np.load(Path(__file__).with_name("published.npz"), allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module", params=METHODS)
def published(request, arrays):
    """The published arrays of one method."""
    return request.param, below(arrays, f"{request.param}/")


def below(arrays, prefix):
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def named(params):
    """A network's leaves by the published names: dense0/kernel, norm0/scale, mean/bias, ..."""
    if set(params) == {"log"}:
        return {"log_temperature": params["log"]}
    layers = params["mlp"]["layers"]["layers"]
    parts = {head: params[head] for head in ("mean", "log_std") if head in params}
    for kind, leaf in (("dense", "kernel"), ("norm", "scale")):
        found = [layers[i] for i in sorted(layers, key=int) if leaf in layers[i]]
        parts |= {f"{kind}{i}": layer for i, layer in enumerate(found)}
    return {f"{part}/{leaf}": value for part, layer in parts.items() for leaf, value in layer.items()}


def published_network(values, network):
    return (
        {"log_temperature": values["log_temperature"]}
        if network == "temperature"
        else below(values, f"{network}/")
    )


def fill(like, values):
    """The structure of `like`, one network's, with the published values in it."""
    places = named(jax.tree_util.tree_map_with_path(lambda path, leaf: path, like))
    by_place = {places[name]: jnp.asarray(value) for name, value in values.items()}
    return jax.tree_util.tree_map_with_path(lambda path, leaf: by_place.pop(path).reshape(leaf.shape), like)


def assert_equal(ours, values, what):
    """A network's leaves, ours and published, all of them."""
    ours = named(ours)
    assert ours.keys() == values.keys(), what
    for name, value in values.items():
        scale = np.max(np.abs(value)) or 1.0
        np.testing.assert_allclose(
            ours[name], value, rtol=0, atol=TOLERANCE * scale, err_msg=f"{what} {name}"
        )


class Published:
    """The library's learner of one method, with the published parameters, batches and noise."""

    def __init__(self, method, arrays):
        about = json.loads(str(arrays["about"]))
        names = (
            "horizon",
            "alpha",
            "flow_steps",
            "candidates",
            "critics",
            "target_rate",
            "learning_rate",
            "bc_weight",
        )
        changes = {name: about[name] for name in names if about[name] is not None}
        self.config = make_config(TASK, method, "full", hidden=(16, 16), **changes)
        assert self.config.chunk_length == about["chunk"]
        self.kind = get_method(method).learner.split(".")[-1].removesuffix(":make_learner")
        self.arrays = arrays
        observation_size, action_size = (
            arrays["batch0/observation"].shape[-1],
            arrays["batch0/actions"].shape[-1],
        )
        self.learner = make_learner(self.config, observation_size, action_size)
        like = jax.eval_shape(self.learner.init, jax.random.key(0))
        values = below(arrays, "params/")
        self.params = {
            network: fill(leaves, published_network(values, network))
            for network, leaves in like.params.items()
        }
        self.target = fill(like.target_critic, below(arrays, "target_critic/"))
        self.batches = [
            Batch(**{k: jnp.asarray(v) for k, v in below(arrays, f"batch{i}/").items()}) for i in range(3)
        ]
        self.noise = [{k: jnp.asarray(v) for k, v in below(arrays, f"noise{i}/").items()} for i in range(3)]

    @contextlib.contextmanager
    def drawing(self, noise):
        """Whatever the learner draws is the given noise, in its order; all of it has to be drawn."""
        normal = iter(NORMAL[self.kind])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jax.random, "normal", lambda key, shape=(), *_: noise[next(normal)].reshape(shape))
            patch.setattr(jax.random, "uniform", lambda key, shape=(), *_: noise["time"].reshape(shape))
            yield jax.random.key(0)
            assert next(normal, None) is None

    def losses(self, params, target, batch, noise):
        """The learner's losses. The published QC-RLPD clones the steps past an episode's end as
        well, and the library does not: that loss is taken with all steps valid, and everything
        else from the batch as it is."""
        with self.drawing(noise) as key:
            terms, info = self.learner.losses(params, target, batch, key)
        if "bc" in terms:
            with self.drawing(noise) as key:
                whole = batch._replace(valid=jnp.ones_like(batch.valid))
                terms["bc"] = self.learner.losses(params, target, whole, key)[0]["bc"]
        return terms, info

    def update(self, state, batch, noise):
        if self.config.bc_weight:
            optimizer = optax.adam(self.config.learning_rate)
            return gradient_step(self.losses, optimizer, self.config.target_rate)(state, batch, noise)
        with self.drawing(noise) as key:
            return self.learner.update(state, batch, key)

    def after(self, updates):
        """The state after so many updates with batches and noise 0, 1, 2."""
        update = jax.jit(self.update)
        state = State(self.params, self.target, optax.adam(self.config.learning_rate).init(self.params))
        for batch, noise in list(zip(self.batches, self.noise, strict=True))[:updates]:
            state, _ = update(state, batch, noise)
        return state


def test_losses_and_gradients_are_the_published_ones(published):
    method, arrays = published
    with float64():
        run = Published(method, arrays)
        inputs = (run.target, run.batches[0], run.noise[0])
        terms, info = jax.jit(run.losses)(run.params, *inputs)
        found = {"bc": 0.0} | {
            name: float(value) for name, value in (info.mean | info.max | info.min | terms).items()
        }
        if "distill" in found:
            found["distill_without_alpha"] = found["distill"] / run.config.alpha
        wanted = below(arrays, "loss/")
        assert len(wanted) >= 3
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, rtol=TOLERANCE, err_msg=name)
        gradient = jax.jit(jax.grad(lambda params: sum(run.losses(params, *inputs)[0].values())))(run.params)
        wanted = below(arrays, "gradient/")
        for network, leaves in gradient.items():
            assert_equal(leaves, published_network(wanted, network), f"gradient of {network},")


@pytest.mark.parametrize("updates", [1, 3])
def test_parameters_and_target_critic_after_updates_are_the_published_ones(published, updates):
    method, arrays = published
    with float64():
        run = Published(method, arrays)
        state = run.after(updates)
        wanted = below(arrays, f"after{updates}/params/")
        for network, leaves in state.params.items():
            assert_equal(leaves, published_network(wanted, network), f"{network} after {updates},")
        assert_equal(
            state.target_critic,
            below(arrays, f"after{updates}/target_critic/"),
            f"target critic after {updates},",
        )


@pytest.mark.parametrize("horizon", [1, 4])
def test_chunks_are_the_published_ones_where_the_episode_does_not_end_inside(horizon):
    """The published sampler reads a flat buffer, across the ends of episodes: steps past an end are marked
    not valid, and the critic leaves such a chunk out. Ours never reads past the end. Validity is alike
    everywhere; the rest where all is valid."""
    rng, lengths, discount = np.random.default_rng(0), (7, 3, 12, 5), 0.9
    count = sum(lengths)
    rows = {
        key: rng.normal(size=(count, size))
        for key, size in (("observation", 4), ("action", 2), ("next_observation", 4))
    }
    rewards, last = rng.normal(size=count), np.isin(np.arange(count), np.cumsum(lengths) - 1)
    masks = np.where(
        last & (np.arange(count) < 10), 0.0, 1.0
    )  # the first two end in a terminal state, the others at a limit
    masks[15] = 0.0  # solved on the way, as in play data
    rows["next_observation"][:-1][~last[:-1]] = rows["observation"][1:][~last[:-1]]

    stored = lambda flat, final: np.concatenate(
        [np.append(part, final(part), axis=0) for part in np.split(flat, np.cumsum(lengths)[:-1])]
    )
    same = lambda part: part[-1:]
    observations = np.concatenate(
        [
            np.append(now, after[-1:], axis=0)
            for now, after in zip(
                *(
                    np.split(rows[key], np.cumsum(lengths)[:-1])
                    for key in ("observation", "next_observation")
                ),
                strict=True,
            )
        ]
    )
    ends = np.concatenate([np.arange(length + 1) == length for length in lengths])
    ours = all_chunks(
        build_dataset(
            observations, stored(rows["action"], same), stored(rewards, same), stored(masks, same), ends
        ),
        horizon,
        discount,
    )
    for start in range(
        count - horizon + 1
    ):  # the published sampler has no starts in the last horizon - 1 rows
        steps = np.arange(start, start + horizon)
        valid = np.append(1, np.cumprod(1 - last[steps[:-1]]))
        np.testing.assert_array_equal(ours.valid[start], valid)
        if valid.all():
            np.testing.assert_allclose(ours.observation[start], rows["observation"][start], rtol=1e-6)
            np.testing.assert_allclose(ours.actions[start], rows["action"][steps], rtol=1e-6)
            np.testing.assert_allclose(
                ours.returns[start], discount ** np.arange(horizon) @ rewards[steps], rtol=1e-5
            )
            np.testing.assert_allclose(
                ours.discount[start], discount**horizon * masks[steps].min(), rtol=1e-6
            )
            np.testing.assert_allclose(
                ours.bootstrap_observation[start], rows["next_observation"][steps[-1]], rtol=1e-6
            )


def test_what_stands_past_an_episodes_end_does_not_reach_the_critic(arrays):
    """The published batches hold the next episode's actions there, ours hold zeros."""
    with float64():
        run = Published("qc-fql", below(arrays, "qc-fql/"))
        batch = run.batches[0]
        assert 0 < int(jnp.sum(batch.valid == 0)) < batch.valid.size // 2
        zeroed = batch._replace(actions=batch.actions * batch.valid[..., None])
        critic = lambda batch: run.losses(run.params, run.target, batch, run.noise[0])[0]["critic"]
        np.testing.assert_allclose(critic(zeroed), critic(batch), rtol=1e-12)


def test_the_cloning_loss_is_the_flow_loss_of_qc(arrays):
    """Chunk flow BC is not among the published methods; its one loss is."""
    with float64():
        run = Published("qc", below(arrays, "qc/"))
        learner = make_learner(make_config(TASK, "chunk-bc", "full", hidden=(16, 16), horizon=4), 7, 3)
        noise = run.noise[0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jax.random, "normal", lambda *_: noise["flow"])
            patch.setattr(jax.random, "uniform", lambda *_: noise["time"])
            terms, _ = learner.losses({"flow": run.params["flow"]}, {}, run.batches[0], jax.random.key(0))
        np.testing.assert_allclose(terms["flow"], arrays["qc/loss/flow"], rtol=TOLERANCE)
