"""The files that start clusters: Ray's own validation of those for `ray up`, the RayJob against its schema.

python benchmarks/cluster_files.py [--crd ray.io_rayjobs.yaml]     KubeRay's whole definition, if at hand
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from _bar import tell
from _rayjob_schema import RAY_JOB

ROOT = Path(__file__).resolve().parents[1]
RAY_UP = ("cluster.yaml", "cluster/aws.yaml", "cluster/gcp.yaml")


def validate_ray_up(path: Path) -> None:
    """What `ray up` does with a file before it starts anything. Raises what Ray raises."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(yaml.safe_load(path.read_text())))


def validate_ray_job(path: Path, schema: dict[str, Any] = RAY_JOB) -> None:
    """Against the schema, and what no schema says: the runtime environment is YAML, the command is rallax's own."""
    manifest = yaml.safe_load(path.read_text())
    jsonschema.validate(manifest, schema)
    spec = manifest["spec"]
    environment = yaml.safe_load(spec["runtimeEnvYAML"])
    assert all(isinstance(value, str) for value in environment["env_vars"].values())
    words = shlex.split(spec["entrypoint"])
    assert words[:3] == ["python", "-m", "rallax.workflows.cli"]
    options = subprocess.check_output([sys.executable, *words[1:4], "--help"], text=True, env=_wide())
    assert all(word in options for word in words if word.startswith("--"))


def validate_shell(path: Path) -> None:
    """Bash reads it. Raises CalledProcessError where it does not."""
    subprocess.run(["bash", "-n", str(path)], check=True)


def schema_of_crd(path: Path) -> dict[str, Any]:
    """The schema of v1 in a resource definition, its objects closed, as `kubectl --validate=strict` has them."""
    versions = yaml.safe_load(path.read_text())["spec"]["versions"]
    schema: dict[str, Any] = next(v for v in versions if v["name"] == "v1")["schema"]["openAPIV3Schema"]
    _close(schema)
    return schema


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type", "object") == "object":
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)


def _wide() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crd", type=Path, help="KubeRay's resource definition of RayJob")
    arguments = parser.parse_args()
    checks = [(name, validate_ray_up) for name in RAY_UP]
    checks += [("cluster/rayjob.yaml", validate_ray_job), ("cluster/slurm.sh", validate_shell)]
    failed = []
    for name, check in checks:
        try:
            check(ROOT / name)
        except Exception as error:
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {error}")
    tell("files that start clusters, of 5", f"{len(checks) - len(failed)} valid", "5", not failed)
    if arguments.crd:
        schema = schema_of_crd(arguments.crd)
        schema["properties"]["metadata"] = {"type": "object"}
        jsonschema.validate(yaml.safe_load((ROOT / "cluster/rayjob.yaml").read_text()), schema)
        print(json.dumps({"crd": str(arguments.crd), "cluster/rayjob.yaml": "valid"}))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
