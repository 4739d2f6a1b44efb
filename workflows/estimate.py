"""How much work a job is, from its sweeps and numbers alone. Owns the counting; speed and memory depend on the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .job import Job
from .sweeps import PreparedSweep


@dataclass(frozen=True)
class Work:
    """Simulated time steps of one cell each: multiply by compartments for compartment-steps.

    Attributes
    ----------
    starts, sweeps, parameters : starts, training sweeps in each step, free parameters
    candidate_steps : time steps of the candidates, forward only
    gradient_steps : time steps of the fit, forward and backward
    longest_sweep : time steps of the longest training sweep, all of whose states a gradient needs
    """

    starts: int
    sweeps: int
    parameters: int
    candidate_steps: int
    gradient_steps: int
    longest_sweep: int


def work_of(job: Job, sweeps: Sequence[PreparedSweep]) -> Work:
    """Count the work of `job` with its prepared sweeps; where each step draws some sweeps, their mean length counts."""
    lengths = [sweep.n_steps for sweep in sweeps if sweep.use == "train"]
    per_step = job.fit.sweeps_per_step or len(lengths)
    all_sweeps = sum(lengths)
    return Work(
        starts=job.fit.starts,
        sweeps=per_step,
        parameters=len(job.parameters),
        candidate_steps=job.fit.candidates * all_sweeps,
        gradient_steps=job.fit.steps * job.fit.starts * all_sweeps * per_step // len(lengths),
        longest_sweep=max(lengths),
    )
