"""A hundred bad inputs: each ends with status 2 and one readable line that says what is wrong."""

import shutil

import numpy as np
import pytest
from conftest import tiny_config
from test_cli import here

from qlac_lite.training.loop import start_run
from qlac_lite.utils.files import read_json, write_json

DATASET = "cube-single-play-v0"

# What is typed, {} being a folder with the files below; then a part of the answer.
TYPED = """
train --task cube-sinlge-play-singletask-task1-v0 | Did you mean cube-single-play-singletask-task1-v0
train --task cube-single-play-singletask-task9-v0 | Unknown task
train --task antmaze-large-navigate-singletask-v0 | antmaze
train --task lift | Did you mean lift-mh-low_dim
train --task cube-single | Unknown task
train --method qcfql | Did you mean qc-fql
train --method QC-FQL | Did you mean qc-fql
train --preset large | Unknown preset
train --task lite-world --preset full | has no full preset
train --seeds 0 | seeds is 0
train --seeds 2000 | seeds is 2000
train --offline-steps -1 | offline_steps is -1
train --online-steps 2000000000 | online_steps is 2000000000
train --set alpha | --set takes field=value
train --set alpha= | alpha takes a number
train --set alpha=much | alpha takes a number
train --set alpha=nan | alpha is nan
train --set alpha=inf | alpha is inf
train --set alpha=-3 | alpha is -3.0
train --set horizon=2.5 | horizon takes an integer
train --set horizon=0 | horizon is 0
train --set hidden=128,x | hidden takes integers
train --set hidden=0 | hidden is (0,)
train --set discount=1 | discount is 1.0
train --set learning_rate=0 | learning_rate is 0.0
train --set target_rate=2 | target_rate is 2.0
train --set batch_size=0 | batch_size is 0
train --set target=median | target is median
train --set execute=6 | execute is 6
train --set stride=3 | stride is 3
train --method qc --set candidates=8 --set candidate_block=3 | candidate_block is 3
train --method rlpd --set policy_horizon=3 | policy_horizon is 3
train --set first_seed=5000000000 | below 2^32
train --set sampling_precision=float16 | sampling_precision is float16
train --set colour=red | Unknown field
train --set evaluate_every=0 | evaluate_every is 0
train --data {}/none.npz --out {}/new | There is no file
train --data {}/empty.npz --out {}/new | empty.npz is cut off or is not an npz file. Fetch
train --data {}/text.npz --out {}/new | text.npz is cut off or is not an npz file. Fetch
train --data {}/cut.npz --out {}/new | cut.npz is cut off or is not an npz file. Fetch
train --data {}/pickled.npz --out {}/new | Python objects
train --data {}/nan.npz --out {}/new | observations has a NaN or infinity in row 7
train --data {}/no-actions.npz --out {}/new | the key 'actions' is missing
train --data {}/six.npz --out {}/new | actions has the shape
train --data {}/large.npz --out {}/new | actions lie outside [-1, 1]
train --data {}/rows.npz --out {}/new | observations have
train --data {}/unended.npz --out {}/new | so the file was cut
train --data {}/ends.npz --out {}/new | has one row and so no transition
train --data {}/shuffled.npz --out {}/new | so rows are shuffled
train --data {}/strange.npz --out {}/new | fit none of
train --data {}/text-in-actions.npz --out {}/new | not numbers
train --data {}/nothing --out {}/new | nothing
train --data {}/fine.npz --task scene-play-singletask-task1-v0 --out {}/new | holds cube-single data
train --data {}/fine.npz --task lift-mh-low_dim --out {}/new | comes in robomimic's HDF5
train --data {}/text.hdf5 --task lift-mh-low_dim --out {}/new | is not an HDF5 file
train --data {}/fine.npz --out {}/fine.npz/run | Choose another folder
train --data {}/fine.npz --out {}/occupied | is not empty and holds no run
train --data {}/fine.npz --out {}/run | already holds a run
train --data {}/fine.npz --out {}/run --resume | is a run of another configuration
train --data {}/fine.npz --out {}/edited --resume | does not describe a run
train --data {}/fine.npz --out {}/torn --resume | Cannot read
train --data {}/fine.npz --out {}/new --collected {}/run | set --online-steps 0
train --data {}/fine.npz --out {}/new --online-steps 0 --collected {}/nothing | holds no run
evaluate {} --episodes 0 | has to be at least 1
evaluate {}/nothing | holds no run
evaluate {}/none | holds no run
evaluate {}/run | has no checkpoint yet
evaluate {}/broken | cut off or is not an npz
evaluate {}/foreign | is not of this run's kind
evaluate {}/edited | does not describe a run
evaluate {}/fine.npz | holds no run
export {}/run --out {}/p.npz | has no checkpoint yet
export {}/nothing --out {}/p.npz | holds no run
report {}/nothing | holds no run
report {}/run | has no evaluation yet
report {}/torn | Cannot read
data | Name a dataset
data cube-singel-play-v0 | Did you mean cube-single-play-v0
data DATASET --source generate --episodes 0 --out {}/new | has to be at least 1
data DATASET --source generate --episodes 1 --workers -1 --out {}/new | workers is -1
data DATASET --source generate --episodes 1 --seed -4 --out {}/new | seed is -4
data DATASET --source file --out {}/new | There is no cube-single-play-v0.npz
data DATASET --shards 0 --out {}/new | shards is 0
data DATASET --shards 2 --source file --out {}/new | does not go with --source file
data lift-mh-low_dim --shards 2 --out {}/new | fits in one file
data lite-world --source download --out {}/new | there is no official file
data DATASET --source generate --episodes 1 --out {}/fine.npz | Choose another folder
data --verify {}/none.npz | There is no file
data --verify {}/nothing | nothing
data scene-play-v0 --verify {}/fine.npz | holds cube-single data
sweep {}/none.toml | Cannot read
sweep {}/text.hdf5 --dry-run | is not TOML
experiment lenght --out {}/new | Did you mean length
experiment horizon --out {}/new --method sarsa | Unknown method
experiment horizon --out {}/new --set alpha=-1 | alpha is -1.0
experiment horizon --out {}/new --task lift-mh-low_dim | runs on the lite world only
experiment length --out {}/new --seeds 0 | seeds is 0
experiment halves --out {}/new --preset huge | Unknown preset
""".strip().replace("DATASET", DATASET)

# A sweep's file in one line, ; between its lines.
SWEEPS = """
tasks = ["lite-world"] | methods names nothing to train
tasks = []; methods = ["fql"] | tasks names nothing to train
tasks = "lite-world"; methods = ["fql"] | tasks is 'lite-world'
tasks = ["lite"]; methods = ["fql"] | Unknown task
tasks = ["lite-world"]; methods = ["f*q"] | Unknown method
tasks = ["lite-world"]; methods = ["fql"]; seeds = 0 | seeds is 0
tasks = ["lite-world"]; methods = ["fql"]; seeds = true | seeds is True
tasks = ["lite-world"]; methods = ["fql"]; seeds_per_cell = 9 | between 1 and seeds
tasks = ["lite-world"]; methods = ["fql"]; preset = "huge" | Unknown preset
tasks = ["lite-world"]; methods = ["fql"]; colour = 3 | unknown key 'colour'
tasks = ["lite-world"]; methods = ["fql"]; [settings]; alpha = -1 | alpha is -1.0
tasks = ["lite-world"]; methods = ["fql"]; [settings]; seeds = 3 | Move it to the head
tasks = ["lite-world"]; methods = ["fql"]; [resources]; cores = 0 | cores is 0
tasks = ["lite-world"]; methods = ["fql"]; [resources]; gpus = 1.5 | gpus is 1.5
tasks = ["lite-world"]; methods = ["fql"]; source = "web" | Unknown source
tasks = ["lite-world"]; methods = ["fql"]; [data]; scene-play-v0 = "s.npz" | unknown key 'scene-play-v0'
""".strip()


def rows(table: str) -> list[tuple[str, str]]:
    return [tuple(part.strip() for part in line.rsplit(" | ", 1)) for line in table.splitlines()]


@pytest.fixture(scope="module")
def folder(play_file, tmp_path_factory):
    """Files that are broken in one place each, and run folders."""
    place = tmp_path_factory.mktemp("bad")
    shutil.copy(play_file(), place / "fine.npz")
    fine = dict(np.load(play_file()))
    numbers = {key: array for key, array in fine.items() if key != "provenance"}

    def broken(name, **changes):
        arrays = {key: array.copy() for key, array in numbers.items()} | changes
        np.savez(place / f"{name}.npz", **{key: array for key, array in arrays.items() if array is not None})

    def changed(key, where, value):
        array = numbers[key].copy()
        array[where] = value
        return array

    actions, terminals = numbers["actions"], numbers["terminals"]
    broken("pickled", actions=np.array([None] * len(actions)))
    broken("nan", observations=changed("observations", (7, 7), np.nan))
    broken("no-actions", actions=None)
    broken("six", actions=np.zeros((len(actions), 6), np.float32))
    broken("large", actions=changed("actions", 3, 1.5))
    broken("rows", actions=actions[:-1])
    broken("unended", terminals=changed("terminals", -1, False))
    broken("ends", terminals=np.ones_like(terminals))
    broken("shuffled", qpos=numbers["qpos"][::-1])
    broken("strange", observations=np.zeros((len(actions), 29), np.float32))
    broken("text-in-actions", actions=actions.astype(str))
    (place / "empty.npz").write_bytes(b"")
    (place / "text.npz").write_text("observations, actions")
    (place / "text.hdf5").write_text("not = [an HDF5 file")
    (place / "cut.npz").write_bytes(play_file().read_bytes()[:5000])
    for name in ("nothing", "occupied"):
        (place / name).mkdir()
    (place / "occupied" / "notes.txt").write_text("mine")

    start_run(tiny_config(), place / "fine.npz", place / "run")
    for name in ("edited", "torn", "broken", "foreign"):
        shutil.copytree(place / "run", place / name)
    about = read_json(place / "run" / "run.json", "")
    write_json(place / "edited" / "run.json", about | {"config": about["config"] | {"colour": "red"}})
    (place / "torn" / "run.json").write_text((place / "run" / "run.json").read_text()[:200])
    (place / "broken" / "checkpoint.npz").write_bytes(b"PK half of it")
    np.savez(place / "foreign" / "checkpoint.npz", phase=np.array("done"), step=np.int64(3))
    for i, (text, _) in enumerate(rows(SWEEPS)):
        (place / f"sweep-{i}.toml").write_text(text.replace("; ", "\n"))
    return place


ALL = [
    *rows(TYPED),
    *((f"sweep {{}}/sweep-{i}.toml --dry-run", said) for i, (_, said) in enumerate(rows(SWEEPS))),
]


@pytest.mark.parametrize("typed, said", ALL)
def test_a_bad_input_gets_one_readable_line(typed, said, folder):
    before = sorted(folder.rglob("*"))
    result = here(*typed.replace("{}", str(folder)).split())
    told = " ".join(result.stderr.split())
    assert (result.returncode, "Traceback" in told) == (2, False), told
    assert said in told, told
    assert told.startswith("qlac: ") and len(told) < 900, told
    assert sorted(folder.rglob("*")) == before  # nothing was written, nothing lost


def test_there_are_a_hundred():
    assert len(ALL) >= 100
