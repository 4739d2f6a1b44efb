"""`TestSynapse`: `IonotropicSynapse` with its kinetics and reversal potential fixed, for scripts that try things out.

Source: Abbott & Marder 1998 (see graded_release.py). Names and defaults are those of Jaxley's users. No deviation.
"""

from __future__ import annotations

from typing import ClassVar

from ..mechanisms.gates import Gate, relax
from ..mechanisms.protocol import TimeStep, Values
from ..types import Named
from .graded_release import graded_release
from .protocol import Synapse


class TestSynapse(Synapse):
    """gC c v_post (uS, mV): reversal at 0 mV; v_th -35 mV, delta 10 mV, k_minus 1/(40 ms)."""

    #: It is no unit test.
    __test__: ClassVar[bool] = False

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.synapse_params = {f"{prefix}_gC": 1e-4}
        self.synapse_states = {f"{prefix}_c": 0.2}

    def update_states(
        self, states: Named, delta_t: TimeStep, pre_voltage: Values, post_voltage: Values, params: Named
    ) -> dict[str, Values]:
        """c at t + delta_t, exact for a constant presynaptic voltage."""
        key = f"{self._name}_c"
        return {key: relax(states[key], delta_t, *_kinetics(pre_voltage))}

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current, nA."""
        return params[f"{self._name}_gC"] * states[f"{self._name}_c"] * post_voltage

    def init_state(
        self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named, delta_t: TimeStep
    ) -> dict[str, Values]:
        """c at its steady state."""
        return {f"{self._name}_c": _kinetics(pre_voltage).inf}


def _kinetics(pre_voltage: Values) -> Gate:
    return graded_release(pre_voltage, -35.0, 10.0, 1 / 40.0)
