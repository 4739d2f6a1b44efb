"""Ray for one fit: a cluster that is there, or one of our own on this machine; and the workers on it.

Owns the connection and the workers' environment. What workers do is `rallax.fitting`'s.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from . import own_cluster
from .errors import UserError, one_line
from .job import Job

if TYPE_CHECKING:
    from rallax.fitting import Executor, Recipe


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
        own_cluster.start(int(cores))
    # Ray puts handlers of its own in their place, which end the process.
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        if where is None:
            own_cluster.stop()
        ray.shutdown()


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
