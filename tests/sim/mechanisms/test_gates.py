"""Rate helpers: values, gradients and limits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.mechanisms import (
    exponential_euler,
    linoid,
    linoid_gate,
    save_exp,
    solve_gate_exponential,
    solve_gate_implicit,
    solve_inf_gate_exponential,
)

from .table import L

PRECISIONS = pytest.mark.parametrize(("dtype", "rtol"), [(jnp.float32, 2e-6), (jnp.float64, 1e-13)], ids=["f32", "f64"])


def linoid_slope(x: np.ndarray, k: float) -> np.ndarray:
    """dL/dx; by its series where the closed form cancels."""
    t = np.asarray(x / k)
    near = np.abs(t) < 1e-2
    safe = np.where(near, 1.0, t)
    closed = 1 / -np.expm1(-safe) - safe * np.exp(-safe) / np.expm1(-safe) ** 2
    return np.where(near, 0.5 + t / 6 - t**3 / 180, closed)


@PRECISIONS
@pytest.mark.parametrize("k", [2.63, 6.0, 11.9])
def test_linoid_near_and_far(dtype: Any, rtol: float, k: float) -> None:
    x = jnp.asarray(np.concatenate([np.linspace(-100, 100, 4001), np.geomspace(1e-9, 1, 50), [0.0]]), dtype)
    x64 = np.asarray(x, np.float64)
    # Below exp(-40) the function is cut; it is zero beside the other rate of a gate.
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(lambda y: linoid(y, k))))(x)
    np.testing.assert_allclose(value, L(x64, k), rtol=10 * rtol, atol=1e-13)
    np.testing.assert_allclose(slope, linoid_slope(x64, k), rtol=0, atol=20 * rtol)


@PRECISIONS
def test_linoid_at_zero_is_k_with_slope_one_half(dtype: Any, rtol: float) -> None:
    value, slope = jax.jit(jax.value_and_grad(lambda x: linoid(x, 6.0)))(jnp.zeros((), dtype))
    assert value == 6.0 and slope == 0.5
    assert value.dtype == dtype
    assert jax.jit(jax.grad(lambda k: linoid(jnp.zeros((), dtype), k)))(jnp.asarray(6.0, dtype)) == 1.0


@PRECISIONS
@pytest.mark.parametrize(("opening", "closing"), [(0.182, 0.124), (0.015, 0.015)])
def test_linoid_gate_is_alpha_over_sum_and_sum(dtype: Any, rtol: float, opening: float, closing: float) -> None:
    x = jnp.asarray(np.concatenate([np.linspace(-120, 120, 2001), np.geomspace(1e-9, 1, 50), [0.0]]), dtype)
    x64 = np.asarray(x, np.float64)
    alpha, beta = opening * L(x64, 6.0), closing * L(-x64, 6.0)
    gate = linoid_gate(x, 6.0, opening, closing)
    np.testing.assert_allclose(gate.inf, alpha / (alpha + beta), rtol=0, atol=10 * rtol)
    np.testing.assert_allclose(gate.rate, alpha + beta, rtol=10 * rtol)


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_linoids_against_differences(order: int) -> None:
    """In x and in k, first and second, near 0, at the seam of the series and far; the exponential given or not."""

    def inf_and_rate(x: jax.Array, k: jax.Array) -> jax.Array:
        gate, other = linoid_gate(x, k, 0.2, 0.1), linoid(x - 3.0, k, jnp.exp(-x / k) * jnp.exp(3.0 / k))
        return jnp.sin(gate.inf) + gate.rate**2 + other**2

    function = jax.jit(inf_and_rate if order == 1 else jax.grad(inf_and_rate))
    step, k = 1e-5, jnp.asarray(2.5)
    for x in (-9.0, -0.7, -0.62, -0.3, 0.0, 1e-4, 0.61, 0.64, 2.9, 3.0, 12.0):
        for argument in (0, 1):
            low, high = ([jnp.asarray(x), k] for _ in range(2))
            low[argument], high[argument] = low[argument] - step, high[argument] + step
            difference = (function(*high) - function(*low)) / (2 * step)
            found = jax.jit(jax.grad(function, argument))(jnp.asarray(x), k)
            np.testing.assert_allclose(found, difference, rtol=1e-7, atol=1e-7, err_msg=f"{x} {argument}")


@pytest.mark.parametrize("x", [-1e4, -300.0, 300.0, 1e4])
def test_linoid_never_overflows_in_float32(x: float) -> None:
    for function in (lambda y: linoid(y, 2.63), lambda y: sum(linoid_gate(y, 2.63, 0.2, 0.1))):
        value, slope = jax.jit(jax.value_and_grad(function))(jnp.float32(x))
        assert np.isfinite(value) and np.isfinite(slope)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    x=st.floats(0, 1),
    dt=st.floats(1e-3, 10),
    alpha=st.floats(1e-3, 50),
    beta=st.floats(1e-3, 50),
)
def test_gate_solvers_agree_and_stay_between_start_and_steady_state(
    x: float, dt: float, alpha: float, beta: float
) -> None:
    inf, tau = alpha / (alpha + beta), 1 / (alpha + beta)
    expected = inf + (x - inf) * np.exp(-dt / tau)
    for found in (
        solve_gate_exponential(jnp.asarray(x), dt, jnp.asarray(alpha), jnp.asarray(beta)),
        solve_inf_gate_exponential(jnp.asarray(x), dt, jnp.asarray(inf), jnp.asarray(tau)),
        exponential_euler(jnp.asarray(x), dt, jnp.asarray(inf), jnp.asarray(tau)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    implicit = float(solve_gate_implicit(jnp.asarray(x), dt, jnp.asarray(alpha), jnp.asarray(beta)))
    assert min(x, inf) - 1e-12 <= implicit <= max(x, inf) + 1e-12
    # Backward Euler: the residual at the new value is zero.
    assert abs(implicit - x - dt * (alpha * (1 - implicit) - beta * implicit)) <= 1e-9 * (1 + dt * (alpha + beta))


def test_save_exp_is_cut_at_its_largest_argument() -> None:
    np.testing.assert_allclose(save_exp(jnp.array([-1.0, 2.0, 21.0, 1e9])), np.exp([-1.0, 2.0, 20.0, 20.0]))
    assert save_exp(jnp.array(90.0), max_value=50.0) == pytest.approx(np.exp(50.0))
    assert jax.grad(save_exp)(1e9) == 0.0
