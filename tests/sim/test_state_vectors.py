"""The dynamic states as a vector: nothing that a step needs is lost, nothing else is in it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim import build_dynamic_state_utils, build_init_and_step_fn

from .cells import DT, layer5, spiking


@pytest.fixture(scope="module")
def model() -> Any:
    """A cell with a current recorded that nothing reads, and a pool that reads the calcium current of the step before.

    Parameters, a state some steps into a run, the step at a constant current, and the four functions.
    """
    cell = layer5()
    cell.branch(0).comp(0).record("i_Na")
    init_fn, step_fn = build_init_and_step_fn(cell)
    states, parameters = init_fn(cell.get_parameters())

    def step(states: Any) -> Any:
        return step_fn(states, parameters, {"i": jnp.asarray([0.5])}, delta_t=DT)

    for _ in range(4):
        states = step(states)
    return cell, parameters, states, step, build_dynamic_state_utils(cell)


def test_a_step_through_the_vector_is_the_step(model: Any) -> None:
    _, parameters, states, step, (remove, add, flatten, unflatten) = model
    x = flatten(remove(states))
    again = add(unflatten(x), parameters, DT)
    assert set(again) == set(states)
    assert all(again[key].shape == states[key].shape for key in states)
    expected, found = step(states), step(again)
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)
    np.testing.assert_array_equal(flatten(remove(again)), x)


def test_what_is_dynamic(model: Any) -> None:
    cell, _, states, _, (remove, _, flatten, unflatten) = model
    dynamic = remove(states)
    nodes = cell.nodes
    here = nodes["Ih"].to_numpy(dtype=bool)
    assert not here.all()
    np.testing.assert_array_equal(dynamic["Ih_m"], np.asarray(states["Ih_m"])[here])
    assert len(dynamic["v"]) == len(nodes) < len(states["v"])
    # The calcium pool reads the calcium current of the step before; nothing reads the others.
    assert [key for key in dynamic if key.startswith("i_")] == ["i_Ca"]
    assert {key for key in states if key.startswith("i_")} > {"i_Ca"}
    x = flatten(dynamic)
    assert len(x) == sum(len(value) for value in dynamic.values())
    np.testing.assert_array_equal(x[: len(nodes)], dynamic["v"])
    back = unflatten(x)
    assert list(back) == list(dynamic)
    jax.tree.map(np.testing.assert_array_equal, back, dynamic)


def test_observables(model: Any) -> None:
    """Branch points where no current stays, currents at the present states, zeros where a mechanism is not."""
    cell, parameters, states, _, (remove, add, _, _) = model
    again = add(remove(states), parameters, DT)
    np.testing.assert_allclose(again["v"], states["v"], rtol=1e-13)
    v = np.asarray(again["v"])[: len(cell.nodes)]
    np.testing.assert_allclose(again["i_pas"], cell.nodes["pas_g"] * (v - cell.nodes["pas_e"]), rtol=1e-12)
    # That of a step is told at the voltage of its start.
    assert not np.allclose(again["i_pas"], states["i_pas"], rtol=1e-6)
    np.testing.assert_array_equal(again["Ih_m"], states["Ih_m"])
    assert (np.asarray(again["Ih_m"])[~cell.nodes["Ih"].to_numpy(dtype=bool)] == 0.0).all()


def test_derivatives_through_the_vector() -> None:
    cell = spiking(((1, 20.0, 10.0, -1), (1, 50.0, 1.0, 0), (1, 40.0, 1.0, 0)))
    cell.make_trainable("HH_gNa")
    init_fn, step_fn = build_init_and_step_fn(cell)
    states, _ = init_fn(cell.get_parameters())
    remove, add, flatten, unflatten = build_dynamic_state_utils(cell)

    def step(x: Any, g: Any) -> Any:
        _, parameters = init_fn([{"HH_gNa": g}])
        full = step_fn(add(unflatten(x), parameters, DT), parameters, {"i": jnp.asarray([0.5])}, delta_t=DT)
        return flatten(remove(full))

    @jax.jit
    def everything(x: Any, g: Any) -> Any:
        return step(x, g), jax.jacfwd(step)(x, g), jax.grad(lambda g: step(x, g)[0])(g)

    x, g = flatten(remove(states)), jnp.asarray([0.12])
    _, jacobian, by_parameter = everything(x, g)
    assert jacobian.shape == (12, 12)
    assert np.isfinite(jacobian).all()
    small = 1e-5
    for k in (0, 2, 5):
        shift = jnp.zeros_like(x).at[k].set(small)
        slope = (everything(x + shift, g)[0] - everything(x - shift, g)[0]) / (2 * small)
        np.testing.assert_allclose(jacobian[:, k], slope, rtol=1e-6, atol=1e-8)
    slope = (everything(x, g + small)[0][0] - everything(x, g - small)[0][0]) / (2 * small)
    np.testing.assert_allclose(by_parameter[0], slope, rtol=1e-6)


def test_refusals() -> None:
    cell = rx.Cell()
    cell.insert(rx.Leak())
    remove, _, flatten, unflatten = build_dynamic_state_utils(cell)
    with pytest.raises(ValueError, match="'v' is missing"):
        remove({"Leak": 0.0})
    with pytest.raises(ValueError, match="'v' is missing"):
        flatten({})
    with pytest.raises(ValueError, match=r"a vector of 1 states, not shape \(2,\)"):
        unflatten(jnp.zeros(2))
