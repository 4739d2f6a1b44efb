"""What the contestants of speed.py share: the case, the clock and the figures' file."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

DT_MS, CURRENT_NA = 0.025, 1.0
#: ms of each case.
DURATIONS_MS = {"hh": 10.0, "l5": 10.0, "ca1": 20.0}
#: Mechanisms by region of the thick-tufted layer-5 fit.
EVERYWHERE = ("Ca_HVA", "Ca_LVAst")
REGIONS = {
    "soma": (*EVERYWHERE, "SKv3_1", "K_Pst", "K_Tst", "NaTs2_t", "Ih"),
    "axon": (*EVERYWHERE, "SKv3_1", "K_Pst", "K_Tst", "NaTa_t", "Nap_Et2"),
    "basal": (*EVERYWHERE, "Ih"),
    "apical": (*EVERYWHERE, "NaTs2_t", "SKv3_1", "Ih"),
}
#: Conductances of mechanisms, S/cm^2; one of every mechanism is differentiated.
GBAR = {
    "Ca_HVA": 1e-4, "Ca_LVAst": 1e-3, "SKv3_1": 0.3, "K_Pst": 0.1, "K_Tst": 0.05,
    "NaTs2_t": 0.5, "NaTa_t": 1.5, "Nap_Et2": 5e-3, "Ih": 1e-4,
}  # fmt: skip


class Call(NamedTuple):
    """The arguments of a contestant."""

    case: str
    morphology: str
    ncomp: int
    batch: int
    repeats: int
    out: Path

    @classmethod
    def read(cls) -> Call:
        case, morphology, ncomp, batch, repeats, out = sys.argv[1:]
        return cls(case, morphology, int(ncomp), int(batch), int(repeats), Path(out))

    @property
    def t_max(self) -> float:
        """ms."""
        return DURATIONS_MS[self.case]

    @property
    def n_steps(self) -> int:
        return round(self.t_max / DT_MS)

    @property
    def is_hh(self) -> bool:
        """Hodgkin-Huxley everywhere; otherwise the layer-5 mechanisms in their regions."""
        return self.case != "l5"


def measure(call: Call, compartments: int, runs: dict[str, Callable[[], Any]], batch: int | None = None) -> None:
    """Time each run and write millions of compartment-steps per second, and the seconds of the first call.

    With 0 repeats only the gradient is run, once. `batch`: how many simulations a run makes, where a contestant takes
    fewer at once than the call asks for.
    """
    figures: dict[str, float] = {"compartments": compartments}
    for what, run in runs.items():
        if not call.repeats and what != "gradient":
            continue
        begun = time.perf_counter()
        run()
        figures[f"first_{what}"] = time.perf_counter() - begun
        if not call.repeats:
            continue
        seconds = []
        for _ in range(call.repeats):
            # Time of the process: pinned to one core and with one thread it is that of the clock on an idle machine.
            begun = time.process_time()
            run()
            seconds.append(time.process_time() - begun)
        figures[what] = compartments * (batch or call.batch) * call.n_steps / statistics.median(seconds) / 1e6
    call.out.write_text(json.dumps(figures))
