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
from rallax.storage import RunStore, Store

from .cluster import connected, ray_executor, workers_of
from .execute import Watch, execute
from .job import Job
from .new_run import create_run, resolved_of
from .run import Run

MakeExecutor = Callable[[Any], Executor]


def fit(
    job: Job,
    run: str | Path | Store | None = None,
    *,
    address: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda progress, report: None,
    report: bool = True,
    make_executor: MakeExecutor | None = None,
) -> Run:
    """Fit a job in a new run.

    Args:
        run: directory of the run, or s3://…, gs://…, or a store; default the job's.
        address: of a Ray cluster; default the job's, else one is started on this machine.
        should_stop: asked about twice a second; when true the state is committed and the run can be resumed.
        watch: told of progress, `watch(progress, report or None)`.
        report: write report.html at the end.
        make_executor: workers of another kind, made from the recipe; then Ray is not used.

    Raises:
        JobError: faults of the job; nothing is made.
        StorageError: the directory holds a run already or cannot be written.
        FitError: the fit cannot go on; its state is committed.
    """
    place = job.run_directory if run is None else run
    store = create_run(job, place)
    return _go_on(store, job, None, address, should_stop, watch, report, make_executor)


def resume(
    run: str | Path | Store,
    *,
    steps: int | None = None,
    address: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda progress, report: None,
    report: bool = True,
    make_executor: MakeExecutor | None = None,
) -> Run:
    """Continue a run from its last committed state; arguments as for `fit`.

    Args:
        steps: steps of each start in all, to extend a finished run.

    Raises:
        StorageError: no run, a damaged one, or one of a newer format.
        JobError: a file that the job names is not what it was.
    """
    store = RunStore.open(run, write=True)
    job = resolved_of(store).job
    return _go_on(store, job, steps, address, should_stop, watch, report, make_executor)


def _go_on(
    store: RunStore,
    job: Job,
    steps: int | None,
    address: str | None,
    should_stop: Callable[[], bool],
    watch: Watch,
    report: bool,
    make_executor: MakeExecutor | None,
) -> Run:
    run_it = partial(execute, store, steps=steps, should_stop=should_stop, watch=watch)
    if make_executor is not None:
        run_it(make_executor, workers=1)
    else:
        with connected(job, address):
            run_it(partial(ray_executor, job), workers=workers_of(job))
    found = Run(store)
    if report:
        found.write_report()
    return found
