"""The current of each simulation step: recorded currents and made-up pulses, averaged so that charge is kept.

Owns the averaging and the search for the onset of a stimulus in a recorded current. Reads no files.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ONSET_SIGMAS = 6.0
ONSET_FRACTION = 0.02


def average_over_steps(
    time: Float[np.ndarray, " samples"],
    current: Float[np.ndarray, " samples"],
    start: float,
    delta_t: float,
    n_steps: int,
    before: float,
) -> Float[np.ndarray, " n_steps"]:
    """Mean of the current over each step, so that the charge of every step is that of the recording.

    Between samples the current is their linear interpolation; before the first it is `before`, after the last it
    stays. Step k reaches from start + k·delta_t to start + (k + 1)·delta_t.

    Parameters
    ----------
    time, current : samples in ms (increasing) and nA
    start, delta_t : begin of the simulation and its step in ms
    n_steps : steps of the simulation
    before : current before the first sample in nA

    Returns
    -------
    The current of each step in nA.
    """
    edges = start + delta_t * np.arange(n_steps + 1)
    # Charge from the first sample on, in nA·ms: exact at the samples by the trapezoidal rule, a parabola between them.
    at_samples = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time))])
    inside = np.clip(edges, time[0], time[-1])
    left = np.clip(np.searchsorted(time, inside, side="right") - 1, 0, time.size - 2)
    passed = inside - time[left]
    slope = (current[left + 1] - current[left]) / (time[left + 1] - time[left])
    charge = at_samples[left] + passed * (current[left] + 0.5 * slope * passed)
    charge += before * np.minimum(edges - time[0], 0.0) + current[-1] * np.maximum(edges - time[-1], 0.0)
    return np.diff(charge) / delta_t


def pulse_over_steps(
    delay: float, duration: float, amplitude: float, start: float, delta_t: float, n_steps: int
) -> Float[np.ndarray, " n_steps"]:
    """Mean over each step of a rectangular pulse from `delay` on (ms, on the clock of `start`); nA."""
    edges = start + delta_t * np.arange(n_steps + 1)
    return amplitude * np.diff(np.clip(edges - delay, 0.0, duration)) / delta_t


def find_onset(current: Float[np.ndarray, " samples"]) -> int | None:
    """Index of the first sample that belongs to the stimulus, or None where the current never leaves its first level.

    The first level is the median of the first hundredth of the samples (5 to 50). The stimulus begins where two of
    three neighbouring samples are away from it by more than `ONSET_SIGMAS` times the noise and `ONSET_FRACTION` of the
    largest deviation. The noise is the larger of the spread of those first samples and that of the differences of
    neighbours, both by their median absolute deviation, so that neither steps nor single artefacts count.
    """
    if current.size < 3:
        return None
    head = current[: int(np.clip(current.size // 100, 5, 50))]
    level = float(np.median(head))
    steps = np.diff(current)
    of_differences = np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0)
    noise = 1.4826 * max(float(np.median(np.abs(head - level))), float(of_differences))
    deviation = np.abs(current - level)
    # The middle one of three neighbours: above the threshold exactly where two of them are.
    middle = np.median(np.stack([deviation[:-2], deviation[1:-1], deviation[2:]]), axis=0)
    threshold = max(ONSET_SIGMAS * noise, ONSET_FRACTION * float(middle.max()))
    above = np.flatnonzero(middle > threshold)
    if above.size == 0:
        return None
    first = int(above[0])
    return first + int(np.argmax(deviation[first : first + 3] > threshold))
