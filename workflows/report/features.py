"""Electrical features of a trace by eFEL, for comparing target and fit. Owns which features a report shows.

eFEL's own definitions hold (https://efel.readthedocs.io); a feature that a trace does not have (no spike, no
hyperpolarising step) is None.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

# Below this deviation from its first samples a current is no stimulus (nA).
SMALLEST_STEP_NA = 2e-3
# With less time than this before the stimulus (ms) a trace shows no resting potential.
SHORTEST_REST_MS = 1.0


@dataclass(frozen=True)
class Feature:
    """A row of the comparison: what eFEL calls it, what a reader calls it, and how it is printed."""

    efel_name: str
    label: str
    unit: str
    decimals: int
    needs_rest: bool = False  # measured from the potential before the stimulus
    hyperpolarising: bool = False  # says something in a hyperpolarising step only


FEATURES = (
    Feature("voltage_base", "Resting potential", "mV", 1, needs_rest=True),
    Feature("steady_state_voltage_stimend", "Potential at stimulus end", "mV", 1),
    Feature("spike_count", "Spikes", "", 0),
    Feature("time_to_first_spike", "First spike after", "ms", 1),
    Feature("AP_amplitude", "Spike amplitude", "mV", 1),
    Feature("AP_duration_half_width", "Spike half-width", "ms", 2),
    Feature("AHP_depth", "AHP depth", "mV", 1, needs_rest=True),
    Feature("sag_amplitude", "Sag", "mV", 1, hyperpolarising=True),
    Feature("ohmic_input_resistance_vb_ssse", "Input resistance", "MΩ", 0, needs_rest=True, hyperpolarising=True),
)


@dataclass(frozen=True)
class Step:
    """The stimulus as eFEL wants it: start and end in ms, amplitude in nA relative to the holding current."""

    start: float
    end: float
    amplitude: float


def find_step(time: Float[ndarray, " t"], current: Float[ndarray, " t"]) -> Step | None:
    """The part of ``current`` (nA, at ``time`` in ms) that is further than half its largest deviation from its start.

    None where the current never moves by `SMALLEST_STEP_NA`, and where there is none at all. Holding current is the
    median of the first hundredth.
    """
    if len(current) == 0:
        return None
    holding = float(np.median(current[: max(1, len(current) // 100)]))
    deviation = np.abs(current - holding)
    largest = float(deviation.max())
    if largest < SMALLEST_STEP_NA:
        return None
    (inside,) = np.nonzero(deviation > 0.5 * largest)
    first, last = int(inside[0]), int(inside[-1])
    # The current acts until the next sample.
    end = float(time[min(last + 1, len(time) - 1)])
    return Step(float(time[first]), end, float(np.mean(current[first : last + 1])) - holding)


def features_of(
    time: Float[ndarray, " t"], voltage: Float[ndarray, " t"], step: Step | None
) -> dict[str, float | None]:
    """The features of one trace (ms, mV) by eFEL's names; those with several values (one a spike) by their mean.

    Without a stimulus only the spikes over the whole trace are counted. A trace that is not finite has no features.
    """
    none: dict[str, float | None] = {feature.efel_name: None for feature in FEATURES}
    if len(time) < 3 or not np.all(np.isfinite(voltage)):
        return none
    # Imported on use: it takes long, and a report without sweeps does not need it.
    import efel

    efel.reset()
    efel.set_setting("strict_stiminterval", True)
    if step is not None:
        # Base voltage and base current come from the time before the step (eFEL: last tenth of it).
        efel.set_setting("stimulus_current", step.amplitude)
    trace = {
        "T": np.asarray(time, dtype=float),
        "V": np.asarray(voltage, dtype=float),
        "stim_start": [time[0] if step is None else step.start],
        "stim_end": [time[-1] if step is None else step.end],
    }
    rested = step is not None and step.start - time[0] >= SHORTEST_REST_MS
    wanted = [f.efel_name for f in FEATURES if _applies(f, step, rested)]
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # eFEL logs each feature that a trace does not have
    try:
        (values,) = efel.get_feature_values([trace], wanted, raise_warnings=False)
    finally:
        logging.disable(level)
        efel.reset()
    return none | {name: _mean(found) for name, found in (values or {}).items()}


def _applies(feature: Feature, step: Step | None, rested: bool) -> bool:
    if step is None:
        return feature.efel_name == "spike_count"
    return (rested or not feature.needs_rest) and (step.amplitude < 0.0 or not feature.hyperpolarising)


def _mean(values: ndarray | None) -> float | None:
    if values is None or len(values) == 0:
        return None
    mean = float(np.mean(values))
    return mean if np.isfinite(mean) else None
