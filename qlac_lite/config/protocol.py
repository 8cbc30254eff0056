"""The paper's protocol as text, each setting with its source: what `qlac tasks` and `qlac methods` print.

The numbers are those that runs take.
"""

import textwrap
from collections.abc import Sequence

from qlac_lite.config.methods import METHODS, Method
from qlac_lite.config.presets import make_config
from qlac_lite.config.run import Config
from qlac_lite.config.tasks import DOMAINS, LITE_WORLD, ROBOMIMIC, Domain

SOURCES = {
    "a": "arXiv 2507.07969 (Q-chunking), table of tasks and appendix C",
    "b": "arXiv 2507.07969, section 5 and appendix C",
    "c": "OGBench's package: sizes of observations, data and, for cube-single, the episode limit",
    "d": "arXiv 2502.02538 (FQL): cube-single is not in the Q-chunking paper",
    "e": "arXiv 2302.02948 (RLPD), as arXiv 2507.07969, appendix C, takes it",
    "f": "arXiv 2108.03298 (robomimic) and its files",
}


def describe_tasks() -> str:
    titles = ("limit [a]", "the paper's data [a]", "reward [a]", "alpha FQL/FQL-n/QC-FQL [a]", "N of QC [a]")
    quadruple, seeds = DOMAINS["cube-quadruple"], ROBOMIMIC["lift-mh-low_dim"].presets["full"]["seeds"]
    lines = [
        *_columns([("dataset", "S [c]", *titles), *map(_row, DOMAINS.values())]),
        *_wrap(
            "S: size of an observation. Limit: environment steps of an episode. Reward of a step: -1 or 0 is "
            "sparse, 0 once solved; -3 to 0 is minus the number of objects that are wrong. "
            f"BFN, BFN-n: N = {_full('bfn', 'scene').candidates} everywhere [b]."
        ),
        "* cube-single is the course's small task, not the paper's: its limit is [c], its alpha [d], its N "
        "the cubes' [a].",
        f"The paper's data of cube-quadruple are a larger set; {quadruple.dataset} has "
        f"{quadruple.episodes * 1000:,} transitions [c].",
        "",
        *_columns([("robomimic set", "S [f]", *titles), *map(_row, ROBOMIMIC.values())]),
        *_wrap(
            "Each set is a task of the same name. mh: several people demonstrated; ph: one, proficient, and "
            "not in the paper (its alpha and N are mh's here). Reward: the file's 0 or 1 less 1. square: the "
            f"paper's table says 500 steps [a], the course takes robomimic's. Seeds: {seeds}."
        ),
        "",
        "Tasks, five each (task1 to task5):",
    ]
    for d in DOMAINS.values():
        lines.append(f"  {d.name}-play-singletask-task1-v0")
        if d.sparse_in_paper:
            lines.append(f"  {d.name}-play-sparse-singletask-task1-v0   (the paper's reward)")
    lines.append(f"  {LITE_WORLD}   (the course's own: a planar world, lite preset only)")
    lines += ["", "The protocol of every run (`--preset full`):", *_columns(_protocol_rows(), "  "), ""]
    return "\n".join(lines + [f"[{mark}] {source}" for mark, source in SOURCES.items()])


def describe_methods() -> str:
    lines = []
    for method in METHODS.values():
        lines.append(f"{method.name:10} {method.title:14} {method.backup:9} {method.about}")
        lines += _wrap(", ".join(_settings(method)), " " * 36)
    sources = f"""
Sources: alpha and N: arXiv 2507.07969, table of tasks and appendix C, by task (`qlac tasks`).
RLPD family: {SOURCES["e"]}; the loss of QC-RLPD: arXiv 2507.07969."""
    return "\n".join([*lines, sources])


def _row(domain: Domain) -> tuple[str, ...]:
    if domain.suite == "robomimic":
        source = "[a]" if domain.env_type == "mh" else "[f]"
        data = f"{domain.paper_transitions:,} in {domain.episodes} demonstrations {source}"
    else:
        files = domain.paper_data[1]
        data = f"{domain.paper_transitions // 10**6}M transitions, {files} file{'s' * (files > 1)}"
    name = domain.dataset + "*" * (domain.name == "cube-single")
    sizes = map(str, (domain.observation_size, domain.episode_limit))
    reward = "-1 or 0" if domain.sparse_in_paper else f"-{domain.objects} to 0"
    alpha = " / ".join(f"{value:g}" for value in domain.alpha.values())
    return name, *sizes, data, reward, alpha, str(domain.candidates)


def _protocol_rows() -> list[list[str]]:
    c, rlpd = _full("qc-fql", "scene"), _full("rlpd", "scene")
    half = rlpd.offline_share
    layers = f"{len(c.hidden)} layers of {c.hidden[0]}, GELU (RLPD family: ReLU), LayerNorm in the critic"
    table = f"""
        offline | {c.offline_steps:,} gradient steps (RLPD family: {rlpd.offline_steps}) | [b]
        online | {c.online_steps:,} environment steps, gradient steps in each: {c.updates_per_step:g} | [b]
        online updates start | after {c.online_start:,} environment steps | [b]
        online batches | data and replay together, by size (RLPD family: {half:.0%} data) | [b] [e]
        batch size | {c.batch_size} | [b]
        chunk length h, n of n-step | {c.horizon} | [b]
        discount | {c.discount:g} | [b]
        networks | {layers} | [b]
        Adam's learning rate | {c.learning_rate:g} | [b]
        target rate | {c.target_rate:g} | [b]
        critics | {c.critics}, target: their mean (RLPD family: {rlpd.critics}) | [b] [e]
        flow steps K | {c.flow_steps}, Euler | [b]
        evaluation | {c.evaluation_episodes} episodes a seed, every {c.evaluate_every:,} steps | [b]
        seeds | {c.seeds} | [b]
    """
    return [line.strip().split(" | ") for line in table.strip().splitlines()]


def _settings(method: Method) -> list[str]:
    configs = [_full(method.name, domain) for domain in DOMAINS if domain != "cube-single"]
    chunk, backup = configs[0].chunk_length, configs[0].backup_length
    words = [f"acts in chunks of {chunk}" if chunk > 1 else "acts step by step"]
    if method.critic:
        words.insert(0, f"backup over {backup} step{'s' * (backup > 1)}")
    for field in method.tuned:
        values = sorted({getattr(config, field) for config in configs})
        words.append(f"{field}={' or '.join(f'{value:g}' for value in values)}")
    return words + [f"{field}={value}" for field, value in method.settings.items()]


def _full(method: str, domain: str) -> Config:
    return make_config(f"{domain}-play-singletask-task1-v0", method, "full")


def _wrap(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, 140, initial_indent=indent, subsequent_indent=indent)


def _columns(rows: list[Sequence[str]], indent: str = "") -> list[str]:
    """Aligned columns: text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [all(row[i].isdigit() for row in rows[1:]) for i in range(len(widths))]
    pad = lambda text, i: text.rjust(widths[i]) if right[i] else text.ljust(widths[i])
    return [(indent + "  ".join(pad(text, i) for i, text in enumerate(row))).rstrip() for row in rows]
