"""The base of point neurons: mechanisms that move the membrane potential themselves.

Owns what they have in common, the meaning of "v" in their result; a subclass gives the equations.
"""

from __future__ import annotations

from ..types import Named
from .protocol import Mechanism, TimeStep, Values


class PointNeuron(Mechanism):
    """A mechanism whose `update_states` returns "v", where the rest of the step goes on from.

    Stimuli, synapses and other mechanisms act on that v in the same step. None of them carries a current of its own.

    A reset selects one of two values, and its derivative is that of the value selected: just after a spike dv is that
    of the reset potential, hence zero with respect to all that came before; what came before acts only through an
    adaptation variable. The time of a spike has no derivative, and there is no surrogate for it.
    """

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """Its own states and "v" in mV, at t + dt without the currents of others."""
        raise NotImplementedError(f'{type(self).__name__} must define update_states(states, dt, v, params) with "v"')
