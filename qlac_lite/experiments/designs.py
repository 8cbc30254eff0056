"""The course's experiments on the lite world as lists of cells,
each one method in one world with all its seeds.

An experiment is a function that gives its cells; `experiments.catalogue.run_experiment` runs them.
Those of lesson 09 are in experiments/ablations.py.
"""

from collections.abc import Sequence

from qlac_lite.config import get_method
from qlac_lite.config.run import CHOICES
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.experiments.runner import Cell
from qlac_lite.training.jax_loop import lite_config

SIX = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc")
TEN = (*SIX, "rlpd", "rlpd-ac", "qc-rlpd", "chunk-bc")


def horizon(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """Chunks against single actions as the same task takes more and more actions: the step is the dial.

    The finest world gets twice the online steps, because an episode there is twice as long.
    """
    online = {0.08: 8_000, 0.04: 8_000, 0.02: 16_000}
    return [
        Cell(
            f"{method}-{step:g}",
            LiteWorld(step=step),
            lite_config(method, **{"online_steps": steps, **changes}),
        )
        for step, steps in online.items()
        for method in methods
    ]


def quick(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """The coarsest of those worlds with fewer updates: three minutes on two cores."""
    few = {"offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}
    return [
        Cell(f"{method}-0.08", LiteWorld(step=0.08), lite_config(method, **{**few, **changes}))
        for method in methods
    ]


def comparison(methods: Sequence[str] = TEN, **changes) -> list[Cell]:
    """All methods with eight seeds, offline (but for RLPD) and online."""
    few = {"seeds": 8, "offline_steps": 4_000, "online_steps": 6_000}
    settings = lambda method: {**few, **get_method(method).settings, **changes}
    return [
        Cell(
            f"{method}-0.04",
            LiteWorld(step=0.04),
            lite_config(method, **settings(method)),
            probed=method != "chunk-bc",
        )
        for method in methods
    ]


def exploration(
    methods: Sequence[str] = ("fql", "qc-fql", "bfn", "qc"), collected: int = 10_000, **changes
) -> list[Cell]:
    """What chunks collect against what single actions collect: D1 and D5 (the seed review's experiment).

    A pair (FQL and QC-FQL; BFN and QC) is trained on the play data D. Each of the two collects as many
    transitions with its trained policy: D1 the single-action method, D5 the chunk method. Then both methods
    are trained afresh, on D, on D + D1 and on D + D5.
    """
    world, settings = LiteWorld(step=0.08), {"online_steps": 0, **changes}
    collecting = settings | {"online_steps": collected, "updates_per_step": 0}
    pairs = {"fql": ("fql", "qc-fql"), "qc-fql": ("fql", "qc-fql"), "bfn": ("bfn", "qc"), "qc": ("bfn", "qc")}
    return [
        Cell(
            f"{method}-{data}",
            world,
            lite_config(method, **settings),
            collector and lite_config(collector, **collecting),
            data,
        )
        for method in methods
        for data, collector in zip(("D", "D+D1", "D+D5"), (None, *pairs[method]), strict=True)
    ]


def naive(
    horizons: Sequence[int] = (5, 10, 20), steps: Sequence[float] = (0.08, 0.04), **changes
) -> list[Cell]:
    """RLPD on chunks: where it helps and where it fails, over chunk length and step,
    and what removes the failure.

    The map: RLPD, and RLPD-AC for each chunk length. The interventions, for each chunk length in the finer
    world and for the longest in the coarser one, where the failure is clearest, remove one possible cause
    each: `cool` starts the temperature at 1 / H, `quiet` asks for hardly any entropy, `cloned` is QC-RLPD,
    `closed` executes the first action of each chunk only (as many decisions as RLPD), and `flow` is QC-FQL
    with RLPD's batches and ten critics (an actor that can hold any distribution, and is held near the data).
    And one thing is taken from RLPD itself: `two` has two critics in place of ten, with single actions (h1)
    and with chunks.
    """
    few = {"seeds": 4, "online_steps": 8_000, **changes}
    cells = []
    for step in steps:
        world = LiteWorld(step=step)
        cells += [Cell(f"rlpd-{step:g}", world, lite_config("rlpd", **few), probed=True)]
        on_chunks = {h: lite_config("rlpd-ac", horizon=h, **few) for h in horizons}
        cells += [
            Cell(f"rlpd-ac-h{h}-{step:g}", world, config, probed=True) for h, config in on_chunks.items()
        ]
    fine, coarse = steps[-1], steps[0]
    for h, step in [*((h, fine) for h in horizons), (horizons[-1], coarse)]:
        removed = {
            "cool": ("rlpd-ac", {"initial_temperature": 1 / h}),
            "quiet": ("rlpd-ac", {"entropy_target": -2.0}),
            "cloned": ("qc-rlpd", {}),
            "closed": ("rlpd-ac", {"execute": 1}),
            "flow": ("qc-fql", get_method("rlpd").settings),
        }
        cells += [
            Cell(
                f"{name}-h{h}-{step:g}",
                LiteWorld(step=step),
                lite_config(method, **{"horizon": h, **own, **few}),
                probed=True,
            )
            for name, (method, own) in removed.items()
        ]
    for h, step in [*((h, fine) for h in (1, *horizons)), (1, coarse), (horizons[-1], coarse)]:
        config = lite_config("rlpd" if h == 1 else "rlpd-ac", **{"horizon": h, "critics": 2, **few})
        cells.append(Cell(f"two-h{h}-{step:g}", LiteWorld(step=step), config, probed=True))
    return cells


def precision(methods: Sequence[str] = ("qc-fql", "qc"), **changes) -> list[Cell]:
    """Whether sampling the flow in bfloat16, where no gradient flows, changes a curve:
    each method in both, with eight seeds."""
    return _either("sampling_precision", methods, changes)


def labels(methods: Sequence[str] = ("qc-fql", "qc", "rlpd"), **changes) -> list[Cell]:
    """Whether a curve depends on the offline labels:
    of the next state, as here, or of the current one, as published."""
    return _either("offline_reward", methods, changes)


def _either(field: str, methods: Sequence[str], changes: dict) -> list[Cell]:
    """Each method with each choice of a field, all else alike, with eight seeds."""
    few = {"seeds": 8, "offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}
    return [
        Cell(
            f"{method}-{kind}",
            LiteWorld(step=0.08),
            lite_config(method, **{**few, **get_method(method).settings, **changes, field: kind}),
        )
        for method in methods
        for kind in CHOICES[field]
    ]
