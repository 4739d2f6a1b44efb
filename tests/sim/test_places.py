"""Where cells lie: traced points, layouts, centres, moves; straight and path distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import cylinders

TREE = (
    "1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n3 3 60 0 0 1 2\n4 3 60 80 0 0.5 3\n5 3 60 80 60 0.4 4\n6 3 90 0 40 0.5 3\n"
    "7 2 -6 0 0 0.5 1\n8 2 -66 0 0 0.3 7\n"
)


@pytest.fixture
def traced(tmp_path: Path) -> Any:
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    return rx.read_swc(path, ncomp=3)


def test_traced_points_stay_with_their_branches(traced: Any) -> None:
    """Through views, copies and networks of one branch more."""
    assert [len(points) for points in traced.xyzr] == [3, 2, 2, 3, 2]
    np.testing.assert_allclose(traced.xyzr[3], [[60, 0, 0, 1], [60, 80, 0, 0.5], [60, 80, 60, 0.4]])
    np.testing.assert_array_equal(traced.axon.xyzr[0], traced.xyzr[1])
    assert [len(points) for points in traced.branch([3, 0]).comp(1).xyzr] == [3, 3]
    other = traced.copy()
    other.xyzr[0][:] = 7.0
    assert traced.xyzr[0][0, 0] == -5.0
    view = traced.axon.copy()
    view.set("radius", 0.2)
    assert view.base is not traced and traced.axon.nodes["radius"].min() > 0.2 == view.base.axon.nodes["radius"].max()
    for made in (rx.Compartment(), rx.Branch(), rx.Cell()):
        assert made.xyzr[0].shape == (2, 4) and np.isnan(made.xyzr[0]).all()


def test_centres_lie_on_the_points(traced: Any) -> None:
    """Those that reading wrote are those that `compute_compartment_centers` writes."""
    before = traced.nodes[["x", "y", "z"]].to_numpy()
    np.testing.assert_allclose(before[9:12], [[60, 70 / 3, 0], [60, 70, 0], [60, 80, 110 / 3]])
    traced.branch(3).set("x", 0.0)
    assert traced.nodes["x"][9] == 0.0
    traced.compute_compartment_centers()
    np.testing.assert_allclose(traced.nodes[["x", "y", "z"]].to_numpy(), before, atol=1e-12)


def test_layout_of_cells_that_were_not_traced() -> None:
    cell = cylinders()
    assert np.isnan(cell.nodes["x"]).all()
    cell.compute_xyz()
    points = cell.xyzr
    for b, (length, parent) in enumerate([(20, -1), (200, 0), (120, 1), (300, 1), (90, 0)]):
        assert np.linalg.norm(points[b][1, :3] - points[b][0, :3]) == pytest.approx(length)
        np.testing.assert_allclose(points[b][0, :3], points[parent][1, :3] if parent >= 0 else 0.0)
        assert np.isnan(points[b][:, 3]).all()
    ends = np.array([p[1, :2] for p in points])
    apart = np.linalg.norm(ends[:, None] - ends, axis=2)[np.triu_indices(5, 1)]
    assert apart.min() > 20, "no two branches lie on one another"
    middle = cell.branch(1).comp(1).nodes[["x", "y", "z"]].to_numpy()[0]
    np.testing.assert_allclose(middle, points[1][0, :3] + 0.375 * (points[1][1, :3] - points[1][0, :3]))
    cell.move(5.0)
    cell.branch(0).set("length", 40.0)
    cell.compute_xyz()
    np.testing.assert_allclose(cell.xyzr[0][:, 0], [5.0, 45.0], err_msg="longer, and where it was moved to")


def test_an_untraced_branch_starts_on_its_traced_parent(traced: Any) -> None:
    stub = rx.Cell(rx.Branch(rx.Compartment(), 2))
    cell = rx.morph_connect(traced.branch(3).loc(1.0), stub.branch(0).loc(0.0))
    assert np.isnan(cell.xyzr[5]).all()
    cell.compute_xyz()
    np.testing.assert_allclose(cell.xyzr[5][0, :3], [60, 80, 60])
    np.testing.assert_array_equal(cell.xyzr[3], traced.xyzr[3])


def test_moves(traced: Any) -> None:
    """No edit: what was lowered stays valid."""
    lowered = rx.lower(traced)
    start = [p.copy() for p in traced.xyzr]
    traced.move(1.0, 2.0, 3.0)
    np.testing.assert_allclose(traced.xyzr[2], start[2] + [1, 2, 3, 0])
    traced.move_to(10.0, 0.0, 0.0)
    np.testing.assert_allclose(traced.xyzr[0][0], [10, 0, 0, 5])
    np.testing.assert_allclose(traced.nodes["x"][1], 15.0)
    traced.rotate(90.0)
    np.testing.assert_allclose(traced.xyzr[0][0, :3], [0, -10, 0], atol=1e-12)
    traced.rotate(-90.0, rotation_axis="xy", update_nodes=False)
    np.testing.assert_allclose(traced.nodes["y"][1], -15.0, err_msg="the table waits")
    traced.rotate(90.0, "xz")
    np.testing.assert_allclose(traced.xyzr[0][0, :3], [0, 0, -10], atol=1e-12)
    assert rx.lower(traced) is lowered
    untraced = rx.Cell()
    untraced.move(y=4.0)
    np.testing.assert_allclose(untraced.xyzr[0][:, 1], 4.0)


def test_distances(traced: Any) -> None:
    soma = traced.soma.branch(0).loc(0.5)
    straight = rx.distance_direct(soma, traced)
    np.testing.assert_allclose(straight[0:3], [10 / 3, 0, 10 / 3])
    end = traced.branch(3).loc(1.0)
    np.testing.assert_allclose(rx.distance_direct(soma, end), [np.linalg.norm([60, 80, 60 - 140 / 6])])
    np.testing.assert_array_equal(rx.distance_pathwise(soma, traced), traced.distance_pathwise(soma))
    np.testing.assert_allclose(rx.distance_pathwise(soma, end), [54 + 140 * 5 / 6])
    cell = cylinders()
    np.testing.assert_allclose(rx.distance_direct(cell.branch(1).comp(0), cell.branch(1)), [0, 50, 100, 150])


@pytest.mark.parametrize(
    ("call", "pattern"),
    [
        (lambda c: c.branch(0).move(1.0), r"cell.move\(...\)"),
        (lambda c: c.move_to(np.zeros(2)), "one entry for each of the 1 cells"),
        (lambda c: c.rotate(10, "yx"), '"xy", "xz" or "yz"'),
        (lambda c: rx.distance_direct(c, c), "one compartment, not 15"),
        (lambda c: rx.distance_pathwise(c.branch(0).loc(0.5), c.copy()), "two views of one module"),
        (lambda c: c.show("lengths"), "did you mean 'length'"),
        (lambda c: c.show(channel_names="HH"), "no mechanism 'HH'"),
    ],
)
def test_errors(call: Any, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern) as caught:
        call(cylinders())
    assert "\n" not in str(caught.value)


def test_show() -> None:
    cell = cylinders()
    cell.insert(rx.pas())
    cell.branch(1).insert(rx.HH())
    numbers = ["local_cell_index", "local_branch_index", "local_comp_index"]
    assert list(cell.show("v")) == [*numbers, "v"]
    assert list(cell.show(["pas_g", "length"], indices=False)) == ["pas_g", "length"]
    assert {"HH_m", "v"} <= set(cell.show(params=False)) and "HH_gNa" not in cell.show(params=False)
    assert {"HH_gNa", "radius"} <= set(cell.show(states=False)) and "HH_m" not in cell.show(states=False)
    assert "pas_g" in cell.show(channel_names=["pas"]) and "HH_m" not in cell.show(channel_names=["pas"])
    table = cell.branch(1).show()
    table["v"] = 0.0
    assert cell.nodes["v"][1] == -70.0
