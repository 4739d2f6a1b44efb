"""All integrators go to one solution as the time step shrinks, each at its order, on a spiking branched cell."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

#: Every run is made of pieces of this many steps, joined: one compiled function for all time steps.
PIECE = 80
LONGEST = 0.1
T_MAX = PIECE * LONGEST
#: Orders, and by how much a measured one may fall short.
ORDERS = {
    "bwd_euler": (1, 0.05),
    "crank_nicolson": (2, 0.1),
    "fwd_euler": (1, 0.05),
    "exp_euler": (1, 0.05),
    "trbdf2": (2, 0.1),
    "extrapolated": (4, 0.1),
}


@functools.cache
def cell() -> Any:
    """Three branches of three compartments with HH, gates at rest; recorded on two of them."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 3), parents=[-1, 0, 0])
    cell.insert(rx.HH())
    for key, value in (("axial_resistivity", 150.0), ("radius", 0.7), ("length", 60.0), ("v", -65.0)):
        cell.set(key, value)
    cell.init_states()
    cell.branch([0, 2]).comp(1).record()
    return cell


def run(solver: str, halvings: int) -> np.ndarray:
    """v at every multiple of LONGEST, with steps of LONGEST / 2^halvings and a constant current from the start on."""
    dt = LONGEST / 2**halvings
    stimulus = cell().branch(1).comp(2).data_stimulate(jnp.full(PIECE, 0.12))
    states, pieces = None, []
    for _ in range(2**halvings):
        v, states = rx.integrate(
            cell(), data_stimuli=stimulus, solver=solver, delta_t=dt, all_states=states, return_states=True
        )
        pieces.append(np.asarray(v)[:, 1:])
    return np.concatenate(pieces, axis=1)[:, 2**halvings - 1 :: 2**halvings]


@functools.cache
def converged() -> np.ndarray:
    return run("extrapolated", 6)


#: The others take longer than `make test` has.
QUICK = ("bwd_euler", "crank_nicolson", "extrapolated")


@pytest.mark.parametrize("solver", [s if s in QUICK else pytest.param(s, marks=pytest.mark.slow) for s in ORDERS])
def test_order(solver: str) -> None:
    assert converged().max() > 0.0, "it spikes"
    order, allowance = ORDERS[solver]
    halvings = (1, 2, 3) if order == 2 else (2, 3, 4)
    errors = np.array([np.abs(run(solver, h) - converged()).max() for h in halvings])
    found = np.log2(errors[:-1] / errors[1:])
    print(f"{solver}: errors {errors}, orders {found}")
    assert np.all(found > order - allowance) and found[-1] < order + 0.3
