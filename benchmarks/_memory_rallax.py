"""rallax in memory.py: the gradient of a run of the layer-5 cell within a budget, and this process's peak memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _speed import CURRENT_NA, DT_MS

import rallax.sim as rx


def main() -> None:
    call = json.loads(sys.argv[1])
    n_steps, lanes = call["n_steps"], call["lanes"]
    cell = rx.read_swc(call["morphology"], ncomp=1)
    cell.set("axial_resistivity", 100.0)
    cell.insert(rx.HH())
    site = cell.soma.branch(0).comp(0)
    site.stimulate(np.full(n_steps, CURRENT_NA))
    site.record()
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key)
    cell.init_states()
    scale = jnp.linspace(0.9, 1.1, lanes)[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    budget = call["memory_budget"] or 1 << 40
    run = rx.batched(cell, delta_t=DT_MS, t_max=n_steps * DT_MS, dtype=jnp.float32, memory_budget=budget)
    gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    seconds = []
    found: Any = None
    for _ in range(call["runs"]):
        begun = time.process_time()
        found = jax.block_until_ready(gradient(params))
        seconds.append(time.process_time() - begun)
    row = {
        "steps": n_steps,
        "compartments": len(cell.nodes),
        "lanes": lanes,
        "microseconds_per_step": 1e6 * float(np.median(seconds[1:])) / n_steps,
        "seconds": float(np.median(seconds[1:])),
        # Kilobytes on Linux.
        "peak_GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "finite": bool(all(np.isfinite(x).all() for x in jax.tree.leaves(found))),
    }
    Path(call["out"]).write_text(json.dumps(row))


if __name__ == "__main__":
    main()
