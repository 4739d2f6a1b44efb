"""What travels with a submitted job: the wheel's content, the job's files under their names, and no more than fits."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rallax.workflows.cli import app
from rallax.workflows.errors import UserError
from rallax.workflows.job import load_job
from rallax.workflows.submission.location import in_shell, run_on_cluster
from rallax.workflows.submission.package import Package, Travelling, pack
from rallax.workflows.submission.submit import _named_files
from rallax.workflows.submission.wheel import wheel_files

from .tiny import write_flat

ROOT = Path(__file__).parents[3]


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    return write_flat(tmp_path / "job")


def _modules(folder: Path) -> set[Path]:
    return {p.relative_to(folder) for p in folder.rglob("*.py")}


def packed(tmp_path: Path, folder: Path, names: list[str], **options: int) -> tuple[Package, list[str]]:
    found = pack(tmp_path / "p.zip", {}, folder, [Travelling(n, folder / n) for n in names], **options)
    return found, [name for name in zipfile.ZipFile(found.path).namelist() if not name.endswith("/")]


def test_the_wheel_runs_by_itself(tmp_path: Path) -> None:
    for name, content in wheel_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert _modules(tmp_path / "rallax/workflows") == _modules(ROOT / "workflows")
    say = "import rallax.workflows as w, importlib.metadata as m; print(w.__file__); print(m.version('rallax'))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.check_output([sys.executable, "-c", say], env=environment, text=True, cwd=tmp_path).split()
    assert told == [str(tmp_path / "rallax/workflows/__init__.py"), "0.1.0"]


def test_only_what_the_job_names_travels_and_names_stay(tmp_path: Path) -> None:
    folder = tmp_path / "lab" / "jobs"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "lab" / "cells").mkdir()
    for name in ("job.toml", "data/v.csv", "data/secret.csv", "../cells/a.swc"):
        (folder / name).write_text(name)
    found, names = packed(tmp_path, folder, ["job.toml", "data/v.csv", "../cells/a.swc", "data/v.csv", "/shared/b.swc"])
    assert found.folder == "job/jobs"
    assert sorted(names) == ["job/cells/a.swc", "job/jobs/data/v.csv", "job/jobs/job.toml"]
    assert found.left == ("/shared/b.swc",)
    assert zipfile.ZipFile(found.path).read("job/cells/a.swc") == b"../cells/a.swc"


def test_a_name_that_goes_in_and_out_is_found_where_it_is_unpacked(tmp_path: Path) -> None:
    for name in ("lab/jobs/empty", "lab/cells", "away"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("lab/cells/a.swc", "lab/jobs/v.csv"):
        (tmp_path / name).write_text(name)
    names = ["../cells/a.swc", "empty/../v.csv", "empty/../../cells/a.swc"]
    found, _ = packed(tmp_path, tmp_path / "lab" / "jobs", names)
    zipfile.ZipFile(found.path).extractall(tmp_path / "away")
    assert all((tmp_path / "away" / found.folder / name).is_file() for name in names)


def test_a_directory_travels_whole_and_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "v.zarr" / "c").mkdir(parents=True)
    (tmp_path / "v.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "v.zarr" / "c" / "0").write_text("0")
    first, names = packed(tmp_path, tmp_path, ["v.zarr"])
    assert names == ["job/v.zarr/c/0", "job/v.zarr/zarr.json"]
    before = first.path.read_bytes()
    os.utime(tmp_path / "v.zarr" / "zarr.json", (1, 1))
    assert packed(tmp_path, tmp_path, ["v.zarr"])[0].path.read_bytes() == before


def test_too_much_is_one_line_that_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_bytes(os.urandom(1000))
    (tmp_path / "large.csv").write_bytes(os.urandom(5 * 2**20))
    with pytest.raises(UserError) as error:
        packed(tmp_path, tmp_path, ["small.csv", "large.csv"], limit=2**20)
    assert str(error.value).startswith("large.csv: ") and "absolute path" in str(error.value)
    with pytest.raises(UserError, match=r"absent\.csv: cannot be packed"):
        packed(tmp_path, tmp_path, ["absent.csv"])


def test_what_a_job_names(job_file: Path) -> None:
    job = load_job(job_file)
    assert [f.name for f in _named_files(job)] == ["cell.swc", "step_1.csv", "step_2.csv", "held_out.csv"]


@pytest.mark.parametrize(
    ("asked", "place", "shell"),
    [
        ("/shared/my runs/a", "/shared/my runs/a", "'/shared/my runs/a'"),
        ("s3://bucket/a", "s3://bucket/a", "s3://bucket/a"),
        ("runs/a", "~/rallax/runs/a", '"$HOME"/rallax/runs/a'),
        ("~/b", "~/b", '"$HOME"/b'),
    ],
)
def test_where_a_run_lies_on_the_cluster(job_file: Path, asked: str, place: str, shell: str) -> None:
    job = load_job(job_file)
    assert run_on_cluster(job, asked) == place
    assert in_shell(place) == shell
    with pytest.raises(UserError, match="leads out of"):
        run_on_cluster(job, "../a")


def test_files_and_runs_of_the_cluster_are_not_looked_for_here(job_file: Path) -> None:
    changes = ["model.morphology=/nowhere/cell.swc", "storage.run=/nowhere/run"]
    job = load_job(job_file, changes, elsewhere=True)
    assert job.model.morphology == "/nowhere/cell.swc"
    with pytest.raises(UserError, match=r"absent\.swc"):
        load_job(job_file, ["model.morphology=absent.swc"], elsewhere=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["submit", "nowhere.toml", "--steps", "3"], "fit.steps=3"),
        (["submit", "nowhere.toml", "--files", "."], "goes with a run"),
        (["submit", "/tmp", "--set", "fit.steps=3"], "goes with a job file"),
        (["submit", "/nowhere/runs/a"], "--resume --run /nowhere/runs/a"),
        (["submit", "nowhere.toml", "--env", "3"], "NAME=VALUE"),
        (["logs", "nope", "--address", "http://127.0.0.1:9"], "nothing answers"),
        (["logs", "nope", "--address", "127.0.0.1:6379"], "http://HEAD:8265"),
        (["stop", "nope"], "--address: is missing"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], says: str) -> None:
    ended = CliRunner().invoke(app, arguments, env={"RAY_API_SERVER_ADDRESS": ""})
    assert ended.exit_code == 2 and len(ended.stderr.splitlines()) == 1 and says in ended.stderr
