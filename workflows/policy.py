"""From a job's [compute] to how its work is handed out; nothing of it changes the result, but `mixed_devices`."""

from __future__ import annotations

from rallax.fitting import DispatchPolicy

from .job import Job

#: Failures that a fit bears: at least so many, and so many for each worker.
LEAST_FAILURES, FAILURES_A_WORKER = 32, 4


def policy_of(job: Job, workers: int) -> DispatchPolicy:
    """The policy of a job with so many workers, to begin with where it says "auto"."""
    compute = job.compute
    return DispatchPolicy(
        workers=workers,
        failures=max(LEAST_FAILURES, FAILURES_A_WORKER * workers),
        hang=None if isinstance(compute.hang_s, str) else compute.hang_s,
        elastic=compute.workers == "auto",
        most_workers=compute.most_workers,
        mixed_devices=compute.mixed_devices,
    )
