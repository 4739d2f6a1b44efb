"""Cylinders with HH against NEURON: same scheme, same step, 50 ms with spikes (specification: 1e-6 mV)."""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, UNEQUAL, neuron_cylinders, neuron_run, neuron_step, spiking

pytestmark = pytest.mark.peers

T_MAX = 50.0
CELLS = {
    "compartment": ((1, 20.0, 10.0, -1),),
    "branch": ((7, 400.0, 2.0, -1),),
    "branched cell": (
        (3, 60.0, 5.0, -1),
        (3, 200.0, 1.0, 0),
        (3, 150.0, 0.8, 0),
        (3, 100.0, 0.5, 1),
        (3, 80.0, 0.5, 1),
    ),
    "unequal ncomp": UNEQUAL,
}


@pytest.mark.parametrize("name", CELLS)
def test_cylinders(name: str) -> None:
    branches = CELLS[name]
    h, sections = neuron_cylinders(branches)
    for section in sections:
        section.insert("hh")
    clamp = neuron_step(h, sections[0](0.5 / branches[0][0]), 1.0, 40.0, 0.6)
    expected = neuron_run(h, -65.0, round(T_MAX / DT), [segment for section in sections for segment in section])
    del clamp

    cell = spiking(branches, t_max=T_MAX)
    cell.delete_stimuli()
    cell.branch(0).comp(0).stimulate(rx.step_current(1.0, 40.0, 0.6, DT, T_MAX))
    cell.record()
    found = np.asarray(rx.integrate(cell, t_max=T_MAX, delta_t=DT))

    assert found.shape == expected.shape
    spikes = np.sum((expected[0, 1:] > 0) & (expected[0, :-1] <= 0))
    assert spikes >= 2
    difference = np.abs(found - expected).max()
    print(f"NEURON, {name}: {difference:.2e} mV, {spikes} spikes")
    assert difference <= 1e-6
