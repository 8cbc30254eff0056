"""Episodes made in parallel by simulator processes: to the byte, resumable.

(domain, seed, number) alone decide an episode, whatever the number of processes. Finished ones wait in a
`.parts` folder beside the target, and a killed generation goes on from them.
"""

import contextlib
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from tqdm import tqdm

from qlac_lite.config.tasks import Domain
from qlac_lite.utils.cores import usable_cores
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import disk_error, read_npz
from qlac_lite.utils.processes import forkserver, starting_processes
from qlac_lite.utils.stopwatch import bar_seconds


@contextlib.contextmanager
def in_parallel(
    domain: Domain,
    episodes: int,
    seed: int,
    target: Path,
    workers: int | None,
    write: Callable[[Domain, int, int, Path], None],
    preloaded: list[str],
    unit: str,
    each: int = 1,
) -> Iterator[list[dict[str, np.ndarray]]]:
    """The arrays of each episode; the parts are removed when the caller has written `target`.

    Args:
        workers: processes; by default one a core.
        write: makes one episode: (domain, seed, episode, path).
        preloaded: modules that the processes begin with, beside that of `write`.
        unit: what the progress bar counts, `each` of an episode.
    """
    parts = target.with_name(target.name + ".parts")
    try:
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, parts) from error
    paths = [parts / f"{seed}-{episode:06d}.npz" for episode in range(episodes)]
    todo = [episode for episode, path in enumerate(paths) if not path.exists()]
    others, context = multiprocessing.active_children(), multiprocessing.get_context("forkserver")
    counts = dict(total=episodes * each, initial=(episodes - len(todo)) * each, unit_scale=each > 1)
    bar = tqdm(desc=f"Generating {domain.dataset}", unit=unit, mininterval=bar_seconds(), **counts)
    processes = min(workers or usable_cores(), max(1, len(todo)))
    with starting_processes(), bar, ProcessPoolExecutor(processes, context, _end_with_parent) as pool:
        try:
            with forkserver([write.__module__, *preloaded]):
                futures = [pool.submit(write, domain, seed, episode, paths[episode]) for episode in todo]
            for future in as_completed(futures):
                future.result()
                bar.update(each)
        except BrokenProcessPool:
            raise QlacError(
                "A simulator process died, perhaps for want of memory. Run the same command again, with "
                f"fewer --workers: the finished episodes in {parts} are kept."
            ) from None
        except BaseException:
            for process in set(multiprocessing.active_children()).difference(others):
                process.terminate()
            pool.shutdown(cancel_futures=True)
            raise
    yield [read_npz(path, f"Delete the folder {parts} and try again.") for path in paths]
    shutil.rmtree(parts)


def _end_with_parent() -> None:
    """Else the processes of a pool that was killed wait for ever."""
    wait = lambda: (multiprocessing.parent_process().join(), os._exit(1))
    threading.Thread(target=wait, daemon=True).start()
