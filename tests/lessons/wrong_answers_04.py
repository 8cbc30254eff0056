"""Answers to the exercises of lesson 04 as learners might write them; see wrong_answers_00.py."""

import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.lessons.checks.exercise import edited
from qlac_lite.lessons.checks.lesson04 import (
    DISTILLATION,
    Q_TERM,
    actor_loss,
    advantage_actor_loss,
    asked,
    best_of_n,
    critic_loss,
    critic_loss_in_steps,
    distance,
    edited_actor,
    edited_best,
    edited_critic,
    edited_patient,
    edited_train,
    mended_actor_loss,
    train,
    train_python,
)


def critic_by_rows(networks, params, target_critic, batch, key):
    z = jax.random.normal(key, batch.actions.shape)
    policy, slow = stop_gradient((params["policy"], target_critic))
    a = networks.policy(policy, batch.bootstrap_observation, z).clip(-1, 1)
    after = sum(networks.critic(slow, batch.bootstrap_observation, a)) / len(slow)
    y = batch.returns + jnp.where(batch.discount > 0, batch.discount * after, 0.0)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    whole = jnp.all(batch.valid > 0, axis=1)
    return sum(jnp.sum(jnp.where(whole, y - row, 0.0) ** 2) for row in q) / q.size


def actor_in_one_go(networks, params, batch, alpha, steps, flow_key, noise_key):
    def field(s, x, t):
        return networks.flow(params["flow"], s, x, t)

    z, s = jax.random.normal(noise_key, batch.actions.shape), batch.observation
    a = networks.policy(params["policy"], s, z)
    still = jax.tree.map(stop_gradient, params)
    teacher = euler(lambda *inputs: networks.flow(still["flow"], *inputs), s, z, steps)
    gap = (jnp.minimum(jnp.maximum(teacher, -1), 1) - a).reshape(-1)
    return {
        "q": -networks.critic(still["critic"], s, jnp.clip(a, -1, 1)).mean(1).mean(),
        "distill": alpha * gap @ gap / gap.size,
        "flow": flow_matching_loss(field, s, batch.actions, batch.valid, flow_key),
    }


def field_not_bound(networks, params, batch, alpha, steps, flow_key, noise_key):
    field, observation = networks.flow, batch.observation
    return {"flow": flow_matching_loss(field, observation, batch.actions, batch.valid, flow_key)}


def train_by_fori(losses, optimizer, rate, sample, state, key, steps):
    keys = jax.random.split(key, steps)

    def one(i, carry):
        state, log = carry
        first, second = jax.random.split(keys[i])
        batch = sample(first)
        grown = lambda params: sum(losses(params, state["target_critic"], batch, second).values())
        slope = jax.grad(grown)(state["params"])
        terms = losses(state["params"], state["target_critic"], batch, second)
        updates, memory = optimizer.update(slope, state["memory"], state["params"])
        target = optax.incremental_update(state["params"]["critic"], state["target_critic"], rate)
        new = {"target_critic": target, "memory": memory}
        new["params"] = optax.apply_updates(state["params"], updates)
        return new, {name: log[name].at[i].set(terms[name]) for name in log}

    shapes = jax.eval_shape(losses, state["params"], state["target_critic"], sample(keys[0]), keys[0])
    state = jax.tree.map(jnp.asarray, state)
    state, log = jax.lax.fori_loop(0, steps, one, (state, {name: jnp.zeros(steps) for name in shapes}))
    return {"log": log, **state}


def train_chain_of_keys(losses, optimizer, rate, sample, state, key, steps):
    log = []
    for _ in range(steps):
        key, step_key = jax.random.split(key)
        new = train(losses, optimizer, rate, sample, state, step_key, 1)
        log.append(new.pop("log"))
        state = new
    return state | {"log": jax.tree.map(lambda *rows: jnp.concatenate(rows), *log)}


mended_by_a_frozen_teacher = edited_patient(
    {"euler(field,": "euler(lambda *inputs: networks.flow(stop_gradient(params['flow']), *inputs),"}
)
mended_by_the_difference = edited_patient({"q - baseline": "q - stop_gradient(baseline)"})


def best_by_loop(networks, params, target_critic, observation, chunk, count, steps, key):
    noise = jax.random.normal(key, (len(observation), count, *chunk))
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    options = [jnp.clip(euler(field, observation, noise[:, i], steps), -1, 1) for i in range(count)]
    q = jnp.stack([networks.critic(params["critic"], observation, x).mean(0) for x in options])
    pick = jnp.argmax(q, axis=0)
    chosen = jnp.take_along_axis(jnp.stack(options), pick[None, :, None, None], axis=0)[0]
    return [chosen, jnp.mean(networks.critic(target_critic, observation, chosen), 0)]


def best_soft(networks, params, target_critic, observation, chunk, count, steps, key):
    noise = jax.random.normal(key, (len(observation), count, *chunk))
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    options = jnp.stack([euler(field, observation, noise[:, i], steps).clip(-1, 1) for i in range(count)])
    q = jnp.stack([networks.critic(params["critic"], observation, x).mean(0) for x in options])
    mixed = jnp.einsum("nb,nbha->bha", jax.nn.softmax(q, axis=0), options)
    return mixed, networks.critic(target_critic, observation, mixed).mean(0)


RIGHT = {
    "check_critic_loss": critic_by_rows,
    "check_actor_loss": actor_in_one_go,
    "check_train": train_by_fori,
    "check_mended_actor_loss": mended_by_a_frozen_teacher,
    "check_best_of_n": best_by_loop,
}

ALSO_RIGHT = {
    "check_critic_loss": critic_loss_in_steps,
    "check_actor_loss": distance("distillation_loss(proposal, jnp.clip(behavior, -1, 1))"),
    "check_mended_actor_loss": mended_by_the_difference,
}

MIX = 'jax.tree.map(move, target_critic, params["critic"])'
_other_noise = "jax.random.normal(jax.random.split(flow_key)[0], noise.shape)"

WRONG = {
    "check_critic_loss": {
        "one loss an entry": (edited_critic({"jnp.mean(batch": "(batch"}), "An axis is left over"),
        "one loss a critic": (
            edited_critic({"target) ** 2)": "target) ** 2, axis=1)"}),
            "An axis is left over",
        ),
        "NumPy in the middle": (edited_critic({"* (q - target) ** 2": "* np.square(q - target)"}), "jnp"),
        "the next chunk is stopped, and only that": (
            edited_critic(
                {
                    "stop_gradient(batch.returns": "(batch.returns",
                    "next_q = ": "next_chunk = stop_gradient(next_chunk)\n    next_q = ",
                }
            ),
            "but the gradient flows through the target into the target critic",
        ),
        "the discount on the returns, too": (
            edited_critic({"batch.returns +": "batch.discount * batch.returns +"}),
            "the target is batch.returns",
        ),
        "mean over the wrong axis": (edited_critic({"next_q.mean(axis=0)": "next_q.mean(axis=1)"}), "next"),
        "one minus discount": (edited_critic({"batch.discount *": "(1 - batch.discount) *"}), "next"),
        "the first step counts": (edited_critic({"valid[:, -1]": "valid[:, 0]"}), "Cut chunks count in full"),
        "cut chunks upside down": (
            edited_critic({"batch.valid[:, -1] *": "(1 - batch.valid[:, -1]) *"}),
            "next",
        ),
        "the policy's parameters forgotten": (
            edited_critic({'params["policy"], then': "params, then"}),
            'this one takes params["policy"] alone',
        ),
        "the policy without parameters": (
            edited_critic({'params["policy"], then': "then"}),
            "The parameters come first",
        ),
        "the weight as a column": (
            edited_critic({"valid[:, -1]": "valid[:, -1:]"}),
            "Shapes are matched from the right",
        ),
        "the whole of valid as a weight": (
            edited_critic({"valid[:, -1]": "valid"}),
            "Shapes are matched from the right",
        ),
        "the cosine of it": (lambda *args: jnp.cos(critic_loss(*args)), "next"),
        "clipped errors": (edited_critic({"(q - target)": "jnp.clip(q - target, -1, 1)"}), "next"),
        "a log beside it": (lambda *args: (critic_loss(*args), {"q": 0.0}), "tuple"),
    },
    "check_actor_loss": {
        "the sum": (lambda *args: sum(actor_loss(*args).values()), "a dictionary with flow, distill, q"),
        "the three side by side": (lambda *args: tuple(actor_loss(*args).values()), "Return one dictionary"),
        "two of three": (
            lambda *args: {name: actor_loss(*args)[name] for name in ("flow", "q")},
            "Missing: distill.",
        ),
        "in another spelling": (
            lambda *args: {name.upper(): value for name, value in actor_loss(*args).items()},
            "Not asked for: FLOW, DISTILL, Q.",
        ),
        "the field is not bound": (field_not_bound, 'bind params["flow"] to it'),
        "noise of one step, repeated": (
            edited_actor({"noise_key, actions.shape)": "noise_key, actions[:, :1].shape) + 0 * actions"}),
            "next",
        ),
        "the policy clipped from the start": (
            edited_actor({"return {": "proposal = jnp.clip(proposal, -1, 1)\n    return {"}),
            "The proposal is clipped in the distillation, too",
        ),
        "the distance clipped": (
            distance("jnp.clip(jnp.mean((proposal - stop_gradient(behavior)) ** 2), 0, 1)"),
            "next",
        ),
        "the last step only": (distance("distillation_loss(proposal[:, -1:], behavior[:, -1:])"), "next"),
        "the square of the mean": (
            distance("jnp.mean(proposal - stop_gradient(jnp.clip(behavior, -1, 1))) ** 2"),
            "distill = ",
        ),
        "a distance for each chunk": (
            distance("jnp.mean((proposal - jnp.clip(stop_gradient(behavior), -1, 1)) ** 2, axis=(1, 2))"),
            "An axis is left over",
        ),
        "the observation stopped to 0": (
            edited_actor({"observation, noise)": "0 * observation, noise)"}),
            "next",
        ),
        "the critic's parameters forgotten": (
            edited_actor({'q_loss(networks.critic, params["critic"]': "q_loss(networks.critic, params"}),
            'this one takes params["critic"] alone',
        ),
        "Q squared": (asked("-({} ** 2).mean()"), "q = "),
        "a clip that lets the gradient through": (
            edited_actor(
                {
                    "return {": "past = stop_gradient(jnp.clip(proposal, -1, 1) - proposal)\n    return {",
                    Q_TERM: '-networks.critic(stop_gradient(params["critic"]), observation, past + proposal)'
                    ".mean()",
                }
            ),
            "the gradient goes past the clip",
        ),
        "other noise for the flow": (
            edited_actor({"sampled, observation, noise": f"sampled, observation, {_other_noise}"}),
            "distill = ",
        ),
        "alpha squared": (
            edited_actor({f"alpha * {DISTILLATION}": f"alpha**2 * {DISTILLATION}"}),
            "distill = ",
        ),
        "a mean of the three": (lambda *args: {k: v / 3 for k, v in actor_loss(*args).items()}, "next"),
    },
    "check_train": {
        "a chain of keys": (train_chain_of_keys, "its own key"),
        "one step too many": (lambda *args: train(*args[:-1], args[-1] + 1), "next"),
        "the state it began with": (
            lambda *args: args[4] | {"log": train(*args)["log"]},
            "the one from before the training",
        ),
        "the optimizer starts anew": (
            edited_train({}, 'state = {**state, "memory": optimizer.init(state["params"])}'),
            "memory begins anew; the one in state is not used",
        ),
        "an update without params": (
            edited_train({"slope, memory, params)": "slope, memory)"}),
            "needs params as well",
        ),
        "state and log as a pair": (
            lambda *args: (lambda new: (new, new.pop("log")))(train(*args)),
            "Return one dictionary, with each entry",
        ),
        "no log": (
            lambda *args: {k: v for k, v in train(*args).items() if k != "log"},
            "Missing: log.critic, log.q.",
        ),
        "no jax.tree.map": (
            edited_train({MIX: '(1 - rate) * target_critic + rate * params["critic"]'}),
            "A dictionary is used like an array",
        ),
        "the leaves of one dictionary only": (
            edited_train(
                {MIX: '{k: (1 - rate) * v + rate * params["critic"][k] for k, v in target_critic.items()}'}
            ),
            "A dictionary is used like an array",
        ),
        "params less the gradient": (
            edited_train({"optax.apply_updates(params, updates)": "params - 0.1 * slope"}),
            "A dictionary is used like an array",
        ),
        "gradient and losses swapped": (
            edited_train({"slope, terms = jax": "terms, slope = jax"}),
            "the gradient first",
        ),
        "gradient and losses not taken apart": (
            edited_train({"slope, terms = jax": "slope = terms = jax"}),
            "the gradient first",
        ),
        "a state without its memory": (
            edited(train, {', "memory": memory}, terms': "}, terms"}),
            "The new state has to look like the old one",
        ),
        "the sum as log": (
            lambda *args: (lambda new: new | {"log": sum(new["log"].values())})(train(*args)),
            "Missing: log.critic, log.q. Not asked for: log.",
        ),
        "the last losses": (
            lambda *args: (lambda new: new | {"log": {k: v[-1] for k, v in new["log"].items()}})(
                train(*args)
            ),
            "The log holds the last step only",
        ),
        "the policy is not trained": (
            edited_train({"sum(terms.values()), terms": 'terms["critic"], terms'}),
            "Only the first loss is descended",
        ),
        "a Python loop over compiled steps": (train_python, "A Python loop"),
        "the learning rate twice": (
            edited_train({"(params, updates)": "(params, jax.tree.map(lambda u: 2 * u, updates))"}),
            "next",
        ),
        "no has_aux": (edited_train({", has_aux=True": ""}), "more than one number"),
    },
    "check_mended_actor_loss": {
        "the baseline is subtracted": (
            edited_patient({"q - baseline": "q + jax.lax.stop_gradient(baseline)"}),
            "leave the values as they were",
        ),
        "no baseline": (edited_patient({"q - baseline": "q"}), "the baseline is gone"),
        "the baseline is the larger of the two": (
            edited_patient({"q - baseline": "q - jnp.maximum(q, baseline)"}),
            "next",
        ),
        "no distillation": (edited_patient({"alpha * distance": "0 * distance"}), "next"),
        "the baseline weighs less": (edited_patient({"q - baseline": "q - 0.1 * baseline"}), "next"),
        "a flow with frozen parameters for the loss": (
            edited_patient({'params["flow"], *inputs)': 'stop_gradient(params["flow"]), *inputs)'}),
            "the flow is frozen in its own loss",
        ),
        "everything is stopped": (
            lambda *args: jax.tree.map(stop_gradient, mended_actor_loss(*args)),
            "next",
        ),
        "the baseline is in the distillation": (
            edited_patient(
                {"q - baseline": "q", "alpha * distance": "alpha * distance + jnp.mean(baseline)"}
            ),
            "next",
        ),
        "no flow loss": (edited_patient({'"flow": imitation': '"flow": 0 * imitation'}), "next"),
        "the q loss of the patient, upside down": (
            edited_patient({"-jnp.mean(q - baseline)": "jnp.mean(q - baseline)"}),
            "next",
        ),
        "the losses summed": (lambda *args: sum(advantage_actor_loss(*args).values()), "one number"),
    },
    "check_best_of_n": {
        "indices and their values": (
            edited_best({"return chosen, networks": "return best, networks"}),
            "wrong shape",
        ),
        "an axis too much": (
            edited_best({"return chosen,": "return chosen[:, None],"}),
            "An axis is left over",
        ),
        "a soft maximum": (best_soft, "next"),
        "a value for each critic": (edited_best({"chosen).mean(axis=0)": "chosen)"}), "An axis is left over"),
        "the actions only": (lambda *args: best_of_n(*args)[0], "wrong number of values"),
        "value first": (lambda *args: best_of_n(*args)[::-1], "another order"),
        "an int of an array": (
            edited_best({"[jnp.arange(size), best]": "[np.arange(size), [int(i) for i in best]]"}),
            "inside jax.jit",
        ),
        "by candidates, not by observations": (
            edited_best(
                {
                    "jnp.repeat(observation, count, axis=0)": "jnp.concatenate([observation] * count)",
                    "(size, count).argmax(axis=1)": "(count, size).argmax(axis=0)",
                    "candidates.reshape(size, count, *chunk)": "candidates.reshape(count, size, *chunk)",
                    "[jnp.arange(size), best]": "[best, jnp.arange(size)]",
                }
            ),
            "The candidates come in another order",
        ),
        "one candidate less": (lambda *args: best_of_n(*args[:5], args[5] - 1, *args[6:]), "next"),
        "one Euler step": (edited_best({"noise, steps)": "noise, 1)"}), "next"),
        "the best of the whole batch": (
            edited(
                best_of_n, {".reshape(size, count).argmax(axis=1)": ".argmax() % count * jnp.ones(size, int)"}
            ),
            "next",
        ),
    },
}
