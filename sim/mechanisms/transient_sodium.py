"""The gates that `NaTa_t` and `NaTs2_t` share, up to their half-points.

Source: Colbert & Pan 2002, Nat. Neurosci. 5:533.
"""

from __future__ import annotations

import math

from .gates import Gate, limited_exp, linoid_gate
from .protocol import Values

_SLOPE = 6.0


def transient_sodium_gates(v: Values, half_m: float, half_h: float, qt: float) -> dict[str, Gate]:
    """alpha_m = 0.182 L(x, 6), beta_m = 0.124 L(-x, 6); alpha_h = 0.015 L(-y, 6), beta_h = 0.015 L(y, 6).

    x = v - half_m, y = v - half_h, L(x, k) = x / (1 - exp(-x/k)). Both gates have one slope, so that
    exp(-y/6) = exp(-x/6) exp((half_h - half_m)/6): one exponential serves all four rates.
    """
    x, y = v - half_m, v - half_h
    exp_m = limited_exp(x * (-1 / _SLOPE))
    exp_h = exp_m * math.exp((half_h - half_m) / _SLOPE)
    m = linoid_gate(x, _SLOPE, 0.182, 0.124, exp_m)
    # The gate that opens where h closes, at the same rate: h is its complement, inf exp_h.
    closing = linoid_gate(y, _SLOPE, 0.015, 0.015, exp_h)
    return {"m": Gate(m.inf, m.rate * qt), "h": Gate(closing.inf * exp_h, closing.rate * qt)}
