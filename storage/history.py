"""The history of a fit: segments that are written once, read back as one.

Owns how a segment is checked and encoded and how segments join. When one is written is the business of `commit`, which
ones count that of `checkpoints`. Values that differ from run to run (wall-clock times) belong in the log, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .errors import DamagedRun, NotStorable
from .groups import encode_group
from .tree import Encoded
from .variable import Group, Variable

STEP = "step"

Schema = dict[str, tuple[str, tuple[str, ...], tuple[int, ...], str]]
"""Variable -> data type, dimensions, shape without the leading step axis, units."""


def rows(history: Mapping[str, Variable]) -> int:
    """How many rows the variables have.

    Raises:
        NotStorable: when their first dimension is not ``step`` (a coordinate of another dimension excepted).
    """
    count: int | None = None
    for name, variable in history.items():
        if variable.dims == (name,) and name != STEP:
            continue
        if variable.dims[:1] != (STEP,):
            raise NotStorable(f"history {name!r}: dims are {variable.dims}; the first must be 'step'")
        count = variable.data.shape[0]
    return count or 0


def schema(history: Mapping[str, Variable]) -> Schema:
    """What must be the same in every segment; ``step`` itself, if given, among it."""
    return {
        name: (v.data.dtype.name, v.dims, v.data.shape[1:] if v.dims[:1] == (STEP,) else v.data.shape, v.units)
        for name, v in history.items()
    }


def encode_segment(history: Mapping[str, Variable], first_row: int) -> Encoded:
    """A segment that begins at row `first_row` of the whole history."""
    return encode_group(Group(history), {STEP: first_row})


def check_same(expected: Schema, given: Schema) -> None:
    """Raises `NotStorable` when a new segment does not continue the earlier ones.

    Running-number coordinates, which are added where none are given, may be missing in `given`.
    """
    for name in {**expected, **given}:
        if name not in given and expected[name][1] == (name,):
            continue
        if expected.get(name) != given.get(name):
            raise NotStorable(
                f"history {name!r}: {_text(given.get(name))} does not continue {_text(expected.get(name))}; "
                "every commit must give the same variables with the same types, dims and units"
            )


def _text(entry: tuple[str, tuple[str, ...], tuple[int, ...], str] | None) -> str:
    return "nothing" if entry is None else f"{entry[0]} {entry[1]} of shape (step, *{entry[2]}) in {entry[3]!r}"


def head(history: Mapping[str, Variable], count: int) -> dict[str, Variable]:
    """The first rows of a history."""
    return {
        name: Variable(v.data[:count], v.dims, v.units, v.attrs) if v.dims[:1] == (STEP,) else v
        for name, v in history.items()
    }


def row_bytes(history: Mapping[str, Variable]) -> int:
    """The bytes of a row, before compression; at least one row must be there."""
    columns = [v.data for v in history.values() if v.dims[:1] == (STEP,)]
    return sum(data.nbytes // len(data) for data in columns)


def join(segments: Sequence[Group], where: str) -> dict[str, Variable]:
    """All segments as one.

    Raises:
        DamagedRun: when they do not fit together.
    """
    if not segments:
        return {}
    first = segments[0]
    for other in segments[1:]:
        if schema(other.variables) != schema(first.variables):
            raise DamagedRun(f"{where}: the history's segments do not fit together; restore the run from a copy")
    joined = {}
    for name, variable in first.variables.items():
        if variable.dims[:1] == (STEP,):
            data = np.concatenate([segment[name].data for segment in segments])
            joined[name] = Variable(data, variable.dims, variable.units, variable.attrs)
        else:
            joined[name] = variable
    return joined
