"""Cells cut and joined: what stays, what is refused, and that a joined cell is the cell it looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import cylinders, spiking
from .test_places import TREE


def _cut_and_joined(reverse: bool) -> Any:
    """`cylinders` taken apart at the fork of branch 1 and joined again; the tree's second part may run backwards."""
    whole = cylinders()
    trunk = rx.morph_delete(whole.branch([2, 3]))
    part = cylinders(((3, 120.0, 0.6, -1), (5, 300.0, 0.5, 0)))
    fork = rx.morph_delete(part.branch(1)), rx.morph_delete(part.branch(0))
    for one in fork:
        one.branch(0).set("axial_resistivity", 100.0)
    first = rx.morph_connect(trunk.branch(1).loc(1.0), fork[0].branch(0).loc(1.0 if reverse else 0.0))
    return rx.morph_connect(first.branch(1).loc(1.0), fork[1].branch(0).loc(0.0))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_cell_put_together_again_computes_the_same(reverse: bool) -> None:
    """Order of branches aside: 0, 1, 4, 2, 3 of the whole."""
    cell, whole = _cut_and_joined(reverse), spiking(t_max=3.0)
    assert list(cell._branches["parent"]) == [-1, 0, 0, 1, 1] and cell.shape == (5, 15)
    assert [len(b) for b in cell.branches] == [1, 4, 2, 3, 5]
    cell.insert(rx.HH())
    cell.set("v", -65.0)
    cell.init_states()
    cell.branch(0).comp(0).stimulate(whole.externals["i"][0])
    cell.branch([0, 3, 4]).record()
    whole.branch([0, 2, 3]).record()
    np.testing.assert_allclose(rx.integrate(cell), rx.integrate(whole), rtol=0, atol=1e-9)


def test_deleting_branches() -> None:
    cell = cylinders()
    cell.branch([1, 3]).insert(rx.HH())
    cell.branch([0, 4]).add_to_group("soma")
    cell.branch(4).comp(1).record()
    cell.branch(4).make_trainable("radius")
    cell.branch(0).stimulate(np.ones(3))
    rest = rx.morph_delete(cell.branch([1, 2, 3]))
    assert isinstance(rest, rx.Cell) and rest.shape == (2, 3) and cell.shape == (5, 15)
    assert list(rest._branches["parent"]) == [-1, 0] and rest.soma.shape == (2, 3)
    assert rest.rec_info.iloc[0].to_list() == [2, "v"] and list(rest._trainables[0].rows) == [1, 2]
    assert list(rest.external_inds["i"]) == [0]
    assert not rest._mechanisms and "HH_gNa" not in rest.nodes
    assert np.isfinite(rx.lower(rest).model.states["v"]).all()


def test_what_met_at_the_end_of_a_deleted_root_stays_together() -> None:
    cell = rx.morph_delete(cylinders().branch(0))
    assert list(cell._branches["parent"]) == [-1, 0, 0, 0]
    assert list(cell._branches["parent_loc"]) == [1.0, 1.0, 1.0, 0.0]
    assert rx.lower(cell).index.branch_points == 1


def test_points_come_along(tmp_path: Path) -> None:
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    cell = rx.read_swc(path, ncomp=2)
    without = rx.morph_delete(cell.axon)
    assert without.groups == ["soma", "basal"] and len(without.xyzr) == 4
    again = rx.morph_connect(without.branch(0).comp(1), rx.morph_delete(cell.branch([0, 2, 3, 4])).branch(0).loc(0.0))
    assert again.groups == ["soma", "basal", "axon"]
    assert list(again._branches["parent_loc"])[-1] == 0.75, "the middle of the second half of the soma"
    np.testing.assert_allclose(again.xyzr[4][0, :3], again.nodes[["x", "y", "z"]].to_numpy()[1])
    np.testing.assert_allclose(np.diff(again.xyzr[4], axis=0), np.diff(cell.xyzr[1], axis=0))
    # The neurites hang on the middle of the soma, so a cell joined to one of their tips has to keep its root.
    stub = rx.Cell(rx.Branch(rx.Compartment(), 2))
    joined = rx.morph_connect(stub.branch(0).loc(1.0), cell.branch(3).loc(1.0))
    assert list(joined._branches["parent"]) == [-1, 0, 0, 2, 3, 2]
    assert list(joined.branch(4).nodes["length"]) == [10.0, 10.0] and joined.soma.shape == (1, 2)


def test_a_turned_branch_is_the_branch_seen_from_its_other_end(tmp_path: Path) -> None:
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    dendrites = rx.morph_delete(rx.read_swc(path, ncomp=2).branch([0, 1]))
    joined = rx.morph_connect(rx.Cell().branch(0).loc(1.0), dendrites.branch(1).loc(1.0))
    old, new = dendrites.branch(1).nodes, joined.branch(1).nodes
    np.testing.assert_array_equal(new["resistive_load_in"], old["resistive_load_out"][::-1])
    np.testing.assert_array_equal(new["area"], old["area"][::-1])
    np.testing.assert_array_equal(joined.xyzr[1], dendrites.xyzr[1][::-1])
    assert list(joined._branches["parent"]) == [-1, 0, 1, 1], "the others grow from what was its near end"


def test_values_of_both_cells() -> None:
    one, other = cylinders(), cylinders()
    one.insert(rx.HH())
    other.insert(rx.pas())
    other.branch(1).add_to_group("tuft")
    other.branch(2).record()
    cell = rx.morph_connect(one.branch(4).loc(1.0), other.branch(0).loc(0.0))
    assert cell.shape == (10, 30) and cell.mechanisms == ["HH", "pas"]
    assert cell.nodes["HH_gNa"].isna().sum() == 15 == cell.nodes["pas_g"].isna().sum()
    assert cell.tuft.shape == (1, 4) and list(cell.rec_info["rec_index"]) == [20, 21, 22]


@pytest.mark.parametrize(
    ("call", "pattern"),
    [
        (lambda c: rx.morph_delete(c.branch(1)), "branches 2, 3 would come off the tree"),
        (lambda c: rx.morph_delete(c), "no branch would be left"),
        (lambda c: rx.morph_delete(c.branch(1).comp(0)), "whole branches"),
        (lambda c: rx.morph_delete(rx.Branch()), "takes views of a Cell"),
        (lambda c: [c.branch(3).record(), rx.morph_delete(c.branch(3))], r"delete_recordings\(\) first"),
        (lambda c: rx.morph_connect(c.branch(0).loc(0.0), c.branch(1).loc(1.0)), r"cell.copy\(\)"),
        (lambda c: rx.morph_connect(c.branch(1), rx.Cell().branch(0).loc(0.0)), "one compartment, not 4"),
        (lambda c: rx.morph_connect(c.branch(1).comp(1), rx.Cell().branch(0).comp(0)), r"join at loc\(0.0\)"),
    ],
)
def test_errors(call: Any, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern) as caught:
        call(cylinders())
    assert "\n" not in str(caught.value)
