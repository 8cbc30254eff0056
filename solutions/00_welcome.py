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
# # 00 · Welcome: an agent that acts in chunks
#
# This course teaches one idea: a reinforcement-learning agent chooses several actions at once, a *chunk*, and its *critic* (a network that values actions) values whole chunks.
#
# **Names.** The course calls this method **Q-LAC**: Q-learning with action chunking. [The paper](https://arxiv.org/abs/2507.07969) calls the idea Q-chunking and has two variants. In **QC-FQL**, a network proposes one chunk. In **QC**, the critic picks the best of several proposed chunks. You will have built both by the end of lesson 04.
#
# **You need** Python, NumPy, and the basics of RL (MDPs, Q-learning). *Offline* learning uses recorded data only; *online* learning also acts. **Time** about 45 minutes; two minutes on two cores to run.

# %%
import numpy as np

from qlac_lite.lessons import drawings_of_looks, experiment, lite_agents, pauses, shorten, show
from qlac_lite.lessons.checks import lesson00 as checks
from qlac_lite.lessons.sliders import explore
from qlac_lite.reports import films
from qlac_lite.training.policy import course_policy

# %% [markdown]
# The first cell printed your versions, the device (`cpu` is fine for every lesson) and the renderer. If the renderer is `none`, you see sketches instead of films. If a package is `missing`, install again: `make lab` in the course's folder, or the first cell on Colab.
#
# ## 1. Watch it work
#
# This robot arm was trained with QC-FQL. It has to carry the red cube to the darker cube in the blue ring. There the red cube turns grey.

# %%
policy = course_policy()
filmed = films.film_episode(policy.actor, policy.params, policy.config, policy.seed, episode=4, size=320)
film = drawings_of_looks.close_up(filmed)
title = f"{'solved' if film.success else 'not solved'} in {len(film.effector) - 1} steps"
show(
    films.strip(film, title),
    "Six moments: the arm reaches for the cube, grasps it, lifts it and carries it into the ring.",
)

# %% [markdown]
# To **look** means to read the state of the world and decide what to do next. An ordinary agent looks before every step, so in 49 steps it looks 49 times.
#
# **Predict:** how often did this agent look?
#
# In the film, a white dot and a short stop mark each look.

# %%
if film.pictures:
    show(films.gif(film), "The arm carries the cube into the ring; a white dot shows when it looks.")
else:
    print("No renderer here: see the sketches above.")
show(*drawings_of_looks.film_at(film, 25))
steps = list(range(len(film.effector)))
explore(lambda step: drawings_of_looks.film_at(film, step), step=("step", steps, 25))

# %% [markdown]
# Run the cell, and a slider appears. Drag it to step through the episode. Grey lines mark the looks.
#
# At each look the agent chooses five actions: a chunk of length $H = 5$. It executes all five **open loop**: without looking.

# %%
show(*drawings_of_looks.timeline(5))
explore(drawings_of_looks.timeline, length=("chunk length H", [1, 2, 3, 5, 10, 15], 5))

# %% [markdown]
# | symbol | in code | meaning |
# |---|---|---|
# | $s_t$, $a_t$, $r_t$ | `observation`, `action`, `reward` | state, action and reward at step $t$ |
# | $H$ (the paper's $h$) | `length`, `chunk_length` | steps in a chunk |
# | $\mathbf a_t = (a_t, \dots, a_{t+H-1})$ | `chunk` (H, A) | a chunk of actions; $A$ is the size of one action |
#
# With $H = 1$ the agent looks before every step. With longer chunks it looks less often, and it cannot react to what happens inside a chunk. (We picked the film, one success of one agent: it shows what an agent *can* do, not how often.)
#
# ### Your turn: `decision_steps` (★☆☆, 3 minutes)
#
# An exercise is a function with a gap, and the cell below it is its check. Run both: the check says *not attempted yet*, and the lesson goes on with the library's own function. Then replace `raise NotImplementedError()` with your line and run both again. Make a mistake on purpose, too.
#
# <details><summary>Hints look like this. Open me.</summary>
#
# `np.arange(start, stop, step)` stops before `stop`.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/00_welcome.ipynb)

# %% nbgrader={"grade": false, "grade_id": "decision_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decision_steps(steps, length):
    """The steps at which an agent looks.

    Args:
        steps: how many steps the episode has; they are numbered 0 .. steps - 1.
        length: H, the steps of a chunk.

    Returns:
        Array of step numbers: 0, length, 2 length, ... as long as a step is left.
    """
    ### BEGIN SOLUTION
    return np.arange(0, steps, length)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_decision_steps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
decision_steps = checks.check_decision_steps(decision_steps)

# %% [markdown]
# A check that refuses an answer shows **the case** that failed, what it **expected**, what it **got**, and what to do **next**. If your answer matches a known mistake in every case, the check also says which mistake is **likely**; if not, it looks for a small slip in a right answer that gives the **same** numbers. Here somebody counted from 1:
#
# ![The check of decision_steps refuses an answer: case 6 steps, chunks of 1; expected 0 to 5, got 1 to 5; likely, it counts from 1, in steps of the chunk's length; next, the first look is at step 0](../docs/pictures/check-light.png)
#
# After a failed check, `case = checks.last_case()` gives you the inputs of that case by name, so you can call your function on them.
#
# Does your function describe the film?

# %% tags=["nbval-check-output"]
mine = decision_steps(len(film.effector) - 1, policy.config.chunk_length)
print(f"{len(mine)} looks:", mine)
print("as in the film:", np.array_equal(mine, film.looks))

# %% [markdown]
# ## 2. Why act without looking?
#
# Robots that imitate people have a problem: people **pause**. In a camera picture, "still waiting" and "about to go on" look the same.
#
# Here is the smallest world with that problem. Demonstrators walk from cell 0 to cell 10. A move is 1 (a step) or 0 (a wait).

# %%
show(*pauses.draw_walks())

# %% [markdown]
# A **clone** sees only its cell. It does what the demonstrators did *most often* there. With chunks, it takes the most frequent chunk of $H$ moves that begins at its cell, and executes it open loop.
#
# **Predict:** what does the clone do at cell 5 with $H = 1$? For which $H$ does it reach cell 10?
#
# ### Your turn: `most_frequent_chunks` (★★☆, 12 minutes)
#
# Build the clone: a table whose rows are the chunks for cells 0 to 9.
#
# <details><summary>Hint 1: what to keep</summary>
#
# Ten dictionaries, one for each cell. A key is a chunk, as a tuple. Its value is its count. In each walk keep track of the cell: 0 at first, then it grows by each move.
# </details>
#
# <details><summary>Hint 2: which chunks to count</summary>
#
# Count one chunk at *every* step of a walk that has $H$ moves left, even while it waits. Chunks overlap. Walks go on past cell 10, so the last chunks are whole; leave out the cells there.
# </details>
#
# <details><summary>Hint 3: which of two equally frequent chunks to take</summary>
#
# The one that appears first in the data, walk by walk, even if the other reached that count first.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/00_welcome.ipynb)

# %% nbgrader={"grade": false, "grade_id": "most_frequent_chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def most_frequent_chunks(walks, length):
    """The chunk that the data show most often at each of the cells 0 to 9.

    Of equally frequent ones it is the one seen first.

    Args:
        walks: a list with the moves (T,) of each walk, 0 or 1; T differs. Each begins at cell 0. It may go
            on past cell 10, where no chunk counts.
        length: H.

    Returns:
        (10, H) array: row c is the chunk for cell c.
    """
    ### BEGIN SOLUTION
    # a dictionary for each cell: chunk -> count
    counts = [{} for _ in range(10)]
    # each walk begins at cell 0
    for moves in walks:
        cell = 0
        for t in range(len(moves) - length + 1):
            # the chunk that begins here, while it is before the goal
            if cell < 10:
                chunk = tuple(moves[t : t + length])
                counts[cell][chunk] = counts[cell].get(chunk, 0) + 1
            cell += moves[t]
    # `max` takes the first of the largest, and a dictionary keeps the order in which keys came
    return np.array([max(count, key=count.get) for count in counts])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_most_frequent_chunks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
most_frequent_chunks = checks.check_most_frequent_chunks(most_frequent_chunks)

# %% [markdown]
# Now let the clones walk. Each of 100 clones has its own 20 demonstrations, and fails if it has not arrived after 60 moves.

# %%
show(*pauses.draw_arrivals(most_frequent_chunks, {"clones": checks.walk_clone}))

# %% [markdown]
# With single actions no clone ever arrives. With chunks of 7 or more, nearly all do. Only the chunk length has changed.
#
# Why 7? At cell 5 the chunk that only waits competes with chunks that wait and then go. Count them:

# %%
show(*pauses.draw_rivals())

# %% [markdown]
# Take $H = 7$. Every pause lasts at least three steps, so every demonstration shows the chunk "three waits, then four steps" exactly once. It shows "seven waits" once for each place where they fit into its pause. The longer the chunk, the fewer places. (Chunks that go after fewer than three waits are as frequent, but "three waits" is seen first.)
#
# In this set waiting still wins at 6, by 24 to 20. In others it loses: 47 of 100 clones arrive with chunks of 6. (The clone on the right above waits five times, not three: the chunk before already ended in two waits.)
#
# (The length you need depends on the pauses. The robot's $H = 5$ does not come from this example.)
#
# ## 3. Bug hunt
#
# Somebody rewrote the clones' program. The demonstrations are the same. This is the result, and a row of the table that it uses:

# %%
show(*pauses.draw_hunt(most_frequent_chunks))
print("rewritten, chunks of 7, row 5:", most_frequent_chunks(pauses.demonstrations(0), 7)[5])

# %% [markdown]
# Three suspects:
#
# - (a) It makes wrong tables.
# - (b) It gives up too early: a patience of 60 moves is too short.
# - (c) It does not execute the chunks that it chooses.
#
# **Question.** What would you see if (a) were the cause, or (b), or (c)? Which fits?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_hunt", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# (c): row 5 says "three waits, then go", and the rewritten clone never goes.

# %% [markdown]
# <details><summary>What each suspect would show</summary>
#
# (a) The left panel could look like this. But a clone that waits for ever needs a row 5 of waits only, and row 5 goes after three. (b) Only clones that go on late would fail. But all fail, and the longest demonstration takes 18 steps. (c) The clone would do something that is not in its chunk. It does: so it is (c).
# </details>
#
# ### Your turn: `walk_clone` (★★☆, 10 minutes)
#
# Fix the broken walk. The check says whether you found the cause or changed something else.
#
# <details><summary>The broken walk (open it when you have answered the question)</summary>
#
# ```python
# def broken_walk(table, patience):
#     cells = [0]
#     while cells[-1] < 10 and len(cells) <= patience:
#         plan = list(table[cells[-1]])  # the chunk for the cell where it is
#         move = plan.pop(0)  # the next move of the plan
#         cells.append(cells[-1] + move)
#     return np.array(cells)
# ```
# </details>
#
# <details><summary>Hint 1: ask the code</summary>
#
# With chunks of 7, what are `plan` and `move` at cell 5? Which moves of the plan are made, and which never are?
# </details>
#
# <details><summary>Hint 2: what open loop means</summary>
#
# When may the clone look at its cell? What holds the rest of the plan until then?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/00_welcome.ipynb)

# %% nbgrader={"grade": false, "grade_id": "walk_clone", "locked": false, "schema_version": 3, "solution": true, "task": false}
def walk_clone(table, patience):
    """The cells that a clone visits: it executes whole chunks, move by move.

    Args:
        table: (10, H) of 0 and 1, the chunk for each cell.
        patience: the most moves that it makes.

    Returns:
        The cell at the start, 0, and after each move. The walk ends at cell 10, also inside a chunk.
    """
    ### BEGIN SOLUTION
    cells = [0]
    plan = []  # moves that are chosen and not yet made
    while cells[-1] < 10 and len(cells) <= patience:
        if not plan:  # only now it looks
            plan = list(table[cells[-1]])
        move = plan.pop(0)
        cells.append(cells[-1] + move)
    return np.array(cells)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_walk_clone", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
walk_clone = checks.check_walk_clone(walk_clone)

# %%
show(*pauses.draw_arrivals(most_frequent_chunks, {"yours": walk_clone}))

# %% [markdown]
# With chunks of 7, the broken clone always planned to go after three waits, but looked again before it went. A real agent has the same bug if it chooses a chunk at every step and executes only its first action.
#
# ## 4. Train one yourself
#
# Clones only imitate. Q-LAC also learns which chunks are *good*. You can train it in a minute in the **lite world**: a gripper without an arm has to carry a puck through a gap in the wall and let go of it at the goal. Until then each step earns $-1$.
#
# The next cell trains eight agents with QC-FQL, each with its own random numbers (its *seed*). First come 1,000 updates on recorded *play*, in which a script that does not know the goal carries the puck to random places and often pauses (offline). Then come 5,000 steps in the world, with one update each (online). The cell prints nothing until it has finished.
#
# **Predict.** The agents start to act at update 1,000. At which update will they solve half of their episodes?

# %%
import jax

from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.training.jax_loop import lite_config, train_lite

WORLD = lite_world.LiteWorld(step=0.08)
config = lite_config("qc-fql", **shorten(
    dict(seeds=8, offline_steps=1000, online_steps=5000, evaluate_every=500),
    fast=dict(seeds=8, offline_steps=100, online_steps=100, evaluate_every=50, evaluation_episodes=4),
))
data = lite_play.record(WORLD, jax.random.key(0), 400, 125)
outcome = train_lite(config, WORLD, data)
show(*lite_agents.draw_training(config, WORLD, outcome))

# %% [markdown]
# Left: each agent (a thin line; online after the dots) plays 20 test episodes per point; the band is the 95 % interval of their mean. Right: where two of the agents, a color each, carry the puck in new episodes.
#
# For 3,000 updates almost nothing happens; lesson 02 explains why. Then success comes fast: at 4,500 it is above half. (Another processor rounds differently, so your curves may differ a little.)
#
# These runs cannot say whether *chunks* helped: that takes runs without chunks (lessons 04 and 09).
#
# ## 5. An experiment of your own
#
# You choose two settings that differ in one knob and write down a prediction. `experiment` then runs both and draws the differences, seed by seed. Here a seed is one of your eight agents. Each plays the same 25 new episodes in both settings, without learning.
#
# | knob | what it does | range |
# |---|---|---|
# | `execute` | how many actions of each chunk are executed before the next look | 1 to 5 |
# | `push` | how hard the gripper is pushed at random at each step, as a share of its largest speed | 0 to 1 |
#
# **The example.** In section 3 a clone that looked at every step never arrived. Does your agent fail like that? The prediction: it solves less with `execute=1`. Run it, then ask your own question: how many actions of a chunk are enough? Does looking more often help when the gripper is pushed (`push=0.5` in both settings)?

# %%
# Change me: the two settings, your prediction ("higher", "lower" or "no difference"), and your reason.
run = lite_agents.success_by_agent(config, WORLD, outcome.params, episodes=shorten(25, fast=2))
apart = experiment(
    run,
    one=dict(execute=1, push=0.0),
    other=dict(execute=5, push=0.0),
    predict="lower",  # it waits for ever where the data pause, as the clone did
    measure="success (%)",
)
for execute in (1, 5):  # for the example alone
    left = lite_agents.left_alone(config, WORLD, outcome.params, execute, episodes=shorten(25, fast=2))
    print(f"execute={execute}: the puck never moves in {left[0]} of {left[1]} failed episodes")

# %% [markdown]
# <details><summary>What the example shows</summary>
#
# The prediction holds: with a look at every step, seven of eight agents solve far fewer episodes. In our run the difference is -53 points [-81, -25]. The reason fits, too: with `execute=1` the puck never moves in 134 of 138 failed episodes, with `execute=5` in 12 of 32. (That fits waiting, but does not prove it.) These agents learned with chunks of 5, so this says nothing yet about *learning* with single actions (lesson 04).
# </details>
#
# ## What you have seen
#
# 1. A clone of single actions arrives in 0 of 100 cases; with chunks of 8 moves, in 100 of 100.
# 2. With the same chunks but a new look at every step, 0 of 100 arrive.
# 3. In the lite world QC-FQL solves almost nothing for 3,000 updates, and about 85 % of its episodes after 6,000 (mean of eight agents).
#
# Q-LAC brings chunks from imitation to RL. Three things speak for them:
#
# - value travels faster (lesson 02);
# - some behavior cannot be imitated one action at a time (03);
# - exploration keeps its direction (05).
#
# One speaks against them: nothing inside a chunk is corrected before it ends (01).
#
# ## The map
#
# | lesson | question |
# |---|---|
# | **01** chunked MDP | when do chunks cost nothing, and when do they cost value? |
# | **02** backups | how fast does value travel, and with what bias? |
# | **03** flow matching | how can a network imitate chunks? |
# | **04** FQL | how do critic and policy work together? You train Q-LAC |
# | **05** exploration | what makes a chunk coherent, and what is that worth? |
# | **06** offline to online | how do ten methods compare? |
# | **07** OGBench, **08** Robomimic | what does a full run need, and what gives a broken one away? |
# | **09** ablations | which part of the method does what? |
# | **10** beyond, **11** causes | what came after the method, and why do chunks help? |
#
# Every lesson runs with nothing filled in, in under 3 minutes on two cores.
#
# ## Quiz
#
# 1. An agent with $H = 5$ acts for 198 steps. How often does it look?
# <details><summary>Answer</summary>40 times; after the last look only three steps are left.</details>
#
# 2. Why does a clone of single actions wait for ever, although every demonstrator went on?
# <details><summary>Answer</summary>At cell 5 waiting is the most frequent action, and the cell does not say how long the clone has waited.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969).
# - T. Zhao, V. Kumar, S. Levine, C. Finn, *Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware* (ALOHA, ACT), [arXiv 2304.13705](https://arxiv.org/abs/2304.13705).
# - S. Park and others, *OGBench: Benchmarking Offline Goal-Conditioned RL*, [arXiv 2410.20092](https://arxiv.org/abs/2410.20092): the cube task.
#
# **Next:** [01 · The chunked MDP](01_chunked_mdp.ipynb).
