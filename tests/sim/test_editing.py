"""Edits: values, geometry, mechanisms, groups, stimuli and recordings, and what each leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import cylinders


@pytest.fixture
def cell() -> Any:
    return cylinders()


def test_defaults() -> None:
    row = rx.Compartment().nodes.iloc[0]
    found = [row[k] for k in ("length", "radius", "axial_resistivity", "capacitance", "v")]
    assert found == [10.0, 1.0, 5000.0, 1.0, -70.0]
    assert row["area"] == pytest.approx(20 * np.pi)
    assert row["resistive_load_in"] == row["resistive_load_out"] == pytest.approx(5 / np.pi)


def test_set_one_value_or_one_each(cell: Any) -> None:
    cell.set("capacitance", 2.0)
    cell.branch(1).set("capacitance", [1.0, 2.0, 3.0, 4.0])
    cell.branch(1).comp(3).set("capacitance", 9.0)
    assert list(cell.nodes["capacitance"][:6]) == [2.0, 1.0, 2.0, 3.0, 9.0, 2.0]


def test_geometry_follows_length_and_radius(cell: Any) -> None:
    """Exactly the cylinder's: area 2 pi r l, half-compartment load (l/2)/(pi r^2)."""
    cell.set("length", np.linspace(5, 50, 15))
    cell.set("radius", np.linspace(0.5, 3, 15))
    t = cell.nodes
    np.testing.assert_allclose(t["area"], 2 * np.pi * t["radius"] * t["length"], rtol=1e-13)
    np.testing.assert_allclose(t["volume"], np.pi * t["radius"] ** 2 * t["length"], rtol=1e-13)
    for half in ("in", "out"):
        np.testing.assert_allclose(
            t[f"resistive_load_{half}"], t["length"] / 2 / (np.pi * t["radius"] ** 2), rtol=1e-13
        )


def test_insert_and_delete(cell: Any) -> None:
    """Shared names live as long as one mechanism uses them; own ones go with their mechanism."""
    cell.insert(rx.pas())
    cell.branch(0).insert(rx.NaTg())
    cell.branch([0, 1]).insert(rx.Nap_Et2())
    cell.branch(0).set("eNa", 60.0)
    assert cell.nodes["eNa"].notna().sum() == 5
    cell.branch(0).delete("NaTg")
    assert "NaTg" not in cell.mechanisms and "NaTg_gbar" not in cell.nodes
    assert cell.nodes["eNa"][0] == 60.0, "Nap_Et2 still reads it"
    cell.branch(1).delete(rx.Nap_Et2())
    assert cell.nodes["eNa"].notna().sum() == 1
    cell.delete("Nap_Et2")
    assert "eNa" not in cell.nodes
    cell.insert(rx.Nap_Et2())
    assert cell.nodes["eNa"][0] == 50.0


def test_inserting_again_changes_nothing(cell: Any) -> None:
    cell.branch(0).insert(rx.HH())
    cell.branch(0).set("HH_gNa", 0.5)
    cell.insert(rx.HH())
    assert list(cell.nodes["HH_gNa"][:2]) == [0.5, 0.12]


def test_one_class_under_two_names(cell: Any) -> None:
    """A mechanism that was inserted does not change when its owner renames or edits it afterwards."""
    mechanism = rx.Leak()
    cell.insert(mechanism)
    cell.insert(mechanism.change_name("Other"))
    assert cell.mechanisms == ["Leak", "Other"]
    cell.set("Other_gLeak", 0.0)
    cell.record()
    assert np.isfinite(rx.integrate(cell, t_max=1.0)).all()


def test_a_table_of_many_columns_is_silent(cell: Any) -> None:
    """pandas warned of a fragmented table once a cell had a hundred parameters and states."""
    for i in range(12):
        cell.insert(rx.HH(f"HH{i}"))
    assert len(cell.nodes.columns) > 120


def test_other_options_need_another_name(cell: Any) -> None:
    cell.branch(0).insert(rx.Im(temperature=34.0))
    with pytest.raises(ValueError, match=r"other options.*change_name"):
        cell.branch(1).insert(rx.Im(temperature=20.0))
    cell.branch(1).insert(rx.Im(temperature=20.0).change_name("ImCold"))
    assert cell.mechanisms == ["Im", "ImCold"]


def test_what_is_recorded_or_trainable_is_not_deleted(cell: Any) -> None:
    """Neither a state, nor a parameter, nor a current that nothing else carries."""
    cell.insert(rx.HH())
    cell.insert(rx.pas())
    for use, undo, pattern in (
        (lambda: cell.branch(1).record("HH_m"), cell.delete_recordings, "HH_m is recorded"),
        (lambda: cell.record("i_HH"), cell.delete_recordings, "i_HH is recorded"),
        (lambda: cell.branch(1).make_trainable("HH_gNa"), cell.delete_trainables, "HH_gNa is trainable"),
    ):
        use()
        with pytest.raises(ValueError, match=pattern):
            cell.delete("HH")
        cell.branch(0).delete("pas")
        undo()
    cell.delete("HH")
    assert cell.mechanisms == ["pas"]


def test_a_pool_without_channels_runs(cell: Any) -> None:
    """Its calcium current is zero: calcium decays to its floor."""
    cell.insert(rx.CaDynamics_E2())
    cell.branch(0).record("CaCon_i")
    found = np.asarray(rx.integrate(cell, t_max=1.0))[0]
    assert found[-1] == pytest.approx(1e-4 + (5e-5 - 1e-4) * np.exp(-1 / 80), rel=1e-9)


def test_parts_bring_what_they_have() -> None:
    """Mechanisms, groups, recordings, stimuli and trainables of compartments and branches go into the whole."""
    comp = rx.Compartment()
    comp.insert(rx.HH())
    comp.set("HH_gNa", 0.2)
    plain = rx.Compartment()
    branch = rx.Branch([comp, plain, comp])
    branch.comp(2).stimulate(np.ones(4))
    branch.comp(2).record("HH_n")
    branch.comp([0, 2]).make_trainable("HH_gK")
    branch.comp(0).add_to_group("hot")
    cell = rx.Cell([rx.Branch(plain, 2), branch], parents=[-1, 0])
    assert list(cell.nodes["HH"]) == [False, False, True, False, True]
    assert list(cell.nodes["HH_gNa"].dropna()) == [0.2, 0.2]
    assert list(cell.hot.nodes["global_comp_index"]) == [2]
    assert list(cell.external_inds["i"]) == [4] and cell.externals["i"].shape == (1, 4)
    assert cell.rec_info.iloc[0].to_list() == [4, "HH_n"]
    np.testing.assert_array_equal(cell.get_parameters()[0]["HH_gK"], [0.036, 0.036])
    assert rx.integrate(cell, cell.get_parameters()).shape == (1, 5)
    assert rx.Branch(comp, 4).shape == (4,)


def test_steady_states(cell: Any) -> None:
    """`init_states` puts gates at rest at the table's v, compartment by compartment; v itself stays."""
    cell.insert(rx.HH())
    cell.set("v", -65.0)
    cell.branch(1).set("v", -50.0)
    cell.init_states()
    m = cell.nodes["HH_m"].to_numpy()
    assert m[0] == pytest.approx(0.05293, abs=1e-5)
    assert m[1] > 0.2 and m[0] == m[5]
    assert list(cell.nodes["v"][:2]) == [-65.0, -50.0]


def test_deleting_stimuli_and_recordings(cell: Any) -> None:
    cell.branch([0, 1]).stimulate(np.ones(3))
    cell.branch(1).comp(0).stimulate(np.ones(5))
    assert cell.externals["i"].shape == (6, 5)
    cell.branch(1).delete_stimuli()
    assert list(cell.external_inds["i"]) == [0] and cell.externals["i"].shape == (1, 5)
    cell.delete_stimuli()
    assert cell.externals == {} and cell.external_inds == {}
    cell.record()
    cell.branch(1).delete_recordings()
    assert list(cell.rec_info["rec_index"]) == [0, *range(5, 15)]


def test_path_distances(cell: Any) -> None:
    """From the middle of the trunk: half of it, then along the branches to each compartment's middle."""
    found = cell.distance_pathwise(cell.branch(0).loc(0.5))
    np.testing.assert_allclose(found[:8], [0, 35, 85, 135, 185, 10 + 200 + 20, 10 + 200 + 60, 10 + 200 + 100])
    np.testing.assert_allclose(found[13:], [10 + 22.5, 10 + 67.5])
