"""The frame of the command line: help, start-up, JSON, and how exceptions leave it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rallax.fitting import FitError
from rallax.workflows import cli
from rallax.workflows.errors import StoppedEarly, UserError


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "--help"], ["validate", "no.toml"], ["doctor", "-h"]])
def test_help_and_errors_in_the_call_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom rallax.workflows.cli import app\nimport typer\n"
        f"try:\n    typer.main.get_command(app)({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = {'jax', 'ray', 'optax', 'neo', 'zarr', 'matplotlib', 'pandas', 'numpy.random'} & set(sys.modules)\n"
        "sys.stderr.write('heavy:' + ','.join(sorted(heavy - {'numpy.random'})))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.endswith("heavy:")


def test_validate_as_json(job_file: Path) -> None:
    result = CliRunner().invoke(cli.app, ["validate", str(job_file), "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["ok"] is True
    assert len(found["hash"]) == 64
    assert [sweep["name"] for sweep in found["sweeps"]] == ["step_1", "step_2", "pulse"]
    # 2 candidates would be 2 · 2 · 400; the job has 4, and 3 steps of 2 starts.
    assert found["work"]["compartments"] == 2
    assert found["work"]["candidate_steps"] == 4 * 2 * 400
    assert found["work"]["gradient_steps"] == 3 * 2 * 2 * 400

    result = CliRunner().invoke(cli.app, ["validate", str(job_file), "--time", "--json", "--set", "fit.steps=0"])
    assert result.exit_code == 0
    assert 0 < json.loads(result.stdout)["seconds"] < 600

    result = CliRunner().invoke(cli.app, ["validate", str(job_file), "--json", "--set", "fit.stepz=1"])
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert found["ok"] is False
    assert [fault["key"] for fault in found["faults"]] == ["fit.stepz"]


def test_doctor(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["doctor", "--json", "--directory", str(tmp_path)])
    found = {entry["what"]: entry for entry in json.loads(result.stdout)}
    assert {"python", "jax", "devices", "cores", "memory", "disk"} <= set(found)
    assert str(tmp_path) in found["disk"]["found"]
    assert result.exit_code == (4 if any(entry["missing"] for entry in found.values()) else 0)

    (tmp_path / "file").write_text("", encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["doctor", "--json", "--directory", str(tmp_path / "file")])
    assert result.exit_code == 4
    assert "name a directory" in next(e for e in json.loads(result.stdout) if e["what"] == "disk")["missing"]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (UserError("a.toml: x: wrong"), 2, ["a.toml: x: wrong"]),
        (StoppedEarly("stopped; rallax resume run"), 3, ["stopped; rallax resume run"]),
        (PermissionError(13, "Permission denied", "/run"), 2, ["/run: Permission denied"]),
        (OSError(28, "No space left on device", "/run"), 4, ["/run: No space left on device"]),
        (FitError("none of the 8 candidates has a finite loss"), 4, ["none of the 8 candidates has a finite loss"]),
        (KeyboardInterrupt(), 130, []),
        (typer.Exit(3), 3, []),
    ],
)
def test_how_errors_leave(error: BaseException, code: int, lines: list[str]) -> None:
    app = typer.Typer(cls=cli._Program)

    @app.command()
    def fail() -> None:
        raise error

    @app.command()
    def other() -> None:
        """A second command, so that the program is a group."""

    result = CliRunner().invoke(app, ["fail"])
    assert (result.exit_code, result.stderr.splitlines()) == (code, lines)


def test_an_error_of_our_own_shows_its_traceback() -> None:
    app = typer.Typer(cls=cli._Program)

    @app.command()
    def fail() -> None:
        raise ValueError("raised outside of the packages, so nobody wrote it for a user")

    @app.command()
    def other() -> None:
        """A second command, so that the program is a group."""

    result = CliRunner().invoke(app, ["fail"])
    assert result.exit_code == 4
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("rallax failed: ValueError")


def test_a_closed_pipe_is_no_error() -> None:
    # `true` has ended long before the help is written.
    command = f"{sys.executable} -m rallax.workflows.cli --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
