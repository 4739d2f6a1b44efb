"""Every integrator and every linear solver on branched cells in a network, with ions that diffuse (rows E1, G1, G2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim import solvers

T = 1.0


@pytest.fixture(scope="module")
def net() -> Any:
    """Two branched cells and a third that a synapse and a gap junction join; calcium diffuses."""
    cell = rx.Cell([rx.Branch(rx.Compartment(), n) for n in (1, 2, 1)], parents=[-1, 0, 0])
    for mechanism in (rx.Leak(), rx.CaPump()):
        cell.insert(mechanism)
    cell.set("axial_resistivity", 2000.0)
    cell.branch(1).set("CaCon_i", 1e-3)
    cell.diffuse("CaCon_i")
    net = rx.Network([cell, cell, rx.Cell()])
    rx.connect(net.cell(0).branch(2).comp(0), net.cell(1).branch(1).comp(1), rx.IonotropicSynapse())
    rx.connect(net.cell(1).branch(0).comp(0), net.cell(2).branch(0).comp(0), rx.GapJunction())
    net.set("GapJunction_g", 1e-3)
    net.cell(0).set("v", -40.0)
    net.branch(0).comp(0).record()
    net.cell(0).branch(2).comp(0).record("CaCon_i")
    return net


@pytest.fixture(scope="module")
def exact(net: Any) -> np.ndarray:
    """What all converge to: the most accurate one with half the step."""
    return np.asarray(rx.integrate(net, t_max=T, delta_t=0.0125, solver="extrapolated"))[:, -1]


#: Largest error after 1 ms at steps of 0.025 ms, relative to how far each recording has come.
TOLERANCE = {
    "bwd_euler": 0.02,
    "fwd_euler": 0.02,
    "exp_euler": 0.05,
    "crank_nicolson": 1e-3,
    "trbdf2": 1e-4,
    "extrapolated": 1e-6,
}


@pytest.mark.parametrize("solver", solvers.NAMES)
def test_integrators_agree(net: Any, exact: np.ndarray, solver: str) -> None:
    found = np.asarray(rx.integrate(net, t_max=T, solver=solver))
    moved = np.abs(exact - found[:, 0])
    assert (moved > 1e-5 * np.abs(exact)).all(), "every recording moves"
    error = np.abs(found[:, -1] - exact) / moved
    assert error.max() < TOLERANCE[solver]


def test_linear_solvers_agree(net: Any) -> None:
    expected = rx.integrate(net, t_max=0.1)
    for name in ("jaxley.dhs", "jax.sparse"):
        np.testing.assert_allclose(rx.integrate(net, t_max=0.1, voltage_solver=name), expected, rtol=1e-10)
    cable = rx.Branch(rx.Compartment(), 5)
    cable.comp(0).set("v", 0.0)
    cable.comp("all").record()
    expected = rx.integrate(cable, t_max=0.1)
    np.testing.assert_allclose(rx.integrate(cable, t_max=0.1, voltage_solver="jaxley.stone"), expected, rtol=1e-10)


@pytest.mark.parametrize("g", [1e-3, 1e6])
def test_gap_junctions_at_any_conductance(g: float) -> None:
    """What one cell loses the other gains; joined without resistance both are at their mean after one step."""
    net = rx.Network([rx.Cell(), rx.Cell()])
    rx.connect(net.cell(0), net.cell(1), rx.GapJunction())
    net.set("GapJunction_g", g)
    net.cell(1).set("v", -20.0)
    net.record()
    net.GapJunction.record("i_GapJunction")
    v0, v1, i = np.asarray(rx.integrate(net, t_max=0.5))
    np.testing.assert_allclose(v0 + v1, -90.0, rtol=1e-10)
    assert (np.diff(v0) >= -1e-9).all() and -70.0 < v0[1] <= -45.0 + 1e-9
    np.testing.assert_allclose(i[1:], g * (v1 - v0)[:-1], rtol=1e-6, atol=1e-9 * g)
    if g > 1.0:
        np.testing.assert_allclose(v0[1:], -45.0, atol=1e-6)
