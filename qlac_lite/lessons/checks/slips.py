"""Small slips in a right answer, one at a time.

Where no misconception is recognised, a check asks which slip would give the numbers that came: a comparison
that counts equality in, a term left out, another axis. What it tells is a fact about all cases: a right
answer with this slip gives the same.
"""

import ast
import builtins
import contextlib
import functools
import inspect
import itertools
import math
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

ROUNDS = 10_000  # after which a loop of a slip counts as endless
_until = math.inf  # the time after which a loop of a slip ends

_COMPARED = {
    ast.Lt: (ast.LtE, "a comparison counts equality in, where it has to leave it out"),
    ast.Gt: (ast.GtE, "a comparison counts equality in, where it has to leave it out"),
    ast.LtE: (ast.Lt, "a comparison leaves equality out, where it has to count it in"),
    ast.GtE: (ast.Gt, "a comparison leaves equality out, where it has to count it in"),
}
_TURNED = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq}
_TURNED |= {ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
_COMPUTED = {
    ast.Add: (ast.Sub, "something is subtracted that has to be added"),
    ast.Sub: (ast.Add, "something is added that has to be subtracted"),
    ast.Mult: (ast.Div, "it is divided, where it has to be multiplied"),
    ast.Div: (ast.Mult, "it is multiplied, where it has to be divided"),
    ast.FloorDiv: (ast.Div, "a division is not rounded down"),
    ast.BitAnd: (ast.BitOr, "one of two conditions is enough, where both have to hold"),
    ast.BitOr: (ast.BitAnd, "both of two conditions have to hold, where one is enough"),
}
_ALIKE = [
    ("mean", "sum", "min", "max", "median"),
    ("minimum", "maximum"),
    ("std", "var"),
    ("any", "all"),
    ("argmin", "argmax"),
    ("floor", "ceil", "round"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("exp", "log"),
    ("cumsum", "cumprod"),
    ("normal", "uniform"),
]
_LEFT_OUT = {ast.Add: "term", ast.Sub: "term", ast.Mult: "factor", ast.Div: "factor", ast.BitAnd: "condition"}
_LEFT_OUT |= {ast.BitOr: "condition", ast.Pow: "power", ast.FloorDiv: "factor", ast.Mod: "remainder"}
_LEFT_OUT |= {ast.MatMult: "factor"}


class Slip(NamedTuple):
    """A right answer with a slip."""

    hint: str | tuple[str, str]  # what the slip is; and what stands where, if the learner knows its names
    function: Callable


class _Change(NamedTuple):
    """Another node in place of one."""

    idea: str
    new: Any
    rank: int = 1  # how likely a slip it is: the least first


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Ends the loops of slips after a time, between two rounds: an alarm could break what JAX keeps."""
    global _until
    _until = time.monotonic() + seconds
    try:
        yield
    finally:
        _until = math.inf


def slips(right: Callable) -> Iterator[Slip]:
    """What `right` becomes with one slip, the likelier ones first; none if its source cannot be had, or
    holds a compiled loop: with a slip that may never end, and nothing can interrupt it.
    """
    if not (module := _parsed(right)):
        return
    (definition,) = module.body
    known = frozenset(_arguments(definition)) | set(right.__globals__) | set(dir(builtins))
    for _, idea, code, put in sorted(_changes(definition, known), key=lambda change: change[0]):
        take_back = put()
        function = _compiled(module, right)
        take_back()
        if function:
            yield Slip((idea, code) if code else idea, function)


def _parsed(right: Callable) -> ast.Module | None:
    """The source of a function, with loops that are counted, without docstring and annotations."""
    try:
        module = ast.parse(textwrap.dedent(inspect.getsource(right)))
    except (OSError, TypeError, SyntaxError):
        return None
    definition = module.body[0]
    if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
        return None
    if any(getattr(node, "attr", "") in ("while_loop", "fori_loop") for node in ast.walk(definition)):
        return None
    for loop in [node for node in ast.walk(definition) if isinstance(node, ast.While | ast.For)]:
        field = "test" if isinstance(loop, ast.While) else "iter"
        counted = ast.Call(ast.Name(f"__{field}", ast.Load()), [getattr(loop, field)], [])
        setattr(loop, field, counted)
    if isinstance(definition.body[0], ast.Expr) and isinstance(definition.body[0].value, ast.Constant):
        definition.body = definition.body[1:] or [ast.Pass()]
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None
    return module


def _arguments(definition: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in definition.args.args]


def _compiled(module: ast.Module, right: Callable) -> Callable | None:
    made: dict[str, Any] = {}
    try:
        code = compile(ast.fix_missing_locations(module), f"<{right.__name__}, with a slip>", "exec")
        exec(code, right.__globals__ | _counters(), made)
    except (SyntaxError, ValueError, TypeError):
        return None
    return made[right.__name__]


def _counters() -> dict[str, Callable]:
    """What loops are wrapped in: it ends what does not end."""
    rounds = itertools.count()

    def one_more(value):
        if next(rounds) > ROUNDS or time.monotonic() > _until:
            raise TimeoutError("a loop does not end")
        return value

    return {"__test": one_more, "__iter": lambda values: map(one_more, values)}


def _changes(definition: ast.FunctionDef, known: frozenset[str]) -> Iterator[tuple[int, str, str, Callable]]:
    """Rank, idea, code, and what makes a change of the tree, in place: it returns what takes it back."""
    for parent in ast.walk(definition):
        for field, value in ast.iter_fields(parent):
            places = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for at, node in places:
                for change in _of(node, parent, definition, known):
                    code = _code(node, change.new, known)
                    put = functools.partial(_put, parent, field, at, change.new)
                    yield change.rank, change.idea, code, put
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                for idea, body in _of_steps(value):
                    yield 3, idea, "", functools.partial(_put, parent, field, None, body)
    for one, other in itertools.combinations(_arguments(definition), 2):
        yield (
            2,
            f"`{one}` and `{other}` have changed places",
            "",
            functools.partial(_exchange, definition, one, other),
        )


def _put(parent: ast.AST, field: str, at: int | None, new: Any) -> Callable:
    if at is None:
        old = getattr(parent, field)
        setattr(parent, field, new)
        return lambda: setattr(parent, field, old)
    nodes = getattr(parent, field)
    old, nodes[at] = nodes[at], new
    return lambda: nodes.__setitem__(at, old)


def _exchange(definition: ast.FunctionDef, one: str, other: str) -> Callable:
    def turn():
        for node in ast.walk(ast.Module(definition.body, [])):
            if isinstance(node, ast.Name) and node.id in (one, other):
                node.id = other if node.id == one else one

    turn()
    return turn


def _code(old: Any, new: Any, known: frozenset[str]) -> str:
    """What stands where, as far as the learner knows its names."""
    if not all(isinstance(node, ast.expr | ast.keyword) for node in (old, new)):
        return ""
    named = [node.id for each in (old, new) for node in ast.walk(each) if isinstance(node, ast.Name)]
    texts = [ast.unparse(node) for node in (new, old)]
    if any(name not in known for name in named) or max(map(len, texts)) > 50:
        return ""
    return f"(`{texts[0]}` for `{texts[1]}`)"


def _of(node: Any, parent: ast.AST, definition: ast.FunctionDef, known: frozenset[str]) -> Iterator[_Change]:
    """The slips at one place of the tree."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _of_comparison(node)
    elif isinstance(node, ast.BoolOp):
        both = isinstance(node.op, ast.And)
        idea = "one of two conditions is enough, where both have to hold"
        other = "both of two conditions have to hold, where one is enough"
        yield _Change(idea if both else other, ast.BoolOp(ast.Or() if both else ast.And(), node.values), 0)
        for value in node.values:
            rest = [each for each in node.values if each is not value]
            yield _Change("a condition is left out", ast.BoolOp(node.op, rest) if rest[1:] else rest[0], 0)
    elif isinstance(node, ast.BinOp):
        yield from _of_arithmetic(node, known)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        idea = "a minus is missing" if isinstance(node.op, ast.USub) else "a condition is turned round"
        yield _Change(idea, node.operand, 0)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.keyword):
        yield from _of_keyword(node)
    elif isinstance(node, ast.Slice):
        yield from _of_slice(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield from _of_index(node)
    elif isinstance(node, ast.IfExp):
        yield _Change("of two branches, the first is always taken", node.body)
        yield _Change("of two branches, the second is always taken", node.orelse)
    elif isinstance(node, ast.comprehension) and node.ifs:
        kept = ast.comprehension(node.target, node.iter, [], node.is_async)
        yield _Change("a condition is left out: everything is taken", kept)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from _of_constant(node, parent)
    elif isinstance(node, ast.Tuple) and isinstance(parent, ast.Subscript):
        yield from _of_indices(node)
    elif isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _of_name(node, definition, known)


def _of_name(node: ast.Name, definition: ast.FunctionDef, known: frozenset[str]) -> Iterator[_Change]:
    arguments = set(_arguments(definition))
    names = [each for each in ast.walk(definition) if isinstance(each, ast.Name)]
    here = arguments | {each.id for each in names if isinstance(each.ctx, ast.Store)}
    if node.id not in here:
        return
    for other in sorted(here - {node.id}):
        if other in known or node.id in known:  # else it would say nothing
            told = f"`{other}`" if other in known else "something else"
            belongs = f"`{node.id}` belongs" if node.id in known else "another value belongs"
            yield _Change(f"{told} stands where {belongs}", ast.Name(other, ast.Load()), 4)
    told = f"`{node.id}`" if node.id in known else "a value"
    for more, idea in ((1, "large"), (-1, "small")):
        yield _Change(f"{told} is 1 too {idea}", _moved(node, more), 5)
    for axis in range(2) if node.id in arguments else ():
        for end, part in (("first", ast.Slice(ast.Constant(1))), ("last", ast.Slice(None, _number(-1)))):
            idea = f"the {end} entry of {told} along axis {axis} is left out"
            index = ast.Tuple([ast.Slice()] * axis + [part], ast.Load())
            yield _Change(idea, ast.Subscript(node, index, ast.Load()), 5)


def _of_comparison(node: ast.Compare) -> Iterator[_Change]:
    kind, (right,) = type(node.ops[0]), node.comparators
    if kind in _COMPARED:
        other, idea = _COMPARED[kind]
        yield _Change(idea, ast.Compare(node.left, [other()], [right]), 0)
    if kind in _TURNED:
        turned = ast.Compare(node.left, [_TURNED[kind]()], [right])
        yield _Change("a condition is turned round", turned, 0)
    if kind in _COMPARED:
        for side, idea in ((1, "larger"), (-1, "smaller")):
            limit = ast.Compare(node.left, node.ops, [_moved(right, side)])
            yield _Change(f"a limit is 1 {idea}", limit, 2)
    yield _Change("a condition always holds", ast.Constant(True), 2)
    yield _Change("a condition never holds", ast.Constant(False), 2)


def _of_arithmetic(node: ast.BinOp, known: frozenset[str]) -> Iterator[_Change]:
    kind = type(node.op)
    if kind in _COMPUTED:
        other, idea = _COMPUTED[kind]
        yield _Change(idea, ast.BinOp(node.left, other(), node.right), 0)
    if kind in (ast.Sub, ast.Div):
        idea = "a difference has the wrong sign" if kind is ast.Sub else "a fraction stands on its head"
        yield _Change(idea, ast.BinOp(node.right, node.op, node.left), 0)
    if kind is ast.Div:
        yield _Change("a division is rounded down", ast.BinOp(node.left, ast.FloorDiv(), node.right))
    if kind is ast.Pow:
        for more in (1, -1):
            idea = f"a power is one too {'large' if more > 0 else 'small'}"
            yield _Change(idea, ast.BinOp(node.left, kind(), _moved(node.right, more)), 0)
    for more, idea in ((1, "large"), (-1, "small")):
        if kind is ast.FloorDiv:
            yield _Change(f"a rounded number is one too {idea}", _moved(node, more))
    inner = node.left
    if kind in (ast.Mult, ast.Div) and isinstance(inner, ast.BinOp) and not isinstance(inner.op, ast.Pow):
        regrouped = ast.BinOp(inner.left, inner.op, ast.BinOp(inner.right, node.op, node.right))
        yield _Change("brackets stand elsewhere, or are missing", regrouped)
    if kind in _LEFT_OUT:
        for left, kept in ((node.right, node.left), (node.left, node.right)):
            if kind is ast.Sub and kept is node.right:
                kept = ast.UnaryOp(ast.USub(), kept)
            yield _Change(f"a {_LEFT_OUT[kind]} is left out{_named(left, known)}", kept, 0)


def _of_call(node: ast.Call) -> Iterator[_Change]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for family in _ALIKE:
        for other in family if name in family else ():
            if other == name:
                continue
            if isinstance(node.func, ast.Attribute):
                function = ast.Attribute(node.func.value, other, ast.Load())
            elif hasattr(builtins, other):
                function = ast.Name(other, ast.Load())
            else:
                continue
            yield _Change(
                f"`{other}` stands where `{name}` belongs", ast.Call(function, node.args, node.keywords), 0
            )
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    inside = [node.func.value, *node.args] if method else node.args
    if inside and name not in ("", "range", "__test", "__iter"):
        yield _Change(f"`{name}` is missing", inside[0], 1)
    for more, idea in ((1, "large"), (-1, "small")) if name == "len" else ():
        yield _Change(f"a count is one too {idea}", _moved(node, more))
    if name == "where" and len(node.args) == 3:
        yield _Change("of two branches of `where`, the first is always taken", node.args[1])
        yield _Change("of two branches of `where`, the second is always taken", node.args[2])
    for i, j in itertools.combinations(range(len(node.args)), 2):
        args = list(node.args)
        args[i], args[j] = args[j], args[i]
        yield _Change(
            f"two arguments of `{name}` have changed places", ast.Call(node.func, args, node.keywords), 2
        )
    if name == "range":
        end = 0 if len(node.args) == 1 else 1
        for more, idea in (
            (1, "a loop makes one round too many at its end"),
            (-1, "a loop leaves its last round out"),
        ):
            args = list(node.args)
            args[end] = _moved(args[end], more)
            yield _Change(idea, ast.Call(node.func, args, []), 0)
        if end == 0:
            args = [ast.Constant(1), node.args[0]]
            yield _Change("a loop begins with 1, not with 0", ast.Call(node.func, args, []), 0)
    for keyword in node.keywords:
        if keyword.arg is not None:
            rest = [each for each in node.keywords if each is not keyword]
            text = f"`{keyword.arg}` is not given to `{name}`"
            yield _Change(text, ast.Call(node.func, node.args, rest), 1)


def _of_keyword(node: ast.keyword) -> Iterator[_Change]:
    if node.arg == "axis":
        for axis in {0, 1, 2, -1} - {getattr(node.value, "value", None)}:
            yield _Change("it goes along another axis", ast.keyword("axis", _number(axis)), 0)


def _of_slice(node: ast.Slice) -> Iterator[_Change]:
    ends = {"lower": "begins", "upper": "ends"}
    for field, word in ends.items():
        bound = getattr(node, field)
        for more, idea in ((1, "late"), (-1, "early")):
            if bound is None:
                new = {("lower", 1): 1, ("upper", -1): -1}.get((field, more))
                if new is None:
                    continue
                moved = _number(new)
            else:
                moved = _moved(bound, more)
            given = {f: getattr(node, f) for f in ("lower", "upper", "step")} | {field: moved}
            yield _Change(f"a slice {word} one place too {idea}", ast.Slice(**given), 0)
        if bound is not None:
            given = {f: getattr(node, f) for f in ("lower", "upper", "step")} | {field: None}
            where = "from the very first" if field == "lower" else "to the very last"
            yield _Change(f"a slice goes {where}", ast.Slice(**given), 0)
    if node.step is not None:
        idea = "the order is not reversed" if _reverses(node) else "a slice takes every entry"
        yield _Change(idea, ast.Slice(node.lower, node.upper), 0)


def _reverses(node: ast.Slice) -> bool:
    return isinstance(node.step, ast.UnaryOp)


def _of_index(node: ast.Subscript) -> Iterator[_Change]:
    if isinstance(node.slice, ast.Slice | ast.Tuple):
        if isinstance(node.slice, ast.Slice):
            whole = (
                "the order is not reversed"
                if _reverses(node.slice)
                else "a slice is missing: everything is taken"
            )
            yield _Change(whole, node.value, 2)
        return
    if isinstance(node.slice, ast.Constant) and not isinstance(node.slice.value, int):
        return
    for more, idea in ((1, "large"), (-1, "small")):
        index = ast.Subscript(node.value, _moved(node.slice, more), ast.Load())
        yield _Change(f"an index is one too {idea}", index, 1)


def _of_indices(node: ast.Tuple) -> Iterator[_Change]:
    for i, each in enumerate(node.elts):
        if isinstance(each, ast.Slice | ast.Constant):
            continue
        for more, idea in ((1, "large"), (-1, "small")):
            moved = [*node.elts[:i], _moved(each, more), *node.elts[i + 1 :]]
            yield _Change(f"an index is one too {idea}", ast.Tuple(moved, ast.Load()))
    for i, j in itertools.combinations(range(len(node.elts)), 2):
        turned = list(node.elts)
        turned[i], turned[j] = turned[j], turned[i]
        yield _Change("two indices have changed places", ast.Tuple(turned, ast.Load()))


def _of_constant(node: ast.Constant, parent: ast.AST) -> Iterator[_Change]:
    if isinstance(parent, ast.Slice | ast.Subscript | ast.keyword):
        return
    others = {node.value + 1, node.value - 1, 0, 1, node.value / 2, node.value * 2} - {node.value}
    for other in sorted(others, key=lambda each: abs(each - node.value)):
        whole = int(other) if type(node.value) is int and other == int(other) else other
        yield _Change(f"a number is too {'large' if other > node.value else 'small'}", _number(whole), 2)


def _of_statement(node: ast.stmt) -> Iterator[_Change]:
    if isinstance(node, ast.If):
        yield _Change("a condition always holds", ast.If(ast.Constant(True), node.body, node.orelse), 1)
        yield _Change("a condition never holds", ast.If(ast.Constant(False), node.body, node.orelse), 1)
        turned = ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield _Change("a condition is turned round", turned, 1)
    if isinstance(node, ast.AugAssign):
        target = ast.Name(node.target.id, ast.Store()) if isinstance(node.target, ast.Name) else node.target
        yield _Change("a value is overwritten, not added to", ast.Assign([target], node.value), 0)
        if type(node.op) in _COMPUTED:
            other, idea = _COMPUTED[type(node.op)]
            yield _Change(idea, ast.AugAssign(node.target, other(), node.value), 0)
    if isinstance(node, ast.Break):
        yield _Change("a loop goes on, where it has to end", ast.Pass(), 0)
    if isinstance(node, ast.Continue):
        yield _Change("a loop ends, where it has to go on with the next round", ast.Break(), 0)
        yield _Change("a round goes on, where the next one has to begin", ast.Pass(), 0)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
        yield _Change("a step is left out", ast.Pass(), 2)


def _of_steps(steps: list[ast.stmt]) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Two steps in another order, a value that never begins anew, or that begins anew each round."""
    for at, (one, other) in enumerate(itertools.pairwise(steps)):
        yield "two steps come in the wrong order", [*steps[:at], other, one, *steps[at + 2 :]]
    for at, loop in enumerate(steps):
        if not isinstance(loop, ast.For | ast.While):
            continue
        for before in steps[max(0, at - 3) : at]:
            if isinstance(before, ast.Assign):
                inside = type(loop)(**{field: value for field, value in ast.iter_fields(loop)})
                inside.body = [before, *loop.body]
                anew = [*steps[:at], inside, *steps[at + 1 :]]
                yield "a value begins anew in each round of a loop", anew
        if isinstance(loop.body[0], ast.Assign) and len(loop.body) > 1:
            outside = type(loop)(**{field: value for field, value in ast.iter_fields(loop)})
            outside.body = loop.body[1:]
            moved = [*steps[:at], loop.body[0], outside, *steps[at + 1 :]]
            yield "a value never begins anew in a loop", moved


def _named(node: ast.AST, known: frozenset[str]) -> str:
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Constant)
    return f": `{ast.unparse(node)}`" if simple and names <= known else ""


def _is_module(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("np", "jnp", "jax", "math", "optax", "itertools")


def _number(value: float) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _moved(node: ast.expr, more: int) -> ast.expr:
    """The same plus 1 or minus 1, written as one would."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return _number(node.value + more)
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return _number(more - node.operand.value)
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        if {ast.Add: 1, ast.Sub: -1}.get(type(node.op)) == -more and node.right.value == 1:
            return node.left
    return ast.BinOp(node, ast.Add() if more > 0 else ast.Sub(), ast.Constant(1))
