"""What a network says of itself: its name, the table of `show`, properties of compartments beside synapses."""

from __future__ import annotations

from typing import Any

import pytest

import rallax.sim as rx


@pytest.fixture
def net() -> Any:
    net = rx.Network([rx.Cell(rx.Branch(rx.Compartment(), 2))] * 3)
    rx.fully_connect(net.cell([0, 1]), net.cell(2), rx.IonotropicSynapse())
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(0).branch(0).comp(1), rx.TanhRateSynapse())
    return net


def test_repr_counts_synapses(net: Any) -> None:
    assert repr(net) == "Network with 3 cells, 3 branches, 6 comps, 3 synapses. Run `.nodes` for details."
    assert repr(net.cell(0)) == "View with 1 branch, 2 comps, 1 synapse. Run `.nodes` for details."
    assert "0 synapses" in repr(rx.Network([rx.Cell()])) and "synapse" not in repr(rx.Cell())


def test_show_counts_synapses(net: Any) -> None:
    table = net.show("v")
    assert list(table["synapses_out"]) == [2, 0, 1, 0, 0, 0] and list(table["synapses_in"]) == [0, 1, 0, 0, 2, 0]
    assert list(net.cell(0).show("v")["synapses_out"]) == [1, 0], "those inside the view"
    assert "synapses_out" not in net.show(indices=False) and "synapses_out" not in rx.Cell().show()


def test_properties_of_both_sides(net: Any) -> None:
    net.cell(1).set("radius", 3.0)
    net.copy_node_property_to_edges("radius")
    net.copy_node_property_to_edges(["global_cell_index"], "post")
    assert list(net.edges["pre_radius"]) == [1.0, 3.0, 1.0] and list(net.edges["post_radius"]) == [1.0, 1.0, 1.0]
    assert list(net.edges["post_global_cell_index"]) == [2, 2, 0] and "pre_global_cell_index" not in net.edges
    net.select(edges=net.edges["pre_radius"] > 2.0).set("IonotropicSynapse_gS", 5.0)
    assert list(net.edges["IonotropicSynapse_gS"].dropna()) == [1e-4, 5.0]
    with pytest.raises(ValueError, match="no such column"):
        net.copy_node_property_to_edges("radios")
    with pytest.raises(ValueError, match='"pre", "post" or both'):
        net.copy_node_property_to_edges("radius", "both")
