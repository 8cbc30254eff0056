"""What the tests cost: processor seconds by file, and what they went to.

    python tools/time_tests.py           what `make test` runs
    python tools/time_tests.py around    what `make test-all` adds

writes a row a test to build/test-times.csv and renews its table in docs/testing.md. Processor seconds depend
little on what else the machine does. The module is a plugin of pytest, too: `-p time_tests`.
"""

import csv
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import jax
import pytest

from qlac_lite.utils.files import Rows, markdown, write_csv, write_text
from qlac_lite.utils.provenance import provenance

ROOT = Path(__file__).parents[1]
PAGE, RECORD = ROOT / "docs/testing.md", ROOT / "build/test-times.csv"
SIDE_BY_SIDE = "-n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder".split()
PARTS = {
    "test": ([], ["--nbval-lax", "--nbval-current-env", "notebooks", "solutions"]),
    "around": (["-m", "around"],),
}
compiled = 0.0  # seconds of XLA in this process


def _listen(event: str, seconds: float, **_) -> None:
    global compiled
    if event == "/jax/core/compile/backend_compile_duration":
        compiled += seconds


def pytest_configure(config: pytest.Config) -> None:
    jax.monitoring.register_event_duration_secs_listener(_listen)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """A row: test, seconds on the clock, of compiling, of this process, and of those that it saw end."""
    before, compiled_before = os.times(), compiled
    yield
    user, system, in_user, in_system, clock = (b - a for a, b in zip(before, os.times(), strict=True))
    row = [item.nodeid, clock, compiled - compiled_before, user + system, in_user + in_system]
    with open(f"{os.environ['QLAC_TEST_TIMES']}.{os.getpid()}", "a", newline="") as file:
        csv.writer(file).writerow(row)


def by_file(tests: Rows) -> Rows:
    """A row a file, and one for each folder of notebooks; the dearest first."""
    sums = defaultdict(lambda: [0, 0.0, 0.0, 0.0, 0.0])
    for test, *seconds in tests:
        file = re.sub(r"/\d\d_.*", "", test.split("::")[0])
        sums[file] = [a + float(b) for a, b in zip(sums[file], (1, *seconds), strict=True)]
    rows = []
    for file, (count, clock, compiling, own, started) in sums.items():
        row = {"seconds": own + started, "compiling": compiling, "other work": max(0.0, own - compiling)}
        row |= {"in processes that it starts": started, "on the clock": clock}
        rows.append({"file": file, "tests": count} | row)
    rows.sort(key=lambda row: -row["seconds"])
    return [{name: round(cell) if name != "file" else cell for name, cell in row.items()} for row in rows]


def main(part: str = "test") -> int:
    RECORD.parent.mkdir(exist_ok=True)
    pieces = RECORD.with_name(f"{RECORD.stem}-{os.getpid()}")
    given = {"QLAC_TEST_TIMES": str(pieces), "QLAC_FAST": "1", "PYTHONPATH": str(ROOT / "tools")}
    begin = time.monotonic()
    status = 0
    for arguments in PARTS[part]:
        command = [sys.executable, "-m", "pytest", "-p", "time_tests", *SIDE_BY_SIDE, *arguments]
        status |= subprocess.run(command, cwd=ROOT, env=os.environ | given).returncode
    minutes, tests = (time.monotonic() - begin) / 60, []
    for piece in RECORD.parent.glob(f"{pieces.name}.*"):
        with piece.open(newline="") as file:
            tests += csv.reader(file)
        piece.unlink()
    write_csv(
        RECORD,
        [dict(zip(("test", "clock", "compiling", "own", "started"), test, strict=True)) for test in tests],
    )
    every, machine = by_file(tests), provenance()
    total, told = sum(row["seconds"] for row in every), [row for row in every if row["seconds"] >= 5]
    about = (
        f"{machine['date'][:10]}, {machine['machine']}: {minutes:.0f} minutes, {total:,} processor seconds."
    )
    renew(f"times of {part}", f"{about}\n\n{markdown(told)}")
    return status


def renew(name: str, text: str) -> None:
    """Puts `text` between the page's two comments of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = PAGE.read_text().partition(begin)
    write_text(PAGE, f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
