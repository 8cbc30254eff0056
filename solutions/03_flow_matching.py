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
# # 03 · Flow matching: imitating chunks with all their modes
#
# The critic of lesson 02 chooses among chunks. Now you build the model that offers them: a *flow*, which turns noise into chunks that look like the data. Then *clones* imitate a demonstrator whose intentions they cannot see.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb): chunks and `valid`; a little JAX: `jnp`, `jax.random`. **Time** about 90 minutes to work through; 2 to 3 minutes on two cores to run.
#
# ## 1. Lines that cross
#
# Half of the recorded actions steer left (-0.6), half steer right (0.6). Each walker gets a random noise and a recorded action, and walks in a straight line from one to the other. The lines cross. The black bar is a window; the right panel shows the velocities of the lines through it.

# %%
import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons import experiment, shorten, show
from qlac_lite.lessons import hidden_intentions as careful
from qlac_lite.lessons import small_flows as toys
from qlac_lite.lessons.checks import lesson03 as checks
from qlac_lite.lessons.drawings_of_clones import by_length, demonstrators, heights, ways
from qlac_lite.lessons.drawings_of_flows import crossing_lines, few_steps, hunt, three_models, walkers
from qlac_lite.lessons.sliders import explore

show(*crossing_lines(time=0.4, place=0.1))
explore(
    crossing_lines,
    time=("t", [0.0, 0.2, 0.4, 0.6, 0.8, 0.9], 0.4),
    place=("action", [-0.6, -0.3, 0.0, 0.1, 0.3, 0.6], 0.1),
)

# %% [markdown]
# **Question 1.** New walkers start at a random noise. Each knows only its place and the time, and takes the *mean* velocity of all lines that pass there. Where do they end: all in the middle, half at each action, or spread out in between? Move the window before you answer. [Our answer](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_mean", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** Half at each action. Early on, the mean leads everybody towards the middle. Later, a walker slightly above the middle meets more lines that go right (up) than left. The mean pulls it up, where even more of the lines go right. No line ends in the middle, so nobody stays there.

# %% [markdown]
# ### The mean velocity, exactly
#
# | symbol | in code | meaning |
# |---|---|---|
# | $B$, $N$, $D$ | axes | rows of a batch, points of data, size of a point |
# | $H$, $A$, $S$ | axes | steps of a chunk, size of an action, of an observation |
# | $x_0$ | `noise` | a sample of the standard Gaussian |
# | $x_1$ | `data`, `chunks` | a sample of the data |
# | $t$ | `time` (B,) | place on the line: **0 is noise, 1 is data** |
# | $v(x, t)$ | `field` | a velocity for each place and time |
# | $K$ | `steps` | steps of the sampler |
# | $s$ | `observation` (B, S) | what the policy sees |
# | | `valid` (B, H) | 1 where a step of the chunk exists, 0 after the episode's end |
# | | `key` | a JAX key; all randomness comes from it |
#
# At time $t$ a line is at $x_t = (1 - t)\, x_0 + t\, x_1$, and its velocity is $x_1 - x_0$. Stand at $x$ at time $t$. For each data point $x_1^i$, exactly one line passes here: the one that started at the noise $x_0^i = (x - t\, x_1^i) / (1 - t)$. It is as likely as that noise, up to a factor that all lines share:
#
# $$ v(x, t) = \sum_i w_i\, (x_1^i - x_0^i), \qquad w_i = \frac{e^{-\frac12 \| x_0^i \|^2}}{\sum_j e^{-\frac12 \| x_0^j \|^2}} $$
#
# In words: the mean velocity of the passing lines, each weighted by its probability.
#
# ### Your turn: `mean_velocity` (★★☆, 15 minutes)
#
# All functions in this lesson are compiled: use `jnp`, not `np`. If a check fails, `case = checks.last_case()` gives you its inputs by name.
#
# <details><summary>Hint: how to begin</summary>
#
# Write it on paper for one x and one time: what has shape (N, D), what (N,)? Then add the batch axis in front.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mean_velocity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_velocity(data, x, time):
    """The mean velocity of the lines from Gaussian noise to the data that pass x at its time.

    1. noise (B, N, D): where the line to each point of the data started. Give x and time the axes they lack.
    2. log-probability (B, N) of each noise, up to a constant: -1/2 of its squared length.
    3. weights (B, N), which add up to 1 over the data. Far from all lines, exp alone gives 0 / 0.
    4. velocity (B, N, D) of each line, and its weighted mean.

    Args:
        data: (N, D).
        x: (B, D).
        time: (B,) in [0, 1).

    Returns:
        (B, D).
    """
    ### BEGIN SOLUTION
    t = time[:, None, None]
    noise = (x[:, None, :] - t * data) / (1 - t)
    log_probability = -0.5 * jnp.sum(noise**2, axis=-1)
    weights = jax.nn.softmax(log_probability, axis=1)
    velocity = data - noise
    return jnp.sum(weights[:, :, None] * velocity, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mean_velocity", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mean_velocity = checks.check_mean_velocity(mean_velocity)

# %%
show(*walkers(mean_velocity))

# %% [markdown]
# The lines cross, but the walkers never do, because each place and time has a single velocity. Still, half of them arrive at each action. This is the theorem of flow matching: if everybody follows the mean velocity from $t = 0$ to $1$, the crowd moves from the Gaussian to the data.
#
# ### One step gives the mean
#
# At $t = 0$ the noise of every line through $x$ is $x$ itself, so all weights are $1/N$ and the mean velocity is $\bar x_1 - x$. One step of size 1 leads to $\bar x_1$, the mean of the data, whatever the noise.
#
# Predict where walkers end with $K = 2$ steps.

# %%
show(*few_steps(mean_velocity))

# %% [markdown]
# With $K = 1$ everybody ends in the middle, where plain regression on the actions would put them. With $K = 2$ they are spread out in between: the last step always ends at the mean of the data as seen from where it starts, here at $t = 1/2$, where lines of both sides still meet. With $K = 10$ nearly all reach one of the two actions. (Q-chunking takes $K = 10$.)
#
# ## 2. A network learns it, for whole chunks
#
# The exact mean needs a sum over all data, and a policy needs a different field for each observation. So a network learns the field. It sees a random place on a random line and predicts the line's velocity. It cannot know which line it is on, so its best prediction is the mean.
#
# A point is now a whole chunk: $H \cdot A$ numbers that move **together**, with one time per chunk. Near an episode's end a chunk is cut short. Its missing steps are padded with zeros that nobody executed, and `valid` (B, H) is 0.0 there:
#
# $$ L = \frac{1}{B H A} \sum_{b, k, a} \text{valid}_{b, k}\, \big( v(s_b, x_b, t_b) - (x_1 - x_0)_b \big)_{k, a}^2 $$
#
# In words: a mean squared error over all entries, where missing steps count as 0.
#
# ### Your turn: `flow_matching_loss` (★★☆, 15 minutes)
#
# <details><summary>Hint: shapes</summary>
#
# When a number per row multiplies a chunk, which axes does it lack? And a number per step?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% nbgrader={"grade": false, "grade_id": "flow_matching_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def flow_matching_loss(field, observation, chunks, valid, key):
    """Mean squared error of the predicted velocity.

    1. noise_key, time_key = jax.random.split(key)
    2. Gaussian noise from noise_key, of the shape of the chunks.
    3. Uniform times from time_key, of the shape (B,).
    4. x: where the lines are at these times. The velocity of the lines.
    5. The field's error at x. Only the squared error is masked; x stays as it is.

    Args:
        field: a function, field(observation (B, S), x (B, H, A), time (B,)) -> (B, H, A).
        observation: (B, S). It goes into the field as it is.
        chunks: (B, H, A), zero where a step does not exist. (A pause is an action of zeros that exists.)
        valid: (B, H) float, 1.0 where the step exists, else 0.0.
        key: a JAX key.

    Returns:
        A scalar, the mean over all B * H * A entries.
    """
    ### BEGIN SOLUTION
    noise_key, time_key = jax.random.split(key)
    noise = jax.random.normal(noise_key, chunks.shape)
    time = jax.random.uniform(time_key, (len(chunks),))
    t = time[:, None, None]
    x = (1 - t) * noise + t * chunks
    velocity = chunks - noise
    error = field(observation, x, time) - velocity
    mask = valid[:, :, None]
    return jnp.mean(mask * error**2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_flow_matching_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
flow_matching_loss = checks.check_flow_matching_loss(flow_matching_loss)

# %% [markdown]
# ### Your turn: `sample_chunks` (★★☆, 8 minutes)
#
# The sampler follows the field from noise to data in $K$ Euler steps:
#
# $$ x_{(k+1)/K} = x_{k/K} + \tfrac 1 K\, v\big(s,\, x_{k/K},\, \tfrac k K\big), \qquad k = 0, \dots, K - 1 $$
#
# In words: ask the field which way to go, take a step of size $1/K$, and repeat this $K$ times.
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% nbgrader={"grade": false, "grade_id": "sample_chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_chunks(field, observation, key, horizon, size, steps):
    """Chunks of actions from a flow, one for each observation.

    1. Start at Gaussian noise (B, H, A), drawn from the key as it is.
    2. Take K steps. The field wants one time for each row, shape (B,).
    3. Clip once, at the end: actions live in [-1, 1]; on its way the flow may go anywhere.

    Args:
        field: a function, field(observation (B, S), x (B, H, A), time (B,)) -> (B, H, A).
        observation: (B, S).
        key: a JAX key.
        horizon, size, steps: H, A and K, Python ints.

    Returns:
        (B, H, A).
    """
    ### BEGIN SOLUTION
    rows = len(observation)
    x = jax.random.normal(key, (rows, horizon, size))
    for k in range(steps):
        time = jnp.full(rows, k / steps)
        velocity = field(observation, x, time)
        x = x + velocity / steps
    return jnp.clip(x, -1, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sample_chunks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
sample_chunks = checks.check_sample_chunks(sample_chunks)

# %% [markdown]
# Here are two data sets of actions in the plane: "left or right, never straight on", and "any direction at one speed". The usual policy in continuous control is a Gaussian. (Left and right are on the horizontal axis; samples are clipped to $[-1, 1]$.) Predict how many of its samples go straight on, within $\pm 0.3$, in the first set.

# %%
seeds, count, samples = shorten(4, fast=2), shorten(1000, fast=300), {}
for name, draw in toys.TOYS.items():
    data = np.asarray(draw(jax.random.key(3), count))
    flows = toys.fit_toy(flow_matching_loss, draw, seeds, shorten(3000, fast=100))
    samples[name] = data, toys.gaussian_samples(data, count), toys.toy_samples(sample_chunks, flows, count)
show(*three_models({name: (data, gauss, flow[0]) for name, (data, gauss, flow) in samples.items()}))
print("straight on, of two modes (%):", end="")
for model, actions in zip(("data", "Gaussian", f"flow, mean of {seeds} seeds"), samples["two modes"]):
    print(f"  {model} {toys.straight_on(actions).mean():.1f}", end="")

# %% [markdown]
# The Gaussian is densest in the middle, where there is no data. The flow finds both modes without being told how many there are; a few of its samples lie between them.
#
# ## 3. Bug hunt: a loss too good to be true
#
# A colleague has made training faster and smoother. Her data is in the order of recording: first everybody who went left, then everybody who went right. She changed two things:
#
# - She reads the rows of a batch in order, because a disk is faster that way.
# - She takes one time from each of `size` equal parts of $[0, 1]$, because even times make the loss less noisy.

# %%
def her_batch(data, key, size):
    """Points x (B, D) of lines from noise to the data (N, D), their times (B,), their velocities (B, D)."""
    rows_key, noise_key, time_key = jax.random.split(key, 3)
    rows = jnp.sort(jax.random.randint(rows_key, (size,), 0, len(data)))
    time = (jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size
    ends = data[rows]
    noise = jax.random.normal(noise_key, ends.shape)
    t = time[:, None]
    x = (1 - t) * noise + t * ends
    velocity = ends - noise
    return x, time, velocity


recorded, updates = toys.recorded_in_order(), shorten(1500, fast=100)
least = toys.least_loss(mean_velocity, recorded)
runs = {
    "healthy": toys.fit_batches(checks.training_batch, recorded, updates),
    "hers": toys.fit_batches(her_batch, recorded, updates),
}
show(*hunt(runs, least))

# %% [markdown]
# Both runs use the same sampler and network; only the batches differ. Half of the data goes right. The dotted line is the loss of *your* `mean_velocity` on this data. No field of place and time can do better.
#
# **Question 2.** What would you expect in the loss and in the samples if (a) the learning rate were too small, (b) the network were too small, (c) the sampler were wrong? Does one of them fit? What does a loss *below* the dotted line tell you? [Our answer](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_hunt", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) and (b) leave the loss above the dotted line. (c) changes only the samples. None fits. A loss below the dotted line means that the network knows more than place and time should tell. The place is as it should be, so the time gives it away.

# %% [markdown]
# ### Your turn: `training_batch` (★★★, 15 minutes)
#
# Mend her function. The check looks at many batches, so you may draw as you like, as long as all rows come equally often and all randomness comes from `key`.
#
# <details><summary>Hint</summary>
#
# Print `rows` and `time` of one batch of 8, side by side. What do rows with a small time have in common?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% nbgrader={"grade": false, "grade_id": "training_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def training_batch(data, key, size):
    """Points of random lines from noise to the data, for one update.

    Noise, row and time of a line are independent of each other. Each batch is new, by its key.

    Args:
        data: (N, D), perhaps in an order that means something.
        key: a JAX key.
        size: B, a Python int.

    Returns:
        x: (B, D), where the lines are at their times.
        time: (B,), spread evenly over [0, 1].
        velocity: (B, D).
    """
    ### BEGIN SOLUTION
    rows_key, noise_key, time_key = jax.random.split(key, 3)
    rows = jax.random.randint(rows_key, (size,), 0, len(data))  # not sorted
    time = (jnp.arange(size) + jax.random.uniform(time_key, (size,))) / size
    ends = data[rows]
    noise = jax.random.normal(noise_key, ends.shape)
    t = time[:, None]
    x = (1 - t) * noise + t * ends
    velocity = ends - noise
    return x, time, velocity
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_training_batch", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
training_batch = checks.check_training_batch(training_batch)

# %%
show(*hunt(runs | {"mended": toys.fit_batches(training_batch, recorded, updates)}, least))

# %% [markdown]
# <details><summary>What happened</summary>
#
# The last rows of a sorted batch went right, and they got the last times. So the network learned to tell the side from the time, and its loss fell *below* that of the exact mean. A walker's last steps meet only lines that go right, so all walkers end there. Either change alone would leave row and time independent; together they do not. (The mended curve lies on or near the healthy one.)
#
# Know the lowest possible loss. If you beat it, look for a leak.
# </details>
#
# ## 4. Hidden intentions
#
# A gripper holds a puck to the left of a wall with two gaps and has to bring it to the right. The demonstrator is careful: it goes to one gap, pauses up to 4 steps, perhaps visits the other one, and passes after one to three visits. Where it is going is in its head; the observation shows only the place. A *turn* is any change of direction along the wall, a small wobble included.

# %%
SEEDS, LENGTHS = np.arange(shorten(4, fast=2)), shorten((1, 2, 5, 10), fast=(1, 5))
data = careful.demonstrations(SEEDS, shorten(100, fast=20))  # each seed has its own
show(*demonstrators(jax.tree.map(lambda each: each[0], data)))
shown = np.asarray(data.places)
turns, needed = careful.turns(shown).mean(), careful.steps_needed(shown).mean()
print(f"demonstrator: {turns:.1f} turns in 100 steps, {needed:.0f} steps to the right side")

# %% [markdown]
# Half-way between the gaps, half of the demonstrations go up and half go down. A policy of single steps tosses a coin there at *every step*; a policy of chunks, once per chunk.
#
# **Question 3.** Clones with $H = 1, 2, 5, 10$ learn from 100 demonstrations, in 3,000 updates. How often do they turn? Do they arrive (get to the right side) within 200 steps? And what if the networks with $H = 5$ and $10$ *look* (sample a new chunk) at *every* step and execute only its first action? [Our answer](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_dither", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** With single steps the clone turns very often. The longer the chunk, the fewer coins it tosses. A chunk network that looks at every step is back to a coin at every step.
#
# Arriving is another question: dithering alone need not stop it. The text below the figures says why.

# %%
clones = careful.clones(flow_matching_loss, data, LENGTHS, SEEDS)
whole = {H: careful.play(sample_chunks, clones[H], H) for H in LENGTHS}
hasty = {H: careful.play(sample_chunks, clones[H], H, every=1) for H in LENGTHS if H >= 5}
longest = LENGTHS[-1]
show(
    *heights(
        {
            "demonstrator": shown[0],
            "H = 1": whole[1][0],
            f"H = {longest}": whole[longest][0],
            f"H = {longest}, looks every step": hasty[longest][0],
        }
    )
)

# %%
measures = {"turns in 100 steps": careful.turns, "episodes that arrive (%)": careful.arrivals}
of_all = lambda measure, plays: {H: measure(places) for H, places in plays.items()}
show(
    *by_length(
        {
            what: (of_all(measure, whole), of_all(measure, hasty), measure(shown).mean())
            for what, measure in measures.items()
        }
    )
)
for label, plays in (("whole chunks", whole), ("looks every step", hasty)):
    for H, places in plays.items():
        values = [measure(places).mean() for measure in measures.values()]
        print(f"{label:16}  H = {H:2}: {values[0]:4.1f} turns, {values[1]:3.0f} % arrive")

# %% [markdown]
# (Each of four seeds has its own demonstrations, network and 50 episodes. Bars: 95 % intervals over seeds.)
#
# **Turns.** In 100 steps, single steps turn 42 times (they *dither*), chunks of ten 7 times, and the demonstrator 3 times. With a look at every step (triangles), *the same networks* turn nearly as often as single steps. So the direction is kept by open-loop execution, not by what the network knows.
#
# **Arrivals.** Did you expect single steps to fail? They arrive in 93 % of their episodes, and four seeds cannot tell them from whole chunks. On average, a perfect clone of $p(a \mid s)$ visits the same places as the demonstrator, in another order (Puterman, below).
#
# With $H = 10$ and a look at every step, the clone arrives in 60 % [38, 82], though it turns no more than with $H = 1$. Two of its three episodes above go past the gaps to $\pm 1$, where no demonstration has been. Longer training cures it: [with four times the updates](https://github.com/qlac-lite/qlac-lite/blob/main/results/README.md#a-clone-that-is-trained-longer-lesson-03) the same seeds turn as often and arrive in every episode.
#
# ## 5. An experiment of your own
#
# `experiment` trains and plays two clones with the same eight seeds and draws the difference seed by seed. Choose a knob, predict, and run it.
#
# | knob | values | what it is |
# |---|---|---|
# | `H` | 1 to 10 (5) | chunk length |
# | `every` | 1 to `H` (`H`) | steps between two looks |
# | `demonstrations` | 5 to 100 (100) | of each seed |
# | `K` | 1 to 20 (10) | Euler steps of the sampler |
# | `kept_noise` | `False`, `True` (`False`) | every look of an episode gets the same noise |
# | `updates` | 200 to 4,000 (1,000) | of the network; section 4's have 3,000 |
#
# Measure `careful.turns`, `careful.arrivals` or `careful.steps_needed`. Our example: *A clone looks at every step, and each look draws a new noise. With one noise for the whole episode its looks agree, so it turns less often.*

# %%
# Change me: the knob, the prediction, the measure.
def turns(seeds, **knobs):
    return careful.imitate(careful.turns, seeds, **knobs)


one, other = dict(every=1, kept_noise=True), dict(every=1, kept_noise=False)
difference = experiment(
    turns, one, other, predict="lower", measure="turns in 100 steps", seeds=shorten(8, fast=2)
)

# %% [markdown]
# The prediction held: with one noise, the clone makes 43 fewer turns in 100 steps [41, 44]. So keeping the noise is enough to stop the dithering. But the clone now turns *less* often than the demonstrator: it no longer imitates the changes of mind.
#
# More questions: does the kept noise change how often clones arrive? Does a clone with $K = 1$ arrive less often, even after 4,000 updates?
#
# ## 6. Optional: temporal ensembling
#
# ALOHA's robots look at *every* step. They execute a weighted mean of what their recent chunks say about the current step:
#
# $$ a_t = \frac{\sum_{i=0}^{n-1} w_i\, \hat a_t^{(i)}}{\sum_i w_i}, \qquad w_i = e^{-m i} $$
#
# In words: $\hat a_t^{(0)}$ comes from the **oldest** chunk that still covers step $t$, and it weighs most.
#
# ### Your turn: `temporal_ensemble` (★★☆, 8 minutes)
#
# <details><summary>Hint</summary>
#
# Draw the chunks of three steps below each other, each shifted by one. The current step is a column.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/03_flow_matching.ipynb)

# %% nbgrader={"grade": false, "grade_id": "temporal_ensemble", "locked": false, "schema_version": 3, "solution": true, "task": false}
def temporal_ensemble(chunks, decay):
    """ALOHA's weighted mean of what several chunks say about the present step.

    1. One chunk was made at each step, the newest one now. Find how many steps ago chunk i was made.
    2. Take from each chunk its action for now, (n, A).
    3. Weigh row i with exp(-decay * i), i = 0 for the oldest, and divide by the sum of the weights.

    Args:
        chunks: (n, H, A), the oldest first, n from 1 to H.
        decay: a number from 0 on; ALOHA calls it m.

    Returns:
        (A,).
    """
    ### BEGIN SOLUTION
    n = len(chunks)
    i = jnp.arange(n)
    steps_ago = n - 1 - i
    actions = chunks[i, steps_ago]
    weights = jnp.exp(-decay * i)
    return weights @ actions / weights.sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_temporal_ensemble", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
temporal_ensemble = checks.check_temporal_ensemble(temporal_ensemble)

# %% [markdown]
# The clone with $H = 5$ executes its chunks in four ways. The last gives every look of an episode the *same noise*, as ALOHA's decoder does: its latent variable is always 0. Which way turns most? Which one moves slowly? (An episode that never arrives counts as 201 steps.)

# %%
def merged(chunks):
    return temporal_ensemble(chunks, 0.1)


kinds = {
    "open loop": dict(),
    "first action": dict(every=1),
    "ensemble": dict(ensemble=merged),
    "ensemble, same noise": dict(ensemble=merged, kept_noise=True),
}
played = {name: careful.play(sample_chunks, clones[5], 5, **kind) for name, kind in kinds.items()}
measures = {
    "turns in 100 steps": careful.turns,
    "speed half-way (% of largest)": careful.speed_half_way,
    "steps to the right side": careful.steps_needed,
}
show(*ways({what: {name: f(places) for name, places in played.items()} for what, f in measures.items()}))

# %% [markdown]
# The ensemble of fresh chunks turns as seldom as open loop, but half-way between the gaps it moves less than half as fast. It averages "up" and "down", and their mean stands still. With the same noise the looks agree, and the ensemble turns less often than the demonstrator.
#
# ## Summary
#
# 1. Between two modes, where 0.1 % of the data lies, a Gaussian puts 35 % of its actions and the flow 4 %.
# 2. With hidden intentions, single steps turn 42 times in 100 steps and whole chunks of ten 7 times. The same chunks with a look at every step turn 40 times.
# 3. If a chunk clone that looks at every step keeps one noise per episode, it makes 43 fewer turns in 100 steps.
#
# ## Quiz
#
# 1. A colleague's flow gives the same action for every noise. Name two mistakes that would do this.
# <details><summary>Answer</summary>The sampler starts from zeros, or it takes a single Euler step, which gives the mean.</details>
#
# 2. Why do you draw one time for a whole chunk, and not one for each of its steps?
# <details><summary>Answer</summary>The sampler moves all steps of a chunk together from t = 0 to 1. It never meets a chunk whose steps are at different times.</details>
#
# 3. Near an episode's end a chunk is cut short. Why does it get weight 0 in the critic's loss (lesson 02), but only a mask in the imitation loss?
# <details><summary>Answer</summary>The critic values a whole chunk, and there is none. Imitation asks step by step what was done, and the steps that exist were done.</details>
#
# 4. You execute a clone with H = 10 and look at every step, to be safe against disturbances. What do you lose, and how could you keep it?
# <details><summary>Answer</summary>The commitment: each look samples a new intention, and 7 turns become 40. Keep the noise, execute more of the chunk, or show the policy its last chunk.</details>
#
# ## References and what comes next
#
# - Y. Lipman and others, *Flow Matching for Generative Modeling*, [arXiv 2210.02747](https://arxiv.org/abs/2210.02747).
# - S. Park, Q. Li, S. Levine, *Flow Q-Learning*, [arXiv 2502.02538](https://arxiv.org/abs/2502.02538): the flow as a behavior policy.
# - T. Zhao and others, *Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware* (ALOHA), [arXiv 2304.13705](https://arxiv.org/abs/2304.13705): chunks and temporal ensembling.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: the flow over chunks.
# - M. Puterman, *Markov Decision Processes*, theorems 5.5.1 and 6.9.1: for every policy there is a Markov policy with the same state-action occupancies (at each step, if it may depend on the time; else in discounted sums).
#
# **Next:** [04 · FQL and Q-LAC](04_fql.ipynb): a critic of chunks, and a policy that the flow keeps near the data.
