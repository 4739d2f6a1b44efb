"""Jobs submitted to a cluster that `ray start` has made on this machine, from another directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from _bar import tell
from _loopback import LoopbackCluster, loopback_cluster

from .tiny import contents, write_tiny

pytestmark = pytest.mark.slow

RALLAX = [sys.executable, "-m", "rallax.workflows.cli"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCluster]:
    cache = os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("xla")))
    with loopback_cluster(2, {"JAX_COMPILATION_CACHE_DIR": cache}) as found:
        yield found


def rallax(cluster: LoopbackCluster, *arguments: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cluster.token, "RAY_API_SERVER_ADDRESS": cluster.address}
    command = [*RALLAX, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd="/", env=environment)


def test_submitted_followed_stopped_and_gone_on_with(cluster: LoopbackCluster, tmp_path: Path) -> None:
    job = write_tiny(tmp_path / "lab")
    whole = rallax(cluster, "submit", job, "--run", tmp_path / "whole", "--follow")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "step 6/6" in whole.stdout and "best loss" in whole.stdout

    submitted = json.loads(rallax(cluster, "submit", job, "--run", tmp_path / "run", "--json").stdout)
    assert submitted["run"] == str(tmp_path / "run") and len(submitted["files"]) == 5
    number = submitted["id"]
    # What was sent must do: the job's own folder is not there on another machine.
    (tmp_path / "lab").rename(tmp_path / "moved")
    until = time.monotonic() + 120
    while "step 1/" not in rallax(cluster, "logs", number).stdout and time.monotonic() < until:
        time.sleep(0.5)
    stopped = json.loads(rallax(cluster, "stop", number, "--json").stdout)
    assert stopped["status"] == "STOPPED"
    assert json.loads(rallax(cluster, "status", tmp_path / "run", "--json").stdout)["state"] in ("stopped", "finished")
    resumed = rallax(cluster, "submit", tmp_path / "run", "--files", tmp_path / "moved", "--follow")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    same = contents(tmp_path / "run") == contents(tmp_path / "whole")
    tell(
        "submit, follow, stop, go on (issue 5, 7): the run", "as undisturbed" if same else "differs", "same bits", same
    )
    assert same

    listed = json.loads(rallax(cluster, "list", "--address", cluster.address, "--json").stdout)
    states = {state["id"]: state for state in listed}
    assert states[number]["status"] == "STOPPED"
    assert states[number]["metadata"]["cell"] == "cell.swc" and states[number]["metadata"]["job_name"] == "tiny"
    told = rallax(cluster, "status", number, "--address", cluster.address)
    assert "rallax submit" in told.stdout and str(tmp_path / "run") in told.stdout


def test_a_job_that_the_cluster_refuses_ends_with_its_exit_code(cluster: LoopbackCluster, tmp_path: Path) -> None:
    job = write_tiny(tmp_path / "lab")
    ended = rallax(
        cluster, "submit", job, "--run", tmp_path / "run", "--follow", "--set", "model.morphology=/nowhere/cell.swc"
    )
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "/nowhere/cell.swc" in ended.stdout and "must be on every node: /nowhere/cell.swc" in ended.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["logs", "stop", "status"])
def test_no_such_job(cluster: LoopbackCluster, command: str) -> None:
    ended = rallax(cluster, command, "nope", "--address", cluster.address)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and "no such job" in ended.stderr
