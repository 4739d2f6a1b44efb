"""Random networks: lowering moves every value to one place and back, and cells that nothing joins stay as alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rallax.sim as rx
from rallax.sim.lower import lower
from rallax.sim.lowered import Lowered

MECHANISMS = (rx.Leak, rx.Km, rx.CaL, rx.CaPump, rx.Na)
#: Faster to compile.
FEW = (rx.Leak, rx.Km)
DT = 0.025


def random_cell(rng: np.random.Generator, n_branches: int = 4, mechanisms: Any = MECHANISMS) -> Any:
    """A tree of unequal branches with mechanisms scattered over it."""
    n = int(rng.integers(1, n_branches + 1))
    branches = [rx.Branch(rx.Compartment(), int(rng.integers(1, 4))) for _ in range(n)]
    cell = rx.Cell(branches, parents=[-1, *(int(rng.integers(0, b)) for b in range(1, n))])
    total = len(cell.nodes)
    for mechanism in rng.permutation(np.array(mechanisms, dtype=object)):
        where = np.flatnonzero(rng.random(total) < 0.6)
        if len(where):
            cell.select(nodes=where).insert(mechanism())
    cell.set("axial_resistivity", rng.uniform(50.0, 200.0, total))
    cell.set("length", rng.uniform(20.0, 80.0, total))
    cell.set("radius", rng.uniform(0.5, 3.0, total))
    cell.set("v", rng.uniform(-80.0, -40.0, total))
    return cell


def random_network(rng: np.random.Generator) -> tuple[Any, list[Any]]:
    """A mixture of equal and unequal cells, values and all, and these cells."""
    kinds = [random_cell(rng) for _ in range(int(rng.integers(1, 4)))]
    cells = [kinds[k] for k in rng.integers(0, len(kinds), int(rng.integers(1, 6)))]
    return rx.Network(cells), cells


def joined(net: Any, rng: np.random.Generator) -> None:
    """Synapses of several types between any compartments."""
    n = len(net.nodes)
    for synapse in rng.permutation(np.array([rx.IonotropicSynapse, rx.TestSynapse, rx.GapJunction], dtype=object)):
        for _ in range(int(rng.integers(0, 4))):
            pre, post = rng.choice(n, 2, replace=n < 2)
            rx.connect(net.select(nodes=[pre]), net.select(nodes=[post]), synapse())
    for key in net.edges.columns[net.edges.columns.str.endswith(("_gS", "_gC", "_g", "_s", "_c"))]:
        net.set(key, rng.uniform(0.1, 0.9, net.edges[key].notna().sum()))


def table_values(net: Any, lowered: Lowered, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The user's rows that have this value, and the values."""
    table = net.edges if key in lowered.index.of_synapses else net.nodes
    rows = np.flatnonzero(table[key].notna().to_numpy())
    return rows, table[key].to_numpy(dtype=float)[rows]


def couplings(lowered: Lowered) -> np.ndarray:
    """Conductance between compartments (arbitrary unit), branch points eliminated, in the user's order."""
    model = lowered.model
    cable = {key: np.asarray(x)[:, 0] for key, x in model.cable.items()}
    loads = [cable["axial_resistivity"] * cable[f"resistive_load_{end}"] for end in ("in", "out")]
    between = np.concatenate([*loads, [0.0]])
    child, parent = np.arange(model.n_node), np.asarray(model.structure.parent_of)
    r = between[np.asarray(model.half_of_child)] + between[np.asarray(model.half_of_parent)]
    laplacian = np.zeros((model.n_node, model.n_node))
    for c, p in zip(child[child != parent], parent[child != parent], strict=True):
        laplacian[[c, p], [c, p]] += 1 / r[c]
        laplacian[[c, p], [p, c]] -= 1 / r[c]
    n = model.n_comp
    across, points = laplacian[:n, n:], laplacian[n:, n:]
    reduced = laplacian[:n, :n] - across @ np.linalg.solve(points, across.T)
    order = lowered.index.comp_of_user
    return reduced[np.ix_(order, order)]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_every_value_has_one_place(seed: int) -> None:
    """The index map is a bijection for compartments, rows of mechanisms and synapses; couplings stay."""
    rng = np.random.default_rng(seed)
    net, cells = random_network(rng)
    alone = [couplings(lower(cell)) for cell in {id(c): c for c in cells}.values()]
    number = {id(c): k for k, c in enumerate({id(c): c for c in cells}.values())}
    joined(net, rng)
    lowered = lower(net)
    index, model = lowered.index, lowered.model
    n = len(net.nodes)
    np.testing.assert_array_equal(index.user_of_comp[index.comp_of_user], np.arange(n))
    assert model.n_comp == n and model.n_node == n + index.branch_points
    for home in (model.parameters, model.states, model.cable):
        for key, array in home.items():
            rows, values = table_values(net, lowered, key)
            places = index.rows(key, rows)
            if key in index.of_synapses or key in index.rows_of:
                assert sorted(places) == list(range(len(array))), key
            else:
                assert len(set(places)) == len(rows) and len(array) == n, key
            np.testing.assert_array_equal(np.asarray(array)[places, 0], values, err_msg=key)
    for placed in model.synapses:
        edges = net.edges[net.edges["type"] == placed.synapse.name]
        for side, found in (("pre_index", placed.pre), ("post_index", placed.post)):
            np.testing.assert_array_equal(index.user_of_comp[np.asarray(found.index)], edges[side])
    whole, first = couplings(lowered), 0
    for cell in cells:
        mine = slice(first, first + len(cell.nodes))
        np.testing.assert_allclose(whole[mine, mine], alone[number[id(cell)]], rtol=1e-12, atol=1e-15)
        whole[mine, mine] = 0.0
        first = mine.stop
    assert not whole.any(), "nothing passes along the cable from cell to cell"


@pytest.mark.parametrize(
    ("seed", "mechanisms"), [(0, FEW), *(pytest.param(s, MECHANISMS, marks=pytest.mark.slow) for s in (1, 2, 3, 4))]
)
def test_cells_that_nothing_joins_are_as_alone(seed: int, mechanisms: Any) -> None:
    """Beside cells that synapses join, with different values in equal cells."""
    rng = np.random.default_rng(seed)
    kinds = [random_cell(rng, 3, mechanisms), random_cell(rng, 3, mechanisms)]
    cells = [kinds[k].copy() for k in (0, 1, 0, 0)]
    for cell in cells:
        cell.set("capacitance", rng.uniform(0.8, 1.2, len(cell.nodes)))
        cell.select(nodes=[0]).stimulate(np.full(20, rng.uniform(0.1, 0.3)))
        cell.record()
    net = rx.Network(cells)
    for synapse in (rx.IonotropicSynapse(), rx.GapJunction()):
        rx.connect(net.cell(0).branch(0).comp(0), net.cell(3).branch(0).comp(0), synapse)
    net.set("GapJunction_g", 0.01)
    found = np.asarray(rx.integrate(net, delta_t=DT))
    sizes = np.cumsum([len(cell.nodes) for cell in cells])
    for k, part in enumerate(np.split(found, sizes[:-1])):
        difference = np.abs(part - np.asarray(rx.integrate(cells[k], delta_t=DT))).max()
        assert difference < 1e-10 if k in (1, 2) else difference > 1e-4, k
