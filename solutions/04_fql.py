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
# # 04 · FQL and Q-LAC: improve on the data without leaving it
#
# The critic of chunks from lesson 02 knows what is good. The flow from lesson 03 imitates the data's chunks, so it knows what is safe. How do you build an agent that listens to both?
#
# **You will be able to** write Q-LAC's losses and training loop; say which network each loss moves; see what $\alpha$ and $N$ trade off; use the curves to find a gradient into the wrong network.
#
# **You need** [lesson 02](02_backups.ipynb) (targets of chunks) and [lesson 03](03_flow_matching.ipynb) (flow matching, Euler). **Time** about 110 minutes to work through; 3 minutes on two cores to run.

# %%
import functools

import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from qlac_lite.agents.flow import euler, flow_matching_loss
from qlac_lite.lessons import drawings, experiment, leaks, shorten, show
from qlac_lite.lessons import drawings_of_beliefs as draw
from qlac_lite.lessons import two_peaks as world
from qlac_lite.lessons.checks import lesson04 as checks
from qlac_lite.lessons.drawings_of_horizons import horizon, over_the_curve
from qlac_lite.lessons.sliders import explore

# %% [markdown]
# ## 1. Guess first
#
# This lesson's world has one decision: you choose a chunk of two actions, get a reward, and the episode is over. So a chunk is a point in a square, and you can see everything.
#
# The reward has two peaks, marked by crosses: 0.8 on the left, 1 on the right. A critic has learned from 300 recorded chunks beside the peaks, with noisy rewards.

# %%
seeds = range(shorten(8, fast=2))
by_alpha = world.sweep(seeds)  # the library's Q-LAC by alpha, each trained with all seeds; this takes a while
show(*draw.world_and_critic(by_alpha[3.0]))

# %% [markdown]
# Three agents know only this critic and this data. The first does whatever the critic likes best, the last imitates the data, and the middle one does a bit of both.
#
# **Question 1.** Where in the square will each one end? Which earns most, and which *believes* that it earns most?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_agents", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** The first goes where the critic promises most: far from the data, where nothing has ever corrected it. It believes in the highest reward and earns nothing. The imitator earns less than the recorder did, since more of its chunks lie between the two peaks. The middle one earns most: it moves uphill from the data, but not so far that the critic's advice is worthless.

# %%
show(*draw.three_agents(by_alpha))
show(*draw.alpha_sweep(by_alpha))
print(draw.table(by_alpha))  # means over the seeds
explore(lambda alpha: draw.alpha_sweep(by_alpha, alpha), alpha=("α", world.ALPHAS, 3.0))

# %% [markdown]
# All three are the same agent with a different $\alpha$, the weight of imitation: 0, 3 and 100. (Squares show one seed, coloured by what the critic promises. Curves here and below are means over eight seeds, with 95 % intervals.)
#
# **Watch the gap between belief and truth.** With $\alpha = 0$ the agent believes in more than the largest reward, and earns nothing.
#
# **Then look at the bridge**, where the first action is between -0.2 and 0.2, and chunks earn little. The flow puts 41 % of its chunks there, the data only 7 %. With $\alpha = 3$ the agent puts 13 % there and earns twice as much as its flow. Its gain over the data is small: 0.09 [0.02, 0.16]. (And we picked 3 by the truth, on these seeds, which no real run can see.)
#
# ## 2. Three networks, and the critic's loss
#
# The agent is called FQL, *flow Q-learning*. On chunks it is Q-LAC; only the shapes and $\gamma^H$ change. It has a **critic**, a **flow** that imitates, and a **one-step policy** that acts: it turns a noise $z$ into a chunk in one pass.

# %%
show(
    drawings.q_lac_losses(),
    "Three networks and their losses. The flow learns by flow BC. The one-step policy learns from the "
    "distillation, whose target is the flow's clipped chunk, and from the Q loss, which asks the critic. "
    "The critic learns from the TD error against the target critic. The distillation does not move the flow, "
    "the Q loss does not move the critic, and the TD error moves neither the policy nor the target critic.",
)

# %% [markdown]
# *Flow BC* is lesson 03's loss: behavior cloning with a flow. Every arrow carries values. Along a solid arrow the loss moves the *parameters* of the network at its start; along a dashed one it must not. (Arrow 8 is a slow copy: section 4.) `stop_gradient(x)` makes an arrow dashed: it has the value of x, but gradient 0.
#
# **Start with the critic: arrows 6, 7 and 9.** The target is that of lesson 02, with networks:
#
# $$ L(\theta) = \frac{1}{E B} \sum_{e, b} w_b \Big( Q_{\theta_e}(s_b, \mathbf a_b) - \big[ R_b + d_b\, \tfrac1E \textstyle\sum_{e'} Q_{\bar\theta_{e'}}(s'_b, \mathbf a'_b) \big] \Big)^2 $$
#
# | symbol | in code | meaning |
# |---|---|---|
# | $B, H, A$; $E$ | shapes | batch, chunk length, size of an action; number of critics |
# | $s, \mathbf a, R$ | `batch.observation`, `.actions`, `.returns` | before the chunk; the chunk, (B, H, A); what it earned, discounted |
# | $s', d$ | `batch.bootstrap_observation`, `.discount` | after the chunk; $\gamma^H$, or 0 where nothing follows |
# | $w$ | `batch.valid[:, -1]` | 1 for whole chunks, 0 for cut ones |
# | $\mathbf a'$ | `networks.policy` | the policy's next chunk, from $s'$ and a noise |
# | $Q_\theta$, $Q_{\bar\theta}$ | `networks.critic`, `target_critic` | the critics, and their slow copies |
#
# In words: there is no maximum, because the policy has already chosen the next chunk. All critics learn one target, from the mean of the slow copies. Here nothing follows the decision, so $d = 0$. In section 7, where a task takes up to 155 actions, arrows 7 and 9 hand the news of the goal back; the check tests them, too.
#
# ### Your turn: `critic_loss` (★★☆, 12 minutes)
#
# The check compares numbers, so use each key as it is, unsplit, here and in `actor_loss`. If a check fails, `case = checks.last_case()` gives you its inputs.
#
# <details><summary>Hint: which shapes?</summary>
#
# `q` and `next_q` are (E, B), the target is (B,). What does `q - target` do?
# </details>
# <details><summary>Hint: what has to stand still?</summary>
#
# The policy and the target critic, which make the target (arrows 9 and 7). If the gradient went into the policy, what would it learn to do?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/04_fql.ipynb)

# %% nbgrader={"grade": false, "grade_id": "critic_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def critic_loss(networks, params, target_critic, batch, key):
    """The critics' loss on a batch of chunks; one number. It moves the critics only.

    1. The policy makes the next chunk from the observation after this one and a normal noise
       from key, in the shape of the actions. Clip it to [-1, 1], as it would be executed.
    2. The target critics value it. Take the mean over the ensemble.
    3. Build the target. It stands still.
    4. Average the weighted squared errors over all E * B entries.

    networks.policy(params["policy"], observation, noise) gives (B, H, A), not clipped;
    networks.critic(params["critic"], observation, chunks) gives (E, B);
    target_critic is used in place of params["critic"].
    """
    ### BEGIN SOLUTION
    then = batch.bootstrap_observation
    noise = jax.random.normal(key, batch.actions.shape)
    next_chunk = networks.policy(params["policy"], then, noise)
    next_chunk = jnp.clip(next_chunk, -1, 1)
    next_q = networks.critic(target_critic, then, next_chunk)  # arrows 7 and 9
    target = batch.returns + batch.discount * next_q.mean(axis=0)
    target = stop_gradient(target)
    q = networks.critic(params["critic"], batch.observation, batch.actions)  # arrow 6
    whole = batch.valid[:, -1]
    return jnp.mean(whole * (q - target) ** 2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_critic_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
critic_loss = checks.check_critic_loss(critic_loss)

# %% [markdown]
# ## 3. The losses of flow and policy
#
# Two losses pull the policy $\mu_\psi$ (`networks.policy`), and the flow $v_\beta$ (`networks.flow`) learns beside it:
#
# $$ L(\beta, \psi) = L_\text{flow}(\beta) + \alpha\, L_\text{distill}(\psi) + L_Q(\psi) $$
#
# - **Flow BC** is arrow 1.
# - **Distillation** (arrows 2, 3) is $\tfrac{1}{B H A} \sum | \mu_\psi(s, z) - \text{clip}(\text{Euler}_K(v_\beta, s, z), -1, 1) |^2$. Both networks get the same noise $z$. The flow turns it into a chunk in $K$ = `steps` passes; the policy learns to do it in one. So the gradient of the Q loss goes through one pass, not $K$.
# - **The Q loss** (arrows 4, 5) is $- \mathbb E\, \tfrac1E \sum_e Q_{\theta_e}(s, \text{clip}(\mu_\psi(s, z), -1, 1))$. The gradient goes through the critic's *input* into the policy, up the slope of Q. It must not reach the critic's parameters, or the critic would learn to like whatever the policy does.
#
# Chunks are clipped where they are used: only actions in $[-1, 1]$ are executed, and the critic has seen no others. But the distillation does *not* clip the policy's own chunk: outside $[-1, 1]$ a clip has no gradient to pull the policy back.
#
# ### Your turn: `actor_loss` (★★★, 20 minutes)
#
# From lesson 03 you have `flow_matching_loss(field, observation, actions, valid, key)` and `euler(field, observation, noise, steps)`. A field takes (observation, x, time); the network takes its parameters first.
#
# <details><summary>Hint: how do I bind the parameters?</summary>
#
# Write a function that calls `networks.flow` with `params["flow"]` and passes on all other inputs: `lambda *inputs: ...`.
# </details>
# <details><summary>Hint: where do the stops belong?</summary>
#
# At the dashed arrows 2 and 5. At one a *chunk* has to stand still, at the other the *parameters*.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/04_fql.ipynb)

# %% nbgrader={"grade": false, "grade_id": "actor_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
    """The losses of flow and policy: a dictionary with the numbers "flow", "distill" and "q".

    1. Bind the flow's parameters, and compute flow BC with flow_key.
    2. Draw one normal noise from noise_key, in the shape of the actions. The flow turns it into
       a chunk by `steps` Euler steps, the policy by one pass.
    3. "distill": alpha times the mean squared distance of the policy's chunk to the target.
    4. "q": minus the mean Q of the chunk that would be executed.
    Each loss moves one network only. In training their sum is minimised.
    """
    ### BEGIN SOLUTION
    observation = batch.observation
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    imitation = flow_matching_loss(field, observation, batch.actions, batch.valid, flow_key)

    noise = jax.random.normal(noise_key, batch.actions.shape)
    behavior = euler(field, observation, noise, steps)
    proposal = networks.policy(params["policy"], observation, noise)

    target = stop_gradient(jnp.clip(behavior, -1, 1))  # arrow 2
    distance = jnp.mean((proposal - target) ** 2)
    frozen = stop_gradient(params["critic"])  # arrow 5
    executed = jnp.clip(proposal, -1, 1)
    q = networks.critic(frozen, observation, executed)
    return {"flow": imitation, "distill": alpha * distance, "q": -jnp.mean(q)}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_actor_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
actor_loss = checks.check_actor_loss(actor_loss)

# %% [markdown]
# **Predict:** which loss moves a second network if arrow 2 loses its stop? What if arrow 5 does?

# %%
for leak, title in {"": "your losses", "flow": "no stop on 2", "critic": "no stop on 5"}.items():
    moved = leaks.moves(critic_loss, actor_loss, leak)
    print(f"{title:12}", "   ".join(f"{loss} moves {' and '.join(names)}" for loss, names in moved.items()))

# %% [markdown]
# Each of your losses moves one network, as the solid arrows say. (`critic` is the TD error.) A lost stop adds a network and raises no error.
#
# ## 4. The training loop
#
# The target critic follows the critic slowly (arrow 8): $\bar\theta \leftarrow (1 - \tau)\, \bar\theta + \tau\, \theta$, where $\tau$ is `rate`. In the published code $\theta$ is the critic as it was *before* the step.
#
# You cannot add two critics as they are: each is a *tree*, nested dictionaries with arrays as leaves. `jax.tree.map(f, a, b)` applies f to the leaves of two trees, pair by pair.
#
# One step of such a small network takes almost no time, but a thousand calls from Python do. `jax.lax.scan(step, state, keys)` compiles the loop itself: it calls `step(state, key)`, which returns the new state and an output, and stacks the outputs.
#
# ### Your turn: `train` (★★★, 18 minutes)
#
# The check compares numbers: make the keys of all steps with one `jax.random.split`, and split each in two, the first for `sample`, the second for `losses`.
#
# <details><summary>Hint: the gradient of a dictionary</summary>
#
# Write a function `total` that returns the sum of the losses and the dictionary. `jax.grad(total, has_aux=True)(...)` gives the gradient in the first argument, and the dictionary.
# </details>
# <details><summary>Hint: what does scan carry from step to step?</summary>
#
# Parameters, target critic and the optimizer's memory. `step` gets them in one dictionary and returns one with the same keys.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/04_fql.ipynb)

# %% nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(losses, optimizer, rate, sample, state, key, steps):
    """`steps` training steps in one jax.lax.scan, each with a key of its own.

    In a step:
    1. Split its key in two, for sample and for losses.
    2. Take the gradient of the sum of all losses, in params.
    3. updates, memory = optimizer.update(gradient, memory, params)
    4. Move the target critic towards params["critic"], with weight rate.
    5. params = optax.apply_updates(params, updates)

    Args:
        losses: takes params, target_critic, batch, key; gives a dictionary of numbers.
        sample: takes a key; gives a batch.
        state: a dictionary with "params", "target_critic" and "memory".

    Returns:
        the state after the last step, with one more entry, "log": each loss by name, (steps,).
    """
    ### BEGIN SOLUTION
    def total(params, target_critic, batch, key):
        terms = losses(params, target_critic, batch, key)
        return sum(terms.values()), terms

    def step(state, key):
        params, target_critic, memory = state["params"], state["target_critic"], state["memory"]
        batch_key, loss_key = jax.random.split(key)
        batch = sample(batch_key)
        gradient, terms = jax.grad(total, has_aux=True)(params, target_critic, batch, loss_key)
        updates, memory = optimizer.update(gradient, memory, params)
        mix = lambda old, new: (1 - rate) * old + rate * new
        target_critic = jax.tree.map(mix, target_critic, params["critic"])  # arrow 8
        params = optax.apply_updates(params, updates)
        return {"params": params, "target_critic": target_critic, "memory": memory}, terms

    keys = jax.random.split(key, steps)
    state, log = jax.lax.scan(step, state, keys)
    return state | {"log": log}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
train = checks.check_train(train)

# %% [markdown]
# That is all of Q-LAC. **Predict** with your own code and $\alpha = 0$: does the truth rise before it falls to 0?

# %%
yours = dict(critic_loss=critic_loss, actor_loss=actor_loss, train=train)
balanced = world.fit(seeds, alpha=3.0, **yours)
show(*draw.learning({"α = 0": world.fit(seeds, alpha=0.0, **yours), "α = 3": balanced}))

# %% [markdown]
# With $\alpha = 0$ the truth is best at the very start. Then the policy runs away from the data, and the belief passes the dotted line, the largest reward. **A belief above what is possible is a free alarm.** In a real run the truth is the success rate; the belief is the mean Q of the policy's chunks (the library logs it as `policy_q_mean`).
#
# ## 5. Bug hunt
#
# In a training run such a leak shows in the curves. Two learners use your losses with $\alpha = 10$, but one lacks the `stop_gradient` of arrow 2, the other that of arrow 5. **Predict** the symptoms of each. Then look: which is X?

# %%
learners = {
    "healthy": world.fit(seeds, 10.0, **yours),
    "X": world.fit(seeds, 10.0, leak=world.RIDDLE["X"], **yours),
    "Y": world.fit(seeds, 10.0, leak=world.RIDDLE["Y"], **yours),
}
show(*draw.leaks(learners))
for name, found in learners.items():
    print(f"{name:8} believes {found.last('believed').mean():6.2f}, earns {found.last('true').mean():.2f}")

# %% [markdown]
# **Y is the leak into the critic.** $-Q$ falls if Q rises wherever the policy goes, so the belief climbs to hundreds where 1 is the most. (Its flow is untouched: in the last panel, Y lies on the healthy line.)
#
# **X is the leak into the flow,** and it is quiet. The belief doubles, but stays near what is possible. The distillation loss even looks *better*, because teacher and pupil meet half-way. Without a healthy run beside it, one sign is left: the flow BC loss rises a little after step 100 and stays there, when it should fall. The flow no longer models the data, so the tie to it protects much less.
#
# ### The patient
#
# A colleague wants to log how much *better* the policy's chunk is than the flow's, so her Q loss subtracts a baseline, Q of the flow's chunk. For the policy it is a constant and should be harmless; the stops of arrows 2 and 5 are in place. Look at what it does.

# %%
def advantage_actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
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


patient = world.fit(seeds, 10.0, **yours | {"actor_loss": advantage_actor_loss})
two = {"healthy": learners["healthy"], "patient": patient}
show(*draw.patient(two))
show(*draw.patients_flow(two))

# %% [markdown]
# **Question 2.** (a) What is different from X, where the distillation leaked into the flow? (b) Which loss gets smaller if the flow goes where it went? (c) So which line is it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_patient", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) In X the flow follows the policy uphill: belief is high, and the two are close. Here the flow goes *downhill*: belief is low, and the two are far apart. (b) The Q loss, $-(Q(\text{policy}) - Q(\text{flow}))$: it falls if Q of the policy's chunk rises, or if Q of the flow's chunk falls. (c) The baseline's: it is a constant for the policy, but a function of the flow's parameters.

# %% [markdown]
# ### Your turn: `mended_actor_loss` (★★☆, 10 minutes)
#
# Write the function again, mended. Keep the values of the losses, baseline and all, and change only their gradients. If you miss the cause, the check says why.
#
# <details><summary>Hint</summary>
#
# Which values in the last three lines depend on `params["flow"]`?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/04_fql.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mended_actor_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_actor_loss(networks, params, batch, alpha, steps, flow_key, noise_key):
    """As advantage_actor_loss; each loss moves one network only."""
    ### BEGIN SOLUTION
    observation = batch.observation
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    imitation = flow_matching_loss(field, observation, batch.actions, batch.valid, flow_key)

    noise = jax.random.normal(noise_key, batch.actions.shape)
    behavior = jnp.clip(euler(field, observation, noise, steps), -1, 1)
    behavior = stop_gradient(behavior)  # for the distillation and for the baseline
    proposal = networks.policy(params["policy"], observation, noise)
    distance = jnp.mean((proposal - behavior) ** 2)

    frozen = stop_gradient(params["critic"])
    q = networks.critic(frozen, observation, jnp.clip(proposal, -1, 1))
    baseline = networks.critic(frozen, observation, behavior)
    return {"flow": imitation, "distill": alpha * distance, "q": -jnp.mean(q - baseline)}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mended_actor_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mended_actor_loss = checks.check_mended_actor_loss(mended_actor_loss)

# %%
mended = world.fit(seeds, 10.0, **yours | {"actor_loss": mended_actor_loss})
show(*draw.mended_flow({"patient": patient, "mended by you": mended}))
for name, found in (two | {"mended": mended}).items():
    print(f"{name:8} believes {found.last('believed').mean():5.2f}, earns {found.last('true').mean():.2f}")

# %% [markdown]
# The patient earned 0.11. Mended, it earns 0.44, like the healthy learner, and its flow covers both clouds. For every new term, write down which networks it may move, and print the table of section 3.
#
# ## 6. Best of N: no policy at all
#
# QC, the paper's second variant, needs no policy network. It draws $N$ chunks from the flow and executes the one the critic likes best:
#
# $$ \mathbf a^\star(s) = \arg\max_{\mathbf a \in \{\mathbf a^1, \dots, \mathbf a^N\} \sim v_\beta(\cdot \mid s)}\ \tfrac1E \textstyle\sum_e Q_{\theta_e}(s, \mathbf a) $$
#
# Its critic's target makes the same choice at $s'$: the **online** critic chooses, the **target** critic values the choice. (With single actions the method is called BFN.)
#
# ### Your turn: `best_of_n` (★★☆, 12 minutes)
#
# `chunk` is the pair (H, A). The N candidates of the first observation come first, then those of the second.
#
# <details><summary>Hint: shapes</summary>
#
# Flow and critic take rows: make $B N$ of them, and undo this before the argmax. Which lets a reshape to (B, N) give each observation its own candidates: `jnp.repeat` or `jnp.tile`?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/04_fql.ipynb)

# %% nbgrader={"grade": false, "grade_id": "best_of_n", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_of_n(networks, params, target_critic, observation, chunk, count, steps, key):
    """The best of N = count chunks of the flow, and what it is worth.

    1. Repeat each observation N times, and draw as many normal noises from key.
    2. The flow turns them into candidates by `steps` Euler steps. Clip them.
    3. The online critics value them; take the mean over the ensemble.
    4. Choose the best one for each observation.
    5. The target critics value the choice; take the mean over the ensemble.

    Args:
        observation: (B, S).
        chunk: (H, A).

    Returns:
        chosen: (B, H, A).
        value: (B,).
    """
    ### BEGIN SOLUTION
    size = len(observation)
    repeated = jnp.repeat(observation, count, axis=0)  # (B * N, S)
    noise = jax.random.normal(key, (size * count, *chunk))
    field = lambda *inputs: networks.flow(params["flow"], *inputs)
    candidates = jnp.clip(euler(field, repeated, noise, steps), -1, 1)
    q = networks.critic(params["critic"], repeated, candidates).mean(axis=0)
    best = q.reshape(size, count).argmax(axis=1)  # (B,)
    candidates = candidates.reshape(size, count, *chunk)
    chosen = candidates[jnp.arange(size), best]
    value = networks.critic(target_critic, observation, chosen).mean(axis=0)
    return chosen, value
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_best_of_n", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
best_of_n = checks.check_best_of_n(best_of_n)

# %% [markdown]
# **Question 3.** All candidates come from the flow of section 4's agent ($\alpha = 3$). Is a larger $N$ always better? Sketch believed and true reward against $N$, from 1 to 256.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_n", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** The belief can only grow: it is a maximum over more candidates. The truth grows as long as the critic ranks them correctly. But among many candidates, more lie at the rim of the flow, where the critic's errors are large. The maximum picks the largest error, and the truth falls.

# %%
counts = shorten((1, 4, 16, 64, 256), fast=(4, 256))
scores = world.by_candidates(best_of_n, balanced, counts)
one = balanced.one(seeds[-1])
chosen = {n: (one, world.best_chunks(best_of_n, one, n)) for n in (4, 256)}
show(*draw.best_of_many(counts, scores, chosen))
for n, (true, believed) in zip(counts, scores.mean(axis=0), strict=True):
    print(f"best of {n:3}: believes {believed:.2f}, earns {true:.2f}")

# %% [markdown]
# Best of 1 is the flow itself (0.29 in these 200 chunks, 0.26 in section 1's). Up to 16 candidates the truth rises to 0.76, though less than the belief. That is 0.20 more than the policy earns: a maximum can leave out the chunks on the bridge, which a distillation copies. The price is 16 flows for one decision; the policy needs one pass. Then truth and belief part: the best of 256 earns 0.48, while the belief passes 1. That is milder than a small $\alpha$, which ends at 0, but a larger $N$ is not safe.
#
# ## 7. Where reach pays
#
# In a long task the *backup* counts, too. In the **lite world** a gripper has to reach a puck, grip it, carry it through one of two gaps in the wall, and let it go at the goal. Every step until then costs 1. `step` says how far an action moves, so the same distance takes 39, 78 or 155 actions. (In the picture: blue dashes for the gripper, a dot for the puck, a circle for the goal.)
#
# These runs were recorded: training on 400 episodes of play, then online. Single actions (FQL, BFN), five-step returns (FQL-n, BFN-n) and chunks of five (QC-FQL, QC) had the same networks, data and updates. **Predict:** who suffers first as the task gets longer? Do chunks beat five-step returns?

# %%
show(*horizon())
print(over_the_curve())  # the mean of all online evaluations; *: the interval excludes 0

# %% [markdown]
# With 39 actions all six learn the task. With 155 FQL is lost, at 1 % [0, 2], although it had as many updates. BFN is at 45 % on average, its eight seeds anywhere from 0 to 100 %. The four that look five actions ahead stay above 90 % on average. A one-step backup hands news on by one action (lesson 02), and 155 actions are too many for that. (With 39 and 78 QC is not shown to differ from BFN.)
#
# Did you expect chunks to win? In the end five-step returns are level with them, and they are ahead on the way: over the curve QC-FQL is 24 points behind FQL-n [17, 32]. On the paper's cube-triple it is the other way round, 53 % for QC-FQL and 1 % for FQL-n. So "chunks beat five-step returns" is a finding about tasks and data, not a law.
#
# ## 8. Your own experiment
#
# Ask a question about the two peaks. Your losses train eight agents with these knobs:
#
# | knob | from, to | default | meaning |
# |---|---|---|---|
# | `alpha` | 0 to 300 | 3 | weight of the distillation |
# | `scale` | 0.1 to 10 | 1 | factor on all rewards, with their noise |
# | `noise` | 0 to 1 | 0.3 | noise of the recorded rewards |
# | `data` | 30 to 3000 | 300 | recorded chunks |
# | `leak` | `""`, `"flow"`, `"critic"` | `""` | takes one `stop_gradient` out of your loss |
# | `report` | `"true"`, `"believed"` | `"true"` | what is measured, in % of the largest reward |
#
# Some questions: if the rewards are recorded without noise, is $\alpha = 0$ safe? Does more data allow a smaller $\alpha$? Which leak does a large $\alpha$ make worse?
#
# Our example: *rewards ten times as large, the same* $\alpha$. The Q loss then weighs ten times as much, as if $\alpha$ were 0.3, which earned almost nothing in section 1. So we predict lower. The control has $\alpha = 0$ in both settings: with nothing to balance, we predict no difference.

# %%
# Change me: a question, one knob that differs, your prediction. It returns the differences by seed.
run = functools.partial(world.earned, **yours)
measure, count = "true reward (% of the largest)", len(seeds)
apart = experiment(run, {"scale": 10.0}, {"scale": 1.0}, "lower", measure, count)
both = {"alpha": 0.0}
control = experiment(run, both | {"scale": 10.0}, both | {"scale": 1.0}, "no difference", measure, count)
both |= {"report": "believed"}  # our test, added after these two
belief = experiment(run, both | {"scale": 10.0}, both | {"scale": 1.0}, "lower", "believed (%)", count)

# %% [markdown]
# We were wrong twice, and the control says where. With $\alpha = 0$ there is nothing to balance, yet large rewards earn 77 points more [50, 104]. So they change the critic. (The policy's loss is only ten times as large, which Adam does not feel.) The third run shows how: where the agent goes, this critic promises about the largest reward, not a third more. We do not know why. How would you find out?
#
# ## Summary
#
# 1. **Belief and truth part where nothing corrects the critic.** With rewards of size 1 and $\alpha = 0$ the agent believes 1.36 and earns 0.00. With $\alpha = 3$ it earns 0.56, its flow 0.26, the data 0.48. The best of 16 earns 0.76, the best of 256 0.48.
# 2. **A gradient into the wrong network raises no error.** In the critic it drives the belief to 592, where 1 is the most. In the flow it lowers the reward from 0.44 to 0.29, with the best distillation loss of all; through the patient's baseline, to 0.11.
# 3. **Where the task is long, the reach of the backup decides.** With 155 actions FQL solves 1 % [0, 2]; the four methods that look five actions ahead solve between 91 [82, 100] and 98 % [94, 100]. Over the curve five-step returns are ahead of chunks here.
#
# <details><summary>Details to keep</summary>
#
# - $\alpha$ converts squared actions (a mean over the chunk's entries) into units of return. So the paper sets it per domain: 100 or 300 on OGBench, where Q is in the tens, and 10,000 on Robomimic.
# - A healthy learner with a small $\alpha$ believes in the impossible, too. The alarm says "look", not "bug".
# - Against too much optimism, many methods take the lower of two critics as the target. Here it is the mean, and the tie to the data is the guard. Lesson 09 compares the two.
# - If the distillation's target is not clipped, Q-LAC loses 3.6 points [1.6, 5.6] on the lite world ([measured](https://github.com/qlac-lite/qlac-lite/blob/main/docs/fidelity.md#the-learners)).
# - The runs of section 7: eight seeds, $\alpha$ and $N$ not tuned for any method. Before the online phase, and all intervals: [all numbers](https://github.com/qlac-lite/qlac-lite/blob/main/results/README.md#the-horizon-as-a-dial-lesson-04). Run all six yourself, smaller, in three minutes: `qlac experiment quick --out runs/quick`.
# </details>
#
# ## Quiz
#
# 1. The Q loss clips the policy's chunk, the distillation does not. Why?
# <details><summary>Answer</summary>The critic has seen only actions in [-1, 1]. In the distillation a clip would take away the gradient that pulls the policy back.</details>
#
# 2. The logged Q of the policy's chunks is +40 in a task whose rewards are -1 and 0. What do you check first?
# <details><summary>Answer</summary>No return can be above 0. Look for a gradient of the Q loss into the critic, then a wrong discount or mask in the target, then a divergence.</details>
#
# 3. QC with N = 32 beats BFN with N = 4. Do the chunks do it?
# <details><summary>Answer</summary>This comparison, the paper's, cannot tell: N differs, too. Lesson 09 gives both the same N.</details>
#
# ## References and what comes next
#
# - S. Park, Q. Li, S. Levine, *Flow Q-Learning*, [arXiv 2502.02538](https://arxiv.org/abs/2502.02538): the losses of FQL.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: QC and QC-FQL.
#
# **Next:** [05 · How chunks explore](05_exploration.ipynb).
