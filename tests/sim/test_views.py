"""Views: which compartments are meant, what they share, and what a wrong selection is told."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import cylinders


@pytest.fixture
def cell() -> Any:
    """Branches of 1, 4, 3, 5, 2 compartments; groups: tuft (branches 1 and 3), soma (branch 0)."""
    cell = cylinders()
    cell.branch([1, 3]).add_to_group("tuft")
    cell.branch(0).add_to_group("soma")
    return cell


def rows(view: Any) -> list[int]:
    return list(view.nodes["global_comp_index"])


def test_navigation(cell: Any) -> None:
    assert cell.shape == (5, 15)
    assert cell.branch(1).shape == (4,)
    assert rows(cell.branch(1)) == [1, 2, 3, 4]
    assert rows(cell.branch(-1)) == rows(cell.branch(4)) == [13, 14]
    assert rows(cell.branch([0, 4]).comp(0)) == [0, 13]
    assert rows(cell.branch("all").comp(1)) == [2, 6, 9, 14]
    assert rows(cell.branch(slice(1, 3))) == list(range(1, 8))
    assert rows(cell.branch(range(1, 3))) == list(range(1, 8))
    assert rows(cell.branch(np.array([True, False, False, False, True]))) == [0, 13, 14]
    assert rows(cell[1]) == [1, 2, 3, 4]
    assert rows(cell[1, 2]) == [3]
    assert rows(cell[:, 0]) == [0, 1, 5, 8, 13]
    assert rows(cell.select(nodes=[0, 14])) == [0, 14]
    assert rows(cell.select(cell.nodes["radius"] > 1.2)) == [0, 13, 14]
    assert rows(cell.tuft) == [*range(1, 5), *range(8, 13)]
    assert rows(cell.tuft.branch(1)) == list(range(8, 13)), "numbers count within the view"
    assert rows(cell.tuft.scope("global").branch(3)) == list(range(8, 13)), "numbers count in the module"
    assert rows(cell.tuft.scope("global").scope("local").branch(0)) == [1, 2, 3, 4]


def test_locations(cell: Any) -> None:
    branch = cell.branch(1)
    assert [rows(branch.loc(x))[0] for x in (0.0, 0.24, 0.25, 0.5, 0.99, 1.0)] == [1, 1, 2, 3, 4, 4]
    assert rows(branch.loc([0.0, 1.0])) == [1, 4]
    assert rows(branch.loc("all")) == [1, 2, 3, 4]
    assert rows(cell.branch("all").loc(0.5)) == [0, 3, 6, 10, 14]


def test_mechanisms_and_groups_are_views(cell: Any) -> None:
    cell.tuft.insert(rx.HH())
    assert rows(cell.HH) == rows(cell.tuft)
    assert rows(cell.soma) == [0]
    assert cell.mechanisms == ["HH"] and cell.soma.mechanisms == []
    assert cell.groups == ["tuft", "soma"] and cell.branch(1).groups == ["tuft"]


def test_iteration(cell: Any) -> None:
    assert [rows(b) for b in cell.branches] == [rows(cell.branch(i)) for i in range(5)]
    assert [rows(b) for b in cell] == [rows(b) for b in cell.branches]
    assert [rows(c) for c in cell.branch(2).comps] == [[5], [6], [7]]
    assert [rows(b) for b in cell.tuft.branches] == [rows(cell.branch(1)), rows(cell.branch(3))]


@pytest.mark.parametrize(
    ("view", "shared"),
    [
        (lambda c: c, [list(range(15))]),
        (lambda c: c.tuft, [[*range(1, 5), *range(8, 13)]]),
        (lambda c: c.branch("all"), [[0], [1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12], [13, 14]]),
        (lambda c: c.tuft.branch("all"), [[1, 2, 3, 4], [8, 9, 10, 11, 12]]),
        (lambda c: c.branch([2, 4]).comp("all"), [[5], [6], [7], [13], [14]]),
        (lambda c: c.branch([2, 4]).loc(0.0), [[5], [13]]),
        (lambda c: c.select([3, 9, 1]), [[1, 3, 9]]),
    ],
)
def test_sharing(cell: Any, view: Any, shared: list[list[int]]) -> None:
    """How a view was made says which compartments share a trainable value; each starts at the mean of its own."""
    view(cell).make_trainable("radius")
    (trainable,) = cell._trainables
    assert [list(trainable.rows[trainable.group == k]) for k in range(len(shared))] == shared
    radius = cell.nodes["radius"].to_numpy()
    (entry,) = cell.get_parameters()
    np.testing.assert_allclose(entry["radius"], [radius[group].mean() for group in shared])


def test_trainables_are_written_back(cell: Any) -> None:
    cell.branch([0, 1]).make_trainable("axial_resistivity", [50.0, 70.0])
    cell.soma.make_trainable("v")
    params = cell.get_parameters()
    np.testing.assert_array_equal(params[0]["axial_resistivity"], [50.0, 70.0])
    params[0]["axial_resistivity"] = params[0]["axial_resistivity"] + 1
    cell.write_trainables(params)
    assert list(cell.nodes["axial_resistivity"][:6]) == [51.0, 71.0, 71.0, 71.0, 71.0, 100.0]
    np.testing.assert_array_equal(cell.get_parameters()[0]["axial_resistivity"], [51.0, 71.0])
    cell.soma.delete_trainables()
    assert cell.get_parameters() == []


def test_repr_and_tables(cell: Any) -> None:
    assert repr(cell) == "Cell with 5 branches, 15 comps. Run `.nodes` for details."
    assert repr(cell.branch(0)) == "View with 1 comp. Run `.nodes` for details."
    assert repr(rx.Compartment()) == "Compartment with 1 comp. Run `.nodes` for details."
    assert {"length", "radius", "axial_resistivity", "capacitance", "v", "soma"} <= set(cell.show().columns)
    assert not [c for c in cell.show().columns if c.startswith("global_")]
    cell.branch(1).stimulate(np.ones(3))
    assert cell.externals["i"].shape == (4, 3) and list(cell.external_inds["i"]) == [1, 2, 3, 4]
    assert cell.branch(2).externals["i"].shape == (0, 3)


def test_pickle_and_copy(cell: Any) -> None:
    cell.insert(rx.HH())
    cell.soma.record()
    cell.soma.stimulate(rx.step_current(0, 1, 1.0, 0.025, 2.0))
    expected = rx.integrate(cell)
    again, view = pickle.loads(pickle.dumps(cell)), pickle.loads(pickle.dumps(cell.tuft))
    np.testing.assert_array_equal(rx.integrate(again), expected)
    assert rows(view) == rows(cell.tuft) and view.base is not cell
    other = cell.copy()
    other.set("HH_gNa", 0.0)
    np.testing.assert_array_equal(rx.integrate(cell), expected)
    assert np.abs(rx.integrate(other) - expected).max() > 1.0


@pytest.mark.parametrize(
    ("call", "error", "pattern"),
    [
        (lambda c: c.branch(7), ValueError, "branch 7 is not there: this view has branch 0 to 4"),
        (lambda c: c.branch("first"), ValueError, 'a number, a list, a slice, a mask or "all"'),
        (lambda c: c.branch([True, False]), ValueError, "a mask of branch numbers needs 5 entries here, not 2"),
        (lambda c: c.branch(1).loc(1.5), ValueError, "loc takes locations from 0 to 1, not 1.5"),
        (lambda c: c.cell(0), ValueError, "no cell to select"),
        (lambda c: c[0, 0, 0], ValueError, "3 indices given"),
        (lambda c: c.tufts, AttributeError, r"no group, mechanism or method 'tufts'.*did you mean 'tuft'"),
        (lambda c: c.scope("here"), ValueError, '"local" or "global"'),
        (lambda c: c.set("radios", 1.0), ValueError, r"set\('radios'\).*did you mean 'radius'"),
        (lambda c: c.set("radius", [1.0, 2.0]), ValueError, "one for each of the 15 compartments"),
        (lambda c: c.set("radius", -1.0), ValueError, "above 0"),
        (lambda c: c.set("v", np.nan), ValueError, "finite"),
        (lambda c: c.set("HH_gNa", 1.0), ValueError, "no such parameter"),
        (lambda c: c.record("HH_m"), ValueError, "no such state"),
        (lambda c: c.record("radius"), ValueError, "no such state"),
        (lambda c: c.make_trainable("x"), ValueError, "no such parameter"),
        (lambda c: c.make_trainable("radius", [1.0, 2.0]), ValueError, "one value or 1"),
        (lambda c: [c.make_trainable("v"), c.soma.make_trainable("v")], ValueError, "trainable already"),
        (lambda c: c.data_set("v", np.ones(3)), ValueError, "one value or 15"),
        (lambda c: c.stimulate(np.ones((2, 5))), ValueError, "one row for each of the 15 compartments"),
        (lambda c: c.stimulate([1.0, np.inf]), ValueError, "finite"),
        (lambda c: c.insert("HH"), ValueError, r"a mechanism such as HH\(\)"),
        (lambda c: c.delete("HH"), ValueError, "no mechanism 'HH'"),
        (lambda c: c.soma.add_to_group("length"), ValueError, "taken"),
        (lambda c: c.soma.add_to_group("record"), ValueError, "taken"),
        (lambda c: c.soma.add_to_group("my group"), ValueError, "plain identifier"),
        (lambda c: c.distance_pathwise(c), ValueError, "an origin of one compartment"),
    ],
)
def test_errors(cell: Any, call: Any, error: type[Exception], pattern: str) -> None:
    """One line that names what is wrong and what would be right."""
    with pytest.raises(error, match=pattern) as caught:
        call(cell)
    assert "\n" not in str(caught.value)


def test_parts_of_the_wrong_kind() -> None:
    for call in (
        lambda: rx.Cell(rx.Compartment()),
        lambda: rx.Branch(rx.Branch()),
        lambda: rx.Branch([rx.Compartment()] * 2, 3),
        lambda: rx.Branch([]),
        lambda: rx.Cell([rx.Branch(), rx.Branch()]),
        lambda: rx.Cell([rx.Branch()], parents=[-1, 0]),
        lambda: rx.Cell(rx.Branch(), parents=[-1, 1]),
        lambda: rx.Cell(rx.Branch(), parents=[0, -1]),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert "\n" not in str(caught.value)
