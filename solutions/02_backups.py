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
# # 02 · Backups: one step, n steps, or a chunk
#
# How far does news of a reward travel in one update? And is the news still true when it arrives?
#
# **You will be able to** write the targets of three learners; fit a table to them; explain why n-step targets are biased off-policy, and when chunk targets are not; find a mistake in a critic from its values; teach a chunk critic about early arrivals.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb): chunks and `valid`. **Time** about 80 minutes; 1 to 2 minutes to run on two cores.

# %%
import inspect

import numpy as np

from qlac_lite.lessons import chain_walks as walks
from qlac_lite.lessons import drawings_of_backups as draw
from qlac_lite.lessons import experiment, looking_recorder, shorten, show
from qlac_lite.lessons.chain_walks import DISCOUNT, H
from qlac_lite.lessons.checks import lesson02 as checks
from qlac_lite.lessons.sliders import explore

# %% [markdown]
# ## 1. Guess first
#
# The world is a chain of 41 states. You start at state 0; state 40 is the goal. You step left or right. Each step costs 1; a cost one step later counts 0.97 times as much. The **recorder** has walked here before, going right 70 % of the time.
#
# Three learners know all this and keep a table Q. At first every entry holds the worst possible return: paying for ever, $-1/(1 - 0.97) = -33.3$. In one **sweep** a learner corrects its whole table once:
#
# - one looks **one step** ahead;
# - one tries each action, then follows **the recorder** for four more steps;
# - one tries each possible row of five actions, a **chunk**.
#
# Beyond these steps, all three trust their table. The value of a state is its largest Q. Here are the values after 2, 8 and 20 sweeps. The grey line is the truth.

# %%
show(*draw.riddle(2, 8, 20))

# %% [markdown]
# **Question 1.** Which learner is A, which B, which C? How many sweeps does each need until state 0 is right? Will one never get there?
#
# <details><summary>Our answer</summary>C looks one step ahead: its news moves one state a sweep, so it needs 40 sweeps. A has the chunks: five states a sweep, 8 sweeps. B is the n-step learner. Its news travels as far as A's, but fades on the way: the recorder's steps to the left are in it. No sweep takes them out, so B never gets there.</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_sweeps", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %%
for name in walks.LEARNERS:
    values = [walks.swept(name, sweeps)[0] for sweeps in (8, 40, 400)]
    print(f"{name:9} value of state 0 after 8, 40 and 400 sweeps:", *np.round(values, 1))
print(f"truth     {walks.TRUTH[0]:.1f}")
show(*draw.sweeps(8, 40))
explore(lambda sweeps: draw.sweeps(sweeps), sweeps=("sweeps", [1, 2, 3, 4, 6, 8, 12, 20, 40, 80], 4))

# %% [markdown]
# ## 2. One formula, three targets
#
# All three learners move Q towards a target $y$, computed from a **window** of $n$ recorded steps ($H$ for a chunk):
#
# $$ y = \sum_{k=0}^{m-1} \gamma^k r_{t+k} + \gamma^{m}\, \text{mask}\, \max Q(s_{t+m}, \cdot) $$
#
# In words, with $\gamma$ = 0.97 here: first the rewards really earned, then what the table believes about the rest (the **bootstrap**). Near the end of an episode only $m$ of the $n$ steps exist. The mask is 0 if the last state is the goal, because nothing comes after it.
#
# The learners differ on the other side, in which Q they move:
#
# | learner | steps | moves towards $y$ | a window that was cut, $m < n$ |
# |---|---|---|---|
# | one-step | 1 | $Q(s_t, a_t)$ | cannot happen |
# | n-step | 5 | $Q(s_t, a_t)$: the first action **only** | counts |
# | chunk | 5 | $Q(s_t, a_t \dots a_{t+4})$: **all five** actions | weight 0, because actions are missing |
#
# ### Your turn: `window_targets` (★★☆, 12 minutes)
#
# Write all three targets in one function. Shapes: B windows, n steps, S states, C actions or chunks. There will be thousands of rows, so use NumPy instead of a loop. `case = checks.last_case()` gives you the arguments of a failed case.
#
# <details><summary>Hint: how long is a window?</summary>
#
# Each row of `valid` is a run of ones, then zeros. What does its sum tell you? You can use these sums as a power for all rows at once.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/02_backups.ipynb)

# %% nbgrader={"grade": false, "grade_id": "window_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def window_targets(rewards, valid, mask, last_q, discount, whole_only):
    """Targets and weights of a batch of windows, by the formula and the table.

    Args:
        rewards: (B, n); where the step does not exist, some number, to be ignored.
        valid: (B, n) 1.0 where the step exists, else 0.0.
        mask: (B,) 0.0 where the last state is the goal, else 1.0.
        last_q: (B, C) the table's row of the last state, m steps on.
        whole_only: True for chunks.

    Returns:
        target: (B,) by the formula, in cut windows too.
        weight: (B,).
    """
    ### BEGIN SOLUTION
    steps = valid.sum(axis=1)
    powers = discount ** np.arange(rewards.shape[1])
    earned = np.sum(valid * powers * rewards, axis=1)
    best = last_q.max(axis=1)
    target = earned + discount**steps * mask * best
    if whole_only:
        weight = valid[:, -1]
    else:
        weight = np.ones(len(valid))
    return target, weight
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_window_targets", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
window_targets = checks.check_window_targets(window_targets)

# %% [markdown]
# ## 3. Learn from walks
#
# Now the learners know only 200 recorded walks. **Fitted Q iteration** is a sweep with data: each entry becomes the mean of its targets. An entry without data keeps the worst possible value. (From 0, an untried chunk would look better than all others.)
#
# ### Your turn: `fitted_q` (★★★, 15 minutes)
#
# `backup` is a function that holds the recorded windows and your `window_targets`: `target, weight = backup(last_q)`.
#
# <details><summary>Hint 1: the sum over rows that share an entry</summary>
#
# Try `x = np.zeros(3); x[[1, 1]] += 1` and look at `x`. Then read the help of `np.add.at`.
# </details>
# <details><summary>Hint 2: entries without data</summary>
#
# Their count is 0, and 0 / 0 is not a number. `np.where` chooses between the mean and the old value; put a 1 where the count is 0.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/02_backups.ipynb)

# %% nbgrader={"grade": false, "grade_id": "fitted_q", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fitted_q(state, entry, last_state, backup, q, iterations):
    """Fitted Q iteration on a table.

    In each iteration:
    1. Ask backup for targets and weights. It needs the rows of q at the last states.
    2. For each table entry add up weight * target, and the weights, over all its rows.
    3. The entry becomes the weighted mean. Where the weights sum to 0 it stays.
    4. Append the largest value of state 0 to curve.

    Args:
        state, entry, last_state: (B,) int; row b moves q[state[b], entry[b]].
        backup: takes last_q (B, C), gives target (B,) and weight (B,).
        q: (S, C), to be left as it is.

    Returns:
        q: (S, C) after the last iteration.
        curve: (iterations,) the largest value of state 0 after each.
    """
    ### BEGIN SOLUTION
    curve = []
    for _ in range(iterations):
        target, weight = backup(q[last_state])
        total = np.zeros_like(q)
        count = np.zeros_like(q)
        np.add.at(total, (state, entry), weight * target)
        np.add.at(count, (state, entry), weight)
        seen = count > 0
        mean = total / np.where(seen, count, 1)
        q = np.where(seen, mean, q)
        curve.append(q[0].max())
    return q, np.array(curve)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fitted_q", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
fitted_q = checks.check_fitted_q(fitted_q)

# %% [markdown]
# Your two functions make a learner that reads all data each time. A network reads small random batches and moves a little each time; `walks.td_curve` does that with your targets.
#
# **Predict.** One recorder goes right 70 % of the time, another 95 %. With batches, will the chunk learner be first both times? How often does each recorder play five rights in a row?

# %%
def learn(name, seed, length=H):
    """The final table, and the value of the start after each of 60 iterations."""
    data, entry = walks.record(seed, name, length=length)

    def backup(last_q):
        window = data.rewards, data.valid, data.mask
        return window_targets(*window, last_q, DISCOUNT, whole_only=name == "chunk")

    table = walks.start_table(name, length)
    return fitted_q(data.state, entry, data.last_state, backup, table, 60)


fitted = {n: np.array([learn(n, seed)[1] for seed in walks.SEEDS]) for n in walks.LEARNERS}
by_update = {right: walks.td_curves(window_targets, right) for right in (0.7, 0.95)}
show(*draw.learning(fitted, by_update))

# %% [markdown]
# (Legends: updates until the value of the start is within 2 % of the truth, median of eight seeds. Curves, here and below: means over seeds with 95 % intervals.)
#
# With all data at once, the chunk learner is fast and right. With batches from the 70 % recorder, the n-step curve rises first, to a wrong value. Its learner looks five states ahead, too, and its windows share two entries a state, not 32. The chunk learner's news travels five states an update, but only along chunks in the data. The 95 % recorder plays five rights in 77 % of the windows, and the chunk learner is three times faster than the one-step learner. The 70 % recorder plays them in 17 %, and the two tie.
#
# So in a table, chunking speeds up learning if the data hold good stretches of behavior.
#
# ## 4. The price of n steps
#
# The n-step learner settled too low. **Predict:** is it wrong for a perfect recorder, too? Does a longer window help or hurt? And if its values are wrong, is its *policy* wrong, too?

# %%
lengths = (1, 2, 3, 5, 8)
in_the_end = {
    right: [walks.n_step_limit(n, right) for n in lengths] for right in (1.0, 0.9, 0.7, 0.6)
}
at_the_end = lambda name: {n: [learn(name, s, n)[1][-1] for s in walks.SEEDS[:4]] for n in lengths}
show(*draw.bias(in_the_end, at_the_end("n-step"), at_the_end("chunk")))
table, _ = learn("n-step", seed=0)
print(f"n-step, five steps: goes right in {table[:-1].argmax(axis=1).sum()} of 40 states")

# %% [markdown]
# Lines are computed without data; dots are learned (four seeds). For a perfect recorder the n-step target is right. For any other it is too low, and the longer the window, the lower. This is its **off-policy bias**: the later actions are not those that the learner would choose. With five steps and the 70 % recorder its policy is right all the same: both actions share the bias, so their order survives.
#
# Chunks lie on the truth. Only those of 3 steps are a little low, because 3 does not divide the 40 steps to the goal (section 6).
#
# Is a chunk critic not just an n-step return? No. The n-step target blames the first action for the recorder's next four. The chunk target moves the value of all five actions, and the critic may then choose a *better chunk* than the recorder mostly played.
#
# ## 5. Bug hunt
#
# Here are three chunk critics. One learns from your targets; the **patients** learn from targets that two colleagues wrote. All three choose equally good chunks, but look at their beliefs. (Tables begin at -150 here: even a patient's tried chunk beats an untried one. Section 6 explains the teeth near the goal.)

# %%
critics = walks.critics(window_targets)
show(*draw.beside_returns(**critics))
for name, q in critics.items():
    print(f"{name}: value at distance 5 {q[-6].max():.1f}, lowest {q.max(axis=1).min():.1f}")

# %% [markdown]
# **Question 2.** (a) Which values are impossible, whatever the policy? (b) At distance 5 one chunk reaches the goal. What is in its target, and what is not? (c) So is A's mistake in the rewards or in the bootstrap? And B's?
#
# <details><summary>Our answer</summary>(a) All below -33.3: nobody can earn less than by paying for ever. (And all above 0; none occurs here.) The dashed line is a free bug detector. (b) Five rewards. The mask is 0, so nothing is bootstrapped. (c) A is already wrong there, so its rewards are wrong. B is right there and drifts away from chunk to chunk: its bootstrap is wrong. (It discounts the next chunk with &gamma; instead of &gamma;<sup>H</sup>.)</details>

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bug", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Our answer is under the question.

# %%
print(inspect.getsource(walks.replay_targets))  # patient A

# %% [markdown]
# ### Your turn: `mended_targets` (★★☆, 10 minutes)
#
# This function makes the targets of patient A. Find the line and write the whole function again, mended.
#
# <details><summary>Hint</summary>
#
# Take $H = 2$, rewards -1 and -1, discount 1. Work out `so_far` and `earned` by hand. What should be earned? How often is the first reward in `earned`?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/02_backups.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mended_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_targets(rewards, mask, last_q, discount):
    """Targets (B,) of whole chunks, from rewards (B, H), mask (B,), last_q (B, C)."""
    ### BEGIN SOLUTION
    batch, horizon = rewards.shape
    total = np.zeros(batch)
    for k in range(horizon):
        total = total + discount**k * rewards[:, k]
    best = last_q.max(axis=1)
    later = discount**horizon * mask * best
    return total + later
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mended_targets", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mended_targets = checks.check_mended_targets(mended_targets)

# %%
mended = walks.fitted_to(mended_targets)
show(*draw.beside_returns(patient_A=critics["patient A"], mended_by_you=mended))

# %% [markdown]
# Your critic believes what its chunks earn. (The authors' `sample_sequence` in `utils/datasets.py` stores running sums, too. Whoever adds them up again makes this mistake.)
#
# ## 6. Who hears of an early arrival?
#
# Even the mended values have teeth: two steps from the goal is worth *less* than five. **Predict:** how many steps will this critic need from there? And if the recording went on at the goal, where steps are free and the mask stays 0?

# %%
goes_on = walks.fitted_to(mended_targets, goes_on=True)
show(*draw.arrivals(38, recording_ends_at_the_goal=mended, recording_goes_on=goes_on))

# %% [markdown]
# If the recording ends at the goal, an arrival at step 2 cuts its chunk, and cut chunks have weight 0. The critic has heard only of arrivals at the *last* step of a chunk. Five moves change the distance by an odd number. So from 1, 3 or 5 steps away a whole chunk can end at the goal; from 2 or 4 none can, and the agent needs two chunks.
#
# If the recording goes on, all chunks that hold the arrival are whole. Their steps at the goal are free, so the teeth are gone.
#
# The paper's methods with a chunk critic (lesson 04) have this gap online, where a success ends the episode: `sample_sequence` makes a chunk invalid if an episode ends inside it. In the play data of their offline phase the recording goes on, so these chunks count.
#
# The repair credits early arrivals. After the goal, the missing actions never happen. So *every* chunk that begins with the $m$ recorded actions has the same target.
#
# ### Your turn: `credit_arrivals` (★★☆, 12 minutes)
#
# The number of a chunk is its row of actions, read as digits in base `choices`: with two actions, (1, 0, 0) is number 4. For $H = 3$, a walk that arrives after (1, 1) informs the chunks (1, 1, 0) and (1, 1, 1), numbers 6 and 7.
#
# <details><summary>Hint: which numbers begin with the same digits?</summary>
#
# Write all three-digit binary numbers in a column. Those that begin with 11 stand next to each other. Where does the block begin, and how long is it?
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/02_backups.ipynb)

# %% nbgrader={"grade": false, "grade_id": "credit_arrivals", "locked": false, "schema_version": 3, "solution": true, "task": false}
def credit_arrivals(actions, valid, mask, choices):
    """Which chunks learn from which window.

    1. A whole window informs its own chunk.
    2. A window that the goal cut after m steps informs all chunks that begin with its m actions.
    3. A window that the time limit cut (mask 1) informs none: nobody knows what came next.

    Args:
        actions: (B, H) int; where the step does not exist, the number means nothing.
        valid: (B, H) 1.0 where the step exists.
        mask: (B,) 0.0 where the last state is the goal.
        choices: number of actions.

    Returns:
        row: (M,) int, windows in their order, each as often as it informs a chunk.
        chunk: (M,) int, the numbers of these chunks, ascending for each window.
    """
    ### BEGIN SOLUTION
    horizon = actions.shape[1]
    rows, chunks = [], []
    for i in range(len(mask)):
        steps = int(valid[i].sum())
        if steps < horizon and mask[i] == 1:
            continue
        number = 0
        for action in actions[i, :steps]:
            number = number * choices + action
        endings = choices ** (horizon - steps)
        rows += [i] * endings
        chunks += range(number * endings, (number + 1) * endings)
    return np.array(rows), np.array(chunks)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_credit_arrivals", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
credit_arrivals = checks.check_credit_arrivals(credit_arrivals)

# %%
data, _ = walks.record(seed=0)
row, chunk = credit_arrivals(data.actions, data.valid, data.mask, 2)
window = data.rewards[row], data.valid[row], data.mask[row]
backup = lambda last_q: window_targets(*window, last_q, DISCOUNT, whole_only=False)
table = walks.start_table("chunk")
credited, _ = fitted_q(data.state[row], chunk, data.last_state[row], backup, table, 60)
show(*draw.arrivals(38, whole_chunks_only=mended, arrivals_credited=credited))
for name, q in (("whole chunks only", mended), ("arrivals credited", credited)):
    print(f"{name}: return, mean over all starts {walks.returns(q).mean():.1f}")
print(f"best possible: {walks.TRUTH[:-1].mean():.1f}")

# %% [markdown]
# The teeth are gone. With continuous actions one could fill in the missing actions at random; we have not tested that with networks.
#
# ## 7. Where a chunk stops being right
#
# A chunk runs **open loop**. Here is a small maze; each step costs 1 and goes sideways with probability 0.1. One critic learns chunks of 3 from a recorder that looks at every step, another from one that plans three moves at once; 30 % of the moves are random. **Predict:** will more data make both critics right?

# %%
recorders = {"looks at every step": True, "plans three moves at once": False}
both = {title: looking_recorder.by_amount(looks) for title, looks in recorders.items()}
show(*draw.looking(both))

# %% [markdown]
# With enough data, earnings in both come near the best that chunks can earn. But if the recorder looks, belief stays 1.3 above that, even with 30,000 episodes. This recorder chose each move after seeing the luck of the last, and the critic credits the chunk with that luck. If the recorder plans, belief lies on that best.
#
# So chunk targets are unbiased only if the recorder does not react inside a chunk (lesson 01), or if the world is deterministic and there is no luck to see.
#
# ## 8. Your own experiment
#
# `walks.trial` runs fitted learners with these knobs:
#
# | knob | from, to | default | meaning |
# |---|---|---|---|
# | `learner` | `"one-step"`, `"n-step"`, `"chunk"` | `"chunk"` | whose targets |
# | `length` | 1 to 6 | 5 | steps in a window |
# | `right` | 0.55 to 1.0 | 0.7 | how often the recorder goes right |
# | `episodes` | 3 to 100 | 10 | recorded walks |
# | `stride` | 1 to 6 | 1 | windows start at every `stride`-th step |
# | `keep` | 0.05 to 1.0 | 1.0 | share of windows kept at random |
# | `arrivals` | `False`, `True` | `False` | keep all whole windows that end at the goal, whatever `stride` and `keep` say |
# | `credit` | `False`, `True` | `False` | credit early arrivals (chunks only) |
# | `iterations` | 1 to 60 | 60 | of fitted Q iteration |
# | `report` | `"value"`, `"return"` | `"value"` | largest Q at the start, or what the policy earns from all starts |
#
# Whose policy is better, the n-step learner's with its wrong values, or the chunk learner's? Does crediting help more where walks are few? Write your prediction (`"lower"`, `"higher"` or `"no difference"`) and reason down, then run.
#
# <details><summary>What we got, with <code>report="return"</code> and 40 seeds</summary>
#
# - n-step minus chunk: -8.3 [-9.9, -6.7] with 3 walks, -0.4 [-1.9, 1.1] with 10, and 2.15 with 100, in every seed.
# - Credit minus none: 2.3 [2.2, 2.4] with 3 walks, 2.15 with 100, in every seed. It helps about equally.
# - The two 2.15 are the same teeth: n-step minus *credited* chunks is -10.6 [-12.1, -9.1] with 3 walks, -2.7 [-4.1, -1.2] with 10, 0 with 100.
# </details>
#
# Our example: *does stride 5 hurt because it misses arrivals?* It keeps a fifth of the chunks, and so a fifth of those that end at the goal. We predict lower values than with stride 1. To test the reason, we give only those chunks back. Most of the loss should come back with them.

# %%
# Change me: a question, one knob that differs, and your prediction. Fewer seeds are faster.
measure, seeds = "value at the start", shorten(30, fast=4)
apart = experiment(walks.trial, {"stride": 5}, {"stride": 1}, "lower", measure, seeds)
given, lost = {"stride": 5, "arrivals": True}, {"stride": 5, "arrivals": False}
control = experiment(walks.trial, given, lost, "higher", measure, seeds)
fifth = {"keep": 0.2}  # our test, added after these two
at_random = experiment(walks.trial, {"stride": 5}, fifth, "no difference", measure, seeds)

# %% [markdown]
# Stride 5 is 3.2 lower [2.3, 4.0]. The arrivals bring back 0.9 [0.04, 1.7]. Nearly all of that comes from three seeds at the floor, -33.3, where no news had reached the start; without them it is 0.15. So our reason explains only a small part. Stride 5 hurts mostly because few chunks are left, whichever they are: a random fifth (`keep` 0.2) is about as low, 0.1 apart [-1.1, 1.4].
#
# ## Summary
#
# 1. **Speed.** A chunk backup brings the news to the start in 8 sweeps, single steps in 40. With batches it is three times faster for a recorder who plays good chunks (77 % of windows), and no faster for one who rarely does (17 %).
# 2. **Bias.** When the recorder goes right 70 % of the time, five-step targets settle 6.3 below the truth of -23.5. Chunk targets settle on it if their length divides the way. Wrong values can still give the right policy.
# 3. **Early arrivals.** With whole chunks only, the agent walks ten steps where two are enough. Crediting early arrivals raises the return, a mean over all starts, from -16.5 to the best possible, -14.4.
#
# <details><summary>Details to keep</summary>
#
# - Draw Q beside the returns of the policy, with the line of the worst return.
# - The table holds 0 at the goal, so you would notice a missing mask only with a network.
# </details>
#
# ## Quiz
#
# 1. For which recorder is the n-step target right at every $n$?
# <details><summary>Answer</summary>For an optimal one. Its later actions are those the maximum would have chosen.</details>
#
# 2. All rewards are -1 or 0, the discount is 0.99. Your critic says -140. What do you know?
# <details><summary>Answer</summary>No policy earns less than -100. So a reward counts twice, the future weighs too much, or the entry was never updated. If it was, look at states one chunk from the goal: if they are right, suspect the bootstrap; if not, the rewards.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: the chunked TD loss.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, chapter 7: n-step bootstrapping.
#
# **Next:** [03 · Flow matching](03_flow_matching.ipynb), behavior cloning of chunks.
