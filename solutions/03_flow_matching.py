# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Flow matching: imitate chunks, all modes of them
#
# A critic of chunks chooses among chunks. Which ones should it be offered? Those that the data contain. In this lesson you build the model that proposes them: a *flow*, trained by plain regression, that turns noise into chunks of actions. Then you put chunks to the test where they come from, in imitation.
#
# **You will be able to** write the flow-matching loss and its sampler; condition it on an observation; extend it to chunks that an episode's end has cut; say what a Markov clone loses on data with hidden intentions, and what it does not; ensemble chunks over time as ALOHA does.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb): chunks and `valid`; a little JAX: `jnp`, `jax.random`. **Time** about 90 minutes to work through; 2 to 3 minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $B$, $D$ | axes | rows of a batch, size of a point |
# | $H$, $A$, $S$ | axes | steps of a chunk, size of an action, of an observation |
# | $x_0$ | `noise` (B, D) | a sample of a standard Gaussian |
# | $x_1$ | `data` (B, D) | a sample of the data |
# | $t$ | `time` (B,) | position on the path: **0 is noise, 1 is data** |
# | $v_\beta(x, t)$ | `field(x, time)` (B, D) | vector field, a network |
# | $K$ | `steps` | Euler steps of the sampler |
# | | `valid` (B, H) | float, 1.0 where the step of the chunk exists, else 0.0 |
# | | `key` | a JAX key; all randomness comes from it |
#
# In sections 4 to 6, $t$ counts the steps of an episode, as in lesson 01. All exercises are compiled: write them with `jnp`, not `np`. *The paper* is Q-chunking, the last but one of the references.

# %%
import contextlib
import functools
import io
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import stats
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from qlac_lite.config import get_task
from qlac_lite.data.dataset import build_dataset, sample
from qlac_lite.data.fetch import get_dataset
from qlac_lite.data.load import load
from qlac_lite.envs import lite_world
from qlac_lite.envs.make import make_env
from qlac_lite.lessons import shorten, show
from qlac_lite.lessons.checks import lesson03 as checks
from qlac_lite.lessons.sliders import explore
from qlac_lite.reports import plots
from qlac_lite.utils.statistics import mean_interval

SINGLE, CHUNK, WRONG = "#E69F00", "#0072B2", "#D55E00"  # throughout the course

# %% [markdown]
# ## 1. Along a straight line
#
# Draw a point of noise $x_0$ and a point of the data $x_1$, and walk from one to the other at constant speed:
#
# $$ x_t = (1 - t)\, x_0 + t\, x_1, \qquad \frac{d x_t}{d t} = x_1 - x_0 $$
#
# In words: at time $t$ a share $t$ of the way is done; the velocity is the whole way, and the same at all times.
#
# ### Your turn: `interpolate` (★☆☆, 5 minutes)
#
# <details><summary>Hint: (B,) times (B, D)</summary>
#
# `time * data` matches the *last* axes: an error, or, where B equals D, a silent mistake. `time[:, None]` has the shape (B, 1) and multiplies rows.
# </details>

# %% nbgrader={"grade": false, "grade_id": "interpolate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interpolate(noise, data, time):
    """The point on each path at its time, and the path's velocity.

    Args:
        noise: (B, D) where the paths start, at time 0.
        data: (B, D) where they end, at time 1.
        time: (B,) in [0, 1], one a row.

    Returns:
        x: (B, D).
        velocity: (B, D).
    """
    ### BEGIN SOLUTION
    t = time[:, None]
    return (1 - t) * noise + t * data, data - noise
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_interpolate", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
interpolate = checks.check_interpolate(interpolate)

# %% [markdown]
# ### The loss
#
# A network $v_\beta(x, t)$ shall predict the velocity from the point and the time alone. It is not told $x_0$ and $x_1$:
#
# $$ L(\beta) = \mathbb E_{x_0, x_1, t}\, \tfrac1D \big\| v_\beta(x_t, t) - (x_1 - x_0) \big\|^2 $$
#
# In words: a regression. Many paths cross at $x_t$, so the best prediction is the *mean* velocity of those that do. The theorem of flow matching says: whoever follows these mean velocities from $t = 0$ to $1$ carries the Gaussian onto the data. Every path gets bent, the crowd as a whole arrives.
#
# ### Your turn: `flow_matching_loss` (★★☆, 10 minutes)
#
# The check compares numbers, so draw exactly as the docstring says.

# %% nbgrader={"grade": false, "grade_id": "flow_matching_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def flow_matching_loss(field, data, key):
    """Mean squared error of the predicted velocity. It will be compiled: use jnp, not np.

    1. noise_key, time_key = jax.random.split(key)
    2. noise = jax.random.normal(noise_key, ...), of the shape of data
    3. time = jax.random.uniform(time_key, ...), of shape (B,)
    4. point and velocity from `interpolate`; the field is asked at the point and its time.

    Args:
        field: a function, field(x (B, D), time (B,)) -> (B, D).
        data: (B, D).
        key: a JAX key.

    Returns:
        A scalar, the mean over all B * D entries.
    """
    ### BEGIN SOLUTION
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, data.shape)
    time = jax.random.uniform(time_key, data.shape[:1])
    x, velocity = interpolate(noise, data, time)
    return jnp.mean((field(x, time) - velocity) ** 2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_flow_matching_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
flow_matching_loss = checks.check_flow_matching_loss(flow_matching_loss)

# %% [markdown]
# ### The sampler
#
# $$ x_{(k+1)/K} = x_{k/K} + \tfrac 1 K\, v_\beta\big(x_{k/K},\, \tfrac k K\big), \qquad k = 0, \dots, K - 1 $$
#
# In words: start at the noise; ask the field where you are and which way to go, take a step of size $1/K$, $K$ times. The result may lie outside the box of actions, $[-1, 1]$. It is clipped later, where it is used.
#
# ### Your turn: `euler` (★★☆, 8 minutes)

# %% nbgrader={"grade": false, "grade_id": "euler", "locked": false, "schema_version": 3, "solution": true, "task": false}
def euler(field, noise, steps):
    """Follows the field from time 0 to time 1. It gives what the flow gives: no clip here.

    Args:
        field: a function, field(x (B, D), time (B,)) -> (B, D). It wants one time a row.
        noise: (B, D) where to start.
        steps: K, a Python int.

    Returns:
        (B, D).
    """
    ### BEGIN SOLUTION
    x = noise
    for k in range(steps):
        x = x + field(x, jnp.full(len(noise), k / steps)) / steps
    return x
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_euler", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
euler = checks.check_euler(euler)

# %% [markdown]
# ## 2. Two modes and a ring
#
# Two data sets of the plane. Think of the first as "pass the obstacle left or right", with nothing in between. Three models of each:
#
# - a **Gaussian** with the data's mean and covariance: what most policies of continuous control are;
# - a **mixture of two Gaussians**, fitted by expectation maximisation;
# - your **flow**: the loss above, Adam, and `euler` with $K = 20$.
#
# The next cell holds a small network and one training loop for all that follows. Repetitions are trained one after the other inside one compiled program.

# %%
def network(key, sizes):
    """Parameters of a network with layers of these sizes."""
    keys = jax.random.split(key, len(sizes))
    pairs = zip(keys, sizes, sizes[1:], strict=False)
    return [(jax.random.normal(k, (a, b)) / np.sqrt(a), jnp.zeros(b)) for k, a, b in pairs]


def forward(params, *inputs):
    x = jnp.concatenate([part.reshape(len(part), -1) for part in inputs], axis=1)
    for weights, bias in params[:-1]:
        x = jax.nn.gelu(x @ weights + bias)
    weights, bias = params[-1]
    return x @ weights + bias


def train(loss, sizes, seeds, updates, each=(), rate=2e-3):
    """Minimises loss(params, key, *own) by Adam; `own` is a seed's part of `each`.

    The parameters, and the arrays of `each`, have a leading axis over seeds.
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, updates))

    def one_seed(inputs):
        def update(carry, key):
            params, state = carry
            steps, state = optimizer.update(jax.grad(loss)(params, key, *own), state)
            return (optax.apply_updates(params, steps), state), None

        key, own = inputs
        first, rest = jax.random.split(key)
        params = network(first, sizes)
        carry = (params, optimizer.init(params))
        return jax.lax.scan(update, carry, jax.random.split(rest, updates))[0][0]

    keys = jax.random.split(jax.random.key(0), seeds)
    return jax.jit(lambda inputs: jax.lax.map(one_seed, inputs))((keys, each))


def two_modes(key, count):
    side_key, noise_key = jax.random.split(key)
    side = jax.random.rademacher(side_key, (count, 1)).astype(float)
    return side * jnp.array([1.5, 0.0]) + 0.25 * jax.random.normal(noise_key, (count, 2))


def ring(key, count):
    angle_key, noise_key = jax.random.split(key)
    angle = jax.random.uniform(angle_key, (count,), maxval=2 * np.pi)
    circle = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    return 1.5 * circle + 0.1 * jax.random.normal(noise_key, (count, 2))


def mixture(data, count, rng, parts=2, sweeps=50):
    """Samples (count, 2) of a mixture of two Gaussians that was fitted to data (N, 2)."""
    apart = [0, cdist(data[:1], data).argmax()]  # start far from each other
    means, covs = data[apart], np.array([np.cov(data.T) / 4] * parts)
    share = np.full(parts, 1 / parts)
    for _ in range(sweeps):
        each = [stats.multivariate_normal(m, c).pdf(data) for m, c in zip(means, covs, strict=True)]
        belongs = share[:, None] * np.array(each)
        belongs = belongs / belongs.sum(axis=0)
        share = belongs.mean(axis=1)
        means = belongs @ data / belongs.sum(axis=1, keepdims=True)
        covs = np.array([np.cov(data.T, aweights=b) + 1e-4 * np.eye(2) for b in belongs])
    which = rng.choice(parts, size=count, p=share / share.sum())
    return np.array([rng.multivariate_normal(means[i], covs[i]) for i in which])


def energy_distance(x, y):
    """How far two sets of samples are from one distribution: 0 if they have the same."""
    return 2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean()


# %%
SHAPES, TOY_SEEDS, COUNT = {"two modes": two_modes, "ring": ring}, shorten(4, fast=2), shorten(1000, fast=300)
flows = {}
for name, draw in SHAPES.items():

    def toy_loss(params, key, draw=draw):
        data_key, loss_key = jax.random.split(key)
        field = lambda x, time: forward(params, x, time)
        return flow_matching_loss(field, draw(data_key, 128), loss_key)

    flows[name] = train(toy_loss, (3, 64, 64, 2), TOY_SEEDS, shorten(1500, fast=150))


@functools.partial(jax.jit, static_argnums=2)
def flow_samples(params, noise, steps):
    return euler(lambda x, time: forward(params, x, time), noise, steps)


def one_seed(params, seed):
    return jax.tree.map(lambda leaf: leaf[seed], params)


def samples(name, model, seed, steps=20):
    """COUNT samples of a model that was fitted to a data set."""
    rng, key = np.random.default_rng(seed), jax.random.key(100 + seed)
    data = np.asarray(SHAPES[name](key, COUNT), float)
    if model == "Gaussian":
        return rng.multivariate_normal(data.mean(axis=0), np.cov(data.T), COUNT)
    if model == "mixture of 2":
        return mixture(data, COUNT, rng)
    noise = jax.random.normal(jax.random.key(200 + seed), (COUNT, 2))
    return np.asarray(flow_samples(one_seed(flows[name], seed), noise, steps))


def fresh(name, seed):
    return np.asarray(SHAPES[name](jax.random.key(300 + seed), COUNT))


MODELS = ("Gaussian", "mixture of 2", "flow")
for name in SHAPES:
    figure, panels = plots.new_figure(4, width=2.6, height=2.8)
    truth = fresh(name, 0)
    panels[0].plot(*truth.T, ".", color="0.3", markersize=2)
    panels[0].set_title(f"data: {name}", fontsize=10)
    for axes, model in zip(panels[1:], MODELS, strict=True):
        drawn = [samples(name, model, seed) for seed in range(TOY_SEEDS)]
        errors = [energy_distance(x, fresh(name, seed)) for seed, x in enumerate(drawn)]
        mean, low, high = mean_interval(errors)
        axes.plot(*drawn[0].T, ".", color=CHUNK if model == "flow" else SINGLE, markersize=2)
        axes.set_title(f"{model}\nerror {mean:.3f} [{max(low, 0):.3f}, {high:.3f}]", fontsize=9)
    for axes in panels:
        axes.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=[], yticks=[])
    show(figure, f"Samples of three models of the data set '{name}'; the flow's look like the data.")

# %% [markdown]
# (The error is the energy distance to fresh data: mean over seeds, 95 % interval. Two sets of real data are about 0.001 to 0.003 apart.)
#
# The Gaussian puts its highest density *between* the two modes, where no data are: into the obstacle. The mixture is right where its number of parts is, and wrong on the ring. The flow was told nothing about parts. (A few of its samples lie between the modes, too: a flow is continuous and cannot tear the cloud of noise quite apart. More steps and more training thin the bridge.)
#
# ### How it moves
#
# Arrows are the field, dots are samples on their way, at four times. Early on the field points to the *mean of the data*, from everywhere; then it has to decide.

# %%
def draw_field(name, *times):
    figure, panels = plots.new_figure(len(times), width=10.4 / max(2.6, len(times)), height=2.9)
    params, noise = one_seed(flows[name], 0), jax.random.normal(jax.random.key(1), (300, 2))
    x_axis = np.linspace(-3, 3, 15)
    grid = np.stack(np.meshgrid(x_axis, x_axis), -1).reshape(-1, 2)
    for axes, time in zip(panels, times, strict=True):
        velocity = np.asarray(forward(params, jnp.array(grid), jnp.full(len(grid), time)))
        points = noise
        for k in range(round(20 * time)):
            points = points + forward(params, points, jnp.full(300, k / 20)) / 20
        axes.quiver(*grid.T, *velocity.T, color="0.55", angles="xy", scale=45, width=0.005)
        axes.plot(*np.asarray(points).T, ".", color=CHUNK, markersize=3)
        axes.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{name}, t = {time:.2f}", fontsize=10)
    return figure, f"The field and samples at times {times}: a cloud of noise is carried onto the {name}."


for name in SHAPES:
    show(*draw_field(name, 0.0, 0.35, 0.7, 0.95))
explore(
    lambda name, time: draw_field(name, time),
    name=("data", list(SHAPES), "two modes"),
    time=("t", [round(0.05 * k, 2) for k in range(20)], 0.5),
)

# %% [markdown]
# ### How many Euler steps?
#
# **Question 1.** What does the sampler give with $K = 1$? Write down the only step, and think of what the best field is at $t = 0$.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_one_step", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** At $t = 0$ the point is the noise itself and says nothing about the data. So the best prediction of $x_1 - x_0$ is $\mathbb E[x_1] - x_0$, and one step of size 1 gives $x_0 + \mathbb E[x_1] - x_0 = \mathbb E[x_1]$: the mean of the data, whatever the noise. One Euler step is plain regression. For two modes it is the point between them.

# %%
STEP_COUNTS = np.array([1, 2, 3, 5, 10, 20, 50])
figure, panels = plots.new_figure(2, width=4.6, height=3.2)
for axes, name in zip(panels, SHAPES, strict=True):
    seeds = range(TOY_SEEDS)
    floor = [energy_distance(fresh(name, seed), fresh(name, seed + 50)) for seed in seeds]
    drawn = [[samples(name, "flow", seed, int(K)) for K in STEP_COUNTS] for seed in seeds]
    error = [[energy_distance(x, fresh(name, seed)) for x in row] for seed, row in enumerate(drawn)]
    plots.band(axes, STEP_COUNTS, np.array(error), "flow", CHUNK, "o")
    axes.axhline(np.mean(floor), color="0.4", linestyle=":", label="data against data")
    axes.set(xlabel="Euler steps K", xscale="log", yscale="log", title=name)
    axes.set_xticks(STEP_COUNTS, STEP_COUNTS)
    axes.minorticks_off()
panels[0].set_ylabel("energy distance to the data")
panels[0].legend(fontsize=8)
show(
    figure,
    "Error of the flow's samples against the number of Euler steps: about a hundred times smaller "
    "with ten steps than with one, and little gained after twenty.",
)

# %% [markdown]
# One step gives the mean. A handful of steps gives the modes. The paper uses $K = 10$; so does the rest of this lesson. $K = 1$ turns a flow into the plain regression that it could have been, and is an easy mistake to make.
#
# ## 3. A policy of chunks
#
# A policy is a flow for each observation: $v_\beta(s, x, t)$. The observation goes into the network as it is; only the actions are on a path.
#
# ### Your turn: `conditional_loss` (★☆☆, 5 minutes)
#
# <details><summary>Hint</summary>
#
# With `lambda x, time: field(observation, x, time)` it is a field of x and time, and you have a loss for those.
# </details>

# %% nbgrader={"grade": false, "grade_id": "conditional_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conditional_loss(field, observation, actions, key):
    """The flow-matching loss of actions, given observations.

    Noise and time are drawn as in `flow_matching_loss`, with the actions as data.

    Args:
        field: a function, field(observation (B, S), x (B, A), time (B,)) -> (B, A).
        observation: (B, S).
        actions: (B, A).
        key: a JAX key.

    Returns:
        A scalar, the mean over all B * A entries.
    """
    ### BEGIN SOLUTION
    return flow_matching_loss(lambda x, time: field(observation, x, time), actions, key)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conditional_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
conditional_loss = checks.check_conditional_loss(conditional_loss)

# %% [markdown]
# Now a point is a whole chunk, $H \cdot A$ numbers, noised and moved **together**: one time a chunk. A chunk that starts near the end of an episode is cut. Its missing steps are zeros, and nobody did them. The critic of lesson 02 had to drop such chunks. Here each step that exists is a piece of data, so each *step* is masked. (An action may be 0 as well: a pause is data. Only `valid` tells.)
#
# $$ L(\beta) = \frac{1}{B H A} \sum_{b, k, a} \text{valid}_{b, k}\, \big( v_\beta(s_b, x_b, t_b) - (x_{1} - x_{0}) \big)_{b, k, a}^2 $$
#
# In words: an error at a step that does not exist counts as 0. The mean is over all entries, as in the published method.
#
# ### Your turn: `chunk_loss` (★★☆, 12 minutes)
#
# <details><summary>Hint: shapes</summary>
#
# On the path: `time[:, None, None]`, (B, 1, 1). On the squared error: `valid[..., None]`, (B, H, 1). Into the field: `time`, (B,). (`interpolate` is for (B, D); write the path anew, or reshape.)
# </details>

# %% nbgrader={"grade": false, "grade_id": "chunk_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunk_loss(field, observation, chunks, valid, key):
    """The flow-matching loss of chunks.

    1. noise_key, time_key = jax.random.split(key)
    2. noise = jax.random.normal(noise_key, ...), of the shape of chunks
    3. time = jax.random.uniform(time_key, ...), of shape (B,)
    4. x and velocity as ever, for all steps, valid or not; only the squared error is masked.

    Args:
        field: a function, field(observation (B, S), x (B, H, A), time (B,)) -> (B, H, A).
        observation: (B, S).
        chunks: (B, H, A), zero where a step does not exist.
        valid: (B, H) float, 1.0 where the step exists, else 0.0.
        key: a JAX key.

    Returns:
        A scalar, the mean over all B * H * A entries.
    """
    ### BEGIN SOLUTION
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, chunks.shape)
    time = jax.random.uniform(time_key, chunks.shape[:1])
    t = time[:, None, None]
    error = field(observation, (1 - t) * noise + t * chunks, time) - (chunks - noise)
    return jnp.mean(valid[..., None] * error**2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
chunk_loss = checks.check_chunk_loss(chunk_loss)

# %% [markdown]
# ## 4. Hidden intentions
#
# The world: a gripper holds a puck on the left of a wall with two gaps, and has to bring it to the right side. (It is this course's *lite world*; lesson 04 uses all of it, the circle too.) The demonstrator is careful. It goes to one gap, pauses up to 4 steps, and perhaps goes to look at the other one; after one to three looks it passes through. Which way it is going, and how long it still waits, are in its head. The observation shows the place.

# %%
WORLD, LIMIT = lite_world.LiteWorld(gap=0.3), shorten(200, fast=110)


def start(key):
    """The puck in hand, near the middle of the wall."""
    low, high = jnp.array([[-0.3, -0.1], [-0.1, 0.1]])
    place = low + (high - low) * jax.random.uniform(key, (2,))
    return lite_world.WorldState(place, jnp.float32(0), place, jnp.bool_(True), jnp.int32(0))


def demonstrate(key, noise=0.1, pause=4):
    """States (LIMIT + 1, ...) and actions (LIMIT, 3) of one demonstration."""
    start_key, side_key, looks_key, step_key = jax.random.split(key, 4)
    first, looks = jax.random.rademacher(side_key), jax.random.randint(looks_key, (), 1, 4)

    def one_step(carry, key):
        state, leg, wait = carry
        wait_key, noise_key = jax.random.split(key)
        y = 0.5 * first * (-1.0) ** jnp.minimum(leg, looks - 1)
        way = jnp.stack([jnp.where(leg < looks, -0.2, 0.5), y]) - state.gripper
        distance = jnp.linalg.norm(way)
        arrived = (distance < 0.05) & (wait == 0) & (leg < looks)
        pauses = jax.random.randint(wait_key, (), 1, pause + 1)
        wait = jnp.where(arrived, pauses, jnp.maximum(wait - 1, 0))
        action = jnp.append(0.8 * way / jnp.maximum(distance, WORLD.step), 0.5)
        action = jnp.where(wait > 0, 0.0, action + noise * jax.random.normal(noise_key, (3,)))
        action = jnp.clip(action, -1, 1)
        return (lite_world.step(WORLD, state, action), leg + arrived, wait), (state, action)

    carry = (start(start_key), jnp.int32(0), jnp.int32(0))
    (last, _, _), (states, actions) = jax.lax.scan(one_step, carry, jax.random.split(step_key, LIMIT))
    return jax.tree.map(lambda rest, end: jnp.concatenate([rest, end[None]]), states, last), actions


def first_arrival(places):
    """Steps until the puck is behind the wall, or the number of steps if never: (..., T, 2) -> (...)."""
    there = np.asarray(places)[..., 0] > 0.1
    return np.where(there.any(axis=-1), there.argmax(axis=-1), there.shape[-1])


SEEDS, MANY, FEW = shorten(4, fast=2), shorten(100, fast=30), 10  # each seed has its own demonstrations
states, actions = jax.jit(jax.vmap(demonstrate))(jax.random.split(jax.random.key(5), SEEDS * MANY))
places, length = np.asarray(states.gripper), first_arrival(states.puck)
steps = np.arange(LIMIT + 1)
rows, ends = steps <= length[:, None], steps == length[:, None]
observations = np.asarray(jax.vmap(jax.vmap(lite_world.observe))(states))[rows]
actions = np.pad(actions, ((0, 0), (0, 1), (0, 0)))[rows]
DATA = build_dataset(observations, actions, np.zeros(len(actions)), np.ones(len(actions)), ends[rows])
episode_of_row = np.repeat(np.arange(len(length)), length + 1)


def own_starts(count):
    """Rows (seeds, M) where chunks start in `count` demonstrations of each seed; their number (seeds,)."""
    episode = episode_of_row[DATA.starts]
    own = (episode // SEEDS < count) & (episode % SEEDS == np.arange(SEEDS)[:, None])
    starts = [DATA.starts[mine] for mine in own]
    number = np.array([len(mine) for mine in starts])
    return np.stack([np.resize(mine, number.max()) for mine in starts]), number


figure, panels = plots.new_figure(3, width=3.4, height=3.2)
for axes, count in zip(panels, (MANY, FEW), strict=False):
    lite_world.draw_world(axes, WORLD)
    for path, end in zip(places[::SEEDS][:count], length[::SEEDS], strict=False):
        axes.plot(*path[: end + 1].T, color="0.3", alpha=0.35, linewidth=0.8)
    axes.set_title(f"{count} demonstrations", fontsize=10)
for path, end, colour in zip(places[:4], length, plots.shades(4), strict=False):
    panels[2].plot(path[: end + 1, 1], color=colour)
panels[2].axhspan(-0.65, -0.35, color="0.93", zorder=0)
panels[2].axhspan(0.35, 0.65, color="0.93", zorder=0)
panels[2].set(xlabel="step", ylabel="height of the gripper (shaded: gaps)", ylim=(-0.8, 0.8))
panels[2].set_title("four of them over time", fontsize=10)
show(
    figure,
    "Demonstrations from above and over time: paths run along the wall between its two gaps, pause at "
    "them, and pass through one to the right.",
)
print(f"steps of a demonstration: median {np.median(length):.0f}, longest {length.max()}; limit {LIMIT}")

# %% [markdown]
# Half-way between the gaps, about half of the demonstrations go up and half go down. A policy that sees the place only (it is **Markov**) must toss a coin there, at *every step*. A policy of chunks tosses it once a chunk.
#
# **Question 2.** Predict, for clones with $H = 1, 2, 5, 10$: how often do they turn round on the way? Do they arrive within 200 steps? Does it matter whether they learned from 100 demonstrations or from 10? And what if the network with $H = 10$ is executed one step at a time, with a look at each?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_dither", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** The single-step clone turns round very often: it dithers. The longer the chunk, the fewer coins are tossed and the fewer turns there are; and a network of chunks that looks at each step tosses a coin at each step again. None of this depends on the amount of data: the coin is in the data.
#
# Arriving is another question. A clone that samples from exactly the data's $p(a \mid s)$ visits, on average, the same states as the demonstrator, however it dithers (see below). So dithering alone need not keep it from arriving; only errors of the network can.

# %%
EPISODES, UPDATES = shorten(50, fast=8), shorten(2500, fast=120)
A, WIDTH = lite_world.ACTION_SIZE, 128


def policy_field(params):
    return lambda observation, x, time: forward(params, observation, x, time).reshape(x.shape)


def clone(data, horizon, starts, number, updates=UPDATES):
    """Flow policies of chunks of this length, one a seed, from chunks that start at its rows."""
    data = jax.tree.map(jnp.asarray, data)
    size, actions = data.observations.shape[1], data.actions.shape[1]

    def loss(params, key, starts, number):
        batch_key, loss_key = jax.random.split(key)
        own = data._replace(starts=starts, num_starts=number)
        batch = sample(batch_key, (own,), 128, horizon, 0.99)
        return chunk_loss(policy_field(params), batch.observation, batch.actions, batch.valid, loss_key)

    sizes = (size + horizon * actions + 1, WIDTH, WIDTH, horizon * actions)
    return jax.block_until_ready(train(loss, sizes, len(number), updates, (starts, number)))


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def chunks_of(params, observations, horizon, size, steps, key):
    """Sampled chunks (seeds, E, H, A) for observations (seeds, E, S)."""
    noise = jax.random.normal(key, (*observations.shape[:2], horizon, size))

    def one(inputs):
        params, observation, noise = inputs
        field = lambda x, time: policy_field(params)(observation, x, time)
        return jnp.clip(euler(field, noise, steps), -1, 1)

    return jax.lax.map(one, (params, observations, noise))


JOBS = [(MANY, 10), (FEW, 10), (MANY, 5), (MANY, 2), (MANY, 1), (FEW, 1)]
with ThreadPoolExecutor(2) as pool:  # two at a time: one a core
    trained = pool.map(lambda job: clone(DATA, job[1], *own_starts(job[0])), JOBS)
    CLONES = dict(zip(JOBS, trained, strict=True))

# %% [markdown]
# The next cell plays episodes of all seeds at once. `every` says how many steps of a chunk are executed before the policy looks again; by default all.

# %%
observe_all = jax.jit(jax.vmap(jax.vmap(lite_world.observe)))
step_all = jax.jit(jax.vmap(jax.vmap(lambda state, action: lite_world.step(WORLD, state, action))))
start_all = jax.jit(jax.vmap(jax.vmap(start)))


def gusts(seed, shape):
    """Pushes (LIMIT, *shape, 3): every 20 steps, for 4 steps, the gripper is dragged somewhere."""
    rng = np.random.default_rng(seed)
    angle, phase = rng.uniform(0, 2 * np.pi, (LIMIT // 20, *shape)), rng.integers(20, size=shape)
    step = np.arange(LIMIT).reshape(-1, *[1] * len(shape)) + phase
    angle = np.take_along_axis(angle, (step // 20) % (LIMIT // 20), axis=0)
    push = np.stack([np.cos(angle), np.sin(angle), 0 * angle + 0.5], axis=-1)
    return np.where((step % 20 < 4)[..., None], push, np.nan)


def play(params, horizon, every=None, ensemble=None, push=None, same_noise=False):
    """Places of the gripper (seeds, EPISODES, LIMIT + 1, 2).

    `ensemble` merges what the chunks of the last H looks say about now; `push` (LIMIT, seeds, EPISODES, A)
    overrules the policy where it is not NaN.
    """
    every, keys = every or horizon, jax.random.split(jax.random.key(11), LIMIT)
    state = start_all(jax.random.split(jax.random.key(9), (SEEDS, EPISODES)))
    places, kept = [state.gripper], []
    for t in range(LIMIT):
        if ensemble is not None or t % every == 0:
            chunk = chunks_of(params, observe_all(state), horizon, A, 10, keys[0 if same_noise else t])
            kept = [*kept, chunk][-horizon:]
        if ensemble is None:
            action = chunk[:, :, t % every]
        else:  # what the chunk of i looks ago says about now, the oldest first
            action = ensemble(jnp.stack([c[:, :, len(kept) - 1 - i] for i, c in enumerate(kept)], axis=2))
        if push is not None:
            action = jnp.where(jnp.isnan(push[t]), action, push[t])
        state = step_all(state, action)
        places.append(state.gripper)
    return np.moveaxis(np.array(places), 0, 2)


def turns(places):
    """Turns up or down per 100 steps before the wall, by seed: (seeds,). A standstill is no turn."""
    before = (places[..., 1:, 0] < -lite_world.WALL) & (np.arange(LIMIT) < first_arrival(places)[..., None])
    move = np.diff(places[..., 1], axis=-1)
    direction = np.where(np.abs(move) > 0.004, np.sign(move), 0)
    count = np.zeros(places.shape[:2])
    last = np.zeros(places.shape[:2])
    for t in range(LIMIT):
        now = np.where(before[..., t], direction[..., t], 0)
        count += now * last < 0
        last = np.where(now == 0, last, now)
    return 100 * count.sum(axis=1) / before.sum(axis=(1, 2))


def arrivals(places):
    """Percentage of episodes that arrive, by seed."""
    return 100 * (first_arrival(places) <= LIMIT).mean(axis=1)


def shift(places, count):
    """Mean distance of visited places to the nearest of the seed's own demonstrations, by seed: (seeds,)."""
    far = []
    for seed, visited in enumerate(places):
        known = slice(seed, SEEDS * count, SEEDS)
        tree = cKDTree(DEMONSTRATED[known][np.arange(LIMIT + 1) <= length[known, None]])
        before = np.arange(LIMIT + 1) <= first_arrival(visited)[:, None]
        far.append(tree.query(visited[before])[0].mean())
    return np.array(far)


def both_gaps(places):
    """Percentage of episodes that come to both gaps before they pass one."""
    before = np.arange(LIMIT + 1) <= first_arrival(places)[..., None]
    y = np.where(before, places[..., 1], 0.0)
    return 100 * ((y.max(axis=-1) > 0.4) & (y.min(axis=-1) < -0.4)).mean()


DEMONSTRATED = places
PLAYED = {job: play(params, job[1]) for job, params in CLONES.items()}
figure, panels = plots.new_figure(4, width=2.7, height=2.8)
for axes, (count, H) in zip(panels, ((MANY, 1), (MANY, 10), (FEW, 1), (FEW, 10)), strict=True):
    lite_world.draw_world(axes, WORLD)
    for path, end in zip(PLAYED[count, H][1, :12], first_arrival(PLAYED[count, H][1]), strict=False):
        axes.plot(*path[: end + 1].T, color=SINGLE if H == 1 else CHUNK, alpha=0.6, linewidth=0.9)
    axes.set_title(f"H = {H}, {count} demonstrations", fontsize=10)
show(
    figure,
    "Twelve episodes of four clones, with single steps and with chunks of 10, from 100 and from 10 "
    "demonstrations. All run along the wall and pass the gaps; the paths of chunks are spread wider.",
)

# %%
HASTY = {H: play(CLONES[MANY, H], H, every=1) for H in (5, 10)}  # the same networks, executed otherwise
figure, panels = plots.new_figure(3, width=3.6, height=3.4)
LIMITS, table = ((0, np.inf), (0, 100), (0, np.inf)), []
for count, colour, marker, at in ((MANY, CHUNK, "o", -0.15), (FEW, "#009E73", "s", 0.15)):
    HS = np.array(sorted(H for much, H in JOBS if much == count))
    runs = [PLAYED[count, int(H)] for H in HS]
    measures = (turns, arrivals, functools.partial(shift, count=count))
    measured = [[measure(run) for run in runs] for measure in measures]
    columns = []
    for axes, values, limits in zip(panels, np.array(measured), LIMITS, strict=True):
        plots.points(axes, HS + at, values.T, f"{count} demonstrations", colour, marker, limits)
        mean, low, high = mean_interval(values.T)
        ends = zip(mean, *np.clip((low, high), *limits), strict=True)
        columns.append([f"{m:.3g} [{a:.3g}, {b:.3g}]" for m, a, b in ends])
    table += [(count, H, *cells) for H, *cells in zip(HS, *columns, strict=True)]
for axes, measure, limits in zip(panels[:2], (turns, arrivals), LIMITS, strict=False):
    again = np.array([measure(run) for run in HASTY.values()]).T
    at = np.array(list(HASTY)) + 0.45
    plots.points(axes, at, again, f"{MANY}, looks every step", WRONG, "v", limits)
    axes.set_ylim(bottom=0)
panels[0].axhline(turns(places[None])[0], color="0.4", linestyle=":", label="demonstrator")
panels[0].set_ylabel("turns per 100 steps before the wall")
panels[1].set(ylabel="episodes that arrive (%)", ylim=(0, 108))
panels[2].set_ylabel("distance to own demonstrations")
panels[2].set_ylim(bottom=0)
for axes in panels:
    axes.set(xlabel="chunk length H (steps)", xticks=(1, 2, 5, 10))
panels[0].legend(fontsize=8)
show(
    figure,
    "Against chunk length: turns fall steeply, and are many again where the same network looks at every "
    "step. Arrivals are near 100 percent except there; the distance of visited places to the "
    "demonstrations has wide intervals that overlap.",
)
for H, run in HASTY.items():
    print(f"H = {H:2}, looks every step: {turns(run).mean():.0f} turns, {arrivals(run).mean():.0f} % arrive")
demonstrated_turns = turns(places[None])[0]
print(f"demonstrator: {demonstrated_turns:.1f} turns, {both_gaps(places[None]):.0f} % look at both gaps")
row = "{:>14} {:>3} {:>20} {:>17} {:>25}".format
print(row("demonstrations", "H", "turns per 100 steps", "arrive (%)", "distance"))
for cells in table:
    print(row(*cells))

# %% [markdown]
# (Each of the four seeds has its own demonstrations and its own network; 50 episodes each. The intervals are over seeds.)
#
# **Dithering.** The first panel is the clear one. Single steps turn round about 40 times in 100 steps, the demonstrator 3 times. Turns fall with $H$, at first about as $1/H$. The control: *the same networks*, with a look at every step and only the first action executed, dither like single steps. So it is the open loop that keeps the direction, not what the network knows.
#
# **Arriving.** Did you expect the ditherer to fail? From 100 demonstrations most of its episodes arrive, like those of chunks; the intervals overlap. There is a theorem behind it (Puterman, 5.5.1): for every non-Markov policy there is a Markov policy with the same state-action occupancies, and its $p(a \mid s)$ is what a perfect clone learns. A perfect one would go to and fro in the wrong *order*, but spend as much time in each place. What a Markov clone loses is coherence, and with it the speed of any single crossing. So "a Markov policy cannot imitate non-Markovian data" is too strong, as long as it *samples*. The clone of lesson 00 did what was most *frequent*, and waited for ever.
#
# Where it does matter is the control again: the network of $H = 10$ that looks at every step arrives far less often. It dithers, and its first action alone is presumably a worse model than that of the network that had only one action to fit.
#
# **Covariate shift.** The usual reason for chunks in imitation is that fewer decisions leave fewer chances to drift off the data. The third panel measures the drift. In this world it does *not* fall with $H$: the intervals are wide and overlap, and chunks also err, since nobody corrects them inside. With 10 demonstrations it is no clearer. So take this reason as an assumption to test in your own world, and the first panel as what chunks do for certain.
#
# ## 5. Temporal ensembling
#
# ALOHA's robots (2023) do something else with their chunks. They look at *every* step, predict a chunk each time, and execute a weighted mean of all that their recent chunks say about now:
#
# $$ a_t = \sum_{i=0}^{n-1} w_i\, \hat a_t^{(i)} \Big/ \sum_i w_i, \qquad w_i = e^{-m i} $$
#
# In words: $\hat a_t^{(0)}$ is what the **oldest** chunk that still covers step $t$ says about it, and it weighs most; the newest one weighs least. At most $H$ chunks cover a step, fewer at the start of an episode. This is *temporal ensembling*: smooth motion, and a look at every step.
#
# ### Your turn: `temporal_ensemble` (★☆☆, 6 minutes)

# %% nbgrader={"grade": false, "grade_id": "temporal_ensemble", "locked": false, "schema_version": 3, "solution": true, "task": false}
def temporal_ensemble(predictions, decay):
    """ALOHA's weighted mean of what several chunks say about the present step.

    Row i has the weight exp(-decay * i), i = 0 for the OLDEST prediction. The weights are divided by
    their sum.

    Args:
        predictions: (n, A), the oldest first, the newest last. At the start of an episode n is below H.
        decay: a number from 0 on; ALOHA calls it m.

    Returns:
        (A,).
    """
    ### BEGIN SOLUTION
    weights = jnp.exp(-decay * jnp.arange(len(predictions)))
    return weights @ predictions / jnp.sum(weights)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_temporal_ensemble", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
temporal_ensemble = checks.check_temporal_ensemble(temporal_ensemble)

# %% [markdown]
# **Question 3.** The clone with $H = 5$ and many demonstrations is executed in five ways: the whole chunk open loop; only its first action; ensembled with decay 0.1; and the last two again with the *same noise* at every look of an episode, so that similar states get similar chunks. Once in peace, once with gusts that drag the gripper away for 4 of every 20 steps. Which one turns most? Which is slow? Which suffers from the gusts? (ALOHA decodes its chunks with the latent variable set to its mean, 0: it always uses the same "noise".)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_ensemble", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** The first action of fresh chunks turns most: a new coin at every look. The ensemble turns less, but it averages chunks that want opposite things, and their mean stands still: it is slow. With the same noise at every look the looks agree, so the ensemble is smooth and fast. It is too faithful, though: with one noise for the whole episode it never changes its mind, and in peace turns round less than the demonstrator.
#
# Gusts cost 7 to 25 steps, open loop most. The ensemble of looks that agree stays the quickest, and arrives as often as before.

# %%
def merged(decay):
    """temporal_ensemble for predictions (seeds, E, n, A), compiled."""
    return jax.jit(jax.vmap(jax.vmap(lambda rows: temporal_ensemble(rows, decay))))


WAYS = {
    "open loop": dict(),
    "first action": dict(every=1),
    "ensemble": dict(ensemble=merged(0.1)),
    "first action,\nsame noise": dict(every=1, same_noise=True),
    "ensemble,\nsame noise": dict(ensemble=merged(0.1), same_noise=True),
}
blown = gusts(3, (SEEDS, EPISODES))
figure, panels = plots.new_figure(2, width=5.2, height=3.4)
print(" " * 37 + "arrive (%)   steps   turns   look at both gaps (%)")
for push, label, colour, marker in ((None, "in peace", CHUNK, "o"), (blown, "with gusts", WRONG, "v")):
    runs = [play(CLONES[MANY, 5], 5, push=push, **way) for way in WAYS.values()]
    at = np.arange(len(WAYS)) + (0.1 if push is not None else -0.1)
    plots.points(panels[0], at, np.array([turns(run) for run in runs]).T, label, colour, marker)
    steps = [first_arrival(run).mean(axis=1) for run in runs]
    plots.points(panels[1], at, np.array(steps).T, label, colour, marker)
    for way, run in zip(WAYS, runs, strict=True):
        mean, low, high = mean_interval(arrivals(run))
        way = way.replace("\n", " ")
        arrive = f"{mean:.0f} [{max(low, 0):.0f}, {min(high, 100):.0f}]"
        print(f"{label:10} {way:24} {arrive:>12} {first_arrival(run).mean():6.0f}", end=" ")
        print(f"{turns(run).mean():8.1f} {both_gaps(run):14.0f}")
for axes in panels:
    axes.set_xticks(range(len(WAYS)), WAYS, fontsize=8)
    axes.set_ylim(bottom=0)
panels[0].set_ylabel("turns per 100 steps before the wall")
panels[1].set_ylabel(f"steps to the right side ({LIMIT + 1} if never)")
panels[0].legend(fontsize=8)
show(
    figure,
    "Turns, and steps to the right side, for five ways to execute the same chunks. The first action turns "
    "most; the ensemble with the same noise is quickest, in gusts too.",
)

# %% [markdown]
# - **The first action** of a fresh chunk dithers, as in section 4.
# - **The ensemble** of fresh chunks cures most of the turning, but is slow: presumably because it averages "up" and "down" half-way between the gaps, and the mean of the two stands still. That would be the Gaussian's mistake of section 2, made over time.
# - **The same noise** at every look makes the looks agree. Now ensembling does what ALOHA built it for: next to no turning in peace (6 turns in gusts, which drag it about), and the quickest way of the five, in gusts too. ALOHA's looks always agree, because its decoder gets the same latent, 0, each time.
# - There is a price. With one noise for the whole episode not every episode arrives: the clone is deterministic, and where it stands still in peace, it stands for ever.
# - None of the five keeps the demonstrator's habit of looking at both gaps. It does so in 66 % of its episodes, these clones in 8 % or less (last column of the print): they arrive, and are no faithful copies.
# - **Open loop** needs nothing of that, and a fifth of the network's evaluations. In gusts it is slower by some 25 steps.
#
# The method of this course executes open loop, $H = 5$: coherent without further machinery. What it costs in a world that pushes back was lesson 01's subject.
#
# ## 6. A real simulator: the cube
#
# Now the arm of lesson 00, in the simulator. The data are *play*: a script carries the cube to one random place after the other. The next cell generates 8 episodes of 1,000 steps with OGBench's own script (under a minute on two idle cores, once; they are kept in your cache folder). The official data set has 1,000 episodes. The last episode is held out, and two seeds each of single steps and chunks of 5 are cloned from the rest.
#
# Mind what to expect. A clone imitates *whoever recorded*, and the recorder did not want what our task wants: it went to random places. A good clone of play solves a given task by chance only. What one can ask is whether it moves as the data do.

# %%
CUBE_SEEDS, LENGTHS = 2, (1, 5)
TASK = get_task("cube-single-play-singletask-task1-v0")
with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
    path = get_dataset(TASK.domain.dataset, "generate", episodes=shorten(8, fast=2), log=lambda line: None)
cube, about = load(path, TASK)
print(about["provenance"])
print(f"{about['transitions']:,} transitions")
last_episode = len(cube.observations) - 1001
held_out = np.arange(last_episode, len(cube.observations))
starts = np.tile(cube.starts[cube.starts < last_episode], (CUBE_SEEDS, 1))
number = np.full(CUBE_SEEDS, starts.shape[1])

cube_updates = shorten(2500, fast=100)
with ThreadPoolExecutor(2) as pool:
    trained = pool.map(lambda H: clone(cube, H, starts, number, cube_updates), LENGTHS)
    CUBES = dict(zip(LENGTHS, trained, strict=True))

# %% [markdown]
# First without the simulator. At moments of the held-out episode we sample chunks and lay what was recorded over them. As a control, the same samples are compared with what was recorded at *another* moment.

# %%
moments = held_out[np.linspace(60, 900, 40).astype(int)]
real = np.stack([cube.actions[moments + k] for k in range(5)], axis=1)  # (40, 5, A)
guesses = 64
seen = jnp.asarray(np.repeat(cube.observations[moments], guesses, axis=0))
seen = jnp.broadcast_to(seen, (CUBE_SEEDS, *seen.shape))
drawn = np.asarray(chunks_of(CUBES[5], seen, 5, 5, 10, jax.random.key(0)))
drawn = drawn.reshape(CUBE_SEEDS, len(moments), guesses, 5, 5)

shown = np.array([3, 12, 21, 33])
figure, panels = plots.new_figure(4, width=2.7, height=2.7)
for axes, i in zip(panels, shown, strict=True):
    for guess in drawn[0, i, :16]:
        axes.plot(range(1, 6), guess[:, 2], color=CHUNK, alpha=0.4, linewidth=0.9)
    axes.plot(range(1, 6), real[i, :, 2], color="black", linewidth=2)
    axes.set(xlabel="step of the chunk", ylim=(-1.1, 1.1), xticks=range(1, 6))
    axes.set_title(f"held-out step {moments[i] - last_episode}", fontsize=10)
panels[0].set_ylabel("vertical action (fraction of largest)")
show(
    figure,
    "Sampled chunks (thin) and the recorded chunk (black), vertical action only, at four moments of an "
    "episode that was held out.",
)
distance = lambda a, b: np.sqrt(((a - b) ** 2).mean(axis=(-2, -1)))
own = distance(drawn, real[None, :, None]).mean(axis=2)
other = distance(drawn, np.roll(real, 7, axis=0)[None, :, None]).mean(axis=2)
difference = mean_interval((other - own).mean(axis=0))
print("distance of samples")
print(f"  to the recorded chunk     {own.mean():.2f}")
print(f"  to that of another moment {other.mean():.2f}")
print(f"  difference                {difference[0]:.2f} [{difference[1]:.2f}, {difference[2]:.2f}]")


# %%
def cube_episode(env, params, horizon, number):
    """Gripper and cube (T, 3) each in metres, and success, of one episode in the simulator."""
    observation, _ = env.reset(seed=number)
    rows, done, key = [observation], False, jax.random.key(number)
    while not done:
        key, now = jax.random.split(key)
        look = jnp.asarray(observation, jnp.float32)[None, None]
        for action in np.asarray(chunks_of(params, look, horizon, 5, 10, now))[0, 0]:
            observation, _, terminated, truncated, _ = env.step(action)
            rows.append(observation)
            done = terminated or truncated
            if done:
                break
    rows = np.array(rows) / 10  # OGBench observes positions in decimetres, from the middle of the table
    return rows[:, 12:15], rows[:, 19:22], terminated


env, tries = make_env(TASK), shorten(4, fast=1)
EPISODE = {}
for H in LENGTHS:
    for seed in range(CUBE_SEEDS):
        params = jax.tree.map(lambda leaf, seed=seed: leaf[seed : seed + 1], CUBES[H])
        EPISODE[H, seed] = [cube_episode(env, params, H, 100 + i) for i in range(tries)]
env.close()

figure, panels = plots.new_figure(3, width=3.4, height=3.1)
recorded = cube.observations[held_out, 12:15] / 10
panels[0].plot(100 * recorded[:, 1], 100 * recorded[:, 2], color="0.3", linewidth=0.9)
panels[0].set_title("data: 1,000 held-out steps", fontsize=10)
for axes, H, colour in zip(panels[1:], LENGTHS, (SINGLE, CHUNK), strict=True):
    for gripper, _, _ in EPISODE[H, 0]:
        axes.plot(100 * gripper[:, 1], 100 * gripper[:, 2], color=colour, linewidth=0.9)
    axes.set_title(f"clone, H = {H}: {tries} x 200 steps", fontsize=10)
for axes in panels:
    axes.set(xlim=(-35, 35), ylim=(0, 40), xlabel="across the table (cm)")
panels[0].set_ylabel("height (cm)")
show(
    figure,
    "Paths of the gripper from the front: in the data it sweeps over the whole table in arcs; single "
    "steps tremble in places, chunks make longer strokes in a small part of the table.",
)


def speed(gripper):
    """Mean distance between places of the gripper five steps apart, in cm: the paper's coherency."""
    return 100 * np.linalg.norm(gripper[5:] - gripper[:-5], axis=1).mean()


print(f"data:  coherency {speed(recorded):.1f} cm in five steps")
for H in LENGTHS:
    episodes = [episode for seed in range(CUBE_SEEDS) for episode in EPISODE[H, seed]]
    count, lifted = len(episodes), sum(np.ptp(block[:, 2]) > 0.03 for _, block, _ in episodes)
    solved = sum(bool(success) for _, _, success in episodes)
    mean, low, high = mean_interval([speed(gripper) for gripper, _, _ in episodes])
    print(f"H = {H}: coherency {mean:.1f} [{low:.1f}, {high:.1f}] cm", end="")
    for what, k in (("cube lifted", lifted), ("task solved", solved)):
        ends = stats.binomtest(int(k), count).proportion_ci()
        print(f"; {what} {k} of {count} [{100 * ends.low:.0f}, {100 * ends.high:.0f} %]", end="")
    print()

# %% [markdown]
# The samples are about half as far from what was recorded at their moment as from what was recorded elsewhere: the flow knows what the situation calls for. In the simulator none of the few episodes solves the task, as was to be expected of play from 7 episodes, and with so few the intervals are wide. What can be told apart is *coherency*, the distance that the gripper covers in five steps: chunks of 5 go further than single steps, and the data furthest (intervals over episodes of both seeds). So few episodes cannot tell whether the cube is lifted more often.
#
# So a clone of play acts like play and solves nothing. It takes a critic to choose among what it proposes. That is lesson 04.
#
# ## Summary
#
# - A flow is a regression: predict $x_1 - x_0$ at a random point of a random straight line. Its sampler follows the field from noise to data in $K$ Euler steps. $K = 1$ gives the mean.
# - It keeps the modes apart that a Gaussian merges, without being told how many there are.
# - Over chunks, the point is the whole chunk, with one time. Steps that do not exist have no error; the mean is over all $B \cdot H \cdot A$ entries.
# - A Markov clone of non-Markovian data dithers. It need not fail for that, as long as it samples and is a good clone. Chunks toss the coin once in $H$ steps.
# - What counts is the *commitment*, not the network: the same network that looks at every step, and samples anew, dithers again.
# - Temporal ensembling averages what looks say. It needs looks that agree.
#
# ## Quiz
#
# 1. A colleague's flow gives the same action for every noise. Name two mistakes of this lesson that would do this.
# <details><summary>Answer</summary>A sampler that starts from zeros; one with a single Euler step, which gives the mean.</details>
#
# 2. Why is one time drawn for a whole chunk, and not one for each of its steps?
# <details><summary>Answer</summary>The sampler moves all steps of the chunk from t = 0 to 1 together. It never meets a chunk whose steps are at different times; a field that was trained on such chunks would answer questions that nobody asks.</details>
#
# 3. Near the end of an episode a chunk is cut. Why does its critic loss get the weight 0 (lesson 02), and its imitation loss only a mask?
# <details><summary>Answer</summary>The critic values the whole chunk, and there is none. Imitation asks step by step what was done, and the steps that exist were done.</details>
#
# 4. You execute a clone with H = 10 and look at every step, to be safe against disturbances. What do you lose, and how could you keep it?
# <details><summary>Answer</summary>The commitment: each look samples a new intention. Keep the noise, execute more of the chunk, or tell the policy its last chunk.</details>
#
# ## References and what comes next
#
# - Y. Lipman, R. Chen, H. Ben-Hamu, M. Nickel, M. Le, *Flow Matching for Generative Modeling*, [arXiv 2210.02747](https://arxiv.org/abs/2210.02747).
# - S. Park, Q. Li, S. Levine, *Flow Q-Learning*, [arXiv 2502.02538](https://arxiv.org/abs/2502.02538): the flow as a behavior policy.
# - T. Zhao, V. Kumar, S. Levine, C. Finn, *Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware* (ALOHA, ACT), [arXiv 2304.13705](https://arxiv.org/abs/2304.13705): chunks and temporal ensembling.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: the flow over chunks.
# - M. Puterman, *Markov Decision Processes*, theorem 5.5.1: for every policy there is a Markov policy with the same state-action occupancies.
#
# **Next:** [04 · FQL and Q-LAC](04_fql.ipynb): a critic of chunks, and a policy that the flow keeps near the data.
