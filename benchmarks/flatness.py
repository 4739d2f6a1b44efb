"""Is the cost of a compartment and step the same for small and large cells, and for few and many recordings?

    python benchmarks/flatness.py [--repeats 5] [--product 320000] [--json FILE]

Hodgkin-Huxley on binary trees of 100 to 5,000 compartments, compartments times simulations fixed (the simulations go in
blocks of 64 lanes), float32; then 1 and 300 recordings of one cell. On one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from _bar import tell
from _pinned import pinned

DT_MS, N_STEPS = 0.025, 200
SIZES = (100, 300, 1000, 5000)
WITHIN = 1.3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--product", type=int, default=320_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", nargs=3, type=int, metavar=("SIZE", "LANES", "RECORDINGS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(*given.measure, given.repeats)))
        return 0

    def row(size: int, lanes: int, recordings: int) -> dict[str, float]:
        command = [sys.executable, __file__, "--repeats", str(given.repeats), "--measure"]
        found = json.loads(pinned([*command, *map(str, (size, lanes, recordings))], capture=True).splitlines()[-1])
        print(f"{size:5} compartments x {lanes:5} lanes, {recordings:3} recordings: forward {found['forward']:.2f} ns, "
              f"gradient {found['gradient']:.2f} ns, compiled in {found['compiled']:.1f} s", flush=True)  # fmt: skip
        return {"compartments": size, "lanes": lanes, "recordings": recordings, **found}

    rows = [row(size, given.product // size, 1) for size in SIZES]
    for what, of in (
        ("forward", [r["forward"] for r in rows]),
        ("gradient", [r["gradient"] for r in rows]),
        ("gradient over forward", [r["gradient"] / r["forward"] for r in rows]),
    ):
        spread = max(of) / min(of)
        tell(
            f"C flat over {SIZES[0]} to {SIZES[-1]} compartments: {what}",
            f"{spread:.2f}",
            f"<= {WITHIN}",
            spread <= WITHIN,
        )
    few, many = row(1000, 64, 1), row(1000, 64, 300)
    for what, key, most in (("time", "gradient", 1.1), ("compile time", "compiled", 1.5)):
        ratio = many[key] / few[key]
        tell(f"C 300 recordings over 1: {what}", f"{ratio:.2f}", f"<= {most}", ratio <= most)
    if given.json:
        given.json.write_text(json.dumps({"case": "flatness", "rows": [*rows, few, many]}, indent=1))
    return 0


def measure(size: int, lanes: int, recordings: int, repeats: int) -> dict[str, float]:
    """ns of a compartment and step, forward and with gradient; and the seconds of the first gradient."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    import rallax.sim as rx

    per_branch = 5
    parents = [-1, *((k - 1) // 2 for k in range(1, size // per_branch))]
    cell = rx.Cell(rx.Branch(rx.Compartment(), per_branch), parents=parents)
    for key, value in (("axial_resistivity", 100.0), ("length", 20.0), ("radius", 1.0), ("v", -65.0)):
        cell.set(key, value)
    cell.insert(rx.HH())
    cell.branch(0).comp(0).stimulate(np.full(N_STEPS, 0.2))
    cell.select(nodes=np.arange(recordings)).record()
    for key in ("HH_gNa", "HH_gK"):
        cell.make_trainable(key)
    cell.init_states()
    scale = np.linspace(0.9, 1.1, lanes, dtype=np.float32)[:, None]
    params = [{"HH_gNa": 0.12 * scale}, {"HH_gK": 0.036 * scale}]
    run = rx.batched(cell, delta_t=DT_MS, dtype=jnp.float32)
    with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    begun = time.perf_counter()
    jax.block_until_ready(with_gradient([{k: v[:64] for k, v in entry.items()} for entry in params]))
    found = {"compiled": time.perf_counter() - begun}
    for what, function in (("forward", run), ("gradient", with_gradient)):
        jax.block_until_ready(function(params))
        seconds = []
        for _ in range(repeats):
            begun = time.process_time()
            jax.block_until_ready(function(params))
            seconds.append(time.process_time() - begun)
        found[what] = 1e9 * statistics.median(seconds) / (size * lanes * N_STEPS)
    return found


if __name__ == "__main__":
    sys.exit(main())
