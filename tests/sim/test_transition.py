"""The exponentials of the cable, which exponential Euler multiplies by."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import rallax.sim as rx

from .cells import cylinders


def test_a_uniform_voltage_stays_in_float32() -> None:
    """Compartments of a micrometre: dt G is in the thousands, and each squaring doubles the error of the rows' sums."""
    cell = cylinders(((40, 40.0, 1.0, -1), (30, 30.0, 0.5, 0), (30, 30.0, 0.5, 0)))
    cell.set("v", -65.0)
    cell.make_trainable("capacitance")
    cell.branch(0).comp(0).record()
    run = rx.batched(cell, t_max=10.0, delta_t=0.025, solver="exp_euler", dtype=jnp.float32)
    v = np.asarray(run([{"capacitance": jnp.ones((1, 1))}]))
    assert v.dtype == np.float32
    off = np.abs(v + 65.0).max()
    print(f"exp_euler in float32, uniform v after 400 steps: {off:.0e} mV off")
    assert off <= 2e-3
