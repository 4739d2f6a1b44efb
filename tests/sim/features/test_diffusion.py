"""Concentrations that diffuse along the cable (row D1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

DT, N = 0.025, 40


def pumped(cell: Any) -> Any:
    """Calcium that nothing but diffusion changes."""
    cell.insert(rx.CaPump())
    cell.set("CaPump_decay", 1e15)
    cell.diffuse("CaCon_i")
    return cell


def test_two_compartments() -> None:
    """Their difference falls by 1 / (1 + 2 D dt / l^2) in each step of backward Euler."""
    cell = pumped(rx.Cell(rx.Branch(rx.Compartment(), 2)))
    cell.set("axial_diffusion_CaCon_i", 3.0)
    cell.set("CaCon_i", [1e-4, 3e-4])
    cell.branch(0).comp("all").record("CaCon_i")
    c = rx.integrate(cell, t_max=N * DT)
    factor = 1.0 / (1.0 + 2.0 * 3.0 * DT / 10.0**2)
    np.testing.assert_allclose(c[1] - c[0], 2e-4 * factor ** np.arange(N + 1), rtol=1e-11)


def test_nothing_is_lost_where_branches_meet() -> None:
    cell = pumped(rx.Cell([rx.Branch(rx.Compartment(), n) for n in (2, 1, 3)], parents=[-1, 0, 0]))
    cell.branch(1).set("radius", 2.5)
    cell.branch(0).set("CaCon_i", 5e-4)
    cell.comp("all").record("CaCon_i")
    c = np.asarray(rx.integrate(cell, t_max=N * DT))
    amount = cell.nodes["volume"].to_numpy() @ c
    np.testing.assert_allclose(amount, amount[0], rtol=1e-11)
    assert np.ptp(c[:, -1]) < np.ptp(c[:, 0]) and (c[2:, -1] > c[2:, 0]).all()


def test_switched_on_and_off() -> None:
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2))
    with pytest.raises(ValueError, match="no mechanism here has this concentration"):
        cell.diffuse("CaCon_i")
    cell.insert(rx.CaPump())
    cell.comp(0).diffuse("CaCon_i")
    assert list(cell.nodes["axial_diffusion_CaCon_i"]) == [1.0, 0.0]
    with pytest.raises(ValueError, match="CaCon_i diffuses; call delete_diffusion"):
        cell.delete("CaPump")
    cell.delete_diffusion("CaCon_i")
    cell.delete("CaPump")
    assert "axial_diffusion_CaCon_i" not in cell.nodes
