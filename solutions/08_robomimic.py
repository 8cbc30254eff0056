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
# # 08 · Robomimic: learning from people
#
# OGBench's data are play: scripts that did something, and no reward was meant. Robomimic's are demonstrations: people who lifted a cube, put a can away, put a nut on a peg. Each of them succeeded, some well and some badly. What changes when the data are good?
#
# **You will be able to** read a robomimic file and notice the traps in it; say where a demonstration ends, and what it earns; compare cloning of single actions with cloning of chunks; take Q-LAC from offline to online on Lift; read a table of results without finding a winner where there is none.
#
# **You need** [lesson 04](04_fql.ipynb) (QC-FQL), [lesson 06](06_offline_to_online.ipynb) (the online phase, RLPD) and the commands of [lesson 07](07_ogbench.ipynb). And the simulator: `make robomimic`, once. **Time** about 75 minutes to work through; two to three minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $T$ | `len(rewards)` | transitions of a demonstration |
# | $S, A$ | `observation_size`, `action_size` | numbers of an observation (19 for Lift), and of an action (7) |
# | $e_t$ | `eef` | the end effector's position, in metres |
# | $r_t$, $\gamma$ | `rewards`, `discount` | reward of a step, here −1 or 0; discount, 0.99 |
# | $G_t$ | `returns` | discounted sum of the rewards from step $t$ on |
# | mh, ph | | *multi-human*: six people; *proficient-human*: one |

# %%
import os
import subprocess
import sys
import textwrap
from importlib import resources

import h5py
import numpy as np

from qlac_lite.config import get_task, make_config
from qlac_lite.data.load import read, verify
from qlac_lite.data.records import describe
from qlac_lite.envs.robomimic import RobomimicEnv
from qlac_lite.envs.robomimic_spec import env_args, object_observation
from qlac_lite.lessons import notebook, run_folder, shorten, show
from qlac_lite.lessons.checks import lesson08 as checks
from qlac_lite.reports import plots
from qlac_lite.reports.paper import quoted
from qlac_lite.reports.pooling import successes
from qlac_lite.training.run_folder import find_runs, open_run
from qlac_lite.utils.statistics import mean_interval

# %% [markdown]
# ## 1. What differs from OGBench
#
# | | OGBench (lesson 07) | Robomimic |
# |---|---|---|
# | data | play by scripts; nearly all of it earns nothing | demonstrations by people; each ends in success |
# | how many transitions | 1M to 100M | 31,127 (lift), 62,756 (can), 80,731 (square) |
# | whose | one script with noise | six people, from better to worse |
# | an action | 5 numbers | 7: displacement, turn, gripper |
# | reward of a step | −1 or 0; in cube tasks down to −4 | the file's 0 or 1, less 1: −1 or 0 |
# | success in the data | does not end the episode | ends it, after a cut: section 3 |
#
# Sources: arXiv 2507.07969, table of tasks and appendix C; arXiv 2108.03298 (robomimic). The next cell prints what the library sets for them.

# %%
print("task                 S  A  limit  seeds  alpha FQL, QC-FQL  N BFN, QC")
SOME = ("scene-play-sparse-singletask-task1-v0", "lift-mh-low_dim", "can-mh-low_dim", "square-mh-low_dim")
for name in SOME:
    domain = get_task(name).domain
    runs = {method: make_config(name, method, "full") for method in ("fql", "qc-fql", "bfn", "qc")}
    sizes = f"{domain.name:18} {domain.observation_size:3} {domain.action_size:2} {domain.episode_limit:6}"
    alphas = f"{runs['fql'].alpha:8g}, {runs['qc-fql'].alpha:g}"
    print(f"{sizes} {runs['qc'].seeds:6} {alphas:>18} {runs['bfn'].candidates:8}, {runs['qc'].candidates}")

# %% [markdown]
# **Alpha is 10,000**, thirty-three times what QC-FQL has on scene (and a hundred times what it has on cube-triple). The one-step policy is tied to the behavior that tightly. For play that would be useless, since play leads nowhere. Demonstrations lead to the goal.
#
# **Predict** (write it down): with such data, is there anything left for Q to do?
#
# ### One switch
#
# With `FULL = True` this page fetches the human sets and trains at the paper's size. Otherwise it makes **stand-ins**: a script with way-points, noise and pauses, in three tiers. They have robomimic's layout and lengths. They are not human data, and nothing that is measured on them speaks of people.

# %%
FULL = False  # True, on a machine with a GPU and a network: hours in place of minutes

HOME = run_folder("lesson08", keep=FULL)
QUIET = {"TQDM_DISABLE": "1", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def start(*words):
    """`qlac WORDS ...` in a process of its own, in the folder HOME."""
    command = [sys.executable, "-m", "qlac_lite", *map(str, words)]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, cwd=HOME, env=os.environ | QUIET, **pipes)


def finish(process):
    """Waits for it; gives the last line that it printed. A failure shows its message."""
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors[-2000:])
    return printed.strip().splitlines()[-1]


def folded(command):
    """A long command in several lines, to be pasted as they stand."""
    whole = dict(break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(textwrap.wrap(command, 94, subsequent_indent="    ", **whole))


MANY = {"lift": shorten(60, fast=6), "can": 3, "square": 3}
FILES = {}
for task, count in MANY.items():
    made = [] if FULL else ["--source", "generate", "--episodes", count]
    FILES[task] = HOME / finish(start("data", f"{task}-mh-low_dim", *made, "--out", "data"))
    about = describe(verify(FILES[task], get_task(f"{task}-mh-low_dim").domain))
    print(textwrap.fill(about, 96, subsequent_indent="  "))

# %% [markdown]
# Now that there are data, training may begin, in a process of its own. We come back to it in section 7. Its settings are `lite` ones, shortened.

# %%
if FULL:
    STEPS, CHANGES, SEEDS = (100_000, 0), {}, 5
else:
    STEPS, SEEDS = (shorten(3000, fast=20), shorten(1500, fast=10)), 2
    CHANGES = dict(evaluation_episodes=shorten(6, fast=1), evaluate_every=STEPS[0], log_every=STEPS[1] // 5)
words = ["train", "--task", "lift-mh-low_dim", "--method", "qc-fql", "--preset", "full" if FULL else "lite"]
words += ["--seeds", SEEDS, "--offline-steps", STEPS[0], "--online-steps", STEPS[1], "--data", FILES["lift"]]
words += [word for name, value in CHANGES.items() for word in ("--set", f"{name}={value}")]
live_run = start(*words, "--out", "runs/live", "--resume")
printed = ["qlac", *(word if word != FILES["lift"] else "data/lift..." for word in words)]
print(folded(" ".join(map(str, [*printed, "--out runs/live --resume"]))))

# %% [markdown]
# ## 2. The file
#
# A robomimic file is HDF5: groups in groups, arrays at the leaves, attributes beside them. The package `h5py` is all one needs to read it.

# %%
with h5py.File(FILES["can"]) as file:
    demo = file["data/demo_0"]
    shapes = {name: values.shape for name, values in demo.items() if hasattr(values, "shape")}
    print("data/demo_0:", ", ".join(f"{name} {shape}" for name, shape in shapes.items()))
    for key, values in demo["obs"].items():
        print(f"  obs/{key:22} {values.shape}")
    print("env_args:", " ".join(file["data"].attrs["env_args"].split())[:60], "...")
    print("masks:", ", ".join(f"{name} ({len(members)})" for name, members in file["mask"].items()))

# %% [markdown]
# An observation of ours is four of these keys in a row: the end effector's position and orientation, the two fingers, and `object`.
#
# ### The first trap: the order inside `object`
#
# For can and square `object` has 14 numbers: a pose in the world (position 3, quaternion 4), and the same object's pose seen from the hand (3 and 4 again). Files of robosuite 1.5 have the relative half first. Those of 1.4 had the absolute half first. Nothing in the file says which. Trained on one and evaluated with the other, a policy sees nonsense, and no error is raised.
#
# But the two halves have to agree. The object's distance from the hand is known twice: $\lVert p_t - e_t\rVert$ from the positions, and $\lVert q_t\rVert$, the length of the relative position. In the right reading they are equal. (The vectors are not: $q_t$ is seen from the hand, which turns. Lengths do not care.)
#
# ### Your turn: `layout_errors` (★★☆, 10 minutes)
#
# 1. Read the file with the pose first. In each row, take the absolute difference of the two lengths.
# 2. The median over rows. Row 0 of some files is garbage, and a mean would follow it.
# 3. The same with the relative half first.
#
# <details><summary>Hint</summary>
#
# The positions are `thing[:, 0:3]` and `thing[:, 7:10]`. Which of the two is absolute is what the two readings differ in. Lengths: `np.linalg.norm(..., axis=1)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "layout_errors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layout_errors(eef, thing):
    """How far each reading of `object` disagrees with the hand's position, in metres.

    Args:
        eef: (T, 3) the hand's position. thing: (T, 14) the file's `object`.

    Returns:
        pose_first, relative_first: for each reading, the median over rows of
        | ||position - eef|| - ||relative position|| |.
    """
    ### BEGIN SOLUTION
    length = lambda vectors: np.linalg.norm(vectors, axis=1)
    one, other = thing[:, 0:3], thing[:, 7:10]
    pose_first = np.median(np.abs(length(one - eef) - length(other)))
    relative_first = np.median(np.abs(length(other - eef) - length(one)))
    return pose_first, relative_first
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_layout_errors", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
layout_errors = checks.check_layout_errors(layout_errors)

# %% [markdown]
# Now ask it about the files, and about the same numbers in the other order, as an older file would have them.

# %%
def stacked(task, key, part="obs"):
    """A key of all demonstrations of a file, row after row."""
    with h5py.File(FILES[task]) as file:
        return np.concatenate([file[f"data/{name}/{part}/{key}"][:] for name in file["data"]])


print("median disagreement in mm     pose first   relative first")
for task in ("can", "square"):
    eef, thing = stacked(task, "robot0_eef_pos"), stacked(task, "object")
    for about, numbers in (("as it is", thing), ("halves exchanged", np.roll(thing, 7, axis=1))):
        line = "".join(f"{1000 * error:14.1f}" for error in layout_errors(eef, numbers))
        print(f"{task:6} {about:17} {line}")

# %% [markdown]
# The right reading is off by a millimetre (why not by 0? See the second trap). The wrong one is off by 3 and by 15 millimetres only. That is a thin margin. Why?
#
# The hand points down: it is turned by half a turn against the world. The relative half is the way from hand to object, turned by that half turn. Take it, wrongly, for a place in the world: the way from the hand to that "place" has nearly the right length again, since half a turn made twice is none. A second question is safer: at what **height** is the object? A table is 0.8 m high.

# %%
for task in ("can", "square"):
    thing = stacked(task, "object")
    print(f"{task:6} median height: {np.median(thing[:, 2]):5.2f} m by the first half, ", end="")
    print(f"{np.median(thing[:, 9]):5.2f} m by the second")

# %% [markdown]
# Now there is no doubt: the second half is the pose in the world. The loader asks both questions of every file, and `qlac data --verify FILE` refuses one where no reading passes.
#
# ### The second trap: a relative pose that is late
#
# In the right reading the disagreement is small, yet not 0. robosuite 1.5 computes the relative pose from where the object was *a sample ago*. How much is that? We compute the relative pose anew and compare.
#
# **Predict:** when is it worst?

# %%
with h5py.File(FILES["can"]) as file:
    one = {key: file[f"data/demo_0/obs/{key}"][:] for key in ("object", "robot0_eef_pos", "robot0_eef_quat")}
pose, hand = one["object"][:, 7:], one["robot0_eef_pos"]
anew = object_observation("can", pose, hand, one["robot0_eef_quat"])
off = 1000 * np.linalg.norm(anew[:, :3] - one["object"][:, :3], axis=1)
speed = 1000 * np.linalg.norm(np.diff(pose[:, :3], axis=0, prepend=pose[:1, :3]), axis=1)
print(f"row 0: relative position in the file {one['object'][0, :3]}, in fact {anew[0, :3].round(3)}")
print(f"later rows: off by {off[1:].mean():.1f} mm on average, {off[1:].max():.1f} mm at most")
print(f"correlation with the object's speed: {np.corrcoef(off[1:], speed[1:])[0, 1]:.3f}")
figure, (axes,) = plots.new_figure(1, width=6.4, height=2.8)
axes.plot(off[1:], color="#D55E00", label="relative position is off by")
axes.plot(speed[1:], color="0.3", linestyle=":", label="the can moved, in this step, by")
axes.set(xlabel="step of the demonstration", ylabel="mm")
axes.legend(fontsize=8)
show(figure, "Over a demonstration of Can, the stored relative position is off by the can's own movement.")

# %% [markdown]
# The error is the object's own step: it is worst when the hand carries the object fast. That is when precision counts least for a grasp. But a critic that learns from one kind of observation and acts on another is wrong without need. So the loader computes the relative pose anew, and the environment gives the same. (The lag is reproduced here in stand-ins on purpose. In the human files it was reported by others: a mean of 6 mm, up to 3 cm on Can.)
#
# ## 3. Where a demonstration ends
#
# Online, an episode ends at its first success. In the human square files the recording has about five rows with success at its end, each flagged as done. If they stay, success is five times in the data, and the last four run past where an online episode has ended.
#
# ### Your turn: `transitions_to_keep` (★☆☆, 5 minutes)
#
# 1. A transition ends the episode if its reward is 1 or its done is 1.
# 2. Keep all up to the first such transition, with it.
# 3. If there is none, keep everything.
#
# <details><summary>Hint</summary>
#
# `np.argmax` of an array of True and False is the index of the first True. Of all False it is 0: ask `.any()` first.
# </details>

# %% nbgrader={"grade": false, "grade_id": "transitions_to_keep", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transitions_to_keep(rewards, dones):
    """How many transitions of a demonstration stay.

    Args:
        rewards, dones: (T,) 0 or 1.

    Returns:
        int: all up to the first with a reward of 1 or a done of 1, this one included; T if there is none.
    """
    ### BEGIN SOLUTION
    ended = (rewards == 1) | (dones == 1)
    return int(np.argmax(ended)) + 1 if ended.any() else len(ended)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_transitions_to_keep", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
transitions_to_keep = checks.check_transitions_to_keep(transitions_to_keep)

# %% [markdown]
# What would the critic see without the cut, if only the last row of the recording ended the episode? (With the file's own flags as ends, the chunks that run past the first would not be valid, and the later rows would be episodes of one step each.) We count the chunks whose *last* step has a reward of 1. Only through these does the success reach the critic. And we count those of them that *start* in a state that is solved already.

# %%
H = 5
print("square   steps kept   H   chunks that end in success: cut, uncut   uncut, from a solved state")
with h5py.File(FILES["square"]) as file:
    for name, demo in list(file["data"].items())[:3]:
        rewards, dones = demo["rewards"][:], demo["dones"][:]
        keep = transitions_to_keep(rewards, dones)
        for length in (H, 1):
            starts = np.arange(len(rewards) - length + 1)
            ends_well = rewards[starts + length - 1] == 1
            cut = ends_well & (starts + length <= keep)
            solved = ends_well & (starts > np.argmax(rewards == 1))
            line = f"{name:8} {len(rewards):5} {keep:4} {length:3} {cut.sum():26}, {ends_well.sum():5}"
            print(f"{line} {solved.sum():24}")

# %% [markdown]
# With the cut there is one such chunk a demonstration, as it would be online. Without it there are five, and success weighs five times as much. The other four run past it. With $H = 5$ they still start in states that are not solved. With $H = 1$ all four start in a solved state: the critic learns the value of going on after the end, which no episode online ever does.
#
# ## 4. Look at the demonstrations
#
# Before any training, look at what is to be imitated. First as a film: the simulator is put where a demonstration began, and its actions are executed one after the other, blindly. That is **open-loop replay**. A demonstration that cannot be replayed was not made by this simulator, or the actions are not what was executed.

# %%
LIFT, _ = read(FILES["lift"])
env = RobomimicEnv(env_args("lift"), 300, size=224)


def replay(demonstration, frames=()):
    """Executes its actions from its first state; gives success, and pictures at the steps in `frames`."""
    env.reset(options={"state": demonstration["states"][0]})
    pictures = [env.render()] if 0 in frames else []
    for step, action in enumerate(demonstration["actions"], 1):
        _, _, success, _, _ = env.step(action)
        if step in frames:
            pictures.append(env.render())
    return success, pictures


some = LIFT[: shorten(9, fast=2)]
print(f"replayed open loop: {sum(replay(each)[0] for each in some)} of {len(some)} succeed")
if notebook.renderer() != "none":
    when = np.linspace(0, len(LIFT[0]["actions"]), 6).round().astype(int).tolist()
    _, pictures = replay(LIFT[0], when)
    captions = [f"step {step}" for step in when]
    figure = plots.frames_in_a_row(pictures, captions, "A stand-in demonstration of Lift")
    show(figure, "Six frames: the hand goes above the cube, down, closes, and lifts it.")
env.close()

# %% [markdown]
# They replay, because a simulator repeats itself to the bit. Remember that for the question why chunks may be executed blindly at all.
#
# Now the tiers. In the human mh sets they are pairs of people. In our stand-ins they are settings of the script: how fast it moves, how much noise it has, how long it hesitates at a way-point.
#
# **Predict:** which parts the tiers most: the number of steps, the way of the hand, or the steps that lead nowhere?

# %%
TIERS = {"better": "#009E73", "okay": "#E69F00", "worse": "#D55E00"}
NOWHERE, LATER = 0.02, 10  # metres; steps, half a second


def by_tier(tier):
    return [each for each in LIFT if tier in each["tiers"]]


def facts(demonstration):
    """Steps, way of the hand in cm, and the steps after which, half a second later, it is where it was."""
    hand = demonstration["observations"][:, :3]
    way = np.linalg.norm(np.diff(hand, axis=0), axis=1)
    later = np.linalg.norm(hand[LATER:] - hand[:-LATER], axis=1)
    return len(way), 100 * way.sum(), np.sum(later < NOWHERE)


print("tier      number   steps             way, cm           steps that lead nowhere")
for tier in TIERS:
    found = np.array([facts(each) for each in by_tier(tier)])
    line = [f"{m:.0f} [{a:.0f}, {b:.0f}]" for m, a, b in zip(*mean_interval(found), strict=True)]
    print(f"{tier:8} {len(found):6}    {''.join(f'{text:18}' for text in line)}")
figure, panels = plots.new_figure(3, width=2.7, height=2.9)
for axes, (tier, colour) in zip(panels, TIERS.items(), strict=True):
    for each in by_tier(tier)[:10]:
        seen = each["observations"]
        away = 100 * np.linalg.norm(seen[:, :2] - seen[-1, :2], axis=1)
        axes.plot(away, 100 * (seen[:, 2] - 0.8), color=colour, linewidth=0.9, alpha=0.8)
    axes.set(title=tier, xlabel="cm from where it ends, level", ylim=(0, 30), xlim=(-0.5, 20))
panels[0].set_ylabel("hand above the table (cm)")
show(figure, "Paths of the hand from the side, ten demonstrations a tier: rougher from better to worse.")

# %% [markdown]
# (95 % t-intervals over the demonstrations of a tier.) All of them succeed. They differ in **how long** it takes. The worse ones take more than twice as many steps as the better ones, their way is more than twice as long, and they spend more than twice as many steps where the hand, half a second later, is about where it was. So your prediction could hardly go wrong by much: the three part the tiers about alike, the steps that lead nowhere a little more. A policy that clones them all clones that, too.
#
# Pauses may be what makes single actions hard to clone. In a pause the observation hardly changes, while the demonstrator is about to move. A policy that looks at one observation must choose at random between staying and going, at each step anew. A chunk can hold the pause *and* its end. That is a conjecture. Section 6 shows whether chunks are cloned better, not why.
#
# ## 5. What a demonstration earns
#
# Reward −1 a step until the success, which earns 0. Then what is left to earn from step $t$ on is
#
# $$ G_t = \sum_{k=t}^{T-1} \gamma^{k-t}\, r_k $$
#
# In words: count the steps that are still needed, with later ones counting less. This **return-to-go** is what a critic of the demonstrator's own policy would learn.
#
# ### Your turn: `return_to_go` (★☆☆, 5 minutes)
#
# 1. The last step's return is its reward.
# 2. Go back from there: $G_t = r_t + \gamma\, G_{t+1}$.
#
# <details><summary>Hint</summary>
#
# A loop over `range(T - 1, -1, -1)`, and a variable for what comes later. After the last row there is nothing: 0.
# </details>

# %% nbgrader={"grade": false, "grade_id": "return_to_go", "locked": false, "schema_version": 3, "solution": true, "task": false}
def return_to_go(rewards, discount):
    """Discounted sum of the rewards from each step on.

    Args:
        rewards: (T,) of a demonstration. discount: gamma.

    Returns:
        returns: (T,).
    """
    ### BEGIN SOLUTION
    returns, later = np.zeros(len(rewards)), 0.0
    for step in range(len(rewards) - 1, -1, -1):
        returns[step] = later = rewards[step] + discount * later
    return returns
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_return_to_go", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
return_to_go = checks.check_return_to_go(return_to_go)

# %%
figure, (left, right) = plots.new_figure(2, width=4.3, height=3.0)
first = {}
for place, (tier, colour) in enumerate(TIERS.items()):
    curves = [return_to_go(each["rewards"] - 1.0, 0.99) for each in by_tier(tier)]
    first[tier] = np.array([values[0] for values in curves])
    for i, values in enumerate(curves[:10]):
        left.plot(values, color=colour, linewidth=0.9, alpha=0.8, label=tier if i == 0 else None)
    plots.points(right, np.array([place]), first[tier][:, None], tier, colour)
    mean, low, high = mean_interval(first[tier])
    print(f"{tier:7} return from the first step: {mean:.1f} [{low:.1f}, {high:.1f}]")
left.set(xlabel="step", ylabel="return-to-go", ylim=(-85, 2))
left.legend(fontsize=8)
right.set_xticks(range(3), TIERS)
right.set(ylabel="return from the first step", xlim=(-0.5, 2.5))
show(figure, "Returns-to-go rise to 0 at the success. From the first step, better ones earn most.")

# %% [markdown]
# The return orders the tiers, although no file says which demonstration is good. That is the opening for Q: cloning treats all demonstrations alike, and a critic does not. It can prefer the actions of those that were quicker, and at any moment, not only in whole demonstrations. So there *is* something left for Q to do, even where every demonstration succeeds.
#
# ## 6. Cloning: single actions or chunks
#
# Before Q, the behavior alone. **BC** is a flow over single actions, **chunk BC** a flow over chunks of five, executed open loop. Same network, same updates, same demonstrations (300 stand-ins of Lift). Training and evaluation take minutes, so these runs were recorded, with the commands that the cell prints.
#
# **Predict:** which one succeeds more often? Think of the pauses, and of the noise.

# %%
RECORDED = {}
with resources.as_file(resources.files("qlac_lite") / "assets" / "lift") as folder:
    RECORDED = {run.folder.name: run for run in find_runs(folder)}
NAMES = {"bc": "BC", "chunk-bc": "chunk BC", "fql": "FQL", "qc-fql": "QC-FQL"}
TIED = {"fql-alpha-10000": "FQL, α = 10,000", "qc-fql-alpha-10000": "QC-FQL, α = 10,000"}


def by_seed(run):
    """Success in percent of each seed, by (offline steps, online steps)."""
    measured = successes([run]).items()
    return {steps: 100 * np.array([np.mean(seed) for seed in seeds.values()]) for steps, seeds in measured}


def told(values, ends=(0, 100)):
    mean, low, high = mean_interval(values)
    return f"{mean:.0f} [{max(low, ends[0]):.0f}, {min(high, ends[1]):.0f}]"


for method in ("bc", "chunk-bc"):
    run = RECORDED[method]
    print(folded(run.provenance["command"]))
    for (offline, online), rates in by_seed(run).items():
        if not online:
            print(f"  {NAMES[method]:9} {offline:6,} updates: success {told(rates)} %, {len(rates)} seeds")
one, other = (by_seed(RECORDED[method]) for method in ("bc", "chunk-bc"))
last = max(steps for steps in one if not steps[1])
print(f"chunk BC less BC, seed by seed: {told(other[last] - one[last], (-100, 100))} points")

# %% [markdown]
# Did you expect chunks to win? After 8,000 updates the means differ by 15 points, in favour of the chunk, but seed by seed the interval goes from −19 to 49: **no difference is shown**. After 4,000 there was none at all. Ten episodes of six seeds are few, and Lift is short: about ninety steps here, with one moment that matters. The conjecture of section 4, that chunks clone pauses better, stays open. A sharper test would be a task with long pauses (a tier of its own), more episodes, and more seeds.
#
# The clones are no straw men: 65 % and 80 %, without a reward. That is what good data do.
#
# ## 7. Q-LAC on Lift, offline to online
#
# QC-FQL against FQL, as in lesson 06: the same data, the same number of updates, and then online steps with an update each. The settings are those of the clones above, and FQL differs from QC-FQL in the chunk only. Recorded with earlier learners (distillation target not clipped, target average one step later): see [what differs from the published code](https://github.com/qlac-lite/qlac-lite/blob/main/docs/fidelity.md). It will be recorded anew.
#
# **Predict:** the paper has 99 % and 75 % after 100,000 updates of networks four times as wide and twice as deep, on the human set. Will it look like this after 8,000 updates of ours?

# %%
figure, (axes,) = plots.new_figure(1, width=6.0, height=3.3)
for method in ("qc-fql", "fql", "chunk-bc", "bc"):
    run = RECORDED[method]
    points = by_seed(run)
    phases = [steps for steps in points if method in ("qc-fql", "fql") or not steps[1]]
    steps = np.array([sum(key) for key in phases])
    mean, low, high = mean_interval(np.stack([points[key] for key in phases], axis=1))
    low, high = np.clip((low, high), 0, 100)
    plots.curve(axes, method, NAMES[method], steps, mean, low, high)
axes.set(xlabel="gradient steps, then environment steps (thousands)", ylabel="success (%)")
axes.set(ylim=(-3, 103), xlim=(0, 12.4))
plots.mark_online(axes, RECORDED["qc-fql"].config.offline_steps)
axes.legend(fontsize=8)
show(figure, "Recorded success on Lift over updates, then online steps, with intervals, for four methods.")
ends = {}
for method in ("qc-fql", "fql"):
    print(folded(RECORDED[method].provenance["command"]))
    for (offline, online), rates in by_seed(RECORDED[method]).items():
        ends[method, offline, online] = rates
        print(f"  {NAMES[method]:7} {offline:6,} + {online:5,}: success {told(rates)} %")
for key in [key[1:] for key in ends if key[0] == "fql"]:
    less = ends["qc-fql", *key] - ends["fql", *key]
    print(f"QC-FQL less FQL after {key[0]:,} + {key[1]:,}, seed by seed: {told(less, (-100, 100))} points")

# %% [markdown]
# **At the end** QC-FQL is far ahead, offline as well as online. That is the order of the paper, after 8,000 small updates and on stand-ins.
#
# **On the way** it was the other way round: after 4,000 updates FQL was ahead by 53 [25, 82] points. Whoever evaluates only once takes a method's state at that hour for the method. And FQL *fell*, from 70 % to 12 %, far below the clone of single actions that it contains.
#
# What happened to it? The log has the mean of Q, and the distillation loss, which divided by $\alpha$ is the mean squared distance between policy and clone (lesson 07). And a run with the paper's $\alpha$ of 10,000 in place of the lite 1,000 ties the policy ten times tighter.
#
# **Question.** If Q has led FQL astray, what does the tighter tie do to FQL? And to QC-FQL? Which outcome would speak against Q as the culprit?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_astray", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** If Q pulled FQL away from its clone, a tie that is ten times tighter holds it back: a smaller distance, and a smaller fall, or none. QC-FQL should lose some of what Q has given it, and come closer to the chunk clone. It would speak against Q if FQL fell just as far with the tighter tie, at a distance that is no larger than before.

# %%
def column(run, name, step):
    """Of an offline row of the log: a value a seed."""
    rows = [row for row in run.rows("progress.csv") if (row["phase"], row["step"]) == ("offline", step)]
    return np.array([row[name] for row in rows])


def span(values, form):
    return "{} [{}, {}]".format(*(format(value, form) for value in mean_interval(values)))


print(f"{'':18} updates  {'success, %':13} {'mean Q':20}  squared distance from the clone")
for name, title in {**{key: NAMES[key] for key in ("fql", "qc-fql")}, **TIED}.items():
    run = RECORDED[name]
    for step in (4000, 8000):
        distance = column(run, "distill_loss", step) / run.config.alpha
        q = span(column(run, "q_mean", step), ".1f")
        print(f"{title:18} {step:7,}  {told(by_seed(run)[step, 0]):13} {q:20}  {span(distance, '.4f')}")
loose, tight = (by_seed(RECORDED[name])[8000, 0] for name in ("qc-fql", "qc-fql-alpha-10000"))
print(f"QC-FQL at 8,000 updates, α 10,000 less α 1,000: {told(tight - loose, (-100, 100))} points")

# %% [markdown]
# **For FQL the tie changes nothing.** It falls with the paper's α as well, to the same 12 %, and its distance from the clone is the same. In fact it comes *nearer* to the clone between the two evaluations, while it succeeds less. So this is not Q leading the policy away from the data, and a prediction that said so is refuted for FQL. For QC-FQL the tie does change something at 8,000 updates: its policy is nearer to the clone, and its mean Q is lower, with intervals apart. QC-FQL has a low of its own, after 4,000 updates, with either α.
#
# What is left is the step from the flow to the one-step policy. A small squared distance is a mean over seven numbers. One of them is the gripper, and at one moment it decides. **The test:** the same runs without the Q loss, flow and one-step policy evaluated side by side every 500 updates. It has not been run; both methods and all settings are in the library.
#
# For QC-FQL the tighter tie gives 80 in place of 93 %; seed by seed that is −13 [−28, 1] points, so not shown. With either α it ends far ahead of FQL. But mind what follows: for FQL the tie made no difference, and for QC-FQL none in success that is shown. So the lead of QC-FQL need not be the work of its *critic*. It may be that chunks survive the distillation and single actions do not. The same test would tell, with both methods.
#
# And your own run, which has been going on since section 1? It is a fifth of these in data and less than half in updates.

# %%
finish(live_run)
for (offline, online), rates in by_seed(open_run(HOME / "runs" / "live")).items():
    each = ", ".join(f"{rate:.0f} %" for rate in rates)
    print(f"live, {offline:,} updates + {online:,} online steps: success by seed {each}")

# %% [markdown]
# ## 8. Read the paper's table
#
# The paper's figures for the human sets, five seeds of 50 episodes each. Who is best? Each mean has a 95 % interval. A method is *beaten* if another one's interval lies wholly above its own. The others may be the best.
#
# This is a cautious rule. Two intervals may overlap while the difference is clear, for instance where the same seeds were paired. But it seldom calls a winner where chance would do.
#
# ### Your turn: `may_be_best` (★★☆, 10 minutes)
#
# True for each method that no other one beats.
#
# <details><summary>Hint</summary>
#
# Method $j$ beats method $i$ if `low[j] > high[i]`. If any does, then the one with the largest `low` does.
# </details>

# %% nbgrader={"grade": false, "grade_id": "may_be_best", "locked": false, "schema_version": 3, "solution": true, "task": false}
def may_be_best(low, high):
    """Which methods no other one beats.

    Args:
        low, high: (M,) the ends of each method's interval.

    Returns:
        (M,) bool: True where no other interval lies wholly above. Ends that touch are not above.
    """
    ### BEGIN SOLUTION
    return high >= np.max(low)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_may_be_best", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
may_be_best = checks.check_may_be_best(may_be_best)

# %%
PAPER = {"qc": "QC", "qc-fql": "QC-FQL", "bfn": "BFN", "bfn-n": "BFN-n", "fql": "FQL", "fql-n": "FQL-n"}
PAPER |= {"rlpd": "RLPD", "rlpd-ac": "RLPD-AC"}
AT = {"100K offline": (100_000, 0), "1M offline": (1_000_000, 0), "then 1M online": (1_000_000, 1_000_000)}


def cells(task, steps):
    """Methods and their (mean, low, high) in percent; RLPD and RLPD-AC have no offline phase."""
    found = {}
    for method, title in PAPER.items():
        quotes = quoted(f"{task}-mh-low_dim", method)
        at = (0, steps[1]) if method.startswith("rlpd") else steps
        if at in quotes:
            found[title] = 100 * np.array(quotes[at])
    return found


figure, panels = plots.new_figure(3, width=3.4, height=3.0)
for axes, task in zip(panels, ("lift", "can", "square"), strict=True):
    for about, steps in AT.items():
        found = cells(task, steps)
        values = np.array(list(found.values()))
        best = may_be_best(values[:, 1], values[:, 2])
        names = [f"{name} {v[0]:.0f}" for name, v, b in zip(found, values, best, strict=True) if b]
        print(f"{task:7} {about:15}", ", ".join(names))
        if about == "then 1M online":
            for place, ((name, (mean, low, high)), b) in enumerate(zip(found.items(), best, strict=True)):
                colour = "#0072B2" if b else "0.6"
                ends = dict(xerr=[[mean - low], [high - mean]], color=colour)
                axes.errorbar(mean, place, marker="o", capsize=3, **ends)
            axes.set_yticks(range(len(found)), found)
    axes.set(title=task, xlabel="success (%)", xlim=(-3, 103))
    axes.invert_yaxis()
show(figure, "The paper's end points on lift, can and square, with intervals; in blue who may be best.")

# %% [markdown]
# **Read it.** (Printed: the methods that may be best. Drawn: the end points.) Offline after 1M updates, methods with chunks lead everywhere; after 100K, QC is not yet among them on can, and on square five methods may be best, at 10 to 17 %. On lift at the end four are at 100 %, and the table cannot part them. **On square RLPD stands alone at the top**, with single actions, no flow, no offline phase, and no tie to the behavior.
#
# ### Why does RLPD win on square?
#
# The paper does not say. What can be read from the table? The next cell sets pairs beside each other which differ in few things.

# %%
SQUARE = cells("square", (1_000_000, 1_000_000))
EARLY = cells("square", (1_000_000, 200_000))
print("square, success in %              200K online     1M online")
for name in ("QC", "QC-FQL", "BFN", "FQL", "RLPD", "RLPD-AC"):
    both = [f"{m:.0f} [{a:.0f}, {b:.0f}]" for m, a, b in (EARLY[name], SQUARE[name])]
    print(f"{name:28} {both[0]:>16} {both[1]:>14}")

# %% [markdown]
# - **Not the chunk.** RLPD with chunks (RLPD-AC) is *below* RLPD. So it is not that single actions are too little.
# - **Not the one-step backup.** FQL and BFN have it as well, and end at 12 and 24 %.
# - **Not a head start.** After 200K steps RLPD is far below QC. It wins late.
# - **What is left:** RLPD's policy is not tied to the demonstrations. FQL pays $\alpha = 10{,}000$ for leaving them. BFN can only choose among four samples of the cloned flow, QC among 16 chunks. Where demonstrators fumble, such methods stay among the fumbles. (And square is the task with the longest demonstrations: 80,731 transitions in 300, against 31,127 of lift.) A free policy can leave them, if it has the time: a million steps, half of each batch from demonstrations so that it does not get lost, ten critics.
#
# The last line is a **hypothesis**: the first three rule things out, they do not prove it. RLPD also has ten critics where the others have two, entropy, and networks of its own (lesson 06). The test would be: FQL and QC-FQL on square with α of 100, 1,000 and 10,000; and with ten critics. If the hypothesis holds, a smaller α helps *late* and hurts early; if it is the critics, ten of them help at any α. Both take a GPU. They have not been run.
#
# ## 9. Full runs
#
# With `FULL = True` the page above trains QC-FQL on Lift at the paper's size, on the human set if it can be fetched. The other cells, one after the other:

# %%
for task in ("lift", "can"):
    print(f'DATA="$(qlac data {task}-mh-low_dim)"   # the human set; without a network, 100 stand-ins')
    for method in ("qc", "qc-fql", "bfn", "fql"):
        config = make_config(f"{task}-mh-low_dim", method, "full", offline_steps=100_000, online_steps=0)
        where = f"runs/robomimic/{task}/{method}"
        print(f"qlac train --task {config.task} --method {method} --preset full --offline-steps 100000 \\")
        print(f'    --online-steps 0 --data "$DATA" --out {where} --resume')
    figures = {m: quoted(f"{task}-mh-low_dim", m)[100_000, 0][0] for m in ("qc", "qc-fql", "bfn", "fql")}
    print("# the paper:", ", ".join(f"{PAPER[m]} {100 * value:.0f} %" for m, value in figures.items()))
print("qlac report runs/robomimic --out report")

# %% [markdown]
# None of these has been run by the course yet: they take a GPU. On stand-ins a run may be drawn beside the paper's figures, but other data are another experiment, and the report says so.
#
# ## Summary
#
# - Demonstrations succeed, play does not. So α is large, N is small, and cloning alone is a baseline to be taken seriously.
# - A file can be wrong in ways that raise no error: two orders of `object`, a relative pose that is late, rows after the success. Each has a test that takes a few lines.
# - All demonstrations succeed, and still they differ: in time. With −1 a step, return-to-go is a clock, and it orders the tiers. That is what Q can use.
# - Cloning alone solves Lift most of the time. That chunks are cloned better than single actions was not shown here.
# - At the end QC-FQL was far ahead of FQL on Lift; halfway it was behind. FQL's fall was not Q's doing: a tighter tie changed nothing. So the lead of QC-FQL is not shown to be its critic's work either. Evaluate often, and test the explanation that comes to mind first.
# - Several methods may be best. On square RLPD is alone at the top; the table rules out three reasons and leaves one to be tested.
#
# ## Quiz
#
# 1. A file of square comes from robosuite 1.4. What happens if you train on it and evaluate in 1.5 without looking?
# <details><summary>Answer</summary>The halves of <code>object</code> are exchanged between data and simulator. No error is raised, and the policy sees nonsense.</details>
#
# 2. Why the median and not the mean in `layout_errors`?
# <details><summary>Answer</summary>Single rows are garbage, row 0 for sure. The median does not follow them.</details>
#
# 3. A demonstration has 200 steps and succeeds at the last. $\gamma = 0.99$. About what is $G_0$?
# <details><summary>Answer</summary>$-(1 - 0.99^{199}) / (1 - 0.99) \approx -86$. The last step earns 0.</details>
#
# 4. All demonstrations succeed. Why is a clone of them below 100 %?
# <details><summary>Answer</summary>It is not the demonstrator: its errors lead to states that no demonstration shows, and a clone of mixed styles may switch between them. Few data, too.</details>
#
# 5. Two methods have 97 [95, 99] and 100 [99, 100]. Is the second better?
# <details><summary>Answer</summary>By this rule it is not shown: the ends touch. More seeds would tell.</details>
#
# ## References and what comes next
#
# - A. Mandlekar and others, *What Matters in Learning from Offline Human Demonstrations for Robot Manipulation*, [arXiv 2108.03298](https://arxiv.org/abs/2108.03298): robomimic, its sets and their tiers.
# - Y. Zhu and others, *robosuite: A Modular Simulation Framework and Benchmark for Robot Learning*, [arXiv 2009.12293](https://arxiv.org/abs/2009.12293): the simulator.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): the protocol and the figures quoted.
# - P. Ball, L. Smith, I. Kostrikov, S. Levine, *Efficient Online Reinforcement Learning with Offline Data*, [arXiv 2302.02948](https://arxiv.org/abs/2302.02948): RLPD.
#
# **Next:** [09 · Ablations with matched controls](09_ablations.ipynb).
