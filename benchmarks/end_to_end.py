"""The layer-5 tutorial fit from start to end, ten seeds of ten steps, beside Jaxley: seconds on one core.

    python benchmarks/end_to_end.py [--seeds 10] [--steps 10] [--jaxley-seeds 10] [--json FILE] [--quick]

The fit of l5pc_synthetic.py. Counted is the processor's time of a whole process: imports, reading, building, compiling,
all steps. rallax and Jaxley compute the seeds one after another, as Jaxley's example does: with so many compartments
these fill the vectors, and ten seeds would fill but ten of 16 lanes. Each is
run in float32 if that keeps the loss at every start within 0.1 % of float64's, else in float64. The target is made
before, in float64. With fewer `--jaxley-seeds` than seeds Jaxley's time is extrapolated: its steps of the last seeds
are taken to cost what those of the others did; the output says so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _bar import tell
from _contest import cell_file, compete, present, write_figures

FASTER, LOSS_DIFFERENCE = 5.0, 1e-3
LANES = 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--jaxley-seeds", type=int, help="seeds that Jaxley really does; default all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="rallax alone, two seeds, one step")
    arguments = parser.parse_args()
    seeds, steps = (2, 1) if arguments.quick else (arguments.seeds, arguments.steps)
    names = present(("rallax",) if arguments.quick else ("rallax", "jaxley"))
    done = {"rallax": seeds, "jaxley": min(seeds, arguments.jaxley_seeds or seeds)}
    rows: dict[str, dict[str, Any]] = {}
    with cell_file() as morphology, tempfile.TemporaryDirectory() as folder:
        call = {"morphology": str(morphology), "target": str(Path(folder) / "target.npz"), "lanes": LANES}
        exact = compete(
            "_end_to_end.py", {**call, "contestant": "rallax", "dtype": "float64", "seeds": seeds, "steps": 1}
        )
        for name in names:
            rows[name] = _in_best_precision(name, {**call, "seeds": done[name], "steps": steps}, exact, seeds)
            row = rows[name]
            extrapolated = f", extrapolated from {done[name]} seeds" if done[name] < seeds else ""
            print(
                f"{name:8} {row['dtype']}: {row['all_seconds']:.1f} s for {seeds} seeds x {steps} steps{extrapolated}; "
                f"losses at the starts within {row['loss_difference']:.1e} of float64",
                flush=True,
            )
    if "jaxley" in rows:
        ratio = rows["jaxley"]["all_seconds"] / rows["rallax"]["all_seconds"]
        tell(f"C10 {seeds} seeds x {steps} steps: jaxley / rallax", f"{ratio:.2f}", f">= {FASTER}", ratio >= FASTER)
    write_figures(arguments.json, "end_to_end.py", {"rows": list(rows.values())})
    return 0


def _in_best_precision(name: str, call: dict[str, Any], exact: dict[str, Any], seeds: int) -> dict[str, Any]:
    """The run in float32 where that is exact enough, else in float64, with the time for all seeds."""
    # One step of every seed tells: Jaxley's run of all steps would be minutes in vain.
    for dtype in ("float32", "float64"):
        one = compete("_end_to_end.py", {**call, "contestant": name, "dtype": dtype, "seeds": seeds, "steps": 1})
        difference = _difference(one, exact)
        print(f"{name:8} {dtype}: losses at the starts differ from float64 by {difference:.1e} at most", flush=True)
        if difference <= LOSS_DIFFERENCE:
            break
    row = compete("_end_to_end.py", {**call, "contestant": name, "dtype": dtype})
    left_out = call["steps"] * (seeds - call["seeds"])
    row |= {"loss_difference": difference, "all_seconds": row["seconds"] + left_out * row["step_seconds"]}
    return row


def _difference(found: dict[str, Any], exact: dict[str, Any]) -> float:
    ours, theirs = np.asarray(found["losses"][0]), np.asarray(exact["losses"][0])[: found["seeds"]]
    return float(np.max(np.abs(ours / theirs - 1.0)))


if __name__ == "__main__":
    sys.exit(main())
