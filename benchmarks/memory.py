"""The gradient of a long run within a memory budget: peak resident size, and time per step beside a short run.

    python benchmarks/memory.py [--steps 40000 400000] [--budget-GiB 1.5] [--json FILE]

Hodgkin-Huxley in all of `morphologies/rat_l5pc_with_axon.swc` (324 compartments), 64 lanes, float32, on one core. The
process as a whole (Python, JAX, compiled code, states) is to stay within 2 GiB. The short run has 400 steps and saves
every state. Needs RALLAX_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

from _bar import tell
from _pinned import pinned

DT_MS, LANES, SHORT, LIMIT_MIB, MOST = 0.025, 64, 400, 2048, 1.6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[40_000, 400_000])
    parser.add_argument("--budget-GiB", type=float, default=1.5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = Path(os.environ.get("RALLAX_DATA", Path(__file__).resolve().parents[2] / "shared/data"))
    morphology = data / "morphologies/rat_l5pc_with_axon.swc"
    if not morphology.is_file():
        print(f"skipped: no {morphology}; set RALLAX_DATA")
        return 0
    if given.measure:
        print(json.dumps(measure(morphology, given.measure, int(given.budget_GiB * 2**30))))
        return 0
    rows = []
    for steps in (SHORT, *given.steps):
        command = [sys.executable, __file__, "--budget-GiB", str(given.budget_GiB), "--measure", str(steps)]
        rows.append(json.loads(pinned(command, capture=True).splitlines()[-1]))
        print("  ".join(f"{k} {v}" for k, v in rows[-1].items()), flush=True)
        if steps != SHORT:
            peak, ratio = rows[-1]["peak MiB"], rows[-1]["us per step"] / rows[0]["us per step"]
            tell(f"C {steps} steps: peak resident size", f"{peak:.0f} MiB", f"<= {LIMIT_MIB} MiB", peak <= LIMIT_MIB)
            tell(f"C {steps} steps: time per step over a short run's", f"{ratio:.2f}", f"<= {MOST}", ratio <= MOST)
    if given.json:
        given.json.write_text(json.dumps({"case": "memory", "rows": rows}, indent=1))
    return 0


def measure(morphology: Path, steps: int, budget: int) -> dict[str, float | str]:
    """Peak resident size of this process and the time of a step (the long run's first, with its compilation)."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    import rallax.sim as rx

    cell = rx.read_swc(str(morphology), ncomp=1)
    cell.set("axial_resistivity", 100.0)
    cell.insert(rx.HH())
    site = cell.soma.branch(0).comp(0)
    site.stimulate(np.full(steps, 1.0))
    site.record()
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key)
    cell.init_states()
    scale = np.linspace(0.9, 1.1, LANES, dtype=np.float32)[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    run = rx.batched(cell, delta_t=DT_MS, dtype=jnp.float32, memory_budget=budget)
    with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    for _ in range(5 if steps == SHORT else 1):
        begun = time.process_time()
        _, gradient = jax.block_until_ready(with_gradient(params))
        seconds = time.process_time() - begun
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"steps": steps, "us per step": round(1e6 * seconds / steps, 1), "peak MiB": round(peak)}


if __name__ == "__main__":
    sys.exit(main())
