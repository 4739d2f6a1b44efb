"""The axon of accuracy.py: its numbers, its spikes, and how a contestant tells its rows.

1 mm x 1 um in 100 compartments with the squid's channels (the cable of Rallpack 3, Bhalla, Bilitch & Bower 1992, Trends
Neurosci. 15:453, coarser), 100 Ohm cm, 0.1 nA into one end for 250 ms, from -65 mV with the gates at rest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial

NCOMP, LENGTH_UM, RADIUS_UM, CURRENT_NA, T_MS = 100, 10.0, 0.5, 0.1, 250.0


class Call(NamedTuple):
    """The arguments of a contestant, as JSON on its command line: `tried` are [scheme, step or tolerance]."""

    tried: list[tuple[str, float]]
    dtype: str
    lanes: int
    repeats: int
    out: str
    t_ms: float = T_MS

    @classmethod
    def read(cls) -> Call:
        return cls(**json.loads(sys.argv[1]))

    def tell(self, measured: Callable[[str, float], tuple[np.ndarray, np.ndarray, float]]) -> None:
        """Write a row for each of `tried`; `measured` gives times (ms), voltage (mV) and seconds of all lanes."""
        rows: list[dict[str, Any]] = []
        for scheme, step in self.tried:
            times, voltage, seconds = measured(scheme, step)
            row = {"scheme": scheme, "step": step, "dtype": self.dtype, "seconds": seconds}
            rows.append(row | {"spikes": spikes(times, voltage)})
            Path(self.out).write_text(json.dumps(rows))


def spikes(times: np.ndarray, voltage: np.ndarray) -> list[float]:
    """ms at which the voltage rises through 0 mV, on the cubic through the two samples before and the two after.

    A straight line would be off by a few microseconds at steps of 0.07 ms, which is not the scheme's error.
    """
    before = np.flatnonzero((voltage[1:] > 0.0) & (voltage[:-1] <= 0.0))
    found = []
    for k in before:
        four = slice(max(0, k - 1), k + 3)
        cubic = Polynomial.fit(times[four], voltage[four], len(times[four]) - 1)
        part = -voltage[k] / (voltage[k + 1] - voltage[k])
        roots = cubic.roots()
        real = roots.real[np.abs(roots.imag) < 1e-9]
        guess = times[k] + part * (times[k + 1] - times[k])
        found.append(float(min(real, key=lambda t, guess=guess: abs(t - guess))))
    return found
