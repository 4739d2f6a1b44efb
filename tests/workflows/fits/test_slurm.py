"""The SLURM recipe on this machine: its own logic, with `srun` and `scontrol` that stay here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rallax.workflows import Run

from .tiny import write_tiny

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[3] / "cluster" / "slurm.sh"

SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
[ "$1" = hostname ] && { echo 127.0.0.1; exit; }
exec "$@"
"""
SCONTROL = """#!/bin/bash
if [ "$1" = requeue ]; then echo "$2" >> "$QUEUE"; else printf 'here\\nthere\\n'; fi
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment as SLURM's, with a fake of its commands first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {
        **os.environ,
        "PATH": path,
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "[here,there]",
        "SLURM_CPUS_PER_TASK": "1",
        "QUEUE": str(tmp_path / "queue"),
    }


def test_stopped_by_the_time_limit_queued_again_and_finished(slurm: dict[str, str], tmp_path: Path) -> None:
    job, run = write_tiny(tmp_path / "job"), tmp_path / "run"
    command = ["bash", str(SCRIPT), str(job), str(run)]
    with (tmp_path / "out").open("w+") as out:
        first = subprocess.Popen(command, env=slurm, stdout=out, stderr=subprocess.STDOUT)
        until = time.monotonic() + 180
        while "step 1/" not in (tmp_path / "out").read_text() and time.monotonic() < until:
            assert first.poll() is None, (tmp_path / "out").read_text()
            time.sleep(0.2)
        first.send_signal(signal.SIGTERM)
        code = first.wait(120)
    assert code == 3, (tmp_path / "out").read_text()
    assert (tmp_path / "queue").read_text().split() == [slurm["SLURM_JOB_ID"]]
    assert Run.open(run).status().state == "stopped"
    again = subprocess.run(command, env=slurm, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stdout + again.stderr
    status = Run.open(run).status()
    assert status.state == "finished" and status.step == 6
    assert not Path(f"/tmp/ray-{slurm['SLURM_JOB_ID']}").exists()
