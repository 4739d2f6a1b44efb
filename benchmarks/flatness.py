"""Whether the cost of a compartment's step depends on the size of the cell, and what recordings cost.

    python benchmarks/flatness.py [--product 81920] [--repeats 5] [--json FILE] [--quick]

Binary trees of 80 to 5,120 compartments with Hodgkin-Huxley, so many lanes that compartments times lanes stay the
same: nanoseconds of a compartment-step forward and with gradient, and their ratio, should be the same too. With the
product as it is the largest cell has 16 lanes, one vector of 512 bits; with less, vectors are not filled. And the
largest with 1 and with 300 recordings: time of a run, and seconds to compile. Without a bar, for comparison: the same
of 1,280 compartments and of the layer-5 cell of speed.py (64 lanes each), of whose 324 compartments 300 are then
recorded; there to write down what is recorded is a part of the work that shows. "Forward" returns the recordings.
float32, dt 0.025 ms, 10 ms, each measurement in a process of its own on one core, median of the repeats.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import cell_file, compete, write_figures

SIZES, N_STEPS, LANES, RECORDINGS = (80, 320, 1280, 5120), 400, 64, (1, 300)
#: The largest figure over the smallest.
FLAT, RUN_TIME, COMPILE_TIME = 1.3, 1.1, 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--product", type=int, default=81920, help="compartments times lanes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="two small sizes, 40 steps")
    arguments = parser.parse_args()
    sizes, product, recordings = SIZES, arguments.product, RECORDINGS
    call = {"n_steps": N_STEPS, "repeats": arguments.repeats, "recordings": 1, "morphology": ""}
    if arguments.quick:
        sizes, product, recordings = (20, 40), 160, (1, 20)
        call |= {"n_steps": 40, "repeats": 1}
    print("compartments  lanes   forward ns  gradient ns  ratio   compile s")
    by_size = []
    for n in sizes:
        by_size.append(compete("_flat_rallax.py", {**call, "compartments": n, "lanes": max(1, product // n)}))
        _print(by_size[-1])
    by_recordings = []
    cells = [(sizes[-1], max(1, product // sizes[-1]))]
    cells += [(0, 4)] if arguments.quick else [(sizes[-2], LANES), (0, LANES)]
    with cell_file() as morphology:
        for compartments, lanes in cells:
            for n in recordings:
                one = {**call, "compartments": compartments, "morphology": str(morphology), "recordings": n}
                by_recordings.append(compete("_flat_rallax.py", {**one, "lanes": lanes}))
                _print(by_recordings[-1], f"   {n} recordings")
    for what, values in {
        "forward": [row["forward"] for row in by_size],
        "gradient": [row["gradient"] for row in by_size],
        "gradient over forward": [row["gradient"] / row["forward"] for row in by_size],
    }.items():
        bar = f"C6 {sizes[0]} to {sizes[-1]} compartments: {what}, largest over smallest"
        spread = max(values) / min(values)
        tell(bar, f"{spread:.2f}", f"<= {FLAT}", spread <= FLAT)
    few, many = by_recordings[:2]
    for what in ("forward", "gradient"):
        for key, words, most in ((what, "run", RUN_TIME), (f"compile_{what}", "compilation", COMPILE_TIME)):
            ratio = many[key] / few[key]
            bar = f"C6 {recordings[1]} recordings over {recordings[0]}: {words}, {what}"
            tell(bar, f"{ratio:.2f}", f"<= {most}", ratio <= most)
    write_figures(arguments.json, "flatness.py", {"by_size": by_size, "by_recordings": by_recordings})
    return 0


def _print(row: dict[str, Any], more: str = "") -> None:
    ratio = row["gradient"] / row["forward"]
    numbers = f"{row['compartments']:12} {row['lanes']:6} {row['forward']:12.2f} {row['gradient']:12.2f} {ratio:6.2f}"
    print(f"{numbers} {row['compile_forward']:6.1f} {row['compile_gradient']:5.1f}{more}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
