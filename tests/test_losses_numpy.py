"""Each learner's losses and gradients against an independent computation in NumPy, float64, for one batch."""

import jax
import numpy as np
import pytest
from test_agents import batch_of, learner_and_state

from qlac_lite.config import METHODS, get_method

A, K = 2, 2  # action size, Euler steps of tiny_config


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def mlp(params, x):
    """Linear layers, GELU, and LayerNorm where there is a scale; params of one network, in the order of its layers."""
    layers = [params["mlp"]["layers"]["layers"][i] for i in sorted(params["mlp"]["layers"]["layers"], key=int)]
    linear = [layer for layer in layers if "kernel" in layer]
    norms = [layer for layer in layers if "scale" in layer]
    for i, layer in enumerate(linear):
        x = x @ layer["kernel"] + layer["bias"]
        if i < len(linear) - 1:
            x = gelu(x)
            if norms:
                x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
                x = x * norms[i]["scale"] + norms[i]["bias"]
    return x


def network(params, *inputs, shape=None):
    x = np.concatenate([np.reshape(part, (len(part), -1)) for part in inputs], axis=1)
    out = mlp(params, x)
    return out.reshape(shape) if shape else out


def ensemble(params, observation, chunk):
    """(E, B)."""
    members = len(jax.tree.leaves(params)[0])
    return np.stack([network(jax.tree.map(lambda leaf, e=e: leaf[e], params), observation, chunk)[:, 0] for e in range(members)])


def integrate(params, observation, noise):
    x = noise
    for k in range(K):
        x = x + network(params, observation, x, np.full(len(x), k / K), shape=x.shape) / K
    return x


def normal(key, shape):
    return np.asarray(jax.random.normal(key, shape), float)


def losses(kind, params, fixed, target, batch, key, config):
    """By name. `fixed` is a copy of params: what a stopped gradient sees, so differences in params are gradients."""
    length = config.chunk_length
    actions, valid = batch.actions[:, :length], batch.valid[:, :length]
    count, now, then = len(actions), batch.observation, batch.bootstrap_observation
    terms = {}
    if kind == "bc":
        flow_key = key
    elif kind == "rlpd":
        next_key, actor_key = jax.random.split(key)
        next_actions = np.tanh(gaussian(fixed["actor"], then, normal(next_key, actions.shape))[0])
    elif kind == "fql":
        next_key, flow_key, noise_key = jax.random.split(key, 3)
        next_actions = np.clip(network(fixed["policy"], then, normal(next_key, actions.shape), shape=actions.shape), -1, 1)
    else:
        next_key, flow_key = jax.random.split(key)
        n = config.candidates
        many = np.repeat(then, n, axis=0)
        options = np.clip(integrate(fixed["flow"], many, normal(next_key, (count * n, length, A))), -1, 1)
        q = ensemble(fixed["critic"], many, options).mean(axis=0)
        next_actions = np.array([max(zip(q[i * n : (i + 1) * n], options[i * n : (i + 1) * n], strict=True), key=lambda pair: pair[0])[1] for i in range(count)])  # fmt: skip
    if kind != "bc":
        goal = batch.returns + batch.discount * ensemble(target, then, next_actions).mean(axis=0)
        error = ensemble(params["critic"], now, actions) - goal
        terms["critic"] = np.sum(batch.valid[:, -1] * error**2) / error.size
    if kind == "rlpd":
        return terms | soft(params, fixed, now, actions, valid, normal(actor_key, actions.shape), config)
    x_key, t_key = jax.random.split(flow_key)
    noise, time = normal(x_key, actions.shape), np.asarray(jax.random.uniform(t_key, (count,)), float)
    mixed = noise + time[:, None, None] * (actions - noise)
    miss = network(params["flow"], now, mixed, time, shape=actions.shape) - (actions - noise)
    terms["flow"] = np.sum(valid[:, :, None] * miss**2) / actions.size
    if kind == "fql":
        noise = normal(noise_key, actions.shape)
        proposal = network(params["policy"], now, noise, shape=actions.shape)
        terms["distill"] = config.alpha * np.sum((proposal - integrate(fixed["flow"], now, noise)) ** 2) / actions.size
        terms["q"] = -ensemble(fixed["critic"], now, np.clip(proposal, -1, 1)).mean()
    return terms


def gaussian(params, observation, noise):
    """Before the tanh: samples, means and standard deviations, (B, H, A) each."""
    mean, log_std = (part.reshape(noise.shape) for part in np.split(network(params, observation), 2, axis=1))
    std = np.exp(np.clip(log_std, -20, 2))
    return mean + std * noise, mean, std


def squashed_density(u, mean, std):
    """Log density of tanh(u), entry by entry."""
    return -((u - mean) ** 2) / (2 * std**2) - np.log(std * np.sqrt(2 * np.pi)) - np.log(1 - np.tanh(u) ** 2)


def soft(params, fixed, now, actions, valid, noise, config):
    """Actor, temperature and, where it has a weight, behavior cloning."""
    u, mean, std = gaussian(params["actor"], now, noise)
    log_prob = squashed_density(u, mean, std).sum(axis=(1, 2))
    q = ensemble(fixed["critic"], now, np.tanh(u)).mean(axis=0)
    terms = {"actor": np.mean(np.exp(fixed["temperature"]["log"]) * log_prob - q)}
    entropy = -squashed_density(*gaussian(fixed["actor"], now, noise)).sum(axis=(1, 2)).mean()
    size = actions[0].size
    terms["temperature"] = np.exp(params["temperature"]["log"]) * (entropy - config.entropy_target * size)
    if config.bc_weight:
        inside = np.arctanh(np.clip(actions, -1 + 1e-5, 1 - 1e-5))
        likelihood = (valid[:, :, None] * squashed_density(inside, mean, std)).sum(axis=(1, 2))
        terms["bc"] = -config.bc_weight * likelihood.mean()
    return terms


@pytest.mark.parametrize("method", METHODS)
def test_losses_and_gradients_are_those_of_numpy(method):
    config, learner, state = learner_and_state(method, alpha=3.0)
    assert config.flow_steps == K
    horizon, kind = config.backup_length, get_method(method).learner
    valid = (np.arange(horizon) < np.where(np.arange(16) % 4 == 1, max(1, horizon - 2), horizon)[:, None]).astype(np.float32)
    batch, key = batch_of(horizon, valid=valid), jax.random.key(7)
    ours = jax.tree.map(lambda leaf: np.asarray(leaf, float), (state.params, state.target_critic, batch))
    rng = np.random.default_rng(3)
    target = jax.tree.map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), ours[1])
    as_jax = jax.tree.map(lambda leaf: leaf.astype(np.float32), target)

    got = jax.jit(lambda params: learner.losses(params, as_jax, batch, key)[0])(state.params)
    wanted = losses(kind, ours[0], ours[0], target, ours[2], key, config)
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-4, atol=1e-5, err_msg=name)

    gradient = jax.jit(jax.grad(lambda params: sum(learner.losses(params, as_jax, batch, key)[0].values())))(state.params)
    for changed in ours[0]:  # along a random direction in each network, by a central difference
        way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), ours[0][changed])
        moved = [
            sum(losses(kind, ours[0] | {changed: jax.tree.map(lambda leaf, d, s=s: leaf + s * 1e-5 * d, ours[0][changed], way)}, ours[0], target, ours[2], key, config).values())
            for s in (1, -1)
        ]  # fmt: skip
        slope = sum(np.sum(np.asarray(g, float) * d) for g, d in zip(jax.tree.leaves(gradient[changed]), jax.tree.leaves(way), strict=True))
        np.testing.assert_allclose(slope, (moved[0] - moved[1]) / 2e-5, rtol=2e-3, atol=2e-4, err_msg=changed)
