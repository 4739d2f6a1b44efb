"""A sample of the spoiled inputs of benchmarks/fuzz.py, and what the whole of it has found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz.py"
READERS = ("jobs", "expressions", "text tables", "igor waves", "zarr arrays", "SWC", "ASC", "runs")


def fuzz(*options: str) -> list[str]:
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(FUZZ), *options], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout.splitlines()


def test_a_sample_is_read_or_refused() -> None:
    lines = fuzz("--inputs", "2000", "--seed", "1", *(word for name in READERS for word in ("--reader", name)))
    assert lines[-1].startswith("BAR\t") and lines[-1].endswith("\tmet")
    for name, line in zip(READERS, lines, strict=False):
        assert line.startswith(name)
        # Changes that spoil everything, or nothing, would try little.
        assert " 0 read," not in line and " 0 refused," not in line


def test_a_reader_that_dies_is_a_failure_of_its_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FUZZ.parent))
    import fuzz as program

    child = tmp_path / "child.py"
    child.write_text(
        "import os, sys, pathlib\n"
        "name, seed, first, last, folder = sys.argv[1:]\n"
        "for number in range(int(first), int(last)):\n"
        "    pathlib.Path(folder, 'number').write_text(str(number))\n"
        "    if number == 3:\n"
        "        os.abort()\n"
        'print(\'{"accepted": 1, "refused": 2}\')\n'
    )
    monkeypatch.setattr(program, "CHILD", child)
    counts, problems = program.fuzz("jobs", 0, 0, 7)
    assert counts == {"accepted": 1, "refused": 2}
    assert [number for number, _ in problems] == [3] and "ended with -6" in problems[0][1]
