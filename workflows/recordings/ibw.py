"""Igor binary waves (versions 1, 2, 3 and 5) through neo and igor2. Owns the translation of what goes wrong there."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import one_line
from .samples import RecordingError, Samples

_VERSIONS = (1, 2, 3, 5)


def begins(head: bytes) -> bool:
    """Whether a file that begins with `head` can be a wave: its version as a 16-bit number of either byte order."""
    if len(head) < 2:
        return False
    return any(struct.unpack(f"{order}h", head[:2])[0] in _VERSIONS for order in "<>")


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
    del kind  # A wave holds one trace, whose unit says what it is.
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
