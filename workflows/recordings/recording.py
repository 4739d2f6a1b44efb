"""A recorded trace in the simulator's units, and the reading of one from any file.

Owns `Recording`, `read_recording` and the telling of formats. Each format's own file reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..errors import UserError, one_line
from ..files import open_plain
from ..limits import TEXT_BYTES
from . import csv, ibw, zarr_array
from .samples import RecordingError, Samples
from .units import to_simulator

MAX_VOLTAGE_MV = 1000.0

_READERS: dict[str, Callable[[Path, Literal["voltage", "current"]], Samples]] = {
    "IBW": ibw.read,
    "CSV": csv.read,
    "Zarr": zarr_array.read,
}
_EXTENSIONS = {".ibw": "IBW", ".csv": "CSV", ".txt": "CSV", ".tsv": "CSV", ".dat": "CSV"}
_MAGIC = {
    b"\x89HDF": "an HDF5 file (NWB recordings are not built yet)",
    b"ABF": "an ABF file, which is not built yet",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x80": "a Python pickle or another binary file",
}


@dataclass(frozen=True)
class Recording:
    """One recorded trace.

    Attributes
    ----------
    path : the file
    kind : "voltage" or "current"
    values : samples in mV or nA, [sample]
    interval_ms : sampling interval in ms, or None where it is not constant
    time_ms : time of each sample on the recording's own clock in ms, increasing, [sample]
    unit : the unit in the file
    """

    path: Path
    kind: Literal["voltage", "current"]
    values: Float[np.ndarray, " samples"]
    interval_ms: float | None
    time_ms: Float[np.ndarray, " samples"]
    unit: str

    @property
    def end_ms(self) -> float:
        """End of the last sample's interval, on the recording's own clock in ms."""
        last = float(self.time_ms[-1])
        step = self.interval_ms if self.interval_ms is not None else float(np.median(np.diff(self.time_ms)))
        return last + step


def read_recording(path: str | Path, kind: Literal["voltage", "current"]) -> Recording:
    """Read a voltage or a current from an IBW, CSV/TXT or Zarr file; the content and then the extension tell which.

    Values become mV or nA, times ms. A sampling interval that is constant to a thousandth counts as constant.

    Raises
    ------
    UserError : one line that begins with the file and says what would be right: not there, unknown or damaged format,
        a unit that is unknown or of the other kind, no samples, samples or times that are not finite or do not increase
    """
    path = Path(path)
    try:
        samples = _READERS[_format(path)](path, kind)
        return _recording(path, kind, samples)
    except (RecordingError, ValueError) as error:
        raise UserError(one_line(f"{path}: {error}")) from None
    except OSError as error:
        raise UserError(one_line(f"{path}: cannot be read: {error.strerror or error}")) from None


def _format(path: Path) -> str:
    """The name of the file's format; RecordingError where it is none that is read."""
    if not path.exists():
        raise RecordingError("is not there; name a recording (IBW, CSV, TXT or Zarr)")
    if path.is_dir():
        return "Zarr"
    if not path.is_file():
        raise RecordingError("is no plain file; name a recording (IBW, CSV, TXT or Zarr)")
    with open_plain(path, TEXT_BYTES) as stream:
        head = stream.read(512)
    if not head:
        raise RecordingError("is empty; name a recording with samples")
    found = "IBW" if ibw.begins(head) else "CSV" if b"\0" not in head else None
    for magic, what in _MAGIC.items():
        if found != "IBW" and head.startswith(magic):
            raise RecordingError(f"is {what}; give IBW, CSV, TXT or Zarr")
    named = _EXTENSIONS.get(path.suffix.lower())
    if found is None or (named is not None and named != found):
        looks = {"IBW": "an Igor binary wave", "CSV": "text", None: "neither text nor an Igor binary wave"}[found]
        raise RecordingError(f"holds {looks}; give IBW, CSV, TXT or Zarr with the extension that fits")
    return found


def _recording(path: Path, kind: Literal["voltage", "current"], samples: Samples) -> Recording:
    values = np.asarray(samples.values, np.float64) * to_simulator(samples.unit, kind)
    scale = to_simulator(samples.time_unit, "time")
    if values.size < 2:
        raise RecordingError(f"has {values.size} samples; at least two are needed")
    if samples.time is None:
        interval: float | None = samples.interval * scale
        if not (np.isfinite(samples.start) and np.isfinite(samples.interval) and samples.interval > 0):
            raise RecordingError(f"has the sampling interval {samples.interval:g}; it must be above 0")
        time = samples.start * scale + np.arange(values.size) * (samples.interval * scale)
    else:
        time = np.asarray(samples.time, np.float64) * scale
        interval = _constant_interval(time)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise RecordingError(f"sample {bad[0]} is {values[bad[0]]}; every sample must be a finite number")
    if kind == "voltage" and np.max(np.abs(values)) > MAX_VOLTAGE_MV:
        largest = float(np.max(np.abs(values)))
        raise RecordingError(
            f"reaches {largest:g} mV, read as {samples.unit}; is that its unit? Write the one that it is in"
        )
    return Recording(path, kind, values, interval, time, samples.unit)


def _constant_interval(time: Float[np.ndarray, " samples"]) -> float | None:
    """The sampling interval where all agree within a thousandth, else None; RecordingError where time runs back."""
    steps = np.diff(time)
    if not np.all(np.isfinite(time)):
        raise RecordingError("has a time that is not finite; every time must be a finite number")
    if np.any(steps <= 0):
        at = int(np.argmax(steps <= 0))
        raise RecordingError(f"time does not increase at sample {at + 1} ({time[at]:g} ms, then {time[at + 1]:g} ms)")
    mean = float((time[-1] - time[0]) / steps.size)
    # A thousandth of an interval: text files often give times with few digits.
    return mean if np.max(np.abs(steps - mean)) <= 1e-3 * mean else None
