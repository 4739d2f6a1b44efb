"""`fit` and `resume`: from a job to a finished run, from Python or the command line.

from rallax.workflows import fit, load_job

run = fit(load_job("job.toml"))
run.best()
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rallax.fitting import Executor
from rallax.storage import NotARun, RunStore, Store

from .cluster import connected, nodes_asked_for, ray_executor, workers_of
from .errors import UserError
from .execute import Watch, execute
from .job import Job
from .new_run import create_run, resolved_of
from .resolve import resolve
from .run import Run
from .settings import Settings

MakeExecutor = Callable[[Any], Executor]


def fit(
    job: Job,
    run: str | Path | Store | None = None,
    *,
    go_on: bool = False,
    address: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda progress, report: None,
    report: bool = True,
    make_executor: MakeExecutor | None = None,
) -> Run:
    """Fit a job in a new run.

    Args:
        run: directory of the run, or s3://…, gs://…, or a store; default the job's.
        go_on: continue the run that is there already, if it is of this very job.
        address: of a Ray cluster; default the job's, else one is started on this machine.
        should_stop: asked about twice a second; when true the state is committed and the run can be resumed.
        watch: told of progress, `watch(progress, report or None)`.
        report: write report.html at the end.
        make_executor: workers of another kind, made from the recipe; then Ray is not used.

    Raises:
        JobError: faults of the job; nothing is made.
        StorageError: the directory holds a run already or cannot be written.
        UserError: with `go_on`, a run of another job is there.
        FitError: the fit cannot go on; its state is committed.
    """
    place = job.run_directory if run is None else run
    store = _run_of(job, place) if go_on else None
    files = None if store is None else job.folder
    if store is None:
        store = create_run(job, place)
    return _go_on(store, job, None, files, address, should_stop, watch, report, make_executor)


def resume(
    run: str | Path | Store,
    *,
    steps: int | None = None,
    files: str | Path | None = None,
    address: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda progress, report: None,
    report: bool = True,
    make_executor: MakeExecutor | None = None,
) -> Run:
    """Continue a run from its last committed state; arguments as for `fit`.

    Args:
        steps: steps of each start in all, to extend a finished run.
        files: the folder that the job's file names are relative to, where it is not what it was when the run was made.

    Raises:
        StorageError: no run, a damaged one, or one of a newer format.
        JobError: a file that the job names is not what it was.
    """
    store = RunStore.open(run, write=True)
    resolved = resolved_of(store)
    # Asked before a cluster is: nothing is started for a run that cannot go on.
    Settings.of(resolved)
    job = resolved.job
    files = None if files is None else Path(files)
    return _go_on(store, job, steps, files, address, should_stop, watch, report, make_executor)


def _run_of(job: Job, place: str | Path | Store) -> RunStore | None:
    """The run at this place if it is of this job; None where there is none yet."""
    try:
        store = RunStore.open(place, write=True)
    except NotARun:
        return None
    if not resolved_of(store).same_job(resolve(job)):
        raise UserError(f"{store.location}: is a run of another job, or of other files; name another directory")
    return store


def _go_on(
    store: RunStore,
    job: Job,
    steps: int | None,
    files: Path | None,
    address: str | None,
    should_stop: Callable[[], bool],
    watch: Watch,
    report: bool,
    make_executor: MakeExecutor | None,
) -> Run:
    run_it = partial(execute, store, steps=steps, files=files, by=job, should_stop=should_stop, watch=watch)
    if make_executor is not None:
        run_it(make_executor, workers=1)
    else:
        with connected(job, address), nodes_asked_for(job, address):
            run_it(partial(ray_executor, job), workers=workers_of(job))
    found = Run(store)
    if report:
        found.write_report()
    return found
