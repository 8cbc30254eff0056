"""The one exception that users meet: it names the thing that is wrong and the remedy."""

import difflib
from collections.abc import Iterable


class QlacError(Exception):
    """Bad input or a bad machine state, told in words a reader can act on.

    The command line prints the message without a traceback and exits with status 2.
    """


def unknown(kind: str, name: str, known: Iterable[str], listed_by: str) -> QlacError:
    """Error for a `name` that is not among the `known` ones; the nearest are listed."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    return QlacError(
        f"Unknown {kind} {name!r}. Did you mean {', '.join(near)}? `{listed_by}` lists all {len(known)}."
    )
