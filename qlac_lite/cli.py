"""The command line: `qlac ...` or `python -m qlac_lite ...`.

A bad input ends in one clear message and exit status 2; nothing half-written is left.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from qlac_lite.config import get_method, make_config
from qlac_lite.config.run import parse_settings
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.utils.errors import QlacError

app = typer.Typer(
    name="qlac",
    help="Q-learning with action chunking: data, training, evaluation and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
Source = Literal["auto", "file", "download", "generate"]


@app.command()
def data(
    name: Annotated[
        str | None, typer.Argument(help="Dataset, such as cube-single-play-v0 (`qlac tasks` lists them).")
    ] = None,
    source: Annotated[
        Source,
        typer.Option(
            help=(
                "**file**: the official file already in the folder. **download**: that, else the authors' "
                "host, else the mirror. **generate**: OGBench's scripted oracles; for Robomimic scripted "
                "stand-ins, which are not human. **auto**: all of these in that order; "
                "with --episodes it generates."
            )
        ),
    ] = "auto",
    episodes: Annotated[
        int | None,
        typer.Option(help="Episodes to generate, of 1000 transitions each; demonstrations, for Robomimic."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generation.")] = 0,
    shards: Annotated[
        int | None,
        typer.Option(
            help=(
                "Generate that many files of --episodes each, to be streamed in training; "
                "the path is their folder."
            )
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Simulator processes; all cores by default. The file is the same.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the file; default $QLAC_DATA or the user's cache.")
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(help="Only check this file (against NAME if given), and describe it.")
    ] = None,
) -> None:
    """Fetches or generates a dataset (OGBench's npz, robomimic's HDF5), verifies it,
    and prints where it came from.

    The last line, alone on standard output, is the file's path. A killed generation goes on where it was. The
    same name, episodes and seed give the same bytes, whatever the number of workers. Generated files are
    named as such: they are not the official ones.
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

    print(
        get_dataset(
            name, source, episodes, seed, workers, out, shards, log=lambda text: print(text, file=sys.stderr)
        )
    )


@app.command()
def train(
    task: Annotated[
        str, typer.Option(help="Single task (`qlac tasks`).")
    ] = "cube-single-play-singletask-task1-v0",
    method: Annotated[str, typer.Option(help="Method (`qlac methods`).")] = "qc-fql",
    preset: Annotated[
        str, typer.Option(help="**lite**: minutes on two cores. **full**: the paper's protocol, for a GPU.")
    ] = "lite",
    seeds: Annotated[
        int | None, typer.Option(help="Seeds trained side by side in one compiled program.")
    ] = None,
    offline_steps: Annotated[int | None, typer.Option(help="Gradient steps on the dataset alone.")] = None,
    online_steps: Annotated[
        int | None, typer.Option(help="Environment steps after that, one gradient step each.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any other field; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Dataset file, or the folder of its shards; by default what `qlac data` finds for the task."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default runs/TASK/METHOD.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint in --out.")
    ] = False,
    collected: Annotated[
        Path | None,
        typer.Option(help="A finished run with the same seeds, whose online transitions join the data."),
    ] = None,
) -> None:
    """Trains a method offline, then online, and evaluates it on the way.

    The run folder holds the configuration and provenance (run.json), progress.csv, episodes.csv,
    evaluations.csv and the newest checkpoint. Killed at any moment, the run goes on with the same command and
    --resume.

    Fields for --set, with the paper's defaults: horizon=5 discount=0.99 stride=1 batch_size=256
    hidden=512,512,512,512 learning_rate=3e-4 target_rate=0.005 critics=2 target=mean (or min) flow_steps=10
    shard_steps=1000 alpha=300 candidates=32 candidate_block=0 (all at once) sampling_precision=float32 (or
    bfloat16) online_start=5000 log_every=5000 evaluate_every=100000 evaluation_episodes=50
    checkpoint_seconds=60 first_seed=0. policy_horizon=0 (as the critic's) expectile=0.8 (where it is shorter)
    offline_reward=next (or current: labels of s_t, as published). Online: updates_per_step=1 offline_share=0
    (RLPD 0.5) execute=0 (all of a chunk) order=overlapped (or alternating) replay_capacity=2000000 (0: no
    limit) online_shards=last (RLPD: rotating) first_actions=policy (RLPD: random). RLPD family:
    entropy_target=-0.5 initial_temperature=1 bc_weight=0 (QC-RLPD 0.01).
    """
    given = dict(seeds=seeds, offline_steps=offline_steps, online_steps=online_steps)
    changes = {key: value for key, value in given.items() if value is not None} | parse_settings(set_ or [])
    config = make_config(task, method, preset, **changes)
    out = out or Path("runs") / task / method
    _quiet()
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
    spec: Annotated[
        Path, typer.Argument(help="TOML file: tasks, methods, seeds, settings, resources (docs/cluster.md).")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the run folders, which all nodes see; default runs/NAME of the file."),
    ] = None,
    address: Annotated[
        str,
        typer.Option(
            help="**local**: this machine. **auto**: the Ray cluster it belongs to. **HOST:PORT**: another."
        ),
    ] = "local",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only check the file, count its cells, and add up the room they take."
        ),
    ] = False,
) -> None:
    """Trains tasks x methods x seeds on Ray: a laptop, a workstation's GPUs, a cluster, by the same command.

    Each cell is a run folder, OUT/TASK/METHOD/seeds-FIRST-LAST. Given again, the command skips what is done
    and goes on with the rest, from the newest checkpoints. Cells that fail are listed at the end, with exit
    status 1.
    """
    out = out or Path("runs") / spec.stem
    _quiet()
    from qlac_lite.experiments.sweep.ray_runner import describe_sweep, run_sweep

    if dry_run:
        print(describe_sweep(spec, out))
        return
    failures = run_sweep(spec, out, address, log=lambda text: print(text, flush=True))
    if failures:
        print(
            (
                f"\n{len(failures)} of the cells failed. The same command trains them again, "
                f"from their checkpoints; {out / 'failures.txt'} has more."
            ),
            file=sys.stderr,
        )
        for name, message in failures.items():
            print(f"  {name}: {message}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    episodes: Annotated[int, typer.Option(help="Episodes per seed.")] = 50,
    filmstrip: Annotated[
        Path | None, typer.Option(help="Also draw an episode of the first seed to this PNG.")
    ] = None,
) -> None:
    """Success rate of a run's newest policies, per seed and together, with a 95 % bootstrap interval.

    Writes evaluate.csv into the run folder.
    """
    if episodes < 1:
        raise QlacError(f"--episodes is {episodes}, but has to be at least 1.")
    _quiet()
    from qlac_lite.reports.one_run import draw_filmstrip, evaluate_run

    print(evaluate_run(run, episodes))
    if filmstrip is not None:
        print(draw_filmstrip(run, filmstrip))


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help=(
                "Run folders, or folders with runs at any depth below; "
                "runs of one method and task are pooled over seeds."
            )
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for figure, tables and filmstrip.")] = Path("report"),
) -> None:
    """Learning curves (PNG), tables (Markdown and CSV), and a filmstrip of the best agent, for each task.

    Runs with the paper's settings are set beside its figures at the same steps: rings in the curves, a table,
    comparison.csv. With several tasks, aggregate.md, .csv and .png have the mean over each domain and over
    all.
    """
    _quiet()
    from qlac_lite.reports.by_task import write_report

    print(write_report(runs, out))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[
        Path, typer.Option(help="File to write (.npz); a .json with the provenance comes beside it.")
    ],
    seed: Annotated[int, typer.Option(help="Which of the run's seeds.")] = 0,
) -> None:
    """Writes one seed's policy as a small file: the networks that act, and where they come from."""
    _quiet()
    from qlac_lite.training.policy import export_policy
    from qlac_lite.training.run_folder import open_run

    policy = export_policy(open_run(run), seed, out)
    print(f"{get_method(policy.config.method).title}, seed {seed}, {policy.about['phase']}: {out}")


@app.command()
def experiment(
    name: Annotated[
        str,
        typer.Argument(
            help=(
                "**horizon**: six methods as a task takes more actions. **quick**: the coarsest part of it, "
                "in minutes. **comparison**: all ten methods. **exploration**: what single actions and "
                "chunks collect, and what it teaches. **naive**: RLPD on chunks, over chunk length and "
                "step. **precision**: sampling in bfloat16 against float32. **labels**: offline rewards of "
                "the next or the current state. Lesson 09's ablations: **length** of the chunk; "
                "**disturbance**: the same where actions are pushed about; **halves**: backup and policy "
                "apart; **candidates**: N; **factors**: one setting at a time."
            )
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the results; what is there already is not run again.")
    ],
    seeds: Annotated[
        int | None,
        typer.Option(
            help=(
                "Seeds, trained side by side; by default 4; "
                "comparison, precision, labels and the ablations 8."
            )
        ),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Only this method (halves: family, fql or bfn); may be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any field of `qlac train`.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help=(
                "exploration and the ablations: on this task (`qlac tasks`), with whole runs of "
                "`qlac train`. By default the lite world; with --preset full cube-triple, task 2."
            )
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="**lite**, or **full**: the paper's sizes, for a GPU.")
    ] = "lite",
    data: Annotated[
        Path | None, typer.Option(help="With --task: dataset file; by default what `qlac data` finds.")
    ] = None,
) -> None:
    """Runs one of the course's experiments on the lite world: the same command goes on where it was killed.

    With `--preset full`, `exploration` and the ablations run at the paper's size.
    The ablations end with a table and a figure in DIR (report.md, report.png).
    """
    settings = (
        parse_settings(set_ or [])
        | ({"seeds": seeds} if seeds else {})
        | ({"methods": tuple(method)} if method else {})
    )
    _quiet()
    from qlac_lite.utils.machine import use_cores

    use_cores()
    task = task or ("cube-triple-play-singletask-task2-v0" if preset == "full" else LITE_WORLD)
    from qlac_lite.data.sources.fetch import get_dataset
    from qlac_lite.experiments.ablations import ABLATIONS, ablate, variants

    if task == LITE_WORLD:
        from qlac_lite.experiments.catalogue import run_experiment

        rows = run_experiment(name, out, **settings)
    elif name in ABLATIONS:
        rows = ablate(name, task, out, data or get_dataset(task), preset, **settings)
    elif name == "exploration":
        from qlac_lite.experiments.exploration import explore, summary

        print(summary(explore(task, out, data or get_dataset(task), preset, **settings)))
    else:
        raise QlacError(
            f"{name} runs on the lite world only; exploration and the ablations take --task. "
            f"Compare methods on {task} with qlac train and qlac report."
        )
    if name in ABLATIONS:
        from qlac_lite.reports.ablation import report_ablation

        print(
            report_ablation(
                rows, variants(name, settings.get("methods"), task != LITE_WORLD and preset == "full"), out
            )
        )


@app.command()
def tasks() -> None:
    """Lists the tasks, their data, and the paper's settings for them and for all runs,
    each with its source."""
    from qlac_lite.config.protocol import describe_tasks

    print(describe_tasks())


@app.command()
def methods() -> None:
    """Lists the methods: the backup and the policy extraction of each,
    and what it sets at the paper's size."""
    from qlac_lite.config.protocol import describe_methods

    print(describe_methods())


def _quiet() -> None:
    """XLA's notes on the processor and the like are of no use to a reader."""
    import os
    import warnings

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    warnings.filterwarnings("ignore", module="glfw")


def main() -> None:
    """Entry point of `qlac`."""
    try:
        app()
    except QlacError as error:
        print(f"\nqlac: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "\nqlac: Stopped. The same command goes on where it was (training: with --resume).",
            file=sys.stderr,
        )
        sys.exit(130)


if __name__ == "__main__":
    main()
