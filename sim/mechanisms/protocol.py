"""What a mechanism is: the classes that every channel and every concentration pool derives from.

Owns names, defaults, renaming and equality of mechanisms. Does not know compartments, tables or time steps: the
lowering reads `channel_params`, `channel_states` and `current_name`, and the step calls the methods on arrays.

All calls are elementwise on arrays of one shape (any shape, any float type). `states` holds the mechanism's own states,
every shared one and the membrane currents of the step before by their `current_name` (zero before the first step).
`params` holds its own parameters, every shared one, and `length`, `radius`, `diam` (um), `area` (um^2). A name is a
mechanism's own if it begins with "<name>_"; every other name ("eNa", "CaCon_i") is shared by all mechanisms of a
compartment.

A mechanism is hashable, and equal to another of the same class, name and options, so that compiled functions may keep
it as a static value. Values of defaults do not count: they live in the tables once the mechanism is inserted.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..types import Named

#: One value per compartment (and lane); every array of a call has the same shape or broadcasts to it.
Values = Float[Array, "..."]
#: A time step in ms: a Python number or a scalar array.
TimeStep = float | Array

#: Attributes that tables replace: equal mechanisms may differ in their values, not in their names.
_DEFAULTS = ("channel_params", "channel_states")


class Mechanism:
    """Common base of channels and concentration pools.

    Attributes:
        channel_params: default values of the parameters.
        channel_states: default values of the states.
        current_name: the membrane current it adds to ("i_Na", "i_K", "i_Ca", ...), or None if it carries none.
        writes_concentrations: it goes before the other mechanisms, at the start and in each step, and they see its
            concentrations.
    """

    writes_concentrations: ClassVar[bool] = False

    channel_params: dict[str, float]
    channel_states: dict[str, float]
    current_name: str | None

    def __init__(self, name: str | None = None) -> None:
        self._name = _checked_name(type(self).__name__ if name is None else name)
        # A subclass may assign these before or after this call.
        vars(self).setdefault("channel_params", {})
        vars(self).setdefault("channel_states", {})
        vars(self).setdefault("current_name", None)

    @property
    def name(self) -> str:
        """The prefix of its own parameters and states."""
        return self._name

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

    def change_name(self, new_name: str) -> Self:
        """Rename it in place, with its own parameters and states (not `current_name`); returns itself.

        Raises:
            ValueError: `new_name` is no identifier.
        """
        old, new = f"{self._name}_", f"{_checked_name(new_name)}_"

        def renamed(defaults: Mapping[str, float]) -> dict[str, float]:
            return {new + key.removeprefix(old) if key.startswith(old) else key: v for key, v in defaults.items()}

        self.channel_params = renamed(self.channel_params)
        self.channel_states = renamed(self.channel_states)
        self._name = new_name
        return self

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> Mapping[str, Values]:
        """New values, at t + dt, of its own states and of the concentrations it owns.

        `v` is that at t. So are all `states`, except that mechanisms with `writes_concentrations` go first and
        the others see their new concentrations (as in NEURON). Either way the order of insertion does not matter.
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

    def _identity(self) -> tuple[Hashable, ...]:
        options = ((key, _frozen(value)) for key, value in sorted(vars(self).items()) if key not in _DEFAULTS)
        return type(self), *options, tuple(self.channel_params), tuple(self.channel_states)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mechanism) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"


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


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"a mechanism's name must be an identifier (letters, digits, underscores), got {name!r}")
    return name


def _frozen(value: Any) -> Hashable:
    """`value` as something hashable that is equal for equal values; an object without a value is its identity."""
    if isinstance(value, Mapping):
        return ("mapping", tuple((key, _frozen(v)) for key, v in sorted(value.items(), key=lambda item: str(item[0]))))
    if isinstance(value, list | tuple):
        return (type(value), tuple(_frozen(v) for v in value))
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        return ("array", array.shape, str(array.dtype), array.tobytes())
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    # 1, 1.0 and True are equal, yet compile to different programs.
    return (type(value), value)
