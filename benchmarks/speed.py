"""Speed of simulating and differentiating one cell, beside Jaxley, NEURON and Arbor, each on one core.

    python benchmarks/speed.py [--case hh] [--ncomp N] [--batch N ...] [--repeats 5] [--json FILE] [--plain]

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
from pathlib import Path

from _bar import tell
from _pinned import pinned

HERE = Path(__file__).resolve().parent
CONTESTANTS = {"rallax": "rallax", "jaxley": "jaxley_mech", "neuron": "neuron", "arbor": "arbor"}
MORPHOLOGIES = {
    "hh": "rat_l5pc_with_axon.swc",
    "l5": "rat_l5pc_with_axon.swc",
    "ca1": "ca1_n120.swc",
}
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
    parser.add_argument("--case", choices=tuple(MORPHOLOGIES), default="hh")
    parser.add_argument("--ncomp", type=int, help="default 1; 6 with ca1")
    parser.add_argument("--batch", type=int, nargs="+", help="default 1 64; 1 10 100 1000 with ca1")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    morphology = Path(os.environ.get("RALLAX_DATA", HERE.parents[1] / "shared/data"))
    morphology = morphology / "morphologies" / MORPHOLOGIES[arguments.case]
    arguments.ncomp = arguments.ncomp or (6 if arguments.case == "ca1" else 1)
    arguments.batch = arguments.batch or ([1, 10, 100, 1000] if arguments.case == "ca1" else [1, 64])
    if not morphology.is_file():
        print(f"skipped: no {morphology}; set RALLAX_DATA")
        return 0
    present = [name for name, package in CONTESTANTS.items() if importlib.util.find_spec(package) is not None]
    if arguments.case == "l5":
        # The layer-5 mechanisms of these are files to be compiled first.
        present = [name for name in present if name not in ("neuron", "arbor")]
    found = {}
    for batch in arguments.batch:
        for name in present:
            found[name, batch] = _run(name, arguments, morphology, batch)
            print(f"{name:8} batch {batch:5}: {_line(found[name, batch])}", flush=True)
    for batch in arguments.batch:
        _judge(found, present, arguments.case, arguments.ncomp, batch)
    if arguments.json:
        rows = [{"contestant": name, "batch": batch, **figures} for (name, batch), figures in found.items()]
        arguments.json.write_text(
            json.dumps({"case": arguments.case, "ncomp": arguments.ncomp, "rows": rows}, indent=1)
        )
    return 0


def _run(name: str, arguments: argparse.Namespace, morphology: Path, batch: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / f"_speed_{name}.py"), arguments.case, str(morphology)]
        command += [str(arguments.ncomp), str(batch), str(arguments.repeats), str(out)]
        pinned(command, plain=arguments.plain and name == "rallax")
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
