"""Checks of lesson 03, flow matching.

Shapes: B batch, D size of a point, S observation, H chunk, A action size.

Random numbers come from the case's own key, drawn as the docstrings prescribe. So right answers are equal.
"""

import copy

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import flow
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception, edited
from qlac_lite.lessons.checks.exercise import last_case as last_case


class Field:
    """A vector field to try an answer on: v = velocity + pull x + tanh(everything mixed), each row by itself.

    Called as field(x, time), or with an observation first. It refuses inputs of the wrong shape, as a network
    would.
    """

    def __init__(self, rng, about, velocity=0.0, pull=0.0, mixed=True, observation=0, chunk=()):
        self.about, self.velocity, self.pull, self.mixed = about, velocity, pull, mixed
        self.observation, self.chunk = observation, chunk  # sizes; 0 and () where any will do
        self.weights = rng.normal(size=(64, 64)).astype(np.float32)
        self.scale = 1.0  # a parameter; `slope` takes the gradient in it

    def __repr__(self) -> str:
        return self.about

    def __call__(self, *inputs):
        names = ("observation", "x", "time") if self.observation else ("x", "time")
        if len(inputs) != len(names):
            raise TypeError(f"the field is called field({', '.join(names)}), and got {len(inputs)} arguments")
        traced = any(isinstance(value, jax.core.Tracer) for value in inputs)
        xp = jnp if traced else np  # NumPy is faster
        *seen, x, time = (xp.asarray(value, np.float32) for value in inputs)
        rows = x.shape[:1]
        if time.shape != rows or not rows:
            raise ValueError(f"the field takes one time a row, shape (B,) = {rows}, and got {time.shape}")
        if self.chunk and x.shape[1:] != self.chunk:
            wanted = ", ".join(map(str, self.chunk))
            raise ValueError(f"the field takes x of the shape (B, {wanted}), and got {x.shape}")
        if seen and seen[0].shape != (*rows, self.observation):
            wanted = (*rows, self.observation)
            raise ValueError(f"the field takes observations of the shape {wanted}, and got {seen[0].shape}")
        out = self.velocity + self.pull * x
        if self.mixed:
            inputs = xp.concatenate([x.reshape(len(x), -1), time[:, None], *seen], axis=1)
            mix = xp.sum(inputs[:, :, None] * self.weights[: inputs.shape[1], : x[0].size], axis=1)
            wave = xp.sin(5 * time.reshape(-1, *[1] * (x.ndim - 1)))
            out = out + 2 * xp.tanh(mix / 2).reshape(x.shape) + x * wave
        return jnp.asarray(out) * self.scale


def _scaled(field, scale):
    field = copy.copy(field)
    field.scale = scale
    return field


def slope(answer, args):
    """Observes the derivative of a loss in its field's one parameter, which a training step would move."""
    field, *rest = args
    gradient = jax.grad(lambda scale: answer(_scaled(field, scale), *rest))(1.0)
    return {"gradient in the field's parameter": gradient}


def _with_slope(loss):
    """A loss in NumPy and its derivative: it is a quadratic in the scale, so two points give it exactly."""

    def expected(field, *rest):
        low, high = (loss(_scaled(field, scale), *rest) for scale in (0.0, 2.0))
        return loss(field, *rest), (high - low) / 2

    return expected


def _normal(rng, *shape):
    return (rng.normal(size=shape) * 1.5).astype(np.float32)


def _key(rng):
    return jax.random.key(int(rng.integers(2**31)))


# 1. The path


def interpolate(noise: jax.Array, data: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The points (B, D) at times (B,) of the straight paths from noise (B, D) to data (B, D),
    and their velocities.
    """
    t = time[:, None]
    x = (1 - t) * noise + t * data
    return x, data - noise


def _interpolate_cases(rng):
    def inputs(size, *time):
        return _normal(rng, len(time), size), _normal(rng, len(time), size), np.array(time, np.float32)

    return [
        Case(
            "four points of the plane, all at t = 0.25",
            inputs(2, 0.25, 0.25, 0.25, 0.25),
            "x = (1 - t) * noise + t * data: at t = 0.25 a quarter of the way is done. "
            "time[:, None] is a column, which multiplies rows; the velocity is data - noise.",
        ),
        Case(
            "three points of the plane, at t = 0, 0.5 and 1",
            inputs(2, 0, 0.5, 1),
            "Each ROW has its own time: time[:, None]. "
            "At t = 0 x is the noise, at t = 1 the data; the velocity is data - noise all along.",
        ),
        Case(
            "three points in space, each at its own time",
            inputs(3, *rng.uniform(0.1, 0.9, size=3)),
            "Each ROW has its own time: time[:, None], of shape (B, 1).",
        ),
    ]


def _interpolate_by_loop(noise, data, time):
    rows = [(n + float(t) * (d - n), d - n) for n, d, t in zip(noise, data, time, strict=True)]
    return tuple(map(np.array, zip(*rows, strict=True)))


_interpolate_misconceptions = [
    Misconception(
        "t and 1 - t are swapped: the path starts at the data.",
        "At t = 0 there is noise, at t = 1 data: (1 - t) * noise + t * data.",
        edited(interpolate, {"(1 - t) * noise + t * data": "t * noise + (1 - t) * data"}),
    ),
    Misconception(
        "The velocity has the wrong sign: it points from the data to the noise.",
        "data - noise.",
        edited(interpolate, {"data - noise": "noise - data"}),
    ),
    Misconception(
        "The whole path runs backwards, from the data to the noise.",
        "In this course t = 0 is noise and t = 1 is data.",
        lambda noise, data, time: interpolate(data, noise, time),
    ),
    Misconception(
        "The velocity is the way already gone, x - noise.",
        "The velocity does not depend on t: data - noise.",
        edited(interpolate, {"data - noise": "x - noise"}),
    ),
    Misconception(
        "The velocity is the way still to go, data - x.",
        "The velocity does not depend on t: data - noise.",
        edited(interpolate, {"data - noise": "data - x"}),
    ),
    Misconception(
        "The velocity is the data: the field would learn where to end, not how to move.",
        "data - noise.",
        edited(interpolate, {"data - noise": "data"}),
    ),
    Misconception(
        "The noise does not fade: noise + t * data.",
        "The noise has the weight 1 - t.",
        edited(interpolate, {"(1 - t) * noise": "noise"}),
    ),
    Misconception(
        "The data are there from the start: (1 - t) * noise + data.",
        "The data have the weight t.",
        edited(interpolate, {"t * data": "data"}),
    ),
    Misconception(
        "The weights are those of a diffusion: their squares add up to 1.",
        "The path is a straight line: weights 1 - t and t.",
        edited(interpolate, {"(1 - t)": "jnp.sqrt(1 - t**2)"}),
    ),
    Misconception(
        "The weights are the roots of 1 - t and t.",
        "The path is a straight line: weights 1 - t and t.",
        edited(interpolate, {"(1 - t)": "jnp.sqrt(1 - t)", "t * data": "jnp.sqrt(t) * data"}),
    ),
    Misconception(
        "All rows have the time of the first.",
        "Each row has its own time: time[:, None].",
        edited(interpolate, {"time[:, None]": "time[0]"}),
    ),
    Misconception(
        "All rows have the mean time.",
        "Each row has its own time: time[:, None].",
        edited(interpolate, {"time[:, None]": "time.mean()"}),
    ),
]

check_interpolate = Exercise(
    interpolate,
    _interpolate_by_loop,
    _interpolate_cases,
    _interpolate_misconceptions,
    parts=("x", "velocity"),
    insight="A straight line at constant speed: the easiest path there is to walk.",
    compiled=True,
)


# 2. The loss, and 4. with an observation


def flow_matching_loss(field, data: jax.Array, key: jax.Array) -> jax.Array:
    """Mean squared error of field(x (B, D), time (B,)) at random points of random paths to the data (B, D);
    a scalar.
    """
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, data.shape)
    time = jax.random.uniform(time_key, data.shape[:1])
    x, velocity = interpolate(noise, data, time)
    error = field(x, time) - velocity
    return jnp.mean(error**2)


def _loss_cases(rng):
    zero = Field(rng, "zero everywhere", mixed=False)
    place = Field(rng, "v = 1 - x", velocity=1.0, pull=-1.0, mixed=False)
    return [
        Case(
            "a field that is 0 everywhere, four points of the plane",
            (zero, _normal(rng, 4, 2), _key(rng)),
            "Where the field is 0, the loss is the mean of velocity**2 over all B * D entries. "
            "noise_key, time_key = jax.random.split(key), in this order.",
        ),
        Case(
            "a field v = 1 - x, five points in space",
            (place, _normal(rng, 5, 3), _key(rng)),
            "Ask the field at x, the point of the path at the row's own time, and compare with the velocity.",
        ),
        Case(
            "a field of place and time, six points of the plane",
            (Field(rng, "some function of x and time"), _normal(rng, 6, 2), _key(rng)),
            "field(x, time): the time that made x, shape (B,).",
        ),
    ]


def _squared_errors(field, seen, data, key):
    """Row by row; `seen` holds the observations, if there are any."""
    noise_key, time_key = jax.random.split(key)
    noise = np.asarray(jax.random.normal(noise_key, data.shape))
    time = np.asarray(jax.random.uniform(time_key, (len(data),)))
    errors = []
    for i, velocity in enumerate(data - noise):
        inputs = *seen, noise + time[i] * velocity, time
        errors.append(np.asarray(field(*(value[i : i + 1] for value in inputs)))[0] - velocity)
    return np.square(errors)


def _loss_by_loop(field, data, key):
    return np.mean(_squared_errors(field, [], data, key))


THE_VELOCITY = "The field predicts the velocity, data - noise."

LOSS_MISTAKES = [  # name, remedy, edit of the library's loss, which is over chunks
    (
        "t and 1 - t are swapped on the path.",
        "At t = 0 there is noise, at t = 1 data.",
        {"actions, time)": "actions, 1 - time)"},
    ),
    (
        "The velocity has the wrong sign.",
        "The target is data - noise, as interpolate gives it.",
        {"- velocity": "+ velocity"},
    ),
    ("The target is the data, not the velocity.", THE_VELOCITY, {"- velocity": "- actions"}),
    ("The target is the noise, as in a diffusion model.", THE_VELOCITY, {"- velocity": "- noise"}),
    ("The target is the way from x to the data.", THE_VELOCITY, {"- velocity": "- (actions - x)"}),
    (
        "The field is asked at the data, not on the path.",
        "field(x, time), with the x of interpolate.",
        {"x, time)": "actions, time)"},
    ),
    (
        "The field is asked at the noise, not on the path.",
        "field(x, time), with the x of interpolate.",
        {"x, time)": "noise, time)"},
    ),
    ("The field is told 1 - t.", "field(x, time): the same time that made x.", {"x, time)": "x, 1 - time)"}),
    (
        "The field is always told t = 0.",
        "field(x, time): the same time that made x.",
        {"x, time)": "x, 0 * time)"},
    ),
    (
        "The errors are not squared: it is the mean absolute error.",
        "jnp.mean(error**2).",
        {"error**2": "jnp.abs(error)"},
    ),
    (
        "The errors are neither squared nor made positive, so they cancel.",
        "jnp.mean(error**2).",
        {"error**2": "error"},
    ),
    (
        "The squared errors are summed over everything.",
        "jnp.mean: over all entries.",
        {"jnp.mean": "jnp.sum"},
    ),
    (
        "The squared errors are summed within a row, and the mean is over the rows only.",
        "jnp.mean over all entries, not over the first axis alone.",
        {"jnp.mean": "1 / len(error) * jnp.sum"},
    ),
    (
        "It is the root of the mean squared error.",
        "No root: jnp.mean(error**2).",
        {"error**2)": "error**2) ** 0.5"},
    ),
    (
        "It is the square of the mean: errors of both signs cancel.",
        "Square first, then take the mean: jnp.mean(error**2).",
        {"error**2)": "error) ** 2"},
    ),
    (
        "The gradient is stopped: nothing would learn.",
        "No stop_gradient here: the field is what learns.",
        {"error**2": "jax.lax.stop_gradient(error) ** 2"},
    ),
    (
        "The key is split twice in a row, as one does in a loop: the noise is not that of the docstring.",
        "noise_key, time_key = jax.random.split(key), once.",
        {"noise_key, time_key =": "key, noise_key = jax.random.split(key)\n    key, time_key ="},
    ),
    ("The loss is halved.", "jnp.mean(error**2), no factor.", {"error**2": "error**2 / 2"}),
    (
        "One key is used for both noise and time: they are not independent.",
        "noise_key, time_key = jax.random.split(key).",
        {"jax.random.split(key)": "key, key"},
    ),
    (
        "The two keys are swapped.",
        "noise_key, time_key = jax.random.split(key): noise first.",
        {"noise_key, time_key =": "time_key, noise_key ="},
    ),
    (
        "One noise is shared by the whole batch.",
        "Noise has the shape of the data: every row draws its own.",
        {"noise_key, actions.shape": "noise_key, actions[:1].shape"},
    ),
    (
        "One time is shared by the whole batch.",
        "Time has the shape (B,): every row draws its own.",
        {"uniform(time_key, actions.shape[:1])": "uniform(time_key) * jnp.ones(len(actions))"},
    ),
    (
        "The time is not random.",
        "jax.random.uniform(time_key, (B,)).",
        {"jax.random.uniform(time_key, actions.shape[:1])": "0.5 * jnp.ones(len(actions))"},
    ),
    (
        "The noise is uniform, not Gaussian.",
        "jax.random.normal(noise_key, ...).",
        {"normal(noise_key, actions.shape)": "uniform(noise_key, actions.shape, minval=-1)"},
    ),
    (
        "The time is Gaussian: it leaves [0, 1].",
        "jax.random.uniform(time_key, (B,)).",
        {"jax.random.uniform": "jax.random.normal"},
    ),
]


def _wrong_conditional_loss(changes):
    """The library's loss, edited, for single actions (B, A): chunks of one step."""
    wrong = edited(flow.flow_matching_loss, changes)

    def loss(field, observation, actions, key):
        one_step = lambda observation, x, time: field(observation, x[:, 0], time)[:, None]
        return wrong(one_step, observation, actions[:, None], jnp.ones((len(actions), 1)), key)

    return loss


def _wrong_loss(changes):
    """The same for points without an observation."""
    wrong = _wrong_conditional_loss(changes)
    return lambda field, data, key: wrong(lambda _, x, time: field(x, time), None, data, key)


check_flow_matching_loss = Exercise(
    flow_matching_loss,
    _with_slope(_loss_by_loop),
    _loss_cases,
    [Misconception(name, remedy, _wrong_loss(changes)) for name, remedy, changes in LOSS_MISTAKES],
    insight="A regression, nothing more. That its minimiser moves noise onto the data is the theorem.",
    observe=slope,
    compiled=True,
)


# 3. The sampler


def euler(field, noise: jax.Array, steps: int) -> jax.Array:
    """Follows field(x (B, D), time (B,)) from noise (B, D) at t = 0 to t = 1 in K = `steps` Euler steps;
    (B, D).
    """
    x = noise
    for k in range(steps):
        time = jnp.full(len(noise), k / steps)
        x = x + field(x, time) / steps
    return x


def _euler_cases(rng):
    def noise(rows, size):
        return 1.5 + np.abs(_normal(rng, rows, size))

    wind = Field(rng, "2 everywhere", velocity=2.0, mixed=False)
    growth = Field(rng, "v = x", pull=1.0, mixed=False)
    return [
        Case(
            "a field that is 2 everywhere, 4 steps",
            (wind, noise(3, 2), 4),
            "K steps of size 1/K, so x moves by 2 in all: noise + 2. "
            "No clip inside: the result may lie outside [-1, 1].",
        ),
        Case(
            "a field v = x, 2 steps",
            (growth, noise(3, 2), 2),
            "Each step starts where the last one ended: x = x + field(x, t) / K, so x grows by 1.5 twice.",
        ),
        Case(
            "a field of place and time, 1 step",
            (Field(rng, "some function of x and time"), noise(4, 3), 1),
            "The only step starts at t = 0: noise + field(noise, 0).",
        ),
        Case(
            "a field of place and time, 5 steps",
            (Field(rng, "some function of x and time"), noise(4, 3), 5),
            "Step k = 0 .. K - 1 starts at t = k / K and asks the field there: jnp.full(B, k / steps).",
        ),
        Case(
            "a field that is 2 everywhere, 10 steps",
            (wind, noise(3, 2), 10),
            "Count the steps: for k in range(steps). "
            "Adding 1/K to a time K times gives 0.9999..., and a loop `while t < 1` makes one step more.",
        ),
        Case(
            "a field that is 2 everywhere, 49 steps",
            (wind, noise(3, 2), 49),
            "Count the steps: for k in range(steps). "
            "np.arange(0, 1, 1 / K) may have one entry too many, by rounding.",
        ),
    ]


def _euler_by_loop(field, noise, steps):
    rows = []
    for start in noise:
        x, t = start, 0.0
        for _ in range(steps):
            x, t = x + np.asarray(field(x[None], np.float32([t])))[0] / steps, t + 1 / steps
        rows.append(x)
    return np.array(rows)


_euler_misconceptions = [
    Misconception(
        "The times are those of the ends of the steps: t = 1/K .. 1.",
        "A step asks the field where it starts: t = k / K, k from 0.",
        edited(euler, {"k / steps": "(k + 1) / steps"}),
    ),
    Misconception(
        "The times are those of the middles of the steps.",
        "That is half of the midpoint method. Euler asks the field where a step starts: t = k / K.",
        edited(euler, {"k / steps": "(k + 0.5) / steps"}),
    ),
    Misconception(
        "The times are spread from 0 to 1 with both ends, as np.linspace(0, 1, K) gives them.",
        "The last step starts at t = 1 - 1/K: t = k / K.",
        edited(euler, {"k / steps": "k / max(steps - 1, 1)"}),
    ),
    Misconception("The time is k, not k / K.", "Time runs from 0 to 1.", edited(euler, {"k / steps": "k"})),
    Misconception("The time stays 0.", "Step k starts at t = k / K.", edited(euler, {"k / steps": "0.0"})),
    Misconception(
        "It runs from t = 1 down to 0, against the field: that turns data into noise.",
        "Start at t = 0 and add field / K.",
        edited(euler, {"k / steps": "1 - k / steps", "x + field": "x - field"}),
    ),
    Misconception(
        "Time runs from 1 down to 0.",
        "Start at t = 0: step k starts at t = k / K.",
        edited(euler, {"k / steps": "1 - k / steps"}),
    ),
    Misconception(
        "The velocity is subtracted.", "x + field(x, t) / K.", edited(euler, {"x + field": "x - field"})
    ),
    Misconception(
        "A step has the size 1, not 1/K.",
        "K steps of size 1/K cover t = 0 to 1.",
        edited(euler, {"field(x, time) / steps": "field(x, time)"}),
    ),
    Misconception(
        "One step is missing.",
        "K steps: k = 0 .. K - 1.",
        edited(euler, {"range(steps)": "range(steps - 1)"}),
    ),
    Misconception(
        "The step at t = 0 is missing.",
        "K steps: k = 0 .. K - 1.",
        edited(euler, {"range(steps)": "range(1, steps)"}),
    ),
    Misconception(
        "Each step asks the field twice and averages (Heun's method).",
        "Euler asks once, where the step starts.",
        edited(
            euler,
            {
                "x = x + field(x, time)": "v = field(x, time)\n"
                "        x = x + (v + field(x + v / steps, time + 1 / steps)) / 2"
            },
        ),
    ),
    Misconception(
        "The number of steps is fixed at 10.", "Use the argument: steps.", lambda f, z, K: euler(f, z, 10)
    ),
    Misconception(
        "It makes one step too many.",
        "K steps: k = 0 .. K - 1.",
        edited(euler, {"range(steps)": "range(steps + 1)"}),
    ),
    Misconception(
        "The result is clipped to [-1, 1]; the sampler gives what the flow gives.",
        "Clip later, where the result is used.",
        lambda f, z, K: jnp.clip(euler(f, z, K), -1, 1),
    ),
    Misconception(
        "Every step is clipped to [-1, 1].",
        "On its way the flow may go anywhere. Clip later, where the result is used.",
        edited(euler, {"x + field(x, time) / steps": "jnp.clip(x + field(x, time) / steps, -1, 1)"}),
    ),
    Misconception(
        "It starts from 0, not from the noise: every sample would be the same.",
        "x = noise.",
        lambda f, z, K: euler(f, 0 * z, K),
    ),
    Misconception(
        "It returns the displacement: the noise is missing.",
        "Start at x = noise and add to it.",
        lambda f, z, K: euler(f, z, K) - z,
    ),
    Misconception(
        "The field is asked at the noise in every step.",
        "Ask it at x, where the last step ended.",
        edited(euler, {"field(x, time)": "field(noise, time)"}),
    ),
]

check_euler = Exercise(
    euler,
    _euler_by_loop,
    _euler_cases,
    _euler_misconceptions,
    insight="K forward passes of the network a sample. Lesson 04 distils them into one.",
    compiled=True,
)


# 4. With an observation


def conditional_loss(field, observation: jax.Array, actions: jax.Array, key: jax.Array) -> jax.Array:
    """The loss of field(observation (B, S), x (B, A), time (B,)) for actions (B, A); a scalar."""
    return flow_matching_loss(lambda x, time: field(observation, x, time), actions, key)


ROW_BY_ROW = "Row b of the observation belongs to row b of the actions."


def _conditional_cases(rng):
    sizes = dict(observation=3, chunk=(2,))
    plain = Field(rng, "0.5 everywhere", velocity=0.5, mixed=False, **sizes)
    first, second = (Field(rng, "some function of observation, x and time", **sizes) for _ in range(2))

    def inputs(field, rows):
        return field, _normal(rng, rows, 3), _normal(rng, rows, 2), _key(rng)

    return [
        Case(
            "a field that is 0.5 everywhere, four actions",
            inputs(plain, 4),
            "Noise has the shape of the actions. "
            "The loss is the mean of (0.5 - (actions - noise))**2 over all B * A entries.",
        ),
        Case(
            "a field of all three, four actions",
            inputs(first, 4),
            "field(observation, x, time): the observation goes in as it is; the path is that of the actions.",
        ),
        Case("a field of all three, six actions", inputs(second, 6), ROW_BY_ROW),
    ]


def _conditional_by_loop(field, observation, actions, key):
    return np.mean(_squared_errors(field, [observation], actions, key))


def _noised_observation(field, observation, actions, key):
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, observation.shape)
    seen, _ = interpolate(noise, observation, jax.random.uniform(time_key, observation.shape[:1]))
    return conditional_loss(field, seen, actions, key)


_conditional_misconceptions = [
    Misconception(
        "The observation is not used.",
        "field(observation, x, time).",
        lambda f, o, a, key: conditional_loss(f, 0 * o, a, key),
    ),
    Misconception(
        "All rows have the observation of the first.",
        ROW_BY_ROW,
        lambda f, o, a, key: conditional_loss(f, 0 * o + o[0], a, key),
    ),
    Misconception(
        "All rows have the mean observation.",
        ROW_BY_ROW,
        lambda f, o, a, key: conditional_loss(f, 0 * o + o.mean(axis=0), a, key),
    ),
    Misconception(
        "The observations are in another order than the actions.",
        ROW_BY_ROW,
        lambda f, o, a, key: conditional_loss(f, o[::-1], a, key),
    ),
    Misconception(
        "The observation is mixed with noise as well.",
        "Only the actions are on a path; the observation goes in as it is.",
        _noised_observation,
    ),
    *(Misconception(name, remedy, _wrong_conditional_loss(edit)) for name, remedy, edit in LOSS_MISTAKES),
]

check_conditional_loss = Exercise(
    conditional_loss,
    _with_slope(_conditional_by_loop),
    _conditional_cases,
    _conditional_misconceptions,
    insight="The observation is told to the field and never noised: p(a | s), one flow for every s.",
    observe=slope,
    compiled=True,
)


# 5. Over chunks


def chunk_loss(
    field, observation: jax.Array, chunks: jax.Array, valid: jax.Array, key: jax.Array
) -> jax.Array:
    """The loss of field(observation (B, S), x (B, H, A), time (B,)) for chunks (B, H, A); a scalar.

    Steps with valid (B, H) = 0 count as zero error; the mean is over all B * H * A entries.
    """
    return flow.flow_matching_loss(field, observation, chunks, valid, key)


def _chunk_cases(rng):
    def inputs(lengths, horizon, size):
        rows = len(lengths)
        valid = (np.arange(horizon) < np.array(lengths)[:, None]).astype(np.float32)
        chunks = _normal(rng, rows, horizon, size) * valid[..., None]
        if min(lengths) < horizon:  # a pause is an action: all of it 0, or a part
            whole = int(np.argmax(lengths))
            chunks[whole, 0], chunks[whole, 1, 0] = 0.0, 0.0
        field = Field(rng, "some function of observation, x and time", observation=3, chunk=(horizon, size))
        return field, _normal(rng, rows, 3), chunks, valid, _key(rng)

    return [
        Case(
            "whole chunks of 4 actions",
            inputs([4] * 5, 4, 2),
            "One noise for every entry of (B, H, A), one time for every chunk: "
            "time[:, None, None] on the path, time of shape (B,) into the field. "
            "valid[..., None], of shape (B, H, 1), multiplies the squared error.",
        ),
        Case(
            "chunks of 4, some cut by an episode's end",
            inputs([4, 1, 3, 2, 4, 4], 4, 2),
            "Multiply the squared error by valid[..., None], then take the mean over all B * H * A entries.",
        ),
        Case(
            "three chunks of 3 actions of size 3, two of them cut",
            inputs([1, 3, 2], 3, 3),
            "valid (B, H) says which STEPS exist: valid[..., None] has the shape (B, H, 1).",
        ),
    ]


def _chunk_by_loop(field, observation, chunks, valid, key):
    return np.sum(_squared_errors(field, [observation], chunks, key)[valid > 0]) / chunks.size


def edited_loss(changes):
    """The library's loss, edited."""
    return edited(flow.flow_matching_loss, changes)


TIME_A_STEP = {
    "actions.shape[:1]": "actions.shape[:2]",
    "interpolate(noise, actions, time)": "noise + time[..., None] * (actions - noise), actions - noise",
}

_chunk_misconceptions = [
    Misconception(
        "valid is ignored: the field learns the zeros after an episode's end.",
        "Multiply the squared error by valid[..., None].",
        edited_loss({"valid[..., None] * error**2": "error**2"}),
    ),
    Misconception(
        "valid is upside down: only what does not exist counts.",
        "valid is 1 where the step exists.",
        edited_loss({"valid[..., None]": "(1 - valid[..., None])"}),
    ),
    Misconception(
        "The sum is divided by the number of valid entries.",
        "Divide by all B * H * A entries: "
        "a plain jnp.mean. (Then a cut chunk counts for as much as it holds.)",
        edited_loss({"error**2)": "error**2) / jnp.mean(valid)"}),
    ),
    Misconception(
        "The sum is divided by the number of valid steps, not by that of entries.",
        "Divide by all B * H * A entries: a plain jnp.mean.",
        edited_loss({"jnp.mean": "1 / jnp.sum(valid) * jnp.sum"}),
    ),
    Misconception(
        "Each chunk has the mean over its own valid steps: a cut chunk counts as much as a whole one.",
        "Divide by all B * H * A entries: a plain jnp.mean.",
        edited_loss({"valid[..., None]": "(valid / valid.mean(axis=1, keepdims=True))[..., None]"}),
    ),
    Misconception(
        "Cut chunks do not count at all; that is for the critic. Here the steps that exist are data.",
        "Weight each step: valid[..., None].",
        edited_loss({"valid[..., None]": "valid[:, -1:, None]"}),
    ),
    Misconception(
        "A cut chunk counts by its share of valid steps, the missing ones included.",
        "Weight each step: valid[..., None].",
        edited_loss({"valid[..., None]": "valid.mean(axis=1)[:, None, None]"}),
    ),
    Misconception(
        "The mask is guessed from zeros in the chunks, entry by entry.",
        "An action, or a part of it, may be 0: a pause is data. Only valid tells.",
        edited_loss({"valid[..., None]": "(actions != 0)"}),
    ),
    Misconception(
        "The mask is guessed from steps whose action is all 0.",
        "An action may be 0: a pause is data. Only valid tells.",
        edited_loss({"valid[..., None]": "(actions != 0).any(axis=-1, keepdims=True)"}),
    ),
    Misconception(
        "Each step of a chunk has a time of its own, and the field is told the first one's.",
        "One time a chunk: (B,). All its steps are noised together.",
        edited_loss(TIME_A_STEP | {"x, time)": "x, time[:, 0])"}),
    ),
    Misconception(
        "Each step of a chunk has a time of its own, and the field is told their mean.",
        "One time a chunk: (B,). All its steps are noised together.",
        edited_loss(TIME_A_STEP | {"x, time)": "x, time.mean(axis=1))"}),
    ),
    Misconception(
        "Only the first action of a chunk counts.",
        "All H actions are predicted.",
        edited_loss({"valid[..., None] * error**2": "valid[:, :1] * error[:, 0] ** 2"}),
    ),
    Misconception(
        "The field does not see the steps that do not exist: x, or the noise, is masked.",
        "Mask the error alone; at such steps x is noise.",
        edited_loss({"x, time)": "valid[..., None] * x, time)"}),
    ),
    Misconception(
        "The prediction is masked, the target is not: its noise counts as an error.",
        "Mask the error: valid[..., None] * error**2.",
        edited_loss({"valid[..., None] * error**2": "error**2", "error =": "error = valid[..., None] *"}),
    ),
    Misconception(
        "One noise is shared by all steps of a chunk.",
        "Noise has the shape of the chunks, (B, H, A).",
        edited_loss({"noise_key, actions.shape": "noise_key, actions[:, :1].shape"}),
    ),
    *(Misconception(name, remedy, edited_loss(changes)) for name, remedy, changes in LOSS_MISTAKES),
]

check_chunk_loss = Exercise(
    chunk_loss,
    _with_slope(_chunk_by_loop),
    _chunk_cases,
    _chunk_misconceptions,
    insight="The same regression; a point is now a whole chunk of H * A numbers.",
    observe=slope,
    compiled=True,
)


# 6. Temporal ensembling


def temporal_ensemble(predictions: jax.Array, decay: float) -> jax.Array:
    """The weighted mean (A,) of predictions (n, A), the oldest first;
    the i-th has the weight exp(-decay * i).
    """
    i = jnp.arange(len(predictions))
    weights = jnp.exp(-decay * i)
    return weights @ predictions / jnp.sum(weights)


def _ensemble_cases(rng):
    return [
        Case(
            "one prediction only, as at the start of an episode",
            (_normal(rng, 1, 2), 0.5),
            "Its weight is 1, so it comes back as it is.",
        ),
        Case(
            "two predictions, decay 0.7",
            (_normal(rng, 2, 3), 0.7),
            "The weights are 1 for the first row, the OLDEST, "
            "and exp(-0.7) for the second; divide by their sum.",
        ),
        Case(
            "four predictions, decay 0: a plain mean",
            (_normal(rng, 4, 2), 0.0),
            "With decay 0 all weights are equal: the mean over the rows, axis 0.",
        ),
        Case(
            "five predictions, decay 0.3",
            (_normal(rng, 5, 3), 0.3),
            "Weights exp(-decay * i), i = 0 .. n - 1 from the oldest, "
            "divided by their sum; they multiply rows.",
        ),
        Case(
            "three predictions of size 3, decay 1.1",
            (_normal(rng, 3, 3), 1.1),
            "Weights multiply rows: weights @ predictions.",
        ),
    ]


def _ensemble_by_loop(predictions, decay):
    total, weights = np.zeros(predictions.shape[1]), 0.0
    for i, row in enumerate(predictions):
        total, weights = total + np.exp(-decay * i) * row, weights + np.exp(-decay * i)
    return total / weights


def _weighted_by(weights):
    return edited(temporal_ensemble, {"jnp.exp(-decay * i)": weights})


_ensemble_misconceptions = [
    Misconception(
        "The newest prediction weighs most.",
        "In ALOHA the oldest has the largest weight: exp(-decay * 0) for row 0.",
        _weighted_by("jnp.exp(-decay * i[::-1])"),
    ),
    Misconception(
        "The weights are not divided by their sum.",
        "Divide by the sum of the weights: a mean.",
        edited(temporal_ensemble, {" / jnp.sum(weights)": ""}),
    ),
    Misconception(
        "The weights are divided by n.",
        "Divide by the sum of the weights.",
        edited(temporal_ensemble, {"jnp.sum(weights)": "len(weights)"}),
    ),
    Misconception(
        "All predictions have the same weight: the decay is not used.",
        "Row i has the weight exp(-decay * i).",
        lambda p, decay: p.mean(axis=0),
    ),
    Misconception("Only the newest prediction counts.", "All n predictions count.", lambda p, decay: p[-1]),
    Misconception("Only the oldest prediction counts.", "All n predictions count.", lambda p, decay: p[0]),
    Misconception("The weights are powers of decay.", "exp(-decay * i).", _weighted_by("decay**i")),
    Misconception(
        "The weights are powers of 1 - decay.", "exp(-decay * i).", _weighted_by("(1 - decay) ** i")
    ),
    Misconception(
        "The weights fall as 1 / (1 + decay * i).", "exp(-decay * i).", _weighted_by("1 / (1 + decay * i)")
    ),
    Misconception(
        "The decay is per ensemble, not per step: i is divided by n.",
        "exp(-decay * i), i = 0, 1, 2, ...",
        _weighted_by("jnp.exp(-decay * i / len(i))"),
    ),
    Misconception(
        "The exponent is squared, as in a Gaussian.",
        "exp(-decay * i).",
        _weighted_by("jnp.exp(-decay * i**2)"),
    ),
    Misconception(
        "decay is not in the exponent: the weights are exp(-i).",
        "exp(-decay * i).",
        _weighted_by("jnp.exp(-i)"),
    ),
]

check_temporal_ensemble = Exercise(
    temporal_ensemble,
    _ensemble_by_loop,
    _ensemble_cases,
    _ensemble_misconceptions,
    insight="The oldest prediction weighs most: what was decided is kept, and new looks correct it slowly.",
    compiled=True,
)
