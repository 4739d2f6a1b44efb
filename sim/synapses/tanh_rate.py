"""`TanhRateSynapse`: the synapse of rate networks.

Source: Sompolinsky et al. 1988, Phys. Rev. Lett. 61:259. Names and defaults are those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..mechanisms.protocol import Values
from ..types import Named
from .protocol import Synapse


class TanhRateSynapse(Synapse):
    """-gS tanh(slope (v_pre - x_offset)) in nA, whatever the postsynaptic voltage; x_offset in mV, slope in 1/mV."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.synapse_params = {f"{prefix}_gS": 1e-4, f"{prefix}_x_offset": -70.0, f"{prefix}_slope": 1.0}

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA: inward (negative) where v_pre is above x_offset and gS positive."""
        prefix = self._name
        drive = jnp.tanh((pre_voltage - params[f"{prefix}_x_offset"]) * params[f"{prefix}_slope"])
        return -params[f"{prefix}_gS"] * drive
