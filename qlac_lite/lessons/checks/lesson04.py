"""Checks of lesson 04, FQL and Q-LAC.

Shapes: B batch, H chunk length, A action size, S observation size, E ensemble, N candidates.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.lax import stop_gradient

from qlac_lite.agents import fql
from qlac_lite.agents.critics import critic_loss as library_critic_loss
from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.agents.fql import Networks, distillation_loss, q_loss
from qlac_lite.data.dataset import Batch
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, gradients

# 1. The critic


def critic_loss(q, next_q, returns, mask, whole, discount, horizon):
    """Squared TD error of an ensemble on chunks: q, next_q (E, B); returns, mask, whole (B,)."""
    batch = Batch(None, None, returns, whole[:, None], None, discount**horizon * mask)
    return library_critic_loss(q, next_q, batch)[0]


def _critic_expected(q, next_q, returns, mask, whole, discount, horizon):
    members, size = q.shape
    target = [
        returns[b] + (discount**horizon * sum(next_q[:, b]) / members if mask[b] else 0.0)
        for b in range(size)
    ]
    error = q - np.array(target)
    loss = sum(error[e, b] ** 2 for e in range(members) for b in range(size) if whole[b]) / (members * size)
    return loss, 2 * whole * error / (members * size), np.zeros_like(next_q)


def _critic_cases(rng):
    def case(size, members, ends, cut, horizon):
        mask = (np.arange(size) % 3 != 1).astype(float) if ends else np.ones(size)
        whole = (np.arange(size) % 4 != 2).astype(float) if cut else np.ones(size)
        q, next_q = rng.normal(size=(2, members, size)) * 2 + 1
        return q, next_q, rng.normal(size=size), mask, whole, 0.8, horizon

    return [
        Case(
            "one critic, chunks of one step, all whole, none terminal",
            case(7, 1, False, False, 1),
            "The target is returns + discount**horizon * next_q.",
        ),
        Case(
            "one critic, chunks of 3",
            case(7, 1, False, False, 3),
            "The bootstrap lies 3 steps on: discount**3.",
        ),
        Case(
            "two critics, chunks of 3",
            case(7, 2, False, False, 3),
            "Both critics learn one target, with the mean of next_q over the ensemble: next_q.mean(axis=0).",
        ),
        Case(
            "two critics, some chunks terminal",
            case(7, 2, True, False, 3),
            "mask multiplies the bootstrap, and nothing else.",
        ),
        Case(
            "two critics, some terminal, some cut",
            case(7, 2, True, True, 4),
            "whole multiplies the squared error; the mean is over all E * B entries.",
        ),
    ]


def _critic_with(
    bootstrap=lambda g, h: g**h,
    masked=lambda m: m,
    ensemble=lambda n: n.mean(axis=0),
    stop=stop_gradient,
    error=lambda q, y: (q - y) ** 2,
    mean=lambda w, e: jnp.mean(w * e),
):
    def wrong(q, next_q, returns, mask, whole, discount, horizon):
        target = returns + masked(mask) * bootstrap(discount, horizon) * ensemble(next_q)
        return mean(whole, error(q, stop(target)))

    return wrong


check_critic_loss = Exercise(
    critic_loss,
    _critic_expected,
    _critic_cases,
    [
        Misconception(
            "The gradient flows into the target as well: next_q is moved towards q.",
            "Put the target in jax.lax.stop_gradient: it is what q is moved towards, and stands still.",
            _critic_with(stop=lambda y: y),
        ),
        Misconception(
            "The gradient is stopped in q: nothing would learn.",
            "Stop the gradient of the target only.",
            _critic_with(error=lambda q, y: (stop_gradient(q) - y) ** 2),
        ),
        Misconception(
            "The bootstrap is discounted by gamma, as if it were one step away.",
            "It lies a chunk away: discount**horizon.",
            _critic_with(bootstrap=lambda g, h: g),
        ),
        Misconception(
            "The bootstrap is not discounted.",
            "It lies a chunk away: discount**horizon.",
            _critic_with(bootstrap=lambda g, h: 1.0),
        ),
        Misconception(
            "The bootstrap has discount**(horizon - 1).",
            "The last reward of the chunk has that; the state after it has discount**horizon.",
            _critic_with(bootstrap=lambda g, h: g ** (h - 1)),
        ),
        Misconception(
            "It bootstraps from terminal states: the mask is missing.",
            "Multiply the bootstrap by mask.",
            _critic_with(masked=lambda m: 1.0),
        ),
        Misconception(
            "The mask is used upside down.",
            "mask is 1 where the episode goes on.",
            _critic_with(masked=lambda m: 1 - m),
        ),
        Misconception(
            "Cut chunks are counted: whole is not used.",
            "Multiply the squared error by whole.",
            _critic_with(mean=lambda w, e: jnp.mean(e)),
        ),
        Misconception(
            "The mean is over the whole chunks only.",
            "The published loss divides by all E * B entries: jnp.mean(whole * error**2).",
            _critic_with(mean=lambda w, e: jnp.sum(w * e) / (jnp.sum(w) * len(e))),
        ),
        Misconception(
            "whole multiplies the target, so that cut chunks are pulled to 0.",
            "Multiply the squared error by whole.",
            lambda q, n, r, m, w, g, h: jnp.mean(
                (q - stop_gradient(w * (r + m * g**h * n.mean(axis=0)))) ** 2
            ),
        ),
        Misconception(
            "The target is the smallest of the ensemble's values.",
            "This method takes the mean: next_q.mean(axis=0).",
            _critic_with(ensemble=lambda n: n.min(axis=0)),
        ),
        Misconception(
            "The target is the largest of the ensemble's values.",
            "This method takes the mean: next_q.mean(axis=0).",
            _critic_with(ensemble=lambda n: n.max(axis=0)),
        ),
        Misconception(
            "Each critic has a target of its own.",
            "All learn one target: next_q.mean(axis=0).",
            _critic_with(ensemble=lambda n: n),
        ),
        Misconception(
            "The target takes the mean over the batch.",
            "Over the ensemble, the first axis: next_q.mean(axis=0).",
            _critic_with(ensemble=lambda n: n.mean()),
        ),
        Misconception(
            "The critics are averaged before the error: only their mean would learn.",
            "Each critic has an error of its own: (q - target)**2, (E, B).",
            _critic_with(error=lambda q, y: (q.mean(axis=0) - y) ** 2),
        ),
        Misconception(
            "The error is not squared.",
            "The loss is the mean of (q - target)**2.",
            _critic_with(error=lambda q, y: jnp.abs(q - y)),
        ),
        Misconception(
            "The loss is half of the squared error.",
            "Without the factor: jnp.mean(whole * (q - target)**2).",
            _critic_with(error=lambda q, y: (q - y) ** 2 / 2),
        ),
        Misconception(
            "The error is cut off where it is large (Huber's loss).",
            "The squared error as it is.",
            _critic_with(error=lambda q, y: 2 * optax.huber_loss(q, y)),
        ),
        Misconception(
            "The errors are summed, not averaged.",
            "jnp.mean over all E * B entries.",
            _critic_with(mean=lambda w, e: jnp.sum(w * e)),
        ),
        Misconception(
            "Summed over the ensemble, averaged over the batch.",
            "jnp.mean over all E * B entries.",
            _critic_with(mean=lambda w, e: jnp.mean(jnp.sum(w * e, axis=0))),
        ),
        Misconception(
            "The target is a mean without its rewards: returns are missing.",
            "target = returns + mask * discount**horizon * next_q.mean(axis=0).",
            lambda q, n, r, m, w, g, h: jnp.mean(w * (q - stop_gradient(m * g**h * n.mean(axis=0))) ** 2),
        ),
    ],
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


def _clip(x):
    return jnp.clip(x, -1, 1)


def _distance(proposal, behavior, size=lambda d: jnp.mean(d**2), target=lambda b: stop_gradient(_clip(b))):
    return size(proposal - target(behavior))


def _past_the_clip(x):
    """Its value is clipped, its gradient is 1 everywhere."""
    return x + stop_gradient(_clip(x) - x)


UNCLIPPED = (
    "The target is not clipped: "
    "outside [-1, 1] the policy would learn actions that nobody can execute and no critic has seen."
)
ONLY_TARGET = "Clip behavior only, before you subtract it."

check_distillation_loss = Exercise(
    distillation_loss,
    _distillation_expected,
    _distillation_cases,
    [
        Misconception(
            "The gradient flows into the distillation's target: the flow would be pulled towards the policy.",
            "Put the target in jax.lax.stop_gradient.",
            lambda p, b: _distance(p, b, target=_clip),
        ),
        Misconception(
            "The gradient flows into the flow's chunk, and even past the clip.",
            "Put the target in jax.lax.stop_gradient: stop_gradient(jnp.clip(behavior, -1, 1)).",
            lambda p, b: _distance(p, b, target=_past_the_clip),
        ),
        Misconception(
            "The gradient is stopped in the policy's own chunk: nothing would learn.",
            "Stop the gradient of behavior, not of proposal.",
            lambda p, b: _distance(stop_gradient(p), b),
        ),
        Misconception(
            "The gradient is stopped on the wrong side: the flow learns from the policy.",
            "Stop the gradient of behavior, not of proposal.",
            lambda p, b: _distance(stop_gradient(p), b, target=_clip),
        ),
        Misconception(
            UNCLIPPED,
            "Clip the flow's chunk: jnp.clip(behavior, -1, 1).",
            lambda p, b: _distance(p, b, target=stop_gradient),
        ),
        Misconception(
            "The target is not clipped, and the gradient flows into it.",
            "The target is jax.lax.stop_gradient(jnp.clip(behavior, -1, 1)).",
            lambda p, b: _distance(p, b, target=lambda b: b),
        ),
        Misconception(
            "The clip is on the wrong side: on the policy's chunk, not on the target.",
            (
                "Clip behavior, not proposal. "
                "A clipped proposal has no gradient outside [-1, 1] and could not come back."
            ),
            lambda p, b: _distance(_clip(p), b, target=stop_gradient),
        ),
        Misconception(
            (
                "Both chunks are clipped: "
                "an entry of the policy's outside [-1, 1] has no gradient and could not come back."
            ),
            ONLY_TARGET,
            lambda p, b: _distance(_clip(p), b),
        ),
        Misconception(
            "Both values are clipped, and the gradient goes past the clip of the proposal.",
            "No clip of the proposal: an entry far outside has to be pulled by its full distance.",
            lambda p, b: _distance(_past_the_clip(p), b),
        ),
        Misconception(
            "The difference is clipped, not the target.",
            ONLY_TARGET,
            lambda p, b: _distance(p, b, lambda d: jnp.mean(_clip(d) ** 2), stop_gradient),
        ),
        Misconception(
            (
                "The target is clipped, and the difference is, too: "
                "an entry further away than 1 has no gradient."
            ),
            "The squared difference as it is.",
            lambda p, b: _distance(p, b, lambda d: jnp.mean(_clip(d) ** 2)),
        ),
        Misconception(
            "The target goes through tanh: even actions that can be executed are changed.",
            "Clip it: jnp.clip(behavior, -1, 1) leaves what is inside as it is.",
            lambda p, b: _distance(p, b, target=lambda b: stop_gradient(jnp.tanh(b))),
        ),
        Misconception(
            "Both chunks go through tanh.",
            "Clip behavior with jnp.clip(behavior, -1, 1), and leave proposal as it is.",
            lambda p, b: _distance(jnp.tanh(p), b, target=lambda b: stop_gradient(jnp.tanh(b))),
        ),
        Misconception(
            "The policy's chunk goes through tanh.",
            "Leave proposal as it is.",
            lambda p, b: _distance(jnp.tanh(p), b),
        ),
        Misconception(
            "The target is clipped to [0, 1].",
            "Actions are in [-1, 1].",
            lambda p, b: _distance(p, b, target=lambda b: stop_gradient(jnp.clip(b, 0, 1))),
        ),
        Misconception(
            "The bounds of the clip are swapped: everything becomes -1.",
            "The lower one first: jnp.clip(behavior, -1, 1).",
            lambda p, b: _distance(p, b, target=lambda b: -jnp.ones_like(b)),
        ),
        Misconception(
            "The target is clipped from above only.",
            "jnp.clip(behavior, -1, 1) has both bounds.",
            lambda p, b: _distance(p, b, target=lambda b: stop_gradient(jnp.minimum(b, 1))),
        ),
        Misconception(
            "Entries where the flow is outside [-1, 1] are left out.",
            "They count, with the nearest action that can be executed: jnp.clip(behavior, -1, 1).",
            lambda p, b: jnp.mean(jnp.where(jnp.abs(b) <= 1, (p - stop_gradient(b)) ** 2, 0.0)),
        ),
        Misconception(
            "The difference is not squared.",
            "The mean of (proposal - target)**2.",
            lambda p, b: _distance(p, b, lambda d: jnp.mean(jnp.abs(d))),
        ),
        Misconception(
            "Half of the squared difference.",
            "Without the factor; alpha sets the weight.",
            lambda p, b: _distance(p, b, lambda d: jnp.mean(d**2) / 2),
        ),
        Misconception(
            "Summed over each chunk, averaged over the batch.",
            (
                "The mean over all B * H * A entries: jnp.mean. "
                "(The other choice would be as good, with an alpha H * A times smaller.)"
            ),
            lambda p, b: _distance(p, b, lambda d: jnp.mean(jnp.sum(d**2, axis=(1, 2)))),
        ),
        Misconception(
            "Summed over the actions, averaged over the rest.",
            "The mean over all B * H * A entries: jnp.mean.",
            lambda p, b: _distance(p, b, lambda d: jnp.mean(jnp.sum(d**2, axis=2))),
        ),
        Misconception(
            "Everything is summed.",
            "The mean over all B * H * A entries: jnp.mean.",
            lambda p, b: _distance(p, b, lambda d: jnp.sum(d**2)),
        ),
        Misconception(
            "Only the first action of a chunk is compared.",
            "All H actions count: jnp.mean over everything.",
            lambda p, b: distillation_loss(p[:, :1], b[:, :1]),
        ),
        Misconception(
            "The length of the difference, not its square.",
            "The mean of (proposal - target)**2.",
            lambda p, b: _distance(p, b, lambda d: jnp.sqrt(jnp.mean(d**2))),
        ),
    ],
    insight=(
        "A regression: "
        "the flow takes K steps to turn a noise into a chunk, the policy learns to do it in one."
    ),
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


def _q_cases(rng):
    def case(size, members, horizon, spread):
        proposal = rng.uniform(-spread, spread, size=(size, horizon, 2))
        if spread > 1:
            proposal[0] = 1.7
        return (
            toy_critic,
            rng.normal(size=(members, 3 + 2 * horizon)) * 0.7,
            rng.normal(size=(size, 3)),
            proposal,
        )

    return [
        Case(
            "one critic, chunks of 2 inside [-1, 1]",
            case(5, 1, 2, 0.9),
            "critic(params, observation, actions) gives (E, B); the loss is minus its mean.",
        ),
        Case("two critics, chunks of 2", case(5, 2, 2, 0.9), "The mean over both axes, ensemble and batch."),
        Case(
            "two critics, some entries outside [-1, 1]",
            case(5, 2, 2, 2.0),
            "The critic has only seen actions in [-1, 1]: clip the proposal before it.",
        ),
    ]


def _q_with(value=lambda q: -jnp.mean(q), bounded=_clip, frozen=stop_gradient):
    return lambda critic, params, observation, proposal: value(
        critic(frozen(params), observation, bounded(proposal))
    )


check_q_loss = Exercise(
    q_loss,
    _q_expected,
    _q_cases,
    [
        Misconception(
            "The gradient flows into the critic: the actor's loss would raise Q everywhere.",
            "Give the critic jax.lax.stop_gradient(params).",
            _q_with(frozen=lambda p: p),
        ),
        Misconception(
            "The sign is wrong: minimising it would lower Q.",
            "The loss is -mean Q.",
            _q_with(value=lambda q: jnp.mean(q)),
        ),
        Misconception(
            "The gradient is stopped altogether: the policy would learn nothing.",
            "Stop it in params only; the proposal has to feel the slope of Q.",
            _q_with(bounded=lambda a: stop_gradient(_clip(a))),
        ),
        Misconception(
            "The proposal is not clipped: the critic is asked about actions that cannot be executed.",
            "Clip it to [-1, 1] before the critic.",
            _q_with(bounded=lambda a: a),
        ),
        Misconception(
            "The value is clipped, but the gradient goes past the clip.",
            "Where the clip bites, the gradient is 0: use jnp.clip alone.",
            _q_with(bounded=_past_the_clip),
        ),
        Misconception(
            "The proposal goes through tanh.",
            "Clip it to [-1, 1]: a chunk inside stays as it is.",
            _q_with(bounded=jnp.tanh),
        ),
        Misconception(
            "The proposal is clipped to [0, 1].",
            "Actions are in [-1, 1].",
            _q_with(bounded=lambda a: jnp.clip(a, 0, 1)),
        ),
        Misconception(
            "It takes the smallest Q of the ensemble.",
            "This method takes the mean over the ensemble.",
            _q_with(value=lambda q: -jnp.mean(q.min(axis=0))),
        ),
        Misconception(
            "It takes the largest Q of the ensemble.",
            "This method takes the mean over the ensemble.",
            _q_with(value=lambda q: -jnp.mean(q.max(axis=0))),
        ),
        Misconception(
            "It takes the first critic only.",
            "The mean over both axes, ensemble and batch.",
            _q_with(value=lambda q: -jnp.mean(q[0])),
        ),
        Misconception(
            "The values are summed.",
            "The mean over both axes, ensemble and batch.",
            _q_with(value=lambda q: -jnp.sum(q)),
        ),
        Misconception(
            "Summed over the ensemble, averaged over the batch.",
            "The mean over both axes, ensemble and batch.",
            _q_with(value=lambda q: -jnp.mean(jnp.sum(q, axis=0))),
        ),
        Misconception(
            "Q is divided by its size, as some methods do.",
            "Here alpha alone sets the balance: -mean Q.",
            _q_with(value=lambda q: -jnp.mean(q) / stop_gradient(jnp.mean(jnp.abs(q)))),
        ),
        Misconception("Q is squared.", "The loss is -mean Q.", _q_with(value=lambda q: jnp.mean(q**2))),
    ],
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
    def case(size, horizon, alpha, steps, cut):
        params = {
            "critic": rng.normal(size=(2, 2 + 2 * horizon)),
            "flow": rng.normal(size=(3, 2)),
            "policy": rng.normal(size=(2, 2)) + 0.5,
        }
        valid = (
            (np.arange(horizon) < np.where(np.arange(size) % 2, 1, horizon)[:, None]).astype(float)
            if cut
            else np.ones((size, horizon))
        )
        keys = jax.random.split(jax.random.key(rng.integers(2**31)))
        actions = rng.uniform(-1, 1, size=(size, horizon, 2)) * valid[..., None]
        return TOY, params, rng.normal(size=(size, 2)), actions, valid, alpha, steps, keys[0], keys[1]

    return [
        Case(
            "alpha = 0: flow BC and the Q loss",
            case(5, 3, 0.0, 2, False),
            "flow_matching_loss(...) + q_loss(...).",
        ),
        Case(
            "alpha = 3, chunks of 3",
            case(5, 3, 3.0, 3, False),
            (
                "One noise for both: the flow and the policy turn the same noise (B, H, A) into a chunk, "
                "and alpha weighs distillation_loss, which clips the flow's chunk itself."
            ),
        ),
        Case(
            "alpha = 10, some chunks cut by an episode's end",
            case(5, 3, 10.0, 4, True),
            "valid goes into the flow's loss.",
        ),
    ]


def _actor_with(
    weights=lambda a: (1.0, a, 1.0),
    teacher=lambda b, actions: b,
    second=lambda key, noise: noise,
    distance=distillation_loss,
    improve=q_loss,
    shown=lambda proposal, behavior: proposal,
    counted=lambda v: v,
    frozen=lambda p: p,
    number=lambda k: k,
    draw=jax.random.normal,
    sampler=euler,
):
    def wrong(networks, params, observation, actions, valid, alpha, steps, flow_key, noise_key):
        field = lambda *inputs: networks.flow(frozen(params["flow"]), *inputs)
        noise = draw(noise_key, actions.shape)
        behavior = teacher(sampler(field, observation, noise, number(steps)), actions)
        proposal = networks.policy(params["policy"], observation, second(flow_key, noise))
        bc, distil, q = weights(alpha)
        imitation = bc * flow_matching_loss(field, observation, actions, counted(valid), flow_key)
        better = q * improve(networks.critic, params["critic"], observation, shown(proposal, behavior))
        return imitation + distil * distance(proposal, behavior) + better

    return wrong


def _euler_kept_inside(field, observation, noise, steps):
    """The sampler with a clip in every step."""
    for k in range(steps):
        noise = _clip(noise + field(observation, noise, jnp.full(len(noise), k / steps)) / steps)
    return noise


check_actor_loss = Exercise(
    actor_loss,
    _actor_expected,
    _actor_cases,
    [
        Misconception(
            (
                "The gradient of the distillation flows into the flow, "
                "which is then no longer a model of the data."
            ),
            "Use distillation_loss, which stops it.",
            _actor_with(distance=lambda p, b: _distance(p, b, target=_clip)),
        ),
        Misconception(
            "The target is not clipped, and the gradient of the distillation flows into the flow.",
            "Use distillation_loss, which clips the flow's chunk and stops the gradient.",
            _actor_with(distance=lambda p, b: _distance(p, b, target=lambda b: b)),
        ),
        Misconception(
            UNCLIPPED,
            "Use distillation_loss, which clips the flow's chunk.",
            _actor_with(distance=lambda p, b: _distance(p, b, target=stop_gradient)),
        ),
        Misconception(
            "The difference of the two chunks is clipped, not the target.",
            "Use distillation_loss, which clips the flow's chunk.",
            _actor_with(
                distance=lambda p, b: _distance(p, b, lambda d: jnp.mean(_clip(d) ** 2), stop_gradient)
            ),
        ),
        Misconception(
            "The policy's chunk goes through tanh.",
            "Give both losses the policy's chunk as it comes: q_loss clips it.",
            _actor_with(
                distance=lambda p, b: distillation_loss(jnp.tanh(p), b), shown=lambda p, b: jnp.tanh(p)
            ),
        ),
        Misconception(
            "Every Euler step is clipped: this is another flow, with other chunks.",
            "euler(field, observation, noise, steps) as it is; distillation_loss clips its result.",
            _actor_with(sampler=_euler_kept_inside),
        ),
        Misconception(
            "The noise is clipped; but it is no action, and the flow was trained to start from all of it.",
            "noise = jax.random.normal(noise_key, actions.shape), for both.",
            _actor_with(draw=lambda key, shape: _clip(jax.random.normal(key, shape))),
        ),
        Misconception(
            "The flow's chunk goes through tanh.",
            "Give distillation_loss what euler gives.",
            _actor_with(teacher=lambda b, actions: jnp.tanh(b)),
        ),
        Misconception(
            "The Q loss asks the critic about a chunk that is not clipped.",
            "Use q_loss, which clips the policy's chunk.",
            _actor_with(improve=lambda c, p, o, a: -jnp.mean(c(stop_gradient(p), o, a))),
        ),
        Misconception(
            "The gradient of the Q loss flows into the critic.",
            "Use q_loss, which stops it.",
            _actor_with(improve=lambda c, p, o, a: -jnp.mean(c(p, o, _clip(a)))),
        ),
        Misconception(
            (
                "Policy and flow start from different noise: "
                "the policy would be asked to match an unrelated sample, and could only learn their mean."
            ),
            "Draw noise once, and give it to both.",
            _actor_with(second=lambda key, noise: jax.random.normal(jax.random.fold_in(key, 1), noise.shape)),
        ),
        Misconception(
            "The policy and the flow's loss share a key; the policy starts from another noise than the flow.",
            "noise = jax.random.normal(noise_key, actions.shape), for both.",
            _actor_with(second=lambda key, noise: jax.random.normal(key, noise.shape)),
        ),
        Misconception(
            "The policy is distilled from the data's chunks, not from the flow's.",
            "The teacher of a noise is euler(field, observation, noise, steps).",
            _actor_with(teacher=lambda b, actions: actions),
        ),
        Misconception(
            "alpha weighs the flow's loss instead.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (a, 1.0, 1.0)),
        ),
        Misconception(
            "alpha weighs the Q loss instead.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (1.0, 1.0, a)),
        ),
        Misconception(
            "alpha weighs all terms.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (a, a, a)),
        ),
        Misconception(
            "alpha weighs the imitation as a whole, flow and distillation.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (a, a, 1.0)),
        ),
        Misconception(
            "alpha is not used.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (1.0, 1.0, 1.0)),
        ),
        Misconception(
            "The flow's own loss is missing: nothing would fit it to the data.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (0.0, a, 1.0)),
        ),
        Misconception(
            "The Q loss is missing: this is imitation.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (1.0, a, 0.0)),
        ),
        Misconception(
            "The distillation is missing: nothing would keep the policy near the data.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (1.0, 0.0, 1.0)),
        ),
        Misconception(
            "The Q loss is subtracted; it has its minus sign already.",
            "flow + alpha * distillation + Q.",
            _actor_with(weights=lambda a: (1.0, a, -1.0)),
        ),
        Misconception(
            "The Q loss looks at the flow's chunk, so the policy is never improved.",
            "Give q_loss the policy's chunk.",
            _actor_with(shown=lambda p, b: b),
        ),
        Misconception(
            "valid is not used.", "Pass valid to flow_matching_loss.", _actor_with(counted=jnp.ones_like)
        ),
        Misconception(
            (
                "The policy's chunk is clipped before the distillation: "
                "an entry outside [-1, 1] would have no gradient and could not come back."
            ),
            "Give distillation_loss the policy's chunk as it comes; q_loss clips it for itself.",
            _actor_with(distance=lambda p, b: distillation_loss(_clip(p), b)),
        ),
        Misconception(
            "In the distillation the policy's chunk is clipped, and the target is not.",
            "Use distillation_loss with the policy's chunk as it comes: it clips the target only.",
            _actor_with(distance=lambda p, b: _distance(_clip(p), b, target=stop_gradient)),
        ),
        Misconception(
            "The flow is frozen everywhere: it would never learn.",
            "Only the distillation's target is stopped, and distillation_loss does that.",
            _actor_with(frozen=stop_gradient),
        ),
        Misconception(
            "The flow takes one Euler step.", "Give euler `steps`.", _actor_with(number=lambda k: 1)
        ),
    ],
    insight=(
        "Three losses, two networks: "
        "the flow learns from the data alone, the policy from the flow and from the critic."
    ),
    compiled=True,
    observe=gradients(params=1),
)


# 5. The target critic


def target_update(target, online, rate):
    """(1 - rate) * target + rate * online, for every array of two dictionaries alike."""
    return jax.tree.map(lambda old, new: (1 - rate) * old + rate * new, target, online)


def _target_expected(target, online, rate):
    mixed = lambda old, new: old + rate * (new - old)
    return *(mixed(target["mlp"][name], online["mlp"][name]) for name in ("weights", "bias")), mixed(
        target["scale"], online["scale"]
    )


def _target_cases(rng):
    def case(rate):
        draw = lambda: {
            "mlp": {"weights": rng.normal(size=(3, 2)), "bias": rng.normal(size=2)},
            "scale": rng.normal(size=2),
        }
        return draw(), draw(), rate

    return [
        Case("rate 0: the target stays", case(0.0), "(1 - rate) * target + rate * online."),
        Case(
            "rate 0.1",
            case(0.1),
            "A small rate moves the target a small way: (1 - rate) * target + rate * online.",
        ),
        Case("rate 0.6", case(0.6), "(1 - rate) * target + rate * online."),
    ]


def _target_with(mix, skip=()):
    def wrong(target, online, rate):
        one = lambda path, old, new: old if path[-1].key in skip else mix(old, new, rate)
        return jax.tree_util.tree_map_with_path(one, target, online)

    return wrong


check_target_update = Exercise(
    target_update,
    _target_expected,
    _target_cases,
    [
        Misconception(
            "target and online are swapped: with a small rate this is almost a copy.",
            "(1 - rate) * target + rate * online.",
            _target_with(lambda t, o, r: r * t + (1 - r) * o),
        ),
        Misconception(
            "The target is copied from the online critic.",
            "Move it a small way: (1 - rate) * target + rate * online.",
            _target_with(lambda t, o, r: o),
        ),
        Misconception(
            "The target never moves.", "(1 - rate) * target + rate * online.", _target_with(lambda t, o, r: t)
        ),
        Misconception(
            "The online parameters are added without fading the old ones.",
            "The weights sum to one: (1 - rate) and rate.",
            _target_with(lambda t, o, r: t + r * o),
        ),
        Misconception(
            "The old parameters fade, and the online ones are added in full.",
            "The weights sum to one: (1 - rate) and rate.",
            _target_with(lambda t, o, r: (1 - r) * t + o),
        ),
        Misconception(
            "The target moves away from the online critic.",
            "target + rate * (online - target).",
            _target_with(lambda t, o, r: t - r * (o - t)),
        ),
        Misconception(
            "It is the mean of both, whatever the rate.",
            "(1 - rate) * target + rate * online.",
            _target_with(lambda t, o, r: (t + o) / 2),
        ),
        Misconception(
            "Only the weights move; the bias is forgotten.",
            "Every array of the tree: jax.tree.map.",
            _target_with(lambda t, o, r: (1 - r) * t + r * o, skip=("bias",)),
        ),
    ],
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
    q = critic(params, repeated, candidates.reshape(-1, *chunk)).mean(axis=0).reshape(size, count)
    chosen = candidates[jnp.arange(size), q.argmax(axis=1)]
    return chosen, critic(target_params, observation, chosen).mean(axis=0)


def _best_expected(critic, params, target_params, observation, candidates):
    chosen, values = [], []
    for seen, options in zip(observation, candidates, strict=True):
        q = [_toy_critic_numpy(params, seen[None], option[None])[0].mean() for option in options]
        chosen.append(options[int(np.argmax(q))])
        values.append(_toy_critic_numpy(target_params, seen[None], chosen[-1][None])[0].mean())
    return np.array(chosen), np.array(values)


def _best_cases(rng):
    def case(size, count, horizon, members, same=False):
        params, target = rng.normal(size=(2, members, 3 + 2 * horizon))
        return (
            toy_critic,
            params,
            params.copy() if same else target,
            rng.normal(size=(size, 3)) * 2,
            rng.uniform(-1.5, 1.5, size=(size, count, horizon, 2)),
        )

    return [
        Case(
            "one critic, which is its own target; 6 observations, 8 candidates each",
            case(6, 8, 2, 1, same=True),
            (
                "Ask critic(params, observation, actions) about every candidate, and take the one with the "
                "largest value. jnp.repeat(observation, N, axis=0) gives each candidate its own observation; "
                "argmax over axis 1 of (B, N)."
            ),
        ),
        Case(
            "two critics, which are their own targets",
            case(6, 8, 2, 2, same=True),
            "The mean over the ensemble, then argmax over the candidates.",
        ),
        Case(
            "two critics, and two other target critics",
            case(6, 8, 2, 2),
            "The online critic chooses, the target critic values what was chosen.",
        ),
        Case("three critics, 5 candidates", case(6, 5, 2, 3), ""),
    ]


def _best_with(
    choose=lambda q: q.mean(axis=0).argmax(axis=1),
    by="online",
    value="target",
    spread=jnp.repeat,
    summed=lambda q: q.mean(axis=0),
):
    def wrong(critic, params, target_params, observation, candidates):
        size, count, *chunk = candidates.shape
        every = {"online": params, "target": target_params}
        repeated = (
            spread(observation, count, axis=0) if spread is jnp.repeat else jnp.tile(observation, (count, 1))
        )
        q = critic(every[by], repeated, candidates.reshape(-1, *chunk)).reshape(-1, size, count)
        chosen = candidates[jnp.arange(size), choose(q)]
        return chosen, summed(critic(every[value], observation, chosen))

    return wrong


def _best_double_maximum(critic, params, target_params, observation, candidates):
    chosen, _ = best_of_n(critic, params, target_params, observation, candidates)
    return chosen, best_of_n(critic, target_params, target_params, observation, candidates)[1]


check_best_of_n = Exercise(
    best_of_n,
    _best_expected,
    _best_cases,
    [
        Misconception(
            "The target critic chooses.",
            "The online critic (params) chooses, the target critic values what was chosen.",
            _best_with(by="target"),
        ),
        Misconception(
            "The online critic values its own choice: the value is too high, by its own errors.",
            "Take the value from the target critic.",
            _best_with(value="online"),
        ),
        Misconception(
            "The two critics have swapped their parts.",
            "The online critic (params) chooses, the target critic values what was chosen.",
            _best_with(by="target", value="online"),
        ),
        Misconception(
            "The value is the target critic's own maximum, not its value of the chosen one.",
            "Value the chosen chunk: critic(target_params, observation, chosen).",
            _best_double_maximum,
        ),
        Misconception(
            "The candidates are clipped again.",
            "They come as they would be executed; take them as they are.",
            lambda c, p, t, o, x: best_of_n(c, p, t, o, _clip(x)),
        ),
        Misconception(
            "It takes the worst candidate.",
            "argmax.",
            _best_with(choose=lambda q: q.mean(axis=0).argmin(axis=1)),
        ),
        Misconception(
            "It takes the first candidate.",
            "argmax of the mean Q over the N candidates.",
            _best_with(choose=lambda q: jnp.zeros(q.shape[1], int)),
        ),
        Misconception(
            "The smallest Q of the ensemble chooses.",
            "This method takes the mean over the ensemble.",
            _best_with(choose=lambda q: q.min(axis=0).argmax(axis=1)),
        ),
        Misconception(
            "The largest Q of the ensemble chooses.",
            "This method takes the mean over the ensemble.",
            _best_with(choose=lambda q: q.max(axis=0).argmax(axis=1)),
        ),
        Misconception(
            "The first critic alone chooses.",
            "This method takes the mean over the ensemble.",
            _best_with(choose=lambda q: q[0].argmax(axis=1)),
        ),
        Misconception(
            "The argmax runs over the batch, not over the candidates.",
            "q is (B, N): argmax over axis 1.",
            _best_with(choose=lambda q: jnp.resize(q.mean(axis=0).argmax(axis=0), q.shape[1]) % q.shape[2]),
        ),
        Misconception(
            "One number for all: every observation takes the candidate that is best on average.",
            "One argmax an observation, over axis 1.",
            _best_with(choose=lambda q: jnp.broadcast_to(q.mean(axis=(0, 1)).argmax(), q.shape[1])),
        ),
        Misconception(
            "The candidates meet the wrong observations: tile repeats the whole batch, repeat each row.",
            "jnp.repeat(observation, N, axis=0), in the order of candidates.reshape(B * N, H, A).",
            _best_with(spread=jnp.tile),
        ),
        Misconception(
            "The value is the smallest of the ensemble.",
            "This method takes the mean over the ensemble.",
            _best_with(summed=lambda q: q.min(axis=0)),
        ),
        Misconception(
            "The value is the sum over the ensemble.",
            "This method takes the mean over the ensemble.",
            _best_with(summed=lambda q: q.sum(axis=0)),
        ),
        Misconception(
            "The value of the first critic only.",
            "This method takes the mean over the ensemble.",
            _best_with(summed=lambda q: q[0]),
        ),
    ],
    parts=("chosen", "value"),
    insight="No policy network: the flow proposes, the critic disposes.",
    compiled=True,
)


# 7. The loop


def train(update, sample, state, key, steps):
    """`steps` updates in one lax.scan: the last state, and the losses (steps,)."""

    def step(state, key):
        batch_key, update_key = jax.random.split(key)
        return update(state, sample(batch_key), update_key)

    return jax.lax.scan(step, state, jax.random.split(key, steps))


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
        noise, batch = (
            float(jax.random.normal(update_key)),
            np.asarray(jax.random.uniform(batch_key, (3,)), float),
        )
        losses.append(np.sum(state**2) + noise)
        state = 0.8 * state + 0.1 * np.array([1.0, -1.0]) * batch.sum() + 0.05 * noise
    return state, np.array(losses), 1.0


def _train_cases(rng):
    case = lambda steps: (
        _toy_update,
        _toy_sample,
        rng.normal(size=2),
        jax.random.key(rng.integers(2**31)),
        steps,
    )
    return [
        Case(
            "one update",
            case(1),
            (
                "jax.lax.scan(step, state, jax.random.split(key, steps)); "
                "in step: batch_key, update_key = jax.random.split(key)."
            ),
        ),
        Case(
            "four updates",
            case(4),
            "The state is the carry of the scan: each step gets what the step before returned.",
        ),
        Case("seven updates", case(7), ""),
    ]


def _compiled_loop(answer, args):
    """Whether the steps are one compiled loop:
    1, or 0 where a Python loop writes them out one after the other.
    """
    update, sample, state, key, steps = args
    program = jax.make_jaxpr(lambda state, key: answer(update, sample, state, key, 6))(state, key)
    return {
        "number of compiled loops (the results are right)": float(
            "scan[" in str(program) or "while[" in str(program)
        )
    }


def _train_with(
    keys=jax.random.split, carried=lambda new, old: new, split=jax.random.split, losses=lambda x: x
):
    def wrong(update, sample, state, key, steps):
        def step(current, key):
            batch_key, update_key = split(key)
            new, loss = update(current, sample(batch_key), update_key)
            return carried(new, state), loss

        last, every = jax.lax.scan(step, state, keys(key, steps))
        return last, losses(every)

    return wrong


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


check_train = Exercise(
    train,
    _train_expected,
    _train_cases,
    [
        Misconception(
            "A Python loop: every update is written out, and compiling takes as long as there are updates.",
            "jax.lax.scan(step, state, keys) writes the step once.",
            _train_python,
        ),
        Misconception(
            "All steps use one key: the same batch and the same noise again and again.",
            "One key a step: jax.random.split(key, steps) goes into the scan.",
            _train_with(keys=lambda key, steps: jnp.broadcast_to(key, (steps,))),
        ),
        Misconception(
            "The state is not carried: every step starts from the first.",
            "step returns (new state, loss); the first is carried.",
            _train_with(carried=lambda new, old: old),
        ),
        Misconception(
            "Batch and update share a key: their random numbers are related.",
            "batch_key, update_key = jax.random.split(key).",
            _train_with(split=lambda key: (key, key)),
        ),
        Misconception(
            "The two keys are swapped.",
            "batch_key, update_key = jax.random.split(key): the first draws the batch.",
            _train_with(split=lambda key: jax.random.split(key)[::-1]),
        ),
        Misconception("One batch serves all steps.", "Call sample(batch_key) inside step.", _train_one_batch),
        Misconception(
            "The losses are averaged.",
            "Return all of them, (steps,): scan stacks what step returns second.",
            _train_with(losses=jnp.mean),
        ),
        Misconception(
            "Only the last loss is returned.",
            "Return all of them, (steps,): scan stacks what step returns second.",
            _train_with(losses=lambda x: x[-1]),
        ),
        Misconception(
            "The losses are added up.", "Return them as they are, (steps,).", _train_with(losses=jnp.cumsum)
        ),
        Misconception(
            "The losses come in reverse.",
            "Return them as scan stacks them.",
            _train_with(losses=lambda x: x[::-1]),
        ),
    ],
    parts=("state", "losses"),
    insight="One call, and the processor is not asked again until the end.",
    compiled=True,
    observe=_compiled_loop,
)
