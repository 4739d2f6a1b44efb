"""The files that start clusters are what their programs read, and say nothing that a user must not copy."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

from rallax.workflows.cli import app

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import cluster_docs
import cluster_files
from _rayjob_schema import RAY_JOB

ROOT = Path(__file__).parents[1]

FILES = ("cluster.yaml", *(f"cluster/{name}" for name in ("aws.yaml", "gcp.yaml", "rayjob.yaml", "slurm.sh")))


@pytest.mark.parametrize("name", cluster_files.RAY_UP)
def test_ray_accepts(name: str) -> None:
    cluster_files.validate_ray_up(ROOT / name)


def test_ray_would_refuse_a_slip(tmp_path: Path) -> None:
    text = (ROOT / "cluster.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text.replace("setup_commands", "setup_command", 1))
    with pytest.raises(jsonschema.ValidationError):
        cluster_files.validate_ray_up(tmp_path / "c.yaml")


def test_the_manifest_fits_its_schema_and_a_slip_does_not() -> None:
    cluster_files.validate_ray_job(ROOT / "cluster/rayjob.yaml")
    manifest = yaml.safe_load((ROOT / "cluster/rayjob.yaml").read_text())
    for spoil in (
        lambda m: m["spec"].update(backofLimit=3),
        lambda m: m["spec"].update(backoffLimit="3"),
        lambda m: m["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].pop("groupName"),
        lambda m: m["spec"]["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
    ):
        spoilt = copy.deepcopy(manifest)
        spoil(spoilt)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, RAY_JOB)


def test_versions_are_the_pinned_ones() -> None:
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line)
    assert f'rayVersion: "{pins["ray"]}"' in (ROOT / "cluster/rayjob.yaml").read_text()
    for name in cluster_files.RAY_UP:
        assert f"jax[cuda12]=={pins['jax']}" in (ROOT / name).read_text()


@pytest.mark.parametrize("name", FILES)
def test_no_address_of_a_registry(name: str) -> None:
    words = ("docker.io", "ghcr", "quay", "gcr.io", "pypi", "http://", "https://", "--index-url")
    assert not [word for word in words if word in (ROOT / name).read_text()]


def test_the_slurm_script_says_how_it_is_called() -> None:
    cluster_files.validate_shell(ROOT / "cluster/slurm.sh")
    ended = subprocess.run(["bash", str(ROOT / "cluster/slurm.sh")], capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("usage: sbatch")


def test_the_walk_names_commands_that_are_there() -> None:
    """`benchmarks/cluster_docs.py` follows the page; here only that it is a program of commands that rallax has."""
    text = cluster_docs.script(cluster_docs.PAGE.read_text(), {"6379": 1, "8265": 2}, installed=True)
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
    assert "make install" not in text and ":8265" not in text
    commands = set(re.findall(r"\brallax ([a-z]+)", text))
    assert commands == {"list", "validate", "submit", "logs", "status", "stop", "report"}
    assert commands <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
