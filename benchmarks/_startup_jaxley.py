"""Jaxley in startup.py: the same as _startup_rallax.py, as its users write it."""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from pathlib import Path

BEGUN = time.perf_counter(), time.process_time()
warnings.filterwarnings("ignore")


def main() -> None:
    call = json.loads(sys.argv[1])
    import jax
    import jax.numpy as jnp
    import jaxley as jx
    from jaxley.channels import HH

    imported = time.perf_counter(), time.process_time()
    cell = jx.read_swc(call["morphology"], ncomp=1)
    cell.set("axial_resistivity", 100.0)
    cell.insert(HH())
    site = cell.soma.branch(0).comp(0)
    site.stimulate(jnp.full(call["n_steps"], 1.0), verbose=False)
    site.record(verbose=False)
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key, verbose=False)
    cell.init_states()
    cell.to_jax()
    scale = jnp.linspace(0.9, 1.1, call["lanes"])[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    lengths = [math.ceil(math.sqrt(call["n_steps"]))] * 2

    def loss(p: object) -> jax.Array:
        return jnp.mean(jx.integrate(cell, params=p, delta_t=0.025, checkpoint_lengths=lengths) ** 2)

    built = time.perf_counter(), time.process_time()
    jax.block_until_ready(jax.jit(jax.vmap(jax.value_and_grad(loss)))(params))
    done = time.perf_counter(), time.process_time()
    marks = {"imported": imported, "built": built, "done": done}
    row = {name: {"clock": mark[0] - BEGUN[0], "processor": mark[1]} for name, mark in marks.items()}
    Path(call["out"]).write_text(json.dumps(row))


if __name__ == "__main__":
    main()
