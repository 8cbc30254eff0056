"""Answers to the exercises of lesson 04 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson04 import (
    CLIPPED,
    DISTILLATION,
    Q_TERM,
    actor_loss,
    best_of_n,
    critic_loss,
    critic_loss_in_steps,
    distillation_loss,
    edited_actor,
    edited_critic,
    edited_distance,
    q_loss,
    target_update,
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


def distance_of_a_stack(proposal, behavior):
    ours, theirs = jnp.clip(jnp.stack([proposal, stop_gradient(behavior)]), -1, 1)
    return jnp.mean((ours - theirs) ** 2)


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


def best_by_loop(critic, params, target_params, observation, candidates):
    q = jnp.stack([critic(params, observation, x).mean(0) for x in candidates.swapaxes(0, 1)])
    pick = jnp.argmax(q, axis=0)
    chosen = jnp.take_along_axis(candidates, pick[:, None, None, None], axis=1)[:, 0]
    return [chosen, jnp.mean(critic(target_params, observation, chosen), 0)]


def best_soft(critic, params, target_params, observation, candidates):
    q = jnp.stack([critic(params, observation, x).mean(0) for x in candidates.swapaxes(0, 1)], axis=1)
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
    "check_target_update": lambda t, o, r: optax.incremental_update(o, t, r),
    "check_best_of_n": best_by_loop,
    "check_train": train_by_fori,
}

ALSO_RIGHT = {
    "check_critic_loss": critic_loss_in_steps,
    "check_distillation_loss": distance_where,
    "check_actor_loss": edited_actor({"(proposal, behavior)": "(proposal, jnp.clip(behavior, -1, 1))"}),
}

WRONG = {
    "check_critic_loss": {
        "one loss an entry": (edited_critic({"jnp.mean": ""}), "An axis is left over"),
        "one loss a critic": (edited_critic({"error**2": "error**2, axis=1"}), "An axis is left over"),
        "NumPy in the middle": (edited_critic({"error**2": "np.square(error)"}), "jnp"),
        "the mask on the returns": (
            edited_critic({"returns +": "mask * returns +"}),
            "mask multiplies the bootstrap, and nothing else",
        ),
        "mean over the wrong axis": (
            edited_critic({"next_q.mean(axis=0)": "next_q.mean(axis=1, keepdims=True)"}),
            "next",
        ),
        "one minus discount": (edited_critic({"discount**": "(1 - discount) ** "}), "next"),
        "discount times horizon": (edited_critic({"discount**horizon": "discount * horizon"}), "discount**3"),
        "online values bootstrap": (edited_critic({"next_q.mean": "q.mean"}), "next"),
        "the cosine of it": (lambda *args: jnp.cos(critic_loss(*args)), "next"),
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
            lambda p, b: jnp.mean(jnp.clip(p - stop_gradient(b), -1, 1) ** 2),
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
        "the chunk scaled into the box": (
            edited_distance(
                {CLIPPED: "behavior / jnp.maximum(1, jnp.abs(behavior).max(axis=(1, 2), keepdims=True))"}
            ),
            "clip behavior to [-1, 1]",
        ),
        "only what is inside": (distance_of_what_is_inside, "clip behavior to [-1, 1]"),
        "the bounds swapped": (
            lambda p, b: distillation_loss(p, jnp.clip(b, 1, -1)),
            "The bounds of the clip are swapped",
        ),
        "from below only": (
            edited_distance({CLIPPED: "jnp.maximum(behavior, -1)"}),
            "clip behavior to [-1, 1]",
        ),
        "the clip in NumPy": (lambda p, b: distillation_loss(p, np.clip(np.asarray(b), -1, 1)), "jnp"),
        "a loss a chunk": (edited_distance({"** 2)": "** 2, axis=(1, 2))"}), "An axis is left over"),
        "the square of the mean": (lambda p, b: jnp.mean(p - stop_gradient(b)) ** 2, "squared difference"),
        "a product": (lambda p, b: -jnp.mean(p * stop_gradient(b)), "squared difference"),
        "summed over steps": (
            edited_distance({"jnp.mean": "proposal.shape[1] * jnp.mean"}),
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
        "a loss a row": (edited(q_loss, {"-1, 1)))": "-1, 1)), axis=0)"}), "An axis is left over"),
        "the critic's name forgotten": (
            edited(q_loss, {"critic: Callable": "network: Callable"}),
            "misspelled",
        ),
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
        "parameters stopped in place of actions": (lambda *args: stop_gradient(q_loss(*args)), "stopped"),
    },
    "check_actor_loss": {
        "the keys swapped": (lambda *args: actor_loss(*args[:7], args[8], args[7]), "next"),
        "one key for both": (lambda *args: actor_loss(*args[:7], args[8], args[8]), "next"),
        "uniform noise": (edited_actor({"jax.random.normal": "jax.random.uniform"}), "next"),
        "one noise for the batch": (
            edited_actor({"noise_key, actions.shape)": "noise_key, actions.shape[1:]) + 0 * actions"}),
            "next",
        ),
        "noise of one step, repeated": (
            edited_actor({"noise_key, actions.shape)": "noise_key, actions[:, :1].shape) + 0 * actions"}),
            "next",
        ),
        "tanh before the Q loss": (
            edited_actor({"observation, proposal)": "observation, jnp.tanh(proposal))"}),
            "next",
        ),
        "the policy clipped from the start": (
            edited_actor({"return {": "proposal = jnp.clip(proposal, -1, 1)\n    return {"}),
            "The policy's chunk is clipped before the distillation",
        ),
        "the policy through tanh from the start": (
            edited_actor({"return {": "proposal = jnp.tanh(proposal)\n    return {"}),
            "The policy's chunk goes through tanh",
        ),
        "a distance of its own": (
            edited_actor({DISTILLATION: "((proposal - stop_gradient(behavior)) ** 2).mean()"}),
            "The target is not clipped: ",
        ),
        "a distance of its own, not stopped": (
            edited_actor({DISTILLATION: "((proposal - behavior) ** 2).mean()"}),
            "The target is not clipped, and the gradient of the distillation",
        ),
        "a distance of its own, of the clipped policy": (
            edited_actor({DISTILLATION: "((proposal.clip(-1, 1) - stop_gradient(behavior)) ** 2).mean()"}),
            "and the target is not",
        ),
        "a clip of the difference": (
            edited_actor({DISTILLATION: "((proposal - stop_gradient(behavior)).clip(-1, 1) ** 2).mean()"}),
            "The difference of the two chunks is clipped",
        ),
        "tanh of the flow's chunk": (
            edited_actor({"(proposal, behavior)": "(proposal, jnp.tanh(behavior))"}),
            "The flow's chunk goes through tanh",
        ),
        "clipped noise": (
            edited_actor({"noise_key, actions.shape)": "noise_key, actions.shape).clip(-1, 1)"}),
            "The noise is clipped",
        ),
        "a critic of what is not executed": (
            edited_actor(
                {Q_TERM: '-networks.critic(stop_gradient(params["critic"]), observation, proposal).mean()'}
            ),
            "a chunk that is not clipped",
        ),
        "the policy does not see": (edited_actor({"observation, noise)": "0 * observation, noise)"}), "next"),
        "the losses as a tuple": (lambda *args: (actor_loss(*args), 0.0), "tuple"),
        "the losses in a dictionary": (lambda *args: {"total": actor_loss(*args)}, "not an array of numbers"),
        "a mean of the three": (lambda *args: actor_loss(*args) / 3, "next"),
    },
    "check_target_update": {
        "in place": (in_place, "changes its arguments"),
        "a list of leaves": (
            lambda t, o, r: jax.tree.leaves(target_update(t, o, r)),
            "a tree like its argument",
        ),
        "a dictionary comprehension, one level deep": (
            lambda t, o, r: {k: (1 - r) * t[k] + r * o[k] for k in t},
            "raised TypeError",
        ),
        "the first layer only": (
            lambda t, o, r: {"mlp": target_update(t["mlp"], o["mlp"], r)},
            "a tree like its argument",
        ),
        "the square root of the rate": (lambda t, o, r: optax.incremental_update(o, t, r**0.5), "next"),
        "the rate by percent": (lambda t, o, r: optax.incremental_update(o, t, r / 100), "small rate moves"),
    },
    "check_best_of_n": {
        "indices and their values": (
            edited(
                best_of_n,
                {"chosen = candidates[jnp.arange(size), best]": "return best, q.mean(axis=0).max(axis=1)"},
            ),
            "wrong shape",
        ),
        "an axis too much": (
            edited(best_of_n, {"return chosen": "return chosen[:, None]"}),
            "An axis is left over",
        ),
        "a soft maximum": (best_soft, "next"),
        "a value for each critic": (
            edited(best_of_n, {"chosen).mean(axis=0)": "chosen)"}),
            "An axis is left over",
        ),
        "the actions only": (lambda *args: best_of_n(*args)[0], "wrong number of values"),
        "value first": (lambda *args: best_of_n(*args)[::-1], "another order"),
        "an int of an array": (
            edited(best_of_n, {"[jnp.arange(size), best]": "[np.arange(size), [int(i) for i in best]]"}),
            "inside jax.jit",
        ),
        "the second best": (lambda c, p, t, o, x: best_of_n(c, p, t, o, jnp.delete(x, 0, axis=1)), "next"),
    },
    "check_train": {
        "a chain of keys": (train_chain_of_keys, "jax.random.split(key, steps)"),
        "one update too many": (lambda *args: train(*args[:-1], args[-1] + 1), "next"),
        "the state it began with": (lambda *args: (args[2], train(*args)[1]), "next"),
        "losses first": (lambda *args: train(*args)[::-1], "another order"),
        "the state only": (lambda *args: train(*args)[0], "wrong number of values"),
        "no loss": (lambda *args: (train(*args)[0], jnp.zeros(args[-1])), "next"),
    },
}
