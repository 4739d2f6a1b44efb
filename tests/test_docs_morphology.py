"""The examples of docs/morphology.md run, one after the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

from .sim.test_places import TREE

matplotlib.use("Agg")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "morphology.md"


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    Path("cell.swc").write_text(TREE)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    plt.close("all")
    assert names["cell"].groups == ["soma", "axon", "basal"]
    assert [len(b) for b in names["cell"].branches] == [1, 2, 2, 4, 2]
    assert "axon" not in names["joined"].groups and len(names["joined"]) == len(names["bare"]) + 2
    np.testing.assert_array_equal(names["again"].nodes["Ih_gbar"], names["cell"].nodes["Ih_gbar"])
