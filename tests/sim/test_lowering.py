"""Lowering: orders, slices, what is cached, and that none of it shows in a simulation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rallax.sim as rx
from rallax.sim.lower import lower
from rallax.sim.node_order import kind_rank

from .cells import layer5, spiking

#: Mechanisms by region of the layer-5 fit (specification, mechanisms.md).
EVERYWHERE = ("pas", "CaDynamics_DC0", "Ca_HVA2", "Ca_LVAst")
REGIONS = {
    "soma": (*EVERYWHERE, "SKv3_1", "SK_E2", "K_Pst", "K_Tst", "NaTg", "Ih"),
    "axon": (*EVERYWHERE, "SKv3_1", "SK_E2", "K_Pst", "K_Tst", "NaTg", "Nap_Et2"),
    "basal": (*EVERYWHERE, "Ih"),
    "apical": (*EVERYWHERE, "NaTg", "SKv3_1", "Ih"),
}


def pieces(present: np.ndarray) -> np.ndarray:
    """In how many runs each column's True entries lie."""
    edges = np.diff(np.concatenate([np.zeros((1, present.shape[1]), int), present.astype(int)]), axis=0)
    return (edges == 1).sum(axis=0)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_layer5_mechanisms_lie_side_by_side(seed: int) -> None:
    """Every mechanism of the layer-5 fit is one slice, whatever the order of branches and of insertion."""
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(sorted({m for region in REGIONS.values() for m in region})))
    regions = list(rng.permutation(list(REGIONS)))
    present = np.array([[m in REGIONS[r] for m in names] for r in rng.choice(regions, 40)])
    order = np.argsort(kind_rank(present), kind="stable")
    assert sorted(order) == list(range(40))
    assert (pieces(present[order]) == 1).all()


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_scattered_mechanisms_keep_every_compartment(seed: int) -> None:
    """Where no order puts all side by side, the order is still a permutation that keeps equal compartments in order."""
    rng = np.random.default_rng(seed)
    present = rng.random((50, 5)) < 0.5
    order = np.argsort(kind_rank(present), kind="stable")
    assert sorted(order) == list(range(50))
    for kind in np.unique(present, axis=0):
        same = order[(present[order] == kind).all(axis=1)]
        assert (np.diff(same) > 0).all()


def test_an_unchanged_module_is_lowered_once() -> None:
    cell = spiking()
    lowered = lower(cell)
    assert lower(cell) is lowered
    assert lower(cell.branch(1)) is lowered, "a view is lowered with its module"
    assert lower(cell, np.dtype("float32")).model.dtype == np.float32
    for edit in (
        lambda: cell.set("HH_gNa", 0.1),
        lambda: cell.branch(0).add_to_group("g"),
        lambda: cell.branch(0).record(),
        lambda: cell.insert(rx.Leak()),
        lambda: cell.delete("Leak"),
    ):
        before = lower(cell)
        edit()
        assert lower(cell) is not before
    assert lower(cell.copy()) is not lower(cell)


def test_first_lowering_inside_a_traced_function() -> None:
    """What is kept does not belong to the trace."""
    cell = spiking(((1, 20.0, 10.0, -1),), t_max=1.0)
    cell.record()
    cell.make_trainable("HH_gNa")
    params = cell.get_parameters()
    inside = jax.jit(lambda p: rx.integrate(cell, p, t_max=1.0))(params)
    np.testing.assert_allclose(inside, rx.integrate(cell, params, t_max=1.0), rtol=1e-12)


def test_index_map_leads_back() -> None:
    cell = layer5()
    index = lower(cell).index
    n = len(cell.nodes)
    np.testing.assert_array_equal(index.user_of_comp[index.comp_of_user], np.arange(n))
    rows = np.flatnonzero(cell.nodes["NaTg"].to_numpy())
    model = lower(cell).model
    found = np.asarray(model.parameters["NaTg_gbar"])[index.rows("NaTg_gbar", rows), 0]
    np.testing.assert_array_equal(found, cell.nodes["NaTg_gbar"].to_numpy()[rows])
    np.testing.assert_array_equal(
        np.asarray(model.cable["area"])[index.rows("area", np.arange(n)), 0], cell.nodes["area"]
    )


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_order_of_insertion_does_not_matter(seed: int) -> None:
    """Mechanisms scattered over a random tree give the same voltages whatever the order in which they were inserted."""
    rng = np.random.default_rng(seed)
    n = 6
    parents = [-1, *(int(rng.integers(0, i)) for i in range(1, n))]
    mechanisms = [rx.pas(), rx.NaTg(), rx.SKv3_1(), rx.Ca_HVA2(), rx.CaDynamics_E2(), rx.SK_E2(), rx.Ih()]
    where = {m.name: np.flatnonzero(rng.random(2 * n) < 0.6) for m in mechanisms[1:]} | {"pas": np.arange(2 * n)}
    found = []
    for order in (range(7), rng.permutation(7)):
        cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=parents)
        cell.set("axial_resistivity", 150.0)
        cell.set("length", 40.0)
        for k in order:
            if len(where[mechanisms[k].name]):
                cell.select(where[mechanisms[k].name]).insert(mechanisms[k])
        for key, value in (("NaTg_gbar", 0.3), ("SKv3_1_gbar", 0.2), ("Ca_HVA2_gbar", 1e-3), ("SK_E2_gbar", 0.01)):
            if key in cell.nodes:
                cell.select(cell.nodes[key].notna()).set(key, value)
        cell.init_states()
        cell.branch(0).comp(0).stimulate(np.full(80, 0.2))
        cell.record()
        found.append(np.asarray(rx.integrate(cell)))
    assert np.ptp(found[0]) > 10.0
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-9)


@pytest.mark.data
def test_a_large_file_is_ready_in_a_second(data_dir: Path) -> None:
    """10,619 points read, a mechanism inserted, lowered: the fastest of three, in seconds of this process."""
    path = data_dir / "morphologies" / "rat_l5pc_with_axon.swc"
    times: list[float] = []
    cell: Any = None
    for _ in range(3):
        start = time.process_time()
        cell = rx.read_swc(path, ncomp=1)
        cell.insert(rx.HH())
        lower(cell)
        times.append(time.process_time() - start)
    print(f"file to lowered model, {cell.shape} branches and compartments: {min(times):.2f} s")
    assert min(times) <= 1.0
