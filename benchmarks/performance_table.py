"""Write docs/performance.md's tables from the JSON files of the benchmarks.

    python benchmarks/performance_table.py FOLDER

FOLDER holds what the scripts wrote with --json, under any names; each file tells which script it is of. Prints
Markdown: one table a script, with the day, the processor and the versions. A script without a file is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Found = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args().folder.glob("*.json"))
    found = [json.loads(path.read_text()) for path in files]
    for script, write in TABLES.items():
        for one in (f for f in found if f.get("script") == script):
            versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
            cells = "".join(f", {cell}" for cell in one.get("cells", ()))
            print(f"`python benchmarks/{script}`{cells}, {one['date']}, {one['cpu']}; {versions}.\n")
            print(write(one) + "\n")
    return 0


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers to three figures."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows])


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _speed(found: Found) -> str:
    heads = ("case", "compartments a branch", "batch", "contestant", "forward, M/s", "with gradient, M/s")
    keys = ("case", "ncomp", "batch", "contestant", "forward", "gradient")
    return table(heads, [[row.get(key) for key in keys] for row in found["rows"]])


def _batches(found: Found) -> str:
    rows = []
    for row in found["rows"]:
        cells = []
        for what in ("forward", "gradient"):
            size = row.get(f"{what}_size")
            cells.append(_cell(row.get(what)) + ("" if size in (None, row["batch"]) else f" (runs of {size:.0f})"))
        rows.append((row["batch"], row["contestant"], *cells))
    rows.sort(key=lambda row: row[0])
    return table(("batch", "contestant", "forward, M/s", "with gradient, M/s"), rows)


def _network(found: Found) -> str:
    keys = ("batch", "contestant", "forward", "gradient", "first_forward", "first_gradient")
    heads = ("batch", "contestant", "forward, M/s", "with gradient, M/s", "first forward, s", "first gradient, s")
    return table(heads, [[row[key] for key in keys] for row in found["rows"]])


def _flatness(found: Found) -> str:
    keys = ("compartments", "lanes", "recordings", "forward", "gradient", "compile_forward", "compile_gradient")
    heads = ("compartments", "lanes", "recordings", "forward, ns", "with gradient, ns", "compile, s", "compile both, s")
    return table(heads, [[row[key] for key in keys] for row in found["by_size"] + found["by_recordings"]])


def _memory(found: Found) -> str:
    heads = ("steps", "budget, GiB", "seconds", "µs a step", "peak of the process, GiB")
    rows = [
        (r["steps"], r["memory_budget"] / 2**30 or None, r["seconds"], r["microseconds_per_step"], r["peak_GiB"])
        for r in found["rows"]
    ]
    return table(heads, rows)


def _startup(found: Found) -> str:
    heads = ("contestant", "cache", "imports, s", "+ reading and building, s", "+ first gradient, s")
    rows = [
        (row["contestant"], row["cache"], *(row[mark]["processor"] for mark in ("imported", "built", "done")))
        for row in found["rows"]
    ]
    return table(heads, rows)


def _workers(found: Found) -> str:
    keys = ("workers", "steps_per_second", "seconds_per_step", "worker_seconds_per_step", "idle", "others_over_workers")
    heads = ("workers", "steps/s", "s a step", "of the worker's processor", "idle", "others' processor over workers'")
    return table(heads, [[row[key] for key in keys] for row in found["rows"]])


def _end_to_end(found: Found) -> str:
    keys = ("contestant", "dtype", "seeds", "steps", "all_seconds", "loss_difference")
    heads = ("contestant", "precision", "seeds run", "steps", "seconds", "loss at the start, relative to float64")
    return table(heads, [[row[key] for key in keys] for row in found["rows"]])


def _accuracy(found: Found) -> str:
    keys = ("contestant", "scheme", "step", "dtype", "error_ms", "seconds")
    heads = ("contestant", "scheme", "step, ms (cvode: tolerance)", "precision", "error of spikes, ms", "seconds")
    return table(heads, [[row[key] for key in keys] for row in found["rows"]])


TABLES: dict[str, Callable[[Found], str]] = {
    "speed.py": _speed,
    "large_batches.py": _batches,
    "network.py": _network,
    "flatness.py": _flatness,
    "memory.py": _memory,
    "startup.py": _startup,
    "workers.py": _workers,
    "end_to_end.py": _end_to_end,
    "accuracy.py": _accuracy,
}

if __name__ == "__main__":
    sys.exit(main())
