"""`TanhConductanceSynapse`: `TanhRateSynapse` with a driving force.

Source: as there. Names and defaults are those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..mechanisms.protocol import Values
from ..types import Named
from .protocol import Synapse


class TanhConductanceSynapse(Synapse):
    """gS tanh(slope (v_pre - x_offset)) (v_post - e_syn): gS in uS, x_offset and e_syn in mV, slope in 1/mV.

    The conductance is negative where v_pre is below x_offset.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.synapse_params = {
            f"{prefix}_gS": 1e-4,
            f"{prefix}_e_syn": 0.0,
            f"{prefix}_x_offset": -70.0,
            f"{prefix}_slope": 1.0,
        }

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA."""
        prefix = self._name
        drive = jnp.tanh((pre_voltage - params[f"{prefix}_x_offset"]) * params[f"{prefix}_slope"])
        return params[f"{prefix}_gS"] * drive * (post_voltage - params[f"{prefix}_e_syn"])
