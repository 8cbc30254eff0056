"""Checks of lesson 03, flow matching.

Shapes: B batch, N data, D size of a point, S observation, H chunk, A action size, n chunks that are merged.

Random numbers come from the case's own key, drawn as the docstrings prescribe. So right answers are equal.
Answers get JAX arrays, as in the lesson: a NumPy array refuses an index that is traced, as in jax.vmap.
"""

import copy
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.agents import flow
from qlac_lite.lessons.checks.exercise import Case, Exercise, Hint, Misconception, Named, Verdict, edited
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
    return jnp.asarray(rng.normal(size=shape) * 1.5, jnp.float32)


def _key(rng):
    return jax.random.key(int(rng.integers(2**31)))


# 1. The mean velocity


def mean_velocity(data: jax.Array, x: jax.Array, time: jax.Array) -> jax.Array:
    """The mean velocity (B, D) of lines from Gaussian noise to data (N, D) that pass x (B, D) at time."""
    t = time[:, None, None]
    noise = (x[:, None] - t * data) / (1 - t)
    weights = jax.nn.softmax(-0.5 * jnp.sum(noise**2, axis=2), axis=1)
    return jnp.sum(weights[..., None] * (data - noise), axis=1)


def _mean_cases(rng):
    def inputs(points, size, *time):
        return _normal(rng, points, size), _normal(rng, len(time), size), jnp.array(time, jnp.float32)

    one, places, times = inputs(1, 2, 0.3, 0.6, 0.996)
    places = places.at[2].set(
        0.996 * one[0] + 0.004 * places[2]
    )  # near the end of the line, with an ordinary noise
    near = [[-0.6], [0.6]], [[0.1], [-0.4], [0.5]], [0.5, 0.5, 0.5]
    far = [[-0.6, 0.0], [0.6, 0.0]], [[0.5, 0.1], [3.0, 2.0]], [0.9, 0.9]
    return [
        Case(
            "one point of data in the plane, at t = 0.3, 0.6 and 0.996",
            (one, places, times),
            (
                "All lines end at the one point: the velocity is that of the line through x.",
                "data - noise, noise = (x - t * data) / (1 - t).",
            ),
        ),
        Case(
            "four points of data, at t = 0",
            inputs(4, 2, 0.0, 0.0, 0.0),
            (
                "At t = 0 a line to every point of the data starts where you stand, and all count the same.",
                "The result is data.mean(axis=0) - x.",
            ),
        ),
        Case(
            "the actions -0.6 and 0.6, at t = 0.5",
            tuple(map(jnp.float32, near)),
            (
                "The line whose noise is nearer to 0 is more likely: step 2 and 3.",
                "Weights exp(-0.5 * sum of noise**2), divided by their sum over the data.",
            ),
        ),
        Case(
            "five points in space, each x at its own time",
            inputs(5, 3, *rng.uniform(0.1, 0.8, size=4)),
            (
                "Three axes: which x, which point of the data, which coordinate.",
                "x[:, None] and time[:, None, None]; noise is (B, N, D).",
            ),
        ),
        Case(
            "a place near a line and one far from all lines, at t = 0.9",
            tuple(map(jnp.float32, far)),
            (
                "Far from all lines all weights are tiny, and their sum is 0 in single precision.",
                "jax.nn.softmax(log_weights, axis=1) subtracts the largest one of each x first.",
            ),
        ),
    ]


def _mean_by_loop(data, x, time):
    rows = []
    for place, t in zip(np.asarray(x, float), np.asarray(time, float), strict=True):
        noise = (place - t * np.asarray(data, float)) / (1 - t)
        logs = -0.5 * np.square(noise).sum(axis=1)
        weights = np.exp(logs - logs.max())
        rows.append(weights @ (data - noise) / weights.sum())
    return np.array(rows)


LIKELY = ("A line is as likely as the noise that it starts from.", "exp(-0.5 * jnp.sum(noise**2, axis=2)).")
A_MEAN = ("A mean: the weights of an x add up to 1 over the data.", "jax.nn.softmax(..., axis=1).")
THE_LINE = ("The line to a point of the data runs from its noise to it.", "data - noise.")
WHERE_FROM = ("x = (1 - t) * noise + t * data: solve it for the noise.", "(x[:, None] - t * data) / (1 - t).")

SUM_IS_0 = (
    "Weights do not change if the largest log-probability of the same x is subtracted before exp.",
    "jax.nn.softmax(log_weights, axis=1) does it.",
)
SOFTMAX = "jax.nn.softmax(-0.5 * jnp.sum(noise**2, axis=2), axis=1)"
EXP = "(exp := jnp.exp(-0.5 * jnp.sum(noise**2, axis=2)))"

_mean_misconceptions = [
    Misconception(name, remedy, edited(mean_velocity, changes))
    for name, remedy, changes in [
        (
            "All lines count the same, wherever you stand.",
            LIKELY,
            {SOFTMAX: "jnp.ones(noise.shape[:2]) / len(data)"},
        ),
        (
            "Only the likeliest line counts.",
            ("All lines through x count, each with its weight.", "jax.nn.softmax, not argmax."),
            {
                SOFTMAX: "1.0 * (jnp.arange(len(data)) "
                "== jnp.argmin(jnp.sum(noise**2, axis=2), axis=1)[:, None])"
            },
        ),
        (
            "The weights are not divided by their sum.",
            A_MEAN,
            {SOFTMAX: EXP},
        ),
        (
            "The weights add up to 1 over the rows of x, not over the data.",
            A_MEAN,
            {"axis=2), axis=1)": "axis=2), axis=0)"},
        ),
        (
            "Only the line to the nearest point of the data counts.",
            ("All lines through x count, each with its weight.", "jax.nn.softmax, not argmin."),
            {
                SOFTMAX: "1.0 * (jnp.arange(len(data)) "
                "== jnp.argmin(jnp.sum((x[:, None] - data) ** 2, axis=2), axis=1)[:, None])"
            },
        ),
        (
            "The noise is divided by 1 - t twice, the second time in the weights.",
            LIKELY,
            {"jnp.sum(noise**2": "jnp.sum((noise / (1 - t)) ** 2"},
        ),
        (
            "The mean velocity is scaled to the length 1.",
            ("The length of the mean velocity counts.", "No division by its norm."),
            {
                "return jnp.sum(weights[..., None] * (data - noise), axis=1)": (
                    "v = jnp.sum(weights[..., None] * (data - noise), axis=1)\n"
                    "    return v / jnp.linalg.norm(v, axis=1, keepdims=True)"
                )
            },
        ),
        (
            "0 / 0 far from all lines, where exp gives 0 for all weights of an x.",
            SUM_IS_0,
            {SOFTMAX: EXP + " / jnp.sum(exp, axis=1, keepdims=True)"},
        ),
        (
            "A tiny number is added to the sum of the weights: they no longer add up to 1.",
            SUM_IS_0,
            {SOFTMAX: EXP + " / (jnp.sum(exp, axis=1, keepdims=True) + 1e-8)"},
        ),
        (
            "The weights divide by 1 - t once, not squared: 1 - t is taken for a variance.",
            LIKELY,
            {"jnp.sum(noise**2": "jnp.sum((1 - t) * noise**2"},
        ),
        ("The factor 1/2 is missing in the weights.", LIKELY, {"-0.5 *": "-"}),
        ("The weights grow with the size of the noise: the sign is missing.", LIKELY, {"-0.5 *": "0.5 *"}),
        (
            "The weights use the length of the noise, not its square.",
            LIKELY,
            {"-0.5 * jnp.sum(noise**2, axis=2)": "-0.5 * jnp.sqrt(jnp.sum(noise**2, axis=2))"},
        ),
        (
            "The weights use the mean over the coordinates, not the sum.",
            LIKELY,
            {"-0.5 * jnp.sum": "-0.5 * jnp.mean"},
        ),
        ("The noise is not divided by 1 - t.", WHERE_FROM, {" / (1 - t)": ""}),
        *(
            (
                f"1 - t is kept above {bound}, so late in time the noise comes out too small.",
                (
                    "time is in [0, 1), so 1 - t is never 0.",
                    "(x[:, None] - t * data) / (1 - t), without a bound.",
                ),
                {"/ (1 - t)": f"/ jnp.maximum(1 - t, {bound})"},
            )
            for bound in (0.05, 0.01)
        ),
        ("The noise is divided by t.", WHERE_FROM, {" / (1 - t)": " / jnp.maximum(t, 1e-6)"}),
        (
            "t and 1 - t are swapped on the line.",
            WHERE_FROM,
            {"x[:, None] - t * data) / (1 - t)": "x[:, None] - (1 - t) * data) / jnp.maximum(t, 1e-6)"},
        ),
        (
            "The weights use the distance from x to the data, as if t were 1 and the noise unscaled.",
            LIKELY,
            {"jnp.sum(noise**2, axis=2)": "jnp.sum((x[:, None] - data) ** 2, axis=2)"},
        ),
        (
            "The weights use x - t * data, not divided by 1 - t.",
            LIKELY,
            {"jnp.sum(noise**2, axis=2)": "jnp.sum((x[:, None] - t * data) ** 2, axis=2)"},
        ),
        (
            "The weights use the size of the velocity: short lines count most.",
            LIKELY,
            {"jnp.sum(noise**2, axis=2)": "jnp.sum((data - noise) ** 2, axis=2)"},
        ),
        (
            "The velocity is the way still to go, data - x.",
            THE_LINE,
            {"(data - noise)": "(data - x[:, None])"},
        ),
        (
            "The velocity is the way already gone, x - noise.",
            THE_LINE,
            {"(data - noise)": "(x[:, None] - noise)"},
        ),
        (
            "It returns where the lines end, not how fast they go.",
            THE_LINE,
            {"(data - noise)": "(data + 0 * noise)"},
        ),
        ("It returns where the lines start.", THE_LINE, {"(data - noise)": "noise"}),
        ("The velocity points from the data to the noise.", THE_LINE, {"(data - noise)": "(noise - data)"}),
        (
            "All rows have the time of the first.",
            ("Each x has its own time.", "time[:, None, None]."),
            {"time[:, None, None]": "time[0]"},
        ),
        (
            "The mean is divided by the number of points again.",
            A_MEAN,
            {"jnp.sum(weights[..., None]": "jnp.mean(weights[..., None]"},
        ),
    ]
]

check_mean_velocity = Exercise(
    mean_velocity,
    _mean_by_loop,
    _mean_cases,
    _mean_misconceptions,
    insight="The best field there is, without a network. A network learns it from random lines alone.",
    compiled=True,
)


# 2. The loss of chunks


def flow_matching_loss(
    field, observation: jax.Array, chunks: jax.Array, valid: jax.Array, key: jax.Array
) -> jax.Array:
    """The loss of field(observation (B, S), x (B, H, A), time (B,)) for chunks (B, H, A); a scalar.

    Steps with valid (B, H) = 0 count as zero error; the mean is over all B * H * A entries.
    """
    return flow.flow_matching_loss(field, observation, chunks, valid, key)


def _whole_or_cut(rng, lengths, horizon, size, **about):
    """Inputs of a case: chunks of which these steps exist, and a field."""
    valid = (np.arange(horizon) < np.array(lengths)[:, None]).astype(np.float32)
    chunks = np.array(_normal(rng, len(lengths), horizon, size)) * valid[..., None]
    if min(lengths) < horizon:  # a pause is an action: all of it 0, or a part
        whole = int(np.argmax(lengths))
        chunks[whole, 0], chunks[whole, 1, 0] = 0.0, 0.0
    told = "some function of observation, x and time"
    field = Field(rng, **{"about": told, "observation": 3, "chunk": (horizon, size)} | about)
    return field, _normal(rng, len(lengths), 3), jnp.array(chunks), jnp.array(valid), _key(rng)


def _loss_cases(rng):
    return [
        Case(
            "a field that is 0.5 everywhere, four whole chunks of 3 actions",
            _whole_or_cut(rng, [3] * 4, 3, 2, about="0.5 everywhere", velocity=0.5, mixed=False),
            (
                "The field is 0.5 everywhere, so only the noise, the velocity and the mean matter here.",
                "jnp.mean((0.5 - (chunks - noise)) ** 2), with noise from the first half of the key.",
            ),
        ),
        Case(
            "a field of all three, five whole chunks of 4 actions",
            _whole_or_cut(rng, [4] * 5, 4, 2),
            (
                "The field is asked at the point of the path, at the time of the path; the "
                "observation goes in as it is.",
                "time[:, None, None] on the path, time of shape (B,) into the field.",
            ),
        ),
        Case(
            "chunks of 4, some cut by an episode's end",
            _whole_or_cut(rng, [4, 1, 3, 2, 4, 4], 4, 2),
            (
                "A step that does not exist has no error; it still counts in the number of entries.",
                "jnp.mean(valid[..., None] * error**2).",
            ),
        ),
        Case(
            "three chunks of 3 actions of size 3, two of them cut",
            _whole_or_cut(rng, [1, 3, 2], 3, 3),
            (
                "valid says which STEPS exist: it needs an axis for the actions.",
                "valid[..., None], of shape (B, H, 1).",
            ),
        ),
    ]


def _loss_by_loop(field, observation, chunks, valid, key):
    noise_key, time_key = jax.random.split(key)
    noise = np.asarray(jax.random.normal(noise_key, chunks.shape))
    time = np.asarray(jax.random.uniform(time_key, (len(chunks),)))
    observation, chunks, valid, total = *map(np.asarray, (observation, chunks, valid)), 0.0
    for i, velocity in enumerate(chunks - noise):
        inputs = observation[i : i + 1], (noise[i] + time[i] * velocity)[None], time[i : i + 1]
        error = np.asarray(field(*inputs))[0] - velocity
        total += np.sum(np.square(error)[valid[i] > 0])
    return total / chunks.size


VELOCITY = ("The field predicts the velocity of the line.", "chunks - noise.")
ON_THE_LINE = (
    "The field is asked where the line is at that time.",
    "field(observation, x, time), x = (1 - t) * noise + t * chunks.",
)
SAME_TIME = ("The field is told the time that made x.", "field(observation, x, time).")
SQUARES = ("It is the mean of the squared errors.", "jnp.mean(valid[..., None] * error**2).")
ALL_ENTRIES = (
    "The mean is over all entries, those that do not exist included.",
    "jnp.mean over (B, H, A): divide by B * H * A.",
)
KEYS = ("Steps 1 to 3 say which key draws what.", "noise_key, time_key = jax.random.split(key), once.")
STEPS = ("Each step that exists is data; the others have no error.", "valid[..., None] * error**2.")
A_PAUSE = ("An action, or a part of it, may be 0: a pause is data.", "Only valid tells which steps exist.")
ONE_TIME = ("All steps of a chunk are on the line at one time.", "time has the shape (B,).")
ROW_BY_ROW = ("Row b of the observation belongs to row b of the chunks.", "The observation goes in as it is.")


def edited_loss(changes):
    """The library's loss, edited."""
    return edited(flow.flow_matching_loss, changes)


TIME_A_STEP = {
    "actions.shape[:1]": "actions.shape[:2]",
    "interpolate(noise, actions, time)": "noise + time[..., None] * (actions - noise), actions - noise",
}

_loss_edits = [
    (
        "The steps that do not exist count: the field learns the zeros after an episode's end.",
        STEPS,
        {"valid[..., None] * error**2": "error**2"},
    ),
    (
        "valid is upside down: only what does not exist counts.",
        STEPS,
        {"valid[..., None]": "(1 - valid[..., None])"},
    ),
    (
        "The sum is divided by the number of entries that exist.",
        ALL_ENTRIES,
        {"error**2)": "error**2) / jnp.mean(valid)"},
    ),
    (
        "The sum is divided by the number of steps that exist.",
        ALL_ENTRIES,
        {"jnp.mean": "1 / jnp.sum(valid) * jnp.sum"},
    ),
    (
        "Each chunk has the mean over its own steps: a cut chunk counts as much as a whole one.",
        ALL_ENTRIES,
        {"valid[..., None]": "(valid / valid.mean(axis=1, keepdims=True))[..., None]"},
    ),
    (
        "Cut chunks do not count at all, as for the critic.",
        STEPS,
        {"valid[..., None]": "valid[:, -1:, None]"},
    ),
    (
        "A cut chunk counts by its share of steps, those that do not exist included.",
        STEPS,
        {"valid[..., None]": "valid.mean(axis=1)[:, None, None]"},
    ),
    (
        "The mask is guessed from zeros in the chunks, entry by entry.",
        A_PAUSE,
        {"valid[..., None]": "(actions != 0)"},
    ),
    (
        "The mask is guessed from steps whose action is all 0.",
        A_PAUSE,
        {"valid[..., None]": "(actions != 0).any(axis=-1, keepdims=True)"},
    ),
    (
        "Each step of a chunk has a time of its own, and the field is told the first one's.",
        ONE_TIME,
        TIME_A_STEP | {"x, time)": "x, time[:, 0])"},
    ),
    (
        "Each step of a chunk has a time of its own, and the field is told their mean.",
        ONE_TIME,
        TIME_A_STEP | {"x, time)": "x, time.mean(axis=1))"},
    ),
    (
        "Only the first action of a chunk counts.",
        ("All H actions are predicted.", "error has the shape (B, H, A)."),
        {"valid[..., None] * error**2": "valid[:, :1] * error[:, 0] ** 2"},
    ),
    (
        "The field does not see the steps that do not exist: x, or its noise, is masked.",
        ("Only the error is masked; at such steps x is noise.", "valid[..., None] * error**2."),
        {"x, time)": "valid[..., None] * x, time)"},
    ),
    (
        "The prediction is masked, the velocity is not: its noise counts as an error.",
        STEPS,
        {"valid[..., None] * error**2": "error**2", "error =": "error = valid[..., None] *"},
    ),
    (
        "One noise is shared by all steps of a chunk.",
        ("Every number of a chunk has its own noise.", "The shape of the noise is that of the chunks."),
        {"noise_key, actions.shape": "noise_key, actions[:, :1].shape"},
    ),
    (
        "t and 1 - t are swapped on the line.",
        ("At t = 0 there is noise, at t = 1 data.", "(1 - t) * noise + t * chunks."),
        {"actions, time)": "actions, 1 - time)"},
    ),
    (
        "The whole line runs backwards, from the data to the noise.",
        ("At t = 0 there is noise, at t = 1 data.", "(1 - t) * noise + t * chunks, and chunks - noise."),
        {"actions, time)": "actions, 1 - time)", "- velocity": "+ velocity"},
    ),
    ("The velocity has the wrong sign.", VELOCITY, {"- velocity": "+ velocity"}),
    ("The target is the data, not the velocity.", VELOCITY, {"- velocity": "- actions"}),
    ("The target is the noise, as in a diffusion model.", VELOCITY, {"- velocity": "- noise"}),
    ("The target is the way from x to the data.", VELOCITY, {"- velocity": "- (actions - x)"}),
    ("The target is the way from the noise to x.", VELOCITY, {"- velocity": "- (x - noise)"}),
    ("The field is asked at the data, not on the line.", ON_THE_LINE, {"x, time)": "actions, time)"}),
    ("The field is asked at the noise, not on the line.", ON_THE_LINE, {"x, time)": "noise, time)"}),
    (
        "The noise does not fade: x = noise + t * chunks.",
        ON_THE_LINE,
        {"x, time)": "noise + time[:, None, None] * actions, time)"},
    ),
    (
        "The weights are those of a diffusion: their squares add up to 1.",
        ON_THE_LINE,
        {"x, time)": "jnp.sqrt(1 - time**2)[:, None, None] * noise + time[:, None, None] * actions, time)"},
    ),
    ("The field is told 1 - t.", SAME_TIME, {"x, time)": "x, 1 - time)"}),
    ("The field is always told t = 0.", SAME_TIME, {"x, time)": "x, 0 * time)"}),
    ("It is the mean absolute error.", SQUARES, {"error**2": "jnp.abs(error)"}),
    ("The errors are neither squared nor made positive, so they cancel.", SQUARES, {"error**2": "error"}),
    ("The squared errors are summed over everything.", SQUARES, {"jnp.mean": "jnp.sum"}),
    (
        "The squared errors are summed within a chunk, and the mean is over the rows only.",
        ALL_ENTRIES,
        {"jnp.mean": "1 / len(error) * jnp.sum"},
    ),
    ("It is the root of the mean squared error.", SQUARES, {"error**2)": "error**2) ** 0.5"}),
    ("It is the square of the mean: errors of both signs cancel.", SQUARES, {"error**2)": "error) ** 2"}),
    ("The loss is doubled.", SQUARES, {"error**2": "2 * error**2"}),
    (
        "The squared errors are summed over the actions, and the mean is over rows and steps only.",
        ALL_ENTRIES,
        {"jnp.mean": "1 / error[..., 0].size * jnp.sum"},
    ),
    ("The time is drawn from the noise's key.", KEYS, {"uniform(time_key": "uniform(noise_key"}),
    ("The noise is drawn from the time's key.", KEYS, {"normal(noise_key": "normal(time_key"}),
    ("The loss is halved.", SQUARES, {"error**2": "error**2 / 2"}),
    (
        "The gradient is stopped: nothing would learn.",
        ("The field is what learns.", "No stop_gradient here."),
        {"error**2": "jax.lax.stop_gradient(error) ** 2"},
    ),
    (
        "The key is split twice in a row, as one does in a loop.",
        KEYS,
        {"noise_key, time_key =": "key, noise_key = jax.random.split(key)\n    key, time_key ="},
    ),
    (
        "One key is used for both noise and time: they are not independent.",
        KEYS,
        {"jax.random.split(key)": "key, key"},
    ),
    ("The two keys are swapped.", KEYS, {"noise_key, time_key =": "time_key, noise_key ="}),
    (
        "One noise is shared by the whole batch.",
        ("Every row draws its own noise.", "The shape of the noise is that of the chunks."),
        {"noise_key, actions.shape": "noise_key, actions[:1].shape"},
    ),
    (
        "One time is shared by the whole batch.",
        ("Every row draws its own time.", "jax.random.uniform(time_key, (B,))."),
        {"uniform(time_key, actions.shape[:1])": "uniform(time_key) * jnp.ones(len(actions))"},
    ),
    (
        "The time is not random.",
        ("Times are drawn between 0 and 1.", "jax.random.uniform(time_key, (B,))."),
        {"jax.random.uniform(time_key, actions.shape[:1])": "0.5 * jnp.ones(len(actions))"},
    ),
    (
        "The noise is uniform, not Gaussian.",
        ("The noise is Gaussian.", "jax.random.normal(noise_key, ...)."),
        {"normal(noise_key, actions.shape)": "uniform(noise_key, actions.shape, minval=-1)"},
    ),
    (
        "The time is Gaussian: it leaves [0, 1].",
        ("Times are drawn between 0 and 1.", "jax.random.uniform(time_key, (B,))."),
        {"jax.random.uniform": "jax.random.normal"},
    ),
]


def _seen(change):
    """The right loss for a changed observation."""
    return lambda f, o, *rest: flow_matching_loss(f, change(o), *rest)


_loss_misconceptions = [
    *(Misconception(name, remedy, edited_loss(changes)) for name, remedy, changes in _loss_edits),
    Misconception("The observation is not used.", ROW_BY_ROW, _seen(lambda o: 0 * o)),
    Misconception("All rows have the observation of the first.", ROW_BY_ROW, _seen(lambda o: 0 * o + o[0])),
    Misconception(
        "The observations are in another order than the chunks.", ROW_BY_ROW, _seen(lambda o: o[::-1])
    ),
]

check_flow_matching_loss = Exercise(
    flow_matching_loss,
    _with_slope(_loss_by_loop),
    _loss_cases,
    _loss_misconceptions,
    insight="A regression, nothing more. What it learns is the mean velocity of section 1.",
    observe=slope,
    compiled=True,
)


# 3. The sampler


def sample_chunks(
    field, observation: jax.Array, key: jax.Array, horizon: int, size: int, steps: int
) -> jax.Array:
    """Chunks (B, H, A) for observations (B, S), by `steps` Euler steps from noise; clipped at the end."""
    x = jax.random.normal(key, (len(observation), horizon, size))
    for k in range(steps):
        time = jnp.full(len(x), k / steps)
        x = x + field(observation, x, time) / steps
    return jnp.clip(x, -1, 1)


def _sampler_cases(rng):
    def inputs(rows, horizon, size, steps, about="some function of observation, x and time", **kind):
        field = Field(rng, about, observation=3, chunk=(horizon, size), **kind)
        return field, _normal(rng, rows, 3), _key(rng), horizon, size, steps

    wind = dict(about="0.5 everywhere", velocity=0.5, mixed=False)
    calm = dict(about="v = -1.2 x", pull=-1.2, mixed=False)
    mixed = dict(pull=-1.5)
    return [
        Case(
            "a field that is 0.5 everywhere, 4 steps",
            inputs(4, 3, 2, 4, **wind),
            (
                "K steps of size 1/K move x by 0.5 in all; then what is outside [-1, 1] is clipped.",
                "jnp.clip(noise + 0.5, -1, 1), noise = jax.random.normal(key, (B, H, A)).",
            ),
        ),
        Case(
            "a field v = -1.2 x, 2 steps",
            inputs(4, 3, 2, 2, **calm),
            (
                "Each step starts where the last one ended.",
                "x = x + field(observation, x, time) / steps: x shrinks to 0.4 of it, twice.",
            ),
        ),
        Case(
            "a field of all three, 1 step",
            inputs(5, 2, 2, 1, **mixed),
            (
                "The only step starts at t = 0, at the noise.",
                "noise + field(observation, noise, jnp.zeros(B)).",
            ),
        ),
        Case(
            "a field of all three, 5 steps",
            inputs(5, 4, 3, 5, **mixed),
            (
                "Step k asks the field where it starts: at the time k / K.",
                "time = jnp.full(B, k / steps), k = 0 .. K - 1.",
            ),
        ),
        Case(
            "a field that is 0.5 everywhere, 10 steps",
            inputs(3, 2, 2, 10, **wind),
            ("Count the steps: times that are added up miss the end by rounding.", "for k in range(steps)."),
        ),
    ]


def _sampler_by_loop(field, observation, key, horizon, size, steps):
    rows = []
    noise = np.asarray(jax.random.normal(key, (len(observation), horizon, size)))
    for seen, x in zip(np.asarray(observation), noise, strict=True):
        for k in range(steps):
            x = x + np.asarray(field(seen[None], x[None], np.float32([k / steps])))[0] / steps
        rows.append(np.minimum(np.maximum(x, -1), 1))
    return np.array(rows)


START_TIME = ("A step asks the field at the time where it starts.", "t = k / K, k = 0 .. K - 1.")
STEP_SIZE = ("K steps cover the time from 0 to 1.", "field(...) / steps, for k in range(steps).")
CLIP_LAST = (
    "On its way the flow may go anywhere; actions live in [-1, 1].",
    "jnp.clip(x, -1, 1) after the last step.",
)
OWN_NOISE = (
    "Every number of every chunk starts at its own Gaussian noise.",
    "jax.random.normal(key, (B, H, A)).",
)
AS_IT_IS = ("The noise is drawn from the key as it is.", "jax.random.normal(key, ...).")

_sampler_edits = [
    (
        "The times are those of the ends of the steps: t = 1/K .. 1.",
        START_TIME,
        {"k / steps": "(k + 1) / steps"},
    ),
    ("The times are those of the middles of the steps.", START_TIME, {"k / steps": "(k + 0.5) / steps"}),
    (
        "The times are spread from 0 to 1 with both ends, as np.linspace(0, 1, K) gives them.",
        START_TIME,
        {"k / steps": "k / max(steps - 1, 1)"},
    ),
    ("The time is k, not k / K.", START_TIME, {"k / steps": "k"}),
    ("The time stays 0.", START_TIME, {"k / steps": "0.0"}),
    (
        "It runs from t = 1 down to 0, against the field: that turns data into noise.",
        START_TIME,
        {"k / steps": "1 - k / steps", "x + field": "x - field"},
    ),
    ("Time runs from 1 down to 0.", START_TIME, {"k / steps": "1 - k / steps"}),
    (
        "The steps are taken in the wrong order, the last one first.",
        START_TIME,
        {"range(steps)": "reversed(range(steps))"},
    ),
    (
        "A step has the size 1 / (K - 1).",
        STEP_SIZE,
        {"field(observation, x, time) / steps": "field(observation, x, time) / jnp.float32(steps - 1)"},
    ),
    (
        "Each step asks the field in its middle (the midpoint method).",
        ("Euler asks once, where the step starts.", "One call of field in the loop."),
        {
            "x = x + field(observation, x, time) / steps": (
                "v = field(observation, x, time) / steps\n"
                "        x = x + field(observation, x + v / 2, time + 0.5 / steps) / steps"
            )
        },
    ),
    ("Only what is above 1 is clipped.", CLIP_LAST, {"jnp.clip(x, -1, 1)": "jnp.minimum(x, 1)"}),
    ("The velocity is subtracted.", STEP_SIZE, {"x + field": "x - field"}),
    ("A step has the size 1, not 1/K.", STEP_SIZE, {"x, time) / steps": "x, time)"}),
    ("The last step is missing.", STEP_SIZE, {"range(steps)": "range(steps - 1)"}),
    ("The step at t = 0 is missing.", STEP_SIZE, {"range(steps)": "range(1, steps)"}),
    ("It makes one step too many.", STEP_SIZE, {"range(steps)": "range(steps + 1)"}),
    (
        "Each step asks the field twice and averages (Heun's method).",
        ("Euler asks once, where the step starts.", "One call of field in the loop."),
        {
            "x = x + field(observation, x, time) / steps": "v = field(observation, x, time) / steps\n"
            "        x = x + (v + field(observation, x + v, time + 1 / steps) / steps) / 2"
        },
    ),
    ("The result is not clipped.", CLIP_LAST, {"jnp.clip(x, -1, 1)": "x"}),
    ("The result is clipped to [0, 1].", CLIP_LAST, {"jnp.clip(x, -1, 1)": "jnp.clip(x, 0, 1)"}),
    (
        "The result is squashed by tanh, which changes what is inside the box, too.",
        CLIP_LAST,
        {"jnp.clip(x, -1, 1)": "jnp.tanh(x)"},
    ),
    (
        "Every step is clipped to [-1, 1].",
        CLIP_LAST,
        {
            "x + field(observation, x, time) / steps": "jnp.clip(x + field(observation, x, "
            "time) / steps, -1, 1)"
        },
    ),
    (
        "The noise is clipped before it starts.",
        CLIP_LAST,
        {
            "x = jax.random.normal(key, (len(observation), horizon, size))": "x = "
            "jnp.clip(jax.random.normal(key, (len(observation), horizon, size)), -1, 1)"
        },
    ),
    (
        "It starts from 0, not from noise: all samples of an observation would be the same.",
        OWN_NOISE,
        {"x = jax": "x = 0 * jax"},
    ),
    (
        "The noise is uniform in [-1, 1].",
        OWN_NOISE,
        {
            "normal(key, (len(observation), horizon, size))": "uniform(key, (len(observation), "
            "horizon, size), minval=-1)"
        },
    ),
    (
        "One noise is shared by all rows.",
        OWN_NOISE,
        {
            "(len(observation), horizon, size)": "(1, horizon, size)",
            "x = jax": "x = jnp.ones((len(observation), 1, 1)) * jax",
        },
    ),
    (
        "One noise is shared by all steps of a chunk.",
        OWN_NOISE,
        {
            "(len(observation), horizon, size)": "(len(observation), 1, size)",
            "x = jax": "x = jnp.ones((1, horizon, 1)) * jax",
        },
    ),
    (
        "The key is split first, and the noise is drawn from the first part.",
        AS_IT_IS,
        {"normal(key": "normal(jax.random.split(key)[0]"},
    ),
    (
        "The key is split first, and the noise is drawn from the second part.",
        AS_IT_IS,
        {"normal(key": "normal(jax.random.split(key)[1]"},
    ),
    (
        "The times are added up, and rounding makes one step too many: ten times 0.1 stays below 1.",
        STEP_SIZE,
        {
            "for k in range(steps)": "t = 0.0\n    while t < 1",
            "jnp.full(len(x), k / steps)": "jnp.full(len(x), t)\n        t = t + 1 / steps",
        },
    ),
    (
        "The field is taken for the end of the line: a step goes (field - x) / K.",
        ("The field is a velocity already.", "field(observation, x, time) / steps."),
        {"field(observation, x, time) /": "(field(observation, x, time) - x) /"},
    ),
    (
        "The field is asked at the noise in every step.",
        ("Ask the field where the last step ended.", "field(observation, x, time)."),
        {"x = jax": "x = start = jax", "field(observation, x, time)": "field(observation, start, time)"},
    ),
    (
        "It returns the way, not the place: the noise is missing.",
        ("Start at the noise and add to it.", "x = noise; x = x + ..."),
        {"x = jax": "x = start = jax", "jnp.clip(x,": "jnp.clip(x - start,"},
    ),
]

_sampler_misconceptions = [
    *(
        Misconception(name, remedy, edited(sample_chunks, changes))
        for name, remedy, changes in _sampler_edits
    ),
    Misconception(
        "The number of steps is fixed at 10.",
        ("The caller says how many steps.", "range(steps)."),
        lambda f, o, key, H, A, K: sample_chunks(f, o, key, H, A, 10),
    ),
    Misconception(
        "The observation is not used.", ROW_BY_ROW, lambda f, o, *rest: sample_chunks(f, 0 * o, *rest)
    ),
    Misconception(
        "All rows have the observation of the first.",
        ROW_BY_ROW,
        lambda f, o, *rest: sample_chunks(f, 0 * o + o[0], *rest),
    ),
]

check_sample_chunks = Exercise(
    sample_chunks,
    _sampler_by_loop,
    _sampler_cases,
    _sampler_misconceptions,
    insight="K passes of the network for each sample. Lesson 04 distils them into one.",
    compiled=True,
)


# 4. The bug hunt


def training_batch(data: jax.Array, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Points x (B, D) of random lines from noise to data (N, D), their times (B,) and velocities (B, D)."""
    rows_key, noise_key, time_key = jax.random.split(key, 3)
    rows = jax.random.randint(rows_key, (size,), 0, len(data))
    ends = data[rows]
    time = (jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size
    noise = jax.random.normal(noise_key, ends.shape)
    t = time[:, None]
    return (1 - t) * noise + t * ends, time, ends - noise


def broken_batch(data, key, size):
    """What the lesson shows: rows in order and a time from each part of [0, 1], which rise together."""
    rows_key, noise_key, time_key = jax.random.split(key, 3)
    rows = jnp.sort(jax.random.randint(rows_key, (size,), 0, len(data)))
    time = (jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size
    ends = data[rows]
    noise = jax.random.normal(noise_key, ends.shape)
    t = time[:, None]
    x = (1 - t) * noise + t * ends
    velocity = ends - noise
    return x, time, velocity


# Facts that hold for many batches, by the name that the check tells. First, what matters.
LINES = "share of lines that end at a point of the data"
AGAIN = "share of the numbers that the same key gives again"
SAME_NOISE = "share of batches with the noise of the first one"
SAME_TIMES = "share of batches with the times of the first one"
ROW_TIME = "dependence of the time on the place in the data"
OF_RANK = "spread of the times at one place among a batch's sorted rows, of all times"
OF_POINT = "spread of the times of one point, of all times"
SPREAD = "spread of all times, of that between 0 and 1"
UNEVEN = "largest distance of the times from evenly spread ones"
TIMES_TWICE = "share of times that are used twice in a batch"
DRAWN = "share of the data that is drawn"
UNEVEN_ROWS = "largest distance of the rows from evenly spread ones"
TIME_NOISE = "dependence of the time on the noise"
ROW_NOISE = "dependence of the noise on the place in the data"
KEPT = "share of points that keep their noise"
NOISES_TWICE = "share of noises that are used twice in a batch"
WITHIN_NOISE = "dependence of the numbers of one noise on each other"
MEAN_NOISE = "mean of the noise"
NOISE_SPREAD = "spread of the noise"
OF_NOISE = (TIME_NOISE, ROW_NOISE, KEPT, NOISES_TWICE, WITHIN_NOISE, MEAN_NOISE, NOISE_SPREAD)
# Then, what only tells mistakes apart.
SWAPPED = "share of lines that end at a point of the data if t is 1 - t"
REVERSED = "share of lines that end at a point of the data if the velocity is turned round"
TO_GO = "share of lines that end at a point of the data if the velocity is the way still to go"
OTHER_TIME = "share of lines that end at a point of the data if another time is theirs"
RISING = "correlation of the time with the place in the data"
ROWS_SORTED = "share of neighbours in a batch whose rows are in order"
SAME_ROWS = "share of batches with the rows of the first one"
FIXED_TIMES = "share of batches with the times of the first one, a grid included"
PARTS = "share of the equal parts of [0, 1] in which a batch has a time"
MARKS = (
    SWAPPED,
    REVERSED,
    TO_GO,
    OTHER_TIME,
    RISING,
    ROWS_SORTED,
    SAME_ROWS,
    FIXED_TIMES,
    PARTS,
)
IDEAL = {
    LINES: 1.0,
    AGAIN: 1.0,
    SAME_NOISE: 0.0,
    SAME_TIMES: 0.0,
    ROW_TIME: 0.0,
    OF_RANK: 1.0,
    OF_POINT: 1.0,
    SPREAD: 1.0,
    UNEVEN: 0.0,
    TIMES_TWICE: 0.0,
    DRAWN: 1.0,
    UNEVEN_ROWS: 0.0,
    TIME_NOISE: 0.0,
    ROW_NOISE: 0.0,
    KEPT: 0.0,
    NOISES_TWICE: 0.0,
    WITHIN_NOISE: 0.0,
    MEAN_NOISE: 0.0,
    NOISE_SPREAD: 1.0,
}
DRAWS = 128  # batches from which the facts are measured


def facts(answer, args) -> Named:
    """What holds for the batches of an answer over many keys; exactly 0 or 1 where it is as it should be up
    to chance.
    """
    data, key, size = args
    once, again = (np.concatenate([np.ravel(v) for v in answer(data, key, size)]) for _ in range(2))
    batches = jax.vmap(lambda key: answer(data, key, size))(jax.random.split(key, DRAWS))
    x, time, velocity = (np.asarray(v, float) for v in batches)
    t, data = time[..., None], np.asarray(data)
    ends, noise = x + (1 - t) * velocity, x - t * velocity  # (draws, B, D)
    apart = lambda ends: np.linalg.norm(ends[..., None, :] - data, axis=-1)  # (draws, B, N)
    on_data = lambda ends: np.mean(apart(ends).min(axis=-1) < 1e-3)
    along = ((data - x[:, :, None]) * velocity[:, :, None]).sum(axis=-1)
    along = np.clip(along / np.maximum(np.square(velocity).sum(axis=-1), 1e-9)[..., None], 0, 1)
    nearest = x[:, :, None] + along[..., None] * velocity[:, :, None]  # on the way, to each point of the data
    rows = apart(ends).argmin(axis=-1)
    row, ranks = rows.ravel(), rows.argsort(axis=1, kind="stable")
    order = np.argsort(row, kind="stable")
    same = row[order][1:] == row[order][:-1]  # the same point, met again
    kept = np.isclose(np.diff(noise.reshape(-1, noise.shape[-1])[order], axis=0), 0, atol=1e-5).all(axis=1)
    of_point = np.bincount(row, time.ravel(), len(data)) / np.maximum(
        np.bincount(row, minlength=len(data)), 1
    )
    within = np.square(time.ravel() - of_point[row]).sum() / max(same.sum(), 1)
    all_of_it = max(time.var(), 1e-9)
    of_rank = np.take_along_axis(time, ranks, axis=1).var(axis=0, ddof=1).mean()
    sorted_times, inside = np.sort(time.ravel()), time.min() >= 0 and time.max() <= 1
    even = (np.arange(time.size) + 0.5) / time.size
    is_grid = np.ptp(np.diff(np.sort(time[0]))) < 1e-3
    as_first = lambda values: np.mean([np.allclose(each, values[0], atol=1e-4) for each in values[1:]])
    twice = lambda values: np.mean([1 - len(np.unique(each.round(6), axis=0)) / size for each in values])
    parts = lambda times: len(np.unique(np.floor(times * size))) / size
    of_noise = lambda other: max(_dependence(other, each) for each in np.moveaxis(noise, -1, 0))
    measured = {
        LINES: on_data(ends),
        AGAIN: np.mean(np.isclose(once, again)),
        SAME_NOISE: as_first(noise),
        SAME_TIMES: 0.0 if is_grid else as_first(time),
        ROW_TIME: _dependence(row, time),
        OF_RANK: np.sqrt(of_rank / all_of_it) if time.var() > 1e-9 else 1.0,
        OF_POINT: np.sqrt(within / all_of_it),
        SPREAD: np.sqrt(12) * time.std() if inside else np.abs(time).max(),
        UNEVEN: np.abs(sorted_times - even).max(),
        TIMES_TWICE: twice(time[..., None]),
        DRAWN: len(np.unique(row)) / len(data),
        UNEVEN_ROWS: np.abs((np.sort(row) + 0.5) / len(data) - even).max(),
        TIME_NOISE: of_noise(time),
        ROW_NOISE: of_noise(row),
        KEPT: np.mean(kept[same]) if same.any() else 0.0,
        NOISES_TWICE: twice(noise),
        WITHIN_NOISE: _within(noise),
        MEAN_NOISE: np.abs(noise.mean(axis=(0, 1))).max(),
        NOISE_SPREAD: noise.std(),
    }
    for fact, value in measured.items():
        if abs(value - IDEAL[fact]) < (0.002 if fact == DRAWN else 0.1):
            measured[fact] = IDEAL[fact]
    marks = (
        on_data(x + t * velocity),
        on_data(x - (1 - t) * velocity),
        on_data(x + velocity),
        np.mean(np.linalg.norm(nearest - data, axis=-1).min(axis=-1) < 1e-3),
        np.corrcoef(row, time.ravel())[0, 1] if row.std() * time.std() > 1e-6 else 0.0,
        np.mean(np.diff(rows, axis=1) >= 0),
        as_first(rows),
        as_first(time),
        np.mean([parts(times) for times in time]),
    )
    return measured | dict(zip(MARKS, marks, strict=True))


def _within(noise: np.ndarray) -> float:
    """How far the D numbers of a noise (..., D) depend on each other: the largest over pairs, 0 for D = 1."""
    parts = np.moveaxis(noise, -1, 0)
    return max((_dependence(a, b) for i, a in enumerate(parts) for b in parts[:i]), default=0.0)


def _dependence(one: np.ndarray, other: np.ndarray) -> float:
    """How far two quantities are from independent, 0 to 0.75 and about 0.03 by chance: the distance of the
    shares of their quarters, 4 times 4, from 1/16 each.
    """
    quarters = [4 * np.ravel(each).argsort().argsort() // each.size for each in (one, other)]
    shares = np.bincount(4 * quarters[0] + quarters[1], minlength=16) / one.size
    return float(np.abs(shares - 1 / 16).sum() / 2)


class Mending(Exercise):
    """Judges a batch by its facts, however it was drawn; those are also the signs of a misconception."""

    def _like(self, mistake: Callable, case: Case, got: Named, part: str = "") -> bool:
        return mistake.signs(got)

    def _compare(self, case: Case, got: Named, expected: Named) -> Verdict | None:
        free = {part: value for part, value in expected.items() if part not in IDEAL}
        free = {part: value for part, value in free.items() if np.shape(got[part]) == value.shape}
        return super()._compare(case, got | free, expected)

    def _where_to_look(self, case: Case, part: str) -> Hint | dict[str, Hint]:
        if part in (DRAWN, UNEVEN_ROWS):
            return ALL_ROWS
        return NEW_NOISE if part in OF_NOISE else super()._where_to_look(case, part)


def _batch_cases(rng):
    def recorded(count, size):
        data = _normal(rng, count, size)
        return data[jnp.argsort(data[:, 0])]

    leak = (
        "The loss was BELOW what is possible. So time tells the network something about where a line ends.",
        "Line by line, which rows get a small time, and which a large one? Break that link.",
    )
    return [
        Case(
            "100 points of the plane, in the order of their first coordinate",
            (recorded(100, 2), _key(rng), 16),
            leak,
        ),
        Case("120 points of a line, in their order", (recorded(120, 1), _key(rng), 18), leak),
    ]


def _batch_and_facts(data, key, size):
    return *training_batch(data, key, size), *IDEAL.values(), *[0.0] * len(MARKS)


LEAK = (
    "Which lines get a small time, and which a large one? Look at rows and time side by side, "
    "and at the data's order.",
    "Draw the rows without sorting them, or shuffle the times: jax.random.permutation.",
)
FITS = (
    "At its time t a line is at (1 - t) * noise + t * ends, and it runs at ends - noise.",
    "Settle rows, noise and time first; make x and velocity from them at the end.",
)
FROM_KEY = (
    "All that is random comes from the key: split it, one part for each thing that is drawn.",
    "jax.random.split(key, 3); no np.random, no jax.random.key(...).",
)
EVEN_TIMES = (
    "Each line has its own time, and all of [0, 1] is equally likely.",
    "jax.random.uniform(time_key, (size,)).",
)
ALL_ROWS = ("Every row is drawn equally often.", "randint excludes its upper bound: (size,), 0, len(data).")
NEW_NOISE = (
    "Each line has a Gaussian noise of its own, drawn without a look at rows or times.",
    "jax.random.normal(noise_key, ends.shape).",
)

TIME_OF_HERS = "(jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size"
_rising = lambda f: f[RISING] > 0.7
_mixed = lambda order: {"t = time[:, None]": f"time = {order}\n    t = time[:, None]"}

# Name, remedy, signs, and an example: an edit of the broken or of the right function. The first whose signs
# are there is named, so each may rely on those above.
_batch_mistakes = [
    (
        "Something is drawn without the key, as by np.random: the same key gives another batch.",
        FROM_KEY,
        lambda f: f[AGAIN] < 1,
        training_batch,
        {"jax.random.uniform(time_key, (size,))": "np.random.uniform(size=size)"},
    ),
    (
        "t and 1 - t are swapped on the line: at the time 0 it is at the data.",
        FITS,
        lambda f: f[SWAPPED] > 0.9 and f[SPREAD] >= 0.01,
        training_batch,
        {"(1 - t) * noise + t * ends": "t * noise + (1 - t) * ends"},
    ),
    (
        "The velocity points from the data to the noise.",
        FITS,
        lambda f: f[REVERSED] > 0.9,
        training_batch,
        {"ends - noise": "noise - ends"},
    ),
    (
        "x + velocity is the end at any time, not at t = 0 alone: velocity is ends - x, or x is the noise.",
        FITS,
        lambda f: f[TO_GO] > 0.9,
        broken_batch,
        {"velocity = ends - noise": "velocity = ends - x"},
    ),
    (
        "The field is told another line's time: the times have changed after x was made.",
        FITS,
        lambda f: f[LINES] < 1 and f[OTHER_TIME] > 0.9,
        broken_batch,
        {"return x, time, velocity": "return x, jax.random.permutation(noise_key, time), velocity"},
    ),
    (
        "x, time and velocity do not fit together: x + (1 - time) * velocity is no row of the data.",
        FITS,
        lambda f: f[LINES] < 1,
        training_batch,
        {"+ t * ends": "+ t * jax.random.permutation(rows_key, ends)"},
    ),
    (
        "The key is not used: every batch is the same.",
        FROM_KEY,
        lambda f: min(f[SAME_NOISE], f[SAME_ROWS], f[FIXED_TIMES]) > 0.9,
        training_batch,
        {"jax.random.split(key, 3)": "jax.random.split(jax.random.key(0), 3)"},
    ),
    (
        "The noise or the times are the same in every batch: they do not come from the key.",
        FROM_KEY,
        lambda f: max(f[SAME_NOISE], f[SAME_TIMES]) > 0.9,
        training_batch,
        {"normal(noise_key": "normal(jax.random.key(0)"},
    ),
    (
        "A constant time breaks the link, and the field learns nothing about other times.",
        EVEN_TIMES,
        lambda f: f[SPREAD] < 0.01,
        broken_batch,
        {TIME_OF_HERS: "jnp.full(size, 0.5)"},
    ),
    (
        "The lines of a batch share one time, or a few. That breaks the link, but an update sees no others.",
        EVEN_TIMES,
        lambda f: f[TIMES_TWICE] > 0.8,
        broken_batch,
        {TIME_OF_HERS: "jax.random.uniform(time_key) * jnp.ones(size)"},
    ),
    (
        "Rows and times are drawn with the same key: a small number gives an early row and an early time.",
        FROM_KEY,
        lambda f: _rising(f) and f[ROWS_SORTED] < 0.9 and f[ROW_TIME] > 0.65,
        training_batch,
        {
            "jax.random.randint(rows_key, (size,), 0, len(data))": (
                "jnp.floor(jax.random.uniform(time_key, (size,)) * len(data)).astype(int)"
            ),
            TIME_OF_HERS: "jax.random.uniform(time_key, (size,))",
        },
    ),
    (
        "Not the cause: the order of the lines in a batch. In any order, early rows still have small times "
        "and late rows large ones.",
        LEAK,
        lambda f: _rising(f) and f[ROWS_SORTED] < 0.9,
        broken_batch,
        {
            "return x, time, velocity": "order = jax.random.permutation(noise_key, size)\n"
            "    return x[order], time[order], velocity[order]"
        },
    ),
    (
        "Not the cause: chance in the rows. Rows at equal distances rise with the times all the more.",
        LEAK,
        lambda f: _rising(f) and f[SAME_ROWS] > 0.9,
        broken_batch,
        {"jnp.sort(jax.random.randint(rows_key, (size,), 0, len(data)))": "jnp.arange(size) * 6"},
    ),
    (
        "Not the cause: the jitter of the times. Without it they still rise with the rows.",
        LEAK,
        lambda f: _rising(f) and f[FIXED_TIMES] > 0.9,
        broken_batch,
        {"jax.random.uniform(time_key, (size,))": "0.5"},
    ),
    (
        "Not the cause: even times. Sorted random times rise with the rows just as well.",
        LEAK,
        lambda f: _rising(f) and f[PARTS] < 0.9,
        broken_batch,
        {TIME_OF_HERS: "jnp.sort(jax.random.uniform(time_key, (size,)))"},
    ),
    (
        "Nothing that matters has changed: rows and times still rise together.",
        LEAK,
        _rising,
        broken_batch,
        {},
    ),
    (
        "Not the cause: the direction. Backwards, early rows have large times and late rows small ones.",
        LEAK,
        lambda f: f[RISING] < -0.7,
        broken_batch,
        _mixed("1 - time"),
    ),
    (
        "The order is mixed in the same way in every batch: a row's rank in the batch still fixes its time.",
        LEAK,
        lambda f: f[OF_RANK] < 0.3,
        broken_batch,
        _mixed("jnp.roll(time, size // 2)"),
    ),
    (
        "A point of the data still has times of its own. The data may be mixed, but not freely.",
        LEAK,
        lambda f: f[OF_POINT] < 1,
        broken_batch,
        {"ends = data[rows]": "ends = data[jax.random.permutation(jax.random.key(0), len(data))][rows]"},
    ),
    (
        "Rows and times still depend on each other: a row's place in the data tells something of its time.",
        LEAK,
        lambda f: f[ROW_TIME] > 0,
        broken_batch,
        _mixed("jnp.where(jax.random.bernoulli(rows_key), time, 1 - time)"),
    ),
    (
        "The times are not spread evenly over [0, 1].",
        EVEN_TIMES,
        lambda f: f[SPREAD] != 1 or f[UNEVEN] > 0,
        training_batch,
        {TIME_OF_HERS: "jax.random.uniform(time_key, (size,)) ** 2"},
    ),
    (
        "A row is never drawn: the range of the rows is a little too short.",
        ALL_ROWS,
        lambda f: 0.95 < f[DRAWN] < 1,
        training_batch,
        {"0, len(data)": "0, len(data) - 1"},
    ),
    (
        "A part of the data is never drawn.",
        ALL_ROWS,
        lambda f: f[DRAWN] < 1,
        training_batch,
        {"0, len(data)": "0, len(data) // 2"},
    ),
    (
        "Lines of a batch share one noise.",
        NEW_NOISE,
        lambda f: f[NOISES_TWICE] > 0,
        training_batch,
        {"normal(noise_key, ends.shape)": "normal(noise_key, ends[:1].shape) + 0 * ends"},
    ),
    (
        "The numbers of one noise are not independent: all coordinates of a point share one, say.",
        NEW_NOISE,
        lambda f: f[WITHIN_NOISE] > 0 or all(f[fact] == ideal for fact, ideal in IDEAL.items()),  # D = 1
        training_batch,
        {"normal(noise_key, ends.shape)": "normal(noise_key, ends[:, :1].shape) + 0 * ends"},
    ),
    (
        "Each point of the data keeps its noise for ever.",
        NEW_NOISE,
        lambda f: f[KEPT] > 0,
        training_batch,
        {"normal(noise_key, ends.shape)": "normal(jax.random.key(0), data.shape)[rows]"},
    ),
    (
        "The noise depends on the rows: each row draws a noise that suits it, as by sorting both.",
        NEW_NOISE,
        lambda f: f[ROW_NOISE] > 0,
        training_batch,
        {
            "jax.random.normal(noise_key, ends.shape)": "jnp.sort(jax.random.normal(noise_key, ends.shape), "
            "axis=0)[rows.argsort().argsort()]"
        },
    ),
    (
        "The noise depends on the times, as by sorting both or drawing both from one key.",
        NEW_NOISE,
        lambda f: f[TIME_NOISE] > 0,
        training_batch,
        {"jax.random.normal(noise_key, ends.shape)": "jnp.sort(jax.random.normal(noise_key, ends.shape), 0)"},
    ),
    (
        "Not the cause: the kind of noise. It has to be the standard Gaussian, where the sampler starts.",
        NEW_NOISE,
        lambda f: f[MEAN_NOISE] > 0 or f[NOISE_SPREAD] != 1,
        training_batch,
        {"normal(noise_key, ends.shape)": "uniform(noise_key, ends.shape, minval=-1)"},
    ),
]


def _with_signs(signs, right, changes):
    example = edited(right, changes)
    example.signs = signs
    return example


check_training_batch = Mending(
    training_batch,
    _batch_and_facts,
    _batch_cases,
    [Misconception(name, remedy, _with_signs(*rest)) for name, remedy, *rest in _batch_mistakes],
    parts=("x", "time", "velocity"),
    insight="That was the cause. Sorted rows are harmless, even times are harmless; together "
    "they let the time give away the end.",
    observe=facts,
    compiled=True,
)


# 5. Temporal ensembling


def temporal_ensemble(chunks: jax.Array, decay: float) -> jax.Array:
    """The weighted mean (A,) of what chunks (n, H, A), one a step, the oldest first, say about now:
    the i-th has the weight exp(-decay * i).
    """
    i = jnp.arange(len(chunks))
    age = len(chunks) - 1 - i
    weights = jnp.exp(-decay * i)
    return weights @ chunks[i, age] / jnp.sum(weights)


def _ensemble_cases(rng):
    return [
        Case(
            "one chunk only, as at an episode's first step",
            (_normal(rng, 1, 4, 2), 0.5),
            ("The only chunk was made now, and its first action is for now.", "chunks[0, 0]."),
        ),
        Case(
            "two chunks of 4 actions, decay 0.7",
            (_normal(rng, 2, 4, 3), 0.7),
            (
                "The newest chunk was made now, the one before it a step ago. The oldest weighs most.",
                "chunks[0, 1] with the weight 1, chunks[1, 0] with exp(-0.7); divide by the sum.",
            ),
        ),
        Case(
            "four chunks of 4 actions, decay 0: a plain mean",
            (_normal(rng, 4, 4, 2), 0.0),
            ("With decay 0 all weights are equal.", "The mean of chunks[i, n - 1 - i] over i."),
        ),
        Case(
            "three chunks of 5 actions, decay 1.1",
            (_normal(rng, 3, 5, 3), 1.1),
            (
                "Row i was made n - 1 - i steps ago, so what it says about now stands at that place.",
                "chunks[i, n - 1 - i]; weights exp(-decay * i).",
            ),
        ),
    ]


def _ensemble_by_loop(chunks, decay):
    chunks, weights, n = np.asarray(chunks), 0.0, len(chunks)
    total = np.zeros(chunks.shape[2])
    for i in range(n):
        total, weights = total + np.exp(-decay * i) * chunks[i, n - 1 - i], weights + np.exp(-decay * i)
    return total / weights


WHICH = ("A chunk that was made k steps ago says at its place k what to do now.", "chunks[i, n - 1 - i].")
WEIGHTS = ("Row i has the weight exp(-decay * i); row 0 is the oldest.", "jnp.exp(-decay * jnp.arange(n)).")
SUM_TO_ONE = ("A mean: divide by the sum of the weights.", "weights @ rows / jnp.sum(weights).")

_ensemble_misconceptions = [
    Misconception(name, remedy, edited(temporal_ensemble, changes))
    for name, remedy, changes in [
        (
            "Each chunk's first action is taken, which was for the step when it was made.",
            WHICH,
            {"chunks[i, age]": "chunks[:, 0]"},
        ),
        ("Each chunk's last action is taken.", WHICH, {"chunks[i, age]": "chunks[:, -1]"}),
        (
            "Entry i of chunk i is taken: the oldest chunk's first action, the newest one's last.",
            WHICH,
            {"chunks[i, age]": "chunks[i, i]"},
        ),
        (
            "The place is counted from the chunk's end, as if all H chunks were there.",
            WHICH,
            {"age = len(chunks) - 1 - i": "age = chunks.shape[1] - 1 - i"},
        ),
        (
            "The place is one too early.",
            WHICH,
            {"age = len(chunks) - 1 - i": "age = jnp.maximum(len(chunks) - 2 - i, 0)"},
        ),
        (
            "The place is one too late.",
            WHICH,
            {"chunks[i, age]": "chunks[i, jnp.minimum(age + 1, chunks.shape[1] - 1)]"},
        ),
        ("The newest chunk weighs most.", WEIGHTS, {"jnp.exp(-decay * i)": "jnp.exp(-decay * age)"}),
        (
            "The chunks are read in the wrong order: row 0 is the oldest, not the newest.",
            WHICH,
            {"chunks[i, age]": "chunks[i, i]", "jnp.exp(-decay * i)": "jnp.exp(-decay * age)"},
        ),
        (
            "Only the newest chunk is read: the mean is over its own steps, which are still to come.",
            WHICH,
            {"jnp.arange(len(chunks))": "jnp.arange(chunks.shape[1])", "chunks[i, age]": "chunks[-1]"},
        ),
        (
            "A running mean: exp(-decay) * old + (1 - exp(-decay)) * new. It has other weights.",
            WEIGHTS,
            {"jnp.exp(-decay * i)": "jnp.exp(-decay * age) * jnp.where(i == 0, 1, 1 - jnp.exp(-decay))"},
        ),
        (
            "The weights are divided by the sum of infinitely many of them, 1 / (1 - exp(-decay)).",
            SUM_TO_ONE,
            {" / jnp.sum(weights)": " * (1 - jnp.exp(-decay))"},
        ),
        ("The weights are not divided by their sum.", SUM_TO_ONE, {" / jnp.sum(weights)": ""}),
        ("The weights are divided by n.", SUM_TO_ONE, {"jnp.sum(weights)": "len(chunks)"}),
        (
            "All chunks weigh the same: the decay is not used.",
            WEIGHTS,
            {"jnp.exp(-decay * i)": "jnp.ones(len(chunks))"},
        ),
        (
            "Only the newest chunk counts.",
            ("All n chunks count.", "weights @ rows."),
            {"weights = jnp.exp(-decay * i)": "weights = 1.0 * (age == 0)"},
        ),
        (
            "Only the oldest chunk counts.",
            ("All n chunks count.", "weights @ rows."),
            {"weights = jnp.exp(-decay * i)": "weights = 1.0 * (i == 0)"},
        ),
        ("The weights are powers of decay.", WEIGHTS, {"jnp.exp(-decay * i)": "decay**i"}),
        ("The weights are powers of 1 - decay.", WEIGHTS, {"jnp.exp(-decay * i)": "(1 - decay) ** i"}),
        ("The weights fall as 1 / (1 + decay * i).", WEIGHTS, {"jnp.exp(-decay * i)": "1 / (1 + decay * i)"}),
        (
            "The decay is for the ensemble, not for a step: i is divided by n.",
            WEIGHTS,
            {"jnp.exp(-decay * i)": "jnp.exp(-decay * i / len(i))"},
        ),
        (
            "The exponent is squared, as in a Gaussian.",
            WEIGHTS,
            {"jnp.exp(-decay * i)": "jnp.exp(-decay * i**2)"},
        ),
        (
            "decay is not in the exponent: the weights are exp(-i).",
            WEIGHTS,
            {"jnp.exp(-decay * i)": "jnp.exp(-1.0 * i)"},
        ),
    ]
]

check_temporal_ensemble = Exercise(
    temporal_ensemble,
    _ensemble_by_loop,
    _ensemble_cases,
    _ensemble_misconceptions,
    insight="The oldest prediction weighs most: what was decided is kept, and new looks correct it slowly.",
    compiled=True,
)
