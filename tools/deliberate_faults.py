"""Breaks the library on purpose, a fault at a time, and looks whether its tests notice.

    python tools/deliberate_faults.py            all of them, and renews the table in docs/testing.md
    python tools/deliberate_faults.py 3 17       only these

A fault is a small edit of a copy of the library. It is found if a test of `make test` fails that passes
without it. Only the files that the fault names are run, and first all of them without a fault.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from qlac_lite.utils.files import markdown
from time_tests import renew

ROOT = Path(__file__).parents[1]
COPIED = (
    *("qlac_lite", "tests", "tools", "notebooks", "solutions", "results", "docs"),
    *("pyproject.toml", "README.md"),
)
PUBLISHED, AGENTS, FLOW = (f"tests/agents/test_{name}.py" for name in ("published", "agents", "flow"))
CHUNKS, DATA, ENVS = "tests/data/test_chunks.py", "tests/data/test_data.py", "tests/envs/test_envs.py"
TRAINING, LITE = "tests/training/test_training.py", "tests/training/test_lite.py"
REPORTS, MDP = "tests/reports/test_report.py", "tests/lessons/test_mdp.py"


class Fault(NamedTuple):
    what: str
    file: str  # below qlac_lite/
    old: str  # occurs once
    new: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "L_Q has the wrong sign",
        "agents/fql.py",
        "return -jnp.mean(critic(",
        "return jnp.mean(critic(",
        (PUBLISHED,),
    ),
    Fault(
        "the distillation moves the flow",
        "agents/fql.py",
        "target = stop_gradient(jnp.clip(behavior, -1, 1))",
        "target = jnp.clip(behavior, -1, 1)",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "the distillation's target is not clipped",
        "agents/fql.py",
        "stop_gradient(jnp.clip(behavior, -1, 1))",
        "stop_gradient(behavior)",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "L_Q moves the critics",
        "agents/fql.py",
        "critic(stop_gradient(params), observation",
        "critic(params, observation",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "the next value is not discounted",
        "agents/critics.py",
        "batch.discount * next_value",
        "next_value",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "the target's gradient flows",
        "agents/critics.py",
        "target = jax.lax.stop_gradient(",
        "target = (",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "cut chunks count in the critic's loss",
        "agents/critics.py",
        "batch.valid[:, -1] * (q - target)",
        "batch.valid[:, 0] * (q - target)",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "the velocity points to the noise",
        "agents/flow.py",
        "t * actions, actions - noise",
        "t * actions, noise - actions",
        (PUBLISHED, FLOW),
    ),
    Fault(
        "Euler's method is a step late", "agents/flow.py", "k / steps)", "(k + 1) / steps)", (PUBLISHED, FLOW)
    ),
    Fault(
        "padded actions count in the flow's loss",
        "agents/flow.py",
        "valid[..., None] * error**2",
        "error**2",
        (PUBLISHED, FLOW),
    ),
    Fault(
        "best of N takes the worst",
        "agents/best_of_n.py",
        "jnp.argmax(q, axis=1)",
        "jnp.argmin(q, axis=1)",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "RLPD's entropy is a mean over the chunk",
        "agents/rlpd.py",
        "jnp.sum(entries, axis=(1, 2))",
        "jnp.mean(entries, axis=(1, 2))",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "RLPD's actor moves the temperature",
        "agents/rlpd.py",
        "stop_gradient(temperature) * log_prob",
        "temperature * log_prob",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "the target critic moves to the stepped critic at the wrong rate",
        "agents/base.py",
        "gradient_step(losses, optimizer, config.target_rate)",
        "gradient_step(losses, optimizer, 1 - config.target_rate)",
        (PUBLISHED, AGENTS),
    ),
    Fault(
        "a chunk is discounted as one step",
        "data/dataset.py",
        "discount=discount**horizon * alive",
        "discount=discount * alive",
        (CHUNKS,),
    ),
    Fault(
        "the bootstrap state is a step early",
        "data/dataset.py",
        "jnp.minimum(start + length, len(",
        "jnp.minimum(start + length - 1, len(",
        (CHUNKS,),
    ),
    Fault(
        "chunks start at an episode's last state",
        "data/dataset.py",
        "np.flatnonzero((steps_left > 0) &",
        "np.flatnonzero((steps_left >= 0) &",
        (CHUNKS,),
    ),
    Fault(
        "bootstraps through a terminal state inside a chunk",
        "data/dataset.py",
        "jnp.min(data.masks[rows], axis=1)",
        "data.masks[rows][:, 0]",
        (CHUNKS,),
    ),
    Fault(
        "online, a time limit loses the episode's last state",
        "data/replay.py",
        "cursor = end + (new.truncated & ~new.terminated)",
        "cursor = end",
        (CHUNKS,),
    ),
    Fault(
        "online, the terminal step is marked a step late",
        "data/replay.py",
        "== new.length - 1)",
        "== new.length)",
        (CHUNKS,),
    ),
    Fault(
        "a chunk runs on after the time limit",
        "envs/chunked.py",
        "            if terminated or truncated:",
        "            if terminated:",
        (ENVS,),
    ),
    Fault(
        "actions are not clipped",
        "envs/chunked.py",
        "np.clip(chunk, space.low, space.high)",
        "chunk",
        (ENVS,),
    ),
    Fault(
        "updates use the same keys after each call",
        "training/updates.py",
        "jax.random.fold_in(key, first + i)",
        "jax.random.fold_in(key, i)",
        (TRAINING,),
    ),
    Fault(
        "after a kill, rows since the checkpoint stay",
        "training/loop.py",
        "            self.run.rewind(phase, step)\n",
        "",
        (TRAINING,),
    ),
    Fault(
        "a resumed run forgets the episodes in flight",
        "training/loop.py",
        "collector.replay_actions(progress.replay, progress.episodes)",
        "collector.begin(progress.episodes)",
        (TRAINING,),
    ),
    Fault(
        "the lite world's updates ignore the episodes' ends",
        "training/jax_loop.py",
        "count = jnp.where(online, due, executed)",
        "count = jnp.where(online, size, executed)",
        (LITE,),
    ),
    Fault(
        "an interval has a degree of freedom too many",
        "utils/statistics.py",
        "reach = special.stdtrit(seeds - 1,",
        "reach = special.stdtrit(seeds,",
        (REPORTS,),
    ),
    Fault(
        "lesson 01's chunk value is discounted as one step",
        "lessons/mdp.py",
        "return TabularMDP(p_bar, r_bar, mdp.discount**length)",
        "return TabularMDP(p_bar, r_bar, mdp.discount)",
        (MDP,),
    ),
)


def first_failure(tests: tuple[str, ...], copy: Path) -> str:
    """The first test that fails, "" if all pass. Exits if they can't be run."""
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy), "QLAC_FAST": "1"}
    told = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    failed = [line.split(" - ")[0] for line in told.stdout.splitlines() if line.startswith("FAILED ")]
    if told.returncode and not failed:
        sys.exit(f"{' '.join(tests)} could not be run:\n{told.stdout[-2000:]}{told.stderr[-2000:]}")
    return failed[0].removeprefix("FAILED ").split("[")[0] if failed else ""


def noticed_by(fault: Fault, copy: Path) -> str:
    """The first test that notices, "" if none does."""
    path = copy / "qlac_lite" / fault.file
    right = path.read_text()
    if right.count(fault.old) != 1:
        sys.exit(f"{fault.file} has {fault.old!r} {right.count(fault.old)} times, not once.")
    path.write_text(right.replace(fault.old, fault.new))
    try:
        return first_failure(fault.tests, copy)
    finally:
        path.write_text(right)


def main(numbers: list[str]) -> None:
    chosen = [(i, fault) for i, fault in enumerate(FAULTS, 1) if not numbers or str(i) in numbers]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            put = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            put(ROOT / name, copy / name)
        files = {file for _, fault in chosen for file in fault.tests}
        if broken := first_failure(tuple(sorted(files)), copy):
            sys.exit(f"{broken} fails without a fault: mend it first.")
        for i, fault in chosen:
            test = noticed_by(fault, copy)
            rows.append(
                {"fault": fault.what, "in": fault.file, "found by": test.split("::")[-1] or "nothing"}
            )
            print(f"{i:2} {fault.what}: {test or 'NOT FOUND'}", flush=True)
    if not numbers:
        renew("faults", markdown(rows))
    missed = [row["fault"] for row in rows if row["found by"] == "nothing"]
    sys.exit(f"Not found: {'; '.join(missed)}." if missed else None)


if __name__ == "__main__":
    main(sys.argv[1:])
