"""A sample of the write-fault sweep; `make verify` has every write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(("store", "every", "exits"), [("local", 40, 1), ("s3", 300, 0)])
def test_faults_at_some_writes_lose_nothing(store: str, every: int, exits: int) -> None:
    if store == "s3":
        pytest.importorskip("moto", reason="requirements-dev.txt has moto")
        pytest.importorskip("s3fs", reason="requirements-dev.txt has s3fs")
    options = ["--store", store, "--every", str(every), "--ray", "0", "--exits", str(exits)]
    command = [sys.executable, str(BENCHMARKS / "write_faults.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    bars = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("BAR\t")]
    assert len(bars) == 2 + (exits > 0) and all(bar[-1] == "met" for bar in bars), done.stdout
