"""Where a dataset comes from: a file given, the cache, the authors' host, a mirror, or the generator.

What was used is printed and recorded. A generated file is named as such and never stands in for the official
one. The lite world's data are the course's own; Robomimic's come from two folders of Hugging Face, both the
authors'.
"""

import os
from pathlib import Path

from qlac_lite.config.tasks import LITE_DOMAIN, Domain, get_domain
from qlac_lite.data.formats.records import describe, record_source
from qlac_lite.data.load import verify
from qlac_lite.data.sources.generate import generate
from qlac_lite.utils.errors import QlacError, unknown

HOSTS = {
    "ogbench": {
        "the authors' host": "https://rail.eecs.berkeley.edu/datasets/ogbench/{name}.npz",
        "the mirror": "https://huggingface.co/datasets/zhouzypaul/ogbench_datasets/resolve/main/{name}.npz",
    },
    "robomimic": {
        "the authors' folder": "https://huggingface.co/datasets/robomimic/robomimic_datasets/resolve/main/v1.5/{task}/{people}/low_dim_v15.hdf5",
        "their older folder": "https://huggingface.co/datasets/amandlek/robomimic/resolve/main/v1.5/{task}/{people}/low_dim_v15.hdf5",
    },
}
SUFFIXES = {"ogbench": ".npz", "lite": ".npz", "robomimic": ".hdf5"}
SOURCES = ("auto", "file", "download", "generate")
LITE_EPISODES = 100


def cache_folder() -> Path:
    """Where datasets are kept: $QLAC_DATA, or the user's cache folder."""
    import pooch

    return Path(os.environ.get("QLAC_DATA") or pooch.os_cache("qlac-lite")).expanduser()


def generated_name(name: str, episodes: int, seed: int) -> str:
    return f"{name}-generated-{episodes}-episodes-seed-{seed}{SUFFIXES[get_domain(name).suite]}"


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
    """Path of the verified file of dataset `name` (cube-single-play-v0, lift-mh-low_dim, ...),
    fetched or made if need be.

    Args:
        source: 'file' the cached official file only; 'download' cache, else authors' host, else mirror;
            'generate' the package's oracles, or scripts for Robomimic; 'auto' all of these in that order,
            except that asking for `episodes` means to generate.
        episodes: episodes to generate; by default the dataset's own number for 'generate',
            and LITE_EPISODES where 'auto' has to fall back on it.
        out: folder for the file; the cache by default.
        shards: generate that many files of `episodes` each, with the seeds from `seed` on;
            the path is that of their folder.

    Raises:
        QlacError: unknown name or source, nothing reachable, or a file that does not pass `verify`.
    """
    domain = get_domain(name)
    name = domain.dataset
    if source not in SOURCES:
        raise unknown("source", source, SOURCES, "qlac data --help")
    if domain == LITE_DOMAIN:
        if source in ("file", "download"):
            raise QlacError(f"{name} is the course's own: there is no official file. Use --source generate.")
        source = "generate"
    folder = Path(out) if out else cache_folder()
    if shards is not None:
        if domain.suite == "robomimic":
            raise QlacError(f"--shards is for large play datasets; {name} fits in one file. Leave it out.")
        if source in ("file", "download"):
            raise QlacError(
                f"--shards generates files, so it does not go with --source {source}. "
                "For files that you have, give their folder to qlac train --data."
            )
        if shards < 1:
            raise QlacError(f"--shards is {shards}, but has to be at least 1.")
        count = domain.episodes if episodes is None else episodes
        together = (
            folder
            / f"{generated_name(name, count, seed).removesuffix(SUFFIXES[domain.suite])}-{shards}-shards"
        )
        for each in range(seed, seed + shards):
            get_dataset(name, "generate", count, each, workers, together, log=log)
        return together
    file = f"{name}{SUFFIXES[domain.suite]}"
    official = [
        path for path in (folder / file, Path("~/.ogbench/data").expanduser() / file) if path.exists()
    ]
    if source != "generate" and official and not (source == "auto" and episodes is not None):
        return _checked(official[0], name, "cached file", log)
    if source == "file":
        raise QlacError(
            f"There is no {file} in {folder} or in ~/.ogbench/data. "
            "Put it there, or use --source auto to fetch or generate it."
        )
    if source == "download" or (source == "auto" and episodes is None):
        try:
            return _checked(_download(domain, file, folder, log, source == "download"), name, "download", log)
        except QlacError as error:
            if source == "download":
                raise
            instead = (
                "scripted demonstrations, which are not human data,"
                if domain.suite == "robomimic"
                else "episodes"
            )
            log(f"{error} Generating {LITE_EPISODES} {instead} instead (--episodes N for more).")
    if episodes is None:
        episodes = domain.episodes if source == "generate" else LITE_EPISODES
    path = folder / generated_name(name, episodes, seed)
    if not path.exists():
        generate(name, episodes, seed, path, workers)
    return _checked(path, name, "generated file", log)


def _checked(path: Path, name: str, source: str, log) -> Path:
    summary = verify(path, name)
    log(f"Data: {source} {path}: {describe(summary)}")
    return path


def _download(domain: Domain, file: str, folder: Path, log, alone: bool) -> Path:
    """`alone`: nothing is tried after this, so an error says what else to do."""
    import pooch
    import requests

    failures, name = [], domain.dataset
    for host, url in HOSTS[domain.suite].items():
        try:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=(5, 30))
            url = url.format(name=name, task=domain.env_class, people=domain.env_type)
            path = Path(pooch.retrieve(url, None, file, folder, downloader=downloader))
            record_source(path, f"downloaded from {host}, {url}")
            log(f"Downloaded {name} from {host}.")
            return path
        except (requests.RequestException, OSError, ValueError) as error:
            failures.append(f"{host}: {type(error).__name__}")
    remedy = f" Use --source generate, or put the file at {folder / file}." if alone else ""
    raise QlacError(f"Could not download {name} ({'; '.join(failures)}).{remedy}")
