"""What a report shows, as plain data: no Ray, no store, no model. Whoever has a run fills this in; `render` draws it.

Owns the shapes and their checks. Times are in ms, voltages in mV, currents in nA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class SweepView:
    """One recorded voltage and what the fitted starts make of the same stimulus.

    ``fits`` maps a start's number to its voltage at the target's samples; it need not hold every start, but must hold
    the best one where the best one has a trace at all. ``stimulus`` has its own, sorted, samples.
    """

    name: str
    use: Literal["train", "validate"]
    time: Float[ndarray, " time"]
    target: Float[ndarray, " time"]
    stimulus_time: Float[ndarray, " stimulus_time"]
    stimulus: Float[ndarray, " stimulus_time"]
    fits: Mapping[int, Float[ndarray, " time"]]
    site: str = "soma"
    loss: float | None = None

    def __post_init__(self) -> None:
        for what, values in [("target", self.target), *((f"fit of start {k}", v) for k, v in self.fits.items())]:
            if np.shape(values) != np.shape(self.time):
                raise ValueError(
                    f"sweep {self.name}: the {what} has shape {np.shape(values)}, its time {np.shape(self.time)}"
                )
        if np.shape(self.stimulus) != np.shape(self.stimulus_time):
            raise ValueError(
                f"sweep {self.name}: the stimulus has shape {np.shape(self.stimulus)},"
                f" its time {np.shape(self.stimulus_time)}"
            )


@dataclass(frozen=True)
class ParameterView:
    """One free parameter: its bounds and its value in every start (NaN where a start has none)."""

    name: str
    lower: float
    upper: float
    values: Float[ndarray, " start"]
    transform: str = "sigmoid"
    unit: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise ValueError(f"parameter {self.name}: the lower bound {self.lower} is not below the upper {self.upper}")
        if self.transform == "log" and self.lower <= 0.0:
            raise ValueError(f"parameter {self.name}: a log scale needs a lower bound above 0, not {self.lower}")


@dataclass(frozen=True)
class HistoryView:
    """Losses on the way: ``train[step, start]``, NaN where a start has no step; ``step`` numbers the rows.

    ``validation`` has the same shape where validation was watched. ``candidates`` holds the training losses of the
    forward-only draws that the starts were chosen from, ``validation_candidates`` their validation losses.
    """

    step: Float[ndarray, " step"]
    train: Float[ndarray, "step start"]
    validation: Float[ndarray, "step start"] | None = None
    candidates: Float[ndarray, " candidate"] | None = None
    validation_candidates: Float[ndarray, " candidate"] | None = None

    def __post_init__(self) -> None:
        if self.train.ndim != 2 or len(self.train) != len(self.step):
            raise ValueError(f"history: losses of shape {self.train.shape} for {len(self.step)} steps")


@dataclass(frozen=True)
class Failure:
    """Something that went wrong and was dealt with: ``kind`` in a word or two, ``what`` in a sentence."""

    kind: str
    what: str
    start: int | None = None
    step: int | None = None


@dataclass(frozen=True)
class ReportData:
    """Everything the report shows. ``provenance`` maps a group ("Versions", "Machine", ...) to its entries.

    ``best_start`` is None when no start has a finite loss. ``created`` is printed as given: the report itself reads
    no clock, so that the same data make the same file.
    """

    name: str
    status: str
    best_start: int | None
    best_loss: float
    sweeps: tuple[SweepView, ...]
    history: HistoryView
    parameters: tuple[ParameterView, ...]
    best_validation_loss: float | None = None
    best_step: int | None = None
    failures: tuple[Failure, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    job_toml: str = ""
    created: str = ""
