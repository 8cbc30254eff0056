"""The course's claims beside what was measured: writes docs/findings.md and its picture.

    python tools/findings.py

The claims, and how their differences are taken, are in qlac_lite/reports/findings.py.
"""

from pathlib import Path

from qlac_lite.reports import plots
from qlac_lite.reports.findings import (
    CLAIMS,
    PLACES,
    counts,
    draw,
    of_earlier_learners,
    sizes,
    verdict,
)
from qlac_lite.utils.files import markdown, write_text

EARLIER = """A star: these runs were made with [earlier learners](fidelity.md)
and are to be rerun with the current code. """
ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs/findings.md", ROOT / "docs/pictures/findings.png"


def page() -> str:
    """The page as Markdown."""
    rows, old = [], ""
    for number, claim in enumerate(CLAIMS, 1):
        told = sizes(claim)
        if of_earlier_learners(claim):
            told["lite world"] += " *"
            old = EARLIER
        rows.append(
            {"": number, "claim": claim.text, "lesson": claim.lesson}
            | {place: told.get(place, "-") for place in PLACES}
            | {
                "n": counts(claim),
                "our verdict": verdict(claim),
                "what would speak against it": claim.against,
            }
        )
    return f"""# Findings

What the course claims, and how large it is. A number is a difference of success in points with its 95 %
interval, taken so that a positive one says what the claim says: on the lite world over the curve and in desk
runs (scene, sparse, task 1) at the end, seed by seed; in the paper after all steps, over 25 OGBench tasks.
*Shown*: the intervals of our own runs lie above 0. *Refuted*: below it. *Not shown*: they hold 0 (in the
picture a hollow marker). Where our two places disagree, the verdict
names both. {old}Intervals are cut at -100 and 100, beyond which no difference can lie.
On scene all methods have an alpha of 100, which was chosen in trials of QC-FQL alone; with the paper's 300 no
difference between QC-FQL and FQL-n is shown ([lesson 07](../solutions/07_ogbench.ipynb)). Claim 12 is one of
four comparisons with pushes ([lesson 09](../solutions/09_ablations.ipynb)); its interval barely excludes 0.

`python tools/findings.py` writes this page from the recorded runs; [results](../results/README.md) has their
commands, seeds, versions and machines.

![Differences with n and our verdict, claim by claim; right of 0 the claim holds](pictures/findings.png)

{markdown(rows)}
"""


def main() -> None:
    plots.save(draw()[0], PICTURE)
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
