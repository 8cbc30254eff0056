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
from qlac_lite.agents.fql import Networks
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

# Toy networks, S = A, with derivatives that can be written by hand


def _toy_flow(params, observation, x, time):
    """params (3, A): sees the observation, the point, and the time."""
    return jnp.tanh(params[0] * x + params[1] * observation[:, None]) + params[2] * time[:, None, None]


def _toy_policy(params, observation, noise):
    """params (2, A)."""
    return params[0] * noise + jnp.tanh(params[1] * observation[:, None]) * 1.3


def toy_critic(params, observation, actions):
    """(E, S + H * A), (B, S), (B, H, A) -> (E, B), smooth and curved; stands for a network."""
    inputs = jnp.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    return params @ inputs.T + jnp.sin(1.5 * params @ inputs.T)


def _network(name: str, function, inputs: str, note: str = ""):
    """Compiled, each is one operation: a check takes half the time. It says what a call lacks."""
    compiled = jax.jit(function)

    def called(*given, **named):
        wanted, count = f'params["{name}"], {inputs}', len(given) + len(named)
        if count != 1 + len(inputs.split(",")):
            problem = f"networks.{name} got {count} inputs; it takes ({wanted})"
            raise _misused(problem, f"The parameters come first, before the other inputs.{note}")
        if given and isinstance(given[0], dict):
            problem = f"networks.{name} got a dictionary of parameters; it takes ({wanted})"
            raise _misused(problem, f'params holds all networks; this one takes params["{name}"] alone.')
        return compiled(*given, **named)

    return called


def _misused(problem: str, likely: str) -> TypeError:
    error = TypeError(problem)
    error.likely = likely
    return error


TOY = Networks(
    _network(
        "flow",
        _toy_flow,
        "observation, x, time",
        ' A field takes (observation, x, time): bind params["flow"] to it, in a lambda.',
    ),
    _network("policy", _toy_policy, "observation, noise"),
    _network("critic", toy_critic, "observation, chunks"),
)


def _critic_numpy(params, observation, actions):
    """The toy critic: values (E, B), derivatives in its linear part (E, B), inputs (B, S + H * A)."""
    inputs = np.concatenate([observation, actions.reshape(len(actions), -1)], axis=1)
    linear = params @ inputs.T
    return linear + np.sin(1.5 * linear), 1 + 1.5 * np.cos(1.5 * linear), inputs


def _behavior_numpy(flow, observation, noise, steps):
    """The toy flow's chunks, not clipped."""
    x, seen = noise, observation[:, None]
    for k in range(steps):
        x = x + (np.tanh(flow[0] * x + flow[1] * seen) + flow[2] * k / steps) / steps
    return x


def _proposal_numpy(policy, observation, noise):
    return policy[0] * noise + np.tanh(policy[1] * observation[:, None]) * 1.3


def _normal(key, shape):
    return np.asarray(jax.random.normal(key, shape), float)


def _params(rng, members):
    """Parameters of the toy networks, S = A = 2, H = 3; many proposals are outside [-1, 1]."""
    params = {name: rng.normal(size=(size, 2)) for name, size in {"flow": 3, "policy": 2}.items()}
    params["policy"] += 0.5
    return params | {"critic": 0.7 * rng.normal(size=(members, 8))}


def _batch(rng, ends=False, cut=False):
    """Six chunks of 3; every third one ends at a terminal state, or every second one is cut."""
    valid = np.ones((6, 3))
    if cut:
        valid[1::2, 1:] = 0.0
    return Batch(
        observation=rng.normal(size=(6, 2)),
        actions=rng.uniform(-1, 1, size=(6, 3, 2)) * valid[..., None],
        returns=rng.normal(size=6),
        valid=valid,
        bootstrap_observation=rng.normal(size=(6, 2)),
        discount=0.8**3 * (np.arange(6) % 3 != 1 if ends else np.ones(6)),
    )


def _key(rng):
    return jax.random.key(rng.integers(2**31))


# 1. The critic's loss


def critic_loss(networks, params, target_critic, batch, key):
    """The library's critic loss, with the next chunk drawn by the policy: one number."""
    noise = jax.random.normal(key, batch.actions.shape)
    frozen = stop_gradient(params["policy"])
    next_chunk = jnp.clip(networks.policy(frozen, batch.bootstrap_observation, noise), -1, 1)
    next_q = networks.critic(target_critic, batch.bootstrap_observation, next_chunk)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return library_critic_loss(q, next_q, batch)[0]


def critic_loss_in_steps(networks, params, target_critic, batch, key):
    """The same written out, for the edits below."""
    noise = jax.random.normal(key, batch.actions.shape)
    then = batch.bootstrap_observation
    next_chunk = jnp.clip(networks.policy(params["policy"], then, noise), -1, 1)
    next_q = networks.critic(target_critic, then, next_chunk)
    target = stop_gradient(batch.returns + batch.discount * next_q.mean(axis=0))
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    return jnp.mean(batch.valid[:, -1] * (q - target) ** 2)


def _critic_expected(networks, params, target_critic, batch, key):
    """In NumPy: the loss, and its gradients in critic, flow, policy and target critic."""
    noise = _normal(key, batch.actions.shape)
    proposal = _proposal_numpy(params["policy"], batch.bootstrap_observation, noise)
    inside = np.maximum(np.minimum(proposal, 1.0), -1.0)
    next_q, _, _ = _critic_numpy(target_critic, batch.bootstrap_observation, inside)
    target = batch.returns + batch.discount * sum(next_q) / len(next_q)
    q, slope, inputs = _critic_numpy(params["critic"], batch.observation, batch.actions)
    error = np.where(batch.valid.all(axis=1), q - target, 0.0)
    nothing = [np.zeros_like(still) for still in (params["flow"], params["policy"], target_critic)]
    return np.sum(error**2) / q.size, 2 * (error * slope) @ inputs / q.size, *nothing


def _critic_cases(rng):
    def inputs(members, follows=True, ends=False, cut=False):
        batch = _batch(rng, ends, cut)
        if not follows:
            batch = batch._replace(discount=np.zeros(6))
        return TOY, _params(rng, members), 0.7 * rng.normal(size=(members, 8)), batch, _key(rng)

    return [
        Case(
            "one critic, and nothing follows any chunk: all discounts are 0",
            inputs(1, follows=False),
            ("Here the target is batch.returns, (B,). q is (E, B).", "jnp.mean((q - batch.returns) ** 2)."),
        ),
        Case(
            "one critic, and something follows every chunk",
            inputs(1),
            (
                "The policy acts at bootstrap_observation, its chunk is clipped, and the target "
                "critic values it.",
                "next_q = networks.critic(target_critic, batch.bootstrap_observation, next_chunk).",
            ),
        ),
        Case(
            "three critics, some chunks end at a terminal state",
            inputs(3, ends=True),
            (
                "All critics learn one target, with the mean over the ensemble; batch.discount is 0 where "
                "nothing follows.",
                "target = batch.returns + batch.discount * next_q.mean(axis=0).",
            ),
        ),
        Case(
            "three critics, some chunks are cut",
            inputs(3, ends=True, cut=True),
            (
                "A cut chunk has the weight 0: its last step is not valid. The mean is still over "
                "all entries.",
                "jnp.mean(batch.valid[:, -1] * (q - target) ** 2).",
            ),
        ),
    ]


def edited_critic(changes):
    return edited(critic_loss_in_steps, changes)


_MEAN_OF_CRITICS = ("One target for all, with the mean over the ensemble.", "next_q.mean(axis=0).")
_SQUARES = (
    "The plain mean of the squared errors, over all E * B entries.",
    "jnp.mean(weight * (q - target) ** 2).",
)
_WHOLE = ("The weight of a chunk is whether its last step exists.", "batch.valid[:, -1] * (q - target) ** 2.")

_critic_misconceptions = [
    Misconception(
        "The gradient flows through the target into policy and target critic: "
        "the policy would learn to make the critic's error small.",
        ("What q is moved towards has to stand still.", "target = jax.lax.stop_gradient(...)."),
        edited_critic({"stop_gradient(batch.returns": "(batch.returns"}),
    ),
    Misconception(
        "The policy stands still, but the gradient flows through the target into the target critic.",
        ("Stop the whole target.", "target = jax.lax.stop_gradient(...)."),
        edited_critic(
            {
                "stop_gradient(batch.returns": "(batch.returns",
                'params["policy"], then': 'stop_gradient(params["policy"]), then',
            }
        ),
    ),
    Misconception(
        "No gradient reaches the critic: nothing would learn.",
        ("Stop the gradient of the target only.", "(q - jax.lax.stop_gradient(target)) ** 2."),
        edited_critic({"(q - target)": "stop_gradient(q - target)"}),
    ),
    Misconception(
        "The gradient is stopped on the wrong side, in q.",
        ("Stop the gradient of the target, not of q.", "(q - jax.lax.stop_gradient(target)) ** 2."),
        edited_critic(
            {"stop_gradient(batch.returns": "(batch.returns", "(q - target)": "(stop_gradient(q) - target)"}
        ),
    ),
    Misconception(
        "The policy's chunk is not clipped before the target critic.",
        ("Clip it to what would be executed.", "jnp.clip(..., -1, 1)."),
        edited_critic({"jnp.clip(networks": "(networks", "noise), -1, 1)": "noise))"}),
    ),
    Misconception(
        "The policy's chunk goes through tanh.",
        ("A chunk inside [-1, 1] stays as it is.", "jnp.clip(..., -1, 1)."),
        edited_critic({"jnp.clip(networks": "jnp.tanh(networks", "noise), -1, 1)": "noise))"}),
    ),
    Misconception(
        "The next chunk is taken at the observation where the recorded one began.",
        ("It begins where the recorded chunk has ended.", "then = batch.bootstrap_observation."),
        edited_critic({"then = batch.bootstrap_observation": "then = batch.observation"}),
    ),
    Misconception(
        "The policy sees the old observation, the target critic the new one.",
        (
            "Both look at the state after the chunk.",
            'networks.policy(params["policy"], batch.bootstrap_observation, noise).',
        ),
        edited_critic({"then, noise)": "batch.observation, noise)"}),
    ),
    Misconception(
        "The target critic sees the old observation.",
        (
            "Both look at the state after the chunk.",
            "networks.critic(target_critic, batch.bootstrap_observation, next_chunk).",
        ),
        edited_critic({"(target_critic, then": "(target_critic, batch.observation"}),
    ),
    Misconception(
        "The recorded chunk stands in for the next one.",
        ("The next chunk is the policy's.", "next_chunk = jnp.clip(networks.policy(...), -1, 1)."),
        edited_critic({"then, next_chunk)": "then, batch.actions)"}),
    ),
    Misconception(
        "The online critic values the next chunk: the target would move with every step.",
        (
            "The target critic is the argument of that name.",
            "networks.critic(target_critic, then, next_chunk).",
        ),
        edited_critic({"(target_critic, then": '(params["critic"], then'}),
    ),
    Misconception(
        "The target critic values the recorded chunk as well.",
        ("The online critic is the one that learns.", 'q = networks.critic(params["critic"], ...).'),
        edited_critic({'(params["critic"], batch': "(target_critic, batch"}),
    ),
    Misconception(
        "The next chunk is made without noise.",
        ("The policy is a distribution: draw its noise.", "jax.random.normal(key, batch.actions.shape)."),
        edited_critic({"jax.random.normal(key, batch.actions.shape)": "jnp.zeros(batch.actions.shape)"}),
    ),
    Misconception(
        "The noise is uniform.",
        ("The policy is used to Gaussian noise.", "jax.random.normal(key, batch.actions.shape)."),
        edited_critic({"random.normal": "random.uniform"}),
    ),
    Misconception(
        "All chunks of the batch share one noise.",
        ("Each chunk has a noise of its own.", "jax.random.normal(key, batch.actions.shape)."),
        edited_critic({"batch.actions.shape)": "batch.actions.shape[1:]) + 0 * batch.actions"}),
    ),
    Misconception(
        "The target critic stands still, and the gradient still flows through the target into the policy.",
        ("The whole target stands still, not one network in it.", "stop_gradient(returns + discount * ...)."),
        edited_critic(
            {"stop_gradient(batch": "(batch", "critic(target_critic": "critic(stop_gradient(target_critic)"}
        ),
    ),
    Misconception(
        "Random numbers are drawn from another key.",
        ("Use key as it is.", "jax.random.normal(key, batch.actions.shape)."),
        edited_critic({"normal(key": "normal(jax.random.split(key)[0]"}),
    ),
    Misconception(
        "Only the first critic learns.",
        ("Each critic has an error of its own.", "q - target, (E, B)."),
        edited_critic({"(q - target)": "(q[0] - target)"}),
    ),
    Misconception(
        "The bootstrap is discounted H times more.",
        ("batch.discount is gamma to the power H already.", "batch.returns + batch.discount * ..."),
        edited_critic({"batch.discount *": "batch.discount ** batch.actions.shape[1] *"}),
    ),
    Misconception(
        "The bootstrap is not discounted, and not masked.",
        ("batch.discount is gamma to the power H, or 0.", "batch.returns + batch.discount * ..."),
        edited_critic({"batch.discount * ": ""}),
    ),
    Misconception(
        "The returns are missing.",
        ("First what the chunk has earned, then the bootstrap.", "batch.returns + batch.discount * ..."),
        edited_critic({"batch.returns + ": ""}),
    ),
    *(
        Misconception(name, _MEAN_OF_CRITICS, edited_critic({"next_q.mean(axis=0)": term}))
        for name, term in (
            ("The target is the smallest of the ensemble's values.", "next_q.min(axis=0)"),
            ("The target is the largest of the ensemble's values.", "next_q.max(axis=0)"),
            ("The target is the median of the ensemble's values.", "jnp.median(next_q, axis=0)"),
            ("The target is the first critic's value.", "next_q[0]"),
            ("Each critic has a target of its own.", "next_q"),
            ("The target takes the mean over the batch, too.", "next_q.mean()"),
        )
    ),
    Misconception(
        "The critics are averaged before the error: only their mean would learn.",
        ("Each critic has an error of its own.", "q - target, (E, B)."),
        edited_critic({"(q - target)": "(q.mean(axis=0) - target)"}),
    ),
    Misconception(
        "Cut chunks count in full: is the flag that of the last step? The first step always exists.",
        _WHOLE,
        edited_critic({"batch.valid[:, -1] * ": ""}),
    ),
    Misconception(
        "Cut chunks count, with the share of their steps that exists.",
        _WHOLE,
        edited_critic({"batch.valid[:, -1]": "batch.valid.mean(axis=1)"}),
    ),
    Misconception(
        "Cut chunks are left out of the mean's denominator.",
        (
            "The published loss divides by all E * B entries.",
            "jnp.mean(batch.valid[:, -1] * (q - target) ** 2).",
        ),
        edited_critic({"(q - target) ** 2)": "(q - target) ** 2) / batch.valid[:, -1].mean()"}),
    ),
    Misconception(
        "The weight multiplies the target, so that cut chunks are pulled to 0.",
        _WHOLE,
        edited_critic({"batch.valid[:, -1] * (q - target)": "(q - batch.valid[:, -1] * target)"}),
    ),
    Misconception(
        "The weight is on the bootstrap, and the errors of cut chunks count.",
        ("What follows is masked by batch.discount already; the weight is for the whole error.", _WHOLE[1]),
        edited_critic(
            {"batch.valid[:, -1] * ": "", "batch.discount *": "batch.valid[:, -1] * batch.discount *"}
        ),
    ),
    Misconception(
        "The error is not squared.", _SQUARES, edited_critic({"(q - target) ** 2": "jnp.abs(q - target)"})
    ),
    Misconception(
        "The mean comes before the square: errors of unlike sign cancel.",
        _SQUARES,
        edited_critic({"(q - target) ** 2)": "(q - target)) ** 2"}),
    ),
    Misconception(
        "Half of the squared error.",
        _SQUARES,
        edited_critic({"(q - target) ** 2)": "(q - target) ** 2) / 2"}),
    ),
    Misconception("The squares are summed.", _SQUARES, edited_critic({"jnp.mean(batch": "jnp.sum(batch"})),
    Misconception(
        "Summed over the ensemble, averaged over the batch.",
        _SQUARES,
        edited_critic({"jnp.mean(batch": "len(q) * jnp.mean(batch"}),
    ),
]

check_critic_loss = Exercise(
    critic_loss,
    _critic_expected,
    _critic_cases,
    _critic_misconceptions,
    insight="The only loss that moves the critic, and it moves nothing else.",
    compiled=True,
    observe=gradients(params=1, target_critic=2),
)


# 2. The actor's loss


def actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
    """The library's three terms by name: "flow", alpha times "distill", and "q"."""
    data = (batch.observation, batch.actions, batch.valid)
    return fql.actor_loss(networks, params, *data, alpha, steps, flow_key, noise_key)


def _actor_expected(networks, params, batch, alpha, steps, flow_key, noise_key):
    """In NumPy, with derivatives by hand; the random numbers are JAX's. Three losses, and their gradients in
    critic, flow and policy."""
    flow, policy, critic = (np.asarray(params[name], float) for name in ("flow", "policy", "critic"))
    observation, actions, valid = batch.observation, batch.actions, batch.valid
    size, seen = actions.size, observation[:, None]
    x_key, t_key = jax.random.split(flow_key)
    start = _normal(x_key, actions.shape)
    time = np.asarray(jax.random.uniform(t_key, actions.shape[:1]), float)[:, None, None]
    x = (1 - time) * start + time * actions
    bend = np.tanh(flow[0] * x + flow[1] * seen)
    error = bend + flow[2] * time - (actions - start)
    inner = 2 * valid[..., None] * error / size
    slope = inner * (1 - bend**2)
    in_flow = np.stack([(slope * x).sum((0, 1)), (slope * seen).sum((0, 1)), (inner * time).sum((0, 1))])

    noise = _normal(noise_key, actions.shape)
    behavior = np.clip(_behavior_numpy(flow, observation, noise, steps), -1, 1)
    proposal = _proposal_numpy(policy, observation, noise)
    turn = np.tanh(policy[1] * seen)
    in_policy = lambda pull: np.stack(
        [(pull * noise).sum((0, 1)), (pull * 1.3 * (1 - turn**2) * seen).sum((0, 1))]
    )
    q, steep, _ = _critic_numpy(critic, observation, np.clip(proposal, -1, 1))
    uphill = (
        (steep[..., None] * critic[:, None]).sum(axis=0)[:, observation.shape[1] :].reshape(actions.shape)
    )
    climb = np.where(np.abs(proposal) < 1, -uphill / q.size, 0.0)
    values = (
        np.sum(valid[..., None] * error**2) / size,
        alpha * np.mean((proposal - behavior) ** 2),
        -q.mean(),
    )
    none = {name: np.zeros_like(params[name]) for name in ("critic", "flow", "policy")}
    moved = {"flow": in_flow}, {"policy": in_policy(2 * alpha * (proposal - behavior) / size)}
    return *values, *(v for part in (*moved, {"policy": in_policy(climb)}) for v in (none | part).values())


def _loss_gradients(answer, args):
    """The gradient of each of the losses in each of the networks."""
    networks, params, *rest = args
    terms, back = jax.vjp(lambda params: answer(networks, params, *rest), params)
    only = lambda loss: {name: jnp.full_like(value, name == loss) for name, value in terms.items()}
    slopes = {loss: back(only(loss))[0] for loss in terms}
    return {
        f"gradient of {loss} in the {network}": slopes[loss][network]
        for loss in ("flow", "distill", "q")
        for network in ("critic", "flow", "policy")
    }


def _actor_cases(rng):
    def inputs(alpha, steps, members, cut=False):
        keys = jax.random.split(_key(rng))
        return TOY, _params(rng, members), _batch(rng, cut=cut), alpha, steps, *keys

    return [
        Case(
            "alpha = 1, one critic, whole chunks",
            inputs(1.0, 2, 1),
            {
                "flow": "The flow's loss is that of lesson 03: the data's chunks, with weights of valid.",
                "distill": (
                    "The mean of the squared differences, over all numbers, between the policy's chunk and "
                    "the flow's (Euler, `steps` steps, clipped) for the same noise and observation.",
                    "jnp.mean((proposal - stop_gradient(clipped behavior)) ** 2).",
                ),
                "q": (
                    "The online critics value the policy's clipped chunk: minus the mean over all of them.",
                    "-jnp.mean(networks.critic(stopped parameters, observation, clipped proposal)).",
                ),
            },
        ),
        Case(
            "alpha = 10, three critics",
            inputs(10.0, 4, 3),
            (
                "alpha weighs the distillation alone, and Q is the mean over all critics.",
                '"distill": alpha * ...',
            ),
        ),
        Case(
            "alpha = 3, some chunks are cut by an episode's end",
            inputs(3.0, 3, 2, cut=True),
            (
                "batch.valid goes into the flow's loss, and nowhere else.",
                "flow_matching_loss(field, batch.observation, batch.actions, batch.valid, flow_key).",
            ),
        ),
    ]


# Pieces of fql.actor_loss and its losses, and what stands there instead.
DISTILLATION = "distillation_loss(proposal, behavior)"
Q_TERM = 'q_loss(networks.critic, params["critic"], observation, proposal)'
CRITIC = 'networks.critic(stop_gradient(params["critic"]), observation, '
CLIPPED_STEPS = """behavior = noise
    for k in range(flow_steps):
        velocity = sampled(observation, behavior, jnp.full(len(noise), k / flow_steps))
        behavior = jnp.clip(behavior + velocity / flow_steps, -1, 1)"""


def edited_actor(changes):
    """`actor_loss` with the library's source edited."""
    wrong = edited(fql.actor_loss, changes)
    return lambda networks, params, batch, *rest: wrong(
        networks, params, batch.observation, batch.actions, batch.valid, *rest
    )


def distance(term):
    """Another distillation; `term` speaks of proposal and behavior."""
    return edited_actor({DISTILLATION: term})


def asked(term):
    """Another Q loss; `term` speaks of the critics' values of the clipped proposal, as {}."""
    return edited_actor({Q_TERM: term.format(f"{CRITIC}jnp.clip(proposal, -1, 1))")})


def times_alpha(*powers):
    """The right losses times powers of alpha, one for each of flow, distill and q."""

    def wrong(networks, params, batch, alpha, *rest):
        terms = actor_loss(networks, params, batch, alpha, *rest)
        return {name: alpha**power * terms[name] for name, power in zip(terms, powers, strict=True)}

    return wrong


_TARGET = (
    "The target is the flow's clipped chunk, and it stands still.",
    "jax.lax.stop_gradient(jnp.clip(behavior, -1, 1)).",
)
_FREE = (
    "Outside [-1, 1] a clip has no gradient, and nothing would pull the policy back.",
    "The distillation takes the proposal as it comes.",
)
_DISTANCE = (
    "The mean over all B * H * A entries of the squared difference.",
    "jnp.mean((proposal - target) ** 2).",
)
_ONE_NOISE = (
    "Policy and flow turn the same noise into a chunk.",
    "noise = jax.random.normal(noise_key, batch.actions.shape), for both.",
)
_THE_Q = ("Minus the mean over both axes, ensemble and batch.", '"q": -jnp.mean(q).')
_SHOWN = ("The critic is asked about what would be executed.", "jnp.clip(proposal, -1, 1).")
_STILL = (
    "Values may come from the critic; its parameters must not move.",
    'jax.lax.stop_gradient(params["critic"]).',
)
_ALPHA = ("alpha weighs the distillation, and nothing else.", '"distill": alpha * ...')
_UNCLIPPED = "The target is not clipped: the policy would learn actions that nobody can execute."
_NOT_DETACHED = "jnp.mean((proposal - jnp.clip(behavior, -1, 1)) ** 2)"

_actor_misconceptions = [
    # the distillation
    Misconception(
        "The gradient of the distillation reaches the flow, which is then no model of the data any more.",
        _TARGET,
        distance(_NOT_DETACHED),
    ),
    Misconception(
        "The distillation's target is not clipped, and its gradient reaches the flow.",
        _TARGET,
        distance("jnp.mean((proposal - behavior) ** 2)"),
    ),
    Misconception(_UNCLIPPED, _TARGET, distance("jnp.mean((proposal - stop_gradient(behavior)) ** 2)")),
    Misconception(
        "Both gradients leak: that of the distillation into the flow, that of the Q loss into the critic.",
        ("What must not move has to be stopped, twice.", f"{_TARGET[1]} {_STILL[1]}"),
        edited_actor(
            {
                DISTILLATION: _NOT_DETACHED,
                Q_TERM: '-networks.critic(params["critic"], observation, jnp.clip(proposal, -1, 1)).mean()',
            }
        ),
    ),
    Misconception(
        "Nothing is clipped.",
        (
            "Clip the flow's chunk for the distillation, the policy's for the critic.",
            f"{_TARGET[1]} {_SHOWN[1]}",
        ),
        edited_actor(
            {
                DISTILLATION: "jnp.mean((proposal - stop_gradient(behavior)) ** 2)",
                Q_TERM: f"-{CRITIC}proposal).mean()",
            }
        ),
    ),
    Misconception(
        "Nothing is clipped, and nothing is stopped.",
        ("Clip what is executed, stop what must not move.", f"{_TARGET[1]} {_STILL[1]}"),
        edited_actor(
            {
                DISTILLATION: "jnp.mean((proposal - behavior) ** 2)",
                Q_TERM: '-networks.critic(params["critic"], observation, proposal).mean()',
            }
        ),
    ),
    Misconception(
        "The gradient is stopped in the policy's own chunk: the distillation moves nobody.",
        ("Stop the flow's chunk, not the policy's.", _TARGET[1]),
        distance("distillation_loss(stop_gradient(proposal), behavior)"),
    ),
    Misconception(
        "The gradient is stopped on the wrong side: the flow learns from the policy.",
        ("Stop the flow's chunk, not the policy's.", _TARGET[1]),
        distance("jnp.mean((stop_gradient(proposal) - jnp.clip(behavior, -1, 1)) ** 2)"),
    ),
    Misconception(
        "The proposal is clipped in the distillation, too.",
        _FREE,
        distance("distillation_loss(jnp.clip(proposal, -1, 1), behavior)"),
    ),
    Misconception(
        "The flow's chunk goes through tanh.",
        _TARGET,
        distance("distillation_loss(proposal, jnp.tanh(behavior))"),
    ),
    Misconception(
        "The policy's chunk goes through tanh, for both losses.",
        ("The distillation takes it as it comes, and q takes it clipped.", f"{_DISTANCE[1]} {_SHOWN[1]}"),
        edited_actor({"return {": "proposal = jnp.tanh(proposal)\n    return {"}),
    ),
    Misconception(
        "The difference is not squared.",
        _DISTANCE,
        distance("jnp.mean(jnp.abs(proposal - stop_gradient(jnp.clip(behavior, -1, 1))))"),
    ),
    Misconception(
        "All parameters are stopped, those that have to move as well: nobody learns.",
        ("Each loss moves one network.", f"{_TARGET[1]} {_STILL[1]}"),
        lambda networks, params, *rest: actor_loss(networks, stop_gradient(params), *rest),
    ),
    Misconception(
        "The distillation has the wrong sign: the policy is pushed away from the flow.",
        _DISTANCE,
        distance(f"-{DISTILLATION}"),
    ),
    Misconception(
        "The Q loss asks about the recorded chunk: the policy is never improved.",
        ("Ask about the policy's chunk.", _SHOWN[1]),
        edited_actor({"observation, proposal)": "observation, actions)"}),
    ),
    Misconception("Half of the squared difference.", _DISTANCE, distance(f"0.5 * {DISTILLATION}")),
    Misconception(
        "The squared differences are summed.", _DISTANCE, distance(f"proposal.size * {DISTILLATION}")
    ),
    Misconception(
        "The squared differences are summed over each chunk, averaged over the batch.",
        _DISTANCE,
        distance(f"proposal[0].size * {DISTILLATION}"),
    ),
    Misconception(
        "The squared differences are weighted with valid.",
        ("Policy and flow both make whole chunks, whatever the data did.", _DISTANCE[1]),
        distance("jnp.mean(valid[..., None] * (proposal - stop_gradient(jnp.clip(behavior, -1, 1))) ** 2)"),
    ),
    Misconception(
        "The mean squared difference is over the steps that are valid.",
        ("Policy and flow both make whole chunks, whatever the data did.", _DISTANCE[1]),
        distance(
            "jnp.sum(valid[..., None] * (proposal - stop_gradient(jnp.clip(behavior, -1, 1))) ** 2)"
            " / (valid.sum() * proposal.shape[2])"
        ),
    ),
    Misconception(
        "The policy is distilled from the data's chunks, not from the flow's.",
        ("The teacher of a noise is the flow.", "euler(field, batch.observation, noise, steps)."),
        distance("distillation_loss(proposal, actions)"),
    ),
    # noise and steps
    Misconception(
        "Every Euler step is clipped: this is another flow, with other chunks.",
        ("Clip its result.", "jnp.clip(euler(field, batch.observation, noise, steps), -1, 1)."),
        edited_actor({"behavior = euler(sampled, observation, noise, flow_steps)": CLIPPED_STEPS}),
    ),
    Misconception(
        "The noise is clipped; but it is no action, and the flow was trained to start from all of it.",
        _ONE_NOISE,
        edited_actor({"sampled =": "noise = jnp.clip(noise, -1, 1)\n    sampled ="}),
    ),
    Misconception(
        "The noise is uniform.", _ONE_NOISE, edited_actor({"jax.random.normal": "jax.random.uniform"})
    ),
    Misconception(
        "The two keys are swapped.",
        (
            "One key for the flow's loss, the other for the noise.",
            f"{_ONE_NOISE[1]} flow_matching_loss gets flow_key.",
        ),
        lambda *args: actor_loss(*args[:-2], args[-1], args[-2]),
    ),
    Misconception(
        "flow_key draws the noise, too.", _ONE_NOISE, lambda *args: actor_loss(*args[:-2], args[-2], args[-2])
    ),
    Misconception(
        "flow_matching_loss gets noise_key.",
        ("It has a key of its own.", "flow_matching_loss(..., flow_key)."),
        lambda *args: actor_loss(*args[:-2], args[-1], args[-1]),
    ),
    Misconception(
        "The policy starts from another noise than the flow: it could only learn the mean.",
        _ONE_NOISE,
        edited_actor({"observation, noise)": "observation, jax.random.normal(flow_key, noise.shape))"}),
    ),
    Misconception(
        "noise_key is split, one half for the flow and one for the policy: it could only learn the mean.",
        _ONE_NOISE,
        edited_actor(
            {
                "noise = jax": "first, other = jax.random.split(noise_key)\n    noise = jax",
                "normal(noise_key": "normal(first",
                "observation, noise)": "observation, jax.random.normal(other, noise.shape))",
            }
        ),
    ),
    Misconception(
        "The policy gets the flow's chunk in place of the noise.",
        ("It is to do in one pass what the flow does in many: start both from the noise.", _ONE_NOISE[1]),
        edited_actor({"observation, noise)": "observation, stop_gradient(jnp.clip(behavior, -1, 1)))"}),
    ),
    Misconception(
        "The Q loss has a noise of its own.",
        ("One noise, one chunk of the policy, for both of its losses.", _ONE_NOISE[1]),
        edited_actor(
            {
                "    return {": "    other = jax.random.normal(jax.random.split(noise_key)[1], noise.shape)\n"
                '    second = networks.policy(params["policy"], observation, other)\n    return {',
                "observation, proposal)": "observation, second)",
            }
        ),
    ),
    Misconception(
        "All chunks of the batch share one noise.",
        _ONE_NOISE,
        edited_actor({"noise_key, actions.shape)": "noise_key, actions.shape[1:]) + 0 * actions"}),
    ),
    Misconception(
        "The flow takes one Euler step.",
        ("euler takes `steps` steps.", "euler(field, batch.observation, noise, steps)."),
        edited_actor({"noise, flow_steps)": "noise, 1)"}),
    ),
    # the Q loss
    Misconception(
        "The gradient of the Q loss reaches the critic, which would learn to like whatever the policy does.",
        _STILL,
        edited_actor(
            {Q_TERM: '-networks.critic(params["critic"], observation, jnp.clip(proposal, -1, 1)).mean()'}
        ),
    ),
    Misconception(
        "The Q loss is stopped altogether: the policy is never improved.",
        ("Stop the critic's parameters only; the proposal has to feel the slope of Q.", _STILL[1]),
        edited_actor({Q_TERM: f"stop_gradient({Q_TERM})"}),
    ),
    Misconception(
        "The stop is on the policy's chunk, not on the critic's parameters: the Q loss moves the critic.",
        ("Stop the critic's parameters; the proposal has to feel the slope of Q.", _STILL[1]),
        edited_actor(
            {
                Q_TERM: '-networks.critic(params["critic"], observation, '
                "stop_gradient(jnp.clip(proposal, -1, 1))).mean()"
            }
        ),
    ),
    Misconception(
        "The Q loss has the clipped chunk's value, but the gradient goes past the clip.",
        ("Outside [-1, 1] Q has no slope: only the distillation pulls there.", _SHOWN[1]),
        edited_actor(
            {Q_TERM: f"-{CRITIC}proposal + stop_gradient(jnp.clip(proposal, -1, 1) - proposal)).mean()"}
        ),
    ),
    Misconception(
        "The Q loss asks the critic about a chunk that is not clipped.",
        _SHOWN,
        edited_actor({Q_TERM: f"-{CRITIC}proposal).mean()"}),
    ),
    Misconception(
        "The Q loss asks about tanh of the chunk.",
        _SHOWN,
        edited_actor({Q_TERM: f"-{CRITIC}jnp.tanh(proposal)).mean()"}),
    ),
    Misconception(
        "The Q loss asks about the flow's chunk, so the policy is never improved, and the flow is moved.",
        ("Ask about the policy's chunk.", _SHOWN[1]),
        edited_actor({"observation, proposal)": "observation, behavior)"}),
    ),
    Misconception("The Q loss has the wrong sign: minimising it would lower Q.", _THE_Q, asked("{}.mean()")),
    Misconception("Q is the smallest of the ensemble.", _THE_Q, asked("-{}.min(axis=0).mean()")),
    Misconception("Q is that of the first critic.", _THE_Q, asked("-{}[0].mean()")),
    Misconception("Q is summed.", _THE_Q, asked("-{}.sum()")),
    Misconception(
        "Q is summed over the ensemble, averaged over the batch.", _THE_Q, asked("-{}.sum(axis=0).mean()")
    ),
    Misconception(
        "Q is weighted with valid.",
        ("The chunk is the policy's, and is whole, whatever the data did.", _THE_Q[1]),
        asked("-(valid[:, -1] * {}).mean()"),
    ),
    Misconception(
        "Q is divided by its mean size, as in TD3+BC.",
        ("This method takes Q as it is, and alpha is tuned.", _THE_Q[1]),
        asked("-({0} / stop_gradient(jnp.abs({0}).mean())).mean()"),
    ),
    # the weights
    *(
        Misconception(f"alpha {what}.", _ALPHA, times_alpha(*powers))
        for what, *powers in (
            ("is not used", 0, -1, 0),
            ("weighs the flow's loss instead", 1, -1, 0),
            ("weighs the Q loss instead", 0, -1, 1),
            ("weighs the flow's loss, too", 1, 0, 0),
            ("weighs the Q loss, too", 0, 0, 1),
            ("weighs all three losses", 1, 0, 1),
        )
    ),
    # the flow's loss
    Misconception(
        "valid is not used in the flow's loss.",
        (
            "Steps that do not exist teach the flow nothing.",
            "flow_matching_loss(..., batch.valid, flow_key).",
        ),
        edited_actor({"valid, flow_key)": "jnp.ones_like(valid), flow_key)"}),
    ),
    Misconception(
        "The flow is frozen everywhere: it would never learn.",
        ("Only the distillation's target is stopped.", _TARGET[1]),
        edited_actor({'networks.flow(params["flow"]': 'networks.flow(stop_gradient(params["flow"])'}),
    ),
]

check_actor_loss = Exercise(
    actor_loss,
    _actor_expected,
    _actor_cases,
    _actor_misconceptions,
    parts=("flow", "distill", "q"),
    tree=True,
    insight="Three losses, two networks: the flow learns from the data alone, the policy from both others.",
    compiled=True,
    observe=_loss_gradients,
)


# 3. The loop


def train(losses, optimizer, rate, sample, state, key, steps):
    """`steps` gradient steps in one lax.scan: the state after them, and under "log" each loss, (steps,)."""

    def total(params, target_critic, batch, key):
        terms = losses(params, target_critic, batch, key)
        return sum(terms.values()), terms

    def step(state, key):
        params, target_critic, memory = state["params"], state["target_critic"], state["memory"]
        batch_key, loss_key = jax.random.split(key)
        slope, terms = jax.grad(total, has_aux=True)(params, target_critic, sample(batch_key), loss_key)
        updates, memory = optimizer.update(slope, memory, params)
        move = lambda old, new: (1 - rate) * old + rate * new
        target_critic = jax.tree.map(move, target_critic, params["critic"])
        params = optax.apply_updates(params, updates)
        return {"params": params, "target_critic": target_critic, "memory": memory}, terms

    state, log = jax.lax.scan(step, state, jax.random.split(key, steps))
    return state | {"log": log}


def _kernel(critic):
    return critic["dense"]["kernel"]


def _toy_losses(params, target_critic, batch, key):
    """Of a critic, which is a tree with one leaf (2,), a policy (3,), and a batch (3,); slopes that depend on
    all arguments."""
    noise = jax.random.normal(key)
    critic = jnp.sum((_kernel(params["critic"]) - 0.5 * _kernel(target_critic) - batch[:2]) ** 2)
    return {"critic": critic, "q": jnp.sum((params["policy"] - noise) * batch * params["policy"])}


def _toy_sample(key):
    return jax.random.uniform(key, (3,))


def _toy_update(gradient, memory, params=None):
    """Momentum and a little decay; memory is a tree like params."""
    if params is None:
        raise ValueError("This optimizer needs params as well: optimizer.update(gradient, memory, params).")
    if jax.tree.structure(gradient) != jax.tree.structure(params):
        problem = "optimizer.update got as gradient something else than a gradient in params"
        raise _misused(
            problem,
            "jax.grad(total, has_aux=True)(...) gives a pair: the gradient first, the dictionary second.",
        )
    memory = jax.tree.map(lambda m, g: 0.5 * m + g, memory, gradient)
    return jax.tree.map(lambda m, p: -0.1 * m - 0.01 * p, memory, params), memory


TOY_OPTIMIZER = optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), _toy_update)


def _train_expected(losses, optimizer, rate, sample, state, key, steps):
    arrays = lambda tree: {"critic": np.array(_kernel(tree["critic"])), "policy": np.array(tree["policy"])}
    params, memory = arrays(state["params"]), arrays(state["memory"])
    target, log = np.array(_kernel(state["target_critic"])), []
    for step_key in jax.random.split(key, steps):
        batch_key, loss_key = jax.random.split(step_key)
        noise, batch = (
            float(jax.random.normal(loss_key)),
            np.asarray(jax.random.uniform(batch_key, (3,)), float),
        )
        error = params["critic"] - 0.5 * target - batch[:2]
        log.append((np.sum(error**2), np.sum((params["policy"] - noise) * batch * params["policy"])))
        slopes = {"critic": 2 * error, "policy": batch * (2 * params["policy"] - noise)}
        target = target + rate * (params["critic"] - target)
        for name, slope in slopes.items():
            memory[name] = 0.5 * memory[name] + slope
            params[name] = params[name] - 0.1 * memory[name] - 0.01 * params[name]
    return *params.values(), target, *memory.values(), *np.array(log).T, 1.0


def _train_cases(rng):
    def inputs(rate, steps):
        critic = lambda: {"dense": {"kernel": rng.normal(size=2)}}
        draw = lambda: {"critic": critic(), "policy": rng.normal(size=3)}
        state = {"params": draw(), "target_critic": critic(), "memory": draw()}
        return _toy_losses, TOY_OPTIMIZER, rate, _toy_sample, state, _key(rng), steps

    return [
        Case(
            "one step, rate 0: the target critic stays",
            inputs(0.0, 1),
            (
                "A step gets its own key, splits it in two, and descends the sum of all losses.",
                "slope, terms = jax.grad(total, has_aux=True)(params, target_critic, "
                "sample(batch_key), loss_key), "
                "where total returns sum(terms.values()), terms.",
            ),
        ),
        Case(
            "one step, rate 0.3",
            inputs(0.3, 1),
            (
                "The target critic moves a small way, towards the critic as it was before this step.",
                "jax.tree.map(lambda old, new: (1 - rate) * old + rate * new, target_critic, "
                "params['critic']), "
                "before params are updated.",
            ),
        ),
        Case(
            "five steps, rate 0.3",
            inputs(0.3, 5),
            (
                "The state is the carry of the scan: each step gets what the step before has returned.",
                "state, log = jax.lax.scan(step, state, jax.random.split(key, steps)).",
            ),
        ),
    ]


def _compiled_loop(answer, args):
    """Whether the steps are one compiled loop: 1, or 0 where a Python loop writes out each of them."""
    losses, optimizer, rate, sample, state, key, _ = args
    call = lambda state, key: answer(losses, optimizer, rate, sample, state, key, 6)
    program = str(jax.make_jaxpr(call)(state, key))
    return {
        "number of compiled loops (the results are right)": float("scan[" in program or "while[" in program)
    }


def train_python(losses, optimizer, rate, sample, state, key, steps):
    log = []

    def total(params, *rest):
        terms = losses(params, *rest)
        return sum(terms.values()), terms

    for step_key in jax.random.split(key, steps):
        batch_key, loss_key = jax.random.split(step_key)
        inputs = (state["target_critic"], sample(batch_key), loss_key)
        slope, terms = jax.grad(total, has_aux=True)(state["params"], *inputs)
        updates, memory = optimizer.update(slope, state["memory"], state["params"])
        move = lambda old, new: (1 - rate) * old + rate * new
        target = jax.tree.map(move, state["target_critic"], state["params"]["critic"])
        params = optax.apply_updates(state["params"], updates)
        state = dict(params=params, target_critic=target, memory=memory)
        log.append(terms)
    return state | {"log": {name: jnp.stack([terms[name] for terms in log]) for name in log[0]}}


def scan(step, state, keys):
    """jax.lax.scan; outside of jax.jit a Python loop, which has nothing to compile."""
    if isinstance(keys, jax.core.Tracer):
        return jax.lax.scan(step, state, keys)
    log = []
    for key in keys:
        state, terms = step(state, key)
        log.append(terms)
    return state, jax.tree.map(lambda *rows: jnp.stack(rows), *log)


def edited_train(changes, first=""):
    """`train` edited; `first` is a line that stands before the rest."""
    start = {"    def total": f"    {first}\n\n    def total"} if first else {}
    return edited(train, {"jax.lax.scan": "scan"} | changes | start)


def trained_from(change):
    """Trains from another state; `change(state, optimizer)` gives the parts that differ."""
    right = edited_train({})
    return lambda losses, optimizer, rate, sample, state, *rest: right(
        losses, optimizer, rate, sample, state | change(state, optimizer), *rest
    )


def trained_and(change):
    """The right result with other parts; `change(new, old)` gives those that differ."""
    right = edited_train({})
    return lambda *args: (lambda new: new | change(new, args[4]))(right(*args))


_APPLY = "params = optax.apply_updates(params, updates)"
_RETURNED = 'return {"params": params, "target_critic": target_critic, "memory": memory}, terms'
_LINE = 'target_critic = jax.tree.map(move, target_critic, params["critic"])'
_NEW_TARGET = 'jax.tree.map(lambda old, new: (1 - rate) * old + rate * new, target_critic, params["critic"])'
_MOVE = ("A small way from the old target towards the critic.", "(1 - rate) * old + rate * new.")
_BEFORE = ("The published code moves the target first.", "Update target_critic before params.")
_LOG = (
    "scan stacks what step returns second: return the dictionary of losses there.",
    "return new_state, terms.",
)
_KEYS = (
    "One key a step, and in a step one for the batch and one for the losses.",
    "batch_key, loss_key = jax.random.split(key); jax.random.split(key, steps) goes into the scan.",
)
_CARRY = (
    "All three parts of the state are carried.",
    "return dict(params=..., target_critic=..., memory=...), terms.",
)
_SUM = ("One gradient, of the sum of all losses.", "return sum(terms.values()), terms.")

_train_misconceptions = [
    Misconception(
        "A Python loop: every step is written out, and compiling takes as long as there are steps.",
        ("jax.lax.scan writes the step once.", "jax.lax.scan(step, state, jax.random.split(key, steps))."),
        train_python,
    ),
    Misconception(
        "The target critic follows the critic of after the step.",
        _BEFORE,
        edited_train(
            {
                _LINE: "",
                _APPLY: f"{_APPLY}\n        {_LINE}",
            }
        ),
    ),
    Misconception(
        "The target critic moves before the gradient is taken: the losses see the new one.",
        (
            "The gradient comes first, with the target critic that the step has got.",
            "jax.grad(total, has_aux=True)(params, target_critic, ...), and then the move.",
        ),
        edited_train({"params, target_critic, sample": f"params, {_NEW_TARGET}, sample"}),
    ),
    Misconception(
        "The losses get the online critic in place of the target critic.",
        ("losses takes params, target_critic, batch, key.", "losses(params, target_critic, batch, key)."),
        edited_train({"losses(params, target_critic,": 'losses(params, params["critic"],'}),
    ),
    Misconception(
        "The losses get the online critic in place of the target critic, without a gradient.",
        ("losses takes params, target_critic, batch, key.", "losses(params, target_critic, batch, key)."),
        edited_train({"(params, target_critic, sample": '(params, params["critic"], sample'}),
    ),
    Misconception(
        "All steps see one batch.",
        _KEYS,
        edited_train({"sample(batch_key)": "once"}, "once = sample(key)"),
    ),
    Misconception(
        "The target critic begins as a copy of the critic; the one in state is not used.",
        _CARRY,
        trained_from(lambda state, optimizer: {"target_critic": state["params"]["critic"]}),
    ),
    Misconception(
        "Every step mixes the critic with the first target critic, not with that of the step before.",
        _CARRY,
        edited_train({"(move, target_critic": "(move, initial"}, 'initial = state["target_critic"]'),
    ),
    Misconception(
        "The target critic is a copy of the critic.",
        _MOVE,
        edited_train({"(1 - rate) * old + rate * new": "new"}),
    ),
    Misconception(
        "The target critic never moves.", _MOVE, edited_train({"(1 - rate) * old + rate * new": "old"})
    ),
    Misconception(
        "Old and new are swapped in the target critic: with a small rate this is almost a copy.",
        _MOVE,
        edited_train({"(1 - rate) * old + rate * new": "(1 - rate) * new + rate * old"}),
    ),
    Misconception(
        "Only the first loss is descended.",
        _SUM,
        edited_train({"sum(terms.values()), terms": "next(iter(terms.values())), terms"}),
    ),
    Misconception(
        "The mean of the losses is descended.",
        _SUM,
        edited_train({"sum(terms.values()), terms": "sum(terms.values()) / len(terms), terms"}),
    ),
    Misconception(
        "The losses climb: the sum has the wrong sign.",
        _SUM,
        edited_train({"sum(terms.values()), terms": "-sum(terms.values()), terms"}),
    ),
    Misconception(
        "The gradient is added as it is: every step goes uphill, and the optimizer's updates are not used.",
        ("The optimizer turns the gradient into updates.", "optax.apply_updates(params, updates)."),
        edited_train({"(params, updates)": "(params, slope)"}),
    ),
    Misconception(
        "The parameters move by rate times the gradient; the optimizer's updates are not used, "
        "and rate is for the target critic.",
        ("The optimizer turns the gradient into updates.", "optax.apply_updates(params, updates)."),
        edited_train(
            {"optax.apply_updates(params, updates)": "jax.tree.map(lambda p, g: p - rate * g, params, slope)"}
        ),
    ),
    Misconception(
        "The updates are multiplied by rate, which is for the target critic only.",
        ("The optimizer has its own learning rate.", "optax.apply_updates(params, updates)."),
        edited_train({"(params, updates)": "(params, jax.tree.map(lambda u: rate * u, updates))"}),
    ),
    Misconception(
        "The updates are subtracted: every step goes uphill.",
        ("Updates have their minus sign already.", "optax.apply_updates(params, updates)."),
        edited_train({"(params, updates)": "(params, jax.tree.map(jnp.negative, updates))"}),
    ),
    Misconception(
        "The optimizer's memory is not carried on.",
        _CARRY,
        edited_train({"updates, memory =": "updates, _ ="}),
    ),
    Misconception(
        "The optimizer's memory begins anew in each step.",
        _CARRY,
        edited_train({"slope, memory, params)": "slope, optimizer.init(params), params)"}),
    ),
    Misconception(
        "The optimizer's memory begins anew; the one in state is not used.",
        _CARRY,
        trained_from(lambda state, optimizer: {"memory": optimizer.init(state["params"])}),
    ),
    Misconception(
        "Every step gets the optimizer's first memory, not that of the step before.",
        _CARRY,
        edited_train({"slope, memory, params": "slope, initial, params"}, 'initial = state["memory"]'),
    ),
    Misconception(
        "The parameters are not carried on.",
        _CARRY,
        edited_train({_APPLY: "optax.apply_updates(params, updates)"}),
    ),
    Misconception(
        "The state is not carried: every step starts from the first.",
        _CARRY,
        edited_train({_RETURNED: "return state, terms"}),
    ),
    Misconception(
        "The state that is returned is the one from before the training.",
        ("scan returns two things: the last state, and the log.", "state, log = jax.lax.scan(...)."),
        trained_and(lambda new, old: old),
    ),
    Misconception(
        "The log holds the last step only.",
        _LOG,
        trained_and(lambda new, old: {"log": {k: v[-1] for k, v in new["log"].items()}}),
    ),
    Misconception(
        "The losses in the log are those of the new parameters.",
        ("jax.grad gives them along with the gradient, as its second result.", _LOG[1]),
        edited_train(
            {"}, terms": '}, losses(params, state["target_critic"], sample(batch_key), loss_key)'},
        ),
    ),
    Misconception(
        "All steps use one key: the same batch and the same noise again and again.",
        _KEYS,
        edited_train({"state, jax.random.split(key, steps)": "state, jnp.broadcast_to(key, (steps,))"}),
    ),
    Misconception(
        "The losses get the key that was split.",
        _KEYS,
        edited_train({"jax.random.split(key)": "jax.random.split(key)[0], key"}),
    ),
    Misconception(
        "Batch and losses share a key: their random numbers are related.",
        _KEYS,
        edited_train({"jax.random.split(key)": "key, key"}),
    ),
    Misconception(
        "The two keys of a step are swapped.",
        _KEYS,
        edited_train({"batch_key, loss_key =": "loss_key, batch_key ="}),
    ),
    Misconception(
        "One batch, drawn before the loop, serves all steps.",
        ("Draw a batch inside step.", "sample(batch_key)."),
        edited_train(
            {"sample(batch_key)": "batch", "jax.random.split(key)": "None, key"},
            "batch_key, key = jax.random.split(key)\n    batch = sample(batch_key)",
        ),
    ),
    Misconception(
        "The keys of the steps are not those of jax.random.split(key, steps).",
        _KEYS,
        edited_train({"state, jax.random.split(key, steps)": "state, jax.random.split(key, steps + 1)[1:]"}),
    ),
]

check_train = Exercise(
    train,
    _train_expected,
    _train_cases,
    _train_misconceptions,
    parts=(
        *("params.critic.dense.kernel", "params.policy", "target_critic.dense.kernel"),
        *("memory.critic.dense.kernel", "memory.policy", "log.critic", "log.q"),
    ),
    tree=True,
    insight="With rate 0.005 the target follows the critic with a delay of about 200 steps.",
    compiled=True,
    observe=_compiled_loop,
)


# 4. The bug hunt


def advantage_actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
    """The lesson's patient: its Q loss reports how much better the policy's chunk is than the flow's."""
    observation = batch.observation
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    imitation = flow_matching_loss(field, observation, batch.actions, batch.valid, flow_key)

    noise = jax.random.normal(noise_key, batch.actions.shape)
    behavior = jnp.clip(euler(field, observation, noise, steps), -1, 1)
    proposal = networks.policy(params["policy"], observation, noise)
    distance = jnp.mean((proposal - stop_gradient(behavior)) ** 2)

    frozen = stop_gradient(params["critic"])
    q = networks.critic(frozen, observation, jnp.clip(proposal, -1, 1))
    baseline = networks.critic(frozen, observation, behavior)
    return {"flow": imitation, "distill": alpha * distance, "q": -jnp.mean(q - baseline)}


def edited_patient(changes):
    return edited(advantage_actor_loss, changes)


_MENDED = {"observation, behavior)": "observation, stop_gradient(behavior))"}


_mended = edited_patient(_MENDED)


def mended_actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
    """The patient, mended: a baseline is a number to compare with, and nothing moves it."""
    return _mended(networks, params, batch, alpha, steps, flow_key, noise_key)


def _mended_expected(networks, params, batch, alpha, steps, flow_key, noise_key):
    flow, distill, q, *slopes = _actor_expected(networks, params, batch, alpha, steps, flow_key, noise_key)
    noise = _normal(noise_key, batch.actions.shape)
    behavior = np.clip(_behavior_numpy(params["flow"], batch.observation, noise, steps), -1, 1)
    baseline, _, _ = _critic_numpy(params["critic"], batch.observation, behavior)
    return flow, distill, q + baseline.mean(), *slopes


_THE_CAUSE = (
    "Ask of each loss which networks it can move. One of them moves a network that it should not.",
    "Go through the lines of the Q loss: which values in them depend on the parameters of the flow?",
)
_VALUES = (
    "The values of the losses were right, only their gradients were not: leave the values as they were.",
    "q is baseline.mean() - (the mean of Q of the proposal).",
)
_KEPT = (
    "The values of the losses stay, only the gradients change: keep the baseline, and stop it.",
    "networks.critic(frozen, observation, stop_gradient(behavior)).",
)


def _mended_cases(rng):
    return [case._replace(hint=_VALUES) for case in _actor_cases(rng)]


def _not_it(why: str) -> str:
    return f"This was not the cause: {why}"


_mended_misconceptions = [
    Misconception(
        _not_it("all gradients are still those of the patient, as if nothing had been changed."),
        _THE_CAUSE,
        advantage_actor_loss,
    ),
    Misconception(
        _not_it("the distillation's target was stopped already. Now it leaks into the flow as well."),
        _THE_CAUSE,
        edited_patient({"stop_gradient(behavior)": "behavior"}),
    ),
    Misconception(
        _not_it("the critic's parameters were stopped already. Now the Q loss moves the critic as well."),
        _THE_CAUSE,
        edited_patient({'stop_gradient(params["critic"])': 'params["critic"]'}),
    ),
    Misconception(
        "The cause is mended; but now the Q loss moves the critic.",
        ("The critic's parameters were stopped already, and have to be.", 'stop_gradient(params["critic"]).'),
        edited_patient(
            {
                'stop_gradient(params["critic"])': 'params["critic"]',
                **_MENDED,
            }
        ),
    ),
    Misconception(
        "The cause is mended; but now the critic is stopped in the baseline only, and q moves it.",
        ("The critic's parameters were stopped already, and have to be.", 'stop_gradient(params["critic"]).'),
        edited_patient({"(frozen, observation, jnp": '(params["critic"], observation, jnp'} | _MENDED),
    ),
    Misconception(
        "The cause is mended; but now the critic is stopped in q only, and the baseline moves it.",
        ("The critic's parameters were stopped already, and have to be.", 'stop_gradient(params["critic"]).'),
        edited_patient(
            {"(frozen, observation, behavior)": '(params["critic"], observation, stop_gradient(behavior))'}
        ),
    ),
    Misconception(
        "The cause is mended; but now the proposal is clipped in the distillation.",
        _FREE,
        edited_patient({"(proposal - stop": "(jnp.clip(proposal, -1, 1) - stop"} | _MENDED),
    ),
    Misconception(
        "The gradients are right now; but the baseline is gone, and q no longer says how much better the "
        "policy's chunk is.",
        _KEPT,
        edited_patient({"q - baseline": "q"}),
    ),
    Misconception(
        "The gradients are right now; but q says how much better the policy's chunk is than the data's, not "
        "than the flow's.",
        _KEPT,
        edited_patient({"observation, behavior)": "observation, batch.actions)"}),
    ),
    Misconception(
        "The cause is mended; but now the distillation moves the flow.",
        ("The distillation's target was stopped already, and has to be.", "stop_gradient(behavior)."),
        edited_patient({"stop_gradient(behavior)": "behavior", **_MENDED}),
    ),
    Misconception(
        "The wrong gradient is gone, and the right one is, too: the flow is frozen in its own loss "
        "and never learns.",
        (
            "Only the baseline must not move the flow.",
            "networks.critic(frozen, observation, stop_gradient(behavior)).",
        ),
        edited_patient({'networks.flow(params["flow"]': 'networks.flow(stop_gradient(params["flow"])'}),
    ),
    Misconception(
        "The wrong gradient is gone, and the right one is, too: nothing pulls the policy up the slope of Q.",
        ("Stop the baseline, not the whole difference.", "q - jax.lax.stop_gradient(baseline)."),
        edited_patient({"jnp.mean(q - baseline)": "jnp.mean(stop_gradient(q - baseline))"}),
    ),
    Misconception(
        _not_it(
            "now the policy's chunk is stopped, so the policy is never improved. The flow is pushed "
            "as before."
        ),
        _THE_CAUSE,
        edited_patient({"jnp.clip(proposal, -1, 1)": "stop_gradient(jnp.clip(proposal, -1, 1))"}),
    ),
    Misconception(
        _not_it(
            "with this sign the flow is pulled up the slope of Q. It still learns from something "
            "else than data."
        ),
        _THE_CAUSE,
        edited_patient({"q - baseline": "q + baseline"}),
    ),
    Misconception(
        _not_it(
            "the clip of the flow's chunk was right. Without it the policy learns what nobody can execute."
        ),
        _THE_CAUSE,
        edited_patient({"jnp.clip(euler": "(euler", "steps), -1, 1)": "steps))"}),
    ),
    Misconception(
        _not_it(
            "a stronger distillation holds the policy at the flow. The flow itself is still pushed away."
        ),
        _THE_CAUSE,
        edited_patient({"alpha * distance": "10 * alpha * distance"}),
    ),
    Misconception(
        _not_it(
            "another noise for the baseline gives other chunks of the same flow, and they are pushed "
            "as before."
        ),
        _THE_CAUSE,
        edited_patient(
            {
                "baseline = ": "other = jax.random.normal(jax.random.split(noise_key)[1], noise.shape)\n"
                "    baseline = ",
                "observation, behavior)": "observation, euler(field, observation, other, steps).clip(-1, 1))",
            }
        ),
    ),
    Misconception(
        _not_it("the policy's chunk has to be clipped for the critic. The flow is pushed as before."),
        _THE_CAUSE,
        edited_patient({"jnp.clip(proposal, -1, 1)": "proposal"}),
    ),
    Misconception(
        _not_it("a clipped proposal cannot come back from outside. The flow is pushed as before."),
        _THE_CAUSE,
        edited_patient({"(proposal - stop": "(jnp.clip(proposal, -1, 1) - stop"}),
    ),
]

check_mended_actor_loss = Exercise(
    mended_actor_loss,
    _mended_expected,
    _mended_cases,
    _mended_misconceptions,
    parts=("flow", "distill", "q"),
    tree=True,
    insight="That was it: the baseline was no constant. Its gradient pushed the flow down the slope of Q.",
    compiled=True,
    observe=_loss_gradients,
    observed=_THE_CAUSE,
)


# 5. Best of N


def best_of_n(networks, params, target_critic, observation, chunk, count, steps, key):
    """The best of `count` chunks (B, H, A) of the flow by the online critics; the target critics' value."""
    size = len(observation)
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    repeated = jnp.repeat(observation, count, axis=0)
    noise = jax.random.normal(key, (size * count, *chunk))
    candidates = jnp.clip(euler(field, repeated, noise, steps), -1, 1)
    q = networks.critic(params["critic"], repeated, candidates)
    best = q.mean(axis=0).reshape(size, count).argmax(axis=1)
    chosen = candidates.reshape(size, count, *chunk)[jnp.arange(size), best]
    return chosen, networks.critic(target_critic, observation, chosen).mean(axis=0)


def _best_expected(networks, params, target_critic, observation, chunk, count, steps, key):
    noise = _normal(key, (len(observation) * count, *chunk)).reshape(-1, count, *chunk)
    chosen, values = [], []
    for seen, starts in zip(observation, noise, strict=True):
        options = np.clip(_behavior_numpy(params["flow"], np.tile(seen, (count, 1)), starts, steps), -1, 1)
        q = [_critic_numpy(params["critic"], seen[None], option[None])[0].mean() for option in options]
        chosen.append(options[int(np.argmax(q))])
        values.append(_critic_numpy(target_critic, seen[None], chosen[-1][None])[0].mean())
    return np.array(chosen), np.array(values)


def _best_cases(rng):
    def inputs(count, members, same=False):
        params = _params(rng, members)
        target = params["critic"].copy() if same else 0.7 * rng.normal(size=(members, 8))
        return TOY, params, target, 2 * rng.normal(size=(6, 2)), (3, 2), count, 3, _key(rng)

    return [
        Case(
            "one critic, which is its own target; 6 observations, 8 candidates each",
            inputs(8, 1, same=True),
            {
                "chosen": (
                    "Each observation gets its own N candidates: repeat its row N times, undo that by a "
                    "reshape, and take the one whose mean Q is largest.",
                    "repeated = jnp.repeat(observation, count, axis=0); q.mean(axis=0).reshape(B, "
                    "count).argmax(axis=1).",
                ),
                "value": (
                    "The target critics' mean for the chunk that was chosen, at its own observation.",
                    "networks.critic(target_critic, observation, chosen).mean(axis=0).",
                ),
            },
        ),
        Case(
            "three critics, which are their own targets",
            inputs(8, 3, same=True),
            ("The mean over the ensemble, then the argmax over the candidates.", "q.mean(axis=0)."),
        ),
        Case(
            "three critics, and three other target critics",
            inputs(8, 3),
            (
                "The online critic chooses, the target critic values what was chosen.",
                "networks.critic(target_critic, observation, chosen).mean(axis=0).",
            ),
        ),
        Case(
            "two critics, 5 candidates", inputs(5, 2), "Is the number of candidates a fixed number somewhere?"
        ),
    ]


def edited_best(changes):
    return edited(best_of_n, changes)


def _with_online(choose):
    """`best_of_n` with other critics: choose(online, target) gives the one that chooses, and the valuer."""

    def wrong(networks, params, target_critic, *rest):
        chooser, valuer = choose(params["critic"], target_critic)
        return best_of_n(networks, params | {"critic": chooser}, valuer, *rest)

    return wrong


_PARTS = (
    "The online critic chooses, the target critic values what was chosen.",
    'networks.critic(params["critic"], ...) before the argmax, networks.critic(target_critic, ...) after it.',
)
_ENSEMBLE = ("This method takes the mean over the ensemble.", ".mean(axis=0).")
_CANDIDATES = (
    "They come as they would be executed.",
    "jnp.clip(euler(field, repeated, noise, steps), -1, 1).",
)
_ROWS = (
    "repeat gives each row N times, and the reshape to (B, N) fits that.",
    "jnp.repeat(observation, count, axis=0).",
)
_TILED = {"jnp.repeat(observation, count, axis=0)": "jnp.tile(observation, (count, 1))"}
_BY_CANDIDATE = {
    "reshape(size, count).argmax(axis=1)": "reshape(count, size).argmax(axis=0)",
    "(size, count, *chunk)[jnp.arange(size), best]": "(count, size, *chunk)[best, jnp.arange(size)]",
}
_ARGMAX = (
    "One argmax for each observation, over its candidates.",
    "q.mean(axis=0).reshape(B, count).argmax(axis=1).",
)

_best_misconceptions = [
    Misconception(
        "Random numbers are drawn from another key.",
        ("Use key as it is.", "jax.random.normal(key, (B * count, *chunk))."),
        edited_best({"normal(key": "normal(jax.random.split(key)[0]"}),
    ),
    Misconception(
        "The target critic chooses.", _PARTS, _with_online(lambda online, target: (target, target))
    ),
    Misconception(
        "The online critic values its own choice: in training such a value is too high on average.",
        _PARTS,
        _with_online(lambda online, target: (online, online)),
    ),
    Misconception(
        "The two critics have swapped their parts.",
        _PARTS,
        _with_online(lambda online, target: (target, online)),
    ),
    Misconception(
        "The value is the target critic's own maximum, not its value of the chosen one.",
        _PARTS,
        lambda *args: (
            best_of_n(*args)[0],
            _with_online(lambda online, target: (target, target))(*args)[1],
        ),
    ),
    Misconception(
        "The value is the target critic's mean over all candidates.",
        ("Only the chosen one counts.", "networks.critic(target_critic, observation, chosen).mean(axis=0)."),
        edited_best({"observation, chosen)": "repeated, candidates).reshape(-1, size, count).mean(axis=2)"}),
    ),
    Misconception(
        "The candidates are not clipped.",
        _CANDIDATES,
        edited_best({"jnp.clip(euler": "(euler", "steps), -1, 1)": "steps))"}),
    ),
    Misconception(
        "The candidates come from the policy, not from the flow.",
        ("There is no policy network here: the flow makes the candidates.", _CANDIDATES[1]),
        edited_best(
            {"euler(field, repeated, noise, steps)": 'networks.policy(params["policy"], repeated, noise)'}
        ),
    ),
    Misconception(
        "The critic chooses among chunks that are not clipped; only the chosen one is.",
        _CANDIDATES,
        edited_best(
            {
                "jnp.clip(euler": "(euler",
                "steps), -1, 1)": "steps))",
                "[jnp.arange(size), best]": "[jnp.arange(size), best].clip(-1, 1)",
            }
        ),
    ),
    Misconception(
        "The noise is clipped, not the candidates.",
        _CANDIDATES,
        edited_best({"jnp.clip(euler": "(euler", "noise, steps), -1, 1)": "noise.clip(-1, 1), steps))"}),
    ),
    Misconception("It takes the worst candidate.", _ARGMAX, edited_best({"argmax": "argmin"})),
    Misconception(
        "It takes the first candidate.", _ARGMAX, edited_best({"[jnp.arange(size), best]": "[:, 0]"})
    ),
    Misconception(
        "The running maximum begins at 0: where all Q are negative, nothing is chosen.",
        ("Begin at the first candidate, or take an argmax.", _ARGMAX[1]),
        edited_best(
            {
                "[jnp.arange(size), best]": "[jnp.arange(size), best]\n"
                "    found = q.mean(axis=0).reshape(size, count).max(axis=1) > 0\n"
                "    chosen = jnp.where(found[:, None, None], chosen, 0)"
            }
        ),
    ),
    Misconception("The smallest Q of the ensemble chooses.", _ENSEMBLE, edited_best({"q.mean": "q.min"})),
    Misconception("The first critic alone chooses.", _ENSEMBLE, edited_best({"q.mean(axis=0)": "q[0]"})),
    Misconception(
        "One argmax for all: every observation takes the candidate that is best on average.",
        _ARGMAX,
        edited_best({"argmax(axis=1)": "mean(axis=0).argmax()"}),
    ),
    Misconception(
        "The candidates meet the wrong observations: tile repeats the whole batch, repeat each row.",
        _ROWS,
        edited_best(_TILED),
    ),
    Misconception(
        "The rows are mixed up: repeat, but a reshape to (N, B).",
        _ROWS,
        edited_best(_BY_CANDIDATE),
    ),
    Misconception(
        "The candidates come in another order, and start from each other's noise.",
        ("All candidates of the first observation come first, then those of the second.", _ROWS[1]),
        edited_best(_BY_CANDIDATE | _TILED),
    ),
    Misconception(
        "The place within an observation's candidates is used as a place among all rows.",
        (
            "Undo the repeat before you index, for the candidates as well.",
            "candidates.reshape(B, count, H, A).",
        ),
        edited_best({".reshape(size, count, *chunk)[jnp.arange(size), best]": "[best]"}),
    ),
    Misconception(
        "The candidates start from no noise: they are all the same.",
        ("Draw a noise for each candidate.", "jax.random.normal(key, (B * count, *chunk))."),
        edited_best({"jax.random.normal(key, (size * count, *chunk))": "jnp.zeros((size * count, *chunk))"}),
    ),
    Misconception(
        "All observations share their noise.",
        (
            "Draw a noise for each candidate of each observation.",
            "jax.random.normal(key, (B * count, *chunk)).",
        ),
        edited_best(
            {
                "noise = jax": "shared = jax",
                "(size * count, *chunk))": "(count, *chunk))\n    noise = jnp.tile(shared, (size, 1, 1))",
            }
        ),
    ),
    Misconception(
        "All candidates of an observation share their noise: they are one and the same.",
        ("Draw a noise for each candidate.", "jax.random.normal(key, (B * count, *chunk))."),
        edited_best(
            {
                "noise = jax": "shared = jax",
                "(size * count, *chunk))": "(size, *chunk))\n    noise = jnp.repeat(shared, count, axis=0)",
            }
        ),
    ),
    Misconception(
        "The noise is uniform.",
        ("The flow starts from Gaussian noise.", "jax.random.normal(key, (B * count, *chunk))."),
        edited_best({"random.normal": "random.uniform"}),
    ),
    Misconception(
        "The value is the smallest of the ensemble.", _ENSEMBLE, edited_best({"chosen).mean": "chosen).min"})
    ),
    Misconception(
        "The value is the sum over the ensemble.", _ENSEMBLE, edited_best({"chosen).mean": "chosen).sum"})
    ),
    Misconception(
        "The value is that of the first critic.",
        _ENSEMBLE,
        edited_best({"chosen).mean(axis=0)": "chosen)[0]"}),
    ),
]

check_best_of_n = Exercise(
    best_of_n,
    _best_expected,
    _best_cases,
    _best_misconceptions,
    parts=("chosen", "value"),
    insight="No policy network: the flow proposes, the critic chooses.",
    compiled=True,
)
