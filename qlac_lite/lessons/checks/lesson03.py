"""Checks of lesson 03, flow matching.

Shapes: B batch, D size of a point, S observation, H chunk, A action size.

What is random is drawn from the case's own key, in the way that the docstrings prescribe: so right answers
are equal.
"""

import copy

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import flow
from qlac_lite.lessons.checks.exercise import Case, Exercise, Misconception


class Field:
    """A vector field to try an answer on: v = velocity + pull x + tanh(everything mixed), each row by itself.

    Called as field(x, time), or with an observation first. It refuses inputs of the wrong shape, as a network
    would.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        about: str,
        velocity: float = 0.0,
        pull: float = 0.0,
        mixed: bool = True,
        observation: int = 0,
        chunk: tuple = (),
    ):
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
        xp = (
            jnp if any(isinstance(value, jax.core.Tracer) for value in inputs) else np
        )  # NumPy is faster where nothing is traced
        named = {name: xp.asarray(value, np.float32) for name, value in zip(names, inputs, strict=True)}
        x, time = named["x"], named["time"]
        rows = x.shape[:1]
        if time.shape != rows or not rows:
            raise ValueError(f"the field takes one time a row, shape (B,) = {rows}, and got {time.shape}")
        if self.chunk and x.shape[1:] != self.chunk:
            raise ValueError(
                f"the field takes x of the shape (B, {', '.join(map(str, self.chunk))}), and got {x.shape}"
            )
        parts = [x.reshape(len(x), -1), time[:, None]]
        if self.observation:
            observation = named["observation"]
            if observation.shape != (*rows, self.observation):
                raise ValueError(
                    f"the field takes observations of the shape {(*rows, self.observation)}, "
                    f"and got {observation.shape}"
                )
            parts.append(observation)
        out = self.velocity + self.pull * x
        if self.mixed:
            inputs = xp.concatenate(parts, axis=1)
            size = x[0].size
            mix = xp.sum(inputs[:, :, None] * self.weights[: inputs.shape[1], :size], axis=1)
            out = (
                out
                + 2 * xp.tanh(mix / 2).reshape(x.shape)
                + x * xp.sin(5 * time.reshape(-1, *[1] * (x.ndim - 1)))
            )
        return jnp.asarray(out) * self.scale


def slope(answer, args):
    """Observes the derivative of a loss in its field's one parameter, which a training step would move."""
    field, rest = args[0], args[1:]

    def loss(scale):
        trained = copy.copy(field)
        trained.scale = scale
        return answer(trained, *rest)

    return {"gradient in the field's parameter": jax.grad(loss)(1.0)}


def _with_slope(loss):
    """A loss in NumPy and its derivative: the loss is a quadratic in the scale,
    so three points give it exactly.
    """

    def expected(field, *rest):
        def at(scale):
            moved = copy.copy(field)
            moved.scale = scale
            return loss(moved, *rest)

        return loss(field, *rest), (at(2.0) - at(0.0)) / 2

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
    return (1 - t) * noise + t * data, data - noise


def _interpolate_cases(rng):
    def case(about, rows, size, time, hint):
        return Case(
            about, (_normal(rng, rows, size), _normal(rng, rows, size), np.array(time, np.float32)), hint
        )

    return [
        case(
            "four points of the plane, all at t = 0.25",
            4,
            2,
            [0.25] * 4,
            (
                "x = (1 - t) * noise + t * data: at t = 0.25 a quarter of the way is done. "
                "time[:, None] is a column, which multiplies rows; the velocity is data - noise."
            ),
        ),
        case(
            "three points of the plane, at t = 0, 0.5 and 1",
            3,
            2,
            [0, 0.5, 1],
            (
                "Each ROW has its own time: time[:, None]. "
                "At t = 0 x is the noise, at t = 1 the data; the velocity is data - noise all along."
            ),
        ),
        case(
            "three points in space, each at its own time",
            3,
            3,
            rng.uniform(0.1, 0.9, size=3),
            "Each ROW has its own time: time[:, None], of shape (B, 1).",
        ),
    ]


def _interpolate_by_loop(noise, data, time):
    rows = [(n + float(t) * (d - n), d - n) for n, d, t in zip(noise, data, time, strict=True)]
    return tuple(map(np.array, zip(*rows, strict=True)))


def _path(x=lambda n, d, t: (1 - t) * n + t * d, v=lambda n, d, t: d - n, time=lambda t: t):
    def wrong(noise, data, t):
        t = np.broadcast_to(time(t), t.shape)[:, None]
        return x(noise, data, t), v(noise, data, t)

    return wrong


check_interpolate = Exercise(
    interpolate,
    _interpolate_by_loop,
    _interpolate_cases,
    [
        Misconception(
            "t and 1 - t are swapped: the path starts at the data.",
            "At t = 0 there is noise, at t = 1 data: (1 - t) * noise + t * data.",
            _path(x=lambda n, d, t: t * n + (1 - t) * d),
        ),
        Misconception(
            "The velocity has the wrong sign: it points from the data to the noise.",
            "data - noise.",
            _path(v=lambda n, d, t: n - d),
        ),
        Misconception(
            "The whole path runs backwards, from the data to the noise.",
            "In this course t = 0 is noise and t = 1 is data.",
            _path(x=lambda n, d, t: t * n + (1 - t) * d, v=lambda n, d, t: n - d),
        ),
        Misconception(
            "The velocity is the way already gone, x - noise.",
            "The velocity does not depend on t: data - noise.",
            _path(v=lambda n, d, t: t * (d - n)),
        ),
        Misconception(
            "The velocity is the way still to go, data - x.",
            "The velocity does not depend on t: data - noise.",
            _path(v=lambda n, d, t: (1 - t) * (d - n)),
        ),
        Misconception(
            "The velocity is the data: the field would learn where to end, not how to move.",
            "data - noise.",
            _path(v=lambda n, d, t: d),
        ),
        Misconception(
            "The noise does not fade: noise + t * data.",
            "The noise has the weight 1 - t.",
            _path(x=lambda n, d, t: n + t * d),
        ),
        Misconception(
            "The data are there from the start: (1 - t) * noise + data.",
            "The data have the weight t.",
            _path(x=lambda n, d, t: (1 - t) * n + d),
        ),
        Misconception(
            "The weights are those of a diffusion: their squares add up to 1.",
            "The path is a straight line: weights 1 - t and t.",
            _path(x=lambda n, d, t: np.sqrt(1 - t**2) * n + t * d),
        ),
        Misconception(
            "The weights are the roots of 1 - t and t.",
            "The path is a straight line: weights 1 - t and t.",
            _path(x=lambda n, d, t: np.sqrt(1 - t) * n + np.sqrt(t) * d),
        ),
        Misconception(
            "All rows have the time of the first.",
            "Each row has its own time: time[:, None].",
            _path(time=lambda t: t[0]),
        ),
        Misconception(
            "All rows have the mean time.",
            "Each row has its own time: time[:, None].",
            _path(time=lambda t: t.mean()),
        ),
    ],
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
    return jnp.mean((field(x, time) - velocity) ** 2)


def _loss_cases(rng):
    zero = Field(rng, "zero everywhere", mixed=False)
    place = Field(rng, "v = 1 - x", velocity=1.0, pull=-1.0, mixed=False)
    return [
        Case(
            "a field that is 0 everywhere, four points of the plane",
            (zero, _normal(rng, 4, 2), _key(rng)),
            (
                "Where the field is 0, the loss is the mean of velocity**2 over all B * D entries. "
                "noise_key, time_key = jax.random.split(key), in this order."
            ),
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


def _loss_by_loop(field, data, key):
    noise_key, time_key = jax.random.split(key)
    noise = np.asarray(jax.random.normal(noise_key, data.shape))
    time = np.asarray(jax.random.uniform(time_key, (len(data),)))
    errors = []
    for i in range(len(data)):
        x = noise[i] + time[i] * (data[i] - noise[i])
        errors.append(np.asarray(field(x[None], time[i : i + 1]))[0] - (data[i] - noise[i]))
    return np.mean(np.square(errors))


def _draw(
    keys="split", shared_noise=False, shared_time=False, uniform_noise=False, normal_time=False, one_time=None
):
    """Noise and time for data (B, ...), in one of many ways."""

    def draw(data, key):
        first, second = {
            "split": lambda: jax.random.split(key),
            "same": lambda: (key, key),
            "swapped": lambda: jax.random.split(key)[::-1],
            "chain": lambda: (jax.random.split(key)[1], jax.random.split(jax.random.split(key)[0])[1]),
        }[keys]()
        shape = (1, *data.shape[1:]) if shared_noise else data.shape
        noise = (
            jax.random.uniform(first, shape, minval=-1) if uniform_noise else jax.random.normal(first, shape)
        )
        pick = jax.random.normal if normal_time else jax.random.uniform
        time = pick(second, () if shared_time else data.shape[:1])
        time = time if one_time is None else jnp.float32(one_time)
        return jnp.broadcast_to(noise, data.shape), jnp.broadcast_to(time, data.shape[:1])

    return draw


def _x(noise, data, t):
    return (1 - t) * noise + t * data


_USUAL = _draw()


def _flow_loss(
    draw=_USUAL,
    x=_x,
    asked=lambda x, n, d: x,
    when=lambda t: t,
    target=lambda n, d, x: d - n,
    end=lambda e: jnp.mean(e**2),
):
    """A loss (ask, data, key) with something changed; `ask` calls the field."""

    def loss(ask, data, key):
        noise, time = draw(data, key)
        t = time.reshape(-1, *[1] * (data.ndim - 1))
        point = x(noise, data, t)
        return end(ask(asked(point, noise, data), when(time)) - target(noise, data, point))

    return loss


_SWAPPED = dict(x=lambda n, d, t: t * n + (1 - t) * d)
LOSS_MISTAKES = [  # name, remedy, what is changed: for the loss with and without an observation
    ("t and 1 - t are swapped on the path.", "At t = 0 there is noise, at t = 1 data.", _SWAPPED),
    (
        "The velocity has the wrong sign.",
        "The target is data - noise, as interpolate gives it.",
        dict(target=lambda n, d, x: n - d),
    ),
    (
        "The target is the data, not the velocity.",
        "The field predicts the velocity, data - noise.",
        dict(target=lambda n, d, x: d),
    ),
    (
        "The target is the noise, as in a diffusion model.",
        "The field predicts the velocity, data - noise.",
        dict(target=lambda n, d, x: n),
    ),
    (
        "The target is the way from x to the data.",
        "The field predicts the velocity, data - noise.",
        dict(target=lambda n, d, x: d - x),
    ),
    (
        "The field is asked at the data, not on the path.",
        "field(x, time), with the x of interpolate.",
        dict(asked=lambda x, n, d: d),
    ),
    (
        "The field is asked at the noise, not on the path.",
        "field(x, time), with the x of interpolate.",
        dict(asked=lambda x, n, d: n),
    ),
    ("The field is told 1 - t.", "field(x, time): the same time that made x.", dict(when=lambda t: 1 - t)),
    (
        "The field is always told t = 0.",
        "field(x, time): the same time that made x.",
        dict(when=lambda t: 0 * t),
    ),
    (
        "The errors are not squared: it is the mean absolute error.",
        "jnp.mean(error**2).",
        dict(end=lambda e: jnp.mean(jnp.abs(e))),
    ),
    (
        "The errors are neither squared nor made positive, so they cancel.",
        "jnp.mean(error**2).",
        dict(end=lambda e: jnp.mean(e)),
    ),
    (
        "The squared errors are summed over everything.",
        "jnp.mean: over all entries.",
        dict(end=lambda e: jnp.sum(e**2)),
    ),
    (
        "The squared errors are summed within a row, and the mean is over the rows only.",
        "jnp.mean over all entries, not over the first axis alone.",
        dict(end=lambda e: jnp.sum(e**2) / len(e)),
    ),
    (
        "It is the root of the mean squared error.",
        "No root: jnp.mean(error**2).",
        dict(end=lambda e: jnp.sqrt(jnp.mean(e**2))),
    ),
    (
        "It is the square of the mean: errors of both signs cancel.",
        "Square first, then take the mean: jnp.mean(error**2).",
        dict(end=lambda e: jnp.mean(e) ** 2),
    ),
    (
        "The gradient is stopped: nothing would learn.",
        "No stop_gradient here: the field is what learns.",
        dict(end=lambda e: jax.lax.stop_gradient(jnp.mean(e**2))),
    ),
    (
        "The key is split twice in a row, as one does in a loop: the noise is not that of the docstring.",
        "noise_key, time_key = jax.random.split(key), once.",
        dict(draw=_draw(keys="chain")),
    ),
    ("The loss is halved.", "jnp.mean(error**2), no factor.", dict(end=lambda e: jnp.mean(e**2) / 2)),
    (
        "One key is used for both noise and time: they are not independent.",
        "noise_key, time_key = jax.random.split(key).",
        dict(draw=_draw(keys="same")),
    ),
    (
        "The two keys are swapped.",
        "noise_key, time_key = jax.random.split(key): noise first.",
        dict(draw=_draw(keys="swapped")),
    ),
    (
        "One noise is shared by the whole batch.",
        "Noise has the shape of the data: every row draws its own.",
        dict(draw=_draw(shared_noise=True)),
    ),
    (
        "One time is shared by the whole batch.",
        "Time has the shape (B,): every row draws its own.",
        dict(draw=_draw(shared_time=True)),
    ),
    ("The time is not random.", "jax.random.uniform(time_key, (B,)).", dict(draw=_draw(one_time=0.5))),
    (
        "The noise is uniform, not Gaussian.",
        "jax.random.normal(noise_key, ...).",
        dict(draw=_draw(uniform_noise=True)),
    ),
    (
        "The time is Gaussian: it leaves [0, 1].",
        "jax.random.uniform(time_key, (B,)).",
        dict(draw=_draw(normal_time=True)),
    ),
]


def _unconditional(changes):
    return lambda field, data, key: _flow_loss(**changes)(field, data, key)


check_flow_matching_loss = Exercise(
    flow_matching_loss,
    _with_slope(_loss_by_loop),
    _loss_cases,
    [Misconception(name, remedy, _unconditional(changes)) for name, remedy, changes in LOSS_MISTAKES],
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
        x = x + field(x, jnp.full(len(noise), k / steps)) / steps
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
            (
                "K steps of size 1/K, so x moves by 2 in all: noise + 2. "
                "No clip inside: the result may lie outside [-1, 1]."
            ),
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
            (
                "Count the steps: for k in range(steps). "
                "Adding 1/K to a time K times gives 0.9999..., and a loop `while t < 1` makes one step more."
            ),
        ),
        Case(
            "a field that is 2 everywhere, 49 steps",
            (wind, noise(3, 2), 49),
            (
                "Count the steps: for k in range(steps). "
                "np.arange(0, 1, 1 / K) may have one entry too many, by rounding."
            ),
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


def _euler_with(
    when=lambda k, K: k / K,
    size=lambda K: 1 / K,
    count=lambda K: range(K),
    each=lambda x: x,
    end=lambda x: x,
    start=lambda z: z,
    asked=lambda x, z: x,
):
    def wrong(field, noise, steps):
        x = start(noise)
        for k in count(steps):
            x = each(x + size(steps) * field(asked(x, noise), jnp.full(len(noise), when(k, steps))))
        return end(x)

    return wrong


def _heun(field, noise, steps):
    x = noise
    for k in range(steps):
        first = field(x, jnp.full(len(x), k / steps))
        x = x + (first + field(x + first / steps, jnp.full(len(x), (k + 1) / steps))) / (2 * steps)
    return x


check_euler = Exercise(
    euler,
    _euler_by_loop,
    _euler_cases,
    [
        Misconception(
            "The times are those of the ends of the steps: t = 1/K .. 1.",
            "A step asks the field where it starts: t = k / K, k from 0.",
            _euler_with(when=lambda k, K: (k + 1) / K),
        ),
        Misconception(
            "The times are those of the middles of the steps.",
            "That is half of the midpoint method. Euler asks the field where a step starts: t = k / K.",
            _euler_with(when=lambda k, K: (k + 0.5) / K),
        ),
        Misconception(
            "The times are spread from 0 to 1 with both ends, as np.linspace(0, 1, K) gives them.",
            "The last step starts at t = 1 - 1/K: t = k / K.",
            _euler_with(when=lambda k, K: k / max(K - 1, 1)),
        ),
        Misconception(
            "The time is k, not k / K.", "Time runs from 0 to 1.", _euler_with(when=lambda k, K: float(k))
        ),
        Misconception("The time stays 0.", "Step k starts at t = k / K.", _euler_with(when=lambda k, K: 0.0)),
        Misconception(
            "It runs from t = 1 down to 0, against the field: that turns data into noise.",
            "Start at t = 0 and add field / K.",
            _euler_with(when=lambda k, K: 1 - k / K, size=lambda K: -1 / K),
        ),
        Misconception(
            "Time runs from 1 down to 0.",
            "Start at t = 0: step k starts at t = k / K.",
            _euler_with(when=lambda k, K: 1 - k / K),
        ),
        Misconception(
            "The velocity is subtracted.", "x + field(x, t) / K.", _euler_with(size=lambda K: -1 / K)
        ),
        Misconception(
            "A step has the size 1, not 1/K.",
            "K steps of size 1/K cover t = 0 to 1.",
            _euler_with(size=lambda K: 1.0),
        ),
        Misconception(
            "One step is missing.", "K steps: k = 0 .. K - 1.", _euler_with(count=lambda K: range(K - 1))
        ),
        Misconception(
            "The step at t = 0 is missing.",
            "K steps: k = 0 .. K - 1.",
            _euler_with(count=lambda K: range(1, K)),
        ),
        Misconception(
            "Each step asks the field twice and averages (Heun's method).",
            "Euler asks once, where the step starts.",
            _heun,
        ),
        Misconception(
            "The number of steps is fixed at 10.", "Use the argument: steps.", lambda f, z, K: euler(f, z, 10)
        ),
        Misconception(
            "It makes one step too many.",
            "K steps: k = 0 .. K - 1.",
            _euler_with(count=lambda K: range(K + 1)),
        ),
        Misconception(
            "The result is clipped to [-1, 1]; the sampler gives what the flow gives.",
            "Clip later, where the result is used.",
            _euler_with(end=lambda x: jnp.clip(x, -1, 1)),
        ),
        Misconception(
            "Every step is clipped to [-1, 1].",
            "On its way the flow may go anywhere. Clip later, where the result is used.",
            _euler_with(each=lambda x: jnp.clip(x, -1, 1)),
        ),
        Misconception(
            "It starts from 0, not from the noise: every sample would be the same.",
            "x = noise.",
            _euler_with(start=lambda z: 0 * z),
        ),
        Misconception(
            "It returns the displacement: the noise is missing.",
            "Start at x = noise and add to it.",
            lambda f, z, K: euler(f, z, K) - z,
        ),
        Misconception(
            "The field is asked at the noise in every step.",
            "Ask it at x, where the last step ended.",
            _euler_with(asked=lambda x, z: z),
        ),
    ],
    insight="K forward passes of the network a sample. Lesson 04 distils them into one.",
    compiled=True,
)


# 4. With an observation


def conditional_loss(field, observation: jax.Array, actions: jax.Array, key: jax.Array) -> jax.Array:
    """The loss of field(observation (B, S), x (B, A), time (B,)) for actions (B, A); a scalar."""
    return flow_matching_loss(lambda x, time: field(observation, x, time), actions, key)


def _conditional_cases(rng):
    def case(about, field, rows, hint):
        return Case(about, (field, _normal(rng, rows, 3), _normal(rng, rows, 2), _key(rng)), hint)

    plain = Field(rng, "0.5 everywhere", velocity=0.5, mixed=False, observation=3, chunk=(2,))
    full = [
        Field(rng, "some function of observation, x and time", observation=3, chunk=(2,)) for _ in range(2)
    ]
    return [
        case(
            "a field that is 0.5 everywhere, four actions",
            plain,
            4,
            (
                "Noise has the shape of the actions. "
                "The loss is the mean of (0.5 - (actions - noise))**2 over all B * A entries."
            ),
        ),
        case(
            "a field of all three, four actions",
            full[0],
            4,
            "field(observation, x, time): the observation goes in as it is; the path is that of the actions.",
        ),
        case(
            "a field of all three, six actions",
            full[1],
            6,
            "Row b of the observation belongs to row b of the actions.",
        ),
    ]


def _conditional_by_loop(field, observation, actions, key):
    noise_key, time_key = jax.random.split(key)
    noise = np.asarray(jax.random.normal(noise_key, actions.shape))
    time = np.asarray(jax.random.uniform(time_key, (len(actions),)))
    total = 0.0
    for o, a, z, t in zip(observation, actions, noise, time, strict=True):
        velocity = np.asarray(field(o[None], (z + t * (a - z))[None], np.array([t])))[0]
        total += np.sum((velocity - (a - z)) ** 2)
    return total / actions.size


def _conditional(changes, seen=lambda o, key: o):
    def wrong(field, observation, actions, key):
        look = seen(observation, key)
        return _flow_loss(**changes)(lambda x, time: field(look, x, time), actions, key)

    return wrong


def _noised(observation, key):
    noise_key, time_key = jax.random.split(key)
    t = jax.random.uniform(time_key, observation.shape[:1])[:, None]
    return (1 - t) * jax.random.normal(noise_key, observation.shape) + t * observation


check_conditional_loss = Exercise(
    conditional_loss,
    _with_slope(_conditional_by_loop),
    _conditional_cases,
    [
        Misconception(
            "The observation is not used.",
            "field(observation, x, time).",
            _conditional({}, lambda o, key: 0 * o),
        ),
        Misconception(
            "All rows have the observation of the first.",
            "Row b of the observation belongs to row b of the actions.",
            _conditional({}, lambda o, key: jnp.broadcast_to(o[:1], o.shape)),
        ),
        Misconception(
            "All rows have the mean observation.",
            "Row b of the observation belongs to row b of the actions.",
            _conditional({}, lambda o, key: jnp.broadcast_to(o.mean(axis=0), o.shape)),
        ),
        Misconception(
            "The observations are in another order than the actions.",
            "Row b of the observation belongs to row b of the actions.",
            _conditional({}, lambda o, key: o[::-1]),
        ),
        Misconception(
            "The observation is mixed with noise as well.",
            "Only the actions are on a path; the observation goes in as it is.",
            _conditional({}, _noised),
        ),
        *(Misconception(name, remedy, _conditional(changes)) for name, remedy, changes in LOSS_MISTAKES),
    ],
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
    def case(about, lengths, horizon, size, hint):
        rows = len(lengths)
        valid = (np.arange(horizon) < np.array(lengths)[:, None]).astype(np.float32)
        chunks = _normal(rng, rows, horizon, size) * valid[..., None]
        if min(lengths) < horizon:  # a pause is an action: all of it 0, or a part
            whole = int(np.argmax(lengths))
            chunks[whole, 0], chunks[whole, 1, 0] = 0.0, 0.0
        field = Field(rng, "some function of observation, x and time", observation=3, chunk=(horizon, size))
        return Case(about, (field, _normal(rng, rows, 3), chunks, valid, _key(rng)), hint)

    return [
        case(
            "whole chunks of 4 actions",
            [4] * 5,
            4,
            2,
            (
                "One noise for every entry of (B, H, A), one time for every chunk: "
                "time[:, None, None] on the path, time of shape (B,) into the field. "
                "valid[..., None], of shape (B, H, 1), multiplies the squared error."
            ),
        ),
        case(
            "chunks of 4, some cut by an episode's end",
            [4, 1, 3, 2, 4, 4],
            4,
            2,
            "Multiply the squared error by valid[..., None], then take the mean over all B * H * A entries.",
        ),
        case(
            "three chunks of 3 actions of size 3, two of them cut",
            [1, 3, 2],
            3,
            3,
            "valid (B, H) says which STEPS exist: valid[..., None] has the shape (B, H, 1).",
        ),
    ]


def _chunk_by_loop(field, observation, chunks, valid, key):
    noise_key, time_key = jax.random.split(key)
    noise = np.asarray(jax.random.normal(noise_key, chunks.shape))
    time = np.asarray(jax.random.uniform(time_key, (len(chunks),)))
    total = 0.0
    for i in range(len(chunks)):
        x = noise[i] + time[i] * (chunks[i] - noise[i])
        velocity = np.asarray(field(observation[i : i + 1], x[None], time[i : i + 1]))[0]
        for k in range(chunks.shape[1]):
            if valid[i, k]:
                total += np.sum((velocity[k] - (chunks[i, k] - noise[i, k])) ** 2)
    return total / chunks.size


def _chunked(changes=None, weight=lambda valid: valid[..., None], end=lambda square, valid: jnp.mean(square)):
    """The loss with changed ingredients, a changed weight (B, H, 1) of each step, or a changed mean."""

    def wrong(field, observation, chunks, valid, key):
        finish = (changes or {}).get("end")
        by_row = lambda error: jnp.sqrt(weight(valid)) * error
        last = (lambda e: finish(by_row(e))) if finish else (lambda e: end(weight(valid) * e**2, valid))
        ask = lambda x, time: field(observation, x, time)
        return _flow_loss(**((changes or {}) | {"end": last}))(ask, chunks, key)

    return wrong


def _masked_input(field, observation, chunks, valid, key):
    return chunk_loss(lambda o, x, t: field(o, valid[..., None] * x, t), observation, chunks, valid, key)


def _masked_prediction(field, observation, chunks, valid, key):
    masked = lambda o, x, t: valid[..., None] * field(o, x, t)
    return chunk_loss(masked, observation, chunks, jnp.ones_like(valid), key)


def _shared_over_steps(field, observation, chunks, valid, key):
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, (len(chunks), 1, chunks.shape[2]))
    t = jax.random.uniform(time_key, (len(chunks),))
    x = (1 - t[:, None, None]) * noise + t[:, None, None] * chunks
    return jnp.mean(valid[..., None] * (field(observation, x, t) - chunks + noise) ** 2)


def _chunk_by_zeros(missing):
    def wrong(field, observation, chunks, valid, key):
        weight = jnp.where(missing(chunks == 0), 0.0, 1.0) * jnp.ones_like(chunks)
        ask = lambda x, time: field(observation, x, time)
        return _flow_loss(end=lambda e: jnp.mean(weight * e**2))(ask, chunks, key)

    return wrong


def _time_per_step(told):
    def wrong(field, observation, chunks, valid, key):
        noise_key, time_key = jax.random.split(key)
        noise, time = (
            jax.random.normal(noise_key, chunks.shape),
            jax.random.uniform(time_key, chunks.shape[:2]),
        )
        t = time[..., None]
        error = field(observation, (1 - t) * noise + t * chunks, told(time)) - (chunks - noise)
        return jnp.mean(valid[..., None] * error**2)

    return wrong


check_chunk_loss = Exercise(
    chunk_loss,
    _with_slope(_chunk_by_loop),
    _chunk_cases,
    [
        Misconception(
            "valid is ignored: the field learns the zeros after an episode's end.",
            "Multiply the squared error by valid[..., None].",
            _chunked(weight=lambda v: jnp.ones_like(v)[..., None]),
        ),
        Misconception(
            "valid is upside down: only what does not exist counts.",
            "valid is 1 where the step exists.",
            _chunked(weight=lambda v: 1 - v[..., None]),
        ),
        Misconception(
            "The sum is divided by the number of valid entries.",
            (
                "Divide by all B * H * A entries: "
                "a plain jnp.mean. (Then a cut chunk counts for as much as it holds.)"
            ),
            _chunked(end=lambda s, v: jnp.sum(s) / jnp.sum(v) / s.shape[2]),
        ),
        Misconception(
            "The sum is divided by the number of valid steps, not by that of entries.",
            "Divide by all B * H * A entries: a plain jnp.mean.",
            _chunked(end=lambda s, v: jnp.sum(s) / jnp.sum(v)),
        ),
        Misconception(
            "Each chunk has the mean over its own valid steps: a cut chunk counts as much as a whole one.",
            "Divide by all B * H * A entries: a plain jnp.mean.",
            _chunked(end=lambda s, v: jnp.mean(jnp.sum(s, axis=(1, 2)) / jnp.sum(v, axis=1)) / s.shape[2]),
        ),
        Misconception(
            "Cut chunks do not count at all; that is for the critic. Here the steps that exist are data.",
            "Weight each step: valid[..., None].",
            _chunked(weight=lambda v: jnp.broadcast_to(v[:, -1:, None], (*v.shape, 1))),
        ),
        Misconception(
            "A cut chunk counts by its share of valid steps, the missing ones included.",
            "Weight each step: valid[..., None].",
            _chunked(weight=lambda v: jnp.broadcast_to(v.mean(axis=1)[:, None, None], (*v.shape, 1))),
        ),
        Misconception(
            "The mask is guessed from zeros in the chunks, entry by entry.",
            "An action, or a part of it, may be 0: a pause is data. Only valid tells.",
            _chunk_by_zeros(lambda zero: zero),
        ),
        Misconception(
            "The mask is guessed from steps whose action is all 0.",
            "An action may be 0: a pause is data. Only valid tells.",
            _chunk_by_zeros(lambda zero: zero.all(axis=-1, keepdims=True)),
        ),
        Misconception(
            "Each step of a chunk has a time of its own, and the field is told the first one's.",
            "One time a chunk: (B,). All its steps are noised together.",
            _time_per_step(lambda t: t[:, 0]),
        ),
        Misconception(
            "Each step of a chunk has a time of its own, and the field is told their mean.",
            "One time a chunk: (B,). All its steps are noised together.",
            _time_per_step(lambda t: t.mean(axis=1)),
        ),
        Misconception(
            "Only the first action of a chunk counts.",
            "All H actions are predicted.",
            _chunked(end=lambda s, v: jnp.mean(s[:, 0])),
        ),
        Misconception(
            "The field does not see the steps that do not exist: x, or the noise, is masked.",
            "Mask the error alone; at such steps x is noise.",
            _masked_input,
        ),
        Misconception(
            "The prediction is masked, the target is not: its noise counts as an error.",
            "Mask the error: valid[..., None] * error**2.",
            _masked_prediction,
        ),
        Misconception(
            "One noise is shared by all steps of a chunk.",
            "Noise has the shape of the chunks, (B, H, A).",
            _shared_over_steps,
        ),
        *(Misconception(name, remedy, _chunked(changes)) for name, remedy, changes in LOSS_MISTAKES),
    ],
    insight="The same regression; a point is now a whole chunk of H * A numbers.",
    observe=slope,
    compiled=True,
)


# 6. Temporal ensembling


def temporal_ensemble(predictions: jax.Array, decay: float) -> jax.Array:
    """The weighted mean (A,) of predictions (n, A), the oldest first;
    the i-th has the weight exp(-decay * i).
    """
    weights = jnp.exp(-decay * jnp.arange(len(predictions)))
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
            (
                "The weights are 1 for the first row, the OLDEST, "
                "and exp(-0.7) for the second; divide by their sum."
            ),
        ),
        Case(
            "four predictions, decay 0: a plain mean",
            (_normal(rng, 4, 2), 0.0),
            "With decay 0 all weights are equal: the mean over the rows, axis 0.",
        ),
        Case(
            "five predictions, decay 0.3",
            (_normal(rng, 5, 3), 0.3),
            (
                "Weights exp(-decay * i), i = 0 .. n - 1 from the oldest, "
                "divided by their sum; they multiply rows."
            ),
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


def _ensemble_with(weight=lambda i, n, d: np.exp(-d * i), normalise=lambda w: w / w.sum()):
    def wrong(predictions, decay):
        n = len(predictions)
        return normalise(weight(np.arange(n), n, decay) + np.zeros(n)) @ predictions

    return wrong


check_temporal_ensemble = Exercise(
    temporal_ensemble,
    _ensemble_by_loop,
    _ensemble_cases,
    [
        Misconception(
            "The newest prediction weighs most.",
            "In ALOHA the oldest has the largest weight: exp(-decay * 0) for row 0.",
            _ensemble_with(weight=lambda i, n, d: np.exp(-d * (n - 1 - i))),
        ),
        Misconception(
            "The weights are not divided by their sum.",
            "Divide by the sum of the weights: a mean.",
            _ensemble_with(normalise=lambda w: w),
        ),
        Misconception(
            "The weights are divided by n.",
            "Divide by the sum of the weights.",
            _ensemble_with(normalise=lambda w: w / len(w)),
        ),
        Misconception(
            "All predictions have the same weight: the decay is not used.",
            "Row i has the weight exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: 1.0),
        ),
        Misconception(
            "Only the newest prediction counts.",
            "All n predictions count.",
            _ensemble_with(weight=lambda i, n, d: i == n - 1),
        ),
        Misconception(
            "Only the oldest prediction counts.",
            "All n predictions count.",
            _ensemble_with(weight=lambda i, n, d: i == 0),
        ),
        Misconception(
            "The weights are powers of decay.",
            "exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: float(d) ** i),
        ),
        Misconception(
            "The weights are powers of 1 - decay.",
            "exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: (1 - d) ** i),
        ),
        Misconception(
            "The weights fall as 1 / (1 + decay * i).",
            "exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: 1 / (1 + d * i)),
        ),
        Misconception(
            "The decay is per ensemble, not per step: i is divided by n.",
            "exp(-decay * i), i = 0, 1, 2, ...",
            _ensemble_with(weight=lambda i, n, d: np.exp(-d * i / n)),
        ),
        Misconception(
            "The exponent is squared, as in a Gaussian.",
            "exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: np.exp(-d * i**2)),
        ),
        Misconception(
            "decay is not in the exponent: the weights are exp(-i).",
            "exp(-decay * i).",
            _ensemble_with(weight=lambda i, n, d: np.exp(-1.0 * i)),
        ),
    ],
    insight="The oldest prediction weighs most: what was decided is kept, and new looks correct it slowly.",
    compiled=True,
)
