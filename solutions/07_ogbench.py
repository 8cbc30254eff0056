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
# # 07 · Full runs on OGBench
#
# Do chunks learn sooner than n-step returns on the paper's tasks, and can you tell from a run of your own?
#
# **You will be able to** compute what a run needs before you start it; kill it, resume it, and prove that nothing changed; find in a log what needs a look; say whether your result differs from a published one.
#
# **You need** [lesson 04](04_fql.ipynb) (QC-FQL, best of $N$) and [lesson 06](06_offline_to_online.ipynb) (the online phase, intervals). A GPU only for the full runs. **Time** about 95 minutes to work through; 3 minutes on two cores to run.
#
# ## 1. Guess first
#
# A run of the paper takes hours on a GPU. Here are some of its tasks on two cores: small networks, 300 generated episodes of play, 60,000 updates, four seeds. QC-FQL acts in chunks of five. FQL-n and FQL act step by step; FQL-n looks five steps ahead in its backup, FQL one. All three hold the policy near the behavior with a weight $\alpha$ (lesson 04). Our preset has $\alpha = 100$ for all. On scene the paper has 300 for QC-FQL and FQL and 100 for FQL-n, so QC-FQL was also run with 300 (black crosses). Right of the line, hollow marks show the paper's own runs, four seeds each: after 100K offline updates, and after 1M updates and 200K environment steps.

# %%
import inspect

import jax
import numpy as np
from scipy import stats

from qlac_lite.config import make_config
from qlac_lite.lessons import cut_off_training as cut_off
from qlac_lite.lessons import drawings_of_logs as draw
from qlac_lite.lessons import experiment, paper_runs, run_folder, shorten, show
from qlac_lite.lessons import runs_in_processes as processes
from qlac_lite.lessons import watched_runs as watched
from qlac_lite.lessons.checks import lesson07 as checks
from qlac_lite.lessons.checks.lesson07 import ABOVE, BELOW, DONE, NOT_COMPARED, NOT_SHOWN, OFFLINE, Rates
from qlac_lite.lessons.checks.lesson07 import HEALTHY, NO_BEHAVIOR, NOT_FINITE, OFF_BEHAVIOR, TOO_EARLY, WORDS
from qlac_lite.lessons.checks.lesson07 import Q_TOO_HIGH, Q_TOO_LOW
from qlac_lite.utils.statistics import mean_interval, points_interval, success_interval

cells = paper_runs.desk_cells()
show(*paper_runs.draw_cells(cells, online=False))

# %% [markdown]
# **Question 1.** Look at scene (sparse) task 1: a robot has to open a drawer and a window. Now 30,000 environment steps follow. Where will each of the four curves end? And how far apart would two of them have to be, with four seeds of 15 episodes, before you believe that they differ?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_desk", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** QC-FQL should be ahead, because its collected episodes are more coherent (lesson 05) and its backup is long and unbiased (lesson 02). FQL-n has the long backup alone, so we expect it in the middle. With four seeds the intervals are some 30 points wide, so we would want a gap of 40.

# %%
show(*paper_runs.draw_cells(cells))
scene = paper_runs.paper_task("scene", 1)
print(paper_runs.told_by_seed(cells[scene]), "\n")
print(paper_runs.told_differences(cells[scene]))
print("the paper on scene after 100K updates, %:", paper_runs.told_quotes(scene, "qc-fql", "fql", "fql-n"))

# %% [markdown]
# **With $\alpha = 100$ for all, chunks learn sooner here, and nearly all of it online.** Over all nine evaluations QC-FQL is 33 points above FQL-n [22, 45], but over the six offline ones only 8 [0, 15]. At the end it is 77 [29, 100], cut at 100. Each of its four seeds first solves half of its 15 episodes after 70,000 steps, at the first online evaluation; of FQL-n's seeds only one ever does, after 90,000. But we chose this 100 in trials of QC-FQL on this very task. With its own 300 from the paper the difference is -4 points [-20, 11] over all evaluations, and 0 [-74, 74] at the end: no difference is shown, and a large one is not excluded. (Offline it is -8 [-13, -2].) The interval at the end is wide because seeds differ: one ends at 80 %, the others at 7 % or less. (So your second answer in Question 1 has to be 48 points for one pair and 74 for the other, the mean less the lower end.) **So it is open whether chunks or tuning account for the lead.** The paper tuned $\alpha$ for each method. There QC-FQL has 61 % [43, 82] after 100K updates, FQL-n 34 [23, 44] and FQL 36 [26, 44]. Is that a difference? Section 7 gives you a rule.
#
# Would you have found this out yourself? You need a run that survives the night (sections 2 to 5), a log that you can read (6), and a rule for comparing two results (7).
#
# ## 2. Start a run
#
# A run is three words: a **task**, a **method**, a **preset**. The command below starts one of QC-FQL in the lite world of lesson 04, twice: `live` will have an accident, `twin` will not. Both train in processes of their own while you go on. With `FULL = True` it is the paper's QC (best of $N$ chunks, lesson 04) on puzzle-3x3, task 4, without a twin.

# %%
FULL = False  # True, on a machine with a GPU: hours in place of a minute

HOME = run_folder("lesson07", keep=FULL)
if FULL:
    names, dataset = ["live"], ["puzzle-3x3-play-v0"]
    words = ["--task", paper_runs.paper_task("puzzle-3x3", 4), "--method", "qc", "--preset", "full"]
    words += ["--seeds", 4, "--offline-steps", 100_000, "--online-steps", 0]
else:
    names, dataset = ["live", "twin"], ["lite-world", "--episodes", shorten(400, fast=20)]
    updates, steps, every = shorten((800, 400, 20), fast=(120, 60, 10))
    words = ["--task", "lite-world", "--method", "qc-fql", "--seeds", 4]
    words += ["--offline-steps", updates, "--online-steps", steps]
    words += processes.settings(log_every=every, evaluate_every=updates, evaluation_episodes=2)
    words += processes.settings(checkpoint_seconds=1)
data = processes.finish(processes.start(HOME, "data", *dataset, "--out", "data"))
words = ["train", *words, "--data", data, "--resume", "--out"]
resumed = (HOME / "runs/live/run.json").exists()
runs = {name: processes.start(HOME, *words, f"runs/{name}") for name in names}
print(processes.as_typed("qlac", *words, "runs/live") + "\n\nIt goes on where it was." * resumed)

# %% [markdown]
# A run folder is made to be interrupted:
#
# | file | holds | written |
# |---|---|---|
# | `run.json` | configuration, seeds, data with their checksum, versions, machine, command | once |
# | `progress.csv`, `evaluations.csv`, `episodes.csv` | losses and Q; evaluation episodes; online episodes | added to |
# | `checkpoint.npz` | parameters, optimizer, replay, counters | replaced as a whole, every minute or so |
#
# ## 3. Kill it
#
# A run of hours *will* be interrupted. The checkpoint is then older than the last rows of the logs. What was done after it will be done again, and logged again. So some rows have to go, and the run has to know where it goes on.
#
# ### Your turn: `resume` (★★☆, 12 minutes)
#
# If the check refuses an answer, `case = checks.last_case()` gives you the inputs that failed.
#
# <details><summary>Hint: the rows, and where it goes on</summary>
#
# For arrays: `|` and `&`, with brackets around each comparison. Compare phases first: the steps begin anew online. A phase of 0 steps is over before it begins. So one `if` is not enough: a `while` is.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/07_ogbench.ipynb)

# %% nbgrader={"grade": false, "grade_id": "resume", "locked": false, "schema_version": 3, "solution": true, "task": false}
def resume(phase, step, saved, lengths):
    """What stays of a log, and where the run goes on.

    1. Without a checkpoint no row stays, and the run begins as if one lay at offline step 0.
    2. With one, a row stays if it was written before the checkpoint or with it.
    3. In both cases: if the phase has no step left, the run goes on at step 0 of the next phase;
       after the last phase it is DONE, at step 0.

    Args:
        phase, step: (N,) int, of each row of the log: 0 offline or 1 online; steps made in it.
            Every row was written after at least one step.
        saved: the checkpoint's (phase, steps made in it), or None if there is none yet.
        lengths: (offline, online), how many steps the phases have; either may be 0.

    Returns:
        keep: (N,) bool.
        phase: OFFLINE (0), ONLINE (1) or DONE (2).
        step: how many steps of that phase were made already.
    """
    ### BEGIN SOLUTION
    at_phase, at_step = (OFFLINE, 0) if saved is None else saved
    earlier = phase < at_phase
    same = phase == at_phase
    keep = earlier | (same & (step <= at_step))
    while at_phase < DONE and at_step >= lengths[at_phase]:
        at_phase = at_phase + 1
        at_step = 0
    return keep, at_phase, at_step
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_resume", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
resume = checks.check_resume(resume)

# %% [markdown]
# Now kill `live` as soon as it has logged more than its checkpoint holds. It gets no time to save anything, as if the power had failed. Then give the same command again.

# %%
killed = processes.kill_when_ahead(runs["live"], HOME / "runs/live")
left = processes.left_by(HOME / "runs/live")
keep, phase, step = resume(*left)
print("killed" if killed else "It had ended before it could be killed.", end="; ")
print(f"its last row: {('offline', 'online')[left.phase[-1]]} step {left.step[-1]:,}")
print(f"{keep.sum()} of {len(keep)} rows stay, {(~keep).sum()} will be written again")
print(f"it goes on at {('offline', 'online', 'done')[phase]} step {step:,}")
runs["live"] = processes.start(HOME, *words, "runs/live")

# %% [markdown]
# The claim is a strong one. Both runs will end in the same parameters, **bit for bit**. We look in section 5, when they have ended.
#
# ## 4. Meanwhile: what does a run need?
#
# | symbol | in code | meaning |
# |---|---|---|
# | $n$ | `seeds` | seeds that train side by side in one program |
# | $T$; $E$ | `transitions`; `episodes` | how many the dataset has |
# | $S, A$ | `observation_size`, `action_size` | numbers of an observation, of an action |
# | $M$ | `replay_rows` | rows of one seed's replay |
# | $P$, $P_Q$ | `parameters`, `critic_parameters` | of all networks of a seed; of its critics among them |
# | $U$, $K$ | `offline_steps`, `online_steps` | gradient steps offline; environment steps online, of each seed |
# | $u$, $e$ | `rates.updates`, `rates.steps` | gradient steps a second; environment steps a second |
#
# **Memory.** Each number has 4 bytes. The data are there once, for all seeds. An episode of 100 transitions has 101 observations, and each gets a row: observation, action, reward, mask (0 where the task is solved, else 1), steps left. A separate index holds one number per transition: where a chunk may start. A replay has the same rows, with room for a start at each of them. A learner has its parameters, Adam's two moments of each, and a copy of the critics.
#
# **Hours.** A time is a count divided by a rate. Online every environment step has its gradient step. This library lets the simulators execute a chunk while the learner learns, so the slower side decides:
#
# $$ \frac{U}{u} + \max\Big(\frac{K}{u}, \frac{n K}{e}\Big) + \frac{\text{evaluations}\cdot \text{steps of one, all seeds}}{e} \quad\text{seconds} $$
#
# In words: $u$ counts an update of all seeds as one, and $e$ is of all simulators together. If acting and learning take turns, the maximum becomes a sum.
#
# ### Your turn: `budget_of_run` (★★☆, 15 minutes)
#
# `size` and `rates` have the fields of the table, and three more: `size.evaluations`, `size.evaluation_steps` and `rates.overlapped`. You write `size.transitions`.
#
# <details><summary>Hint: where does the number of seeds stand?</summary>
#
# In the replays, in the learners, and in the environment steps online. Nowhere else.
# </details>
# <details><summary>Hint: the memory as a formula</summary>
#
# $$ 4\big[(T + E)(S + A + 3) + T\big] \;+\; 4 n M\,(S + A + 4) \;+\; 4 n\,(3P + P_Q) $$
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/07_ogbench.ipynb)

# %% nbgrader={"grade": false, "grade_id": "budget_of_run", "locked": false, "schema_version": 3, "solution": true, "task": false}
def budget_of_run(size, rates):
    """Bytes of a run's data, replays and learners, and its hours: four numbers.

    1. The rows of the data, and the numbers in a row; from them the bytes, with the starts.
    2. The bytes of all replays, and of all learners.
    3. The seconds of the offline phase.
    4. Online: the seconds to learn and to simulate; if rates.overlapped the larger, else the sum.
    5. The seconds of all evaluations. size.evaluation_steps is of one, with all seeds.

    Returns:
        data, replay, learner, hours
    """
    ### BEGIN SOLUTION
    rows = size.transitions + size.episodes
    row = size.observation_size + size.action_size + 3
    data = 4 * (rows * row + size.transitions)
    replay = 4 * size.seeds * size.replay_rows * (row + 1)
    learner = 4 * size.seeds * (3 * size.parameters + size.critic_parameters)

    offline = size.offline_steps / rates.updates
    learning = size.online_steps / rates.updates
    simulating = size.seeds * size.online_steps / rates.steps
    if rates.overlapped:
        online = max(learning, simulating)
    else:
        online = learning + simulating
    evaluating = size.evaluations * size.evaluation_steps / rates.steps
    hours = (offline + online + evaluating) / 3600
    return data, replay, learner, hours
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_budget_of_run", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
budget_of_run = checks.check_budget_of_run(budget_of_run)

# %% [markdown]
# The paper says what an offline update cost on its GPU, an A5000: 4.2 ms for QC-FQL, 12 for QC, one seed at a time. A slow core makes 245 steps a second of puzzle-3x3 ([measured](https://github.com/qlac-lite/qlac-lite/blob/main/docs/cluster.md)). **Predict:** what limits the number of seeds on a card of 24 GB, memory or time? What would you buy for four seeds, a GPU twice as fast or eight cores in place of one, if an update of four takes four times as long as that of one? And if it takes twice as long?

# %%
task = paper_runs.paper_task("puzzle-3x3", 4)
plans = [make_config(task, method, "full", seeds=seeds) for method in ("qc-fql", "qc") for seeds in (1, 4)]
four = [run for run in plans if run.seeds == 4]
print(paper_runs.told_memory(budget_of_run, Rates(1, 1, True), plans))
for times in (4, 2):  # 4: the seeds take turns
    speed = lambda run, times=times: 1000 / paper_runs.A5000[run.method] / times
    machines = {
        "1 core": lambda run: Rates(speed(run), 245, True),
        "1 core, GPU x 2": lambda run: Rates(2 * speed(run), 245, True),
        "8 cores": lambda run: Rates(speed(run), 8 * 245, True),
    }
    print(f"\nif four seeds take {times} times as long as one:")
    print(paper_runs.told_hours(budget_of_run, machines, four))

# %% [markdown]
# Time limits the number of seeds: four take 1.5 GB of 24, and 12 to 29 hours if they take turns. Then the faster GPU saves more for both methods: QC-FQL takes 9.1 hours with it and 9.6 with eight cores, QC 15.6 and 27.0. But seeds side by side share the GPU. If four take only twice as long as one, the eight cores win for QC-FQL, with 5.0 hours against 8.0: online the simulators are the slower side. For QC the GPU still wins, with 10.1 against 13.6. (`make bench` measures both rates of your machine.)
#
# ## 5. The same bits?

# %%
for process in runs.values():
    processes.finish(process)
if not FULL:
    for what, same in processes.equal(HOME / "runs/live", HOME / "runs/twin").items():
        print(f"{what}: {'equal, bit for bit' if same else 'NOT equal'}")
if resumed:
    print("This page resumed the runs: they had begun before.")

# %% [markdown]
# **A run that was killed and resumed ends in the same bits.** Only the seconds after the checkpoint were lost. (The kill came offline. The library's own tests kill runs in both phases. On Colab the machine goes and its disk with it. Mount your Drive in a first cell of your own: `from google.colab import drive`, then `drive.mount("/content/drive")`. The runs then lie there, and go on when you open the page again.)
#
# ### Bug hunt: the log that is too good
#
# A colleague trains a flow to imitate play (lesson 03). Her machine is taken away after every 75 updates, and every 50 she writes a checkpoint. She has compared what it holds after loading: parameters, optimizer, log, all there. And her log is *better* than that of the same training on a machine that stays.

# %%
whole = cut_off.train(cut_off.her_training, lives=False)
hers = cut_off.train(cut_off.her_training)
show(*draw.cut_off({"never taken away": whole, "hers": hers}))

# %% [markdown]
# **Question 2.** The bands are 95 % intervals over eight seeds; on the right is a close-up of one seed. (a) Left and middle: what is it called when the training loss is lower, but the loss on other play is higher? (b) Right: after how many updates does the pattern of her losses repeat? (c) Here is her code. Which line is it?

# %%
print(inspect.getsource(cut_off.her_training))

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_log", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** (a) Overfitting: the flow learns its batches by heart. For that they must be few, though there are 50,000 chunks to draw from. (b) Every 50 updates (ten points), which is from checkpoint to checkpoint. (c) `key = jax.random.key(seed)`. After a kill the state goes on, but the random numbers begin anew, and so do the batches: she trains on the same 50 again and again.

# %% [markdown]
# ### Your turn: `mended_training` (★★☆, 10 minutes)
#
# Write her function again, mended. The check kills it in several places, and compares it with a run that was never killed. Your checkpoints may hold more than hers did, and hers need not load.
#
# <details><summary>Hint</summary>
#
# In a run that is never killed, update number 70 gets some key. How can a run that was killed at 60 get the same one? `jax.random.fold_in(key, number)` makes a key from a key and a number.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/07_ogbench.ipynb)

# %% nbgrader={"grade": false, "grade_id": "mended_training", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_training(disk, update, state, seed, steps, every):
    """As her_training; it ends in the same bits, wherever it was killed.

    disk.load() gives what disk.save(step, state, log) has saved last, or None.
    update(state, key) gives the new state and a row of the log.
    """
    ### BEGIN SOLUTION
    step, log = 0, []
    if disk.load():
        step, state, log = disk.load()
    key = jax.random.key(seed)
    while step < steps:
        now = jax.random.fold_in(key, step)  # from seed and step, and nothing else
        state, row = update(state, now)
        step, log = step + 1, [*log, row]
        if step % every == 0:
            disk.save(step, state, log)
    return state, log
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mended_training", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mended_training = checks.check_mended_training(mended_training)

# %%
whole, mended = (cut_off.train(mended_training, lives) for lives in (False, True))
show(*draw.cut_off({"never taken away": whole, "mended, taken away": mended}))
print("mended, taken away or not, equal bit for bit:", np.array_equal(whole, mended))
for column, what in enumerate(("its own batches", "other play")):
    apart, low, high = mean_interval(hers[-1, column] - mended[-1, column])
    print(f"loss on {what}: hers less the mended one's {apart:+.3f} [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# So (a) it was overfitting, to the few batches that come again after each kill; (b) the pattern repeats after 50 updates, the way from checkpoint to checkpoint; (c) the line is `key = jax.random.key(seed)`: it runs again in each life, so the same keys and batches come again. Your training gives the same log on both machines, to the bit. Her loss ends 0.033 lower [0.021, 0.044] on her own batches and 0.026 higher [0.022, 0.030] on other play. In the library, too, the randomness of a step follows from the seed and the number of the step, and from nothing else.
#
# ## 6. Read a log
#
# The success rate tells you that a run fails, but hours later, and it does not tell you why. The log tells you more.
#
# **Q has a range.** With $\gamma$ the discount of a step, the worst policy gets the smallest reward for ever. The best one solves the task with its next step, and a solved episode ends:
#
# $$ \frac{r_{\min}}{1 - \gamma} \;\le\; Q \;\le\; r_{\text{solved}} $$
#
# Chunks of $H$ actions change nothing here. Their target is $\sum_{k<H} \gamma^k r_k + \gamma^H Q'$, with $Q'$ the value of the next chunk: the same rewards, added up in groups of $H$.
#
# **The flow's loss.** A network that has learned nothing of the observation predicts the mean action. Then the variance is left: 1 from the noise, plus that of the actions (`about.knowing_nothing`). A flow that stays near it has not learned the behavior. **The distance of the policy from the behavior** is the distillation loss divided by $\alpha$. How far is far? Take two random chunks of the data: their mean squared distance is twice the variance (`about.far`).
#
# ### Your turn: `diagnose` (★★☆, 18 minutes)
#
# Step 3 is for a run that has diverged (this library stops such a run). Why a margin in steps 4 and 5? `q_max` is the largest of thousands of values, and a good critic is wrong by a little. Why is success asked last? It does not undo a finding.
#
# <details><summary>Hint: the last quarter</summary>
#
# `values[-count:].mean()` with `count = max(1, len(values) // 4)`.
# </details>
# <details><summary>Hint: nan</summary>
#
# Any comparison with nan is False, so without step 3 a run that has diverged passes as healthy. `np.isfinite` tells. A method without a flow holds nan in the flow's two columns from the beginning, and that is no finding: `nan > x` is False, but `not nan <= x` is True. Q's columns are enough: a flow that breaks gives actions of nan, and they give targets of nan.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/07_ogbench.ipynb)

# %% nbgrader={"grade": false, "grade_id": "diagnose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def diagnose(log, success, about):
    """The first finding that fits the end of a seed's log.

    1. Of each column take the mean over the last quarter of its rows, of one at least.
    2. Compute the range of Q, and a margin of a tenth of its width.
    3. NOT_FINITE: the mean of "q_max" or that of "q_min" is nan or infinite.
    4. Q_TOO_HIGH: "q_max" is above the range by more than the margin.
    5. Q_TOO_LOW: "q_min" is below the range by more than the margin.
    6. NO_BEHAVIOR: "flow_loss" is more than 0.9 of about.knowing_nothing.
    7. OFF_BEHAVIOR: "distance" is more than about.far.
    8. TOO_EARLY: no episode was solved. Otherwise HEALTHY.

    Args:
        log: a dictionary of arrays (L,), the columns "q_max", "q_min", "flow_loss", "distance".
        success: rate of the last evaluation, 0 to 1.
        about: has reward_min (0 or less), reward_solved (0 or more), discount, chunk_length,
            knowing_nothing and far. One of them plays no part.
    """
    ### BEGIN SOLUTION
    last = {}
    for name, values in log.items():
        count = max(1, len(values) // 4)
        last[name] = np.mean(values[-count:])
    lowest = about.reward_min / (1 - about.discount)
    highest = about.reward_solved
    margin = 0.1 * (highest - lowest)
    if not (np.isfinite(last["q_max"]) and np.isfinite(last["q_min"])):
        return NOT_FINITE
    if last["q_max"] > highest + margin:
        return Q_TOO_HIGH
    if last["q_min"] < lowest - margin:
        return Q_TOO_LOW
    if last["flow_loss"] > 0.9 * about.knowing_nothing:
        return NO_BEHAVIOR
    if last["distance"] > about.far:
        return OFF_BEHAVIOR
    return HEALTHY if success > 0 else TOO_EARLY
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_diagnose", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
diagnose = checks.check_diagnose(diagnose)

# %% [markdown]
# Two runs of QC-FQL on the lite world's play, eight seeds each. One has $\alpha = 10$, as the preset has it. The other has $\alpha = 0.1$, so that hardly anything holds the policy near the behavior. **Predict:** which of the three panels gives it away? Does Q leave its range?

# %%
about = watched.about()
pair = watched.watch_all(**{"α = 10": dict(alpha=10.0), "α = 0.1": dict(alpha=0.1)})
show(*draw.logs(pair, about))
for name, run in pair.items():
    logs = [{key: values[seed] for key, values in run.log.items()} for seed in range(len(run.log["q_mean"]))]
    codes = [int(diagnose(log, 0.0, about)) for log in logs]
    told = ", ".join(f"{WORDS[code]} ({codes.count(code)} seeds)" for code in dict.fromkeys(codes))
    q, far = mean_interval(run.log["q_mean"][:, -1]), mean_interval(run.log["distance"][:, -1])
    print(f"{name:7} {told}")
    largest = f"largest {run.log['q_max'][:, -1].max():.0f}"
    print(f"{'':7} mean Q {q[0]:.0f} [{q[1]:.0f}, {q[2]:.0f}], {largest}; ", end="")
    print(f"distance {far[0]:.2f} [{far[1]:.2f}, {far[2]:.2f}], random chunks {about.far:.2f}")

# %% [markdown]
# **Q inside its range does not tell these two runs apart.** With $\alpha = 0.1$ mean Q is -7 [-8, -6], with 10 it is -18 [-20, -16], and both are possible numbers. No upward triangle exceeds 0 by more than the margin of 10. The distance does tell them apart: 1.94 [1.77, 2.11] and 0.24, where two random chunks are 0.62 apart. So with $\alpha = 0.1$ the critic is asked about chunks that are further from the flow's than random chunks of the data are from each other. The flow learns the same in both runs, because $\alpha$ does not reach it: in the middle panel the curves lie on each other.
#
# What is not shown here: that the far policy fails, or that the near one succeeds. Neither was evaluated (their success was given as 0), and the limit of one random distance is our choice. So OFF_BEHAVIOR is a warning: look at this run before you wait for its success.
#
# ## 7. Beside the paper
#
# You have run a cell yourself, and want to say whether it agrees with the paper. Decide on the rule before you see the number.
#
# A tempting rule is: does our mean lie in the paper's 95 % interval? But our mean comes from four seeds and is uncertain, too. What has to be compared is the *difference* of the two means, with an interval that knows both:
#
# $$ \bar x - m \;\pm\; t_{0.975,\,n + n_p - 2} \sqrt{\frac{s^2}{n} + \Big(\frac{\text{high} - \text{low}}{2 \cdot 1.96}\Big)^2} $$
#
# In words: $\bar x$ and $s$ are mean and standard deviation of our $n$ seeds, $m$ is the paper's mean over $n_p$ seeds (on OGBench $n_p = 4$). The first term under the root is our squared standard error, the second the paper's: half of a 95 % interval is 1.96 standard errors. The paper's interval may be skewed; the rule takes half of its width. Four seeds give only a rough idea of their own spread, so the t-quantile stands in the place of 1.96. Its degrees of freedom are all seeds less two, one for each of the two means.
#
# ### Your turn: `verdict` (★★☆, 12 minutes)
#
# <details><summary>Hint: steps, and the spread</summary>
#
# `steps` and `paper_steps` are arrays, and `==` compares entry by entry. `tuple(steps) != tuple(paper_steps)` is one answer. `np.std(success, ddof=1)` divides by n - 1, as an estimate from a sample has to. The quantile is `stats.t.ppf(0.975, degrees_of_freedom)`.
# </details>
#
# [A solution](https://github.com/qlac-lite/qlac-lite/blob/main/solutions/07_ogbench.ipynb)

# %% nbgrader={"grade": false, "grade_id": "verdict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def verdict(success, steps, paper_steps, paper, paper_seeds):
    """Whether our mean success is shown to differ from the paper's: one of four codes.

    1. If offline or online steps differ from the paper's, nothing may be said: NOT_COMPARED.
    2. BELOW or ABOVE if all of the interval of the difference is, else NOT_SHOWN.

    Args:
        success: (n,) success rate of each of our seeds, 0 to 1.
        steps, paper_steps: (2,) int, offline updates and online steps; ours and the paper's.
        paper: (3,) the paper's mean, and the low and the high end of its 95 % interval, as rates.
        paper_seeds: how many seeds the paper has.
    """
    ### BEGIN SOLUTION
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    mean, low, high = paper
    ours = np.std(success, ddof=1) / np.sqrt(len(success))
    theirs = (high - low) / 2 / 1.96
    quantile = stats.t.ppf(0.975, len(success) + paper_seeds - 2)
    reach = quantile * np.sqrt(ours**2 + theirs**2)
    apart = np.mean(success) - mean
    if apart > reach:
        return ABOVE
    if apart < -reach:
        return BELOW
    return NOT_SHOWN
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_verdict", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
verdict = checks.check_verdict(verdict)

# %% [markdown]
# How good are the two rules? Let us replicate a "paper" exactly: same method, same machine, only other seeds. Each seed solves its own share of 50 episodes, 60 % on average with a standard deviation of 15. **Predict:** how often does our mean fall outside the paper's interval? And how often does a rule notice a true gap of 20 or 40 points?

# %%
rng, same = np.random.default_rng(0), np.array([100_000, 0])


def four_seeds(mean):
    """Outcomes (4, 50) of a result: each seed has a success rate of its own."""
    rates = rng.beta(10 * mean, 10 * (1 - mean), size=(4, 1))
    return rng.random((4, 50)) < rates


gaps, labs = (0, 20, 40), shorten(300, fast=20)
shares = {"our mean against the paper's interval": [], "the difference, with both": []}
for gap in gaps:
    counts = np.zeros(2)
    for _ in range(labs):
        paper, ours = success_interval(four_seeds(0.6)), four_seeds(0.6 - gap / 100).mean(axis=1)
        counts[0] += not paper[1] <= ours.mean() <= paper[2]
        counts[1] += verdict(ours, same, same, np.array(paper), 4) != NOT_SHOWN
    for found, count in zip(shares.values(), counts.astype(int), strict=True):
        found.append([count / labs, *stats.binomtest(count, labs).proportion_ci()])
shares = {rule: 100 * np.array(found) for rule, found in shares.items()}
show(*draw.wrong_verdicts(gaps, shares))
for rule, found in shares.items():
    told = [f"{points_interval(share)} % at {gap} points" for gap, share in zip(gaps, found, strict=True)]
    print(f'{rule}: "they differ" in\n    {", ".join(told)}')
spreads = [100 * stats.beta(10 * mean, 10 * (1 - mean)).std() for mean in (0.6, 0.4, 0.2)]
print("standard deviation of the seeds at these gaps, points:", ", ".join(f"{each:.0f}" for each in spreads))

# %% [markdown]
# **By the tempting rule 22 % [18, 27] of the exact replications "differ" from the paper.** With both intervals it is 5 % [3, 8], as it should be for a 95 % interval. The price: with four seeds against four you notice a true gap of 20 points in 30 % of the cases [25, 36], and one of 40 in 89 % [85, 92]. With seeds that differ more, as in section 1, you notice less (here their standard deviation is 15 points, 12 at the gap of 40).
#
# Now ask the paper with your rule: **does QC-FQL learn sooner than FQL-n?** Each point is the difference of the two on one of its 25 tasks. (Your rule wants seeds, and only means and intervals are at hand here: it gets four made-up seeds with the mean and standard error of QC-FQL.) **Predict:** on how many is it above after 100K updates? And below?

# %%
young, old = (100_000, 0), (1_000_000, 0)
asked = young, old, (1_000_000, 200_000)
found = {steps: paper_runs.papers_verdicts(verdict, "qc-fql", "fql-n", steps) for steps in asked}
show(*draw.papers_verdicts(found))
print(paper_runs.told_at_an_end(found, "qc-fql", "fql-n"))
print(paper_runs.told_apart(scene, ("qc-fql", young), ("fql-n", young)))
print(paper_runs.told_apart(scene, ("qc-fql", young), ("fql", young)))
print(paper_runs.told_apart(task, ("qc-fql", old), ("qc-fql", young)))

# %% [markdown]
# **In the paper's own runs it depends on the task.** After 100K updates QC-FQL is above FQL-n on 5 of 25 tasks (3 of scene) and below it on 2 (both of the puzzle). After 1M it is above on 10 and below on 4, and after 200K environment steps more above on 13 and below on none. On the others nothing is shown, which does not make the two equal. Many cannot tell: after 100K both methods are at 1 % or less on 11 of 18, and online at the end both are at 99 % or more on 6 of 12 and at 1 % or less on 2. The rule errs in 5 % of cases, so one verdict a panel may be chance. Scene task 1 is only just above: +27.4 points [+0.0, +54.8]. Against FQL the same QC-FQL is not shown to lead: +24.6 [-1.8, +51.0].
#
# And the steps? On task 4 of the puzzle, the same method has 54 points more after 1M updates than after 100K [6, 100]: you cannot compare a young run with an old one. So our cells cannot be compared with the paper's. Your rule says so, and compares them with each other:

# %%
said = {NOT_COMPARED: "not compared", NOT_SHOWN: "no difference shown", ABOVE: "above", BELOW: "below"}
ends, later, groups = (60_000, 30_000), (1_000_000, 200_000), cells[scene]
others = {"the paper's QC-FQL": (later, paper_runs.quoted(scene, "qc-fql")[later])}
others["our FQL-n"] = ends, groups["FQL-n"].points[ends].interval
for name in ("QC-FQL", "QC-FQL, α = 300"):
    ours = np.array([np.mean(each) for each in groups[name].outcomes[0][ends].values()])
    for other, (steps, theirs) in others.items():
        code = int(verdict(ours, np.array(ends), np.array(steps), np.array(theirs), 4))
        print(f"our {name} and {other}: {said[code]}")
print("the paper's puzzle-3x3 task 4 after 100K, %:", paper_runs.told_quotes(task, "qc", "bfn"))

# %% [markdown]
# Ours have the same steps, data and networks. At the end your rule finds QC-FQL above FQL-n with $\alpha = 100$, and no difference with 300. (One limit: if all seeds are alike, as the paper's at 100 %, a mean has no spread to go by. If both have none, the rule calls any difference one.)
#
# **One more thing has to be equal.** QC reaches 95 % [92, 98] on the puzzle after 100K updates, BFN 10 % [7, 12]. Both take the best of $N$ (lesson 04), QC of 64 chunks and BFN of 4 single actions. The control, BFN with $N = 64$, is not in the paper. Until it has been run, nobody knows whether the chunk did it, or $N$.
#
# ## 8. Your own experiment
#
# Which setting shows in which column? `watched.try_out` trains QC-FQL on play and reads one number from the end of the log.
#
# | knob | values | what it is |
# |---|---|---|
# | `alpha` | 0.1 to 1000 (10) | weight of the distillation |
# | `rate` | 0.00003 to 0.1 (0.001) | learning rate |
# | `batch` | 8 to 256 (64) | chunks in an update |
# | `updates` | 100 to 2000 (1000) | gradient steps |
# | `report` | `"distance"`, `"flow"`, `"q"` | the policy's distance from the flow; the flow's loss; mean Q |
#
# Some questions: Does a learning rate of 0.1 show in the flow's loss? Does a small batch show anywhere? Which column tells a run of half the updates from a whole one? Our example: *does the log notice a mild mistake,* $\alpha = 1$ *in place of 10?* We predict a larger distance. As a control we take the flow's loss. $\alpha$ does not reach the flow, so we predict no difference at all.

# %%
# Change me: a question, one knob that differs, and your prediction before you run it.
count, one, other = shorten(8, fast=2), dict(alpha=1.0), dict(alpha=10.0)
difference = experiment(watched.try_out, one, other, "higher", "distance from the behavior", count)
flow = dict(report="flow")
control = experiment(watched.try_out, one | flow, other | flow, "no difference", "flow's loss", count)

# %% [markdown]
# Both predictions held, but the mistake is not mild: with $\alpha = 1$ the distance is 0.785 larger [0.744, 0.825], so it is 1.02, more than between random chunks. And the control? A difference of exactly 0 is more than "not shown": both runs have the same seeds, so their flows had the same batches and the same noise, and $\alpha$ never came near them. Such a control tells you that the two runs differ in what you changed and in nothing else.
#
# ## 9. The run book
#
# Four sets of runs are still missing. All need a GPU.
#
# ```
# # 1. in ten minutes: the rates of your card, the first cells
# make gpu
# # 2. puzzle-3x3 tasks 4, 5 and scene task 1, 100K offline
# qlac sweep docs/sweeps/cells.toml
# # 3. the control: BFN with QC's N, 64 on the puzzle
# qlac sweep docs/sweeps/equal-n.toml
# # 4. 1M offline, then 200K online
# qlac sweep docs/sweeps/cube-double-task4.toml
# ```
#
# Each may be stopped and started again as it stands. [The run book](https://github.com/qlac-lite/qlac-lite/blob/main/docs/cluster.md#one-gpu) says what each costs, where the data come from, and what a healthy log shows after ten minutes. Set 3 is the one to watch. If BFN with $N = 64$ comes near QC's 95 % on the puzzle, most of that gap was $N$. If it stays near 10 %, it was the chunk. **Write down your prediction now.**
#
# ## Summary
#
# **Do chunks learn sooner than n-step returns on the paper's tasks, and can you tell from a run of your own?** In the paper's runs it depends on the task: after 100K updates QC-FQL is above FQL-n on 5 of 25 tasks and below on 2, and both are at 1 % or less on 11; after 1M + 200K above on 13 and below on none. From our runs on scene it is not known: QC-FQL leads with one $\alpha = 100$ for both, but with its own 300 from the paper no difference is shown, so it may be chunks or tuning. A run of your own can tell if it compares at the same steps and counts both intervals: with four seeds it then notices a gap of 40 points in 89 % of the cases [85, 92] and one of 20 in 30 % [25, 36].
#
# Three findings:
#
# 1. On scene (sparse) task 1 QC-FQL is 33 points above FQL-n over all evaluations [22, 45] at equal $\alpha = 100$, mostly online (offline 8 [0, 15]), and not shown to differ with the paper's 300 (-4 [-20, 11]).
# 2. A run that was killed and resumed ends in the same bits; a training that begins its random numbers anew after each kill ends with a loss on other play that is 0.026 higher [0.022, 0.030].
# 3. Q inside its range need not mean a policy near the data: with $\alpha = 0.1$ mean Q is -7 [-8, -6], in a range from -100 to 0, and the policy is 1.94 from the behavior [1.77, 2.11], three times as far as random chunks are from each other (0.62).
#
# <details><summary>Not shown</summary>
#
# | question | these runs |
# |---|---|
# | Is the lead on scene due to chunks or to tuning? | FQL-n and FQL were run with $\alpha = 100$ alone; trials of theirs are missing, and so is FQL with the paper's 300. The paper tuned $\alpha$ for each method. |
# | Do chunks learn sooner in our runs on other tasks? | On puzzle-3x3 (77 % [60, 92] at the end) and cube-double (8 [0, 20]) only QC-FQL has been run. |
# | Are the rates of section 7 those of the paper's tasks? | No: they hold for seeds with a standard deviation of 12 to 15 points. |
# | Do generated data give the paper's results? | Not known. They come from the scripts that made OGBench's data, and are other episodes. |
# </details>
#
# ## Quiz
#
# 1. The learner does 300 updates a second, the simulators 200 steps a second in all, for four seeds. Will a faster GPU help online?
# <details><summary>Answer</summary>No. A step of the run needs four environment steps, so the simulators allow 50 steps a second. The learner waits already.</details>
#
# 2. Your QC reaches 80 % on the puzzle's task 4 after 50K updates. The paper has 95 % [92, 98] after 100K. What do you say?
# <details><summary>Answer</summary>Nothing about agreement: the steps differ. Train on to 100K.</details>
#
# 3. Mean Q is -12 and within its range. Success is 0. Is the critic right?
# <details><summary>Answer</summary>You cannot tell from the range. Look at the distance from the behavior: a large one is a warning. Or compare Q with the returns of episodes (lesson 06).</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): protocol, run times, released curves.
# - S. Park and others, *OGBench: Benchmarking Offline Goal-Conditioned RL*, [arXiv 2410.20092](https://arxiv.org/abs/2410.20092): tasks, data and the scripts that play.
# - R. Agarwal and others, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, [arXiv 2108.13264](https://arxiv.org/abs/2108.13264): intervals from few runs.
#
# **Next:** [08 · Robomimic](08_robomimic.ipynb).
