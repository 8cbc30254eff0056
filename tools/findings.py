"""The course's claims beside what was measured: writes docs/findings.md and its picture.

    python tools/findings.py

The claims, and how their differences are taken, are in qlac_lite/reports/findings.py.
"""

from pathlib import Path

from qlac_lite import LEARNERS
from qlac_lite.reports import plots
from qlac_lite.reports.findings import ASSETS, CLAIMS, PLACES, Claim, draw, found, verdict
from qlac_lite.utils.files import markdown, read_json, write_text
from qlac_lite.utils.statistics import points_interval

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs/findings.md", ROOT / "docs/pictures/findings.png"


def of_earlier_learners(claim: Claim) -> bool:
    """Whether the claim's runs on the lite world await their repetition by today's learners."""
    names = {part.split("/")[0] for part in claim.lite}
    records = [read_json(ASSETS / name / "experiment.json", "") for name in names]
    return any(record["provenance"]["learners"] < LEARNERS for record in records)


def page() -> str:
    """The page as Markdown."""
    rows = []
    for number, claim in enumerate(CLAIMS, 1):
        size = found(claim)
        told = {
            place: points_interval(size[place], (-100, 100)) if place in size else "-" for place in PLACES
        }
        if "lite world" in size and of_earlier_learners(claim):
            told["lite world"] += " *"
        ours = verdict(claim, [size[place] for place in ("lite world", "desk") if place in size])
        rows.append(
            {"": number, "claim": claim.text, "lesson": claim.lesson}
            | told
            | {"our verdict": ours, "what would refute it": claim.refuted}
        )
    return f"""# Findings

What the course claims, and how large it is. A number is a difference of success in points with its 95 %
interval: on the lite world over the curve and in desk runs (scene, sparse, task 1) at the end, seed by seed;
in the paper after all steps, over its 25 OGBench tasks. *Shown*: the interval of our own runs leaves 0 out,
on the side that the claim says. A star: these runs were made with
[earlier learners](fidelity.md) and await their repetition. On scene the one alpha of 100 was chosen with
QC-FQL; with the paper's 300 it is level with FQL-n ([lesson 07](../solutions/07_ogbench.ipynb)).

`python tools/findings.py` writes this page from the recorded runs; [results](../results/README.md) has their
commands, seeds, versions and machines.

![The differences with their intervals, claim by claim](pictures/findings.png)

{markdown(rows)}
"""


def main() -> None:
    plots.save(draw(), PICTURE)
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
