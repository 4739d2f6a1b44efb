"""Speed of simulating and differentiating one cell, beside Jaxley, NEURON and Arbor, each on one core.

    python benchmarks/speed.py [--case hh [--ncomp 1] [--batch 1 64]] [--repeats 5] [--json FILE] [--plain]

Cases: `hh`, Hodgkin-Huxley in all of `morphologies/rat_l5pc_with_axon.swc`, 10 ms; `l5`, the layer-5 mechanisms of the
published fit in its regions, the same otherwise; `ca1`, Hodgkin-Huxley in `morphologies/ca1_n120.swc` (936 pieces)
for 20 ms. float32 (NEURON, Arbor: float64), dt 0.025 ms, 1 nA at the soma. Every contestant runs in a process of its
own, pinned to one core, one after the other; its figure is the median of the repeats, in millions of compartment-steps
per second. A batch that a contestant takes in parts is timed by one part. `--plain` runs rallax without the settings
that it makes for XLA and the allocator. Needs RALLAX_DATA or ../shared/data; peers are left out where they are not
installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _bar import tell
from _pinned import pinned

HERE = Path(__file__).resolve().parent
CONTESTANTS = {"rallax": "rallax", "jaxley": "jaxley_mech", "neuron": "neuron", "arbor": "arbor"}
MORPHOLOGIES = {
    "hh": "rat_l5pc_with_axon.swc",
    "l5": "rat_l5pc_with_axon.swc",
    "ca1": "ca1_n120.swc",
}
#: (case, ncomp, batches) of a run without arguments.
STANDARD = (
    ("hh", 1, (1, 64)),
    ("hh", 4, (64,)),
    ("l5", 1, (64,)),
    ("ca1", 6, (1, 10, 100, 1000)),
)
#: Least ratios rallax / other: (case, ncomp, batch, what, other).
BARS = {
    ("hh", 1, 64, "forward", "jaxley"): 4.0,
    ("hh", 1, 64, "forward", "neuron"): 7.0,
    ("hh", 1, 64, "gradient", "jaxley"): 10.0,
    ("hh", 1, 1, "forward", "jaxley"): 1.5,
    ("hh", 1, 1, "gradient", "jaxley"): 3.0,
    ("hh", 4, 64, "gradient", "jaxley"): 15.0,
    ("ca1", 6, 1000, "forward", "jaxley"): 4.0,
    ("ca1", 6, 1000, "forward", "neuron"): 8.0,
    ("l5", 1, 64, "forward", "jaxley"): 4.0,
    ("l5", 1, 64, "gradient", "jaxley"): 5.0,
}
#: The gradient costs at most this many times a forward run.
GRADIENT_OVER_FORWARD = {("hh", 1, 64): 3.5}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=tuple(MORPHOLOGIES), help="without it the cases of `STANDARD`")
    parser.add_argument("--ncomp", type=int, default=1)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    cases = [(arguments.case, arguments.ncomp, arguments.batch)] if arguments.case else STANDARD
    results = [result for case in cases if (result := _case(arguments, *case)) is not None]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    return 0


def _case(arguments: argparse.Namespace, case: str, ncomp: int, batches: Sequence[int]) -> dict[str, Any] | None:
    """Run and judge all contestants of a case; the figures, None without its reconstruction."""
    morphology = Path(os.environ.get("RALLAX_DATA", HERE.parents[1] / "shared/data"))
    morphology = morphology / "morphologies" / MORPHOLOGIES[case]
    if not morphology.is_file():
        print(f"{case} skipped: no {morphology}; set RALLAX_DATA")
        return None
    present = [name for name, package in CONTESTANTS.items() if importlib.util.find_spec(package) is not None]
    if case == "l5":
        # The layer-5 mechanisms of these are files to be compiled first.
        present = [name for name in present if name not in ("neuron", "arbor")]
    print(f"{case}, ncomp {ncomp}", flush=True)
    found = {}
    for batch in batches:
        for name in present:
            call = [case, str(morphology), str(ncomp), str(batch), str(arguments.repeats)]
            found[name, batch] = _run(name, call, arguments.plain and name == "rallax")
            print(f"{name:8} batch {batch:5}: {_line(found[name, batch])}", flush=True)
    for batch in batches:
        _judge(found, present, case, ncomp, batch)
    rows = [{"contestant": name, "batch": batch, **figures} for (name, batch), figures in found.items()]
    return {"case": case, "ncomp": ncomp, "rows": rows}


def _run(name: str, call: Sequence[str], plain: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        pinned([sys.executable, str(HERE / f"_speed_{name}.py"), *call, str(out)], plain=plain)
        return json.loads(out.read_text())


def _line(figures: dict[str, float]) -> str:
    parts = [f"{what} {figures[what]:7.1f} M/s" for what in ("forward", "gradient") if what in figures]
    parts += [f"first {what} {figures[f'first_{what}']:.1f} s" for what in ("forward", "gradient") if what in figures]
    return ", ".join([f"{figures['compartments']:.0f} compartments", *parts])


def _judge(found: dict, present: list[str], case: str, ncomp: int, batch: int) -> None:
    ours = found["rallax", batch]
    for other in present:
        for what in ("forward", "gradient"):
            if other == "rallax" or what not in found[other, batch]:
                continue
            ratio = ours[what] / found[other, batch][what]
            least = BARS.get((case, ncomp, batch, what, other))
            bar = f"C {case} ncomp {ncomp} batch {batch}: {what} / {other}"
            if least is None:
                print(f"{bar}: {ratio:.2f}")
            else:
                tell(bar, f"{ratio:.2f}", f">= {least}", ratio >= least)
    cost = ours["forward"] / ours["gradient"]
    most = GRADIENT_OVER_FORWARD.get((case, ncomp, batch))
    if most is not None:
        tell(f"C {case} ncomp {ncomp} batch {batch}: gradient over forward", f"{cost:.2f}", f"<= {most}", cost <= most)


if __name__ == "__main__":
    sys.exit(main())
