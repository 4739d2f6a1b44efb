"""A branched cell whose regions have different layer-5 mechanisms, calcium pools included, against NEURON."""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, layer5, neuron_cylinders, neuron_run, neuron_step
from .mechanisms.neuron_mod import load_mod

pytestmark = pytest.mark.peers

T_MAX = 60.0


def test_layer5_cell() -> None:
    load_mod()
    cell = layer5(t_max=T_MAX)
    cell.delete_stimuli()
    cell.branch(0).comp(0).stimulate(rx.step_current(5.0, 40.0, 0.6, DT, T_MAX))
    for region, mechanism, conductance in (([0, 4], rx.K_Tst(), 0.05), ("all", rx.Ca_LVAst(), 3e-3)):
        cell.branch(region).insert(mechanism)
        cell.branch(region).set(f"{mechanism.name}_gbar", conductance)
    cell.init_states()
    cell.record()

    h, sections = neuron_cylinders()
    table = cell.nodes
    for number, section in enumerate(sections):
        rows = table[table["global_branch_index"] == number]
        for name in cell.mechanisms:
            if rows[name].all():
                section.insert(name)
        for key in ("eNa", "eK"):
            if rows[key].notna().all() and hasattr(section(0.5), key.lower()):
                setattr(section, key.lower(), rows[key].iloc[0])
        for key in table.columns:
            name = next((m for m in cell.mechanisms if key.startswith(f"{m}_")), None)
            if name is not None and rows[name].all() and key in cell.base._mechanisms[name].channel_params:
                setattr(section, f"{key.removeprefix(name + '_')}_{name}", rows[key].iloc[0])
    clamp = neuron_step(h, sections[0](0.5), 5.0, 40.0, 0.6)
    segments = [segment for section in sections for segment in section]
    expected = neuron_run(h, -75.0, round(T_MAX / DT), segments, celsius=34.0)
    del clamp

    found = np.asarray(rx.integrate(cell, t_max=T_MAX, delta_t=DT))
    spikes = int(np.sum((expected[0, 1:] > -10) & (expected[0, :-1] <= -10)))
    difference = np.abs(found - expected).max()
    print(f"NEURON, layer-5 mechanisms on a branched cell: {difference:.1e} mV, {spikes} spikes")
    assert spikes >= 2
    assert difference <= 1e-4
