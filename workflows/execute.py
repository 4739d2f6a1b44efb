"""Running a run: from its last committed state to its end, or to where it is stopped.

Owns the wiring of coordinator, workers, storage, log and report, for new and resumed runs alike.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rallax.fitting import (
    Coordinator,
    Event,
    Executor,
    FitConfig,
    FitError,
    Progress,
    Report,
    Snapshot,
    TraceRun,
    fit_loop,
    trace_loop,
)
from rallax.storage import AsyncCommitter, RunStore, Variable

from .errors import UserError, as_written
from .job import Job
from .loggers import Told, told_of
from .loggers.logger import Ending
from .new_run import resolved_of
from .policy import policy_of
from .problem import group_sweeps, group_table, recipe_of, space_of
from .resolve import ResolvedJob
from .settings import Settings
from .sweeps import prepare_sweeps
from .traces import TraceParts

#: Traces are stored of so many of the best starts.
TRACES_OF = 8

Watch = Callable[[Progress, Report | None], None]


def execute(
    store: RunStore,
    make_executor: Callable[[Any], Executor],
    *,
    workers: int,
    steps: int | None = None,
    files: Path | None = None,
    by: Job | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda progress, report: None,
) -> Literal["finished", "stopped"]:
    """Claim a run and bring it to its end.

    Args:
        make_executor: from the recipe to workers.
        workers: how many.
        steps: steps of each start in all, to extend a finished run; default what the run was last asked for.
        files: the folder that the job's file names are relative to, where it is not what it was.
        by: the job whose [compute], [storage] and [logging] hold now, which change no result; default the run's own.
        should_stop: asked about twice a second; when true the state is committed and the run can be resumed.
        watch: told of progress.

    Raises:
        StorageError, JobError: the run or its files are not as they were; nothing is changed.
        FitError: the fit cannot go on; its state is committed.
    """
    resolved = resolved_of(store)
    if files is not None:
        resolved = resolved.in_folder(files)
    resolved.verify()
    job = resolved.job
    by = by or job
    sweeps = prepare_sweeps(job)
    # Once more, now that they have been read: a file may have changed between the two.
    resolved.verify()
    groups = group_table(group_sweeps(job, sweeps))
    settings = Settings.of(resolved)
    told = told_of(by, run_key(store), store.location, lambda message: log.event("logger failed", message=message))
    latest = store.latest()
    if steps is not None and latest is not None and steps < latest.step:
        raise UserError(f"steps: {steps} is below step {latest.step}, where {store.location} is; give more, or none")
    epoch = store.claim_epoch()
    latest = store.latest(known=latest)
    with as_written(store.location):
        asked = job.fit.steps if latest is None else int(latest.attrs.get("steps", job.fit.steps))
    config = _config(resolved, settings, asked if steps is None else steps)
    with as_written(store.location):
        coordinator = Coordinator(
            config,
            space_of(job),
            groups,
            policy_of(by, workers),
            device=None if latest is None else latest.attrs.get("device"),
            tree=None if latest is None else latest.tree,
        )
    log = _Log(store, coordinator, watch)
    log.event(
        "resumed" if latest is not None else "started",
        epoch=epoch,
        workers=workers,
        steps=config.steps,
        system=platform.platform(),
        python=platform.python_version(),
    )
    told.begin()
    parts = TraceParts(store, epoch, config.starts_per_block, groups)
    recipe = recipe_of(resolved)
    # A late copy of an item writes what is there already, if it ran on the same class of device; else none may write.
    executor = make_executor(recipe if by.compute.mixed_devices else parts.recipe(recipe))
    ending: Ending = "stopped"
    try:
        with AsyncCommitter(store) as committer:
            ended = fit_loop(
                coordinator,
                executor,
                commit=_committer(committer, coordinator, config, by.storage.keep, told),
                checkpoint_every=by.storage.checkpoint_every_steps,
                should_stop=should_stop,
                on_report=log.report,
                on_event=log.watched,
            )
        if ended == "stopped":
            log.event("stopped", step=coordinator.slowest_step)
            return "stopped"
        result = coordinator.result()
        best = [int(start) for start in result.ranking if np.isfinite(result.loss[start])][:TRACES_OF]
        traces = TraceRun(coordinator, result.u[best])
        parts.begin(sweeps)
        if trace_loop(traces, executor, should_stop=should_stop, on_report=log.report) is None:
            log.event("stopped", step=coordinator.slowest_step)
            return "stopped"
        log.event("traces written", **parts.finish(traces, sweeps, best))
        log.event("finished", step=coordinator.slowest_step)
        ending = "finished"
        return "finished"
    except FitError as error:
        log.event("failed", message=str(error))
        ending = "failed"
        raise
    finally:
        executor.close()
        told.end(ending)


def run_key(store: RunStore) -> str:
    """What tells this run from all others, the same in every session of it and wherever it has been moved."""
    attributes = store.attributes
    return hashlib.sha256(f"{attributes['job_hash']} {attributes.get('created')}".encode()).hexdigest()[:16]


def _config(resolved: ResolvedJob, settings: Settings, steps: int) -> FitConfig:
    fit = resolved.job.fit
    return FitConfig(
        candidates=fit.candidates,
        starts=fit.starts,
        steps=steps,
        optimizer=fit.optimizer.model_dump(exclude_none=True),
        starts_per_block=settings.starts_per_block,
        sweeps_per_item=settings.sweeps_per_item,
        seed=fit.seed,
        sweeps_per_step=fit.sweeps_per_step,
        evaluate_every=settings.evaluate_every,
    )


def _committer(
    committer: AsyncCommitter, coordinator: Coordinator, config: FitConfig, keep: int, told: Told
) -> Callable[[Snapshot], None]:
    best_so_far = np.inf

    def tree_of(snapshot: Snapshot) -> dict[str, Any]:
        # In the committer's thread: loggers too are told numbers of the tree, whose making must not hold the fit.
        told(snapshot)
        return snapshot.tree

    def commit(snapshot: Snapshot) -> None:
        nonlocal best_so_far
        best = coordinator.progress().best_loss
        better = bool(best < best_so_far)
        best_so_far = best if better else best_so_far
        committer.commit(
            partial(tree_of, snapshot),
            history=None if snapshot.history is None else history_variables(snapshot.history),
            step=snapshot.step,
            attrs={
                "steps": config.steps,
                "device": coordinator.device,
                "done": coordinator.done,
                "best_loss": best if np.isfinite(best) else None,
            },
            keep=keep,
            best=better,
        )

    return commit


def history_variables(history: dict[str, np.ndarray]) -> dict[str, Variable]:
    """Rows of the history as they are stored: (step, start)."""
    return {
        name: Variable(values, ("step",) if values.ndim == 1 else ("step", "start")) for name, values in history.items()
    }


class _Log:
    """Events of a run with the wall clock, in log.jsonl and to whoever watches."""

    def __init__(self, store: RunStore, coordinator: Coordinator, watch: Watch) -> None:
        self._store, self._coordinator, self._watch = store, coordinator, watch
        self._seen: tuple[Any, ...] = ()

    def event(self, kind: str, **facts: Any) -> None:
        self._store.log({"time": time.time(), "kind": kind, **facts})

    def report(self, report: Report) -> None:
        self.event(report.kind, message=report.message, **report.data)
        self._watch(self._coordinator.progress(), report)

    def watched(self, event: Event) -> None:
        del event
        now = self._coordinator.stage
        if now != self._seen:
            self._seen = now
            self._watch(self._coordinator.progress(), None)
