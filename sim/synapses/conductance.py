"""`ConductanceSynapse`: a conductance that follows the presynaptic voltage through a nonlinearity, without a state.

Source: graded synapses at their steady state, Abbott & Marder 1998 (see graded_release.py). Names and defaults are
those of Jaxley's users.
"""

from __future__ import annotations

from collections.abc import Callable

from ..mechanisms.gates import sigmoid
from ..mechanisms.protocol import Values
from ..types import Named
from .protocol import Synapse


class ConductanceSynapse(Synapse):
    """gS f((v_pre - v_th)/delta) (v_post - e_syn): gS in uS, the others in mV.

    Args:
        nonlinearity: f, elementwise on arrays (the logistic function; `jax.nn.relu` is another). Part of the synapse's
            identity: two lambdas are two synapses.
    """

    def __init__(self, nonlinearity: Callable[[Values], Values] = sigmoid, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.nonlinearity = nonlinearity
        self.synapse_params = {
            f"{prefix}_gS": 1e-4,
            f"{prefix}_e_syn": 0.0,
            f"{prefix}_v_th": -35.0,
            f"{prefix}_delta": 10.0,
        }

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA."""
        prefix = self._name
        active = self.nonlinearity((pre_voltage - params[f"{prefix}_v_th"]) / params[f"{prefix}_delta"])
        return params[f"{prefix}_gS"] * active * (post_voltage - params[f"{prefix}_e_syn"])
