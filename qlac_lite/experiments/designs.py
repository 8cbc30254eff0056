"""The course's experiments on the lite world as lists of cells: one method in one world, with all its seeds.

An experiment is a function that gives its cells; `experiments.catalogue.run_experiment` runs them. Those of
lesson 09 are in experiments/ablations.py.
"""

from collections.abc import Sequence

from qlac_lite.config import get_method
from qlac_lite.config.run import SETTINGS
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.experiments.runner import Cell
from qlac_lite.training.jax_loop import lite_config

SIX = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc")
TEN = (*SIX, "rlpd", "rlpd-ac", "qc-rlpd", "chunk-bc")
SHORT = {"offline_steps": 1_000, "online_steps": 5_000, "evaluate_every": 1_000}


def _cell(name: str, step: float, method: str, probed: bool = False, **settings) -> Cell:
    return Cell(f"{name}-{step:g}", LiteWorld(step=step), lite_config(method, **settings), probed=probed)


def horizon(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """Chunks against single actions as the same task takes more and more actions: the step is the dial.

    The finest world gets twice the online steps, because an episode there is twice as long.
    """
    online = {0.08: 8_000, 0.04: 8_000, 0.02: 16_000}
    return [
        _cell(method, step, method, **{"online_steps": steps, **changes})
        for step, steps in online.items()
        for method in methods
    ]


def quick(methods: Sequence[str] = SIX, **changes) -> list[Cell]:
    """The coarsest of those worlds with fewer updates: three minutes on two cores."""
    return [_cell(method, 0.08, method, **{**SHORT, **changes}) for method in methods]


def comparison(methods: Sequence[str] = TEN, **changes) -> list[Cell]:
    """All methods with eight seeds, offline (but for RLPD) and online."""
    few = {"seeds": 8, "offline_steps": 4_000, "online_steps": 6_000}
    settings = lambda method: {**few, **get_method(method).settings, **changes}
    return [_cell(name, 0.04, name, get_method(name).critic, **settings(name)) for name in methods]


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
    cells = []
    for method in methods:
        pair = ("fql", "qc-fql") if "fql" in method else ("bfn", "qc")
        config = lite_config(method, **settings)
        cells.append(Cell(f"{method}-D", world, config))
        for data, collector in zip(("D+D1", "D+D5"), pair, strict=True):
            collects = lite_config(collector, **collecting)
            cells.append(Cell(f"{method}-{data}", world, config, collects, data))
    return cells


def naive(
    horizons: Sequence[int] = (5, 10, 20), steps: Sequence[float] = (0.08, 0.04), **changes
) -> list[Cell]:
    """RLPD on chunks: where it helps and where it fails, and what removes the failure.

    The map: RLPD, and RLPD-AC for each chunk length, in each world. The interventions, for each chunk length
    in the finer world and for the longest in the coarser one, remove one possible cause each: `cool` starts
    the temperature at 1 / H, `quiet` asks for hardly any entropy, `cloned` is QC-RLPD, `closed` executes the
    first action of each chunk only (as many decisions as RLPD), and `flow` is QC-FQL with RLPD's batches and
    ten critics (an actor that can hold any distribution, and is held near the data). And one thing is taken
    from RLPD itself: `two` has two critics in place of ten, with single actions (h1) and with chunks.
    """
    few = {"seeds": 4, "online_steps": 8_000, **changes}
    cells = []
    for step in steps:
        cells.append(_cell("rlpd", step, "rlpd", True, **few))
        cells += [_cell(f"rlpd-ac-h{h}", step, "rlpd-ac", True, horizon=h, **few) for h in horizons]
    fine, coarse, longest = steps[-1], steps[0], horizons[-1]
    for h, step in [*((h, fine) for h in horizons), (longest, coarse)]:
        removed = {
            "cool": ("rlpd-ac", {"initial_temperature": 1 / h}),
            "quiet": ("rlpd-ac", {"entropy_target": -2.0}),
            "cloned": ("qc-rlpd", {}),
            "closed": ("rlpd-ac", {"execute": 1}),
            "flow": ("qc-fql", get_method("rlpd").settings),
        }
        for name, (method, own) in removed.items():
            cells.append(_cell(f"{name}-h{h}", step, method, True, **{"horizon": h, **own, **few}))
    for h, step in [*((h, fine) for h in (1, *horizons)), (1, coarse), (longest, coarse)]:
        settings = {"horizon": h, "critics": 2, **few}
        cells.append(_cell(f"two-h{h}", step, "rlpd" if h == 1 else "rlpd-ac", True, **settings))
    return cells


def precision(methods: Sequence[str] = ("qc-fql", "qc"), **changes) -> list[Cell]:
    """Whether a curve changes with sampling in bfloat16, where no gradient flows."""
    return _either("sampling_precision", methods, changes)


def labels(methods: Sequence[str] = ("qc-fql", "qc", "rlpd"), **changes) -> list[Cell]:
    """Whether a curve depends on the offline labels: of the next state, or of the current one as
    published."""
    return _either("offline_reward", methods, changes)


def _either(field: str, methods: Sequence[str], changes: dict) -> list[Cell]:
    """Each method with each choice of a field, all else alike, with eight seeds."""
    world, cells = LiteWorld(step=0.08), []
    for method in methods:
        settings = {"seeds": 8, **SHORT, **get_method(method).settings, **changes}
        for choice in SETTINGS[field].metadata["allowed"]:
            cells.append(
                Cell(f"{method}-{choice}", world, lite_config(method, **{**settings, field: choice}))
            )
    return cells
