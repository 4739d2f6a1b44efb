"""From nothing to the first gradient: a fresh process that reads a reconstruction of 10,617 points, beside Jaxley.

    python benchmarks/startup.py [--repeats 3] [--json FILE]

Hodgkin-Huxley in all of `morphologies/rat_l5pc_with_axon.swc`, 64 parameter sets, 10 ms, float32: seconds of the whole
process, its imports among them; first without a compilation cache, then with a warm one (JAX's persistent cache, which
workers use). One core, median of the repeats. Needs RALLAX_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from _bar import tell
from _pinned import pinned

HERE = Path(__file__).resolve().parent
BARS = {"cold": 6.0, "warm": 2.5}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    data = Path(os.environ.get("RALLAX_DATA", HERE.parents[1] / "shared/data"))
    morphology = data / "morphologies/rat_l5pc_with_axon.swc"
    if not morphology.is_file():
        print(f"skipped: no {morphology}; set RALLAX_DATA")
        return 0
    rows = []
    for name in ("rallax", "jaxley"):
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        with tempfile.TemporaryDirectory() as cache:
            cold = [_seconds(name, morphology) for _ in range(given.repeats)]
            cached = {
                "JAX_COMPILATION_CACHE_DIR": cache,
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            }
            _seconds(name, morphology, **cached)
            warm = [_seconds(name, morphology, **cached) for _ in range(given.repeats)]
        rows.append({"contestant": name, "cold": statistics.median(cold), "warm": statistics.median(warm)})
        print(
            f"{name:8} without a cache {rows[-1]['cold']:.2f} s, with a warm one {rows[-1]['warm']:.2f} s", flush=True
        )
    for what, most in BARS.items():
        tell(
            f"C start-up to the first gradient, {what}", f"{rows[0][what]:.2f} s", f"<= {most} s", rows[0][what] <= most
        )
    if given.json:
        given.json.write_text(json.dumps({"case": "startup", "rows": rows}, indent=1))
    return 0


def _seconds(name: str, morphology: Path, **variables: str) -> float:
    """Of the benchmark's own gradient run in a process, all of it (one gradient, no repeats)."""
    with tempfile.TemporaryDirectory() as folder:
        script = str(HERE / f"_speed_{name}.py")
        command = [sys.executable, script, "hh", str(morphology), "1", "64", "0", str(Path(folder) / "figures.json")]
        begun = time.perf_counter()
        pinned(command, **variables)
        return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
