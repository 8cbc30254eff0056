"""Flow and one-step policy on Lift, without a critic: which of the two fails, and by which number?

    python tools/lift_distillation.py --data FILE --out FOLDER

FQL's two imitating losses alone, L_flow + L_distill, at the lite preset. Four actors can be evaluated:

    flow        the flow's sample
    policy      the one-step policy
    with-grip   the policy's motion with the flow's gripper
    with-motion the flow's motion with the policy's gripper

FOLDER/distillation.csv has a row an episode. `away` and `fingers` are of its last decision: the hand's
distance from the cube and how far the fingers are apart, metres.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import qlac_lite.training.updates as updates
from qlac_lite.agents.base import acting_over_seeds
from qlac_lite.config import get_task, make_config
from qlac_lite.data.load import load
from qlac_lite.lessons.lift_imitators import imitators
from qlac_lite.training.collector import simulators
from qlac_lite.training.evaluation import evaluate
from qlac_lite.utils.files import write_csv, write_json
from qlac_lite.utils.provenance import provenance

TASK = "lift-mh-low_dim"
FINGERS, HAND, CUBE = slice(7, 9), slice(0, 3), slice(9, 12)  # of an observation


def main(
    data: Annotated[Path, typer.Option(help="A file of Lift's demonstrations.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")],
    every: Annotated[int, typer.Option(help="Updates from one evaluation to the next.")] = 2000,
    episodes: Annotated[int, typer.Option(help="Of each seed, actor and evaluation.")] = 10,
    actors: Annotated[str, typer.Option(help="Which actors, with commas between.")] = "flow,policy,with-grip",
    seeds: Annotated[int, typer.Option(help="Trained beside each other.")] = 6,
) -> None:
    """Trains, evaluates and records."""
    config = make_config(TASK, "fql", "lite", seeds=seeds)
    dataset, summary = load(data, get_task(TASK))
    sizes = get_task(TASK).domain.observation_size, get_task(TASK).domain.action_size
    learner, acts = imitators(config, *sizes)
    updates.make_learner = lambda *_: learner
    engine = updates.Engine(config, dataset, *sizes)
    out.mkdir(parents=True, exist_ok=True)
    about = {"data": summary, "provenance": provenance("python tools/lift_distillation.py")}
    write_json(out / "distillation.json", about)
    progress, rows, log = engine.start(0, get_task(TASK)), [], []
    environments = simulators(config, 1, summary["env_args"])
    for step in range(0, config.offline_steps, every):
        progress = engine.update(progress, step, every)
        means = {name: np.asarray(value) / every for name, value in progress.metrics.mean.items()}
        log += [
            {"updates": step + every, "seed": s} | {k: v[s] for k, v in means.items()} for s in range(seeds)
        ]
        progress = engine.forget_metrics(progress)
        for name in actors.split(","):
            rows += look(
                learner._replace(act=acts[name]), progress.state.params, environments, config, episodes
            )
            for row in rows[-seeds * episodes :]:
                row |= {"updates": step + every, "actor": name}
            print(
                step + every, name, np.mean([row["success"] for row in rows[-seeds * episodes :]]), flush=True
            )
            write_csv(out / "distillation.csv", rows)
            write_csv(out / "distillation-losses.csv", log)
    environments.close(terminate=True)


def look(learner, params, environments, config, episodes: int) -> list[dict]:
    """Rows of `evaluate`, with where the last decision of each episode was made."""
    actor, last = acting_over_seeds(learner), {}

    def watched(params, observation, seeds, stream, numbers, decisions):
        for place in np.ndindex(numbers.shape):
            last[int(seeds[place[0]]), int(numbers[place])] = np.array(observation[place])
        return actor(params, observation, seeds, stream, numbers, decisions)

    rows = evaluate(watched, params, environments, config, episodes)
    for row in rows:
        seen = last[row["seed"], row["episode"]]
        row["away"] = round(float(np.linalg.norm(seen[HAND] - seen[CUBE])), 4)
        row["fingers"] = round(float(np.abs(seen[FINGERS]).sum()), 4)
    return rows


if __name__ == "__main__":
    typer.run(main)
