"""A cluster that scales is asked for the nodes that a job needs, and released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rallax.workflows.cluster import nodes_asked_for
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
