"""A network of 1,000 point cells and 200 cells of five branches, simulated and differentiated, beside Jaxley.

    python benchmarks/networks.py [--points 1000] [--branched 200] [--repeats 5] [--json FILE]

Hodgkin-Huxley everywhere, two compartments a branch, ten `IonotropicSynapse` a cell at random, 10 ms at dt 0.025 ms,
float32; the gradient is in the conductances of all synapses. Each contestant on one core, median of the repeats.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from _bar import tell
from _pinned import pinned

DT_MS, N_STEPS, PER_CELL = 0.025, 400, 10
BARS = {"forward": 5.0, "gradient": 10.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--branched", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--contestant", choices=("rallax", "jaxley"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contestant:
        print(json.dumps(contest(given.contestant, given.points, given.branched, given.repeats)))
        return 0
    rows = []
    for name in ("rallax", "jaxley"):
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        command = [sys.executable, __file__, "--contestant", name, "--points", str(given.points)]
        command += ["--branched", str(given.branched), "--repeats", str(given.repeats)]
        rows.append({"contestant": name, **json.loads(pinned(command, capture=True).splitlines()[-1])})
        print("  ".join(f"{k} {v if isinstance(v, str) else round(v, 3)}" for k, v in rows[-1].items()), flush=True)
    if len(rows) == 2:
        for what, least in BARS.items():
            ratio = rows[1][what] / rows[0][what]
            tell(f"C networks: {what} / jaxley", f"{ratio:.1f}", f">= {least}", ratio >= least)
    if given.json:
        given.json.write_text(json.dumps({"case": "networks", "rows": rows}, indent=1))
    return 0


def contest(name: str, points: int, branched: int, repeats: int) -> dict[str, float]:
    """Seconds to build, of the first gradient, and of a run and a gradient."""
    import warnings

    import jax
    import jax.numpy as jnp
    import numpy as np

    warnings.filterwarnings("ignore")
    begun = time.perf_counter()
    simulator: Any
    if name == "rallax":
        import rallax.sim as simulator

        hh, synapse, join = simulator.HH, simulator.IonotropicSynapse, simulator.connectivity_matrix_connect
    else:
        import jaxley as simulator
        from jaxley.channels import HH as hh
        from jaxley.connect import connectivity_matrix_connect as join
        from jaxley.synapses import IonotropicSynapse as synapse
    compartment = simulator.Compartment()
    point = simulator.Cell(simulator.Branch(compartment, 1), parents=[-1])
    five = simulator.Cell([simulator.Branch(compartment, 2)] * 5, parents=[-1, 0, 0, 1, 1])
    net = simulator.Network([point] * points + [five] * branched)
    net.insert(hh())
    cells, rng = points + branched, np.random.default_rng(0)
    joined = np.zeros((cells, cells), bool)
    joined[np.repeat(np.arange(cells), PER_CELL), rng.integers(0, cells, PER_CELL * cells)] = True
    np.fill_diagonal(joined, False)
    np.random.seed(0)  # noqa: NPY002 -- both simulators draw from it
    join(net.cell("all"), net.cell("all"), synapse(), joined)
    net.set("IonotropicSynapse_gS", 1e-4)
    net.cell(0).branch(0).comp(0).stimulate(jnp.full(N_STEPS, 0.1))
    for cell in (1, cells - 1):
        net.cell(cell).branch(0).comp(0).record()
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    params = net.get_parameters()
    if name == "rallax":
        run = simulator.batched(net, t_max=N_STEPS * DT_MS, dtype=jnp.float32)
        params = jax.tree.map(lambda x: np.asarray(x, np.float32)[None], params)
        with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    else:
        net.to_jax()
        params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), params)

        def simulate(p: Any) -> jax.Array:
            return simulator.integrate(
                net, params=p, t_max=(N_STEPS - 1) * DT_MS, delta_t=DT_MS, checkpoint_lengths=[20, 20]
            )

        run = jax.jit(simulate)
        with_gradient = jax.jit(jax.value_and_grad(lambda p: jnp.mean(simulate(p) ** 2)))
    found = {"synapses": float(len(net.edges)), "build": time.perf_counter() - begun}
    for what, function in (("forward", run), ("gradient", with_gradient)):
        begun = time.perf_counter()
        jax.block_until_ready(function(params))
        found[f"first {what}"] = time.perf_counter() - begun
        seconds = []
        for _ in range(repeats):
            begun = time.process_time()
            jax.block_until_ready(function(params))
            seconds.append(time.process_time() - begun)
        found[what] = statistics.median(seconds)
    return found


if __name__ == "__main__":
    sys.exit(main())
