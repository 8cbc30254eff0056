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
# An agent that decides only every $H$ steps, and executes what it decided without looking, lives in another MDP. In this lesson you build that MDP, which section 3 of [the paper](https://arxiv.org/abs/2507.07969) rests on.
#
# **You will be able to** write the reward, the transitions and the discount of a chunk; solve a chunked MDP; cut an episode into chunks; execute a chunk open loop; say when chunks cost nothing, when they cost value, and when data mislead a critic of chunks.
#
# **You need** tabular MDPs, value iteration, NumPy. **Time** about 75 minutes to work through; 1 minute on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $S, A$ | in shapes | number of states and of actions; in the continuous part, the sizes of their vectors |
# | $r(s, a)$, $p(s' \mid s, a)$ | `rewards` (S, A), `transitions` (S, A, S) | the ordinary MDP |
# | $\gamma$ | `discount` | discount of one step |
# | $H$ | `length` | steps in a chunk (the paper's $h$) |
# | $\mathbf a = (a_0, \dots, a_{H-1})$ | `chunk` (H,) | a chunk: $H$ actions, chosen at once |
# | $\bar r(s, \mathbf a)$, $\bar p(s' \mid s, \mathbf a)$ | `r_bar` (S, C), `p_bar` (S, C, S) | the chunked MDP; $C = A^H$ chunks |
#
# How to use this page: run each cell with Shift + Enter. Where it says *your turn*, write the function in place of `raise NotImplementedError()`, run the cell, then run the check below it. A check tells you what came, what was expected, and often why. If you are stuck, go on: a check hands the library's own function to the cells that follow.

# %%
import numpy as np
from matplotlib.patches import Rectangle

from qlac_lite.data.dataset import all_chunks, build_dataset
from qlac_lite.lessons import drawings, mdp, shorten, show
from qlac_lite.lessons.checks import lesson01 as checks
from qlac_lite.lessons.point_world import PointEnv, point_chunk, point_solution, point_value
from qlac_lite.lessons.sliders import explore
from qlac_lite.reports import plots
from qlac_lite.utils.statistics import mean_interval

# %% [markdown]
# ## 1. Deciding every H steps
#
# Ordinarily, an agent looks at the state, acts, looks again. With **action chunking** it looks at $s_t$, chooses $H$ actions $a_t, \dots, a_{t+H-1}$ at once, and executes them **open loop**: whatever happens in between, it does not look. At $s_{t+H}$ it looks again.
#
# Seen from the moments at which it looks, this is an MDP again:
#
# $$ (S, A, r, p, \gamma) \quad\longrightarrow\quad (S, A^H, \bar r, \bar p, \gamma^H). $$
#
# The states are the same. An action is now a whole chunk. What remains is to find the three things that changed: reward and transitions here, the discount in section 2.
#
# ### The reward of a chunk
#
# $$ \bar r(s, \mathbf a) = \mathbb E\Big[\sum_{k=0}^{H-1} \gamma^k\, r(s_k, a_k) \;\Big|\; s_0 = s,\ \text{the actions are } \mathbf a\Big] $$
#
# In words: add up the rewards of all $H$ steps, each discounted by its place in the chunk, and each taken *where the earlier actions have led*. In code: carry a matrix `kernel` (S, S) along, whose row $s$ is the distribution of where you are if you started in $s$.
#
# ### Your turn: `chunk_rewards` (★★☆, 10 minutes)
#
# <details><summary>Hint 1: where am I after k actions?</summary>
#
# Before the first action, surely where you started: the identity matrix. After action $a$, each row moves on: `kernel @ transitions[:, a]`.
# </details>
# <details><summary>Hint 2: what does step k add?</summary>
#
# `discount**k * kernel @ rewards[:, a]`, a vector over start states. Add first, then move.
# </details>

# %% nbgrader={"grade": false, "grade_id": "chunk_rewards", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunk_rewards(transitions, rewards, discount, chunk):
    """r_bar(s, chunk) for every start state s.

    Args:
        transitions: (S, A, S) p(s' | s, a).
        rewards: (S, A).
        discount: of one step.
        chunk: (H,) action numbers.

    Returns:
        (S,) expected discounted sum of the H rewards, executed open loop.

    Steps:
        1. Start with the identity as kernel, and a total of zeros (S,).
        2. For each k and action: add discount**k times the expected reward of this step.
        3. Then move the kernel on by the action.
    """
    ### BEGIN SOLUTION
    kernel, total = np.eye(len(rewards)), np.zeros(len(rewards))
    for k, action in enumerate(chunk):
        total = total + discount**k * kernel @ rewards[:, action]
        kernel = kernel @ transitions[:, action]
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_rewards", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
chunk_rewards = checks.check_chunk_rewards(chunk_rewards)

# %% [markdown]
# ### Where a chunk leads
#
# $$ \bar p(\cdot \mid \cdot, \mathbf a) = P_{a_0} P_{a_1} \cdots P_{a_{H-1}}, \qquad P_a[s, s'] = p(s' \mid s, a) $$
#
# In words: the kernel of the chunk is the product of the kernels of its actions, in their order. The product sums over the states in between, which the agent does not see. In code, `P_a` is `transitions[:, a]` and the product is `@`.
#
# ### Your turn: `chunk_transitions` (★☆☆, 5 minutes)

# %% nbgrader={"grade": false, "grade_id": "chunk_transitions", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunk_transitions(transitions, chunk):
    """p_bar(s' | s, chunk) as a matrix.

    Args:
        transitions: (S, A, S) p(s' | s, a).
        chunk: (H,) action numbers.

    Returns:
        (S, S): row s is the distribution of the state after the chunk, started in s.
    """
    ### BEGIN SOLUTION
    kernel = np.eye(len(transitions))
    for action in chunk:
        kernel = kernel @ transitions[:, action]
    return kernel
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_transitions", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
chunk_transitions = checks.check_chunk_transitions(chunk_transitions)

# %% [markdown]
# ### How many chunks are there?
#
# $A^H$. The table of a chunked MDP grows by a factor $A$ with every step of a chunk, and so does the work of an agent that tries chunks blindly. Remember this picture when, in lesson 06, plain RL meets chunks.
#
# For continuous actions a chunk is one vector of $H \cdot A$ numbers ($A$ is now the size of an action). Its dimension grows only linearly, but its volume grows as fast as the table did. That is why the method of this course does not search this space: it samples chunks that look like the data (lesson 03).

# %%
lengths = np.arange(1, 11)
figure, (axes,) = plots.new_figure(1)
for actions, colour in zip((2, 4, 9), plots.shades(3), strict=True):
    axes.semilogy(lengths, float(actions) ** lengths, "o-", color=colour, label=f"{actions} actions")
axes.axhline(1e6, color="0.4", linestyle="--", linewidth=1)
axes.text(1, 1.4e6, "a million chunks", fontsize=8)
axes.set(xlabel="chunk length H (steps)", ylabel="number of chunks $A^H$")
axes.legend()
show(
    figure,
    "The number of chunks against chunk length on a logarithmic axis: straight lines, steeper for more "
    "actions; 9 actions pass a million chunks at length 7.",
)

# %% [markdown]
# ## 2. Solving the chunked MDP
#
# Here is a maze. Each step costs 1 until the goal `G`, which ends the episode: the goal absorbs, with reward 0 from then on, so its value is 0 and no mask is needed. The four actions 0 to 3 are up, right, down, left. `noise` is the probability that a step goes sideways instead, half to each side; a step into a wall stays.
#
# `mdp.chunked(maze, H)` computes `r_bar` and `p_bar` of all $A^H$ chunks at once. The next cell compares it with your two functions on one chunk. (`*maze` hands over the maze's transitions, rewards and discount.)

# %% tags=["nbval-check-output"]
PICTURE = """
#########
#S..#...#
#.#.#.#.#
#.#...#G#
#########
"""
maze, cells = mdp.grid(PICTURE, discount=0.95, noise=0.2)
goal = int(np.flatnonzero(maze.terminal)[0])
pairs = mdp.chunked(maze, 2)
chunk = np.array([1, 2])  # right, down
number = np.flatnonzero((mdp.action_sequences(4, 2) == chunk).all(axis=1))[0]
print("states, chunks:", pairs.rewards.shape, "  discount of a chunk:", round(pairs.discount, 4))
mine = chunk_rewards(*maze, chunk), chunk_transitions(maze.transitions, chunk)
print("rewards agree:    ", np.allclose(pairs.rewards[:, number], mine[0]))
print("transitions agree:", np.allclose(pairs.transitions[:, number], mine[1]))

# %% [markdown]
# ### Value iteration, with the right discount
#
# $$ Q(s, \mathbf a) \leftarrow \bar r(s, \mathbf a) + \gamma^{H} \sum_{s'} \bar p(s' \mid s, \mathbf a)\, \max_{\mathbf a'} Q(s', \mathbf a') $$
#
# In words: what the chunk earns, plus the best that can follow, which begins $H$ steps later and is discounted by $\gamma^H$. It is the backup you know, on a wider table. In code it is one line.
#
# ### Your turn: `chunked_value_iteration` (★☆☆, 5 minutes)

# %% nbgrader={"grade": false, "grade_id": "chunked_value_iteration", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunked_value_iteration(p_bar, r_bar, discount, length, sweeps):
    """Q of the chunked MDP after a number of sweeps from Q = 0.

    Args:
        p_bar: (S, C, S) transitions of the chunks.
        r_bar: (S, C) rewards of the chunks.
        discount: of ONE step.
        length: H, steps in a chunk.
        sweeps: how many backups of the whole table.

    Returns:
        (S, C).
    """
    ### BEGIN SOLUTION
    q = np.zeros_like(r_bar)
    for _ in range(sweeps):
        q = r_bar + discount**length * p_bar @ q.max(axis=1)
    return q
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunked_value_iteration", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
chunked_value_iteration = checks.check_chunked_value_iteration(chunked_value_iteration)

# %% [markdown]
# ### Predict, then run
#
# The maze has no noise now. The goal is 12 steps from the start. You solve it with chunks of 1, 2, 3, 4, 5 and 6.
#
# **Question 1.** Which chunk length gives the highest value at the start? Does it matter that 12 is not a multiple of 5? And how many sweeps does each need until the value at the start is right? Write your guess before you run the next cell.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_deterministic", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# All lengths give the same value. Without noise the agent knows where every action leads, so looking tells it nothing, and an optimal path is an optimal sequence of chunks. That 12 is no multiple of 5 does not matter: the last chunk reaches the goal after two steps, and its other actions cost nothing there.
#
# Value travels one chunk a sweep. So the number of sweeps is 12 / H, rounded up. This is the first thing that chunks buy, and lesson 02 is about it.

# %% tags=["nbval-check-output"]
quiet, _ = mdp.grid(PICTURE, discount=0.95, noise=0.0)
exact = mdp.optimal_q(quiet).max(axis=1)[0]
print("H   chunks   value at the start   sweeps until it is right")
for length in range(1, 7):
    bar = mdp.chunked(quiet, length)
    for sweeps in range(1, 13):
        q = chunked_value_iteration(bar.transitions, bar.rewards, 0.95, length, sweeps)
        if np.isclose(q[0].max(), exact):
            break
    print(f"{length}   {bar.rewards.shape[1]:6}   {q[0].max():18.4f}   {sweeps:5}")

# %% [markdown]
# All lengths have the same value: without noise looking tells nothing. That 12 is no multiple of 5 does not matter, since the last chunk reaches the goal after two steps and its other actions cost nothing there. And value travels one chunk a sweep, so it takes $12 / H$ sweeps, rounded up. This is the first thing that chunks buy; lesson 02 is about it.
#
# ## 3. What noise does
#
# With noise, the agent in the middle of a chunk no longer knows where it is. It cannot correct a slip until the chunk is over. Its best chunks are worth less.
#
# We compute the value at the start exactly, for every noise and length. Then we let the optimal agents play, many episodes each, and see whether what they earn is what the theory says.

# %%
NOISES, LENGTHS = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4]), (1, 2, 3, 4, 5)
REPEATS, EPISODES = 10, shorten(200, fast=40)


def solve(noise, length):
    """Chunked MDP of the maze and its optimal Q."""
    bar = mdp.chunked(mdp.grid(PICTURE, 0.95, noise)[0], length)
    return bar, mdp.optimal_q(bar)


def played(noise, length, repeat, steps=120):
    """Mean discounted return of the optimal chunk policy, over episodes of the real maze."""
    world, _ = mdp.grid(PICTURE, 0.95, noise)
    policy = mdp.greedy(solve(noise, length)[1])
    starts, rng = np.zeros(EPISODES, int), np.random.default_rng(repeat)
    episodes = mdp.simulate(world, policy, starts, steps, rng, length)
    return np.mean((0.95 ** np.arange(steps) * episodes.rewards).sum(axis=1))


theory = np.array([[solve(noise, length)[1].max(axis=1)[0] for noise in NOISES] for length in LENGTHS])
simulated = np.array(
    [[[played(noise, length, repeat) for noise in NOISES] for length in LENGTHS] for repeat in range(REPEATS)]
)

# %%
figure, (axes,) = plots.new_figure(1)
for i, colour in enumerate(plots.shades(len(LENGTHS))):
    axes.plot(NOISES, theory[i], color=colour, label=f"H = {LENGTHS[i]}")
    plots.points(axes, NOISES, simulated[:, i], None, colour)
axes.set(xlabel="noise: probability that a step goes sideways", ylabel="value at the start")
axes.legend(title="line: exact, dots: played", fontsize=8)
show(
    figure,
    "Value at the start against noise for five chunk lengths. All lines meet at noise 0; the longer the "
    "chunk, the faster its value falls. Dots of simulated play lie on the lines.",
)

# %% [markdown]
# The lines are the theory. The dots are the mean of ten repetitions of many episodes, with 95 % intervals. They agree: the chunked MDP *is* the world of an agent that acts open loop.
#
# At noise 0 all lines meet: **without noise, chunks cost nothing**. With noise they part: the longer the chunk, the lower its line. The gap to $H = 1$ grows with the noise at first; at 40 % it is a little smaller again than at 30 %, because there even an agent that looks can do little.
#
# Look at what happens inside. The slider shows where the agent may be after its first optimal chunk. The wider the cloud, the less the end of a chunk was worth planning.

# %%
def draw_cloud(noise=0.2, length=5):
    bar, q = solve(noise, length)
    best = q[0].argmax()
    names = [list(mdp.MOVES)[a] for a in mdp.action_sequences(4, length)[best]]
    figure, (left, right) = plots.new_figure(2)
    drawings.maze(left, cells, bar.transitions[0, best], goal)
    left.set_title(f"darker: more likely, after {', '.join(names)}", fontsize=9)
    for i, colour in enumerate(plots.shades(len(LENGTHS))):
        right.plot(NOISES, theory[i], color=colour, label=f"H = {LENGTHS[i]}")
    right.plot([noise], [q[0].max()], "o", markersize=14, fillstyle="none", color="#D55E00")
    right.set(xlabel="noise (circle: this setting)", ylabel="value at the start")
    right.legend(fontsize=8)
    return figure, (
        f"Left: probability of each cell of the maze after the best first chunk of {length} at noise "
        f"{noise}. Right: the exact values again, with this point circled; value {q[0].max():.2f}."
    )


show(*draw_cloud())
explore(draw_cloud, noise=("noise", NOISES, 0.2), length=("chunk length H", LENGTHS, 5))

# %% [markdown]
# ## 4. A continuous world, and the executor
#
# Robots have continuous states and actions. There, nobody writes `p_bar` down; one *executes* the chunk. The executor is all of open-loop control:
#
# 1. Take the actions of the chunk one after the other.
# 2. Add up their rewards, each discounted by its place.
# 3. If the episode ends, stop: there is nothing left to act on.
#
# ### Your turn: `execute_chunk` (★★☆, 10 minutes)
#
# `env.step(action)` is Gymnasium's: it returns `observation, reward, terminated, truncated, info`. *Terminated* is a terminal state, *truncated* a time limit. Both end the episode.

# %% nbgrader={"grade": false, "grade_id": "execute_chunk", "locked": false, "schema_version": 3, "solution": true, "task": false}
def execute_chunk(env, chunk, discount):
    """Executes a chunk open loop.

    Args:
        env: has step(action) -> observation, reward, terminated, truncated, info.
        chunk: (H, A) actions.
        discount: of one step.

    Returns:
        observation: the last one that came.
        reward: float, discounted sum of the rewards, the first one whole.
        terminated: bool, as it came from the last step.
        truncated: bool, as it came from the last step.
        steps: int, how many actions were executed.
    """
    ### BEGIN SOLUTION
    reward = 0.0
    for k, action in enumerate(chunk):
        observation, step_reward, terminated, truncated, _ = env.step(action)
        reward += discount**k * step_reward
        if terminated or truncated:
            break
    return observation, reward, terminated, truncated, k + 1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_execute_chunk", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
execute_chunk = checks.check_execute_chunk(execute_chunk)

# %% [markdown]
# The library's form of this is `qlac_lite.envs.chunked.ChunkedEnv`, a Gymnasium wrapper whose action is a chunk.
#
# Now a world in which the cost of a chunk is known in closed form: a point on a line. You push it by $u$, the world pushes it by $\sigma w$ with $w$ standard normal, and you pay for being away from 0 and for pushing:
#
# $$ x' = x + u + \sigma w, \qquad r = -(x^2 + 0.1\, u^2). $$
#
# It is a linear-quadratic problem. Its best chunk follows the path that it would take without noise. What a chunk costs is the noise that nobody corrects meanwhile:
#
# $$ V_H(x) = -(q\,x^2 + c_H), \qquad c_H = \sigma^2\, \frac{\sum_{k<H} k\,\gamma^k + H\,q\,\gamma^H}{1 - \gamma^H}. $$
#
# In words: $q$, the price of where you start, is the same for every $H$; it comes with the best feedback gain from the Riccati equation (`point_solution`). $c_H$ is what noise costs, one chunk after the other. After $k$ steps without looking, the noise has added a variance of $k \sigma^2$ to $x$, and step $k$ pays it, discounted by $\gamma^k$; the next chunk starts with $H \sigma^2$ more, at the price $q$, and costs $c_H$ itself, both discounted by $\gamma^H$. So $c_H = \sigma^2 \big(\sum_{k<H} k\,\gamma^k + H\,q\,\gamma^H\big) + \gamma^H c_H$, which you solve for $c_H$. In code this is `point_value`. Your executor plays against it.

# %%
DISCOUNT = 0.9
SIGMAS, CHUNKS = np.array([0.0, 0.1, 0.2, 0.3]), (1, 2, 5, 10)
gain, _ = point_solution(DISCOUNT)


def point_return(sigma, length, repeat, steps=60, episodes=shorten(60, fast=10)):
    """Mean return of the best chunks of `length` from x = 1, executed by your function."""
    env, total = PointEnv(sigma), 0.0
    observation, _ = env.reset(seed=repeat)
    for _ in range(episodes):
        observation, _ = env.reset()
        for t in range(0, steps, length):
            observation, reward, *_ = execute_chunk(env, point_chunk(observation[0], length, gain), DISCOUNT)
            total += DISCOUNT**t * reward
    return total / episodes


exact_value = np.array(
    [[point_value(1.0, length, sigma, DISCOUNT) for sigma in SIGMAS] for length in CHUNKS]
)
played_values = np.array(
    [[[point_return(sigma, length, repeat) for sigma in SIGMAS] for length in CHUNKS] for repeat in range(8)]
)


# %%
def draw_point(sigma=0.2, length=5):
    env = PointEnv(sigma)
    figure, (left, right) = plots.new_figure(2)
    for seed in range(12):
        observation, _ = env.reset(seed=seed)
        path = [observation[0]]
        for t in range(20):
            if t % length == 0:
                chunk = point_chunk(path[-1], length, gain)
            path.append(env.step(chunk[t % length])[0][0])
        left.plot(path, color="#0072B2", alpha=0.5, linewidth=1)
    for t in range(0, 21, length):
        left.axvline(t, color="0.8", linewidth=0.8, zorder=0)
    left.set(xlabel="step (grey lines: it looks)", ylabel="position x", ylim=(-2, 2), xticks=range(0, 21, 5))
    left.set_title(f"12 episodes, noise {sigma}, H = {length}")
    for i, colour in enumerate(plots.shades(len(CHUNKS))):
        right.plot(SIGMAS, exact_value[i], color=colour, label=f"H = {CHUNKS[i]}")
        plots.points(right, SIGMAS, played_values[:, i], None, colour)
    here = point_value(1.0, length, sigma, DISCOUNT)
    right.plot([sigma], [here], "o", markersize=14, fillstyle="none", color="#D55E00")
    right.set(xlabel="noise $\\sigma$ (standard deviation a step)", ylabel="value at x = 1")
    right.legend(title="line: exact, dots: played", fontsize=8)
    return figure, (
        f"Left: twelve paths of the point at noise {sigma} with chunks of {length}. Right: exact value "
        "against noise for chunk lengths 1, 2, 5, 10, with simulated dots on the lines; all meet at "
        "noise 0."
    )


show(*draw_point())
explore(draw_point, sigma=("noise", SIGMAS, 0.2), length=("chunk length H", CHUNKS, 5))

# %% [markdown]
# The same picture as in the maze: without noise the lines meet, with noise a longer chunk costs more, and the dots of your executor (eight repetitions, 95 % intervals) lie on the exact lines.
#
# So why would anybody use chunks? Simulated robots are nearly deterministic, so the cost is small there. What chunks buy is in the next lessons: value that travels $H$ steps a backup (02), behavior that one action at a time cannot imitate (03), exploration that keeps its direction (05).
#
# ## 5. A dataset of chunks
#
# Offline RL starts from episodes that somebody recorded. To learn about chunks, you cut them up.
#
# From an episode $s_0, a_0, r_0, s_1, \dots, s_T$ with $T$ steps, a chunk that starts at $t$ has
#
# - its actions $a_t, \dots, a_{t+H-1}$, zero where the episode is over,
# - `valid`: 1 for each step that exists, 0 after the end,
# - its return $\sum_k \gamma^k r_{t+k}$ over the steps that exist,
# - its bootstrap observation $s_{t+H}$, or the last one, $s_T$, if the episode ends earlier.
#
# At which $t$ do chunks start? Descriptions of the method often say $t = 0, H, 2H, \dots$: **stride H**. The published method starts one at every $t$: **stride 1**; its chunks overlap. Only *execution* is bound to every $H$-th step.
#
# ### Your turn: `chunk_dataset` (★★★, 15 minutes)
#
# <details><summary>Hint 1: one chunk first</summary>
#
# Take a start `t` near the end of the episode, and count on paper: how many of the chunk's $H$ steps exist? Call that number `m`. Everything else about this chunk follows from `t` and `m`.
# </details>
# <details><summary>Hint 2: what follows from t and m?</summary>
#
# The steps that exist are a slice of `actions` and of `rewards`; the rest of an array of zeros stays as it is. The discount counts from the start of the chunk, not of the episode. And with $T + 1$ observations, there is always one after the last step that exists.
# </details>
# <details><summary>Hint 3: and all chunks?</summary>
#
# A loop over the starts that appends to five lists will do, with `np.array` at the end. Without a loop: make a table (M, H) of step numbers. Which of them exist? Pull the others back inside before you index, and multiply what you read there by `valid`.
# </details>

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
        bootstrap_observation: (M, S).
    """
    ### BEGIN SOLUTION
    total = len(actions)
    starts = np.arange(0, total, stride)
    steps = starts[:, None] + np.arange(length)  # (M, H)
    valid = (steps < total).astype(float)
    steps = np.minimum(steps, total - 1)
    chunks = actions[steps] * valid[:, :, None]
    returns = np.sum(valid * discount ** np.arange(length) * rewards[steps], axis=1)
    bootstrap_observation = observations[np.minimum(starts + length, total)]
    return starts, chunks, returns, valid, bootstrap_observation
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_dataset", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
chunk_dataset = checks.check_chunk_dataset(chunk_dataset)

# %% [markdown]
# Here is what you cut, for an episode of 11 steps and $H = 4$. Each row is a chunk; a filled square is a step that exists. With stride 4 three chunks come out, with stride 1 eleven, from the same data.

# %%
episode = np.zeros((12, 1)), np.zeros((11, 1)), -np.ones(11)
figure, panels = plots.new_figure(2, width=4.6, height=3.4)
for axes, stride in zip(panels, (4, 1), strict=True):
    starts, _, _, valid, _ = chunk_dataset(*episode, 4, 0.99, stride)
    for row, (start, mask) in enumerate(zip(starts, valid, strict=True)):
        for k, exists in enumerate(mask):
            colour = "#0072B2" if exists else "none"
            axes.add_patch(Rectangle((start + k, row), 0.9, 0.8, facecolor=colour, edgecolor="0.6"))
    axes.axvline(11, color="#D55E00")
    axes.set(xlabel="step (orange: end of the episode)", ylabel="chunk", xlim=(0, 15), ylim=(11, 0))
    axes.set_title(f"stride {stride}: {len(starts)} chunks, {int(valid[:, -1].sum())} whole")
    axes.grid(False)
show(
    figure,
    "Chunks of four steps cut from an episode of eleven, as rows of squares. Stride 4 gives three "
    "chunks, two of them whole; stride 1 gives eleven overlapping chunks, eight whole. Steps after the "
    "end are empty squares.",
)

# %% [markdown]
# A chunk that is not whole still teaches *behavior cloning* what to do at the steps that exist. The *critic* takes whole chunks only: it is asked about $H$ actions, and the missing ones were never chosen. (Even where the goal ended the episode, and the return is complete. Lesson 02 shows what that costs.) The bootstrap observation of a cut chunk is there so that all arrays have the same shape.
#
# The library does the same on millions of rows, sampled on the device inside the compiled training step. The next cell shows that it stores every observation once, with one more row for the last observation, and that its chunks are yours. `masks` would be 0 at a terminal state, and `episode_ends` marks the last row of each episode; this episode was merely cut.

# %% tags=["nbval-check-output"]
env = PointEnv(sigma=0.2)
rng = np.random.default_rng(0)
path, pushes, earned = [env.reset(seed=0)[0]], [], []
for _ in range(11):
    pushes.append(rng.uniform(-1, 1, 1))
    observation, reward, *_ = env.step(pushes[-1])
    path.append(observation)
    earned.append(reward)
path, pushes, earned = np.array(path), np.array(pushes), np.array(earned)

pad = lambda rows: np.concatenate([rows, np.zeros_like(rows[:1])])  # the last observation has no action
ends = np.arange(12) == 11
data = build_dataset(path, pad(pushes), pad(earned), masks=np.ones(12), episode_ends=ends, stride=1)
library = all_chunks(data, 4, 0.99)
starts, chunks, returns, valid, bootstrap = chunk_dataset(path, pushes, earned, 4, 0.99, 1)
print("rows in memory:", len(data.observations), "  chunks:", len(data.starts))
print("the same starts: ", np.array_equal(data.starts, starts))
print("the same chunks: ", np.allclose(library.actions, chunks) and np.allclose(library.valid, valid))
print("the same returns:", np.allclose(library.returns, returns, atol=1e-5))
print("the same bootstrap observations:", np.allclose(library.bootstrap_observation, bootstrap))

# %% [markdown]
# ## 6. When data mislead a critic of chunks
#
# So far the chunked MDP was known. A critic learns it from data: it averages what followed each chunk *in the data*. Is that what follows when you execute the chunk?
#
# Take a coin. From the start, action 0 aims at the left room and action 1 at the right one; `noise` is the probability of landing in the other. In the left room action 0 earns 1, in the right room action 1 does; the other earns 0. Then it is over. With a discount of 0.9, the reward of the second step is worth 0.9 at the start.
#
# Somebody who *looks* recorded the data: they see the room and always choose the right action. So in the data, **every** chunk earns 1. The chunk (0, 1), for instance, appears only when the agent slipped to the right. A critic of chunks believes all four equal, worth 0.9 each, because the chunk itself *tells* which room it was. (Rewards are measured with a small error, of standard deviation 0.1.)
#
# $$ \underbrace{p(s_2, r \mid s_0, a_0, a_1;\ \text{behavior})}_{\text{what the data show}} \;\ne\; \underbrace{\bar p(s_2, r \mid s_0, a_0, a_1)}_{\text{what executing gives}} $$
#
# In words: what followed a chunk *in the data of one who looks* need not be what follows when it is executed blindly.
#
# **Question 2.** For which of these would the critic's value be right all the same, given very much data? (a) The noise is 0. (b) The recorder looked once, chose both actions blindly, and executed them. (c) There is very little noise, 1 %. Answer before you run the experiment.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_misled", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# (a) Right: nothing is left to see inside the chunk, so looking tells the recorder nothing that the chunk does not already determine. The chunks (0, 1) and (1, 0) have no data at all then, and an agent that avoids what it has no data for is safe. (b) Right: the actions carry no information about the room. (c) Wrong, and more data do not help: the chunks that were chosen after a slip are rare, but each of them looks perfect. An agent for which all four chunks look equal may execute (0, 1), which earns something only when it slips: 0.9 x 0.01 at a noise of 1 %. The rarer the slip, the larger the error of that belief.

# %%
def coin(noise, discount=0.9):
    """States: start, left room, right room, end. Two actions."""
    transitions, rewards = np.zeros((4, 2, 4)), np.zeros((4, 2))
    transitions[0, 0, [1, 2]] = transitions[0, 1, [2, 1]] = 1 - noise, noise
    transitions[1:, :, 3] = 1
    rewards[1, 0] = rewards[2, 1] = 1
    return mdp.TabularMDP(transitions, rewards, discount)


def learn_and_execute(noise, looks, repeat, episodes=400):
    """Fits a critic of chunks; what its greedy chunk is believed to earn, and what it earns."""
    rng = np.random.default_rng(repeat)
    first = rng.integers(2, size=episodes)
    room = np.where(rng.random(episodes) < noise, 1 - first, first)
    second = room if looks else rng.integers(2, size=episodes)
    reward = (second == room) + 0.1 * rng.normal(size=episodes)  # measured with a little error
    chunk = 2 * first + second
    q = np.array([0.9 * reward[chunk == c].mean() if np.any(chunk == c) else -np.inf for c in range(4)])
    return q.max(), mdp.chunked(coin(noise), 2).rewards[0, q.argmax()]


COIN_NOISES = np.array([0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5])
coin_runs = shorten(200, fast=30)
best = [mdp.chunked(coin(noise), 2).rewards[0].max() for noise in COIN_NOISES]

figure, panels = plots.new_figure(2)
said = []
for axes, looks in zip(panels, (True, False), strict=True):
    runs = [[learn_and_execute(n, looks, repeat) for n in COIN_NOISES] for repeat in range(coin_runs)]
    believed, earned = np.moveaxis(np.array(runs), 2, 0)  # each (repeats, noises)
    plots.band(axes, COIN_NOISES, believed, "the critic believes", "#D55E00", "s", "--")
    plots.band(axes, COIN_NOISES, earned, "executing earns", "#0072B2", "o")
    pair = [f"{values.mean(axis=0)[1]:.2f}" for values in (believed, earned)]
    said.append(f"{'Left' if looks else 'Right'}, at 1 percent noise: {pair[0]} and {pair[1]}")
    axes.plot(COIN_NOISES, best, color="0.4", linewidth=1, linestyle=":", label="best possible open loop")
    axes.set(xlabel="noise", ylabel="discounted reward", ylim=(0, 1.05))
    axes.set_title("the recorder looks" if looks else "the recorder does not look")
    axes.legend(loc="lower left", fontsize=8)
show(
    figure,
    "Reward against noise, left for a recorder who looks and right for one who does not: what the critic "
    f"believes and what executing its chunk earns. {'. '.join(said)}.",
)

# %% [markdown]
# Left: the recorder looked. At every noise the critic believes in 0.9 or a little more. What its greedy chunk earns drops to 0.3 at a noise of only 1 %, where an open-loop agent *could* have 0.89. The rare chunks do it: each was recorded a few times only, each time successfully, so the error of measurement makes the luckiest of them look best, and when executed it fails almost always. Right: the recorder did not look, and what is earned is the best possible; the belief is up to a tenth too high, because a maximum over noisy estimates always is. (Mean over 200 datasets of 400 episodes, with 95 % intervals.)
#
# So (a) is right: nothing is left to see inside the chunk. (b) is right, up to that maximum. (c) is wrong: the chunks that were chosen after a slip are rare, and each of them looks perfect.
#
# Very much data do not help with (c). With 100,000 episodes instead of 400 the next cell prints what the greedy chunk earns at 1 % noise. And `mdp.observed_chunked` computes what infinitely much data would show: wherever there is noise, four equal beliefs. (At noise 0 the chunks (0, 1) and (1, 0) never occur; the function then keeps their true rows.)

# %%
much = [learn_and_execute(0.01, True, repeat, episodes=100_000)[1] for repeat in range(coin_runs)]
mean, low, high = mean_interval(np.array(much))
print(f"100,000 episodes, noise 0.01: earns {mean:.2f} [{low:.2f}, {high:.2f}], {coin_runs} repetitions")

# %% tags=["nbval-check-output"]
recorder = np.array([[0.5, 0.5], [1, 0], [0, 1], [0.5, 0.5]])  # looks: the right action in each room
for noise in (0.0, 0.01, 0.1, 0.5):
    believed = mdp.observed_chunked(coin(noise), recorder, 2).rewards[0]
    true = mdp.chunked(coin(noise), 2).rewards[0]
    print(f"noise {noise}, chunks 00 01 10 11:  believed {believed.round(2)}  true {true.round(2)}")

# %% [markdown]
# This is the honest small print of chunked critics: they are right about data that are *consistent with open loop*, which means that the recorder did not react, inside the chunk, to what happened there. A deterministic world always meets this, since the chunk determines what happens. A noisy world with a recorder who looks does not, even if the noise is small.
#
# How much that costs depends on the world. Here more data do not help. In the maze of lesson 02 the beliefs stay wrong, too, but with 10,000 episodes and more the choices are about as good as those from blind replays.
#
# OGBench's simulated robots are nearly deterministic. Its scripted recorders do look, so keep this page in mind when noise enters.
#
# ## Summary
#
# - A chunked MDP is an MDP: $(S, A^H, \bar r, \bar p, \gamma^H)$. Everything you know about MDPs applies.
# - Without noise, open loop costs nothing. With noise it costs value, more for longer chunks.
# - Chunks may start at every step of an episode. Steps after its end are masked; critics take whole chunks only.
# - A critic of chunks is right if the data are consistent with open loop; one that learned, in a noisy world, from somebody who looks may be wrong.
#
# ## Quiz
#
# 1. The discount is 0.99 and $H = 5$. By what is the value of the next chunk multiplied?
# <details><summary>Answer</summary>0.99<sup>5</sup> = 0.951.</details>
#
# 2. An episode has 100 steps. How many chunks of 5 does stride 1 give, how many stride 5, and how many of each are whole?
# <details><summary>Answer</summary>100 and 20; whole are 96 and 20.</details>
#
# 3. A colleague finds that her robot with chunks of 10 is worse than with chunks of 1, and concludes that the critic is broken. What would you measure first?
# <details><summary>Answer</summary>How noisy the robot is: execute the same chunk from the same state many times and see how far apart it ends. With noise, open loop costs value even for a perfect critic.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 3.
# - R. Sutton, D. Precup, S. Singh, *Between MDPs and semi-MDPs*, Artificial Intelligence 112 (1999): chunks are options that last exactly $H$ steps and look at nothing.
#
# **Next:** [02 · Backups](02_backups.ipynb): one step, n steps, or a chunk. Who is fast, and who is right?
