"""Arbor in speed.py: forward only, float64, all simulations of a batch as cells of one model, one thread."""

from __future__ import annotations

import arbor
from _speed import CURRENT_NA, DT_MS, Call, measure
from arbor import units as U


class Cells(arbor.recipe):
    """`batch` equal cells without connections."""

    def __init__(self, morphology: str, ncomp: int, batch: int) -> None:
        super().__init__()
        self._batch = batch
        self._properties = arbor.neuron_cable_properties()
        self._morphology = arbor.load_swc_neuron(morphology).morphology
        self._policy = arbor.cv_policy_fixed_per_branch(ncomp)
        self._decor = (
            arbor.decor()
            .set_property(Vm=-65.0 * U.mV, rL=100.0 * U.Ohm * U.cm, cm=0.01 * U.F / U.m2)
            .paint("(all)", arbor.density("hh"))
            .place("(location 0 0.5)", arbor.i_clamp(CURRENT_NA * U.nA))
        )

    def num_cells(self) -> int:
        return self._batch

    def cell_kind(self, gid: int) -> arbor.cell_kind:
        return arbor.cell_kind.cable

    def cell_description(self, gid: int) -> arbor.cable_cell:
        return arbor.cable_cell(self._morphology, self._decor, arbor.label_dict(), self._policy)

    def global_properties(self, kind: arbor.cell_kind) -> object:
        return self._properties

    @property
    def compartments(self) -> int:
        """Control volumes of a cell."""
        return arbor.cv_data(self.cell_description(0)).num_cv


def main() -> None:
    call = Call.read()
    batch = min(call.batch, 64)
    cells = Cells(call.morphology, call.ncomp, batch)
    simulation = arbor.simulation(cells, arbor.context(threads=1))

    def run() -> None:
        simulation.reset()
        simulation.run(call.t_max * U.ms, DT_MS * U.ms)

    measure(call, cells.compartments, {"forward": run}, batch)


if __name__ == "__main__":
    main()
