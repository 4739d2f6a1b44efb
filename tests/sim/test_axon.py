"""Accuracy in time of every integrator, on the axon of Rallpack 3 with 100 compartments.

1 mm x 1 um with the squid's channels, 100 Ohm cm, 0.1 nA into one end, 250 ms, from -65 mV with the gates at rest. The
measure is the time of the last spike at the far end (the crossing of 0 mV, in a straight line between two samples).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

T_MAX = 250.0
#: ms: what `extrapolated` tends to, and an independent program in NumPy.
LAST_SPIKE = 239.7187


@functools.cache
def axon() -> Any:
    comp = rx.Compartment()
    comp.set("length", 10.0)
    comp.set("radius", 0.5)
    cell = rx.Cell(rx.Branch(comp, 100))
    cell.set("axial_resistivity", 100.0)
    cell.set("v", -65.0)
    cell.insert(rx.HH())
    cell.init_states()
    cell.branch(0).comp(99).record()
    return cell


@functools.cache
def last_spike(solver: str, dt: float) -> float:
    """ms."""
    cell = axon()
    cell.delete_stimuli()
    cell.branch(0).comp(0).stimulate(np.full(round(T_MAX / dt), 0.1))
    v = np.asarray(rx.integrate(cell, delta_t=dt, solver=solver))[0]
    before = np.flatnonzero((v[1:] > 0.0) & (v[:-1] <= 0.0))
    assert len(before) == 18
    k = before[-1]
    return float(dt * (k - v[k] / (v[k + 1] - v[k])))


@functools.cache
def reference() -> float:
    """The converged time, ms."""
    return last_spike("extrapolated", 0.025)


def test_reference_is_the_known_one() -> None:
    assert abs(reference() - LAST_SPIKE) <= 1e-4


@pytest.mark.slow
def test_reference_is_converged() -> None:
    off = abs(last_spike("extrapolated", 0.0125) - reference())
    print(f"axon, extrapolated: last spike moves {1e3 * off:.2f} us from 0.025 to 0.0125 ms")
    assert off <= 1e-4


@pytest.mark.parametrize(
    ("solver", "dt", "bar"),
    [("trbdf2", 0.1, 0.15), ("extrapolated", 0.1, 0.05), ("crank_nicolson", 0.025, 0.05), ("bwd_euler", 0.025, 1.5)],
)
def test_last_spike(solver: str, dt: float, bar: float) -> None:
    late = last_spike(solver, dt) - reference()
    print(f"axon, {solver} at {dt} ms: last spike {1e3 * late:+.2f} us of the converged one")
    assert abs(late) <= bar


@pytest.mark.parametrize(
    ("solver", "dt", "order"),
    [("bwd_euler", 0.025, 1), ("crank_nicolson", 0.05, 2), ("trbdf2", 0.05, 2), ("extrapolated", 0.05, 4)],
)
def test_order(solver: str, dt: float, order: int) -> None:
    """Halving dt divides the error by 2^order, or by more."""
    coarse, fine = (abs(last_spike(solver, d) - reference()) for d in (2 * dt, dt))
    observed = np.log2(coarse / fine)
    print(f"axon, {solver}: order {observed:.2f} from {2 * dt} to {dt} ms")
    assert observed >= order - 0.15
    # A second order that shows where only the first is promised would mean another scheme.
    assert order > 1 or observed <= 1.2
