"""Every setting of the paper's protocol as text, with its source: what `qlac tasks` and `qlac methods` print.

Nothing is set here. The numbers are read from where runs take them:
the table in config/tasks.py, the defaults of config.Config, and the methods' own settings.
"""

import textwrap

from qlac_lite.config.methods import METHODS, Method
from qlac_lite.config.run import Config, make_config
from qlac_lite.config.tasks import DOMAINS, LITE_WORLD, ROBOMIMIC, Domain

INDENT = " " * 36  # of what `describe_methods` says below a method's name

SOURCES = {  # mark -> where a setting is from
    "a": "arXiv 2507.07969 (Q-chunking), table of tasks and appendix C",
    "b": "arXiv 2507.07969, section 5 and appendix C",
    "c": "OGBench's package: sizes of observations, data and, for cube-single, the episode limit",
    "d": "arXiv 2502.02538 (FQL): cube-single is not in the Q-chunking paper",
    "e": "arXiv 2302.02948 (RLPD), as arXiv 2507.07969, appendix C, takes it",
    "f": "arXiv 2108.03298 (robomimic) and its files",
}


def describe_tasks() -> str:
    """The domains, the tasks in them, and the protocol that all runs of `--preset full` share."""
    titles = (
        "dataset",
        "S [c]",
        "limit [a]",
        "the paper's data [a]",
        "reward [a]",
        "alpha FQL/FQL-n/QC-FQL [a]",
        "N of QC [a]",
    )
    lines = _columns([titles, *(_domain_row(domain) for domain in DOMAINS.values())])
    quadruple = DOMAINS["cube-quadruple"]
    lines += [
        (
            "S: size of an observation. Limit: environment steps of an episode. Reward of a step: "
            "-1 or 0 is sparse, 0 once solved;"
        ),
        (
            "-3 to 0 is minus the number of objects that are wrong. BFN, BFN-n: "
            f"N = {_full('bfn', 'scene').candidates} everywhere [b]."
        ),
        (
            "* cube-single is the course's small task, not the paper's: "
            "its limit is [c], its alpha [d], its N the cubes' [a]."
        ),
        (
            "The paper's data of cube-quadruple are a larger set; "
            f"{quadruple.dataset} has {quadruple.episodes * 1000:,} transitions [c]."
        ),
    ]
    lines += [
        "",
        *_columns(
            [
                ("robomimic set", "S [f]", *titles[2:]),
                *(_robomimic_row(domain) for domain in ROBOMIMIC.values()),
            ]
        ),
    ]
    lines += [
        (
            "Each set is a task of the same name. mh: several people demonstrated; "
            "ph: one, proficient, and not in the paper (its alpha and N are"
        ),
        (
            "mh's here). Reward: the file's 0 or 1 less 1. square: the paper's table says 500 steps [a], "
            f"the course takes robomimic's. Seeds: {ROBOMIMIC['lift-mh-low_dim'].full['seeds']}."
        ),
    ]
    lines += ["", "Tasks, five each (task1 to task5):"]
    for d in DOMAINS.values():
        lines.append(f"  {d.name}-play-singletask-task1-v0")
        if d.sparse_in_paper:
            lines.append(f"  {d.name}-play-sparse-singletask-task1-v0   (the paper's reward)")
    lines.append(f"  {LITE_WORLD}   (the course's own: a planar world, lite preset only)")
    lines += ["", "The protocol of every run (`--preset full`):", *_columns(_protocol_rows(), "  ")]
    return "\n".join([*lines, "", *(f"[{mark}] {source}" for mark, source in SOURCES.items())])


def describe_methods() -> str:
    """The methods, and what each sets at the paper's size beside the protocol."""
    lines = []
    for method in METHODS.values():
        lines.append(f"{method.name:10} {method.title:14} {method.backup:9} {method.about}")
        lines += textwrap.wrap(
            ", ".join(_settings(method)), 140, initial_indent=INDENT, subsequent_indent=INDENT
        )
    sources = "alpha and N: arXiv 2507.07969, table of tasks and appendix C, by task (`qlac tasks`)"
    return "\n".join(
        [
            *lines,
            "",
            f"Sources: {sources}.",
            f"RLPD family: {SOURCES['e']}; the loss of QC-RLPD: arXiv 2507.07969.",
        ]
    )


def _domain_row(domain: Domain) -> tuple[str, ...]:
    transitions, files = domain.paper_transitions, domain.paper_data[1]
    return (
        domain.dataset + "*" * (domain.name == "cube-single"),
        str(domain.observation_size),
        str(domain.episode_limit),
        f"{transitions // 10**6}M transitions, {files} file{'s' * (files > 1)}",
        "-1 or 0" if domain.sparse_in_paper else f"-{domain.objects} to 0",
        " / ".join(f"{value:g}" for value in domain.alpha.values()),
        str(domain.candidates),
    )


def _robomimic_row(domain: Domain) -> tuple[str, ...]:
    mark = "[a]" if domain.env_type == "mh" else "[f]"
    alpha = " / ".join(f"{value:g}" for value in domain.alpha.values())
    size = f"{domain.paper_transitions:,} in {domain.episodes} demonstrations {mark}"
    return (
        domain.dataset,
        str(domain.observation_size),
        str(domain.episode_limit),
        size,
        "-1 or 0",
        alpha,
        str(domain.candidates),
    )


def _protocol_rows() -> list[tuple[str, str, str]]:
    """Setting, value and mark of the source, from the defaults of Config."""
    c, online_only = _full("qc-fql", "scene"), _full("rlpd", "scene")
    return [
        ("offline", f"{c.offline_steps:,} gradient steps (RLPD family: {online_only.offline_steps})", "[b]"),
        (
            "online",
            f"{c.online_steps:,} environment steps, gradient steps in each: {c.updates_per_step:g}",
            "[b]",
        ),
        ("online updates start", f"after {c.online_start:,} environment steps", "[b]"),
        (
            "online batches",
            f"data and replay together, by size (RLPD family: {online_only.offline_share:.0%} data)",
            "[b] [e]",
        ),
        ("batch size", str(c.batch_size), "[b]"),
        ("chunk length h, n of n-step", str(c.horizon), "[b]"),
        ("discount", f"{c.discount:g}", "[b]"),
        (
            "networks",
            f"{len(c.hidden)} layers of {c.hidden[0]}, GELU (RLPD family: ReLU), LayerNorm in the critic",
            "[b]",
        ),
        ("Adam's learning rate", f"{c.learning_rate:g}", "[b]"),
        ("target rate", f"{c.target_rate:g}", "[b]"),
        ("critics", f"{c.critics}, target: their mean (RLPD family: {online_only.critics})", "[b] [e]"),
        ("flow steps K", f"{c.flow_steps}, Euler", "[b]"),
        ("evaluation", f"{c.evaluation_episodes} episodes a seed, every {c.evaluate_every:,} steps", "[b]"),
        ("seeds", f"{c.seeds}", "[b]"),
    ]


def _settings(method: Method) -> list[str]:
    """What a method sets at the paper's size: over how many steps it looks and acts,
    and its fields of Config."""
    configs = [_full(method.name, domain) for domain in DOMAINS if domain != "cube-single"]
    chunk, backup = configs[0].chunk_length, configs[0].backup_length
    words = [f"acts in chunks of {chunk}" if chunk > 1 else "acts step by step"]
    if method.learner != "bc":
        words.insert(0, f"backup over {backup} step{'s' * (backup > 1)}")
    by_task = {"fql": "alpha", "best_of_n": "candidates"}.get(method.learner)
    if by_task:
        values = sorted({getattr(config, by_task) for config in configs})
        words.append(f"{by_task}={' or '.join(f'{value:g}' for value in values)}")
    return words + [f"{field}={value}" for field, value in method.settings.items()]


def _full(method: str, domain: str) -> Config:
    return make_config(f"{domain}-play-singletask-task1-v0", method, "full")


def _columns(rows: list[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows as text with aligned columns: the first and text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [all(row[i].isdigit() for row in rows[1:]) for i in range(len(widths))]
    pad = lambda text, i: text.rjust(widths[i]) if right[i] else text.ljust(widths[i])
    return [(indent + "  ".join(pad(text, i) for i, text in enumerate(row))).rstrip() for row in rows]
