"""Where a dataset comes from: a file given, the cache, the authors' host, a mirror, or the generator.

What was used is printed and recorded. A generated file is named as such.
"""

import os
from pathlib import Path

from qlac_lite.config.tasks import Domain, get_domain
from qlac_lite.data.load import verify
from qlac_lite.data.records import NOTE, describe, record_source
from qlac_lite.data.suites import suite_of
from qlac_lite.utils.errors import QlacError, unknown
from qlac_lite.utils.files import one_writer

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
    """Path of a dataset's verified file, fetched or made if need be.

    Args:
        name: such as cube-single-play-v0, lift-mh-low_dim, or a task's.
        source: 'file' the cached official file; 'download' that, else authors' host, else mirror; 'generate'
            scripts; 'auto' these in that order, or the scripts alone if `episodes` are asked for.
        episodes: to generate; by default the dataset's own number, or FALLBACK_EPISODES with 'auto'.
        out: folder; by default $QLAC_DATA, or the user's cache.
        shards: generates that many files, with the seeds from `seed` on; the path is their folder's.

    Raises:
        QlacError: unknown name or source, nothing reachable, or a file that does not pass `verify`.
    """
    import pooch

    domain = get_domain(name)
    suite, name, wants_official = suite_of(domain), domain.dataset, source in ("file", "download")
    folder = Path(out or os.environ.get("QLAC_DATA") or pooch.os_cache("qlac-lite"))
    try:
        folder = folder.expanduser()
    except RuntimeError:
        raise QlacError(f"No home folder is known for {folder}. Set HOME, or QLAC_DATA.") from None
    if source not in SOURCES:
        raise unknown("source", source, SOURCES, "qlac data --help")
    if not suite.HOSTS:
        if wants_official:
            raise QlacError(f"{name} is the course's own: there is no official file. Use --source generate.")
        source = "generate"
    default = FALLBACK_EPISODES if source == "auto" and shards is None else domain.episodes
    count = default if episodes is None else episodes
    generated = f"{name}-generated-{count}-episodes-seed-{seed}"

    def checked(path: Path, source: str) -> Path:
        log(f"Data: {source} {path}: {describe(verify(path, domain))}")
        return path

    if shards is not None:
        if suite.SUFFIX != ".npz":
            raise QlacError(f"--shards is for large play datasets; {name} fits in one file. Leave it out.")
        if wants_official:
            raise QlacError(
                f"--shards generates files, so it does not go with --source {source}. "
                "For files that you have, give their folder to qlac train --data."
            )
        at_least(1, shards=shards)
        together = folder / f"{generated}-{shards}-shards"
        for each in range(seed, seed + shards):
            get_dataset(name, "generate", count, each, workers, together, log=log)
        return together
    wants_official |= source == "auto" and episodes is None
    if wants_official:
        file, theirs = name + suite.SUFFIX, _named(suite.LAYOUT, domain)
        places = (folder / file, folder / theirs, Path(os.path.expanduser(suite.HOME), theirs))
        if official := [path for path in places if path.exists()]:
            return checked(official[0], "cached file")
        if source == "file":
            raise QlacError(
                f"There is no {file} in {folder} or {'' if theirs == file else theirs + ' '}in {suite.HOME}. "
                "Put it there, or use --source auto to fetch or generate it."
            )
        made = f" Generate it (qlac data {name} --source generate) and give its path to --data"
        remedy = f"{made}, or put the file at {places[0]}." if source == "download" else ""
        try:
            with one_writer(places[0], log):
                if not places[0].exists():
                    _download(domain, places[0], remedy, log)
            return checked(places[0], "download")
        except QlacError as error:
            if source == "download":
                raise
            log(f"{error} Generating {count} {suite.STAND_INS} instead (--episodes N for more).")
    path = folder / (generated + suite.SUFFIX)
    if not path.exists():
        generate(domain, count, seed, path, workers, log)
    return checked(path, "generated file")


def _named(place: str, domain: Domain) -> str:
    return place.format(name=domain.dataset, task=domain.env_class, people=domain.env_type)


def at_least(least: int, **options: int | None) -> None:
    for option, value in options.items():
        if value is not None and value < least:
            raise QlacError(f"--{option} is {value}, but has to be at least {least}.")


def generate(
    domain: Domain, episodes: int, seed: int, path: Path, workers: int | None = None, log=print
) -> None:
    """Writes so many episodes or demonstrations to `path`; the file does not depend on the `workers`.

    Waits for another process that makes it, and takes what that has made.
    Raises QlacError for a number out of range, or a disk that refuses. Finished episodes are kept.
    """
    at_least(1, episodes=episodes, workers=workers)
    at_least(0, seed=seed)
    there = path.exists()
    with one_writer(path, log):
        if there or not path.exists():
            suite_of(domain).generate(domain, episodes, seed, path, workers)


def _download(domain: Domain, path: Path, remedy: str, log) -> None:
    import pooch
    import requests

    failures, name, partial = [], domain.dataset, path.with_name(f".{path.name}.part")
    partial.unlink(missing_ok=True)  # of a process that was killed
    for host, url in suite_of(domain).HOSTS.items():
        try:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=(5, 30))
            url = _named(url, domain)
            pooch.retrieve(url, None, partial.name, path.parent, downloader=downloader)
            record_source(partial, f"downloaded from {host}, {url}")
            for suffix in (NOTE, ""):  # first the note, without which a file counts as given
                partial.with_name(partial.name + suffix).replace(path.with_name(path.name + suffix))
            log(f"Downloaded {name} from {host}.")
            return
        except (requests.RequestException, OSError, ValueError) as error:
            failures.append(f"{host}: {type(error).__name__}")
    raise QlacError(f"Could not download {name} ({'; '.join(failures)}).{remedy}")
