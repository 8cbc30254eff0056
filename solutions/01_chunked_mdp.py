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
# You stand at the start of a maze. You choose five moves, close your eyes, and execute them. Where are you when you open them?
#
# **You will be able to** turn an MDP into a chunked MDP and plan in it; act open loop; cut an episode into chunks; find out why a chunk critic is overoptimistic.
#
# **You need** tabular MDPs, value iteration, NumPy. **Time** about 90 minutes; 1 minute to run on two cores.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $\mathcal S, \mathcal A$ | sizes S, A | states and actions; where they are vectors, S and A are their lengths |
# | $r(s, a)$, $p(s' \mid s, a)$ | `rewards` (S, A), `transitions` (S, A, S) | the ordinary MDP |
# | $\gamma$ | `discount` | discount of one step |
# | $H$ | `length` | steps in a chunk (the paper's $h$) |
# | $\mathbf a = (a_0, \dots, a_{H-1})$ | `chunk` (H,) | a chunk: $H$ actions, chosen at once |
# | $\bar r(s, \mathbf a)$, $\bar p(s' \mid s, \mathbf a)$ | `r_bar` (S, C), `p_bar` (S, C, S) | the chunked MDP; $C = A^H$ chunks |

# %%
import numpy as np

from qlac_lite.lessons import chunk_worlds as worlds
from qlac_lite.lessons import drawings_of_chunks as pictures
from qlac_lite.lessons import drawings_of_records as records
from qlac_lite.lessons import experiment, mdp, shorten, show
from qlac_lite.lessons.checks import lesson01 as checks
from qlac_lite.lessons.sliders import explore

show(*pictures.cloud(noise=0.0, length=5))

# %% [markdown]
# Each step costs 1 until you reach the goal; there you stay, at no cost. The discount is 0.95 a step. Without noise, the orange plan comes true.
#
# **Predict.** Now each step goes sideways with probability 0.2, half to each side. If you step into a wall, you stay. How likely are you to end in the planned cell?
#
# <details><summary>Answer</summary>0.8<sup>5</sup> = 0.33: all five steps must go well, because no detour gets there in five.</details>

# %%
show(*pictures.cloud(noise=0.2, length=5))
explore(
    pictures.cloud, noise=("noise", (0.0, 0.1, 0.2, 0.4), 0.2), length=("chunk length H", (1, 2, 3, 4, 5), 5)
)

# %% [markdown]
# More noise and longer chunks widen the *cloud* of cells where you may be. You cannot correct a slip you do not see, so the end of a long chunk may be planned for the wrong place.
#
# ## 1. A chunk is one action of another MDP
#
# With **action chunking**, an agent looks at $s_t$, chooses $H$ actions at once, and executes them **open loop**, without looking in between. From one look to the next, this is an MDP again (section 3 of [the paper](https://arxiv.org/abs/2507.07969)):
#
# $$ (\mathcal S, \mathcal A, r, p, \gamma) \quad\longrightarrow\quad (\mathcal S, \mathcal A^H, \bar r, \bar p, \gamma^H). $$
#
# Reward and transitions of a chunk are
#
# $$ \bar r(s, \mathbf a) = \mathbb E\Big[\sum_{k=0}^{H-1} \gamma^k\, r(s_k, a_k) \;\Big|\; s_0 = s\Big], \qquad \bar p(\cdot \mid \cdot, \mathbf a) = P_{a_0} P_{a_1} \cdots P_{a_{H-1}}. $$
#
# In words: each reward is discounted by its place in the chunk and collected *where the earlier actions have led*. The cloud is a row of the matrix product; $P_a$ is `transitions[:, a]`.
#
# ### Your turn: `chunked_mdp` (★★☆, 10 minutes)
#
# Replace `raise NotImplementedError()` with your code and run the check below it. `case = checks.last_case()` gives you the inputs of a failed case by name. If you are stuck, go on: later cells use the library's own function. [Solutions](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/01_chunked_mdp.ipynb)
#
# <details><summary>Hint: what do I carry along?</summary>The cloud. For all starts at once it is a matrix, one row per start. What does it look like before the first action?</details>

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
# Value iteration starts from 0 and updates all cells once per *sweep*, here without noise. Blue cells have their true value after three sweeps with single actions. News of the goal travels one step a sweep.

# %%
show(*pictures.right_cells(checks.plan, lengths=[1], sweeps=3))

# %% [markdown]
# **Predict.** The goal is 12 steps from the start. How many cells are blue after three sweeps with chunks of 4? And which chunk length from 1 to 5 gives the highest value at the start? (12 is not a multiple of 5.)
#
# <details><summary>Answer</summary>13: all but the two cells 13 and 14 steps away. The value is the same at every length: without noise, looking tells you nothing. The last chunk of 5 reaches the goal after two steps, and its other actions cost nothing.</details>
#
# $$ Q(s, \mathbf a) \leftarrow \bar r(s, \mathbf a) + \gamma^{H} \sum_{s'} \bar p(s' \mid s, \mathbf a)\, \max_{\mathbf a'} Q(s', \mathbf a') $$
#
# In words: what the chunk earns, plus the best that can follow, discounted by $\gamma^H$ because it begins $H$ steps later.
#
# ### Your turn: `plan` (★★☆, 8 minutes)

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
        best: (S,) index of the best chunk of each state.
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
print("H   chunks   value at start   sweeps until it is right")
for length in range(1, 6):
    chunks = mdp.action_sequences(4, length)  # all of them
    q, _, history = plan(*chunked_mdp(*quiet, chunks), worlds.DISCOUNT, length, sweeps=12)
    needed = np.isclose(history[:, 0], exact[0]).argmax()
    print(f"{length}   {len(chunks):6}   {q[0].max():14.4f}   {needed:5}")

# %% [markdown]
# Speed is the first gain from chunks (lesson 02): value travels one chunk a sweep, so the start needs 12 / H sweeps, rounded up. The second column shows the price: $4^H$ chunks (section 6).
#
# ## 3. What noise costs
#
# **Predict.** All lengths meet at noise 0. Which line is lowest at noise 0.2, and how far is it below H = 1? Does the gap keep growing?

# %%
NOISES = np.arange(7) / 10
values = {
    length: [mdp.optimal_q(mdp.chunked(worlds.maze(noise)[0], length))[0].max() for noise in NOISES]
    for length in (1, 2, 3, 4, 5)
}
show(*pictures.values_against_noise(NOISES, values))
print("H = 5 lies below H = 1 by", np.subtract(values[1], values[5]).round(2))

# %% [markdown]
# Five blind steps cost 1.7 at noise 0.2, 2.0 at 0.3, then less again: the more chance decides, the less looking helps. (A longer chunk is never better if the shorter length divides it: short chunks can execute the same plan.)
#
# ## 4. Acting blindly
#
# Nobody knows the $\bar p$ of a robot: you execute the chunk and see. Here an action $u$ and noise push a point along a line, $x' = x + u + \sigma w$ with $w$ standard normal. The point pays for being away from 0 and for pushing: $r = -(x^2 + 0.1\, u^2)$, with discount 0.9. Each episode starts at $x = 1$ and follows the best policy in chunks of 5.

# %%
show(*pictures.point_paths(sigma=0.2, length=5))

# %% [markdown]
# On the right is the cloud's spread. It has teeth: it rises inside a chunk, and the first action after a look brings it down.
#
# **Predict.** How much higher are the teeth with H = 10?
#
# <details><summary>Answer</summary>About 1.4 times as high. Each blind step adds &sigma;<sup>2</sup> to the variance, so a tooth of H steps is &sigma; times the square root of H high.</details>

# %%
show(*pictures.point_paths(sigma=0.2, length=10))
explore(
    pictures.point_paths,
    sigma=("noise", (0.0, 0.1, 0.2, 0.3), 0.2),
    length=("chunk length H", (1, 2, 5, 10), 10),
)

# %% [markdown]
# ### Your turn: `play` (★★☆, 12 minutes)
#
# Write the executor: it plays one episode in chunks. As in Gymnasium, `env.reset()` returns `observation, info`, and `env.step(action)` returns `observation, reward, terminated, truncated, info`. *Terminated* means a terminal state, *truncated* a time limit; both end the episode.
#
# <details><summary>Hint: when do I look?</summary>Keep the chunk and the step of the last look. How many actions have you executed since then? What if none is left?</details>

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
# The lines show the exact value of the best chunks (appendix). Your executor plays 60 episodes from $x = 1$, 8 times over. Are its dots (means with 95 % intervals) on them?

# %%
SIGMAS, LENGTHS = (0.0, 0.1, 0.2, 0.3), (1, 2, 5, 10)
played = pictures.play_the_point(play, SIGMAS, LENGTHS, episodes=shorten(60, fast=10))
show(*pictures.point_values(SIGMAS, LENGTHS, played))

# %% [markdown]
# The dots lie on the lines: the chunked MDP *is* the world of an agent that acts open loop. Chunks of 10 cost 0.3 at $\sigma$ = 0.1, and 2.9 at 0.3.
#
# ## 5. Cutting an episode into chunks
#
# Offline RL starts from recorded episodes, cut into chunks. Here chunks of 4 start at steps 0, 4, 8: **stride 4**.

# %%
show(*pictures.cut_episode(checks.chunk_dataset, strides=[4]))

# %% [markdown]
# **Predict.** The published method starts a chunk at *every* step: **stride 1**. How many chunks does it cut from these 11 steps, and how many are whole?
#
# <details><summary>Answer</summary>11, and 8 are whole: those from steps 0 to 7.</details>
#
# Only *execution* has to start chunks every $H$ steps. In the data, a chunk that starts at $t$ has
#
# - its actions $a_t, \dots, a_{t+H-1}$;
# - a mask `valid`, 1 where the step exists;
# - the return $\sum_k \gamma^k r_{t+k}$ over the steps that exist;
# - the bootstrap observation $s_{t+H}$, whose value stands for the rest unless the episode *terminated* there (`over` in section 6). A cut chunk gets $s_T$ as a filler.
#
# ### Your turn: `chunk_dataset` (★★★, 15 minutes)
#
# <details><summary>Hint 1: one chunk first</summary>Take a start near the end of the episode, and count on paper how many of its steps exist.</details>
# <details><summary>Hint 2: all chunks</summary>A loop over the starts will do. Without a loop: make a table (M, H) of step numbers. Which of them exist? What would you read at the others, and how do you remove it?</details>

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
# An incomplete chunk still teaches *behavior cloning* (imitating the data) what to do at the steps that exist. The *critic* takes whole chunks only: the missing actions were never chosen.
#
# ## 6. Bug hunt: chunks look better than single actions
#
# A colleague trains a critic on whole chunks from the maze: 1000 episodes without noise. Whoever walked them (the **recorder**) makes an optimal move in 70 % of the steps and a random one otherwise. (The recorder goes on moving at the goal, so chunks that arrive early are whole, too.) The critic averages what followed each chunk, and the agent takes the best recorded chunk. Her result: "Chunks are worth more than single actions!"

# %%
def critic_with_a_bug(data, size, discount, length, sweeps):
    """Value (S,) of the best recorded chunk of each state, and its index (S,).

    Args:
        data: N whole chunks: `states` (N,) where they start, `chunks` (N,) their indices, `returns` (N,),
            `after` (N,) the states H steps later, `over` (N,) bool: that state ends the episode.
        size: (S, C), the numbers of states and of chunks.
        discount, length, sweeps: as in `plan`.
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
    q = np.where(count > 0, q, -np.inf)
    return q.max(axis=1), q.argmax(axis=1)


show(*records.learned_values({"broken": critic_with_a_bug, "healthy": checks.learn_from_chunks}))

# %% [markdown]
# With single actions the broken critic is right. With chunks of 2 to 5 it believes in impossibly high returns, highest with 2, and its agent earns less. (An agent that never arrives earns -20, a cost of 1 for ever.)
#
# **Question 1.** Three suspects: (a) The bootstrap is discounted by $\gamma$ instead of $\gamma^H$. (b) There are too few sweeps. (c) The rewards inside a chunk are not discounted. Leave the code aside: what would the picture show in each case? Which fits?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bug", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# None of them (reasons below).

# %%
# Change me: measure what you like. Where is the belief wrong, and from which sweep on?
show(*records.belief_map(critic_with_a_bug, length=5))
sweeps = (1, 2, 3, 40)
print(f"at the start, true: {exact[0]:.2f}; believed after {sweeps} sweeps; a healthy critic with (a)")
for length in (1, 2, 3, 4, 5):
    data, size = worlds.recorded_chunks(length), (len(exact), 4**length)
    values = [critic_with_a_bug(data, size, worlds.DISCOUNT, length, many)[0][0] for many in sweeps]
    wrong = worlds.DISCOUNT ** (1 / length)  # to the power H it is the discount of one step
    values.append(checks.learn_from_chunks(data, size, wrong, length, 40)[0][0])
    print(f"H = {length}:", "".join(f"{value:8.2f}" for value in values))

# %% [markdown]
# <details><summary>Our answer to question 1</summary>None of them. (a) With plain &gamma; the future costs more: too low for H > 1 (last column). (b) Too few sweeps give too high a belief, but most for H = 1, where value travels slowest. (c) Without the discount, costs are larger: slightly too low.</details>
#
# With chunks of 5, the belief is right where one chunk reaches the goal. Everywhere else it is one number, from the first sweep on. Where does this number come from?
#
# ### Your turn: `learn_from_chunks` (★★☆, 15 minutes)
#
# Mend the function.
#
# <details><summary>Hint 1: where does the belief come from?</summary>-1.95 is -1 - 0.95: the rewards of one chunk of two steps. What does each sweep add for what follows?</details>
# <details><summary>Hint 2: who put it there?</summary>Print a row of <code>q</code> after one sweep. Some of its entries were never in the data.</details>

# %% nbgrader={"grade": false, "grade_id": "learn_from_chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learn_from_chunks(data, size, discount, length, sweeps):
    """The function above, mended; the same arguments and results.

    What a state is believed to be worth may differ from the truth where data are few. It may not come from
    something that was never recorded. A state without a recorded chunk may get any value.
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
show(*records.learned_values({"broken": critic_with_a_bug, "yours": learn_from_chunks}))
shares = (f"H = {length}: {worlds.recorded_share(length):.0%}" for length in (1, 2, 3, 4, 5))
print("of all chunks, recorded:", "  ".join(shares))

# %% [markdown]
# The maximum looked at chunks that nobody had recorded, and found the 0 of the empty table: more than any chunk earns here. So from nearly every cell more than one chunk from the goal, the agent plans to walk to such a gap. It expects to pay for one chunk, and then nothing: -1 - 0.95 with chunks of 2, where gaps of 4 % are enough.
#
# Your critic is right at the start with every length, although only 15 % of the chunks of 5 were recorded.
#
# <details><summary>Why does the agent earn -20 with H = 2, and nearly the best with 3 and 5?</summary>Many of its chunks at the start seem equal, and rounding decides. With H = 2 it takes "right, left" for ever. With longer chunks it is lucky: most recorded ones lead on.</details>
#
# A network's maximum can go wrong the same way, so Q-LAC keeps to chunks that look like the data (lesson 04).
#
# ## 7. When the recorder looks
#
# Now a world with noise and chunks of two actions. From the start, action 0 aims at the left room and action 1 at the right one; with probability `noise` you land in the other. In the left room action 0 earns 1, in the right room action 1; the other earns nothing. Then the episode ends. With a discount of 0.9, the reward is worth 0.9 at the start.
#
# The recorder tosses a fair coin for the first action. Then it *sees* the room, and always takes the right second action. Here is what each chunk earns in unlimited data at noise 0.1.

# %%
show(*records.coin_beliefs(noise=0.1, truth=False))

# %% [markdown]
# Every chunk earns the full reward. For instance, (0, 1) is in the data only where the recorder slipped to the right.
#
# **Question 2.** A critic averages 400 such episodes by chunk. (Each reward is measured with an error of standard deviation 0.1, which breaks ties.) Its agent takes the chunk with the highest average and executes it *blindly*. In which of these cases does it earn what the critic promises? (a) The noise is 0. (b) The recorder tosses the coin for both actions. (c) The noise is only 1 %.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_misled", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# In (a) and (b), not in (c); reasons below.

# %%
show(*records.coin_beliefs(noise=0.1))
explore(
    records.coin_beliefs,
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
show(*records.coin_against_noise(COIN_NOISES, learned))
for name, pairs in learned.items():
    print(f"noise 0.01, {name}: believed {pairs[1, :, 0].mean():.2f}, earned {pairs[1, :, 1].mean():.2f}")

# %% [markdown]
# The agent earns about what the critic promises in (a), where there is nothing to see, and in (b), on the right, where the actions say nothing about the room. In (c) it does not: chunks after a slip are rare, but look perfect. All four seem equally good, and chance prefers rare ones: an average over few episodes strays furthest, and the maximum takes whatever strayed up. (Points: 8 seeds, each a mean of 50 recordings. Bands: 95 % intervals.)
#
# **Predict.** At 1 % noise, do more episodes help? Compare 4, 400, 100,000.

# %%
EPISODES = (4, 20, 100, 400, 2000, 100_000)
more = np.array([worlds.learned_by_seed(SEEDS, noise=0.01, episodes=many) for many in EPISODES])
show(*records.coin_against_episodes(EPISODES, more, noise=0.01))

# %% [markdown]
# They hurt. Four episodes hardly ever contain a slip, and earn 0.87. Many episodes contain both rare chunks. The average of each strays up with probability one half, and much further than a frequent one. So three times in four a rare chunk wins, and the agent earns about 0.23.
#
# A chunk critic is right about data *consistent with open loop*: the recorder did not react inside a chunk. A deterministic world always meets this. A noisy world with a recorder who looks does not.
#
# ### Your own experiment: design a recorder
#
# Must a good recorder be blind? Design one whose data teach the right chunk. `worlds.earned` records, averages and executes as above. For each of 8 seeds it returns the mean of what the chosen chunks earn.
#
# | knob | range (default) | meaning |
# |---|---|---|
# | `noise` | 0 to 0.5 (0.01) | probability of the other room |
# | `looks` | True, False (True) | whether it sees the room or tosses the coin twice |
# | `errs` | 0 to 0.5 (0) | how often it takes the wrong second action after looking |
# | `episodes` | 4 to 100,000 (400) | in a recording |
# | `blur` | 0 to 1 (0.1) | measurement error of a reward |
#
# Write down your prediction for `one` against `other` ("higher", "lower" or "no difference") and your reason, then run. Our example: does a recorder who errs in one of twenty episodes teach better than a perfect one? Prediction: higher, because then (0, 1) fails in the data, too.

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
# Perfect play hides what a chunk does when executed blindly. A few mistakes put the two right chunks ahead, as the `errs` slider above shows. More questions: how few errors are enough at `noise=0.1`? How much gain survives at `noise=0.3`? Do exact rewards (`blur=0`) save a perfect recorder?
#
# <details><summary>What we found (8 seeds)</summary>At noise 0.1, one error in 100 earns 0.72, one in 20 the best possible, 0.81; none earns 0.33. At noise 0.3, one in 20 gains +0.20 [0.17, 0.22]. Exact rewards gain +0.19 [0.09, 0.29] at noise 0.01, but the four chunks tie: a toss between them earns half.</details>
#
# ## Summary
#
# - Without noise, chunks of 1 to 5 are all worth -9.19 in the maze. At noise 0.2, five blind steps cost 1.7.
# - A maximum over chunks that nobody recorded makes a critic believe the impossible: -4.52 with chunks of 5, where the best possible is -9.19.
# - If the recorder looks and never errs, all chunks seem equally good, and chance decides: the agent earns 0.29 at 1 % noise, where 0.89 is possible, and less with more data. With one error in 20 it earns 0.89.
#
# ## Quiz
#
# A robot with chunks of 10 does worse than with chunks of 1. Is its critic broken? What do you measure first?
# <details><summary>Answer</summary>Not necessarily. Compare what it believes with what it earns. If they agree, open loop costs that much (section 3). If it believes more, look for unrecorded chunks (section 6) or a recorder who reacted (section 7).</details>
#
# ## Appendix: what noise costs the point
#
# <details><summary>The exact value of the best chunks</summary>
#
# The best chunk follows the noise-free path under the Riccati feedback gain. Its value is
#
# $$ V_H(x) = -(P\,x^2 + c_H), \qquad c_H = \sigma^2\, \frac{\sum_{k<H} k\,\gamma^k + H\,P\,\gamma^H}{1 - \gamma^H}. $$
#
# $P$, the price of the start, is the same for every $H$, here 1.09. After $k$ steps without looking, noise has added a variance of $k \sigma^2$ to $x$, and step $k$ pays it. The next chunk starts with $H \sigma^2$ more, at the price $P$, and costs $c_H$ itself. In code: `qlac_lite.lessons.point_world.point_value`.
# </details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 3.
# - R. Sutton, D. Precup, S. Singh, *Between MDPs and semi-MDPs*, Artificial Intelligence 112 (1999): chunks are options that last exactly $H$ steps and never look at the state.
#
# **Next:** [02 · Backups](02_backups.ipynb): one step, n steps, or a chunk. Who is fast, and who is right?
