"""The matrix of exponential Euler, built ahead and kept with a module: same runs, refusals where it does not fit."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

DT, N = 0.025, 40


def network() -> Any:
    """Two equal branched cells, one of which a gap junction joins to a third, with calcium that diffuses."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1, 0, 0])
    cell.set("axial_resistivity", 300.0)
    cell.branch(1).set("radius", 0.7)
    for mechanism in (rx.Leak(), rx.CaPump()):
        cell.insert(mechanism)
    cell.diffuse("CaCon_i")
    cell.branch(2).set("CaCon_i", 3e-4)
    net = rx.Network([cell, rx.Cell(rx.Branch(rx.Compartment(), 3)), cell])
    rx.connect(net.cell(0).branch(1).loc(1.0), net.cell(1).branch(0).loc(0.0), rx.GapJunction())
    net.cell(0).branch(0).loc(0.0).stimulate(rx.step_current(0.2, 0.5, 0.5, DT, N * DT)[:N])
    for view in (net.cell(0).branch(2).loc(1.0), net.cell(1).branch(0).loc(1.0), net.cell(2).branch(0).loc(0.0)):
        view.record()
    net.cell(0).branch(1).loc(0.0).record("CaCon_i")
    return net


def test_a_kept_matrix_changes_no_run() -> None:
    net = network()
    expected = rx.integrate(net, solver="exp_euler")
    matrix = net.build_exp_euler_transition_matrix(DT)
    n = net.shape[2]
    assert matrix.shape == (2, n, n)
    np.testing.assert_allclose(matrix.sum(axis=2), 1.0, rtol=1e-12, err_msg="what is equal everywhere stays so")
    assert not matrix[:, :6, 9:].any() and matrix[0, :6, 6:9].all() and not matrix[1, :6, 6:9].any()
    net.customize_solver_exp_euler(exp_euler_transition=matrix)
    np.testing.assert_allclose(rx.integrate(net, solver="exp_euler"), expected, rtol=1e-12, atol=1e-12)
    run = rx.batched(net.copy(), delta_t=DT, solver="exp_euler")
    np.testing.assert_allclose(run([])[0], expected, rtol=1e-12, atol=1e-12)
    net.customize_solver_exp_euler(None)
    np.testing.assert_array_equal(rx.integrate(net, solver="exp_euler"), expected)


def test_the_step_api_takes_the_kept_matrix() -> None:
    """With the matrix of no time at all the cable carries nothing: so the one given is the one used."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 3))
    cell.insert(rx.Leak())
    cell.comp(0).set("v", -20.0)
    cell.customize_solver_exp_euler(jnp.eye(3)[None])
    init_fn, step_fn = rx.build_init_and_step_fn(cell, solver="exp_euler")
    states, all_params = init_fn()
    alone = step_fn(states, all_params, {}, {}, delta_t=DT)["v"]
    np.testing.assert_allclose(alone[1:], -70.0, atol=1e-9)
    assert -70.0 < alone[0] < -20.0
    cell.customize_solver_exp_euler(cell.build_exp_euler_transition_matrix(DT))
    init_fn, step_fn = rx.build_init_and_step_fn(cell, solver="exp_euler")
    cell.customize_solver_exp_euler()
    by_hand = rx.build_init_and_step_fn(cell, solver="exp_euler")[1](states, all_params, {}, {}, delta_t=DT)["v"]
    found = step_fn(states, all_params, {}, {}, delta_t=DT)["v"]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    assert found[1] > -69.99


def test_refusals() -> None:
    net = network()
    matrix = np.asarray(net.build_exp_euler_transition_matrix(DT))
    with pytest.raises(ValueError, match=r"shape \(2, 15, 15\), a matrix for each of v, CaCon_i, not \(15, 15\)"):
        net.customize_solver_exp_euler(matrix[0])
    with pytest.raises(ValueError, match="finite"):
        net.customize_solver_exp_euler(matrix * np.nan)
    with pytest.raises(ValueError, match="compartments 0 and 9 are of cells"):
        net.customize_solver_exp_euler(np.ones_like(matrix))
    with pytest.raises(ValueError, match="above 0 ms"):
        net.build_exp_euler_transition_matrix(0.0)
    net.customize_solver_exp_euler(matrix)
    with pytest.raises(ValueError, match="fixed, but radius is not"):
        rx.integrate(net, param_state=net.cell(0).data_set("radius", 2.0), solver="exp_euler")
    with pytest.raises(ValueError, match="fixed, but GapJunction_g is not"):
        init_fn, _ = rx.build_init_and_step_fn(net, solver="exp_euler")
        init_fn([], param_state=net.GapJunction.data_set("GapJunction_g", 1.0))
    net.set("radius", 2.0)
    with pytest.raises(ValueError, match="edited since customize_solver_exp_euler; call"):
        rx.integrate(net, solver="exp_euler")
