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
# # 06 · From offline to online: do chunks alone help?
#
# Do chunks alone help an online learner, or does it take a flow?
#
# **You will be able to** feed an online learner half data, half replay; run an agent that decides in chunks in a world that wants single actions; write the whole update of RLPD, for single actions and for chunks; tell a mistake in the code from a fault of the method; say what an intervention shows about a cause.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb) (chunks, queues), [lesson 04](04_fql.ipynb) (critic loss, gradient routing). **Time** about 90 minutes to work through; 2 to 3 minutes on two cores to run.
#
# ## 1. Guess first
#
# So far chunks and flows came together. **RLPD** is a strong online learner without a flow. Its policy is a Gaussian, and it learns from data and from its own steps at once. Give it chunks of five actions, change nothing else, and you have **RLPD-AC**. If chunks alone help, it is ahead. Here are the paper's figures.

# %%
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from qlac_lite.lessons import drawings_of_online as draw
from qlac_lite.lessons import experiment, her_rlpd, shorten, show
from qlac_lite.lessons import online_agents as online
from qlac_lite.lessons.checks import lesson06 as checks

show(*draw.paper())

# %% [markdown]
# (Means over tasks, with the paper's 95 % intervals. The last two are tasks of Robomimic.)
#
# Over all 25 tasks the two are level after 200K steps, 47 % each. At the end RLPD has 67 % and RLPD-AC 61 %.
#
# **Question 1.** Where do chunks help early, and where do they cost something in the end? We ran both on the lite world of lesson 04, with chunks of 5, 10 and 20 actions of three numbers; the task takes about 39 actions. At which length will RLPD-AC be ahead of RLPD, and at which behind? And if a flow takes the Gaussian's place: where will it help most?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_map", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** Early they help on puzzle-3x3 and scene, and they cost on cube-double. At the end they cost much on cube-triple (41 and 11 %) and some on can and square. There the movements are fine, and a chunk of 5 has 25 numbers or 35. So on the lite world, with 15, 30 and 60 numbers, we expect a small gain at 5, a loss at 10, and a larger one at 20. A flow can hold the chunks of the data, so it should help most where the Gaussian fails: at 20.

# %%
show(*draw.the_map())
print(draw.told_map())

# %% [markdown]
# (Eight seeds; the longest move of a step is 0.08, in half-widths of the world; 8,000 steps online. The flow is QC-FQL with RLPD's batches, ten critics and no offline phase. Shades and bars are 95 % intervals, square brackets those of differences taken seed by seed. **Over the curve** is the mean of all evaluations: earlier success counts, too. We had fixed this measure, and the differences, before the runs.)
#
# **Chunks of 5 and 10 alone neither help nor cost anything that eight seeds show**, against what we expected: RLPD-AC less RLPD is +3 points [-1, +8] and -2 [-8, +4]. But mind the ceiling: from 4,000 steps on RLPD and chunks of 5 both solve nearly everything. Only the first evaluation has room for a lead, and there the shades overlap widely.
#
# **With steps of 0.04 chunks of 5 do help:** 16 points over the curve [7, 25]; at the end no difference is shown, 2 [-17, 21] ([record](https://github.com/qlac-lite/qlac-lite/blob/main/results/README.md#ten-methods-lesson-06)). The task then takes more steps; whether that is why is not tested.
#
# **Chunks of 20 alone fail:** -57 points [-64, -50]. After 8,000 steps RLPD-AC solves 49 %, RLPD 100 %. **A flow gives part of it back:** +24 points [8, 39], and 84 % at the end. Over the curve it stays 33 points [21, 45] behind RLPD. With chunks of 5 it is *behind* the Gaussian, by 8 points [4, 12]; with chunks of 10 no difference is shown.
#
# <details><summary>The networks matter, too</summary>
#
# RLPD's networks have LayerNorm and then ReLU, and two heads for mean and width. A first version of the runs had GELU and then LayerNorm, and one joint head. With these, chunks of 5 led by 31 points [19, 43] at steps of 0.04, where they now lead by 16.
# </details>
#
# Which part of the learner makes chunks of 20 fail? To say that, you have to know the parts. You write them now; then we ask why.
#
# ## 2. Write RLPD
#
# | symbol | in code | meaning |
# |---|---|---|
# | $B, H, A, E$ | shapes | batch, chunk length, size of an action, critics in the ensemble |
# | $u$; $\mathbf a = \tanh u$ | `u`; `chunk` | a sample of the Gaussian; the chunk that is executed |
# | $\pi_\phi$ | `networks.policy` | the policy: mean $m$ and log standard deviation $\log \sigma$ of $u$ |
# | $Q_\theta$, $Q_{\bar\theta}$ | `networks.critic` | the critics, and their slow copy for the targets |
# | $\lambda$ | `exp(log_temperature)` | the temperature: the weight of the entropy |
# | $\mathcal H$ | `entropy_target` | the entropy that is wanted of each of the $H A$ numbers, in nats: $-0.5$ (uniform between -1 and 1, it would be $\log 2 = 0.69$) |
#
# ### Half and half
#
# Online there are two sources: the data, which are many, and the replay of the agent's own steps, which begins empty. If you draw from both together, 1,000 steps beside a million rows of data come up once in a thousand. RLPD draws $\lfloor B/2 \rfloor$ of every batch from the replay, and the rest from the data, whatever their sizes.
#
# ### Your turn: `half_and_half` (★★☆, 10 minutes)
#
# The replay's arrays have a fixed size, because the step is compiled, and `filled` says how much of them counts. It is *traced*: you cannot use it in an `if`, nor in a slice. If the check refuses an answer, `case = checks.last_case()` gives you the inputs that failed.
#
# <details><summary>Hint: draw rows</summary>
#
# `starts[jax.random.randint(key, (count,), 0, limit)]`. The limit may be traced, and is excluded.
# </details>
# <details><summary>Hint: an empty replay</summary>
#
# With `filled` 0 a draw from the replay gives rows without meaning. Draw from both, with the replay's key, and let `jnp.where` choose.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/06_offline_to_online.ipynb)

# %% nbgrader={"grade": false, "grade_id": "half_and_half", "locked": false, "schema_version": 3, "solution": true, "task": false}
def half_and_half(key, offline_starts, online_starts, filled, batch_size):
    """Rows at which the chunks of a batch start.

    1. Split the key in two: the first draws from the data, the second from the replay.
    2. B - B // 2 rows of the data come first.
    3. Then B // 2 of the replay's filled starts; of the data's, with the same key, if it is empty.
    4. Mark those that are the replay's.

    Args:
        offline_starts: (N,) int, rows of the data where a chunk may start.
        online_starts: (M,) int, the same of the replay; only the first `filled` count.
        filled: () int, 0 or more.
        batch_size: B, a Python int.

    Returns:
        online: (B,) True where the row is one of the replay's.
        rows: (B,)
    """
    ### BEGIN SOLUTION
    data_key, replay_key = jax.random.split(key)
    replayed = batch_size // 2

    def draw_rows(key, starts, count, limit):
        return starts[jax.random.randint(key, (count,), 0, limit)]

    many = len(offline_starts)
    data = draw_rows(data_key, offline_starts, batch_size - replayed, many)
    instead = draw_rows(replay_key, offline_starts, replayed, many)
    replay = draw_rows(replay_key, online_starts, replayed, filled)
    second = jnp.where(filled > 0, replay, instead)
    last = jnp.arange(batch_size) >= batch_size - replayed
    return last & (filled > 0), jnp.concatenate([data, second])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_half_and_half", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
half_and_half = checks.check_half_and_half(half_and_half)

# %% [markdown]
# ### A queue
#
# The world wants one action a step, and the policy gives $H$. Between them stands a queue. If it is empty, the agent looks and decides. When an episode ends, what is left in the queue was meant for a world that is gone.
#
# The replay gets one transition a step, with two flags. **mask** is 0 where the step reached a terminal state: nothing follows. **end** is 1 where the episode ended for whatever reason, also because time ran out. After a time limit the critic still bootstraps (mask 1), but no chunk may run across it (end 1). A chunk of the replay may start at any step, also inside a decision; one that an end cuts is drawn with weight 0.
#
# ### Your turn: `act_with_queue` (★★☆, 12 minutes)
#
# The environment is Gymnasium's: `observation, info = environment.reset()` and `observation, reward, terminated, truncated, info = environment.step(action)`. (Rewards are left out here.)
#
# <details><summary>Hint: the queue</summary>
#
# `queue = list(chunk)` and `queue.pop(0)`.
# </details>
# <details><summary>Hint: the columns</summary>
#
# Append a row to a list at each step. `zip(*rows)` turns rows into columns.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/06_offline_to_online.ipynb)

# %% nbgrader={"grade": false, "grade_id": "act_with_queue", "locked": false, "schema_version": 3, "solution": true, "task": false}
def act_with_queue(environment, decide, steps):
    """Acts for `steps` steps, chunk after chunk, over as many episodes as it takes.

    1. Reset, with an empty queue.
    2. At each step: decide if the queue is empty, take its first action, and step.
    3. Store the transition as `step` returned it, with its flags.
    4. If the episode ended: reset, and empty the queue.

    Args:
        decide: decide(observation) gives a chunk (H, A). It is called only when the queue is empty.

    Returns:
        observations, actions, next_observations: (T, S), (T, A), (T, S) before, at, after each step.
        masks: (T,) 0.0 where the step terminated the episode, else 1.0.
        ends: (T,) 1.0 where the episode ended, terminated or truncated, else 0.0.
        decisions: how often decide was called.
    """
    ### BEGIN SOLUTION
    rows, queue, decisions = [], [], 0
    observation, _ = environment.reset()
    for _ in range(steps):
        if not queue:
            queue = list(decide(observation))
            decisions += 1
        action = queue.pop(0)
        after, _, terminated, truncated, _ = environment.step(action)
        over = terminated or truncated
        rows.append((observation, action, after, float(not terminated), float(over)))
        observation = after
        if over:
            observation, _ = environment.reset()
            queue = []
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return *columns, decisions
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_act_with_queue", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
act_with_queue = checks.check_act_with_queue(act_with_queue)

# %% [markdown]
# ### A Gaussian over chunks
#
# A network gives a mean and a width for each number of the chunk. A sample is drawn, and tanh squashes it into $(-1, 1)$:
#
# $$ u = m_\phi(s) + \sigma_\phi(s) \odot \varepsilon, \quad \varepsilon \sim \mathcal N(0, I), \qquad \mathbf a = \tanh u $$
#
# $$ \log \pi(\mathbf a \mid s) = \sum_{h,j} \Big[ \log \mathcal N(u_{hj};\, m_{hj}, \sigma_{hj}^2) - \log\big(1 - \tanh^2 u_{hj}\big) \Big] $$
#
# In words: the noise comes from outside, so the sample can be differentiated in mean and width. The numbers of a chunk are independent, so their log densities add up. The second term is the log slope of tanh: where tanh is flat, many $u$ become nearly the same action, and the density is higher.
#
# Far out, $\tanh u$ is rounded to 1, and $\log(1 - 1)$ is minus infinity. The same number without that trouble is $2\,(\log 2 - u - \text{softplus}(-2u))$.
#
# ### Your turn: `sample_chunk` (★★☆, 10 minutes)
#
# <details><summary>Hint: the Gaussian</summary>
#
# $\log \mathcal N = -\tfrac12 \big(\tfrac{u - m}{\sigma}\big)^2 - \log \sigma - \tfrac12 \log 2\pi$, or `jax.scipy.stats.norm.logpdf`.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/06_offline_to_online.ipynb)

# %% nbgrader={"grade": false, "grade_id": "sample_chunk", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_chunk(mean, log_std, key):
    """A chunk of the tanh-Gaussian, and its log density.

    1. Noise of mean's shape, from jax.random.normal; from it u.
    2. The Gaussian's log density at u, for each number.
    3. The log slope of tanh at u, in the stable form (jax.nn.softplus).
    4. The difference, summed over the chunk.

    Args:
        mean, log_std: (B, H, A), before the tanh.

    Returns:
        chunk: (B, H, A) in (-1, 1).
        log_prob: (B,) in nats.
    """
    ### BEGIN SOLUTION
    noise = jax.random.normal(key, mean.shape)
    u = mean + jnp.exp(log_std) * noise
    gaussian = jax.scipy.stats.norm.logpdf(u, mean, jnp.exp(log_std))
    slope = 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
    log_prob = jnp.sum(gaussian - slope, axis=(1, 2))
    return jnp.tanh(u), log_prob
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sample_chunk", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
sample_chunk = checks.check_sample_chunk(sample_chunk)

# %% [markdown]
# ### The whole update
#
# One gradient step minimises three losses. Each moves one network.
#
# $$ L(\theta) = \frac1{EB} \sum_{e,b} w_b \Big( Q_{\theta_e}(s_b, \mathbf a_b) - \Big[ \sum_{k<H} \gamma^k r_{b,k} + \gamma^H\, \tfrac1E \sum_{e'} Q_{\bar\theta_{e'}}(s'_b, \mathbf a'_b) \Big] \Big)^2, \quad \mathbf a' \sim \pi_\phi(\cdot \mid s') $$
#
# $$ L(\phi) = \mathbb E_{s,\, \mathbf a \sim \pi_\phi} \Big[ \lambda \log \pi_\phi(\mathbf a \mid s) - \tfrac1E \sum_e Q_{\theta_e}(s, \mathbf a) \Big], \qquad L(\lambda) = \lambda\, \big( -\mathbb E \log \pi - H A\, \mathcal H \big) $$
#
# In words: the **critic** is lesson 04's, with $w_b = 0$ for chunks that an episode's end cuts; all critics are pulled towards the mean of the slow copies. (Soft actor-critic would add an entropy bonus to the target; the paper's RLPD does without.) The **actor** raises Q and stays undecided. In FQL the other term was the distance to the flow, which knows the data. The entropy knows nothing of the data. The **temperature** is a thermostat: if the entropy of a chunk is above its target $H A\,\mathcal H$, $\lambda$ falls; if below, it rises.
#
# With $H = 1$ this is RLPD, with $H = 5$ RLPD-AC. Nothing else differs.
#
# ### Your turn: `rlpd_losses` (★★★, 20 minutes)
#
# <details><summary>Hint: which gradient stops where?</summary>
#
# Go through the networks. The target moves nothing. The actor's loss reads critic and temperature, and must not move them. The temperature's loss reads log_prob.
# </details>
# <details><summary>Hint: what is in the batch?</summary>
#
# `batch.returns` is the sum of rewards. `batch.discount` is $\gamma^H$ already, and 0 where nothing follows. A chunk is whole if its last step is `valid`.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/06_offline_to_online.ipynb)

# %% nbgrader={"grade": false, "grade_id": "rlpd_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rlpd_losses(networks, params, target_critic, batch, key, entropy_target):
    """The three losses of an update; each has a gradient in one network of params, and in nothing else.

    1. Split the key: the first for the next chunk, the second for the policy's own.
    2. critic_loss: next chunk and target at batch.bootstrap_observation; the squared errors
       of all critics on batch.actions; the mean over E * B, with 0 for cut chunks.
    3. actor_loss: sample a chunk at batch.observation, and ask the critics about it.
    4. temperature_loss: for the same chunk. The temperature is exp(params["log_temperature"]).

    Args:
        networks: .policy(params["policy"], observation) gives mean and log_std, each (B, H, A);
            .critic(params["critic"], observation, chunks) gives (E, B); so does .critic(target_critic, ...).
        batch: .observation (B, S), .actions (B, H, A), .returns (B,), .valid (B, H),
            .bootstrap_observation (B, S), .discount (B,).

    Returns:
        critic_loss, actor_loss, temperature_loss
    """
    ### BEGIN SOLUTION
    next_key, own_key = jax.random.split(key)
    then = batch.bootstrap_observation
    mean, log_std = networks.policy(params["policy"], then)
    next_chunk, _ = sample_chunk(mean, log_std, next_key)
    next_q = networks.critic(target_critic, then, next_chunk).mean(axis=0)
    target = stop_gradient(batch.returns + batch.discount * next_q)
    q = networks.critic(params["critic"], batch.observation, batch.actions)
    whole = batch.valid[:, -1]
    critic_loss = jnp.mean(whole * (q - target) ** 2)

    mean, log_std = networks.policy(params["policy"], batch.observation)
    chunk, log_prob = sample_chunk(mean, log_std, own_key)
    frozen = stop_gradient(params["critic"])
    own_q = networks.critic(frozen, batch.observation, chunk).mean(axis=0)
    temperature = jnp.exp(params["log_temperature"])
    actor_loss = jnp.mean(stop_gradient(temperature) * log_prob - own_q)

    entropy = -jnp.mean(stop_gradient(log_prob))
    wanted = entropy_target * chunk[0].size
    temperature_loss = temperature * (entropy - wanted)
    return critic_loss, actor_loss, temperature_loss
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_rlpd_losses", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rlpd_losses = checks.check_rlpd_losses(rlpd_losses)

# %% [markdown]
# That is the learner: your batches and your losses, with the library's networks and Adam. Train eight seeds of RLPD-AC. Then your queue executes the first seed's policy.
#
# | | recorded runs (sections 1 and 3) | runs on this page (2, 4 and 5) |
# |---|---|---|
# | longest move of a step | 0.08 | 0.1 |
# | environment steps | 8,000 | 2,000 |
# | critics | 10 | 2 |
# | first temperature | 1 | 0.1 |

# %%
yours = online.train(half_and_half, rlpd_losses)  # this takes a while
show(*draw.runs({"yours": yours}))
world_env = online.world()
world_env.reset(seed=0)
*_, ends, decisions = act_with_queue(world_env, online.chunks_of(yours), shorten(400, fast=100))
print(f"{len(ends)} steps with the queue: {int(ends.sum())} episodes ended, {decisions} decisions")

# %% [markdown]
# You have written a learner that goes from 0 to 79 % in 2,000 steps. With the queue, 400 steps would be 80 chunks of five; it took 82 decisions, because an episode that ends inside a chunk throws the rest of it away. The other two panels show the thermostat at work: the policy begins wide, the temperature falls, and the entropy falls to its target.
#
# ## 3. Why?
#
# Chunks of 20 cost RLPD 57 points. Why? A cause is a prediction: take it away, and something has to change. Here are three of what chunks change in RLPD, and what takes each away.
#
# | cause | predicts | intervention |
# |---|---|---|
# | (a) a Gaussian cannot hold the chunks of the data | the gain of another policy grows with $H$ | a flow: QC-FQL with RLPD's batches, ten critics and no offline phase; or cloning (QC-RLPD: the actor's loss gets minus 0.01 times the log likelihood of the data's chunk) |
# | (b) the entropy's say grows as $H A$, Q does not | less entropy helps long chunks | the temperature begins at $1/H$ (1 before); or the target is $-2$ ($-0.5$ before) |
# | (c) fewer decisions, so fewer things are tried | more decisions help long chunks | only the first action of each chunk is executed |
#
# **Predict** the sign of each. Does (c) change the number of decisions only?

# %%
show(*draw.causes())
print(draw.told_causes())

# %% [markdown]
# (Squares are means over eight seeds, bars 95 % intervals, dots the seeds. At $H = 20$ six changes are compared with the same eight runs. The dotted lines are wide enough that all six hold at once: then only that of (c) stays well clear of 0, and the flow's just touches it.)
#
# - **(a)** predicted what the flow shows: its gain grows with $H$, to 24 points [8, 39] at 20. But at 5 and 10 there is nothing to mend, so the gain of any repair would grow. And the flow's run differs in policy, distillation and networks at once. Cloning pulls the Gaussian towards the data, and no difference is shown: -2 points [-17, 12].
# - **(b)** holds in part. A cool start brings 15 points [5, 26]; a lower target +7 [-8, 22], not shown. The thermostat finds the weight in time, so a cool start sets the start only; a lower target changes where it settles. Do long chunks need the cool start more than short ones? See section 5.
# - **(c)** predicted a gain, and a loss is shown: -25 points [-33, -16], to 0 %. But two things change: the agent decides more often, and its critic values the policy's whole chunks, of which only first actions are executed. So this says nothing about the number of decisions alone.
#
# When two critics replace the ten, chunks of 20 lose 10 points [3, 16]; for single actions no difference is shown.
#
# **No change brings chunks of 20 back to RLPD's 82 %.** The best, the flow, reaches 48. Most of the gap is not explained.
#
# ## 4. Bug hunt: too sure of itself
#
# A colleague has an RLPD of her own, for single actions. It works. She lets her networks put out chunks of five, and it still learns. Then she lays her log beside yours.

# %%
hers = online.train(half_and_half, online.with_policy_losses(her_rlpd.her_policy_losses))
show(*draw.runs({"yours": yours, "hers": hers}))
print("over the curve, hers less yours:", draw.apart(hers.success.mean(axis=1), yours.success.mean(axis=1)))

# %% [markdown]
# (Eight seeds, 95 % intervals.)
#
# **Question 2.** (a) What should a thermostat do when the entropy is below its target? What does hers do? (b) So what does her thermostat believe the entropy is? (c) Here is her code for actor and temperature; critic and batches are yours. Which line is it, and why did it work for single actions?

# %%
print(inspect.getsource(her_rlpd.her_policy_losses))

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_thermostat", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) It should raise the temperature. Hers goes on lowering it. (b) It must believe that the entropy is above the target. (c) `log_prob = density.sum(axis=-1)` sums over the numbers of an action, and leaves (B, H). `jnp.mean` then averages over the steps of the chunk, where the log density of a chunk is their sum. So the actor feels a fifth of its entropy, and the thermostat compares a fifth of it with the target of a whole chunk. With $H = 1$ a mean over one step is its sum.

# %% [markdown]
# ### Your turn: `mended_policy_losses` (★★☆, 8 minutes)
#
# Write her function again, mended; it may use yours.
#
# <details><summary>Hint</summary>
#
# Write the shape behind each of her lines, for $H = 1$ and for $H = 5$. At which line should there be one number a chunk?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/06_offline_to_online.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mended_policy_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_policy_losses(mean, log_std, q_of, log_temperature, key, entropy_target):
    """Actor's and temperature's loss, as her_policy_losses, for chunks of any length.

    mean, log_std: (B, H, A); q_of(chunks) gives (B,). The key draws the noise.
    """
    ### BEGIN SOLUTION
    chunk, log_prob = sample_chunk(mean, log_std, key)  # summed over the whole chunk
    temperature = jnp.exp(log_temperature)
    actor_loss = jnp.mean(stop_gradient(temperature) * log_prob - q_of(chunk))
    entropy = -jnp.mean(stop_gradient(log_prob))
    wanted = entropy_target * mean[0].size
    return actor_loss, temperature * (entropy - wanted)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mended_policy_losses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mended_policy_losses = checks.check_mended_policy_losses(mended_policy_losses)

# %% [markdown]
# Yours computes what `rlpd_losses` computes, so its curves are the blue ones. **The entropy gave the mistake away; success did not tell the two apart.** At the end hers is at -2.06 nats a number, where -0.5 are wanted, and it would come to rest at five times the target. Whether a policy that is too sure of itself loses something here is not shown. So when you change shapes, check the quantities that your code controls.
#
# ## 5. Your own experiment
#
# `online.try_out` trains with your functions, and gives each seed's success over the curve.
#
# | knob | values | what it is |
# |---|---|---|
# | `H` | 1, 2, 5, 10, 25 (5) | chunk length, a divisor of 250; 1 is RLPD |
# | `temperature` | 0.01 to 1 (0.1) | the first temperature |
# | `target` | -2 to 0 (-0.5) | wanted entropy of each number, in nats |
# | `critics` | 1 to 10 (2) | critics in the ensemble |
#
# Some questions: Are chunks of 5 ahead of single actions here? Do chunks of 10 need a wider policy? What is an ensemble worth?
#
# Our example tests cause (b) at $H = 5$: *does a first temperature of 1, as in the recorded runs, cost chunks something against 0.1?* We predict that it does: at first the entropy of 15 numbers outweighs what little the critic knows.

# %%
# Change me: a question, one knob that differs, and your prediction before you run it.
count, measure = shorten(8, fast=2), "success over the curve (%)"
run = functools.partial(online.try_out, draw=half_and_half, losses=rlpd_losses)
difference = experiment(run, dict(temperature=1.0), dict(temperature=0.1), "lower", measure, count)

# %% [markdown]
# It does: 12 points less over the curve [7, 18]. (Another rounding changes such runs: `experiment(online.try_out, dict(temperature=1.0), dict(temperature=0.1), "lower", measure, 8)`, with the library's own functions, gave us 17 [12, 23].) But is it the chunk's fault? The control is that same call with `H=1` on both sides. It gave us 21 points less for single actions [13, 28]: no smaller loss than the 17 of chunks. So at this scale (b) is true of RLPD, and no reason why chunks in particular fail. And 2,000 steps are short: what is lost at the start may be made up for later.
#
# ## Summary
#
# **Do chunks alone help an online learner, or does it take a flow?** In the paper chunks alone help early in two of five domains and cost in one; in the end they gain on cube-quadruple alone, and over 25 tasks they are behind, 61 % against 67 %. On the lite world, with steps of 0.08, chunks of 5 and 10 alone change nothing that eight seeds show, near a ceiling, and chunks of 20 fail. A flow gives back part of what these lose. With steps of 0.04 chunks of 5 alone do help.
#
# Four findings:
#
# 1. RLPD-AC less RLPD, over the curve, is -57 points [-64, -50] with chunks of 20; with chunks of 5 and 10 no difference is shown, +3 [-1, +8] and -2 [-8, +4].
# 2. With a flow in the Gaussian's place chunks of 20 solve 24 points more [8, 39], and are still 33 behind RLPD [21, 45]; chunks of 5 solve 8 less [4, 12]. (The first is one of six changes; for all six to hold at once, its interval just touches 0: [0, 47].)
# 3. For chunks of 20, a first temperature of 1/20 in place of 1 brings 15 points [5, 26], and executing only first actions costs 25 [16, 33].
# 4. With steps of 0.04 chunks of 5 lead RLPD by 16 points over the curve [7, 25]; at the end no difference is shown, 2 [-17, 21].
#
# <details><summary>Not shown</summary>
#
# | question | these runs |
# |---|---|
# | Do 60 numbers make chunks of 20 fail, or 20 steps without a look? | A chunk of 20 has both. |
# | What is the rest of the 57 points? Do flow and cool start add up? | not known; not run |
# | Does a cool start help chunks more than single actions? | Not at $H = 5$ (section 5); at 20 the control is not run. |
# | Why do chunks of 5 help with steps of 0.04? Do longer ones? | not tested; not recorded |
# | Does a flow help if it is trained offline first? | Lesson 04 does that, with two critics and other batches. RLPD's recipe has no offline phase. |
# | Why does RLPD-AC fall behind on cube-triple? | Not known. The tasks are longer and finer, and a chunk has 25 numbers. |
# </details>
#
# ## Quiz
#
# 1. Your replay holds 50 chunks, the data 1,000,000. How often does a batch of 256 draw a certain chunk of the replay, half and half? And if you draw from both together?
# <details><summary>Answer</summary>128 / 50 = 2.6 times a batch. From both together: once in about 3,900 batches.</details>
#
# 2. An episode ends by its time limit in the middle of a chunk. What are mask and end of its last transition, and what happens to the queue?
# <details><summary>Answer</summary>Mask 1 (nothing terminal was reached, so bootstrap), end 1 (no chunk runs across), and the queue is emptied.</details>
#
# 3. You change H from 5 to 10 and leave the entropy's target at -7.5 nats for the chunk. What happens?
# <details><summary>Answer</summary>The same total now covers 30 numbers: -0.25 nats each in place of -0.5. The thermostat holds the policy wider.</details>
#
# 4. Could a Gaussian with a full covariance hold the chunks of the data?
# <details><summary>Answer</summary>It could hold the correlation of neighbouring steps. But it still has one mode: two ways round a wall become a way through it (lesson 03).</details>
#
# ## References and what comes next
#
# - P. Ball, L. Smith, I. Kostrikov, S. Levine, *Efficient Online Reinforcement Learning with Offline Data*, [arXiv 2302.02948](https://arxiv.org/abs/2302.02948): RLPD.
# - T. Haarnoja and others, *Soft Actor-Critic Algorithms and Applications*, [arXiv 1812.05905](https://arxiv.org/abs/1812.05905): the tanh-Gaussian, and the learned temperature.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): RLPD-AC and QC-RLPD; section 5 and appendix C.
#
# **Next:** [07 · Full runs on OGBench](07_ogbench.ipynb).
