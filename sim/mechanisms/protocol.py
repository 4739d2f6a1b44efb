"""What a mechanism is: the classes that every channel and every concentration pool derives from.

Owns what a mechanism computes (its name, renaming and equality are in identity.py). Does not know compartments, tables
or time steps: the lowering reads `channel_params`, `channel_states` and `current_name`, and the step calls the methods
on arrays.

All calls are elementwise on arrays of one shape (any shape, any float type). `states` holds the mechanism's own states,
every shared one and the membrane currents of the step before by their `current_name` (zero before the first step).
`params` holds its own parameters, every shared one, and of the compartment `length`, `radius`, `diam` (um), `area`
(um^2), `volume` (um^3), `capacitance` (uF/cm^2) and `axial_resistivity` (ohm cm). A name is a mechanism's own if it
begins with "<name>_"; every other name ("eNa", "CaCon_i") is shared by all mechanisms of a compartment. A shared name
that one mechanism lists as a state and another as a parameter ("eCa") is a state, and `params` of the other holds its
present value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..identity import Identified
from ..types import Named

#: One value per compartment (and lane); every array of a call has the same shape or broadcasts to it.
Values = Float[Array, "..."]
#: A time step in ms: a Python number or a scalar array.
TimeStep = float | Array


class Mechanism(Identified):
    """Common base of channels, point neurons, concentration pools and pumps.

    Attributes:
        channel_params: default values of the parameters.
        channel_states: default values of the states.
        current_name: the membrane current it adds to ("i_Na", "i_K", "i_Ca", ...), or None if it carries none.
        writes_concentrations: it goes before the other mechanisms, at the start and in each step, and they see its
            concentrations.
    """

    _tables: ClassVar[tuple[str, ...]] = ("channel_params", "channel_states")
    writes_concentrations: ClassVar[bool] = False

    channel_params: dict[str, float]
    channel_states: dict[str, float]
    current_name: str | None

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        # A subclass may assign it before or after this call.
        vars(self).setdefault("current_name", None)

    @property
    def current_is_in_mA_per_cm2(self) -> bool:
        """Always True; the setter exists because published channels assign it."""
        return True

    @current_is_in_mA_per_cm2.setter
    def current_is_in_mA_per_cm2(self, value: bool) -> None:
        if not value:
            raise ValueError(
                f"{type(self).__name__}.current_is_in_mA_per_cm2 must be True: return mA/cm^2 from compute_current"
            )

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> Mapping[str, Values]:
        """New values, at t + dt, of its own states and of the concentrations it owns.

        `v` is that at t. So are all `states`, except that mechanisms with `writes_concentrations` go first and
        the others see their new concentrations (as in NEURON). Either way the order of insertion does not matter.

        A point neuron may also return "v": the step goes on from it, so that currents are taken at this v and the
        voltage equation starts from it. Of the mechanisms of a compartment at most one does.
        """
        return {}

    def update_reversals(self, states: Named, v: Values, params: Named) -> Mapping[str, Values]:
        """Reversal potentials (shared states, mV) from the states at t + dt; called after every `update_states`."""
        return {}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """Membrane current in mA/cm^2, outward positive; not called where `current_name` is None."""
        return jnp.zeros_like(v)

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> Mapping[str, Values]:
        """Its states at rest at `v`; a state it leaves out keeps its value of the table."""
        return {}


class Channel(Mechanism):
    """A mechanism with a membrane current; subclasses give `compute_current` and set `current_name`."""

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """Membrane current in mA/cm^2, outward positive.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compute_current(states, v, params) in mA/cm^2")


class ConcentrationPool(Mechanism):
    """A mechanism that owns shared concentrations and carries no membrane current."""

    writes_concentrations: ClassVar[bool] = True
