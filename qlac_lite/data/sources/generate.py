"""Play datasets made with OGBench's own scripted oracles, as the authors' were; and scripted stand-ins for
Robomimic's demonstrations (`data.sources.robomimic_scripts`). In parallel, to the byte, resumable.

Each episode is decided by (dataset name, seed, its number) alone, so the file is the same whatever the number
of workers. Finished episodes wait in a `.parts` folder beside the target; a killed generation goes on from
them. Source of the play data: the OGBench paper (arXiv 2410.20092), appendix on datasets; settings as listed
in `collect_episode`.
"""

import concurrent.futures
import concurrent.futures.process
import functools
import multiprocessing
import shutil
import zlib
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

import numpy as np
from tqdm import tqdm

from qlac_lite.config.tasks import Domain, get_domain
from qlac_lite.envs.make import LOADED
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import disk_error, read_npz, write_npz
from qlac_lite.utils.machine import bar_seconds, usable_cores

STEPS = 1001  # rows of an episode: 1000 transitions and the last observation
REACHABLE = np.array([[0.15, -0.45, -0.05], [0.70, 0.45, 0.45]])  # metres; a cube outside was flung away


@functools.cache
def _play_env(domain: str):
    """The environment and an oracle for each kind of target; made once a process."""
    from qlac_lite.envs.ogbench import make_play_env

    env = make_play_env(get_domain(f"{domain}-play-v0"), STEPS)

    def oracle(kind: str, **options):
        module = import_module(f"ogbench.manipspace.oracles.plan.{kind}_plan")
        return getattr(module, f"{kind.capitalize()}PlanOracle")(
            env=env, noise=0.1, noise_smoothing=0.5, **options
        )

    kinds = {"cube": ["cube"], "scen": ["cube", "drawer", "window"], "puzz": []}[domain[:4]]
    oracles = {kind: oracle(kind) for kind in kinds}
    if domain[:4] != "cube":
        oracles["button"] = oracle("button", gripper_always_closed=domain.startswith("puzzle"))
    return env, oracles


def collect_episode(name: str, seed: int, episode: int) -> dict[str, np.ndarray]:
    """One play episode, STEPS rows of each key of OGBench's layout.

    An oracle follows a plan with smoothed noise (0.1, smoothing 0.5) to a random target; when it is done, the
    next target is drawn. The probability of stacking is drawn once an episode. A scene episode whose cube
    leaves the reachable area is drawn again.
    """
    domain = get_domain(name)
    for attempt in range(100):
        entropy = np.random.SeedSequence([zlib.crc32(name.encode()), seed, episode, attempt])
        rows = _collect(domain, *entropy.generate_state(3).tolist())
        if rows is not None:
            return rows
    raise QlacError(f"Episode {episode} of {name} failed 100 times: the cube was flung away each time.")


def _collect(
    domain: Domain, env_seed: int, oracle_seed: int, stack_seed: int
) -> dict[str, np.ndarray] | None:
    env, oracles = _play_env(domain.name)
    p_stack = np.random.default_rng(stack_seed).uniform(*domain.stacking)
    saved = np.random.get_state()
    np.random.seed(oracle_seed)  # the oracles draw from NumPy's global generator
    try:
        rows: dict[str, list] = {}
        observation, info = env.reset(seed=env_seed)
        oracle = oracles[info["privileged/target_task"]]
        oracle.reset(observation, info)
        done = False
        while not done:
            action = np.clip(oracle.select_action(observation, info), -1, 1)
            next_observation, _, _, done, info = env.step(action)
            row = dict(
                observations=observation,
                actions=action,
                terminals=done,
                qpos=info["prev_qpos"],
                qvel=info["prev_qvel"],
            )
            if domain.buttons:
                row["button_states"] = info["prev_button_states"]
            for key, value in row.items():
                rows.setdefault(key, []).append(value)
            observation = next_observation
            if oracle.done:
                observation, info = env.unwrapped.set_new_target(p_stack=p_stack)
                oracle = oracles[info["privileged/target_task"]]
                oracle.reset(observation, info)
    finally:
        np.random.set_state(saved)
    types = dict(terminals=bool, button_states=np.int64)
    arrays = {key: np.asarray(values).astype(types.get(key, np.float32)) for key, values in rows.items()}
    if domain.cubes and domain.buttons:
        cube = arrays["qpos"][:, 14:17]
        if not np.all((REACHABLE[0] <= cube) & (cube <= REACHABLE[1])):
            return None
    return arrays


def _write_episode(name: str, seed: int, episode: int, path: Path) -> None:
    write_npz(path, collect_episode(name, seed, episode))


def _write_demonstration(name: str, seed: int, episode: int, path: Path) -> None:
    from qlac_lite.data.sources.robomimic_scripts import demonstrate

    domain = get_domain(name)
    rows = demonstrate(domain.env_class, domain.env_type, seed, episode)
    flat = {f"{part}/{key}": values for part in ("obs", "next_obs") for key, values in rows.pop(part).items()}
    write_npz(path, flat | {key: np.array("" if value is None else value) for key, value in rows.items()})


def generate(name: str, episodes: int, seed: int, path: Path, workers: int | None = None) -> None:
    """Writes `episodes` play episodes of dataset `name` to `path` (OGBench's npz layout plus a `provenance`
    text), or scripted demonstrations (robomimic's HDF5), if it is one of Robomimic's sets.

    The lite world's are made in a moment, all in one call.

    Args:
        workers: simulator processes; all cores by default. The file does not depend on it.

    Raises:
        QlacError: a number out of range, or a disk that cannot be written;
            finished episodes are kept for the next try.
    """
    if episodes < 1:
        raise QlacError(f"--episodes is {episodes}, but a dataset needs at least 1.")
    if workers is not None and workers < 1:
        raise QlacError(f"--workers is {workers}, but has to be at least 1.")
    if seed < 0:
        raise QlacError(f"--seed is {seed}, but has to be at least 0.")
    suite = get_domain(name).suite
    if suite == "lite":
        from qlac_lite.data.sources.lite_play import play_file

        script = np.array(
            f"generated by qlac-lite's scripted demonstrator: {name}, {episodes} episodes, seed {seed}"
        )
        write_npz(path, play_file(episodes, seed) | {"provenance": script}, compressed=True)
        return
    parts = path.with_name(path.name + ".parts")
    if suite == "robomimic":
        loaded = _in_parallel(
            name, seed, episodes, parts, workers, _write_demonstration, ("demonstration", 1)
        )
        _write_hdf5(name, seed, loaded, path)
    else:
        loaded = _in_parallel(name, seed, episodes, parts, workers, _write_episode, ("step", STEPS))
        arrays = {key: np.concatenate([rows[key] for rows in loaded]) for key in loaded[0]}
        arrays["provenance"] = np.array(
            f"generated by {_versions('ogbench', 'mujoco')}: {name}, {episodes} episodes, seed {seed}"
        )
        write_npz(path, arrays, compressed=True)
    shutil.rmtree(parts)


def _versions(*packages: str) -> str:
    return " ".join(f"{package} {metadata.version(package)}" for package in packages)


def _write_hdf5(name: str, seed: int, loaded: list[dict[str, np.ndarray]], path: Path) -> None:
    from qlac_lite.data.formats import robomimic
    from qlac_lite.envs.robomimic import env_args

    found = []
    for rows in loaded:
        nested = {
            part: {key.removeprefix(f"{part}/"): rows[key] for key in rows if key.startswith(f"{part}/")}
            for part in ("obs", "next_obs")
        }
        found.append(
            {key: rows[key] for key in rows if "/" not in key}
            | {key: str(rows[key]) for key in ("model_file", "tier")}
            | nested
        )
    tries = sum(int(rows["attempts"]) for rows in loaded)
    made = (
        f"scripted stand-ins, not human data: generated by {_versions('robosuite', 'mujoco')}: {name}, "
        f"{len(found)} demonstrations of {tries} attempts, seed {seed}"
    )
    robomimic.write(path, found, env_args(get_domain(name).env_class), made)


def _in_parallel(
    name: str,
    seed: int,
    episodes: int,
    parts: Path,
    workers: int | None,
    write: Callable,
    unit: tuple[str, int],
) -> list[dict[str, np.ndarray]]:
    """The episodes, each written by `write` into the folder `parts` by one of the simulator processes,
    unless it is there already.

    Args:
        unit: what the progress bar counts, and how many of them an episode has.
    """
    workers = workers or usable_cores()
    what, each = unit
    try:
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, parts) from error
    part = lambda episode: parts / f"{seed}-{episode:06d}.npz"
    todo = [episode for episode in range(episodes) if not part(episode).exists()]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["qlac_lite.data.sources.generate", *LOADED[get_domain(name).suite]])
    with (
        tqdm(
            total=episodes * each,
            initial=(episodes - len(todo)) * each,
            unit=what,
            unit_scale=each > 1,
            desc=f"Generating {name}",
            mininterval=bar_seconds(),
        ) as bar,
        concurrent.futures.ProcessPoolExecutor(min(workers, max(1, len(todo))), mp_context=context) as pool,
    ):
        futures = [pool.submit(write, name, seed, episode, part(episode)) for episode in todo]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
                bar.update(each)
        except concurrent.futures.process.BrokenProcessPool:
            raise QlacError(
                "A simulator process died, perhaps for want of memory. Run the same command again, with "
                f"fewer --workers: the finished episodes in {parts} are kept."
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [
        read_npz(part(episode), f"Delete the folder {parts} and try again.") for episode in range(episodes)
    ]
