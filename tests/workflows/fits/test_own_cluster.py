"""A cluster that is started for one fit: nothing runs on it that nobody asks, and the process stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rallax.workflows.cluster import _QUIET

from .tiny import write_flat

_SCRIPT = """
import os, sys
from pathlib import Path
from rallax.workflows.cluster import connected
from rallax.workflows.job import load_job

def below(root):
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            pid = int(path.name)
            parents[pid] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            names[pid] = (path / "cmdline").read_bytes().replace(bytes(1), b" ").decode()
        except OSError:
            continue
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    return [names[pid] for pid in found - {root}]

before = dict(os.environ)
with connected(load_job(sys.argv[1])):
    import ray
    assert ray.get(ray.remote(lambda: 7).remote()) == 7
    after = {name: value for name, value in os.environ.items() if name in sys.argv[2].split(",")}
    print("\\n".join(below(os.getpid())))
assert after == {name: value for name, value in before.items() if name in sys.argv[2].split(",")}, after
"""


def test_nothing_runs_that_nobody_asks(tmp_path: Path) -> None:
    """Forwarding logs, scaling and a dashboard took 2 % of a core from workers; statistics took as much again."""
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
