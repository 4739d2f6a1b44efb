"""Every benchmark runs in its small form, without peers, and its figures make a table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(script: str, *options: str) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def check(folder: Path, script: str, *options: str) -> str:
    """Run it; its standard output. Its JSON is of the script and makes a table with its numbers."""
    file = folder / "figures.json"
    told = run(script, "--quick", "--json", str(file), *options)
    assert json.loads(file.read_text())["script"] == script
    table = run("performance_table.py", str(folder)).splitlines()
    assert f"`python benchmarks/{script}`" in table[0]
    heads, _, *rows = [line for line in table if line.startswith("|")]
    assert rows and all(row.count("|") == heads.count("|") for row in rows)
    assert any(character.isdigit() for character in rows[0])
    return told


@pytest.mark.parametrize("script", ["network.py", "memory.py"])
def test_runs_and_is_tabulated(tmp_path: Path, script: str) -> None:
    check(tmp_path, script)


def test_speed(tmp_path: Path) -> None:
    assert "hh ncomp 1 rallax" in check(tmp_path, "speed.py", "--case", "hh")


def test_startup_tells_both_bars(tmp_path: Path) -> None:
    bars = [line for line in check(tmp_path, "startup.py").splitlines() if line.startswith("BAR\t")]
    assert [bar.split("\t")[3] for bar in bars] == ["<= 6.0 s", "<= 2.5 s"]


def test_accuracy_finds_the_spikes(tmp_path: Path) -> None:
    rows = [line for line in check(tmp_path, "accuracy.py").splitlines() if line.startswith("rallax")]
    assert len(rows) == 3
    assert not any("other spikes" in row for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["large_batches.py", "flatness.py", "end_to_end.py", "workers.py"])
def test_longer_ones_run_and_are_tabulated(tmp_path: Path, script: str) -> None:
    check(tmp_path, script)


def test_verify_runs_what_measures_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from performance_table import TABLES
    from verify import programs

    names = {name for name, _ in programs()}
    assert set(TABLES) <= names
    assert not names & {"verify.py", "performance_table.py"}


def test_a_batch_is_run_in_the_best_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from large_batches import best_sizes

    measured = [
        {"batch": 1, "compartments": 9, "forward": 50.0, "gradient": 10.0},
        {"batch": 10, "compartments": 9, "forward": 20.0, "gradient": 30.0},
        {"batch": 100, "compartments": 9, "forward": 60.0},
    ]
    found = best_sizes(measured, [1, 10, 100, 1000])
    assert [(row["forward"], row["forward_size"]) for row in found] == [(50, 1), (50, 1), (60, 100), (60, 100)]
    assert [(row["gradient"], row["gradient_size"]) for row in found] == [(10, 1), (30, 10), (30, 10), (30, 10)]


def test_spikes_are_found_between_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from _axon import spikes

    times = 0.07 * np.arange(200)
    # Through zero upwards at 1, 5, 9 and 13; a cubic at a step of 0.07 is that near.
    found = spikes(times, 40.0 * np.sin((times - 1.0) * np.pi / 2.0))
    assert found == pytest.approx([1.0, 5.0, 9.0, 13.0], abs=1e-5)
    assert spikes(0.1 * np.arange(2), np.array([-10.0, 30.0])) == pytest.approx([0.025])


def test_the_grown_cell_stands_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("RALLAX_DATA", str(tmp_path))
    from _contest import cell_file

    from rallax.sim import read_swc

    with cell_file() as path:
        groups = read_swc(path, ncomp=1).nodes[["soma", "basal", "apical", "axon"]].any()
    assert groups.all()
    assert not path.exists()
