"""Gradients of long runs in bounded memory: 40,000 steps of 324 compartments in 64 lanes within 2 GiB.

    python benchmarks/memory.py [--long] [--budget 1.0] [--json FILE] [--quick]

Hodgkin-Huxley in the layer-5 cell of speed.py, float32, on one core. The long run's saved states have a `memory_budget`
of `--budget` GiB; what must stay within 2 GiB is the whole process, Python and JAX included, as the system tells its
peak. Its time per step is compared with that of a run of 400 steps that saves every state. `--long` does 400,000 steps
too (twice: once to compile, as for the others). The first call, which compiles, is not counted in the time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import cell_file, compete, write_figures

LANES, SHORT, STEPS, LONG = 64, 400, 40_000, 400_000
PEAK_GIB, SLOWER = 2.0, 1.6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--long", action="store_true", help="400,000 steps as well")
    parser.add_argument("--budget", type=float, default=1.0, help="GiB of saved states")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="400 steps in 2 lanes within 0.001 GiB, beside 40")
    arguments = parser.parse_args()
    budget = round((0.001 if arguments.quick else arguments.budget) * 2**30)
    lanes, short, lengths = LANES, SHORT, [STEPS] + [LONG] * arguments.long
    if arguments.quick:
        lanes, short, lengths = 2, 40, [400]
    with cell_file() as morphology:
        call = {"morphology": str(morphology), "lanes": lanes}
        plan = [(short, 0, 6)] + [(n, budget, 2 if n >= STEPS else 3) for n in lengths]
        rows = []
        for n_steps, memory_budget, runs in plan:
            one = {**call, "n_steps": n_steps, "memory_budget": memory_budget, "runs": runs}
            rows.append(compete("_memory_rallax.py", one) | {"memory_budget": memory_budget})
            _print(rows[-1])
    for row in rows[1:]:
        slower = row["microseconds_per_step"] / rows[0]["microseconds_per_step"]
        which = f"C7 gradient of {row['steps']} steps x {row['compartments']} compartments x {row['lanes']} lanes"
        tell(
            f"{which}: peak of the process", f"{row['peak_GiB']:.2f} GiB", f"<= {PEAK_GIB}", row["peak_GiB"] <= PEAK_GIB
        )
        tell(f"{which}: time per step over that of {short} steps", f"{slower:.2f}", f"<= {SLOWER}", slower <= SLOWER)
        tell(f"{which}: values", "finite" if row["finite"] else "not finite", "finite", row["finite"])
    write_figures(arguments.json, "memory.py", {"rows": rows})
    return 0


def _print(row: dict[str, Any]) -> None:
    budget = f"{row['memory_budget'] / 2**30:.3g} GiB" if row["memory_budget"] else "none"
    print(
        f"{row['steps']:7} steps, budget {budget:>10}: {row['seconds']:8.2f} s, "
        f"{row['microseconds_per_step']:8.1f} us a step, peak {row['peak_GiB']:.2f} GiB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
