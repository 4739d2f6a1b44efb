"""The examples of docs/networks.md run, one after the other, and show what the page says of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "networks.md"


def test_examples() -> None:
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    plt.close("all")
    net, v = names["net"], np.asarray(names["v"])
    assert net.shape == (3, 9, 18) and repr(net).startswith("Network with 3 cells, 9 branches, 18 comps, 3 synapses")
    assert v.shape == (6, 321)
    assert v[0].max() > 0.0 and v[2].max() > v[2, 0] + 1.0, "the first cell spikes and moves the third"
    np.testing.assert_array_equal(names["held"][3, 1:], 0.8)
    assert list(net.edges["IonotropicSynapse_k_minus"].dropna()) == [0.1, 0.025]
    assert names["losses"][-1] < 0.05 * names["losses"][0]
