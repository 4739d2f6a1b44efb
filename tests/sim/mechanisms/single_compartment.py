"""A single compartment in JAX, as plain as it can be: the oracle for mechanisms, and later for the simulator.

Scheme: backward Euler in v, the order of one step as in the simulator's specification. Pools see the states and
currents of the step's start, channels see these and the new concentrations, reversals follow the new concentrations,
currents are taken at the new states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rallax.sim.mechanisms import Mechanism
from rallax.sim.units import DENSITY_PER_CAPACITANCE, POINT_PER_AREA


def initial_states(
    mechanisms: Sequence[Mechanism], v: jax.Array, params: Mapping[str, Any], dt: float
) -> dict[str, Any]:
    """Defaults, then every mechanism at rest at `v`: pools first, so that the others see their calcium."""
    states: dict[str, Any] = {}
    for mechanism in mechanisms:
        states |= {key: jnp.full_like(v, value) for key, value in mechanism.channel_states.items()}
        if mechanism.current_name is not None:
            states[mechanism.current_name] = jnp.zeros_like(v)
    states.setdefault("i_Ca", jnp.zeros_like(v))
    for mechanism in sorted(mechanisms, key=lambda m: not m.writes_concentrations):
        states |= mechanism.init_state(states, v, params, dt)
    return states


def advance(
    mechanisms: Sequence[Mechanism], states: Mapping[str, Any], v: jax.Array, params: Mapping[str, Any], dt: float
) -> tuple[dict[str, Any], jax.Array, jax.Array]:
    """States and currents of one step at `v`, and the current's slope (S/cm^2) and value (mA/cm^2)."""
    new = dict(states)
    for mechanism in mechanisms:
        if mechanism.writes_concentrations:
            new |= mechanism.update_states(states, dt, v, params)
    seen = dict(new)
    for mechanism in mechanisms:
        if not mechanism.writes_concentrations:
            new |= mechanism.update_states(seen, dt, v, params)
    reversals: dict[str, Any] = {}
    for mechanism in mechanisms:
        reversals |= mechanism.update_reversals(new, v, params)
    new |= reversals

    currents = {m.current_name: jnp.zeros_like(v) for m in mechanisms if m.current_name is not None}
    slope = jnp.zeros_like(v)
    for mechanism in mechanisms:
        if mechanism.current_name is None:
            continue
        current, d_current = jax.jvp(
            lambda u, mechanism=mechanism: mechanism.compute_current(new, u, params), (v,), (jnp.ones_like(v),)
        )
        currents[mechanism.current_name] += current
        slope += d_current
    return new | currents, slope, sum(currents.values(), jnp.zeros_like(v))


def run(
    mechanisms: Sequence[Mechanism],
    values: Mapping[str, float],
    *,
    v_init: float,
    dt: float,
    diam: float,
    stimulus: np.ndarray | None = None,
    clamp: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Simulate a cylinder with length = `diam` (um), 1 uF/cm^2; every state, current and "v" at each sample.

    `stimulus` (nA): sample k acts from k to k+1. `clamp` (mV): v at each sample, nothing is solved. Of a clamped
    run, row k of states and currents is what the step from k computed; of any other run it is what the step to k left.
    """
    area = np.pi * diam * diam
    params = {key: jnp.asarray(value) for m in mechanisms for key, value in m.channel_params.items()}
    params |= {key: jnp.asarray(value) for key, value in values.items() if key in params}
    unknown = set(values) - set(params)
    assert not unknown, f"no such parameter: {unknown}"
    params |= {
        "length": jnp.asarray(diam),
        "radius": jnp.asarray(diam / 2),
        "area": jnp.asarray(area),
        "diam": jnp.asarray(diam),
    }

    @jax.jit
    def simulate(v_0: jax.Array, inputs: jax.Array) -> tuple[dict[str, Any], dict[str, Any]]:
        states = initial_states(mechanisms, v_0, params, dt)

        def step(carry: tuple[dict[str, Any], jax.Array], x: jax.Array) -> tuple[Any, dict[str, Any]]:
            states, v = carry
            if clamp is not None:
                v = x
            states, slope, current = advance(mechanisms, states, v, params, dt)
            if clamp is None:
                rate = dt * DENSITY_PER_CAPACITANCE
                v = (v + rate * (slope * v - current + x * (POINT_PER_AREA / area))) / (1.0 + rate * slope)
            return (states, v), states | {"v": v}

        _, rows = jax.lax.scan(step, (states, v_0), inputs)
        return states | {"v": v_0}, rows

    inputs = clamp if clamp is not None else stimulus
    assert inputs is not None
    first, rows = simulate(jnp.asarray(float(v_init)), jnp.asarray(inputs))
    if clamp is not None:
        return {key: np.asarray(value) for key, value in rows.items()}
    return {key: np.concatenate([[first[key]], rows[key]]) for key in rows}
