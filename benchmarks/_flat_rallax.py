"""rallax in flatness.py: branched cells of many sizes, and one cell with few and with many recordings."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _speed import DT_MS, median_seconds

import rallax.sim as rx

NCOMP = 4


def tree(compartments: int) -> rx.Cell:
    """A binary tree of branches with NCOMP compartments each."""
    comp = rx.Compartment()
    comp.set("length", 20.0)
    comp.set("radius", 1.0)
    n = round(compartments / NCOMP)
    return rx.Cell(rx.Branch(comp, NCOMP), [-1, *((k - 1) // 2 for k in range(1, n))])


def figures(cell: rx.Cell, recordings: int, lanes: int, n_steps: int, repeats: int) -> dict[str, float]:
    """Nanoseconds of a compartment-step, and seconds to compile, forward and with gradient."""
    n = len(cell.nodes)
    cell.set("axial_resistivity", 100.0)
    cell.insert(rx.HH())
    first = cell.branch(0).comp(0)
    first.stimulate(np.full(n_steps, 1.0))
    if recordings == 1:
        first.record()
    else:
        cell.select(np.linspace(0, n - 1, recordings).round().astype(int)).record()
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key)
    cell.init_states()
    scale = jnp.linspace(0.9, 1.1, lanes)[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    run = rx.batched(cell, delta_t=DT_MS, t_max=n_steps * DT_MS, dtype=jnp.float32, lane_width=lanes)
    with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    row: dict[str, float] = {"compartments": n, "lanes": lanes, "recordings": recordings}
    for what, function in (("forward", run), ("gradient", with_gradient)):

        def call(function: Any = function) -> Any:
            return jax.block_until_ready(function(params))

        begun = time.process_time()
        call()
        seconds = time.process_time() - begun
        row[what] = 1e9 * median_seconds(call, repeats) / (n * lanes * n_steps)
        row[f"compile_{what}"] = max(0.0, seconds - row[what] * n * lanes * n_steps / 1e9)
    return row


def main() -> None:
    call = json.loads(sys.argv[1])
    lanes, n_steps, repeats = call["lanes"], call["n_steps"], call["repeats"]
    if call["compartments"]:
        cell = tree(call["compartments"])
    else:
        cell = rx.read_swc(call["morphology"], ncomp=1)
    Path(call["out"]).write_text(json.dumps(figures(cell, call["recordings"], lanes, n_steps, repeats)))


if __name__ == "__main__":
    main()
