"""Text tables: a column of times and one of values, with a header that gives their units in brackets.

    time (ms), voltage (mV)
    0.0, -70.1
    0.1, -70.0

Owns this format: columns are parted by comma, semicolon, tab or spaces; lines that begin with # are skipped. Without
a header there are two columns, time in ms and values in the simulator's unit (mV, nA). With more columns the header
tells which is which, so one file can hold both voltage and current.
"""

from __future__ import annotations

import itertools
import math
import re
from array import array
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

import numpy as np

from ..files import open_plain
from ..limits import LINE_CHARACTERS, SAMPLES, TEXT_BYTES
from .samples import RecordingError, Samples
from .units import UNITS, UnitError, kind_of, to_simulator

_EXAMPLE = "such as 'time (ms), voltage (mV)'"
_TITLE = re.compile(r"[^\[(]*+[\[(]([^\])]*+)[\])]")


def read(path: Path, kind: Literal["voltage", "current"]) -> Samples:
    """The samples of the column that holds a `kind`; RecordingError names the line."""
    # Line by line, so that no more is held than the two columns that are wanted.
    with open_plain(path, TEXT_BYTES) as raw, TextIOWrapper(raw, encoding="utf-8-sig") as stream:
        return _read(_lines(stream), kind)


def _read(lines: Iterator[tuple[int, str]], kind: Literal["voltage", "current"]) -> Samples:
    first = next(lines, None)
    if first is None:
        raise RecordingError(f"has no line with samples; write a header {_EXAMPLE} and samples below it")
    header, line = first
    separator = next((s for s in (";", "\t", ",") if s in line), None)
    fields = _fields(line, separator)
    if all(_is_number(field) for field in fields):
        columns = len(fields)
        if columns != 2:
            raise RecordingError(f"line {header} has {columns} columns and no header; give a header {_EXAMPLE}")
        time_column, value_column = 0, 1
        time_unit, unit = "ms", next(iter(UNITS[kind]))
        lines = itertools.chain([first], lines)
    else:
        units = _units(header, line, separator)
        columns = len(units)
        time_column = _column(header, units, "time")
        value_column = _column(header, units, kind)
        time_unit, unit = units[time_column], units[value_column]
    times, values = array("d"), array("d")
    for number, line in lines:
        row = _row(number, _fields(line, separator), columns)
        times.append(row[time_column])
        values.append(row[value_column])
        if len(values) > SAMPLES:
            raise RecordingError(f"has more than {SAMPLES} samples; cut it to the sweep")
    if not values:
        raise RecordingError(f"has a header and no samples; write samples below line {header}")
    return Samples(values=np.asarray(values), unit=unit, time_unit=time_unit, time=np.asarray(times))


def _lines(stream: TextIOWrapper) -> Iterator[tuple[int, str]]:
    """Lines that are neither empty nor comments, numbered from 1."""
    for number in itertools.count(1):
        try:
            line = stream.readline(LINE_CHARACTERS + 1)
        except UnicodeDecodeError:
            raise RecordingError(f"is no UTF-8 text (at line {number} or soon after it); save it as UTF-8") from None
        if not line:
            return
        if len(line) > LINE_CHARACTERS:
            raise RecordingError(
                f"line {number} has more than {LINE_CHARACTERS} characters; write one sample in a line"
            )
        if (text := line.strip()) and not text.startswith("#"):
            yield number, text


def _fields(line: str, separator: str | None) -> list[str]:
    return [field.strip() for field in line.split(separator)]


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    # Python reads 1_0 as 10, and the digits of every script; no recording means that.
    return "_" not in field and field.isascii()


def _row(number: int, fields: list[str], columns: int) -> list[float]:
    if len(fields) != columns:
        raise RecordingError(f"line {number} has {len(fields)} columns, not {columns} as the first line has")
    for field in fields:
        if not _is_number(field):
            raise RecordingError(f"line {number}: {field[:40]!r} is no number; write it as -70.1 or 1e-3")
        if not math.isfinite(float(field)):
            raise RecordingError(f"line {number}: {field[:40]} is not finite; cut the recording there")
    return [float(field) for field in fields]


def _units(number: int, line: str, separator: str | None) -> list[str]:
    """The unit in brackets of each column's title."""
    titles = [title.group() for title in _TITLE.finditer(line)] if separator is None else _fields(line, separator)
    units = []
    for title in titles:
        match = _TITLE.search(title.strip("\"'"))
        if match is None:
            raise RecordingError(f"line {number}: {title[:40]!r} has no unit in brackets; write a header {_EXAMPLE}")
        units.append(match.group(1).strip())
    if not units:
        raise RecordingError(f"line {number}: {line[:40]!r} is no header with units; write one {_EXAMPLE}")
    return units


def _column(number: int, units: list[str], kind: Literal["voltage", "current", "time"]) -> int:
    """The one column whose unit is of this `kind`."""
    found = [column for column, unit in enumerate(units) if kind_of(unit) == kind]
    if len(found) == 1:
        return found[0]
    if found:
        raise RecordingError(f"line {number}: {len(found)} columns hold a {kind}; leave one")
    others = [unit for unit in units if kind_of(unit) != "time"] if kind != "time" else units
    try:
        to_simulator(others[0] if others else "", kind)
    except UnitError as error:
        raise RecordingError(f"line {number}: the column {error}") from None
    raise AssertionError("a unit of this kind was looked for above and not found")
