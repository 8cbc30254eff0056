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
# # 09 · Ablations: which part does the work?
#
# Which part of Q-LAC (Q-learning with action chunking) does the work, and what would you try first on your own robot?
#
# **You will be able to** find the matched pairs in a list of runs and report their difference; say how many seeds it takes to see one; find a leak in a harness for comparisons; say what a part does without and with another one; say when you would use chunks, and how you know.
#
# **You need** [lesson 02](02_backups.ipynb) (backups) and [lesson 04](04_fql.ipynb) (QC-FQL, best of $N$). **Time** about 90 minutes to work through; a minute on two cores to run.
#
# ## 1. Guess first
#
# Two methods in the lite world of lesson 04, eight seeds each. BFN draws some single actions and takes the best of them, QC does that with chunks of five. Success is the mean of five evaluations while they learn online: **over the curve**. That was chosen before the runs were made. (Grey lines: the seeds. Squares: the means with their 95 % intervals.)

# %%
import inspect

import numpy as np
import scipy.stats

from qlac_lite.lessons import drawings_of_ablations as draw
from qlac_lite.lessons import experiment, maze_learners, shorten, show
from qlac_lite.lessons import recorded_ablations as records
from qlac_lite.lessons.checks import lesson09 as checks
from qlac_lite.reports import findings
from qlac_lite.utils.statistics import mean_interval

measure = "success over the curve (%)"
show(*draw.two_methods(*records.two_runs(), ("BFN", "QC"), measure))

# %% [markdown]
# **Question 1.** QC is far ahead, in every seed. A paper might write: "Chunks gain 35 points." Would you sign that? What do you need to know first? Write it down before you read on.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_chunks", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** No. The interval is narrow, so the two methods do differ. But the picture does not say what makes them differ. We need to know whether they have the same $N$, the same data, the same number of updates. Anything that differs could be the cause.

# %%
settings, success = records.candidates()  # (C, 2): H and N of each run; (C, R): success by seed
print("runs, (H, N):", *map(tuple, settings.tolist()))

# %% [markdown]
# The picture had BFN with $N = 2$ and QC with $N = 8$. *Two* settings differ, so either could have done it.
#
# ## 2. Matched pairs
#
# Two runs are a **matched pair** if they differ in one setting, the *factor*, and in nothing else. They also share their seeds: the same random numbers, the same starts. So compare them seed by seed. With $d_i$ for the difference on seed $i$, $s_d$ for the standard deviation of these differences, and $n$ seeds:
#
# $$ \bar d \;\pm\; t_{0.975,\,n-1}\, \frac{s_d}{\sqrt n} $$
#
# In words: the mean difference, give or take what other seeds might change.
#
# ### Your turn: `matched_pairs` (★★☆, 15 minutes)
#
# If the check refuses an answer, `case = checks.last_case()` gives you the inputs that failed.
#
# <details><summary>Hint: one setting alone</summary>
#
# `differs = settings[i] != settings[j]` has an entry for each setting. How many may be True, and which one?
# </details>
# <details><summary>Hint: seeds without a result</summary>
#
# A difference is nan if either run lacks the seed. `np.isnan` finds these, `~` keeps the others.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/09_ablations.ipynb)

# %% nbgrader={"grade": false, "grade_id": "matched_pairs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def matched_pairs(settings, success, factor):
    """The matched pairs of a factor, each with its difference: (P, 5), rows of i, j, mean, low, high.

    1. Take the pairs of runs (i, j) that differ in the setting `factor` and in no other. 0.99 and
       0.995 are different settings. Run i has the smaller value of the factor. No pairs: shape (0, 5).
    2. Subtract seed by seed, j minus i. Drop the seeds that one of the two lacks.
    3. The mean, and its 95 % t-interval over the seeds that are left.
    4. Order the rows by i, then by j.

    Args:
        settings: (C, F), a row for each run.
        success: (C, R), by seed; nan where a run lacks that seed. A pair shares two seeds at least.
        factor: a column of settings.
    """
    ### BEGIN SOLUTION
    found = []
    for i, less in enumerate(settings):
        for j, more in enumerate(settings):
            differs = less != more
            if differs.sum() != 1:
                continue
            if not less[factor] < more[factor]:
                continue
            apart = success[j] - success[i]
            apart = apart[~np.isnan(apart)]
            n = len(apart)
            mean = apart.mean()
            reach = scipy.stats.t.ppf(0.975, n - 1) * apart.std(ddof=1) / np.sqrt(n)
            found.append((i, j, mean, mean - reach, mean + reach))
    return np.reshape(found, (-1, 5))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_matched_pairs", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
matched_pairs = checks.check_matched_pairs(matched_pairs)

# %% [markdown]
# Now use it twice. **Predict:** what do chunks add at the same $N$? What do more candidates add at the same $H$?

# %%
chunks, more = "chunks of 5 minus single actions", "more candidates minus fewer"
groups = {chunks: {}, more: {}}
for i, _, *interval in matched_pairs(settings, success, 0):
    groups[chunks][f"both with N = {settings[int(i), 1]}"] = interval
for i, j, *interval in matched_pairs(settings, success, 1):
    (length, few), (_, many) = settings[int(i)], settings[int(j)]
    groups[more][f"N: {many} minus {few}, H = {length}"] = interval
show(*draw.forest(groups, "points over the curve"))
for title, pairs in groups.items():
    print(title + ":", *records.lines(pairs))
runs = {tuple(setting): by_seed for setting, by_seed in zip(settings.tolist(), success, strict=True)}
print("means in %, (H, N):", *(f"{setting} {by_seed.mean():.0f};" for setting, by_seed in runs.items()))
with_8, with_32 = (runs[5, n] - runs[1, n] for n in (8, 32))
print("what chunks add with N = 32 minus what they add with N = 8:", records.apart(with_32, with_8))

# %% [markdown]
# **What chunks are worth depends on $N$: at $N = 8$ they cost 8 points [1, 14], at $N = 32$ they gain 10 [4, 17].** Seed by seed the second is 18 points more than the first [9, 28]; section 6 has a name for such a number. (Differences are rounded last.) The whole lead of the first picture came from $N$. A likely reason, not tested: a chunk has fifteen numbers and an action three, so it takes more candidates to find a good one. Had we stopped at 8, we would have told the opposite story. (At $N = 2$ both solve about 1 %. Two methods at the **floor** look alike whatever they are, so that pair tells us nothing about chunks.) The paper's table has the first picture's trap: on its puzzle tasks QC has $N = 64$ and BFN $N = 4$. We [haven't run BFN with 64](https://github.com/qlac-lite/qlac-lite/blob/main/results/README.md#owed).
#
# ## 3. How many seeds?
#
# Here we turn some knobs of QC-FQL in the same world, one at a time. The control has $H = 5$, two critics, four Euler steps of its flow, the weight $\alpha = 10$ that ties the policy to the flow, and one update per step; it trains on chunks that start at every step. Each change is compared with it on the same eight seeds.

# %%
factors = records.factors()
knobs = {name: mean_interval(apart) for name, apart in factors.items()}
show(*draw.forest({"each minus the control": knobs}, "points over the curve"))
level = records.success("factors")["qc-fql-control"].mean()
print(f"control: {level:.0f} %. Each knob minus the control:", *records.lines(knobs))
updates, steps = factors["5 updates per step"], factors["5 times the steps"]
print(f"5 updates per step minus 5 times the steps: {records.apart(updates, steps)}")
spreads = [apart.std(ddof=1) for apart in factors.values()]
spread = np.median(spreads)
print(f"standard deviation over seeds: {min(spreads):.1f} to {max(spreads):.1f}, median {spread:.1f} points")

# %% [markdown]
# Blue intervals exclude 0. **Five updates per environment step add 40 points [34, 47].** Five times the environment steps, with one update each, make as many updates, and add only 6 points more [3, 10]. So the agent lacked updates more than data. (The paper finds no gain; its critic has had a million updates before the online phase, ours a thousand.) A flow with one Euler step instead of four costs 22 points [11, 32]. Tying the policy ten times more tightly to the flow costs 40 of the control's 41. And the grey ones? An interval that holds 0 does not say that there is *no* difference. It says that these eight seeds do not show one. Would they have? Invent experiments whose truth you know, and count how often they see it. This is the **power** of an experiment.
#
# ### Your turn: `chance_to_see` (★★☆, 15 minutes)
#
# <details><summary>Hint: fewer seeds</summary>
#
# You need no new noise: an experiment with `seeds` seeds is the first `seeds` columns. The first chance belongs to two seeds.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/09_ablations.ipynb)

# %% nbgrader={"grade": false, "grade_id": "chance_to_see", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chance_to_see(noise, apart, spread, wanted):
    """How often experiments see a true difference, by their number of seeds.

    1. The differences seed by seed: apart + spread * noise.
    2. For 2, 3, ... R seeds: the mean over the first so many seeds, and its 95 % t-interval.
    3. The chance is the share of experiments whose interval excludes 0, on either side.
    4. Find the fewest seeds with a chance of `wanted` or more.

    Args:
        noise: (M, R) standard normal, a row for each invented experiment.
        apart, spread: the true difference; the standard deviation of differences over seeds.
        wanted: a chance, 0 to 1.

    Returns:
        chances: (R - 1,), the first one with 2 seeds.
        needed: a number of seeds, or 0 if even R are not enough.
    """
    ### BEGIN SOLUTION
    seen = apart + spread * noise
    chances, needed = [], 0
    for seeds in range(2, noise.shape[1] + 1):
        own = seen[:, :seeds]
        quantile = scipy.stats.t.ppf(0.975, seeds - 1)
        reach = quantile * own.std(axis=1, ddof=1) / np.sqrt(seeds)
        outside = np.abs(own.mean(axis=1)) > reach
        chances.append(outside.mean())
        if needed == 0 and chances[-1] >= wanted:
            needed = seeds
    return np.array(chances), needed
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chance_to_see", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
chance_to_see = checks.check_chance_to_see(chance_to_see)

# %% [markdown]
# **Predict:** with the spread of our knobs, how often do eight seeds see a true difference of 10 points? Of 5? How many seeds does it take to see each in four of five experiments?

# %%
noise = np.random.default_rng(0).normal(size=(shorten(4000, fast=200), 24))
powers = {gap: chance_to_see(noise, gap, spread, 0.8) for gap in (3, 5, 10, 20)}
show(*draw.power({gap: chances for gap, (chances, _) in powers.items()}, 0.8))
for gap, (chances, needed) in powers.items():
    print(f"{gap:2} points: 8 seeds see it in {100 * chances[6]:.0f} %; 80 % take {needed or '> 24'} seeds")
widest, _ = chance_to_see(noise, 10, max(spreads), 0.8)
print(f"10 points with the largest spread of the knobs: eight seeds see it in {100 * widest[6]:.0f} %")

# %% [markdown]
# With the median spread eight seeds see 10 points in nine of ten experiments, and 5 points in about one of three. With the largest spread they miss 10 points about half the time. So write "ten critics: -1 point [-7, 4], no difference shown", not "ten critics do not matter". And do this *before* you run: a pilot of a few seeds gives you a spread, and the spread gives you the number of seeds.
#
# ## 4. Bug hunt: ahead of itself
#
# A colleague has written a harness for comparisons. Her agents are small: tables in a maze of 19 cells with four moves, where a step goes sideways with probability 0.2. Each begins with episodes that another policy, the **recorder**, has made. Then it practises eight times: it collects five more episodes, learns from all it has, and is scored, from 0 (never arrives) to 100 (the best policy). Her comparison of chunks of three with n-step returns shows no difference. Before you believe it, run the test that every harness should pass: **compare a setting with itself**. (The figure has eight seeds and 95 % intervals. `lab.practise` gives the agent and the data after it; all its random numbers follow from the seed and the number of the practice.)

# %%
print(inspect.getsource(maze_learners.her_runs))
lab, seeds, same = maze_learners.Lab(), range(maze_learners.SEEDS), [{}, {}]
hers = maze_learners.her_runs(lab, same, seeds)
show(*draw.placebo({"hers": hers}, ("control", "variant: the same")))
print("means after each practice, control and variant:", *hers.mean(axis=1).round().astype(int), sep="\n")

# %% [markdown]
# **Question 2.** The variant is the control, and yet it is ahead by 21 points [15, 26]. (a) How large would the difference be in a fair harness? (b) Look at the first practice. What does it tell you? (c) Which line gives it that?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_placebo", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) Exactly 0 on every seed: same seed, same random numbers, same setting. (b) The variant already has experience, though its agent is untrained. After one practice its mean is 59; the control takes three to reach 60. (c) `data = lab.recorded(settings[0], seed)` stands outside the loop over settings. So the control's episodes are still in `data` when the variant begins. The second one always has a head start.

# %% [markdown]
# ### Your turn: `fair_runs` (★★☆, 10 minutes)
#
# Rewrite her harness without the leak. The check compares settings with themselves and with others, and some have recorders of their own.
#
# <details><summary>Hint</summary>
#
# List what a run may depend on: its setting, its seed, the number of the practice. Create everything else afresh for each run.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/09_ablations.ipynb)

# %% nbgrader={"grade": false, "grade_id": "fair_runs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fair_runs(lab, settings, seeds):
    """Scores of an agent for each setting and seed, after each practice: (settings, seeds, practices).

    A run depends on its own setting and seed alone.
    """
    ### BEGIN SOLUTION
    runs = []
    for setting in settings:
        curves = []
        for seed in seeds:
            data = lab.recorded(setting, seed)  # afresh for each run
            agent = lab.new_agent(setting, seed)
            curve = []
            for number in range(lab.practices):
                agent, data = lab.practise(agent, data, setting, seed, number)
                curve.append(lab.evaluate(agent, setting))
            curves.append(curve)
        runs.append(curves)
    return np.array(runs)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fair_runs", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
fair_runs = checks.check_fair_runs(fair_runs)

# %%
mended = fair_runs(lab, same, seeds)
show(*draw.placebo({"hers": hers, "mended": mended}, ("control", "variant: the same")))
pair = [dict(method="n-step"), dict(method="chunk")]
for name, harness in {"hers": maze_learners.her_runs, "mended": fair_runs}.items():
    n_step, chunk = harness(lab, pair, seeds).mean(axis=2)
    print(f"{name:6}: chunks minus n-step returns, over the curve: {records.apart(chunk, n_step)}")
print("best scores that H = 1, 2, 3 allow:", *(round(maze_learners.best_score(h, 0.2)) for h in (1, 2, 3)))

# %% [markdown]
# In your harness a setting minus itself is exactly 0 on every seed. (The same line had a second fault: all settings got the first one's recorder.) Now look at her result: **with the leak, no difference between chunks and n-step returns was shown; without it, chunks are 24 points behind [18, 30].** Acting blindly where every fifth step slips explains a part: the best possible chunks of three score 91, the best single actions 100. (Our guess for the rest: four moves make 64 chunks of three, and 64 values take more data than four.)
#
# ## 5. Your own factor
#
# Run a matched pair of your own, with your harness: eight seeds, in seconds.
#
# | knob | values | what it is |
# |---|---|---|
# | `method` | `"chunk"`, `"n-step"`, `"one-step"` (`"chunk"`) | the backup; later actions come from the chunk itself or, step by step, from the policy |
# | `H` | 1 to 5 (3) | steps of a chunk or of a return (`one-step` ignores it) |
# | `noise` | 0 to 0.4 (0.2) | how often a step goes sideways |
# | `quality` | 0 to 0.95 (0) | how often the recorder takes the best step; else it takes a random one |
# | `recorded` | 1 to 300 (20) | recorded episodes |
# | `explore` | 0 to 1 (0.3) | share of decisions that are random |
# | `sweeps` | 1 to 20 (5) | sweeps over all data after each practice |
#
# Some questions: Do chunks need better recordings than n-step returns? Are more sweeps worth as much as more recorded episodes (two pairs, one control)? When does one-step learning catch up? Our example: *shorter chunks where steps slip.* With $H = 2$ the agent looks more often than with 3, so we predict a higher score. As a control we remove the noise. Then acting blindly costs nothing, and we predict no difference.

# %%
# Change me: a question, one knob that differs, and your prediction before you run it.
run, count = maze_learners.try_out(fair_runs), maze_learners.SEEDS
difference = experiment(run, dict(H=2), dict(H=3), "higher", "score over the curve", count)
calm = dict(H=2, noise=0.0), dict(H=3, noise=0.0)
control = experiment(run, *calm, "no difference", "score over the curve", count)

# %% [markdown]
# The first prediction held: 20 points more with slips [11, 29]. The second is not contradicted: 0 [-4, 4] without. (Mind the axes: the second pair is drawn much larger. And look at the dots: without slips seven seeds are ahead by a little and one is far behind.) So "where steps slip, chunks of two are ahead of chunks of three", in this maze. That acting blindly is the whole reason is not shown: the best possible chunks of two and three are only 5 points apart (96 and 91, printed in section 4).
#
# With networks a pair takes minutes, not seconds. To compare QC-FQL with two critics and with four in the lite world, run `qlac train --task lite-world --method qc-fql --seeds 8 --set critics=2 --data FILE --out runs/control`, then again with `critics=4` and another folder. (`qlac data lite-world --out data` makes FILE and prints its name.)
#
# ## 6. Backup or policy?
#
# Back to networks. QC-FQL changes two parts of FQL at once: its *critic* values chunks, so one backup spans five steps (call it **the chunk's backup**), and its *policy* acts in chunks. FQL-n spans five steps without any chunk, by **5-step returns**. To take the two parts apart, let critic and policy have different lengths. A policy of one action under a critic of five learns from a second critic, which estimates what a first action is worth. A policy of five under a critic of one has only its first action valued, and clones the rest. (You have met some of these runs: QC-FQL in section 3, BFN and QC with eight candidates in section 2. Section 7 uses them again. A finding that comes back is no confirmation: it is the same eight seeds.)
#
# | | policy: one action | policy: chunk |
# |---|---|---|
# | **critic: one action** | FQL: $y_{00}$ | $y_{01}$ |
# | **critic: chunk** | $y_{10}$ | QC-FQL: $y_{11}$ |
#
# "What does the critic's chunk add?" has two answers, seed by seed:
#
# $$ \underbrace{y_{10} - y_{00}}_{\text{without the policy's chunk}} \qquad\text{and}\qquad \underbrace{y_{11} - y_{01}}_{\text{with it}} $$
#
# In words: what it adds where the policy takes single actions, and where it takes chunks. Their mean is called the **main effect**. The second minus the first is the **interaction**: how much the effect of one part depends on the other.
#
# ### Your turn: `two_changes` (★★☆, 12 minutes)
#
# `mean_interval(differences)` gives the mean of (R,) numbers and the two ends of its interval.
#
# <details><summary>Hint: which two cells?</summary>
#
# Of the four cells, two pairs differ in the first change alone. In which of them is the second change there? And for a main effect, make one number for each seed first: the mean of two intervals is not the interval of a mean.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/09_ablations.ipynb)

# %% nbgrader={"grade": false, "grade_id": "two_changes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_changes(success):
    """What two changes do, each without and with the other: (7, 3), rows of mean, low, high.

    1. Rows 0 and 1: what the first change adds without the second, and with it.
    2. Row 2: its main effect, the mean of the two.
    3. Rows 3 to 5: the same for the second change.
    4. Row 6: the interaction, how much more the first adds with the second than without.

    Args:
        success: (2, 2, R), by seed. success[1, 0] has the first change alone.
    """
    ### BEGIN SOLUTION
    first = success[1] - success[0]  # (2, R): without the second, and with it
    second = success[:, 1] - success[:, 0]
    gains = [*first, first.mean(axis=0), *second, second.mean(axis=0), first[1] - first[0]]
    return np.array([mean_interval(gain) for gain in gains])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_two_changes", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
two_changes = checks.check_two_changes(two_changes)

# %% [markdown]
# **Predict:** what does the critic's chunk add without the policy's, and with it? And what do 5-step returns do *without* any chunk, as in FQL-n?

# %%
halves, groups = records.success("halves"), {}
for family, title in (("fql", "one-step policy (QC-FQL)"), ("bfn", "best of 8 (QC)")):
    cells, n_step = records.four(family), halves[f"{family}-n-step-policy1"]
    gains = {"5-step returns, no chunk": n_step - cells[0, 0], "chunk in both": cells[1, 1] - cells[0, 0]}
    groups[title] = {name: mean_interval(gain) for name, gain in gains.items()}
    groups[title] |= dict(zip(records.EFFECTS, two_changes(cells), strict=True))
    print(f"{title}: {cells[0, 0].mean():.0f} % with neither", *records.lines(groups[title]))
    print(f"  chunk in both minus 5-step returns: {records.apart(cells[1, 1], n_step)}")
    print("  only first actions executed:", records.apart(halves[f"{family}-chunk-execute1"], cells[1, 1]))
show(*draw.forest(groups, "points over the curve", width=5.4))
print("alpha of all these runs:", *records.alphas("halves"))

# %% [markdown]
# **Question 3.** Without a chunk in the critic, a chunk in the policy costs 3 points with a one-step policy and 40 with the best of 8. Does it really do less harm with a one-step policy? Look at what each had to lose.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_floor", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** That is not shown. FQL solves 4 %, BFN 44 %. One loses 3 of 4 points, the other 40 of 44: each loses most of what it has. A success rate cannot fall below 0, so no loss in points is large near this floor. The interaction of QC-FQL contains this 3. With more to lose it might be larger.

# %% [markdown]
# (Question 3: FQL had 4 points to lose and lost 3, BFN 44 and lost 40. The floor again.)
#
# **Critic and policy need the chunk together.** With the best of 8 the critic's chunk costs 23 points [17, 29] without the policy's, and adds 32 [28, 37] with it. The main effect, 5 [2, 8], describes neither. In QC-FQL it adds 40 [34, 46] with the policy's chunk, which is 31 more than without it [19, 42]. (One caution: the cell with the critic's chunk alone does not differ in lengths alone. It has a second critic.)
#
# **But most of the gain needs no chunk at all.** 5-step returns with single actions gain 27 [21, 32] of QC-FQL's 37 points; QC-FQL is 10 ahead of them [2, 18]. (All have $\alpha = 10$. We tuned it for no method, section 3 shows how much it matters, and FQL stands at the floor with 4 %. So a better $\alpha$ for FQL might shrink the 37.) The chunk's backup is no substitute: without a chunk in the policy its gain is not shown for QC-FQL (9 [-1, 19]), and QC loses 23. It values five actions in a row, and a policy of one action takes only the first before it decides again. (We have not tested whether that is why. The last line of each block: if only the first action of each chunk is executed, in training and in tests, QC-FQL loses all of its 41 points, QC 11.) With the best of 8, 5-step returns are even ahead of QC, by 16 [8, 23]. In the paper it is the other way round: QC-FQL is ahead of FQL-n, and no gain of FQL-n over FQL is shown (claims 2 and 3 in section 9).
#
# ## 7. How long, and what do pushes do?
#
# An episode of this task takes about 40 actions. In a second world every action gets a random push, with a standard deviation of half the maximum velocity. A chunk cannot react until it ends. **Predict:** where is the best $H$, and what do pushes do to it?

# %%
show(*draw.by_length())
for method, title, best in (("qc-fql", "one-step policy", 5), ("qc", "best of 8", 1)):
    for pushes in (False, True):
        found, values = records.lengths(method, pushes)
        own = values[:, found.index(best)]
        gaps = [f"{h}: {records.apart(own, v)}" for h, v in zip(found, values.T, strict=True) if h != best]
        print(f"{title}, {'with' if pushes else 'no'} pushes: H = {best} minus H =", "; ".join(gaps))
    for length in (5, 10):
        single, chunks, *_, more = records.told(two_changes(records.pushed(method, length)))
        print(f"  pushes add {single} to single actions, {chunks} to chunks of {length}; difference {more}")

# %% [markdown]
# With a one-step policy 5 is ahead of 1, 2, 10 and 25 without pushes, and of 1 and 10 with them (2 and 25 were not run). With the best of 8, single actions are ahead of 5 and more; between 1 and 2 no difference is shown. Chunks of 25, which execute more than half of an episode blindly, solve 0 and 1 %. (In the paper, on longer episodes, 10 is best for QC-FQL and 50 never succeeds.)
#
# **Do pushes cost chunks more?** Three of these four differences exclude 0, but look at what they are made of. With the best of 8, chunks of five lose 18 points and single actions 11. That is 7 more, and clear of 0 only by a hair [0.04, 13]: one of four comparisons, which new seeds should repeat. With chunks of ten no difference is shown, and they had only 18 % to lose. With a one-step policy the differences are 10 [1, 20] with chunks of five and 16 [4, 27] with ten. But single actions stand near the floor there, at 4 %, and *gain* 10 from pushes [6, 15]. A loss of the chunks themselves is not shown: 0 [-7, 7] and -5 [-14, 3].
#
# ## 8. Why do the worlds disagree?
#
# In the lite world FQL-n is ahead of QC-FQL once both have trained for long (lesson 04). On OGBench's cube-single, where an arm lifts a cube and puts it down elsewhere, it is the other way round. So turn one world into the other, **one thing at a time, then together**: give the lite world what cube-single has.
#
# | name | what is changed |
# |---|---|
# | tied, tied-30 | $\alpha$ = 100, as on cube-single, or 30, not 10 |
# | fine | puck, gap and goal must be met twice as precisely |
# | rough | the recorder's actions have twice the noise |
# | aimless | the recorder never favours the goal |
# | wide | gripper and puck start anywhere on the left |
# | all, untied | all of these; all but the $\alpha$ |
# | no-fine to no-wide | all but the $\alpha$ and this one |
#
# **Predict:** which of them puts QC-FQL ahead?

# %%
worlds = records.success("worlds")
things = [name.removeprefix("fql-n-") for name in worlds if name.startswith("fql-n-")]
gaps = {thing: (worlds[f"qc-fql-{thing}"], worlds[f"fql-n-{thing}"]) for thing in things}
leads = {thing: one - other for thing, (one, other) in gaps.items()}
told = {thing: mean_interval(lead) for thing, lead in leads.items()}
show(*draw.forest({"QC-FQL minus FQL-n": told}, "points over the curve", width=6))
for thing, lead in zip(things, records.told(told.values()), strict=True):
    chunks, n_step = (values.mean() for values in gaps[thing])
    more = records.apart(leads[thing], leads["control"])
    print(f"{thing:8} QC-FQL {chunks:2.0f} %, FQL-n {n_step:2.0f} %: {lead}; less the control's: {more}")
again = records.success("worlds-again")  # eight new seeds
for thing in ("untied", "no-wide"):
    chunks, n_step = again[f"qc-fql-{thing}"], again[f"fql-n-{thing}"]
    means = f"QC-FQL {chunks.mean():2.0f} %, FQL-n {n_step.mean():.0f} % (largest {n_step.max():.0f})"
    print(f"{thing}, again: {means}: {records.apart(chunks, n_step)}")

# %% [markdown]
# **No single change puts QC-FQL clearly ahead. Fine work and poor play together do.** FQL-n leads the control by 22 points [15, 29], and it leads with fine work, with rough and with aimless play, too; wide starts alone shrink its lead, by 11 [3, 19]. But with all four changes (untied) it solves nothing, and QC-FQL is ahead by 10 [3, 16]. Which of the four is needed? **Fine work:** without it FQL-n leads again, by 20 [8, 31]. Wide starts are not needed: without them QC-FQL is ahead by 13 [4, 21]. Without rough or without aimless play no difference is shown. We picked these two worlds of 13 after we had seen them, so we ran both **again, with eight new seeds**: QC-FQL is ahead by 8 [4, 13] and 8 [3, 14], and FQL-n solves nothing in any seed. (We had expected wide starts to be needed. With cube-single's $\alpha = 100$ both stay at 0 to 2 %, where 2 points [0.1, 3] say little.)
#
# So ask cube-single itself, with section 6's trick: give FQL-n a **policy of five actions**, and QC-FQL a **policy of one**. Their critics stay: one values single actions by 5-step returns, the other chunks. (Eight seeds, with `make run`'s settings.) **Predict:** is it the critic or the policy that FQL-n lacks there?

# %%
cube = records.on_cube_single()
for name, values in cube.items():
    print(f"{name:14} {values.mean():2.0f} % over the curve")
critics = [["fql-n", "fql-n-policy5"], ["qc-fql-policy1", "qc-fql"]]  # a policy of one, of five
parts = two_changes(np.array([[cube[name] for name in row] for row in critics]))
parts = dict(zip(records.EFFECTS, parts, strict=True))
parts["QC-FQL minus FQL-n"] = mean_interval(cube["qc-fql"] - cube["fql-n"])
show(*draw.forest({"cube-single": parts}, "points over the curve", width=6))
print(*records.lines(parts))

# %% [markdown]
# **Again they need the chunk together.** A policy of single actions solves 1 %, whichever critic it has. A policy of five gains 5 points [1, 10] with 5-step returns, and 14 [8, 20] with the critic that values chunks whole, 9 more [2, 15]. (The floor is near: a success rate of 1 % hides what the critics differ in.) So on cube-single it is first of all the policy that FQL-n lacks. In the easy lite world it needs no chunk to catch up.
#
# ## 9. What would you try first?
#
# Here are the course's claims about chunks, each as a difference of success. **Right of 0 the claim holds.** The places: the lite world; our *desk* runs, small ones on the paper's scene task, in which an arm moves a cube, a drawer and a window (lesson 07); and the paper. A filled marker: the interval excludes 0. No difference can exceed 100, so intervals are cut there (claim 2). ([The page of findings](https://github.com/qlac-lite/qlac-lite/blob/main/docs/findings.md) has the numbers, and the claims of lessons 05 and 06.)

# %%
claims = [claim for claim in findings.CLAIMS if claim.lesson not in ("05", "06")]
show(*findings.draw(claims))
for i, claim in enumerate(claims[:3], 1):
    print(f"claim {i}:", "; ".join(f"{place} {size}" for place, size in findings.sizes(claim).items()))
qc_fql, rivals = halves["fql-chunk-policy5"], {"QC, N = 32": runs[5, 32], "BFN, N = 8": runs[1, 8]}
for name, rival in (rivals | {"BFN with 5-step returns, N = 8": halves["bfn-n-step-policy1"]}).items():
    print(f"{name}: {rival.mean():.0f} % in the lite world, minus QC-FQL: {records.apart(rival, qc_fql)}")

# %% [markdown]
# Look at the first three. In the paper, where a task takes hundreds of actions and $\alpha$ was tuned for each method, chunks are ahead of single actions and of n-step returns. On scene they are, too, but with an $\alpha$ from trials of QC-FQL; FQL and FQL-n had no trials of their own. So chunks or tuning may have made that lead. In the lite world chunks are ahead of single actions, and behind n-step returns (lesson 04's longest task). Then look at the last lines. **On this page's task the best of $N$ is ahead of QC-FQL**: by 23 points with chunks and 32 candidates [20, 26], by 11 with eight single actions and 5-step returns [4, 18]. (More than one thing differs, so they do not say why.)
#
# **Question 4.** A friend has a robot arm that assembles parts: 300 actions an episode, 200 demonstrations, a reward at the end, a person who bumps the table now and then. She can run 500 episodes. Would you use chunks? How long, and with which policy? Which *one* control would you run beside it, and with how many seeds?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_robot", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** We would, because of the paper: its tasks resemble hers more than ours does, and QC-FQL is ahead there. QC-FQL with $H = 5$ or 10, a few percent of an episode, and rather 5 because of the bumps (with pushes 5 was 19 points ahead of 10 [15, 23]). A one-step policy first: one pass of a small network per chunk, while best of $N$ takes $N$ flows. Several updates per step, since steps are what is expensive. The control is FQL-n with the same $H$: it shows whether the chunk is needed or $H$-step returns are enough. She can't afford eight seeds on a robot, so we would compare them in a simulator first, with eight, and be careful with anything below 10 points.

# %% [markdown]
# A list to start from, each line with its evidence:
#
# | try | because | beware |
# |---|---|---|
# | a clone with chunks first | it shows whether the data can be imitated at all (lesson 03) | it never gets better than the data |
# | QC-FQL, $H$ of 5 to 10 | one pass of a small network per chunk; 37 points [29, 44] over FQL, which stands at the floor here; ahead of it in the paper (claim 1); 92 on scene [86, 97], where $\alpha$ was chosen for QC-FQL and not for FQL | 25 of 40 actions: at most 1 % |
# | FQL-n beside it, eight seeds each (section 3) | 5-step returns alone gain 27 of the 37 points | on the paper's tasks chunks are ahead of it (claim 2) |
# | best of $N$ if there is compute to spare | no $\alpha$ to tune; with 32 candidates 23 points over QC-FQL here [20, 26]; from 2 to 8 candidates 35 points [31, 39], from 8 to 32 another 28 [23, 32] | compare at equal $N$, and at more than one |
# | five updates per step | 40 points [34, 47], only 6 fewer than five times the steps [3, 10] | five times the compute; no gain in the paper |
# | not too tight an $\alpha$ | ten times tighter costs 40 points [34, 46] | too loose, and the policy leaves the data (lesson 07) |
# | shorter chunks if the world pushes back | with the best of 8, $H = 5$ loses 7 points more than single actions, by a hair [0.04, 13] | measure it: with a one-step policy 5 stayed ahead of 1 and 10 |
#
# ## Summary
#
# **Which part of Q-LAC does the work, and what would you try first on your own robot?** On this task most of QC-FQL's gain needs no chunk, and the critic's chunk adds most if the policy shares it. On the paper's tasks chunks end ahead. So try QC-FQL with chunks of 5 to 10, and FQL-n with the same length beside it. If you can afford $N$ candidates, run the best of $N$, too: here it was ahead.
#
# Three findings:
#
# 1. QC with 8 candidates is 35 points ahead of BFN with 2 [30, 40]; at 8 candidates each it is 8 behind [1, 14], and at 32 each 10 ahead [4, 17].
# 2. QC-FQL gains 37 points [29, 44] over FQL, which solves only 4 %: 5-step returns without chunks gain 27 [21, 32], and the critic's chunk adds 31 more with a chunk in the policy than without [19, 42].
# 3. Five updates per step gain QC-FQL 40 points [34, 47].
#
# **When do chunks help, by how much, and how do you know?** On the paper's tasks QC-FQL ends 27 points above FQL [11, 44] and 29 above FQL-n [14, 44]. On scene it ends 92 above FQL [86, 97] and 77 above FQL-n [29, 100], in four seeds and with an $\alpha$ that was chosen for it (lesson 07: with another one no difference from FQL-n is shown). On our task of 40 actions 5-step returns make most of QC-FQL's gain. With the best of $N$ chunks lose at 8 candidates and gain at 32. Chunks that cover more than half an episode fail, and pushes may cost chunks more than single actions. A longer task makes chunks more useful against single actions: QC-FQL's lead over FQL grows from 21 to 42 points as the lite task takes 39 to 155 actions (lesson 04). Against FQL-n they are ahead there only where the work is fine and the play poor, by 8 points [3, 14] (section 8, new seeds). You know all this from matched pairs with the same seeds, a harness in which a setting equals itself, and an interval; and you know it for these tasks only.
#
# <details><summary>Not shown</summary>
#
# | question | these runs |
# |---|---|
# | Do ten critics help? Does it hurt if chunks start only at every fifth step? | -1 point [-7, 4] and 0 [-9, 8]; eight seeds miss 5 points more often than not |
# | Why does QC overtake BFN between 8 and 32 candidates? | a guess in section 2; other values of $N$ have not been run |
# | Is it fine work, rough play and aimless play that turn the order on cube-single, too? | section 8 shows it for the lite world, at 8 to 13 % of success and with $\alpha = 10$ |
# | Why does executing only the first action of each chunk cost QC-FQL 41 points [35, 46]? | it also draws new noise at every step, in training and in tests |
# </details>
#
# ## Quiz
#
# 1. A harness compares a setting with itself and gives 3 points [-4, 10]. The interval holds 0. Is the harness fair?
# <details><summary>Answer</summary>At the least, it does not pair its seeds: with the same seeds the difference is 0 on each. So every comparison has more noise than it needs, and a small leak would go unnoticed.</details>
#
# 2. You try 20 settings against one control, and one interval excludes 0. What do you conclude?
# <details><summary>Answer</summary>Of 20 settings that do nothing, one is shown on average. Repeat that one with new seeds.</details>
#
# 3. A change gains 10 points alone, another 12 alone, both together 13. Do they need each other?
# <details><summary>Answer</summary>No: together they gain 9 points fewer than the sum. They probably fix the same weakness.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): the paper's own ablations of chunk length, critics and updates.
# - C. Colas, O. Sigaud, P.-Y. Oudeyer, *How Many Random Seeds?*, [arXiv 1806.08295](https://arxiv.org/abs/1806.08295): the power of comparisons in reinforcement learning.
# - R. Agarwal and others, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, [arXiv 2108.13264](https://arxiv.org/abs/2108.13264): few seeds, intervals, and what to report.
#
# **Next:** [10 · Beyond](10_beyond.ipynb): what came after Q-chunking.
