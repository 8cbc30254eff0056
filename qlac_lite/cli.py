"""The command line: `qlac ...` or `python -m qlac_lite ...`.

A bad input ends in one clear message and exit status 2; nothing half-written is left.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from qlac_lite.config import get_method, make_config
from qlac_lite.config.presets import describe_settings, parse_settings
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.utils.errors import QlacError

app = typer.Typer(
    name="qlac",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
Source = Literal["auto", "file", "download", "generate"]
Settings = Annotated[
    list[str] | None, Option("--set", metavar="FIELD=VALUE", help="Any field; may be repeated.")
]


@app.callback()
def quiet() -> None:
    """Q-learning with action chunking: data, training, evaluation and reports."""
    # XLA's notes on the processor and the like are of no use to a reader.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    warnings.filterwarnings("ignore", module="glfw")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


@app.command()
def data(
    name: Annotated[str | None, Argument(help="Dataset, such as cube-single-play-v0.")] = None,
    source: Annotated[Source, Option(help="Where it comes from, see above.")] = "auto",
    episodes: Annotated[int | None, Option(help="Episodes or demonstrations to generate.")] = None,
    seed: Annotated[int, Option(help="Seed of the generation.")] = 0,
    shards: Annotated[
        int | None, Option(help="Generate that many files, to be streamed in training.")
    ] = None,
    workers: Annotated[int | None, Option(help="Simulator processes; all cores by default.")] = None,
    out: Annotated[Path | None, Option(help="Folder; default $QLAC_DATA or the user's cache.")] = None,
    verify: Annotated[Path | None, Option(help="Only check this file, against NAME if given.")] = None,
) -> None:
    """Fetches or generates a dataset (OGBench's npz, robomimic's HDF5), verifies it, says where it came from.

    Sources: **file**, the official file already in the folder; **download**, that, else the authors' host,
    else the mirror; **generate**, OGBench's scripted oracles (1000 transitions an episode), or for Robomimic
    scripted stand-ins, which are not human; **auto**, all of these in that order, but with --episodes it
    generates.

    The last line, alone on standard output, is the path of the file, or of the folder of its shards. A killed
    generation goes on where it was. The same name, episodes and seed give the same bytes, whatever the number
    of workers. Generated files are named as such: they are not the official ones.
    """
    if verify is not None:
        from qlac_lite.data.formats.records import describe
        from qlac_lite.data.load import verify as check

        print(f"{verify} is sound: {describe(check(verify, name))}")
        return
    if name is None:
        raise QlacError(
            "Name a dataset, such as: qlac data cube-single-play-v0. `qlac tasks` lists them all."
        )
    from qlac_lite.data.sources.fetch import get_dataset

    print(get_dataset(name, source, episodes, seed, workers, out, shards, log=_say))


TRAIN = """Trains a method offline, then online, and evaluates it on the way.

The run folder holds the configuration and provenance (run.json), progress.csv, episodes.csv, evaluations.csv
and the newest checkpoint. Killed at any moment, the run goes on with the same command and --resume.

Fields for --set, with the paper's defaults (the preset, the method and the task may set others):

"""


@app.command(help=TRAIN + describe_settings())
def train(
    task: Annotated[str, Option(help="See `qlac tasks`.")] = "cube-single-play-singletask-task1-v0",
    method: Annotated[str, Option(help="See `qlac methods`.")] = "qc-fql",
    preset: Annotated[str, Option(help="**lite**: minutes on two cores. **full**: the paper's.")] = "lite",
    seeds: Annotated[int | None, Option(help="Trained side by side in one program.")] = None,
    offline_steps: Annotated[int | None, Option(help="Gradient steps on the dataset alone.")] = None,
    online_steps: Annotated[int | None, Option(help="Environment steps after that.")] = None,
    set_: Settings = None,
    data: Annotated[Path | None, Option(help="File or folder of shards; default: `qlac data`.")] = None,
    out: Annotated[Path | None, Option(help="Run folder; default runs/TASK/METHOD.")] = None,
    resume: Annotated[bool, Option("--resume", help="Go on from the newest checkpoint.")] = False,
    collected: Annotated[Path | None, Option(help="A run whose online transitions join the data.")] = None,
) -> None:
    given = dict(seeds=seeds, offline_steps=offline_steps, online_steps=online_steps)
    changes = {key: value for key, value in given.items() if value is not None} | parse_settings(set_ or [])
    config = make_config(task, method, preset, **changes)
    out = out or Path("runs") / task / method
    from qlac_lite.data.sources.fetch import get_dataset
    from qlac_lite.training.loop import start_run
    from qlac_lite.training.loop import train as run_training
    from qlac_lite.utils.machine import use_cores

    use_cores()
    run, dataset = start_run(config, data or get_dataset(task), out, resume, collected)
    print(f"{get_method(method).title} on {task}, {preset}, seeds {list(config.seed_list)}: {out}")
    print(f"Data: {run.data['provenance']}")
    run_training(run, dataset)


@app.command()
def sweep(
    spec: Annotated[Path, Argument(help="TOML file: tasks, methods, seeds, ... (docs/cluster.md).")],
    out: Annotated[Path | None, Option(help="Folder that all nodes see; default runs/NAME.")] = None,
    address: Annotated[str, Option(help="**local**, a cluster's **HOST:PORT**, or **auto**.")] = "local",
    dry_run: Annotated[
        bool, Option("--dry-run", help="Check the file, count its cells, add up room.")
    ] = False,
) -> None:
    """Trains tasks x methods x seeds on Ray: a laptop, a workstation's GPUs, a cluster, by the same command.

    Each cell is a run folder, OUT/TASK/METHOD/seeds-FIRST-LAST. Given again, the command skips what is done
    and goes on with the rest, from the newest checkpoints. Cells that fail are listed at the end, with exit
    status 1. **auto** is the Ray cluster that this machine belongs to.
    """
    out = out or Path("runs") / spec.stem
    from qlac_lite.experiments.sweep.ray_runner import describe_sweep, run_sweep

    if dry_run:
        print(describe_sweep(spec, out))
        return
    failures = run_sweep(spec, out, address, log=lambda text: print(text, flush=True))
    if failures:
        _say(
            f"\n{len(failures)} of the cells failed. The same command trains them again, "
            f"from their checkpoints; {out / 'failures.txt'} has more."
        )
        for name, message in failures.items():
            _say(f"  {name}: {message}")
        raise typer.Exit(1)


@app.command()
def evaluate(
    run: Annotated[Path, Argument(help="Run folder.")],
    episodes: Annotated[int, Option(help="Episodes per seed.")] = 50,
    filmstrip: Annotated[Path | None, Option(help="Draw an episode of the first seed to this PNG.")] = None,
) -> None:
    """Success rate of a run's newest policies, per seed and together, with a 95 % bootstrap interval.

    Writes evaluate.csv into the run folder.
    """
    if episodes < 1:
        raise QlacError(f"--episodes is {episodes}, but has to be at least 1.")
    from qlac_lite.reports.one_run import draw_filmstrip, evaluate_run

    print(evaluate_run(run, episodes))
    if filmstrip is not None:
        print(draw_filmstrip(run, filmstrip))


@app.command()
def report(
    runs: Annotated[list[Path], Argument(help="Run folders, or folders with runs at any depth below.")],
    out: Annotated[Path, Option(help="Folder for figures, tables and filmstrips.")] = Path("report"),
) -> None:
    """Learning curves (PNG), tables (Markdown and CSV), and a filmstrip of the best agent, for each task.

    Runs of one method and task are pooled over seeds. Those with the paper's settings are set beside its
    figures at the same steps: rings in the curves, a table, comparison.csv. With several tasks, aggregate.md,
    .csv and .png have the mean over each domain and over all.
    """
    from qlac_lite.reports.by_task import write_report

    print(write_report(runs, out))


@app.command()
def export(
    run: Annotated[Path, Argument(help="Run folder.")],
    out: Annotated[Path, Option(help="File to write (.npz); a .json with the provenance comes beside it.")],
    seed: Annotated[int, Option(help="Which of the run's seeds.")] = 0,
) -> None:
    """Writes one seed's policy as a small file: the networks that act, and where they come from."""
    from qlac_lite.training.policy import export_policy
    from qlac_lite.training.run_folder import open_run

    policy = export_policy(open_run(run), seed, out)
    print(f"{get_method(policy.config.method).title}, seed {seed}, {policy.about['phase']}: {out}")


@app.command()
def experiment(
    name: Annotated[str, Argument(help="One of those above.")],
    out: Annotated[Path, Option(help="Folder for the results; what is there is not run again.")],
    seeds: Annotated[int | None, Option(help="Trained side by side; 8 by default, or 4.")] = None,
    method: Annotated[list[str] | None, Option(help="Only this method; may be repeated.")] = None,
    set_: Settings = None,
    task: Annotated[str | None, Option(help="With whole runs on this task, where it can be.")] = None,
    preset: Annotated[str, Option(help="**lite**, or **full**: the paper's sizes, for a GPU.")] = "lite",
    data: Annotated[Path | None, Option(help="With --task: dataset file; default: `qlac data`.")] = None,
) -> None:
    """Runs one of the course's experiments, by default on the lite world; what was killed goes on.

    **horizon**: six methods as a task takes more actions. **quick**: the coarsest part of it, in minutes.
    **comparison**: all ten methods. **exploration**: what single actions and chunks collect, and what it
    teaches. **naive**: RLPD on chunks, over chunk length and step. **precision**: sampling in bfloat16
    against float32. **labels**: offline rewards of the next or the current state.

    Lesson 09's ablations, which end with a table and a figure in OUT (report.md, report.png): **length** of
    the chunk; **disturbance**: the same where actions are pushed about; **halves**: backup and policy apart
    (--method fql or bfn: the family); **candidates**: N; **factors**: one setting at a time.

    exploration and the ablations take --task and --preset full (by default cube-triple, task 2), as whole
    runs of `qlac train`.
    """
    settings = parse_settings(set_ or []) | ({"seeds": seeds} if seeds else {})
    settings |= {"methods": tuple(method)} if method else {}
    from qlac_lite.experiments.ablations import ABLATIONS, variants
    from qlac_lite.experiments.catalogue import run_on_task
    from qlac_lite.utils.machine import use_cores

    use_cores()
    task = task or ("cube-triple-play-singletask-task2-v0" if preset == "full" else LITE_WORLD)
    rows = run_on_task(name, task, out, data, preset, **settings)
    if name in ABLATIONS:
        from qlac_lite.reports.ablation import report_ablation

        full = task != LITE_WORLD and preset == "full"
        print(report_ablation(rows, variants(name, settings.get("methods"), full), out))


@app.command()
def tasks() -> None:
    """Lists the tasks, their data, and the paper's settings, each with its source."""
    from qlac_lite.config.protocol import describe_tasks

    print(describe_tasks())


@app.command()
def methods() -> None:
    """Lists the methods: backup and policy extraction, and what each sets at the paper's size."""
    from qlac_lite.config.protocol import describe_methods

    print(describe_methods())


def main() -> None:
    """Entry point of `qlac`."""
    try:
        app()
    except QlacError as error:
        _say(f"\nqlac: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("\nqlac: Stopped. The same command goes on where it was (training: with --resume).")
        sys.exit(130)


if __name__ == "__main__":
    main()
