"""A cluster that is started for one fit: nothing runs on it that nobody asks, and the process stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rallax.workflows.own_cluster import _QUIET

from .tiny import write_flat

_SCRIPT = """
import os, sys
from rallax.workflows.cluster import connected
from rallax.workflows.job import load_job

names = sys.argv[2].split(",")
before = {name: os.environ.get(name) for name in names}
with connected(load_job(sys.argv[1])):
    import ray
    import psutil
    assert ray.get(ray.remote(lambda: 7).remote()) == 7
    assert {name: os.environ.get(name) for name in names} == before
    for process in psutil.Process().children(recursive=True):
        print(*process.cmdline())
"""


def test_nothing_runs_that_nobody_asks(tmp_path: Path) -> None:
    """Forwarding logs, scaling and a dashboard would take a worker's time."""
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, write_flat(tmp_path), ",".join(_QUIET)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "RAY_event_stats": "1"},  # whoever has set something keeps it
    )
    assert ended.returncode == 0, ended.stderr
    assert "gcs_server" in ended.stdout
    assert "raylet" in ended.stdout
    for name in ("log_monitor.py", "monitor.py", "dashboard/dashboard.py"):
        assert name not in ended.stdout
