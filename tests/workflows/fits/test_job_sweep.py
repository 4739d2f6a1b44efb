"""Sweeps: which jobs a file stands for, what is wrong with it, and how they run, stop, fail and go on."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rallax.workflows import Run
from rallax.workflows.cli import app
from rallax.workflows.errors import JobError
from rallax.workflows.job.overrides import apply_override, as_override
from rallax.workflows.job_sweep import JobSweep, execute, load_sweep
from rallax.workflows.job_sweep.reference import reference

from .tiny import write_flat, write_tiny

SWEEP = """
name = "grid"
job = "job.toml"
set = { "fit.steps" = 2 }
[[axes]]
name = "loss"
[axes.choices]
squares = { "loss.terms" = [{ kind = "mse", scale_mV = 5.0 }] }
absolute = { "loss.terms" = [{ kind = "mae" }], "fit.starts" = 2 }
[[axes]]
name = "seed"
key = "fit.seed"
values = [0, 1]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_flat(tmp_path)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    return tmp_path / "sweep.toml"


def test_every_combination_is_a_job(file: Path) -> None:
    loaded = load_sweep(file)
    assert [m.name for m in loaded.members] == ["squares-0", "squares-1", "absolute-0", "absolute-1"]
    last = loaded.members[-1]
    assert last.values == {"loss": "absolute", "seed": "1"}
    assert last.run == str(file.parent / "runs/grid/absolute-1")
    assert (last.job.fit.steps, last.job.fit.starts, last.job.fit.seed) == (2, 2, 1)
    assert last.job.loss.terms[0].kind == "mae"


@pytest.mark.parametrize("value", [1e-5, -3, True, 'a "b" \\ \x7f ü', [1.0, [2, "x"]], {"a b": {"c": False}}, 1e300])
def test_a_change_is_read_as_it_was_written(value: object) -> None:
    document: dict[str, object] = {}
    assert apply_override(document, as_override("a", value)) == ("a", None)
    assert document == {"a": value}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('key = "fit.seed"', 'key = "fit.sead"', "unknown key"),
        ("values = [0, 1]", "values = [0, -1]", "is no name of a run"),
        ("values = [0, 1]", "values = [0, 0]", "two combinations are named"),
        ("values = [0, 1]", "", "give both key and values"),
        ('set = { "fit.steps" = 2 }', "set = { fit.steps = 2 }", 'quote the key: "fit.steps"'),
        ('job = "job.toml"', 'job = "jobb.toml"', "jobb.toml"),
        ('name = "grid"', 'name = "grid"\nat_onze = 2', "at_once"),
        ('key = "fit.seed"', 'key = "fit.starts"', "as another axis does"),
        ('name = "seed"', 'name = "loss"', "is there twice"),
    ],
)
def test_a_slip_is_told_before_anything_runs(file: Path, old: str, new: str, says: str) -> None:
    file.write_text(SWEEP.replace(old, new))
    before = sorted(file.parent.rglob("*"))
    ended = CliRunner().invoke(app, ["sweep", str(file), "--check"])
    assert ended.exit_code == 2 and says in ended.stderr, ended.stderr
    assert all(line.startswith(str(file)) for line in ended.stderr.splitlines())
    assert sorted(file.parent.rglob("*")) == before


def test_one_that_fails_takes_no_other_with_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The third is told to stop before it can listen.
    codes = {"squares-0": "0", "squares-1": "4", "absolute-0": "os.kill(os.getpid(), 15)", "absolute-1": "0"}

    def command(sweep: object, member: execute.Member, address: str) -> list[str]:
        return [
            sys.executable,
            "-c",
            f"import os, sys; print('says {member.name}', flush=True); sys.exit({codes[member.name]})",
        ]

    monkeypatch.setattr(execute, "command_of", command)
    monkeypatch.setattr(execute, "_LOOK_EVERY", 0.02)
    most = 0

    def watch(standings: list[execute.Standing]) -> None:
        nonlocal most
        most = max(most, [s.state for s in standings].count("running"))

    ended = execute.run_sweep(load_sweep(file), "nowhere", at_once=2, watch=watch)
    assert [s.state for s in ended] == ["finished", "failed", "stopped", "finished"]
    assert ended[1].said == "says squares-1" and most == 2


def test_told_to_stop_all_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = "import signal,sys,time; signal.signal(15, lambda *a: sys.exit(3)); print('up', flush=True); time.sleep(60)"
    monkeypatch.setattr(execute, "command_of", lambda *a: [sys.executable, "-c", wait])
    loaded = load_sweep(file)
    logs = [execute.log_of(loaded, m) for m in loaded.members[:2]]

    def both_up() -> bool:
        return all(log.exists() and "up" in log.read_text() for log in logs)

    ended = execute.run_sweep(loaded, "nowhere", at_once=2, should_stop=both_up)
    assert [s.state for s in ended] == ["stopped", "stopped", "waiting", "waiting"]


def test_checked_only(file: Path) -> None:
    ended = CliRunner().invoke(app, ["sweep", str(file), "--check", "--json"])
    jobs = json.loads(ended.stdout)["jobs"]
    assert ended.exit_code == 0 and jobs[0]["job"] == "squares-0" and len(jobs) == 4
    file.write_text(SWEEP.replace('job = "job.toml"', 'job = "job.toml"\nruns = "ftp://lab/fits"'))
    with pytest.raises(JobError, match=r"runs: .*is not spoken"):
        load_sweep(file)


def test_faults_of_the_jobs_come_once(file: Path) -> None:
    (file.parent / "cell.swc").unlink()
    with pytest.raises(JobError) as error:
        load_sweep(file)
    assert len(error.value.faults) == 1 and "cell.swc" in str(error.value)


def test_the_page_is_the_tables_and_its_example_is_right(file: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "sweep.md").read_text()
    assert page == reference(), "python -m rallax.workflows.job_sweep.reference > docs/sweep.md"
    example = tomllib.loads(page.partition("```toml")[2].partition("```")[0])
    assert math.prod(len(axis.options()) for axis in JobSweep.model_validate(example).axes) == 12


@pytest.mark.slow
def test_a_real_sweep_runs_skips_what_is_done_and_goes_on(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    command = [sys.executable, "-m", "rallax.workflows.cli", "sweep", str(tmp_path / "sweep.toml"), "--json"]
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "xla")}
    first = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert first.returncode == 0, first.stdout + first.stderr
    found = json.loads(first.stdout)
    assert [f["state"] for f in found] == ["finished"] * 4 and all(f["best_loss"] > 0 for f in found)
    before = {f["job"]: Run.open(f["run"]).checkpoint.seq for f in found}
    again = json.loads(subprocess.check_output(command, text=True, env=environment, timeout=600))
    assert all(f["seconds"] is None for f in again)
    assert before == {f["job"]: Run.open(f["run"]).checkpoint.seq for f in again}
