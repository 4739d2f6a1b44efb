"""The commands on a real run, as a person types them: real processes, real Ray, signals and kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rallax.workflows.cli import app

from .tiny import contents, write_tiny

RALLAX = [sys.executable, "-m", "rallax.workflows.cli"]


def rallax(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RALLAX, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("xla")))
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def undisturbed(job_file: Path) -> Path:
    directory = job_file.parent / "undisturbed"
    ended = rallax("run", job_file, "--run", directory)
    assert ended.returncode == 0, ended.stderr
    assert "best loss" in ended.stdout and ended.stderr == ""
    return directory


def test_status_list_and_report(undisturbed: Path) -> None:
    status = json.loads(rallax("status", undisturbed, "--json").stdout)
    assert status["state"] == "finished" and status["step"] == 6
    listed = rallax("list", undisturbed.parent)
    assert "undisturbed" in listed.stdout and "finished" in listed.stdout
    (undisturbed / "report.html").unlink()
    assert rallax("report", undisturbed).returncode == 0
    assert (undisturbed / "report.html").stat().st_size > 10_000


def test_the_workers_wrote_the_traces(undisturbed: Path) -> None:
    log = [json.loads(line) for line in (undisturbed / "log.jsonl").read_text().splitlines()]
    told = [entry for entry in log if entry["kind"] == "traces written"]
    assert len(told) == 1 and told[0]["by_workers"] > 0 and told[0]["by_coordinator"] == 0


def test_simulate_writes_traces_that_xarray_opens(undisturbed: Path, tmp_path: Path) -> None:
    import xarray

    ended = rallax("simulate", undisturbed, "--out", tmp_path / "traces.zarr", "--json")
    assert ended.returncode == 0, ended.stderr
    assert set(json.loads(ended.stdout)["rms_error_mV"]) == {"step_1", "step_2", "held_out"}
    tree = xarray.open_datatree(tmp_path / "traces.zarr", engine="zarr", consolidated=False)
    assert tree["step_1/voltage"].shape == (1, 1, 151)


def test_one_worker_gives_the_same_bits(job_file: Path, undisturbed: Path) -> None:
    ended = rallax("run", job_file, "--run", job_file.parent / "alone", "--set", "compute.workers=1")
    assert ended.returncode == 0, ended.stderr
    assert contents(job_file.parent / "alone") == contents(undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_in_the_middle_and_resumed(job_file: Path, undisturbed: Path, tmp_path: Path, number: int) -> None:
    """SIGTERM as `timeout` and SLURM send it, to all processes of the command, and twice; SIGKILL to it alone."""
    command = [*RALLAX, "run", str(job_file), "--run", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as p:
        assert p.stdout is not None
        for line in p.stdout:
            if line.startswith(b"step 2/"):
                break
        if number == signal.SIGTERM:
            os.killpg(p.pid, number)
            os.killpg(p.pid, number)
        else:
            os.kill(p.pid, number)
        p.stdout.read()
    assert p.returncode == (3 if number == signal.SIGTERM else -signal.SIGKILL)
    until = time.monotonic() + 60
    while (ended := rallax("resume", tmp_path / "run")).returncode != 0 and time.monotonic() < until:
        time.sleep(1)
    assert ended.returncode == 0, ended.stderr
    assert contents(tmp_path / "run") == contents(undisturbed)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "{job}", "--run", "{undisturbed}"], "undisturbed"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["run", "{job}", "--set", "fit.stepz=3"], "steps"),
        (["run", "{job}", "--run", "/proc/rallax-run"], "/proc/rallax-run"),
        (["resume", "{folder}"], "run"),
        (["resume", "{undisturbed}", "--steps", "2"], "step"),
        (["status", "nowhere"], "nowhere"),
        (["list", "nowhere"], "nowhere"),
        (["report", "{folder}"], "run"),
        (["simulate", "{undisturbed}", "--start", "99"], "0 to 3"),
        (["simulate", "{undisturbed}", "--out", "s3://bucket/x.zarr"], "a new directory on this machine"),
        (["simulate", "{undisturbed}", "--out", "{folder}"], "a new directory on this machine"),
        (["simulate", "{job}", "--parameter", "gNaa=1"], "gNaa"),
        (["simulate", "{job}", "--parameter", "gNa=7"], "gNa"),
    ],
)
def test_a_wrong_call_is_one_line_and_leaves_nothing(
    job_file: Path, undisturbed: Path, arguments: list[str], says: str
) -> None:
    before = sorted(p for p in job_file.parent.rglob("*"))
    names = {"job": job_file, "folder": job_file.parent, "undisturbed": undisturbed}
    ended = CliRunner().invoke(app, [a.format(**names) for a in arguments])
    assert ended.exit_code == 2, (ended.stdout, ended.stderr)
    assert len(ended.stderr.splitlines()) == 1 and says in ended.stderr
    assert sorted(p for p in job_file.parent.rglob("*")) == before
