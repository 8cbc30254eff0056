"""The course's experiments on the lite world, each a function that lists its cells;
`catalogue.run_experiment` runs them. Those of lesson 09 are in experiments/ablations.py.
"""

from qlac_lite.config import get_method
from qlac_lite.config.run import SETTINGS
from qlac_lite.data.suites.lite_play import PLAY
from qlac_lite.envs.lite_world import LiteWorld
from qlac_lite.experiments.runner import Cell, Cells, Names
from qlac_lite.training.jax_loop import lite_config

SIX = ("fql", "fql-n", "qc-fql", "bfn", "bfn-n", "qc")
TEN = (*SIX, "rlpd", "rlpd-ac", "qc-rlpd", "chunk-bc")
SHORT = dict(offline_steps=1_000, online_steps=5_000, evaluate_every=1_000)
FEW = dict(seeds=8) | SHORT


def _cell(name: str, step: float, method: str, probed: bool = False, **settings) -> Cell:
    return Cell(f"{name}-{step:g}", LiteWorld(step=step), lite_config(method, **settings), probed=probed)


def horizon(methods: Names = SIX, **changes) -> Cells:
    """Chunks against single actions as the step shrinks, so that the same task takes more actions."""
    worlds = {0.08: 8_000, 0.04: 8_000, 0.02: 16_000}  # an episode of the finest is twice as long
    return [
        _cell(method, step, method, **dict(seeds=8, online_steps=online) | changes)
        for step, online in worlds.items()
        for method in methods
    ]


def quick(methods: Names = SIX, **changes) -> Cells:
    """The coarsest of those worlds with fewer updates: three minutes on two cores."""
    return [_cell(method, 0.08, method, **SHORT | changes) for method in methods]


def comparison(methods: Names = TEN, **changes) -> Cells:
    """All methods with eight seeds, offline (but for RLPD) and online."""
    few, rows = dict(seeds=8, offline_steps=4_000, online_steps=6_000), map(get_method, methods)
    return [_cell(row.name, 0.04, row.name, row.critic, **few | row.settings | changes) for row in rows]


def exploration(methods: Names = ("fql", "qc-fql", "bfn", "qc"), collected: int = 10_000, **changes) -> Cells:
    """The D1 / D5 experiment, see experiments/exploration.py, with FQL and QC-FQL, and with BFN and QC.

    Two controls: as many transitions more of play (P), and D1 and D5 with equally many solved episodes and
    chunk starts (M1, M5).
    """
    world, settings, cells = LiteWorld(step=0.08), dict(seeds=8, online_steps=0) | changes, []
    collecting = settings | dict(online_steps=collected, updates_per_step=0)
    for method in methods:
        pair = ("fql", "qc-fql") if "fql" in method else ("bfn", "qc")
        one, five = (lite_config(collector, **collecting) for collector in pair)
        for data, added in {
            "D": {},
            "D+P": {"more_play": collected},
            "D+D1": {"collector": one},
            "D+D5": {"collector": five},
            "D+M1": {"collector": one, "other": five},
            "D+M5": {"collector": five, "other": one},
        }.items():
            cells.append(Cell(f"{method}-{data}", world, lite_config(method, **settings), data=data, **added))
    return cells


def naive(**changes) -> Cells:
    """RLPD on chunks: where it helps, where it fails, and what removes the failure.

    The map: RLPD, and RLPD-AC for each chunk length, in each world. Beside each RLPD-AC, `flow` is
    QC-FQL with RLPD's batches and ten critics: an actor that can hold any distribution near the data. Each
    other intervention removes one possible cause, for the longest chunks: `cool` starts the temperature at
    1 / H; `quiet` asks for hardly any entropy; `cloned` is QC-RLPD; `closed` executes a chunk's first action
    only; `two` has two critics, not ten, with single actions (h1), too.
    """
    few, cells, lengths, longest = dict(seeds=8, online_steps=8_000) | changes, [], (5, 10, 20), 20
    gaussian_flow = (("rlpd-ac", "rlpd-ac", {}), ("flow", "qc-fql", get_method("rlpd").settings))
    causes = (
        ("cool", "rlpd-ac", {"initial_temperature": 1 / longest}),
        ("quiet", "rlpd-ac", {"entropy_target": -2.0}),
        ("cloned", "qc-rlpd", {}),
        ("closed", "rlpd-ac", {"execute": 1}),
        ("two", "rlpd-ac", {"critics": 2}),
    )
    for step in (0.08, 0.04):
        cells.append(_cell("rlpd", step, "rlpd", True, **few))
        cells.append(_cell("two-h1", step, "rlpd", True, critics=2, **few))
        for variants, some in ((gaussian_flow, lengths), (causes, (longest,))):
            for h in some:
                for name, method, own in variants:
                    cells.append(_cell(f"{name}-h{h}", step, method, True, **dict(horizon=h) | own | few))
    return cells


def worlds(methods: Names = ("fql-n", "qc-fql"), **changes) -> Cells:
    """Why n-step returns do here what on cube-single only chunks do: one world turned into the other.

    One thing at a time, then all: `tied` has the alpha of the runs on cube-single; `fine` asks for half the
    distance at puck, gap and goal; `rough` play has twice the noise, `aimless` play never favours the task's
    goal; `wide` starts are anywhere on the left. `tied-30` and `untied`, all but the tie, were added when
    whatever was tied stood at 0 %; and the runs are long because in 10,000 updates five of nine stayed low.
    `no-fine` to `no-wide`, all but the tie and one other, were added when `untied` alone turned the order.
    """
    fine, rough = dict(gap=0.2, reach=0.075, tolerance=0.075), dict(noise=0.4)
    things = {
        "control": ({}, {}, {}),
        "tied": ({}, {}, {"alpha": 100.0}),
        "fine": (fine, {}, {}),
        "rough": ({}, rough, {}),
        "aimless": ({}, {"favourite": 0.0}, {}),
        "wide": ({"wide": True}, {}, {}),
        "all": (fine | {"wide": True}, rough | {"favourite": 0.0}, {"alpha": 100.0}),
        "tied-30": ({}, {}, {"alpha": 30.0}),
        "untied": (fine | {"wide": True}, rough | {"favourite": 0.0}, {}),
        "no-fine": ({"wide": True}, rough | {"favourite": 0.0}, {}),
        "no-rough": (fine | {"wide": True}, {"favourite": 0.0}, {}),
        "no-aimless": (fine | {"wide": True}, rough, {}),
        "no-wide": (fine, rough | {"favourite": 0.0}, {}),
    }
    long = dict(seeds=8, offline_steps=16_000, online_steps=8_000) | changes
    return [
        Cell(
            f"{method}-{name}",
            LiteWorld(**place),
            lite_config(method, **long | its),
            habits=PLAY._replace(**habits),
        )
        for name, (place, habits, its) in things.items()
        for method in methods
    ]


def precision(methods: Names = ("qc-fql", "qc"), **changes) -> Cells:
    """Whether a curve changes with sampling in bfloat16, where no gradient flows."""
    return _either("sampling_precision", methods, changes)


def labels(methods: Names = ("qc-fql", "qc", "rlpd"), **changes) -> Cells:
    """Whether a curve depends on the offline labels: of the next state, or of the current one."""
    return _either("offline_reward", methods, changes)


def _either(field: str, methods: Names, changes: dict) -> Cells:
    """Each method with each choice of a field."""
    cells = []
    for method in methods:
        settings = FEW | get_method(method).settings | changes
        for choice in SETTINGS[field].metadata["allowed"]:
            config = lite_config(method, **settings | {field: choice})
            cells.append(Cell(f"{method}-{choice}", LiteWorld(step=0.08), config))
    return cells
