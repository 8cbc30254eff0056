"""Checks of lesson 04, FQL and Q-LAC.

Shapes: B batch, H chunk length, A action size, S observation size, E ensemble, N candidates.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from qlac_lite.agents import fql
from qlac_lite.agents.critics import critic_loss as library_critic_loss
from qlac_lite.agents.fql import Networks, distillation_loss, q_loss
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons.checks.exercise import (
    Case,
    Exercise,
    Misconception,
    edited,
    gradients,
)
from qlac_lite.lessons.checks.exercise import (
    last_case as last_case,
)

# 1. The critic


def critic_loss(q, next_q, returns, mask, whole, discount, horizon):
    """Squared TD error of an ensemble on chunks: q, next_q (E, B); returns, mask, whole (B,)."""
    batch = Batch(None, None, returns, whole[:, None], None, discount**horizon * mask)
    return library_critic_loss(q, next_q, batch)[0]


def _critic_expected(q, next_q, returns, mask, whole, discount, horizon):
    following = np.where(mask, discount**horizon * sum(next_q) / len(next_q), 0.0)
    error = np.where(whole, q - (returns + following), 0.0)
    return np.sum(error**2) / q.size, 2 * error / q.size, np.zeros_like(next_q)


def _critic_cases(rng):
    def inputs(members, ends, cut, horizon):
        mask = (np.arange(7) % 3 != 1).astype(float) if ends else np.ones(7)
        whole = (np.arange(7) % 4 != 2).astype(float) if cut else np.ones(7)
        q, next_q = rng.normal(size=(2, members, 7)) * 2 + 1
        return q, next_q, rng.normal(size=7), mask, whole, 0.8, horizon

    return [
        Case(
            "one critic, chunks of one step, all whole, none terminal",
            inputs(1, False, False, 1),
            "The target is returns + discount**horizon * next_q.",
        ),
        Case(
            "one critic, chunks of 3",
            inputs(1, False, False, 3),
            "The bootstrap lies 3 steps on: discount**3.",
        ),
        Case(
            "two critics, chunks of 3",
            inputs(2, False, False, 3),
            "Both critics learn one target, with the mean of next_q over the ensemble: next_q.mean(axis=0).",
        ),
        Case(
            "two critics, some chunks terminal",
            inputs(2, True, False, 3),
            "mask multiplies the bootstrap, and nothing else.",
        ),
        Case(
            "two critics, some terminal, some cut",
            inputs(2, True, True, 4),
            "whole multiplies the squared error; the mean is over all E * B entries.",
        ),
    ]


def critic_loss_in_steps(q, next_q, returns, mask, whole, discount, horizon):
    """The same written out, for the edits below."""
    target = returns + mask * discount**horizon * next_q.mean(axis=0)
    error = q - stop_gradient(target)
    return jnp.mean(whole * error**2)


def edited_critic(changes):
    return edited(critic_loss_in_steps, changes)


_critic_misconceptions = [
    Misconception(
        "The gradient flows into the target as well: next_q is moved towards q.",
        "Put the target in jax.lax.stop_gradient: it is what q is moved towards, and stands still.",
        edited_critic({"stop_gradient(target)": "target"}),
    ),
    Misconception(
        "The gradient is stopped in q: nothing would learn.",
        "Stop the gradient of the target only.",
        edited_critic({"q - ": "stop_gradient(q) - "}),
    ),
    Misconception(
        "The bootstrap is discounted by gamma, as if it were one step away.",
        "It lies a chunk away: discount**horizon.",
        edited_critic({"discount**horizon": "discount"}),
    ),
    Misconception(
        "The bootstrap is not discounted.",
        "It lies a chunk away: discount**horizon.",
        edited_critic({"discount**horizon * ": ""}),
    ),
    Misconception(
        "The bootstrap has discount**(horizon - 1).",
        "The last reward of the chunk has that; the state after it has discount**horizon.",
        edited_critic({"discount**horizon": "discount ** (horizon - 1)"}),
    ),
    Misconception(
        "It bootstraps from terminal states: the mask is missing.",
        "Multiply the bootstrap by mask.",
        edited_critic({"mask * ": ""}),
    ),
    Misconception(
        "The mask is used upside down.",
        "mask is 1 where the episode goes on.",
        edited_critic({"mask * ": "(1 - mask) * "}),
    ),
    Misconception(
        "Cut chunks are counted: whole is not used.",
        "Multiply the squared error by whole.",
        edited_critic({"whole * ": ""}),
    ),
    Misconception(
        "The mean is over the whole chunks only.",
        "The published loss divides by all E * B entries: jnp.mean(whole * error**2).",
        edited_critic({"error**2)": "error**2) / whole.mean()"}),
    ),
    Misconception(
        "whole multiplies the target, so that cut chunks are pulled to 0.",
        "Multiply the squared error by whole.",
        edited_critic({"whole * ": "", "(target)": "(whole * target)"}),
    ),
    Misconception(
        "The target is the smallest of the ensemble's values.",
        "This method takes the mean: next_q.mean(axis=0).",
        edited_critic({"next_q.mean": "next_q.min"}),
    ),
    Misconception(
        "The target is the largest of the ensemble's values.",
        "This method takes the mean: next_q.mean(axis=0).",
        edited_critic({"next_q.mean": "next_q.max"}),
    ),
    Misconception(
        "Each critic has a target of its own.",
        "All learn one target: next_q.mean(axis=0).",
        edited_critic({"next_q.mean(axis=0)": "next_q"}),
    ),
    Misconception(
        "The target takes the mean over the batch.",
        "Over the ensemble, the first axis: next_q.mean(axis=0).",
        edited_critic({"next_q.mean(axis=0)": "next_q.mean()"}),
    ),
    Misconception(
        "The critics are averaged before the error: only their mean would learn.",
        "Each critic has an error of its own: (q - target)**2, (E, B).",
        edited_critic({"q - ": "q.mean(axis=0) - "}),
    ),
    Misconception(
        "The error is not squared.",
        "The loss is the mean of (q - target)**2.",
        edited_critic({"error**2": "jnp.abs(error)"}),
    ),
    Misconception(
        "The loss is half of the squared error.",
        "Without the factor: jnp.mean(whole * (q - target)**2).",
        edited_critic({"error**2": "error**2 / 2"}),
    ),
    Misconception(
        "The error is cut off where it is large (Huber's loss).",
        "The squared error as it is.",
        edited_critic({"error**2": "jnp.where(jnp.abs(error) < 1, error**2, 2 * jnp.abs(error) - 1)"}),
    ),
    Misconception(
        "The errors are summed, not averaged.",
        "jnp.mean over all E * B entries.",
        edited_critic({"jnp.mean": "jnp.sum"}),
    ),
    Misconception(
        "Summed over the ensemble, averaged over the batch.",
        "jnp.mean over all E * B entries.",
        edited_critic({"jnp.mean": "len(q) * jnp.mean"}),
    ),
    Misconception(
        "The target is a mean without its rewards: returns are missing.",
        "target = returns + mask * discount**horizon * next_q.mean(axis=0).",
        edited_critic({"returns + ": ""}),
    ),
]

check_critic_loss = Exercise(
    critic_loss,
    _critic_expected,
    _critic_cases,
    _critic_misconceptions,
    insight="The only loss that moves the critic.",
    compiled=True,
    observe=gradients(q=0, next_q=1),
)


# 2. Distillation


def _distillation_expected(proposal, behavior):
    size = proposal.size
    difference = proposal - np.maximum(np.minimum(behavior, 1.0), -1.0)
    return np.sum(difference**2) / size, 2 * difference / size, np.zeros_like(behavior)


def _distillation_cases(rng):
    def inside(size, horizon):
        return rng.uniform(-0.9, 0.9, size=(size, horizon, 2))

    def outside(size, horizon):
        """A third of the entries inside [-1, 1], a third above, a third below."""
        side = rng.permutation(np.arange(size * horizon * 2) % 3 - 1).reshape(size, horizon, 2)
        return side * rng.uniform(1.2, 2.5, size=side.shape) + (side == 0) * inside(size, horizon)

    return [
        Case(
            "four single actions, all inside [-1, 1]",
            (inside(4, 1), inside(4, 1)),
            "The mean over all B * H * A entries of the squared difference.",
        ),
        Case(
            "five chunks of 3, all inside [-1, 1]",
            (inside(5, 3), inside(5, 3)),
            "The mean over all B * H * A entries: every step of a chunk counts as much as a single action.",
        ),
        Case(
            "five chunks of 3, some entries of the flow's outside [-1, 1]",
            (inside(5, 3), outside(5, 3)),
            "The target is a chunk that can be executed: clip behavior to [-1, 1].",
        ),
        Case(
            "five chunks of 3, some entries of the policy's outside [-1, 1]",
            (outside(5, 3), inside(5, 3)),
            "The proposal is not clipped here: its distance from the target pulls an entry outside back.",
        ),
        Case(
            "six chunks of 3, some entries of both outside [-1, 1]",
            (outside(6, 3), outside(6, 3)),
            "Clip behavior alone, before you take the difference.",
        ),
    ]


def edited_distance(changes):
    return edited(distillation_loss, changes)


UNCLIPPED = (
    "The target is not clipped: "
    "outside [-1, 1] the policy would learn actions that nobody can execute and no critic has seen."
)
CLIPPED = "jnp.clip(behavior, -1, 1)"
ONLY_TARGET = "Clip behavior only, before you subtract it."

_distillation_misconceptions = [
    Misconception(
        "The gradient flows into the distillation's target: the flow would be pulled towards the policy.",
        "Put the target in jax.lax.stop_gradient.",
        edited_distance({"stop_gradient": ""}),
    ),
    Misconception(
        "The gradient flows into the flow's chunk, and even past the clip.",
        "Put the target in jax.lax.stop_gradient: stop_gradient(jnp.clip(behavior, -1, 1)).",
        edited_distance({"stop_gradient(jnp": "behavior + stop_gradient(-behavior + jnp"}),
    ),
    Misconception(
        "The gradient is stopped in the policy's own chunk: nothing would learn.",
        "Stop the gradient of behavior, not of proposal.",
        lambda p, b: distillation_loss(stop_gradient(p), b),
    ),
    Misconception(
        "The gradient is stopped on the wrong side: the flow learns from the policy.",
        "Stop the gradient of behavior, not of proposal.",
        edited_distance({"stop_gradient": "", "proposal -": "stop_gradient(proposal) -"}),
    ),
    Misconception(
        UNCLIPPED, "Clip the flow's chunk: jnp.clip(behavior, -1, 1).", edited_distance({CLIPPED: "behavior"})
    ),
    Misconception(
        "The target is not clipped, and the gradient flows into it.",
        "The target is jax.lax.stop_gradient(jnp.clip(behavior, -1, 1)).",
        edited_distance({"stop_gradient(jnp.clip(behavior, -1, 1))": "behavior"}),
    ),
    Misconception(
        "The clip is on the wrong side: on the policy's chunk, not on the target.",
        "Clip behavior, not proposal. "
        "A clipped proposal has no gradient outside [-1, 1] and could not come back.",
        edited_distance({CLIPPED: "behavior", "proposal -": "jnp.clip(proposal, -1, 1) -"}),
    ),
    Misconception(
        "Both chunks are clipped: "
        "an entry of the policy's outside [-1, 1] has no gradient and could not come back.",
        ONLY_TARGET,
        lambda p, b: distillation_loss(jnp.clip(p, -1, 1), b),
    ),
    Misconception(
        "Both values are clipped, and the gradient goes past the clip of the proposal.",
        "No clip of the proposal: an entry far outside has to be pulled by its full distance.",
        edited_distance({"proposal -": "proposal + stop_gradient(jnp.clip(proposal, -1, 1) - proposal) -"}),
    ),
    Misconception(
        "The difference is clipped, not the target.",
        ONLY_TARGET,
        edited_distance({CLIPPED: "behavior", "(proposal - target)": "jnp.clip(proposal - target, -1, 1)"}),
    ),
    Misconception(
        ("The target is clipped, and the difference is, too: an entry further away than 1 has no gradient."),
        "The squared difference as it is.",
        edited_distance({"(proposal - target)": "jnp.clip(proposal - target, -1, 1)"}),
    ),
    Misconception(
        "The target goes through tanh: even actions that can be executed are changed.",
        "Clip it: jnp.clip(behavior, -1, 1) leaves what is inside as it is.",
        edited_distance({CLIPPED: "jnp.tanh(behavior)"}),
    ),
    Misconception(
        "Both chunks go through tanh.",
        "Clip behavior with jnp.clip(behavior, -1, 1), and leave proposal as it is.",
        edited_distance({CLIPPED: "jnp.tanh(behavior)", "proposal -": "jnp.tanh(proposal) -"}),
    ),
    Misconception(
        "The policy's chunk goes through tanh.",
        "Leave proposal as it is.",
        lambda p, b: distillation_loss(jnp.tanh(p), b),
    ),
    Misconception(
        "The target is clipped to [0, 1].", "Actions are in [-1, 1].", edited_distance({"-1, 1": "0, 1"})
    ),
    Misconception(
        "The bounds of the clip are swapped: everything becomes -1.",
        "The lower one first: jnp.clip(behavior, -1, 1).",
        edited_distance({"-1, 1": "1, -1"}),
    ),
    Misconception(
        "The target is clipped from above only.",
        "jnp.clip(behavior, -1, 1) has both bounds.",
        edited_distance({CLIPPED: "jnp.minimum(behavior, 1)"}),
    ),
    Misconception(
        "Entries where the flow is outside [-1, 1] are left out.",
        "They count, with the nearest action that can be executed: jnp.clip(behavior, -1, 1).",
        edited_distance({"jnp.mean(": "jnp.mean((jnp.abs(behavior) <= 1) * "}),
    ),
    Misconception(
        "The difference is not squared.",
        "The mean of (proposal - target)**2.",
        edited_distance({"(proposal - target) ** 2": "jnp.abs(proposal - target)"}),
    ),
    Misconception(
        "Half of the squared difference.",
        "Without the factor; alpha sets the weight.",
        edited_distance({"** 2)": "** 2) / 2"}),
    ),
    Misconception(
        "Summed over each chunk, averaged over the batch.",
        "The mean over all B * H * A entries: jnp.mean. "
        "(The other choice would be as good, with an alpha H * A times smaller.)",
        edited_distance({"jnp.mean": "1 / len(proposal) * jnp.sum"}),
    ),
    Misconception(
        "Summed over the actions, averaged over the rest.",
        "The mean over all B * H * A entries: jnp.mean.",
        edited_distance({"jnp.mean": "proposal.shape[2] * jnp.mean"}),
    ),
    Misconception(
        "Everything is summed.",
        "The mean over all B * H * A entries: jnp.mean.",
        edited_distance({"jnp.mean": "jnp.sum"}),
    ),
    Misconception(
        "Only the first action of a chunk is compared.",
        "All H actions count: jnp.mean over everything.",
        lambda p, b: distillation_loss(p[:, :1], b[:, :1]),
    ),
    Misconception(
        "The length of the difference, not its square.",
        "The mean of (proposal - target)**2.",
        edited_distance({"** 2)": "** 2) ** 0.5"}),
    ),
]

check_distillation_loss = Exercise(
    distillation_loss,
    _distillation_expected,
    _distillation_cases,
    _distillation_misconceptions,
    insight="A regression: "
    "the flow takes K steps to turn a noise into a chunk, the policy learns to do it in one.",
    compiled=True,
    observe=gradients(proposal=0, behavior=1),
)


# 3. The Q loss


def _toy_critic_numpy(params, observation, actions):
    """Its values and the derivatives of each in its inputs (E, B, S + H * A)."""
    inputs = np.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    linear = params @ inputs.T
    return linear + np.sin(1.5 * linear), (1 + 1.5 * np.cos(1.5 * linear))[..., None] * params[:, None]


def toy_critic(params, observation, actions):
    """(E, S + H * A), (B, S), (B, H, A) -> (E, B), smooth and curved; stands for a network."""
    inputs = jnp.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    return params @ inputs.T + jnp.sin(1.5 * params @ inputs.T)


def _q_expected(critic, params, observation, proposal):
    values, slopes = _toy_critic_numpy(params, observation, np.clip(proposal, -1, 1))
    slope = -slopes[..., observation.shape[1] :].sum(axis=0).reshape(proposal.shape) / values.size
    return -values.mean(), np.zeros_like(params), np.where(np.abs(proposal) < 1, slope, 0.0)


BOTH_AXES = "The mean over both axes, ensemble and batch."


def _q_cases(rng):
    def inputs(members, spread):
        proposal = rng.uniform(-spread, spread, size=(5, 2, 2))
        if spread > 1:
            proposal[0] = 1.7
        return toy_critic, rng.normal(size=(members, 7)) * 0.7, rng.normal(size=(5, 3)), proposal

    return [
        Case(
            "one critic, chunks of 2 inside [-1, 1]",
            inputs(1, 0.9),
            "critic(params, observation, actions) gives (E, B); the loss is minus its mean.",
        ),
        Case("two critics, chunks of 2", inputs(2, 0.9), BOTH_AXES),
        Case(
            "two critics, some entries outside [-1, 1]",
            inputs(2, 2.0),
            "The critic has only seen actions in [-1, 1]: clip the proposal before it.",
        ),
    ]


def _q_loss_divided_by_its_size(critic, params, observation, proposal):
    q = critic(stop_gradient(params), observation, jnp.clip(proposal, -1, 1))
    return -jnp.mean(q) / stop_gradient(jnp.mean(jnp.abs(q)))


THE_MEAN = "This method takes the mean over the ensemble."

_q_misconceptions = [
    Misconception(
        "The gradient flows into the critic: the actor's loss would raise Q everywhere.",
        "Give the critic jax.lax.stop_gradient(params).",
        edited(q_loss, {"stop_gradient(params)": "params"}),
    ),
    Misconception(
        "The sign is wrong: minimising it would lower Q.",
        "The loss is -mean Q.",
        edited(q_loss, {"-jnp.mean": "jnp.mean"}),
    ),
    Misconception(
        "The gradient is stopped altogether: the policy would learn nothing.",
        "Stop it in params only; the proposal has to feel the slope of Q.",
        lambda c, p, o, a: q_loss(c, p, o, stop_gradient(a)),
    ),
    Misconception(
        "The proposal is not clipped: the critic is asked about actions that cannot be executed.",
        "Clip it to [-1, 1] before the critic.",
        edited(q_loss, {"jnp.clip(proposal, -1, 1)": "proposal"}),
    ),
    Misconception(
        "The value is clipped, but the gradient goes past the clip.",
        "Where the clip bites, the gradient is 0: use jnp.clip alone.",
        edited(
            q_loss,
            {"jnp.clip(proposal, -1, 1)": "proposal + stop_gradient(jnp.clip(proposal, -1, 1) - proposal)"},
        ),
    ),
    Misconception(
        "The proposal goes through tanh.",
        "Clip it to [-1, 1]: a chunk inside stays as it is.",
        edited(q_loss, {"jnp.clip(proposal, -1, 1)": "jnp.tanh(proposal)"}),
    ),
    Misconception(
        "The proposal is clipped to [0, 1].", "Actions are in [-1, 1].", edited(q_loss, {"-1, 1": "0, 1"})
    ),
    Misconception(
        "It takes the smallest Q of the ensemble.",
        THE_MEAN,
        edited(q_loss, {"-1, 1))": "-1, 1)).min(axis=0)"}),
    ),
    Misconception(
        "It takes the largest Q of the ensemble.",
        THE_MEAN,
        edited(q_loss, {"-1, 1))": "-1, 1)).max(axis=0)"}),
    ),
    Misconception("It takes the first critic only.", BOTH_AXES, edited(q_loss, {"-1, 1))": "-1, 1))[0]"})),
    Misconception("The values are summed.", BOTH_AXES, edited(q_loss, {"jnp.mean": "jnp.sum"})),
    Misconception(
        "Summed over the ensemble, averaged over the batch.",
        BOTH_AXES,
        edited(q_loss, {"-1, 1))": "-1, 1)).sum(axis=0)"}),
    ),
    Misconception(
        "Q is divided by its size, as some methods do.",
        "Here alpha alone sets the balance: -mean Q.",
        _q_loss_divided_by_its_size,
    ),
    Misconception(
        "Q is squared.",
        "The loss is -mean Q.",
        edited(q_loss, {"-jnp.mean": "jnp.mean", "-1, 1))": "-1, 1)) ** 2"}),
    ),
]

check_q_loss = Exercise(
    q_loss,
    _q_expected,
    _q_cases,
    _q_misconceptions,
    insight="Only the policy moves, up the slope of Q.",
    compiled=True,
    observe=gradients(params=1, proposal=3),
)


# 4. The actor's loss


def actor_loss(networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key):
    """Flow BC + alpha * distillation + Q loss, as one number: the sum of the library's terms."""
    inputs = (networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key)
    return sum(fql.actor_loss(*inputs).values())


def _toy_flow(params, observation, x, time):
    """params (3, A), S = A: sees the observation, the point, and the time."""
    return jnp.tanh(params[0] * x + params[1] * observation[:, None]) + params[2] * time[:, None, None]


def _toy_policy(params, observation, noise):
    """params (2, A), S = A."""
    return params[0] * noise + jnp.tanh(params[1] * observation[:, None]) * 1.3


TOY = Networks(_toy_flow, _toy_policy, toy_critic)


def _actor_expected(networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key):
    """In NumPy, with derivatives by hand; the random numbers are JAX's."""
    flow, policy, critic = (np.asarray(params[name], float) for name in ("flow", "policy", "critic"))
    size, seen = actions.size, observation[:, None]
    x_key, t_key = jax.random.split(flow_key)
    start = np.asarray(jax.random.normal(x_key, actions.shape), float)
    time = np.asarray(jax.random.uniform(t_key, actions.shape[:1]), float)[:, None, None]
    x = (1 - time) * start + time * actions
    bend = np.tanh(flow[0] * x + flow[1] * seen)
    error = bend + flow[2] * time - (actions - start)
    imitation = np.sum(valid[..., None] * error**2) / size
    inner = 2 * valid[..., None] * error / size
    slope = inner * (1 - bend**2)
    in_flow = np.stack([(slope * x).sum((0, 1)), (slope * seen).sum((0, 1)), (inner * time).sum((0, 1))])

    noise = np.asarray(jax.random.normal(noise_key, actions.shape), float)
    behavior = noise
    for k in range(steps):
        behavior = behavior + (np.tanh(flow[0] * behavior + flow[1] * seen) + flow[2] * k / steps) / steps
    turn = np.tanh(policy[1] * seen)
    proposal = policy[0] * noise + turn * 1.3
    q, _, q_slope = _q_expected(None, critic, observation, proposal)
    behavior = np.clip(behavior, -1, 1)
    pull = 2 * alpha * (proposal - behavior) / size + q_slope
    in_policy = np.stack([(pull * noise).sum((0, 1)), (pull * 1.3 * (1 - turn**2) * seen).sum((0, 1))])
    total = imitation + alpha * np.mean((proposal - behavior) ** 2) + q
    return total, np.zeros_like(critic), in_flow, in_policy


def _actor_cases(rng):
    def inputs(alpha, steps, cut):
        sizes = {"critic": (2, 8), "flow": (3, 2), "policy": (2, 2)}
        params = {name: rng.normal(size=size) for name, size in sizes.items()}
        params["policy"] += 0.5
        valid = np.ones((5, 3))
        if cut:
            valid[1::2, 1:] = 0.0
        keys = jax.random.split(jax.random.key(rng.integers(2**31)))
        actions = rng.uniform(-1, 1, size=(5, 3, 2)) * valid[..., None]
        return TOY, params, rng.normal(size=(5, 2)), actions, valid, alpha, steps, *keys

    return [
        Case(
            "alpha = 0: flow BC and the Q loss",
            inputs(0.0, 2, False),
            "flow_matching_loss(...) + q_loss(...).",
        ),
        Case(
            "alpha = 3, chunks of 3",
            inputs(3.0, 3, False),
            "One noise for both: the flow and the policy turn the same noise (B, H, A) into a chunk, "
            "and alpha weighs distillation_loss, which clips the flow's chunk itself.",
        ),
        Case(
            "alpha = 10, some chunks cut by an episode's end",
            inputs(10.0, 4, True),
            "valid goes into the flow's loss.",
        ),
    ]


# Pieces of fql.actor_loss, and what stands there instead.
DISTILLATION = "distillation_loss(proposal, behavior)"
Q_TERM = 'q_loss(networks.critic, params["critic"], observation, proposal)'
CLIPPED_STEPS = """behavior = noise
    for k in range(flow_steps):
        velocity = sampled(observation, behavior, jnp.full(len(noise), k / flow_steps))
        behavior = jnp.clip(behavior + velocity / flow_steps, -1, 1)"""


def edited_actor(changes):
    """The sum of the library's terms, edited."""
    wrong = edited(fql.actor_loss, changes)
    return lambda *inputs: sum(wrong(*inputs).values())


THE_SUM = "flow + alpha * distillation + Q."

_actor_misconceptions = [
    Misconception(
        "The gradient of the distillation flows into the flow, which is then no longer a model of the data.",
        "Use distillation_loss, which stops it.",
        edited_actor({DISTILLATION: "jnp.mean((proposal - jnp.clip(behavior, -1, 1)) ** 2)"}),
    ),
    Misconception(
        "The target is not clipped, and the gradient of the distillation flows into the flow.",
        "Use distillation_loss, which clips the flow's chunk and stops the gradient.",
        edited_actor({DISTILLATION: "jnp.mean((proposal - behavior) ** 2)"}),
    ),
    Misconception(
        UNCLIPPED,
        "Use distillation_loss, which clips the flow's chunk.",
        edited_actor({DISTILLATION: "jnp.mean((proposal - stop_gradient(behavior)) ** 2)"}),
    ),
    Misconception(
        "The difference of the two chunks is clipped, not the target.",
        "Use distillation_loss, which clips the flow's chunk.",
        edited_actor({DISTILLATION: "jnp.mean(jnp.clip(proposal - stop_gradient(behavior), -1, 1) ** 2)"}),
    ),
    Misconception(
        "The policy's chunk goes through tanh.",
        "Give both losses the policy's chunk as it comes: q_loss clips it.",
        edited_actor({"return {": "proposal = jnp.tanh(proposal)\n    return {"}),
    ),
    Misconception(
        "Every Euler step is clipped: this is another flow, with other chunks.",
        "euler(field, observation, noise, steps) as it is; distillation_loss clips its result.",
        edited_actor({"behavior = euler(sampled, observation, noise, flow_steps)": CLIPPED_STEPS}),
    ),
    Misconception(
        "The noise is clipped; but it is no action, and the flow was trained to start from all of it.",
        "noise = jax.random.normal(noise_key, actions.shape), for both.",
        edited_actor({"sampled =": "noise = jnp.clip(noise, -1, 1)\n    sampled ="}),
    ),
    Misconception(
        "The flow's chunk goes through tanh.",
        "Give distillation_loss what euler gives.",
        edited_actor({"(proposal, behavior)": "(proposal, jnp.tanh(behavior))"}),
    ),
    Misconception(
        "The Q loss asks the critic about a chunk that is not clipped.",
        "Use q_loss, which clips the policy's chunk.",
        edited_actor(
            {Q_TERM: '-networks.critic(stop_gradient(params["critic"]), observation, proposal).mean()'}
        ),
    ),
    Misconception(
        "The gradient of the Q loss flows into the critic.",
        "Use q_loss, which stops it.",
        edited_actor(
            {Q_TERM: '-networks.critic(params["critic"], observation, jnp.clip(proposal, -1, 1)).mean()'}
        ),
    ),
    Misconception(
        "Policy and flow start from different noise: "
        "the policy would be asked to match an unrelated sample, and could only learn their mean.",
        "Draw noise once, and give it to both.",
        edited_actor(
            {
                "observation, noise)": "observation, "
                "jax.random.normal(jax.random.fold_in(flow_key, 1), noise.shape))"
            }
        ),
    ),
    Misconception(
        "The policy and the flow's loss share a key; the policy starts from another noise than the flow.",
        "noise = jax.random.normal(noise_key, actions.shape), for both.",
        edited_actor({"observation, noise)": "observation, jax.random.normal(flow_key, noise.shape))"}),
    ),
    Misconception(
        "The policy is distilled from the data's chunks, not from the flow's.",
        "The teacher of a noise is euler(field, observation, noise, steps).",
        edited_actor({"(proposal, behavior)": "(proposal, actions)"}),
    ),
    Misconception(
        "alpha weighs the flow's loss instead.",
        THE_SUM,
        edited_actor({"alpha * ": "", '"flow": ': '"flow": alpha * '}),
    ),
    Misconception(
        "alpha weighs the Q loss instead.", THE_SUM, edited_actor({"alpha * ": "", '"q": ': '"q": alpha * '})
    ),
    Misconception(
        "alpha weighs all terms.",
        THE_SUM,
        edited_actor({'"flow": ': '"flow": alpha * ', '"q": ': '"q": alpha * '}),
    ),
    Misconception(
        "alpha weighs the imitation as a whole, flow and distillation.",
        THE_SUM,
        edited_actor({'"flow": ': '"flow": alpha * '}),
    ),
    Misconception("alpha is not used.", THE_SUM, edited_actor({"alpha * ": ""})),
    Misconception(
        "The flow's own loss is missing: nothing would fit it to the data.",
        THE_SUM,
        edited_actor({'"flow": ': '"flow": 0 * '}),
    ),
    Misconception("The Q loss is missing: this is imitation.", THE_SUM, edited_actor({'"q": ': '"q": 0 * '})),
    Misconception(
        "The distillation is missing: nothing would keep the policy near the data.",
        THE_SUM,
        edited_actor({"alpha * ": "0 * "}),
    ),
    Misconception(
        "The Q loss is subtracted; it has its minus sign already.", THE_SUM, edited_actor({'"q": ': '"q": -'})
    ),
    Misconception(
        "The Q loss looks at the flow's chunk, so the policy is never improved.",
        "Give q_loss the policy's chunk.",
        edited_actor({"observation, proposal)": "observation, behavior)"}),
    ),
    Misconception(
        "valid is not used.",
        "Pass valid to flow_matching_loss.",
        edited_actor({"valid, flow_key)": "jnp.ones_like(valid), flow_key)"}),
    ),
    Misconception(
        "The policy's chunk is clipped before the distillation: "
        "an entry outside [-1, 1] would have no gradient and could not come back.",
        "Give distillation_loss the policy's chunk as it comes; q_loss clips it for itself.",
        edited_actor({"(proposal, behavior)": "(jnp.clip(proposal, -1, 1), behavior)"}),
    ),
    Misconception(
        "In the distillation the policy's chunk is clipped, and the target is not.",
        "Use distillation_loss with the policy's chunk as it comes: it clips the target only.",
        edited_actor({DISTILLATION: "jnp.mean((jnp.clip(proposal, -1, 1) - stop_gradient(behavior)) ** 2)"}),
    ),
    Misconception(
        "The flow is frozen everywhere: it would never learn.",
        "Only the distillation's target is stopped, and distillation_loss does that.",
        edited_actor({'networks.flow(params["flow"]': 'networks.flow(stop_gradient(params["flow"])'}),
    ),
    Misconception(
        "The flow takes one Euler step.",
        "Give euler `steps`.",
        edited_actor({"noise, flow_steps)": "noise, 1)"}),
    ),
]

check_actor_loss = Exercise(
    actor_loss,
    _actor_expected,
    _actor_cases,
    _actor_misconceptions,
    insight="Three losses, two networks: "
    "the flow learns from the data alone, the policy from the flow and from the critic.",
    compiled=True,
    observe=gradients(params=1),
)


# 5. The target critic


def target_update(target, online, rate):
    """(1 - rate) * target + rate * online, for every array of two dictionaries alike."""
    return jax.tree.map(lambda old, new: (1 - rate) * old + rate * new, target, online)


def _target_expected(target, online, rate):
    mixed = lambda old, new: old + rate * (new - old)
    weights, bias = (mixed(target["mlp"][name], online["mlp"][name]) for name in ("weights", "bias"))
    return weights, bias, mixed(target["scale"], online["scale"])


MIXED = "(1 - rate) * target + rate * online."


def _target_cases(rng):
    def inputs(rate):
        draw = lambda: {
            "mlp": {"weights": rng.normal(size=(3, 2)), "bias": rng.normal(size=2)},
            "scale": rng.normal(size=2),
        }
        return draw(), draw(), rate

    return [
        Case("rate 0: the target stays", inputs(0.0), MIXED),
        Case(
            "rate 0.1",
            inputs(0.1),
            "A small rate moves the target a small way: (1 - rate) * target + rate * online.",
        ),
        Case("rate 0.6", inputs(0.6), MIXED),
    ]


def _target_without_bias(target, online, rate):
    new = target_update(target, online, rate)
    return new | {"mlp": new["mlp"] | {"bias": target["mlp"]["bias"]}}


_target_misconceptions = [
    Misconception(
        "target and online are swapped: with a small rate this is almost a copy.",
        MIXED,
        lambda t, o, r: target_update(o, t, r),
    ),
    Misconception(
        "The target is copied from the online critic.",
        "Move it a small way: (1 - rate) * target + rate * online.",
        lambda t, o, r: o,
    ),
    Misconception("The target never moves.", MIXED, lambda t, o, r: t),
    Misconception(
        "The online parameters are added without fading the old ones.",
        "The weights sum to one: (1 - rate) and rate.",
        edited(target_update, {"(1 - rate) * old": "old"}),
    ),
    Misconception(
        "The old parameters fade, and the online ones are added in full.",
        "The weights sum to one: (1 - rate) and rate.",
        edited(target_update, {"rate * new": "new"}),
    ),
    Misconception(
        "The target moves away from the online critic.",
        "target + rate * (online - target).",
        edited(target_update, {"(1 - rate) * old + rate * new": "old - rate * (new - old)"}),
    ),
    Misconception(
        "It is the mean of both, whatever the rate.", MIXED, lambda t, o, r: target_update(t, o, 0.5)
    ),
    Misconception(
        "Only the weights move; the bias is forgotten.",
        "Every array of the tree: jax.tree.map.",
        _target_without_bias,
    ),
]

check_target_update = Exercise(
    target_update,
    _target_expected,
    _target_cases,
    _target_misconceptions,
    parts=("mlp.weights", "mlp.bias", "scale"),
    tree=True,
    insight="With rate 0.005 the target follows the critic with a delay of about 200 updates.",
    compiled=True,
)


# 6. Best of N


def best_of_n(critic, params, target_params, observation, candidates):
    """The candidate (B, H, A) of (B, N, H, A) with the largest mean Q,
    and what the target critic says of it (B,).
    """
    size, count, *chunk = candidates.shape
    repeated = jnp.repeat(observation, count, axis=0)
    q = critic(params, repeated, candidates.reshape(-1, *chunk)).reshape(-1, size, count)
    best = q.mean(axis=0).argmax(axis=1)
    chosen = candidates[jnp.arange(size), best]
    return chosen, critic(target_params, observation, chosen).mean(axis=0)


def _best_expected(critic, params, target_params, observation, candidates):
    chosen, values = [], []
    for seen, options in zip(observation, candidates, strict=True):
        q = [_toy_critic_numpy(params, seen[None], option[None])[0].mean() for option in options]
        chosen.append(options[int(np.argmax(q))])
        values.append(_toy_critic_numpy(target_params, seen[None], chosen[-1][None])[0].mean())
    return np.array(chosen), np.array(values)


def _best_cases(rng):
    def inputs(count, members, same=False):
        params, target = rng.normal(size=(2, members, 7))
        target = params.copy() if same else target
        observation, candidates = rng.normal(size=(6, 3)) * 2, rng.uniform(-1.5, 1.5, size=(6, count, 2, 2))
        return toy_critic, params, target, observation, candidates

    return [
        Case(
            "one critic, which is its own target; 6 observations, 8 candidates each",
            inputs(8, 1, same=True),
            "Ask critic(params, observation, actions) about every candidate, and take the one with the "
            "largest value. jnp.repeat(observation, N, axis=0) gives each candidate its own observation; "
            "argmax over axis 1 of (B, N).",
        ),
        Case(
            "two critics, which are their own targets",
            inputs(8, 2, same=True),
            "The mean over the ensemble, then argmax over the candidates.",
        ),
        Case(
            "two critics, and two other target critics",
            inputs(8, 2),
            "The online critic chooses, the target critic values what was chosen.",
        ),
        Case("three critics, 5 candidates", inputs(5, 3), ""),
    ]


_best_misconceptions = [
    Misconception(
        "The target critic chooses.",
        "The online critic (params) chooses, the target critic values what was chosen.",
        lambda c, p, t, o, x: best_of_n(c, t, t, o, x),
    ),
    Misconception(
        "The online critic values its own choice: the value is too high, by its own errors.",
        "Take the value from the target critic.",
        lambda c, p, t, o, x: best_of_n(c, p, p, o, x),
    ),
    Misconception(
        "The two critics have swapped their parts.",
        "The online critic (params) chooses, the target critic values what was chosen.",
        lambda c, p, t, o, x: best_of_n(c, t, p, o, x),
    ),
    Misconception(
        "The value is the target critic's own maximum, not its value of the chosen one.",
        "Value the chosen chunk: critic(target_params, observation, chosen).",
        lambda c, p, t, o, x: (best_of_n(c, p, t, o, x)[0], best_of_n(c, t, t, o, x)[1]),
    ),
    Misconception(
        "The candidates are clipped again.",
        "They come as they would be executed; take them as they are.",
        lambda c, p, t, o, x: best_of_n(c, p, t, o, jnp.clip(x, -1, 1)),
    ),
    Misconception("It takes the worst candidate.", "argmax.", edited(best_of_n, {"argmax": "argmin"})),
    Misconception(
        "It takes the first candidate.",
        "argmax of the mean Q over the N candidates.",
        edited(best_of_n, {"[jnp.arange(size), best]": "[:, 0]"}),
    ),
    Misconception(
        "The smallest Q of the ensemble chooses.", THE_MEAN, edited(best_of_n, {"q.mean": "q.min"})
    ),
    Misconception("The largest Q of the ensemble chooses.", THE_MEAN, edited(best_of_n, {"q.mean": "q.max"})),
    Misconception("The first critic alone chooses.", THE_MEAN, edited(best_of_n, {"q.mean(axis=0)": "q[0]"})),
    Misconception(
        "The argmax runs over the batch, not over the candidates.",
        "q is (B, N): argmax over axis 1.",
        edited(
            best_of_n,
            {"argmax(axis=1)": "argmax(axis=0)", "size), best": "size), jnp.resize(best, size) % count"},
        ),
    ),
    Misconception(
        "One number for all: every observation takes the candidate that is best on average.",
        "One argmax an observation, over axis 1.",
        edited(best_of_n, {"q.mean(axis=0).argmax(axis=1)": "q.mean(axis=(0, 1)).argmax()"}),
    ),
    Misconception(
        "The candidates meet the wrong observations: tile repeats the whole batch, repeat each row.",
        "jnp.repeat(observation, N, axis=0), in the order of candidates.reshape(B * N, H, A).",
        edited(best_of_n, {"jnp.repeat(observation, count, axis=0)": "jnp.tile(observation, (count, 1))"}),
    ),
    Misconception(
        "The value is the smallest of the ensemble.",
        THE_MEAN,
        edited(best_of_n, {"chosen).mean": "chosen).min"}),
    ),
    Misconception(
        "The value is the sum over the ensemble.",
        THE_MEAN,
        edited(best_of_n, {"chosen).mean": "chosen).sum"}),
    ),
    Misconception(
        "The value of the first critic only.",
        THE_MEAN,
        edited(best_of_n, {"chosen).mean(axis=0)": "chosen)[0]"}),
    ),
]

check_best_of_n = Exercise(
    best_of_n,
    _best_expected,
    _best_cases,
    _best_misconceptions,
    parts=("chosen", "value"),
    insight="No policy network: the flow proposes, the critic disposes.",
    compiled=True,
)


# 7. The loop


def train(update, sample, state, key, steps):
    """`steps` updates in one lax.scan: the last state, and the losses (steps,)."""

    def step(state, key):
        batch_key, update_key = jax.random.split(key)
        new, loss = update(state, sample(batch_key), update_key)
        return new, loss

    state, losses = jax.lax.scan(step, state, jax.random.split(key, steps))
    return state, losses


def _toy_update(state, batch, key):
    """state (2,), batch (3,): a step that depends on all its arguments."""
    noise = jax.random.normal(key)
    new = 0.8 * state + 0.1 * jnp.array([1.0, -1.0]) * batch.sum() + 0.05 * noise
    return new, jnp.sum(state**2) + noise


def _toy_sample(key):
    return jax.random.uniform(key, (3,))


def _train_expected(update, sample, state, key, steps):
    state, losses = np.asarray(state, float), []
    for step_key in jax.random.split(key, steps):
        batch_key, update_key = jax.random.split(step_key)
        noise, batch = float(jax.random.normal(update_key)), np.asarray(jax.random.uniform(batch_key, (3,)))
        losses.append(np.sum(state**2) + noise)
        state = 0.8 * state + 0.1 * np.array([1.0, -1.0]) * batch.sum() + 0.05 * noise
    return state, np.array(losses), 1.0


def _train_cases(rng):
    def inputs(steps):
        state, key = rng.normal(size=2), jax.random.key(rng.integers(2**31))
        return _toy_update, _toy_sample, state, key, steps

    return [
        Case(
            "one update",
            inputs(1),
            "jax.lax.scan(step, state, jax.random.split(key, steps)); "
            "in step: batch_key, update_key = jax.random.split(key).",
        ),
        Case(
            "four updates",
            inputs(4),
            "The state is the carry of the scan: each step gets what the step before returned.",
        ),
        Case("seven updates", inputs(7), ""),
    ]


def _compiled_loop(answer, args):
    """Whether the steps are one compiled loop:
    1, or 0 where a Python loop writes them out one after the other.
    """
    update, sample, state, key, _ = args
    program = str(jax.make_jaxpr(lambda state, key: answer(update, sample, state, key, 6))(state, key))
    looped = "scan[" in program or "while[" in program
    return {"number of compiled loops (the results are right)": float(looped)}


def _train_python(update, sample, state, key, steps):
    losses = []
    for step_key in jax.random.split(key, steps):
        batch_key, update_key = jax.random.split(step_key)
        state, loss = update(state, sample(batch_key), update_key)
        losses.append(loss)
    return state, jnp.stack(losses)


def _train_one_batch(update, sample, state, key, steps):
    batch = sample(jax.random.split(jax.random.split(key, steps)[0])[0])
    return train(update, lambda key: batch, state, key, steps)


_train_misconceptions = [
    Misconception(
        "A Python loop: every update is written out, and compiling takes as long as there are updates.",
        "jax.lax.scan(step, state, keys) writes the step once.",
        _train_python,
    ),
    Misconception(
        "All steps use one key: the same batch and the same noise again and again.",
        "One key a step: jax.random.split(key, steps) goes into the scan.",
        edited(train, {"jax.random.split(key, steps)": "jnp.broadcast_to(key, (steps,))"}),
    ),
    Misconception(
        "The state is not carried: every step starts from the first.",
        "step returns (new state, loss); the first is carried.",
        edited(train, {"return new, loss": "return state, loss"}),
    ),
    Misconception(
        "Batch and update share a key: their random numbers are related.",
        "batch_key, update_key = jax.random.split(key).",
        edited(train, {"jax.random.split(key)": "key, key"}),
    ),
    Misconception(
        "The two keys are swapped.",
        "batch_key, update_key = jax.random.split(key): the first draws the batch.",
        edited(train, {"batch_key, update_key =": "update_key, batch_key ="}),
    ),
    Misconception("One batch serves all steps.", "Call sample(batch_key) inside step.", _train_one_batch),
    Misconception(
        "The losses are averaged.",
        "Return all of them, (steps,): scan stacks what step returns second.",
        edited(train, {"return state, losses": "return state, losses.mean()"}),
    ),
    Misconception(
        "Only the last loss is returned.",
        "Return all of them, (steps,): scan stacks what step returns second.",
        edited(train, {"return state, losses": "return state, losses[-1]"}),
    ),
    Misconception(
        "The losses are added up.",
        "Return them as they are, (steps,).",
        edited(train, {"return state, losses": "return state, losses.cumsum()"}),
    ),
    Misconception(
        "The losses come in reverse.",
        "Return them as scan stacks them.",
        edited(train, {"return state, losses": "return state, losses[::-1]"}),
    ),
]

check_train = Exercise(
    train,
    _train_expected,
    _train_cases,
    _train_misconceptions,
    parts=("state", "losses"),
    insight="One call, and the processor is not asked again until the end.",
    compiled=True,
    observe=_compiled_loop,
)
