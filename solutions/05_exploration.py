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
# # 05 · Exploration: why chunks explore
#
# An agent that learns online collects its own data. Chunks are said to explore better: they move on instead of trembling in place. In this lesson you measure that. You write the paper's measure of coherency, a measure of coverage, and a control that takes away just one thing: what the steps of a chunk know of each other. Then you ask what coherency is good for.
#
# **You will be able to** measure how coherently and how widely an agent moves; build a control with the same actions and without their correlation; separate the chunk that is learned from the chunk that is executed; say what coherency does and does not tell about success.
#
# **You need** [lesson 03](03_flow_matching.ipynb): clones that dither; [lesson 04](04_fql.ipynb): QC, the best of $N$ chunks. **Time** about 75 minutes to work through; 2 to 3 minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $E$, $T$ | axes | episodes, steps of an episode |
# | $H$, $A$ | axes | steps of a chunk, size of an action |
# | $N$ | axis | candidates of best-of-N |
# | $p_t$ | `positions` (E, T+1, D) | places of the gripper, the start included |
# | $k$ | `keep` | actions executed of a chunk before the next look |
# | | `key` | a JAX key; all randomness comes from it |
#
# The first two exercises are plain NumPy. The last two are compiled: write them with `jnp`. *The paper* is Q-chunking, the first of the references.

# %%
import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from qlac_lite import films, networks, plots
from qlac_lite.agents import make_learner
from qlac_lite.checks import lesson05 as checks
from qlac_lite.chunks import Transitions, append, empty_replay, sample
from qlac_lite.envs import lite, lite_data
from qlac_lite.lessons import shorten, show
from qlac_lite.lite import lite_config
from qlac_lite.policies import course_policy

SINGLE, CHUNK, WRONG, THIRD = "#E69F00", "#0072B2", "#D55E00", "#009E73"  # throughout the course

# %% [markdown]
# ## 1. Two measures
#
# ### Coherency
#
# The paper records where the end effector is at every fifth step, and takes the mean distance between neighbouring records:
#
# $$ c = \frac{1}{E \lfloor T/5 \rfloor} \sum_{e} \sum_{j} \big\| p_{5(j+1)} - p_{5j} \big\|_2 $$
#
# In words: how far has it come after five steps, whatever it did on the way? Steps that agree add up. Steps to and fro cancel.
#
# ### Your turn: `coherency` (★☆☆, 5 minutes)
#
# 1. Keep every fifth place, from step 0 on. Steps that do not fill an interval are left out.
# 2. Take the moves between neighbours, and the length of each.
# 3. Return the mean over all intervals of all episodes.
#
# <details><summary>Hint</summary>
#
# `positions[:, ::every]`, then `np.diff` over axis 1, then `np.linalg.norm` over the last axis.
# </details>

# %% nbgrader={"grade": false, "grade_id": "coherency", "locked": false, "schema_version": 3, "solution": true, "task": false}
def coherency(positions, every=5):
    """Mean distance between places that are `every` steps apart; one number.

    Args:
        positions: (E, T + 1, D) places of E episodes, the start included.
        every: steps between two recorded places: 0, every, 2 * every, ...

    Returns:
        A float, the mean over the E * (T // every) intervals.
    """
    ### BEGIN SOLUTION
    moves = np.diff(positions[:, ::every], axis=1)
    return np.linalg.norm(moves, axis=-1).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_coherency", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
coherency = checks.check_coherency(coherency)

# %% [markdown]
# ### Coverage
#
# Lay a grid of `cells` times `cells` squares over the world. Coverage is the share of the squares that were visited so far:
#
# $$ \text{coverage}_t = \frac{\big|\{\text{cell}(p_0), \dots, \text{cell}(p_t)\}\big|}{\text{cells}^2} $$
#
# In words: count each cell once, however often it was visited. The curve never falls.
#
# ### Your turn: `coverage` (★★☆, 10 minutes)
#
# 1. Number of a place's cell along an axis: $\lfloor (x + 1) / 2 \cdot \text{cells} \rfloor$. A border belongs to the cell above it. At $x = 1$ there is none above: 1.0 belongs to the last cell.
# 2. A cell is a pair of such numbers. Find when each is visited first.
# 3. Entry $t$ is the share of cells visited at steps 0 to $t$.
#
# <details><summary>Hint: without a loop</summary>
#
# Give every cell one number, column * cells + row. `np.unique(numbers, return_index=True)` says where each occurs first. A loop with a `set` is as right.
# </details>

# %% nbgrader={"grade": false, "grade_id": "coverage", "locked": false, "schema_version": 3, "solution": true, "task": false}
def coverage(positions, cells):
    """Share of the cells x cells grid over [-1, 1]^2 that was visited so far.

    Args:
        positions: (T + 1, 2) places, each in [-1, 1]^2, borders included.
        cells: cells along each axis.

    Returns:
        (T + 1,), one share after each step; the first is 1 / cells**2.
    """
    ### BEGIN SOLUTION
    column, row = np.clip(np.floor((positions + 1) / 2 * cells), 0, cells - 1).astype(int).T
    _, first = np.unique(column * cells + row, return_index=True)
    new = np.zeros(len(positions))
    new[first] = 1
    return np.cumsum(new) / cells**2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_coverage", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
coverage = checks.check_coverage(coverage)

# %% [markdown]
# ## 2. A control that takes away one thing
#
# A chunk from a clone differs from single steps in two ways. Its steps are *drawn* together, so that the fourth knows what the first wants. And they are *executed* without a look in between. To find out what the first does alone, keep everything else.
#
# Draw $H$ chunks independently, **for the same observation**. Take step 1 from the first, step 2 from the second, and so on:
#
# $$ \tilde a_k = a^{(k)}_k, \qquad k = 1, \dots, H $$
#
# In words: each step is drawn from just the distribution it had before, its *marginal*. It is executed open loop as before. Only the steps know nothing of each other any more. What a mixed chunk cannot do and a whole one can is then due to their correlation alone.
#
# ### Your turn: `mix_chunks` (★★☆, 6 minutes)
#
# 1. The last three axes are candidate, step and action. What stands before them stays.
# 2. Step $k$ of the result is step $k$ of candidate $k$.
#
# <details><summary>Hint</summary>
#
# Two index arrays side by side are matched pair by pair: with `k = jnp.arange(H)`, `x[..., k, k, :]` is a diagonal.
# </details>

# %% nbgrader={"grade": false, "grade_id": "mix_chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mix_chunks(chunks):
    """The mixed chunk: step k from the k-th of H independent chunks. It will be compiled: use jnp.

    Args:
        chunks: (..., H, H, A): candidate, step, action. As many candidates as steps.

    Returns:
        (..., H, A).
    """
    ### BEGIN SOLUTION
    k = jnp.arange(chunks.shape[-2])
    return chunks[..., k, k, :]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mix_chunks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mix_chunks = checks.check_mix_chunks(mix_chunks)

# %% [markdown]
# ## 3. Acting: how long is a draw of noise kept?
#
# One loop serves all explorers of this lesson. At a decision, $N$ chunks are proposed, and the one with the largest value is taken. Its first $k$ actions are executed. Then comes the next decision, with new noise.
#
# With $k = H$ the noise is drawn per chunk. With $k = 1$ it is drawn at every step. The networks are the same.
#
# ### Your turn: `act_best_of_n` (★★★, 15 minutes)
#
# 1. One key a decision: `jax.random.split(key, decisions)`.
# 2. In a decision: `chunks = propose(state, key)`, then the chunk at `jnp.argmax(value(state, chunks))`, then its first `keep` actions through `step`, one after the other.
# 3. The state that a decision ends in is the next one's first state. Use `jax.lax.scan` over decisions, and one inside it over actions. (A Python loop over a hundred decisions would take minutes to compile.)
# 4. Return what `step` shows after each action, in order.
#
# <details><summary>Hint: the inner scan</summary>
#
# `step` has the form that a scan wants: `jax.lax.scan(step, state, best[:keep])` returns the last state, and all that was shown, (keep, R).
# </details>

# %% nbgrader={"grade": false, "grade_id": "act_best_of_n", "locked": false, "schema_version": 3, "solution": true, "task": false}
def act_best_of_n(propose, value, step, state, key, decisions, keep):
    """Best-of-N acting as one jax.lax.scan over decisions. It will be compiled: use jnp.

    Args:
        propose: propose(state, key) gives candidates (N, H, A).
        value: value(state, chunks) gives their values (N,).
        step: step(state, action (A,)) gives (the new state, what is shown of it (R,)).
        state: the first state; a tree, or an array.
        key: a JAX key.
        decisions: number of decisions, a Python int.
        keep: k, actions executed of each chosen chunk, 1 to H; a Python int.

    Returns:
        (decisions * keep, R), what is shown after each action.
    """
    ### BEGIN SOLUTION
    def decision(state, key):
        chunks = propose(state, key)
        best = chunks[jnp.argmax(value(state, chunks))]
        return jax.lax.scan(step, state, best[:keep])

    _, shown = jax.lax.scan(decision, state, jax.random.split(key, decisions))
    return shown.reshape(decisions * keep, -1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_act_best_of_n", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
act_best_of_n = checks.check_act_best_of_n(act_best_of_n)

# %% [markdown]
# ## 4. Six explorers
#
# The world is the lite world of lesson 04, with steps of 0.08: gripper and puck on the left, a wall with two gaps, the goal on the right. Two clones are trained on its play data, eight seeds each, by the library's flow BC: one of single actions, and one of chunks with $H = 5$. They have never seen a reward.

# %%
WORLD, H, A, S = lite.LiteWorld(step=0.08), 5, lite.ACTION_SIZE, lite.OBSERVATION_SIZE
DATA = lite_data.record(WORLD, jax.random.key(0), shorten(400, fast=40), 125)
DATA = jax.tree.map(jnp.asarray, DATA)
SEEDS, EPISODES, UPDATES = shorten(8, fast=2), shorten(16, fast=3), shorten(2500, fast=100)
LIMIT = shorten(WORLD.limit, fast=40)


def clone(method):
    """A flow BC learner of the library, and its parameters with a leading axis over seeds."""
    config = lite_config(method)
    learner = make_learner(config, S, A)

    def update(state, key):
        batch_key, loss_key = jax.random.split(key)
        batch = sample(batch_key, (DATA,), 64, config.chunk_length, 0.99)
        return learner.update(state, batch, loss_key)[0], None

    def one_seed(key):
        first, rest = jax.random.split(key)
        return jax.lax.scan(update, learner.init(first), jax.random.split(rest, UPDATES))[0].params

    keys = jax.random.split(jax.random.key(1), SEEDS)
    return learner, jax.block_until_ready(jax.jit(lambda keys: jax.lax.map(one_seed, keys))(keys))


with ThreadPoolExecutor(2) as pool:  # one a core
    (single, SINGLE_CLONE), (chunked, CHUNK_CLONE) = pool.map(clone, ("bc", "chunk-bc"))


def see(state, count):
    """The observation of a state, `count` times: (count, S)."""
    return jnp.repeat(lite.observe(state)[None], count, axis=0)


def show_of(state):
    """What is kept of a state (4,): the gripper's place, whether the task is solved, and the puck held."""
    return jnp.append(state.gripper, jnp.array([lite.solved(WORLD, state), state.held], jnp.float32))


def one_step(state, action):
    new = lite.step(WORLD, state, action)
    return new, show_of(new)


def indifferent(params, state, chunks):
    return jnp.zeros(len(chunks))


QUICK = {"xla_backend_optimization_level": 1}  # compiles faster, and is as fast


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 5), compiler_options=QUICK)
def play(params, propose, value, keep, key, episodes):
    """Episodes (seeds, episodes, LIMIT + 1, 4) from task resets, in the form of `show_of`."""

    def episode(params, key):
        reset_key, act_key = jax.random.split(key)
        start, ask = lite.reset(reset_key), functools.partial
        count = -(-LIMIT // keep)  # decisions, rounded up
        shown = act_best_of_n(
            ask(propose, params), ask(value, params), one_step, start, act_key, count, keep
        )
        return jnp.concatenate([show_of(start)[None], shown[:LIMIT]])

    keys = jax.random.split(key, (len(jax.tree.leaves(params)[0]), episodes))
    return jax.vmap(lambda own, keys: jax.vmap(lambda key: episode(own, key))(keys))(params, keys)


def by_clone(learner, count=1):
    return lambda params, state, key: learner.act(params, see(state, count), key)


def at_random(params, state, key):
    return jax.random.uniform(key, (1, H, A), minval=-1, maxval=1)


def mixed(params, state, key):
    return mix_chunks(by_clone(chunked, H)(params, state, key))[None]


def random_held(params, state, key):
    return jnp.repeat(at_random(params, state, key)[:, :1], H, axis=1)


EXPLORERS = {  # name: parameters, what proposes, actions kept, colour, line
    "random": (SINGLE_CLONE, at_random, 1, "0.6", "-"),
    "random, held 5": (SINGLE_CLONE, random_held, 5, "0.6", "--"),
    "single steps": (SINGLE_CLONE, by_clone(single), 1, SINGLE, "-"),
    "chunks, whole": (CHUNK_CLONE, by_clone(chunked), 5, CHUNK, "-"),
    "chunks, mixed": (CHUNK_CLONE, mixed, 5, WRONG, "-"),
    "chunks, first of 5": (CHUNK_CLONE, by_clone(chunked), 1, THIRD, "-"),
}

# %% [markdown]
# - **random**: uniform actions, drawn anew at every step.
# - **random, held 5**: a uniform action, held for five steps. Temporally extended exploration in its simplest form (Dabney et al. 2021 hold random actions for random times).
# - **single steps**: the clone of single actions.
# - **chunks, whole**: the clone of chunks, executed whole.
# - **chunks, mixed**: your control.
# - **chunks, first of 5**: the clone of chunks, with a look at every step.
#
# **Question 1.** Order the six by coherency, and by coverage. Which of them will touch the puck? How much of the advantage of whole chunks will be left when they are mixed?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_explorers", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# Five independent steps of length s come about s times the root of 5 far, five equal ones 5 s. So holding a random action multiplies its coherency by about the root of 5, and random actions of full size beat a slow clone that dithers. Coverage follows. But covering the plane is not touching the puck: to take it, the gripper has to go there, stop and close, which random actions hardly ever do in this order.
#
# A mixed chunk has lost what made a chunk coherent, and should move like single steps: nothing is left.

# %%
CELLS = 20


def explore(explorer):
    params, propose, keep, _, _ = explorer
    return np.asarray(play(params, propose, indifferent, keep, jax.random.key(5), EPISODES))


with ThreadPoolExecutor(2) as pool:
    RUNS = dict(zip(EXPLORERS, pool.map(explore, EXPLORERS.values()), strict=True))


def places(run):
    return run[..., :2]


def over_time(run):
    """Coherency of each interval of five steps, by seed: (seeds, LIMIT // 5)."""
    starts = range(0, LIMIT, 5)
    return np.array([[coherency(seed[:, t : t + 6]) for t in starts] for seed in places(run)])


def covered(run):
    """Coverage within an episode in percent, mean over episodes, by seed: (seeds, LIMIT + 1)."""
    return 100 * np.array([[coverage(path, CELLS) for path in seed] for seed in places(run)]).mean(axis=1)


LAGS = np.array([1, 2, 5, 10, 20, 50] if LIMIT >= 50 else [1, 2, 5, 10, 20])
figure, panels = plots.new_figure(3, width=3.7, height=3.4)
for name, run in RUNS.items():
    colour, line = EXPLORERS[name][3:]
    plots.band(panels[0], np.arange(5, LIMIT + 1, 5), over_time(run), name, colour, line=line)
    plots.band(panels[1], np.arange(LIMIT + 1), covered(run), name, colour, line=line)
    far = [[coherency(seed, int(lag)) for lag in LAGS] for seed in places(run)]
    plots.band(panels[2], LAGS, np.array(far), name, colour, line=line)
panels[0].set(xlabel="step", ylabel="coherency: distance in 5 steps", ylim=(0, None))
panels[1].set(xlabel="step", ylabel="cells covered in an episode (%)", ylim=(0, None))
panels[2].set(xlabel="steps apart", ylabel="mean distance", xscale="log", yscale="log")
panels[2].set_xticks(LAGS, LAGS)
panels[2].set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
panels[2].minorticks_off()
panels[1].legend(fontsize=7)
show(
    figure,
    "Coherency over time, coverage over time, and mean distance against the steps between, six explorers. "
    "Random actions held for five steps lie highest. Whole chunks move about as coherently as random "
    "actions, and nearly twice as coherently as single steps, mixed chunks and first actions, which lie "
    "together.",
)


def interval(values, unit="", form=".3f"):
    mean, low, high = plots.mean_interval(values)
    if "%" in unit:
        low, high = max(low, 0.0), min(high, 100.0)
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]{unit}"


print(f"{'':19} coherency              the same, from step 2   cells in all episodes   took the puck")
for name, run in RUNS.items():
    each, shifted = ([coherency(seed[:, t:]) for seed in places(run)] for t in (0, 2))
    union = [100 * coverage(seed.reshape(-1, 2), CELLS)[-1] for seed in places(run)]
    took = 100 * run[..., 3].any(axis=2).mean(axis=1)
    print(f"{name:19} {interval(each):22} {interval(shifted):23}", end=" ")
    print(f"{interval(union, ' %', '.0f'):23} {interval(took, ' %', '.0f')}")

# %% [markdown]
# (Bands and brackets: 95 % intervals over eight seeds, 16 episodes each; each clone's seed has its own network. The last column is the share of episodes in which the gripper holds the puck at some time.)
#
# **What is due to correlation: all of it, here.** Whole chunks move 0.14 far in five steps, single steps 0.08. Mix the chunks, and they move like single steps: 0.08 again. The same marginals, the same open loop, no look in between, and the advantage is gone. So it is not the missing looks that make a chunk coherent. It is that its five steps were drawn together. The third panel says how far this reaches: whole chunks pull away from the others up to five steps. From there on the others slowly catch up, since the next chunk is drawn anew.
#
# **The measure flatters chunks of five.** It records every fifth step, from step 0 on: just when a new chunk begins. Begin at step 2, and each interval holds parts of two chunks. Whole chunks fall to 0.11, the other clones stay where they were. Their lead is real and half as large. Random actions held for five steps lose a third in the same way.
#
# **Coverage follows coherency.** Whole chunks cover 40 % more cells than mixed ones within an episode, and 70 % more over all episodes of a seed together.
#
# **And it says little.** Uniform random actions cover *more* than whole chunks, because they are faster: the demonstrator pauses, and so do its clones. Held random actions are the most coherent of all, and over all episodes cover nearly three times as much as whole chunks. But they take the puck in 8 % of episodes only, whole chunks in 44 %. (The first-of-5 clone takes it as rarely as they do.) To take it, the gripper has to go to one place, stop and close. Single steps, which tremble and cover little, take it as often as whole chunks do; the intervals overlap. So "chunks explore" means: coherently *among the things that the data do*. Being everywhere is another matter, and touching the right thing a third.
#
# ## 5. The early online phase
#
# Now with a critic. QC and BFN of lesson 04 (best of 8 samples; chunks of five against single actions, one-step backups) get the same play data, the same 1,000 offline updates, and then go online. The next cell trains four seeds of each, and keeps where the gripper went. (It is the longest of the lesson. QC goes on to 4,000 online steps, because section 7 needs it; the maps show the first 1,000 of both.)
#
# **Predict**: which one's map will be spread wider? Which one's path is straighter?

# %%
RUN_SEEDS, OFFLINE = shorten(4, fast=2), shorten(1000, fast=50)
ONLINE = {"bfn": shorten(1000, fast=50), "qc": shorten(4000, fast=100)}
NETS = lite_config("qc")  # sizes, and the number of candidates, which are the same for both


def early(method):
    """Compiles a run of both phases: seeds (n,) -> parameters, and what happened at each decision online."""
    config, steps = lite_config(method), ONLINE[method]
    learner, size, back = make_learner(config, S, A), config.chunk_length, config.backup_length
    room = jax.tree.map(jnp.asarray, empty_replay(steps, WORLD.limit, S, A, back))

    def one_seed(seed):
        init_key, reset_key, run_key = jax.random.split(jax.random.key(seed), 3)

        def decision(carry, inputs):
            (state, replay, now), (key, online) = carry, inputs
            act_key, again_key, update_key = jax.random.split(key, 3)

            def collect(replay, now):
                actions = learner.act(state.params, lite.observe(now)[None], act_key)[0]
                done = lite.execute(WORLD, now, actions)
                seen = jax.vmap(lite.observe)(done.states)
                new = (seen, actions, done.rewards, done.length, done.terminated, done.truncated)
                over = done.terminated | done.truncated
                last = jax.tree.map(lambda leaf: leaf[-1], done.states)
                now = jax.tree.map(lambda a, b: jnp.where(over, a, b), lite.reset(again_key), last)
                return append(replay, Transitions(*new), back), now, (done.states.gripper, done.length, over)

            def rest(replay, now):
                return replay, now, (jnp.zeros((size + 1, 2)), jnp.int32(0), jnp.bool_(False))

            replay, now, seen = jax.lax.cond(online, collect, rest, replay, now)

            def update(i, state):
                batch_key, loss_key = jax.random.split(jax.random.fold_in(update_key, i))
                batch = sample(batch_key, (DATA, replay.data), config.batch_size, back, config.discount)
                return learner.update(state, batch, loss_key)[0]

            return (jax.lax.fori_loop(0, size, update, state), replay, now), seen

        count, before = (OFFLINE + steps) // size, OFFLINE // size
        inputs = jax.random.split(run_key, count), jnp.arange(count) >= before
        carry = learner.init(init_key), room, lite.reset(reset_key)
        (state, _, _), seen = jax.lax.scan(decision, carry, inputs)
        return state.params, jax.tree.map(lambda leaf: leaf[before:], seen)

    return jax.jit(jax.vmap(one_seed), compiler_options=QUICK).lower(jnp.arange(RUN_SEEDS // 2)).compile()


with ThreadPoolExecutor(2) as pool:
    programs = dict(zip(ONLINE, pool.map(early, ONLINE), strict=True))
    halves = jnp.arange(RUN_SEEDS).reshape(2, -1)
    jobs = [(method, half) for method in ("qc", "bfn") for half in halves]
    done = list(pool.map(lambda job: jax.block_until_ready(programs[job[0]](job[1])), jobs))
joined = lambda parts: jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
QC, BFN = joined(done[:2]), joined(done[2:])


def paths(watched, seed, steps):
    """The episodes [(T + 1, 2), ...] of one seed's first online steps; the last one is cut."""
    found, path = [], []
    for now, count, over in zip(*(np.asarray(leaf)[seed] for leaf in watched), strict=True):
        path += [now[:1]] * (not path) + [now[1 : count + 1]]
        if over:
            found, path = [*found, np.concatenate(path)], []
    found = [*found, np.concatenate(path)] if path else found
    ends = np.cumsum([len(path) - 1 for path in found])
    kept = [path[: max(len(path) - max(end - steps, 0), 0)] for path, end in zip(found, ends, strict=True)]
    return [path for path in kept if len(path) > 5]


FIRST = shorten(1000, fast=50)
figure, panels = plots.new_figure(2, width=4.2, height=4.0)
METHODS = (("BFN: single actions", BFN[1], SINGLE), ("QC: chunks of 5", QC[1], CHUNK))
for axes, (title, watched, colour) in zip(panels, METHODS, strict=True):
    plots.lite_world(axes, WORLD)
    for path in paths(watched, 0, FIRST):
        axes.plot(*path.T, color=colour, linewidth=0.8)
    axes.set_title(title, fontsize=10)
show(
    figure,
    "The gripper's path in the first 1,000 online steps of one seed, from above. Left BFN: jagged paths from "
    "the start to the left border, and through a gap into the upper corner. Right QC: longer strokes between "
    "the start and the wall, few of them through a gap.",
)
measured = {}
for title, watched, _ in METHODS:
    episodes = [paths(watched, seed, FIRST) for seed in range(RUN_SEEDS)]
    coherent = np.array([np.mean([coherency(path[None]) for path in seed]) for seed in episodes])
    union = np.array([100 * coverage(np.concatenate(seed), CELLS)[-1] for seed in episodes])
    measured[title] = coherent, union
    print(f"{title:20} coherency {interval(coherent)}, cells covered {interval(union, ' %', '.0f')}")
(coherent, union), (more, wider) = measured.values()
print(f"{'QC less BFN':20} coherency {interval(more - coherent)},", end=" ")
print(f"cells covered {interval(wider - union, form='.0f')} points")

# %% [markdown]
# (One seed in the maps; the numbers are over four seeds, the first 1,000 online steps of each. The last line takes the difference seed by seed.)
#
# The paper shows such maps for its own tasks, and reports that chunks are more coherent. So they are here: QC moves half as far again in five steps. Coverage does not follow this time. BFN covers *as many cells* as QC, rather more than fewer. In the map it jitters all along, and still gets to the left border and into a far corner. Presumably its critic pushes it steadily in one direction, right or wrong: a critic makes even single actions go somewhere, as long as it prefers the same way at every step. If so, a clone's dithering, section 4, says less about an agent with a critic.
#
# What the maps do not tell is *what* makes the difference: QC and BFN differ in what they draw, and in how far their backups reach. For a clean comparison, change one thing only.
#
# ## 6. The cube
#
# One thing only: the agent of lesson 00, QC-FQL trained on OGBench's cube, acts with all five actions of each chunk, or with the first of each five. The network is the same. `execute` in its configuration says how many actions are executed.
#
# **Predict**: what will happen to the coherency? And to success?

# %%
agent, TRIES = course_policy(), shorten(5, fast=1)
FILMS = {}
for keep in (5, 1):
    config = dataclasses.replace(agent.config, execute=keep)
    actor = dataclasses.replace(agent, config=config).actor
    FILMS[keep] = [
        films.film_episode(actor, agent.params, config, agent.seed, episode, pictures=False)
        for episode in range(TRIES)
    ]

figure, panels = plots.new_figure(2, width=4.2, height=3.4)
for axes, (keep, colour) in zip(panels, ((5, CHUNK), (1, THIRD)), strict=True):
    for film in FILMS[keep]:
        axes.plot(100 * film.effector[:, 1], 100 * film.effector[:, 2], color=colour, linewidth=0.9)
        end = 100 * film.effector[-1]
        axes.plot(end[1], end[2], "o" if film.success else "x", color="0.2")
    axes.set(xlabel="across the table (cm)", xlim=(-35, 35), ylim=(0, 40))
    axes.set_title("all 5 of each chunk" if keep == 5 else "the first of each 5", fontsize=10)
panels[0].set_ylabel("height (cm)")
show(
    figure,
    "Paths of the gripper from the front, five episodes each. Arcs between two places on the table either "
    "way; with the first action of each chunk they spread wider, and fewer episodes end solved.",
)
for keep, each in FILMS.items():
    moved = [100 * coherency(film.effector[None]) for film in each]
    solved, looks = sum(film.success for film in each), np.mean([len(film.looks) for film in each])
    low, high = stats.binomtest(int(solved), TRIES).proportion_ci()
    steps = np.mean([len(film.effector) - 1 for film in each])
    spread = interval(moved, " cm", ".1f") if TRIES > 1 else f"{moved[0]:.1f} cm"
    print(f"{keep} of 5: coherency {spread}; solved {solved} of {TRIES} [{low:.0%}, {high:.0%}];", end=" ")
    print(f"{steps:.0f} steps and {looks:.0f} looks an episode")

# %% [markdown]
# (Five episodes each of one trained seed, with intervals over episodes: of other seeds they say nothing. A dot marks the end of a solved episode, a cross that of an unsolved one.)
#
# Did you expect trembling? The gripper moves as far in five steps either way; the intervals overlap. Presumably it is the critic again, whose pull keeps the direction whichever noise is drawn. Success seems to suffer nonetheless, 1 of 5 in place of 4 of 5, though five episodes leave it open (the intervals overlap). If it does suffer, then not by way of coherency.
#
# ## 7. Coherency and success
#
# Back to the small world, where many episodes cost nothing. The QC agents of section 5, four seeds after their 4,000 online steps, act in six ways. The networks are the same in all:
#
# - **whole**: the best of 8 chunks, executed whole, as it was trained;
# - **first 3, first 2, first 1**: only the first $k$ actions, then the best of 8 new ones;
# - **mixed**: your control, on chunks that are each the best of 8;
# - **first, held 5**: the first action of the best chunk, held for five steps: as coherent as can be.
#
# **Question 2.** Which is the most coherent, and which succeeds most often? If coherency *causes* success, what must the figure look like?
#

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_coherency", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# If coherency caused success, the points would lie on a rising line: "first, held 5" on top, whole chunks next, the mixed chunk and the first action alone at the bottom. The held action breaks this: it is coherent by construction, and does not know when to stop. The critic valued whole chunks; what is executed is a chunk that nobody valued.
#
# The mixed chunk need not fail. Its five sources were all chosen by one critic at one observation, so they want much the same, and mixing them loses little.

# %%
sizes = (S, (H, A), NETS.hidden)
_, critic = networks.functional(lambda rngs: networks.Critic(*sizes, rngs), ensemble=NETS.critics)
N = NETS.candidates


def candidates(params, state, key, count=N):
    """Chunks of the trained flow: (count, H, A)."""
    return chunked.act(params, see(state, count), key)


def valued(params, state, chunks):
    """The critics' mean Q: (count,)."""
    return critic(params["critic"], see(state, len(chunks)), chunks).mean(axis=0)


def best_of_each(params, state, key, groups):
    """The best of N candidates, from each of some independent groups: (groups, H, A)."""
    chunks = candidates(params, state, key, groups * N)
    place = valued(params, state, chunks).reshape(groups, N).argmax(axis=1)
    return chunks.reshape(groups, N, H, A)[jnp.arange(groups), place]


def mixed_best(params, state, key):
    return mix_chunks(best_of_each(params, state, key, H))[None]


def held_best(params, state, key):
    return jnp.repeat(best_of_each(params, state, key, 1)[:, :1], H, axis=1)


WAYS = {  # name: what proposes, what values, actions kept, colour, marker
    "whole": (candidates, valued, 5, CHUNK, "o"),
    "first 3": (candidates, valued, 3, THIRD, "^"),
    "first 2": (candidates, valued, 2, THIRD, "s"),
    "first 1": (candidates, valued, 1, THIRD, "v"),
    "mixed": (mixed_best, indifferent, 5, WRONG, "X"),
    "first, held 5": (held_best, indifferent, 5, "#CC79A7", "D"),
}
MANY = shorten(50, fast=3)
act = lambda way: np.asarray(play(QC[0], *way[:3], jax.random.key(8), MANY))
with ThreadPoolExecutor(2) as pool:
    ACTED = dict(zip(WAYS, pool.map(act, WAYS.values()), strict=True))


def success(run):
    """Percentage of episodes that are solved, by seed."""
    return 100 * (run[..., 2] > 0).any(axis=2).mean(axis=1)


def coherency_until_solved(run):
    """Coherency up to the step that solves the task, mean over episodes, by seed."""
    solved = run[..., 2] > 0
    end = np.where(solved.any(axis=2), solved.argmax(axis=2), LIMIT)
    return np.array(
        [
            np.mean([coherency(path[None, : max(last, 5) + 1, :2]) for path, last in zip(*pair, strict=True)])
            for pair in zip(run, end, strict=True)
        ]
    )


figure, (left, right) = plots.new_figure(2, width=5.0, height=3.8)
MEASURED = {name: (coherency_until_solved(run), success(run)) for name, run in ACTED.items()}
for name, (coherent, solved) in MEASURED.items():
    colour, marker = WAYS[name][3:]
    x, y = plots.mean_interval(coherent), plots.mean_interval(solved)
    reach = [[v[0] - v[1]] for v in (y, x)]
    left.errorbar(x[0], y[0], reach[0], reach[1], color=colour, marker=marker, capsize=3, label=name)
whole = MEASURED["whole"]
for at, (name, (_, solved)) in enumerate(list(MEASURED.items())[1:]):
    colour, marker = WAYS[name][3:]
    plots.points(right, np.array([at]), (solved - whole[1])[:, None], name, colour, marker)
left.set(xlabel="coherency: distance in 5 steps", ylabel="success (%)", ylim=(-2, 102))
left.legend(fontsize=8)
right.axhline(0, color="0.4", linestyle=":")
right.set_xticks(range(5), [name.replace(", ", ",\n") for name in list(MEASURED)[1:]], fontsize=8)
right.set_ylabel("success less that of the same\nseed's whole chunks (points)")
show(
    figure,
    "Left: success against coherency for six ways to act with the same networks. The held first action is "
    "furthest right and lowest; the others have wide intervals. Right: success less that of whole chunks, "
    "seed by seed: 40 points less for the held action, and intervals around 0 for the others.",
)
print(f"{'':14} coherency              success                  less whole, seed by seed  took the puck")
for name, (coherent, solved) in MEASURED.items():
    took = 100 * ACTED[name][..., 3].any(axis=2).mean(axis=1)
    less = interval(solved - whole[1], "", ".0f") if name != "whole" else ""
    print(f"{name:14} {interval(coherent):22} {interval(solved, ' %', '.0f'):24} {less:25}", end=" ")
    print(interval(took, " %", ".0f"))


def agreement(x, y):
    """Share of the pairs of ways in which the one with the larger x has the larger y; a tie counts half."""
    first, second = np.triu_indices(len(x), 1)
    return np.mean(0.5 + 0.5 * np.sign(x[first] - x[second]) * np.sign(y[first] - y[second]))


agree = [agreement(*np.array(list(MEASURED.values()))[:, :, seed].T) for seed in range(RUN_SEEDS)]
agree = interval(100 * np.array(agree), " %", ".0f")
print(f"pairs of ways in which the more coherent one succeeds more often: {agree}")

# %% [markdown]
# (Four seeds, 50 episodes each; intervals over seeds. With four seeds they are wide, so the right panel subtracts seed by seed. Coherency is taken up to the step that solves the task.)
#
# **Coherency does not predict success here.** The most coherent way, the first action held, is the *least* successful, and the difference is clear: its interval is far from 0. The other five cannot be put in an order by success. By their means all four others are less coherent than whole chunks. Whether they succeed less often, the intervals leave open. Over the pairs of ways, the more coherent one is the more successful in about 40 %, with an interval that holds a half: a coin.
#
# **The mixed chunk.** It lost everything in section 4. Here it moves less coherently than whole chunks, and by its mean it succeeds more often; certain is only that there is no sign of a loss. Best-of-N explains the first: five chunks that a critic prefers at the same observation agree, so their steps fit together without having been drawn together. Compare its coherency with that in section 4. A clone needs the correlation within a chunk, because nothing else keeps its direction. An agent with a critic has the critic.
#
# **The first of five.** Looking at every step lowers coherency most, and by its mean success, too; with four seeds the latter is not certain. If it is so, one reason may be that the critic was asked about *whole* chunks: a chunk may be good although it begins with a pause, and whoever executes its first action only, and asks again, may pause again. This experiment does not show the reason.
#
# So coherency is a sign of something, and not the thing itself. Make it by force (hold the action), and success falls. Take it away within the chunk (mix), and success stays. This is what "coherency goes with success" leaves out: both follow from a good policy.

# %% [markdown]
# ## 8. Do better data teach more?
#
# So far you looked at what an agent *does* while it collects. What matters in the end is what its data are good for. The following experiment, which has been done for three cubes (cube-triple), separates collecting from learning:
#
# 1. Pretrain two agents on play alone: one with single actions, one with chunks.
# 2. Let each collect equally many transitions, **without learning** meanwhile. Call what the single-action agent collected D1, and what the chunk agent collected D5.
# 3. Pretrain **fresh** agents, of both kinds, on play alone (D), on play with D1, and on play with D5.
# 4. Compare. Learner by learner, does D + D5 teach more than D + D1?
#
# The third step is the control. If chunks only *learn* better, both collections help a learner equally. If chunks *collect* better, D5 helps whoever learns from it, single actions included.
#
# What follows was recorded with the command that the cell prints. Across: who learns. Colours: from which data.
#
# **Question 3.** Sections 4 and 5 measured coherency and coverage of such collections, section 7 asked what coherency is good for. What do you expect: for which learners does D5 beat D1? Does either beat D alone?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_collections", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# (Fill in when the data are there: what a careful reader would predict from sections 4 to 7. The claim of the method is that D5 beats D1 for both kinds of learner. Coverage speaks for it. Against it speaks that a collection is useful to a critic only if some of it reaches the goal: where `collected_success` is 0 for both, neither D1 nor D5 holds a success that play does not, and the difference may be small.)

# %%
from qlac_lite.experiments import recorded

rows, about = recorded("exploration")
print("$", about["provenance"]["command"])
print(about["data"], "|", about["provenance"]["machine"], "|", about["provenance"]["date"][:10])

SETS = {"D": ("0.5", "o"), "D+D1": (SINGLE, "s"), "D+D5": (CHUNK, "D")}
TITLES = {"fql": "FQL", "qc-fql": "QC-FQL", "bfn": "BFN", "qc": "QC"}
LEARNERS = [method for method in TITLES if any(row["method"] == method for row in rows)]


def taught(method, data, what="success"):
    """A column at the last evaluation of each seed of a learner: (seeds,)."""
    cell = [row for row in rows if row["method"] == method and row["data"] == data]
    last = max(row["updates"] for row in cell)
    by_seed = {row["seed"]: row[what] for row in cell if row["updates"] == last}
    return np.array([by_seed[seed] for seed in sorted(by_seed)], float)


figure, panels = plots.new_figure(3, width=3.7, height=3.5)
left, middle, right = panels
for shift, (data, (colour, marker)) in zip((-0.2, 0, 0.2), SETS.items(), strict=True):
    values = np.array([100 * taught(method, data) for method in LEARNERS]).T  # (seeds, learners)
    plots.points(left, np.arange(len(LEARNERS)) + shift, values, data, colour, marker)
gain = np.array([100 * (taught(method, "D+D5") - taught(method, "D+D1")) for method in LEARNERS]).T
plots.points(middle, np.arange(len(LEARNERS)), gain, "D5 less D1", CHUNK, "D")
middle.axhline(0, color="0.4", linestyle=":")
for axes in (left, middle):
    axes.set_xticks(range(len(LEARNERS)), [TITLES[method] for method in LEARNERS], fontsize=9)
    axes.set_xlabel("learner")
left.set(ylabel="success after pretraining (%)", ylim=(-4, 104))
left.legend(fontsize=8)
middle.set_ylabel("success: D+D5 less D+D1 (points)")
for data in ("D+D1", "D+D5"):
    coherent = np.concatenate([taught(method, data, "collected_coherency") for method in LEARNERS])
    covers = np.concatenate([100 * taught(method, data, "collected_coverage") for method in LEARNERS])
    right.plot(coherent, covers, SETS[data][1], color=SETS[data][0], alpha=0.7, label=data[2:])
right.set(xlabel="coherency of the collection", ylabel="its coverage (%)")
right.legend(fontsize=8)
show(
    figure,
    "Left: success of learners pretrained on play alone, with D1, and with D5. Middle: the difference "
    "between D5 and D1 by learner, with intervals over seeds. Right: coherency and coverage of each "
    "collection.",
)
for method in LEARNERS:
    values = {data: interval(100 * taught(method, data), " %", ".0f") for data in SETS}
    paired = interval(100 * (taught(method, "D+D5") - taught(method, "D+D1")), "", ".0f")
    parts = [f"{data} {value:18}" for data, value in values.items()]
    print(f"{TITLES[method]:7}", *parts, "D5 less D1", paired)
for data in ("D+D1", "D+D5"):
    for what in ("collected_coherency", "collected_coverage", "collected_success"):
        values = np.concatenate([taught(method, data, what) for method in LEARNERS])
        print(f"{data[2:]} {what[10:]:10} {values.min():.3f} to {values.max():.3f}, mean {values.mean():.3f}")

# %% [markdown]
# (To be written from what the figure shows: whether D5 helps more than D1, for whom, and whether the interval of the paired difference leaves 0 out; whether the collections that cover more are the ones that teach more; how many successes each holds. The seeds of a pair share their collector, so compare them seed by seed.)
#
# ## Summary
#
# - Coherency is how far the gripper gets in five steps. It grows with speed as well as with straightness, and records that begin where chunks begin flatter them.
# - Coverage is where it has been. It does not ask what for: held random actions cover most, and touch the puck least.
# - Mixing chunks keeps each step's distribution and the open loop, and takes away what the steps know of each other. For a *clone*, all of the chunk's coherency lies in that.
# - For an agent with a *critic* it is otherwise: single actions cover as much as chunks, and mixed chunks do no visible harm.
# - Coherency does not cause success: the most coherent of six ways to act with the same networks succeeds least.
# - All this is one small world and one cube. The paper reports coherency on its own tasks, where the way is longer.
#
# ## Quiz
#
# 1. A colleague reports that coherency doubled after she let the gripper move twice as fast. Has exploration become better?
# <details><summary>Answer</summary>One cannot tell. Coherency is a distance, so it doubles with the speed, however the gripper trembles. Divide by the distance of a single step, or compare at equal speed.</details>
#
# 2. Why must the chunks that are mixed be drawn for the same observation?
# <details><summary>Answer</summary>The control keeps each step's marginal given that observation. Steps from chunks for other observations would also be wrong for the place, and success would fall for that reason.</details>
#
# 3. You shuffle the five steps of one chunk instead of mixing five chunks. What have you changed besides the correlation?
# <details><summary>Answer</summary>The marginals: step 1 now has the distribution of any step. And the correlation is still there, since all five come from one intention; only their order is lost.</details>
#
# 4. Executing the first of five is "more closed-loop" and succeeds less often. Does that show that looking is harmful?
# <details><summary>Answer</summary>No. What changes with the look is the draw of noise, too, and the critic valued whole chunks. Keep the noise from look to look, or value what is executed, and you separate them.</details>
#
# 5. Agent one covers 60 % of the plane in its first 1,000 steps, agent two 20 %. Which data would you rather learn from?
# <details><summary>Answer</summary>It depends on what lies in the 20 %. Look at what is rare and needed: here contact with the puck, and the passage through the gap.</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): coherency, and the maps of the early online phase.
# - W. Dabney, G. Ostrovski, A. Barreto, *Temporally-Extended ε-Greedy Exploration* (ICLR 2021), [arXiv 2006.01782](https://arxiv.org/abs/2006.01782): hold a random action for a random time.
# - M. Bellemare and others, *Unifying Count-Based Exploration and Intrinsic Motivation*, [arXiv 1606.01868](https://arxiv.org/abs/1606.01868): counting where one has been.
# - E. Hazan, S. Kakade, K. Singh, A. Van Soest, *Provably Efficient Maximum Entropy Exploration*, [arXiv 1812.02690](https://arxiv.org/abs/1812.02690): coverage of states as an aim of its own.
#
# **Next:** [lesson 06](06_offline_to_online.ipynb), from offline to online.
