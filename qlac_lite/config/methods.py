"""The methods, a row each. A new one is a row here and, where no learner fits, a file in `agents/`."""

import dataclasses
from typing import Any

from qlac_lite.utils.errors import unknown


@dataclasses.dataclass(frozen=True)
class Method:
    name: str
    title: str  # as the paper writes it
    backup: str  # one-step, n-step (single-action critic), or chunk
    colour: str  # in figures
    marker: str
    about: str
    learner: str  # module:function
    tuned: tuple[str, ...] = ()  # fields of Config that the paper sets by task
    critic: bool = True
    decouples: bool = False  # whether policy and critic may differ in chunk length
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)  # fields of Config


_FQL = dict(learner="qlac_lite.agents.fql:make_learner", tuned=("alpha",), decouples=True)
_BFN = dict(learner="qlac_lite.agents.best_of_n:make_learner", tuned=("candidates",), decouples=True)
_DECOUPLED = _BFN | dict(settings=dict(policy_horizon=1))
_BC = dict(learner="qlac_lite.agents.bc:make_learner", critic=False)
# No offline phase; half of each batch is data (arXiv 2302.02948; 2507.07969, appendix C).
RLPD = dict(offline_steps=0, offline_share=0.5, critics=10, first_actions="random", online_shards="rotating")
_RLPD = dict(learner="qlac_lite.agents.rlpd:make_learner", settings=RLPD)
_CLONED = _RLPD | dict(settings=RLPD | dict(bc_weight=0.01))

# The first six colours are Okabe and Ito's, for colour-blind readers too.
_ROWS = (
    Method(
        "fql",
        "FQL",
        "one-step",
        "#E69F00",
        "s",
        "one-step backup; one-step policy distilled from the flow, with Q loss",
        **_FQL,
    ),
    Method(
        "fql-n", "FQL-n", "n-step", "#CC79A7", "^", "n-step return, single actions; extraction as FQL", **_FQL
    ),
    Method(
        "qc-fql",
        "QC-FQL",
        "chunk",
        "#0072B2",
        "o",
        "chunk backup, acts in chunks open loop; extraction as FQL",
        **_FQL,
    ),
    Method(
        "bfn",
        "BFN",
        "one-step",
        "#D55E00",
        "v",
        "one-step backup; the best of N samples of the flow acts",
        **_BFN,
    ),
    Method(
        "bfn-n", "BFN-n", "n-step", "#56B4E9", "P", "n-step return, single actions; extraction as BFN", **_BFN
    ),
    Method(
        "qc",
        "QC",
        "chunk",
        "#009E73",
        "D",
        "chunk backup, acts in chunks open loop; extraction as BFN",
        **_BFN,
    ),
    Method(
        "dqc",
        "DQC",
        "chunk",
        "#117733",
        "d",
        "chunk backup, acts in single actions by a partial critic (arXiv 2512.10926); extraction as BFN",
        **_DECOUPLED,
    ),
    Method(
        "rlpd",
        "RLPD",
        "one-step",
        "#8B6914",
        "<",
        "online only; one-step backup, tanh-Gaussian policy with entropy, half of a batch from data",
        **_RLPD,
    ),
    Method(
        "rlpd-ac",
        "RLPD-AC",
        "chunk",
        "#7B3294",
        ">",
        "RLPD on chunks: chunk backup, a Gaussian over whole chunks",
        **_RLPD,
    ),
    Method("qc-rlpd", "QC-RLPD", "chunk", "#C51B7D", "h", "RLPD-AC with a behavior cloning loss", **_CLONED),
    Method(
        "bc",
        "Flow BC",
        "one-step",
        "#999999",
        "X",
        "flow-matching behavior cloning of single actions; no critic",
        **_BC,
    ),
    Method(
        "chunk-bc",
        "Chunk flow BC",
        "chunk",
        "#000000",
        "*",
        "flow-matching behavior cloning of chunks; no critic",
        **_BC,
    ),
)
METHODS = {method.name: method for method in _ROWS}


def get_method(name: str) -> Method:
    """The method of that name, or QlacError with the near ones."""
    if name not in METHODS:
        raise unknown("method", name, METHODS, "qlac methods")
    return METHODS[name]
