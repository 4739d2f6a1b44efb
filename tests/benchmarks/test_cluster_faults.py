"""The fit under faults on a cluster, in its small form; and how its time is counted."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
def test_a_few_faults() -> None:
    command = [sys.executable, str(BENCHMARKS / "cluster_faults.py"), "--items", "24", "--faults", "4"]
    done = subprocess.run([*command, "--seconds", "0.5"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    bars = dict(line.split("\t")[1:3] for line in done.stdout.splitlines() if line.startswith("BAR\t"))
    assert bars["D1 end after them"] == "same bits"
    assert bars["D1 faults survived"].startswith("4 of 4 ")


def test_the_time_that_workers_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from _cluster_time import Course, Fault, away, compiled, with_delays

    def event(time: float, kind: str) -> dict[str, object]:
        return {"time": time, "kind": kind}

    log = [event(1, "started"), event(10, "worker joined"), event(10, "worker joined")]
    # One is killed at 20, noticed at 23 and mended at 30; the coordinator is gone from 50, its workers are back by 68.
    log += [event(23, "worker lost"), event(30, "worker joined")]
    log += [event(55, "resumed"), event(60, "worker joined"), event(68, "worker joined")]
    faults = [Fault("worker killed", 20, 3, (7,)), Fault("worker frozen", 40, 5), Fault("coordinator killed", 50, 8)]
    items = [{"pid": 7, "begin": 10, "end": 13}, {"pid": 7, "begin": 13, "end": 14}, {"pid": 8, "begin": 30, "end": 34}]
    course = Course(0.0, 100.0, items, log, faults)
    assert away(course, 2) == 10 + 10 / 2 + 10 + 8 / 2
    assert compiled(course, 1.0, 2) == (2 + 3) / 2
    told = [fault.told() for fault in with_delays(course)]
    assert told[0] == "worker killed after 3 items, noticed after 3.0 s, replaced after 10.0 s"
    assert told[1] == "worker frozen after 5 items"
    assert told[2].endswith("noticed after 5.0 s, replaced after 10.0 s")


@pytest.mark.parametrize("seed", range(5))
def test_the_plan_leaves_room_for_the_workers(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from cluster_faults import APART, KINDS, NODES, plan

    faults = plan(200, 20, seed)
    assert {kind for _, kind in faults} == set(KINDS) and len(faults) == 20
    nodes = NODES
    for _, kind in faults:
        nodes += {"node removed": -1, "node joined": 1}.get(kind, 0)
        # Each has room for two of the four workers.
        assert nodes >= 2
    moments = [at for at, _ in faults]
    assert all(b - a >= APART for a, b in itertools.pairwise(moments)) and moments[-1] < 200
