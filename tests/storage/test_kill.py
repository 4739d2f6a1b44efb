"""A process that commits in a loop, killed with SIGKILL at random moments, on the real disk."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rallax.storage import RunStore

CHILD = """
import sys
import numpy as np
from rallax.storage import AsyncCommitter, RunStore, Variable
run = RunStore.open(sys.argv[1], write=True)
run.claim_epoch()
latest = run.latest(strict=True)
step, x = (latest.tree["step"], latest.tree["x"]) if latest else (0, np.linspace(0.1, 0.9, 3))
print("ready", flush=True)
with AsyncCommitter(run) as committer:
    while True:
        x = 3.9 * x * (1.0 - x)
        step += 1
        history = {
            "loss": Variable((x**2)[None], ("step", "start"), "mV^2"),
            "start_step": Variable(np.full((1, 3), step, np.int32), ("step", "start")),
        }
        tree = {"x": Variable(x, ("start",)), "step": step, "pad": {"m": np.zeros((50, 50))}}
        committer.commit(tree, history=history, step=step, keep=2, best=step % 3 == 0)
        run.log({"step": step})
"""


def test_kill_9_at_random_moments_loses_nothing(kit, tmp_path: Path):
    kit.make_run(tmp_path / "run")
    draw = random.Random(1)
    steps = [0]
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "run")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            assert child.stdout is not None and child.stderr is not None
            if child.stdout.readline() != b"ready\n":
                pytest.fail(child.stderr.read().decode())
            time.sleep(draw.uniform(0.0, 0.6))
        finally:
            child.kill()
            child.communicate()
        run = RunStore.open(tmp_path / "run")
        if run.latest(strict=True) is not None:
            steps.append(kit.assert_state(run))
        assert run.verify() == []
        assert all("step" in event for event in run.read_log())
    assert steps == sorted(steps) and steps[-1] >= 5
