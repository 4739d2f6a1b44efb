"""`CurrentSynapse`: a current that follows the presynaptic voltage through a nonlinearity, without a state.

Source: the input current of rate models, Wilson & Cowan 1972, Biophys. J. 12:1. Names and defaults are those of
Jaxley's users.
"""

from __future__ import annotations

from collections.abc import Callable

from ..mechanisms.gates import sigmoid
from ..mechanisms.protocol import Values
from ..types import Named
from .protocol import Synapse


class CurrentSynapse(Synapse):
    """-gS f((v_pre - v_th)/delta) in nA, whatever the postsynaptic voltage; v_th and delta in mV.

    Args:
        nonlinearity: f, elementwise on arrays (the logistic function; `jax.nn.relu` is another). Part of the synapse's
            identity: two lambdas are two synapses.
    """

    def __init__(self, nonlinearity: Callable[[Values], Values] = sigmoid, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.nonlinearity = nonlinearity
        self.synapse_params = {f"{prefix}_gS": 1e-4, f"{prefix}_v_th": -35.0, f"{prefix}_delta": 10.0}

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA: inward (negative) for a positive gS."""
        prefix = self._name
        active = self.nonlinearity((pre_voltage - params[f"{prefix}_v_th"]) / params[f"{prefix}_delta"])
        return -params[f"{prefix}_gS"] * active
