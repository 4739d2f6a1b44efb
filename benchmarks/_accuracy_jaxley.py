"""Jaxley in accuracy.py; lanes by `vmap`."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from _axon import CURRENT_NA, LENGTH_UM, NCOMP, RADIUS_UM, Call
from _speed import median_seconds

warnings.filterwarnings("ignore")


def main() -> None:
    call = Call.read()
    jax.config.update("jax_enable_x64", call.dtype == "float64")
    import jaxley as jx
    from jaxley.channels import HH

    def measured(scheme: str, step: float) -> tuple[np.ndarray, np.ndarray, float]:
        comp = jx.Compartment()
        comp.set("length", LENGTH_UM)
        comp.set("radius", RADIUS_UM)
        cell = jx.Cell([jx.Branch(comp, NCOMP)], [-1])
        cell.set("axial_resistivity", 100.0)
        cell.set("v", -65.0)
        cell.insert(HH())
        cell.init_states()
        cell.branch(0).comp(0).stimulate(jnp.full(round(call.t_ms / step), CURRENT_NA), verbose=False)
        cell.branch(0).comp(NCOMP - 1).record(verbose=False)
        cell.make_trainable("HH_gNa", verbose=False)
        cell.to_jax()
        run = jax.jit(jax.vmap(lambda p: jx.integrate(cell, params=p, delta_t=step, solver=scheme)))
        params = [{"HH_gNa": 0.12 * jnp.linspace(1.0, 1.05, call.lanes)[:, None]}]
        v = np.asarray(run(params))[0, 0].astype(float)
        seconds = median_seconds(lambda: jax.block_until_ready(run(params)), call.repeats)
        return step * np.arange(len(v)), v, seconds

    call.tell(measured)


if __name__ == "__main__":
    main()
