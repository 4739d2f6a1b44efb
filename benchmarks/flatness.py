"""Whether the cost of a compartment's step depends on the size of the cell, and what recordings cost.

    python benchmarks/flatness.py [--product 81920] [--repeats 5] [--rounds 3] [--json FILE] [--quick]

Binary trees of 80 to 5,120 compartments with Hodgkin-Huxley, so many lanes that compartments times lanes stay the
same: nanoseconds of a compartment-step forward and with gradient, and their ratio, should be the same too. With the
product as it is the largest cell has 16 lanes, one vector of 512 bits; with less, vectors are not filled. And the
largest with 1 and with 300 recordings: time of a run, and seconds to compile. Without a bar, for comparison: the same
of 1,280 compartments and of the layer-5 cell of speed.py (64 lanes each), of whose 324 compartments 300 are then
recorded; there to write down what is recorded is a part of the work that shows. "Forward" returns the recordings.
float32, dt 0.025 ms, 10 ms, each measurement in a process of its own on one core, median of the repeats. All are taken
in turn, several rounds, and the figures are the medians of the rounds: what others do on the machine for some seconds
would else slow one size and not its neighbours.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _bar import tell
from _contest import cell_file, compete, write_figures

SIZES, N_STEPS, LANES, RECORDINGS = (80, 320, 1280, 5120), 400, 64, (1, 300)
#: The largest figure over the smallest.
FLAT, RUN_TIME, COMPILE_TIME = 1.3, 1.1, 1.5
_HEADS = "compartments  lanes   forward ns  gradient ns  ratio   compile s  recordings"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--product", type=int, default=81920, help="compartments times lanes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="one round of two small sizes, 40 steps")
    arguments = parser.parse_args()
    sizes, product, recordings = SIZES, arguments.product, RECORDINGS
    rounds = arguments.rounds
    call = {"n_steps": N_STEPS, "repeats": arguments.repeats, "recordings": 1, "morphology": ""}
    if arguments.quick:
        sizes, product, recordings, rounds = (20, 40), 160, (1, 20), 1
        call |= {"n_steps": 40, "repeats": 1}
    calls = [{**call, "compartments": n, "lanes": max(1, product // n)} for n in sizes]
    cells = [(sizes[-1], max(1, product // sizes[-1]))]
    cells += [(0, 4)] if arguments.quick else [(sizes[-2], LANES), (0, LANES)]
    with cell_file() as morphology:
        for compartments, lanes in cells:
            one = {**call, "compartments": compartments, "lanes": lanes, "morphology": str(morphology)}
            calls += [{**one, "recordings": n} for n in recordings]
        found: list[list[dict[str, Any]]] = [[] for _ in calls]
        for number in range(rounds):
            print(f"round {number + 1}\n{_HEADS}")
            for rows, each in zip(found, calls, strict=True):
                rows.append(compete("_flat_rallax.py", each))
                _print(rows[-1], each["recordings"])
    print(f"medians of {rounds}\n{_HEADS}")
    medians = [{key: _median([row[key] for row in rows]) for key in rows[0]} for rows in found]
    for row, each in zip(medians, calls, strict=True):
        _print(row, each["recordings"])
    by_size, by_recordings = medians[: len(sizes)], medians[len(sizes) :]
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


def _median(values: list[Any]) -> Any:
    return float(np.median(values)) if isinstance(values[0], float) else values[0]


def _print(row: dict[str, Any], recordings: int) -> None:
    ratio = row["gradient"] / row["forward"]
    numbers = f"{row['compartments']:12} {row['lanes']:6} {row['forward']:12.2f} {row['gradient']:12.2f} {ratio:6.2f}"
    print(f"{numbers} {row['compile_forward']:6.1f} {row['compile_gradient']:5.1f} {recordings:11}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
