"""Modules as graphs and back: equal tables and traces, changed graphs, Jaxley's graphs."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rallax.sim as rx

from .cells import cylinders, layer5
from .test_places import TREE


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    pd.testing.assert_frame_equal(one._nodes, other._nodes)
    pd.testing.assert_frame_equal(one._branches, other._branches)
    pd.testing.assert_frame_equal(one.rec_info, other.rec_info)
    pd.testing.assert_frame_equal(one._edges, other._edges)
    assert one.groups == other.groups and one._mechanisms == other._mechanisms
    assert list(one._synapses.items()) == list(other._synapses.items()) and one._diffusing == other._diffusing
    assert list(one._mechanisms) == list(other._mechanisms)
    for a, b in zip(one.xyzr, other.xyzr, strict=True):
        np.testing.assert_array_equal(a, b)
    for kind in one.externals:
        np.testing.assert_array_equal(one.externals[kind], other.externals[kind])
        np.testing.assert_array_equal(one.external_inds[kind], other.external_inds[kind])
    for t, u in zip(one._trainables, other._trainables, strict=True):
        assert t.key == u.key
        for a, b in ((t.rows, u.rows), (t.group, u.group), (t.initial, u.initial)):
            np.testing.assert_array_equal(a, b)


@st.composite
def _cells(draw: st.DrawFn) -> Any:
    """Random trees of branches of 1 to 3 compartments, with places of all kinds, mechanisms and a group."""
    n = draw(st.integers(1, 8))
    comp = rx.Compartment()
    parents = [-1] + [draw(st.integers(0, i - 1)) for i in range(1, n)]
    cell = rx.Cell([rx.Branch(comp, draw(st.integers(1, 3))) for _ in range(n)], parents)
    cell._branches["parent_loc"] = [1.0] + [draw(st.sampled_from([0.0, 0.5, 1.0])) for _ in range(1, n)]
    cell.set("radius", np.linspace(0.5, 2.0, len(cell)))
    cell.branch(draw(st.integers(0, n - 1))).insert(rx.pas())
    cell.branch(draw(st.integers(0, n - 1))).add_to_group("some")
    return cell


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cell=_cells())
def test_round_trip_of_random_trees(cell: Any) -> None:
    assert_equal(rx.from_graph(rx.to_graph(cell)), cell)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cell=_cells())
def test_the_edges_alone_tell_the_tree(cell: Any) -> None:
    """Without the branch table the same ends meet, whatever branch is called whose parent."""
    graph = rx.to_graph(cell)
    del graph.graph["branches"]
    found = rx.from_graph(graph)
    rows = {(round(r, 9), k) for k, r in enumerate(found.nodes["radius"])}
    assert len(rows) == len(cell)
    place = np.argsort(np.argsort(found.nodes["radius"].to_numpy()))  # found row -> row of the cell, by radius

    def joints(one: Any, name: Any) -> set[Any]:
        return {(frozenset((name(c), s) for c, s in j.ends), name(j.at) if j.at >= 0 else -1) for j in one._joints}

    assert joints(found, lambda c: int(place[c])) == joints(cell, int)


def test_round_trip_with_everything(tmp_path: Path) -> None:
    cell = layer5(t_max=1.0)
    cell.branch(4).record("CaCon_i")
    cell.record()
    cell.branch("all").make_trainable("pas_g")
    cell.branch(1).stimulate(np.ones(7))
    graph = pickle.loads(pickle.dumps(rx.to_graph(cell)))
    again = rx.from_graph(graph)
    assert_equal(again, cell)
    np.testing.assert_array_equal(rx.integrate(again), rx.integrate(cell))
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    read = rx.read_swc(path, ncomp=2)
    assert_equal(rx.from_graph(rx.to_graph(read)), read)
    for module in (rx.Compartment(), rx.Branch(rx.Compartment(), 3)):
        assert_equal(rx.from_graph(rx.to_graph(module)), module)


def diffusing() -> Any:
    """Three branches of unequal ncomp; calcium is pumped and diffuses in the last two."""
    cell = rx.Cell([rx.Branch(rx.Compartment(), n) for n in (1, 3, 2)], parents=[-1, 0, 0])
    cell.branch([1, 2]).insert(rx.CaPump())
    cell.branch([1, 2]).diffuse("CaCon_i")
    cell.branch(1).set("axial_diffusion_CaCon_i", 0.5)
    return cell


def network() -> Any:
    """Cells of three kinds; two types of synapse and a gap junction, also between neighbours; signals on synapses."""
    net = rx.Network([diffusing(), diffusing(), rx.Cell(rx.Branch(rx.Compartment(), 2)), cylinders()])
    net.cell([2, 3]).insert(rx.HH())
    net.cell(3).branch(1).add_to_group("some")
    a, b, c = net.cell(0).branch(1).loc(0.1), net.cell(2).branch(0).loc(1.0), net.cell(3).branch(3).loc(0.7)
    rx.connect(a, b, rx.IonotropicSynapse())
    rx.connect(b, c, rx.GapJunction())
    rx.connect(a, c, rx.IonotropicSynapse().change_name("slow"))
    rx.connect(net.cell(0).branch(1).loc(0.5), a, rx.IonotropicSynapse())
    rx.connect(a, b, rx.IonotropicSynapse())
    net.IonotropicSynapse.edge([1, 2]).set("IonotropicSynapse_gS", [2e-4, 3e-4])
    net.IonotropicSynapse.edge(2).record("IonotropicSynapse_s")
    net.slow.edge(0).record("i_slow")
    a.record("CaCon_i")
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    net.slow.clamp("slow_s", np.linspace(0.0, 1.0, 20))
    net.cell(0).branch(0).comp(0).stimulate(np.full(20, 0.1))
    return net


def test_round_trip_of_a_network() -> None:
    net = network()
    graph = pickle.loads(pickle.dumps(rx.to_graph(net)))
    assert isinstance(graph, nx.MultiDiGraph)
    again = rx.from_graph(graph)
    assert_equal(again, net)
    assert_equal(pickle.loads(pickle.dumps(net)), net)
    assert_equal(net.copy(), net)
    np.testing.assert_array_equal(rx.integrate(again), rx.integrate(net))
    bare = rx.to_graph(rx.Network([diffusing(), diffusing()]), synapses=False)
    assert not rx.from_graph(bare).synapses
    with pytest.raises(ValueError, match=r"IonotropicSynapse_s is recorded.*leave synapses=True"):
        rx.to_graph(net, synapses=False)
    with pytest.raises(ValueError, match="CaCon_i is recorded, clamped or trainable, or diffuses; leave channels=True"):
        rx.to_graph(diffusing(), channels=False)


def test_a_network_without_one_of_its_cells() -> None:
    """Synapses that ended there are gone, the others and what refers to them are numbered anew."""
    net = network()
    net.slow.delete_recordings()
    net.slow.delete_clamps()
    net.delete_trainables()
    net.cell(1).branch(1).comp(2).record("CaCon_i")
    graph = rx.to_graph(net)
    graph.remove_nodes_from(np.flatnonzero(net.nodes["global_cell_index"] == 3).tolist())
    graph.remove_nodes_from([n for n in list(graph) if graph.nodes[n]["type"] == "branchpoint" and not graph.degree(n)])
    found = rx.from_graph(graph)
    assert found.shape[0] == 3 and found.synapses == ["IonotropicSynapse"] and list(found._synapses) == found.synapses
    assert list(found.edges["global_edge_index"]) == [0, 1, 2] == list(found.edges["index_within_type"])
    assert list(found.edges["IonotropicSynapse_gS"]) == [1e-4, 2e-4, 3e-4] and set(found.edges["type_ind"]) == {0}
    assert found.rec_info.to_numpy().tolist() == [[2, "IonotropicSynapse_s"], [1, "CaCon_i"], [9, "CaCon_i"]]
    assert np.isfinite(rx.integrate(found)).all()


def test_diffusion_stays() -> None:
    """Through composition, surgery and another number of compartments."""
    cell = diffusing()
    net = rx.Network([rx.Cell(), cell])
    key = "axial_diffusion_CaCon_i"
    expected = [0.0, 0.5, 0.5, 0.5, 1.0, 1.0]
    assert list(cell.nodes[key]) == expected and list(net.nodes[key]) == [0.0, *expected]
    assert net._diffusing == ["CaCon_i"]
    smaller = rx.morph_delete(cell.branch(2))
    assert list(smaller.nodes[key]) == expected[:4] and smaller._diffusing == ["CaCon_i"]
    without = rx.morph_delete(cell.branch([1, 2]))
    assert key not in without.nodes and not without._diffusing and not without.mechanisms
    joined = rx.morph_connect(rx.Cell().branch(0).loc(1.0), smaller.branch(1).loc(1.0))
    assert sorted(joined.nodes[key]) == [0.0, 0.0, 0.5, 0.5, 0.5] and joined._diffusing == ["CaCon_i"]
    cell.branch(1).set_ncomp(2)
    assert list(cell.nodes[key]) == [0.0, 0.5, 0.5, 1.0, 1.0]


def test_synapses_turn_with_their_branch() -> None:
    """A branch of the network that the edges of its graph turn keeps its synapses where they were."""
    net = rx.Network([rx.Cell(rx.Branch(rx.Compartment(), 3), parents=[-1, 0]), rx.Cell()])
    rx.connect(net.cell(1), net.cell(0).branch(1).loc(0.1), rx.TanhRateSynapse())
    net.cell(0).branch(1).loc(0.1).set("radius", 2.0)
    graph = rx.to_graph(net)
    graph.remove_edge(2, 3)
    graph.add_edge(2, 5, ends=("out", "out"))
    edge = rx.from_graph(graph).edges.iloc[0]
    assert (edge["post_index"], edge["post_locs"]) == (5, 2.5 / 3)


def test_what_a_graph_looks_like() -> None:
    cell = cylinders()
    cell.branch(0).insert(rx.HH())
    graph = rx.to_graph(cell)
    assert isinstance(graph, nx.DiGraph) and nx.is_tree(graph.to_undirected())
    assert [graph.nodes[n]["type"] for n in (0, 14, 15, 16)] == ["comp", "comp", "branchpoint", "branchpoint"]
    assert graph.nodes[5]["branch_index"] == 2 and graph.nodes[5]["comp_index"] == 5
    assert graph.nodes[0]["HH"] is True and graph.nodes[0]["HH_gNa"] == 0.12 and np.isnan(graph.nodes[1]["HH_gNa"])
    assert set(graph.successors(15)) == {1, 13} and list(graph.predecessors(15)) == [0]
    assert graph.graph["channels"] == [rx.HH()]
    plain = rx.to_graph(cell, channels=False)
    assert "HH" not in plain.nodes[0] and rx.from_graph(plain).mechanisms == []


def test_a_changed_graph() -> None:
    """A branch taken off, another joined on by its far end: the rest is found from the edges."""
    graph = rx.to_graph(cylinders())
    graph.remove_nodes_from([5, 6, 7])
    smaller = rx.from_graph(graph)
    assert smaller.shape == (4, 12) and list(smaller._branches["parent"]) == [-1, 0, 1, 0]
    extra = rx.to_graph(rx.Cell(rx.Branch(rx.Compartment(), 2)))
    nodes = {100 + n: data for n, data in extra.nodes(data=True)}
    graph.add_nodes_from((n, {**d, "branch_index": 9, "comp_index": 90 + n}) for n, d in nodes.items())
    graph.nodes[100]["radius"] = 3.0
    graph.add_edge(100, 101)
    graph.add_edge(0, 101, ends=("in", "out"))
    larger = rx.from_graph(graph)
    assert larger.shape == (5, 14) and list(larger.branch(4).nodes["radius"]) == [1.0, 3.0]
    assert (larger._branches["parent"][4], larger._branches["parent_loc"][4]) == (0, 0.0)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda g: g.remove_edge(1, 2), "compartments 1 and 2 of one branch have no edge"),
        (lambda g: g.remove_node(15), "no edge leads from branch 0 to branch 1"),
        (lambda g: g.nodes[3].pop("branch_index"), "node 3 has no 'branch_index'"),
        (lambda g: g.nodes[3].pop("length"), "needs a length"),
        (lambda g: g.add_edge(0, 14, ends=("in", "out")), "a loop"),
        (lambda g: g.graph.update(type="organ"), "branch, cell, compartment"),
        (lambda g: g.graph.update(channels=[rx.HH()]), "no 'HH', which HH needs"),
        (lambda g: g.graph.update(channels=[object()]), "no mechanism is called 'object'"),
        (lambda g: g.remove_nodes_from(list(g)), "no compartments"),
        (lambda g: g.add_edge(0, 1, type="synapse", syn_type="s"), "synapses are part of networks"),
    ],
)
def test_errors(change: Any, pattern: str) -> None:
    graph = rx.to_graph(cylinders())
    change(graph)
    with pytest.raises(ValueError, match=pattern) as caught:
        rx.from_graph(graph)
    assert "\n" not in str(caught.value)


def test_what_does_not_go_into_a_graph() -> None:
    cell = cylinders()
    with pytest.raises(ValueError, match=r"to_graph\(view.base\)"):
        rx.to_graph(cell.branch(0))
    cell.insert(rx.HH())
    cell.record("HH_m")
    with pytest.raises(ValueError, match="leave channels=True"):
        rx.to_graph(cell, channels=False)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")  # Jaxley's own, of pandas
def test_graphs_of_jaxley() -> None:
    """Unequal branches, a channel, a group, a recording and a trainable come over."""
    jx = pytest.importorskip("jaxley")
    from jaxley.channels import HH
    from jaxley.modules.base import to_graph

    comp = jx.Compartment()
    cell = jx.Cell([jx.Branch(comp, n) for n in (2, 1, 3, 1)], parents=[-1, 0, 0, 1])
    cell.branch(1).insert(HH())
    cell.branch([0, 2]).add_to_group("some")
    cell.branch(2).set("radius", 0.5)
    cell.branch(2).loc(0.0).record(verbose=False)
    cell.branch("all").make_trainable("radius", verbose=False)
    found = rx.from_graph(to_graph(cell, channels=True))
    assert list(found._branches["parent"]) == [-1, 0, 0, 1] and found.shape == (4, 7)
    assert found.mechanisms == ["HH"] and found.HH.shape == (1, 1) and found.some.shape == (2, 5)
    assert found.rec_info.iloc[0].to_list() == [3, "v"]
    assert [len(p["radius"]) for p in found.get_parameters()] == [4]
    for column in ("length", "radius", "area", "resistive_load_in", "x", "y", "HH_gNa"):
        np.testing.assert_allclose(found.nodes[column], cell.nodes[column], rtol=1e-6)
