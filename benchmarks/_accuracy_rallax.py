"""rallax in accuracy.py."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from _axon import CURRENT_NA, LENGTH_UM, NCOMP, RADIUS_UM, Call
from _speed import median_seconds

import rallax.sim as rx


def main() -> None:
    call = Call.read()
    jax.config.update("jax_enable_x64", call.dtype == "float64")

    def measured(scheme: str, step: float) -> tuple[np.ndarray, np.ndarray, float]:
        comp = rx.Compartment()
        comp.set("length", LENGTH_UM)
        comp.set("radius", RADIUS_UM)
        cell = rx.Cell(rx.Branch(comp, NCOMP))
        cell.set("axial_resistivity", 100.0)
        cell.set("v", -65.0)
        cell.insert(rx.HH())
        cell.init_states()
        cell.branch(0).comp(0).stimulate(np.full(round(call.t_ms / step), CURRENT_NA))
        cell.branch(0).comp(NCOMP - 1).record()
        cell.make_trainable("HH_gNa")
        run = rx.batched(cell, delta_t=step, t_max=call.t_ms, solver=scheme, dtype=call.dtype)
        # The first lane has the squid's conductance, the others are there for company.
        params = [{"HH_gNa": 0.12 * jnp.linspace(1.0, 1.05, call.lanes)[:, None]}]
        v = np.asarray(run(params))[0, 0].astype(float)
        seconds = median_seconds(lambda: jax.block_until_ready(run(params)), call.repeats)
        return step * np.arange(len(v)), v, seconds

    call.tell(measured)


if __name__ == "__main__":
    main()
