"""How a check speaks of numbers, shapes and errors."""

import math
import re
import traceback
from collections.abc import Iterable

import numpy as np


def error_hint(error: BaseException) -> str:
    """What an error probably comes from. Where the check itself raised it, `error.likely` says so."""
    if likely := getattr(error, "likely", ""):
        return likely
    if type(error).__name__ in (
        "TracerArrayConversionError",
        "TracerBoolConversionError",
        "ConcretizationTypeError",
    ):
        return (
            "A function of np where jnp is needed, or an `if`, an `and` (write &, with brackets round each "
            "comparison) or a float(...) on the value of an array."
        )
    if "static integers" in str(error) or "static start/stop/step" in str(error):
        return (
            "A slice whose end is traced: its length has to be known before the run. "
            "Make all entries, and choose with jnp.where(jnp.arange(size) < count, these, those)."
        )
    if isinstance(error, TypeError) and "Only integer scalar arrays" in str(error):
        return (
            "The end of a slice, or an index, has to be one whole number. int(...) makes one; not in code "
            "that is compiled: there, choose with jnp.where."
        )
    if isinstance(error, TimeoutError):
        return "A loop whose condition stays true: does anything in it change every time round?"
    if isinstance(error, IndexError) and (
        size := re.search(r"out of bounds for axis \d+ with size (\d+)", str(error))
    ):
        return (
            f"Along this axis an index goes from 0 to {int(size[1]) - 1}. Does something count too far, "
            "or go on where it has to stop, or is the number meant for another axis?"
        )
    if isinstance(error, ValueError) and re.search(r"(max|min)\(\).*empty", str(error)):
        return "What it takes the largest or smallest of was never filled: nothing was counted there."
    if isinstance(error, SystemExit):
        return "Your code called exit() or quit()."
    if isinstance(error, ValueError) and "truth value of an array" in str(error):
        return (
            "An `if`, `and`, `or`, `not`, or a chain such as a < x < b, on a whole array. "
            "Entry by entry: &, | and ~, with brackets round each comparison. "
            "For one yes or no: .all(), .any() or np.array_equal."
        )
    if isinstance(error, ValueError) and re.search(r"broadcast.*[(,]0[,)]", str(error)):
        return "One of the two arrays is empty: x[:-0] is x[:0], or a slice begins where it ends."
    if isinstance(error, ValueError) and "broadcast" in str(error):
        return (
            "Two arrays do not fit. A sum or maximum over the other axis (axis=0 in place of axis=1), "
            "or an axis that is missing ([:, None])?"
        )
    if isinstance(error, UnboundLocalError):
        return "A variable is read before it has a value: on some path no line assigns it."
    if isinstance(error, NameError):
        return "A name is misspelled, or belongs to a cell that was not run."
    if isinstance(error, TypeError) and any(word in str(error) for word in ("integer", "invert")):
        return (
            "The argument holds numbers, not whole numbers or True and False: "
            "int(...) or (x == 1) makes them so."
        )
    if isinstance(error, TypeError) and "can't multiply sequence" in str(error):
        return "A tuple or a list is used like a number. A tuple with one entry is unpacked by (x,) = f(...)."
    if isinstance(error, TypeError) and "unhashable" in str(error):
        return "The key of a dictionary, or an entry of a set, is an array or a list: make it a tuple(...)."
    if isinstance(error, AttributeError) and "'numpy.ndarray' object has no attribute" in str(error):
        return "An array is used as if it were a list: list(...) or .tolist() makes a list of it."
    if isinstance(error, TypeError) and "positional argument" in str(error):
        if error.__traceback__ and error.__traceback__.tb_next:
            return "A function that you call gets too few or too many arguments: the error says which."
        return "The signature was changed: it has to take the arguments of the docstring, in their order."
    if isinstance(error, TypeError) and "unsupported operand" in str(error) and "'dict'" in str(error):
        return (
            "A dictionary is used like an array. In a tree of parameters the arrays are the leaves: "
            "jax.tree.map(f, a, b) applies f to them, pair by pair."
        )
    if "for broadcasting" in str(error) or "could not be broadcast" in str(error):
        return (
            "Two arrays whose shapes do not fit; the error names both. Shapes are matched from the right: "
            "(6,) fits (3, 6), but (6, 1) does not."
        )
    if isinstance(error, TypeError) and "only defined for scalar-output" in str(error):
        return (
            "The function given to jax.grad returns more than one number. "
            "For a number and something else: jax.grad(..., has_aux=True)."
        )
    if isinstance(error, TypeError) and "scan" in str(error) and "carry" in str(error):
        return "The new state has to look like the old one: the same entries, in the same shapes and types."
    return ""


def line_of(error: BaseException) -> str:
    """The line of the notebook cell that raised, if it was one."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel" in frame.filename or frame.filename.startswith("<ipython"):
            return (
                f"\nin line {frame.lineno} of your cell: {frame.line}"
                if frame.line
                else f"\nin line {frame.lineno} of your cell"
            )
    return ""


def shape_text(values: np.ndarray) -> str:
    return f"shape {values.shape}" + (
        f": {numbers_text(values)}" if values.ndim == 1 and values.size <= 12 else ""
    )


def shape_hint(got: tuple, wanted: tuple, arguments: Iterable[tuple] = ()) -> str:
    """What a wrong shape comes from, as far as it shows beside those of the arguments."""
    if len(got) == len(wanted) == 1 and wanted + got in arguments:
        return "One number for each column; one for each row is asked for. Was it axis=0 in place of axis=1?"
    if got == wanted[::-1]:
        return "The axes are swapped: transpose, or index or join along the other axis."
    if len(got) > 2 and sorted(got) == sorted(wanted):
        return "The right lengths, but the axes stand in another order: np.moveaxis, or index another axis."
    if got == () and wanted:
        return "One number is left of several: an axis is missing, or it has to be repeated as an array."
    if wanted == () and got == (1,):
        return (
            "An axis is left over: one number is asked for, over everything (the mean, the median, the sum "
            "or a count, as the text says). Or a comma after the last name of the return made a tuple of it."
        )
    if wanted == ():
        return (
            "An axis is left over: one number is asked for, "
            "over everything (the mean, the median, the sum or a count, as the text says)."
        )
    if len(got) > len(wanted):
        return "An axis is left over: sum over it, index it, or drop keepdims."
    if 0 < len(got) < len(wanted) and math.prod(got) == math.prod(wanted) and 1 not in wanted:
        return "All numbers are there, but axes were joined: give reshape the length of each axis."
    if len(got) < len(wanted):
        return "An axis is missing: it was summed over or joined with another, or a loop kept only its last."
    return ""


def _whole(values: np.ndarray) -> bool:
    """Whether these are step numbers, counts and the like: whole, and short enough to be read as such."""
    return bool(
        np.all(np.isfinite(values)) and np.all(values == np.round(values)) and np.all(np.abs(values) < 1e9)
    )


def number_text(value: float) -> str:
    return str(int(value)) if _whole(value) else f"{value:.5g}"


def numbers_text(values: np.ndarray) -> str:
    return np.array2string(
        values.astype(int) if _whole(values) else values, precision=4, threshold=8, edgeitems=2
    )
