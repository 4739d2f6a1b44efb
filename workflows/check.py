"""Everything about a job that can be checked without running it, once the job file itself is right.

Owns the order of these checks and the collection of their faults. Each check belongs to the part that it asks: the
recordings, `model` for the cell, `rallax.fitting` for optimiser and losses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .errors import Fault, JobError, UserError
from .estimate import Work, settings_of, work_of
from .job import Job
from .loggers import logger_faults
from .loss_terms import terms_for
from .model import BuiltModel, build_model
from .resolve import ResolvedJob, resolve
from .settings import Settings
from .sweeps import PreparedSweep, prepare_sweeps
from .user_code import load_entry


@dataclass(frozen=True)
class CheckReport:
    """What the checks of a faultless job found: job with hashes, cell, sweeps, shape of the work, and what it takes."""

    resolved: ResolvedJob
    model: BuiltModel
    sweeps: tuple[PreparedSweep, ...]
    settings: Settings
    work: Work

    @property
    def solver(self) -> str:
        """The job's integrator."""
        return self.resolved.job.simulation.solver

    @property
    def delta_t_ms(self) -> float:
        """The job's time step."""
        return self.resolved.job.simulation.delta_t_ms

    def sweep_rows(self) -> Iterator[tuple[str, ...]]:
        """One row a sweep: name, use, window, steps, samples, voltage at the start."""
        for sweep in self.sweeps:
            yield (
                sweep.name,
                sweep.use,
                f"{sweep.window_ms[0]:g} to {sweep.window_ms[1]:g} ms",
                f"{sweep.n_steps} steps",
                f"{sweep.time_ms.size} samples",
                f"{sweep.v_init_mV:.2f} mV",
            )

    def work_lines(self) -> list[str]:
        """The amount of work in words."""
        work = self.work
        return [
            f"{work.compartments} compartments, {work.parameters} parameters, {work.starts} starts, "
            f"{work.sweeps} training sweeps in each step",
            f"candidates: {work.candidate_steps:.3g} time steps; fit: {work.gradient_steps:.3g} with their gradient; "
            f"{self.solver} at {self.delta_t_ms:g} ms",
            f"memory of a worker: {work.saved_bytes / 2**20:.0f} MiB for states ({work.lanes} lanes), and the program",
        ]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        sweeps = [
            {
                "name": sweep.name,
                "use": sweep.use,
                "window_ms": list(sweep.window_ms),
                "n_steps": sweep.n_steps,
                "samples": int(sweep.time_ms.size),
                "v_init_mV": sweep.v_init_mV,
                "onset_ms": sweep.onset_ms,
            }
            for sweep in self.sweeps
        ]
        simulation = {"solver": self.solver, "delta_t_ms": self.delta_t_ms}
        return {"sweeps": sweeps, "simulation": simulation, "work": asdict(self.work)}


def check_job(job: Job) -> CheckReport:
    """Check `job` as far as that goes without simulating it.

    Raises
    ------
    JobError : with every fault found
    """
    faults = [*_optimizer_faults(job), *(Fault(job.source, key, message) for key, message in logger_faults(job))]
    if job.compute.most_workers is not None and job.compute.workers != "auto":
        faults.append(Fault(job.source, "compute.most_workers", 'goes with workers = "auto" only; leave it out'))
    model: BuiltModel | None = None
    sweeps: tuple[PreparedSweep, ...] = ()
    try:
        model = build_model(job)
        faults += [*_site_faults(job, model), *_solver_faults(job, model)]
    except JobError as error:
        faults += error.faults
    try:
        sweeps = prepare_sweeps(job)
    except JobError as error:
        faults += error.faults
    if not faults:
        faults += _loss_faults(job, sweeps)
    if faults or model is None:
        raise JobError(faults)
    settings = settings_of(job, model, sweeps)
    return CheckReport(resolve(job), model, sweeps, settings, work_of(job, model, sweeps, settings))


def _site_faults(job: Job, model: BuiltModel) -> Iterator[Fault]:
    for number, sweep in enumerate(job.sweeps):
        try:
            n_sites = len(model.at(sweep.site)._external_inds["i"])
        except UserError as error:
            # The cell names the key below the site where there is one ("site.distance_um: …").
            yield Fault(job.source, f"sweeps[{number}].site", str(error).removeprefix("site."))
            continue
        key = "current" if sweep.current is not None else "stimulus" if sweep.stimulus is not None else ""
        if key and n_sites != 1:
            message = f"the module stimulates {n_sites} compartments, so it brings its own currents; leave this out"
            yield Fault(job.source, f"sweeps[{number}].{key}", message)


def _solver_faults(job: Job, model: BuiltModel) -> Iterator[Fault]:
    """Whether the integrator can run the cell's mechanisms."""
    from rallax.sim.lower import lower
    from rallax.sim.plan import schemes

    try:
        schemes(model.module, lower(model.module), job.simulation.solver, "auto")
    except ValueError as error:
        yield Fault(job.source, "simulation.solver", str(error))


def _optimizer_faults(job: Job) -> Iterator[Fault]:
    from rallax.fitting.optimizers import build_optimizer

    try:
        build_optimizer(job.fit.optimizer.model_dump(exclude_none=True))
    except ValueError as error:
        yield Fault(job.source, "fit.optimizer", str(error).removeprefix("[fit] optimizer").lstrip(":. "))


def _loss_faults(job: Job, sweeps: tuple[PreparedSweep, ...]) -> Iterator[Fault]:
    from rallax.fitting.losses.library import build_loss

    entries = []
    for key, entry in job.loss.entries:
        try:
            load_entry(entry, job.folder)
        except UserError as error:
            entries.append(Fault(job.source, key, str(error)))
    if entries:
        yield from entries
        return
    seen: set[str] = set()
    for sweep in sweeps:
        try:
            loss = build_loss(terms_for(job, sweep), lambda entry: load_entry(entry, job.folder))
            loss.check(sweep.simulated_time_ms)
        except ValueError as error:
            # A fault of a term itself shows in every sweep; what follows the semicolon tells of the sweep.
            what = str(error).partition(";")[0]
            if what not in seen:
                yield Fault(job.source, "loss", f"{error} (sweep {sweep.name})")
            seen.add(what)
