"""A Ray cluster for one fit on this machine: started with no more than a fit needs, ended at once.

Owns the settings and processes of Ray that a fit has no use for. Reaches into Ray's own node, which has no options for
this; a version of Ray without what is asked there keeps these processes, and takes some seconds more to end.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_QUIET = {
    "RAY_event_stats": "0",
    "RAY_event_stats_print_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_metrics_report_interval_ms": "60000",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "5000",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_io_context_event_loop_lag_collection_interval_ms": "60000",
    "RAY_debug_dump_period_milliseconds": "0",
    "RAY_report_worker_backlog_interval_ms": "10000",
    "RAY_raylet_check_gc_period_milliseconds": "1000",
    "REPORTER_UPDATE_INTERVAL_MS": "60000",
}
"""No statistics that nobody reads, and no processes that wait for tasks: a fit has actors alone.

On a small machine they take their time from a worker. As variables, since Ray passes over those that it does not know.
"""

_AGENTS_END = 1.0
"""Seconds in which the agents of Ray's node end after it."""


def start(cores: int) -> None:
    """Start a cluster and connect to it."""
    import ray

    with _children_without_sigterm(), _environment(_QUIET):
        ray.init(
            address="local",
            num_cpus=cores,
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    # What Ray starts even so: people look at this cluster through rallax alone, and it does not scale.
    for name in ("kill_log_monitor", "kill_monitor", "kill_dashboard"):
        kill = getattr(_node(), name, None)
        if kill is not None:
            kill(check_alive=False)


def stop() -> None:
    """Have `ray.shutdown` kill the cluster's processes at once.

    Asked by SIGTERM first, as Ray does and which they don't see, each would take a second.
    """
    node = _node()
    kill_raylet, kill_all = getattr(node, "kill_raylet", None), getattr(node, "kill_all_processes", None)
    if kill_raylet is None or kill_all is None:
        return

    def kill(**how: Any) -> None:
        # The raylet's agents tell the server of its death before they end; once it is gone they try for a minute.
        kill_raylet(check_alive=False)
        time.sleep(_AGENTS_END)
        kill_all(**{**how, "allow_graceful": False})

    node.kill_all_processes = kill


def _node() -> Any:
    import ray

    return getattr(ray._private.worker, "_global_node", None)


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
