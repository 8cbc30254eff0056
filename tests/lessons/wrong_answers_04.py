"""Answers to the exercises of lesson 04 as learners might write them; see wrong_answers.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.lessons.checks.lesson04 import (
    actor_loss,
    best_of_n,
    critic_loss,
    distillation_loss,
    q_loss,
    train,
)


def critic_by_rows(q, next_q, returns, mask, whole, discount, horizon):
    target = stop_gradient(returns + jnp.where(mask > 0, discount**horizon, 0.0) * jnp.mean(next_q, 0))
    return sum(jnp.sum(whole * (target - row) ** 2) for row in q) / q.size


def distance_einsum(proposal, behavior):
    gap = (proposal - stop_gradient(behavior).clip(-1, 1)).reshape(-1)
    return gap @ gap / gap.size


def distance_where(proposal, behavior):
    target = jnp.where(behavior > 1, 1.0, jnp.where(behavior < -1, -1.0, behavior))
    return jnp.mean(jnp.square(stop_gradient(target) - proposal))


def distance_clipped_after_the_difference(proposal, behavior):
    gap = proposal - stop_gradient(behavior)
    return jnp.mean(jnp.clip(gap, -1.0, 1.0) ** 2)


def distance_of_a_stack(proposal, behavior):
    ours, theirs = jnp.clip(jnp.stack([proposal, stop_gradient(behavior)]), -1, 1)
    return jnp.mean((ours - theirs) ** 2)


def distance_scaled_into_the_box(proposal, behavior):
    """Shrinks a chunk that sticks out as a whole."""
    target = behavior / jnp.maximum(1, jnp.abs(behavior).max(axis=(1, 2), keepdims=True))
    return jnp.mean((proposal - stop_gradient(target)) ** 2)


def distance_of_what_is_inside(proposal, behavior):
    inside = jnp.abs(behavior) <= 1
    return jnp.sum(inside * (proposal - stop_gradient(behavior)) ** 2) / jnp.sum(inside)


def q_by_member(critic, params, observation, proposal):
    inside = jnp.minimum(jnp.maximum(proposal, -1.0), 1.0)
    frozen = jax.tree.map(stop_gradient, params)
    return sum(-row.mean() for row in critic(frozen, observation, inside)) / len(params)


def actor_in_steps(networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key):
    def field(s, x, t):
        return networks.flow(params["flow"], s, x, t)

    z = jax.random.normal(noise_key, actions.shape)
    teacher = stop_gradient(jnp.clip(euler(field, observation, z, steps), -1, 1))
    a = networks.policy(params["policy"], observation, z)
    total = alpha * ((a - teacher) ** 2).mean()
    total -= networks.critic(stop_gradient(params["critic"]), observation, a.clip(-1, 1)).mean()
    return total + flow_matching_loss(field, observation, actions, valid, flow_key)


def actor_variant(**changes):
    """The actor's loss, with its parts by name."""
    parts = dict(
        flow_key=lambda f, n: f,
        noise_key=lambda f, n: n,
        noise=jax.random.normal,
        bound=lambda a: a,
        observed=lambda o: o,
    )
    parts |= dict(target=lambda b: b, acts=lambda a: a, distance=distillation_loss, improve=q_loss)
    parts |= changes

    def wrong(networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key):
        field = lambda *inputs: networks.flow(params["flow"], *inputs)
        z = parts["noise"](parts["noise_key"](flow_key, noise_key), actions.shape)
        behavior = parts["target"](euler(field, observation, z, steps))
        proposal = parts["acts"](networks.policy(params["policy"], parts["observed"](observation), z))
        bc = flow_matching_loss(field, observation, actions, valid, parts["flow_key"](flow_key, noise_key))
        better = parts["improve"](networks.critic, params["critic"], observation, parts["bound"](proposal))
        return bc + alpha * parts["distance"](proposal, behavior) + better

    return wrong


def best_by_loop(critic, params, target_params, observation, candidates):
    q = jnp.stack([critic(params, observation, candidates[:, i]).mean(0) for i in range(candidates.shape[1])])
    pick = jnp.argmax(q, axis=0)
    chosen = jnp.take_along_axis(candidates, pick[:, None, None, None], axis=1)[:, 0]
    return [chosen, jnp.mean(critic(target_params, observation, chosen), 0)]


def best_returns_candidates(critic, params, target_params, observation, candidates):
    q = jnp.stack(
        [critic(params, observation, candidates[:, i]).mean(0) for i in range(candidates.shape[1])], axis=1
    )
    return q.argmax(axis=1), q.max(axis=1)


def best_keeps_an_axis(critic, params, target_params, observation, candidates):
    chosen, value = best_of_n(critic, params, target_params, observation, candidates)
    return chosen[:, None], value


def best_soft(critic, params, target_params, observation, candidates):
    q = jnp.stack(
        [critic(params, observation, candidates[:, i]).mean(0) for i in range(candidates.shape[1])], axis=1
    )
    mixed = jnp.einsum("bn,bnha->bha", jax.nn.softmax(q, axis=1), candidates)
    return mixed, critic(target_params, observation, mixed).mean(0)


def train_by_fori(update, sample, state, key, steps):
    keys = jax.random.split(key, steps)

    def body(i, carry):
        state, losses = carry
        one, two = jax.random.split(keys[i])
        state, loss = update(state, sample(one), two)
        return state, losses.at[i].set(loss)

    return jax.lax.fori_loop(0, steps, body, (state, jnp.zeros(steps)))


def train_chain_of_keys(update, sample, state, key, steps):
    def step(carry, _):
        state, key = carry
        key, one, two = jax.random.split(key, 3)
        state, loss = update(state, sample(one), two)
        return (state, key), loss

    (state, _), losses = jax.lax.scan(step, (state, key), None, length=steps)
    return state, losses


def train_one_more(update, sample, state, key, steps):
    return train(update, sample, state, key, steps + 1)


def train_first_state(update, sample, state, key, steps):
    return state, train(update, sample, state, key, steps)[1]


def in_place(target, online, rate):
    for name in target["mlp"]:
        target["mlp"][name] *= 1 - rate
        target["mlp"][name] += rate * online["mlp"][name]
    return target


RIGHT = {
    "check_critic_loss": critic_by_rows,
    "check_distillation_loss": distance_einsum,
    "check_q_loss": q_by_member,
    "check_actor_loss": actor_in_steps,
    "check_target_update": lambda target, online, rate: optax.incremental_update(online, target, rate),
    "check_best_of_n": best_by_loop,
    "check_train": train_by_fori,
}

ALSO_RIGHT = {
    "check_distillation_loss": distance_where,
    "check_actor_loss": actor_variant(target=lambda b: jnp.clip(b, -1, 1)),  # clipped twice is clipped once
}

WRONG = {
    "check_critic_loss": {
        "one loss an entry": (
            lambda q, n, r, m, w, g, h: w * (q - stop_gradient(r + m * g**h * n.mean(0))) ** 2,
            "An axis is left over",
        ),
        "one loss a critic": (
            lambda q, n, r, m, w, g, h: jnp.mean(
                w * (q - stop_gradient(r + m * g**h * n.mean(0))) ** 2, axis=1
            ),
            "An axis is left over",
        ),
        "NumPy in the middle": (
            lambda q, n, r, m, w, g, h: np.mean(
                np.asarray(w) * np.square(np.asarray(q - stop_gradient(r + m * g**h * n.mean(0))))
            ),
            "jnp",
        ),
        "the mask on the returns": (
            lambda q, n, r, m, w, g, h: critic_loss(q, n, m * r, m, w, g, h),
            "mask multiplies the bootstrap, and nothing else",
        ),
        "mean over the wrong axis": (
            lambda q, n, r, m, w, g, h: jnp.mean(
                w * (q - stop_gradient(r + m * g**h * n.mean(axis=1, keepdims=True))) ** 2
            ),
            "next",
        ),
        "one minus discount": (lambda q, n, r, m, w, g, h: critic_loss(q, n, r, m, w, 1 - g, h), "next"),
        "discount times horizon": (
            lambda q, n, r, m, w, g, h: critic_loss(q, n, r, m, w, g * h, 1),
            "discount**3",
        ),
        "online values bootstrap": (lambda q, n, r, m, w, g, h: critic_loss(q, q, r, m, w, g, h), "next"),
        "the cosine of it": (lambda q, n, r, m, w, g, h: jnp.cos(critic_loss(q, n, r, m, w, g, h)), "next"),
    },
    "check_distillation_loss": {
        "the flow as it is": (
            lambda p, b: jnp.square(p - stop_gradient(b)).mean(),
            "The target is not clipped: ",
        ),
        "the flow as it is, not stopped": (
            lambda p, b: jnp.square(p - b).mean(),
            "The target is not clipped, and the gradient flows into it",
        ),
        "clipped, not stopped": (
            lambda p, b: jnp.square(p - b.clip(-1, 1)).mean(),
            "The gradient flows into the distillation's target",
        ),
        "the proposal clipped by hand": (
            lambda p, b: jnp.mean((jnp.minimum(jnp.maximum(p, -1), 1) - stop_gradient(b)) ** 2),
            "The clip is on the wrong side",
        ),
        "both clipped, in one array": (distance_of_a_stack, "Both chunks are clipped"),
        "the difference clipped": (
            distance_clipped_after_the_difference,
            "The difference is clipped, not the target",
        ),
        "the squared difference clipped": (
            lambda p, b: jnp.mean(jnp.clip((p - stop_gradient(b)) ** 2, 0, 1)),
            "The difference is clipped, not the target",
        ),
        "the loss clipped": (lambda p, b: jnp.clip(jnp.mean((p - stop_gradient(b)) ** 2), -1, 1), "next"),
        "tanh of the flow's": (
            lambda p, b: jnp.mean((p - jnp.tanh(stop_gradient(b))) ** 2),
            "The target goes through tanh",
        ),
        "the chunk scaled into the box": (distance_scaled_into_the_box, "clip behavior to [-1, 1]"),
        "only what is inside": (distance_of_what_is_inside, "clip behavior to [-1, 1]"),
        "the bounds swapped": (
            lambda p, b: distillation_loss(p, jnp.clip(b, 1, -1)),
            "The bounds of the clip are swapped",
        ),
        "from below only": (
            lambda p, b: jnp.mean((p - stop_gradient(jnp.maximum(b, -1))) ** 2),
            "clip behavior to [-1, 1]",
        ),
        "the clip in NumPy": (
            lambda p, b: jnp.mean((p - stop_gradient(np.clip(np.asarray(b), -1, 1))) ** 2),
            "jnp",
        ),
        "a loss a chunk": (
            lambda p, b: jnp.mean((p - stop_gradient(b.clip(-1, 1))) ** 2, axis=(1, 2)),
            "An axis is left over",
        ),
        "the square of the mean": (lambda p, b: jnp.mean(p - stop_gradient(b)) ** 2, "squared difference"),
        "a product": (lambda p, b: -jnp.mean(p * stop_gradient(b)), "squared difference"),
        "summed over steps": (
            lambda p, b: jnp.mean(jnp.sum((p - stop_gradient(b.clip(-1, 1))) ** 2, axis=1)),
            "every step of a chunk counts",
        ),
        "both stopped by hand in NumPy": (lambda p, b: jnp.mean((np.asarray(p) - np.asarray(b)) ** 2), "jnp"),
        "tanh of the proposal": (
            lambda p, b: distillation_loss(jnp.tanh(p), b),
            "The policy's chunk goes through tanh",
        ),
        "the last step only": (
            lambda p, b: distillation_loss(p[:, -1:], b[:, -1:]),
            "every step of a chunk counts",
        ),
    },
    "check_q_loss": {
        "a loss a row": (
            lambda c, p, o, a: -c(stop_gradient(p), o, jnp.clip(a, -1, 1)).mean(0),
            "An axis is left over",
        ),
        "the critic's name forgotten": (lambda c, p, o, a: -critic(p, o, a).mean(), "misspelled"),  # noqa: F821
        "clip after the critic": (
            lambda c, p, o, a: -jnp.mean(jnp.clip(c(stop_gradient(p), o, a), -1, 1)),
            "next",
        ),
        "observation stopped to 0": (lambda c, p, o, a: q_loss(c, p, 0 * o, a), "next"),
        "a clip of the observation": (lambda c, p, o, a: q_loss(c, p, jnp.clip(o, -1, 1), a), "next"),
        "the exponential": (
            lambda c, p, o, a: -jnp.mean(jnp.exp(c(stop_gradient(p), o, jnp.clip(a, -1, 1)))),
            "next",
        ),
        "parameters stopped in place of actions": (
            lambda c, p, o, a: -jnp.mean(stop_gradient(c(p, o, jnp.clip(a, -1, 1)))),
            "stopped",
        ),
    },
    "check_actor_loss": {
        "the keys swapped": (actor_variant(flow_key=lambda f, n: n, noise_key=lambda f, n: f), "next"),
        "one key for both": (actor_variant(flow_key=lambda f, n: n), "next"),
        "uniform noise": (actor_variant(noise=jax.random.uniform), "next"),
        "one noise for the batch": (
            actor_variant(
                noise=lambda key, shape: jnp.broadcast_to(jax.random.normal(key, shape[1:]), shape)
            ),
            "next",
        ),
        "noise of one step, repeated": (
            actor_variant(
                noise=lambda key, shape: jnp.broadcast_to(
                    jax.random.normal(key, (shape[0], 1, shape[2])), shape
                )
            ),
            "next",
        ),
        "tanh before the Q loss": (actor_variant(bound=jnp.tanh), "next"),
        "the policy clipped from the start": (
            actor_variant(acts=lambda a: jnp.clip(a, -1, 1)),
            "The policy's chunk is clipped before the distillation",
        ),
        "the policy through tanh from the start": (
            actor_variant(acts=jnp.tanh),
            "The policy's chunk goes through tanh",
        ),
        "a distance of its own": (
            actor_variant(distance=lambda p, b: ((p - stop_gradient(b)) ** 2).mean()),
            "The target is not clipped: ",
        ),
        "a distance of its own, not stopped": (
            actor_variant(distance=lambda p, b: ((p - b) ** 2).mean()),
            "The target is not clipped, and the gradient of the distillation",
        ),
        "a distance of its own, of the clipped policy": (
            actor_variant(distance=lambda p, b: ((p.clip(-1, 1) - stop_gradient(b)) ** 2).mean()),
            "and the target is not",
        ),
        "a clip of the difference": (
            actor_variant(distance=lambda p, b: (jnp.clip(p - stop_gradient(b), -1, 1) ** 2).mean()),
            "The difference of the two chunks is clipped",
        ),
        "tanh of the flow's chunk": (actor_variant(target=jnp.tanh), "The flow's chunk goes through tanh"),
        "clipped noise": (
            actor_variant(noise=lambda key, shape: jnp.clip(jax.random.normal(key, shape), -1, 1)),
            "The noise is clipped",
        ),
        "a critic of what is not executed": (
            actor_variant(improve=lambda c, p, o, a: -c(stop_gradient(p), o, a).mean()),
            "a chunk that is not clipped",
        ),
        "the policy does not see": (actor_variant(observed=jnp.zeros_like), "next"),
        "the losses as a tuple": (lambda *args: (actor_loss(*args), 0.0), "tuple"),
        "the losses in a dictionary": (lambda *args: {"total": actor_loss(*args)}, "not an array of numbers"),
        "a mean of the three": (lambda *args: actor_loss(*args) / 3, "next"),
    },
    "check_target_update": {
        "in place": (in_place, "changes its arguments"),
        "a list of leaves": (
            lambda t, o, r: [
                (1 - r) * a + r * b for a, b in zip(jax.tree.leaves(t), jax.tree.leaves(o), strict=True)
            ],
            "a tree like its argument",
        ),
        "a dictionary comprehension, one level deep": (
            lambda t, o, r: {k: (1 - r) * t[k] + r * o[k] for k in t},
            "raised TypeError",
        ),
        "the first layer only": (
            lambda t, o, r: {"mlp": jax.tree.map(lambda a, b: (1 - r) * a + r * b, t["mlp"], o["mlp"])},
            "a tree like its argument",
        ),
        "the square root of the rate": (lambda t, o, r: optax.incremental_update(o, t, r**0.5), "next"),
        "the rate by percent": (lambda t, o, r: optax.incremental_update(o, t, r / 100), "small rate moves"),
    },
    "check_best_of_n": {
        "indices and their values": (best_returns_candidates, "wrong shape"),
        "an axis too much": (best_keeps_an_axis, "An axis is left over"),
        "a soft maximum": (best_soft, "next"),
        "a value for each critic": (
            lambda c, p, t, o, x: (best_of_n(c, p, t, o, x)[0], c(t, o, best_of_n(c, p, t, o, x)[0])),
            "An axis is left over",
        ),
        "the actions only": (lambda *args: best_of_n(*args)[0], "wrong number of values"),
        "value first": (lambda *args: best_of_n(*args)[::-1], "another order"),
        "an int of an array": (
            lambda c, p, t, o, x: (
                jnp.stack(
                    [
                        x[i, int(c(p, jnp.repeat(o[i : i + 1], x.shape[1], axis=0), x[i]).mean(0).argmax())]
                        for i in range(len(x))
                    ]
                ),
                best_of_n(c, p, t, o, x)[1],
            ),
            "inside jax.jit",
        ),
        "the second best": (lambda c, p, t, o, x: best_of_n(c, p, t, o, jnp.delete(x, 0, axis=1)), "next"),
    },
    "check_train": {
        "a chain of keys": (train_chain_of_keys, "jax.random.split(key, steps)"),
        "one update too many": (train_one_more, "next"),
        "the state it began with": (train_first_state, "next"),
        "losses first": (lambda *args: train(*args)[::-1], "another order"),
        "the state only": (lambda *args: train(*args)[0], "wrong number of values"),
        "no loss": (lambda *args: (train(*args)[0], jnp.zeros(args[-1])), "next"),
    },
}
