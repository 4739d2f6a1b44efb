"""A cluster that scales is asked for the nodes that a job needs, and released; "auto" takes what has room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rallax.fitting.executors.ray_cluster import RayCluster
from rallax.workflows.cluster import nodes_asked_for, workers_of
from rallax.workflows.job import load_job

from .tiny import write_flat


@pytest.mark.parametrize(
    ("changes", "address", "asked"),
    [
        (["compute.workers=3"], "auto", [[{"CPU": 1}] * 3, []]),
        (["compute.workers=2", "compute.gpus_per_worker=0.5"], "auto", [[{"CPU": 1, "GPU": 0.5}] * 2, []]),
        (['compute.workers="auto"'], "auto", []),
        (["compute.workers=3"], None, []),
    ],
)
def test_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str], address: str | None, asked: list[Any]
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", lambda bundles: calls.append(bundles))
    job = load_job(write_flat(tmp_path), changes)
    with pytest.raises(KeyError), nodes_asked_for(job, address):
        raise KeyError
    assert calls == asked


@pytest.mark.parametrize(
    ("changes", "nodes", "workers"),
    [
        # A worker does not stretch over two machines.
        (["compute.cpus_per_worker=2"], [{"CPU": 3.0}, {"CPU": 3.0}], 2),
        (["compute.cpus_per_worker=2", "compute.most_workers=1"], [{"CPU": 8.0}], 1),
        # A worker with a GPU needs a core too, and no worker has parts of two GPUs.
        (["compute.gpus_per_worker=1"], [{"CPU": 4.0, "GPU": 8.0}], 4),
        (["compute.gpus_per_worker=0.4"], [{"CPU": 64.0, "GPU": 3.0}], 6),
        ([], [], 1),
    ],
)
def test_auto_asks_for_as_many_workers_as_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str], nodes: list[dict[str, float]], workers: int
) -> None:
    """It counted cores or GPUs of all machines together; the fit then began with workers that could not be had."""
    found = [{"NodeID": str(i), "Alive": True, "Resources": has} for i, has in enumerate(nodes)]
    monkeypatch.setattr("ray.nodes", lambda: found)
    monkeypatch.setattr(RayCluster, "draining", lambda self: set())
    assert workers_of(load_job(write_flat(tmp_path), ['compute.workers="auto"', *changes])) == workers
