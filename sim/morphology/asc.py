"""Neurolucida ASC text, looked at for the lines of faults.

MorphIO reads the file (`read.py`), but passes over a point with a word among its numbers, does not tell the line of a
radius, and overruns its stack where parentheses are nested too deep. Owns these three look-ups and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .errors import MorphologyError
from .limits import DEPTH, POINTS
from .text import read_text

# Possessive, so that a million digits are looked at once and not once for each of them.
_NUMBER = r"[-+]?(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?+"
_ASIDE = r'"[^"]*"|;[^\n]*'
_GROUP = r'\(([^()";|<>]*)\)'
_ANY_GROUP = re.compile(rf"{_ASIDE}|{_GROUP}")
_NESTING = re.compile(rf"{_ASIDE}|[()]")
_NOT_A_POINT = re.compile(rf"{_ASIDE}|\(\s*(?:{_NUMBER}[\s,]+){{3}}{_NUMBER}\s*\)|{_GROUP}")


def check_points(path: Path) -> None:
    """Look for points, `(x y z diameter)`, with something among the four that is not a finite number.

    Raises:
        MorphologyError: with file and line; also for parentheses nested deeper than a cell branches.
    """
    _check_nesting(path, read_text(path))
    for line, fields in _groups(path, _NOT_A_POINT):
        numbers = [_number(field) for field in fields[:4]]
        known = sum(number is not None for number in numbers)
        if len(fields) >= 3 and known >= 2 and known < len(numbers):
            wrong = fields[numbers.index(None)]
            raise MorphologyError(f"{path}:{line}: a point (x y z diameter) has {wrong[:40]!r} instead of a number")


def _check_nesting(path: Path, text: str) -> None:
    """Every branch is two pairs of parentheses further in at most, and points and properties are a few more."""
    depth = opened = 0
    for match in _NESTING.finditer(text):
        if match.group() == "(":
            depth, opened = depth + 1, opened + 1
        elif match.group() == ")":
            depth -= 1
        if depth > DEPTH or opened > 2 * POINTS:
            line = text.count("\n", 0, match.start()) + 1
            most = f"nested more than {DEPTH} deep" if depth > DEPTH else f"more than {2 * POINTS} pairs of them"
            raise MorphologyError(f"{path}:{line}: parentheses {most}; no reconstruction has as many")


def line_of_point(path: Path, point: Float[np.ndarray, " 3"], radius: float) -> int | None:
    """The line of the point with these coordinates and this radius (um, to float32), None where there is none."""
    wanted = np.array([*point, 2 * radius], dtype=np.float32)
    for line, fields in _groups(path, _ANY_GROUP):
        numbers = [_number(field) for field in fields[:4]]
        if len(numbers) == 4 and None not in numbers and np.array_equal(np.array(numbers, dtype=np.float32), wanted):
            return line
    return None


def _groups(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of every innermost pair of parentheses that the pattern captures, comments and strings aside."""
    text = read_text(path)
    line, seen = 1, 0
    for match in pattern.finditer(text):
        if match.group(1) is None:
            continue
        line += text.count("\n", seen, match.start())
        seen = match.start()
        yield line, match.group(1).replace(",", " ").split()


def _number(field: str) -> float | None:
    try:
        value = float(field)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
