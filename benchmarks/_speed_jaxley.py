"""Jaxley in speed.py, with jaxley-mech's layer-5 channels; batches by `vmap`, as its tutorials do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxley as jx
import numpy as np
from _speed import CURRENT_NA, DT_MS, GBAR, REGIONS, Call, measure
from jaxley.channels import HH

warnings.filterwarnings("ignore")


def main() -> None:
    call = Call.read()
    cell = jx.read_swc(call.morphology, ncomp=call.ncomp)
    cell.set("axial_resistivity", 100.0)
    if call.case == "hh":
        cell.insert(HH())
        free = {"HH_gNa": 0.12, "HH_gK": 0.036}
    else:
        import jaxley_mech.channels.l5pc as mech
        from _l5pc import JAXLEY_NAMES
        from jaxley.channels import Leak

        cell.insert(Leak())
        for region, names in REGIONS.items():
            for name in names:
                getattr(cell, region).insert(getattr(mech, JAXLEY_NAMES[name])())
        free = {f"{JAXLEY_NAMES[name]}_g{JAXLEY_NAMES[name]}": gbar for name, gbar in GBAR.items()}
        for key, gbar in free.items():
            getattr(cell, key.split("_g")[0]).set(key, gbar)
    site = cell.soma.branch(0).comp(0)
    site.stimulate(jnp.asarray(np.full(call.n_steps, CURRENT_NA)), verbose=False)
    site.record(verbose=False)
    for key in free:
        (cell if call.case == "hh" else getattr(cell, key.split("_g")[0])).make_trainable(key, verbose=False)
    cell.init_states()
    cell.to_jax()
    # One level saves all states; two are Jaxley's way to keep memory and time low.
    lengths = [int(np.ceil(np.sqrt(call.n_steps)))] * 2

    def simulate(p):
        return jx.integrate(cell, params=p, t_max=call.t_ms - DT_MS, delta_t=DT_MS, checkpoint_lengths=lengths)

    def loss(p):
        return jnp.mean(simulate(p) ** 2)

    forward = jax.jit(jax.vmap(simulate))
    gradient = jax.jit(jax.vmap(jax.value_and_grad(loss)))

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        scale = jnp.linspace(0.9, 1.1, batch)[:, None]
        params = [{key: value * scale} for key, value in free.items()]
        return {
            "forward": lambda: jax.block_until_ready(forward(params)),
            "gradient": lambda: jax.block_until_ready(gradient(params)),
        }

    measure(call, len(cell.nodes), runs)


if __name__ == "__main__":
    main()
