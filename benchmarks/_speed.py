"""What the contestants of speed.py, large_batches.py and network.py share: call, clock and the figures' file."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

DT_MS, CURRENT_NA = 0.025, 1.0
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
    """The arguments of a contestant, as JSON on its command line.

    Attributes:
        batches: sizes to measure, growing.
        sizes: point cells and branched cells, for network.py alone.
        longest_s: a size whose run would take longer is left out, by the figure of the size before it.
    """

    case: str
    morphology: str
    ncomp: int
    batches: list[int]
    repeats: int
    out: str
    t_ms: float = 10.0
    longest_s: float = float("inf")
    sizes: tuple[int, int] = (0, 0)

    @classmethod
    def read(cls) -> Call:
        return cls(**json.loads(sys.argv[1]))

    @property
    def n_steps(self) -> int:
        return round(self.t_ms / DT_MS)


#: From a batch size to what is run with it, by name.
Runs = Callable[[int], dict[str, Callable[[], Any]]]


def measure(call: Call, compartments: int, runs: Runs) -> None:
    """Time the runs of each batch and write a row of figures for each.

    A row has millions of compartment-steps per second, and `first_...`, the seconds of the first call.
    """
    rows: list[dict[str, float]] = []
    for batch in call.batches:
        row: dict[str, float] = {"batch": batch, "compartments": compartments}
        work = compartments * batch * call.n_steps / 1e6
        for what, run in runs(batch).items():
            if rows and work / rows[-1].get(what, 0.0001) > call.longest_s:
                continue
            begun = time.perf_counter()
            run()
            row[f"first_{what}"] = time.perf_counter() - begun
            row[what] = work / median_seconds(run, call.repeats)
        rows.append(row)
        Path(call.out).write_text(json.dumps(rows))


def median_seconds(run: Callable[[], Any], repeats: int) -> float:
    """Seconds of the processor: pinned to one core and with one thread they are the clock's on an idle machine."""
    seconds = []
    for _ in range(repeats):
        begun = time.process_time()
        run()
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds)
