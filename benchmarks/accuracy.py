"""Seconds to simulate the squid's axon to a given accuracy, each contestant with its best scheme and step.

    python benchmarks/accuracy.py [--repeats 5] [--json FILE] [--quick]

The axon of _axon.py, 250 ms, 64 simulations, one core. The error is the largest one of all spike times at the far end,
against rallax's scheme of fourth order at 0.0125 ms in float64. Every contestant runs a set of schemes and steps; what
counts is the shortest time of those whose error is small enough; a run in float32 counts only if the same in float64 is
good enough too, since rounding may happen to help. rallax: trbdf2, extrapolated and crank_nicolson; Jaxley:
crank_nicolson and bwd_euler, both in float32 and in float64; NEURON: secondorder = 2, and CVODE at several tolerances.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _axon import T_MS
from _bar import tell
from _contest import compete, present, write_figures

TRIED: dict[str, dict[str, tuple[float, ...]]] = {
    "rallax": {
        "trbdf2": (0.125, 0.1, 0.05),
        "extrapolated": (0.125, 0.1, 0.0725, 0.0625),
        "crank_nicolson": (0.035, 0.03125, 0.0125, 0.01),
    },
    "jaxley": {"crank_nicolson": (0.035, 0.03125, 0.01, 1 / 110, 0.008, 0.00625), "bwd_euler": (0.00625,)},
    "neuron": {"crank_nicolson": (0.035, 0.03125, 0.0125, 0.01), "cvode": (1e-3, 3e-4, 1e-4, 1e-5)},
}
#: Error of spike times, ms: how many times sooner rallax must be there.
BARS = {0.1: 5.0, 0.01: 8.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="rallax alone, one step of each scheme, 30 ms, 2 lanes")
    arguments = parser.parse_args()
    names = present(("rallax",) if arguments.quick else ("rallax", "jaxley", "neuron"))
    call = {"lanes": 64, "repeats": arguments.repeats, "t_ms": T_MS}
    if arguments.quick:
        call |= {"lanes": 2, "repeats": 1, "t_ms": 30.0}
    exact_step = 0.025 if arguments.quick else 0.0125
    exact = compete(
        "_accuracy_rallax.py",
        {**call, "tried": [("extrapolated", exact_step)], "dtype": "float64", "lanes": 1, "repeats": 1},
    )[0]["spikes"]
    print(f"{len(exact)} spikes, the last at {exact[-1]:.4f} ms", flush=True)
    rows: list[dict[str, Any]] = []
    for name in names:
        tried = [(scheme, step) for scheme, steps in TRIED[name].items() for step in steps]
        if arguments.quick:
            tried = [(scheme, steps[0]) for scheme, steps in TRIED[name].items()]
        for dtype in ("float32", "float64") if name != "neuron" and not arguments.quick else ("float64",):
            for row in compete(f"_accuracy_{name}.py", {**call, "tried": tried, "dtype": dtype}):
                same = len(row["spikes"]) == len(exact)
                row["error_ms"] = float(np.max(np.abs(np.subtract(row.pop("spikes"), exact)))) if same else None
                rows.append({"contestant": name, **row})
                error = "other spikes" if row["error_ms"] is None else f"{row['error_ms']:.5f} ms"
                print(
                    f"{name:7} {row['scheme']:15}{row['step']:<9g}{dtype}  {error:>12}  {row['seconds']:8.3f} s",
                    flush=True,
                )
    for allowed, least in {} if arguments.quick else BARS.items():
        _judge(rows, allowed, least, names)
    write_figures(arguments.json, "accuracy.py", {"rows": rows})
    return 0


def _within(row: dict[str, Any], allowed: float) -> bool:
    return row["error_ms"] is not None and bool(row["error_ms"] <= allowed)


def _judge(rows: list[dict[str, Any]], allowed: float, least: float, names: list[str]) -> None:
    best = {}
    for name in names:
        own = [row for row in rows if row["contestant"] == name]
        # Where float32's rounding happens to make an error small, float64's is not: both must be, for float32 to count.
        exact = {(r["scheme"], r["step"]) for r in own if r["dtype"] == "float64" and _within(r, allowed)}
        good = [row for row in own if _within(row, allowed) and (row["scheme"], row["step"]) in exact]
        if good:
            best[name] = min(good, key=lambda row: row["seconds"])
            row = best[name]
            print(
                f"within {allowed} ms, {name}: {row['scheme']} {row['step']:g} {row['dtype']}, {row['seconds']:.3f} s"
            )
        else:
            print(f"within {allowed} ms, {name}: none of those tried")
    for name in names[1:]:
        bar = f"C11 axon within {allowed} ms: {name} / rallax"
        if "rallax" not in best:
            tell(bar, "rallax was not exact enough", f">= {least}", False)
        elif name in best:
            ratio = best[name]["seconds"] / best["rallax"]["seconds"]
            tell(bar, f"{ratio:.2f}", f">= {least}", ratio >= least)


if __name__ == "__main__":
    sys.exit(main())
