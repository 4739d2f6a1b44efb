"""`IonotropicSynapse`: graded release onto a receptor channel.

Source: Abbott & Marder 1998 (see graded_release.py). Names and defaults are those of Jaxley's users. No deviation.
"""

from __future__ import annotations

from ..mechanisms.gates import Gate, relax
from ..mechanisms.protocol import TimeStep, Values
from ..types import Named
from .graded_release import graded_release
from .protocol import Synapse


class IonotropicSynapse(Synapse):
    """gS s (v_post - e_syn): gS in uS, e_syn in mV.

    s relaxes to s_inf = 1/(1 + exp((v_th - v_pre)/delta)) with tau = (1 - s_inf)/k_minus: v_th and delta in mV,
    k_minus, the rate of unbinding, in 1/ms.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.synapse_params = {
            f"{prefix}_gS": 1e-4,
            f"{prefix}_e_syn": 0.0,
            f"{prefix}_k_minus": 0.025,
            f"{prefix}_v_th": -35.0,
            f"{prefix}_delta": 10.0,
        }
        self.synapse_states = {f"{prefix}_s": 0.2}

    def update_states(
        self, states: Named, delta_t: TimeStep, pre_voltage: Values, post_voltage: Values, params: Named
    ) -> dict[str, Values]:
        """s at t + delta_t, exact for a constant presynaptic voltage."""
        key = f"{self._name}_s"
        return {key: relax(states[key], delta_t, *self._kinetics(pre_voltage, params))}

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA."""
        prefix = self._name
        conductance = params[f"{prefix}_gS"] * states[f"{prefix}_s"]
        return conductance * (post_voltage - params[f"{prefix}_e_syn"])

    def init_state(
        self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named, delta_t: TimeStep
    ) -> dict[str, Values]:
        """s = s_inf."""
        return {f"{self._name}_s": self._kinetics(pre_voltage, params).inf}

    def _kinetics(self, pre_voltage: Values, params: Named) -> Gate:
        v_th, delta, k_minus = (params[f"{self._name}_{key}"] for key in ("v_th", "delta", "k_minus"))
        return graded_release(pre_voltage, v_th, delta, k_minus)
