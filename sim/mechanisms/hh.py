"""`HH`: the squid axon's sodium, potassium and leak currents.

Source: Hodgkin & Huxley 1952, J. Physiol. 117:500, at 6.3 degrees Celsius with the resting potential at -65 mV (the
form of NEURON's `hh`). Names and defaults are those of Jaxley's users.
"""

from __future__ import annotations

import math

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import EXPONENT_LIMIT, Gate, limited_exp, linoid, reciprocal, two_rates
from .protocol import Values


class HH(GatedChannel):
    """gNa m^3 h (v - eNa) + gK n^4 (v - eK) + gLeak (v - eLeak)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {
            f"{prefix}_gNa": 0.12,
            f"{prefix}_gK": 0.036,
            f"{prefix}_gLeak": 0.0003,
            f"{prefix}_eNa": 50.0,
            f"{prefix}_eK": -77.0,
            f"{prefix}_eLeak": -54.3,
        }
        self.channel_states = {f"{prefix}_m": 0.2, f"{prefix}_h": 0.2, f"{prefix}_n": 0.2}
        self.current_name = "i_HH"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady states and rates of m, h and n.

        With r = exp(-(v+65)/80): exp(-(v+65)/20) = r^4 and exp(-(v+65)/10) = r^8, so that r serves every rate but
        beta_m. beta_h is 1 / (1 + exp(-(v+35)/10)).
        """
        root = limited_exp((v + 65.0) * (-1 / 80), EXPONENT_LIMIT / 8)
        root_2 = root * root
        root_4 = root_2 * root_2
        root_8 = root_4 * root_4

        alpha_m = 0.1 * linoid(v + 40.0, 10.0, root_8 * math.exp(2.5))
        beta_m = 4.0 * jnp.exp((v + 65.0) * (-1 / 18))
        alpha_h = 0.07 * root_4
        beta_h = reciprocal(1.0 + root_8 * math.exp(3.0))
        alpha_n = 0.01 * linoid(v + 55.0, 10.0, root_8 * math.exp(1.0))
        beta_n = 0.125 * root
        return {
            "m": two_rates(alpha_m, beta_m),
            "h": two_rates(alpha_h, beta_h),
            "n": two_rates(alpha_n, beta_n),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """All three currents, mA/cm^2."""
        prefix = self._name
        m, h, n = states[f"{prefix}_m"], states[f"{prefix}_h"], states[f"{prefix}_n"]
        n_2 = n * n
        g_na = params[f"{prefix}_gNa"] * (m * m * m * h)
        g_k = params[f"{prefix}_gK"] * (n_2 * n_2)
        return (
            g_na * (v - params[f"{prefix}_eNa"])
            + g_k * (v - params[f"{prefix}_eK"])
            + params[f"{prefix}_gLeak"] * (v - params[f"{prefix}_eLeak"])
        )
