"""What a view of synapses deletes is of these synapses; the compartments that they join keep theirs."""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx


def test_a_view_of_synapses_deletes_nothing_of_compartments() -> None:
    cell = rx.Cell(rx.Branch(rx.Compartment(), 1), parents=[-1])
    net = rx.Network([cell, cell])
    net.insert(rx.HH())
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
    synapse = net.IonotropicSynapse.edge(0)
    net.cell(0).record("v")
    synapse.record("IonotropicSynapse_s")
    net.make_trainable("HH_gNa")
    synapse.make_trainable("IonotropicSynapse_gS")
    net.cell(1).clamp("v", np.full(4, -60.0))
    synapse.clamp("IonotropicSynapse_s", np.full(4, 0.1))

    for delete in (synapse.delete_recordings, synapse.delete_trainables, synapse.delete_clamps):
        delete()
    assert list(net.recordings["state"]) == ["v"]
    assert [list(entry) for entry in net.get_parameters()] == [["HH_gNa"]]
    assert set(net.externals) == {"v"}
    with pytest.raises(ValueError, match="synapses have no stimuli; select compartments"):
        synapse.delete_stimuli()
    net.delete_recordings()
    net.delete_trainables()
    net.delete_clamps()
    assert not len(net.recordings) and not net.get_parameters() and not net.externals
