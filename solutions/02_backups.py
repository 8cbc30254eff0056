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
# How far does a reward travel in one update, and is what arrives still true? Three targets answer differently. In this lesson you write all three, let them compete on the same data, and see why the chunked one is fast *and* right, and where it stops being right.
#
# **You will be able to** write one-step, n-step and chunked TD targets with their masks; explain why the n-step target is biased off-policy and the chunked one is not; choose the discount of a bootstrap; count the chunks that carry a reward; compare the variance of targets.
#
# **You need** [lesson 01](01_chunked_mdp.ipynb): chunks, `valid`, stride. **Time** about 75 minutes to work through; 1 to 2 minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $B$ | first axis | transitions or chunks in a batch |
# | $n$, $H$ | second axis | steps of an n-step window, of a chunk |
# | $Q(s, a)$, $Q(s, \mathbf a)$ | `q` (S, A), (S, C) | critic of single actions, of chunks |
# | $C$ | | number of chunks, $A^H$ |
# | $m$ | `valid.sum(axis=1)` | steps of a window that exist |
# | $y$, $w$ | `target`, `weight` (B,) | what $Q$ is moved towards, and how much the row counts |
# | $\beta(a \mid s)$ | `behavior` (S, A) | who recorded the data |
# | | `valid` (B, n) | float, 1.0 where the step exists, else 0.0 |
# | | `mask` (B,) | float, 0.0 if the last state is terminal, else 1.0 |

# %%
import numpy as np

from qlac_lite.lessons import mdp, shorten, show
from qlac_lite.lessons.checks import lesson02 as checks
from qlac_lite.lessons.sliders import explore
from qlac_lite.reports import plots

COLOURS = {"one-step": "#E69F00", "n-step": "#CC79A7", "chunk": "#0072B2"}  # throughout the course
LINES = {"one-step": "-", "n-step": "-", "chunk": (0, (4, 2))}  # dashed: one sees what is under it
TRUTH = dict(color="0.85", linewidth=6, zorder=0, label="true value")

# %% [markdown]
# ## 1. Three targets
#
# ### One step
#
# $$ y = r_t + \gamma\, \text{mask}\, \max_{a'} Q(s_{t+1}, a') $$
#
# In words: one reward that was really earned, and for everything after it, what the table believes. Where the next state is terminal, nothing comes after it: the mask is 0.
#
# ### Your turn: `one_step_target` (★☆☆, 5 minutes)

# %% nbgrader={"grade": false, "grade_id": "one_step_target", "locked": false, "schema_version": 3, "solution": true, "task": false}
def one_step_target(reward, mask, next_q, discount):
    """Q-learning's target.

    Args:
        reward: (B,).
        mask: (B,) 0 where the next state is terminal.
        next_q: (B, A) the table's values at the next state.
        discount: of one step.

    Returns:
        (B,).
    """
    ### BEGIN SOLUTION
    return reward + discount * mask * next_q.max(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_one_step_target", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
one_step_target = checks.check_one_step_target(one_step_target)

# %% [markdown]
# ### n steps
#
# $$ y = \sum_{k=0}^{m-1} \gamma^k r_{t+k} + \gamma^{m}\, \text{mask}\, \max_{a'} Q(s_{t+m}, a') $$
#
# In words: up to $n$ rewards that were really earned, then the table. Near the end of an episode fewer than $n$ steps are left; $m$ is their number. This target is compared with $Q(s_t, a_t)$: **only the first action is asked about**. The actions $a_{t+1}, \dots$ are those of whoever recorded the data.
#
# ### Your turn: `n_step_target` (★★☆, 10 minutes)
#
# <details><summary>Hint</summary>
#
# `valid.sum(axis=1)` is $m$ for every row, an array (B,). `discount ** np.arange(n)` are the weights of the rewards.
# </details>

# %% nbgrader={"grade": false, "grade_id": "n_step_target", "locked": false, "schema_version": 3, "solution": true, "task": false}
def n_step_target(rewards, valid, mask, last_q, discount):
    """The uncorrected n-step target.

    Args:
        rewards: (B, n).
        valid: (B, n) float, 1.0 where the step exists, else 0.0; what rewards hold there means nothing.
        mask: (B,) 0 where the last state is terminal.
        last_q: (B, A) the table's values at the last state, m steps on.
        discount: of one step.

    Returns:
        (B,).
    """
    ### BEGIN SOLUTION
    steps = valid.sum(axis=1)
    powers = discount ** np.arange(rewards.shape[1])
    return np.sum(valid * powers * rewards, axis=1) + discount**steps * mask * last_q.max(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_n_step_target", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
n_step_target = checks.check_n_step_target(n_step_target)

# %% [markdown]
# ### A chunk
#
# $$ y = \sum_{k=0}^{H-1} \gamma^k r_{t+k} + \gamma^{H}\, \text{mask}\, \max_{\mathbf a'} Q(s_{t+H}, \mathbf a') $$
#
# The right-hand side looks like n steps. The difference is on the left: this target is compared with $Q(s_t, a_t, a_{t+1}, \dots, a_{t+H-1})$. **The critic is asked about all $H$ actions**, so every reward in the sum is answered for by an action that the critic was told.
#
# A chunk that the end of an episode cut short has fewer than $H$ actions; the critic has nothing to say about it. It gets the weight 0.
#
# ### Your turn: `chunk_target` (★★☆, 10 minutes)

# %% nbgrader={"grade": false, "grade_id": "chunk_target", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chunk_target(rewards, valid, mask, next_q, discount):
    """The chunked TD target, and which rows count.

    Args:
        rewards: (B, H).
        valid: (B, H) float, 1.0 where the step exists, else 0.0; what rewards hold there means nothing.
        mask: (B,) 0 where the last state is terminal.
        next_q: (B, C) the table's values of the chunks at the last state.
        discount: of one step.

    Returns:
        target: (B,) by the formula. Where the weight is 0 it may be any number.
        weight: (B,) 1.0 for a whole chunk, 0.0 for one that was cut.
    """
    ### BEGIN SOLUTION
    horizon = rewards.shape[1]
    powers = discount ** np.arange(horizon)
    target = np.sum(valid * powers * rewards, axis=1) + discount**horizon * mask * next_q.max(axis=1)
    return target, valid[:, -1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_chunk_target", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
chunk_target = checks.check_chunk_target(chunk_target)

# %% [markdown]
# ### Moving the table
#
# $$ Q(s_b, \mathbf a_b) \leftarrow Q(s_b, \mathbf a_b) + \text{rate} \cdot w_b\, \big(y_b - Q(s_b, \mathbf a_b)\big) \quad \text{for every row } b $$
#
# In words: each row of the batch pulls its entry towards its target. Rows with weight 0 do not pull. If two rows pull at the same entry, both count.
#
# ### Your turn: `td_update` (★★☆, 10 minutes)
#
# <details><summary>Hint: two rows, one entry</summary>
#
# `q[state, chunk] += step` writes every entry once; of two errors at the same entry, one is lost, silently. `np.add.at(new, (state, chunk), step)` adds them all.
# </details>

# %% nbgrader={"grade": false, "grade_id": "td_update", "locked": false, "schema_version": 3, "solution": true, "task": false}
def td_update(q, state, chunk, target, weight, rate):
    """One update of the table. All errors are measured at the q that came in; q itself is left as it is.

    Args:
        q: (S, C).
        state: (B,) int.
        chunk: (B,) int, number of the chunk (or of the action).
        target: (B,).
        weight: (B,) any number from 0 on; it multiplies the error.
        rate: learning rate.

    Returns:
        (S, C), a new array.
    """
    ### BEGIN SOLUTION
    new = q.copy()
    np.add.at(new, (state, chunk), rate * weight * (target - q[state, chunk]))
    return new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_td_update", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
td_update = checks.check_td_update(td_update)

# %% [markdown]
# ## 2. How fast value travels
#
# The world is a chain of 40 steps. Each step costs 1; the last state is the goal. A recorder walked it, not very well: right with probability 0.7, left otherwise.
#
# First without sampling. Each sweep backs up the whole table once. The table starts at the worst that can be, $-1/(1 - \gamma) = -33.3$: costs for ever. The curves show $\max Q$ at each state after 2, 8, 20 and 40 sweeps; the wide grey line is the truth. News of the goal enters on the right and travels left.

# %%
LENGTH, DISCOUNT, H = 40, 0.97, 5
chain = mdp.chain(LENGTH, DISCOUNT)
chunks = mdp.chunked(chain, H)
truth = mdp.optimal_q(chain).max(axis=1)


def recorder(right):
    """A behavior (S, 2) that goes right with this probability."""
    return np.tile([1 - right, right], (LENGTH + 1, 1))


def worst(columns):
    """A table that expects costs for ever, and knows that nothing follows the goal."""
    return np.where(chain.terminal[:, None], 0.0, -1 / (1 - DISCOUNT)) * np.ones(columns)


BACKUPS = {
    "one-step": lambda q: mdp.backup(chain, q),
    "n-step": lambda q: mdp.n_step_backup(chain, recorder(0.7), q, H),
    "chunk": lambda q: mdp.backup(chunks, q),
}


def swept(name, sweeps):
    """max Q of every state after some sweeps of an operator."""
    q = worst(32 if name == "chunk" else 2)
    for _ in range(sweeps):
        q = BACKUPS[name](q)
    return q.max(axis=1)


def draw_sweeps(*counts):
    figure, panels = plots.new_figure(len(counts), width=10.4 / max(2, len(counts)), height=3.2)
    for axes, sweeps in zip(panels, counts, strict=True):
        axes.plot(truth, **TRUTH)
        for name, colour in COLOURS.items():
            axes.plot(swept(name, sweeps), color=colour, linestyle=LINES[name], label=name)
        axes.set(xlabel="state", ylim=(-35, 1), title=f"{sweeps} sweep{'s' if sweeps > 1 else ''}")
    panels[0].set_ylabel("max Q")
    panels[0].legend(fontsize=8, loc="upper left")
    return figure


SWEEPS_ALT = (
    "Value along the chain after several sweeps. News of the goal moves one state a sweep with one-step "
    "backups, five with chunks, which lie on the true value after eight; the n-step curve moves almost "
    "as fast and settles, by twenty, far below the truth."
)
show(draw_sweeps(2, 8, 20, 40), SWEEPS_ALT)
explore(
    lambda sweeps: (draw_sweeps(sweeps), SWEEPS_ALT),
    sweeps=("sweeps", [1, 2, 3, 4, 6, 8, 12, 20, 40, 80], 4),
)

# %% [markdown]
# The chunk needs $40 / 5 = 8$ sweeps, the single step 40. The first news of the n-step curve travels as fast as the chunk's, but its values settle more slowly, and at the wrong place: too low. The recorder's steps to the left are in its sums, and no amount of sweeping takes them out.
#
# (The table knows that nothing follows the goal. So a missing mask would go unnoticed on this page; with a network it would not.)
#
# ### From data
#
# Now nothing but recorded episodes, your targets and your update. The next cell defines two ways to learn:
#
# - `fitted`: every iteration moves each entry to the *mean* of its targets over all the data. This is a sweep, as far as the data go.
# - `td`: every update takes a random batch of 64 windows and moves a tenth of the way. This is closer to how a network learns.
#
# An entry that the data do not contain stays at its worst value. That is the offline learner's caution, and it matters: if the table started at 0, every chunk that was never tried would look better than all that were.

# %%
def record(seed, right=0.7, name="chunk", n=H, stride=1, episodes=shorten(200, fast=60), steps=160):
    """Windows cut from recorded episodes, and the number of the action or the chunk of each."""
    rng = np.random.default_rng(seed)
    recorded = mdp.simulate(chain, recorder(right), np.zeros(episodes, int), steps, rng)
    data = mdp.windows(chain, recorded, 1 if name == "one-step" else n, stride)
    spelled = data.actions[:, 0]
    if name == "chunk":
        spelled = data.actions @ 2 ** np.arange(n)[::-1]  # its number: the actions as binary digits
    return data, spelled


def targets(name, data, q, bootstrap=None):
    """Your targets and weights; `bootstrap` replaces the discount**H of chunks (section 4)."""
    last_q = q[data.last_state]
    if name == "one-step":
        return one_step_target(data.rewards[:, 0], data.mask, last_q, DISCOUNT), np.ones(len(last_q))
    if name == "n-step":
        target = n_step_target(data.rewards, data.valid, data.mask, last_q, DISCOUNT)
        return target, np.ones(len(last_q))
    target, weight = chunk_target(data.rewards, data.valid, data.mask, last_q, DISCOUNT)
    if bootstrap is not None:
        excess = bootstrap - DISCOUNT ** data.rewards.shape[1]
        target = target + excess * data.mask * last_q.max(axis=1)
    return target, weight


def fitted(name, seed, iterations=60, bootstrap=None, n=H, recorded=None, **recording):
    """max Q(s_0) after each iteration of fitted Q iteration, and the final table."""
    data, spelled = recorded or record(seed, name=name, n=n, **recording)
    q, curve = worst(2**n if name == "chunk" else 2), []
    if bootstrap is not None:  # the worst that can be, under this discount
        q = q * (1 - DISCOUNT**n) / (1 - bootstrap)
    whole = data.valid[:, -1] if name == "chunk" else np.ones(len(spelled))
    count = np.zeros_like(q)
    np.add.at(count, (data.state, spelled), whole)
    share = 1 / np.maximum(count[data.state, spelled], 1)  # makes the sum of the errors their mean
    for _ in range(iterations):
        target, weight = targets(name, data, q, bootstrap)
        q = td_update(q, data.state, spelled, target, weight * share, 1.0)
        curve.append(q[0].max())
    return np.array(curve), q


def td(name, seed, updates=shorten(2000, fast=400), rate=0.1, batch=64, **recording):
    """max Q(s_0) after every 20 updates on random batches."""
    data, spelled = record(seed, name=name, **recording)
    rng, q, curve = np.random.default_rng(seed + 1), worst(2**H if name == "chunk" else 2), []
    for i in range(updates):
        rows = rng.integers(len(spelled), size=batch)
        part = mdp.Windows(*(field[rows] for field in data))
        target, weight = targets(name, part, q)
        q = td_update(q, part.state, spelled[rows], target, weight, rate)
        if i % 20 == 19:
            curve.append(q[0].max())
    return np.array(curve)


# %% [markdown]
# **Question 1.** Sketch $\max Q(s_0)$ against *iterations* of the fitted learner for the three targets: which one ends where, and when? Then against *updates* of the TD learner, for a recorder who goes right 70 % of the time, and for one who does so 95 % of the time. Will the chunk win both times? (Think of how often the table of chunks gets to see its best chunk.)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_race", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** Against iterations it is as in the sweeps: the chunk arrives after 8, the single step after 40, both at the truth; n steps settle by 20, at a value that is too low.
#
# Against updates it depends on the recorder. News travels five states a backup, but only through good chunks. The walker of 70 % plays five steps right in $0.7^5$ = 17 % of the windows, one step right in 70 %. So a good chunk is met $0.7^4$, a quarter, as often as a good step, and the gain of five is gone: the two arrive together. The walker of 95 % plays the good chunk in 77 % of the windows, and there the chunk arrives about three times earlier. A table cannot generalise from one chunk to a similar one; a network can, but it too needs data in which good chunks occur.

# %%
SEEDS = shorten(10, fast=3)
by_iteration = {name: np.array([fitted(name, seed)[0] for seed in range(SEEDS)]) for name in COLOURS}
by_update = {
    right: {name: np.array([td(name, seed, right=right) for seed in range(SEEDS)]) for name in COLOURS}
    for right in (0.7, 0.95)
}

# %%
figure, panels = plots.new_figure(3, width=4.3)
for name, colour in COLOURS.items():
    plots.band(panels[0], 1 + np.arange(60), by_iteration[name], name, colour, line=LINES[name])
    for axes, right in zip(panels[1:], by_update, strict=True):
        curves = by_update[right][name]
        plots.band(axes, 20 * (1 + np.arange(curves.shape[1])), curves, name, colour, line=LINES[name])
titles = ("fitted, recorder 70 %", "TD, recorder 70 %", "TD, recorder 95 %")
for axes, title in zip(panels, titles, strict=True):
    axes.axhline(truth[0], **TRUTH)
    axes.set(xlabel="updates (batches of 64)", ylim=(-35, -20), title=title)
panels[0].set(xlabel="iterations over all data", ylabel="max Q at the start")
panels[0].legend(fontsize=8, loc="center right")
show(
    figure,
    "Value at the start, three panels. Fitted: chunks reach the truth after eight iterations, single "
    "steps after forty, n-step settles too low by twenty. TD with the 70 percent recorder: one-step and "
    "chunk arrive together. TD with the 95 percent recorder: chunks arrive three times earlier.",
)
print("updates until within 2 % of the truth, median over seeds")
for right, curves in by_update.items():
    print(f"recorder {100 * right:.0f} %:", end="")
    for name, curve in curves.items():
        near = np.abs(curve - truth[0]) < 0.02 * abs(truth[0])
        when = np.median(np.where(near.any(axis=1), 20 * (1 + near.argmax(axis=1)), np.inf))
        print(f"   {name}", f"{when:.0f}" if np.isfinite(when) else "never", end="")
    print()

# %% [markdown]
# (Curves and dots from data are means over seeds, with 95 % intervals shaded or as bars, here and below.)
#
# The left panel is the offer of the chunked backup: *fast and right*. The other two are its small print. A chunked backup carries news five steps, but only along chunks that the data contain. A recorder who goes right with probability $p$ plays $H$ such steps only $p^{H-1}$ times as often as one. With 70 % that is a quarter, which eats the gain. With 95 % it is 0.8, and the chunk is early and right.
#
# Keep this in mind when you read that chunking speeds up learning. It does where coherent, good stretches of behavior are in the data. That is what demonstrations and play are made of.
#
# ## 3. The bias of n steps
#
# How wrong is the n-step target? Its fixed point can be computed: it is the value of *one free action, then $n - 1$ actions of the recorder, then again one free action*, and so on. The next figure sweeps $n$ for recorders of different quality. Lines are fixed points of the operator; dots are tables that your functions learned from samples.

# %%
NS, QUALITIES = (1, 2, 3, 5, 8), (0.6, 0.7, 0.9, 1.0)


def fixed_point(n, right):
    q = worst(2)
    for _ in range(400):
        q = mdp.n_step_backup(chain, recorder(right), q, n)
    return q[0].max()


def learned(name, ns, right):
    """max Q at the start after fitted iteration: (seeds, lengths)."""
    runs = range(shorten(8, fast=2))
    return np.array([[fitted(name, seed, right=right, n=n)[0][-1] for n in ns] for seed in runs])


figure, (axes,) = plots.new_figure(1, width=6.5)
for right, colour in zip(QUALITIES, plots.shades(4), strict=True):
    line = [fixed_point(n, right) for n in NS]
    axes.plot(NS, line, color=colour, label=f"n-step, recorder {100 * right:.0f} % right")
    plots.points(axes, NS, learned("n-step", NS, right), None, colour)
chunk_points = learned("chunk", NS[:4], 0.7)
plots.points(axes, NS[:4], chunk_points, "chunk, recorder 70 % right", COLOURS["chunk"], marker="D")
axes.axhline(truth[0], **TRUTH)
axes.set(xlabel="n (steps)", ylabel="max Q at the start", xticks=NS)
axes.legend(fontsize=8)
show(
    figure,
    "Learned value at the start against n. For a perfect recorder n-step stays on the true value; for "
    "worse recorders it falls further below, the more steps the further. Chunks of 1, 2 and 5 stay on "
    "the true value; the chunk of 3 lies half a unit below it.",
)

# %% [markdown]
# With a perfect recorder n steps are right. The worse the recorder and the larger $n$, the further the n-step value falls below the truth. The chunked critic, on the data of the 70 % walker, stays on the truth. (At length 3 it is a little low, for another reason: 40 steps do not divide into chunks of 3. Section 5 returns to this. Chunks of 8 would be 256 a state, more than these data can fill.)
#
# This answers a question that everybody asks: *is a chunked critic not just an n-step return?* No. An n-step return values the first action as if the recorder's later ones had to follow. A chunked critic values the whole chunk, and can then choose a *better chunk* than the recorder mostly chose.
#
# ## 4. Which discount at the bootstrap?
#
# The next chunk begins $H$ steps later. Its value has to be multiplied by $\gamma^H$. A port of the method that keeps $\gamma$ there still trains, and nothing crashes. Who would notice? A Monte Carlo return would: simulate the greedy policy and add up what it earns.

# %%
gamma_seeds = shorten(8, fast=2)
distance = LENGTH - np.arange(LENGTH)


def values_and_returns(bootstrap, seed, steps=150):
    """max Q of every state, and what the critic's own greedy policy earns from there: (2, LENGTH)."""
    q = fitted("chunk", seed, bootstrap=bootstrap)[1]
    starts, rng = np.arange(LENGTH), np.random.default_rng(seed)
    episodes = mdp.simulate(chain, mdp.greedy(q), starts, steps, rng, H)
    return q.max(axis=1)[:-1], (DISCOUNT ** np.arange(steps) * episodes.rewards).sum(axis=1)


figure, panels = plots.new_figure(2)
for axes, bootstrap, title in zip(panels, (DISCOUNT**H, DISCOUNT), (r"$\gamma^H$", r"$\gamma$"), strict=True):
    runs = np.array([values_and_returns(bootstrap, seed) for seed in range(gamma_seeds)])
    plots.band(axes, distance, runs[:, 0], "max Q", COLOURS["chunk"])
    plots.points(axes, distance, runs[:, 1], "return of its policy", "0.2", marker=".")
    axes.set(xlabel="distance to the goal (steps)", ylabel="value", title=f"bootstrap {title}", ylim=(-42, 2))
    axes.legend(fontsize=8)
show(
    figure,
    "Value against distance to the goal, falling in a saw-tooth. With discount to the power H the "
    "learned value lies on the returns of its policy; with the plain discount it falls away far below "
    "them, the further the goal the more.",
)

# %% [markdown]
# With $\gamma^H$ the critic predicts what is earned. With $\gamma$ it believes that the future weighs more than it does, and the further the goal, the more. A check that costs one line in every project: plot Q beside the returns that the policy really gets.
#
# And the saw-tooth? It is real, for both Q and the returns: a start at distance 4 is worth less than one at distance 5. Before you read on: what could make an agent waste steps although the goal is near?
#
# ## 5. Who carries the reward? Stride 1 against stride H
#
# A success is one event in an episode. A critic hears of it only through chunks that contain it. How many are there?
#
# **Question 2.** Episodes end at the success, at a random time. Count whole chunks only ($H = 5$). How many whole chunks per success contain it, with stride 1? With stride $H$? And in play data, where reaching the goal does *not* end the episode?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_stride", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** If the success ends the episode, a whole chunk that contains it must *end* with it: it starts exactly $H$ steps before the end. With stride 1 there is one such chunk per success. With stride $H$, only if the length of the episode happens to be a multiple of $H$: one in $H$ successes is heard of, the others are lost. In play data the episode goes on after the success, so $H$ chunks contain it with stride 1 and one with stride $H$.

# %%
many = shorten(2000, fast=300)
walks = mdp.simulate(chain, recorder(0.7), np.full(many, 30), 160, np.random.default_rng(0))
cuts = {stride: mdp.windows(chain, walks, H, stride) for stride in (1, H)}
successes = int(chain.terminal[walks.states[:, -1]].sum())
print("episodes that reach the goal:", successes)
for stride, cut in cuts.items():
    heard = int(np.sum((cut.mask == 0) & (cut.valid[:, -1] == 1)))
    print(f"stride {stride}: {len(cut.state):6} chunks; whole ones that end at the goal:", end=" ")
    print(f"{heard:5}, or {heard / successes:.2f} a success")

# %% [markdown]
# About one success in five is heard of with stride $H$. Does it matter? Stride $H$ also leaves a fifth of *all* chunks, so a fair comparison needs controls. The next figure trains on the same few episodes, cut in four ways: stride 1; stride $H$; a random fifth of the chunks of stride 1; and stride $H$ with the terminal chunks of stride 1 put back.

# %%
COUNTS = np.array([5, 10, 20, 40, 80])
stride_seeds = shorten(20, fast=3)


def thinned(kind, count, seed):
    """max Q at the start, from `count` episodes of which only some chunks are kept."""
    stride = H if kind == "stride 5" else 1
    data, spelled = record(seed, stride=stride, episodes=count)
    keep = np.ones(len(spelled), bool)
    if kind == "random fifth":
        keep = np.random.default_rng(seed).random(len(spelled)) < 1 / H
    if kind == "stride 5 + terminal":
        keep = (data.mask == 0) | (data.offset % H == 0)
    kept = mdp.Windows(*(field[keep] for field in data)), spelled[keep]
    return fitted("chunk", seed, recorded=kept)[0][-1]


KINDS = {
    "stride 1": "#0072B2",
    "stride 5": "#D55E00",
    "random fifth": "0.5",
    "stride 5 + terminal": "#009E73",
}
figure, (axes,) = plots.new_figure(1, width=6.5)
for kind, colour in KINDS.items():
    runs = range(stride_seeds)
    values = np.array([[thinned(kind, count, seed) for count in COUNTS] for seed in runs])
    plots.band(axes, COUNTS, values, kind, colour, "o", "-" if kind.endswith(("1", "5")) else "--")
axes.axhline(truth[0], **TRUTH)
axes.set(xlabel="recorded episodes", ylabel="max Q at the start", xscale="log")
axes.set_xticks(COUNTS, COUNTS)
axes.minorticks_off()
axes.legend(fontsize=8)
show(
    figure,
    "Learned value at the start against the number of recorded episodes. Stride 1 is best throughout. "
    "Stride 5 and a random fifth of the chunks are alike and need several times the episodes; terminal "
    "chunks put back help at five episodes.",
)

# %% [markdown]
# Stride $H$ costs a good deal with few episodes. The controls say why. A random fifth of the chunks is about as bad, so most of the cost is simply *fewer chunks*. Putting the terminal ones back helps where there are fewest, with five episodes; further on it hardly matters which chunks are missing.
#
# **The saw-tooth, explained.** A success that ends the episode inside a chunk cuts this chunk, and cut chunks do not count. So the critic has never heard that one may arrive early. What it knows are arrivals at the *last* step of a chunk, and its policy wastes steps to make its arrival fit. Wasted steps come in pairs, one to the left and one back: from distance 4 it needs two chunks with six wasted steps, and 40 steps in chunks of 3 become 42. The same happens in the online phase of the published method, where success ends the episode: every success is heard of once, but never as an early arrival. In the offline play data reaching the goal does not end the episode, and there is no such gap.
#
# The published method trains on every start. Descriptions that write the dataset at $t = 0, H, 2H, \dots$ describe how chunks are *executed*, and training so throws four fifths of the chunks away.
#
# ## 6. Variance
#
# Longer sums of random rewards vary more; that is the usual price of n steps. But part of that variance is the recorder's: what action comes next. A chunked target is given the actions, so only the world's own noise is left. In the next figure the chain slips (10 %), and the standard deviation of each target is measured around its own mean, given what its critic is told: $(s, a)$ for n steps, $(s, \mathbf a)$ for a chunk.

# %%
slippery = mdp.chain(LENGTH, DISCOUNT, slip=0.1)
spread_seeds, draws = shorten(10, fast=3), shorten(4000, fast=1000)
STEPS = (1, 2, 3, 5)


def target_spread(n, kind, seed):
    """Standard deviation of targets from state 5, first action (n-step) or all actions (chunk) right."""
    rng = np.random.default_rng(seed)
    policy = recorder(1.0 if kind == "chunk" else 0.7)  # who chooses the later actions
    first = mdp.simulate(slippery, recorder(1.0), np.full(draws, 5), 1, rng)
    state, total = first.states[:, -1], first.rewards[:, 0]
    if n > 1:
        later = mdp.simulate(slippery, policy, state, n - 1, rng)
        state = later.states[:, -1]
        total = total + (DISCOUNT ** np.arange(1, n) * later.rewards).sum(axis=1)
    values = mdp.optimal_q(slippery).max(axis=1)
    return np.std(total + DISCOUNT**n * values[state])


figure, (axes,) = plots.new_figure(1, width=6.5)
for kind in ("n-step", "chunk"):
    spread = np.array([[target_spread(n, kind, seed) for n in STEPS] for seed in range(spread_seeds)])
    plots.band(axes, np.array(STEPS), spread, kind, COLOURS[kind], "o")
axes.set(xlabel="steps in the target", ylabel="standard deviation of the target", xticks=STEPS)
axes.set_ylim(bottom=0)
axes.legend(fontsize=8)
show(
    figure,
    "Standard deviation of targets against their number of steps. Both grow from 0.2; at five steps the "
    "n-step one is 0.6 and the chunked one 0.44.",
)

# %% [markdown]
# The n-step target carries the recorder's next choices as noise. The chunked one carries only the slips of the world. That is *per sample*. Per dataset the balance may tip: of this recorder's windows only $0.7^4$, a quarter, belong to one good chunk, so its mean is taken over four times fewer targets.
#
# ## 7. Where the chunk stops being right
#
# In lesson 01 a recorder who looks misled a critic of chunks. How bad is it in a world that is only a little noisy? Here is the maze again, with a recorder who looks: it acts optimally, with 30 % random actions. A critic is fitted to its chunks of three, and its greedy chunks are executed. What does it *believe* the start is worth, and what does it *earn*?
#
# A control needs the same chunks, as often, from the same states. So we take every recorded chunk and **replay it blindly**: from the same state, the same three actions, whatever happens. In both cases chunks that reach the goal before their last step are cut and left out.

# %%
PICTURE = """
#########
#S..#...#
#.#.#.#.#
#.#...#G#
#########
"""
SHORT = 3


def replay(world, state, actions, rng):
    """Executes chunks (M, H) blindly from states (M,): returns, last states, and which are whole."""
    total, moves = np.zeros(len(state)), world.transitions.cumsum(axis=2)
    whole = np.ones(len(state), bool)
    for k, action in enumerate(actions.T):
        whole &= ~world.terminal[state]  # over before this step
        total += DISCOUNT**k * world.rewards[state, action]
        above = rng.random((len(state), 1)) > moves[state, action]
        state = np.minimum(above.sum(axis=1), len(moves) - 1)
    return total, state, whole


def believed_and_earned(noise, blind, seed, episodes):
    """Value at the start: believed by a critic of chunks, earned by its greedy chunks."""
    rng, (world, _) = np.random.default_rng(seed), mdp.grid(PICTURE, DISCOUNT, noise)
    behavior = 0.7 * mdp.greedy(mdp.optimal_q(world)) + 0.3 / 4
    starts = rng.integers(len(world.rewards), size=episodes)
    data = mdp.windows(world, mdp.simulate(world, behavior, starts, 60, rng), SHORT)
    data = mdp.Windows(*(field[data.valid[:, -1] == 1] for field in data))  # whole chunks
    total, last = data.rewards @ DISCOUNT ** np.arange(SHORT), data.last_state
    whole = np.ones(len(total), bool)
    if blind:
        total, last, whole = replay(world, data.state, data.actions, rng)
    state, total, last = data.state[whole], total[whole], last[whole]
    chunk = data.actions[whole] @ 4 ** np.arange(SHORT)[::-1]
    p, r, count = np.zeros((15, 64, 15)), np.zeros((15, 64)), np.zeros((15, 64))
    np.add.at(count, (state, chunk), 1)
    np.add.at(r, (state, chunk), total)
    np.add.at(p, (state, chunk, last), 1)
    seen, times = count > 0, np.maximum(count, 1)
    r = np.where(seen, r / times, -float(SHORT))  # never tried: as bad as staying, and paying
    p = np.where(seen[:, :, None], p / times[:, :, None], np.eye(15)[:, None])
    r[world.terminal] = 0.0
    q = mdp.optimal_q(mdp.TabularMDP(p, r, DISCOUNT**SHORT))
    true = mdp.chunked(world, SHORT)
    return q[0].max(), mdp.policy_q(true, mdp.greedy(q))[0, q[0].argmax()]


def best_open_loop(noise):
    return mdp.optimal_q(mdp.chunked(mdp.grid(PICTURE, DISCOUNT, noise)[0], SHORT))[0].max()


def draw_belief(axes, x, settings, blind):
    """Belief and earnings, means over seeds, for settings (noise, episodes) at the places x of the axis."""
    runs = range(shorten(6, fast=2))
    both = np.array([[believed_and_earned(n, blind, seed, e) for n, e in settings] for seed in runs])
    marker, who = ("s", "replayed blindly") if blind else ("o", "recorder looks")
    plots.band(axes, x, both[:, :, 0], f"believed, {who}", "#D55E00", marker, ":" if blind else "--")
    plots.band(axes, x, both[:, :, 1], f"earned, {who}", COLOURS["chunk"], marker, ":" if blind else "-")


NOISES, MUCH, SOME_NOISE = np.array([0.0, 0.1, 0.2, 0.3]), shorten(10_000, fast=1000), 0.1
AMOUNTS = np.array([300, 1000, 3000, 10_000, 30_000])[: shorten(5, fast=3)]
figure, (left, right) = plots.new_figure(2)
for blind in (False, True):
    draw_belief(left, NOISES, [(noise, MUCH) for noise in NOISES], blind)
    draw_belief(right, AMOUNTS, [(SOME_NOISE, amount) for amount in AMOUNTS], blind)
left.plot(NOISES, [best_open_loop(noise) for noise in NOISES], color="0.3", linewidth=1)
right.axhline(best_open_loop(SOME_NOISE), color="0.3", linewidth=1, label="best open loop")
left.set(xlabel="noise: probability that a step goes sideways", ylabel="value at the start")
left.set_title(f"{MUCH:,} recorded episodes")
right.set(xlabel="recorded episodes", xscale="log", title=f"noise {100 * SOME_NOISE:.0f} %")
right.legend(fontsize=8)
show(
    figure,
    "Value at the start, against noise and against the number of recorded episodes. Where the recorder "
    "looks, belief stays above the best open-loop value however much data there is, and with few data "
    "earnings fall far below it. Replayed blindly, belief is near the best value and earnings come close "
    "to it with fewer data.",
)

# %% [markdown]
# Where the recorder looked, belief stays far above what open loop can give, and no amount of data brings it down. What is *earned* depends on the amount of data. With a few hundred or thousand episodes it is ruined: among the rare chunks, the luckiest wins the maximum, and looking makes the rare ones look perfect. With 10,000 episodes and more the choices are about as good as those from blind replays, although the beliefs are wrong.
#
# Replayed blindly, belief lies close to the best open-loop value, a little *below* it: chunks that reached the goal early were cut, so in a noisy world the whole ones are the less lucky ones. At noise 0 all meet. (12 steps divide into chunks of 3; section 5 said why this matters.)
#
# So the slogan "chunked targets are unbiased" needs its condition: *the data are consistent with open loop*, which deterministic worlds always are. The n-step target has no such excuse: it is biased even without noise, whenever the recorder is not optimal.
#
# ## Summary
#
# | target | asks $Q$ about | speed | bias |
# |---|---|---|---|
# | one-step | one action | 1 step an update | none |
# | n-step | one action | up to n steps an update | too low wherever the recorder is worse than optimal |
# | chunk | $H$ actions | $H$ steps an update | none if the data are consistent with open loop, but for early arrivals |
#
# - The bootstrap of a chunk has $\gamma^H$; compare Q with Monte Carlo returns to notice a mistake there.
# - Cut chunks have the weight 0. With stride $H$, four of five successes are then never heard of ($H = 5$); with stride 1 all are, but only as arrivals at the end of a chunk.
# - A chunk carries news $H$ steps, along chunks that the data contain. Good data make it fast.
# - A chunked target varies less than an n-step one, because the actions are given; but each chunk is met less often.
#
# ## Quiz
#
# 1. For which recorder is the n-step target right at every $n$?
# <details><summary>Answer</summary>For an optimal one. Then the later actions are those that the maximum would have chosen.</details>
#
# 2. Your chunked critic's Q is far below the returns of its policy. Name two mistakes from this page that would do this.
# <details><summary>Answer</summary>With negative rewards, a bootstrap of γ in place of γ<sup>H</sup>; rewards that are not discounted inside the chunk; missing masks at terminal states.</details>
#
# 3. Why does a chunked critic need more data for each entry, and what do neural networks change about that?
# <details><summary>Answer</summary>There are A<sup>H</sup> chunks instead of A actions, so each is seen less often. A network shares what it learns between similar chunks; and the policy is kept near chunks that the data contain (lessons 03 and 04).</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969), section 4: the chunked TD loss.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, chapter 7: n-step bootstrapping and its off-policy corrections.
#
# **Next:** [03 · Flow matching](03_flow_matching.ipynb), behavior cloning of chunks.
