"""Ray for one fit: a cluster that is there, or one of our own on this machine; and the workers on it.

Owns the connection and the workers' environment. What workers do is `rallax.fitting`'s.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .errors import UserError, one_line
from .job import Job

if TYPE_CHECKING:
    from rallax.fitting import Executor, Recipe


_AGENTS_END = 1.0
"""Seconds in which the agents of Ray's node end after it."""

_QUIET = {
    "RAY_event_stats": "0",
    "RAY_event_stats_print_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_metrics_report_interval_ms": "60000",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "5000",
    "RAY_prestart_worker_first_driver": "0",
}
"""Statistics that nobody reads, and processes that wait for tasks while a fit has actors alone, cost a few per cent of
a core, which on a small machine are a worker's.

As variables, since Ray passes over those that a version of it does not know.
"""


def workers_of(job: Job) -> int:
    """How many workers a job asks for, "auto" answered by the room on this machine or cluster (connect first)."""
    compute = job.compute
    if isinstance(compute.workers, int):
        return compute.workers
    from rallax.fitting.executors.ray_cluster import RayCluster

    room = RayCluster(compute.cpus_per_worker, compute.gpus_per_worker).room()
    return max(1, min(room, compute.most_workers or sys.maxsize))


@contextmanager
def connected(job: Job, address: str | None = None, *, jobs: int = 1) -> Iterator[None]:
    """Connected to Ray at `address` (or [compute] address), or to a cluster started here; undone at the end.

    A cluster started here has as many cores as the machine, or as the workers need that so many such jobs ask for. A
    process that is connected already stays as it is.

    Raises:
        UserError: no cluster answers at the address.
    """
    # Before Ray is imported: it sends nothing home, and leaves the devices of workers without a GPU alone.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    # JAX warns of every fork; Ray's are followed by exec at once, which is harmless.
    warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
    handlers = _signal_handlers()
    where = address or job.compute.address
    if where is not None:
        try:
            ray.init(address=where, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(one_line(f"compute.address: no Ray cluster answers at {where!r} ({error})")) from None
    else:
        asked = job.compute.workers if isinstance(job.compute.workers, int) else 0
        cores = max(os.cpu_count() or 1, -(-asked * jobs * job.compute.cpus_per_worker // 1))
        with _children_without_sigterm(), _environment(_QUIET):
            ray.init(
                address="local",
                num_cpus=int(cores),
                include_dashboard=False,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        _end_what_nobody_asks()
    # Ray puts handlers of its own in their place, which end the process.
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        if where is None:
            _ask_nobody_to_end()
        ray.shutdown()


def _end_what_nobody_asks() -> None:
    """End what Ray starts for a cluster that people look at: this one has no dashboard, autoscaler or forwarded logs.

    Ray has no option for it. Where a version of Ray has not what is asked here, they go on, for 2 % of a core.
    """
    import ray

    node: Any = getattr(ray._private.worker, "_global_node", None)
    for name in ("kill_log_monitor", "kill_monitor", "kill_dashboard"):
        kill = getattr(node, name, None)
        if kill is not None:
            kill(check_alive=False)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Processes that are started in here have these variables, unless they are set already."""
    added = {key: value for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def _ask_nobody_to_end() -> None:
    """Ray kills the processes of its own cluster at once: asked by SIGTERM, which they don't see, each takes a second.

    Ray has no option for it. Where a version of Ray has not what is set here, shutting down takes those seconds.
    """
    import ray

    node: Any = getattr(ray._private.worker, "_global_node", None)
    kill_raylet, kill_all = getattr(node, "kill_raylet", None), getattr(node, "kill_all_processes", None)
    if kill_raylet is None or kill_all is None:
        return

    def kill(**how: Any) -> None:
        # The raylet's agents tell the server of its death before they end; once it is gone they try for a minute.
        kill_raylet(check_alive=False)
        time.sleep(_AGENTS_END)
        kill_all(**{**how, "allow_graceful": False})

    node.kill_all_processes = kill


@contextmanager
def _children_without_sigterm() -> Iterator[None]:
    """Processes that are started in here never see SIGTERM.

    `timeout`, SLURM and others send it to a whole group of processes. Ray's own would end at once, and a coordinator
    that asks them something then waits for a minute and is ended by Ray, its last steps not committed.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def nodes_asked_for(job: Job, address: str | None = None) -> Iterator[None]:
    """An autoscaling cluster is asked for the nodes that the job's workers need, and released from it at the end.

    Workers for which there is no room are not placed (they wait for nodes), so Ray would not see by itself that nodes
    are wanted. A cluster that does not scale pays no heed. "auto" asks for nothing: it takes what there is.
    """
    compute = job.compute
    if not isinstance(compute.workers, int) or (address or compute.address) is None:
        yield
        return
    from ray.autoscaler.sdk import request_resources

    each = {"CPU": compute.cpus_per_worker} | ({"GPU": compute.gpus_per_worker} if compute.gpus_per_worker else {})
    request_resources(bundles=[each] * compute.workers)
    try:
        yield
    finally:
        # The cluster may be gone, which is then what the fit ends with.
        with suppress(Exception):
            request_resources(bundles=[])


def own_address() -> str:
    """Where other processes join the cluster that this one is connected to."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def _signal_handlers() -> dict[int, Any]:
    """The handlers of Ctrl-C and SIGTERM; none outside the main thread, which alone may set them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def ray_executor(job: Job, recipe: Recipe) -> Executor:
    """Workers as Ray actors with the environment that the job needs; connect first."""
    from rallax.fitting.executors.environment import worker_environment
    from rallax.fitting.executors.ray_actors import RayExecutor
    from rallax.sim.xla import CPU_FLAGS

    compute = job.compute
    environment = worker_environment(
        precision=job.simulation.precision,
        cpus=compute.cpus_per_worker,
        gpus=compute.gpus_per_worker,
        cache_dir=os.environ.get("JAX_COMPILATION_CACHE_DIR"),
        xla_flags=CPU_FLAGS,
    )
    return RayExecutor(
        recipe,
        environment,
        cpus_per_worker=compute.cpus_per_worker,
        gpus_per_worker=compute.gpus_per_worker,
        name=job.name,
        await_nodes=compute.await_nodes_s,
        elastic=compute.workers == "auto",
    )
