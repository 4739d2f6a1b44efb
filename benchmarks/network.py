"""A network of 1,000 point cells and 200 five-branch cells, forward and with all weights' gradient, beside Jaxley.

    python benchmarks/network.py [--batch 1 8] [--repeats 5] [--json FILE] [--quick]

Hodgkin-Huxley in 3,000 compartments, ten graded synapses (IonotropicSynapse) a cell, float32, dt 0.025 ms, 20 ms, every
tenth cell driven and recorded. Every weight is differentiated. NEURON's library has no such
synapse, so that it is no contestant. Processes, clocks and figures as in speed.py; the bars are for one network at a
time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import compete, present, write_figures

SIZES, T_MS = (1000, 200), 20.0
#: Least ratios rallax / Jaxley.
BARS = {"forward": 5.0, "gradient": 10.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="rallax alone, ten and four cells, batch 1, 1 ms")
    arguments = parser.parse_args()
    call: dict[str, Any] = {"case": "network", "morphology": "", "ncomp": 1, "repeats": arguments.repeats}
    call |= {"batches": sorted(arguments.batch), "t_ms": T_MS, "sizes": SIZES}
    if arguments.quick:
        call |= {"batches": [1], "t_ms": 1.0, "sizes": (10, 4), "repeats": 1}
    names = present(("rallax",) if arguments.quick else ("rallax", "jaxley"))
    found = {name: compete(f"_network_{name}.py", call) for name in names}
    print(f"{'':8} {'batch':>5} {'forward':>9} {'gradient':>9}   (millions of compartment-steps per second)")
    for name, rows in found.items():
        for row in rows:
            line = f"{name:8} {row['batch']:5} {row['forward']:9.2f} {row['gradient']:9.2f}"
            print(f"{line}   first calls {row['first_forward']:.1f} and {row['first_gradient']:.1f} s", flush=True)
    if "jaxley" in found:
        for ours, theirs in zip(found["rallax"], found["jaxley"], strict=True):
            for what, least in BARS.items():
                ratio = ours[what] / theirs[what]
                bar = f"C5 network, batch {ours['batch']}: {what} / jaxley"
                if ours["batch"] == 1:
                    tell(bar, f"{ratio:.2f}", f">= {least}", ratio >= least)
                else:
                    print(f"{bar}: {ratio:.2f}")
    rows = [{"contestant": name, **row} for name, rows in found.items() for row in rows]
    write_figures(arguments.json, "network.py", {"rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
