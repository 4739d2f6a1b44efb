"""Speed of simulating and differentiating one cell, beside Jaxley, NEURON and Arbor, each on one core.

    python benchmarks/speed.py [--case hh --ncomp 1] [--batch 1 64] [--repeats 5] [--json FILE] [--plain] [--quick]

Cases: `hh`, Hodgkin-Huxley in all of `morphologies/rat_l5pc_with_axon.swc`; `l5`, the layer-5 mechanisms of the
published fit in its regions (rallax and Jaxley only). float32 (NEURON, Arbor: float64), dt 0.025 ms, 10 ms, 1 nA at the
soma. Every contestant runs in a process of its own, pinned to one core, one after the other; its figure is the median
of the repeats, in millions of compartment-steps per second. `--plain` runs rallax without the settings that it makes
for XLA and the allocator, `--quick` is a smoke test. Without --case and --ncomp all that have bars are run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from _bar import tell
from _contest import cell_file, compete, present, write_figures

Figures = dict[tuple[str, int], dict[str, float]]
CASES = (("hh", 1), ("hh", 4), ("l5", 1))
#: Least ratios rallax / other: (case, ncomp, batch, what, other).
BARS = {
    ("hh", 1, 64, "forward", "jaxley"): 4.0,
    ("hh", 1, 64, "forward", "neuron"): 7.0,
    ("hh", 1, 64, "gradient", "jaxley"): 10.0,
    ("hh", 1, 1, "forward", "jaxley"): 1.5,
    ("hh", 1, 1, "gradient", "jaxley"): 3.0,
    ("hh", 4, 64, "gradient", "jaxley"): 15.0,
    ("l5", 1, 64, "forward", "jaxley"): 4.0,
    ("l5", 1, 64, "gradient", "jaxley"): 5.0,
}
#: The gradient costs at most this many times a forward run.
GRADIENT_OVER_FORWARD = {("hh", 1, 64): 3.5}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", choices=("hh", "l5"))
    parser.add_argument("--ncomp", type=int, default=1)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--quick", action="store_true", help="rallax alone, batch 2, 1 ms, one repeat")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with cell_file() as morphology:
        for case, ncomp in CASES if arguments.case is None else ((arguments.case, arguments.ncomp),):
            call = {"case": case, "morphology": str(morphology), "ncomp": ncomp, "repeats": arguments.repeats}
            batches = arguments.batch
            if arguments.quick:
                call |= {"repeats": 1, "t_ms": 1.0}
                batches = [2]
            others = () if arguments.quick else ("jaxley", "neuron", "arbor") if case == "hh" else ("jaxley",)
            names = present(("rallax", *others))
            found: Figures = {}
            for batch in batches:
                for name in names:
                    one = {**call, "batches": [batch]}
                    found[name, batch] = compete(f"_speed_{name}.py", one, plain=arguments.plain and name == "rallax")[
                        0
                    ]
                    print(f"{case} ncomp {ncomp} {name:8} batch {batch:5}: {_line(found[name, batch])}", flush=True)
                    rows.append({"case": case, "ncomp": ncomp, "contestant": name, **found[name, batch]})
            for batch in batches:
                _judge(found, names, case, ncomp, batch)
    write_figures(arguments.json, "speed.py", {"rows": rows})
    return 0


def _line(figures: dict[str, float]) -> str:
    parts = [f"{what} {figures[what]:7.1f} M/s" for what in ("forward", "gradient") if what in figures]
    parts += [f"first {what} {figures[f'first_{what}']:.1f} s" for what in ("forward", "gradient") if what in figures]
    return ", ".join([f"{figures['compartments']:.0f} compartments", *parts])


def _judge(found: Figures, names: list[str], case: str, ncomp: int, batch: int) -> None:
    ours = found["rallax", batch]
    for other in names:
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
