"""`CaT`: the low-threshold calcium current (T-type) of the minimal cortical and thalamic models.

Source: Pospischil et al. 2008, Biol. Cybern. 99:427, after Destexhe et al. 1996. Names and defaults are those of
Jaxley's users. tau_u is as printed in 2008, where 30.8 stands inside the fraction; in the models of 1996 it stands
before it, so that tau_u stays above 8 ms.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, limited_exp, sigmoid
from .pospischil import E_CA
from .protocol import Values


class CaT(GatedChannel):
    """gCaT s_inf(v)^2 u (v - eCa); `vx` in mV shifts all rates."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gCaT": 0.4e-4, f"{prefix}_vx": 2.0, "eCa": E_CA}
        self.channel_states = {f"{prefix}_u": 0.2}
        self.current_name = "i_Ca"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady state and rate of u, with x = v + vx.

        u_inf = 1/(1 + exp((x+81)/4)), tau_u = (30.8 + 211.4 + e^a)/(3.7 (1 + e^b)), a = (x+113.2)/5, b = (x+84)/3.2.
        Both parts of 1/tau_u are taken times e^-a: e^b alone overflows in float32, e^(b-a) does not.
        """
        x = v + params[f"{self._name}_vx"]
        a = (x + 113.2) * (1 / 5.0)
        b = (x + 84.0) * (1 / 3.2)
        inverse = limited_exp(-a)
        ratio = limited_exp(b - a)
        rate = 3.7 * (inverse + ratio) / (242.2 * inverse + 1.0)
        return {"u": Gate(sigmoid((x + 81.0) * (-1 / 4.0)), rate, slow=True)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2; s follows v at once: s_inf = 1/(1 + exp(-(x+57)/6.2))."""
        prefix = self._name
        s = sigmoid((v + params[f"{prefix}_vx"] + 57.0) * (1 / 6.2))
        return params[f"{prefix}_gCaT"] * (s * s * states[f"{prefix}_u"]) * (v - params["eCa"])
