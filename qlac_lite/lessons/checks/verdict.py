"""What a check says, as text and as a page."""

import html
import re


class Verdict:
    """What a check says: a status, a headline and labelled lines; readable as text and in a notebook."""

    ORDER = (
        "right so far",
        "case",
        "expected",
        "got",
        "same as",
        "pattern",
        "error",
        "likely",
        "note",
        "next",
        "meanwhile",
        "inputs",
    )
    part = ""  # of the answer: the first whose numbers differ
    MARKS = {"right": ("✓", "#009E73"), "wrong": ("✗", "#D55E00"), "open": ("…", "#808080")}

    def __init__(self, status: str, headline: str, **lines: str):
        self.status, self.headline = status, headline
        self.lines = {label: text for label, text in lines.items() if text}

    def _ordered(self) -> list[tuple[str, str]]:
        """The lines as they are read: what matters most is not below a screen of inputs."""
        return sorted(self.lines.items(), key=lambda line: self.ORDER.index(line[0]))

    def __str__(self) -> str:
        width = max((len(label) for label in self.lines), default=0)
        rows = [
            f"  {label:{width}}  " + text.replace("\n", "\n" + " " * (width + 4))
            for label, text in self._ordered()
        ]
        return "\n".join([f"{self.MARKS[self.status][0]} {self.headline}", *rows])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        mark, colour = self.MARKS[self.status]
        label = "opacity:.65;padding:.1em 1em .1em 0;vertical-align:top;text-align:left;white-space:nowrap"
        text = "padding:.1em 0;vertical-align:top;text-align:left;white-space:pre-wrap"
        rows = "".join(
            (
                '<tr style="background:none"><td '
                f'style="{label}">{html.escape(k)}</td><td style="{text}">{_as_html(v)}</td></tr>'
            )
            for k, v in self._ordered()
        )
        head = f'<b style="color:{colour}">{mark}</b> <b>{_as_html(self.headline)}</b>'
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em">{head}<table>{rows}</table></div>'
        )


def _as_html(text: str) -> str:
    """Text as HTML: what stands between backticks on one line becomes code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text))


def show(verdict: Verdict) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(verdict)
        return
    display(verdict) if get_ipython() else print(verdict)
