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
# # 05 · How chunks explore, and what that is worth
#
# How do agents with chunks explore, and what is that worth?
#
# **You will be able to** measure how coherently and how widely an agent moves; notice when a measure favours one side; build a control that keeps the distribution of each step and makes the steps independent; say what coherency does and does not tell about success.
#
# **You need** [lesson 03](03_flow_matching.ipynb): clones that dither; [lesson 04](04_fql.ipynb): QC, the best of $N$ chunks. **Time** about 85 minutes to work through; 2 to 3 minutes on two cores to run.
#
# ## 1. Guess first
#
# The world is the lite world of lesson 04. A gripper has to reach a puck, close on it, carry it through a gap in a wall, and let it go at the goal. It *takes the puck* if it holds it at any of the 100 steps of an episode. It *solves* the task if it lets the puck go at the goal. Two grippers are clones of play data from this world, trained by lesson 03's flow matching. They have never seen a reward. One draws a new action at every step. The other draws a chunk of five actions, executes them all, and only then looks again. Here are 40 steps of each, from the filled dot to the open one. (Lots were drawn for the letters. In this episode the difference of their mean distances after five steps is the median of all episodes.)

# %%
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from qlac_lite.lessons import drawings_of_exploration as draw
from qlac_lite.lessons import experiment, shorten, show
from qlac_lite.lessons import explorers as world
from qlac_lite.lessons.checks import lesson05 as checks

EPISODES = shorten(16, fast=3)
single, whole = world.clones(1, 5)  # eight of each; this takes a while
clones = {"single steps": single, "whole chunks": whole}
played = world.play_all(clones | {"random, held": world.random_held()}, EPISODES)
show(*draw.two_paths(played["single steps"], played["whole chunks"]))

# %% [markdown]
# **Question 1.** Which gripper has the chunks? Which one is further away after five steps, which one sees more of the world in an episode, and which one takes the puck more often? A third explorer draws a *random* action and holds it for five steps. How will it do?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_paths", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** A has the chunks: five steps that were drawn together go one way. So it gets further in five steps, and sees more. Both clones learned from the same data to go to the puck and close; we expect A to take it somewhat more often. A held action is the straightest of all, but nothing leads it to the puck.

# %% [markdown]
# ## 2. Two measures
#
# | symbol | in code | meaning |
# |---|---|---|
# | $E$, $T$ | axes | episodes, steps of an episode |
# | $p_{e,t}$ | `positions` (E, T+1, 2) | places of the gripper in $[-1, 1]^2$, the start included |
#
# **Coherency** is the paper's measure (Q-chunking, the first of the references). Record the place at every fifth step, and take the mean distance between neighbouring records:
#
# $$ \text{coherency} = \frac{1}{E \lfloor T/5 \rfloor} \sum_{e=1}^{E} \; \sum_{j=0}^{\lfloor T/5 \rfloor - 1} \big\| p_{e,5(j+1)} - p_{e,5j} \big\|_2 $$
#
# In words: how far has it come after five steps, whatever it did on the way? Steps that agree add up. Steps to and fro cancel.
#
# **Coverage** asks where it has been. Lay a grid of `cells` times `cells` squares over the world, and take the share of them that an episode visits.
#
# ### Your turn: `explored` (★★☆, 12 minutes)
#
# Plain NumPy. If the check refuses an answer, `case = checks.last_case()` gives you the inputs that failed.
#
# <details><summary>Hint: different cells</summary>
#
# `np.unique(rows, axis=0)` of an array of pairs keeps each pair once. A loop over episodes is fine.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/05_exploration.ipynb)

# %% nbgrader={"grade": false, "grade_id": "explored", "locked": false, "schema_version": 3, "solution": true, "task": false}
def explored(positions, every, cells):
    """Coherency and coverage of some episodes; two numbers.

    1. Keep every `every`-th place, from step 0 on. Steps after the last of them are left out.
    2. coherency: the mean length of the moves between neighbours, over all episodes.
    3. Number the cells along each axis: floor((x + 1) / 2 * cells). A border belongs to the
       higher number; but x = 1 belongs to the last cell.
    4. coverage: the share of the cells * cells cells that an episode visits; all places
       count, each cell once. Take the mean over episodes.

    Args:
        positions: (E, T + 1, 2), each place in [-1, 1]^2.
        every: steps between two records.
        cells: cells along each axis.

    Returns:
        coherency, coverage
    """
    ### BEGIN SOLUTION
    places = positions[:, ::every]
    moves = np.diff(places, axis=1)
    coherency = np.linalg.norm(moves, axis=-1).mean()
    number = np.floor((positions + 1) / 2 * cells)
    number = np.clip(number, 0, cells - 1)
    shares = []
    for episode in number:
        visited = np.unique(episode, axis=0)
        shares.append(len(visited) / cells**2)
    return coherency, np.mean(shares)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_explored", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
explored = checks.check_explored(explored)

# %%
coherent, covered, took = {}, {}, {}
for name, found in played.items():
    coherent[name], shares = world.by_seed(lambda places: explored(places, 5, world.CELLS), found).T
    covered[name], took[name] = 100 * shares, found.took_puck()
found = {"coherency (every 5th place)": coherent, "coverage (%)": covered, "took the puck (%)": took}
show(*draw.explorers(found))
for name in ("single steps", "random, held"):
    minus = draw.apart(took["whole chunks"], took[name], ".0f")
    print(f"took the puck, whole chunks minus {name}: {minus} points")

# %% [markdown]
# (Eight seeds: eight networks of each kind. Small dots are seeds, bars 95 % intervals of their mean. A printed difference is the mean over seeds, with its 95 % interval as [low, high].)
#
# Gripper A has the chunks. They are more coherent than single steps and cover more. That they also take the puck more often is not shown: -7 points [-22, 8]. The held random action is the most coherent of the three and covers the most, but takes the puck least. **Neither measure knows the task.**
#
# ## 3. Bug hunt: nearer after one more step
#
# Why five steps? A colleague takes the same measure for every number of steps from 1 to 20.

# %%
def her_distances(positions, longest):
    """Mean distance of places that are 1, 2, ..., longest steps apart: (longest,)."""
    distances = []
    for apart in range(1, longest + 1):
        places = positions[:, ::apart]
        moves = places[:, 1:] - places[:, :-1]
        length = np.linalg.norm(moves, axis=-1)
        distances.append(length.mean())
    return np.array(distances)


curves = lambda measure: {name: world.by_seed(lambda p: measure(p, 20), played[name]) for name in clones}
hers = curves(her_distances)
show(*draw.distances(hers))

# %% [markdown]
# The blue curve jumps up at 5 and at 10, and falls after both. After six steps this gripper is *nearer* to where it was than after five.
#
# **Question 2.** (a) Could the gripper really move like that? What would it have to do? (b) Why does the orange curve not jump? (c) Which line of her code makes the jumps?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_peaks", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) It would have to go back after its fifth step, and again after its tenth. (b) Five is the length of a chunk, and single steps have none. (c) `places = positions[:, ::apart]`. With `apart` = 5 every pair holds one chunk, whole. With 6 the pairs begin at step 0, 6, 12, ...: anywhere in a chunk.

# %% [markdown]
# ### Your turn: `mean_distances` (★★☆, 8 minutes)
#
# Write her function again, mended. If your change misses the cause, the check says why.
#
# <details><summary>Hint</summary>
#
# Which pairs of steps are 5 apart in an episode of 100 steps? How many of them does her code use?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/05_exploration.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mean_distances", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_distances(positions, longest):
    """Mean distance of places that are 1, 2, ..., longest steps apart: (longest,).

    No step of a chunk is favoured: every pair of places counts once, whatever step it begins at.
    positions is (E, T + 1, 2), with T >= longest.
    """
    ### BEGIN SOLUTION
    distances = []
    for apart in range(1, longest + 1):
        moves = positions[:, apart:] - positions[:, :-apart]  # from every step on
        length = np.linalg.norm(moves, axis=-1)
        distances.append(length.mean())
    return np.array(distances)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mean_distances", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mean_distances = checks.check_mean_distances(mean_distances)

# %%
mended = curves(mean_distances)
show(*draw.distances(mended))
for name, found in {"hers": hers, "mended": mended}.items():
    chunks, steps = (found[of][:, 4] for of in ("whole chunks", "single steps"))
    lead = draw.apart(chunks, steps, ".3f")
    print(f"{name:6}: chunks {chunks.mean():.3f}, single steps {steps.mean():.3f}, lead {lead}")
held = world.by_seed(lambda places: mean_distances(places, 5)[-1], played["random, held"])
print(f"mended: random, held {held.mean():.3f}")

# %% [markdown]
# The cause was `positions[:, ::apart]`: with `apart = 5` each pair holds exactly one chunk, and with 6 most hold parts of two. Single steps have no chunks. The lead of chunks is real, but smaller than it looked, and not a matter of speed: single steps move no less far in one step (left end). The held random action stays far ahead. (The paper, too, has chunks of five and records every fifth place, so its measure may flatter chunks.) From here on, **coherency** is that of your mended function; figures say "all pairs".
#
# ## 4. What makes chunks coherent?
#
# A clone of chunks differs from one of single steps in three ways. The steps of a chunk are *drawn together*, so the fourth fits the first. They are *executed without looking*. And *another network* proposes them. One loop serves all explorers from here on. At a decision, $N$ candidates are proposed with new noise, from a JAX `key` of that decision: an array (N, H, A) of chunks of $H$ actions with $A$ numbers each. The candidate with the largest value is taken (a clone proposes one, so $N = 1$), and its first $k$ actions (in code `keep`) are executed. Then comes the next decision.
#
# ### Your turn: `act_best_of_n` (★★★, 15 minutes)
#
# It is compiled: write it with `jnp`. A Python loop over a hundred decisions would take minutes to compile.
#
# <details><summary>Hint: the inner scan</summary>
#
# `step` has the form that a scan wants. What do you get from `jax.lax.scan(step, state, best[:keep])`?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/05_exploration.ipynb)

# %% nbgrader={"grade": false, "grade_id": "act_best_of_n", "locked": false, "schema_version": 3, "solution": true, "task": false}
def act_best_of_n(propose, value, step, state, key, decisions, keep):
    """Best-of-N acting as one jax.lax.scan over decisions, and one inside it over actions.

    1. One key for each decision: jax.random.split(key, decisions).
    2. In a decision: propose chunks, and take the one with the largest value.
    3. Its first `keep` actions go through `step`, one after the other.
    4. The state that a decision ends in is the next one's first state. It may be an array or a
       NamedTuple of arrays: carry it whole.
    5. Return the arrays that describe the state after each action, in order.

    Args:
        propose: propose(state, key) gives candidates (N, H, A).
        value: value(state, chunks) gives their values (N,).
        step: step(state, action (A,)) gives the new state, and an array (D,) that describes it.
        state: the first state.
        decisions, keep: Python ints; keep is from 1 to H.

    Returns:
        (decisions * keep, D)
    """
    ### BEGIN SOLUTION
    def decision(state, key):
        chunks = propose(state, key)
        q = value(state, chunks)
        best = chunks[jnp.argmax(q)]
        return jax.lax.scan(step, state, best[:keep])

    keys = jax.random.split(key, decisions)
    _, shown = jax.lax.scan(decision, state, keys)
    return shown.reshape(decisions * keep, -1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_act_best_of_n", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
act_best_of_n = checks.check_act_best_of_n(act_best_of_n)

# %% [markdown]
# ### A control that takes away one thing
#
# Choose $H$ chunks independently, **for the same state**. Take step 1 from the first, step 2 from the second, and so on:
#
# $$ \tilde a_i = a^{(i)}_i, \qquad i = 1, \dots, H $$
#
# In words: each step has the distribution that it had, and the chunk is executed without looking, as before. But now the steps are independent. That alone tells a mixed chunk from a whole one. (The formula counts from 1, code from 0.)
#
# ### Your turn: `mixed_chunk` (★★☆, 12 minutes)
#
# <details><summary>Hint: all keys at once</summary>
#
# Write a function that chooses one chunk with one key. `jax.vmap` of it takes all H keys, and gives (H, H, A).
# </details>
# <details><summary>Hint: the diagonal</summary>
#
# Two index arrays side by side are matched pair by pair: what is `x[i, i]` with `i = jnp.arange(H)`?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/05_exploration.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mixed_chunk", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mixed_chunk(propose, value, state, key, horizon):
    """A chunk whose steps are independent, as the only candidate: (1, H, A).

    1. Split the key into H keys.
    2. With each, propose chunks for this state and take the one with the largest value.
    3. Step i of the result is step i of the i-th chosen chunk.

    propose and value are those of act_best_of_n. It is compiled, too.
    """
    ### BEGIN SOLUTION
    def choose(key):
        chunks = propose(state, key)
        q = value(state, chunks)
        return chunks[jnp.argmax(q)]

    keys = jax.random.split(key, horizon)
    chosen = jax.vmap(choose)(keys)  # (H, H, A)
    i = jnp.arange(horizon)
    return chosen[i, i][None]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mixed_chunk", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mixed_chunk = checks.check_mixed_chunk(mixed_chunk)

# %% [markdown]
# Now you can go from whole chunks to single steps in three changes: mixed chunks (no longer drawn together); the chunks' network with $k = 1$, its first action only (it looks at every step, and never uses the later actions); single steps (another network). **Predict** at which of them coherency falls.

# %%
kinds = {
    "whole chunks": whole,
    "mixed chunks": world.mixed(whole, mixed_chunk),
    "first action only": whole._replace(keep=1),
    "single steps": single,
}
played = world.play_all(kinds, EPISODES, act_best_of_n)
coherency = lambda places: mean_distances(places, 5)[-1]
coherent = {name: world.by_seed(coherency, found) for name, found in played.items()}
took = {name: found.took_puck() for name, found in played.items()}
show(*draw.explorers({"coherency (all pairs)": coherent, "took the puck (%)": took}))
for one, other in [*itertools.pairwise(kinds), ("mixed chunks", "single steps")]:
    apart = draw.apart(coherent[one], coherent[other], ".3f"), draw.apart(took[one], took[other], ".0f")
    print(f"{one} minus {other}: coherency {apart[0]}, took the puck {apart[1]} points")

# %% [markdown]
# **This clone is coherent because its steps are drawn together.** Without that, coherency falls by 0.040 [0.038, 0.043]. Acting without looking, together with using the later steps, adds at most a little: mixed minus first action only is 0.003 [0.000, 0.007]. (The two are not separated, and may cancel.) With its first action only, the network of chunks is less coherent than single steps (-0.008 [-0.016, -0.001]). This is one clone in one world. That mixed chunks take the puck more often than whole ones is not shown (whole minus mixed: -12 points [-31, 6]). With the first action only, the puck is taken 47 points less often than with mixed chunks [31, 63]; section 7 looks for a reason.
#
# ## 5. With a critic: what is coherency worth?
#
# A clone does what the data do. An agent with a critic chooses. Here are eight agents of lesson 04's QC, with $N = 8$, after 1,000 updates on play and 3,000 steps online. Each acts in four ways, with the same flow and the same critic:
#
# - **whole chunks**: the best of 8, as it was trained;
# - **mixed chunks**: your control; each of the five chunks is the best of 8;
# - **first action only**: $k = 1$, and then the best of 8 new chunks;
# - **first action, held**: the first action of the best chunk, five times.
#
# Coherency is that of the first 30 steps, about as many as the task needs, so that it does not depend on success.
#
# **Question 3.** Order the four by coherency. If more coherency were enough for more success, how would the points lie in a plot of success against coherency? Which of the four do you expect to break that order?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_coherency", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** They would lie on a rising line: whole chunks and the held action on top, mixed chunks and the first action alone at the bottom. The held action should break it. It goes straight because it was made to, and it does not know when to turn, or when to close.

# %%
qc = world.agents()  # this takes a while
ways = {
    "whole chunks": qc,
    "mixed chunks": world.mixed(qc, mixed_chunk),
    "first action only": qc._replace(keep=1),
    "first action, held": world.held(qc),
}
acted = world.play_all(ways, shorten(50, fast=3), act_best_of_n)
start = lambda places: coherency(places[:, :31])
measured = {name: (world.by_seed(start, found), found.success()) for name, found in acted.items()}
show(*draw.coherency_and_success(measured))
for name, (coherent, solved) in measured.items():
    print(f"{name:18} coherency {coherent.mean():.3f}, solves {solved.mean():.0f} %")
pairs = [(name, "whole chunks") for name in list(ways)[1:]]
pairs += [("mixed chunks", "first action only"), ("first action, held", "mixed chunks")]
for one, other in pairs:
    (coherent, solved), (by_other, solved_by_other) = measured[one], measured[other]
    apart = draw.apart(coherent, by_other, ".3f"), draw.apart(solved, solved_by_other, ".0f")
    print(f"{one} minus {other}: coherency {apart[0]}, solves {apart[1]} points")

# %% [markdown]
# (Eight seeds, 50 episodes each.)
#
# **More coherency is not enough for more success.** The held action is more coherent than mixed chunks (0.022 [0.010, 0.035]) and solves fewer episodes: -33 points [-47, -18]. But it differs in more than its direction: the gripper, too, opens or closes for five steps, and the critic valued another chunk than the one that is executed.
#
# This does not say that coherency has no effect. With the first action only, coherency falls, and so does success. What mixing does to success is not settled: mixed minus whole is 4 points here [-12, 21], and was 16 [7, 25], *in favour of mixing*, in a first trial with 4,000 steps online, which we shortened to save time. And in this agent, unlike in the clone, drawing together is not everything: mixed minus first action only is 0.019 [0.010, 0.027], about half of the distance to whole chunks, and 22 points of success [10, 34]. Acting without looking may do that, or the later steps of a chunk. To find out what coherency does by itself, one would have to change it alone.
#
# ## 6. Do the data teach more?
#
# This experiment separates collecting from learning:
#
# 1. Train two agents on 50,000 transitions of play (**D**), one of single actions and one of chunks.
# 2. Let each collect 10,000 transitions *without learning*: **D1** with single actions, **D5** with chunks of five.
# 3. Train fresh agents, of both kinds, on D, on D + D1 and on D + D5, for 16,000 updates, and test them every 2,000. We fixed the measure before the runs: success *over the curve*, the mean of these eight tests.
#
# If chunks only *learn* better, both collections help a learner equally. If chunks *collect* better, D5 helps whoever learns from it. The pairs are FQL and QC-FQL, its variant with chunks, and BFN and QC, the best of $N$ single actions or chunks. Two controls: as many extra transitions of play (**P**), and D1 and D5 thinned out until both hold equally many solved episodes and steps at which a chunk can start (**M1**, **M5**). (Eight seeds.)
#
# **Predict:** is the collection of chunks more coherent? Does D5 teach more than D1? Than as much play?

# %%
show(*draw.collections())
for what, form in {"coherency": ".3f", "solved (points)": ".1f"}.items():
    for pair, both in draw.collected(what.split()[0]).items():
        print(f"collecting, {pair}, {what}:", draw.apart(*both, form))
for when, curve in {"at the end": False, "over the curve": True}.items():
    for what, values in draw.gains(curve).items():
        print(f"learning, {what}, solved {when} (points):", draw.apart(values, 0 * values, ".1f"))

# %% [markdown]
# - **Collecting.** QC's collection is more coherent than BFN's, and solved 30 points more of its episodes [21, 39]. QC-FQL's collection solved *fewer* than FQL's: -8 points [-15, -2]. Between their coherencies no difference is shown.
# - **Data that an agent collected on the task are worth far more than as much play:** 38 points over the curve [34, 42] and 60 at the end [53, 67]. As much play adds nothing that these runs show. (The agent's data start where the task starts. How much that makes, they do not say.)
# - **D5 minus D1** is not shown: -2 points over the curve [-7, 3], 8 at the end [-9, 25]. Matched, M5 is ahead of M1 at the end, 17 points [1, 33], and over the curve it is not: 2 [-4, 8]. One interval that leaves 0 out by a hair, on the measure that was not the fixed one, does not show that chunks collect what teaches more.
#
# ## 7. Your own experiment
#
# `world.try_out` trains a clone for each seed, lets it play 50 episodes, and measures it.
#
# | knob | values | what it is |
# |---|---|---|
# | `H` | 1 to 10 (5) | chunk length |
# | `keep` | 1 to `H` (`H`) | actions executed of each chunk |
# | `mix` | `False`, `True` (`False`) | whether the chunks are mixed |
# | `noise` | 0 to 1 (0.2) | size of the demonstrator's noise |
# | `smooth` | 0 to 0.95 (0.8) | how much of its noise stays from step to step |
# | `report` | `"took"`, `"coherency"`, `"coverage"` (`"took"`) | what is measured: % of episodes, lengths (all pairs), % of cells; the same on both sides |
#
# Do chunks of ten cover more than chunks of five? Does the lead of chunks (0.035 in section 3) vanish if the demonstrator trembles (`smooth=0`)? Our example: *does the network of chunks get worse at its first action the longer its chunks are?* Both sides execute the first action only; one network was trained on chunks of two, the other on chunks of five. In section 4 the network of chunks took the puck less often in this way than single steps (-41 points [-54, -29]), so we predict that two are better than five.

# %%
# Change me: one knob that differs, and your prediction before you run it. `measure` is only a label.
one, other, measure = dict(H=2, keep=1), dict(H=5, keep=1), "took the puck (%)"
difference = experiment(world.try_out, one, other, "higher", measure, shorten(8, fast=2))

# %% [markdown]
# It is as we predicted: 30.8 % against 9.5 %, a difference of 21.2 points [5.2, 37.3]. Since both look at every step, that is not the whole reason: the network of longer chunks has the worse first action. The run does not say why. The same 2,500 updates may be too few for longer chunks, or their first actions may often be a pause.
#
# ## Summary
#
# **How do agents with chunks explore, and what is that worth?** A clone with whole chunks sees more of the world than one with single steps, and gets further in five steps, because the steps of a chunk are drawn together; acting without looking was not enough for that. What that is worth is open: more coherency is not enough for more success. What an agent collects teaches far more than as much play; that chunks collect what teaches more is not shown.
#
# Three findings:
#
# 1. In five steps whole chunks of a clone move 0.118, single steps 0.083, and mixed chunks 0.078: whole minus mixed is 0.040 [0.038, 0.043].
# 2. A random action held for five steps is the most coherent of the explorers (0.218, whole chunks 0.118) and covers the most, and it takes the puck least often: whole chunks minus held is 36 points [22, 50].
# 3. An agent that holds the first action of its best chunk is more coherent than with mixed chunks (by 0.022 [0.010, 0.035]), but solves fewer episodes (-33 points [-47, -18]).
#
# <details><summary>Not shown</summary>
#
# | question | these runs |
# |---|---|
# | Do whole chunks take the puck more often than single steps? | -7 points [-22, 8] |
# | ... than mixed chunks? | -12 points [-31, 6] |
# | Does D5 teach more than D1? | -2 points [-7, 3] over the curve, 8 [-9, 25] at the end; matched 2 [-4, 8] and 17 [1, 33] |
# | Does coherency help if all else stays? | not separated |
# | Do chunks explore in this way elsewhere? | this is one small world; the paper reports coherency on its own tasks |
# </details>
#
# ## Quiz
#
# 1. A colleague reports that coherency doubled after she let the gripper move twice as fast. Has exploration become better?
# <details><summary>Answer</summary>One cannot tell. Coherency is a distance, so it doubles with the speed. Compare at equal speed, as at the left end of the curves in section 3.</details>
#
# 2. You shuffle the five steps of one chunk instead of mixing five chunks. What have you changed?
# <details><summary>Answer</summary>Step 1 now has the distribution of any step. And the steps are still not independent, since all five come from one draw; only their order is lost. So this control changes the wrong thing.</details>
#
# 3. Agent one covers 60 % of the plane in its first 1,000 steps, agent two 20 %. Which data would you rather learn from?
# <details><summary>Answer</summary>It depends on what lies in the 20 %. Look at what is rare and needed: here taking the puck, and the passage through a gap.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): coherency, measured early in the online phase.
# - W. Dabney, G. Ostrovski, A. Barreto, *Temporally-Extended ε-Greedy Exploration* (ICLR 2021), [arXiv 2006.01782](https://arxiv.org/abs/2006.01782): hold a random action for a random time.
#
# **Next:** [lesson 06](06_offline_to_online.ipynb), from offline to online.
