"""The job's sweeps ready to be simulated and compared: stimulus per step, target samples, voltage at the start.

Owns the cut to the window, the corrections of [recording] and the baseline. Reading belongs to `recordings`, the
averaging of currents to `stimulus`; where the site lies in the cell is for the model to say.

Clock. Time 0 of a sweep is the first sample of its voltage; windows and pulses count from there. The simulation begins
`settle_ms` before the window. Before the first sample of the current its baseline flows.

Baseline. What was recorded before the onset of the stimulus (`stimulus.find_onset`; for a made-up pulse its delay),
without the last sample before it; where there is no onset, the whole. Its median is the holding current, which
`holding = "subtract"` takes off; the mean of the voltage there, within the window as far as the window begins before
the onset, is `v_init = "baseline"`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from .errors import Fault, JobError, UserError
from .job import Job
from .job.sweeps import SingleSweep, Site, StepStimulus
from .limits import STEPS
from .recordings import Recording, read_recording
from .stimulus import average_over_steps, find_onset, pulse_over_steps


@dataclass(frozen=True)
class PreparedSweep:
    """One sweep, ready to be simulated and compared.

    Attributes
    ----------
    name, use, weight : as in the job; "IV_265" for number 265 of IV
    site : where the current is injected and the voltage recorded
    window_ms : the part that is compared, on the sweep's clock
    start_ms : begin of the simulation on the sweep's clock
    delta_t_ms, n_steps : time step of the simulation and their number
    stimulus_nA : current of each step, [n_steps]; None where the module of `[model] build` brings its own
    time_ms : time of each compared sample on the sweep's clock, increasing, [sample]
    voltage_mV : recorded voltage there, corrected for the junction potential, [sample]
    v_init_mV : voltage at the start of the simulation
    onset_ms : begin of the stimulus on the sweep's clock, None where there is none
    """

    name: str
    use: Literal["train", "validate"]
    weight: float
    site: Site
    window_ms: tuple[float, float]
    start_ms: float
    delta_t_ms: float
    n_steps: int
    stimulus_nA: Float[np.ndarray, " n_steps"] | None
    time_ms: Float[np.ndarray, " samples"]
    voltage_mV: Float[np.ndarray, " samples"]
    v_init_mV: float
    onset_ms: float | None

    @property
    def simulated_time_ms(self) -> Float[np.ndarray, " samples"]:
        """`time_ms` counted from the start of the simulation."""
        return self.time_ms - self.start_ms


class _SweepError(ValueError):
    """A sweep that cannot be used: the key below the sweep and what is wrong and would be right."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def prepare_sweeps(job: Job) -> tuple[PreparedSweep, ...]:
    """Read the recordings of `job` and prepare every sweep, in the order of the job.

    Raises
    ------
    JobError : with every fault found: files, units, windows beyond the recording, no baseline
    """
    prepared, faults = [], []
    for number, table in enumerate(job.sweeps):
        for single in table.expand():
            try:
                prepared.append(_prepare(job, single))
            except _SweepError as error:
                faults.append(Fault(job.source, f"sweeps[{number}].{error.key}", str(error)))
    if faults:
        raise JobError(faults)
    return tuple(prepared)


def _prepare(job: Job, single: SingleSweep) -> PreparedSweep:
    table = single.table
    voltage = _read(job, "voltage", single.voltage)
    current = _read(job, "current", single.current) if single.current is not None else None
    time = voltage.time_ms - voltage.time_ms[0]
    corrected = voltage.values - job.recording.liquid_junction_potential_mV
    window = _window(single, voltage, current)
    inside = _between(time, window[0], window[1], voltage)
    if not inside.any():
        raise _SweepError("window_ms", f"holds no sample of {single.voltage!r}; widen it")
    start = window[0] - job.simulation.settle_ms
    delta_t = job.simulation.delta_t_ms
    # One step at least; a millionth of a step is rounding, not time that must be simulated.
    steps = (float(time[inside][-1]) - start) / delta_t - 1e-6
    if not steps <= STEPS:
        raise _SweepError("window_ms", f"takes {steps:.3g} steps; shorten it or settle_ms, or lengthen delta_t_ms")
    n_steps = max(1, math.ceil(steps))
    stimulus: Float[np.ndarray, " n_steps"] | None = None
    onset: float | None = None
    if current is not None:
        clock = current.time_ms - voltage.time_ms[0]
        first = find_onset(current.values)
        onset = None if first is None else float(clock[first])
        # The sample before the onset may already rise.
        quiet = current.values if first is None else current.values[: max(first - 1, 0)]
        stimulus = _recorded(job, single, clock, current, quiet, start, n_steps)
    elif isinstance(table.stimulus, StepStimulus):
        pulse = table.stimulus
        onset = pulse.delay_ms if pulse.amplitude_nA != 0 else None
        stimulus = pulse_over_steps(pulse.delay_ms, pulse.duration_ms, pulse.amplitude_nA, start, delta_t, n_steps)
    return PreparedSweep(
        name=single.name,
        use=table.use,
        weight=table.weight,
        site=table.site,
        window_ms=window,
        start_ms=start,
        delta_t_ms=delta_t,
        n_steps=n_steps,
        stimulus_nA=stimulus,
        time_ms=time[inside],
        voltage_mV=corrected[inside],
        v_init_mV=_v_init(job, single, time, corrected, window, start, onset),
        onset_ms=onset,
    )


def _read(job: Job, kind: Literal["voltage", "current"], name: str) -> Recording:
    path = job.path(name)
    try:
        return read_recording(path, kind)
    except UserError as error:
        # The name as the job has it, which is what its user looks for.
        raise _SweepError(kind, str(error).replace(str(path), repr(name), 1)) from None


def _window(single: SingleSweep, voltage: Recording, current: Recording | None) -> tuple[float, float]:
    """The window, after a check that both recordings reach to its end."""
    origin = float(voltage.time_ms[0])
    window = single.table.window_ms or (0.0, float(voltage.time_ms[-1]) - origin)
    for name, recording in ((single.voltage, voltage), (single.current, current)):
        if recording is not None and recording.end_ms - origin < window[1] * (1 - 1e-9):
            end = recording.end_ms - origin
            raise _SweepError("window_ms", f"ends at {window[1]:g} ms, but {name!r} at {end:g} ms; end it by then")
    return window


def _between(time: Float[np.ndarray, " samples"], begin: float, end: float, recording: Recording) -> np.ndarray:
    """Which samples lie in [begin, end], ends included, give or take the rounding of their times."""
    slack = 1e-6 * (recording.interval_ms or 0.0)
    return (time >= begin - slack) & (time <= end + slack)


def _recorded(
    job: Job,
    single: SingleSweep,
    clock: Float[np.ndarray, " samples"],
    current: Recording,
    quiet: Float[np.ndarray, " quiet"],
    start: float,
    n_steps: int,
) -> Float[np.ndarray, " n_steps"]:
    """The recorded current of each step, with or without its baseline."""
    values = current.values
    if quiet.size == 0 and job.recording.holding == "subtract":
        message = f'{single.current!r} has no sample before its stimulus to subtract; set recording.holding = "keep"'
        raise _SweepError("current", message)
    baseline = float(np.median(quiet)) if quiet.size else float(values[0])
    if job.recording.holding == "subtract":
        values, baseline = values - baseline, 0.0
    return average_over_steps(clock, values, start, job.simulation.delta_t_ms, n_steps, before=baseline)


def _v_init(
    job: Job,
    single: SingleSweep,
    time: Float[np.ndarray, " samples"],
    corrected: Float[np.ndarray, " samples"],
    window: tuple[float, float],
    start: float,
    onset: float | None,
) -> float:
    """Voltage at the start of the simulation in mV."""
    v_init = job.simulation.v_init
    if not isinstance(v_init, str):
        return float(v_init)
    end = math.inf if onset is None else onset
    if start >= end:
        raise _SweepError(
            "window_ms",
            f"begins at {window[0]:g} ms, after the stimulus at {end:g} ms, so there is no baseline; begin it earlier, "
            f"set simulation.settle_ms above {window[0] - end:g}, or simulation.v_init to a number",
        )
    begin = window[0] if window[0] < end else 0.0
    quiet = np.flatnonzero((time >= begin) & (time < end) & (time <= window[1]))
    if onset is not None:
        quiet = quiet[:-1]
    if quiet.size == 0:
        raise _SweepError(
            "voltage", f"{single.voltage!r} has no sample before its stimulus; set simulation.v_init to a number in mV"
        )
    return float(np.mean(corrected[quiet]))
