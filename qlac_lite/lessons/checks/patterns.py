"""What a wrong answer's numbers have in common with the right ones.

A pattern is a fact about all cases that were compared, not a guess at the cause: it is told where no
misconception is recognised.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # what came and what was expected, of the same shape
ENOUGH = 3  # different numbers that a pattern has to explain

_WITH_EACH = {
    "Every number has the wrong sign.": np.negative,
    "Every number is the absolute value of the right one.": np.abs,
    "Every number is the square of the right one.": np.square,
    "Every number is the root of the right one.": lambda right: np.sqrt(np.maximum(right, 0)),
    "Every number is 1 minus the right one.": lambda right: 1 - right,
    "Every number is 1 divided by the right one.": lambda right: 1 / np.where(right, right, np.nan),
    "Every number is the exponential of the right one.": lambda right: np.exp(np.minimum(right, 500)),
    "Where the right number is below 0, there is 0.": lambda right: np.maximum(right, 0),
    "Where the right number is above 0, there is 0.": lambda right: np.minimum(right, 0),
    "Every number is rounded to a whole one.": np.round,
    "Every number is cut to a whole one.": np.trunc,
    **{f"Every number is rounded to {n} digits.": lambda right, n=n: np.round(right, n) for n in (1, 2, 3)},
}
_ALONG: dict[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    "The right numbers stand in reverse order along axis {axis}.": lambda got, right: _equal(
        got, right[::-1]
    ),
    "The right numbers stand one place too late along axis {axis}.": lambda got, right: _equal(
        got[1:], right[:-1]
    ),
    "The right numbers stand one place too early along axis {axis}.": lambda got, right: _equal(
        got[:-1], right[1:]
    ),
    "Only {part}[{first}] is wrong.": lambda got, right: _equal(got[1:], right[1:]),
    "Only {part}[{last}] is wrong.": lambda got, right: _equal(got[:-1], right[:-1]),
    "Only {part}[{first}] is right.": lambda got, right: (
        _equal(got[0], right[0]) and not any(map(_equal, got[1:], right[1:]))
    ),
}

_OF_LENGTH: dict[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    "It is empty.": lambda got, right: not len(got),
    "It begins with the right numbers and goes on behind them.": lambda got, right: (
        len(got) > len(right) and _equal(got[: len(right)], right)
    ),
    "It begins with the right numbers and ends too early.": lambda got, right: (
        len(got) < len(right) and _equal(got, right[: len(got)])
    ),
    "The right numbers come last; others stand before them.": lambda got, right: (
        len(got) > len(right) and _equal(got[-len(right) :], right)
    ),
    "The first are missing; the others are right.": lambda got, right: (
        len(got) < len(right) and _equal(got, right[-len(got) :])
    ),
}


def pattern(
    part: str, pairs: list[Pair], arguments: list[Mapping[str, Any]], others: Mapping[str, list], whole=True
) -> str:
    """A sentence that is true of every case, or "".

    Args:
        part: what is compared, a part of the answer.
        pairs: for each case what came and what was expected of it.
        arguments: for each case the function's arguments by name.
        others: for each other part of the answer what was expected of it, case by case.
        whole: no entries are left out, so that places and neighbours say something.
    """
    if not all(np.isfinite(got).all() and np.isfinite(right).all() and got.size for got, right in pairs):
        return ""
    got, right = (np.concatenate([np.ravel(pair[i]) for pair in pairs]) for i in (0, 1))
    if _different(right) < ENOUGH:
        return ""
    found = [
        _constant(got),
        _same_as(pairs, arguments, others),
        next((text for text, change in _WITH_EACH.items() if _equal(got, change(right))), ""),
        _scaled(got, right),
        _by_size(pairs, arguments),
        _along_an_axis(part, pairs) if whole else "",
        _only_where(pairs, arguments),
    ]
    return next(filter(None, found), "")


def lengths(pairs: list[Pair]) -> str:
    """A sentence that is true of every case of two lists, in some of them of unlike length, or ""."""
    unlike = [(got, right) for got, right in pairs if got.shape != right.shape]
    alike = [(got, right) for got, right in pairs if got.shape == right.shape]
    if any(
        got.ndim != right.ndim or not got.ndim or got.shape[1:] != right.shape[1:] for got, right in unlike
    ):
        return ""
    if (
        not unlike
        or not all(_equal(got, right) for got, right in alike)
        or not all(len(right) for _, right in unlike)
    ):
        return ""
    return next((text for text, holds in _OF_LENGTH.items() if all(holds(*pair) for pair in unlike)), "")


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-4, atol=1e-5)


def _different(values: np.ndarray) -> int:
    return len(np.unique(np.round(values, 4)))


def _constant(got: np.ndarray) -> str:
    return (
        f"It is {got[0] + 0.0:.5g} everywhere, whatever the arguments."
        if _equal(got, got[:1] + 0 * got)
        else ""
    )


def _same_as(pairs: list[Pair], arguments: list[Mapping], others: Mapping[str, list]) -> str:
    came = [got for got, _ in pairs]
    for name, rights in others.items():
        if all(map(_equal, came, rights)):
            return f"These are the right numbers of {name}."
    for name in arguments[0]:
        given = [each.get(name) for each in arguments]
        if all(isinstance(each, np.ndarray) for each in given) and all(map(_equal, came, given)):
            return f"It is the argument `{name}`, unchanged."
    return ""


def _scaled(got: np.ndarray, right: np.ndarray) -> str:
    factor = got @ right / (right @ right)
    if _equal(got, factor * right):
        return f"Every number is {factor:.5g} times the right one."
    more = np.mean(got - right)
    if _equal(got, right + more):
        return f"Every number is {abs(more):.5g} {'more' if more > 0 else 'less'} than the right one."
    return ""


def _by_size(pairs: list[Pair], arguments: list[Mapping]) -> str:
    """A sum in place of a mean, or the reverse: a factor that is the length of an argument's axis."""
    for name, value in arguments[0].items():
        for axis in range(np.ndim(value) if isinstance(value, np.ndarray) else 0):
            given = [each.get(name) for each in arguments]
            if any(np.ndim(each) <= axis for each in given):
                continue
            sizes = [np.shape(each)[axis] for each in given]
            if len(set(sizes)) < 2:
                continue
            place = f"the length of `{name}` along axis {axis}"
            if all(_equal(got, right * size) for (got, right), size in zip(pairs, sizes, strict=True)):
                return f"Every number is the right one times {place}."
            if all(_equal(got * size, right) for (got, right), size in zip(pairs, sizes, strict=True)):
                return f"Every number is the right one divided by {place}."
    return ""


def _along_an_axis(part: str, pairs: list[Pair]) -> str:
    axes = {got.ndim for got, _ in pairs}
    if len(axes) > 1 or 0 in axes:
        return ""
    for axis in range(axes.pop()):
        turned = [(np.moveaxis(got, axis, 0), np.moveaxis(right, axis, 0)) for got, right in pairs]
        if not any(len(right) >= ENOUGH and not _equal(got, right) for got, right in turned):
            continue
        for text, holds in _ALONG.items():
            if all(len(right) > 1 and holds(got, right) for got, right in turned):
                first, last = (", ".join([":"] * axis + [place]) for place in ("0", "-1"))
                return text.format(part=part, axis=axis, first=first, last=last)
    if all(_equal(np.sort(got, axis=None), np.sort(right, axis=None)) for got, right in pairs):
        return "The right numbers stand in another order."
    return ""


def _only_where(pairs: list[Pair], arguments: list[Mapping]) -> str:
    """An argument of zeros and ones, such as a mask, that says where the answer is wrong."""
    wrongs = [~np.isclose(got, right, rtol=1e-4, atol=1e-5) for got, right in pairs]
    for name in arguments[0]:
        masks = [each.get(name) for each in arguments]
        if not _masks(masks, wrongs):
            continue
        wrong, mask = (np.concatenate(list(map(np.ravel, each))) for each in (wrongs, masks))
        for value in (0, 1):
            few = wrong.sum() < max(ENOUGH, (mask == value).sum() / 2)  # it may be by chance
            if not few and not (wrong & (mask != value)).any():
                return f"It is wrong only where `{name}` is {value}."
    return ""


def _masks(masks: Iterable, wrongs: list[np.ndarray]) -> bool:
    """Whether these are zeros and ones, both of them, of the shape of the answer."""
    masks = list(masks)
    if any(mask is None or mask.shape != wrong.shape for mask, wrong in zip(masks, wrongs, strict=True)):
        return False
    return {0.0, 1.0} == {float(value) for mask in masks for value in np.unique(mask)[:3]}
