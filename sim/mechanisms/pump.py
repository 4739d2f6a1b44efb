"""The base of pumps: mechanisms that give the rate at which a concentration changes.

Owns the protocol. The step integrates the concentration: exactly where it stays in its compartment, implicitly and
together with its diffusion where it does not. (A `ConcentrationPool` makes its own step instead.)
"""

from __future__ import annotations

from ..types import Named
from .protocol import Mechanism, Values


class Pump(Mechanism):
    """A mechanism that changes one concentration, the shared state `ion_name`, and carries no membrane current.

    Several pumps of one ion add. `update_states` returns states of the pump's own, if it has any, not the
    concentration.

    Attributes:
        ion_name: the concentration that it changes, e.g. "CaCon_i" (mM); listed in `channel_states`.
        current_name: the name under which `compute_current` is recorded, mM/ms; no membrane current.
    """

    ion_name: str

    def compute_current(self, states: Named, concentration: Values, params: Named) -> Values:
        """Minus the rate of change of the concentration, mM/ms, so that an efflux is positive as a current is.

        Its slope in `concentration` (mM) is taken by differentiation: what depends on the concentration reads it from
        there, not from `states`. `states` has the membrane currents of the step before ("i_Ca", mA/cm^2).

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define compute_current(states, concentration, params) in mM/ms"
        )
