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
# # 01 · The chunked MDP
#
# You stand at S in a maze. You choose five moves, close your eyes, and execute them. Where are you when you open your eyes?
#
# **You will be able to** turn an MDP into a chunked MDP and plan in it; act open loop; cut an episode into chunks; find out why a critic of chunks is overoptimistic.
#
# **You need** tabular MDPs, value iteration, NumPy. **Time** about 90 minutes to work through; 1 minute on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $S, A$ | in shapes | number of states and of actions; with vectors, their sizes |
# | $r(s, a)$, $p(s' \mid s, a)$ | `rewards` (S, A), `transitions` (S, A, S) | the ordinary MDP |
# | $\gamma$ | `discount` | discount of one step |
# | $H$ | `length` | steps in a chunk (the paper's $h$) |
# | $\mathbf a = (a_0, \dots, a_{H-1})$ | `chunk` (H,) | a chunk: $H$ actions, chosen at once |
# | $\bar r(s, \mathbf a)$, $\bar p(s' \mid s, \mathbf a)$ | `r_bar` (S, C), `p_bar` (S, C, S) | the chunked MDP; $C = A^H$ chunks |

# %%
import numpy as np

from qlac_lite.lessons import chunk_worlds as worlds
from qlac_lite.lessons import drawings_of_chunks as pictures
from qlac_lite.lessons import experiment, mdp, shorten, show
from qlac_lite.lessons.checks import lesson01 as checks
from qlac_lite.lessons.sliders import explore

show(*pictures.cloud(noise=0.0, length=5))

# %% [markdown]
# Each step costs 1 until the goal G, and a cost one step later counts 0.95 times as much: that is the discount of the maze. Without noise the orange plan is what happens: all probability is in its last cell.
#
# **Predict.** Now each step goes sideways with probability 0.2, half to each side. A step into a wall stays. How likely is it that you end in the planned cell?

# %%
show(*pictures.cloud(noise=0.2, length=5))
explore(
    pictures.cloud, noise=("noise", (0.0, 0.1, 0.2, 0.4), 0.2), length=("chunk length H", (1, 2, 3, 4, 5), 5)
)

# %% [markdown]
# One in three. Move the sliders: more noise and longer chunks widen the cloud. You cannot correct a slip that you do not see, so the end of a long chunk is planned for a place where you may not be.
#
# This cloud is all that separates an agent that acts in chunks from one that looks at every step. The rest of the lesson puts it into an MDP, asks what it costs, and asks when data hide that cost.
#
# ## 1. A chunk is one action of another MDP
#
# With **action chunking**, an agent looks at $s_t$, chooses $H$ actions at once, and executes them **open loop**: it does not look in between. Seen from the moments at which it looks, this is an MDP again, the one that section 3 of [the paper](https://arxiv.org/abs/2507.07969) rests on:
#
# $$ (S, A, r, p, \gamma) \quad\longrightarrow\quad (S, A^H, \bar r, \bar p, \gamma^H). $$
#
# Reward and transitions of a chunk are
#
# $$ \bar r(s, \mathbf a) = \mathbb E\Big[\sum_{k=0}^{H-1} \gamma^k\, r(s_k, a_k) \;\Big|\; s_0 = s\Big], \qquad \bar p(\cdot \mid \cdot, \mathbf a) = P_{a_0} P_{a_1} \cdots P_{a_{H-1}}. $$
#
# In words: each reward is discounted by its place in the chunk and collected *where the earlier actions have led*. The cloud is a row of the matrix product; $P_a$ is `transitions[:, a]`.
#
# ### Your turn: `chunked_mdp` (★★☆, 10 minutes)
#
# Write each function of this lesson in place of `raise NotImplementedError()`, then run the check below it. `case = checks.last_case()` gives you the inputs of the case that failed, by name. If you are stuck, go on: a check hands the library's own function to the cells that follow.
#
# <details><summary>Hint: what do I carry along?</summary>
#
# The cloud. For all starts at once it is a matrix: row $s$ says where you may be if you started in $s$. What does it look like before the first action?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)

# %% nbgrader={"grade": false, "grade_id": "chunked_mdp", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunked_mdp(transitions, rewards, discount, chunks):
    """Rewards and transitions of chunks that are executed open loop.

    Args:
        transitions: (S, A, S) p(s' | s, a).
        rewards: (S, A).
        discount: of one step.
        chunks: (C, H) action numbers, a chunk in each row.

    Returns:
        r_bar: (S, C) expected discounted sum of the H rewards.
        p_bar: (S, C, S) where the chunk ends.

    Steps, for each chunk:
        1. Before the first action you are surely where you started. Nothing is earned yet.
        2. Add the reward of step k, expected over where you are now, and discounted.
        3. Move on by the action, then take the next one.
        4. Write both results into the column of this chunk.
    """
    ### BEGIN SOLUTION
    states, count = len(rewards), len(chunks)
    r_bar = np.zeros((states, count))
    p_bar = np.zeros((states, count, states))
    for c, chunk in enumerate(chunks):
        cloud = np.eye(states)
        total = np.zeros(states)
        for k, action in enumerate(chunk):
            total = total + discount**k * cloud @ rewards[:, action]
            cloud = cloud @ transitions[:, action]
        r_bar[:, c] = total
        p_bar[:, c] = cloud
    return r_bar, p_bar
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunked_mdp", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
chunked_mdp = checks.check_chunked_mdp(chunked_mdp)

# %% [markdown]
# ## 2. Planning with chunks
#
# Value iteration starts from 0 and sweeps. The maze has no noise here. Blue cells have their true value after three sweeps with single actions. News of the goal has travelled three steps.

# %%
show(*pictures.right_cells(checks.plan, lengths=[1], sweeps=3))

# %% [markdown]
# **Predict.** The goal is 12 steps from S. How many cells are blue after three sweeps with chunks of 4? And which chunk length from 1 to 5 gives the highest value at S? (12 is not a multiple of 5.)
#
# $$ Q(s, \mathbf a) \leftarrow \bar r(s, \mathbf a) + \gamma^{H} \sum_{s'} \bar p(s' \mid s, \mathbf a)\, \max_{\mathbf a'} Q(s', \mathbf a') $$
#
# In words: what the chunk earns, plus the best that can follow. That begins $H$ steps later, so it is discounted by $\gamma^H$.
#
# ### Your turn: `plan` (★★☆, 8 minutes)
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)

# %% nbgrader={"grade": false, "grade_id": "plan", "locked": false, "schema_version": 3, "solution": true, "task": false}
def plan(r_bar, p_bar, discount, length, sweeps):
    """Value iteration on the chunked MDP.

    Args:
        r_bar: (S, C) rewards of the chunks.
        p_bar: (S, C, S) transitions of the chunks.
        discount: of ONE step.
        length: H, steps in a chunk.
        sweeps: K, how many backups of the whole table, from Q = 0.

    Returns:
        q: (S, C) after the last sweep.
        best: (S,) number of the best chunk of each state.
        history: (K + 1, S) value of the best chunk after 0, 1, ..., K sweeps.
    """
    ### BEGIN SOLUTION
    q = np.zeros_like(r_bar)
    history = [q.max(axis=1)]
    for _ in range(sweeps):
        best_that_follows = p_bar @ history[-1]
        q = r_bar + discount**length * best_that_follows
        history.append(q.max(axis=1))
    best = q.argmax(axis=1)
    return q, best, np.array(history)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_plan", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
plan = checks.check_plan(plan)

# %%
show(*pictures.right_cells(plan, lengths=[1, 4], sweeps=3))

quiet, _ = worlds.maze(noise=0.0)
exact = mdp.optimal_q(quiet).max(axis=1)
print("H   chunks   value at S   sweeps until it is right")
for length in range(1, 6):
    chunks = mdp.action_sequences(4, length)  # all of them
    q, _, history = plan(*chunked_mdp(*quiet, chunks), worlds.DISCOUNT, length, sweeps=12)
    needed = np.isclose(history[:, 0], exact[0]).argmax()
    print(f"{length}   {len(chunks):6}   {q[0].max():10.4f}   {needed:5}")

# %% [markdown]
# All lengths have the same value. Without noise you know where every action leads, so looking tells you nothing. That 12 is not a multiple of 5 does not matter: the last chunk reaches the goal after two steps, and its other actions cost nothing there.
#
# Value travels one chunk a sweep: 12 / H sweeps, rounded up. That is the first thing that chunks buy, and lesson 02 is about it. The price stands in the second column: $4^H$ chunks. Keep it in mind for section 6.
#
# ## 3. What noise costs
#
# **Predict.** All lengths meet at noise 0. Which line falls fastest as noise grows? How far is H = 5 below H = 1 at noise 0.2?

# %%
NOISES = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4])
values = {
    length: [mdp.optimal_q(mdp.chunked(worlds.maze(noise)[0], length))[0].max() for noise in NOISES]
    for length in (1, 2, 3, 4, 5)
}
show(*pictures.values_against_noise(NOISES, values))
print("value at noise 0.2:", "  ".join(f"H = {length}: {values[length][3]:.2f}" for length in values))

# %% [markdown]
# The longer the chunk, the lower its line: five blind steps cost 1.7 at noise 0.2.
#
# ## 4. Acting blindly
#
# Robots have continuous states and actions, and nobody writes $\bar p$ down: one executes the chunk. Here a point on a line is pushed by its action $u$ and by noise, $x' = x + u + \sigma w$ with $w$ standard normal. It pays for being away from 0 and for pushing: $r = -(x^2 + 0.1\, u^2)$. You see 12 episodes of the best policy that acts in chunks of 5.

# %%
show(*pictures.point_paths(sigma=0.2, length=5))
explore(
    pictures.point_paths,
    sigma=("noise", (0.0, 0.1, 0.2, 0.3), 0.2),
    length=("chunk length H", (1, 2, 5, 10), 5),
)

# %% [markdown]
# The same cloud, now as a spread: a curve with teeth. It rises inside a chunk, and the first action after a look brings it down.
#
# **Predict.** How much higher are the teeth with H = 10? Then move the slider.
#
# <details><summary>Answer</summary>By a factor of about 1.4. Each blind step adds &sigma;<sup>2</sup> to the variance, so a tooth of H steps is as high as &sigma; times the square root of H.</details>
#
# ### Your turn: `play` (★★☆, 12 minutes)
#
# An agent in chunks needs an executor: it looks, executes, and records what happens. `env` is Gymnasium's: `env.reset()` returns `observation, info`, and `env.step(action)` returns `observation, reward, terminated, truncated, info`. *Terminated* is a terminal state, *truncated* a time limit; both end the episode.
#
# <details><summary>Hint: when do I look?</summary>
#
# Keep two things: the chunk, and the step of the last look. How many actions of the chunk have been executed since then? What if none is left?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)

# %% nbgrader={"grade": false, "grade_id": "play", "locked": false, "schema_version": 3, "solution": true, "task": false}
def play(env, choose, steps):
    """One episode of an agent that acts in chunks.

    Args:
        env: has reset() and step(action).
        choose: choose(observation) gives a chunk (H, A), of the same H each time.
        steps: execute at most this many actions, even if that ends inside a chunk.

    Returns, for T executed steps and L looks:
        observations: (T + 1, S), that of reset() first.
        actions: (T, A).
        rewards: (T,), as they came.
        looks: (L,) the steps at which the agent looked.
        terminated: bool, whether the episode ended in a terminal state.

    Steps:
        1. Reset the environment.
        2. If no action of the chunk is left: look. Note the step, and choose a new chunk.
        3. Execute the next action of the chunk, and record what came.
        4. Go on with 2 until the episode is over or `steps` are executed.
    """
    ### BEGIN SOLUTION
    observation, _ = env.reset()
    observations, actions, rewards, looks = [observation], [], [], []
    terminated = truncated = False
    while len(actions) < steps and not (terminated or truncated):
        t = len(actions)
        if not looks or t == looks[-1] + len(chunk):
            chunk = choose(observation)
            looks.append(t)
        action = chunk[t - looks[-1]]
        observation, reward, terminated, truncated, _ = env.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(reward)
    return np.array(observations), np.array(actions), np.array(rewards), np.array(looks), terminated
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_play", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
play = checks.check_play(play)

# %% [markdown]
# For this point the value of the best chunks is known exactly (see the appendix). Your executor plays against it: are its dots on the lines?

# %%
SIGMAS, LENGTHS = (0.0, 0.1, 0.2, 0.3), (1, 2, 5, 10)
played = pictures.play_the_point(play, SIGMAS, LENGTHS, episodes=shorten(60, fast=10))
show(*pictures.point_values(SIGMAS, LENGTHS, played))

# %% [markdown]
# They are: the chunked MDP *is* the world of an agent that acts open loop. So why would anybody use chunks? Simulated robots are nearly deterministic, so there the cost is small. What chunks buy comes next: value that travels $H$ steps a backup (02), behavior that single actions cannot imitate (03), exploration that keeps its direction (05).
#
# ## 5. Cutting an episode into chunks
#
# Offline RL starts from episodes that somebody recorded. To learn about chunks, you cut them up. Here chunks of 4 start at steps 0, 4, 8: that is **stride 4**.

# %%
show(*pictures.cut_episode(checks.chunk_dataset, strides=[4]))

# %% [markdown]
# **Predict.** The published method starts a chunk at *every* step: **stride 1**. How many chunks does it cut from these 11 steps, and how many of them are whole?
#
# Only *execution* is bound to every $H$-th step. A chunk that starts at $t$ has its actions $a_t, \dots, a_{t+H-1}$; a mask `valid`, 1 where the step exists; the return $\sum_k \gamma^k r_{t+k}$ over the steps that exist; and the bootstrap observation $s_{t+H}$, or the last one, $s_T$, if the episode ends earlier.
#
# ### Your turn: `chunk_dataset` (★★★, 15 minutes)
#
# <details><summary>Hint 1: one chunk first</summary>
#
# Take a start `t` near the end of the episode, and count on paper how many of its $H$ steps exist. Everything else about this chunk follows from the two numbers.
# </details>
# <details><summary>Hint 2: all chunks</summary>
#
# A loop over the starts will do. Without a loop: make a table (M, H) of step numbers. Which of them exist? What would you read at the others, and how do you get rid of it?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)

# %% nbgrader={"grade": false, "grade_id": "chunk_dataset", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunk_dataset(observations, actions, rewards, length, discount, stride):
    """All chunks of one episode of T steps; M of them.

    Args:
        observations: (T + 1, S).
        actions: (T, A).
        rewards: (T,).
        length: H, steps in a chunk. It may be longer than the episode.
        discount: of one step.
        stride: a chunk starts at 0, stride, 2 stride, ..., as long as one step is left.

    Returns:
        starts: (M,) the step at which each chunk starts.
        chunks: (M, H, A), zero where not valid.
        returns: (M,) discounted sum of the rewards that exist.
        valid: (M, H), 1 where the step exists and 0 elsewhere.
        bootstrap_observation: (M, S), H steps later, or the episode's last one.

    Steps:
        1. List the starts: a chunk starts wherever one step is left.
        2. For each start, find out how many of its H steps exist.
        3. Fill actions, return and mask from these; zeros stay where nothing exists.
        4. Take the observation after the last step that exists.
    """
    ### BEGIN SOLUTION
    total = len(actions)
    starts = np.arange(0, total, stride)
    chunks = np.zeros((len(starts), length, actions.shape[1]))
    valid = np.zeros((len(starts), length))
    returns, bootstrap_observation = [], []
    for row, start in enumerate(starts):
        end = min(start + length, total)
        many = end - start
        chunks[row, :many] = actions[start:end]
        valid[row, :many] = 1
        weights = discount ** np.arange(many)
        returns.append(np.sum(weights * rewards[start:end]))
        bootstrap_observation.append(observations[end])
    return starts, chunks, np.array(returns), valid, np.array(bootstrap_observation)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_dataset", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
chunk_dataset = checks.check_chunk_dataset(chunk_dataset)

# %%
show(*pictures.cut_episode(chunk_dataset, strides=[4, 1]))

# %% [markdown]
# A cut chunk still teaches *behavior cloning* what to do at the steps that exist. The *critic* takes whole chunks only: it is asked about $H$ actions, and the missing ones were never chosen. The library does what you wrote inside the compiled training step, on millions of rows (`qlac_lite.data.dataset`).
#
# ## 6. Bug hunt: longer chunks look better
#
# A colleague learns a critic from whole chunks of the maze: 1000 episodes without noise, recorded by somebody who makes an optimal move in 70 % of the steps and a random one otherwise. (At G, where nothing costs anything, the recorder goes on moving until the last chunks are whole. Otherwise no chunk that arrives early would be in the data.) The critic averages what followed each chunk, and the agent takes the best chunk that was recorded. Her result: "Longer chunks are worth more!"

# %%
def critic_with_a_bug(data, size, discount, length, sweeps):
    """Value (S,) and number (S,) of the best recorded chunk of each state.

    Args:
        data: N whole chunks: `states` (N,) where they start, `chunks` (N,) their numbers, `returns` (N,),
            `after` (N,) the states H steps later, `over` (N,) bool: that state ends the episode.
        size: (S, C), the numbers of states and of chunks.
        discount: of one step.
        length: H.
        sweeps: backups of the whole table.
    """
    q, count = np.zeros(size), np.zeros(size)
    np.add.at(count, (data.states, data.chunks), 1)
    for _ in range(sweeps):
        value = q.max(axis=1)
        later = data.returns + discount**length * value[data.after]
        target = np.where(data.over, data.returns, later)
        total = np.zeros(size)
        np.add.at(total, (data.states, data.chunks), target)
        q = total / np.maximum(count, 1)
    q = np.where(count > 0, q, -np.inf)  # the agent chooses among recorded chunks
    return q.max(axis=1), q.argmax(axis=1)


show(*pictures.learned_values({"broken": critic_with_a_bug, "healthy": checks.learn_from_chunks}))

# %% [markdown]
# With single actions the broken critic is right. With chunks of 2 to 5 it believes in more than is possible, and its agent earns less. (An agent that never reaches G earns -20, a cost of 1 for ever.)
#
# **Question 1.** Here are three suspects. What would you expect to see if each were the cause? (a) The bootstrap is discounted by $\gamma$ in place of $\gamma^H$. (b) The sweeps are too few. (c) The rewards inside a chunk are not discounted. Which one fits the picture?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bug", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# None of them. (a) With plain $\gamma$ the future weighs more, and the future costs: the belief would be too *low* for H > 1. (b) With too few sweeps the belief is too high, but most for H = 1, where value travels slowest. (c) Without the discount, costs are larger: the belief would be a little too low.

# %% tags=["nbval-check-output"]
for length in (1, 2, 3, 4, 5):
    data = worlds.recorded_chunks(length)
    believed = critic_with_a_bug(data, (len(exact), 4**length), worlds.DISCOUNT, length, sweeps=40)[0][0]
    pairs = len(np.unique(data.states * 4**length + data.chunks))
    recorded = 100 * pairs / ((len(exact) - 1) * 4**length)  # no chunk starts at the goal
    print(f"H = {length}: believed {believed:.2f}; {recorded:.0f} % of all chunks were recorded")

# %% [markdown]
# None of the suspects fits. (a) and (c) would make the belief too *low*, and (b) would hurt single actions most. So where do these numbers come from?
#
# ### Your turn: `learn_from_chunks` (★★☆, 15 minutes)
#
# Write the mended function. The check says whether you found the cause.
#
# <details><summary>Hint 1: where does the belief come from?</summary>
#
# -1.95 is -1 - 0.95: the rewards of one chunk of two steps. Which number does each sweep add for what follows the chunk?
# </details>
# <details><summary>Hint 2: who put it there?</summary>
#
# Print a row of `q` after one sweep. Some of its entries were never in the data.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)

# %% nbgrader={"grade": false, "grade_id": "learn_from_chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learn_from_chunks(data, size, discount, length, sweeps):
    """The function above, mended; the same arguments and results.

    What a state is believed to be worth may differ from the truth where data are few. It may not come from
    something that was never recorded.
    """
    ### BEGIN SOLUTION
    q, count = np.zeros(size), np.zeros(size)
    np.add.at(count, (data.states, data.chunks), 1)
    for _ in range(sweeps):
        recorded = np.where(count > 0, q, -np.inf)
        value = recorded.max(axis=1)
        later = data.returns + discount**length * value[data.after]
        target = np.where(data.over, data.returns, later)
        total = np.zeros(size)
        np.add.at(total, (data.states, data.chunks), target)
        q = total / np.maximum(count, 1)
    q = np.where(count > 0, q, -np.inf)
    return q.max(axis=1), q.argmax(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_learn_from_chunks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
learn_from_chunks = checks.check_learn_from_chunks(learn_from_chunks)

# %%
show(*pictures.learned_values({"broken": critic_with_a_bug, "yours": learn_from_chunks}))

# %% [markdown]
# The maximum looked at chunks that nobody had recorded, and found the 0 of the empty table: more than any chunk earns here. So each belief is the cost of one chunk, and then nothing: -1 - 0.95 with chunks of 2. Your critic is right at S with every length, although only 15 % of the chunks of 5 were ever recorded. With networks it is the same: a critic's maximum finds chunks that it was never taught about, and with longer chunks there are more of them. That is why Q-LAC never searches all chunks. It samples chunks that look like the data (lesson 03).
#
# ## 7. When the recorder looks
#
# Now a world with noise and the smallest chunk, two actions. From the start, action 0 aims at the left room and action 1 at the right one; with probability `noise` you land in the other. In the left room action 0 earns 1, in the right room action 1 does. The other action earns 0. Then it is over. With a discount of 0.9, the reward is worth 0.9 at the start.
#
# The recorder *sees* the room before the second action and always takes the right one. Here is what each chunk earns in endless data of this *behavior policy* at noise 0.1.

# %%
show(*pictures.coin_beliefs(noise=0.1, truth=False))

# %% [markdown]
# Every chunk earns the full reward. The chunk (0, 1), for instance, is in the data only where the recorder slipped to the right.
#
# **Question 2.** A critic learns from 400 such episodes (rewards are measured with an error of standard deviation 0.1), and its agent executes the best chunk *blindly*. In which of these cases is the value of the chunk that it chooses right all the same? (a) The noise is 0. (b) The recorder chooses both actions blindly. (c) The noise is only 1 %, and there are very many episodes.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_misled", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# (a) Right: nothing is left to see, so looking tells the recorder nothing. (b) Right: the actions say nothing about the room. (c) Wrong. Chunks chosen after a slip are rare, but each of them looks perfect. All four look equally good to the critic, and chance decides: whichever has the luckiest errors of measurement. That is mostly a rare chunk, because its average is over few episodes. It earns 0.9 x 0.01. More episodes keep the tie.

# %%
show(*pictures.coin_beliefs(noise=0.1))
explore(
    pictures.coin_beliefs,
    noise=("noise", (0.0, 0.01, 0.1, 0.3, 0.5), 0.1),
    errs=("errs", (0.0, 0.01, 0.05, 0.2), 0.0),
)

# %%
COIN_NOISES, SEEDS = np.array([0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5]), np.arange(8)
recorders = {"the recorder looks": True, "the recorder does not look": False}
learned = {
    name: np.array([worlds.learned_by_seed(SEEDS, noise, looks=looks) for noise in COIN_NOISES])
    for name, looks in recorders.items()
}
show(*pictures.coin_against_noise(COIN_NOISES, learned))

many = worlds.learned_by_seed(SEEDS, noise=0.01, episodes=100_000)[:, 1].mean()
for name, pairs in learned.items():
    print(f"noise 0.01, {name}: believed {pairs[1, :, 0].mean():.2f}, earned {pairs[1, :, 1].mean():.2f}")
print(f"noise 0.01, the recorder looks, 100,000 episodes: earned {many:.2f}")

# %% [markdown]
# So the critic is right in (a) and (b), not in (c). On the left, all four chunks look equally good, and chance decides. Chance prefers rare chunks: an average over few episodes strays furthest, and the maximum takes what strayed upwards. At 1 % noise the agent earns a third of what it could. On the right, where the recorder does not look, it earns the best possible. The belief there is a few hundredths too high, as the maximum of noisy averages always is.
#
# A critic of chunks is right about data that are *consistent with open loop*: the recorder did not react, inside a chunk, to what happened there. A deterministic world always meets this. A noisy world with a recorder who looks does not.
#
# ### Your own experiment: design a recorder
#
# Must a good recorder be blind? Design one whose data teach the right chunk. `worlds.earned` records, learns and executes; it gives what the chosen chunk earns, a mean of 50 recordings for each of 8 seeds. You predict that `one` will be "higher" or "lower" than `other`, or "no difference".
#
# | knob | range (default) | meaning |
# |---|---|---|
# | `noise` | 0 to 0.5 (0.01) | probability of the other room |
# | `looks` | True, False (True) | whether the recorder sees the room |
# | `errs` | 0 to 0.5 (0) | how often it takes the wrong second action after looking |
# | `episodes` | 4 to 100,000 (400) | in a recording |
# | `blur` | 0 to 1 (0.1) | error of measurement of a reward |
#
# Write down what you expect and why, then run. The example asks: does a recorder who errs in one of twenty episodes teach better than one who never errs? Prediction: higher, because then the chunk (0, 1) is in the data with its failures, too. Change it, and ask your own question.

# %%
# change me
differences = experiment(
    worlds.earned,
    one=dict(errs=0.05),
    other=dict(errs=0.0),
    predict="higher",
    measure="reward of the chosen chunk",
)

# %% [markdown]
# Perfect play hides what a chunk does when it is executed blindly. A few mistakes are enough to put the two right chunks ahead, as the `errs` slider above shows, although the wrong ones are still believed to earn too much. Some questions: how few errors are enough at noise 0.1? Can exact rewards (`blur=0`) save a perfect recorder? How much of the gain survives at `noise=0.3`?
#
# ## Summary
#
# - Without noise chunks cost nothing: lengths 1 to 5 are all worth -9.19 in the maze. At noise 0.2, five blind steps cost 1.7.
# - A maximum that counts chunks nobody recorded makes a critic believe the impossible: -4.52 of chunks of 5 where -9.19 is the best possible.
# - If the recorder is perfect and looks, all chunks seem equally good, and chance decides: 0.29 is earned at 1 % noise where 0.89 is possible, and 0.89 is earned if the recorder errs in 5 % of the episodes.
#
# ## Quiz
#
# 1. The discount is 0.99 and $H = 5$. By what is the value of the next chunk multiplied?
# <details><summary>Answer</summary>0.99<sup>5</sup> = 0.951.</details>
#
# 2. An episode has 100 steps. How many chunks of 5 does stride 1 give, how many stride 5, and how many of each are whole?
# <details><summary>Answer</summary>100 and 20; whole are 96 and 20.</details>
#
# 3. A robot with chunks of 10 does worse than with chunks of 1. Is its critic broken? What do you measure first?
# <details><summary>Answer</summary>How noisy the robot is: execute the same chunk from the same state many times, and see how far apart it ends. With noise, open loop costs value even for a perfect critic.</details>
#
# ## Appendix: what noise costs the point
#
# <details><summary>The exact value of the best chunks</summary>
#
# The best chunk follows the path that it would take without noise, with the feedback gain of the Riccati equation. Its value is
#
# $$ V_H(x) = -(P\,x^2 + c_H), \qquad c_H = \sigma^2\, \frac{\sum_{k<H} k\,\gamma^k + H\,P\,\gamma^H}{1 - \gamma^H}. $$
#
# $P$, the price of the start, is the same for every $H$. After $k$ steps without looking, noise has added a variance of $k \sigma^2$ to $x$, and step $k$ pays it. The next chunk starts with $H \sigma^2$ more, at the price $P$, and costs $c_H$ itself. In code this is `point_value`.
# </details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 3.
# - R. Sutton, D. Precup, S. Singh, *Between MDPs and semi-MDPs*, Artificial Intelligence 112 (1999): chunks are options that last exactly $H$ steps and never look at the state.
#
# **Next:** [02 · Backups](02_backups.ipynb): one step, n steps, or a chunk. Who is fast, and who is right?
