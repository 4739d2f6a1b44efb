"""Calcium: influx, pump, diffusion and reversal potential together, each integrator against our own fine one.

The bar is 1e-3 of the range of each trace at dt 0.025 ms. `trbdf2` and `extrapolated` are to reach it; so is forward
Euler at the small step that it needs. Backward Euler, Crank-Nicolson and exponential Euler move concentrations by the
currents of one moment of the step, are of first order here and do not: of them the order is asserted.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, cylinders, neuron_run
from .mechanisms.neuron_mod import load_mod

T_MAX = 15.0
#: What `extrapolated` makes of the reference, and the step of forward Euler.
FINE, FORWARD = DT / 2, DT / 8

#: Fourth-order central difference: f'(x) h = sum of weight f(x + offset h).
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def calcium_cell(diffusing: bool) -> Any:
    """A branched cell with a calcium channel and a pump; 98 % of the calcium is bound at once.

    Most enters at the soma, and it diffuses a hundred times faster than calcium, so that this matters within the run.
    """
    cell = cylinders()
    for mechanism in (rx.Leak(), rx.CaL(), rx.CaPump(), rx.CaNernstReversal()):
        cell.insert(mechanism)
    cell.set("CaL_gCaL", 3e-5)
    cell.branch(0).set("CaL_gCaL", 3e-4)
    cell.set("CaPump_gamma", 0.01)
    cell.set("CaPump_decay", 20.0)
    if diffusing:
        cell.diffuse("CaCon_i")
        cell.set("axial_diffusion_CaCon_i", 30.0)
    cell.init_states()
    cell.branch([0, 1, 3]).comp(0).record("CaCon_i")
    cell.branch(3).comp(4).record("CaCon_i")
    cell.branch(0).comp(0).record("eCa")
    return cell


@functools.cache
def traces(solver: str, dt: float, diffusing: bool) -> np.ndarray:
    """Every DT; a current from 1 to 11 ms opens the calcium channels for good."""
    cell = calcium_cell(diffusing)
    cell.branch(0).comp(0).stimulate(rx.step_current(1.0, 10.0, 0.6, dt, T_MAX)[:-1])
    v = np.asarray(rx.integrate(cell, delta_t=dt, solver=solver))
    return v[:, :: max(1, round(DT / dt))]


def error(solver: str, dt: float, diffusing: bool) -> float:
    """Largest difference from the fine reference, as a part of each trace's range."""
    reference = traces("extrapolated", FINE, diffusing)[:, :: max(1, round(dt / DT))]
    found = traces(solver, dt, diffusing)
    assert np.ptp(reference[0]) > 2e-4
    assert np.ptp(reference[-1]) > 20.0, "the reversal potential has to move"
    return float((np.abs(found - reference).max(axis=1) / np.ptp(reference, axis=1)).max())


@pytest.mark.parametrize(
    ("solver", "dt", "diffusing"),
    [
        ("trbdf2", DT, True),
        pytest.param("trbdf2", DT, False, marks=pytest.mark.slow),
        pytest.param("extrapolated", DT, True, marks=pytest.mark.slow),
        ("fwd_euler", FORWARD, True),
    ],
)
def test_reaches_the_bar(solver: str, dt: float, diffusing: bool) -> None:
    off = error(solver, dt, diffusing)
    print(f"calcium {'diffusing' if diffusing else 'in place'}, {solver} at {dt} ms: {off:.1e} of the range")
    assert off <= 1e-3


@pytest.mark.parametrize(
    ("solver", "order"),
    [
        ("bwd_euler", 1.0),
        ("trbdf2", 2.0),
        pytest.param("crank_nicolson", 1.0, marks=pytest.mark.slow),
        pytest.param("exp_euler", 1.0, marks=pytest.mark.slow),
        pytest.param("extrapolated", 3.0, marks=pytest.mark.slow),
    ],
)
def test_order(solver: str, order: float) -> None:
    """Of the diffusing calcium, by halving dt; the highest and the lowest come near theirs from below."""
    coarse, fine = error(solver, 2 * DT, True), error(solver, DT, True)
    observed = np.log2(coarse / fine)
    print(f"calcium diffusing, {solver}: order {observed:.2f}, {fine:.1e} of the range at {DT} ms")
    assert observed >= order - {"exp_euler": 0.3, "extrapolated": 0.5}.get(solver, 0.05)
    assert fine <= 1e-2


@pytest.mark.peers
def test_voltage_clamp_against_neuron() -> None:
    """The pump is the pool of CaDynamics_E2, whose MOD file is there. NEURON's sample k is ours of k + 1.

    Our input is the voltage that NEURON's clamp reached.
    """
    h = load_mod()
    section = h.Section(name="soma")
    section.L = section.diam = 20.0
    for name in ("CaL", "CaDynamics_E2"):
        section.insert(name)
    section.gCaL_CaL, section.minCai_CaDynamics_E2 = 1e-4, 5e-5
    clamp = h.SEClamp(section(0.5))
    clamp.rs = 1e-6
    clamp.dur1, clamp.amp1, clamp.dur2, clamp.amp2, clamp.dur3, clamp.amp3 = 5.0, -70.0, 30.0, -5.0, 1e9, -60.0
    reached, reversal = h.Vector().record(section(0.5)._ref_cai), h.Vector().record(section(0.5)._ref_eca)
    (v,) = neuron_run(h, -70.0, 4000, [section(0.5)])
    expected = np.array(reached)

    cell = rx.Cell()
    cell.set("length", 20.0)
    cell.set("radius", 10.0)
    for mechanism in (rx.CaL(), rx.CaPump(), rx.CaNernstReversal()):
        cell.insert(mechanism)
    cell.set("CaPump_minCaCon_i", 5e-5)
    cell.init_states()
    cell.clamp("v", v[1:])
    cell.record("CaCon_i")
    cell.record("eCa")
    found = np.asarray(rx.integrate(cell, delta_t=DT))

    difference = np.abs(found[0, 1:] - expected[:-1]).max()
    print(f"NEURON, calcium under voltage clamp: {difference:.1e} mM of {expected.max():.1e} mM")
    assert expected.max() > 3e-3
    assert difference <= 1e-6
    # NEURON renews the reversal potential when it computes currents: with the concentration of the step's start.
    np.testing.assert_allclose(found[1, 1:], np.array(reversal)[1:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("solver", ["bwd_euler", pytest.param("trbdf2", marks=pytest.mark.slow)])
def test_gradient_through_calcium_that_diffuses(solver: str) -> None:
    """In parameters of the channel, the pump and the diffusion, against central differences."""
    cell = calcium_cell(True)
    cell.branch(0).comp(0).stimulate(np.full(80, 0.6))
    keys = ("CaL_gCaL", "CaPump_gamma", "CaPump_decay", "axial_diffusion_CaCon_i", "CaCon_i")
    cell.branch(1).set("CaCon_i", 2e-4)
    cell.set("v", -10.0)
    cell.init_states()
    for key in keys:
        # These two not everywhere: nothing diffuses where all compartments are alike.
        {"CaL_gCaL": cell.branch(0), "CaCon_i": cell.branch(1)}.get(key, cell).make_trainable(key)
    start = np.array([float(next(iter(entry.values()))[0]) for entry in cell.get_parameters()])

    @jax.jit
    @jax.value_and_grad
    def loss(x: jax.Array) -> jax.Array:
        """x: the factors of the parameters."""
        params = [{key: start[i] * x[i : i + 1]} for i, key in enumerate(keys)]
        calcium = rx.integrate(cell, params, delta_t=DT, solver=solver)[:4, 1:]
        return jnp.mean((1e4 * calcium) ** 2)

    x, step = jnp.ones(len(keys)), 1e-3
    gradient = np.asarray(loss(x)[1])
    expected = [sum(w * float(loss(x + o * step * e)[0]) for o, w in STENCIL) / step for e in jnp.eye(len(keys))]
    off = np.abs(gradient - np.array(expected)) / np.abs(gradient)
    print(f"calcium diffusing, {solver}, gradient against differences: {off.max():.0e}")
    assert off.max() <= 1e-6
