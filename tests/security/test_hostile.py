"""Every attack of the list is refused in one line, with exit code 2, in little memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import CASES

HERE = Path(__file__).parent
MOST_BYTES = 1200 * 2**20
"""The program with JAX takes 400 MB; a job file of a megabyte some hundred more."""
MOST_SECONDS = 20


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    command = [sys.executable, str(HERE / "run_cases.py"), str(tmp_path_factory.mktemp("hostile"))]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40
    assert len({case.tries for case in CASES}) == len(CASES)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.tries for case in CASES])
def test_it_is_refused(results: list[dict[str, Any]], number: int) -> None:
    case, found = CASES[number], results[number]
    said = found["said"]
    assert found["made"] == 0, said
    assert found["code"] == 2, (found["code"], said)
    lines = said.splitlines()
    # Faults of one table are told for each of its sweeps, and a flood of faults by its first hundred.
    assert 1 <= len(lines) <= 101 and all(line.isprintable() for line in lines), said
    assert "Traceback" not in said
    assert case.says in lines[-1] or case.says in lines[0], said
    assert found["peak"] < MOST_BYTES, f"{found['peak'] / 2**20:.0f} MiB"
    assert found["seconds"] < MOST_SECONDS
