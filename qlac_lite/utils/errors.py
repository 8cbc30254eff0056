"""The one exception that users meet."""

import difflib
from collections.abc import Iterable


class QlacError(Exception):
    """Names what is wrong and the remedy. The command line prints it alone and exits with status 2."""


def unknown(kind: str, name: str, known: Iterable[str], listed_by: str) -> QlacError:
    """The error for a `name` that is not `known`, with the nearest; `listed_by` is the command for all."""
    known, wanted = list(known), name.lower()
    longer = [each for each in known if wanted in each]
    near = ", ".join((longer or difflib.get_close_matches(wanted, known, cutoff=0.5) or known)[:3])
    return QlacError(f"Unknown {kind} {name!r}. Did you mean {near}? `{listed_by}` lists all {len(known)}.")
