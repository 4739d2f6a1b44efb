"""Rallpack 1 and 2: passive cables with known solutions, at their published parameters and discretisation.

Parameters: Bhalla, Bilitch & Bower 1992, Trends Neurosci. 15:453: Ra 1 Ohm m, Rm 4 Ohm m^2, Cm 0.01 F/m^2, Em -65 mV, a
current of 0.1 nA into one end, 0.25 s in steps of 0.05 ms. Their measure is the root of the mean square difference;
bar: 0.1 % of the voltage's range.
"""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx

DT = 0.05
T_MAX = 250.0
RESISTIVITY = 100.0  # Ohm cm
CONDUCTANCE = 1 / 40_000  # S/cm^2
REST = -65.0
CURRENT = 0.1  # nA
TAU = 40.0  # ms


def space_constant(diameter: float) -> float:
    """um, of an infinite cable."""
    return float(1e4 * np.sqrt(diameter * 1e-4 / (4 * RESISTIVITY * CONDUCTANCE)))


def finite_cable(x: np.ndarray, t: np.ndarray, length: float, diameter: float) -> np.ndarray:
    """v - rest in mV at x um from the end of a sealed cable into which a current flows from t = 0 on.

    With X = x/lambda, T = t/tau, L = l/lambda and the input resistance R of the endless cable (Rall 1977):
    v/(R I) = cosh(L-X)/sinh(L) - e^-T/L - (2/L) sum_n cos(n pi X/L) e^(-k T) / k, k = 1 + (n pi/L)^2.
    """
    lam = space_constant(diameter)
    big_l, big_x, big_t = length / lam, x[:, None] / lam, t[None, :] / TAU
    area_of_lambda = np.pi * diameter * 1e-4 * lam * 1e-4  # cm^2
    resistance = 1 / (CONDUCTANCE * area_of_lambda)  # Ohm
    v = np.cosh(big_l - big_x) / np.sinh(big_l) - np.exp(-big_t) / big_l
    for n in range(1, 2001):
        rate = 1 + (n * np.pi / big_l) ** 2
        v = v - (2 / big_l) * np.cos(n * np.pi * big_x / big_l) * np.exp(-rate * big_t) / rate
    return resistance * CURRENT * 1e-9 * 1e3 * v


def passive(cell: rx.Cell) -> None:
    cell.set("axial_resistivity", RESISTIVITY)
    cell.set("capacitance", 1.0)
    cell.set("v", REST)
    cell.insert(rx.pas())
    cell.set("pas_g", CONDUCTANCE)
    cell.set("pas_e", REST)
    cell.branch(0).comp(0).stimulate(np.full(round(T_MAX / DT), CURRENT))


def rms(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square difference as a fraction of the range, of the worst trace."""
    difference = found - expected
    print(f"   at most {100 * (np.abs(difference).max(axis=1) / np.ptp(expected, axis=1)).max():.3f} % of the range")
    return float((np.sqrt((difference**2).mean(axis=1)) / np.ptp(expected, axis=1)).max())


def test_rallpack_1() -> None:
    """A cable of 1 mm x 1 um in 1,000 compartments, watched at both ends (in the compartments' middles)."""
    comp = rx.Compartment()
    comp.set("length", 1.0)
    comp.set("radius", 0.5)
    cell = rx.Cell(rx.Branch(comp, 1000))
    passive(cell)
    cell.branch(0).comp([0, 999]).record()
    found = np.asarray(rx.integrate(cell, delta_t=DT))
    t = DT * np.arange(found.shape[1])
    expected = REST + finite_cable(np.array([0.5, 999.5]), t, 1000.0, 1.0)
    expected[:, 0] = REST
    error = rms(found, expected)
    print(f"Rallpack 1: {100 * error:.3f} % of the range")
    assert error <= 1e-3


@pytest.mark.parametrize("per_branch", [1, 4])
def test_rallpack_2(per_branch: int) -> None:
    """A binary tree of depth 10 that Rall's 3/2 rule folds into one cable; the trunk is 16 um thick and 32 um long.

    Every branch is 0.008 space constants of its own; published with one compartment each.
    """
    depth = 10
    diameters = [16.0 * 2 ** (-2 / 3 * level) for level in range(depth)]
    lengths = [0.008 * space_constant(d) for d in diameters]
    level_of = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    parents = [-1, *((i - 1) // 2 for i in range(1, len(level_of)))]
    branches = []
    for d, length in zip(diameters, lengths, strict=True):
        comp = rx.Compartment()
        comp.set("length", length / per_branch)
        comp.set("radius", d / 2)
        branches.append(rx.Branch(comp, per_branch))
    cell = rx.Cell([branches[level] for level in level_of], parents=parents)
    passive(cell)
    cell.branch(0).comp(0).record()
    cell.branch(len(level_of) - 1).comp(per_branch - 1).record()
    found = np.asarray(rx.integrate(cell, delta_t=DT))
    t = DT * np.arange(found.shape[1])
    total, half = depth * lengths[0], lengths[0] / per_branch / 2
    expected = REST + finite_cable(np.array([half, total - half]), t, total, diameters[0])
    expected[:, 0] = REST
    error = rms(found, expected)
    print(f"Rallpack 2, {per_branch} compartments a branch: {100 * error:.4f} % of the range")
    assert error <= 1e-3


@pytest.mark.parametrize(("solver", "dt"), [("crank_nicolson", DT), ("trbdf2", DT), ("trbdf2", 10 * DT)])
def test_no_oscillation_at_the_stimulated_end(solver: str, dt: float) -> None:
    """Rallpack 1's cable in 20 compartments: v rises all the time, and less and less, where the current flows in."""
    comp = rx.Compartment()
    comp.set("length", 50.0)
    comp.set("radius", 0.5)
    cell = rx.Cell(rx.Branch(comp, 20))
    passive(cell)
    cell.delete_stimuli()
    cell.branch(0).comp(0).stimulate(np.full(round(50.0 / dt), CURRENT))
    cell.branch(0).comp(0).record()
    v = np.asarray(rx.integrate(cell, delta_t=dt, solver=solver))[0]
    rise = np.diff(v)
    print(f"stimulated end, {solver} at {dt} ms: rises {rise[0]:.3f} mV in the first step, {rise[-1]:.4f} in the last")
    assert rise.min() > 0.0
    assert np.diff(rise).max() < 0.0
