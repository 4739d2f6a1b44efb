"""From a reconstruction of 10,619 points to the first gradient, in a fresh process, without and with a warm cache.

    python benchmarks/startup.py [--repeats 5] [--json FILE] [--quick]

Case hh of speed.py, ncomp 1, 64 parameter sets, 10 ms. Counted are the start of Python, imports, reading, building,
compiling and one run of value and gradient; seconds of the processor, on one core (those of the clock beside them).
The cache of compiled programs is the one that workers use, JAX_COMPILATION_CACHE_DIR with programs of any size: an
empty folder for the cold run, the same folder again for the warm ones. Medians of the repeats, each cold one with a
folder of its own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import cell_file, compete, present, write_figures

#: Most seconds to the first gradient.
BARS = {"cold": 6.0, "warm": 2.5}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="one repeat of rallax alone, 2 lanes, 40 steps")
    arguments = parser.parse_args()
    names = present(("rallax",) if arguments.quick else ("rallax", "jaxley"))
    rows: list[dict[str, Any]] = []
    with cell_file() as morphology:
        call = {"morphology": str(morphology), "n_steps": 400, "lanes": 64}
        if arguments.quick:
            call |= {"n_steps": 40, "lanes": 2}
        for name in names:
            marks: dict[str, list[dict[str, Any]]] = {"cold": [], "warm": []}
            for _ in range(1 if arguments.quick else arguments.repeats):
                with tempfile.TemporaryDirectory() as cache:
                    for state in ("cold", "warm"):
                        environment = {
                            "JAX_COMPILATION_CACHE_DIR": cache,
                            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                        }
                        marks[state].append(compete(f"_startup_{name}.py", call, environment=environment))
            rows += [{"contestant": name, "cache": state, **_medians(found)} for state, found in marks.items()]
            for row in rows[-2:]:
                _print(row)
    for row in rows:
        if row["contestant"] == "rallax":
            seconds, most = row["done"]["processor"], BARS[row["cache"]]
            tell(f"C8 SWC to first gradient, {row['cache']} cache", f"{seconds:.2f} s", f"<= {most} s", seconds <= most)
    write_figures(arguments.json, "startup.py", {"rows": rows})
    return 0


def _medians(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    marks, clocks = ("imported", "built", "done"), ("clock", "processor")
    return {mark: {clock: statistics.median(row[mark][clock] for row in found) for clock in clocks} for mark in marks}


def _print(row: dict[str, Any]) -> None:
    parts = [
        f"{mark} {row[mark]['processor']:.2f} s ({row[mark]['clock']:.2f})" for mark in ("imported", "built", "done")
    ]
    print(f"{row['contestant']:8} {row['cache']}: processor (clock): " + ", ".join(parts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
