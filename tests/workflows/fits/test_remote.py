"""A fit whose run is in a bucket: the same bits as on a disk, and every command takes the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rallax.fitting import InProcessExecutor, Recipe, build
from rallax.workflows import Run, fit, load_job, resume
from rallax.workflows.cli import app
from rallax.workflows.errors import UserError

from .tiny import contents, write_tiny

_problems: dict[str, object] = {}


def in_process(recipe: Recipe) -> InProcessExecutor:
    key = str(recipe.config).partition("storage")[0]
    if key not in _problems:
        _problems[key] = build(recipe)
    return InProcessExecutor(_problems[key])


def test_a_fit_in_a_bucket(tmp_path: Path, s3_folder: str) -> None:
    place = f"{s3_folder}/tiny"
    overrides = ["fit.steps=2", "fit.starts=2", "storage.checkpoint_every_steps=1"]
    job = load_job(write_tiny(tmp_path), [*overrides, f'storage.run="{place}"'])
    calls = iter(range(10**6))
    fit(job, make_executor=in_process, should_stop=lambda: next(calls) > 8)
    assert Run.open(place).status().state == "stopped"
    finished = resume(place, make_executor=in_process)
    on_disk = fit(load_job(tmp_path / "job.toml", overrides), tmp_path / "run", make_executor=in_process, report=False)
    assert contents(place) == contents(on_disk.directory)
    resume(place, steps=3, make_executor=in_process, report=False)
    resume(tmp_path / "run", steps=3, make_executor=in_process, report=False)
    assert contents(place) == contents(on_disk.directory)
    assert finished.write_report() == f"{place}/report.html"
    with pytest.raises(UserError, match="in an object store"):
        _ = finished.directory

    def said(*arguments: str) -> str:
        ended = CliRunner().invoke(app, list(arguments))
        assert ended.exit_code == 0, (ended.stdout, ended.stderr)
        return ended.stdout

    assert json.loads(said("status", place, "--json"))["state"] == "finished"
    (listed,) = json.loads(said("list", s3_folder, "--json"))["runs"]
    assert listed["directory"] == place and listed["step"] == 3
    assert place in said("report", place)
    assert set(json.loads(said("simulate", place, "--json"))["rms_error_mV"]) == {"step_1", "step_2", "held_out"}


def test_wrong_places_are_one_line(tmp_path: Path, s3_folder: str) -> None:
    job = str(write_tiny(tmp_path))
    for arguments, says in (
        (["status", f"{s3_folder}/none"], "no run is here"),
        (["run", job, "--run", "s3://no-such-bucket/run"], "there is no bucket 'no-such-bucket'"),
        (["list", "ftp://host/folder"], "is not spoken"),
        (["resume", "s3://no-such-bucket/run"], "there is no bucket"),
    ):
        ended = CliRunner().invoke(app, arguments)
        assert ended.exit_code == 2 and len(ended.stderr.splitlines()) == 1 and says in ended.stderr, ended.stderr
