"""How a check works.

    chunk_dataset = check_chunk_dataset(chunk_dataset)

An `Exercise` runs the learner's function on randomised cases, from the simplest to the hardest, and compares
with an independent reference. It says what was expected and what came, which misconception would give just
that, and what to do next. It gives back the learner's function if that is right, and else the library's own,
so that the rest of a lesson always works. It raises only where nbgrader grades (there, an error is what takes
the points away).
"""

import contextlib
import copy
import functools
import inspect
import itertools
import os
import signal
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from qlac_lite.lessons.checks.patterns import lengths, pattern
from qlac_lite.lessons.checks.slips import slips, within
from qlac_lite.lessons.checks.verdict import Verdict, show
from qlac_lite.lessons.checks.wording import (
    error_hint,
    line_of,
    number_text,
    shape_hint,
    shape_text,
)

Named = dict[str, Any]  # the parts of an answer by name, to compare and to speak of
Hint = str | tuple[str, str]  # an idea; or an idea, and the code that is told when it is needed a third time
_AGAIN = ", once more"  # how the second call with the arguments of the first case is named
_LAST_CASE: Named = {}
SEEDS_REMEMBERED = 20  # the tests go through as many, again for each answer


def last_case() -> Named:
    """The arguments, by name, of the case that an answer failed last. Raises LookupError if none has yet."""
    if not _LAST_CASE:
        raise LookupError("No check has refused an answer yet.")
    return copy.deepcopy(_LAST_CASE)


class Case(NamedTuple):
    """One call of the learner's function."""

    about: str  # what it is, in the learner's words
    args: tuple
    hint: Hint | dict[str, Hint] = ""  # where to look if it is the first that fails; may be by part
    first: bool = False  # of the exercise


class Misconception(NamedTuple):
    """A plausible wrong answer.

    An answer that agrees with `function` on all cases is told `name` and `remedy`.
    """

    name: str
    remedy: Hint
    function: Callable


def edited(right: Callable, changes: dict[str, str]) -> Callable:
    """A wrong answer as a small edit of the right one: the same function with pieces of its source replaced.

        edited(interpolate, {"data - noise": "noise - data"})

    Args:
        right: a function that is defined in a file, without decorators.
        changes: piece of the source -> what stands there instead. Each piece occurs once.

    Raises:
        ValueError: a piece that does not occur, or more than once: then the edit says nothing certain.
    """
    source = textwrap.dedent(inspect.getsource(right))
    for old, new in changes.items():
        if source.count(old) != 1:
            raise ValueError(f"{right.__name__} has {old!r} {source.count(old)} times, not once.")
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile(source, f"<{right.__name__}, edited>", "exec"), right.__globals__, made)
    return made[right.__name__]


class Exercise:
    """A check that can be called.

    Args:
        library: the library's own function; what later cells use until the answer is right.
        expected: an independent reference, called with the arguments of a case.
        cases: `cases(rng)` lists the cases, the simplest first.
        misconceptions: wrong answers that are recognised.
        parts: names of the parts of a tuple answer; none for a single array.
        counts: `counts(*args)` gives, by part, a mask of the entries that are compared; all of them where it
            is silent.
        insight: a last sentence for a right answer.
        compiled: the lesson uses the function inside `jax.jit`: it has to work there, and goes on without
            conversion.
        observe: what is compared besides the result, such as `gradients`: `observe(answer, args)` gives
            arrays by name, in the order in which `expected` returns them after the result.
        tree: the answer is dictionaries in dictionaries; `parts` names their leaves, such as "layer.bias".
        choice: the answer is the number of an option. What was expected is not told, and a misconception is
            one option of one case: it is named as soon as that case fails, whatever the others say.
        first: parts that are compared before the others, because they tell most.
        observed: where to look if the result agrees, and only what is observed does not.
        where: by part, where to look if it is the first that differs, and not in the first case, whose own
            hint shows all of it.
        observing: if it is neither jax.jit nor a gradient: when the answer is called then, and what to try
            if it raises.
        untraced: what to write in place of Python's own control flow, if an answer needs more than arrays.
        loops: the answer has a compiled loop. Each case runs it in Python first, where one without an end can
            be interrupted. No slip is searched for.
    """

    seconds = 60.0  # after which an answer to one case counts as endless
    searching = 5.0  # seconds, at most, for a slip that gives the same

    def __init__(
        self,
        library: Callable,
        expected: Callable,
        cases: Callable[[np.random.Generator], list[Case]],
        misconceptions: Sequence[Misconception] = (),
        parts: Sequence[str] = (),
        counts: Callable[..., dict[str, np.ndarray]] = lambda *args: {},
        insight: str = "",
        compiled: bool = False,
        observe: "Observe | None" = None,
        tree: bool = False,
        choice: bool = False,
        first: Sequence[str] = (),
        observed: Hint = "",
        where: dict[str, Hint] | None = None,
        observing: tuple[str, str] | None = None,
        untraced: str = (
            "Use jnp for everything, jnp.where in place of if, and x.at[...].set(y) in place of assignments."
        ),
        loops: bool = False,
    ):
        self.library, self.expected, self.cases, self.misconceptions = (
            library,
            expected,
            cases,
            misconceptions,
        )
        self.parts, self.counts, self.insight, self.compiled = tuple(parts), counts, insight, compiled
        self.tree, self.choice, self.loops = tree, choice, loops
        self.first, self.observed, self.untraced = tuple(first), observed, untraced
        self.where, self.observing = where or {}, observing
        self.observe = observe or (lambda answer, args: {})
        self.name = library.__name__
        self._needed: dict[str, int] = {}  # how often an idea was told since the last right answer
        self._told_now: set[str] = set()
        self._seed = np.random.SeedSequence().entropy  # the same cases until the answer is right
        self._remembered: dict[int, dict] = {}  # what the references give for the cases of the last seeds
        self._memory: dict = {}  # of the seed at hand

    def __call__(self, answer: Callable) -> Callable:
        answer = getattr(answer, "learners_own", answer)  # a right answer that is checked again
        self._told_now = set()
        verdict = self.judge(answer)
        if verdict.status != "wrong":
            self._needed = {}
        for idea in self._told_now:
            if any(idea in text for text in verdict.lines.values()):
                self._needed[idea] = self._needed.get(idea, 0) + 1
        if verdict.status != "right" and os.environ.get("NBGRADER_EXECUTION"):
            _give(self.name, self.library)  # an error keeps the cell from assigning it
            raise AssertionError(str(verdict))
        if verdict.status == "wrong":
            verdict.lines["meanwhile"] = "Until it is right, the cells below use the library's own."
        show(verdict)
        if verdict.status != "right":
            return self.library
        return _marked(answer) if self.compiled else _with_arrays(answer)

    def judge(self, answer: Callable, seed: int | None = None) -> Verdict:
        """The verdict on `answer`;
        random cases, which stay the same until an answer is right, or those of `seed`.
        """
        verdict = self._judge(answer, self._seed if seed is None else seed)
        if verdict.status == "right":
            self._seed = np.random.SeedSequence().entropy
        return verdict

    def _judge(self, answer: Callable, seed: int) -> Verdict:
        if answer is self.library:
            return self._wrong(
                "this is the library's own function, not yours",
                next="Run the cell with your own function again, then this one.",
            )
        if not callable(answer):
            return self._wrong(
                f"{type(answer).__name__} is not a function",
                next=f"Run the cell that defines `{self.name}` again, then this one.",
            )
        self._memory = self._remembered.setdefault(seed, {})
        if len(self._remembered) > SEEDS_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        cases = self.cases(np.random.default_rng(seed))
        cases[0] = cases[0]._replace(first=True)
        cases.insert(
            1,
            cases[0]._replace(
                about=f"{cases[0].about}{_AGAIN}",
                hint=(
                    "It was right the first time: "
                    "the function keeps something between calls, in a global or in a default argument."
                ),
            ),
        )
        first_wrong, got, raised_in = None, [], None
        for case in cases:
            result = self._run(answer, case)
            if isinstance(result, Verdict) and first_wrong:
                raised_in = case
                break
            if isinstance(result, Verdict):
                self._keep(case)
                return result
            got.append(result)
            if first_wrong is None:
                first_wrong = self._compare(case, result, self._reference(case))
                if first_wrong:
                    self._keep(case)
                if first_wrong and len(got) > 1:
                    right = [c.about for c in cases[: len(got) - 1] if not c.about.endswith(_AGAIN)]
                    told = (
                        "; ".join(right) if len(right) < 4 else f"{len(right)} cases; the last: {right[-1]}"
                    )
                    first_wrong.lines = {"right so far": told} | first_wrong.lines
        if first_wrong is None and self.compiled:
            first_wrong = self._compiles(answer, cases[-1])
        if first_wrong is None:
            return Verdict("right", f"{self.name}: right in all {len(cases)} cases", note=self.insight)
        cases = cases[: len(got)]
        if self.choice:
            failed = next(
                i
                for i, (case, g) in enumerate(zip(cases, got, strict=True))
                if not self._same(case, g, self._reference(case))
            )
            cases, got = cases[failed : failed + 1], got[failed : failed + 1]
        for order in () if self.tree else itertools.permutations(self.parts):
            swapped = [g | dict(zip(self.parts, (g[part] for part in order), strict=True)) for g in got]
            if order != self.parts and all(
                self._same(case, g, self._reference(case)) for g, case in zip(swapped, cases, strict=True)
            ):
                return self._wrong(
                    "the results come in another order",
                    expected=", ".join(self.parts),
                    next=f"End with `return {', '.join(self.parts)}`.",
                )
        failed_first = sorted(
            zip(cases, got, strict=True), key=lambda pair: self._same(*pair, self._reference(pair[0]))
        )  # they tell most: an answer that is right in a case agrees there with many misconceptions
        for mistake in self.misconceptions:
            alike = all(self._gives(mistake.function, *pair) for pair in failed_first)
            if alike and (raised_in is None or _raises(mistake.function, raised_in)):
                if first_wrong.headline.endswith("has the wrong shape"):  # the mistake is another one
                    first_wrong.headline = f"{self.name}: not right yet"
                first_wrong.lines |= {"likely": mistake.name} | (
                    {} if self.choice else {"next": self._told(mistake.remedy)}
                )
                break
        else:
            if first_wrong.part and not self.choice and raised_in is None:
                slip = {} if self.loops else self._slip(first_wrong.part, cases, got)
                first_wrong.lines |= slip or self._pattern(first_wrong.part, cases, got)
        return first_wrong

    def _slip(self, part: str, cases: list[Case], got: list[Named]) -> dict[str, str]:
        """The slips in a right answer that give a part as it came, in all cases: two of them at most."""
        differs = lambda case, g: not self._same(case, g, {part: self._reference(case)[part]})
        pairs = sorted(zip(cases, got, strict=True), key=lambda pair: not differs(*pair))
        until, found = time.monotonic() + self.searching, []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for slip in self._slips:
                if time.monotonic() > until or len(found) == 2:
                    break
                with within(self.searching / 5):
                    alike = all(self._gives(slip.function, *pair, part) for pair in pairs)
                if alike and slip.hint not in found:
                    found.append(slip.hint)
        told = "; or in which ".join(map(self._told, found))
        return {"same as": f"a right answer in which {told}"} if found else {}

    @functools.cached_property
    def _slips(self) -> "_Kept":
        """Of both right answers, which are written in two ways."""
        answers = lambda function: lambda *args: self._answer_of(function(*args))
        expected = slips(self.expected) if self.expected is not self.library else ()
        others = (slip._replace(function=answers(slip.function)) for slip in expected)
        return _Kept(itertools.chain(slips(self.library), others))

    def _answer_of(self, values: Any) -> Any:
        """The reference's result without what is observed besides."""
        count = len(self.parts) or 1
        more = isinstance(values, tuple) and len(values) > count
        return values if not more else values[:count] if self.parts else values[0]

    def _gives(self, function: Callable, case: Case, got: Named, part: str = "") -> bool:
        try:
            return self._like(function, case, got, part)
        except Exception:
            return False

    def _pattern(self, part: str, cases: list[Case], got: list[Named]) -> dict[str, str]:
        """What the numbers of a part that differs have in common with the right ones, in all cases."""
        names = inspect.signature(self.library).parameters
        arguments = [_arrays(zip(names, case.args, strict=True)) for case in cases]
        rights = [self._reference(case) for case in cases]
        if any(each[part].shape != right[part].shape for each, right in zip(got, rights, strict=True)):
            text = lengths([(each[part], right[part]) for each, right in zip(got, rights, strict=True)])
            return {"pattern": text} if text else {}
        seen = [self.counts(*case.args).get(part, ...) for case in cases]
        pairs = [(g[part][m], r[part][m]) for g, r, m in zip(got, rights, seen, strict=True)]
        others = {name: [right[name] for right in rights] for name in self.parts if name != part}
        whole = all(np.shape(pair[0]) == np.shape(g[part]) for pair, g in zip(pairs, got, strict=True))
        text = pattern(part, pairs, arguments, others, whole)
        return {"pattern": text} if text else {}

    def _keep(self, case: Case) -> None:
        """For `last_case`."""
        _LAST_CASE.clear()
        _LAST_CASE.update(zip(inspect.signature(self.library).parameters, case.args, strict=True))

    def _told(self, hint: Hint | dict[str, Hint], part: str = "") -> str:
        """A hint as it is told; of hints by part, that of the part, or else all of them."""
        if isinstance(hint, dict):
            hints = [hint[part]] if part in hint else hint.values()
            return " ".join(map(self._told, hints))
        if isinstance(hint, str):
            return hint
        self._told_now.add(hint[0])
        return " ".join(hint) if self._needed.get(hint[0], 0) >= 2 else hint[0]

    def _same(self, case: Case, got: Named, other: Named) -> bool:
        counted = self.counts(*case.args)
        return all(
            value.shape == got[part].shape
            and _agrees(got[part][counted.get(part, ...)], value[counted.get(part, ...)])
            for part, value in other.items()
        )

    def _run(self, answer: Callable, case: Case) -> Named | Verdict:
        """The learner's answer to a case by the names of its parts,
        or what is wrong with it before any comparison.
        """
        args, about = copy.deepcopy(case.args), {"case": case.about}
        try:
            with _ending(self.seconds):
                if self.loops:
                    _in_python(answer, copy.deepcopy(case.args))
                result = answer(*args)
        except NotImplementedError:
            return Verdict(
                "open",
                f"{self.name}: not attempted yet",
                note=(
                    "Until it is right, the cells below use the library's own. "
                    "(If you have written it: is the line `raise NotImplementedError()` still there?)"
                ),
            )
        except (Exception, SystemExit) as error:
            return self._wrong(
                f"it raised {type(error).__name__}",
                **about,
                inputs=self._inputs(case),
                error=f"{error}{line_of(error)}",
                likely=error_hint(error),
                note="" if hasattr(error, "likely") else self._told(case.hint),
                next="Call it by hand with small arrays, and print the shapes on the way.",
            )
        if not _agrees({"": args}, {"": case.args}):
            return self._wrong(
                "it changes its arguments",
                **about,
                likely=(
                    "An in-place operation on an argument, such as +=, x[...] = or np.add.at(x, ...). "
                    "Note that new = x is no copy."
                ),
                next="Make a new array (x = x + ...), or copy first: new = x.copy().",
            )
        if result is None:
            return self._wrong(
                "it returned None",
                **about,
                likely="The return statement is missing, or stands in one branch only.",
                next="End with `return ...`.",
            )
        named = self._named(self._unpacked(result, case), about)
        if isinstance(named, Verdict):
            return named
        try:
            observed = _floats(self.observe(answer, args))
        except Exception as error:
            wanted = self._reference(case)
            wrong = self._compare(case, named, {part: wanted[part] for part in named})
            return wrong or (self._raised if self.observing else self._not_traced)(error, **about)
        if any(answer is mistake.function for mistake in self.misconceptions):  # it is met again as such
            key = (answer, case.about.removesuffix(_AGAIN))
            self._once(lambda: (named, args), key)
            self._once(lambda: observed, (*key, "observed"))
        return named | observed

    def _compiles(self, answer: Callable, case: Case) -> Verdict | None:
        """What is wrong with the answer inside `jax.jit`, where its arrays are tracers."""
        import jax

        traced = [isinstance(arg, np.ndarray | jax.Array) for arg in case.args]
        arrays = [arg for arg, is_array in zip(case.args, traced, strict=True) if is_array]

        def call(*arrays):
            rest = iter(arrays)
            return answer(
                *(next(rest) if is_array else arg for arg, is_array in zip(case.args, traced, strict=True))
            )

        try:
            result = self._named(self._unpacked(jax.jit(call)(*arrays), case), {"case": "inside jax.jit"})
        except Exception as error:
            return self._not_traced(error)
        wanted = self._reference(case)
        return (
            result
            if isinstance(result, Verdict)
            else self._compare(case, result, {part: wanted[part] for part in result})
        )

    def _raised(self, error: Exception, **lines: str) -> Verdict:
        """The error of an answer that was right by itself, and is called otherwise to be observed."""
        when, what_to_try = self.observing
        told = {"error": f"{error}{line_of(error)}", "likely": error_hint(error), "next": what_to_try}
        return self._wrong(f"it raised {type(error).__name__} {when}", **lines | told)

    def _not_traced(self, error: Exception, **lines: str) -> Verdict:
        likely = error_hint(error) or (
            "A function of np where jnp is needed, an `if`, `and`, `or` or a float(...) on the value of an "
            "array, or an assignment x[...] = y."
        )
        return self._wrong(
            "right by itself, but not inside jax.jit or jax.grad",
            **lines,
            error=f"{type(error).__name__}: {str(error).splitlines()[0][:120]}{line_of(error)}",
            likely=likely,
            next=self.untraced,
        )

    def _unpacked(self, result: Any, case: Case) -> Any:
        """An array as a tuple, where the answer is several numbers;
        a tuple of truths as a list, where it is one array.
        """
        if (
            not self.parts
            and not self.tree
            and isinstance(result, tuple)
            and all(isinstance(v, bool | np.bool_) for v in result)
        ):
            return list(result) if np.ndim(self._reference(case)[self.name]) == 1 else result
        if not self.parts or self.tree or isinstance(result, tuple | list) or np.ndim(result) != 1:
            return result
        wanted = self._reference(case)
        return tuple(result) if all(np.ndim(wanted[part]) == 0 for part in self.parts) else result

    def _named(self, result: Any, about: dict[str, str]) -> Named | Verdict:
        if not self.parts and isinstance(result, tuple) and not _flat(result):
            return self._wrong(
                f"it returned a tuple of {len(result)}",
                **about,
                expected="one array",
                likely="Several results, a comma too much after return, or np.where, which gives a tuple.",
                next="End with `return ...`, one array.",
            )
        if self.tree:
            leaves = _leaves(result) if isinstance(result, dict) else {}
            if set(leaves) != set(self.parts):
                return self._other_tree(result, leaves, about)
            result = tuple(leaves[part] for part in self.parts)
        if not self.parts:
            values = {self.name: result}
        elif isinstance(result, tuple | list) and len(result) == len(self.parts):
            values = dict(zip(self.parts, result, strict=True))
        else:
            what = (
                f"{len(result)} values"
                if isinstance(result, tuple | list)
                else f"one {type(result).__name__}"
            )
            return self._wrong(
                "it returns the wrong number of values",
                **about,
                expected=", ".join(self.parts),
                got=what,
                next=f"End with `return {', '.join(self.parts)}`.",
            )
        named = {}
        for part, value in values.items():
            try:
                named[part] = np.asarray(value, float)
                if np.asarray(value).dtype.kind not in "fiub" or (self.choice and np.ndim(value)):
                    raise TypeError
            except (TypeError, ValueError):
                if self.choice:
                    return self._wrong(
                        "the number of one option is asked for",
                        **about,
                        got=f"{type(value).__name__}: {str(value)[:80]}",
                        next="Return one whole number, as in `return 3`.",
                    )
                return self._wrong(
                    f"{self._called(part)} is not an array of numbers",
                    **about,
                    got=f"{type(value).__name__}: {str(value)[:80]}",
                    next=(
                        "It has to be a number in every branch, also where nothing is found."
                        if value is None
                        else "Return NumPy arrays (np.array, np.stack), "
                        "not lists of unequal length, generators, functions or text."
                    ),
                )
        return named

    def _other_tree(self, result: Any, leaves: Named, about: dict[str, str]) -> Verdict:
        """The answer is not a dictionary, or one with other entries."""
        number = isinstance(result, int | float) or getattr(result, "shape", None) == ()
        got = "one number" if number else f"a {type(result).__name__}"
        likely = ""
        if isinstance(result, dict):
            got, likely = ", ".join(leaves), ""
            if missing := [part for part in self.parts if part not in leaves]:
                likely = f"Missing: {', '.join(missing)}. "
            if more := [name for name in leaves if name not in self.parts]:
                likely += f"Not asked for: {', '.join(more)}."
        return self._wrong(
            "it does not return the dictionary that is asked for",
            **about,
            expected=f"a dictionary with {', '.join(self.parts)}"
            + " (a.b is the entry b of the dictionary a)" * any("." in part for part in self.parts),
            got=got,
            likely=likely.strip(),
            next="Return one dictionary, with each entry under its name.",
        )

    def _like(self, mistake: Callable, case: Case, got: Named, part: str = "") -> bool:
        """Whether a misconception gives what came, in all or in one part.
        What takes long is observed only where the rest agrees.
        """
        key = (mistake, case.about.removesuffix(_AGAIN))

        def result():
            args = copy.deepcopy(case.args)
            return self._named(mistake(*args), {}), args

        named, args = self._once(result, key)
        if part in named:
            return self._same(case, got, {part: named[part]})
        if not self._same(case, got, named):
            return False
        observed = self._once(lambda: _floats(self.observe(mistake, args)), (*key, "observed"))
        return self._same(case, got, {part: observed[part]} if part else observed)

    def _reference(self, case: Case) -> Named:
        """What `expected` gives by the names of its parts."""

        def result():
            args = copy.deepcopy(case.args)
            values = self.expected(*args)
            observed = self._once(lambda: list(self.observe(self.library, args)), "names")
            names = [*(self.parts or [self.name]), *observed]
            return _floats(dict(zip(names, [values] if len(names) == 1 else values, strict=True)))

        return self._once(result, (self.expected, case.about.removesuffix(_AGAIN)))

    def _once(self, compute: Callable[[], Any], key: tuple | str) -> Any:
        """Computed once for the cases of a seed."""
        if key not in self._memory:
            self._memory[key] = compute()
        return self._memory[key]

    def _inputs(self, case: Case) -> str:
        """The arguments of a case, as far as they are short enough to read."""
        names = inspect.signature(self.library).parameters
        lines = []
        for name, value in zip(names, case.args, strict=True):
            if "key<" in str(getattr(value, "dtype", "")):
                continue  # it says nothing
            if getattr(value, "shape", ()):  # of NumPy or of JAX
                value = np.asarray(value)
                small = value.size <= 24
                value = (
                    np.array2string(value, precision=3, suppress_small=True).replace("\n", "")
                    if small
                    else f"array of shape {value.shape}"
                )
            lines.append(f"{name} = {value}")
        return "\n".join(line for line in lines if len(line) < 400 and " at 0x" not in line)

    def _compare(self, case: Case, got: Named, expected: Named) -> Verdict | None:
        counted = self.counts(*case.args)
        for part in sorted(expected, key=lambda part: part not in self.first):
            wanted, value = expected[part], got[part]
            if value.shape != wanted.shape:
                told = self._wrong(
                    f"{self._called(part)} has the wrong shape",
                    case=case.about,
                    inputs=self._inputs(case),
                    expected=shape_text(wanted) + _until(wanted, value),
                    got=shape_text(value) + _until(value, wanted),
                    likely=_exchanged(part, got, expected)
                    or shape_hint(value.shape, wanted.shape, map(np.shape, case.args)),
                    next=self._told(case.hint, part),
                )
                told.part = part
                return told
            wrong = ~np.isclose(value, wanted, rtol=1e-4, atol=1e-5) & counted.get(part, True)
            if not wrong.any():
                continue
            if not np.isfinite(value[wrong]).all():
                nan = np.isnan(value[wrong]).any()
                at = tuple(int(i) for i in np.argwhere(wrong & ~np.isfinite(value))[0])
                where = f"{part}[{', '.join(map(str, at))}]" if at else part
                return self._wrong(
                    f"{self._called(part)} holds NaN or infinity",
                    case=case.about,
                    expected=f"{where} = {number_text(wanted[at])}",
                    got=f"{where} = {number_text(value[at])}",
                    likely=(
                        "A NaN of the inputs reached the result."
                        if nan and any(map(_holds_nan, case.args))
                        else "A mean of no numbers, a division by zero, np.empty that was never filled, or "
                        "an index beyond the end in jnp.take."
                        if nan
                        else "A division by zero, or a mark such as -np.inf that reached the result."
                    ),
                    next=self._told(case.hint, part),
                )
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            where = f"{part}[{', '.join(map(str, at))}]" if at else part
            share = f"   ({wrong.sum()} of {wrong.size} entries differ)" if wrong.size > 1 else ""
            if self.choice:
                return self._wrong(
                    "not right yet", case=case.about, got=number_text(value[at]), next=self._told(case.hint)
                )
            told = self._wrong(
                "not right yet",
                case=case.about,
                inputs=self._inputs(case),
                expected=f"{where} = {number_text(wanted[at])}",
                got=f"{where} = {number_text(value[at])}{share}",
                next=self._told(self._where_to_look(case, part), part),
            )
            told.part = part
            return told
        return None

    def _where_to_look(self, case: Case, part: str) -> Hint | dict[str, Hint]:
        """Where to look if a part is the first that differs."""
        if part not in (self.parts or [self.name]):
            return self.observed or case.hint
        return case.hint if case.first else self.where.get(part, case.hint)

    def _called(self, part: str) -> str:
        """A part in a headline, which begins with the function's name already."""
        return "the result" if part == self.name else part

    def _wrong(self, problem: str, **lines: str) -> Verdict:
        return Verdict("wrong", f"{self.name}: {problem}", **lines)


Observe = Callable[[Callable, tuple], Named]


def gradients(**arguments: int) -> Observe:
    """Observes the gradient of a scalar answer in some arguments, by the names to call them;
    in each entry of a dict argument.
    """

    def observe(answer, args):
        import jax

        named = {}
        slopes = jax.grad(answer, argnums=tuple(arguments.values()))(*args)
        for name, gradient in zip(arguments, slopes, strict=True):
            parts = gradient.items() if isinstance(gradient, dict) else [("", gradient)]
            named |= {f"gradient in {name}{key and ' of '}{key}": value for key, value in parts}
        return named

    return observe


def _raises(function: Callable, case: Case) -> bool:
    try:
        function(*copy.deepcopy(case.args))
    except Exception:
        return True
    return False


def _in_python(answer: Callable, args: tuple) -> None:
    import jax

    with jax.disable_jit():
        answer(*args)


class _Kept:
    """What comes from an iterator, kept for those who ask again."""

    def __init__(self, coming: Iterator):
        self._coming, self._kept = coming, []

    def __iter__(self) -> Iterator:
        for place in itertools.count():
            while place >= len(self._kept):
                try:
                    self._kept.append(next(self._coming))
                except StopIteration:
                    return
            yield self._kept[place]


@contextlib.contextmanager
def _ending(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in what does not end; not on Windows, nor outside the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    stopped = []

    def stop(number, frame):
        stopped.append(number)
        raise TimeoutError(f"it did not end within {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again: what is raised in a callback of JAX is ignored
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if stopped and "jax" in sys.modules:
            sys.modules["jax"].clear_caches()  # what was cut short there is "Recursively calling" ever after


def _holds_nan(value: Any) -> bool:
    """Whether there is a NaN in an argument, also within lists, tuples and dictionaries."""
    if isinstance(value, dict | list | tuple):
        return any(map(_holds_nan, value.values() if isinstance(value, dict) else value))
    kind = getattr(getattr(value, "dtype", None), "kind", "f" if isinstance(value, float) else "")
    return kind == "f" and bool(np.isnan(np.asarray(value)).any())


def _until(values: np.ndarray, other: np.ndarray) -> str:
    """Of two lists of unlike length that are too long to be told: up to the first entry that differs."""
    if values.ndim != 1 or other.ndim != 1 or max(values.size, other.size) <= 12:
        return ""
    both = min(values.size, other.size)
    differ = np.flatnonzero(~np.isclose(values[:both], other[:both]))
    last = differ[0] if differ.size else both
    begins = [number_text(value) for value in values[max(0, last - 3) : last + 1]]
    return f": from [{max(0, last - 3)}] on {', '.join(begins)} ..."


def _exchanged(part: str, got: Named, expected: Named) -> str:
    """What to say if two parts of an answer have each other's shape."""
    for other in expected:
        if expected[other].shape == got[part].shape and got[other].shape == expected[part].shape:
            return (
                f"It has the shape of {other}, which has that of {part}: the results are exchanged, perhaps."
            )
    return ""


def _floats(values: Named) -> Named:
    return {part: np.asarray(value, float) for part, value in values.items()}


def _arrays(arguments: Iterable[tuple[str, Any]]) -> Named:
    """Those of the arguments that are arrays of numbers."""
    numeric = lambda value: getattr(getattr(value, "dtype", None), "kind", "none") in "fiub"
    return {name: np.asarray(value) for name, value in arguments if numeric(value) and np.ndim(value)}


def _leaves(tree: Named, prefix: str = "") -> Named:
    """The arrays of nested dictionaries by their path."""
    leaves = {}
    for name, value in tree.items():
        leaves |= (
            _leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
        )
    return leaves


def _with_arrays(answer: Callable) -> Callable:
    """The learner's right answer; lists and JAX arrays that it returns come as NumPy arrays,
    which the lesson goes on with.
    """

    def convert(value):
        foreign = hasattr(value, "__array__") and not isinstance(value, np.ndarray | np.generic)
        return np.asarray(value) if foreign or isinstance(value, list) else value

    @functools.wraps(answer)
    def right(*args, **kwargs):
        result = answer(*args, **kwargs)
        if isinstance(result, range) or (isinstance(result, tuple) and _flat(result)):
            return np.asarray(result)
        return tuple(map(convert, result)) if isinstance(result, tuple) else convert(result)

    right.learners_own = answer  # not __wrapped__, which jax.jit and other decorators set too
    return right


def _marked(answer: Callable) -> Callable:
    """The learner's right answer as it is; what it returns may be traced by JAX."""
    right = lambda *args, **kwargs: answer(*args, **kwargs)
    right.learners_own = answer
    return right


def _flat(values: tuple) -> bool:
    """Whether a tuple holds plain numbers, and so is an array by another name."""
    return bool(values) and all(
        isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
        for value in values
    )


def _agrees(a: Any, b: Any) -> bool:
    """Whether two nested structures of arrays are equal within rounding; unlike things differ."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_agrees(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return (
            isinstance(b, tuple | list)
            and len(a) == len(b)
            and all(_agrees(x, y) for x, y in zip(a, b, strict=True))
        )
    if isinstance(a, np.ndarray | float | int | np.number):
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
    return True  # an environment, a function, a JAX array, which nobody can change: not compared


def _give(name: str, function: Callable) -> None:
    """Makes the notebook's `name` the library's function, for the cells that follow."""
    from IPython import get_ipython

    if shell := get_ipython():
        shell.user_ns[name] = function
