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
# The paper's runs take hours each, on a GPU, and there are hundreds of them. A longer run teaches you nothing new about the method, but you need other skills: know what a run will cost, let it die without losing it, and read its curves without fooling yourself.
#
# **You will be able to** set up a run of the paper's protocol; compute its memory and its hours from rates that you measure; interrupt and resume it, and prove that nothing changed; hold your figure against the paper's by a rule; tell from a log what is wrong with a run.
#
# **You need** [lesson 04](04_fql.ipynb) (QC-FQL, best of N) and [lesson 06](06_offline_to_online.ipynb) (the online phase, RLPD-AC, intervals). A GPU only if you want the full runs. **Time** about 90 minutes to work through; 2 minutes on two cores to run.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $n$ | `seeds` | seeds that train side by side |
# | $T$; rows | `transitions`; `rows` | transitions of the dataset; its rows, one more for each episode |
# | $R$ | `replay_rows` | rows of one seed's replay |
# | $S, A$ | `observation_size`, `action_size` | numbers of an observation, and of an action |
# | $P$, $P_Q$ | `parameters`, `critic_parameters` | parameters of all networks; of the critics among them |
# | $U_{\text{off}}$, $K$ | `offline_steps`, `online_steps` | gradient steps offline; environment steps online, of each seed |
# | $u$, $e$ | `updates_per_second`, `steps_per_second` | gradient steps a second; environment steps a second |
# | 100K + 200K | `(100_000, 200_000)` | offline updates, then environment steps online |
# | $N$ | `candidates` | chunks that best-of-N chooses from |
# | $r_{\min}$, $r_{\text{solved}}$ | `reward_min`, `reward_solved` | the smallest reward of a step; that of the step that solves the task |

# %%
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from textwrap import fill, wrap

import jax
import numpy as np

from qlac_lite.agents import make_learner
from qlac_lite.config import DOMAINS, METHODS, get_task, make_config
from qlac_lite.config.tasks import task_names
from qlac_lite.data.dataset import build_dataset
from qlac_lite.data.load import load, verify
from qlac_lite.data.records import describe
from qlac_lite.data.replay import empty_replays
from qlac_lite.envs.make import make_vector_env
from qlac_lite.lessons import run_folder, shorten, show
from qlac_lite.lessons.checks import lesson07 as checks
from qlac_lite.lessons.checks.lesson07 import ABOVE, BELOW, HEALTHY, INSIDE, NO_BEHAVIOR, NOT_COMPARED
from qlac_lite.lessons.checks.lesson07 import OFF_BEHAVIOR, Q_TOO_HIGH, Q_TOO_LOW, TOO_EARLY, WORDS
from qlac_lite.reports import plots
from qlac_lite.reports.by_task import differences, draw_tasks
from qlac_lite.reports.paper import quoted
from qlac_lite.reports.pooling import group_runs
from qlac_lite.training.health import progress_rows
from qlac_lite.training.run_folder import recorded_runs
from qlac_lite.training.updates import Engine
from qlac_lite.utils.files import read_csv, read_npz
from qlac_lite.utils.statistics import mean_interval, success_interval

# %% [markdown]
# ## 1. Choose: task, method, preset
#
# A run is three words: a **task**, a **method**, a **preset**. Everything else follows from them. `qlac tasks` and `qlac methods` print the whole protocol, each number with its source. The next cell asks the same objects for what differs between the paper's domains.

# %%
def paper_task(domain, number):
    """The name of a domain's task with the reward that the paper uses there."""
    return f"{domain.name}-play{'-sparse' * domain.sparse_in_paper}-singletask-task{number}-v0"


print("domain           S  limit  reward    alpha FQL, FQL-n, QC-FQL   N BFN, BFN-n, QC")
for domain in list(DOMAINS.values())[1:]:  # the first, cube-single, is not in the paper
    task = get_task(paper_task(domain, 1))
    alpha = [f"{make_config(task.name, m, 'full').alpha:g}" for m in ("fql", "fql-n", "qc-fql")]
    many = [str(make_config(task.name, m, "full").candidates) for m in ("bfn", "bfn-n", "qc")]
    reward = "-1 or 0" if task.sparse else f"{task.reward_min:g} to 0"
    sizes = f"{domain.name:15} {domain.observation_size:2}  {domain.episode_limit:4}  {reward:8}"
    print(f"{sizes}  {', '.join(alpha):25}  {', '.join(many)}")
config = make_config(paper_task(DOMAINS["puzzle-3x3"], 4), "qc", "full")
COMMON = ("seeds", "offline_steps", "online_steps", "horizon", "discount", "batch_size", "hidden", "critics")
COMMON += ("learning_rate", "target_rate", "flow_steps", "evaluate_every", "evaluation_episodes")
for some in (COMMON[:4], COMMON[4:8], COMMON[8:11], COMMON[11:]):
    print("; ".join(f"{name} = {getattr(config, name)}" for name in some))

# %% [markdown]
# Source: arXiv 2507.07969, table of tasks and appendix C. (FQL's alpha on cube-triple is 300 in that table, and 100 in the example command of the released README.) Three things decide more than they seem to, two of them in this table.
#
# - **The reward.** puzzle and scene are *sparse* in the paper: −1 until solved. The tasks without `sparse` in their name pay minus the number of objects that are wrong. They are easier, and other tasks.
# - **N.** On the puzzle QC draws 64 candidates and BFN draws 4. We will come back to this.
# - **The time of the reward**, which the table does not show. Is a step paid for the state that it leads to, $r(s')$, or for the state that it starts from, $r(s)$? The published runs do both: $r(s')$ online, $r(s)$ in the labels of the offline data. (OGBench 1.2.0 moved the environment's reward from $r(s')$ to $r(s)$, too; the paper used an earlier one.) This library takes $r(s')$ for both, so that they agree. `--set offline_reward=current` gives the published labels.
#
# What else is published and what is ours: [what differs from the published code](https://github.com/qlac-lite/qlac-lite/blob/main/docs/fidelity.md).
#
# ### One switch
#
# With `FULL = True` the live run below is the paper's: puzzle-3x3, sparse, task 4. It is a task where 100K offline updates already part the methods. With `FULL = False` it is the lite world of lesson 04, with RLPD-AC, which learns fast there (lesson 06). It goes through the same commands, the same data format, the same run folder and checkpoints. Only then does it learn something in a minute or two (a few, if the machine is busy). (For speed it has two critics, where RLPD has ten.)

# %%
FULL = False  # True, on a machine with a GPU: hours in place of a minute

if FULL:
    TASK, METHOD, PRESET, SEEDS, STEPS = config.task, "qc", "full", 4, (100_000, 0)
    SETTINGS = {}
else:
    TASK, METHOD, PRESET, SEEDS, STEPS = "lite-world", "rlpd-ac", "lite", 2, (0, shorten(3000, fast=200))
    SETTINGS = dict(critics=2, evaluate_every=STEPS[1] // 2, log_every=STEPS[1] // 20, checkpoint_seconds=2)
    SETTINGS["evaluation_episodes"] = shorten(8, fast=1)
HOME = run_folder("lesson07", keep=FULL)
# No progress bar. What one process has compiled, the next one need not compile again.
QUIET = {"TQDM_DISABLE": "1", "JAX_COMPILATION_CACHE_DIR": str(HOME / "compiled")}
QUIET["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
QUIET["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several processes share a GPU


def start(*words):
    """`qlac WORDS ...` in a process of its own, in the folder HOME."""
    command = [sys.executable, "-m", "qlac_lite", *map(str, words)]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, cwd=HOME, env=os.environ | QUIET, **pipes)


def finish(process):
    """Waits for it; gives what it printed. A failure shows its message."""
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors[-2000:])
    return printed.strip()


def settings(changes):
    """--set NAME=VALUE for each."""
    return [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]


def as_typed(*words):
    """A command as one would type it: a line that goes on ends with a backslash."""
    return " \\\n    ".join(wrap(" ".join(map(str, words)), 96, break_on_hyphens=False))


# %% [markdown]
# ## 2. Before you start: memory and hours
#
# ### What lies in memory
#
# All seeds of a run train side by side in one compiled program. Three things lie on the device all the time. Each number has 4 bytes (float32 or int32).
#
# **The data, once.** An episode of $T$ transitions has $T + 1$ observations. The library gives each a row: observation, action, reward, mask, steps left. There is no second column of next observations: the next one stands in the next row. Beside it is one list, with a number for each row where a chunk may start: one for each transition.
#
# **A replay for each seed.** Rows of the same kind, and room for a start at each of them, made before the first step.
#
# **A learner for each seed.** The $P$ parameters; Adam's two moments of each; and the target critic, a copy of the critics alone ($P_Q$).
#
# $$ 4\big[\text{rows}\,(S + A + 3) + T\big] \;+\; 4 n R\,(S + A + 4) \;+\; 4 n\,(3P + P_Q), \qquad \text{rows} = T + \text{episodes} $$
#
# In words: data once; replay and learner once for each of the $n$ seeds. (What an update needs for a moment, its batch and gradients, comes on top.)
#
# ### Your turn: `memory_of_run` (★☆☆, 10 minutes)
#
# 1. The rows of the data, and the numbers of a row.
# 2. The data's bytes, with the starts.
# 3. The replays' bytes: `replay_rows` rows for each seed, each with room for a start.
# 4. The learners' bytes.
#
# <details><summary>Hint</summary>
#
# `rows = transitions + episodes`. A row of the data has `observation_size + action_size + 3` numbers; one of the replay has one more.
# </details>

# %% nbgrader={"grade": false, "grade_id": "memory_of_run", "locked": false, "schema_version": 3, "solution": true, "task": false}
def memory_of_run(
    transitions, episodes, observation_size, action_size, replay_rows, parameters, critic_parameters, seeds
):
    """Bytes that a run holds all the time.

    Args:
        transitions, episodes: of the dataset; each episode keeps its last observation in a row of its own.
        observation_size, action_size: S and A.
        replay_rows: R, rows of one seed's replay.
        parameters: P, of all networks of one seed. critic_parameters: P_Q, of its critics among them.
        seeds: n, side by side.

    Returns:
        data, replay, learner: bytes of the dataset, of all replays, of all learners.
    """
    ### BEGIN SOLUTION
    row = observation_size + action_size + 3  # and reward, mask, steps left
    data = 4 * ((transitions + episodes) * row + transitions)
    replay = 4 * seeds * replay_rows * (row + 1)
    learner = 4 * seeds * (3 * parameters + critic_parameters)
    return data, replay, learner
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_memory_of_run", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
memory_of_run = checks.check_memory_of_run(memory_of_run)

# %% [markdown]
# Does it agree with the library? The next cell asks JAX for the shapes of a whole run of QC, without computing anything, and adds up their bytes. Then it asks your function. What is left over are counters.

# %%
def shapes_of_run(config):
    """What the library would make: the learner's state and the replay of one seed."""
    task = get_task(config.task)
    learner = make_learner(config, task.domain.observation_size, task.domain.action_size)
    state = jax.eval_shape(learner.init, jax.random.key(0))
    alone = make_config(task.name, config.method, "full", seeds=1)
    return state, empty_replays(alone, config.online_steps, task)


def numbers(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def memory_of(config):
    domain, (state, replay) = get_task(config.task).domain, shapes_of_run(config)
    rows = replay.data.rewards.shape[1]
    transitions = 1000 * domain.episodes
    sizes = transitions, domain.episodes, domain.observation_size, domain.action_size, rows
    ours = memory_of_run(*sizes, numbers(state.params), numbers(state.target_critic), config.seeds)
    left = config.seeds * 4 * (numbers(state) + numbers(replay)) - sum(ours[1:])
    return np.array(ours) / 1e9, left


KINDS = {"data": "#0072B2", "replay": "#E69F00", "learner": "#009E73"}
figure, (axes,) = plots.new_figure(1, width=6.6, height=3.0)
names = ["puzzle-3x3", "cube-triple", "cube-quadruple"]
print(f"MB{'':23}" + "".join(f"{kind:>9}" for kind in KINDS) + "      the library has more")
for place, name in enumerate(names):
    for shift, seeds in ((-0.2, 1), (0.2, 4)):
        run = make_config(paper_task(DOMAINS[name], 1), "qc", "full", seeds=seeds)
        parts, left = memory_of(run)
        below = np.concatenate([[0], np.cumsum(parts)])
        for kind, low, part in zip(KINDS, below, parts, strict=False):
            label = kind if (place, seeds) == (0, 1) else None
            axes.barh(place + shift, part, 0.34, left=low, color=KINDS[kind], label=label)
        many = f"{seeds} seed{'s' * (seeds > 1)}"
        axes.text(below[-1] + 0.03, place + shift, many, va="center", fontsize=8)
        told = "".join(f"{1000 * part:9.0f}" for part in parts)
        print(f"{name:15} {many:8}{told}      and {left} bytes")
axes.set_yticks(range(3), names)
axes.invert_yaxis()
axes.set(xlabel="GB on the device, QC, 1M + 1M steps", xlim=(0, axes.get_xlim()[1] * 1.1))
axes.legend(fontsize=8)
show(
    figure,
    "Memory of a run of QC for three domains, with one seed and with four: the data stay the same, the "
    "replays grow with the seeds; the learners are a small part.",
)

# %% [markdown]
# All of this is small beside today's GPUs. Networks are not what limits the number of seeds; replays are. (For cube-quadruple these are the play data of 5,000 episodes that OGBench's oracle generates here. The paper's own set has 100M transitions, in a hundred files: twenty times the blue bar. Such a set is streamed, one file after the other: `qlac train --data FOLDER`.)
#
# ### What takes time
#
# Offline there is one gradient step after the other. Online each environment step has its own gradient step, and the simulators have to run, too. This library lets both run at once: while the simulators execute a chunk, the learner does its updates. Then the slower one decides. Last come evaluations, which are easily forgotten.
#
# $$ t = \frac{U_{\text{off}}}{u} + \max\Big(\frac{K}{u}, \frac{n K}{e}\Big) + \frac{\text{evaluations}\cdot \text{steps of one}}{e} $$
#
# In words: $u$ updates a second, of all seeds side by side; $e$ environment steps a second, of all simulators together; $K$ online steps of each of the $n$ seeds. If acting and learning take turns, max becomes a sum.
#
# ### Your turn: `hours_of_run` (★☆☆, 10 minutes)
#
# 1. The seconds of the offline phase.
# 2. Online: the seconds to learn, the seconds to simulate; their maximum, or their sum.
# 3. The seconds of all evaluations.
# 4. In hours.
#
# <details><summary>Hint</summary>
#
# A time is a count divided by a rate. `seeds` stands at one place only: each seed needs its own environment steps, and `updates_per_second` already counts an update of all seeds as one.
# </details>

# %% nbgrader={"grade": false, "grade_id": "hours_of_run", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hours_of_run(
    offline_steps,
    online_steps,
    seeds,
    updates_per_second,
    steps_per_second,
    evaluations,
    evaluation_steps,
    overlapped,
):
    """Hours of a run with one gradient step an environment step.

    Args:
        offline_steps: gradient steps.
        online_steps: environment steps of each seed, and as many gradient steps.
        seeds: n, side by side.
        updates_per_second: gradient steps a second; each is one of all seeds.
        steps_per_second: environment steps a second, of all simulators together.
        evaluations: how often it is evaluated.
        evaluation_steps: environment steps of one evaluation, of all seeds together.
        overlapped: whether simulators run while the learner learns.
    """
    ### BEGIN SOLUTION
    learning, simulating = online_steps / updates_per_second, seeds * online_steps / steps_per_second
    online = max(learning, simulating) if overlapped else learning + simulating
    evaluating = evaluations * evaluation_steps / steps_per_second
    return (offline_steps / updates_per_second + online + evaluating) / 3600
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_hours_of_run", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
hours_of_run = checks.check_hours_of_run(hours_of_run)

# %% [markdown]
# ### Measure, then compute
#
# The rates depend on your machine. So measure them: a few updates on made-up data of the right sizes, and a few random chunks in the real simulators. (`make bench` does this with more care.) The rates are then put into your function, for the paper's whole protocol.
#
# **Predict**: on this machine, how many days does one seed of QC-FQL take on puzzle-3x3?

# %%
def measure_updates(config, seconds):
    """Gradient steps a second, one of all seeds each, in the library's compiled loop."""
    domain, rng, rows = get_task(config.task).domain, np.random.default_rng(0), 10_010
    seen = rng.normal(size=(rows, domain.observation_size))
    actions = rng.uniform(-1, 1, (rows, domain.action_size))
    ends = np.arange(rows) % 1001 == 1000
    data = build_dataset(seen, actions, -np.ones(rows), np.ones(rows), ends)
    engine = Engine(config, data, domain.observation_size, domain.action_size)
    count = config.execution_length  # in one call, as online
    progress = jax.block_until_ready(engine.update(engine.start(0, get_task(config.task)), 0, 1))  # compiles
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        progress = jax.block_until_ready(engine.update(progress, done, count))
        done += count
    return done / (time.perf_counter() - begin)


def measure_simulators(config, seconds):
    """Environment steps a second of one simulator a seed, together."""
    task, size = get_task(config.task), config.execution_length
    environments = make_vector_env(task, config.seeds, size, config.discount)
    environments.reset(seed=list(range(config.seeds)))
    rng = np.random.default_rng(0)
    shape, everyone = (config.seeds, size, task.domain.action_size), np.ones(config.seeds, int)
    chunks = lambda: {"chunk": rng.uniform(-1, 1, shape).astype(np.float32), "run": everyone}
    environments.step(chunks())  # the first step compiles, where the simulator is JAX
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        environments.step(chunks())
        done += config.seeds * size
    rate = done / (time.perf_counter() - begin)
    environments.close()
    return rate


def plan(config, updates, steps, overlapped=True):
    """Hours of the configuration, and of its evaluations alone: at most, as if none were solved."""
    evaluations = sum(-(-n // config.evaluate_every) for n in (config.offline_steps, config.online_steps))
    one = config.seeds * config.evaluation_episodes * get_task(config.task).domain.episode_limit
    rates = updates, steps, evaluations, one, overlapped
    return hours_of_run(config.offline_steps, config.online_steps, config.seeds, *rates)


full = make_config(config.task, "qc-fql", "full", seeds=1)
sizes = dict(seeds=SEEDS, offline_steps=STEPS[0], online_steps=STEPS[1])
live = make_config(TASK, METHOD, PRESET, **sizes, **SETTINGS)
plans = {"the paper's protocol": full, "the live run below": live}
for name in shorten(plans, fast=["the live run below"]):
    run = plans[name]
    rates = measure_updates(run, shorten(2.0, fast=0.2)), measure_simulators(run, shorten(1.0, fast=0.2))
    hours, in_turn = plan(run, *rates), plan(run, *rates, overlapped=False)
    length = f"{run.offline_steps:,} + {run.online_steps:,} steps"
    print(f"{name}: {METHODS[run.method].title}, {run.seeds} seed{'s' * (run.seeds > 1)}, {length}")
    print(f"  {rates[0]:.1f} updates a second, {rates[1]:.0f} environment steps a second")
    unit, name_of = (3600, "seconds") if hours < 1 else (1 / 24, "days")
    print(f"  {hours * unit:.3g} {name_of}; {in_turn * unit:.3g} {name_of} if they took turns")
live_seconds = 3600 * hours  # the prediction for the live run

# %% [markdown]
# A full run is out of reach of two CPU cores. What would a GPU need? This course has measured none yet, but the paper says what a step cost its authors on one A5000, one seed at a time. (The online figure includes acting and simulating.) Your function does the rest.

# %%
# Milliseconds a step, offline and online: arXiv 2507.07969.
A5000 = {"qc": (12.0, 15.1), "qc-fql": (4.2, 11.3), "bfn": (3.3, 11.6), "fql": (3.0, 10.1)}
for method, (offline, online) in A5000.items():
    hours = hours_of_run(1e6, 0, 1, 1000 / offline, 1.0, 0, 0, False)
    hours_online = hours_of_run(1e6, 0, 1, 1000 / online, 1.0, 0, 0, False)
    in_all = f"{hours + hours_online:.1f} hours without evaluations"
    print(f"{METHODS[method].title:7} {hours:.1f} offline + {hours_online:.1f} online = {in_all}")

# %% [markdown]
# The paper names 4 to 7 hours for an OGBench run, and 10,350 GPU-hours for everything in it. Note where the time goes. Offline QC costs four times as much as FQL: it draws and judges N candidates for every target. Online the others are nearly level: there acting and simulating take most of a step.
#
# ## 3. The data, and what they are
#
# `qlac data NAME` looks for a dataset in this order: a file that you have; the authors' host; a mirror; and if nothing can be reached, it *generates* one, with the scripted oracles of the `ogbench` package. What came is verified and recorded. **Generated data are not the official ones.** They come from the same oracles with the same settings, and are other episodes. So a run on them reproduces the paper's experiment, not its data, and the report says so wherever the numbers appear.
#
# An episode of 1,000 steps takes some seconds to simulate. The next cell generates two of the puzzle, verifies the file, and looks at what it holds. On a GPU machine it fetches the whole file.

# %%
puzzle = "puzzle-3x3-play-v0"
small = [] if FULL else ["--episodes", shorten(2, fast=1)]
scripted = start("data", "lite-world", "--episodes", shorten(400, fast=20), "--out", "data")
puzzle_file = finish(start("data", puzzle, *small, "--out", "data"))
print(fill(describe(verify(HOME / puzzle_file)), 100))
for number in (1, 4, 5):
    dataset, summary = load(HOME / puzzle_file, get_task(paper_task(DOMAINS["puzzle-3x3"], number)))
    solved = int(np.sum(dataset.rewards[dataset.steps_left > 0] == 0))
    print(f"task {number}: solved in {solved} of {summary['transitions']} transitions")

# %% [markdown]
# One file serves all five tasks: rewards are computed from the states when it is loaded. Two episodes hold few solutions or none. That is what the size of a dataset is for.
#
# The live training below uses the lite world's own file. Its script has made it meanwhile.

# %%
lite_file = finish(scripted)
data_file = puzzle_file if FULL else lite_file
print(fill(describe(verify(HOME / lite_file)), 100))

# %% [markdown]
# ### The live run
#
# Now all is there. Start the run: it trains in a process of its own, while you go on.

# %%
words = ["train", "--task", TASK, "--method", METHOD, "--preset", PRESET, "--seeds", SEEDS]
words += ["--offline-steps", STEPS[0], "--online-steps", STEPS[1], *settings(SETTINGS)]
words += ["--data", data_file, "--out", "runs/live", "--resume"]
live_begin, resumed = time.perf_counter(), (HOME / "runs/live/run.json").exists()
live_run = start(*words)
print(as_typed("qlac", *words))

# %% [markdown]
# ## 4. Train, interrupt, resume
#
# A run of hours *will* be interrupted. Colab disconnects; a cluster's queue ends your time; somebody pulls a plug. A run folder is made for that:
#
# | file | holds | written |
# |---|---|---|
# | `run.json` | configuration, seeds, data and their checksum, versions, machine, command | once |
# | `progress.csv` | losses and Q, a row for each seed and log step | added to, all the time |
# | `evaluations.csv`, `episodes.csv` | every evaluation episode; every online episode | added to |
# | `checkpoint.npz` | parameters, optimizer, replay, counters | replaced as a whole, every minute or so |
#
# The checkpoint is older than the last rows of the logs. After a kill, the run goes on from the checkpoint. What was done after it is done again, and logged again. So the rows behind the checkpoint have to go first. Which ones are they?
#
# ### Your turn: `rows_to_keep` (★★☆, 10 minutes)
#
# A row was written at a phase (0 offline, 1 online) and a step. The steps begin anew online.
#
# 1. A row of an earlier phase than the checkpoint's stays.
# 2. A row of the same phase stays up to the checkpoint's step.
#
# <details><summary>Hint</summary>
#
# For arrays: `|` and `&`, with brackets around each comparison.
# </details>

# %% nbgrader={"grade": false, "grade_id": "rows_to_keep", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rows_to_keep(phase, step, checkpoint_phase, checkpoint_step):
    """Which rows of a log were written at or before the checkpoint: (N,) bool.

    Args:
        phase: (N,) int, 0 offline or 1 online, of each row. step: (N,) int, within its phase.
        checkpoint_phase, checkpoint_step: ints, when the checkpoint was written.
    """
    ### BEGIN SOLUTION
    return (phase < checkpoint_phase) | ((phase == checkpoint_phase) & (step <= checkpoint_step))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_rows_to_keep", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rows_to_keep = checks.check_rows_to_keep(rows_to_keep)

# %% [markdown]
# ### Kill it
#
# Two runs of QC-FQL with the same configuration, offline, in the lite world. One is left alone. The other is killed after a third of its updates, when it has logged more than its checkpoint holds: no farewell, as if the power had failed. Then the same command goes on with `--resume`.
#
# The randomness of a step follows from the seed and the number of the step, and from nothing else. So the claim is a strong one: both end in the same parameters, **bit for bit**. (Online it holds as well. A simulator cannot be saved, but an episode can be flown again: from its seed, with the actions that the replay holds. The library's tests kill a run in both phases.)

# %%
UPDATES, EVERY = shorten((1000, 25), fast=(200, 5))
quick = dict(log_every=EVERY, evaluate_every=UPDATES, evaluation_episodes=1, checkpoint_seconds=1)
words = ["train", "--task", "lite-world", "--method", "qc-fql", "--seeds", 4, "--offline-steps", UPDATES]
words += ["--online-steps", 0, *settings(quick), "--data", lite_file]
PAIR = ("broken", "unbroken")
for name in PAIR:
    shutil.rmtree(HOME / "runs" / name, ignore_errors=True)  # of an earlier try
broken, unbroken = start(*words, "--out", "runs/broken"), start(*words, "--out", "runs/unbroken")


def checkpoint(run):
    """Phase and step of a run's checkpoint."""
    with np.load(HOME / "runs" / run / "checkpoint.npz", allow_pickle=False) as file:
        return str(file["phase"]), int(file["step"])


def logged(run):
    return read_csv(HOME / "runs" / run / "progress.csv")


while broken.poll() is None:
    time.sleep(0.1)
    saved = (HOME / "runs/broken/checkpoint.npz").exists()
    if saved and logged("broken")[-1]["step"] > max(checkpoint("broken")[1], UPDATES // 3):
        broken.kill()
        break
broken.communicate()

rows, (phase, step) = logged("broken"), checkpoint("broken")
columns = np.array([[{"offline": 0, "online": 1}[row["phase"]], row["step"]] for row in rows]).T
kept = rows_to_keep(*columns, {"offline": 0, "online": 1, "done": 2}[phase], step)
last = rows[-1]["step"]
print(f"Killed after {last:,} of {UPDATES:,} updates; the checkpoint is of {phase} step {step:,}.")
print(f"{kept.sum()} of {len(rows)} rows are kept, {(~kept).sum()} will be written again.")

# %%
finish(start(*words, "--out", "runs/broken", "--resume"))
finish(unbroken)
one, two = (read_npz(HOME / "runs" / name / "checkpoint.npz", "Run the cell above again.") for name in PAIR)
equal = one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in two)
print(f"the {len(two)} arrays of the checkpoints are equal, bit for bit: {equal}")
clock = "updates_per_second"
plain = [[{k: v for k, v in row.items() if k != clock} for row in logged(name)] for name in PAIR]
print("the rows of progress.csv are equal, but for the clock:", plain[0] == plain[1])
evaluations = [read_csv(HOME / "runs" / name / "evaluations.csv") for name in PAIR]
print("the evaluation episodes are equal:", evaluations[0] == evaluations[1])

# %% [markdown]
# Nothing was lost but the seconds after the checkpoint.
#
# **On Colab** the machine itself is taken away, and its disk with it. So mount your Drive before anything else, in a cell of your own at the top of the page:
#
# ```
# from google.colab import drive
# drive.mount("/content/drive")
# ```
#
# `run_folder` above then puts the runs of this page there, in `MyDrive/qlac-lite`. For runs of your own, give a folder on it to `--out`: `!qlac train ... --out /content/drive/MyDrive/qlac-lite/qc --resume`. The first time there is nothing to resume, and it starts. After a disconnection, open the page again and run all cells: the live run goes on where its last checkpoint was. The data file is better kept on the machine's own disk: it is read once and can be fetched again. On a cluster it is the same, with a folder that all nodes share.

# %% [markdown]
# ## 5. Read the paper's curves
#
# Before you see the paper's figures, write down what you expect.
#
# Success in percent, for four cells. (In brackets: offline updates + online steps.) QC and QC-FQL act in chunks; BFN and FQL in single actions.
#
# - puzzle-3x3, task 4 (100K + 0): press the right buttons, each of which flips its neighbours. Sparse.
# - scene, task 1 (100K + 0): open a drawer and a window. Sparse.
# - cube-double, task 4 (1M + 200K): swap two cubes.
# - cube-triple, all five tasks (1M + 1M): the mean.
#
# **Change the numbers**, each between 0 and 100. The check is of their form only, and reminds you if you have changed none (on the solved page nobody has).

# %%
predictions = {
    "puzzle-3x3 task 4": {"qc": 50, "qc-fql": 50, "bfn": 50, "fql": 50},
    "scene task 1": {"qc": 50, "qc-fql": 50, "bfn": 50, "fql": 50},
    "cube-double task 4": {"qc": 50, "qc-fql": 50, "bfn": 50, "fql": 50},
    "cube-triple": {"qc": 50, "qc-fql": 50, "bfn": 50, "fql": 50},
}
CELLS = {
    "puzzle-3x3 task 4": (paper_task(DOMAINS["puzzle-3x3"], 4), (100_000, 0)),
    "scene task 1": (paper_task(DOMAINS["scene"], 1), (100_000, 0)),
    "cube-double task 4": (paper_task(DOMAINS["cube-double"], 4), (1_000_000, 200_000)),
    "cube-triple": ("cube-triple", (1_000_000, 1_000_000)),
}
print("Form:", checks.form_of(predictions, CELLS, ("qc", "qc-fql", "bfn", "fql")))

# %% [markdown]
# Now the paper's. Filled: its released figures with their 95 % intervals (`qlac_lite.reports.paper`; four seeds of 50 episodes). Hollow: yours.

# %%
SHORT = {(100_000, 0): "100K + 0", (1_000_000, 200_000): "1M + 200K", (1_000_000, 1_000_000): "1M + 1M"}
figure, panels = plots.new_figure(4, width=2.7, height=3.3)
for axes, (name, (task, steps)) in zip(panels, CELLS.items(), strict=True):
    for x, method in enumerate(("qc", "qc-fql", "bfn", "fql")):
        mean, low, high = (100 * value for value in quoted(task, method)[steps])
        colour, marker = plots.style(method)
        style = dict(color=colour, marker=marker, markersize=7, capsize=4, linewidth=1.5)
        axes.errorbar(x, mean, [[mean - low], [high - mean]], **style)
        guess = predictions[name][method]
        axes.plot(x + 0.25, guess, marker="o", markersize=7, markerfacecolor="none", markeredgecolor="0.35")
    axes.set_xticks(range(4), ["QC", "QC-FQL", "BFN", "FQL"], fontsize=8)
    axes.set(title=f"{name}\n{SHORT[steps]}", ylim=(-4, 104), xlim=(-0.5, 3.6))
    axes.title.set_fontsize(10)
panels[0].set_ylabel("success (%)")
show(
    figure,
    "The paper's success rates of QC, QC-FQL, BFN and FQL with intervals in four cells, and your predictions "
    "beside them. Puzzle: QC 95 %, the others below 25. Scene: QC 98, BFN 88, QC-FQL 61, FQL 36. "
    "Cube-double: QC-FQL 72, QC 65, BFN 32, FQL 3. Cube-triple: QC 64, QC-FQL 53, BFN 23, FQL 18.",
)
for name, (task, steps) in CELLS.items():
    told = [f"{METHODS[m].title} {100 * quoted(task, m)[steps][0]:.0f}" for m in predictions[name]]
    print(f"{name} ({SHORT[steps]}), %:", ", ".join(told))

# %% [markdown]
# **What does the first panel show?** QC reaches 95 % where BFN reaches 10 %. Both choose the best of N. So is it the chunk? Look at the table of section 1 again: QC chooses among **64**, BFN among **4**. Two things differ at once, the chunk and N. The control, BFN with 64, is not in the paper. Until it has been run, the panel does not say which of the two it is. (It stands in the run book at the end.) On scene it is 32 against 4, and on the cubes, too.
#
# QC-FQL and FQL differ in the chunk and in alpha (300 against 100) on the puzzle; on scene and cube-double alpha is the same, and on cube-triple it is 100 against 300.
#
# ### Ours, on two cores
#
# You need no GPU to see part of this. The preset `desk` makes the paper's tasks small: 300 generated episodes of play, two layers of 128, 60,000 updates, then 30,000 environment steps, four seeds, and the same $\alpha = 100$ for all methods. A run takes half an hour to an hour on two cores. Right of each panel stand the paper's figures after its own steps, with 1,000 episodes and networks four times as wide and twice as deep.
#
# **Predict**: which method learns during the online phase?

# %%
desk = {}
for each in recorded_runs("desk"):
    desk.setdefault(each.config.task, []).append(each)
desk = {task: group_runs(desk[task]) for task in sorted(desk, key=task_names().index)}
show(
    draw_tasks(desk),
    "Success over gradient steps and then environment steps, with intervals; right of it the paper's. Scene, "
    "task 1: QC-FQL rises from 30 % to 98 % online, FQL-n ends at 22 % and FQL at 7 %. Puzzle-3x3, task 1: "
    "QC-FQL alone, 77 % at the end.",
)
for task, groups in desk.items():
    ends = [row for row in differences(groups) if "online" in row["after"]]
    told = [f"{row['chunks less single actions']} {row['difference, points']}" for row in ends]
    if told:
        print(f"{get_task(task).title}, points at the end: {'; '.join(told)}")

# %% [markdown]
# On scene, QC-FQL ends at 98 % [93, 100], FQL-n at 22 % [2, 48] and FQL at 7 % [0, 15]. Chunks lead n-step returns by 77 points [29, 100], seed by seed. After 1M + 200K steps the paper has all three at 100 %, so this is about who learns early, not about who wins in the end.
#
# One caution: $\alpha = 100$ was chosen in trials of QC-FQL on this task (with the paper's 300 it ended at 22 %), and the other two were not tuned. On puzzle-3x3 only QC-FQL has been recorded so far.
#
# ### A rule for "the same as the paper"
#
# When you have run a cell yourself, you will want to say whether it agrees. Decide the rule before you see the number.
#
# ### Your turn: `verdict` (★★☆, 15 minutes)
#
# 1. If offline or online steps differ from the paper's, nothing may be said: `NOT_COMPARED`.
# 2. Our figure is the mean over seeds, rounded to three decimals, as the quotes are.
# 3. Below the interval, above it, or inside it, the ends included.
#
# <details><summary>Hint</summary>
#
# `steps` and `paper_steps` are arrays; `==` compares entry by entry. `tuple(steps) != tuple(paper_steps)` is one answer.
# </details>

# %% nbgrader={"grade": false, "grade_id": "verdict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def verdict(success, steps, paper_steps, interval):
    """BELOW, INSIDE or ABOVE the paper's interval; or NOT_COMPARED.

    Args:
        success: (R,) success rate of each of our seeds, 0 to 1.
        steps: (2,) int, our offline updates and online steps. paper_steps: (2,) int, the paper's.
        interval: (2,) low and high end of the paper's 95 % interval, 0 to 1, three decimals.
    """
    ### BEGIN SOLUTION
    if tuple(steps) != tuple(paper_steps):
        return NOT_COMPARED
    mean, (low, high) = round(float(np.mean(success)), 3), interval
    return BELOW if mean < low else ABOVE if mean > high else INSIDE
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_verdict", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
verdict = checks.check_verdict(verdict)

# %% [markdown]
# Why so strict about the steps? Hold the paper against itself. The next cell takes QC-FQL's figure on the puzzle after 100K updates for "ours", and the same method's figure after 1M for "the paper's", once as the rule says and once as if the steps did not matter. Then it judges your predictions.

# %%
SAID = {BELOW: "below", INSIDE: "inside", ABOVE: "above", NOT_COMPARED: "not compared"}
task = CELLS["puzzle-3x3 task 4"][0]
for method in ("qc-fql", "bfn", "fql"):
    early, late = (quoted(task, method)[n, 0] for n in (100_000, 1_000_000))
    ours, steps, later = np.array([early[0]]), np.array([100_000, 0]), np.array([1_000_000, 0])
    by_rule = SAID[int(verdict(ours, steps, later, np.array(late[1:])))]
    regardless = SAID[int(verdict(ours, later, later, np.array(late[1:])))]
    told = f"{early[0]:.0%} after 100K against [{late[1]:.0%}, {late[2]:.0%}] after 1M"
    print(f"{METHODS[method].title:7} {told}: {by_rule} (regardless of steps: {regardless})")
codes = []
for name, (task, steps) in CELLS.items():
    for method, guess in predictions[name].items():
        interval = np.array(quoted(task, method)[steps][1:])
        codes.append(int(verdict(np.array([guess / 100]), np.array(steps), np.array(steps), interval)))
print("your predictions:", ", ".join(f"{codes.count(code)} {SAID[code]}" for code in (BELOW, INSIDE, ABOVE)))
print("quotes for the live run:", quoted(TASK, METHOD) or "none, so there is nothing to compare it with")

# %% [markdown]
# "Below" would have been the verdict on each of these methods, against itself. And a warning: INSIDE does not mean equal, for the paper's interval may be wide (QC-FQL on the puzzle after 1M: 26.5 to 100 %). BELOW does not mean that something is wrong, for our mean has an interval of its own: with four seeds it can be 20 points wide and more. Report both.
#
# ### The live run's curves
#
# It should be done by now.

# %%
finish(live_run)
live_took = time.perf_counter() - live_begin
run = read_csv(HOME / "runs/live/progress.csv")
seeds = sorted({row["seed"] for row in run})
curve = lambda name: np.array([[row[name] for row in run if row["seed"] == seed] for seed in seeds])
at = lambda rows, offline: np.array([row["step"] + (row["phase"] == "online") * offline for row in rows])
steps = at([row for row in run if row["seed"] == seeds[0]], STEPS[0])
ended = read_csv(HOME / "runs/live/episodes.csv")
scores = read_csv(HOME / "runs/live/evaluations.csv")
figure, (left, right) = plots.new_figure(2, width=4.9, height=3.3)
for when in sorted({row["step"] for row in scores}):
    some = [row for row in scores if row["step"] == when]
    each = [np.array([row["success"] for row in some if row["seed"] == seed]) for seed in seeds]
    mean, low, high = success_interval(each)
    colour, marker = plots.style(METHOD)
    bars = [[100 * (mean - low)], [100 * (high - mean)]]
    left.errorbar(when / 1000, 100 * mean, bars, color=colour, marker=marker, capsize=4, markersize=7)
    told = f"success {100 * mean:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    print(f"step {when:,}: {told}, {len(some)} episodes")
if ended:
    edges = np.linspace(0, STEPS[1], 9)
    ends = np.array([(row["step"], row["success"]) for row in ended])
    parts = [(b, ends[(ends[:, 0] > b - edges[1]) & (ends[:, 0] <= b), 1]) for b in edges[1:]]
    drawn = np.array([((b - edges[1] / 2) / 1000, 100 * some.mean()) for b, some in parts if len(some)])
    left.plot(*drawn.T, "--", color=colour, linewidth=1, label="episodes learned from")
    left.legend(fontsize=8, loc="upper left")
for name, label in (("q_max", "largest"), ("q_mean", "mean"), ("q_min", "smallest")):
    for index, values in enumerate(curve(name)):
        shade = {"q_max": "#CC79A7", "q_mean": "#0072B2", "q_min": "#D55E00"}[name]
        right.plot(steps / 1000, values, color=shade, linewidth=1.3, label=label if index == 0 else None)
for bound in ("q_theoretical_min", "q_theoretical_max"):
    right.axhline(run[0][bound], color="0.3", linestyle=":", linewidth=1)
left.set(xlabel="steps (thousands)", ylabel="success (%)", ylim=(-4, 104))
left.set_title("evaluations, with intervals", fontsize=10)
right.set(xlabel="steps (thousands)", ylabel="Q of a batch")
right.set_title("Q, a line for each seed; dotted: its range", fontsize=10)
right.legend(fontsize=8)
show(
    figure,
    "Left: success of the live run's evaluations over steps, with intervals, and of the episodes it learned "
    "from. Right: largest, mean and smallest Q of the batches; the largest is a little above its range.",
)
print(f"It took {live_took:.0f} seconds or less, starting and compiling included;", end=" ")
print(f"predicted were {live_seconds:.0f}." + " (This page resumed it: it had begun before.)" * resumed)

# %% [markdown]
# Read such a pair of panels from right to left. Is Q where it can be, and does it settle? Only then ask for success.
#
# The predicted time is too small here. It knows nothing of processes that start, of compiling, and of whatever else the machine does. In so short a run these are most of it; in a run of hours they are little. In the other direction, solved episodes end early, so evaluations take less than was assumed.
#
# ## 6. Diagnose
#
# ### Where Q can be
#
# The worst policy never solves the task and gets the smallest reward for ever. The best one solves it with the very next step, and *a solved episode ends*:
#
# $$ \frac{r_{\min}}{1 - \gamma} \;\le\; Q \;\le\; r_{\text{solved}} $$
#
# And with chunks? The critic's target is $\sum_{k<H} \gamma^k r_k + \gamma^H Q'$. In it the same rewards are bracketed in fives. So nothing changes: the range does not depend on $H$. Nor does it depend on the time limit, since the critic bootstraps there (lesson 06: mask 1).
#
# ### Your turn: `q_range` (★☆☆, 5 minutes)
#
# Two of the arguments play no part. Which, and why?

# %% nbgrader={"grade": false, "grade_id": "q_range", "locked": false, "schema_version": 3, "solution": true, "task": false}
def q_range(reward_min, reward_solved, discount, chunk_length, episode_limit):
    """The smallest and the largest value that Q can have.

    Args:
        reward_min: of a step, 0 or less. reward_solved: of the step that solves the task, 0 or more.
        discount: of one step.
        chunk_length: H. episode_limit: steps after which an episode is cut off.

    Returns:
        lowest, highest.
    """
    ### BEGIN SOLUTION
    return reward_min / (1 - discount), reward_solved
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_q_range", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
q_range = checks.check_q_range(q_range)

# %% [markdown]
# ### What a log can say
#
# A critic that leaves its range is wrong for certain, and the library stops a run that leaves it a hundredfold. But most failures are quiet. Two more columns help.
#
# **The flow's loss.** What would a network give that has learned *nothing* of the observation? The best constant answer: the mean action. Its loss is the variance that is left: $1$ from the noise, plus the variance of the actions. A flow that stays near it has not learned the behavior.
#
# **The distance of the policy from the behavior.** The log has the distillation loss, $\alpha$ times the mean squared distance between the policy's chunk and the flow's, clipped to $[-1, 1]$. Divide by $\alpha$. How far is far? Two random chunks of the data differ by twice the variance. A policy that is farther from the behavior than that has left it.
#
# ### Your turn: `diagnose` (★★☆, 20 minutes)
#
# The columns of one seed's log come as arrays (P,). Take of each the mean over the **last quarter** of the rows (at least one). Then ask in this order, and return the first that holds:
#
# 1. `Q_TOO_HIGH`: `q_max` is above `highest` by more than a tenth of the range.
# 2. `Q_TOO_LOW`: `q_min` is below `lowest` by more than a tenth of the range.
# 3. `NO_BEHAVIOR`: `flow_loss` is more than 0.9 of `knowing_nothing`.
# 4. `OFF_BEHAVIOR`: `distance` is more than `far`.
# 5. `TOO_EARLY`: no episode was solved.
# 6. `HEALTHY`.
#
# Why a margin? `q_max` is the largest of thousands of values, and a good critic is wrong by a little. Why success last? A lucky episode does not undo a finding.
#
# <details><summary>Hint</summary>
#
# `last = {name: np.mean(values[-max(1, len(values) // 4) :]) for name, values in log.items()}`. A method without a flow has nan in its columns: `nan > x` is False, as it should be.
# </details>

# %% nbgrader={"grade": false, "grade_id": "diagnose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def diagnose(log, success, lowest, highest, knowing_nothing, far):
    """The first finding that fits the end of a seed's log: one of the six codes.

    Args:
        log: dictionary of arrays (P,): "q_min", "q_max", "flow_loss", "distance".
        success: success rate of its last evaluation, 0 to 1.
        lowest, highest: the range of Q.
        knowing_nothing: loss of a flow that knows nothing of the observation.
        far: mean squared distance of two random chunks of the data.
    """
    ### BEGIN SOLUTION
    last = {name: np.mean(values[-max(1, len(values) // 4) :]) for name, values in log.items()}
    margin = 0.1 * (highest - lowest)
    if last["q_max"] > highest + margin:
        return Q_TOO_HIGH
    if last["q_min"] < lowest - margin:
        return Q_TOO_LOW
    if last["flow_loss"] > 0.9 * knowing_nothing:
        return NO_BEHAVIOR
    if last["distance"] > far:
        return OFF_BEHAVIOR
    return HEALTHY if success > 0 else TOO_EARLY
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_diagnose", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
diagnose = checks.check_diagnose(diagnose)

# %% [markdown]
# ### Three runs, two of them broken on purpose
#
# The first is the unbroken run of section 4: QC-FQL with the lite preset's $\alpha = 10$ and learning rate 0.001. The second has $\alpha = 0.1$: hardly anything holds the policy near the behavior. The third has a learning rate of 0.1. Each has four seeds and the same number of updates, on the same data. (The two go through the library's compiled loop here, without evaluations. Their success is given as 0; neither of the first four findings depends on it.)
#
# **Question.** Which of the columns gives each of them away, and why that one? Does a small $\alpha$ drive Q out of its range?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_broken", "locked": false, "points": 0, "schema_version": 3, "solution": true, "task": false}
# **Our answer.** The learning rate belongs to all networks, the flow among them. So a rate of 0.1 should show in the flow's loss, which nothing else disturbs. $\alpha$ reaches the one-step policy alone: the flow and its loss know nothing of it. So it should show in the distance. Q is less clear. A policy that nothing holds seeks out the chunks that the critic overrates, so the targets rise. Whether they rise beyond 0, and that in 1,000 updates, cannot be said without looking.

# %%
def limits(data, task):
    """The four limits that `diagnose` wants, of a task and its data."""
    variance = float(data.actions[data.starts].var(axis=0).mean())
    return *q_range(get_task(task).reward_min, 0.0, 0.99, 5, 200), 1 + variance, 2 * variance


lite_data, _ = load(HOME / lite_file, get_task("lite-world"))
LIMITS, LIVE = limits(lite_data, "lite-world"), limits(load(HOME / data_file, get_task(TASK))[0], TASK)
*_, NOTHING, FAR = LIMITS


def watch(**changes):
    """The log of four seeds of QC-FQL with changed settings, as progress.csv would have it."""
    run = make_config("lite-world", "qc-fql", seeds=4, offline_steps=UPDATES, online_steps=0, **changes)
    engine = Engine(run, lite_data, 8, 3)
    progress, rows = engine.start(0, get_task("lite-world")), []
    for step in range(0, UPDATES, EVERY):
        progress = engine.update(progress, step, EVERY)
        means = progress_rows(run, progress.metrics, np.asarray(progress.count), seconds=1)
        rows += [{"step": step + EVERY} | row for row in means]
        progress = engine.forget_metrics(progress)
    return rows


def columns_of(rows, alpha):
    """Columns (seeds, P) of a log."""
    ids = sorted({row["seed"] for row in rows})
    column = lambda name: np.array([[r.get(name, np.nan) for r in rows if r["seed"] == seed] for seed in ids])
    log = {name: column(name) for name in ("q_min", "q_mean", "q_max", "flow_loss")}
    return log | {"distance": column("distill_loss") / alpha}


BROKEN = [dict(alpha=0.1), dict(learning_rate=0.1)]
with ThreadPoolExecutor() as side_by_side:
    weak, fast = side_by_side.map(lambda changes: watch(**changes), BROKEN)
LOGS = {
    "α = 10, rate 0.001": columns_of(logged("unbroken"), 10.0),
    "α = 0.1": columns_of(weak, 0.1),
    "rate 0.1": columns_of(fast, 10.0),
    "the live run": columns_of(run, 1.0),
}
results = {name: np.zeros(4) for name in LOGS}
for name, rows in (("α = 10, rate 0.001", evaluations[1]), ("the live run", scores)):
    last = [row for row in rows if row["step"] == rows[-1]["step"]]
    successes = lambda seed, last=last: [row["success"] for row in last if row["seed"] == seed]
    results[name] = [np.mean(successes(seed)) for seed in sorted({row["seed"] for row in last})]

# %%
LOOKS = {"α = 10, rate 0.001": ("#0072B2", "-"), "α = 0.1": ("#E69F00", "--"), "rate 0.1": ("#D55E00", "-.")}
figure, panels = plots.new_figure(3, width=3.6, height=3.3)
x = np.arange(EVERY, UPDATES + 1, EVERY)
for name, (colour, line) in LOOKS.items():
    for axes, column in zip(panels, ("q_mean", "flow_loss", "distance"), strict=True):
        plots.band(axes, x, LOGS[name][column], name, colour, line=line)
panels[0].axhline(0, color="0.3", linestyle=":", linewidth=1)
panels[1].axhline(NOTHING, color="0.3", linestyle=":", linewidth=1)
panels[2].axhline(FAR, color="0.3", linestyle=":", linewidth=1)
panels[0].set(ylabel="mean Q of a batch", title="Q (dotted: its maximum)")
panels[1].set(ylabel="flow's loss", title="behavior (dotted: knowing nothing)", ylim=(0.4, 1.8))
panels[2].set(ylabel="squared distance", title="policy (dotted: random chunks)", ylim=(0, 4))
for axes in panels:
    axes.set_xlabel("updates")
    axes.title.set_fontsize(10)
panels[0].legend(fontsize=8)
show(
    figure,
    "Three columns of the logs of three runs over updates, mean of four seeds with intervals. Q falls most "
    "with the large learning rate and least with the small alpha, and stays below 0. The flow's loss falls "
    "but for the large rate. The policy's distance is three times that of random chunks for the small alpha, "
    "and level with it for the large rate.",
)
for name, log in LOGS.items():
    seeds_of = [{k: v[s] for k, v in log.items() if k != "q_mean"} for s in range(len(log["q_min"]))]
    bounds = LIVE if name == "the live run" else LIMITS
    found = [WORDS[int(diagnose(one, float(results[name][s]), *bounds))] for s, one in enumerate(seeds_of)]
    print(f"{name:18} {', '.join(dict.fromkeys(found))} ({len(found)} seeds)")
trap = -1 / (1 - 0.99**5), 0.0  # what one gets who thinks that a chunk earns one reward
healthy = {k: v[0] for k, v in LOGS["α = 10, rate 0.001"].items() if k != "q_mean"}
called = WORDS[int(diagnose(healthy, 0.0, *trap, NOTHING, FAR))]
print(f"the first, with the range [{trap[0]:.1f}, 0]: {called}")
for name in LOOKS:
    ends = mean_interval(LOGS[name]["q_mean"][:, -1])
    lows, highs = LOGS[name]["q_min"][:, -1], LOGS[name]["q_max"][:, -1]
    print(f"{name:18} mean Q at the end {ends[0]:.0f} [{ends[1]:.0f}, {ends[2]:.0f}];", end=" ")
    print(f"smallest {lows.min():.0f}, largest {highs.max():.0f}")

# %% [markdown]
# **What was measured.** (Four seeds each, 1,000 updates, one dataset. The two ways to break it were chosen after pilots.)
#
# - **A rate of 0.1** shows in the flow. Its loss stays where knowing nothing would be, in all seeds. The distance is level with that of random chunks. Q tells little: it falls further than the others', and stays inside its range but for the margin.
# - **$\alpha = 0.1$** shows in the distance, and only there. The flow learns as well as in the sound run. (It has to: $\alpha$ does not reach it.) But the policy is about 2 away from it, three times as far as random chunks are from each other, where the sound run is at 0.25.
# - **Q does not leave its range** by more than the margin in either. With the small $\alpha$ its mean at the end is −7 [−9, −5], with the larger one −21 [−31, −11]: higher, and perfectly possible. It is the value of chunks that nobody has executed. Whether it is right, the log cannot say. Pilots with $\alpha = 0$, with a rate of 0.03, and with a target that is copied at every update ended inside the range and its margin, too. So, in this world, a Q inside its range says next to nothing.
# - **With the wrong range** the sound run is called broken. That is what one believes who gives a chunk one reward.
# - **The sound run** has solved nothing: 1,000 updates are few. Nothing is wrong with it. The live run is healthy, and it took a few thousand steps online.
#
# What is not shown here: whether the broken runs succeed less (they were not evaluated), and what a huge N does to best-of-N. For that see lesson 04.
#
# ## 7. The run book
#
# Four sets of results are what this course still owes itself. All need a GPU. None has been run yet: their GPU-hours are *not measured*. If you have one, begin with `make gpu`: in ten minutes it measures your card and trains the first cells of the puzzle. The next cell writes the commands of all four sets, and lets the library check each configuration before it prints it.

# %%
HUNDRED, LATE = (100_000, 0), (1_000_000, 200_000)
BOOK = [(paper_task(DOMAINS["puzzle-3x3"], number), HUNDRED) for number in (4, 5)]
BOOK += [(paper_task(DOMAINS["scene"], 1), HUNDRED), (paper_task(DOMAINS["cube-double"], 4), LATE)]
METHODS_OWED = [("qc", {}), ("qc-fql", {}), ("bfn", {}), ("bfn", "as QC"), ("fql", {})]


def command(task, method, changes, offline, online):
    """A run of the book; the library has accepted its settings."""
    if changes == "as QC":  # the control that the paper has not: the same number of candidates
        changes = dict(candidates=make_config(task, "qc", "full").candidates)
    run = make_config(task, method, "full", offline_steps=offline, online_steps=online, **changes)
    name = "-".join([method, *(f"n{value}" for value in changes.values())])
    words = ["qlac train --preset full --method", method, "--task", run.task]
    words += ["--offline-steps", offline, "--online-steps", online, *settings(changes)]
    words += ["--data", '"$DATA"', "--out", f"runs/{task}/{name}", "--resume"]
    return as_typed(*words)


print("make bench      # (1) the rates of the machine, first\n")
for mark, (task, steps) in zip(("(2)", "(2)", "(3)", "(4)"), BOOK, strict=True):
    quotes = {m: quoted(task, m).get(steps) for m, _ in METHODS_OWED}
    told = ", ".join(f"{METHODS[m].title} {100 * q[0]:.0f}" for m, q in quotes.items() if q)
    print(f"# {mark} {task}\n# the paper's figures, %: {told}")
    print(f"DATA=$(qlac data {get_task(task).domain.dataset} --source generate)")
    for method, changes in METHODS_OWED:
        print(command(task, method, changes, *steps))
    print(as_typed("qlac report", f"runs/{task}/*", "--out", f"report/{task}"), end="\n\n")

# %% [markdown]
# **The data first.** `qlac data` makes the whole set once and prints its path. (`--source download` fetches the official one, where its host can be reached.) The runs get that path: with `--preset full` a run takes the official file and nothing else by itself. [The run book](https://github.com/qlac-lite/qlac-lite/blob/main/docs/cluster.md#one-gpu) says how long generation takes, and what a healthy log shows after ten minutes.
#
# Each runs four seeds side by side, with 50 evaluation episodes a seed, as in the paper. Before you start one: `memory_of_run`, `hours_of_run`, with the rates of `make bench`. All may be stopped and started again as they stand: `--resume` is in them. Runs of other sizes may be drawn beside the paper's curves. They may not be compared with them.
#
# Where there are several GPUs, or a cluster, `qlac sweep SPEC` runs the cells side by side. The sets (2) and (3) are one file, `docs/sweeps/cells.toml`:
#
# ```
# tasks = ["puzzle-3x3-play-sparse-singletask-task4-v0", ...]
# methods = ["qc", "qc-fql", "bfn", "fql"]
# preset = "full"
# seeds = 4
#
# [settings]
# offline_steps = 100_000
# online_steps = 0
#
# [resources]
# cores = 16
# gpus = 1
# ```
#
# The control with equal N is another setting of the same method, and so a sweep of its own: `docs/sweeps/equal-n.toml`, with 64 candidates on the puzzle and 32 on scene and cube-double. The set (4) is `docs/sweeps/cube-double-task4.toml`.
#
# When they are done: what will you believe? Write it down now, as in section 5. BFN with N = 64 on the puzzle is the one to watch. If it comes near QC's 95 %, most of that panel was N. If it stays near BFN's 10 %, it was the chunk.
#
# ## Summary
#
# - A run is a task, a method and a preset. The registry holds the rest, with sources.
# - Memory: data once, replay and learner for each seed; the target is a copy of the critics alone. With four seeds the replays are the largest part, or near it.
# - Hours: counts over measured rates. Online the slower of learner and simulators decides, if they overlap. Count the evaluations.
# - Generated data are not the official ones, and say so.
# - A run that was killed and resumed offline ended in the same bits. Rows behind the checkpoint go, phase before step.
# - Compare at the same steps or not at all. INSIDE is not equal, BELOW is not wrong. Look what else differs: QC's N is 64, BFN's 4.
# - Q lies between $r_{\min} / (1 - \gamma)$ and $r_{\text{solved}}$, whatever $H$. A Q inside its range can still be wrong.
#
# ## Quiz
#
# 1. You double the seeds of a run from 4 to 8. Which of the three parts of its memory double?
# <details><summary>Answer</summary>The replays and the learners. The data stay as they are.</details>
#
# 2. The learner does 300 updates a second, the simulators 200 steps a second in all, for four seeds. Will a faster GPU help online?
# <details><summary>Answer</summary>No. A step of the run needs four environment steps, so the simulators allow 50 steps a second. The learner waits already.</details>
#
# 3. The checkpoint is of online step 2,000. There is a row "offline, 90,000" in the log. Does it stay?
# <details><summary>Answer</summary>Yes. The phase comes first: offline was before.</details>
#
# 4. Your QC reaches 80 % on the puzzle's task 4 after 50K updates. The paper has 95 % [92, 98] after 100K. What do you say?
# <details><summary>Answer</summary>Nothing about agreement: the steps differ. Train on to 100K.</details>
#
# 5. Mean Q is −12 and within its range. Success is 0. Is the critic right?
# <details><summary>Answer</summary>One cannot tell from the range. Compare with a policy near the behavior, look at the distance, or compare Q with the returns of episodes (lesson 06).</details>
#
# ## References and what comes next
#
# - Q. Li, Z. Zhou, S. Levine, *Reinforcement Learning with Action Chunking*, [arXiv 2507.07969](https://arxiv.org/abs/2507.07969): protocol, run times, and the released curves that `qlac_lite.reports.paper` quotes.
# - S. Park and others, *OGBench: Benchmarking Offline Goal-Conditioned RL*, [arXiv 2410.20092](https://arxiv.org/abs/2410.20092): tasks, data and the oracles.
# - S. Park, Q. Li, S. Levine, *Flow Q-Learning*, [arXiv 2502.02538](https://arxiv.org/abs/2502.02538): FQL, and what alpha is for.
# - R. Agarwal and others, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, [arXiv 2108.13264](https://arxiv.org/abs/2108.13264): intervals from few runs.
#
# **Next:** [08 · Robomimic](08_robomimic.ipynb).
