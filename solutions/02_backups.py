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
# **You will be able to** write the targets of three learners; fit a table to them; explain why n-step targets are biased off-policy and chunked ones are not; find a mistake in a critic from its values; repair what a critic of chunks never hears of.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb): chunks, `valid`, `mask`. **Time** about 80 minutes to work through; 1 to 2 minutes on two cores to run.

# %%
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
# The world is a chain of 41 states. You start at state 0, and state 40 is the goal. You can step left or right. Each step costs 1; a cost that comes one step later counts 0.97 times as much. Somebody has walked here before: the **recorder**, who went right 70 % of the time.
#
# Three learners know all this and keep a table Q. At first every entry holds the worst return there is: paying for ever, $-1/(1 - 0.97) = -33.3$. In one **sweep** a learner corrects its whole table once:
#
# - one looks **one step** ahead;
# - one tries each action and then follows **the recorder** for four more steps;
# - one tries each possible row of five actions, a **chunk**.
#
# After the steps they look at, all three trust their table. The value of a state is its largest Q. Here are the values after 2, 8 and 20 sweeps. The wide grey line is the truth.

# %%
show(*draw.riddle(2, 8, 20))

# %% [markdown]
# **Question 1.** Which learner is A, which is B, which is C? How many sweeps does each need until state 0 is right? Will one of them never be?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_sweeps", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** C is the learner of single steps: its news moves one state a sweep, so it needs 40 sweeps. A is the learner of chunks: five states a sweep, 8 sweeps. B is the n-step learner. Its news travels as far as A's, but the recorder's steps to the left are part of it. No sweep takes them out, so B never gets there.

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
# All three learners move Q towards a target $y$. It is computed from a **window** of $n$ recorded steps ($H$ for a chunk):
#
# $$ y = \sum_{k=0}^{m-1} \gamma^k r_{t+k} + \gamma^{m}\, \text{mask}\, \max Q(s_{t+m}, \cdot) $$
#
# In words, with $\gamma$ = 0.97 here: first the rewards that were really earned, then what the table believes about the rest. Near the end of an episode only $m$ of the $n$ steps exist. The mask is 0 if the last state is the goal, because nothing comes after it.
#
# So where is the difference? It is on the other side, in what Q is asked about:
#
# | learner | steps | moves towards $y$ | a window that was cut, $m < n$ |
# |---|---|---|---|
# | one-step | 1 | $Q(s_t, a_t)$ | cannot happen |
# | n-step | 5 | $Q(s_t, a_t)$: the first action **only** | counts |
# | chunk | 5 | $Q(s_t, a_t \dots a_{t+4})$: **all five** actions | weight 0, because actions are missing |
#
# ### Your turn: `window_targets` (★★☆, 12 minutes)
#
# Write all three targets in one function. Shapes: B windows, n steps, S states, C actions or chunks. There will be thousands of rows, so let NumPy run over them. If the check refuses an answer, `case = checks.last_case()` gives you the arguments of the case that failed.
#
# <details><summary>Hint: how long is a window?</summary>
#
# Each row of `valid` is a row of ones, then zeros. What does its sum tell you? The result is one number a row, so you can use it as a power for all rows at once.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/02_backups.ipynb)

# %% nbgrader={"grade": false, "grade_id": "window_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def window_targets(rewards, valid, mask, last_q, discount, whole_only):
    """Targets and weights of a batch of windows.

    1. Add up the rewards of the steps that exist, each with its discount.
    2. Count the steps m of each row. Add the bootstrap, discounted m times and masked.
    3. Weight 1; with whole_only, 0 for windows that were cut.

    Args:
        rewards: (B, n); where the step does not exist, the number means nothing.
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
# Now the learners know nothing but 200 recorded walks. **Fitted Q iteration** is a sweep with data: each entry becomes the mean of its targets. An entry without data stays at the worst value possible. (Had it started at 0, a chunk that nobody tried would look better than all the others.)
#
# ### Your turn: `fitted_q` (★★★, 15 minutes)
#
# `backup` is a function: `target, weight = backup(last_q)`. It hides the recorded windows and your `window_targets`.
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
    4. Note the largest value of state 0.

    Args:
        state, entry, last_state: (B,) int; row b moves q[state[b], entry[b]].
        backup: takes last_q (B, C), gives target (B,) and weight (B,).
        q: (S, C), to be left as it is.

    Returns:
        q: (S, C) after the last iteration.
        curve: (iterations,) the notes.
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
# Your two functions make a learner. Fitted iteration reads all data each time. A network reads small random batches and moves a little each time; `walks.td_curve` does that with your targets.
#
# **Predict.** One recorder goes right 70 % of the time, another 95 %. With batches, will the chunk be the first to learn both times? How often does each recorder play five steps right in a row?

# %%
def learn(name, seed, length=H):
    """The final table, and the value of the start after each of 60 iterations."""
    data, entry = walks.record(seed, name, length=length)

    def backup(last_q):
        window = data.rewards, data.valid, data.mask
        return window_targets(*window, last_q, DISCOUNT, whole_only=name == "chunk")

    table = walks.start_table(name, length)
    return fitted_q(data.state, entry, data.last_state, backup, table, 60)


seeds = range(shorten(8, fast=2))
fitted = {name: np.array([learn(name, seed)[1] for seed in seeds]) for name in walks.LEARNERS}
by_update = {right: {} for right in (0.7, 0.95)}
for right, curves in by_update.items():
    print(f"recorder {right:.0%}, five steps right in a row {right**5:.0%}; updates needed:", end="")
    for name in walks.LEARNERS:
        curves[name] = np.array([walks.td_curve(window_targets, name, s, right) for s in seeds])
        print(f"  {name} {walks.updates_needed(curves[name]):.0f}", end="")
    print()
show(*draw.learning(fitted, by_update))

# %% [markdown]
# (Printed: updates until the value of the start is within 2 % of the truth, the median of eight seeds; `inf` is never. Drawn: means over seeds with 95 % intervals, here and below.)
#
# With all data at once the chunk is fast and right. With batches its value rises earlier, but only with the good recorder does it reach the truth first. Its news travels five states an update, but only along chunks that occur in the data. The 70 % recorder plays a good chunk in 17 % of the windows, and that eats the gain. Remember this when you read that chunking speeds up learning: it does where good stretches of behavior are in the data.
#
# ## 4. The price of n steps
#
# The n-step learner settled too low. **Predict:** is it wrong for a perfect recorder, too? And does a longer window make it better or worse?

# %%
lengths = (1, 2, 3, 5, 8)
in_the_end = {
    right: [walks.n_step_limit(n, right) for n in lengths] for right in (1.0, 0.9, 0.7, 0.6)
}
n_step = {n: [learn("n-step", seed, n)[1][-1] for seed in seeds[:4]] for n in lengths}
chunk = {n: [learn("chunk", seed, n)[1][-1] for seed in seeds[:4]] for n in (1, 2, 4, 5)}
show(*draw.bias(in_the_end, n_step, chunk))

# %% [markdown]
# Lines are computed without data; dots were learned by your functions (four seeds). The chunks have lengths that divide the 40 steps to the goal; section 6 shows what happens with others. For a perfect recorder the n-step target is right. For any other it is too low, and the longer the window, the lower. This is its **off-policy bias**: the later actions are not those that the learner would choose.
#
# Everybody asks: *is a chunked critic not just an n-step return?* No. The n-step target gives the first action the blame for the recorder's next four. The chunked target is compared with the value of all five actions, and the critic may then choose a *better chunk* than the recorder mostly played.
#
# ## 5. Bug hunt
#
# A colleague has a faster replay. It computes the targets of whole chunks, and also the return so far, for a plot. A critic that learns from it, our **patient**, chooses chunks as good as yours. But look at what it believes.

# %%
def replay_targets(rewards, mask, last_q, discount):
    """Targets (B,) of whole chunks."""
    batch, horizon = rewards.shape
    so_far = np.zeros((batch, horizon))  # the return so far, for the plot
    total = np.zeros(batch)
    for k in range(horizon):
        total = total + discount**k * rewards[:, k]
        so_far[:, k] = total
    powers = discount ** np.arange(horizon)
    earned = np.sum(powers * so_far, axis=1)
    best = last_q.max(axis=1)
    later = discount**horizon * mask * best
    return earned + later


def own_targets(rewards, mask, last_q, discount):
    return window_targets(rewards, np.ones_like(rewards), mask, last_q, discount, True)[0]


# Entries without data stay at -150, below everything that can come out.
healthy, patient = (walks.fitted_to(f, seed=0, lowest=-150) for f in (own_targets, replay_targets))
show(*draw.beside_returns(healthy=healthy, patient=patient))
for name, q in (("healthy", healthy), ("patient", patient)):
    print(f"{name}: value at distance 5 {q[-6].max():.1f}, lowest value of a state {q.max(axis=1).min():.1f}")

# %% [markdown]
# **Question 2.** (a) Which values of the patient would look impossible even without a healthy critic beside it? (b) Suppose the discount of the bootstrap were wrong. What would you expect to see at distance 5, from where one chunk reaches the goal? (c) So in which line is the mistake?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bug", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) All values below -33.3. Nobody can earn less than by paying for ever. That dashed line is a free bug detector: draw it in every plot of Q. (b) The right value. The chunk ends at the goal, the mask is 0, and nothing is bootstrapped. A wrong discount would show only further away, and more with every chunk. (c) At distance 5 the patient is wrong already. So the mistake is in what is earned, before any bootstrap.

# %% [markdown]
# ### Your turn: `mended_targets` (★★☆, 10 minutes)
#
# Write the whole function again, mended. If you have repaired something that was not the cause, the check says why.
#
# <details><summary>Hint</summary>
#
# Take $H = 2$, rewards -1 and -1, discount 1. By hand, what are `so_far`, `earned`, and what should be earned? How often is the first reward in `earned`?
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
def plain_gamma(rewards, mask, last_q, discount):
    """Another patient: the next chunk is discounted once, not H times."""
    right = mended_targets(rewards, mask, last_q, discount)
    return right + (discount - discount**H) * mask * last_q.max(axis=1)


mended, gamma = (walks.fitted_to(f, seed=0, lowest=-150) for f in (mended_targets, plain_gamma))
show(*draw.beside_returns(mended_by_you=mended, plain_gamma_at_the_bootstrap=gamma))
print(f"plain gamma: value at distance 5 {gamma[-6].max():.1f}, lowest {gamma.max(axis=1).min():.1f}")

# %% [markdown]
# Your critic believes what its chunks earn. (The published code stores the rewards of a chunk as running sums, too. Whoever adds them up again makes this mistake.)
#
# The right panel shows the mistake that everybody knows, $\gamma$ in place of $\gamma^H$. It is right at distance 5, drifts away from there, and the same two comparisons catch it.
#
# ## 6. Who hears of an early arrival?
#
# Even the healthy values are a saw-tooth: two steps from the goal is worth *less* than five. Here is what the agent does there. **Predict:** why does it turn around? Which chunk is missing from its data?

# %%
show(*draw.arrivals(38, whole_chunks_only=mended))
for ends in ("ends at the goal", "goes on, as in play data"):
    for stride in (1, H):
        heard = walks.arrivals_heard(stride, goes_on=ends.startswith("goes"))
        print(f"the recording {ends}, stride {stride}: {heard:.2f} whole chunks per arrival")

# %% [markdown]
# If the episode ends at the goal, an arrival at step 2 cuts its chunk, and cut chunks have the weight 0. The critic has heard only of arrivals at the *last* step of a chunk. Five moves change the distance by an odd number. So from 1, 3 or 5 steps away a whole chunk can end at the goal; from 2 or 4 none can, and the agent needs two chunks. The printed counts say how many whole chunks tell of an arrival. If chunks start at every fifth step only (stride 5), four of five arrivals are not heard of at all.
#
# The published methods, QC and QC-FQL, have this gap online, where a success ends the episode. In the play data of their offline phase the recording goes on, and there is no gap.
#
# The repair: credit early arrivals. After the goal, the missing actions never happen. So *every* chunk that begins with the $m$ recorded actions has the same target.
#
# ### Your turn: `credit_arrivals` (★★☆, 12 minutes)
#
# The number of a chunk is its row of actions, read as digits in base `choices`: with two actions, (1, 0, 0) is number 4. For $H = 3$, a walk that arrives after (1, 1) informs the chunks (1, 1, 0) and (1, 1, 1), numbers 6 and 7.
#
# <details><summary>Hint: which numbers begin with the same digits?</summary>
#
# Write all numbers of three binary digits in a column. Those that begin with 11 stand next to each other. Where does the block begin, and how long is it?
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
# The saw-tooth is gone. With continuous actions one would fill the missing actions at random. We have not tested that with networks.
#
# ## 7. Where a chunk stops being right
#
# Lesson 01 named the condition: the recorder must not react inside a chunk to what happens there. Here is the maze of lesson 01, a cost of 1 for each step, chunks of 3, and a probability of 0.1 that a step goes sideways. The recorder looks at every step. **Predict:** will more data make the critic right?

# %%
amounts = np.array([300, 1000, 3000, 10_000, 30_000])[: shorten(5, fast=2)]
both = [[looking_recorder.believed_and_earned(n, s) for n in amounts] for s in range(shorten(6, fast=2))]
show(*draw.looking(amounts, np.array(both), looking_recorder.best_open_loop()))

# %% [markdown]
# The belief stays too high, with 30,000 episodes as well: the later actions of a recorded chunk were chosen after looking at the state, and the critic gives the credit to the chunk. What is *earned* does recover here, with enough data. So "chunked targets are unbiased" has a condition: the data are consistent with open loop, as they always are in a deterministic world.
#
# ## 8. Your own experiment
#
# Ask a question of the chain. `walks.trial` runs fitted learners; these are its knobs:
#
# | knob | from, to | default | meaning |
# |---|---|---|---|
# | `learner` | `"one-step"`, `"n-step"`, `"chunk"` | `"chunk"` | whose targets |
# | `length` | 1 to 6 | 5 | steps in a window |
# | `right` | 0.55 to 1.0 | 0.7 | how often the recorder goes right |
# | `episodes` | 3 to 100 | 10 | recorded walks |
# | `stride` | 1 to 6 | 1 | windows start at every `stride`-th step |
# | `keep` | 0.05 to 1.0 | 1.0 | share of windows kept at random |
# | `credit` | `False`, `True` | `False` | credit early arrivals |
# | `iterations` | 1 to 60 | 60 | of fitted Q iteration |
# | `report` | `"value"`, `"return"` | `"value"` | largest Q at the start, or what the policy earns from all starts |
#
# Some questions: Whose policy is better, that of the n-step learner with its wrong values, or that of the chunk learner? Does crediting help more where walks are few? Write down your prediction and your reason, then run.
#
# Our example: *does stride 5 hurt because it misses arrivals?* First we predicted that it gives lower values than stride 1. Then a test of the reason: with stride 5 in both settings, crediting early arrivals should raise the value.

# %%
# Change me: a question, one knob that differs, and your prediction before you run it.
measure = "value at the start"
apart = experiment(walks.trial, {"stride": 5}, {"stride": 1}, "lower", measure)
credited = {"stride": 5, "credit": True}
control = experiment(walks.trial, credited, {"stride": 5, "credit": False}, "higher", measure)

# %% [markdown]
# Stride 5 is 4.1 lower than stride 1 [1.3, 6.8], as predicted, and crediting the early arrivals brings 2.9 back [0.3, 5.5]. That speaks for our reason. But crediting also adds rows to the data. Is it the arrivals, or only *more chunks*? Which setting of `keep` would tell?
#
# ## Summary
#
# 1. **Speed.** A chunked backup brings the news to the start in 8 sweeps, single steps need 40; with batches it is three times faster for a recorder who plays good chunks (77 % of windows), and no faster for one who rarely does (17 %).
# 2. **Bias.** Five-step targets settle 6.3 below the truth of -23.5 when the recorder goes right 70 % of the time; targets of chunks, of lengths that divide the way, settle on it.
# 3. **Early arrivals.** A critic of whole chunks walks ten steps where two are enough; crediting early arrivals raises the return, a mean over all starts, from -16.5 to the best possible, -14.4.
#
# <details><summary>Details to keep</summary>
#
# - The bootstrap comes $m$ steps later and has $\gamma^m$; for a whole chunk $\gamma^H$.
# - Draw Q beside the returns of the policy, with the line of the worst return.
# - The table holds 0 at the goal, so a missing mask would go unnoticed on this page. With a network it would not.
# </details>
#
# ## Quiz
#
# 1. For which recorder is the n-step target right at every $n$?
# <details><summary>Answer</summary>For an optimal one. Its later actions are those that the maximum would have chosen.</details>
#
# 2. All rewards are -1 or 0, the discount is 0.99. Your critic says -140. What do you know?
# <details><summary>Answer</summary>No policy earns less than -100. So a reward counts twice, or the future weighs too much. Look at states one chunk from the goal: if they are right, suspect the bootstrap; if not, the rewards.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: the chunked TD loss.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, chapter 7: n-step bootstrapping.
#
# **Next:** [03 · Flow matching](03_flow_matching.ipynb), behavior cloning of chunks.
