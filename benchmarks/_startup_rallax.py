"""rallax in startup.py: what a user's script does from the reconstruction to a first gradient, and nothing else."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

BEGUN = time.perf_counter(), time.process_time()


def main() -> None:
    call = json.loads(sys.argv[1])
    import jax
    import jax.numpy as jnp
    import numpy as np

    import rallax.sim as rx

    imported = time.perf_counter(), time.process_time()
    cell = rx.read_swc(call["morphology"], ncomp=1)
    cell.set("axial_resistivity", 100.0)
    cell.insert(rx.HH())
    site = cell.soma.branch(0).comp(0)
    site.stimulate(np.full(call["n_steps"], 1.0))
    site.record()
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key)
    cell.init_states()
    scale = jnp.linspace(0.9, 1.1, call["lanes"])[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    run = rx.batched(cell, delta_t=0.025, t_max=call["n_steps"] * 0.025, dtype=jnp.float32)
    built = time.perf_counter(), time.process_time()
    jax.block_until_ready(run.value_and_grad(lambda v: jnp.mean(v**2))(params))
    done = time.perf_counter(), time.process_time()
    marks = {"imported": imported, "built": built, "done": done}
    # The processor's time counts from the start of the process; the clock's from the first line of this file.
    row = {name: {"clock": mark[0] - BEGUN[0], "processor": mark[1]} for name, mark in marks.items()}
    Path(call["out"]).write_text(json.dumps(row))


if __name__ == "__main__":
    main()
