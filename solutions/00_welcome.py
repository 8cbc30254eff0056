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
# This course teaches one idea thoroughly: let a reinforcement-learning agent choose several actions at once, a *chunk*, and let its critic judge whole chunks. The method is called **Q-learning with action chunking** (Q-LAC here, published as Q-chunking: QC and QC-FQL). You will build it from the ground up, see where it wins, and see where it does not.
#
# **In this lesson you will** check your set-up, see what a chunk is, watch a trained agent move a cube, train one yourself, learn how exercises and checks work, and get the map of the course.
#
# **You need** Python and NumPy, and the basics of RL (MDPs, Q-learning). A *critic* is a network that values actions; *offline* learning uses recorded data alone, *online* learning acts as well. **Time** about 25 minutes; two minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $s_t$, $a_t$, $r_t$ | `observation`, `action`, `reward` | what is seen, done and earned at step $t$ |
# | $H$ (the paper's $h$) | `length`, `chunk_length` | steps in a chunk |
# | $\mathbf a_t = (a_t, \dots, a_{t+H-1})$ | `chunk` (H, A) | a chunk of actions; $A$ is the size of one action |
# | $\gamma$ | `discount` | discount of one step |

# %%
import numpy as np
from scipy import stats

from qlac_lite.lessons import shorten, show
from qlac_lite.lessons.checks import lesson00 as checks
from qlac_lite.lessons.sliders import explore
from qlac_lite.reports import films, plots
from qlac_lite.training.policy import course_policy

# %% [markdown]
# ## 1. Is everything there?
#
# The first cell printed one line: the versions, the device that JAX computes on, and the renderer. `cpu` is fine for every lesson; only runs at the paper's size want a GPU. If the renderer is `none`, you will see sketches in place of films, and nothing else is missing. If a package is `missing`, run `make lab` again; on Colab, run the first cell again.
#
# ## 2. What is a chunk?
#
# Fifteen steps of an agent's life, two ways. A dot is a look at the state. A bar is what is done without looking.

# %%
def draw_timeline(length=5, steps=15):
    figure, (axes,) = plots.new_figure(1, width=10.4, height=1.9)
    for t in range(steps):
        last = t % length == length - 1 or t == steps - 1
        axes.barh(0, 0.94 if last else 1.0, left=t, height=0.5, align="edge", color="#0072B2", alpha=0.85)
        axes.text(t + 0.47, 0.25, f"$a_{{{t}}}$", ha="center", va="center", color="white")
    for t in range(0, steps, length):
        axes.plot(t + 0.06, 0.85, "o", color="#D55E00", markersize=9)
        arrow = dict(arrowstyle="->", color="#D55E00")
        axes.annotate("", (t + 0.06, 0.52), (t + 0.06, 0.8), arrowprops=arrow)
    axes.text(steps + 0.2, 0.85, "looks", color="#D55E00", va="center")
    axes.text(steps + 0.2, 0.25, "acts", color="#0072B2", va="center")
    axes.set(xlim=(-0.2, steps + 1.2), ylim=(-0.05, 1.1), yticks=[], xlabel="step t")
    axes.set_xticks(range(0, steps + 1, 5))
    axes.set_title(f"H = {length}: it looks {-(-steps // length)} times in {steps} steps", fontsize=10)
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    often = "every step" if length == 1 else f"every {length} steps"
    alt = f"Timeline of {steps} actions. With chunks of {length} the agent looks {often}."
    return figure, alt


for length in (1, 5):
    show(*draw_timeline(length))
explore(draw_timeline, length=("chunk length H", [1, 2, 3, 5, 10, 15], 5))

# %% [markdown]
# Above, an ordinary agent ($H = 1$): look, act, look, act. Below, an agent with chunks of 5: it looks at $s_0$, chooses $a_0, \dots, a_4$ at once, and executes them **open loop**, without looking. Then it looks again.
#
# It seems foolish to close one's eyes. Three things speak for it, and each gets its lesson:
#
# 1. **Value travels faster** (lesson 02). A critic of chunks learns from five real rewards at a time.
# 2. **Some behavior cannot be imitated one action at a time** (lesson 03). You will see a small case below.
# 3. **Exploration keeps its direction** (lesson 05). A random chunk that looks like the data goes somewhere; five random actions tremble.
#
# And one against it: what goes wrong inside a chunk is not corrected before its end (lesson 01).
#
# ## 3. A trained agent
#
# This agent was trained by `qlac train --method qc-fql`, with a small budget: 8,000 gradient steps on 80 episodes that a script had played (generated here with OGBench's own oracle, not its official files), then 6,000 steps of its own in the simulator. Its task: bring the cube to the place marked by the transparent one, within 200 steps. It counts as solved when the cube is within 4 cm of that place; then it changes colour. Chunks of $H = 5$; method QC-FQL, which you will have built by the end of lesson 04. Of four seeds it is the best, and the film shows its fastest success.

# %%
policy = course_policy()
about = policy.about
print(about["provenance"]["command"].replace(" --", " \\\n    --"))
print(about["data"]["provenance"])
print(about["provenance"]["machine"], "|", about["provenance"]["date"][:10])

film = films.film_episode(policy.actor, policy.params, policy.config, policy.seed, episode=4, size=240)
outcome = "solved" if film.success else "not solved"
title = f"QC-FQL, seed {policy.seed}: {outcome} in {len(film.effector) - 1} steps, {len(film.looks)} looks"
show(
    films.strip(film, title),
    "Six moments of the trained agent: the arm reaches for the cube, grasps it, lifts it and carries it "
    "to the target.",
)

# %% [markdown]
# The same as a film, if this machine can render. A white dot in the corner marks a look; the film holds there for a moment. How often does it decide?

# %%
if film.pictures:
    show(films.gif(film, size=180), "The arm grasps the cube and carries it to the target.")
else:
    print("No renderer here: see the sketches above.")

# %%
def draw_path(step):
    figure, panels = plots.new_figure(2, width=4.2, height=3.4)
    plots.scene_from_above(panels[0], film.effector, film.cubes, film.goals, step)
    panels[0].set_title(f"from above, step {step}: cube, place (hollow), gripper (+)", fontsize=9)
    panels[1].plot(100 * film.effector[:, 2], color="0.5", label="gripper")
    panels[1].plot(100 * film.cubes[:, 0, 2], color="#D55E00", label="cube")
    for look in film.looks:
        panels[1].axvline(look, color="0.85", linewidth=0.8, zorder=0)
    panels[1].axvline(step, color="#0072B2")
    panels[1].set(xlabel="step (grey lines: looks)", ylabel="height (cm)")
    panels[1].legend(fontsize=8)
    alt = f"Gripper and cube from above at step {step}, and their heights over the episode."
    return figure, alt


show(*draw_path(25))
explore(draw_path, step=("step", list(range(len(film.effector))), 25))

# %% [markdown]
# When the notebook runs, drag the slider above to see the episode step by step. This is the dark theme, near the end:
#
# ![A slider at step 48; under it the gripper and the cube from above, the cube almost on its place, and the heights of both over the episode](../docs/pictures/slider-dark.png)
#
# One film proves nothing. This seed was picked because it solved 12 of 15 episodes at the end of its training, and picking the best always flatters. How often does it succeed in new episodes? The next cell plays them, live.

# %%
actor = policy.actor
new_episodes = range(100, 100 + shorten(20, fast=3))  # training was evaluated on numbers 0 to 14
successes = [
    films.film_episode(actor, policy.params, policy.config, policy.seed, episode, pictures=False).success
    for episode in new_episodes
]
interval = stats.binomtest(sum(successes), len(successes)).proportion_ci()
print(f"{sum(successes)} of {len(successes)} solved: {np.mean(successes):.0%},", end=" ")
print(f"95 % interval [{interval.low:.0%}, {interval.high:.0%}]")

# %% [markdown]
# (The course's own tests shorten the lessons by `QLAC_FAST=1`; then these are too few to say anything.) The headline on the project's front page (`make run`) has eight seeds, and beside QC-FQL the same method with single actions: FQL-n with returns over five steps, FQL with one-step backups. After 1,600 offline updates all three solve nothing. After 4,800 online steps QC-FQL solves 41 % [19, 62], the others 0 % [0, 11] each. Lesson 07 shows what a run of the paper's length needs.

# %% [markdown]
# ## 4. Train one yourself
#
# The cube agent took minutes to train. In a smaller world the same method needs less: a gripper without an arm has to reach a puck, close on it, carry it through a wall with two gaps, and let it go at the goal. Each step costs $-1$ until then. This **lite world** serves the whole course.
#
# The next cell trains Q-LAC there, twice, from different random numbers (two *seeds*). Each run first takes 1,000 gradient steps on recorded *play*: a script that carries the puck to random places and knows nothing of the goal (offline). Then it takes 5,000 steps of its own in the world, with a gradient step each (online). It says nothing until it is through.
#
# **Predict:** after how many updates does it first solve most of its test episodes?

# %%
import time

import jax

from qlac_lite.agents import make_learner
from qlac_lite.data.suites import lite_play
from qlac_lite.envs import lite_world
from qlac_lite.training.jax_loop import lite_config, train_lite

WORLD = lite_world.LiteWorld(step=0.08)
config = lite_config("qc-fql", **shorten(
    dict(seeds=2, offline_steps=1000, online_steps=5000, evaluate_every=500),
    fast=dict(seeds=2, offline_steps=100, online_steps=100, evaluate_every=50, evaluation_episodes=4),
))
data = lite_play.record(WORLD, jax.random.key(0), 400, 125)
begun = time.perf_counter()
outcome = train_lite(config, WORLD, data)
print(f"two agents trained in {time.perf_counter() - begun:.0f} s, with compiling")

# %% [markdown]
# Left, how often each agent solved the task as it trained: 20 new episodes a point, with exact 95 % intervals. Right, the world from above, and where the agent of seed 0 carried the puck in ten new episodes: bars are the gripper's fingers, the dot is the puck at its start, the circle is the goal.

# %%
learner = make_learner(config, lite_world.OBSERVATION_SIZE, lite_world.ACTION_SIZE)
params = jax.tree.map(lambda leaf: leaf[0], outcome.params)  # of the first seed


@jax.jit
def decide_and_execute(state, key):
    chunk = learner.act(params, lite_world.observe(state)[None], key)[0]
    return lite_world.execute(WORLD, state, chunk)


def episode(seed):
    """States of one episode, and whether it was solved."""
    state, states = lite_world.reset(jax.random.key(seed)), []
    for decision in range(WORLD.limit):
        done = decide_and_execute(state, jax.random.fold_in(jax.random.key(seed), decision))
        states += [jax.tree.map(lambda leaf: leaf[t], done.states) for t in range(int(done.length) + 1)]
        state = states[-1]
        if done.terminated or done.truncated:
            return states, bool(done.terminated)


episodes = [episode(seed) for seed in range(10)]
figure, (left, right) = plots.new_figure(2, width=4.4, height=3.8)
for seed, (color, marker) in enumerate((("#0072B2", "o"), ("#D55E00", "s"))):
    solved, count = outcome.success[seed].sum(axis=1), outcome.success.shape[2]
    ends = [stats.binomtest(int(k), count).proportion_ci() for k in solved]
    bars = [100 * (solved / count - [e.low for e in ends]), 100 * ([e.high for e in ends] - solved / count)]
    left.errorbar(outcome.steps + 40 * seed, 100 * solved / count, np.maximum(bars, 0), color=color,
                  marker=marker, markersize=4, capsize=2, linewidth=1, label=f"seed {seed}")
left.axvline(config.offline_steps, color="0.6", linestyle=":")
left.text(config.offline_steps, 101, " online", color="0.4", fontsize=8)
left.set(xlabel="updates", ylabel="episodes solved (%)", ylim=(-4, 108))
left.legend(fontsize=8, loc="lower right")
lite_world.draw_world(right, WORLD, [states[0] for states, _ in episodes[:1]])
for states, arrived in episodes:
    path = np.array([state.puck for state in states])
    right.plot(*path.T, color="#D55E00", linewidth=1, alpha=0.8, linestyle="-" if arrived else ":")
count = sum(arrived for _, arrived in episodes)
right.set_title(f"{count} of {len(episodes)} solved (dotted: not)", fontsize=10)
show(
    figure,
    f"Left, episodes solved in percent, from {100 * outcome.success[:, 0].mean():.0f} at the first point to "
    f"{100 * outcome.success[:, -1].mean():.0f} at the last, mean of two seeds. Right, the lite world from "
    "above: the puck's paths from the left half through the gaps of the wall to the goal on the right.",
)

# %% [markdown]
# For 3,000 updates almost nothing is solved, although the agents have been acting for 2,000 steps by then. Then it goes fast: in the solved version of this page, seed 0 is at 80 % after 4,500 updates, while seed 1 needs 5,500. (Another processor rounds differently, so your curves may differ.) What goes on in the silence before, lesson 02 shows in a world small enough to look into.
#
# That is your first trained agent. Whether *chunks* had a part in it, two runs of one method cannot say: that takes the same runs without chunks, and more seeds. Lesson 04 has them, and lesson 09 takes the method apart. Outside of notebooks, `qlac train --task lite-world --method qc-fql` trains one with a folder of its own.
#
# ## 5. What imitation had, and RL lacked
#
# Chunks came from imitation learning. ALOHA's robots (2023) predict about a hundred actions at a time: fewer decisions leave fewer chances for errors to compound, and human demonstrations are **non-Markovian**: what a person does next depends on more than what the camera sees now. The typical case is a *pause*. The person stops, waits, goes on. Seen from outside, the moment "still waiting" and the moment "about to go on" are the same picture.
#
# A small world shows it. A demonstrator walks from 0 to 10, one cell a step, and waits at cell 5 for 3 to 8 steps. A clone does what the data did *most often* at its cell. With single actions, what was most often done at cell 5? With chunks of $H$?
#
# **Predict** before you run: from which $H$ on does the clone arrive?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_pause", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Single actions: at cell 5, "wait" is by far the most frequent action, so the clone waits for ever. A chunk gets past the pause if the most frequent chunk at cell 5 contains a step to the right.
#
# One can count. "Wait 3 more steps, then go" occurs once in every demonstration, whatever its pause. "Wait for all H steps" occurs d - H + 1 times in a pause of d steps (never, if d < H). With d from 3 to 8, that is 10/6 times a demonstration on average for H = 5, once for H = 6, and half a time for H = 7. So the clone waits for ever up to H = 5, gets through from H = 7 on, and at H = 6 it depends on the demonstrations.

# %%
def demonstrations(rng, count=20):
    """Rows of cells and moves (0 wait, 1 step) of walks with a pause of 3 to 8 steps at cell 5."""
    walks = []
    for pause in rng.integers(3, 9, size=count):
        moves = np.array([1] * 5 + [0] * pause + [1] * 5)
        cells = np.concatenate([[0], np.cumsum(moves)])[:-1]
        walks.append((cells, moves))
    return walks


def clone_arrives(length, seed, patience=60):
    """Does a clone that always does the most frequent chunk of its cell arrive at cell 10?"""
    seen = {}
    for cells, moves in demonstrations(np.random.default_rng(seed)):
        padded = np.concatenate([moves, np.ones(length, int)])
        for t, cell in enumerate(cells):
            chunk = tuple(padded[t : t + length])
            seen.setdefault(cell, {}).setdefault(chunk, 0)
            seen[cell][chunk] += 1
    cell = steps = 0
    while cell < 10 and steps < patience:
        choices = seen.get(cell, {})
        cell += sum(max(choices, key=choices.get)) if choices else length
        steps += length
    return cell >= 10


lengths, sets = np.arange(1, 11), 100
arrived = np.array([sum(clone_arrives(length, seed) for seed in range(sets)) for length in lengths])
ends = [stats.binomtest(int(k), sets).proportion_ci() for k in arrived]
figure, (axes,) = plots.new_figure(1)
bars = [100 * (arrived / sets - [e.low for e in ends]), 100 * ([e.high for e in ends] - arrived / sets)]
axes.errorbar(lengths, 100 * arrived / sets, np.maximum(bars, 0), color="black", marker="o", capsize=3)
axes.set(xlabel="chunk length H (steps)", ylabel="clones that arrive (%)", ylim=(-4, 104), xticks=lengths)
show(
    figure,
    "Share of clones that arrive, in percent, for chunk lengths from 1 to 10: "
    f"{', '.join(f'{100 * share / sets:.0f}' for share in arrived)}.",
)

# %% [markdown]
# Each point is 100 sets of 20 demonstrations, with exact 95 % intervals. The clone of single actions never arrives: it waits for ever. Chunks of 7 steps and more get through. No value function was involved.
#
# <details><summary>Why 7?</summary>
#
# "Wait 3 more steps, then go" occurs once in every demonstration. "Wait for all H steps" occurs d - H + 1 times in a pause of d steps, and never if d < H: on average over d = 3 .. 8, that is 10/6 times for H = 5, once for H = 6 and half a time for H = 7. The clone does what is most frequent.
# </details>
#
# How long a chunk must be depends on the pauses: here 5 would be too short. (The cube agent's $H = 5$ does not rest on this example; its data have no such pauses.) This is what imitation knew, and what one-step RL, whose policies see only the current state, leaves out. The method of this course brings the two together: behavior in chunks from the data, improved by a critic of chunks.
#
# ## 6. How exercises work
#
# An exercise is a function with its signature, shapes and steps, and `raise NotImplementedError()` where your code goes. Under it stands a check. Try both now.
#
# ### Your turn: `decision_steps` (★☆☆, 3 minutes)
#
# Run the two cells below once as they are. The check says *not attempted yet*, and the lesson goes on. Then write the function, run its cell, and run the check again. Make a mistake on purpose, too: count from 1, or leave out the last look.
#
# <details><summary>Hints look like this. Open me.</summary>
#
# `np.arange(start, stop, step)` stops before `stop`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "decision_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decision_steps(steps, length):
    """The steps at which an agent looks and decides.

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
# What a check says:
#
# - **the case** it tried, what it **expected** and what it **got**, with the place of the first difference;
# - if it recognises the mistake, **likely**: the misconception by name;
# - **next**: what to do.
#
# Somebody counted from 1. In JupyterLab's light theme the check then says:
#
# ![The check of decision_steps refuses an answer: case 6 steps, chunks of 1; expected 0 to 5, got 1 to 5; next, the first look is at step 0; likely, it counts from 1, in steps of the chunk's length](../docs/pictures/check-light.png)
#
# The line `decision_steps = check_decision_steps(decision_steps)` gives your function back if it is right, and the library's own if it is not. So the cells below a check always work, and you may skip an exercise and come back.
#
# Your function (or the library's, until yours is right) also describes the film above:

# %% tags=["nbval-check-output"]
mine = decision_steps(len(film.effector) - 1, policy.config.chunk_length)
print("looks in the film:", len(mine), mine)
print("as it was filmed: ", np.array_equal(mine, film.looks))

# %% [markdown]
# ## 7. The map
#
# | lesson | you build | you see |
# |---|---|---|
# | **00** welcome | a warm-up | a trained chunking agent, and one that you train |
# | **01** chunked MDP | reward, transitions and discount of a chunk | when chunks cost nothing, and when they cost value |
# | **02** backups | one-step, n-step and chunked targets | speed against bias |
# | **03** flow matching | behavior cloning of chunks | why a Gaussian fails and a flow does not; dithering |
# | **04** FQL | critic, distillation, best of N | Q-LAC, trained; when chunks pay |
# | **05** exploration | coherency and coverage | what makes a chunk coherent, and what that is worth |
# | **06** offline to online | RLPD and RLPD with chunks | ten methods side by side, and where RLPD on chunks fails |
# | **07** OGBench, **08** Robomimic | what a full run needs, and what gives a broken one away | the paper's figures beside your predictions |
# | **09** ablations | a paired bootstrap, controls | which part of the method does what, in a small world |
# | 10 beyond | decoupled and adaptive chunks | what came after the paper |
#
# Those in bold are here; lesson 10 is being written.
#
# Every lesson runs from top to bottom with nothing filled in, in less than 3 minutes on two cores. Figures show means over repetitions with 95 % intervals. Behind a slider there is always a static figure that says the same.
#
# ## Quiz
#
# 1. An agent with $H = 5$ acts for 198 steps. How often does it look?
# <details><summary>Answer</summary>40 times; after the last look only three steps are left.</details>
#
# 2. Why does a clone of single actions wait for ever in section 5, although every demonstrator went on?
# <details><summary>Answer</summary>At the cell of the pause, waiting is the most frequent action, and the cell alone does not say how long one has waited.</details>
#
# 3. What does an agent with chunks give up?
# <details><summary>Answer</summary>It cannot react to what happens inside a chunk.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969).
# - T. Zhao, V. Kumar, S. Levine, C. Finn, *Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware* (ALOHA, ACT), [arXiv 2304.13705](https://arxiv.org/abs/2304.13705).
# - S. Park and others, *OGBench: Benchmarking Offline Goal-Conditioned RL*, [arXiv 2410.20092](https://arxiv.org/abs/2410.20092): the cube task.
#
# **Next:** [01 · The chunked MDP](01_chunked_mdp.ipynb).
