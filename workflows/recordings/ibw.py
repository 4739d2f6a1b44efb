"""Igor binary waves (versions 2, 3 and 5) through neo and igor2.

Owns the look at the header before these read on, and the translation of what goes wrong there. igor2 reserves what the
header asks for and makes a Python object of each byte of a note; neo has the names of units evaluated. So sizes, type
and units are checked here first, and only known ones go on.
"""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import one_line
from ..files import open_plain
from ..limits import BINARY_BYTES, SAMPLES, WAVE_NOTE_BYTES
from .samples import RecordingError, Samples
from .units import to_simulator

_VERSIONS = (1, 2, 3, 5)
_ITEM_BYTES = {2: 4, 4: 8, 0x08: 1, 0x10: 2, 0x20: 4, 0x48: 1, 0x50: 2, 0x60: 4}
"""Bytes of a number of each type that is real; text is 0, complex types are odd (WaveMetrics, Technical Note 3)."""


@dataclass(frozen=True)
class _Header:
    """What the header of a wave declares, sizes in bytes: `begin` where samples begin, `notes` of what follows them."""

    begin: int
    type: int
    points: int
    data: int
    notes: tuple[int, ...]
    dims: tuple[int, ...]
    unit: bytes
    time_unit: bytes


def begins(head: bytes) -> bool:
    """Whether a file that begins with `head` can be a wave: its version as a 16-bit number of either byte order."""
    return _version(head) is not None


def _version(head: bytes) -> tuple[int, str] | None:
    if len(head) >= 2:
        for order in "<>":
            (version,) = struct.unpack(f"{order}h", head[:2])
            if version in _VERSIONS:
                return version, order
    return None


def _header(head: bytes) -> _Header:
    """Take the header apart (Technical Note 3); RecordingError where it is cut off."""
    found = _version(head)
    assert found is not None, "told by its version before"
    version, order = found

    def at(place: int, form: str) -> tuple[int, ...]:
        try:
            return struct.unpack_from(order + form, head, place)
        except struct.error:
            raise RecordingError("is a damaged Igor binary wave (it ends within its header)") from None

    if version == 5:
        begin = 64 + 320
        at(begin - 1, "b")
        (size, *notes) = at(4, "15l")
        (points, kind) = at(64 + 12, "lh")
        dims = at(64 + 68, "4l")
        return _Header(begin, kind, points, size - 320, tuple(notes), dims, head[212:216], head[216:220])
    if version == 1:
        raise RecordingError("is an Igor binary wave of version 1, which is not read; save it with Igor 2 or newer")
    wave = {2: 16, 3: 20}[version]
    at(wave + 109, "b")
    (size,) = at(2, "l")
    sizes = at(6, "l" if version == 2 else "2l")
    (kind,), (points,) = at(wave, "h"), at(wave + 42, "l")
    units = head[wave + 34 : wave + 38], head[wave + 38 : wave + 42]
    return _Header(wave + 110, kind, points, size - 110 - 16, sizes, (points, 0, 0, 0), *units)


def _check(header: _Header, size: int, kind: Literal["voltage", "current"]) -> None:
    """Refuse what igor2 and neo should not be given: RecordingError, or UnitError for its units."""
    if header.type not in _ITEM_BYTES:
        what = "text" if header.type == 0 else "complex numbers" if header.type % 2 else "numbers of an unknown type"
        raise RecordingError(f"holds {what}; a wave of real numbers is needed")
    if not 0 <= header.points <= SAMPLES:
        raise RecordingError(f"declares {header.points} samples; at most {SAMPLES} are read, cut it to the sweep")
    if header.points and header.data == 0:
        raise RecordingError("holds a formula and no samples; save the wave without its dependency")
    if min(header.notes, default=0) < 0 or sum(header.notes) > WAVE_NOTE_BYTES:
        raise RecordingError(f"is a damaged Igor binary wave (its notes declare {sum(header.notes)} bytes)")
    expected = header.points * _ITEM_BYTES[header.type]
    if header.data != expected or header.begin + expected > size:
        there = max(0, min(header.data, size - header.begin))
        message = f"declares {header.points} samples in {expected} bytes, there are {there}"
        raise RecordingError(f"is a damaged Igor binary wave ({message})")
    if header.dims[0] != header.points or any(n > 1 for n in header.dims[1:]):
        shape = tuple(n for n in header.dims if n > 0)
        raise RecordingError(f"has the shape {shape}; a wave with one dimension is needed")
    to_simulator(_text(header.unit), kind)
    if time_unit := _text(header.time_unit):
        to_simulator(time_unit, "time")


def _text(unit: bytes) -> str:
    return unit.split(b"\0")[0].decode("ascii", errors="replace")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without igor2's warnings and logs: it warns of harmless deviations and prints damaged content as it stands."""
    logger = logging.getLogger("igor2")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def read(path: Path, kind: Literal["voltage", "current"]) -> Samples:
    """The samples of a wave of one dimension; RecordingError where there are none or the file is damaged."""
    with open_plain(path, BINARY_BYTES) as stream:
        head = stream.read(512)
        size = stream.seek(0, 2)
    _check(_header(head), size, kind)
    import neo

    try:
        with _quiet():
            signal = neo.io.IgorIO(filename=str(path)).read_analogsignal()
            values = np.asarray(signal.magnitude, np.float64)
            start = float(signal.t_start.rescale(signal.sampling_period.units).magnitude)
    except Exception as error:
        # The readers raise whatever they stumble over in a damaged file; all of it means the same to the user.
        raise RecordingError(
            f"is a damaged Igor binary wave ({one_line(f'{type(error).__name__}: {error}', 100)})"
        ) from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise RecordingError(f"has the shape {values.shape}; a wave with one dimension is needed")
    return Samples(
        values=values,
        unit=str(signal.dimensionality),
        time_unit=str(signal.sampling_period.dimensionality),
        start=start,
        interval=float(signal.sampling_period.magnitude),
    )
