"""NEURON in accuracy.py: fixed steps of second order (secondorder = 2), or CVODE, whose step is then the tolerance.

One simulation is timed and counted as often as there are lanes. Gates come from their formulas, not from tables.
"""

from __future__ import annotations

import numpy as np
from _axon import CURRENT_NA, LENGTH_UM, NCOMP, RADIUS_UM, Call
from _speed import median_seconds
from neuron import h


def main() -> None:
    call = Call.read()
    h.load_file("stdrun.hoc")
    axon = h.Section(name="axon")
    axon.L, axon.diam, axon.nseg = LENGTH_UM * NCOMP, 2 * RADIUS_UM, NCOMP
    axon.Ra, axon.cm = 100.0, 1.0
    axon.insert("hh")
    h.usetable_hh = 0
    h.celsius = 6.3
    clamp = h.IClamp(axon(0.5 / NCOMP))
    clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, CURRENT_NA
    far = axon(1 - 0.5 / NCOMP)

    def measured(scheme: str, step: float) -> tuple[np.ndarray, np.ndarray, float]:
        variable = scheme == "cvode"
        h.cvode_active(int(variable))
        if variable:
            h.cvode.atol(step)
        else:
            h.secondorder = {"crank_nicolson": 2, "bwd_euler": 0}[scheme]
            h.dt, h.steps_per_ms = step, 1.0 / step
        voltage, times = h.Vector().record(far._ref_v), h.Vector().record(h._ref_t)

        def run() -> None:
            h.finitialize(-65.0)
            h.continuerun(call.t_ms)

        run()
        return np.array(times), np.array(voltage), call.lanes * median_seconds(run, call.repeats)

    call.tell(measured)


if __name__ == "__main__":
    main()
