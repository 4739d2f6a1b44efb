"""The tutorial fit of a layer-5 cell from start to end, beside Jaxley: ten seeds, ten steps, all of the process.

    python benchmarks/l5pc_end_to_end.py [--seeds 10] [--steps 10] [--json FILE]

The same as l5pc_synthetic.py (which shows that both compute the same), each contestant its own way: rallax all seeds
side by side in float32, Jaxley one seed after another in float32 where its loss at the starts is within 0.1 % of
float64, else in float64. Imports, building, compiling and the targets count. One core each, one after the other.
Needs RALLAX_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _bar import tell
from _pinned import pinned

HERE = Path(__file__).resolve().parent
LEAST, WITHIN = 5.0, 1e-3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    data = Path(os.environ.get("RALLAX_DATA", HERE.parents[1] / "shared/data"))
    morphology = data / "morphologies/rat_l5pc_with_axon.swc"
    if not morphology.is_file():
        print(f"skipped: no {morphology}; set RALLAX_DATA")
        return 0

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def compete(contestant: str, precision: str, lanes: int, steps: int) -> tuple[float, np.ndarray]:
            """Seconds of the process, and the losses at the starts."""
            command = [sys.executable, str(HERE / "l5pc_synthetic.py"), "--contestant", contestant]
            command += ["--folder", str(folder), "--morphology", str(morphology), "--seeds", str(given.seeds)]
            command += ["--steps", str(steps), "--lanes", str(lanes), "--precision", precision]
            begun = time.perf_counter()
            pinned(command)
            seconds = time.perf_counter() - begun
            with np.load(folder / f"{contestant}.npz") as found:
                losses = found["losses"][0]
            print(f"{contestant:8} {precision}, {lanes:2} seeds at once, {steps:2} steps: {seconds:.1f} s", flush=True)
            return seconds, losses

        _, exact = compete("rallax", "float64", given.seeds, 1)
        ours, losses = compete("rallax", "float32", given.seeds, given.steps)
        off = float(np.max(np.abs(losses / exact - 1.0)))
        tell("C layer-5 fit: float32 loss at the starts off float64", f"{off:.1e}", f"<= {WITHIN}", off <= WITHIN)
        rows = [{"contestant": "rallax", "precision": "float32", "seconds": ours, "off": off}]
        if importlib.util.find_spec("jaxley_mech") is None:
            print("jaxley: not installed")
        else:
            theirs, losses = compete("jaxley", "float32", 1, given.steps)
            off, precision = float(np.max(np.abs(losses / exact - 1.0))), "float32"
            print(f"jaxley's float32 loss at the starts is {off:.1e} off")
            if not off <= WITHIN:
                theirs, _ = compete("jaxley", "float64", 1, given.steps)
                precision = "float64"
            rows.append({"contestant": "jaxley", "precision": precision, "seconds": theirs, "off": off})
            ratio = theirs / ours
            tell("C layer-5 fit from start to end: jaxley over rallax", f"{ratio:.1f}", f">= {LEAST}", ratio >= LEAST)
    if given.json:
        given.json.write_text(json.dumps({"case": "l5pc end to end", "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
