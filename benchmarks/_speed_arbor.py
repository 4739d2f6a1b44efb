"""Arbor in speed.py and large_batches.py: forward only, float64; a batch is so many cells in one simulation.

All cells are in one cell group, which is how Arbor fills its vectors; its `hh` and NEURON's are the same equations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import arbor
from _speed import CURRENT_NA, DT_MS, Call, measure
from arbor import units


class Cells(arbor.recipe):
    """Copies of one cell, with sodium conductances from 0.9 to 1.1 times the squid's."""

    def __init__(self, call: Call, batch: int) -> None:
        super().__init__()
        self.call, self.batch = call, batch
        self.morphology = arbor.load_swc_neuron(call.morphology).morphology
        self.properties = arbor.neuron_cable_properties()

    def num_cells(self) -> int:
        return self.batch

    def cell_kind(self, gid: int) -> Any:
        return arbor.cell_kind.cable

    def global_properties(self, kind: Any) -> Any:
        return self.properties

    def probes(self, gid: int) -> list[Any]:
        return [arbor.cable_probe_membrane_voltage("(location 0 0.5)", "v")]

    def cell_description(self, gid: int) -> Any:
        scale = 0.9 + 0.2 * gid / max(1, self.batch - 1)
        decor = arbor.decor()
        resistivity, temperature = 100.0 * units.Ohm * units.cm, 279.45 * units.Kelvin
        decor.set_property(Vm=-65.0 * units.mV, cm=0.01 * units.F / units.m2, rL=resistivity, tempK=temperature)
        decor.paint("(all)", arbor.density("hh", {"gnabar": 0.12 * scale}))
        clamp = arbor.i_clamp(0.0 * units.ms, self.call.t_ms * units.ms, CURRENT_NA * units.nA)
        decor.place("(location 0 0.5)", clamp)
        return arbor.cable_cell(
            self.morphology, decor, discretization=arbor.cv_policy_fixed_per_branch(self.call.ncomp)
        )


def main() -> None:
    call = Call.read()
    cells = arbor.cv_data(Cells(call, 1).cell_description(0))
    # At forks it has volumes of no length and no area beside those asked for: they are not counted as compartments.
    compartments = sum(any(c.prox < c.dist for c in cells.cables(i)) for i in range(cells.num_cv))

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        recipe = Cells(call, batch)
        context = arbor.context(threads=1)
        hints = {arbor.cell_kind.cable: arbor.partition_hint(cpu_group_size=batch)}
        simulation = arbor.simulation(recipe, context, arbor.partition_load_balance(recipe, context, hints))
        handle = simulation.sample((0, "v"), arbor.regular_schedule(DT_MS * units.ms))

        def run() -> None:
            simulation.reset()
            simulation.run(call.t_ms * units.ms, DT_MS * units.ms)
            assert len(simulation.samples(handle)[0][0]) > 1

        return {"forward": run}

    measure(call, compartments, runs)


if __name__ == "__main__":
    main()
