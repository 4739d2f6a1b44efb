"""rallax in speed.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _speed import CURRENT_NA, DT_MS, GBAR, REGIONS, Call, measure

import rallax.sim as rx
from rallax.sim.mechanisms import create


def main() -> None:
    call = Call.read()
    cell = rx.read_swc(call.morphology, ncomp=call.ncomp)
    cell.set("axial_resistivity", 100.0)
    if call.case == "hh":
        cell.insert(rx.HH())
        free = {"HH_gNa": 0.12, "HH_gK": 0.036}
    else:
        cell.insert(rx.pas())
        for region, names in REGIONS.items():
            for name in names:
                getattr(cell, region).insert(create(name))
        for name, gbar in GBAR.items():
            getattr(cell, name).set(f"{name}_gbar", gbar)
        free = {f"{name}_gbar": gbar for name, gbar in GBAR.items()}
    site = cell.soma.branch(0).comp(0)
    site.stimulate(np.full(call.n_steps, CURRENT_NA))
    site.record()
    for key in free:
        (cell if call.case == "hh" else getattr(cell, key.removesuffix("_gbar"))).make_trainable(key)
    cell.init_states()
    run = rx.batched(cell, delta_t=DT_MS, t_max=call.t_ms, dtype=jnp.float32)
    with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        scale = jnp.linspace(0.9, 1.1, batch)[:, None]
        params = [{key: value * scale} for key, value in free.items()]
        return {
            "forward": lambda: jax.block_until_ready(run(params)),
            "gradient": lambda: jax.block_until_ready(with_gradient(params)),
        }

    measure(call, len(cell.nodes), runs)


if __name__ == "__main__":
    main()
