"""The membrane: mechanisms' states, and their currents split into slope and offset in v.

Reads the lowered model's mechanisms slice by slice. Does not know cables, solvers or time loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .blocks import Cut, Sum
from .lowered import Model, Placed, Rows
from .mechanisms import Pump
from .types import CompLanes, Named, RowLanes

States = dict[str, jax.Array]
#: What a mechanism is told of its compartments, beside `diam`.
_OF_COMPARTMENTS = ("length", "radius", "area", "volume", "capacitance", "axial_resistivity")


class Linearized(NamedTuple):
    """The membrane current density around the present v: i(v) = slope v - offset (S/cm^2, mA/cm^2)."""

    slope: CompLanes
    offset: CompLanes
    #: mA/cm^2 of each named current.
    currents: dict[str, CompLanes]


class Seen(dict[str, Any]):
    """What one mechanism sees; a current that no mechanism of the model carries ("i_Ca" beside no channel) is zero."""

    def __init__(self, states: Named, dtype: jnp.dtype) -> None:
        super().__init__(states)
        self.dtype = dtype

    def __missing__(self, key: str) -> jax.Array:
        if not key.startswith("i_"):
            raise KeyError(key)
        return jnp.zeros((), self.dtype)


class Moment:
    """Model, states and v at one moment, as each mechanism sees them on its rows. Arrays are cut into blocks once."""

    def __init__(self, model: Model, states: Named, v: CompLanes) -> None:
        self.model, self.states = model, states
        currents = current_names(model)
        self._shared = {k: x for k, x in states.items() if k in model.shared_states or k in currents}
        self._cuts: dict[str, Cut] = {}
        self._v = Cut(v, model.blocks)

    def _taken(self, kind: str, key: str, x: jax.Array, rows: Rows) -> jax.Array:
        return self._cuts.setdefault(f"{kind} {key}", Cut(x, self.model.blocks)).take(rows)

    def v(self, placed: Placed) -> RowLanes:
        """v [mV] on the mechanism's rows."""
        return self._v.take(placed.rows)

    def states_of(self, placed: Placed) -> Seen:
        """Its own states, the shared ones, and the currents of the step before."""
        taken = (*self.model.shared_states, *current_names(self.model))
        own = {k: self.states[k] for k in placed.mechanism.channel_states if k not in taken}
        shared = {k: self._taken("state", k, x, placed.rows) for k, x in self._shared.items()}
        return Seen({**own, **shared}, self.model.dtype)

    def parameters_of(self, placed: Placed) -> dict[str, jax.Array]:
        """Its own parameters, the shared ones, and what is known of the compartments.

        A parameter of this mechanism that another one calls a state (eCa beside a calcium pool) is that state.
        """
        model, rows = self.model, placed.rows
        wanted = placed.mechanism.channel_params
        own = {k: model.parameters[k] for k in wanted if k not in (*model.shared_parameters, *model.shared_states)}
        shared = {k: self._taken("parameter", k, model.parameters[k], rows) for k in model.shared_parameters}
        moving = {k: self._taken("state", k, self.states[k], rows) for k in wanted if k in model.shared_states}
        compartment = {k: self._taken("compartment", k, model.cable[k], rows) for k in _OF_COMPARTMENTS}
        diam = compartment["area"] / (jnp.pi * compartment["length"])
        return {**compartment, "diam": diam, **shared, **moving, **own}


def current_names(model: Model) -> tuple[str, ...]:
    """Names of the currents of mechanisms, pumps included, in the order of insertion."""
    return tuple(dict.fromkeys(p.mechanism.current_name for p in model.mechanisms if p.mechanism.current_name))


def merge(model: Model, placed: Placed, states: States, new: Named, seen: Named) -> States:
    """`states` with a mechanism's new ones, shared ones and "v" put in its rows.

    A current that it hands back is left as it is: the step makes it. So is a shared state that it hands back as it has
    seen it: another mechanism may have moved that one in the same step.
    """
    merged, currents = dict(states), current_names(model)
    for key, value in new.items():
        if key in currents:
            continue
        if key != "v" and key not in placed.mechanism.channel_states:
            raise ValueError(f"{placed.mechanism.name} returns {key!r}; list it in channel_states as well")
        if key == "v" or key in model.shared_states:
            if value is not seen.get(key):
                merged[key] = Cut(states[key], model.blocks).put(placed.rows, value)
        else:
            merged[key] = jnp.broadcast_to(value, states[key].shape).astype(states[key].dtype)
    return merged


def advance_pools(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """States with the concentrations that mechanisms own after dt, from the states and currents at its start.

    They go before the gates, which see the new ones, as in NEURON.
    """
    return _advance(model, [p for p in model.mechanisms if p.mechanism.writes_concentrations], states, v, dt)


def advance_channels(
    model: Model, states: States, v: CompLanes, dt: jax.Array, known: Named = MappingProxyType({})
) -> States:
    """States with those of all other mechanisms after dt at constant v; "v" stays unless a mechanism moves it.

    `known`: what is known of the result, see `recall`.
    """
    group = [p for p in model.mechanisms if not p.mechanism.writes_concentrations]
    return _advance(model, group, states, v, dt, known)


def _advance(
    model: Model,
    group: Sequence[Placed],
    states: States,
    v: CompLanes,
    dt: jax.Array,
    known: Named = MappingProxyType({}),
) -> States:
    """Each mechanism starts from the states at the beginning, so that the order of insertion is irrelevant."""
    moment, new = Moment(model, states, v), dict(states)
    for placed in group:
        seen, parameters, v_here = moment.states_of(placed), moment.parameters_of(placed), moment.v(placed)
        found = placed.mechanism.update_states(seen, dt, v_here, parameters)
        own = [k for k in found if k in known and k not in model.shared_states and k in states]
        found = {**found, **{k: recall(jnp.broadcast_to(found[k], states[k].shape), known[k]) for k in own}}
        new = merge(model, placed, new, found, {**seen, "v": v_here})
    return new


@jax.custom_jvp
def recall(x: jax.Array, value: jax.Array) -> jax.Array:
    """x, by its value that is known already: x itself need not be computed again, only its derivative."""
    return value


@recall.defjvp
def _recall_jvp(primals: tuple[jax.Array, jax.Array], tangents: tuple[Any, Any]) -> tuple[jax.Array, Any]:
    return primals[1], tangents[0]


def reversals(model: Model, states: States, v: CompLanes) -> States:
    """`states` with the reversal potentials that follow from its concentrations."""
    moment, new = Moment(model, states, v), dict(states)
    for placed in model.mechanisms:
        seen, parameters = moment.states_of(placed), moment.parameters_of(placed)
        found = placed.mechanism.update_reversals(seen, moment.v(placed), parameters)
        new = merge(model, placed, new, found, seen)
    return new


def linearized_current(model: Model, states: States, v: CompLanes) -> Linearized:
    """Sum of all membrane currents at v, with its derivative in v by forward differentiation."""
    moment = Moment(model, states, v)
    slope, offset = Sum(v, model.blocks), Sum(v, model.blocks)
    currents: dict[str, Sum] = {}
    for placed in model.mechanisms:
        mechanism, rows = placed.mechanism, placed.rows
        if mechanism.current_name is None or isinstance(mechanism, Pump):
            continue
        seen, parameters, v_here = moment.states_of(placed), moment.parameters_of(placed), moment.v(placed)

        def current(v: jax.Array, m: Placed = placed, s: Named = seen, p: Named = parameters) -> jax.Array:
            return jnp.broadcast_to(m.mechanism.compute_current(s, v, p), v.shape)

        i, di_dv = jax.jvp(current, (v_here,), (jnp.ones_like(v_here),))
        slope.add(rows, di_dv)
        offset.add(rows, di_dv * v_here - i)
        currents.setdefault(mechanism.current_name, Sum(v, model.blocks)).add(rows, i)
    return Linearized(slope.total(), offset.total(), {name: i.total() for name, i in currents.items()})
