"""What the learners share: the state, a gradient step on a sum of named losses,
and how a policy acts in episodes.

Shapes: B batch, S observation size, H length of the policy's chunk (1 for the one-step and n-step methods),
A action size, W environments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qlac_lite.agents.networks import Params
from qlac_lite.data.dataset import Batch

Losses = dict[str, jax.Array]  # name -> scalar, weights included; the learner minimises their sum
EVALUATION, TRAINING = 1, 2  # streams of episode seeds


class Metrics(NamedTuple):
    """Scalars for the log by name, in the way in which several updates are summed up."""

    mean: dict[str, jax.Array] = {}
    max: dict[str, jax.Array] = {}
    min: dict[str, jax.Array] = {}

    def also(self, **means: jax.Array) -> "Metrics":
        """These metrics and further means."""
        return self._replace(mean=self.mean | means)


class State(NamedTuple):
    """All that is trained, a plain pytree."""

    params: dict[str, Params]  # by network
    target_critic: Params  # moving average of params["critic"]; empty for behavior cloning
    optimizer: Any


class Learner(NamedTuple):
    """A method as pure functions."""

    init: Callable[[jax.Array], State]  # key -> state
    update: Callable[..., tuple[State, Metrics]]  # one gradient step, see `gradient_step`
    # params, (B, S), key -> actions to execute, in [-1, 1]: (B, H, A), or their first `config.execute`
    act: Callable[[dict[str, Params], jax.Array, jax.Array], jax.Array]
    losses: Callable[[dict[str, Params], Params, Batch, jax.Array], tuple[Losses, Metrics]]
    moves: dict[str, str]  # loss -> the one network that it moves
    acts_with: tuple[str, ...]  # the networks that `act` reads
    # params, (B, S), (B, H, A) -> the critics' mean value of whole chunks (B,), see `critics.mean_value`
    value: Callable | None = None


def gradient_step(losses: Callable, optimizer: optax.GradientTransformation, target_rate: float) -> Callable:
    """`update(state, batch, key, reduce)`: Adam on the sum of the losses, and the target's moving average.

    The average takes the critic as it was before the step, as the published code does.
    `reduce` is applied to the gradient first; where a batch is split over devices, it takes their mean.

    One optimizer serves all networks: Adam treats every parameter by itself, and each loss reaches only the
    network it is meant for, because `losses` stops the other gradients.
    """

    def total(params, target_critic, batch, key):
        terms, metrics = losses(params, target_critic, batch, key)
        return sum(terms.values()), metrics.also(**{f"{name}_loss": value for name, value in terms.items()})

    def update(
        state: State, batch: Batch, key: jax.Array, reduce: Callable = lambda gradient: gradient
    ) -> tuple[State, Metrics]:
        gradient, metrics = jax.grad(total, has_aux=True)(state.params, state.target_critic, batch, key)
        steps, opt_state = optimizer.update(reduce(gradient), state.optimizer, state.params)
        params = optax.apply_updates(state.params, steps)
        target_critic = optax.incremental_update(
            state.params.get("critic", {}), state.target_critic, target_rate
        )
        return State(params, target_critic, opt_state), metrics

    return update


def initial_state(
    networks: dict[str, Callable], optimizer: optax.GradientTransformation, key: jax.Array
) -> State:
    """Parameters of each network from its own key; the target critic starts as a copy of the critic."""
    keys = jax.random.split(key, len(networks))
    params = {name: init(k) for (name, init), k in zip(networks.items(), keys, strict=True)}
    target_critic = jax.tree.map(jnp.copy, params.get("critic", {}))
    return State(params, target_critic, optimizer.init(params))


def episode_seed(seed: int, stream: int, episode: int) -> int:
    """The environment seed of an episode of a training seed."""
    return int(np.random.SeedSequence([seed, stream, episode]).generate_state(1)[0])


def acting(learner: Learner) -> Callable[..., jax.Array]:
    """One seed's policy in W environments.

    Call: params, observations (W, S), seed, stream, episodes (W,), decisions (W,) -> chunks (W, H, A). The
    noise of a decision follows from seed, stream, episode and decision alone.
    """

    def one(params, observation, seed, stream, episode, decision):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stream), episode)
        return learner.act(params, observation[None], jax.random.fold_in(key, decision))[0]

    return jax.vmap(one, in_axes=(None, 0, None, None, 0, 0))


# Axes over the seeds of the arguments of `acting`; the stream is the same for all.
ACTING_AXES = (0, 0, 0, None, 0, 0)


def acting_over_seeds(learner: Learner) -> Callable[..., jax.Array]:
    """`acting`, compiled, with a leading axis over seeds on every argument but the stream."""
    return jax.jit(jax.vmap(acting(learner), in_axes=ACTING_AXES))
