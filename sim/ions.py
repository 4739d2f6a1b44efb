"""Concentrations that pumps change: each ion's rate, split into slope and offset in its concentration.

A pump gives -dc/dt [mM/ms]. Ions that do not diffuse are advanced here, exactly for a rate linear in c; those that
diffuse go through the integrator with their cable.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .blocks import Cut, Sum
from .lowered import Model, Placed
from .mechanisms import Pump
from .membrane import Moment, Seen, States
from .types import CompLanes, Named


class PumpRate(NamedTuple):
    """-dc/dt = slope c - offset around the present c (1/ms, mM/ms), and the rate of each named pump current."""

    slope: CompLanes
    offset: CompLanes
    currents: dict[str, CompLanes]


def pumped_ions(model: Model) -> tuple[str, ...]:
    """The concentrations that pumps change, in the order of insertion."""
    return tuple(dict.fromkeys(p.mechanism.ion_name for p in model.mechanisms if isinstance(p.mechanism, Pump)))


def pump_rate(model: Model, ion: str, states: States, v: CompLanes) -> PumpRate:
    """The joint rate of all pumps of an ion at the present states, with its derivative in c."""
    moment, c = Moment(model, states, v), states[ion]
    slope, offset = Sum(v, model.blocks), Sum(v, model.blocks)
    currents: dict[str, Sum] = {}
    for placed in model.mechanisms:
        pump, rows = placed.mechanism, placed.rows
        if not isinstance(pump, Pump) or pump.ion_name != ion:
            continue
        seen, parameters, here = moment.states_of(placed), moment.parameters_of(placed), Cut(c, model.blocks).take(rows)

        def rate(c: jax.Array, m: Placed = placed, s: Named = seen, p: Named = parameters) -> jax.Array:
            return jnp.broadcast_to(m.mechanism.compute_current(Seen({**s, ion: c}, model.dtype), c, p), c.shape)

        j, dj_dc = jax.jvp(rate, (here,), (jnp.ones_like(here),))
        slope.add(rows, dj_dc)
        offset.add(rows, dj_dc * here - j)
        if pump.current_name is not None:
            currents.setdefault(pump.current_name, Sum(v, model.blocks)).add(rows, j)
    return PumpRate(slope.total(), offset.total(), {name: j.total() for name, j in currents.items()})


def advance_pumped(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """`states` with the pumped concentrations that do not diffuse after dt, and the pumps' currents at its start."""
    new = dict(states)
    for ion in pumped_ions(model):
        if ion in model.diffusing:
            continue
        rate = pump_rate(model, ion, states, v)
        change = rate.offset - rate.slope * states[ion]
        new[ion] = states[ion] + dt * change * mean_decay(dt * rate.slope)
        new.update({name: j for name, j in rate.currents.items() if name in states})
    return new


def mean_decay(z: jax.Array) -> jax.Array:
    """(1 - exp(-z)) / z, continued through z = 0: the mean of exp(-z t) over 0 < t < 1."""
    small = jnp.abs(z) < 1e-3
    exact = -jnp.expm1(-z) / jnp.where(small, 1.0, z)
    return jnp.where(small, 1.0 - z * (0.5 - z * (1 / 6 - z * (1 / 24))), exact)
