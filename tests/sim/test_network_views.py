"""Views of networks: which cells and synapses an edit, a trainable or a recording means; copies; what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .networks import forked

DT = 0.025


@pytest.fixture
def net() -> Any:
    """Three passive forked cells; test synapses 0>1, 1>2, then ionotropic 0>1, 1>2, 2>0, 0>2 and a gap junction."""
    net = rx.Network([forked(rx.Leak())] * 3)
    ends = {
        rx.TestSynapse: ((0, 1), (1, 2)),
        rx.IonotropicSynapse: ((0, 1), (1, 2), (2, 0), (0, 2)),
        rx.GapJunction: ((0, 1),),
    }
    for synapse, pairs in ends.items():
        for pre, post in pairs:
            rx.connect(net.cell(pre).branch(1).comp(0), net.cell(post).branch(0).comp(0), synapse())
    return net


def gs(net: Any) -> list[float]:
    return net.IonotropicSynapse.edges["IonotropicSynapse_gS"].tolist()


def bound(net: Any, params: Any = (), param_state: Any = None) -> Any:
    """The lowered model with these values."""
    return rx.build_init_and_step_fn(net)[0](list(params), param_state=param_state)[1]


def test_tables(net: Any) -> None:
    edges = net.edges
    assert list(edges["global_edge_index"]) == list(range(7))
    assert list(edges["index_within_type"]) == [0, 1, 0, 1, 2, 3, 0]
    assert list(edges["type"].unique()) == net.synapses == ["TestSynapse", "IonotropicSynapse", "GapJunction"]
    assert list(edges["pre_index"]) == [1, 4, 1, 4, 7, 1, 1] and list(edges["post_index"]) == [3, 6, 3, 6, 0, 6, 3]
    assert edges["IonotropicSynapse_gS"].isna().tolist() == [True, True, False, False, False, False, True]
    assert net.shape == (3, 9, 9) and net.IonotropicSynapse.shape == (3, 6, 6)
    assert list(edges["pre_locs"]) == [0.5] * 7


def test_edges_by_number_mask_and_cells(net: Any) -> None:
    net.IonotropicSynapse.edge(1).set("IonotropicSynapse_gS", 0.1)
    net.IonotropicSynapse.edge([2, 3]).set("IonotropicSynapse_gS", [0.2, 0.3])
    assert gs(net) == [1e-4, 0.1, 0.2, 0.3]
    net.select(edges=net.edges["pre_index"].to_numpy() == 1).set("IonotropicSynapse_gS", 0.4)
    assert gs(net) == [0.4, 0.1, 0.2, 0.4]
    net.edge(3).set("IonotropicSynapse_gS", 0.5)
    net.IonotropicSynapse.scope("global").edge(4).set("IonotropicSynapse_gS", 0.6)
    assert gs(net) == [0.4, 0.5, 0.6, 0.4]
    net.cell([0, 1]).set("IonotropicSynapse_gS", 0.7)
    assert gs(net) == [0.7, 0.5, 0.6, 0.4], "between these cells there is one"
    net.IonotropicSynapse.cell([0, 2]).set("IonotropicSynapse_gS", 0.8)
    assert gs(net) == [0.7, 0.5, 0.8, 0.8]
    net.set("IonotropicSynapse_gS", 0.9)
    assert gs(net) == [0.9] * 4
    net.set("v", -50.0)
    net.IonotropicSynapse.edge(0).set("v", -40.0)
    assert np.flatnonzero(net.nodes["v"] == -40.0).tolist() == [1, 3], "the compartments that it joins"


def test_selecting_by_properties_of_cells(net: Any) -> None:
    net.cell(1).add_to_group("inhibitory")
    net.copy_node_property_to_edges(["global_cell_index", "inhibitory"])
    assert list(net.edges["post_global_cell_index"]) == [1, 2, 1, 2, 0, 2, 1]
    chosen = net.edges.query("pre_inhibitory and type == 'IonotropicSynapse'").index
    net.select(edges=chosen).set("IonotropicSynapse_e_syn", -80.0)
    assert net.edges["IonotropicSynapse_e_syn"].eq(-80.0).to_numpy().nonzero()[0].tolist() == [3]
    net.copy_node_property_to_edges("radius", "post")
    assert "post_radius" in net.edges and "pre_radius" not in net.edges
    assert bound(net).parameters["IonotropicSynapse_e_syn"][:, 0].tolist() == [0.0, -80.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("view", "shared"),
    [
        (lambda net: net, [[0, 1, 2, 3]]),
        (lambda net: net.IonotropicSynapse, [[0, 1, 2, 3]]),
        (lambda net: net.IonotropicSynapse.edge("all"), [[0], [1], [2], [3]]),
        (lambda net: net.IonotropicSynapse.edge([3, 1]), [[3], [1]]),
        (lambda net: net.select(edges=[2, 5]), [[0], [3]]),
        (lambda net: net.cell([0, 2]), [[2, 3]]),
        (lambda net: net.edge("all"), [[0], [1], [2], [3]]),
    ],
)
def test_sharing_on_edges(net: Any, view: Any, shared: list[list[int]]) -> None:
    """What shares a value, what is written back, and where values of a run go."""
    net.IonotropicSynapse.set("IonotropicSynapse_gS", [0.1, 0.2, 0.3, 0.4])
    view(net).make_trainable("IonotropicSynapse_gS")
    (entry,) = net.get_parameters()
    expected = [np.mean([0.1 * (i + 1) for i in group]) for group in shared]
    np.testing.assert_allclose(entry["IonotropicSynapse_gS"], expected)
    new = jnp.arange(1.0, 1.0 + len(shared))
    after = np.array([0.1, 0.2, 0.3, 0.4])
    for value, group in zip(new, shared, strict=True):
        after[group] = value
    model = bound(net, [{"IonotropicSynapse_gS": new}])
    np.testing.assert_allclose(model.parameters["IonotropicSynapse_gS"][:, 0], after)
    net.write_trainables([{"IonotropicSynapse_gS": new}])
    np.testing.assert_allclose(gs(net), after)
    np.testing.assert_array_equal(net.get_parameters()[0]["IonotropicSynapse_gS"], new)


def test_trainables_of_cells_and_edges_side_by_side(net: Any) -> None:
    net.cell("all").make_trainable("Leak_gLeak")
    net.cell([0, 1]).branch("all").make_trainable("radius")
    net.IonotropicSynapse.make_trainable("IonotropicSynapse_s", 0.5)
    net.GapJunction.make_trainable("GapJunction_g")
    sizes = [len(next(iter(entry.values()))) for entry in net.get_parameters()]
    assert sizes == [3, 6, 1, 1]
    with pytest.raises(ValueError, match="some of these values are trainable already"):
        net.IonotropicSynapse.edge(2).make_trainable("IonotropicSynapse_s")
    net.IonotropicSynapse.edge(0).delete_trainables()
    left = [next(iter(entry)) for entry in net.get_parameters()]
    assert left == ["Leak_gLeak", "radius", "GapJunction_g"], "those of the compartments that it joins stay"
    net.cell(0).delete_trainables()
    assert [next(iter(entry)) for entry in net.get_parameters()] == ["GapJunction_g"]
    net.delete_trainables()
    assert net.get_parameters() == []


def test_data_set_on_edges(net: Any) -> None:
    state = net.IonotropicSynapse.edge([1, 3]).data_set("IonotropicSynapse_gS", jnp.array([0.1, 0.2]))
    state = net.TestSynapse.data_set("TestSynapse_c", 0.7, state)
    state = net.cell(2).branch(1).data_set("v", -42.0, state)
    model = bound(net, param_state=state)
    assert model.parameters["IonotropicSynapse_gS"][:, 0].tolist() == [1e-4, 0.1, 1e-4, 0.2]
    assert model.states["TestSynapse_c"][:, 0].tolist() == [0.7, 0.7]
    assert gs(net) == [1e-4] * 4, "the table stays"
    assert np.flatnonzero(np.asarray(model.states["v"]) == -42.0).size == 1


def test_recording_states_and_currents(net: Any) -> None:
    """Rows in call order; currents are taken at the new states and the v of the step's start."""
    net.set("v", np.linspace(-70.0, -20.0, 9))
    net.IonotropicSynapse.edge([3, 1]).record("i_IonotropicSynapse")
    net.IonotropicSynapse.edge([3, 1]).record("IonotropicSynapse_s")
    net.record("i_GapJunction")
    net.record()
    assert net.rec_info.rec_index.tolist() == [3, 1, 3, 1, 0, *range(9)]
    assert net.IonotropicSynapse.edge(3).rec_info.state.tolist() == [
        "i_IonotropicSynapse",
        "IonotropicSynapse_s",
        "v",
        "v",
    ]
    found = np.asarray(rx.integrate(net, t_max=6 * DT, delta_t=DT))
    current, s, gap, v = found[:2], found[2:4], found[4], found[5:]
    assert np.all(current[:, 0] == 0.0)
    np.testing.assert_allclose(current[:, 1:], 1e-4 * s[:, 1:] * v[[6, 6], :-1], rtol=1e-12)
    np.testing.assert_allclose(gap[1:], 1e-4 * (v[3] - v[1])[:-1], rtol=1e-12)
    inf = 1 / (1 + np.exp((-35 - v[[1, 4], :-1]) / 10))
    np.testing.assert_allclose(s[:, 1:], inf + (s[:, :-1] - inf) * np.exp(-DT * 0.025 / (1 - inf)), rtol=1e-12)
    net.IonotropicSynapse.edge(3).delete_recordings()
    assert net.rec_info.state.tolist() == ["i_IonotropicSynapse", "IonotropicSynapse_s", "i_GapJunction"] + ["v"] * 9


def test_steady_states_of_a_network(net: Any) -> None:
    net.cell(1).insert(rx.HH())
    net.set("v", np.linspace(-80.0, -20.0, 9))
    net.init_states()
    v = net.nodes["v"].to_numpy()
    inf = 1 / (1 + np.exp((-35 - v) / 10))
    np.testing.assert_allclose(net.edges["TestSynapse_c"].dropna(), inf[[1, 4]], rtol=1e-12)
    np.testing.assert_allclose(net.edges["IonotropicSynapse_s"].dropna(), inf[[1, 4, 7, 1]], rtol=1e-12)
    alone = rx.Compartment()
    alone.insert(rx.HH())
    alone.set("v", v[4])
    alone.init_states()
    assert net.nodes["HH_m"].iloc[4] == pytest.approx(alone.nodes["HH_m"].iloc[0], rel=1e-12)
    assert net.nodes["HH_m"].isna().tolist() == [True] * 3 + [False] * 3 + [True] * 3


def test_copies_and_pickles(net: Any) -> None:
    """Of networks and of views of their synapses: equal, and independent."""
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    net.cell(0).branch(0).comp(0).clamp("v", np.full(5, -50.0))
    net.TestSynapse.edge(1).clamp("TestSynapse_c", np.full(5, 0.3))
    net.cell(2).branch(0).comp(0).record()
    net.record("TestSynapse_c")
    expected = rx.integrate(net, net.get_parameters(), delta_t=DT)
    for clone in (net.copy(), pickle.loads(pickle.dumps(net))):
        assert clone.edges.equals(net.edges) and clone.nodes.equals(net.nodes)
        np.testing.assert_array_equal(rx.integrate(clone, clone.get_parameters(), delta_t=DT), expected)
        clone.set("TestSynapse_gC", 1.0)
        clone.delete_clamps()
        rx.connect(clone.cell(0).branch(0).comp(0), clone.cell(1).branch(0).comp(0), rx.TestSynapse())
    assert len(net.edges) == 7 and net.edges["TestSynapse_gC"].dropna().eq(1e-4).all() and len(net.externals) == 2
    view = pickle.loads(pickle.dumps(net.IonotropicSynapse.edge([1, 2])))
    view.set("IonotropicSynapse_gS", 5.0)
    assert gs(view.base) == [1e-4, 5.0, 5.0, 1e-4] and gs(net) == [1e-4] * 4


@pytest.mark.parametrize(
    ("call", "pattern"),
    [
        (lambda net: net.IonotropicSynapse.edge(4), "edge 4 is not there: this view has edge 0 to 3"),
        (lambda net: rx.Network([rx.Cell()]).edge(0), r"no synapses here: connect\(pre, post, synapse\)"),
        (lambda net: net.select(edges=[True, False]), "a mask of edge numbers needs 7 entries"),
        (lambda net: net.select(), r"select\(nodes=mask\) or select\(edges=mask\)"),
        (lambda net: net.IonotropicSynapse.set("IonotropicSynapse_gs", 1.0), "did you mean .*'IonotropicSynapse_gS'"),
        (lambda net: net.IonotropicSynapse.set("IonotropicSynapse_gS", [1.0, 2.0]), "one for each of the 4"),
        (lambda net: net.TestSynapse.set("IonotropicSynapse_gS", 1.0), r"try net\.IonotropicSynapse\.set"),
        (lambda net: net.record("IonotropicSynapse_gS"), "no such state"),
        (lambda net: net.cell(0).record("IonotropicSynapse_s"), r"try net\.IonotropicSynapse\.record"),
        (lambda net: net.make_trainable("TestSynapse_s"), "no such parameter or state"),
        (lambda net: net.IonotropicSynapse.make_trainable("IonotropicSynapse_s", [0.1, 0.2]), "one value or 1"),
        (lambda net: net.IonotropicSynapse.data_set("IonotropicSynapse_s", np.zeros(3)), "one value or 4"),
        (lambda net: net.copy_node_property_to_edges("colour"), "the nodes have no such column"),
        (lambda net: net.copy_node_property_to_edges("v", "both"), '"pre", "post" or both'),
        (lambda net: net.cell(3), "cell 3 is not there: this view has cell 0 to 2"),
        (lambda net: rx.Network([]), r"Network\(\[cell, cell\]\)"),
        (lambda net: rx.Network(rx.Cell()), r"Network\(\[cell, cell\]\)"),
        (lambda net: rx.Network([net]), "takes a list of cells"),
        (lambda net: net.insert(rx.IonotropicSynapse()), "insert takes a mechanism such as HH"),
        (lambda net: net.cell(0).add_to_group("IonotropicSynapse"), "is taken"),
        (lambda net: net.cell(0).branch(0).set_ncomp(3), "a synapse ends there"),
    ],
)
def test_refusals(net: Any, call: Any, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern) as caught:
        call(net)
    assert "\n" not in str(caught.value)
