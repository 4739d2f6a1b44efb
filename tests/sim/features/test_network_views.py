"""Views of a network: cells, groups across cells, and synapses (row A2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx


@pytest.fixture
def net() -> Any:
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1, 0])
    cell.branch(0).add_to_group("soma")
    net = rx.Network([cell] * 3)
    net.cell([0, 2]).add_to_group("exc")
    rx.fully_connect(net.cell(0), net.cell("all"), rx.IonotropicSynapse())
    rx.connect(net.cell(1).branch(1).loc(1.0), net.cell(2).branch(1).loc(0.0), rx.GapJunction())
    return net


def test_groups_across_cells(net: Any) -> None:
    assert list(net.exc.soma.nodes["global_comp_index"]) == [0, 1, 8, 9]
    assert net.exc.shape == (2, 4, 8) and net[1, 0, 1].nodes["global_comp_index"].item() == 5
    assert [len(view) for view in net.cells] == [4, 4, 4]
    mask = (net.nodes["global_cell_index"] == 1).to_numpy()
    assert net.select(nodes=mask).soma.shape == (1, 1, 2)
    assert list(net.cell(1).scope("global").branch(3).nodes["global_comp_index"]) == [6, 7]


def test_views_of_synapses(net: Any) -> None:
    net.IonotropicSynapse.edge([1, 2]).set("IonotropicSynapse_gS", 7e-4)
    assert list(net.edges["IonotropicSynapse_gS"])[:3] == [1e-4, 7e-4, 7e-4]
    assert net.GapJunction.edge(0).edges["global_edge_index"].item() == 3
    assert net.edge(3).edges["type"].item() == "GapJunction"
    assert list(net.edge(3).nodes["global_comp_index"]) == [7, 10], "the compartments that it joins"
    assert list(net.cell([1, 2]).edges["type"]) == ["GapJunction"], "those inside the view"
    assert len(net.select(edges=np.array([True, False, True, False])).edges) == 2
    assert net.scope("global").GapJunction.edge(3).synapses == ["GapJunction"]
    with pytest.raises(ValueError, match="no synapses here"):
        rx.Cell().edge(0)
