"""NEURON in speed.py: forward only, float64, one simulation after another (batch is repeated runs of one model)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _speed import CURRENT_NA, DT_MS, Call, measure
from neuron import h


def main() -> None:
    call = Call.read()
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    reader = h.Import3d_SWC_read()
    reader.input(call.morphology)
    h.Import3d_GUI(reader, False).instantiate(None)
    sections = list(h.allsec())
    compartments = 0
    for section in sections:
        section.nseg = call.ncomp
        section.Ra, section.cm = 100.0, 1.0
        section.insert("hh")
        compartments += section.nseg
    clamp = h.IClamp(sections[0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, CURRENT_NA
    recorded = h.Vector().record(sections[0](0.5)._ref_v)
    h.dt = DT_MS

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        def run() -> None:
            for _ in range(batch):
                h.finitialize(-65.0)
                h.continuerun(call.t_ms)
            assert len(recorded) > 1

        return {"forward": run}

    measure(call, compartments, runs)


if __name__ == "__main__":
    main()
