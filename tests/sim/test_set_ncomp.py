"""Branches cut anew: as a fresh read where they were traced, conserving what can be measured where they were not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rallax.sim as rx

from .cells import cylinders
from .test_places import TREE

GEOMETRY = ["length", "radius", "area", "volume", "resistive_load_in", "resistive_load_out", "x", "y", "z"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    return path


@pytest.mark.parametrize("start", [1, 4])
def test_a_traced_cell_is_as_if_read_anew(path: Path, start: int) -> None:
    cell, fresh = rx.read_swc(path, ncomp=start), rx.read_swc(path, ncomp=3)
    cell.set_ncomp(3)
    pd.testing.assert_frame_equal(cell.nodes, fresh.nodes, check_exact=False, rtol=1e-13)
    mixed = rx.read_swc(path, ncomp=2)
    for b, branch in enumerate(mixed.branches):
        branch.set_ncomp(b + 1)
    assert [len(branch) for branch in mixed.branches] == [1, 2, 3, 4, 5]
    for b, n in enumerate([1, 2, 3, 4, 5]):
        again = rx.read_swc(path, ncomp=n).branch(b).nodes[GEOMETRY].to_numpy()
        np.testing.assert_allclose(mixed.branch(b).nodes[GEOMETRY], again, rtol=1e-13)
    assert rx.lower(mixed).model.n_comp == 15


def test_min_radius_clips_the_points(path: Path) -> None:
    cell = rx.read_swc(path, ncomp=1)
    cell.set_ncomp(3, min_radius=0.6)
    pd.testing.assert_frame_equal(cell.nodes, rx.read_swc(path, ncomp=3, min_radius=0.6).nodes)
    cell.set_ncomp(2)
    pd.testing.assert_frame_equal(cell.nodes, rx.read_swc(path, ncomp=2, min_radius=0.6).nodes)


def test_scaled_traced_branches_stay_scaled(path: Path) -> None:
    cell, fresh = rx.read_swc(path, ncomp=1), rx.read_swc(path, ncomp=3)
    for one in (cell, fresh):
        one.branch(3).set("radius", 2.0 * one.branch(3).nodes["radius"].to_numpy())
        one.branch(3).set("length", 0.5 * one.branch(3).nodes["length"].to_numpy())
    cell.branch(3).set_ncomp(3)
    np.testing.assert_allclose(cell.branch(3).nodes[GEOMETRY], fresh.branch(3).nodes[GEOMETRY], rtol=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.floats(1.0, 100.0), min_size=1, max_size=6),
    radii=st.lists(st.floats(0.1, 10.0), min_size=6, max_size=6),
    ncomp=st.integers(1, 12),
)
def test_an_untraced_branch_keeps_its_measures(lengths: list[float], radii: list[float], ncomp: int) -> None:
    branch = rx.Branch(rx.Compartment(), len(lengths))
    branch.set("length", lengths)
    branch.set("radius", radii[: len(lengths)])

    def measures() -> list[float]:
        t = branch.nodes
        load = t["resistive_load_in"] + t["resistive_load_out"]
        return [t["length"].sum(), t["area"].sum(), t["volume"].sum(), load.sum()]

    before = measures()
    branch.set_ncomp(ncomp)
    assert branch.shape == (ncomp,)
    np.testing.assert_allclose(measures(), before, rtol=1e-9)
    np.testing.assert_allclose(branch.nodes["length"], sum(lengths) / ncomp)


def test_cylinders_stay_cylinders() -> None:
    cell = cylinders()
    cell.branch(3).set_ncomp(2)
    row = cell.branch(3).nodes.iloc[1]
    assert row["radius"] == pytest.approx(0.5) and row["length"] == pytest.approx(150.0)
    assert row["resistive_load_in"] == pytest.approx(75 / (np.pi * 0.25))


def test_values_follow() -> None:
    """Constant ones exactly, others at the new centres; other branches, and what refers to them, are untouched."""
    cell = cylinders()
    cell.branch([0, 1]).insert(rx.HH())
    cell.branch(1).add_to_group("trunk")
    cell.branch(1).set("HH_gNa", [1.0, 2.0, 3.0, 4.0])
    cell.branch(1).set("v", -61.3)
    cell.branch(4).comp(1).record()
    cell.branch(3).comp(2).stimulate(np.ones(3))
    cell.branch(4).make_trainable("radius")
    others = cell.branch([0, 2, 3, 4]).nodes.drop(columns=["global_comp_index"]).reset_index(drop=True)
    view = cell.branch(1)
    view.set_ncomp(2)
    assert len(view) == 2 and cell.shape == (5, 13)
    np.testing.assert_allclose(view.nodes["HH_gNa"], [1.5, 3.5])
    assert list(view.nodes["v"]) == [-61.3, -61.3] and cell.trunk.shape == (1, 2)
    pd.testing.assert_frame_equal(
        cell.branch([0, 2, 3, 4]).nodes.drop(columns=["global_comp_index"]).reset_index(drop=True), others
    )
    assert list(cell.rec_info["rec_index"]) == [12] and list(cell.external_inds["i"]) == [8]
    assert list(cell._trainables[0].rows) == [11, 12]
    view.set_ncomp(8)
    np.testing.assert_allclose(view.nodes["HH_gNa"], [1.5, 1.5, 1.75, 2.25, 2.75, 3.25, 3.5, 3.5])
    assert list(cell.nodes["global_comp_index"]) == list(range(19))


@pytest.mark.parametrize(
    ("prepare", "call", "pattern"),
    [
        (lambda c: c.branch(1).record(), lambda c: c.branch(1).set_ncomp(2), r"delete_recordings\(\) first"),
        (lambda c: c.branch(1).stimulate(np.ones(3)), lambda c: c.set_ncomp(2), r"delete_stimuli\(\) first"),
        (lambda c: c.make_trainable("radius"), lambda c: c.branch(1).set_ncomp(2), r"delete_trainables\(\) first"),
        (
            lambda c: c.branch(1).comp(0).insert(rx.HH()),
            lambda c: c.set_ncomp(2),
            "mechanism HH is in part of branch 1",
        ),
        (lambda c: c.branch(1).comp(0).add_to_group("g"), lambda c: c.set_ncomp(2), "group g is in part of branch 1"),
        (lambda c: None, lambda c: c.branch(1).comp(0).set_ncomp(2), "whole branches"),
        (lambda c: None, lambda c: c.set_ncomp(0), "1 or more, not 0"),
        (lambda c: None, lambda c: c.set_ncomp(1.5), "1 or more, not 1.5"),
        (lambda c: None, lambda c: c.set_ncomp(2, min_radius=0.0), "above 0 um"),
    ],
)
def test_refusals_leave_the_cell_alone(prepare: Any, call: Any, pattern: str) -> None:
    cell = cylinders()
    prepare(cell)
    before = cell.nodes.copy()
    with pytest.raises(ValueError, match=pattern) as caught:
        call(cell)
    assert "\n" not in str(caught.value)
    pd.testing.assert_frame_equal(cell.nodes, before)
