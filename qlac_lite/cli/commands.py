"""The commands, a function each."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option

from qlac_lite.config import get_method, get_task, make_config, protocol
from qlac_lite.config.presets import PRESETS, describe_settings, get_preset, parse_settings
from qlac_lite.config.tasks import LITE_WORLD
from qlac_lite.utils.cores import use_cores
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import check_writable

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
Source = Literal["auto", "file", "download", "generate"]
Run = Annotated[Path, Argument(help="Run folder.")]
# Options that may be left out.
Number, Place, Word, Words = int | None, Path | None, str | None, list[str] | None
PRESET_HELP = " ".join(f"**{name}**: {preset.about}." for name, preset in PRESETS.items())
Settings = Annotated[Words, Option("--set", metavar="FIELD=VALUE", help="Any field; may be repeated.")]


def say(text: str) -> None:
    with contextlib.suppress(OSError):  # its disk is full
        print(text, file=sys.stderr)


def _changes(settings: list[str] | None, **options: Any) -> dict[str, Any]:
    """The `options` that were given, and what --set says."""
    given = {name: value for name, value in options.items() if value is not None}
    return given | parse_settings(settings or [])


@app.command()
def data(
    name: Annotated[Word, Argument(help="Dataset, such as cube-single-play-v0.")] = None,
    source: Annotated[Source, Option(help="Where it comes from, see above.")] = "auto",
    episodes: Annotated[Number, Option(help="Episodes or demonstrations to generate.")] = None,
    seed: Annotated[int, Option(help="Seed of the generation.")] = 0,
    shards: Annotated[Number, Option(help="Generate that many files, for training to stream.")] = None,
    workers: Annotated[Number, Option(help="Simulator processes; all cores by default.")] = None,
    out: Annotated[Place, Option(help="Folder; default $QLAC_DATA or the user's cache.")] = None,
    verify: Annotated[Place, Option(help="Only check this file, against NAME, a dataset or task.")] = None,
    replay: Annotated[Number, Option(help="With --verify: replay that many demonstrations.")] = None,
    film: Annotated[Place, Option(help="Only film this file's states, with the goals of task NAME.")] = None,
    episode: Annotated[int, Option(help="Which episode to film, from 0.")] = 0,
) -> None:
    """Fetches or generates a dataset (OGBench's npz, robomimic's HDF5), verifies it, says where it came from.

    Sources: **file**, the official one in the folder; **download**, that, else the authors' host, else the
    mirror; **generate**, OGBench's scripted oracles (1000 transitions an episode), or scripts in place of
    Robomimic's people; **auto**, these in that order, but with --episodes it generates.

    --verify FILE --replay N also replays a robomimic file's first N demonstrations in the simulator, and
    compares states.

    Prints the path of the file, or of the folder of its shards. A killed generation goes on where it was.
    Name, episodes and seed determine the bytes. Generated files are named as such.
    """
    if verify:
        from qlac_lite.cli.verify import verify_file

        verify_file(verify, name, replay)
        return
    if replay is not None:
        raise QlacError("--replay replays demonstrations of a file that you have: give --verify FILE, too.")
    if film:
        from qlac_lite.reports.films import write_data_film

        print(write_data_film(film, name, episode, out or Path()))
        return
    if not name:
        raise QlacError("Name a dataset, such as cube-single-play-v0. `qlac tasks` lists them all.")
    from qlac_lite.data.fetch import get_dataset

    print(get_dataset(name, source, episodes, seed, workers, out, shards, log=say))


TRAIN = """Trains a method offline, then online, and evaluates it on the way.

The run folder holds the configuration and provenance (run.json), progress.csv, episodes.csv, evaluations.csv
and the newest checkpoint. Killed at any moment, the run goes on with the same command and --resume.

Fields for --set, with the paper's defaults (the preset, the method and the task may set others):

"""


@app.command(help=TRAIN + describe_settings())
def train(
    task: Annotated[str, Option(help="See `qlac tasks`.")] = "cube-single-play-singletask-task1-v0",
    method: Annotated[str, Option(help="See `qlac methods`.")] = "qc-fql",
    preset: Annotated[str, Option(help=PRESET_HELP)] = "lite",
    seeds: Annotated[Number, Option(help="Trained side by side in one program.")] = None,
    offline_steps: Annotated[Number, Option(help="Gradient steps on the dataset alone.")] = None,
    online_steps: Annotated[Number, Option(help="Environment steps after that.")] = None,
    set_: Settings = None,
    data: Annotated[Place, Option(help="File or folder of shards; default: `qlac data`.")] = None,
    out: Annotated[Place, Option(help="Run folder; default runs/TASK/METHOD.")] = None,
    resume: Annotated[bool, Option("--resume", help="Go on from the newest checkpoint.")] = False,
    collected: Annotated[Place, Option(help="A run whose online transitions join the data.")] = None,
) -> None:
    changes = _changes(set_, seeds=seeds, offline_steps=offline_steps, online_steps=online_steps)
    config = make_config(task, method, preset, **changes)
    out = out or Path("runs") / config.task / method
    from qlac_lite.data.fetch import get_dataset
    from qlac_lite.training import loop
    from qlac_lite.training.run_folder import find_run, recorded_data

    use_cores()
    check_writable(out)
    find_run(out, config, resume)
    data = data or recorded_data(out) or get_dataset(task, get_preset(preset).source)
    run, dataset = loop.start_run(config, data, out, resume, collected)
    print(f"{get_method(method).title} on {config.task}, {preset}, seeds {list(config.seed_list)}: {out}")
    if (papers := get_task(task).papers_task) != config.task:
        print(f"Rewards are dense here; the paper's figures are for {papers}.")
    print(". ".join([f"Data: {run.data['provenance']}", *run.data.get("notes", ())]))
    loop.train(run, dataset)


@app.command()
def sweep(
    spec: Annotated[Path, Argument(help="TOML file: tasks, methods, seeds, ... (docs/cluster.md).")],
    out: Annotated[Place, Option(help="Folder that all nodes see; default runs/NAME.")] = None,
    address: Annotated[str, Option(help="**local**, **HOST:PORT**, or **auto**: this machine's.")] = "local",
    dry_run: Annotated[bool, Option("--dry-run", help="Check the file; count cells and room.")] = False,
) -> None:
    """Trains tasks x methods x seeds on Ray: on a laptop, a workstation's GPUs, a cluster at --address.

    Each cell is a run folder, OUT/TASK/METHOD/seeds-FIRST-LAST. Given again, the command goes on from the
    newest checkpoints. It lists cells that fail, and exits with status 1.
    """
    out = out or Path("runs") / spec.stem
    from qlac_lite.experiments.sweep.plan import describe_sweep
    from qlac_lite.experiments.sweep.ray_runner import run_sweep

    if dry_run:
        print(describe_sweep(spec, out))
        return
    check_writable(out)
    failures = run_sweep(spec, out, address, log=lambda text: print(text, flush=True))
    if failures:
        say(f"\n{len(failures)} of the cells failed; {out / 'failures.txt'} has more.")
        say("The same command trains them again, from their checkpoints.")
        say("\n".join(f"  {name}: {message}" for name, message in failures.items()))
        raise typer.Exit(1)


@app.command()
def evaluate(
    run: Run,
    episodes: Annotated[int, Option(help="Episodes per seed.")] = 50,
    filmstrip: Annotated[Place, Option(help="Draw an episode of the first seed to this PNG.")] = None,
    out: Annotated[Place, Option(help="File for the episodes; default RUN/evaluate.csv.")] = None,
) -> None:
    """Success rate of a run's newest policies, with a 95 % bootstrap interval, and a table of episodes."""
    from qlac_lite.data.fetch import at_least
    from qlac_lite.reports.one_run import draw_filmstrip, evaluate_run

    at_least(1, episodes=episodes)
    evaluate_run(run, episodes, out)
    if filmstrip:
        print(draw_filmstrip(run, filmstrip))


@app.command()
def report(
    runs: Annotated[list[Path], Argument(help="Run folders, or folders of them at any depth.")],
    out: Annotated[Path, Option(help="Folder for figures, tables and filmstrips.")] = Path("report"),
) -> None:
    """Learning curves (PNG), tables (Markdown and CSV), and a filmstrip of the best agent, for each task.

    Pools seeds; aggregate.* pool tasks. Runs with the paper's settings are compared with its figures at the
    same steps: rings in the curves, a table, comparison.csv.
    """
    from qlac_lite.reports.by_task import write_report

    print(write_report(runs, out, log=say))


@app.command()
def export(
    run: Run,
    out: Annotated[Path, Option(help="File to write (.npz), with a .json of its provenance.")],
    seed: Annotated[int, Option(help="Which of the run's seeds.")] = 0,
) -> None:
    """Writes the networks that act, of one seed, as a small file."""
    from qlac_lite.training.policy import export_policy
    from qlac_lite.training.run_folder import open_run

    policy = export_policy(open_run(run), seed, out)
    print(f"{get_method(policy.config.method).title}, seed {seed}, {policy.about['phase']}: {out}")


@app.command()
def experiment(
    name: Annotated[str, Argument(help="One of those above.")],
    out: Annotated[Path, Option(help="Folder for the results; what is there is kept.")],
    seeds: Annotated[Number, Option(help="Trained side by side; 8 by default, or 4.")] = None,
    method: Annotated[Words, Option(help="Only this method; may be repeated.")] = None,
    cell: Annotated[Words, Option(help="Only this part of it; may be repeated.")] = None,
    set_: Settings = None,
    task: Annotated[Word, Option(help="Of whole runs, where it can be.")] = None,
    preset: Annotated[str, Option(help="**lite**, or **full** for a GPU.")] = "lite",
    data: Annotated[Place, Option(help="With --task: dataset file.")] = None,
) -> None:
    """Runs one of the course's experiments, by default on the lite world; what was killed goes on.

    **horizon**: six methods as a task takes more actions. **quick**: the coarsest part of it, in minutes.
    **comparison**: all ten methods. **exploration**: what single actions and chunks collect, and teach.
    **naive**: RLPD on chunks, over chunk length and step. **worlds**: what makes n-step returns or chunks
    win. **precision**: sampling in bfloat16 against float32. **labels**: offline rewards of the next or the
    current state.

    Ablations, with report.md and report.png: **length** of the chunk; **disturbance**: the same where actions
    are pushed about; **halves**: backup and policy apart (--method fql or bfn); **candidates**: N;
    **factors**: one setting at a time.

    exploration and ablations take --task and --preset full (cube-triple, task 2): runs of `qlac train`.
    """
    settings = _changes(set_, seeds=seeds, methods=method and tuple(method), only=cell and tuple(cell))
    from qlac_lite.experiments.ablations import ABLATIONS, variants
    from qlac_lite.experiments.catalogue import run_on_task

    use_cores()
    check_writable(out)
    full = preset == "full" and task != LITE_WORLD
    task = task or ("cube-triple-play-singletask-task2-v0" if full else LITE_WORLD)
    rows = run_on_task(name, task, out, data, preset, **settings)
    if name in ABLATIONS:
        from qlac_lite.reports.ablation import report_ablation

        print(report_ablation(rows, variants(name, settings.get("methods"), full), out))


@app.command()
def tasks() -> None:
    """Lists the tasks, their data, and the paper's settings, each with its source."""
    print(protocol.describe_tasks())


@app.command()
def methods() -> None:
    """Lists the methods: backup and policy extraction, and what each sets at the paper's size."""
    print(protocol.describe_methods())
