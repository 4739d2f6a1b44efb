"""Large batches of one cell of some 870 compartments: 1 to 10,000 parameter sets, beside Jaxley, NEURON and Arbor.

    python benchmarks/large_batches.py [--batch 1 10 100 1000 10000] [--longest 60] [--repeats 5] [--json FILE]

Hodgkin-Huxley in all of `allen_485574832.swc` (nine compartments a section), float32 (NEURON, Arbor: float64), dt
0.025 ms, 20 ms. Each contestant may run a batch as several of a smaller size: its figure is that of its best size up to
the batch, which the table names. A size whose run would take more than `--longest` seconds is not tried. Everything
else as in speed.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import cell_file, compete, present, write_figures

MORPHOLOGY, NCOMP, T_MS = "allen_485574832.swc", 9, 20.0
#: Least ratios rallax / other: (batch, what, other).
BARS = {(1000, "forward", "jaxley"): 4.0, (1000, "forward", "neuron"): 8.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 10, 100, 1000, 10000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--longest", type=float, default=60.0, help="seconds of the longest run")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--quick", action="store_true", help="rallax alone, one compartment a section, batches 1 and 2, 1 ms"
    )
    arguments = parser.parse_args()
    batches = [1, 2] if arguments.quick else sorted(arguments.batch)
    call = {"case": "hh", "ncomp": NCOMP, "batches": batches, "repeats": arguments.repeats, "t_ms": T_MS}
    call["longest_s"] = arguments.longest
    if arguments.quick:
        call |= {"ncomp": 1, "repeats": 1, "t_ms": 1.0}
    rows: list[dict[str, Any]] = []
    names = present(("rallax",) if arguments.quick else ("rallax", "jaxley", "neuron", "arbor"))
    with cell_file(MORPHOLOGY) as morphology:
        for name in names:
            measured = compete(f"_speed_{name}.py", {**call, "morphology": str(morphology)})
            rows += [{"contestant": name, **figures} for figures in best_sizes(measured, batches)]
            print(f"{name}: {rows[-1]['compartments']:.0f} compartments", flush=True)
    for what in ("forward", "gradient"):
        _print(what, rows, names, batches)
    for (batch, what, other), least in BARS.items():
        pair = [_figure(rows, name, batch, what) for name in ("rallax", other)]
        if None not in pair:
            ratio = pair[0] / pair[1]  # type: ignore[operator]
            tell(f"C4 HH batch {batch}: {what} / {other}", f"{ratio:.2f}", f">= {least}", ratio >= least)
    write_figures(arguments.json, "large_batches.py", {"rows": rows})
    return 0


def best_sizes(measured: list[dict[str, float]], batches: list[int]) -> list[dict[str, float]]:
    """For each batch the best figure of the sizes up to it, and that size (`forward_size`, `gradient_size`)."""
    found = []
    for batch in batches:
        row: dict[str, float] = {"batch": batch, "compartments": measured[0]["compartments"]}
        for what in ("forward", "gradient"):
            within = [m for m in measured if m["batch"] <= batch and what in m]
            if within:
                best = max(within, key=lambda m: m[what])
                row |= {what: best[what], f"{what}_size": best["batch"]}
        found.append(row)
    return found


def _figure(rows: list[dict[str, Any]], name: str, batch: int, what: str) -> float | None:
    return next((row.get(what) for row in rows if row["contestant"] == name and row["batch"] == batch), None)


def _print(what: str, rows: list[dict[str, Any]], names: list[str], batches: list[int]) -> None:
    print(f"\n{what}, millions of compartment-steps per second (size of the runs, where a batch is several)")
    print("batch   " + "".join(f"{name:>18}" for name in names))
    for batch in batches:
        cells = []
        for name in names:
            row = next(r for r in rows if r["contestant"] == name and r["batch"] == batch)
            size = row.get(f"{what}_size")
            cells.append("-" if size is None else f"{row[what]:.1f}" + ("" if size == batch else f" ({size:.0f})"))
        print(f"{batch:<8}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
