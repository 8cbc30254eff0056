"""The methods as named configurations: a learner, a backup, and the fields that they set."""

import dataclasses

from qlac_lite.utils.errors import unknown


@dataclasses.dataclass(frozen=True)
class Method:
    """backup x extraction: how the critic looks ahead,
    and how actions are drawn from critic and behavior flow."""

    name: str
    title: str  # as the paper writes it
    learner: str  # module in qlac_lite.agents
    backup: str  # one-step, n-step (single-action critic), or chunk
    about: str
    settings: dict = dataclasses.field(
        default_factory=dict
    )  # fields of Config that the method sets, in every preset


# RLPD has no offline phase: it learns online, from batches of which one half is data (arXiv 2302.02948;
# 2507.07969, appendix C).
RLPD = dict(offline_steps=0, offline_share=0.5, critics=10, first_actions="random", online_shards="rotating")


METHODS = {
    method.name: method
    for method in (
        Method(
            "fql",
            "FQL",
            "fql",
            "one-step",
            "one-step backup; one-step policy distilled from the flow, with Q loss",
        ),
        Method("fql-n", "FQL-n", "fql", "n-step", "n-step return, single actions; extraction as FQL"),
        Method(
            "qc-fql", "QC-FQL", "fql", "chunk", "chunk backup, acts in chunks open loop; extraction as FQL"
        ),
        Method(
            "bfn", "BFN", "best_of_n", "one-step", "one-step backup; the best of N samples of the flow acts"
        ),
        Method("bfn-n", "BFN-n", "best_of_n", "n-step", "n-step return, single actions; extraction as BFN"),
        Method("qc", "QC", "best_of_n", "chunk", "chunk backup, acts in chunks open loop; extraction as BFN"),
        Method(
            "rlpd",
            "RLPD",
            "rlpd",
            "one-step",
            "online only; one-step backup, tanh-Gaussian policy with entropy, half of a batch from data",
            RLPD,
        ),
        Method(
            "rlpd-ac",
            "RLPD-AC",
            "rlpd",
            "chunk",
            "RLPD on chunks: chunk backup, a Gaussian over whole chunks",
            RLPD,
        ),
        Method(
            "qc-rlpd",
            "QC-RLPD",
            "rlpd",
            "chunk",
            "RLPD-AC with a behavior cloning loss",
            RLPD | dict(bc_weight=0.01),
        ),
        Method(
            "bc", "Flow BC", "bc", "one-step", "flow-matching behavior cloning of single actions; no critic"
        ),
        Method(
            "chunk-bc", "Chunk flow BC", "bc", "chunk", "flow-matching behavior cloning of chunks; no critic"
        ),
    )
}


def get_method(name: str) -> Method:
    """The method of that name. Raises QlacError with the near ones if there is none."""
    if name not in METHODS:
        raise unknown("method", name, METHODS, "qlac methods")
    return METHODS[name]
