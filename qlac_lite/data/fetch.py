"""Where a dataset comes from: a file given, the cache, the authors' host, a mirror, or the generator.

What was used is printed and recorded. A generated file is named as such.
"""

import os
from pathlib import Path

from qlac_lite.config.tasks import Domain, get_domain
from qlac_lite.data.load import verify
from qlac_lite.data.records import describe, record_source
from qlac_lite.data.suites import suite_of
from qlac_lite.utils.errors import QlacError, unknown

SOURCES = ("auto", "file", "download", "generate")
FALLBACK_EPISODES = 100


def get_dataset(
    name: str,
    source: str = "auto",
    episodes: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    out: Path | None = None,
    shards: int | None = None,
    log=print,
) -> Path:
    """Path of the verified file of a dataset, fetched or made if need be.

    Args:
        name: such as cube-single-play-v0, lift-mh-low_dim, or a task's.
        source: 'file' the cached official file; 'download' that, else authors' host, else mirror; 'generate'
            scripts; 'auto' all of these in that order, or the scripts alone if `episodes` are asked for.
        episodes: to generate; by default the dataset's own number, or FALLBACK_EPISODES with 'auto'.
        out: folder for the file; by default $QLAC_DATA, or the user's cache folder.
        shards: generates that many files, with the seeds from `seed` on; the path is their folder's.

    Raises:
        QlacError: unknown name or source, nothing reachable, or a file that does not pass `verify`.
    """
    import pooch

    domain = get_domain(name)
    suite, name = suite_of(domain), domain.dataset
    folder = Path(out or os.environ.get("QLAC_DATA") or pooch.os_cache("qlac-lite")).expanduser()
    if source not in SOURCES:
        raise unknown("source", source, SOURCES, "qlac data --help")
    if not suite.HOSTS:
        if source in ("file", "download"):
            raise QlacError(f"{name} is the course's own: there is no official file. Use --source generate.")
        source = "generate"
    generated = lambda count: f"{name}-generated-{count}-episodes-seed-{seed}"
    if shards is not None:
        _check_shards(name, suite.SUFFIX, shards, source)
        count = domain.episodes if episodes is None else episodes
        together = folder / f"{generated(count)}-{shards}-shards"
        for each in range(seed, seed + shards):
            get_dataset(name, "generate", count, each, workers, together, log=log)
        return together
    file = name + suite.SUFFIX
    places = (folder / file, Path("~/.ogbench/data").expanduser() / file)
    official = [path for path in places if path.exists()]
    wants_official = source in ("file", "download") or (source == "auto" and episodes is None)
    if wants_official and official:
        return _checked(official[0], domain, "cached file", log)
    if source == "file":
        raise QlacError(
            f"There is no {file} in {folder} or in ~/.ogbench/data. "
            "Put it there, or use --source auto to fetch or generate it."
        )
    if wants_official:
        remedy = f" Use --source generate, or put the file at {places[0]}." if source == "download" else ""
        try:
            return _checked(_download(domain, places[0], remedy, log), domain, "download", log)
        except QlacError as error:
            if source == "download":
                raise
            log(f"{error} Generating {FALLBACK_EPISODES} {suite.STAND_INS} instead (--episodes N for more).")
    if episodes is None:
        episodes = domain.episodes if source == "generate" else FALLBACK_EPISODES
    path = folder / (generated(episodes) + suite.SUFFIX)
    if not path.exists():
        generate(domain, episodes, seed, path, workers)
    return _checked(path, domain, "generated file", log)


def _check_shards(name: str, suffix: str, shards: int, source: str) -> None:
    if suffix != ".npz":
        raise QlacError(f"--shards is for large play datasets; {name} fits in one file. Leave it out.")
    if source in ("file", "download"):
        raise QlacError(
            f"--shards generates files, so it does not go with --source {source}. "
            "For files that you have, give their folder to qlac train --data."
        )
    if shards < 1:
        raise QlacError(f"--shards is {shards}, but has to be at least 1.")


def generate(domain: Domain, episodes: int, seed: int, path: Path, workers: int | None = None) -> None:
    """Writes so many episodes or demonstrations to `path`; the file does not depend on the `workers`.

    Raises:
        QlacError: a number out of range, or a disk that cannot be written. Finished episodes are kept.
    """
    if episodes < 1:
        raise QlacError(f"--episodes is {episodes}, but a dataset needs at least 1.")
    if workers is not None and workers < 1:
        raise QlacError(f"--workers is {workers}, but has to be at least 1.")
    if seed < 0:
        raise QlacError(f"--seed is {seed}, but has to be at least 0.")
    suite_of(domain).generate(domain, episodes, seed, path, workers)


def _checked(path: Path, domain: Domain, source: str, log) -> Path:
    log(f"Data: {source} {path}: {describe(verify(path, domain))}")
    return path


def _download(domain: Domain, path: Path, remedy: str, log) -> Path:
    import pooch
    import requests

    failures, name = [], domain.dataset
    for host, url in suite_of(domain).HOSTS.items():
        try:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=(5, 30))
            url = url.format(name=name, task=domain.env_class, people=domain.env_type)
            pooch.retrieve(url, None, path.name, path.parent, downloader=downloader)
            record_source(path, f"downloaded from {host}, {url}")
            log(f"Downloaded {name} from {host}.")
            return path
        except (requests.RequestException, OSError, ValueError) as error:
            failures.append(f"{host}: {type(error).__name__}")
    raise QlacError(f"Could not download {name} ({'; '.join(failures)}).{remedy}")
