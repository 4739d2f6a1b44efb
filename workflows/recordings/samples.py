"""What a reader of one format hands over: numbers and units as they stand in the file. Owns no conversion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


class RecordingError(ValueError):
    """A recording that cannot be used; the text lacks the file, which `read_recording` puts before it."""


@dataclass(frozen=True)
class Samples:
    """Samples in the units of their file.

    Attributes
    ----------
    values, unit : the samples, [sample], and their unit
    time_unit : unit of `time`, or of `start` and `interval`
    time : time of each sample, [sample], or None where `start` and `interval` give it
    """

    values: Float[np.ndarray, " samples"]
    unit: str
    time_unit: str
    time: Float[np.ndarray, " samples"] | None = None
    start: float = 0.0
    interval: float = 1.0
