"""Diffusion of an ion along cables, alone: against exact solutions, and that nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import cylinders

SOLVERS = ("bwd_euler", "crank_nicolson", "fwd_euler", "exp_euler", "trbdf2", "extrapolated")
D = 0.6  # um^2/ms
LENGTH = 2.0  # um, of a compartment
N = 40
DT, STEPS = 1.0, 200
#: What a compartment exchanges with a neighbour, 1/ms.
EXCHANGE = D / LENGTH**2


def cable(start: np.ndarray) -> Any:
    """A cable in which calcium only diffuses (the reversal potential is there to own it), watched everywhere."""
    comp = rx.Compartment()
    comp.set("length", LENGTH)
    comp.set("radius", 0.7)
    cell = rx.Cell(rx.Branch(comp, len(start)))
    cell.insert(rx.CaNernstReversal())
    cell.diffuse("CaCon_i")
    cell.set("axial_diffusion_CaCon_i", D)
    cell.set("CaCon_i", start)
    cell.record("CaCon_i")
    return cell


def growth(solver: str, z: float) -> float:
    """What a step makes of c' = -z/dt c."""
    gamma = 2 - np.sqrt(2)
    middle = (1 - gamma * z / 2) / (1 + gamma * z / 2)
    trbdf2 = (middle - (1 - gamma) ** 2) / (gamma * (2 - gamma)) / (1 + gamma * z / 2)
    factors = {
        "bwd_euler": 1 / (1 + z),
        "crank_nicolson": (1 - z / 2) / (1 + z / 2),
        "fwd_euler": 1 - z,
        "exp_euler": np.exp(-z),
        "trbdf2": trbdf2,
    }
    return float(factors[solver])


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_cosine_decays(solver: str) -> None:
    """The second mode of a sealed cable, cos(2 pi x/L), keeps its shape and decays by the scheme's own factor.

    Compartments decay at 4 D/l^2 sin^2(pi/n), the continuous cable at D (2 pi/L)^2. `extrapolated`, a combination of
    several steps, has no such factor: it is held to the compartments' exact exponential.
    """
    mode = np.cos(2 * np.pi * (np.arange(N) + 0.5) / N)
    found = np.asarray(rx.integrate(cable(1.0 + 0.5 * mode), t_max=STEPS * DT, delta_t=DT, solver=solver))
    z = DT * 4 * EXCHANGE * np.sin(np.pi / N) ** 2
    k = np.arange(STEPS + 1)
    factor = np.exp(-z * k) if solver == "extrapolated" else growth(solver, z) ** k
    tolerance = 1e-7 if solver == "extrapolated" else 1e-11
    np.testing.assert_allclose(found, 1.0 + 0.5 * mode[:, None] * factor, rtol=0, atol=tolerance)
    continuous = np.exp(-D * (2 * np.pi / (N * LENGTH)) ** 2 * DT * k)
    off = np.abs(found - (1.0 + 0.5 * mode[:, None] * continuous)).max()
    print(f"diffusion, {solver}: a cosine is {off:.1e} of the continuous cable's, of 0.5")
    assert off <= 3e-3


def test_a_drop_becomes_a_gaussian() -> None:
    n = 201
    start = np.zeros(n)
    start[n // 2] = 1.0
    t = 300.0
    found = np.asarray(rx.integrate(cable(start), t_max=t, delta_t=DT, solver="trbdf2"))[:, -1]
    x = LENGTH * (np.arange(n) - n // 2)
    expected = LENGTH / np.sqrt(4 * np.pi * D * t) * np.exp(-(x**2) / (4 * D * t))
    print(f"diffusion, a drop after {t} ms: {np.abs(found - expected).max() / expected.max():.1e} of the Gaussian")
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3 * expected.max())
    assert (found * x**2).sum() == pytest.approx(2 * D * t, rel=1e-6)


@pytest.mark.parametrize("solver", [*SOLVERS[:-1], pytest.param(SOLVERS[-1], marks=pytest.mark.slow)])
def test_nothing_is_lost(solver: str) -> None:
    """Branches of all sizes meet and the coefficient differs: the amount stays to rounding."""
    cell = cylinders()
    cell.insert(rx.CaNernstReversal())
    cell.diffuse("CaCon_i")
    cell.branch(1).set("axial_diffusion_CaCon_i", 5.0)
    cell.branch(2).set("axial_diffusion_CaCon_i", 0.0)
    start = np.linspace(0.0, 1.0, len(cell.nodes))
    cell.set("CaCon_i", start)
    cell.record("CaCon_i")
    found = np.asarray(rx.integrate(cell, t_max=40.0, delta_t=0.2, solver=solver))
    volume = cell.nodes["volume"].to_numpy()
    amount = volume @ found
    assert np.abs(found[:, -1] - start).max() > 0.02
    np.testing.assert_allclose(amount, amount[0], rtol=1e-13)
    closed = cell.branch(2).nodes.index.to_numpy()
    np.testing.assert_allclose(found[closed, -1], start[closed], rtol=1e-13)


def test_where_nothing_diffuses_nothing_moves() -> None:
    cell = cable(np.linspace(0.0, 1.0, 5))
    cell.set("axial_diffusion_CaCon_i", 0.0)
    found = np.asarray(rx.integrate(cell, t_max=5.0, delta_t=1.0))
    np.testing.assert_allclose(found, found[:, :1] * np.ones(6), rtol=1e-14)


def test_gap_junctions_pass_no_ions() -> None:
    net = rx.Network([cable(np.full(3, 0.1)), cable(np.full(3, 0.9))])
    rx.connect(net.cell(0).branch(0).comp(2), net.cell(1).branch(0).comp(0), rx.GapJunction())
    net.GapJunction.set("GapJunction_g", 1.0)
    found = np.asarray(rx.integrate(net, t_max=5.0, delta_t=1.0, solver="trbdf2"))
    np.testing.assert_allclose(found, found[:, :1] * np.ones(6), rtol=1e-13)
