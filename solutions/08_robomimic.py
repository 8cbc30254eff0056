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
# # 08 · Robomimic: learning from demonstrations
#
# With demonstrations that succeed, is there anything left for Q to do?
#
# **You will be able to** find out what the numbers of an undocumented file mean; say what a clone of demonstrations can and cannot do; choose a setting in a sweep without flattering yourself; find the one component of an action that causes a failure.
#
# **You need** [lesson 04](04_fql.ipynb) (QC-FQL), [lesson 06](06_offline_to_online.ipynb) (the online phase) and the simulator: `make robomimic`, once. **Time** about 90 minutes to work through; 2 to 3 minutes on two cores to run.
#
# ## 1. Guess first
#
# Three tasks of Robomimic: lift a cube, put a can into its bin, put a nut onto a peg. The human sets hold 300 demonstrations of each, by six people. They have to be downloaded, so this page makes 24 **stand-ins** of Lift (the recorded runs below learned from 300 of the same kind): scripts with way-points, noise and pauses, in three tiers. They have Robomimic's layout and length. They are not human data, and nothing measured on them speaks of people.

# %%
import numpy as np

from qlac_lite.lessons import drawings_of_lift as draw
from qlac_lite.lessons import experiment, lift_learners, lift_records, notebook, run_folder, shorten, show
from qlac_lite.lessons import lift_demonstrations as stand_ins
from qlac_lite.lessons import sweeps_of_alpha as lite
from qlac_lite.lessons.checks import lesson08 as checks
from qlac_lite.lessons.checks.lesson08 import REFUSED
from qlac_lite.utils.statistics import mean_interval

HOME = run_folder("lesson08")
FILES = stand_ins.make_files(HOME, lift=shorten(24, fast=6), can=1, square=1)  # this takes a while
if notebook.renderer() != "none":
    show(stand_ins.film(FILES), "A robot lifts a cube, carries a can to its bin, and puts a nut on a peg.")
DEMOS = stand_ins.demonstrations(FILES["lift"])
show(*draw.demonstrations(DEMOS))

# %% [markdown]
# (The hand's height in some demonstrations of Lift: grey where it waits at the cube, a dot where the fingers close. "Worse" scripts are slower, noisier, and hesitate longer.)
#
# All of them succeed. On play, lesson 07, nearly nothing did, and Q had to find out what leads to the goal. Here a perfect clone would do.
#
# **Question 1.** Which of these do you expect from a policy trained on 300 such demonstrations of Lift? (a) A clone is as good as its demonstrators, so it succeeds nearly always. (b) A clone fails sometimes: where, in the curves above? (c) Q knows that each step costs 1. What would it change?
#
# <details><summary>Our guess</summary>Not (a): a clone copies with errors, and an error leads to places that no demonstration shows. (b): we expect it to fail where little happens on the page and much in the hand, at the cube, where the demonstrator hesitates and then closes its fingers. A clone that misses this moment misses the cube. (c) Q should shorten the pauses, since they cost and bring nothing.</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_demonstrations", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %% [markdown]
# ## 2. The file, and its trap
#
# A Robomimic file is HDF5. Each demonstration has actions, rewards (0 or 1) and observations under names. For Can, `object` has 14 numbers: a pose in the world (place 3, quaternion 4), and the same pose seen from the hand (3 and 4 again). Files of robosuite 1.5 have one half first, files of 1.4 the other. **Nothing in the file says which.** Train on one order, act in the other, and the policy sees nonsense. No error is raised.
#
# But the distance between hand and object is told twice: by the two places in the world, and by the length of the relative place. Let us read our file both ways.

# %%
hand, thing = stand_ins.keys(FILES["can"], "robot0_eef_pos", "object")
show(*draw.two_readings(hand, thing))

# %% [markdown]
# Both readings are off by millimetres, on the left: with a limit of 2 cm both pass. (The hand points straight down: seen from it two of the three differences change their sign. Read the wrong way round, most of the same numbers come back with other signs, which lengths don't see.) The height on the right leaves no doubt: one reading puts the can on the floor. On a table, or lifted from it, an object is 0.6 to 1.6 m high.
#
# ### Your turn: `pose_column` (★★☆, 12 minutes)
#
# With $e$ the hand's place, $p$ the object's and $q$ the relative one, a reading passes if
#
# $$ \operatorname{median}_t \big|\, \lVert p_t - e_t\rVert - \lVert q_t\rVert \,\big| \le 0.02 \quad\text{and}\quad 0.6 < \operatorname{median}_t\, p_{t,3} < 1.6 $$
#
# In words: the two distances agree, and the object's height fits a table ($p_{t,3}$ is the third number, column 2 in Python). Lengths, because $q$ is seen from a hand that turns. Two medians, one for each test, because single rows of a file are garbage. If the check refuses an answer, `case = checks.last_case()` gives you the inputs that failed.
#
# <details><summary>Hint: neither or both</summary>Collect the columns that pass in a list, and ask for its length after the loop.</details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/08_robomimic.ipynb)

# %% nbgrader={"grade": false, "grade_id": "pose_column", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pose_column(hand, thing):
    """The column of `object` at which the object's own pose begins.

    1. For each of two readings, the pose at column 0 or at column 7 (and the relative half at
       the other): the median over rows of the absolute difference of the two distances.
    2. The median over rows of the height, the third number of the pose.
    3. A reading passes if its error is at most 0.02 m, and its height above 0.6 and below 1.6 m.
    4. If exactly one passes, the column is its 0 or 7. Else nobody can tell: REFUSED (-1).

    Args:
        hand: (T, 3) its place, in metres.
        thing: (T, 14) the file's `object`.

    Returns:
        column; errors (2,); heights (2,), of the pose at 0 first.
    """
    ### BEGIN SOLUTION
    errors, heights, passed = [], [], []
    for pose, relative in ((0, 7), (7, 0)):
        place = thing[:, pose : pose + 3]
        seen = thing[:, relative : relative + 3]
        away = np.linalg.norm(place - hand, axis=1)
        off = np.abs(away - np.linalg.norm(seen, axis=1))
        error = np.median(off)
        height = np.median(place[:, 2])
        if error <= 0.02 and 0.6 < height < 1.6:
            passed.append(pose)
        errors.append(error)
        heights.append(height)
    column = passed[0] if len(passed) == 1 else REFUSED
    return column, np.array(errors), np.array(heights)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pose_column", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
pose_column = checks.check_pose_column(pose_column)

# %%
for task in ("can", "square"):
    hand, thing = stand_ins.keys(FILES[task], "robot0_eef_pos", "object")
    for about, numbers in (("as it is", thing), ("halves exchanged", np.roll(thing, 7, axis=1))):
        column, errors, heights = pose_column(hand, numbers)
        told = f"off by {1000 * errors[0]:.1f} and {1000 * errors[1]:.1f} mm, "
        print(f"{task:6} {about:16} {told}{heights[0]:.2f} and {heights[1]:.2f} m high: pose at {column}")

# %% [markdown]
# Your function reads both orders. The loader asks the same of every file, and `qlac data --verify FILE` refuses one where no reading passes. (The right reading is off by a millimetre, because robosuite 1.5 writes the relative half a sample late. The loader computes it anew. [More such faults](https://github.com/qlac-lite/qlac-lite/blob/main/docs/faq.md) are mended on the way.)
#
# ## 3. Cloning: single actions or chunks
#
# First the behavior alone, without a reward. **BC** is a flow over single actions, **chunk BC** a flow over chunks of five, each executed open loop: it observes nothing in between. Both learned from 300 stand-ins of Lift, with two layers of 128 and six seeds, ten episodes each.
#
# **Predict:** which one succeeds more often, and which one sooner? Think of the pauses: a policy that sees one observation has to decide at every step whether the pause is over.

# %%
RUNS = lift_records.runs()
show(*draw.success({"BC": RUNS["bc"], "chunk BC": RUNS["chunk-bc"]}))
print(lift_records.beside("chunk-bc", "bc"))

# %% [markdown]
# (Bars and brackets are 95 % intervals over seeds. `mean_interval(values)` gives them: it takes one row per seed, and returns mean, low and high. Steps are those of the episodes that succeed, averaged in each seed first.)
#
# In success **no difference is shown**: 15 points [-19, 49] after 8,000 updates. In time a difference is shown: where it succeeds, chunk BC needs 59 steps fewer [15, 102], and 56 [19, 93] after 4,000 environment steps, during which both also clone their own episodes. But the two succeed in different episodes (80 % and 65 % of them), and some may be harder and longer: this selection is not taken out. The pauses may explain it; nothing here singles them out. The demonstrators needed 89 steps on average.
#
# ## 4. What Q adds
#
# QC-FQL has chunk BC inside, and a one-step policy beside it that imitates the flow and climbs Q. FQL has BC inside. Data, networks and updates are equal. The weight of the imitation against Q, [lesson 04](04_fql.ipynb)'s $\alpha$, is 1,000 (the paper takes 10,000 on Robomimic, and 100 or 300 on play data). After 8,000 updates, 4,000 environment steps follow. The clones also keep training, on the demonstrations and on their own episodes, failures included. (They were evaluated every 4,000, the others every 2,000.)
#
# **Predict:** in which order do the four curves end, and does QC-FQL need fewer steps than chunk BC?

# %%
NAMES = {"qc-fql": "QC-FQL", "fql": "FQL", "chunk-bc": "chunk BC", "bc": "BC"}
show(*draw.success({name: RUNS[folder] for folder, name in NAMES.items()}))
print(lift_records.beside("qc-fql", "chunk-bc"), lift_records.beside("fql", "bc", steps=False), sep="\n")

# %% [markdown]
# QC-FQL ends at 98 %. But chunk BC, which has never seen a reward, ends at 93: that Q adds **success** is not shown, neither here, 5 points [-9, 19], nor before the online phase, 15 [-17, 47].
#
# **It is faster**, again where it succeeds. At the end QC-FQL needs 90 steps, about as many as the demonstrators, and chunk BC 124: 34 fewer [9, 58]. Before the online phase that is not shown, -16 [-53, 20]. Our guess in Question 1 (c) was that Q shortens the *pauses*; here only all steps are counted. And QC-FQL climbs Q *and* acts by a one-step policy: this pair does not tell which of the two saves the steps.
#
# Two questions are left. Would another $\alpha$ let Q do more, in success or in time? And what has happened to FQL? It contains BC, and ends far below.
#
# ### A sweep that does not flatter
#
# To answer the first, try some values of $\alpha$ and keep the best. There is a trap in it: with ten episodes a seed, success is noisy. The best of five equal settings looks better than it is, *because* it was chosen for its luck. The way out: some seeds choose, and others report.
#
# ### Your turn: `choose_alpha` (★★★, 18 minutes)
#
# The largest $\alpha$ is the control. It ties the policy to the clone so tightly that Q has no say. What the chosen $\alpha$ gains over it is what Q adds.
#
# <details><summary>Hint: matched runs</summary>Ask <code>success_of</code> for all seeds once for each alpha, and keep the arrays as rows of one array: then seed 3 is the same column throughout.</details>
# <details><summary>Hint: equal means</summary><code>np.argmax</code> gives the first of equal ones. You want the last.</details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/08_robomimic.ipynb)

# %% nbgrader={"grade": false, "grade_id": "choose_alpha", "locked": false, "schema_version": 3, "solution": true, "task": false}
def choose_alpha(success_of, alphas, seeds):
    """The alpha that a sweep chooses, and what it gains on seeds that had no say in the choice.

    1. Run every alpha with the same seeds.
    2. The first len(seeds) // 2 seeds choose: the alpha with the largest mean success. If
       several are equal, take the largest alpha, which stays closest to the data.
    3. The gain is the success with that alpha less the success with the last alpha, seed by seed.
    4. Report its mean and 95 % interval (`mean_interval`) on the other seeds. Also give its mean on
       the seeds that chose: that is the number which flatters.

    Args:
        success_of: success_of(alpha, seeds) gives (n,), percent.
        alphas: growing; the last one is the control.
        seeds: (n,) int.

    Returns:
        alpha, mean, low, high, flattered
    """
    ### BEGIN SOLUTION
    rates = []
    for alpha in alphas:
        rates.append(success_of(alpha, seeds))
    rates = np.array(rates)  # (alphas, n)

    half = len(seeds) // 2
    means = rates[:, :half].mean(axis=1)
    equal = np.flatnonzero(means == means.max())
    best = equal[-1]

    gain = rates[best] - rates[-1]
    mean, low, high = mean_interval(gain[half:])
    flattered = gain[:half].mean()
    return alphas[best], mean, low, high, flattered
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_choose_alpha", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
choose_alpha = checks.check_choose_alpha(choose_alpha)

# %% [markdown]
# First a sweep where you know the truth: five alphas, all of which succeed in 60 % of the episodes, six seeds of ten episodes. **Predict:** how many points does the chosen one seem to gain?

# %%
rng = np.random.default_rng(0)


def pretended(alpha, seeds):
    """Success of a run in which alpha does not matter at all."""
    return 10.0 * rng.binomial(10, 0.6, size=len(seeds))


sweeps = [choose_alpha(pretended, [1, 10, 100, 1000, 10_000], np.arange(6)) for _ in range(500)]
_, reported, _, _, flattered = np.array(sweeps, float).T
for name, gains in (("chose", flattered), ("report", reported)):
    print(f"gain on seeds that {name}: {'{:.1f} [{:.1f}, {:.1f}]'.format(*mean_interval(gains))} points")

# %% [markdown]
# All alphas are equal, and still the chosen one seems to gain some ten points on the seeds that chose it. On the others no gain is shown: the truth.
#
# Now a real one. A sweep on Lift takes hours of simulation, so we take the lite world of lesson 04, which is compiled: 100 demonstrations of its task by a script with two routes, pauses and noise. QC-FQL learns from them, without an online phase.
#
# **Question 2.** We try 10, 100, 1,000, and a million as the control. Which $\alpha$ will be chosen, and what does it gain over the control?
#
# <details><summary>Our guess</summary>Something in the middle. Demonstrations show little of what happens when one leaves them, so with 10 the policy should follow errors of Q. With 100 or 1,000 it may save pauses, and we expect a gain of some ten points.</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_sweep", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %%
print(lite.told_demonstrations())
seeds = np.arange(shorten(8, fast=4))
rates = lite.run_all(seeds)  # this takes a while
show(*draw.sweep(rates, len(seeds) // 2))
alpha, mean, low, high, flattered = choose_alpha(lite.success_of, lite.ALPHAS, seeds)
print(f"chosen: alpha = {alpha:,.0f}; it gains {mean:.0f} [{low:.0f}, {high:.0f}] points over the control")
print(f"on the seeds that chose it gains {flattered:.0f}")
for alpha in lite.ALPHAS[:-1]:
    less = lift_records.apart(rates[alpha], rates[lite.ALPHAS[-1]])
    print(f"alpha = {alpha:5g} less the control, all seeds: {less} points")
times = [lite.steps_of(alpha, seeds) for alpha in lite.ALPHAS[2:]]
one, control = (lift_records.told(each, (0, 150)) for each in times)
print(f"steps to success: alpha = 1000: {one}; control: {control}; apart {lift_records.apart(*times, 150)}")

# %% [markdown]
# **No alpha is shown to beat the control.** The sweep chooses the control, so the printed gain, 0 [0, 0], is the control's over itself and measures nothing. With $\alpha = 1000$ it is 1 point [-4, 5], with 100 it is -12 [-25, 1], and with 10, the value for this world's *play* (lesson 04), the policy succeeds in 0 %. Nor is a gain in time shown, where they succeed: 63 steps against 63, apart 0 [-1, 1]. Here the control, too, acts by a one-step policy, so this pair differs in Q alone. And there was room: all 100 demonstrations succeed, and the control reaches 49 %. A likely reason, not tested here: the data hold nothing but ways to success, so the critic has never seen what a wrong action leads to.
#
# ## 5. Bug hunt: a critic that keeps sinking
#
# A colleague loads Lift's demonstrations herself. Her clone works, so she trusts the loader. But look at her critic. Each step costs 1, and a success ends it. The dotted line is what the demonstrations earned from a step on, on average over their steps: the return-to-go, discounted with $\gamma = 0.99$ as the critic does. The line below is the lowest of these returns, from the first step of the longest demonstration.

# %%
def her_rows(demonstrations):
    """Flat rows for the learner: observations, actions, rewards, masks, ends."""
    rows = []
    for demo in demonstrations:
        observations = demo["observations"]
        count = len(observations)
        actions = np.zeros((count, 7))
        actions[:-1] = demo["actions"]
        rewards = np.zeros(count)
        rewards[1:] = demo["rewards"]
        masks = rewards == 0
        ends = np.arange(count) == count - 1
        rows.append((observations, actions, rewards - 1, masks, ends))
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


hers = lift_learners.watch_critic(her_rows, DEMOS)
show(*draw.critics({"hers": hers}, DEMOS))

# %% [markdown]
# (QC-FQL on the page's demonstrations, eight seeds, 95 % intervals. A demonstration with $T$ steps has $T + 1$ observations, so every demonstration has one row more than steps. `ends` marks this last row, so that the learner knows where one demonstration stops and the next begins: no chunk contains a marked row. A mask of 0 says that the task was solved by this step.)
#
# **Question 3.** (a) The critic values the demonstrators' own chunks. Could it be right at the end of her curve? (b) If nothing ever ended, what would Q be, at $\gamma = 0.99$ and a cost of 1 a step? (c) Which rows tell the critic that something ends, and does it ever see one? (d) Why does the clone notice nothing?
#
# <details><summary>Our answer</summary>(a) No: these chunks, and the policy that imitates their demonstrators, should earn about what the demonstrators earned, the dotted line. (b) -1 / (1 - 0.99) = -100. Her curve stops at -64 and still falls, so it is on the way there; whether it would arrive is not shown. (c) Only a row with the mask 0. She writes each reward at the observation that it led to, so the success stands in the last row, which is in no chunk. (d) It reads neither rewards nor masks.</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bottom", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %% [markdown]
# ### Your turn: `mended_rows` (★★☆, 8 minutes)
#
# Write her function again, mended. If your change misses the cause, the check says why.
#
# <details><summary>Hint</summary>Row <i>t</i> holds the observation before a step and the action of that step. Whose reward and whose mask belong beside them?</details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/08_robomimic.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mended_rows", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_rows(demonstrations):
    """As her_rows, mended. Row t is about the step from observation t to t + 1.

    The last row of each demonstration begins no step: action 0, reward -1, mask 1.
    Each demonstration has observations (T + 1, S), actions (T, 7), rewards (T,) of 0 or 1.
    """
    ### BEGIN SOLUTION
    rows = []
    for demo in demonstrations:
        observations = demo["observations"]
        count = len(observations)
        actions = np.zeros((count, 7))
        actions[:-1] = demo["actions"]
        rewards = np.zeros(count)
        rewards[:-1] = demo["rewards"]  # of the step that begins here
        masks = rewards == 0
        ends = np.arange(count) == count - 1
        rows.append((observations, actions, rewards - 1, masks, ends))
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mended_rows", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mended_rows = checks.check_mended_rows(mended_rows)

# %%
mended = lift_learners.watch_critic(mended_rows, DEMOS)
show(*draw.critics({"hers": hers, "mended": mended}, DEMOS))
for name, (_, q) in {"hers": hers, "mended": mended}.items():
    print(f"{name:6} mean Q at the end {lift_records.told(q[:, -1], (-100, 0))}")
print(f"hers less mended: {lift_records.apart(hers[1][:, -1], mended[1][:, -1])}")

# %% [markdown]
# Yours ends at -38 [-40, -36], close to the dotted line (-36). Hers ends 26 points lower [23, 28] and still sinks. No shape was wrong and nothing was raised. Only comparing Q with the known returns exposed the bug.
#
# ## 6. Why FQL fell
#
# FQL has BC inside. Here is its fall, with our $\alpha$ and with the paper's, which ties the policy ten times tighter. Beside it stands the squared distance of the policy from the flow, the loss of the distillation divided by $\alpha$.

# %%
data = RUNS["fql"].data
print(f"{data['episodes']} demonstrations, {data['transitions'] / data['episodes']:.0f} steps on average")
for name in ("fql", "fql-alpha-10000"):
    for step in (4000, 8000):
        rate = lift_records.told(lift_records.by_seed(RUNS[name])[step, 0])
        mean, low, high = mean_interval(lift_records.distance(RUNS[name], step))
        print(f"{name:15} after {step:,} updates: {rate:11} %; distance {mean:.4f} [{low:.4f}, {high:.4f}]")

# %% [markdown]
# Both end at 8 %, and the two distances agree to three digits: ten times less weight on Q changes neither. So Q is not the first suspect. What is left is the distillation. Yet its distance *falls* while success falls.
#
# **Question 4.** The distance is measured at the observations of the demonstrations, not at the policy's own. Suppose the policy imitates the flow perfectly, except that it never begins to close its fingers. This is wrong in one step of a demonstration: in the next observation the demonstrator's fingers close already, and there the policy follows. The gripper's number is -1 (open) or 1 (closed), an action has seven numbers, and each demonstration begins to close once. How large is the squared distance, averaged over all numbers and all steps of the 300 demonstrations?
#
# <details><summary>Our answer</summary>Once in a demonstration of 89 steps the flow closes and the policy does not: a squared distance of 2² = 4 in one of seven numbers. So the mean is 4 / (7 · 89) = 0.0064.</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_distance", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %%
print(f"never begins to close: {4 * data['episodes'] / data['transitions'] / 7:.4f}")

# %% [markdown]
# By this count, a distance of 0.0053 leaves room to miss most grasps (all of them would cost 0.0064), but does not show that any are missed. Which of the seven numbers does a policy copy worst, at the cube? And what happens if that one alone is exchanged?
#
# ### Your turn: `suspect` (★★★, 15 minutes)
#
# You get the actions of a flow and of its policy, for the same observations and the same noise, and say which number is the suspect. Its interval has to lie above all others', which is stricter than section 4's paired difference: here the seeds that report a number have also chosen it. Then you build the test: the policy's actions with that number exchanged.
#
# <details><summary>Hint: shares</summary>Three axes: seeds, rows, numbers. Take the mean over the middle one, and divide by the sum over the last one with <code>keepdims=True</code>.</details>
# <details><summary>Hint: above all the others</summary><code>np.delete(high, worst)</code> is <code>high</code> without one entry.</details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/08_robomimic.ipynb)

# %% nbgrader={"grade": false, "grade_id": "suspect", "locked": false, "schema_version": 3, "solution": true, "task": false}
def suspect(flow, policy, waits):
    """The number of an action that the policy copies worst, and the actions that test it.

    1. The squared distance of policy and flow in each number, mean over the rows that wait; as a
       share (%) of its sum over the seven numbers, seed by seed.
    2. Mean and 95 % interval of each share over the seeds (`mean_interval`).
    3. A number is the suspect if its interval lies above those of all the others. Else: REFUSED (-1).
       (It is not their difference that is asked.)
    4. The test: the policy's actions, with the suspect's number from the flow, in all rows. Without
       a suspect, the policy's own.

    Args:
        flow, policy: (n, T, 7) actions of n seeds.
        waits: (W,) the rows, by number, where the hand waits at the cube with open fingers.

    Returns:
        number; mean, low, high (7,); swapped (n, T, 7).
    """
    ### BEGIN SOLUTION
    apart = (policy - flow)[:, waits] ** 2
    by_number = apart.mean(axis=1)
    shares = 100 * by_number / by_number.sum(axis=1, keepdims=True)
    mean, low, high = mean_interval(shares)

    worst = np.argmax(mean)
    swapped = policy.copy()
    number = REFUSED
    if low[worst] > np.delete(high, worst).max():
        number = worst
        swapped[:, :, number] = flow[:, :, number]
    return number, mean, low, high, swapped
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_suspect", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
suspect = checks.check_suspect(suspect)

# %% [markdown]
# Now a flow and a policy of this page: single actions, no Q, three quarters of the 24 demonstrations. Your function looks at them on the others. **Predict** the share of the gripper, number 6. Equal shares would be 14 %.

# %%
imitated = lift_learners.make_imitated(DEMOS)
found = imitated(np.arange(shorten(8, fast=2)))
flow, policy = found.flow[:, :, 0], found.policy[:, :, 0]
waits = np.flatnonzero(found.waits)
number, mean, low, high, swapped = suspect(flow, policy, waits)
print(f"suspect: number {number}; largest share {mean.max():.0f} % [{low.max():.0f}, {high.max():.0f}]")
closed = 100 * np.mean(found.theirs[waits, 6] > 0)
print(f"the hand waits in {len(waits)} rows; the demonstrator closes in {closed:.0f} % of them")
opened = flow.copy()
opened[:, waits, 6] = -1
whole, price = np.mean((policy - flow) ** 2), np.mean((opened - flow) ** 2)
print(f"distance of the policy {whole:.3f}; of the flow, with open fingers in these rows, {price:.3f}")
for name, acts in (("flow", flow), ("policy", policy), ("policy, suspect swapped", swapped)):
    print(f"{name:23} closes in {lift_records.told(lift_learners.closes(acts[:, :, None], waits))} %")

# %% [markdown]
# The suspect is the gripper, with 63 % [57, 70] of the squared distance where the hand waits. There the demonstrator closes in 13 % of the rows, one in eight, and the small flow in 20 % [14, 26]. The policy should close for exactly the noise samples for which the flow does, and has to find them in a single pass. To answer "open" in all of them would cost 0.019 (this flow closes about four times in each demonstration, Question 4 counted one). The policy's whole distance is 0.011, so here a policy that never closes would show.
#
# A suspect is not convicted yet. The gripper jumps between -1 and 1, and may lead by this scale alone. The last line equals the flow's by construction: it *is* the flow's gripper. After 1,000 updates this policy closes in 20 % [17, 23]: that it closes less often than its flow is not shown.
#
# **The test** is your swap in the simulator, on Lift at full size: flow and policy trained without Q on the first 264 of the same stand-ins (a smaller file than the runs above had), six seeds, five episodes each. Three actors act: the flow, the policy, and the policy with the flow's number 6. **Predict** the third one, if the gripper decides, and if it does not.

# %%
show(*draw.fall())
last = lift_records.evaluated()[-1]
for actor, name in lift_records.ACTORS.items():
    stuck, failed = lift_records.stuck(actor, last)
    told = f"{name:31} {lift_records.told(lift_records.rates(actor, last)):13} %"
    print(f"{told}; {stuck} of {failed} failures end at the cube with open fingers")
for updates in lift_records.evaluated():
    gain = lift_records.apart(*(lift_records.rates(actor, updates) for actor in ("with-grip", "policy")))
    print(f"after {updates:,} updates, with the flow's gripper less with its own: {gain} points")

# %% [markdown]
# **It is one number of seven.** After 8,000 updates the flow succeeds in 67 % [32, 100]. Its one-step policy succeeds in none of 30 episodes (printed as 0 [0, 0], since all seeds agree; a true rate of about 10 % would still fit), and 28 of these end at the cube with open fingers. With the flow's gripper it is at 67 % again, 67 points more than with its own [38, 95]. No Q took part: the distillation alone *suffices* to lose the grasp. And Question 1 (b)? Most of the flow's own failures end there, too: 8 of 10.
#
# After 4,000 updates no difference is shown: 20 points [-31, 71].
#
# ## 7. Your own experiment
#
# What a clone does at the cube can be measured without a simulator. `try_out` trains the imitators of section 6.
#
# | knob | values | what it is |
# |---|---|---|
# | `H` | 1 to 10 (1) | chunk length |
# | `tier` | `"better"`, `"okay"`, `"worse"`, `"all"` (`"all"`) | whose demonstrations |
# | `actor` | `"flow"`, `"policy"` (`"flow"`) | who acts |
# | `updates` | 100 to 3000 (1000) | gradient steps |
# | `report` | `"closes"`, `"motion"` | how often (%) it closes, at some step of its chunk, where the hand waits; root of the mean squared error of the first action's other six numbers |
#
# Our example: *why does QC-FQL not fall?* A policy of chunks may keep the beginning of the grasp. It has five chances to close in a chunk, so we predict "higher", and that alone would prove little. As a control we take the error of the motion, and predict no difference.

# %%
# Change me: a question, one knob that differs, and your prediction before you run it.
try_out = lift_learners.make_try_out(imitated)
count, five, one = shorten(8, fast=2), dict(H=5, actor="policy"), dict(H=1, actor="policy")
difference = experiment(try_out, five, one, "higher", "closes where it waits (%)", count)
motion = dict(report="motion")
control = experiment(try_out, five | motion, one | motion, "no difference", "error of the motion", count)

# %% [markdown]
# The prediction held: the policy of chunks closes in 30 % of these rows and that of single actions in 20 %, 10 points more [6, 14]. But five independent chances of 20 % would give $1 - 0.8^5 = 67$ %. And the control failed: the *motion* of the chunk's first action is worse, too, by 0.015 [0.010, 0.020]. A policy that is less sharp may also close more often by mistake, so this run does not show *why* QC-FQL does not fall. The same pair with `updates=3000` would be the next step.
#
# ## Summary
#
# **With demonstrations that succeed, is there anything left for Q to do?** In success it is not shown: on Lift QC-FQL ends at 98 % and a chunk clone, which has never seen a reward, at 93, and in the lite world no $\alpha$ is shown to beat the control. In time there may be, where it solves Lift, but QC-FQL also acts by a one-step policy. FQL's fall appears without Q too: the distillation loses the moment of the grasp.
#
# Three findings:
#
# 1. On Lift, in episodes that succeed, QC-FQL needs 34 steps fewer than chunk BC after 4,000 steps online [9, 58]; in success no difference is shown, 5 points [-9, 19].
# 2. In the lite world QC-FQL on demonstrations is not shown to gain by Q: 1 point [-4, 5] with $\alpha = 1000$; with $\alpha = 10$, the value for play, it loses all of 49 points [41, 57].
# 3. On Lift the one-step policy of single actions succeeds in 0 of 30 episodes after 8,000 updates; with the flow's gripper, success rises by 67 points [38, 95].
#
# <details><summary>Not shown</summary>
#
# | question | these runs |
# |---|---|
# | Do chunks succeed more often than single actions? | 15 points on Lift [-19, 49], and 13 [-7, 34] after the online phase. |
# | Does Q save the steps on Lift, or the one-step policy? | Not separated there. In the lite world, where both have one, no gain in time is shown. |
# | Would Q bring the grasp back, with a smaller $\alpha$ on Lift? | Not run. In the paper FQL is at 75 % after 100,000 updates of four layers of 512, on human data. |
# | Why does QC-FQL not fall, and why is it at 12 % after 4,000 updates? | Section 7 begins to ask; not run on Lift. |
# | Does Q help on demonstrations that are fewer or worse? | Not run. |
# | Is it so on human demonstrations? | Not run: the sets have to be downloaded, and the paper's size takes a GPU. `qlac data lift-mh-low_dim`, then `qlac train --preset full`. |
# | Why does RLPD win on square, in the paper? | RLPD 98 %, QC 93, QC-FQL 76, FQL 12 at the end. RLPD's policy is not tied to the demonstrations, and it has ten critics. `docs/sweeps/square.toml` is the test; not run. |
# </details>
#
# ## Quiz
#
# 1. A file comes from robosuite 1.4, and you train on it and act in 1.5 without looking. What do you notice? <details><summary>Answer</summary>Only that the policy fails. The halves of <code>object</code> are exchanged, all shapes are right, and no error is raised.</details>
# 2. A demonstration of 200 steps succeeds at its last. With $\gamma = 0.99$, what is its return from the first step? <details><summary>Answer</summary>$-(1 - 0.99^{199}) / (1 - 0.99) \approx -86$. The last step earns 0.</details>
# 3. You try twenty settings with three seeds each and report the best one's mean. What should the reader think? <details><summary>Answer</summary>That it is flattered. Run the chosen setting, and the control, with seeds that had no say.</details>
# 4. Two actors are 0.006 apart in the mean square, and one of them fails. How can that be? <details><summary>Answer</summary>The mean is over all numbers and all steps. One number at one moment may decide, and it hardly weighs.</details>
#
# ## References and what comes next
#
# - A. Mandlekar and others, *What Matters in Learning from Offline Human Demonstrations for Robot Manipulation*, [arXiv 2108.03298](https://arxiv.org/abs/2108.03298): Robomimic, its sets and their tiers.
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): the protocol on Robomimic.
# - S. Park, Q. Li, S. Levine, *Flow Q-Learning*, [arXiv 2502.02538](https://arxiv.org/abs/2502.02538): the one-step policy.
#
# **Next:** [09 · Ablations with matched controls](09_ablations.ipynb).
