"""The contestants of the benchmarks run, in the smallest of sizes; how fast they are is no test's business."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_networks() -> None:
    import networks

    found = networks.contest("rallax", points=3, branched=2, repeats=1)
    assert found["synapses"] > 10 and min(found["forward"], found["gradient"]) > 0.0


def test_flatness() -> None:
    import flatness

    found = flatness.measure(25, 65, 3, 1)
    assert min(found.values()) > 0.0 and set(found) == {"compiled", "forward", "gradient"}


def test_last_spike_of_accuracy() -> None:
    import accuracy

    dt = 0.5
    v: Any = np.full(600, -65.0)
    v[[100, 478]] = 35.0  # the last upward crossing is between samples 477 and 478
    expected = dt * (477 + 65.0 / 100.0) - accuracy.LAST_SPIKE_MS
    assert accuracy.late(v, dt) == pytest.approx(expected, abs=1e-9)
    v[5] = math.nan
    assert accuracy.late(v, dt) == math.inf


@pytest.mark.data
def test_memory(data_dir: Path) -> None:
    import memory

    found = memory.measure(data_dir / "morphologies" / "rat_l5pc_with_axon.swc", 20, 2**22)
    assert found["steps"] == 20 and found["us per step"] > 0
